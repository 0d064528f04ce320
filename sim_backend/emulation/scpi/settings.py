"""Commands that set or ask one stored value, declared in one line each.

The value lives in an attribute of an object, which is what the instrument's ``settings(call)`` returns unless `of` says
otherwise; after each change the instrument's ``apply()`` is called.
"""

from collections.abc import Callable
from typing import Any

from . import values
from .messages import Call, Command, Query, Write
from .status import Register, ScpiError

Place = Callable[[Any, Call], object]
"""Where a value lives: a function of the instrument and the call."""


def of_settings(self: Any, call: Call) -> object:
    """Return the object that holds the settings of an instrument, or of the channel that a header names."""
    found: object = self.settings(call)
    return found


def of_instrument(self: Any, call: Call) -> object:  # noqa: ARG001 - a place is a function of both
    """Return the instrument itself, for what ``*RST`` leaves alone."""
    found: object = self
    return found


def _stored(self: Any, place: object, key: str, value: object) -> None:
    setattr(place, key, value)
    self.apply()


def number(
    pattern: str,
    key: str,
    low: float,
    high: float,
    default: float | None = None,
    unit: str = "",
    reply: Callable[[float], str] = values.nr3,
    of: Place = of_settings,
) -> Command:
    """Declare a number between bounds; ``MIN``, ``MAX`` and ``DEF`` are understood both ways."""

    def write(self: Any, call: Call) -> None:
        text = call.expect(1)[0]
        value = values.bounded(text, low, high, default, unit if self.accepts_units else "")
        _stored(self, of(self, call), key, value)

    def query(self: Any, call: Call) -> str:
        if call.expect(0, 1):
            return reply(named_bound(call.arguments[0], low, high, default))
        return reply(getattr(of(self, call), key))

    return Command(pattern, write, query)


def named_bound(text: str, low: float, high: float, default: float | None) -> float:
    """Return what a query such as ``:SOUR:VOLT? MAX`` asks for."""
    if not any(values.matches(text, name) for name in ("MINimum", "MAXimum", "DEFault")):
        raise ScpiError(-224)
    return values.bounded(text, low, high, default)


def integer(
    pattern: str, key: str, low: int, high: int, default: int | None = None, of: Place = of_settings
) -> Command:
    """Declare a whole number between bounds."""

    def write(self: Any, call: Call) -> None:
        _stored(self, of(self, call), key, values.integer(call.expect(1)[0], low, high, default))

    def query(self: Any, call: Call) -> str:
        if call.expect(0, 1):
            return str(round(named_bound(call.arguments[0], low, high, default)))
        return str(getattr(of(self, call), key))

    return Command(pattern, write, query)


def flag(pattern: str, key: str, of: Place = of_settings) -> Command:
    """Declare something that is on or off and answers 1 or 0."""

    def write(self: Any, call: Call) -> None:
        _stored(self, of(self, call), key, values.boolean(call.expect(1)[0]))

    return Command(pattern, write, _asked(key, of, lambda value: str(int(value))))


def choice(pattern: str, key: str, *names: str, of: Place = of_settings) -> Command:
    """Declare one of several names, which answers in its short form."""

    def write(self: Any, call: Call) -> None:
        _stored(self, of(self, call), key, values.choice(call.expect(1)[0], names))

    return Command(pattern, write, _asked(key, of, str))


def choices(pattern: str, key: str, *names: str, of: Place = of_settings) -> Command:
    """Declare a list of names, stored in their short forms with commas between."""

    def write(self: Any, call: Call) -> None:
        found = [values.choice(text, names) for text in call.expect(1, len(names))]
        _stored(self, of(self, call), key, ",".join(dict.fromkeys(found)))

    return Command(pattern, write, _asked(key, of, str))


def text(pattern: str, key: str, longest: int, of: Place = of_settings) -> Command:
    """Declare a quoted text; one that is too long is error -223."""

    def write(self: Any, call: Call) -> None:
        value = values.string(call.expect(1)[0])
        if len(value) > longest:
            raise ScpiError(-223)
        _stored(self, of(self, call), key, value)

    return Command(pattern, write, _asked(key, of, lambda value: values.quoted(str(value))))


def action(pattern: str, act: Callable[[Any], object] = lambda _: None) -> Command:
    """Declare a command without arguments; by default one that has nothing to do here."""

    def write(self: Any, call: Call) -> None:
        call.expect(0)
        act(self)

    return Command(pattern, write)


def constant(pattern: str, answer: str) -> Command:
    """Declare a query that always answers the same."""

    def query(_: Any, call: Call) -> str:
        call.expect(0)
        return answer

    return Command(pattern, query=query)


def _asked(key: str, of: Place, reply: Callable[[Any], str]) -> Query:
    def query(self: Any, call: Call) -> str:
        call.expect(0)
        return reply(getattr(of(self, call), key))

    return query


def register(pattern: str, key: str, transitions: bool = False) -> tuple[Command, ...]:
    """Declare the event, condition and enable commands of a status register, an attribute of the instrument.

    With `transitions` its filters of rising and falling conditions too.
    """

    def of(self: Any) -> Register:
        found: Register = getattr(self, key)
        return found

    def mask(name: str) -> tuple[Write, Query]:
        def write(self: Any, call: Call) -> None:
            setattr(of(self), name, values.integer(call.expect(1)[0], 0, 65535))

        return write, lambda self, _: self.register_text(getattr(of(self), name))

    filters = (
        Command(f"{pattern}:PTRansition", *mask("rising")),
        Command(f"{pattern}:NTRansition", *mask("falling")),
    )
    return (
        Command(f"{pattern}[:EVENt]", query=lambda self, _: self.register_text(of(self).take())),
        Command(f"{pattern}:CONDition", query=lambda self, _: self.register_text(of(self).condition)),
        Command(f"{pattern}:ENABle", *mask("enable")),
        *(filters if transitions else ()),
    )
