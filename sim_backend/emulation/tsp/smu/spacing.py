"""Levels of a sweep between two ends."""

import math

from ..lua.objects import Refused


def linear(start: float, stop: float, count: int) -> list[float]:
    """Return levels in equal steps.

    >>> linear(0.0, 1.0, 5)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return [start + (stop - start) * place / max(count - 1, 1) for place in range(count)]


def logarithmic(start: float, stop: float, count: int, asymptote: float = 0.0) -> list[float]:
    """Return levels whose distances from an asymptote are in equal ratios.

    >>> [round(level, 9) for level in logarithmic(1.0, 100.0, 3)]
    [1.0, 10.0, 100.0]
    """
    first, last = start - asymptote, stop - asymptote
    if first * last <= 0:
        raise Refused(1401, "a logarithmic sweep needs a start and a stop on one side of its asymptote")
    return [asymptote + first * math.exp(math.log(last / first) * place / max(count - 1, 1)) for place in range(count)]
