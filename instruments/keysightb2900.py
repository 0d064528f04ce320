"""Keysight B2902A and B2912A source-measure units over SCPI: two source channels with pulses. Emulated only.

PyMeasure has no driver of this family. Commands are those of the B2900 SCPI command reference, edition 2. Lowest
limits, number formats and error texts are not given there and stand here as assumptions.
"""

from typing import Any, cast

from pymeasure.instruments.channel import Channel
from pymeasure.instruments.instrument import Instrument

from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import Reading, SourceMeter, SourceSettings

from .scpi.answers import flag, number, numbers
from .scpi.instrument import ScpiInstrument
from .scpi.properties import number_property, offers, tripped_property
from .scpi.source import ScpiChannel
from .settings.keysightb2900 import SETTINGS
from .transport.adapter import allowing
from .transport.instrument import off_after_a_failure

RANGES_V = (0.2, 2.0, 20.0, 200.0)
RANGES_A = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
LEAST_SHARE = 0.01
"""Smallest limit as a share of the measure range; an assumption."""
LEAST_LIMIT_A = 1e-9
"""Smallest limit of every model (Keysight B2900 SCPI command reference, :SENSe:CURRent:PROTection)."""
AT_LIMIT = 0.99
"""A current inside a pulse from this share of the limit on counts as limited; the limit query knows only of now."""
SHORTEST_PULSE_S = 50e-6
"""B2900 user's guide, pulse output."""
MOST_IN_TRAIN = 1000
"""Pulses that are sent in one go."""


@offers(SETTINGS, "{ch}")
class B2900Channel(Channel, ScpiChannel):
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

    pulse_width = number_property(":SOUR{ch}:PULS:WIDT", "the width of a pulse in seconds", SHORTEST_PULSE_S, 100_000)
    current_aperture = number_property(":SENS{ch}:CURR:APER", "the integration time in seconds", 8e-6, 2)
    compliance_tripped = tripped_property(":SENS{ch}:CURR:PROT:TRIP?")

    def __init__(self, parent: "KeysightB2900", id: int, **kwargs: Any) -> None:  # noqa: A002 - PyMeasure's name
        super().__init__(parent, id, **kwargs)
        self.number = id
        self.name = f"{parent.name}.{'ab'[id - 1]}"
        self.ranges_a = parent.ranges_a
        self.least_compliance_a = max(parent.ranges_a[0] * LEAST_SHARE, LEAST_LIMIT_A)

    def pulses_with(self, other: SourceMeter) -> bool:
        """Say whether another channel is the other one of this instrument."""
        return isinstance(other, B2900Channel) and other.parent is self.parent and other is not self

    def measure(self) -> Reading:
        """Measure the current at the present voltage, and ask whether it is limited."""
        self._prepared()
        return Reading(self.parent.query(f":MEAS? (@{self.number})", number), self.limit_tripped())

    def pulse_together(
        self, amplitude_v: float, other: SourceMeter, other_amplitude_v: float, width_s: float, count: int = 1
    ) -> list[tuple[Reading, Reading]]:
        """Send `count` pulses on both channels, started by one command.

        Raises
        ------
        ConfigError
            If `other` is not the other channel of this instrument; nothing was sent.
        """
        if not isinstance(other, B2900Channel) or not self.pulses_with(other):
            raise ConfigError(f"{self.name} and {other.name} are not the two channels of one B2900")
        self._check_pulses(amplitude_v, width_s, count)
        other._check_pulses(other_amplitude_v, width_s, count)
        with off_after_a_failure(self, other):
            pairs = self.parent.pulse_channels({self: amplitude_v, other: other_amplitude_v}, width_s, count)
        return [(mine, theirs) for mine, theirs in pairs]

    def output_off(self) -> None:
        """Go to 0 V and switch the output off, by writing only; a running pulse train is aborted."""
        n = self.number
        self.parent.blind(f":ABOR:ALL (@{n})", f":SOUR{n}:VOLT 0", f":OUTP{n} OFF", f":SOUR{n}:FUNC:SHAP DC")

    def limit_tripped(self) -> bool:
        """Ask whether the source is at its current limit now."""
        return self.parent.query(f":SENS{self.number}:CURR:PROT:TRIP?", flag)

    # ------------------------------------------------------------------ what the instrument asks of its channels

    def load_pulses(self, amplitude_v: float, width_s: float, count: int) -> None:
        """Write what a pulse train needs; nothing is started."""
        n = self.number
        self.parent.apply_together(
            f":SOUR{n}:VOLT 0.000000000e+00",
            f":SOUR{n}:FUNC:SHAP PULS",
            f":SOUR{n}:VOLT:TRIG {amplitude_v:.9e}",
            f":SOUR{n}:PULS:WIDT {width_s:.9e}",
            f":SENS{n}:CURR:APER {min(max(width_s / 5, 8e-6), 0.02):.9e}",
            f":SOUR{n}:PULS:DEL 0",
            f":TRIG{n}:TRAN:DEL 0",
            f":TRIG{n}:ACQ:DEL {width_s * 0.6:.9e}",
            f":TRIG{n}:ALL:SOUR TIM",
            f":TRIG{n}:ALL:TIM {2 * width_s:.9e}",
            f":TRIG{n}:ALL:COUN {count}",
        )

    def end_pulses(self) -> None:
        """Write what brings the channel back to a steady 0 V."""
        n = self.number
        self.parent.apply_together(
            f":SOUR{n}:VOLT 0.000000000e+00",
            f":SOUR{n}:VOLT:TRIG 0.000000000e+00",
            f":SOUR{n}:FUNC:SHAP DC",
            f":TRIG{n}:ALL:SOUR AINT",
            f":TRIG{n}:ALL:COUN 1",
            f":SENS{n}:CURR:NPLC {self._prepared().nplc:.9e}",
        )

    def reading_inside(self, current_a: float) -> Reading:
        """Return a reading taken inside a pulse."""
        return Reading(current_a, abs(current_a) >= AT_LIMIT * self._prepared().compliance_a)

    # ------------------------------------------------------------------ inside

    @property
    def _unit(self) -> ScpiInstrument:
        """Get the instrument that the channel belongs to."""
        return self.parent

    def _pulse(self, settings: SourceSettings, amplitude_v: float, width_s: float, count: int) -> list[Reading]:  # noqa: ARG002
        return [each for (each,) in self.parent.pulse_channels({self: amplitude_v}, width_s, count)]


class KeysightB2900(ScpiInstrument):
    """What the models of the family share; take `KeysightB2902A` or `KeysightB2912A`."""

    model_name = "Keysight B2900"
    ranges_a: tuple[float, ...] = RANGES_A

    channels: dict[int, B2900Channel]
    ch_1 = Instrument.ChannelCreator(cast("Any", B2900Channel), 1)
    ch_2 = Instrument.ChannelCreator(cast("Any", B2900Channel), 2)

    def source_meters(self) -> list[SourceMeter]:
        """Return channels 1 and 2."""
        return [self.channels[1], self.channels[2]]

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
        """Switch both outputs off, by writing only, the second even if the first failed."""
        try:
            self.channels[1].output_off()
        finally:
            self.channels[2].output_off()
        super().shutdown()

    def _train(self, amplitudes: dict[B2900Channel, float], width_s: float, count: int) -> list[tuple[Reading, ...]]:
        for channel, amplitude_v in amplitudes.items():
            channel.load_pulses(amplitude_v, width_s, count)
        self.write(f":INIT (@{','.join(str(channel.number) for channel in amplitudes)})")
        with allowing(self.adapter, 2 * count * width_s):
            self.query("*OPC?", flag)
        # Each channel by itself: in which order an answer for two interleaves them is not documented.
        trains = [
            map(
                channel.reading_inside,
                self.query(f":FETC:ARR? (@{channel.number})", lambda reply: numbers(reply, count)),
            )
            for channel in amplitudes
        ]
        return list(zip(*trains, strict=True))


class KeysightB2902A(KeysightB2900):
    """A B2902A, whose lowest current range is 100 nA."""

    model_name = "Keysight B2902A"
    ranges_a = RANGES_A[1:]


class KeysightB2912A(KeysightB2900):
    """A B2912A, whose lowest current range is 10 nA."""

    model_name = "Keysight B2912A"
