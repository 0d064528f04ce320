"""Keithley 2400 SourceMeter over SCPI: one source channel with an ohms guard. Emulated only.

PyMeasure has a `Keithley2400`. It is not used here, because its measurements send ``:MEAS:*?``, which switches the
output on and sets source delay, trigger and autozero anew, its constructor writes to the instrument, its ``shutdown``
asks before it acts, and it has neither guard, compliance query nor pulse. Names of properties that both have agree.

Pages are those of the Keithley 2400 Series user's manual.
"""

from functools import partial

from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import Reading, SourceSettings

from .scpi.answers import flag, range_bounds, records
from .scpi.properties import number_property, switch_property, tripped_property, word_property
from .scpi.source import SHORTEST_READING_NPLC, ScpiSource, parse_terminals
from .settings.setting import Expected
from .transport.adapter import allowing

RANGES_V = (0.2, 2.0, 20.0, 200.0)
RANGES_A = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
LEAST_SHARE = 1e-3
"""Smallest compliance as a share of the measure range (SPEC-2400, source specifications)."""
IN_COMPLIANCE = 1 << 3 | 1 << 16
"""Bits of the status element: real and range compliance (page 18-50)."""
ELEMENTS = "VOLT,CURR,STAT"
"""What a record of a reading holds, in the order of Figure 18-1; the voltage is not measured, so not looked at."""
SETTLE_S = 1e-3
"""Source delay of a reading outside pulses, as after reset (page 1-18)."""
POINT_S = 0.68e-3
"""What a point of a list takes besides its source delay: 1551 points a second at 60 Hz (SPEC-2400), 0.03 ms more at
50 Hz; trigger latency, integration at `SHORTEST_READING_NPLC` and processing. Good to 0.2 ms."""
MOST_POINTS = 99
"""One command takes a list of up to 100 voltages (chapter 18, list)."""


class Keithley2400(ScpiSource):
    """A Keithley 2400 as one source channel.

    It has no pulse mode, so pulses are list sweeps 0, V, 0, ... All points of a list last equally long, so as much time
    at 0 V lies before, between and after. A pulse lasts for the source delay, in steps of 10 us, plus `POINT_S`; no
    jitter is published, 0.2 ms are assumed. So 50 ms are good to 0.4 % and 1 ms to 20 %.
    """

    model_name = "Keithley 2400"
    ranges_v = RANGES_V
    ranges_a = RANGES_A
    least_share = LEAST_SHARE
    least_compliance_a = RANGES_A[0] * LEAST_SHARE
    has_guard = True
    shortest_pulse_s = 1e-3

    source_voltage_range = number_property(":SOUR:VOLT:RANG", "the source range in volts, which is fixed by it", 0, 210)
    source_delay = number_property(
        ":SOUR:DEL", "the time from a source level to its reading in seconds", 0, 9999.999, form="%.5f"
    )
    compliance_current = number_property(":SENS:CURR:PROT", "the current limit in amperes", 1e-9, 1.05)
    output_enabled = switch_property(":OUTP", "the output is on")
    output_off_state = word_property(":OUTP:SMOD", "what the output does while off", "HIMP", "NORM", "ZERO", "GUAR")
    guard_mode = word_property(":SYST:GUAR", "the guard, OHMS at low impedance and CABL for cables", "OHMS", "CABL")
    compliance_tripped = tripped_property(":SENS:CURR:PROT:TRIP?")

    def measure(self) -> Reading:
        """Measure the current at the present voltage, by one ``:READ?``, which leaves the settings as they are."""
        if self._settings is None:
            self._prepared()
        ((current, status),) = self.query(":READ?", partial(records, count=1, size=3, places=(1, 2)))
        return Reading(current, bool(round(status) & IN_COMPLIANCE))

    def output_off(self) -> None:
        """Abort a sweep, go to 0 V and switch the output off, by writing only."""
        self.blind(":ABOR", ":SOUR:VOLT 0", ":OUTP OFF", ":SOUR:VOLT:MODE FIX")

    def limit_tripped(self) -> bool:
        """Ask whether the source is at its current limit now."""
        return self.query(":SENS:CURR:PROT:TRIP?", flag)

    # ------------------------------------------------------------------ inside

    def _set_up(self, settings: SourceSettings, range_v: float, range_a: float) -> dict[str, Expected]:
        """Reset and set everything, and return what must read back.

        The compliance is set before the measure range, whose choice it limits (note 3, page 18-62). While off, the
        output is a soft 0 V (state normal), with the ohms guard open but for a 0.5 % voltage limit (state guard, as
        page 2-13 requires).
        """
        off_state = "GUAR" if settings.guard else "NORM"
        guard = "OHMS" if settings.guard else "CABL"
        terminals = self.query(":ROUT:TERM?", parse_terminals)
        self.write("*RST")
        self.write("*CLS")
        self.apply(
            ":SOUR:FUNC VOLT",
            ":SOUR:VOLT:MODE FIX",
            f":ROUT:TERM {terminals}",
            f":SOUR:VOLT:RANG {range_v:.9e}",
            ":SOUR:VOLT 0",
            f":OUTP:SMOD {off_state}",
            f":SYST:GUAR {guard}",
            ":SYST:RSEN OFF",
            f":SENS:CURR:PROT {settings.compliance_a:.9e}",
            ":SENS:FUNC:OFF:ALL",
            ":SENS:FUNC 'CURR'",
            f":SENS:CURR:RANG {range_a:.9e}",
            f":SENS:CURR:NPLC {settings.nplc:.9e}",
            ":SYST:AZER ONCE",
            ":SYST:AZER OFF",
            f":FORM:ELEM {ELEMENTS}",
            ":SOUR:CLE:AUTO OFF",
            ":SOUR:DEL:AUTO OFF",
            f":SOUR:DEL {SETTLE_S:.5f}",
            ":ARM:COUN 1",
            ":TRIG:COUN 1",
        )
        return {
            ":SOUR:FUNC?": "VOLT",
            ":SOUR:VOLT:MODE?": "FIX",
            ":SOUR:VOLT:RANG?": range_bounds(range_v),
            ":SOUR:VOLT?": 0.0,
            ":SENS:CURR:PROT?": settings.compliance_a,
            ":SENS:FUNC?": "CURR",
            ":SENS:CURR:RANG?": range_bounds(range_a),
            ":SENS:CURR:NPLC?": settings.nplc,
            ":FORM:ELEM?": ELEMENTS,
            ":OUTP:SMOD?": off_state,
            ":SYST:GUAR?": guard,
            ":SYST:RSEN?": False,
            ":SOUR:CLE:AUTO?": False,
        }

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
        # The level that a sweep leaves behind is not documented, so it is set before the mode that would source it.
        self.apply_together(
            ":SOUR:VOLT 0",
            ":SOUR:VOLT:MODE FIX",
            ":TRIG:COUN 1",
            f":SOUR:DEL {SETTLE_S:.5f}",
            f":SENS:CURR:NPLC {settings.nplc:.9e}",
        )
        return readings

    def _sweep(self, amplitude_v: float, width_s: float, count: int) -> list[Reading]:
        """Send pulses as one list sweep; the list begins and ends with 0 V."""
        points = 2 * count + 1
        voltages = ",".join(f"{amplitude_v:.6e}" if place % 2 else "0" for place in range(points))
        self.apply_together(
            f":SENS:CURR:NPLC {SHORTEST_READING_NPLC:.9e}",
            f":SOUR:DEL {width_s - POINT_S:.5f}",
            f":SOUR:LIST:VOLT {voltages}",
            ":SOUR:VOLT:MODE LIST",
            f":TRIG:COUN {points}",
        )
        with allowing(self.adapter, points * (width_s + 1e-3)):
            found = self.query(":READ?", partial(records, count=points, size=3, places=(1, 2)))
        return [Reading(current, bool(round(status) & IN_COMPLIANCE)) for current, status in found[1::2]]
