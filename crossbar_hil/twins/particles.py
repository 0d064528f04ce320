"""What the readings of a calibration leave open about each cell: its step factor and its level, as weighted particles.

Model
-----
A cell starts at a conductance ``G_0`` and after n pulses is at ``G_n = G_0 + f K R(l_n)``: R the measured rise of the
curve at a level, interpolated linearly, K the scale, f the cell's step factor. Levels grow by gamma variates of mean 1
and standard deviation c, the step variation. ln f is normal with mean m and standard deviation s, the step spread.
The mean of the readings of a round is normal about G_n, with a known standard error.

A particle is one value of ln f and one draw of all conductances from their readings; the levels follow from these, as
the crossings of the curve, each with the density of the steps that lead there, over the slope of the curve. So a
particle's weight, averaged over the draws, is the likelihood of f. The curve may go up and down: of several crossings
one is drawn, and the weight counts them all.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import FloatArray, IntArray

CELLS_AT_ONCE = 64
"""So many cells share the working arrays, some 10 MB."""
ROUNDING = 1e-4
"""Relative, of the numbers that a file keeps."""
FLAT = 0.5
"""A curve flatter than this share of a reading's error says nothing of the level: it is taken to be so steep."""


@dataclass(frozen=True, slots=True, eq=False)
class Particles:
    """Weighted particles of M cells, N each, for each of V step variations."""

    log_factors: FloatArray
    """(N,) logarithm of the step factor, equally spaced."""
    starts: FloatArray
    """(M, N) conductance before the first pulse, in siemens."""
    levels: FloatArray
    """(V, M, N) level after the last pulse."""
    weights: FloatArray
    """(V, M, N) likelihood of the readings, in 1/S for each round of pulses; no prior of the factor is in it."""
    unmoved: FloatArray
    """(M,) likelihood of the readings if pulses do not move the cell, in the same unit."""


def weigh_cells(
    readings: FloatArray,
    errors: FloatArray,
    rises: FloatArray,
    *,
    log_factors: FloatArray,
    variations: FloatArray,
    rng: np.random.Generator,
) -> Particles:
    """Weigh particles of every cell.

    Parameters
    ----------
    readings, errors : ndarray of float, shape (T + 1, M)
        Mean reading of M cells before the first of T pulses and after each, and its standard error, in siemens.
    rises : ndarray of float, shape (L,)
        K times the rise of the curve at each level, in siemens.
    log_factors : ndarray of float, shape (N,)
        Logarithms of the step factors to be weighed.
    variations : ndarray of float, shape (V,)
        Step variations to be weighed, above zero.
    rng : numpy.random.Generator
        Draws the conductances from their readings.
    """
    curve = _steep_enough(rises, float(np.median(errors)))
    parts = [
        _weigh(readings[:, each], errors[:, each], curve, log_factors, variations, rng)
        for each in np.array_split(np.arange(readings.shape[1]), math.ceil(readings.shape[1] / CELLS_AT_ONCE))
    ]
    starts, levels, weights = (
        np.concatenate([part[place] for part in parts], axis=axis) for place, axis in enumerate((0, 1, 1))
    )
    # A conductance is never negative, neither at the start nor where the curve dips below it.
    weights *= starts * (1 - ROUNDING) + np.exp(log_factors) * rises.min() >= 0
    return Particles(log_factors, starts, levels, weights, _unmoved(readings, errors))


def _steep_enough(rises: FloatArray, error: float) -> FloatArray:
    slopes = np.diff(rises)
    least = np.where(slopes < 0, -1.0, 1.0) * np.maximum(np.abs(slopes), FLAT * error)
    return np.concatenate([rises[:1], rises[0] + np.cumsum(np.where(np.abs(slopes) < FLAT * error, least, slopes))])


def _weigh(
    readings: FloatArray,
    errors: FloatArray,
    rises: FloatArray,
    log_factors: FloatArray,
    variations: FloatArray,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return starts, levels and weights of the particles of some cells."""
    rounds, cells = readings.shape
    count = len(log_factors)
    drawn = readings[:, :, None] + errors[:, :, None] * rng.standard_normal((rounds, cells, count))
    drawn = drawn.reshape(rounds, -1)
    factors = np.tile(np.exp(log_factors), cells)
    levels = np.zeros((len(variations), cells * count))
    weights = np.ones_like(levels)
    for each in range(1, rounds):
        particle, level, slope = _crossings(rises, (drawn[each] - drawn[0]) / factors)
        density = _step_density(level - levels[:, particle], variations) / (slope * factors[particle])
        chosen, total = _choose(density, particle, len(factors), rng.random(len(factors)))
        weights *= total
        levels = np.where(total > 0, np.append(level, 0.0)[chosen], levels)
    shape = (len(variations), cells, count)
    return drawn[0].reshape(cells, count), levels.reshape(shape), weights.reshape(shape)


def _crossings(rises: FloatArray, wanted: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return where the curve has the wanted rises: number of each, level, and steepness in siemens a level."""
    low, slopes = rises[:-1], np.diff(rises)
    share = (wanted[:, None] - low) / slopes
    number, segment = np.nonzero((share >= 0) & (share < 1))
    return number, segment + share[number, segment], np.abs(slopes[segment])


def _step_density(steps: FloatArray, variations: FloatArray) -> FloatArray:
    """Return the density of gamma variates of mean 1 and standard deviation c; (V, X) for X steps of V variations."""
    shape = 1.0 / np.square(variations)[:, None]
    constant = shape * np.log(shape) - np.array([[math.lgamma(each)] for each in shape.flat])
    forward = steps > 0
    x = np.where(forward, steps, 1.0)
    return np.where(forward, np.exp(constant + (shape - 1) * np.log(x) - shape * x), 0.0)


def _choose(
    density: FloatArray, particle: IntArray, count: int, uniform: FloatArray
) -> tuple[NDArray[np.intp], FloatArray]:
    """Choose one crossing of every particle by its density; return its place and the sum of all, (V, count) each."""
    sums = np.concatenate([np.zeros((len(density), 1)), np.cumsum(density, axis=1)], axis=1)
    first = np.searchsorted(particle, np.arange(count), side="left")
    after = np.searchsorted(particle, np.arange(count), side="right")
    total = np.maximum(sums[:, after] - sums[:, first], 0.0)
    wanted = sums[:, first] + uniform * total
    chosen = np.array([np.searchsorted(line, each, side="right") - 1 for line, each in zip(sums, wanted, strict=True)])
    return np.clip(chosen, first, np.maximum(after - 1, first)), total


def _unmoved(readings: FloatArray, errors: FloatArray) -> FloatArray:
    """Return the likelihood of readings that differ by their errors only, whatever the conductance is."""
    weights = 1 / np.square(errors)
    middle = (weights * readings).sum(axis=0) / weights.sum(axis=0)
    exponent = -0.5 * (weights * np.square(readings - middle)).sum(axis=0)
    scale = np.prod(np.sqrt(weights / (2 * np.pi)), axis=0) * np.sqrt(2 * np.pi / weights.sum(axis=0))
    found: FloatArray = scale * np.exp(exponent)
    return found
