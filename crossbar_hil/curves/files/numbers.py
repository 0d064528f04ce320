"""Numbers as files write them, with a decimal point or a decimal comma."""

import functools
import re

from .decoding import Line

Cell = str | float
"""A cell of a table: text, or a number where the file holds numbers (spreadsheets)."""

MISSING = {"", "-", "--", "---", "n/a", "na", "#n/a", "null", "none"}
"""What stands for a number that is not there, in lower case."""
_NOT_FINITE = {
    **dict.fromkeys(("nan", "1.#qnan", "1.#ind"), "nan"),
    **dict.fromkeys(("inf", "infinity", "1.#inf", "overflow", "ovfl", "ovrflw", "overrange", "over", "ol"), "inf"),
}
_COMMENT = re.compile(r"\s*(#(?!\s*[\t;,|])|%(?!\s*[\t;,|])|//)")
_EXPONENT = r"([eEdD][+-]?\d+)?"
_FORMS = {
    ".": re.compile(rf"[+-]?(\d+(\.\d*)?|\.\d+){_EXPONENT}"),
    ",": re.compile(rf"[+-]?(\d+(,\d+)?|,\d+){_EXPONENT}"),
}
_GROUPED_BY_OTHERS = re.compile(rf"[+-]?[1-9]\d{{0,2}}(['’\u00a0\u202f\u2009]\d{{3}})+([.,]\d*)?{_EXPONENT}")
"""Thousands grouped by a sign that is never a decimal sign: an apostrophe, a narrow blank."""
_GROUPED_BY_BLANKS = re.compile(r"[+-]?[1-9]\d{0,2}( \d{3})+([.,]\d*)?")
_CERTAIN = {
    ",": re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+\.\d*|[+-]?[1-9]\d{0,2}(,\d{3}){2,}"),
    ".": re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+,\d*|[+-]?[1-9]\d{0,2}(\.\d{3}){2,}"),
}
_GROUPED = {
    ",": re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?"),
    ".": re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?"),
}


@functools.lru_cache(maxsize=1 << 17)  # every way of reading a file asks for the same cells
def number(cell: Cell, decimal: str) -> float | None:
    """Return the number that a cell holds, None if it holds none.

    Parameters
    ----------
    decimal : str
        The decimal sign, ``.`` or ``,``; thousands are never grouped.

    Examples
    --------
    >>> number("4,508E-07", ","), number("4,508E-07", "."), number("1_000", ".")
    (4.508e-07, None, None)
    """
    if isinstance(cell, float):
        return cell
    text = cell.replace("\u2212", "-")  # the sign for minus
    if _FORMS[decimal].fullmatch(text):
        return float(text.replace(",", ".").replace("d", "e").replace("D", "e"))
    lower = text.lower().lstrip("+-")
    if lower in _NOT_FINITE:
        return float(_NOT_FINITE[lower]) * (-1 if text.startswith("-") else 1)
    return None


def is_missing(cell: Cell) -> bool:
    """Say whether a cell stands for a number that is not there."""
    return isinstance(cell, str) and cell.lower() in MISSING


def without_groups(cell: Cell, decimal: str) -> Cell:
    """Return a number without the signs that group its thousands.

    >>> without_groups("833,333", "."), without_groups("833,33", ".")
    ('833333', '833,33')
    """
    other = "," if decimal == "." else "."
    return cell.replace(other, "") if isinstance(cell, str) and _GROUPED[other].fullmatch(cell) else cell


def without_plain_groups(text: str, *, blanks: bool) -> str:
    """Return the number in a cell without signs in it that group thousands and are never a decimal sign.

    With `blanks` a plain blank is one of them, which it is not where blanks may divide columns.

    Examples
    --------
    >>> without_plain_groups("10'000.5", blanks=False), without_plain_groups("10 000,5", blanks=True)
    ('10000.5', '10000,5')
    """
    if _GROUPED_BY_OTHERS.fullmatch(text) or (blanks and _GROUPED_BY_BLANKS.fullmatch(text)):
        return re.sub(r"['’\u00a0\u202f\u2009 ]", "", text)
    return text


def certainly_grouped(cell: Cell, decimal: str) -> bool:
    """Say whether the other sign in a number can only group thousands.

    >>> certainly_grouped("10,000.0", "."), certainly_grouped("1,000,000", "."), certainly_grouped("10,000", ".")
    (True, True, False)
    """
    return isinstance(cell, str) and bool(_CERTAIN["," if decimal == "." else "."].fullmatch(cell))


def may_be_grouped(cells: list[Cell], decimal: str) -> bool:
    """Say whether every decimal sign may as well group thousands.

    >>> may_be_grouped(["4,508", "12"], ","), may_be_grouped(["4,508", "0,512"], ",")
    (True, False)
    """
    signed = [cell for cell in cells if isinstance(cell, str) and decimal in cell]
    return bool(signed) and all(_GROUPED[decimal].fullmatch(cell) for cell in signed)


def is_comment(line: Line) -> bool:
    """Say whether a line is a comment; a column called # makes none."""
    return bool(_COMMENT.match(line.text))
