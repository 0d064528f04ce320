import numpy as np
import pytest

from crossbar_hil import Trainer
from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.sim_backend import SimulatedBackend
from crossbar_hil.sim_backend.ensemble.draw import draw_number
from crossbar_hil.studies.convergence.points import Point
from crossbar_hil.studies.settings import set_values
from crossbar_hil.twins.file import Cells, Twin

UP = Pulse(2.0, 0.05)
SIDE = [[0.0, 0.0], [0.0, 0.0]]
ESTIMATE = {"value": 0.0, "low": 0.0, "high": 0.0, "source": "made up"}


def twin_of(*, factors=((1.0, 2.0, 0.5, 0.0), (3.0, 1.0, 1.0, 1.0)), noise=0.0, relaxation=None, seconds=None):
    """A twin of 2 by 2 cells and two draws, K = 2, whose curve rises by 0, 10, 30 and 40 nS."""
    times = {} if relaxation is None else {
        "relaxation": {**ESTIMATE, "value": relaxation[0]},
        "relaxation_s": {**ESTIMATE, "value": relaxation[1]},
    }  # fmt: skip
    shared = ("step_variation", "step_spread", "mean_factor", "device_spread")
    return Twin.model_validate(
        {
            "rows": 2,
            "columns": 2,
            "scale": 2.0,
            "curve_siemens": [1e-7, 1.1e-7, 1.3e-7, 1.4e-7],
            "source": {
                "bench": "b", "bench_sha256": "0", "kind": "hardware", "made_utc": "now", "version": "1", "read_v": 0.1,
                "reads": 9, "amplitude_v": 2.0, "width_s": 0.05, "pulses": 2, "curve": "mine.csv", "seconds": seconds,
            },
            "numbers": {"read_noise": {**ESTIMATE, "value": noise}, **dict.fromkeys(shared, ESTIMATE), **times},
            "cells": dict.fromkeys(Cells.model_fields, SIDE),
            "draws": {
                "step_variation": [0.0, 0.0],
                "start_siemens": [[1e-7, 2e-7, 3e-7, 4e-7], [5e-7, 5e-7, 5e-7, 5e-7]],
                "step_factors": list(map(list, factors)),
                "levels": [[1.0, 1.5, 0.0, 0.0], [2.0, 2.0, 2.0, 2.0]],
            },
        }
    )  # fmt: skip


def bench_with(tmp_path, twin, **chip):
    (tmp_path / "twin.toml").write_text(twin.as_toml())
    table = {"rows": 2, "columns": 2, "twin": str(tmp_path / "twin.toml"), **chip}
    return load_bench("simulated", overrides={"chip": table})


def chips(bench, seeds=range(20)):
    return [SimulatedBackend.from_bench(bench, np.random.default_rng(seed)) for seed in seeds]


def test_a_chip_of_a_twin_is_one_of_its_draws_after_the_calibration(tmp_path):
    found = {tuple(chip.conductances.ravel().round(12)) for chip in chips(bench_with(tmp_path, twin_of()))}
    # Start + factor K rise: 100 + 20, 200 + 2 (40), 300, and a cell that does not move; 500 + factor 60.
    assert found == {(1.2e-7, 2.8e-7, 3e-7, 4e-7), (6.8e-7, 5.6e-7, 5.6e-7, 5.6e-7)}


def test_a_pulse_moves_a_cell_on_by_its_own_factor_and_leaves_one_that_does_not_move(tmp_path):
    bench = bench_with(tmp_path, twin_of())
    chip = next(each for each in chips(bench) if each.conductances[1, 1] < 4.5e-7)
    chip.send_pulses(np.ones((2, 2), dtype=np.int64), UP)
    assert chip.conductances.ravel() == pytest.approx([1.6e-7, 3.4e-7, 3.1e-7, 4e-7])


def test_what_relaxes_goes_on_from_the_last_reading_of_the_calibration(tmp_path):
    bench = bench_with(tmp_path, twin_of(relaxation=(0.5, 10.0), seconds=10 * np.log(2)))
    chip = next(each for each in chips(bench) if each.conductances[1, 1] > 4.5e-7)
    # Half of what is to be lost, a quarter of the rise of 60, is lost by then; a half of it in the end.
    assert chip.conductances[1, 1] == pytest.approx(5.45e-7)
    chip.pass_time(1000.0)
    assert chip.conductances[1, 1] == pytest.approx(5.3e-7)


def test_a_training_of_a_twin_with_cells_at_their_end_ends_at_once(tmp_path):
    twin = twin_of(factors=((1.0, 2.0, 0.5, 1.0), (3.0, 1.0, 1.0, 1.0)))
    ended = twin.model_copy(update={"draws": twin.draws.model_copy(update={"levels": [[3.0] * 4] * 2})})
    for chip in chips(bench_with(tmp_path, ended), range(4)):
        result = Trainer(chip, beta=1e7, target=0.9, epochs=40).run([[0, 1], [1, 1]], [[1], [1]])
        assert (result.verdict, result.epochs) == ("stalled", 2)
        assert result.counts.max() == 1  # the levels may be those of another pulse, which one of this kind tells
        assert (np.diff(result.conductances, axis=0) == 0).all()


def test_a_twin_of_another_size_is_refused(tmp_path):
    bench = bench_with(tmp_path, twin_of(), rows=3)
    with pytest.raises(DataError, match="twin is of a chip of 2 by 2 cells, the bench has 3 by 2"):
        SimulatedBackend.from_bench(bench, np.random.default_rng(0))
    with pytest.raises(DataError, match="2 by 2"):
        Point.of(bench, {}).ensemble()


SAID = {
    "curve": "figure2a",
    "curve_amplitude_v": 2.0,
    "curve_width_s": 0.05,
    "smoothed": False,
    "curve_cells": 1,
    "scale": 1.0,
    "read_noise": 0,
    "step_variation": 0.0,
    "step_spread": 0.0,
    "relaxation": 0.0,
    "relaxation_s": 3.0,
    "relaxation_law": "stretched",
    "relaxation_exponent": 1.0,
}
"""Every setting that a twin says, at a value that changes nothing where it has one."""


@pytest.mark.parametrize("key", SAID)
def test_what_the_twin_says_is_not_said_again(tmp_path, key):
    message = f"the twin says {key}, so that cannot be given beside it"
    with pytest.raises(ConfigError, match=message):
        bench_with(tmp_path, twin_of(), **{key: SAID[key]})
    (tmp_path / "b.toml").write_text('backend = "simulated"\n[chip]\nrows = 2\ncolumns = 2\ntwin = "twin.toml"\n')
    bench = load_bench(str(tmp_path / "b.toml"))
    with pytest.raises(ConfigError, match=message):
        load_bench(str(tmp_path / "b.toml"), overrides={"chip": {key: SAID[key]}})
    with pytest.raises(ConfigError, match=message):
        set_values(bench, [f"{key}={SAID[key]}"])


@pytest.mark.parametrize(("preset", "keys"), [("kim2021", "step_spread"), ("reference", "scale and spread")])
def test_a_preset_that_says_what_the_twin_says_is_refused(tmp_path, preset, keys):
    twin = bench_with(tmp_path, twin_of()).chip.twin
    (tmp_path / "b.toml").write_text('backend = "simulated"\n[chip]\nrows = 2\ncolumns = 2\ntwin = "twin.toml"\n')
    for name, overrides in ((str(tmp_path / "b.toml"), {}), ("simulated", {"chip": {"twin": twin}})):
        with pytest.raises(ConfigError, match=f"preset {preset} says {keys}, and so does the twin: leave one out"):
            load_bench(name, preset=preset, overrides=overrides)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"relaxation": 0.1}, "relaxation and relaxation_s go together"),
        ({"relaxation_s": 3}, "relaxation and relaxation_s go together"),
        ({"relaxation": 5, "relaxation_s": 3}, "relaxation 5 must be at most 1"),
        ({"read_noise": -1}, "read_noise -1 must not be negative"),
    ],
)
def test_numbers_of_a_twin_that_cannot_be_are_refused(numbers, message):
    tables = twin_of().model_dump()
    tables["numbers"] |= {name: {**ESTIMATE, "value": value} for name, value in numbers.items()}
    with pytest.raises(ValueError, match=message):
        Twin.model_validate(tables)


def test_a_twin_laid_over_a_bench_replaces_what_it_says(tmp_path):
    (tmp_path / "twin.toml").write_text(twin_of().as_toml())
    (tmp_path / "b.toml").write_text(
        'backend = "simulated"\n[chip]\nrows = 2\ncolumns = 2\nread_noise = 0.1\nscale = 3\ndevice_spread = 0.2\n'
        'curve = "figure2a"\nsmoothed = true\nrelaxation = 0.1\nrelaxation_s = 3'
    )
    bench = load_bench(str(tmp_path / "b.toml"), overrides={"chip": {"twin": str(tmp_path / "twin.toml")}})
    assert bench.chip.read_noise == 0
    assert bench.chip.device_spread is None
    assert (bench.chip.smoothed, bench.chip.relaxation, bench.chip.relaxation_s) == (False, 0.0, None)
    (chip,) = chips(bench, [3])
    assert (chip.scale, chip.read_noise) == (2.0, 0.0)


def test_what_a_curve_file_says_of_its_cells_is_not_said_beside_a_twin(tmp_path):
    (tmp_path / "twin.toml").write_text(twin_of().as_toml())
    (tmp_path / "c.csv").write_text("# read noise: 5 %\n# step variation: 20 %\nconductance_siemens\n1e-6\n2e-6\n")
    (tmp_path / "b.toml").write_text('backend = "simulated"\n[chip]\nrows = 2\ncolumns = 2\ncurve = "c.csv"\n')
    twin = {"twin": str(tmp_path / "twin.toml")}
    (chip,) = chips(load_bench(str(tmp_path / "b.toml"), overrides={"chip": twin}), [1])
    assert chip.read_noise == 0
    assert chip.curve.source == "mine.csv"


def test_every_draw_comes_once_before_one_comes_again():
    for seed in (0, 1):
        numbers = [draw_number(seed, chip, 7) for chip in range(21)]
        assert [sorted(numbers[first : first + 7]) for first in (0, 7, 14)] == [list(range(7))] * 3
    assert [draw_number(0, chip, 7) for chip in range(7)] != [draw_number(1, chip, 7) for chip in range(7)]


def test_a_chip_of_an_ensemble_is_the_same_whatever_else_is_trained(tmp_path):
    ensemble = ensemble_of(tmp_path, twin_of(noise=0.02), epochs=5, confirm=1)
    assert ensemble.lockstep
    assert ensemble.noisy
    whole, part = ensemble.train(4, 0, 6), ensemble.train(4, 2, 3)
    assert part.levels.tolist() == whole.levels[2:5].tolist()
    assert part.pulses.tolist() == whole.pulses[2:5].tolist()


def ensemble_of(tmp_path, twin, chip=None, **training):
    """Chips of a twin that learn to tell two patterns apart."""
    (tmp_path / "patterns.csv").write_text("pattern,label,set\n01,1,train\n10,0,train\n")
    bench = bench_with(tmp_path, twin, **(chip or {}))
    training = bench.training.model_copy(update={"patterns": str(tmp_path / "patterns.csv"), **training})
    return Point.of(bench.model_copy(update={"training": training}), {}).ensemble()


def both_ways(ensemble, chips):
    assert ensemble.lockstep
    alone = ensemble._one_by_one(3, 0, ensemble._draw(3, 0, chips), (0.05,))
    return ensemble.train(3, 0, chips, (0.05,)), alone


def test_draws_without_noise_are_trained_side_by_side_as_one_by_one(tmp_path):
    factors = ((1.0, 2.0, 0.5, 0.0), (3.0, 1.0, 1.0, 1.0))
    twin = twin_of(factors=factors, relaxation=(0.4, 2.0), seconds=1.5)
    for chip, training in (({}, {}), ({"dead": [[1, 0]]}, {"target": 0.7, "unresponsive": 0, "epochs": 9})):
        together, alone = both_ways(ensemble_of(tmp_path, twin, chip, pull_back=True, **training), 6)
        for name in ("converged", "epochs", "pulses", "saturated", "fresh", "drifted", "right"):
            np.testing.assert_array_equal(getattr(together, name), getattr(alone, name), err_msg=name)
        np.testing.assert_allclose(together.levels, alone.levels, atol=1e-12)
        assert together.pulses.any()


@pytest.mark.parametrize("chips", [120, pytest.param(2400, marks=pytest.mark.campaign)])
def test_draws_whose_steps_vary_are_trained_side_by_side_as_one_by_one_in_distribution(tmp_path, chips):
    twin = twin_of(noise=0.05, relaxation=(0.4, 2.0), seconds=1.5)
    twin = twin.model_copy(update={"draws": twin.draws.model_copy(update={"step_variation": [0.0, 0.6]})})
    together, alone = both_ways(ensemble_of(tmp_path, twin, {"telegraph": 0.3}, epochs=6, confirm=2, beta=1e8), chips)
    for name in ("converged", "epochs", "pulses", "saturated", "fresh", "levels"):
        first, second = (getattr(each, name).reshape(chips, -1).mean(axis=1) for each in (together, alone))
        for draw in 0, 1:  # whichever that is: both are as often
            of_draw = np.array([draw_number(3, chip, 2) == draw for chip in range(chips)])
            one, other = first[of_draw], second[of_draw]
            error = np.sqrt((one.var() + other.var()) / len(one))
            assert abs(one.mean() - other.mean()) <= 3.9 * error + 1e-12, (name, draw)


def test_the_run_folder_of_a_twin_is_a_bench_itself(tmp_path):
    bench = bench_with(tmp_path, twin_of())
    folder = tmp_path / "run"
    folder.mkdir()
    bench.copy_into(folder)
    again = load_bench(str(folder / "bench.toml"))
    assert again.chip.twin == str(folder / "twin.toml")
    assert chips(again, [5])[0].conductances.tolist() == chips(bench, [5])[0].conductances.tolist()
