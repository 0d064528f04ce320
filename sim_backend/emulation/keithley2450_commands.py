"""Commands of an emulated Keithley 2450: source, output, sense, readings, buffers and system.

Names are those of the Model 2450 reference manual, chapter 6, SCPI command reference.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import scpi_reading as reading
from . import scpi_settings as setting
from . import scpi_values as values
from .keithley2450_blocks import SWEEP_LIST, list_sweep
from .keithley2450_buffer import ReadingBuffer, decimal, element
from .scpi import Call, Command, Query, Write
from .scpi_status import ScpiError

if TYPE_CHECKING:
    from .keithley2450 import Keithley2450

RANGES_V = (0.02, 0.2, 2.0, 20.0, 200.0)
RANGES_A = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
LEAST_SHARE = 0.106
MOST_V, MOST_A = 210.0, 1.05
LIST_PER_COMMAND, LONGEST_LIST = 100, 2500


def plain(value: float) -> str:
    """Write a setting in its shortest form."""
    return f"{value + 0.0:.9G}"


def _asked(value: float, call: Call, low: float, high: float, default: float) -> str:
    return plain(setting.named_bound(call.arguments[0], low, high, default) if call.expect(0, 1) else value)


# ---------------------------------------------------------------------- source


def _set_function(smu: "Keithley2450", call: Call) -> None:
    chosen = values.choice(call.expect(1)[0], ("VOLTage", "CURRent"))
    if chosen != smu.source.function:
        smu.switch(False)
    smu.change(function=chosen)


def _set_level_v(smu: "Keithley2450", call: Call) -> None:
    level = values.bounded(call.expect(1)[0], -MOST_V, MOST_V, 0.0)
    if smu.source.range_v_auto:
        smu.change(level_v=level, range_v=reading.range_holding(RANGES_V, level))
    elif reading.holds(smu.source.range_v, level):
        smu.change(level_v=level)
    else:
        raise ScpiError(-222)


def _set_level_a(smu: "Keithley2450", call: Call) -> None:
    level = values.bounded(call.expect(1)[0], -MOST_A, MOST_A, 0.0)
    if smu.source.range_a_auto:
        smu.change(level_a=level, range_a=reading.range_holding(RANGES_A, level))
    elif reading.holds(smu.source.range_a, level):
        smu.change(level_a=level)
    else:
        raise ScpiError(-222)


def _chosen_range(call: Call, ranges: tuple[float, ...]) -> float:
    most = ranges[-1] * reading.HEADROOM
    text = call.expect(1)[0]
    if values.matches(text, "MINimum"):
        return ranges[0]
    return reading.range_holding(ranges, values.bounded(text, -most, most))


def _set_source_range_v(smu: "Keithley2450", call: Call) -> None:
    chosen = _chosen_range(call, RANGES_V)
    if not reading.holds(chosen, smu.source.level_v):
        raise ScpiError(-221)
    smu.change(range_v=chosen, range_v_auto=False)


def _set_source_range_a(smu: "Keithley2450", call: Call) -> None:
    chosen = _chosen_range(call, RANGES_A)
    if not reading.holds(chosen, smu.source.level_a):
        raise ScpiError(-221)
    smu.change(range_a=chosen, range_a_auto=False)


def _set_limit_a(smu: "Keithley2450", call: Call) -> None:
    limit = values.bounded(call.expect(1)[0], 1e-9, MOST_A, 1.05e-4)
    if not smu.now.range_a_auto and limit < LEAST_SHARE * smu.now.range_a * (1 - 1e-9):
        raise ScpiError(-222)
    smu.change(limit_a=limit)


def _set_limit_v(smu: "Keithley2450", call: Call) -> None:
    smu.change(limit_v=values.bounded(call.expect(1)[0], 0.02, MOST_V, 21.0))


def _tripped(function: str) -> Query:
    def query(smu: "Keithley2450", call: Call) -> str:
        call.expect(0)
        return str(int(smu.source.function == function and smu.limited()))

    return query


def _set_delay(smu: "Keithley2450", call: Call) -> None:
    smu.change(delay_s=values.bounded(call.expect(1)[0], 0.0, 1e4, 0.0), delay_auto=False)


def _source_flag(key: str) -> tuple[Write, Query]:
    def write(smu: "Keithley2450", call: Call) -> None:
        smu.change(**{key: values.boolean(call.expect(1)[0])})

    return write, lambda smu, _: str(int(getattr(smu.source, key)))


def _listed(call: Call) -> list[float]:
    return [values.bounded(text, -MOST_V, MOST_V) for text in call.expect(1, LIST_PER_COMMAND)]


def _set_list(smu: "Keithley2450", call: Call) -> None:
    smu.list_v = _listed(call)


def _append_list(smu: "Keithley2450", call: Call) -> None:
    more = _listed(call)
    if len(smu.list_v) + len(more) > LONGEST_LIST:
        raise ScpiError(-223)
    smu.list_v = [*smu.list_v, *more]


def _sweep_list(smu: "Keithley2450", call: Call) -> None:
    """Make a configuration list and a trigger model of the listed voltages."""
    arguments = call.expect(1, 6)
    if not smu.list_v:
        raise ScpiError(-221)
    start = values.integer(arguments[0], 1, len(smu.list_v))
    delay_s = values.bounded(arguments[1], -1.0, 1e4) if len(arguments) > 1 else 0.0
    count = values.integer(arguments[2], 1, 268_435_455) if len(arguments) > 2 else 1
    largest = max(map(abs, smu.list_v))
    if smu.source.range_v_auto:
        smu.change(range_v=reading.range_holding(RANGES_V, largest))
    elif not reading.holds(smu.source.range_v, largest):
        raise ScpiError(-222)
    smu.configurations[SWEEP_LIST] = [smu.stored(level_v=level) for level in smu.list_v]
    smu.blocks = list_sweep(len(smu.list_v), start, max(delay_s, 0.0), count)


def _create_list(smu: "Keithley2450", call: Call) -> None:
    smu.configurations[values.string(call.expect(1)[0])] = []


def _named(smu: "Keithley2450", text: str) -> str:
    name = values.string(text)
    if name not in smu.configurations:
        raise ScpiError(-224)
    return name


def _store_list(smu: "Keithley2450", call: Call) -> None:
    arguments = call.expect(1, 2)
    entries = smu.configurations[_named(smu, arguments[0])]
    if len(arguments) == 1:
        entries.append(smu.source)
        return
    index = values.integer(arguments[1], 1, len(entries) + 1)
    entries[index - 1 : index] = [smu.source]


def _recall_list(smu: "Keithley2450", call: Call) -> None:
    arguments = call.expect(1, 2)
    smu.recall(_named(smu, arguments[0]), values.integer(arguments[1], 1, 300_000) if len(arguments) > 1 else 1)


def _size_of_list(smu: "Keithley2450", call: Call) -> str:
    return str(len(smu.configurations[_named(smu, call.expect(1)[0])]))


def _delete_list(smu: "Keithley2450", call: Call) -> None:
    del smu.configurations[_named(smu, call.expect(1)[0])]


def _set_output(smu: "Keithley2450", call: Call) -> None:
    smu.switch(values.boolean(call.expect(1)[0]))


# ---------------------------------------------------------------------- sense


def _set_measured(smu: "Keithley2450", call: Call) -> None:
    name = values.string(call.expect(1)[0]).strip().upper().removesuffix(":DC")
    smu.now.measured = values.choice(name, ("VOLTage", "CURRent", "RESistance"))


def _measured(smu: "Keithley2450", call: Call) -> str:
    call.expect(0)
    return {"CURR": '"CURR:DC"', "VOLT": '"VOLT:DC"', "RES": '"RES"'}[smu.now.measured]


def _set_range_a(smu: "Keithley2450", call: Call) -> None:
    """Fix the measure range; a source limit below 10.6 % of it is raised to that, without an error."""
    smu.now.range_a, smu.now.range_a_auto = _chosen_range(call, RANGES_A), False
    smu.change(limit_a=max(smu.source.limit_a, LEAST_SHARE * smu.now.range_a))


def _set_range_v(smu: "Keithley2450", call: Call) -> None:
    smu.now.range_v, smu.now.range_v_auto = _chosen_range(call, RANGES_V), False


def _set_range_ohm(smu: "Keithley2450", call: Call) -> None:
    smu.now.range_ohm, smu.now.range_ohm_auto = values.bounded(call.expect(1)[0], 0.0, 2.1e8), False


def _set_remote_sense(smu: "Keithley2450", call: Call) -> None:
    """Choose two or four wires; a change while the output is on turns it off."""
    wanted = values.boolean(call.expect(1)[0])
    if wanted != smu.now.remote_sense:
        smu.switch(False)
    smu.now.remote_sense = wanted


def _zero_once(_: "Keithley2450", call: Call) -> None:
    call.expect(0)


# ---------------------------------------------------------------------- readings and buffers


def _target(smu: "Keithley2450", arguments: list[str]) -> tuple[str, list[str]]:
    """Return the buffer and the elements that a command names; the reading of ``defbuffer1`` if none."""
    name = "defbuffer1"
    if arguments and arguments[0][0] in "'\"":
        name, arguments = values.string(arguments[0]), arguments[1:]
    smu.buffer(name)
    return name, [element(text) for text in arguments] or ["READ"]


def _latest(buffer: ReadingBuffer, elements: list[str]) -> str:
    if not buffer.readings:
        raise ScpiError(-230)
    return buffer.text(len(buffer.readings), len(buffer.readings), elements)


def _read(smu: "Keithley2450", call: Call) -> str:
    name, elements = _target(smu, call.expect(0, 15))
    smu.read(name)
    return _latest(smu.buffer(name), elements)


def _fetch(smu: "Keithley2450", call: Call) -> str:
    name, elements = _target(smu, call.expect(0, 15))
    return _latest(smu.buffer(name), elements)


def _measure(pattern: str, function: str) -> Command:
    def query(smu: "Keithley2450", call: Call) -> str:
        name, elements = _target(smu, call.expect(0, 15))
        smu.now.measured = function or smu.now.measured
        smu.read(name)
        return _latest(smu.buffer(name), elements)

    return Command(pattern, query=query)


def _data(smu: "Keithley2450", call: Call) -> str:
    arguments = call.expect(2, 17)
    first, last = (values.integer(text, 1, 10**7) for text in arguments[:2])
    name, elements = _target(smu, arguments[2:])
    return smu.buffer(name).text(first, last, elements)


def _only_buffer(smu: "Keithley2450", arguments: list[str]) -> ReadingBuffer:
    return smu.buffer(values.string(arguments[0]) if arguments else "defbuffer1")


def _size(smu: "Keithley2450", call: Call) -> str:
    return str(len(_only_buffer(smu, call.expect(0, 1)).readings))


def _clear(smu: "Keithley2450", call: Call) -> None:
    _only_buffer(smu, call.expect(0, 1)).readings.clear()


def _set_points(smu: "Keithley2450", call: Call) -> None:
    arguments = call.expect(1, 2)
    points = values.integer(arguments[0], 1, 10**6)
    _only_buffer(smu, arguments[1:]).resize(points)


def _points(smu: "Keithley2450", call: Call) -> str:
    return str(_only_buffer(smu, call.expect(0, 1)).readings.maxlen)


def _make(smu: "Keithley2450", call: Call) -> None:
    arguments = call.expect(2, 3)
    name, points = values.string(arguments[0]), values.integer(arguments[1], 10, 10**6)
    if name in smu.buffers or not name.isidentifier():
        raise ScpiError(-224)
    smu.buffers[name] = ReadingBuffer()
    smu.buffers[name].resize(points)


def _statistic(name: str, how: Callable[[Any], Any]) -> Command:
    def query(smu: "Keithley2450", call: Call) -> str:
        buffer = _only_buffer(smu, call.expect(0, 1))
        if not buffer.readings:
            raise ScpiError(-230)
        return decimal(float(how(np.array([each.value for each in buffer.readings]))))

    return Command(f":TRACe:STATistics:{name}", query=query)


# ---------------------------------------------------------------------- system


def _set_terminals(smu: "Keithley2450", call: Call) -> None:
    """Choose front or rear terminals, which turns the output off; both are the same nodes here."""
    chosen = values.choice(call.expect(1)[0], ("FRONt", "REAR"))
    if chosen != smu.terminals:
        smu.switch(False)
    smu.terminals = chosen


def _set_language(_: "Keithley2450", call: Call) -> None:
    """Take the command set that the next power-on would bring; this one stays."""
    values.choice(call.expect(1)[0], ("SCPI", "SCPI2400", "TSP"))


def _clear_errors(smu: "Keithley2450", call: Call) -> None:
    call.expect(0)
    smu.status.errors.clear()


def _beep(_: "Keithley2450", call: Call) -> None:
    for text in call.expect(2):
        values.number(text)


_V, _A = ":SOURce#:VOLTage", ":SOURce#:CURRent"
_LEVEL = "[:LEVel][:IMMediate][:AMPLitude]"
_SENSES = (("[:SENSe#]:CURRent[:DC]", "curr"), ("[:SENSe#]:VOLTage[:DC]", "volt"), ("[:SENSe#]:RESistance", "res"))

COMMANDS: tuple[Command, ...] = (
    Command("*LANG", _set_language, lambda *_: "SCPI"),
    Command(":SOURce#:FUNCtion[:MODE]", _set_function, lambda smu, _: smu.source.function),
    Command(_V + _LEVEL, _set_level_v, lambda smu, call: _asked(smu.source.level_v, call, -MOST_V, MOST_V, 0.0)),
    Command(_A + _LEVEL, _set_level_a, lambda smu, call: _asked(smu.source.level_a, call, -MOST_A, MOST_A, 0.0)),
    Command(_V + ":RANGe", _set_source_range_v, lambda smu, _: plain(smu.source.range_v)),
    Command(_A + ":RANGe", _set_source_range_a, lambda smu, _: plain(smu.source.range_a)),
    Command(_V + ":RANGe:AUTO", *_source_flag("range_v_auto")),
    Command(_A + ":RANGe:AUTO", *_source_flag("range_a_auto")),
    Command(
        _V + ":ILIMit[:LEVel]",
        _set_limit_a,
        lambda smu, call: _asked(smu.source.limit_a, call, 1e-9, MOST_A, 1.05e-4),
    ),
    Command(
        _A + ":VLIMit[:LEVel]", _set_limit_v, lambda smu, call: _asked(smu.source.limit_v, call, 0.02, MOST_V, 21.0)
    ),
    Command(_V + ":ILIMit[:LEVel]:TRIPped", query=_tripped("VOLT")),
    Command(_A + ":VLIMit[:LEVel]:TRIPped", query=_tripped("CURR")),
    *(Command(each + ":DELay", _set_delay, lambda smu, _: plain(smu.source.delay_s)) for each in (_V, _A)),
    *(Command(each + ":DELay:AUTO", *_source_flag("delay_auto")) for each in (_V, _A)),
    *(Command(each + ":READ:BACK", *_source_flag("read_back")) for each in (_V, _A)),
    Command(":SOURce#:LIST:VOLTage", _set_list, lambda smu, _: ",".join(plain(each) for each in smu.list_v)),
    Command(":SOURce#:LIST:VOLTage:APPend", _append_list),
    Command(":SOURce#:LIST:VOLTage:POINts", query=lambda smu, _: str(len(smu.list_v))),
    Command(":SOURce#:SWEep:VOLTage:LIST", _sweep_list),
    Command(":SOURce#:CONFiguration:LIST:CREate", _create_list),
    Command(":SOURce#:CONFiguration:LIST:STORe", _store_list),
    Command(":SOURce#:CONFiguration:LIST:RECall", _recall_list),
    Command(":SOURce#:CONFiguration:LIST:SIZE", query=_size_of_list),
    Command(":SOURce#:CONFiguration:LIST:DELete", _delete_list),
    Command(":OUTPut#[:STATe]", _set_output, lambda smu, _: str(int(smu.on))),
    *(
        setting.choice(f":OUTPut#{each}:SMODe", "off_state", "HIMPedance", "NORMal", "ZERO", "GUARd")
        for each in (":VOLTage", ":CURRent", "")
    ),
    Command("[:SENSe#]:FUNCtion[:ON]", _set_measured, _measured),
    Command(_SENSES[0][0] + ":RANGe[:UPPer]", _set_range_a, lambda smu, _: plain(smu.now.range_a)),
    setting.flag(_SENSES[0][0] + ":RANGe:AUTO", "range_a_auto"),
    Command(_SENSES[1][0] + ":RANGe[:UPPer]", _set_range_v, lambda smu, _: plain(smu.now.range_v)),
    setting.flag(_SENSES[1][0] + ":RANGe:AUTO", "range_v_auto"),
    Command(_SENSES[2][0] + ":RANGe[:UPPer]", _set_range_ohm, lambda smu, _: plain(smu.now.range_ohm)),
    setting.flag(_SENSES[2][0] + ":RANGe:AUTO", "range_ohm_auto"),
    *(setting.number(each + ":NPLCycles", f"nplc_{key}", 0.01, 10.0, 1.0, reply=plain) for each, key in _SENSES),
    *(setting.flag(each + ":AZERo[:STATe]", f"autozero_{key}") for each, key in _SENSES),
    *(setting.flag(each + ":AVERage[:STATe]", f"average_{key}") for each, key in _SENSES),
    *(
        setting.choice(each + ":AVERage:TCONtrol", f"average_control_{key}", "REPeat", "MOVing")
        for each, key in _SENSES
    ),
    *(setting.integer(each + ":AVERage:COUNt", f"average_count_{key}", 1, 100, 10) for each, key in _SENSES),
    *(
        Command(each + ":RSENse", _set_remote_sense, lambda smu, _: str(int(smu.now.remote_sense)))
        for each, _ in _SENSES
    ),
    Command("[:SENSe#]:AZERo:ONCE", _zero_once),
    setting.integer("[:SENSe#]:COUNt", "count", 1, 300_000, 1),
    Command(":READ", query=_read),
    Command(":FETCh", query=_fetch),
    _measure(":MEASure", ""),
    _measure(":MEASure:CURRent[:DC]", "CURR"),
    _measure(":MEASure:VOLTage[:DC]", "VOLT"),
    _measure(":MEASure:RESistance", "RES"),
    Command(":TRACe:DATA", query=_data),
    Command(":TRACe:ACTual[:STARt]", query=_size),
    Command(":TRACe:ACTual:END", query=_size),
    Command(":TRACe:CLEar", _clear),
    Command(":TRACe:POINts", _set_points, _points),
    Command(":TRACe:MAKE", _make),
    _statistic("AVERage", np.mean),
    _statistic("MAXimum", np.max),
    _statistic("MINimum", np.min),
    _statistic("STDDev", np.std),
    *setting.register(":STATus:OPERation", "operation"),
    *setting.register(":STATus:QUEStionable", "questionable"),
    Command(":ROUTe:TERMinals", _set_terminals, lambda smu, _: smu.terminals),
    Command(":SYSTem:CLEar", _clear_errors),
    Command(":SYSTem:LFRequency", query=lambda smu, _: str(round(smu.line_hz))),
    Command(":SYSTem:BEEPer[:IMMediate]", _beep),
    setting.choice(":FORMat[:DATA]", "data_format", "ASCii"),
    setting.integer(":FORMat:ASCii:PRECision", "precision", 0, 16, 0),
)
"""Filter settings and the ASCII precision are stored only."""
