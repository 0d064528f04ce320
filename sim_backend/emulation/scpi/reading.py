"""What an emulated source-measure unit makes of a true current: range, resolution, noise and overflow.

Resolution is the range over 1e6 at 1 power-line cycle and above, over 1e5 from 0.1 and over 1e4 below: a choice of the
emulation, of the order of the 6.5, 5.5 and 4.5 digits that data sheets give. Noise is off unless a generator is given.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .status import ScpiError
from .values import OVERFLOW

HEADROOM = 1.05
"""A range holds 105 % of its name (Keithley 2400 user's manual, page 6-2), unless a model says otherwise."""


def holds(full: float, value: float, headroom: float = HEADROOM) -> bool:
    """Whether a range holds a value."""
    return abs(value) <= full * headroom * (1 + 1e-9)


def range_holding(ranges: Sequence[float], value: float, headroom: float = HEADROOM) -> float:
    """Return the smallest range that holds a value.

    >>> range_holding((1e-6, 1e-5, 1e-4), 1.05e-5)
    1e-05

    Raises
    ------
    ScpiError
        -222 if none does.
    """
    for each in ranges:
        if holds(each, value, headroom):
            return each
    raise ScpiError(-222)


def fitting(ranges: Sequence[float], value: float, lowest: float = 0.0, headroom: float = HEADROOM) -> float:
    """Return the range to which automatic ranging goes: the smallest that holds a value, not below `lowest`.

    The largest range if none holds it.

    >>> fitting((1e-6, 1e-5, 1e-4), 5.0), fitting((1e-6, 1e-5, 1e-4), 0.0, lowest=1e-5)
    (0.0001, 1e-05)
    """
    allowed = [each for each in ranges if each >= lowest * (1 - 1e-9)] or [ranges[-1]]
    return next((each for each in allowed if holds(each, value, headroom)), allowed[-1])


def neighbour(ranges: Sequence[float], present: float, step: int) -> float:
    """Return the next range up (+1) or down (-1), the last one if there is none."""
    return ranges[min(max(ranges.index(present) + step, 0), len(ranges) - 1)]


def resolution(full: float, nplc: float, share: float = 1e-6) -> float:
    """Return the step between two readings, in the unit of the range; `share` of it at one power-line cycle."""
    return full * share * (1 if nplc >= 1 else 10 if nplc >= 0.1 else 100)


def digitise(
    value: float,
    full: float,
    nplc: float,
    rng: np.random.Generator | None = None,
    share: float = 1e-6,
    headroom: float = HEADROOM,
    averaged: int = 1,
) -> float:
    """Return what the converter makes of a value on a range; overflow is 9.9e37.

    Noise has a standard deviation of one step, divided by the root of the number of conversions that are averaged.
    """
    step = resolution(full, nplc, share)
    if rng is not None:
        value += float(rng.normal(0.0, step / math.sqrt(averaged)))
    if abs(value) > full * headroom * (1 + 1e-6):
        return math.copysign(OVERFLOW, value)
    return round(value / step) * step


STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "MEAN": lambda found: float(np.mean(found)),
    "MAX": max,
    "MIN": min,
    "SDEV": lambda found: float(np.std(found, ddof=1)) if len(found) > 1 else 0.0,
    "PKPK": lambda found: max(found) - min(found),
}
"""Statistics of stored readings by their short names; the deviation is that of a sample."""


def quotient(volt: float, ampere: float) -> float:
    """Return the resistance that two readings make; overflow if either overflowed or no current flowed."""
    return OVERFLOW if OVERFLOW in (abs(volt), abs(ampere)) or ampere == 0 else volt / ampere


def as_voltage_source(
    function: str, level_v: float, limit_a: float, level_a: float, limit_v: float
) -> dict[str, object]:
    """Return level and limit of the world's source for a voltage or a current function.

    A current source with a voltage limit is a voltage source at that limit whose current limit is the level.
    """
    if function == "VOLT":
        return {"level_v": level_v, "limit_a": limit_a}
    return {"level_v": math.copysign(limit_v, level_a) if level_a else 0.0, "limit_a": max(abs(level_a), 1e-14)}
