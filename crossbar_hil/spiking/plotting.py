"""Figures of a spiking run, and maps of a sweep of networks: each draws on the Axes given, or on new ones."""

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.figures.cells import draw_cells
from crossbar_hil.figures.panes import (
    BLACK,
    BLUE,
    COLOURS,
    GREY,
    MIDDLE,
    ORANGE,
    SMALL,
    engineering,
    figure_of,
    in_brackets,
    new_axes,
    open_frame,
    whole_ticks,
)
from crossbar_hil.spiking.network.labels import Evaluation, Labels
from crossbar_hil.spiking.network.neurons import Singles
from crossbar_hil.spiking.panels import Classes, name_of, recent, window_of
from crossbar_hil.spiking.sweeping import NetworkResult
from crossbar_hil.studies.plotting import (
    draw_map,
    figure_of_panels,
    finish_curve,
    new_panel,
    one_or_two,
    places,
    statistic,
    write_sweep,
)

MOST_FIELDS = 100
MOST_STEPS = 80
"""Membranes are drawn for so many steps at most."""
_GAP = 0.12
"""Between two receptive fields, as a share of their width."""
_LEAST_INCHES = 1.6
"""Height of a figure of receptive fields, for the name of its colours."""
_NAME = 0.5
"""Room for the name above one, as a share of its height."""


def colour_of(label: int) -> str:
    """Return the colour of a class."""
    return COLOURS[label % len(COLOURS)]


def plot_fields(
    weights: Singles,
    labels: Labels | None,
    *,
    unit: str = "S",
    picture: tuple[int, int] | None = None,
    classes: Classes = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw the conductances to each neuron as an image, sorted by what the neurons stand for, up to 100 of them.

    Parameters
    ----------
    weights : ndarray of float32, shape (K, N)
        Conductances.
    labels : Labels or None
        What the neurons stand for.
    unit : str
        Of the conductances.
    picture : tuple of int, optional
        Height and width of an image in pixels; a square, or else one line, if not given.
    classes : sequence of str
        Names of the classes 0, 1, ...; their numbers if not given.
    ax : Axes, optional
        Where.
    """
    inputs, outputs = weights.shape
    side = math.isqrt(inputs)
    shape = picture or ((side, side) if side * side == inputs else (1, inputs))
    names = labels.of_neurons if labels is not None else np.zeros(outputs, np.int64)
    order = np.argsort(names, kind="stable")[:MOST_FIELDS]
    across = min(len(order), 10)
    down = math.ceil(len(order) / across)
    factor, prefixed = engineering(weights.astype(np.float64), unit)
    high, wide = shape
    pitch = high + max(1, round(_NAME * high)), wide + max(1, round(_GAP * wide))
    ax = ax or new_axes((6.6, max(_LEAST_INCHES, 0.4 + 5.6 * down * pitch[0] / (across * pitch[1]))))
    drawn = np.full((down * pitch[0], across * pitch[1]), np.nan)
    for place, neuron in enumerate(order):
        bottom, left = (place // across + 1) * pitch[0], place % across * pitch[1]
        drawn[bottom - high : bottom, left : left + wide] = factor * weights[:, neuron].reshape(shape)
        if labels is not None:
            colour, middle = colour_of(int(names[neuron])), left + (wide - 1) / 2
            name = name_of(int(names[neuron]), classes)
            ax.text(middle, bottom - high - 0.6, name, ha="center", fontsize=SMALL, color=colour)
    image = ax.imshow(drawn, cmap="viridis", vmin=factor * weights.min(), vmax=factor * weights.max())
    ax.set_axis_off()
    bar = figure_of(ax).colorbar(image, ax=ax, shrink=0.8, aspect=30, pad=0.02)
    bar.set_label(in_brackets("Conductance", prefixed) if unit else "Weight (no unit)", fontsize=MIDDLE)
    bar.ax.tick_params(labelsize=SMALL)
    return ax


def plot_confusion(result: Evaluation, ax: Axes | None = None, *, classes: Classes = ()) -> Axes:
    """Draw how many images of each class were answered with which class, and how many with none."""
    ax = ax or new_axes((5.0, 4.0))
    silent = result.images - result.confusion.sum()
    names = [name_of(int(label), classes) for label in result.classes]
    shares = 100 * result.confusion / np.maximum(result.confusion.sum(axis=1, keepdims=True), 1)
    counts = iter(result.confusion.flat)
    draw_cells(
        ax,
        shares,
        "Share of the answers to a class (%)",
        colours="Blues",
        low=0.0,
        high=100.0,
        write=lambda _: str(next(counts)),
    )
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names)
    ax.set_xlabel("Answer (class); numbers: images")
    ax.set_ylabel("True class")
    told = f", {silent} images without an answer" if silent else ""
    ax.set_title(f"{100 * result.accuracy:.1f} % of {result.images} images{told}", fontsize=10)
    return ax


def plot_raster(
    raster: BoolArray, shown: IntArray, labels: Labels | None, ax: Axes | None = None, *, classes: Classes = ()
) -> Axes:
    """Draw every output spike while sample images are shown one after the other.

    Parameters
    ----------
    raster : ndarray of bool, shape (P, T, N)
        Output spikes.
    shown : ndarray of int, shape (P,)
        Classes of the images.
    labels : Labels or None
        What the neurons stand for; their rows are sorted by it.
    ax : Axes, optional
        Where.
    classes : sequence of str
        Names of the classes 0, 1, ...; their numbers if not given.
    """
    _, steps, outputs = raster.shape
    names = labels.of_neurons if labels is not None else np.zeros(outputs, np.int64)
    place = np.empty(outputs, np.int64)
    place[np.argsort(names, kind="stable")] = np.arange(1, outputs + 1)
    ax = ax or new_axes((6.6, 3.4))
    images, times, neurons = np.nonzero(raster)
    colours = [colour_of(int(names[neuron])) for neuron in neurons] if labels is not None else BLACK
    size = 14 if outputs <= 60 else 5
    ax.scatter(images * steps + times, place[neurons], s=size, c=colours, marker="|", linewidths=1.3)
    _part_images(ax, shown, steps, classes)
    if labels is not None:
        _name_classes(ax, names, sorted({*map(int, names), *map(int, shown)}), classes)
    ax.set_ylim(0.2, outputs + 0.8)
    ax.set_ylabel("Neuron, sorted by class")
    _tidy(ax)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return ax


def plot_inputs(
    spikes: BoolArray, raster: BoolArray, shown: IntArray, ax: Axes | None = None, *, classes: Classes = ()
) -> Axes:
    """Draw the spikes of every input while sample images are shown, and the steps in which a neuron spiked.

    Parameters
    ----------
    spikes : ndarray of bool, shape (P, T, K)
        Input spikes.
    raster : ndarray of bool, shape (P, T, N)
        Output spikes.
    shown : ndarray of int, shape (P,)
        Classes of the images.
    ax : Axes, optional
        Where.
    classes : sequence of str
        Names of the classes 0, 1, ...; their numbers if not given.
    """
    _, steps, inputs = spikes.shape
    ax = ax or new_axes((6.6, 3.4))
    images, times, rows = np.nonzero(spikes)
    ax.scatter(images * steps + times, rows + 1, s=10, c=BLACK, marker="|", linewidths=1.2)
    images, times = np.nonzero(raster.any(axis=2))
    ends = np.full(len(images), inputs + 0.8)
    ax.vlines(
        images * steps + times, 0.2, ends, color=ORANGE, linewidth=2.5, alpha=0.5, label="a neuron spikes", zorder=0
    )
    _part_images(ax, shown, steps, classes)
    ax.set_ylim(inputs + 0.8, 0.2)
    ax.set_ylabel("Input (row)")
    ax.legend(frameon=False, fontsize=SMALL, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    _tidy(ax)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return ax


def _part_images(ax: Axes, shown: IntArray, steps: int, classes: Classes) -> None:
    """Part images that are shown one after the other by lines, and name their classes above."""
    for image, label in enumerate(shown.tolist()):
        ax.axvline(image * steps, color=GREY, linewidth=0.5)
        ax.annotate(
            name_of(label, classes),
            ((image + 0.5) * steps, 1.01),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize=MIDDLE,
            color=colour_of(label),
        )
    ax.set_xlim(0, len(shown) * steps)
    ax.set_title("Class of the image shown", fontsize=MIDDLE, pad=14)
    ax.set_xlabel("Time (steps)")


def _name_classes(ax: Axes, names: IntArray, present: Sequence[int], classes: Classes) -> None:
    """Name every class beside the raster, with how many neurons stand for it, and part their rows by lines."""
    counts = [int(np.count_nonzero(names == each)) for each in present]
    handles = [
        Line2D(
            [],
            [],
            color=colour_of(each),
            linewidth=3,
            label=f"{name_of(each, classes)}: {count or 'no'} neuron{'s' * (count != 1)}",
        )
        for each, count in zip(present, counts, strict=True)
    ]
    ax.legend(
        handles=handles[::-1],
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        fontsize=SMALL,
        title="Class",
        title_fontsize=SMALL,
        handlelength=1.0,
    )
    for end in np.cumsum(counts)[:-1]:
        ax.axhline(end + 0.5, color=GREY, linewidth=0.4, linestyle=":")


def plot_membranes(
    membranes: FloatArray,
    thresholds: Singles,
    spikes: BoolArray,
    labels: Labels | None,
    ax: Axes | None = None,
    *,
    classes: Classes = (),
) -> Axes:
    """Draw the membranes of the three neurons that came nearest to their thresholds, or spiked, during one image.

    Parameters
    ----------
    membranes : ndarray of float, shape (T, N)
        After each step, in volts.
    thresholds : ndarray of float, shape (N,)
        In volts.
    spikes : ndarray of bool, shape (T, N)
        Output spikes.
    labels : Labels or None
        What the neurons stand for.
    ax : Axes, optional
        Where.
    classes : sequence of str
        Names of the classes 0, 1, ...; their numbers if not given.
    """
    membranes, spikes = membranes[:MOST_STEPS], spikes[:MOST_STEPS]
    factor, unit = engineering(thresholds.astype(np.float64), "V")
    nearness = spikes.sum(axis=0) * 10 + (membranes / thresholds).max(axis=0)
    ax = ax or new_axes((6.6, 2.8))
    times = np.arange(1, len(membranes) + 1)
    for rank, neuron in enumerate(np.argsort(-nearness)[:3]):
        colour = COLOURS[rank]
        stands_for = "" if labels is None else f" ({name_of(int(labels.of_neurons[neuron]), classes)})"
        ax.plot(
            times, factor * membranes[:, neuron], color=colour, linewidth=1.2, label=f"neuron {neuron + 1}{stands_for}"
        )
        ax.axhline(factor * thresholds[neuron], color=colour, linewidth=0.9, linestyle="--")
        fired = np.flatnonzero(spikes[:, neuron])
        ax.plot(times[fired], np.full(len(fired), factor * thresholds[neuron]), "v", color=colour, markersize=5)
    ax.set_xlabel("Time (steps)")
    ax.set_ylabel(f"Membrane ({unit})")
    ax.legend(
        frameon=False,
        fontsize=SMALL,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        title="neuron (class)\ndashed: threshold\ntriangle: spike",
        title_fontsize=SMALL,
    )
    _tidy(ax)
    return ax


def plot_accuracy(
    record: IntArray, result: Evaluation | None = None, *, chance: float | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the share of right answers while the network learnt, over the images of late.

    Parameters
    ----------
    record : ndarray of int, shape (M, 4)
        Images so far, right, silent and spikes of each part.
    result : Evaluation, optional
        What the test images came to.
    chance : float, optional
        Accuracy of guessing.
    ax : Axes, optional
        Where.
    """
    ax = ax or new_axes((6.6, 3.0))
    window = window_of(record)
    late = recent(record, window)
    label = f"while learning, the last {window} images at each point"
    ax.plot(late[:, 0], 100 * late[:, 1], color=BLUE, linewidth=1.5, label=label)
    ax.annotate(
        f"{100 * late[-1, 1]:.1f} %",
        (late[-1, 0], 100 * late[-1, 1]),
        xytext=(4, 0),
        textcoords="offset points",
        fontsize=SMALL,
        color=BLUE,
        va="top" if result is not None and result.accuracy > late[-1, 1] else "bottom",
    )
    if result is not None:
        label = f"all {result.images} test images, after training: {100 * result.accuracy:.1f} %"
        ax.axhline(100 * result.accuracy, color=ORANGE, linewidth=1.2, linestyle="--", label=label)
    if chance is not None:
        ax.axhline(100 * chance, color=GREY, linewidth=1, linestyle=":", label=f"guessing: {100 * chance:.0f} %")
    ax.set_ylim(0, 102)
    ax.set_xlabel("Training images shown")
    ax.set_ylabel("Right answers (%)")
    ax.legend(frameon=False, fontsize=SMALL, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    _tidy(ax)
    return ax


def plot_cell_voltages(cells: FloatArray, ax: Axes | None = None) -> Axes:
    """Draw what is left of the input voltages at each cell, where wires take their share.

    Parameters
    ----------
    cells : ndarray of float, shape (K, N)
        Voltage across each cell, in volts.
    ax : Axes, optional
        Where.
    """
    ax = ax or new_axes((4.2, 3.4))
    factor, unit = engineering(cells, "V")
    rows, columns = cells.shape
    draw_cells(
        ax,
        factor * cells,
        f"Voltage across the cell ({unit})",
        low=0.0,
        aspect="auto",
        extent=(0.5, columns + 0.5, rows + 0.5, 0.5),
        written=False,
    )
    ax.set_xlabel("Column (neuron)")
    ax.set_ylabel("Row (input)")
    for axis in (ax.xaxis, ax.yaxis):
        whole_ticks(axis, 8)
    return ax


def plot_column_shares(currents: FloatArray, ideal: FloatArray, ax: Axes | None = None) -> Axes:
    """Draw what wires leave of the current of each column.

    Parameters
    ----------
    currents, ideal : ndarray of float, shape (N,)
        Currents of the columns, and those with perfect wires, in amperes.
    ax : Axes, optional
        Where.
    """
    ax = ax or new_axes((2.8, 3.4))
    ax.plot(np.arange(1, len(currents) + 1), 100 * currents / ideal, ".-", color=BLUE, markersize=4)
    ax.set_ylim(0, 102)
    ax.set_xlabel("Column (neuron)")
    ax.set_ylabel("Current (% of perfect wires)")
    _tidy(ax)
    return ax


def draw_voltages(cells: FloatArray, currents: FloatArray, ideal: FloatArray) -> Figure:
    """Draw the voltages at the cells, and beside them the currents of the columns."""
    figure = Figure(figsize=(6.6, 3.4), layout="constrained")
    panel, side = figure.subplots(1, 2, width_ratios=(3, 2))
    plot_cell_voltages(cells, panel)
    plot_column_shares(currents, ideal, side)
    return figure


def _tidy(axes: Axes) -> None:
    open_frame(axes)
    whole_ticks(axes.xaxis, 10)


def write_networks(result: NetworkResult, folder: Path) -> None:
    """Write the map of a sweep of networks, if it has one, and its report into its folder."""
    write_sweep(result, draw_networks(result), folder)


def draw_networks(result: NetworkResult) -> Figure | None:
    """Draw the map of one or two settings; None if more vary, which a plane cannot show."""
    title = f"{result.sweep.networks} networks a point, all test images of dataset {result.sweep.settings.dataset}"
    plots = [partial(plot_network_accuracy, result), partial(plot_network_spread, result)]
    return figure_of_panels(result.sweep.axes, title, lambda vary: plots[:vary])


def plot_network_accuracy(result: NetworkResult, ax: Axes | None = None) -> Axes:
    """Draw the mean accuracy of the networks over one or two settings; over one also every network.

    Raises
    ------
    DataError
        If more settings vary.
    """
    axes, rows = one_or_two(result.sweep.axes), result.rows()
    ax = ax or new_panel(axes)
    mean, spread = _accuracy(rows)
    if len(axes) == 2:
        draw_map(ax, axes, mean, "Mean accuracy", "%", better="much", high=100.0)
        return ax
    at = places(axes[0])
    ax.fill_between(at, mean - spread, mean + spread, color=BLUE, alpha=0.2, label="standard deviation")
    ax.plot(at, mean, "-", color=BLUE, label="mean")
    each = [(place, 100 * one.accuracy) for place, all_ in zip(at, result.answered, strict=True) for one in all_]
    ax.plot(*zip(*each, strict=True), ".", color=BLACK, markersize=4, label="a network")
    ax.set_ylabel("Accuracy (%)")
    ax.set_ylim(0, 102)
    ax.legend(frameon=False, fontsize=SMALL, loc="lower right")
    return finish_curve(ax, axes[0])


def plot_network_spread(result: NetworkResult, ax: Axes | None = None) -> Axes:
    """Draw the standard deviation of the accuracy between networks over one or two settings.

    Raises
    ------
    DataError
        If more settings vary.
    """
    axes, title = one_or_two(result.sweep.axes), "Deviation between networks"
    ax = ax or new_panel(axes)
    _, spread = _accuracy(result.rows())
    if len(axes) == 2:
        draw_map(ax, axes, spread, title, "%", better="little")
        return ax
    ax.plot(places(axes[0]), spread, ".-", color=BLUE)
    ax.set_ylabel(f"{title} (%)")
    ax.set_ylim(bottom=0)
    return finish_curve(ax, axes[0])


def _accuracy(rows: Sequence[dict[str, Any]]) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation at each point, in per cent."""
    return statistic(rows, "accuracy", 100), np.nan_to_num(statistic(rows, "accuracy_sd", 100))
