"""Reading buffer of a source-measure unit: readings with times, source values, states."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..lua.objects import Check, Node, Refused, Returned, Value, choice, number

DEDICATED_CAPACITY = 140_000
ONCE, WINDOW = 0, 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One reading and what goes with it."""

    reading: float
    time_s: float
    source: float
    status: int


_VIEWS: dict[str, tuple[Callable[[Entry, float], float], str | None]] = {
    "readings": (lambda entry, _: entry.reading, None),
    "timestamps": (lambda entry, base: entry.time_s - base, "collecttimestamps"),
    "sourcevalues": (lambda entry, _: entry.source, "collectsourcevalues"),
    "statuses": (lambda entry, _: float(entry.status), None),
}


class Buffer:
    """One reading buffer.

    Parameters
    ----------
    capacity : int
        Readings that it holds; what comes after is thrown away.
    asked : callable
        Called when a client asks how many readings there are.
    fleeting : bool
        Whether it ends when no script can reach it any more.
    """

    def __init__(self, capacity: int, asked: Callable[[], None], *, fleeting: bool = False) -> None:
        self.capacity = capacity
        self._asked = asked
        self.entries: list[Entry] = []
        self._next = 0  # place that is overwritten next in a window that is full
        self.node = node = Node("reading_buffer", owner=self, fleeting=fleeting)
        node.attribute("n", self._count_when_asked)
        node.attribute("capacity", lambda: float(capacity))
        for key in ("appendmode", "collecttimestamps", "collectsourcevalues"):
            node.setting(key, 0.0, self._while_empty(choice(0, 1)))
        node.settings(choice(0, 1), cachemode=1.0, fillmode=float(ONCE))
        node.settings(number(0, capacity), fillcount=0.0)
        node.settings(number(1e-6, 1e6), timestampresolution=1e-6)
        node.attribute("basetimestamp", self._base)
        node.methods |= {"clear": self.clear, "clearcache": lambda: None}
        node.item = partial(self._at, "readings")
        for name in _VIEWS:
            view = node.child(name, Node("synchronous_table", owner=View(self, name), fleeting=fleeting))
            view.item = partial(self._at, name)
            view.methods["getreading"] = partial(self._reading, name)

    def begin(self) -> None:
        """Take note that a new measurement starts: without append mode the old readings go."""
        if not self.node.values["appendmode"]:
            self.clear()

    def add(self, entry: Entry) -> None:
        """Keep a reading, if there is room."""
        if self.node.values["fillmode"] == WINDOW:
            room = int(self.node.values["fillcount"]) or self.capacity
            if len(self.entries) >= room:  # begin again at the first place (manual, bufferVar.fillmode)
                self.entries[self._next % room] = entry
                self._next = self._next % room + 1
                return
        if len(self.entries) < self.capacity:
            self.entries.append(entry)

    def clear(self) -> None:
        """Throw the readings away."""
        self.entries.clear()
        self._next = 0

    def column(self, name: str, first: int, last: int) -> list[float]:
        """Return entries `first` to `last`, from 1, of one of its views; empty if it was not collected."""
        pick, needs = _VIEWS[name]
        if needs and not self.node.values[needs]:
            return []
        base = self._base()
        return [pick(entry, base) for entry in self.entries[first - 1 : last]]

    def numbers(self, first: int, last: int) -> list[float]:
        """Return readings `first` to `last`, from 1."""
        return self.column("readings", first, last)

    def count(self) -> int:
        """Return how many readings it holds."""
        return len(self.entries)

    def _reading(self, name: str, place: Value = None) -> Returned:
        return (self._at(name, place),)

    def _at(self, name: str, place: Value) -> Value:
        if not isinstance(place, int | float) or not 1 <= place <= len(self.entries):
            return None
        found = self.column(name, int(place), int(place))
        return found[0] if found else None

    def _base(self) -> float:
        return self.entries[0].time_s if self.entries else 0.0

    def _count_when_asked(self) -> float:
        self._asked()
        return float(len(self.entries))

    def _while_empty(self, check: Check) -> Check:
        def checked(value: Value) -> Any:
            if self.entries:
                raise Refused(5032, "Cannot change this setting unless buffer is cleared")
            return check(value)

        return checked


@dataclass(frozen=True, slots=True)
class View:
    """One array of a buffer, such as its time stamps."""

    buffer: Buffer
    name: str

    def numbers(self, first: int, last: int) -> list[float]:
        """Return entries `first` to `last`, from 1."""
        return self.buffer.column(self.name, first, last)

    def count(self) -> int:
        """Return how many entries it has."""
        return len(self.buffer.column(self.name, 1, self.buffer.capacity))


def as_buffer(passed: Value, place: int) -> Buffer:
    """Return the buffer that a script passed as one of the parameters, counted from 1."""
    owner = passed.owner if isinstance(passed, Node) else None
    if not isinstance(owner, Buffer):
        raise Refused(1401, f"Parameter {place:02d} is invalid, it must be a reading buffer")
    return owner
