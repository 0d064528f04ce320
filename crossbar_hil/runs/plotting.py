"""Figures of a training: each function draws on what it is given, or on a new figure, and returns it.

Colours mean one thing: blue is a plus column or a label 1, orange a minus column or a label 0. They are the two of the
Okabe-Ito set that every kind of colour vision tells apart best.
"""

import io
import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from crossbar_hil.arrays import FloatArray
from crossbar_hil.training.pairs import column_name
from crossbar_hil.training.patterns import as_text
from crossbar_hil.training.result import TrainingResult

PLUS, MINUS = "#0072B2", "#D55E00"
_ROWS = ("#000000", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#0072B2", "#D55E00", "#F0E442")
_GREY = "#666666"
_NAMED = 6
"""Columns up to which the panels of a chip have room for titles that say what the number is."""
_WIDE = (6.6, 2.8)
_PREFIXES = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: ""}


def engineering(values: FloatArray, unit: str) -> tuple[float, str]:
    """Return the factor and the label that bring values to a handy prefix.

    >>> engineering(np.array([2.4e-7, 6.4e-7]), "S")
    (1000000000.0, 'nS')
    """
    largest = float(np.abs(values).max())
    power = 3 * math.floor(math.log10(largest) / 3) if largest else 0
    power = min(max(power, -12), 0)
    return 10.0**-power, f"{_PREFIXES[power]}{unit}"


def plot_conductances(result: TrainingResult, figure: Figure | None = None) -> Figure:
    """Draw the conductance of every cell against the epoch, one panel a cell, laid out like the chip."""
    figure = figure or Figure(figsize=(6.6, 5.2), layout="constrained")
    _, rows, columns = result.conductances.shape
    factor, unit = engineering(result.conductances, "S")
    epochs = np.arange(1, result.epochs + 1)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for (row, column), panel in np.ndenumerate(panels):
        colour = MINUS if column % 2 else PLUS
        panel.plot(
            epochs, factor * result.conductances[:, row, column], ".-", color=colour, linewidth=1.5, markersize=4
        )
        if row == 0:
            named = column_name(column)
            if columns <= _NAMED:
                named = f"output {column // 2 + 1}, {'minus' if column % 2 else 'plus'}"
            panel.set_title(named, fontsize=8, color=colour)
        if column == 0:
            panel.set_ylabel(f"row {row + 1}", fontsize=9)
        state = "saturated" if result.saturated[row, column] else "no reaction" * bool(result.unresponsive[row, column])
        if state:
            panel.text(0.97, 0.06, state, transform=panel.transAxes, ha="right", fontsize=8, color=_GREY)
        _tidy(panel)
    figure.supxlabel("Epoch")
    figure.supylabel(f"Conductance ({unit})")
    return figure


def plot_weights(result: TrainingResult, figure: Figure | None = None) -> Figure:
    """Draw the logic weights G+ - G- against the epoch, one panel an output, one line a row."""
    figure = figure or Figure(figsize=(6.6, 3.2), layout="constrained")
    weights = result.weights
    factor, unit = engineering(weights, "S")
    epochs = np.arange(1, result.epochs + 1)
    _, rows, outputs = weights.shape
    panels = figure.subplots(1, outputs, sharey=True, squeeze=False)[0]
    for output, panel in enumerate(panels):
        panel.axhline(0, color=_GREY, linewidth=0.8)
        for row in range(rows):
            panel.plot(epochs, factor * weights[:, row, output], ".-", color=_ROWS[row % len(_ROWS)], linewidth=1.5)
        panel.set_title(f"output {output + 1}", fontsize=10)
        panel.set_xlabel("Epoch")
        _tidy(panel, nbins=5)
    panels[0].set_ylabel(f"Weight G⁺ − G⁻ ({unit})")
    handles = [Line2D([], [], color=_ROWS[row % len(_ROWS)], marker=".", label=f"row {row + 1}") for row in range(rows)]
    figure.legend(handles=handles, loc="outside right upper", frameon=False)
    return figure


def plot_activations(result: TrainingResult, figure: Figure | None = None) -> Figure:
    """Draw each activation against the epoch with the region that meets its target, one panel a pattern and output."""
    _, patterns, outputs = result.activations.shape
    across = min(patterns, 6)
    down = math.ceil(patterns / across)
    figure = figure or Figure(figsize=(6.6, 1.0 + 1.4 * outputs * down), layout="constrained")
    epochs = np.arange(1, result.epochs + 1)
    panels = figure.subplots(outputs * down, across, sharex=True, sharey=True, squeeze=False)
    for panel in panels.flat[:]:
        panel.set_visible(False)
    for pattern in range(patterns):
        for output in range(outputs):
            panel = panels[(pattern // across) * outputs + output, pattern % across]
            panel.set_visible(True)
            wanted = bool(result.labels[pattern, output])
            colour, target = (PLUS, result.target) if wanted else (MINUS, result.target0)
            panel.axhspan(target, 1.15 if wanted else -1.15, color=colour, alpha=0.15, linewidth=0)
            panel.axhline(target, color=colour, linewidth=0.8, linestyle="--")
            panel.plot(epochs, result.activations[:, pattern, output], ".-", color=colour, linewidth=1.5, markersize=4)
            panel.set_ylim(-1.15, 1.15)
            if output == 0:
                bits, label = as_text(result.patterns[pattern]), as_text(result.labels[pattern])
                panel.set_title(f"{bits} → {label}", fontsize=10)
            if pattern % across == 0:
                panel.set_ylabel(f"output {output + 1}", fontsize=9)
            _tidy(panel)
    figure.supxlabel("Epoch")
    figure.supylabel("Activation tanh(βI)")
    handles = [
        Patch(color=PLUS, alpha=0.3, label="meets the target of a 1"),
        Patch(color=MINUS, alpha=0.3, label="meets the target of a 0"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    return figure


def plot_error(result: TrainingResult, ax: Axes | None = None) -> Axes:
    """Draw the summed distance to the targets against the epoch."""
    if ax is None:
        ax = Figure(figsize=_WIDE, layout="constrained").subplots()
    ax.plot(np.arange(1, result.epochs + 1), result.errors, "o-", color="black", linewidth=1.5, markersize=4)
    ax.set_xlabel("Epoch")
    ax.set_ylabel("Summed distance to the targets")
    ax.set_ylim(bottom=0)
    if result.converged:
        ends = f"every target met at epoch {result.epochs}"
    elif result.met_at_last:
        ends = (
            f"{result.verdict}: targets met in the last {result.met_at_last} evaluation(s), {result.confirm} asked for"
        )
    else:
        ends = f"{result.verdict}: targets not met"
    ax.set_title(ends, fontsize=10)
    _tidy(ax, nbins=8)
    return ax


def plot_final_conductances(result: TrainingResult, figure: Figure | None = None) -> Figure:
    """Draw the conductances that training left as bars over the chip."""
    figure = figure or Figure(figsize=(6.6, 4.8), layout="constrained")
    final = result.conductances[-1]
    factor, unit = engineering(final, "S")
    rows, columns = final.shape
    row, column = (index.ravel() for index in np.indices(final.shape))
    axes = figure.add_subplot(projection="3d")
    axes.bar3d(
        column - 0.26,
        row - 0.26,
        np.zeros(final.size),
        0.52,
        0.52,
        factor * final.ravel(),
        color=np.where(column % 2, MINUS, PLUS),
        edgecolor="white",
        linewidth=0.3,
        shade=True,
    )
    axes.set_xticks(range(columns), [column_name(column) for column in range(columns)])
    axes.set_yticks(range(rows), [str(r + 1) for r in range(rows)])
    axes.set_xlabel("Column (output, sign)")
    axes.set_ylabel("Row")
    axes.set_zlabel(f"Conductance ({unit})")
    axes.view_init(elev=38, azim=-62)
    axes.set_box_aspect(None, zoom=0.88)
    return figure


FIGURES = {
    "conductances": "Conductance of every cell",
    "weights": "Logic weights",
    "activations": "Activations and their targets",
    "error": "Error",
    "final_conductances": "Conductances after training",
}
"""The figures of a run, in the order of the report: file name and caption."""


def draw_figures(result: TrainingResult) -> list[Figure]:
    """Draw all figures, in the order of `FIGURES`."""
    error = Figure(figsize=_WIDE, layout="constrained")
    plot_error(result, error.subplots())
    return [
        plot_conductances(result),
        plot_weights(result),
        plot_activations(result),
        error,
        plot_final_conductances(result),
    ]


def as_png(figure: Figure, *, dpi: int = 180) -> bytes:
    """Return a figure, drawn once at a resolution that it keeps, as the content of a PNG file."""
    figure.set_dpi(dpi)
    canvas, buffer = FigureCanvasAgg(figure), io.BytesIO()
    canvas.draw()  # type: ignore[no-untyped-call]  # Figure.savefig draws twice: the first time for the layout
    imsave(buffer, canvas.buffer_rgba(), format="png", dpi=dpi)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def _tidy(axes: Axes, nbins: int = 3) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(nbins=nbins, integer=True, min_n_ticks=1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7)
    axes.grid(visible=True, linewidth=0.4, alpha=0.4)
