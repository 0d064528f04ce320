"""Where a series of readings turns from rising to falling or back, against its noise."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray

SHARE_OF_RANGE = 0.1
"""A series turns where it goes back by more than this share of its range,"""
TIMES_NOISE = 6.0
"""and by more than this many standard deviations of its noise."""
LARGE_STEP, OF_RANGE = 3.0, 0.02
"""The first step of a new piece is so many times the median step before it, and this share of the range."""
WHOLE = 0.5
"""A series goes one way as a whole if the means of its ends differ by this share of the range of its five parts."""


class Piece(NamedTuple):
    """Readings `first` to `last` - 1 that rise or fall."""

    first: int
    last: int
    way: str
    """``up`` or ``down``."""


def noise_of(values: FloatArray) -> float:
    """Return the standard deviation of white noise on a smooth series, from its second differences.

    The median of their absolute values, over 0.6745 and over the square root of 1 + 4 + 1, is that of normal noise.
    """
    if len(values) < 5:
        return 0.0
    return float(np.median(np.abs(np.diff(values, n=2))) / 0.6745 / np.sqrt(6.0))


def way_of(values: FloatArray) -> str | None:
    """Return whether readings rise or fall as a whole; None if neither.

    >>> way_of(np.array([1.0, 2.0, 3.0])), way_of(np.array([1.0, 1.0])), way_of(np.array([1.0, 3.0, 1.0]))
    ('up', 'up', None)
    """
    if np.ptp(values) == 0:
        return "up"  # it does not fall, and whoever trains on it is told that it never rises
    parts = np.array([part.mean() for part in np.array_split(values, min(5, len(values)))])
    change = parts[-1] - parts[0]
    if abs(change) < WHOLE * np.ptp(parts):
        return None
    return "up" if change > 0 else "down"


def pieces_of(values: FloatArray, marks: tuple[int, ...] = ()) -> list[Piece]:
    """Divide readings where they turn.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        Readings in the order in which they were taken.
    marks : tuple of int
        Places where a new part may begin because the file shows it, such as a pulse number that begins anew.

    Notes
    -----
    Around a turn readings are flat within noise; the new piece begins with the first step there that is large beside
    those before, as the first pulse the other way moves a saturated cell much, or with the largest if none is.
    """
    calm = _without_spikes(values)
    limit = max(SHARE_OF_RANGE * float(np.ptp(calm)), TIMES_NOISE * noise_of(values))
    cuts = [0]
    high = low = 0
    way = ""
    for place in range(1, len(calm)):
        if way != "down" and calm[place] > calm[high]:
            high = place
        if way != "up" and calm[place] < calm[low]:
            low = place
        if way != "down" and calm[high] - calm[place] > limit:
            if way == "up" or high > 0:
                cuts.append(_first_step(values, high, place, marks))
            way, low = "down", place
        elif way != "up" and calm[place] - calm[low] > limit:
            if way == "down" or low > 0:
                cuts.append(_first_step(values, low, place, marks))
            way, high = "up", place
    cuts = sorted({*cuts, len(values)})
    return [Piece(first, last, _net(values[first:last])) for first, last in pairwise(cuts)]


def _without_spikes(values: FloatArray) -> FloatArray:
    """Return the running median of three, so that one outlier turns nothing."""
    if len(values) < 5:
        return values
    stacked = np.sort(np.vstack([values[:-2], values[1:-1], values[2:]]), axis=0)[1]
    return np.concatenate([values[:1], stacked, values[-1:]])


def _first_step(values: FloatArray, turn: int, seen: int, marks: tuple[int, ...]) -> int:
    for mark in marks:
        if turn - 1 <= mark <= seen + 1:
            return mark
    places = range(max(turn, 1), min(seen, len(values) - 1) + 1)
    usual = float(np.median(np.abs(np.diff(values[max(0, turn - 8) : turn + 1])))) if turn > 1 else 0.0
    large = max(LARGE_STEP * usual, OF_RANGE * float(np.ptp(values)), 4.0 * noise_of(values))
    for place in places:
        if abs(values[place] - values[place - 1]) > large:
            return place
    return max(places, key=lambda place: abs(values[place] - values[place - 1]))


def _net(values: FloatArray) -> str:
    return "up" if values[-1] >= values[0] else "down"
