"""The promise of a tuned yield: with all that the few measured cells cannot tell."""

import json

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.studies.convergence import tuning
from crossbar_hil.studies.convergence.counts import Counts
from crossbar_hil.studies.convergence.promise import draw_kinds, promise, unknown_of


@pytest.fixture
def bench(tmp_path):
    curve = tmp_path / "mine.csv"
    curve.write_text("conductance_siemens\n4e-7\n6e-7\n7e-7\n", encoding="utf-8")
    return lambda **chip: load_bench("simulated", overrides={"chip": {"curve": str(curve), **chip}})


def spread(cells):
    return {"median_siemens": 4e-7, "sigma": 0.2, "cells": cells}


def test_a_shipped_curve_and_a_spread_that_is_given_leave_nothing_open():
    assert draw_kinds(load_bench("simulated"), 1) == []
    assert unknown_of(load_bench("simulated").chip) == ""


def test_it_is_said_what_few_cells_cannot_tell(bench):
    assert (
        unknown_of(bench(spread=spread(16), curve_cells=4).chip) == "starts are known from 16 cells, steps from 4 cells"
    )
    assert "steps from 1 cell, how steps differ between cells is taken to be about 0.2" in unknown_of(bench().chip)


def test_the_starts_of_the_kinds_scatter_as_samples_of_so_many_cells_do(bench):
    # If 16 cells show s, sigma^2 / s^2 is 15 / chi^2(15), in the mean 15 / 13. The mean log scatters by sigma / 4.
    kinds = [each.chip for each in draw_kinds(bench(spread=spread(16), curve_cells=0), 1, 4000)]
    sigma = np.array([each.spread.sigma for each in kinds])
    medians = np.log([each.spread.median_siemens / 4e-7 for each in kinds])
    assert abs(np.mean(sigma**2) / 0.04 / (15 / 13) - 1) < 0.05
    assert abs(np.mean((medians / sigma) ** 2) * 16 - 1) < 0.1
    assert {each.scale for each in kinds} == {1.0}


def test_the_steps_of_the_kinds_scatter_about_the_measured_ones_and_the_starts_stay(bench):
    kinds = [each.chip for each in draw_kinds(bench(device_spread=0.1, curve_cells=100, step_spread=0.3), 2, 2000)]
    factors = np.log([each.scale for each in kinds])
    assert abs(np.std(factors) / (0.3 / 10) - 1) < 0.1
    np.testing.assert_allclose([each.scale * each.spread.median_siemens for each in kinds], 4e-7, rtol=1e-12)
    assert {each.spread.sigma for each in kinds} == {0.1}
    assert abs(np.mean([each.step_spread for each in kinds]) / 0.3 - 1) < 0.05
    one = [each.chip.step_spread for each in draw_kinds(bench(), 3, 4000)]
    assert np.quantile(one, [0.025, 0.975]) == pytest.approx([0.12, 0.575], rel=0.1)  # 0.2 sqrt(4 / chi^2(4))


def test_the_step_variation_of_the_kinds_fills_the_interval_in_which_it_was_found(bench):
    given = {"curve_cells": 4, "step_variation": 0.3, "step_variation_interval": [0.2, 0.8]}
    assert "their variation is from 20 to 80 %" in unknown_of(bench(**given).chip)
    drawn = [each.chip.step_variation for each in draw_kinds(bench(**given), 5, 4000)]
    assert np.quantile(drawn, [0.025, 0.5, 0.975]) == pytest.approx([0.2, 0.3, 0.8], rel=0.05)
    none = {"curve_cells": 4, "step_variation_interval": "0 % to 60 %"}
    drawn = [each.chip.step_variation for each in draw_kinds(bench(**none), 5, 4000)]
    assert np.quantile(drawn, [0.45, 0.975]) == pytest.approx([0.0, 0.6], rel=0.05)  # half of it is none


def test_the_promise_holds_every_kind_and_the_interval_of_the_fresh_chips():
    fresh, some = Counts(1000, ((3, 1000),)), [Counts(50, ((3, good),)) for good in (50, 48, 49)]
    found = promise(fresh, some, "")
    assert (found.low, found.high) == (0.96, 1.0)
    assert promise(Counts(1000, ((3, 900),)), some, "").low == pytest.approx(0.8798, abs=1e-4)  # Wilson's, by hand


def test_tune_states_it(bench, cli, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "LEAST_OF_A_KIND", 2)
    monkeypatch.setattr(tuning, "QUICK", tuning.QUICK[:1])
    (tmp_path / "map.json").write_text(json.dumps({"conductance_siemens": [[4e-7, 5e-7], [3e-7, 4e-7]]}))
    words = ("--curve", "mine.csv", "--spread-of", "map.json", "--chips", "40", "--seed", "1", "--set", "epochs=4")
    done = cli("tune", *words, "--over", "target=0.5", "--over", "beta=1e8", "--quiet", "--to", "tuned")
    assert done.code == 0, done.err
    assert "% of chips of the kind measured (95 %): starts are known from 4 cells, steps from 1 cell" in done.out
    record = json.loads((tmp_path / "tuned" / "tune.json").read_text())["promise"]
    assert len(record["yields"]) == 40
    assert record["low"] <= min(record["yields"])
