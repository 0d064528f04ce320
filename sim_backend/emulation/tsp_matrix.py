"""A TSP mainframe with matrix cards, whatever its model."""

from collections.abc import Mapping
from functools import partial

from .tsp import TspInstrument
from .tsp_cards import Card, Notation
from .tsp_channel import Channels
from .tsp_objects import Node, Value
from .world import World

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
        fitted = {1: self.usual_card} if cards is None else dict(cards)
        self._channels = Channels(world, name, Notation(fitted, lettered=self.lettered), self.schedule, settle_s)
        self.roots["channel"] = self._channels.node
        self.roots["slot"] = slots = Node()
        for number_of in range(1, self.slots + 1):
            slots.child(number_of, _slot(fitted.get(number_of)))
        self.roots["memory"] = Node()
        self.roots["memory"].methods["available"] = lambda: self.memory
        self.power_on()

    memory = "51.56, 92.84, 100.00"
    """Answer of ``memory.available()``, the example of the 707B manual."""

    def restore_defaults(self) -> None:
        """Open every relay and forget every setting."""
        self._channels.reset()


def _flag(holds: bool) -> Value:
    return 1.0 if holds else None


def _slot(card: Card | None) -> Node:
    node = Node()
    node.attribute("idn", lambda: card.identity if card else "Empty Slot")
    node.attribute("matrix", lambda: 1.0 if card else None)
    node.attribute("maxvoltage", lambda: card.highest_v if card else None)
    node.attribute("pseudocard", lambda: None if card else 0.0)
    node.child("rows").attribute("matrix", lambda: float(card.rows) if card else None)
    node.child("columns").attribute("matrix", lambda: float(card.columns) if card else None)
    node.child("interlock").attribute("state", lambda: None)
    for name, poles in (("one", 1), ("two", 2), ("four", 4)):
        node.child("poles").attribute(name, partial(_flag, card is not None and card.poles == poles))
    return node
