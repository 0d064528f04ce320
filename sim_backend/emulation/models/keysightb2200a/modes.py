"""Settings of a card of an emulated Keysight B2200A, and the commands of its bias, ground and couple modes.

Bias mode joins every enabled output that is in no other use to the bias port, ground mode to the ground port
(B2200A/B2201A user's guide, page 5-33). Couple mode closes with an odd input also the next one, to the next output.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...scpi import values
from ...scpi.matrix import Crosspoint
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError

if TYPE_CHECKING:
    from .model import EmulatedKeysightB2200A

INPUTS, CARDS = 14, 4


@dataclass
class Idle:
    """Bias or ground mode of one card: what its idle outputs are joined to."""

    port: int
    outputs: set[int]
    on: bool = False
    unused: tuple[int, ...] = ()
    """Inputs whose connections do not count as a use of an output (ground mode only)."""


@dataclass
class Card:
    """Settings of one card."""

    columns: int
    rule: str = "SROU"
    sequence: str = "BBM"
    couple: bool = False
    couple_ports: tuple[int, ...] = ()
    bias: Idle = field(init=False)
    ground: Idle = field(init=False)

    def __post_init__(self) -> None:
        every = set(range(1, self.columns + 1))
        self.bias, self.ground = Idle(10, set(every)), Idle(12, set(every))

    @property
    def idle(self) -> Idle | None:
        """The mode that is on; never both."""
        return next((each for each in (self.bias, self.ground) if each.on), None)

    def automatic(self, requested: Iterable[Crosspoint], number: int) -> set[Crosspoint]:
        """Return the relays that the mode closes: every enabled output that is in no other use."""
        idle = self.idle
        if idle is None:
            return set()
        used = {each.column for each in requested if each.row not in (idle.port, *idle.unused)}
        return {Crosspoint(number, idle.port, output) for output in idle.outputs - used}


def card_number(matrix: "EmulatedKeysightB2200A", text: str) -> int:
    """Read the number of a card that there is."""
    number = values.integer(text, 0, CARDS)
    if number not in matrix.cards:
        raise ScpiError(-222)
    return number


def card_numbers(matrix: "EmulatedKeysightB2200A", text: str) -> list[int]:
    """Read the number of a card, or ``ALL``."""
    return sorted(matrix.cards) if values.matches(text, "ALL") else [card_number(matrix, text)]


def _inputs(text: str) -> tuple[int, ...]:
    """Read a quoted list of inputs."""
    inside = values.string(text).strip()
    return tuple(values.integer(each.strip(), 1, INPUTS) for each in inside.split(",")) if inside else ()


def of_mode(pattern: str, key: str) -> tuple[Command, ...]:
    """Declare the commands of bias mode or of ground mode."""

    def mode(matrix: "EmulatedKeysightB2200A", number: int) -> Idle:
        found: Idle = getattr(matrix.cards[number], key)
        return found

    def switch(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
        card, text = call.expect(2)
        on, numbers = values.boolean(text), card_numbers(matrix, card)
        if on and any(matrix.cards[each].idle not in (None, mode(matrix, each)) for each in numbers):
            raise ScpiError(-221)
        for each in numbers:
            mode(matrix, each).on = on
        matrix.route(matrix.requested)

    def set_port(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
        card, text = call.expect(2)
        port, numbers = values.integer(text, 1, INPUTS), card_numbers(matrix, card)
        if any(mode(matrix, each).on for each in numbers):
            raise ScpiError(-221)
        for each in numbers:
            mode(matrix, each).port = port

    def set_unused(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
        card, text = call.expect(2)
        inputs = _inputs(text)
        for each in card_numbers(matrix, card):
            mode(matrix, each).unused = inputs
        matrix.route(matrix.requested)

    def enable(on: bool) -> Command:
        def write(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
            for card, output in matrix.outputs(values.channel_items(call.expect(1)[0])):
                (mode(matrix, card).outputs.add if on else mode(matrix, card).outputs.discard)(output)
            matrix.route(matrix.requested)

        return Command(f"[:ROUTe]:{pattern}:CHANnel:{'ENABle' if on else 'DISable'}", write)

    def enable_card(on: bool) -> Command:
        def write(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
            for each in card_numbers(matrix, call.expect(1)[0]):
                mode(matrix, each).outputs = set(range(1, matrix.columns + 1)) if on else set()
            matrix.route(matrix.requested)

        return Command(f"[:ROUTe]:{pattern}:CHANnel:{'ENABle' if on else 'DISable'}:CARD", write)

    def is_on(matrix: "EmulatedKeysightB2200A", call: Call) -> str:
        return str(int(mode(matrix, card_number(matrix, call.expect(1)[0])).on))

    def port(matrix: "EmulatedKeysightB2200A", call: Call) -> str:
        return str(mode(matrix, card_number(matrix, call.expect(1)[0])).port)

    def unused(matrix: "EmulatedKeysightB2200A", call: Call) -> str:
        inputs = mode(matrix, card_number(matrix, call.expect(1)[0])).unused
        return f"'{','.join(map(str, inputs))}'"

    def enabled(matrix: "EmulatedKeysightB2200A", call: Call) -> str:
        asked = matrix.outputs(values.channel_items(call.expect(1)[0]))
        return ",".join(str(int(output in mode(matrix, card).outputs)) for card, output in asked)

    ground = (Command(f"[:ROUTe]:{pattern}:UNUSED", set_unused, unused),) if key == "ground" else ()
    return (
        Command(f"[:ROUTe]:{pattern}[:STATe]", switch, is_on),
        Command(f"[:ROUTe]:{pattern}:PORT", set_port, port),
        enable(True),
        enable(False),
        Command(f"[:ROUTe]:{pattern}:CHANnel:ENABle", query=enabled),
        enable_card(True),
        enable_card(False),
        *ground,
    )


def _set_couple(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
    card, text = call.expect(2)
    on = values.boolean(text)
    for each in card_numbers(matrix, card):
        matrix.cards[each].couple = on


def _couple(matrix: "EmulatedKeysightB2200A", call: Call) -> str:
    return str(int(matrix.cards[card_number(matrix, call.expect(1)[0])].couple))


def _set_couple_ports(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
    card, text = call.expect(2)
    ports = _inputs(text)
    if any(each % 2 == 0 for each in ports):
        raise ScpiError(-222)
    for each in card_numbers(matrix, card):
        matrix.cards[each].couple_ports = ports


def _couple_ports(matrix: "EmulatedKeysightB2200A", call: Call) -> str:
    return f"'{','.join(map(str, matrix.cards[card_number(matrix, call.expect(1)[0])].couple_ports))}'"


def _detect(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
    """Look for cables that join two inputs; there are none here, so no pair is coupled."""
    call.expect(0)
    for each in matrix.cards.values():
        each.couple_ports = ()


COMMANDS: tuple[Command, ...] = (
    *of_mode("BIAS", "bias"),
    *of_mode("AGND", "ground"),
    Command("[:ROUTe]:COUPle[:STATe]", _set_couple, _couple),
    Command("[:ROUTe]:COUPle:PORT", _set_couple_ports, _couple_ports),
    Command("[:ROUTe]:COUPle:PORT:DETect", _detect),
)
