"""Whole trainings through Trainer and SimulatedBackend against a plain NumPy transcription of the equations.

Both train the same chips, interleaved in one run. The transcription checks nothing and records nothing.

    python benchmarks/speed/training_speed.py
"""

import statistics
import time
from functools import partial

import numpy as np

from crossbar_hil import Pulse, Trainer, defaults
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, lognormal_shifts
from crossbar_hil.training.patterns import PatternSet

EPOCHS, SCALE = defaults.EPOCHS, defaults.SCALE
REFERENCE = (1e-8, 1e-7), {"beta": 6e6, "target": 0.8, "pull_back": True}
DEFAULT = (
    (defaults.LOW_SIEMENS, defaults.HIGH_SIEMENS),
    {"beta": defaults.BETA, "target": defaults.TARGET, "pull_back": False},
)
CHIPS, REPEATS = 50, 11


def transcription(levels_siemens, shifts, patterns, labels, beta, target, pull_back):
    """Train one chip; return epochs and pulses."""
    rises = levels_siemens - levels_siemens[0]
    voltages = np.where(patterns == 1, 0.1, -0.1)
    targets = np.where(labels == 1, target, -target)
    senses = 2 * labels - 1
    level = np.zeros(shifts.shape, dtype=np.int64)
    pulses = 0
    for epoch in range(1, EPOCHS + 1):
        conductances = SCALE * (rises[level] + shifts)
        currents = voltages @ conductances
        outputs = currents[:, 0::2] - currents[:, 1::2]
        activations = np.tanh(beta * outputs)
        beyond = senses * activations >= target
        if beyond.all() or epoch == EPOCHS:
            break
        gaps = targets - activations
        if not pull_back:
            gaps = np.where(beyond, 0.0, gaps)
        deltas = gaps * beta / np.cosh(beta * outputs) ** 2
        signs = np.sign(voltages.T @ deltas)
        level[:, 0::2] += signs > 0
        level[:, 1::2] += signs < 0
        level = np.minimum(level, len(rises) - 1)
        pulses += np.count_nonzero(signs)
    return epoch, pulses


def whole_trainings(span, settings):
    """Return the median ratio over the chips, and the microseconds of an epoch of ours and of the transcription."""
    curve = ConductanceCurve.from_csv(data_file("figure2a"))
    task = PatternSet.from_csv(data_file("perceptron"))
    pulse = Pulse(2.0, 0.05)
    rng = np.random.default_rng(1)
    ratios, ours_per_epoch, plain_per_epoch = [], [], []
    for _ in range(CHIPS):
        shifts = lognormal_shifts(rng=rng, span_siemens=span)
        ours, plain = [], []
        for _ in range(REPEATS):
            start = time.perf_counter()
            backend = SimulatedBackend(curve, shifts, scale=SCALE)
            result = Trainer(backend, pulse=pulse, epochs=EPOCHS, **settings).run(task.train, task.train_labels)
            middle = time.perf_counter()
            epochs, pulses = transcription(curve.levels_siemens, shifts, task.train, task.train_labels, **settings)
            end = time.perf_counter()
            assert (result.epochs, result.pulses) == (epochs, pulses)
            ours.append(middle - start)
            plain.append(end - middle)
        ratios.append(min(ours) / min(plain))
        ours_per_epoch.append(1e6 * min(ours) / epochs)
        plain_per_epoch.append(1e6 * min(plain) / epochs)
    ratio, ours_us, plain_us = map(statistics.median, (ratios, ours_per_epoch, plain_per_epoch))
    return {"ratio": ratio, "ours_us": ours_us, "plain_us": plain_us}


def studies():
    columns = {
        "": "{name}",
        "ratio": "{ratio:.2f}",
        "an epoch": "{ours_us:.0f} us",
        "of the transcription": "{plain_us:.0f} us",
    }
    rows = {"reference settings": partial(whole_trainings, *REFERENCE), "default": partial(whole_trainings, *DEFAULT)}
    about = f"Median over {CHIPS} chips, fastest of {REPEATS}."
    return {"speed_training": Study(about, columns, rows, repeatable=False)}


if __name__ == "__main__":
    main(__doc__, studies)
