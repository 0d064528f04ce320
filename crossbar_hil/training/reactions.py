"""Which cells react to their pulses, judged from the readings that every epoch takes anyway.

A cell that did not react to K pulses in a row is unresponsive. Readings without noise: K is the number asked for, and
any change is a reaction. Noise is seen in the cells that were not pulsed: sigma, the relative standard deviation of a
reading, is that of their changes over root 2, all epochs together. A straight line through the readings of a cell
against its last K pulses has a slope with the standard error ``sigma sqrt(12 / K^3)``. K is so large that a rise of
`SLOWEST` a pulse is five standard errors, and a cell has reacted if the slope is more than two of them, or a reading is
more than five sigma off their mean. So a cell that rises by `SLOWEST` a pulse or more is called unresponsive in at most
0.13 % of the judgements, and one that does not is found out by 95 % of them.
"""

import math
from collections.abc import Sequence

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray, stack

SLOWEST = 1e-3
"""Relative rise a pulse from which on a cell reacts: the shipped curve rises by 5e-3 or more, over any 20 pulses."""
REACTS, STRAY, STANDS_OUT = 2.0, 5.0, 5.0
"""Standard errors of a slope, and standard deviations of a reading, that are a reaction; those that `SLOWEST` is."""
LEAST_SHARE = 0.1
"""Noise is relative to a cell's reading, or to this share of the median cell if that is more: an open cell reads 0."""


def pulses_to_judge(unresponsive: int, sigma: float) -> int:
    """Return K, the pulses in a row without a reaction that make a cell unresponsive.

    Examples
    --------
    >>> [pulses_to_judge(10, sigma) for sigma in (0.0, 0.001, 0.01, 0.05, 0.1)]
    [10, 10, 32, 91, 145]
    """
    return max(unresponsive, math.ceil((STANDS_OUT * math.sqrt(12) * sigma / SLOWEST) ** (2 / 3)))


class Reactions:
    """The (R, C) cells that do not react to pulses of one direction, found as the readings come in.

    Parameters
    ----------
    unresponsive : int
        Pulses in a row without a reaction after which a cell is unresponsive, at least one.
    most : int
        Most pulses that a cell gets in one update.
    """

    def __init__(self, shape: tuple[int, int], unresponsive: int, most: int = 1) -> None:
        self.cells: BoolArray = np.zeros(shape, dtype=bool)
        """(R, C) found so far."""
        self.any = False
        self._after, self._most = unresponsive, most
        self._noisy = False
        self._start: FloatArray | None = None  # the first readings
        self._sigma = 0.0  # noise of a reading, as last seen
        self._seen = 0  # updates that are in the number below
        self._idle: IntArray = np.zeros(shape, dtype=np.int64)  # pulses since the last change
        self._most_idle = 0  # of the cells that are not found
        self.due = -(-unresponsive // most)
        """Updates before which no cell can be found; `judge` need not be called earlier."""

    def judge(
        self, readings: Sequence[FloatArray], pulses: Sequence[IntArray], all_pulses: Sequence[IntArray], gone: int = 0
    ) -> None:
        """Judge every cell.

        Parameters
        ----------
        readings : sequence of ndarray, shape (R, C)
            Conductances before each of E updates and after the last, in siemens.
        pulses, all_pulses : sequence of ndarray, shape (R, C)
            Those of this direction in each of the updates, and all.
        gone : int
            Updates before these, which were judged before and are known no more.
        """
        updates = gone + len(all_pulses)
        self._start = readings[0] if self._start is None else self._start
        if self._seen < updates and not self._noisy:
            seen = self._seen - gone
            own = stack(pulses[seen:])
            every = own if pulses is all_pulses else stack(all_pulses[seen:])
            self._count_idle(stack(readings[seen:]), own, every)
            self._seen = updates
        if self._noisy:
            least = LEAST_SHARE * float(np.median(np.abs(self._start)))
            self._judge_noisy(np.array(readings), np.array(pulses), np.array(all_pulses) == 0, least)
            self.due += gone
            return
        if self._most_idle >= self._after:
            self.cells |= self._idle >= self._after
            self.any = True
            self._most_idle = int(self._idle[~self.cells].max(initial=0))
        self.due = updates + -(-(self._after - self._most_idle) // self._most)

    def _judge_noisy(self, readings: FloatArray, pulses: IntArray, quiet: BoolArray, least: float) -> None:
        if quiet.any():
            self._sigma = _noise(readings, quiet, least)
        sigma = self._sigma
        needed, had = pulses_to_judge(self._after, sigma), pulses.sum(axis=0)
        for row, column in np.argwhere((had >= needed) & ~self.cells):
            own = pulses[:, row, column]
            first = int(np.flatnonzero(np.cumsum(own[::-1])[::-1] >= needed)[-1])
            self.cells[row, column] = not _reacts(readings[first:, row, column], own[first:], sigma, least)
        self.any = bool(self.cells.any())
        left = needed - int(had[~self.cells].max(initial=0))
        self.due = len(pulses) + max(-(-left // self._most), 1)

    def _count_idle(self, readings: FloatArray, pulses: IntArray, all_pulses: IntArray) -> None:
        """Count the pulses since the last change of each cell, unless one changes that had none: that is noise."""
        changes = readings[1:] != readings[:-1]
        if not self._most_idle and not np.count_nonzero(changes != (pulses > 0)):
            return  # whatever got a pulse has changed, and nothing else: most chips, most of the time
        self._noisy = bool((changes & (all_pulses == 0)).any())
        changed = np.logical_or.accumulate(changes[::-1])[::-1]  # in this update or a later one
        self._idle = np.where(changed[0], 0, self._idle) + np.where(changed, 0, pulses).sum(axis=0)
        self._most_idle = int(self._idle[~self.cells].max(initial=0))


def _noise(readings: FloatArray, quiet: BoolArray, least: float) -> float:
    """Return sigma of (E + 1, R, C) readings, from the changes in the updates (E, R, C) without a pulse."""
    changes = (readings[1:] - readings[:-1])[quiet]
    sizes = np.maximum(np.maximum(np.abs(readings[1:]), np.abs(readings[:-1])), least)[quiet]
    return math.sqrt(float(np.mean((changes / sizes) ** 2)) / 2)


def _reacts(readings: FloatArray, pulses: IntArray, sigma: float, least: float) -> bool:
    """Say whether the readings of one cell, one before and one after each update, change beyond their noise."""
    mean = float(readings.mean())
    noise = sigma * max(abs(mean), least)
    off = readings - mean
    place = np.concatenate([[0], np.cumsum(pulses)])
    place = place - place.mean()
    spread = math.sqrt(float(place @ place))
    return abs(float(place @ off)) / spread > REACTS * noise or float(np.abs(off).max()) > STRAY * noise
