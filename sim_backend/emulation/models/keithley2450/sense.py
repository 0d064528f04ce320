"""Commands of an emulated Keithley 2450 that say what is measured and how: ``:SENSe``.

Names are those of the Model 2450 reference manual, chapter 6, SCPI command reference.
"""

from typing import TYPE_CHECKING

from ...scpi import sense, values
from ...scpi import settings as setting
from ...scpi.messages import Call, Command
from . import lists as keithley2450_lists
from .settings import SenseFunction, plain, senses
from .source import user_delay

if TYPE_CHECKING:
    from .model import EmulatedKeithley2450

LARGEST = 1e12
UNITS = {"VOLT": ("VOLT", "OHM", "WATT"), "CURR": ("AMP", "OHM", "WATT"), "RES": ("OHM", "AMP", "VOLT", "WATT")}
"""Units that a reading of each function may have."""


def _set_function(smu: "EmulatedKeithley2450", call: Call) -> None:
    smu.now.measuring.function = sense.function(call.expect(1)[0])
    smu.apply()


def _function(smu: "EmulatedKeithley2450", call: Call) -> str:
    call.expect(0)
    return {"CURR": '"CURR:DC"', "VOLT": '"VOLT:DC"', "RES": '"RES"'}[smu.now.measuring.function]


def _of_function(function: str, initial: SenseFunction) -> tuple[Command, ...]:
    """Declare all that one function has of its own."""
    pattern, of = f"[:SENSe#]:{sense.NAMES[function]}", sense.of_function(function)

    def set_remote(smu: "EmulatedKeithley2450", call: Call) -> None:
        """Choose two or four wires; a change while the output is on turns it off."""
        wanted = values.boolean(call.expect(1)[0])
        if wanted != of(smu, call).remote:
            smu.switch(False)
        of(smu, call).remote = wanted

    def acquire(smu: "EmulatedKeithley2450", call: Call) -> None:
        call.expect(0)
        smu.now.measuring.function = function
        of(smu, call).relative_on = False
        smu.read("defbuffer1")
        of(smu, call).relative = smu.buffer("defbuffer1").readings[-1].value

    return (
        *sense.commands("[:SENSe#]", function, initial, reply=plain),
        setting.number(f"{pattern}:NPLCycles", "nplc", 0.01, 10.0, 1.0, reply=plain, of=of),
        setting.flag(f"{pattern}:AZERo[:STATe]", "autozero", of=of),
        setting.flag(f"{pattern}:AVERage[:STATe]", "average", of=of),
        setting.choice(f"{pattern}:AVERage:TCONtrol", "average_control", "REPeat", "MOVing", of=of),
        setting.integer(f"{pattern}:AVERage:COUNt", "average_count", 1, 100, 10, of=of),
        Command(f"{pattern}:RSENse", set_remote, lambda smu, call: str(int(of(smu, call).remote))),
        setting.choice(f"{pattern}:UNIT", "unit", *UNITS[function], of=of),
        setting.flag(f"{pattern}:OCOMpensated", "offset_compensated", of=of),
        setting.number(f"{pattern}:RELative", "relative", -LARGEST, LARGEST, 0.0, reply=plain, of=of),
        setting.flag(f"{pattern}:RELative:STATe", "relative_on", of=of),
        Command(f"{pattern}:RELative:ACQuire", acquire),
        user_delay(pattern, of),
    )


COMMANDS: tuple[Command, ...] = (
    Command("[:SENSe#]:FUNCtion[:ON]", _set_function, _function),
    *(command for function, initial in senses().items() for command in _of_function(function, initial)),
    setting.action("[:SENSe#]:AZERo:ONCE"),
    setting.integer("[:SENSe#]:COUNt", "count", 1, 300_000, 1),
    *keithley2450_lists.commands("[:SENSe#]", "sense_lists", "measuring"),
)
