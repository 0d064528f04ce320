"""The disturb gate: no unselected cell may see so much of a pulse that it could move."""

import math

from crossbar_hil.errors import ConfigError, LimitError

from .write_schemes import DISTURB_SHARE, WriteScheme


class DisturbGate:
    """A write scheme with a limit to what it does to other cells.

    Parameters
    ----------
    scheme : WriteScheme
        How pulses are sent.
    shape : tuple of int
        (R, C) of the chip.
    limit_v : float, optional
        Most that an unselected cell may see, in volts; `DISTURB_SHARE` of the amplitude if not given.

    Raises
    ------
    ConfigError
        If the limit is no voltage above zero, or the scheme exceeds the default limit whatever the amplitude.
    """

    def __init__(self, scheme: WriteScheme, shape: tuple[int, int], limit_v: float | None = None) -> None:
        if limit_v is not None and not (math.isfinite(limit_v) and limit_v > 0):
            raise ConfigError(f"disturb_v {limit_v} V must be finite and above zero")
        self.scheme = scheme
        self.shape = shape
        self.limit_v = limit_v
        if limit_v is None:
            fault = self._fault(1.0)
            if fault:
                raise ConfigError(fault)

    def check(self, amplitude_v: float) -> None:
        """Refuse a pulse that an unselected cell would see too much of.

        Raises
        ------
        LimitError
            Naming the cell, its voltage and the limit.
        """
        fault = self._fault(amplitude_v)
        if fault:
            raise LimitError(fault)

    def _fault(self, amplitude_v: float) -> str | None:
        # Every cell is pulsed in the same way, so the first one stands for all.
        selected = (0, 0)
        cell, seen = self.scheme.worst_unselected(selected, self.shape, amplitude_v)
        limit = DISTURB_SHARE * abs(amplitude_v) if self.limit_v is None else self.limit_v
        if abs(seen) <= limit:
            return None
        return (
            f"write scheme {self.scheme.name} puts {seen:g} V across cell {list(cell)} while cell {list(selected)} is "
            f"pulsed with {amplitude_v:g} V, more than the {limit:g} V that an unselected cell may see"
        )
