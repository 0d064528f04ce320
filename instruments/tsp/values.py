"""Values of settings as TSP writes, prints and compares them."""

import math

from ..settings.setting import Chosen, Expected, Setting, Words

CLOSE = 1e-6
"""Relative difference within which a number reads back as it was set."""


def number_text(value: float) -> str:
    """Return a number as it is sent.

    >>> number_text(1e-7), number_text(0)
    ('1.000000000e-07', '0')
    """
    return str(value) if isinstance(value, int) else f"{value:.9e}"


def as_number(setting: Setting, value: Expected | None) -> float:
    """Return what stands for a value on the wire: a word is the number of its place."""
    if isinstance(setting.kind, Words):
        return setting.kind.words.index(str(value))
    if isinstance(value, bool | int):
        return int(value)
    return float(str(value))


def fixed(setting: Setting) -> float:
    """Return what stands for the value of a setting that is the same for every channel."""
    return as_number(setting, None if callable(setting.value) else setting.value)


def bounds_of(setting: Setting, chosen: Chosen) -> tuple[float, float]:
    """Return least and most that a setting may read back as."""
    wanted = setting.expected(chosen)
    if wanted is None:
        return -math.inf, math.inf
    if isinstance(wanted, tuple):
        return wanted
    exactly = as_number(setting, wanted)
    return exactly, exactly


def holds(bounds: tuple[float, float], value: float) -> bool:
    """Say whether a value is within bounds.

    >>> holds((1e-4, 1e-4), 1.0000001e-4), holds((1e-4, 1e-4), 1.00001e-4), holds((0.0, 0.0), 1e-9)
    (True, False, False)
    """
    least, most = bounds
    return least - CLOSE * abs(least) <= value <= most + CLOSE * abs(most)
