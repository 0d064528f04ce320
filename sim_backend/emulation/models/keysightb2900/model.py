"""Emulated Keysight B2901A, B2902A, B2911A and B2912A source-measure units: state, terminals and readings.

Sources are the B2900 SCPI command reference, edition 2, and the B2900 user's guide; emulated only. The commands are in
`keysightb2900_source`, `keysightb2900_sense`, `keysightb2900_trigger`, `keysightb2900_trace` and
`keysightb2900_system`, the trigger systems in `keysightb2900_timing`, the making of a reading in
`keysightb2900_reading`. What no page at hand says is assumed:

- ``SYST:ERR?`` answers ``+0,"No error"`` when empty; numbers are NR3 in seven digits, ranges by their name;
- the elements of a reading come in the order VOLT, CURR, RES, TIME, STAT, SOUR whatever the order of the list
  (`element_order`), and arrays of several channels are interleaved reading by reading (`interleaved`);
- output-off mode NORM opens the output relay (`normal_off`), ZERO holds 0 V with a limit of 100 uA;
- with automatic output-on switched off and the output off, a measurement reads what is there, without an error;
- a triggered level that was set stays until the next ``*RST``; without one a trigger leaves the level as it is;
- of two limits with different signs the one of the level's sign is in force;
- remote sense, filter, wait times, offset compensation and trigger lines are stored only.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from ...scpi import memory as scpi_memory
from ...scpi import reading
from ...scpi.format import DataFormat
from ...scpi.messages import Answer, Call
from ...scpi.sense import TEST_CURRENTS_A, Sense
from ...scpi.smu import SmuInstrument
from ...scpi.source import Source
from ...scpi.status import ScpiError
from ...scpi.values import NOT_MEASURED, OVERFLOW, whole
from ...world.terminals import Terminal
from ...world.world import World
from . import sense as keysightb2900_sense
from . import source as keysightb2900_source
from . import system as keysightb2900_system
from . import trace as keysightb2900_trace
from . import trigger as keysightb2900_trigger
from .settings import RANGES_A, ChannelState
from .system import Panel
from .timing import run, spot, waits_for

ZERO_LIMIT_A = 1e-4
ELEMENTS = ("VOLT", "CURR", "RES", "TIME", "STAT", "SOUR")
BOTH = ("TRAN", "ACQ")


class EmulatedKeysightB2900(SmuInstrument):
    """What the models share; channel 1 is ``<name>.a``, channel 2 ``<name>.b``.

    Parameters
    ----------
    line_hz : float
        Power-line frequency, by which NPLC is counted.
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
    firmware = "3.0.1613.5020"
    queue_depth = 100
    most_suffix = 2
    accepts_units = True
    level_ends_triggered = False
    ranges_a: tuple[float, ...] = RANGES_A
    commands = (
        *keysightb2900_source.COMMANDS,
        *keysightb2900_sense.COMMANDS,
        *keysightb2900_trigger.COMMANDS,
        *keysightb2900_trace.COMMANDS,
        *keysightb2900_system.COMMANDS,
        *scpi_memory.commands(range(5)),
    )

    def __init__(
        self,
        world: World,
        name: str,
        serial: str = "MY51141234",
        *,
        line_hz: float = 50.0,
        element_order: Literal["fixed", "list"] = "fixed",
        interleaved: bool = True,
        normal_off: Literal["highz", "normal"] = "highz",
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(world, name, serial, line_hz, rng)
        self.channels = tuple(f"{name}.{letter}" for letter in "ab"[: self.most_suffix])
        self.element_order = element_order
        self.interleaved = interleaved
        self.normal_off = normal_off
        self.panel = Panel()
        self.saved_channels: dict[tuple[int, int], ChannelState] = {}
        self.waiting: tuple[tuple[int, ...], tuple[str, ...]] | None = None
        """Channels and actions of a start that waits for its trigger."""
        self._driven: dict[str, dict[str, object]] = {}
        for channel in self.channels:
            world.add_source(channel, Terminal(off_state=normal_off, off_limit_a=ZERO_LIMIT_A))
        self.reset()

    # ------------------------------------------------------------------ state and terminals

    def reset(self) -> None:
        """Switch the outputs off, then set everything as after power-on."""
        self.format = DataFormat(definite=True)
        self.elements: tuple[str, ...] = ELEMENTS
        self.calculated_elements: tuple[str, ...] = ("CALC",)
        self.restore(tuple(ChannelState(self.ranges_a, aperture_s=1 / self.line_hz) for _ in self.channels))

    def setup(self) -> object:
        """Return what ``*SAV`` keeps."""
        return self.states

    def restore(self, setup: object) -> None:
        """Switch the outputs off, then set everything as a setup says."""
        if not isinstance(setup, tuple):
            raise TypeError(f"{setup!r} is no setup of a B2900")
        self.states: tuple[ChannelState, ...] = setup
        self.on = [False for _ in self.channels]
        self.readings: tuple[list[dict[str, float]], ...] = tuple([] for _ in self.channels)
        self.waiting = None
        self.apply()

    def settings(self, call: Call) -> object:
        """Return the state of the channel that a header names."""
        return self.states[call.suffixes[0] - 1]

    def source(self, call: Call, function: str) -> Source:
        """Return what is sourced of a function on the channel that a header names."""
        return self.states[call.suffixes[0] - 1].source[function]

    def sense(self, call: Call, function: str) -> Sense:
        """Return how a function is measured on the channel that a header names."""
        return self.states[call.suffixes[0] - 1].sense[function]

    def sourced(self, number: int) -> str:
        """Return the function that a channel sources now; automatic resistance sources a current by itself."""
        state = self.states[number - 1]
        return "CURR" if state.automatic_ohms else state.function

    def drive(self, number: int, level: float) -> dict[str, dict[str, object]]:
        """Return how a channel stands at its terminals at a level of its function, in volts or amperes."""
        state, function = self.states[number - 1], self.sourced(number)
        if state.automatic_ohms:
            level = TEST_CURRENTS_A[state.sense["RES"].range]
        limited = "CURR" if function == "VOLT" else "VOLT"
        limit = (state.limit_up if level >= 0 else state.limit_down)[limited]
        level_v, limit_a, level_a, limit_v = (
            (level, limit, 0.0, 0.0) if function == "VOLT" else (0.0, 0.0, level, limit)
        )
        return {
            self.channels[number - 1]: {
                "on": self.on[number - 1],
                "off_state": {"NORM": self.normal_off, "ZERO": "normal"}.get(state.off_mode, "highz"),
                **reading.as_voltage_source(function, level_v, limit_a, level_a, limit_v),
            }
        }

    def apply(self) -> None:
        """Bring all channels to their terminals at the same instant."""
        wanted: dict[str, dict[str, object]] = {}
        for number, state in enumerate(self.states, start=1):
            wanted.update(self.drive(number, state.level))
        if wanted != self._driven:
            self._driven = wanted
            self.world.set_terminals(wanted)

    def switch(self, numbers: Iterable[int], on: bool) -> None:
        """Switch outputs."""
        for number in numbers:
            self.on[number - 1] = on
        self.apply()

    def limited(self, number: int) -> bool:
        """Whether an output is on and at its limit."""
        _, at_limit = self.world.measure(self.channels[number - 1])
        return self.on[number - 1] and at_limit == (self.sourced(number) == "VOLT")

    def upper_range(self, call: Call, function: str) -> float:
        """Return the smallest range that holds the limit, or the upper limit that was set for resistance."""
        state = self.states[call.suffixes[0] - 1]
        return state.sense["RES"].highest if function == "RES" else self.most_range(state, function)

    def most_range(self, state: ChannelState, function: str) -> float:
        """Return the smallest range of a channel that holds its limit."""
        limit = max(state.limit_up[function], state.limit_down[function])
        return reading.fitting(state.sense[function].ranges, limit)

    # ------------------------------------------------------------------ triggers

    def initiate(self, numbers: list[int], actions: tuple[str, ...] = BOTH) -> None:
        """Run the trigger systems of channels, or have them wait for what starts them."""
        if self.waiting is not None:
            raise ScpiError(-213)
        if any(waits_for(self.states[number - 1], actions) for number in numbers):
            self.waiting = (tuple(numbers), actions)
            return
        self._run(numbers, actions)

    def _run(self, numbers: Iterable[int], actions: tuple[str, ...]) -> None:
        self.waiting = None
        self._started(numbers)
        run(self, numbers, actions)
        self._ended(numbers)

    def measure(self, numbers: list[int]) -> None:
        """Measure once on channels at the same time."""
        self._started(numbers)
        spot(self, numbers)
        self._ended(numbers)

    def release(self, source: str = "") -> None:
        """Let a start go on that waits for a source, or for any; -211 if there is none."""
        if self.waiting is None:
            raise ScpiError(-211)
        numbers, actions = self.waiting
        awaited = set().union(*(waits_for(self.states[number - 1], actions) for number in numbers))
        if source and source not in awaited:
            raise ScpiError(-211)
        self._run(numbers, actions)

    def trigger(self) -> None:
        """Start what waits for the bus."""
        self.release("BUS")

    def _started(self, numbers: Iterable[int]) -> None:
        """Empty the results of channels and switch their outputs on, as far as automatic output-on says."""
        for number in numbers:
            self.readings[number - 1].clear()
        self.switch([each for each in numbers if self.states[each - 1].auto_on], True)

    def _ended(self, numbers: Iterable[int]) -> None:
        """Switch outputs off, as far as automatic output-off and output protection say."""
        self._driven = {}
        self.apply()
        tripped = [each for each in numbers if self.states[each - 1].protection and self.limited(each)]
        self.switch([*tripped, *(each for each in numbers if self.states[each - 1].auto_off)], False)

    # ------------------------------------------------------------------ readings

    def chosen(self, numbers: list[int], latest: bool) -> list[dict[str, float]]:
        """Return the readings of channels, all of them or the latest of each, in the order in which they go out."""
        none = [dict.fromkeys(ELEMENTS, NOT_MEASURED)]
        columns = [self.readings[number - 1] or none for number in numbers]
        if latest:
            columns = [each[-1:] for each in columns]
        if not self.interleaved:
            return [each for column in columns for each in column]
        longest = max(map(len, columns))
        return [each[place] for place in range(longest) for each in columns if place < len(each)]

    def names(self) -> tuple[str, ...]:
        """Return the elements of a reading in the order in which they go out."""
        if self.element_order == "list":
            return self.elements
        return tuple(each for each in ELEMENTS if each in self.elements)

    def written(self, found: Iterable[Mapping[str, float]], names: tuple[str, ...]) -> Answer:
        """Write elements of readings; in a binary format as IEEE 754 says infinity and no number."""
        numbers = [each[name] for each in found for name in names]
        if self.format.width:
            infinite = {OVERFLOW: math.inf, -OVERFLOW: -math.inf, NOT_MEASURED: math.nan}
            numbers = [infinite.get(each, each) for each in numbers]
        return self.format.written(numbers)

    # ------------------------------------------------------------------ messages beyond settings

    def register_text(self, value: int) -> str:
        """Write a register in the base that ``:FORM:SREG`` has chosen."""
        return whole(value, self.panel.register_base)

    def nplc_of(self, number: int) -> float:
        """Return the integration time of a channel in power-line cycles."""
        # Nine digits: what was set as NPLC is answered as it was set.
        cycles = self.states[number - 1].aperture_s * self.line_hz
        return round(cycles, 8 - math.floor(math.log10(cycles)))


class EmulatedKeysightB2902A(EmulatedKeysightB2900):
    """Model B2902A, two channels, whose lowest current range is 100 nA."""

    model = "B2902A"
    ranges_a = RANGES_A[1:]


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
