"""The switch matrices that speak TSP: one way to close, open and read back relays for all of them.

The box's own rule for opening and closing in one command (``channel.connectrule``) is not relied on.
"""

import re
from collections.abc import Callable, Iterable
from typing import ClassVar

from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import relay_changes, row_number

from ..transport.adapter import allowing
from ..transport.matrix import RELAY_S, RelayMatrix, comma_lists
from .instrument import TspInstrument

LONGEST_LIST = 900
"""Longest channel list in a line, in characters; no manual found states a limit, so lines stay below 1 kB."""


class TspMatrix(TspInstrument, RelayMatrix):
    """A matrix with the ``channel`` functions of the 707B and the 3700A series.

    The box waits for its relays itself before ``close`` and ``open`` return (Keithley 707B and 708B reference manual,
    channel.close); `settle_s` is waited on top by the box, not here.
    """

    open_all_command = 'channel.open("allslots")'
    letters: ClassVar[bool]
    """Whether a row is written as a letter."""

    def wait(self, seconds: float) -> None:
        """Let the box wait before it does anything else, by writing only."""
        self.blind(f"delay({seconds:.6f})")

    def connected(self) -> frozenset[str]:
        """Ask which crosspoints are closed."""
        self._known = None
        query = 'print(channel.getclose("allslots"))'
        (reply,) = self.ask_fields(query, 1)
        self._known = self._parse_closed(query, reply)
        return self._known

    def changes(self, crosspoints: Iterable[str]) -> list[str]:
        """Ask in one exchange whether exactly these crosspoints are closed and nothing is in the error queue."""
        self._known = None
        self._known, errors = self._closed_and_errors()
        self.raise_errors(errors, "")
        return relay_changes(self.name, self._known, crosspoints)

    # ------------------------------------------------------------------ inside

    def _begin(self) -> None:
        self.quieten()

    def _lines(self, opening: Iterable[str], closing: Iterable[str]) -> list[str]:
        return [
            *map('channel.open("{}")'.format, comma_lists(opening, LONGEST_LIST)),
            *map('channel.close("{}")'.format, comma_lists(closing, LONGEST_LIST)),
        ]

    def _carry_out(self, lines: list[str], moving: int) -> tuple[frozenset[str], Callable[[], object]]:
        if self.settle_s > 0:
            lines = [*lines, f"delay({self.settle_s:.6f})"]
        with allowing(self.adapter, self.settle_s + RELAY_S * (moving + 1)):
            for line in lines:
                self.write(line)
            found, errors = self._closed_and_errors()
        return found, lambda: self.raise_errors(errors, "; ".join(lines))

    def _closed_and_errors(self) -> tuple[frozenset[str], float]:
        """Ask in one exchange what is closed and how many errors are in the queue."""
        query = 'print(channel.getclose("allslots"), errorqueue.count)'
        reply, errors = self.ask_fields(query, 2)
        return self._parse_closed(query, reply), self.number(errors, query)

    def _parse_closed(self, query: str, reply: str) -> frozenset[str]:
        """Return the names in a channel list; a four-pole pair ``5003(5033)`` counts as its first channel."""
        if reply in {"nil", ""}:
            return frozenset()
        names = [re.sub(r"\(.*\)$", "", name.strip()).upper() for name in re.split("[;,]", reply)]
        if not all(re.fullmatch("[1-9][0-9A-Z]{3,5}", name) for name in names):
            raise self.garbled_reply(query, reply, "a list of channels")
        return frozenset(names)

    def _name(self, slot: int, row: int, column: int) -> str:
        return f"{slot}{chr(ord('A') + row - 1) if self.letters else row}{column:02d}"

    def _place(self, crosspoint: str) -> tuple[int, int, int]:
        row = "[A-Z]" if self.letters else "[0-9]"
        found = re.fullmatch(f"([0-9])({row})([0-9]{{2}})", crosspoint.upper())
        if found is None:
            raise ConfigError(f"{crosspoint!r} is no crosspoint of {self.name}, such as {self.crosspoint(1, '1', 5)}")
        return int(found[1]), row_number(found[2]), int(found[3])
