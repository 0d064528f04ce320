"""Recorded runs whose chip is noisy, or has cells that do not react."""

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.runs.report import make_report
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.runs.training_run import resume_and_record


class LampWentOut(RuntimeError):  # noqa: N818
    pass


def noisy_bench(**training):
    return load_bench(
        "simulated", overrides={"chip": {"read_noise": 0.01}, "training": {"epochs": 60, "fresh_reads": 0, **training}}
    )


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    return load_run(train_and_record(noisy_bench(), seed=5, out=tmp_path_factory.mktemp("noisy")).folder)


def test_a_noisy_run_has_converged_with_the_eighteenth_evaluation_in_a_row(noisy):
    assert noisy.facts["confirm"] == 18
    assert noisy.result.converged
    assert (noisy.result.errors[-18:] == 0).all()
    assert noisy.result.errors[-19] > 0
    assert not noisy.result.counts[-18:].any()
    assert "18 evaluations in a row" in noisy.ending().lines[0]


@pytest.mark.parametrize("back", [1, 5, 18])
def test_a_run_that_died_while_it_was_confirmed_ends_as_if_it_had_not(noisy, tmp_path, back):
    def die(epoch):
        if epoch.number == noisy.result.epochs - back:
            raise LampWentOut

    with pytest.raises(LampWentOut):
        train_and_record(noisy_bench(), seed=5, out=tmp_path, show=die)
    (folder,) = tmp_path.iterdir()
    run = load_run(folder)
    assert not run.result.converged
    resume_and_record(run)
    again = load_run(folder)
    assert again.status == "done"
    for name in ("conductances", "currents", "counts", "errors"):
        np.testing.assert_array_equal(getattr(again.result, name), getattr(noisy.result, name))
    assert again.result.converged


def test_a_run_that_was_not_confirmed_in_time_is_not_converged(noisy, tmp_path):
    bench = noisy_bench(epochs=noisy.result.epochs - 1)
    run = load_run(train_and_record(bench, seed=5, out=tmp_path).folder)
    assert run.result.errors[-1] == 0
    assert not run.result.converged
    assert run.ending().record["verdict"] == "slow"
    assert not run.ending().reached


@pytest.fixture(scope="module")
def stuck(tmp_path_factory):
    """A run on a chip in which row 3, column 1 is stuck, and which cannot learn without it."""
    where = tmp_path_factory.mktemp("stuck")
    (where / "curve.csv").write_text(
        "Conductance (S)\n" + "".join(f"{4.5e-7 + 1.5e-9 * level:.5e}\n" for level in range(60)), encoding="utf-8"
    )
    bench = load_bench(
        "simulated",
        overrides={
            "chip": {
                "curve": str(where / "curve.csv"),
                "scale": 10.0,
                "spread": {"low_siemens": 4.9e-8, "high_siemens": 5.1e-8},
                "stuck": [[3, 1]],
            },
            "training": {"beta": 6e6, "target": 0.9, "epochs": 200},
        },
    )
    return load_run(train_and_record(bench, seed=1, out=where / "runs").folder)


def test_a_cell_that_does_not_react_is_named_in_record_report_and_terminal(stuck, tmp_path, unpictured):
    assert stuck.result.unresponsive[3, 1]
    assert not (stuck.result.unresponsive & ~stuck.result.saturated).sum() > 1  # others are at the end of their curve
    assert stuck.result.counts[:, 3, 1].sum() == 10
    assert stuck.variables()["unresponsive"].values[3, 1] == 1
    said = [
        line for line in stuck.ending().lines if line.startswith("no reaction to pulses, so they got no more: row ")
    ]
    assert "row 4 column 2" in said[0]
    page = make_report(stuck, tmp_path / "page").read_text(encoding="utf-8")
    assert "row 4 column 2" in page.partition("No reaction to pulses, so they got no more:")[2].partition("</p>")[0]


def test_a_run_that_gave_up_says_so_when_it_is_read_again(stuck):
    assert stuck.facts["given_up"]
    assert stuck.result.given_up == stuck.facts["given_up"]
    assert stuck.result.epochs < 200
    assert stuck.facts["verdict"] == stuck.result.verdict == "stalled"
    assert stuck.result.given_up in stuck.ending().lines[0]
