"""The settings a newcomer gets."""

from importlib import resources

import pytest

from crossbar_hil import defaults
from crossbar_hil.bench.file import Bench, Chip, load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.shipped import shipped
from crossbar_hil.sim_backend.chip.simulated import DEFAULT_LIMITS
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import Training, make_trainer


def test_every_shipped_bench_says_that_nothing_is_pulled_back():
    for name in shipped("benches"):
        assert load_bench(name).training.pull_back is False, name
        assert "pull_back = false" in (resources.files("crossbar_hil.data") / f"benches/{name}.toml").read_text("utf-8")


def test_the_shipped_bench_converges_for_at_least_95_of_100_chips():
    bench = load_bench("simulated")
    patterns = PatternSet.from_csv(bench.training.pattern_file)
    results = [
        make_trainer(bench.training, open_backend(bench, seed=seed)).run(patterns.train, patterns.train_labels)
        for seed in range(100)
    ]
    assert sum(result.converged for result in results) >= 95


def test_a_bench_file_that_says_nothing_gets_the_shipped_settings():
    shipped = load_bench("simulated")
    assert shipped.chip == Chip()
    assert shipped.training == Training()
    assert shipped.limits == DEFAULT_LIMITS


def test_the_settings_of_a_bench_are_those_of_the_defaults_module():
    training, chip = Training(), Chip().resolved
    assert (training.beta, training.target, training.epochs) == (defaults.BETA, defaults.TARGET, defaults.EPOCHS)
    assert training.pull_back is defaults.PULL_BACK is False
    assert (training.v0, training.v1) == (defaults.V0, defaults.V1)
    assert (training.amplitude_v, training.width_s) == (defaults.PULSE_V, defaults.PULSE_S)
    assert chip.scale == defaults.SCALE
    assert (chip.spread.low_siemens, chip.spread.high_siemens) == (defaults.LOW_SIEMENS, defaults.HIGH_SIEMENS)


def test_a_trainer_made_by_hand_has_the_settings_of_the_bench():
    from crossbar_hil import Trainer

    bench = load_bench("simulated")
    chip = open_backend(bench, seed=1)
    bare, full = Trainer(chip), make_trainer(bench.training, chip)
    for name in ("pulse", "beta", "target", "target0", "epochs", "v0", "v1", "rule", "pull_back"):
        assert getattr(bare, name) == getattr(full, name), name


def test_the_reference_preset_holds_the_numbers_of_the_reference_study():
    bench = load_bench("simulated", preset="reference")
    training, chip = bench.training, bench.chip
    assert (training.beta, training.target, training.target0) == (6e6, 0.8, None)
    assert (training.v0, training.v1, training.epochs) == (-0.1, 0.1, 48)
    assert (training.pull_back, training.dead_zone, training.rule) == (True, 0.0, "manhattan")
    assert (training.amplitude_v, training.width_s) == (2.0, 0.05)
    assert chip.scale == 10.0
    assert chip.spread.distribution == "lognormal"
    assert (chip.spread.low_siemens, chip.spread.high_siemens) == (1e-8, 1e-7)


@pytest.mark.parametrize("name", ["v0", "v1"])
def test_a_read_stays_far_below_the_pulse(name):
    assert abs(getattr(Training(), name)) <= defaults.PULSE_V / 10


def test_a_bench_without_a_chip_has_none():
    assert Bench(name="x", backend="simulated").chip is None
