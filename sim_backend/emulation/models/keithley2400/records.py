"""Readings of an emulated Keithley 2400 and the buffer that stores them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

ELEMENTS = ("VOLT", "CURR", "RES", "TIME", "STAT")
"""Data elements in the order of Figure 18-1 of the user's manual."""


@dataclass(frozen=True, slots=True)
class Record:
    """The five data elements of one reading."""

    volt: float
    ampere: float
    ohm: float
    time_s: float
    status: int

    def by_name(self) -> dict[str, float]:
        """Return the elements by their names."""
        return dict(zip(ELEMENTS, self.numbers(), strict=True))

    def numbers(self, elements: Iterable[str] = ELEMENTS) -> list[float]:
        """Return the elements that are asked for, in the order of Figure 18-1."""
        every = (self.volt, self.ampere, self.ohm, self.time_s, float(self.status))
        return [value for name, value in zip(ELEMENTS, every, strict=True) if name in elements]


@dataclass
class Buffer:
    """The reading buffer (``:TRAC``)."""

    points: int = 100
    storing: bool = False
    feed: str = "SENS"
    stamps: str = "ABS"
    readings: list[Record] = field(default_factory=list)

    def store(self, readings: Iterable[Record]) -> bool:
        """Store readings as long as there is room, and return whether that filled the buffer."""
        if not self.storing:
            return False
        self.readings = [*self.readings, *readings][: self.points]
        self.storing = len(self.readings) < self.points
        return not self.storing

    def with_relative_times(self) -> list[Record]:
        """Return the readings with their times against the first one, or each against the one before."""
        if not self.readings:
            return []
        before = [self.readings[0], *self.readings[:-1]]
        since = before if self.stamps == "DELT" else [self.readings[0]] * len(self.readings)
        return [
            replace(each, time_s=each.time_s - zero.time_s) for each, zero in zip(self.readings, since, strict=True)
        ]
