import threading
from contextlib import closing, nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import (
    CellChanged,
    ComplianceError,
    DeadlineError,
    GuardError,
    ImpossibleReading,
    JournalError,
    LimitError,
    ReplayDiverged,
    Stopped,
)
from crossbar_hil.guard.journal import Journal, read_journal
from crossbar_hil.guard.keeper import Keeper, ShortSuspected, StopFlag, _outcome_from_memory
from crossbar_hil.guard.ledger import DoseLedger
from crossbar_hil.guard.lock import BenchLock
from crossbar_hil.guard.replay import Intent, Operation, Record, count_pulses
from crossbar_hil.guard.states import State, phase_of
from crossbar_hil.guard.watch import Least
from crossbar_hil.instrument import PulseMemory, Reading

from .conftest import FakeChip

PULSE = Pulse(2.0, 0.05)
ONE_HOT = 0.1 * np.eye(2)
ALL = np.array([[1, 2], [1, 1]])
ONE_EACH = np.ones((2, 2), dtype=np.int64)


def keeper_of(chip, journal, **more):
    return Keeper(chip, journal, check_v=0.1, **more)


def kinds(journal):
    return [entry.kind for entry in read_journal(journal.path)]


def bodies(journal, kind):
    return [entry.body for entry in read_journal(journal.path) if entry.kind == kind]


def reopened(journal):
    journal.close()
    return Journal.open(journal.path)


def test_operations_that_no_read_of_every_line_has_followed_are_not_let_go_of():
    record = Record((2, 2), pulsed_since=np.zeros((2, 2), dtype=bool))
    for number in (1, 2, 3):
        record.operations.append(
            Operation(number, "pulses", counts=ONE_EACH, pulse=PULSE, settled=np.zeros((2, 2), dtype=np.int64))
        )
        record.open_intent = Intent(number, number, (0, 1), 2)
        if number > 1:
            record.settle("in_doubt")
    record.forget_done()
    assert [(each.number, counts.tolist()) for each, counts in record.sent_unseen()] == [
        (2, [[0, 2], [0, 0]]),
        (3, [[0, 2], [0, 0]]),
    ]
    assert [each.number for each in record.operations] == [2, 3]


@pytest.mark.parametrize(
    ("kind", "body", "unseen", "pulsed"),
    [
        ("note", {"text": "nothing was read"}, 1, True),
        ("read", {"voltages": ONE_HOT.tolist(), "currents": [[1e-7, 1e-7]] * 2}, 0, False),
        ("read", {"voltages": [[0.1, 0.1]], "currents": [[2e-7, 2e-7]]}, 0, True),  # every line, but no map
        (
            "read",
            {"voltages": [[0.1, 0.0]], "currents": [[1e-7, 1e-7]]},
            1,
            True,
        ),  # the other row may be short
        ("check", {"conductances": [[1e-6, 1e-6]] * 2}, 0, False),
        ("exposed", {"counts": [[0, 0], [1, 0]]}, 0, True),  # counted already
    ],
)
def test_what_a_journal_says_of_pulses_that_no_read_has_followed(kind, body, unseen, pulsed):
    pulses = {"op": 1, "counts": [[0, 2], [0, 0]], "amplitude_v": 2.0, "width_s": 0.05}
    told = [
        ("pulses", pulses),
        ("intent", {**pulses, "seq": 4, "row": 0, "column": 1, "count": 2}),
        ("outcome", {"seq": 4, "state": "in_doubt"}),
        (kind, {"op": 2, **body}),
    ]
    record = Record.of([SimpleNamespace(kind=kind, body=body) for kind, body in told], (2, 2))
    assert [counts.tolist() for _, counts in record.sent_unseen()] == [[[0, 2], [0, 0]]] * unseen
    assert record.pulsed_since.tolist() == [[False, pulsed], [False, False]]
    assert (record.last_sequence, record.open_intent) == (4, None)


def test_a_read_is_on_disk_with_voltages_and_currents_when_it_is_answered(chip, journal):
    currents = keeper_of(chip, journal).read_currents(ONE_HOT)
    assert np.array_equal(currents, ONE_HOT @ chip.conductances)
    (body,) = bodies(journal, "read")
    assert body["voltages"] == ONE_HOT.tolist()
    assert body["currents"] == currents.tolist()


@pytest.mark.fault("V2")
def test_the_intent_of_every_pulse_is_on_disk_before_it_is_sent(chip, journal):
    seen = []
    keeper = keeper_of(chip, journal)
    intend = chip.witness.intend

    def watched(cell, count, pulse):
        sequence = intend(cell, count, pulse)
        seen.append((sequence, bodies(journal, "intent")[-1]["seq"], len(chip.sent)))
        return sequence

    chip.witness.intend = watched
    keeper.send_pulses(ALL, PULSE)
    assert seen == [(1, 1, 0), (2, 2, 1), (3, 3, 3), (4, 4, 4)]  # number, number on disk, pulses sent before
    assert [body["state"] for body in bodies(journal, "outcome")] == ["done"] * 4
    assert kinds(journal)[-1] == "ended"


@pytest.mark.parametrize(("what", "state"), [("lost", "not_sent"), ("late", "done")])
def test_how_a_pulse_that_failed_ended_is_on_disk_before_anything_else_is_done(chip, journal, what, state):
    keeper, seen = keeper_of(chip, journal), []
    failed = chip.witness.failed

    def watched(*about):
        failed(*about)
        seen.append(bodies(journal, "outcome")[-1]["state"])

    chip.witness.failed, chip.fail = watched, {1: what}
    keeper.send_pulses(ALL, PULSE)
    assert seen == [state]


@pytest.mark.fault("C11", "V5")
def test_what_a_chip_is_to_get_is_in_its_ledger_before_it_is_sent(chip, journal, tmp_path, monkeypatch):
    path, found, send = tmp_path / "dose.sqlite", [], chip._send_pulses

    def watched(counts, pulse):
        with closing(DoseLedger.open(path, (2, 2))) as on_disk:
            found.append(on_disk.totals()[1].tolist())
        send(counts, pulse)

    monkeypatch.setattr(chip, "_send_pulses", watched)
    with closing(DoseLedger.open(path, (2, 2))) as ledger:
        keeper = keeper_of(chip, journal, ledger=ledger)
        keeper.send_pulses(np.array([[1, 2], [0, 0]]), Pulse(2.0, 0.05))
        keeper.send_pulses(np.array([[0, 2], [0, 1]]), Pulse(-1.0, 0.1))
    assert found == [[[0.1, 0.2], [0.0, 0.0]], [[0.1, 0.4], [0.0, 0.1]]]  # volt seconds, by hand


@pytest.mark.fault("X21", "V14")
def test_a_bench_whose_lock_was_deleted_gets_no_pulse(chip, journal, tmp_path):
    lock = BenchLock(["GPIB0::24::INSTR"], run="r", folder=tmp_path / "locks")
    lock.acquire()
    keeper = keeper_of(chip, journal, lock=lock)
    keeper.send_pulses(np.array([[1, 0], [0, 0]]), PULSE)
    next((tmp_path / "locks").iterdir()).unlink()
    with pytest.raises(GuardError, match="may have a second owner"):
        keeper.send_pulses(ALL, PULSE)
    lock.release()
    assert chip.sent == [(0, 0)]
    assert chip.made_safe == 1


@pytest.mark.fault("C1", "V2")
def test_what_a_short_may_have_let_through_counts_in_the_ledger_once(chip, journal, tmp_path):
    with closing(DoseLedger.open(tmp_path / "dose.sqlite", (2, 2))) as ledger:
        keeper = keeper_of(chip, journal, ledger=ledger)
        keeper.read_currents(ONE_HOT)
        keeper.send_pulses(ALL, PULSE)
        chip.short = True
        for _ in range(2):
            with pytest.raises(ComplianceError, match="short"):
                keeper.read_currents(ONE_HOT)
        # by hand: [0, 0] has the pulses of [0, 1] and [1, 0] besides its own
        assert [body["counts"] for body in bodies(journal, "exposed")] == [[[3, 2], [2, 3]]]
        pulses, dose_vs = ledger.totals()
        assert pulses.tolist() == [[4, 4], [3, 4]]
        assert dose_vs == pytest.approx(pulses * 2.0 * 0.05)


@pytest.mark.fault("C1", "V2")
@pytest.mark.parametrize("inside", [[], [3.0e-6]], ids=["nobody saw its current", "a current of whole cells"])
def test_a_cell_that_conducts_far_more_than_it_should_counts_as_one_that_let_pulses_through(chip, journal, inside):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    chip.inside = inside
    keeper.send_pulses(np.array([[1, 0], [0, 0]]), PULSE)
    chip.conductances[1, 0] *= 50  # no limit trips, the watch on the cells finds it
    with pytest.raises(CellChanged, match=r"cell \[1, 0\] \(row 2, column 1\)") as caught:
        keeper.read_currents(ONE_HOT)
    assert [body["counts"] for body in bodies(journal, "exposed")] == [[[0, 1], [1, 0]]]
    assert "are counted as received" in caught.value.__notes__[-1]


@pytest.mark.fault("C1")
def test_a_pulse_that_draws_more_than_it_should_has_every_cell_read_and_the_batch_go_on_if_all_are_whole(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    chip.inside = [3.0e-6, 3.1e-6, 3.7e-6, 3.7e-6]  # between 3 uA of whole cells and 4 uA of a short lies 3.5 uA
    keeper.send_pulses(ONE_EACH, PULSE)
    assert chip.sent == [(0, 0), (0, 1), (1, 0), (1, 1)]
    found = kinds(journal)[kinds(journal).index("pulses") :]
    assert [each for each in found if each in {"intent", "check"}] == ["intent"] * 3 + ["check", "intent"]
    assert bodies(journal, "exposed") == []


@pytest.mark.fault("C1")
def test_one_pulse_of_several_that_draws_more_than_it_should_has_every_cell_read(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    chip.inside = [3.0e-6, 3.7e-6, 3.0e-6]  # the second of the first cell is nearer to 4 uA of a short
    keeper.send_pulses(np.array([[2, 1], [0, 0]]), PULSE)
    found = kinds(journal)[kinds(journal).index("pulses") :]
    assert [each for each in found if each in {"intent", "check"}] == ["intent", "check", "intent"]
    inside = [body["readings"] for body in bodies(journal, "outcome")]
    assert inside == [[{"drive": [3.0e-6, False]}, {"drive": [3.7e-6, False]}], [{"drive": [3.0e-6, False]}]]


@pytest.mark.fault("C1", "C2")
def test_pulses_without_a_current_say_nothing_of_what_the_next_ones_draw(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    chip.inside = [0.0, 0.0, 3.0e-6, 3.7e-6]  # two of an open row, one of whole cells, one nearer to 4 uA of a short
    keeper.send_pulses(ONE_EACH, PULSE)
    found = kinds(journal)[kinds(journal).index("pulses") :]
    assert [each for each in found if each in {"intent", "check"}] == ["intent"] * 4 + ["check"]


@pytest.mark.fault("C1")
def test_cells_that_are_not_ohmic_are_looked_at_once_and_then_measured_by_each_other(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    chip.inside = [30e-6, 31e-6, 29e-6, 45e-6]  # ten times what the map at read voltage says; then half more of it
    keeper.send_pulses(ONE_EACH, PULSE)
    assert [body["text"].count("pulse 1 ") + body["text"].count("pulse 4 ") for body in bodies(journal, "note")] == [
        1,
        1,
    ]
    assert len(bodies(journal, "check")) == 2


@pytest.mark.fault("C1", "V2")
@pytest.mark.parametrize("lost", ["lost", "answer"])
def test_a_batch_that_fails_for_good_counts_for_others_unless_every_current_was_that_of_whole_cells(
    chip, journal, lost
):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    chip.inside = [3.0e-6] * 4
    chip.remembers = lost == "answer"  # without a memory the pulse stays in doubt, and nobody saw its current
    chip.fail = {2: lost}
    chip.reads_to_fail = 99
    with pytest.raises(DeadlineError):
        keeper.send_pulses(ONE_EACH, PULSE)
    told = [body["counts"] for body in bodies(journal, "exposed")]
    assert told == [[[1, 1], [1, 1]]]  # by hand: [0, 0] and [0, 1] may have reached each other and what is below them


@pytest.mark.fault("C1", "V2")
def test_a_stop_between_pulses_that_drew_what_they_should_counts_for_no_other_cell(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    chip.inside = [3.0e-6] * 4
    check = chip.witness.checkpoint

    def stop_after_three():
        if len(chip.sent) == 3:
            keeper.stop.set("enough")
        check()

    chip.witness.checkpoint = stop_after_three
    with pytest.raises(Stopped):
        keeper.send_pulses(ONE_EACH, PULSE)
    assert len(chip.sent) == 3
    assert bodies(journal, "exposed") == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda keeper: keeper.read_currents(ONE_HOT),
        lambda keeper: keeper.send_pulses(ALL, PULSE),
        lambda keeper: keeper.line_conductances(0.1),
        lambda keeper: keeper.look([]),
        lambda keeper: keeper.pulse_on_trial(ALL, PULSE),
        lambda keeper: keeper.note_record({"seed": 1}),
    ],
    ids=["read", "pulses", "lines", "look", "train", "record"],
)
def test_once_a_stop_is_wanted_nothing_is_begun(chip, journal, ask):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    before = kinds(journal)
    keeper.stop.set("enough")
    with pytest.raises(Stopped, match="stopped: enough"):
        ask(keeper)
    assert kinds(journal) == before
    assert chip.sent == []


def test_a_read_that_nobody_answers_after_pulses_that_drew_what_they_should_counts_for_no_other_cell(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    chip.inside = [3.0e-6] * 4
    keeper.send_pulses(ONE_EACH, PULSE)
    chip.reads_to_fail = 3
    with pytest.raises(DeadlineError):
        keeper.read_currents(ONE_HOT)
    assert bodies(journal, "exposed") == []


@pytest.mark.fault("C1", "V2")
def test_a_pulsed_cell_that_is_a_short_at_resume_counts_for_others_and_the_run_goes_on(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    keeper.send_pulses(np.array([[1, 0], [0, 0]]), PULSE)
    chip.conductances[0, 0] *= 50
    with closing(reopened(journal)) as again:
        keeper = keeper_of(chip, again)
        keeper.read_currents(ONE_HOT)
        keeper.send_pulses(np.array([[1, 0], [0, 0]]), PULSE)
        keeper.read_currents(ONE_HOT)
        assert [body["counts"] for body in bodies(again, "exposed")] == [[[0, 1], [1, 0]]]


def test_what_is_done_is_let_go_of_while_a_run_goes_on_and_when_it_is_gone_on_with(chip, journal):
    keeper = keeper_of(chip, journal)

    def work(keeper, times):
        for _ in range(times):
            keeper.read_currents(ONE_HOT)
            keeper.send_pulses(ONE_EACH, PULSE)

    work(keeper, 20)
    assert len(keeper._record.operations) == 1
    with closing(reopened(journal)) as again:
        resumed = keeper_of(chip, again)
        work(resumed, 25)
        assert len(resumed._record.operations) == 1
    assert len(chip.sent) == 25 * 4


@pytest.mark.fault("C1", "V2")
def test_what_was_looked_at_after_a_lost_answer_is_not_counted_again(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    chip.fail = {2: "lost"}
    keeper.send_pulses(ALL, PULSE)  # after the lost answer every cell is read before any more is sent
    sent = [body["seq"] for body in bodies(journal, "intent")]
    chip.short = True
    with pytest.raises(ComplianceError):
        keeper.read_currents(ONE_HOT)
    (told,) = bodies(journal, "exposed")
    after = sum(body["count"] for body in bodies(journal, "intent")[2:])
    assert len(sent) > 4
    assert sum(map(sum, told["counts"])) == 2 * after  # a row and a column mate for each pulse of a 2 x 2 chip


@pytest.mark.fault("C1", "V2")
def test_a_short_that_is_found_at_resume_counts_for_what_was_sent_after_the_last_read(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.send_pulses(ALL, PULSE)
    keeper.read_currents(ONE_HOT)  # no short until here
    keeper.send_pulses(np.array([[1, 0], [0, 0]]), PULSE)
    chip.short = True
    with closing(reopened(journal)) as again:
        keeper = keeper_of(chip, again)
        keeper.send_pulses(ALL, PULSE)
        keeper.read_currents(ONE_HOT)
        keeper.send_pulses(np.array([[1, 0], [0, 0]]), PULSE)
        with pytest.raises(ComplianceError, match="short"):
            keeper.read_currents(ONE_HOT)
        assert [(body["op"], body["counts"]) for body in bodies(again, "exposed")] == [(3, [[0, 1], [1, 0]])]
        assert kinds(again)[-2:] == ["safe", "exposed"]


@pytest.mark.fault("C1", "V2")
def test_what_a_short_may_have_let_through_is_not_counted_again_at_resume(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    keeper.send_pulses(ALL, PULSE)
    chip.short = True
    with pytest.raises(ComplianceError):
        keeper.read_currents(ONE_HOT)
    with closing(reopened(journal)) as again:
        keeper = keeper_of(chip, again)
        keeper.read_currents(ONE_HOT)
        keeper.send_pulses(ALL, PULSE)
        with pytest.raises(ComplianceError):
            keeper.read_currents(ONE_HOT)
        assert len(bodies(again, "exposed")) == 1


def test_a_resume_that_finds_every_cell_whole_is_proof_for_what_was_sent_before(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    keeper.send_pulses(ALL, PULSE)
    with closing(reopened(journal)) as again:
        keeper = keeper_of(chip, again)
        keeper.read_currents(ONE_HOT)
        keeper.send_pulses(ALL, PULSE)
        keeper.line_conductances(0.1)  # goes live, with a map of all cells
        chip.short = True
        with pytest.raises(ComplianceError):
            keeper.read_currents(ONE_HOT)
        assert bodies(again, "exposed") == []


@pytest.mark.fault("C1")
def test_a_read_that_leaves_a_row_at_rest_is_no_proof_that_its_cells_are_whole(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.send_pulses(ALL, PULSE)
    keeper.read_currents(np.array([[0.1, 0.0]]))
    chip.short = True
    with pytest.raises(ComplianceError):
        keeper.read_currents(ONE_HOT)
    assert len(bodies(journal, "exposed")) == 1


def test_a_batch_of_n_cells_costs_n_plus_one_commits(chip, journal, monkeypatch):
    commits = []
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    commit = journal.commit
    monkeypatch.setattr(journal, "commit", lambda: (commits.append(1), commit()))
    keeper.send_pulses(ALL, PULSE)
    assert len(commits) == 4 + 1


@pytest.mark.fault("T3")
@pytest.mark.fault("V1")
def test_a_pulse_whose_answer_was_lost_is_not_sent_again(chip, journal):
    chip.fail = {2: "answer lost"}
    keeper_of(chip, journal).send_pulses(ALL, PULSE)
    assert chip.sent == [(0, 0), (0, 1), (0, 1), (1, 0), (1, 1)]
    assert [body["state"] for body in bodies(journal, "outcome")] == ["done"] * 4


@pytest.mark.fault("T4")
def test_a_pulse_that_the_instrument_says_it_never_got_is_sent_under_a_new_number(chip, journal):
    chip.fail = {2: "lost"}
    keeper_of(chip, journal).send_pulses(ALL, PULSE)
    assert sorted(chip.sent) == [(0, 0), (0, 1), (0, 1), (1, 0), (1, 1)]
    assert [body["state"] for body in bodies(journal, "outcome")] == ["done", "not_sent", "done", "done", "done"]
    assert [body["seq"] for body in bodies(journal, "intent")] == [1, 2, 3, 4, 5]


@pytest.mark.fault("V3")
def test_a_pulse_in_doubt_counts_as_sent_and_the_cells_are_read_before_the_next(journal):
    chip = FakeChip(remembers=False)
    chip.fail = {2: "lost"}
    keeper_of(chip, journal).send_pulses(ALL, PULSE)
    assert chip.sent == [(0, 0), (1, 0), (1, 1)]  # the two of cell [0, 1] were lost and are not repeated
    assert [body["state"] for body in bodies(journal, "outcome")] == ["done", "in_doubt", "done", "done"]
    assert kinds(journal).index("check") < [entry.body.get("seq") for entry in read_journal(journal.path)].index(3)


def test_a_link_that_fails_again_and_again_ends_the_batch_safely(chip, journal):
    chip.fail = {1: "lost", 2: "lost", 3: "lost"}
    keeper = keeper_of(chip, journal)
    with pytest.raises(DeadlineError):
        keeper.send_pulses(ALL, PULSE)
    assert chip.sent == []
    assert chip.made_safe == 1
    assert keeper.machine.state is State.SAFE
    assert bodies(journal, "safe")[-1]["confirmed"]


@pytest.mark.fault("T2")
def test_a_read_whose_answer_was_lost_is_repeated(chip, journal):
    chip.reads_to_fail = 2
    currents = keeper_of(chip, journal).read_currents(ONE_HOT)
    assert np.array_equal(currents, ONE_HOT @ chip.conductances)
    assert len(bodies(journal, "note")) == 2


def test_a_read_that_fails_three_times_stops_and_makes_safe(chip, journal):
    chip.reads_to_fail = 3
    with pytest.raises(DeadlineError):
        keeper_of(chip, journal).read_currents(ONE_HOT)
    assert chip.made_safe == 1


@pytest.mark.fault("F7")
def test_a_pulse_beyond_the_limits_is_refused_and_stands_in_the_journal(chip, journal):
    with pytest.raises(LimitError, match="4 V exceeds the limit of 3 V"):
        keeper_of(chip, journal).send_pulses(ALL, Pulse(4.0, 0.05))
    assert chip.sent == []
    assert not {"intent", "pulses"} & set(kinds(journal))
    assert "4 V exceeds" in bodies(journal, "refused")[0]["why"]


@pytest.mark.fault("D1")
def test_a_disk_that_refuses_the_intent_keeps_the_pulse_back(chip, journal, monkeypatch):
    keeper = keeper_of(chip, journal)

    def full():
        raise JournalError("disk is full")

    monkeypatch.setattr(journal, "commit", full)
    with pytest.raises(JournalError, match="disk is full"):
        keeper.send_pulses(ALL, PULSE)
    assert chip.sent == []
    assert chip.made_safe == 1


@pytest.mark.fault("D2")
def test_a_disk_that_refuses_an_outcome_stops_before_the_next_pulse_and_makes_safe(chip, journal, monkeypatch):
    keeper = keeper_of(chip, journal)
    commit, calls = journal.commit, []

    def third_fails():
        calls.append(1)
        if len(calls) >= 3:
            raise JournalError("disk is full")
        commit()

    monkeypatch.setattr(journal, "commit", third_fails)
    with pytest.raises(JournalError):
        keeper.send_pulses(ALL, PULSE)
    assert chip.sent == [(0, 0), (0, 1), (0, 1)]
    assert chip.made_safe == 1


# ---------------------------------------------------------------------- stop


@pytest.mark.fault("O1", "V3")
def test_a_stop_ends_a_batch_between_two_pulses_and_nothing_is_in_doubt(chip, journal):
    stop = StopFlag()
    keeper = keeper_of(chip, journal, stop=stop)
    done = chip.witness.done

    def then_stop(sequence, readings):
        done(sequence, readings)
        if sequence == 2:
            stop.set("Ctrl-C")

    chip.witness.done = then_stop
    with pytest.raises(Stopped, match="Ctrl-C"):
        keeper.send_pulses(ALL, PULSE)
    assert chip.sent == [(0, 0), (0, 1), (0, 1)]
    assert [body["state"] for body in bodies(journal, "outcome")] == ["done", "done"]
    with pytest.raises(Stopped):
        keeper.read_currents(ONE_HOT)


def test_the_first_cause_of_a_stop_is_the_one_that_is_told():
    stop = StopFlag()
    stop.set("first")
    stop.set("second")
    assert stop.cause == "first"


# ---------------------------------------------------------------------- replay


@pytest.mark.fault("V10")
def test_a_resumed_session_is_answered_from_the_journal_and_then_goes_live(chip, journal):
    keeper = keeper_of(chip, journal)
    first = keeper.read_currents(ONE_HOT)
    keeper.send_pulses(ALL, PULSE)
    again = keeper_of(chip, reopened(journal))
    assert np.array_equal(again.read_currents(ONE_HOT), first)
    again.send_pulses(ALL, PULSE)
    assert len(chip.sent) == ALL.sum()  # nothing was sent a second time
    assert again.machine.state is State.REPLAYING
    assert not np.array_equal(again.read_currents(ONE_HOT), first)
    assert again.machine.state is State.READY


def test_a_run_is_retold_whole_although_somebody_looks_at_the_bench_first(chip, journal):
    keeper = keeper_of(chip, journal)
    first = keeper.read_currents(ONE_HOT)
    keeper.send_pulses(ALL, PULSE)
    keeper.read_currents(ONE_HOT)
    again = keeper_of(chip, reopened(journal))
    assert again.line_conductances(0.1).shape == (4, 4)
    assert np.array_equal(again.read_currents(ONE_HOT), first)
    again.send_pulses(ALL, PULSE)
    assert len(chip.sent) == ALL.sum()


@pytest.mark.parametrize("resumed", [False, True])
def test_what_was_done_is_let_go_of_once_nothing_will_ask_for_it(chip, journal, resumed):
    keeper = keeper_of(chip, journal)
    for _ in range(3):
        keeper.send_pulses(ALL, PULSE)
        keeper.read_currents(ONE_HOT)
    if resumed:
        keeper = keeper_of(chip, reopened(journal))
        for _ in range(3):
            keeper.send_pulses(ALL, PULSE)
            keeper.read_currents(ONE_HOT)
        assert len(keeper._record.operations) == 6  # it may be asked for, until it has been retold
        keeper.read_currents(ONE_HOT)
    assert len(keeper._record.operations) == 1


@pytest.mark.parametrize("died_after", [1, 2, 3])
@pytest.mark.fault("H1")
def test_a_batch_that_was_cut_short_is_gone_on_with_where_it_ended(chip, journal, died_after):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    chip.fail = {died_after: KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        keeper.send_pulses(ALL, PULSE)
    assert chip.made_safe == 1
    chip.fail, chip.cause_of_doubt = {}, None
    again = keeper_of(chip, reopened(journal))
    again.read_currents(ONE_HOT)
    again.send_pulses(ALL, PULSE)
    assert sorted(chip.sent) == [(0, 0), (0, 1), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize(("remembered", "state", "sent"), [(1, "not_sent", 5), (2, "done", 3), (None, "in_doubt", 3)])
def test_an_intent_without_an_outcome_is_settled_by_what_the_instrument_remembers(
    chip, journal, remembered, state, sent
):
    journal.append("pulses", {"op": 1, "counts": ALL.tolist(), "amplitude_v": 2.0, "width_s": 0.05})
    for seq, cell, count in ((1, (0, 0), 1), (2, (0, 1), 2)):
        row, column = cell
        body = {"op": 1, "seq": seq, "row": row, "column": column, "count": count, "amplitude_v": 2.0, "width_s": 0.05}
        journal.append("intent", body)
        if seq == 1:
            journal.append("outcome", {"seq": 1, "state": "done", "why": "", "readings": []})
    chip.remembered, chip.remembers = remembered, remembered is not None
    again = keeper_of(chip, reopened(journal))
    again.send_pulses(ALL, PULSE)
    assert bodies(journal, "outcome")[1]["state"] == state
    assert len(chip.sent) == sent - 1  # the first pulse was sent by the session before


def test_a_pulse_that_the_instrument_has_begun_and_not_ended_is_in_doubt_at_resume(chip, journal, monkeypatch):
    journal.append("pulses", {"op": 1, "counts": [[1, 1], [0, 0]], "amplitude_v": 2.0, "width_s": 0.05})
    where = {"op": 1, "seq": 1, "row": 0, "column": 0, "count": 1}
    journal.append("intent", {**where, "amplitude_v": 2.0, "width_s": 0.05})
    monkeypatch.setattr(chip, "number_pulses", lambda token: PulseMemory(begun=1, done=0))
    again = keeper_of(chip, reopened(journal))
    again.send_pulses(np.array([[1, 1], [0, 0]]), PULSE)
    assert [body["state"] for body in bodies(journal, "outcome")] == ["in_doubt", "done"]
    assert [body["seq"] for body in bodies(journal, "intent")] == [1, 2]  # a new number, whatever came before
    assert chip.sent == [(0, 1)]


@pytest.mark.fault("F8", "F9")
def test_a_request_that_is_not_the_recorded_one_is_refused(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    keeper.send_pulses(ALL, PULSE)
    sent = len(chip.sent)
    again = keeper_of(chip, reopened(journal))
    with pytest.raises(ReplayDiverged, match=r"operation 1: the trainer asks for pulses, the journal holds a read"):
        again.send_pulses(ALL, PULSE)
    with pytest.raises(ReplayDiverged, match=r"operation 1: .*other voltages"):
        again.read_currents(2 * ONE_HOT)
    again.read_currents(ONE_HOT)
    with pytest.raises(ReplayDiverged, match="operation 2"):
        again.send_pulses(2 * ALL, PULSE)
    for other in (Pulse(2.1, 0.05), Pulse(2.0, 0.06), Pulse(-2.0, 0.05)):
        with pytest.raises(ReplayDiverged, match=r"operation 2: .*pulses"):
            again.send_pulses(ALL, other)
    with pytest.raises(ReplayDiverged, match="operation 2: the trainer asks for a read, the journal holds 5 pulses"):
        again.read_currents(ONE_HOT)
    assert len(chip.sent) == sent


@pytest.mark.fault("C9")
@pytest.mark.fault("C10")
@pytest.mark.fault("O9")
def test_another_chip_than_the_one_that_was_left_is_refused(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    chip.conductances[1, 0] *= 1.2
    again = keeper_of(chip, reopened(journal))
    again.read_currents(ONE_HOT)
    with pytest.raises(GuardError, match=r"not the chip that the run left: cell \[1, 0\] \(row 2, column 1\)"):
        again.read_currents(ONE_HOT)
    assert chip.sent == []


@pytest.mark.fault("C9")
def test_a_change_that_a_person_accepts_is_gone_on_from_and_stands_in_the_journal(chip, journal):
    keeper_of(chip, journal).read_currents(ONE_HOT)
    journal = reopened(journal)
    was = chip.conductances[1, 0]
    chip.conductances[1, 0] *= 1.2
    told = []
    with pytest.raises(GuardError, match=rf"{0.2 * was:.2g} S off where {0.1 * was:.2g} S.*1 of the 4.*accept-change"):
        keeper_of(chip, journal).line_conductances(0.1)
    journal = reopened(journal)
    again = keeper_of(chip, journal, accept_change=True, tell=told.append)
    again.read_currents(ONE_HOT)
    again.send_pulses(ALL, PULSE)
    assert [each["text"] for each in bodies(journal, "note") if "accepted" in each["text"]] == [
        told[0].removeprefix("note: ").removesuffix("; it stands in the journal")
    ]
    assert bodies(journal, "check")[-1]["conductances"][1][0] == pytest.approx(1.2 * was)


@pytest.mark.fault("C9", "C10")
def test_a_chip_most_of_whose_cells_changed_as_none_should_is_another_whatever_a_person_says(chip, journal):
    keeper_of(chip, journal).read_currents(ONE_HOT)
    chip.conductances[:, 0] *= 3.1
    journal = reopened(journal)
    keeper_of(chip, journal, accept_change=True).line_conductances(0.1)  # half of them may have broken
    chip.conductances *= 3.1
    with pytest.raises(GuardError, match=r"more than the factor of 3.*another chip"):
        keeper_of(chip, reopened(journal), accept_change=True).line_conductances(0.1)
    assert chip.sent == []


@pytest.mark.fault("C9")
def test_a_chip_whose_bench_file_says_its_noise_may_read_otherwise_by_that(chip, journal):
    keeper_of(chip, journal).read_currents(ONE_HOT)
    journal = reopened(journal)
    chip.conductances *= 1.42  # 6 sqrt(2) times 5 % are 42.4 %
    with pytest.raises(GuardError, match="10% of that"):
        keeper_of(chip, journal, least=Least(1e-5, noise=0.01)).line_conductances(0.1)
    keeper_of(chip, reopened(journal), least=Least(1e-5, noise=0.05)).line_conductances(0.1)


@pytest.mark.fault("C9")
def test_at_resume_a_cell_that_was_pulsed_since_it_was_measured_may_be_another(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    keeper.send_pulses(np.array([[1, 0], [0, 0]]), PULSE)
    chip.conductances[0, 0] *= 1.5
    again = keeper_of(chip, reopened(journal))
    again.read_currents(ONE_HOT)
    again.send_pulses(np.array([[1, 0], [0, 0]]), PULSE)
    again.read_currents(ONE_HOT)
    assert [body["op"] for body in bodies(journal, "read")] == [1, 3]  # a number of its own for what comes now


@pytest.mark.fault("C3", "V3")
def test_a_reading_that_cannot_be_is_refused_also_where_the_keeper_reads_by_itself(journal):
    chip = FakeChip(remembers=False)
    keeper = keeper_of(chip, journal, least=Least(1e-5))
    keeper.read_currents(ONE_HOT)
    chip.fail = {1: "lost"}
    chip.conductances *= -1
    with pytest.raises(ImpossibleReading, match="further below zero"):
        keeper.send_pulses(ALL, PULSE)
    assert chip.sent == []


@pytest.mark.fault("C15")
def test_two_lines_that_give_a_current_are_no_two_lines(chip, journal):
    keeper = keeper_of(chip, journal, least=Least(1e-5))
    for siemens, words in (
        (-0.99e-7, ""),  # 0.1 % of 10 uA at 0.1 V
        (
            -1.01e-7,
            r"row 2 to column 1 reads -1\.01e-07 S, which is further below zero .* is said of the wiring",
        ),
    ):
        between = np.full((4, 4), 1e-6)
        between[0, 1], between[1, 2] = np.inf, siemens
        chip.line_conductances = lambda voltage_v, shows=between: shows
        with pytest.raises(ImpossibleReading, match=words) if words else nullcontext():
            assert keeper.line_conductances(0.1) is between


@pytest.mark.fault("C15")
@pytest.mark.parametrize("with_map", [False, True])
def test_a_read_of_more_than_cells_can_give_is_thrown_away(chip, journal, with_map):
    keeper = keeper_of(chip, journal, least=Least(1e-5))
    pattern = np.array([[0.1, -0.1]])
    voltages = np.concatenate([ONE_HOT, pattern]) if with_map else pattern
    true, shown = chip._read_currents, [5e-6]
    spoiled = lambda asked: np.concatenate([true(asked)[:-1], [[0.0, -shown[0]]]])  # noqa: E731
    if not with_map:
        chip._read_currents = spoiled
        keeper.read_currents(voltages)  # of unknown cells anything is believed
        chip._read_currents = true
    keeper.read_currents(ONE_HOT)
    chip._read_currents = spoiled
    shown[0] = 4.1e-6  # 20 times what two cells of 1 uS can give at 0.1 V, and 20 times 0.1 % of 10 uA: 4.2 uA
    keeper.read_currents(voltages)
    known = len(bodies(journal, "read"))
    shown[0] = 4.3e-6
    with pytest.raises(ImpossibleReading, match=r"column 2 shows -4\.3e-06 A, more than 20 times .* \(2\.1e-07 A\)"):
        keeper.read_currents(voltages)
    assert len(bodies(journal, "read")) == known


def test_a_read_with_a_map_of_its_own_is_held_to_that_and_names_the_cell_that_changed(chip, journal):
    keeper = keeper_of(chip, journal, least=Least(1e-5))
    keeper.read_currents(ONE_HOT)
    chip.conductances[1, 1] *= 100
    with pytest.raises(CellChanged, match=r"cell \[1, 1\] \(row 2, column 2\) went from 1e-06 S to 0\.0001 S"):
        keeper.read_currents(ONE_HOT)


def test_cells_that_were_pulsed_since_the_map_may_give_more_of_a_current(chip, journal):
    keeper = keeper_of(chip, journal, least=Least(1e-5))
    keeper.read_currents(ONE_HOT)
    keeper.send_pulses(ALL, PULSE)
    chip._read_currents = lambda voltages: np.full((1, 2), 1e-5)
    keeper.read_currents(np.array([[0.1, 0.1]]))


def test_what_the_record_begins_with_and_a_pulse_without_an_outcome_are_in_the_journal(chip, journal):
    keeper_of(chip, journal).note_record({"seed": 7})
    assert bodies(journal, "record") == [{"seed": 7}]
    journal.append("pulses", {"op": 1, "counts": ALL.tolist(), "amplitude_v": 2.0, "width_s": 0.05})
    for seq, count in ((1, 1), (2, 2)):
        where = {"op": 1, "seq": seq, "row": 0, "column": seq - 1, "count": count}
        journal.append("intent", {**where, "amplitude_v": 2.0, "width_s": 0.05})
        if seq == 1:
            journal.append("outcome", {"seq": 1, "state": "done", "why": "", "readings": []})
    journal.commit()
    assert count_pulses(read_journal(journal.path)) == (5, 1, 2, (2,))  # asked, done, in doubt, open


@pytest.mark.fault("H8", "V22")
def test_an_error_says_besides_that_the_bench_could_not_be_made_safe(chip, journal):
    chip.unsafe, chip.reads_to_fail = "smu.a is still on", 3
    with pytest.raises(DeadlineError) as caught:
        keeper_of(chip, journal).read_currents(ONE_HOT)
    assert caught.value.__notes__ == ["smu.a is still on"]


def test_an_instrument_that_sent_more_than_the_journal_holds_is_refused(chip, journal):
    keeper = keeper_of(chip, journal)
    keeper.send_pulses(ALL, PULSE)
    chip.remembered = 9
    again = keeper_of(chip, reopened(journal))
    again.send_pulses(ALL, PULSE)
    with pytest.raises(GuardError, match=r"pulse 9 .* ends at pulse 4"):
        again.read_currents(ONE_HOT)


# ---------------------------------------------------------------------- make safe


@pytest.mark.fault("H8")
def test_making_safe_that_fails_is_told_and_leaves_a_broken_bench_that_does_no_work(chip, journal):
    chip.unsafe = "smu.a is still on"
    keeper = keeper_of(chip, journal)
    report = keeper.make_safe("the end")
    assert not report.confirmed
    assert report.failures == ("smu.a is still on",)
    assert keeper.machine.state is State.BROKEN
    with pytest.raises(GuardError, match="broken"):
        keeper.send_pulses(ALL, PULSE)
    assert chip.sent == []


@pytest.mark.parametrize(
    ("memory", "outcome", "why"),
    [
        (None, "in_doubt", "does not remember the run"),
        (PulseMemory(7, 7), "done", "has sent pulse 7"),
        (PulseMemory(8, 8), "done", "has sent pulse 8"),
        (PulseMemory(7, 6), "in_doubt", "has begun pulse 7, but not ended it"),
        (PulseMemory(8, 6), "in_doubt", "has begun pulse 8"),
        (PulseMemory(6, 6), "not_sent", "has begun is 6"),
        (PulseMemory(6, 5), "not_sent", "has begun is 6"),
    ],
)
def test_what_became_of_pulse_7_is_what_the_instrument_remembers_of_it_and_else_it_counts_as_sent(memory, outcome, why):
    found, told = _outcome_from_memory(7, memory)
    assert found == outcome
    assert why in told


INSIDE = [{"drive": Reading(1e-6, False)}, {"drive": Reading(-3e-6, False)}]


@pytest.mark.parametrize(
    ("pulse", "known", "due", "readings", "asked"),
    [
        (None, ONE_HOT, ("drive", 1e-6, 2e-6), INSIDE, False),
        (PULSE, None, ("drive", 1e-6, 2e-6), INSIDE, False),  # nothing to tell a short by
        (PULSE, ONE_HOT, None, INSIDE, True),
        (PULSE, ONE_HOT, ("drive", 1e-6, 2e-6), [], True),
        (PULSE, ONE_HOT, ("drive", 0.0, 2e-6), INSIDE, True),
    ],
)
def test_a_current_that_nothing_is_known_of_is_not_judged(pulse, known, due, readings, asked):
    looks = []
    keeper = SimpleNamespace(
        _record=SimpleNamespace(operations=[SimpleNamespace(pulse=pulse)]),
        _watch=SimpleNamespace(known=known),
        chip=SimpleNamespace(pulse_currents=lambda *what: looks.append(what) or due),
        _pulse_currents=SimpleNamespace(suspicious=lambda *_: pytest.fail("it was judged")),
        _judged=set(),
    )
    Keeper._judge_currents(keeper, Intent(7, 1, (0, 1), 2), readings)
    assert looks == ([((0, 1), pulse, known)] if asked else [])
    assert keeper._judged == set()


def test_the_largest_current_of_a_train_is_judged_and_a_suspicious_one_stops_it():
    judged = []
    keeper = SimpleNamespace(
        _record=SimpleNamespace(operations=[None, SimpleNamespace(pulse=PULSE)]),
        _watch=SimpleNamespace(known=ONE_HOT),
        chip=SimpleNamespace(pulse_currents=lambda *_: ("drive", 1e-6, 2e-6)),
        _pulse_currents=SimpleNamespace(suspicious=lambda *what: judged.append(what) or len(judged) == 2),
        _judged=set(),
    )
    Keeper._judge_currents(keeper, Intent(7, 1, (0, 1), 2), INSIDE)
    with pytest.raises(ShortSuspected, match=r"current of 3e-06 A inside pulse 8"):
        Keeper._judge_currents(keeper, Intent(8, 1, (0, 1), 2), INSIDE)
    assert judged == [(3e-6, 1e-6, 2e-6)] * 2
    assert keeper._judged == {7}


def test_onlookers_find_what_the_keeper_is_doing_while_it_does_it(chip, journal, monkeypatch):
    seen = []

    def noted(name):
        real = getattr(chip, name)
        return lambda *given: seen.append((name, phase_of(journal.path.parent)[0])) or real(*given)

    for name in ("_read_currents", "_send_pulses"):
        monkeypatch.setattr(chip, name, noted(name))
    keeper = keeper_of(chip, journal)
    keeper.read_currents(ONE_HOT)
    keeper.send_pulses(ALL, PULSE)
    seen.append(("between", phase_of(journal.path.parent)[0]))
    assert seen == [("_read_currents", "reading"), ("_send_pulses", "pulsing"), ("between", "ready")]
    told, real = [], keeper.machine.tell
    monkeypatch.setattr(keeper.machine, "tell", lambda word: told.append(word) or real(word))
    keeper.make_safe("done")
    assert told == ["making safe", "safe"]
    assert phase_of(journal.path.parent)[0] == "safe"


def test_a_disk_that_hangs_does_not_keep_a_chip_from_being_made_safe(chip, journal, monkeypatch):
    safe, waited = threading.Event(), []
    monkeypatch.setattr(chip, "make_safe", safe.set)
    keeper = keeper_of(chip, journal)
    monkeypatch.setattr(keeper.machine, "tell", lambda _: waited.append(safe.wait(10)))
    assert keeper.make_safe("done").confirmed
    assert waited == [True, True]


def test_a_chip_is_made_safe_where_there_can_be_no_thread(chip, journal, monkeypatch):
    def start(_):
        raise RuntimeError("can't start new thread")

    keeper = keeper_of(chip, journal)
    monkeypatch.setattr(threading.Thread, "start", start)
    assert keeper.make_safe("done").confirmed
