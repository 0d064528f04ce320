"""Axes and heat maps that every study draws alike: the brightest cell is the best one, whatever is counted."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import DataError
from crossbar_hil.figures import REPORT
from crossbar_hil.figures.cells import BAD, GOOD, draw_cells
from crossbar_hil.figures.pages import Sheet, Table, write_page
from crossbar_hil.figures.panes import MIDDLE, SMALL, new_axes, open_frame, short, short_apart
from crossbar_hil.studies.axes import Axis
from crossbar_hil.studies.folder import CHUNKS, PLAN
from crossbar_hil.studies.sweep import MAP, POINTS, SWEEP, SweepResult, value_text

MANY_SIZES = 20.0
"""Listed values that are so many times apart are drawn on a logarithmic axis."""
_TICKS, _APART = 12, 0.06
"""Values up to which each has a tick of its own, if they are that share of the axis apart."""
_MOST_LABELS = 16
MOST_LINES = 200
"""Points up to which a report has a line for each."""


def axes_that_vary(axes: Sequence[Axis]) -> list[Axis]:
    """Return the axes with more than one value, or the first if there are none."""
    return [axis for axis in axes if len(axis.values) > 1] or list(axes[:1])


def one_or_two(axes: Sequence[Axis]) -> list[Axis]:
    """Return the axes that vary.

    Raises
    ------
    DataError
        If a plane cannot show them.
    """
    found = axes_that_vary(axes)
    if len(found) > 2:
        names = ", ".join(str(axis.key) for axis in found)
        raise DataError(f"a map shows one or two settings, and {len(found)} vary: {names}")
    return found


def figure_of_panels(
    swept: Sequence[Axis], title: str, plots: Callable[[int], Sequence[Callable[[Axes], object]]]
) -> Figure | None:
    """Draw panels over the one or two settings that vary; None if more do, which a plane cannot show.

    Parameters
    ----------
    swept : sequence of Axis
        All axes of a sweep.
    title : str
        Above the panels.
    plots : callable
        Is told how many settings vary, and returns what draws each panel.
    """
    axes = axes_that_vary(swept)
    if len(axes) > 2:
        return None
    drawn = plots(len(axes))
    figure, found = panels(axes, len(drawn))
    for plot, panel in zip(drawn, found, strict=True):
        plot(panel)
    figure.suptitle(title, fontsize=10)
    return figure


def label_values(panel: Axes, axis: Axis) -> None:
    """Write the values of an axis below a curve."""
    panel.set_xlabel(axis.key.label)
    at = places(axis)
    if axis.spacing == "log" or _of_many_sizes(axis):
        panel.set_xscale("log")
        at = np.log(at)
    gaps = np.diff(np.sort(at))
    if not axis.is_number or (len(at) <= _TICKS and (gaps > _APART * (at.max() - at.min())).all()):
        panel.set_xticks(places(axis), value_labels(axis))
        panel.minorticks_off()


def finish_curve(panel: Axes, axis: Axis) -> Axes:
    """Write the values of an axis below a curve, take away what frames it, and return the Axes."""
    label_values(panel, axis)
    open_frame(panel)
    return panel


def _of_many_sizes(axis: Axis) -> bool:
    """Say whether listed values are powers of something rather than equally far apart."""
    if axis.spacing != "list" or not axis.is_number:
        return False
    at = places(axis)
    return bool(at.min() > 0 and at.max() >= MANY_SIZES * at.min())


def draw_map(
    panel: Axes,
    axes: Sequence[Axis],
    values: FloatArray,
    title: str,
    unit: str,
    *,
    better: str,
    high: float | None = None,
) -> None:
    """Draw one statistic of every point of two axes as a heat map from zero on.

    Parameters
    ----------
    panel : Axes
        Where.
    axes : sequence of Axis
        Two settings; the first goes upwards.
    values : ndarray of float, shape (D, A) or (D * A,)
        The statistic, not a number where there is none.
    title : str
        What it is.
    unit : str
        Of its numbers.
    better : str
        ``"much"`` or ``"little"``.
    high : float, optional
        End of the colours; that of the values if not given.
    """
    down, across = axes
    values = values.reshape(len(down.values), len(across.values))
    colours = GOOD if better == "much" else BAD
    draw_cells(
        panel,
        values,
        f"{unit}, bright is good",
        colours=colours,
        low=0.0,
        high=high,
        write=short,
        origin="lower",
        aspect="auto",
    )
    panel.set_title(f"{title} ({unit})" if unit == "%" else title, fontsize=10)
    for axis, set_ticks, set_label in (
        (down, panel.set_yticks, panel.set_ylabel),
        (across, panel.set_xticks, panel.set_xlabel),
    ):
        every = -(-len(axis.values) // _MOST_LABELS)
        set_ticks(np.arange(len(axis.values))[::every], value_labels(axis)[::every])
        set_label(axis.key.label, fontsize=MIDDLE)
    if max(map(len, value_labels(across))) * len(across.values) > 60:
        panel.tick_params(axis="x", labelrotation=45)


def draw_contours(panel: Axes, axes: Sequence[Axis], values: FloatArray, levels: Sequence[float]) -> None:
    """Draw lines of equal shares over a map that has no numbers, which they would cross."""
    values = values.reshape([len(axis.values) for axis in axes])
    inside = [level for level in levels if np.nanmin(values) < level < np.nanmax(values)]
    if panel.texts or not inside or min(values.shape) < 2:
        return
    drawn = panel.contour(values, levels=inside, colors="black", linewidths=0.9)
    panel.clabel(drawn, fmt="%g %%", fontsize=SMALL)


def places(axis: Axis) -> FloatArray:
    """Return where the values of an axis stand: at themselves if they are numbers, else one after the other."""
    if axis.is_number:
        return np.array(axis.values, dtype=float)
    return np.arange(len(axis.values), dtype=float)


def value_labels(axis: Axis) -> list[str]:
    """Write the values of an axis: those that a person listed as they are, those of a range in few digits."""
    if not axis.is_number:
        return [str(value) for value in axis.values]
    return short_apart([float(value) for value in axis.values], 4 if axis.spacing == "list" else 2)


def statistic(rows: Sequence[dict[str, Any]], name: str, factor: float = 1.0) -> FloatArray:
    """Return one statistic of every point; not a number where there is none."""
    return np.array([np.nan if row[name] is None else factor * row[name] for row in rows], dtype=float)


def map_size(axes: Sequence[Axis]) -> tuple[float, float]:
    """Return the size of the map of two settings, or of the curve of one, in inches."""
    if len(axes) < 2:
        return 6.6, 2.8
    down, across = (len(axis.values) for axis in axes)
    return min(max(2.0 + 0.5 * across, 4.0), 13.0), min(max(1.3 + 0.3 * down, 2.6), 10.0)


def new_panel(axes: Sequence[Axis]) -> Axes:
    """Return new Axes for the map of two settings, or for the curve of one."""
    return new_axes(map_size(axes))


def panels(axes: Sequence[Axis], number: int) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many maps or curves: one below the other, or two side by side if they are narrow."""
    width, height = map_size(axes)
    across = 2 if width <= 4.8 and number > 1 else 1
    down = -(-number // across)
    figure = Figure(figsize=(across * width, down * height), layout="constrained")
    drawn = list(np.ravel(figure.subplots(down, across, sharex=len(axes) < 2, squeeze=False)))
    for panel in drawn[number:]:
        panel.remove()
    return figure, drawn[:number]


def write_sweep(result: SweepResult, figure: Figure | None, folder: Path, given: Sequence[str] = ()) -> None:
    """Write the map of a sweep, if it has one, and its report into its folder, over those that it wrote before.

    Parameters
    ----------
    result : SweepResult
        What came of it.
    figure : Figure or None
        Its map.
    folder : Path
        Its folder.
    given : sequence of str
        What else lies there, for the report to lead to.
    """
    sweep, best = result.sweep, result.best
    names = [axis.key.label for axis in sweep.axes]
    header, told = result.table()
    rows = [[*map(value_text, each), *cells] for each, cells in zip(sweep.values, told, strict=True)]
    heading = "Points" if len(rows) <= MOST_LINES else f"The first {MOST_LINES} of {len(rows)} points; {POINTS} has all"
    sheet = Sheet(
        f"Sweep over {' and '.join(str(axis.key) for axis in sweep.axes)}",
        result.describe_count()[1],
        lines=[f"Best: {sweep.describe(best)}: {result.share(best)}."],
        tables=[Table(heading, rows[:MOST_LINES], [*names, *header])],
        figures=[] if figure is None else [("Map", figure)],
        files=[POINTS, SWEEP, PLAN, CHUNKS, *given],
    )
    write_page(sheet, folder / REPORT, pictures=[] if figure is None else [folder / MAP], replace=True)
