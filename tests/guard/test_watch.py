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
