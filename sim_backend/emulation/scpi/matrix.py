"""Relays of an emulated SCPI switch matrix: all or nothing a command, settling time, and a counter for each relay."""

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ..world.world import World
from .instrument import EmulatedScpiInstrument
from .messages import Call, Command, Query
from .status import Register, ScpiError
from .values import channel_items

MOST_LISTS = 1024
"""So many channel lists are remembered with their crosspoints."""


class Crosspoint(NamedTuple):
    """One relay; slot, row and column as the instrument counts them, rows and columns from 1."""

    slot: int
    row: int
    column: int


class MatrixInstrument(EmulatedScpiInstrument):
    """A matrix of relays in the world.

    The relay of slot s, row r and column c joins the nodes ``<name>.row.<s>.<r>`` and ``<name>.column.<s>.<c>``.

    Parameters
    ----------
    settle_s : float
        Time that a move of relays takes, in seconds.
    """

    rows = 0
    columns = 0
    channel_pattern: re.Pattern[str]
    """How a channel is written: slot, row and column as three groups."""

    def __init__(self, world: World, name: str, serial: str = "1234567", *, settle_s: float = 4e-3) -> None:
        super().__init__(world, name, serial)
        self.settle_s = settle_s
        self.closed: frozenset[Crosspoint] = frozenset()
        self.operations: Counter[Crosspoint] = Counter()
        """How often each relay has closed."""
        self.operation, self.questionable = Register(), Register()
        self._lists: dict[str, tuple[Crosspoint, ...]] = {}  # channel lists that were read before
        world.add_matrix(name)

    @abstractmethod
    def slots(self) -> Iterable[int]:
        """Return the slots that hold a card."""

    @abstractmethod
    def channel_name(self, crosspoint: Crosspoint) -> str:
        """Write a channel in the instrument's own way."""

    def crosspoint(self, text: str) -> Crosspoint:
        """Read a channel in the instrument's own way; -222 if the instrument has none such."""
        found = self.channel_pattern.fullmatch(text)
        if found is None:
            raise ScpiError(-222)
        return self.existing(*(int(each) for each in found.groups()))

    def existing(self, slot: int, row: int, column: int) -> Crosspoint:
        """Return a crosspoint if the instrument has it, else -222."""
        if slot not in self.slots():
            raise ScpiError(-222)
        rows, columns = self.size(slot)
        if not 1 <= row <= rows or not 1 <= column <= columns:
            raise ScpiError(-222)
        return Crosspoint(slot, row, column)

    def size(self, slot: int) -> tuple[int, int]:  # noqa: ARG002 - every card is the same, unless a model says otherwise
        """Return how many rows and columns the card in a slot has."""
        return self.rows, self.columns

    def nodes(self, crosspoint: Crosspoint) -> tuple[str, str]:
        """Return the two nodes that a relay joins."""
        slot, row, column = crosspoint
        return f"{self.name}.row.{slot}.{row}", f"{self.name}.column.{slot}.{column}"

    def everything(self) -> list[Crosspoint]:
        """Return every crosspoint there is, sorted."""
        return [
            Crosspoint(slot, row, column)
            for slot in sorted(self.slots())
            for row in range(1, self.size(slot)[0] + 1)
            for column in range(1, self.size(slot)[1] + 1)
        ]

    def crosspoints(self, text: str) -> list[Crosspoint]:
        """Return the crosspoints of a channel list, ranges row by row, in the order in which they stand."""
        if text not in self._lists:
            if len(self._lists) >= MOST_LISTS:
                self._lists.clear()
            self._lists[text] = tuple(self._crosspoints(text))
        return list(self._lists[text])

    def _crosspoints(self, text: str) -> list[Crosspoint]:
        found = []
        for first, last in channel_items(text):
            start = self.crosspoint(first)
            if last == first:
                found.append(start)
                continue
            end = self.crosspoint(last)
            span = [each for each in self.everything() if start <= each <= end]
            if not span:
                raise ScpiError(-222)
            found += span
        return found

    def channel_list(self, crosspoints: Iterable[Crosspoint]) -> str:
        """Write a channel list, sorted; ``(@)`` if it is empty."""
        return f"(@{','.join(self.channel_name(each) for each in sorted(crosspoints))})"

    def move(self, closed: Iterable[Crosspoint], settle: bool = True) -> None:
        """Leave exactly these relays closed, all moving at once, and wait until they have settled."""
        wanted = frozenset(closed)
        if wanted == self.closed:
            return
        self.operations.update(wanted - self.closed)
        self.closed = wanted
        self.world.move_relays(self.name, [self.nodes(each) for each in wanted])
        if settle:
            self.world.wait(self.settle_s)

    def close(self, call: Call) -> None:
        """Close the relays of the channel list of a command."""
        self.move({*self.closed, *self.crosspoints(call.expect(1)[0])})

    def open(self, call: Call) -> None:
        """Open the relays of the channel list of a command."""
        self.move(self.closed - {*self.crosspoints(call.expect(1)[0])})

    def reset(self) -> None:
        """Open every relay, and forget what is stored without effect."""
        self.stored.clear()
        self.move(())

    def registers(self) -> Iterable[Register]:
        """Return the operation and questionable registers."""
        return self.operation, self.questionable

    def status_bits(self) -> int:
        """Questionable in bit 3, operation in bit 7."""
        return self.questionable.summary << 3 | self.operation.summary << 7


def relay_commands(lists: tuple[str, ...], node: str = "") -> tuple[Command, ...]:
    """Declare what closes and opens relays and asks for them; a node may follow ``CLOSe`` and ``OPEN``.

    `lists` are some channel lists that every instrument of the kind has.
    """

    def states(closed: bool) -> Query:
        def query(matrix: MatrixInstrument, call: Call) -> str:
            wanted, closed_now = matrix.crosspoints(call.expect(1)[0]), matrix.closed
            return ",".join(["1" if (each in closed_now) == closed else "0" for each in wanted])

        return query

    return (
        Command(f"[:ROUTe]:CLOSe{node}", lambda matrix, call: matrix.close(call), states(True), lists),
        Command(f"[:ROUTe]:OPEN{node}", lambda matrix, call: matrix.open(call), states(False), lists),
    )


def cycle_query(form: str = "d") -> Command:
    """Declare the question how often relays have closed; `form` is how a count is written."""

    def query(matrix: MatrixInstrument, call: Call) -> str:
        return ",".join(format(matrix.operations[each], form) for each in matrix.crosspoints(call.expect(1)[0]))

    return Command(":DIAGnostic:RELay:CYCLes", query=query)
