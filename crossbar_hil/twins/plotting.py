"""Figures of a twin, and of how well predictions held."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import RunError, reason_of
from crossbar_hil.twins.file import Twin
from crossbar_hil.twins.readings import Readings
from crossbar_hil.twins.tally import Tally

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#999999"
MICRO = 1e6


def draw_twin(twin: Twin, readings: Readings) -> Figure:
    """Draw what was read and what was made of it: four panels."""
    figure = Figure(figsize=(9.0, 7.0), layout="constrained")
    panels = figure.subplots(2, 2)
    plot_readings(twin, readings, panels[0, 0])
    plot_step_factors(twin, panels[0, 1])
    plot_map(np.array(twin.cells.now_siemens), panels[1, 0])
    plot_curves(twin, panels[1, 1])
    return figure


def plot_readings(twin: Twin, readings: Readings, axes: Axes) -> Axes:
    """Draw the mean reading of every cell against its pulses, and what the curve alone expects of the mean cell."""
    means = np.array([each.mean(axis=0).ravel() for each in readings.rounds()])
    numbers = np.arange(len(means))
    axes.plot(numbers, MICRO * means, ".-", color=BLUE, linewidth=1, alpha=0.6)
    curve = np.array(twin.curve_siemens)[: len(means)]
    axes.plot(
        numbers[: len(curve)],
        MICRO * (means[0].mean() + twin.scale * (curve - curve[0])),
        "--",
        color=ORANGE,
        label="curve, from the mean start",
    )
    axes.set_xticks(numbers)
    axes.set(xlabel="Pulses a cell", ylabel="Conductance (µS)")
    axes.set_title("Readings of every cell", fontsize=10)
    axes.legend(fontsize=8, frameon=False)
    return axes


def plot_step_factors(twin: Twin, axes: Axes) -> Axes:
    """Draw the step factor of every cell with its 95 % interval, the smallest first, and the spread of all."""
    middle, low, high = (
        np.array(each).ravel()
        for each in (twin.cells.step_factor, twin.cells.step_factor_low, twin.cells.step_factor_high)
    )
    order = np.argsort(middle)
    places = np.arange(len(order))
    spread, mean = twin.numbers.step_spread.value, twin.numbers.mean_factor.value
    axes.axhspan(mean * np.exp(-1.96 * spread), mean * np.exp(1.96 * spread), color=GREY, alpha=0.25, linewidth=0)
    axes.axhline(mean, color=GREY, linewidth=1)
    errors = np.array([middle - low, high - middle])[:, order]
    axes.errorbar(places, middle[order], yerr=np.maximum(errors, 0), fmt="o", color=BLUE, markersize=4, linewidth=1)
    if len(order) <= 32:
        names = [f"r{each // twin.columns + 1} c{each % twin.columns + 1}" for each in order]
        axes.set_xticks(places, names, rotation=90, fontsize=7)
    axes.set(xlabel="Cell", ylabel="Step factor against the curve")
    axes.set_title(f"Step factors; grey: 95 % of all, spread {spread:.2g}", fontsize=10)
    return axes


def plot_map(siemens: FloatArray, axes: Axes) -> Axes:
    """Draw the conductance of every cell after the calibration."""
    image = axes.imshow(MICRO * siemens, cmap="viridis")
    rows, columns = siemens.shape
    axes.set_xticks(range(columns), [str(each + 1) for each in range(columns)])
    axes.set_yticks(range(rows), [str(each + 1) for each in range(rows)])
    axes.set(xlabel="Column", ylabel="Row")
    axes.set_title("After the calibration", fontsize=10)
    if axes.figure is not None:
        axes.figure.colorbar(image, ax=axes, label="Conductance (µS)")
    if siemens.size <= 100:
        middle = (siemens.max() + siemens.min()) / 2
        for (row, column), value in np.ndenumerate(siemens):
            colour = "black" if value > middle else "white"
            axes.text(column, row, f"{MICRO * value:.3g}", ha="center", va="center", fontsize=8, color=colour)
    return axes


def plot_curves(twin: Twin, axes: Axes) -> Axes:
    """Draw the curves on which the cells go on, each from where it is now by its median step factor."""
    rises = twin.scale * (np.array(twin.curve_siemens) - twin.curve_siemens[0])
    levels = np.arange(len(rises))
    start, factor, level = (
        np.array(each).ravel() for each in (twin.cells.start_siemens, twin.cells.step_factor, twin.cells.level)
    )
    for cell in range(len(start)):
        axes.plot(levels, MICRO * (start[cell] + factor[cell] * rises), color=BLUE, linewidth=0.8, alpha=0.5)
    axes.plot(level, MICRO * np.array(twin.cells.now_siemens).ravel(), "o", color=ORANGE, markersize=4, label="now")
    axes.set(xlabel="Level", ylabel="Conductance (µS)")
    axes.set_title("The curve of each cell, and where it is", fontsize=10)
    axes.legend(fontsize=8, frameon=False, loc="lower right")
    return axes


def draw_reliability(found: Tally) -> Figure:
    """Draw what happened against what was predicted, with the 95 % interval of each bin."""
    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1, label="as predicted")
    predicted = [each.predicted for each in found.bins]
    share = np.array([each.share for each in found.bins])
    ends = np.array([each.interval for each in found.bins]).T
    errors = np.abs(np.array([share - ends[0], ends[1] - share]))
    axes.errorbar(predicted, share, yerr=errors, fmt="o", color=BLUE, label="happened, 95 % interval")
    for each in found.bins:
        left = each.predicted > 0.9
        axes.annotate(
            str(each.count),
            (each.predicted, each.share),
            textcoords="offset points",
            xytext=(-8 if left else 8, -3),
            ha="right" if left else "left",
            fontsize=8,
        )
    axes.set(xlabel="Predicted probability of convergence", ylabel="Share that converged")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_title(
        f"{found.count} predictions, Brier score {found.brier:.3f} ({found.brier_of_base_rate:.3f} by the base rate)",
        fontsize=9,
    )
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG into a new file.

    Raises
    ------
    RunError
        If it exists, which is never overwritten, or cannot be written.
    """
    FigureCanvasAgg(figure)
    try:
        with path.open("xb") as file:
            figure.savefig(file, format="png", dpi=120)
    except FileExistsError as error:
        raise RunError(f"{path} exists already and is not overwritten") from error
    except OSError as error:
        raise RunError(f"{path} cannot be written: {reason_of(error)}") from error
