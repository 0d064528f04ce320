"""One known curve, written in thousands of ways: what is read is this curve, or a question, never another curve."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "curves"))

from written import LAYOUTS, every, tallied


@pytest.mark.campaign
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_known_curve_is_read_as_itself_or_asked_about_in_every_way_of_writing(layout):
    tally = tallied(case for case in every() if case[0] == layout)
    assert tally["read"] > 2 * tally["asked"]
