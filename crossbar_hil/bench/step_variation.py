"""How the steps of measured cells vary from pulse to pulse, without what noise makes of it, and how sure that is."""

import numpy as np

from crossbar_hil.arrays import FloatArray

LEAST_NOISE = 1e-6
"""Relative noise below this is rounding."""
LEAST_SPREAD = 1e-3
"""A spread or variation of steps below this is none."""
_SAME = 1e-4
"""Of the rise of a curve: levels nearer than this are one, as six digits of a meter hardly tell them apart."""
_NEIGHBOURS = 3
"""Steps on each side that a step is evened with, before noise is drawn onto the curve."""
_NOISES = 100
"""Draws of noise alone, of which the variation of steps is freed."""
_TRIED = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.3, 1.7, 2.2, 3.0)
"""Variations that cells are drawn with, to see which of them could have given what was found."""
_DRAWN = 200
"""Sets of cells drawn with each."""
_TAIL = 0.025
"""Of an interval that holds 95 %, on each side."""


def step_variation(rises: FloatArray, curves: FloatArray, noise: float) -> float:
    """Relative spread of a step, from where each cell goes and where the mean curve goes from the cell's own level.

    What noise alone does to cells that all follow the smooth mean curve is found by drawing it, and taken off.

    Parameters
    ----------
    rises : ndarray of float, shape (C, L)
        Rises of two cells or more above their starts, their factors taken out, in siemens.
    curves : ndarray of float, shape (C, L)
        Their conductances.
    noise : float
        Relative standard deviation of a mean of readings.
    """
    return float(_freed(rises[None], _squares_of_noise(rises, curves, noise))[0])


def step_variation_interval(
    rises: FloatArray, curves: FloatArray, noise: float, draws: int = _DRAWN
) -> tuple[float, float]:
    """Return the central 95 % interval of `step_variation`: the variations that could have given what was found.

    Cells are drawn that follow the smooth mean curve by steps of each of some variations, and are read with the noise
    (Neyman's construction). At a variation below the interval so large an estimate is had in less than 2.5 % of the
    draws, at one above it so small a one.
    """
    freed_of = _squares_of_noise(rises, curves, noise)
    found = float(_freed(rises[None], freed_of)[0])
    rng = np.random.default_rng(0)
    mean, starts, factors = _evened(monotone(rises.mean(axis=0))), curves[:, :1], _factors(curves)
    levels = np.arange(len(mean))
    ends = []
    for variation in _TRIED:
        shape = (draws, len(rises), len(mean) - 1)
        steps = rng.gamma(1 / variation**2, variation**2, shape) if variation else np.ones(shape)
        at = np.concatenate([np.zeros((*shape[:2], 1)), np.cumsum(steps, axis=2)], axis=2)
        seen = starts + factors * np.interp(at, levels, mean)
        seen *= 1 + noise * rng.standard_normal(seen.shape)
        rises_seen = seen - seen[..., :1]
        tops = np.maximum(rises_seen.max(axis=2, keepdims=True), 1e-9 * mean[-1])
        scale = np.exp(np.log(tops).mean(axis=1, keepdims=True))
        ends.append(np.quantile(_freed(rises_seen / (tops / scale), freed_of), (_TAIL, 1 - _TAIL)))
    least, most = (np.maximum.accumulate(each) for each in np.array(ends).T)
    return _reached(most, found), _reached(least, found, beyond=True)


def _reached(ends: FloatArray, found: float, *, beyond: bool = False) -> float:
    """Return the variation whose end of the estimates is what was found; the last such one if `beyond`."""
    place = int(np.searchsorted(ends, found, side="right" if beyond else "left"))
    if place == 0:
        return _TRIED[0]
    if place == len(_TRIED):
        return _TRIED[-1]
    below, above = ends[place - 1], ends[place]
    return float(np.interp(found, [below, above], _TRIED[place - 1 : place + 1]))


def _squares_of_noise(rises: FloatArray, curves: FloatArray, noise: float) -> float:
    """Sum of squares by which cells that follow the smooth mean curve stray from it by noise alone."""
    if noise <= LEAST_NOISE:
        return 0.0
    rng = np.random.default_rng(0)
    factors = _factors(curves)
    smooth = curves[:, :1] + factors * _evened(monotone(rises.mean(axis=0)))
    seen = smooth * (1 + noise * rng.standard_normal((_NOISES, *smooth.shape)))
    return float(np.mean(_astray((seen - seen[..., :1]) / factors)[0]))


def _factors(curves: FloatArray) -> FloatArray:
    """Return (C, 1) factors by which the rise of each cell is larger than their geometric mean."""
    tops = (curves.max(axis=1) - curves[:, 0])[:, None]
    return tops / float(np.exp(np.log(tops).mean())) if tops.min() > 0 else np.ones_like(tops)


def _freed(rises: FloatArray, of_noise: float) -> FloatArray:
    """Return the estimates (D,) of sets of cells, rises (D, C, L), freed of the squares of noise."""
    squares, total = _astray(rises)
    share = np.divide(squares - of_noise, total, out=np.zeros_like(total), where=total > 0)
    found = np.sqrt(np.maximum(share, 0.0))
    return np.where(found > LEAST_SPREAD, found, 0.0)


def _astray(rises: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return sums of squares (D,) by which cells stray from their mean curve, and of the steps that they were to make.

    Of sets of cells, rises (D, C, L). Each set has its own mean curve; all are walked at once, one beside the other on
    one axis. Where a mean curve falls a conductance is had at several levels; so cells are compared by the highest that
    the curve has been, and by how far it lies below that after as many pulses.
    """
    draws, cells, levels = rises.shape
    mean = rises.mean(axis=1)
    top = mean.max(axis=1, keepdims=True)
    highest, number = np.maximum.accumulate(mean, axis=1), np.arange(levels)
    fallen, shape = (highest - mean)[:, None], highest + 1e-9 * top * number
    apart = 4.0 * float(np.abs(shape).max()) * np.arange(draws)[:, None]
    numbers = np.arange(draws)[:, None] * (levels + 1.0)  # no level of one set is near one of the next
    early = min(max(levels // 2, 2), levels - 1)  # steps; later on most of the curve is flat
    own, numbered = (rises + fallen)[..., : early + 1], (number + numbers).ravel()
    walked, bounds = (shape + apart).ravel(), (shape[:, None, :1], shape[:, None, -1:])
    least, most = (
        np.interp(np.clip(own[..., :-1] + off, *bounds) + apart[..., None], walked, numbered)
        for off in (-_SAME * top[..., None], _SAME * top[..., None])
    )
    place = np.clip(number[:early] + numbers[..., None], least, most) + 1  # on a flat stretch the pulses tell it
    place = np.minimum(place, (numbers + levels - 1)[..., None])
    ahead = np.interp(place, numbered, shape.ravel())
    squares = np.sum((own[..., 1:] - ahead) ** 2, axis=(1, 2)) * cells / (cells - 1)
    return squares, cells * np.sum(np.diff(shape, axis=1)[:, :early] ** 2, axis=1)


def _evened(levels: FloatArray) -> FloatArray:
    """Return a rising curve whose steps are the mean of their neighbours, as noise makes them uneven."""
    half = min(_NEIGHBOURS, (len(levels) - 1) // 2)
    steps = np.pad(np.diff(levels), half, mode="reflect" if len(levels) > half + 1 else "edge")
    even = np.convolve(steps, np.ones(2 * half + 1) / (2 * half + 1), mode="valid")
    return np.concatenate(([0.0], np.cumsum(even)))


def monotone(levels: FloatArray) -> FloatArray:
    """Return the rising curve that is closest, from zero on, by pool adjacent violators."""
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 - scipy takes 0.3 s to import

    found: FloatArray = isotonic_regression(levels).x
    return np.asarray(found - found[0])
