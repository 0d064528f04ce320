"""Emulated Keithley 7001 and 7002 switch systems with 7012 matrix cards of 4 by 10 crosspoints.

Crosspoints are written slot!row!column. Emulated only; the vendor's manual was not at hand, the commands are those of
public scripts. Assumed therefore: every slot holds a 7012; a move takes 4 ms (`settle_s`); a channel that does not
exist is error -222; ``:OPEN:ALL`` works as ``:OPEN ALL``; ``:ROUT:CLOS:STAT?`` answers the list of closed channels,
``(@)`` if there is none; ``:ROUT:CONF:SLOT<n>:STIM`` sets an extra settling time, and the longest of all slots counts.
"""

import re
from collections.abc import Iterable

from . import scpi_settings as setting
from . import scpi_values as values
from .scpi import Call, Command
from .scpi_matrix import Crosspoint, MatrixInstrument
from .scpi_status import ScpiError
from .world import World

_CHANNEL = re.compile(r"([0-9]{1,3})\s*!\s*([0-9]{1,3})\s*!\s*([0-9]{1,3})")


def _list(matrix: "Keithley7001", call: Call) -> list[Crosspoint]:
    return matrix.listed(values.channel_items(call.expect(1)[0]))


def _close(matrix: "Keithley7001", call: Call) -> None:
    matrix.moved({*matrix.closed, *_list(matrix, call)})


def _open(matrix: "Keithley7001", call: Call) -> None:
    every = values.matches(call.expect(1)[0], "ALL")
    matrix.moved(set() if every else matrix.closed - {*_list(matrix, call)})


def _open_all(matrix: "Keithley7001", call: Call) -> None:
    call.expect(0)
    matrix.moved(())


def _are_closed(matrix: "Keithley7001", call: Call) -> str:
    return ",".join(str(int(each in matrix.closed)) for each in _list(matrix, call))


def _are_open(matrix: "Keithley7001", call: Call) -> str:
    return ",".join(str(int(each not in matrix.closed)) for each in _list(matrix, call))


def _slot(matrix: "Keithley7001", call: Call) -> int:
    if call.suffixes[0] not in matrix.slots():
        raise ScpiError(-114)
    return call.suffixes[0]


def _set_settling(matrix: "Keithley7001", call: Call) -> None:
    matrix.extra_s[_slot(matrix, call)] = values.bounded(call.expect(1)[0], 0.0, 99999.999, 0.0)


def _settling(matrix: "Keithley7001", call: Call) -> str:
    return values.nr3(matrix.extra_s.get(_slot(matrix, call), 0.0))


def _card(matrix: "Keithley7001", call: Call) -> str:
    _slot(matrix, call)
    return "C7012"


class Keithley7001(MatrixInstrument):
    """Model 7001 with two slots."""

    model = "MODEL 7001"
    firmware = "B05  /A02"
    rows = 4
    columns = 10
    slot_count = 2
    most_suffix = 10
    commands = (
        Command("[:ROUTe]:CLOSe", _close, _are_closed),
        Command("[:ROUTe]:CLOSe:STATe", query=lambda matrix, _: matrix.list_text(matrix.closed)),
        Command("[:ROUTe]:OPEN", _open, _are_open),
        Command("[:ROUTe]:OPEN:ALL", _open_all),
        Command("[:ROUTe]:CONFigure:SLOT#:STIMe", _set_settling, _settling),
        Command("[:ROUTe]:CONFigure:SLOT#:CTYPe", query=_card),
        setting.flag("[:ROUTe]:CONFigure:BBMake", "break_before_make"),
    )

    def __init__(self, world: World, name: str, serial: str = "1234567", *, settle_s: float = 4e-3) -> None:
        super().__init__(world, name, serial, settle_s=settle_s)
        self.extra_s: dict[int, float] = {}
        self.break_before_make = True

    def reset(self) -> None:
        """Open every relay; no extra settling, break before make."""
        super().reset()
        self.extra_s = {}
        self.break_before_make = True

    def slots(self) -> Iterable[int]:
        """Return the slots, from 1."""
        return range(1, self.slot_count + 1)

    def moved(self, closed: Iterable[Crosspoint]) -> None:
        """Move relays and wait for the extra settling time as well."""
        before = self.closed
        self.move(closed)
        if self.closed != before and self.extra_s:
            self.world.wait(max(self.extra_s.values()))

    def parsed(self, text: str) -> Crosspoint:
        """Read slot!row!column."""
        found = _CHANNEL.fullmatch(text)
        if found is None:
            raise ScpiError(-222)
        return self.checked(*(int(each) for each in found.groups()))

    def written(self, crosspoint: Crosspoint) -> str:
        """Write slot!row!column."""
        return "!".join(map(str, crosspoint))


class Keithley7002(Keithley7001):
    """Model 7002 with ten slots."""

    model = "MODEL 7002"
    slot_count = 10
