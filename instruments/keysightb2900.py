"""Keysight B2902A and B2912A source-measure units over SCPI: two source channels with pulses. Emulated only.

PyMeasure has no driver of this family. Commands are those of the B2900 SCPI command reference, edition 2. Lowest
limits, number formats and error texts are not given there and stand here as assumptions.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from pymeasure.adapters.adapter import Adapter
from pymeasure.instruments.instrument import Instrument

from crossbar_hil.errors import ConfigError, InstrumentError, TransportError
from crossbar_hil.instrument import Identity, Reading, SourceMeter, SourceSettings

from .keysightb2900_commands import SHORTEST_PULSE_S, B2900Commands
from .scpi.answers import Expected, flag, held, number, numbers
from .scpi.bounds import check_settings, check_within, smallest_range
from .scpi.session import ScpiInstrument
from .scpi.source import MOST_PULSES
from .transport.adapter import allowing

RANGES_V = (0.2, 2.0, 20.0, 200.0)
RANGES_A = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
LEAST_SHARE = 0.01
"""Smallest limit as a share of the measure range; an assumption."""
LEAST_LIMIT_A = 1e-9
"""Smallest limit of every model (Keysight B2900 SCPI command reference, :SENSe:CURRent:PROTection)."""
AT_LIMIT = 0.99
"""A current inside a pulse from this share of the limit on counts as limited; the limit query knows only of now."""
MOST_IN_TRAIN = 1000
"""Pulses that are sent in one go."""


class B2900Channel(B2900Commands, SourceMeter):
    """One channel of a B2900.

    Pulses are the instrument's own shape: base 0 V, peak, width. The width is that between the points of 10 % and 90 %,
    from 50 us; its jitter is not published. The current is measured over a fifth of the width, after three fifths of
    it. Between two pulses lies as long a time at 0 V.
    """

    parent: "KeysightB2900"
    shortest_pulse_s = SHORTEST_PULSE_S

    def __init__(self, parent: "KeysightB2900", id: int, **kwargs: Any) -> None:  # noqa: A002 - PyMeasure's name
        super().__init__(parent, id, **kwargs)
        self.number = id
        self.name = f"{parent.name}.{'ab'[id - 1]}"
        self.least_compliance_a = max(parent.ranges_a[0] * LEAST_SHARE, LEAST_LIMIT_A)
        self._settings: SourceSettings | None = None
        self._as_set: dict[str, Expected] = {}

    def identify(self) -> Identity:
        """Ask who answers."""
        return self.parent.identify()

    def check(self, settings: SourceSettings) -> None:
        """Refuse settings that the model cannot have, those of reads and those of pulses; nothing is sent."""
        for range_a in (settings.range_a, settings.range_of_reads_a):
            self._ranges(replace(settings, range_a=range_a))

    def pulses_with(self, other: SourceMeter) -> bool:
        """Say whether another channel is the other one of this instrument."""
        return isinstance(other, B2900Channel) and other.parent is self.parent and other is not self

    def prepare(self, settings: SourceSettings) -> None:
        """Set the channel up as a source of 0 V with its output off, and read everything back.

        There is no reset, which would reach the other channel too. The output no longer goes on by itself when a
        measurement is triggered, and the limit is set before the measure range.
        """
        range_v, range_a = self._ranges(settings)
        self._settings = None
        self.output_off()
        try:
            self.recover()
            self._as_set = self._set_up(settings, range_v, range_a)
            self._read_back({**self._as_set, ":OUTP{ch}?": False})
        except BaseException:
            self.parent.give_up(self)
            raise
        self._settings = settings

    def _set_up(self, settings: SourceSettings, range_v: float, range_a: float) -> dict[str, Expected]:
        """Set everything, and return what must read back; the output has been switched off."""
        self.write("*CLS")
        self._apply(
            ":OUTP{ch}:ON:AUTO 0",
            ":OUTP{ch}:OFF:AUTO 0",
            ":SOUR{ch}:FUNC:MODE VOLT",
            ":SOUR{ch}:VOLT:MODE FIX",
            ":SOUR{ch}:FUNC:SHAP DC",
            ":SOUR{ch}:VOLT 0",
            ":SOUR{ch}:VOLT:TRIG 0",
            ":SOUR{ch}:VOLT:RANG:AUTO 0",
            f":SOUR{{ch}}:VOLT:RANG {range_v:.9e}",
            ":OUTP{ch}:OFF:MODE NORM",
            f":SENS{{ch}}:CURR:PROT {settings.compliance_a:.9e}",
            ":SENS{ch}:FUNC:OFF:ALL",
            ':SENS{ch}:FUNC "CURR"',
            ":SENS{ch}:CURR:RANG:AUTO 0",
            f":SENS{{ch}}:CURR:RANG {range_a:.9e}",
            f":SENS{{ch}}:CURR:NPLC {settings.nplc:.9e}",
            ":FORM:ELEM:SENS CURR",
        )
        return {
            ":SOUR{ch}:FUNC:MODE?": "VOLT",
            ":SOUR{ch}:FUNC:SHAP?": "DC",
            ":SOUR{ch}:VOLT?": 0.0,
            ":SOUR{ch}:VOLT:RANG?": held(range_v),
            ":SENS{ch}:CURR:PROT?": settings.compliance_a,
            ":SENS{ch}:CURR:RANG?": held(range_a),
            ":SENS{ch}:CURR:NPLC?": settings.nplc,
            ":FORM:ELEM:SENS?": "CURR",
            ":OUTP{ch}:ON:AUTO?": False,
            ":OUTP{ch}:OFF:MODE?": "NORM",
        }

    def set_range(self, range_a: float) -> None:
        """Fix the smallest measure range that holds a current, and read it back."""
        _, chosen = self._ranges(replace(self._prepared(), range_a=range_a))
        self._apply(f":SENS{{ch}}:CURR:RANG {chosen:.9e}")
        self._as_set |= {":SENS{ch}:CURR:RANG?": held(chosen)}
        self._read_back({":SENS{ch}:CURR:RANG?": held(chosen)})

    def enable(self) -> None:
        """Switch the output on, at 0 V."""
        self._prepared()
        self._apply(":SOUR{ch}:VOLT 0", ":OUTP{ch} ON")
        self._read_back({":OUTP{ch}?": True})

    def set_voltage(self, voltage_v: float) -> None:
        """Source a voltage from now on."""
        most = self._prepared().range_v
        check_within(voltage_v, -most, most, f"{self.name}: voltage", "V")
        self.parent.set_and_read_back(f":SOUR{self.number}:VOLT", voltage_v)

    def measure(self) -> Reading:
        """Measure the current at the present voltage, and ask whether it is limited."""
        self._prepared()
        return Reading(self.parent.query(f":MEAS? (@{self.number})", number), self.limit_tripped())

    def pulse(self, amplitude_v: float, width_s: float, count: int = 1) -> list[Reading]:
        """Send `count` pulses from 0 V and return the current inside each.

        Raises
        ------
        LimitError
            If amplitude, width or count is beyond what the channel can do; nothing was sent.
        InstrumentError
            If anything failed; how many pulses were sent is open, and the outputs were told to go off.
        """
        self._check(amplitude_v, width_s, count)
        return [each for (each,) in self.parent.pulse_channels({self: amplitude_v}, width_s, count)]

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
        self._check(amplitude_v, width_s, count)
        other._check(other_amplitude_v, width_s, count)
        pairs = self.parent.pulse_channels({self: amplitude_v, other: other_amplitude_v}, width_s, count)
        return [(mine, theirs) for mine, theirs in pairs]

    def output_off(self) -> None:
        """Go to 0 V and switch the output off, by writing only; a running pulse train is aborted."""
        self.parent.blind(
            f":ABOR:ALL (@{self.number})",
            f":SOUR{self.number}:VOLT 0",
            f":OUTP{self.number} OFF",
            f":SOUR{self.number}:FUNC:SHAP DC",
        )

    def output_is_on(self) -> bool:
        """Ask whether the output is on."""
        return self.parent.query(f":OUTP{self.number}?", flag)

    def limit_tripped(self) -> bool:
        """Ask whether the source is at its current limit now."""
        return self.parent.query(f":SENS{self.number}:CURR:PROT:TRIP?", flag)

    def changes(self) -> list[str]:
        """Ask in one exchange for all that was read back, for the output and for the error queue."""
        self._prepared()
        expected: dict[str, Expected] = {**self._as_set, ":OUTP{ch}?": True}
        return self.parent.differences({self.insert_id(query): value for query, value in expected.items()})

    def recover(self) -> None:
        """Bring the session of the instrument in step if it is suspect."""
        self.parent.recover()

    def close(self) -> None:
        """End the session of the whole instrument; outputs stay as they are."""
        self.parent.close()

    # ------------------------------------------------------------------ what the instrument asks of its channels

    def load_pulses(self, amplitude_v: float, width_s: float, count: int) -> None:
        """Write what a pulse train needs; nothing is started."""
        self._apply_together(
            ":SOUR{ch}:VOLT 0.000000000e+00",
            ":SOUR{ch}:FUNC:SHAP PULS",
            f":SOUR{{ch}}:VOLT:TRIG {amplitude_v:.9e}",
            f":SOUR{{ch}}:PULS:WIDT {width_s:.9e}",
            f":SENS{{ch}}:CURR:APER {min(max(width_s / 5, 8e-6), 0.02):.9e}",
            ":SOUR{ch}:PULS:DEL 0",
            ":TRIG{ch}:TRAN:DEL 0",
            f":TRIG{{ch}}:ACQ:DEL {width_s * 0.6:.9e}",
            ":TRIG{ch}:ALL:SOUR TIM",
            f":TRIG{{ch}}:ALL:TIM {2 * width_s:.9e}",
            f":TRIG{{ch}}:ALL:COUN {count}",
        )

    def end_pulses(self) -> None:
        """Write what brings the channel back to a steady 0 V."""
        self._apply_together(
            ":SOUR{ch}:VOLT 0.000000000e+00",
            ":SOUR{ch}:VOLT:TRIG 0.000000000e+00",
            ":SOUR{ch}:FUNC:SHAP DC",
            ":TRIG{ch}:ALL:SOUR AINT",
            ":TRIG{ch}:ALL:COUN 1",
            f":SENS{{ch}}:CURR:NPLC {self._prepared().nplc:.9e}",
        )

    def inside(self, current_a: float) -> Reading:
        """Return a reading taken inside a pulse."""
        return Reading(current_a, abs(current_a) >= AT_LIMIT * self._prepared().compliance_a)

    # ------------------------------------------------------------------ inside

    def _apply(self, *lines: str) -> None:
        self.parent.apply(*map(self.insert_id, lines))

    def _apply_together(self, *lines: str) -> None:
        self.parent.apply_together(*map(self.insert_id, lines))

    def _read_back(self, expected: Mapping[str, Expected]) -> None:
        self.parent.read_back({self.insert_id(query): value for query, value in expected.items()})

    def _ranges(self, settings: SourceSettings) -> tuple[float, float]:
        """Choose the ranges, or refuse what the model cannot do."""
        if settings.guard:
            raise ConfigError(f"{self.name}: guard is asked for, but a B2900 has no guard at low impedance")
        ranges_a = self.parent.ranges_a
        range_v = smallest_range(settings.range_v, RANGES_V, f"{self.name}: range_v")
        range_a = smallest_range(settings.range_a, ranges_a, f"{self.name}: range_a")
        most_a = 1.05 if range_v <= 20 else 0.105
        check_settings(settings.compliance_a, range_a * LEAST_SHARE, most_a, f"{self.name}: compliance_a")
        if range_a > smallest_range(settings.compliance_a, ranges_a, f"{self.name}: compliance_a"):
            raise ConfigError(
                f"{self.name}: range_a is {settings.range_a:g}, in a range above that of the compliance, "
                f"{settings.compliance_a:g}"
            )
        check_settings(settings.nplc, 5e-4, 100.0, f"{self.name}: nplc")
        return range_v, range_a

    def _check(self, amplitude_v: float, width_s: float, count: int) -> None:
        most = self._prepared().range_v
        check_within(amplitude_v, -most, most, f"{self.name}: pulse amplitude", "V")
        check_within(width_s, SHORTEST_PULSE_S, 100.0, f"{self.name}: pulse width", "s")
        check_within(count, 1, MOST_PULSES, f"{self.name}: number of pulses", "pulses")

    def _prepared(self) -> SourceSettings:
        if self._settings is None:
            raise InstrumentError(f"{self.name} must be prepared before it is used")
        return self._settings


class KeysightB2900(ScpiInstrument):
    """What the models of the family share; take `KeysightB2902A` or `KeysightB2912A`."""

    ranges_a: tuple[float, ...] = RANGES_A

    channels: dict[int, B2900Channel]
    ch_1 = Instrument.ChannelCreator(cast("Any", B2900Channel), 1)
    ch_2 = Instrument.ChannelCreator(cast("Any", B2900Channel), 2)

    def __init__(self, adapter: Adapter | str | int, name: str = "Keysight B2900", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)

    def source_meters(self) -> list[SourceMeter]:
        """Return channels 1 and 2."""
        return [self.channels[1], self.channels[2]]

    def pulse_channels(
        self, amplitudes: dict[B2900Channel, float], width_s: float, count: int
    ) -> list[tuple[Reading, ...]]:
        """Send pulses on some channels at the same time; what they are has been checked."""
        readings: list[tuple[Reading, ...]] = []
        try:
            while len(readings) < count:
                readings += self._train(amplitudes, width_s, min(count - len(readings), MOST_IN_TRAIN))
            for channel in amplitudes:
                channel.end_pulses()
        except BaseException:
            # An interrupt too: it may have come in the middle of a pulse.
            for channel in amplitudes:
                self.give_up(channel)
            raise
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
            map(channel.inside, self.query(f":FETC:ARR? (@{channel.number})", lambda reply: numbers(reply, count)))
            for channel in amplitudes
        ]
        return list(zip(*trains, strict=True))

    def give_up(self, channel: B2900Channel) -> None:
        """Switch an output off after a failure, whose own error counts more than that of the attempt."""
        try:
            channel.output_off()
        except TransportError:
            return


class KeysightB2902A(KeysightB2900):
    """A B2902A, whose lowest current range is 100 nA."""

    ranges_a = RANGES_A[1:]

    def __init__(self, adapter: Adapter | str | int, name: str = "Keysight B2902A", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)


class KeysightB2912A(KeysightB2900):
    """A B2912A, whose lowest current range is 10 nA."""

    def __init__(self, adapter: Adapter | str | int, name: str = "Keysight B2912A", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
