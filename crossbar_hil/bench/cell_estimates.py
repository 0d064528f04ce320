"""What readings of measured cells say of chips of their kind: the curve without noise, the noise, and what differs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.step_variation import (
    LEAST_NOISE,
    LEAST_SPREAD,
    monotone,
    step_variation,
    step_variation_interval,
)

TOLD_NOISE = 2e-4
"""Read noise below this is none of the cell's: no training minds it, and six digits of a meter have as much."""
SURE = 4.0
"""A relaxation is believed in if it is so many times as large as what noise makes of it."""
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
    """Estimate the kind of some cells, one at least, that were measured alike.

    Noise is told by how readings with no pulse between them differ from one to the next, which a slow decay hardly
    does. Relaxation is fitted to the readings at rest; it tells how much of each rise was lost before it was read, and
    that is put back. Rises are compared between cells: each cell's are larger by a factor, and what then still differs
    from step to step is the variation of steps.
    """
    seen = _Compared.of(cells)
    noise, curves, rises = seen.noise, seen.curves, seen.rises
    starts, tops, spread = curves[:, 0], rises.max(axis=1), None
    if len(cells) > 1 and tops.min() > 0:
        of_noise = np.mean((noise * curves.max(axis=1) / np.sqrt(cells[0].siemens.shape[1]) / tops) ** 2)
        spread = float(np.sqrt(max(np.log(seen.factors).var(ddof=1) - of_noise, 0.0)))
        spread = spread if spread > LEAST_SPREAD else 0.0
    shape = (rises / seen.factors[:, None]).mean(axis=0)
    variation = step_variation(*seen.alike) if len(cells) > 1 else None
    if noise > TOLD_NOISE:
        shape = monotone(shape)
    start = float(np.exp(np.log(starts).mean())) if starts.min() > 0 else float(starts.mean())
    told = noise if noise > TOLD_NOISE else 0.0
    return Kind(start + shape, told, variation, spread, seen.share, seen.seconds)


def estimate_variation_interval(cells: Sequence[Readings]) -> tuple[float, float] | None:
    """Return the central 95 % interval of the step variation that `estimate_kind` finds; None of one cell."""
    return step_variation_interval(*_Compared.of(cells).alike) if len(cells) > 1 else None


@dataclass(frozen=True, eq=False)
class _Compared:
    """Cells that were measured alike, each as it would be if nothing were lost with time."""

    noise: float
    """Relative, of one reading."""
    share: float
    seconds: float | None
    """Of the relaxation."""
    curves: FloatArray
    """(C, L) in siemens."""
    factors: FloatArray
    """(C,) by which the rise of a cell is larger than that of the mean one."""
    reads: int
    """Of each level."""

    @classmethod
    def of(cls, cells: Sequence[Readings]) -> Self:
        noise = _noise(cells)
        share, seconds = _relaxation(cells, noise)
        curves = np.array([_undo(each, share, seconds) for each in cells])
        tops, factors = (curves - curves[:, :1]).max(axis=1), np.ones(len(cells))
        if len(cells) > 1 and tops.min() > 0:
            factors = tops / float(np.exp(np.log(tops).mean()))
        return cls(noise, share, seconds, curves, factors, cells[0].siemens.shape[1])

    @property
    def rises(self) -> FloatArray:
        """(C, L) in siemens."""
        return self.curves - self.curves[:, :1]

    @property
    def alike(self) -> tuple[FloatArray, FloatArray, float]:
        """Rises without the factors of the cells, curves, and the noise of a mean of readings."""
        return self.rises / self.factors[:, None], self.curves, self.noise / math.sqrt(self.reads)


def _noise(cells: Sequence[Readings]) -> float:
    """Relative noise of one reading, from readings that follow each other at rest.

    Second differences, of which independent readings have six variances, do not see a slow decay.
    """
    lines = [line for each in cells for line in (*each.siemens, each.rest_siemens)]
    squares = [np.diff(np.log(line), 2) ** 2 / 6 for line in lines if len(line) > 2 and line.min() > 0]
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
    left, lost, risen = _losing(cells, times, _falling_at_each)
    possible = np.flatnonzero((lost > 0) & (lost <= risen))
    if not possible.size:
        return 0.0, None
    seconds = float(times[possible[left[possible].argmin()]])
    left, lost, risen = _losing(cells, seconds, _falling)
    readings = sum(len(each.rest_siemens) + len(each.low_siemens) for each in cells)
    floor = max(noise, LEAST_NOISE) ** 2 * (2 * len(cells) + SURE * np.sqrt(2 * readings))
    return (lost / risen, seconds) if still - left > floor else (0.0, None)


def _losing(cells: Sequence[Readings], seconds: Any, falling: Callable[..., Any]) -> tuple[Any, Any, Any]:
    """Add up over the cells: squares left over, what is lost of the bursts, and what these raised, in their units."""
    left, lost, risen = 0.0, 0.0, 0.0
    for cell in cells:
        unit = cell.rest_siemens.mean()
        low, falling_back, unlike_low = falling(cell.low_seconds, cell.low_siemens / unit, seconds)
        high, falling_on, unlike_high = falling(cell.rest_seconds, cell.rest_siemens / unit, seconds)
        left += unlike_low + unlike_high
        lost += falling_on - falling_back
        risen += high - low + falling_on - falling_back
    return left, lost, risen


def _falling_at_each(at: FloatArray, seen: FloatArray, times: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what `_falling` does for each of many time constants (T,), by the two means of a regression line."""
    decays = np.exp(-(at - at[0]) / times[:, None])
    middle = decays.mean(axis=1)
    decays -= middle[:, None]
    off = seen - seen.mean()
    slope = decays @ off / np.square(decays).sum(axis=1)
    squares = np.square(off - slope[:, None] * decays).sum(axis=1)
    return seen.mean() - slope * middle, slope * np.exp(at[0] / times), squares


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
