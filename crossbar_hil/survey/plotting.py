"""The figure of a survey: the map of the chip, every cell in which something was found framed by what it is."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from crossbar_hil.figures.cells import draw_chip
from crossbar_hil.figures.chips import map_size
from crossbar_hil.figures.panes import COLOURS, SMALL, engineering, new_axes
from crossbar_hil.survey.file import Cells
from crossbar_hil.survey.judging import VERDICTS
from crossbar_hil.text import counted

_COLOURS = dict(zip(VERDICTS, (COLOURS[each] for each in (1, 4, 3, 0, 9, 5, 8)), strict=True))


def draw_cells_found(cells: Cells) -> Figure:
    """Draw the same as `plot_cells_found` as a whole figure."""
    figure = Figure(figsize=_size(cells), layout="constrained")
    plot_cells_found(cells, figure.subplots())
    return figure


def words_of(cells: Cells) -> str:
    """Say in how many cells something was found."""
    return f"Something found in {counted(len(cells.cell), 'cell')}" if cells.cell else "Nothing found in any cell"


def plot_cells_found(cells: Cells, ax: Axes | None = None) -> Axes:
    """Draw the conductance of every cell, and a frame in the colour of its verdict around each that has one."""
    axes = ax or new_axes(_size(cells))
    factor, unit = engineering(cells.conductances, "S")
    draw_chip(axes, cells.conductances, "Conductance", factor, unit)
    axes.set_aspect("auto")
    for each in cells.cell:
        colour, corner = _COLOURS[each.verdict], (each.column - 1.44, each.row - 1.44)
        axes.add_patch(Rectangle(corner, 0.88, 0.88, fill=False, edgecolor="white", linewidth=4.5))
        axes.add_patch(Rectangle(corner, 0.88, 0.88, fill=False, edgecolor=colour, linewidth=2.5))
    found = [verdict for verdict in VERDICTS if any(each.verdict == verdict for each in cells.cell)]
    if found:
        frames = [Patch(facecolor="none", edgecolor=_COLOURS[each], linewidth=2, label=each) for each in found]
        across = min(len(found), 3)
        axes.legend(
            handles=frames, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=across, fontsize=SMALL, frameon=False
        )
    axes.set_title(words_of(cells), fontsize=10)
    return axes


def _size(cells: Cells) -> tuple[float, float]:
    """Return width and height in inches, the legend below the map."""
    width, height = map_size(cells.shape)
    return width + 0.6, height + 0.5
