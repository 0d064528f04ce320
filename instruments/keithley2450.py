"""Keithley 2450, 2460, 2461 and 2470 SourceMeters over their own SCPI command set: one source channel. Emulated only.

PyMeasure has a `Keithley2450`. It is not used here, because it wants the instrument to emulate a 2400, its validators
clip what is out of range without a word, and it has neither limit query nor pulse.

Commands are those of the Model 2450 reference manual, chapter 6, SCPI command reference.
"""

import re
from collections.abc import Sequence

from pymeasure.instruments.instrument import Instrument

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError
from crossbar_hil.instrument import Reading, SourceSettings

from .scpi.answers import flag, number, numbers
from .scpi.bounds import SourceLimits
from .scpi.meter import ScpiMeter
from .scpi.properties import offers, tripped_property
from .scpi.source import ScpiSource
from .settings.keithley2450 import SETTINGS, SETTLE_S
from .settings.setting import SHORTEST_READING_NPLC
from .transport.adapter import allowing

_LOW_A = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
_HIGH_V, _HIGH_A = (0.2, 2.0, 7.0, 10.0, 20.0, 100.0), (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 4.0, 5.0, 7.0)
_100_W = ((10.0, 7.35), (20.0, 5.0), (100.0, 1.0))
MODELS = {
    "2450": SourceLimits((0.02, 0.2, 2.0, 20.0, 200.0), _LOW_A, ((20.0, 1.05), (200.0, 0.105)), 1e-9),
    "2460": SourceLimits(_HIGH_V, _HIGH_A, _100_W, 1e-6),
    "2461": SourceLimits(_HIGH_V, _HIGH_A, _100_W, 1e-7),
    "2470": SourceLimits((0.2, 2.0, 20.0, 200.0, 1000.0), _LOW_A, ((20.0, 1.0), (200.0, 0.1), (1000.0, 0.02)), 1e-9),
}
"""Ranges and limits (the models' reference manuals, smu.source.range and smu.source.xlimit.level). Which current goes
with which voltage is cut off at 100 W for the 2460 and 2461, which is what they are sold as, and as an assumption at
20 W for the 2470. The 10 A range of a 2461 is for pulses of a kind of its own."""
LEAST_SHARE = 0.106
"""Smallest limit as a share of a fixed measure range (reference manual, smu.source.xlimit.level)."""
BLOCKS_S = 1.6e-3
"""What a pulse takes besides its delay block: the vendor's example script SimplePulse_SVMI states 1.6 ms for a pulse
that is nothing but on, one fast reading, off. How much it varies is not published; 1 ms is assumed."""
LIMITED, OUTPUT_ON = 1 << 5, 1 << 7
"""Bits of a source status: the level was limited (buffer.STAT_LIMIT), the output was on (buffer.STAT_OUTPUT)."""
OVERLAPPED = '"defbuffer2"'
"""Buffer of the readings that are begun and fetched; no other reading goes there."""
LEVELS = "VoltCustomSweepList"
"""The configuration list that a list sweep makes: index 1 is 0 V, index 2 the amplitude."""
LANGUAGE = re.compile("TSP|SCPI(24[0-9]{2})?")
"""The command sets there are: those of four older models more on a 2461 (its data sheet)."""
MOST_IN_RUN = 1000
"""Pulses that are sent in one go."""
SHAPING = (
    "source_voltage_range", "source_voltage_protection", "high_capacitance", "compliance_current", "measured",
    "current_range", "autozero", "filter_enabled", "relative_enabled", "math_enabled", "reading_unit",
    "source_read_back", "buffer_fill_mode", "data_format",
)  # fmt: skip
"""Settings that make a pulse longer, higher or other than asked for, or its reading another one."""


@offers(SETTINGS)
class Keithley2450(ScpiSource):
    """A Keithley 2450 as one source channel.

    Pulses are a trigger model that recalls the amplitude, waits, measures, and recalls 0 V, with the output on all the
    time; no amplitude is ever set by the host. A pulse lasts for the delay block plus `BLOCKS_S`, so 50 ms are good to
    2 % and 5 ms to 20 %; between two pulses lies as long a time at 0 V.
    """

    model_name = "Keithley 2450"
    table = SETTINGS
    limits = MODELS["2450"]
    least_share = LEAST_SHARE
    range_within_limit = False
    why_no_guard = "a 2450 drives only the guard of cables"
    shortest_pulse_s = 2e-3

    language = Instrument.measurement(
        "*LANG?", """Get the command set in use (str): 'SCPI', 'SCPI2400' or 'TSP'.""", cast=str
    )
    compliance_tripped = tripped_property(":SOUR:VOLT:ILIM:TRIP?")

    train_widths = (2, 0)  # as long at 0 V after each

    def clock_s(self) -> float:
        """Ask when a reading was taken: :SYST:TIME? shows whole seconds, a time stamp their fractions too."""
        whole, fraction = self.query(':READ? "defbuffer1",SEC,FRAC', lambda reply: numbers(reply, 2))
        return whole + fraction

    def output_off(self) -> None:
        """Abort the trigger model, go to 0 V and switch the output off, by writing only.

        One that somebody had measure a resistance sources a current, of which a level of 0 V says nothing.
        """
        self.blind(":ABOR", ":SOUR:VOLT 0", ':SENS:FUNC "CURR"', ":OUTP OFF")

    # ------------------------------------------------------------------ inside

    def _reading_queries(self) -> list[str]:
        return [":READ?", self._limit_query()]

    def _reading_of(self, answers: Sequence[str]) -> Reading:
        limited = self.parse_answer(self._limit_query(), answers[1], flag)
        return Reading(self.parse_answer(":READ?", answers[0], number), limited)

    def _start_readings(self, channels: Sequence[ScpiMeter]) -> None:  # noqa: ARG002 - there is one
        """Take a reading into a buffer that is empty before; what is asked next waits for it."""
        self.write(f":TRAC:CLE {OVERLAPPED};:TRAC:TRIG {OVERLAPPED}")

    def _fetch_queries(self) -> list[str]:
        # Read and emptied in one message, so that no reading is there twice.
        return [
            f":TRAC:ACT? {OVERLAPPED}",
            f":TRAC:DATA? 1,1,{OVERLAPPED},READ",
            f"{self._limit_query()};:TRAC:CLE {OVERLAPPED}",
        ]

    def _fetched(self, answers: Sequence[str]) -> Reading:
        if (count := self.parse_answer(":TRAC:ACT?", answers[0], number)) != 1:
            raise InstrumentError(f"{self.name} has {count:g} readings where one was begun")
        return self._reading_of(answers[1:])

    def _limit_query(self) -> str:
        return ":SOUR:VOLT:ILIM:TRIP?"

    def _begin(self) -> None:
        language = self.query("*LANG?", parse_language)
        if language != "SCPI":
            raise ConfigError(f"{self.name} speaks {language}, not SCPI; choose it in the instrument's system settings")

    def _pulse(self, settings: SourceSettings, amplitude_v: float, width_s: float, count: int) -> list[Reading]:
        """Send pulses by a trigger model of seven blocks."""
        readings: list[Reading] = []
        while len(readings) < count:
            readings += self._run(amplitude_v, width_s, min(count - len(readings), MOST_IN_RUN))
        # A trigger model that stays loaded is started again by a key at the front panel, or by anybody's :INIT.
        self.apply_together(
            ':TRIG:LOAD "Empty"',
            ":SOUR:VOLT 0",
            f":SOUR:VOLT:DEL {SETTLE_S:.9e}",
            f":SENS:CURR:NPLC {settings.nplc:.9e}",
        )
        return readings

    def _run(self, amplitude_v: float, width_s: float, count: int) -> list[Reading]:
        """Run the trigger model once; the answer waits until it has come to its end.

        All that shapes a pulse is written twice: once to see that it is taken, and once in the message that starts the
        model, so that no setting that another hand makes in between reaches a pulse.
        """
        lines = (
            *self._again(*SHAPING),
            f":SENS:CURR:NPLC {SHORTEST_READING_NPLC:.9e}",
            f":SOUR:LIST:VOLT 0,{amplitude_v:.6e}",
            ":SOUR:SWE:VOLT:LIST 1,0,1",
            ':TRIG:LOAD "Empty"',
            ':TRIG:BLOC:BUFF:CLE 1,"defbuffer1"',
            f':TRIG:BLOC:CONF:REC 2,"{LEVELS}",2',
            f":TRIG:BLOC:DEL:CONS 3,{width_s - BLOCKS_S:.6f}",
            ':TRIG:BLOC:MEAS 4,"defbuffer1"',
            f':TRIG:BLOC:CONF:REC 5,"{LEVELS}",1',
            f":TRIG:BLOC:DEL:CONS 6,{width_s:.6f}",
            f":TRIG:BLOC:BRAN:COUN 7,{count},2",
        )
        self.apply_together(*lines)
        data = f':TRAC:DATA? 1,{count},"defbuffer1",READ,SOURSTAT'
        with allowing(self.adapter, count * 2 * (width_s + BLOCKS_S)):
            answers = self.query(";".join((*lines, ":INIT", "*WAI", data)), lambda reply: numbers(reply, 2 * count))
        statuses = [round(each) for each in answers[1::2]]
        if not all(each & OUTPUT_ON for each in statuses):
            raise InstrumentError(f"{self.name}: its output was off in a pulse, though nothing here switched it off")
        return [Reading(current, bool(each & LIMITED)) for current, each in zip(answers[::2], statuses, strict=True)]


Keithley2460 = Keithley2450.variant(
    "Keithley2460", "A Keithley 2460, for up to 7 A.", model_name="Keithley 2460", limits=MODELS["2460"]
)
_2461 = "A Keithley 2461, for up to 7 A; its own pulses are not used."
Keithley2461 = Keithley2450.variant("Keithley2461", _2461, model_name="Keithley 2461", limits=MODELS["2461"])
Keithley2470 = Keithley2450.variant(
    "Keithley2470", "A Keithley 2470, for up to 1000 V.", model_name="Keithley 2470", limits=MODELS["2470"]
)


def parse_language(reply: str) -> str:
    """Return the command set in use.

    >>> parse_language("SCPI2420")
    'SCPI2420'
    """
    word = reply.strip().upper()
    if not LANGUAGE.fullmatch(word):
        raise GarbledReply(f"{reply!r} is none of SCPI, SCPI2400 and its like, TSP")
    return word
