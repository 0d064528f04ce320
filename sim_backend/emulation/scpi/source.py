"""One quantity that a source-measure unit can source: level, range and sweep, and the commands that set them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import reading, values
from . import settings as setting
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
            self.range = max(reading.range_holding(self.ranges, level), self.lowest)
        elif not reading.holds(self.range, level):
            raise ScpiError(-222)

    def listed(self) -> list[float]:
        """Return the levels of a sweep of mode ``LIST``, at least one."""
        return self.values[self.list_start - 1 :] or self.values[-1:]

    def fix(self, chosen: float) -> None:
        """Fix the range; if it cannot hold the present level, -221."""
        if not reading.holds(chosen, self.level):
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
    return lambda self, call: self.source(call, function)


def chosen_range(call: Call, ranges: tuple[float, ...], present: float, default: float, unit: str = "") -> float:
    """Return the range that a ``RANG`` command asks for: by a value in it, MIN, MAX, DEF, UP or DOWN."""
    text = call.expect(1)[0]
    for name, step in (("UP", 1), ("DOWN", -1)):
        if values.matches(text, name):
            return reading.neighbour(ranges, present, step)
    for name, found in (("MINimum", ranges[0]), ("MAXimum", ranges[-1]), ("DEFault", default)):
        if values.matches(text, name):
            return found
    most = ranges[-1] * reading.HEADROOM
    return reading.range_holding(ranges, values.bounded(text, -most, most, unit=unit))


def commands(
    header: str,
    function: str,
    initial: Source,
    reply: Callable[[float], str] = values.nr3,
    range_reply: Callable[[float], str] = values.nr3,
    list_per_command: int = 100,
) -> tuple[Command, ...]:
    """Declare level, range and list of one function.

    They act on an `SmuInstrument`, which says where the `Source` lives.

    Parameters
    ----------
    header : str
        How headers begin, such as ``:SOURce#``.
    function : {"VOLT", "CURR"}
        The function.
    initial : Source
        The state after ``*RST``, for bounds and defaults.
    reply, range_reply : callable
        How levels and ranges are written.
    list_per_command : int
        Most levels in one command.
    """
    name, most, of = NAMES[function], initial.most, of_function(function)

    def unit(self: Any) -> str:
        return UNITS[function] if self.accepts_units else ""

    def set_level(self: Any, call: Call) -> None:
        source = of(self, call)
        level = values.bounded(call.expect(1)[0], -most, most, 0.0, unit(self))
        source.fit(level)
        self.before_level(source)
        source.level = level
        if self.level_ends_triggered:
            source.triggered = None
        self.apply()

    def level(self: Any, call: Call) -> str:
        if call.expect(0, 1):
            return reply(setting.named_bound(call.arguments[0], -most, most, 0.0))
        return reply(of(self, call).level)

    def set_range(self: Any, call: Call) -> None:
        source = of(self, call)
        source.fix(chosen_range(call, source.ranges, source.range, initial.range, unit(self)))
        self.apply()

    def asked_range(self: Any, call: Call) -> str:
        source = of(self, call)
        if not call.expect(0, 1):
            return range_reply(source.range)
        return range_reply(setting.named_bound(call.arguments[0], source.ranges[0], source.ranges[-1], initial.range))

    def listed(self: Any, call: Call) -> list[float]:
        return [values.bounded(text, -most, most, unit=unit(self)) for text in call.expect(1, list_per_command)]

    def set_list(self: Any, call: Call) -> None:
        of(self, call).values = listed(self, call)

    def append(self: Any, call: Call) -> None:
        source, more = of(self, call), listed(self, call)
        if len(source.values) + len(more) > LONGEST_LIST:
            raise ScpiError(-223)
        source.values = [*source.values, *more]

    return (
        Command(f"{header}:{name}[:LEVel][:IMMediate][:AMPLitude]", set_level, level),
        Command(f"{header}:{name}:RANGe", set_range, asked_range),
        setting.flag(f"{header}:{name}:RANGe:AUTO", "auto", of=of),
        Command(f"{header}:LIST:{name}", set_list, lambda self, call: ",".join(map(reply, of(self, call).values))),
        Command(f"{header}:LIST:{name}:APPend", append),
        Command(f"{header}:LIST:{name}:POINts", query=lambda self, call: str(len(of(self, call).values))),
    )


def sweep_commands(
    header: str, function: str, initial: Source, points: Callable[[Any, Call], Any], least_points: int = 2
) -> tuple[Command, ...]:
    """Declare mode, triggered level and staircase of one function.

    Parameters
    ----------
    header, function, initial
        As for `commands`.
    points : callable
        Where the number of points lives, as attribute ``points``.
    least_points : int
        Fewest points of a staircase.
    """
    name, most, of = NAMES[function], initial.most, of_function(function)

    def bounded(self: Any, call: Call, low: float = -most, high: float = most) -> float:
        return values.bounded(call.expect(1)[0], low, high, 0.0, UNITS[function] if self.accepts_units else "")

    def set_triggered(self: Any, call: Call) -> None:
        source, level = of(self, call), bounded(self, call)
        source.fit(level)
        source.triggered = level

    def triggered(self: Any, call: Call) -> str:
        if call.expect(0, 1):
            return values.nr3(setting.named_bound(call.arguments[0], -most, most, 0.0))
        source = of(self, call)
        return values.nr3(source.level if source.triggered is None else source.triggered)

    def end(node: str, key: str) -> Command:
        return setting.number(f"{header}:{name}:{node}", key, -most, most, 0.0, unit=UNITS[function], of=of)

    def set_center(self: Any, call: Call) -> None:
        source, center = of(self, call), bounded(self, call)
        half = (source.stop - source.start) / 2
        _move(source, center - half, center + half)

    def set_span(self: Any, call: Call) -> None:
        source, half = of(self, call), bounded(self, call, -2 * most, 2 * most) / 2
        center = (source.start + source.stop) / 2
        _move(source, center - half, center + half)

    def set_step(self: Any, call: Call) -> None:
        source, step = of(self, call), bounded(self, call, -2 * most, 2 * most)
        wanted = 1 + abs((source.stop - source.start) / step) if step else math.inf
        if not least_points <= math.floor(wanted + 1e-9 if math.isfinite(wanted) else 0) <= LONGEST_LIST:
            raise ScpiError(-222)
        points(self, call).points = math.floor(wanted + 1e-9)

    def step(self: Any, call: Call) -> str:
        call.expect(0)
        source = of(self, call)
        return values.nr3((source.stop - source.start) / max(points(self, call).points - 1, 1))

    def asked(how: Callable[[Source], float]) -> Callable[[Any, Call], str]:
        def query(self: Any, call: Call) -> str:
            call.expect(0)
            return values.nr3(how(of(self, call)))

        return query

    return (
        setting.choice(f"{header}:{name}:MODE", "mode", "FIXed", "LIST", "SWEep", of=of),
        Command(f"{header}:{name}[:LEVel]:TRIGgered[:AMPLitude]", set_triggered, triggered),
        setting.integer(f"{header}:LIST:{name}:STARt", "list_start", 1, LONGEST_LIST, 1, of=of),
        end("STARt", "start"),
        end("STOP", "stop"),
        Command(f"{header}:{name}:CENTer", set_center, asked(lambda source: (source.start + source.stop) / 2)),
        Command(f"{header}:{name}:SPAN", set_span, asked(lambda source: source.stop - source.start)),
        Command(f"{header}:{name}:STEP", set_step, step),
    )


def _move(source: Source, start: float, stop: float) -> None:
    """Give a staircase new ends, or refuse them."""
    if max(abs(start), abs(stop)) > source.most * (1 + 1e-9):
        raise ScpiError(-222)
    source.start, source.stop = start, stop
