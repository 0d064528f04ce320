import numpy as np

from crossbar_hil.training.rules.rule import summed


def test_what_rounding_leaves_of_equal_and_opposite_terms_is_zero():
    tenths = np.array([[0.1], [0.2], [-0.3]])
    assert 0.1 + 0.2 - 0.3 != 0
    assert summed(np.full((3, 1), 0.2), tenths).tolist() == [[0.0]]
    assert summed(np.full((3, 1), 0.2), tenths + 1e-9).item() > 0


def test_voltages_are_taken_in_units_of_the_largest():
    assert summed(np.array([[0.2, -0.1]]), np.array([[3.0]])).tolist() == [[3.0], [-1.5]]
