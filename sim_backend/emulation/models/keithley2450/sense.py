"""Commands of an emulated Keithley 2450 that say how to measure and what to make of it: ``:SENSe``, ``:CALCulate``.

Names are those of the Model 2450 reference manual, chapter 6, SCPI command reference.
"""

from typing import Any

from ...scpi import kinds, sense
from ...scpi import settings as setting
from ...scpi.kinds import FLAG, choice, integer
from ...scpi.messages import Call, Command
from .reading import read
from .settings import Limit, plain, senses
from .source import user_delay
from .state import Keithley2450State

LARGEST = 1e12
ANSWERS = {"CURR": '"CURR:DC"', "VOLT": '"VOLT:DC"', "RES": '"RES"'}
UNITS = {"VOLT": ("VOLT", "OHM", "WATT"), "CURR": ("AMP", "OHM", "WATT"), "RES": ("OHM", "AMP", "VOLT", "WATT")}
"""Units that a reading of each function may have."""

_FUNCTION = kinds.Kind(lambda texts, _: sense.function(texts[0]), lambda function: ANSWERS[function])


def _value(default: float) -> kinds.Kind:
    return kinds.number(-LARGEST, LARGEST, default, reply=plain)


def _set_function(smu: Keithley2450State, _: Call, chosen: str) -> None:
    smu.now.measuring.function = chosen
    smu.apply()


def _of_function(function: str) -> tuple[Command, ...]:
    """Declare all that one function has of its own."""
    name, of = sense.NAMES[function], sense.of_function(function)
    pattern, math, test = f"[:SENSe#]:{name}", f":CALCulate#:{name}:MATH", f":CALCulate2:{name}:LIMit{{1-2}}"

    def acquire(smu: Keithley2450State, call: Call) -> None:
        smu.now.measuring.function = function
        of(smu, call).relative_on = False
        read(smu, "defbuffer1")
        of(smu, call).relative = smu.buffer("defbuffer1").readings[-1].value

    def limit(smu: Any, call: Call) -> Limit:
        found: Limit = of(smu, call).limits[call.suffixes[-1]]
        return found

    settings = {
        f"{pattern}:NPLCycles": ("nplc", kinds.number(0.01, 10.0, 1.0, reply=plain)),
        f"{pattern}:AZERo[:STATe]": ("autozero", FLAG),
        f"{pattern}:AVERage[:STATe]": ("average", FLAG),
        f"{pattern}:AVERage:TCONtrol": ("average_control", choice("REPeat", "MOVing")),
        f"{pattern}:AVERage:COUNt": ("average_count", integer(1, 100, 10)),
        f"{pattern}:UNIT": ("unit", choice(*UNITS[function])),
        f"{pattern}:RELative": ("relative", _value(0.0)),
        f"{pattern}:RELative:STATe": ("relative_on", FLAG),
        f"{math}:STATe": ("math_on", FLAG),
        f"{math}:FORMat": ("math_format", choice("MXB", "PERCent", "RECiprocal")),
        f"{math}:MMFactor": ("factor", _value(1.0)),
        f"{math}:MBFactor": ("offset", _value(0.0)),
        f"{math}:PERCent": ("percent", _value(1.0)),
    }
    limits = {
        f"{test}:STATe": ("on", FLAG),
        f"{test}:UPPer[:DATA]": ("upper", _value(1.0)),
        f"{test}:LOWer[:DATA]": ("lower", _value(-1.0)),
        f"{test}:CLEar:AUTO": ("clear_auto", FLAG),
    }
    return (
        *sense.commands("[:SENSe#]", function, senses()[function], reply=plain),
        *setting.attributes(settings, of),
        *setting.attributes(limits, limit),
        FLAG.command(
            f"{pattern}:RSENse",
            lambda smu, call, wanted: smu.change(of(smu, call), "remote", wanted),
            lambda smu, call: of(smu, call).remote,
        ),
        setting.channel_action(f"{pattern}:RELative:ACQuire", acquire),
        user_delay(pattern, of),
        setting.channel_action(f"{test}:CLEar[:IMMediate]", lambda smu, call: limit(smu, call).clear()),
        setting.query(f"{test}:FAIL", lambda smu, call: limit(smu, call).failed),
    )


COMMANDS: tuple[Command, ...] = (
    _FUNCTION.command("[:SENSe#]:FUNCtion[:ON]", _set_function, lambda smu, _: smu.now.measuring.function),
    *(command for function in sense.NAMES for command in _of_function(function)),
    setting.attribute("[:SENSe#]:COUNt", "count", integer(1, 300_000, 1)),
)
