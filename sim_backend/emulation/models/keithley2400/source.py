"""Commands of an emulated Keithley 2400 that source and switch: ``:SOURce``, ``:OUTPut`` and guard."""

from ...scpi import reading, source, values
from ...scpi import settings as setting
from ...scpi.kinds import FLAG, choice, integer, number
from ...scpi.messages import Call, Command
from ...scpi.source import LONGEST_LIST
from .limits import Limits
from .settings import sources
from .state import Keithley2400State

LONGEST_DELAY_S = 999.9999
"""Page 18-82."""


def full(range_: float) -> str:
    """Write a range as the 2400 answers it: 105 % of its name."""
    return values.nr3(range_ * reading.HEADROOM)


def _set_function(smu: Keithley2400State, _: Call, chosen: str) -> None:
    """Choose what is sourced, or that the source memory says so; that turns the output off."""
    now = smu.now
    if chosen != _function(smu):
        smu.on = False
    now.from_memory = chosen == "MEM"
    now.function = now.function if now.from_memory else chosen
    smu.apply()


def _function(smu: Keithley2400State) -> str:
    return "MEM" if smu.now.from_memory else smu.now.function


def _set_delay(smu: Keithley2400State, _: Call, seconds: float) -> None:
    smu.now.delay_s, smu.now.delay_auto = seconds, False


def _set_guard(smu: Keithley2400State, _: Call, chosen: str) -> None:
    for range_a in (smu.now.sense["CURR"].range, reading.range_holding(smu.limits.ranges_a, smu.now.protection_a)):
        smu.check_guard(chosen, range_a)
    smu.now.guard = chosen
    smu.apply()


def _set_protection(smu: Keithley2400State, _: Call, wanted: float) -> None:
    """Take the largest over-voltage limit up to a value, the smallest if it is below all; above all is none."""
    limits = smu.limits
    steps = limits.protections_v
    over = abs(wanted) > steps[-1] and (abs(wanted) >= limits.unprotected_v or len(steps) > 1)
    smu.now.over_voltage_v = (
        limits.unprotected_v if over else max((each for each in steps if each <= abs(wanted)), default=steps[0])
    )
    smu.apply()


def commands(limits: Limits) -> tuple[Command, ...]:
    """Return the commands of a model."""
    return (
        choice("VOLTage", "CURRent", "MEMory").command(
            ":SOURce#:FUNCtion[:MODE]", _set_function, lambda smu, _: _function(smu)
        ),
        *(
            command
            for function, initial in sources(limits).items()
            for command in (
                *source.commands(":SOURce#", function, initial, range_reply=full),
                *source.sweep_commands(":SOURce#", function, initial, lambda smu, _: smu.now),
            )
        ),
        *setting.attributes(
            {
                ":SOURce#:SWEep:POINts": ("points", integer(1, LONGEST_LIST, LONGEST_LIST)),
                ":SOURce#:SWEep:SPACing": ("spacing", choice("LINear", "LOGarithmic")),
                ":SOURce#:SWEep:DIRection": ("direction", choice("UP", "DOWN")),
                ":SOURce#:SWEep:RANGing": ("ranging", choice("BEST", "AUTO", "FIXed")),
                ":SOURce#:SWEep:CABort": ("abort_on_compliance", choice("NEVer", "EARLy", "LATE")),
                ":SOURce#:DELay:AUTO": ("delay_auto", FLAG),
                ":SOURce#:CLEar:AUTO": ("clear_auto", FLAG),
                ":SOURce#:CLEar:AUTO:MODE": ("clear_mode", choice("ALWays", "TCOunt")),
                ":OUTPut#:SMODe": ("off_state", choice("HIMPedance", "NORMal", "ZERO", "GUARd")),
            }
        ),
        number(-limits.unprotected_v, limits.unprotected_v, limits.unprotected_v).command(
            ":SOURce#:VOLTage:PROTection[:LEVel]", _set_protection, lambda smu, _: smu.now.over_voltage_v
        ),
        number(0.0, LONGEST_DELAY_S, 0.0).command(":SOURce#:DELay", _set_delay, lambda smu, _: smu.now.delay_s),
        setting.action(":SOURce#:CLEar[:IMMediate]", lambda smu: smu.switch(False)),
        FLAG.command(":OUTPut#[:STATe]", lambda smu, _, on: smu.switch(on), lambda smu, _: smu.on),
        choice("OHMS", "CABLe").command(":SYSTem:GUARd", _set_guard, lambda smu, _: smu.now.guard),
    )
