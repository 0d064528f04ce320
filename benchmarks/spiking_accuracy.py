"""Accuracy of the spiking network on the test set of MNIST: published settings, tuned ones, what each change does.

Run with the folder of the four IDX files: ``python benchmarks/spiking_accuracy.py FOLDER [--seeds 10]``.
"""

import argparse
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from crossbar_hil.sim_backend.spiking.fused import FusedEngine
from crossbar_hil.spiking.network.network import PUBLISHED, SpikingNetwork
from crossbar_hil.spiking.network.states import linear_states
from crossbar_hil.spiking.tasks.images import mnist
from crossbar_hil.spiking.tasks.presets import (
    CLASSES,
    HIGH_SIEMENS,
    LOW_SIEMENS,
    TUNED,
    TUNED_TEN,
    published_model,
    published_states_model,
    tuned_model,
    tuned_ten_model,
)


def linear(count):
    return linear_states(count, LOW_SIEMENS, HIGH_SIEMENS)


def published_rows():
    yield "published, weight units", published_model(), PUBLISHED
    yield "published, siemens", published_model("siemens"), PUBLISHED
    for count in (16, 64, 128, 256):
        yield f"published, {count} linear states", published_states_model(count), PUBLISHED
    for count in (128, 256):
        yield f"published, {count} nonlinear states", published_states_model(count, "nonlinear"), PUBLISHED


def tuned_rows():
    yield "tuned, weight units", tuned_model(), TUNED
    yield "tuned, siemens", tuned_model("siemens"), TUNED
    for count in (128, 16, 2):
        model = tuned_model("siemens", states=linear(count))
        for scheme in ("stochastic", "carry", "nearest"):
            yield (
                f"tuned, {count} states, {scheme}",
                replace(model, synapses=replace(model.synapses, update_scheme=scheme)),
                TUNED,
            )


def rows_without_one_change():
    model, old = tuned_model(), published_model().neurons

    def with_neurons(**changes):
        return replace(model, neurons=replace(model.neurons, **changes))

    yield "without three passes", model, replace(TUNED, passes=1)
    yield "without labels after training", model, replace(TUNED, label_after=False)
    for readout in ("winner", "mean", "votes"):
        yield f"read-out {readout}", model, replace(TUNED, readout=readout)
    yield (
        "with decay and cap of thresholds",
        with_neurons(threshold_decay_s=old.threshold_decay_s, cap_v=old.cap_v),
        TUNED,
    )
    yield "with the published inhibition", with_neurons(inhibition_v=old.inhibition_v), TUNED
    yield "last one wins", with_neurons(contest="last"), TUNED
    yield "five steps refractory", with_neurons(own_refractory_s=5e-3, others_refractory_s=5e-3), TUNED
    yield "with the published rates", replace(model, plasticity=published_model().plasticity), TUNED


def rows_with_one_change():
    model = published_model()

    def with_neurons(**changes):
        return replace(model, neurons=replace(model.neurons, **changes))

    yield "plus three passes", model, replace(PUBLISHED, passes=3, rates=TUNED.rates)
    yield "plus labels after training", model, replace(PUBLISHED, label_after=True)
    yield "plus likelihood and labels after", model, replace(PUBLISHED, label_after=True, readout="likelihood")
    yield "plus thresholds without decay or cap", with_neurons(threshold_decay_s=math.inf, cap_v=math.inf), PUBLISHED
    yield "plus full inhibition", with_neurons(inhibition_v=80.0), PUBLISHED
    yield "plus highest one wins", with_neurons(contest="highest"), PUBLISHED


def show(title, rows, split, seeds):
    print(f"\n{title}: {len(split.train)} training images, {len(split.test)} test images, {seeds} seeds")
    for name, model, protocol in rows:
        start = time.process_time()
        found, silent = [], 0
        for seed in range(seeds):
            network = SpikingNetwork(model, FusedEngine(), seed=seed, protocol=protocol)
            network.train(split.train.intensities, split.train.labels)
            result = network.test(split.test.intensities, split.test.labels)
            found.append(100 * result.accuracy)
            silent += result.silent
        spread = np.std(found, ddof=1) if seeds > 1 else math.nan
        seconds = (time.process_time() - start) / seeds
        print(
            f"{name:42s} {np.mean(found):5.1f} +- {spread:3.1f} % ({min(found):.1f} .. {max(found):.1f}), "
            f"{silent / seeds:6.1f} silent, {seconds:4.1f} s",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    chosen = parser.parse_args()
    nearest = mnist(chosen.folder, CLASSES, train=2000)
    area = mnist(chosen.folder, CLASSES, train=2000, resize="area")
    ten = mnist(chosen.folder, train=10_000, resize="area")
    show("Published settings", published_rows(), nearest, chosen.seeds)
    show("Tuned settings, area means", tuned_rows(), area, chosen.seeds)
    show("Tuned settings, every second pixel", [("tuned, weight units", tuned_model(), TUNED)], nearest, chosen.seeds)
    show("Tuned settings but for one change, area means", rows_without_one_change(), area, chosen.seeds)
    show("Published settings but for one change", rows_with_one_change(), nearest, chosen.seeds)
    show(
        "Published settings, area means",
        [("published, weight units", published_model(), PUBLISHED)],
        area,
        chosen.seeds,
    )
    show("Ten digits, area means", [("tuned, 150 neurons", tuned_ten_model(), TUNED_TEN)], ten, min(chosen.seeds, 5))


if __name__ == "__main__":
    main()
