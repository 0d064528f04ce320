"""Matrix modules of a Keysight 34980A: their sizes, how their channels are numbered, and which nodes a relay joins.

34931A, 34932A and 34933A hold two matrices, rows 1 to 4 and 5 to 8, with columns of their own each; a channel is row
and two digits of column (34931A to 34933A module guide, page 17). Channels 921 and 922 join rows 5 and 6 to the first
two lines of the analog bus. A 34934A is one matrix whose layout its terminal block decides; row r and column c are
channel ``800 / rows * r + c + 100 - 800 / rows`` (34934A user's guide, page 168). Its protection resistors are not in
the circuit.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...scpi.status import ScpiError

ROWS_OF_ONE = 4
BUS_ROW, BUS_COLUMNS = 9, (21, 22)
"""Channels 921 and 922 as a row and columns."""
_ROW_AND_COLUMN = re.compile(r"([0-9])([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Module:
    """One kind of module."""

    model: str
    rows: int
    columns: int
    terminal: str
    """What ``SYST:MOD:TERM:TYPE?`` answers."""

    @property
    def dual(self) -> bool:
        """Whether the module holds two matrices that reach the analog bus."""
        return self.model != "34934A"

    def place(self, channel: str) -> tuple[int, int]:
        """Return row and column of a channel of three digits; -222 if the module has none such."""
        if self.dual:
            found = _ROW_AND_COLUMN.fullmatch(channel)
            row, column = (int(found[1]), int(found[2])) if found else (0, 0)
        else:
            each = 800 // self.rows
            row, column = (int(channel) - 100) // each + 1, (int(channel) - 100) % each
        if (row, column) in [(BUS_ROW, each) for each in BUS_COLUMNS] and self.dual:
            return row, column
        if not 1 <= row <= self.rows or not 1 <= column <= self.columns:
            raise ScpiError(-222)
        return row, column

    def channel(self, row: int, column: int) -> str:
        """Return the three digits of a channel."""
        if self.dual:
            return f"{row}{column:02d}"
        each = 800 // self.rows
        return str(each * row + column + 100 - each)

    def nodes(self, name: str, slot: int, row: int, column: int) -> tuple[str, str]:
        """Return the nodes in the world that a relay joins."""
        if row == BUS_ROW and self.dual:
            number = BUS_COLUMNS.index(column) + 1
            return f"{name}.row.{slot}.{ROWS_OF_ONE + number}", f"{name}.abus.{number}"
        own = column if not self.dual or row <= ROWS_OF_ONE else column + self.columns
        return f"{name}.row.{slot}.{row}", f"{name}.column.{slot}.{own}"


MODULES: Mapping[str, Module] = {
    "34931A": Module("34931A", 8, 8, "GEN"),
    "34932A": Module("34932A", 8, 16, "GEN"),
    "34933A": Module("34933A", 8, 8, "GEN"),
    **{
        f"34934A-{rows}x{columns}": Module("34934A", rows, columns, f"R{rows}_R{columns}")
        for rows, columns in ((4, 128), (8, 64), (16, 32))
    },
}
"""Modules by the names that the emulator takes."""
