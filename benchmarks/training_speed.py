"""Whole trainings through Trainer and SimulatedBackend against a plain NumPy transcription of the equations.

Both train the same chips, interleaved in one run. The transcription checks nothing and records nothing.

    python benchmarks/training_speed.py
"""

import statistics
import time

import numpy as np
from study import Study, main

from crossbar_hil import Pulse, Trainer
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, lognormal_shifts
from crossbar_hil.training.patterns import PatternSet

BETA, TARGET, EPOCHS, SCALE = 6e6, 0.8, 48, 10.0
CHIPS, REPEATS, RUNS = 50, 11, 5


def transcription(levels_siemens, shifts, patterns, labels):
    """Train one chip; return epochs and pulses."""
    rises = levels_siemens - levels_siemens[0]
    voltages = np.where(patterns == 1, 0.1, -0.1)
    targets = np.where(labels == 1, TARGET, -TARGET)
    senses = 2 * labels - 1
    level = np.zeros(shifts.shape, dtype=np.int64)
    pulses = 0
    for epoch in range(1, EPOCHS + 1):
        conductances = SCALE * (rises[level] + shifts)
        currents = voltages @ conductances
        outputs = currents[:, 0::2] - currents[:, 1::2]
        activations = np.tanh(BETA * outputs)
        if (senses * activations >= TARGET).all() or epoch == EPOCHS:
            break
        deltas = (targets - activations) * BETA / np.cosh(BETA * outputs) ** 2
        signs = np.sign(voltages.T @ deltas)
        level[:, 0::2] += signs > 0
        level[:, 1::2] += signs < 0
        level = np.minimum(level, len(rises) - 1)
        pulses += np.count_nonzero(signs)
    return epoch, pulses


def one_run(curve, task):
    """Return the median ratio over the chips, and the microseconds of an epoch of ours and of the transcription."""
    pulse = Pulse(2.0, 0.05)
    rng = np.random.default_rng(1)
    ratios, ours_per_epoch, plain_per_epoch = [], [], []
    for _ in range(CHIPS):
        shifts = lognormal_shifts(rng=rng, span_siemens=(1e-8, 1e-7))
        ours, plain = [], []
        for _ in range(REPEATS):
            start = time.perf_counter()
            backend = SimulatedBackend(curve, shifts, scale=SCALE)
            result = Trainer(backend, pulse=pulse, beta=BETA, target=TARGET, epochs=EPOCHS).run(
                task.train, task.train_labels
            )
            middle = time.perf_counter()
            epochs, pulses = transcription(curve.levels_siemens, shifts, task.train, task.train_labels)
            end = time.perf_counter()
            assert (result.epochs, result.pulses) == (epochs, pulses)
            ours.append(middle - start)
            plain.append(end - middle)
        ratios.append(min(ours) / min(plain))
        ours_per_epoch.append(min(ours) / epochs)
        plain_per_epoch.append(min(plain) / epochs)
    return tuple(map(statistics.median, (ratios, ours_per_epoch, plain_per_epoch)))


def whole_trainings():
    curve = ConductanceCurve.from_csv(data_file("figure2a"))
    task = PatternSet.from_csv(data_file("perceptron"))
    ratios, ours, plain = zip(*(one_run(curve, task) for _ in range(RUNS)), strict=True)
    return {
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "ours_low_us": 1e6 * min(ours),
        "ours_high_us": 1e6 * max(ours),
        "plain_low_us": 1e6 * min(plain),
        "plain_high_us": 1e6 * max(plain),
    }


def studies():
    columns = {
        "": "{name}",
        "ratio": "{ratio_low:.2f} to {ratio_high:.2f}",
        "an epoch": "{ours_low_us:.0f} to {ours_high_us:.0f} us",
        "of the transcription": "{plain_low_us:.0f} to {plain_high_us:.0f} us",
    }
    about = f"Median over {CHIPS} chips, fastest of {REPEATS}; lowest and highest of {RUNS} runs."
    return {"speed_training": Study(about, columns, {"reference settings": whole_trainings}, repeatable=False)}


if __name__ == "__main__":
    main(__doc__, studies)
