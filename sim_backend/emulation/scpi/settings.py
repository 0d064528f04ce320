"""Commands that set or ask one stored value, declared in one line each.

The value lives in an attribute of an object, which is what the instrument's ``settings(call)`` returns unless `of` says
otherwise; after each change the instrument's ``apply()`` is called.
"""

from collections.abc import Callable
from typing import Any

from . import kinds, values
from .kinds import Kind
from .messages import Call, Command, Query, Write
from .status import Register

named_bound = values.named_bound
Place = Callable[[Any, Call], Any]
"""Where a value lives: a function of the instrument and the call."""


def of_settings(self: Any, call: Call) -> Any:
    """Return the object that holds the settings of an instrument, or of the channel that a header names."""
    return self.settings(call)


def of_instrument(self: Any, call: Call) -> Any:  # noqa: ARG001 - a place is a function of both
    """Return the instrument itself, for what ``*RST`` leaves alone."""
    return self


def attribute(pattern: str, key: str, kind: Kind, of: Place = of_settings) -> Command:
    """Declare a value of some kind that lives in an attribute."""

    def store(self: Any, call: Call, value: object) -> None:
        setattr(of(self, call), key, value)
        self.apply()

    return kind.command(pattern, store, lambda self, call: getattr(of(self, call), key))


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
    return attribute(pattern, key, kinds.number(low, high, default, unit, reply), of)


def integer(
    pattern: str, key: str, low: int, high: int, default: int | None = None, of: Place = of_settings
) -> Command:
    """Declare a whole number between bounds."""
    return attribute(pattern, key, kinds.integer(low, high, default), of)


def flag(pattern: str, key: str, of: Place = of_settings) -> Command:
    """Declare something that is on or off and answers 1 or 0."""
    return attribute(pattern, key, kinds.FLAG, of)


def choice(pattern: str, key: str, *names: str, of: Place = of_settings) -> Command:
    """Declare one of several names, which answers in its short form."""
    return attribute(pattern, key, kinds.choice(*names), of)


def choices(pattern: str, key: str, *names: str, of: Place = of_settings) -> Command:
    """Declare a list of names, stored in their short forms with commas between."""
    return attribute(pattern, key, kinds.choices(*names), of)


def text(pattern: str, key: str, longest: int, of: Place = of_settings) -> Command:
    """Declare a quoted text; one that is too long is error -223."""
    return attribute(pattern, key, kinds.text(longest), of)


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
