"""What is asked for: numbers that may reach an instrument, and none beyond what a source is set up for."""

import math
from numbers import Integral

from crossbar_hil.backend import is_number
from crossbar_hil.errors import LimitError
from crossbar_hil.instrument import SourceSettings


def check_reach(port: str, volts: float, settings: SourceSettings) -> None:
    """Refuse a voltage that a source is not set up for.

    Raises
    ------
    LimitError
        Naming the port, the voltage and the range.
    """
    if not abs(volts) <= settings.range_v:
        raise LimitError(f"{volts:g} V on port {port} exceeds its range of {settings.range_v:g} V")


def real(what: str, value: float, unit: str) -> float:
    """Return a number that may reach an instrument; neither truth values nor text, nor what is not finite, may.

    Raises
    ------
    LimitError
        Naming it.
    """
    if type(value) is float and math.isfinite(value):
        return value
    if not is_number(value):
        raise LimitError(f"{what} is {value!r:.40} {unit}, it must be a finite number")
    return float(value)


def whole(what: str, value: int) -> int:
    """Return a whole number from 0 that may reach an instrument.

    Raises
    ------
    LimitError
        Naming it.
    """
    if not (isinstance(value, Integral) and is_number(value) and value >= 0):
        raise LimitError(f"{what} is {value!r:.40}, it must be a whole number from 0")
    return int(value)
