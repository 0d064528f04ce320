"""Compiled lock-step: many chips of one task trained side by side, one chip a lane, the lane index innermost.

All lanes take an epoch together, in loops of a fixed number of lanes that the compiler turns into vector instructions.
A chip that has finished leaves its lane to the next one. The arithmetic is quick and not that of `Trainer`, so every
decision is taken only outside a margin that bounds the difference (`ensemble.task` derives it); a chip that comes
inside is handed back undecided, epoch number 0.

Units: outputs are in units of the activation's argument, beta times amperes; weights are whole multiples of a quantum
of that, kept as 32-bit integers with single precision, so that their sums are exact. None has a unit.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from ..circuit.caching import KEPT
from .compiled.functions import FAR, quick_exp, types_of
from .sizes import LANES, PATTERN_BLOCK, ROW_BLOCK

_FAST: Any = {**KEPT, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}}


@functools.cache
def lockstep_kernel(single: bool) -> Callable[..., None]:  # noqa: PLR0915
    """Make the kernel that trains chips in lanes.

    Parameters
    ----------
    single : bool
        Single precision, or double.

    Returns
    -------
    callable
        Compiled function of the arguments below; P counts merged patterns, sizes with a stroke are filled up.

        - shifts (M, R, 2N) in siemens; gain: a weight is round(gain x difference of shifts) quanta;
        - steps (2 S + 1,), quanta that a pulse of the plus cell at each level adds, zero from the last level on; the
          negative of these for the minus cell; a zero for no pulse;
        - last, the last level of the curve; epochs, most evaluations;
        - voltages (P, R'), in units of the larger one, and the quantum;
        - pulls (P' / 3, R' / 4, 12), voltages times how often the pattern occurs, of each block of patterns
          and rows; a row that is filled up repeats the first;
        - targets, senses, centres (P, N): target activation, 1 or -1, and the argument from which on the target is met
          for certain;
        - times (P,), how often each pattern occurs;
        - near, half the width of what is uncertain below a centre; close and basis: a gradient is uncertain within
          close times the sum over patterns of slope times (basis + |output|); tiny, added to that, as slopes underflow;
        - pull_back, whether an activation beyond its target is pulled back to it, as equation 3 says; if not it has no
          gap; used, the number of lanes, a multiple of 16;
        - stop, the level from which on a pulse is known to change nothing: training ends when an update would pulse
          only such cells, or none; -1 if it goes on; most, the pulses that a cell gets at most;
        - results: numbers (M,), 0 for undecided; met (M,); ended, cells at the end of their curve (M,); pulses (M,);
          levels (M, R, 2N).
    """
    real, whole = types_of(single)
    grid = np.int32 if single else np.float64
    index = np.uint32 if single else np.uint64
    zero, one, two, far, floor = real(0), real(1), real(-2), real(FAR), real(-80 if single else -700)
    u = np.uintp  # an index that cannot count from the end
    infinite = real(math.inf)
    none, unit, nought = whole(0), whole(1), grid(0)
    L, RB, PB = LANES, ROW_BLOCK, PATTERN_BLOCK
    SHORT, BEFORE, ALIVE, DOUBT, EDGE, PARTS = range(6)

    @numba.njit(**_FAST)
    def kernel(  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0915
        shifts, gain, steps, last, epochs, voltages, quantum, pulls, targets, senses, centres, times, near, close,
        basis, tiny, pull_back, stop, most, used, numbers, met, ended, pulses, levels,
    ):  # fmt: skip
        chips, rows, columns = shifts.shape
        outputs = columns // 2
        patterns, wide = voltages.shape
        pattern_blocks = pulls.shape[0]
        long = pattern_blocks * PB + 1  # the row after the last block holds the edge of the gradient
        weights = np.zeros((outputs * wide, L), dtype=grid)
        sums = np.zeros((1, L), dtype=grid)
        deltas = np.zeros((outputs * long, L), dtype=real)
        lanes = np.zeros((PARTS + RB, L), dtype=real)
        counts = np.zeros((3 * outputs * wide, L), dtype=whole)  # of the plus and minus cell, place of the step
        ages = np.zeros(L, dtype=whole)
        half, stay = whole((len(steps) - 1) // 2), whole(len(steps) - 1)
        chip_of = np.full(L, -1, dtype=np.int64)
        # Without the pull back a gap ends at the target, and near it that is uncertain.
        leave, unclear = (infinite, zero) if pull_back else (zero, near)
        used = (used >> 4) << 4  # a multiple of 16, and the compiler knows it
        following, busy, top = 0, 0, min(last, most)
        unsure = -real(4 * patterns * outputs) * near
        while True:
            # Chips that have finished make room for the next.
            for i in range(used):
                if lanes[ALIVE, i] > zero:
                    continue
                chip = chip_of[i]
                if chip >= 0:
                    chip_of[i] = -1
                    busy -= 1
                    if lanes[DOUBT, i] > zero:
                        numbers[chip] = 0
                    else:
                        numbers[chip] = ages[i]
                        met[chip] = lanes[SHORT, i] == zero
                        sent, at_end = 0, 0
                        for n in range(outputs):
                            for j in range(rows):
                                for side in range(2):
                                    count = counts[3 * (n * wide + j) + side, i]
                                    sent += min(count, most)
                                    level = min(count, top)
                                    at_end += level == last
                                    levels[chip, j, 2 * n + side] = level
                        pulses[chip] = sent
                        ended[chip] = at_end
                if following < chips:
                    chip_of[i] = following
                    busy += 1
                    for n in range(outputs):
                        for j in range(rows):
                            apart = shifts[following, j, 2 * n] - shifts[following, j, 2 * n + 1]
                            weights[n * wide + j, i] = grid(np.rint(gain * apart))
                            counts[3 * (n * wide + j), i] = none
                            counts[3 * (n * wide + j) + 1, i] = none
                    ages[i] = none
                    lanes[BEFORE, i] = one  # which no sum of shortfalls is
                    following += 1
            if busy == 0:
                return
            # Equations 1 to 3.
            for i in range(used):
                lanes[SHORT, i] = zero
                lanes[DOUBT, i] = zero
            for n in range(outputs):
                for i in range(used):
                    lanes[EDGE, i] = zero
                for p in range(patterns):
                    target, sense, centre, often = targets[p, n], senses[p, n], centres[p, n], times[p]
                    row = n * wide
                    for first in range(0, wide - RB, RB):
                        for i in range(used):
                            total = sums[0, i] if first else nought
                            for j in range(RB):
                                total += voltages[p, first + j] * weights[u(row + j), i]
                            sums[0, i] = grid(total)
                        row += RB
                    here = n * long + p
                    for i in range(used):
                        total = sums[0, i]
                        for j in range(RB):
                            total += voltages[p, wide - RB + j] * weights[u(row + j), i]
                        x = real(grid(total)) * quantum
                        size = abs(x)
                        e = quick_exp(max(two * size, floor))
                        share = one / (one + e)
                        slope = e * share * share
                        beyond = sense * x - centre
                        slope = slope if (size < far) & (beyond < leave) else zero
                        lanes[DOUBT, i] += one if abs(beyond + near) < unclear else zero
                        deltas[u(here), i] = (target - math.copysign((one - e) * share, x)) * slope
                        lanes[EDGE, i] += often * slope * (basis + size)
                        lanes[SHORT, i] += min(beyond, zero)
                for i in range(used):
                    sloped = lanes[EDGE, i]
                    deltas[u(n * long + long - 1), i] = close * sloped + tiny if sloped > zero else zero
            for i in range(used):
                age = whole(ages[i] + unit)
                ages[i] = age
                short = lanes[SHORT, i]
                lanes[DOUBT, i] += one if (short < zero) & (short > unsure) else zero
                lanes[ALIVE, i] = one if (short < zero) & (age < epochs) else zero
            if stop >= 0:
                # A chip that is as it was may have ended with the update before, if that moved no cell and never will.
                again = 0
                for i in range(used):
                    again += lanes[SHORT, i] == lanes[BEFORE, i]
                if again:
                    for i in range(used):
                        if lanes[SHORT, i] == lanes[BEFORE, i] and chip_of[i] >= 0 and lanes[SHORT, i] < zero:
                            moved = False
                            for cell in range(outputs * wide):
                                place = counts[3 * cell + 2, i]
                                if place != stay and cell % wide < rows:
                                    moved |= counts[3 * cell + (place >= half), i] <= stop
                            if not moved:
                                for cell in range(outputs * wide):
                                    place = counts[3 * cell + 2, i]
                                    if place != stay:
                                        counts[3 * cell + (place >= half), i] -= unit
                                ages[i] -= unit
                                lanes[ALIVE, i] = zero
                for i in range(used):  # numba takes 2 s to compile the assignment of one row to another
                    lanes[BEFORE, i] = lanes[SHORT, i]
            # Equations 4 and 5, and the pulses.
            for n in range(outputs):
                for block in range(wide // RB):
                    row = n * long
                    for part in range(pattern_blocks - 1):
                        for i in range(used):
                            for j in range(RB):
                                s = lanes[PARTS + j, i] if part else zero
                                for p in range(PB):
                                    s += pulls[part, block, p * RB + j] * deltas[u(row + p), i]
                                lanes[PARTS + j, i] = s
                        row += PB
                    here, part = n * wide + block * RB, pattern_blocks - 1
                    for i in range(used):
                        edge, alive, doubt = deltas[u(row + PB), i], lanes[ALIVE, i], lanes[DOUBT, i]
                        for j in range(RB):
                            s = lanes[PARTS + j, i]
                            for p in range(PB):
                                s += pulls[part, block, p * RB + j] * deltas[u(row + p), i]
                            ahead, behind = counts[u(3 * (here + j)), i], counts[u(3 * (here + j) + 1), i]
                            up = alive if s > edge else zero
                            down = alive if s < -edge else zero
                            doubt += one if (up + down < alive) & (edge != zero) else zero
                            place = ahead if s > zero else behind + half
                            counts[u(3 * (here + j)), i] = ahead + whole(up)
                            counts[u(3 * (here + j) + 1), i] = behind + whole(down)
                            counts[u(3 * (here + j) + 2), i] = place if up + down > zero else stay
                        lanes[DOUBT, i] = doubt
                    for j in range(min(RB, rows - block * RB)):
                        for i in range(used):
                            weights[u(here + j), i] += steps[index(counts[u(3 * (here + j) + 2), i])]
            for i in range(used):
                lanes[ALIVE, i] *= zero if lanes[DOUBT, i] > zero else one

    return kernel
