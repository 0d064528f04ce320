"""Keithley 7001 and 7002 switch systems with 7012 4x10 matrix cards, over SCPI. Emulated only.

PyMeasure has no driver of them. Crosspoints are written slot, row, column, such as ``1!1!5``. The manual was not at
hand. Public programs send ``:ROUT:CLOS``, ``:ROUT:OPEN``, ``:ROUT:OPEN ALL`` and ask ``:ROUT:CLOS? (@1!1!1:1!1!10)``,
which answers 1 or 0 for each channel. Assumptions: ``*OPC?`` and ``*WAI`` wait for the relays; a 7012 settles in 3 ms.
"""

import re
from typing import ClassVar

from .scpi.answers import word
from .scpi.matrix import CardMatrix
from .scpi.properties import slots_with
from .scpi.table import question
from .settings.keithley7001 import CARD, SETTINGS


class Keithley7001(CardMatrix):
    """A switch system of two slots, of which those with a 7012 are used."""

    model_name = "Keithley 7001"
    model_settle_s = 0.003
    open_all_command = ":ROUT:OPEN ALL"
    table = SETTINGS
    card = "7012 card"
    slots: ClassVar[range] = range(1, 3)
    rows = range(1, 5)
    columns = range(1, 11)
    form = re.compile(r"\s*(\d{1,2})\s*!\s*(\d{1,2})\s*!\s*(\d{1,2})\s*")
    example = "1!1!5"

    channels = slots_with(SETTINGS, slots, "slot_")

    def _holds_card(self, slot: int) -> bool:
        return self.query(question(SETTINGS["card_type"], slot), word) == CARD

    @classmethod
    def _name(cls, slot: int, row: int, column: int) -> str:
        return f"{slot}!{row}!{column}"


class Keithley7002(Keithley7001):
    """A switch system of ten slots."""

    model_name = "Keithley 7002"
    slots: ClassVar[range] = range(1, 11)

    channels = slots_with(SETTINGS, slots, "slot_")
