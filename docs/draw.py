"""Draw the pictures of these pages: the ten measured curves, and a training that hovers about its target.

python docs/draw.py
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from crossbar_hil import Pulse, Trainer, open_bench
from crossbar_hil.figures.png import write_png
from crossbar_hil.runs.plotting import plot_activations
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve
from crossbar_hil.training.patterns import PatternSet

DOCS = Path(__file__).resolve().parent
# Dark for the longest pulse; five steps of viridis (S. van der Walt and N. Smith, CC0), without its yellow.
SHADES = {0.001: "#7ad151", 0.002: "#22a884", 0.005: "#2a788e", 0.010: "#414487", 0.050: "#440154"}


def save(figure, name, dpi=110):
    path = DOCS / name
    write_png(figure, path, dpi=dpi, replace=True)
    print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


def curves():
    family = ConductanceCurve.from_csv(data_file("figure2a"))
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    panels = figure.subplots(1, 2)
    for panel, amplitude, title in zip(panels, (2.0, -2.8), ("potentiation, 2 V", "depression, −2.8 V"), strict=True):
        widths = [c.pulse.width_s for c in (family, *family.others) if c.pulse.amplitude_v == amplitude]
        for width in sorted(widths):
            levels = family.for_pulse(Pulse(amplitude, width)).levels_siemens
            panel.plot(
                np.arange(len(levels)),
                1e6 * levels,
                ".-",
                markersize=3,
                linewidth=1.2,
                color=SHADES[width],
                label=f"{width * 1e3:g} ms",
            )
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("Level (pulses after the first point)")
        panel.set_ylabel("Conductance (µS)")
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(visible=True, linewidth=0.4, alpha=0.4)
        panel.legend(frameon=False, fontsize=8, ncols=2)
    panels[1].set_yscale("log")
    panels[1].set_yticks([0.02, 0.05, 0.1, 0.2, 0.4], ["0.02", "0.05", "0.1", "0.2", "0.4"])
    panels[1].minorticks_off()
    save(figure, "curves.png")


def hovering():
    task = PatternSet.from_csv(data_file("perceptron"))
    with open_bench("simulated", preset="reference", seed=1) as backend:
        result = Trainer(backend, beta=6e6, target=0.8, pull_back=True).run(task.train, task.train_labels)
    save(plot_activations(result).figure, "reference_hovers.png")


if __name__ == "__main__":
    curves()
    hovering()
