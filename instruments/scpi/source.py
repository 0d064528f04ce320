"""What single-channel SCPI source-measure units share: all of the role that does not depend on the model's commands."""

from abc import abstractmethod
from dataclasses import replace
from typing import Any

from pymeasure.adapters.adapter import Adapter

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError, TransportError
from crossbar_hil.instrument import Reading, SourceMeter, SourceSettings

from ..transport.adapter import allowing
from .answers import Expected, flag, held
from .bounds import check_within
from .session import ScpiInstrument

SHORTEST_READING_NPLC = 0.01
"""Integration time inside pulses: 0.2 ms at 50 Hz, so that a pulse is timed by its delay and not by its reading."""
MOST_PULSES = 1_000_000
RESET_S = 3.0
"""What a reset and an autozero may take beyond the deadline of an exchange, in seconds; an assumption."""


class ScpiSource(ScpiInstrument, SourceMeter):
    """A source-measure unit with one channel; a model adds its commands and properties."""

    shortest_pulse_s: float
    """Shortest pulse that the model can time, in seconds."""

    def __init__(self, adapter: Adapter | str | int, name: str = "SCPI source", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
        self._settings: SourceSettings | None = None
        self._as_set: dict[str, Expected] = {}

    def source_meters(self) -> list[SourceMeter]:
        """Return the one channel."""
        return [self]

    def check(self, settings: SourceSettings) -> None:
        """Refuse settings that the model cannot have, those of reads and those of pulses; nothing is sent."""
        for range_a in (settings.range_a, settings.range_of_reads_a):
            self._ranges(replace(settings, range_a=range_a))

    def set_range(self, range_a: float) -> None:
        """Fix the smallest measure range that holds a current, and read it back."""
        _, chosen = self._ranges(replace(self._prepared(), range_a=range_a))
        self.apply(f":SENS:CURR:RANG {chosen:.9e}")
        self._as_set |= {":SENS:CURR:RANG?": held(chosen)}
        self.read_back({":SENS:CURR:RANG?": held(chosen)})

    def prepare(self, settings: SourceSettings) -> None:
        """Reset the instrument, set it up as a source of 0 V with its output off, and read everything back.

        The terminals in use stay in use.

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
        try:
            self.recover()
            with allowing(self.adapter, RESET_S):
                self._as_set = self._set_up(settings, range_v, range_a)
                self.read_back({**self._as_set, ":OUTP?": False})
        except BaseException:
            self._give_up()
            raise
        self._settings = settings

    def enable(self) -> None:
        """Switch the output on, at 0 V."""
        self._prepared()
        self.apply(":SOUR:VOLT 0", ":OUTP ON")
        self.read_back({":OUTP?": True})

    def set_voltage(self, voltage_v: float) -> None:
        """Source a voltage from now on."""
        most = self._prepared().range_v
        check_within(voltage_v, -most, most, f"{self.name}: voltage", "V")
        self.set_and_read_back(":SOUR:VOLT", voltage_v)

    def pulse(self, amplitude_v: float, width_s: float, count: int = 1) -> list[Reading]:
        """Send `count` pulses from 0 V, timed by the instrument, and return the current inside each.

        Raises
        ------
        LimitError
            If amplitude, width or count is beyond what the channel can do; nothing was sent.
        InstrumentError
            If anything failed; how many pulses were sent is open, and the output was told to go off.
        """
        settings = self._prepared()
        check_within(amplitude_v, -settings.range_v, settings.range_v, f"{self.name}: pulse amplitude", "V")
        check_within(width_s, self.shortest_pulse_s, 100.0, f"{self.name}: pulse width", "s")
        check_within(count, 1, MOST_PULSES, f"{self.name}: number of pulses", "pulses")
        try:
            return self._pulse(settings, amplitude_v, width_s, count)
        except BaseException:
            # An interrupt too: it may have come in the middle of a pulse.
            self._give_up()
            raise

    def pulse_together(
        self, amplitude_v: float, other: SourceMeter, other_amplitude_v: float, width_s: float, count: int = 1
    ) -> list[tuple[Reading, Reading]]:
        """Refuse: the model has one channel."""
        raise ConfigError(
            f"{self.name} has one channel, so {count} pulse(s) of {amplitude_v:g} V and {width_s:g} s cannot be sent "
            f"together with {other.name} at {other_amplitude_v:g} V"
        )

    def output_is_on(self) -> bool:
        """Ask whether the output is on."""
        return self.query(":OUTP?", flag)

    def changes(self) -> list[str]:
        """Ask in one exchange for all that was read back, for the output and for the error queue."""
        self._prepared()
        return self.differences({**self._as_set, ":OUTP?": True})

    def shutdown(self) -> None:
        """Switch the output off, by writing only."""
        self.output_off()
        super().shutdown()

    @abstractmethod
    def _ranges(self, settings: SourceSettings) -> tuple[float, float]:
        """Choose the ranges of voltage and current, or refuse what the model cannot do."""

    @abstractmethod
    def _set_up(self, settings: SourceSettings, range_v: float, range_a: float) -> dict[str, Expected]:
        """Reset and set everything, with these ranges, and return what must read back; the output is off."""

    @abstractmethod
    def _pulse(self, settings: SourceSettings, amplitude_v: float, width_s: float, count: int) -> list[Reading]:
        """Send pulses that have been checked, and leave the channel as it was."""

    def _prepared(self) -> SourceSettings:
        if self._settings is None:
            raise InstrumentError(f"{self.name} must be prepared before it is used")
        return self._settings

    def _give_up(self) -> None:
        """Switch the output off after a failure, whose own error counts more than that of the attempt."""
        try:
            self.output_off()
        except TransportError:
            return


def parse_terminals(reply: str) -> str:
    """Return which terminals are connected.

    >>> parse_terminals("REAR")
    'REAR'
    """
    word = reply.strip().upper()[:4]
    if word not in {"FRON", "REAR"}:
        raise GarbledReply(f"{reply!r} is neither FRON nor REAR")
    return word
