"""The cells of a chip as one circuit: what its columns give in a read, and what every cell sees of a pulse.

A pulse of the half-select scheme puts half of its amplitude on the row of the selected cell and minus half on its
column, every other line being at 0 V. With ideal wires the selected cell then sees the amplitude, the others of its
row and column half of it, and the rest nothing. With wires every cell sees what the wires leave of it.
"""

import numpy as np

from crossbar_hil.arrays import FloatArray

from ..circuit import CrossbarSolver, WireOhm
from ..circuit.cells import CellModel


class ArrayCircuit:
    """The circuit of cells (R, C), in siemens, and its wires, as of `solve_crossbar`, in ohm."""

    def __init__(self, conductances: FloatArray, wire_ohm: WireOhm, cell: CellModel) -> None:
        self._shape = conductances.shape
        self._solver = CrossbarSolver(conductances, wire_ohm, cell)

    def update(self, conductances: FloatArray) -> None:
        """Take new conductances, shape (R, C), in siemens."""
        self._solver.update(conductances)

    def currents(self, voltages: FloatArray) -> FloatArray:
        """Return the (P, C) column currents of (P, R) row voltages, in amperes."""
        return self._solver.currents(voltages)

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
        return self._solver.cell_volts(on_rows, on_columns)
