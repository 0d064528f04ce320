"""A measured curve: conductance after 0, 1, 2, ... pulses of one kind."""

from typing import NamedTuple

from crossbar_hil.backend import Pulse


class MeasuredCurve(NamedTuple):
    """One curve as a file tells it."""

    potentiation: bool
    pulse: Pulse | None
    """None if nothing says it."""
    levels_siemens: tuple[float, ...]
