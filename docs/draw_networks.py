"""Draw how the layers of networks lie on an array: XOR on 4 x 4 cells in three ways, and 16-10-4.

python docs/draw_networks.py
"""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from crossbar_hil.figures.panes import COLOURS, GREY
from crossbar_hil.figures.png import write_png
from crossbar_hil.training.lines.arrangement import Arrangement
from crossbar_hil.training.lines.names import line_names

DOCS = Path(__file__).resolve().parent
PALE = "#eeeeee"
LAYERS = (COLOURS[0], COLOURS[1])
NETWORKS = [
    ("XOR: side by side, 4 x 4", Arrangement((1,), bias=True, shortcuts=True), (2, 1)),
    ("stacked, 7 x 2", Arrangement((1,), bias=True, shortcuts=True, layers="stacked"), (2, 1)),
    ("pairs of rows, 8 x 2", Arrangement((1,), bias=True, shortcuts=True, pairs="rows"), (2, 1)),
    ("16-10-4: side by side, 17 x 28", Arrangement((10,), bias=True), (16, 4)),
]


def draw(axes, title, arrangement, sizes):
    shape = arrangement.least_shape(*sizes)
    rows, columns = shape
    names = line_names(arrangement, shape, *sizes)
    axes.add_patch(Rectangle((0, 0), columns, rows, facecolor=PALE, edgecolor=GREY, linewidth=0.8))
    for layer, colour in zip(arrangement.lay(*sizes), LAYERS, strict=False):
        place = layer.columns.start, layer.rows.start
        size = layer.columns.stop - layer.columns.start, layer.rows.stop - layer.rows.start
        axes.add_patch(Rectangle(place, *size, facecolor=colour, alpha=0.85))
    for line in range(1, rows):
        axes.plot((0, columns), (line, line), color="white", linewidth=0.7)
    for line in range(1, columns):
        axes.plot((line, line), (0, rows), color="white", linewidth=0.7)
    size = 8 if rows <= 8 else 4.6
    axes.set_xticks([each + 0.5 for each in range(columns)], names.columns, fontsize=size, rotation=90)
    axes.set_yticks([each + 0.5 for each in range(rows)], names.rows, fontsize=size)
    axes.tick_params(length=0)
    axes.set(xlim=(0, columns), ylim=(rows, 0), aspect="equal")
    axes.set_title(title, fontsize=9)
    for side in axes.spines.values():
        side.set_visible(False)


def main():
    figure = Figure(figsize=(10, 3.7), layout="constrained")
    panels = figure.subplots(1, len(NETWORKS), width_ratios=(4, 2.6, 2.6, 10))
    for panel, network in zip(panels, NETWORKS, strict=True):
        draw(panel, *network)
    handles = [Patch(color=colour, alpha=0.85, label=f"layer {n}") for n, colour in enumerate(LAYERS, start=1)]
    handles.append(Patch(facecolor=PALE, edgecolor=GREY, label="cells that are not used"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    path = DOCS / "networks.png"
    write_png(figure, path, dpi=130, replace=True)
    print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
