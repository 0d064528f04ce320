"""A twin of a real chip: whose it is, and whether the chip is where it was left; a calibration by hand."""

from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.bench.calibrating import sister_curve, twin_of
from crossbar_hil.bench.file import Bench, Chip, load_bench
from crossbar_hil.bench.headroom import headroom
from crossbar_hil.bench.twin_of_chip import moved_since, of_another_bench, twin_of_bench, with_known_noise
from crossbar_hil.errors import ConfigError
from crossbar_hil.guard.opening import open_bench
from crossbar_hil.studies.convergence.forecast import TWIN_CHIPS, forecast
from crossbar_hil.studies.convergence.points import Point, chips_of_point
from crossbar_hil.studies.settings import find_key, with_settings
from crossbar_hil.training.trainer import Trainer
from crossbar_hil.twins.making import make_twin
from crossbar_hil.twins.readings import Map, Readings

CURVE = 4e-7 + np.array([0.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]) * 1e-7
FACTS = {"rows": 4, "columns": 4, "read_v": 0.1, "amplitude_v": 2.0, "width_s": 0.05}


@pytest.fixture(scope="module")
def twin():
    """Sixteen alike cells after one pulse each, read with 1 % noise."""
    rng = np.random.default_rng(1)
    maps = [
        Map(pulses, None, siemens * (1 + 0.01 * rng.standard_normal((4, 4))))
        for pulses, siemens in ((0, 4e-7), (1, 7e-7))
        for _ in range(20)
    ]
    source = {"bench": "b", "bench_sha256": "0", "kind": "hardware", "chip_id": "wafer 3", "made_utc": "now"}
    return make_twin(
        Readings(FACTS, tuple(maps)), CURVE, source={**source, "version": "1", "curve": "sister.csv"}, draws=30
    )


@pytest.fixture
def bench(twin, tmp_path):
    twin.write(tmp_path / "twin.toml")

    def make(chip_id, kind="hardware"):
        chip = Chip(twin=str(tmp_path / "twin.toml"))
        return Bench(name="lab", backend="simulated", kind=kind, chip_id=chip_id, chip=chip)

    return make


def test_a_twin_of_the_chip_in_the_socket_is_taken_and_of_another_refused(bench, twin):
    assert twin_of_bench(bench("wafer 3")).source == twin.source
    with pytest.raises(ConfigError, match="is of chip wafer 3, bench lab has chip wafer 4: calibrate that one"):
        twin_of_bench(bench("wafer 4"))


def test_a_virtual_chip_may_be_a_draw_of_any_twin(bench):
    assert twin_of_bench(bench(None, kind="simulated")) is not None
    assert twin_of_bench(Bench(name="a", backend="simulated")) is None


@pytest.fixture
def quiet(twin):
    """The twin of a chip whose readings repeat."""
    none = twin.numbers.read_noise.model_copy(update={"value": 0.0})
    return twin.model_copy(update={"numbers": twin.numbers.model_copy(update={"read_noise": none})})


def test_a_bench_is_as_noisy_as_its_twin_says(bench, quiet, tmp_path):
    assert bench("wafer 3").noisy is True
    (tmp_path / "twin.toml").unlink()
    quiet.write(tmp_path / "twin.toml")
    assert bench("wafer 3").noisy is None, "a twin that saw none does not say that there is none"
    assert bench("wafer 3").confirm == 1


@pytest.mark.parametrize(("noise", "wanted"), [(0.0, 1), (0.001, 1), (0.002, 1), (0.01, 18)])
def test_whoever_trains_draws_of_a_twin_confirms_as_its_noise_asks_for(twin, tmp_path, noise, wanted):
    # (18 + 1) / (18 + 2) = 95 %; up to 0.2 % one evaluation is enough.
    told = twin.numbers.read_noise.model_copy(update={"value": noise})
    numbers = twin.numbers.model_copy(update={"read_noise": told})
    file = tmp_path / "twin.toml"
    twin.model_copy(update={"numbers": numbers}).write(file)
    lab = load_bench("simulated", overrides={"chip": {"twin": str(file)}})
    assert lab.confirm == with_known_noise(lab).training.confirm == wanted  # train, and what it says
    assert Point.of(lab, {}).bench.training.confirm == wanted  # tune, sweep and the forecast of a training
    with open_bench("simulated", overrides={"chip": {"twin": str(file)}}) as backend:  # a script
        assert Trainer.from_bench(backend).confirm == wanted
    asked = with_settings(lab, {find_key("confirm"): 3})
    assert asked.confirm == with_known_noise(asked).training.confirm == Point.of(asked, {}).bench.training.confirm == 3


def test_a_bench_without_a_twin_confirms_as_its_trainer_finds():
    assert with_known_noise(load_bench("simulated")).training.confirm is None


def test_a_chip_that_was_not_touched_since_is_where_it_was_left(twin):
    rng = np.random.default_rng(2)
    for _ in range(50):
        assert moved_since(twin, 7e-7 * (1 + 0.01 * rng.standard_normal((4, 4)))) == []


def test_a_cell_that_got_another_pulse_is_named(twin):
    siemens = np.full((4, 4), 7e-7)
    siemens[2, 1] = 8e-7
    (said,) = moved_since(twin, siemens)
    assert said.startswith("1 of 16 cells are no longer where the calibration left them, such as row 3, column 2")
    assert "800 nS now" in said


def test_headroom_is_that_of_the_levels_of_the_twin(bench):
    found = headroom(bench("wafer 3"), None)
    assert found.whole == 7
    # One pulse of about one level each: six of seven are left, by each cell's own estimate five to six.
    assert set(found.left.ravel().tolist()) <= {5, 6}
    assert "by the levels of the twin" in found.summary


def test_headroom_shrinks_by_the_pulses_since_or_else_by_what_a_cell_reads_now(bench, twin):
    lab = bench("wafer 3")
    before, since = headroom(lab, None).left, np.arange(16).reshape(4, 4) % 5
    found = headroom(lab, None, since=since)
    assert found.left.tolist() == (before - since).tolist()
    assert "the pulses since its calibration" in found.summary
    # CURVE is at 8e-7 after two pulses and at 1.05e-6 halfway from the fourth to the fifth. Its cells rise by a factor
    # that is known to a few per cent, so what is read is a tenth of a step above that.
    read = np.full((4, 4), 8.1e-7)
    read[0, 0], read[3, 3] = 1.06e-6, 1.3e-6
    left = headroom(lab, read).left
    assert left[1, 1] in (4, 5)
    assert left[0, 0] == 2
    assert left[3, 3] == 0


def test_a_forecast_trains_draws_of_the_twin(bench, tmp_path):
    found = forecast(bench("wafer 3"), seed=1, chips=4)
    assert found.about == "4 draws of the twin twin.toml"
    assert TWIN_CHIPS == 200
    assert 0 < found.epochs_mean <= 48
    assert found.as_record()["pulses_mean"] == found.pulses_mean


def test_a_forecast_takes_each_draw_of_a_twin_once_and_says_if_more_were_asked_for(bench):
    found = forecast(bench("wafer 3"), seed=1, chips=200)
    assert found.chips == 30
    assert found.about == "30 draws of the twin twin.toml, all that it holds: `calibrate --draws 200` makes more"
    # Wilson's interval at both ends of the scale is z^2 / (n + z^2) wide, here of 30 independent draws.
    assert found.converged in {0, 30}
    low, high = found.interval
    assert high - low == pytest.approx(1.959964**2 / (30 + 1.959964**2), rel=1e-5)


def test_a_study_of_more_chips_than_the_twin_has_draws_says_that_these_are_the_same_again(bench):
    lab = bench("wafer 3")
    assert "200 chips are the 30 draws of the twin again and again" in chips_of_point(lab, 200)["warnings"][-1]
    assert chips_of_point(lab, 30)["warnings"] == chips_of_point(lab)["warnings"]


def test_rows_and_columns_are_those_of_the_twin_unless_the_bench_spells_others(twin, tmp_path):
    wide = twin.model_copy(update={"rows": 2, "columns": 8})
    wide = wide.model_copy(
        update={"cells": type(twin.cells)(**{name: np.reshape(rows, (2, 8)).tolist() for name, rows in twin.cells})}
    )
    wide.write(tmp_path / "wide.toml")
    chip = {"twin": str(tmp_path / "wide.toml")}
    found = load_bench("simulated", overrides={"chip": chip})
    assert (found.chip.rows, found.chip.columns) == (2, 8)
    other = load_bench("simulated", overrides={"chip": {**chip, "rows": 4, "columns": 4}})
    with pytest.raises(
        ConfigError, match=r"of 2 by 8 cells, .* has 4 by 4: a bench whose .* leaves rows and columns out"
    ):
        twin_of_bench(other)
    with pytest.raises(ConfigError, match=r"of 2 by 8 cells, bench emulated has 4 by 4: calibrate that one"):
        twin_of_bench(load_bench("emulated", overrides={"chip": chip}))


def test_a_twin_of_another_bench_on_an_emulated_one_is_told(twin):
    emulated = load_bench("emulated")
    assert "of bench b (hardware), not of the emulated bench" in of_another_bench(emulated, twin)
    own = twin.source.model_copy(update={"bench": emulated.name, "kind": "emulated"})
    assert of_another_bench(emulated, twin.model_copy(update={"source": own})) is None
    assert of_another_bench(load_bench("simulated"), twin) is None


@pytest.mark.parametrize("seeds", [(4, 6), pytest.param((4, 6, 7), marks=pytest.mark.campaign)])
def test_the_noise_of_a_sisters_curve_does_not_pass_for_variation_of_steps(tmp_path, seeds):
    # Cells that all follow one curve to the letter, held against the mean of four noisy cycles of it.
    rises = 1e-6 * (1 - np.exp(-np.arange(40) / 8))
    lab, file = load_bench("simulated"), tmp_path / "sister.csv"
    facts = {"bench": "b", "bench_sha256": "0", "kind": "hardware", "chip_id": "c", "seed": None, "made_utc": "now"}
    noises, known, unknown = [], [], []
    for seed in seeds:
        rng = np.random.default_rng([7, seed])
        cycles = 1e6 * (4.5e-7 + rises) * (1 + 0.04 * rng.standard_normal((4, 40)))
        lines = [",".join(f"{each:.6g}" for each in row) for row in cycles.T]
        file.write_text("\n".join([",".join(f"Cycle {number} (uS)" for number in range(4)), *lines]))
        curve = sister_curve(lab, lab.training.pulse, str(file))
        starts = 4.5e-7 * np.exp(0.4 * rng.standard_normal((4, 4)))
        maps = tuple(
            Map(pulses, None, (starts + rises[pulses]) * (1 + 0.01 * rng.standard_normal((4, 4))))
            for pulses in range(3)
            for _ in range(20)
        )
        noises.append(curve.noise)
        for told, each in ((known, curve), (unknown, replace(curve, noise=0.0))):
            told.append(twin_of(Readings({**FACTS, **facts}, maps), each, draws=2).numbers.step_variation.low)
    assert np.median(noises) == pytest.approx(0.04 / 2, rel=0.3)
    assert known == [0.0] * len(seeds)
    assert min(unknown) > 0, "a check of the check"
    assert sister_curve(lab, lab.training.pulse, "figure2a").noise == 0
