"""The entries of a journal, each bound to all before it by a hash."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from crossbar_hil.errors import DataError

FIRST = "0" * 64
"""What stands before the first entry."""
_KIND = re.compile(r"[a-z_]{1,32}")
_HEAD = re.compile(rb"([0-9]{12}) ([0-9a-f]{64})\n")
_Row = tuple[Any, Any, Any, Any, Any, Any]


class Entry(NamedTuple):
    """One line of a journal."""

    number: int
    kind: str
    utc: str
    monotonic_s: float
    body: dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What a look at a journal found."""

    entries: int
    """Entries up to the first that is wrong."""
    chain: str
    """Hash of the last of them, which stands for all."""
    problems: tuple[str, ...] = ()
    """What is wrong, a sentence each; empty if the journal is what was written."""
    notes: tuple[str, ...] = ()
    """What is in order but worth knowing."""


def chain_hash(previous: str, *fields: Any) -> str:
    """Return the hash of an entry or a row, a hex sha256 over the hash before it and its own fields.

    Examples
    --------
    >>> chain_hash("0" * 64, 1, "note", "", 0.5, "{}")[:8]
    'a1485bf8'
    """
    return hashlib.sha256("\n".join([previous, *map(str, fields)]).encode("utf-8", "surrogatepass")).hexdigest()


def body_text(kind: str, body: Mapping[str, Any]) -> str:
    """Return the body of an entry as it is stored: JSON with sorted keys, no blanks, and floats that come back equal.

    Raises
    ------
    DataError
        If the kind is no short lower-case word, or the body holds what JSON does not: NaN, infinity, other objects.
    """
    if not _KIND.fullmatch(kind):
        raise DataError(f"journal entry of kind {kind!r}: a kind is 1 to 32 lower-case letters or underscores")
    try:
        return json.dumps(dict(body), sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"journal entry of kind {kind!r} cannot be written as JSON: {error}") from error


def verify_rows(rows: Iterable[_Row]) -> tuple[list[Entry], str, str]:
    """Return the entries of stored rows, the hash of the last, and what is wrong with the first bad row (or nothing).

    Parameters
    ----------
    rows : iterable of (number, kind, utc, monotonic_s, body, chain)
        As stored, in order.
    """
    entries: list[Entry] = []
    chain = FIRST
    for row in rows:
        try:
            entries.append(_entry(row, len(entries) + 1, chain))
        except ValueError as problem:
            return entries, chain, str(problem)
        chain = row[5]
    return entries, chain, "" if entries else "entry 1 is missing: the journal is empty"


def _entry(row: _Row, due: int, previous: str) -> Entry:
    """Return the entry of a row; ValueError says what is wrong with it."""
    number, kind, utc, monotonic_s, body, stored = row
    if [type(value) for value in row] != [int, str, str, float, str, str]:
        raise ValueError(f"entry {due} holds values of the wrong type")
    if number != due:
        raise ValueError(f"entry {due} is missing, entry {number} stands in its place")
    if stored != chain_hash(previous, number, kind, utc, monotonic_s, body):
        raise ValueError(f"entry {due} ({kind[:32]!r}) does not match its hash")
    if number == 1 and kind != "start":
        raise ValueError(f"entry 1 is of kind {kind!r}, not 'start'")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"entry {due} holds no JSON") from error
    if not isinstance(content, dict):
        raise ValueError(f"entry {due} holds no JSON object")
    return Entry(number, kind, utc, monotonic_s, content)


def head_line(number: int, chain: str) -> bytes:
    """Return what stands in ``journal.head`` after entry `number`.

    It is always as long: a line that grew could be cut short by a power cut between its data and its length.
    """
    return f"{number:012} {chain}\n".encode()


def parse_head(content: bytes) -> tuple[int, str] | None:
    """Return number and hash of a ``journal.head``, None if it is not one whole line of that form."""
    found = _HEAD.fullmatch(content)
    return (int(found[1]), found[2].decode()) if found and int(found[1]) else None
