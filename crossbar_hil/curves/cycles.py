"""Cycles of one curve: their mean, and how much the step of a pulse differs from cycle to cycle."""

from typing import NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray


class Spread(NamedTuple):
    """How cycles differ."""

    step_variation: float
    """Standard deviation of a step relative to its mean, as ``[chip] step_variation`` takes it."""
    read_noise: float
    """Standard deviation of a reading relative to it, as ``[chip] read_noise`` takes it."""


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
    noise = max(0.0, -float(covariances[_flat(typical)].mean())) if len(covariances) else 0.0
    left = max(0.0, float(variances.sum()) - 2.0 * noise * len(variances))
    moved = float((typical**2).sum() - variances.sum() / len(cycles))  # the mean of K noisy steps is itself noisy
    share = float(np.sqrt(left / moved)) if moved > 0 else float("inf")
    level = float(np.abs(mean).mean())
    return mean, Spread(share, float(np.sqrt(noise)) / level if level else 0.0)


def _flat(typical: FloatArray) -> IntArray:
    """Return the places of the half of all pairs of steps in which the curve moves least."""
    moved = np.abs(typical[1:] * typical[:-1])
    return np.argsort(moved, kind="stable")[: max(1, len(moved) // 2)]
