"""Fit a chip to the readings of its calibration: how its cells differ, and draws of what each may be like.

Step spread, mean factor and step variation are estimated from all cells together: their likelihood, each cell's
integrated over what it may be like, times a weak prior, on a grid. A draw takes one point of the grid by its
probability, and then each cell from its particles, weighed by the spread of that point: so a cell's step factor is
shrunk towards the mean by as much as the noise of its steps explains, and every draw is as uncertain as it should be.
"""

from dataclasses import dataclass

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray
from crossbar_hil.twins.estimates import Number, number_of
from crossbar_hil.twins.particles import Particles, weigh_cells

SPREADS = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.65, 0.8])
"""Step spreads s that are weighed."""
VARIATIONS = np.array([0.03, 0.07, 0.11, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.65, 0.8, 1.0])
"""Step variations c that are weighed."""
MEANS = 17
"""Mean logarithms m that are weighed."""
WIDEST = 0.5
"""Prior of spread and variation: half a normal distribution of this standard deviation."""
SISTER = 0.15
"""Prior of the mean: Cauchy of this width, as the curve is that of another cell, perhaps of another chip."""
PARTICLES = 256
"""Step factors that are weighed, for each cell."""
REACH = 1.2
"""Step factors are weighed as far from the means as this, in logarithms."""
UNMOVED = 0.01
"""Probability, before anything is read, that pulses do not move a cell."""
LEAST_ERROR = 1e-6
"""Error of a mean reading, relative to the largest, below which it is not told from rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class ChipDraws:
    """D chips that the readings leave possible, of M cells."""

    step_variation: FloatArray
    """(D,)"""
    start_siemens: FloatArray
    """(D, M) conductance at level 0."""
    step_factors: FloatArray
    """(D, M); zero for a cell that pulses do not move."""
    levels: FloatArray
    """(D, M) level after the calibration."""


@dataclass(frozen=True, slots=True, eq=False)
class ChipFit:
    """What the readings say of a chip."""

    step_spread: Number
    step_variation: Number
    mean_factor: Number
    """Median step factor of the cells, against the curve."""
    unmoved: FloatArray
    """(M,) probability that pulses do not move the cell."""
    odd: BoolArray
    """(M,) whether a cell does what no step factor explains, such as falling; draws leave it where it is."""
    draws: ChipDraws


def fit_chip(
    means: FloatArray, errors: FloatArray, rises: FloatArray, *, draws: int, rng: np.random.Generator
) -> ChipFit:
    """Fit a chip to the conductances of its cells before the first pulse and after each.

    Parameters
    ----------
    means, errors : ndarray of float, shape (T + 1, M)
        Mean reading of each of M cells in each round and its standard error, in siemens; one pulse a cell lies between
        two rounds.
    rises : ndarray of float, shape (L,)
        K times the rise of the curve at each level, in siemens.
    draws : int
        Chips to be drawn.
    rng : numpy.random.Generator
        The same state gives the same fit.
    """
    errors = np.maximum(errors, LEAST_ERROR * np.abs(means).max())
    middle = _guess_mean(means, rises)
    grid = np.linspace(min(-0.4, middle - 0.5), max(0.4, middle + 0.5), MEANS)
    log_factors = np.linspace(grid[0] - REACH, grid[-1] + REACH, PARTICLES)
    particles = weigh_cells(means, errors, rises, log_factors=log_factors, variations=VARIATIONS, rng=rng)
    prior = np.exp(-0.5 * np.square((log_factors - grid[:, None, None]) / SPREADS[:, None]))
    prior /= prior.sum(axis=-1, keepdims=True)  # (means, spreads, N)
    moved = np.moveaxis(np.tensordot(particles.weights, prior, axes=(2, 2)), 0, -1)  # (M, means, spreads, variations)
    whole = (1 - UNMOVED) * moved + UNMOVED * particles.unmoved[:, None, None, None]
    odd = whole.max(axis=(1, 2, 3)) < np.finfo(float).tiny
    odd |= (moved.max(axis=(1, 2, 3)) == 0) & _changed(means, errors)
    share = _posterior(whole[~odd], grid)
    mean = number_of(share.sum(axis=(1, 2)), grid)
    return ChipFit(
        number_of(share.sum(axis=(0, 2)), SPREADS, 0.0),
        number_of(share.sum(axis=(0, 1)), VARIATIONS, 0.0),
        Number(*(float(np.exp(each)) for each in (mean.value, mean.low, mean.high))),
        np.where(odd, 1.0, _unmoved_share(share, whole, particles)),
        odd,
        _draw(share, prior, moved, whole, particles, means, odd, draws, rng),
    )


def _guess_mean(means: FloatArray, rises: FloatArray) -> float:
    """Return the logarithm of the middle of the factors that the cells have if every pulse makes one step."""
    expected = rises[min(len(means), len(rises)) - 1]
    ratio = np.median(means[-1] - means[0]) / expected if expected > 0 else 1.0
    return float(np.clip(np.log(ratio), -3, 3)) if ratio > 0 else 0.0


def _changed(means: FloatArray, errors: FloatArray) -> BoolArray:
    return (np.abs(means - means[0]) > 5 * np.hypot(errors, errors[0])).any(axis=0)


def _posterior(likelihood: FloatArray, means: FloatArray) -> FloatArray:
    """Return the probability of each point of the grid (means, spreads, variations)."""
    logarithm = np.log(np.maximum(likelihood, np.finfo(float).tiny)).sum(axis=0)
    logarithm = logarithm - np.log1p(np.square(means / SISTER))[:, None, None]
    logarithm -= 0.5 * np.square(SPREADS / WIDEST)[:, None] + 0.5 * np.square(VARIATIONS / WIDEST)
    share = np.exp(logarithm - logarithm.max())
    share = share * np.gradient(SPREADS)[:, None] * np.gradient(VARIATIONS)
    return share / share.sum()


def _unmoved_share(share: FloatArray, whole: FloatArray, particles: Particles) -> FloatArray:
    """Return the probability that pulses do not move each cell."""
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(whole > 0, UNMOVED * particles.unmoved[:, None, None, None] / whole, 1.0)
    return (share * each).sum(axis=(1, 2, 3))


def _draw(
    share: FloatArray,
    prior: FloatArray,
    moved: FloatArray,
    whole: FloatArray,
    particles: Particles,
    means: FloatArray,
    odd: BoolArray,
    count: int,
    rng: np.random.Generator,
) -> ChipDraws:
    cells = means.shape[1]
    points = rng.choice(share.size, count, p=share.ravel())
    of_mean, of_spread, of_variation = np.unravel_index(points, share.shape)
    starts, factors, levels = (np.zeros((count, cells)) for _ in range(3))
    for cell in range(cells):
        weights = particles.weights[of_variation, cell] * prior[of_mean, of_spread]  # (D, N)
        sums = np.cumsum(weights, axis=1)
        chosen = (sums < (rng.random(count) * sums[:, -1])[:, None]).sum(axis=1).clip(max=weights.shape[1] - 1)
        starts[:, cell] = particles.starts[of_variation, cell, chosen]
        factors[:, cell] = np.exp(particles.log_factors[chosen])
        levels[:, cell] = particles.levels[of_variation, cell, chosen]
        moves = moved[cell][of_mean, of_spread, of_variation] * (1 - UNMOVED)
        total = whole[cell][of_mean, of_spread, of_variation]
        still = odd[cell] | (rng.random(count) * total >= moves)
        starts[still, cell] = max(means[-1, cell], 0.0)
        factors[still, cell] = levels[still, cell] = 0.0
    return ChipDraws(VARIATIONS[of_variation], starts, factors, levels)
