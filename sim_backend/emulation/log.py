"""The physical log: what really happened on the emulated bench. The product never reads it; tests do."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class PhysicalLog:
    """Events in the order in which they happened, each a dict with ``t`` in seconds and ``event``.

    ``source``
        A channel was set: name, level_v, on, limit_a.
    ``relays``
        Relays moved: matrix, opened, closed (lists of [row, column] node names).
    ``exposure``
        A cell was under voltage for a while: row, column, volt, seconds.
    ``violation``
        Something a careful bench never does: what, and where.
    """

    events: list[dict[str, Any]] = field(default_factory=list)

    def add(self, t: float, event: str, **details: Any) -> None:
        """Write down an event."""
        self.events.append({"t": t, "event": event, **details})

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the events of one kind."""
        return [each for each in self.events if each["event"] == event]
