"""The settings a newcomer gets."""

import pytest

from crossbar_hil import defaults
from crossbar_hil.bench.file import Bench, Chip, load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.sim_backend.chip.simulated import DEFAULT_LIMITS
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import Training, make_trainer


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
    assert (training.v0, training.v1) == (defaults.V0, defaults.V1)
    assert (training.amplitude_v, training.width_s) == (defaults.PULSE_V, defaults.PULSE_S)
    assert chip.scale == defaults.SCALE
    assert (chip.spread.low_siemens, chip.spread.high_siemens) == (defaults.LOW_SIEMENS, defaults.HIGH_SIEMENS)


def test_a_trainer_made_by_hand_has_the_settings_of_the_bench():
    from crossbar_hil import Trainer

    bench = load_bench("simulated")
    chip = open_backend(bench, seed=1)
    bare, full = Trainer(chip), make_trainer(bench.training, chip)
    for name in ("pulse", "beta", "target", "target0", "epochs", "v0", "v1", "rule"):
        assert getattr(bare, name) == getattr(full, name), name


def test_the_reference_preset_holds_the_numbers_of_the_reference_study():
    bench = load_bench("simulated", preset="reference")
    training, chip = bench.training, bench.chip
    assert (training.beta, training.target, training.target0) == (6e6, 0.8, None)
    assert (training.v0, training.v1, training.epochs) == (-0.1, 0.1, 48)
    assert (training.amplitude_v, training.width_s) == (2.0, 0.05)
    assert chip.scale == 10.0
    assert chip.spread.distribution == "lognormal"
    assert (chip.spread.low_siemens, chip.spread.high_siemens) == (1e-8, 1e-7)


@pytest.mark.parametrize("name", ["v0", "v1"])
def test_a_read_stays_far_below_the_pulse(name):
    assert abs(getattr(Training(), name)) <= defaults.PULSE_V / 10


def test_a_bench_without_a_chip_has_none():
    assert Bench(name="x", backend="simulated").chip is None
