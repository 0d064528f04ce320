"""What each effect of a real chip does to the yield: settings of a bench, chips as `crossbar-hil sweep` has them.

Chips 0, 1, 2, ... of seed 1, each by the default and by the published rule. Beside each yield stands the one that an
independent program found (20,000 chips, whole per cent): a transcription of the equations and of the definitions on
docs/realism.md that shares nothing with this package.

    python benchmarks/training/realism.py [--only realism] [--rows "step size"]
"""

import math
from functools import partial

from crossbar_hil.bench.file import load_bench
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.confidence import wilson
from crossbar_hil.studies.convergence.points import Point
from crossbar_hil.training.settings import Training

CHIPS, CHUNK, SEED = 20_000, 5_000, 1
RULES = {"published": True, "default": False}
START = {"median_siemens": 454e-9}
READ_S = 1000.0
"""Of a reading, so long that the time of the pulses, which the definition leaves out, counts for nothing."""
EPOCH_S = 2.6
"""Of an epoch of the default task on the emulated Keithley 2602B: 40 readings of 55 ms and 8 pulses of 50 ms."""
DRIFTS = (0.01, 0.03, 0.1)


def lost_each_epoch(share, evaluation_s):
    """Return the time constant with which so much of what is left is lost in each evaluation, in seconds."""
    return -evaluation_s / math.log(1 - share)


def relaxing(share):
    return {"relaxation": 1.0, "relaxation_s": lost_each_epoch(share, 40 * READ_S), "read_s": READ_S}


def relaxing_at_the_bench(share):
    return {"relaxation": 1.0, "relaxation_s": lost_each_epoch(share, EPOCH_S)}


EFFECTS = {
    "none": ({}, "", 97.7, 100),
    **{
        f"start spread {sigma:.0%}": ({"spread": START | {"sigma": sigma}}, f"`spread.sigma = {sigma}`", *found)
        for sigma, found in {0.1: (69, 100), 0.2: (32, 90), 0.3: (21, 68)}.items()
    },
    **{
        f"step size {sigma}": ({"step_spread": sigma}, f"`step_spread = {sigma}`", *found)
        for sigma, found in {0.1: (97, 100), 0.3: (84, 100), 0.5: (67, 99.9)}.items()
    },
    **{
        f"curve shape {sigma}": ({"shape_spread": sigma}, f"`shape_spread = {sigma}`", *found)
        for sigma, found in {0.2: (95, 100), 0.5: (81, 100)}.items()
    },
    **{
        f"cycle to cycle {share:.0%}": ({"step_variation": share}, f"`step_variation = {share}`", 97, 100)
        for share in (0.3, 1.0)
    },
    **{
        f"relaxation of {share:.0%} an epoch": (relaxing(share), "`relaxation = 1` and its times", *found)
        for share, found in {0.02: (91, 100), 0.05: (75, 99), 0.1: (57, 95)}.items()
    },
    **{
        f"the same at the bench, {share:.0%}": (
            relaxing_at_the_bench(share), f"`relaxation = 1`, `relaxation_s = {lost_each_epoch(share, EPOCH_S):.0f}`",
            None, None,
        )
        for share in (0.02, 0.05, 0.1)
    },
    **{
        f"column offset {nano} nA": ({"column_offset_a": nano * 1e-9}, f'`column_offset_a = "{nano} nA"`', found, 100)
        for nano, found in {10: 96, 50: 82}.items()
    },
    **{
        f"disturb {levels} of a level": ({"disturb": levels}, f"`disturb = {levels}`", *found)
        for levels, found in {0.1: (95, 98), 0.3: (41, 57)}.items()
    },
    **{
        f"read noise {share:.0%}": ({"read_noise": share}, f"`read_noise = {share}`", found, 100)
        for share, found in {0.01: 97, 0.05: 98, 0.1: 97}.items()
    },
    "telegraph 10 % in one read of ten": ({"telegraph": 0.1}, "`telegraph = 0.1`", 98, 100),
    "telegraph 30 % in one read of ten": ({"telegraph": 0.3}, "`telegraph = 0.3`", 98, 100),
    "1/f noise 5 %": ({"flicker": 0.05}, "`flicker = 0.05`", None, None),
}  # fmt: skip


def chips_of(effects, pull_back, drifts=()):
    """Train the chips that a bench with these effects has."""
    once = {"confirm": 1} if "confirm" in Training.model_fields else {}
    overrides = {"chip": effects, "training": {"pull_back": pull_back, **once}}
    ensemble = Point.of(load_bench("simulated", overrides=overrides), {}).ensemble()
    return [ensemble.train(SEED, first, CHUNK, drifts) for first in range(0, CHIPS, CHUNK)]


def counted(good, of):
    low, high = wilson(good, of)
    return {"percent": 100 * good / of, "low": 100 * low, "high": 100 * high}


def effect_row(effects, said, *found):
    """Count yields by both rules, and the chips that converged and meet every target in a fresh read."""
    row = {"set": said, "chips": CHIPS}
    for (rule, pull_back), independent in zip(RULES.items(), found, strict=True):
        parts = chips_of(effects, pull_back)
        met = sum(int(part.converged.sum()) for part in parts)
        again = sum(int((part.converged & part.fresh).sum()) for part in parts)
        row[rule] = {**counted(met, CHIPS), "independent": independent, "fresh": 100 * again / met}
    return row


def drift_row(place):
    """Count the chips that converged and still meet every target once their conductances have drifted."""
    row = {"chips": CHIPS}
    for rule, found in (("published", (87, 69, 44)), ("default", (98, 93, 75))):
        parts = chips_of({}, RULES[rule], DRIFTS)
        met = sum(int(part.converged.sum()) for part in parts)
        still = sum(int(part.drifted[:, place].sum()) for part in parts)
        row[rule] = {**counted(still, met), "independent": found[place]}
    return row


def studies():
    shown = {"": "{name}"}
    for rule, head in (("published", "published rule"), ("default", "default")):
        shown |= {
            head: f"{{{rule}[percent]:.1f}} %",
            f"{head}: 95 % interval": f"{{{rule}[low]:.2f}} to {{{rule}[high]:.2f}} %",
            f"{head}: independent": f"{{{rule}[independent]}}",
        }
    yields = {"": "{name}", "set": "{set}", **{head: cell for head, cell in shown.items() if head}}
    for rule, head in (("published", "published rule"), ("default", "default")):
        yields[f"{head}: of these again"] = f"{{{rule}[fresh]:.1f}} %"
    about = f"{CHIPS:,} simulated chips a cell, numbers 0 to {CHIPS - 1:,} of seed {SEED}; Wilson's intervals."
    return {
        "realism": Study(about, yields, {name: partial(effect_row, *row) for name, row in EFFECTS.items()}),
        "realism_drift": Study(
            f"Of the chips that converged. {about}",
            shown,
            {f"drift afterwards {drift:.0%}": partial(drift_row, place) for place, drift in enumerate(DRIFTS)},
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies)
