"""Many small plots as boxes of one Axes: quick to draw for a large chip, and placed wherever Axes may be."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from crossbar_hil.arrays import FloatArray
from crossbar_hil.figures.panes import BLACK, GREY, PALE, SMALL, short

FEW = 8
"""Boxes side by side up to which each has ticks of its own; of more only the first has, as all have the same."""


_NAMES = 0.2
"""Gaps that are larger have names in them, those of the first row above it too."""


class Boxes:
    """Boxes in rows and columns with one scale for all, the first row on top.

    Parameters
    ----------
    axes : Axes
        Are used up by the boxes.
    shape : tuple of int
        Rows and columns.
    across, up : tuple of float
        What the sides of a box stand for.
    gap : tuple of float
        Share of a box that stays empty across and up.
    """

    def __init__(
        self,
        axes: Axes,
        shape: tuple[int, int],
        across: tuple[float, float],
        up: tuple[float, float],
        *,
        gap: tuple[float, float] = (0.12, 0.14),
    ) -> None:
        self.axes, self.shape, self.across, self.up, self.gap = axes, shape, across, up, gap
        edges = [0.5 * each - 0.02 for each in gap]
        top = shape[0] - (edges[1] if gap[1] < _NAMES else 0)
        axes.set(xlim=(edges[0], shape[1] - edges[0]), ylim=(edges[1], top))
        axes.spines[:].set_visible(False)
        axes.tick_params(labelsize=SMALL, length=2.5)
        self._used: list[tuple[int, int]] = []

    def place(self, row: int, column: int, xs: ArrayLike, ys: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return where points of a box lie on the Axes."""
        return self._x(column, xs), self._y(row, ys)

    def values_of(self, row: int, ys: ArrayLike) -> FloatArray:
        """Return what heights on the Axes stand for in a row: the inverse of `place`."""
        (low, high), gap = self.up, self.gap[1]
        base = self.shape[0] - 1 - row + gap / 2
        return np.asarray(low + (np.asarray(ys, np.float64) - base) / (1 - gap) * (high - low))

    def frame(self, row: int, column: int) -> None:
        """Take note that a box is used, so that it has a frame."""
        self._used.append((row, column))

    def line(self, row: int, column: int, xs: ArrayLike, ys: ArrayLike, **style: Any) -> None:
        """Draw a line in a box."""
        self.axes.plot(*self.place(row, column, xs, ys), **style)

    def band(self, row: int, column: int, low: float, high: float, **style: Any) -> None:
        """Shade what lies between two heights of a box."""
        (x0, x1), (y0, y1) = self.place(row, column, self.across, (low, high))
        self.axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, linewidth=0, **style))

    def text(self, row: int, column: int, x: float, y: float, words: str, **style: Any) -> None:
        """Write into a box, at shares of its sides."""
        left, right = self._x(column, self.across)
        low, high = self._y(row, self.up)
        self.axes.text(left + x * (right - left), low + y * (high - low), words, fontsize=SMALL, **style)

    def label(
        self,
        x_label: str,
        y_label: str,
        *,
        rows: Sequence[str] = (),
        columns: Sequence[str] = (),
        colours: Sequence[str] = (),
        ticks: tuple[int, int] = (3, 3),
        levels: Sequence[float] = (),
    ) -> Axes:
        """Name rows (on the right), columns (on top) and axes, number the sides, and draw the frames.

        Parameters
        ----------
        x_label, y_label : str
            Of all boxes.
        rows, columns : sequence of str
            Names; none if not given.
        colours : sequence of str
            Of the columns.
        ticks : tuple of int
            Most intervals of the sides of a box, across and up.
        levels : sequence of float
            What the sides upwards are numbered with; chosen if not given. Across they are whole numbers from 1.
        """
        down, many = self.shape
        frames = []
        for row, column in self._used:
            (x0, x1), (y0, y1) = self.place(row, column, self.across, self.up)
            frames.append(Rectangle((x0, y0), x1 - x0, y1 - y0))
        self.axes.add_collection(PatchCollection(frames, facecolor="none", edgecolor=PALE, linewidth=0.8, zorder=0))
        inside = MaxNLocator(nbins=ticks[0], integer=True, min_n_ticks=1).tick_values(*self.across)
        inside = [each for each in inside if max(self.across[0], 1) <= each <= self.across[1]]
        numbered = range(many) if many <= FEW else [0]
        self.axes.set_xticks(
            [float(self._x(column, each)) for column in numbered for each in inside],
            [short(each, 4) for _ in numbered for each in inside],
        )
        upwards = levels or MaxNLocator(nbins=ticks[1], min_n_ticks=2).tick_values(*self.up)
        upwards = [each for each in upwards if self.up[0] <= each <= self.up[1]]
        numbered = range(down) if down <= FEW else [down - 1]
        self.axes.set_yticks(
            [float(self._y(row, each)) for row in numbered for each in upwards],
            [short(each, 4).replace("-", "−") for _ in numbered for each in upwards],
        )
        for column, name in enumerate(columns):
            colour = colours[column] if colours else BLACK
            self.axes.text(
                column + 0.5, down - 0.5 * self.gap[1], name, ha="center", va="bottom", fontsize=SMALL, color=colour
            )
        for row, name in enumerate(rows):
            self.axes.text(
                many - 0.5 * self.gap[0], down - row - 0.5, name, ha="left", va="center", fontsize=SMALL, color=GREY
            )
        self.axes.set_xlabel(x_label)
        self.axes.set_ylabel(y_label)
        return self.axes

    def _x(self, column: int, xs: ArrayLike) -> FloatArray:
        (low, high), gap = self.across, self.gap[0]
        return np.asarray(column + gap / 2 + (1 - gap) * (np.asarray(xs, np.float64) - low) / (high - low))

    def _y(self, row: int, ys: ArrayLike) -> FloatArray:
        (low, high), gap = self.up, self.gap[1]
        base = self.shape[0] - 1 - row + gap / 2
        return np.asarray(base + (1 - gap) * (np.asarray(ys, np.float64) - low) / (high - low))


def side(values: ArrayLike, margin: float = 0.06) -> tuple[float, float]:
    """Return what the side of a box stands for that holds some values; never nothing."""
    low, high = float(np.min(values)), float(np.max(values))
    room = margin * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room
