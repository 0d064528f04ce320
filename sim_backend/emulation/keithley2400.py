"""An emulated Keithley 2400 SourceMeter: its state, its limits, and the terminals they make.

Page numbers are of the Keithley 2400 Series user's manual; emulated only. The commands are in `keithley2400_source`,
`keithley2400_sense` and `keithley2400_trigger`, the making of a reading in `keithley2400_cycle`. What the manual leaves
open is assumed here:

- replies of settings are in seven digits; ranges answer 105 % of their name (the manual gives 1.05E-4 as a default);
- ``*RST`` measures current only, chooses cable guard, and leaves the terminals (front or rear) as they are;
- a compliance below 0.1 % of a fixed measure range is refused with +824;
- output-off state NORMAL limits to 0.5 % of the present measure range; GUARD (a 0 A source) counts as open;
- automatic resistance (``:SENS:RES:MODE AUTO``) is stored only: resistance is V over I at what is sourced;
- a change of the level while the output is on takes 7 ms, or 10 ms with automatic range (data sheet SPEC-2400).
"""

from typing import ClassVar, Literal

import numpy as np

from . import keithley2400_sense, keithley2400_source, keithley2400_trigger
from . import scpi_reading as reading
from .keithley2400_cycle import PROCESSING_S, Buffer, Reading, acquired
from .keithley2400_settings import Settings
from .scpi import Call, ScpiInstrument
from .scpi_status import Register, ScpiError
from .world import Terminal, World

RECONNECT_S = 15e-3
"""The output relay of off state HIMP settles for so long (page 13-10)."""


class Keithley2400(ScpiInstrument):
    """Model 2400, one source, answering as over a terminal server.

    Parameters
    ----------
    line_hz : float
        Power-line frequency, which times the integration.
    processing_s : float
        Time that a cycle takes beyond its latency, delay and integration, spent before the next one starts. A list
        holds its level for as long.
    level_after_list : {"last", "fixed"}
        What a list sweep leaves at the output, on which the manual is silent: its last value or the fixed level.
    trip_reports_range : bool
        Whether ``PROT:TRIP?`` reports the 105 % limit of a fixed range like the programmed one.
    rng : numpy.random.Generator, optional
        Source of reading noise; without it there is none.
    """

    firmware = "C30   Mar 17 2006 09:29:29/A02  /K/J"
    model = "MODEL 2400"
    commands = (*keithley2400_source.COMMANDS, *keithley2400_sense.COMMANDS, *keithley2400_trigger.COMMANDS)
    texts: ClassVar = {
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
        super().__init__(world, name, serial)
        self.channels = (f"{name}.a",)
        self.line_hz = line_hz
        self.processing_s = processing_s
        self.level_after_list = level_after_list
        self.trip_reports_range = trip_reports_range
        self.rng = rng
        self.line_auto = False
        self.terminals = "FRON"
        self.measurement = Register()
        self.operation = Register(condition=1024)
        self.questionable = Register()
        self.buffer = Buffer()
        self.last: list[Reading] = []
        self.waiting = False
        self.on = False
        self.started_s = world.clock.now()
        self.now = Settings()
        self._driven: dict[str, object] = {}
        world.add_source(self.channels[0], Terminal(limit_a=1.05e-4, off_state="normal", off_limit_a=5e-7))
        self.apply()

    # ------------------------------------------------------------------ state and terminals

    def reset(self) -> None:
        """Output off, then everything as `Settings` says."""
        self.on = False
        self.now = Settings()
        self.waiting = False
        self.last = []
        self.apply()

    def settings(self, call: Call) -> object:  # noqa: ARG002 - one channel
        """Return the settings that ``*RST`` resets."""
        return self.now

    def limit_a(self) -> float:
        """Return the current limit in force: compliance, or 105 % of a fixed measure range if that is less."""
        now = self.now
        return now.protection_a if now.range_a_auto else min(now.protection_a, reading.HEADROOM * now.range_a)

    def apply(self) -> None:
        """Bring level, limit, off state and guard to the terminals."""
        now = self.now
        wanted = {
            "on": self.on,
            "off_state": {"NORM": "normal", "ZERO": "zero"}.get(now.off_state, "highz"),
            "off_limit_a": 0.005 * now.range_a,
            "guard": now.guard == "OHMS",
            **reading.as_voltage_source(now.function, now.level_v, self.limit_a(), now.level_a, now.protection_v),
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
        return self.on and at_limit == (self.now.function == "VOLT")

    # ------------------------------------------------------------------ messages beyond settings

    def error_text(self, code: int) -> str:
        """Write an error as the 2400 does, without a sign before zero."""
        return super().error_text(code).removeprefix("+") if code == 0 else super().error_text(code)

    def status_bits(self) -> int:
        """Measurement summary in bit 0, questionable in 3, operation in 7."""
        return self.measurement.summary | self.questionable.summary << 3 | self.operation.summary << 7

    def preset_status(self) -> None:
        """Clear the enable masks."""
        for each in (self.measurement, self.operation, self.questionable):
            each.enable = 0

    def trigger(self) -> None:
        """Start the cycles that wait for a bus trigger."""
        if not self.waiting:
            raise ScpiError(-210)
        self.waiting = False
        self.last = acquired(self)

    @property
    def starts_at_once(self) -> bool:
        """Whether nothing but ``:INIT`` is needed to start the trigger model."""
        return self.now.arm_source in ("IMM", "TIM") and self.now.trigger_source == "IMM"

    def initiate(self) -> None:
        """Start the trigger model, or have it wait for ``*TRG``."""
        if not self.on and not self.now.clear_auto:
            raise ScpiError(802)
        if self.waiting:
            raise ScpiError(-213)
        if self.starts_at_once:
            self.last = acquired(self)
        else:
            self.waiting = True

    def configure(self, function: str) -> None:
        """Make ready for one reading of a function: the trap of ``:MEAS?``, it turns the output on (page 17-3)."""
        now = self.now
        now.measured = {function}
        now.arm_count = now.trigger_count = 1
        now.trigger_delay_s = 0.0
        now.arm_source = now.trigger_source = "IMM"
        now.autozero = True
        if function == "CURR":
            now.range_a_auto = True
        self.switch(True)

    def fetched(self) -> str:
        """Write the latest readings."""
        if not self.last:
            raise ScpiError(-230)
        return ",".join(each.text(self.now.elements) for each in self.last)
