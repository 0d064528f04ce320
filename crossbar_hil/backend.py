"""The seam between training and devices: read currents, send pulses, make safe.

A backend fills in ``_read_currents`` and ``_send_pulses``; the public methods check what goes down and what comes
back, so every device behind the seam refuses the same things in the same words. ``crossbar_hil.testing`` ships the
contract that each backend must pass.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from numbers import Integral
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arguments import expect, is_number
from crossbar_hil.arrays import BoolArray, FloatArray, IntArray, at, checked_array
from crossbar_hil.defaults import JUMP
from crossbar_hil.errors import BackendError, ChipStateUnknown, DataError, LimitError
from crossbar_hil.spent import Spent

MOST_PULSES = 10**9
"""More pulses for one cell in one call are a slip of the pen."""
_MOST = np.array(MOST_PULSES, dtype=np.uint64)
KINDS = ("simulated", "emulated", "hardware")


@dataclass(frozen=True, slots=True)
class Pulse:
    """One rectangular voltage pulse across a cell.

    Raises
    ------
    DataError
        If the amplitude is zero or not finite, or the width is not a positive finite time.
    """

    amplitude_v: float
    """Height in volts; positive potentiates, negative depresses."""
    width_s: float
    """Duration in seconds."""

    def __post_init__(self) -> None:
        if not is_number(self.amplitude_v) or self.amplitude_v == 0:
            raise DataError(f"pulse amplitude {self.amplitude_v} V must be finite and not zero")
        if not is_number(self.width_s) or self.width_s <= 0:
            raise DataError(f"pulse width {self.width_s} s must be finite and above zero")

    def __str__(self) -> str:
        return f"{self.amplitude_v:g} V, {self.width_s * 1e3:g} ms"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a chip may be asked to bear; a request beyond it is refused whole, never clipped."""

    read_v: float
    """Largest absolute row voltage of a read, in volts."""
    pulse_v: float
    """Largest absolute pulse amplitude, in volts."""
    width_s: float
    """Longest pulse, in seconds."""
    pulses: int | None = None
    """Most pulses that a cell may ever get; not bounded if not given."""
    dose_vs: float | None = None
    """Largest dose that a cell may ever get, the sum of voltage times width, unsigned, in volt seconds; not bounded if
    not given."""
    jump: float = JUMP
    """Factor; a cell that changes by more between two maps of a chip behind instruments stops what is under way."""

    def __post_init__(self) -> None:
        for name in ("read_v", "pulse_v", "width_s", "dose_vs"):
            value = getattr(self, name)
            if (value is not None or name != "dose_vs") and not (is_number(value) and value > 0):
                raise DataError(f"limit {name} {value} must be finite and above zero")
        if not (is_number(self.jump) and self.jump > 1):
            raise DataError(f"limit jump {self.jump} is a factor, it must be finite and above 1")
        if self.pulses is not None and not (
            isinstance(self.pulses, Integral) and is_number(self.pulses) and self.pulses > 0
        ):
            raise DataError(f"limit pulses {self.pulses} must be a whole number above zero")


class DeviceBackend(ABC):
    """A crossbar of R rows and C columns that can be read and pulsed.

    A subclass sets `shape`, `kind` and `limits` before its first read, and implements ``_read_currents``,
    ``_send_pulses`` and ``make_safe``. Use it as a context manager: leaving the block makes the chip safe.
    """

    shape: tuple[int, int]
    """(R, C): rows (word lines, driven) first, columns (bit lines, measured) second."""
    kind: str
    """"simulated", "emulated" or "hardware"; stands in every record."""
    limits: Limits
    simulates_chip: bool = False
    """Whether it is made from ``[chip]`` of a bench file; what stands there is refused by any other."""
    owned: ExitStack | None = None
    """What ends with this backend, after it was made safe: sessions, emulated instruments."""
    _accepted: tuple[FloatArray, Limits | None] = (np.empty((0, 0)), None)
    cause_of_doubt: BaseException | None = None
    """What left the chip's state unknown, or None while it is known."""
    pulsed: bool = False
    """Whether pulses may have been sent in this session."""
    noisy: bool | None = None
    """Whether readings of a chip that is left alone vary; None if that is not known."""
    spent: Spent | None = None
    """What each cell has received so far; None while nothing bounds it."""
    left_out: BoolArray | None = None
    """(R, C) cells that get no pulse, whoever asks for one; None if there are none."""
    training: Any = None
    """``[training]`` of the bench file that it was opened from, a `crossbar_hil.training.settings.BenchTraining`; None
    if it was not opened from one."""
    likeness: Callable[[], "DeviceBackend"] | None = None
    """Makes a simulated chip of the curve that the bench of this one names; None if it names none."""

    @classmethod
    def from_bench(cls, bench: Any, rng: np.random.Generator) -> Self:  # noqa: ARG003 - for those who simulate
        """Make the backend that a checked bench file describes, with a generator seeded from the run's seed.

        The default hands over its ``[options]`` as keywords.
        """
        return cls(**bench.options)

    # ------------------------------------------------------------------ the checked front door

    def read_currents(self, voltages: ArrayLike) -> FloatArray:
        """Apply each row-voltage vector in turn and measure every column.

        Parameters
        ----------
        voltages : array_like of float, shape (P, R)
            Row voltages of P patterns, in volts.

        Returns
        -------
        ndarray of float, shape (P, C)
            Current out of each column held at 0 V, in amperes.

        Raises
        ------
        DataError
            If the shape is wrong or a voltage is not finite; nothing was applied.
        LimitError
            If a voltage exceeds ``limits.read_v``; nothing was applied.
        BackendError
            If what came back is not a finite (P, C) array.
        """
        array, limits = self._accepted
        if voltages is not array or array.flags.writeable or limits is not self.limits:
            array = self._checked_voltages(voltages)
        currents = self._read_currents(array)
        if (
            not isinstance(currents, np.ndarray)
            or currents.dtype != np.float64
            or currents.shape != (len(array), self.shape[1])
            or not math.isfinite(np.vdot(currents, currents))
        ):
            raise BackendError(
                f"{type(self).__name__} returned {_describe_currents(currents)} instead of finite currents of shape "
                f"{(len(array), self.shape[1])}"
            )
        return currents

    def read_conductances(self, voltage_v: float) -> FloatArray:
        """Measure the conductance of every cell, one row at a time at `voltage_v`, the other rows at 0 V.

        A successful read also tells where a chip is after a failed pulse, so pulses are accepted again.

        Parameters
        ----------
        voltage_v : float
            Read voltage in volts, not zero.

        Returns
        -------
        ndarray of float, shape (R, C)
            Current over voltage of each cell, in siemens.

        Raises
        ------
        DataError
            If the voltage is zero or not finite; nothing was applied.
        LimitError
            If the voltage exceeds ``limits.read_v``; nothing was applied.
        """
        if not is_number(voltage_v) or voltage_v == 0:
            raise DataError(f"read voltage {voltage_v} V of a conductance must be finite and not zero")
        conductances = self.read_currents(voltage_v * np.eye(self.shape[0])) / voltage_v
        self.cause_of_doubt = None
        return conductances

    def send_pulses(self, counts: ArrayLike, pulse: Pulse) -> None:
        """Send ``counts[r, c]`` identical pulses to each cell.

        Parameters
        ----------
        counts : array_like of int, shape (R, C)
            Number of pulses for each cell, zero or more.
        pulse : Pulse
            The pulse that is sent each time.

        Raises
        ------
        DataError
            If `counts` is not a non-negative integer array of shape (R, C); nothing was sent.
        LimitError
            If the pulse exceeds the limits, a cell would get more than it may ever get, or the device knows no such
            pulse; nothing was sent.
        ChipStateUnknown
            If an earlier call failed half-way and the chip has not been read since; nothing was sent.
        BackendError
            If the device fails; the chip's state is unknown and further pulses are refused until
            `read_conductances` has succeeded.
        """
        array = self.check_pulses(counts, pulse)
        if self.spent is not None:
            self._book(self.spent, array, pulse)
        self.pulsed = True
        try:
            self._send_pulses(array, pulse)
        except BaseException as error:
            self.cause_of_doubt = error
            raise

    def check_pulses(self, counts: ArrayLike, pulse: Pulse) -> IntArray:
        """Refuse what `send_pulses` would refuse, in the same words, and return the counts; nothing is sent."""
        array = counts if isinstance(counts, np.ndarray) else _as_array(counts)
        # Seen as unsigned, a negative number is a huge one: one comparison finds both.
        if array.shape != self.shape or array.dtype != np.int64 or np.count_nonzero(array.view(np.uint64) > _MOST):
            array = _checked_counts(array, self.shape)
        if not isinstance(pulse, Pulse):
            expect(Pulse, pulse=pulse)
        self._check_pulse(pulse)
        if self.cause_of_doubt is not None:
            raise ChipStateUnknown(
                f"pulses failed earlier ({self.cause_of_doubt}), so the chip's state is unknown; "
                "read its conductances before sending more"
            ) from self.cause_of_doubt
        if self.left_out is not None and np.count_nonzero(array[self.left_out]):
            row, column = map(int, np.argwhere((array > 0) & self.left_out)[0])
            raise LimitError(
                f"cell {at(row, column)} is left out by the cells file, so it gets no pulse; nothing was sent"
            )
        limits = self.limits
        if limits.pulses is not None or limits.dose_vs is not None:
            if self.spent is None:
                self.spent = Spent(self.shape)
            self.spent.check(*self._charge(array, pulse), most_pulses=limits.pulses, most_dose_vs=limits.dose_vs)
        return array

    def _checked_voltages(self, voltages: ArrayLike) -> FloatArray:
        array = checked_array("row voltages", voltages, (None, self.shape[0]))
        worst = array.flat[int(np.argmax(np.abs(array)))]
        if abs(worst) > self.limits.read_v:
            raise LimitError(f"read voltage {worst:g} V exceeds the limit of {self.limits.read_v:g} V")
        # A training reads the same voltages again and again; an array that cannot change is checked once.
        if (
            isinstance(voltages, np.ndarray)
            and voltages.dtype == np.float64
            and voltages.base is None
            and not voltages.flags.writeable
        ):
            array = voltages
            self._accepted = array, self.limits
        return array

    def _check_pulse(self, pulse: Pulse) -> None:
        """Refuse a pulse beyond the limits; a subclass that knows more calls this first, then checks that."""
        if not abs(pulse.amplitude_v) <= self.limits.pulse_v:
            raise LimitError(f"pulse amplitude {pulse.amplitude_v:g} V exceeds the limit of {self.limits.pulse_v:g} V")
        if not pulse.width_s <= self.limits.width_s:
            raise LimitError(f"pulse width {pulse.width_s:g} s exceeds the limit of {self.limits.width_s:g} s")

    def _charge(self, counts: IntArray, pulse: Pulse) -> tuple[IntArray, FloatArray]:
        """Return the pulses and the dose, in volt seconds, that each cell gets from a batch; (R, C) each."""
        return counts, counts.astype(np.float64) * (abs(pulse.amplitude_v) * pulse.width_s)

    def _book(self, spent: Spent, counts: IntArray, pulse: Pulse) -> None:
        """Add a batch to what the cells have received; before it is sent, since a failure leaves open what was."""
        spent.add(*self._charge(counts, pulse))

    # ------------------------------------------------------------------ what a device fills in

    @abstractmethod
    def _read_currents(self, voltages: FloatArray) -> FloatArray:
        """Return the (P, C) currents of checked (P, R) voltages."""

    @abstractmethod
    def _send_pulses(self, counts: IntArray, pulse: Pulse) -> None:
        """Send checked (R, C) counts of a checked pulse."""

    @abstractmethod
    def make_safe(self) -> None:
        """Bring the device to 0 V, outputs off, contacts open. May be called at any time, any number of times."""

    def request_stop(self, cause: str) -> None:  # noqa: B027 - most devices take no notice
        """Ask, from a signal handler, for a stop after the operation under way; a device that takes none ignores it."""

    def identify(self) -> dict[str, Any]:
        """Say what answers: model, serial, firmware, curve, seed, whatever names this device in a record."""
        return {"backend": type(self).__name__}

    def work_done(self) -> dict[str, Any]:
        """Say what instruments did so far, for the record; nothing where there are none, or nobody counts."""
        return {}

    def saturated_cells(self) -> BoolArray:
        """Return the (R, C) mask of cells known to be at the end of their curve; a chip cannot know."""
        return np.zeros(self.shape, dtype=bool)

    def pulses_left(self) -> int | None:
        """Return how many pulses every cell can have before one of them is at the end of its curve.

        None if that is not known, or if anything but a pulse on a cell itself changes what the cell reads.
        """
        return None

    def flat_pulses(self, pulse: Pulse) -> int | None:
        """Return how many pulses in a row may change nothing while a cell follows its curve; None if not known."""
        return None if self.likeness is None else self.likeness().flat_pulses(pulse)

    def state(self) -> dict[str, FloatArray]:
        """Return the arrays from which `restore` brings the chip back; a real chip keeps its own state."""
        return {}

    def restore(self, state: dict[str, FloatArray]) -> None:
        """Bring a simulated chip back to a saved state."""
        if state:
            raise BackendError(f"{type(self).__name__} cannot restore a saved chip state")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.owned if self.owned is not None else nullcontext():
            self.make_safe()


def _as_array(counts: ArrayLike) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(counts)
    except ValueError as error:
        raise DataError(f"pulse counts must be a rectangular array of integers: {error}") from error


def _checked_counts(counts: np.ndarray[Any, Any], shape: tuple[int, int]) -> IntArray:
    if counts.shape != shape:
        raise DataError(f"pulse counts have shape {counts.shape}, expected {shape}")
    if counts.dtype.kind not in "iu":
        raise DataError(f"pulse counts are of type {counts.dtype}, expected integers")
    if counts.min() < 0 or counts.max() > MOST_PULSES:
        wrong = counts.min() if counts.min() < 0 else counts.max()
        raise DataError(f"pulse counts hold {wrong}, expected 0 to {MOST_PULSES}")
    return counts.astype(np.int64)


def _describe_currents(currents: object) -> str:
    if not isinstance(currents, np.ndarray):
        return repr(currents)[:80]
    if currents.dtype == np.float64 and not np.isfinite(currents).all():
        return "currents that are not finite"
    return f"{currents.dtype} of shape {currents.shape}"
