"""Trainings of chips against those of an older checkout, in turn on one core, by processor time.

The older one trains what it can: chips one by one where it has no lock-step, and without the effects that it does not
know. ``CROSSBAR_HIL_OLDER`` names its Python, such as that of an environment of a worktree of f13e53c.

    CROSSBAR_HIL_OLDER=/path/.venv/bin/python python benchmarks/speed/older_speed.py
"""

import os
import subprocess
import sys
import time
from functools import partial

import numpy as np

TURNS, ENOUGH_S = 5, 0.5
FIVE, HALVES, DISTURBING = {"wire_ohm": 5.0}, {"write": "half-select"}, {"write": "half-select", "threshold": 0.4}
NOISE = {"read_noise": 0.02, "step_variation": 0.3}
REAL = NOISE | {"step_spread": 0.2, "relaxation": 0.1, "relaxation_s": 10.0}
ROWS = {
    "ideal": ((4, 4), {}, {}, {}, 100_000, 100_000),
    "wires of 5 ohm": ((4, 4), FIVE, {}, {}, 20_000, 600),
    "wires and half-select, threshold 0.6": ((4, 4), FIVE | HALVES, {}, {}, 20_000, 12),
    "the same, threshold 0.4": ((4, 4), FIVE | DISTURBING, {}, {}, 2048, 4),
    "noise; step factors and relaxation too": ((4, 4), {}, NOISE, REAL, 20_000, 20_000),
    "all together, threshold 0.6": ((4, 4), FIVE | HALVES, NOISE, REAL, 4096, 8),
    "all together, threshold 0.4": ((4, 4), FIVE | DISTURBING, NOISE, REAL, 2048, 4),
    "16 x 16, wires": ((16, 16), FIVE, {}, {}, 256, 8),
}
"""Shape, chip, effects that the older one knows, all effects, and how many chips the newer and the older train."""


def task_of(shape, folder):
    """Return patterns and labels: the shipped ones, or as many random ones as rows."""
    if shape == (4, 4):
        lines = folder.joinpath("perceptron.csv").read_text(encoding="utf-8").splitlines()
        bits = [[list(map(int, word)) for word in line.split(",")[:2]] for line in lines if line.endswith(",train")]
        return np.array([each[0] for each in bits]), np.array([each[1] for each in bits])
    rng = np.random.default_rng(16)
    return rng.permutation(2**16)[:16, None] >> np.arange(16) & 1, rng.integers(0, 2, (16, 8))


def rate(name):
    """Train the chips of a row with whatever version runs this, and return how many a second."""
    import importlib  # noqa: PLC0415
    import importlib.resources  # noqa: PLC0415

    from crossbar_hil import Trainer  # noqa: PLC0415
    from crossbar_hil.sim_backend import (  # noqa: PLC0415
        ConductanceCurve,
        SimulatedBackend,
        draw_ensemble,
        train_ensemble,
    )

    folder = importlib.resources.files("crossbar_hil.data")
    shape, chip, known, effects, many, few = ROWS[name]
    patterns, labels = task_of(shape, folder)
    curve = ConductanceCurve.from_csv(folder.joinpath("figure2a.csv"))
    try:
        every = importlib.import_module("crossbar_hil.bench.effects").Effects(**effects)
        lanes = {**chip, "effects": every, "confirm": 1, "give_up": False, "unresponsive": 0, "check_labels": False}
    except ImportError:
        many, lanes = few, None if "write" in chip else {**chip, **known}
    shifts = draw_ensemble(many, shape, seed=3, span_siemens=(2e-8, 1e-7))

    def train(some):
        if lanes is not None:
            train_ensemble(curve, some, patterns, labels, threads=1, seed=3, pull_back=True, **lanes)
            return
        rng = np.random.default_rng(3)
        for each in some:
            Trainer(SimulatedBackend(curve, each, rng=rng, **chip, **known)).run(patterns, labels)

    train(shifts[:2])  # loads
    taken = []
    while sum(taken) < ENOUGH_S or len(taken) < 2:
        begun = time.process_time()
        train(shifts)
        taken.append(time.process_time() - begun)
    return many / min(taken)


def measured(name):
    """Return the rates of both versions, each the fastest of some turns."""
    found = {"older": 0.0, "newer": 0.0}
    for _ in range(TURNS):
        for which, python in (("older", os.environ["CROSSBAR_HIL_OLDER"]), ("newer", sys.executable)):
            told = subprocess.run([python, __file__, "--rate", name], check=True, capture_output=True, text=True)
            found[which] = max(found[which], float(told.stdout))
    return {**found, "ratio": found["newer"] / found["older"]}


def studies():
    from crossbar_hil.benchmarks.study import Study  # noqa: PLC0415 - the older version has other ones

    columns = {
        "chips": "{name}",
        "f13e53c": "{older:,.0f}/s",
        "now": "{newer:,.0f}/s",
        "ratio": "{ratio:,.1f}",
    }
    about = f"Published rule, one core, processor time, in turn, the fastest of at least {2 * TURNS}."
    rows = {name: partial(measured, name) for name in ROWS}
    return {"speed_older": Study(about, columns, rows, repeatable=False)}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rate"]:
        print(rate(sys.argv[2]))
    else:
        from crossbar_hil.benchmarks.study import main

        main(__doc__, studies, needs="CROSSBAR_HIL_OLDER=... ")
