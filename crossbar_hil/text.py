"""Text for people: without control characters, and in columns."""

from collections.abc import Iterable, Sequence


def printable(text: str, instead: str = "?") -> str:
    """Return a text without control characters, which could move the cursor of a terminal or end a line."""
    return "".join(letter if letter.isprintable() else instead for letter in text)


def table_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, its columns aligned.

    >>> table_lines(["row", "uS"], [["1", "0.5"], ["10", "0.25"]])
    ['row  uS', '1    0.5', '10   0.25']
    """
    shown = [header, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in shown) for place in range(len(header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]
