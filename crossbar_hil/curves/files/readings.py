"""Every way of reading a text as a table, by separator and decimal sign, and the one that remains."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .decoding import Line
from .names import read_name
from .numbers import Cell, certainly_grouped, is_comment, may_be_grouped, without_groups, without_plain_groups
from .options import SEPARATORS, Options
from .questions import Asker
from .rewritten import with_units, without_tags, without_units
from .tables import NUMBERS_ONLY, Layout, Problem, Row, counts_up, lay_out, longest_block
from .units import unit

MOST_EMPTY = 10
"""Empty lines up to which a sentence offers to pass over them."""

_BARE = re.compile(r"[\w.+-]*", re.ASCII)
"""A cell without blanks, quotes and signs that group thousands."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A table and how it was read."""

    separator: str
    """A key of `SEPARATORS`, or ``cells`` of a spreadsheet."""
    layout: Layout


def read_table(lines: Sequence[Line], options: Options, ask: Asker) -> Reading:
    """Return the one table that a text can be.

    Raises
    ------
    DataError
        If it is none, with the line that breaks it, or may be two with other numbers, with the option that settles it.
    """
    comments = [line for line in lines if is_comment(line)]
    plain = [line for line in lines if not is_comment(line)]
    if not any(line.text.strip() for line in plain):
        raise ask.refusal("holds no data")
    return _chosen(_all(plain, comments, options), options, ask, lambda told: _all(_kept(plain, told), comments, told))


def read_cells(rows: Sequence[Row], options: Options, ask: Asker) -> Reading:
    """Return the one table that the cells of a workbook can be, or raise as `read_table` does.

    Text among them may be numbers of either decimal sign.
    """

    def every(told: Options) -> list[Reading]:
        signs = (".", ",") if told.decimal is None else (told.decimal,)
        kept = [row for row in rows if row.line not in told.leave_out or any(cell != "" for cell in row.cells)]
        kept = [row for row in kept if told.lines is None or row.line <= told.lines[1]]
        return [_of_rows("cells", kept, [], sign, told) for sign in signs]

    return _chosen(every(options), options, ask, every)


def _kept(plain: Sequence[Line], options: Options) -> list[Line]:
    """Leave empty lines away that a person left out."""
    last = options.lines[1] if options.lines else None
    return [
        line
        for line in plain
        if (line.text.strip() or line.number not in options.leave_out) and (last is None or line.number <= last)
    ]


def _chosen(
    found: Sequence[Reading], options: Options, ask: Asker, again: Callable[[Options], Sequence[Reading]]
) -> Reading:
    """Return the one reading that remains, or refuse, with the options under which `again` finds one."""
    found = [reading for reading in found if reading.layout.rows]
    if not found:
        raise ask.refusal("holds no numbers")
    sound = [reading for reading in found if not reading.layout.problems]
    whole = [reading for reading in sound if not _is_torn(reading.layout)]
    if not whole and any(_worth(each.layout) > _worth(other.layout) for each in found for other in sound):
        sound = []  # numbers read as text, so that a line that breaks the table does not break it
    if not sound:
        best = max(found, key=lambda reading: _worth(reading.layout))
        problem = min(best.layout.problems)
        raise ask.refused_line(problem.line, problem.text + _way_out(best.layout, problem, options, ask, again))
    sound = whole or sound
    if any(_numbers_its_rows(reading.layout) for reading in sound):
        sound = [reading for reading in sound if not reading.layout.header_text]  # a header that another divides
    sound = [reading for reading in sound if not any(_holds_more(other.layout, reading.layout) for other in sound)]
    different: list[Reading] = []
    for reading in sound:
        if all(reading.layout.numbers() != other.layout.numbers() for other in different):
            different.append(reading)
    if len(different) > 1:
        _ask_which(different, options, ask)
    _check_grouping(different[0], options, ask)
    return different[0]


def _way_out(
    layout: Layout, problem: Problem, options: Options, ask: Asker, again: Callable[[Options], Sequence[Reading]]
) -> str:
    """Return the end of a sentence that names the options which settle a broken table; empty if none is found."""
    empty = tuple(row.line for row in layout.rows if not row.cells)
    block = longest_block(layout)
    ways: list[tuple[str, dict[str, Any]]] = []
    if problem.line in empty and len(empty) <= MOST_EMPTY:
        ways.append(("if nothing is missing there, say so by", {"leave_out": (*options.leave_out, *empty)}))
    if block is not None and options.lines is None:
        ways.append((f"line {block[0]} to {block[1]} are taken by", {"lines": block}))
    for said, more in ways:
        if any(each.layout.rows and not each.layout.problems for each in again(replace(options, **more))):
            return f"; {said} {ask.command(**more)}"
    return ""


def _numbers_its_rows(layout: Layout) -> bool:
    """Say whether a column that is called a count of pulses counts, which numbers torn from others do not."""
    return any(
        layout.numeric[place] and read_name(name).counts and counts_up(layout.column(place))
        for place, name in enumerate(layout.names)
    )


def _all(plain: Sequence[Line], comments: Sequence[Line], options: Options) -> list[Reading]:
    found = []
    texts = [line.text for line in plain]
    for word, sign in sorted(SEPARATORS.items(), key=lambda each: each[1] != ""):  # one column is no other table
        if options.separator is not None and options.separator != word:
            continue
        if sign and options.separator is None and not any(sign in text.strip() for text in texts):
            continue
        rows = split(plain, sign)
        if rows is None:
            continue
        bare = [Line(line.number, line.text.lstrip("#%/ \t")) for line in comments]
        said = [row for line in bare for row in split([line], sign) or ()]
        for decimal in (".", ","):
            if options.decimal in {None, decimal}:
                found.append(_of_rows(word, rows, said, decimal, options))
    return found


def _of_rows(word: str, rows: Sequence[Row], said: Sequence[Row], decimal: str, options: Options) -> Reading:
    """Return the table of some rows under one decimal sign."""
    blanks, alone, first = word == "blanks", word == "none", options.lines[0] if options.lines else 0
    rows, around = without_tags(rows)
    said = [*said, *around]
    bare = rows
    if options.decimal is not None or any(certainly_grouped(cell, decimal) for row in rows for cell in row.cells):
        bare = [Row(row.line, tuple(without_groups(cell, decimal) for cell in row.cells)) for row in rows]
    told, units = without_units(bare, decimal)
    layout = lay_out(told, decimal, said, blanks=blanks, first=first)
    torn = (blanks or alone) and (not any(layout.names) or _two_names(layout))
    if options.decimal is None and bare is not rows and torn:
        told, units = without_units(rows, decimal)
        layout = lay_out(told, decimal, said, blanks=blanks, first=first)  # a comma may divide columns here
    layout = with_units(layout, units)
    if (alone or (blanks and layout.width == 1)) and _two_names(layout):
        line = layout.header_lines[-1] if layout.header_lines else layout.rows[0].line
        problem = Problem(line, "the header names more than one column")
        layout = replace(layout, problems=(*layout.problems, problem))
    return Reading(word, layout)


def split(lines: Sequence[Line], sign: str) -> list[Row] | None:
    """Divide lines into cells; None if the quotes of the file do not close."""
    if sign in {"", " "}:
        return [Row(line.number, tuple(_cells(line.text, sign))) for line in lines]
    rows = []
    blanks = sign != ","
    numbers = [line.number for line in lines]
    before = 0
    reader = csv.reader((f"{line.text}\n" for line in lines), delimiter=sign, strict=True, skipinitialspace=True)
    try:
        for cells in reader:
            rows.append(Row(numbers[reader.line_num - 1], tuple(_clean(cell, blanks=blanks) for cell in cells)))
            if reader.line_num - before > 1 and before:
                return None  # a quoted line break below the first line: quotes that do not belong together
            before = reader.line_num
    except csv.Error:
        whole = max(len(line.text) for line in lines) <= csv.field_size_limit()
        return [Row(line.number, tuple(_cells(line.text, sign))) for line in lines] if whole else None
    return rows


def _cells(text: str, sign: str) -> list[Cell]:
    if not sign:
        return [_clean(text)] if text.strip() else []
    if sign == " ":
        return [_clean(cell) for cell in re.split(r"[ \t]+", text.strip()) if cell]
    return [_clean(cell) for cell in text.split(sign)]


def _clean(cell: str, *, blanks: bool = False) -> str:
    if _BARE.fullmatch(cell):
        return cell
    bare = cell.strip().strip('"').strip()
    return re.sub(r"\s+", " ", without_plain_groups(bare, blanks=blanks))


def _two_names(layout: Layout) -> bool:
    """Say whether the header of a single column names two, divided by what the numbers have for a decimal sign."""
    name = layout.names[0] if layout.names else ""
    parts = [part.strip() for part in re.split(r"[,;|\t]", name)]
    return len(parts) > 1 and not all(unit(part.strip("()[] ")) is not None for part in parts[1:])


def _holds_more(layout: Layout, less: Layout) -> bool:
    """Say whether one way of reading finds the numbers of another and more: text there are numbers here."""
    if layout.width != less.width or len(layout.rows) != len(less.rows):
        return False
    both = [(has, had) for has, had in zip(layout.numeric, less.numeric, strict=True) if has or had]
    if not all(has for has, _ in both) or all(had for _, had in both):
        return False
    places = [place for place, had in enumerate(less.numeric) if had]
    return all(layout.column(place) == less.column(place) for place in places)


def _is_torn(layout: Layout) -> bool:
    """Say whether text of a table is made of numbers, as it is where a wrong separator tears them apart."""
    texts = [place for place, is_number in enumerate(layout.numeric) if not is_number]
    return any(NUMBERS_ONLY.fullmatch(text) for place in texts for text in layout.texts(place))


def _worth(layout: Layout) -> tuple[int, int]:
    """Order broken tables by how much of the file they explain."""
    held = sum(value is not None for row in layout.numbers() for value in row)
    return held, -len(layout.problems)


def _ask_which(different: Sequence[Reading], options: Options, ask: Asker) -> None:
    told = []
    for reading in different[:2]:
        first = [value for value in reading.layout.numbers()[0] if value is not None]
        sign = "point" if reading.layout.decimal == "." else "comma"
        more = {"separator": reading.separator, "decimal": reading.layout.decimal}
        told.append(
            f"{', '.join(f'{value:g}' for value in first)} by "
            f"{options.command(ask.file, **more)} (decimal {sign}, separator {reading.separator})"
        )
    line = different[0].layout.rows[0].line
    raise ask.question(f"line {line} can be read as {' or as '.join(told)}")


def _check_grouping(reading: Reading, options: Options, ask: Asker) -> None:
    """Ask whether a sign before three digits is a decimal sign or groups thousands."""
    layout = reading.layout
    if options.decimal is not None:
        return
    cells = [cell for row in layout.rows for cell in row.cells]
    doubtful = may_be_grouped(cells, layout.decimal)
    if not doubtful or (layout.decimal == "." and reading.separator not in {"semicolon", "cells"}):
        return
    row = next(row for row in layout.rows if any(layout.decimal in str(cell) for cell in row.cells))
    cell = next(str(cell) for cell in row.cells if layout.decimal in str(cell))
    whole = cell.replace(layout.decimal, "")
    raise ask.question(
        f"line {row.line}: {cell} may be {cell.replace(',', '.')} or {whole}; if its sign is a decimal sign, "
        f"{options.command(ask.file, decimal=layout.decimal)}, if it groups thousands, "
        f"{options.command(ask.file, decimal='.' if layout.decimal == ',' else ',')}"
    )
