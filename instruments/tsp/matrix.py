"""The switch matrices that speak TSP: one way to close, open and read back relays for all of them.

What is not wanted is opened before anything is closed, by two plain commands, so that no line is ever on two ports; the
box's own rule for doing both in one command (``channel.connectrule``) is not relied on.
"""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from pymeasure.adapters import Adapter

from crossbar_hil.errors import ConfigError, InstrumentError
from crossbar_hil.instrument import SwitchMatrix, differing, listed, row_number

from ..transport.adapter import allowing
from .session import TspInstrument

LONGEST_LIST = 900
"""Longest channel list in a line, in characters; no manual found states a limit, so lines stay below 1 kB."""
RELAY_S = 0.05
"""Time allowed for each relay that may move one after the other, in seconds."""


class TspMatrix(TspInstrument, SwitchMatrix):
    """A matrix with the ``channel`` functions of the 707B and the 3700A series.

    The box waits for its relays itself before ``close`` and ``open`` return (Keithley 707B and 708B reference manual,
    channel.close); `settle_s` is waited on top by the box, not here.

    Parameters
    ----------
    adapter : pymeasure.adapters.Adapter or str
        The connection, or a VISA resource name for PyMeasure's own adapter.
    name : str
        Name in messages.
    settle_s : float
        Extra time after relays have moved, in seconds.
    **kwargs
        Passed on to PyMeasure.
    """

    slots: ClassVar[int]
    """Number of card slots."""
    rows: ClassVar[int]
    """Rows of the matrix card."""
    columns: ClassVar[int]
    """Columns of the matrix card."""
    letters: ClassVar[bool]
    """Whether a row is written as a letter."""

    def __init__(self, adapter: Adapter | str, name: str, settle_s: float = 0.0, **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
        self.settle_s = settle_s
        self.operations = 0
        self._known: frozenset[str] | None = None

    def crosspoint(self, slot: int, port: str, line: int) -> str:
        """Return the name of the crosspoint of a port (matrix row) and a line (matrix column)."""
        row = row_number(port)
        for what, value, most in (("slot", slot, self.slots), ("row", row, self.rows), ("column", line, self.columns)):
            if not 1 <= value <= most:
                raise ConfigError(f"{self.name} has no {what} {value}: {what}s are 1 to {most}")
        return f"{slot}{chr(ord('A') + row - 1) if self.letters else row}{line:02d}"

    def prepare(self) -> None:
        """Open every relay, and see that nothing is closed."""
        self._known = None
        self.quieten()
        self._move(['channel.open("allslots")'], frozenset())

    def connect(self, crosspoints: Iterable[str]) -> None:
        """Close exactly these crosspoints: open every other one first, then close, then wait for them to settle."""
        wanted = frozenset(self._checked(each) for each in crosspoints)
        before = self._learn()
        opening = [f'channel.open("{part}")' for part in _parts(before - wanted)]
        closing = [f'channel.close("{part}")' for part in _parts(wanted - before)]
        self._move([*opening, *closing], wanted)

    def disconnect_all(self) -> None:
        """Open every relay, by writing only: no answer is waited for."""
        before, self._known = self._known, None
        self.blind('channel.open("allslots")')
        self.operations += len(before or ())

    def wait(self, seconds: float) -> None:
        """Let the box wait before it does anything else, by writing only."""
        self.blind(f"delay({seconds:.6f})")

    def shutdown(self) -> None:
        """Open every relay, by writing only, as PyMeasure does at the end of a ``with`` block."""
        self.disconnect_all()
        super().shutdown()

    def connected(self) -> frozenset[str]:
        """Ask which crosspoints are closed."""
        self._known = None
        query = 'print(channel.getclose("allslots"))'
        (reply,) = self.ask_fields(query, 1)
        self._known = self._parsed(query, reply)
        return self._known

    def changes(self, crosspoints: Iterable[str]) -> list[str]:
        """Ask in one exchange whether exactly these crosspoints are closed and nothing is in the error queue."""
        self._known = None
        self._known, errors = self._closed_and_errors()
        self.raise_errors(errors, "")
        return differing(self.name, self._known, crosspoints)

    # ------------------------------------------------------------------ inside

    def _learn(self) -> frozenset[str]:
        """Return what is closed, asking only if it is not known."""
        return self.connected() if self._known is None else self._known

    def _move(self, statements: list[str], after: frozenset[str]) -> None:
        """Move relays, wait for them, and compare what is then closed with what should be."""
        before, self._known = self._learn(), None
        if self.settle_s > 0:
            statements = [*statements, f"delay({self.settle_s:.6f})"]
        with allowing(self.adapter, self.settle_s + RELAY_S * (len(before ^ after) + 1)):
            for statement in statements:
                self.write(statement)
            found, errors = self._closed_and_errors()
        self.operations += len(before ^ found)
        self.raise_errors(errors, "; ".join(statements))
        if found != after:
            raise InstrumentError(f"{self.name} has {listed(found)} closed, expected {listed(after)}")
        self._known = found

    def _closed_and_errors(self) -> tuple[frozenset[str], float]:
        """Ask in one exchange what is closed and how many errors are in the queue."""
        query = 'print(channel.getclose("allslots"), errorqueue.count)'
        reply, errors = self.ask_fields(query, 2)
        return self._parsed(query, reply), self.number(errors, query)

    def _parsed(self, query: str, reply: str) -> frozenset[str]:
        """Return the names in a channel list; a four-pole pair ``5003(5033)`` counts as its first channel."""
        if reply in {"nil", ""}:
            return frozenset()
        names = [re.sub(r"\(.*\)$", "", name.strip()).upper() for name in re.split("[;,]", reply)]
        if not all(re.fullmatch("[1-9][0-9A-Z]{3,5}", name) for name in names):
            raise self.garbled(query, reply, "a list of channels")
        return frozenset(names)

    def _checked(self, crosspoint: str) -> str:
        """Return a crosspoint as the box writes it, if the box has it."""
        row = "[A-Z]" if self.letters else "[0-9]"
        found = re.fullmatch(f"([0-9])({row})([0-9]{{2}})", crosspoint.upper())
        if found is None:
            raise ConfigError(f"{crosspoint!r} is no crosspoint of {self.name}, such as {self.crosspoint(1, '1', 5)}")
        return self.crosspoint(int(found[1]), found[2], int(found[3]))


def _parts(names: Iterable[str]) -> Iterable[str]:
    """Yield channel lists that are short enough for a line."""
    part: list[str] = []
    for name in sorted(names):
        if len(",".join([*part, name])) > LONGEST_LIST:
            yield ",".join(part)
            part = []
        part.append(name)
    if part:
        yield ",".join(part)
