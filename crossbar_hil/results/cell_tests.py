"""What was done to each cell of a chip, one by one: every read of it and every pulse, as labs deposit such data."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.backend import Pulse

READ, STATE, POTENTIATION, DEPRESSION, DOUBT = "read", "state", "potentiation", "depression", ", in doubt"
"""Test types. A state is not read but known, of a synapse that is computed; in doubt are pulses without an outcome."""


class CellTest(NamedTuple):
    """One read of a cell, or one pulse; word lines (rows) and bit lines (columns) count from 1."""

    word_line: int
    bit_line: int
    test_type: str
    voltage_v: float | None
    """Across the cell; None of a state."""
    width_s: float | None
    """Of a pulse."""
    conductance_siemens: float | None
    """Of a read or a state."""
    pulse_count: int | None
    """Pulses that the cell had got in this run, with this one if it is one; None where that was not recorded."""
    epoch: int | None
    """Evaluation, from 1, that the read belongs to or that the pulse followed."""
    time_utc: str

    @property
    def resistance_ohm(self) -> float | None:
        """Inverse of the conductance, where that is above zero."""
        siemens = self.conductance_siemens
        return 1 / siemens if siemens is not None and siemens > 0 else None


class Tester:
    """Tells tests of the cells of a chip one after the other, and counts pulses.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._sent = np.zeros(shape, dtype=np.int64)

    def reads(self, siemens: FloatArray, volts: FloatArray, epoch: int | None, utc: str) -> Iterator[CellTest]:
        """Tell a read of every cell: (R, C) conductances in siemens, and (R,) voltages of the rows."""
        for (row, column), value in np.ndenumerate(siemens):
            sent = int(self._sent[row, column])
            yield CellTest(row + 1, column + 1, READ, float(volts[row]), None, float(value), sent, epoch, utc)

    def pulses(self, counts: IntArray, pulse: Pulse, epoch: int | None, utc: str, more: str = "") -> Iterator[CellTest]:
        """Tell every pulse of a train, (R, C) to each cell."""
        kind = (POTENTIATION if pulse.amplitude_v > 0 else DEPRESSION) + more
        for row, column in np.argwhere(counts):
            for _ in range(int(counts[row, column])):
                self._sent[row, column] += 1
                sent, place = int(self._sent[row, column]), (int(row) + 1, int(column) + 1)
                yield CellTest(*place, kind, pulse.amplitude_v, pulse.width_s, None, sent, epoch, utc)


def states_of(siemens: FloatArray, utc: str) -> Iterator[CellTest]:
    """Tell the conductance of every synapse of a network that is computed, (K, N) in siemens: nothing was measured."""
    for (row, column), value in np.ndenumerate(siemens):
        yield CellTest(row + 1, column + 1, STATE, None, None, float(value), None, None, utc)
