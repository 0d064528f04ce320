"""Relays of a TSP matrix, moving in time.

A relay that moves takes the settling time; sequential ones move one after the other. Break before make opens, waits,
closes and waits; make before break the other way round, so that both states are there for a while; without a rule all
move at once.
"""

from collections import Counter

from ...world.world import World
from ..time.schedule import Schedule
from .cards import Relay

OFF, BREAK_BEFORE_MAKE, MAKE_BEFORE_BREAK = 0, 1, 2


class Relays:
    """The relays of a mainframe; those of the analog backplane join a row of a card with a node ``backplane.<plane>``.

    Parameters
    ----------
    world, name
        Where the relays are, and the name of the matrix there.
    schedule : Schedule
        Lets time pass.
    settle_s : float
        Settling time of a relay, in seconds.
    """

    def __init__(self, world: World, name: str, schedule: Schedule, settle_s: float) -> None:
        self._world, self._name, self._schedule, self._settle_s = world, name, schedule, settle_s
        self.closed: frozenset[Relay] = frozenset()
        self.sequential = False
        self.counts: Counter[Relay] = Counter()
        """How often each has closed."""
        world.add_matrix(name)

    def move(self, closed: frozenset[Relay]) -> None:
        """Bring the relays to a state, together or one after the other, and wait until they have settled."""
        moving = sorted(closed ^ self.closed)
        for group in [[relay] for relay in moving] if self.sequential else [moving]:
            if not group:
                continue
            self.counts.update(relay for relay in group if relay not in self.closed)
            self.closed ^= frozenset(group)
            self._world.move_relays(self._name, [self._nodes(relay) for relay in self.closed])
            self._schedule.advance(self._settle_s)

    def exchange(self, wanted: frozenset[Relay], leaving: frozenset[Relay], rule: float) -> None:
        """Close some relays and open others, by the connection rule."""
        if rule == BREAK_BEFORE_MAKE:
            self.move(self.closed - leaving)
        elif rule == MAKE_BEFORE_BREAK:
            self.move(self.closed | wanted)
        self.move((self.closed - leaving) | wanted)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._schedule.advance(seconds)

    def _nodes(self, relay: Relay) -> tuple[str, str]:
        if relay.on_backplane:
            plane = relay.column % 10
            return f"{self._name}.row.{relay.slot}.{plane}", f"{self._name}.backplane.{plane}"
        return f"{self._name}.row.{relay.slot}.{relay.row}", f"{self._name}.column.{relay.slot}.{relay.column}"
