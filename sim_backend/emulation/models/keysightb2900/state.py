"""What the commands of an emulated Keysight B2900 act on: its channels, and how they reach the terminals."""

from collections.abc import Iterable

import numpy as np

from ...scpi import reading
from ...scpi.format import DataFormat
from ...scpi.messages import Call
from ...scpi.sense import TEST_CURRENTS_A
from ...scpi.smu import SmuInstrument
from ...world.terminals import Terminal
from ...world.world import World
from .settings import RANGES_A, SHORTEST_INTERVAL_S, USUAL_NPLC, ChannelState

ZERO_LIMIT_A = 1e-4
ELEMENTS = ("VOLT", "CURR", "RES", "TIME", "STAT", "SOUR")
"""Elements of a reading."""


class KeysightB2900State(SmuInstrument):
    """A B2900 without its commands; channel 1 is ``<name>.a``, channel 2 ``<name>.b``.

    Parameters
    ----------
    line_hz : float
        Power-line frequency, by which NPLC is counted.
    rng : numpy.random.Generator, optional
        Source of reading noise; without it there is none.
    """

    most_suffix = 2
    most_setup = 9  # page 3-12 of the command reference of the B2961A, of the same family
    setup_names = ("states", "format", "elements", "group")
    level_ends_triggered = False
    ranges_a: tuple[float, ...] = RANGES_A
    shortest_interval_s = SHORTEST_INTERVAL_S
    """Between triggers, in seconds."""

    def __init__(
        self,
        world: World,
        name: str,
        serial: str = "MY51141234",
        *,
        line_hz: float = 50.0,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(world, name, serial, line_hz, rng)
        self.channels = tuple(f"{name}.{letter}" for letter in "ab"[: self.most_suffix])
        self.waiting: tuple[tuple[int, ...], tuple[str, ...]] | None = None
        """Channels and actions of a start that waits for its trigger."""
        self._driven: dict[str, dict[str, object]] = {}
        self._levels: dict[str, tuple[object, object]] = {}
        for channel in self.channels:
            world.add_source(channel, Terminal(off_state="highz", off_limit_a=ZERO_LIMIT_A))
        self.reset()

    def reset(self) -> None:
        """Switch the outputs off, then set everything as after power-on."""
        self.format = DataFormat(definite=True)
        self.elements: tuple[str, ...] = ELEMENTS
        self.states = tuple(ChannelState(self.ranges_a, aperture_s=USUAL_NPLC / self.line_hz) for _ in self.channels)
        for state in self.states:
            for layer in (*state.arms.values(), *state.triggers.values()):
                layer.interval_s = self.shortest_interval_s
        self.acquisition.cancel()
        self.on = [False for _ in self.channels]
        self.readings: tuple[list[dict[str, float]], ...] = tuple([] for _ in self.channels)
        self.waiting = None
        self.group: tuple[int, ...] = (1,)
        """Channels that one of them starts together with itself."""
        self.apply()

    def acts_meanwhile(self, header: str) -> bool:
        """Say whether a command is carried out while measurements go on: what stops them or asks for status."""
        return super().acts_meanwhile(header) or header.upper().startswith((":SYST", ":STAT", ":IDLE"))

    # ------------------------------------------------------------------ where settings live

    def settings(self, call: Call) -> ChannelState:
        """Return the state of the channel that a header names."""
        return self.states[call.suffixes[0] - 1]

    def upper_range(self, call: Call, function: str) -> float:
        """Return the smallest range that holds the limit, or the upper limit that was set for resistance."""
        state = self.settings(call)
        return state.sense["RES"].highest if function == "RES" else self.most_range(state, function)

    def most_range(self, state: ChannelState, function: str) -> float:
        """Return the smallest range of a channel that holds its limit."""
        limit = max(state.limit_up[function], state.limit_down[function])
        return reading.fitting(state.sense[function].ranges, limit)

    # ------------------------------------------------------------------ what settings do

    def source_function(self, number: int) -> str:
        """Return the function that a channel sources now; automatic resistance sources a current by itself."""
        state = self.states[number - 1]
        return "CURR" if state.automatic_ohms else state.function

    def drive(self, number: int, level: float) -> dict[str, dict[str, object]]:
        """Return how a channel stands at its terminals at a level of its function, in volts or amperes."""
        state, function = self.states[number - 1], self.source_function(number)
        if state.automatic_ohms:
            level = TEST_CURRENTS_A[state.sense["RES"].range]
        limited = "CURR" if function == "VOLT" else "VOLT"
        limit = (state.limit_up if level >= 0 else state.limit_down)[limited]
        return {
            self.channels[number - 1]: {
                "on": self.on[number - 1],
                "off_state": "normal" if state.off_mode == "ZERO" else "highz",
                "remote_sense": state.remote,
                **reading.as_voltage_source(function, level, limit, level, limit),
            }
        }

    def apply(self) -> None:
        """Bring all channels to their terminals at the same instant."""
        wanted: dict[str, dict[str, object]] = {}
        for number, state in enumerate(self.states, start=1):
            wanted.update(self.drive(number, state.level))
        if wanted != self._driven:
            for name, state in zip(self.channels, self.states, strict=True):
                level = (wanted[name]["level_v"], wanted[name]["on"])
                if level != self._levels.get(name):
                    self._levels[name] = level
                    state.moved_s = self.world.clock.now()
            self._driven = wanted
            self.world.set_terminals(wanted)

    def reapply(self) -> None:
        """Bring all channels to their terminals, where something else than settings may have moved them."""
        self._driven = {}
        self.apply()

    def switch(self, numbers: Iterable[int], on: bool) -> None:
        """Switch outputs."""
        for number in numbers:
            self.on[number - 1] = on
        self.apply()

    def limited(self, number: int) -> bool:
        """Whether an output is on and at its limit."""
        _, at_limit = self.world.measure(self.channels[number - 1])
        return self.on[number - 1] and at_limit == (self.source_function(number) == "VOLT")
