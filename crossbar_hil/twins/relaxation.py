"""Relaxation in the readings of a calibration: the share of its rises that every cell loses, and how fast.

Each pulse raises a cell by d, of which the share ``r (1 - exp(-t / tau))`` is lost after the time t; what several
pulses raised adds up. So for given r and tau the readings of a cell are linear in its start and in its rises, and the
sum of squares that is left over says how probable r and tau are.
"""

from dataclasses import dataclass

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.twins.estimates import Number, number_of

SHARES = np.concatenate([np.linspace(0.0, 0.1, 21), np.linspace(0.12, 1.0, 23)])
"""Shares r that are weighed."""
TIMES = 33
"""Time constants that are weighed, equally spaced in logarithm over what the readings can tell."""
EVIDENCE = 14.0
"""A relaxation is believed if the sum of squares falls by this: by chance once in a thousand times, with two numbers
more (quantile of chi square with 2 degrees of freedom)."""


@dataclass(frozen=True, slots=True, eq=False)
class Relaxed:
    """What cells would be at if nothing were lost, and what is lost."""

    means: FloatArray
    """(T + 1, M) start, and conductance after each pulse before anything of its rise is lost, in siemens."""
    errors: FloatArray
    """(T + 1, M) their standard errors."""
    share: Number
    seconds: Number


def fit_relaxation(rounds: list[FloatArray], seconds: list[FloatArray], noise: float) -> Relaxed | None:
    """Look for relaxation; None if none is seen.

    Parameters
    ----------
    rounds : list of ndarray of float, shape (Q, M)
        Readings of M cells after 0, 1, 2, ... pulses, in siemens; Q may differ.
    seconds : list of ndarray of float, shape (Q,)
        Time of each reading since the pulse before it, in seconds.
    noise : float
        Relative standard deviation of a reading.
    """
    values = np.concatenate(rounds)
    scatter = np.maximum(noise * np.abs(np.concatenate([np.broadcast_to(each.mean(0), each.shape) for each in rounds])),
                         1e-9 * np.abs(values).max())  # fmt: skip
    since = _since(rounds, seconds)
    longest, shortest = since.max(), min(float(each[each > 0].min(initial=np.inf)) for each in seconds[1:])
    if not (np.isfinite(shortest) and longest > shortest):
        return None
    times = np.geomspace(shortest, 3 * longest, TIMES)
    squares = np.array([[_left_over(since, share, time, values, scatter) for time in times] for share in SHARES])
    best = np.unravel_index(squares.argmin(), squares.shape)
    if squares[0, 0] - squares[best] < EVIDENCE:
        return None
    share = np.exp(-0.5 * (squares - squares[best]))
    share *= np.gradient(SHARES)[:, None]
    share /= share.sum()
    found = number_of(share.sum(axis=1), SHARES)
    log_time = number_of(share.sum(axis=0), np.log(times))
    time = Number(*(float(np.exp(each)) for each in (log_time.value, log_time.low, log_time.high)))
    means, errors = _before_loss(since, found.value, time.value, values, scatter)
    return Relaxed(means, errors, found, time)


def _since(rounds: list[FloatArray], seconds: list[FloatArray]) -> FloatArray:
    """Return the time from each pulse to each reading, (readings, T); -1 where the pulse came later."""
    lengths = [float(each[-1]) for each in seconds]
    lines = []
    for number, each in enumerate(seconds):
        for time in each:
            lines.append(
                [time + sum(lengths[pulse:number]) if pulse <= number else -1.0 for pulse in range(1, len(rounds))]
            )
    return np.array(lines)


def _design(since: FloatArray, share: float, time: float) -> FloatArray:
    kept = np.where(since >= 0, 1 - share * -np.expm1(-np.maximum(since, 0.0) / time), 0.0)
    return np.column_stack([np.ones(len(since)), kept])


def _left_over(since: FloatArray, share: float, time: float, values: FloatArray, scatter: FloatArray) -> float:
    design = _design(since, share, time)
    coefficients, _ = _solve(design, values, scatter)
    return float(np.square((values - design @ coefficients) / scatter).sum())


def _solve(design: FloatArray, values: FloatArray, scatter: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the (T + 1, M) least squares of each cell and their (M, T + 1, T + 1) covariances."""
    weights = 1 / np.square(scatter)
    normal = np.einsum("qi,qm,qj->mij", design, weights, design)
    covariance = np.linalg.inv(normal)
    right = np.einsum("qi,qm,qm->mi", design, weights, values)
    return np.einsum("mij,mj->im", covariance, right), covariance


def _before_loss(
    since: FloatArray, share: float, time: float, values: FloatArray, scatter: FloatArray
) -> tuple[FloatArray, FloatArray]:
    coefficients, covariance = _solve(_design(since, share, time), values, scatter)
    sums = np.tril(np.ones((len(coefficients), len(coefficients))))  # start, start + first rise, ...
    errors = np.sqrt(np.einsum("ti,mij,tj->tm", sums, covariance, sums))
    return sums @ coefficients, errors
