from itertools import product

import numpy as np
import pytest

from crossbar_hil.drivers.schemes.read_choice import choose_reading
from crossbar_hil.drivers.schemes.read_schemes import read_scheme
from crossbar_hil.shipped import data_file
from crossbar_hil.training.patterns import PatternSet

from ...cases import in_one_test

DUAL = read_scheme("virtual ground", ("drive", "meter", "ground"))
SINGLE = read_scheme("guarded", ("drive", "ground", "guard", "divider"))


def epoch_of(rows, patterns, seed=1):
    """Distinct bipolar patterns and a read of every cell, as a trainer sends them."""
    drawn = np.random.default_rng(seed).permutation(2**rows)[:patterns]
    bits = drawn[:, None] >> np.arange(rows) & 1
    return np.vstack([0.2 * bits - 0.1, 0.1 * np.eye(rows)])


@pytest.mark.parametrize(
    ("rows", "columns", "patterns", "by", "of_cells"),
    [(10, 6, 30, "cell", 180), (8, 8, 16, "cell", 192), (16, 16, 32, "cell", 768), (6, 6, 3, "pattern", 108)],
)
def test_by_cell_needs_three_readings_a_cell_and_is_taken_where_that_is_at_most_half(
    rows, columns, patterns, by, of_cells
):
    choice, shares = choose_reading(DUAL, epoch_of(rows, patterns), columns)
    costs = {choice.by: choice.cost, ("pattern" if choice.by == "cell" else "cell"): choice.other}
    assert costs["cell"].readings == of_cells == 3 * rows * columns
    # Two voltages a pattern and one a cell, each with its zero: so many at most, as states may be shared.
    assert costs["pattern"].readings <= 2 * columns * (2 * patterns + rows)
    assert choice.by == by
    assert (2 * of_cells <= costs["pattern"].readings) == (by == "cell")
    assert len(shares) * columns == choice.cost.readings


def test_the_default_task_is_read_by_pattern_as_it_always_was():
    patterns = 0.2 * PatternSet.from_csv(data_file("perceptron")).train - 0.1
    for reads, readings in ((np.vstack([patterns, 0.1 * np.eye(4)]), 88), (patterns, 72)):
        for scheme in (DUAL, SINGLE):
            assert choose_reading(scheme, reads, 4)[0].by == "pattern"
        assert choose_reading(DUAL, reads, 4)[0].cost.readings == readings


@in_one_test("rows", range(2, 17))
def test_the_noise_of_a_pattern_grows_by_the_root_of_half_its_rows(rows):
    voltages = np.where(np.arange(rows) % 2, 0.1, -0.1)[None]
    choice, _ = choose_reading(DUAL, voltages, 2, "cell")
    assert choice.cost.noise == pytest.approx(np.sqrt(2 * rows))
    assert choice.other.noise == pytest.approx(2.0)
    assert f"{2 / np.sqrt(2 * rows):.3g} times the noise" in str(choice)


@pytest.mark.parametrize(("scheme", "by"), list(product([DUAL, SINGLE], ["pattern", "cell"])))
def test_the_noise_is_that_of_readings_drawn_at_random(scheme, by):
    voltages = epoch_of(10, 6)
    choice, shares = choose_reading(scheme, voltages, 1, by)
    counted = np.array([[each.get(pattern, 0) for each in shares.values()] for pattern in range(len(voltages))])
    drawn = np.random.default_rng(0).normal(size=(len(shares), 20000))
    assert (counted @ drawn).std(axis=1).max() == pytest.approx(choice.cost.noise, rel=0.02)


def test_what_would_be_too_noisy_is_read_by_pattern_unless_a_person_says_otherwise():
    for rows, by in ((32, "cell"), (34, "pattern")):  # 34 rows: 4.1 times the noise
        voltages = np.where(np.random.default_rng(2).random((80, rows)) < 0.5, 0.1, -0.1)
        assert choose_reading(DUAL, voltages, 2)[0].by == by
        assert choose_reading(DUAL, voltages, 2, "cell")[0].by == "cell"
    assert choose_reading(SINGLE, epoch_of(10, 30), 6)[0].by == "pattern"  # a blank reading counts once for each row


def test_nothing_to_read_is_no_error():
    for by in (None, "pattern", "cell"):
        choice, shares = choose_reading(DUAL, np.zeros((2, 3)), 2, by)
        assert (choice.cost.readings, shares) == (0, {})
        assert "by" in str(choice)
