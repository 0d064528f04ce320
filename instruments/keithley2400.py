"""Keithley 2400 SourceMeter over SCPI: one source channel with an ohms guard. Emulated only.

PyMeasure has a `Keithley2400`. It is not used here, because its measurements send ``:MEAS:*?``, which switches the
output on and sets source delay, trigger and autozero anew, its constructor writes to the instrument, its ``shutdown``
asks before it acts, and it has neither guard, compliance query nor pulse. Names of properties that both have agree.

Pages are those of the Keithley 2400 Series user's manual.
"""

from typing import Any

from pymeasure.adapters.adapter import Adapter
from pymeasure.instruments.instrument import Instrument
from pymeasure.instruments.validators import strict_discrete_set, strict_range

from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import Reading, SourceSettings

from .scpi.answers import Expected, fields, flag, held, number
from .scpi.bounds import check_settings, smallest_range
from .scpi.source import SHORTEST_READING_NPLC, ScpiSource, parse_terminals
from .transport.adapter import allowing

RANGES_V = (0.2, 2.0, 20.0, 200.0)
RANGES_A = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
LEAST_SHARE = 1e-3
"""Smallest compliance as a share of the measure range (SPEC-2400, source specifications)."""
IN_COMPLIANCE = 1 << 3 | 1 << 16
"""Bits of the status element: real and range compliance (page 18-50)."""
ELEMENTS = "VOLT,CURR,STAT"
"""What a record of a reading holds, in the order of Figure 18-1."""
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

    least_compliance_a = RANGES_A[0] * LEAST_SHARE
    has_guard = True
    shortest_pulse_s = 1e-3

    def __init__(self, adapter: Adapter | str | int, name: str = "Keithley 2400", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)

    source_voltage = Instrument.control(
        ":SOUR:VOLT?",
        ":SOUR:VOLT %.9e",
        """Control the sourced voltage in volts (float strictly from -210 to 210).""",
        validator=strict_range,
        values=(-210, 210),
    )
    source_voltage_range = Instrument.control(
        ":SOUR:VOLT:RANG?",
        ":SOUR:VOLT:RANG %.9e",
        """Control the source range in volts (float strictly from 0 to 210), which fixes it.""",
        validator=strict_range,
        values=(0, 210),
    )
    source_delay = Instrument.control(
        ":SOUR:DEL?",
        ":SOUR:DEL %.5f",
        """Control the time from a source level to its reading in seconds (float strictly from 0 to 9999.999).""",
        validator=strict_range,
        values=(0, 9999.999),
    )
    compliance_current = Instrument.control(
        ":SENS:CURR:PROT?",
        ":SENS:CURR:PROT %.9e",
        """Control the current limit in amperes (float strictly from 1e-9 to 1.05).""",
        validator=strict_range,
        values=(1e-9, 1.05),
    )
    current_range = Instrument.control(
        ":SENS:CURR:RANG?",
        ":SENS:CURR:RANG %.9e",
        """Control the measure range in amperes (float strictly from 0 to 1.05), which fixes it.""",
        validator=strict_range,
        values=(0, 1.05),
    )
    current_nplc = Instrument.control(
        ":SENS:CURR:NPLC?",
        ":SENS:CURR:NPLC %.9e",
        """Control the integration time in power-line cycles (float strictly from 0.01 to 10).""",
        validator=strict_range,
        values=(0.01, 10),
    )
    output_enabled = Instrument.control(
        ":OUTP?",
        ":OUTP %s",
        """Control whether the output is on (bool).""",
        validator=strict_discrete_set,
        values={True: "ON", False: "OFF"},
        map_values=True,
        cast=str,
        get_process=lambda reply: "ON" if flag(reply) else "OFF",
    )
    output_off_state = Instrument.control(
        ":OUTP:SMOD?",
        ":OUTP:SMOD %s",
        """Control what the output does while off (str, strictly 'HIMP', 'NORM', 'ZERO' or 'GUAR').""",
        validator=strict_discrete_set,
        values=("HIMP", "NORM", "ZERO", "GUAR"),
        cast=str,
    )
    guard_mode = Instrument.control(
        ":SYST:GUAR?",
        ":SYST:GUAR %s",
        """Control the guard (str, strictly 'OHMS', at low impedance, or 'CABL', for cables).""",
        validator=strict_discrete_set,
        values=("OHMS", "CABL"),
        cast=str,
    )
    terminals = Instrument.control(
        ":ROUT:TERM?",
        ":ROUT:TERM %s",
        """Control which terminals are connected (str, strictly 'FRON' or 'REAR').""",
        validator=strict_discrete_set,
        values=("FRON", "REAR"),
        cast=str,
    )
    compliance_tripped = Instrument.measurement(
        ":SENS:CURR:PROT:TRIP?",
        """Get whether the source is at its current limit (bool).""",
        cast=str,
        get_process=flag,
    )

    def measure(self) -> Reading:
        """Measure the current at the present voltage, by one ``:READ?``, which leaves the settings as they are."""
        self._prepared()
        return self.query(":READ?", lambda reply: _readings(reply, 1))[0]

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
            ":SOUR:VOLT:RANG?": held(range_v),
            ":SOUR:VOLT?": 0.0,
            ":SENS:CURR:PROT?": settings.compliance_a,
            ":SENS:FUNC?": "CURR",
            ":SENS:CURR:RANG?": held(range_a),
            ":SENS:CURR:NPLC?": settings.nplc,
            ":FORM:ELEM?": ELEMENTS,
            ":OUTP:SMOD?": off_state,
            ":SYST:GUAR?": guard,
            ":SYST:RSEN?": False,
            ":SOUR:CLE:AUTO?": False,
        }

    def _ranges(self, settings: SourceSettings) -> tuple[float, float]:
        """Choose the ranges, or refuse what the model cannot do."""
        range_v = smallest_range(settings.range_v, RANGES_V, f"{self.name}: range_v")
        range_a = smallest_range(settings.range_a, RANGES_A, f"{self.name}: range_a")
        most_a = 1.05 if range_v <= 20 else 0.105
        check_settings(settings.compliance_a, range_a * LEAST_SHARE, most_a, f"{self.name}: compliance_a")
        if range_a > smallest_range(settings.compliance_a, RANGES_A, f"{self.name}: compliance_a"):
            raise ConfigError(
                f"{self.name}: range_a is {settings.range_a:g}, in a range above that of the compliance, "
                f"{settings.compliance_a:g}"
            )
        check_settings(settings.nplc, 0.01, 10.0, f"{self.name}: nplc")
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
            return self.query(":READ?", lambda reply: _readings(reply, points))[1::2]


def _readings(reply: str, count: int) -> list[Reading]:
    """Parse records of voltage, current and status; the voltage is not looked at, as it is not measured."""
    values = fields(reply, 3 * count)
    return [
        Reading(number(current), bool(round(number(status)) & IN_COMPLIANCE))
        for current, status in zip(values[1::3], values[2::3], strict=True)
    ]
