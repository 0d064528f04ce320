"""Exact nodal analysis of a crossbar with wires."""

import math

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arrays import FloatArray, checked_array

from .bounds import TOLERANCE
from .cells import CellModel, Ohmic
from .engine import Engine, engine_for
from .network import Network, WireOhm, checked_conductances, checked_wires, lay_out_network
from .newton import newton
from .quick import is_plain, quick_currents
from .solution import CrossbarSolution, complete_solution, output_currents
from .topology import STANDARD, Topology
from .transfer import ohmic_currents, transfer


def solve_crossbar(
    conductances: ArrayLike,
    voltages: ArrayLike,
    wire_ohm: WireOhm = 1.0,
    cell: CellModel | None = None,
    *,
    topology: Topology = STANDARD,
) -> FloatArray:
    """Return the currents out of the bit lines.

    Parameters
    ----------
    conductances : array_like of float, shape (R, C)
        Conductance of each cell, in siemens; 0 is an open cell.
    voltages : array_like of float, shape (P, R)
        Voltages of the word lines for P vectors, in volts.
    wire_ohm : float or pair
        Resistance of one wire segment, in ohm: a number, or a pair (word lines, bit lines), each a number or one per
        line. One segment lies before the first cell of a word line, between neighbours on every line, and after the
        last cell of a bit line. Zero is an ideal line, exactly.
    cell : CellModel, optional
        Current of a cell at a voltage; ohmic if not given.
    topology : Topology
        Ends of the lines that are driven and sensed; word lines at the left, bit lines at the bottom if not given.

    Returns
    -------
    ndarray of float, shape (P, C)
        In amperes; of ohmic cells to 1e-9 of each current, of others to 1e-8.

    Raises
    ------
    DataError
        If a shape does not fit, a number is not finite, or a conductance or resistance is negative.
    BackendError
        If the solution does not settle.

    Notes
    -----
    The first solution of more than 64 cells in a process compiles the kernels, for some seconds, or loads what an
    earlier process compiled, for some tenths of a second. Smaller arrays never wait: numpy solves them until the
    kernels are there. Takes memory in proportion to R C.

    Examples
    --------
    One cell of 1 kohm between two segments of 1 ohm:

    >>> solve_crossbar([[1e-3]], [[1.0]], wire_ohm=1.0) * 1002
    array([[1.]])
    """
    if topology is STANDARD and (cell is None or type(cell) is Ohmic):
        currents = quick_currents(conductances, voltages, wire_ohm)
        if currents is not None:
            return currents
    return CrossbarSolver(conductances, wire_ohm, cell, topology=topology)._currents_from_scratch(voltages)


def crossbar_solution(
    conductances: ArrayLike,
    voltages: ArrayLike,
    wire_ohm: WireOhm = 1.0,
    cell: CellModel | None = None,
    *,
    topology: Topology = STANDARD,
) -> CrossbarSolution:
    """Return the potentials of all nodes and the currents of all branches; arguments as of `solve_crossbar`."""
    return CrossbarSolver(conductances, wire_ohm, cell, topology=topology).solution(voltages)


def transfer_matrix(conductances: ArrayLike, wire_ohm: WireOhm = 1.0, *, topology: Topology = STANDARD) -> FloatArray:
    """Return T, shape (R, C), in siemens: ohmic cells' currents are ``voltages @ T``.

    Arguments as of `solve_crossbar`. Costs about as much as min(R, C) solutions.

    >>> (transfer_matrix([[1e-3, 1e-3]], (0.0, 1.0)) * 1001).round(12)
    array([[1., 1.]])
    """
    return CrossbarSolver(conductances, wire_ohm, topology=topology).transfer_matrix()


class CrossbarSolver:
    """A crossbar that is solved again and again while its conductances change now and then.

    Ohmic cells: once about half as many vectors were solved as the transfer matrix costs, it is made and kept until
    the conductances change. Other cells: every solution starts from the one before.

    Parameters
    ----------
    conductances, wire_ohm, cell, topology
        As of `solve_crossbar`.

    Raises
    ------
    DataError
        As of `solve_crossbar`.
    """

    def __init__(
        self,
        conductances: ArrayLike,
        wire_ohm: WireOhm = 1.0,
        cell: CellModel | None = None,
        *,
        topology: Topology = STANDARD,
    ) -> None:
        values = checked_conductances(conductances)
        self.shape: tuple[int, int] = (values.shape[0], values.shape[1])
        self._wires = checked_wires(wire_ohm, *self.shape)
        self._topology = topology
        self._cell: CellModel = Ohmic() if cell is None else cell
        self._ohmic = isinstance(self._cell, Ohmic)
        self._engine: Engine | None = None
        self.residuals: tuple[float, ...] = ()
        """Of the last solution of cells that are not ohmic, after each step: see `newton.NewtonSolution`."""
        self._take(values)

    def _take(self, values: FloatArray) -> None:
        self._net: Network = lay_out_network(values, self._wires, self._topology)
        self._transfer: FloatArray | None = None
        self._solved = 0

    def update(self, conductances: ArrayLike) -> None:
        """Take other conductances (R, C), in siemens.

        Raises
        ------
        DataError
            If they do not fit; the old ones stay.
        """
        values = checked_conductances(conductances, self.shape)
        old = self._net
        self._take(values)
        same = (self._net.row_ohm == old.row_ohm).all() and (self._net.column_ohm == old.column_ohm).all()
        if not same:  # a line became, or ceased to be, as good as ideal
            self._engine = None

    def currents(self, voltages: ArrayLike) -> FloatArray:
        """Return the currents (P, C) in amperes for voltages (P, R) in volts.

        Raises
        ------
        DataError
            If the voltages do not fit.
        BackendError
            If the solution does not settle.
        """
        if not self._ohmic:
            return self._currents_from_scratch(voltages)
        matrix = self._transfer
        if matrix is None or not is_plain(voltages) or voltages.shape[1] != self.shape[0]:
            voltages = checked_array("voltages", voltages, (None, self.shape[0]))
        if matrix is None:
            self._solved += len(voltages)
            if 2 * self._solved <= min(self.shape):
                return self._turn(ohmic_currents(self._net, self._net.drives(voltages)))
            matrix = self._transfer_matrix()
        currents: FloatArray = np.dot(voltages, matrix)
        if not math.isfinite(currents.sum()):  # as it is if one of the voltages is not
            checked_array("voltages", voltages, (None, self.shape[0]))
        return currents

    def _transfer_matrix(self) -> FloatArray:
        if self._transfer is None:
            joined = self._topology.row_ends(self.shape[0]) > 0
            self._transfer = self._net.turn(transfer(self._net)) * joined[:, None]
        return self._transfer

    def transfer_matrix(self) -> FloatArray:
        """Return T (R, C) in siemens for ohmic cells."""
        return self._transfer_matrix().copy()

    def solution(self, voltages: ArrayLike) -> CrossbarSolution:
        """Return all potentials and currents for voltages (P, R) in volts.

        Raises
        ------
        DataError, BackendError
            As of `currents`.
        """
        drives = self._drives(voltages)
        words, bits, cells = self._potentials(drives)
        return complete_solution(self._net, drives, words, bits, cells)

    def cell_volts(self, voltages: ArrayLike, ends: ArrayLike) -> FloatArray:
        """Return the voltage across every cell, (R, C) in volts, while both kinds of lines are driven.

        Parameters
        ----------
        voltages, ends : array_like of float, shape (R,), (C,)
            Of the word lines and of the ends of the bit lines, in volts.

        Raises
        ------
        DataError, BackendError
            As of `currents`.
        """
        net = self._net
        drive = self._drives(checked_array("voltages", voltages, (self.shape[0],))[None])[0]
        held = checked_array("voltages of bit lines", ends, (self.shape[1],))
        if net.mirrored:
            held = np.ascontiguousarray(held[::-1])
        if net.ideal:
            return net.turn(drive[:, None] - held)
        if self._engine is None:
            self._engine = engine_for(net)
        if self._ohmic:
            lift = np.zeros(self.shape) + held
            words, bits = self._engine.solve(net.conductances, drive, lift, TOLERANCE)
            return net.turn(words - bits - lift)
        found = newton(self._engine, self._cell, net.conductances, drive, held)
        return net.turn(found.words - found.bits)

    def _currents_from_scratch(self, voltages: ArrayLike) -> FloatArray:
        drives = self._drives(voltages)
        net = self._net
        if self._ohmic:
            return self._turn(ohmic_currents(net, drives))
        if net.ideal:
            return self._turn(self._cell.current(net.conductances, drives[:, :, None]).sum(axis=1))
        _, bits, cells = self._potentials(drives)
        return self._turn(output_currents(net, bits, cells))

    def _potentials(self, drives: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Potentials of both kinds of nodes, and cell currents, all (P, R, C)."""
        net = self._net
        if self._engine is None:
            self._engine = engine_for(net)
        engine = self._engine
        shape = (len(drives), *self.shape)
        words, bits, cells = np.empty(shape), np.empty(shape), np.empty(shape)
        for each, drive in enumerate(drives):
            if self._ohmic:
                words[each], bits[each] = engine.solve(net.conductances, drive, None, TOLERANCE)
                cells[each] = net.conductances * (words[each] - bits[each])
            else:
                found = newton(engine, self._cell, net.conductances, drive)
                words[each], bits[each], cells[each] = found.words, found.bits, found.cells
                self.residuals = found.residuals
        return words, bits, cells

    def _drives(self, voltages: ArrayLike) -> FloatArray:
        return self._net.drives(checked_array("voltages", voltages, (None, self.shape[0])))

    def _turn(self, currents: FloatArray) -> FloatArray:
        return np.ascontiguousarray(currents[:, ::-1]) if self._net.mirrored else currents
