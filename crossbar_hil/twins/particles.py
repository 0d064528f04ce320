"""What the readings of a calibration leave open about each cell: its step factor and its level, as weighted particles.

Model
-----
A cell starts at a conductance ``G_0`` and after n pulses is at ``G_n = G_0 + f K R(l_n)``: R the measured rise of the
curve at a level, interpolated linearly, K the scale, f the cell's step factor. Levels grow by gamma variates of mean 1
and standard deviation c, the step variation. ln f is normal with mean m and standard deviation s, the step spread.
The mean of the readings of a round is normal about G_n, with a known standard error.

A particle is one value of ln f and one path of levels. Given both, start and readings are normal and linear, so the
start is integrated exactly (a Kalman filter of one number). The next level is drawn from what tells more of it: from a
gamma step, and weighed by the reading; or, where a reading is finer than the steps differ, from the crossings of the
curve with the reading, and weighed by the density of the steps that lead there, over the slope of the curve. Both are
unbiased; the wrong one of the two alone misses nearly always, the sooner the more rounds there are, and then noise of
the readings passes for step variation. The curve may go up and down: of several crossings one is drawn, and the weight
counts them all. At the end of the curve a cell stays. Few paths fit many rounds: each step factor has `PATHS` of them,
resampled after every round (N. Gordon and others, IEE Proc. F 140 (1993) 107, doi:10.1049/ip-f-2.1993.0015).
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
PATHS = 2
"""Of each step factor."""
IMPOSSIBLE = -700.0
"""Logarithm of a likelihood, in units of the errors, below which a cell does what the model does not know."""
LEAST = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class Particles:
    """Weighted particles of M cells, N each, for each of V step variations."""

    log_factors: FloatArray
    """(N,) logarithm of the step factor, equally spaced."""
    starts: FloatArray
    """(V, M, N) conductance before the first pulse, in siemens."""
    levels: FloatArray
    """(V, M, N) level after the last pulse."""
    weights: FloatArray
    """(V, M, N) likelihood of the readings, in a unit of each cell; no prior of the factor is in it."""
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
        Draws levels and starts.
    """
    steep = _steep_enough(rises, float(np.median(errors)))
    parts = [
        _weigh(readings[:, each], errors[:, each], rises, steep, log_factors, variations, rng)
        for each in np.array_split(np.arange(readings.shape[1]), math.ceil(readings.shape[1] / CELLS_AT_ONCE))
    ]
    starts, levels, logarithms = (np.concatenate([part[place] for part in parts], axis=1) for place in range(3))
    # A conductance is never negative, neither at the start nor where the curve dips below it.
    logarithms[starts * (1 - ROUNDING) + np.exp(log_factors) * rises.min() < 0] = -np.inf
    unmoved, least = _unmoved(readings, errors), IMPOSSIBLE * (1 + len(readings) / 20)
    unit = np.maximum(np.maximum(logarithms.max(axis=(0, 2)), unmoved), least)
    weights = np.where(logarithms > least, np.exp(logarithms - unit[:, None]), 0.0)
    return Particles(log_factors, starts, levels, weights, np.where(unmoved > least, np.exp(unmoved - unit), 0.0))


def _steep_enough(rises: FloatArray, error: float) -> FloatArray:
    slopes = np.diff(rises)
    least = np.where(slopes < 0, -1.0, 1.0) * np.maximum(np.abs(slopes), FLAT * error)
    return np.concatenate([rises[:1], rises[0] + np.cumsum(np.where(np.abs(slopes) < FLAT * error, least, slopes))])


def _weigh(
    readings: FloatArray,
    errors: FloatArray,
    rises: FloatArray,
    steep: FloatArray,
    log_factors: FloatArray,
    variations: FloatArray,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return starts, levels and logarithms of the weights of the particles of some cells."""
    cells, last = readings.shape[1], len(rises) - 1
    shape = (len(variations), cells, len(log_factors), PATHS)
    factor = np.broadcast_to(np.exp(log_factors)[:, None], shape).ravel()
    variation = np.broadcast_to(variations[:, None, None, None], shape).ravel()
    reading, error = (np.broadcast_to(each[:, None, :, None, None], (len(each), *shape)) for each in (readings, errors))
    level, places = np.zeros(factor.size), np.arange(len(rises))
    mean, square = reading[0].ravel(), np.square(error[0]).ravel()  # of the start
    logarithms = np.zeros(shape[:3])
    for each in range(1, len(readings)):
        noise = np.square(error[each]).ravel()
        seen, width = reading[each].ravel() - mean, np.sqrt(square + noise)
        slope = np.abs(np.diff(rises))[np.minimum(level.astype(int) + 1, last - 1)]
        by_reading = width < variation * factor * slope
        moved, weight = np.empty_like(level), np.empty_like(level)
        for part, propose in ((by_reading, _by_reading), (~by_reading, _by_step)):
            if part.any():
                found = (level[part], factor[part], variation[part], seen[part], width[part])
                moved[part], weight[part] = propose(*found, rises, steep, rng)
        rise = factor * np.interp(moved, places, rises)
        gain = square / np.square(width)
        mean, square = mean + gain * (seen - rise), square * (1 - gain)
        # In units of the error: the weights of a round are then of order one or less.
        weight = np.maximum(weight * error[each].ravel(), LEAST).reshape(shape)
        logarithms += np.log(weight.mean(axis=-1))
        chosen = _resample(weight.reshape(-1, PATHS), rng)
        level, mean, square = moved[chosen], mean[chosen], square[chosen]
    start = mean + np.sqrt(square) * rng.standard_normal(len(mean))
    return start.reshape(shape)[..., 0], level.reshape(shape)[..., 0], logarithms


def _resample(weight: FloatArray, rng: np.random.Generator) -> IntArray:
    """Return the places of as many paths, each taken by its weight among those of the same step factor."""
    sums = np.cumsum(weight, axis=1)
    wanted = rng.random(weight.shape) * sums[:, -1:]
    chosen = np.repeat(weight.shape[1] * np.arange(len(weight))[:, None], weight.shape[1], axis=1)
    for each in sums.T[:-1]:
        chosen += each[:, None] <= wanted
    return chosen.ravel()


def _by_step(
    level: FloatArray,
    factor: FloatArray,
    variation: FloatArray,
    seen: FloatArray,
    width: FloatArray,
    rises: FloatArray,
    _steep: FloatArray,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Draw a step; return levels and the density of the readings there, in 1/S."""
    square = np.square(variation)
    moved = np.minimum(level + rng.standard_gamma(1 / square) * square, len(rises) - 1)
    return moved, _normal(seen - factor * np.interp(moved, np.arange(len(rises)), rises), width)


def _by_reading(
    level: FloatArray,
    factor: FloatArray,
    variation: FloatArray,
    seen: FloatArray,
    width: FloatArray,
    rises: FloatArray,
    steep: FloatArray,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Draw a conductance from the reading; return levels where the curve has it, and weights, in 1/S."""
    from scipy.special import gammaincc  # noqa: PLC0415 - scipy takes 0.3 s to import

    drawn = (seen + width * rng.standard_normal(len(seen))) / factor
    particle, there, slope = _crossings(steep, drawn)
    rise = np.interp(there, np.arange(len(rises)), rises)
    of_curve = (seen - factor * drawn)[particle], (seen[particle] - factor[particle] * rise)
    correction = np.exp(0.5 * (np.square(of_curve[0]) - np.square(of_curve[1])) / np.square(width[particle]))
    density = _step_density(there - level[particle], variation[particle]) / (slope * factor[particle]) * correction
    chosen, total = _choose(density, particle, len(level), rng.random(len(level)))
    shape, at_end = 1 / np.square(variation), _normal(seen - factor * rises[-1], width)
    near = at_end.nonzero()[0]  # most are so far from there that it makes no difference how improbable a step would be
    at_end[near] *= gammaincc(shape[near], shape[near] * (len(rises) - 1 - level[near]))
    ends = rng.random(len(level)) * (total + at_end) >= total
    moved = np.where(ends, len(rises) - 1.0, np.append(there, 0.0)[chosen])
    return moved, total + at_end


def _normal(value: FloatArray, width: FloatArray) -> FloatArray:
    return np.exp(-0.5 * np.square(value / width)) / (np.sqrt(2 * np.pi) * width)


def _crossings(rises: FloatArray, wanted: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return where the curve has the wanted rises: number of each, level, and steepness in siemens a level."""
    low, high, slopes = rises[:-1], rises[1:], np.diff(rises)
    ends = zip(np.minimum(low, high), np.maximum(low, high), strict=True)
    within = [np.flatnonzero((wanted >= least) & (wanted <= most)) for least, most in ends]
    places = np.concatenate(within) * len(low) + np.repeat(np.arange(len(low)), [len(each) for each in within])
    places.sort()
    number, segment = np.divmod(places, len(low))
    share = (wanted[number] - low[segment]) / slopes[segment]
    there = (share >= 0) & (share < 1)
    number, segment = number[there], segment[there]
    return number, segment + share[there], np.abs(slopes[segment])


def _step_density(steps: FloatArray, variation: FloatArray) -> FloatArray:
    """Return the density of gamma variates of mean 1 and standard deviation c, (X,) each."""
    from scipy.special import gammaln  # noqa: PLC0415 - scipy takes 0.3 s to import

    shape = 1.0 / np.square(variation)
    forward = steps > 0
    x = np.where(forward, steps, 1.0)
    constant = shape * np.log(shape) - gammaln(shape)
    return np.where(forward, np.exp(constant + (shape - 1) * np.log(x) - shape * x), 0.0)


def _choose(
    density: FloatArray, particle: IntArray, count: int, uniform: FloatArray
) -> tuple[NDArray[np.intp], FloatArray]:
    """Choose one crossing of every particle by its density; return its place and the sum of all, (count,) each."""
    sums = np.concatenate([[0.0], np.cumsum(density)])
    after = np.bincount(particle, minlength=count).cumsum()
    first = np.concatenate([[0], after[:-1]])
    total = np.bincount(particle, density, minlength=count)
    chosen = np.searchsorted(sums, sums[first] + uniform * total, side="right") - 1
    places: NDArray[np.intp] = np.clip(chosen, first, np.maximum(after - 1, first))
    return places, total.astype(np.float64)


def _unmoved(readings: FloatArray, errors: FloatArray) -> FloatArray:
    """Return the logarithm of the likelihood of readings that differ by their errors only, given the first.

    In units of the errors, as that of the particles, whatever the conductance is.
    """
    weights = 1 / np.square(errors)
    middle = (weights * readings).sum(axis=0) / weights.sum(axis=0)
    exponent = -0.5 * (weights * np.square(readings - middle)).sum(axis=0)
    scale = 0.5 * np.log(weights[0] / weights.sum(axis=0)) - 0.5 * (len(readings) - 1) * np.log(2 * np.pi)
    return scale + exponent
