"""What a TSP instrument says: print, printnumber, printbuffer, and the ``format`` object."""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .lua.objects import Node, Refused, ScriptError, Value, check_arguments, choice, number, whole

ASCII, REAL32, REAL64 = 1, 2, 3
MOST_DIGITS = 16
LONGEST_OUTPUT = 8 * 2**20
"""Bytes that one message may make the instrument say."""
SHORTEST_NUMBER = 4
"""Bytes that a number takes at least."""


@runtime_checkable
class Column(Protocol):
    """Numbers that ``printbuffer`` can print, such as a reading buffer."""

    def count(self) -> int:
        """Return how many there are."""

    def numbers(self, first: int, last: int) -> list[float]:
        """Return numbers `first` to `last`, from 1."""


class Output:
    """The output queue, filled by one message at a time."""

    def __init__(self) -> None:
        self._said: list[bytes] = []
        self._length = 0
        self.node = node = Node()
        node.constants |= {"ASCII": 1, "SREAL": 2, "REAL32": 2, "REAL": 3, "REAL64": 3, "DREAL": 3}
        node.constants |= {"NORMAL": 0, "NETWORK": 0, "BIGENDIAN": 0, "SWAPPED": 1, "LITTLEENDIAN": 1}
        node.setting("data", float(ASCII), choice(ASCII, REAL32, REAL64, code=1406))
        node.setting("byteorder", 1.0, choice(0, 1, code=1404))
        node.setting("asciiprecision", 6.0, _precision)

    def take(self) -> bytes:
        """Return all that was said, and forget it."""
        said, self._said, self._length = b"".join(self._said), [], 0
        return said

    def say(self, line: bytes) -> None:
        """Say a line."""
        self._length += len(line) + 1
        if self._length > LONGEST_OUTPUT:
            raise ScriptError("output queue is full")
        self._said.append(line + b"\n")

    def print(self, values: Sequence[Value]) -> None:
        """Say values, with a tab between two."""
        self.say("\t".join(self._text_of(value) for value in values).encode("latin-1", "replace"))

    def printnumber(self, *values: Value) -> None:
        """Say numbers in the format of ``format.data``."""
        self._numbers([number()(value) for value in values])

    def printbuffer(self, first: Value = None, last: Value = None, *arrays: Value) -> None:
        """Say entries `first` to `last` of one or more buffers or tables, entry by entry.

        The range is cut to what there is; nothing at all is said if that is nothing.
        """
        check_arguments(arrays, 1, "printbuffer")
        columns = [_column(each) for each in arrays]
        start = max(whole(first, -(2**31)), 1)
        end = min(whole(last, -(2**31)), *(column.count() for column in columns))
        if (end - start + 1) * len(columns) * SHORTEST_NUMBER > LONGEST_OUTPUT:
            raise ScriptError("output queue is full")
        if end >= start:
            parts = [column.numbers(start, end) for column in columns]
            self._numbers([number for row in zip(*parts, strict=True) for number in row])

    def _text_of(self, value: Value) -> str:
        if isinstance(value, bool) or value is None:
            return {True: "true", False: "false", None: "nil"}[value]
        return self._ascii(value) if isinstance(value, int | float) else str(value)

    def _ascii(self, value: float) -> str:
        if not math.isfinite(value):
            return str(float(value))
        return f"{value:.{int(self.node.values['asciiprecision']) - 1}e}"

    def _numbers(self, values: Sequence[float]) -> None:
        data = self.node.values["data"]
        if data == ASCII:
            self.say(", ".join(map(self._ascii, values)).encode())
            return
        order = "<" if self.node.values["byteorder"] else ">"
        self.say(b"#0" + struct.pack(f"{order}{len(values)}{'f' if data == REAL32 else 'd'}", *values))


def _precision(value: Value) -> float:
    digits = number()(value)
    if not 1 <= digits <= MOST_DIGITS:
        raise Refused(1405, "Invalid ASCII precision")
    return digits


@dataclass(frozen=True)
class _Table:
    """A table of numbers as a column."""

    values: list[float]

    def count(self) -> int:
        return len(self.values)

    def numbers(self, first: int, last: int) -> list[float]:
        return self.values[first - 1 : last]


def _column(array: Value) -> Column:
    """Return what ``printbuffer`` prints of a table, a buffer or one of its views."""
    owner = getattr(array, "owner", None) if isinstance(array, Node) else None
    if isinstance(array, list):
        return _Table(array)
    if isinstance(owner, Column):
        return owner
    raise Refused(1401, "printbuffer takes reading buffers and tables")
