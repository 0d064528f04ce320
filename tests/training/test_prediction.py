"""Inference by two targets."""

import numpy as np
import pytest

from crossbar_hil.training.prediction import UNDECIDED, Prediction


@pytest.mark.parametrize(
    ("activation", "output"),
    [(0.9, 1), (0.7, 1), (0.69, UNDECIDED), (0.0, UNDECIDED), (-0.29, UNDECIDED), (-0.3, 0), (-0.9, 0)],
)
def test_the_targets_themselves_are_decided(activation, output):
    prediction = Prediction.from_activations(np.array([[1]]), np.array([[activation]]), -0.3, 0.7)
    assert prediction.outputs.tolist() == [[output]]


def test_a_pattern_is_correct_only_if_every_output_is():
    prediction = Prediction.from_activations(np.eye(3), np.array([[0.9, -0.9], [0.9, 0.9], [0.9, 0.0]]), -0.8, 0.8)
    assert prediction.correct(np.array([[1, 0], [1, 0], [1, 0]])).tolist() == [True, False, False]
