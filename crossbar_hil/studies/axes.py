"""What ``--over`` means: a setting and the values that it takes, typed as a list or as a range."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from crossbar_hil.errors import ConfigError
from crossbar_hil.studies.settings import CHIPS, Key, SettingTable, Value, find_key

MOST_VALUES = 10_000
"""More values of one setting are a slip of the pen."""
SYNTAX = "KEY=LOW..HIGH:COUNT, KEY=LOW..HIGH:COUNTlog or KEY=VALUE,VALUE,..."
_RANGE = re.compile(r"(?P<low>.+?)\.\.(?P<high>.+?):(?P<count>\d+)(?P<log>log)?")
Spacing = Literal["list", "linear", "log", "artanh"]
"""How the values of a setting are spread; a search takes values between them, but not between those of a list."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A setting and the values that it takes, in order."""

    key: Key
    values: tuple[Value, ...]
    spacing: Spacing = "list"

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers; an option of a rule may be a word."""
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)
        return self.key.is_number and numbers

    @classmethod
    def from_record(cls, record: Mapping[str, Any], among: Sequence[SettingTable] = CHIPS) -> Self:
        """Read back `as_record`."""
        key = find_key(f"{record['table']}.{record['name']}", among)
        return cls(key, tuple(key.read(value) for value in record["values"]), record["spacing"])

    def as_record(self) -> dict[str, Any]:
        """Return the axis as a plan holds it."""
        return {"table": self.key.table, "name": self.key.name, "values": list(self.values), "spacing": self.spacing}


def read_axis(text: str, among: Sequence[SettingTable] = CHIPS) -> Axis:
    """Read one ``--over``.

    Parameters
    ----------
    text : str
        Such as ``beta=1e7..1e8:10log``, ``target=0.5,0.8,0.95`` or ``width=1 ms..50 ms:5``.

    Raises
    ------
    ConfigError
        If it cannot be read, or a value is none of its setting.

    Examples
    --------
    >>> read_axis("beta=1e6..4e6:3log").values
    (1000000.0, 2000000.0, 4000000.0)
    """
    name, sign, values = text.partition("=")
    if not sign or not values.strip():
        raise ConfigError(f"--over {text!r} must be {SYNTAX}")
    key = find_key(name, among)
    found = _RANGE.fullmatch(values.strip()) if key.is_number else None
    if found:
        spacing: Spacing = "log" if found["log"] else "linear"
        return Axis(key, _values_between(key, found["low"], found["high"], int(found["count"]), spacing), spacing)
    if key.is_number and ".." in values:
        raise ConfigError(f"--over {text!r}: a range is {key}=LOW..HIGH:COUNT or {key}=LOW..HIGH:COUNTlog")
    listed = tuple(key.read(each.strip()) for each in values.split(","))
    for place, value in enumerate(listed):
        if value in listed[:place]:
            raise ConfigError(f"--over {text!r} names {_as_text(value)} twice")
    return Axis(key, listed)


def read_axes(texts: tuple[str, ...], among: Sequence[SettingTable] = CHIPS) -> tuple[Axis, ...]:
    """Read every ``--over``; no setting may be named twice."""
    axes = tuple(read_axis(text, among) for text in texts)
    keys = [axis.key for axis in axes]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            raise ConfigError(f"--over names {key} twice")
    return axes


def _values_between(key: Key, first: str, last: str, count: int, spacing: Spacing) -> tuple[Value, ...]:
    low, high = (float(key.read(each.strip())) for each in (first, last))
    if not 2 <= count <= MOST_VALUES:
        raise ConfigError(f"--over {key}: a range of {count} values, it must have 2 to {MOST_VALUES}")
    if not low < high:
        raise ConfigError(f"--over {key}: a range from {low:g} to {high:g} must go upwards")
    if spacing == "log" and low <= 0:
        raise ConfigError(f"--over {key}: a logarithmic range starts at {low:g}, it must start above zero")
    shares = [place / (count - 1) for place in range(count)]
    if spacing == "log":
        raw = [math.exp(math.log(low) + share * (math.log(high) - math.log(low))) for share in shares]
    else:
        raw = [low + share * (high - low) for share in shares]
    tidy = [low, *(float(f"{value:.6g}") for value in raw[1:-1]), high]
    for value in tidy:
        try:
            key.read(value)
        except ConfigError:
            raise ConfigError(
                f"--over {key}: {count} values from {low:g} to {high:g} include {value:g}, which is not a whole number"
            ) from None
    return tuple(key.read(value) for value in tidy)


def _as_text(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
