"""Speed of the compiled spiking network on an ideal crossbar of 196 x 50: images a second on one core.

Seconds are those of the processor, the best of several turns, so that other programs count for little. The images are
random, with as many spikes a step as MNIST has (about 24 of 196 inputs).

    python benchmarks/speed/spiking_speed.py
"""

import time
from functools import partial

import numpy as np

from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.sim_backend.spiking.fused import FusedEngine
from crossbar_hil.spiking.network.encoding import TESTING, TRAINING, spike_probabilities
from crossbar_hil.spiking.network.model import initial_state
from crossbar_hil.spiking.network.states import linear_states
from crossbar_hil.spiking.network.stepwise import Showing, StepwiseEngine
from crossbar_hil.spiking.tasks.models import (
    TEST_STEPS,
    TRAINING_STEPS,
    published_model,
    published_states_model,
    tuned_model,
    tuned_ten_model,
)

COUNT, TURNS = 300, 3


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


def compiled(model):
    shown, engine = spike_probabilities(random_images(np.random.default_rng(0))), FusedEngine()
    state = initial_state(model, np.random.default_rng(0))
    training = Showing(TRAINING_STEPS, 0, TRAINING, learn=True)
    engine.show(model, state, shown[:1], training)  # compiles
    seconds, after = best_seconds(lambda: engine.show(model, state, shown, training))
    test = Showing(TEST_STEPS, 0, TESTING, reset=True)
    test_seconds, _ = best_seconds(lambda: engine.show(model, after.state, shown, test))
    return {
        "training": COUNT / seconds,
        "training_ns": 1e9 * seconds / COUNT / TRAINING_STEPS,
        "test": COUNT / test_seconds,
        "test_ns": 1e9 * test_seconds / COUNT / TEST_STEPS,
    }


def in_pure_functions():
    model, shown = published_model(), spike_probabilities(random_images(np.random.default_rng(0)))
    state = initial_state(model, np.random.default_rng(0))
    one = Showing(TRAINING_STEPS, 0, TRAINING, learn=True)
    seconds, _ = best_seconds(lambda: StepwiseEngine().show(model, state, shown[:1], one), 3)
    step = seconds / TRAINING_STEPS
    return {"training": 1 / seconds, "training_ns": 1e9 * step, "test": None, "test_ns": None}


def studies():
    models = {
        "published, weight units": published_model(),
        "published, siemens": published_model("siemens"),
        "published, 128 linear states": published_states_model(128),
        "tuned": tuned_model(),
        "tuned, 16 states by chance": tuned_model("siemens", states=linear_states(16, 5e-5, 1e-2)),
        "tuned, ten digits, 150 neurons": tuned_ten_model(),
    }
    columns = {
        "network": "{name}",
        "training images/s": "{training:,.0f}",
        "ns a step": "{training_ns:,.0f}",
        "test images/s": "{test:,.0f}",
        "ns a step of the test": "{test_ns:,.0f}",
    }
    rows = {name: partial(compiled, model) for name, model in models.items()}
    rows["published, weight units, in pure functions"] = in_pure_functions
    about = f"{COUNT} images, processor time, best of {TURNS}."
    return {"speed_spiking": Study(about, columns, rows, repeatable=False)}


if __name__ == "__main__":
    main(__doc__, studies)
