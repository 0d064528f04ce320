"""Commands that set or ask one stored value, declared in one line each.

The value lives in an attribute of the object that the instrument's ``settings(call)`` returns; after each change the
instrument's ``apply()`` is called.
"""

from collections.abc import Callable
from typing import Any

from . import scpi_values as values
from .scpi import Call, Command
from .scpi_status import Register, ScpiError


def _stored(self: Any, call: Call, key: str, value: object) -> None:
    setattr(self.settings(call), key, value)
    self.apply()


def number(
    pattern: str,
    key: str,
    low: float,
    high: float,
    default: float | None = None,
    unit: str = "",
    reply: Callable[[float], str] = values.nr3,
) -> Command:
    """Declare a number between bounds; ``MIN``, ``MAX`` and ``DEF`` are understood both ways."""

    def write(self: Any, call: Call) -> None:
        text = call.expect(1)[0]
        _stored(self, call, key, values.bounded(text, low, high, default, unit if self.accepts_units else ""))

    def query(self: Any, call: Call) -> str:
        if call.expect(0, 1):
            return reply(named_bound(call.arguments[0], low, high, default))
        return reply(getattr(self.settings(call), key))

    return Command(pattern, write, query)


def named_bound(text: str, low: float, high: float, default: float | None) -> float:
    """Return what a query such as ``:SOUR:VOLT? MAX`` asks for."""
    if not any(values.matches(text, name) for name in ("MINimum", "MAXimum", "DEFault")):
        raise ScpiError(-224)
    return values.bounded(text, low, high, default)


def integer(pattern: str, key: str, low: int, high: int, default: int | None = None) -> Command:
    """Declare a whole number between bounds."""

    def write(self: Any, call: Call) -> None:
        _stored(self, call, key, values.integer(call.expect(1)[0], low, high, default))

    def query(self: Any, call: Call) -> str:
        if call.expect(0, 1):
            return str(round(named_bound(call.arguments[0], low, high, default)))
        return str(getattr(self.settings(call), key))

    return Command(pattern, write, query)


def flag(pattern: str, key: str) -> Command:
    """Declare something that is on or off and answers 1 or 0."""

    def write(self: Any, call: Call) -> None:
        _stored(self, call, key, values.boolean(call.expect(1)[0]))

    def query(self: Any, call: Call) -> str:
        call.expect(0)
        return str(int(getattr(self.settings(call), key)))

    return Command(pattern, write, query)


def choice(pattern: str, key: str, *names: str) -> Command:
    """Declare one of several names, which answers in its short form."""

    def write(self: Any, call: Call) -> None:
        _stored(self, call, key, values.choice(call.expect(1)[0], names))

    def query(self: Any, call: Call) -> str:
        call.expect(0)
        return str(getattr(self.settings(call), key))

    return Command(pattern, write, query)


def register(pattern: str, key: str) -> tuple[Command, ...]:
    """Declare the event, condition and enable commands of a status register, an attribute of the instrument."""

    def of(self: Any) -> Register:
        found: Register = getattr(self, key)
        return found

    def enable(self: Any, call: Call) -> None:
        of(self).enable = values.integer(call.expect(1)[0], 0, 65535)

    return (
        Command(f"{pattern}[:EVENt]", query=lambda self, _: str(of(self).take())),
        Command(f"{pattern}:CONDition", query=lambda self, _: str(of(self).condition)),
        Command(f"{pattern}:ENABle", write=enable, query=lambda self, _: str(of(self).enable)),
    )
