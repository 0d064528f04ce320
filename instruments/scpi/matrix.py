"""What SCPI switch matrices share: commands with channel lists, ``*OPC?``, and a question for what is closed."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from itertools import product
from typing import ClassVar

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError
from crossbar_hil.instrument import relay_changes

from ..settings.setting import Asked, Expected, Setting, SettingTable
from ..transport.adapter import allowing
from ..transport.matrix import RELAY_S, RelayMatrix, packed
from .answers import fields, flag
from .instrument import ScpiInstrument
from .table import Questions, from_the_root, is_written, line, parse_found, question, together

LONGEST_LINE = 1000
"""No manual states how long a line may be, so none is longer than this, in characters."""


class ScpiMatrix(ScpiInstrument, RelayMatrix):
    """A switch matrix whose relays are opened and closed by channel lists."""

    open_command: ClassVar[str] = ":ROUT:OPEN"
    close_command: ClassVar[str] = ":ROUT:CLOS"
    table: ClassVar[SettingTable]
    """Every setting of the family; of each card if a number is left to be filled in."""

    _watched: Questions = {}  # noqa: RUF012 - never changed in place

    def connected(self) -> frozenset[str]:
        """Ask which crosspoints are closed."""
        self._known = None
        self._known = self._closed_in(self.ask_in_turn(self._closed_queries()))
        return self._known

    def changes(self, crosspoints: Iterable[str]) -> list[str]:
        """Ask in one exchange whether just these crosspoints are closed, and all else is as it was set."""
        self._known = None
        queries, watched = self._closed_queries(), self._watched
        try:
            answers = self.ask_together([*queries, *watched])
        except GarbledReply:
            # A question that is refused has no answer, such as one to a card that is set up as another one now.
            self.recover()
            for query, value in watched.items():
                if found := self.change(query, self.ask(query), value):
                    return found
            raise
        self._known = self._closed_in(answers[: len(queries)])
        found = relay_changes(self.name, self._known, crosspoints)
        for (query, value), answer in zip(watched.items(), answers[len(queries) :], strict=True):
            found += self.change(query, answer, value)
        return found

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

    def _closed_in(self, answers: Sequence[str]) -> frozenset[str]:
        """Return what is closed by the answers to `_closed_queries`."""
        parsed = [
            self.parse_answer(query, answer, self._parse_closed)
            for query, answer in zip(self._closed_queries(), answers, strict=True)
        ]
        return frozenset[str]().union(*parsed)

    def _set_up(self, numbers: Iterable[int]) -> None:
        """Write the table of settings for some cards, ask all of it back, and watch it from then on.

        Raises
        ------
        InstrumentError
            If a setting is not taken, or reads back other than it was set.
        """
        cards = list(numbers)
        settings = [(each, n) for n in cards for each in self.table.values()]
        self._watched = {}
        self.apply(*dict.fromkeys(line(each, _value(each), n) for each, n in settings if is_written(each)))
        set_up = self.table.asked(Asked.SET_UP)
        set_to = {question(each, n): _value(each) for each, n in settings if each in set_up}
        self.read_back({asked: value for asked, value in set_to.items() if value is not None})
        alone = {question(each, n): each for each, n in settings if each in set_up and each.value is None}
        watched = {question(each, n) for each, n in settings if each in self.table.asked(Asked.BATCH)}
        self._watched = {
            asked: self.query(asked, parse_found(alone[asked])) if value is None else value
            for asked, value in set_to.items()
            if asked in watched
        }

    def _begin(self) -> None:
        self.recover()
        self.write("*CLS")
        self._prepare()

    def _lines(self, opening: Iterable[str], closing: Iterable[str]) -> list[str]:
        to_open, to_close = f"{self.open_command} (@{{}})", f"{self.close_command} (@{{}})"
        opens = [*map(to_open.format, packed(sorted(opening), LONGEST_LINE - len(to_open.format(""))))]
        if opens:  # not every model says that it opens before it closes
            to_close = f"*WAI;:{to_close.removeprefix(':')}"
        return [*opens, *map(to_close.format, packed(sorted(closing), LONGEST_LINE - len(to_close.format(""))))]

    def _carry_out(self, lines: list[str], moving: int) -> tuple[frozenset[str], Callable[[], object]]:
        for each in packed(lines, LONGEST_LINE, lambda before, line: f"{before};{from_the_root(line)}"):
            self.write(each)
        queries = ["*OPC?", *self._closed_queries()]
        with allowing(self.adapter, RELAY_S * (moving + 1)):
            reply = self.ask(together(queries))
        (complete, *answers), error = self._split(reply, len(queries))
        if not self.parse_answer("*OPC?", complete, flag):
            raise InstrumentError(f"{self.name} answers *OPC? by 0, so its relays have not settled")
        return self._closed_in(answers), partial(self.check_errors, "; ".join(lines), error)


class CardMatrix(ScpiMatrix):
    """A mainframe of which the slots that hold one kind of matrix card are used."""

    card: ClassVar[str]
    """What such a card is called in messages."""
    beside: ClassVar[Sequence[int]] = ()
    """Numbers of further relays of a card, which must not be closed."""

    _cards: tuple[int, ...] = ()

    def cards(self) -> tuple[int, ...]:
        """Ask which slots hold such a card; an InstrumentError if none does."""
        self._cards = tuple(filter(self._holds_card, self.slots))
        if not self._cards:
            raise InstrumentError(f"{self.name} has no {self.card} in slots {self.slots[0]} to {self.slots[-1]}")
        self._good.clear()  # what was judged before may be in a slot without one
        return self._cards

    def connected(self) -> frozenset[str]:
        """Ask which crosspoints are closed, of the slots that hold such a card."""
        if not self._cards:
            self.cards()
        return super().connected()

    @abstractmethod
    def _holds_card(self, slot: int) -> bool:
        """Ask whether a slot holds such a card."""

    def _prepare(self) -> None:
        """See which cards are there, which may have been changed since, and how they are set."""
        self._set_up(self.cards())

    def _place(self, crosspoint: str) -> tuple[int, int, int]:
        slot, row, column = super()._place(crosspoint)
        if self._cards and slot in self.slots and slot not in self._cards:
            raise ConfigError(f"{crosspoint!r}: slot {slot} of {self.name} holds no {self.card}")
        return slot, row, column

    def _closed_queries(self) -> list[str]:
        return [_query_of(type(self), self._cards)]

    def _parse_closed(self, reply: str) -> frozenset[str]:
        return _closed_of(type(self), self._cards, reply)


@lru_cache(maxsize=64)
def _query_of(kind: type[CardMatrix], cards: tuple[int, ...]) -> str:
    """Return what asks for all crosspoints of some cards, row by row, and then for the relays beside them."""
    ends = kind.columns[0], kind.columns[-1]
    spans = [":".join(kind._name(slot, row, end) for end in ends) for slot in cards for row in kind.rows]
    beside = (f"{slot}{relay}" for slot in cards for relay in kind.beside)
    return f"{kind.close_command}? (@{','.join([*spans, *beside])})"


@lru_cache(maxsize=64)
def _names_of(kind: type[CardMatrix], cards: tuple[int, ...]) -> list[str]:
    """Return the names of what `_query_of` asks for."""
    names = [kind._name(*place) for place in product(cards, kind.rows, kind.columns)]
    return names + [f"{slot}{relay}" for slot in cards for relay in kind.beside]


@lru_cache(maxsize=1024)
def _closed_of(kind: type[CardMatrix], cards: tuple[int, ...], reply: str) -> frozenset[str]:
    """Return which of them an answer says are closed."""
    return closed_of(_names_of(kind, cards), reply)


def _value(setting: Setting) -> Expected | None:
    """Return what a setting of a matrix is set to, which is always the same."""
    if callable(setting.value):
        raise TypeError(f"{setting.name} of a matrix depends on nothing")
    return setting.value


def channels(reply: str) -> list[str]:
    """Return what stands in a channel list, with or without its brackets.

    >>> channels("(@00248,01012)"), channels("(@)"), channels("@00248")
    (['00248', '01012'], [], ['00248'])
    """
    text = reply.strip()
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    if not text.startswith("@") or not set("()").isdisjoint(text):
        raise GarbledReply(f"{reply[:60]!r} is no channel list")
    return [each.strip() for each in text[1:].split(",") if each.strip()]


def closed_of(names: Sequence[str], reply: str) -> frozenset[str]:
    """Return which crosspoints are closed, by an answer that has 0 or 1 for each.

    >>> closed_of(["1!1!1", "1!1!2"], "0,1")
    frozenset({'1!1!2'})
    """
    states = fields(reply, len(names))
    return frozenset(
        [name for name, state in zip(names, states, strict=True) if state == "1" or (state != "0" and flag(state))]
    )
