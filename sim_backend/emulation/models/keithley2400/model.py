"""An emulated Keithley 2400 SourceMeter.

Page numbers are of the Keithley 2400 Series user's manual; emulated only. It answers as behind a GPIB gateway, so
binary readings are allowed. What the manual leaves open is assumed here:

- replies of settings are in seven digits; ranges answer 105 % of their name (the manual gives 1.05E-4 as a default);
- ``*RST`` measures current only and chooses cable guard;
- a level in list or sweep mode is -221; the manual only says that it is not valid;
- a compliance below 0.1 % of a fixed measure range is refused with +822, as the firmware's release notes call it;
- autozero that is done once changes nothing else (page 18-107);
- a sweep through the source memory leaves the last of its setups; the output is off when a setup is recalled;
- output-off state NORMAL limits to 0.5 % of the present measure range; GUARD (a 0 A source) counts as open;
- a change of the level while the output is on takes 7 ms, or 10 ms with automatic range (data sheet SPEC-2400);
- with an infinite arm count one pass is made when it is initiated and another whenever the latest reading is asked for;
- remote sense, offset compensation and all that is in `stored` are settings that do nothing.
"""

from collections.abc import Mapping
from typing import ClassVar

from ...scpi import setups
from ...scpi.messages import Command
from . import memory, sense, source, stored, system, trace, trigger
from .limits import LIMITS, Limits
from .state import Keithley2400State


def _commands(limits: Limits) -> tuple[Command, ...]:
    return (
        *source.commands(limits),
        *sense.commands(limits),
        *trigger.COMMANDS,
        *trace.COMMANDS,
        *system.COMMANDS,
        *memory.COMMANDS,
        *setups.COMMANDS,
        *stored.commands_of(limits),
    )


class EmulatedKeithley2400(Keithley2400State):
    """Model 2400, one source; for its parameters see `Keithley2400State`."""

    firmware = "C30   Mar 17 2006 09:29:29/A02  /K/J"
    model = "MODEL 2400"
    commands = _commands(LIMITS["2400"])
    texts: ClassVar[Mapping[int, str]] = {
        800: "Illegal with storage active",
        802: "OUTPUT blocked by output enable",
        803: "Not permitted with OUTPUT off",
        822: "Too small for sense range",
        823: "Invalid with source read-back on",
        824: "Cannot exceed compliance range",
        826: "Attempt to exceed power limit",
        827: "Invalid with ohms guard on",
        830: "Invalid with INFinite ARM:COUNT",
    }

    def trigger(self) -> None:
        """Start the cycles that wait for a bus trigger."""
        trigger.trigger(self)


class EmulatedKeithley2401(EmulatedKeithley2400):
    """Model 2401, which has no 200 V range."""

    model = "MODEL 2401"
    limits = LIMITS["2401"]
    commands = _commands(limits)


class EmulatedKeithley2410(EmulatedKeithley2400):
    """Model 2410, for up to 1100 V."""

    model = "MODEL 2410"
    limits = LIMITS["2410"]
    commands = _commands(limits)
