"""Compiled: whether every cell of a chip with wires is certain to react, by the readings that `Trainer` judges by.

The rules are those of `crossbar_hil.training.reactions` for noisy readings. What is not worked out is taken so that
fewer cells react: sigma without the least size of a reading, the largest reading for the median one.
"""

import math
from typing import Any

import numba

from crossbar_hil.training.reactions import LEAST_SHARE, REACTS, STRAY, pulses_to_judge

from ..circuit.bounds import TOLERANCE
from .compiled.functions import INNER
from .compiled.reactions import line_through

SEEN, SQUARES, QUIET, LARGEST, KEPT = range(5)
"""Of each lane: updates that are in the sums, the sum of squares of relative changes, how many, the largest reading."""
_UNSURE = 1e-8
_ERROR = 50 * TOLERANCE
"""Of a reading, relative: more than both solutions leave open."""
_OF_SIGMA = float(pulses_to_judge(0, 1.0))
"""Pulses that noise of 100 % asks for."""
_LONGEST = 4
"""Windows of so many times the fewest pulses are judged, at most."""


@numba.njit(**INNER)
def _reacts(readings: Any, sent: Any, q: int, i: int, turn: int, needed: int, sigma: float, floor: float) -> bool:
    """Say whether a cell has reacted for certain to its last pulses, by a reading that stands out or a slope."""
    mean, largest, slope, spread = line_through(readings, sent, q, i, turn, needed)
    noise = sigma * max(abs(mean), floor) * (1.0 + _UNSURE)
    stands_out = largest > STRAY * noise or abs(slope) > REACTS * noise * math.sqrt(spread)
    return stands_out and largest > 2.0 * _ERROR * abs(mean)


@numba.njit(**INNER)
def all_react(
    readings: Any, sent: Any, counts: Any, i: int, turn: int, updates: int, fewest: int, most: float, kept: Any
) -> bool:  # fmt: skip
    """Say whether every cell of a lane that may be judged has reacted for certain.

    Parameters
    ----------
    readings, sent : ndarray, shape (E, N, L)
        Readings of the N cells and the pulses that followed, by the turn modulo E.
    counts : ndarray, shape (N, L)
        Pulses of each cell so far.
    i, turn, updates : int
        The lane, the turn that is now, and the updates of its chip so far.
    fewest : int
        `unresponsive` of `Trainer`.
    most : float
        Pulses of a cell up to which it is known to react.
    kept : ndarray, shape (KEPT, L)
        Sums from turn to turn; `SEEN` is 0 for a new chip.
    """
    span, cells, _ = readings.shape
    first = turn - updates
    if kept[SEEN, i] == 0.0:
        kept[SQUARES, i], kept[QUIET, i], kept[LARGEST, i] = 0.0, 0.0, 0.0
        for q in range(cells):
            kept[LARGEST, i] = max(kept[LARGEST, i], readings[first % span, q, i])
    for update in range(int(kept[SEEN, i]), updates):
        before, after = (first + update) % span, (first + update + 1) % span
        for q in range(cells):
            if sent[before, q, i] == 0.0:
                one, other = readings[before, q, i], readings[after, q, i]
                change = (other - one) / max(one, other)
                kept[SQUARES, i] += change * change
                kept[QUIET, i] += 1.0
    kept[SEEN, i] = updates
    sigma = math.sqrt(kept[SQUARES, i] / max(kept[QUIET, i], 1.0) / 2.0) * (1.0 + _UNSURE) + _ERROR
    longest = max(fewest, int(_OF_SIGMA * sigma ** (2.0 / 3.0)) + 1)
    if longest > _LONGEST * fewest:
        return False
    floor = LEAST_SHARE * kept[LARGEST, i]
    for q in range(cells):
        if counts[q, i] >= most:
            for needed in range(fewest, min(longest, int(counts[q, i])) + 1):
                if not _reacts(readings, sent, q, i, turn, needed, sigma, floor):
                    return False
    return True
