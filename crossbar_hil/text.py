"""Text for people: without control characters, and in columns."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any

NOTHING = 1e-16
"""Below this nothing is measured, in whatever unit: it is how a computer writes zero."""
PREFIXES = (
    *(("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0)),
    *(("m", 1e-3), ("u", 1e-6), ("n", 1e-9), ("p", 1e-12), ("f", 1e-15)),
)
LONGEST_SHOWN = 60
"""Letters of a value that a sentence repeats."""


def printable(text: str, instead: str = "?") -> str:
    """Return a text without control characters, which could move the cursor of a terminal or end a line."""
    return "".join(letter if letter.isprintable() else instead for letter in text)


def table_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, its columns aligned.

    >>> table_lines(["row", "uS"], [["1", "0.5"], ["10", "0.25"]])
    ['row  uS', '1    0.5', '10   0.25']
    """
    lines = [header, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in lines) for place in range(len(header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in lines]


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """Write a physical quantity with a prefix, in so many digits; a number without a unit has none.

    >>> quantity(1.25e-6, "A"), quantity(0.0, "V"), quantity(999.96e3, "ohm")
    ('1.25 uA', '0 V', '1 Mohm')
    """
    if not math.isfinite(value):
        return "at a limit" if math.isnan(value) else "beyond every range"
    if not unit:
        return f"{value:.{digits}g}"
    if abs(value) < NOTHING:
        return f"0 {unit}"
    rounded = float(f"{value:.{digits}g}")
    for prefix, factor in PREFIXES:
        if abs(rounded) >= factor:
            return f"{rounded / factor:.{digits}g} {prefix}{unit}"
    return f"{rounded:.{digits}g} {unit}"


def counted(many: int, what: str) -> str:
    """Write how many of something there are.

    >>> counted(1, "epoch"), counted(0, "pulse")
    ('1 epoch', '0 pulses')
    """
    return f"{many} {what}{'' if many == 1 else 's'}"


def shown(value: Any) -> str:
    """Write a value that stands in a file as a person would type it there, no longer than a sentence bears.

    >>> shown([True, "a"]), shown(1e-7)
    ("[true, 'a']", '1e-07')
    """
    return shortened(_typed(value))


def shortened(text: str) -> str:
    """Return a text, or the beginning of one that is longer than a sentence or a table bears.

    >>> shortened("wafer 3"), len(shortened("x" * 10_000))
    ('wafer 3', 60)
    """
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def _typed(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(_typed(each) for each in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key} = {_typed(each)}' for key, each in value.items())}}}"
    if isinstance(value, date | time):
        return value.isoformat()
    try:
        return repr(value)
    except ValueError:  # Python writes no whole number of thousands of digits
        return "a number of thousands of digits"
