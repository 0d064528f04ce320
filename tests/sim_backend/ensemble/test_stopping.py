"""How trainings end in lock-step, chip by chip as with `Trainer`."""

import numpy as np
import pytest

from crossbar_hil import Trainer
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, draw_ensemble, train_ensemble
from crossbar_hil.training.patterns import PatternSet

TASK = PatternSet.from_csv(data_file("perceptron"))
TRAIN = (TASK.train, TASK.train_labels)
FIGURE = ConductanceCurve.from_csv(data_file("figure2a"))
CURVES = [
    FIGURE,
    FIGURE.smoothed,  # a call away, as it imports parts of scipy
    ConductanceCurve(4.5e-7 + 2.1e-7 * (1 - np.exp(-np.arange(31) / 7))),
    ConductanceCurve([4.0e-7, 4.4e-7, 4.3e-7, 5.1e-7, 5.3e-7]),
    ConductanceCurve([4.0e-7, 4.4e-7, *[5.0e-7] * 8, 6.0e-7, 7.0e-7, 7.0e-7]),
]


FLAT = ConductanceCurve([*[4.0e-7] * 13, 4.6e-7, 5.2e-7, *[5.8e-7] * 20])
"""Twelve pulses without a change, which are no missing reaction, and an end whose are."""


def check(seed, chips, curve=None):
    """Train chips with settings of a seed both ways; return how many gave up, and how many have unresponsive cells."""
    rng = np.random.default_rng(seed)
    curve = CURVES[seed % len(CURVES)] if curve is None else curve
    curve = curve() if callable(curve) else curve
    shifts = 1.5 * draw_ensemble(chips, seed=seed, span_siemens=(2e-8, 1e-7))
    settings = {
        "beta": 10 ** rng.uniform(6.5, 8),
        "target": float(rng.uniform(0.5, 0.96)),
        "pull_back": bool(rng.integers(2)),
        "epochs": int(rng.choice([20, 48, 96, 150])),
        "confirm": int(rng.choice([1, 3, 18])),
        "give_up": bool(rng.integers(2)),
        "unresponsive": int(rng.choice([0, 1, 3, 10])),
        "v0": float(rng.choice([-0.1, 0.0])),
    }
    found = train_ensemble(curve, shifts, *TRAIN, threads=1, **settings)
    gave_up = named = 0
    for place, own in enumerate(shifts):
        chip = SimulatedBackend(curve, own, scale=10.0)
        alone = Trainer(chip, **settings).run(*TRAIN)
        assert (alone.epochs, alone.converged, alone.pulses, int(alone.saturated.sum())) == (
            found.epochs[place], found.converged[place], found.pulses[place], found.saturated[place]
        ), settings  # fmt: skip
        np.testing.assert_array_equal(found.levels[place], chip.levels)
        assert found.error[place] == pytest.approx(alone.errors[-1], rel=1e-9, abs=1e-12)
        gave_up += bool(alone.given_up)
        named += bool(alone.unresponsive.any())
    return gave_up, named


def test_every_chip_ends_as_with_the_trainer():
    gave_up, named = np.sum([check(seed, 4) for seed in range(30)], axis=0)
    assert gave_up >= 5
    assert named >= 5


def test_every_chip_of_a_curve_with_a_flat_stretch_ends_as_with_the_trainer():
    _, named = np.sum([check(seed, 4, FLAT) for seed in range(8)], axis=0)
    assert named >= 3


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_many_chips_end_as_with_the_trainer(seed):
    check(seed, 40)


@pytest.mark.parametrize(("many", "few"), [(500, 20), pytest.param(1500, 50, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("noise", [{"read_noise": 0.01}, {"step_variation": 0.5}], ids=["read", "step"])
def test_noisy_chips_end_as_with_the_trainer_in_distribution(noise, many, few):
    curve, how = (
        ConductanceCurve(4.5e-7 + 7e-9 * np.arange(25)),
        {"beta": 6e6, "target": 0.8, "epochs": 110, "confirm": 3, "pull_back": True},
    )
    how |= {"give_up": True, "unresponsive": 10}
    shifts = draw_ensemble(many, seed=8, span_siemens=(2e-8, 1e-7))
    together = train_ensemble(curve, shifts, *TRAIN, seed=1, **how, **noise)
    rng = np.random.default_rng(5)
    alone = [Trainer(SimulatedBackend(curve, own, rng=rng, **noise), **how).run(*TRAIN) for own in shifts[:few]]
    assert sum(bool(each.given_up) for each in alone) >= few / 5
    for name in ("converged", "epochs", "pulses"):
        first, second = (np.array(each, dtype=float) for each in (
            getattr(together, name), [getattr(each, name) for each in alone]))  # fmt: skip
        error = np.sqrt(first.var() / len(first) + second.var() / len(second))
        assert abs(first.mean() - second.mean()) < 4 * error, name
