"""Keysight 34980A mainframe with 34932A dual 4x16 matrix modules, over SCPI. Emulated only.

PyMeasure has no driver of it. A crosspoint is written slot, row, two-digit column, such as ``1105``; rows 1 to 4 are
matrix 1 of the module, rows 5 to 8 matrix 2 (34980A help, ROUTe:CLOSe; numbering of the 34932A by analogy with the
34931A). The mainframe has no break-before-make setting, so what opens is written before what closes. The latching
relays keep their state when the power goes.
"""

import re
from typing import Any, ClassVar

from pymeasure.adapters.adapter import Adapter

from crossbar_hil.errors import ConfigError

from .scpi.matrix import CardMatrix
from .scpi.properties import slots_with
from .settings.keysight34980a import SETTINGS

ROWS_OF_ONE = 4
"""Rows of each of the two matrices of a module."""


class Keysight34980A(CardMatrix):
    """A mainframe of eight slots, of which those with a 34932A are used."""

    model_name = "Keysight 34980A"
    model_settle_s = 0.004
    open_command = "ROUT:OPEN"
    close_command = "ROUT:CLOS"
    open_all_command = "ROUT:OPEN:ALL"
    table = SETTINGS
    card = "34932A"
    rated_closings = 100_000_000
    """Of a 34932A without load; 10 million at 10 V and 100 mA (34980A data sheet, table 4)."""
    beside = (921, 922)
    """Relays that join rows 5 and 6 of a module to the analog bus (34931A to 34933A module guide, page 17)."""
    slots: ClassVar[range] = range(1, 9)
    rows = range(1, 9)
    columns = range(1, 17)
    form = re.compile(r"(\d)(\d)(\d\d)")
    example = "1105"

    channels = slots_with(SETTINGS, slots, "slot_")

    def __init__(self, adapter: Adapter | str | int, name: str = "", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
        self._halves: dict[int, int] = {}  # which of its two matrices each slot is used for

    def _holds_card(self, slot: int) -> bool:
        return self.card in self.ask(f"SYST:CTYP? {slot}")

    def _bounded(self, slot: int, row: int, column: int) -> tuple[int, int, int]:
        found = super()._bounded(slot, row, column)
        half = (row - 1) // ROWS_OF_ONE
        if self._halves.setdefault(slot, half) != half:
            raise ConfigError(
                f"{self.name}: rows 1 to 4 and rows 5 to 8 of a {self.card} are two separate matrices, each with "
                f"columns of its own, so row {row} of slot {slot} does not reach the columns of the other rows in use: "
                "take rows of one of them"
            )
        return found

    @classmethod
    def _name(cls, slot: int, row: int, column: int) -> str:
        return f"{slot}{row}{column:02d}"
