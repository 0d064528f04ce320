"""Reading buffers of an emulated Keithley 2450: what a reading holds, and how its elements are written."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import scpi_values as values
from .scpi_status import ScpiError

DEFAULT_POINTS = 100_000
READ_BACK, LIMITED, FOUR_WIRE, OUTPUT_ON = 1 << 3, 1 << 5, 1 << 6, 1 << 7
"""Bits of a source status (Model 2450 reference manual, bufferVar.sourcestatuses)."""
ELEMENTS = ("READing", "SOURce", "RELative", "SECONds", "FRACtional", "STATus", "SOURSTATus", "UNIT")


@dataclass(frozen=True, slots=True)
class Reading:
    """One entry of a buffer."""

    value: float
    source: float
    time_s: float
    source_status: int
    unit: str


@dataclass
class ReadingBuffer:
    """A buffer that drops its oldest readings when full (fill mode continuous)."""

    readings: deque[Reading] = field(default_factory=lambda: deque(maxlen=DEFAULT_POINTS))

    def resize(self, points: int) -> None:
        """Set how many readings fit, which clears the buffer."""
        self.readings = deque(maxlen=points)

    def text(self, first: int, last: int, elements: Sequence[str]) -> str:
        """Write readings `first` to `last`, counted from 1.

        Raises
        ------
        ScpiError
            -222 if there are none such.
        """
        if not 1 <= first <= last <= len(self.readings):
            raise ScpiError(-222)
        start = self.readings[0].time_s
        wanted = [self.readings[number] for number in range(first - 1, last)]
        return ",".join(_element(each, name, start) for each in wanted for name in elements)


def element(text: str) -> str:
    """Return the short name of a buffer element."""
    return values.choice(text, ELEMENTS)


def decimal(value: float) -> str:
    """Write a reading in seven digits, without a plus sign."""
    return f"{value + 0.0:.6E}"


def _element(reading: Reading, name: str, start_s: float) -> str:
    whole, fraction = divmod(reading.time_s, 1.0)
    return {
        "READ": decimal(reading.value),
        "SOUR": decimal(reading.source),
        "REL": decimal(reading.time_s - start_s),
        "SECON": str(int(whole)),
        "FRAC": decimal(fraction),
        "STAT": "0",
        "SOURSTAT": str(reading.source_status),
        "UNIT": reading.unit,
    }[name]
