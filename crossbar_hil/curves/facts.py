"""What stands above a table as "name: value", and what a column says that does not change."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from .columns import Columns, label
from .files.names import LONGEST, Name, read_name
from .files.numbers import number
from .files.options import Options
from .files.questions import Asker
from .files.tables import Layout
from .files.units import unit
from .rows import Rows

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


def _pulse_width(facts: Iterable[Fact]) -> float | None:
    """Return the width of the pulses, in seconds, if exactly one is named."""
    own = [fact for fact in facts if fact.name.quantity == "time" and fact.name.width and fact.si]
    found = {fact.si for fact in own if fact.name.writing} or {fact.si for fact in own}
    return found.pop() if len(found) == 1 else None


def _pulse_voltage(facts: Iterable[Fact], sign: int) -> float | None:
    """Return the height of the pulses of one sign, in volts, if exactly one is named."""
    found = {
        fact.si
        for fact in facts
        if fact.name.quantity == "voltage" and fact.name.writing and not fact.name.reading and fact.si
        if fact.si * sign > 0
    }
    return found.pop() if len(found) == 1 else None


def pulse_of(
    way: str, layout: Layout, columns: Columns, rows: Rows, facts: list[Fact], options: Options, ask: Asker
) -> tuple[float | None, float | None]:
    """Return height and width of the pulse of a way as options, rows, columns or header block say it."""
    sign = 1 if way == "up" else -1
    amplitude, width = told_pulse(way, options)
    if amplitude is None and (options.up is not None or options.down is not None):
        return None, None  # the file called these readings otherwise, so its pulses are not theirs
    if amplitude is None:
        between = {abs(v) for v in rows.pulses if v is not None and v * sign > 0}
        amplitude = sign * between.pop() if len(between) == 1 else None
    amplitude = amplitude if amplitude is not None else _constant(layout, columns, rows, "voltage", sign, ask)
    amplitude = amplitude if amplitude is not None else _pulse_voltage(facts, sign)
    width = width if width is not None else _constant(layout, columns, rows, "time", 1, ask)
    width = width if width is not None else _pulse_width(facts)
    return amplitude, width


def told_pulse(way: str, options: Options) -> tuple[float | None, float | None]:
    """Return height and width of the pulse of a way as options say it."""
    if way == "up":
        return options.amplitude, options.width
    return options.depress_amplitude, options.depress_width if options.depress_width is not None else options.width


def _constant(layout: Layout, columns: Columns, rows: Rows, quantity: str, sign: int, ask: Asker) -> float | None:
    """Return the one value of a column of pulse heights or widths, in SI units, if its unit is known."""
    for place, name in enumerate(columns.names):
        about_pulses = (name.writing and not name.reading) if quantity == "voltage" else name.width
        if name.quantity != quantity or name.unit is None or not about_pulses or not layout.numeric[place]:
            continue
        column = layout.column(place)
        found = {column[row] for row in rows.kept}
        if quantity == "time" and len(found - {None, 0.0}) > 1:
            raise ask.question(
                f"the pulses of column {label(layout, place)} are of several widths, and a curve is one of equal "
                f"pulses; take a part by {ask.command(lines=(layout.rows[0].line, layout.rows[-1].line // 2))}"
            )
        own = {each for each in found if each is not None and each * sign > 0}
        if len(own) == 1:
            return own.pop() * name.unit.factor
    return None
