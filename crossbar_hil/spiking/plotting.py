"""Figures of a spiking run (receptive fields, confusion, spikes, membranes, accuracy, voltages), maps of a sweep."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.figures.panes import engineering
from crossbar_hil.spiking.network.labels import Evaluation, Labels
from crossbar_hil.spiking.network.neurons import Singles
from crossbar_hil.spiking.sweeping import Answered, NetworkResult
from crossbar_hil.studies.axes import Axis
from crossbar_hil.studies.plotting import (
    axes_that_vary,
    draw_map,
    label_values,
    open_frame,
    panels,
    places,
    save_figure,
    statistic,
)

MOST_FIELDS = 100
MOST_STEPS = 80
"""Membranes are drawn for so many steps at most."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442", "#666666", "#882255")
"""Okabe and Ito's colours and two more, one a class."""
_BLUE, _GREY = COLOURS[0], "#666666"


def colour_of(label: int) -> str:
    """Return the colour of a class."""
    return COLOURS[label % len(COLOURS)]


def plot_fields(weights: Singles, labels: Labels | None, *, unit: str = "S") -> Figure:
    """Draw the conductances to each neuron as an image, sorted by what the neurons stand for, up to 100 of them."""
    inputs, outputs = weights.shape
    side = math.isqrt(inputs)
    shape = (side, side) if side * side == inputs else (1, inputs)
    names = labels.of_neurons if labels is not None else np.zeros(outputs, np.int64)
    order = np.argsort(names, kind="stable")[:MOST_FIELDS]
    across = min(len(order), 10)
    down = math.ceil(len(order) / across)
    figure = Figure(figsize=(6.6, max(1.9, 0.78 * down + 0.5)), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False)
    factor, name = engineering(weights.astype(np.float64), unit)
    image = None
    for panel in panels.flat:
        panel.set_axis_off()
    for panel, neuron in zip(panels.flat, order, strict=False):
        field = factor * weights[:, neuron].reshape(shape)
        image = panel.imshow(field, cmap="viridis", vmin=factor * weights.min(), vmax=factor * weights.max())
        if labels is not None:
            panel.set_title(str(names[neuron]), fontsize=8, color=colour_of(int(names[neuron])), pad=2)
    if image is not None:
        figure.colorbar(image, ax=list(panels.flat), label=f"Conductance ({name})", shrink=0.8, aspect=30)
    return figure


def plot_confusion(result: Evaluation) -> Figure:
    """Draw how many images of each class were answered with which class, and how many with none."""
    silent = result.images - result.confusion.sum()
    classes = [str(label) for label in result.classes]
    figure = Figure(figsize=(4.6, 4.0), layout="constrained")
    panel = figure.subplots()
    rows = result.confusion / np.maximum(result.confusion.sum(axis=1, keepdims=True), 1)
    panel.imshow(rows, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(result.confusion):
        ink = "white" if rows[row, column] > 0.6 else "black"
        panel.text(column, row, str(count), ha="center", va="center", fontsize=8, color=ink)
    panel.set_xticks(range(len(classes)), classes)
    panel.set_yticks(range(len(classes)), classes)
    panel.set_xlabel("Answer")
    panel.set_ylabel("True class")
    told = f", {silent} images without an answer" if silent else ""
    panel.set_title(f"{100 * result.accuracy:.1f} % of {result.images} images{told}", fontsize=10)
    return figure


def plot_raster(raster: BoolArray, shown: IntArray, labels: Labels | None) -> Figure:
    """Draw every output spike while sample images are shown one after the other.

    Parameters
    ----------
    raster : ndarray of bool, shape (P, T, N)
        Output spikes.
    shown : ndarray of int, shape (P,)
        Classes of the images.
    labels : Labels or None
        What the neurons stand for; their rows are sorted by it.
    """
    count, steps, outputs = raster.shape
    names = labels.of_neurons if labels is not None else np.zeros(outputs, np.int64)
    order = np.argsort(names, kind="stable")
    place = np.empty(outputs, np.int64)
    place[order] = np.arange(outputs)
    figure = Figure(figsize=(6.6, 3.2), layout="constrained")
    panel = figure.subplots()
    images, times, neurons = np.nonzero(raster)
    colours = [colour_of(int(names[neuron])) for neuron in neurons]
    size = 12 if outputs <= 60 else 4
    panel.scatter(images * steps + times, place[neurons], s=size, c=colours, marker="|", linewidths=1.2)
    for image in range(count):
        panel.axvline(image * steps, color=_GREY, linewidth=0.5)
        panel.text((image + 0.5) * steps, outputs + 0.2, str(shown[image]), ha="center", va="bottom", fontsize=9,
                   color=colour_of(int(shown[image])))  # fmt: skip
    panel.set_xlim(0, count * steps)
    panel.set_ylim(-0.8, outputs - 0.2)
    panel.set_xlabel("Time (steps); above, the class of the image shown")
    panel.set_ylabel("Neuron, sorted by class")
    _tidy(panel)
    return figure


def plot_membranes(membranes: FloatArray, thresholds: Singles, spikes: BoolArray, labels: Labels | None) -> Figure:
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
    """
    membranes, spikes = membranes[:MOST_STEPS], spikes[:MOST_STEPS]
    factor, unit = engineering(thresholds.astype(np.float64), "V")
    nearness = spikes.sum(axis=0) * 10 + (membranes / thresholds).max(axis=0)
    chosen = np.argsort(-nearness)[:3]
    figure = Figure(figsize=(6.6, 2.8), layout="constrained")
    panel = figure.subplots()
    times = np.arange(1, len(membranes) + 1)
    for rank, neuron in enumerate(chosen):
        colour = COLOURS[rank]
        name = f"neuron {neuron + 1}" + (f" ({labels.of_neurons[neuron]})" if labels is not None else "")
        panel.plot(times, factor * membranes[:, neuron], color=colour, linewidth=1.2, label=name)
        panel.axhline(factor * thresholds[neuron], color=colour, linewidth=0.9, linestyle="--")
        fired = np.flatnonzero(spikes[:, neuron])
        panel.plot(times[fired], np.full(len(fired), factor * thresholds[neuron]), "v", color=colour, markersize=5)
    panel.set_xlabel("Step")
    panel.set_ylabel(f"Membrane ({unit})")
    figure.legend(
        frameon=False,
        fontsize=8,
        loc="outside right upper",
        title="dashed: threshold\ntriangle: spike",
        title_fontsize=8,
    )
    _tidy(panel)
    return figure


def plot_accuracy(record: IntArray, *, final: float | None = None, chance: float | None = None) -> Figure:
    """Draw the share of right answers while the network learnt, over a window of a tenth of the training.

    Parameters
    ----------
    record : ndarray of int, shape (M, 4)
        Images so far, right, silent and spikes of each part.
    final, chance : float, optional
        Accuracy on the test images, and that of guessing.
    """
    figure = Figure(figsize=(6.6, 2.8), layout="constrained")
    panel = figure.subplots()
    window = max(1, len(record) // 10)
    images = np.diff(record[:, 0], prepend=0)
    ones = np.ones(window)
    right, seen = (np.convolve(each, ones)[: len(record)] for each in (record[:, 1], images))
    panel.plot(record[:, 0], 100 * right / seen, color=COLOURS[0], linewidth=1.5, label="while learning")
    if final is not None:
        panel.axhline(100 * final, color=COLOURS[1], linewidth=1, linestyle="--", label="test images, after training")
    if chance is not None:
        panel.axhline(100 * chance, color=_GREY, linewidth=0.8, linestyle=":", label="guessing")
    panel.set_ylim(0, 102)
    panel.set_xlabel("Training images shown")
    panel.set_ylabel("Right answers (%)")
    panel.legend(frameon=False, fontsize=8, loc="lower right")
    _tidy(panel)
    return figure


def plot_voltages(cells: FloatArray, currents: FloatArray, ideal: FloatArray) -> Figure:
    """Draw what is left of the input voltages at each cell, and of each column's current, where wires take their share.

    Parameters
    ----------
    cells : ndarray of float, shape (K, N)
        Voltage across each cell, in volts.
    currents, ideal : ndarray of float, shape (N,)
        Currents of the columns, and those with perfect wires, in amperes.
    """
    figure = Figure(figsize=(6.6, 3.4), layout="constrained")
    panel, side = figure.subplots(1, 2, width_ratios=(3, 2))
    factor, unit = engineering(cells, "V")
    image = panel.imshow(factor * cells, cmap="magma", aspect="auto", vmin=0)
    figure.colorbar(image, ax=panel, label=f"Voltage across the cell ({unit})")
    panel.set_xlabel("Column (neuron)")
    panel.set_ylabel("Row (input)")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.tick_params(labelsize=7)
    side.plot(np.arange(1, len(currents) + 1), 100 * currents / ideal, ".-", color=COLOURS[0], markersize=4)
    side.set_ylim(bottom=0)
    side.set_xlabel("Column (neuron)")
    side.set_ylabel("Current, % of perfect wires")
    _tidy(side)
    return figure


def _tidy(axes: Axes) -> None:
    open_frame(axes)
    axes.tick_params(labelsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def save_network_map(result: NetworkResult, path: Path) -> bool:
    """Draw the map into a PNG file, if there is one; say whether there is."""
    return save_figure(plot_networks(result), path)


def plot_networks(result: NetworkResult) -> Figure | None:
    """Draw the map of one or two settings; None if more vary, which a plane cannot show."""
    axes = axes_that_vary(result.sweep.axes)
    rows = result.rows()
    title = f"{result.sweep.networks} networks a point, all test images of dataset {result.sweep.settings.dataset}"
    if len(axes) == 1:
        figure = _network_curve(axes[0], rows, result.answered)
    elif len(axes) == 2:
        figure = _network_maps(axes[0], axes[1], rows)
    else:
        return None
    figure.suptitle(title, fontsize=10)
    return figure


def _network_curve(axis: Axis, rows: Sequence[dict[str, Any]], answered: Sequence[Sequence[Answered]]) -> Figure:
    figure = Figure(figsize=(6.6, 4.2), layout="constrained")
    panel = figure.subplots()
    at, mean = places(axis), statistic(rows, "accuracy", 100)
    spread = np.nan_to_num(statistic(rows, "accuracy_sd", 100))
    panel.fill_between(at, mean - spread, mean + spread, color=_BLUE, alpha=0.2, label="standard deviation")
    panel.plot(at, mean, "-", color=_BLUE, label="mean")
    for place, networks in zip(at, answered, strict=True):
        panel.plot(np.full(len(networks), place), [100 * each.accuracy for each in networks], ".", color="black", ms=4)
    panel.set_ylabel("Accuracy (%)")
    panel.set_ylim(0, 100)
    panel.legend(frameon=False, fontsize=8, loc="lower right")
    open_frame(panel)
    label_values(panel, axis)
    return figure


def _network_maps(down: Axis, across: Axis, rows: Sequence[dict[str, Any]]) -> Figure:
    shape = (len(down.values), len(across.values))
    figure, (left, right) = panels(shape, 0.5)
    means, spreads = (statistic(rows, name, 100).reshape(shape) for name in ("accuracy", "accuracy_sd"))
    draw_map(left, down, across, means, "Mean accuracy (%)", vmin=0.0, vmax=100.0)
    draw_map(right, down, across, spreads, "Standard deviation between networks (%)", vmin=0.0, vmax=None)
    return figure
