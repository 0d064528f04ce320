"""Emulated Keysight B2200A and B2201A switching matrices of 14 inputs (rows) and 48 outputs (columns).

Channels are written card, two digits of input, two digits of output. In auto configuration, the state after power-on,
card 0 has 14 inputs and 48 outputs; in normal configuration cards 1 to 4 have 12 outputs each. Connection rule and
sequence, bias mode and ground mode follow the B2200A/B2201A user's guide (pages 5-33 and 5-39). Emulated only. Assumed,
as no page at hand says it: after ``*RST`` the rule is single route and the sequence break before make; a move takes
4 ms (`settle_s`), none with ``NSEQ``; refused combinations are error -221, channels that do not exist -222; relays that
bias or ground mode closes are closed in every answer; ``:AGND:UNUSED`` inputs do not count as a use of an output.
"""

import re
from collections.abc import Iterable

from ...scpi import values
from ...scpi.matrix import Crosspoint, MatrixInstrument
from ...scpi.messages import Call, Command, clear_errors
from ...scpi.status import ScpiError
from ...world.world import World
from . import modes as keysightb2200a_modes
from .modes import CARDS, INPUTS, Card, card_number, card_numbers

OUTPUTS_OF_CARD = 12
RULES = ("FREE", "SROUte")
SEQUENCES = ("NSEQuence", "BBMake", "MBBReak")


def _close(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
    wanted = set(matrix.requested)
    for each in matrix.routable(call):
        if matrix.cards[each.slot].rule == "SROU":
            wanted -= {old for old in wanted if old.slot == each.slot and each.row == old.row}
            wanted -= {old for old in wanted if old.slot == each.slot and each.column == old.column}
        wanted.add(each)
    matrix.route(wanted)


def _open(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
    matrix.route(matrix.requested.difference(matrix.routable(call)))


def _open_card(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
    cards = card_numbers(matrix, call.expect(1)[0])
    matrix.route(each for each in matrix.requested if each.slot not in cards)


def _closed_of_card(matrix: "EmulatedKeysightB2200A", call: Call) -> str:
    number = card_number(matrix, call.expect(1)[0])
    return matrix.list_text(each for each in matrix.closed if each.slot == number)


def _cycles(matrix: "EmulatedKeysightB2200A", call: Call) -> str:
    items = values.channel_items(call.expect(1)[0])
    return ",".join(str(matrix.operations[each]) for each in matrix.listed(items))


def _power_on(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
    """Bring cards to their power-on state: every relay open, modes off."""
    numbers = card_numbers(matrix, call.expect(1)[0])
    for number in numbers:
        matrix.cards[number] = Card(matrix.columns)
    matrix.route(each for each in matrix.requested if each.slot not in numbers)


def _installed(call: Call) -> None:
    """Check the number of a plug-in card; all four are there."""
    values.integer(call.expect(1)[0], 1, CARDS)


def _card_type(matrix: "EmulatedKeysightB2200A", call: Call) -> str:
    _installed(call)
    return f"{matrix.maker},{matrix.card_model},{matrix.serial},0"


def _card_description(_: "EmulatedKeysightB2200A", call: Call) -> str:
    _installed(call)
    return values.quoted(f"{INPUTS}x{OUTPUTS_OF_CARD} Matrix Card")


def _card_size(_: "EmulatedKeysightB2200A", call: Call) -> str:
    _installed(call)
    return f"{INPUTS},{OUTPUTS_OF_CARD}"


def _tested(_: "EmulatedKeysightB2200A", call: Call) -> str:
    """Answer that a card, all cards, or a part of the frame passed its test."""
    call.expect(0, 1)
    return "0"


def _set_function(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
    matrix.configure(values.choice(call.expect(1)[0], ("ACONfig", "NCONfig")))


def _of_card(pattern: str, key: str, names: tuple[str, ...]) -> Command:
    """Declare a setting of a card that is one of several names."""

    def write(matrix: "EmulatedKeysightB2200A", call: Call) -> None:
        card, text = call.expect(2)
        chosen = values.choice(text, names)
        for number in card_numbers(matrix, card):
            setattr(matrix.cards[number], key, chosen)

    def query(matrix: "EmulatedKeysightB2200A", call: Call) -> str:
        return str(getattr(matrix.cards[card_number(matrix, call.expect(1)[0])], key))

    return Command(f"[:ROUTe]:CONNection:{pattern}", write, query)


class EmulatedKeysightB2200A(MatrixInstrument):
    """Model B2200A with four cards."""

    card_model = "B2210A"
    maker = "Agilent Technologies"
    model = "B2200A"
    firmware = "A.01.00"
    queue_depth = 30
    channel_pattern = re.compile(r"([0-9])([0-9]{2})([0-9]{2})")
    rows = INPUTS
    commands = (
        Command("[:ROUTe]:CLOSe[:LIST]", _close, lambda matrix, call: matrix.states(call)),
        Command("[:ROUTe]:CLOSe:CARD", query=_closed_of_card),
        Command("[:ROUTe]:OPEN[:LIST]", _open, lambda matrix, call: matrix.states(call, closed=False)),
        Command("[:ROUTe]:OPEN:CARD", _open_card),
        Command("[:ROUTe]:FUNCtion", _set_function, lambda matrix, _: matrix.function),
        _of_card("RULE", "rule", RULES),
        _of_card("SEQuence", "sequence", SEQUENCES),
        *keysightb2200a_modes.COMMANDS,
        Command(":DIAGnostic:RELay:CYCLes", query=_cycles),
        Command(":SYSTem:CPON", _power_on),
        Command(":SYSTem:CTYPe", query=_card_type),
        Command(":SYSTem:CDEScription", query=_card_description),
        Command(":SYSTem:CCONfig", query=_card_size),
        Command(":SYSTem:ERRor:CLEar", clear_errors),
        Command(":DIAGnostic:TEST:CARD[:EXECute]", query=_tested),
        Command(":DIAGnostic:TEST:FRAMe[:EXECute]", query=_tested),
    )

    def __init__(self, world: World, name: str, serial: str = "0", *, settle_s: float = 4e-3) -> None:
        super().__init__(world, name, serial, settle_s=settle_s)
        self.requested: frozenset[Crosspoint] = frozenset()
        """Relays that commands have closed; those of a mode come on top."""
        self.configure("ACON")

    def configure(self, function: str) -> None:
        """Choose automatic or normal configuration, which opens every relay."""
        self.requested = frozenset()
        self.move(())
        self.function = function
        self.columns = OUTPUTS_OF_CARD * (CARDS if function == "ACON" else 1)
        numbers = (0,) if function == "ACON" else range(1, CARDS + 1)
        self.cards = {number: Card(self.columns) for number in numbers}

    def reset(self) -> None:
        """Open every relay and return to automatic configuration."""
        self.configure("ACON")

    def slots(self) -> Iterable[int]:
        """Return the numbers of the cards."""
        return self.cards

    def routable(self, call: Call) -> list[Crosspoint]:
        """Return the crosspoints that a command may close or open: none on the port of a mode that is on."""
        wanted = self.listed(values.channel_items(call.expect(1)[0]))
        for each in tuple(wanted):
            card = self.cards[each.slot]
            if card.couple and each.row in card.couple_ports:
                wanted.append(self.checked(each.slot, each.row + 1, each.column + 1))
        for each in wanted:
            idle = self.cards[each.slot].idle
            if idle is not None and each.row == idle.port:
                raise ScpiError(-221)
        return wanted

    def route(self, requested: Iterable[Crosspoint]) -> None:
        """Close what is requested and what the modes add, card by card in the sequence of each."""
        self.requested = frozenset(requested)
        for number, card in self.cards.items():
            mine = {each for each in self.requested if each.slot == number}
            others = {each for each in self.closed if each.slot != number}
            wanted = others | mine | card.automatic(mine, number)
            if card.sequence == "NSEQ":
                self.move(wanted, settle=False)
            else:
                self.move(self.closed & wanted if card.sequence == "BBM" else self.closed | wanted)
                self.move(wanted)

    def outputs(self, items: Iterable[tuple[str, str]]) -> list[tuple[int, int]]:
        """Return card and output of the channels of a mode, whose input is of no account and often 00."""
        found: list[tuple[int, int]] = []
        for first, last in items:
            (card, start), (other, end) = self._output(first), self._output(last)
            if card != other or end < start:
                raise ScpiError(-222)
            found += [(card, output) for output in range(start, end + 1)]
        return found

    def _output(self, text: str) -> tuple[int, int]:
        found = self.channel_pattern.fullmatch(text)
        if found is None:
            raise ScpiError(-222)
        card, row, output = (int(each) for each in found.groups())
        self.checked(card, row or 1, output)
        return card, output

    def written(self, crosspoint: Crosspoint) -> str:
        """Write card, two digits of input, two digits of output."""
        return f"{crosspoint.slot}{crosspoint.row:02d}{crosspoint.column:02d}"


class EmulatedKeysightB2201A(EmulatedKeysightB2200A):
    """Model B2201A, the low-leakage one; the same but for its name."""

    model = "B2201A"
    card_model = "B2211A"
