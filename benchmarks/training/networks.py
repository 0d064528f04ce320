"""How many virtual chips learn XOR, and four letters, as networks of several layers; and how long that takes.

Chip number k is chip k of seed 1, as ``crossbar-hil sweep --seed 1`` draws it, trained one by one.

    python benchmarks/training/networks.py [--only networks_xor]
"""

import time
from functools import partial

import numpy as np

from crossbar_hil import Trainer, defaults
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.benchmarks.training.default_yield import CURVE, DEPRESS, PULSE, SEED, counted
from crossbar_hil.confidence import wilson
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import SimulatedBackend
from crossbar_hil.sim_backend.ensemble.draw import draw_ensemble, own_generator
from crossbar_hil.training.lines.arrangement import Arrangement
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.rules.delta import Delta
from crossbar_hil.training.rules.momentum import Momentum
from crossbar_hil.training.rules.one_cell import OneCell
from crossbar_hil.training.rules.stochastic import Stochastic
from crossbar_hil.training.updates import Update

CHIPS, FEW = 1_000, 300
EPOCHS = 150
SPREAD = {"span_siemens": (defaults.LOW_SIEMENS, defaults.HIGH_SIEMENS)}
XOR, LETTERS = (PatternSet.from_csv(data_file(name)) for name in ("xor", "letters"))
SIGNED = {"beta": 1e8, "target": 0.3, "epochs": EPOCHS}
"""Inputs of -0.1 V and 0.1 V."""
BINARY = {"beta": 2e8, "target": 0.3, "target0": 0.1, "v0": 0.0, "epochs": EPOCHS}
"""Inputs of 0 V and 0.1 V: the activation of pattern 00 is 0, so a label 0 may not ask for less."""
SMALL = Arrangement((1,), bias=True, shortcuts=True)
ARRANGEMENTS = {
    "1 hidden, shortcuts, no bias, inputs 0 and 0.1 V": (Arrangement((1,), shortcuts=True), BINARY),
    "2 hidden, no bias, inputs 0 and 0.1 V": (Arrangement((2,)), BINARY),
    "1 hidden, bias, shortcuts": (SMALL, SIGNED),
    "the same, stacked": (Arrangement((1,), bias=True, shortcuts=True, layers="stacked"), SIGNED),
    "the same, pairs of rows": (Arrangement((1,), bias=True, shortcuts=True, pairs="rows"), SIGNED),
    "2 hidden, bias": (Arrangement((2,), bias=True), SIGNED),
    "2 hidden, bias, shortcuts": (Arrangement((2,), bias=True, shortcuts=True), SIGNED),
    "4 hidden, bias": (Arrangement((4,), bias=True), SIGNED),
    "4 hidden, bias, shortcuts": (Arrangement((4,), bias=True, shortcuts=True), SIGNED),
    "8 hidden, bias, shortcuts": (Arrangement((8,), bias=True, shortcuts=True), SIGNED),
}
OTHERWISE = {
    "no other": {},
    "`target = 0.5`": {"target": 0.5},
    "`target = 0.8`": {"target": 0.8},
    "`beta = 5e7`": {"beta": 5e7},
    "`pull_back = true`": {"pull_back": True},
    '`rule = "delta"`': {"rule": Delta()},
    '`rule = "momentum"`': {"rule": Momentum()},
    '`rule = "stochastic"`': {"rule": Stochastic()},
    '`rule = "one-cell"`': {"rule": OneCell(), "update": Update(PULSE, DEPRESS)},
    '`rule = "one-cell"`, `lift = 25`': {"rule": OneCell(lift=25), "update": Update(PULSE, DEPRESS)},
    "refresh, `ceiling_siemens = 2e-6`": {"update": Update(PULSE, DEPRESS, ceiling_siemens=2e-6)},
    "read noise 1 %": {"chip": {"read_noise": 0.01}},
    "step variation 50 %": {"chip": {"step_variation": 0.5}},
}
DEEP = Arrangement((10,), bias=True)
OF_LETTERS = {"beta": 2e7, "target": 0.5, "epochs": EPOCHS}
LETTER_ROWS = {
    "16-10-4": {},
    "16-10-4, `target = 0.95`": {"target": 0.95},
    "16-10-4, read noise 1 %": {"chip": {"read_noise": 0.01}},
    "16-10-4, step variation 50 %": {"chip": {"step_variation": 0.5}},
    "16-4-4": {"arrangement": Arrangement((4,), bias=True)},
    "16-3-4": {"arrangement": Arrangement((3,), bias=True)},
    "16-2-4": {"arrangement": Arrangement((2,), bias=True)},
    "16-4, no hidden units": {"arrangement": Arrangement(bias=True)},
}


def train(task, arrangement, *, chips=CHIPS, chip=None, **settings):
    """Yield the trainer, which still holds the chip, and the result of each chip, just large enough."""
    shape = arrangement.least_shape(task.train.shape[1], task.train_labels.shape[1])
    if "update" not in settings:
        settings["pulse"] = PULSE
    for number, shifts in enumerate(draw_ensemble(chips, shape, seed=SEED, **SPREAD)):
        rng = own_generator(SEED, number, 2)
        backend = SimulatedBackend(CURVE, shifts, scale=defaults.SCALE, rng=rng, **(chip or {}))
        trainer = Trainer(backend, arrangement=arrangement, seed=SEED, number=number, confirm=1, **settings)
        yield trainer, trainer.run(task.train, task.train_labels)


def row(task, arrangement=DEEP, **settings):
    """Count what converges, why the rest does not, and what the trained chips say of the test patterns."""
    begin, sizes = time.process_time(), (task.train.shape[1], task.train_labels.shape[1])
    rows, columns = arrangement.least_shape(*sizes)
    results, right = [], []
    for trainer, result in train(task, arrangement, **settings):
        results.append((result.converged, result.epochs, result.pulses, bool(result.given_up)))
        if len(task.test) and result.converged:
            activations = trainer.evaluate(task.test)[1]
            right.append((activations.argmax(axis=1) == task.test_labels.argmax(axis=1)).mean())
    converged, epochs, pulses, ended = (np.array(each) for each in zip(*results, strict=True))
    missed = int((~converged).sum())
    low, high = wilson(len(results) - missed, len(results))
    return {
        **counted(converged, epochs, pulses),
        "low": 100 * low,  # Wilson's, as `sweep` prints it
        "high": 100 * high,
        "chip": f"{rows} x {columns}",
        "cells": arrangement.cells(*sizes),
        "missed": missed,
        "ended": 100 * float(ended[~converged].mean()) if missed else None,
        "right": 100 * float(np.mean(right)) if right else None,
        "cpu_s": time.process_time() - begin,
    }


COLUMNS = {
    "": "{name}",
    "chip": "{chip}",
    "cells": "{cells}",
    "converge": "{percent:.1f} %",
    "95 % interval": "{low:.1f} to {high:.1f} %",
    "median epochs": "{median:.0f}",
    "pulses a chip": "{pulses:.0f}",
    "% of the rest in which no cell moves any more": "{ended:.0f}",
}


def studies():
    many, few = (
        f"{chips:,} chips a row, chips 0, 1, 2, ... of seed {SEED}; at most {EPOCHS} epochs." for chips in (CHIPS, FEW)
    )
    return {
        "networks_xor": Study(
            f"{many} beta 1e8 / A and target 0.3; with inputs of 0 and 0.1 V beta 2e8 / A and target0 0.1.",
            COLUMNS,
            {name: partial(row, XOR, laid, **how) for name, (laid, how) in ARRANGEMENTS.items()},
        ),
        "networks_xor_otherwise": Study(
            f"{few} 1 hidden unit, bias and shortcuts on 4 x 4 cells, beta 1e8 / A and target 0.3 but for what "
            "the row says.",
            {name: shown for name, shown in COLUMNS.items() if name not in ("chip", "cells")},
            {name: partial(row, XOR, SMALL, chips=FEW, **{**SIGNED, **how}) for name, how in OTHERWISE.items()},
        ),
        "networks_letters": Study(
            f"{many} Bias, layers side by side, beta 2e7 / A and target 0.5 but for what the row says. Right: of "
            "the test patterns, two pixels wrong, those of which the output of the letter is the largest, on chips "
            "that converged.",
            {**COLUMNS, "right of 2 pixels wrong": "{right:.1f} %"},
            {name: partial(row, LETTERS, **{**OF_LETTERS, **how}) for name, how in LETTER_ROWS.items()},
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies)
