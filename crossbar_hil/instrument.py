"""The two roles that instruments play on a bench: source-measure channel and switch matrix.

A driver in ``instruments`` implements a role for one model; ``drivers`` makes a chip of roles and never sees a model.
Nothing here sleeps: waiting is done by the instrument (source delay, ``delay()``, ``*OPC?``), so that the same driver
runs as fast as the machine allows against an emulated instrument whose clock is simulated. The one exception is
`SwitchMatrix.wait` of a model that has no delay of its own.
"""

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from crossbar_hil.errors import ConfigError

IMPOSSIBLE = 2.0
"""A current of more than this many current limits was not measured: it is how instruments write an overrange."""
OFFSET = 1e-3
"""Share of its range that a source may show while nothing conducts to it: ten times the data sheets of all models."""
ZERO_V = 2.5e-3
"""What a port may be at when it is told 0 V: a 2602B states 1.8 mV in its range of 6 V, the others less than 1 mV."""
MOST_PULSES = 1000
"""No more pulses are asked of a source in one call; a longer train is asked for in parts."""
MOST_DIGITS = 4
"""No matrix has so many rows that their numbers are longer."""
FASTEST_LINE_HZ = 60.0
"""Line frequency that gives the shortest readings."""


NOT_TOLD = "not told by this model"
"""Serial number of a model that answers the same one whichever instrument it is."""


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
    """How a channel is set up; ranges are fixed, because an autorange makes pulses longer.

    The meter may have a smaller range in reads than in pulses. It is changed by `SourceMeter.set_range`, and only while
    it is connected to nothing.
    """

    range_v: float
    """Largest voltage that will be sourced, in volts; the instrument takes its smallest range that holds it."""
    compliance_a: float
    """Current limit, in amperes."""
    range_a: float
    """Largest current to be measured, in amperes, inside pulses too; the range that `SourceMeter.prepare` sets."""
    nplc: float = 1.0
    """Integration time of a reading, in power-line cycles."""
    guard: bool = False
    """Whether the guard must be driven at low impedance to the voltage of HI (ohms guard)."""
    read_range_a: float | None = None
    """Largest current that is measured in a read, in amperes; `range_a` if not given."""

    @property
    def range_of_reads_a(self) -> float:
        """Largest current that is measured in a read, in amperes, whether given or not."""
        return self.range_a if self.read_range_a is None else self.read_range_a


@dataclass(frozen=True, slots=True)
class PulseMemory:
    """What an instrument remembers of the numbered pulses of a run."""

    begun: int
    """Number of the last pulses that were begun; 0 if none."""
    done: int
    """Number of the last pulses that came to their end."""


class Instrument(ABC):
    """What every role has.

    Unless a docstring says otherwise, every method of a role raises `crossbar_hil.errors.TransportError` if the
    exchange fails and `crossbar_hil.errors.InstrumentError` if the instrument reports an error.
    """

    name: str
    """What it is called in messages, such as ``matrix``; that of a channel is such as ``smu.a``."""

    @abstractmethod
    def identify(self) -> Identity:
        """Ask who answers."""

    def recover(self) -> None:  # noqa: B027 - not every session can get out of step
        """Bring the session in step again after a failed exchange; do nothing if none failed."""

    def hurried(self, share: float) -> AbstractContextManager[None]:  # noqa: ARG002 - not every session has a deadline
        """Give all exchanges in a ``with`` block together this share of the deadline of one.

        For an instrument that may not answer at all, while others wait to be made safe.
        """
        return nullcontext()

    @abstractmethod
    def close(self) -> None:
        """End the session; outputs and relays stay as they are."""


class SourceMeter(Instrument):
    """One channel of a source-measure unit: sources a voltage, measures and limits the current."""

    least_compliance_a: float
    """Smallest current limit that the model accepts, in amperes."""
    has_guard: bool = False
    """Whether the model can drive a guard at low impedance."""
    shortest_pulse_s: float = 0.0
    """Shortest pulse that the model can time, in seconds."""
    train_widths: tuple[int, int] = (0, 0)
    """How many widths a train of n pulses lasts on the instrument's clock, a n + b, beyond what no width is in: a, b;
    a is 0 if the driver does not know."""

    @abstractmethod
    def check(self, settings: SourceSettings) -> None:
        """Refuse settings that the model cannot have, of reads or of pulses; nothing is sent.

        A ConfigError names the setting, its value and the bound.
        """

    def check_beside(self, settings: SourceSettings, other: "SourceMeter", others: SourceSettings) -> None:
        """Refuse settings that this channel and another one cannot have together, as of one box; nothing is sent.

        A ConfigError names the two, what they ask for together and the bound.
        """

    def pulses_with(self, other: "SourceMeter") -> bool:  # noqa: ARG002 - for models with several channels
        """Say whether `pulse_together` can pulse this channel and another one; nothing is sent."""
        return False

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
    def set_range(self, range_a: float) -> None:
        """Take the smallest measure range that holds a current from now on, and read it back.

        The output may glitch, so call it at 0 V and with nothing connected to HI.

        Raises
        ------
        ConfigError
            If the model has no such range, or none that goes with the current limit; nothing was sent.
        InstrumentError
            If the range reads back other than it was set.
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

    def measure_beside(self, others: Sequence["SourceMeter"]) -> tuple[Reading, list[bool]]:
        """Measure the current at the present voltage, and ask of each other source whether it is at its limit then.

        A model with several channels asks for all of them in one exchange.
        """
        return self.measure(), [other.limit_tripped() for other in others]

    def begin_beside(self, others: Sequence["SourceMeter"] = ()) -> None:
        """Begin a reading of the present voltage on this channel and on others, all at once; `fetch_beside` returns it.

        It does not wait for the readings, so that those of several instruments take the time of one. A model that has
        no such command measures when its reading is fetched. Until then nothing but `fetch_beside` and `output_off`,
        which ends a reading, may be asked of these channels.
        """
        if others:
            others[0].begin_beside(others[1:])

    def fetch_beside(
        self, others: Sequence["SourceMeter"] = (), asked: Sequence["SourceMeter"] = ()
    ) -> tuple[list[Reading], list[bool]]:
        """Wait for the readings that `begin_beside` has begun, and return them, this channel's first.

        Beside them it is told of each source that is `asked` whether it is at its limit then.

        Raises
        ------
        InstrumentError
            If a channel has no reading, or another than the one that was begun.
        """
        reading = self.measure()
        if not others:
            return [reading], [each.limit_tripped() for each in asked]
        readings, tripped = others[0].fetch_beside(others[1:], asked)
        return [reading, *readings], tripped

    def measure_at(
        self,
        voltage_v: float,
        source: "SourceMeter",
        others: Sequence["SourceMeter"] = (),
        *,
        rest_s: float | None = None,
        nplc: float = 1.0,
    ) -> tuple[Reading, list[bool]]:
        """Source a voltage on this channel or on one of the others, see that it is there, and `measure_beside` them.

        A model does all of it in one exchange where the sources share a box.

        Parameters
        ----------
        voltage_v : float
            Voltage in volts.
        source : SourceMeter
            The channel that sources it.
        others : sequence of SourceMeter
            What is asked for its limit.
        rest_s : float, optional
            Then the source goes back to 0 V, is asked whether it is there, and stays so long, in seconds; see `wait`.
            Where a limit was reached it may as well still be at the voltage.
        nplc : float
            Integration time of a reading of the source as it is set up, in power-line cycles.
        """
        source.set_voltage(voltage_v)
        asked = [each for each in others if rest_s is None or each is not source]
        reading, tripped = self.measure_beside(asked) if asked else (self.measure(), [])
        if rest_s is None:
            return reading, tripped
        stays = reading.limited or any(tripped)
        at_limit = source.limit_tripped() if stays else source.limit_then_rest(rest_s, nplc)
        found = iter(tripped)
        return reading, [at_limit if each is source else next(found) for each in others]

    def limit_then_rest(self, seconds: float, nplc: float = 1.0) -> bool:
        """Ask whether the source is at its limit, then go to 0 V, see that it is there, and stay so long; see `wait`.

        A model does it in one exchange. Where a limit was reached the source may as well stay at the voltage.
        """
        at_limit = self.limit_tripped()
        if not at_limit:
            self.set_voltage(0.0)
            self.wait(seconds, nplc)
        return at_limit

    def changes_beside(self, others: Sequence["SourceMeter"], *, pulsing: bool = False) -> list[str]:
        """Ask this channel and others what somebody else has changed; see `changes`.

        A model with several channels asks for all of them in one exchange.
        """
        return [each for source in (self, *others) for each in source.changes(pulsing=pulsing)]

    @abstractmethod
    def pulse(self, amplitude_v: float, width_s: float, count: int = 1) -> list[Reading]:
        """Send up to `MOST_PULSES` pulses from 0 V, timed by the instrument, and return the current inside each.

        The output must be on and at 0 V; it is so again when this returns. Never repeat it.
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

    def number_next(self, token: str, sequence: int) -> None:
        """Give the pulses that are sent next a number, so that an instrument with a memory refuses them a second time.

        Parameters
        ----------
        token : str
            Letters and digits that stand for the run; numbers of another one are forgotten.
        sequence : int
            Above that of all pulses before.
        """

    def pulse_memory(self, token: str) -> PulseMemory | None:  # noqa: ARG002
        """Ask which numbered pulses of a run were sent last; None if the instrument does not remember the run.

        Brings a suspect session in step first.
        """
        return None

    @abstractmethod
    def output_off(self) -> None:
        """Bring the channel to 0 V and switch its output off, by writing only: no answer is waited for."""

    @abstractmethod
    def output_is_on(self) -> bool:
        """Ask whether the output is on."""

    @abstractmethod
    def limit_tripped(self) -> bool:
        """Ask whether the source is at its current limit now."""

    def clock_s(self) -> float | None:
        """Ask the instrument's own clock, which may begin anywhere, in seconds; None if the model has none to ask."""
        return None

    def changes(self, *, pulsing: bool = False) -> list[str]:  # noqa: ARG002 - a model with little to ask asks all
        """Ask what somebody else has changed, and name it; nothing if all is as it was set.

        Asked between two operations, when the output is on at 0 V. A model asks, in one exchange, for everything that
        a cell can see or that a reading rests on, and for the error queue. One that does not say how asks for its
        output alone.

        Parameters
        ----------
        pulsing : bool
            Whether pulses follow at once: then only what changes a pulse is asked for.
        """
        return [] if self.output_is_on() else [f"{self.name} is off"]

    def wait(self, seconds: float, nplc: float = 1.0) -> None:
        """Stay at the present voltage for at least so many seconds, timed by the instrument, with the output on.

        A model without a delay of its own takes readings, which it times: of `nplc` power-line cycles, as it is set up.
        """
        for _ in range(math.ceil(seconds * FASTEST_LINE_HZ / nplc)):
            self.measure()


Line = int | tuple[int, int]
"""Where a line of the chip hangs: a matrix column, of the card that holds the others, or slot and column."""
Place = tuple[int, int]
"""Slot and column."""


def place_of(line: Line, slot: int) -> Place:
    """Return slot and column of a line, that of the usual card if it names none.

    >>> place_of(5, 1), place_of((2, 5), 1)
    ((1, 5), (2, 5))
    """
    return line if isinstance(line, tuple) else (slot, line)


class SwitchMatrix(Instrument):
    """A matrix of relays between ports (matrix rows) and lines (matrix columns).

    A crosspoint is written in the instrument's own way, such as ``1A05``.
    """

    settle_s: float
    """Time that a closed relay needs to settle, in seconds; `connect` returns after it."""
    operations: int = 0
    """Relays moved since the instrument was opened."""
    rated_closings: int | None = None
    """How often a relay of its cards may close without load, by the maker's data; None if that is not known."""

    @property
    def closings(self) -> Mapping[str, int]:
        """Get how often each crosspoint has closed since the instrument was opened; nothing if nobody counts."""
        return {}

    @abstractmethod
    def crosspoint(self, slot: int, port: str, line: int) -> str:
        """Return the name of the crosspoint of a port (matrix row, a letter or a number) and a line (matrix column).

        Raises
        ------
        ConfigError
            If the model has no such slot, row or column.
        """

    def explain(self, ports: Mapping[str, str], lines: Mapping[Place, str]) -> None:
        """Take what hangs on matrix rows (by letter or number) and on columns of cards, for who has to be told."""

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

    def changes(self, crosspoints: Iterable[str]) -> list[str]:
        """Ask whether exactly these crosspoints are closed, and name what is not; nothing if all is as it was set."""
        return relay_changes(self.name, self.connected(), crosspoints)

    def wait(self, seconds: float) -> None:
        """Let time pass before the next command moves a relay, by writing only where the model has a delay.

        For any other model the time passes here.
        """
        threading.Event().wait(seconds)


def names_text(names: Iterable[str], nothing: str = "nothing") -> str:
    """Return names in order as a person reads them, or a word for none.

    >>> names_text({"1A05", "1A01"}), names_text([])
    ('1A01, 1A05', 'nothing')
    """
    return ", ".join(sorted(names)) or nothing


def relay_changes(name: str, found: frozenset[str], wanted: Iterable[str]) -> list[str]:
    """Say that other crosspoints of a matrix are closed than should be; nothing if they are the same.

    >>> relay_changes("matrix", frozenset({"1A05"}), [])
    ['matrix has 1A05 closed instead of no crosspoint']
    """
    expected = frozenset(wanted)
    if found == expected:
        return []
    return [
        f"{name} has {names_text(found, 'no crosspoint')} closed instead of {names_text(expected, 'no crosspoint')}"
    ]


def row_number(port: str) -> int:
    """Return the number of a matrix row that is written as a letter or a number.

    >>> row_number("C"), row_number("3")
    (3, 3)
    """
    if len(port) == 1 and port.isalpha() and port.isascii():
        return ord(port.upper()) - ord("A") + 1
    if port.isdigit() and port.isascii() and len(port) <= MOST_DIGITS and int(port) > 0:
        return int(port)
    raise ConfigError(f"port {port!r:.40} is neither a letter nor a number from 1")
