"""The spread from cell to cell."""

import math

import numpy as np
import pytest
from scipy.special import ndtri

from crossbar_hil.errors import DataError
from crossbar_hil.sim_backend import lognormal_shifts, rescaled_lognormal_shifts

from .chance import p_of_normal


def rng(seed=20240907):
    return np.random.default_rng(seed)


def test_the_logarithm_of_the_shifts_is_normal():
    shifts = lognormal_shifts((100, 100), rng=rng(), median_siemens=4e-8, sigma=0.6)
    # Of one fixed seed; a wrong mean by 5 % of sigma or a wrong sigma by 5 % gives p below 1e-3 at 10 000 draws.
    assert p_of_normal(np.log(shifts).ravel(), math.log(4e-8), 0.6) > 0.01


def test_a_span_is_the_central_95_percent_of_a_lognormal_distribution():
    shifts = lognormal_shifts((100, 100), rng=rng(), span_siemens=(1e-8, 1e-7))
    # By hand: the mean of the logarithm lies half-way, and 95 % of a normal within 1.96 standard deviations of it.
    mean, sigma = math.log(math.sqrt(1e-15)), math.log(10) / (2 * ndtri(0.975))
    assert p_of_normal(np.log(shifts).ravel(), mean, sigma) > 0.01
    # Binomial: 0.95 +- 0.0022 a standard deviation.
    assert abs(np.mean((shifts > 1e-8) & (shifts < 1e-7)) - 0.95) < 4 * 0.0022


def test_shifts_outside_the_span_are_not_clipped():
    shifts = lognormal_shifts((100, 100), rng=rng(), span_siemens=(1e-8, 1e-7))
    # 2.5 % on each side, 250 +- 16.
    assert 180 < (shifts < 1e-8).sum() < 320
    assert 180 < (shifts > 1e-7).sum() < 320
    assert len(np.unique(shifts)) == shifts.size


def test_cells_are_independent_of_their_neighbours():
    logs = np.log(lognormal_shifts((100, 100), rng=rng(), median_siemens=1e-8, sigma=1.0))
    # A correlation of n = 9900 independent pairs is 0 +- 0.01.
    assert abs(np.corrcoef(logs[:, :-1].ravel(), logs[:, 1:].ravel())[0, 1]) < 0.04
    assert abs(np.corrcoef(logs[:-1].ravel(), logs[1:].ravel())[0, 1]) < 0.04


@pytest.mark.parametrize("draw", [lognormal_shifts, rescaled_lognormal_shifts])
def test_the_same_seed_draws_the_same_shifts_to_the_bit(draw):
    first, second = (draw((3, 5), rng=rng(7), span_siemens=(1e-8, 1e-7)) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape == (3, 5)


@pytest.mark.parametrize("draw", [lognormal_shifts, rescaled_lognormal_shifts])
def test_the_generator_moves_on(draw):
    source = rng(7)
    assert not np.array_equal(*(draw((3, 5), rng=source, span_siemens=(1e-8, 1e-7)) for _ in range(2)))


def test_a_sigma_of_zero_makes_every_cell_the_median():
    # exp(0) is exactly 1.
    assert (lognormal_shifts(rng=rng(), median_siemens=3e-8, sigma=0.0) == 3e-8).all()


def test_a_rescaled_draw_touches_both_ends_exactly():
    ends = {}
    for seed in range(20):
        shifts = rescaled_lognormal_shifts((4, 4), rng=rng(seed), span_siemens=(1e-8, 1e-7))
        ends[seed] = (shifts.min(), shifts.max())
    assert {seed: each for seed, each in ends.items() if each != (1e-8, 1e-7)} == {}


def test_a_rescaled_draw_is_a_stretched_lognormal_draw():
    shifts = rescaled_lognormal_shifts((4, 4), rng=rng(3), span_siemens=(1e-8, 1e-7), sigma=0.7)
    drawn = np.exp(0.7 * rng(3).standard_normal((4, 4)))
    # A straight line that rises, but for rounding.
    assert math.isclose(np.corrcoef(drawn.ravel(), shifts.ravel())[0, 1], 1.0, rel_tol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either as median and sigma or as a span"),
        (
            {"median_siemens": 1e-8, "sigma": 1.0, "span_siemens": (1e-8, 1e-7)},
            "either as median and sigma or as a span",
        ),
        ({"sigma": 1.0, "span_siemens": (1e-8, 1e-7)}, "either as median and sigma or as a span"),
        ({"sigma": 1.0}, "median of the shifts None S"),
        ({"median_siemens": 1e-8}, "sigma of the shifts None"),
        ({"median_siemens": 0.0, "sigma": 1.0}, "median of the shifts 0.0 S must be finite and above zero"),
        ({"median_siemens": -1e-8, "sigma": 1.0}, "median of the shifts -1e-08 S"),
        ({"median_siemens": math.nan, "sigma": 1.0}, "median of the shifts nan S"),
        ({"median_siemens": math.inf, "sigma": 1.0}, "median of the shifts inf S"),
        ({"median_siemens": 1e-8, "sigma": -0.1}, "sigma of the shifts -0.1 must be finite and not negative"),
        ({"median_siemens": 1e-8, "sigma": math.nan}, "sigma of the shifts nan"),
        ({"span_siemens": (1e-7, 1e-8)}, "span of the shifts 1e-07 S to 1e-08 S must have 0 < low < high"),
        ({"span_siemens": (1e-8, 1e-8)}, "span of the shifts 1e-08 S to 1e-08 S"),
        ({"span_siemens": (0.0, 1e-8)}, "span of the shifts 0.0 S"),
        ({"span_siemens": (1e-8, math.inf)}, "span of the shifts 1e-08 S to inf S"),
        ({"span_siemens": (math.nan, 1e-8)}, "span of the shifts nan S"),
    ],
)
def test_a_spread_out_of_range_is_refused_by_name(arguments, message):
    with pytest.raises(DataError, match=message):
        lognormal_shifts((2, 2), rng=rng(), **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": (1, 1)}, "a chip of 1 cell cannot touch both ends"),
        ({"sigma": 0.0}, "sigma of the shifts 0.0 must be finite and above zero"),
        ({"sigma": math.nan}, "sigma of the shifts nan"),
        ({"span_siemens": (1e-7, 1e-8)}, "span of the shifts"),
    ],
)
def test_a_rescaled_draw_out_of_range_is_refused_by_name(arguments, message):
    with pytest.raises(DataError, match=message):
        rescaled_lognormal_shifts(**{"shape": (2, 2), "rng": rng(), "span_siemens": (1e-8, 1e-7), **arguments})


def test_a_refused_draw_leaves_the_generator_where_it_was():
    source = rng(5)
    with pytest.raises(DataError):
        lognormal_shifts(rng=source, median_siemens=-1.0, sigma=1.0)
    assert source.random() == rng(5).random()
