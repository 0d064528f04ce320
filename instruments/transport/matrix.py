"""What switch matrices with a language share: open what is not wanted, close what is, wait, read back, count."""

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from pymeasure.adapters import Adapter

from crossbar_hil.errors import ConfigError, InstrumentError
from crossbar_hil.instrument import SwitchMatrix, names_text, row_number

from .instrument import BenchInstrument

RELAY_S = 0.05
"""Time allowed for each relay that may move one after the other, in seconds."""


class RelayMatrix(BenchInstrument, SwitchMatrix):
    """A switch matrix whose relays are opened and closed by lists of crosspoints.

    What is not wanted is opened before anything is closed, by plain commands, so that no line is ever on two ports.
    What is closed is read back after every move, when the relays have settled. So a relay that somebody else closed is
    found, and the count of relay operations is one of states seen, not of commands sent.

    Parameters
    ----------
    adapter, name, **kwargs
        See `BenchInstrument`.
    settle_s : float, optional
        Time that relays need to settle, in seconds; that of the model if not given.
    """

    open_all_command: ClassVar[str]
    slots: ClassVar[range]
    rows: ClassVar[range]
    columns: ClassVar[range]
    form: ClassVar[re.Pattern[str]]
    """How a crosspoint is written: slot, row, column."""
    example: ClassVar[str]
    """A crosspoint, for messages."""
    model_settle_s: ClassVar[float] = 0.0
    """Time that relays of the model need to settle, in seconds."""

    def __init__(
        self, adapter: Adapter | str | int, name: str = "", settle_s: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(adapter, name, **kwargs)
        self.settle_s = self.model_settle_s if settle_s is None else settle_s
        self.operations = 0
        self._known: frozenset[str] | None = None
        self._closings: Counter[str] = Counter()
        self._good: dict[str, str] = {}  # names that were looked at, as the model writes them

    @property
    def closings(self) -> Mapping[str, int]:
        """Get how often each crosspoint has closed since the instrument was opened, or may have where a move failed."""
        return self._closings

    def crosspoint(self, slot: int, port: str, line: int) -> str:
        """Return the name of the crosspoint of a port (matrix row) and a line (matrix column)."""
        return self._name(*self._bounded(slot, row_number(port), line))

    def prepare(self) -> None:
        """Open every relay, set break-before-make where the model has it, and see that nothing is closed."""
        self._known = None
        self._begin()
        self._move([self.open_all_command], frozenset())

    def connect(self, crosspoints: Iterable[str]) -> None:
        """Close exactly these crosspoints: open every other one first, then close, then wait until they have settled.

        Raises
        ------
        ConfigError
            If the model has no such crosspoint; nothing was sent.
        InstrumentError
            If the instrument refuses, or others are closed afterwards; `connected` then says which.
        """
        wanted = self._model_names(frozenset(crosspoints))
        before = self._learn()
        self._move(self._lines(before - wanted, wanted - before), wanted)

    def disconnect_all(self) -> None:
        """Open every relay, by writing only: no answer is waited for."""
        before, self._known = self._known, None
        self.operations += len(before or ())
        self.blind(self.open_all_command)

    def shutdown(self) -> None:
        """Open every relay, by writing only, as PyMeasure does at the end of a ``with`` block."""
        self.disconnect_all()
        super().shutdown()

    # ------------------------------------------------------------------ what a model or a language says

    @classmethod
    @abstractmethod
    def _name(cls, slot: int, row: int, column: int) -> str:
        """Write a crosspoint as the model does."""

    @abstractmethod
    def _begin(self) -> None:
        """Bring the session in step, empty the error queue and write the model's own settings."""

    @abstractmethod
    def _lines(self, opening: Iterable[str], closing: Iterable[str]) -> list[str]:
        """Return commands that open crosspoints, then those that close some."""

    @abstractmethod
    def _carry_out(self, lines: list[str], moving: int) -> tuple[frozenset[str], Callable[[], object]]:
        """Write lines that move so many relays, wait, and return what is closed and a look at the error queue."""

    # ------------------------------------------------------------------ inside

    def _place(self, crosspoint: str) -> tuple[int, int, int]:
        """Return slot, row and column of a crosspoint; ``ConfigError`` if it is none."""
        found = self.form.fullmatch(crosspoint.upper())
        if found is None:
            raise ConfigError(f"{crosspoint!r} is no crosspoint of {self.name}, such as {self.example}")
        slot, row, column = found.groups()
        return int(slot), row_number(row) if row.isalpha() else int(row), int(column)

    def _bounded(self, slot: int, row: int, column: int) -> tuple[int, int, int]:
        for what, value, allowed in (
            ("slot", slot, self.slots),
            ("row", row, self.rows),
            ("column", column, self.columns),
        ):
            if value not in allowed:
                raise ConfigError(f"{self.name} has no {what} {value}: {what}s are {allowed[0]} to {allowed[-1]}")
        return slot, row, column

    def _model_names(self, crosspoints: frozenset[str]) -> frozenset[str]:
        """Return crosspoints as the model writes them, if it has them; none is looked at twice."""
        if new := sorted(crosspoints - self._good.keys()):
            places = [self._place(each) for each in new]
            for place in places:
                self._bounded(*place)
            self._good |= zip(new, [self._name(*place) for place in places], strict=True)
        return frozenset(map(self._good.__getitem__, crosspoints))

    def _learn(self) -> frozenset[str]:
        """Return what is closed, asking only if it is not known."""
        return self.connected() if self._known is None else self._known

    def _move(self, lines: list[str], after: frozenset[str]) -> None:
        """Move relays, wait for them, and compare what is then closed with what should be."""
        before, self._known = self._learn(), None
        try:
            found, check_errors = self._carry_out(lines, len(before ^ after))
        except BaseException:  # nobody can tell which have closed
            self._closings.update(after - before)
            raise
        self._closings.update(found - before)
        self._known = None
        self.operations += len(before ^ found)
        check_errors()
        if found != after:
            raise InstrumentError(f"{self.name} has {names_text(found)} closed, expected {names_text(after)}")
        self._known = found


def packed(parts: Iterable[str], longest: int, join: Callable[[str, str], str] = "{},{}".format) -> list[str]:
    """Return parts in their order, joined to as few as can be of at most so many characters.

    >>> packed(["1A01", "1A02", "1A05"], 9)
    ['1A01,1A02', '1A05']
    """
    found: list[str] = []
    for each in parts:
        if found and len(more := join(found[-1], each)) <= longest:
            found[-1] = more
        else:
            found.append(each)
    return found
