"""A measured curve: conductance after 0, 1, 2, ... pulses of one kind."""

from typing import NamedTuple

from crossbar_hil.backend import Pulse


class MeasuredCurve(NamedTuple):
    """One curve as a file tells it."""

    potentiation: bool
    pulse: Pulse | None
    """None if nothing says it whole."""
    levels_siemens: tuple[float, ...]
    height_v: float | None = None
    """Voltage of the pulse, where that is known and its width is not."""
