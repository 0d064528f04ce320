"""Trainings of chips with wires, side by side and by `Trainer` one by one, in turn in one run.

Both train chips of the same draw by the published rule, processor time counts, the fastest of the rounds; the ratio is
the median of the rounds' own. Compiled before. Every chip that both train must end the same.

    python benchmarks/ensemble_wired_speed.py
"""

import statistics
import time
from functools import partial

import numpy as np
from study import Study, main

from crossbar_hil import Trainer
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, draw_ensemble, train_ensemble
from crossbar_hil.sim_backend.circuit import compile_kernels
from crossbar_hil.training.patterns import PatternSet

ROUNDS, SPAN = 5, (2e-8, 1e-7)


def sixteen():
    """Sixteen random patterns of sixteen bits, with eight random labels each."""
    rng = np.random.default_rng(16)
    return rng.permutation(2**16)[:16, None] >> np.arange(16) & 1, rng.integers(0, 2, (16, 8))


def perceptron():
    task = PatternSet.from_csv(data_file("perceptron"))
    return task.train, task.train_labels


ROWS = {
    "4 x 4, wires": (perceptron, (4, 4), {}, 20_000, 40),
    "4 x 4, wires and half-select": (perceptron, (4, 4), {"write": "half-select"}, 20_000, 8),
    "4 x 4, the same, other cells move": (perceptron, (4, 4), {"write": "half-select", "threshold": 0.4}, 2048, 4),
    "16 x 16, wires": (sixteen, (16, 16), {}, 256, 4),
}


def compared(task, shape, chip, many, few):
    curve = ConductanceCurve.from_csv(data_file("figure2a"))
    patterns, labels = task()
    shifts = draw_ensemble(many, shape, seed=3, span_siemens=SPAN)
    settings = {"pull_back": True, "check_labels": False}
    chip = {"wire_ohm": 5.0, **chip}

    def one_by_one():
        backends = [SimulatedBackend(curve, each, **chip) for each in shifts[:few]]
        return [Trainer(each, **settings).run(patterns, labels) for each in backends]

    def together():
        return train_ensemble(curve, shifts, patterns, labels, threads=1, **chip, **settings)

    compile_kernels(), together(), one_by_one()
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        alone = one_by_one()
        half = time.process_time()
        result = together()
        rounds.append(((half - begun) / few, (time.process_time() - half) / many))
    slow, quick = np.min(rounds, axis=0).tolist()
    return {
        "epochs": float(result.epochs.mean()),
        "alone": 1 / slow,
        "together": 1 / quick,
        "ratio": statistics.median(one / other for one, other in rounds),
        "differ": sum(
            (int(result.epochs[k]), int(result.pulses[k])) != (each.epochs, each.pulses) for k, each in enumerate(alone)
        ),
    }


def studies():
    columns = {
        "chips": "{name}",
        "mean epochs": "{epochs:.1f}",
        "one by one": "{alone:,.0f}/s",
        "side by side": "{together:,.0f}/s",
        "ratio": "{ratio:,.0f}",
    }
    rows = {name: partial(compared, *row) for name, row in ROWS.items()}
    about = f"5 ohm a segment, published rule, one core, processor time, in turn, {ROUNDS} rounds."
    return {"speed_ensemble_wired": Study(about, columns, rows, repeatable=False)}


if __name__ == "__main__":
    main(__doc__, studies)
