"""Faults that were made on purpose, as far as they explain what a bench did."""

import math
from bisect import bisect_right
from typing import Any


class Faults:
    """What was broken on purpose (events ``nemesis``), as far as it explains what a bench did.

    A fault on the link or the commands of an instrument explains why it did not obey. A hand on the front panel, a loss
    of power, an interlock explain what it did on its own. A relay that is broken, or held open by the interlock of its
    matrix, cannot be seen by any read-back.
    """

    OWN = frozenset({"frontpanel", "reboot", "interlock", "mode", "relay"})

    def __init__(self, matrix: str) -> None:
        self._matrix = matrix
        self._last: dict[str, int] = {}
        self._then: dict[str, tuple[int, float]] = {}
        """Line after the last fault, and its time: an event there is what the very message did that the fault hit."""
        self._own: dict[str, tuple[int, float, str]] = {}
        self._falling: set[str] = set()
        """Instruments that lose power once they have carried out a message."""
        self._welded: set[str] = set()
        self._relays: set[tuple[Any, ...]] = set()
        self._cell_since = math.inf
        self._at: list[float] = []
        self._broken: list[tuple[float, bool]] = []
        """Whether relays were not as their matrix was told, from when on; a loss of power is over at once."""

    def note(self, event: dict[str, Any]) -> None:
        """Take note of a fault."""
        verb, args = event.get("verb"), event.get("args") or {}
        names = {str(args.get("of") or event.get("instrument"))}
        if verb == "relay":
            names = {str(args.get("matrix") or self._matrix)}
            relay = (args.get("slot"), args.get("row"), args.get("column"))
            (self._relays.discard if args.get("what") == "whole" else self._relays.add)(relay)
        if verb == "interlock" and self._matrix in names:
            (self._relays.add if args.get("open") else self._relays.discard)(("interlock",))
        if verb == "cell":
            self._cell_since = min(self._cell_since, event["wall"])
        fallen = verb in self.OWN and self._matrix in names
        self._broken += [(event["wall"], self.relay_broken or fallen), (event["wall"], self.relay_broken)]
        if verb == "reboot" and args.get("when") == "after":
            self._falling |= names
        for name in names:
            self._last[name] = event["line"]
            self._then[name] = (event["line"] + 1, event["t"])
            if verb in self.OWN:
                self._own[name] = (event["line"], event["t"], str(verb))
            if verb == "mode":
                (self._welded.add if args.get("what") == "output_stuck_on" else self._welded.discard)(name)
        self._at.append(event["wall"])

    @property
    def relay_broken(self) -> bool:
        """Whether a relay does not do what its matrix believes."""
        return bool(self._relays)

    def cell_broken(self, wall: float) -> bool:
        """Say whether a cell was broken before, by the wall clock."""
        return wall >= self._cell_since

    def hit(self, channel: str, since: int = -1) -> bool:
        """Say whether a fault was made on the instrument of a channel since a line."""
        return self._last.get(channel.partition(".")[0], -1) > since

    def hit_message(self, channel: str, event: dict[str, Any]) -> bool:
        """Say whether an event is what a message did that a fault hit, as it is when its answer alone is lost."""
        return self._then.get(channel.partition(".")[0]) == (event["line"], event["t"])

    def any_since(self, line: int) -> bool:
        """Say whether any fault was made since a line."""
        return max(self._last.values(), default=-1) > line

    def any_between(self, begin: float, end: float) -> bool:
        """Say whether any fault was made in a span of time, by the wall clock."""
        return bisect_right(self._at, end) > bisect_right(self._at, begin)

    def relay_broken_between(self, begin: float, end: float) -> bool:
        """Say whether a relay was not as its matrix was told at any time of a span, by the wall clock."""
        before = [broken for wall, broken in self._broken if wall < begin][-1:]
        return any(before) or any(broken for wall, broken in self._broken if begin <= wall <= end)

    def did(self, event: dict[str, Any], channel: str, since: int) -> bool:
        """Say whether an instrument did something on its own: at the very time of the fault, or when it lost power."""
        line, t, _ = self._own.get(channel.partition(".")[0], (-1, -math.inf, ""))
        return line > since or event["t"] == t

    def falls(self, name: str) -> bool:
        """Say whether an instrument that was to lose power after a message has lost it now, which it does once."""
        falling = name in self._falling
        self._falling.discard(name)
        return falling

    def by_hand(self, channel: str, since: int) -> bool:
        """Say whether a source that was not set since a line is now set by a hand on its front panel."""
        line, _, verb = self._own.get(channel.partition(".")[0], (-1, -math.inf, ""))
        return verb == "frontpanel" and line > since

    def holds(self, relay: tuple[str, str]) -> bool:
        """Say whether a relay, named by its two terminals, is broken and may stay closed whatever it is told."""
        (*_, slot, row), (*_, column) = (terminal.split(".") for terminal in relay)
        return any((str(at[0]), str(at[1]), str(at[2])) == (slot, row, column) for at in self._relays if len(at) > 1)

    def keeps(self, part: str) -> bool:
        """Say whether a fault keeps a part of the bench from being safe, whatever it is told."""
        name = part.partition(" ")[0].partition(".")[0]
        return name in self._welded or (name == self._matrix and self.relay_broken)
