"""Whether the currents inside pulses flow with the voltage of their source: a single one may be noise, many are not."""

import math
from collections import deque

from crossbar_hil.instrument import OFFSET

AGAINST = 1e-2
"""So much of its range may the current of a source inside one pulse lie against its voltage, by noise and offset: the
0 V before it is not subtracted, and a short reading has some 0.1 % of range of noise (data sheets, 0.01 power-line
cycles). No cell gives a current."""
LAST = 100
"""So many readings of a source are looked at together."""


def most_against(count: int) -> float:
    """Return what the mean of so many readings may lie against the voltage, as a share of the range.

    Noise falls with the root of their number; the offset stays.

    >>> f"{most_against(1):.2%} of one, {most_against(100):.2%} of a hundred"
    '1.00% of one, 0.19% of a hundred'
    """
    return OFFSET + (AGAINST - OFFSET) / math.sqrt(count)


class Directions:
    """The last readings of each source inside pulses, by its port."""

    def __init__(self) -> None:
        self._shares: dict[str, deque[float]] = {}

    def problem(self, port: str, current_a: float, volts: float, range_a: float) -> str:
        """Take note of a reading inside a pulse; return what is wrong with it, or with the last ones, or nothing."""
        shares = self._shares.setdefault(port, deque(maxlen=LAST))
        shares.append((-current_a if volts > 0 else current_a) / range_a)
        if shares[-1] > AGAINST:
            return f"{AGAINST:.0%} of its range of {range_a:g} A"
        mean, most = sum(shares) / len(shares), most_against(len(shares))
        if mean <= most:
            return ""
        return f"{most:.2%} of its range of {range_a:g} A in the mean of {len(shares)} pulses, which is {mean:.2%}"

    def forget(self) -> None:
        """Begin anew, as when a source was set up."""
        self._shares.clear()
