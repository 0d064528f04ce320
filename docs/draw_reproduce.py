"""Draw the pictures of the page on published experiments: what is learnt, by which epoch, and where a chip ends.

python docs/draw_reproduce.py
"""

import json

import numpy as np
from draw import DOCS, save
from matplotlib.figure import Figure

from crossbar_hil import open_bench
from crossbar_hil.bench.file import load_bench
from crossbar_hil.figures.cells import DIVERGING, draw_cells
from crossbar_hil.figures.panes import COLOURS
from crossbar_hil.shipped import data_file
from crossbar_hil.training.lines.pairs import difference
from crossbar_hil.training.patterns import PatternSet, as_text
from crossbar_hil.training.settings import make_trainer

LINES = {"default": "as shipped", "published": "pulled back", "spread": "steps differ by 26 %"}
CLASSES = {
    "prezioso2015": ("z", "v", "n"),
    "prezioso2015-10x8": ("z", "v", "n", "plus"),
    "li2021": ("AND", "OR", "NAND"),
}


def letters(panels, bits, labels):
    """Draw the first pattern of each class as pixels; the last bit is the bias."""
    for panel, wanted in zip(panels, np.eye(labels.shape[1], dtype=int), strict=True):
        first = bits[(labels == wanted).all(axis=1)][0]
        panel.imshow(first[:-1].reshape(3, 3), cmap="Greys", vmin=0, vmax=1)
        panel.set_xticks(np.arange(-0.5, 3), [])
        panel.set_yticks(np.arange(-0.5, 3), [])
        panel.tick_params(length=0)
        panel.grid(color="0.8", linewidth=0.8)


def truth(panel, bits, labels, names):
    """Draw truth tables: a row for each pattern, black for a 1."""
    panel.imshow(labels, cmap="Greys", vmin=0, vmax=1, aspect="equal")
    panel.set_xticks(range(len(names)), names, fontsize=8)
    panel.set_yticks(range(len(bits)), [as_text(each[:2]) for each in bits], fontsize=8)
    panel.xaxis.tick_top()
    panel.set_ylabel("Inputs")


def share_by_epoch(panel, row):
    for (key, label), colour in zip(LINES.items(), COLOURS, strict=False):
        found = row[key]
        at, chips = zip(*found["by_epoch"], strict=True)
        share = 100 * np.cumsum(chips) / found["chips"]
        panel.step([1, *at, 100], [0, *share, share[-1]], where="post", color=colour, label=label)
    panel.set(xlabel="Epoch", ylabel="Chips that have learnt (%)", xlim=(1, 100), ylim=(0, 102))
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False, fontsize=8, loc="lower right")


def weights(panel, name, task, names):
    bench = load_bench("simulated", task=name)
    with open_bench("simulated", task=name, seed=1) as backend:
        found = make_trainer(bench.training, backend, seed=1).run(task.train, task.train_labels)
        final = 1e6 * difference(backend.read_conductances(0.1))
    most = float(np.abs(final).max())
    draw_cells(panel, final, "Weight (µS)", colours=DIVERGING, low=-most, high=most, aspect="auto")
    panel.set_xticks(range(len(names)), names)
    panel.set(ylabel="Row", title=f"chip of seed 1 after {found.epochs} epochs")
    panel.title.set_fontsize(9)


def draw(name, names, rows):
    task = PatternSet.from_csv(data_file(name))
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, middle, right = figure.subfigures(1, 3, width_ratios=(0.7, 1.5, 1.5))
    if name.startswith("prezioso"):
        panels = left.subplots(len(names), 1)
        letters(panels, task.train, task.train_labels)
        for panel, each in zip(panels, names, strict=True):
            panel.set_ylabel(each, rotation=0, labelpad=12, va="center")
    else:
        truth(left.subplots(), task.train, task.train_labels, names)
    share_by_epoch(middle.subplots(), rows[name])
    weights(right.subplots(), name, task, names)
    save(figure, f"reproduce_{name.replace('-', '_')}.png")


if __name__ == "__main__":
    found = json.loads((DOCS.parent / "benchmarks" / "results" / "reproduced.json").read_text(encoding="utf-8"))
    for task, classes in CLASSES.items():
        draw(task, classes, found["rows"])
