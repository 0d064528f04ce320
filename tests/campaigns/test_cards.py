"""Chips of 16 x 16 cells on several cards, trained behind the guard on every mainframe: pytest -m campaign."""

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.runs.audit.verification import verify_run
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.sim_backend.chip.simulated import SimulatedBackend
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer

from ..sim_backend.emulation.test_cards import COLUMNS, bench_file

PATTERNS = 24
"""So many that cells are read one by one."""


@pytest.mark.campaign
@pytest.mark.parametrize("matrix", COLUMNS)
def test_sixteen_by_sixteen_cells_train_behind_the_guard_as_in_the_dry_run(tmp_path, matrix):
    drawn = np.random.default_rng(3).integers(0, 2, (PATTERNS, 16)).tolist()
    lines = [f"{''.join(map(str, bits))},{''.join(map(str, bits[:8]))},train" for bits in drawn]
    (tmp_path / "task.csv").write_text("\n".join(["pattern,label,set", *lines, ""]))
    swaps = (("perceptron", str(tmp_path / "task.csv")), ("epochs = 48", "epochs = 2"), ("beta = 5e7", "beta = 1e7"))
    bench = load_bench(bench_file(tmp_path, matrix, 16, 16, None, *swaps))
    chip = SimulatedBackend.from_bench(bench, np.random.default_rng(1))
    task = PatternSet.from_csv(bench.training.pattern_file)
    expected = make_trainer(bench.training, chip).run(task.train, task.train_labels)
    outcome = train_and_record(bench, seed=1, out=tmp_path / "runs")
    run = load_run(outcome.folder)
    assert (outcome.result.epochs, outcome.result.pulses) == (expected.epochs, expected.pulses)
    np.testing.assert_allclose(outcome.result.conductances, expected.conductances, rtol=1e-4)
    assert expected.pulses > 0
    assert run.facts["reading"].startswith("by cell: 768 readings, where by pattern it is ")
    assert run.facts["bench_work"]["batches_by_cell"] == 2
    assert verify_run(run).problems == ()
