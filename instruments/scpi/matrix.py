"""What SCPI switch matrices share: commands with channel lists, ``*OPC?``, and a question for what is closed."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar

from crossbar_hil.errors import GarbledReply, InstrumentError
from crossbar_hil.instrument import relay_changes

from ..transport.adapter import allowing
from ..transport.matrix import RELAY_S, RelayMatrix, comma_lists
from .answers import flag
from .instrument import ScpiInstrument

LONGEST_LINE = 1000
"""No manual states how long a line may be, so none is longer than this, in characters."""


class ScpiMatrix(ScpiInstrument, RelayMatrix):
    """A switch matrix whose relays are opened and closed by channel lists."""

    open_command: ClassVar[str] = ":ROUT:OPEN"
    close_command: ClassVar[str] = ":ROUT:CLOS"

    def connected(self) -> frozenset[str]:
        """Ask which crosspoints are closed."""
        self._known = None
        found: frozenset[str] = frozenset()
        for query in self._closed_queries():
            found |= self.query(query, self._parse_closed)
        self._known = found
        return found

    def changes(self, crosspoints: Iterable[str]) -> list[str]:
        """Ask in one exchange whether exactly these crosspoints are closed and nothing is in the error queue."""
        self._known = None
        queries = self._closed_queries()
        parsed = [
            self.parse_answer(query, answer, self._parse_closed)
            for query, answer in zip(queries, self.ask_together(queries), strict=True)
        ]
        self._known = frozenset[str]().union(*parsed)
        return relay_changes(self.name, self._known, crosspoints)

    # ------------------------------------------------------------------ what a model says

    @abstractmethod
    def _closed_queries(self) -> list[str]:
        """Return the queries that together say what is closed."""

    @abstractmethod
    def _parse_closed(self, reply: str) -> frozenset[str]:
        """Return the names of what is closed by the answer to one of them."""

    def _prepare(self) -> None:
        """Write the model's own settings."""

    # ------------------------------------------------------------------ inside

    def _begin(self) -> None:
        self.recover()
        self.write("*CLS")
        self._prepare()

    def _lines(self, opening: Iterable[str], closing: Iterable[str]) -> list[str]:
        to_open, to_close = f"{self.open_command} (@{{}})", f"{self.close_command} (@{{}})"
        return [
            *map(to_open.format, comma_lists(opening, LONGEST_LINE - len(to_open.format("")))),
            *map(to_close.format, comma_lists(closing, LONGEST_LINE - len(to_close.format("")))),
        ]

    def _carry_out(self, lines: list[str], moving: int) -> tuple[frozenset[str], Callable[[], object]]:
        for line in lines:
            self.write(line)
        with allowing(self.adapter, RELAY_S * (moving + 1)):
            complete = self.query("*OPC?", flag)
        if not complete:
            raise InstrumentError(f"{self.name} answers *OPC? by 0, so its relays have not settled")
        return self.connected(), partial(self.check_errors, "; ".join(lines))


def channels(reply: str) -> list[str]:
    """Return what stands in a channel list.

    >>> channels("(@00248,01012)"), channels("(@)")
    (['00248', '01012'], [])
    """
    text = reply.strip()
    if not (text.startswith("(@") and text.endswith(")")):
        raise GarbledReply(f"{reply[:60]!r} is no channel list")
    return [each.strip() for each in text[2:-1].split(",") if each.strip()]
