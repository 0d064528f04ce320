"""Reading buffer of a source-measure unit: readings with times, source values, states."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .tsp_objects import Node, Refused, Returned, Value, choice

DEDICATED_CAPACITY = 140_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One reading and what goes with it."""

    reading: float
    time_s: float
    source: float
    status: int
    range: float
    function: int
    """What was measured: 0 current, 1 voltage, 2 resistance, 3 power."""
    source_function: int
    source_range: float
    source_on: bool


FUNCTIONS = ("Current", "Voltage", "Ohms", "Watts")
_VIEWS: dict[str, tuple[Callable[[Entry, float], Any], str | None]] = {
    "readings": (lambda entry, _: entry.reading, None),
    "timestamps": (lambda entry, base: entry.time_s - base, "collecttimestamps"),
    "sourcevalues": (lambda entry, _: entry.source, "collectsourcevalues"),
    "statuses": (lambda entry, _: float(entry.status), None),
    "measureranges": (lambda entry, _: entry.range, None),
    "measurefunctions": (lambda entry, _: FUNCTIONS[entry.function], None),
    "sourcefunctions": (lambda entry, _: FUNCTIONS[entry.source_function], "collectsourcevalues"),
    "sourceranges": (lambda entry, _: entry.source_range, "collectsourcevalues"),
    "sourceoutputstates": (lambda entry, _: "On" if entry.source_on else "Off", "collectsourcevalues"),
}


class Buffer:
    """One reading buffer.

    Parameters
    ----------
    capacity : int
        Readings that it holds; what comes after is thrown away.
    asked : callable
        Called when a client asks how many readings there are.
    """

    def __init__(self, capacity: int, asked: Callable[[], None]) -> None:
        self.capacity = capacity
        self._asked = asked
        self._entries: list[Entry] = []
        self.node = node = Node("reading_buffer", owner=self)
        node.attribute("n", self._count)
        node.attribute("capacity", lambda: float(capacity))
        node.attribute("basetimestamp", self._base)
        for key in ("appendmode", "collecttimestamps", "collectsourcevalues"):
            node.setting(key, 0.0, self._while_empty)
        node.settings(choice(0, 1), cachemode=1.0, fillmode=0.0)
        node.attribute("timestampresolution", lambda: 1e-6)
        node.methods |= {"clear": self.clear, "clearcache": lambda: ()}
        node.item = partial(self._at, "readings")
        for name in _VIEWS:
            view = node.child(name, Node("synchronous_table", owner=View(self, name)))
            view.item = partial(self._at, name)
            view.methods["getreading"] = partial(self._at, name)

    def begin(self) -> None:
        """Take note that a new measurement starts: without append mode the old readings go."""
        if not self.node.values["appendmode"]:
            self.clear()

    def add(self, entry: Entry) -> None:
        """Keep a reading, if there is room."""
        if len(self._entries) < self.capacity:
            self._entries.append(entry)

    def room(self) -> int:
        """Return how many readings it still takes."""
        return self.capacity - len(self._entries)

    def clear(self) -> Returned:
        """Throw the readings away."""
        self._entries.clear()
        return ()

    def column(self, name: str) -> list[Any]:
        """Return one of its views as a list; empty if it was not collected."""
        pick, needs = _VIEWS[name]
        if needs and not self.node.values[needs]:
            return []
        base = self._base()
        return [pick(entry, base) for entry in self._entries]

    def listed(self) -> list[float]:
        """Return the readings."""
        return self.column("readings")

    def _at(self, name: str, place: Value = None) -> Value:
        pick, needs = _VIEWS[name]
        if not isinstance(place, int | float) or not 1 <= place <= len(self._entries):
            return None
        if needs and not self.node.values[needs]:
            return None
        found: Value = pick(self._entries[int(place) - 1], self._base())
        return found

    def _base(self) -> float:
        return self._entries[0].time_s if self._entries else 0.0

    def _count(self) -> float:
        self._asked()
        return float(len(self._entries))

    def _while_empty(self, value: Value) -> Value:
        if self._entries:
            raise Refused(5032, "Cannot change this setting unless buffer is cleared")
        return choice(0, 1)(value)


@dataclass(frozen=True, slots=True)
class View:
    """One array of a buffer, such as its time stamps."""

    buffer: Buffer
    name: str

    def listed(self) -> list[float]:
        """Return it as a list of numbers."""
        column = self.buffer.column(self.name)
        return [float(FUNCTIONS.index(each)) if each in FUNCTIONS else each for each in column]
