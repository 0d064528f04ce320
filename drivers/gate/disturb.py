"""The disturb limit: no unselected cell may see so much of a pulse that it could move."""

import math

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray, at
from crossbar_hil.backend import Pulse
from crossbar_hil.errors import ConfigError, LimitError

from ..schemes.write_schemes import DISTURB_SHARE, WRITE_SCHEMES, WriteScheme


class DisturbLimit:
    """A write scheme with a limit to what it does to other cells of an (R, C) chip.

    Parameters
    ----------
    limit_v : float, optional
        Most that an unselected cell may see, in volts; `DISTURB_SHARE` of the amplitude if not given.

    Raises
    ------
    ConfigError
        If the limit is no voltage above zero, the scheme exceeds the default limit whatever the amplitude, or it cannot
        tell two cells apart.
    """

    def __init__(self, scheme: WriteScheme, shape: tuple[int, int], limit_v: float | None = None) -> None:
        if limit_v is not None and not (math.isfinite(limit_v) and limit_v > 0):
            raise ConfigError(f"disturb_v {limit_v} V must be finite and above zero")
        self.scheme = scheme
        self.shape = shape
        self.limit_v = limit_v
        cell, share = scheme.worst_unselected((0, 0), shape, 1.0)
        if limit_v is None and abs(share) > DISTURB_SHARE:
            others = " or ".join(name for name in WRITE_SCHEMES if name != scheme.name)
            raise ConfigError(
                f"write scheme {scheme.name} puts {abs(share):.0%} of a pulse for cell {at(0, 0)} across cell "
                f"{at(*cell)} too, more than the {DISTURB_SHARE:.0%} that an unselected cell may see: take {others} as "
                "scheme.write, or say in scheme.disturb_v what it may"
            )
        if shape[1] > 1 and scheme.assignment((0, 0), shape) == scheme.assignment((0, 1), shape):
            alike = f"cells {at(0, 0)} and {at(0, 1)} alike"
            raise ConfigError(f"write scheme {scheme.name} pulses {alike}, so none can be chosen")

    def check(self, amplitude_v: float) -> None:
        """Refuse a pulse that an unselected cell would see too much of.

        Raises
        ------
        LimitError
            Naming the cell, its voltage and the limit.
        """
        # Every cell is pulsed in the same way, so the first one stands for all.
        selected = (0, 0)
        cell, seen = self.scheme.worst_unselected(selected, self.shape, amplitude_v)
        limit = self.most_v(amplitude_v)
        if abs(seen) > limit:
            raise LimitError(
                f"write scheme {self.scheme.name} puts {seen:g} V across cell {at(*cell)} while cell {at(*selected)} "
                f"is pulsed with {amplitude_v:g} V, more than the {limit:g} V that an unselected cell may see"
            )

    def most_v(self, amplitude_v: float) -> float:
        """Return the most that an unselected cell may see of a pulse, in volts."""
        return DISTURB_SHARE * abs(amplitude_v) if self.limit_v is None else self.limit_v

    def charge(self, counts: IntArray, pulse: Pulse) -> tuple[IntArray, FloatArray]:
        """Return the pulses and the dose, in volt seconds, that each cell gets from a batch; (R, C) each."""
        pulses, dose_vs = np.zeros(self.shape, dtype=np.int64), np.zeros(self.shape)
        for row, column in np.argwhere(counts):
            volts = self.scheme.cell_voltages((int(row), int(column)), self.shape, pulse.amplitude_v)
            hit = cells_hit(volts, pulse.amplitude_v)
            pulses += counts[row, column] * hit
            dose_vs += counts[row, column] * pulse.width_s * np.abs(volts) * hit
        return pulses, dose_vs

    def exposed_pulses(self, counts: IntArray) -> IntArray:
        """Return the pulses of a batch, (R, C), that cells may see whole besides their own where one is shorted."""
        pulses = np.zeros(self.shape, dtype=np.int64)
        for row, column in np.argwhere(counts):
            pulses += counts[row, column] * self.scheme.exposed_cells((int(row), int(column)), self.shape)
        return pulses


def cells_hit(volts: FloatArray, amplitude_v: float) -> BoolArray:
    """Say which cells a pulse counts for: those that see more than `DISTURB_SHARE` of it, so no half-selected one.

    Examples
    --------
    >>> cells_hit(np.array([[2.0, 1.0], [-1.5, 0.0]]), 2.0)
    array([[ True, False],
           [ True, False]])
    """
    return np.abs(volts) > DISTURB_SHARE * abs(amplitude_v)
