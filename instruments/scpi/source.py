"""What SCPI source-measure units share: all of the role that does not depend on the model's commands."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, ClassVar

from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import Identity, Reading, SourceMeter, SourceSettings
from crossbar_hil.text import quantity

from ..settings.setting import Asked, Chosen, SettingTable, full_scale
from ..transport.adapter import allowing
from ..transport.instrument import off_after_a_failure
from .answers import flag
from .bounds import DIGITS, SourceLimits, check_settings, check_within, smallest_range
from .instrument import ScpiInstrument
from .meter import ScpiMeter
from .table import Questions, Together, left_alone, line, lines, must_read_back, parse_found, question

MOST_PULSES = 1_000_000
RESET_S = 3.0
"""What a reset and an autozero may take beyond the deadline of an exchange, in seconds; an assumption."""


class ScpiChannel(ScpiMeter):
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
    most_by_range_a: ClassVar[Sequence[tuple[float, float]]] = ((20.0, 1.05), (math.inf, 0.105))
    """Largest current limit of the source ranges up to each voltage, in volts and amperes."""
    nplc_bounds: ClassVar[tuple[float, float]] = (0.01, 10.0)
    why_no_guard: ClassVar[str] = ""
    """Why there is no guard at low impedance, if there is none."""
    reset_s: ClassVar[float] = 0.0
    """What setting up may take beyond the deadline of an exchange, in seconds."""
    table: ClassVar[SettingTable]
    """Every setting of the family; it has ``output_enabled`` and ``current_range``."""

    _chosen: Chosen
    _as_set: Questions
    _asked: list[list[str]]
    _by_range: dict[float, tuple[Together, Together, dict[tuple[str, ...], list[str]]]]
    _of_batches: Together
    _of_pulses: Together
    _lines: dict[tuple[str, ...], list[str]]

    def identify(self) -> Identity:
        """Ask who answers."""
        return self._unit.identify()

    def check(self, settings: SourceSettings) -> None:
        """Refuse settings that the model cannot have, those of reads and those of pulses; nothing is sent."""
        for range_a in (settings.range_a, settings.range_of_reads_a):
            self._ranges(replace(settings, range_a=range_a))

    def prepare(self, settings: SourceSettings) -> None:
        """Set the channel up as `SourceMeter.prepare` says, a source of 0 V that is off, and read everything back."""
        range_v, range_a = self._ranges(settings)
        self._settings = None
        self.output_off()
        with off_after_a_failure(self):
            self.recover()
            with allowing(self._unit.adapter, self.reset_s):
                self._set_up(Chosen(settings, range_v, range_a, self.number))
        self._settings = settings

    def set_range(self, range_a: float) -> None:
        """Fix the smallest measure range that holds a current, and read it back."""
        _, chosen = self._ranges(replace(self._prepared(), range_a=range_a))
        setting = self.table["current_range"]
        self._chosen = replace(self._chosen, range_a=chosen)
        back = {question(setting, self.number): full_scale(chosen)}
        self._watch(self._as_set | back)
        self._unit.apply_and_compare(line(setting, chosen, self.number), back)

    def enable(self) -> None:
        """Switch the output on, at 0 V."""
        self._prepared()
        self._unit.apply(f":SOUR{self.number}:VOLT 0", f":OUTP{self.number} ON")
        self._unit.read_back({f":OUTP{self.number}?": True})

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

    def changes(self, *, pulsing: bool = False) -> list[str]:
        """Ask in one exchange for what the table of settings says, for the output and for the error queue."""
        self._prepared()
        return self._unit.differences(self._of_pulses if pulsing else self._of_batches)

    def recover(self) -> None:
        """Bring the session of the instrument in step if it is suspect."""
        self._unit.recover()

    def hurried(self, share: float) -> AbstractContextManager[None]:
        """Give all exchanges in the block together a share of the deadline of one."""
        return self._unit.hurried(share)

    def close(self) -> None:
        """End the session of the whole instrument; outputs stay as they are."""
        self._unit.close()

    # ------------------------------------------------------------------ what a model says

    def _begin(self) -> None:
        """Refuse an instrument that cannot be set up, by asking only."""

    def _reset(self) -> None:
        """Bring the channel to a known state as far as others let it; the output is off."""
        self._unit.write("*CLS")

    def _most_limit_a(self, settings: SourceSettings, range_v: float) -> float:  # noqa: ARG002 - for other models
        """Return the largest current limit of a source range, in amperes."""
        return next(limit_a for most_v, limit_a in self.most_by_range_a if range_v <= most_v)

    @abstractmethod
    def _pulse(self, settings: SourceSettings, amplitude_v: float, width_s: float, count: int) -> list[Reading]:
        """Send pulses that have been checked, and leave the channel as it was."""

    # ------------------------------------------------------------------ inside

    def _set_up(self, chosen: Chosen) -> None:
        """Write every setting of the table in its order, and ask each back; the output is off.

        What is left as the person at the instrument chose it is asked for first, and written again after the reset.
        """
        unit = self._unit
        self._chosen = chosen
        self._begin()
        alone = {question(each, self.number): each for each in left_alone(self.table)}
        found = {asked: unit.query(asked, parse_found(each)) for asked, each in alone.items()}
        self._reset()
        unit.apply(*(line(each, found[asked], self.number) for asked, each in alone.items() if each.settable))
        unit.apply(*lines(self.table, chosen))
        wanted = must_read_back(self.table.asked(Asked.SET_UP), chosen, found)
        unit.read_back(wanted)
        on = question(self.table["output_enabled"], self.number)
        self._asked = [
            [*(question(each, self.number) for each in self.table.asked(when)), on]
            for when in (Asked.BATCH, Asked.PULSE)
        ]
        self._by_range = {}
        self._watch(wanted | {on: True})

    def _watch(self, as_set: Questions) -> None:
        """Note what must come back before a batch and before a pulse, for each measure range once; the output is on."""
        self._as_set = as_set
        range_a = self._chosen.range_a
        if range_a not in self._by_range:
            batch, pulse = (Together({asked: as_set[asked] for asked in questions}) for questions in self._asked)
            self._by_range[range_a] = batch, pulse, {}
        self._of_batches, self._of_pulses, self._lines = self._by_range[range_a]

    def _again(self, *names: str) -> list[str]:
        """Return the lines that set some settings as they were set up."""
        if names not in self._lines:
            settings = [self.table[name] for name in names]
            self._lines[names] = [line(each, each.written(self._chosen), self.number) for each in settings]
        return self._lines[names]

    def _ranges(self, settings: SourceSettings) -> tuple[float, float]:
        """Choose the ranges of voltage and current, or refuse what the model cannot do."""
        if settings.guard and self.why_no_guard:
            raise ConfigError(f"{self.name}: guard is asked for, but {self.why_no_guard}")
        range_v = smallest_range(settings.range_v, self.ranges_v, f"{self.name}: range_v", "V")
        range_a = smallest_range(settings.range_a, self.ranges_a, f"{self.name}: range_a", "A")
        least_a, most_a = max(range_a * self.least_share, self.least_limit_a), self._most_limit_a(settings, range_v)
        check_settings(settings.compliance_a, least_a, most_a, f"{self.name}: compliance_a", "A")
        if self.range_within_limit and range_a > smallest_range(
            settings.compliance_a, self.ranges_a, f"{self.name}: compliance_a", "A"
        ):
            raise ConfigError(
                f"{self.name}: range_a is {quantity(settings.range_a, 'A', DIGITS)}, in a range above that of the "
                f"compliance, {quantity(settings.compliance_a, 'A', DIGITS)}"
            )
        check_settings(settings.nplc, *self.nplc_bounds, f"{self.name}: nplc")
        return range_v, range_a

    def _check_pulses(self, amplitude_v: float, width_s: float, count: int) -> SourceSettings:
        settings = self._prepared()
        check_within(amplitude_v, -settings.range_v, settings.range_v, f"{self.name}: pulse amplitude", "V")
        check_within(width_s, self.shortest_pulse_s, 100.0, f"{self.name}: pulse width", "s")
        check_within(count, 1, MOST_PULSES, f"{self.name}: number of pulses", "pulses")
        return settings


class ScpiSource(ScpiInstrument, ScpiChannel):
    """A Keithley source-measure unit with one channel; a model adds its commands."""

    limits: ClassVar[SourceLimits]
    """What the model can do, from the table of its family."""
    reset_s = RESET_S

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take ranges and bounds from the limits of the model."""
        super().__init_subclass__(**kwargs)
        found = cls.limits
        cls.ranges_v, cls.ranges_a, cls.most_by_range_a = found.ranges_v, found.ranges_a, found.most_by_range_a
        cls.least_limit_a = found.least_limit_a
        cls.least_compliance_a = max(found.ranges_a[0] * cls.least_share, found.least_limit_a)

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

    def _reset(self) -> None:
        self.write("*RST")
        super()._reset()

    def shutdown(self) -> None:
        """Switch the output off, by writing only."""
        self.output_off()
        super().shutdown()
