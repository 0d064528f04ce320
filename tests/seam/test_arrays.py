"""The check of array arguments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from crossbar_hil.arrays import checked_array, checked_bits, shape_text
from crossbar_hil.errors import DataError

# Drawn the same way in every run, and nothing written to the disk.
fixed = settings(derandomize=True, database=None, deadline=None, max_examples=60)
finite = hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=5), elements=st.floats(-1e300, 1e300))


@fixed
@given(finite)
def test_finite_numbers_of_the_right_shape_come_back_unchanged(values):
    assert np.array_equal(checked_array("x", values, values.shape), values)


@fixed
@given(finite)
def test_what_comes_back_is_a_copy(values):
    assert not np.shares_memory(checked_array("x", values, [None] * values.ndim), values)


@fixed
@given(finite, st.sampled_from([np.nan, np.inf, -np.inf]), st.data())
def test_a_number_that_is_not_finite_is_named_with_its_place(values, bad, data):
    place = tuple(data.draw(st.integers(0, size - 1)) for size in values.shape)
    values[place] = bad
    with pytest.raises(DataError) as refusal:
        checked_array("voltages", values, values.shape)
    assert str(refusal.value) == f"voltages hold {bad} at {list(place)}, expected finite numbers"


@fixed
@given(finite, hnp.array_shapes(max_dims=4, max_side=5))
def test_any_other_shape_is_refused(values, shape):
    if shape != values.shape:
        with pytest.raises(DataError, match="shape"):
            checked_array("x", values, shape)


def test_a_free_length_must_not_be_zero():
    with pytest.raises(DataError, match=r"voltages have shape \(0, 2\), expected \(\*, 2\)"):
        checked_array("voltages", np.zeros((0, 2)), (None, 2))


@pytest.mark.parametrize(
    "values",
    [[[1, 2], [3]], [["a", "b"]], [[object(), 1]], [[1 + 2j, 1]], np.array([[1j, 2]]), [[10**400, 1]], [[None, 1]]],
    ids=["ragged", "text", "object", "complex list", "complex array", "huge integer", "None"],
)
def test_what_is_not_a_table_of_numbers_is_a_data_error(values):
    with pytest.raises(DataError, match=r"^x "):
        checked_array("x", values, (None, 2))


@pytest.mark.parametrize(("value", "shown"), [(2, "2"), (0.5, "0.5"), (-1, "-1")])
def test_a_bit_that_is_neither_0_nor_1_is_named(value, shown):
    with pytest.raises(DataError, match=f"^labels hold {shown}, expected only 0 and 1$"):
        checked_bits("labels", [[0, 1, value]], (None, 3))


def test_booleans_and_floats_count_as_bits():
    assert checked_bits("x", [True, False], (None,)).tolist() == [1, 0]
    assert checked_bits("x", [1.0, 0.0], (None,)).dtype == np.int64


def test_a_shape_of_one_axis_is_written_as_a_tuple():
    assert shape_text((4,)) == "(4,)"
    assert shape_text((None, 4)) == "(*, 4)"
