import numpy as np
import pytest

from crossbar_hil.twins.fit import fit_chip
from crossbar_hil.twins.particles import weigh_cells
from crossbar_hil.twins.read_noise import find_read_noise

from .conftest import RISES, HiddenChip


def fitted(rounds, noise, draws=200, seed=0):
    means = np.array([each.mean(axis=0) for each in rounds])
    errors = noise * means / np.sqrt([[len(each)] for each in rounds])
    return fit_chip(means, errors, RISES, draws=draws, rng=np.random.default_rng(seed))


@pytest.fixture(scope="module", params=[6, pytest.param(12, marks=pytest.mark.campaign)])
def chips(request):
    """Some hidden chips and the fit of each."""
    found = []
    for seed in range(request.param):
        chip = HiddenChip(np.random.default_rng([5, seed]))
        rounds = chip.rounds()
        found.append((chip, fitted(rounds, find_read_noise(*rounds).share, seed=seed)))
    return found


def test_the_true_step_factor_has_any_rank_among_the_draws_as_often_as_any_other(chips):
    # Simulation-based calibration: ranks of 16 cells a chip in 6 classes. Chi square with 5 degrees of freedom is above
    # 20.5 once in a thousand times.
    ranks = np.concatenate([(fit.draws.step_factors < chip.factors).mean(axis=0) for chip, fit in chips])
    counts = np.histogram(ranks, 6, (0, 1))[0]
    expected = 16 * len(chips) / 6
    assert (np.square(counts - expected) / expected).sum() < 20.5


def test_intervals_of_what_cells_share_hold_the_truth_as_often_as_they_say(chips):
    for name, truth in (("step_spread", 0.3), ("step_variation", 0.3), ("mean_factor", 1.0)):
        held = sum(getattr(fit, name).low <= truth <= getattr(fit, name).high for _, fit in chips)
        assert held >= {6: 4, 12: 9}[len(chips)], name  # at 95 % fewer once in 450 times


def test_draws_are_where_the_last_reading_was(chips):
    chip, fit = chips[0]
    levels = np.arange(len(RISES))
    now = fit.draws.start_siemens + fit.draws.step_factors * np.interp(fit.draws.levels, levels, RISES)
    assert np.abs(now / chip.siemens - 1).max() < 6 * 0.01 / np.sqrt(20)


def test_draws_know_the_step_factors_far_better_than_their_spread_says(chips):
    wrong = np.concatenate([np.log(np.median(fit.draws.step_factors, axis=0) / chip.factors) for chip, fit in chips])
    assert np.sqrt(np.square(wrong).mean()) < 0.5 * 0.3


def test_a_posterior_is_that_of_a_plain_simulation():
    # Spread and variation are given: the posterior of a cell's step factor is compared with half a million simulated
    # cells, weighed by how well they fit its three readings.
    rng = np.random.default_rng(3)
    chip = HiddenChip(rng, cells=1)
    error = 0.02 * 4.5e-7
    readings = np.array([each.mean(axis=0) for each in chip.rounds(reads=50)])
    spread, variation = 0.3, 0.3
    log_factors = np.linspace(-1.4, 1.4, 4000)
    parts = weigh_cells(
        readings,
        np.full_like(readings, error),
        RISES,
        log_factors=log_factors,
        variations=np.array([variation]),
        rng=np.random.default_rng(1),
    )
    weights = parts.weights[0, 0] * np.exp(-0.5 * np.square(log_factors / spread))
    mean = np.average(log_factors, weights=weights)
    deviation = np.sqrt(np.average(np.square(log_factors - mean), weights=weights))

    many = 500_000
    logs = spread * rng.standard_normal(many)
    first = rng.gamma(1 / variation**2, variation**2, many)
    second = first + rng.gamma(1 / variation**2, variation**2, many)
    start = readings[0, 0] + error * rng.standard_normal(many)
    squares = sum(
        np.square((readings[place, 0] - start - np.exp(logs) * np.interp(level, np.arange(len(RISES)), RISES)) / error)
        for place, level in ((1, first), (2, second))
    )
    plain = np.exp(-0.5 * squares)
    expected = np.average(logs, weights=plain)
    scatter = np.sqrt(np.average(np.square(logs - expected), weights=plain))
    effective = plain.sum() ** 2 / np.square(plain).sum()
    assert effective > 400
    assert abs(mean - expected) < 5 * scatter / np.sqrt(min(effective, 400))
    assert abs(deviation / scatter - 1) < 0.2


def test_a_cell_that_does_not_rise_is_named_and_stays_in_every_draw():
    chip = HiddenChip(np.random.default_rng(8))
    chip.factors[5] = 0.0
    fit = fitted(chip.rounds(), 0.01)
    assert fit.unmoved[5] > 0.9
    assert np.delete(fit.unmoved, 5).max() < 0.01
    assert (fit.draws.step_factors[:, 5] == 0).mean() > 0.9


def test_a_cell_that_falls_is_odd_and_hurts_no_other():
    chip = HiddenChip(np.random.default_rng(8))
    rounds = chip.rounds()
    alone = fitted([np.delete(each, 3, axis=1) for each in rounds], 0.01)
    rounds[1][:, 3] *= 0.5
    rounds[2][:, 3] *= 0.3
    fit = fitted(rounds, 0.01)
    assert fit.odd.nonzero()[0].tolist() == [3]
    assert (fit.draws.step_factors[:, 3] == 0).all()
    assert fit.step_spread.value == pytest.approx(alone.step_spread.value, abs=0.03)


@pytest.mark.parametrize(("spread", "variation"), [(0.0, 0.3), (0.3, 0.0)])
def test_a_spread_that_is_not_there_is_not_seen(spread, variation):
    chip = HiddenChip(np.random.default_rng(4), spread=spread, variation=variation)
    fit = fitted(chip.rounds(), 0.01)
    assert fit.step_spread.value < 0.1 if not spread else fit.step_spread.low <= 0.3 <= fit.step_spread.high
    assert (
        fit.step_variation.value < 0.12 if not variation else fit.step_variation.low <= 0.3 <= fit.step_variation.high
    )


def test_a_chip_that_rises_twice_as_far_as_the_curve_is_found_to_do_so():
    chip = HiddenChip(np.random.default_rng(6))
    chip.factors *= 2
    fit = fitted(chip.rounds(), 0.01)
    assert fit.mean_factor.low < 2 < fit.mean_factor.high
    assert fit.mean_factor.low > 1.4


@pytest.mark.parametrize("cells", [12, pytest.param(24, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("truth", [0.0, 0.3])
def test_noise_of_readings_does_not_pass_for_variation_of_steps(truth, cells):
    # Six rounds at 2 % read noise: a mean reading is as uncertain as a tenth of a step. What the noise of its readings
    # explains is no variation, however many rounds there are.
    rises = 60e-6 * (1 - np.exp(-np.arange(32) / 10))
    chip = HiddenChip(
        np.random.default_rng([9, 1]), cells=cells, spread=truth, variation=truth, noise=0.02, rises=rises
    )
    chip.starts = np.full(cells, 1e-4)
    means = np.array([each.mean(axis=0) for each in chip.rounds(pulses=6)])
    fit = fit_chip(means, 0.02 * means / np.sqrt(20), rises, draws=10, rng=np.random.default_rng(0))
    assert fit.step_variation.low <= truth <= fit.step_variation.high <= truth + 0.2
    assert fit.step_spread.low <= truth <= fit.step_spread.high


def test_cells_at_the_end_of_the_curve_are_not_taken_for_dead():
    rises = 60e-6 * (1 - np.exp(-np.arange(8) / 3))
    chip = HiddenChip(np.random.default_rng(3), cells=8, spread=0.2, variation=0.0, noise=0.02, rises=rises)
    chip.starts = np.full(8, 1e-4)
    means = np.array([each.mean(axis=0) for each in chip.rounds(pulses=10)])
    fit = fit_chip(means, 0.02 * means / np.sqrt(20), rises, draws=10, rng=np.random.default_rng(0))
    assert fit.unmoved.max() < 0.01
    assert not fit.odd.any()
    assert fit.draws.levels == pytest.approx(7.0)
