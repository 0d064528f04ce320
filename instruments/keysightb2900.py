"""Keysight B2900 source-measure units over SCPI: one or two source channels with pulses. Emulated only.

PyMeasure has no driver of this family. Commands are those of the B2900 SCPI command reference, edition 2. Number
formats and error texts are not given there and stand here as assumptions, and so does that the error queue can be asked
for while measurements go on.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar, cast

from pymeasure.instruments.channel import Channel
from pymeasure.instruments.instrument import Instrument

from crossbar_hil.errors import ConfigError, InstrumentError
from crossbar_hil.instrument import Reading, SourceMeter, SourceSettings
from crossbar_hil.text import quantity

from .scpi.answers import flag, number
from .scpi.instrument import ScpiInstrument
from .scpi.meter import ScpiMeter
from .scpi.properties import number_property, offers, tripped_property
from .scpi.source import ScpiChannel
from .scpi.table import Together, line, question
from .settings.keysightb2900 import SETTINGS, SHORTEST_PULSE_S
from .settings.setting import Chosen, Expected
from .transport.adapter import allowing
from .transport.instrument import off_after_a_failure
from .transport.members import KnownMembers

RANGES_V = (0.2, 2.0, 20.0, 200.0)
RANGES_A = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 1.5, 3.0)
"""B2900 user's guide, table 2-5; the range of 10 A is one of pulses alone and not used."""
MOST_A = ((6.0, 3.03), (21.0, 1.515), (210.0, 0.105))
"""Largest current up to a voltage (B2900A data sheet, maximum output of one channel)."""
MOST_OF_BOTH_A = ((6.0, 4.0), (21.0, 2.5))
"""What the mainframe gives to both channels up to a voltage: the sum of their shares of it is at most 1.

B2900 user's guide, edition 5, page 2-14, table 2-4, which writes the same as four sums, such as I1 + 1.6 I2 of at most
4 A where channel 1 is up to 6 V and channel 2 up to 21 V. Beyond that it states no bound but that of each channel.
"""
LEAST_SHARE = 0.01
"""Smallest limit as a share of the measure range; an assumption."""
LEAST_LIMIT_A = 1e-9
"""Smallest limit of every model (Keysight B2900 SCPI command reference, :SENSe:CURRent:PROTection)."""
AT_LIMIT = 0.99
"""A current inside a pulse from this share of the limit on counts as limited; the limit query knows only of now."""
MOST_IN_TRAIN = 1000
"""Pulses that are sent in one go."""
LEAST_APERTURE_S = 8e-6
"""Shortest integration (B2900 SCPI command reference, page 4-73)."""


@offers(SETTINGS, "{ch}")
class B2900Channel(KnownMembers, Channel, ScpiChannel):
    """One channel of a B2900.

    Pulses are the instrument's own shape: base 0 V, peak, width. The width is that between the points of 10 % and 90 %,
    from 50 us; its jitter is not published. The current is measured over a fifth of the width, after three fifths of
    it. Between two pulses lies as long a time at 0 V.
    """

    parent: "KeysightB2900"
    table = SETTINGS
    ranges_v = RANGES_V
    least_share = LEAST_SHARE
    nplc_bounds = (5e-4, 100.0)
    why_no_guard = "a B2900 has no guard at low impedance"
    shortest_pulse_s = SHORTEST_PULSE_S

    current_aperture = number_property(":SENS{ch}:CURR:APER", "the integration time in seconds", LEAST_APERTURE_S, 2)
    compliance_tripped = tripped_property(":SENS{ch}:CURR:PROT:TRIP?")

    def __init__(self, parent: "KeysightB2900", id: int, **kwargs: Any) -> None:  # noqa: A002 - PyMeasure's name
        super().__init__(parent, id, **kwargs)
        self.number = id
        self.name = f"{parent.name}.{'ab'[id - 1]}"
        self.ranges_a = tuple(each for each in RANGES_A if each >= parent.least_range_a)
        self.least_compliance_a = max(parent.least_range_a * LEAST_SHARE, LEAST_LIMIT_A)

    def pulses_with(self, other: SourceMeter) -> bool:
        """Say whether another channel is the other one of this instrument."""
        return isinstance(other, B2900Channel) and other.parent is self.parent and other is not self

    def check_beside(self, settings: SourceSettings, other: SourceMeter, others: SourceSettings) -> None:
        """Refuse currents of the two channels that the mainframe cannot give at the same time; nothing is sent."""
        if not self.pulses_with(other):
            return
        share, asked = 0.0, []
        for name, each in ((self.name, settings), (other.name, others)):
            most_a = next((most_a for most_v, most_a in MOST_OF_BOTH_A if each.range_v <= most_v), math.inf)
            share += each.compliance_a / most_a
            asked.append(f"{name} {quantity(each.compliance_a, 'A')} at up to {quantity(each.range_v, 'V')}")
        if share > 1 + 1e-9:
            given = [f"{most_a:g} A up to {most_v:g} V" for most_v, most_a in MOST_OF_BOTH_A]
            raise ConfigError(
                f"compliance_a allows {' and '.join(asked)}, together {share:.3g} times what the mainframe gives to "
                f"both channels: {' and '.join(given)}; take a lower compliance_a, or two instruments"
            )

    def pulse_together(
        self, amplitude_v: float, other: SourceMeter, other_amplitude_v: float, width_s: float, count: int = 1
    ) -> list[tuple[Reading, Reading]]:
        """Send `count` pulses on both channels, started by one command."""
        if not isinstance(other, B2900Channel) or not self.pulses_with(other):
            raise ConfigError(f"{self.name} and {other.name} are not the two channels of one B2900")
        self._check_pulses(amplitude_v, width_s, count)
        other._check_pulses(other_amplitude_v, width_s, count)
        with off_after_a_failure(self, other):
            pairs = self.parent.pulse_channels({self: amplitude_v, other: other_amplitude_v}, width_s, count)
        return [(mine, theirs) for mine, theirs in pairs]

    train_widths = (2, -1)  # an interval is two widths, and the last pulse ends the train

    def clock_s(self) -> float:
        """Ask the timer, in seconds since it was reset (:SYSTem:TIME:TIMer:COUNt?)."""
        return self.parent.query(":SYST:TIME:TIM:COUN?", number)

    def output_off(self) -> None:
        """Go to 0 V and switch the output off, by writing only; a running pulse train is aborted."""
        n = self.number
        self.parent.blind(f":ABOR:ALL (@{n})", f":SOUR{n}:VOLT 0", f":OUTP{n} OFF", f":SOUR{n}:FUNC:SHAP DC")

    # ------------------------------------------------------------------ what the instrument asks of its channels

    def load_pulses(self, amplitude_v: float, width_s: float, count: int) -> None:
        """Write all that a pulse train depends on in one message, and see that it has been taken; nothing is started.

        Raises
        ------
        InstrumentError
            If anything of it is not as it was written.
        """
        wanted: dict[str, Expected] = {
            "source_voltage": 0.0,
            "shape": "PULS",
            "triggered_voltage": amplitude_v,
            "pulse_width": width_s,
            "pulse_delay": 0.0,
            "source_wait_enabled": False,
            "measure_wait_enabled": False,
            "arm_count": 1,
            "arm_delay": 0.0,
            "arm_source": "AINT",
            "trigger_delay": 0.0,
            "trigger_delay_of_measurement": width_s * 0.6,
            "trigger_source": "TIM",
            "trigger_interval": 2 * width_s,
            "trigger_count": count,
        }
        aperture_s = min(max(width_s / 5, LEAST_APERTURE_S), 0.02)
        self.parent.load(
            [*self._lines_of(wanted), f":SENS{self.number}:CURR:APER {aperture_s:.9e}"],
            {question(self.table[each], self.number): wanted[each] for each in PROVEN},
        )

    def end_pulses(self) -> None:
        """Write what brings the channel back to a steady 0 V, with its triggers as they were set up."""
        chosen = self._chosen
        self.parent.apply_together(*self._lines_of({name: self.table[name].written(chosen) for name in AFTER_PULSES}))

    def _lines_of(self, wanted: dict[str, Any]) -> list[str]:
        return [line(self.table[name], value, self.number) for name, value in wanted.items()]

    def reading_inside(self, current_a: float) -> Reading:
        """Return a reading taken inside a pulse."""
        return Reading(current_a, abs(current_a) >= AT_LIMIT * self._prepared().compliance_a)

    # ------------------------------------------------------------------ inside

    @property
    def _unit(self) -> ScpiInstrument:
        """Get the instrument that the channel belongs to."""
        return self.parent

    def _reading_queries(self) -> list[str]:
        return [f":MEAS? (@{self.number})", self._limit_query()]

    def _reading_of(self, answers: Sequence[str]) -> Reading:
        asked, trip = self._reading_queries()
        limited = self.parent.parse_answer(trip, answers[1], flag)
        return Reading(self.parent.parse_answer(asked, answers[0], number), limited)

    def _start_readings(self, channels: Sequence[ScpiMeter]) -> None:
        """Start the measurements, not the sources, of some channels; an error is told before they have ended."""
        numbers = ",".join(str(each.number) for each in channels)
        self.parent.apply_together(f":INIT:ACQ (@{numbers})")

    def _fetch_queries(self) -> list[str]:
        return ["*OPC?", f":FETC? (@{self.number})", self._limit_query()]

    def _fetched(self, answers: Sequence[str]) -> Reading:
        ended, fetched, trip = self._fetch_queries()
        self.parent.parse_answer(ended, answers[0], flag)
        limited = self.parent.parse_answer(trip, answers[2], flag)
        return Reading(self.parent.parse_answer(fetched, answers[1], number), limited)

    def _limit_query(self) -> str:
        return f":SENS{self.number}:CURR:PROT:TRIP?"

    def _begin(self) -> None:
        """End a group of channels: its other one would be started too."""
        self.parent.write("*CLS")
        self.parent.apply(":SYST:GRO:RES")

    def _set_up(self, chosen: Chosen) -> None:
        self._chosen = chosen
        super()._set_up(chosen)

    def _most_limit_a(self, settings: SourceSettings, range_v: float) -> float:  # noqa: ARG002 - the level counts
        return next(most_a for most_v, most_a in MOST_A if settings.range_v <= most_v)

    def _pulse(self, settings: SourceSettings, amplitude_v: float, width_s: float, count: int) -> list[Reading]:  # noqa: ARG002
        return [each for (each,) in self.parent.pulse_channels({self: amplitude_v}, width_s, count)]


PROVEN = ("shape", "triggered_voltage", "pulse_width", "arm_count", "trigger_count")
"""What is asked for when a pulse train has been loaded: what says how high, how long and how many."""
AFTER_PULSES = (
    "source_voltage", "triggered_voltage", "shape", "trigger_source", "trigger_count", "trigger_delay", "current_nplc",
)  # fmt: skip
"""What is written after a pulse train, as it was set up."""


class KeysightB2900(ScpiInstrument):
    """What the models of the family share, and what those of one channel are; take one by its name."""

    model_name = "Keysight B2900"
    least_range_a: ClassVar[float] = RANGES_A[0]
    """The lowest current range, in amperes."""

    channels: dict[int, B2900Channel]
    ch_1 = Instrument.ChannelCreator(cast("Any", B2900Channel), 1)

    def source_meters(self) -> list[SourceMeter]:
        """Return the channels."""
        return list(self.channels.values())

    def load(self, lines: list[str], proven: dict[str, Expected]) -> None:
        """Write lines as one message that ends with questions: what must come back, by question.

        Raises
        ------
        InstrumentError
            If something else comes back, or the instrument has refused a line.
        """
        if wrong := self.differences(Together(proven), lines):
            raise InstrumentError(f"{'; '.join(wrong)}, so nothing was started")

    def pulse_channels(
        self, amplitudes: dict[B2900Channel, float], width_s: float, count: int
    ) -> list[tuple[Reading, ...]]:
        """Send pulses on some channels at the same time; what they are has been checked."""
        readings: list[tuple[Reading, ...]] = []
        while len(readings) < count:
            readings += self._train(amplitudes, width_s, min(count - len(readings), MOST_IN_TRAIN))
        for channel in amplitudes:
            channel.end_pulses()
        return readings

    def shutdown(self) -> None:
        """Switch every output off, by writing only, each even if one before it failed."""
        with ExitStack() as each_in_turn:
            for channel in reversed(self.channels.values()):
                each_in_turn.callback(channel.output_off)
        super().shutdown()

    def _train(self, amplitudes: dict[B2900Channel, float], width_s: float, count: int) -> list[tuple[Reading, ...]]:
        for channel, amplitude_v in amplitudes.items():
            channel.load_pulses(amplitude_v, width_s, count)
        channels = ",".join(str(channel.number) for channel in amplitudes)
        with allowing(self.adapter, 2 * count * width_s):
            self.query(f":INIT (@{channels});*OPC?", flag)
        # Each channel by itself: in which order an answer for two interleaves them is not documented.
        trains = [map(channel.reading_inside, self._currents(channel.number, count)) for channel in amplitudes]
        return list(zip(*trains, strict=True))

    def _currents(self, channel: int | str, count: int) -> list[float]:
        """Return the currents of a train of pulses; the train has ended, so none is ever asked for again.

        Raises
        ------
        InstrumentError
            If there are more or fewer than there were pulses.
        """
        command = f":FETC:ARR? (@{channel})"
        found = self.query(command, lambda reply: [number(each) for each in reply.split(",")])
        if len(found) != count:
            raise InstrumentError(f"{self.name}: {command} answers {len(found)} readings for {count} pulses")
        return found


class _TwoChannels(KeysightB2900):
    """A model with a second channel."""

    two_channels = True

    ch_2 = Instrument.ChannelCreator(cast("Any", B2900Channel), 2)


MODELS: Mapping[str, tuple[int, float]] = {
    f"B29{first}{channels}{series}": (channels, least_range_a)
    for series in "AB"
    for first, least_range_a in ((0, 1e-7), (1, 1e-8))
    for channels in (1, 2)
}
"""Number of channels and lowest current range, in amperes, of each model.

B2900A data sheet, current measurement specifications: the range of 10 nA is that of B2911A and B2912A alone. The models
of the B series are taken to have the limits of those that they took the place of; their data sheet was not at hand.
"""


def _model(model: str) -> type[KeysightB2900]:
    """Return the class of a model."""
    channels, least_range_a = MODELS[model]
    told = {"model_name": f"Keysight {model}", "least_range_a": least_range_a, "__module__": __name__}
    return type(f"Keysight{model}", (_TwoChannels if channels == 2 else KeysightB2900,), told)


KeysightB2901A, KeysightB2902A, KeysightB2911A, KeysightB2912A = map(_model, ("B2901A", "B2902A", "B2911A", "B2912A"))
KeysightB2901B, KeysightB2902B, KeysightB2911B, KeysightB2912B = map(_model, ("B2901B", "B2902B", "B2911B", "B2912B"))
