"""Switch cards of a TSP matrix, and how its channels are written."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..lua.objects import Refused

BAD_CHANNEL = 1115
"""Error code for a channel that does not exist; the 3700A manual has it, for the 707B it is assumed."""


BACKPLANE = 9
"""Row in the name of a relay between a row of a card and the analog backplane (3700A manual, channel.close)."""


class Relay(NamedTuple):
    """A crosspoint; slot, row and column count from 1.

    A relay of the analog backplane has row `BACKPLANE`, and for its column ten times its bank and its plane, so that it
    comes after the crosspoints of its slot, as in the instrument's lists.
    """

    slot: int
    row: int
    column: int

    @property
    def on_backplane(self) -> bool:
        """Whether it leads to the analog backplane."""
        return self.row == BACKPLANE


@dataclass(frozen=True, slots=True)
class Card:
    """A matrix card."""

    model: str
    description: str
    rows: int
    columns: int
    firmware: str = "01.00a"
    serial: str = "1000001"
    planes: int = 0
    """Rows that have a relay to the analog backplane of the same number, in bank 1."""
    interlock: int | None = None
    """What ``interlock.state`` reads: None if the card has no interlock, 0 if it is disengaged."""

    @property
    def identity(self) -> str:
        """What ``slot[n].idn`` reads."""
        return f"{self.model},{self.description},{self.firmware},{self.serial}"


CARD_7174A = Card("7174", "8x12 Low Current Matrix", 8, 12)
CARD_7072 = Card("7072", "8x12 Semiconductor Matrix", 8, 12)
CARD_3730 = Card("3730", "6x16 High Density Matrix", 6, 16, "01.40h", "4447332", planes=6, interlock=1)


class Notation:
    """Names of the crosspoints of the cards in a mainframe.

    Parameters
    ----------
    cards : mapping of int to Card
        The card in each slot that has one.
    lettered : bool
        Whether rows are letters (``1A05``, 707B) or digits (``1105``, 3706A).
    """

    def __init__(self, cards: Mapping[int, Card], *, lettered: bool) -> None:
        self.cards, self.lettered = cards, lettered
        self._form = re.compile(r"(\d)([A-Ha-h])(\d\d)" if lettered else r"(\d)(\d)(\d\d)", re.ASCII)

    def name(self, relay: Relay) -> str:
        """Return how a relay is written."""
        row = chr(ord("A") + relay.row - 1) if self.lettered else str(relay.row)
        return f"{relay.slot}{row}{relay.column:02d}"

    def relay(self, name: str) -> Relay:
        """Return the relay of a name."""
        found = self._form.fullmatch(name)
        if not found:
            raise Refused(BAD_CHANNEL, f"Parameter error invalid channel in channel list: {name[:20]}")
        slot, row, column = found.groups()
        return self.check(Relay(int(slot), ord(row.upper()) - ord("A") + 1 if self.lettered else int(row), int(column)))

    def check(self, relay: Relay) -> Relay:
        """Return a relay if a card has it."""
        card = self.cards.get(relay.slot)
        if card is None or relay not in _relays(card, relay.slot):
            raise Refused(
                BAD_CHANNEL, f"Parameter error channel does not exist: slot {relay.slot}, {relay.row}, {relay.column}"
            )
        return relay

    def all(self, slot: int | None = None) -> list[Relay]:
        """Return all relays, of one slot or of the mainframe, in order."""
        if slot is not None and slot not in self.cards:
            raise Refused(BAD_CHANNEL, f"Parameter error no card in slot {slot}")
        return [
            relay for each in sorted(self.cards) if slot in {None, each} for relay in _relays(self.cards[each], each)
        ]


@functools.cache
def _relays(card: Card, slot: int) -> dict[Relay, None]:
    crosspoints = [Relay(slot, row, column) for row in range(1, card.rows + 1) for column in range(1, card.columns + 1)]
    backplane = [Relay(slot, BACKPLANE, 10 + plane) for plane in range(1, card.planes + 1)]
    return dict.fromkeys(crosspoints + backplane)
