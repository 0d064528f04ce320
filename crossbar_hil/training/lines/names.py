"""What the rows and columns of a chip are called, by what the layers on it use them for."""

from collections.abc import Iterator
from typing import NamedTuple

from crossbar_hil.survey.lines import Lines
from crossbar_hil.training.lines.arrangement import Arrangement, Layer
from crossbar_hil.training.lines.pairs import column_name

SIGNS = ("+", "−")
SPARE = "–"


class LineNames(NamedTuple):
    """Short names of rows and columns, from the first."""

    rows: list[str]
    columns: list[str]


def line_names(arrangement: Arrangement, shape: tuple[int, int], bits: int, outputs: int) -> LineNames:
    """Name the lines of an array of R rows and C columns: a dash for one that no layer uses.

    Of a network x1 is an input, h1 a hidden unit (2h1 of the second layer of them) and o1 an output, + and − the lines
    of a differential pair; of one layer a row has its number, and a column that of its output.

    Examples
    --------
    >>> line_names(Arrangement((1,), bias=True, shortcuts=True), (4, 6), bits=2, outputs=1)
    LineNames(rows=['x1', 'x2', 'bias', 'h1'], columns=['h1+', 'h1−', 'o1+', 'o1−', '–', '–'])
    """
    rows, columns = shape
    if arrangement.is_plain:
        return LineNames([str(row + 1) for row in range(rows)], [column_name(column) for column in range(columns)])
    found: tuple[list[list[str]], list[list[str]]] = [[] for _ in range(rows)], [[] for _ in range(columns)]
    layers = arrangement.lay(bits, outputs)
    for layer in layers:
        own = _inputs(layer), _units(layer, last=layer is layers[-1])
        for names, lines, first, paired in zip(
            own, found, (layer.rows.start, layer.columns.start), (layer.pairs == "rows", layer.pairs == "columns"),
            strict=True,
        ):  # fmt: skip
            every = [f"{name}{sign}" for name in names for sign in (SIGNS if paired else ("",))]
            for line, name in zip(lines[first:], every, strict=False):
                if name not in line:
                    line.append(name)
    return LineNames(*([" / ".join(line) or SPARE for line in lines] for lines in found))


def names_on_lines(arrangement: Arrangement, lines: Lines, bits: int, outputs: int, *, chip: bool = True) -> LineNames:
    """Name the lines of a chip on some of which a network is; or those that it is on alone, in its order.

    Of one layer a row has its number on the chip.

    Examples
    --------
    >>> names_on_lines(Arrangement(), Lines((3, 3), (2, 0), (1, 2)), bits=2, outputs=1)
    LineNames(rows=['1', '2', '3'], columns=['–', '1+', '1−'])
    """
    own = line_names(arrangement, lines.size, bits, outputs)
    if arrangement.is_plain:
        own = own._replace(rows=[str(row + 1) for row in lines.rows])
    if not chip:
        return own
    rows, columns = ([SPARE] * size for size in lines.shape)
    for found, places, names in ((rows, lines.rows, own.rows), (columns, lines.columns, own.columns)):
        for place, name in zip(places, names, strict=True):
            found[place] = name
    return LineNames([str(row + 1) for row in range(len(rows))] if arrangement.is_plain else rows, columns)


def _inputs(layer: Layer) -> Iterator[str]:
    yield from (f"x{bit + 1}" for bit in range(layer.bits))
    yield from ["bias"] * layer.bias
    yield from (f"{_hidden(layer.number - 1)}{unit + 1}" for unit in range(layer.hidden))


def _units(layer: Layer, *, last: bool) -> Iterator[str]:
    letter = "o" if last else _hidden(layer.number)
    yield from (f"{letter}{unit + 1}" for unit in range(layer.outputs))


def _hidden(layer: int) -> str:
    """Return the letter of the hidden units of a layer, counted from 1."""
    return "h" if layer == 1 else f"{layer}h"
