"""The cards of an emulated Keysight B2200A and the relays that commands and modes close."""

import re
from collections.abc import Iterable

from ...scpi import values
from ...scpi.matrix import Crosspoint, MatrixInstrument
from ...scpi.messages import Call
from ...scpi.status import ScpiError
from ...world.world import World
from .cards import CARDS, INPUTS, OUTPUTS_OF_CARD, Card


class KeysightB2200AState(MatrixInstrument):
    """What every command of a B2200A acts on; for the parameters see `MatrixInstrument`."""

    channel_pattern = re.compile(r"([0-9])([0-9]{2})([0-9]{2})")
    rows = INPUTS

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
        self._lists.clear()

    def reset(self) -> None:
        """Open every relay and return to automatic configuration."""
        self.configure("ACON")

    def slots(self) -> Iterable[int]:
        """Return the numbers of the cards."""
        return self.cards

    def card_number(self, text: str) -> int:
        """Read the number of a card that there is."""
        number = values.integer(text, 0, CARDS)
        if number not in self.cards:
            raise ScpiError(-222)
        return number

    def card_numbers(self, text: str) -> list[int]:
        """Read the number of a card, or ``ALL``."""
        return sorted(self.cards) if values.matches(text, "ALL") else [self.card_number(text)]

    def close(self, call: Call) -> None:
        """Close the relays of a list, as far as the rule says in place of others of their row and column."""
        wanted = set(self.requested)
        for each in self.routable(call):
            if self.cards[each.slot].rule == "SROU":
                same = {old for old in wanted if old.slot == each.slot}
                wanted -= {old for old in same if each.row == old.row or each.column == old.column}
            wanted.add(each)
        self.route(wanted)

    def open(self, call: Call) -> None:
        """Open the relays of a list."""
        self.route(self.requested.difference(self.routable(call)))

    def routable(self, call: Call) -> list[Crosspoint]:
        """Return the crosspoints that a command may close or open: none on the port of a mode that is on."""
        wanted = self.crosspoints(call.expect(1)[0])
        for each in tuple(wanted):
            card = self.cards[each.slot]
            if card.couple and each.row in card.couple_ports:
                wanted.append(self.existing(each.slot, each.row + 1, each.column + 1))
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

    def outputs(self, text: str) -> list[tuple[int, int]]:
        """Return card and output of the channels of a mode, whose input is of no account and often 00."""
        found: list[tuple[int, int]] = []
        for first, last in values.channel_items(text):
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
        self.existing(card, row or 1, output)
        return card, output

    def channel_name(self, crosspoint: Crosspoint) -> str:
        """Write card, two digits of input, two digits of output."""
        return f"{crosspoint.slot}{crosspoint.row:02d}{crosspoint.column:02d}"
