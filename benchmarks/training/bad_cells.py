"""How many virtual chips with bad cells learn: as they are, with bad cells left out, and on the lines that cost least.

Chip number k draws from seed (1, k): first the shifts of its cells, then which are bad, each with the given chance,
then what is wrong with each: open, stuck where it starts, or stuck at the end of its curve, one in three unless a row
says otherwise. The same chips are trained in every column of a row. The survey is taken to be right.

    python benchmarks/training/bad_cells.py [--only bad_cells]
"""

from functools import cache, partial

import numpy as np

from crossbar_hil import Trainer
from crossbar_hil.bench.file import load_bench
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.confidence import wilson
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.sim_backend.chip.starting import draw_shifts
from crossbar_hil.survey.arranging import Reach, arrange, wanted_weights
from crossbar_hil.survey.lines import Lines
from crossbar_hil.survey.mapped import MappedChip
from crossbar_hil.survey.on_bench.surveying import healthy_of
from crossbar_hil.training.encoding import row_voltages
from crossbar_hil.training.patterns import PatternSet

SEED = 1
CHIPS = {"six patterns": 1_000, "letters": 400}
"""Of a row; letters take ten times as long."""
OPEN, LOW, HIGH = range(3)
KINDS = {"": (OPEN, LOW, HIGH), ", all open": (OPEN,), ", all stuck low": (LOW,), ", all stuck high": (HIGH,)}
TASKS = {"six patterns": None, "letters": "prezioso2015"}
WAYS = ("as they are", "left out", "left out, lines moved")


@cache
def bench_of(task):
    return load_bench("simulated", task=task)


@cache
def task_of(task):
    """Return patterns, labels, settings of the trainer, and the weights that the task wants."""
    training = bench_of(task).training
    patterns = PatternSet.from_csv(training.pattern_file)
    settings = {name: getattr(training, name) for name in ("beta", "target", "epochs", "pull_back", "v0", "v1")}
    volts = row_voltages(patterns.train, training.v0, training.v1)
    senses = 2.0 * patterns.train_labels - 1
    weights = wanted_weights(volts, senses, senses * np.arctanh(training.target) / training.beta, 2e-6)
    return patterns.train, patterns.train_labels, settings, weights


@cache
def healthy():
    return healthy_of(bench_of(None))


@cache
def curve():
    return ConductanceCurve.from_csv(bench_of(None).chip.curve_file)


def chip_of(number, shape, share, kinds):
    """Return a virtual chip with bad cells, the mask of these, and what cells can reach as far as a survey knows."""
    rng = np.random.default_rng((SEED, number))
    chip = bench_of(None).chip.model_copy(update={"rows": shape[0], "columns": shape[1]}).resolved
    shifts = draw_shifts(chip, curve(), rng)
    start, end = chip.k * shifts, chip.k * (shifts + curve().span)
    bad, kind = rng.random(shape) < share, rng.choice(kinds, shape)
    siemens = np.choose(kind, [np.zeros(shape), start, end])
    backend = SimulatedBackend(curve(), shifts, chip.k)
    if bad.any():
        backend.hold(bad, siemens)
    now = np.where(bad, siemens, start)
    return backend, bad, Reach.from_start(now, bad, healthy().rise_siemens, healthy().high_siemens)


def trained(task, number, shape, share, kinds, way):
    """Train one chip one way, and return whether it converged and how many pulses it took."""
    patterns, labels, settings, weights = task_of(task)
    backend, bad, reach = chip_of(number, shape, share, kinds)
    lines = Lines(shape, tuple(range(len(weights))), tuple(range(2 * weights.shape[1])))
    if way == WAYS[2] and bad.any():
        lines, _ = arrange(weights, reach)
    mapped = MappedChip(backend, lines, np.zeros_like(bad) if way == WAYS[0] else bad)
    result = Trainer(mapped, **settings).run(patterns, labels)
    return result.converged, result.pulses


def row(name, more, share, kinds):
    """Train the same chips in every way."""
    task, chips = TASKS[name], CHIPS[name]
    weights = task_of(task)[-1]
    shape = len(weights) + more, 2 * (weights.shape[1] + more)
    fields = {"chips": chips, "size": f"{shape[0]} x {shape[1]}"}
    for way in WAYS:
        found = np.array([trained(task, number, shape, share, kinds, way) for number in range(chips)])
        good = int(found[:, 0].sum())
        low, high = wilson(good, chips)
        fields[way] = {
            "percent": 100 * good / chips,
            "low": 100 * low,
            "high": 100 * high,
            "pulses": float(found[:, 1].mean()),
        }
    return fields


def studies():
    rows = {}
    for name in TASKS:
        for share in (0.0, 0.01, 0.05, 0.10):
            rows[f"{name}, {100 * share:.0f} %"] = partial(row, name, 0, share, KINDS[""])
        for kind in (each for each in KINDS if each):
            rows[f"{name}, 5 %{kind}"] = partial(row, name, 0, 0.05, KINDS[kind])
        for share in (0.05, 0.10):
            rows[f"{name}, {100 * share:.0f} %, a row and a pair to spare"] = partial(row, name, 1, share, KINDS[""])
    shown = {
        way: f"{{{way}[percent]:.1f}} % ({{{way}[low]:.1f}} to {{{way}[high]:.1f}}), {{{way}[pulses]:.0f}}"
        for way in WAYS
    }
    return {
        "bad_cells": Study(
            "Share that converges, its 95 % interval (Wilson), mean pulses of all chips. At most 48 epochs of the six "
            "patterns, 100 of the letters. The same chips in every column of a row.",
            {"task, bad cells": "{name}", "chip": "{size}", "chips": "{chips:,}", **shown},
            rows,
        )
    }


if __name__ == "__main__":
    main(__doc__, studies)
