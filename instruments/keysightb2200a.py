"""Keysight B2200A and B2201A 14-channel switch matrices over SCPI. Emulated only.

PyMeasure has no driver of them. A crosspoint is written card, two-digit input, two-digit output, such as ``00105``;
card 0 is all cards as one matrix (automatic configuration mode, user's guide page 5-39), cards 1 to 4 are each by
itself, with outputs 1 to 12. Which of the two modes the instrument is in is not changed here. Settling is not
published; 10 ms are assumed.
"""

import re
from dataclasses import replace
from typing import Any, ClassVar

from pymeasure.adapters.adapter import Adapter

from crossbar_hil.errors import ConfigError, GarbledReply
from crossbar_hil.instrument import NOT_TOLD, Identity

from .scpi.matrix import ScpiMatrix, channels
from .scpi.properties import slots_with
from .settings.keysightb2200a import SETTINGS

OUTPUTS_OF_CARD = 12


class KeysightB2200A(ScpiMatrix):
    """A B2200A of up to four cards, with 14 inputs and 12 outputs each."""

    model_name = "Keysight B2200A"
    model_settle_s = 0.01
    open_command = ":OPEN"
    close_command = ":CLOS"
    open_all_command = ":OPEN:CARD ALL"
    table = SETTINGS
    slots: ClassVar[range] = range(5)
    rows = range(1, 15)
    columns = range(1, 49)
    form = re.compile(r"(\d)(\d\d)(\d\d)")
    example = "00105"

    cards = slots_with(SETTINGS, slots, "card_")  # card 0 is all of them as one matrix

    def __init__(self, adapter: Adapter | str | int, name: str = "", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
        self._used: set[int] = set()
        self._ready = False

    def identify(self) -> Identity:
        """Ask who answers; every B2200A answers serial number 0 (user's guide, page 5-7)."""
        found = super().identify()
        return replace(found, serial=NOT_TOLD) if found.serial == "0" else found

    def _prepare(self) -> None:
        """Take the cards as they are named, as one or one by one, and let nothing but `connect` move a relay.

        That is: no single route, no bias, ground or couple mode. A change of configuration opens every relay.
        """
        self._used = self._used or {0}
        self._ready = True
        configuration = "ACON" if self._used == {0} else "NCON"
        if self.ask(":FUNC?").strip() != configuration:
            self.apply(f":FUNC {configuration}")
        self._set_up(self._cards())

    def _bounded(self, slot: int, row: int, column: int) -> tuple[int, int, int]:
        found = super()._bounded(slot, row, column)
        if slot and column > OUTPUTS_OF_CARD:
            raise ConfigError(f"{self.name} has no column {column} on card {slot}: columns are 1 to {OUTPUTS_OF_CARD}")
        if self._used and (0 in self._used) != (slot == 0):
            raise ConfigError(f"{self.name}: slot {slot} does not go with {sorted(self._used)}; 0 is all cards as one")
        if self._ready and slot not in self._used:
            raise ConfigError(f"{self.name}: card {slot} was not named before the matrix was prepared")
        self._used.add(slot)
        return found

    def _cards(self) -> list[int]:
        """Return the cards in use, which are those of the crosspoints named so far."""
        return sorted(self._used) or [0]

    @classmethod
    def _name(cls, slot: int, row: int, column: int) -> str:
        return f"{slot}{row:02d}{column:02d}"

    def _closed_queries(self) -> list[str]:
        return [f":CLOS:CARD? {card}" for card in self._cards()]

    def _parse_closed(self, reply: str) -> frozenset[str]:
        names = channels(reply)
        if wrong := [name for name in names if not re.fullmatch(r"\d{5}", name)]:
            raise GarbledReply(f"{wrong[0]!r} is no crosspoint")
        return frozenset(names)


class KeysightB2201A(KeysightB2200A):
    """A B2201A, the low-leakage model with the same commands."""

    model_name = "Keysight B2201A"
