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
from crossbar_hil.training.tasks import Task

LINES = {"default": "as shipped", "published": "pulled back", "spread": "steps differ by 26 %"}
CLASSES = {
    "prezioso2015": ("z", "v", "n"),
    "prezioso2015-10x8": ("z", "v", "n", "plus"),
    "li2021": ("AND", "OR", "NAND"),
    "xor": ("XOR",),
    "bayat2018": ("A", "T", "V", "X"),
}
SEEDS = {"xor": 2}
"""Of the chip that is shown, where it is not 1."""


def letters(panels, bits, labels):
    """Draw the first pattern of each class as pixels; a bit that is left over is the bias."""
    for panel, wanted in zip(panels, np.eye(labels.shape[1], dtype=int), strict=True):
        first = bits[(labels == wanted).all(axis=1)][0]
        side = int(len(first) ** 0.5)
        panel.imshow(first[: side**2].reshape(side, side), cmap="Greys", vmin=0, vmax=1)
        panel.set_xticks(np.arange(-0.5, side), [])
        panel.set_yticks(np.arange(-0.5, side), [])
        panel.tick_params(length=0)
        panel.grid(color="0.8", linewidth=0.8)


def truth(panel, bits, labels, names):
    """Draw truth tables: a row for each pattern, black for a 1."""
    panel.imshow(labels, cmap="Greys", vmin=0, vmax=1, aspect="equal")
    panel.set_xticks(range(len(names)), names, fontsize=8)
    panel.set_yticks(range(len(bits)), [as_text(each[:2]) for each in bits], fontsize=8)
    panel.xaxis.tick_top()
    panel.hlines(np.arange(0.5, len(bits) - 1), -0.5, len(names) - 0.5, color="0.6", linewidth=0.8)
    panel.set_ylabel("Inputs")


def share_by_epoch(panel, row):
    for (key, label), colour in zip(LINES.items(), COLOURS, strict=False):
        found = row[key]
        at, chips = np.array(found["by_epoch"], dtype=int).reshape(-1, 2).T
        share = 100 * np.cumsum(chips) / found["chips"]
        panel.step([1, *at, 100], [0, *share, found["percent"]], where="post", color=colour, label=label)
    panel.set(xlabel="Epoch", ylabel="Chips that have learnt (%)", xlim=(1, 100), ylim=(0, 102))
    panel.spines[["top", "right"]].set_visible(False)
    place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "ncols": 3}
    panel.legend(frameon=False, fontsize=8, handlelength=1.2, columnspacing=1.0, **place)


def chip(panel, name, task, names):
    """Draw the weights of a trained chip; the conductances of all its cells if they are those of several layers."""
    bench, seed = load_bench("simulated", task=name), SEEDS.get(name, 1)
    with open_bench("simulated", task=name, seed=seed) as backend:
        found = make_trainer(bench.training, backend, seed=seed).run(task.train, task.train_labels)
        siemens = 1e6 * backend.read_conductances(0.1)
    panel.set_title(f"chip of seed {seed} after {found.epochs} epochs", fontsize=9)
    panel.set_ylabel("Row")
    if bench.training.arrangement.is_plain:
        final = difference(siemens)
        most = float(np.abs(final).max())
        draw_cells(panel, final, "Weight (µS)", colours=DIVERGING, low=-most, high=most, aspect="auto")
        panel.set_xticks(range(len(names)), names)
    else:
        draw_cells(panel, siemens, "Conductance (µS)", aspect="auto")
        panel.set_xlabel("Column")
        panel.set_xticks(*numbered(siemens.shape[1]))
    panel.set_yticks(*numbered(len(siemens)))


def numbered(lines):
    """Return ticks and their labels, counted from 1; every fifth of many."""
    step = 1 if lines <= 10 else 5
    at = range(0, lines, step) if step == 1 else range(step - 1, lines, step)
    return list(at), [str(each + 1) for each in at]


def draw(name, names, rows):
    task = PatternSet.from_csv(data_file(Task.read(name).training["patterns"]))
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, middle, right = figure.subfigures(1, 3, width_ratios=(0.7, 1.5, 1.5))
    if len(task.train[0]) > 9:
        panels = left.subplots(len(names), 1)
        letters(panels, task.train, task.train_labels)
        for panel, each in zip(panels, names, strict=True):
            panel.set_ylabel(each, rotation=0, labelpad=12, va="center")
    else:
        truth(left.subplots(), task.train, task.train_labels, names)
    share_by_epoch(middle.subplots(), rows[name])
    chip(right.subplots(), name, task, names)
    save(figure, f"reproduce_{name.replace('-', '_')}.png")


if __name__ == "__main__":
    found = json.loads((DOCS.parent / "benchmarks" / "results" / "reproduced.json").read_text(encoding="utf-8"))
    for task, classes in CLASSES.items():
        draw(task, classes, found["rows"])
