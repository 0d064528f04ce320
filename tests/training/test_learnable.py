from itertools import product

import numpy as np
import pytest

from crossbar_hil import Pulse, Trainer
from crossbar_hil.errors import DataError
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.training.learnable import check_learnable, find_contradiction, least_weight_siemens

TARGETS = {"target0": -0.8, "target": 0.8}


def labelings_of_small_weights(voltages, most):
    """Labels that some vector of small whole weights gives, by trying every one."""
    signs = np.sign(voltages @ np.array(list(product(range(-most, most + 1), repeat=voltages.shape[1]))).T)
    return {tuple((column > 0).astype(int)) for column in signs.T if column.all()}


# 14 is the number of regions that four planes in general position through the origin cut space into.
@pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.campaign)])
@pytest.mark.parametrize(("v0", "v1", "learnable"), [(-1, 1, 14), (-1, 2, 36), (1, 2, 38), (0, 1, 32), (2, -1, 36)])
def test_learnable_are_exactly_the_labels_that_some_small_whole_weights_give(v0, v1, learnable, every):
    bits = np.array(list(product((0, 1), repeat=3)))[1 if v0 == 0 else 0 :]
    possible = labelings_of_small_weights(np.where(bits == 1, v1, v0), 9)
    assert len(possible) == learnable, "a check of the check: some labels can be learnt, some cannot"
    for number, wanted in enumerate(product((0, 1), repeat=len(bits))):
        if wanted not in possible and number % every:
            continue
        found = find_contradiction(bits, np.array(wanted)[:, None], v0=0.1 * v0, v1=0.1 * v1, **TARGETS)
        assert (found is None) == (wanted in possible), wanted


def test_none_of_the_patterns_that_contradict_each_other_can_be_left_out():
    generator = np.random.default_rng(3)
    refused = 0
    for _ in range(40):
        bits = np.unique(generator.integers(0, 2, (9, 5)), axis=0)
        wanted = generator.integers(0, 2, (len(bits), 1))
        found = find_contradiction(bits, wanted, v0=-0.03, v1=0.1, **TARGETS)
        if found is None:
            continue
        refused += 1
        chosen = list(found.patterns)
        assert len(chosen) <= 6, "one more than there are rows are enough"
        for left in chosen:
            rest = [each for each in chosen if each != left]
            assert find_contradiction(bits[rest], wanted[rest], v0=-0.03, v1=0.1, **TARGETS) is None
    assert refused > 5


@pytest.mark.parametrize(
    ("bits", "labels", "v0", "words"),
    [
        ([[0, 1], [1, 0], [1, 1]], [[1], [1], [1]], -0.1, ("1 (01) and 2 (10) are complements", "a bias", "v0 of 0 V")),
        ([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]], -0.1, ("ask for 0 and 0; what helps: other labels",)),
        ([[0, 0], [1, 1]], [[0], [1]], 0.0, ("pattern 1 (00) puts 0 V on every row", "a bias")),
        ([[0, 0], [0, 1], [1, 0]], [[1], [0], [0]], 0.05, ("patterns 1 (00), 2 (01) and 3 (10) the labels", "a bias")),
    ],
)
def test_the_refusal_names_the_patterns_and_only_what_would_help(bits, labels, v0, words):
    with pytest.raises(DataError, match="output 1 cannot learn its labels on any chip") as refusal:
        check_learnable(np.array(bits), np.array(labels), v0=v0, v1=0.1, **TARGETS)
    for word in words:
        assert word in str(refusal.value)
    if "a bias" not in words:
        assert "a bias (" not in str(refusal.value)


def test_targets_on_one_side_of_zero_are_judged_by_what_they_ask():
    bits, labels = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [0], [0], [1]])
    # Voltages 0 and 0.1 V: a 1 needs w1 + w2 at atanh(0.8) = 1.099, a 0 lies at most at atanh(0.5) = 0.549 = half.
    assert find_contradiction(bits, labels, v0=0.0, v1=0.1, target0=0.55, target=0.8) is None
    found = find_contradiction(bits, labels, v0=0.0, v1=0.1, target0=0.45, target=0.8)
    assert found is not None
    assert set(found.patterns) == {1, 2, 3}


def test_a_trainer_refuses_them_before_the_first_pulse():
    backend = SimulatedBackend(ConductanceCurve([4.5e-7, 5.1e-7, 5.2e-7], Pulse(2.0, 0.05)), np.full((2, 2), 5e-8))
    with pytest.raises(DataError, match="cannot learn"):
        Trainer(backend).run([[0, 1], [1, 0]], [[1], [1]])
    assert not backend.pulsed


def test_the_least_weight_is_where_a_grid_of_weights_begins_to_hold_one_that_meets_every_target():
    bits = np.array([[0, 0, 1], [0, 1, 1], [1, 1, 0]])
    labels = np.array([[1], [0], [0]])
    least = least_weight_siemens(bits, labels, v0=-0.1, v1=0.1, beta=1e7, **TARGETS)
    volts = np.where(bits, 0.1, -0.1)
    grid = np.array(list(product(np.linspace(-1, 1, 41), repeat=3)))

    def met(size):
        activations = np.tanh(1e7 * (size * grid) @ volts.T)
        return ((2 * labels[:, 0] - 1) * activations >= 0.8).all(axis=1).any()

    assert met(1.06 * least)  # a grid of steps of 5 % may miss the very corner
    assert not met(0.999 * least)


def test_no_weight_is_large_enough_for_labels_that_cannot_be_learnt():
    bits, labels = np.array([[0, 1], [1, 0]]), np.array([[1], [1]])
    assert least_weight_siemens(bits, labels, v0=-0.1, v1=0.1, beta=1e7, **TARGETS) is None


def test_check_warns_of_targets_beyond_the_curve(cli, tmp_path):
    (tmp_path / "low.toml").write_text('backend = "simulated"\n[chip]\n[training]\nbeta = 1e6\n')
    assert "warning: to meet every target takes a weight of 9.16 uS" in cli("check", "low.toml").out
    assert "takes a weight" not in cli("check", "simulated").out
