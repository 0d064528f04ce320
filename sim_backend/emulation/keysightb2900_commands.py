"""Commands of an emulated Keysight B2900: source, output, sense, triggers, readings and system.

Names are those of the B2900 SCPI command reference, edition 2.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import keysightb2900_timing as timing
from . import scpi_reading as reading
from . import scpi_settings as setting
from . import scpi_values as values
from .scpi import Call, Command, Query, Write
from .scpi_status import ScpiError

if TYPE_CHECKING:
    from .keysightb2900 import KeysightB2902A

MOST_V, MOST_A = 210.0, 3.03
ELEMENTS = ("VOLTage", "CURRent", "RESistance", "TIME", "STATus", "SOURce")
FUNCTIONS = ("VOLTage", "CURRent", "RESistance")
SHORTEST_PULSE_S, LONGEST_S = 5e-5, 1e5
"""B2900 user's guide, page 6-7."""
SHORTEST_APERTURE_S, LONGEST_APERTURE_S = 8e-6, 2.0
LONGEST_LIST = 2500
RANGES_V = (0.2, 2.0, 20.0, 200.0)


def channels(arguments: list[str]) -> list[int]:
    """Return the channels of a list such as ``(@1,2)`` or ``(@1:2)``; channel 1 if there is none."""
    if not arguments:
        return [1]
    found: list[int] = []
    for first, last in values.channel_items(arguments[0]):
        if not re.fullmatch("[12]", first) or not re.fullmatch("[12]", last) or first > last:
            raise ScpiError(-222)
        found += range(int(first), int(last) + 1)
    return sorted(set(found))


def _state(smu: "KeysightB2902A", call: Call) -> timing.ChannelState:
    return smu.states[call.suffixes[0] - 1]


def _voltage(text: str, low: float = -MOST_V) -> float:
    return values.bounded(text, low, MOST_V, 0.0, unit="V")


# ---------------------------------------------------------------------- source


def _set_function(smu: "KeysightB2902A", call: Call) -> None:
    """Choose what is sourced; that turns the output off."""
    chosen = values.choice(call.expect(1)[0], ("VOLTage", "CURRent"))
    state = _state(smu, call)
    if chosen != state.function:
        smu.switch([call.suffixes[0]], False)
    state.function = chosen
    smu.apply()


def _fitting(state: timing.ChannelState, level: float) -> None:
    """Find a range for a level, or refuse it."""
    if state.range_v_auto:
        state.range_v = reading.range_holding(RANGES_V, level)
    elif not reading.holds(state.range_v, level):
        raise ScpiError(-222)


def _set_level_v(smu: "KeysightB2902A", call: Call) -> None:
    level, state = _voltage(call.expect(1)[0]), _state(smu, call)
    _fitting(state, level)
    state.level_v = level
    smu.apply()


def _set_trigger_v(smu: "KeysightB2902A", call: Call) -> None:
    level, state = _voltage(call.expect(1)[0]), _state(smu, call)
    _fitting(state, level)
    state.trigger_v = level


def _trigger_v(smu: "KeysightB2902A", call: Call) -> str:
    state = _state(smu, call)
    return values.nr3(state.level_v if state.trigger_v is None else state.trigger_v)


def _set_range_v(smu: "KeysightB2902A", call: Call) -> None:
    chosen = reading.range_holding(RANGES_V, _voltage(call.expect(1)[0]))
    state = _state(smu, call)
    if not reading.holds(chosen, state.level_v):
        raise ScpiError(-221)
    state.range_v, state.range_v_auto = chosen, False


def _set_list(smu: "KeysightB2902A", call: Call) -> None:
    levels = [_voltage(text) for text in call.expect(1, LONGEST_LIST)]
    state = _state(smu, call)
    _fitting(state, max(levels, key=abs))
    state.list_v = levels


def _set_output(smu: "KeysightB2902A", call: Call) -> None:
    smu.switch([call.suffixes[0]], values.boolean(call.expect(1)[0]))


# ---------------------------------------------------------------------- sense


def _set_limit_a(smu: "KeysightB2902A", call: Call) -> None:
    text = call.expect(1)[0]
    _state(smu, call).limit_a = values.bounded(text, smu.least_limit_a, MOST_A, 1e-4, unit="A")
    smu.apply()


def _set_range_a(smu: "KeysightB2902A", call: Call) -> None:
    chosen = reading.range_holding(smu.ranges_a, values.bounded(call.expect(1)[0], -3.15, 3.15, 1e-4, unit="A"))
    state = _state(smu, call)
    state.range_a, state.range_a_auto = chosen, False


def _set_nplc(smu: "KeysightB2902A", call: Call) -> None:
    most = LONGEST_APERTURE_S * smu.line_hz
    cycles = values.bounded(call.expect(1)[0], SHORTEST_APERTURE_S * smu.line_hz, most, 1.0)
    _state(smu, call).aperture_s = cycles / smu.line_hz


def _function(text: str) -> str:
    return values.choice(values.string(text).strip().upper().removesuffix(":DC"), FUNCTIONS)


def _set_functions(smu: "KeysightB2902A", call: Call) -> None:
    wanted = {_function(text) for text in call.expect(1, 3)}
    _state(smu, call).measured = _state(smu, call).measured | wanted


def _drop_functions(smu: "KeysightB2902A", call: Call) -> None:
    dropped = {_function(text) for text in call.expect(1, 3)}
    _state(smu, call).measured = _state(smu, call).measured - dropped


def _all_functions(names: set[str]) -> Write:
    def write(smu: "KeysightB2902A", call: Call) -> None:
        call.expect(0)
        _state(smu, call).measured = set(names)

    return write


def _functions(smu: "KeysightB2902A", call: Call) -> str:
    names = [name for name in map(values.short, FUNCTIONS) if name in _state(smu, call).measured]
    return ",".join(f'"{name}"' for name in names) or '""'


def _tripped(function: str) -> Query:
    def query(smu: "KeysightB2902A", call: Call) -> str:
        call.expect(0)
        return str(int(_state(smu, call).function == function and smu.limited(call.suffixes[0])))

    return query


# ---------------------------------------------------------------------- triggers and readings


def _initiate(transient: bool, acquire: bool) -> Write:
    def write(smu: "KeysightB2902A", call: Call) -> None:
        smu.initiate(channels(call.expect(0, 1)), transient, acquire)

    return write


def _abort(_: "KeysightB2902A", call: Call) -> None:
    channels(call.expect(0, 1))


def _set_count(*keys: str) -> Write:
    def write(smu: "KeysightB2902A", call: Call) -> None:
        count, state = values.integer(call.expect(1)[0], 1, timing.LARGEST_TRAIN, 1), _state(smu, call)
        others = state.arm_count if keys != ("arm_count",) else max(state.transient_count, state.acquire_count)
        if count * others > timing.LARGEST_TRAIN:
            raise ScpiError(-222)
        for key in keys:
            setattr(state, key, count)

    return write


def _set_delays(*keys: str) -> Write:
    def write(smu: "KeysightB2902A", call: Call) -> None:
        delay_s = values.bounded(call.expect(1)[0], 0.0, LONGEST_S, 0.0, unit="S")
        for key in keys:
            setattr(_state(smu, call), key, delay_s)

    return write


def _asked(key: str, write: Callable[[float], str] = values.nr3) -> Query:
    return lambda smu, call: write(getattr(_state(smu, call), key))


def _read(latest: bool) -> Query:
    def query(smu: "KeysightB2902A", call: Call) -> str:
        numbers = channels(call.expect(0, 1))
        smu.initiate(numbers)
        return smu.text(numbers, latest)

    return query


def _fetch(latest: bool) -> Query:
    def query(smu: "KeysightB2902A", call: Call) -> str:
        return smu.text(channels(call.expect(0, 1)), latest)

    return query


def _own_data(latest: bool) -> Query:
    def query(smu: "KeysightB2902A", call: Call) -> str:
        call.expect(0)
        return smu.text([call.suffixes[0]], latest)

    return query


def _measure(smu: "KeysightB2902A", call: Call) -> str:
    numbers = channels(call.expect(0, 1))
    smu.started(numbers)
    timing.spot(smu, numbers)
    smu.ended(numbers)
    return smu.text(numbers, latest=True)


def _measure_one(function: str) -> Query:
    def query(smu: "KeysightB2902A", call: Call) -> str:
        numbers, before = channels(call.expect(0, 1)), smu.elements
        for number in numbers:
            smu.states[number - 1].measured.add(function)
        smu.elements = (function,)
        try:
            return _measure(smu, call)
        finally:
            smu.elements = before

    return query


def _layer(layer: str, *keys: str) -> tuple[Command, ...]:
    """Declare the trigger commands of the transient or the acquire layer, or of both together."""
    counts, delays = ([f"{key}{what}" for key in keys] for what in ("_count", "_delay_s"))
    return (
        Command(f":TRIGger#{layer}:COUNt", _set_count(*counts), _asked(counts[0], str)),
        Command(f":TRIGger#{layer}:DELay", _set_delays(*delays), _asked(delays[0])),
        setting.choice(f":TRIGger#{layer}:SOURce[:SIGNal]", "trigger_source", "AINTernal", "TIMer"),
        setting.number(f":TRIGger#{layer}:TIMer", "interval_s", 1e-5, LONGEST_S, 1e-5, unit="S"),
        Command(f":ARM#{layer}:COUNt", _set_count("arm_count"), _asked("arm_count", str)),
    )


# ---------------------------------------------------------------------- format and system


def _set_elements(smu: "KeysightB2902A", call: Call) -> None:
    smu.elements = tuple(dict.fromkeys(values.choice(text, ELEMENTS) for text in call.expect(1, len(ELEMENTS))))


def _set_format(_: "KeysightB2902A", call: Call) -> None:
    values.choice(call.expect(1, 2)[0], ("ASCii",))


def _set_line(smu: "KeysightB2902A", call: Call) -> None:
    wanted = values.number(call.expect(1)[0])
    if wanted not in (50, 60):
        raise ScpiError(-222)
    smu.line_hz = wanted


def _reset_time(smu: "KeysightB2902A", call: Call) -> None:
    call.expect(0)
    smu.started_s = smu.world.clock.now()


_S, _V, _A = "[:SOURce#]", "[:SOURce#]:VOLTage", "[:SOURce#]:CURRent"
_LEVEL = "[:LEVel][:IMMediate][:AMPLitude]"
_M = ":SENSe#:CURRent[:DC]"

COMMANDS: tuple[Command, ...] = (
    Command(f"{_S}:FUNCtion:MODE", _set_function, _asked("function", str)),
    setting.choice(f"{_S}:FUNCtion[:SHAPe]", "shape", "DC", "PULSe"),
    Command(_V + _LEVEL, _set_level_v, _asked("level_v")),
    Command(_V + "[:LEVel]:TRIGgered[:AMPLitude]", _set_trigger_v, _trigger_v),
    setting.number(_A + _LEVEL, "level_a", -MOST_A, MOST_A, 0.0, unit="A"),
    setting.choice(_V + ":MODE", "mode", "FIXed", "LIST", "SWEep"),
    Command(_V + ":RANGe", _set_range_v, _asked("range_v")),
    setting.flag(_V + ":RANGe:AUTO", "range_v_auto"),
    setting.number(_V + ":STARt", "start_v", -MOST_V, MOST_V, 0.0, unit="V"),
    setting.number(_V + ":STOP", "stop_v", -MOST_V, MOST_V, 0.0, unit="V"),
    setting.integer(_V + ":POINts", "points", 1, LONGEST_LIST, 1),
    Command(
        f"{_S}:LIST:VOLTage",
        _set_list,
        lambda smu, call: ",".join(values.nr3(each) for each in _state(smu, call).list_v),
    ),
    Command(f"{_S}:LIST:VOLTage:POINts", query=lambda smu, call: str(len(_state(smu, call).list_v))),
    setting.number(f"{_S}:PULSe:DELay", "pulse_delay_s", 0.0, LONGEST_S, 0.0, unit="S"),
    setting.number(f"{_S}:PULSe:WIDTh", "pulse_width_s", SHORTEST_PULSE_S, LONGEST_S, SHORTEST_PULSE_S, unit="S"),
    setting.flag(f"{_S}:WAIT[:STATe]", "source_wait"),
    Command(":OUTPut#[:STATe]", _set_output, lambda smu, call: str(int(smu.on[call.suffixes[0] - 1]))),
    setting.choice(":OUTPut#:OFF:MODE", "off_mode", "NORMal", "HIZ", "ZERO"),
    setting.flag(":OUTPut#:ON:AUTO", "auto_on"),
    setting.flag(":OUTPut#:OFF:AUTO", "auto_off"),
    setting.flag(":OUTPut#:PROTection[:STATe]", "protection"),
    setting.flag(":OUTPut#:FILTer[:LPASs][:STATe]", "filter"),
    setting.choice(":OUTPut#:LOW", "low", "FLOat", "GROund"),
    Command(":SENSe#:FUNCtion[:ON]", _set_functions, _functions),
    Command(":SENSe#:FUNCtion[:ON]:ALL", _all_functions({"VOLT", "CURR", "RES"})),
    Command(":SENSe#:FUNCtion:OFF", _drop_functions),
    Command(":SENSe#:FUNCtion:OFF:ALL", _all_functions(set())),
    Command(_M + ":PROTection[:LEVel][:BOTH]", _set_limit_a, _asked("limit_a")),
    Command(_M + ":PROTection:TRIPped", query=_tripped("VOLT")),
    setting.number(":SENSe#:VOLTage[:DC]:PROTection[:LEVel][:BOTH]", "limit_v", 1e-3, MOST_V, 2.0, unit="V"),
    Command(":SENSe#:VOLTage[:DC]:PROTection:TRIPped", query=_tripped("CURR")),
    Command(_M + ":RANGe[:UPPer]", _set_range_a, _asked("range_a")),
    setting.flag(_M + ":RANGe:AUTO", "range_a_auto"),
    *(
        command
        for each in (_M, ":SENSe#:VOLTage[:DC]", ":SENSe#:RESistance")
        for command in (
            Command(each + ":NPLCycles", _set_nplc, lambda smu, call: values.nr3(smu.nplc_of(call.suffixes[0]))),
            setting.number(each + ":APERture", "aperture_s", SHORTEST_APERTURE_S, LONGEST_APERTURE_S, unit="S"),
        )
    ),
    setting.flag(":SENSe#:REMote", "remote_sense"),
    setting.flag(":SENSe#:WAIT[:STATe]", "sense_wait"),
    Command(":SENSe#:DATA", query=_own_data(latest=False)),
    Command(":SENSe#:DATA:LATest", query=_own_data(latest=True)),
    *_layer(":TRANsient", "transient"),
    *_layer(":ACQuire", "acquire"),
    *_layer("[:ALL]", "acquire", "transient"),
    Command(":INITiate[:IMMediate][:ALL]", _initiate(True, True)),
    Command(":INITiate[:IMMediate]:TRANsient", _initiate(True, False)),
    Command(":INITiate[:IMMediate]:ACQuire", _initiate(False, True)),
    *(Command(f":ABORt{each}", _abort) for each in ("[:ALL]", ":TRANsient", ":ACQuire")),
    Command(":READ[:SCALar]", query=_read(latest=True)),
    Command(":READ:ARRay", query=_read(latest=False)),
    Command(":FETCh[:SCALar]", query=_fetch(latest=True)),
    Command(":FETCh:ARRay", query=_fetch(latest=False)),
    Command(":MEASure", query=_measure),
    *(Command(f":MEASure:{each}[:DC]", query=_measure_one(values.short(each))) for each in FUNCTIONS),
    Command(":FORMat:ELEMents:SENSe", _set_elements, lambda smu, _: ",".join(smu.elements)),
    Command(":FORMat[:DATA]", _set_format, lambda *_: "ASC"),
    *setting.register(":STATus:OPERation", "operation"),
    *setting.register(":STATus:QUEStionable", "questionable"),
    Command("*OPT", query=lambda *_: "0"),
    Command(":SYSTem:LFRequency", _set_line, lambda smu, _: str(round(smu.line_hz))),
    Command(":SYSTem:TIME:TIMer:COUNt:RESet[:IMMediate]", _reset_time),
)
"""Remote sense, filter, overvoltage protection, low terminal and wait times are stored only."""
