"""Compiled training of chips with the effects of a real one, one after the other, each with its own random numbers.

Training follows the equations in the order of `Trainer`, the chip those of `SimulatedBackend`; with nothing random the
two agree, else in distribution. The random numbers are those of `ensemble.noise`.
"""

import math
from typing import Any

import numba
import numpy as np

from .noise import BLOCK, KEPT, USED, can_move, gamma_number, normal_number, uniform_number

_FAST: Any = {"nogil": True, "cache": True, "error_model": "numpy"}
WHITE, HEIGHT, SHARE, HIGH_S, FLICKER, VARIATION, DRIFT, DISTURB, READ_S, PULSE_S, TOP = range(11)
"""Places of the numbers of the effects: as `Effects` has them, in SI; `HIGH_S` is 0 if drawn anew for each reading,
`PULSE_S` the width of a pulse, `TOP` the largest rise of the curve."""


@numba.njit(**_FAST)
def _bend(rise: float, top: float, exponent: float) -> float:
    return top * (rise / top) ** exponent if rise > 0.0 and exponent != 1.0 else rise


@numba.njit(**_FAST)
def _conduct(
    conductances: Any, shifts: Any, factors: Any, risen: Any, left: Any, drifts: Any, elapsed_s: float, total: float,
    scale: float, size: Any,
) -> None:  # fmt: skip
    """Find the conductances of a chip's cells from all that happened to them."""
    drifted = size[DRIFT] * math.log10(1.0 + elapsed_s)
    for j in range(shifts.shape[0]):
        for c in range(shifts.shape[1]):
            lost = total * risen[j, c]
            for k in range(len(left)):
                lost -= left[k, j, c]
            siemens = scale * (factors[j, c] * (risen[j, c] - lost) + shifts[j, c])
            conductances[j, c] = max(siemens * (1.0 + drifted * drifts[j, c]), 0.0)


@numba.njit(**_FAST)
def _relax(seconds: float, rates: Any, left: Any) -> None:
    for k in range(len(rates)):
        stays = math.exp(-seconds * rates[k])
        for j in range(left.shape[1]):
            for c in range(left.shape[2]):
                left[k, j, c] *= stays


@numba.njit(**_FAST)
def _go_on(
    seconds: float, size: Any, flicker_s: Any, high: Any, slow: Any, stream: Any, key: Any, chip: int, kept: Any
) -> None:
    """Let slow noise go on for some seconds."""
    rows, columns = high.shape
    if size[HEIGHT] > 0.0 and size[HIGH_S] > 0.0:
        stays = math.exp(-seconds / size[HIGH_S])
        for j in range(rows):
            for c in range(columns):
                chance = size[SHARE] * (1.0 - stays) + stays * high[j, c]
                high[j, c] = 1.0 if uniform_number(stream, key, chip) < chance else 0.0
    if size[FLICKER] > 0.0:
        for k in range(len(flicker_s)):
            stays = math.exp(-seconds / flicker_s[k])
            new = math.sqrt(1.0 - stays * stays)
            for j in range(rows):
                for c in range(columns):
                    slow[k, j, c] = stays * slow[k, j, c] + new * normal_number(stream, key, chip, kept)


@numba.njit(**_FAST)
def _evaluate(
    conductances: Any, offsets: Any, beta: float, voltages: Any, targets: Any, senses: Any, size: Any, flicker_s: Any,
    pull_back: bool, high: Any, slow: Any, seen: Any, gradient: Any, stream: Any, key: Any, chip: int, kept: Any,
) -> float:  # fmt: skip
    """Read every pattern; return the summed shortfall and leave the gradient in its array."""
    rows, columns = conductances.shape
    patterns, outputs = targets.shape
    slow_scale = size[FLICKER] / math.sqrt(len(flicker_s))
    error = 0.0
    gradient[:] = 0.0
    for p in range(patterns):
        for j in range(rows):
            for c in range(columns):
                seen[j, c] = conductances[j, c]
                if size[HEIGHT] > 0.0:
                    is_high = high[j, c]
                    if size[HIGH_S] == 0.0:
                        is_high = 1.0 if uniform_number(stream, key, chip) < size[SHARE] else 0.0
                    seen[j, c] *= 1.0 + size[HEIGHT] * is_high
                if size[FLICKER] > 0.0:
                    summed = 0.0
                    for k in range(len(flicker_s)):
                        summed += slow[k, j, c]
                    seen[j, c] *= max(1.0 + slow_scale * summed, 0.0)
        for n in range(outputs):
            current, square = offsets[2 * n] - offsets[2 * n + 1], 0.0
            for j in range(rows):
                plus, minus = seen[j, 2 * n] * voltages[p, j], seen[j, 2 * n + 1] * voltages[p, j]
                current += plus - minus
                square += plus * plus + minus * minus
            if size[WHITE] > 0.0:
                # The noise of cells is independent: one number of the joint spread stands for both columns.
                current += size[WHITE] * math.sqrt(square) * normal_number(stream, key, chip, kept)
            gap = targets[p, n] - math.tanh(beta * current)
            short = max(senses[p, n] * gap, 0.0)
            error += short
            if not pull_back:
                gap = senses[p, n] * short
            decay = math.exp(-2.0 * abs(beta * current))
            delta = gap * decay / (1.0 + decay) ** 2
            for j in range(rows):
                gradient[j, n] += delta * voltages[p, j]
        _go_on(columns * size[READ_S], size, flicker_s, high, slow, stream, key, chip, kept)
    return error


@numba.njit(**_FAST)
def train_with_effects(  # noqa: PLR0912, PLR0915
    shifts: Any, factors: Any, exponents: Any, offsets: Any, first: int, key: Any, rises: Any, scale: float,
    beta: float, voltages: Any, targets: Any, senses: Any, epochs: int, size: Any, loss_shares: Any, loss_rates: Any,
    flicker_s: Any, moves: bool, pull_back: bool, confirm: int, most_idle: int, unresponsive: int, certain_ends: bool,
    numbers: Any, met: Any, ended: Any, pulses: Any, errors: Any, levels: Any, conductances: Any, fresh: Any,
) -> None:  # fmt: skip
    """Train each chip to its end.

    Parameters
    ----------
    shifts, factors, exponents : ndarray, shape (M, R, 2N)
        Shifts in siemens, step factors, shape exponents.
    offsets : ndarray, shape (M, 2N)
        Of the columns, in amperes.
    first : int
        Number of the first chip.
    key : ndarray of uint64, shape (2,)
        Of the random numbers.
    rises : ndarray, shape (L,)
        Of the pulse's curve, in siemens.
    scale, beta : float
        K, and the gain in 1/A.
    voltages, targets, senses : ndarray, shape (P, R), (P, N), (P, N)
        Row voltages in volts, target activations, 1 or -1.
    epochs : int
        Most evaluations.
    size : ndarray, shape (11,)
        The numbers of the effects.
    loss_shares, loss_rates : ndarray, shape (T,)
        What relaxation is made of, as `decay_terms` has it.
    flicker_s : ndarray, shape (F,)
        Correlation times of 1/f noise.
    moves, pull_back : bool
        Whether a pulse moves a cell at all; whether an activation beyond its target counts as a gap.
    confirm, most_idle, unresponsive : int
        As `ensemble.noise.train_noisy` takes them.
    certain_ends : bool
        Whether a cell at the end of its curve stays as it is and reads the same: then no pulse is tried on it in vain.
    numbers, met, ended, pulses, errors : ndarray, shape (M,)
        Results: epochs, converged, saturated cells, pulses, last error.
    levels, conductances : ndarray, shape (M, R, 2N)
        Results: where each cell ended, and its conductance after the last evaluation, in siemens.
    fresh : ndarray of bool, shape (M,)
        Result: whether a chip that converged meets every target in one more read.
    """
    chips, rows, columns = shifts.shape
    patterns, outputs = targets.shape
    last = len(rises) - 1
    terms, total = len(loss_shares), loss_shares.sum()
    vector_s = columns * size[READ_S]
    stream, kept = np.empty(7, dtype=np.uint64), np.empty(1)
    level, risen, drifts = np.empty((rows, columns)), np.empty((rows, columns)), np.zeros((rows, columns))
    steps, left = np.empty((rows, columns)), np.zeros((terms, rows, columns))
    high, slow = np.zeros((rows, columns)), np.zeros((len(flicker_s), rows, columns))
    seen, gradient = np.empty((rows, columns)), np.empty((rows, outputs))
    silent = np.empty((rows, columns), dtype=np.int64)
    for m in range(chips):
        chip = first + m
        stream[BLOCK], stream[USED], stream[KEPT] = np.uint64(0), np.uint64(4), np.uint64(0)
        level[:], risen[:], left[:], high[:] = 0.0, 0.0, 0.0, 0.0
        elapsed_s, sent, number, error = 0.0, 0, 0, 0.0
        silent[:] = 0
        in_a_row, idle = 0, 0
        for j in range(rows):
            for c in range(columns):
                if size[DRIFT] > 0.0:
                    drifts[j, c] = normal_number(stream, key, chip, kept)
                if size[HEIGHT] > 0.0 and size[HIGH_S] > 0.0:
                    high[j, c] = 1.0 if uniform_number(stream, key, chip) < size[SHARE] else 0.0
                if size[FLICKER] > 0.0:
                    for k in range(len(flicker_s)):
                        slow[k, j, c] = normal_number(stream, key, chip, kept)
        while True:
            number += 1
            _conduct(conductances[m], shifts[m], factors[m], risen, left, drifts, elapsed_s, total, scale, size)
            error = _evaluate(
                conductances[m], offsets[m], beta, voltages, targets, senses, size, flicker_s, pull_back, high, slow,
                seen, gradient, stream, key, chip, kept,
            )  # fmt: skip
            # The rows are read cell by cell too, and all of it takes time.
            _go_on(rows * vector_s, size, flicker_s, high, slow, stream, key, chip, kept)
            seconds = (patterns + rows) * vector_s
            elapsed_s += seconds
            _relax(seconds, loss_rates, left)
            in_a_row = in_a_row + 1 if error == 0.0 else 0
            if in_a_row == confirm or number == epochs:
                break
            if error == 0.0:
                idle = 0
                continue
            moving = can_move(gradient, level, silent, last, unresponsive, certain_ends)
            idle = 0 if moving or most_idle == 0 else idle + 1
            if idle > 0:
                if idle == most_idle:
                    break
                continue
            steps[:] = 0.0
            now = 0
            for j in range(rows):
                for n in range(outputs):
                    if gradient[j, n] == 0.0:
                        continue
                    c = 2 * n if gradient[j, n] > 0.0 else 2 * n + 1
                    now += 1
                    steps[j, c] += 1.0
                    silent[j, c] += 1
                    if size[DISTURB] > 0.0:
                        for other in range(columns):
                            if other != c:
                                steps[j, other] += size[DISTURB]
                        for other in range(rows):
                            if other != j:
                                steps[other, c] += size[DISTURB]
            sent += now
            for j in range(rows):
                for c in range(columns):
                    step = steps[j, c]
                    if step == 0.0 or not moves:
                        continue
                    if size[VARIATION] > 0.0:
                        spread = size[VARIATION] * size[VARIATION]
                        step = spread * gamma_number(step / spread, stream, key, chip, kept)
                    level[j, c] = min(level[j, c] + step, float(last))
                    below = min(int(level[j, c]), last - 1)
                    share = level[j, c] - below
                    rise = rises[below] + share * (rises[below + 1] - rises[below])
                    rise = _bend(rise, size[TOP], exponents[m, j, c])
                    if rise != risen[j, c]:
                        silent[j, c] = 0
                    for k in range(terms):
                        left[k, j, c] += loss_shares[k] * (rise - risen[j, c])
                    risen[j, c] = rise
            seconds = now * size[PULSE_S]
            elapsed_s += seconds
            _relax(seconds, loss_rates, left)
            _go_on(seconds, size, flicker_s, high, slow, stream, key, chip, kept)
        if terms > 0 or size[DRIFT] > 0.0:
            _conduct(conductances[m], shifts[m], factors[m], risen, left, drifts, elapsed_s, total, scale, size)
        numbers[m], met[m], errors[m], pulses[m] = number, in_a_row == confirm, error, sent
        if met[m]:
            again = _evaluate(
                conductances[m], offsets[m], beta, voltages, targets, senses, size, flicker_s, pull_back, high, slow,
                seen, gradient, stream, key, chip, kept,
            )  # fmt: skip
            fresh[m] = again == 0.0
        at_end = 0
        for j in range(rows):
            for c in range(columns):
                at_end += level[j, c] >= last
                levels[m, j, c] = level[j, c]
        ended[m] = at_end
