"""Conditions that a person types to choose runs, such as ``epochs<20``: a field, a sign and a value, nothing more."""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Self

from crossbar_hil.errors import ConfigError
from crossbar_hil.plugins import nearest
from crossbar_hil.quantities import share
from crossbar_hil.runs.many.listing import FIELDS, Row, in_order

_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_SHAPE = re.compile(rf"\s*(\w+)\s*({'|'.join(['==', *_SIGNS])})\s*(.*?)\s*", re.DOTALL)
NUMBERS = ("epochs", "pulses", "error", "accuracy", "seed")
"""Fields that are compared as numbers; all others are text, of which a time reads like 2026-11-30T08:43."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a field of a run must be; a run that has none fits ``!=`` alone."""

    field: str
    sign: str
    value: float | str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a condition.

        Raises
        ------
        ConfigError
            If it is none, names an unknown field, or compares a number with what is none.

        Examples
        --------
        >>> Condition.parse("epochs < 20")
        Condition(field='epochs', sign='<', value=20.0)
        """
        found = _SHAPE.fullmatch(text)
        if found is None:
            raise ConfigError(f"{text!r} is no condition, such as 'epochs<20', 'bench=emulated' or 'label=wafer 3*'")
        field, sign, value = found[1], found[2].replace("==", "="), found[3]
        check_field(field)
        if field not in NUMBERS:
            return cls(field, sign, value)
        number = math.nan
        with suppress(ConfigError):
            number = share(value)
        if math.isnan(number):
            raise ConfigError(f"{text!r}: {field} is a number, and {value!r} is none")
        return cls(field, sign, number)

    def fits(self, fields: Mapping[str, Any]) -> bool:
        """Say whether a run has such a value; text may have * and ? for any letters, and case does not matter."""
        found = fields[self.field]
        if found is None or isinstance(self.value, str) != isinstance(found, str):
            return self.sign == "!="
        if isinstance(self.value, float):
            return _SIGNS[self.sign](found, self.value)
        text, wanted = found.casefold(), self.value.casefold()
        if self.sign in {"=", "!="}:
            return fnmatchcase(text, wanted) == (self.sign == "=")
        return _SIGNS[self.sign](text, wanted)


def check_field(name: str) -> None:
    """Refuse a field that runs do not have.

    Raises
    ------
    ConfigError
        Naming those that they have.
    """
    if name not in FIELDS:
        raise ConfigError(f"runs have no field {name!r}; known are {', '.join(FIELDS)}{nearest(name, list(FIELDS))}")


def sorted_by(rows: Iterable[Row], field: str) -> list[Row]:
    """Return runs in the order of a field, ``-field`` for the largest first; those that have none come last.

    Raises
    ------
    ConfigError
        If there is no such field.
    """
    name = field.removeprefix("-")
    check_field(name)
    return in_order(rows, lambda row: row.fields[name], down=field.startswith("-"))
