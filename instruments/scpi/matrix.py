"""What SCPI switch matrices share: open what is not wanted, close what is, wait, read back, count."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from pymeasure.adapters.adapter import Adapter

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError
from crossbar_hil.instrument import SwitchMatrix, differing, listed, row_number

from ..transport.adapter import allowing
from .answers import flag
from .session import ScpiInstrument

LONGEST_LINE = 1000
"""No manual states how long a line may be, so none is longer than this, in characters."""
RELAY_S = 0.05
"""Time allowed for each relay that may move one after the other, in seconds."""


class ScpiMatrix(ScpiInstrument, SwitchMatrix):
    """A switch matrix whose relays are opened and closed by channel lists.

    What is closed is read back after every move, when the relays have settled. So a relay that somebody else closed is
    found, and the count of relay operations is one of states seen, not of commands sent.
    """

    open_command: ClassVar[str] = ":ROUT:OPEN"
    close_command: ClassVar[str] = ":ROUT:CLOS"
    open_all_command: ClassVar[str]
    slots: ClassVar[range]
    rows: ClassVar[range]
    columns: ClassVar[range]

    def __init__(
        self, adapter: Adapter | str | int, name: str = "SCPI matrix", settle_s: float = 0.004, **kwargs: Any
    ) -> None:
        super().__init__(adapter, name, **kwargs)
        self.settle_s = settle_s
        self.operations = 0
        self._known: frozenset[str] | None = None

    def crosspoint(self, slot: int, port: str, line: int) -> str:
        """Return the name of the crosspoint of a port (matrix row) and a line (matrix column)."""
        return self._name(*self._bounded(slot, row_number(port), line))

    def prepare(self) -> None:
        """Open every relay, set break-before-make where the model has it, and see that nothing is closed."""
        self.recover()
        self.write("*CLS")
        self._prepare()
        before = self.connected()
        self._move([self.open_all_command], before, frozenset())

    def connect(self, crosspoints: Iterable[str]) -> None:
        """Close exactly these crosspoints: open every other one first, then close, then wait until they have settled.

        Raises
        ------
        ConfigError
            If the model has no such crosspoint; nothing was sent.
        InstrumentError
            If the instrument refuses, or others are closed afterwards; `connected` then says which.
        """
        wanted = frozenset(self._name(*self._bounded(*self._parsed(each))) for each in crosspoints)
        before = self._learn()
        lines = [*self._lines(self.open_command, before - wanted), *self._lines(self.close_command, wanted - before)]
        self._move(lines, before, wanted)

    def disconnect_all(self) -> None:
        """Open every relay, by writing only: no answer is waited for."""
        before, self._known = self._known, None
        self.operations += len(before or ())
        self.blind(self.open_all_command)

    def shutdown(self) -> None:
        """Open every relay, by writing only, as PyMeasure does at the end of a ``with`` block."""
        self.disconnect_all()
        super().shutdown()

    def connected(self) -> frozenset[str]:
        """Ask which crosspoints are closed."""
        self._known = None
        self._known = frozenset[str]().union(*(self.query(each, self._parse_closed) for each in self._closed_queries()))
        return self._known

    def changes(self, crosspoints: Iterable[str]) -> list[str]:
        """Ask in one exchange whether exactly these crosspoints are closed and nothing is in the error queue."""
        self._known = None
        queries = self._closed_queries()
        parsed = [
            self.parsed(query, answer, self._parse_closed)
            for query, answer in zip(queries, self.ask_together(queries), strict=True)
        ]
        self._known = frozenset[str]().union(*parsed)
        return differing(self.name, self._known, crosspoints)

    # ------------------------------------------------------------------ what a model says

    @abstractmethod
    def _name(self, slot: int, row: int, column: int) -> str:
        """Write a crosspoint as the model does."""

    @abstractmethod
    def _parsed(self, crosspoint: str) -> tuple[int, int, int]:
        """Take a crosspoint apart into slot, row and column; ``ConfigError`` if it is none."""

    @abstractmethod
    def _closed_queries(self) -> list[str]:
        """Return the queries that together say what is closed."""

    @abstractmethod
    def _parse_closed(self, reply: str) -> frozenset[str]:
        """Return the names of what is closed by the answer to one of them."""

    def _prepare(self) -> None:
        """Write the model's own settings."""

    # ------------------------------------------------------------------ inside

    def _bounded(self, slot: int, row: int, column: int) -> tuple[int, int, int]:
        for what, value, allowed in (
            ("slot", slot, self.slots),
            ("row", row, self.rows),
            ("column", column, self.columns),
        ):
            if value not in allowed:
                raise ConfigError(f"{self.name} has no {what} {value}: {what}s are {allowed[0]} to {allowed[-1]}")
        return slot, row, column

    def _learn(self) -> frozenset[str]:
        """Return what is closed, asking only if it is not known."""
        return self.connected() if self._known is None else self._known

    def _move(self, lines: list[str], before: frozenset[str], after: frozenset[str]) -> None:
        """Move relays, wait for them, and compare what is then closed with what should be."""
        self._known = None
        for line in lines:
            self.write(line)
        with allowing(self.adapter, RELAY_S * (len(before ^ after) + 1)):
            complete = self.query("*OPC?", flag)
        if not complete:
            raise InstrumentError(f"{self.name} answers *OPC? by 0, so its relays have not settled")
        found = self.connected()
        self._known = None
        self.operations += len(before ^ found)
        self.check_errors("; ".join(lines))
        if found != after:
            raise InstrumentError(f"{self.name} has {listed(found)} closed, expected {listed(after)}")
        self._known = found

    def _lines(self, command: str, names: Iterable[str]) -> Iterator[str]:
        """Yield commands with channel lists that are short enough for a line."""
        part: list[str] = []
        for name in sorted(names):
            if len(f"{command} (@{','.join([*part, name])})") > LONGEST_LINE:
                yield f"{command} (@{','.join(part)})"
                part = []
            part.append(name)
        if part:
            yield f"{command} (@{','.join(part)})"


def channels(reply: str) -> list[str]:
    """Return what stands in a channel list.

    >>> channels("(@00248,01012)"), channels("(@)")
    (['00248', '01012'], [])
    """
    text = reply.strip()
    if not (text.startswith("(@") and text.endswith(")")):
        raise GarbledReply(f"{reply[:60]!r} is no channel list")
    return [each.strip() for each in text[2:-1].split(",") if each.strip()]
