"""What stands above a table as "name: value", and what a column says that does not change."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from .files.names import LONGEST, Name, read_name
from .files.numbers import number
from .files.tables import Layout
from .files.units import unit

_FACT = re.compile(r"(.+?)\s*[:=]\s*([+-]?[\d.,]+(?:[eE][+-]?\d+)?)\s*([^\d\s].*)?")
_APART = re.compile(r"(.*[^\d\s.,:=].*?)\s+([+-]?[\d.,]+(?:[eE][+-]?\d+)?)\s*([^\d\s]*)")


class Fact(NamedTuple):
    """A number with a name, in SI units; None where the unit is not said."""

    name: Name
    value: float
    si: float | None


def facts_of(layout: Layout) -> list[Fact]:
    """Return the numbers with a name that stand above a table.

    They are voltages, widths and the like, as instruments write them in a header block.
    """
    found = [_fact(line, layout.decimal) for line in layout.preamble if len(line) <= LONGEST]
    return [fact for fact in found if fact is not None]


def _fact(line: str, decimal: str) -> Fact | None:
    found = _FACT.fullmatch(line.strip()) or _APART.fullmatch(line.strip())
    if not found:
        return None
    value = number(found[2], decimal)
    if value is None:
        return None
    name = read_name(found[1])
    own = unit(found[3].strip(), name.quantity) if found[3] else name.unit
    if found[3] and own is None:
        own = unit(found[3].strip())
    if own is not None:
        name = name._replace(quantity=own.quantity, unit=own)
    return Fact(name, value, None if own is None else value * own.factor)


def read_voltage(facts: Iterable[Fact]) -> float | None:
    """Return the voltage of the reads, in volts, if exactly one is named."""
    found = {
        fact.si for fact in facts if fact.name.quantity == "voltage" and fact.name.reading and not fact.name.writing
    }
    return found.pop() if len(found) == 1 else None


def pulse_width(facts: Iterable[Fact]) -> float | None:
    """Return the width of the pulses, in seconds, if exactly one is named."""
    own = [fact for fact in facts if fact.name.quantity == "time" and fact.name.width and fact.si]
    found = {fact.si for fact in own if fact.name.writing} or {fact.si for fact in own}
    return found.pop() if len(found) == 1 else None


def pulse_voltage(facts: Iterable[Fact], sign: int) -> float | None:
    """Return the height of the pulses of one sign, in volts, if exactly one is named."""
    found = {
        fact.si
        for fact in facts
        if fact.name.quantity == "voltage" and fact.name.writing and not fact.name.reading and fact.si
        if fact.si * sign > 0
    }
    return found.pop() if len(found) == 1 else None
