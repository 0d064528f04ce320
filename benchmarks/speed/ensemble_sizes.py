"""Trainings of many chips by the size of the array: ideal ones, and with wires and the effects of real chips.

A square array learns as many different random patterns as it has rows, with random labels. Processor time on one core.

    python benchmarks/speed/ensemble_sizes.py
"""

import random
import time
from functools import partial

import numpy as np

from crossbar_hil.bench.effects import Effects
from crossbar_hil.benchmarks.speed.ensemble_wired_speed import FIVE, REAL, SPAN
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, draw_ensemble, train_ensemble

CHIPS = {4: 20_000, 8: 4096, 12: 1024, 16: 512, 24: 128, 32: 64}
"""Of each size; with fewer than 64 lanes stay empty."""
KINDS = {"ideal": ({}, {}), "wires": (FIVE, {}), "real": ({}, REAL), "both": (FIVE, REAL)}


def of_size(side, chips):
    curve, rng = ConductanceCurve.from_csv(data_file("figure2a")), np.random.default_rng(side)
    numbers = np.array(random.Random(side).sample(range(2**side), side))
    patterns, labels = numbers[:, None] >> np.arange(side) & 1, rng.integers(0, 2, (side, side // 2))
    shifts = draw_ensemble(chips, (side, side), seed=3, span_siemens=SPAN)
    fields = {}
    for name, (chip, effects) in KINDS.items():

        def train(some, chip=chip, effects=effects):
            settings = {"pull_back": True, "check_labels": False, "confirm": 1, "seed": 3, "threads": 1}
            return train_ensemble(curve, some, patterns, labels, effects=Effects(**effects), **chip, **settings)

        train(shifts[:1])  # loads
        begun = time.process_time()
        result = train(shifts)
        fields |= {name: chips / (time.process_time() - begun), f"{name}_epochs": float(result.epochs.mean())}
    return fields


def studies():
    columns = {
        "array": "{name}",
        "mean epochs": "{ideal_epochs:.0f}",
        "ideal": "{ideal:,.0f}/s",
        "5 ohm": "{wires:,.0f}/s",
        "noise, step factors, relaxation": "{real:,.0f}/s",
        "both": "{both:,.0f}/s",
    }
    rows = {f"{side} x {side}": partial(of_size, side, chips) for side, chips in CHIPS.items()}
    about = "As many random patterns as rows, published rule, one core, processor time."
    return {"speed_ensemble_sizes": Study(about, columns, rows, repeatable=False)}


if __name__ == "__main__":
    main(__doc__, studies)
