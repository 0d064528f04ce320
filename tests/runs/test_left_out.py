"""Trainings that leave bad cells out: no pulse reaches them, and everything on disk names the cells of the chip."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from crossbar_hil import Trainer
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import ConfigError, DataError, RunError
from crossbar_hil.guard.journal import read_journal
from crossbar_hil.guard.opening import open_bench
from crossbar_hil.guard.replay import Record
from crossbar_hil.runs.audit.verification import verify_run
from crossbar_hil.runs.store import list_runs, load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.runs.training_run import resume_and_record
from crossbar_hil.studies.convergence.points import Point, check_drifts
from crossbar_hil.survey.lines import Lines
from crossbar_hil.survey.on_bench.surveying import cells_of, healthy_of
from crossbar_hil.survey.surveying import survey

SEED = 4
BAD = [(0, 0), (2, 1), (3, 2)]
CHIP = {"chip": {"rows": 5, "columns": 5, "dead": BAD[:2], "unformed": BAD[2:]}}
"""A row, a column, and three cells more than the task needs, or can use."""
SMALL_BAD = [(0, 0), (2, 2)]
SMALL = {
    "wiring": {"rows": [1, 2, 9], "columns": [5, 6, 10]},
    "chip": {"rows": 3, "columns": 3, "dead": SMALL_BAD[:1], "unformed": SMALL_BAD[1:]},
}
"""As small as a chip with a row and a column too many can be: each of its cells is read by emulated instruments."""
SMALL_SEED, SMALL_BETA = 7, 1.2e7
"""With which it takes four epochs, on rows in another order than those of the chip."""


def bench_of(folder, name="simulated", laid=CHIP, seed=SEED, **training):
    """Survey the chip of a bench by readings, and return the bench that leaves its bad cells out."""
    bench, file = load_bench(name, overrides=laid), folder / "bad.toml"
    if not file.exists():
        with open_backend(bench, seed=seed) as chip:
            found = survey(chip, read_v=0.1, reads=2, healthy=healthy_of(bench))
            cells_of(found, bench, chip, seed, 0.1, None).write(file)
    return load_bench(name, overrides={**laid, "training": {"cells": str(file), "fresh_reads": 1, **training}})


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A finished run on an emulated bench, and one of the same chip that was killed after its first epoch."""
    folder = tmp_path_factory.mktemp("guarded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        (folder / "two.csv").write_text("pattern,label,set\n10,1,train\n01,0,train\n", encoding="utf-8")
        small = {"patterns": str(folder / "two.csv"), "beta": SMALL_BETA}
        bench = bench_of(folder, "emulated", SMALL, SMALL_SEED, **small)
        whole = train_and_record(bench, seed=SMALL_SEED, out=folder / "whole").folder

        def fail(epoch):
            if epoch.number == 1:
                raise KeyError("the lamp went out")

        with pytest.raises(KeyError):
            train_and_record(bench, seed=SMALL_SEED, out=folder / "cut", show=fail)
        cut = list_runs(folder / "cut")[0].folder
        resume_and_record(load_run(cut))
    return whole, cut


def test_nothing_on_the_bench_pulses_a_bad_cell_and_the_journal_holds_the_record_to_be_true(guarded):
    for folder in guarded:
        run = load_run(folder)
        operations = Record.of(read_journal(folder / "journal.sqlite"), (3, 3)).operations
        sent = sum(each.counts for each in operations if each.kind == "pulses")
        assert sent.sum() == run.result.pulses > 0
        assert all(sent[cell] == 0 for cell in SMALL_BAD)
        assert np.array_equal(sent, run.result.counts.sum(axis=0))
        assert verify_run(run).problems == ()


def test_a_run_that_was_interrupted_ends_as_the_one_that_was_not(guarded):
    whole, resumed = (load_run(each).result for each in guarded)
    assert resumed.lines == whole.lines
    for name in ("counts", "conductances", "currents", "activations"):
        assert np.array_equal(getattr(resumed, name), getattr(whole, name))


def test_record_and_result_name_the_cells_of_the_chip_and_the_lines_that_the_network_is_on(guarded):
    run = load_run(guarded[0])
    lines = Lines.from_record(run.facts["lines"], (3, 3))
    assert not lines.is_plain
    result = run.result
    assert result.conductances.shape[1:] == (3, 3)
    assert all(result.conductances[0][cell] < 2e-9 for cell in SMALL_BAD)
    assert result.conductances[0].min() < 2e-9 < np.delete(result.conductances[0].ravel(), [0, 8]).min()
    assert not result.counts[:, :, [each for each in range(3) if each not in lines.columns]].any()
    # By hand, from what the record says of cells and lines: the outputs that the activations are of.
    currents = result.currents[-1][:, lines.columns]
    activations = np.tanh(SMALL_BETA * (currents[:, ::2] - currents[:, 1::2]))
    assert np.allclose(activations, result.activations[-1], rtol=0, atol=1e-12)
    bits = np.where(result.patterns == 1, 0.1, -0.1)
    cells = result.conductances[-1][np.ix_(lines.rows, lines.columns)]
    assert np.allclose(bits @ cells, currents, rtol=1e-6)
    assert result.names.columns[lines.columns[1]] == "1\u2212"
    assert result.names.columns.count("\u2013") == 1
    assert run.fresh.currents.shape[-1] == 3
    assert run.assurance.met == 1


def test_the_trained_chip_answers_on_the_lines_that_it_was_trained_on(guarded, tmp_path):
    task = tmp_path / "seen.csv"
    task.write_text("pattern,label,set\n01,0,train\n10,1,train\n", encoding="utf-8")
    assert [line.verdict for line in load_run(guarded[0]).predict(task).lines] == ["right"] * 2


def test_an_export_names_the_cells_of_the_chip(guarded):
    run = load_run(guarded[0])
    sent = np.zeros((3, 3), dtype=int)
    for test in run.cell_tests():
        if test.test_type == "potentiation":
            sent[test.word_line - 1, test.bit_line - 1] += 1
    assert np.array_equal(sent, run.result.counts.sum(axis=0))
    assert "Conductance r3 c3 (S)" in run.series().header
    variables = run.variables()
    assert variables["bit"].dimensions == ("pattern", "bit_of_pattern")
    sizes = {name: len(variables[name].values) for name in ("row", "column", "bit_of_pattern", "output")}
    assert sizes == {"row": 3, "column": 3, "bit_of_pattern": 2, "output": 1}


def test_a_resumed_run_stays_on_its_recorded_lines_and_a_record_without_sense_is_refused(tmp_path):
    folder = train_and_record(bench_of(tmp_path), seed=SEED, out=tmp_path / "runs").folder
    with closing(sqlite3.connect(folder / "run.sqlite")) as record, record:
        record.execute("UPDATE setting SET value = ? WHERE name = 'status'", ('"failed"',))
        record.execute("DELETE FROM epoch")
        for table in ("cell", "current", "activation", "fresh_current", "fresh_activation"):
            record.execute(f"DELETE FROM {table}")
        record.execute(
            "UPDATE setting SET value = ? WHERE name = 'lines'", ('{"rows": [5, 4, 2, 1], "columns": [5, 4, 3, 2]}',)
        )
    resume_and_record(load_run(folder))
    assert load_run(folder).result.lines == Lines((5, 5), (4, 3, 1, 0), (4, 3, 2, 1))
    with closing(sqlite3.connect(folder / "run.sqlite")) as record, record:
        record.execute("UPDATE setting SET value = ? WHERE name = 'lines'", ('{"rows": [9], "columns": [1, 1]}',))
    with pytest.raises(RunError, match=r"the lines of run .* cannot be read"):
        _ = load_run(folder).result


def test_a_file_without_bad_cells_on_a_chip_of_the_size_of_the_task_changes_no_bit(tmp_path):
    plain = load_bench("simulated")
    with open_backend(plain, seed=SEED) as chip:
        found = survey(chip, read_v=0.1, reads=2, healthy=healthy_of(plain))
        cells_of(found, plain, chip, SEED, 0.1, None).write(tmp_path / "none.toml")
    with_file = load_bench("simulated", overrides={"training": {"cells": str(tmp_path / "none.toml")}})
    first, second = (
        load_run(train_and_record(each, seed=SEED, out=tmp_path / str(place)).folder).result
        for place, each in enumerate((plain, with_file))
    )
    assert second.lines == Lines.plain((4, 4))
    for name in ("counts", "conductances", "currents", "activations"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize(("rule", "permute"), [("stochastic", True), ("momentum", False)])
def test_no_rule_pulses_a_bad_cell(tmp_path, rule, permute):
    bench = bench_of(tmp_path, rule=rule, permute=permute, pull_back=True, epochs=12)
    laid = {**CHIP, "training": bench.training.model_dump(include={"cells", "rule", "permute", "pull_back", "epochs"})}
    with open_bench("simulated", seed=SEED, overrides=laid) as chip:
        sent, send = np.zeros((5, 5), dtype=np.int64), chip.send_pulses
        chip.send_pulses = lambda counts, pulse: (np.add(sent, counts, out=sent), send(counts, pulse))
        trainer = Trainer.from_bench(chip)
        assert trainer.backend.chip is chip
        assert trainer.run().counts.sum() == sent.sum() > 0
    assert all(sent[cell] == 0 for cell in BAD)
    if not permute:
        assert trainer.backend.lines == Lines((5, 5), (0, 1, 2, 3), (0, 1, 2, 3))


def test_chips_of_a_dry_run_have_the_bad_cells_and_are_trained_one_by_one(tmp_path):
    bench = bench_of(tmp_path)
    point = Point.of(bench, {})
    ensemble = point.ensemble()
    assert not ensemble.lockstep
    found = ensemble.train(1, 0, 2, ())
    assert found.converged.all()
    plain = bench.training.model_copy(update={"permute": False})
    assert Point.of(bench.model_copy(update={"training": plain}), {}).digest != point.digest
    with pytest.raises(ConfigError, match="cannot be made to drift"):
        check_drifts([0.01], bench)


def test_a_chip_with_fewer_lines_than_the_task_and_a_file_of_another_size_are_refused(tmp_path):
    bench = bench_of(tmp_path)
    six = tmp_path / "six.csv"
    six.write_text("pattern,label,set\n100000,1000,train\n010000,0000,train\n", encoding="utf-8")
    for settings, told in (
        ({"patterns": str(six)}, "takes rows 1 to 6 and columns 1 to 8, but the chip has 5 rows and 5 columns"),
    ):
        changed = bench.training.model_copy(update=settings)
        with pytest.raises(DataError, match=told):
            train_and_record(bench.model_copy(update={"training": changed}), seed=SEED, out=tmp_path / "runs")
    smaller = bench.model_copy(update={"chip": bench.chip.model_copy(update={"rows": 4, "dead": [], "unformed": []})})
    with pytest.raises(ConfigError, match="is of a chip of 5 by 5 cells, this one has 4 by 5"):
        train_and_record(smaller, seed=SEED, out=tmp_path / "runs")
    assert list_runs(tmp_path / "runs") == []
