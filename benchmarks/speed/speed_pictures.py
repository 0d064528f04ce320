"""Draw what the results say of speed: docs/speed_realism.png, speed_sizes.png, solver_cost.png and messages.png.

python benchmarks/speed/speed_pictures.py
"""

import math

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crossbar_hil.benchmarks import results

BLUE, GREY = "#0072B2", "#999999"
COLOURS = (BLUE, "#D55E00", "#009E73", "#CC79A7")
"""Of M. Okabe and K. Ito's set for all kinds of colour vision."""
SIZES = {
    "ideal": "ideal",
    "wires": "wires of 5 ohm",
    "real": "noise, step factors, relaxation",
    "both": "the same and wires",
}
PURPOSES = ("readings", "relays", "pulses", "settings")


def realism():
    """Draw trainings a second of 4 x 4 chips, one by one and side by side, by what makes them real."""
    rows = {}
    for name in ("speed_ensemble_effects", "speed_ensemble_wired"):
        rows |= {
            row.removeprefix("4 x 4, "): fields
            for row, fields in results.read(name)["rows"].items()
            if not row.startswith("16")
        }
    rows = dict(sorted(rows.items(), key=lambda row: row[1]["together"]))
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    for shift, key, colour, label in ((0.2, "together", BLUE, "side by side"), (-0.2, "alone", GREY, "one by one")):
        at = [place + shift for place in range(len(rows))]
        axes.barh(at, [fields[key] for fields in rows.values()], 0.38, color=colour, label=label)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(xscale="log", xlabel="Trainings of a 4 x 4 chip a second and core")
    axes.legend(frameon=False, loc="lower right")
    return figure, axes


def sizes():
    """Draw trainings a second by the size of the array."""
    rows = results.read("speed_ensemble_sizes")["rows"]
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    sides = [int(name.split(" x ")[0]) for name in rows]
    for (key, label), colour in zip(SIZES.items(), COLOURS, strict=True):
        axes.plot(sides, [fields[key] for fields in rows.values()], "o-", color=colour, label=label)
    axes.set(xscale="log", yscale="log", xlabel="Rows and columns", ylabel="Trainings a second and core")
    axes.set_xticks(sides, [str(side) for side in sides])
    axes.minorticks_off()
    axes.legend(frameon=False)
    return figure, axes


def solver_cost():
    """Draw the time for a cell, and for a cell and iteration, against the number of cells of square arrays."""
    cells, costs, shares = [], [], []
    for name, fields in results.read("speed_solver")["rows"].items():
        rows, columns = map(int, name.split(" x "))
        if rows == columns:
            cells.append(math.prod((rows, columns)))
            costs.append(1e6 * fields["ours_ms"] / cells[-1])
            shares.append(fields["ns"])
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.loglog(cells, costs, "o-", color=BLUE, label="all")
    axes.loglog(cells, shares, "s--", color=GREY, label="per iteration")
    axes.set(xlabel="Cells", ylabel="Time per cell (ns)", ylim=(1, None))
    axes.legend(frameon=False)
    return figure, axes


def messages():
    """Draw messages an epoch by what they are for, and how many there were before."""
    rows = dict(reversed(results.read("messages")["rows"].items()))
    names = [name.replace("`", "") for name in rows]
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    left = [0.0] * len(rows)
    for purpose, colour in zip(PURPOSES, COLOURS, strict=True):
        values = [fields[purpose] for fields in rows.values()]
        axes.barh(names, values, 0.6, left=left, color=colour, label=purpose)
        left = [done + value for done, value in zip(left, values, strict=True)]
    before = [fields["before"] / fields["epochs"] for fields in rows.values()]
    axes.plot(before, names, "|", color="black", markersize=14, label="at commit f13e53c")
    axes.set(xlabel="Messages an epoch", xlim=(0, None))
    axes.legend(frameon=False, fontsize=8, ncols=5, loc="upper center", bbox_to_anchor=(0.4, 1.14))
    return figure, axes


PICTURES = {"speed_realism": realism, "speed_sizes": sizes, "solver_cost": solver_cost, "messages": messages}


def draw() -> None:
    """Draw all of them."""
    for name, make in PICTURES.items():
        figure, axes = make()
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(visible=True, linewidth=0.4, alpha=0.4)
        axes.set_axisbelow(True)
        FigureCanvasAgg(figure).print_figure(results.ROOT / "docs" / f"{name}.png", dpi=100)


if __name__ == "__main__":
    draw()
