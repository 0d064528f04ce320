"""Every way of reading a text as a table, by separator and decimal sign, and the one that remains."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .decoding import Line
from .numbers import Cell, is_comment, may_be_grouped, without_groups
from .options import SEPARATORS, Options
from .questions import Asker
from .tables import NUMBERS_ONLY, Layout, Problem, Row, lay_out
from .units import unit


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
    found = [reading for reading in _all(plain, comments, options) if reading.layout.rows]
    if not found:
        raise ask.refusal("holds no numbers")
    sound = [reading for reading in found if not reading.layout.problems]
    whole = [reading for reading in sound if not _is_torn(reading.layout)]
    if not whole and any(_worth(each.layout) > _worth(other.layout) for each in found for other in sound):
        sound = []  # numbers read as text, so that a line that breaks the table does not break it
    if not sound:
        best = max(found, key=lambda reading: _worth(reading.layout))
        problem = min(best.layout.problems)
        raise ask.refused_line(problem.line, problem.text)
    sound = whole or sound
    sound = [reading for reading in sound if not any(_holds_more(other.layout, reading.layout) for other in sound)]
    different: list[Reading] = []
    for reading in sound:
        if all(reading.layout.numbers() != other.layout.numbers() for other in different):
            different.append(reading)
    if len(different) > 1:
        _ask_which(different, options, ask)
    _check_grouping(different[0], options, ask)
    return different[0]


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
                told = rows if options.decimal is None else _without_groups(rows, decimal)
                layout = lay_out(told, decimal, said, blanks=sign == " ")
                if not sign and _two_names(layout):
                    layout = _with_problem(layout, "the header names more than one column")
                found.append(Reading(word, layout))
    return found


def _without_groups(rows: Sequence[Row], decimal: str) -> list[Row]:
    return [Row(row.line, tuple(without_groups(cell, decimal) for cell in row.cells)) for row in rows]


def split(lines: Sequence[Line], sign: str) -> list[Row] | None:
    """Divide lines into cells; None if the quotes of the file do not close."""
    if sign in {"", " "}:
        return [Row(line.number, tuple(_cells(line.text, sign))) for line in lines]
    rows = []
    numbers = [line.number for line in lines]
    before = 0
    reader = csv.reader((f"{line.text}\n" for line in lines), delimiter=sign, strict=True, skipinitialspace=True)
    try:
        for cells in reader:
            rows.append(Row(numbers[reader.line_num - 1], tuple(_clean(cell) for cell in cells)))
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


def _clean(cell: str) -> str:
    return re.sub(r"\s+", " ", cell.strip().strip('"')).strip()


def _two_names(layout: Layout) -> bool:
    """Say whether the header of a single column names two, divided by what the numbers have for a decimal sign."""
    name = layout.names[0] if layout.names else ""
    parts = [part.strip() for part in re.split(r"[,;|\t]", name)]
    return len(parts) > 1 and not all(unit(part.strip("()[] ")) is not None for part in parts[1:])


def _with_problem(layout: Layout, text: str) -> Layout:
    line = layout.header_lines[-1] if layout.header_lines else layout.rows[0].line
    return Layout(
        layout.decimal, layout.names, layout.header_lines, layout.preamble, layout.rows, layout.numeric,
        (*layout.problems, Problem(line, text)), layout.header_text,
    )  # fmt: skip


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
    if options.decimal is not None or reading.separator == "cells":
        return
    cells = [cell for row in layout.rows for cell in row.cells]
    doubtful = may_be_grouped(cells, layout.decimal)
    if not doubtful or (layout.decimal == "." and reading.separator != "semicolon"):
        return
    row = next(row for row in layout.rows if any(layout.decimal in str(cell) for cell in row.cells))
    cell = next(str(cell) for cell in row.cells if layout.decimal in str(cell))
    whole = cell.replace(layout.decimal, "")
    raise ask.question(
        f"line {row.line}: {cell} may be {cell.replace(',', '.')} or {whole}; if its sign is a decimal sign, "
        f"{options.command(ask.file, decimal=layout.decimal)}, if it groups thousands, "
        f"{options.command(ask.file, decimal='.' if layout.decimal == ',' else ',')}"
    )
