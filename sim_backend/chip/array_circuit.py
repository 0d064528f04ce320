"""The cells of a chip as one circuit: what its columns give in a read, and what every cell sees of a pulse.

A pulse of the half-select scheme puts half of its amplitude on the row of the selected cell and minus half on its
column, every other line being at 0 V. With ideal wires the selected cell then sees the amplitude, the others of its
row and column half of it, and the rest nothing. With wires every cell sees what the wires leave of it.
"""

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import BackendError

from ..circuit import CrossbarSolver, Topology, WireOhm, crossbar_solution
from ..circuit.cells import CellModel, Ohmic

FROM_BELOW = Topology(drive="right", sense="top")
"""The array turned over its diagonal: bit lines driven where they are sensed, word lines grounded where driven."""
SETTLED, MOST_ROUNDS = 1e-9, 100
"""Relative change of a cell's conductance at its own voltage, below which a pulse is solved; rounds at most."""


class ArrayCircuit:
    """The circuit of R x C cells and its wires.

    Parameters
    ----------
    conductances : ndarray of float, shape (R, C)
        In siemens.
    wire_ohm : float or pair
        As of `solve_crossbar`, in ohm.
    cell : CellModel
        Current of a cell at a voltage.
    """

    def __init__(self, conductances: FloatArray, wire_ohm: WireOhm, cell: CellModel) -> None:
        self._conductances, self._wire_ohm, self._cell = conductances, wire_ohm, cell
        self._solver = CrossbarSolver(conductances, wire_ohm, cell)

    def update(self, conductances: FloatArray) -> None:
        """Take new conductances, shape (R, C), in siemens."""
        self._conductances = conductances
        self._solver.update(conductances)

    def currents(self, voltages: FloatArray) -> FloatArray:
        """Return the (P, C) column currents of (P, R) row voltages, in amperes."""
        return self._solver.currents(voltages)

    def pulse_volts(self, row: int, column: int, amplitude_v: float) -> FloatArray:
        """Return what every cell sees of a half-select pulse on one of them, shape (R, C), in volts.

        A cell that is not ohmic counts with the conductance that it has at its own voltage.

        Raises
        ------
        BackendError
            If those conductances do not settle.
        """
        rows, columns = self._conductances.shape
        on_rows, on_columns = np.zeros((1, rows)), np.zeros((1, columns))
        on_rows[0, row], on_columns[0, column] = amplitude_v / 2, -amplitude_v / 2
        turned = self._wire_ohm[::-1] if isinstance(self._wire_ohm, tuple) else self._wire_ohm
        effective = self._conductances
        for _ in range(MOST_ROUNDS):
            first = crossbar_solution(effective, on_rows, self._wire_ohm)
            second = crossbar_solution(effective.T, on_columns, turned, topology=FROM_BELOW)
            volts = (first.word_potentials[0] + second.bit_potentials[0].T) - (
                first.bit_potentials[0] + second.word_potentials[0].T
            )
            if isinstance(self._cell, Ohmic):
                return volts
            before, effective = effective, self._effective_conductances(volts)
            if np.abs(effective - before).max() <= SETTLED * effective.max():
                return volts
        raise BackendError(
            f"a pulse of {amplitude_v:g} V on cell [{row}, {column}] does not settle: after {MOST_ROUNDS} rounds the "
            f"conductances of {type(self._cell).__name__.lower()} cells still change"
        )

    def _effective_conductances(self, volts: FloatArray) -> FloatArray:
        """Return current over voltage of every cell at its own voltage, in siemens."""
        small = np.abs(volts) < 1e-6
        probe = np.where(small, 1e-6, volts)
        return self._cell.current(self._conductances, probe) / probe
