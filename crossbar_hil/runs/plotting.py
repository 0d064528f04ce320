"""Figures of a training: each function draws on the Axes given, or on those of a new figure, and returns them.

Colours mean one thing: blue is a plus column or a label 1, orange a minus column or a label 0.
"""

import math
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import DataError
from crossbar_hil.figures.boxes import Boxes, side
from crossbar_hil.figures.cells import DIVERGING, MOST_NAMED, draw_chip
from crossbar_hil.figures.chips import map_size
from crossbar_hil.figures.panes import (
    BLACK,
    COLOURS,
    GREY,
    MIDDLE,
    MINUS,
    PLUS,
    SMALL,
    engineering,
    new_axes,
    open_frame,
    short,
    whole_ticks,
)
from crossbar_hil.training.lines.names import SIGNS
from crossbar_hil.training.patterns import as_text
from crossbar_hil.training.result import TrainingResult

_NAMED = 6
"""Columns up to which there is room to say what their number is."""
_ACROSS = 6
"""Patterns side by side."""
_WIDE = 6.6
_FITS = 13
"""Letters that a pattern and its label may have above a box."""
MOST_BARS = 256
"""Cells up to which bars can be told apart."""
_STEPS: dict[str, Any] = {"drawstyle": "steps-mid", "marker": ".", "linewidth": 1.3, "markersize": 3.5}
"""Pulses come between two reads, so nothing lies between the values that were read."""


def plot_conductances(result: TrainingResult, ax: Axes | None = None) -> Axes:
    """Draw the conductance of every cell against the epoch as steps, a box a cell, laid out like the chip."""
    _, rows, columns = result.conductances.shape
    if ax is None:
        ax = new_axes((min(max(_WIDE, 0.8 * columns), 13.0), min(max(0.6 + 1.15 * rows, 2.6), 13.0)))
    factor, unit = engineering(result.conductances, "S")
    values, epochs = factor * result.conductances, np.arange(1, result.epochs + 1)
    boxes = Boxes(ax, (rows, columns), _epochs_across(result), side(values))
    names, signs = result.names, _signs(result)
    for row, column in np.ndindex(rows, columns):
        boxes.frame(row, column)
        boxes.line(row, column, epochs, values[:, row, column], color=signs[row, column], **_STEPS)
        state = "saturated" if result.saturated[row, column] else "no reaction" * bool(result.unresponsive[row, column])
        if state and columns <= _NAMED:
            boxes.text(row, column, 0.97, 0.05, state, ha="right", va="bottom", color=GREY)
    named, plain = names.columns, result.arrangement.is_plain
    if columns <= _NAMED and plain:
        said = dict(zip(SIGNS, ("plus", "minus"), strict=True))
        named = [f"output {each[:-1]}, {said[each[-1]]}" if each[-1] in said else "not used" for each in named]
    return boxes.label(
        "Epoch",
        f"Conductance ({unit})",
        rows=[f" row {name}" if plain else f" {name}" for name in names.rows],
        columns=named,
        colours=list(signs[0 if result.lines is None else result.lines.rows[0]]),
    )


def plot_weights(result: TrainingResult, ax: Axes | None = None) -> Axes:
    """Draw the logic weights G+ - G- against the epoch as steps, a box an output or hidden unit, a line a row."""
    weights = result.weights
    outputs_named, rows_named = _synapses(result)
    factor, unit = engineering(weights, "S")
    _, rows, outputs = weights.shape
    across = min(outputs, _ACROSS)
    down = math.ceil(outputs / across)
    if ax is None:
        ax = new_axes((_WIDE, 0.8 + 2.4 * down))
    colours = COLOURS[:rows] if rows <= len(COLOURS) else [to_hex(colormaps["viridis"](n / rows)) for n in range(rows)]
    epochs = np.arange(1, result.epochs + 1)
    boxes = Boxes(ax, (down, across), _epochs_across(result), side([*(factor * weights).flat, 0.0]), gap=(0.08, 0.14))
    for output in range(outputs):
        row, column = divmod(output, across)
        boxes.frame(row, column)
        boxes.line(row, column, boxes.across, (0, 0), color=GREY, linewidth=0.8)
        boxes.text(row, column, 0.03, 1.02, outputs_named[output], va="bottom")
        for each, colour in enumerate(colours):
            boxes.line(row, column, epochs, factor * weights[:, each, output], color=colour, **_STEPS)
    handles = [
        Line2D([], [], color=colour, marker=".", label=name) for name, colour in zip(rows_named, colours, strict=True)
    ]
    _legend_beside(ax, handles, ncols=1 + (rows - 1) // (14 * down))
    return boxes.label("Epoch", f"Weight G⁺ − G⁻ ({unit})", ticks=(5, 5))


def plot_activations(result: TrainingResult, ax: Axes | None = None) -> Axes:
    """Draw each activation against the epoch with the region that meets its target, a box a pattern and output."""
    _, patterns, outputs = result.activations.shape
    across = min(patterns, _ACROSS)
    groups = math.ceil(patterns / across)
    down = groups * outputs
    if ax is None:
        ax = new_axes((_WIDE, min(1.0 + (1.3 if down <= 6 else 0.8 if down <= 12 else 0.5) * down, 30.0)))
    epochs = np.arange(1, result.epochs + 1)
    boxes = Boxes(ax, (down, across), _epochs_across(result), (-1.15, 1.15), gap=(0.12, 0.36))
    for pattern, output in np.ndindex(patterns, outputs):
        row, column = (pattern // across) * outputs + output, pattern % across
        wanted = bool(result.labels[pattern, output])
        colour, target = (PLUS, result.target) if wanted else (MINUS, result.target0)
        boxes.frame(row, column)
        boxes.band(row, column, *sorted((target, 1.15 if wanted else -1.15)), color=colour, alpha=0.15)
        boxes.line(row, column, boxes.across, (target, target), color=colour, linewidth=0.8, linestyle="--")
        boxes.line(row, column, epochs, result.activations[:, pattern, output], color=colour, **_STEPS)
        if output == 0:
            bits, label = as_text(result.patterns[pattern]), as_text(result.labels[pattern])
            name = f"{bits} → {label}"
            boxes.text(row, column, 0.5, 1.04, name if len(name) <= _FITS else f"pattern {pattern + 1}", ha="center")
    handles = [
        Patch(color=PLUS, alpha=0.3, label="meets the target of a 1"),
        Patch(color=MINUS, alpha=0.3, label="meets the target of a 0"),
    ]
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=MIDDLE)
    names = [f" output {row % outputs + 1}" for row in range(down)]
    return boxes.label("Epoch", "Activation tanh(βI)", rows=names if outputs > 1 else [], levels=(-1, 0, 1))


def plot_error(result: TrainingResult, ax: Axes | None = None) -> Axes:
    """Draw the summed distance to the targets against the epoch, and mark from where on every target is met.

    The scale is logarithmic down to the smallest error and goes on to zero, so that a little is not taken for nothing.
    """
    ax = ax or new_axes((_WIDE, 2.8))
    epochs, errors = np.arange(1, result.epochs + 1), result.errors
    ax.plot(epochs, errors, "o-", color=BLACK, linewidth=1.5, markersize=4, clip_on=False, zorder=3)
    _scale_error(ax, errors)
    ax.set_xlabel("Epoch")
    ax.set_ylabel("Error: summed distance\nto the targets")
    if result.converged:
        ends = f"every target met at epoch {result.epochs}"
    elif result.met_at_last:
        ends = (
            f"{result.verdict}: targets met in the last {result.met_at_last} evaluation(s), {result.confirm} asked for"
        )
    else:
        ends = f"{result.verdict}: targets not met"
    ax.set_title(ends, fontsize=10)
    if result.met_at_last:
        first = result.epochs - result.met_at_last + 1
        ax.axvline(first, color=_MET, linewidth=1.2, linestyle="--", zorder=1)
        ax.plot(epochs[first - 1 :], errors[first - 1 :], "o", color=_MET, markersize=7, clip_on=False, zorder=4)
        words = f"epoch {first}: 0" if first == result.epochs else f"0 from epoch {first} on"
        before = first > (1 + result.epochs) / 2
        ax.annotate(
            words,
            (first, 0.92),
            xycoords=("data", "axes fraction"),
            xytext=(-5 if before else 5, 0),
            textcoords="offset points",
            ha="right" if before else "left",
            va="top",
            fontsize=MIDDLE,
            color=_MET,
        )
    open_frame(ax)
    whole_ticks(ax.xaxis, 8)
    ax.set_xlim(_epochs_across(result))
    return ax


_MET = "#007A55"
_ROOM = 1.4
"""How far the axis of the error goes beyond the largest one."""


def _scale_error(ax: Axes, errors: FloatArray) -> None:
    found = errors[errors > 0]
    if not found.size:
        ax.set_ylim(0, 1)
        return
    least = 10.0 ** math.floor(math.log10(found.min()))
    ax.set_yscale("symlog", linthresh=least, linscale=0.5)
    ax.set_ylim(0, _ROOM * float(found.max()))
    decades = [least * 10.0**power for power in range(math.floor(math.log10(_ROOM * found.max() / least)) + 1)]
    every = -(-len(decades) // 6)
    ax.set_yticks([0.0, *decades[::every]])
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    ax.yaxis.set_minor_locator(NullLocator())


def plot_chip(result: TrainingResult, ax: Axes | None = None, *, epoch: int = -1) -> Axes:
    """Draw the conductance of every cell over the chip, as training left it or as it was before an epoch (from 1)."""
    ax = ax or new_axes(map_size(result.conductances.shape))
    if not -1 <= epoch <= result.epochs or not epoch:
        raise DataError(f"epoch {epoch} was not recorded, 1 to {result.epochs} were; -1 is the last")
    found = result.conductances[epoch - 1 if epoch > 0 else epoch]
    factor, unit = engineering(result.conductances, "S")
    ends = result.conductances[[0, -1]]
    draw_chip(ax, found, "Conductance", factor, unit, low=factor * ends.min(), high=factor * ends.max())
    last = epoch in {-1, result.epochs}
    ax.set_title(
        "After training" if last else "Before training" if epoch == 1 else f"Before epoch {epoch}", fontsize=10
    )
    return _name_columns(ax, result)


def plot_chip_change(result: TrainingResult, ax: Axes | None = None) -> Axes:
    """Draw over the chip by how much the conductance of every cell rose or fell in the training."""
    ax = ax or new_axes(map_size(result.conductances.shape))
    change = result.conductances[-1] - result.conductances[0]
    factor, _ = engineering(result.conductances, "S")
    unit = engineering(result.conductances, "S")[1]
    most = float(factor * np.abs(change).max()) or 1.0
    draw_chip(ax, change, "Change", factor, unit, colours=DIVERGING, low=-most, high=most)
    ax.set_title("Change", fontsize=10)
    return _name_columns(ax, result)


def plot_final_conductances(result: TrainingResult, ax: Axes | None = None) -> Axes:
    """Draw the conductances that training left as bars over the chip, on Axes of projection ``"3d"``.

    Raises
    ------
    DataError
        If the Axes given are flat.
    """
    ax = ax or new_axes((_WIDE, 4.8), projection="3d")
    if ax.name != "3d":
        raise DataError('bars need Axes with depth: figure.add_subplot(projection="3d")')
    final = result.conductances[-1]
    factor, unit = engineering(result.conductances, "S")
    rows, columns = final.shape
    row, column = (index.ravel() for index in np.indices(final.shape))
    ax.bar3d(  # type: ignore[attr-defined]  # of Axes3D, which has no types
        column - 0.26,
        row - 0.26,
        np.zeros(final.size),
        0.52,
        0.52,
        factor * final.ravel(),
        color=_signs(result).ravel(),
        edgecolor="white",
        linewidth=0.3,
        shade=True,
    )
    longest = max(map(len, (*result.names.columns, *result.names.rows)))
    every = -(-max(rows, columns) // (8 if longest <= 2 else 4))  # names with which the sides are not too full
    ax.set_xticks(range(0, columns, every), result.names.columns[::every])
    ax.set_yticks(range(0, rows, every), result.names.rows[::every])
    ax.tick_params(labelsize=SMALL, pad=0)
    ax.set(xlabel="Column", ylabel="Row", zlabel=f"Conductance ({unit})")
    ax.view_init(elev=38, azim=-62)  # type: ignore[attr-defined]
    ax.set_box_aspect(None, zoom=1.0)  # type: ignore[call-arg]
    return ax


def plot_answers(result: TrainingResult, ax: Axes | None = None) -> Axes:
    """Draw what each output says of each pattern, before and after the training, against its target."""
    patterns, outputs = result.labels.shape
    if ax is None:
        ax = new_axes((min(1.4 + 0.55 * patterns, 13.0), 0.8 + 1.0 * outputs))
    boxes = Boxes(ax, (outputs, 1), (0.4, patterns + 0.6), (-1.25, 1.25), gap=(0.0, 0.2))
    places = np.arange(1, patterns + 1)
    for output in range(outputs):
        boxes.frame(output, 0)
        for place, label in zip(places, result.labels[:, output], strict=True):
            colour, ends = (PLUS, (result.target, 1.25)) if label else (MINUS, (-1.25, result.target0))
            x0, x1 = boxes.place(output, 0, (place - 0.4, place + 0.4), (0, 0))[0]
            ys = boxes.place(output, 0, (0, 0), ends)[1]
            ax.fill_between((x0, x1), ys[0], ys[1], color=colour, alpha=0.18, linewidth=0)
        first, last = result.activations[0, :, output], result.activations[-1, :, output]
        for place, begin, end in zip(places, first, last, strict=True):
            boxes.line(output, 0, (place, place), (begin, end), color=GREY, linewidth=0.8, zorder=2)
        colours = [PLUS if label else MINUS for label in result.labels[:, output]]
        for values, faces in ((first, ["white"] * patterns), (last, colours)):
            ax.scatter(
                *boxes.place(output, 0, places, values), s=34, c=faces, edgecolors=colours, linewidths=1.3, zorder=3
            )
    handles = [
        Line2D([], [], marker="o", linestyle="", markerfacecolor=face, markeredgecolor=BLACK, label=label)
        for face, label in (("white", "before"), (BLACK, "after training"))
    ]
    handles.append(Patch(color=GREY, alpha=0.3, label="where it should be"))  # type: ignore[arg-type]
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, fontsize=MIDDLE)
    boxes.label("Pattern", "Activation", rows=[f" output {each + 1}" for each in range(outputs)], levels=(-1, 0, 1))
    names = [
        f"{as_text(pattern)}\n→ {as_text(label)}" for pattern, label in zip(result.patterns, result.labels, strict=True)
    ]
    ax.set_xticks(boxes.place(0, 0, places, places)[0], names, fontsize=SMALL, rotation=0 if patterns <= 12 else 90)
    return ax


def draw_chip_figure(result: TrainingResult) -> Figure:
    """Draw the chip before and after training, the change, and the bars beside them while they can be told apart."""
    width, height = map_size(result.conductances.shape)
    figure = Figure(figsize=(2 * width, 2 * height), layout="constrained")
    bars = result.conductances[-1].size <= MOST_BARS
    for place, epoch in ((1, 1), (2, -1)):
        plot_chip(result, figure.add_subplot(2, 2, place), epoch=epoch)
    plot_chip_change(result, figure.add_subplot(2, 2, 3))
    if bars:
        plot_final_conductances(result, figure.add_subplot(2, 2, 4, projection="3d"))
    return figure


FIGURES = {
    "conductances": "Conductance of every cell",
    "weights": "Logic weights",
    "activations": "Activations and their targets",
    "error": "Error",
    "chip": "The chip before and after training",
}
"""The figures of a run, in the order of the report: file name and caption."""


def draw_figures(result: TrainingResult) -> list[Figure]:
    """Draw all figures, in the order of `FIGURES`."""
    drawn = [plot(result) for plot in (plot_conductances, plot_weights, plot_activations, plot_error)]
    return [*(_whole(each) for each in drawn), draw_chip_figure(result)]


def _whole(ax: Axes) -> Figure:
    figure = ax.figure
    if not isinstance(figure, Figure):
        raise DataError("Axes on a part of a figure stand for no whole one")
    return figure


def _epochs_across(result: TrainingResult) -> tuple[float, float]:
    room = min(0.04 * result.epochs, 0.9)
    return 1 - room, result.epochs + room


def _signs(result: TrainingResult) -> NDArray[np.str_]:
    """Return the (R, C) colours of plus and minus cells, and of those that no network is on."""
    row, column = np.indices(result.conductances.shape[1:] if result.lines is None else result.lines.size)
    own = np.where((row if result.arrangement.pairs == "rows" else column) % 2, MINUS, PLUS)
    if result.lines is None:
        return own
    found = result.lines.on_chip(own)
    return np.where(found == "", GREY, found)


def _synapses(result: TrainingResult) -> tuple[list[str], list[str]]:
    """Name what a box and what a line of the weights belong to."""
    names = result.names_of_weights
    if result.arrangement.is_plain:
        return [f"output {each + 1}" for each in range(len(names.columns) // 2)], [f"row {each}" for each in names.rows]
    if result.arrangement.pairs == "rows":
        return names.columns, [name.replace("+", "") for name in names.rows[::2]]
    return [name.replace("+", "") for name in names.columns[::2]], names.rows


def _name_columns(ax: Axes, result: TrainingResult) -> Axes:
    columns = result.conductances.shape[2]
    if columns <= MOST_NAMED:
        ax.set_xticks(range(columns), result.names.columns)
        ax.set_xlabel("Column (output, sign)" if result.arrangement.is_plain else "Column")
    if len(result.names.rows) <= MOST_NAMED and not result.arrangement.is_plain:
        ax.set_yticks(range(len(result.names.rows)), result.names.rows)
    ax.set_aspect("auto")
    return ax


def _legend_beside(ax: Axes, handles: list[Line2D], ncols: int) -> None:
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=SMALL, ncols=ncols)
