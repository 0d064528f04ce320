"""The chip as part of the circuit: its cells, its own wires, and the lines to its bond pads."""

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np

from ...chip.simulated import SimulatedBackend
from .circuit import Resistor


class ChipCircuit:
    """What lies between the bond pads, the nodes ``row.0``, ``column.0`` and so on.

    Parameters
    ----------
    chip : SimulatedBackend
        The cells, and the resistance of its wires from the pad to the first cell and from cell to cell.
    line_ohm : float
        Resistance between each bond pad and the cells, in ohm.
    """

    def __init__(self, chip: SimulatedBackend, line_ohm: float) -> None:
        self._chip = chip
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
        for ohm, pad, nodes in paths:
            self._wires += [Resistor(first, second, 1 / float(ohm)) for first, second in pairwise([pad, *nodes]) if ohm]

    def resistors(self, true_siemens: Callable[[tuple[int, int], float], float] | None) -> list[Resistor]:
        """Return everything that conducts; what a cell really has, if it is another conductance, is asked for."""
        cells = zip(self._ends.items(), self._chip.conductances.ravel().tolist(), strict=True)
        if true_siemens is None:
            return self._wires + [Resistor(*ends, siemens) for (_, ends), siemens in cells if siemens]
        return self._wires + [Resistor(*ends, true) for (c, ends), said in cells if (true := true_siemens(c, said))]

    def cell_volts(self, volts: Mapping[str, float]) -> np.ndarray:
        """Return the voltage across each cell, (rows, columns), from those of the nodes."""
        across = [volts.get(row, 0.0) - volts.get(column, 0.0) for row, column in self._ends.values()]
        return np.array(across).reshape(self._chip.shape)
