"""Commands that set or ask one stored value, declared in one line each.

The value lives in an attribute of an object, which is what the instrument's ``settings(call)`` returns unless `of` says
otherwise; after each change the instrument's ``apply()`` is called.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from . import values
from .kinds import Kind
from .messages import Answer, Call, Command, Query, Write
from .status import Register

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
        place = of(self, call)
        if getattr(place, key) != value:
            setattr(place, key, value)
            self.apply()

    return kind.command(pattern, store, lambda self, call: getattr(of(self, call), key))


def attributes(table: Mapping[str, tuple[str, Kind]], of: Place = of_settings) -> tuple[Command, ...]:
    """Declare values that live in attributes of one object: for each header the attribute and its kind."""
    return tuple(attribute(pattern, key, kind, of) for pattern, (key, kind) in table.items())


def action(pattern: str, act: Callable[[Any], object] = lambda _: None) -> Command:
    """Declare a command without arguments; by default one that has nothing to do here."""

    def write(self: Any, call: Call) -> None:
        call.expect(0)
        act(self)

    return Command(pattern, write, samples=("",))


def channel_action(pattern: str, act: Callable[[Any, Call], object]) -> Command:
    """Declare a command without arguments that needs the suffixes of its header."""

    def write(self: Any, call: Call) -> None:
        call.expect(0)
        act(self, call)

    return Command(pattern, write, samples=("",))


def query(pattern: str, answer: Callable[[Any, Call], Answer]) -> Command:
    """Declare a query without arguments."""

    def ask(self: Any, call: Call) -> Answer:
        call.expect(0)
        return answer(self, call)

    return Command(pattern, query=ask)


def registers(*names: str) -> tuple[Command, ...]:
    """Declare the commands of status registers, attributes of the instrument named in small letters."""

    def shown(key: str, value: Callable[[Register], int]) -> Query:
        return lambda self, _: self.register_text(value(getattr(self, key)))

    def enable(key: str) -> Write:
        def write(self: Any, call: Call) -> None:
            getattr(self, key).enable = values.integer(call.expect(1)[0], 0, 65535)

        return write

    return tuple(
        command
        for node, key in ((f":STATus:{name}", name.lower()) for name in names)
        for command in (
            Command(f"{node}[:EVENt]", query=shown(key, Register.take)),
            Command(f"{node}:CONDition", query=shown(key, attrgetter("condition"))),
            Command(f"{node}:ENABle", enable(key), shown(key, attrgetter("enable")), ("0", "1", "65535")),
        )
    )
