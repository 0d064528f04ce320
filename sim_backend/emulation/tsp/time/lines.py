"""Digital lines of a TSP instrument: ``digio``, and those of the TSP-Link.

Nothing is wired to them: a line reads what was written to it, high after power-on, and its trigger notices only what
the instrument itself puts on it.
"""

from functools import partial

from ..lua.objects import Node, Refused, Returned, Value, number, whole
from .events import EventBus

MODES = {
    "BYPASS": 0, "FALLING": 1, "RISING": 2, "EITHER": 3, "SYNCHRONOUSA": 4, "SYNCHRONOUS": 5, "SYNCHRONOUSM": 6,
    "RISINGA": 7, "RISINGM": 8,
}  # fmt: skip
"""Trigger modes of a line (2600B reference manual, digio.trigger[N].mode)."""
DIGITAL_LINES, LINK_LINES = 14, 3
PULSE_S = 10e-6


class Lines:
    """A port of digital lines.

    Parameters
    ----------
    count : int
        Number of lines.
    bus : EventBus
        Carries the events of their triggers.
    first_event : int
        Number of the event of line 1.
    """

    def __init__(self, count: int, bus: EventBus, first_event: int) -> None:
        self._count = count
        self._state = self._all = 2**count - 1
        self.node = node = Node()
        node.constants |= {f"TRIG_{name}": mode for name, mode in MODES.items()}
        node.settings(number(0, self._all), writeprotect=0.0)
        node.methods |= {
            "readbit": lambda line=None: float(self._state >> (self._line(line) - 1) & 1),
            "readport": lambda: float(self._state),
            "writebit": self._write_bit,
            "writeport": lambda data=None: self._write(whole(data, 0, self._all)),
        }
        for place in range(1, count + 1):
            node.child("trigger").child(place, trigger_line(bus, first_event + place - 1))

    def reset(self) -> None:
        """Bring the settings of the triggers to their defaults; what was written stays."""
        self.node.reset()

    def _line(self, line: Value) -> int:
        found = whole(line, 0, 1000)
        if not 1 <= found <= self._count:
            raise Refused(1801, "Invalid digital I/O line")
        return found

    def _write_bit(self, line: Value = None, bit: Value = None) -> Returned:
        mask = 1 << (self._line(line) - 1)
        return self._write(self._state | mask if number()(bit) else self._state & ~mask)

    def _write(self, state: int) -> Returned:
        fixed = int(self.node.values["writeprotect"])
        self._state = (self._state & fixed) | (state & ~fixed)
        return ()


def trigger_line(bus: EventBus, event: int, *, pulse: bool = True) -> Node:
    """Make the trigger of a line; its event happens when the instrument asserts it, or at its stimulus."""
    node, heard = Node(), bus.detector(event)

    def clear() -> Returned:
        heard.seen = False
        return ()

    def happen() -> Returned:
        bus.emit(event)
        bus.schedule.run_now()
        return ()

    def reset() -> Returned:
        node.reset()
        return clear()

    def listen(number_of: int) -> None:
        if node.values["stimulus"] == number_of != event:
            bus.emit(event)

    node.constants["EVENT_ID"] = event
    node.setting("mode", 0.0, number(0, 8))
    node.setting("stimulus", 0.0, number(0, 1000))
    if pulse:
        node.setting("pulsewidth", PULSE_S, number(0, 10))
    node.attribute("overrun", lambda: False)
    node.methods |= {
        "assert": happen,
        "clear": clear,
        "release": lambda: (),
        "reset": reset,
        "wait": partial(bus.wait, heard),
    }
    bus.listen(listen)
    return node


def link(bus: EventBus, first_event: int) -> Lines:
    """Make ``tsplink``, on which this instrument is alone, as node 1 and master."""
    lines = Lines(LINK_LINES, bus, first_event)
    node = lines.node
    node.attribute("master", lambda: 1.0)
    node.attribute("state", lambda: "online")
    node.settings(number(0, 64), node=1.0, group=0.0)
    node.methods |= {"reset": lambda *_: 1.0, "initialize": lambda *_: 1.0}
    return lines
