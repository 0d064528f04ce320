"""Commands of an emulated Keithley 2400 that say what is measured and written: ``:SENSe`` and ``:FORMat``."""

from typing import TYPE_CHECKING

from . import scpi_reading as reading
from . import scpi_settings as setting
from . import scpi_values as values
from .keithley2400_settings import MOST_A, MOST_V, RANGES_A, RANGES_V
from .keithley2400_source import answered, chosen_range, full
from .scpi import Call, Command
from .scpi_status import ScpiError

if TYPE_CHECKING:
    from .keithley2400 import Keithley2400

ELEMENTS = ("VOLTage", "CURRent", "RESistance", "TIME", "STATus")
FUNCTIONS = ("VOLTage", "CURRent", "RESistance")


def _set_protection_a(smu: "Keithley2400", call: Call) -> None:
    now = smu.now
    # One value for both directions, so its sign does not matter.
    limit = abs(values.bounded(call.expect(1)[0], -MOST_A, MOST_A, 1.05e-4))
    if limit < 1e-3 * (RANGES_A[0] if now.range_a_auto else now.range_a):
        raise ScpiError(824)
    if now.guard == "OHMS" and reading.range_holding(RANGES_A, limit) == RANGES_A[-1]:
        raise ScpiError(827)
    now.protection_a = limit
    if now.range_a_auto:
        now.range_a = min(now.range_a, reading.range_holding(RANGES_A, limit))
    smu.apply()


def _set_range_a(smu: "Keithley2400", call: Call) -> None:
    """Fix the measure range, which the compliance must allow (note 3, page 18-62): PROT first, then RANG."""
    now = smu.now
    chosen = chosen_range(call, RANGES_A, now.range_a)
    if chosen > reading.range_holding(RANGES_A, now.protection_a) or now.protection_a < 1e-3 * chosen:
        raise ScpiError(824)
    if now.guard == "OHMS" and chosen == RANGES_A[-1]:
        raise ScpiError(827)
    now.range_a, now.range_a_auto = chosen, False
    smu.apply()


def _set_range_v(smu: "Keithley2400", call: Call) -> None:
    smu.now.sense_range_v, smu.now.sense_range_v_auto = chosen_range(call, RANGES_V, smu.now.sense_range_v), False


def _set_range_ohm(smu: "Keithley2400", call: Call) -> None:
    smu.now.range_ohm, smu.now.range_ohm_auto = values.bounded(call.expect(1)[0], 0.0, 2.1e8, 2.1e5), False


def _function(text: str) -> str:
    """Return the short name of a quoted sense function."""
    return values.choice(values.string(text).strip().upper().removesuffix(":DC"), FUNCTIONS)


def _set_functions(smu: "Keithley2400", call: Call) -> None:
    wanted = {_function(text) for text in call.expect(1, 3)}
    if not smu.now.concurrent and len(wanted) > 1:
        raise ScpiError(-221)
    smu.now.measured = smu.now.measured | wanted if smu.now.concurrent else wanted


def _drop_functions(smu: "Keithley2400", call: Call) -> None:
    smu.now.measured = smu.now.measured - {_function(text) for text in call.expect(1, 3)}


def _drop_all_functions(smu: "Keithley2400", call: Call) -> None:
    call.expect(0)
    smu.now.measured = set()


def _set_all_functions(smu: "Keithley2400", call: Call) -> None:
    call.expect(0)
    smu.now.measured = set(map(values.short, FUNCTIONS))


def _functions(smu: "Keithley2400", call: Call) -> str:
    call.expect(0)
    names = {"VOLT": '"VOLT:DC"', "CURR": '"CURR:DC"', "RES": '"RES"'}
    return ",".join(text for name, text in names.items() if name in smu.now.measured) or '""'


def _set_concurrent(smu: "Keithley2400", call: Call) -> None:
    smu.now.concurrent = values.boolean(call.expect(1)[0])
    if not smu.now.concurrent and len(smu.now.measured) > 1:
        smu.now.measured = {"VOLT"}


def _tripped_a(smu: "Keithley2400", call: Call) -> str:
    call.expect(0)
    real = smu.now.range_a_auto or smu.now.protection_a <= reading.HEADROOM * smu.now.range_a
    return str(int(smu.now.function == "VOLT" and smu.limited() and (real or smu.trip_reports_range)))


def _tripped_v(smu: "Keithley2400", call: Call) -> str:
    call.expect(0)
    return str(int(smu.now.function == "CURR" and smu.limited()))


def _set_autozero(smu: "Keithley2400", call: Call) -> None:
    text = call.expect(1)[0]
    smu.now.autozero = False if values.matches(text, "ONCE") else values.boolean(text)


def _set_elements(smu: "Keithley2400", call: Call) -> None:
    wanted = {values.choice(text, ELEMENTS) for text in call.expect(1, len(ELEMENTS))}
    # The order of the reply is that of Figure 18-1, whatever the order of the list.
    smu.now.elements = tuple(name for name in map(values.short, ELEMENTS) if name in wanted)


_A, _V, _OHM = "[:SENSe#]:CURRent[:DC]", "[:SENSe#]:VOLTage[:DC]", "[:SENSe#]:RESistance"

COMMANDS: tuple[Command, ...] = (
    Command("[:SENSe#]:FUNCtion[:ON]", _set_functions, _functions),
    Command("[:SENSe#]:FUNCtion[:ON]:ALL", _set_all_functions),
    Command("[:SENSe#]:FUNCtion[:ON]:COUNt", query=lambda smu, _: str(len(smu.now.measured))),
    Command("[:SENSe#]:FUNCtion:OFF", _drop_functions),
    Command("[:SENSe#]:FUNCtion:OFF:ALL", _drop_all_functions),
    Command("[:SENSe#]:FUNCtion:CONCurrent", _set_concurrent, lambda smu, _: str(int(smu.now.concurrent))),
    Command(
        _A + ":PROTection[:LEVel]",
        _set_protection_a,
        lambda smu, call: answered(smu.now.protection_a, call, -MOST_A, MOST_A, 1.05e-4),
    ),
    Command(_A + ":PROTection:TRIPped", query=_tripped_a),
    Command(_A + ":RANGe[:UPPer]", _set_range_a, lambda smu, _: full(smu.now.range_a)),
    setting.flag(_A + ":RANGe:AUTO", "range_a_auto"),
    setting.number(_V + ":PROTection[:LEVel]", "protection_v", -MOST_V, MOST_V, 21.0),
    Command(_V + ":PROTection:TRIPped", query=_tripped_v),
    Command(_V + ":RANGe[:UPPer]", _set_range_v, lambda smu, _: full(smu.now.sense_range_v)),
    setting.flag(_V + ":RANGe:AUTO", "sense_range_v_auto"),
    setting.choice(_OHM + ":MODE", "ohm_mode", "MANual", "AUTO"),
    Command(_OHM + ":RANGe[:UPPer]", _set_range_ohm, lambda smu, _: values.nr3(smu.now.range_ohm)),
    setting.flag(_OHM + ":RANGe:AUTO", "range_ohm_auto"),
    # One integration time for all three functions.
    *(setting.number(each + ":NPLCycles", "nplc", 0.01, 10.0, 1.0) for each in (_A, _V, _OHM)),
    setting.flag("[:SENSe#]:AVERage[:STATe]", "average"),
    setting.choice("[:SENSe#]:AVERage:TCONtrol", "average_control", "REPeat", "MOVing"),
    setting.integer("[:SENSe#]:AVERage:COUNt", "average_count", 1, 100, 10),
    setting.flag(":SYSTem:RSENse", "remote_sense"),
    Command(":SYSTem:AZERo[:STATe]", _set_autozero, lambda smu, _: str(int(smu.now.autozero))),
    Command(":FORMat:ELEMents", _set_elements, lambda smu, _: ",".join(smu.now.elements)),
    setting.choice(":FORMat[:DATA]", "data_format", "ASCii"),
)
"""Filter settings are stored only; readings go out in ASCII only."""
