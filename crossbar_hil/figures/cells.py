"""A map whose cells are coloured and, as long as they fit, have their numbers written into them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from crossbar_hil.arrays import FloatArray
from crossbar_hil.figures.panes import MIDDLE, SMALL, figure_of, in_brackets, three, whole_ticks

SEQUENTIAL, DIVERGING, GOOD, BAD = "viridis", "RdBu_r", "cividis", "cividis_r"
"""Conductances; changes about zero; what is good if it is much, and if it is little: the brightest is the best."""
_LETTER = 0.62
"""Width of a digit against its height, in the fonts that matplotlib brings."""
_BESIDE = 0.8
"""Share of the width that a colour bar and its word leave to the cells."""
_DECADES = 100.0
"""Numbers that lie further apart have no decimals in common."""
_DARK = 0.45
"""Luminance below which white letters are read more easily."""


def draw_cells(
    axes: Axes,
    values: FloatArray,
    label: str,
    *,
    colours: str = SEQUENTIAL,
    low: float | None = None,
    high: float | None = None,
    write: Callable[[float], str] | None = None,
    bar: bool = True,
    written: bool = True,
    **options: Any,
) -> AxesImage:
    """Draw a map, its colour bar with its word, and the number of each cell if there is room for it.

    Parameters
    ----------
    axes : Axes
        Where.
    values : ndarray of float, shape (R, C)
        Not a number where there is none.
    label : str
        Quantity and unit, for the colour bar.
    colours : str
        Name of a colour map.
    low, high : float, optional
        Ends of the colours; those of the values if not given.
    write : callable
        Writes a number; three digits of the largest if not given.
    bar : bool
        Whether there is to be a colour bar.
    written : bool
        Whether numbers are written at all.
    **options
        Of `Axes.imshow`.
    """
    image = axes.imshow(values, cmap=colours, vmin=low, vmax=high, **options)
    write = write or _digits_of(values)
    words = {place: write(float(value)) for place, value in np.ndenumerate(values) if np.isfinite(value)}
    size = _size_that_fits(axes, values.shape, max(map(len, words.values()), default=1), _BESIDE if bar else 1.0)
    if bar:
        drawn = figure_of(axes).colorbar(image, ax=axes, fraction=0.08, pad=0.03)
        drawn.ax.tick_params(labelsize=SMALL)
        drawn.set_label(label, fontsize=MIDDLE)
    axes.tick_params(labelsize=SMALL, length=2.5)
    if size < SMALL or not written:
        return image
    inks = np.asarray(image.to_rgba(np.ma.masked_invalid(values)))[..., :3] @ (0.2126, 0.7152, 0.0722)
    for (row, column), word in words.items():
        ink = "white" if inks[row, column] < _DARK else "black"
        axes.text(column, row, word, ha="center", va="center", fontsize=size, color=ink)
    return image


def draw_chip(axes: Axes, siemens: FloatArray, label: str, factor: float, unit: str, **options: Any) -> AxesImage:
    """Draw a number of every cell over the chip, row 1 on top, rows and columns counted from 1."""
    rows, columns = siemens.shape
    image = draw_cells(axes, factor * siemens, in_brackets(label, unit), **options)
    if max(rows, columns) <= MOST_NAMED:
        axes.set_xticks(range(columns), [str(each + 1) for each in range(columns)])
        axes.set_yticks(range(rows), [str(each + 1) for each in range(rows)])
    else:
        for axis, count in ((axes.xaxis, columns), (axes.yaxis, rows)):
            whole_ticks(axis, 8)
            ticks = [each for each in axis.get_ticklocs() if 0 <= each + 1 <= count and each > 0]
            axis.set_ticks([0, *(each - 1 for each in ticks)], labels=["1", *(f"{each:.0f}" for each in ticks)])
    axes.set(xlabel="Column", ylabel="Row")
    return image


MOST_NAMED = 16
"""Rows or columns up to which each has its number beside the map."""


def _digits_of(values: FloatArray) -> Callable[[float], str]:
    """Return how numbers of a map are written: with as many decimals as the largest needs, or each with its own."""
    found = np.abs(values[np.isfinite(values) & (values != 0)])
    if not found.size or found.min() < found.max() / _DECADES or not _DECADES > found.max() >= 1 / _DECADES:
        return three
    decimals = max(0, 2 - math.floor(math.log10(found.max())))
    return lambda value: f"{value:.{decimals}f}"


def _size_that_fits(axes: Axes, shape: tuple[int, ...], letters: int, share: float) -> float:
    """Return the size of text in points, at most `MIDDLE`, with which so many letters fit into a cell.

    Parameters
    ----------
    axes : Axes
        Where, before the layout is made.
    shape : tuple of int
        Rows and columns.
    letters : int
        Of the longest number.
    share : float
        Of the width, which the layout leaves to the cells.
    """
    figure = figure_of(axes)
    place = axes.get_window_extent()
    width, height = share * 72 / figure.dpi * place.width / shape[1], 72 / figure.dpi * place.height / shape[0]
    return min(MIDDLE, width / (_LETTER * letters), 0.75 * height)
