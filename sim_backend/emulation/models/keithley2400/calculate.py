"""Commands of an emulated Keithley 2400 for mathematics and limit tests: ``:CALCulate1`` and ``:CALCulate2``."""

from ...scpi import calculation as scpi_calculation
from ...scpi import settings as setting
from ...scpi.kinds import FLAG, choice, number
from ...scpi.messages import Answer, Call, Command, Query
from ...scpi.values import NOT_MEASURED
from .state import Keithley2400State
from .trigger import readings

LARGEST = 9.999999e20


def _results(stage: str, latest: bool) -> Query:
    def query(smu: Keithley2400State, _: Call) -> Answer:
        found = readings(smu)
        if stage == "CALC" and not smu.calculation.math.on:
            return smu.format.encode([NOT_MEASURED])
        numbers = smu.calculation.numbers(found, stage, smu.now.calculated_elements)
        return smu.format.encode(numbers[-len(smu.now.calculated_elements) :] if latest else numbers)

    return query


def _acquire(smu: Keithley2400State) -> None:
    found = readings(smu)
    smu.calculation.offset = smu.calculation.fed_value(found, len(found) - 1)


def _limit_failed(smu: Keithley2400State, call: Call) -> str:
    return str(int(smu.calculation.failed.get(call.suffixes[-1], False)))


COMMANDS: tuple[Command, ...] = (
    *scpi_calculation.commands(":CALCulate#:MATH", lambda smu, _: smu.calculation.math),
    setting.attribute(":CALCulate#:STATe", "on", FLAG, lambda smu, _: smu.calculation.math),
    setting.query(":CALCulate#:DATA", _results("CALC", latest=False)),
    setting.query(":CALCulate#:DATA:LATest", _results("CALC", latest=True)),
    *setting.attributes(
        {
            ":CALCulate2:FEED": ("feed", choice("CALCulate", "VOLTage", "CURRent", "RESistance")),
            ":CALCulate2:NULL:OFFSet": ("offset", number(-LARGEST, LARGEST, 0.0)),
            ":CALCulate2:NULL:STATe": ("offset_on", FLAG),
            ":CALCulate2:LIMit{1-1}:COMPliance:FAIL": ("fails_in", choice("IN", "OUT")),
        },
        lambda smu, _: smu.calculation,
    ),
    setting.action(":CALCulate2:NULL:ACQuire", _acquire),
    setting.query(":CALCulate2:DATA", _results("CALC2", latest=False)),
    setting.query(":CALCulate2:DATA:LATest", _results("CALC2", latest=True)),
    *setting.attributes(
        {
            ":CALCulate2:LIMit{1-12}:STATe": ("on", FLAG),
            ":CALCulate2:LIMit{2-12}:LOWer[:DATA]": ("lower", number(-LARGEST, LARGEST, -1.0)),
            ":CALCulate2:LIMit{2-12}:UPPer[:DATA]": ("upper", number(-LARGEST, LARGEST, 1.0)),
        },
        lambda smu, call: smu.calculation.limits[call.suffixes[-1]],
    ),
    setting.query(":CALCulate2:LIMit{1-12}:FAIL", _limit_failed),
)
