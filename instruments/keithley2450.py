"""Keithley 2450 SourceMeter over its own SCPI command set: one source channel. Emulated only.

PyMeasure has a `Keithley2450`. It is not used here, because it wants the instrument to emulate a 2400, its validators
clip what is out of range without a word, and it has neither limit query nor pulse.

Commands are those of the Model 2450 reference manual, chapter 6, SCPI command reference.
"""

from pymeasure.instruments.instrument import Instrument

from crossbar_hil.errors import ConfigError, GarbledReply
from crossbar_hil.instrument import Reading, SourceSettings

from .scpi.answers import flag, number, numbers, range_bounds
from .scpi.properties import number_property, tripped_property, word_property
from .scpi.source import SHORTEST_READING_NPLC, ScpiSource, parse_terminals
from .settings.setting import Expected
from .transport.adapter import allowing

RANGES_V = (0.02, 0.2, 2.0, 20.0, 200.0)
RANGES_A = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
LEAST_SHARE = 0.106
"""Smallest limit as a share of a fixed measure range (reference manual, smu.source.xlimit.level)."""
SETTLE_S = 1e-3
"""Source delay of a reading outside pulses."""
BLOCKS_S = 1.6e-3
"""What a pulse takes besides its delay block: the vendor's example script SimplePulse_SVMI states 1.6 ms for a pulse
that is nothing but on, one fast reading, off. How much it varies is not published; 1 ms is assumed."""
LIMITED = 1 << 5
"""Bit of a source status that says the level was limited (buffer.STAT_LIMIT)."""
LEVELS = "VoltCustomSweepList"
"""The configuration list that a list sweep makes: index 1 is 0 V, index 2 the amplitude."""
LANGUAGES = ("SCPI", "SCPI2400", "TSP")
"""The command sets that a 2450 has."""
MOST_IN_RUN = 1000
"""Pulses that are sent in one go."""


class Keithley2450(ScpiSource):
    """A Keithley 2450 as one source channel.

    Pulses are a trigger model that recalls the amplitude, waits, measures, and recalls 0 V, with the output on all the
    time; no amplitude is ever set by the host. A pulse lasts for the delay block plus `BLOCKS_S`, so 50 ms are good to
    2 % and 5 ms to 20 %; between two pulses lies as long a time at 0 V.
    """

    model_name = "Keithley 2450"
    ranges_v = RANGES_V
    ranges_a = RANGES_A
    least_share = LEAST_SHARE
    least_limit_a = least_compliance_a = 1e-9
    range_within_limit = False
    why_no_guard = "a 2450 drives only the guard of cables"
    shortest_pulse_s = 2e-3

    language = Instrument.measurement(
        "*LANG?",
        """Get the command set in use (str): 'SCPI', 'SCPI2400' or 'TSP'.""",
        cast=str,
    )
    source_voltage_range = number_property(":SOUR:VOLT:RANG", "the source range in volts, which is fixed by it", 0, 200)
    source_delay = number_property(
        ":SOUR:VOLT:DEL", "the time from a source level to its reading in seconds", 0, 10_000
    )
    compliance_current = number_property(":SOUR:VOLT:ILIM", "the current limit in amperes", 1e-9, 1.05)
    output_off_state = word_property(
        ":OUTP:VOLT:SMOD", "what the output does while off", "HIMP", "NORM", "ZERO", "GUAR"
    )
    compliance_tripped = tripped_property(":SOUR:VOLT:ILIM:TRIP?")

    def measure(self) -> Reading:
        """Measure the current at the present voltage, and ask whether it is limited."""
        self._prepared()
        return Reading(self.query(":READ?", number), self.limit_tripped())

    def output_off(self) -> None:
        """Abort the trigger model, go to 0 V and switch the output off, by writing only."""
        self.blind(":ABOR", ":SOUR:VOLT 0", ":OUTP OFF")

    def limit_tripped(self) -> bool:
        """Ask whether the source is at its current limit now."""
        return self.query(":SOUR:VOLT:ILIM:TRIP?", flag)

    # ------------------------------------------------------------------ inside

    def _set_up(self, settings: SourceSettings, range_v: float, range_a: float) -> dict[str, Expected]:
        """Reset and set everything, and return what must read back.

        The limit is set while the measure range is still automatic, since a fixed range refuses one below 10.6 % of
        it. While off, the output is a soft 0 V (state normal).
        """
        language = self.query("*LANG?", parse_language)
        if language != "SCPI":
            raise ConfigError(f"{self.name} speaks {language}, not SCPI; choose it in the instrument's system settings")
        terminals = self.query(":ROUT:TERM?", parse_terminals)
        self.write("*RST")
        self.write("*CLS")
        self.apply(
            ":SOUR:FUNC VOLT",
            f":ROUT:TERM {terminals}",
            f":SOUR:VOLT:RANG {range_v:.9e}",
            ":SOUR:VOLT 0",
            ":OUTP:VOLT:SMOD NORM",
            f":SOUR:VOLT:ILIM {settings.compliance_a:.9e}",
            ':SENS:FUNC "CURR"',
            ":SENS:CURR:RSEN OFF",
            f":SENS:CURR:RANG {range_a:.9e}",
            f":SENS:CURR:NPLC {settings.nplc:.9e}",
            ":SENS:AZER:ONCE",
            ":SENS:CURR:AZER OFF",
            ":SENS:COUN 1",
            ":SOUR:VOLT:READ:BACK OFF",
            f":SOUR:VOLT:DEL {SETTLE_S:.9e}",
        )
        return {
            ":SOUR:FUNC?": "VOLT",
            ":SOUR:VOLT:RANG?": range_bounds(range_v),
            ":SOUR:VOLT?": 0.0,
            ":SOUR:VOLT:ILIM?": settings.compliance_a,
            ":SENS:FUNC?": "CURR",
            ":SENS:CURR:RSEN?": False,
            ":SENS:CURR:RANG?": range_bounds(range_a),
            ":SENS:CURR:NPLC?": settings.nplc,
            ":SENS:CURR:AZER?": False,
            ":OUTP:VOLT:SMOD?": "NORM",
        }

    def _pulse(self, settings: SourceSettings, amplitude_v: float, width_s: float, count: int) -> list[Reading]:
        """Send pulses by a trigger model of seven blocks."""
        delay_s = width_s - BLOCKS_S
        self.apply_together(
            f":SENS:CURR:NPLC {SHORTEST_READING_NPLC:.9e}",
            f":SOUR:LIST:VOLT 0,{amplitude_v:.6e}",
            ":SOUR:SWE:VOLT:LIST 1,0,1",
            ':TRIG:LOAD "Empty"',
            ':TRIG:BLOC:BUFF:CLE 1,"defbuffer1"',
            f':TRIG:BLOC:CONF:REC 2,"{LEVELS}",2',
            f":TRIG:BLOC:DEL:CONS 3,{delay_s:.6f}",
            ':TRIG:BLOC:MEAS 4,"defbuffer1"',
            f':TRIG:BLOC:CONF:REC 5,"{LEVELS}",1',
            f":TRIG:BLOC:DEL:CONS 6,{width_s:.6f}",
        )
        readings: list[Reading] = []
        while len(readings) < count:
            batch = min(count - len(readings), MOST_IN_RUN)
            self.apply_together(f":TRIG:BLOC:BRAN:COUN 7,{batch},2")
            readings += self._run(width_s, batch)
        self.apply_together(":SOUR:VOLT 0", f":SOUR:VOLT:DEL {SETTLE_S:.9e}", f":SENS:CURR:NPLC {settings.nplc:.9e}")
        return readings

    def _run(self, width_s: float, count: int) -> list[Reading]:
        """Run the trigger model once; the answer waits until it has come to its end."""
        self.write(":INIT")
        self.write("*WAI")
        with allowing(self.adapter, count * 2 * (width_s + BLOCKS_S)):
            answers = self.query(
                f':TRAC:DATA? 1,{count},"defbuffer1",READ,SOURSTAT', lambda reply: numbers(reply, 2 * count)
            )
        return [
            Reading(current, bool(round(status) & LIMITED))
            for current, status in zip(answers[::2], answers[1::2], strict=True)
        ]


def parse_language(reply: str) -> str:
    """Return the command set in use.

    >>> parse_language("SCPI2400")
    'SCPI2400'
    """
    word = reply.strip().upper()
    if word not in LANGUAGES:
        raise GarbledReply(f"{reply!r} is none of {', '.join(LANGUAGES)}")
    return word
