"""Events of a TSP instrument: who emits, who listens, who waits."""

from collections.abc import Callable
from functools import partial

from ..lua.objects import Node, ScriptError, Value, number
from .schedule import Detector, Schedule, Steps

DEEPEST_CHAIN = 20
"""Events that one event may cause at the same instant, one through the other."""
LONGEST_DELAY_S = 100e3


class EventBus:
    """Carries the numbers of events to detectors and listeners."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self._depth = 0
        self._listeners: list[Callable[[int], None]] = []
        self._detectors: list[Detector] = []

    def detector(self, stimulus: int = 0) -> Detector:
        """Add a detector, deaf until it is given a stimulus."""
        made = Detector()
        made.stimulus = stimulus
        self._detectors.append(made)
        return made

    def listen(self, heard: Callable[[int], None]) -> None:
        """Have a function called with the number of every event."""
        self._listeners.append(heard)

    def emit(self, event: int) -> None:
        """Let an event happen."""
        if self._depth > DEEPEST_CHAIN:
            raise ScriptError("blenders trigger each other for ever")
        self._depth += 1
        try:
            for detector in self._detectors:
                if detector.stimulus == event:
                    self.schedule.notice(detector)
            for heard in self._listeners:
                heard(event)
        finally:
            self._depth -= 1

    def happen(self, event: int) -> None:
        """Let an event happen, and all that it causes at this instant."""
        self.emit(event)
        self.schedule.run_now()

    def wait(self, detector: Detector, limit_s: Value = None) -> bool:
        """Wait for an event for at most a time, in seconds; return whether it came."""
        end = self.schedule.now() + number(0, LONGEST_DELAY_S)(limit_s)
        came: list[bool] = []

        def steps() -> Steps:
            yield detector
            came.append(True)

        process = self.schedule.start(steps(), overlapped=False)
        self.schedule.run_now()
        while not came and self.schedule.step_towards(end):
            pass
        self.schedule.stop(process)
        detector.waiting = None
        return bool(came)

    def forget(self) -> None:
        """Forget every event that waits to be used."""
        for detector in self._detectors:
            detector.seen = False


class EventObject:
    """An object with an event of its own: ``EVENT_ID``, and ``wait`` and ``clear`` for who waits for it."""

    def __init__(self, bus: EventBus, event: int) -> None:
        self.bus, self.event, self._own = bus, event, bus.detector(event)
        self.node = Node()
        self.node.constants["EVENT_ID"] = event
        self.node.methods |= {"wait": partial(bus.wait, self._own), "clear": self.clear}

    def clear(self) -> None:
        """Forget that the event happened."""
        self._own.seen = False

    def happen(self) -> None:
        """Let the event happen, and all that it causes at this instant."""
        self.bus.happen(self.event)

    def reset(self) -> None:
        """Bring the settings to their defaults, and forget what happened."""
        self.node.reset()
        self.clear()
