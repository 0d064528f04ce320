"""Commands of an emulated Keithley 2450 that build, load and run trigger models.

Names are those of the Model 2450 reference manual, chapter 6. Digital and LAN lines and blenders are stored only.
"""

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

from . import keithley2450_blocks as block
from . import keithley2450_models as models
from . import scpi_settings as setting
from . import scpi_values as values
from .keithley2450_blocks import MOST_BLOCKS, Block, Run
from .keithley2450_settings import USER_DELAYS, plain
from .keithley2450_timer import Timer
from .scpi import Call, Command
from .scpi_status import ScpiError

if TYPE_CHECKING:
    from .keithley2450 import Keithley2450

LONGEST_S = 1e4
SHORTEST_DELAY_S = 167e-9
"""The delay block takes 167 ns to 10 ks (reference manual, trigger.BLOCK_DELAY_CONSTANT), or 0 for none."""
MOST_COUNT = 268_435_455
MOST_READINGS = 100_000
EVENTS = ("NONE", "COMMand", "DISPlay", "ATRigger", "EXTernal", "SLIMit")
NUMBERED_EVENTS = ("NOTify", "DIGio", "TSPLink", "LAN", "BLENder", "TIMer")
LIMIT_TYPES = ("ABOVe", "BELow", "INSide", "OUTside")


def event(text: str) -> str:
    """Return the short name of an event, with its number if it has one."""
    name = text.rstrip("0123456789")
    number = text[len(name) :]
    if number:
        if len(number) > 2 or not 1 <= int(number) <= 14:
            raise ScpiError(-222)
        return values.choice(name, NUMBERED_EVENTS) + str(int(number))
    return values.choice(name, EVENTS)


def buffer_name(smu: "Keithley2450", arguments: list[str]) -> str:
    """Return the name of a buffer that there is; ``defbuffer1`` if none is named."""
    name = values.string(arguments[0]) if arguments else "defbuffer1"
    smu.buffer(name)
    return name


def seconds(arguments: list[str], place: int, low: float = 0.0) -> float:
    """Return an argument as a time, 0 if it is left out."""
    return values.bounded(arguments[place], low, LONGEST_S) if len(arguments) > place else 0.0


Make = Callable[["Keithley2450", int, list[str]], Block]


def _block(name: str, least: int, most: int, make: Make) -> Command:
    """Declare the command of a block: its number, and `least` to `most` arguments besides."""

    def write(smu: "Keithley2450", call: Call) -> None:
        arguments = call.expect(1 + least, 1 + most)
        number = values.integer(arguments[0], 1, MOST_BLOCKS)
        smu.trigger_model.put(number, make(smu, number, arguments[1:]))

    return Command(f":TRIGger:BLOCk:{name}", write)


def _target(text: str) -> int:
    return values.integer(text, 1, MOST_BLOCKS)


def _measure(smu: "Keithley2450", _: int, arguments: list[str]) -> Block:
    """Make a measure block; an endless one takes one reading each time it is reached."""
    named = bool(arguments) and arguments[0][:1] in ('"', "'")
    name = buffer_name(smu, arguments[:1] if named else [])
    rest = arguments[1:] if named else arguments
    endless = bool(rest) and values.matches(rest[0], "INFinite")
    return block.measure(name, 1 if endless or not rest else values.integer(rest[0], 1, MOST_READINGS))


def _delay(_: "Keithley2450", __: int, arguments: list[str]) -> Block:
    delay_s = values.bounded(arguments[0], 0.0, LONGEST_S)
    if 0 < delay_s < SHORTEST_DELAY_S:
        raise ScpiError(-222)
    return block.delay(delay_s)


def _user_delay(_: "Keithley2450", __: int, arguments: list[str]) -> Block:
    name = arguments[0].rstrip("0123456789")
    kind = values.choice(name, ("SOURce", "MEASure"))
    return block.user_delay(kind, values.integer(arguments[0][len(name) :] or "1", 1, USER_DELAYS))


def _wait(_: "Keithley2450", __: int, arguments: list[str]) -> Block:
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


def _branch_counter(_: "Keithley2450", number: int, arguments: list[str]) -> Block:
    return block.branch_counter(number, values.integer(arguments[0], 1, MOST_COUNT), _target(arguments[1]))


def _branch_event(_: "Keithley2450", __: int, arguments: list[str]) -> Block:
    wanted = event(arguments[0])
    return block.branch_if(
        "BRANCH_ON_EVENT",
        lambda smu, _run: smu.trigger_model.ready(smu, (wanted,), needs_all=False),
        _target(arguments[1]),
    )


def _last(smu: "Keithley2450", count: int) -> list[float]:
    """Return the latest readings of the default buffer, as many as there are up to `count`."""
    latest = islice(reversed(smu.buffer("defbuffer1").readings), count)
    return [each.value for each in latest][::-1]


def _branch_delta(_: "Keithley2450", __: int, arguments: list[str]) -> Block:
    most = values.number(arguments[0])

    def close(smu: "Keithley2450", _run: Run) -> bool:
        latest = _last(smu, 2)
        return len(latest) == 2 and abs(latest[1] - latest[0]) < most

    return block.branch_if("BRANCH_ON_DELTA", close, _target(arguments[1]))


def _within(kind: str, value: float, low: float, high: float) -> bool:
    inside = low <= value <= high
    return {"ABOV": value > high, "BEL": value < low, "INS": inside, "OUT": not inside}[kind]


def _branch_limit(_: "Keithley2450", __: int, arguments: list[str]) -> Block:
    kind = values.choice(arguments[0], LIMIT_TYPES)
    low, high = values.number(arguments[1]), values.number(arguments[2])

    def met(smu: "Keithley2450", _run: Run) -> bool:
        return any(_within(kind, value, low, high) for value in _last(smu, 1))

    return block.branch_if("BRANCH_LIMIT_CONSTANT", met, _target(arguments[3]))


def _branch_limit_of_test(_: "Keithley2450", __: int, arguments: list[str]) -> Block:
    kind, number = values.choice(arguments[0], LIMIT_TYPES), values.integer(arguments[1], 1, 2)

    def met(smu: "Keithley2450", _run: Run) -> bool:
        limit = smu.now.measuring.now.limits[number]
        return any(_within(kind, value, limit.lower, limit.upper) for value in _last(smu, 1))

    return block.branch_if("BRANCH_LIMIT_DYNAMIC", met, _target(arguments[2]))


def _recall(smu: "Keithley2450", _: int, arguments: list[str]) -> Block:
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


def _log(_: "Keithley2450", __: int, arguments: list[str]) -> Block:
    values.string(arguments[1])
    return block.nothing("LOG_EVENT")


def _digital(_: "Keithley2450", __: int, arguments: list[str]) -> Block:
    for text in arguments:
        values.integer(text, 0, 63)
    return block.nothing("DIGITAL_IO")


# ---------------------------------------------------------------------- whole models


def _load(smu: "Keithley2450", call: Call) -> None:
    arguments = call.expect(1, 8)
    name, rest = values.string(arguments[0]).upper(), arguments[1:]
    least, make = LOADED.get(name, (0, None))
    if make is None:
        raise ScpiError(-224)
    if len(rest) < least:
        raise ScpiError(-109)
    smu.trigger_model.load(make(smu, rest))


def _simple_loop(smu: "Keithley2450", rest: list[str]) -> models.Blocks:
    return models.simple_loop(values.integer(rest[0], 1, MOST_COUNT), seconds(rest, 1), buffer_name(smu, rest[2:]))


def _duration_loop(smu: "Keithley2450", rest: list[str]) -> models.Blocks:
    duration_s = values.bounded(rest[0], 5e-7, 1e5)
    return models.duration_loop(duration_s, seconds(rest, 1), buffer_name(smu, rest[2:]))


def _config_list(smu: "Keithley2450", rest: list[str]) -> models.Blocks:
    names = tuple(name for name in map(values.string, rest[:2]) if name)
    lists = [smu.source_lists.get(name, smu.sense_lists.get(name)) for name in names]
    if not names or any(not each for each in lists):
        raise ScpiError(-224)
    count = max(len(each) for each in lists if each)
    return models.config_list(names, count, seconds(rest, 2), buffer_name(smu, rest[3:]))


def _loop_until_event(smu: "Keithley2450", rest: list[str]) -> models.Blocks:
    forget = len(rest) > 2 and values.choice(rest[2], ("ENTer", "NEVer")) == "ENT"
    return models.loop_until_event(event(rest[0]), forget, seconds(rest, 3), buffer_name(smu, rest[4:]))


def _logic_trigger(smu: "Keithley2450", rest: list[str]) -> models.Blocks:
    in_line, _, count = (
        values.integer(text, 1, MOST_COUNT if place == 2 else 6) for place, text in enumerate(rest[:3])
    )
    return models.logic_trigger(in_line, count, seconds(rest, 4), buffer_name(smu, rest[5:]))


LOADED: dict[str, tuple[int, Callable[["Keithley2450", list[str]], models.Blocks]]] = {
    "EMPTY": (0, lambda *_: {}),
    "SIMPLELOOP": (1, _simple_loop),
    "DURATIONLOOP": (1, _duration_loop),
    "CONFIGLIST": (1, _config_list),
    "LOOPUNTILEVENT": (1, _loop_until_event),
    "LOGICTRIGGER": (3, _logic_trigger),
}
"""Models by name, with how many arguments each needs; those for binning by digital lines are not emulated."""


def _state(smu: "Keithley2450", call: Call) -> str:
    call.expect(0)
    model = smu.trigger_model
    return f"{model.state};{model.state};{model.run.last if model.run else 0}"


def _listed(smu: "Keithley2450", call: Call) -> str:
    call.expect(0)
    return "; ".join(f"{number}) {each.name}" for number, each in sorted(smu.trigger_model.blocks.items())) or "EMPTY"


def _passes(smu: "Keithley2450", call: Call) -> str:
    number = _target(call.expect(1)[0])
    return str(smu.trigger_model.run.counts.get(number, 0) if smu.trigger_model.run else 0)


# ---------------------------------------------------------------------- timers and lines


def _timer(smu: Any, call: Call) -> Timer:
    found: Timer = smu.trigger_model.timers[call.suffixes[0]]
    return found


def _clear_timer(smu: "Keithley2450", call: Call) -> None:
    call.expect(0)
    _timer(smu, call).began_s = None


def _set_stimulus(smu: "Keithley2450", call: Call) -> None:
    _timer(smu, call).stimulus = event(call.expect(1)[0])


def _line_setting(pattern: str, default: str, read: Callable[[str], str]) -> Command:
    """Declare a setting of a line or a blender that has nothing to act on here."""

    def write(smu: "Keithley2450", call: Call) -> None:
        smu.panel.lines[pattern, call.suffixes] = read(call.expect(1)[0])

    return Command(pattern, write, lambda smu, call: smu.panel.lines.get((pattern, call.suffixes), default))


def _one_of(*names: str) -> Callable[[str], str]:
    return lambda text: values.choice(text, names)


def _time(text: str) -> str:
    return plain(values.bounded(text, 0.0, 1e5))


_T, _D, _L, _M = ":TRIGger:TIMer{1-4}", ":TRIGger:DIGital{1-6}", ":TRIGger:LAN{1-8}", ":TRIGger:BLENder{1-2}"

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
    Command(":TRIGger:LOAD", _load),
    Command(":TRIGger:STATe", query=_state),
    setting.action(":INITiate[:IMMediate]", lambda smu: smu.trigger_model.initiate(smu)),
    setting.action(":ABORt", lambda smu: smu.trigger_model.abort()),
    setting.action(":TRIGger:PAUSe"),
    setting.action(":TRIGger:RESume"),
    setting.choice(":TRIGger:CONTinuous", "continuous", "AUTO", "OFF", "REStart", of=lambda smu, _: smu.panel),
    Command(f"{_T}:CLEar", _clear_timer),
    setting.integer(f"{_T}:COUNt", "count", 0, 1_048_575, 1, of=_timer),
    setting.number(f"{_T}:DELay", "delay_s", 8e-6, 1e5, 1e-5, reply=plain, of=_timer),
    setting.flag(f"{_T}:STARt:GENerate", "at_start", of=_timer),
    setting.number(f"{_T}:STARt:SEConds", "start_s", 0.0, 2147483647.0, 0.0, reply=plain, of=_timer),
    setting.number(f"{_T}:STARt:FRACtional", "fraction_s", 0.0, 1.0, 0.0, reply=plain, of=_timer),
    Command(f"{_T}:STARt:STIMulus", _set_stimulus, lambda smu, call: _timer(smu, call).stimulus),
    setting.constant(f"{_T}:STARt:OVERrun", "0"),
    setting.flag(f"{_T}:STATe", "enabled", of=_timer),
    *(setting.constant(f"{each}:IN:OVERrun", "0") for each in (_D, _L)),
    *(Command(f"{each}:IN:CLEar", lambda *_: None) for each in (_D, _L)),
    *(_line_setting(f"{each}:IN:EDGE", "FALL", _one_of("FALLing", "RISing", "EITHer")) for each in (_D, _L)),
    *(_line_setting(f"{each}:OUT:LOGic", "NEG", _one_of("POSitive", "NEGative")) for each in (_D, _L)),
    *(_line_setting(f"{each}:OUT:STIMulus", "NONE", event) for each in (_D, _L)),
    _line_setting(f"{_D}:OUT:PULSewidth", "1E-05", _time),
    _line_setting(f"{_L}:OUT:CONNect:STATe", "0", lambda text: str(int(values.boolean(text)))),
    _line_setting(f"{_L}:OUT:IP:ADDRess", '"0.0.0.0"', lambda text: values.quoted(values.string(text))),
    _line_setting(f"{_L}:OUT:PROTocol", "TCP", _one_of("TCP", "UDP", "MULTicast")),
    Command(f"{_M}:CLEar", lambda *_: None),
    _line_setting(f"{_M}:MODE", "AND", _one_of("AND", "OR")),
    setting.constant(f"{_M}:OVERrun", "0"),
    _line_setting(f"{_M}:STIMulus{{1-4}}", "NONE", event),
)
