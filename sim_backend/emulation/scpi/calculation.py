"""Named expressions on readings: what ``:CALCulate:MATH`` of a Keithley 2400 and of a Keysight B2900 have in common.

Four expressions are built in (Keithley 2400 user's manual, page 18-29; B2900 SCPI command reference, ``:CALC:MATH``):
the product of voltage and current, and three on the latest two readings. A user may add some. Array indices are not
emulated.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import expression, kinds, values
from . import settings as setting
from .kinds import Kind
from .messages import Call, Command
from .reading import quotient
from .status import ScpiError
from .values import OVERFLOW

BUILT_IN = ("POWER", "OFFCOMPOHM", "VOLTCOEF", "VARALPHA")
FIRST_OF_USER = "MATH1"
VARIABLES = ("VOLT", "CURR", "RES", "TIME")
LONGEST_UNIT = 3


@dataclass
class Mathematics:
    """The expression in use, and those of the user."""

    most: int = 5
    """Expressions that a user may add (Keithley 2400 user's manual, page 18-27)."""
    name: str = "POWER"
    user: dict[str, str] = field(default_factory=dict)
    """Text of each expression of the user."""
    units: str = "W"
    on: bool = False

    def select(self, name: str) -> None:
        """Choose an expression by its name, and make one if there is none of it; -223 if there is no room."""
        if name not in BUILT_IN and name not in self.user:
            if len(self.user) >= self.most:
                raise ScpiError(-223)
            self.user[name] = "(VOLT)"
        self.name = name

    def define(self, text: str) -> None:
        """Give the expression in use another text; a built-in one stays, and the first of the user is taken."""
        expression.evaluate(expression.parse(text), dict.fromkeys(VARIABLES, 1.0))
        if self.name in BUILT_IN:
            self.select(FIRST_OF_USER)
        self.user[self.name] = text

    def delete(self, name: str) -> None:
        """Forget an expression of the user; -224 if there is none of that name."""
        if self.user.pop(name, None) is None:
            raise ScpiError(-224)
        if self.name == name:
            self.name = BUILT_IN[0]

    def delete_all(self) -> None:
        """Forget all expressions of the user."""
        self.user.clear()
        self.name = BUILT_IN[0]

    def result(self, before: Mapping[str, float], now: Mapping[str, float]) -> float:
        """Return what the expression makes of a reading and the one before it."""
        if self.name in self.user:
            return expression.evaluate(expression.parse(self.user[self.name]), {name: now[name] for name in VARIABLES})
        if self.name == "POWER":
            return now["VOLT"] * now["CURR"]
        return _of_pair(self.name, before, now)


def _of_pair(name: str, before: Mapping[str, float], now: Mapping[str, float]) -> float:
    """Return one of the built-in expressions on two readings."""
    try:
        if name == "OFFCOMPOHM":
            return quotient(now["VOLT"] - before["VOLT"], now["CURR"] - before["CURR"])
        if name == "VOLTCOEF":
            first, second = before["VOLT"] / before["CURR"], now["VOLT"] / now["CURR"]
            return (second - first) / (second * (now["VOLT"] - before["VOLT"])) * 100
        return math.log(now["CURR"] / before["CURR"]) / math.log(now["VOLT"] / before["VOLT"])
    except (ArithmeticError, ValueError):
        return OVERFLOW


def commands(header: str, of: Callable[[Any, Call], Mathematics]) -> tuple[Command, ...]:
    """Declare the commands of the expressions; `of` finds the `Mathematics`."""

    def defined(self: Any, call: Call) -> str:
        mathematics = of(self, call)
        return mathematics.user.get(mathematics.name, values.quoted(mathematics.name))

    def catalog(self: Any, call: Call) -> str:
        return ",".join(map(values.quoted, (*BUILT_IN, *of(self, call).user)))

    name = Kind(lambda texts, _: values.string(texts[0]).upper(), values.quoted)
    expressions = f"{header}[:EXPRession]"
    return (
        Command(f"{expressions}[:DEFine]", lambda self, call: of(self, call).define(call.expect(1)[0])),
        setting.query(f"{expressions}[:DEFine]", defined),
        setting.query(f"{expressions}:CATalog", catalog),
        name.command(
            f"{expressions}:NAME",
            lambda self, call, text: of(self, call).select(text),
            lambda self, call: of(self, call).name,
        ),
        replace(name, answer=None).command(
            f"{expressions}:DELete[:SELected]", lambda self, call, text: of(self, call).delete(text), of
        ),
        setting.channel_action(f"{expressions}:DELete:ALL", lambda self, call: of(self, call).delete_all()),
        setting.attribute(f"{header}:UNITs", "units", kinds.text(LONGEST_UNIT), of),
    )
