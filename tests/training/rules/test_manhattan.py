"""The Manhattan rule."""

import numpy as np
import pytest

from crossbar_hil.training.rules.manhattan import manhattan_signs


def test_each_synapse_takes_the_sign_of_its_own_sum_over_patterns():
    voltages = np.array([[0.1, -0.1], [0.2, 0.1]])
    deltas = np.array([[3.0, -1.0], [-1.0, 4.0]])
    # row 1: 0.3 - 0.2 = 0.1 and -0.1 + 0.8 = 0.7; row 2: -0.3 - 0.1 = -0.4 and 0.1 + 0.4 = 0.5
    assert manhattan_signs(voltages, deltas).tolist() == [[1.0, 1.0], [-1.0, 1.0]]


def test_a_sum_of_zero_has_sign_zero():
    assert manhattan_signs(np.array([[0.1], [0.1]]), np.array([[2.0], [-2.0]])).tolist() == [[0.0]]


def test_the_size_of_the_gradient_does_not_matter():
    voltages = np.array([[0.1, -0.1]])
    assert np.array_equal(manhattan_signs(voltages, np.array([[1e-30]])), manhattan_signs(voltages, np.array([[1e30]])))


@pytest.mark.parametrize("low_v", [-0.1, 0.0, -0.03, 0.07])
@pytest.mark.parametrize("place", range(4))
def test_equal_and_opposite_terms_cancel_exactly_whatever_the_processor_fuses(low_v, place):
    # One pattern and its twin, with opposite deltas: every row has +v d - v d, which is zero.
    bits = np.random.default_rng(place).integers(0, 2, (1, 5))
    voltages = np.where(np.repeat(bits, 2, axis=0) == 1, 0.1, low_v)
    delta = np.random.default_rng(place).random((1, 3)) / 3
    assert (manhattan_signs(voltages, np.concatenate([delta, -delta])) == 0).all()
