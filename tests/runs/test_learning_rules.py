"""A run keeps which rule it was trained by, draws from its seed, and goes on with no other rule."""

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import RunError
from crossbar_hil.runs.interruption import Interrupted
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import TrainingWork, train_and_record
from crossbar_hil.runs.training_run import resume_and_record

STOCHASTIC = {"rule": "stochastic", "pull_back": True, "epochs": 4}


def bench_of(**training):
    return load_bench("simulated", overrides={"training": training})


def test_a_run_keeps_its_rule_and_every_option_of_it(tmp_path):
    bench = bench_of(rule="delta", rule_options={"rate": 2.5})
    run = load_run(train_and_record(bench, seed=1, out=tmp_path).folder)
    assert run.facts["learning_rule"]["options"] == {"rate": 2.5, "most": 10, "least": 1}
    assert run.tables["bench"]["training"]["rule_options"] == {"rate": 2.5}
    assert run.bench.training.rule_options == {"rate": 2.5}
    assert run.result.counts.max() > 1


def test_a_run_that_was_interrupted_draws_on_where_it_was(tmp_path):
    whole = load_run(train_and_record(bench_of(**STOCHASTIC), seed=5, out=tmp_path / "whole").folder)

    def leave(epoch):
        if epoch.number == 2:
            raise Interrupted

    outcome = train_and_record(bench_of(**STOCHASTIC), seed=5, out=tmp_path / "left", show=leave)
    assert outcome.status == "interrupted"
    resume_and_record(load_run(outcome.folder))
    again = load_run(outcome.folder)
    for name in ("conductances", "counts", "activations"):
        np.testing.assert_array_equal(getattr(again.result, name), getattr(whole.result, name))
    other = load_run(train_and_record(bench_of(**STOCHASTIC), seed=6, out=tmp_path / "other").folder)
    assert not np.array_equal(other.result.counts, whole.result.counts)


def test_a_rule_that_is_not_what_it_was_goes_on_with_nothing():
    bench, was = bench_of(rule="momentum"), {"acts": "all", "most": 1, "options": {"keep": 0.9}}
    with pytest.raises(RunError, match=r"rule .momentum. is not what it was when the run began.*0\.9.*nothing"):
        TrainingWork(bench, 1, known_rule=was).prepare(open_backend(bench, seed=1))


def test_one_cell_of_each_pair_takes_its_signs_by_both_polarities(tmp_path):
    down = {"depress_v": -2.8, "depress_s": 0.001}
    bench = bench_of(rule="one-cell", rule_options={"lift": 3}, epochs=12, **down)
    run = load_run(train_and_record(bench, seed=1, out=tmp_path).folder)
    first, later = run.result.counts[0], run.result.counts[1:]
    assert first.tolist() == [[0, 3] * 2] * 4
    assert not later[:, :, 1::2].any()
    assert run.result.depressing.any()
