"""Maps of a sweep: a curve with its band for one setting, a heat map with contours for two."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crossbar_hil.arrays import FloatArray
from crossbar_hil.dryrun.axes import Axis
from crossbar_hil.dryrun.sweeping import SweepResult

YIELDS = (50.0, 90.0, 95.0, 99.0)
"""Yields at which contours are drawn, in per cent."""
MOST_WRITTEN = 150
"""Cells up to which each has its number written into it."""
MANY_SIZES = 20.0
"""Listed values that are so many times apart are drawn on a logarithmic axis."""
_BLUE, _GREY = "#0072B2", "#666666"


def varying(axes: Sequence[Axis]) -> list[Axis]:
    """Return the axes with more than one value, or the first if there are none."""
    return [axis for axis in axes if len(axis.values) > 1] or list(axes[:1])


def label_values(panel: Axes, axis: Axis) -> None:
    """Write the values of an axis below a curve."""
    panel.set_xlabel(axis.key.label)
    if axis.spacing == "log" or _of_many_sizes(axis):
        panel.set_xscale("log")
    if not axis.key.is_number:
        panel.set_xticks(places(axis), named(axis))


def _of_many_sizes(axis: Axis) -> bool:
    """Say whether listed values are powers of something rather than equally far apart."""
    if axis.spacing != "list" or not axis.key.is_number:
        return False
    at = places(axis)
    return bool(at.min() > 0 and at.max() >= MANY_SIZES * at.min())


def plot_sweep(result: SweepResult) -> Figure | None:
    """Draw the map of one or two settings; None if more vary, which a plane cannot show."""
    axes = varying(result.sweep.axes)
    rows = result.rows()
    if len(axes) == 1:
        return _curve(axes[0], rows)
    return _heat_maps(axes[0], axes[1], rows) if len(axes) == 2 else None


def save_map(result: SweepResult, path: Path, *, dpi: int = 120) -> bool:
    """Draw the map into a PNG file, if there is one; say whether there is."""
    figure = plot_sweep(result)
    if figure is not None:
        FigureCanvasAgg(figure).print_figure(path, dpi=dpi)
    return figure is not None


def _curve(axis: Axis, rows: Sequence[dict[str, Any]]) -> Figure:
    figure = Figure(figsize=(6.6, 5.2), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    at = places(axis)
    upper.fill_between(at, *(statistic(rows, f"yield_{end}", 100) for end in ("low", "high")), color=_BLUE, alpha=0.2)
    upper.plot(at, statistic(rows, "yield", 100), ".-", color=_BLUE)
    upper.set_ylabel("Chips that converge (%)")
    upper.set_ylim(-2, 102)
    upper.set_title(f"{rows[0]['chips']} simulated chips a point, band: 95 % interval", fontsize=10)
    lower.fill_between(at, statistic(rows, "epochs_5"), statistic(rows, "epochs_95"), color=_GREY, alpha=0.2)
    lower.plot(at, statistic(rows, "epochs_50"), ".-", color="black", label="median")
    lower.plot(at, statistic(rows, "epochs_mean"), "--", color=_GREY, label="mean")
    lower.set_ylabel("Epochs of these, 5 to 95 %")
    lower.set_ylim(bottom=0)
    lower.legend(frameon=False, fontsize=8)
    label_values(lower, axis)
    for panel in (upper, lower):
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(visible=True, linewidth=0.4, alpha=0.4)
    return figure


def _heat_maps(down: Axis, across: Axis, rows: Sequence[dict[str, Any]]) -> Figure:
    shape = (len(down.values), len(across.values))
    width, height = 2.0 + 0.42 * shape[1], 2.0 + 0.27 * shape[0]
    figure = Figure(figsize=(min(max(2 * width, 9), 24), min(max(height, 3.6), 16)), layout="constrained")
    left, right = figure.subplots(1, 2)
    shares = statistic(rows, "yield", 100).reshape(shape)
    epochs = statistic(rows, "epochs_50").reshape(shape)
    draw_map(left, down, across, shares, "Chips that converge (%)", vmin=0.0, vmax=100.0)
    draw_map(right, down, across, epochs, "Median epochs of these", vmin=0.0, vmax=None)
    lines = [level for level in YIELDS if shares.min() < level < shares.max()]
    if lines and min(shape) > 1:
        drawn = left.contour(shares, levels=lines, colors="black", linewidths=0.8, alpha=0.7)
        left.clabel(drawn, fmt="%g %%", fontsize=7)
    figure.suptitle(f"{rows[0]['chips']} simulated chips a cell", fontsize=10)
    return figure


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
        set_ticks(np.arange(len(axis.values))[::every], named(axis)[::every])
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


def named(axis: Axis) -> list[str]:
    """Write the values of an axis."""
    return [f"{value:.4g}" if isinstance(value, float) else str(value) for value in axis.values]


def statistic(rows: Sequence[dict[str, Any]], name: str, factor: float = 1.0) -> FloatArray:
    """Return one statistic of every point; not a number where there is none."""
    return np.array([np.nan if row[name] is None else factor * row[name] for row in rows], dtype=float)
