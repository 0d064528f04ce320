"""How near cells come to their targets, and with how many pulses: chips of the presets, with and without wires.

Chip number k is chip k of the bench; its targets are drawn with the seed k, uniformly between 5 and 95 % of what each
cell itself can be brought to, or of the range that all cells have in common.

    python benchmarks/bench/programming.py [--only programming]
"""

from functools import partial

import numpy as np

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.programming.foreknowledge import common_range
from crossbar_hil.programming.loop import BUDGET, OUTSIDE, REACHED, STEP, STUCK
from crossbar_hil.programming.outcome import Programmed
from crossbar_hil.programming.planned import plan_program

CHIPS = 200
WIRE_OHM = 1_000.0
"""Of a segment: the path to the farthest cell of 4 x 4 then takes 1.6 % of what a cell of 2 uS conducts."""
EDGES = (0.0, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, np.inf)
"""Of the histogram, in shares of the range."""
PRESETS = ("reference", "kim2021", "gong2022")


def programmed(preset, *, wire_ohm=0.0, common=False, chips=CHIPS, chip=None):
    """Program so many chips, and return what came of each."""
    bench = load_bench("simulated", preset=preset, overrides={"chip": {"wire_ohm": wire_ohm} | (chip or {})})
    for number in range(chips):
        backend = open_backend(bench, seed=number)
        shares = np.random.default_rng(number).uniform(0.05, 0.95, backend.shape)
        low, span = backend.read_conductances(0.1), 10 * backend.curve.span
        if common:
            ends = common_range(bench)
            targets = ends[0] + (ends[1] - ends[0]) * shares
        else:
            targets = low + span * shares * (1.0 if backend.step_factors is None else backend.step_factors)
        task = plan_program(bench, targets, source="benchmark").task
        yield Programmed.of(task.settings, targets, list(task.loop(backend).rounds()))


def row(preset, **options):
    """Sum up what came of all cells."""
    found = list(programmed(preset, **options))
    errors = np.abs(np.concatenate([each.errors.ravel() for each in found]))
    pulses = np.concatenate([each.pulses.ravel() for each in found])
    standing = np.concatenate([each.standing.ravel() for each in found])
    missed = standing != REACHED
    shares = {
        name: 100 * float((standing == stands).mean())
        for name, stands in (("step", STEP), ("budget", BUDGET), ("outside", OUTSIDE), ("stuck", STUCK))
    }
    return {
        "cells": int(errors.size),
        "reached": 100 * float((~missed).mean()),
        "pulses_median": float(np.median(pulses)),
        "pulses_95": float(np.percentile(pulses, 95)),
        "reads_median": float(np.median([each.rounds for each in found])),
        "error_median": 100 * float(np.median(errors)),
        "error_95": 100 * float(np.percentile(errors, 95)),
        "missed_by": 100 * float(np.median(errors[missed])) if missed.any() else 0.0,
        **shares,
        "histogram": [int(each) for each in np.histogram(errors, EDGES)[0]],
    }


def studies():
    rows = {}
    for preset in PRESETS:
        rows[f"`{preset}`"] = partial(row, preset)
        rows[f"`{preset}`, wires"] = partial(row, preset, wire_ohm=WIRE_OHM)
    rows["`reference`, range in common"] = partial(row, "reference", common=True)
    rows["`reference`, read noise 1 %"] = partial(row, "reference", chip={"read_noise": 0.01})
    columns = {
        "chips": "{name}",
        "at their target": "{reached:.1f} %",
        "pulses a cell": "{pulses_median:.0f}, {pulses_95:.0f}",
        "reads": "{reads_median:.0f}",
        "off by": "{error_median:.2f}, {error_95:.1f} %",
        "the others by": "{missed_by:.1f} %",
        "as the step is too large": "{step:.1f} %",
        "as 60 pulses are not enough": "{budget:.1f} %",
    }
    about = (
        f"Tolerance 1 % of the range of 2.1 uS, at most 60 pulses a cell. Pulses and errors: median, 95 %; reads of a "
        f"chip: median. {CHIPS:,} chips of 4 x 4 a line, seeds from 0; wires of {WIRE_OHM:g} ohm a segment."
    )
    return {"programming": Study(about, columns, rows)}


if __name__ == "__main__":
    main(__doc__, studies)
