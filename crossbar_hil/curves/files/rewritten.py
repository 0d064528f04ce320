"""Rows that programs write in ways of their own, as plain rows: tags before each line, units in the cells."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .names import read_name
from .numbers import number
from .tables import Layout, Problem, Row
from .units import Unit, unit

_WITH_UNIT = re.compile(r"([+-]?[\d.,]+(?:[eE][+-]?\d+)?)\s*([^\d\s.,+-].*)")
_NAMES, _VALUES = "DataName", "DataValue"
"""First cells of the lines of a table that EasyEXPERT (Keysight's program of the B1500A) exports."""


def without_tags(rows: Sequence[Row]) -> tuple[Sequence[Row], list[Row]]:
    """Return the table of an export of EasyEXPERT, whose lines begin with what they are, and the lines around it.

    Other rows are returned as they are.
    """
    if not any(row.cells and row.cells[0] == _NAMES for row in rows):
        return rows, []
    held = [row for row in rows if row.cells and row.cells[0] in {_NAMES, _VALUES}]
    return [Row(row.line, row.cells[1:]) for row in held], [row for row in rows if row.cells and row not in held]


def without_units(rows: Sequence[Row], decimal: str) -> tuple[Sequence[Row], dict[int, tuple[str, int]]]:
    """Return rows whose numbers stand without the units that the file writes behind each, in the unit of the first.

    And the unit of each column that had them, with the line of the first.
    """
    found: dict[int, tuple[Unit, int]] = {}
    changed: dict[tuple[int, int], float] = {}
    for at, row in enumerate(rows):
        for place, cell in enumerate(row.cells):
            parts = _WITH_UNIT.fullmatch(cell) if isinstance(cell, str) else None
            own = unit(parts[2]) if parts else None
            value = number(parts[1], decimal) if parts else None
            if own is None or value is None:
                continue
            first = found.setdefault(place, (own, row.line))[0]
            if own.quantity == first.quantity:
                times = own.factor / first.factor
                changed[at, place] = value if times == 1 else float(f"{value * times:.15g}")
    kept = {}
    for place, (own, line) in found.items():
        many = sum(1 for _, each in changed if each == place)
        after = [row for row in rows if row.line >= line and place < len(row.cells) and row.cells[place] != ""]
        if many > 1 and many == len(after):
            kept[place] = own.text, line
    if not kept:
        return rows, {}
    changed = {key: value for key, value in changed.items() if key[1] in kept}
    told = [
        Row(row.line, tuple(changed.get((at, place), cell) for place, cell in enumerate(row.cells)))
        for at, row in enumerate(rows)
    ]
    return told, kept


def with_units(layout: Layout, units: Mapping[int, tuple[str, int]]) -> Layout:
    """Return a table whose names carry the units of its cells; one that the header contradicts is a problem."""
    names, problems = list(layout.names), list(layout.problems)
    for place, (text, line) in units.items():
        if place >= len(names):
            continue
        named, told = read_name(names[place]).unit, unit(text)
        if named is None:
            names[place] = f"{names[place]} ({text})".strip()
        elif told is None or (named.quantity, named.factor) != (told.quantity, told.factor):
            problems.append(Problem(line, f"the cell is in {text}, its column {names[place]!r} in {named.text}"))
    return replace(layout, names=tuple(names), problems=tuple(problems))
