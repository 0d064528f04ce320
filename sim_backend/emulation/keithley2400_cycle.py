"""The source-delay-measure cycle of an emulated Keithley 2400: timing, sweeps, automatic range and the reading.

A cycle is trigger delay, 0.1 ms of trigger latency (user's manual, Figure 6-1), the new level, the source delay, and
the integration: one power-line cycle times NPLC, three times that with autozero. Time passes in the world only. With
automatic output-off the output is on from the new level to the end of the integration, which makes a pulse (page
13-10). If a reading has to change the range, source, delay and measurement are repeated on it (page 7-3). Automatic
delay is 1 ms on every range, an assumption.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from . import scpi_reading as reading
from .keithley2400_settings import RANGES_A, RANGES_V
from .scpi_status import ScpiError
from .scpi_values import NOT_MEASURED, OVERFLOW, nr3

if TYPE_CHECKING:
    from .keithley2400 import Keithley2400

LATENCY_S = 1e-4
AUTO_DELAY_S = 1e-3
PROCESSING_S = 1 / 1551 - 0.01 / 60 - LATENCY_S
"""What is left of a cycle at 1551 readings a second, NPLC 0.01 and 60 Hz (data sheet SPEC-2400)."""
BUFFER_FULL, READING_AVAILABLE, IN_COMPLIANCE = 1 << 9, 1 << 6, 1 << 14
"""Bits of the measurement event register (appendix B)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The five data elements of one reading."""

    volt: float
    ampere: float
    ohm: float
    time_s: float
    status: int

    def numbers(self) -> tuple[float, ...]:
        """Return the elements in the order of Figure 18-1."""
        return self.volt, self.ampere, self.ohm, self.time_s, float(self.status)

    def text(self, elements: tuple[str, ...]) -> str:
        """Write the elements that are asked for."""
        named = zip(("VOLT", "CURR", "RES", "TIME", "STAT"), self.numbers(), strict=True)
        return ",".join(nr3(value) for name, value in named if name in elements)


@dataclass
class Buffer:
    """The reading buffer (``:TRAC``)."""

    points: int = 100
    storing: bool = False
    readings: list[Reading] = field(default_factory=list)


def acquired(smu: "Keithley2400") -> list[Reading]:
    """Run the trigger model and return its readings."""
    now = smu.now
    fixed = now.level_v
    levels = _levels(smu)
    readings = []
    for number in range(now.arm_count * now.trigger_count):
        if number and number % now.trigger_count == 0 and now.arm_source == "TIM":
            smu.world.wait(now.arm_timer_s)
        smu.world.wait(now.trigger_delay_s + LATENCY_S)
        if levels:
            now.level_v = levels[number % len(levels)]
        elif now.trigger_v is not None:
            now.level_v, now.trigger_v = now.trigger_v, None
        smu.switch(True)
        readings.append(_cycle(smu))
        if now.clear_auto:
            smu.switch(False)
        if smu.processing_s:
            smu.world.wait(smu.processing_s)
    if levels and smu.level_after_list == "fixed":
        now.level_v = fixed
        smu.apply()
    _store(smu, readings)
    return readings


def _levels(smu: "Keithley2400") -> list[float]:
    """Return the levels of a sweep, none if the source is fixed; a range that cannot hold them is an error."""
    now = smu.now
    if now.mode == "FIX" or now.function != "VOLT":
        return []
    levels = now.list_v if now.mode == "LIST" else [float(v) for v in np.linspace(now.start_v, now.stop_v, now.points)]
    largest = max(map(abs, levels))
    if now.range_v_auto:
        now.range_v = reading.range_holding(RANGES_V, largest)
    elif largest > now.range_v * reading.HEADROOM:
        raise ScpiError(-221)
    return levels


def _cycle(smu: "Keithley2400") -> Reading:
    now = smu.now
    delay_s = AUTO_DELAY_S if now.delay_auto else now.delay_s
    integration_s = now.nplc / smu.line_hz * (3 if now.autozero else 1)
    channel = smu.channels[0]
    for _ in RANGES_A:
        smu.world.wait(delay_s + integration_s)
        ampere, at_limit = smu.world.measure(channel)
        if not now.range_a_auto or now.function != "VOLT":
            break
        most = reading.range_holding(RANGES_A, now.protection_a)
        fitting = min(reading.range_holding(RANGES_A, ampere), most)
        if fitting == now.range_a:
            break
        now.range_a = fitting
        smu.apply()
    limited = at_limit == (now.function == "VOLT")
    return _reading(smu, ampere, limited)


def _reading(smu: "Keithley2400", ampere: float, limited: bool) -> Reading:
    now = smu.now
    sourcing_v = now.function == "VOLT"
    volt = smu.world.volt(f"{smu.channels[0]}.hi")
    range_v = now.range_v if sourcing_v else now.sense_range_v
    if not sourcing_v and now.sense_range_v_auto:
        range_v = now.sense_range_v = reading.range_holding(RANGES_V, volt)
    range_a = now.range_a if sourcing_v else now.source_range_a
    seen_a = reading.digitised(ampere, range_a, now.nplc, smu.rng, smu.world.resolution)
    seen_v = reading.digitised(volt, range_v, now.nplc, smu.rng, smu.world.resolution)
    ohm = NOT_MEASURED
    if "RES" in now.measured:
        beyond = OVERFLOW in (abs(seen_a), abs(seen_v)) or seen_a == 0
        ohm = OVERFLOW if beyond else seen_v / seen_a
    shown_v = seen_v if "VOLT" in now.measured else now.level_v if sourcing_v else NOT_MEASURED
    shown_a = seen_a if "CURR" in now.measured else now.level_a if not sourcing_v else NOT_MEASURED
    real = limited and (not sourcing_v or now.range_a_auto or now.protection_a <= reading.HEADROOM * now.range_a)
    bits = {
        0: OVERFLOW in (abs(shown_a), abs(shown_v), abs(ohm)),
        2: smu.terminals == "FRON",
        3: real,
        11: "VOLT" in now.measured,
        12: "CURR" in now.measured,
        13: "RES" in now.measured,
        14: sourcing_v,
        15: not sourcing_v,
        16: limited and not real,
        22: now.remote_sense,
    }
    status = sum(1 << bit for bit, found in bits.items() if found)
    smu.measurement.latch(READING_AVAILABLE | (IN_COMPLIANCE if limited else 0))
    return Reading(shown_v, shown_a, ohm, smu.world.clock.now() - smu.started_s, status)


def _store(smu: "Keithley2400", readings: list[Reading]) -> None:
    buffer = smu.buffer
    if buffer.storing:
        buffer.readings = [*buffer.readings, *readings][: buffer.points]
        if len(buffer.readings) == buffer.points:
            buffer.storing = False
            smu.measurement.latch(BUFFER_FULL)
