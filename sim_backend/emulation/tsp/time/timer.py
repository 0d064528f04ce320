"""Timers and blenders of a TSP instrument: events after a time, and events out of others."""

from ..lua.objects import Node, Refused, Value, flag, number, whole
from .events import LONGEST_DELAY_S, EventBus, EventObject
from .schedule import Process, Steps

SHORTEST_DELAY_S = 0.5e-6
DEFAULT_DELAY_S = 10e-6
BLENDER_INPUTS = 4
MOST_DELAYS = 10_000


class Timer(EventObject):
    """``trigger.timer[n]``: a stimulus starts it, and after each delay its own event happens."""

    def __init__(self, bus: EventBus, event: int) -> None:
        super().__init__(bus, event)
        self._running: Process | None = None
        node = self.node
        self._delays = [DEFAULT_DELAY_S]
        node.attribute("delay", lambda: self._delays[0], lambda value: self._set_delays([number()(value)]))
        node.attribute("delaylist", lambda: list(self._delays), self._set_delays)
        node.setting("count", 1.0, number(0, 1_048_575))
        node.setting("passthrough", False, flag)
        node.setting("stimulus", 0.0, number(0, 1000))
        node.methods["reset"] = self.reset
        bus.listen(self._heard)

    def clear(self) -> None:
        """Stop, and forget what happened."""
        super().clear()
        if self._running:
            self.bus.schedule.stop(self._running)
            self._running = None

    def _heard(self, event: int) -> None:
        if event != self.node.values["stimulus"]:
            return
        if not self._running or self._running.ended:
            self._running = self.bus.schedule.start(self._run(), overlapped=False)

    def _run(self) -> Steps:
        if self.node.values["passthrough"]:
            self.bus.emit(self.event)
        count, made = int(self.node.values["count"]), 0
        while not count or made < count:
            yield self._delays[made % len(self._delays)]
            self.bus.emit(self.event)
            made += 1

    def reset(self) -> None:
        """Bring the settings to their defaults, and forget what happened."""
        self._delays = [DEFAULT_DELAY_S]
        super().reset()

    def _set_delays(self, values: Value) -> None:
        """``delaylist``: the delays one after the other, from the first again after the last."""
        if not isinstance(values, list) or not 0 < len(values) <= MOST_DELAYS:
            raise Refused(1401, "Parameter 01 is invalid")
        self._delays = [number(SHORTEST_DELAY_S, LONGEST_DELAY_S)(each) for each in values]


class Blender(EventObject):
    """``trigger.blender[n]``: its event happens when one, or all, of up to four stimuli have."""

    def __init__(self, bus: EventBus, event: int) -> None:
        super().__init__(bus, event)
        self._stimuli = dict.fromkeys(range(1, BLENDER_INPUTS + 1), 0)
        self._seen: set[int] = set()
        node = self.node
        node.setting("orenable", False, flag)
        stimulus = node.child("stimulus", Node("synchronous_table"))
        stimulus.item, stimulus.put = lambda place: float(self._stimuli.get(place, 0)), self._set
        node.methods["reset"] = self.reset
        bus.listen(self._heard)

    def clear(self) -> None:
        """Forget what happened."""
        super().clear()
        self._seen.clear()

    def reset(self) -> None:
        """Bring the settings to their defaults."""
        self._stimuli = dict.fromkeys(self._stimuli, 0)
        super().reset()

    def _heard(self, event: int) -> None:
        wanted = {stimulus for stimulus in self._stimuli.values() if stimulus}
        if event not in wanted:
            return
        self._seen.add(event)
        if self.node.values["orenable"] or self._seen >= wanted:
            self._seen.clear()
            self.bus.emit(self.event)

    def _set(self, place: int, value: Value) -> None:
        if place not in self._stimuli:
            raise Refused(1401, f"a blender has no stimulus {place}")
        self._stimuli[place] = whole(value, 0, 1000)
