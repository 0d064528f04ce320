"""How often lines in each other's place are told from a chip that has changed, on drawn chips whose truth is known.

Each chip is a simulated one whose cells start about the first point of the shipped curve. Half of them are trained
after the map was read, and of either half every other has two lines swapped (six of ten) or all lines in any order. Map
and reading are noisy.

    python benchmarks/bench/line_order.py
"""

from functools import partial

import numpy as np

from crossbar_hil.bench.line_order import SURE, find_order
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, train_ensemble
from crossbar_hil.training.patterns import PatternSet

CHIPS, SEED, SWAPS = 400, 1, 0.6
CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
TASK = PatternSet.from_csv(data_file("perceptron"))
BEFORE = np.arange(4)


def cases(sigma, noise, pull_back):
    """Yield whether a chip was trained, the order of its lines, what is read, and the map."""
    rng = np.random.default_rng(SEED)
    starts = CURVE.levels_siemens[0] * np.exp(sigma * rng.standard_normal((CHIPS, 4, 4)))
    levels = train_ensemble(CURVE, starts, TASK.train, TASK.train_labels, pull_back=pull_back).levels
    for number, start in enumerate(starts):
        trained, moved = bool(number % 2), bool(number // 2 % 2)
        orders = [BEFORE.copy(), BEFORE.copy()]
        if moved and rng.random() < SWAPS:
            which, (one, other) = rng.integers(2), rng.choice(4, 2, replace=False)
            orders[which][[one, other]] = orders[which][[other, one]]
        while moved and all((order == BEFORE).all() for order in orders):
            orders = [rng.permutation(4), rng.permutation(4)]
        read = np.empty((4, 4))
        read[np.ix_(*orders)] = start + CURVE.rises[levels[number]] * trained
        read, seen = (each * (1 + noise * rng.standard_normal((4, 4))) for each in (read, start))
        yield trained, tuple(tuple(map(int, order)) for order in orders), read, seen


def told(sigma, noise, pull_back=False):
    """Count what is told of the chips, and how much of it is right."""
    found = {False: [], True: []}
    for trained, orders, read, seen in cases(sigma, noise, pull_back):
        order = find_order(read, seen, noise)
        found[trained].append((order.probability, (order.rows, order.columns) == orders))
    both = np.array(found[False] + found[True])
    sure = both[:, 0] >= SURE
    return {
        "chips": len(both),
        "unchanged": 100 * float(np.mean([claim >= SURE for claim, _ in found[False]])),
        "trained": 100 * float(np.mean([claim >= SURE for claim, _ in found[True]])),
        "wrong": 100 * float(np.mean(both[sure, 1] == 0)) if sure.any() else None,
        "claimed": 100 * float(both[:, 0].mean()),
        "right": 100 * float(both[:, 1].mean()),
    }


def studies():
    columns = {
        "": "{name}",
        "chips": "{chips:,}",
        "told, chips left alone": "{unchanged:.0f} %",
        "told, chips trained since": "{trained:.0f} %",
        "of these wrong": "{wrong:.1f} %",
        "mean probability of the likeliest order": "{claimed:.1f} %",
        "it is right": "{right:.1f} %",
    }
    rows = {
        "starts 20 % apart, read noise 0.1 %": partial(told, 0.2, 1e-3),
        "starts 20 % apart, read noise 1 %": partial(told, 0.2, 1e-2),
        "starts 10 % apart, read noise 0.1 %": partial(told, 0.1, 1e-3),
        "starts 10 % apart, read noise 1 %": partial(told, 0.1, 1e-2),
        "starts 10 % apart, read noise 0.1 %, trained by the published rule": partial(told, 0.1, 1e-3, pull_back=True),
    }
    return {"line_order": Study(f"Seed {SEED}.", columns, rows)}


if __name__ == "__main__":
    main(__doc__, studies)
