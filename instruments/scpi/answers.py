"""Answers of SCPI instruments, taken apart: numbers and what stands for none, switches, error entries, settings."""

import re
from collections.abc import Sequence
from math import isfinite

from crossbar_hil.errors import GarbledReply, InstrumentError, OverrangeError

from ..settings.setting import Expected

NO_NUMBER = 9e37
"""SCPI writes 9.9E+37 for an overflow and 9.91E+37 for no number (SCPI 1999, volume 1, 7.2.1); nothing is as large."""
OVERFLOW = 9.9e37
_ERROR = re.compile(r'\s*([+-]?\d+)\s*,\s*"?([^";]*)')


def parse_error(reply: str) -> tuple[int, str]:
    """Return code and text of an entry of the error queue.

    >>> parse_error('-113,"Undefined header"'), parse_error('0,"No error;0;0 0"')
    ((-113, 'Undefined header'), (0, 'No error'))
    """
    found = _ERROR.match(reply)
    if found is None:
        raise GarbledReply(f"{reply!r} is no entry of an error queue")
    return int(found[1]), found[2].strip()


def number(text: str) -> float:
    """Return a finite number.

    Raises
    ------
    GarbledReply
        If it is none.
    OverrangeError
        If it stands for an overflow.
    InstrumentError
        If it stands for no number.

    >>> number(" +1.500000E-06")
    1.5e-06
    """
    try:
        value = float(text)
    except ValueError:
        raise GarbledReply(f"{text!r} is no number") from None
    if abs(value) == OVERFLOW:
        raise OverrangeError(f"{text.strip()} stands for an overflow")
    if not isfinite(value) or abs(value) >= NO_NUMBER:
        raise InstrumentError(f"{text.strip()} stands for no number")
    return value


def register(text: str) -> int:
    """Return the value of a status register, in whichever base it is written.

    >>> register("64"), register("#H40"), register("#B1000000")
    (64, 64, 64)
    """
    word = text.strip().upper()
    base = {"#H": 16, "#Q": 8, "#B": 2}.get(word[:2], 10)
    try:
        return int(word[2:] if base != 10 else word, base)
    except ValueError:
        raise GarbledReply(f"{text!r} is no value of a register") from None


def flag(text: str) -> bool:
    """Return whether a switch is on.

    >>> flag("1"), flag("OFF"), flag("0.000000E+00")
    (True, False, False)
    """
    word = text.strip().upper()
    if word in {"ON", "OFF"}:
        return word == "ON"
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if value not in {0, 1}:
        raise GarbledReply(f"{text!r} is neither 0 nor 1")
    return value == 1


def fields(reply: str, count: int, separator: str = ",") -> list[str]:
    """Return so many fields of an answer.

    >>> fields("1;0", 2, ";")
    ['1', '0']
    """
    found = reply.split(separator)
    if len(found) != count:
        raise GarbledReply(f"{reply[:60]!r} has {len(found)} field(s), not {count}")
    return found


def numbers(reply: str, count: int) -> list[float]:
    """Return so many finite numbers.

    >>> numbers("+1.0E-06, +2.0E-06", 2)
    [1e-06, 2e-06]
    """
    return [number(each) for each in fields(reply, count)]


def records(reply: str, count: int, size: int, places: Sequence[int]) -> list[list[float]]:
    """Return the numbers at some places of each of so many records; what stands elsewhere is not looked at.

    >>> records("1,2,3,4,5,6", 2, 3, (1, 2))
    [[2.0, 3.0], [5.0, 6.0]]
    """
    found = fields(reply, count * size)
    return [[number(found[start + place]) for place in places] for start in range(0, count * size, size)]


def word(text: str) -> str:
    """Return a word, or several with commas, as the tables of settings have them.

    >>> word('"CURR:DC"'), word(" rear")
    ('CURR', 'REAR')
    """
    return text.replace(" ", "").strip("\"'").upper().removesuffix(":DC")


def one_of(text: str, words: Sequence[str]) -> str:
    """Return which of some words an answer is.

    >>> one_of("REAR", ("FRON", "REAR"))
    'REAR'
    """
    found = word(text)
    if found not in words:
        raise GarbledReply(f"{text!r} is none of {', '.join(words)}")
    return found


def matches(answer: str, expected: Expected) -> bool:
    """Say whether a setting reads back as it was set: numbers within 0.1 %, words without quotes, case or spaces.

    >>> matches("1.000000E-04", 1e-4), matches('"CURR:DC"', "CURR"), matches("+1.050000E-04", (1e-4, 1.06e-4))
    (True, True, True)
    >>> matches("+0.990000E-04", (1e-4, 1.06e-4)), matches("1.01000E-04", 1e-4), matches("1", False)
    (False, False, False)
    """
    if isinstance(expected, bool):
        return flag(answer) == expected
    if isinstance(expected, str):
        return word(answer) == expected
    value = number(answer)
    if isinstance(expected, tuple):
        return expected[0] * 0.999 <= value <= expected[1]
    return abs(value - expected) <= (1e-3 * abs(expected) if expected else 1e-9)


def mismatch(answer: str, expected: Expected) -> str | None:
    """Return what a setting reads back as, if not as it was set."""
    return None if matches(answer, expected) else answer.strip()


def expected_text(expected: Expected) -> str:
    """Return what a setting should read back as, as a person reads it.

    >>> expected_text("VOLT"), expected_text(1e-4), expected_text(False), expected_text((2.0, 2.12))
    ('VOLT', '0.0001', 'off', '2 to 2.12')
    """
    if isinstance(expected, bool):
        return "on" if expected else "off"
    if isinstance(expected, tuple):
        return f"{expected[0]:g} to {expected[1]:g}"
    return expected if isinstance(expected, str) else f"{expected:g}"
