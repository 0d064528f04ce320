"""The state of an emulated Keithley 2400, its limits, and the terminals they make.

Page numbers are of the Keithley 2400 Series user's manual.
"""

from typing import Literal

import numpy as np

from ...scpi import reading
from ...scpi.format import DataFormat
from ...scpi.messages import Call
from ...scpi.smu import SmuInstrument
from ...scpi.source import Source
from ...scpi.status import ScpiError
from ...world.terminals import Terminal
from ...world.world import World
from .records import Buffer, Record
from .settings import RANGES_A, TEST_CURRENTS_A, Settings

RECONNECT_S = 15e-3
"""The output relay of off state HIMP settles for so long (page 13-10)."""
LEVEL_S, LEVEL_AUTO_S = 7e-3, 10e-3
"""From a command to the new level with fixed and automatic source range (data sheet SPEC-2400)."""
LATENCY_S = 1e-4
"""Trigger latency (Figure 6-1)."""
PROCESSING_S = 1 / 1551 - 0.01 / 60 - LATENCY_S
"""What is left of a cycle at 1551 readings a second, NPLC 0.01 and 60 Hz (data sheet SPEC-2400)."""
LEAST_SHARE = 1e-3
"""Smallest compliance as a share of the measure range (data sheet SPEC-2400)."""
IDLE, WAITING_FOR_ARM = 1 << 10, 1 << 6
"""Bits of the operation condition register (appendix B)."""


class Keithley2400State(SmuInstrument):
    """What every command of a 2400 acts on.

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
        self.terminals = "FRON"
        self.operation.condition = IDLE
        self.buffer = Buffer()
        self.last: list[Record] = []
        self.waiting = False
        self.endless = False
        self.on = False
        self.now = Settings()
        self._driven: dict[str, object] = {}
        world.add_source(self.channels[0], Terminal(limit_a=1.05e-4, off_state="normal", off_limit_a=5e-7))
        self.apply()

    def reset(self) -> None:
        """Output off, then everything as `Settings` says."""
        self.on = False
        self.now = Settings()
        self.format = DataFormat()
        self.abort()
        self.last = []
        self.apply()

    def abort(self) -> None:
        """Return the trigger model to idle."""
        self.waiting = self.endless = False
        self.operation.change(WAITING_FOR_ARM, False)
        self.operation.change(IDLE, True)

    def settings(self, call: Call) -> Settings:  # noqa: ARG002 - one channel
        """Return the settings that ``*RST`` resets."""
        return self.now

    def setpoint(self) -> tuple[str, float, float]:
        """Return what is sourced now: function, volts, amperes; automatic resistance chooses a current by itself."""
        now = self.now
        if now.automatic_ohms:
            return "CURR", 0.0, TEST_CURRENTS_A[now.sense["RES"].range]
        return now.function, now.source["VOLT"].level, now.source["CURR"].level

    def limit_is_compliance(self) -> bool:
        """Whether the limit in force is the programmed one, and not 105 % of a fixed measure range."""
        now, sense = self.now, self.now.sense["CURR"]
        return self.setpoint()[0] != "VOLT" or sense.auto or now.protection_a <= reading.HEADROOM * sense.range

    def limit_a(self) -> float:
        """Return the current limit in force, in amperes."""
        now = self.now
        return now.protection_a if self.limit_is_compliance() else reading.HEADROOM * now.sense["CURR"].range

    def apply(self) -> None:
        """Bring level, limit, off state and guard to the terminals."""
        now = self.now
        function, level_v, level_a = self.setpoint()
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
        return self.on and at_limit == (self.setpoint()[0] == "VOLT")

    def before_level(self, source: Source) -> None:
        """Let the time pass from a command to the new level."""
        if self.on:
            self.world.wait(LEVEL_AUTO_S if source.auto else LEVEL_S)

    def before_range(self, call: Call, function: str, wanted: float) -> None:  # noqa: ARG002 - one channel
        """Refuse a current range that compliance or guard do not allow (note 3, page 18-62): PROT first, then RANG."""
        now = self.now
        if function != "CURR":
            return
        if wanted > reading.range_holding(RANGES_A, now.protection_a) or now.protection_a < LEAST_SHARE * wanted:
            raise ScpiError(824)
        self.check_guard(now.guard, wanted)

    def check_guard(self, guard: str, range_a: float) -> None:
        """Refuse the ohms guard together with the largest current range."""
        if guard == "OHMS" and range_a == RANGES_A[-1]:
            raise ScpiError(827)

    def upper_range(self, call: Call, function: str) -> float:  # noqa: ARG002 - one channel
        """Return the range of the compliance, or the upper limit that was set for resistance."""
        now = self.now
        if function == "RES":
            return now.sense["RES"].highest
        limit = now.protection_a if function == "CURR" else now.protection_v
        return reading.fitting(now.sense[function].ranges, limit)

    def error_text(self, code: int) -> str:
        """Write an error as the 2400 does, without a sign before zero."""
        return super().error_text(code).removeprefix("+") if code == 0 else super().error_text(code)
