"""The switch matrices that speak TSP: one way to close, open and read back relays for all of them.

The box's own rule for opening and closing in one command (``channel.connectrule``) is set and watched, not relied on.
"""

import re
from collections.abc import Callable, Iterable
from typing import ClassVar

from crossbar_hil.errors import InstrumentError
from crossbar_hil.instrument import relay_changes

from ..settings.setting import Asked
from ..settings.tsp_matrix import TSP_MATRIX
from ..transport.adapter import allowing
from ..transport.matrix import RELAY_S, RelayMatrix, packed
from .instrument import TspInstrument
from .values import fixed

LONGEST_LIST = 900
"""Longest channel list in a line, in characters."""
LONGEST_LINE = 1000
"""No manual found states how long a line may be, so none is longer than this, in characters."""
ALL_CLOSED = 'channel.getclose("allslots")'
WATCHED = TSP_MATRIX.asked(Asked.BATCH)


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
        query = f"print({ALL_CLOSED})"
        (reply,) = self.ask_fields(query, 1)
        self._known = self._parse_closed(query, reply)
        return self._known

    def changes(self, crosspoints: Iterable[str]) -> list[str]:
        """Ask in one exchange for the closed crosspoints, the settings of `TSP_MATRIX`, and the error queue."""
        self._known = None
        query = f"print({ALL_CLOSED}, errorqueue.count, {', '.join(each.command for each in WATCHED)})"
        closed, errors, *values = self.ask_fields(query, 2 + len(WATCHED))
        self._known = self._parse_closed(query, closed)
        self.raise_errors(self.number(errors, query), "")
        others = [
            f"{self.name}: {each.command} is {self.number(value, query):g} instead of {fixed(each):g}"
            for each, value in zip(WATCHED, values, strict=True)
            if self.number(value, query) != fixed(each)
        ]
        return relay_changes(self.name, self._known, crosspoints) + others

    # ------------------------------------------------------------------ inside

    def _begin(self) -> None:
        self.quieten()
        cards = self.ask_fields(f"print({', '.join(f'slot[{n}].idn' for n in self.slots)})", len(self.slots))
        for slot, card in zip(self.slots, cards, strict=True):
            if "pseudo" in card.lower():
                raise InstrumentError(
                    f"{self.name} has a pseudocard in slot {slot}, {card[:60]!r}, which has no relays"
                )
        for each in TSP_MATRIX.values():
            value = fixed(each)
            line = each.command.format(value=value) if "{value}" in each.command else f"{each.command}={value}"
            self.command(line)
            (reply,) = self.ask_fields(each.query, 1)
            if any(self.number(part, each.query) != value for part in reply.split(",")):
                raise InstrumentError(f"{self.name} was set by {line} but reads back {reply[:80]}")

    def _lines(self, opening: Iterable[str], closing: Iterable[str]) -> list[str]:
        return [
            *map('channel.open("{}")'.format, packed(sorted(opening), LONGEST_LIST)),
            *map('channel.close("{}")'.format, packed(sorted(closing), LONGEST_LIST)),
        ]

    def _carry_out(self, lines: list[str], moving: int) -> tuple[frozenset[str], Callable[[], object]]:
        if self.settle_s > 0:
            lines = [*lines, f"delay({self.settle_s:.6f})"]
        asked = f"print({ALL_CLOSED}, errorqueue.count)"
        *first, query = packed([*lines, asked], LONGEST_LINE, "{} {}".format)
        with allowing(self.adapter, self.settle_s + RELAY_S * (moving + 1)):
            for line in first:
                self.write(line)
            reply, counted = self.ask_fields(query, 2)
        found, errors = self._parse_closed(query, reply), self.number(counted, query)
        return found, lambda: self.raise_errors(errors, "; ".join(lines))

    def _parse_closed(self, query: str, reply: str) -> frozenset[str]:
        """Return the names in a channel list; of a four-pole pair ``5003(5033)`` both, because both are closed."""
        if reply in {"nil", ""}:
            return frozenset()
        names = [name.strip().upper() for name in re.split("[;,]", re.sub(r"\((\w+)\)", r";\1", reply))]
        if not all(re.fullmatch("[1-9][0-9A-Z]{3,5}", name) for name in names):
            raise self.garbled_reply(query, reply, "a list of channels")
        return frozenset(names)

    @classmethod
    def _name(cls, slot: int, row: int, column: int) -> str:
        return f"{slot}{chr(ord('A') + row - 1) if cls.letters else row}{column:02d}"
