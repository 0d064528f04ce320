"""Emulated Keithley 7001 and 7002 switch systems with 7012 matrix cards of 4 by 10 crosspoints.

Crosspoints are written slot!row!column. Emulated only; the vendor's manual was not at hand, the commands are those of
public scripts. Assumed therefore: every slot holds a 7012; a move takes 4 ms (`settle_s`); a channel that does not
exist is error -222; ``:OPEN:ALL`` works as ``:OPEN ALL``; ``:ROUT:CLOS:STAT?`` answers the list of closed channels,
``(@)`` if there is none; ``:ROUT:CONF:SLOT<n>:STIM`` sets an extra settling time, and the longest of all slots counts;
a card that is chosen by hand is stored only. Scans and relay patterns are in `keithley7001_scan`.
"""

import re
from collections.abc import Iterable

from ...scpi import memory as scpi_memory
from ...scpi import settings as setting
from ...scpi import values
from ...scpi.matrix import Crosspoint, MatrixInstrument
from ...scpi.messages import Call, Command
from ...scpi.status import Register, ScpiError
from ...world.world import World
from . import scan as keithley7001_scan
from .scan import Panel, Scan

CARD = "C7012"
LONGEST_SETTLING_S = 99999.999


def _list(matrix: "EmulatedKeithley7001", call: Call) -> list[Crosspoint]:
    return matrix.listed(values.channel_items(call.expect(1)[0]))


def _close(matrix: "EmulatedKeithley7001", call: Call) -> None:
    matrix.moved({*matrix.closed, *_list(matrix, call)})


def _open(matrix: "EmulatedKeithley7001", call: Call) -> None:
    every = values.matches(call.expect(1)[0], "ALL")
    matrix.moved(set() if every else matrix.closed - {*_list(matrix, call)})


def _slot(matrix: "EmulatedKeithley7001", call: Call) -> int:
    if call.suffixes[0] not in matrix.slots():
        raise ScpiError(-114)
    return call.suffixes[0]


def _set_settling(matrix: "EmulatedKeithley7001", call: Call) -> None:
    matrix.extra_s[_slot(matrix, call)] = values.bounded(call.expect(1)[0], 0.0, LONGEST_SETTLING_S, 0.0)


def _settling(matrix: "EmulatedKeithley7001", call: Call) -> str:
    return values.nr3(matrix.extra_s.get(_slot(matrix, call), 0.0))


def _set_card(matrix: "EmulatedKeithley7001", call: Call) -> None:
    _slot(matrix, call)
    name = call.expect(1)[0].upper()
    if not re.fullmatch("C[0-9]{4}|NONE", name):
        raise ScpiError(-141)
    matrix.cards[_slot(matrix, call)] = name


def _card(matrix: "EmulatedKeithley7001", call: Call) -> str:
    return matrix.cards.get(_slot(matrix, call), CARD)


def _set_poles(matrix: "EmulatedKeithley7001", call: Call) -> None:
    matrix.panel.poles[_slot(matrix, call)] = str(values.integer(call.expect(1)[0], 1, 4))


def _poles(matrix: "EmulatedKeithley7001", call: Call) -> str:
    return matrix.panel.poles.get(_slot(matrix, call), "2")


class EmulatedKeithley7001(MatrixInstrument):
    """Model 7001 with two slots."""

    model = "MODEL 7001"
    firmware = "B05  /A02"
    channel_pattern = re.compile(r"([0-9]{1,3})\s*!\s*([0-9]{1,3})\s*!\s*([0-9]{1,3})")
    rows = 4
    columns = 10
    slot_count = 2
    most_suffix = 10
    commands = (
        Command("[:ROUTe]:CLOSe", _close, lambda matrix, call: matrix.states(call)),
        Command("[:ROUTe]:CLOSe:STATe", query=lambda matrix, _: matrix.list_text(matrix.closed)),
        Command("[:ROUTe]:OPEN", _open, lambda matrix, call: matrix.states(call, closed=False)),
        setting.action("[:ROUTe]:OPEN:ALL", lambda matrix: matrix.moved(())),
        Command("[:ROUTe]:CONFigure:SLOT#:STIMe", _set_settling, _settling),
        Command("[:ROUTe]:CONFigure:SLOT#:CTYPe", _set_card, _card),
        Command("[:ROUTe]:CONFigure:SLOT#:POLE", _set_poles, _poles),
        setting.flag("[:ROUTe]:CONFigure:BBMake", "break_before_make"),
        *keithley7001_scan.COMMANDS,
        *scpi_memory.commands(range(10)),
    )

    def __init__(self, world: World, name: str, serial: str = "1234567", *, settle_s: float = 4e-3) -> None:
        super().__init__(world, name, serial, settle_s=settle_s)
        self.extra_s: dict[int, float] = {}
        self.cards: dict[int, str] = {}
        self.break_before_make = True
        self.scan, self.panel = Scan(), Panel()
        self.patterns: dict[int, frozenset[Crosspoint]] = {}
        self.operation, self.questionable = Register(), Register()

    def reset(self) -> None:
        """Open every relay; no extra settling, break before make, no scan."""
        super().reset()
        self.extra_s = {}
        self.break_before_make = True
        self.scan = Scan()

    def trigger(self) -> None:
        """Take the next step of a scan that waits for the bus."""
        if not any(each.source == "BUS" for each in self.scan.layers()):
            raise ScpiError(-211)
        keithley7001_scan.step(self)

    def registers(self) -> Iterable[Register]:
        """Return the operation and questionable registers."""
        return self.operation, self.questionable

    def status_bits(self) -> int:
        """Questionable in bit 3, operation in bit 7."""
        return self.questionable.summary << 3 | self.operation.summary << 7

    def slots(self) -> Iterable[int]:
        """Return the slots, from 1."""
        return range(1, self.slot_count + 1)

    def moved(self, closed: Iterable[Crosspoint]) -> None:
        """Move relays and wait for the extra settling time as well."""
        before = self.closed
        self.move(closed)
        if self.closed != before and self.extra_s:
            self.world.wait(max(self.extra_s.values()))

    def written(self, crosspoint: Crosspoint) -> str:
        """Write slot!row!column."""
        return "!".join(map(str, crosspoint))


class EmulatedKeithley7002(EmulatedKeithley7001):
    """Model 7002 with ten slots."""

    model = "MODEL 7002"
    slot_count = 10
