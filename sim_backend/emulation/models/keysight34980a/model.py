"""An emulated Keysight 34980A multifunction switch unit with matrix modules.

Channels are written slot and then as the module in it numbers them: 1203 is slot 1, row 2, column 3 of a 34932A
(34980A command reference, ROUTe:CLOSe). Moves take 4 ms (data sheet, table 4). Emulated only. Assumed, as no page says
it: every slot holds a 34932A unless `modules` or `installed` say otherwise, an illegal channel is error -222, and an
exclusive close opens first, settles, then closes. The internal multimeter, an option, is not fitted.
"""

import re
from collections.abc import Iterable, Mapping

from crossbar_hil.errors import ConfigError

from ...scpi import memory as scpi_memory
from ...scpi import values
from ...scpi.matrix import Crosspoint, MatrixInstrument
from ...scpi.messages import Call, Command
from ...scpi.status import Register, ScpiError
from ...world.world import World
from . import system as keysight34980a_system
from .modules import BUS_COLUMNS, BUS_ROW, MODULES, Module
from .system import SLOTS, Frame

_CHANNEL = re.compile(r"([0-9])([0-9]{3})")


def _list(matrix: "EmulatedKeysight34980A", call: Call) -> list[Crosspoint]:
    return matrix.listed(values.channel_items(call.expect(1)[0]))


def _close(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    matrix.move({*matrix.closed, *_list(matrix, call)})


def _close_only(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    """Open everything on the modules that the list names, then close the list."""
    wanted = _list(matrix, call)
    modules = {each.slot for each in wanted}
    kept = {each for each in matrix.closed if each.slot not in modules}
    matrix.move(kept)
    matrix.move(kept.union(wanted))


def _open(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    matrix.move(matrix.closed - {*_list(matrix, call)})


def _open_all(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    arguments = call.expect(0, 1)
    if not arguments or values.matches(arguments[0], "ALL"):
        matrix.move(())
        return
    slot = values.integer(arguments[0], SLOTS[0], SLOTS[-1])
    matrix.move({each for each in matrix.closed if each.slot != slot})


def _open_bus(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    """Open the relays to the analog bus, of one line of it or of all."""
    arguments = call.expect(0, 1)
    every = not arguments or values.matches(arguments[0], "ALL")
    column = 0 if every else 20 + values.integer(arguments[0], 1, 4)
    matrix.move({each for each in matrix.closed if each.row != BUS_ROW or (not every and each.column != column)})


def _cycles(matrix: "EmulatedKeysight34980A", call: Call) -> str:
    return ",".join(f"{matrix.operations[each]:+d}" for each in _list(matrix, call))


def _clear_cycles(matrix: "EmulatedKeysight34980A", call: Call) -> None:
    for each in _list(matrix, call):
        del matrix.operations[each]


class EmulatedKeysight34980A(MatrixInstrument):
    """Model 34980A.

    Parameters
    ----------
    installed : iterable of int
        Slots that hold a 34932A.
    modules : mapping of int to str, optional
        Modules by their slots instead, such as ``{1: "34932A", 2: "34934A-8x64"}``; see `MODULES`.
    settle_s : float
        Time that a move of relays takes, in seconds.

    Raises
    ------
    ConfigError
        If a module is none that is known, or a slot is none of the frame.
    """

    maker = "Agilent Technologies"
    model = "34980A"
    firmware = "2.51-2.43-2.07-1.05"
    queue_depth = 20
    accepts_units = True
    commands = (
        Command("[:ROUTe]:CLOSe", _close, lambda matrix, call: matrix.states(call)),
        Command("[:ROUTe]:CLOSe:EXCLusive", _close_only),
        Command("[:ROUTe]:OPEN", _open, lambda matrix, call: matrix.states(call, closed=False)),
        Command("[:ROUTe]:OPEN:ALL", _open_all),
        Command("[:ROUTe]:OPEN:ABUS", _open_bus),
        Command(":DIAGnostic:RELay:CYCLes", query=_cycles),
        Command(":DIAGnostic:RELay:CYCLes:CLEar", _clear_cycles),
        *keysight34980a_system.COMMANDS,
        *scpi_memory.commands(range(6)),
    )

    def __init__(
        self,
        world: World,
        name: str,
        serial: str = "MY44001234",
        *,
        installed: Iterable[int] = SLOTS,
        modules: Mapping[int, str] | None = None,
        settle_s: float = 4e-3,
    ) -> None:
        super().__init__(world, name, serial, settle_s=settle_s)
        self.modules: dict[int, Module] = {}
        for slot, model in sorted((modules or dict.fromkeys(installed, "34932A")).items()):
            if model not in MODULES or slot not in SLOTS:
                raise ConfigError(f"slot {slot} cannot hold {model!r}; slots are 1 to 8, modules {', '.join(MODULES)}")
            self.modules[slot] = MODULES[model]
        self.frame = Frame()
        self.operation, self.questionable, self.alarm = Register(), Register(), Register()

    def reset(self) -> None:
        """Open every relay and forget channel delays."""
        super().reset()
        self.frame.delays_s.clear()

    def move(self, closed: Iterable[Crosspoint], settle: bool = True) -> None:
        """Move relays, and wait for the longest delay of those that close."""
        before = self.closed
        super().move(closed, settle)
        delay_s = max((self.frame.delays_s.get(each, 0.0) for each in self.closed - before), default=0.0)
        if delay_s:
            self.world.wait(delay_s)

    def registers(self) -> Iterable[Register]:
        """Return the operation, questionable and alarm registers."""
        return self.operation, self.questionable, self.alarm

    def status_bits(self) -> int:
        """Alarm summary in bit 1, questionable in 3, operation in 7."""
        return self.alarm.summary << 1 | self.questionable.summary << 3 | self.operation.summary << 7

    def slots(self) -> Iterable[int]:
        """Return the slots that hold a module."""
        return self.modules

    def size(self, slot: int) -> tuple[int, int]:
        """Return how many rows and columns the module in a slot has."""
        return self.modules[slot].rows, self.modules[slot].columns

    def everything(self) -> list[Crosspoint]:
        """Return every crosspoint there is, those to the analog bus too, sorted."""
        buses = [
            Crosspoint(slot, BUS_ROW, column)
            for slot, module in self.modules.items()
            if module.dual
            for column in BUS_COLUMNS
        ]
        return sorted([*super().everything(), *buses])

    def nodes(self, crosspoint: Crosspoint) -> tuple[str, str]:
        """Return the two nodes that a relay joins."""
        slot, row, column = crosspoint
        return self.modules[slot].nodes(self.name, slot, row, column)

    def parsed(self, text: str) -> Crosspoint:
        """Read slot and channel."""
        found = _CHANNEL.fullmatch(text)
        if found is None or int(found[1]) not in self.modules:
            raise ScpiError(-222)
        slot = int(found[1])
        return Crosspoint(slot, *self.modules[slot].place(found[2]))

    def written(self, crosspoint: Crosspoint) -> str:
        """Write slot and channel."""
        slot, row, column = crosspoint
        return f"{slot}{self.modules[slot].channel(row, column)}"
