"""One quantity that a source-measure unit can source: level, range and sweep, and the commands that set them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from . import kinds, reading, values
from . import settings as setting
from .kinds import Kind, Store
from .messages import Call, Command
from .status import ScpiError

LONGEST_LIST = 2500
"""Most levels of a sweep (Keithley 2400 user's manual, page 18-92; B2900 SCPI command reference, page 4-105)."""
UNITS: Mapping[str, str] = {"VOLT": "V", "CURR": "A"}
NAMES: Mapping[str, str] = {"VOLT": "VOLTage", "CURR": "CURRent"}


@dataclass
class Source:
    """Volts or amperes at the output."""

    ranges: tuple[float, ...]
    most: float
    """Largest level, either sign."""
    range: float
    auto: bool = True
    lowest: float = 0.0
    """Smallest range that automatic ranging chooses."""
    level: float = 0.0
    triggered: float | None = None
    """Level that the next trigger brings."""
    mode: str = "FIX"
    start: float = 0.0
    stop: float = 0.0
    points: int = 1
    values: list[float] = field(default_factory=lambda: [0.0])
    """Levels of a sweep of mode ``LIST``."""
    list_start: int = 1
    """Where in the list a sweep begins, from 1."""

    def fit(self, level: float) -> None:
        """Choose a range for a level; on a fixed range that cannot hold it, -222."""
        if self.auto:
            self.range = max(self.range_holding(level), self.lowest)
        elif not self.holds(self.range, level):
            raise ScpiError(-222)

    def holds(self, full: float, level: float) -> bool:
        """Whether a range holds a level; the largest may reach beyond the usual share of its name."""
        return reading.holds(full, level) or (full == self.ranges[-1] and abs(level) <= self.most * (1 + 1e-9))

    def range_holding(self, level: float) -> float:
        """Return the smallest range that holds a level; -222 if none does."""
        found = next((each for each in self.ranges if self.holds(each, level)), None)
        if found is None:
            raise ScpiError(-222)
        return found

    def list_levels(self) -> list[float]:
        """Return the levels of a sweep of mode ``LIST``, at least one."""
        return self.values[self.list_start - 1 :] or self.values[-1:]

    def fix(self, chosen: float) -> None:
        """Fix the range; if it cannot hold the present level, -221."""
        if not self.holds(chosen, self.level):
            raise ScpiError(-221)
        self.range, self.auto = chosen, False


def staircase(start: float, stop: float, points: int, logarithmic: bool = False) -> list[float]:
    """Return the levels of a sweep.

    >>> staircase(1.0, 100.0, 3, logarithmic=True)
    [1.0, 10.0, 100.0]

    Raises
    ------
    ScpiError
        -221 for a logarithmic sweep that begins or ends at zero, or crosses it.
    """
    if not logarithmic:
        return [float(each) for each in np.linspace(start, stop, points)]
    if start * stop <= 0:
        raise ScpiError(-221)
    found = np.geomspace(start, stop, points)
    return [float(each) for each in found]


def of_function(function: str) -> Callable[[Any, Call], Any]:
    """Return the place where the `Source` of a function lives on an `SmuInstrument`."""
    return lambda self, call: self.settings(call).source[function]


def chosen_range(
    call: Call, ranges: tuple[float, ...], present: float, default: float, unit: str = "", largest: float = 0.0
) -> float:
    """Return the range that a ``RANG`` command asks for: by a value in it, MIN, MAX, DEF, UP or DOWN.

    `largest` is the largest value, where the last range reaches further than others.
    """
    text = call.expect(1)[0]
    for name, step in (("UP", 1), ("DOWN", -1)):
        if values.matches(text, name):
            return reading.neighbour(ranges, present, step)
    for name, found in (("MINimum", ranges[0]), ("MAXimum", ranges[-1]), ("DEFault", default)):
        if values.matches(text, name):
            return found
    most = max(ranges[-1] * reading.HEADROOM, largest)
    wanted = values.within(text, -most, most, unit=unit)
    return ranges[-1] if abs(wanted) > ranges[-1] * reading.HEADROOM else reading.range_holding(ranges, wanted)


def range_command(
    pattern: str,
    of: Callable[[Any, Call], Any],
    store: Store,
    key: str,
    initial: Any,
    unit: str,
    reply: Callable[[float], str],
) -> Command:
    """Declare a command of a range of a `Source` or a `Sense`: `store` takes what was chosen, `key` is answered."""

    def write(self: Any, call: Call) -> None:
        present = of(self, call)
        accepted = unit if self.accepts_units else ""
        largest = getattr(present, "most", 0.0)
        store(self, call, chosen_range(call, present.ranges, present.range, initial.range, accepted, largest))

    def query(self: Any, call: Call) -> str:
        present = of(self, call)
        if not call.expect(0, 1):
            return reply(getattr(present, key))
        low, high = present.ranges[0], present.ranges[-1]
        return reply(values.named_bound(call.arguments[0], low, high, getattr(initial, key)))

    samples = tuple(f"{each:g}" for each in initial.ranges)
    return Command(pattern, write, query, (*samples, "UP", "DOWN"))


def commands(
    header: str,
    function: str,
    initial: Source,
    reply: Callable[[float], str] = values.nr3,
    range_reply: Callable[[float], str] = values.nr3,
    list_per_command: int = 100,
) -> tuple[Command, ...]:
    """Declare level, range and list of one function of an `SmuInstrument`.

    `initial` is the state after ``*RST``, for bounds and defaults; `list_per_command` the most levels in one command.
    """
    name, most, of = NAMES[function], initial.most, of_function(function)
    unit = UNITS[function]

    def set_level(self: Any, call: Call, level: float) -> None:
        source = of(self, call)
        self.before_level(source)
        if source.auto:
            self.before_source_range(source, source.range_holding(level))
        source.fit(level)
        source.level = level
        if self.level_ends_triggered:
            source.triggered = None
        self.apply()

    def set_range(self: Any, call: Call, wanted: float) -> None:
        self.before_source_range(of(self, call), wanted)
        of(self, call).fix(wanted)
        self.apply()

    def append(self: Any, call: Call, more: list[float]) -> None:
        source = of(self, call)
        if len(source.values) + len(more) > LONGEST_LIST:
            raise ScpiError(-223)
        source.values = [*source.values, *more]

    levels = Kind(
        lambda texts, units: [values.within(text, -most, most, unit=unit if units else "") for text in texts],
        lambda found: ",".join(map(reply, found)),
        most=list_per_command,
        samples=("0", f"{most:g}", f"0,{most / 10:g}"),
    )
    return (
        kinds.number(-most, most, 0.0, unit, reply).command(
            f"{header}:{name}[:LEVel][:IMMediate][:AMPLitude]", set_level, lambda self, call: of(self, call).level
        ),
        range_command(f"{header}:{name}:RANGe", of, set_range, "range", initial, unit, range_reply),
        setting.attribute(f"{header}:{name}:RANGe:AUTO", "auto", kinds.FLAG, of),
        setting.attribute(f"{header}:LIST:{name}", "values", levels, of),
        replace(levels, answer=None).command(f"{header}:LIST:{name}:APPend", append, of),
        setting.query(f"{header}:LIST:{name}:POINts", lambda self, call: str(len(of(self, call).values))),
    )


def sweep_commands(
    header: str,
    function: str,
    initial: Source,
    points: Callable[[Any, Call], Any],
    least_points: int = 2,
    reply: Callable[[float], str] = values.nr3,
) -> tuple[Command, ...]:
    """Declare mode, triggered level and staircase of one function, as `commands` does.

    The object that `points` finds has the number of points of a staircase as attribute ``points``.
    """
    name, most, of = NAMES[function], initial.most, of_function(function)
    level = kinds.number(-most, most, 0.0, UNITS[function], reply)
    # A step may be twice as large as a level, and its query has no MIN, MAX or DEF.
    twice = replace(kinds.number(-2 * most, 2 * most, 0.0, UNITS[function], reply), named=None)

    def set_triggered(self: Any, call: Call, wanted: float) -> None:
        source = of(self, call)
        source.fit(wanted)
        source.triggered = wanted

    def triggered(self: Any, call: Call) -> float:
        source: Source = of(self, call)
        return source.level if source.triggered is None else source.triggered

    def step(self: Any, call: Call) -> float:
        source: Source = of(self, call)
        return (source.stop - source.start) / max(points(self, call).points - 1, 1)

    def set_step(self: Any, call: Call, step: float) -> None:
        wanted = 1 + abs((of(self, call).stop - of(self, call).start) / step) + 1e-9 if step else math.inf
        if not least_points <= wanted < LONGEST_LIST + 1:
            raise ScpiError(-222)
        points(self, call).points = math.floor(wanted)

    sweep = f"{header}:{name}"
    return (
        *setting.attributes(
            {
                f"{sweep}:MODE": ("mode", kinds.choice("FIXed", "LIST", "SWEep")),
                f"{header}:LIST:{name}:STARt": ("list_start", kinds.integer(1, LONGEST_LIST, 1)),
                f"{sweep}:STARt": ("start", level),
                f"{sweep}:STOP": ("stop", level),
            },
            of,
        ),
        level.command(f"{sweep}[:LEVel]:TRIGgered[:AMPLitude]", set_triggered, triggered),
        twice.command(f"{sweep}:STEP", set_step, step),
    )
