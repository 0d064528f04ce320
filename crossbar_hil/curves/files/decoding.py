"""Bytes of a file as text: UTF-8, UTF-16 and Windows' Latin-1, told apart by what the bytes allow."""

import codecs
import re
from typing import NamedTuple

from crossbar_hil.errors import DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with byte order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16, little-endian"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16, big-endian"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f-\x9f]")
"""Control characters (category Cc of Unicode) but for blanks and 0x1A, which ends files of old programs."""


class Decoded(NamedTuple):
    """A text and how it was written."""

    text: str
    encoding: str


class Line(NamedTuple):
    """A line of a file, counted from 1."""

    number: int
    text: str


def decode(data: bytes, where: str, encoding: str | None = None) -> Decoded:
    """Return the text of a file.

    Parameters
    ----------
    data : bytes
        The whole file.
    where : str
        What to call the file in a message.
    encoding : str, optional
        How it is encoded, as Python calls it; found out if not given.

    Raises
    ------
    DataError
        If it is no text, or not of that encoding.

    Examples
    --------
    >>> decode("0,45 µS".encode("cp1252"), "curve file a.csv")
    Decoded(text='0,45 µS', encoding='Latin-1 (Windows-1252)')
    """
    codec, told = (encoding, encoding) if encoding else _codec(data)
    try:
        text = data.decode(codec)
    except LookupError:
        raise DataError(f"{where}: encoding {codec!r} is not known, such as utf-8, utf-16 or latin-1") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{where} is not a text file: {error.reason} at byte {error.start}; save the table as text (CSV) with the "
            "program it is of, or name the encoding by --encoding if it is text"
        ) from error
    control = _CONTROL.search(text)
    if control is not None:
        raise DataError(f"{where} is not a text file: character {ord(control[0])} at place {control.start()}")
    return Decoded(text.removeprefix("\ufeff").rstrip("\x1a"), told)


def _codec(data: bytes) -> tuple[str, str]:
    for mark, codec, told in _MARKS:
        if data.startswith(mark):
            return codec, told
    even, odd = data[::2].count(0), data[1::2].count(0)
    if len(data) % 2 == 0 and max(even, odd) > len(data) / 4 and min(even, odd) == 0:
        return ("utf-16-le", "UTF-16, little-endian") if odd else ("utf-16-be", "UTF-16, big-endian")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252", "Latin-1 (Windows-1252)"
    return "utf-8", "UTF-8"


def lines_of(text: str) -> list[Line]:
    r"""Divide a text into lines, however they end.

    >>> lines_of("a\r\nb\rc")
    [Line(number=1, text='a'), Line(number=2, text='b'), Line(number=3, text='c')]
    """
    return [Line(number, line) for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1)]
