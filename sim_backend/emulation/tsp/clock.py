"""Time as scripts of a TSP instrument see it: the stop watch ``timer``, the real-time clock, ``os.time``."""

from collections.abc import Callable
from datetime import UTC, datetime

from ..world.clock import Clock
from .lua.objects import Node, Value, number, text

SWITCHED_ON_S = 1_577_836_800.0
"""What the real-time clock shows at power-on, in seconds since 1970: 1 January 2020, an arbitrary choice."""
LATEST_S = 4_102_444_800.0
LONGEST_FORM = 100


def stop_watch(clock: Clock, looked: Callable[[], None]) -> Node:
    """Make ``timer``, which follows a clock; `looked` is called after each look at it."""
    started = [clock.now()]

    def elapsed() -> float:
        time_s = clock.now() - started[0]
        looked()
        return time_s

    node = Node()
    node.methods["reset"] = lambda: started.__setitem__(0, clock.now())
    node.child("measure").methods["t"] = elapsed
    return node


class RealTimeClock:
    """The time of day; times are seconds since 1970, UTC.

    Parameters
    ----------
    clock : Clock
        Time on the bench, which this clock follows.
    looked : callable
        Called after each look of a script at it.
    """

    def __init__(self, clock: Clock, looked: Callable[[], None]) -> None:
        self._clock, self._looked = clock, looked
        self._ahead_s = SWITCHED_ON_S - clock.now()
        self.node = Node()
        """``os``, which tells the time and has no files."""
        self.node.methods |= {"time": self.time, "date": self.date, "clock": self.uptime}

    def now(self) -> float:
        """Return the time."""
        return self._clock.now() + self._ahead_s

    def set(self, time_s: Value = None) -> None:
        """``settime(time)``."""
        self._ahead_s = number(0, LATEST_S)(time_s) - self._clock.now()

    def date(self, form: Value = "%c", when: Value = None) -> str:
        """``os.date([format[, time]])``."""
        time_s = self.now() if when is None else number(0, LATEST_S)(when)
        return datetime.fromtimestamp(time_s, UTC).strftime(text(form)[:LONGEST_FORM])

    def uptime(self) -> float:
        """``os.clock()``."""
        time_s = self._clock.now()
        self._looked()
        return time_s

    def time(self) -> float:
        """``os.time()``."""
        time_s = float(int(self.now()))
        self._looked()
        return time_s
