"""Settings of the cards of an emulated Keysight B2200A: ``card,value`` sets one, ``card`` asks.

Rule and sequence of connections, bias, ground and couple mode follow the B2200A/B2201A user's guide (pages 5-33 and
5-39). Couple mode closes with an odd input also the next one, to the next output.
"""

from collections.abc import Callable
from typing import Any

from ...scpi import kinds, values
from ...scpi import settings as setting
from ...scpi.kinds import Kind
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError
from .cards import INPUTS, Card, Idle
from .state import KeysightB2200AState

CARDS = ("0", "ALL")
LISTS = ("(@00101)", "(@01448)", "(@00101:00112)")
"""Cards and some channel lists of an instrument in automatic configuration."""


def _inputs(texts: list[str], _: bool) -> tuple[int, ...]:
    """Read a quoted list of inputs."""
    inside = values.string(texts[0]).strip()
    return tuple(values.integer(each.strip(), 1, INPUTS) for each in inside.split(",")) if inside else ()


def _odd_inputs(texts: list[str], _: bool) -> tuple[int, ...]:
    ports = _inputs(texts, _)
    if any(each % 2 == 0 for each in ports):
        raise ScpiError(-222)
    return ports


def _quoted(inputs: tuple[int, ...]) -> str:
    return f"'{','.join(map(str, inputs))}'"


def _free(card: Card, mode: Idle, value: object) -> bool:
    """Whether a mode may be switched: bias and ground mode exclude each other."""
    return not value or card.idle in (None, mode)


def _of_card(
    pattern: str,
    key: str,
    kind: Kind,
    of: Callable[[Card], Any] = lambda card: card,
    allowed: Callable[[Card, Any, object], bool] = lambda *_: True,
    reroute: bool = False,
) -> Command:
    """Declare an attribute of cards or of what `of` finds on them.

    What is not `allowed` is -221 and changes no card. With `reroute` relays move as the change asks.
    """

    def store(matrix: KeysightB2200AState, card: str, value: object) -> None:
        chosen = [matrix.cards[number] for number in matrix.card_numbers(card)]
        if not all(allowed(each, of(each), value) for each in chosen):
            raise ScpiError(-221)
        for each in chosen:
            setattr(of(each), key, value)
        if reroute:
            matrix.route(matrix.requested)

    def value(matrix: KeysightB2200AState, card: str) -> object:
        return getattr(of(matrix.cards[matrix.card_number(card)]), key)

    return kind.addressed(f"[:ROUTe]:{pattern}", 0, store, value, CARDS)


def _of_mode(pattern: str, of: Callable[[Card], Idle]) -> tuple[Command, ...]:
    """Declare the commands of bias mode or of ground mode."""

    def enabled(matrix: KeysightB2200AState, call: Call) -> str:
        asked = matrix.outputs(call.expect(1)[0])
        return ",".join(str(int(output in of(matrix.cards[card]).outputs)) for card, output in asked)

    def enable(matrix: KeysightB2200AState, call: Call) -> None:
        for card, output in matrix.outputs(call.expect(1)[0]):
            of(matrix.cards[card]).outputs.add(output)
        matrix.route(matrix.requested)

    def disable(matrix: KeysightB2200AState, call: Call) -> None:
        for card, output in matrix.outputs(call.expect(1)[0]):
            of(matrix.cards[card]).outputs.discard(output)
        matrix.route(matrix.requested)

    def set_card(on: bool) -> Callable[[KeysightB2200AState, Call], None]:
        def write(matrix: KeysightB2200AState, call: Call) -> None:
            for each in matrix.card_numbers(call.expect(1)[0]):
                of(matrix.cards[each]).outputs = set(range(1, matrix.columns + 1)) if on else set()
            matrix.route(matrix.requested)

        return write

    def not_on(_: Card, mode: Idle, __: object) -> bool:
        return not mode.on

    channel = f"[:ROUTe]:{pattern}:CHANnel"
    return (
        _of_card(f"{pattern}[:STATe]", "on", kinds.FLAG, of, _free, reroute=True),
        _of_card(f"{pattern}:PORT", "port", kinds.integer(1, INPUTS), of, not_on),
        Command(f"{channel}:ENABle", enable, enabled, LISTS),
        Command(f"{channel}:DISable", disable, samples=LISTS),
        Command(f"{channel}:ENABle:CARD", set_card(True), samples=CARDS),
        Command(f"{channel}:DISable:CARD", set_card(False), samples=CARDS),
    )


def _detect(matrix: KeysightB2200AState) -> None:
    """Look for cables that join two inputs; there are none here, so no pair is coupled."""
    for each in matrix.cards.values():
        each.couple_ports = ()


_INPUTS = Kind(_inputs, _quoted, samples=("''", "'5,6'"))
COMMANDS: tuple[Command, ...] = (
    _of_card("CONNection:RULE", "rule", kinds.choice("FREE", "SROUte")),
    _of_card("CONNection:SEQuence", "sequence", kinds.choice("NSEQuence", "BBMake", "MBBReak")),
    *_of_mode("BIAS", lambda card: card.bias),
    *_of_mode("AGND", lambda card: card.ground),
    _of_card(
        "AGND:UNUSED", "unused", Kind(_inputs, _quoted, samples=("''", "'5,6'")), lambda card: card.ground, reroute=True
    ),
    _of_card("COUPle[:STATe]", "couple", kinds.FLAG),
    _of_card("COUPle:PORT", "couple_ports", Kind(_odd_inputs, _quoted, samples=("''", "'1,3'"))),
    setting.action("[:ROUTe]:COUPle:PORT:DETect", _detect),
)
