"""Trainings of chips with wires, or with the effects of real ones, side by side and by `Trainer` one by one, in turn.

Both train chips of the same draw by the published rule, processor time counts, the faster of two turns. Compiled
before. Every chip that both train must end the same, unless noise is drawn.

    python benchmarks/speed/ensemble_wired_speed.py
"""

import time
from functools import partial

import numpy as np

from crossbar_hil import Trainer
from crossbar_hil.bench.effects import Effects
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, draw_ensemble, train_ensemble
from crossbar_hil.sim_backend.circuit import compile_kernels
from crossbar_hil.sim_backend.ensemble.draw import draw_own_arrays
from crossbar_hil.training.patterns import PatternSet

TURNS, SPAN = 2, (2e-8, 1e-7)
FIVE, HALVES = {"wire_ohm": 5.0}, {"write": "half-select"}


def sixteen():
    """Sixteen random patterns of sixteen bits, with eight random labels each."""
    rng = np.random.default_rng(16)
    return rng.permutation(2**16)[:16, None] >> np.arange(16) & 1, rng.integers(0, 2, (16, 8))


def perceptron():
    task = PatternSet.from_csv(data_file("perceptron"))
    return task.train, task.train_labels


ROWS = {
    "4 x 4, wires": (perceptron, (4, 4), FIVE, {}, 20_000, 40),
    "4 x 4, wires and half-select": (perceptron, (4, 4), FIVE | HALVES, {}, 20_000, 8),
    "4 x 4, wires, half-select that moves other cells": (
        perceptron,
        (4, 4),
        FIVE | HALVES | {"threshold": 0.4},
        {},
        2048,
        4,
    ),
    "16 x 16, wires": (sixteen, (16, 16), FIVE, {}, 256, 4),
}
LASTING = {"step_spread": 0.2, "shape_spread": 0.2, "column_offset_a": 1e-8}
NOISE = {"read_noise": 0.02, "step_variation": 0.3}
RELAXING = {"relaxation": 0.1, "relaxation_s": 10.0}
REAL = NOISE | RELAXING | {"step_spread": 0.2}
SLOW = {"telegraph": 0.1, "telegraph_s": 3.0, "flicker": 0.02}
EFFECTS = {
    "none of them": (perceptron, (4, 4), {}, {}, 100_000, 40),
    "step factors, shapes, offsets": (perceptron, (4, 4), {}, LASTING, 20_000, 40),
    "noise of reads and steps": (perceptron, (4, 4), {}, NOISE, 20_000, 40),
    "noise, step factors, relaxation": (perceptron, (4, 4), {}, REAL, 20_000, 40),
    "every effect": (perceptron, (4, 4), {}, LASTING | NOISE | RELAXING | SLOW, 2048, 10),
    "noise, step factors, relaxation, 5 ohm": (perceptron, (4, 4), FIVE, REAL, 4096, 10),
    "noise, step factors, relaxation, 5 ohm, half-select": (perceptron, (4, 4), FIVE | HALVES, REAL, 4096, 2),
    "every effect, 5 ohm": (perceptron, (4, 4), FIVE, LASTING | NOISE | RELAXING | SLOW, 2048, 4),
    "16 x 16, noise of reads and steps": (sixteen, (16, 16), {}, NOISE, 512, 4),
}


def compared(task, shape, chip, effects, many, few):
    curve = ConductanceCurve.from_csv(data_file("figure2a"))
    patterns, labels = task()
    shifts = draw_ensemble(many, shape, seed=3, span_siemens=SPAN)
    settings = {"pull_back": True, "check_labels": False, "confirm": 1}
    effects = Effects(**effects)
    own, rng = draw_own_arrays(effects, few, shape, seed=3), np.random.default_rng(3)

    def one_by_one():
        backends = [
            SimulatedBackend(curve, each, rng=rng, **chip, **effects.numbers(), **own.of(place))
            for place, each in enumerate(shifts[:few])
        ]
        return [Trainer(each, **settings).run(patterns, labels) for each in backends]

    def together():
        return train_ensemble(curve, shifts, patterns, labels, threads=1, seed=3, effects=effects, **chip, **settings)

    compile_kernels(), together(), one_by_one()
    turns = []
    for _ in range(TURNS):
        begun = time.process_time()
        alone = one_by_one()
        half = time.process_time()
        result = together()
        turns.append(((half - begun) / few, (time.process_time() - half) / many))
    slow, quick = np.min(turns, axis=0).tolist()
    return {
        "epochs": float(result.epochs.mean()),
        "alone": 1 / slow,
        "together": 1 / quick,
        "ratio": slow / quick,
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
    wired, effects = ({name: partial(compared, *row) for name, row in rows.items()} for rows in (ROWS, EFFECTS))
    about = f"published rule, one core, processor time, in turn, the faster of {TURNS}."
    return {
        "speed_ensemble_wired": Study(f"5 ohm a segment, {about}", columns, wired, repeatable=False),
        "speed_ensemble_effects": Study(f"{about.capitalize()}", columns, effects, repeatable=False),
    }


if __name__ == "__main__":
    main(__doc__, studies)
