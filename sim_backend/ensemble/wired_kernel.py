"""Compiled lock-step of chips with wires: as `ensemble.kernels`, in double precision, with the circuit in every read.

A chip that has finished leaves its lane to the next. One that comes within the margins of a decision is handed back
undecided, epoch number 0. Sizes with a stroke are filled up; P counts merged patterns.
"""

import math
from typing import Any

import numba
import numpy as np

from ..chip.exposure import AS_MEASURED
from .compiled.functions import FAR, FAST, INNER, quick_exp
from .compiled.wired_lanes import transfer_of_any
from .compiled.wired_pulses import pulse_volts
from .sizes import PATTERN_BLOCK, ROW_BLOCK, WIRED_LANES
from .wired_of_four import pulse_volts_of_four, transfer_of_four
from .wired_reactions import KEPT, SEEN, all_react

SHORT, ERROR, DOUBT, SLOPES, SIZED, ALIVE, MOVING, AGE, MOST, SUM, PARTS = range(11)
"""What each lane keeps beside its cells; the last are sums of gradients."""
_L, _RB, _PB = WIRED_LANES, ROW_BLOCK, PATTERN_BLOCK
NEAR_V = 1e-8
"""A voltage so near to one at which something else happens, in units of the pulse, is left to `Trainer`."""
ENDS, OPEN = 1, 2
"""What comes of a training in which nothing moves, other than 0 that it goes on."""
_u = np.uintp  # an index that cannot count from the end


@numba.njit(**INNER)
def _transfer(conducts: Any, word_lines: Any, bit_lines: Any, memory: Any, found: Any) -> None:
    """Take the code written out for four columns if the memory is its own, of two dimensions."""
    if memory.ndim == 2:
        transfer_of_four(conducts, word_lines, bit_lines, memory, found)
    else:
        transfer_of_any(conducts, word_lines, bit_lines, memory, found)


@numba.njit(**FAST)
def train_wired(  # noqa: PLR0912, PLR0915 - numba compiles one function twice as fast as many
    shifts: Any, scale: float, rises: Any, places: Any, word_lines: Any, bit_lines: Any, memory: Any, voltages: Any,
    pulls: Any, targets: Any, senses: Any, centres: Any, times: Any, near: float, close: float, basis: float,
    of_currents: float, tiny: float, pull_back: bool, epochs: int, stops: int, unresponsive: int, most: Any,
    readings: Any, sends: Any, kept_rows: Any, threshold: float, least: float,
    numbers: Any, met: Any, ended: Any, pulses: Any, errors: Any, levels: Any,
) -> None:  # fmt: skip
    """Train chips with wires in lanes.

    Parameters
    ----------
    shifts, scale, rises
        (M, R C) in siemens, K, and the curve (L,) in siemens.
    places, word_lines, bit_lines, memory
        Where the cells (R C,) stand in the circuit that is folded, and what `transfer_of_four` takes if its memory has
        two dimensions, else `transfer_of_any`.
    voltages, pulls, targets, senses, centres, times, near, close, tiny, pull_back
        As `lockstep_kernel` takes them, the (P, R') voltages times beta.
    basis, of_currents
        A gradient is uncertain within the sum over patterns of slope times (basis + of_currents times what both columns
        of the output conduct + close times its size); the second in 1/S.
    epochs : int
        Most evaluations.
    stops : int
        `ENDS` if training ends when an update would pulse only cells at their end; `OPEN` if one that would pulse none
        leaves it undecided; else 0.
    unresponsive : int
        As `Trainer` has it.
    most : ndarray, shape (M,)
        Pulses of a cell from which on it is not certain that it reacts.
    readings, sends : ndarray, shape (E, R C, L)
        Memory, of at least `epochs` readings and pulses, if whether such a cell reacts is then judged by its readings.
        It is left undecided if the first has one dimension: then the code that judges need not be compiled.
    kept_rows, threshold, least
        Of half-select pulses that move other cells too: what `pulse_volts` keeps, the threshold, and the least share of
        the amplitude that does anything. The first has one dimension if a pulse moves its own cell only.
    numbers, met, ended, pulses, errors, levels
        Results: epochs (M,), 0 for undecided; whether every target is met (M,); cells at the end of their curve (M,);
        pulses (M,); sums over the merged patterns of what is missing to targets (M,); (M, R C).
    """
    chips, cells = shifts.shape
    patterns, outputs = targets.shape
    rows, wide, last = cells // (2 * outputs), voltages.shape[1], len(rises) - 1
    long = pulls.shape[0] * _PB
    own, counts = np.zeros((cells, _L)), np.zeros((cells, _L))
    conducts, found = np.zeros((cells, _L)), np.zeros((cells, _L))
    weights, signs = np.zeros((outputs * wide, _L)), np.zeros((outputs * wide, _L))
    deltas, edges = np.zeros((outputs * long, _L)), np.zeros((outputs, _L))
    lanes = np.zeros((PARTS + _RB, _L))
    chip_of = np.full(_L, -1, dtype=np.int64)
    kept = np.zeros((KEPT, _L))
    place_of, held, volts = np.zeros((cells, _L)), np.zeros((2 * outputs, _L)), np.zeros((cells, _L))
    following, used, turn = 0, lanes.shape[1], 0
    leave, unclear = (math.inf, 0.0) if pull_back else (0.0, near)
    unsure = -(4.0 * patterns * outputs) * near
    while True:
        # Chips that have finished make room for the next.
        busy = 0
        for i in range(_L):
            if lanes[ALIVE, i] > 0.0:
                busy += 1
                continue
            chip = chip_of[i]
            if chip >= 0:
                chip_of[i] = -1
                numbers[chip] = 0
                if lanes[DOUBT, i] == 0.0:
                    numbers[chip] = int(lanes[AGE, i])
                    met[chip] = lanes[SHORT, i] == 0.0
                    errors[chip] = lanes[ERROR, i]
                    sent, at_end = 0.0, 0
                    for q in range(cells):
                        sent += counts[q, i]
                        level = min(counts[q, i], last)
                        if kept_rows.ndim == 3:
                            level = place_of[q, i]
                        at_end += level >= last
                        levels[chip, q] = level
                    pulses[chip] = int(sent)
                    ended[chip] = at_end
            if following < chips:
                chip_of[i] = following
                busy += 1
                for q in range(cells):
                    own[q, i], counts[q, i], place_of[q, i] = shifts[following, q], 0.0, 0.0
                    conducts[places[q], i] = scale * (rises[0] + shifts[following, q])
                lanes[AGE, i], lanes[MOST, i], kept[SEEN, i] = 0.0, most[following], 0.0
                following += 1
        if busy == 0:
            return
        # Equations 1 to 3, of what the wires let through.
        _transfer(conducts, word_lines, bit_lines, memory, found)
        for n in range(outputs):
            for i in range(used):
                edges[n, i] = 0.0
            for j in range(rows):
                plus, minus, here = places[2 * (j * outputs + n)], places[2 * (j * outputs + n) + 1], n * wide + j
                for i in range(used):
                    of_plus, of_minus = found[_u(plus), i], found[_u(minus), i]
                    weights[_u(here), i] = of_plus - of_minus
                    edges[n, i] += of_plus + of_minus
        for i in range(used):
            lanes[SHORT, i], lanes[ERROR, i], lanes[DOUBT, i] = 0.0, 0.0, 0.0
        for n in range(outputs):
            for i in range(used):
                lanes[SLOPES, i], lanes[SIZED, i] = 0.0, 0.0
            for p in range(patterns):
                target, sense, centre, often = targets[p, n], senses[p, n], centres[p, n], times[p]
                row = n * wide
                for i in range(used):
                    lanes[SUM, i] = 0.0
                for start in range(0, wide, _RB):
                    for i in range(used):
                        total = lanes[SUM, i]
                        for j in range(_RB):
                            total += voltages[p, start + j] * weights[_u(row + j), i]
                        lanes[SUM, i] = total
                    row += _RB
                here = n * long + p
                for i in range(used):
                    x = lanes[SUM, i]
                    size = abs(x)
                    e = quick_exp(max(-2.0 * size, -700.0))
                    share = 1.0 / (1.0 + e)
                    gap = target - math.copysign((1.0 - e) * share, x)
                    slope = e * share * share
                    beyond = sense * x - centre
                    slope = slope if (size < FAR) & (beyond < leave) else 0.0
                    lanes[DOUBT, i] += 1.0 if abs(beyond + near) < unclear else 0.0
                    deltas[_u(here), i] = gap * slope
                    slope *= often
                    lanes[SLOPES, i] += slope
                    lanes[SIZED, i] += slope * size
                    lanes[ERROR, i] += often * max(sense * gap, 0.0)
                    lanes[SHORT, i] += min(beyond, 0.0)
            for i in range(used):
                sloped = lanes[SLOPES, i]
                edge = sloped * (basis + of_currents * edges[n, i]) + close * lanes[SIZED, i] + tiny
                edges[n, i] = edge if sloped > 0.0 else 0.0
        for i in range(used):
            short = lanes[SHORT, i]
            lanes[AGE, i] += 1.0
            lanes[DOUBT, i] += 1.0 if (short < 0.0) & (short > unsure) else 0.0
            lanes[ALIVE, i] = 1.0 if (short < 0.0) & (lanes[AGE, i] < epochs) else 0.0
        # Whether cells react.
        now = 0
        if readings.ndim == 3:
            now = turn % len(readings)
            for i in range(used):
                lanes[SUM, i] = 0.0
            for q in range(cells):
                place = places[q]
                for i in range(used):
                    readings[now, q, i] = found[_u(place), i]
                    lanes[SUM, i] += 1.0 if counts[q, i] >= lanes[MOST, i] else 0.0
            for i in range(_L):
                updates = int(lanes[AGE, i]) - 1
                if lanes[ALIVE, i] * lanes[SUM, i] > 0.0 and lanes[DOUBT, i] == 0.0 and updates >= unresponsive:
                    certain = all_react(
                        readings, sends, counts, i, turn, updates, unresponsive, lanes[MOST, i], kept
                    )  # fmt: skip
                    lanes[DOUBT, i] += 0.0 if certain else 1.0
        # Equations 4 and 5.
        for i in range(used):
            lanes[MOVING, i] = 0.0
        for n in range(outputs):
            for block in range(wide // _RB):
                row = n * long
                for j in range(_RB):
                    for i in range(used):
                        lanes[_u(PARTS + j), i] = 0.0
                for part in range(pulls.shape[0]):
                    for i in range(used):
                        for j in range(_RB):
                            s = lanes[PARTS + j, i]
                            for p in range(_PB):
                                s += pulls[part, block, p * _RB + j] * deltas[_u(row + p), i]
                            lanes[PARTS + j, i] = s
                    row += _PB
                for j in range(min(_RB, rows - block * _RB)):
                    q, here = 2 * ((block * _RB + j) * outputs + n), n * wide + block * _RB + j
                    for i in range(used):
                        s, edge, alive = lanes[_u(PARTS + j), i], edges[n, i], lanes[ALIVE, i]
                        up, down = (alive if s > edge else 0.0), (alive if s < -edge else 0.0)
                        ahead, behind = counts[_u(q), i], counts[_u(q + 1), i]
                        had = ahead if s > 0.0 else behind
                        wanted = up + down
                        lanes[DOUBT, i] += 1.0 if (wanted < alive) & (edge != 0.0) else 0.0
                        lanes[DOUBT, i] += wanted if (had >= lanes[MOST, i]) & (readings.ndim == 1) else 0.0
                        lanes[MOVING, i] += wanted if (had < last) | (stops != ENDS) else 0.0
                        signs[_u(here), i] = up - down
        for i in range(used):
            still = lanes[ALIVE, i] if lanes[MOVING, i] == 0.0 else 0.0
            lanes[DOUBT, i] += still if stops == OPEN else 0.0
            ends = (lanes[DOUBT, i] > 0.0) | ((stops == ENDS) & (still > 0.0))
            lanes[ALIVE, i] = 0.0 if ends else lanes[ALIVE, i]
        # The pulses.
        if kept_rows.ndim == 3:
            for i in range(used):
                lanes[PARTS, i] = 0.0
            for j in range(rows):
                for n in range(outputs):
                    q, here, any_sent = 2 * (j * outputs + n), n * wide + j, 0.0
                    for i in range(used):
                        sign = signs[_u(here), i] * lanes[ALIVE, i]
                        lanes[SUM, i] = abs(sign)
                        any_sent += abs(sign)
                    for c in range(2 * outputs):
                        for i in range(used):
                            held[c, i] = 0.0
                    for side in range(2):
                        for i in range(used):
                            one = max((1.0 - 2.0 * side) * signs[_u(here), i], 0.0) * lanes[ALIVE, i]
                            held[_u(2 * n + side), i] = -0.5 * one
                            counts[_u(q + side), i] += one
                        if readings.ndim == 3:
                            for i in range(used):
                                sends[now, _u(q + side), i] = -2.0 * held[_u(2 * n + side), i]
                    if any_sent == 0.0:
                        continue
                    if memory.ndim == 2:
                        pulse_volts_of_four(conducts, word_lines, bit_lines, j, 0.5, held, memory, kept_rows, volts)
                    else:
                        pulse_volts(conducts, word_lines, bit_lines, j, 0.5, held, memory, kept_rows, volts)
                    for c in range(cells):
                        for i in range(used):
                            seen = volts[c, i]
                            above = (seen - threshold) / (1.0 - threshold)
                            step = lanes[SUM, i] * (1.0 if abs(seen - 1.0) <= AS_MEASURED else above)
                            step = step if seen > least else 0.0
                            at_edge = (abs(abs(seen - 1.0) - AS_MEASURED) < NEAR_V) | (abs(seen - least) < NEAR_V)
                            at_edge |= seen < NEAR_V - least
                            lanes[PARTS, i] += lanes[SUM, i] if at_edge else 0.0
                            place_of[c, i] = min(place_of[c, i] + step, last)
                        for i in range(used):
                            below = min(math.floor(place_of[c, i]), last - 1.0)
                            low, high = rises[_u(below)], rises[_u(below) + _u(1)]
                            rise = low + (place_of[c, i] - below) * (high - low)
                            conducts[c, i] = scale * (rise + own[c, i])
            for i in range(used):
                doubtful = lanes[PARTS, i] * lanes[ALIVE, i] > 0.0
                lanes[DOUBT, i] += 1.0 if doubtful else 0.0
                lanes[ALIVE, i] = 0.0 if doubtful else lanes[ALIVE, i]
        else:
            for n in range(outputs):
                for j in range(rows):
                    here = n * wide + j
                    for side in range(2):
                        q, sense = 2 * (j * outputs + n) + side, 1.0 - 2.0 * side
                        place = places[q]
                        for i in range(used):
                            counts[_u(q), i] += max(sense * signs[_u(here), i], 0.0) * lanes[ALIVE, i]
                        if readings.ndim == 3:
                            for i in range(used):
                                sends[now, q, i] = max(sense * signs[_u(here), i], 0.0) * lanes[ALIVE, i]
                        for i in range(used):
                            level = _u(min(counts[_u(q), i], last))
                            conducts[_u(place), i] = scale * (rises[level] + own[_u(q), i])
        turn += 1


@numba.njit(**FAST)
def transfer_of_chips(
    conductances: Any, places: Any, word_lines: Any, bit_lines: Any, memory: Any, result: Any
) -> None:
    """Find the (M, R C) transfer matrices of conductances, both in siemens, with a layout as `train_wired` takes it."""
    chips, cells = conductances.shape
    conducts, found = np.zeros((cells, _L)), np.zeros((cells, _L))
    for start in range(0, chips, _L):
        used = min(_L, chips - start)
        for q in range(cells):
            for i in range(used):
                conducts[places[q], i] = conductances[start + i, q]
        _transfer(conducts, word_lines, bit_lines, memory, found)
        for q in range(cells):
            for i in range(used):
                result[start + i, q] = found[places[q], i]
