"""Emulated Keysight B2200A and B2201A switching matrices of 14 inputs (rows) and 48 outputs (columns).

Channels are written card, two digits of input, two digits of output. In auto configuration, the state after power-on,
card 0 has 14 inputs and 48 outputs; in normal configuration cards 1 to 4 have 12 outputs each. Emulated only. Assumed,
as no page at hand says it: after ``*RST`` the rule is single route and the sequence break before make; a move takes
4 ms (`settle_s`), none with ``NSEQ``; refused combinations are error -221, channels that do not exist -222; relays that
bias or ground mode closes are closed in every answer; ``:AGND:UNUSED`` inputs do not count as a use of an output.
"""

from ...scpi import kinds
from ...scpi.matrix import cycle_query, relay_commands
from ...scpi.messages import Call, Command, clear_errors
from . import settings
from .cards import Card
from .state import KeysightB2200AState


def _open_card(matrix: KeysightB2200AState, call: Call) -> None:
    cards = matrix.card_numbers(call.expect(1)[0])
    matrix.route(each for each in matrix.requested if each.slot not in cards)


def _power_on(matrix: KeysightB2200AState, call: Call) -> None:
    """Bring cards to the state in which they are when the power comes."""
    cards = matrix.card_numbers(call.expect(1)[0])
    matrix.cards.update({number: Card(matrix.columns) for number in cards})
    matrix.route(each for each in matrix.requested if each.slot not in cards)


def _closed_of_card(matrix: KeysightB2200AState, call: Call) -> str:
    number = matrix.card_number(call.expect(1)[0])
    return matrix.channel_list(each for each in matrix.closed if each.slot == number)


class EmulatedKeysightB2200A(KeysightB2200AState):
    """Model B2200A with four cards."""

    maker = "Agilent Technologies"
    model = "B2200A"
    firmware = "A.01.00"
    queue_depth = 30
    commands = (
        *relay_commands(settings.LISTS, "[:LIST]"),
        Command("[:ROUTe]:CLOSe:CARD", query=_closed_of_card),
        Command("[:ROUTe]:OPEN:CARD", _open_card, samples=settings.CARDS),
        kinds.choice("ACONfig", "NCONfig").command(
            "[:ROUTe]:FUNCtion",
            lambda matrix, _, function: matrix.configure(function),
            lambda matrix, _: matrix.function,
        ),
        *settings.COMMANDS,
        cycle_query(),
        Command(":SYSTem:CPON", _power_on, samples=settings.CARDS),
        Command(":SYSTem:ERRor:CLEar", clear_errors, samples=("",)),
    )


class EmulatedKeysightB2201A(EmulatedKeysightB2200A):
    """Model B2201A, the low-leakage one; the same but for its name."""

    model = "B2201A"
