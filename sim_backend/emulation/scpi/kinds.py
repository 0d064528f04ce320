"""Types of the values that commands set and ask: how parameters are read, and how a value is answered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import values
from .messages import Call, Command
from .status import ScpiError

Store = Callable[[Any, Any, Any], object]
"""Takes an instrument, a call and a value that was set."""
Value = Callable[[Any, Any], Any]
"""Returns the value of an instrument that a call asks for."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of value."""

    read: Callable[[list[str], bool], Any] | None
    """Makes a value of the parameters; the second argument says whether numbers may carry units. None: only asked."""
    answer: Callable[[Any], str] | None = str
    """Writes a value. None: only set."""
    least: int = 1
    most: int = 1
    """How many parameters there are."""
    default: Any = None
    named: Callable[[str], str] | None = None
    """What a query with ``MIN``, ``MAX`` or ``DEF`` answers; without it a query has no parameter."""
    samples: tuple[str, ...] = ()
    """Some parameters that are accepted, as they are sent: all of them where there are few."""

    def command(self, pattern: str, store: Store, value: Value) -> Command:
        """Return the command of one header, whose values are set by `store` and found by `value`."""

        def write(instrument: Any, call: Call) -> None:
            store(instrument, call, self.value(call.expect(self.least, self.most), instrument.accepts_units))

        def query(instrument: Any, call: Call) -> str:
            if call.expect(0, 1 if self.named else 0) and self.named:
                return self.named(call.arguments[0])
            return self.text(value(instrument, call))

        return Command(pattern, write if self.read else None, query if self.answer else None, self.samples)

    def addressed(
        self, pattern: str, place: int, store: Store, value: Value, addresses: tuple[str, ...] = ()
    ) -> Command:
        """Return the command of one header of which a parameter says where: a card, or a list of channels.

        It stands at a `place` among them (0: first, -1: last), and goes to `store` and `value` instead of the call;
        `addresses` are some that are accepted.
        """

        def write(instrument: Any, call: Call) -> None:
            texts = list(call.expect(self.least + 1, self.most + 1))
            where = texts.pop(place)
            store(instrument, where, self.value(texts, instrument.accepts_units))

        def query(instrument: Any, call: Call) -> str:
            return self.text(value(instrument, call.expect(1)[place]))

        samples = [
            f"{where},{each}" if place == 0 else f"{each},{where}" for where in addresses for each in self.samples
        ]
        return Command(pattern, write, query, tuple(samples))

    def value(self, texts: list[str], units: bool) -> Any:
        """Return the value that parameters make."""
        return self.read(texts, units) if self.read else None

    def text(self, value: Any) -> str:
        """Return how a value is answered."""
        return self.answer(value) if self.answer else ""


def number(
    low: float,
    high: float,
    default: float | None = None,
    unit: str = "",
    reply: Callable[[float], str] = values.nr3,
) -> Kind:
    """Return a number between bounds; ``MIN``, ``MAX`` and ``DEF`` are understood both ways."""
    return Kind(
        lambda texts, units: values.within(texts[0], low, high, default, unit if units else ""),
        reply,
        default=default,
        named=lambda text: reply(values.named_bound(text, low, high, default)),
        samples=_numbers(low, high),
    )


def _numbers(low: float, high: float) -> tuple[str, ...]:
    """Return the two ends of an interval, and a number between them: a tenth of the way up."""
    return f"{low:.9g}", f"{low + (high - low) / 10:.9g}", f"{high:.9g}"


def integer(low: int, high: int, default: int | None = None) -> Kind:
    """Return a whole number between bounds; ``MIN``, ``MAX`` and ``DEF`` are understood both ways."""
    return Kind(
        lambda texts, _: values.integer(texts[0], low, high, default),
        default=default,
        named=lambda text: str(round(values.named_bound(text, low, high, default))),
        samples=(str(low), str(low + (high - low + 9) // 10), str(high)),
    )


FLAG = Kind(lambda texts, _: values.boolean(texts[0]), lambda on: str(int(on)), default=False, samples=("0", "1"))
"""On or off, answered as 1 or 0."""


def choice(*names: str) -> Kind:
    """Return one of several names, in its short form; the first by default."""
    short = tuple(map(values.short, names))
    return Kind(lambda texts, _: values.choice(texts[0], names), default=short[0], samples=short)


def choices(*names: str) -> Kind:
    """Return a list of names in their short forms, in the order in which they were given."""
    return Kind(
        lambda texts, _: ",".join(dict.fromkeys(values.choice(text, names) for text in texts)),
        most=len(names),
        default=values.short(names[0]),
        samples=_some_of(names),
    )


def in_order(*names: str) -> Kind:
    """Return a tuple of names in their short forms, in the order of `names` whatever that of the parameters."""

    def read(texts: list[str], _: bool) -> tuple[str, ...]:
        wanted = {values.choice(text, names) for text in texts}
        return tuple(name for name in map(values.short, names) if name in wanted)

    return Kind(read, ",".join, most=len(names), samples=_some_of(names))


def _some_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return each name by itself, and all of them."""
    short = tuple(map(values.short, names))
    return *short, ",".join(short)


def text(longest: int) -> Kind:
    """Return a quoted text; one that is too long is error -223."""

    def read(texts: list[str], _: bool) -> str:
        found = values.string(texts[0])
        if len(found) > longest:
            raise ScpiError(-223)
        return found

    return Kind(read, values.quote_string, default="", samples=("''", "'A'"))


def tone(low_hz: float, high_hz: float, shortest_s: float, longest_s: float) -> Kind:
    """Return frequency and duration of a beep, which are only set."""
    return Kind(
        lambda texts, _: (values.within(texts[0], low_hz, high_hz), values.within(texts[1], shortest_s, longest_s)),
        answer=None,
        least=2,
        most=2,
        samples=(f"{low_hz:g},{shortest_s:g}",),
    )


ACTION = Kind(lambda *_: None, answer=None, least=0, most=0, samples=("",))
"""What takes no parameter and has nothing to do here."""
CONSTANT = Kind(None)
"""A query that always answers the same."""
