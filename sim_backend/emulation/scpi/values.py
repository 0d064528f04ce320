"""SCPI parameters: text into numbers, booleans, names and strings, and numbers into text."""

import math
import re
from collections.abc import Iterable
from functools import cache

from .status import ScpiError

OVERFLOW = 9.9e37
"""What a reading beyond its range is reported as (Keithley 2400 user's manual, page 18-49)."""
NOT_MEASURED = 9.91e37
"""What an element is reported as that was not measured (page 18-49; SCPI-99, volume 1, 7.2.1.5)."""
_NUMBER = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:\s*[eE]\s*[+-]?[0-9]{1,6})?)\s*([A-Za-z]*)")
_NON_DECIMAL = re.compile(r"#(?:H([0-9A-F]+)|Q([0-7]+)|B([01]+))", re.IGNORECASE)
_PREFIXES = {"": 1.0, "N": 1e-9, "U": 1e-6, "M": 1e-3, "K": 1e3, "MA": 1e6, "G": 1e9, "P": 1e-12}


def matches(text: str, name: str) -> bool:
    """Whether a text is the long or short form of a name, whose capitals are the short form.

    >>> matches("volt", "VOLTage"), matches("volta", "VOLTage")
    (True, False)
    """
    return text.upper() in _forms(name)


@cache
def _forms(name: str) -> tuple[str, str]:
    return name.upper(), short(name)


@cache
def short(name: str) -> str:
    """Return the short form of a name."""
    return re.sub("[a-z]", "", name)


def number(text: str, unit: str = "") -> float:
    """Read a decimal number, with a unit if one is allowed.

    >>> number("5.0 e-3"), number("20 mV", unit="V")
    (0.005, 0.02)

    Raises
    ------
    ScpiError
        -104 for what is no number, -123 for one that is too large, -131 for a wrong unit.
    """
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ScpiError(-121 if text[:1] in "+-.0123456789" else -104)
    value = float(re.sub(r"\s", "", found[1]))
    if not math.isfinite(value):
        raise ScpiError(-123)
    suffix = found[2].upper()
    if not suffix:
        return value
    if not unit or not suffix.endswith(unit.upper()) or suffix[: -len(unit)] not in _PREFIXES:
        raise ScpiError(-131)
    return value * _PREFIXES[suffix[: -len(unit)]]


def within(text: str, low: float, high: float, default: float | None = None, unit: str = "") -> float:
    """Read a number between bounds, or ``MINimum``, ``MAXimum``, ``DEFault``.

    Raises
    ------
    ScpiError
        -222 outside the bounds, -224 for a name that stands for nothing here.
    """
    if text[:1].isalpha():
        for name, value in (("MINimum", low), ("MAXimum", high), ("DEFault", default)):
            if matches(text, name):
                if value is None:
                    raise ScpiError(-224)
                return value
    value = number(text, unit)
    if not low <= value <= high:
        raise ScpiError(-222)
    return value


def named_bound(text: str, low: float, high: float, default: float | None) -> float:
    """Return what a query such as ``:SOUR:VOLT? MAX`` asks for."""
    if not any(matches(text, name) for name in ("MINimum", "MAXimum", "DEFault")):
        raise ScpiError(-224)
    return within(text, low, high, default)


def integer(text: str, low: int, high: int, default: int | None = None) -> int:
    """Read a number and round it, as 488.2 asks of integers; ``#H``, ``#Q`` and ``#B`` begin one of another base.

    >>> integer("7.6", 0, 10), integer("#HfF", 0, 255)
    (8, 255)
    """
    if not text.startswith("#"):
        return round(within(text, low, high, default))
    found = _NON_DECIMAL.fullmatch(text)
    if found is None:
        raise ScpiError(-104)
    value = next(int(digits, base) for digits, base in zip(found.groups(), (16, 8, 2), strict=True) if digits)
    if not low <= value <= high:
        raise ScpiError(-222)
    return value


def boolean(text: str) -> bool:
    """Read ``ON``, ``OFF`` or a number, which is rounded and on if not zero."""
    if matches(text, "ON") or matches(text, "OFF"):
        return text.upper() == "ON"
    return round(number(text)) != 0


def choice(text: str, names: Iterable[str]) -> str:
    """Return the short form of the name that a text is.

    Raises
    ------
    ScpiError
        -141 if it is none of them.
    """
    for name in names:
        if matches(text, name):
            return short(name)
    raise ScpiError(-141 if text[:1].isalpha() else -104)


def string(text: str) -> str:
    """Read a quoted string; a doubled quote stands for one.

    >>> string("'it''s'")
    "it's"
    """
    if len(text) < 2 or text[0] not in "'\"" or text[-1] != text[0]:
        raise ScpiError(-104)
    inner, quote = text[1:-1], text[0]
    if quote in inner.replace(quote * 2, ""):
        raise ScpiError(-151)
    return inner.replace(quote * 2, quote)


def quote_string(text: str) -> str:
    """Write a string in quotes; a quote in it is doubled."""
    return '"' + text.replace('"', '""') + '"'


def channel_items(text: str) -> list[tuple[str, str]]:
    """Return the members of a channel list ``(@...)`` as pairs (first, last), the same text twice if it is no range.

    >>> channel_items("(@ 101, 103:105)")
    [('101', '101'), ('103', '105')]

    Raises
    ------
    ScpiError
        -171 if it is no channel list, -104 if it is no list at all.
    """
    if not text.startswith("("):
        raise ScpiError(-104)
    inner = text[1:-1].strip()
    if not text.endswith(")") or not inner.startswith("@"):
        raise ScpiError(-171)
    items = []
    for item in inner[1:].split(","):
        first, colon, last = (part.strip() for part in item.partition(":"))
        if not first or (colon and not last):
            raise ScpiError(-171)
        items.append((first, last or first))
    return items


def nr3(value: float) -> str:
    """Write a number in seven digits with sign and exponent.

    >>> nr3(1.000206), nr3(NOT_MEASURED)
    ('+1.000206E+00', '+9.910000E+37')
    """
    return f"{value + 0.0:+.6E}"
