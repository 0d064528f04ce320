"""The ``trigger`` object of a TSP instrument.

The numbers of the events are those of a real 2600 where a log shows them (trigger 29, blender 57 and 58, smua 45 to 48,
smub 51); the others are made up, so scripts should use the names.
"""

from functools import partial

from ..lua.objects import Node, Returned
from .events import EventBus
from .schedule import Schedule
from .timer import Blender, Timer

COMMAND_EVENT = 29
FIRST_DIGITAL, FIRST_LINK, TRIG_KEY, FIRST_LAN = 1, 15, 18, 31
FIRST_TIMER, TIMERS = 21, 8
FIRST_BLENDER, BLENDERS = 57, 6
FIRST_GENERATOR, GENERATORS = 55, 2


class Triggers:
    """Timers, blenders, generators, and the event of ``*TRG``."""

    def __init__(self, schedule: Schedule) -> None:
        self.bus = bus = EventBus(schedule)
        self._command = bus.detector(COMMAND_EVENT)
        self._timers = [Timer(bus, FIRST_TIMER + n) for n in range(TIMERS)]
        self._blenders = [Blender(bus, FIRST_BLENDER + n) for n in range(BLENDERS)]
        self.node = node = Node()
        node.constants["EVENT_ID"] = COMMAND_EVENT
        node.methods |= {"wait": partial(bus.wait, self._command), "clear": self._clear}
        for place, timer in enumerate(self._timers, 1):
            node.child("timer").child(place, timer.node)
        for place, blender in enumerate(self._blenders, 1):
            node.child("blender").child(place, blender.node)
        for place in range(1, GENERATORS + 1):
            event = FIRST_GENERATOR + place - 1
            generator = node.child("generator").child(place)
            generator.constants["EVENT_ID"] = event
            generator.methods["assert"] = partial(self._assert, event)

    def command(self) -> None:
        """Do what ``*TRG`` does."""
        self._assert(COMMAND_EVENT)

    def reset(self) -> None:
        """Bring timers and blenders to their defaults, and forget every event."""
        for timer in self._timers:
            timer.reset()
        for blender in self._blenders:
            blender.reset()
        self.bus.forget()

    def _clear(self) -> Returned:
        self._command.seen = False
        return ()

    def _assert(self, event: int) -> Returned:
        self.bus.emit(event)
        self.bus.schedule.run_now()
        return ()
