"""Compiled: which cells do not react to their pulses, judged by readings as `crossbar_hil.training.reactions` does.

Cells of one chip after the other, of those that lie side by side.
"""

import math
from typing import Any

import numba

from crossbar_hil.training.reactions import LEAST_SHARE, REACTS, SLOWEST, STANDS_OUT, STRAY

from .apart import Blocks, Matrix, Part, Reals, apart
from .cells import BLOCKED, CELL, COUNT, SENT, SILENT
from .functions import EFFECT_LANES, INNER
from .lanes import AGE, DONE, DOUBT

_L = EFFECT_LANES
LEAST, SQUARES, QUIET, NOISY, DUE, SURE, JUDGED = range(7)
"""Of each lane: the least size of a reading, sum and number of squares of changes, whether readings vary, updates
before which nothing is found, whether no decision was near."""
_OF_SIGMA = STANDS_OUT * math.sqrt(12) / SLOWEST
_ROUNDING = 1e-8
"""A judgement is not taken nearer, relatively, to the other one, whatever is known of readings."""


@numba.njit(**INNER)
def nearness(of_reading: float, sigma: float, updates: float) -> float:
    """Return how near, relatively, a judgement may be: of readings known to a relative error e.

    A relative change of readings is known to 2 e, so sigma, a mean square of changes over root 2, to root 2 e. The
    distance of a reading from the mean is known to 2 e of the largest, (1 + STRAY sigma) times the mean where it
    matters; the slope, the product of n readings and a unit vector, to root n such e. Both are compared to at least
    `REACTS` sigma of the mean.
    """
    largest = 1.0 + STRAY * sigma
    return _ROUNDING + of_reading * (4.0 + (2.0 + largest * (1.0 + math.sqrt(updates + 1.0)) / REACTS) / sigma)


@apart(Part.LOOK)
def look(
    readings: Blocks, sends: Blocks, judged: Matrix, state: Reals, lanes: Reals, turn: int, sizes: Reals,
    unresponsive: int,
) -> None:  # fmt: skip
    """Take the readings of an epoch; `sizes` is memory for so many numbers as there are cells."""
    span, cells, _ = readings.shape
    now, before = turn % span, (turn - 1) % span
    for i in range(_L):
        if lanes[DONE + i] > 0.0:
            continue
        if lanes[AGE + i] == 1.0:  # a new chip: the median of its first readings
            judged[SQUARES, i], judged[QUIET, i], judged[NOISY, i] = 0.0, 0.0, 0.0
            judged[DUE, i], judged[SURE, i] = unresponsive, 1.0
            for q in range(cells):
                size, place = abs(readings[now, q, i]), q
                while place > 0 and sizes[place - 1] > size:
                    sizes[place] = sizes[place - 1]
                    place -= 1
                sizes[place] = size
            judged[LEAST, i] = LEAST_SHARE * 0.5 * (sizes[(cells - 1) // 2] + sizes[cells // 2])
            continue
        least = judged[LEAST, i]
        for q in range(cells):
            one, other, sent = readings[before, q, i], readings[now, q, i], sends[before, q, i]
            if sent == 0.0:
                change = (other - one) / max(abs(one), abs(other), least)
                judged[SQUARES, i] += change * change
                judged[QUIET, i] += 1.0
                if one != other:
                    judged[NOISY, i] = max(judged[NOISY, i], 1.0)
            cell = q * CELL + SILENT + i
            state[cell] = state[cell] + sent if one == other else 0.0


@numba.njit(**INNER)
def line_through(readings: Any, sends: Any, q: int, i: int, turn: int, needed: int) -> Any:
    """Fit a line of readings over pulses to the last `needed` pulses of a cell, as many updates as these take.

    Returns mean reading, largest distance from it, and of the distances of readings and pulses from their means the sum
    of products and that of the squares of pulses.
    """
    span = len(readings)
    length, pulses, places, total = 0, 0.0, 0.0, readings[turn % span, q, i]
    while pulses < needed:  # back from the last reading
        length += 1
        at = (turn - length) % span
        pulses += sends[at, q, i]
        total += readings[at, q, i]
        places -= pulses
    mean, middle = total / (length + 1), places / (length + 1)
    largest, slope, spread, pulses = 0.0, 0.0, 0.0, 0.0
    for back in range(length + 1):
        at = (turn - back) % span
        if back > 0:
            pulses += sends[at, q, i]
        off, place = readings[at, q, i] - mean, -pulses - middle
        largest = max(largest, abs(off))
        slope += place * off
        spread += place * place
    return mean, largest, slope, spread


@numba.njit(**INNER)
def _reacts(
    readings: Any, sends: Any, q: int, i: int, turn: int, needed: int, sigma: float, least: float, near: float
) -> int:  # fmt: skip
    """Say whether a cell reacts to its last pulses: 1 or 0, or -1 if it is next to neither."""
    mean, largest, slope, spread = line_through(readings, sends, q, i, turn, needed)
    noise = sigma * max(abs(mean), least)
    steepness, steep, stray = abs(slope) / math.sqrt(spread), REACTS * noise, STRAY * noise
    if steepness > steep * (1.0 + near) or largest > stray * (1.0 + near):
        return 1
    return 0 if steepness < steep * (1.0 - near) and largest < stray * (1.0 - near) else -1


@apart(Part.JUDGE)
def judge(  # noqa: PLR0912
    readings: Blocks, sends: Blocks, judged: Matrix, state: Reals, lanes: Reals, turn: int, unresponsive: int,
    of_reading: float, exact: bool,
) -> None:  # fmt: skip
    """Find the unresponsive cells of the lanes for which it is time.

    Parameters
    ----------
    readings, sends : ndarray, shape (E, N, L)
        Readings of the N cells, and the pulses that followed, by the turn modulo E.
    judged : ndarray, shape (JUDGED, L)
        What `look` has made of them.
    state, lanes : ndarray
        The cells, and what lanes keep beside them.
    turn : int
        That is now.
    unresponsive : int
        As `Trainer` has it.
    of_reading : float
        Relative error of a reading.
    exact : bool
        Whether a lane is left undecided then.
    """
    cells = readings.shape[1]
    for i in range(_L):
        updates = lanes[AGE + i] - 1.0
        if lanes[DONE + i] > 0.0:
            continue
        if updates >= judged[DUE, i] and judged[NOISY, i] == 0.0:
            most = 0.0
            for q in range(cells):
                silent = state[q * CELL + SILENT + i]
                if silent >= unresponsive:
                    state[q * CELL + BLOCKED + i] = 1.0
                else:
                    most = max(most, silent)
            judged[DUE, i] = updates + unresponsive - most
        elif updates >= judged[DUE, i]:
            judged[NOISY, i] = 2.0
            sigma = math.sqrt(judged[SQUARES, i] / max(judged[QUIET, i], 1.0) / 2.0)
            near, asked = nearness(of_reading, sigma, updates), (_OF_SIGMA * sigma) ** (2.0 / 3.0)
            needed, most = max(unresponsive, math.ceil(asked)), 0.0
            if abs(asked - round(asked)) < near * asked and asked > unresponsive - 1:
                judged[SURE, i] = 0.0
            for q in range(cells):
                cell = q * CELL + i
                if state[cell + BLOCKED] > 0.0:
                    continue
                if state[cell + COUNT] >= needed:
                    found = _reacts(readings, sends, q, i, turn, needed, sigma, judged[LEAST, i], near)
                    if found < 0:
                        judged[SURE, i] = 0.0
                    elif found == 0:
                        state[cell + BLOCKED] = 1.0
                if state[cell + BLOCKED] == 0.0:
                    most = max(most, state[cell + COUNT])
            judged[DUE, i] = updates + max(needed - most, 1.0)
        if exact and judged[SURE, i] == 0.0:
            lanes[DOUBT + i] += 1.0


@apart(Part.KEEP_PULSES)
def keep_pulses(sends: Blocks, turn: int, state: Reals) -> None:
    """Keep the pulses of a turn."""
    for q in range(sends.shape[1]):
        own, cell = sends[turn % len(sends), q], state[q * CELL : (q + 1) * CELL]
        for i in range(_L):
            own[i] = cell[SENT + i]
