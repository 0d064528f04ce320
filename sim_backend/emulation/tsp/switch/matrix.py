"""A TSP mainframe with matrix cards, whatever its model."""

from collections.abc import Callable, Mapping
from functools import partial

from ...world.world import World
from ..lua.objects import Node, Refused, Value, choice
from ..messages import TspInstrument
from .cards import Card, Notation
from .channel import SETTINGS_CONFLICT, Channels
from .relays import Relays

DISENGAGED = 0
"""What ``interlock.state`` reads when the interlock is open (3700A manual)."""
SETTLE_S = 4e-3
"""Settling time of a relay, in seconds (the 707B manual's example has 4 ms)."""


class TspMatrix(TspInstrument):
    """Objects ``channel``, ``slot`` and ``memory``; a model says how rows are written and how many slots there are.

    Parameters
    ----------
    world, name, serial
        As for every emulated instrument.
    cards : mapping of int to Card, optional
        The card in each slot, from 1; the model's usual one in slot 1 if not given.
    settle_s : float
        Settling time of a relay, in seconds.
    instructions, seconds
        Bounds of a message, see `TspInstrument`.
    """

    slots = 6
    lettered = True
    usual_card: Card
    pseudocards: Mapping[int, Card]
    """What an empty slot can pretend to hold, by its number; nothing is wired to it."""
    identity = "KEITHLEY INSTRUMENTS INC.,MODEL {model},{serial},{firmware}"

    def __init__(
        self,
        world: World,
        name: str,
        serial: str = "1234567",
        *,
        cards: Mapping[int, Card] | None = None,
        settle_s: float = SETTLE_S,
        **bounds: float,
    ) -> None:
        super().__init__(world, name, serial, **bounds)
        self._cards = {1: self.usual_card} if cards is None else dict(cards)
        relays = Relays(world, name, self.schedule, settle_s)
        self._notation = Notation(self._cards, lettered=self.lettered)
        self._channels = Channels(
            relays, self._notation, self.errors.refuse, lambda slot: self._interlock(slot) == DISENGAGED
        )
        self.roots["channel"] = self._channels.node
        self.roots["slot"] = slots = Node()
        slots.constants |= {"OFF": 0, "ON": 1, "PSEUDO_NONE": 0}
        slots.constants |= {f"PSEUDO_{number_of}": number_of for number_of in self.pseudocards}
        for place in range(1, self.slots + 1):
            slots.child(place, self._slot(place))
        self.roots["memory"] = Node()
        self.roots["memory"].methods["available"] = lambda: self.memory
        self.power_on()

    memory = "51.56, 92.84, 100.00"
    """Answer of ``memory.available()``, the example of the 707B manual."""

    def restore_defaults(self) -> None:
        """Open every relay and forget every setting."""
        self._channels.reset()

    def _interlock(self, slot: int) -> Value:
        """Return what ``interlock.state`` reads: nil where there is none that could be open."""
        card = self._cards.get(slot)
        if self.interlock_open:
            return float(DISENGAGED)
        return None if card is None or card.interlock is None else float(card.interlock)

    def _slot(self, slot: int) -> Node:
        node = Node()

        def of_card(tell: Callable[[Card], Value], empty: Value = None) -> Callable[[], Value]:
            return lambda: tell(self._cards[slot]) if slot in self._cards else empty

        node.attribute("idn", of_card(lambda card: card.identity, "Empty Slot"))
        node.attribute("matrix", of_card(lambda _: 1.0))
        node.attribute("maxvoltage", of_card(lambda card: card.highest_v))
        node.attribute("pseudocard", partial(self._pseudocard, slot), partial(self._set_pseudocard, slot))
        node.child("rows").attribute("matrix", of_card(lambda card: float(card.rows)))
        node.child("columns").attribute("matrix", of_card(lambda card: float(card.columns)))
        node.child("interlock").attribute("state", partial(self._interlock, slot))
        node.child("interlock").setting("override", 0.0, choice(0, 1))
        for name, poles in (("one", 1), ("two", 2), ("four", 4)):
            node.child("poles").attribute(name, of_card(partial(_has_poles, poles)))
        return node

    def _pseudocard(self, slot: int) -> Value:
        """Return the model of a pseudocard, 0 for an empty slot, nil where a card is."""
        card = self._cards.get(slot)
        if card is None:
            return 0.0
        return float(card.model) if card.is_pseudo else None

    def _set_pseudocard(self, slot: int, value: Value) -> None:
        present = self._pseudocard(slot)
        wanted = int(choice(0, *self.pseudocards)(value))
        if present is None or (present and wanted):
            raise Refused(SETTINGS_CONFLICT, f"Parameter error slot {slot} is not empty")
        if slot in self._cards:
            self._channels.reset_channels(f"slot{slot}")
            del self._cards[slot]
        if wanted:
            self._cards[slot] = self.pseudocards[wanted]


def _has_poles(poles: int, card: Card) -> Value:
    return 1.0 if card.poles == poles else None
