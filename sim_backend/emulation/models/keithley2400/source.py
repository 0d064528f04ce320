"""Commands of an emulated Keithley 2400 that source and switch: ``:SOURce``, ``:OUTPut`` and guard."""

from ...scpi import kinds, reading, source, values
from ...scpi import settings as setting
from ...scpi.messages import Call, Command
from ...scpi.source import LONGEST_LIST
from . import sweep
from .settings import RANGES_A, sources
from .state import SourceMeter

LONGEST_DELAY_S = 9999.999


def full(range_: float) -> str:
    """Write a range as the 2400 answers it: 105 % of its name."""
    return values.nr3(range_ * reading.HEADROOM)


def _set_function(smu: SourceMeter, _: Call, chosen: str) -> None:
    """Choose what is sourced; that turns the output off."""
    now = smu.now
    now.memory_sweep = chosen == "MEM"
    if now.memory_sweep:
        return
    if chosen != now.function:
        smu.on = False
    now.function = chosen
    smu.apply()


def _set_delay(smu: SourceMeter, _: Call, seconds: float) -> None:
    smu.now.delay_s, smu.now.delay_auto = seconds, False


def _set_guard(smu: SourceMeter, _: Call, chosen: str) -> None:
    for range_a in (smu.now.sense["CURR"].range, reading.range_holding(RANGES_A, smu.now.protection_a)):
        smu.check_guard(chosen, range_a)
    smu.now.guard = chosen
    smu.apply()


def _location(call: Call) -> int:
    return values.integer(call.expect(1)[0], sweep.LOCATIONS[0], sweep.LOCATIONS[-1])


def _save(smu: SourceMeter, call: Call) -> None:
    sweep.save(smu, _location(call))


def _recall(smu: SourceMeter, call: Call) -> None:
    """Bring a setup back from the source memory, with the output off as after any change of function."""
    location = _location(call)
    smu.on = False
    sweep.recall(smu, location)
    smu.apply()


COMMANDS: tuple[Command, ...] = (
    kinds.choice("VOLTage", "CURRent", "MEMory").command(
        ":SOURce#:FUNCtion[:MODE]",
        _set_function,
        lambda smu, _: "MEM" if smu.now.memory_sweep else smu.now.function,
    ),
    *(
        command
        for function, initial in sources().items()
        for command in (
            *source.commands(":SOURce#", function, initial, range_reply=full),
            *source.sweep_commands(":SOURce#", function, initial, lambda smu, _: smu.now),
        )
    ),
    setting.integer(":SOURce#:SWEep:POINts", "points", 2, LONGEST_LIST, LONGEST_LIST),
    setting.choice(":SOURce#:SWEep:SPACing", "spacing", "LINear", "LOGarithmic"),
    setting.choice(":SOURce#:SWEep:DIRection", "direction", "UP", "DOWN"),
    setting.choice(":SOURce#:SWEep:RANGing", "ranging", "BEST", "AUTO", "FIXed"),
    setting.choice(":SOURce#:SWEep:CABort", "abort_on_compliance", "NEVer", "EARLy", "LATE"),
    Command(":SOURce#:MEMory:SAVE", _save),
    Command(":SOURce#:MEMory:RECall", _recall),
    setting.integer(":SOURce#:MEMory:POINts", "memory_points", 1, 100, 1),
    setting.integer(":SOURce#:MEMory:STARt", "memory_start", 1, 100, 1),
    kinds.number(0.0, LONGEST_DELAY_S, 0.0).command(":SOURce#:DELay", _set_delay, lambda smu, _: smu.now.delay_s),
    setting.flag(":SOURce#:DELay:AUTO", "delay_auto"),
    setting.action(":SOURce#:CLEar[:IMMediate]", lambda smu: smu.switch(False)),
    setting.flag(":SOURce#:CLEar:AUTO", "clear_auto"),
    setting.choice(":SOURce#:CLEar:AUTO:MODE", "clear_mode", "ALWays", "TCOunt"),
    kinds.FLAG.command(":OUTPut#[:STATe]", lambda smu, _, on: smu.switch(on), lambda smu, _: smu.on),
    setting.choice(":OUTPut#:SMODe", "off_state", "HIMPedance", "NORMal", "ZERO", "GUARd"),
    kinds.choice("OHMS", "CABLe").command(":SYSTem:GUARd", _set_guard, lambda smu, _: smu.now.guard),
)
