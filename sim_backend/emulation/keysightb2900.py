"""Emulated Keysight B2902A and B2912A source-measure units with two channels: state, terminals and readings.

Sources are the B2900 SCPI command reference, edition 2, and the B2900 user's guide; emulated only. The commands are in
`keysightb2900_commands`, the trigger systems in `keysightb2900_timing`. What no page at hand says is assumed:

- ``SYST:ERR?`` answers ``+0,"No error"`` when empty; numbers are NR3 in seven digits, ranges by their name;
- current ranges are decades from 100 nA (B2902A) or 10 nA (B2912A) to 1 A, then 1.5 A and 3 A; voltage ranges 0.2, 2,
  20 and 200 V; a limit is at least 1 % of the lowest current range (`least_limit_share`);
- the elements of a reading come in the order VOLT, CURR, RES, TIME, STAT, SOUR whatever the order of the list
  (`element_order`), and arrays of several channels are interleaved reading by reading (`interleaved`);
- bit 3 of the status element is the limit;
- output-off mode NORM opens the output relay (`normal_off`), ZERO holds 0 V with a limit of 100 uA;
- with automatic output-on switched off and the output off, a measurement reads what is there, without an error;
- a triggered level that was set stays until the next ``*RST``; without one a trigger leaves the level as it is.
"""

import math
from typing import Literal

import numpy as np

from . import keysightb2900_commands
from . import scpi_reading as reading
from .keysightb2900_commands import RANGES_V
from .keysightb2900_timing import ChannelState, run
from .scpi import Call, ScpiInstrument
from .scpi_status import Register
from .scpi_values import NOT_MEASURED, OVERFLOW, nr3
from .world import Terminal, World

RANGES_A = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1.5, 3.0)
ZERO_LIMIT_A = 1e-4
ELEMENTS = ("VOLT", "CURR", "RES", "TIME", "STAT", "SOUR")
LIMITED = 1 << 3


class KeysightB2902A(ScpiInstrument):
    """Model B2902A; channel 1 is ``<name>.a``, channel 2 ``<name>.b``.

    Parameters
    ----------
    line_hz : float
        Power-line frequency, by which NPLC is counted.
    least_limit_share : float
        Smallest current limit as a share of the lowest current range.
    element_order : {"fixed", "list"}
        Whether elements come in one fixed order or in that of ``:FORM:ELEM:SENS``.
    interleaved : bool
        Whether arrays of several channels come reading by reading, or channel by channel.
    normal_off : {"highz", "normal"}
        What output-off mode NORM is: an open relay, or 0 V with a limit of 100 uA.
    rng : numpy.random.Generator, optional
        Source of reading noise; without it there is none.
    """

    maker = "Keysight Technologies"
    model = "B2902A"
    firmware = "3.0.1613.5020"
    queue_depth = 100
    most_suffix = 2
    accepts_units = True
    ranges_a: tuple[float, ...] = RANGES_A[1:]
    commands = keysightb2900_commands.COMMANDS

    def __init__(
        self,
        world: World,
        name: str,
        serial: str = "MY51141234",
        *,
        line_hz: float = 50.0,
        least_limit_share: float = 0.01,
        element_order: Literal["fixed", "list"] = "fixed",
        interleaved: bool = True,
        normal_off: Literal["highz", "normal"] = "highz",
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(world, name, serial)
        self.channels = (f"{name}.a", f"{name}.b")
        self.line_hz = line_hz
        self.least_limit_a = least_limit_share * self.ranges_a[0]
        self.element_order = element_order
        self.interleaved = interleaved
        self.normal_off = normal_off
        self.rng = rng
        self.operation, self.questionable = Register(), Register()
        self.started_s = world.clock.now()
        self._driven: dict[str, dict[str, object]] = {}
        for channel in self.channels:
            world.add_source(channel, Terminal(off_state=normal_off, off_limit_a=ZERO_LIMIT_A))
        self.reset()

    # ------------------------------------------------------------------ state and terminals

    def reset(self) -> None:
        """Switch the outputs off, then set everything as after power-on."""
        self.states = tuple(ChannelState(aperture_s=1 / self.line_hz) for _ in self.channels)
        self.on = [False for _ in self.channels]
        self.readings: tuple[list[dict[str, float]], ...] = tuple([] for _ in self.channels)
        self.elements: tuple[str, ...] = ELEMENTS
        self.apply()

    def settings(self, call: Call) -> object:
        """Return the state of the channel that a header names."""
        return self.states[call.suffixes[0] - 1]

    def drive(self, number: int, level_v: float) -> dict[str, dict[str, object]]:
        """Return how a channel stands at its terminals at a level."""
        state, off = self.states[number - 1], self.normal_off
        return {
            self.channels[number - 1]: {
                "on": self.on[number - 1],
                "off_state": {"NORM": off, "ZERO": "normal"}.get(state.off_mode, "highz"),
                **reading.as_voltage_source(state.function, level_v, state.limit_a, state.level_a, state.limit_v),
            }
        }

    def apply(self) -> None:
        """Bring both channels to their terminals at the same instant."""
        wanted = {**self.drive(1, self.states[0].level_v), **self.drive(2, self.states[1].level_v)}
        if wanted != self._driven:
            self._driven = wanted
            self.world.set_terminals(wanted)

    def switch(self, numbers: list[int], on: bool) -> None:
        """Switch outputs."""
        for number in numbers:
            self.on[number - 1] = on
        self.apply()

    def limited(self, number: int) -> bool:
        """Whether an output is on and at its limit."""
        _, at_limit = self.world.measure(self.channels[number - 1])
        return self.on[number - 1] and at_limit == (self.states[number - 1].function == "VOLT")

    # ------------------------------------------------------------------ readings

    def started(self, numbers: list[int]) -> None:
        """Empty the results of channels and switch their outputs on, as far as automatic output-on says."""
        for number in numbers:
            self.readings[number - 1].clear()
        self.switch([each for each in numbers if self.states[each - 1].auto_on], True)

    def ended(self, numbers: list[int]) -> None:
        """Switch outputs off, as far as automatic output-off says."""
        self._driven = {}
        self.switch([each for each in numbers if self.states[each - 1].auto_off], False)

    def initiate(self, numbers: list[int], transient: bool = True, acquire: bool = True) -> None:
        """Run the trigger systems of channels."""
        self.started(numbers)
        run(self, numbers, transient, acquire)
        self.ended(numbers)

    def take(self, number: int) -> None:
        """Take a reading of a channel."""
        state, channel = self.states[number - 1], self.channels[number - 1]
        ampere, _ = self.world.measure(channel)
        volt = self.world.volt(f"{channel}.hi")
        if state.range_a_auto:
            state.range_a = next((each for each in self.ranges_a if reading.holds(each, ampere)), self.ranges_a[-1])
        range_v = next((each for each in RANGES_V if reading.holds(each, volt)), RANGES_V[-1])
        nplc = state.aperture_s * self.line_hz
        seen_a = reading.digitised(ampere, state.range_a, nplc, self.rng, self.world.resolution)
        seen_v = reading.digitised(volt, range_v, nplc, self.rng, self.world.resolution)
        beyond = OVERFLOW in (abs(seen_a), abs(seen_v)) or seen_a == 0
        self.readings[number - 1].append(
            {
                "VOLT": seen_v if "VOLT" in state.measured else NOT_MEASURED,
                "CURR": seen_a if "CURR" in state.measured else NOT_MEASURED,
                "RES": NOT_MEASURED if "RES" not in state.measured else OVERFLOW if beyond else seen_v / seen_a,
                "TIME": self.world.clock.now() - self.started_s,
                "STAT": float(LIMITED * self.limited(number)),
                "SOUR": state.level_v if state.function == "VOLT" else state.level_a,
            }
        )

    def text(self, numbers: list[int], latest: bool) -> str:
        """Write the readings of channels, all of them or the latest of each; no reading at all is 9.91E37."""
        none = [dict.fromkeys(ELEMENTS, NOT_MEASURED)]
        columns = [self.readings[number - 1] or none for number in numbers]
        if latest:
            columns = [each[-1:] for each in columns]
        if self.interleaved:
            longest = max(map(len, columns))
            found = [each[place] for place in range(longest) for each in columns if place < len(each)]
        else:
            found = [each for column in columns for each in column]
        names = self.elements
        if self.element_order == "fixed":
            names = tuple(each for each in ELEMENTS if each in names)
        return ",".join(nr3(each[name]) for each in found for name in names)

    # ------------------------------------------------------------------ messages beyond settings

    def status_bits(self) -> int:
        """Questionable in bit 3, operation in bit 7."""
        return self.questionable.summary << 3 | self.operation.summary << 7

    def preset_status(self) -> None:
        """Clear the enable masks."""
        self.operation.enable = self.questionable.enable = 0

    def nplc_of(self, number: int) -> float:
        """Return the integration time of a channel in power-line cycles."""
        # Nine digits: what was set as NPLC is answered as it was set.
        cycles = self.states[number - 1].aperture_s * self.line_hz
        return round(cycles, 8 - math.floor(math.log10(cycles)))


class KeysightB2912A(KeysightB2902A):
    """Model B2912A, whose lowest current range is 10 nA."""

    model = "B2912A"
    ranges_a = RANGES_A
