"""The two roles that instruments play on a bench: source-measure channel and switch matrix.

A driver in ``instruments`` implements a role for one model; ``drivers`` makes a chip of roles and never sees a model.
Nothing here sleeps: waiting is done by the instrument (source delay, ``delay()``, ``*OPC?``), so that the same driver
runs as fast as the machine allows against an emulated instrument whose clock is simulated.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from crossbar_hil.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Identity:
    """What ``*IDN?`` answers, field by field."""

    maker: str
    model: str
    serial: str
    firmware: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured current."""

    current_a: float
    """Current out of the HI terminal, in amperes, positive when the source delivers it."""
    limited: bool
    """Whether the source was at its current limit, so that its voltage was not the one asked for."""


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """How a channel is set up for a session; ranges are fixed, because an autorange makes pulses longer."""

    range_v: float
    """Largest voltage that will be sourced, in volts; the instrument takes its smallest range that holds it."""
    compliance_a: float
    """Current limit, in amperes."""
    range_a: float
    """Largest current to be measured, in amperes."""
    nplc: float = 1.0
    """Integration time of a reading, in power-line cycles."""
    guard: bool = False
    """Whether the guard must be driven at low impedance to the voltage of HI (ohms guard)."""


class SourceMeter(ABC):
    """One channel of a source-measure unit: sources a voltage, measures and limits the current.

    Unless a docstring says otherwise, every method raises `crossbar_hil.errors.TransportError` if the exchange fails
    and `crossbar_hil.errors.InstrumentError` if the instrument reports an error.
    """

    name: str
    """Name of the channel in messages, such as ``smu.a``."""
    least_compliance_a: float
    """Smallest current limit that the model accepts, in amperes."""
    has_guard: bool = False
    """Whether the model can drive a guard at low impedance."""

    @abstractmethod
    def identify(self) -> Identity:
        """Ask who answers."""

    @abstractmethod
    def prepare(self, settings: SourceSettings) -> None:
        """Set the channel up as a voltage source at 0 V, output off, and read every safety setting back.

        Raises
        ------
        ConfigError
            If the model cannot do what is asked; nothing was sent.
        InstrumentError
            If a setting reads back other than it was set; the output is off.
        """

    @abstractmethod
    def enable(self) -> None:
        """Switch the output on, at 0 V."""

    @abstractmethod
    def set_voltage(self, voltage_v: float) -> None:
        """Source a voltage from now on."""

    @abstractmethod
    def measure(self) -> Reading:
        """Measure the current at the present voltage. May be repeated: it changes nothing."""

    @abstractmethod
    def pulse(self, amplitude_v: float, width_s: float, count: int = 1) -> list[Reading]:
        """Send `count` pulses from 0 V, timed by the instrument, and return the current inside each. Never repeat it.

        The output must be on and at 0 V; it is so again when this returns.
        """

    @abstractmethod
    def pulse_together(
        self, amplitude_v: float, other: "SourceMeter", other_amplitude_v: float, width_s: float, count: int = 1
    ) -> list[tuple[Reading, Reading]]:
        """Send `count` pulses on this channel and on another one of the same instrument at the same time.

        Raises
        ------
        ConfigError
            If `other` is no channel of the same instrument; nothing was sent.
        """

    @abstractmethod
    def output_off(self) -> None:
        """Bring the channel to 0 V and switch its output off, by writing only: no answer is waited for."""

    @abstractmethod
    def output_is_on(self) -> bool:
        """Ask whether the output is on."""

    @abstractmethod
    def limit_tripped(self) -> bool:
        """Ask whether the source is at its current limit now."""

    @abstractmethod
    def close(self) -> None:
        """End the session; outputs stay as they are."""


class SwitchMatrix(ABC):
    """A matrix of relays between ports (matrix rows) and lines (matrix columns).

    A crosspoint is written in the instrument's own way, such as ``1A05``.
    """

    name: str
    settle_s: float
    """Time that a closed relay needs to settle, in seconds; `connect` returns after it."""
    operations: int = 0
    """Relays moved by this session."""

    @abstractmethod
    def identify(self) -> Identity:
        """Ask who answers."""

    @abstractmethod
    def crosspoint(self, slot: int, port: str, line: int) -> str:
        """Return the name of the crosspoint of a port (matrix row, a letter or a number) and a line (matrix column).

        Raises
        ------
        ConfigError
            If the model has no such slot, row or column.
        """

    @abstractmethod
    def prepare(self) -> None:
        """Open every relay and set break-before-make."""

    @abstractmethod
    def connect(self, crosspoints: Iterable[str]) -> None:
        """Close exactly these crosspoints: open every other one first, then close, then wait until they have settled.

        Raises
        ------
        InstrumentError
            If the instrument refuses; which relays are closed must then be read back.
        """

    @abstractmethod
    def disconnect_all(self) -> None:
        """Open every relay, by writing only: no answer is waited for."""

    @abstractmethod
    def connected(self) -> frozenset[str]:
        """Ask which crosspoints are closed."""

    @abstractmethod
    def close(self) -> None:
        """End the session; relays stay as they are."""


def listed(names: Iterable[str], nothing: str = "nothing") -> str:
    """Return names in order as a person reads them, or a word for none.

    >>> listed({"1A05", "1A01"}), listed([])
    ('1A01, 1A05', 'nothing')
    """
    return ", ".join(sorted(names)) or nothing


def row_number(port: str) -> int:
    """Return the number of a matrix row that is written as a letter or a number.

    >>> row_number("C"), row_number("3")
    (3, 3)
    """
    if len(port) == 1 and port.isalpha() and port.isascii():
        return ord(port.upper()) - ord("A") + 1
    if port.isdigit() and port.isascii() and int(port) > 0:
        return int(port)
    raise ConfigError(f"port {port!r} is neither a letter nor a number from 1")
