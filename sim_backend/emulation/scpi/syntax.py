"""SCPI syntax: messages into units, units into header and arguments, header patterns into what they match."""

import re
from functools import cache, lru_cache

from .status import ScpiError

_NODE = re.compile(r"(\[)?:?([A-Za-z][A-Za-z0-9]*)(#|\{[0-9]+-[0-9]+\})?(\])?")
_UNIT = re.compile(r"(:?\*[A-Za-z]+|:?[A-Za-z][A-Za-z0-9_]*(?::[A-Za-z][A-Za-z0-9_]*)*)(\?)?(?:\s+(.*)|)", re.DOTALL)
_LONGEST_SUFFIX = 6


def split(text: str, separator: str) -> tuple[list[str], int]:
    """Split at a separator that stands outside quotes and parentheses, and strip the parts.

    A last part in which a quote or a parenthesis stays open is left out, and its error code returned, else 0.

    >>> split("a 'x;y';(@1;2);'c", ";")
    (["a 'x;y'", '(@1;2)'], -151)
    """
    parts: list[str] = []
    start, quote, depth = 0, "", 0
    for place, letter in enumerate(text):
        if quote:
            if letter == quote:
                quote = ""
        elif letter in "'\"":
            quote = letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
            if depth < 0:
                return parts, -171
        elif letter == separator and not depth:
            parts.append(text[start:place].strip())
            start = place + 1
    if quote or depth:
        return parts, -151 if quote else -171
    return [*parts, text[start:].strip()], 0


def header_and_arguments(unit: str, open_end: bool = False) -> tuple[str, bool, list[str]]:
    """Return the header in capitals, whether it is a query, and the arguments of one unit.

    With `open_end` a comma may follow the last argument.

    >>> header_and_arguments(":sour:volt 1, 2")
    (':SOUR:VOLT', False, ['1', '2'])

    Raises
    ------
    ScpiError
        -101 for a letter that is not ASCII, -102 for what is no unit.
    """
    if not unit.isascii() or not unit.replace("\t", "").isprintable():
        raise ScpiError(-101)
    found = _UNIT.fullmatch(unit)
    if found is None:
        raise ScpiError(-102)
    header, query, rest = found.groups()
    arguments, broken = split(rest, ",") if rest and rest.strip() else ([], 0)
    if open_end and len(arguments) > 1 and not arguments[-1]:
        del arguments[-1]
    if broken or "" in arguments:
        raise ScpiError(broken or -102)
    return header.upper(), query is not None, arguments


def full_header(path: str, header: str) -> tuple[str, str]:
    """Return the full header, and the path that it leaves for the next unit.

    >>> full_header(":SOUR:VOLT", "RANG")
    (':SOUR:VOLT:RANG', ':SOUR:VOLT')
    """
    bare = header.lstrip(":")
    if bare.startswith("*"):
        return bare, path
    full = header if header.startswith(":") else f"{path}:{header}"
    return full, full.rpartition(":")[0]


def nodes(pattern: str) -> list[tuple[str, str, str, str]]:
    """Return the nodes of a header pattern: bracket that opens, name, numeric suffix, bracket that closes."""
    return _NODE.findall(pattern)


Unit = tuple[str, bool, tuple[str, ...]]
"""A full header in capitals, whether it is a query, and the arguments."""


@lru_cache(maxsize=1024)
def units(message: str, open_end: bool = False) -> tuple[tuple[Unit, ...], int]:
    """Return the units of a message up to the first that is wrong, and the error code of that one, or 0.

    >>> units(":OUTP ON;:SOUR:VOLT 1;RANG?;5")
    (((':OUTP', False, ('ON',)), (':SOUR:VOLT', False, ('1',)), (':SOUR:RANG', True, ())), -102)
    """
    parts, broken = split(message, ";")
    found: list[Unit] = []
    path = ""
    for part in filter(None, parts):
        try:
            header, query, arguments = header_and_arguments(part, open_end)
        except ScpiError as error:
            return tuple(found), error.code
        header, path = full_header(path, header)
        found.append((header, query, tuple(arguments)))
    return tuple(found), broken


@cache
def header_regex(pattern: str) -> re.Pattern[str]:
    """Turn a pattern such as ``:SOURce#:VOLTage[:LEVel]`` into what matches its headers.

    Capitals are the short form, square brackets enclose a node that may be left out, ``#`` and ``{2-12}`` stand for a
    numeric suffix, which becomes a group.
    """
    if pattern.startswith("*"):
        return re.compile(re.escape(pattern.upper()))
    parts = []
    for opened, node, suffix, _ in nodes(pattern):
        short = re.sub("[a-z]", "", node)
        names = "|".join(dict.fromkeys((node.upper(), short)))
        parts.append(f"(?::(?:{names}){'([0-9]*)' if suffix else ''}){'?' if opened else ''}")
    return re.compile("".join(parts))


@cache
def bounds(pattern: str) -> tuple[tuple[int, int] | None, ...]:
    """Return the smallest and the largest value of each numeric suffix of a pattern; None for a ``#``.

    >>> bounds(":CALCulate#:LIMit{2-12}:STATe")
    (None, (2, 12))
    """
    found = []
    for _, _, suffix, _ in nodes(pattern):
        if suffix:
            low, dash, high = suffix.strip("{}").partition("-")
            found.append((int(low), int(high)) if dash else None)
    return tuple(found)


def suffixes(pattern: str, header: str, most: int = 1) -> tuple[int, ...] | None:
    """Return the numeric suffixes of a header that fits a pattern, None if it does not; one that is left out is 1.

    >>> suffixes(":SOURce#:VOLTage", ":SOUR2:VOLT", most=2)
    (2,)

    Raises
    ------
    ScpiError
        -114 for a suffix beyond its bounds, which are 1 and `most` for a ``#``.
    """
    match = header_regex(pattern).fullmatch(header)
    if match is None:
        return None
    found = []
    for text, bound in zip((text or "1" for text in match.groups()), bounds(pattern), strict=True):
        low, high = bound or (1, most)
        if len(text) > _LONGEST_SUFFIX or not low <= int(text) <= high:
            raise ScpiError(-114)
        found.append(int(text))
    return tuple(found)
