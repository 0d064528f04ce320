"""Lines in each other's place against chips that have changed: on drawn chips whose truth is known."""

import numpy as np
import pytest

from crossbar_hil.bench.line_order import find_order
from crossbar_hil.errors import DataError
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, train_ensemble
from crossbar_hil.training.patterns import PatternSet

CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
TASK = PatternSet.from_csv(data_file("perceptron"))
NOISE = 0.002
SAME = (0, 1, 2, 3)


def drawn_cases(count, seed, sigma):
    """Yield whether a chip was trained, order of its rows and columns, what is read, and the map from before."""
    rng = np.random.default_rng(seed)
    starts = 454e-9 * np.exp(sigma * rng.standard_normal((count, 4, 4)))
    levels = train_ensemble(CURVE, starts, TASK.train, TASK.train_labels, threads=1).levels
    for number, start in enumerate(starts):
        trained, moved = number % 2 == 1, number // 2 % 2 == 1
        now = start + CURVE.rises[levels[number]] if trained else start
        orders = [np.arange(4), np.arange(4)]
        if moved and rng.random() < 0.6:
            which, (one, other) = rng.integers(2), rng.choice(4, 2, replace=False)
            orders[which][[one, other]] = orders[which][[other, one]]
        while moved and all((order == SAME).all() for order in orders):
            orders = [rng.permutation(4), rng.permutation(4)]
        read = np.empty((4, 4))
        read[np.ix_(*orders)] = now
        noisy = [each * (1 + NOISE * rng.standard_normal((4, 4))) for each in (read, start)]
        yield trained, tuple(tuple(map(int, order)) for order in orders), *noisy


@pytest.mark.parametrize("chips", [48, pytest.param(160, marks=pytest.mark.campaign)])
def test_a_trained_chip_is_told_from_swapped_lines_and_the_probabilities_hold(chips):
    said, right, told, wrong = [], [], {False: 0, True: 0}, 0
    for trained, orders, read, before in drawn_cases(chips, 1, 0.2):
        found = find_order(read, before, NOISE)
        hit = (found.rows, found.columns) == orders
        said.append(found.probability)
        right.append(hit)
        told[trained] += hit and found.probability >= 0.95
        wrong += not hit and found.probability >= 0.95
    assert told[False] == chips / 2
    assert told[True] >= 0.75 * chips / 2
    assert wrong <= 0.02 * chips
    # The mean of what was claimed is the share that was right, within four standard errors of a share near one.
    assert abs(np.mean(said) - np.mean(right)) < 4 * np.sqrt(0.1 * 0.9 / len(said))


MAP = np.array([[1.0, 2.0, 3.0], [4.0, 5.5, 7.0], [1.5, 2.6, 6.1]]) * 1e-6


def test_swapped_rows_are_named_with_what_they_explain_and_what_the_lines_as_they_are_leave():
    (said,) = find_order(MAP[[0, 2, 1]] * 1.001, MAP, 1e-3).problems
    # ln(4/1.5), ln(5.5/2.6) and ln(7/6.1), each twice, in nine cells: a root mean square of 0.588; exp(0.588) = 1.80.
    assert said.startswith("rows 2 and 3 swapped: so the map is met within 0.1 %, with the lines as they are it is ")
    assert "missed by 80 % (probability above 99.9 %)" in said


def test_lines_that_moved_on_in_a_circle_are_named_one_by_one():
    (said,) = find_order(MAP[:, [1, 2, 0]], MAP).problems
    assert said.startswith("column 1 now at 3, 3 now at 2, 2 now at 1: ")


def test_a_chip_that_has_changed_is_a_note_and_no_problem_of_the_wiring():
    now = MAP.copy()
    now[0] *= 1.3
    found = find_order(now, MAP, 1e-3)
    assert found.problems == []
    (said,) = found.notes
    assert said.startswith(
        "the chip has changed since the map was read: 3 of 9 cells, by a factor of 1.3 in the median"
    )
    assert "no other order of lines explains it better (probability above 99.9 %)" in said


def test_a_chip_as_it_was_has_nothing_to_say():
    found = find_order(MAP, MAP)
    assert (found.problems, found.notes, found.moved) == ([], [], "")


def test_cells_that_are_alike_tell_no_order_and_that_is_said():
    (said,) = find_order(np.full((2, 2), 1e-6), np.full((2, 2), 1e-6)).problems
    assert said.startswith("the order of the lines cannot be told from the map")


def test_dead_cells_and_negative_readings_are_nothing_and_do_not_disturb():
    now, before = MAP.copy(), MAP.copy()
    now[1, 1], before[1, 1] = -1e-12, 3e-13
    assert find_order(now[[0, 2, 1]], before, 1e-3).moved == "rows 2 and 3 swapped"


@pytest.mark.parametrize(
    ("shape", "other", "said"),
    [((2, 2), (2, 3), r"the reference has \(2, 3\)"), ((8, 8), (8, 8), "more than 1e\\+06 orders")],
)
def test_maps_that_cannot_be_held_against_each_other_are_refused(shape, other, said):
    with pytest.raises(DataError, match=said):
        find_order(np.ones(shape), np.ones(other))
