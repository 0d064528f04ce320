"""Emulated Keysight B2200A and B2201A switching matrices of 14 inputs (rows) and 48 outputs (columns).

Channels are written card, two digits of input, two digits of output. In auto configuration, the state after power-on,
card 0 has 14 inputs and 48 outputs; in normal configuration cards 1 to 4 have 12 outputs each. Emulated only. Assumed,
as no page at hand says it: after ``*RST`` the rule is single route and the sequence break before make; a move takes
4 ms (`settle_s`), none with ``NSEQ``; refused combinations are error -221, channels that do not exist -222; relays that
bias or ground mode closes are closed in every answer; ``:AGND:UNUSED`` inputs do not count as a use of an output.
"""

from collections.abc import Callable

from ...scpi import kinds, values
from ...scpi.matrix import cycle_query, relay_commands
from ...scpi.messages import Call, Command, Query, clear_errors
from . import settings
from .cards import CARDS, INPUTS, OUTPUTS_OF_CARD, Card
from .state import KeysightB2200AState


def _open_card(matrix: KeysightB2200AState, call: Call) -> None:
    cards = matrix.card_numbers(call.expect(1)[0])
    matrix.route(each for each in matrix.requested if each.slot not in cards)


def _closed_of_card(matrix: KeysightB2200AState, call: Call) -> str:
    number = matrix.card_number(call.expect(1)[0])
    return matrix.channel_list(each for each in matrix.closed if each.slot == number)


def _power_on(matrix: KeysightB2200AState, call: Call) -> None:
    """Bring cards to their power-on state: every relay open, modes off."""
    for number in matrix.card_numbers(call.expect(1)[0]):
        matrix.cards[number] = Card(matrix.columns)
    _open_card(matrix, call)


def _of_plug_in(answer: Callable[[KeysightB2200AState], str]) -> Query:
    """Return a question about a plug-in card; all four are there and alike."""

    def query(matrix: KeysightB2200AState, call: Call) -> str:
        values.integer(call.expect(1)[0], 1, CARDS)
        return answer(matrix)

    return query


def _test_result(_: KeysightB2200AState, call: Call) -> str:
    """Answer that a card, all cards, or a part of the frame passed its test."""
    call.expect(0, 1)
    return "0"


class EmulatedKeysightB2200A(KeysightB2200AState):
    """Model B2200A with four cards."""

    card_model = "B2210A"
    maker = "Agilent Technologies"
    model = "B2200A"
    firmware = "A.01.00"
    queue_depth = 30
    commands = (
        *relay_commands("[:LIST]"),
        Command("[:ROUTe]:CLOSe:CARD", query=_closed_of_card),
        Command("[:ROUTe]:OPEN:CARD", _open_card),
        kinds.choice("ACONfig", "NCONfig").command(
            "[:ROUTe]:FUNCtion",
            lambda matrix, _, function: matrix.configure(function),
            lambda matrix, _: matrix.function,
        ),
        *settings.COMMANDS,
        cycle_query(),
        Command(":SYSTem:CPON", _power_on),
        Command(
            ":SYSTem:CTYPe", query=_of_plug_in(lambda matrix: f"{matrix.maker},{matrix.card_model},{matrix.serial},0")
        ),
        Command(":SYSTem:CDEScription", query=_of_plug_in(lambda _: f'"{INPUTS}x{OUTPUTS_OF_CARD} Matrix Card"')),
        Command(":SYSTem:CCONfig", query=_of_plug_in(lambda _: f"{INPUTS},{OUTPUTS_OF_CARD}")),
        Command(":SYSTem:ERRor:CLEar", clear_errors),
        Command(":DIAGnostic:TEST:CARD[:EXECute]", query=_test_result),
        Command(":DIAGnostic:TEST:FRAMe[:EXECute]", query=_test_result),
    )


class EmulatedKeysightB2201A(EmulatedKeysightB2200A):
    """Model B2201A, the low-leakage one; the same but for its name."""

    model = "B2201A"
    card_model = "B2211A"
