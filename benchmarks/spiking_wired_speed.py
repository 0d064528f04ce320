"""Speed of the spiking network with wires of 1 ohm on a crossbar of 196 x 50 cells from 100 ohm to 20 kohm, one core.

Seconds are those of the processor, the best of several turns. The images are random, with as many spikes a step as
MNIST has.

    OPENBLAS_NUM_THREADS=1 taskset -c 0 python benchmarks/spiking_wired_speed.py
"""

import time
from dataclasses import replace

import numpy as np

from crossbar_hil.sim_backend.circuit.cells import Cubic, Sinh
from crossbar_hil.sim_backend.spiking.fused import FusedEngine
from crossbar_hil.sim_backend.spiking.wired import WiredEngine
from crossbar_hil.spiking.network.encoding import TESTING, TRAINING, spike_probabilities
from crossbar_hil.spiking.network.model import initial_state
from crossbar_hil.spiking.network.stepwise import Showing
from crossbar_hil.spiking.tasks.presets import published_states_model

STEPS, TURNS = 200, 3


def best_seconds(job):
    times = []
    for _ in range(TURNS):
        start = time.process_time()
        result = job()
        times.append(time.process_time() - start)
    return min(times), result


def main():
    rng = np.random.default_rng(0)
    lit = rng.random((300, 196)) < 36 / 196
    images = spike_probabilities(np.where(lit, rng.choice([0.2, 0.5, 0.8, 1.0, 1.0], lit.shape), 0.0))
    model = published_states_model(128, "nonlinear")
    neurons = replace(
        model.neurons, threshold_v=0.2 / 65, cap_v=1 / 65, inhibition_v=0.05 / 40, increment_v=0.002 / 30,
        others_refractory_s=5e-3,
    )  # fmt: skip
    model = replace(model, neurons=neurons)
    state = initial_state(model, np.random.default_rng(0))
    training = Showing(STEPS, 0, TRAINING, learn=True)
    print("cells    training, us a step   steps solved   spikes an image")
    for name, cell, count in (("ohmic", None, 10), ("cubic", Cubic(), 3), ("sinh", Sinh(b_per_v=2.0), 3)):
        engine = WiredEngine(1.0, cell)
        engine.show(model, state, images[:1], training)  # compiles
        engine.solved = 0
        seconds, after = best_seconds(lambda e=engine, n=count: e.show(model, state, images[:n], training))
        share = engine.solved / TURNS / count / STEPS
        spikes = after.counts.sum() / count
        print(f"{name:8s} {1e6 * seconds / count / STEPS:19.0f} {100 * share:12.0f} % {spikes:17.0f}")
    test = Showing(STEPS, 0, TESTING)
    for name, engine in (("wires", WiredEngine(1.0)), ("ideal", FusedEngine())):
        few, _ = best_seconds(lambda e=engine: e.show(model, after.state, images[:1], test))
        many, _ = best_seconds(lambda e=engine: e.show(model, after.state, images, test))
        print(f"test, {name}: {1e3 * few:.0f} ms once, {1e6 * (many - few) / 299:.0f} us an image of {STEPS} steps")


if __name__ == "__main__":
    main()
