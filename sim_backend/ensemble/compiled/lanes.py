"""Compiled: how chips come into lanes and leave them, and what ends a training; all that a lane keeps beside its cells.

Numbers of all lanes lie together; their places count from lane to lane.
"""

import numpy as np

from .apart import Counts, Matrix, Part, Reals, Truths, Wholes, apart
from .cells import (
    AT_FIRST,
    BLOCKED,
    CELL,
    COUNT,
    EXPONENT,
    FACTOR,
    HELD,
    LEVEL,
    MOVES,
    OLD,
    SENT,
    SHIFT,
    SIEMENS,
    SILENT,
    STEP,
)  # fmt: skip
from .functions import EFFECT_LANES

_L = EFFECT_LANES
SHORT, ERROR, DOUBT, AGE, MET, IDLE, DONE, WANTS, MOVING, SENDS, FRESH, BUSY, NOW, PULSES, LANES = range(0, 15 * _L, _L)
"""What each lane keeps. Of a chip that leaves `FRESH` is 2 if it met every target once more, 1 if not, 0 if not."""
OFFSET, SUM, SQUARE, OUTPUT = range(0, 4 * _L, _L)
"""What each lane keeps of each output."""
FOLLOWING, TAKEN, BEGUN, TURN, AIMED, TURNS = range(6)
"""What all lanes have in common: the next chip, lanes that have one, those that begin, the turn, and lanes with a
half-select pulse."""
_LEAST_CHANGE = 1e-12
"""Relative change of a conductance that `Trainer` may or may not see."""


@apart(Part.LEAVE)
def leave(
    lanes: Reals, state: Reals, of_lane: Wholes, confirm: int, again: bool, ends: Matrix, levels: Matrix,
    siemens: Matrix,
) -> None:  # fmt: skip
    """Write down what is left of chips that have finished; those that converged are read once more if `again`."""
    for i in range(_L):
        m = of_lane[i]
        if m < 0 or lanes[DONE + i] == 0.0:
            continue
        of_lane[i] = -1
        if lanes[FRESH + i] > 0.0:
            ends[m, DOUBT // _L], ends[m, FRESH // _L] = lanes[DOUBT + i], 2.0 if lanes[SHORT + i] == 0.0 else 1.0
            continue
        for k in range(ends.shape[1]):
            ends[m, k] = lanes[k * _L + i]
        for q in range(levels.shape[1]):
            levels[m, q], siemens[m, q] = state[q * CELL + LEVEL + i], state[q * CELL + SIEMENS + i]
        if again and lanes[DOUBT + i] == 0.0 and lanes[MET + i] >= confirm:
            lanes[FRESH + i], lanes[DONE + i], of_lane[i] = 1.0, 0.0, m


@apart(Part.ENTER)
def enter(
    turns: Wholes, of_lane: Wholes, new: Truths, lanes: Reals, state: Reals, outs: Reals, added: Matrix,
    spreads: Reals, passed_s: Reals, begun_s: float, of_offset: float, of_reading: float,
    which: Counts, chips: Counts, ages: Counts, ticks: Counts, seens: Counts,
    shifts: Matrix, factors: Matrix, exponents: Matrix, moves: Matrix, held: Matrix, starts: Matrix, offsets: Matrix,
    variations: Reals,
) -> None:  # fmt: skip
    """Have the next chips take the lanes that are free."""
    turns[TAKEN], turns[BEGUN] = 0, 0
    for i in range(_L):
        m = turns[FOLLOWING]
        if of_lane[i] >= 0:
            turns[TAKEN] += 1
        elif m == len(which):
            lanes[BUSY + i] = 0.0
        else:
            of_lane[i], new[i] = m, True
            turns[FOLLOWING] += 1
            turns[TAKEN] += 1
            turns[BEGUN] += 1
            for k in range(i, LANES, _L):
                lanes[k] = 0.0
            lanes[BUSY + i], passed_s[i], spreads[i] = 1.0, begun_s, variations[m % len(variations)] ** 2
            zero = np.uint64(0)
            chips[i], ages[i], ticks[i], seens[i] = which[m], zero, zero, zero
            for q in range(shifts.shape[1]):
                place = q * CELL + i
                for k in range(place, place + AT_FIRST, _L):
                    state[k] = 0.0
                state[place + SHIFT] = shifts[m, q]
                state[place + FACTOR] = factors[m % len(factors), q]
                state[place + EXPONENT] = exponents[m % len(exponents), q]
                state[place + MOVES] = moves[m % len(moves), q]
                state[place + HELD] = held[m % len(held), q]
                state[place + LEVEL] = starts[m % len(starts), q]
            for c in range(len(added)):
                offset, place = offsets[m % len(offsets), c], c // 2 * OUTPUT + OFFSET + i
                added[c, i] = of_reading * offset
                outs[place] = of_offset * offset if c % 2 == 0 else outs[place] - of_offset * offset
        lanes[SHORT + i], lanes[ERROR + i] = 0.0, 0.0


@apart(Part.COUNT_EVALUATION)
def count_evaluation(
    lanes: Reals, confirm: int, epochs: int, unsure: float, read_s: float, passed_s: Reals
) -> None:  # fmt: skip
    """Count an evaluation, and see who is done and who wants pulses."""
    for i in range(_L):
        passed_s[i] += read_s
        short = lanes[SHORT + i]
        age = lanes[AGE + i] + 1.0
        lanes[AGE + i] = age
        in_a_row = lanes[MET + i] + 1.0 if short == 0.0 else 0.0
        lanes[MET + i] = in_a_row
        lanes[DOUBT + i] += 1.0 if (short < 0.0) & (short > unsure) else 0.0
        ends = (in_a_row >= confirm) | (age >= epochs) | (lanes[FRESH + i] > 0.0)
        ends |= lanes[BUSY + i] == 0.0
        lanes[DONE + i] = 1.0 if ends else 0.0
        lanes[WANTS + i] = 0.0 if ends | (short == 0.0) else 1.0
        lanes[IDLE + i] = 0.0 if short == 0.0 else lanes[IDLE + i]
        lanes[MOVING + i] = 0.0


@apart(Part.COUNT_PULSES)
def count_pulses(lanes: Reals, state: Reals, most_idle: int, pulse_s: float, passed_s: Reals) -> None:
    """See which lanes send their pulses, and count these."""
    for i in range(_L):
        stands = lanes[WANTS + i] if (lanes[MOVING + i] == 0.0) & (most_idle > 0) else 0.0
        idle = lanes[IDLE + i] + 1.0 if stands > 0.0 else 0.0
        lanes[IDLE + i] = idle
        ends = (lanes[DONE + i] > 0.0) | ((stands > 0.0) & (idle >= most_idle))
        ends |= lanes[DOUBT + i] > 0.0
        lanes[DONE + i] = 1.0 if ends else 0.0
        lanes[SENDS + i] = lanes[WANTS + i] - stands if (lanes[DONE + i] == 0.0) else 0.0
        lanes[NOW + i] = 0.0
    for q in range(len(state) // CELL):
        cell = state[q * CELL : (q + 1) * CELL]
        for i in range(_L):
            step = cell[STEP + i] * lanes[SENDS + i]
            cell[STEP + i] = step
            cell[COUNT + i] += step
            cell[SENT + i] = step
            lanes[NOW + i] += step
    for i in range(_L):
        lanes[PULSES + i] += lanes[NOW + i]
        passed_s[i] += lanes[NOW + i] * pulse_s


@apart(Part.SEE_CHANGES)
def see_changes(lanes: Reals, state: Reals, unresponsive: int, exact: bool) -> None:
    """Find the unresponsive cells where readings repeat: so many pulses in a row have changed nothing."""
    for q in range(len(state) // CELL):
        cell = state[q * CELL : (q + 1) * CELL]
        for i in range(_L):
            change = abs(cell[SIEMENS + i] - cell[OLD + i])
            tiny = (change > 0.0) & (change < _LEAST_CHANGE * cell[SIEMENS + i]) & exact
            lanes[DOUBT + i] += 1.0 if tiny else 0.0
            silent = 0.0 if change > 0.0 else cell[SILENT + i] + cell[SENT + i]
            cell[SILENT + i] = silent
            cell[BLOCKED + i] = 1.0 if silent >= unresponsive else cell[BLOCKED + i]
