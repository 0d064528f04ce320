"""Write schemes: how a pulse reaches one cell, and what every other cell sees of it."""

from abc import abstractmethod
from collections.abc import Collection

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray

from .scheme import Scheme, make_scheme
from .wiring import Assignment

DISTURB_SHARE = 0.55
"""Share of a pulse that an unselected cell may see unless a bench says otherwise: half, and 10 % of that for error."""


class WriteScheme(Scheme):
    """A way to pulse one cell."""

    source: str = "drive"

    @abstractmethod
    def assignment(self, cell: tuple[int, int], shape: tuple[int, int]) -> Assignment:
        """Return the port of every line while a cell (row, column) is pulsed."""

    def cell_voltages(self, cell: tuple[int, int], shape: tuple[int, int], amplitude_v: float) -> FloatArray:
        """Return the (R, C) voltages, row minus column, that all cells see while one of them is pulsed.

        Examples
        --------
        >>> SymmetricHalfSelect(()).cell_voltages((0, 1), (2, 2), 2.0)
        array([[1., 2.],
               [0., 1.]])
        """
        volts = self.port_volts(amplitude_v)
        lines = np.array([volts[port] for port in self.assignment(cell, shape)])
        return lines[: shape[0], None] - lines[shape[0] :]

    def exposed_cells(self, cell: tuple[int, int], shape: tuple[int, int]) -> BoolArray:  # noqa: ARG002
        """Say which cells, (R, C), a pulse for one of them can reach whole where another is shorted, unnoticed by it.

        None where every line hangs on a source or on ground: such a short trips a current limit in the very pulse.
        """
        return np.zeros(shape, dtype=bool)

    def pulse_currents(
        self,
        cell: tuple[int, int],  # noqa: ARG002 - for those that can
        amplitude_v: float,  # noqa: ARG002
        conductances: FloatArray,  # noqa: ARG002
    ) -> tuple[float, float] | None:
        """Return the current of the source in a pulse, in amperes, without and with a short that `exposed_cells` fear.

        Of ohmic cells with these (R, C) conductances, in siemens. None if there is no such short.
        """
        return None

    def worst_unselected(
        self, cell: tuple[int, int], shape: tuple[int, int], amplitude_v: float
    ) -> tuple[tuple[int, int], float]:
        """Return which unselected cell sees most, and its voltage; the selected cell and 0 V if there is no other."""
        volts = self.cell_voltages(cell, shape, amplitude_v)
        volts[cell] = 0.0
        row, column = divmod(int(np.abs(volts).argmax()), shape[1])
        if volts[row, column] == 0:
            return cell, 0.0
        return (row, column), float(volts[row, column])


class SymmetricHalfSelect(WriteScheme):
    """Two sources pulse together: the row to half the amplitude, the column to minus half; all else is grounded."""

    name = "symmetric half-select"

    def _needed_ports(self, ports: Collection[str]) -> tuple[str, ...]:  # noqa: ARG002
        return "drive", "meter", "ground"

    def source_volts(self, voltage_v: float) -> dict[str, float]:
        """Give half to each source, to that of the column with the other sign."""
        return {"drive": voltage_v / 2, "meter": -voltage_v / 2}

    def assignment(self, cell: tuple[int, int], shape: tuple[int, int]) -> Assignment:
        """Row on one source, column on the other."""
        return _cross(cell, shape, row="drive", column="meter", idle="ground")


class DividerHalfSelect(WriteScheme):
    """One source: the row to the full amplitude, the column grounded, idle lines on a divider at half the amplitude.

    The divider hangs between the source (HI or guard) and ground for good. The source is on the port ``drive`` where
    that is wired, on ``meter`` otherwise.
    """

    name = "divider half-select"

    def _needed_ports(self, ports: Collection[str]) -> tuple[str, ...]:
        self.source = "drive" if "drive" in ports else "meter"
        self._guarded = "guard" in ports
        return self.source, "ground", "divider"

    def source_volts(self, voltage_v: float) -> dict[str, float]:
        """Give all to the one source."""
        return {self.source: voltage_v}

    def port_volts(self, voltage_v: float) -> dict[str, float]:
        """Return the voltages with that of the divider."""
        return {**super().port_volts(voltage_v), "divider": voltage_v / 2}

    def exposed_cells(self, cell: tuple[int, int], shape: tuple[int, int]) -> BoolArray:
        """Say that these are the other cells of its row and its column: a short takes the divider to 0 V or all of it.

        Examples
        --------
        >>> DividerHalfSelect(("drive", "ground", "divider")).exposed_cells((0, 1), (2, 2))
        array([[ True, False],
               [False,  True]])
        """
        rows, columns = np.ogrid[: shape[0], : shape[1]]
        return (rows == cell[0]) != (columns == cell[1])

    def pulse_currents(
        self, cell: tuple[int, int], amplitude_v: float, conductances: FloatArray
    ) -> tuple[float, float] | None:
        """Take the divider at 0 V for a short: the least that one adds, as one to the source itself adds far more.

        Without a guard the source feeds the divider too, as good as all of its current, and then twice as much.

        Examples
        --------
        >>> scheme = DividerHalfSelect(("drive", "ground", "divider", "guard"))
        >>> scheme.pulse_currents((0, 1), 2.0, np.full((2, 2), 1e-6))
        (3e-06, 4e-06)
        """
        row = np.abs(conductances[cell[0]])
        if not self._guarded:
            return 1.0, 2.0
        most = abs(amplitude_v) * float(row.sum())
        return most - abs(amplitude_v) * float(row.sum() - row[cell[1]]) / 2, most

    def assignment(self, cell: tuple[int, int], shape: tuple[int, int]) -> Assignment:
        """Idle lines on the divider."""
        return _cross(cell, shape, row=self.source, column="ground", idle="divider")


class WholeRow(WriteScheme):
    """One source on the row, every other line grounded: all cells of the row see the whole pulse.

    It is here to be refused, but for a chip of one column, where the row is the cell.
    """

    name = "row"

    def _needed_ports(self, ports: Collection[str]) -> tuple[str, ...]:
        self.source = "drive" if "drive" in ports else "meter"
        return self.source, "ground"

    def source_volts(self, voltage_v: float) -> dict[str, float]:
        """Give all to the one source."""
        return {self.source: voltage_v}

    def assignment(self, cell: tuple[int, int], shape: tuple[int, int]) -> Assignment:
        """All lines but the row grounded."""
        return _cross(cell, shape, row=self.source, column="ground", idle="ground")


WRITE_SCHEMES: dict[str, type[WriteScheme]] = {
    each.name: each for each in (SymmetricHalfSelect, DividerHalfSelect, WholeRow)
}


def write_scheme(name: str, ports: Collection[str]) -> WriteScheme:
    """Make the write scheme of a name, for the ports that are wired; see `make_scheme`."""
    return make_scheme("write", WRITE_SCHEMES, name, ports)


def _cross(cell: tuple[int, int], shape: tuple[int, int], *, row: str, column: str, idle: str) -> Assignment:
    """Give the row and the column of a cell their ports and every other line the idle one."""
    lines = [idle] * sum(shape)
    lines[cell[0]], lines[shape[0] + cell[1]] = row, column
    return tuple(lines)
