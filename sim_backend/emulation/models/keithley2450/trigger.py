"""Commands of an emulated Keithley 2450 that build trigger models block by block, and run them.

Names are those of the Model 2450 reference manual, chapter 6.
"""

from collections.abc import Callable
from itertools import islice

from ...scpi import settings as setting
from ...scpi import values
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError
from . import blocks as block
from .arguments import EVENT, LONGEST_S, MOST_COUNT, event
from .settings import USER_DELAYS, plain
from .state import Keithley2450State
from .trigger_model import Block, Progress, Timer

MOST_BLOCKS = 63
SHORTEST_DELAY_S = 167e-9
"""The delay block takes 167 ns to 10 ks (reference manual, trigger.BLOCK_DELAY_CONSTANT), or 0 for none."""
MOST_READINGS = 100_000
LIMIT_TYPES = ("ABOVe", "BELow", "INSide", "OUTside")
Make = Callable[[Keithley2450State, int, list[str]], Block]
"""Makes a block of the instrument, the number of the block and its arguments."""


def _block(name: str, least: int, most: int, make: Make) -> Command:
    """Declare the command of a block: its number, and `least` to `most` arguments besides."""

    def write(smu: Keithley2450State, call: Call) -> None:
        arguments = call.expect(1 + least, 1 + most)
        number = _number(arguments[0])
        smu.trigger_model.put(number, make(smu, number, arguments[1:]))

    return Command(f":TRIGger:BLOCk:{name}", write)


def _number(text: str) -> int:
    return values.integer(text, 1, MOST_BLOCKS)


def _measure(smu: Keithley2450State, _: int, arguments: list[str]) -> Block:
    """Make a measure block; an endless one takes one reading each time it is reached."""
    named = arguments[:1] if arguments and arguments[0][:1] in ('"', "'") else []
    name, rest = smu.buffer_name(named), arguments[len(named) :]
    endless = not rest or values.matches(rest[0], "INFinite")
    return block.measure(smu, name, 1 if endless else values.integer(rest[0], 1, MOST_READINGS))


def _delay(smu: Keithley2450State, _: int, arguments: list[str]) -> Block:
    delay_s = values.bounded(arguments[0], 0.0, LONGEST_S)
    if 0 < delay_s < SHORTEST_DELAY_S:
        raise ScpiError(-222)
    return block.delay(smu, delay_s)


def _user_delay(smu: Keithley2450State, _: int, arguments: list[str]) -> Block:
    name = arguments[0].rstrip("0123456789")
    kind = values.choice(name, ("SOURce", "MEASure"))
    return block.user_delay(smu, kind, values.integer(arguments[0][len(name) :] or "1", 1, USER_DELAYS))


def _wait(smu: Keithley2450State, _: int, arguments: list[str]) -> Block:
    forget, needs_all, events = False, False, [event(arguments[0])]
    for text in arguments[1:]:
        if any(values.matches(text, name) for name in ("ENTer", "NEVer")):
            forget = values.matches(text, "ENTer")
        elif values.matches(text, "AND") or values.matches(text, "OR"):
            needs_all = values.matches(text, "AND")
        else:
            events.append(event(text))
    named = tuple(each for each in events if each != "NONE") or ("NONE",)
    return block.wait(smu, named, forget, needs_all)


def _log(_smu: Keithley2450State, _: int, arguments: list[str]) -> Block:
    values.string(arguments[1])
    return block.nothing("LOG_EVENT")


def _branch_event(smu: Keithley2450State, _: int, arguments: list[str]) -> Block:
    wanted = (event(arguments[0]),)
    return block.branch("BRANCH_ON_EVENT", _number(arguments[1]), lambda _: smu.trigger_model.ready(wanted))


def _latest(smu: Keithley2450State, count: int) -> list[float]:
    """Return the latest readings of the default buffer, the latest first, as many as there are up to `count`."""
    return [each.value for each in islice(reversed(smu.buffer("defbuffer1").readings), count)]


def _branch_delta(smu: Keithley2450State, _: int, arguments: list[str]) -> Block:
    most = values.number(arguments[0])

    def close(_: Progress) -> bool:
        latest = _latest(smu, 2)
        return len(latest) == 2 and abs(latest[1] - latest[0]) < most

    return block.branch("BRANCH_ON_DELTA", _number(arguments[1]), close)


def _meets(kind: str, value: float, low: float, high: float) -> bool:
    within = low <= value <= high
    return {"ABOV": value > high, "BEL": value < low, "INS": within, "OUT": not within}[kind]


def _branch_constant_limit(smu: Keithley2450State, _: int, arguments: list[str]) -> Block:
    kind = values.choice(arguments[0], LIMIT_TYPES)
    low, high = values.number(arguments[1]), values.number(arguments[2])
    return block.branch(
        "BRANCH_LIMIT_CONSTANT",
        _number(arguments[3]),
        lambda _: any(_meets(kind, value, low, high) for value in _latest(smu, 1)),
    )


def _branch_dynamic_limit(smu: Keithley2450State, _: int, arguments: list[str]) -> Block:
    kind, number = values.choice(arguments[0], LIMIT_TYPES), values.integer(arguments[1], 1, 2)

    def met(_: Progress) -> bool:
        limit = smu.now.measuring.now.limits[number]
        return any(_meets(kind, value, limit.lower, limit.upper) for value in _latest(smu, 1))

    return block.branch("BRANCH_LIMIT_DYNAMIC", _number(arguments[2]), met)


def _recall(smu: Keithley2450State, _: int, arguments: list[str]) -> Block:
    entries: list[tuple[str, int]] = []
    for text in arguments:
        if text[:1] in ('"', "'"):
            entries.append((values.string(text), 1))
        elif entries:
            entries[-1] = (entries[-1][0], values.integer(text, 1, 300_000))
    if not entries:
        raise ScpiError(-104)
    for name, index in entries:
        if index > len(smu.entries(name)):
            raise ScpiError(-222)
    return block.recall(smu, *entries)


def _recall_next(step: int) -> Make:
    return lambda smu, _, rest: block.recall_next(smu, step, *map(values.string, rest))


def _branch_once(excluded: bool) -> Make:
    return lambda _smu, number, rest: block.branch_once(number, _number(rest[0]), excluded)


def _state(smu: Keithley2450State, call: Call) -> str:
    call.expect(0)
    model = smu.trigger_model
    return f"{model.state};{model.state};{model.progress.last if model.progress else 0}"


def _listed(smu: Keithley2450State, call: Call) -> str:
    call.expect(0)
    return "; ".join(f"{number}) {each.name}" for number, each in sorted(smu.trigger_model.blocks.items())) or "EMPTY"


def _passes(smu: Keithley2450State, call: Call) -> str:
    number, progress = _number(call.expect(1)[0]), smu.trigger_model.progress
    return str(progress.counts.get(number, 0) if progress else 0)


def _timer(smu: Keithley2450State, call: Call) -> Timer:
    return smu.trigger_model.timers[call.suffixes[0]]


def _stop_timer(smu: Keithley2450State, call: Call) -> None:
    call.expect(0)
    _timer(smu, call).began_s = None


_T = ":TRIGger:TIMer{1-4}"

COMMANDS: tuple[Command, ...] = (
    _block("BUFFer:CLEar", 0, 1, lambda smu, _, rest: block.clear(smu, smu.buffer_name(rest))),
    _block("SOURce:STATe", 1, 1, lambda smu, _, rest: block.output(smu, values.boolean(rest[0]))),
    _block("MEASure", 0, 2, _measure),
    _block("MDIGitize", 0, 2, _measure),
    _block("DELay:CONStant", 1, 1, _delay),
    _block("DELay:DYNamic", 1, 1, _user_delay),
    _block("NOP", 0, 0, lambda *_: block.nothing("NO_OPERATION")),
    _block("NOTify", 1, 1, lambda smu, _, rest: block.notify(smu, values.integer(rest[0], 1, 8))),
    _block("WAIT", 1, 5, _wait),
    _block("LOG:EVENt", 2, 2, _log),
    _block("BRANch:ALWays", 1, 1, lambda _smu, _, rest: block.branch_always(_number(rest[0]))),
    _block(
        "BRANch:COUNter",
        2,
        2,
        lambda _, number, rest: block.branch_counter(number, values.integer(rest[0], 1, MOST_COUNT), _number(rest[1])),
    ),
    _block("BRANch:COUNter:RESet", 1, 1, lambda _smu, _, rest: block.reset_counter(_number(rest[0]))),
    _block("BRANch:EVENt", 2, 2, _branch_event),
    _block("BRANch:DELTa", 2, 3, _branch_delta),
    _block("BRANch:LIMit:CONStant", 4, 5, _branch_constant_limit),
    _block("BRANch:LIMit:DYNamic", 3, 4, _branch_dynamic_limit),
    _block("BRANch:ONCE", 1, 1, _branch_once(excluded=False)),
    _block("BRANch:ONCE:EXCLuded", 1, 1, _branch_once(excluded=True)),
    _block("CONFig:RECall", 1, 4, _recall),
    _block("CONFig:NEXT", 1, 2, _recall_next(1)),
    _block("CONFig:PREVious", 1, 2, _recall_next(-1)),
    Command(":TRIGger:BLOCk:BRANch:COUNter:COUNt", query=_passes),
    Command(":TRIGger:BLOCk:LIST", query=_listed),
    Command(":TRIGger:STATe", query=_state),
    setting.action(":INITiate[:IMMediate]", lambda smu: smu.trigger_model.initiate()),
    setting.action(":ABORt", lambda smu: smu.trigger_model.abort()),
    Command(f"{_T}:CLEar", _stop_timer),
    setting.integer(f"{_T}:COUNt", "count", 0, 1_048_575, 1, of=_timer),
    setting.number(f"{_T}:DELay", "delay_s", 8e-6, 1e5, 1e-5, reply=plain, of=_timer),
    setting.flag(f"{_T}:STARt:GENerate", "at_start", of=_timer),
    setting.attribute(f"{_T}:STARt:STIMulus", "stimulus", EVENT, of=_timer),
    setting.flag(f"{_T}:STATe", "enabled", of=_timer),
)
