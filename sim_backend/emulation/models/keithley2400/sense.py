"""Commands of an emulated Keithley 2400 that say what is measured and how: ``:SENSe``."""

from typing import TYPE_CHECKING

from ...scpi import reading, sense, values
from ...scpi import settings as setting
from ...scpi.messages import Call, Command, Query
from ...scpi.status import ScpiError
from .settings import MOST_A, MOST_V, RANGES_A, senses
from .source import full

if TYPE_CHECKING:
    from .model import EmulatedKeithley2400

LEAST_SHARE = 1e-3
"""Smallest compliance as a share of the measure range (data sheet SPEC-2400)."""


def check_range_a(smu: "EmulatedKeithley2400", wanted: float) -> None:
    """Refuse a fixed current range that the compliance or the guard does not allow."""
    now = smu.now
    if wanted > reading.range_holding(RANGES_A, now.protection_a) or now.protection_a < LEAST_SHARE * wanted:
        raise ScpiError(824)
    if now.guard == "OHMS" and wanted == RANGES_A[-1]:
        raise ScpiError(827)


def _set_protection_a(smu: "EmulatedKeithley2400", call: Call) -> None:
    now, measured = smu.now, smu.now.sense["CURR"]
    # One value for both directions, so its sign does not matter.
    limit = abs(values.bounded(call.expect(1)[0], -MOST_A, MOST_A, 1.05e-4))
    if limit < LEAST_SHARE * (RANGES_A[0] if measured.auto else measured.range):
        raise ScpiError(824)
    most = reading.range_holding(RANGES_A, limit)
    if now.guard == "OHMS" and most == RANGES_A[-1]:
        raise ScpiError(827)
    now.protection_a = limit
    if measured.auto:
        measured.range = min(measured.range, most)
    elif now.synchronised["CURR"]:
        measured.range = most
    smu.apply()


def _set_protection_v(smu: "EmulatedKeithley2400", call: Call) -> None:
    now = smu.now
    now.protection_v = abs(values.bounded(call.expect(1)[0], -MOST_V, MOST_V, 21.0))
    if now.synchronised["VOLT"] and not now.sense["VOLT"].auto:
        now.sense["VOLT"].range = reading.fitting(now.sense["VOLT"].ranges, now.protection_v)
    smu.apply()


def _protection(key: str, most: float, default: float) -> Query:
    def query(smu: "EmulatedKeithley2400", call: Call) -> str:
        if call.expect(0, 1):
            return values.nr3(setting.named_bound(call.arguments[0], -most, most, default))
        return values.nr3(getattr(smu.now, key))

    return query


def _synchronise(function: str) -> Command:
    def write(smu: "EmulatedKeithley2400", call: Call) -> None:
        smu.now.synchronised[function] = values.boolean(call.expect(1)[0])

    pattern = f"[:SENSe#]:{sense.NAMES[function]}:PROTection:RSYNchronize"
    return Command(pattern, write, lambda smu, _: str(int(smu.now.synchronised[function])))


def _set_functions(smu: "EmulatedKeithley2400", call: Call) -> None:
    wanted = {sense.function(text) for text in call.expect(1, 3)}
    if not smu.now.concurrent and len(wanted) > 1:
        raise ScpiError(-221)
    smu.now.measured = smu.now.measured | wanted if smu.now.concurrent else wanted
    smu.apply()


def _drop_functions(smu: "EmulatedKeithley2400", call: Call) -> None:
    smu.now.measured = smu.now.measured - {sense.function(text) for text in call.expect(1, 3)}
    smu.apply()


def _drop_all_functions(smu: "EmulatedKeithley2400") -> None:
    smu.now.measured = set()
    smu.apply()


def _set_all_functions(smu: "EmulatedKeithley2400") -> None:
    smu.now.measured = set(map(values.short, sense.FUNCTIONS)) if smu.now.concurrent else {"RES"}
    smu.apply()


def _functions(on: bool) -> Query:
    def query(smu: "EmulatedKeithley2400", call: Call) -> str:
        call.expect(0)
        names = {"VOLT": '"VOLT:DC"', "CURR": '"CURR:DC"', "RES": '"RES"'}
        return ",".join(text for name, text in names.items() if (name in smu.now.measured) == on) or '""'

    return query


def _function_state(smu: "EmulatedKeithley2400", call: Call) -> str:
    return str(int(sense.function(call.expect(1)[0]) in smu.now.measured))


def _set_concurrent(smu: "EmulatedKeithley2400", call: Call) -> None:
    smu.now.concurrent = values.boolean(call.expect(1)[0])
    if not smu.now.concurrent and len(smu.now.measured) > 1:
        smu.now.measured = {"VOLT"}
    smu.apply()


def _tripped_a(smu: "EmulatedKeithley2400", call: Call) -> str:
    call.expect(0)
    real = smu.limit_is_compliance() or smu.trip_reports_range
    return str(int(smu.sourced()[0] == "VOLT" and smu.limited() and real))


def _tripped_v(smu: "EmulatedKeithley2400", call: Call) -> str:
    call.expect(0)
    return str(int(smu.sourced()[0] == "CURR" and smu.limited()))


def _set_autozero(smu: "EmulatedKeithley2400", call: Call) -> None:
    text = call.expect(1)[0]
    smu.now.autozero = False if values.matches(text, "ONCE") else values.boolean(text)


_A, _V, _OHM = (f"[:SENSe#]:{sense.NAMES[each]}" for each in ("CURR", "VOLT", "RES"))

COMMANDS: tuple[Command, ...] = (
    Command("[:SENSe#]:FUNCtion[:ON]", _set_functions, _functions(True)),
    setting.action("[:SENSe#]:FUNCtion[:ON]:ALL", _set_all_functions),
    Command("[:SENSe#]:FUNCtion[:ON]:COUNt", query=lambda smu, _: str(len(smu.now.measured))),
    Command("[:SENSe#]:FUNCtion:OFF", _drop_functions, _functions(False)),
    setting.action("[:SENSe#]:FUNCtion:OFF:ALL", _drop_all_functions),
    Command("[:SENSe#]:FUNCtion:OFF:COUNt", query=lambda smu, _: str(3 - len(smu.now.measured))),
    Command("[:SENSe#]:FUNCtion:STATe", query=_function_state),
    Command("[:SENSe#]:FUNCtion:CONCurrent", _set_concurrent, lambda smu, _: str(int(smu.now.concurrent))),
    *(
        command
        for function, initial in senses().items()
        for command in sense.commands("[:SENSe#]", function, initial, reply=full)
    ),
    Command(_A + ":PROTection[:LEVel]", _set_protection_a, _protection("protection_a", MOST_A, 1.05e-4)),
    Command(_V + ":PROTection[:LEVel]", _set_protection_v, _protection("protection_v", MOST_V, 21.0)),
    Command(_A + ":PROTection:TRIPped", query=_tripped_a),
    Command(_V + ":PROTection:TRIPped", query=_tripped_v),
    _synchronise("CURR"),
    _synchronise("VOLT"),
    setting.flag(_A + ":RANGe:HOLDoff", "holdoff"),
    setting.number(_A + ":RANGe:HOLDoff:DELay", "holdoff_s", 0.0, 999.9999, 0.0),
    setting.choice(_OHM + ":MODE", "ohm_mode", "MANual", "AUTO"),
    setting.flag(_OHM + ":OCOMpensated", "offset_compensated"),
    # One integration time for all three functions.
    *(setting.number(each + ":NPLCycles", "nplc", 0.01, 10.0, 1.0) for each in (_A, _V, _OHM)),
    setting.flag("[:SENSe#]:AVERage[:STATe]", "average"),
    setting.choice("[:SENSe#]:AVERage:TCONtrol", "average_control", "REPeat", "MOVing"),
    setting.integer("[:SENSe#]:AVERage:COUNt", "average_count", 1, 100, 10),
    setting.flag(":SYSTem:RSENse", "remote_sense"),
    Command(":SYSTem:AZERo[:STATe]", _set_autozero, lambda smu, _: str(int(smu.now.autozero))),
)
"""A moving filter changes nothing here: its first reading fills the whole stack."""
