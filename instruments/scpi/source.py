"""What SCPI source-measure units share: all of the role that does not depend on the model's commands."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError
from crossbar_hil.instrument import Identity, Reading, SourceMeter, SourceSettings

from ..settings.setting import Expected
from ..transport.adapter import allowing
from ..transport.instrument import off_after_a_failure
from .answers import flag, range_bounds
from .bounds import check_settings, check_within, smallest_range
from .instrument import ScpiInstrument
from .properties import number_property, word_property

SHORTEST_READING_NPLC = 0.01
"""Integration time inside pulses: 0.2 ms at 50 Hz, so that a pulse is timed by its delay and not by its reading."""
MOST_PULSES = 1_000_000
RESET_S = 3.0
"""What a reset and an autozero may take beyond the deadline of an exchange, in seconds; an assumption."""


class ScpiChannel(SourceMeter):
    """One source channel; a model says its ranges, its bounds and its commands."""

    ranges_v: ClassVar[Sequence[float]]
    """Voltage ranges, in volts, ascending."""
    ranges_a: Sequence[float]
    """Measure ranges, in amperes, ascending."""
    least_share: ClassVar[float]
    """Smallest current limit as a share of the measure range."""
    least_limit_a: ClassVar[float] = 0.0
    """Smallest current limit in any range, in amperes."""
    range_within_limit: ClassVar[bool] = True
    """Whether the measure range may not be above that of the current limit."""
    nplc_bounds: ClassVar[tuple[float, float]] = (0.01, 10.0)
    why_no_guard: ClassVar[str] = ""
    """Why there is no guard at low impedance, if there is none."""
    reset_s: ClassVar[float] = 0.0
    """What setting up may take beyond the deadline of an exchange, in seconds."""
    number: int | str = ""
    """Number of the channel in commands; none where there is only one."""

    _settings: SourceSettings | None = None
    _as_set: dict[str, Expected]

    def identify(self) -> Identity:
        """Ask who answers."""
        return self._unit.identify()

    def check(self, settings: SourceSettings) -> None:
        """Refuse settings that the model cannot have, those of reads and those of pulses; nothing is sent."""
        for range_a in (settings.range_a, settings.range_of_reads_a):
            self._ranges(replace(settings, range_a=range_a))

    def prepare(self, settings: SourceSettings) -> None:
        """Set the channel up as a source of 0 V with its output off, and read everything back.

        Raises
        ------
        ConfigError
            If the model cannot do what is asked; nothing was sent.
        InstrumentError
            If it does not take a setting, or one reads back other than it was set; the output was told to go off.
        """
        range_v, range_a = self._ranges(settings)
        self._settings = None
        self.output_off()
        with off_after_a_failure(self):
            self.recover()
            with allowing(self._unit.adapter, self.reset_s):
                self._as_set = self._set_up(settings, range_v, range_a)
                self._unit.read_back({**self._as_set, f":OUTP{self.number}?": False})
        self._settings = settings

    def set_range(self, range_a: float) -> None:
        """Fix the smallest measure range that holds a current, and read it back."""
        _, chosen = self._ranges(replace(self._prepared(), range_a=range_a))
        command = f":SENS{self.number}:CURR:RANG"
        self._unit.apply(f"{command} {chosen:.9e}")
        self._as_set |= {f"{command}?": range_bounds(chosen)}
        self._unit.read_back({f"{command}?": range_bounds(chosen)})

    def enable(self) -> None:
        """Switch the output on, at 0 V."""
        self._prepared()
        self._unit.apply(f":SOUR{self.number}:VOLT 0", f":OUTP{self.number} ON")
        self._unit.read_back({f":OUTP{self.number}?": True})

    def set_voltage(self, voltage_v: float) -> None:
        """Source a voltage from now on."""
        most = self._prepared().range_v
        if not abs(voltage_v) <= most:
            check_within(voltage_v, -most, most, f"{self.name}: voltage", "V")
        self._unit.set_and_read_back(f":SOUR{self.number}:VOLT", voltage_v)

    def pulse(self, amplitude_v: float, width_s: float, count: int = 1) -> list[Reading]:
        """Send `count` pulses from 0 V, timed by the instrument, and return the current inside each.

        Raises
        ------
        LimitError
            If amplitude, width or count is beyond what the channel can do; nothing was sent.
        InstrumentError
            If anything failed; how many pulses were sent is open, and the output was told to go off.
        """
        settings = self._check_pulses(amplitude_v, width_s, count)
        with off_after_a_failure(self):
            return self._pulse(settings, amplitude_v, width_s, count)

    def output_is_on(self) -> bool:
        """Ask whether the output is on."""
        return self._unit.query(f":OUTP{self.number}?", flag)

    def changes(self, *, pulsing: bool = False) -> list[str]:  # noqa: ARG002
        """Ask in one exchange for all that was read back, for the output and for the error queue."""
        self._prepared()
        return self._unit.differences({**self._as_set, f":OUTP{self.number}?": True})

    def recover(self) -> None:
        """Bring the session of the instrument in step if it is suspect."""
        self._unit.recover()

    def close(self) -> None:
        """End the session of the whole instrument; outputs stay as they are."""
        self._unit.close()

    # ------------------------------------------------------------------ what a model says

    @property
    @abstractmethod
    def _unit(self) -> ScpiInstrument:
        """Get the instrument that the channel belongs to."""

    @abstractmethod
    def _set_up(self, settings: SourceSettings, range_v: float, range_a: float) -> dict[str, Expected]:
        """Set everything, with these ranges, and return what must read back; the output is off."""

    @abstractmethod
    def _pulse(self, settings: SourceSettings, amplitude_v: float, width_s: float, count: int) -> list[Reading]:
        """Send pulses that have been checked, and leave the channel as it was."""

    # ------------------------------------------------------------------ inside

    def _ranges(self, settings: SourceSettings) -> tuple[float, float]:
        """Choose the ranges of voltage and current, or refuse what the model cannot do."""
        if settings.guard and self.why_no_guard:
            raise ConfigError(f"{self.name}: guard is asked for, but {self.why_no_guard}")
        range_v = smallest_range(settings.range_v, self.ranges_v, f"{self.name}: range_v")
        range_a = smallest_range(settings.range_a, self.ranges_a, f"{self.name}: range_a")
        least_a, most_a = max(range_a * self.least_share, self.least_limit_a), 1.05 if range_v <= 20 else 0.105
        check_settings(settings.compliance_a, least_a, most_a, f"{self.name}: compliance_a")
        if self.range_within_limit and range_a > smallest_range(
            settings.compliance_a, self.ranges_a, f"{self.name}: compliance_a"
        ):
            raise ConfigError(
                f"{self.name}: range_a is {settings.range_a:g}, in a range above that of the compliance, "
                f"{settings.compliance_a:g}"
            )
        check_settings(settings.nplc, *self.nplc_bounds, f"{self.name}: nplc")
        return range_v, range_a

    def _check_pulses(self, amplitude_v: float, width_s: float, count: int) -> SourceSettings:
        settings = self._prepared()
        check_within(amplitude_v, -settings.range_v, settings.range_v, f"{self.name}: pulse amplitude", "V")
        check_within(width_s, self.shortest_pulse_s, 100.0, f"{self.name}: pulse width", "s")
        check_within(count, 1, MOST_PULSES, f"{self.name}: number of pulses", "pulses")
        return settings

    def _prepared(self) -> SourceSettings:
        if self._settings is None:
            raise InstrumentError(f"{self.name} must be prepared before it is used")
        return self._settings


class ScpiSource(ScpiInstrument, ScpiChannel):
    """A Keithley source-measure unit with one channel; a model adds its commands."""

    reset_s = RESET_S

    source_voltage = number_property(":SOUR:VOLT", "the sourced voltage in volts", -210, 210)
    current_range = number_property(":SENS:CURR:RANG", "the measure range in amperes, which is fixed by it", 0, 1.05)
    current_nplc = number_property(":SENS:CURR:NPLC", "the integration time in power-line cycles", 0.01, 10)
    terminals = word_property(":ROUT:TERM", "which terminals are connected", "FRON", "REAR")

    @property
    def _unit(self) -> ScpiInstrument:
        """Get the instrument, which is its one channel."""
        return self

    def source_meters(self) -> list[SourceMeter]:
        """Return the one channel."""
        return [self]

    def pulse_together(
        self, amplitude_v: float, other: SourceMeter, other_amplitude_v: float, width_s: float, count: int = 1
    ) -> list[tuple[Reading, Reading]]:
        """Refuse: the model has one channel."""
        raise ConfigError(
            f"{self.name} has one channel, so {count} pulse(s) of {amplitude_v:g} V and {width_s:g} s cannot be sent "
            f"together with {other.name} at {other_amplitude_v:g} V"
        )

    def shutdown(self) -> None:
        """Switch the output off, by writing only."""
        self.output_off()
        super().shutdown()


def parse_terminals(reply: str) -> str:
    """Return which terminals are connected.

    >>> parse_terminals("REAR")
    'REAR'
    """
    word = reply.strip().upper()[:4]
    if word not in {"FRON", "REAR"}:
        raise GarbledReply(f"{reply!r} is neither FRON nor REAR")
    return word
