"""How many virtual chips learn the six patterns: for the defaults, for the reference settings, and why they differ.

Every line trains the chips of seeds 0 to 999 through Trainer and SimulatedBackend and counts those that meet every
target. The tables go to standard output; --write puts them between their markers in the pages of docs/.

    python benchmarks/default_yield.py [--write] [--chips 1000] [--only options]
"""

import argparse

import numpy as np
from pages import put_between
from scipy.stats import beta as beta_distribution

from crossbar_hil import Pulse, Trainer, defaults
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import (
    ConductanceCurve,
    SimulatedBackend,
    lognormal_shifts,
    rescaled_lognormal_shifts,
)
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.prediction import UNDECIDED
from crossbar_hil.training.updates import Update

PULSE = Pulse(defaults.PULSE_V, defaults.PULSE_S)
CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
TASK = PatternSet.from_csv(data_file("perceptron"))

DEFAULT = {"beta": defaults.BETA, "target": defaults.TARGET, "span": (defaults.LOW_SIEMENS, defaults.HIGH_SIEMENS)}
REFERENCE = {"beta": 6e6, "target": 0.8, "span": (1e-8, 1e-7)}
RESCALED = {**REFERENCE, "draw": rescaled_lognormal_shifts}

DEPRESS = Pulse(-2.8, 1e-3)
OPTIONS = {
    "plain rule": {},
    "`pull_back = false`": {"pull_back": False},
    "`dead_zone = 0.02`": {"dead_zone": 0.02},
    "`both_ways`": {"update": Update(PULSE, DEPRESS, both_ways=True)},
    "`both_ways`, `pull_back = false`": {"update": Update(PULSE, DEPRESS, both_ways=True), "pull_back": False},
    "refresh, `ceiling_siemens = 2e-6`": {"update": Update(PULSE, DEPRESS, ceiling_siemens=2e-6)},
    "refresh, `pull_back = false`": {"update": Update(PULSE, DEPRESS, ceiling_siemens=2e-6), "pull_back": False},
    "`verify_siemens = 1e-8`": {"update": Update(PULSE, verify_siemens=1e-8)},
    "`verify_siemens = 1e-8`, `pull_back = false`": {
        "update": Update(PULSE, verify_siemens=1e-8),
        "pull_back": False,
    },
}

BETAS = (6e6, 1e7, 2e7, 3e7, 5e7, 7e7, 1e8)
TARGETS = (0.5, 0.8, 0.9, 0.95, 0.99)


def train(seed, *, beta, target, span, draw=lognormal_shifts, curve=CURVE, scale=defaults.SCALE, chip=None, **settings):
    """Train the virtual chip of one seed; return the trainer, which still holds the chip, and the result."""
    rng = np.random.default_rng(seed)
    shifts = draw((4, 4), rng=rng, span_siemens=span)
    backend = SimulatedBackend(curve, shifts, scale=scale, rng=rng, **(chip or {}))
    if "update" not in settings:
        settings["pulse"] = PULSE
    trainer = Trainer(backend, beta=beta, target=target, **settings)
    return trainer, trainer.run(TASK.train, TASK.train_labels)


def interval(good, of):
    """Exact 95 % interval of a share after C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404."""
    low = beta_distribution.ppf(0.025, good, of - good + 1) if good else 0.0
    high = beta_distribution.ppf(0.975, good + 1, of - good) if good < of else 1.0
    return low, high


def line(name, chips, **settings):
    results = [train(seed, **settings)[1] for seed in range(chips)]
    verdicts = [result.verdict for result in results]
    epochs = [result.epochs for result in results if result.converged]
    good = len(epochs)
    low, high = interval(good, chips)
    median, most = (f"{np.median(epochs):.0f}", f"{np.percentile(epochs, 95):.0f}") if epochs else ("", "")
    return (
        f"| {name} | {100 * good / chips:.1f} % | {100 * low:.1f} to {100 * high:.1f} % | {median} | {most} "
        f"| {verdicts.count('slow')} | {verdicts.count('stalled')} |"
    )


def lines(chips, named):
    head = "| | converged | 95 % interval | median epochs | 95 % of them by | slow | stalled |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *(line(name, chips, **s) for name, s in named)])


def settings_table(chips):
    return lines(
        chips,
        [
            ("default settings", DEFAULT),
            ("reference preset", REFERENCE),
            ("reference preset, rescaled draw", RESCALED),
            ("default settings, shifts of the reference preset", {**DEFAULT, "span": REFERENCE["span"]}),
            ("default settings, smoothed curve", {**DEFAULT, "curve": CURVE.smoothed()}),
            ("default settings, read noise 1 %", {**DEFAULT, "chip": {"read_noise": 0.01}}),
            ("default settings, step variation 30 %", {**DEFAULT, "chip": {"step_variation": 0.3}}),
            ("default settings, cell [0, 0] stuck", {**DEFAULT, "chip": {"stuck": _first_cell()}}),
        ],
    )


def reasons_table(chips):
    levels = CURVE.levels_siemens
    straight = ConductanceCurve(np.linspace(levels[0], levels.max(), len(levels)))
    return lines(
        chips,
        [
            ("reference preset", REFERENCE),
            ("epochs 100 instead of 48", {**REFERENCE, "epochs": 100}),
            ("epochs 200", {**REFERENCE, "epochs": 200}),
            ("curve without its first step", {**REFERENCE, "curve": ConductanceCurve(levels[1:])}),
            ("smoothed curve", {**REFERENCE, "curve": CURVE.smoothed()}),
            ("straight curve of the same span", {**REFERENCE, "curve": straight}),
            ("shifts from 10 nS to 20 nS", {**REFERENCE, "span": (1e-8, 2e-8)}),
            ("K = 50 instead of 10", {**REFERENCE, "scale": 50.0}),
            ("beta 2e7 instead of 6e6", {**REFERENCE, "beta": 2e7}),
            ("no pull back towards the target", {**REFERENCE, "pull_back": False}),
            ("beta 1e8, target 0.5, shifts from 20 nS", {**DEFAULT, "beta": 1e8, "target": 0.5}),
            ("the same, no pull back", {**DEFAULT, "beta": 1e8, "target": 0.5, "pull_back": False}),
            ("default settings, no pull back", {**DEFAULT, "pull_back": False}),
        ],
    )


def options_table(chips):
    """Yield and pulses of the options of Trainer, beside those of the plain rule, on four kinds of chips."""
    rows = [
        "| | default settings | reference preset | default, read noise 10 % | default, step variation 100 % |",
        "|---|---|---|---|---|",
    ]
    noisy, varied = {"chip": {"read_noise": 0.1}}, {"chip": {"step_variation": 1.0}}
    for name, options in OPTIONS.items():
        cells = []
        for settings in (DEFAULT, REFERENCE, {**DEFAULT, **noisy}, {**DEFAULT, **varied}):
            results = [train(seed, **settings, **options)[1] for seed in range(chips)]
            good = sum(result.converged for result in results)
            sent = np.mean([result.pulses for result in results])
            cells.append(f"{100 * good / chips:.1f} %, {sent:.0f}")
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def hovering(chips):
    """Say where trainings with the reference preset end that do not converge."""
    results = [train(seed, **REFERENCE)[1] for seed in range(chips)]
    missed = [result for result in results if not result.converged]
    met = np.mean([1 - len(result.misses) / result.labels.size for result in missed])
    worst = np.median([result.misses[0].shortfall for result in missed])
    return (
        f"Of {chips} virtual chips with the reference preset {len(missed)} do not converge. At their last epoch "
        f"{100 * met:.0f} % of the activations meet their target, and the worst activation misses it by {worst:.3f} "
        "(median over chips)."
    )


def map_table(chips):
    rows = ["| beta (1/A) \\ target | " + " | ".join(f"{target:g}" for target in TARGETS) + " |"]
    rows.append("|---" * (len(TARGETS) + 1) + "|")
    for beta in BETAS:
        shares = []
        for target in TARGETS:
            settings = {**DEFAULT, "beta": beta, "target": target}
            good = sum(train(seed, **settings)[1].converged for seed in range(chips))
            shares.append(f"{100 * good / chips:.1f}")
        rows.append(f"| {beta:.0e} | ".replace("e+0", "e") + " | ".join(shares) + " |")
    return "\n".join(rows)


def untrained_table(chips):
    """Count what converged chips say of the ten patterns they were not trained on."""
    rows = [
        "| | chips | right | wrong | undecided | right of the four labelled 10 or 01 | most right on one chip |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, settings in (("default settings", DEFAULT), ("reference preset", REFERENCE)):
        right, wrong, near = [], [], []
        decided = TASK.test_labels.any(axis=1)
        for seed in range(chips):
            trainer, result = train(seed, **settings)
            if result.converged:
                said = trainer.predict(TASK.test)
                correct = said.correct(TASK.test_labels)
                right.append(correct.sum())
                near.append(correct[decided].mean())
                differs = (said.outputs != TASK.test_labels) & (said.outputs != UNDECIDED)
                wrong.append(differs.any(axis=1).sum())
        of = len(TASK.test)
        good, bad = 100 * np.mean(right) / of, 100 * np.mean(wrong) / of
        rows.append(
            f"| {name} | {len(right)} | {good:.1f} % | {bad:.1f} % | {100 - good - bad:.1f} % "
            f"| {100 * np.mean(near):.1f} % | {max(right)} of {of} |"
        )
    return "\n".join(rows)


def _first_cell():
    mask = np.zeros((4, 4), dtype=bool)
    mask[0, 0] = True
    return mask


TABLES = {
    "settings": settings_table,
    "options": options_table,
    "hovering": hovering,
    "reasons": reasons_table,
    "map": map_table,
    "untrained": untrained_table,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into the pages of docs/")
    parser.add_argument("--only", choices=TABLES, help="make this table alone")
    parser.add_argument("--chips", type=int, default=1000, help="virtual chips a line (default: 1000)")
    given = parser.parse_args()
    for name, table in TABLES.items():
        if given.only not in {None, name}:
            continue
        text = table(given.chips)
        print(f"{name}\n\n{text}\n", flush=True)
        if given.write:
            put_between(f"yield:{name}", text)


if __name__ == "__main__":
    main()
