"""Reading buffers of an emulated Keithley 2450: what a reading holds, and how its elements are written.

Elements and status bits are those of the Model 2450 reference manual, ``:TRACe:DATA?`` and bufferVar.sourcestatuses.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ...scpi import values
from ...scpi.format import TEXT, DataFormat
from ...scpi.messages import Answer
from ...scpi.status import ScpiError

OWN_BUFFERS = ("defbuffer1", "defbuffer2")
"""Names of the buffers that are always there."""
DEFAULT_POINTS, MOST_POINTS = 100_000, 5_211_488
"""The most is what PyMeasure's tests, which are run on instruments, set and read back."""
READ_BACK, LIMITED, FOUR_WIRE, OUTPUT_ON = 1 << 3, 1 << 5, 1 << 6, 1 << 7
"""Bits of a source status."""
ELEMENTS = (
    "READing", "SOURce", "RELative", "SEConds", "FRACtional", "STATus", "SOURSTATus", "UNIT", "SOURUNIT", "FORMatted",
    "SOURFORMatted", "DATE", "TIME", "TSTamp",
)  # fmt: skip
BINARY_REFUSES = 1133
"""The error for an element that is no number in a binary format (reference manual, ``:FORMat[:DATA]``)."""
FULL = 4915
"""The error for a reading that finds its buffer full (reference manual, event summary)."""
PREFIXES: Mapping[int, str] = {-12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One reading in a buffer."""

    value: float
    source: float
    time_s: float
    source_status: int
    unit: str
    source_unit: str = "Volt DC"


@dataclass
class ReadingBuffer:
    """A buffer that drops its oldest readings when full, or with fill mode ``ONCE`` takes no more."""

    points: int = DEFAULT_POINTS
    once: bool = False
    readings: deque[Entry] = field(default_factory=deque)

    def store(self, reading: Entry) -> None:
        """Append a reading; +4915 if it finds no room."""
        if len(self.readings) >= self.points:
            if self.once:
                raise ScpiError(FULL)
            self.readings.popleft()
        self.readings.append(reading)

    def resize(self, points: int) -> None:
        """Set how many readings fit, which clears the buffer."""
        self.points = points
        self.readings.clear()

    def answer(self, first: int, last: int, elements: Sequence[str], form: DataFormat, precision: int = 0) -> Answer:
        """Write readings `first` to `last`, counted from 1.

        Raises
        ------
        ScpiError
            -222 if there are none such, +1133 if a binary format is to hold text.
        """
        if not 1 <= first <= last <= len(self.readings):
            raise ScpiError(-222)
        start = self.readings[0].time_s
        wanted = [(each, name) for each in islice(self.readings, first - 1, last) for name in elements]
        if form.width == TEXT:
            return ",".join(_text(each, name, start, precision) for each, name in wanted)
        numbers = [_number(each, name, start) for each, name in wanted]
        if None in numbers:
            raise ScpiError(BINARY_REFUSES)
        return form.encode([each for each in numbers if each is not None])


def element(text: str) -> str:
    """Return the short name of a buffer element."""
    return values.choice(text, ELEMENTS)


def decimal(value: float, precision: int = 0) -> str:
    """Write a reading without a plus sign, in as many digits as ``:FORM:ASC:PREC`` says; 0 is seven."""
    return f"{value + 0.0:.{(precision or 7) - 1}E}"


def display_text(value: float, unit: str) -> str:
    """Write a reading as the display shows it.

    >>> display_text(-1.5e-6, "Amp DC")
    '-1.50000 uA'
    """
    exponent = min(max((int(f"{abs(value):e}".partition("e")[2]) // 3) * 3, -12), 6) if value else 0
    return f"{value / 10.0**exponent:+.5f} {PREFIXES[exponent]}{unit[:1]}"


def _number(reading: Entry, name: str, start_s: float) -> float | None:
    """Return an element that is a number, or None."""
    whole, fraction = divmod(reading.time_s, 1.0)
    return {
        "READ": reading.value,
        "SOUR": reading.source,
        "REL": reading.time_s - start_s,
        "SEC": whole,
        "FRAC": fraction,
        "STAT": 0.0,
        "SOURSTAT": float(reading.source_status),
    }.get(name)


def _text(reading: Entry, name: str, start_s: float, precision: int) -> str:
    number = _number(reading, name, start_s)
    if number is not None:
        return str(int(number)) if name in ("SEC", "STAT", "SOURSTAT") else decimal(number, precision)
    at = time.gmtime(reading.time_s)
    day, clock = time.strftime("%m/%d/%Y", at), time.strftime("%H:%M:%S", at)
    return {
        "UNIT": reading.unit,
        "SOURUNIT": reading.source_unit,
        "FORM": display_text(reading.value, reading.unit),
        "SOURFORM": display_text(reading.source, reading.source_unit),
        "DATE": day,
        "TIME": clock,
        "TST": f"{day} {clock}.{int(reading.time_s % 1 * 1e9):09d}",
    }[name]
