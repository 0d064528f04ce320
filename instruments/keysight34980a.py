"""Keysight 34980A mainframe with 34932A dual 4x16 matrix modules, over SCPI. Emulated only.

PyMeasure has no driver of it. A crosspoint is written slot, row, two-digit column, such as ``1105``; rows 1 to 4 are
matrix 1 of the module, rows 5 to 8 matrix 2 (34980A help, ROUTe:CLOSe; numbering of the 34932A by analogy with the
34931A). The mainframe has no break-before-make setting, so what opens is written before what closes. The latching
relays keep their state when the power goes.
"""

import re
from functools import lru_cache
from typing import Any, ClassVar, cast

from pymeasure.adapters.adapter import Adapter
from pymeasure.instruments.channel import Channel
from pymeasure.instruments.instrument import Instrument

from crossbar_hil.errors import ConfigError, InstrumentError

from .scpi.matrix import ScpiMatrix, closed_of
from .scpi.properties import offers
from .settings.keysight34980a import SETTINGS

MODULE = "34932A"
ROWS_OF_ONE = 4
"""Rows of each of the two matrices of a module."""
BUS_RELAYS = (921, 922)
"""Relays that join rows 5 and 6 of a module to the analog bus (34931A to 34933A module guide, page 17)."""


@offers(SETTINGS, "{ch}")
class MatrixSlot(Channel):
    """One slot of the mainframe."""

    table = SETTINGS


class Keysight34980A(ScpiMatrix):
    """A mainframe of eight slots, of which those with a 34932A are used."""

    model_name = "Keysight 34980A"
    model_settle_s = 0.004
    open_command = "ROUT:OPEN"
    close_command = "ROUT:CLOS"
    open_all_command = "ROUT:OPEN:ALL"
    table = SETTINGS
    slots: ClassVar[range] = range(1, 9)
    rows = range(1, 9)
    columns = range(1, 17)

    channels = Instrument.MultiChannelCreator(cast("Any", MatrixSlot), cast("Any", list(range(1, 9))), prefix="slot_")

    _modules: tuple[int, ...] = ()

    def __init__(self, adapter: Adapter | str | int, name: str = "", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
        self._halves: dict[int, int] = {}  # which of its two matrices each slot is used for

    def modules(self) -> tuple[int, ...]:
        """Ask which slots hold a 34932A; an InstrumentError if none does."""
        self._modules = tuple(slot for slot in self.slots if MODULE in self.ask(f"SYST:CTYP? {slot}"))
        if not self._modules:
            raise InstrumentError(f"{self.name} has no {MODULE} in slots 1 to 8")
        self._good.clear()  # what was judged before may be in a slot without one
        return self._modules

    def connected(self) -> frozenset[str]:
        """Ask which crosspoints are closed, of the slots that hold a 34932A."""
        if not self._modules:
            self.modules()
        return super().connected()

    def _prepare(self) -> None:
        """See which modules are there, which may have been changed since, and take them off the analog bus."""
        self._set_up(self.modules())

    def _bounded(self, slot: int, row: int, column: int) -> tuple[int, int, int]:
        found = super()._bounded(slot, row, column)
        half = (row - 1) // ROWS_OF_ONE
        if self._halves.setdefault(slot, half) != half:
            raise ConfigError(
                f"{self.name}: rows 1 to 4 and rows 5 to 8 of a {MODULE} are two separate matrices, each with columns "
                f"of its own, so row {row} of slot {slot} does not reach the columns of the other rows in use: take "
                "rows of one of them"
            )
        return found

    def _name(self, slot: int, row: int, column: int) -> str:
        return f"{slot}{row}{column:02d}"

    def _place(self, crosspoint: str) -> tuple[int, int, int]:
        found = re.fullmatch(r"(\d)(\d)(\d\d)", crosspoint)
        if found is None:
            raise ConfigError(f"{crosspoint!r} is no crosspoint of {self.name}, such as 1105")
        slot = int(found[1])
        if self._modules and slot in self.slots and slot not in self._modules:
            raise ConfigError(f"{crosspoint!r}: slot {slot} of {self.name} holds no {MODULE}")
        return slot, int(found[2]), int(found[3])

    def _closed_queries(self) -> list[str]:
        return [_closed_query(self._modules)]

    def _parse_closed(self, reply: str) -> frozenset[str]:
        return _closed(self._modules, reply)


@lru_cache(maxsize=64)
def _closed_query(modules: tuple[int, ...]) -> str:
    spans = [
        *(f"{slot}{row}01:{slot}{row}16" for slot in modules for row in Keysight34980A.rows),
        *(f"{slot}{relay}" for slot in modules for relay in BUS_RELAYS),
    ]
    return f"ROUT:CLOS? (@{','.join(spans)})"


@lru_cache(maxsize=1024)
def _closed(modules: tuple[int, ...], reply: str) -> frozenset[str]:
    """Return the crosspoints, and relays to the analog bus, that an answer says are closed."""
    names = [
        *(
            f"{slot}{row}{column:02d}"
            for slot in modules
            for row in Keysight34980A.rows
            for column in Keysight34980A.columns
        ),
        *(f"{slot}{relay}" for slot in modules for relay in BUS_RELAYS),
    ]
    return closed_of(names, reply)
