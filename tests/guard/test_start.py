"""What a guard puts together when it opens a bench, in this process: ledger, lock, journal."""

from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.bench import served
from crossbar_hil.bench.file import BENCH_FILE, load_bench
from crossbar_hil.errors import GuardError, LimitError, RunError
from crossbar_hil.guard import __main__ as guard_main
from crossbar_hil.guard import opening
from crossbar_hil.guard.journal import Journal
from crossbar_hil.guard.keeper import StopFlag
from crossbar_hil.guard.ledger import DoseLedger

PULSE = Pulse(2.0, 0.05)
ONE = np.zeros((4, 4), dtype=int)
ONE[1, 2] = 1


@pytest.fixture
def opened(tmp_path, monkeypatch, emulated_bench):
    """Open the emulated bench as a guard does, with a limit of three pulses a cell; made safe at the end."""
    monkeypatch.setenv("CROSSBAR_HIL_LOCKS", str(tmp_path / "locks"))
    load_bench("emulated", overrides={"limits": {"pulses": 3}}).copy_into(tmp_path)
    hello = {
        "bench": str(tmp_path / BENCH_FILE),
        "journal": str(tmp_path / "journal.sqlite"),
        "resume": False,
        "resources": emulated_bench.resources,
        "header": {"run": "r", "token": "t"},
        "ledger": str(tmp_path / "dose.sqlite"),
    }
    person = SimpleNamespace(ask=input, tell=print, stop=StopFlag(), alarm=print, tell_silence=print)
    made = []

    def make():
        made.append(guard_main.KeptChip(hello, person))
        return made[-1].keeper

    yield make
    for each in made:
        assert each.keeper.make_safe("the end").confirmed
        each.close()


@pytest.mark.fault("C11", "V5")
def test_what_a_chip_got_in_other_runs_counts_towards_its_limit(opened, tmp_path, emulated_bench):
    with closing(DoseLedger.open(tmp_path / "dose.sqlite", (4, 4))) as ledger:
        ledger.reserve("another run", 1, 3 * ONE, 0.3 * ONE)
    with pytest.raises(LimitError, match=r"cell \[1, 2\] \(row 2, column 3\) has had 3 pulses"):
        opened().send_pulses(ONE, PULSE)
    assert emulated_bench.world.log.of("exposure") == []


@pytest.mark.fault("X21", "V14")
def test_a_guard_whose_lock_was_deleted_sends_no_pulse(opened, tmp_path, emulated_bench):
    keeper = opened()
    for each in (tmp_path / "locks").iterdir():
        each.unlink()
    with pytest.raises(GuardError, match="may have a second owner"):
        keeper.send_pulses(ONE, PULSE)
    assert emulated_bench.world.log.of("exposure") == []


@pytest.mark.fault("F8")
def test_a_run_is_resumed_with_the_bench_that_it_began_with_and_no_other(tmp_path):
    bench = load_bench("emulated")
    bench.copy_into(tmp_path)
    path = tmp_path / "journal.sqlite"
    header = {"kind": "emulated", "bench_sha256": guard_main.bench_hash(tmp_path)}
    with closing(Journal.create(path, header)) as journal:
        guard_main._check_bench(bench, journal)
        with pytest.raises(RunError, match="is of kind emulated, its bench file of hardware"):
            guard_main._check_bench(bench.model_copy(update={"kind": "hardware"}), journal)
        text = (tmp_path / BENCH_FILE).read_text(encoding="utf-8")
        (tmp_path / BENCH_FILE).write_text(f"{text}\n# another limit\n", encoding="utf-8")
        with pytest.raises(RunError, match="was changed since run"):
            guard_main._check_bench(bench, journal)


def test_emulated_instruments_end_where_no_guard_opens_them(monkeypatch, tmp_path):
    closed = []
    instruments = SimpleNamespace(resources={}, lifeline=0, close=lambda: closed.append("closed"))
    monkeypatch.setattr(served, "start_served", lambda *_, **__: instruments)

    def refuse(hello):
        assert hello.keep_open == (0,)
        raise GuardError("the guard process was killed")

    monkeypatch.setattr(opening, "GuardedBackend", refuse)
    with pytest.raises(GuardError):
        opening.open_guarded(load_bench("emulated"), seed=1, folder=tmp_path)
    assert closed == ["closed"]


@pytest.mark.parametrize(("on_trial", "chip_id"), [(False, "A1"), (True, "A1"), (True, None)])
def test_a_board_of_resistors_is_no_chip_with_a_dose(monkeypatch, tmp_path, on_trial, chip_id):
    told = []
    monkeypatch.setattr(opening, "GuardedBackend", lambda hello: told.append(hello) or SimpleNamespace())
    monkeypatch.setattr(opening, "check_addresses", lambda bench: None)
    monkeypatch.setattr(opening, "default_path", lambda chip_id: tmp_path / f"dose of {chip_id}")
    monkeypatch.setattr(opening, "why_dose_unknown", lambda chip_id: "")
    hardware = load_bench("emulated").model_copy(update={"kind": "hardware", "chip_id": chip_id})
    opening.open_guarded(hardware, seed=1, folder=tmp_path, on_trial=on_trial)
    (hello,) = told
    assert hello.on_trial is on_trial
    assert hello.header["chip"] == (None if on_trial else "A1")
    assert hello.ledger == tmp_path / ("ledger.sqlite" if on_trial else "dose of A1")


@pytest.mark.fault("H10")
def test_files_are_counted_before_anything_is_opened(monkeypatch):
    def too_few():
        raise GuardError("this process may open 40 files")

    monkeypatch.setattr(guard_main, "check_files", too_few)
    with pytest.raises(GuardError, match="40 files"):
        guard_main.KeptChip({}, None)


@pytest.mark.fault("F8")
def test_a_run_is_gone_on_with_on_its_own_bench_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("CROSSBAR_HIL_LOCKS", str(tmp_path / "locks"))
    load_bench("emulated").copy_into(tmp_path)
    Journal.create(tmp_path / "journal.sqlite", {"run": "r", "kind": "hardware"}).close()
    hello = {
        "bench": str(tmp_path / BENCH_FILE),
        "journal": str(tmp_path / "journal.sqlite"),
        "resume": True,
        "resources": dict.fromkeys(("smu", "matrix"), "TCPIP::127.0.0.1::1::SOCKET"),
        "ledger": None,
    }
    with pytest.raises(RunError, match=r"is of kind hardware, its bench file of emulated"):
        guard_main.KeptChip(hello, SimpleNamespace(ask=input, tell=print, stop=StopFlag()))
