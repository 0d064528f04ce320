"""What the commands of an emulated Keithley 2450 act on: its settings, and how they reach the terminals."""

import time
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ...scpi import reading, values
from ...scpi.format import DataFormat
from ...scpi.messages import Call
from ...scpi.smu import SmuInstrument
from ...scpi.source import Source
from ...scpi.status import ScpiError
from ...world.terminals import Terminal
from ...world.world import World
from .buffer import OWN_BUFFERS, ReadingBuffer
from .limits import LIMITS, Limits
from .settings import LEAST_SHARE, TEST_CURRENTS_A, Settings, Sourcing
from .trigger_model import TriggerModel

OFF_LIMIT_SHARE = 0.1
"""Current limit of output-off state NORMAL as a share of the measure range."""
QUOTES = ('"', "'")


class Keithley2450State(SmuInstrument):
    """A 2450 without its commands.

    Parameters
    ----------
    line_hz : float
        Power-line frequency, which times the integration.
    rng : numpy.random.Generator, optional
        Source of reading noise; without it there is none.
    """

    limits: ClassVar[Limits] = LIMITS["2450"]
    setup_names = ("now", "format", "terminals")

    def __init__(
        self,
        world: World,
        name: str,
        serial: str = "04451269",
        *,
        line_hz: float = 50.0,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(world, name, serial, line_hz, rng)
        self.channels = (f"{name}.a",)
        self.terminals = "FRON"
        self.on = False
        self._driven: dict[str, object] = {}
        world.add_source(self.channels[0], Terminal(limit_a=1.05e-4, off_limit_a=1e-5))
        self.reset()

    def reset(self) -> None:
        """Output off, then everything as after power-on; buffers, lists and the trigger model are emptied."""
        self.acquisition.cancel()
        self.buffers = {name: ReadingBuffer() for name in OWN_BUFFERS}
        self.source_lists: dict[str, list[Sourcing]] = {}
        self.trigger_model = TriggerModel(self.settle)
        self.format = DataFormat(swapped=True)
        self.unsettled = True
        self.on = False
        self.now = Settings.of(self.limits)
        self.apply()

    # ------------------------------------------------------------------ where settings live

    def settings(self, call: Call) -> object:  # noqa: ARG002 - one channel
        """Return the settings that ``*RST`` resets."""
        return self.now

    def buffer(self, name: str) -> ReadingBuffer:
        """Return a buffer by its name; -224 if there is none."""
        if name not in self.buffers:
            raise ScpiError(-224)
        return self.buffers[name]

    def buffer_name(self, arguments: Sequence[str]) -> str:
        """Return the name of the buffer that a first argument names, ``defbuffer1`` without one."""
        name = values.string(arguments[0]) if arguments else OWN_BUFFERS[0]
        self.buffer(name)
        return name

    def split_buffer(self, arguments: Sequence[str]) -> tuple[str, Sequence[str]]:
        """Return the name of the buffer that comes first, if one does, and the other arguments."""
        named = arguments[:1] if arguments and arguments[0].startswith(QUOTES) else ()
        return self.buffer_name(named), arguments[len(named) :]

    def entries(self, name: str) -> list[Sourcing]:
        """Return the entries of the configuration list of a sweep; none if there is no such list."""
        return self.source_lists.get(name, [])

    # ------------------------------------------------------------------ what settings do

    def setpoint(self) -> tuple[str, float, float]:
        """Return what is sourced now: function, volts, amperes; measuring resistance chooses a current by itself."""
        sourcing, measuring = self.now.sourcing, self.now.measuring
        if measuring.function == "RES":
            return "CURR", 0.0, TEST_CURRENTS_A[measuring.now.range]
        most = sourcing.most_v
        return sourcing.function, min(max(sourcing.source["VOLT"].level, -most), most), sourcing.source["CURR"].level

    def apply(self) -> None:
        """Bring level, limit and off state to the terminals."""
        sourcing, measured = self.now.sourcing, self.now.measuring.sense
        function, level_v, level_a = self.setpoint()
        limit_a, limit_v = sourcing.source["VOLT"].limit, min(sourcing.source["CURR"].limit, sourcing.most_v)
        wanted = {
            "on": self.on,
            "off_state": {"NORM": "normal", "ZERO": "zero"}.get(self.now.off_state[sourcing.function], "highz"),
            "off_limit_a": OFF_LIMIT_SHARE * measured["CURR"].range,
            **reading.as_voltage_source(function, level_v, limit_a, level_a, limit_v),
        }
        if wanted != self._driven:
            self._driven = wanted
            self.unsettled = True
            self.world.set_terminal(self.channels[0], **wanted)

    def switch(self, on: bool) -> None:
        """Switch the output."""
        self.on = on
        self.apply()

    def change(self, place: object, key: str, value: object) -> None:
        """Set something whose change turns the output off."""
        if value != getattr(place, key):
            self.switch(False)
        setattr(place, key, value)
        self.apply()

    def recall(self, name: str, index: int) -> None:
        """Bring back an entry of a configuration list, counted from 1."""
        entries = self.entries(name)
        if not 1 <= index <= len(entries):
            raise ScpiError(-222)
        self.now.sourcing = entries[index - 1].copied()
        self.apply()

    def limited(self) -> bool:
        """Whether the output is on and at its limit."""
        _, at_limit = self.world.measure(self.channels[0])
        return self.on and at_limit == (self.setpoint()[0] == "VOLT")

    def settle(self) -> None:
        """Have the next reading come at once, without a source delay."""
        self.unsettled = False

    def before_level(self, source: Source) -> None:  # noqa: ARG002 - the same for both functions
        """Have the next reading wait for the source delay."""
        self.unsettled = True

    def before_range(self, call: Call, function: str, wanted: float) -> None:  # noqa: ARG002 - one channel
        """Raise a limit below 10.6 % of a range that is to be fixed, without an error."""
        limited = {"CURR": "VOLT", "VOLT": "CURR"}.get(function)
        if limited:
            source = self.now.sourcing.source[limited]
            source.limit = max(source.limit, LEAST_SHARE * wanted)

    def upper_range(self, call: Call, function: str) -> float:  # noqa: ARG002 - one channel
        """Return the range of the source limit, or the upper limit that was set for resistance."""
        sense = self.now.measuring.sense[function]
        if function == "RES":
            return sense.highest
        return reading.fitting(sense.ranges, self.now.sourcing.source["VOLT" if function == "CURR" else "CURR"].limit)

    # ------------------------------------------------------------------ messages beyond settings

    def error_text(self, code: int) -> str:
        """Write an error with its type and time."""
        if code == 0:
            return '0,"No error;0;0 0"'
        at = self.world.clock.now()
        stamp = f"{time.strftime('%Y/%m/%d %H:%M:%S', time.gmtime(at))}.{int(at % 1 * 1000):03d}"
        return f'{code},"{self.text_of(code)};1;{stamp}"'

    def trigger(self) -> None:
        """Take ``*TRG``, an event for which no block waits here."""
