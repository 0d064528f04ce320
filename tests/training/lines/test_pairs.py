"""Differential pairs."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from crossbar_hil.training.lines.pairs import difference, potentiating_counts

fixed = settings(derandomize=True, database=None, deadline=None, max_examples=60)
signs = hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.sampled_from([-1.0, 0, 1]))


def test_the_even_column_is_the_plus_of_its_output():
    # 7 - 2, 1 - 4 and 0 - 10
    assert difference(np.array([[7.0, 2.0, 1.0, 4.0, 0.0, 10.0]])).tolist() == [[5.0, -3.0, -10.0]]


def test_a_plus_sign_pulses_the_plus_cell_and_a_minus_sign_the_minus_cell():
    assert potentiating_counts(np.array([[1.0, -1.0]])).tolist() == [[1, 0, 0, 1]]


@fixed
@given(signs)
def test_the_difference_of_the_counts_is_the_sign(values):
    assert np.array_equal(difference(potentiating_counts(values)), values)


@fixed
@given(signs)
def test_a_synapse_gets_at_most_one_pulse(values):
    counts = potentiating_counts(values)
    assert counts.dtype.kind == "i"
    assert np.array_equal(counts[:, 0::2] + counts[:, 1::2], np.abs(values))


@fixed
@given(hnp.arrays(np.float64, (3, 2, 6), elements=st.floats(-1, 1)))
def test_leading_axes_are_kept(values):
    assert np.array_equal(difference(values)[1], difference(values[1]))
    assert difference(values).shape == (3, 2, 3)
