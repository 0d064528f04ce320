"""Tiles: an array that is cut up into smaller ones, each driven and sensed by itself.

What the tiles of a column give is added behind their wires, so that all of them together read as one array does.
"""

from itertools import pairwise

from crossbar_hil.errors import ConfigError
from crossbar_hil.text import shown

DRIVES, SENSES = ("left", "both"), ("bottom", "both")
"""Ends at which word lines are driven, and bit lines sensed: at one, as is usual, or at both."""


def read_tiles(text: str) -> tuple[int, int]:
    """Return how many arrays there are below each other, and beside each other.

    Raises
    ------
    ConfigError
        If the text does not say it.

    Examples
    --------
    >>> read_tiles("14x1")
    (14, 1)
    """
    rows, cross, columns = text.partition("x")
    if not (cross and rows.isdecimal() and columns.isdecimal() and int(rows) and int(columns)):
        raise ConfigError(f"tiles {shown(text)} must be rows x columns of arrays, such as 4x1")
    return int(rows), int(columns)


def tile_lines(shape: tuple[int, int], tiles: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Return the rows and the columns of each tile of an array, the upper tiles first.

    Where lines cannot be shared out equally the first tiles get one more.

    Raises
    ------
    ConfigError
        If there are more tiles than lines.

    Examples
    --------
    >>> tile_lines((5, 2), (2, 1))
    [(slice(0, 3, None), slice(0, 2, None)), (slice(3, 5, None), slice(0, 2, None))]
    """
    for parts, lines, what in zip(tiles, shape, ("rows", "columns"), strict=True):
        if parts > lines:
            raise ConfigError(f"{parts} tiles cannot share {lines} {what}, each needs one")
    rows, columns = (_shares(lines, parts) for lines, parts in zip(shape, tiles, strict=True))
    return [(of_rows, of_columns) for of_rows in rows for of_columns in columns]


def _shares(lines: int, parts: int) -> list[slice]:
    least, more = divmod(lines, parts)
    ends = [place * least + min(place, more) for place in range(parts + 1)]
    return [slice(first, last) for first, last in pairwise(ends)]
