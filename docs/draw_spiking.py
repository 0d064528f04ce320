"""Draw the pictures of the page about the spiking network: digits on a computed crossbar, stripes on a simulated chip.

python docs/draw_spiking.py
"""

import tempfile
from pathlib import Path

import numpy as np
from draw import save
from matplotlib.figure import Figure

from crossbar_hil.spiking.figures import draw_figures
from crossbar_hil.spiking.plotting import draw_networks
from crossbar_hil.spiking.run import SpikingRun
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.spiking.sweeping import NetworkFolder, network_axes, plan_networks, run_networks
from crossbar_hil.spiking.training import train_spiking
from crossbar_hil.spiking.view import SilentView
from crossbar_hil.studies.scheduling import make_scheduler

SEED = 1


class Keeping(SilentView):
    """Keeps the conductances after every image."""

    def __init__(self):
        self.weights = []

    def show(self, progress):
        self.weights.append(progress.state.weights)


def digits(folder):
    settings = SpikingSettings(classes=(0, 1, 2, 9, 5), neurons=30)
    run = SpikingRun(train_spiking(settings, seed=SEED, out=folder).folder)
    figures = draw_figures(settings, run.progress, test_steps=run.facts["test_steps"], seed=SEED)
    save(figures["fields"], "spiking_fields.png")
    save(figures["raster"], "spiking_raster.png")
    print(f"digits, seed {SEED}: accuracy {run.facts['accuracy']:.4f}")


def swept(folder):
    axes = network_axes(("states=2,4,8,16,32,64,128", "rule=nearest,stochastic"))
    settings = SpikingSettings(classes=(0, 1, 2, 9, 5), neurons=30)
    sweep = plan_networks(settings, axes, networks=5, seed=SEED)
    with NetworkFolder.begin(folder / "sweep", sweep.plan()) as kept:
        result = run_networks(sweep, kept, make_scheduler("processes"))
    save(draw_networks(result), "spiking_sweep.png")


def stripes(folder):
    kept = Keeping()
    settings = SpikingSettings(dataset="stripes", bench="simulated")
    facts = SpikingRun(train_spiking(settings, seed=SEED, out=folder, view=kept).folder).facts
    moments = [0, 3, 7, 23]
    figure = Figure(figsize=(7.2, 2.1), layout="constrained")
    figure.get_layout_engine().set(wspace=0.25)
    panels = figure.subplots(1, len(moments))
    highest = 1e6 * max(each.max() for each in kept.weights)
    for panel, moment in zip(panels, moments, strict=True):
        # Four neurons, each as its image of 2 x 2 pixels, with gaps between them.
        square = np.full((5, 5), np.nan)
        for neuron, field in enumerate(1e6 * kept.weights[moment].T.reshape(4, 2, 2)):
            top, left = 3 * (neuron // 2), 3 * (neuron % 2)
            square[top : top + 2, left : left + 2] = field
        image = panel.imshow(square, cmap="viridis", vmin=0, vmax=highest)
        panel.set_title(f"after {moment + 1} image{'s' if moment else ''}", fontsize=9)
        panel.set_axis_off()
    figure.colorbar(image, ax=list(panels), label="Conductance (µS)", aspect=15)
    save(figure, "spiking_stripes.png")
    print(f"stripes, seed {SEED}: accuracy {facts['accuracy']}, {facts['reads']} reads, {facts['pulses']} pulses")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        digits(Path(place))
        stripes(Path(place))
        swept(Path(place))
