"""A crossbar with its wires, checked once and laid out as the solvers want it."""

import functools
import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arrays import FloatArray, IntArray, checked_array
from crossbar_hil.errors import DataError

from .bounds import NEGLIGIBLE
from .topology import STANDARD, Topology

WireOhm: TypeAlias = float | ArrayLike | tuple[float | ArrayLike, float | ArrayLike]
"""Ohm of one segment: a number, or a pair (word lines, bit lines), each a number or one per line."""
Lines: TypeAlias = tuple[FloatArray, FloatArray, IntArray, IntArray]
"""Ohm of a segment of word lines (R,) and bit lines (C,), and how many of their ends are joined to something."""


@dataclass(frozen=True, eq=False)
class Network:
    """R x C cells, always driven at the left and sensed at the bottom: other topologies are turned round before.

    Attributes
    ----------
    conductances : (R, C) S
    row_ohm, column_ohm : (R,), (C,)
        Resistance of a segment of each line.
    row_ends, column_ends : (R,), (C,)
        Ends of each line that are joined to something, see `crossbar_hil.sim_backend.circuit.topology`.
    upside_down, mirrored : bool
        Whether rows, or columns, stand in reverse order here.
    """

    conductances: FloatArray
    row_ohm: FloatArray
    column_ohm: FloatArray
    row_ends: IntArray
    column_ends: IntArray
    upside_down: bool = False
    mirrored: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """R and C."""
        rows, columns = self.conductances.shape
        return rows, columns

    @property
    def lines(self) -> Lines:
        """What the kernels take of the wires."""
        return self.row_ohm, self.column_ohm, self.row_ends, self.column_ends

    @functools.cached_property
    def plain(self) -> bool:
        """Whether every output current is that through the wire at one end of a bit line."""
        return bool(self.column_ends.min() == 1 == self.column_ends.max() and self.column_ohm.min() > 0)

    @functools.cached_property
    def strict(self) -> bool:
        """Whether an output current is a sum over potentials other than that of its bit line's last node."""
        if self.plain:
            return False
        return bool(((self.column_ohm == 0) & (self.column_ends > 0)).any() or (self.column_ends > 1).any())

    @functools.cached_property
    def ideal(self) -> bool:
        """Whether no wire drops any voltage and no line floats."""
        return not (self.row_ohm.any() or self.column_ohm.any()) and bool(
            self.row_ends.all() and self.column_ends.all()
        )

    def turn(self, cells: FloatArray) -> FloatArray:
        """Bring (..., R, C) values from the caller's order into this one, or back."""
        if self.upside_down:
            cells = cells[..., ::-1, :]
        return np.ascontiguousarray(cells[..., ::-1] if self.mirrored else cells)

    def drives(self, voltages: FloatArray) -> FloatArray:
        """(P, R) V of the word lines in this order; those of floating ones are 0."""
        voltages = voltages[:, ::-1] if self.upside_down else voltages
        return np.where(self.row_ends > 0, voltages, 0.0)

    def transposed(self) -> "Network":
        """Return the same circuit with word and bit lines exchanged and turned, and so inputs and outputs."""
        return Network(
            np.ascontiguousarray(self.conductances[::-1, ::-1].T),
            self.column_ohm[::-1].copy(),
            self.row_ohm[::-1].copy(),
            self.column_ends[::-1].copy(),
            self.row_ends[::-1].copy(),
        )


def checked_conductances(values: ArrayLike, shape: tuple[int | None, int | None] = (None, None)) -> FloatArray:
    """Return conductances (R, C) in siemens after checking shape, finiteness and sign.

    Raises
    ------
    DataError
        If they are not an (R, C) array of finite numbers of at least 0 S.
    """
    conductances = checked_array("conductances", values, shape)
    if conductances.min() < 0:
        row, column = (int(i) for i in np.unravel_index(conductances.argmin(), conductances.shape))
        raise DataError(
            f"conductance {conductances[row, column]:g} S of cell [{row}, {column}] is negative, "
            "it must be at least 0 S, which is an open cell"
        )
    return conductances


def checked_wires(wire_ohm: WireOhm, rows: int, columns: int) -> tuple[FloatArray, FloatArray]:
    """Return the resistances of a segment, in ohm, of each word line (R,) and each bit line (C,).

    Raises
    ------
    DataError
        If they are neither a number nor a pair, or one of them is negative or not finite.
    """
    if isinstance(wire_ohm, tuple | list):
        if len(wire_ohm) != 2:
            raise DataError(f"wire_ohm has {len(wire_ohm)} parts, expected a number or a pair (word lines, bit lines)")
        of_rows, of_columns = wire_ohm
    elif np.ndim(wire_ohm):
        raise DataError("wire_ohm is one array, expected a number or a pair (word lines, bit lines)")
    else:
        of_rows = of_columns = wire_ohm
    return _of_lines("word line", of_rows, rows), _of_lines("bit line", of_columns, columns)


def _of_lines(what: str, ohm: float | ArrayLike, lines: int) -> FloatArray:
    if isinstance(ohm, int | float) and math.isfinite(ohm) and ohm >= 0:
        return np.full(lines, float(ohm))
    given: ArrayLike = np.full(lines, ohm) if np.ndim(ohm) == 0 else ohm
    checked_ohm = checked_array(f"wire_ohm of {what}s", given, (lines,))
    if checked_ohm.min() < 0:
        line = int(checked_ohm.argmin())
        raise DataError(f"wire_ohm {checked_ohm[line]:g} ohm of {what} {line} is negative, it must be at least 0 ohm")
    return checked_ohm


def lay_out_network(
    conductances: FloatArray, wires: tuple[FloatArray, FloatArray], topology: Topology = STANDARD
) -> Network:
    """Lay out checked conductances (R, C) in siemens with the wires of `checked_wires`."""
    rows, columns = conductances.shape
    row_ohm, column_ohm = wires
    row_ends, column_ends = topology.row_ends(rows), topology.column_ends(columns)
    if topology.drive == "right":
        conductances = conductances[:, ::-1]
        column_ohm, column_ends = column_ohm[::-1], column_ends[::-1]
    if topology.sense == "top":
        conductances = conductances[::-1]
        row_ohm, row_ends = row_ohm[::-1], row_ends[::-1]
    return Network(
        np.ascontiguousarray(conductances),
        _without_negligible(row_ohm, conductances.sum(axis=1) * columns),
        _without_negligible(column_ohm, conductances.sum(axis=0) * rows),
        np.ascontiguousarray(row_ends),
        np.ascontiguousarray(column_ends),
        upside_down=topology.sense == "top",
        mirrored=topology.drive == "right",
    )


def _without_negligible(ohm: FloatArray, load: FloatArray) -> FloatArray:
    drops: FloatArray = ohm * load
    if drops.min() >= NEGLIGIBLE:
        return np.ascontiguousarray(ohm)  # of one memory layout, or the kernels would be compiled once more
    return np.where((drops < NEGLIGIBLE) & (load > 0), 0.0, ohm)
