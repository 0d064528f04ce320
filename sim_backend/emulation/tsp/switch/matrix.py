"""A TSP mainframe with matrix cards, whatever its model."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from ...world.world import World
from ..lua.objects import Node, Only, Value, choice
from ..messages import EmulatedTspInstrument
from .cards import Card, Notation
from .channel import Channels
from .relays import Relays
from .scan import Scan

DISENGAGED = 0
"""What ``interlock.state`` reads when the interlock is open (3700A manual)."""
PSEUDO = {
    number: f"{number},Pseudo {number},00.00a,????????" for number in (7072.0, 70721.0, 7173.0, 7174.0, 3730.0, 3731.0)
}
"""What ``idn`` reads of a slot with a pseudocard: its text has the word and these marks (707B manual, slot[X].idn)."""
SETTLE_S = 4e-3
"""Settling time of a relay, in seconds (the 707B manual's example has 4 ms)."""


class EmulatedTspMatrix(EmulatedTspInstrument):
    """Objects ``channel``, ``slot`` and ``memory``; a model says how rows are written and how many slots there are.

    Parameters
    ----------
    world, name, serial
        As for every emulated instrument.
    cards : mapping of int to Card, optional
        The card in each slot that has one, from 1; the model's usual one in every slot if not given.
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
        usual = {
            slot: replace(self.usual_card, serial=f"{int(self.usual_card.serial) + slot - 1:07d}")
            for slot in range(1, self.slots + 1)
        }
        self._cards = usual if cards is None else dict(cards)
        relays = Relays(world, name, self.schedule, settle_s)
        notation = Notation(self._cards, lettered=self.lettered)
        self._channels = Channels(
            relays, notation, self.errors.refuse, lambda slot: self._interlock(slot) == DISENGAGED
        )
        self.root.child("channel", self._channels.node)
        self._scan = Scan(self._channels, self.schedule)
        self.root.child("scan", self._scan.node)
        self.root.keep(
            [("slot", Only.CONSTANT, {"OFF": 0, "ON": 1}), ("memory", Only.ANSWERED, {"available": self.memory})]
        )
        for place in range(1, self.slots + 1):
            self._describe_slot(self.root.child("slot").child(place), place)
        self.power_on()

    def restore_defaults(self) -> None:
        """Open every relay and forget every setting."""
        self._scan.reset()
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
        node.attribute("idn", lambda: card.identity if card else PSEUDO.get(node.values["pseudocard"], "Empty Slot"))
        if card is None:  # it exists for such a slot only (manuals, slot[X].pseudocard), and has no channels here
            node.setting("pseudocard", 0.0, choice(0, *PSEUDO))
        node.keep(
            (
                ("", Only.TOLD, {"matrix": card and 1.0}),
                ("rows", Only.TOLD, {"matrix": card and float(card.rows)}),
                ("columns", Only.TOLD, {"matrix": card and float(card.columns)}),
                ("interlock", choice(0, 1), {"override": 0.0}),
            )
        )
        node.child("interlock").attribute("state", partial(self._interlock, slot))
