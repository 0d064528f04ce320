"""What an update can still move: the pulses that a rule wants, without those that would change nothing."""

import math

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.backend import DeviceBackend
from crossbar_hil.training.reactions import Reactions
from crossbar_hil.training.result import (
    BUT_LEFT_OUT,
    ENDS_REACHED,
    NO_MORE_SENT,
    NONE_MOVES,
    NONE_REACTS,
    NOTHING_SENT,
    RAISE_IT,
)
from crossbar_hil.training.updates import Pulses, Update

IDLE = 5
"""Epochs in a row in which nothing could be pulsed that end a training, where readings are not known to repeat."""
KEPT = 2000
"""Epochs whose readings and pulses are kept at least: at 10 % read noise a cell is judged by 145 pulses, and one that
gets fewer than one in ten epochs need not be judged."""


class Motion:
    """Follows a training and says of each update what of it can move a cell.

    Parameters
    ----------
    unresponsive : int
        Pulses in a row without a reaction after which a cell gets no more; 0 for never.
    confirm : int
        Evaluations in a row that must meet every target.
    give_up : bool
        Whether a training ends when nothing can move any more.
    known_curve : bool
        Whether it is known how long the curve is flat, and `unresponsive` allows for it.
    most : int
        Most pulses of one direction that a cell gets in an epoch.
    repeats : bool
        Whether the rule answers the same whenever it reads the same.
    """

    def __init__(
        self,
        backend: DeviceBackend,
        update: Update,
        unresponsive: int,
        confirm: int,
        *,
        give_up: bool,
        known_curve: bool,
        most: int = 1,
        repeats: bool = True,
    ) -> None:
        self.sent: list[Pulses] = []
        """What followed each of the last epochs; whoever trains adds it."""
        self._gone = 0  # epochs before these
        self._kept = max(KEPT, 2 * unresponsive)
        self._had: BoolArray = np.zeros(backend.shape, dtype=bool)  # cells that got a pulse in one of those
        self.given_up = ""
        """Why nothing can move any more, once a training is to end for that."""
        self._readings: list[FloatArray] = []
        self._backend, self._most, self._repeats = backend, most, repeats
        self._one_way = update.depress is None
        ways = (1 if self._one_way else 2) if unresponsive else 0
        self._reactions = [Reactions(backend.shape, unresponsive, most) for _ in range(ways)]
        self._blocks = False
        self._beside = f" {BUT_LEFT_OUT}" if backend.left_out is not None else ""
        self._advice = "" if known_curve else RAISE_IT.format(unresponsive)
        self._due = self._reactions[0].due if ways else math.inf
        left = backend.pulses_left() if backend.noisy is False else None
        self._most_idle = 0 if not give_up else max(confirm, IDLE) if left is None or not repeats else 1
        self._idle, self._idle_at = 0, 0
        self._asked, self._left, self._moves = (
            0,
            0,
            False,
        )  # of an epoch: cells asked for, that react, any?
        self._ends_due = left // most if left is not None and give_up and self._one_way else math.inf

    def read(self, conductances: FloatArray) -> None:
        """Take the (R, C) readings of an epoch, in siemens."""
        if self._reactions:
            self._readings.append(conductances)
        if self._updates >= self._due:
            self._judge()
        if len(self.sent) >= 2 * self._kept:
            self._forget()

    def possible(self, wanted: Pulses) -> Pulses | None:
        """Leave out unresponsive cells; None if nothing would move, and a training is to end for that."""
        possible = self.part(wanted)
        self.over()
        return possible

    def part(self, wanted: Pulses) -> Pulses | None:
        """Do so for one of several updates of an epoch, which end by `over`."""
        asked = left = int(np.count_nonzero(wanted.counts))
        if self._blocks:
            wanted = self._without_unresponsive(wanted)
            left = int(np.count_nonzero(wanted.counts))
        if not self._most_idle:
            return wanted
        self._asked += asked
        self._left += left
        if left and not (self._updates >= self._ends_due and self._all_ended(wanted.counts)):
            self._moves = True
            return wanted
        return None

    def note(self, sent: Pulses) -> None:
        """Note what was sent by one of several updates of an epoch."""
        self._had |= sent.counts > 0

    def over(self) -> None:
        """Judge whether an epoch, all of whose updates were looked at, was one too many in which nothing moves."""
        asked, left, moves = self._asked, self._left, self._moves
        self._asked, self._left, self._moves = 0, 0, False
        if not self._most_idle or moves or not (asked or self._repeats):  # who draws, or keeps state, may ask again
            return
        updates = self._updates
        self._idle = self._idle + 1 if self._idle_at == updates - 1 else 1
        self._idle_at = updates
        if self._idle < self._most_idle:
            return
        if not asked:
            self.given_up = (NO_MORE_SENT if self._pulsed.any() else NOTHING_SENT) + self._beside
        else:
            why = NONE_REACTS if not left else NONE_MOVES if left < asked else ENDS_REACHED
            self.given_up = why if left == asked else f"{why}{self._advice}"

    @property
    def unresponsive(self) -> BoolArray:
        """(R, C) cells that were found unresponsive to pulses of some direction."""
        found: BoolArray = np.zeros(self._backend.shape, dtype=bool)
        for each in self._reactions:
            found |= each.cells
        return found

    @property
    def _updates(self) -> int:
        """Epochs that are over."""
        return self._gone + len(self.sent)

    @property
    def _pulsed(self) -> BoolArray:
        """(R, C) cells that ever got a pulse."""
        found = self._had.copy()
        for sent in self.sent:
            found |= sent.counts > 0
        return found

    def _forget(self) -> None:
        """Let go of what was longest ago, so that a training of weeks needs no more memory than one of hours."""
        if self._reactions:
            self._judge()
        self._had = self._pulsed
        many = len(self.sent) - self._kept
        del self.sent[:many], self._readings[:many]
        self._gone += many

    def _judge(self) -> None:
        every = [sent.counts for sent in self.sent]
        if self._one_way:
            self._reactions[0].judge(self._readings, every, every, self._gone)
        else:
            # Of a cell that was raised and lowered between two readings, they cannot tell whether it reacts.
            told = [(sent.depressing == 0) | (sent.depressing == sent.counts) for sent in self.sent]
            falling = [sent.depressing * one for sent, one in zip(self.sent, told, strict=True)]
            rising = [(sent.counts - sent.depressing) * one for sent, one in zip(self.sent, told, strict=True)]
            for each, pulses in zip(self._reactions, (rising, falling), strict=True):
                each.judge(self._readings, pulses, every, self._gone)
        self._due = min(each.due for each in self._reactions)
        self._blocks = any(each.any for each in self._reactions)

    def _without_unresponsive(self, wanted: Pulses) -> Pulses:
        if self._one_way:
            return Pulses(wanted.counts * ~self._reactions[0].cells, wanted.depressing)
        rising = (wanted.counts - wanted.depressing) * ~self._reactions[0].cells
        falling = wanted.depressing * ~self._reactions[1].cells
        return Pulses(rising + falling, falling)

    def _all_ended(self, wanted: IntArray) -> bool:
        """Say whether every cell that is wanted is at the end of its curve, brought there by pulses of this kind."""
        if left := self._backend.pulses_left():
            self._ends_due = self._updates + left // self._most
            return False
        cells = wanted > 0
        if not self._backend.saturated_cells()[cells].all():
            return False
        return bool(self._pulsed[cells].all())  # a chip may be at its end before anything was sent
