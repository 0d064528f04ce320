"""An emulated Keithley 2400 SourceMeter: its state, its limits, and the terminals they make.

Page numbers are of the Keithley 2400 Series user's manual; emulated only. The commands are in `keithley2400_source`,
`keithley2400_sense`, `keithley2400_trigger`, `keithley2400_trace`, `keithley2400_limits` and `keithley2400_system`, the
making of a reading in `keithley2400_cycle`. It answers as behind a GPIB gateway, so binary readings are allowed. What
the manual leaves open is assumed here:

- replies of settings are in seven digits; ranges answer 105 % of their name (the manual gives 1.05E-4 as a default);
- ``*RST`` measures current only, chooses cable guard, and leaves the terminals (front or rear) as they are;
- a compliance below 0.1 % of a fixed measure range is refused with +824;
- output-off state NORMAL limits to 0.5 % of the present measure range; GUARD (a 0 A source) counts as open;
- a change of the level while the output is on takes 7 ms, or 10 ms with automatic range (data sheet SPEC-2400);
- with an infinite arm count one pass is made when it is initiated and another whenever readings are asked for;
- remote sense, offset compensation, scale factors, trigger lines, contact check and digital lines are stored only.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from ...scpi import memory as scpi_memory
from ...scpi import reading
from ...scpi.format import DataFormat
from ...scpi.messages import Answer, Call
from ...scpi.sense import Sense
from ...scpi.smu import SmuInstrument
from ...scpi.source import Source
from ...scpi.status import ScpiError
from ...scpi.values import whole
from ...world.terminals import Terminal
from ...world.world import World
from . import limits as keithley2400_limits
from . import sense as keithley2400_sense
from . import source as keithley2400_source
from . import system as keithley2400_system
from . import trace as keithley2400_trace
from . import trigger as keithley2400_trigger
from .cycle import PROCESSING_S, acquired
from .limits import Calculation
from .reading import Buffer, Reading
from .settings import TEST_CURRENTS_A, Settings
from .system import Panel

RECONNECT_S = 15e-3
"""The output relay of off state HIMP settles for so long (page 13-10)."""
LEVEL_S, LEVEL_AUTO_S = 7e-3, 10e-3
"""From a command to the new level with fixed and automatic source range (data sheet SPEC-2400)."""
IDLE, WAITING_FOR_ARM = 1 << 10, 1 << 6
"""Bits of the operation condition register (appendix B)."""
BUFFER_AVAILABLE, BUFFER_FULL = 1 << 8, 1 << 9
"""Bits of the measurement event register (appendix B)."""


class EmulatedKeithley2400(SmuInstrument):
    """Model 2400, one source.

    Parameters
    ----------
    line_hz : float
        Power-line frequency, which times the integration.
    processing_s : float
        Time that a cycle takes beyond its latency, delay and integration, spent before the next one starts. A list
        holds its level for as long.
    level_after_list : {"last", "fixed"}
        What a sweep leaves at the output, on which the manual is silent: its last value or the fixed level.
    trip_reports_range : bool
        Whether ``PROT:TRIP?`` reports the 105 % limit of a fixed range like the programmed one.
    rng : numpy.random.Generator, optional
        Source of reading noise; without it there is none.
    """

    firmware = "C30   Mar 17 2006 09:29:29/A02  /K/J"
    model = "MODEL 2400"
    commands = (
        *keithley2400_source.COMMANDS,
        *keithley2400_sense.COMMANDS,
        *keithley2400_trigger.COMMANDS,
        *keithley2400_trace.COMMANDS,
        *keithley2400_limits.COMMANDS,
        *keithley2400_system.COMMANDS,
        *scpi_memory.commands(range(5)),
    )
    texts: ClassVar[Mapping[int, str]] = {
        802: "Not permitted with OUTPUT off",
        803: "Not permitted with OUTPUT on",
        824: "Cannot exceed compliance range",
        827: "Invalid with ohms guard on",
    }

    def __init__(
        self,
        world: World,
        name: str,
        serial: str = "1234567",
        *,
        line_hz: float = 50.0,
        processing_s: float = PROCESSING_S,
        level_after_list: Literal["last", "fixed"] = "last",
        trip_reports_range: bool = True,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(world, name, serial, line_hz, rng)
        self.channels = (f"{name}.a",)
        self.processing_s = processing_s
        self.level_after_list = level_after_list
        self.trip_reports_range = trip_reports_range
        self.line_auto = False
        self.terminals = "FRON"
        self.operation.condition = IDLE
        self.buffer = Buffer()
        self.panel = Panel()
        self.source_memory: dict[int, dict[str, object]] = {}
        self.last: list[Reading] = []
        self.waiting = False
        self.endless = False
        self.on = False
        self.now = Settings()
        self.calculation = Calculation()
        self._driven: dict[str, object] = {}
        world.add_source(self.channels[0], Terminal(limit_a=1.05e-4, off_state="normal", off_limit_a=5e-7))
        self.apply()

    # ------------------------------------------------------------------ state and terminals

    def reset(self) -> None:
        """Output off, then everything as `Settings` says."""
        self.restore(Settings())
        self.calculation = Calculation()
        self.format = DataFormat()

    def setup(self) -> object:
        """Return what ``*SAV`` keeps."""
        return self.now

    def restore(self, setup: object) -> None:
        """Output off, then everything as a setup says."""
        if not isinstance(setup, Settings):
            raise TypeError(f"{setup!r} is no setup of a 2400")
        self.on = False
        self.now = setup
        self.abort()
        self.last = []
        self.apply()

    def settings(self, call: Call) -> object:  # noqa: ARG002 - one channel
        """Return the settings that ``*RST`` resets."""
        return self.now

    def source(self, call: Call, function: str) -> Source:  # noqa: ARG002 - one channel
        """Return what is sourced of a function."""
        return self.now.source[function]

    def sense(self, call: Call, function: str) -> Sense:  # noqa: ARG002 - one channel
        """Return how a function is measured."""
        return self.now.sense[function]

    def sourced(self) -> tuple[str, float, float]:
        """Return what is sourced now: function, volts, amperes; automatic resistance chooses a current by itself."""
        now = self.now
        if now.automatic_ohms:
            return "CURR", 0.0, TEST_CURRENTS_A[now.sense["RES"].range]
        return now.function, now.source["VOLT"].level, now.source["CURR"].level

    def limit_is_compliance(self) -> bool:
        """Whether the limit in force is the programmed one, and not 105 % of a fixed measure range."""
        now, sense = self.now, self.now.sense["CURR"]
        sourcing_v = self.sourced()[0] == "VOLT"
        return not sourcing_v or sense.auto or now.protection_a <= reading.HEADROOM * sense.range

    def limit_a(self) -> float:
        """Return the current limit in force, in amperes."""
        now = self.now
        return now.protection_a if self.limit_is_compliance() else reading.HEADROOM * now.sense["CURR"].range

    def apply(self) -> None:
        """Bring level, limit, off state and guard to the terminals."""
        now = self.now
        function, level_v, level_a = self.sourced()
        wanted = {
            "on": self.on,
            "off_state": {"NORM": "normal", "ZERO": "zero"}.get(now.off_state, "highz"),
            "off_limit_a": 0.005 * now.sense["CURR"].range,
            "guard": now.guard == "OHMS",
            **reading.as_voltage_source(function, level_v, self.limit_a(), level_a, now.protection_v),
        }
        if wanted != self._driven:
            self._driven = wanted
            self.world.set_terminal(self.channels[0], **wanted)

    def switch(self, on: bool) -> None:
        """Switch the output, with the time that a relay needs."""
        if on and not self.on and self.now.off_state == "HIMP":
            self.world.wait(RECONNECT_S)
        self.on = on
        self.apply()

    def limited(self) -> bool:
        """Whether the output is on and at its limit."""
        _, at_limit = self.world.measure(self.channels[0])
        return self.on and at_limit == (self.sourced()[0] == "VOLT")

    def before_level(self, source: Source) -> None:
        """Let the time pass from a command to the new level."""
        if self.on:
            self.world.wait(LEVEL_AUTO_S if source.auto else LEVEL_S)

    def before_range(self, call: Call, function: str, wanted: float) -> None:  # noqa: ARG002 - one channel
        """Refuse a current range that the compliance does not allow (note 3, page 18-62): PROT first, then RANG."""
        if function == "CURR":
            keithley2400_sense.check_range_a(self, wanted)

    def upper_range(self, call: Call, function: str) -> float:  # noqa: ARG002 - one channel
        """Return the range of the compliance, or the upper limit that was set for resistance."""
        now = self.now
        if function == "RES":
            return now.sense["RES"].highest
        limit = now.protection_a if function == "CURR" else now.protection_v
        return reading.fitting(now.sense[function].ranges, limit)

    # ------------------------------------------------------------------ messages beyond settings

    def error_text(self, code: int) -> str:
        """Write an error as the 2400 does, without a sign before zero."""
        return super().error_text(code).removeprefix("+") if code == 0 else super().error_text(code)

    def register_text(self, value: int) -> str:
        """Write a register in the base that ``:FORM:SREG`` has chosen."""
        return whole(value, self.now.register_base)

    def trigger(self) -> None:
        """Start the cycles that wait for a bus trigger."""
        if not self.waiting or self.now.arm_source != "BUS":
            raise ScpiError(-211)
        self._run()

    def initiate(self) -> None:
        """Start the trigger model, or have it wait for what starts it."""
        now = self.now
        if not self.on and not now.clear_auto:
            raise ScpiError(802)
        if self.waiting or self.endless:
            raise ScpiError(-213)
        if now.arm_source in ("IMM", "TIM") and now.trigger_source == "IMM":
            self._run()
        else:
            self.waiting = True
            self.operation.change(IDLE, False)
            self.operation.change(WAITING_FOR_ARM, True)

    def _run(self) -> None:
        self.waiting = False
        self.operation.change(WAITING_FOR_ARM, False)
        self.operation.change(IDLE, False)
        self._acquire()
        self.endless = self.now.arm_count == 0
        self.operation.change(IDLE, not self.endless)

    def _acquire(self) -> None:
        self.last = acquired(self)
        self.calculation.test(self, self.last)
        if self.buffer.storing and self.last:
            self.measurement.latch(BUFFER_AVAILABLE)
        if self.buffer.store(self.last):
            self.measurement.latch(BUFFER_FULL)

    def abort(self) -> None:
        """Return to idle."""
        self.waiting = self.endless = False
        self.operation.change(WAITING_FOR_ARM, False)
        self.operation.change(IDLE, True)

    def read(self) -> Answer:
        """Start the trigger model and write its readings; -214 if it waits for something or never ends."""
        now = self.now
        if now.arm_source not in ("IMM", "TIM") or now.trigger_source != "IMM" or now.arm_count == 0:
            raise ScpiError(-214)
        self.initiate()
        return self.fetched()

    def configure(self, function: str) -> None:
        """Make ready for one reading of a function: the trap of ``:MEAS?``, it turns the output on (page 17-3)."""
        now = self.now
        now.measured = {function}
        now.arm_count = now.trigger_count = 1
        now.trigger_delay_s = 0.0
        now.arm_source = now.trigger_source = "IMM"
        now.autozero = True
        now.sense[function].auto = True
        self.switch(True)

    def readings(self) -> list[Reading]:
        """Return the latest readings; -230 if there are none."""
        if self.endless:
            self._acquire()
        if not self.last:
            raise ScpiError(-230)
        return self.last

    def fetched(self) -> Answer:
        """Write the latest readings."""
        return self.format.written([value for each in self.readings() for value in each.numbers(self.now.elements)])
