"""Faults of the chip: cells that break, jump, stick or drift are held, named or bounded; no chip gets no pulse."""

from contextlib import suppress

import numpy as np
import pytest

from crossbar_hil.backend import Limits, Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import BackendError, ComplianceError, GuardError, ImpossibleReading, LimitError
from crossbar_hil.guard.journal import Journal
from crossbar_hil.guard.keeper import Keeper
from crossbar_hil.guard.watch import Least, Watch

from .conftest import FakeChip
from .kept import ALL, FIRST, ONE_HOT, PULSE


@pytest.fixture
def keeper(chip, journal):
    return Keeper(chip, journal, check_v=0.1)


# ---------------------------------------------------------------------- on the emulated bench


@pytest.mark.fault("C1")
@pytest.mark.parametrize("name", ["emulated", "emulated-single"])
def test_a_shorted_cell_is_held_by_the_current_limit_and_its_lines_named(kept, name):
    bench = kept(name)
    bench.read()
    bench.strike("cell", what="short", row=0, column=1)
    with pytest.raises(ComplianceError, match=r"(row 1|column 2).*reached its current limit of 0\.0001 A"):
        bench.read()
    assert bench.left_on == ([], set())
    assert bench.received.sum() == 0


@pytest.mark.fault("C1", "V2")
def test_a_short_that_lets_a_pulse_through_to_others_is_found_in_that_pulse_and_they_are_counted(kept):
    bench = kept("emulated-single")
    bench.read()
    bench.strike("cell", what="short", row=1, column=0)
    with pytest.raises(ComplianceError) as caught:  # it takes the divider to 0 V, which trips no limit
        bench.pulse(FIRST)
    # by hand, row 0: 2 V on the pulsed cell and its neighbour, for which the divider is meant to leave 1 V
    assert bench.received.tolist() == [[1, 1], [0, 0]]
    assert [body["counts"] for body in bench.entries("exposed")] == [[[0, 1], [1, 0]]]
    assert "more than whole cells should draw" in bench.entries("note")[-1]["text"]
    assert "are counted as received" in caught.value.__notes__[-1]
    assert bench.left_on == ([], set())


@pytest.mark.fault("C1")
def test_with_a_source_on_row_and_column_a_short_reaches_no_other_cell_and_none_is_counted(kept):
    bench = kept("emulated")
    bench.read()
    bench.strike("cell", what="short", row=1, column=0)
    with pytest.raises(ComplianceError):
        bench.pulse(FIRST)
    assert bench.received.sum() - bench.received[0, 0] == 0
    assert bench.entries("exposed") == []


@pytest.mark.fault("C2", "C7")
def test_a_cell_that_opens_without_a_pulse_stops_the_run(kept):
    bench = kept()
    bench.read()
    bench.strike("cell", what="open", row=1, column=0)
    with pytest.raises(GuardError, match=r"cell \[1, 0\].* went from .* to 0 S although it was not pulsed"):
        bench.read()
    assert bench.left_on == ([], set())


@pytest.mark.fault("C2")
def test_a_cell_that_was_open_from_the_beginning_is_measured_as_one_and_the_others_are_pulsed(kept):
    bench = kept()
    bench.strike("cell", what="open", row=1, column=0)
    for _ in range(2):
        found = bench.read()
        assert found[1, 0] == pytest.approx(0.0, abs=1e-12)
        bench.pulse(ALL)
    assert bench.received.max() == 2


@pytest.mark.fault("C3", "C14", "C11")
def test_a_cell_that_no_pulse_moves_gets_no_more_than_its_budget(kept):
    bench = kept(limits={"pulses": 3})
    bench.strike("cell", what="stuck", row=0, column=0)
    for _ in range(3):
        bench.read()
        bench.pulse(FIRST)
    with pytest.raises(LimitError, match=r"cell \[0, 0\] \(row 1, column 1\) has had 3 pulses"):
        bench.pulse(FIRST)
    assert bench.received[0, 0] == 3


@pytest.mark.fault("C5")
def test_a_cell_whose_conductance_jumps_tenfold_stops_the_run_where_that_is_too_much(kept):
    bench = kept(limits={"jump": 8.0})
    bench.read()
    bench.strike("cell", what="burst", row=0, column=0)
    bench.pulse(FIRST)
    with pytest.raises(GuardError, match=r"cell \[0, 0\].* went from .* by its last pulses, by more than .* 8"):
        bench.read()
    assert bench.left_on == ([], set())
    assert bench.entries("read")[-1]["currents"] != bench.entries("read")[0]["currents"]  # the evidence is kept


@pytest.mark.fault("C6", "C7")
def test_a_cell_that_drifts_far_without_a_pulse_stops_the_run(kept):
    bench = kept()
    bench.read()
    bench.strike("cell", what="drift", row=1, column=1, amount=-10.0)
    with suppress(GuardError):  # the cell begins to drift in the middle of this one
        bench.read()
    with pytest.raises(BackendError, match=r"cell \[1, 1\].* went from .* although it was not pulsed|broken"):
        bench.read()
    assert bench.left_on == ([], set())


@pytest.mark.fault("C9")
def test_where_no_chip_is_in_the_socket_no_pulse_is_sent(kept):
    bench = kept()
    for row, column in np.ndindex(2, 2):
        bench.strike("cell", what="open", row=row, column=column)
    assert np.abs(bench.read()).max() < 1e-9
    with pytest.raises(GuardError, match="the chip is not in its socket"):
        bench.pulse(FIRST)
    assert "socket" in bench.entries("refused")[0]["why"]
    assert bench.received.sum() == 0
    assert bench.entries("pulses") == []


@pytest.mark.fault("C13")
def test_a_hundred_reads_at_read_voltage_move_no_cell(kept):
    bench = kept()
    before = bench.truth.copy()
    for _ in range(100 // 4):
        bench.keeper.read_currents(np.full((4, 2), 0.1))
    assert np.array_equal(bench.truth, before)
    assert bench.received.sum() == 0


@pytest.mark.fault("C8")
def test_a_noisy_cell_costs_no_pulse_beyond_the_budget_of_its_epochs(kept):
    bench = kept()
    bench.strike("cell", what="noisy", row=0, column=0, amount=0.1)
    for epoch in range(3):
        bench.read()
        bench.pulse(FIRST)
        assert bench.received.sum() == epoch + 1


# ---------------------------------------------------------------------- the watch by itself


@pytest.mark.fault("C12")
def test_pulses_that_move_every_cell_the_wrong_way_stop_the_run(chip, keeper):
    send = chip._send_pulses

    def the_other_way(counts, pulse):
        send(counts, pulse)
        chip.conductances -= 2e-7 * (counts > 0)

    chip._send_pulses = the_other_way
    keeper.read_currents(ONE_HOT)
    keeper.send_pulses(ALL, PULSE)
    with pytest.raises(GuardError, match=r"pulses of 2 V moved all of the 4 cells .* of the other polarity"):
        keeper.read_currents(ONE_HOT)
    assert chip.made_safe == 1


@pytest.mark.fault("C12", "F2")
def test_limits_hold_for_both_polarities(chip, keeper):
    for amplitude_v in (3.5, -3.5):
        with pytest.raises(LimitError, match="exceeds the limit of 3 V"):
            keeper.send_pulses(ALL, Pulse(amplitude_v, 0.05))
    assert chip.sent == []


@pytest.mark.parametrize(
    ("before", "after", "pulsed", "words"),
    [
        ([[1e-6, 1e-6]], [[1.9e-5, 1e-6]], [(0, 0)], ""),
        ([[1e-6, 1e-6]], [[2.1e-5, 1e-6]], [(0, 0)], "cell [0, 0]"),
        ([[1e-6, 1e-6]], [[1e-6, 4.9e-8]], [(0, 1)], "cell [0, 1]"),
        ([[1e-6, 1e-6]], [[2.9e-6, 1e-6]], [], ""),
        ([[1e-6, 1e-6]], [[3.1e-6, 1e-6]], [], "although it was not pulsed"),
        ([[1e-12, 1e-6]], [[9e-10, 1e-6]], [], ""),  # both are open
        ([[1e-12, 1e-6]], [[3.1e-9, 1e-6]], [], "although it was not pulsed"),  # three times what is open
        ([[-1e-6, 1e-6]], [[1e-6, 1e-6]], [], ""),  # a sign is no jump
        ([[1e-6, 1e-6]], [[8e-7, 1.2e-6]], [(0, 0), (0, 1)], ""),  # one of them the right way
        ([[1e-6, 1e-6]], [[8e-7, 8e-7]], [(0, 0), (0, 1)], "other polarity"),
        ([[1e-6, 1e-6]], [[9.5e-7, 9.5e-7]], [(0, 0), (0, 1)], ""),  # no more than noise
    ],
)
def test_what_a_cell_may_become_is_known_from_outside(before, after, pulsed, words):
    watch = Watch((1, 2), jump=20.0)
    assert watch.judge_map(np.array(before)) == ""
    for cell in pulsed:
        watch.note_pulse(cell, 2.0)
    found = watch.judge_map(np.array(after))
    assert (words in found) if words else found == ""
    assert watch.judge_map(np.array(after)) == ""  # what was said once is what is known from then on


PATTERNS = 0.1 * np.array([[1, -1], [-1, -1], [1, 0], [0, 1]])
"""Two patterns, and each row alone: what a training reads."""


@pytest.mark.fault("C15", "T8")
@pytest.mark.parametrize("name", ["emulated", "emulated-single"])
def test_readings_that_are_one_behind_stop_the_run_before_any_pulse(kept, name):
    bench = kept(name)
    right = bench.keeper.read_currents(PATTERNS)
    true, late = bench.chip._read_currents, [right[-1]]

    def one_behind(voltages):
        late.extend(true(voltages))
        return np.array([late.pop(0) for _ in voltages])

    bench.chip._read_currents = one_behind
    with pytest.raises(ImpossibleReading, match=r"to -1e-07 S: 0\.1% of the range of 1e-05 A at 0\.1 V"):
        bench.keeper.read_currents(
            PATTERNS
        )  # the first row is read as the second pattern, all of whose voltages are low
    assert bench.left_on == ([], set())
    assert len(bench.entries("read")) == 1  # nothing to be answered from at a resume
    del bench.chip._read_currents
    assert np.array_equal(bench.keeper.read_currents(PATTERNS), right)


def test_a_chip_that_is_connected_the_wrong_way_round_is_not_trained(kept):
    bench = kept("emulated")
    true = bench.chip._read_currents
    bench.chip._read_currents = lambda voltages: -true(voltages)
    with pytest.raises(ImpossibleReading, match="lines the wrong way round"):
        bench.keeper.read_currents(PATTERNS)
    assert bench.received.sum() == 0


@pytest.mark.fault("C15")
def test_noisy_readings_of_low_cells_stop_nothing():
    """Readings at 10 and 50 % of noise, and a meter with 0.01 % of its 10 uA; cells of 1 uS down to an open one."""
    rng = np.random.default_rng(1)
    cells = np.tile([[1e-6, 1e-8], [2e-7, 0.0]], 500)
    known = None
    for noise in np.repeat([0.1, 0.5], 20):  # with 50 % one in forty readings is below zero
        least = Least(1e-5, noise)
        read = cells * (1 + noise * rng.standard_normal(cells.shape)) + 1e-9 / 0.1 * rng.standard_normal(cells.shape)
        assert least.problem(read, 0.1, known) == ""
        known = read


@pytest.mark.parametrize(
    ("range_a", "noise", "read_v", "reads", "told"),
    [
        (1e-5, 0.0, 0.1, -0.99e-7, False),  # 0.1 % of 10 uA at 100 mV
        (1e-5, 0.0, 0.1, -1.01e-7, True),
        (1e-5, 0.0, 0.2, -0.51e-7, True),  # the same current at twice the voltage
        (1e-4, 0.0, 0.1, -0.99e-6, False),
        (1e-5, 0.1, 0.1, -0.59e-6, False),  # six times 10 % of 1 uS
        (1e-5, 0.1, 0.1, -0.61e-6, True),
    ],
)
def test_how_far_below_zero_a_reading_may_lie(range_a, noise, read_v, reads, told):
    problem = Least(range_a, noise).problem(np.array([[reads]]), read_v, np.array([[1e-6]]))
    assert bool(problem) is told
    assert not told or f"cell [0, 0] (row 1, column 1) reads {reads:.4g} S" in problem


def test_what_noise_is_known_of_a_bench_is_what_its_chip_says():
    told = {"read_noise": 0}, {"read_noise": 0.1}, {"read_noise": 0.2, "telegraph": 0.4, "flicker": 0.4}
    found = [Least.of(load_bench("emulated", overrides={"chip": each})) for each in told]
    assert found == [Least(1e-5), Least(1e-5, 0.1), Least(1e-5, pytest.approx(0.6))]  # independent, so by squares


def test_cells_that_were_pulsed_up_and_down_say_nothing_of_the_polarity():
    watch = Watch((1, 2), jump=20.0)
    watch.restart(np.array([[1e-6, 1e-6]]))
    watch.note_pulse((0, 0), 2.0)
    watch.note_pulse((0, 1), 2.0)
    watch.note_pulse((0, 1), -2.0)
    assert watch.judge_map(np.array([[8e-7, 1.2e-6]])) == ""


@pytest.mark.parametrize("jump", [1, 0.5, float("nan"), float("inf"), "20"])
def test_a_jump_is_a_finite_factor_above_1(jump):
    with pytest.raises(ValueError, match=r"limit jump .* above 1"):
        Limits(0.2, 3.0, 0.1, jump=jump)


@pytest.mark.fault("C10", "O9", "C6")
def test_a_resumed_chip_is_compared_once_and_watched_from_then_on(chip, journal):
    first = Keeper(chip, journal, check_v=0.1)
    first.read_currents(ONE_HOT)
    path = journal.path
    journal.close()
    chip.conductances *= 1.05  # within what a resume allows
    again = Journal.open(path)
    keeper = Keeper(chip, again, check_v=0.1)
    keeper.read_currents(ONE_HOT)
    keeper.read_currents(ONE_HOT)
    chip.conductances[0, 0] *= 4
    with pytest.raises(BackendError, match=r"cell \[0, 0\] \(row 1, column 1\)"):
        keeper.read_currents(ONE_HOT)
    again.close()


def test_after_a_lost_answer_a_cell_that_jumped_ends_the_batch(journal):
    chip = FakeChip(remembers=False)
    keeper = Keeper(chip, journal, check_v=0.1)
    keeper.read_currents(ONE_HOT)
    chip.fail = {2: "lost"}
    check = chip.read_conductances

    def jumped(voltage_v):
        chip.conductances[0, 0] *= 100
        return check(voltage_v)

    chip.read_conductances = jumped
    with pytest.raises(GuardError, match=r"cell \[0, 0\] \(row 1, column 1\) went from"):
        keeper.send_pulses(ALL, PULSE)
    assert chip.sent == [(0, 0)]


def test_one_cell_that_went_the_wrong_way_says_nothing_of_the_polarity_and_two_do():
    for cells, told in (([(0, 1)], ""), ([(0, 1), (1, 0)], "moved all of the 2 cells that got them the other way")):
        watch, now = Watch((2, 2), 20.0), np.full((2, 2), 2e-6)
        watch.restart(now.copy())
        for cell in cells:
            watch.note_pulse(cell, 2.0)
            now[cell] = 1e-6
        found = watch.judge_map(now)
        assert told in found
        assert bool(found) is bool(told)


@pytest.mark.parametrize(("siemens", "there"), [(0.9e-9, False), (1.1e-9, True), (-1.1e-9, True), (-0.9e-9, False)])
def test_a_chip_is_there_if_one_cell_conducts_whichever_way_round_its_lines_are(siemens, there):
    watch = Watch((1, 2), jump=20.0)
    assert watch.nothing_there == ""  # nothing was measured
    watch.restart(np.array([[-1e-12, siemens]]))
    assert (watch.nothing_there == "") is there
