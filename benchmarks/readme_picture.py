"""Draw docs/picture.png, the picture of the README: one real training of a virtual chip, seed 1, default settings.

python benchmarks/readme_picture.py
"""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crossbar_hil import Trainer, open_bench
from crossbar_hil.runs.plotting import plot_activations, plot_conductances, plot_error
from crossbar_hil.shipped import data_file
from crossbar_hil.training.patterns import PatternSet

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "picture.png"


def main():
    task = PatternSet.from_csv(data_file("perceptron"))
    with open_bench("simulated", seed=1) as backend:
        result = Trainer(backend).run(task.train, task.train_labels)
    figure = Figure(figsize=(13, 7), layout="constrained")
    chip, right = figure.subfigures(1, 2, width_ratios=[1, 1.15], wspace=0.03)
    top, bottom = right.subfigures(2, 1, height_ratios=[1.3, 1])
    plot_conductances(result, chip)
    plot_activations(result, top)
    plot_error(result, bottom.subplots())
    FigureCanvasAgg(figure).print_figure(PICTURE, dpi=80)
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
