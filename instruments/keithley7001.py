"""Keithley 7001 and 7002 switch systems with 7012 4x10 matrix cards, over SCPI. Emulated only.

PyMeasure has no driver of them. Crosspoints are written slot, row, column, such as ``1!1!5``. The manual was not at
hand. Public scripts send ``:ROUT:CLOS``, ``:ROUT:OPEN``, ``:ROUT:OPEN ALL`` and ``:ROUT:CLOS:STAT?``. Assumptions: the
last answers the closed crosspoints as a channel list in which ranges of columns may stand, as that of the 6517A does;
``:ROUT:CONF:BBM`` is break-before-make; ``*OPC?`` waits for the relays; a 7012 settles in 3 ms.
"""

import re
from functools import lru_cache
from typing import ClassVar

from pymeasure.instruments.instrument import Instrument

from crossbar_hil.errors import ConfigError, GarbledReply

from .scpi.matrix import ScpiMatrix, channels
from .scpi.properties import switch_property

_NAME = re.compile(r"\s*(\d{1,2})\s*!\s*(\d{1,2})\s*!\s*(\d{1,2})\s*")


class Keithley7001(ScpiMatrix):
    """A switch system of two slots."""

    model_name = "Keithley 7001"
    model_settle_s = 0.003
    open_all_command = ":ROUT:OPEN ALL"
    slots: ClassVar[range] = range(1, 3)
    rows = range(1, 5)
    columns = range(1, 11)

    break_before_make_enabled = switch_property(":ROUT:CONF:BBM", "relays open before others close")
    closed_channels = Instrument.measurement(
        ":ROUT:CLOS:STAT?",
        """Get the closed crosspoints (list of str).""",
        cast=str,
        maxsplit=0,
        get_process=channels,
    )

    def _prepare(self) -> None:
        self.apply(":ROUT:CONF:BBM ON")
        self.read_back({":ROUT:CONF:BBM?": True})

    def _name(self, slot: int, row: int, column: int) -> str:
        return f"{slot}!{row}!{column}"

    def _place(self, crosspoint: str) -> tuple[int, int, int]:
        found = _NAME.fullmatch(crosspoint)
        if found is None:
            raise ConfigError(f"{crosspoint!r} is no crosspoint of {self.name}, such as 1!1!5")
        return int(found[1]), int(found[2]), int(found[3])

    def _closed_queries(self) -> list[str]:
        return [":ROUT:CLOS:STAT?"]

    def _parse_closed(self, reply: str) -> frozenset[str]:
        return closed_crosspoints(reply)


class Keithley7002(Keithley7001):
    """A switch system of ten slots."""

    model_name = "Keithley 7002"
    slots: ClassVar[range] = range(1, 11)


@lru_cache(maxsize=256)
def closed_crosspoints(reply: str) -> frozenset[str]:
    """Return the crosspoints of a channel list in which ranges of columns may stand.

    >>> sorted(closed_crosspoints("(@1!2!3:1!2!4,2!4!1)"))
    ['1!2!3', '1!2!4', '2!4!1']
    """
    names: set[str] = set()
    for entry in channels(reply):
        first, _, last = entry.partition(":")
        begin, end = _NAME.fullmatch(first), _NAME.fullmatch(last or first)
        if begin is None or end is None or begin[1] != end[1] or begin[2] != end[2]:
            raise GarbledReply(f"{entry!r} is neither a crosspoint nor a range of columns")
        row = f"{int(begin[1])}!{int(begin[2])}"
        for column in range(int(begin[3]), int(end[3]) + 1):
            names.add(f"{row}!{column}")
    return frozenset(names)
