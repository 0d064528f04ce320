"""The long runs of journal damage: every cut, many flips, many kills, and every call to the disk failing in turn."""

import os
import random
import runpy
import shutil
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from crossbar_hil.guard.journal import Journal, read_journal

damage = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "guard" / "damage.py")))
pytestmark = pytest.mark.campaign
WINDOW = 64 << 10
FLIPS = 10_000


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    return damage.sample(tmp_path_factory.mktemp("killed"), carried=12, logged=18)


@pytest.fixture(scope="module")
def rest(tmp_path_factory):
    return damage.sample(tmp_path_factory.mktemp("rest"), carried=200, logged=20, at_rest=True)


@pytest.fixture
def say(capsys):
    def say(what, counts):
        with capsys.disabled():
            print(f"\n{what}: {sum(counts.values())} journals, {dict(counts)}")  # noqa: T201

    return say


@pytest.mark.fault("D5", "V12")
@pytest.mark.parametrize("head", ["head", "old_head"])
def test_the_log_cut_at_each_of_its_last_64_kib(killed, say, head):
    assert len(killed.log) > WINDOW
    say(f"log cut, {head}", damage.cuts(killed, "log", getattr(killed, head), WINDOW))


@pytest.mark.fault("D5", "V12")
def test_the_database_and_the_head_cut_at_each_of_their_last_64_kib(killed, rest, say):
    assert len(rest.database) > WINDOW
    say("database at rest cut", damage.cuts(rest, "database", rest.head, WINDOW))
    say("database with a log cut", damage.cuts(killed, "database", killed.head, WINDOW))
    say("head cut", damage.cuts(rest, "head", rest.head, WINDOW))


@pytest.mark.fault("D6", "X24", "V12")
@pytest.mark.parametrize(
    ("which", "part", "head"),
    [
        ("killed", "log", "head"),
        ("killed", "log", "old_head"),
        ("killed", "database", "head"),
        ("rest", "database", "head"),
        ("rest", "head", "head"),
    ],
)
def test_bits_flipped_at_random(request, say, which, part, head):
    whole = request.getfixturevalue(which)
    rng = random.Random(f"{which} {part} {head}")
    say(f"{which}, {part} flipped, {head}", damage.flips(whole, part, getattr(whole, head), FLIPS, rng))


@pytest.mark.fault("V12", "H2")
def test_killed_at_300_random_moments(tmp_path, say):
    program = (
        "import sys\nfrom crossbar_hil.guard.journal import Journal\n"
        "class Short(Journal):\n    LOG_COMMITS = 7\n"
        "journal = Short.create(sys.argv[1], {})\n"
        "while True:\n    number = journal.append('intent', {'text': 'x' * 500})\n    journal.commit()\n"
        "    print(number, flush=True)\n"
    )
    rng = random.Random(0)
    counts = Counter()
    for number in range(300):
        path = tmp_path / str(number) / "journal.sqlite"
        path.parent.mkdir()
        with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True) as child:
            for _ in range(rng.randrange(1, 60)):
                acknowledged = int(child.stdout.readline())
            child.send_signal(signal.SIGKILL)
            acknowledged = max([acknowledged, *(int(line) for line in child.stdout if line.endswith("\n"))])
        assert len(read_journal(path)) >= acknowledged
        with closing(Journal.open(path)) as journal:
            counts["one more than acknowledged" if len(journal.entries) > acknowledged else "as acknowledged"] += 1
            assert len(journal.entries) <= acknowledged + 1
        shutil.rmtree(path.parent)
    say("killed", counts)


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
static long calls;
static int fails(const char *name) {
    const char *which = getenv("FAIL_CALL");
    if (!which || strcmp(which, name)) return 0;
    if (++calls != atol(getenv("FAIL_AT"))) return 0;
    errno = atoi(getenv("FAIL_ERRNO"));
    return 1;
}
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
int fsync(int f) { return fails("sync") ? -1 : REAL(fsync)(f); }
int fdatasync(int f) { return fails("sync") ? -1 : REAL(fdatasync)(f); }
ssize_t pwrite(int f, const void *b, size_t n, off_t o) { return fails("write") ? -1 : REAL(pwrite)(f, b, n, o); }
ssize_t pwrite64(int f, const void *b, size_t n, off64_t o) { return fails("write") ? -1 : REAL(pwrite64)(f, b, n, o); }
int ftruncate(int f, off_t n) { return fails("truncate") ? -1 : REAL(ftruncate)(f, n); }
int ftruncate64(int f, off64_t n) { return fails("truncate") ? -1 : REAL(ftruncate64)(f, n); }
"""
STEADY = """
import sys
from crossbar_hil.errors import JournalError
from crossbar_hil.guard.journal import Journal
class Short(Journal):
    LOG_COMMITS = 4
try:
    journal = Short.create(sys.argv[1], {})
except JournalError as error:
    sys.exit(f"not made: {error}")
print(1, flush=True)
failed = ""
for attempt in range(14):
    try:
        number = journal.append("intent", {"text": "x" * 900})
        journal.commit()
    except JournalError as error:
        failed = str(error)
    else:
        assert not failed, "written after a failure"
        print(number, flush=True)
try:
    journal.close()
except JournalError as error:
    failed = failed or str(error)
sys.exit(f"failed: {failed}" if failed else 0)
"""


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("cc"), reason="a library loaded first, on Linux")
@pytest.mark.fault("D1", "D2", "D3", "D4")
@pytest.mark.parametrize(
    ("call", "number", "word"), [("sync", 5, "EIO"), ("write", 28, "ENOSPC"), ("truncate", 5, "EIO")]
)
def test_every_call_to_the_disk_fails_once(tmp_path, say, call, number, word):
    (tmp_path / "shim.c").write_text(SHIM)
    shim = tmp_path / "shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, tmp_path / "shim.c", "-ldl"], check=True)
    counts = Counter()
    for at in range(1, 1000):
        folder = tmp_path / str(at)
        folder.mkdir()
        environ = {
            **os.environ,
            "LD_PRELOAD": str(shim),
            "FAIL_CALL": call,
            "FAIL_AT": str(at),
            "FAIL_ERRNO": str(number),
        }
        command = [sys.executable, "-c", STEADY, str(folder / "journal.sqlite")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
        assert "Traceback" not in done.stderr, done.stderr
        acknowledged = [int(line) for line in done.stdout.split()]
        if done.stderr.startswith("not made"):
            assert os.listdir(folder) == []
            counts["not made"] += 1
            continue
        with closing(Journal.open(folder / "journal.sqlite")) as journal:
            assert [entry.number for entry in journal.entries][: len(acknowledged)] == acknowledged
            assert len(journal.entries) <= len(acknowledged) + 1
        counts["stopped" if done.returncode else "no harm"] += 1
        if not done.returncode and len(acknowledged) == 15 and at > 60:
            break
    assert counts["stopped"]
    say(f"call {call} fails once with {word}", counts)
