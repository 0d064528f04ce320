"""Keithley 7001 and 7002 switch systems with 7012 4x10 matrix cards, over SCPI. Emulated only.

PyMeasure has no driver of them. Crosspoints are written slot, row, column, such as ``1!1!5``. The manual was not at
hand. Public programs send ``:ROUT:CLOS``, ``:ROUT:OPEN``, ``:ROUT:OPEN ALL`` and ask ``:ROUT:CLOS? (@1!1!1:1!1!10)``,
which answers 1 or 0 for each channel. Assumptions: ``*OPC?`` and ``*WAI`` wait for the relays; a 7012 settles in 3 ms.
"""

import re
from functools import lru_cache
from typing import Any, ClassVar, cast

from pymeasure.instruments.channel import Channel
from pymeasure.instruments.instrument import Instrument

from crossbar_hil.errors import ConfigError, InstrumentError

from .scpi.answers import word
from .scpi.matrix import ScpiMatrix, closed_of
from .scpi.properties import offers
from .scpi.table import question
from .settings.keithley7001 import CARD, SETTINGS

_NAME = re.compile(r"\s*(\d{1,2})\s*!\s*(\d{1,2})\s*!\s*(\d{1,2})\s*")


@offers(SETTINGS, "{ch}")
class Slot7001(Channel):
    """One slot of the mainframe."""

    table = SETTINGS


class Keithley7001(ScpiMatrix):
    """A switch system of two slots, of which those with a 7012 are used."""

    model_name = "Keithley 7001"
    model_settle_s = 0.003
    open_all_command = ":ROUT:OPEN ALL"
    table = SETTINGS
    slots: ClassVar[range] = range(1, 3)
    rows = range(1, 5)
    columns = range(1, 11)

    channels = Instrument.MultiChannelCreator(cast("Any", Slot7001), cast("Any", [1, 2]), prefix="slot_")

    _cards: tuple[int, ...] = ()

    def cards(self) -> tuple[int, ...]:
        """Ask which slots hold a 7012; an InstrumentError if none does."""
        asked = SETTINGS["card_type"]
        self._cards = tuple(slot for slot in self.slots if self.query(question(asked, slot), word) == CARD)
        if not self._cards:
            raise InstrumentError(f"{self.name} has no 7012 card in slots {self.slots[0]} to {self.slots[-1]}")
        self._good.clear()  # what was judged before may be in a slot without one
        return self._cards

    def connected(self) -> frozenset[str]:
        """Ask which crosspoints are closed, of the slots that hold a 7012."""
        if not self._cards:
            self.cards()
        return super().connected()

    def _prepare(self) -> None:
        """See which cards are there, and note how they are set."""
        self._set_up(self.cards())

    def _name(self, slot: int, row: int, column: int) -> str:
        return f"{slot}!{row}!{column}"

    def _place(self, crosspoint: str) -> tuple[int, int, int]:
        found = _NAME.fullmatch(crosspoint)
        if found is None:
            raise ConfigError(f"{crosspoint!r} is no crosspoint of {self.name}, such as 1!1!5")
        slot = int(found[1])
        if self._cards and slot in self.slots and slot not in self._cards:
            asked = question(SETTINGS["card_type"], slot)
            raise ConfigError(f"{crosspoint!r}: slot {slot} of {self.name} holds no 7012 card, as {asked} says")
        return slot, int(found[2]), int(found[3])

    def _closed_queries(self) -> list[str]:
        return [_closed_query(self._cards)]

    def _parse_closed(self, reply: str) -> frozenset[str]:
        return _closed(self._cards, reply)


class Keithley7002(Keithley7001):
    """A switch system of ten slots."""

    model_name = "Keithley 7002"
    slots: ClassVar[range] = range(1, 11)

    channels = Instrument.MultiChannelCreator(cast("Any", Slot7001), cast("Any", list(range(1, 11))), prefix="slot_")


@lru_cache(maxsize=64)
def _closed_query(cards: tuple[int, ...]) -> str:
    spans = [f"{slot}!{row}!1:{slot}!{row}!10" for slot in cards for row in Keithley7001.rows]
    return f":ROUT:CLOS? (@{','.join(spans)})"


@lru_cache(maxsize=1024)
def _closed(cards: tuple[int, ...], reply: str) -> frozenset[str]:
    """Return the crosspoints that an answer says are closed."""
    names = [f"{slot}!{row}!{column}" for slot in cards for row in Keithley7001.rows for column in Keithley7001.columns]
    return closed_of(names, reply)
