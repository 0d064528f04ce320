"""The watch at the edges of what it allows: what lies just inside is a chip, what lies just outside is told."""

import numpy as np
import pytest

from crossbar_hil.arrays import at
from crossbar_hil.guard.watch import Least, PulseCurrents, Watch

G = 1e-5
RANGE_A, READ_V = 1e-4, 0.1
FLOOR = 1e-6
"""A thousandth of the range at that voltage, in siemens: 1e-3 * 1e-4 A / 0.1 V."""


def chip(*first, rest=G):
    """Conductances of 2 x 2 cells, of which the first ones are given."""
    return np.array([*first, *[rest] * (4 - len(first))]).reshape(2, 2)


@pytest.mark.parametrize("read_v", [READ_V, -READ_V])
@pytest.mark.parametrize(
    ("noise", "known", "least"),
    [
        (0.0, None, -FLOOR),
        (0.1, None, -6 * 0.1 * G),  # six times the noise of the largest of them, if that is more
        (0.001, None, -FLOOR),
        (0.1, chip(2 * G), -6 * 0.1 * 2 * G),  # else of the cell itself
        (0.1, chip(-2 * G), -6 * 0.1 * 2 * G),
    ],
)
def test_a_reading_may_lie_below_zero_by_a_thousandth_of_the_range_or_by_its_noise(read_v, noise, known, least):
    judge = Least(RANGE_A, noise)
    assert judge.problem(chip(least * 0.999), read_v, known) == ""
    told = judge.problem(chip(least * 1.001), read_v, known)
    assert told.startswith(f"cell {at(0, 0)} reads ")
    assert ("times the noise" in told) == (noise > 0)


@pytest.mark.parametrize(("cell", "told"), [((0, 1), (1, 2)), ((1, 0), (2, 1)), ((1, 1), (2, 2))])
def test_the_cell_that_lies_furthest_below_its_own_bound_is_named(cell, told):
    known, read = np.full((2, 2), 5 * G), np.full((2, 2), -FLOOR * 1.001)
    known[0, 0], read[0, 0] = 50 * G, -20 * G  # the lowest of all, but within six times a tenth of what it was
    read[cell] = -6 * 0.1 * 5 * G * 1.5
    assert Least(RANGE_A, 0.1).problem(read, READ_V, known).startswith(f"cell {at(told[0] - 1, told[1] - 1)} reads ")


SIDES = np.array([[0.1, -0.2], [0.0, 0.1], [0.0, 0.0]])
MOST = np.array([[1e-5, 2e-5], [3e-5, 4e-5]])
GIVEN = np.array([[7e-6, 1e-5], [3e-6, 4e-6], [0.0, 0.0]])
"""What cells of at most `MOST` give at these voltages, in amperes, whichever way: |V| times G, by hand."""


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("place", [*np.ndindex(3, 2)])
def test_a_column_gives_twenty_times_what_its_cells_can_at_most(place, sign):
    most_a = 20 * (GIVEN + 1e-3 * RANGE_A)
    judge, currents = Least(RANGE_A), sign * most_a * 0.999
    assert judge.problem_of_read(SIDES, currents, MOST) == ""
    currents[place] = sign * most_a[place] * 1.001
    assert judge.problem_of_read(SIDES, currents, MOST).startswith(
        f"column {place[1] + 1} shows {currents[place]:.4g} A, more than 20 times what its cells can give as they were "
        f"read last ({most_a[place] / 20:.3g} A): "
    )
    assert judge.problem_of_read(SIDES[:0], currents[:0], MOST) == ""


@pytest.mark.parametrize(
    ("place", "names"),
    [((0, 2), "row 1 to column 1"), ((1, 0), "row 2 to row 1"), ((2, 3), "column 1 to column 2")],
)
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_between_two_lines_no_conductance_lies_further_below_zero_than_noise_brings_it(place, names, noise):
    least = max(FLOOR, 6 * noise * 8 * G)
    between = np.full((4, 4), 2 * G)
    between[np.diag_indices(4)] = np.nan  # a line to itself is not measured
    between[3, 0] = np.inf  # nor is a short
    between[0, 3] = 8 * G
    judge = Least(RANGE_A, noise)
    between[place] = -0.999 * least
    assert judge.problem_of_lines(between, -READ_V, 2) == ""
    between[place] = -1.001 * least
    assert judge.problem_of_lines(between, -READ_V, 2).startswith(f"{names} reads {-1.001 * least:.4g} S, which is ")


def test_a_cell_conducts_at_most_what_it_did_and_its_jump_more_if_it_was_pulsed():
    assert watching().most_siemens() is None
    watch = watching(chip(-2 * G, 0.0, 3 * G))
    assert watch.most_siemens() == pytest.approx(chip(2 * G, 1e-9, 3 * G))
    watch.note_pulse((1, 0), -2.0)
    watch.note_pulse((0, 1), 2.0)
    assert watch.most_siemens() == pytest.approx(chip(2 * G, 1e-8, 30 * G))
    watch.restart(chip())
    assert watch.most_siemens() == pytest.approx(chip())


def watching(before=None):
    watch = Watch((2, 2), jump=10.0)
    if before is not None:
        watch.restart(before)
    return watch


@pytest.mark.parametrize(("largest", "nothing"), [(0.99e-9, True), (1e-9, False), (-1e-9, False)])
def test_where_no_cell_conducts_a_billionth_of_a_siemens_there_is_no_chip(largest, nothing):
    assert bool(watching(chip(largest, rest=0.0)).nothing_there) is nothing
    assert watching().nothing_there == ""  # nothing was measured


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize(("volts", "most"), [(0.0, 3.0), (2.0, 10.0), (-2.0, 10.0)])
def test_a_cell_may_change_threefold_without_a_pulse_and_by_its_jump_with_one(up, volts, most):
    for factor, told in ((most * 0.999, False), (most * 1.001, True)):
        watch = watching(chip())
        watch.note_pulse((0, 0), volts)
        problem = watch.judge_map(chip(G * factor if up else G / factor))
        assert bool(problem) is told
        assert watch.judge_map(chip(G * factor if up else G / factor)) == ""  # it begins with what was measured
        if told:
            assert ("its last pulses" if volts else "not pulsed") in problem
    again = watching(chip())
    assert again.judge_resumed(chip(), chip(9.99 * G)) == ""
    assert "since the run was left" in again.judge_resumed(chip(), chip(10.01 * G))


def test_what_is_less_than_open_changes_as_much_as_it_likes():
    assert watching(chip(1e-15)).judge_map(chip(2.99e-9)) == ""
    assert "cell" in watching(chip(1e-15)).judge_map(chip(3.01e-9))


@pytest.mark.parametrize(
    ("volts", "after", "told"),
    [
        ((2.0, 2.0), (0.89, 0.89), True),  # every one by more than a tenth
        ((2.0, 2.0), (0.89, 0.91), False),
        ((2.0, 2.0), (1.5, 1.5), False),
        ((-2.0, -2.0), (1.11, 1.11), True),
        ((-2.0, -2.0), (0.5, 0.5), False),
        ((2.0, -2.0), (0.89, 1.11), True),  # each against its own
        ((2.0, 0.0), (0.89, 1.0), False),  # one cell alone tells nothing
    ],
)
def test_the_polarity_is_wrong_where_every_pulsed_cell_goes_back_by_a_tenth(volts, after, told):
    watch = watching(chip())
    for column, volt in enumerate(volts):
        if volt:
            watch.note_pulse((0, column), volt)
    assert ("wrong way round" in watch.judge_map(chip(*(each * G for each in after)))) is told


def test_a_cell_that_was_pulsed_both_ways_may_have_gone_either_way():
    watch = watching(chip())
    for volt in (-2.0, 2.0):
        for cell in ((0, 0), (0, 1)):
            watch.note_pulse(cell, volt)
    assert watch.judge_map(chip(0.5 * G, 0.5 * G)) == ""
    for cell in ((0, 0), (0, 1)):  # which is forgotten with the map
        watch.note_pulse(cell, 2.0)
    assert watch.judge_map(chip(0.25 * G, 0.25 * G)) != ""


def test_the_current_of_a_pulse_is_suspicious_from_half_way_to_that_of_a_short_on():
    for current_a, told in ((1.249e-6, False), (1.251e-6, True)):
        assert PulseCurrents().suspicious(current_a, 1e-6, 1.5e-6) is told
    assert PulseCurrents().suspicious(0.0, 1e-6, 1.5e-6) is False


def test_the_factor_of_a_chip_is_the_middle_one_of_its_last_pulses():
    currents = PulseCurrents()
    for factor in (1.2, 1.2, 1.2, 0.5):
        assert not currents.suspicious(factor * 1e-6, 1e-6, 1.5e-6)
    assert not currents.suspicious(1.2 * 1.249e-6, 1e-6, 1.5e-6)
    assert currents.suspicious(1.2 * 1.251e-6, 1e-6, 1.5e-6)


@pytest.mark.parametrize("count", [16, 17])
def test_the_factor_is_that_of_the_last_32_pulses(count):
    for share, told in ((1.249, False), (1.251, True)):
        currents = PulseCurrents()
        for each in (*(1.0,) * count, *(1.2,) * 16):  # 16 of each are left: the middle is 1.1
            currents.suspicious(each * 1e-6, 1e-6, 1.5e-6)
        assert currents.suspicious(1.1 * share * 1e-6, 1e-6, 1.5e-6) is told


def test_an_excess_that_was_looked_into_is_not_looked_at_again_but_a_larger_one_is():
    currents = PulseCurrents()
    assert currents.suspicious(1.4e-6, 1e-6, 1.5e-6)
    currents.cleared()  # nothing was known of the factor: it is 1.4, and nothing was amiss
    assert currents.suspicious(1.4 * 1.3e-6, 1e-6, 1.5e-6)
    currents.cleared()
    for _ in range(20):  # the factor is 1.4 again, and an excess of 30 % is known to be none
        assert not currents.suspicious(1.4e-6, 1e-6, 1.5e-6)
    assert not currents.suspicious(1.4 * 1.299e-6, 1e-6, 1.5e-6)
    assert currents.suspicious(1.4 * 1.301e-6, 1e-6, 1.5e-6)
