"""Commands of an emulated Keithley 2400 that source and switch: ``:SOURce``, ``:OUTPut``, guard and terminals."""

from typing import TYPE_CHECKING

from . import scpi_reading as reading
from . import scpi_settings as setting
from . import scpi_values as values
from .keithley2400_settings import LONGEST_LIST, MOST_A, MOST_V, RANGES_A, RANGES_V
from .scpi import Call, Command
from .scpi_status import ScpiError

if TYPE_CHECKING:
    from .keithley2400 import Keithley2400

LEVEL_S, LEVEL_AUTO_S = 7e-3, 10e-3
"""From a command to the new level with fixed and automatic source range (data sheet SPEC-2400)."""
LIST_PER_COMMAND = 100


def answered(value: float, call: Call, low: float, high: float, default: float) -> str:
    """Answer a query of a number, or of its bound where one is named."""
    return values.nr3(setting.named_bound(call.arguments[0], low, high, default) if call.expect(0, 1) else value)


def _set_level_v(smu: "Keithley2400", call: Call) -> None:
    now = smu.now
    level = values.bounded(call.expect(1)[0], -MOST_V, MOST_V, 0.0)
    if now.range_v_auto:
        now.range_v = reading.range_holding(RANGES_V, level)
    elif not reading.holds(now.range_v, level):
        raise ScpiError(-222)
    if smu.on:
        smu.world.wait(LEVEL_AUTO_S if now.range_v_auto else LEVEL_S)
    now.level_v, now.trigger_v = level, None
    smu.apply()


def _set_trigger_v(smu: "Keithley2400", call: Call) -> None:
    level = values.bounded(call.expect(1)[0], -MOST_V, MOST_V, 0.0)
    if smu.now.range_v_auto:
        smu.now.range_v = reading.range_holding(RANGES_V, level)
    elif not reading.holds(smu.now.range_v, level):
        raise ScpiError(-222)
    smu.now.trigger_v = level


def _trigger_v(smu: "Keithley2400", call: Call) -> str:
    call.expect(0)
    return values.nr3(smu.now.level_v if smu.now.trigger_v is None else smu.now.trigger_v)


def _set_level_a(smu: "Keithley2400", call: Call) -> None:
    now = smu.now
    level = values.bounded(call.expect(1)[0], -MOST_A, MOST_A, 0.0)
    if now.source_range_a_auto:
        now.source_range_a = reading.range_holding(RANGES_A, level)
    elif not reading.holds(now.source_range_a, level):
        raise ScpiError(-222)
    now.level_a = level
    smu.apply()


def chosen_range(call: Call, ranges: tuple[float, ...], present: float) -> float:
    """Return the range that a ``RANG`` command asks for: by value, MIN, MAX, DEF, UP or DOWN."""
    text = call.expect(1)[0]
    for name, step in (("UP", 1), ("DOWN", -1)):
        if values.matches(text, name):
            return reading.neighbour(ranges, present, step)
    if values.matches(text, "MINimum"):
        return ranges[0]
    most = ranges[-1] * reading.HEADROOM
    return reading.range_holding(ranges, values.bounded(text, -most, most))


def _set_range_v(smu: "Keithley2400", call: Call) -> None:
    chosen = chosen_range(call, RANGES_V, smu.now.range_v)
    if not reading.holds(chosen, smu.now.level_v):
        raise ScpiError(-221)
    smu.now.range_v, smu.now.range_v_auto = chosen, False
    smu.apply()


def _set_source_range_a(smu: "Keithley2400", call: Call) -> None:
    chosen = chosen_range(call, RANGES_A, smu.now.source_range_a)
    if not reading.holds(chosen, smu.now.level_a):
        raise ScpiError(-221)
    smu.now.source_range_a, smu.now.source_range_a_auto = chosen, False
    smu.apply()


def _set_output(smu: "Keithley2400", call: Call) -> None:
    smu.switch(values.boolean(call.expect(1)[0]))


def _output_off(smu: "Keithley2400", call: Call) -> None:
    call.expect(0)
    smu.switch(False)


def _set_function(smu: "Keithley2400", call: Call) -> None:
    """Choose what is sourced; that turns the output off."""
    chosen = values.choice(call.expect(1)[0], ("VOLTage", "CURRent"))
    if chosen != smu.now.function:
        smu.on = False
    smu.now.function = chosen
    smu.apply()


def _set_delay(smu: "Keithley2400", call: Call) -> None:
    smu.now.delay_s = values.bounded(call.expect(1)[0], 0.0, 9999.999, 0.0)
    smu.now.delay_auto = False


def _set_list(smu: "Keithley2400", call: Call) -> None:
    smu.now.list_v = _listed(call)


def _append_list(smu: "Keithley2400", call: Call) -> None:
    more = _listed(call)
    if len(smu.now.list_v) + len(more) > LONGEST_LIST:
        raise ScpiError(-223)
    smu.now.list_v = [*smu.now.list_v, *more]


def _listed(call: Call) -> list[float]:
    return [values.bounded(text, -MOST_V, MOST_V) for text in call.expect(1, LIST_PER_COMMAND)]


def _set_step(smu: "Keithley2400", call: Call) -> None:
    now = smu.now
    step = values.bounded(call.expect(1)[0], -2 * MOST_V, 2 * MOST_V)
    points = 1 + abs((now.stop_v - now.start_v) / step) if step else 0
    if not 2 <= points <= LONGEST_LIST:
        raise ScpiError(-222)
    now.points = round(points)


def _step(smu: "Keithley2400", call: Call) -> str:
    call.expect(0)
    return values.nr3((smu.now.stop_v - smu.now.start_v) / max(smu.now.points - 1, 1))


def _set_guard(smu: "Keithley2400", call: Call) -> None:
    now = smu.now
    chosen = values.choice(call.expect(1)[0], ("OHMS", "CABLe"))
    if chosen == "OHMS" and RANGES_A[-1] in (now.range_a, reading.range_holding(RANGES_A, now.protection_a)):
        raise ScpiError(827)
    now.guard = chosen
    smu.apply()


def _set_terminals(smu: "Keithley2400", call: Call) -> None:
    """Choose front or rear terminals, which turns the output off; both are the same nodes here."""
    chosen = values.choice(call.expect(1)[0], ("FRONt", "REAR"))
    if chosen != smu.terminals:
        smu.switch(False)
    smu.terminals = chosen


def full(range_: float) -> str:
    """Write a range as the 2400 answers it: 105 % of its name."""
    return values.nr3(range_ * reading.HEADROOM)


_V, _A = ":SOURce#:VOLTage", ":SOURce#:CURRent"
_LEVEL = "[:LEVel][:IMMediate][:AMPLitude]"

COMMANDS: tuple[Command, ...] = (
    Command(":SOURce#:FUNCtion[:MODE]", _set_function, lambda smu, _: smu.now.function),
    Command(_V + _LEVEL, _set_level_v, lambda smu, call: answered(smu.now.level_v, call, -MOST_V, MOST_V, 0.0)),
    Command(_V + "[:LEVel]:TRIGgered[:AMPLitude]", _set_trigger_v, _trigger_v),
    setting.choice(_V + ":MODE", "mode", "FIXed", "LIST", "SWEep"),
    Command(_V + ":RANGe", _set_range_v, lambda smu, _: full(smu.now.range_v)),
    setting.flag(_V + ":RANGe:AUTO", "range_v_auto"),
    setting.number(_V + ":PROTection[:LEVel]", "overvoltage_v", 20.0, 500.0, 210.0),
    setting.number(_V + ":STARt", "start_v", -MOST_V, MOST_V, 0.0),
    setting.number(_V + ":STOP", "stop_v", -MOST_V, MOST_V, 0.0),
    Command(_V + ":STEP", _set_step, _step),
    Command(_A + _LEVEL, _set_level_a, lambda smu, call: answered(smu.now.level_a, call, -MOST_A, MOST_A, 0.0)),
    Command(_A + ":RANGe", _set_source_range_a, lambda smu, _: full(smu.now.source_range_a)),
    setting.flag(_A + ":RANGe:AUTO", "source_range_a_auto"),
    setting.integer(":SOURce#:SWEep:POINts", "points", 2, LONGEST_LIST, LONGEST_LIST),
    setting.choice(":SOURce#:SWEep:SPACing", "spacing", "LINear"),
    Command(":SOURce#:LIST:VOLTage", _set_list, lambda smu, _: ",".join(values.nr3(each) for each in smu.now.list_v)),
    Command(":SOURce#:LIST:VOLTage:APPend", _append_list),
    Command(":SOURce#:LIST:VOLTage:POINts", query=lambda smu, _: str(len(smu.now.list_v))),
    Command(":SOURce#:DELay", _set_delay, lambda smu, call: answered(smu.now.delay_s, call, 0.0, 9999.999, 0.0)),
    setting.flag(":SOURce#:DELay:AUTO", "delay_auto"),
    Command(":SOURce#:CLEar[:IMMediate]", _output_off),
    setting.flag(":SOURce#:CLEar:AUTO", "clear_auto"),
    Command(":OUTPut#[:STATe]", _set_output, lambda smu, _: str(int(smu.on))),
    setting.choice(":OUTPut#:SMODe", "off_state", "HIMPedance", "NORMal", "ZERO", "GUARd"),
    Command(":SYSTem:GUARd", _set_guard, lambda smu, _: smu.now.guard),
    Command(":ROUTe:TERMinals", _set_terminals, lambda smu, _: smu.terminals),
)
