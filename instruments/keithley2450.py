"""Keithley 2450 SourceMeter over its own SCPI command set: one source channel. Emulated only.

PyMeasure has a `Keithley2450`. It is not used here, because it wants the instrument to emulate a 2400, its validators
clip what is out of range without a word, and it has neither limit query nor pulse.

Commands are those of the Model 2450 reference manual, chapter 6, SCPI command reference.
"""

from pymeasure.instruments.instrument import Instrument

from crossbar_hil.errors import ConfigError, GarbledReply
from crossbar_hil.instrument import Reading, SourceSettings

from .scpi.answers import flag, number, numbers
from .scpi.properties import offers, tripped_property
from .scpi.source import SHORTEST_READING_NPLC, ScpiSource
from .settings.keithley2450 import SETTINGS, SETTLE_S
from .transport.adapter import allowing

RANGES_V = (0.02, 0.2, 2.0, 20.0, 200.0)
RANGES_A = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
LEAST_SHARE = 0.106
"""Smallest limit as a share of a fixed measure range (reference manual, smu.source.xlimit.level)."""
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


@offers(SETTINGS)
class Keithley2450(ScpiSource):
    """A Keithley 2450 as one source channel.

    Pulses are a trigger model that recalls the amplitude, waits, measures, and recalls 0 V, with the output on all the
    time; no amplitude is ever set by the host. A pulse lasts for the delay block plus `BLOCKS_S`, so 50 ms are good to
    2 % and 5 ms to 20 %; between two pulses lies as long a time at 0 V.
    """

    model_name = "Keithley 2450"
    table = SETTINGS
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
    compliance_tripped = tripped_property(":SOUR:VOLT:ILIM:TRIP?")

    def measure(self) -> Reading:
        """Measure the current at the present voltage, and ask whether it is limited."""
        self._prepared()
        return Reading(self.query(":READ?", number), self.limit_tripped())

    train_widths = (2, 0)  # as long at 0 V after each

    def clock_s(self) -> float:
        """Ask when a reading was taken: :SYST:TIME? shows whole seconds, a time stamp their fractions too."""
        whole, fraction = self.query(':READ? "defbuffer1",SEC,FRAC', lambda reply: numbers(reply, 2))
        return whole + fraction

    def output_off(self) -> None:
        """Abort the trigger model, go to 0 V and switch the output off, by writing only."""
        self.blind(":ABOR", ":SOUR:VOLT 0", ":OUTP OFF")

    def limit_tripped(self) -> bool:
        """Ask whether the source is at its current limit now."""
        return self.query(":SOUR:VOLT:ILIM:TRIP?", flag)

    # ------------------------------------------------------------------ inside

    def _begin(self) -> None:
        language = self.query("*LANG?", parse_language)
        if language != "SCPI":
            raise ConfigError(f"{self.name} speaks {language}, not SCPI; choose it in the instrument's system settings")

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
