"""The chip as part of the circuit: its cells, its own wires, and the lines to its bond pads."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import ConfigError, DataError

from ...chip.simulated import SimulatedBackend
from ...circuit.cells import CellModel, Ohmic
from .circuit import Resistor
from .nonlinear import Cells

if TYPE_CHECKING:
    from .damage import Damage


class ChipCircuit:
    """What lies between the bond pads, the nodes ``row.0``, ``column.0`` and so on.

    Parameters
    ----------
    chip : SimulatedBackend
        The cells, the resistance of its wires from the pad to the first cell and from cell to cell, and which ends of
        its lines are joined to the pad. Where both are, the way round the array has no resistance but that of the wire
        segments of the line.
    line_ohm : float
        Resistance between each bond pad and the cells, in ohm.
    """

    def __init__(self, chip: SimulatedBackend, line_ohm: float) -> None:
        self._chip = chip
        self._cells: list[Resistor] = []
        self._cells_of = b""  # whose they are
        self._model = None if isinstance(chip.cell, Ohmic) else _everywhere(chip.cell)
        rows, columns = (range(count) for count in chip.shape)
        row_ohm, column_ohm = chip.wires
        self._ends = {
            (row, column): (
                f"row.{row}.{column}" if row_ohm[row] else f"row.{row}.inner",
                f"column.{column}.{row}" if column_ohm[column] else f"column.{column}.inner",
            )
            for row in rows
            for column in columns
        }
        lines = [f"{axis}.{number}" for axis, numbers in (("row", rows), ("column", columns)) for number in numbers]
        self.wires = [] if line_ohm else [(line, f"{line}.inner") for line in lines]
        """Pairs of nodes that are one."""
        self._wires = [Resistor(line, f"{line}.inner", 1 / line_ohm) for line in lines] if line_ohm else []
        paths = [(row_ohm[row], f"row.{row}.inner", [self._ends[row, column][0] for column in columns]) for row in rows]
        for column in columns:  # its pad is below the last row
            nodes = [self._ends[row, column][1] for row in reversed(rows)]
            paths.append((column_ohm[column], f"column.{column}.inner", nodes))
        both = [chip.topology.drive == "both"] * len(rows) + [chip.topology.sense == "both"] * len(columns)
        for (ohm, pad, nodes), far_end in zip(paths, both, strict=True):
            along = [pad, *nodes, pad] if far_end else [pad, *nodes]
            self._wires += [Resistor(first, second, 1 / float(ohm)) for first, second in pairwise(along) if ohm]

    def parts(self, siemens: FloatArray, damage: "Damage | None") -> tuple[list[Resistor], Cells | None]:
        """Return all that conducts: wires and ohmic cells, and the cells that are not ohmic if the chip has such.

        Parameters
        ----------
        siemens : ndarray of float, shape (R, C)
            Conductances of the cells, in siemens.
        damage : Damage, optional
            What is broken; it says which cells have another conductance. One that is shorted is a resistor.
        """
        if damage is None and self._model is None:
            return self._wires + self._ohmic(siemens), None
        values = siemens.ravel().tolist()
        if damage is not None:
            values = [damage.siemens(cell, said) for cell, said in zip(self._ends, values, strict=True)]
        if self._model is None:
            return self._wires + self._resistors(values), None
        shorted = damage.shorted() if damage is not None else frozenset()
        resistors, cells = list(self._wires), []
        for (cell, pair), true in zip(self._ends.items(), values, strict=True):
            if true and cell in shorted:
                resistors.append(Resistor(*pair, true))
            elif true:
                cells.append((pair, true))
        found = Cells([pair for pair, _ in cells], np.array([true for _, true in cells]), self._model)
        return resistors, found if cells else None

    def _ohmic(self, siemens: FloatArray) -> list[Resistor]:
        """Return the cells, which stay the same from one look at the circuit to the next unless one moves."""
        content = siemens.tobytes()
        if content != self._cells_of:
            self._cells_of, self._cells = content, self._resistors(siemens.ravel().tolist())
        return self._cells

    def _resistors(self, values: list[float]) -> list[Resistor]:
        return [Resistor(*pair, true) for pair, true in zip(self._ends.values(), values, strict=True) if true]

    def cell_volts(self, volts: Mapping[str, float]) -> np.ndarray:
        """Return the voltage across each cell, (rows, columns), from those of the nodes."""
        across = [volts.get(row, 0.0) - volts.get(column, 0.0) for row, column in self._ends.values()]
        return np.array(across).reshape(self._chip.shape)


def check_cells(cell: CellModel, largest_v: float) -> None:
    """Refuse a cell model that cannot be asked what flows at every voltage that cells may see.

    Parameters
    ----------
    cell : CellModel
    largest_v : float
        Largest voltage that a pulse may have, in volts.

    Raises
    ------
    ConfigError
        If it has no slope, or no finite current at that voltage of either sign.
    """
    name = type(cell).__name__.lower()
    if not hasattr(cell, "slope"):
        raise ConfigError(f"cells of the model {name} have no slope(), which the circuit of an emulated bench needs")
    way_out = f"an emulated bench asks for the current at every voltage up to limits.pulse_v of {largest_v:g} V"
    for volt in (largest_v, -largest_v):
        try:
            with np.errstate(over="ignore"):
                current = float(cell.current(np.ones(1), np.array([volt]))[0])
        except DataError as error:
            raise ConfigError(f"cells of the model {name}: {error}; {way_out}") from error
        if not math.isfinite(current):
            raise ConfigError(f"cells of the model {name} carry {current} A at {volt:g} V; {way_out}")


def _everywhere(cell: CellModel) -> CellModel:
    """Return a cell model as it goes on beyond the voltages in which it holds, if it can: a fault may take it there."""
    extended = getattr(cell, "extended", None)
    found: CellModel = cell if extended is None else extended()
    return found
