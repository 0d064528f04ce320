"""Calibrate a chip: read it many times, give every cell a few pulses, read it many times after each."""

import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from crossbar_hil.arrays import BoolArray, IntArray
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.errors import DataError, LimitError
from crossbar_hil.twins.readings import Map, Sent

MOST_READS = 100_000
"""Maps of one round; a watch that takes more was not meant."""
LATER = 1.2
"""While the chip is watched, the next reading is due at so many times the time that has passed."""


class Clock(Protocol):
    """The time on which a chip ages."""

    def now(self) -> float:
        """Return the time, in seconds."""

    def wait(self, seconds: float) -> None:
        """Let time pass, if that can be done otherwise than by reading."""


def calibrate(
    backend: DeviceBackend,
    *,
    pulse: Pulse,
    pulses: int,
    reads: int,
    read_v: float,
    left_out: BoolArray | None = None,
    clock: Clock | None = None,
    watch_s: float = 0.0,
) -> Iterator[Map | Sent]:
    """Read, send one pulse to every cell and read again, `pulses` times; all is handed out at once.

    Parameters
    ----------
    backend : DeviceBackend
        The chip. The pulses change it for good.
    pulse : Pulse
        The one pulse of its training.
    pulses : int
        For each cell, at least one.
    reads : int
        Readings of each cell before the first pulse and after each, at least two. They leave a cell as it is.
    read_v : float
        Voltage of the reads, in volts.
    left_out : ndarray of bool, shape (R, C), optional
        Cells that get no pulse.
    clock : Clock, optional
        Tells the time on which the chip ages.
    watch_s : float
        After the last pulse the chip is read on for so long, if there is a clock.

    Raises
    ------
    DataError
        If a number makes no sense; nothing was sent.
    LimitError
        If the pulse or the read voltage exceeds the limits of the chip, or a cell may not get so many more; nothing was
        sent.
    """
    if pulses < 1 or reads < 2:
        raise DataError(
            f"{pulses} pulses and {reads} readings of each cell, at least 1 pulse and 2 readings are needed to tell "
            "its step from noise"
        )
    if pulse.amplitude_v <= 0:
        raise DataError(f"a pulse of {pulse} does not potentiate, the calibration takes the one that training sends")
    if not (math.isfinite(watch_s) and watch_s >= 0) or (watch_s and clock is None):
        raise DataError(f"a watch of {watch_s:g} s must be finite, not negative, and on a bench whose time is known")
    if not math.isfinite(read_v) or not read_v:
        raise DataError(f"read voltage {read_v:g} V must be finite and not zero")
    if abs(read_v) > backend.limits.read_v:
        raise LimitError(f"read voltage {read_v:g} V exceeds the limit of {backend.limits.read_v:g} V")
    counts = np.ones(backend.shape, dtype=np.int64)
    if left_out is not None:
        counts[left_out] = 0
    backend.check_pulses(pulses * counts, pulse)
    return _steps(backend, counts, pulse, pulses, reads, read_v, clock, watch_s)


def _steps(
    backend: DeviceBackend,
    counts: IntArray,
    pulse: Pulse,
    pulses: int,
    reads: int,
    read_v: float,
    clock: Clock | None,
    watch_s: float,
) -> Iterator[Map | Sent]:
    for number in range(pulses + 1):
        if number:
            yield Sent(number)
            backend.send_pulses(counts, pulse)
        began = None if clock is None else clock.now()
        last = watch_s if number == pulses else 0.0
        for done in range(1, MOST_READS + 1):
            siemens = backend.read_conductances(read_v)
            seconds = None if clock is None or began is None else clock.now() - began
            yield Map(number, seconds, siemens)
            if done < reads:
                continue
            if clock is None or seconds is None or not 0 < seconds < last:
                break
            clock.wait(min(LATER * seconds, last) - seconds)
