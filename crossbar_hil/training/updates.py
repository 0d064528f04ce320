"""From what a learning rule says to pulses on cells: one pulse a synapse, counts, or a more careful way."""

import functools
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from crossbar_hil.arguments import FLAG, expect, is_number
from crossbar_hil.arrays import BoolArray, FloatArray, IntArray, at
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.errors import DataError
from crossbar_hil.training.lines.pairs import potentiating_counts

MOST_TRIES = 100
UNSENT = "nothing of it was sent"


class Pulses(NamedTuple):
    """What one update asks for, or has sent, (R, C) each."""

    counts: IntArray
    """All pulses of each cell."""
    depressing: IntArray
    """Those among them that depress."""


@dataclass(frozen=True, slots=True)
class Update:
    """How an update is carried out; the plain one sends one pulse to the cell of each synapse that should rise.

    Raises
    ------
    DataError
        If the options contradict each other or are outside their range.
    """

    pulse: Pulse
    """The pulse that potentiates."""
    depress: Pulse | None = None
    """The pulse that depresses; only for the options that need one."""
    both_ways: bool = False
    """Depress the partner of every cell that is potentiated, so that a pair keeps its place on the curve."""
    ceiling_siemens: float | None = None
    """Refresh: where the cell that should rise reads at least this, its partner is depressed instead."""
    verify_siemens: float | None = None
    """Write and verify: a potentiated cell is read and pulsed again until it has risen by so much since the update
    began, or has had `tries` pulses."""
    tries: int = 5
    one_cell: bool = False
    """Move the plus cell of a pair alone: a sign of -1 depresses it instead of raising the minus cell."""
    is_plain: bool = field(init=False)
    """Whether it is the rule of the papers: one potentiating pulse a synapse."""

    def __post_init__(self) -> None:
        expect(Pulse, pulse=self.pulse)
        expect(Pulse, optional=True, depress=self.depress)
        expect(FLAG, both_ways=self.both_ways, one_cell=self.one_cell)
        if self.pulse.amplitude_v < 0:
            raise DataError(
                f"pulse amplitude {self.pulse.amplitude_v} V must be positive: the rule sends potentiating pulses"
            )
        if self.depress is not None and self.depress.amplitude_v > 0:
            raise DataError(f"depressing pulse amplitude {self.depress.amplitude_v} V must be negative")
        if (self.both_ways or self.ceiling_siemens is not None) and self.depress is None:
            raise DataError("pulses both ways and a refresh need a depressing pulse, none is given")
        if self.one_cell and self.depress is None:
            raise DataError("a rule that moves one cell of a pair depresses it too: give depress_v and depress_s")
        if self.one_cell and (self.both_ways or self.ceiling_siemens is not None):
            raise DataError("a rule that moves one cell of a pair leaves its partner alone: no both_ways, no refresh")
        if self.both_ways and self.ceiling_siemens is not None:
            raise DataError("pulses both ways leave nothing to refresh; give one of the two")
        for name in ("ceiling_siemens", "verify_siemens"):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and value > 0):
                raise DataError(f"{name} {value} S must be a finite number above zero")
        if isinstance(self.tries, bool) or not isinstance(self.tries, int) or not 1 <= self.tries <= MOST_TRIES:
            raise DataError(f"tries {self.tries} must be a whole number from 1 to {MOST_TRIES}")
        plain = not (self.both_ways or self.one_cell or self.looks)
        object.__setattr__(self, "is_plain", plain)

    def pulses(self) -> list[Pulse]:
        """Return the pulses that may be sent."""
        return [self.pulse] if self.depress is None else [self.pulse, self.depress]

    def most(self, asked: int = 1) -> int:
        """Return the most pulses of one direction that a cell gets in one update, for which a rule asks so many."""
        return asked if self.verify_siemens is None else asked + self.tries - 1

    @property
    def looks(self) -> bool:
        """Whether an update goes by what the cells read before it."""
        return self.ceiling_siemens is not None or self.verify_siemens is not None

    def wanted(self, answer: FloatArray | IntArray, conductances: FloatArray) -> Pulses:
        """Turn what a rule said into the first pulses of each cell; nothing is sent.

        Parameters
        ----------
        answer : ndarray, shape (R, N) or (R, C)
            -1, 0 or 1 for each synapse, or potentiating pulses for each cell.
        conductances : ndarray of float, shape (R, C)
            As read before the update, in siemens.
        """
        counted = answer.shape == conductances.shape
        rising = answer.astype(np.int64, copy=False) if counted else potentiating_counts(answer)
        falling = no_pulses(rising.shape)
        if self.is_plain:
            return Pulses(rising, falling)
        if self.both_ways:
            falling = partners(rising)
        elif self.one_cell and not counted:
            minus = np.arange(rising.shape[1]) % 2
            rising, falling = rising * (1 - minus), partners(rising * minus)
        elif self.ceiling_siemens is not None:
            full = (rising > 0) & (conductances >= self.ceiling_siemens)
            rising, falling = rising * ~full, partners(rising * full)
        return Pulses(rising + falling, falling)

    def send(self, backend: DeviceBackend, wanted: Pulses, conductances: FloatArray, read_v: float) -> Pulses:
        """Carry out an update of cells (R, C), read before in siemens, and return what was sent.

        `read_v`, in volts, is that of the reads of a verification.
        """
        if self.is_plain:
            backend.send_pulses(wanted.counts, self.pulse)
            return wanted
        falling = wanted.depressing
        rising = wanted.counts - falling
        if self.depress is not None and falling.any():
            backend.send_pulses(falling, self.depress)
        if rising.any():
            backend.send_pulses(rising, self.pulse)
        if self.verify_siemens is not None:
            rising = self._pulse_until_verified(backend, rising, conductances, read_v)
        return Pulses(rising + falling, falling)

    def _pulse_until_verified(
        self, backend: DeviceBackend, rising: IntArray, conductances: FloatArray, read_v: float
    ) -> IntArray:
        """Pulse again what has not risen enough; return all potentiating pulses."""
        sent, goal = rising.copy(), conductances + (self.verify_siemens or 0.0)
        for _ in range(self.tries - 1):
            again = ((rising > 0) & (backend.read_conductances(read_v) < goal)).astype(np.int64)
            if not again.any():
                break
            backend.send_pulses(again, self.pulse)
            sent += again
        return sent


def without(wanted: Pulses, left_out: BoolArray | None) -> Pulses:
    """Return what an update asks for of cells that get pulses at all; (R, C) are left out, None if none are."""
    if left_out is None:
        return wanted
    return Pulses(wanted.counts * ~left_out, wanted.depressing * ~left_out)


@functools.cache
def no_pulses(shape: tuple[int, int]) -> IntArray:
    """Return counts of zero, one array for all that ask, which cannot be written to."""
    counts: IntArray = np.zeros(shape, np.int64)
    counts.flags.writeable = False
    return counts


def checked_answer(answer: object, shape: tuple[int, int], most: int) -> FloatArray | IntArray:
    """Return what a rule gave for a chip of R rows and C columns: signs (R, C / 2), or counts (R, C).

    Raises
    ------
    DataError
        If it is anything but -1, 0 or 1 for each synapse, or a whole number from 0 to `most` for each cell, of which
        one of each pair is 0.
    """
    rows, columns = shape
    if not isinstance(answer, np.ndarray) or answer.shape not in (shape, (rows, columns // 2)):
        found = f"an array of shape {answer.shape}" if isinstance(answer, np.ndarray) else repr(answer)[:80]
        raise DataError(
            f"the rule must return whole counts of shape {shape} or signs of shape {(rows, columns // 2)}, got {found}"
            f"; {UNSENT}"
        )
    if answer.shape == shape:
        return _checked_counts(answer, most)
    if answer.dtype.kind not in "iuf":
        raise DataError(f"the rule must return signs as numbers, got an array of {answer.dtype}; {UNSENT}")
    wrong = np.argwhere(~np.isin(answer, (-1, 0, 1)))
    if len(wrong):
        row, output = wrong[0]
        raise DataError(
            f"the rule must return -1, 0 or 1 for each synapse, got {answer[row, output]} for row {row + 1}, "
            f"output {output + 1}; {UNSENT}"
        )
    return answer


def _checked_counts(counts: IntArray, most: int) -> IntArray:
    """Return whole counts (R, C), or refuse them."""
    if counts.dtype.kind not in "iu":
        raise DataError(f"the rule must return counts of an integer type, got {counts.dtype}; {UNSENT}")
    wrong = np.argwhere((counts < 0) | (counts > most))
    if len(wrong):
        cell = tuple(map(int, wrong[0]))
        raise DataError(
            f"the rule must return from 0 to {most} pulses for a cell, as many as its `most` says, got {counts[cell]} "
            f"for cell {at(*cell)}; {UNSENT}"
        )
    both = np.argwhere((counts > 0) & (partners(counts) > 0))
    if len(both):
        row, column = map(int, both[0])
        raise DataError(
            f"the rule must not pulse both cells of a pair, got {counts[row, column]} and {counts[row, column + 1]} "
            f"pulses for cells {at(row, column)} and {at(row, column + 1)}; {UNSENT}"
        )
    return counts


def partners(cells: np.ndarray) -> np.ndarray:
    """Return what stands at the other cells of the pairs; (R, C) both.

    >>> partners(np.array([[3, 0, 0, 0]]))
    array([[0, 3, 0, 0]])
    """
    return cells.reshape(len(cells), -1, 2)[:, :, ::-1].reshape(cells.shape)
