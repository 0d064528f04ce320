"""Maps of a sweep of chips: a curve with its band for one setting, heat maps with contours for two."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from crossbar_hil.studies.axes import Axis
from crossbar_hil.studies.convergence.sweeping import ChipSweepResult
from crossbar_hil.studies.plotting import (
    BLUE,
    GREY,
    axes_that_vary,
    draw_map,
    label_values,
    open_frame,
    panels,
    places,
    save_figure,
    statistic,
)

LATER_COLOURS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00")
"""Of M. Okabe and K. Ito's set for all kinds of colour vision, as the blue."""
YIELDS = (50.0, 90.0, 95.0, 99.0)
"""Yields at which contours are drawn, in per cent."""


def plot_sweep(result: ChipSweepResult) -> Figure | None:
    """Draw the map of one or two settings; None if more vary, which a plane cannot show."""
    axes = axes_that_vary(result.sweep.axes)
    rows = result.rows()
    if len(axes) == 1:
        return _curve(axes[0], rows, result.sweep.noisy)
    return _heat_maps(axes[0], axes[1], rows, result.sweep.noisy) if len(axes) == 2 else None


def save_map(result: ChipSweepResult, path: Path) -> bool:
    """Draw the map into a PNG file, if there is one; say whether there is."""
    return save_figure(plot_sweep(result), path)


def _later(rows: Sequence[dict[str, Any]], noisy: bool) -> list[tuple[str, str]]:
    """Return name and title of what was seen of converged chips afterwards."""
    drifts = [name.removesuffix("_met") for name in rows[0] if name.startswith("drift_") and name.endswith("_met")]
    titles = [(name, f"after drift of {100 * float(name.removeprefix('drift_')):g} %") for name in drifts]
    return [*([("fresh", "on a fresh read")] if noisy else []), *titles]


def _curve(axis: Axis, rows: Sequence[dict[str, Any]], noisy: bool) -> Figure:
    figure = Figure(figsize=(6.6, 5.2), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    at = places(axis)
    upper.fill_between(at, *(statistic(rows, f"yield_{end}", 100) for end in ("low", "high")), color=BLUE, alpha=0.2)
    upper.plot(at, statistic(rows, "yield", 100), ".-", color=BLUE)
    upper.set(ylabel="Chips that converge (%)", ylim=(-2, 102))
    for (name, title), colour in zip(_later(rows, noisy), LATER_COLOURS, strict=False):
        upper.plot(
            at, statistic(rows, f"{name}_met", 100 / rows[0]["chips"]), ".--", color=colour, label=f"still met {title}"
        )
    if upper.get_legend_handles_labels()[0]:
        upper.legend(frameon=False, fontsize=8)
    upper.set_title(f"{rows[0]['chips']} simulated chips a point, band: 95 % interval", fontsize=10)
    lower.fill_between(at, statistic(rows, "epochs_5"), statistic(rows, "epochs_95"), color=GREY, alpha=0.2)
    lower.plot(at, statistic(rows, "epochs_50"), ".-", color="black", label="median")
    lower.plot(at, statistic(rows, "epochs_mean"), "--", color=GREY, label="mean")
    lower.set_ylabel("Epochs of these, 5 to 95 %")
    lower.set_ylim(bottom=0)
    lower.legend(frameon=False, fontsize=8)
    label_values(lower, axis)
    for panel in (upper, lower):
        open_frame(panel)
    return figure


def _heat_maps(down: Axis, across: Axis, rows: Sequence[dict[str, Any]], noisy: bool) -> Figure:
    shape = (len(down.values), len(across.values))
    later = _later(rows, noisy)
    figure, (left, right, *others) = panels(shape, 0.42, 2 + len(later))
    shares = statistic(rows, "yield", 100).reshape(shape)
    epochs = statistic(rows, "epochs_50").reshape(shape)
    draw_map(left, down, across, shares, "Chips that converge (%)", vmin=0.0, vmax=100.0)
    draw_map(right, down, across, epochs, "Median epochs of these", vmin=0.0, vmax=None)
    for panel, (name, title) in zip(others, later, strict=True):
        met = statistic(rows, f"{name}_share", 100).reshape(shape)
        draw_map(panel, down, across, met, f"Of these, met {title} (%)", vmin=0.0, vmax=100.0)
    lines = [share for share in YIELDS if shares.min() < share < shares.max()]
    if lines and min(shape) > 1:
        drawn = left.contour(shares, levels=lines, colors="black", linewidths=0.8, alpha=0.7)
        left.clabel(drawn, fmt="%g %%", fontsize=7)
    figure.suptitle(f"{rows[0]['chips']} simulated chips a cell", fontsize=10)
    return figure
