"""Commands of an emulated Keithley 2450 that build trigger models block by block, and run them.

Names are those of the Model 2450 reference manual, chapter 6.
"""

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

from ...scpi import settings as setting
from ...scpi import values
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError
from . import blocks as block
from . import lines as keithley2450_lines
from .arguments import LONGEST_S, MOST_COUNT, buffer_name, event
from .blocks import MOST_BLOCKS, Block, Run
from .loading import load
from .settings import USER_DELAYS

if TYPE_CHECKING:
    from .model import EmulatedKeithley2450

SHORTEST_DELAY_S = 167e-9
"""The delay block takes 167 ns to 10 ks (reference manual, trigger.BLOCK_DELAY_CONSTANT), or 0 for none."""
MOST_READINGS = 100_000
LIMIT_TYPES = ("ABOVe", "BELow", "INSide", "OUTside")


Make = Callable[["EmulatedKeithley2450", int, list[str]], Block]


def _block(name: str, least: int, most: int, make: Make) -> Command:
    """Declare the command of a block: its number, and `least` to `most` arguments besides."""

    def write(smu: "EmulatedKeithley2450", call: Call) -> None:
        arguments = call.expect(1 + least, 1 + most)
        number = values.integer(arguments[0], 1, MOST_BLOCKS)
        smu.trigger_model.put(number, make(smu, number, arguments[1:]))

    return Command(f":TRIGger:BLOCk:{name}", write)


def _target(text: str) -> int:
    return values.integer(text, 1, MOST_BLOCKS)


def _measure(smu: "EmulatedKeithley2450", _: int, arguments: list[str]) -> Block:
    """Make a measure block; an endless one takes one reading each time it is reached."""
    named = bool(arguments) and arguments[0][:1] in ('"', "'")
    name = buffer_name(smu, arguments[:1] if named else [])
    rest = arguments[1:] if named else arguments
    endless = bool(rest) and values.matches(rest[0], "INFinite")
    return block.measure(name, 1 if endless or not rest else values.integer(rest[0], 1, MOST_READINGS))


def _delay(_: "EmulatedKeithley2450", __: int, arguments: list[str]) -> Block:
    delay_s = values.bounded(arguments[0], 0.0, LONGEST_S)
    if 0 < delay_s < SHORTEST_DELAY_S:
        raise ScpiError(-222)
    return block.delay(delay_s)


def _user_delay(_: "EmulatedKeithley2450", __: int, arguments: list[str]) -> Block:
    name = arguments[0].rstrip("0123456789")
    kind = values.choice(name, ("SOURce", "MEASure"))
    return block.user_delay(kind, values.integer(arguments[0][len(name) :] or "1", 1, USER_DELAYS))


def _wait(_: "EmulatedKeithley2450", __: int, arguments: list[str]) -> Block:
    forget, needs_all, events = False, False, [event(arguments[0])]
    for text in arguments[1:]:
        if any(values.matches(text, name) for name in ("ENTer", "NEVer")):
            forget = values.matches(text, "ENTer")
        elif values.matches(text, "AND") or values.matches(text, "OR"):
            needs_all = values.matches(text, "AND")
        else:
            events.append(event(text))
    named = tuple(each for each in events if each != "NONE") or ("NONE",)
    return block.wait(named, forget, needs_all)


def _branch_counter(_: "EmulatedKeithley2450", number: int, arguments: list[str]) -> Block:
    return block.branch_counter(number, values.integer(arguments[0], 1, MOST_COUNT), _target(arguments[1]))


def _branch_event(_: "EmulatedKeithley2450", __: int, arguments: list[str]) -> Block:
    wanted = event(arguments[0])
    return block.branch_if(
        "BRANCH_ON_EVENT",
        lambda smu, _run: smu.trigger_model.ready(smu, (wanted,), needs_all=False),
        _target(arguments[1]),
    )


def _last(smu: "EmulatedKeithley2450", count: int) -> list[float]:
    """Return the latest readings of the default buffer, as many as there are up to `count`."""
    latest = islice(reversed(smu.buffer("defbuffer1").readings), count)
    return [each.value for each in latest][::-1]


def _branch_delta(_: "EmulatedKeithley2450", __: int, arguments: list[str]) -> Block:
    most = values.number(arguments[0])

    def close(smu: "EmulatedKeithley2450", _run: Run) -> bool:
        latest = _last(smu, 2)
        return len(latest) == 2 and abs(latest[1] - latest[0]) < most

    return block.branch_if("BRANCH_ON_DELTA", close, _target(arguments[1]))


def _within(kind: str, value: float, low: float, high: float) -> bool:
    inside = low <= value <= high
    return {"ABOV": value > high, "BEL": value < low, "INS": inside, "OUT": not inside}[kind]


def _branch_limit(_: "EmulatedKeithley2450", __: int, arguments: list[str]) -> Block:
    kind = values.choice(arguments[0], LIMIT_TYPES)
    low, high = values.number(arguments[1]), values.number(arguments[2])

    def met(smu: "EmulatedKeithley2450", _run: Run) -> bool:
        return any(_within(kind, value, low, high) for value in _last(smu, 1))

    return block.branch_if("BRANCH_LIMIT_CONSTANT", met, _target(arguments[3]))


def _branch_limit_of_test(_: "EmulatedKeithley2450", __: int, arguments: list[str]) -> Block:
    kind, number = values.choice(arguments[0], LIMIT_TYPES), values.integer(arguments[1], 1, 2)

    def met(smu: "EmulatedKeithley2450", _run: Run) -> bool:
        limit = smu.now.measuring.now.limits[number]
        return any(_within(kind, value, limit.lower, limit.upper) for value in _last(smu, 1))

    return block.branch_if("BRANCH_LIMIT_DYNAMIC", met, _target(arguments[2]))


def _recall(smu: "EmulatedKeithley2450", _: int, arguments: list[str]) -> Block:
    entries: list[tuple[str, int]] = []
    for text in arguments:
        if text[:1] in ('"', "'"):
            entries.append((values.string(text), 1))
        elif entries:
            entries[-1] = (entries[-1][0], values.integer(text, 1, 300_000))
    if not entries:
        raise ScpiError(-104)
    for name, index in entries:
        if index > len(smu.source_lists.get(name, smu.sense_lists.get(name, []))):
            raise ScpiError(-222)
    return block.recall(*entries)


def _recall_next(step: int) -> Make:
    return lambda _smu, _number, arguments: block.recall_next(step, *map(values.string, arguments))


def _log(_: "EmulatedKeithley2450", __: int, arguments: list[str]) -> Block:
    values.string(arguments[1])
    return block.nothing("LOG_EVENT")


def _digital(_: "EmulatedKeithley2450", __: int, arguments: list[str]) -> Block:
    for text in arguments:
        values.integer(text, 0, 63)
    return block.nothing("DIGITAL_IO")


def _state(smu: "EmulatedKeithley2450", call: Call) -> str:
    call.expect(0)
    model = smu.trigger_model
    return f"{model.state};{model.state};{model.run.last if model.run else 0}"


def _listed(smu: "EmulatedKeithley2450", call: Call) -> str:
    call.expect(0)
    return "; ".join(f"{number}) {each.name}" for number, each in sorted(smu.trigger_model.blocks.items())) or "EMPTY"


def _passes(smu: "EmulatedKeithley2450", call: Call) -> str:
    number = _target(call.expect(1)[0])
    return str(smu.trigger_model.run.counts.get(number, 0) if smu.trigger_model.run else 0)


COMMANDS: tuple[Command, ...] = (
    _block("BUFFer:CLEar", 0, 1, lambda smu, _, rest: block.clear(buffer_name(smu, rest))),
    _block("SOURce:STATe", 1, 1, lambda _smu, _, rest: block.output(values.boolean(rest[0]))),
    _block("MEASure", 0, 2, _measure),
    _block("MDIGitize", 0, 2, _measure),
    _block("DELay:CONStant", 1, 1, _delay),
    _block("DELay:DYNamic", 1, 1, _user_delay),
    _block("NOP", 0, 0, lambda *_: block.nothing("NO_OPERATION")),
    _block("NOTify", 1, 1, lambda _smu, _, rest: block.notify(values.integer(rest[0], 1, 8))),
    _block("WAIT", 1, 5, _wait),
    _block("DIGital:IO", 1, 2, _digital),
    _block("LOG:EVENt", 2, 2, _log),
    _block("BRANch:ALWays", 1, 1, lambda _smu, _, rest: block.branch_always(_target(rest[0]))),
    _block("BRANch:COUNter", 2, 2, _branch_counter),
    _block("BRANch:COUNter:RESet", 1, 1, lambda _smu, _, rest: block.reset_counter(_target(rest[0]))),
    _block("BRANch:EVENt", 2, 2, _branch_event),
    _block("BRANch:DELTa", 2, 3, _branch_delta),
    _block("BRANch:LIMit:CONStant", 4, 5, _branch_limit),
    _block("BRANch:LIMit:DYNamic", 3, 4, _branch_limit_of_test),
    _block("BRANch:ONCE", 1, 1, lambda _smu, number, rest: block.branch_once(number, _target(rest[0]))),
    _block(
        "BRANch:ONCE:EXCLuded",
        1,
        1,
        lambda _smu, number, rest: block.branch_once(number, _target(rest[0]), excluded=True),
    ),
    _block("CONFig:RECall", 1, 4, _recall),
    _block("CONFig:NEXT", 1, 2, _recall_next(1)),
    _block("CONFig:PREVious", 1, 2, _recall_next(-1)),
    Command(":TRIGger:BLOCk:BRANch:COUNter:COUNt", query=_passes),
    Command(":TRIGger:BLOCk:LIST", query=_listed),
    Command(":TRIGger:LOAD", load),
    Command(":TRIGger:STATe", query=_state),
    setting.action(":INITiate[:IMMediate]", lambda smu: smu.trigger_model.initiate(smu)),
    setting.action(":ABORt", lambda smu: smu.trigger_model.abort()),
    setting.action(":TRIGger:PAUSe"),
    setting.action(":TRIGger:RESume"),
    setting.choice(":TRIGger:CONTinuous", "continuous", "AUTO", "OFF", "REStart", of=lambda smu, _: smu.panel),
    *keithley2450_lines.COMMANDS,
)
