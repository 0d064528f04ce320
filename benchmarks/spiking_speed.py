"""Speed of the compiled spiking network on an ideal crossbar of 196 x 50: images a second on one core.

Seconds are those of the processor, the best of several turns, so that other programs count for little. The images are
random, with as many spikes a step as MNIST has (about 24 of 196 inputs), unless the folder of its files is given.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from crossbar_hil.sim_backend.spiking.fused import FusedEngine
from crossbar_hil.spiking.network.encoding import TESTING, TRAINING, spike_probabilities
from crossbar_hil.spiking.network.model import initial_state
from crossbar_hil.spiking.network.states import linear_states
from crossbar_hil.spiking.network.stepwise import Showing, StepwiseEngine
from crossbar_hil.spiking.tasks.images import mnist
from crossbar_hil.spiking.tasks.presets import (
    CLASSES,
    TEST_STEPS,
    TRAINING_STEPS,
    published_model,
    published_states_model,
    tuned_model,
    tuned_ten_model,
)

COUNT, TURNS = 300, 7


def random_images(rng):
    lit = rng.random((COUNT, 196)) < 36 / 196
    return np.where(lit, rng.choice([0.2, 0.5, 0.8, 1.0, 1.0], lit.shape), 0.0)


def best_seconds(job, turns=TURNS):
    times = []
    for _ in range(turns):
        start = time.process_time()
        result = job()
        times.append(time.process_time() - start)
    return min(times), result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    folder = parser.parse_args().folder
    if folder is None:
        images = random_images(np.random.default_rng(0))
    else:
        images = mnist(folder, CLASSES, train=2000).train.intensities[:COUNT]
    shown, engine = spike_probabilities(images), FusedEngine()
    models = {
        "published, weight units": published_model(),
        "published, siemens": published_model("siemens"),
        "published, 128 linear states": published_states_model(128),
        "tuned": tuned_model(),
        "tuned, 16 states by chance": tuned_model("siemens", states=linear_states(16, 5e-5, 1e-2)),
        "tuned, ten digits, 150 neurons": tuned_ten_model(),
    }
    print("network                            training images/s   ns a step   test images/s   ns a step")
    for name, model in models.items():
        state = initial_state(model, np.random.default_rng(0))
        training = Showing(TRAINING_STEPS, 0, TRAINING, learn=True)
        engine.show(model, state, shown[:1], training)  # compiles
        seconds, after = best_seconds(lambda m=model, s=state, h=training: engine.show(m, s, shown, h))
        test = Showing(TEST_STEPS, 0, TESTING, reset=True)
        test_seconds, _ = best_seconds(lambda m=model, a=after, h=test: engine.show(m, a.state, shown, h))
        print(
            f"{name:34s} {COUNT / seconds:17.0f} {1e9 * seconds / COUNT / TRAINING_STEPS:11.0f}"
            f" {COUNT / test_seconds:15.0f} {1e9 * test_seconds / COUNT / TEST_STEPS:11.0f}"
        )
    model = published_model()
    state = initial_state(model, np.random.default_rng(0))
    one = Showing(TRAINING_STEPS, 0, TRAINING, learn=True)
    seconds, _ = best_seconds(lambda: StepwiseEngine().show(model, state, shown[:1], one), 3)
    print(f"one step in pure functions: {1e6 * seconds / TRAINING_STEPS:.0f} us")


if __name__ == "__main__":
    main()
