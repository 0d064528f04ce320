"""Compiled training of noisy virtual chips, one after the other, each with random numbers of its own.

The random numbers are those of Philox 4x32 with 10 rounds (J. K. Salmon and others, Proc. SC11 (2011) 16,
doi:10.1145/2063384.2063405): block number b of chip k is the cipher of the counter (b, 0, k low, k high) under the key
of the seed. So what a chip sees depends on the seed and on its number, not on its neighbours. Training follows the
equations in the order of `Trainer`; the noise is that of `SimulatedBackend` in distribution.
"""

import math
from typing import Any

import numba
import numpy as np

_FAST: Any = {"nogil": True, "cache": True, "error_model": "numpy"}
_MASK = np.uint64(0xFFFFFFFF)
_HALF_WORD = np.uint64(32)
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_KEY_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
BLOCK, USED, KEPT = 4, 5, 6
"""Places in a stream's state after its four words: block number, words used, whether a normal number is kept."""


@numba.njit(**_FAST)
def philox(words: Any, key: Any) -> None:
    """Encipher four 32-bit words in place, under a key of two; all are kept in 64-bit numbers."""
    low, high = key[0], key[1]
    for _ in range(10):
        first, second = _MULTIPLIERS[0] * words[0], _MULTIPLIERS[1] * words[2]
        words[0], words[2] = (second >> _HALF_WORD) ^ words[1] ^ low, (first >> _HALF_WORD) ^ words[3] ^ high
        words[1], words[3] = second & _MASK, first & _MASK
        low, high = (low + _KEY_STEPS[0]) & _MASK, (high + _KEY_STEPS[1]) & _MASK


@numba.njit(**_FAST)
def uniform_number(stream: Any, key: Any, chip: int) -> float:
    """Give the next number of a chip's stream, between 0 and 1, neither included."""
    if stream[USED] == 4:
        stream[0], stream[1] = stream[BLOCK], np.uint64(0)
        stream[2], stream[3] = np.uint64(chip) & _MASK, np.uint64(chip) >> _HALF_WORD
        philox(stream, key)
        stream[BLOCK] += np.uint64(1)
        stream[USED] = np.uint64(0)
    word = stream[np.intp(stream[USED])]
    stream[USED] += np.uint64(1)
    return (np.float64(word) + 0.5) / 4294967296.0


@numba.njit(**_FAST)
def normal_number(stream: Any, key: Any, chip: int, kept: Any) -> float:
    """Give the next standard normal number (Box and Muller); they come in pairs."""
    if stream[KEPT]:
        stream[KEPT] = np.uint64(0)
        return kept[0]
    radius = math.sqrt(-2.0 * math.log(uniform_number(stream, key, chip)))
    angle = 2.0 * math.pi * uniform_number(stream, key, chip)
    kept[0] = radius * math.sin(angle)
    stream[KEPT] = np.uint64(1)
    return radius * math.cos(angle)


@numba.njit(**_FAST)
def gamma_number(shape: float, stream: Any, key: Any, chip: int, kept: Any) -> float:
    """Give a gamma number of scale 1 (G. Marsaglia and W. W. Tsang, ACM TOMS 26 (2000) 363)."""
    boost = 1.0
    if shape < 1.0:
        boost = math.exp(math.log(uniform_number(stream, key, chip)) / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = normal_number(stream, key, chip, kept)
        v = (1.0 + c * x) ** 3
        if v > 0.0 and math.log(uniform_number(stream, key, chip)) < 0.5 * x * x + d * (1.0 - v + math.log(v)):
            return d * v * boost


@numba.njit(**_FAST)
def _rise(rises: Any, level: float) -> float:
    """Interpolate the curve at a level."""
    below = min(int(level), len(rises) - 2)
    return rises[below] + (level - below) * (rises[below + 1] - rises[below])


@numba.njit(**_FAST)
def can_move(gradient: Any, level: Any, silent: Any, last: int, unresponsive: int, certain_ends: bool) -> bool:
    """Say whether a pulse of an (R, N) gradient can move a cell; those on unresponsive cells are taken from it.

    Where ends are not certain, as with noisy readings, what is at its end is found out as on a real chip.
    """
    moving = False
    for j in range(gradient.shape[0]):
        for n in range(gradient.shape[1]):
            c = 2 * n if gradient[j, n] > 0.0 else 2 * n + 1
            if unresponsive > 0 and silent[j, c] >= unresponsive:
                gradient[j, n] = 0.0
            moving |= gradient[j, n] != 0.0 and (not certain_ends or level[j, c] < last)
    return moving


@numba.njit(**_FAST)
def train_noisy(  # noqa: PLR0912, PLR0915
    shifts: Any, first: int, key: Any, rises: Any, scale: float, beta: float, voltages: Any, targets: Any,
    senses: Any, epochs: int, read_noise: float, variation: float, moves: bool, pull_back: bool,
    confirm: int, most_idle: int, unresponsive: int,
    numbers: Any, met: Any, ended: Any, pulses: Any, errors: Any, levels: Any,
) -> None:  # fmt: skip
    """Train each chip to its end.

    Parameters
    ----------
    shifts : ndarray, shape (M, R, 2N)
        In siemens.
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
    read_noise, variation : float
        Relative standard deviations.
    moves, pull_back : bool
        Whether a pulse moves a cell at all; whether an activation beyond its target counts as a gap.
    confirm : int
        Evaluations in a row that must meet every target.
    most_idle : int
        Evaluations in a row in which nothing could be pulsed that end a training; 0 if it goes on.
    unresponsive : int
        Pulses in a row that changed nothing after which a cell gets no more; 0 for never. If readings are noisy,
        `Trainer` needs more of them in one of twenty cases, and fewer where a curve ends in steps far below the noise.
    numbers, met, ended, pulses, errors : ndarray, shape (M,)
        Results: epochs, converged, saturated cells, pulses, last error.
    levels : ndarray, shape (M, R, 2N)
        Result.
    """
    chips, rows, columns = shifts.shape
    patterns, outputs = targets.shape
    last = len(rises) - 1
    stream, kept = np.empty(7, dtype=np.uint64), np.empty(1)
    conductances, level = np.empty((rows, columns)), np.empty((rows, columns))
    gradient = np.empty((rows, outputs))
    silent = np.empty((rows, columns), dtype=np.int64)
    for m in range(chips):
        chip = first + m
        stream[BLOCK], stream[USED], stream[KEPT] = np.uint64(0), np.uint64(4), np.uint64(0)
        level[:] = 0.0
        silent[:] = 0
        sent, in_a_row, idle = 0, 0, 0
        for number in range(1, epochs + 1):
            for j in range(rows):
                for c in range(columns):
                    conductances[j, c] = scale * (_rise(rises, level[j, c]) + shifts[m, j, c])
            error = 0.0
            gradient[:] = 0.0
            for p in range(patterns):
                for n in range(outputs):
                    current, square = 0.0, 0.0
                    for j in range(rows):
                        plus, minus = (
                            conductances[j, 2 * n] * voltages[p, j],
                            conductances[j, 2 * n + 1] * voltages[p, j],
                        )
                        current += plus - minus
                        square += plus * plus + minus * minus
                    if read_noise > 0.0:
                        # The noise of two columns is independent: one number of the joint spread stands for both.
                        current += read_noise * math.sqrt(square) * normal_number(stream, key, chip, kept)
                    gap = targets[p, n] - math.tanh(beta * current)
                    short = max(senses[p, n] * gap, 0.0)
                    error += short
                    if not pull_back:
                        gap = senses[p, n] * short
                    decay = math.exp(-2.0 * abs(beta * current))
                    delta = gap * decay / (1.0 + decay) ** 2
                    for j in range(rows):
                        gradient[j, n] += delta * voltages[p, j]
            in_a_row = in_a_row + 1 if error == 0.0 else 0
            if in_a_row == confirm or number == epochs:
                break
            if error == 0.0:
                idle = 0
                continue
            moving = can_move(gradient, level, silent, last, unresponsive, read_noise == 0.0)
            idle = 0 if moving or most_idle == 0 else idle + 1
            if idle > 0:
                if idle == most_idle:
                    break
                continue
            for j in range(rows):
                for n in range(outputs):
                    if gradient[j, n] == 0.0:
                        continue
                    c = 2 * n if gradient[j, n] > 0.0 else 2 * n + 1
                    sent += 1
                    before = level[j, c]
                    if moves:
                        step = 1.0
                        if variation > 0.0:
                            spread = variation * variation
                            step = spread * gamma_number(1.0 / spread, stream, key, chip, kept)
                        level[j, c] = min(before + step, float(last))
                    unmoved = _rise(rises, level[j, c]) == _rise(rises, before)
                    silent[j, c] = silent[j, c] + 1 if unmoved else 0
        numbers[m], met[m], errors[m], pulses[m] = number, in_a_row == confirm, error, sent
        at_end = 0
        for j in range(rows):
            for c in range(columns):
                at_end += level[j, c] >= last
                levels[m, j, c] = level[j, c]
        ended[m] = at_end
