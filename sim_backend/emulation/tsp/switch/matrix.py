"""A TSP mainframe with matrix cards, whatever its model."""

from collections.abc import Mapping
from functools import partial

from ...world.world import World
from ..lua.objects import Node, Only, Value, choice
from ..messages import EmulatedTspInstrument
from .cards import Card, Notation
from .channel import Channels
from .relays import Relays

DISENGAGED = 0
"""What ``interlock.state`` reads when the interlock is open (3700A manual)."""
SETTLE_S = 4e-3
"""Settling time of a relay, in seconds (the 707B manual's example has 4 ms)."""


class EmulatedTspMatrix(EmulatedTspInstrument):
    """Objects ``channel``, ``slot`` and ``memory``; a model says how rows are written and how many slots there are.

    Parameters
    ----------
    world, name, serial
        As for every emulated instrument.
    cards : mapping of int to Card, optional
        The card in each slot, from 1; the model's usual one in slot 1 if not given.
    settle_s : float
        Settling time of a relay, in seconds.
    **bounds : float
        What one message may take, as for `TspMachine`.
    """

    slots = 6
    lettered = True
    usual_card: Card
    memory = "51.56, 92.84, 100.00"
    """Answer of ``memory.available()``, the example of the 707B manual."""
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
        notation = Notation(self._cards, lettered=self.lettered)
        self._channels = Channels(
            relays, notation, self.errors.refuse, lambda slot: self._interlock(slot) == DISENGAGED
        )
        self.root.child("channel", self._channels.node)
        self.root.keep(
            [("slot", Only.CONSTANT, {"OFF": 0, "ON": 1}), ("memory", Only.ANSWERED, {"available": self.memory})]
        )
        for place in range(1, self.slots + 1):
            self._describe_slot(self.root.child("slot").child(place), place)
        self.power_on()

    def restore_defaults(self) -> None:
        """Open every relay and forget every setting."""
        self._channels.reset()

    def _interlock(self, slot: int) -> Value:
        """Return what ``interlock.state`` reads: nil where there is none that could be open."""
        card = self._cards.get(slot)
        if self.interlock_open:
            return float(DISENGAGED)
        return None if card is None or card.interlock is None else float(card.interlock)

    def _describe_slot(self, node: Node, slot: int) -> None:
        """Have ``slot[n]`` tell about its card."""
        card = self._cards.get(slot)
        node.keep(
            (
                ("", Only.TOLD, {"idn": card.identity if card else "Empty Slot", "matrix": card and 1.0}),
                ("rows", Only.TOLD, {"matrix": card and float(card.rows)}),
                ("columns", Only.TOLD, {"matrix": card and float(card.columns)}),
                ("interlock", choice(0, 1), {"override": 0.0}),
            )
        )
        node.child("interlock").attribute("state", partial(self._interlock, slot))
