"""What single-channel SCPI source-measure units share: all of the role that does not depend on the model's commands."""

from abc import abstractmethod
from typing import Any

from pymeasure.adapters.adapter import Adapter

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError, TransportError
from crossbar_hil.instrument import Reading, SourceMeter, SourceSettings

from .scpi import ScpiInstrument
from .scpi_answers import fields, flag, number
from .scpi_bounds import check_within

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

    def source_meters(self) -> list[SourceMeter]:
        """Return the one channel."""
        return [self]

    def enable(self) -> None:
        """Switch the output on, at 0 V."""
        self._prepared()
        self.write(":SOUR:VOLT 0")
        self.write(":OUTP ON")
        self.check_errors()

    def set_voltage(self, voltage_v: float) -> None:
        """Source a voltage from now on."""
        most = self._prepared().range_v
        check_within(voltage_v, -most, most, f"{self.name}: voltage", "V")
        self.write(f":SOUR:VOLT {voltage_v:.9e}")
        self.check_errors()

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

    def shutdown(self) -> None:
        """Switch the output off, by writing only."""
        self.output_off()
        super().shutdown()

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


def parse_current_and_trip(reply: str) -> Reading:
    """Return the reading that two queries in one message give: a current, and whether the limit is reached.

    >>> parse_current_and_trip("+1.500000E-06;0")
    Reading(current_a=1.5e-06, limited=False)
    """
    current, tripped = fields(reply, 2, ";")
    return Reading(number(current), flag(tripped))
