import os
import signal

import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import BenchBusy, DataError, Declined, LimitError, RunError, Stopped
from crossbar_hil.guard.lock import run_lock
from crossbar_hil.recording import prepare_training
from crossbar_hil.runs import life
from crossbar_hil.runs.life import RecordedWork, begin_work
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.runs.training_run import resume_and_record
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import SimulatedBackend


class Counting(RecordedWork):
    """Work that counts to three, and writes down what is asked of it."""

    is_complete, result, shape = False, None, (4, 4)

    def __init__(self, said, *, pulse=None, fails_at=None, error=None):
        super().__init__(load_bench("simulated"), 1, "counting")
        self.said, self.pulse, self.fails_at, self.error = said, pulse or Pulse(2.0, 0.05), fails_at, error
        self.count = 0

    @property
    def reached(self):
        return f"count {self.count}"

    def prepare(self, backend):
        self.said.append("prepare")
        return [self.pulse]

    def begin(self, folder):
        self.said.append("begin")
        (folder.folder / "record").touch()

    def reopen(self, folder):
        self.said.append("reopen")

    def steps(self, leave_if_wanted):
        for count in (1, 2, 3):
            if count == self.fails_at:
                raise self.error
            yield count

    def record(self, step):
        self.count = step
        self.said.append(step)

    def finish(self, status, reason):
        self.said.append(f"{status} {reason}".strip())

    def discard(self):
        self.said.append("discard")


@pytest.fixture
def said(monkeypatch):
    """What work and device did, in order."""
    events = []

    def opened(bench, **more):
        backend = open_backend(bench, **more)
        check, safe = backend.check_pulses, backend.make_safe
        backend.check_pulses = lambda *them: (events.append("check"), check(*them))[1]
        backend.make_safe = lambda: (events.append("safe"), safe())[1]
        return backend

    monkeypatch.setattr(life, "open_backend", opened)
    return events


def test_pulses_are_checked_before_a_run_begins_and_the_device_is_safe_before_its_end_is_written(said, tmp_path):
    outcome = begin_work(Counting(said), out=tmp_path, show=lambda step: said.append(f"show {step}"))
    assert said == ["prepare", "check", "begin", 1, "show 1", 2, "show 2", 3, "show 3", "safe", "done"]
    assert (outcome.status, outcome.kind, outcome.folder.parent) == ("done", "simulated", tmp_path)


def test_a_pulse_that_is_refused_leaves_nothing(said, tmp_path):
    with pytest.raises(LimitError):
        begin_work(Counting(said, pulse=Pulse(99.0, 0.05)), out=tmp_path / "runs")
    assert said == ["prepare", "check", "safe"]
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_fails_before_it_did_anything_is_taken_back(said, tmp_path):
    with pytest.raises(OSError, match="no more"):
        begin_work(Counting(said, fails_at=1, error=OSError("no more")), out=tmp_path / "runs")
    assert said[-2:] == ["safe", "discard"]
    assert list(tmp_path.iterdir()) == []


def test_what_was_done_before_a_failure_is_kept(said, tmp_path):
    with pytest.raises(OSError, match="no more"):
        begin_work(Counting(said, fails_at=2, error=OSError("no more")), out=tmp_path)
    assert said[-3:] == [1, "safe", "failed no more"]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals differ on Windows")
def test_ctrl_c_ends_it_after_the_step_under_way(said, tmp_path):
    outcome = begin_work(
        Counting(said), out=tmp_path, show=lambda step: step == 2 and os.kill(os.getpid(), signal.SIGINT)
    )
    assert said[-3:] == [2, "safe", "interrupted interrupted after count 2"]
    assert (outcome.status, outcome.reason) == ("interrupted", "interrupted after count 2")


@pytest.mark.parametrize(("stopped", "status"), [(False, "done"), (True, "interrupted")])
def test_ctrl_c_while_the_bench_is_made_safe_leaves_a_run_as_it_was(said, tmp_path, monkeypatch, stopped, status):
    leave = SimulatedBackend.__exit__

    def pressed(backend, *about):
        leave(backend, *about)
        raise KeyboardInterrupt

    monkeypatch.setattr(SimulatedBackend, "__exit__", pressed)
    outcome = begin_work(Counting(said), out=tmp_path, show=lambda _: stopped and os.kill(os.getpid(), signal.SIGINT))
    assert outcome.status == status
    assert [word for word in said if isinstance(word, str)].count(said[-1]) == 1
    assert said[-1].startswith(status)


def test_a_guard_that_stopped_it_interrupts_it_and_what_it_says_of_safety_is_told(said, tmp_path):
    stopped = Stopped("stopped: the link is gone")
    stopped.add_note("the bench may not be safe")
    outcome = begin_work(Counting(said, fails_at=3, error=stopped), out=tmp_path)
    assert outcome.reason == "stopped: the link is gone; the bench may not be safe"
    assert said[-1] == f"interrupted {outcome.reason}"


def test_a_run_that_is_under_way_is_not_resumed_beside_it(tmp_path):
    refused = []

    def look(epoch):
        (folder,) = (tmp_path / "runs").iterdir()
        with pytest.raises(BenchBusy, match=folder.name):
            resume_and_record(load_run(folder))
        refused.append(epoch.number)

    bench = load_bench("simulated", overrides={"training": {"epochs": 2}})
    assert train_and_record(bench, seed=1, out=tmp_path / "runs", show=look).status == "done"
    assert refused == [1, 2]


def test_a_run_is_locked_before_its_device_is_opened_again(said, tmp_path):
    def fail(epoch):
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        train_and_record(load_bench("simulated"), seed=1, out=tmp_path / "runs", show=fail)
    (folder,) = (tmp_path / "runs").iterdir()
    del said[:]
    with run_lock(folder, folder.name), pytest.raises(BenchBusy):
        resume_and_record(load_run(folder))
    assert said == []


@pytest.mark.parametrize("nobody", [{}, {"agree": lambda _: "no"}])
def test_a_program_resumes_no_run_of_a_real_chip_unless_somebody_agrees(said, tmp_path, monkeypatch, nobody):
    monkeypatch.setattr(SimulatedBackend, "kind", "hardware")
    real = {"kind": "hardware", "limits": {"pulses": 99, "dose_vs": 9.9}, "training": {"epochs": 3, "beta": 1e5}}
    bench = load_bench("simulated", overrides=real)
    folder = train_and_record(bench, seed=1, out=tmp_path, show=lambda _: os.kill(os.getpid(), signal.SIGINT)).folder
    del said[:]
    with pytest.raises(Declined, match=r"nobody agreed that run .* give resume an agree that returns True"):
        load_run(folder).resume(**nobody)
    assert said == ["safe"]
    assert load_run(folder).status == "interrupted"
    assert load_run(folder).resume(agree=lambda kind: kind == "hardware").status == "done"


def test_a_resume_that_waited_for_another_sees_what_that_one_left(tmp_path):
    bench = load_bench("simulated", overrides={"training": {"epochs": 3, "beta": 1e5}})
    folder = train_and_record(bench, seed=1, out=tmp_path, show=lambda _: os.kill(os.getpid(), signal.SIGINT)).folder
    before = load_run(folder)
    assert before.status == "interrupted"
    assert resume_and_record(load_run(folder)).status == "done"
    with pytest.raises(RunError, match="is done"):
        resume_and_record(before)
    assert len(load_run(folder).epochs) == 3


@pytest.mark.parametrize(
    ("table", "key", "file"), [("training", "patterns", "perceptron"), ("chip", "curve", "figure2a")]
)
def test_a_file_that_was_changed_after_it_was_asked_about_is_not_trained(tmp_path, table, key, file):
    copy = tmp_path / f"{key}.csv"
    copy.write_bytes(data_file(file).read_bytes())
    bench = load_bench("simulated", overrides={table: {key: str(copy)}})
    prepared = prepare_training(bench, seed=1, chips=0, tell=lambda _: None, ask=None)
    copy.write_bytes(copy.read_bytes() + b"\n")
    with pytest.raises(DataError, match=f"file {copy} was changed since .* start again"):
        prepared.run(out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    copy.write_bytes(data_file(file).read_bytes())
    assert prepared.run(out=tmp_path / "runs").folder.is_dir()
