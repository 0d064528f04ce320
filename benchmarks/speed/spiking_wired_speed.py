"""Speed of the spiking network with wires of 1 ohm on a crossbar of 196 x 50 cells from 100 ohm to 20 kohm, one core.

Seconds are those of the processor, the best of several turns. The images are random, with as many spikes a step as
MNIST has.

    python benchmarks/speed/spiking_wired_speed.py
"""

from dataclasses import replace
from functools import partial

import numpy as np

from crossbar_hil.benchmarks.speed.spiking_speed import best_seconds, random_images
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.sim_backend.circuit.cells import Cubic, Sinh
from crossbar_hil.sim_backend.spiking.wired import WiredEngine
from crossbar_hil.spiking.network.encoding import TESTING, TRAINING, spike_probabilities
from crossbar_hil.spiking.network.model import initial_state
from crossbar_hil.spiking.network.stepwise import Showing
from crossbar_hil.spiking.tasks.models import published_states_model

STEPS, TURNS = 200, 3


def network():
    """Return images, the network with published settings for wires, and its first state."""
    images = spike_probabilities(random_images(np.random.default_rng(0)))
    model = published_states_model(128, "nonlinear")
    neurons = replace(
        model.neurons, threshold_v=0.2 / 65, cap_v=1 / 65, inhibition_v=0.05 / 40, increment_v=0.002 / 30,
        others_refractory_s=5e-3,
    )  # fmt: skip
    model = replace(model, neurons=neurons)
    return images, model, initial_state(model, np.random.default_rng(0))


def wired(cell, count):
    """Train with a cell model; with ohmic cells, test too."""
    images, model, state = network()
    training, engine = Showing(STEPS, 0, TRAINING, learn=True), WiredEngine(1.0, cell)
    engine.show(model, state, images[:1], training)  # compiles
    engine.solved = 0
    seconds, after = best_seconds(lambda: engine.show(model, state, images[:count], training), TURNS)
    once_ms, image_us = (None, None) if cell else tested(WiredEngine(1.0), model, after.state, images)
    return {
        "step_us": 1e6 * seconds / count / STEPS,
        "solved_percent": 100 * engine.solved / TURNS / count / STEPS,
        "spikes": float(after.counts.sum() / count),
        "once_ms": once_ms,
        "image_us": image_us,
    }


def tested(engine, model, state, images):
    """Return what the first test image takes, in ms, and what each of the others, in us."""
    test = Showing(STEPS, 0, TESTING)
    few, _ = best_seconds(lambda: engine.show(model, state, images[:1], test), TURNS)
    many, _ = best_seconds(lambda: engine.show(model, state, images, test), TURNS)
    return 1e3 * few, 1e6 * (many - few) / (len(images) - 1)


def studies():
    columns = {
        "cells": "{name}",
        "a training step": "{step_us:,.0f} us",
        "steps solved, %": "{solved_percent:.0f}",
        "spikes an image": "{spikes:.0f}",
        "test, once, ms": "{once_ms:.0f}",
        "a test image, us": "{image_us:.0f}",
    }
    rows = {
        "ohmic": partial(wired, None, 10),
        "cubic": partial(wired, Cubic(), 3),
        "sinh": partial(wired, Sinh(b_per_v=2.0), 3),
    }
    about = f"{STEPS} steps an image, processor time, best of {TURNS}."
    return {"speed_spiking_wired": Study(about, columns, rows, repeatable=False)}


if __name__ == "__main__":
    main(__doc__, studies)
