"""What each learning rule makes of the same virtual chips, beside the Manhattan rule; and what Sanger's rule finds.

Chip number k is chip k of seed 1, as ``crossbar-hil sweep --seed 1`` draws it, trained one by one.

    python benchmarks/training/rules.py [--only rules]
"""

from functools import partial

import numpy as np

from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.benchmarks.training.default_yield import (
    DEFAULT,
    DEPRESS,
    LEFT_ALONE,
    PULLED_BACK,
    PULSE,
    REFERENCE,
    SEED,
    TASK,
    counted,
    starts,
)
from crossbar_hil.benchmarks.training.default_yield import one_by_one as train
from crossbar_hil.training.lines.pairs import difference
from crossbar_hil.training.rules.delta import Delta
from crossbar_hil.training.rules.momentum import Momentum
from crossbar_hil.training.rules.one_cell import OneCell
from crossbar_hil.training.rules.sanger import Sanger
from crossbar_hil.training.rules.stochastic import Stochastic
from crossbar_hil.training.updates import Update

CHIPS = 1_000
DEPRESSES = {"update": Update(PULSE, DEPRESS)}
RULES = {
    "`manhattan`": {},
    "`delta`": {"rule": Delta()},
    "`delta`, `rate = 3`": {"rule": Delta(rate=3.0)},
    "`delta`, `rate = 3`, `least = 0`": {"rule": Delta(rate=3.0, least=0)},
    "`momentum`": {"rule": Momentum()},
    "`momentum`, `keep = 0.9`": {"rule": Momentum(keep=0.9)},
    "`stochastic`": {"rule": Stochastic()},
    '`stochastic`, `order = "file"`': {"rule": Stochastic(order="file")},
    "`one-cell`": {"rule": OneCell(), **DEPRESSES},
    "`one-cell`, `lift = 24`": {"rule": OneCell(lift=24), **DEPRESSES},
    "`sanger`": {"rule": Sanger()},
}
KINDS = {
    "default settings": {**DEFAULT, **LEFT_ALONE},
    "the same, `pull_back = true`": {**DEFAULT, **PULLED_BACK},
    "starts that spread by 20 %": {**DEFAULT, **LEFT_ALONE, "spread": starts(0.2)},
    "settings of the reference preset": {**REFERENCE, **LEFT_ALONE},
    "reference preset": {**REFERENCE, **PULLED_BACK},
}
UNSEEN = {"beta": 1e5, "target": 0.99, "pull_back": False}
"""So small a gain that no target is ever met: the rule alone ends the training."""
ALIKE = 0.95
"""Cosine from which on a row of weights counts as its component."""


def rule_row(name):
    """Train the same chips of every kind by one rule; a rule that draws has the chip's own draws."""
    fields = {}
    for kind, settings in KINDS.items():
        results = [result for _, result in train(chips=CHIPS, seed=SEED, **settings, **RULES[name])]
        found = (np.array([getattr(each, field) for each in results]) for field in ("converged", "epochs", "pulses"))
        fields[kind] = counted(*found)
    return {"chips": CHIPS, **fields}


def components(spread):
    """Compare the weights of each output with the principal component of its number, before and after."""
    inputs = 2.0 * TASK.train - 1
    own = np.linalg.eigh(inputs.T @ inputs)[1][:, ::-1][:, :2]
    first, last, pulses, epochs = [], [], [], []
    for _, result in train(chips=CHIPS, spread=spread, epochs=200, rule=Sanger(), **UNSEEN):
        for cosines, siemens in ((first, result.conductances[0]), (last, result.conductances[-1])):
            weights = difference(siemens)
            cosines.append(np.abs((weights * own).sum(axis=0)) / np.linalg.norm(weights, axis=0))
        pulses.append(result.pulses)
        epochs.append(result.epochs)
    return {
        "chips": CHIPS,
        "start": np.median(first, axis=0).tolist(),
        "end": np.median(last, axis=0).tolist(),
        "alike": (100 * (np.array(last) > ALIKE).mean(axis=0)).tolist(),
        "pulses": float(np.median(pulses)),
        "epochs": float(np.median(epochs)),
    }


def studies():
    shown = {kind: f"{{{kind}[percent]:.1f}} %, {{{kind}[median]:.0f}}, {{{kind}[pulses]:.0f}}" for kind in KINDS}
    found = {
        "": "{name}",
        "cosine at the start": "{start[0]:.2f}, {start[1]:.2f}",
        "at the end": "{end[0]:.3f}, {end[1]:.3f}",
        f"above {ALIKE}": "{alike[0]:.0f} %, {alike[1]:.0f} %",
        "epochs": "{epochs:.0f}",
        "pulses a chip": "{pulses:.0f}",
    }
    spreads = {"default settings": DEFAULT["spread"], "starts that spread by 20 %": starts(0.2)}
    return {
        "rules": Study(
            "Share that converges within 48 epochs, median epochs of those, mean pulses of all. "
            f"{CHIPS:,} chips a cell, chips 0, 1, 2, ... of seed {SEED}.",
            {"rule": "{name}", **shown},
            {name: partial(rule_row, name) for name in RULES},
        ),
        "rules_sanger": Study(
            f"First and second output; medians over {CHIPS:,} chips of seed {SEED}, at most 200 epochs.",
            found,
            {name: partial(components, spread) for name, spread in spreads.items()},
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies)
