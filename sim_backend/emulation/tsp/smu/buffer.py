"""Reading buffer of a source-measure unit: readings with times, source values, states."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..lua.objects import Node, Refused, Returned, Value, choice, number

DEDICATED_CAPACITY = 140_000
FILL_ONCE, FILL_WINDOW = 0, 1
FINEST_STAMP_S = 1e-6


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
_NUMBERS: dict[Any, float] = {**{name: float(place) for place, name in enumerate(FUNCTIONS)}, "Off": 0.0, "On": 1.0}
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
        Readings that it holds; what comes after is thrown away, or with fill mode *window* what came first.
    asked : callable
        Called when a client asks how many readings there are.
    since : callable
        Makes an instrument's own time, in seconds, one since 1970.
    fleeting : bool
        Whether it ends when no script can reach it any more.
    """

    def __init__(
        self, capacity: int, asked: Callable[[], None], since: Callable[[float], float], *, fleeting: bool = False
    ) -> None:
        self.capacity = capacity
        self._asked, self._since = asked, since
        self._entries: list[Entry] = []
        self.node = node = Node("reading_buffer", owner=self, fleeting=fleeting)
        node.attribute("n", self._told_count)
        node.attribute("capacity", lambda: float(capacity))
        node.attribute("basetimestamp", lambda: self._since(self._base()))
        for key in ("appendmode", "collecttimestamps", "collectsourcevalues"):
            node.setting(key, 0.0, self._while_empty)
        node.settings(choice(0, 1), cachemode=1.0, fillmode=float(FILL_ONCE))
        node.setting("fillcount", 0.0, number(0, capacity))
        node.setting("timestampresolution", FINEST_STAMP_S, self._resolution)
        node.methods |= {"clear": self.clear, "clearcache": lambda: ()}
        node.item = partial(self._at, "readings")
        for name in _VIEWS:
            view = node.child(name, Node("synchronous_table", owner=View(self, name), fleeting=fleeting))
            view.item = partial(self._at, name)
            view.methods["getreading"] = partial(self._at, name)

    def begin(self) -> None:
        """Take note that a new measurement starts: without append mode the old readings go."""
        if not self.node.values["appendmode"]:
            self.clear()

    def add(self, entry: Entry) -> None:
        """Keep a reading, if there is room."""
        if self.node.values["fillmode"] == FILL_WINDOW:
            most = int(self.node.values["fillcount"]) or self.capacity
            while len(self._entries) >= most:
                del self._entries[0]
        if len(self._entries) < self.capacity:
            self._entries.append(entry)

    def room(self) -> int:
        """Return how many readings it still takes."""
        return self.capacity - len(self._entries)

    def clear(self) -> Returned:
        """Throw the readings away."""
        self._entries.clear()
        return ()

    def readings(self) -> list[Entry]:
        """Return all that it holds."""
        return list(self._entries)

    def column(self, name: str, first: int, last: int) -> list[Any]:
        """Return entries `first` to `last`, from 1, of one of its views; empty if it was not collected."""
        pick, needs = _VIEWS[name]
        if needs and not self.node.values[needs]:
            return []
        base = self._base()
        return [pick(entry, base) for entry in self._entries[first - 1 : last]]

    def length(self, name: str) -> int:
        """Return how many entries one of its views has."""
        _, needs = _VIEWS[name]
        return 0 if needs and not self.node.values[needs] else len(self._entries)

    def listed(self, first: int, last: int) -> list[float]:
        """Return readings `first` to `last`, from 1."""
        return self.column("readings", first, last)

    def count(self) -> int:
        """Return how many readings it holds."""
        return len(self._entries)

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

    def _told_count(self) -> float:
        self._asked()
        return float(len(self._entries))

    def _resolution(self, value: Value) -> float:
        if self._entries:
            raise Refused(5032, "Cannot change this setting unless buffer is cleared")
        if number()(value) < FINEST_STAMP_S:
            raise Refused(5047, "Minimum timestamp resolution is 1us")
        return number()(value)

    def _while_empty(self, value: Value) -> Value:
        if self._entries:
            raise Refused(5032, "Cannot change this setting unless buffer is cleared")
        return choice(0, 1)(value)


@dataclass(frozen=True, slots=True)
class View:
    """One array of a buffer, such as its time stamps."""

    buffer: Buffer
    name: str

    def listed(self, first: int, last: int) -> list[float]:
        """Return entries `first` to `last`, from 1, as numbers."""
        column = self.buffer.column(self.name, first, last)
        return [_NUMBERS.get(each, each) for each in column]

    def count(self) -> int:
        """Return how many entries it has."""
        return self.buffer.length(self.name)
