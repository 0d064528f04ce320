"""What a figure is drawn with: new Axes, colours that mean one thing, units, numbers in few letters, plain frames."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import DataError

PLUS, MINUS = "#0072B2", "#D55E00"
"""Blue is a plus column or a label 1, orange a minus column or a label 0."""
BLUE, ORANGE = PLUS, MINUS
BLACK, GREY, PALE = "#000000", "#555555", "#DDDDDD"
COLOURS = (PLUS, MINUS, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", BLACK, "#B3A70E", "#777777", "#882255")
"""Of M. Okabe and K. Ito's set for every kind of colour vision, its yellow darkened for white paper; two more."""
SMALL, MIDDLE = 8, 9
"""Sizes of text in points; none is smaller on paper."""
_PREFIXES = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: ""}


def new_axes(size: tuple[float, float], **options: Any) -> Axes:
    """Return the Axes of a new figure of so many inches that belongs to no window."""
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot(**options)


def figure_of(axes: Axes) -> Figure | SubFigure:
    """Return the figure that Axes are on.

    Raises
    ------
    DataError
        If they were taken off theirs.
    """
    if axes.figure is None:
        raise DataError("Axes that were removed from their figure cannot be drawn on")
    return axes.figure


def engineering(values: FloatArray, unit: str) -> tuple[float, str]:
    """Return the factor and the label that bring values, of which some may be none or infinite, to a handy prefix.

    >>> engineering(np.array([2.4e-7, 6.4e-7]), "S")
    (1000000000.0, 'nS')
    """
    largest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    power = 3 * math.floor(math.log10(largest) / 3) if largest else 0
    power = min(max(power, -12), 0)
    return 10.0**-power, f"{_PREFIXES[power]}{unit}"


def in_brackets(name: str, unit: str) -> str:
    """Return the label of a quantity with its unit, if it has one."""
    return f"{name} ({unit})" if unit else name


def short(value: float, digits: int = 3) -> str:
    """Write a number with few letters.

    >>> [short(each) for each in (31622776.6, 0.05, 1e-9, 120.0)]
    ['3.16e7', '0.05', '1e-9', '120']
    """
    mantissa, sign, power = f"{value:.{digits}g}".partition("e")
    return mantissa if not sign else f"{mantissa}e{int(power)}"


def three(value: float) -> str:
    """Write a number with three digits, as in a column of such.

    >>> [three(each) for each in (4.7, 0.0512, 120.0, 0.0)]
    ['4.70', '0.0512', '120', '0']
    """
    return f"{value:#.3g}".rstrip(".") if 1e-3 < abs(value) < 1e3 else short(value)


def short_apart(values: Sequence[float], digits: int = 2) -> list[str]:
    """Write numbers with as few letters as keep them apart.

    >>> short_apart([1e7, 31622776.6, 1e8]), short_apart([0.99, 0.995, 0.999])
    (['1e7', '3.2e7', '1e8'], ['0.99', '0.995', '0.999'])
    """
    for more in range(digits, 17):
        found = [short(value, more) for value in values]
        if len(set(found)) == len(set(values)):
            break
    return found


def whole_ticks(axis: Any, nbins: int) -> None:
    """Have an axis count in whole numbers."""
    axis.set_major_locator(MaxNLocator(nbins=nbins, integer=True, min_n_ticks=1))


def open_frame(axes: Axes) -> None:
    """Take away the upper and the right line, draw a faint grid, and write ticks in small letters."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, linewidth=0.4, alpha=0.4)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=SMALL)
