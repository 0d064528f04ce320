"""Rows of a file as a table: where its numbers begin, how its columns are called, and which line breaks it."""

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .names import CURVES, read_name
from .numbers import Cell, is_missing, number
from .units import unit

MOST_HEADER_LINES = 3
_REMARKS = {"comment", "comments"}
"""Names of a last column that may be empty all the way down."""
NUMBERS_ONLY = re.compile(r"[\s.,;|+\-]*\d[\d\s.,;|+\-eEdD]*")


class Row(NamedTuple):
    """One line of a table, counted from 1; without cells if it is empty."""

    line: int
    cells: tuple[Cell, ...]


class Problem(NamedTuple):
    """What is wrong with a line."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A table under one way of reading it."""

    decimal: str
    names: tuple[str, ...]
    """Of each column; empty where the file gives none."""
    header_lines: tuple[int, ...]
    preamble: tuple[str, ...]
    """What stands above the header, line by line."""
    rows: tuple[Row, ...]
    numeric: tuple[bool, ...]
    problems: tuple[Problem, ...] = ()
    header_text: str = ""
    """A header that could not be divided into as many names as there are columns."""
    _columns: dict[int, tuple[float | None, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)
    """Those that were asked for, by their place."""

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.numeric)

    def numbers(self) -> tuple[tuple[float | None, ...], ...]:
        """Return what the numeric columns hold, row by row, to compare two ways of reading."""
        return tuple(
            tuple(self._value(row, place) for place in range(self.width) if self.numeric[place]) for row in self.rows
        )

    def column(self, place: int) -> tuple[float | None, ...]:
        """Return the numbers of a column; None where there is none."""
        if place not in self._columns:
            self._columns[place] = tuple(self._value(row, place) for row in self.rows)
        return self._columns[place]

    def texts(self, place: int) -> list[str]:
        """Return the cells of a column as text."""
        return [str(row.cells[place]).strip() if place < len(row.cells) else "" for row in self.rows]

    def _value(self, row: Row, place: int) -> float | None:
        return number(row.cells[place], self.decimal) if place < len(row.cells) else None


def counts_up(values: Sequence[float | None]) -> bool:
    """Say whether numbers are whole and go up one by one, and perhaps begin anew.

    >>> counts_up([1.0, 2.0, 3.0, 1.0, 2.0]), counts_up([1.0, 3.0])
    (True, False)
    """
    whole = [value for value in values if value is not None and value.is_integer()]
    if len(whole) < max(2, len(values)):
        return False
    return all(after == before + 1 or after in {0.0, 1.0} for before, after in itertools.pairwise(whole))


def lay_out(
    rows: Sequence[Row], decimal: str, comments: Sequence[Row] = (), *, blanks: bool = False, first: int = 0
) -> Layout:
    """Find the table among the rows of a file.

    Parameters
    ----------
    rows : sequence of Row
        The lines that are no comments, empty ones too.
    comments : sequence of Row
        The comments, without their sign; the last one above the table may be its header.
    blanks : bool
        Whether blanks divide the columns, so that a name with a blank in it falls into pieces.
    first : int
        Line with which the numbers begin, if a person says so; 0 if it is to be found.
    """
    rows = _trimmed([_without_end(row) for row in rows])
    kinds = [[_kind(cell, decimal) for cell in row.cells] for row in rows]
    numbered = [len(row.cells) for row, kind in zip(rows, kinds, strict=True) if "n" in kind and row.line >= first]
    if not numbered:
        return Layout(decimal, (), (), tuple(_text(row) for row in rows), (), ())
    width = Counter(numbered).most_common(1)[0][0]
    width = _widest_of_many(numbered, width)
    numeric = _numeric([kind for row, kind in zip(rows, kinds, strict=True) if row.line >= first], width)
    start = next(
        (
            place
            for place, (row, kind) in enumerate(zip(rows, kinds, strict=True))
            if row.line >= first and len(row.cells) == width and "n" in kind and not _wrong(kind, numeric)
        ),
        len(rows),
    )
    body = rows[start:]
    names, used, problems, header_text = _header(rows[:start], kinds[:start], width, numeric, decimal, blanks)
    above = [_text(row) for row in rows[: start - used]]
    header_lines = tuple(row.line for row in rows[start - used : start] if row.cells)
    if not any(names) and not header_text and body:
        commented = [row for row in comments if row.line < body[0].line]
        names, line = _commented_header(commented, width, blanks)
        header_lines = (line,) if line else ()
    if body:
        above = [_text(row) for row in comments if row.line < body[0].line and row.line not in header_lines] + above
    if header_lines and body:
        problems += _units_between(comments, header_lines[-1], body[0].line)
    body = list(_without_harmless_gaps(body, names, decimal))
    problems += _problems(body, width, numeric, decimal)
    if not first:
        problems += _numbers_above(rows[:start], width, numeric, names)
    return _without_empty_columns(
        Layout(decimal, names, header_lines, tuple(above), tuple(body), numeric, tuple(problems), header_text)
    )


def _kind(cell: Cell, decimal: str) -> str:
    if is_missing(cell):
        return "e"
    return "t" if number(cell, decimal) is None else "n"


def _without_end(row: Row) -> Row:
    """Leave empty cells at the end of a line away if all of them are empty."""
    return Row(row.line, ()) if all(cell == "" for cell in row.cells) else row


def _trimmed(rows: list[Row]) -> list[Row]:
    filled = [place for place, row in enumerate(rows) if row.cells]
    return rows[filled[0] : filled[-1] + 1] if filled else []


def _widest_of_many(numbered: list[int], width: int) -> int:
    """Return the width of the first lines, if later ones only lack cells at their end, as side by side tables do."""
    first = numbered[0]
    lacking = first >= 3 and numbered.count(first) > 1 and numbered == sorted(numbered, reverse=True)
    return first if lacking else width


def _numeric(kinds: list[list[str]], width: int) -> tuple[bool, ...]:
    found = []
    for place in range(width):
        column = Counter(kind[place] for kind in kinds if len(kind) == width and "n" in kind)
        found.append(column["n"] >= column["t"] and column["n"] > 0)
    return tuple(found)


def _wrong(kind: list[str], numeric: Sequence[bool]) -> bool:
    return any(each == "t" and is_number for each, is_number in zip(kind, numeric, strict=False))


def _problems(body: Sequence[Row], width: int, numeric: Sequence[bool], decimal: str) -> list[Problem]:
    found = []
    shortest = width
    for row in body:
        kind = [_kind(cell, decimal) for cell in row.cells]
        if not row.cells:
            found.append(Problem(row.line, "an empty line leaves a gap in the curve"))
        elif len(kind) != width and not (width >= 3 and len(kind) <= shortest):
            found.append(Problem(row.line, f"{len(kind)} column(s) after lines of {width}"))
        elif _wrong(kind, numeric):
            place = next(place for place, each in enumerate(kind) if each == "t" and numeric[place])
            found.append(Problem(row.line, f"{row.cells[place]!r} is not a number"))
        else:
            shortest = min(shortest, len(kind))
    return found


def _without_harmless_gaps(body: Sequence[Row], names: Sequence[str], decimal: str) -> Sequence[Row]:
    """Leave empty lines away if a column that numbers the pulses counts on across them."""
    filled = [row for row in body if row.cells]
    if len(filled) == len(body):
        return body
    for place, name in enumerate(names):
        if not read_name(name).counts:
            continue
        found = [number(row.cells[place], decimal) if place < len(row.cells) else None for row in filled]
        if None not in found and all(after == before + 1 for before, after in itertools.pairwise(found)):  # type: ignore[operator]
            return filled
    return body


def longest_block(layout: Layout) -> tuple[int, int] | None:
    """Return the first and last line of most consecutive lines of a table that nothing is wrong with; None if few."""
    wrong = {problem.line for problem in layout.problems}
    blocks: list[list[int]] = [[]]
    for row in layout.rows:
        if row.line in wrong or not row.cells or any(isinstance(c, str) and not c for c in row.cells[:1]):
            blocks.append([])
        else:
            blocks[-1].append(row.line)
    best = max(blocks, key=len)
    return (best[0], best[-1]) if len(best) > 2 else None


def _numbers_above(above: Sequence[Row], width: int, numeric: Sequence[bool], names: Sequence[str]) -> list[Problem]:
    """Name lines above the table that hold its numbers with the other decimal sign, or would be lost."""
    found = []
    for row in above:
        if NUMBERS_ONLY.fullmatch(_text(row)):
            found.append(Problem(row.line, f"numbers, {_text(row)!r}, above a table of {width} column(s)"))
            continue
        own = [cell for cell, is_number in zip(row.cells, numeric, strict=False) if is_number]
        if len(row.cells) != width or tuple(map(str, row.cells)) == tuple(names):
            continue
        if own and all(is_missing(cell) or _with_any_sign(cell) for cell in own) and any(map(_with_any_sign, own)):
            found.append(Problem(row.line, f"{own[0]!r} is not a number like those below"))
    return found


def _units_between(comments: Sequence[Row], header: int, first: int) -> list[Problem]:
    """Name a comment between header and numbers that holds a unit, which may be that of a column or not."""
    return [
        Problem(
            row.line, f"{_text(row)!r}, a comment, may be the unit of a column; take it out or write it into the header"
        )
        for row in comments
        if header < row.line < first and any(unit(word.strip("()[]")) is not None for word in _text(row).split())
    ]


def _with_any_sign(cell: Cell) -> bool:
    return number(cell, ".") is not None or number(cell, ",") is not None


def _header(
    above: Sequence[Row], kinds: Sequence[list[str]], width: int, numeric: Sequence[bool], decimal: str, blanks: bool
) -> tuple[tuple[str, ...], int, list[Problem], str]:
    """Return the names of the columns, how many lines they take, what is wrong with them, and a header not divided."""
    apart = sum(1 for _ in itertools.takewhile(lambda row: not row.cells, reversed(above)))
    if apart:  # empty lines between header and numbers
        found, lines, problems, text = _header(above[:-apart], kinds[:-apart], width, numeric, decimal, blanks)
        return found, lines + apart if lines else 0, problems, text
    if not above:
        return ("",) * width, 0, [], ""
    last, kind = above[-1], kinds[-1]
    held = [place for place, cell in enumerate(last.cells) if _with_any_sign(cell)]
    if held and len(kind) == width and not _numbers_in_a_header(last, kind, decimal):
        wrong = next((cell for cell, each in zip(last.cells, kind, strict=True) if each == "t"), last.cells[0])
        return ("",) * width, 0, [Problem(last.line, f"{wrong!r} is not a number")], ""
    cells = [str(cell).strip() for cell in last.cells]
    if len(cells) == width + 1 and cells[-1].lower() in _REMARKS and not blanks:
        cells.pop()  # of LabVIEW, whose lines without a remark end before it
    if len(cells) != width:
        parted = _merged(cells, width) if blanks else None
        if parted is None:
            return _not_divided(last, cells, width, blanks)
        cells = parted
    names, used = cells, 1
    while used < MOST_HEADER_LINES and used < len(above) and _needs_more(names, numeric):
        row = above[-1 - used]
        upper = [str(cell).strip() for cell in row.cells]
        if len(upper) != width or "n" in kinds[-1 - used]:
            break
        names = [" ".join(filter(None, pair)) for pair in zip(_filled(upper), names, strict=True)]
        used += 1
    return tuple(names), used, [], ""


def _not_divided(
    last: Row, cells: list[str], width: int, blanks: bool
) -> tuple[tuple[str, ...], int, list[Problem], str]:
    """Decide what a line above the table is that has not as many cells as the table has columns."""
    text = _text(last)
    if len(cells) == 1 and width > 1 and not blanks and not read_name(text).says_something:
        return ("",) * width, 0, [], ""  # a title
    if blanks:
        return ("",) * width, 1, [], text
    return ("",) * width, 0, [Problem(last.line, f"{len(cells)} column(s) in the header of a table of {width}")], ""


def _numbers_in_a_header(row: Row, kind: list[str], decimal: str) -> bool:
    """Say whether a line such as ``pulse;1;2;3`` names columns by whole numbers."""
    if kind[0] != "t" or not read_name(str(row.cells[0])).says_something or kind.count("t") > 1:
        return False
    values = [number(cell, decimal) for cell, each in zip(row.cells, kind, strict=True) if each == "n"]
    return all(value is not None and value == int(value) for value in values if value is not None)


def _needs_more(names: Sequence[str], numeric: Sequence[bool]) -> bool:
    """Say whether the line above may name what these names leave open."""
    own = [name for name, is_number in zip(names, numeric, strict=True) if is_number]
    if len(set(own)) < len(own):
        return True
    told = [read_name(name) for name in own]
    return not any(name.quantity and not name.aside for name in told) or all(
        not name or unit(name.strip("()[] ")) is not None or name in {"#", "-", "--"} for name in own
    )


def _filled(cells: list[str]) -> list[str]:
    """Let a name stand for the empty cells to its right, as a spreadsheet joins cells."""
    found: list[str] = []
    for cell in cells:
        found.append(cell if cell or not found else found[-1])
    return ["" if cell in {"-", "--"} else cell for cell in found]


def _merged(cells: list[str], width: int) -> list[str] | None:
    """Join words that blanks tore apart into as many names as there are columns."""
    names: list[str] = []
    for cell in cells:
        last = names[-1] if names else ""
        inside = sum(map(last.count, "([")) > sum(map(last.count, ")]"))
        counts = cell.lower().strip(".") in {"number", "no", "nr", "nummer", "index"}
        if names and (inside or cell[0] in "([" or counts):
            names[-1] = f"{last} {cell}"
        else:
            names.append(cell)
    return names if len(names) == width else None


def _commented_header(comments: Sequence[Row], width: int, blanks: bool) -> tuple[tuple[str, ...], int | None]:
    for row in reversed(comments):
        cells = [str(cell).strip() for cell in row.cells]
        if len(cells) != width:
            cells = (_merged(cells, width) if blanks and cells and all(cells) else None) or []
        if len(cells) == width and any(read_name(cell).quantity in CURVES for cell in cells):
            return tuple(cells), row.line
        break
    return ("",) * width, None


def _without_empty_columns(layout: Layout) -> Layout:
    """Leave out columns at the right end that hold nothing and have no name."""
    last = layout.width
    while last > 1 and not layout.names[last - 1] and not any(layout.texts(last - 1)):
        last -= 1
    if last == layout.width:
        return layout
    rows = tuple(Row(row.line, row.cells[:last]) for row in layout.rows)
    return replace(layout, names=layout.names[:last], numeric=layout.numeric[:last], rows=rows)


def _text(row: Row) -> str:
    return re.sub(r"\s+", " ", " ".join(str(cell) for cell in row.cells)).strip()
