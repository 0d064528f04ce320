import json

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import DataError
from crossbar_hil.runs.report import make_report
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.studies.convergence.forecast import Forecast, forecast
from crossbar_hil.studies.convergence.points import Point


def test_share_interval_and_ranges_of_twenty_chips_are_those_worked_out_by_hand():
    converged = np.array([True] * 18 + [False] * 2)
    epochs, pulses = np.array([*range(1, 19), 48, 48]), np.array([*range(10, 190, 10), 999, 999])
    found = Forecast.of(converged, epochs, pulses, "20 chips: of paper")
    assert found.share == 0.9
    assert found.probability == 18.5 / 21
    # Wilson's interval of 18 of 20 by the published formula: 0.6990 to 0.9721.
    assert found.interval == pytest.approx((0.6990, 0.9721), abs=5e-5)
    # Of 1 to 18: the 9th is the median, the 1st and the 18th the ends of the central 90 %.
    assert found.epochs == (9, 1, 18)
    assert found.pulses == (90, 10, 180)
    assert found.sentence == "90 % converge (95 % interval 70 to 97 %) at epoch 9 (1 to 18) with 90 (10 to 180) pulses"
    assert json.loads(json.dumps(found.as_record()))["epochs"] == {"median": 9, "low": 1, "high": 18}


def test_without_a_converging_chip_no_epoch_is_foretold():
    found = Forecast.of(np.zeros(3, dtype=bool), np.full(3, 48), np.full(3, 100), "three")
    assert found.sentence == "0.0 % converge (95 % interval 0.0 to 56.1 %)"


def test_it_is_counted_on_the_virtual_chips_of_the_bench():
    bench = load_bench("emulated", overrides={"training": {"pull_back": True}})
    found = forecast(bench, seed=4, chips=200)
    trained = Point.of(bench, {}).ensemble().train(4, 0, 200)
    assert found.converged == trained.converged.sum()
    assert found.about.startswith("200 virtual chips: 200 nS to 1 uS at the start")


def test_a_bench_that_describes_no_chip_is_foretold_by_the_shipped_curve_at_the_size_of_its_patterns(tmp_path):
    (tmp_path / "two.csv").write_text("pattern,label,set\n01,1,train\n10,0,train\n")
    bench = load_bench("simulated", overrides={"training": {"patterns": str(tmp_path / "two.csv")}})
    found = forecast(bench.model_copy(update={"chip": None}), seed=1, chips=50)
    assert found.converged == 50
    assert "(the bench describes none)" in found.about


def test_copies_of_one_chip_have_no_probability(tmp_path):
    (tmp_path / "map.csv").write_text("5e-7 5e-7 5e-7 5e-7\n" * 4)
    chip = {"start": str(tmp_path / "map.csv"), "scale": 10.0}
    found = forecast(load_bench("simulated", overrides={"chip": chip}), seed=1, chips=50)
    assert found.about.startswith("copies of one virtual chip (nothing of it is drawn): 500 nS")
    one = train_and_record(load_bench("simulated", overrides={"chip": chip}), seed=9, out=tmp_path)
    facts = load_run(one.folder).facts
    assert found.sentence == f"all converge at epoch {facts['epochs']} with {facts['pulses']} pulses"
    low = {"chip": chip, "training": {"target": 0.999999, "epochs": 2}}
    low = {"chip": chip, "training": {"target": 0.999999, "epochs": 2}}
    none = forecast(load_bench("simulated", overrides=low), seed=1, chips=50)
    assert (none.sentence, none.probability, found.probability) == ("none converges", 0, 1)
    noisy = forecast(load_bench("simulated", overrides={"chip": {**chip, "read_noise": 0.01}}), seed=1, chips=50)
    assert "95 % interval" in noisy.sentence


def test_no_chips_foretell_nothing():
    with pytest.raises(DataError, match="0 virtual chips says nothing"):
        forecast(load_bench("simulated"), seed=1, chips=0)


def test_a_run_keeps_what_was_foretold_and_shows_it_beside_what_happened(cli, tmp_path, monkeypatch):
    done = cli("train", "--seed", "1", "--forecast", "100", "--quiet", "--no-report", "--json")
    run = load_run(tmp_path / json.loads(done.out)["run"])
    assert run.facts["forecast"]["chips"] == 100
    shown = cli("show", "latest").out
    assert f"predicted {run.facts['forecast']['sentence']}, by 100 virtual chips\n" in shown
    assert f"happened  converged at epoch {run.facts['epochs']} with {run.facts['pulses']} pulses\n" in shown
    monkeypatch.setattr(type(run), "figures", lambda self: iter(()))  # which take seconds
    assert "by 100 virtual chips; happened converged at epoch" in make_report(run, tmp_path / "report").read_text()


def test_without_being_asked_a_virtual_chip_is_trained_without_a_forecast(cli, tmp_path):
    done = cli("train", "--seed", "1", "--quiet", "--no-report", "--json")
    assert "forecast" not in load_run(tmp_path / json.loads(done.out)["run"]).facts
