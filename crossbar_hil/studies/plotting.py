"""Axes and heat maps that every sweep draws alike."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crossbar_hil.arrays import FloatArray
from crossbar_hil.studies.axes import Axis

MOST_WRITTEN = 150
"""Cells up to which each has its number written into it."""
MANY_SIZES = 20.0
"""Listed values that are so many times apart are drawn on a logarithmic axis."""
BLUE, GREY = "#0072B2", "#666666"


def axes_that_vary(axes: Sequence[Axis]) -> list[Axis]:
    """Return the axes with more than one value, or the first if there are none."""
    return [axis for axis in axes if len(axis.values) > 1] or list(axes[:1])


def label_values(panel: Axes, axis: Axis) -> None:
    """Write the values of an axis below a curve."""
    panel.set_xlabel(axis.key.label)
    if axis.spacing == "log" or _of_many_sizes(axis):
        panel.set_xscale("log")
    if not axis.key.is_number:
        panel.set_xticks(places(axis), value_labels(axis))


def _of_many_sizes(axis: Axis) -> bool:
    """Say whether listed values are powers of something rather than equally far apart."""
    if axis.spacing != "list" or not axis.key.is_number:
        return False
    at = places(axis)
    return bool(at.min() > 0 and at.max() >= MANY_SIZES * at.min())


def draw_map(
    panel: Axes, down: Axis, across: Axis, values: FloatArray, title: str, *, vmin: float, vmax: float | None
) -> None:
    """Draw one statistic of every point of two axes as a heat map."""
    image = panel.imshow(values, origin="lower", aspect="auto", cmap="viridis", vmin=vmin, vmax=vmax)
    panel.set_title(title, fontsize=10)
    for axis, set_ticks, set_label in (
        (down, panel.set_yticks, panel.set_ylabel),
        (across, panel.set_xticks, panel.set_xlabel),
    ):
        every = -(-len(axis.values) // 16)
        set_ticks(np.arange(len(axis.values))[::every], value_labels(axis)[::every])
        set_label(axis.key.label)
    panel.tick_params(axis="x", labelrotation=45)
    panel.tick_params(labelsize=7)
    if values.size > MOST_WRITTEN:
        if panel.figure is not None:
            panel.figure.colorbar(image, ax=panel)
        return
    middle = (vmin + (np.nanmax(values) if vmax is None else vmax)) / 2 if np.isfinite(values).any() else 0.0
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "black" if value > middle else "white"
            panel.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=7, color=colour)


def places(axis: Axis) -> FloatArray:
    """Return where the values of an axis stand: at themselves if they are numbers, else one after the other."""
    if axis.key.is_number:
        return np.array(axis.values, dtype=float)
    return np.arange(len(axis.values), dtype=float)


def value_labels(axis: Axis) -> list[str]:
    """Write the values of an axis."""
    return [f"{value:.4g}" if isinstance(value, float) else str(value) for value in axis.values]


def statistic(rows: Sequence[dict[str, Any]], name: str, factor: float = 1.0) -> FloatArray:
    """Return one statistic of every point; not a number where there is none."""
    return np.array([np.nan if row[name] is None else factor * row[name] for row in rows], dtype=float)


def panels(shape: tuple[int, int], cell_width: float, number: int = 2) -> tuple[Figure, list[Axes]]:
    """Return a figure of maps of so many cells, two side by side; the width of a cell is in inches."""
    down = -(-number // 2)
    width, height = 2.0 + cell_width * shape[1], 2.0 + 0.27 * shape[0]
    size = min(max(2 * width, 9), 24), down * min(max(height, 3.6), 16)
    figure = Figure(figsize=size, layout="constrained")
    drawn = list(np.ravel(figure.subplots(down, 2)))
    for panel in drawn[number:]:
        panel.remove()
    return figure, drawn[:number]


def open_frame(panel: Axes) -> None:
    """Take away the upper and the right line of a panel, and draw a faint grid."""
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(visible=True, linewidth=0.4, alpha=0.4)


def save_figure(figure: Figure | None, path: Path, *, dpi: int = 120) -> bool:
    """Draw a figure into a PNG file, if there is one; say whether there is."""
    if figure is not None:
        FigureCanvasAgg(figure).print_figure(path, dpi=dpi)
    return figure is not None
