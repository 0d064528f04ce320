"""One known curve, written in thousands of ways: what is read is this curve, or a question, never another curve."""

import itertools
from collections import Counter

import numpy as np
import pytest
import written

from crossbar_hil.curves.reading import understand
from crossbar_hil.errors import DataError


class Held:
    def __init__(self, data):
        self.data = data

    def __str__(self):
        return "lab.csv"

    def read_bytes(self):
        return self.data


def outcome(case):
    """Return what came of a file: the curve, a question, or another curve, which is the one thing that must not be."""
    data, both = written.content(case)
    if data is None:
        return "not written", ""
    try:
        curves = understand(Held(data)).curves
    except DataError as question:
        return "asked", str(question)
    wanted = [written.UP, written.DOWN] if both else [written.UP]
    if len(curves) != len(wanted):
        return "wrong", f"{len(curves)} curves"
    for curve, levels in zip(curves, wanted, strict=True):
        # Written with 7 digits.
        if len(curve.levels_siemens) != len(levels) or not np.allclose(curve.levels_siemens, levels, rtol=2e-6, atol=0):
            return "wrong", str(curve.levels_siemens[:3])
    return "read", ""


def tallied(cases):
    tally, wrong = Counter(), []
    for case in cases:
        found, why = outcome(case)
        tally[found] += 1
        if found == "wrong":
            wrong.append((case, why))
    assert wrong == []
    return tally


def test_a_known_curve_is_read_as_itself_or_asked_about_in_hundreds_of_ways_of_writing():
    tally = tallied(itertools.islice(written.every(), 0, None, 23))  # prime to the sizes of all that varies
    assert tally["read"] > 2 * tally["asked"]
    assert tally.total() > 300


@pytest.mark.campaign
@pytest.mark.parametrize("layout", written.LAYOUTS)
def test_a_known_curve_is_read_as_itself_or_asked_about_in_every_way_of_writing(layout):
    tally = tallied(case for case in written.every() if case[0] == layout)
    assert tally["read"] > 2 * tally["asked"]
