"""Noisy ensembles: the random numbers, and what comes out of training with them."""

import numpy as np
import pytest

from crossbar_hil import Trainer
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, draw_ensemble, train_ensemble
from crossbar_hil.sim_backend.ensemble.compiled.noise import philox
from crossbar_hil.training.patterns import PatternSet

CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
TASK = PatternSet.from_csv(data_file("perceptron"))
SPAN = (2e-8, 1e-7)


# The known answers that Random123 ships for philox4x32 with 10 rounds (its file kat_vectors).
@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_the_cipher_gives_the_published_answers(counter, key, answer):
    words = philox.py_func(*(np.uint64(int(word, 16)) for word in (*counter.split(), *key.split())))
    assert " ".join(f"{int(word):08x}" for word in words) == answer


def trained_alone(chips, seed, pull_back=False, **noise):
    """Epochs of chips trained by the trainer, each with noise of its own."""
    rng = np.random.default_rng(seed)
    shifts = draw_ensemble(chips, seed=seed, span_siemens=SPAN)
    return np.array(
        [
            Trainer(SimulatedBackend(CURVE, own, rng=rng, **noise), pull_back=pull_back, confirm=1)
            .run(TASK.train, TASK.train_labels)
            .epochs
            for own in shifts
        ]
    )


def within(first, second, deviations):
    """Whether two means differ by less than so many standard errors of their difference."""
    spread = np.sqrt(first.var() / len(first) + second.var() / len(second))
    return abs(first.mean() - second.mean()) < deviations * spread


@pytest.mark.parametrize(("many", "few"), [(5000, 80), pytest.param(20_000, 200, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("pull_back", [False, True], ids=["default", "pull back"])
@pytest.mark.parametrize("noise", [{"read_noise": 0.05}, {"step_variation": 0.5}], ids=["read", "step"])
def test_noisy_chips_take_as_many_epochs_as_with_the_trainer(noise, pull_back, many, few):
    shifts = draw_ensemble(many, seed=2, span_siemens=SPAN)
    way = {"pull_back": pull_back}
    together = train_ensemble(CURVE, shifts, TASK.train, TASK.train_labels, seed=2, confirm=1, **noise, **way)
    quiet = train_ensemble(CURVE, shifts, TASK.train, TASK.train_labels, **way)
    alone = trained_alone(few, 21, **noise, **way)
    assert within(together.epochs.astype(float), alone.astype(float), 3.5)
    assert abs(together.epochs.mean() - quiet.epochs.mean()) > 0.1  # the noise does something


@pytest.mark.campaign
@pytest.mark.parametrize("noise", [{"read_noise": 0.05}, {"step_variation": 0.5}], ids=["read", "step"])
def test_noisy_chips_take_as_many_epochs_as_with_the_trainer_to_a_few_hundredths(noise):
    shifts = draw_ensemble(200_000, seed=2, span_siemens=SPAN)
    together = train_ensemble(CURVE, shifts, TASK.train, TASK.train_labels, seed=2, confirm=1, **noise)
    assert within(together.epochs.astype(float), trained_alone(20_000, 22, **noise).astype(float), 3.5)


def test_steps_have_mean_one_and_the_given_spread():
    shifts = np.full((4000, 1, 2), 5e-8)
    for variation in (0.3, 1.0, 1.6):
        result = train_ensemble(
            ConductanceCurve(np.linspace(4e-7, 4.001e-7, 500)), shifts, [[1]], [[1]],
            step_variation=variation, seed=4, epochs=9, threads=1,
        )  # fmt: skip
        moved = result.levels[:, 0, 0]  # the sum of eight steps, as no target is met
        assert (result.pulses == 8).all()
        assert moved.mean() == pytest.approx(8, abs=4 * variation * np.sqrt(8 / 4000))
        assert moved.std() == pytest.approx(variation * np.sqrt(8), rel=0.12)


def test_read_noise_alone_decides_as_often_as_a_normal_distribution_says():
    # One cell pair with equal conductances: the output is pure noise of sqrt(2) x 0.1 x G V, and the target lies one
    # standard deviation above zero; P(Z > 1) = 0.158655.
    current = np.sqrt(2) * 0.1 * 0.1 * 10 * 5e-8
    result = train_ensemble(
        CURVE, np.full((20_000, 1, 2), 5e-8), [[1]], [[1]],
        read_noise=0.1, seed=9, epochs=1, confirm=1, beta=1e7,
        target=float(np.tanh(1e7 * current)), target0=-0.99, threads=1,
    )  # fmt: skip
    share = 0.158655
    assert result.converged.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 20_000))
