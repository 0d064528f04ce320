"""How far verdicts hold: chips called converged on a fresh read, live cells called unresponsive, and "slow".

python benchmarks/training/verdicts.py
"""

from functools import partial
from itertools import product

import numpy as np

from crossbar_hil import Trainer
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.confidence import wilson
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, draw_ensemble, train_ensemble
from crossbar_hil.training.patterns import PatternSet

SPAN, SCALE, BETA, TARGET, EPOCHS = (2e-8, 1e-7), 10.0, 5e7, 0.95, 96
RULES = {"without pull back": False, "published rule": True}
NOISES = (0.01, 0.05, 0.1)
CHIPS, CELL_CHIPS, SLOW_CHIPS, LONG = 5_000, 1_000, 20_000, 400
CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
TASK = PatternSet.from_csv(data_file("perceptron"))
STUCK = (3, 1)


def fresh_reads(noise, pull_back, confirm):
    """Train noisy chips, then read those that are called converged once more."""
    shifts = draw_ensemble(CHIPS, seed=1, span_siemens=SPAN)
    found = train_ensemble(
        CURVE, shifts, TASK.train, TASK.train_labels, beta=BETA, target=TARGET, epochs=EPOCHS, read_noise=noise,
        seed=1, confirm=confirm, pull_back=pull_back, give_up=True, unresponsive=10,
    )  # fmt: skip
    good = found.converged
    conductances = SCALE * (CURVE.rises[found.levels[good]] + shifts[good])
    volts = np.where(TASK.train == 1, 0.1, -0.1)
    cells = volts[None, :, :, None] * conductances[:, None]
    cells = cells * (1 + noise * np.random.default_rng(2).standard_normal(cells.shape))
    currents = cells.sum(axis=2)
    activations = np.tanh(BETA * (currents[..., ::2] - currents[..., 1::2]))
    again = int(((2 * TASK.train_labels - 1) * activations >= TARGET).all(axis=(1, 2)).sum())
    low, high = wilson(again, int(good.sum()))
    return {
        "called": 100 * float(good.mean()),
        "again": 100 * again / int(good.sum()),
        "low": 100 * low,
        "high": 100 * high,
        "epochs": float(np.median(found.epochs[good])),
        "pulses": float(found.pulses.mean()),
    }


def reactions(noise):
    """Count chips in which a live cell is called unresponsive, and the pulses after which a stuck one is."""
    stuck = np.zeros((4, 4), dtype=bool)
    stuck[STUCK] = True
    settings = {"beta": BETA, "target": TARGET, "pull_back": True, "give_up": True, "unresponsive": 10}
    wrong, named, had = 0, 0, []
    for number, shifts in enumerate(draw_ensemble(CELL_CHIPS, seed=3, span_siemens=SPAN)):
        rng = np.random.default_rng(number)
        chip = SimulatedBackend(CURVE, shifts, scale=SCALE, read_noise=noise, rng=rng)
        # No cell can be at its end within 50 epochs, the curve having 50 steps; confirmations would end sooner.
        result = Trainer(chip, epochs=50, confirm=50, **settings).run(TASK.train, TASK.train_labels)
        wrong += bool(result.unresponsive.any())
        if number < CELL_CHIPS // 5:
            chip = SimulatedBackend(CURVE, shifts, scale=SCALE, stuck=stuck, read_noise=noise, rng=rng)
            result = Trainer(chip, epochs=300, confirm=300, **settings).run(TASK.train, TASK.train_labels)
            if result.unresponsive[STUCK]:
                named += 1
                had.append(int(result.counts[(slice(None), *STUCK)].sum()))
    low, high = wilson(wrong, CELL_CHIPS)
    return {
        "wrong": 100 * wrong / CELL_CHIPS,
        "low": 100 * low,
        "high": 100 * high,
        "named": named,
        "pulses": float(np.median(had)) if had else None,
    }


CURVES = {
    "shipped curve": CURVE,
    "saturating, 30 steps": ConductanceCurve(4.5e-7 + 2.1e-7 * (1 - np.exp(-np.arange(31) / 7))),
    "saturating, 100 steps": ConductanceCurve(4.5e-7 + 2.1e-7 * (1 - np.exp(-np.arange(101) / 30))),
    "linear, 200 steps": ConductanceCurve(4.5e-7 + 1.5e-9 * np.arange(201)),
}


def slow(curve, pull_back):
    """Count the verdicts of chips that miss within 48 epochs, and how many converge within 400."""
    shifts = draw_ensemble(SLOW_CHIPS, seed=4, span_siemens=SPAN)
    how = {"beta": 6e6, "target": 0.8, "pull_back": pull_back, "give_up": True, "unresponsive": 10}
    short = train_ensemble(curve, shifts, TASK.train, TASK.train_labels, **how)
    long = train_ensemble(curve, shifts, TASK.train, TASK.train_labels, epochs=LONG, **how)
    counts = {"slow": [0, 0], "stalled": [0, 0]}
    for place in np.flatnonzero(~short.converged)[:200]:
        chip = SimulatedBackend(curve, shifts[place], scale=SCALE)
        verdict = Trainer(chip, **how).run(TASK.train, TASK.train_labels).verdict
        counts[verdict][0] += 1
        counts[verdict][1] += int(long.converged[place])
    return {f"{verdict}_{what}": value for verdict, pair in counts.items() for what, value in zip(
        ("chips", "later"), pair, strict=True)}  # fmt: skip


def studies():
    confirmed = {
        "noise, evaluations": "{name}",
        "called converged": "{called:.1f} %",
        "of these meet every target on a fresh read": "{again:.1f} % ({low:.1f} to {high:.1f})",
        "epochs, median": "{epochs:.0f}",
        "pulses a chip": "{pulses:.0f}",
    }
    rows = {
        f"{100 * noise:g} %, {confirm}, {rule}": partial(fresh_reads, noise, pull_back, confirm)
        for rule, pull_back in RULES.items()
        for noise, confirm in ((0.002, 1), *product(NOISES, (1, 18)))
    }
    named = {
        "read noise": "{name}",
        "chips with a live cell called unresponsive": "{wrong:.1f} % ({low:.1f} to {high:.1f})",
        f"stuck cell named, of {CELL_CHIPS // 5}": "{named}",
        "after pulses, median": "{pulses:.0f}",
    }
    ends = {
        "curve, rule": "{name}",
        "`slow`": "{slow_chips}",
        "of these converge within 400 epochs": "{slow_later}",
        "`stalled`": "{stalled_chips}",
        "of these do ": "{stalled_later}",
    }
    return {
        "verdicts_confirmed": Study(f"{CHIPS:,} chips of seed 1, at most {EPOCHS} epochs.", confirmed, rows),
        "verdicts_reactions": Study(
            f"Published rule, {CELL_CHIPS:,} chips of seed 3 in 50 epochs; in the first {CELL_CHIPS // 5} of them a "
            "cell is stuck, for 300.",
            named,
            {f"{noise:.0%}": partial(reactions, noise) for noise in (0.0, *NOISES)},
        ),
        "verdicts_slow": Study(
            f"Beta 6e6 1/A, target 0.8; the first 200 that miss within 48 epochs, of {SLOW_CHIPS:,} chips of seed 4.",
            ends,
            {
                f"{name}, {rule}": partial(slow, curve, pull_back)
                for name, curve in CURVES.items()
                for rule, pull_back in RULES.items()
            },
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies)
