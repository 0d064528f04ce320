"""Sweeps of an emulated Keithley 2450: each makes a configuration list and a trigger model, which ``:INIT`` runs.

Parameters are those of the Model 2450 reference manual, ``:SOURce[1]:SWEep:<function>``. Assumed: a dual sweep comes
back through every level but the last, no sweep has more than 2500 levels, and the lists of linear and logarithmic
sweeps are named like that of a list sweep, ``VoltCustomSweepList``, which a vendor's example names.
"""

from ...scpi import reading, values
from ...scpi.messages import Call, Command
from ...scpi.source import LONGEST_LIST, NAMES, staircase
from ...scpi.status import ScpiError
from .blocks import BLOCKS, LONGEST_S, MOST_COUNT
from .settings import AUTO_DELAY_S
from .state import Keithley2450State

MOST_POINTS = 1_000_000
AUTO_DELAY = -1.0
"""The delay that stands for the automatic one."""


def _prepare(
    smu: Keithley2450State, function: str, kind: str, levels: list[float], arguments: list[str], start: int = 1
) -> None:
    """Make list and model; `arguments` are delay, count, range type (not for lists), fail abort, dual, buffer."""
    delay_s = values.within(arguments[0], AUTO_DELAY, LONGEST_S) if arguments else AUTO_DELAY
    count = 1
    if len(arguments) > 1 and not values.matches(arguments[1], "INFinite"):
        count = values.integer(arguments[1], 0, MOST_COUNT) or 1
    rest = arguments[2:]
    range_type = "BEST" if kind == "Custom" or not rest else values.choice(rest.pop(0), ("AUTO", "BEST", "FIXed"))
    fail_abort = values.boolean(rest[0]) if rest else True
    dual = kind != "Custom" and len(rest) > 1 and values.boolean(rest[1])
    name = smu.buffer_name(rest[1:] if kind == "Custom" else rest[2:])
    if dual:
        levels = [*levels, *reversed(levels[:-1])]
    sourcing = smu.now.sourcing
    source = sourcing.source[function]
    largest = max(map(abs, levels))
    if source.auto and range_type != "FIX":
        source.range = reading.range_holding(source.ranges, largest)
    elif not reading.holds(source.range, largest):
        raise ScpiError(-222)
    entries = []
    for level in levels:
        entry = sourcing.copied()
        entry.function, entry.source[function].level = function, level
        entries.append(entry)
    list_name = f"{function.capitalize()}{kind}SweepList"
    smu.source_lists[list_name] = entries
    wait_s = AUTO_DELAY_S if delay_s < 0 else delay_s
    _load(smu, list_name, start, len(levels) * count, wait_s, name, fail_abort)


def _load(
    smu: Keithley2450State, levels: str, start: int, passes: int, delay_s: float, name: str, fail_abort: bool
) -> None:
    """Make the model that measures so often while it goes round a configuration list (reference manual, chapter 6)."""
    smu.trigger_model.load(
        [
            BLOCKS["BUFFer:CLEar"].block(smu, name),
            BLOCKS["CONFig:RECall"].block(smu, (levels, start)),
            BLOCKS["SOURce:STATe"].block(smu, True),
            BLOCKS["BRANch:ALWays"].block(smu, 6),
            BLOCKS["CONFig:NEXT"].block(smu, levels),
            BLOCKS["DELay:CONStant"].block(smu, delay_s),
            BLOCKS["MEASure"].block(smu, name, 1, 9 if fail_abort else 0),
            BLOCKS["BRANch:COUNter"].block(smu, passes, 5),
            BLOCKS["SOURce:STATe"].block(smu, False),
        ]
    )


def _commands(function: str) -> tuple[Command, ...]:
    """Declare the sweeps of one function."""

    def ends(smu: Keithley2450State, call: Call, most: int) -> tuple[float, float, list[str]]:
        arguments = call.expect(3, most)
        bound = smu.now.sourcing.source[function].most
        start, stop = (values.within(text, -bound, bound) for text in arguments[:2])
        return start, stop, arguments[2:]

    def points(text: str) -> int:
        found = values.integer(text, 2, MOST_POINTS)
        if found > LONGEST_LIST:
            raise ScpiError(-223)
        return found

    def linear(smu: Keithley2450State, call: Call) -> None:
        start, stop, rest = ends(smu, call, 9)
        _prepare(smu, function, "Linear", staircase(start, stop, points(rest[0])), rest[1:])

    def step(smu: Keithley2450State, call: Call) -> None:
        start, stop, rest = ends(smu, call, 9)
        size = abs(values.number(rest[0]))
        steps = int(abs(stop - start) / size + 1e-9) if size else 0
        if not 2 <= steps + 1 <= LONGEST_LIST:
            raise ScpiError(-222)
        last = start + steps * (size if stop > start else -size)
        _prepare(smu, function, "Linear", staircase(start, last, steps + 1), rest[1:])

    def logarithmic(smu: Keithley2450State, call: Call) -> None:
        start, stop, rest = ends(smu, call, 10)
        _prepare(smu, function, "Log", staircase(start, stop, points(rest[0]), logarithmic=True), rest[1:])

    def from_list(smu: Keithley2450State, call: Call) -> None:
        arguments = call.expect(1, 5)
        levels = smu.now.sourcing.source[function].values
        start = values.integer(arguments[0], 1, len(levels))
        _prepare(smu, function, "Custom", list(levels), arguments[1:], start)

    pattern = f":SOURce#:SWEep:{NAMES[function]}"
    return (
        Command(f"{pattern}:LINear", linear),
        Command(f"{pattern}:LINear:STEP", step),
        Command(f"{pattern}:LOG", logarithmic),
        Command(f"{pattern}:LIST", from_list),
    )


COMMANDS = tuple(command for function in NAMES for command in _commands(function))
