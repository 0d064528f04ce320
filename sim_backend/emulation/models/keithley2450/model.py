"""An emulated Keithley 2450 SourceMeter in its own SCPI command set.

Sources are the Model 2450 reference manual and the vendor's example scripts; emulated only. A source limit below
10.6 % of a fixed measure range is refused (smu.source.xlimit.level), and a fixed range raises a limit that is too low
for it, without an error. What no page at hand says is assumed:

- ``SYST:ERR?`` answers code, text, type and time in the form of the DMM6500, ``0,"No error;0;0 0"`` when empty;
- settings are answered in the shortest form, ranges by their name;
- output-off state NORMAL limits to 10 % of the measure range, GUARD counts as open, and reading with the output off is
  allowed;
- the source delay passes before the first reading after a change of the source; automatic delay is 1 ms;
- with autozero an integration takes three times as long, with a repeating filter as often as it counts;
- measuring resistance sources the current of its range, up to the voltage limit, whatever is set as the source;
- a setup that is recalled empties buffers, lists and the trigger model, as a reset does;
- a comma may follow the last argument, as QCoDeS sends it in ``:TRAC:MAKE 'name', 100,``;
- remote sense changes nothing but a bit of the source status; `stored` lists what changes nothing at all.
"""

from ...scpi import setups
from ...scpi.messages import Command
from . import sense, source, stored, sweep, system, trace, trigger
from .limits import LIMITS, Limits
from .state import Keithley2450State


def _commands(limits: Limits) -> tuple[Command, ...]:
    return (
        *source.commands(limits),
        *sweep.COMMANDS,
        *sense.commands(limits),
        *trace.COMMANDS,
        *trigger.COMMANDS,
        *system.COMMANDS,
        *setups.COMMANDS,
        *stored.COMMANDS,
    )


class EmulatedKeithley2450(Keithley2450State):
    """Model 2450."""

    maker = "KEITHLEY INSTRUMENTS"
    model = "MODEL 2450"
    firmware = "1.7.7b"
    queue_depth = 100
    open_end = True
    texts = system.TEXTS
    commands = _commands(LIMITS["2450"])


class EmulatedKeithley2460(EmulatedKeithley2450):
    """Model 2460, for up to 7 A."""

    model = "MODEL 2460"
    limits = LIMITS["2460"]
    commands = _commands(limits)


class EmulatedKeithley2461(EmulatedKeithley2450):
    """Model 2461, for up to 7 A; its pulses and its digitiser are not emulated."""

    model = "MODEL 2461"
    limits = LIMITS["2461"]
    commands = _commands(limits)


class EmulatedKeithley2470(EmulatedKeithley2450):
    """Model 2470, for up to 1100 V."""

    model = "MODEL 2470"
    limits = LIMITS["2470"]
    commands = _commands(limits)
