"""Compiled sum of the distances to the targets, for chips whose training has ended."""

import math
from typing import Any

import numba
import numpy as np

from ..circuit.caching import KEPT
from .compiled.functions import quick_exp

_LANES = 32


@numba.njit(**KEPT, nogil=True, error_model="numpy", fastmath={"contract"})
def fill_errors(
    chosen: Any, shifts: Any, levels: Any, rises: Any, gain: float, voltages: Any, targets: Any, senses: Any,
    times: Any, errors: Any,
) -> None:  # fmt: skip
    """Sum the shortfalls of chosen chips in double precision, side by side.

    Parameters
    ----------
    chosen : ndarray of int, shape (K,)
        Which of the chips.
    shifts, levels : ndarray, shape (M, R, 2N)
        Shifts in siemens and levels of the cells.
    rises : ndarray, shape (L,)
        Of the curve, in siemens.
    gain : float
        beta times K times the voltage that `voltages` are in units of.
    voltages, targets, senses, times : ndarray, shape (P, R), (P, N), (P, N), (P,)
        Of the merged patterns.
    errors : ndarray, shape (M,)
        Result, at the chosen places.
    """
    rows, outputs = voltages.shape[1], targets.shape[1]
    weights, sums = np.empty((rows, _LANES)), np.empty((2, _LANES))
    for start in range(0, len(chosen), _LANES):
        used = min(_LANES, len(chosen) - start)
        for i in range(_LANES):
            sums[1, i] = 0.0
        for n in range(outputs):
            for i in range(_LANES):
                chip = chosen[start + min(i, used - 1)]
                for j in range(rows):
                    plus = rises[levels[chip, j, 2 * n]] + shifts[chip, j, 2 * n]
                    minus = rises[levels[chip, j, 2 * n + 1]] + shifts[chip, j, 2 * n + 1]
                    weights[j, i] = gain * (plus - minus)
            for p in range(len(times)):
                target, sense, often = targets[p, n], senses[p, n], times[p]
                for i in range(_LANES):
                    sums[0, i] = 0.0
                for j in range(rows):
                    voltage = voltages[p, j]
                    for i in range(_LANES):
                        sums[0, i] += voltage * weights[j, i]
                for i in range(_LANES):
                    x = sums[0, i]
                    e = quick_exp(max(-2.0 * abs(x), -700.0))
                    gap = sense * (target - math.copysign((1.0 - e) / (1.0 + e), x))
                    sums[1, i] += often * max(gap, 0.0)
        for i in range(used):
            errors[chosen[start + i]] = sums[1, i]
