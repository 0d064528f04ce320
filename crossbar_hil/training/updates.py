"""From the signs of a learning rule to pulses on cells: one pulse a synapse, or a more careful way."""

import functools
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from crossbar_hil.arguments import FLAG, expect, is_number
from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.errors import DataError
from crossbar_hil.training.pairs import potentiating_counts

MOST_TRIES = 100


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
    is_plain: bool = field(init=False)
    """Whether it is the rule of the papers: one potentiating pulse a synapse."""

    def __post_init__(self) -> None:
        expect(Pulse, pulse=self.pulse)
        expect(Pulse, optional=True, depress=self.depress)
        expect(FLAG, both_ways=self.both_ways)
        if self.pulse.amplitude_v < 0:
            raise DataError(
                f"pulse amplitude {self.pulse.amplitude_v} V must be positive: the rule sends potentiating pulses"
            )
        if self.depress is not None and self.depress.amplitude_v > 0:
            raise DataError(f"depressing pulse amplitude {self.depress.amplitude_v} V must be negative")
        if (self.both_ways or self.ceiling_siemens is not None) and self.depress is None:
            raise DataError("pulses both ways and a refresh need a depressing pulse, none is given")
        if self.both_ways and self.ceiling_siemens is not None:
            raise DataError("pulses both ways leave nothing to refresh; give one of the two")
        for name in ("ceiling_siemens", "verify_siemens"):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and value > 0):
                raise DataError(f"{name} {value} S must be a finite number above zero")
        if isinstance(self.tries, bool) or not isinstance(self.tries, int) or not 1 <= self.tries <= MOST_TRIES:
            raise DataError(f"tries {self.tries} must be a whole number from 1 to {MOST_TRIES}")
        plain = not self.both_ways and self.ceiling_siemens is None and self.verify_siemens is None
        object.__setattr__(self, "is_plain", plain)

    def pulses(self) -> list[Pulse]:
        """Return the pulses that may be sent."""
        return [self.pulse] if self.depress is None else [self.pulse, self.depress]

    @property
    def most(self) -> int:
        """Most pulses of one direction that a cell gets in one update."""
        return 1 if self.verify_siemens is None else self.tries

    def wanted(self, signs: FloatArray, conductances: FloatArray) -> Pulses:
        """Turn the signs (R, N) of a rule into the first pulse of each cell; nothing is sent.

        The conductances (R, C) are those before the update, in siemens.
        """
        rising = potentiating_counts(signs)
        falling = no_pulses(rising.shape)
        if self.is_plain:
            return Pulses(rising, falling)
        if self.both_ways:
            falling = potentiating_counts(-signs)
        elif self.ceiling_siemens is not None:
            full = (rising > 0) & (conductances >= self.ceiling_siemens)
            rising, falling = rising * ~full, partners(full).astype(np.int64)
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
            again = (rising * (backend.read_conductances(read_v) < goal)).astype(np.int64)
            if not again.any():
                break
            backend.send_pulses(again, self.pulse)
            sent += again
        return sent


@functools.cache
def no_pulses(shape: tuple[int, int]) -> IntArray:
    """Return counts of zero, one array for all that ask, which cannot be written to."""
    counts: IntArray = np.zeros(shape, np.int64)
    counts.flags.writeable = False
    return counts


def checked_signs(signs: object, shape: tuple[int, int]) -> FloatArray:
    """Return what a rule gave for (R, N) synapses; a DataError if it is anything but -1, 0 or 1 for each."""
    if not isinstance(signs, np.ndarray) or signs.shape != shape:
        found = f"an array of shape {signs.shape}" if isinstance(signs, np.ndarray) else repr(signs)[:80]
        raise DataError(f"the rule must return an array of signs of shape {shape}, got {found}; nothing was sent")
    wrong = np.argwhere(~np.isin(signs, (-1, 0, 1)))
    if len(wrong):
        row, output = wrong[0]
        raise DataError(
            f"the rule must return -1, 0 or 1 for each synapse, got {signs[row, output]} for row {row + 1}, "
            f"output {output + 1}; nothing was sent"
        )
    return signs


def partners(cells: np.ndarray) -> np.ndarray:
    """Return the mask of the other cells of the pairs in which cells are marked; (R, C) both.

    >>> partners(np.array([[True, False, False, False]]))
    array([[False,  True, False, False]])
    """
    return cells.reshape(len(cells), -1, 2)[:, :, ::-1].reshape(cells.shape)
