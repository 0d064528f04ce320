"""Sweeps of an emulated Keithley 2450: each makes a configuration list and a trigger model, which ``:INIT`` runs.

Parameters are those of the Model 2450 reference manual, ``:SOURce[1]:SWEep:<function>``. Assumed: a dual sweep comes
back through every level but the last, no sweep has more than 2500 levels, and the lists of linear and logarithmic
sweeps are named like that of a list sweep, ``VoltCustomSweepList``, which a vendor's example names.
"""

import copy
from typing import TYPE_CHECKING

from ...scpi import reading, values
from ...scpi.messages import Call, Command
from ...scpi.source import LONGEST_LIST, NAMES, staircase
from ...scpi.status import ScpiError
from . import models

if TYPE_CHECKING:
    from .model import EmulatedKeithley2450

MOST_POINTS, MOST_COUNT, LONGEST_S = 1_000_000, 268_435_455, 1e4
AUTO_DELAY = -1.0
"""The delay that stands for the automatic one."""
AUTO_DELAY_S = 1e-3
LIST_NAMES = {"VOLT": "Volt", "CURR": "Curr"}


def _made(
    smu: "EmulatedKeithley2450", function: str, kind: str, levels: list[float], arguments: list[str], start: int = 1
) -> None:
    """Make list and model; `arguments` are delay, count, range type (not for lists), fail abort, dual, buffer."""
    delay_s = values.bounded(arguments[0], AUTO_DELAY, LONGEST_S) if arguments else AUTO_DELAY
    count = 1
    if len(arguments) > 1:
        endless = values.matches(arguments[1], "INFinite")
        count = 1 if endless else values.integer(arguments[1], 0, MOST_COUNT) or 1
    rest = arguments[2:]
    range_type = "BEST" if kind == "Custom" or not rest else values.choice(rest.pop(0), ("AUTO", "BEST", "FIXed"))
    fail_abort = values.boolean(rest[0]) if rest else True
    dual = kind != "Custom" and len(rest) > 1 and values.boolean(rest[1])
    named = rest[1:] if kind == "Custom" else rest[2:]
    name = values.string(named[0]) if named else "defbuffer1"
    smu.buffer(name)
    if dual:
        levels = [*levels, *reversed(levels[:-1])]
    sourcing = smu.now.sourcing
    source = sourcing.source[function]
    largest = max(map(abs, levels))
    if range_type == "FIX" or not source.auto:
        if not reading.holds(source.range, largest):
            raise ScpiError(-222)
    else:
        source.range = reading.range_holding(source.ranges, largest)
    entries = []
    for level in levels:
        entry = copy.deepcopy(sourcing)
        entry.function, entry.source[function].level = function, level
        entries.append(entry)
    list_name = f"{LIST_NAMES[function]}{kind}SweepList"
    smu.source_lists[list_name] = entries
    wait_s = AUTO_DELAY_S if delay_s < 0 else delay_s
    smu.trigger_model.load(models.sweep(list_name, len(levels), start, wait_s, count, name, fail_abort))


def commands(function: str) -> tuple[Command, ...]:
    """Declare the sweeps of one function."""

    def ends(smu: "EmulatedKeithley2450", call: Call, most: int) -> tuple[float, float, list[str]]:
        arguments = call.expect(3, most)
        bound = smu.now.sourcing.source[function].most
        start, stop = (values.bounded(text, -bound, bound) for text in arguments[:2])
        return start, stop, arguments[2:]

    def linear(smu: "EmulatedKeithley2450", call: Call) -> None:
        start, stop, rest = ends(smu, call, 9)
        points = values.integer(rest[0], 2, MOST_POINTS)
        if points > LONGEST_LIST:
            raise ScpiError(-223)
        _made(smu, function, "Linear", staircase(start, stop, points), rest[1:])

    def step(smu: "EmulatedKeithley2450", call: Call) -> None:
        start, stop, rest = ends(smu, call, 9)
        size = abs(values.number(rest[0]))
        points = int(abs(stop - start) / size + 1e-9) + 1 if size else 0
        if not 2 <= points <= LONGEST_LIST:
            raise ScpiError(-222)
        last = start + (points - 1) * (size if stop > start else -size)
        _made(smu, function, "Linear", staircase(start, last, points), rest[1:])

    def logarithmic(smu: "EmulatedKeithley2450", call: Call) -> None:
        start, stop, rest = ends(smu, call, 10)
        points = values.integer(rest[0], 2, MOST_POINTS)
        if points > LONGEST_LIST:
            raise ScpiError(-223)
        _made(smu, function, "Log", staircase(start, stop, points, logarithmic=True), rest[1:])

    def listed(smu: "EmulatedKeithley2450", call: Call) -> None:
        arguments = call.expect(1, 5)
        levels = smu.now.sourcing.source[function].values
        start = values.integer(arguments[0], 1, len(levels))
        _made(smu, function, "Custom", list(levels), arguments[1:], start)

    pattern = f":SOURce#:SWEep:{NAMES[function]}"
    return (
        Command(f"{pattern}:LINear", linear),
        Command(f"{pattern}:LINear:STEP", step),
        Command(f"{pattern}:LOG", logarithmic),
        Command(f"{pattern}:LIST", listed),
    )
