import os
import signal
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import BENCH_FILE, WiringTable, load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.bench.recorded import bench_hash
from crossbar_hil.errors import BenchBusy, DataError, Declined, LimitError, RunError, Stopped
from crossbar_hil.guard.lock import run_lock
from crossbar_hil.recording import prepare_training
from crossbar_hil.runs import life
from crossbar_hil.runs.interruption import Button
from crossbar_hil.runs.life import RecordedWork, begin_work, resume_work
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.runs.training_run import resume_and_record
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import SimulatedBackend

SIMULATED = load_bench("simulated")


class Counting(RecordedWork):
    """Work that counts to three, and writes down what is asked of it."""

    is_complete, result, shape = False, None, (4, 4)
    pulses_first = False
    """Whether it sends a pulse before its first step is over."""

    def __init__(self, said, *, pulse=None, fails_at=None, error=None, bench=SIMULATED):
        super().__init__(bench, 1, "counting")
        self.said, self.pulse, self.fails_at, self.error = said, pulse or Pulse(2.0, 0.05), fails_at, error
        self.count = 0

    @property
    def reached(self):
        return f"count {self.count}"

    def check_shape(self, shape):
        self.said.append(f"shape {shape}")

    def prepare(self, backend):
        self.backend = backend
        self.said.append("prepare")
        return [self.pulse]

    def begin(self, folder):
        self.said.append("begin")
        (folder.folder / "record").touch()

    def reopen(self, folder):
        self.said.append("reopen")

    def steps(self, leave_if_wanted):
        if self.pulses_first:
            self.backend.send_pulses(np.eye(4, dtype=int), self.pulse)
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


SHAPE = "shape (4, 4)"


def test_pulses_are_checked_before_a_run_begins_and_the_device_is_safe_before_its_end_is_written(said, tmp_path):
    outcome = begin_work(Counting(said), out=tmp_path, show=lambda step: said.append(f"show {step}"))
    assert said == [SHAPE, "prepare", "check", "begin", 1, "show 1", 2, "show 2", 3, "show 3", "safe", "done"]
    assert (outcome.status, outcome.kind, outcome.folder.parent) == ("done", "simulated", tmp_path)
    assert (outcome.reason, outcome.result, outcome.safe) == ("", None, None)
    assert outcome.folder.name.endswith(f"_counting_4x4_{outcome.folder.name[-4:]}")
    assert (outcome.folder / BENCH_FILE).is_file()


def test_what_only_computes_needs_no_device(said, tmp_path):
    outcome = begin_work(Counting(said, bench=None), out=tmp_path)
    assert said == ["prepare", "begin", 1, 2, 3, "done"]
    assert (outcome.status, outcome.kind, [each.name for each in outcome.folder.iterdir()]) == (
        "done",
        "simulated",
        ["record"],
    )


def test_a_pulse_that_is_refused_leaves_nothing(said, tmp_path):
    with pytest.raises(LimitError):
        begin_work(Counting(said, pulse=Pulse(99.0, 0.05)), out=tmp_path / "runs")
    assert said == [SHAPE, "prepare", "check", "safe"]
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


def test_a_pulse_before_the_first_step_is_kept_too_and_an_error_without_words_told_by_its_name(said, tmp_path):
    work = Counting(said, fails_at=1, error=ZeroDivisionError())
    work.pulses_first = True
    with pytest.raises(ZeroDivisionError):
        begin_work(work, out=tmp_path)
    assert said[-2:] == ["safe", "failed ZeroDivisionError"]
    assert len(list(tmp_path.iterdir())) == 1


def test_what_failed_first_is_told_where_the_end_cannot_be_written_either(said, tmp_path):
    work = Counting(said, fails_at=3, error=OSError("no room"))
    work.finish = lambda status, reason: fail(RunError(f"{status} cannot be written"))
    with pytest.raises(OSError, match="no room") as caught:
        begin_work(work, out=tmp_path)
    assert caught.value.__notes__ == ["failed cannot be written"]


def fail(error):
    raise error


class Begun:
    """A run that counted, as its folder tells it."""

    noun, name, status, kind = "run", "R", "interrupted", "simulated"
    opened = ()

    def __init__(self, folder):
        self.folder = folder
        self.facts = {"bench_sha256": bench_hash(folder), "verdict": "unknown"}
        Begun.opened += (folder,)


@pytest.fixture
def begun(tmp_path):
    """A run that was left."""
    SIMULATED.copy_into(tmp_path)
    yield Begun(tmp_path)
    Begun.opened = ()


def test_a_run_goes_on_under_its_lock_as_it_is_then_and_its_pulses_are_not_checked_again(said, begun):
    made = []

    def make(run):
        with pytest.raises(BenchBusy), run_lock(begun.folder, "another"):
            pass
        made.append(run)
        return Counting(said)

    outcome = resume_work(
        make, begun, show=lambda step: said.append(f"show {step}"), agree=lambda kind: said.append(f"agree {kind}")
    )
    assert said == [
        SHAPE, "prepare", "agree simulated", "reopen", 1, "show 1", 2, "show 2", 3, "show 3", "safe", "done",
    ]  # fmt: skip
    assert (outcome.folder, outcome.status) == (begun.folder, "done")
    assert made[0] is not begun
    assert Begun.opened == (begun.folder, begun.folder)
    with run_lock(begun.folder, "another"):
        pass


def test_a_run_that_goes_on_and_fails_is_kept(said, begun):
    with pytest.raises(OSError, match="no more"):
        resume_work(lambda _: Counting(said, fails_at=1, error=OSError("no more")), begun)
    assert said[-2:] == ["safe", "failed no more"]
    assert (begun.folder / BENCH_FILE).is_file()


@pytest.mark.parametrize(
    ("what", "told", "done"),
    [
        ({"status": "done"}, "run R is done (unknown), there is nothing to resume", []),
        ({"link": "else"}, r"run R is not resumed: \S*else is a link; copy the run to a folder of its own", []),
        ({"bench": "# another"}, r"\S*bench.toml was changed since run R began, so it is not resumed", []),
        (
            {"kind": "emulated"},
            "the record of run R says emulated, but its bench opens a simulated device",
            [SHAPE, "prepare", "safe"],
        ),
    ],
)
def test_a_run_that_cannot_go_on_is_refused_and_what_was_opened_is_made_safe(
    said, begun, tmp_path, monkeypatch, what, told, done
):
    for each in what.keys() & {"status", "kind"}:
        monkeypatch.setattr(Begun, each, what[each])
    if "link" in what:
        (begun.folder / what["link"]).symlink_to(begun.folder / BENCH_FILE)
    if "bench" in what:
        monkeypatch.setattr(Begun, "__init__", lambda self, folder: vars(self).update(vars(begun)))
        (begun.folder / BENCH_FILE).write_text((begun.folder / BENCH_FILE).read_text() + what["bench"])
    with pytest.raises(RunError, match=f"^{told.replace('(', '[(]').replace(')', '[)]')}$"):
        resume_work(lambda _: Counting(said), begun, agree=lambda _: said.append("agree"))
    assert said == done


def test_a_guard_keeps_a_bench_of_instruments_whose_lines_are_known_alone():
    lines = WiringTable(rows=[1, 2], columns=[3, 4, 5], ports={}, sources={})
    for wiring, instruments, shape in (
        (lines, {"smu": 1}, (2, 3)), (None, {"smu": 1}, None), (lines, {}, None),
    ):  # fmt: skip
        assert life._guarded_shape(SimpleNamespace(wiring=wiring, instruments=instruments)) == shape
    assert life._guarded_shape(None) is None


@pytest.mark.skipif(os.name == "nt", reason="signals differ on Windows")
def test_ctrl_c_ends_it_after_the_step_under_way(said, tmp_path):
    outcome = begin_work(
        Counting(said), out=tmp_path, show=lambda step: step == 2 and os.kill(os.getpid(), signal.SIGINT)
    )
    assert said[-3:] == [2, "safe", "interrupted interrupted after count 2"]
    assert (outcome.status, outcome.reason) == ("interrupted", "interrupted after count 2")


@pytest.mark.skipif(os.name == "nt", reason="signals differ on Windows")
def test_a_button_pressed_elsewhere_ends_it_as_ctrl_c_does_and_its_wish_reaches_the_device(said, tmp_path):
    button = Button()

    def press(step):
        if step == 2:
            button.press("Abort was pressed")

    outcome = begin_work(Counting(said), out=tmp_path, show=press, button=button)
    assert said[-3:] == [2, "safe", "interrupted interrupted after count 2"]
    assert outcome.status == "interrupted"
    wishes = []
    with button.wired_to(wishes.append):  # pressed before there was a device
        button.press("once more")
    button.press("too late")
    assert wishes == ["Abort was pressed", "once more"]


def test_ctrl_c_after_the_last_step_interrupts_nothing(said, tmp_path):
    work = Counting(said)
    work.is_complete = True
    outcome = begin_work(work, out=tmp_path, show=lambda step: step == 3 and os.kill(os.getpid(), signal.SIGINT))
    assert (outcome.status, outcome.reason, said[-1]) == ("done", "", "done")


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
