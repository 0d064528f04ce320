"""Timers and blenders of a TSP instrument: events after a time, and events out of others."""

from collections.abc import Iterator
from functools import partial

from ..lua.objects import Node, Refused, Returned, Value, flag, number, whole
from .events import LONGEST_DELAY_S, EventBus
from .schedule import Process, Steps

SHORTEST_DELAY_S = 0.5e-6
MOST_DELAYS = 10_000
"""Of a delay list; no manual found says how many an instrument takes."""
BLENDER_INPUTS = 4


class Timer:
    """``trigger.timer[n]``: a stimulus starts it, and after each delay its own event happens."""

    def __init__(self, bus: EventBus, event: int) -> None:
        self._bus, self._event = bus, event
        self._delays = [10e-6]
        self._running: Process | None = None
        self._overrun = False
        self._own = bus.detector(event)
        self.node = node = Node()
        node.attribute("delay", lambda: self._delays[0], self._set_delay)
        node.attribute("delaylist", lambda: list(self._delays), self._set_delays)
        node.setting("count", 1.0, number(0, 1_048_575))
        node.setting("passthrough", False, flag)
        node.setting("stimulus", 0.0, number(0, 1000))
        node.attribute("overrun", lambda: self._overrun)
        node.constants["EVENT_ID"] = event
        node.methods |= {
            "clear": self.clear,
            "reset": self.reset,
            "wait": partial(bus.wait, self._own),
        }
        bus.listen(self._heard)

    def clear(self) -> Returned:
        """Stop, and forget what happened."""
        if self._running:
            self._bus.schedule.stop(self._running)
            self._running = None
        self._own.seen = self._overrun = False
        return ()

    def _heard(self, event: int) -> None:
        if event != self.node.values["stimulus"]:
            return
        if self._running and not self._running.ended:
            self._overrun = True
            return
        self._running = self._bus.schedule.start(self._run(), overlapped=False)

    def _run(self) -> Steps:
        if self.node.values["passthrough"]:
            self._bus.emit(self._event)
        for delay in self._intervals():
            yield delay
            self._bus.emit(self._event)

    def _intervals(self) -> Iterator[float]:
        count, made = int(self.node.values["count"]), 0
        while not count or made < count:
            yield self._delays[made % len(self._delays)]
            made += 1

    def _set_delay(self, value: Value) -> None:
        self._set_delays([number()(value)])

    def _set_delays(self, value: Value) -> None:
        if not isinstance(value, list) or not value:
            raise Refused(-104, "Data type error")
        if len(value) > MOST_DELAYS:
            raise Refused(-225, "Out of memory")
        for each in value:
            number(SHORTEST_DELAY_S, LONGEST_DELAY_S)(each)
        self._delays = list(value)

    def reset(self) -> Returned:
        """Bring the settings to their defaults."""
        self.node.reset()
        self._delays = [10e-6]
        return self.clear()


class Blender:
    """``trigger.blender[n]``: its event happens when one, or all, of up to four stimuli have."""

    def __init__(self, bus: EventBus, event: int) -> None:
        self._bus, self._event = bus, event
        self._stimuli = dict.fromkeys(range(1, BLENDER_INPUTS + 1), 0)
        self._seen: set[int] = set()
        self._own = bus.detector(event)
        self.node = node = Node()
        node.setting("orenable", False, flag)
        stimulus = node.child("stimulus", Node("synchronous_table"))
        stimulus.item, stimulus.put = lambda place: float(self._stimuli.get(place, 0)), self._set
        node.attribute("overrun", lambda: False)
        node.constants["EVENT_ID"] = event
        node.methods |= {
            "clear": self.clear,
            "reset": self.reset,
            "wait": partial(bus.wait, self._own),
        }
        bus.listen(self._heard)

    def clear(self) -> Returned:
        """Forget what happened."""
        self._seen.clear()
        self._own.seen = False
        return ()

    def _heard(self, event: int) -> None:
        wanted = {stimulus for stimulus in self._stimuli.values() if stimulus}
        if event not in wanted:
            return
        self._seen.add(event)
        if self.node.values["orenable"] or self._seen >= wanted:
            self._seen.clear()
            self._bus.emit(self._event)

    def _set(self, place: int, value: Value) -> None:
        if place not in self._stimuli:
            raise Refused(1401, f"a blender has no stimulus {place}")
        self._stimuli[place] = whole(value, 0, 1000)

    def reset(self) -> Returned:
        """Bring the settings to their defaults."""
        self.node.reset()
        self._stimuli = dict.fromkeys(self._stimuli, 0)
        return self.clear()
