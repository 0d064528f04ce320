"""Figures of a twin, and of how well predictions held."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crossbar_hil.figures.chips import plot_map
from crossbar_hil.figures.panes import BLUE, GREY, ORANGE, SMALL, engineering, new_axes, open_frame, whole_ticks
from crossbar_hil.twins.file import Twin
from crossbar_hil.twins.readings import Readings
from crossbar_hil.twins.tally import Tally

MOST_NAMED = 32
"""Cells up to which each has its name."""
_PANEL = (4.5, 3.4)


def draw_twin(twin: Twin, readings: Readings) -> Figure:
    """Draw what was read and what was made of it: four panels."""
    figure = Figure(figsize=(9.0, 7.0), layout="constrained")
    panels = figure.subplots(2, 2)
    plot_readings(twin, readings, panels[0, 0])
    plot_step_factors(twin, panels[0, 1])
    plot_map(np.array(twin.cells.now_siemens), panels[1, 0], title="After the calibration")
    plot_curves(twin, panels[1, 1])
    return figure


def plot_readings(twin: Twin, readings: Readings, ax: Axes | None = None) -> Axes:
    """Draw the mean reading of every cell against its pulses, and what the curve alone expects of the mean cell."""
    ax = ax or new_axes(_PANEL)
    means = np.array([each.mean(axis=0).ravel() for each in readings.rounds()])
    factor, unit = engineering(means, "S")
    numbers = np.arange(len(means))
    ax.plot(numbers, factor * means, ".-", color=BLUE, linewidth=1, alpha=0.6)
    curve = np.array(twin.curve_siemens)[: len(means)]
    expected = means[0].mean() + twin.scale * (curve - curve[0])
    ax.plot(
        numbers[: len(curve)], factor * expected, "--", color=ORANGE, linewidth=2, label="curve, from the mean start"
    )
    ax.set(xlabel="Pulses a cell", ylabel=f"Conductance ({unit})")
    ax.set_title("Readings of every cell", fontsize=10)
    ax.legend(fontsize=SMALL, frameon=False)
    open_frame(ax)
    whole_ticks(ax.xaxis, 8)
    return ax


def plot_step_factors(twin: Twin, ax: Axes | None = None) -> Axes:
    """Draw the step factor of every cell with its 95 % interval, the smallest first, and the spread of all."""
    ax = ax or new_axes(_PANEL)
    middle, low, high = (
        np.array(each).ravel()
        for each in (twin.cells.step_factor, twin.cells.step_factor_low, twin.cells.step_factor_high)
    )
    order = np.argsort(middle)
    places = np.arange(len(order))
    spread, mean = twin.numbers.step_spread.value, twin.numbers.mean_factor.value
    ax.axhspan(mean * np.exp(-1.96 * spread), mean * np.exp(1.96 * spread), color=GREY, alpha=0.25, linewidth=0)
    ax.axhline(mean, color=GREY, linewidth=1)
    errors = np.array([middle - low, high - middle])[:, order]
    ax.errorbar(places, middle[order], yerr=np.maximum(errors, 0), fmt="o", color=BLUE, markersize=4, linewidth=1)
    if len(order) <= MOST_NAMED:
        names = [f"{each // twin.columns + 1},{each % twin.columns + 1}" for each in order]
        ax.set_xticks(places, names, rotation=90)
    ax.set(xlabel="Cell (row, column)", ylabel="Step factor against the curve")
    ax.set_title(f"Step factors; grey: 95 % of all, spread {spread:.2g}", fontsize=10)
    open_frame(ax)
    return ax


def plot_curves(twin: Twin, ax: Axes | None = None) -> Axes:
    """Draw the curves on which the cells go on, each from where it is now by its median step factor."""
    ax = ax or new_axes(_PANEL)
    rises = twin.scale * (np.array(twin.curve_siemens) - twin.curve_siemens[0])
    start, step, level = (
        np.array(each).ravel() for each in (twin.cells.start_siemens, twin.cells.step_factor, twin.cells.level)
    )
    lines = start + np.multiply.outer(rises, step)
    factor, unit = engineering(lines, "S")
    ax.plot(np.arange(len(rises)), factor * lines, color=BLUE, linewidth=0.8, alpha=0.5)
    ax.plot(level, factor * np.array(twin.cells.now_siemens).ravel(), "o", color=ORANGE, markersize=4, label="now")
    ax.set(xlabel="Level (pulses from the start)", ylabel=f"Conductance ({unit})")
    ax.set_title("The curve of each cell, and where it is", fontsize=10)
    ax.legend(fontsize=SMALL, frameon=False, loc="lower right")
    open_frame(ax)
    return ax


def draw_reliability(found: Tally) -> Figure:
    """Draw what happened against what was predicted as a whole figure."""
    figure = Figure(figsize=(4.8, 4.8), layout="constrained")
    plot_reliability(found, figure.subplots())
    return figure


def plot_reliability(found: Tally, ax: Axes | None = None) -> Axes:
    """Draw what happened against what was predicted, with the 95 % interval of each bin."""
    ax = ax or new_axes((4.8, 4.6))
    ax.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1, label="as predicted")
    predicted = [each.predicted for each in found.bins]
    share = np.array([each.share for each in found.bins])
    ends = np.array([each.interval for each in found.bins]).T
    errors = np.abs(np.array([share - ends[0], ends[1] - share]))
    ax.errorbar(predicted, share, yerr=errors, fmt="o", color=BLUE, label="happened, 95 % interval")
    for each in found.bins:
        left = each.predicted > 0.9
        ax.annotate(
            str(each.count),
            (each.predicted, each.share),
            textcoords="offset points",
            xytext=(-8 if left else 8, -3),
            ha="right" if left else "left",
            fontsize=SMALL,
        )
    ax.set(xlabel="Predicted probability of convergence", ylabel="Share that converged")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    ax.set_title(
        f"{found.count} predictions, Brier score {found.brier:.3f} ({found.brier_of_base_rate:.3f} by the base rate)",
        fontsize=9,
    )
    ax.legend(fontsize=SMALL, frameon=False, loc="upper left")
    open_frame(ax)
    return ax
