"""The modules of an emulated Keysight 34980A, their relays, and what it remembers of them."""

import re
from collections.abc import Iterable, Mapping

from crossbar_hil.errors import ConfigError

from ...scpi import values
from ...scpi.matrix import Crosspoint, MatrixInstrument
from ...scpi.status import Register, ScpiError
from ...world.world import World
from .modules import BUS_COLUMNS, BUS_ROW, MODULES, Module

SLOTS = range(1, 9)
_CHANNEL = re.compile(r"([0-9])([0-9]{3})")


def slot_number(text: str) -> int:
    """Read the number of a slot."""
    return values.integer(text, SLOTS[0], SLOTS[-1])


class Keysight34980AState(MatrixInstrument):
    """What every command of a 34980A acts on.

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
        self.alarm = Register()
        self.delays_s: dict[Crosspoint, float] = {}
        """Delay after a relay has closed."""
        self.protections: dict[int, str] = {}

    def reset(self) -> None:
        """Open every relay and forget channel delays."""
        super().reset()
        self.delays_s.clear()

    def move(self, closed: Iterable[Crosspoint], settle: bool = True) -> None:
        """Move relays, and wait for the longest delay of those that close."""
        before = self.closed
        super().move(closed, settle)
        delay_s = max((self.delays_s.get(each, 0.0) for each in self.closed - before), default=0.0)
        if delay_s:
            self.world.wait(delay_s)

    def registers(self) -> Iterable[Register]:
        """Return the operation, questionable and alarm registers."""
        return *super().registers(), self.alarm

    def status_bits(self) -> int:
        """Alarm summary in bit 1, questionable in 3, operation in 7."""
        return self.alarm.summary << 1 | super().status_bits()

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

    def column_node(self, slot: int, row: int, column: int) -> str:
        """Return the node of a column of that of the two matrices in a module which the row is of."""
        known = slot in self.modules
        return self.nodes(Crosspoint(slot, row, column))[1] if known else super().column_node(slot, row, column)

    def crosspoint(self, text: str) -> Crosspoint:
        """Read slot and channel; -222 if the instrument has none such."""
        found = _CHANNEL.fullmatch(text)
        if found is None or int(found[1]) not in self.modules:
            raise ScpiError(-222)
        slot = int(found[1])
        return Crosspoint(slot, *self.modules[slot].place(found[2]))

    def channel_name(self, crosspoint: Crosspoint) -> str:
        """Write slot and channel."""
        slot, row, column = crosspoint
        return f"{slot}{self.modules[slot].channel(row, column)}"
