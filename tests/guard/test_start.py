"""What a guard puts together when it opens a bench, in this process: ledger, lock, journal."""

import os
from contextlib import closing
from dataclasses import asdict
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
from crossbar_hil.guard.watch import Least

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


@pytest.fixture
def traced(tmp_path, monkeypatch):
    """A guard whose parts note what they are given: traced(fails_at=..., **hello) -> kept chip, what was noted."""
    load_bench("emulated").copy_into(tmp_path)
    noted = []

    def note(what, found=None):
        def call(*words, **named):
            noted.append((what, words, named))
            if what == traced_hello.get("fails_at"):
                raise GuardError(f"{what} failed")
            return found

        return call

    traced_hello = {}
    header = {"run": "r", "token": "t"}
    entries = ["an entry"]
    journal = SimpleNamespace(
        path=tmp_path / "journal.sqlite", header=header, entries=entries, append=note("append"), commit=note("commit"),
        close=note("journal closed"),
    )  # fmt: skip
    lock = SimpleNamespace(acquire=note("locked"), release=note("released"))
    ledger = SimpleNamespace(
        path="dose", close=note("ledger closed"), count_again=note("counted again", 2),
        totals=lambda: (ONE, ONE * 0.05),
    )  # fmt: skip
    chip = SimpleNamespace(
        kind="emulated", shape=(4, 4), limits=load_bench("emulated").limits, spent=None,
        owned=SimpleNamespace(close=note("chip closed")), identify=lambda: {"matrix": 1},
    )  # fmt: skip
    made = SimpleNamespace(create=note("journal made", journal), open=note("journal opened", journal))
    monkeypatch.setattr(guard_main, "check_files", note("files"))
    monkeypatch.setattr(guard_main, "BenchLock", note("lock", lock))
    monkeypatch.setattr(guard_main, "Journal", made)
    monkeypatch.setattr(guard_main, "DoseLedger", SimpleNamespace(open=note("ledger", ledger)))
    monkeypatch.setattr(guard_main, "open_backend", note("chip", chip))
    monkeypatch.setattr(guard_main, "Keeper", note("keeper", "the keeper"))
    monkeypatch.setattr(guard_main, "on_loopback", sorted)
    monkeypatch.setattr(guard_main, "claim", lambda bench, lock: ("claim", lock))
    person = SimpleNamespace(ask=input, tell=note("tell"), stop=StopFlag(), alarm=print)

    def make(fails_at=None, **hello):
        traced_hello["fails_at"] = fails_at
        told = {
            "bench": str(tmp_path / BENCH_FILE), "journal": str(tmp_path / "journal.sqlite"), "resume": False,
            "resources": RESOURCES, "header": header, "ledger": "dose",
        }  # fmt: skip
        return guard_main.KeptChip(told | hello, person)

    return SimpleNamespace(make=make, noted=noted, chip=chip, journal=journal, lock=lock, ledger=ledger, person=person)


RESOURCES = {"smu": "TCPIP::127.0.0.1::1::SOCKET", "matrix": "TCPIP::127.0.0.1::2::SOCKET"}
IN_ORDER = ["files", "lock", "locked", "journal made", "ledger", "append", "commit", "chip", "keeper"]
LET_GO = {"chip closed": "chip", "ledger closed": "ledger", "journal closed": "journal made", "released": "locked"}
"""What is let go of, last first, and what had been done before for it."""


def names(noted):
    return [what for what, _, _ in noted]


def test_a_guard_opens_in_one_order_and_each_part_is_given_what_it_needs(traced, tmp_path):
    kept = traced.make()
    assert names(traced.noted) == IN_ORDER
    given = {what: (words, named) for what, words, named in traced.noted}
    assert given["lock"][1] == {"run": str(tmp_path)}
    assert sorted(given["lock"][0][0]) == sorted(RESOURCES.values())
    assert given["journal made"][0] == (tmp_path / "journal.sqlite", {"run": "r", "token": "t"})
    assert given["ledger"][0][1] == (4, 4)
    kind, body = given["append"][0]
    assert (kind, body["pid"], body["resumed"]) == ("session", os.getpid(), False)
    how = given["chip"][1]
    assert how["resources"] == RESOURCES
    assert (how["ask"], how["tell"], how["seen"]) == (input, traced.person.tell, ("claim", traced.lock))
    assert (how["on_trial"], how["patience"]) == (False, traced.person.stop.patience)
    how["silence"]("smu", None)
    assert traced.noted.pop() == ("tell", ("instrument smu answers again",), {})
    assert given["keeper"][0] == (traced.chip, traced.journal)
    of_keeper = given["keeper"][1]
    assert of_keeper == {
        "check_v": 0.1, "ledger": traced.ledger, "stop": traced.person.stop, "lock": traced.lock,
        "least": Least(1e-5), "alarm": print, "wear": None, "accept_change": False, "tell": traced.person.tell,
    }  # fmt: skip
    assert [each.tolist() for each in (traced.chip.spent.pulses, traced.chip.spent.dose_vs)] == [
        ONE.tolist(),
        (ONE * 0.05).tolist(),
    ]
    assert traced.journal.entries == []  # which the keeper has read
    assert kept.keeper == "the keeper"
    assert kept.ready == {
        "kind": "emulated", "shape": [4, 4], "limits": asdict(traced.chip.limits), "device": {"matrix": 1},
    }  # fmt: skip
    kept.close()
    assert names(traced.noted) == [*IN_ORDER, *LET_GO]


@pytest.mark.parametrize("fails_at", IN_ORDER)
def test_a_guard_that_cannot_open_all_lets_go_of_what_it_had(traced, fails_at):
    with pytest.raises(GuardError, match=f"{fails_at} failed"):
        traced.make(fails_at)
    done = IN_ORDER[: IN_ORDER.index(fails_at) + 1]
    assert names(traced.noted) == [*done, *(gone for gone, had in LET_GO.items() if had in done[:-1])]


def test_a_resumed_guard_goes_on_with_its_journal_and_says_what_its_ledger_lacked(traced, tmp_path):
    traced.make(resume=True, on_trial=True)
    done = ["journal opened" if each == "journal made" else each for each in IN_ORDER]
    place = done.index("ledger") + 1
    assert names(traced.noted) == [*done[:place], "counted again", "append", "tell", *done[place:]]
    told = {what: words for what, words, _ in traced.noted}
    assert told["journal opened"] == (tmp_path / "journal.sqlite",)
    assert told["counted again"][0] == "r"
    assert told["tell"][0].startswith("warning: dose ledger dose did not hold 2 operations of this run, so it is not")
    assert [words[0] for what, words, _ in traced.noted if what == "append"] == ["note", "session"]
    assert next(named["on_trial"] for what, _, named in traced.noted if what == "chip") is True


def test_a_chip_without_a_ledger_starts_from_nothing_and_one_on_loopback_says_so(traced, tmp_path):
    kept = traced.make(ledger=None)
    assert "ledger" not in names(traced.noted)
    assert traced.chip.spent is None
    assert "on_loopback" not in kept.ready["device"]  # an emulated one is nowhere else
    text = (tmp_path / BENCH_FILE).read_text(encoding="utf-8").replace('kind = "emulated"', 'kind = "hardware"')
    (tmp_path / BENCH_FILE).write_text(text, encoding="utf-8")
    assert traced.make(ledger=None).ready["device"] == {"matrix": 1, "on_loopback": ["matrix", "smu"]}


def test_relay_counts_that_cannot_be_used_are_told_and_hinder_no_work(monkeypatch, tmp_path):
    damaged = tmp_path / "matrix.sqlite"
    damaged.write_bytes(b"no database at all, but long enough to be looked at as one" * 20)
    for module in (guard_main, opening):
        monkeypatch.setattr(module, "wear_path", lambda _: damaged)
    hardware = load_bench("emulated").model_copy(update={"kind": "hardware"})
    wear, said = guard_main._wear_of(hardware, {"matrix": {"serial": "1"}})
    assert wear is None
    assert said.startswith(f"relay counts {damaged} cannot be kept: ")
    assert said.endswith("what closes from here on is not counted")
    (told,) = opening.wear_of_matrix(hardware, SimpleNamespace())
    assert told.startswith(f"relay counts {damaged} cannot be read: ")
    assert guard_main._wear_of(load_bench("emulated"), {"matrix": {"serial": "1"}}) == (None, "")
