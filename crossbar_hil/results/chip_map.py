"""A chip as it was read: the conductance of every cell, several times if that was asked for."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crossbar_hil.arguments import COUNT, expect
from crossbar_hil.arrays import FloatArray, stack
from crossbar_hil.backend import DeviceBackend
from crossbar_hil.errors import DataError
from crossbar_hil.results.arrays import Variable
from crossbar_hil.results.result import Drawing, Result, Series
from crossbar_hil.text import counted, quantity


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ChipMap(Result):
    """The cells of a chip as they were read M times, R rows and C columns."""

    drawn_by: ClassVar[str] = "chip"
    plots: ClassVar[tuple[str, ...]] = ("map",)

    kind: str
    """``simulated``, ``emulated`` or ``hardware``."""
    read_v: float
    """Read voltage, in volts."""
    readings: FloatArray
    """(M, R, C) conductance of each cell, in siemens."""

    @property
    def conductances(self) -> FloatArray:
        """(R, C) mean of the readings, in siemens."""
        return self.readings.mean(axis=0)

    def told(self) -> list[tuple[str, str]]:
        """Return how large the cells are, and how they were read."""
        reads, rows, columns = self.readings.shape
        mean = self.conductances
        return [
            ("cells", f"{rows} x {columns} from {quantity(mean.min(), 'S')} to {quantity(mean.max(), 'S')}"),
            ("device", self.kind),
            ("read", f"{counted(reads, 'time')} at {quantity(self.read_v, 'V')}"),
        ]

    def series(self) -> Series:
        """Return one line a cell and reading; rows and columns count from 0."""
        header = ["Read", "Row", "Column", "Conductance (S)"]
        return Series(header, ([m + 1, *cell, float(value)] for (m, *cell), value in np.ndenumerate(self.readings)))

    def variables(self) -> dict[str, Variable]:
        """Return all readings."""
        reads, rows, columns = self.readings.shape
        dimensions = ("read", "row", "column")
        return {
            "conductance": Variable(dimensions, self.readings, "S", "conductance of the cell"),
            "read_voltage": Variable((), np.array(self.read_v), "V", "voltage of the reads"),
            "read": Variable(("read",), np.arange(1, reads + 1), "1", "number of the read, from 1"),
            "row": Variable(("row",), np.arange(rows), "1", "number of the row, from 0"),
            "column": Variable(("column",), np.arange(columns), "1", "number of the column, from 0"),
        }

    def _to_be_drawn(self, what: str) -> Drawing:
        return Drawing(what, (self.conductances,))


def read_chip(backend: DeviceBackend, read_v: float, *, reads: int = 1) -> ChipMap:
    """Read the conductance of every cell of an open chip.

    Parameters
    ----------
    backend : DeviceBackend
        The chip.
    read_v : float
        Voltage of the reads, in volts.
    reads : int
        How often each cell is read.

    Raises
    ------
    DataError
        If it is to be read no time; nothing was read.
    LimitError
        If the voltage exceeds the limits of the chip; nothing was read.
    """
    expect(DeviceBackend, backend=backend)
    expect(COUNT, reads=reads)
    if not reads:
        raise DataError("reads 0 must be at least 1")
    return ChipMap(backend.kind, read_v, stack([backend.read_conductances(read_v) for _ in range(reads)]))
