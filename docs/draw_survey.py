"""Draw the picture of bad cells: what a survey found on a virtual chip, and what it is worth to leave them out.

python docs/draw_survey.py
"""

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.figures.panes import COLOURS, GREY, SMALL
from crossbar_hil.figures.png import write_png
from crossbar_hil.sim_backend import SimulatedBackend
from crossbar_hil.survey.on_bench.surveying import cells_of, healthy_of
from crossbar_hil.survey.plotting import plot_cells_found
from crossbar_hil.survey.surveying import Probe, survey

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "benchmarks" / "results" / "bad_cells.json"
BAD = {"dead": [[1, 4], [8, 0]], "stuck": [[3, 2], [6, 5]], "unformed": [[5, 1]]}
SHARES = (0, 1, 5, 10)
WAYS = {"left out, lines moved": COLOURS[0], "left out": COLOURS[1], "as they are": GREY}


def found():
    """Survey a virtual chip of 10 x 6 cells, seed 7, with faults planted."""
    bench = load_bench("simulated", overrides={"chip": {"rows": 10, "columns": 6, "read_noise": 0.01, **BAD}})
    chip, probe = SimulatedBackend.from_bench(bench, np.random.default_rng(7)), Probe(2, Pulse(2.0, 0.05), None)
    return cells_of(survey(chip, read_v=0.1, healthy=healthy_of(bench), probe=probe), bench, chip, 7, 0.1, probe)


def plot_worth(axes):
    """Draw the share of chips that learn the letters against the share of bad cells."""
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]
    for place, (way, colour) in enumerate(WAYS.items()):
        each = [rows[f"letters, {share} %"][way] for share in SHARES]
        middle, low, high = (np.array([one[name] for one in each]) for name in ("percent", "low", "high"))
        x = np.array(SHARES) + 0.12 * (place - 1)  # beside each other, as intervals overlap
        axes.errorbar(
            x, middle, (middle - low, high - middle), color=colour, marker="o", markersize=4, capsize=2, label=way
        )
    axes.set(xlabel="Bad cells (%)", ylabel="Chips that learn the letters (%)", ylim=(0, 103))
    axes.set_xticks(SHARES)
    axes.tick_params(labelsize=SMALL)
    axes.legend(title="Bad cells are", fontsize=SMALL, title_fontsize=SMALL, frameon=False)
    axes.set_title("10 x 6 cells, 400 chips a point", fontsize=10)


def main():
    """Draw it, over what is there."""
    figure = Figure(figsize=(8.2, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    plot_cells_found(found(), left)
    plot_worth(right)
    write_png(figure, HERE / "survey.png", replace=True)


if __name__ == "__main__":
    main()
