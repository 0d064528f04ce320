"""Commands of an emulated Keithley 2400 that source and switch: ``:SOURce``, ``:OUTPut``, guard and terminals."""

from typing import TYPE_CHECKING, Any

from ...scpi import reading, source, values
from ...scpi import settings as setting
from ...scpi.messages import Call, Command
from ...scpi.source import LONGEST_LIST
from ...scpi.status import ScpiError
from . import sweep
from .settings import RANGES_A, Settings, sources

if TYPE_CHECKING:
    from .model import EmulatedKeithley2400

LONGEST_DELAY_S = 9999.999


def full(range_: float) -> str:
    """Write a range as the 2400 answers it: 105 % of its name."""
    return values.nr3(range_ * reading.HEADROOM)


def _set_output(smu: "EmulatedKeithley2400", call: Call) -> None:
    smu.switch(values.boolean(call.expect(1)[0]))


def _set_function(smu: "EmulatedKeithley2400", call: Call) -> None:
    """Choose what is sourced; that turns the output off."""
    chosen = values.choice(call.expect(1)[0], ("VOLTage", "CURRent", "MEMory"))
    now = smu.now
    now.memory_sweep = chosen == "MEM"
    if now.memory_sweep:
        return
    if chosen != now.function:
        smu.on = False
    now.function = chosen
    smu.apply()


def _set_delay(smu: "EmulatedKeithley2400", call: Call) -> None:
    smu.now.delay_s = values.bounded(call.expect(1)[0], 0.0, LONGEST_DELAY_S, 0.0)
    smu.now.delay_auto = False


def _delay(smu: "EmulatedKeithley2400", call: Call) -> str:
    if call.expect(0, 1):
        return values.nr3(setting.named_bound(call.arguments[0], 0.0, LONGEST_DELAY_S, 0.0))
    return values.nr3(smu.now.delay_s)


def _set_guard(smu: "EmulatedKeithley2400", call: Call) -> None:
    now = smu.now
    chosen = values.choice(call.expect(1)[0], ("OHMS", "CABLe"))
    if chosen == "OHMS" and RANGES_A[-1] in (
        now.sense["CURR"].range,
        reading.range_holding(RANGES_A, now.protection_a),
    ):
        raise ScpiError(827)
    now.guard = chosen
    smu.apply()


def _set_terminals(smu: "EmulatedKeithley2400", call: Call) -> None:
    """Choose front or rear terminals, which turns the output off; both are the same nodes here."""
    chosen = values.choice(call.expect(1)[0], ("FRONt", "REAR"))
    if chosen != smu.terminals:
        smu.switch(False)
    smu.terminals = chosen


def _location(call: Call) -> int:
    return values.integer(call.expect(1)[0], sweep.LOCATIONS[0], sweep.LOCATIONS[-1])


def _save(smu: "EmulatedKeithley2400", call: Call) -> None:
    sweep.save(smu, _location(call))


def _recall(smu: "EmulatedKeithley2400", call: Call) -> None:
    """Bring a setup back from the source memory, with the output off as after any change of function."""
    location = _location(call)
    smu.on = False
    sweep.recall(smu, location)
    smu.apply()


def _points_of(smu: Any, _: Call) -> Settings:
    now: Settings = smu.now
    return now


def _scaling(function: str) -> tuple[Command, ...]:
    """Declare the scale factor of a source memory sweep, which is stored only."""

    def write(smu: "EmulatedKeithley2400", call: Call) -> None:
        smu.now.scale[function] = values.bounded(call.expect(1)[0], -999.9999, 999.9999, 1.0)

    def switch(smu: "EmulatedKeithley2400", call: Call) -> None:
        smu.now.scaled[function] = values.boolean(call.expect(1)[0])

    pattern = f":SOURce#:{source.NAMES[function]}[:LEVel]:TRIGgered:SFACtor"
    return (
        Command(pattern, write, lambda smu, _: values.nr3(smu.now.scale[function])),
        Command(f"{pattern}:STATe", switch, lambda smu, _: str(int(smu.now.scaled[function]))),
    )


COMMANDS: tuple[Command, ...] = (
    Command(
        ":SOURce#:FUNCtion[:MODE]",
        _set_function,
        lambda smu, _: "MEM" if smu.now.memory_sweep else smu.now.function,
    ),
    *(
        command
        for function, initial in sources().items()
        for command in (
            *source.commands(":SOURce#", function, initial, range_reply=full),
            *source.sweep_commands(":SOURce#", function, initial, _points_of),
            *_scaling(function),
        )
    ),
    setting.number(":SOURce#:VOLTage:PROTection[:LEVel]", "overvoltage_v", 20.0, 500.0, 210.0),
    setting.constant(":SOURce#:VOLTage:PROTection:TRIPped", "0"),
    setting.integer(":SOURce#:SWEep:POINts", "points", 2, LONGEST_LIST, LONGEST_LIST),
    setting.choice(":SOURce#:SWEep:SPACing", "spacing", "LINear", "LOGarithmic"),
    setting.choice(":SOURce#:SWEep:DIRection", "direction", "UP", "DOWN"),
    setting.choice(":SOURce#:SWEep:RANGing", "ranging", "BEST", "AUTO", "FIXed"),
    setting.choice(":SOURce#:SWEep:CABort", "abort_on_compliance", "NEVer", "EARLy", "LATE"),
    Command(":SOURce#:MEMory:SAVE", _save),
    Command(":SOURce#:MEMory:RECall", _recall),
    setting.integer(":SOURce#:MEMory:POINts", "memory_points", 1, 100, 1),
    setting.integer(":SOURce#:MEMory:STARt", "memory_start", 1, 100, 1),
    setting.number(":SOURce#:SOAK", "soak_s", 0.0, LONGEST_DELAY_S, 0.0),
    Command(":SOURce#:DELay", _set_delay, _delay),
    setting.flag(":SOURce#:DELay:AUTO", "delay_auto"),
    setting.action(":SOURce#:CLEar[:IMMediate]", lambda smu: smu.switch(False)),
    setting.flag(":SOURce#:CLEar:AUTO", "clear_auto"),
    setting.choice(":SOURce#:CLEar:AUTO:MODE", "clear_mode", "ALWays", "TCOunt"),
    Command(":OUTPut#[:STATe]", _set_output, lambda smu, _: str(int(smu.on))),
    setting.choice(":OUTPut#:SMODe", "off_state", "HIMPedance", "NORMal", "ZERO", "GUARd"),
    setting.flag(":OUTPut#:ENABle[:STATe]", "interlock"),
    setting.constant(":OUTPut#:ENABle:TRIPped", "0"),
    Command(":SYSTem:GUARd", _set_guard, lambda smu, _: smu.now.guard),
    Command(":ROUTe:TERMinals", _set_terminals, lambda smu, _: smu.terminals),
)
"""Overvoltage protection, interlock and soak time are stored only."""
