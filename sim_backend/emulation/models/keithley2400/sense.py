"""Commands of an emulated Keithley 2400 that say what is measured and how: ``:SENSe``."""

from dataclasses import replace

from ...scpi import reading, sense, values
from ...scpi import settings as setting
from ...scpi.kinds import FLAG, choice, integer, number
from ...scpi.messages import Call, Command
from ...scpi.status import ScpiError
from .limits import Limits
from .settings import senses
from .source import full
from .state import LEAST_SHARE, Keithley2400State


def _set_protection_a(smu: Keithley2400State, _: Call, wanted: float) -> None:
    now, measured = smu.now, smu.now.sense["CURR"]
    # One value for both directions, so its sign does not matter.
    limit = abs(wanted)
    if limit < LEAST_SHARE * (smu.limits.ranges_a[0] if measured.auto else measured.range):
        raise ScpiError(822)
    smu.check_power(now.source["VOLT"].range, limit)
    most = reading.range_holding(smu.limits.ranges_a, limit)
    smu.check_guard(now.guard, most)
    now.protection_a = limit
    if now.range_follows_compliance and not measured.auto:
        measured.range = most
    if measured.auto:
        measured.range = min(measured.range, most)
    smu.apply()


def _set_protection_v(smu: Keithley2400State, _: Call, wanted: float) -> None:
    smu.now.protection_v = abs(wanted)
    smu.apply()


def _set_concurrent(smu: Keithley2400State, _: Call, on: bool) -> None:
    smu.now.concurrent = on
    if not on and len(smu.now.measured) > 1:
        smu.now.measured = {"VOLT"}
    smu.apply()


def _tripped_a(smu: Keithley2400State, _: Call) -> str:
    real = smu.limit_is_compliance() or smu.trip_reports_range
    return str(int(smu.setpoint()[0] == "VOLT" and smu.limited() and real))


def _tripped_v(smu: Keithley2400State, _: Call) -> str:
    return str(int(smu.setpoint()[0] == "CURR" and smu.limited()))


def _set_autozero(smu: Keithley2400State, _: Call, on: bool | None) -> None:
    """Switch it; done once it stays as it is, for what is measured here has no drift."""
    smu.now.autozero = smu.now.autozero if on is None else on


_AUTOZERO = replace(FLAG, read=lambda texts, _: None if values.matches(texts[0], "ONCE") else values.boolean(texts[0]))
_A, _V, _OHM = (f"[:SENSe#]:{sense.NAMES[each]}" for each in ("CURR", "VOLT", "RES"))


def commands(limits: Limits) -> tuple[Command, ...]:
    """Return the commands of a model; a moving filter changes nothing: its first reading fills the whole stack."""
    return (
        *sense.function_commands("[:SENSe#]", {"VOLT": '"VOLT:DC"', "CURR": '"CURR:DC"', "RES": '"RES"'}),
        FLAG.command("[:SENSe#]:FUNCtion:CONCurrent", _set_concurrent, lambda smu, _: smu.now.concurrent),
        *(
            command
            for function, initial in senses(limits).items()
            for command in sense.commands("[:SENSe#]", function, initial, reply=full)
        ),
        number(-limits.most_a, limits.most_a, 1.05e-4).command(
            _A + ":PROTection[:LEVel]", _set_protection_a, lambda smu, _: smu.now.protection_a
        ),
        number(-limits.most_v, limits.most_v, 21.0).command(
            _V + ":PROTection[:LEVel]", _set_protection_v, lambda smu, _: smu.now.protection_v
        ),
        setting.query(_A + ":PROTection:TRIPped", _tripped_a),
        setting.query(_V + ":PROTection:TRIPped", _tripped_v),
        *setting.attributes(
            {
                _OHM + ":MODE": ("ohm_mode", choice("MANual", "AUTO")),
                _A + ":PROTection:RSYNchronize": ("range_follows_compliance", FLAG),
                _V + ":PROTection:RSYNchronize": ("range_follows_compliance", FLAG),
                _OHM + ":OCOMpensated": ("offset_compensated", FLAG),
                # One integration time for all three functions.
                **{each + ":NPLCycles": ("nplc", number(0.01, 10.0, 1.0)) for each in (_A, _V, _OHM)},
                "[:SENSe#]:AVERage[:STATe]": ("average", FLAG),
                "[:SENSe#]:AVERage:TCONtrol": ("average_control", choice("REPeat", "MOVing")),
                "[:SENSe#]:AVERage:COUNt": ("average_count", integer(1, 100, 10)),
                ":SYSTem:RSENse": ("remote_sense", FLAG),
            }
        ),
        _AUTOZERO.command(":SYSTem:AZERo[:STATe]", _set_autozero, lambda smu, _: smu.now.autozero),
    )
