"""Draw docs/picture.png, the picture of the README: one real training of a virtual chip whose cells start 20 % apart.

It is what ``crossbar-hil train --seed 4 --spread "307 nS" "672 nS"`` trains, with the default settings.

python benchmarks/training/readme_picture.py
"""

from pathlib import Path

from matplotlib.figure import Figure

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.figures.png import as_png
from crossbar_hil.runs.plotting import plot_answers, plot_chip, plot_error
from crossbar_hil.shipped import data_file
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer

SEED = 4
SPREAD = {"low_siemens": 3.07e-7, "high_siemens": 6.72e-7}
"""454 nS times and by exp(1.96 x 0.2)."""
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "picture.png"


def training():
    """Train the chip of the picture."""
    bench = load_bench("simulated", overrides={"chip": {"spread": SPREAD}})
    task = PatternSet.from_csv(data_file("perceptron"))
    with open_backend(bench, seed=SEED) as backend:
        return make_trainer(bench.training, backend).run(task.train, task.train_labels)


def main():
    result = training()
    figure = Figure(figsize=(9.4, 5.8), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06, hspace=0.06)
    chip, learnt = figure.subfigures(2, 1, height_ratios=[1, 1.15])
    before, after = chip.subplots(1, 2)
    plot_chip(result, before, epoch=1)
    plot_chip(result, after)
    before.set_title("The chip before training", fontsize=11)
    after.set_title(f"The chip after {result.pulses} pulses in {result.epochs} epochs", fontsize=11)
    says, error = learnt.subplots(1, 2)
    plot_answers(result, says)
    plot_error(result, error)
    says.set_title("What it learned: its outputs for the six patterns", fontsize=11, pad=24)
    error.set_title("The error until every target is met", fontsize=11)
    PICTURE.write_bytes(as_png(figure, dpi=115))
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
