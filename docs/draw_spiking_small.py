"""Draw the picture of the page about small arrays: what three simulated chips were shown, and what they have learnt.

python docs/draw_spiking_small.py
"""

import tempfile
from pathlib import Path

from draw import save
from matplotlib.figure import Figure

from crossbar_hil.spiking.figures import replay_sample, spikes_of
from crossbar_hil.spiking.network.stepwise import StepwiseEngine, trains_of
from crossbar_hil.spiking.plotting import plot_accuracy, plot_fields, plot_inputs
from crossbar_hil.spiking.run import SpikingRun
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.spiking.tasks.images import Images
from crossbar_hil.spiking.training import train_spiking

SEED = 1


def trained(name, folder):
    settings = SpikingSettings(dataset=name, bench="simulated")
    run = SpikingRun(train_spiking(settings, seed=SEED, out=folder).folder)
    print(f"{name}, seed {SEED}: accuracy {run.facts['accuracy']:.4f}")
    return settings.task, run.progress


def draw_inputs(task, progress, ax):
    sample = Images(progress.sample, progress.sample_labels)
    model, steps = task.model(task.shape[1]), task.teaching.test_steps
    spikes = spikes_of(trains_of(model, task.encode(sample.intensities)), steps, SEED)
    raster, _ = replay_sample(StepwiseEngine(), model, progress, sample, task.encode, steps, SEED)
    plot_inputs(spikes, raster, sample.labels, ax, classes=task.tables.input.classes)


def main():
    figure = Figure(figsize=(7.6, 6.6), layout="constrained")
    top, bottom = figure.subplots(2, 2)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        draw_inputs(*trained("coincidence", folder), top[0])
        draw_inputs(*trained("moro2022", folder), top[1])
        _, tracked = trained("pedretti2017", folder)
        plot_accuracy(tracked.record, ax=bottom[0])
        task, letters = trained("covi2016", folder)
        table = task.tables.input
        plot_fields(letters.state.weights, letters.labels, picture=table.picture, classes=table.classes, ax=bottom[1])
    titles = ("20 inputs, 5 together", "two receivers, five directions", "a pattern, then its negative", "characters")
    for ax, letter, title in zip((*top, *bottom), "abcd", titles, strict=True):
        ax.set_title("")
        ax.set_title(f"{letter}  {title}", loc="left", pad=18, fontsize=10)
    for ax in (*top, bottom[0]):
        ax.get_legend().remove()
    save(figure, "spiking_small.png")


if __name__ == "__main__":
    main()
