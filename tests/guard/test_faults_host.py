"""Faults of the machine, its disk and its clocks, and of the person in front of it."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import crossbar_hil
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import BackendError, ConfigError, CrossbarError, GuardError, Stopped
from crossbar_hil.guard import __main__ as guard_main
from crossbar_hil.guard import client, storage
from crossbar_hil.guard.journal import Journal, read_journal, verify_journal
from crossbar_hil.guard.keeper import Keeper
from crossbar_hil.guard.messages import error_from_message
from crossbar_hil.guard.opening import make_bench_safe, open_guarded
from crossbar_hil.guard.preflight import check_files
from crossbar_hil.runs.live.progress import Harmless, SilentProgress

from ..forking import FORKED
from .kept import ALL, FIRST, ONE_HOT, PATIENT_S, PULSE, small
from .test_service import BEAT_S, Trainer, clock  # noqa: F401 - a fixture

ROOT = Path(crossbar_hil.__file__).resolve().parents[1]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="signals and /proc")


@pytest.fixture
def own_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def trainer(chip, journal, clock):  # noqa: F811 - a fixture
    made = Trainer(chip, journal, beat_s=BEAT_S)
    made.say(hello={})
    made.hear("ready")
    yield made
    made.close()


def left_on(folder):
    """Return which sources are on at the end of the physical log, and how many relays are closed."""
    on, closed = {}, 0
    for line in (folder / "physical.jsonl").read_text(encoding="utf-8").splitlines():
        each = json.loads(line)
        if each["event"] == "source":
            on[each["name"]] = each["on"]
        elif each["event"] == "relays":
            closed += len(each["closed"]) - len(each["opened"])
    return [name for name, is_on in on.items() if is_on], closed


# ---------------------------------------------------------------------- processes


@LINUX
@pytest.mark.fault("H6", "V6", "V15")
def test_a_guard_that_was_stopped_is_killed_and_a_second_one_makes_the_bench_safe(
    tmp_path, own_state_folder, monkeypatch
):
    folder = tmp_path / "s"
    folder.mkdir()
    with open_guarded(small("emulated", PATIENT_S), seed=1, folder=folder) as backend:
        backend.read_conductances(0.1)
        monkeypatch.setattr(client, "BEAT_S", 0.02)
        os.kill(backend.guard_pid, signal.SIGSTOP)
        backend._guard._longest_s = 0.2  # for this guard; the second one has its time
        with pytest.raises(GuardError, match=r"said nothing for .* outputs are off and relays open"):
            backend.read_currents(np.full((10_000, 2), 0.1))  # more than the pipe to it holds
    assert left_on(folder) == ([], 0)
    assert read_journal(folder / "journal.sqlite")[-1].kind == "safe"


HOLDER = """
import sys
from pathlib import Path
from crossbar_hil.guard.opening import open_guarded
from crossbar_hil.bench.file import load_bench
wiring, chip = {"rows": [1, 2], "columns": [5, 6]}, {"rows": 2, "columns": 2}
patient = {"smu": {"deadline_s": 60.0}, "matrix": {"deadline_s": 60.0}}
bench = load_bench("emulated", overrides={"wiring": wiring, "chip": chip, "instruments": patient})
with open_guarded(bench, seed=1, folder=Path(sys.argv[1])) as backend:
    while True:
        backend.read_conductances(0.1)
        print(backend.guard_pid, flush=True)
"""


@LINUX
@pytest.mark.fault("O2", "O4", "V6")
def test_a_terminal_that_closes_leaves_the_bench_safe(tmp_path, own_state_folder):
    with subprocess.Popen([FORKED, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as trainer:
        guard = int(trainer.stdout.readline())
        trainer.send_signal(signal.SIGHUP)
        trainer.communicate()
    while os.path.exists(f"/proc/{guard}"):
        time.sleep(0.02)
    assert left_on(tmp_path) == ([], 0)
    last = read_journal(tmp_path / "journal.sqlite")[-1]
    assert (last.kind, last.body["confirmed"]) == ("safe", True)
    assert "trainer is gone" in last.body["cause"]


@LINUX
@pytest.mark.fault("H14", "H2", "H16", "O3", "V16")
def test_a_guard_that_crashes_is_followed_by_one_and_one_that_was_left_over_is_told_to_end(
    tmp_path, own_state_folder, emulated_bench
):
    bench = load_bench("emulated")
    served = {
        name: table.model_copy(update={"resource": emulated_bench.resources[name]})
        for name, table in bench.instruments.items()
    }
    bench = bench.model_copy(update={"instruments": served})
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
    one = np.full((1, 4), 0.1)
    with open_guarded(bench, seed=1, folder=tmp_path / "a") as backend:
        os.kill(backend.guard_pid, signal.SIGSEGV)
        with pytest.raises(GuardError, match=r"killed by SIGSEGV; a second guard was started: outputs are off"):
            backend.read_currents(one)
    with open_guarded(bench, seed=1, folder=tmp_path / "b") as backend:
        backend.read_currents(one)
        assert make_bench_safe(bench, patience_s=60.0) == []  # whoever holds it
        with pytest.raises(Stopped, match="SIGTERM"):
            backend.read_currents(one)
    world = emulated_bench.world
    assert not world.closed("matrix")
    assert not any(world.terminal(name).on for name in ("smu.a", "smu.b"))


@LINUX
@pytest.mark.fault("H10")
def test_where_too_few_files_may_be_opened_nothing_is_begun():
    with pytest.raises(GuardError, match=r"may open 40 files and has 20 open, 32 more .*ulimit -n"):
        check_files(most=40, used=20)
    check_files(most=64, used=20)
    check_files()
    code = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)); from crossbar_hil.guard"
    code += ".preflight import check_files; check_files()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "may open 24 files" in done.stderr


# ---------------------------------------------------------------------- exceptions


@pytest.mark.fault("H9", "H7")
@pytest.mark.parametrize("error", [MemoryError("no more"), ZeroDivisionError("in the trainer"), RecursionError("deep")])
def test_whatever_is_raised_while_the_chip_works_makes_it_safe_first(chip, journal, error):
    chip.fail = {2: error}
    with pytest.raises(type(error)):
        Keeper(chip, journal, check_v=0.1).send_pulses(ALL, PULSE)
    assert chip.made_safe == 1
    assert next(entry.body["state"] for entry in read_journal(journal.path) if entry.kind == "outcome") == "done"


@pytest.mark.fault("H7", "V21")
def test_a_view_that_fails_stops_nothing_and_is_not_asked_again():
    class Broken(SilentProgress):
        asked = 0

        def show(self, epoch):
            self.asked += 1
            raise OSError("the terminal is gone")

    view = Broken()
    with Harmless(view) as shown:
        for epoch in range(3):
            shown.show(epoch)
    assert view.asked == 1
    assert "terminal" in str(shown.failure)


@pytest.mark.fault("H8", "V7", "V22")
def test_an_exception_on_the_way_to_safety_is_told_to_the_person(cli, monkeypatch):
    from crossbar_hil.cli import verbs as module

    def unsafe(*_, **__):
        error = BackendError("smu did not answer")
        error.add_note("the bench may not be safe: smu.a is still on")
        raise error

    monkeypatch.setattr("crossbar_hil.guard.opening.open_bench", unsafe)
    done = cli("read", "emulated")
    assert done.code == module.COULD_NOT
    assert "smu did not answer" in done.err
    assert "smu.a is still on" in done.err


# ---------------------------------------------------------------------- clocks


@pytest.mark.fault("H12")
def test_a_wall_clock_that_jumps_changes_nothing_but_the_stamps(chip, tmp_path):
    jumps = itertools.cycle([-3600, 7200, 0, -86400 * 400])
    now = lambda: datetime(2026, 3, 29, 1, 59, tzinfo=UTC) + timedelta(seconds=next(jumps))  # noqa: E731
    journal = Journal.create(tmp_path / "j.sqlite", {"run": "r", "token": "t"}, now=now, needed_bytes=0)
    keeper = Keeper(chip, journal, check_v=0.1)
    keeper.read_currents(ONE_HOT)
    keeper.send_pulses(ALL, PULSE)
    journal.close()
    again = Journal.open(tmp_path / "j.sqlite", now=now, needed_bytes=0)
    replayed = Keeper(chip, again, check_v=0.1)
    replayed.read_currents(ONE_HOT)
    replayed.send_pulses(ALL, PULSE)
    again.close()
    entries = read_journal(tmp_path / "j.sqlite")
    assert verify_journal(tmp_path / "j.sqlite").problems == ()
    assert len(chip.sent) == 4
    assert [entry.monotonic_s for entry in entries] == sorted(entry.monotonic_s for entry in entries)
    assert len({entry.utc[:4] for entry in entries}) > 1


@pytest.mark.fault("H12")
def test_instruments_whose_clock_jumps_measure_as_before(kept):
    bench = kept()
    bench.strike("clock", seconds=-3600.0, skip=9)
    assert bench.read() == pytest.approx(bench.truth, rel=1e-5)


@pytest.mark.fault("H12")
def test_no_decision_is_taken_by_the_time_of_day():
    asked = ("time.time(", "time.time_ns(", "datetime.utcnow(", "datetime.today(", "from time import time")
    for folder in ("crossbar_hil", "instruments", "drivers"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert [each for each in asked if each in text] == [], path


@pytest.mark.fault("H11", "H6")
def test_a_guard_that_slept_with_its_machine_does_not_take_the_trainer_for_gone(trainer, chip, clock):  # noqa: F811
    for _ in range(3):
        clock.now_s += 8 * 3600.0
        for _ in range(2):  # one of them after a look at that time
            trainer.hear("beat")
        trainer.say(beat=1)
    trainer.say(id=1, do="read", voltages=[[0.1, 0.0]])
    assert np.allclose(trainer.hear("answer")["answer"], 0.1 * chip.conductances[0])
    assert chip.made_safe == 0


# ---------------------------------------------------------------------- disk


@pytest.mark.fault("D7", "H15")
def test_a_disk_that_stalls_stops_no_beat_and_delays_a_pulse_until_its_intent_is_there(
    trainer, chip, journal, monkeypatch
):
    commit, reached, go = journal.commit, threading.Event(), threading.Event()

    def slow():
        reached.set()
        go.wait(60)
        commit()

    monkeypatch.setattr(journal, "commit", slow)
    trainer.say(id=1, do="pulses", counts=[[1, 0], [0, 0]], amplitude_v=2.0, width_s=0.05)
    assert reached.wait(60)
    for _ in range(5):
        trainer.say(beat=1)
        trainer.hear("beat")
    assert chip.sent == []
    go.set()
    assert trainer.hear("answer")["id"] == 1
    assert chip.sent == [(0, 0)]


class Person:
    """A service's ways to reach a person, noted."""

    def __init__(self):
        self.told = []
        self.stop = None

    def ask(self, question=""):
        raise AssertionError(question)

    def tell(self, text):
        self.told.append(text)


@pytest.mark.fault("D12", "D2", "H2")
def test_a_rescue_writes_that_the_bench_is_safe_on_a_disk_that_is_almost_full(tmp_path, monkeypatch, emulated_bench):
    journal = Journal.create(tmp_path / "journal.sqlite", {"run": "r", "token": "t"}, needed_bytes=0)
    journal.close()
    bench = tmp_path / "bench.toml"
    bench.write_text(load_bench("emulated").as_toml(), encoding="utf-8")
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 4096}))
    hello = {"bench": str(bench), "journal": str(journal.path), "resources": emulated_bench.resources, "rescue": True}
    rescue = guard_main.Rescue(hello, Person())
    report = rescue.make_safe("the guard process was killed by SIGKILL")
    assert (report.confirmed, report.failures) == (True, ())
    assert "not in the journal" not in report.cause
    assert read_journal(journal.path)[-1].kind == "safe"


@pytest.mark.fault("D12")
def test_a_new_run_is_not_begun_on_a_disk_that_is_almost_full(tmp_path, monkeypatch):
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 4096}))
    with pytest.raises(CrossbarError, match=r"has 4096 bytes free, \d+ are needed"):
        Journal.create(tmp_path / "journal.sqlite", {"run": "r"})
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------- the person


@pytest.mark.fault("H1", "O1")
def test_a_stop_ends_a_long_batch_after_the_reading_under_way(kept, monkeypatch):
    """Thousands of patterns are measured in one state of the relays, which takes minutes."""
    bench = kept()
    rig, readings = bench.keeper.chip._rig, []
    measure = rig.measure

    def measured(volts, **then):
        readings.append(volts)
        if len(readings) == 3:
            bench.keeper.stop.set("the trainer is gone")
        return measure(volts, **then)

    monkeypatch.setattr(rig, "measure", measured)
    with pytest.raises(Stopped, match="the trainer is gone"):
        bench.keeper.read_currents(np.linspace(0.01, 0.1, 2 * 50).reshape(50, 2))
    assert len(readings) == 3
    assert bench.left_on == ([], set())


@pytest.mark.fault("O1")
def test_a_storm_of_interrupts_cuts_no_step_to_safety_short(kept, monkeypatch):
    bench = kept()
    bench.read()
    off = type(bench.chip._rig.sources["drive"]).output_off
    pressed = []

    def impatient(source):
        if len(pressed) < 2:
            pressed.append(source.name)
            raise KeyboardInterrupt
        off(source)

    monkeypatch.setattr(type(bench.chip._rig.sources["drive"]), "output_off", impatient)
    bench.keeper.make_safe("Ctrl-C was pressed")
    assert len(pressed) == 2
    assert bench.left_on == ([], set())


@pytest.mark.fault("O5", "O13")
@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"training": {"amplitude_v": 2000}}, r"2000 V exceeds"),
        ({"training": {"amplitude_v": "2 mV", "v1": "200 V"}}, r"200 V exceeds"),
        ({"training": {"width_s": 50}}, r"50000 ms exceeds|50 s exceeds"),
        ({"training": {"width_s": "50 V"}}, r"training\.width_s"),
        ({"limits": {"read_v": "100 s"}}, r"limits\.read_v"),
    ],
)
def test_a_unit_that_was_mistyped_is_refused_before_anything_is_opened_or_sent(cli, table, words):
    text = load_bench("emulated", overrides={}).model_dump(mode="json", by_alias=True, exclude_none=True)
    for name, values in table.items():
        text[name] |= values
    import tomli_w

    Path("mine.toml").write_text(tomli_w.dumps(text), encoding="utf-8")
    done = cli("check", "mine.toml")
    assert done.code != 0
    assert re.search(words, done.out + done.err)


@pytest.mark.fault("O7", "V17")
def test_a_bench_is_never_of_another_kind_than_its_file_says(tmp_path):
    hardware = load_bench("emulated").model_copy(update={"kind": "hardware", "chip_id": "A1"})
    with pytest.raises(ConfigError, match="no resource"):
        open_guarded(hardware, seed=1, folder=tmp_path)


@pytest.mark.fault("F9")
def test_every_session_says_which_version_wrote_it_and_the_replay_decides(kept):
    bench = kept()
    bench.journal.append("session", {"pid": 1, "resumed": False, "version": "0.0.1"})
    first = bench.read()
    bench.pulse(FIRST)
    bench.leave()
    bench.open()
    bench.journal.append("session", {"pid": 2, "resumed": True, "version": "9.9"})
    assert np.array_equal(bench.read(), first)
    bench.journal.commit()
    with pytest.raises(CrossbarError, match="the replay diverged"):
        bench.pulse(2 * FIRST)
    assert [entry["version"] for entry in bench.entries("session")] == ["0.0.1", "9.9"]


def test_an_error_with_notes_comes_over_the_pipe_with_them():
    error = error_from_message({"type": "GuardError", "message": "a", "notes": ["b"]})
    assert (str(error), error.__notes__) == ("a", ["b"])
