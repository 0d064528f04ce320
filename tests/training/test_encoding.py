"""Bits to volts, labels to targets."""

import numpy as np

from crossbar_hil.training.encoding import row_voltages, target_activations


def test_a_0_becomes_v0_and_a_1_becomes_v1():
    assert row_voltages(np.array([[0, 1], [1, 1]]), -0.3, 0.2).tolist() == [[-0.3, 0.2], [0.2, 0.2]]


def test_each_label_has_its_own_target():
    assert target_activations(np.array([[1, 0]]), 0.1, 0.7).tolist() == [[0.7, 0.1]]
