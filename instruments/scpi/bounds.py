"""What a model can do, checked before anything is sent to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from crossbar_hil.errors import ConfigError, LimitError
from crossbar_hil.text import quantity

DIGITS = 6
"""Of a value and its bound in a message."""
OVERRANGE = 1.05
"""A range reaches 5 % beyond its name (Keithley 2400 and 2450, Keysight B2900 data sheets)."""


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """What one model of a family can do, where its siblings differ."""

    ranges_v: tuple[float, ...]
    """Voltage ranges, in volts, ascending."""
    ranges_a: tuple[float, ...]
    """Measure ranges, in amperes, ascending."""
    most_by_range_a: tuple[tuple[float, float], ...]
    """Largest current limit of the source ranges up to each voltage, in volts and amperes."""
    least_limit_a: float = 0.0
    """Smallest current limit in any range, in amperes."""


def smallest_range(value: float, ranges: Sequence[float], what: str, unit: str) -> float:
    """Return the smallest range that holds a value.

    Raises
    ------
    ConfigError
        If none does.

    >>> smallest_range(2.1, (0.2, 2.0, 20.0), "smu: range_v", "V")
    2.0
    """
    for each in ranges:
        if 0 < value <= each * OVERRANGE * (1 + 1e-9):
            return each
    most = quantity(ranges[-1] * OVERRANGE, unit, DIGITS)
    raise ConfigError(f"{what} is {quantity(value, unit, DIGITS)}, not above 0 and up to {most}")


def check_within(value: float, least: float, most: float, what: str, unit: str) -> None:
    """Refuse a request beyond what is allowed, or no number, by a LimitError; nothing was sent."""
    if not least <= value <= most:
        raise LimitError(f"{what} is {value:g} {unit}, not from {least:g} to {most:g} {unit}")


def check_settings(value: float, least: float, most: float, what: str, unit: str = "") -> None:
    """Refuse a setting beyond what a model can do, or no number, by a ConfigError; nothing was sent."""
    if not least * (1 - 1e-9) <= value <= most * (1 + 1e-9):
        told, low, high = (quantity(each, unit, DIGITS) for each in (value, least, most))
        raise ConfigError(f"{what} is {told}, not from {low} to {high}")
