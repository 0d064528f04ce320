"""Draw accuracy against states and against stuck cells, from the results spiking_states and spiking_stuck.

python docs/draw_spiking_results.py
"""

import json
import re

from draw import DOCS, save
from matplotlib.figure import Figure

from crossbar_hil.figures.panes import COLOURS

STATES = {
    "published": r"published, (\d+) linear states",
    "tuned, nearest": r"tuned, (\d+) linear states, nearest",
    "tuned, stochastic": r"tuned, (\d+) linear states, stochastic",
    "tuned, carry": r"tuned, (\d+) linear states, carry",
}
STUCK = {
    "published, from the start": r"published, 2048 states, (\d+) % stuck in training",
    "published, afterwards": r"published, 2048 states, (\d+) % stuck afterwards",
    "tuned, from the start": r"tuned, (\d+) % stuck in training",
    "tuned, afterwards": r"tuned, (\d+) % stuck afterwards",
}


def points(rows, pattern):
    """Return where, mean and standard deviation of the rows whose name fits a pattern."""
    named = [(re.fullmatch(pattern, name), row) for name, row in rows.items()]
    return sorted((float(found[1]), row["mean"], row["std"]) for found, row in named if found)


def read(name):
    return json.loads((DOCS.parent / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8"))["rows"]


def draw(axes, rows, lines):
    axes.set_prop_cycle(color=COLOURS)
    for name, pattern in lines.items():
        where, mean, spread = zip(*points(rows, pattern), strict=True)
        style = "o--" if name.startswith("published") else "s-"
        axes.errorbar(where, mean, yerr=spread, fmt=style, markersize=4, capsize=2, label=name)
    axes.axhline(20, color="0.7", linewidth=1)
    axes.set_ylim(0, 100)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right" if lines is STATES else "lower left")


def main():
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    draw(left, read("spiking_states"), STATES)
    left.set_xscale("log", base=2)
    left.set_xlabel("Conductance states")
    left.set_ylabel("Test images answered rightly (%)")
    draw(right, read("spiking_stuck"), STUCK)
    right.set_xlabel("Stuck cells (%)")
    save(figure, "spiking_results.png")


if __name__ == "__main__":
    main()
