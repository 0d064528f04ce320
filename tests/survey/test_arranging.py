"""The lines that lose least, against every arrangement of small chips, tried one by one by a calculation of its own."""

import itertools

import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.survey.arranging import TIE, Reach, arrange, wanted_weights
from crossbar_hil.survey.lines import Lines


def loss_by_hand(weights, least, most, rows, columns):
    """What an arrangement loses, cell by cell, as the docstring of the module words it."""
    total, largest = 0.0, np.abs(weights).max()
    spans = [
        most[r, p] - least[r, q] - (least[r, p] - most[r, q])
        for r in range(len(least))
        for p, q in itertools.permutations(range(least.shape[1]), 2)
    ]
    for place, row in enumerate(rows):
        for output in range(weights.shape[1]):
            plus, minus = columns[2 * output], columns[2 * output + 1]
            low, high = least[row, plus] - most[row, minus], most[row, plus] - least[row, minus]
            wanted = weights[place, output]
            total += max(low - wanted, wanted - high, 0.0)
            total += TIE * (1 + abs(wanted) / largest) * (max(spans) - (high - low))
    return total


def random_chip(seed, shape, bad=0.3):
    rng = np.random.default_rng(seed)
    least = rng.uniform(1e-7, 1e-6, shape)
    most = np.where(rng.random(shape) < bad, least, least + 2e-6)
    return rng, Reach(least, most)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("shape", "inputs", "outputs"), [((3, 4), 3, 2), ((4, 4), 3, 1), ((4, 3), 4, 1), ((4, 4), 4, 2)]
)
def test_no_arrangement_of_a_small_chip_loses_less(seed, shape, inputs, outputs):
    rng, reach = random_chip(seed, shape)
    weights = rng.normal(0.0, 1.5e-6, (inputs, outputs))
    lines, _ = arrange(weights, reach)
    every = [
        loss_by_hand(weights, reach.least, reach.most, rows, columns)
        for rows in itertools.permutations(range(shape[0]), inputs)
        for columns in itertools.permutations(range(shape[1]), 2 * outputs)
    ]
    assert loss_by_hand(weights, reach.least, reach.most, lines.rows, lines.columns) == pytest.approx(
        min(every), rel=1e-9
    )
    assert len(set(np.round(every, 12))) > 1


def test_a_large_chip_whose_columns_stay_in_pairs_loses_no_more_than_in_its_plain_order():
    rng, reach = random_chip(1, (12, 12), 0.1)
    weights = rng.normal(0.0, 1.5e-6, (12, 6))
    lines, _ = arrange(weights, reach)
    assert {frozenset(pair) for pair in np.reshape(lines.columns, (-1, 2)).tolist()} == {
        frozenset((2 * each, 2 * each + 1)) for each in range(6)
    }
    plain = Lines.plain((12, 12))
    mine, theirs = (loss_by_hand(weights, reach.least, reach.most, each.rows, each.columns) for each in (lines, plain))
    assert mine < theirs / 2


def test_a_chip_with_lines_to_spare_uses_none_that_is_broken():
    least, most = np.full((5, 6), 1e-7), np.full((5, 6), 2e-6)
    most[1] = least[1] = 0.0
    most[:, 3] = least[:, 3] = 0.0
    lines, _ = arrange(np.full((4, 2), 1e-6), Reach(least, most))
    assert 1 not in lines.rows
    assert 3 not in lines.columns


def test_the_plain_order_stays_where_nothing_is_bad():
    lines, _ = arrange(np.full((4, 2), 1e-7), Reach(np.full((4, 4), 1e-7), np.full((4, 4), 2e-6)))
    assert lines.is_plain


def test_a_task_with_more_lines_than_the_chip_is_refused():
    _, reach = random_chip(0, (4, 4))
    for weights in (np.ones((5, 2)), np.ones((4, 3))):
        with pytest.raises(DataError, match="the chip 4 rows and 4 columns"):
            arrange(weights, reach)


def test_wanted_weights_meet_every_target_with_the_least_sum():
    volts = 0.1 * np.array([[1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [1.0, 1.0, -1.0]])
    senses = np.array([[1.0], [-1.0], [1.0]])  # the first input alone tells them apart
    found = wanted_weights(volts, senses, senses * 4e-8, 2e-6)
    assert np.allclose(found, [[4e-7], [0.0], [0.0]], atol=1e-12)
    # No weights meet a pattern that is to say both: then the sign of what each input says of it.
    both = wanted_weights(volts[[0, 0]], np.array([[1.0], [-1.0]]), np.array([[4e-8], [-4e-8]]), 2e-6)
    assert np.isfinite(both).all()


@pytest.mark.parametrize(("rows", "columns"), [((0, 0), (0, 1)), ((0, 4), (0, 1)), ((0, 1), (0, -1)), ((), (0, 1))])
def test_lines_that_are_not_on_the_chip_or_used_twice_are_refused(rows, columns):
    with pytest.raises(DataError, match="must differ and be on it"):
        Lines((4, 4), rows, columns)


def test_lines_bring_cells_to_the_network_and_back():
    lines = Lines((3, 4), (2, 0), (3, 1))
    chip = np.arange(12).reshape(3, 4)
    assert lines.of_chip(chip).tolist() == [[11, 9], [3, 1]]
    assert lines.on_chip(lines.of_chip(chip)).tolist() == [[0, 1, 0, 3], [0, 0, 0, 0], [0, 9, 0, 11]]
    assert Lines.from_record(lines.as_record(), (3, 4)) == lines
    assert lines.as_record() == {"rows": [3, 1], "columns": [4, 2]}
