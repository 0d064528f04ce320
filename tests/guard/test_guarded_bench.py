"""A whole guarded bench: trainer, guard and emulated bench as three processes."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import make_emulated, open_backend
from crossbar_hil.errors import BenchBusy, ConfigError, GuardError, LimitError, RunError, Stopped
from crossbar_hil.guard.journal import Journal, read_journal
from crossbar_hil.guard.keeper import Keeper
from crossbar_hil.guard.opening import open_guarded
from crossbar_hil.runs.audit.verification import verify_run
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training_run import resume_and_record
from crossbar_hil.testing import BackendContract
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer

from ..called import called
from ..campaigns.faulty_bench import Kept
from ..forking import FORKED, joining, real_starts
from .kept import PATIENT_S, small

PULSE = Pulse(2.0, 0.05)
SEED = 1
TASK = "pattern,label,set\n10,1,train\n01,0,train\n11,1,train\n"
SHORT = {"epochs": 7, "pull_back": True, "beta": 1e7}
"""Six updates of two pulses each with that task, which is enough to be killed in."""
LOOK_S = 0.02
"""Between two looks at a process of its own: more often would only take its processor."""


@pytest.fixture(autouse=True)
def own_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def bench_of(name="emulated"):
    """Return a shipped bench with two rows and two columns."""
    return small(name, PATIENT_S)


@contextmanager
def guarded(folder, name):
    """A chip behind its guard, on instruments in a process of their own."""
    folder.mkdir()
    with open_guarded(bench_of(name), seed=SEED, folder=folder) as backend:
        yield backend


@contextmanager
def guarded_here(folder, name="emulated"):
    """The same on instruments that this process serves, which spares a process."""
    folder.mkdir()
    with (
        make_emulated(bench_of(name), SEED, log=folder / "physical.jsonl", proven=True) as served,
        open_guarded(at_addresses(served), seed=SEED, folder=folder) as backend,
    ):
        yield backend


def at_addresses(served):
    """Return the bench with instruments that are served elsewhere."""
    bench = bench_of()
    instruments = {
        name: table.model_copy(update={"resource": served.resources[name]}) for name, table in bench.instruments.items()
    }
    return bench.model_copy(update={"instruments": instruments})


def physical(folder, *events):
    lines = [json.loads(line) for line in (folder / "physical.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["event"] in events]


def left_on(folder):
    """Return which sources are on and which relays closed at the end of the physical log."""
    on, closed = {}, set()
    for line in physical(folder, "begin", "source", "relays"):
        if line["event"] == "begin":
            on, closed = {}, set()
        elif line["event"] == "source":
            on[line["name"]] = line["on"] and line["level_v"]
        else:
            closed = closed - {tuple(each) for each in line["opened"]} | {tuple(each) for each in line["closed"]}
    return [name for name, state in on.items() if state is not False], closed


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """The file of a bench with a task for two by two cells, of which it does not learn all."""
    folder = tmp_path_factory.mktemp("short")
    (folder / "task.csv").write_text(TASK, encoding="utf-8")
    bench = small("emulated", PATIENT_S, json.dumps({"training": {**SHORT, "patterns": str(folder / "task.csv")}}))
    (folder / "short.toml").write_text(bench.as_toml(), encoding="utf-8")
    return str(folder / "short.toml")


@pytest.fixture(scope="module")
def uninterrupted(short):
    """The training that every interrupted one must come to: on the bare bench, without guard."""
    bench = load_bench(short)
    task = PatternSet.from_csv(bench.training.pattern_file)
    with called(), open_backend(bench, seed=SEED) as backend:
        return make_trainer(bench.training, backend).run(task.train, task.train_labels)


@contextmanager
def kept_here(path):
    """A chip behind a keeper and a journal in this process, whose instruments are called."""
    with (
        called(),
        closing(Journal.create(path, {"run": path.parent.name, "token": "here"})) as journal,
        open_backend(bench_of(), seed=SEED) as chip,
        Kept(Keeper(chip, journal, check_v=0.1)) as kept,
    ):
        yield kept


@pytest.mark.fault("V20", "F6")
class TestKeptContract(BackendContract):
    """The contract, with keeper and journal between; in one process, since a guard takes its time to start."""

    relative_tolerance = 1e-5

    @pytest.fixture
    def backend(self, tmp_path):
        with kept_here(tmp_path / "journal.sqlite") as kept:
            yield kept


@dataclass
class Visit:
    """What came of a guarded bench that was read, asked for too high a pulse, read again, and left."""

    session: int
    """Session of processes that the guard was in, and its number."""
    guard_pid: int

    folder: Path
    kind: str
    readings: list[np.ndarray]
    refusal: LimitError
    report: dict


@pytest.fixture(scope="module", params=["emulated", "emulated-single"])
def visited(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("visited")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        (folder / "here").mkdir()
        (folder / "here" / "json.py").write_text("raise SystemExit(3)\n")  # which no part of a guard is
        patch.chdir(folder / "here")
        # One guard really starts; so do instruments of their own in tests/bench.
        how = (real_starts, guarded_here) if request.param == "emulated" else (nullcontext, guarded)
        with how[0](), how[1](folder / "s", request.param) as backend:
            session = os.getsid(backend.guard_pid)
            readings = [backend.read_conductances(0.1)]
            with pytest.raises(LimitError) as refusal:
                backend.send_pulses(np.ones((2, 2), int), Pulse(3.5, 0.05))
            readings.append(backend.read_conductances(0.1))
    return request.param, Visit(
        session, backend.guard_pid, folder / "s", backend.kind, readings, refusal.value, backend.safe_report
    )


def test_a_guarded_chip_reads_as_the_bare_one(visited):
    name, visit = visited
    with called(), open_backend(bench_of(name), seed=SEED) as bare:
        expected = bare.read_conductances(0.1)
    assert np.array_equal(visit.readings[0], expected)
    assert visit.kind == "emulated"


@pytest.mark.fault("H4", "O1")
def test_a_guard_is_in_a_session_of_its_own_where_no_terminal_reaches_it(visited):
    """By the table of processes: Ctrl-C and a terminal that closes go to every process of its session."""
    _, visit = visited
    assert visit.session == visit.guard_pid != os.getsid(0)


@pytest.mark.fault("V6")
def test_leaving_the_block_leaves_outputs_off_and_relays_open(visited):
    _, visit = visited
    assert left_on(visit.folder) == ([], set())
    assert visit.report["confirmed"]


@pytest.mark.fault("V6")
def test_an_error_in_the_block_leaves_outputs_off_and_relays_open(tmp_path):
    with pytest.raises(ZeroDivisionError), guarded_here(tmp_path / "s") as backend:
        _ = backend.read_conductances(0.1) / [1 // 0]
    assert left_on(tmp_path / "s") == ([], set())
    assert "ZeroDivisionError" in read_journal(tmp_path / "s" / "journal.sqlite")[-1].body["cause"]


@pytest.mark.fault("F7")
def test_a_refused_pulse_sends_nothing_and_the_bench_goes_on(visited):
    _, visit = visited
    assert "exceeds the limit" in str(visit.refusal)
    assert np.array_equal(*visit.readings)
    assert physical(visit.folder, "exposure") == []


@pytest.mark.fault("O3")
@pytest.mark.fault("V16")
def test_a_second_guard_on_the_same_instruments_is_refused_and_told_who_holds_them(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    with make_emulated(bench_of(), SEED, proven=True) as served:
        bench = at_addresses(served)
        with open_guarded(bench, seed=1, folder=tmp_path / "a") as backend:
            with pytest.raises(BenchBusy, match=str(backend.guard_pid)):
                open_guarded(bench, seed=1, folder=tmp_path / "b")
            assert backend.read_conductances(0.1).shape == (2, 2)
        with open_guarded(bench, seed=1, folder=tmp_path / "c"):
            pass  # released


def test_a_real_bench_without_the_name_of_its_chip_is_refused(tmp_path):
    bench = load_bench("emulated").model_copy(update={"kind": "hardware"})
    with pytest.raises(ConfigError, match="chip_id"):
        open_guarded(bench, seed=1, folder=tmp_path)


# ---------------------------------------------------------------------- guards that die


def read_until_it_fails(folder, number):
    """Send a signal to the guard after a first read, and go on reading."""
    with guarded_here(folder) as backend:
        backend.read_conductances(0.1)
        os.kill(backend.guard_pid, number)
        while True:
            backend.read_conductances(0.1)


@pytest.mark.fault("H2")
def test_when_the_guard_is_killed_a_second_one_makes_the_bench_safe_and_the_run_says_so(tmp_path):
    with pytest.raises(GuardError, match=r"SIGKILL.* second guard .*outputs are off and relays open"):
        read_until_it_fails(tmp_path / "s", signal.SIGKILL)
    assert left_on(tmp_path / "s") == ([], set())
    assert read_journal(tmp_path / "s" / "journal.sqlite")[-1].kind == "safe"


@pytest.mark.fault("H4")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_the_guard_ends_it_safely_and_the_trainer_is_told(tmp_path, name):
    with pytest.raises(Stopped, match=name):
        read_until_it_fails(tmp_path / "s", getattr(signal, name))
    assert left_on(tmp_path / "s") == ([], set())


# ---------------------------------------------------------------------- trainings that die, and go on


INTERRUPTED = f"""
import os, signal, sys, time
from pathlib import Path
from crossbar_hil.cli.verbs import main
from crossbar_hil.guard.client import GuardProcess
from crossbar_hil.guard.journal import read_journal

who, out, bench = sys.argv[1:]
send, told = GuardProcess._send, []

def end_here(guard, message):
    here = os.getpid()
    if who == "Ctrl-C":  # the guard is held up until it has been told
        os.kill(guard.pid, signal.SIGSTOP)
        send(guard, message)
        os.kill(here, signal.SIGINT)
        waited = 0
        while "stop" not in told and waited < 10_000:
            waited += 1
            time.sleep(0.005)
        os.kill(guard.pid, signal.SIGCONT)
        return
    send(guard, message)
    (journal,) = Path(out).glob("*/journal.sqlite")
    while sum(entry.kind == "intent" for entry in read_journal(journal)) < 5:
        time.sleep(0.005)
    for pid in {{"trainer": [here], "guard": [guard.pid], "both": [guard.pid, here]}}[who]:
        os.kill(pid, signal.SIGKILL)

def sent(guard, message):
    (end_here if message.get("do") == "pulses" and told.count("pulses") == 2 else send)(guard, message)
    told.append("stop" if "stop" in message else message.get("do"))

GuardProcess._send = sent
sys.argv = ["crossbar-hil", "train", "--bench", bench, "--seed", "{SEED}", "--out", out]
sys.argv += ["--no-report", "--quiet", "--json"]
main()
"""
"""A training that is interrupted, or killed, itself or its guard, in its third batch of two pulses."""


def interrupted(short, out, who):
    """Train until that happens; return what the process said, the folder and the guard."""
    command = [FORKED, "-c", INTERRUPTED, who, str(out), short]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (folder,) = out.iterdir()
    entries = read_journal(folder / "journal.sqlite")
    assert 4 <= sum(entry.kind == "intent" for entry in entries) <= 6, done.stderr
    return done, folder, entries[1].body["pid"]


def runs(pid):
    """Say whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@pytest.mark.fault("H13", "O4", "V1", "V2")
@pytest.mark.fault("H1", "H9")
@pytest.mark.fault("H3")
@pytest.mark.fault("V10")
@pytest.mark.parametrize(
    "who",
    ["trainer", pytest.param("guard", marks=pytest.mark.campaign), pytest.param("both", marks=pytest.mark.campaign)],
)
def test_a_training_that_was_killed_resumes_to_the_result_of_the_uninterrupted_one(tmp_path, short, uninterrupted, who):
    _, folder, guard = interrupted(short, tmp_path / "runs", who)
    while runs(guard):  # it makes safe and ends
        time.sleep(LOOK_S)
    if who != "both":
        assert left_on(folder) == ([], set())
    outcome = resume_and_record(load_run(folder))
    assert outcome.status == "done"
    assert outcome.result.epochs == uninterrupted.epochs
    assert np.array_equal(outcome.result.counts, uninterrupted.counts)
    assert np.array_equal(outcome.result.conductances, uninterrupted.conductances)
    assert len(physical(folder, "exposure")) == uninterrupted.pulses
    verdict = verify_run(load_run(folder))
    assert verdict.problems == ()
    assert (verdict.pulses, verdict.in_doubt) == (uninterrupted.pulses, 0)


@pytest.mark.fault("O1")
def test_ctrl_c_ends_a_training_safely_and_it_can_be_resumed(tmp_path, short, uninterrupted):
    done, folder, _ = interrupted(short, tmp_path / "runs", "Ctrl-C")
    said = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, said["status"], said["safe"]) == (1, "interrupted", True)
    assert "Ctrl-C" in said["reason"]
    assert left_on(folder) == ([], set())
    outcome = resume_and_record(load_run(folder))
    assert np.array_equal(outcome.result.conductances, uninterrupted.conductances)


@pytest.mark.fault("C11")
def test_a_real_chip_without_a_ledger_is_told_of_before_anything_is_opened(tmp_path, monkeypatch, capsys):
    def opened(hello):
        assert "counted from zero" in capsys.readouterr().err
        raise GuardError(str(hello.ledger))

    monkeypatch.setattr("crossbar_hil.guard.opening.GuardedBackend", opened)
    bench = load_bench("emulated", overrides={"kind": "hardware", "chip_id": "Die A"})
    with pytest.raises(GuardError, match=r"chips/die-a-[0-9a-f]{16}\.sqlite"):
        open_guarded(bench, seed=SEED, folder=tmp_path)


# ---------------------------------------------------------------------- runs that are not resumed


TRAINED = """
import json, sys
from pathlib import Path
from crossbar_hil.bench.file import load_bench
from crossbar_hil.runs.training import train_and_record

bench, seed, out = load_bench(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
done = train_and_record(bench, seed=seed, out=out)
print(json.dumps({"folder": str(done.folder), "modules": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory, short):
    """What a process that trained on the guarded bench says when it is done."""
    out = tmp_path_factory.mktemp("finished")
    done = subprocess.run(
        [sys.executable, "-c", joining() + TRAINED, short, str(SEED), str(out / "runs")],
        env={**os.environ, "XDG_STATE_HOME": str(out / "state")},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def finished(trained):
    return Path(trained["folder"])


@pytest.mark.fault("X13")
def test_the_trainer_has_no_visa_library_and_no_session(trained):
    assert {"pyvisa", "pymeasure", "lupa"}.isdisjoint(name.split(".")[0] for name in trained["modules"])


@pytest.mark.fault("O8")
def test_a_finished_run_is_not_resumed(finished):
    with pytest.raises(RunError, match="is done"):
        resume_and_record(load_run(finished))


def test_a_guarded_training_is_the_bare_one(finished, uninterrupted):
    result = load_run(finished).result
    assert np.array_equal(result.counts, uninterrupted.counts)
    assert np.array_equal(result.conductances, uninterrupted.conductances)


@pytest.mark.fault("D6")
def test_a_journal_with_one_changed_number_is_found_out(finished, tmp_path):
    copy = shutil.copytree(finished, tmp_path / "copy")
    with sqlite3.connect(copy / "journal.sqlite") as journal:
        (last,) = journal.execute("SELECT max(number) FROM entry WHERE kind = 'intent'").fetchone()
        journal.execute("UPDATE entry SET body = replace(body, '2.0', '2.1') WHERE number = ?", (last,))
    journal.close()
    assert verify_run(load_run(finished)).problems == ()
    assert any("entry" in problem for problem in verify_run(load_run(copy)).problems)


def test_the_journal_of_a_session_that_is_no_run_is_verified_by_its_folder(tmp_path, cli):
    folder = tmp_path / "2026-11-29T12-00-00Z_00ff"
    folder.mkdir()
    with kept_here(folder / "journal.sqlite") as kept:
        kept.send_pulses(np.eye(2, dtype=int), Pulse(2.0, 0.05))
    done = cli("verify", folder)
    assert done.code == 0
    assert done.out.startswith(f"session {folder.name}: ")
    assert ", 2 pulses sent, head " in done.out
    with sqlite3.connect(folder / "journal.sqlite") as database:
        database.execute("UPDATE entry SET body = replace(body, '2.0', '2.1') WHERE kind = 'intent'")
    database.close()
    done = cli("verify", folder)
    assert done.code == 1
    assert "entry" in done.out
