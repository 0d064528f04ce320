"""Commands of an emulated Keithley 2400 that say what is measured and how: ``:SENSe``."""

from dataclasses import replace

from ...scpi import kinds, reading, sense, values
from ...scpi import settings as setting
from ...scpi.messages import Call, Command, Query
from ...scpi.status import ScpiError
from .settings import MOST_A, MOST_V, RANGES_A, senses
from .source import full
from .state import LEAST_SHARE, SourceMeter


def _set_protection_a(smu: SourceMeter, _: Call, wanted: float) -> None:
    now, measured = smu.now, smu.now.sense["CURR"]
    # One value for both directions, so its sign does not matter.
    limit = abs(wanted)
    if limit < LEAST_SHARE * (RANGES_A[0] if measured.auto else measured.range):
        raise ScpiError(824)
    most = reading.range_holding(RANGES_A, limit)
    smu.check_guard(now.guard, most)
    now.protection_a = limit
    if measured.auto:
        measured.range = min(measured.range, most)
    elif now.synchronised["CURR"]:
        measured.range = most
    smu.apply()


def _set_protection_v(smu: SourceMeter, _: Call, wanted: float) -> None:
    now = smu.now
    now.protection_v = abs(wanted)
    if now.synchronised["VOLT"] and not now.sense["VOLT"].auto:
        now.sense["VOLT"].range = reading.fitting(now.sense["VOLT"].ranges, now.protection_v)
    smu.apply()


def _synchronise(function: str) -> Command:
    def store(smu: SourceMeter, _: Call, on: bool) -> None:
        smu.now.synchronised[function] = on

    pattern = f"[:SENSe#]:{sense.NAMES[function]}:PROTection:RSYNchronize"
    return kinds.FLAG.command(pattern, store, lambda smu, _: smu.now.synchronised[function])


def _set_functions(smu: SourceMeter, call: Call) -> None:
    wanted = {sense.function(text) for text in call.expect(1, 3)}
    if not smu.now.concurrent and len(wanted) > 1:
        raise ScpiError(-221)
    smu.now.measured = smu.now.measured | wanted if smu.now.concurrent else wanted
    smu.apply()


def _drop_functions(smu: SourceMeter, call: Call) -> None:
    smu.now.measured = smu.now.measured - {sense.function(text) for text in call.expect(1, 3)}
    smu.apply()


def _drop_all_functions(smu: SourceMeter) -> None:
    smu.now.measured = set()
    smu.apply()


def _set_all_functions(smu: SourceMeter) -> None:
    smu.now.measured = set(map(values.short, sense.FUNCTIONS)) if smu.now.concurrent else {"RES"}
    smu.apply()


def _functions(on: bool) -> Query:
    def query(smu: SourceMeter, call: Call) -> str:
        call.expect(0)
        names = {"VOLT": '"VOLT:DC"', "CURR": '"CURR:DC"', "RES": '"RES"'}
        return ",".join(text for name, text in names.items() if (name in smu.now.measured) == on) or '""'

    return query


def _function_state(smu: SourceMeter, call: Call) -> str:
    return str(int(sense.function(call.expect(1)[0]) in smu.now.measured))


def _set_concurrent(smu: SourceMeter, _: Call, on: bool) -> None:
    smu.now.concurrent = on
    if not on and len(smu.now.measured) > 1:
        smu.now.measured = {"VOLT"}
    smu.apply()


def _tripped_a(smu: SourceMeter, call: Call) -> str:
    call.expect(0)
    real = smu.limit_is_compliance() or smu.trip_reports_range
    return str(int(smu.drive()[0] == "VOLT" and smu.limited() and real))


def _tripped_v(smu: SourceMeter, call: Call) -> str:
    call.expect(0)
    return str(int(smu.drive()[0] == "CURR" and smu.limited()))


_AUTOZERO = replace(kinds.FLAG, read=lambda texts, _: not values.matches(texts[0], "ONCE") and values.boolean(texts[0]))
_A, _V, _OHM = (f"[:SENSe#]:{sense.NAMES[each]}" for each in ("CURR", "VOLT", "RES"))

COMMANDS: tuple[Command, ...] = (
    Command("[:SENSe#]:FUNCtion[:ON]", _set_functions, _functions(True)),
    setting.action("[:SENSe#]:FUNCtion[:ON]:ALL", _set_all_functions),
    Command("[:SENSe#]:FUNCtion[:ON]:COUNt", query=lambda smu, _: str(len(smu.now.measured))),
    Command("[:SENSe#]:FUNCtion:OFF", _drop_functions, _functions(False)),
    setting.action("[:SENSe#]:FUNCtion:OFF:ALL", _drop_all_functions),
    Command("[:SENSe#]:FUNCtion:OFF:COUNt", query=lambda smu, _: str(3 - len(smu.now.measured))),
    Command("[:SENSe#]:FUNCtion:STATe", query=_function_state),
    kinds.FLAG.command("[:SENSe#]:FUNCtion:CONCurrent", _set_concurrent, lambda smu, _: smu.now.concurrent),
    *(
        command
        for function, initial in senses().items()
        for command in sense.commands("[:SENSe#]", function, initial, reply=full)
    ),
    kinds.number(-MOST_A, MOST_A, 1.05e-4).command(
        _A + ":PROTection[:LEVel]", _set_protection_a, lambda smu, _: smu.now.protection_a
    ),
    kinds.number(-MOST_V, MOST_V, 21.0).command(
        _V + ":PROTection[:LEVel]", _set_protection_v, lambda smu, _: smu.now.protection_v
    ),
    Command(_A + ":PROTection:TRIPped", query=_tripped_a),
    Command(_V + ":PROTection:TRIPped", query=_tripped_v),
    _synchronise("CURR"),
    _synchronise("VOLT"),
    setting.choice(_OHM + ":MODE", "ohm_mode", "MANual", "AUTO"),
    setting.flag(_OHM + ":OCOMpensated", "offset_compensated"),
    # One integration time for all three functions.
    *(setting.number(each + ":NPLCycles", "nplc", 0.01, 10.0, 1.0) for each in (_A, _V, _OHM)),
    setting.flag("[:SENSe#]:AVERage[:STATe]", "average"),
    setting.choice("[:SENSe#]:AVERage:TCONtrol", "average_control", "REPeat", "MOVing"),
    setting.integer("[:SENSe#]:AVERage:COUNt", "average_count", 1, 100, 10),
    setting.flag(":SYSTem:RSENse", "remote_sense"),
    setting.attribute(":SYSTem:AZERo[:STATe]", "autozero", _AUTOZERO),
)
"""A moving filter changes nothing here: its first reading fills the whole stack."""
