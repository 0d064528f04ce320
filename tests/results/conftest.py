"""One small result of every kind."""

import functools
from pathlib import Path

import numpy as np
import pytest

from crossbar_hil import load_run
from crossbar_hil.backend import Pulse
from crossbar_hil.bench.characterisation import Characterisation, characterise
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.programming.outcome import Programmed
from crossbar_hil.programming.planned import plan_program
from crossbar_hil.programming.run import ProgramRun
from crossbar_hil.results.chip_map import ChipMap, read_chip
from crossbar_hil.runs.inference import Answer, Line
from crossbar_hil.runs.training_run import TrainingRun
from crossbar_hil.sim_backend.ensemble.result import EnsembleResult
from crossbar_hil.spiking.network.labels import Evaluation
from crossbar_hil.spiking.progress import Progress
from crossbar_hil.spiking.run import SpikingRun
from crossbar_hil.spiking.settings import SpikingSettings
from crossbar_hil.spiking.sweeping import Answered, NetworkResult, network_axes, plan_networks
from crossbar_hil.studies.axes import read_axes
from crossbar_hil.studies.convergence.counts import Counts
from crossbar_hil.studies.convergence.searching import Candidate
from crossbar_hil.studies.convergence.sweeping import ChipSweepResult, plan_sweep
from crossbar_hil.studies.convergence.tuning import TuneResult, plan_tune
from crossbar_hil.studies.settings import find_key
from crossbar_hil.training.result import TrainingResult
from crossbar_hil.twins.file import Twin

OLD = Path(__file__).parents[1] / "runs" / "written_by_0_1_0"
COUNTS = Counts(4, ((3, 2), (5, 1)), 60, 40, 1, 3)
SLOW = {"chip": {"dead": [[0, 0]]}, "training": {"dead_zone": 1e-9}}
"""Chips that are not trained side by side need nothing compiled."""


def sweep_of(*over):
    sweep = plan_sweep(load_bench("simulated", overrides=SLOW), read_axes(over), chips=4, seed=1)
    return ChipSweepResult(sweep, (Counts(4, pulses=90), *[COUNTS] * (len(sweep.points) - 1)))


def networks():
    sweep = plan_networks(
        SpikingSettings(train=20), network_axes(("states=4,8", "rule=nearest,carry")), networks=2, seed=0
    )
    return NetworkResult(sweep, ((Answered(30, 40, 1, 90), Answered(20, 40, 0, 80)),) * len(sweep.points))


def tuned():
    bench = load_bench("simulated", overrides=SLOW)
    tune = plan_tune(bench, read_axes(("beta=5e7", "target=0.9,0.95", "width=50 ms")), chips=4, seed=1)
    settings = {find_key("beta"): 5e7, find_key("width"): 0.05, find_key("rule"): "manhattan"}
    tried = tuple((1, Candidate((5e7, target, 0.05), COUNTS)) for target in (0.9, 0.95))
    return TuneResult(tune, tried[1][1], settings, bench, COUNTS, None, tried)


def twin():
    number = {"value": 0.1, "low": 0.05, "high": 0.2, "source": "4 cells"}
    names = (
        "read_noise",
        "step_variation",
        "step_spread",
        "mean_factor",
        "device_spread",
        "relaxation",
        "relaxation_s",
    )
    source = {
        "bench": "b", "bench_sha256": "0", "kind": "simulated", "made_utc": "2026-01-01T00:00:00+00:00", "version": "0",
        "read_v": 0.1, "reads": 3, "amplitude_v": 2.0, "width_s": 0.05, "pulses": 2, "curve": "figure2a",
    }  # fmt: skip
    cells = (
        "start_siemens", "start_error_siemens", "now_siemens", "now_error_siemens", "step_factor", "step_factor_low",
        "step_factor_high", "level", "level_error", "does_not_move",
    )  # fmt: skip
    draws = {name: [[1e-6] * 4] * 2 for name in ("start_siemens", "step_factors", "levels")}
    return Twin.model_validate({
        "rows": 2, "columns": 2, "scale": 1.0, "source": source,
        "numbers": dict.fromkeys((*names, "relaxation_s"), number),
        "cells": {name: [[1e-6, 2e-6], [3e-6, 4e-6]] for name in cells}, "curve_siemens": [1e-6, 2e-6, 2.5e-6],
        "draws": {"step_variation": [0.1, 0.2], **draws},
    })  # fmt: skip


def measured():
    backend = open_backend(load_bench("simulated"), seed=1)
    up, down = Pulse(2.0, 0.05), Pulse(-2.8, 0.05)
    cells = ((0, 0), (1, 2))
    steps = (characterise(backend, each, pulses=4, read_v=0.1, up=up, down=down, reads=3, rest=5) for each in cells)
    return Characterisation(backend.kind, cells, tuple(tuple(each) for each in steps))


def answer():
    lines = [Line("0001", "01", "0?", [-1.0, 0.2], "undecided", 3), Line("1000", "10", "10", [1.0, -1.0], "right", 5)]
    return Answer("r", "simulated", lines, 2, 5)


@functools.cache
def programmed_in(out):
    """The record of a programming of which one cell has no target and one a target that no cell can have."""
    targets = np.full((4, 4), 1.5e-6)
    targets[0, 1], targets[2, 3] = np.nan, 5e-6
    return load_run(plan_program(load_bench("simulated"), targets, source="a test").run(seed=1, out=out).folder)


MAKE = {
    EnsembleResult: lambda _: EnsembleResult.empty(3, (4, 2, 2), np.int64).judged(
        np.ones(4, bool), np.ones((4, 1), bool), np.zeros((4, 1), bool)
    ),
    Evaluation: lambda _: load_run(next(OLD.glob("*digits*"))).progress.result,
    Progress: lambda _: load_run(next(OLD.glob("*digits*"))).progress,
    SpikingRun: lambda _: load_run(next(OLD.glob("*digits*"))),
    TrainingResult: lambda folder: load_run(folder).result,
    TrainingRun: load_run,
    ChipSweepResult: lambda _: sweep_of("beta=2e7,5e7,1e8", "target=0.8,0.95"),
    NetworkResult: lambda _: networks(),
    TuneResult: lambda _: tuned(),
    Twin: lambda _: twin(),
    Answer: lambda _: answer(),
    Characterisation: lambda _: measured(),
    ProgramRun: lambda folder: programmed_in(folder.parent),
    Programmed: lambda folder: programmed_in(folder.parent).programmed,
    ChipMap: lambda _: read_chip(open_backend(load_bench("simulated"), seed=1), 0.1, reads=2),
}
"""One of each concrete kind, made from the folder of a run that converged."""


@pytest.fixture(scope="session")
def results(converged_run):
    """One result of each kind, by its class."""
    return {kind: make(converged_run) for kind, make in MAKE.items()}
