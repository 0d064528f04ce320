"""The state of an emulated Keithley 2400, its limits, and the terminals they make.

Page numbers are of the Keithley 2400 Series user's manual.
"""

from typing import Any, ClassVar, Literal

import numpy as np

from ...scpi import reading
from ...scpi.format import DataFormat
from ...scpi.messages import Call
from ...scpi.smu import SmuInstrument
from ...scpi.source import Source
from ...scpi.status import ScpiError
from ...world.terminals import Terminal
from ...world.world import World
from .limits import FULL_POWER_V, LIMITS, TEST_CURRENTS_A, Limits
from .records import Buffer, Record
from .settings import Settings

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
INPUT_OHM = 1e10
"""Smallest input resistance (data sheet SPEC-2400), whose current alone is read while nothing is connected."""
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

    limits: ClassVar[Limits] = LIMITS["2400"]
    every_error_ends_message = True  # page B-9
    setup_names = ("now", "format", "register_base", "terminals")

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
        self.register_base = "ASC"
        self.memory: dict[int, dict[str, Any]] = {}
        """Setups of the source memory by location, which no reset forgets."""
        self.on = False
        self.now = Settings.of(self.limits)
        self._driven: dict[str, object] = {}
        world.add_source(self.channels[0], Terminal(limit_a=1.05e-4, off_state="normal", off_limit_a=5e-7))
        self.apply()

    def reset(self) -> None:
        """Output off, then everything as `Settings` says, at the front terminals (table 18-5)."""
        self.on = False
        self.terminals = "FRON"
        self.now = Settings.of(self.limits)
        self.register_base = "ASC"
        self.format = DataFormat()
        self.abort()
        self.last = []
        self.apply()

    def restore_factory(self) -> None:
        """Return to the state of the bench, which is what setups hold at first (page 16-4).

        It differs from ``*RST`` in the order of bytes and in the over-voltage limit (notes of tables 18-3 and 18-7).
        """
        self.reset()
        self.format.swapped = True
        self.now.over_voltage_v = 40.0
        self.apply()

    def abort(self) -> None:
        """Return the trigger model to idle."""
        self.acquisition.cancel()
        self.waiting = self.endless = False
        self.operation.change(WAITING_FOR_ARM, False)
        self.operation.change(IDLE, True)

    def settings(self, call: Call) -> Settings:  # noqa: ARG002 - one channel
        """Return the settings that ``*RST`` resets."""
        return self.now

    def setpoint(self) -> tuple[str, float, float]:
        """Return what is sourced now: function, volts, amperes; automatic resistance chooses a current by itself.

        Volts end at the over-voltage limit, and in a sweep at what a range holds (pages 18-81 and 18-83).
        """
        now = self.now
        if now.automatic_ohms:
            return "CURR", 0.0, TEST_CURRENTS_A[now.sense["RES"].range]
        source = now.source["VOLT"]
        most = min(now.over_voltage_v, source.most if source.range == source.ranges[-1] else 1.05 * source.range)
        return now.function, min(max(source.level, -most), most), now.source["CURR"].level

    def voltage_limit_v(self) -> float:
        """Return the voltage that a current source does not exceed: the compliance, or the over-voltage limit."""
        return min(self.now.protection_v, self.now.over_voltage_v)

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
            **reading.as_voltage_source(function, level_v, self.limit_a(), level_a, self.voltage_limit_v()),
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
        """Refuse a level in list and sweep mode (page 18-78); let the time pass from a command to the new level."""
        if source.mode != "FIX":
            raise ScpiError(-221)
        if self.on:
            self.world.wait(LEVEL_AUTO_S if source.auto else LEVEL_S)

    def before_range(self, call: Call, function: str, wanted: float) -> None:  # noqa: ARG002 - one channel
        """Refuse the range of what is sourced, and one above that of the compliance (notes of page 18-62)."""
        now = self.now
        if function == now.function:
            raise ScpiError(823)
        if function != "CURR":
            return
        if wanted > reading.range_holding(self.limits.ranges_a, now.protection_a):
            raise ScpiError(824)
        self.check_guard(now.guard, wanted)

    def before_source_range(self, source: Source, wanted: float) -> None:
        """Refuse a voltage range on which the compliance is too much power (page 18-62, note 4)."""
        if source is self.now.source["VOLT"]:
            self.check_power(wanted, self.now.protection_a)

    def check_power(self, range_v: float, limit_a: float) -> None:
        """Refuse a current limit that is too much power on a voltage range."""
        if range_v > FULL_POWER_V and limit_a > self.limits.most_a_high * (1 + 1e-9):
            raise ScpiError(826)

    def check_guard(self, guard: str, range_a: float) -> None:
        """Refuse the ohms guard together with the largest current range."""
        if guard == "OHMS" and range_a == self.limits.ranges_a[-1]:
            raise ScpiError(827)

    def upper_range(self, call: Call, function: str) -> float:  # noqa: ARG002 - one channel
        """Return the range of the compliance, or the upper limit that was set for resistance."""
        now = self.now
        if function == "RES":
            return now.sense["RES"].highest
        limit = now.protection_a if function == "CURR" else now.protection_v
        return reading.fitting(now.sense[function].ranges, limit)

    def register_text(self, value: int) -> str:
        """Write the value of a status register in the base that ``:FORM:SREG`` chose (page 18-55)."""
        return {"HEX": f"#H{value:X}", "OCT": f"#Q{value:o}", "BIN": f"#B{value:b}"}.get(self.register_base, str(value))

    def error_text(self, code: int) -> str:
        """Write an error as the 2400 does, without a sign before zero."""
        return super().error_text(code).removeprefix("+") if code == 0 else super().error_text(code)
