"""Currents at 0 V: what offsets can make between two lines is let through, anything more is named; by hand."""

from itertools import permutations

import numpy as np
import pytest

from crossbar_hil.drivers.at_rest import problem_at_rest

from ..cases import in_one_test

RANGE_A = 1e-5
CHIP = np.array([[0, 0, 1, 2], [0, 0, 4, 8], [1, 4, 0, 0], [2, 8, 0, 0]]) * 1e-6
"""Two rows and two columns, in siemens: what every two of them show."""
MOST_NA = 10 + 5 * np.maximum.outer([3, 12, 5, 10], [3, 12, 5, 10])
"""By hand: 0.1 % of 10 uA, and 5 mV times the larger of the sums of the two lines, in uS; in nA."""
NAMES = ("row 1", "row 2", "column 1", "column 2")


@pytest.mark.fault("R14")
@in_one_test("sign", [1, -1])
@in_one_test("pair", list(permutations(range(4), 2)))
def test_between_every_two_lines_a_current_at_0_v_is_named_from_the_bound_on(pair, sign):
    flows = np.zeros((4, 4))
    flows[pair] = sign * 0.99e-9 * MOST_NA[pair]
    assert problem_at_rest(flows, CHIP, RANGE_A, 2) == ""
    flows[pair] = sign * 5e-6
    told = problem_at_rest(flows, CHIP, RANGE_A, 2)
    first, second = (NAMES[line] for line in pair)
    assert told.startswith(f"from {first} to {second} the meter shows {5 * sign} uA while every source is at 0 V; off")
    assert f"offsets make {MOST_NA[pair]} nA there at most" in told
    assert "take off whatever else supplies them" in told
    flows[pair] = sign * 1.01e-9 * MOST_NA[pair]
    assert problem_at_rest(flows, CHIP, RANGE_A, 2) != ""


def test_pairs_that_share_a_line_name_it_and_an_offset_of_the_meter_is_told_from_a_voltage_on_a_line():
    flows = np.zeros((4, 4))
    flows[:3, 3] = -1e-6
    told = problem_at_rest(flows, CHIP, RANGE_A, 2)
    assert "and so at 3 of 6 pairs of lines, all of them of column 2;" in told
    told = problem_at_rest(np.where(np.eye(4), 0, -5e-6), CHIP, RANGE_A, 2)
    assert "as between any two lines" in told
    assert told.endswith("zero the meter, and join the LO of all supplies at one point")


def test_where_two_lines_are_shorted_offsets_make_any_current():
    shorted = CHIP.copy()
    shorted[0, 1] = np.inf  # as a meter shows it one way round
    flows = np.zeros((4, 4))
    flows[0, 1] = flows[1, 0] = flows[0, 2] = flows[2, 1] = 9e-6
    assert problem_at_rest(flows, shorted, RANGE_A, 2) == ""
    flows[2, 3] = 9e-6  # but not between two others
    assert problem_at_rest(flows, shorted, RANGE_A, 2).startswith("from column 1 to column 2 the meter")
