"""Mathematics and limit tests of an emulated Keithley 2450: ``:CALCulate1`` and ``:CALCulate2``."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...scpi import sense
from ...scpi import settings as setting
from ...scpi.messages import Call, Command
from .sense import LARGEST
from .settings import Limit, plain

if TYPE_CHECKING:
    from .model import EmulatedKeithley2450


def _limit_of(function: str) -> Callable[[Any, Call], Limit]:
    """Return the place where the limit lives that a header names."""

    def of(smu: Any, call: Call) -> Limit:
        return sense.of_function(function)(smu, call).limits[call.suffixes[-1]]

    return of


def _of_function(function: str) -> tuple[Command, ...]:
    """Declare what is made of the readings of one function."""
    name, of, limit = sense.NAMES[function], sense.of_function(function), _limit_of(function)
    math, test = f":CALCulate#:{name}:MATH", f":CALCulate2:{name}:LIMit{{1-2}}"

    def forget(smu: "EmulatedKeithley2450", call: Call) -> None:
        call.expect(0)
        limit(smu, call).failed = "NONE"

    return (
        setting.flag(f"{math}:STATe", "math_on", of=of),
        setting.choice(f"{math}:FORMat", "math_format", "MXB", "PERCent", "RECiprocal", of=of),
        setting.number(f"{math}:MMFactor", "factor", -LARGEST, LARGEST, 1.0, reply=plain, of=of),
        setting.number(f"{math}:MBFactor", "offset", -LARGEST, LARGEST, 0.0, reply=plain, of=of),
        setting.number(f"{math}:PERCent", "percent", -LARGEST, LARGEST, 1.0, reply=plain, of=of),
        setting.flag(f"{test}:STATe", "on", of=limit),
        setting.number(f"{test}:UPPer[:DATA]", "upper", -LARGEST, LARGEST, 1.0, reply=plain, of=limit),
        setting.number(f"{test}:LOWer[:DATA]", "lower", -LARGEST, LARGEST, -1.0, reply=plain, of=limit),
        setting.choice(f"{test}:AUDible", "audible", "FAIL", "PASS", "NONE", of=limit),
        setting.flag(f"{test}:CLEar:AUTO", "clear_auto", of=limit),
        Command(f"{test}:CLEar[:IMMediate]", forget),
        Command(f"{test}:FAIL", query=lambda smu, call: limit(smu, call).failed),
    )


COMMANDS: tuple[Command, ...] = tuple(command for function in sense.NAMES for command in _of_function(function))
