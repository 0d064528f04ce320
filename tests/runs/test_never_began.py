import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from crossbar_hil import load_run
from crossbar_hil.errors import RunError
from crossbar_hil.guard.lock import run_lock
from crossbar_hil.runs.store import list_facts, list_runs

from ..forking import FORKED

# A program that kills itself when the record of its run is about to be made, or to get its name.
KILLED = """
import os, signal, sys
from pathlib import Path
from crossbar_hil.runs import training
from crossbar_hil.spiking import work
from crossbar_hil.cli.verbs import main

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv.pop(1) == "before":
    training.create_record = work.write_record = die
else:
    Path.rename = Path.replace = die
main()
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Kill a program when its run is about to begin, wait for its guard, and return the folder that it leaves."""

    def kill(where, *words):
        home = tmp_path_factory.mktemp("killed")
        places = {"XDG_STATE_HOME": str(home / "state")}
        done = subprocess.run(  # the guard has the same standard error, so this waits for both
            [FORKED, "-c", KILLED, where, *words, "--seed", "1", "--no-report", "--quiet"],
            cwd=home, env={**os.environ, **places}, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, done.stderr
        (folder,) = (home / "runs").iterdir()
        return folder

    return kill


@pytest.fixture(scope="module")
def on_a_bench(killed):
    return killed("before", "train", "--bench", "emulated")


TOLD = "never began, nothing was sent"


@pytest.mark.fault("H1")
def test_a_killed_start_on_a_bench_is_listed_and_every_verb_says_what_it_is(on_a_bench, cli):
    assert (on_a_bench / "journal.sqlite").exists()
    out = on_a_bench.parent
    (listed,) = json.loads(cli("runs", "--json", "--out", out).out)
    assert (listed["name"], listed["status"]) == (on_a_bench.name, TOLD)
    assert TOLD in cli("runs", "--out", out).out
    for verb in (("resume",), ("show",), ("verify",), ("report",), ("predict",), ("export", "--to", "csv")):
        for which in (on_a_bench, on_a_bench.name, "latest"):
            done = cli(verb[0], which, *verb[1:], "--out", out)
            assert (done.code, done.out) == (1, ""), verb
            assert done.err == f"crossbar-hil: run {on_a_bench.name} {TOLD}\n"


@pytest.mark.parametrize(
    "words", [("train",), ("snn", "train", "--dataset", "stripes"), ("snn", "train", "--classes", "0,1")]
)
def test_a_start_that_is_killed_before_its_record_has_its_name_never_began(killed, words):
    folder = killed("whole", *words)
    assert list_runs(folder.parent) == []
    assert [facts["status"] for facts in list_facts(folder.parent)] == [TOLD]
    with pytest.raises(RunError, match=TOLD):
        load_run(folder)


def test_the_empty_folder_of_a_run_never_began(tmp_path):
    (tmp_path / "2026-11-29T13-45-08Z_manhattan_4x4_596f").mkdir()
    (tmp_path / "notes").mkdir()
    assert [facts["status"] for facts in list_facts(tmp_path)] == [TOLD]


def test_a_record_that_0_1_0_never_finished_is_of_a_run_that_never_began(tmp_path):
    folder = tmp_path / "2026-11-29T13-45-08Z_manhattan_4x4_596f"
    folder.mkdir()
    (folder / "run.sqlite").touch()
    with pytest.raises(RunError, match=TOLD):
        load_run(folder)


def test_pulses_in_the_journal_of_a_run_without_record_are_told(tmp_path):
    (emulated,) = (each.parent for each in Path(__file__).parent.glob("written_by_0_1_0/*/journal.sqlite"))
    folder = shutil.copytree(emulated, tmp_path / emulated.name)
    (folder / "run.sqlite").unlink()
    (facts,) = list_facts(tmp_path)
    assert facts["status"].startswith("has no record, but its journal holds 8 pulses that were sent and 0 that may")


def test_a_damaged_journal_without_record_is_told(on_a_bench, tmp_path):
    folder = shutil.copytree(on_a_bench, tmp_path / on_a_bench.name)
    (folder / "journal.head").unlink()
    with pytest.raises(RunError, match=r"never began, but its journal is not whole \(journal\.head is missing"):
        load_run(folder)


def test_a_run_that_cannot_be_read_does_not_hide_the_others(converged_run, tmp_path):
    for name in ("a", "b"):
        shutil.copytree(converged_run, tmp_path / name)
    (tmp_path / "a" / "run.sqlite").write_bytes(b"no database" * 100)
    first, second = list_facts(tmp_path)
    assert "cannot be read" in first["status"]
    assert second["status"] == "done"


def test_a_run_of_the_other_kind_is_refused_in_one_sentence(cli):
    (digits,) = Path(__file__).parent.glob("written_by_0_1_0/*digits*")
    assert cli("predict", digits).err == (
        f"crossbar-hil: run {digits.name} is of a spiking network, for which there is no predict\n"
    )
    (trained,) = Path(__file__).parent.glob("written_by_0_1_0/*596f")
    assert "is of a chip, for which there is no test" in cli("snn", "test", trained).err


def test_a_run_that_is_being_started_is_not_taken_for_one_that_never_began(tmp_path, cli):
    folder = tmp_path / "runs" / "2026-01-01T00-00-00Z_manhattan_4x4_0000"
    folder.mkdir(parents=True)
    with run_lock(folder, folder.name):
        (listed,) = list_facts(folder.parent)
        assert f"is being started by process {os.getpid()}" in listed["status"]
        assert "is being started by" in cli("resume", folder).err
    (listed,) = list_facts(folder.parent)
    assert listed["status"] == TOLD
