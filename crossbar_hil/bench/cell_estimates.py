"""What readings of measured cells say of chips of their kind: the curve without noise, the noise, and what differs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossbar_hil.arrays import FloatArray

LEAST_NOISE = 1e-6
"""Relative noise below this is rounding."""
TOLD_NOISE = 2e-4
"""Read noise below this is none of the cell's: no training minds it, and six digits of a meter have as much."""
LEAST_SPREAD = 1e-3
"""A spread or variation of steps below this is none."""
SURE = 4.0
"""A relaxation is believed in if it is so many times as large as what noise makes of it."""
_NEIGHBOURS = 3
"""Steps on each side that a step is evened with, before noise is drawn onto the curve."""
_NOISES = 100
"""Draws of noise alone, of which the variation of steps is freed."""
_TIMES = 200


@dataclass(frozen=True, eq=False)
class Readings:
    """What was read of one cell as it was potentiated, and then left alone."""

    siemens: FloatArray
    """(L, N) N readings of each of L levels."""
    seconds: FloatArray
    """(L, N) when."""
    rest_siemens: FloatArray
    """(M,) readings at rest after a burst of pulses, which the cell took from near its start."""
    rest_seconds: FloatArray
    """(M,) when, from the middle of the burst."""
    low_siemens: FloatArray
    """(M,) readings at rest before the burst."""
    low_seconds: FloatArray
    """(M,) when, from the middle of the burst: below zero."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What one can say of chips of the kind of the measured cells."""

    levels_siemens: FloatArray
    """(L,) the curve of their mean cell, without what noise makes of it, at once after each pulse."""
    read_noise: float
    step_variation: float | None
    """None where too few cells were measured to tell it from the shape of the curve."""
    step_spread: float | None
    relaxation: float
    relaxation_s: float | None

    def facts(self, cells: int) -> dict[str, str]:
        """Return what stands above the curve, by the setting of [chip] that each is."""
        found = {"curve_cells": str(cells)}
        if self.read_noise:
            found["read_noise"] = f"{100 * self.read_noise:.3g} %"
        if self.step_variation:
            found["step_variation"] = f"{100 * self.step_variation:.3g} %"
        if self.step_spread:
            found["step_spread"] = f"{self.step_spread:.3g}"
        if self.relaxation and self.relaxation_s is not None:
            found |= {"relaxation": f"{100 * self.relaxation:.3g} %", "relaxation_s": f"{self.relaxation_s:.3g} s"}
        return found


def estimate_kind(cells: Sequence[Readings]) -> Kind:
    """Estimate the kind of some cells that were measured alike.

    Noise is told by how readings with no pulse between them differ from one to the next, which a slow decay hardly
    does. Relaxation is fitted to the readings at rest; it tells how much of each rise was lost before it was read, and
    that is put back. Rises are compared between cells: each cell's are larger by a factor, and what then still differs
    from step to step is the variation of steps.

    Parameters
    ----------
    cells : sequence of Readings
        At least one.
    """
    noise = _noise(cells)
    share, seconds = _relaxation(cells, noise)
    curves = np.array([_undo(each, share, seconds) for each in cells])
    starts, rises = curves[:, 0], curves - curves[:, :1]
    factors, spread = np.ones(len(cells)), None
    tops = rises.max(axis=1)
    if len(cells) > 1 and tops.min() > 0:
        mean = float(np.exp(np.log(tops).mean()))
        factors = tops / mean
        of_noise = np.mean((noise * curves.max(axis=1) / np.sqrt(cells[0].siemens.shape[1]) / tops) ** 2)
        spread = float(np.sqrt(max(np.log(factors).var(ddof=1) - of_noise, 0.0)))
        spread = spread if spread > LEAST_SPREAD else 0.0
    shape = (rises / factors[:, None]).mean(axis=0)
    variation = _variation(rises / factors[:, None], curves, noise / np.sqrt(cells[0].siemens.shape[1]))
    if noise > TOLD_NOISE or len(cells) > 1:
        shape = _monotone(shape)
    start = float(np.exp(np.log(starts).mean())) if starts.min() > 0 else float(starts.mean())
    told = noise if noise > TOLD_NOISE else 0.0
    return Kind(start + shape, told, variation, spread, share, seconds)


def _noise(cells: Sequence[Readings]) -> float:
    """Relative noise of one reading, from readings that follow each other at rest.

    Second differences, of which independent readings have six variances, do not see a slow decay.
    """
    squares: list[FloatArray] = []
    for each in cells:
        for line in (*each.siemens, each.rest_siemens):
            if len(line) > 2 and line.min() > 0:
                squares.append(np.diff(np.log(line), 2) ** 2 / 6)
    return float(np.sqrt(np.concatenate(squares).mean())) if squares else 0.0


def _relaxation(cells: Sequence[Readings], noise: float) -> tuple[float, float | None]:
    """Share of a rise that is lost, and the time constant, by least squares over a grid of the latter.

    Before the burst and after it a cell falls, or comes back, to a conductance of its own by one time constant. Where
    these two differ, a share of the burst has stayed; where what is yet to be lost differs, the rest of it will not.
    """
    if min(len(each.rest_siemens) for each in cells) < 4:
        return 0.0, None
    at = cells[0].rest_seconds
    # A faster decay is over before the first reading, and a slower one hardly begins before the last.
    times = np.geomspace(max(float(at[0]), float(at[1] - at[0])), 5 * float(at[-1]), _TIMES)
    still = sum(
        float(np.sum((line - line.mean()) ** 2)) / cell.rest_siemens.mean() ** 2
        for cell in cells
        for line in (cell.low_siemens, cell.rest_siemens)
    )
    best: tuple[float, float, float] = (np.inf, 0.0, 0.0)
    for seconds in times:
        left, lost, risen = 0.0, 0.0, 0.0
        for cell in cells:
            unit = cell.rest_siemens.mean()
            low, falling_back, unlike_low = _falling(cell.low_seconds, cell.low_siemens / unit, seconds)
            high, falling, unlike_high = _falling(cell.rest_seconds, cell.rest_siemens / unit, seconds)
            left += unlike_low + unlike_high
            lost += falling - falling_back
            risen += high - low + falling - falling_back
        if left < best[0] and 0 < lost <= risen:
            best = left, lost / risen, float(seconds)
    readings = sum(len(each.rest_siemens) + len(each.low_siemens) for each in cells)
    floor = max(noise, LEAST_NOISE) ** 2 * (2 * len(cells) + SURE * np.sqrt(2 * readings))
    left, share, seconds = best
    return (share, seconds) if still - left > floor else (0.0, None)


def _falling(at: FloatArray, seen: FloatArray, seconds: float) -> tuple[float, float, float]:
    """Fit an exponential decay: what it ends at, how much of it is left at time zero, and the sum of squares."""
    design = np.column_stack((np.ones(len(at)), np.exp(-(at - at[0]) / seconds)))
    found, *_ = np.linalg.lstsq(design, seen, rcond=None)
    return float(found[0]), float(found[1] * np.exp(at[0] / seconds)), float(np.sum((design @ found - seen) ** 2))


def _kept(at: FloatArray, pulsed: FloatArray, share: float, seconds: float | None) -> FloatArray:
    """Share of the rise of each level, (L,), that is left at some times, (T, L)."""
    ages = np.maximum(at[:, None] - pulsed[None, :], 0.0)
    kept = 1 - share * (1 - np.exp(-ages / (seconds or 1.0)))
    kept[:, 0] = 1.0  # the start is no rise
    return np.where(at[:, None] >= pulsed[None, :], kept, 0.0)


def _undo(each: Readings, share: float, seconds: float | None) -> FloatArray:
    """Levels as they would be if nothing were lost, (L,)."""
    seen, at = each.siemens.mean(axis=1), each.seconds.mean(axis=1)
    if not share:
        return seen
    steps = np.linalg.solve(np.tril(_kept(at, each.seconds[:, 0], share, seconds)), seen)
    return np.cumsum(steps)


def _variation(rises: FloatArray, curves: FloatArray, noise: float) -> float | None:
    """Relative spread of a step, from where each cell goes and where the mean curve goes from the cell's own level.

    Of each cell its factor was taken out; `noise` is that of a mean of readings. What noise alone does to cells that
    all follow the smooth mean curve is found by drawing it, and taken off.
    """
    cells = len(rises)
    if cells < 2:
        return None
    squares, total = _astray(rises)
    if noise > LEAST_NOISE:
        rng = np.random.default_rng(0)
        tops = curves.max(axis=1) - curves[:, 0]
        factors = tops / float(np.exp(np.log(tops).mean())) if tops.min() > 0 else np.ones(cells)
        smooth = curves[:, :1] + factors[:, None] * _evened(_monotone(rises.mean(axis=0)))
        drawn = []
        for _ in range(_NOISES):
            seen = smooth * (1 + noise * rng.standard_normal(smooth.shape))
            drawn.append(_astray((seen - seen[:, :1]) / factors[:, None])[0])
        squares -= float(np.mean(drawn))
    found = float(np.sqrt(squares / total)) if squares > 0 < total else 0.0
    return found if found > LEAST_SPREAD else 0.0


def _evened(levels: FloatArray) -> FloatArray:
    """Return a rising curve whose steps are the mean of their neighbours, as noise makes them uneven."""
    half = min(_NEIGHBOURS, (len(levels) - 1) // 2)
    steps = np.pad(np.diff(levels), half, mode="reflect" if len(levels) > half + 1 else "edge")
    even = np.convolve(steps, np.ones(2 * half + 1) / (2 * half + 1), mode="valid")
    return np.concatenate(([0.0], np.cumsum(even)))


def _astray(rises: FloatArray) -> tuple[float, float]:
    """Sum of squares by which cells stray from the mean curve, and of the steps that they were to make."""
    cells, levels = rises.shape
    mean = rises.mean(axis=0)
    shape, number = np.maximum.accumulate(mean) + 1e-9 * mean.max() * np.arange(levels), np.arange(levels)
    early = slice(0, max(levels // 2, 2))  # later on most of the curve is flat
    steps = float(np.sum(np.diff(shape)[early] ** 2))
    squares = 0.0
    for rise in rises:
        ahead = np.interp(np.interp(rise[:-1], shape, number) + 1, number, shape)
        squares += float(np.sum(((rise[1:] - ahead) ** 2)[early])) * cells / (cells - 1)
    return squares, steps * cells


def _monotone(levels: FloatArray) -> FloatArray:
    """Return the rising curve that is closest, by pool adjacent violators."""
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 - scipy takes 0.3 s to import

    found: FloatArray = isotonic_regression(levels).x
    return np.asarray(found - found[0])
