"""Where the lines of a crossbar are joined to their sources and to ground."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from crossbar_hil.arrays import IntArray
from crossbar_hil.errors import DataError

FLOATING, ONE_END, BOTH_ENDS = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Topology:
    """An arrangement of drive and sense, in words.

    Every word line runs from left to right past its cells of columns 0, 1, ..., every bit line from the top down past
    its cells of rows 0, 1, ... One wire segment lies between two neighbouring cells of a line, and one between the
    outermost cell and each end of the line that is joined to something. An end that is joined to nothing carries no
    current, whatever wire there is.

    - *Driven at the left* (the default): a source holds the left end of the word line at its voltage, the right end
      is open. *Driven at both ends*: two sources of the same voltage.
    - *Sensed at the bottom* (the default): the bottom end of the bit line is held at 0 V and the current into it is
      measured, the top end is open. *Sensed at both ends*: both are held at 0 V, the currents add up.
    - A *grounded* unselected word line is one driven with 0 V; a grounded unselected bit line is one whose current is
      not looked at. Neither needs saying here.
    - A *floating* line is joined to nothing at either end. Its voltage is not used; the current of a floating bit line
      is 0. A group of floating lines that no cell joins to another line has no definite potential; it is given
      as 0 V.

    Parameters
    ----------
    drive : {"left", "right", "both"}
        Ends of the word lines that are driven.
    sense : {"bottom", "top", "both"}
        Ends of the bit lines that are held at 0 V.
    floating_rows, floating_columns : tuple of int
        Lines that are joined to nothing, counted from 0.

    Raises
    ------
    DataError
        If an end has no such name or a line is named twice.

    Examples
    --------
    One cell of a 3 x 3 chip read with all other lines floating, which measures its sneak paths too:

    >>> Topology(floating_rows=(1, 2), floating_columns=(0, 2)).drive
    'left'
    """

    drive: Literal["left", "right", "both"] = "left"
    sense: Literal["bottom", "top", "both"] = "bottom"
    floating_rows: tuple[int, ...] = ()
    floating_columns: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.drive not in {"left", "right", "both"}:
            raise DataError(f"drive {self.drive!r} of a topology must be left, right or both")
        if self.sense not in {"bottom", "top", "both"}:
            raise DataError(f"sense {self.sense!r} of a topology must be bottom, top or both")
        for name in ("floating_rows", "floating_columns"):
            lines = getattr(self, name)
            if len(set(lines)) != len(lines):
                raise DataError(f"{name} {list(lines)} name a line twice")

    def row_ends(self, rows: int) -> IntArray:
        """(R,) joined ends of each word line: 0, 1 or 2."""
        return _ends("row", rows, self.drive == "both", self.floating_rows)

    def column_ends(self, columns: int) -> IntArray:
        """(C,) joined ends of each bit line: 0, 1 or 2."""
        return _ends("column", columns, self.sense == "both", self.floating_columns)


def _ends(what: str, lines: int, both: bool, floating: tuple[int, ...]) -> IntArray:
    ends = np.full(lines, BOTH_ENDS if both else ONE_END, dtype=np.int64)
    for line in floating:
        if not 0 <= line < lines:
            raise DataError(f"floating {what} {line} is not among the {lines} {what}s of the crossbar")
        ends[line] = FLOATING
    return ends


STANDARD = Topology()
"""Word lines driven at the left, bit lines held at 0 V at the bottom."""
