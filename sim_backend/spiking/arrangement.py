"""Cells of a network laid out on arrays: several tiles, rows in another order, lines joined at one end or at both."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.errors import ConfigError
from crossbar_hil.training.lines.tiles import tile_lines

from ..chip.array_circuit import ArrayCircuit
from ..circuit import STANDARD, CrossbarSolver, Topology, WireOhm, crossbar_solution, transfer_matrix
from ..circuit.cells import CellModel, Ohmic

SEEN = 2
"""Patterns in which every row is active at least, so that there is a secant for each of its cells."""
EXTRA = 8
"""Rows that are made active together, beside those of a pattern, where it takes more to see them."""


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Where the (K, N) cells of a network lie, and how lines are joined.

    Attributes
    ----------
    wire_ohm : float or pair
        Resistance of a wire segment, as of `crossbar_hil.sim_backend.circuit.solve_crossbar`; of every tile.
    cell : CellModel, optional
        Current of a cell at a voltage; ohmic if not given.
    topology : Topology
        Ends of the lines that are driven and sensed, in every tile.
    tiles : (int, int)
        Arrays below each other and beside each other. Each is driven and sensed by itself; what the arrays of a column
        of tiles give is added behind their wires.
    order : ndarray of int, shape (K,), optional
        Input of each row of the array, from the top down; in order if not given.
    """

    wire_ohm: WireOhm = 1.0
    cell: CellModel | None = None
    topology: Topology = STANDARD
    tiles: tuple[int, int] = (1, 1)
    order: IntArray | None = None

    def __post_init__(self) -> None:
        if min(self.tiles) < 1:
            raise ConfigError(f"tiles {self.tiles[0]}x{self.tiles[1]} must be one or more either way")

    @property
    def is_ohmic(self) -> bool:
        """Whether its currents are linear in the voltages."""
        return self.cell is None or isinstance(self.cell, Ohmic)

    def places(self, shape: tuple[int, int]) -> list[tuple[IntArray, IntArray]]:
        """Return the inputs and the neurons of each tile of (K, N) cells, in their order there.

        Raises
        ------
        ConfigError
            If there are more tiles than lines.
        """
        order, columns = self.row_order(shape[0]), np.arange(shape[1])
        return [(order[of_rows], columns[of_columns]) for of_rows, of_columns in tile_lines(shape, self.tiles)]

    def row_order(self, rows: int) -> IntArray:
        """Return the input of each row, (K,), from the top down."""
        return np.arange(rows) if self.order is None else self.order

    def transfer(self, cells: FloatArray) -> FloatArray:
        """Return the matrix (K, N) in siemens with which currents are voltages times it, for ohmic cells."""
        if self.is_plain:
            return transfer_matrix(cells, self.wire_ohm, topology=self.topology)
        matrix = np.empty(cells.shape)
        for rows, columns in self.places(cells.shape):
            place = np.ix_(rows, columns)
            matrix[place] = transfer_matrix(cells[place], self.wire_ohm, topology=self.topology)
        return matrix

    @property
    def is_plain(self) -> bool:
        """Whether there is one array with its inputs in order."""
        return self.tiles == (1, 1) and self.order is None

    def solver(self, cells: FloatArray) -> "CrossbarSolver | ArrangedSolver":
        """Return what solves the circuits of (K, N) cells again and again."""
        if self.is_plain:
            return CrossbarSolver(cells, self.wire_ohm, self.cell, topology=self.topology)
        return ArrangedSolver(self, cells)

    def secants(self, cells: FloatArray, patterns: BoolArray, spike_v: float) -> FloatArray:
        """Return by what matrix (K, N), in siemens, currents are about voltages times it, for cells of any kind.

        What leaves a column is the sum of the currents of all its cells. So the circuits of P patterns of spikes are
        solved exactly, and the secant of a cell is its mean current while its row is active, by the height of a spike.
        What flows back through rows at rest is taken from all cells of a column in proportion.

        Parameters
        ----------
        patterns : ndarray of bool, shape (P, K)
            Spikes as they come in one step. More are made of them for rows that are seldom active.
        """
        shown = cover_rows(patterns)
        volts, secant = np.where(shown, spike_v, 0.0), np.empty(cells.shape)
        back = np.zeros((2, cells.shape[1]))
        for rows, columns in self.places(cells.shape):
            place = np.ix_(rows, columns)
            driven, tile = shown[:, rows], np.ascontiguousarray(cells[place])
            found = crossbar_solution(tile, volts[:, rows], self.wire_ohm, self.cell, topology=self.topology)
            flowing = np.where(driven[:, :, None], found.cell_currents, 0.0)
            secant[place] = flowing.sum(axis=0) / (driven.sum(axis=0) * spike_v)[:, None]
            back[:, columns] = flowing.sum(axis=(0, 1)), found.cell_currents.sum(axis=(0, 1))
            secant[place] *= back[1, columns] / back[0, columns]
        return secant


class ArrangedSolver:
    """The circuits of all tiles, solved again and again while conductances change now and then."""

    def __init__(self, arrangement: Arrangement, cells: FloatArray) -> None:
        self._order = arrangement.row_order(len(cells))
        how = arrangement.wire_ohm, arrangement.cell, arrangement.topology, arrangement.tiles
        self._circuit = ArrayCircuit(cells[self._order], *how)

    def update(self, cells: FloatArray) -> None:
        """Take other conductances (K, N), in siemens."""
        self._circuit.update(cells[self._order])

    def currents(self, volts: FloatArray) -> FloatArray:
        """Return currents (P, N) in amperes for voltages (P, K) in volts."""
        return self._circuit.currents(volts[:, self._order])


def cover_rows(patterns: BoolArray) -> BoolArray:
    """Return patterns of spikes, and more made of them until every row is active in two at least.

    >>> cover_rows(np.array([[True, False], [True, False]])).sum(axis=0)
    array([4, 2])
    """
    few = np.flatnonzero(patterns.sum(axis=0) < SEEN)
    more: list[NDArray[np.bool_]] = []
    for first in range(0, len(few), EXTRA):
        for _ in range(SEEN):
            pattern = patterns[len(more) % len(patterns)].copy()
            pattern[few[first : first + EXTRA]] = True
            more.append(pattern)
    return np.vstack([patterns, *(each[None] for each in more)])
