"""Draw how the share that learns and the time at the bench grow with the size of a chip, from results/growth.json.

python docs/draw_growth.py
"""

import json

from draw import DOCS, save
from matplotlib.figure import Figure

from crossbar_hil.figures.panes import COLOURS

PANELS = {
    "rows": ("rows", "Rows\n(4 columns, 8 patterns)"),
    "columns": ("columns", "Columns\n(32 rows, 2 patterns a class)"),
    "patterns": ("patterns", "Patterns\n(16 x 8, 4 classes)"),
    "square": ("rows", "Rows and columns\n(as many patterns)"),
}
"""What grows, the field that says how far, and the label."""
TICKS = (0.1, 1, 10, 100, 1000)
BETAS = {"usual": "beta 5e7", "steep": "beta 2e8"}


def draw(rows):
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    panels = figure.subplots(2, len(PANELS), sharey="row", sharex="col")
    for (what, (field, label)), (share, time) in zip(PANELS.items(), panels.T, strict=True):
        found = [row for name, row in rows.items() if name.startswith(f"{what}: ")]
        at = [row[field] for row in found]
        for (key, beta), colour, mark in zip(BETAS.items(), COLOURS, "os", strict=False):
            low, high = ([abs(row[key][end] - row[key]["percent"]) for row in found] for end in ("low", "high"))
            share.errorbar(
                at, [row[key]["percent"] for row in found], (low, high), fmt=f"{mark}-", color=colour, label=beta, ms=4
            )
            time.plot(at, [row[key]["minutes"] for row in found], f"{mark}-", color=colour, ms=4)
        share.set(xscale="log", ylim=(-3, 105))
        time.set(yscale="log", xlabel=label)
        time.set_xticks(at, [f"{each}" for each in at])
        for panel in (share, time):
            panel.minorticks_off()
            panel.spines[["top", "right"]].set_visible(False)
            panel.grid(visible=True, linewidth=0.4, alpha=0.4)
    panels[0, 0].set_ylabel("Chips that learn (%)")
    panels[1, 0].set_ylabel("Planned time\nof a training (min)")
    panels[1, 0].set_yticks(TICKS, [f"{each:g}" for each in TICKS])
    panels[0, 0].legend(frameon=False, fontsize=8, loc="lower right")
    save(figure, "growth.png")


if __name__ == "__main__":
    draw(json.loads((DOCS.parent / "benchmarks" / "results" / "growth.json").read_text(encoding="utf-8"))["rows"])
