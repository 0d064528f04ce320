"""Commands of an emulated Keithley 2450 that say how to measure: ``:SENSe``.

Names are those of the Model 2450 reference manual, chapter 6, SCPI command reference. Limit tests are not emulated.
"""

from ...scpi import kinds, sense
from ...scpi import settings as setting
from ...scpi.kinds import FLAG, choice, integer
from ...scpi.messages import Call, Command
from .buffer import OWN_BUFFERS
from .limits import Limits
from .reading import read
from .settings import plain, senses
from .state import Keithley2450State

ANSWERS = {"CURR": '"CURR:DC"', "VOLT": '"VOLT:DC"', "RES": '"RES"'}
UNITS = {"VOLT": ("VOLT", "OHM", "WATT"), "CURR": ("AMP", "OHM", "WATT"), "RES": ("OHM", "AMP", "VOLT", "WATT")}
"""Units that a reading of each function may have."""

_FUNCTION = kinds.Kind(
    lambda texts, _: sense.function(texts[0]), lambda function: ANSWERS[function], samples=tuple(ANSWERS.values())
)


def _set_function(smu: Keithley2450State, _: Call, chosen: str) -> None:
    smu.now.measuring.function = chosen
    smu.apply()


def _of_function(function: str, limits: Limits) -> tuple[Command, ...]:
    """Declare all that one function has of its own."""
    name, of = sense.NAMES[function], sense.of_function(function)
    pattern, calculation = f"[:SENSe#]:{name}", f":CALCulate#:{name}:MATH"

    settings = {
        f"{pattern}:NPLCycles": ("nplc", kinds.number(0.01, 10.0, 1.0, reply=plain)),
        f"{pattern}:AZERo[:STATe]": ("autozero", FLAG),
        f"{pattern}:AVERage[:STATe]": ("average", FLAG),
        f"{pattern}:AVERage:TCONtrol": ("average_control", choice("REPeat", "MOVing")),
        f"{pattern}:AVERage:COUNt": ("average_count", integer(1, 100, 10)),
        f"{pattern}:UNIT": ("unit", choice(*UNITS[function])),
        f"{pattern}:RELative": ("offset", kinds.number(-1e10, 1e10, 0.0, reply=plain)),
        f"{pattern}:RELative:STATe": ("relative", FLAG),
        f"{calculation}:STATe": ("math", FLAG),
        f"{calculation}:FORMat": ("formula", choice("MXB", "PERCent", "RECiprocal")),
        f"{calculation}:MMFactor": ("factor", kinds.number(-1e12, 1e12, 1.0, reply=plain)),
        f"{calculation}:MBFactor": ("addend", kinds.number(-1e12, 1e12, 0.0, reply=plain)),
        f"{calculation}:PERCent": ("percent_of", kinds.number(-1e12, 1e12, 1.0, reply=plain)),
    }

    def acquire(smu: Keithley2450State) -> None:
        """Take a reading, and have it taken off those to come."""
        found = smu.now.measuring.sense[function]
        found.relative = found.math = False
        smu.acquisition.run(read(smu, OWN_BUFFERS[0]))
        found.offset = smu.buffer(OWN_BUFFERS[0]).readings[-1].value
        found.relative = True

    return (
        setting.action(f"{pattern}:RELative:ACQuire", acquire),
        *sense.commands("[:SENSe#]", function, senses(limits)[function], reply=plain),
        *setting.attributes(settings, of),
        FLAG.command(
            f"{pattern}:RSENse",
            lambda smu, call, wanted: smu.change(of(smu, call), "remote", wanted),
            lambda smu, call: of(smu, call).remote,
        ),
    )


def commands(limits: Limits) -> tuple[Command, ...]:
    """Return the commands of a model."""
    return (
        _FUNCTION.command("[:SENSe#]:FUNCtion[:ON]", _set_function, lambda smu, _: smu.now.measuring.function),
        *(command for function in sense.NAMES for command in _of_function(function, limits)),
        setting.attribute("[:SENSe#]:COUNt", "count", integer(1, 300_000, 1)),
    )
