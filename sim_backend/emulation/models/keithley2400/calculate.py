"""Commands of an emulated Keithley 2400 for mathematics and limit tests: ``:CALCulate1`` and ``:CALCulate2``."""

from typing import Any

from ...scpi import calculation as scpi_calculation
from ...scpi import settings as setting
from ...scpi.calculation import Mathematics
from ...scpi.messages import Answer, Call, Command, Query
from ...scpi.values import NOT_MEASURED
from .calculation import Calculation, Limit
from .state import SourceMeter
from .trigger import readings

LARGEST = 9.999999e20
FEEDS = ("CALCulate", "VOLTage", "CURRent", "RESistance")


def _calculation(smu: Any, _: Call) -> Calculation:
    found: Calculation = smu.calculation
    return found


def _mathematics(smu: Any, _: Call) -> Mathematics:
    found: Mathematics = smu.calculation.math
    return found


def _limit(smu: Any, call: Call) -> Limit:
    found: Limit = smu.calculation.limits[call.suffixes[-1]]
    return found


def _results(stage: str, latest: bool) -> Query:
    def query(smu: SourceMeter, call: Call) -> Answer:
        call.expect(0)
        found = readings(smu)
        if stage == "CALC" and not smu.calculation.math.on:
            return smu.format.written([NOT_MEASURED])
        numbers = smu.calculation.numbers(found, stage, smu.now.calculated_elements)
        return smu.format.written(numbers[-len(smu.now.calculated_elements) :] if latest else numbers)

    return query


def _acquire(smu: SourceMeter) -> None:
    found = readings(smu)
    smu.calculation.offset = smu.calculation.fed(found, len(found) - 1)


def _failed(smu: SourceMeter, call: Call) -> str:
    call.expect(0)
    return str(int(smu.calculation.failed.get(call.suffixes[-1], False)))


_LIMIT = ":CALCulate2:LIMit{1-12}"

COMMANDS: tuple[Command, ...] = (
    *scpi_calculation.commands(":CALCulate#:MATH", _mathematics),
    setting.flag(":CALCulate#:STATe", "on", of=_mathematics),
    Command(":CALCulate#:DATA", query=_results("CALC", latest=False)),
    Command(":CALCulate#:DATA:LATest", query=_results("CALC", latest=True)),
    setting.choice(":CALCulate2:FEED", "feed", *FEEDS, of=_calculation),
    setting.number(":CALCulate2:NULL:OFFSet", "offset", -LARGEST, LARGEST, 0.0, of=_calculation),
    setting.flag(":CALCulate2:NULL:STATe", "offset_on", of=_calculation),
    setting.action(":CALCulate2:NULL:ACQuire", _acquire),
    Command(":CALCulate2:DATA", query=_results("CALC2", latest=False)),
    Command(":CALCulate2:DATA:LATest", query=_results("CALC2", latest=True)),
    setting.choice(":CALCulate2:LIMit{1-1}:COMPliance:FAIL", "fails_in", "IN", "OUT", of=_calculation),
    setting.flag(_LIMIT + ":STATe", "on", of=_limit),
    Command(_LIMIT + ":FAIL", query=_failed),
    setting.number(":CALCulate2:LIMit{2-12}:LOWer[:DATA]", "lower", -LARGEST, LARGEST, -1.0, of=_limit),
    setting.number(":CALCulate2:LIMit{2-12}:UPPer[:DATA]", "upper", -LARGEST, LARGEST, 1.0, of=_limit),
)
