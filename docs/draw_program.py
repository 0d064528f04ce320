"""Draw the picture of programming: how far cells of the presets end from their targets, from the recorded benchmark.

python docs/draw_program.py
"""

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from crossbar_hil.figures.panes import BLUE, GREY, ORANGE, SMALL, open_frame
from crossbar_hil.figures.png import write_png

HERE = Path(__file__).resolve().parent
RESULT = HERE.parent / "benchmarks" / "results" / "programming.json"
WORDS = ("0.25", "0.5", "0.75", "1", "1.5", "2", "3", "5", "10", "more")
"""Upper ends of the bins, in percent of the range; as in ``benchmarks/bench/programming.py``."""


def draw():
    """Return the figure: a panel a preset, with and without wires."""
    rows = json.loads(RESULT.read_text(encoding="utf-8"))["rows"]
    figure = Figure(figsize=(9.0, 2.9), layout="constrained")
    for preset, axes in zip(("reference", "kim2021", "gong2022"), figure.subplots(1, 3, sharey=True), strict=True):
        places = np.arange(len(WORDS))
        for name, shift, colour, word in (("", -0.2, BLUE, "without wires"), (", wires", 0.2, ORANGE, "with wires")):
            found = rows[f"`{preset}`{name}"]
            share = 100 * np.array(found["histogram"]) / found["cells"]
            axes.bar(places + shift, share, 0.4, color=colour, label=word)
        axes.axvline(3.5, color=GREY, linewidth=1, linestyle="--")
        axes.set_xticks(places, WORDS, fontsize=SMALL, rotation=45)
        axes.set_title(f"{preset}: {rows[f'`{preset}`']['pulses_median']:.0f} pulses a cell", fontsize=10)
        axes.set_xlabel("Off by at most (% of the range)", fontsize=SMALL)
        open_frame(axes)
    figure.axes[0].set_ylabel("Cells (%)")
    figure.axes[0].legend(fontsize=SMALL, frameon=False)
    return figure


if __name__ == "__main__":
    write_png(draw(), HERE / "program.png", replace=True)
