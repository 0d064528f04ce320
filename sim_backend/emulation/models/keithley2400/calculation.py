"""What ``:CALCulate1`` and ``:CALCulate2`` of an emulated Keithley 2400 make of readings.

``CALC1`` works out a named expression, ``CALC2`` subtracts an offset and compares with limits. Page numbers are of the
Keithley 2400 Series user's manual.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ...scpi.calculation import Mathematics
from ...scpi.values import OVERFLOW
from .records import Record

COMPLIANCE, CONTACT = 1, 4
"""Limits that compare no reading: compliance, and the contact check, where every contact is good."""
LIMIT_BITS = {1: (0, 0), 2: (1, 2), 3: (3, 4)}
"""Bits of the measurement event register for a limit failed low and high (appendix B)."""
ALL_PASSED = 1 << 5


@dataclass
class Limit:
    """One limit test."""

    on: bool = False
    upper: float = 1.0
    lower: float = -1.0


@dataclass
class Calculation:
    """What ``*RST`` resets of ``CALC1`` and ``CALC2``."""

    math: Mathematics = field(default_factory=Mathematics)
    feed: str = "VOLT"
    offset: float = 0.0
    offset_on: bool = False
    fails_in: str = "IN"
    """Whether limit 1 fails in compliance or out of it."""
    limits: dict[int, Limit] = field(default_factory=lambda: {number: Limit() for number in range(1, 13)})
    failed: dict[int, bool] = field(default_factory=dict)

    def expression(self, records: Sequence[Record], place: int) -> float:
        """Return the result of the expression for one of several readings."""
        return self.math.result(records[max(place - 1, 0)].by_name(), records[place].by_name())

    def fed_value(self, records: Sequence[Record], place: int) -> float:
        """Return what goes into ``CALC2``."""
        return self.expression(records, place) if self.feed == "CALC" else records[place].by_name()[self.feed]

    def tested_value(self, records: Sequence[Record], place: int) -> float:
        """Return what ``CALC2`` makes of a reading."""
        value = self.fed_value(records, place)
        return value - self.offset if self.offset_on and abs(value) < OVERFLOW else value

    def numbers(self, records: Sequence[Record], stage: str, elements: Iterable[str]) -> list[float]:
        """Return elements of the results of ``CALC1`` (stage CALC) or ``CALC2`` (stage CALC2)."""
        found = []
        for place, each in enumerate(records):
            value = self.expression(records, place) if stage == "CALC" else self.tested_value(records, place)
            every = {"CALC": value, "TIME": each.time_s, "STAT": float(each.status)}
            found += [every[name] for name in elements]
        return found

    def test(self, records: Sequence[Record], limited: Callable[[], bool]) -> int:
        """Do the limit tests that are on with the latest reading, and return their bits of the measurement register."""
        if not records or not any(each.on for each in self.limits.values()):
            return 0
        value = self.tested_value(records, len(records) - 1)
        self.failed = {}
        bits = 0
        for number, limit in self.limits.items():
            if not limit.on:
                continue
            low, high = value < limit.lower, value > limit.upper
            if number == COMPLIANCE:
                low = high = limited() == (self.fails_in == "IN")
            self.failed[number] = number != CONTACT and (low or high)
            for bit, found in zip(LIMIT_BITS.get(number, ()), (low, high), strict=False):
                bits |= found << bit
        return bits if any(self.failed.values()) else ALL_PASSED
