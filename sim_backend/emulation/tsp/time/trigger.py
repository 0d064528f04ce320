"""The ``trigger`` object of a TSP instrument.

The numbers of the events are those of a real 2600 where a log shows them (trigger 29, blender 57 and 58, smua 45 to 48,
smub 51); the others are made up, so scripts should use the names.
"""

from .events import EventBus, EventObject
from .schedule import Schedule
from .timer import Blender, Timer

COMMAND_EVENT = 29
TRIG_KEY = 18
FIRST_TIMER, TIMERS = 21, 8
FIRST_BLENDER, BLENDERS = 57, 6


class Triggers(EventObject):
    """Timers, blenders, and the event of ``*TRG``."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__(EventBus(schedule), COMMAND_EVENT)
        self._parts: list[Timer | Blender] = []
        for name, kind, first, count in (
            ("timer", Timer, FIRST_TIMER, TIMERS),
            ("blender", Blender, FIRST_BLENDER, BLENDERS),
        ):
            made = [kind(self.bus, first + place) for place in range(count)]
            self._parts += made
            for place, each in enumerate(made, 1):
                self.node.child(name).child(place, each.node)

    def reset(self) -> None:
        """Bring timers and blenders to their defaults, and forget every event."""
        for each in self._parts:
            each.reset()
        self.bus.forget()
