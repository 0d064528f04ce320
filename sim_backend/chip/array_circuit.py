"""The cells of a chip as circuits: what its columns give in a read, and what every cell sees of a pulse.

A pulse of the half-select scheme puts half of its amplitude on the row of the selected cell and minus half on its
column, every other line being at 0 V. With ideal wires the selected cell then sees the amplitude, the others of its
row and column half of it, and the rest nothing. With wires every cell sees what the wires leave of it. Tiles that the
selected cell is not in are at rest.
"""

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.training.lines.tiles import tile_lines

from ..circuit import STANDARD, CrossbarSolver, Topology, WireOhm, solve_crossbar
from ..circuit.cells import CellModel
from ..circuit.network import checked_wires

ONE_ARRAY = (1, 1)


class ArrayCircuit:
    """The circuits of cells (R, C), in siemens, on one array or on several.

    Parameters
    ----------
    conductances : ndarray of float, shape (R, C)
        In siemens.
    wire_ohm, cell, topology
        As of `solve_crossbar`; of every tile.
    tiles : (int, int)
        Arrays below each other and beside each other, see `crossbar_hil.training.lines.tiles`.

    Raises
    ------
    ConfigError
        If there are more tiles than lines.
    DataError
        As of `solve_crossbar`.
    """

    def __init__(
        self,
        conductances: FloatArray,
        wire_ohm: WireOhm,
        cell: CellModel | None,
        topology: Topology = STANDARD,
        tiles: tuple[int, int] = ONE_ARRAY,
    ) -> None:
        rows, columns = self._shape = conductances.shape
        row_ohm, column_ohm = checked_wires(wire_ohm, rows, columns)
        self._lines = tile_lines((rows, columns), tiles)
        self._solvers = [
            CrossbarSolver(
                np.ascontiguousarray(conductances[each]), (row_ohm[each[0]], column_ohm[each[1]]), cell,
                topology=topology,
            )
            for each in self._lines
        ]  # fmt: skip

    def update(self, conductances: FloatArray) -> None:
        """Take new conductances, shape (R, C), in siemens."""
        for lines, solver in zip(self._lines, self._solvers, strict=True):
            solver.update(np.ascontiguousarray(conductances[lines]))

    def currents(self, voltages: FloatArray) -> FloatArray:
        """Return the (P, C) column currents of (P, R) row voltages, in amperes."""
        if len(self._solvers) == 1:
            return self._solvers[0].currents(voltages)
        currents = np.zeros((len(voltages), self._shape[1]))
        for (rows, columns), solver in zip(self._lines, self._solvers, strict=True):
            currents[:, columns] += solver.currents(np.ascontiguousarray(voltages[:, rows]))
        return currents

    def pulse_volts(self, row: int, column: int, amplitude_v: float) -> FloatArray:
        """Return what every cell sees of a half-select pulse on one of them, shape (R, C), in volts.

        Raises
        ------
        BackendError
            If the solution does not settle.
        DataError
            If the cell model does not hold at a voltage that a cell sees.
        """
        on_rows, on_columns = map(np.zeros, self._shape)
        on_rows[row], on_columns[column] = amplitude_v / 2, -amplitude_v / 2
        volts = np.zeros(self._shape)
        for lines, solver in zip(self._lines, self._solvers, strict=True):
            rows, columns = lines
            if rows.start <= row < rows.stop and columns.start <= column < columns.stop:
                volts[lines] = solver.cell_volts(on_rows[rows], on_columns[columns])
        return volts


def solve_arrays(
    conductances: FloatArray,
    voltages: FloatArray,
    wire_ohm: WireOhm,
    cell: CellModel | None,
    topology: Topology = STANDARD,
    tiles: tuple[int, int] = ONE_ARRAY,
) -> FloatArray:
    """Return the (P, C) column currents of (P, R) row voltages once, in amperes; arguments as of `ArrayCircuit`."""
    if tiles == ONE_ARRAY:
        return solve_crossbar(conductances, voltages, wire_ohm, cell, topology=topology)
    return ArrayCircuit(conductances, wire_ohm, cell, topology, tiles).currents(voltages)
