"""How many virtual chips learn the six patterns: by how their cells differ, by the settings, and why.

Twice wherever that matters: with activations left alone that have met their target, which is the default, and with the
pull back of equation 3, which is the published rule.

Chip number k is chip k of seed 1, as ``crossbar-hil sweep --seed 1`` draws it. Lines that the lock-step knows train
100,000 chips, the others 10,000, one by one; those with an option of `Trainer` 2,000.

    python benchmarks/training/default_yield.py [--only yield_settings]
"""

from functools import partial

import numpy as np
from scipy.stats import beta as beta_distribution

from crossbar_hil import Pulse, Trainer, defaults
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import (
    ConductanceCurve,
    SimulatedBackend,
    draw_ensemble,
    rescaled_lognormal_shifts,
    train_ensemble,
)
from crossbar_hil.sim_backend.ensemble.draw import own_generator
from crossbar_hil.training.confirmation import CONFIRM
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.prediction import UNDECIDED
from crossbar_hil.training.updates import Update

MANY, FEW, FEWER, SEED = 100_000, 10_000, 2_000, 1
PULSE = Pulse(defaults.PULSE_V, defaults.PULSE_S)
CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
TASK = PatternSet.from_csv(data_file("perceptron"))

SHIPPED = {"span_siemens": (defaults.LOW_SIEMENS, defaults.HIGH_SIEMENS)}
DEFAULT = {"beta": defaults.BETA, "target": defaults.TARGET, "spread": SHIPPED, "confirm": 1}
REFERENCE = {"beta": 6e6, "target": 0.8, "spread": {"span_siemens": (1e-8, 1e-7)}}
LEFT_ALONE, PULLED_BACK = {"pull_back": False}, {"pull_back": True}
RULES = {"default": LEFT_ALONE, "published": PULLED_BACK}

DEPRESS = Pulse(-2.8, 1e-3)
OPTIONS = {
    "default": {},
    "`pull_back = true`": PULLED_BACK,
    "`dead_zone = 0.02`": {"dead_zone": 0.02},
    "`dead_zone = 0.02`, `pull_back = true`": {"dead_zone": 0.02, **PULLED_BACK},
    "`both_ways`": {"update": Update(PULSE, DEPRESS, both_ways=True)},
    "`both_ways`, `pull_back = true`": {"update": Update(PULSE, DEPRESS, both_ways=True), **PULLED_BACK},
    "refresh, `ceiling_siemens = 2e-6`": {"update": Update(PULSE, DEPRESS, ceiling_siemens=2e-6)},
    "refresh, `pull_back = true`": {"update": Update(PULSE, DEPRESS, ceiling_siemens=2e-6), **PULLED_BACK},
    "`verify_siemens = 1e-8`": {"update": Update(PULSE, verify_siemens=1e-8)},
    "`verify_siemens = 1e-8`, `pull_back = true`": {"update": Update(PULSE, verify_siemens=1e-8), **PULLED_BACK},
}
IN_LOCK_STEP = {"default", "`pull_back = true`"}

BETAS = (6e6, 1e7, 2e7, 3e7, 5e7, 7e7, 1e8)
TARGETS = (0.5, 0.8, 0.9, 0.95, 0.99)
SIGMAS = (0.05, 0.1, 0.2, 0.3)

COLUMNS = {
    "": "{name}",
    "chips": "{chips:,}",
    "converged": "{percent:.1f} %",
    "95 % interval": "{low:.2f} to {high:.2f} %",
    "median epochs": "{median:.0f}",
    "95 % of them by": "{most:.0f}",
    "pulses a chip": "{pulses:.0f}",
}
BY_RULE = {
    "": "{name}",
    "chips": "{chips:,}",
    "default: converged": "{default[percent]:.1f} %",
    "95 % interval": "{default[low]:.2f} to {default[high]:.2f} %",
    "median epochs": "{default[median]:.0f}",
    "pulses a chip": "{default[pulses]:.0f}",
    "published rule: converged": "{published[percent]:.1f} %",
    "its 95 % interval": "{published[low]:.2f} to {published[high]:.2f} %",
    "its median epochs": "{published[median]:.0f}",
    "its pulses a chip": "{published[pulses]:.0f}",
}
SEEDS = f"Chips 0, 1, 2, ... of seed {SEED}."
ONCE = "One evaluation that meets every target is enough, with noise too, unless the row says otherwise."


START_NS = 1e9 * float(CURVE.levels_siemens[0])


def starts(sigma):
    """Return the spread of chips whose cells start about the curve's own start: times exp(sigma z)."""
    return {"median_siemens": float(CURVE.levels_siemens[0]), "sigma": sigma}


def lock_step(*, spread, rescaled=False, **settings):
    """Train many chips side by side."""
    if rescaled:
        places = range(MANY)
        shifts = [rescaled_lognormal_shifts((4, 4), rng=own_generator(SEED, k, 1), **spread) for k in places]
    else:
        shifts = draw_ensemble(MANY, seed=SEED, **spread)
    curve = settings.pop("curve", CURVE)
    found = train_ensemble(curve, shifts, TASK.train, TASK.train_labels, seed=SEED, **settings)
    return counted(found.converged, found.epochs, found.pulses)


def one_by_one(*, spread, chip=None, chips=FEW, **settings):
    """Yield the trainer, which still holds the chip, and the result of each of a few chips."""
    if "update" not in settings:
        settings["pulse"] = PULSE
    for number, shifts in enumerate(draw_ensemble(chips, seed=SEED, **spread)):
        rng = own_generator(SEED, number, 2)
        backend = SimulatedBackend(CURVE, shifts, scale=defaults.SCALE, rng=rng, **(chip or {}))
        trainer = Trainer(backend, number=number, **settings)
        yield trainer, trainer.run(TASK.train, TASK.train_labels)


def each_counted(**settings):
    """Train a few chips one by one."""
    found = [(result.converged, result.epochs, result.pulses) for _, result in one_by_one(**settings)]
    return counted(*(np.array(each) for each in zip(*found, strict=True)))


def by_rule(train, **settings):
    """Train the same chips by the default and by the published rule."""
    found = {name: train(**settings, **rule) for name, rule in RULES.items()}
    return {"chips": found["default"]["chips"], **found}


def counted(converged, epochs, pulses):
    chips, good = len(converged), int(converged.sum())
    low, high = interval(good, chips)
    own = epochs[converged] if good else [np.nan]
    return {
        "chips": chips,
        "converged": good,
        "percent": 100 * good / chips,
        "low": 100 * low,
        "high": 100 * high,
        "median": float(np.median(own)),
        "most": float(np.percentile(own, 95)),
        "pulses": float(np.mean(pulses)),
    }


def interval(good, of):
    """Exact 95 % interval of a share after C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404."""
    low = beta_distribution.ppf(0.025, good, of - good + 1) if good else 0.0
    high = beta_distribution.ppf(0.975, good + 1, of - good) if good < of else 1.0
    return float(low), float(high)


def spread_rows():
    kinds = {f"{100 * sigma:g} %": {**DEFAULT, "spread": starts(sigma)} for sigma in SIGMAS}
    kinds["20 %, epochs 100"] = {**kinds["20 %"], "epochs": 100}
    return {name: partial(by_rule, lock_step, **settings) for name, settings in kinds.items()}


def settings_rows():
    first = np.zeros((4, 4), dtype=bool)
    first[0, 0] = True
    kinds = {
        "default settings": DEFAULT,
        "settings of the reference preset": REFERENCE,
        "the same, rescaled draw": {**REFERENCE, "rescaled": True},
        "default settings, shifts of the reference preset": {**DEFAULT, "spread": REFERENCE["spread"]},
        "default settings, smoothed curve": {**DEFAULT, "curve": CURVE.smoothed()},
        "default settings, read noise 1 %": {**DEFAULT, "read_noise": 0.01},
        f"the same, {CONFIRM} evaluations in a row": {**DEFAULT, "read_noise": 0.01, "confirm": CONFIRM},
        "default settings, step variation 30 %": {**DEFAULT, "step_variation": 0.3},
    }
    rows = {name: partial(by_rule, lock_step, **settings) for name, settings in kinds.items()}
    return {
        **rows,
        "default settings, cell [0, 0] stuck": partial(by_rule, each_counted, **DEFAULT, chip={"stuck": first}),
    }


def reasons_rows():
    levels = CURVE.levels_siemens
    straight = ConductanceCurve(np.linspace(levels[0], levels.max(), len(levels)))
    beyond = {**DEFAULT, "beta": 1e8, "target": 0.5}
    changes = {
        "reference preset": {},
        "epochs 100 instead of 48": {"epochs": 100},
        "epochs 200": {"epochs": 200},
        "curve without its first step": {"curve": ConductanceCurve(levels[1:])},
        "smoothed curve": {"curve": CURVE.smoothed()},
        "straight curve of the same span": {"curve": straight},
        "shifts from 10 nS to 20 nS": {"spread": {"span_siemens": (1e-8, 2e-8)}},
        "K = 50 instead of 10": {"scale": 50.0},
        "beta 2e7 instead of 6e6": {"beta": 2e7},
        "no pull back towards the target": LEFT_ALONE,
        "beta 1e8, target 0.5, shifts from 20 nS": beyond,
        "the same, no pull back": {**beyond, **LEFT_ALONE},
        "default settings, with the pull back": DEFAULT,
        "default settings": {**DEFAULT, **LEFT_ALONE},
    }
    return {name: partial(lock_step, **{**REFERENCE, **PULLED_BACK, **change}) for name, change in changes.items()}


KINDS = {
    "default": (DEFAULT, {}),
    "wide": ({**DEFAULT, "spread": starts(0.2)}, {}),
    "reference": (REFERENCE, {}),
    "noisy": (DEFAULT, {"read_noise": 0.1}),
    "varied": (DEFAULT, {"step_variation": 1.0}),
}


def options_row(name):
    """Yield and pulses of one option of Trainer on five kinds of chips."""
    fields = {}
    for kind, (settings, chip) in KINDS.items():
        if name in IN_LOCK_STEP:
            fields[kind] = lock_step(**settings, **chip, **OPTIONS[name])
        else:
            fields[kind] = each_counted(**settings, chip=chip, chips=FEWER, **OPTIONS[name])
    return {"chips": fields["default"]["chips"], **fields}


def map_row(beta, settings):
    found = [lock_step(**{**settings, "beta": beta, "target": target}) for target in TARGETS]
    return {"chips": MANY, **{key: [each[key] for each in found] for key in ("percent", "pulses")}}


MAPS = {
    "yield_map": {**DEFAULT, "spread": starts(0.2), **LEFT_ALONE},
    "yield_map_published": {**DEFAULT, **PULLED_BACK},
}


def hovering():
    """Say where trainings with the reference preset end that do not converge."""
    missed = [result for _, result in one_by_one(**REFERENCE, **PULLED_BACK) if not result.converged]
    return {
        "chips": FEW,
        "missed": len(missed),
        "met_percent": 100 * float(np.mean([1 - len(result.misses) / result.labels.size for result in missed])),
        "worst": float(np.median([result.misses[0].shortfall for result in missed])),
    }


def untrained(settings):
    """Count what converged chips say of the ten patterns they were not trained on."""
    right, wrong, near = [], [], []
    decided = TASK.test_labels.any(axis=1)
    for trainer, result in one_by_one(**settings):
        if result.converged:
            said = trainer.predict(TASK.test)
            correct = said.correct(TASK.test_labels)
            right.append(int(correct.sum()))
            near.append(correct[decided].mean())
            differs = (said.outputs != TASK.test_labels) & (said.outputs != UNDECIDED)
            wrong.append(differs.any(axis=1).sum())
    good, bad = (100 * float(np.mean(each)) / len(TASK.test) for each in (right, wrong))
    return {
        "chips": len(right),
        "right": good,
        "wrong": bad,
        "undecided": 100 - good - bad,
        "near": 100 * float(np.mean(near)),
        "best": max(right),
        "of": len(TASK.test),
    }


def curve_facts():
    """Return what the pages say of the shipped curve, in nS, and of the spread of the defaults."""
    levels = 1e9 * CURVE.levels_siemens
    low, high = (1e9 * each for each in SHIPPED["span_siemens"])
    return {
        "first": float(levels[0]),
        "largest": float(levels.max()),
        "span": float(levels.max() - levels[0]),
        "first_step": float(levels[1] - levels[0]),
        "later_step": float((levels[-1] - levels[1]) / (len(levels) - 2)),
        "later_steps": len(levels) - 2,
        "steps": len(levels) - 1,
        "falling": int((np.diff(levels) < 0).sum()),
        "even_step": float((levels.max() - levels[0]) / (len(levels) - 1)),
        "median_shift": float(np.sqrt(low * high)),
        "sigma": float(np.log(high / low) / (2 * 1.95996)),
        "needed_current": 1e9 * float(np.arctanh(REFERENCE["target"]) / REFERENCE["beta"]),
        "default_current": 1e9 * float(np.arctanh(DEFAULT["target"]) / DEFAULT["beta"]),
    }


def studies():
    heads = [
        "default settings",
        "starts that spread by 20 %",
        "settings of the reference preset",
        "default, read noise 10 %",
        "default, step variation 100 %",
    ]
    cells = {
        head: f"{{{kind}[percent]:.1f}} %, {{{kind}[pulses]:.0f}}" for head, kind in zip(heads, KINDS, strict=True)
    }
    targets = {
        f"{target:g}": f"{{percent[{place}]:.1f}}, {{pulses[{place}]:.0f}}" for place, target in enumerate(TARGETS)
    }
    betas = {f"{beta:.0e}".replace("e+0", "e"): beta for beta in BETAS}
    asked = {
        "": "{name}",
        "chips": "{chips:,}",
        "right": "{right:.1f} %",
        "wrong": "{wrong:.1f} %",
        "undecided": "{undecided:.1f} %",
        "right of the four labelled 10 or 01": "{near:.1f} %",
        "most right on one chip": "{best} of {of}",
    }
    facts = {"": "{name}", "first point (nS)": "{first:.0f}", "largest (nS)": "{largest:.0f}"}
    fate = {"": "{name}", "chips": "{chips:,}", "do not converge": "{missed:,}", "targets met": "{met_percent:.0f} %"}
    return {
        "yield_spread": Study(
            f"A cell starts at {START_NS:.0f} nS times exp(sigma z). {SEEDS}",
            {"sigma": "{name}", **{head: shown for head, shown in BY_RULE.items() if head}},
            spread_rows(),
        ),
        "yield_settings": Study(f"{ONCE} {SEEDS}", BY_RULE, settings_rows()),
        "yield_reasons": Study(SEEDS, COLUMNS, reasons_rows()),
        **{
            name: Study(
                f"{MANY:,} chips a cell. {SEEDS}",
                {"beta (1/A) \\ target": "{name}", **targets},
                {row: partial(map_row, beta, settings) for row, beta in betas.items()},
            )
            for name, settings in MAPS.items()
        },
        "yield_options": Study(
            f"{ONCE} {SEEDS}",
            {"": "{name}", "chips": "{chips:,}", **cells},
            {name: partial(options_row, name) for name in OPTIONS},
        ),
        "hovering": Study(SEEDS, fate, {"reference preset": hovering}),
        "untrained": Study(
            f"Of {FEW:,} chips those that converged. {SEEDS}",
            asked,
            {
                "default settings": partial(untrained, DEFAULT),
                "reference preset": partial(untrained, {**REFERENCE, **PULLED_BACK}),
            },
        ),
        "curve": Study("The shipped curve `figure2a`, 2 V, 50 ms.", facts, {"figure2a": curve_facts}),
    }


if __name__ == "__main__":
    main(__doc__, studies)
