"""The parts on which the agreement of the ensemble with the trainer rests."""

import math

import numba
import numpy as np
import pytest

from crossbar_hil.sim_backend.ensemble.compiled.functions import quick_exp
from crossbar_hil.sim_backend.ensemble.task import margins, merge_patterns
from crossbar_hil.training.encoding import row_voltages, target_activations


@numba.njit(no_cfunc_wrapper=True)
def let_decay(single, double):
    """Put exp in the place of each argument, of both precisions, which is compiled in half the time of each alone."""
    for i in range(len(single)):
        single[i] = quick_exp(single[i])
    for i in range(len(double)):
        double[i] = quick_exp(double[i])


def test_the_polynomial_exp_is_as_good_as_the_margins_assume():
    wide = np.longdouble if np.finfo(np.longdouble).eps < 1e-18 else np.float64
    single, double = found = [
        np.concatenate([np.linspace(lowest, 0, 300_001), -np.logspace(-12, 0, 50_001)]).astype(real)
        for real, lowest in ((np.float32, -80), (np.float64, -700))
    ]
    exact = [np.exp(each.astype(wide)) for each in found]
    let_decay(single, double)
    for decays, expected, bound in zip(found, exact, (1.8e-7, 1e-12), strict=True):
        assert np.abs(decays / expected - 1).max() < bound


def task_of(patterns, labels, v0=-0.1, v1=0.1, target0=-0.8, target=0.8):
    patterns, labels = np.array(patterns), np.array(labels)
    mirrored = v0 == -v1 and target0 == -target
    return merge_patterns(
        patterns, labels, target_activations(labels, target0, target), row_voltages(patterns, v0, v1), mirrored
    )


def test_opposite_patterns_with_opposite_labels_are_one():
    task = task_of([[0, 1], [1, 0], [1, 1]], [[0], [1], [1]])
    assert task.bits.tolist() == [[0, 1], [1, 1]]
    assert task.times.tolist() == [2, 1]


def test_opposite_patterns_stay_apart_without_symmetry_or_with_the_same_label():
    assert len(task_of([[0, 1], [1, 0]], [[0], [1]], v0=0.0).bits) == 2
    assert len(task_of([[0, 1], [1, 0]], [[0], [1]], target0=-0.5).bits) == 2
    assert len(task_of([[0, 1], [1, 0]], [[1], [1]]).bits) == 2


def test_equal_patterns_are_one_and_a_common_factor_is_left_out():
    assert task_of([[0, 1], [0, 1]], [[1], [1]]).times.tolist() == [1]
    assert task_of([[0, 1], [0, 1], [1, 1]], [[1], [1], [0]], v0=0.0).times.tolist() == [2, 1]


def bound(**changes):
    given = {"single": True, "gain": 5e7, "beta": 5e7, "span": 2e-7, "largest_shift": 2e-7}
    task = task_of([[0, 1], [1, 1]], [[0], [1]], **changes.pop("task", {}))
    return margins(task, **{**given, **changes})


def test_the_quantum_lets_the_largest_sum_fit_thirty_bits():
    found = bound()
    largest = 2 * 5e7 * (2 * 2e-7 + 2e-7)
    assert largest / found.quantum <= 2**30
    assert math.log2(found.quantum).is_integer()


def test_margins_are_narrower_in_double_precision():
    assert bound(single=False).near < 1e-3 * bound().near
    assert bound(single=False).close < 1e-3 * bound().close


@pytest.mark.parametrize(
    "changes",
    [
        {"beta": 1e-7},
        {"gain": math.inf},
        {"gain": 1e20},
        {"task": {"v0": 0.03}},
        {"task": {"target": 1 - 2**-53, "target0": -1 + 2**-53}},
    ],
    ids=["tiny gain", "endless", "huge", "odd voltages", "target at one"],
)
def test_nothing_is_decided_quickly_where_the_margins_would_not_hold(changes):
    assert not bound(**changes).safe


def test_the_margin_of_a_target_covers_tanh_of_numpy():
    for target in (-0.5, 0.1, 0.8, 0.95, 0.999999):
        near = bound(task={"target": target, "target0": -0.99}, single=False).near
        centre = math.atanh(target)
        assert np.tanh(centre + near) > target
        assert np.tanh(centre - near) < target
