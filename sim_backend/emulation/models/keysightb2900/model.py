"""Emulated Keysight B2901, B2902, B2911 and B2912 source-measure units of the series A and B.

Sources are the B2900 SCPI command reference, edition 2, the B2900 user's guide, and a trace of a B2912A and a B2912B
that somebody published with programs for them: names, the text of ``SYST:ERR?``, how settings and blocks are written.
Emulated only. What no page at hand says is assumed:

- readings are NR3 in seven digits; ranges are answered by their name;
- the elements of a reading come in the order VOLT, CURR, RES, TIME, STAT, SOUR whatever the order of the list,
  and arrays of several channels are interleaved reading by reading;
- output-off mode NORM opens the output relay, ZERO holds 0 V with a limit of 100 uA;
- with automatic output-on switched off and the output off, a measurement reads what is there, without an error;
- a triggered level that was set stays until the next ``*RST``; without one a trigger leaves the level as it is;
- an integration time that the instrument chooses by itself is the one that was set last;
- a wait that the instrument sets by itself is 100 us; it applies to triggered levels and to measurements;
- a filter lowers the peak of a pulse that is short against its time constant, and nothing else;
- ``:SYST:GRO?`` answers a channel list; one channel of a group that is started starts the others too;
- of two limits with different signs the one of the level's sign is in force;
- `stored` lists what changes nothing.
"""

from ...scpi import setups
from . import readout, sense, source, stored, system, timing, trigger
from .settings import RANGES_A
from .state import KeysightB2900State

FIRMWARE_B = "5.0.2029.1911"
"""Of the B series."""


class EmulatedKeysightB2900(KeysightB2900State):
    """What the models share."""

    maker = "Keysight Technologies"
    firmware = "3.4.2011.5100"
    queue_depth = 100
    accepts_units = True
    commands = (
        *source.COMMANDS,
        *sense.COMMANDS,
        *trigger.COMMANDS,
        *readout.COMMANDS,
        *system.COMMANDS,
        *setups.COMMANDS,
        *stored.COMMANDS,
    )

    def trigger(self) -> None:
        """Start what waits for the bus."""
        timing.release(self, "BUS")


class EmulatedKeysightB2902A(EmulatedKeysightB2900):
    """Model B2902A, two channels, whose lowest current range is 100 nA."""

    model = "B2902A"
    ranges_a = RANGES_A[1:]
    shortest_interval_s = 2e-5


class EmulatedKeysightB2912A(EmulatedKeysightB2900):
    """Model B2912A, two channels, whose lowest current range is 10 nA."""

    model = "B2912A"


class EmulatedKeysightB2901A(EmulatedKeysightB2902A):
    """Model B2901A, a B2902A with one channel."""

    model = "B2901A"
    most_suffix = 1


class EmulatedKeysightB2911A(EmulatedKeysightB2912A):
    """Model B2911A, a B2912A with one channel."""

    model = "B2911A"
    most_suffix = 1


class EmulatedKeysightB2901B(EmulatedKeysightB2901A):
    """Model B2901B, taken to be a B2901A by another name, as are the others of its series."""

    model = "B2901B"
    firmware = FIRMWARE_B


class EmulatedKeysightB2902B(EmulatedKeysightB2902A):
    """Model B2902B."""

    model = "B2902B"
    firmware = FIRMWARE_B


class EmulatedKeysightB2911B(EmulatedKeysightB2911A):
    """Model B2911B."""

    model = "B2911B"
    firmware = FIRMWARE_B


class EmulatedKeysightB2912B(EmulatedKeysightB2912A):
    """Model B2912B."""

    model = "B2912B"
    firmware = FIRMWARE_B
