"""Keithley 2400, 2401 and 2410 SourceMeters over SCPI: one source channel with an ohms guard. Emulated only.

PyMeasure has a `Keithley2400`. It is not used here, because its measurements send ``:MEAS:*?``, which switches the
output on and sets source delay, trigger and autozero anew, its constructor writes to the instrument, its ``shutdown``
asks before it acts, and it has neither guard, compliance query nor pulse. Names of properties that both have agree.

Pages are those of the Keithley 2400 Series user's manual.
"""

from collections.abc import Sequence
from functools import partial

from crossbar_hil.errors import ConfigError, InstrumentError
from crossbar_hil.instrument import Reading, SourceSettings

from .scpi.answers import number, records, register
from .scpi.bounds import SourceLimits
from .scpi.meter import ScpiMeter
from .scpi.properties import offers, tripped_property
from .scpi.source import ScpiSource
from .settings.keithley2400 import SETTINGS, SETTLE_S
from .settings.setting import SHORTEST_READING_NPLC
from .transport.adapter import allowing

_DECADES_A = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
MODELS = {
    "2400": SourceLimits((0.2, 2.0, 20.0, 200.0), _DECADES_A, ((20.0, 1.05), (200.0, 0.105))),
    "2401": SourceLimits((0.2, 2.0, 20.0), _DECADES_A, ((20.0, 1.05),)),
    "2410": SourceLimits(
        (0.2, 2.0, 20.0, 1000.0), (1e-6, 1e-5, 1e-4, 1e-3, 2e-2, 0.1, 1.0), ((20.0, 1.05), (1000.0, 0.021))
    ),
}
"""Ranges and largest current limits (2400 Series user's manual, pages 18-62 and 18-63; SPEC-2400, source limits)."""
LEAST_SHARE = 1e-3
"""Smallest compliance as a share of the measure range (SPEC-2400, source specifications)."""
IN_COMPLIANCE = 1 << 3 | 1 << 16
"""Bits of the status element: real and range compliance (page 18-50)."""
READ_EVENTS, READING_AVAILABLE = ":STAT:MEAS?", 1 << 6
"""How the measurement events are asked for and cleared, and the bit of a reading that has come in (appendix B)."""
POINT_S = 0.68e-3
"""What a point of a list takes besides its source delay: 1551 points a second at 60 Hz (SPEC-2400), 0.03 ms more at
50 Hz; trigger latency, integration at `SHORTEST_READING_NPLC` and processing. Good to 0.2 ms."""
MOST_POINTS = 99
"""One command takes a list of up to 100 voltages (page 18-91)."""
SHAPING = (
    "source_mode", "source_voltage_range", "guard_mode",
    "sweep_range_mode", "sweep_direction", "list_start", "sweep_abort", "output_off_auto_enabled",
    "source_delay_auto_enabled", "compliance_current", "current_range", "filter_enabled", "autozero", "arm_source",
    "arm_count", "trigger_source", "trigger_delay", "data_format", "elements",
)  # fmt: skip
"""Settings that make a list of pulses longer, higher, more or other than asked for, or its readings unreadable."""


@offers(SETTINGS)
class Keithley2400(ScpiSource):
    """A Keithley 2400 as one source channel.

    It has no pulse mode, so pulses are list sweeps 0, V, 0, ... All points of a list last equally long, so as much time
    at 0 V lies before, between and after. A pulse lasts for the source delay, in steps of 10 us, plus `POINT_S`; no
    jitter is published, 0.2 ms are assumed. So 50 ms are good to 0.4 % and 1 ms to 20 %.
    """

    model_name = "Keithley 2400"
    table = SETTINGS
    limits = MODELS["2400"]
    least_share = LEAST_SHARE
    has_guard = True
    shortest_pulse_s = 1e-3

    compliance_tripped = tripped_property(":SENS:CURR:PROT:TRIP?")

    train_widths = (2, 1)  # as much time at 0 V lies before, between and after

    def clock_s(self) -> float:
        """Ask the timer, in seconds since power-on (:SYSTem:TIME?, chapter 18); it shows milliseconds."""
        return self.query(":SYST:TIME?", number)

    def output_off(self) -> None:
        """Abort a sweep, go to 0 V and switch the output off, by writing only."""
        self.blind(":ABOR", ":SOUR:VOLT:MODE FIX", ":SOUR:VOLT 0", ":OUTP OFF")

    # ------------------------------------------------------------------ inside

    def _reading_queries(self) -> list[str]:
        return [":READ?"]  # which leaves the settings as they are

    def _reading_of(self, answers: Sequence[str]) -> Reading:
        ((current, status),) = self.parse_answer(":READ?", answers[0], partial(records, count=1, size=3, places=(1, 2)))
        return Reading(current, bool(round(status) & IN_COMPLIANCE))

    def _start_readings(self, channels: Sequence[ScpiMeter]) -> None:  # noqa: ARG002 - there is one
        """Start the trigger model; the event that a reading has come in is cleared before.

        No command is carried out while it runs (page 11-13), so nothing can be asked until the reading is there.
        """
        self.query(READ_EVENTS, register)
        self.write(":INIT")

    def _fetch_queries(self) -> list[str]:
        return [":FETC?", READ_EVENTS]

    def _fetched(self, answers: Sequence[str]) -> Reading:
        if not self.parse_answer(READ_EVENTS, answers[1], register) & READING_AVAILABLE:
            raise InstrumentError(f"{self.name} has no reading since one was begun")
        return self._reading_of(answers[:1])

    def _limit_query(self) -> str:
        return ":SENS:CURR:PROT:TRIP?"

    def _ranges(self, settings: SourceSettings) -> tuple[float, float]:
        range_v, range_a = super()._ranges(settings)
        if settings.guard and (range_a >= 1 or settings.compliance_a > 0.105):
            raise ConfigError(f"{self.name}: guard does not go with the 1 A range; compliance_a must be up to 0.105")
        return range_v, range_a

    def _pulse(self, settings: SourceSettings, amplitude_v: float, width_s: float, count: int) -> list[Reading]:
        """Send pulses as list sweeps of as many as one list holds."""
        readings: list[Reading] = []
        while len(readings) < count:
            readings += self._sweep(amplitude_v, width_s, min(count - len(readings), MOST_POINTS // 2))
        # In list mode a level is refused (page 18-78), and the rest of the message with it (page 14-12).
        self.apply_together(
            ":SOUR:VOLT:MODE FIX",
            ":SOUR:VOLT 0",
            ":TRIG:COUN 1",
            f":SOUR:DEL {SETTLE_S:.5f}",
            f":SENS:CURR:NPLC {settings.nplc:.9e}",
        )
        return readings

    def _sweep(self, amplitude_v: float, width_s: float, count: int) -> list[Reading]:
        """Send pulses as one list sweep; the list begins and ends with 0 V.

        All that shapes a pulse is written twice: once to see that it is taken, and once in the message that starts the
        sweep, so that no setting that another hand makes in between reaches a pulse.
        """
        points = 2 * count + 1
        voltages = ",".join(f"{amplitude_v:.6e}" if place % 2 else "0" for place in range(points))
        lines = (
            *self._again(*SHAPING),
            f":SENS:CURR:NPLC {SHORTEST_READING_NPLC:.9e}",
            f":SOUR:DEL {width_s - POINT_S:.5f}",
            f":SOUR:LIST:VOLT {voltages}",
            ":SOUR:VOLT:MODE LIST",
            f":TRIG:COUN {points}",
        )
        self.apply_together(*lines)
        with allowing(self.adapter, points * (width_s + 1e-3)):
            found = self.query(";".join((*lines, ":READ?")), partial(records, count=points, size=3, places=(1, 2)))
        return [Reading(current, bool(round(status) & IN_COMPLIANCE)) for current, status in found[1::2]]


Keithley2401 = Keithley2400.variant(
    "Keithley2401", "A Keithley 2401, which has no 200 V range.", model_name="Keithley 2401", limits=MODELS["2401"]
)
Keithley2410 = Keithley2400.variant(
    "Keithley2410", "A Keithley 2410, for up to 1000 V.", model_name="Keithley 2410", limits=MODELS["2410"]
)
