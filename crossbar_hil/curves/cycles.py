"""Cycles of one curve: their mean, and how much the step of a pulse differs from cycle to cycle."""

from typing import NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray

SMALLEST = 1e-6
"""A spread below this is the rounding of the numbers: ``[chip]`` takes none that is smaller."""
RESOLVED = 2.0
"""A spread is told if its variance is so many times its standard error."""


class Spread(NamedTuple):
    """How cycles differ."""

    step_variation: float
    """Standard deviation of a step relative to its mean, as ``[chip] step_variation`` takes it; 0 if not resolved,
    infinite if the mean does not move beside it."""
    read_noise: float
    """Standard deviation of a reading relative to it, as ``[chip] read_noise`` takes it; 0 if it is not resolved."""
    cycles: int
    """How many these were."""


def mean_and_spread(cycles: FloatArray) -> tuple[FloatArray, Spread]:
    """Return the mean curve of cycles, and their spread.

    Parameters
    ----------
    cycles : ndarray of float, shape (K, L)
        K >= 2 cycles of L readings, in siemens.

    Returns
    -------
    ndarray of float, shape (L,)
        The mean curve, in siemens.
    Spread
        Of steps and readings.

    Notes
    -----
    A step of a cycle is m (1 + s z) plus the difference of two readings with noise r: its variance is s^2 m^2 + 2 r^2
    and its covariance with the next step is -r^2. r comes from the covariance where the curve is flat (none if it is
    positive; where it is steep, a cell that is ahead makes smaller steps, which looks alike), s from what is left of
    the variance, weighted by the mean step m. On a curve that soon saturates s comes out some percent too small.
    """
    mean = cycles.mean(axis=0)
    steps = np.diff(cycles, axis=1)
    typical = steps.mean(axis=0)
    deviations = steps - typical
    free = len(cycles) - 1
    variances = (deviations**2).sum(axis=0) / free
    covariances = (deviations[:, 1:] * deviations[:, :-1]).sum(axis=0) / free
    flat = _flat(typical)
    noises = -covariances[flat]
    noise = max(0.0, float(noises.mean())) if len(noises) else 0.0
    error = float(noises.std(ddof=1)) / np.sqrt(len(noises)) if len(noises) > 1 else float("inf")
    level = float(np.abs(mean[1:-1][flat]).mean()) if noise > RESOLVED * error else 0.0
    left = float(variances.sum()) - 2.0 * noise * len(variances)
    # The square of an estimated variance is larger by 1 + 2 / free than that of the true one.
    of_variances = np.sqrt(2.0 / free / (1.0 + 2.0 / free) * float((variances**2).sum()))
    if len(noises) > 1 and left < RESOLVED * np.hypot(of_variances, 2.0 * error * len(variances)):
        left = 0.0
    moved = float((typical**2).sum() - variances.sum() / len(cycles))  # the mean of K noisy steps is itself noisy
    share = float(np.sqrt(max(0.0, left) / moved)) if moved > 0 else float("inf")
    read_noise = float(np.sqrt(noise)) / level if level else 0.0
    return mean, Spread(_told(share), _told(read_noise), len(cycles))


def _told(spread: float) -> float:
    return spread if spread >= SMALLEST else 0.0


def _flat(typical: FloatArray) -> IntArray:
    """Return the places of the half of all pairs of steps in which the curve moves least."""
    moved = np.abs(typical[1:] * typical[:-1])
    return np.argsort(moved, kind="stable")[: max(1, len(moved) // 2)]
