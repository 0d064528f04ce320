"""Digital lines of a TSP instrument: ``digio``, and those of the TSP-Link.

Nothing is wired to them: a line reads what was written to it, high after power-on, and its trigger notices only what
the instrument itself puts on it.
"""

from collections.abc import Mapping

from ..lua.objects import Node, Only, Refused, Value, number, whole
from .events import EventBus, EventObject

MODES: Mapping[str, int] = {
    "TRIG_BYPASS": 0, "TRIG_FALLING": 1, "TRIG_RISING": 2, "TRIG_EITHER": 3, "TRIG_SYNCHRONOUSA": 4,
    "TRIG_SYNCHRONOUS": 5, "TRIG_SYNCHRONOUSM": 6, "TRIG_RISINGA": 7, "TRIG_RISINGM": 8,
}  # fmt: skip
"""Trigger modes of a line (2600B reference manual, digio.trigger[N].mode)."""
DIGITAL_LINES, LINK_LINES = 14, 3
LINK = (
    ("", Only.TOLD, {"master": 1.0, "state": "online"}),
    ("", Only.ANSWERED, {"reset": 1.0, "initialize": 1.0}),
    ("", number(0, 64), {"node": 1.0, "group": 0.0}),
)
"""``tsplink``, on which this instrument is alone, as node 1 and master."""


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
        node.constants |= MODES
        node.settings(number(0, self._all), writeprotect=0.0)
        node.methods |= {
            "readbit": lambda line=None: float(self._state >> (self._line(line) - 1) & 1),
            "readport": lambda: float(self._state),
            "writebit": self._write_bit,
            "writeport": lambda data=None: self._write(whole(data, 0, self._all)),
        }
        for place in range(1, count + 1):
            node.child("trigger").child(place, _Line(bus, first_event + place - 1).node)

    def _line(self, line: Value) -> int:
        found = whole(line, 0, 1000)
        if not 1 <= found <= self._count:
            raise Refused(1801, "Invalid digital I/O line")
        return found

    def _write_bit(self, line: Value = None, bit: Value = None) -> None:
        mask = 1 << (self._line(line) - 1)
        self._write(self._state | mask if number()(bit) else self._state & ~mask)

    def _write(self, state: int) -> None:
        fixed = int(self.node.values["writeprotect"])
        self._state = (self._state & fixed) | (state & ~fixed)


class _Line(EventObject):
    """The trigger of a line; its event happens when the instrument asserts it, or at its stimulus."""

    def __init__(self, bus: EventBus, event: int) -> None:
        super().__init__(bus, event)
        self.node.setting("mode", 0.0, number(0, 8))
        self.node.setting("stimulus", 0.0, number(0, 1000))
        self.node.setting("pulsewidth", 10e-6, number(0, 10))
        self.node.keep([("", Only.TOLD, {"overrun": False}), ("", Only.ANSWERED, {"release": None})])
        self.node.methods |= {"assert": self.happen, "reset": self.reset}
        bus.listen(self._heard)

    def _heard(self, event: int) -> None:
        if self.node.values["stimulus"] == event != self.event:
            self.bus.emit(self.event)
