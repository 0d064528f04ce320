"""What an SCPI instrument is told: one command as it was sent, and the lines of a table of commands."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .status import ScpiError


@dataclass(frozen=True, slots=True)
class Call:
    """One command as it was sent."""

    suffixes: tuple[int, ...]
    """Numeric suffixes of the header, in order; 1 where left out."""
    arguments: list[str]

    def expect(self, least: int, most: int | None = None) -> list[str]:
        """Return the arguments if there are as many as there must be; `most` defaults to `least`."""
        if len(self.arguments) < least:
            raise ScpiError(-109)
        if len(self.arguments) > (least if most is None else most):
            raise ScpiError(-108)
        return self.arguments


Stored = dict[tuple[str, tuple[int, ...]], object]
"""Values that were set and have no effect, by header pattern and numeric suffixes."""
Answer = str | bytes
"""Text, or a binary block."""
Write = Callable[[Any, Call], object]
"""What it returns is of no account."""
Query = Callable[[Any, Call], Answer]


@dataclass(frozen=True, slots=True)
class Command:
    """One line of an instrument's table: how the header is written, what setting it does, what asking it answers."""

    pattern: str
    write: Write | None = None
    query: Query | None = None
    samples: tuple[str, ...] = ()
    """Some parameters that are accepted when it is set, as they are sent; an empty one is none."""


def clear_errors(self: Any, call: Call) -> None:
    """Act on a command that empties the error queue."""
    call.expect(0)
    self.status.errors.clear()


def error_count(self: Any, call: Call) -> str:
    """Answer how many errors are in the queue."""
    call.expect(0)
    return str(len(self.status.errors))
