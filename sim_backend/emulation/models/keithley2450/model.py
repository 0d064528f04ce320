"""An emulated Keithley 2450 SourceMeter in its own SCPI command set: state, limits, terminals and readings.

Sources are the Model 2450 reference manual and the vendor's example scripts; emulated only. The commands are in
`keithley2450_source`, `keithley2450_sense`, `keithley2450_trace`, `keithley2450_trigger` and `keithley2450_system`, the
trigger model in `keithley2450_blocks`, the making of a reading in `keithley2450_reading`. A source limit below 10.6 %
of a fixed measure range is refused (smu.source.xlimit.level), and a fixed range raises a limit that is too low for it,
without an error. What no page at hand says is assumed:

- ``SYST:ERR?`` answers code, text, type and time in the form of the DMM6500, ``0,"No error;0;0 0"`` when empty;
- settings are answered in the shortest form, ranges by their name;
- output-off state NORMAL limits to 10 % of the measure range, GUARD counts as open, and reading with the output off is
  allowed;
- the source delay passes before the first reading after a change of the source; automatic delay is 1 ms;
- with autozero an integration takes three times as long, with a repeating filter as often as it counts;
- measuring resistance sources the current of its range, up to the voltage limit, whatever is set as the source;
- a comma may follow the last argument, as QCoDeS sends it in ``:TRAC:MAKE 'name', 100,``;
- remote sense, overvoltage protection, high capacitance and digital lines are stored only.
"""

import copy
import time

import numpy as np

from ...scpi import memory as scpi_memory
from ...scpi import reading
from ...scpi.format import DataFormat
from ...scpi.messages import Call
from ...scpi.sense import Sense
from ...scpi.smu import SmuInstrument
from ...scpi.source import Source
from ...scpi.status import ScpiError
from ...world.terminals import Terminal
from ...world.world import World
from . import blocks as keithley2450_blocks
from . import limits as keithley2450_limits
from . import sense as keithley2450_sense
from . import source as keithley2450_source
from . import system as keithley2450_system
from . import trace as keithley2450_trace
from . import trigger as keithley2450_trigger
from .buffer import ReadingBuffer
from .reading import take
from .settings import (
    LEAST_SHARE,
    TEST_CURRENTS_A,
    Measuring,
    Settings,
    SourceFunction,
    Sourcing,
)
from .system import Panel

AUTO_DELAY_S = 1e-3


class EmulatedKeithley2450(SmuInstrument):
    """Model 2450.

    Parameters
    ----------
    line_hz : float
        Power-line frequency, which times the integration.
    off_limit_share : float
        Current limit of output-off state NORMAL as a share of the measure range.
    source_block_s, measure_block_s : float
        What a source block and a measurement block of the trigger model take, in seconds.
    rng : numpy.random.Generator, optional
        Source of reading noise; without it there is none.
    """

    maker = "KEITHLEY INSTRUMENTS"
    model = "MODEL 2450"
    firmware = "1.7.7b"
    queue_depth = 100
    open_end = True
    texts = keithley2450_system.TEXTS
    commands = (
        *keithley2450_source.COMMANDS,
        *keithley2450_sense.COMMANDS,
        *keithley2450_limits.COMMANDS,
        *keithley2450_trace.COMMANDS,
        *keithley2450_trigger.COMMANDS,
        *keithley2450_system.COMMANDS,
        *scpi_memory.commands(range(5)),
    )

    def __init__(
        self,
        world: World,
        name: str,
        serial: str = "04451269",
        *,
        line_hz: float = 50.0,
        off_limit_share: float = 0.1,
        source_block_s: float = 1.2e-3,
        measure_block_s: float = 2e-4,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(world, name, serial, line_hz, rng)
        self.channels = (f"{name}.a",)
        self.off_limit_share = off_limit_share
        self.source_block_s = source_block_s
        self.measure_block_s = measure_block_s
        self.terminals = "FRON"
        self.panel = Panel()
        self.on = False
        self.now = Settings()
        self._driven: dict[str, object] = {}
        world.add_source(self.channels[0], Terminal(limit_a=1.05e-4, off_limit_a=1e-5))
        self._clear()
        self.apply()

    def _clear(self) -> None:
        self.buffers = {"defbuffer1": ReadingBuffer(), "defbuffer2": ReadingBuffer()}
        self.source_lists: dict[str, list[Sourcing]] = {}
        self.sense_lists: dict[str, list[Measuring]] = {}
        self.trigger_model = keithley2450_blocks.TriggerModel()
        self.format = DataFormat(swapped=True)
        self.unsettled = True

    # ------------------------------------------------------------------ state and terminals

    def reset(self) -> None:
        """Output off, then everything as after power-on; buffers, lists and the trigger model are emptied."""
        self._clear()
        self.restore(Settings())

    def setup(self) -> object:
        """Return what ``*SAV`` keeps."""
        return self.now

    def restore(self, setup: object) -> None:
        """Output off, then everything as a setup says."""
        if not isinstance(setup, Settings):
            raise TypeError(f"{setup!r} is no setup of a 2450")
        self.on = False
        self.now = setup
        self.apply()

    def settings(self, call: Call) -> object:  # noqa: ARG002 - one channel
        """Return the settings that ``*RST`` resets."""
        return self.now

    def source(self, call: Call, function: str) -> SourceFunction:  # noqa: ARG002 - one channel
        """Return what is sourced of a function."""
        return self.now.sourcing.source[function]

    def sense(self, call: Call, function: str) -> Sense:  # noqa: ARG002 - one channel
        """Return how a function is measured."""
        return self.now.measuring.sense[function]

    def sourced(self) -> tuple[str, float, float]:
        """Return what is sourced now: function, volts, amperes; measuring resistance chooses a current by itself."""
        sourcing, measuring = self.now.sourcing, self.now.measuring
        if measuring.function == "RES":
            return "CURR", 0.0, TEST_CURRENTS_A[measuring.now.range]
        return sourcing.function, sourcing.source["VOLT"].level, sourcing.source["CURR"].level

    def apply(self) -> None:
        """Bring level, limit and off state to the terminals."""
        sourcing, measured = self.now.sourcing, self.now.measuring.sense
        function, level_v, level_a = self.sourced()
        limit_a, limit_v = sourcing.source["VOLT"].limit, sourcing.source["CURR"].limit
        wanted = {
            "on": self.on,
            "off_state": {"NORM": "normal", "ZERO": "zero"}.get(self.now.off_state[sourcing.function], "highz"),
            "off_limit_a": self.off_limit_share * measured["CURR"].range,
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

    def recall(self, name: str, index: int) -> None:
        """Bring back an entry of a configuration list, counted from 1."""
        lists: dict[str, list[Sourcing]] | dict[str, list[Measuring]] = self.source_lists
        if name not in lists:
            lists = self.sense_lists
        entries = lists.get(name, ())
        if not 1 <= index <= len(entries):
            raise ScpiError(-222)
        entry = copy.deepcopy(entries[index - 1])
        if isinstance(entry, Sourcing):
            self.now.sourcing = entry
        else:
            self.now.measuring = entry
        self.apply()

    def limited(self) -> bool:
        """Whether the output is on and at its limit."""
        _, at_limit = self.world.measure(self.channels[0])
        return self.on and at_limit == (self.sourced()[0] == "VOLT")

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

    # ------------------------------------------------------------------ readings

    def buffer(self, name: str) -> ReadingBuffer:
        """Return a buffer by its name; -224 if there is none."""
        if name not in self.buffers:
            raise ScpiError(-224)
        return self.buffers[name]

    def read(self, name: str) -> None:
        """Take as many readings as ``:SENS:COUN`` says, after the source delay."""
        for _ in range(self.now.count):
            if self.unsettled:
                source = self.now.sourcing.now
                self.world.wait(AUTO_DELAY_S if source.delay_auto else source.delay_s)
                self.unsettled = False
            take(self, name)

    # ------------------------------------------------------------------ messages beyond settings

    def error_text(self, code: int) -> str:
        """Write an error with its type and time."""
        if code == 0:
            return '0,"No error;0;0 0"'
        at = self.world.clock.now()
        stamp = f"{time.strftime('%Y/%m/%d %H:%M:%S', time.gmtime(at))}.{int(at % 1 * 1000):03d}"
        return f'{code},"{self.text_of(code)};1;{stamp}"'

    def trigger(self) -> None:
        """Take ``*TRG`` as the event that a wait block may wait for."""
        self.trigger_model.happened(self, "COMM")
