"""One known curve, written in hundreds of ways: what is read is this curve, or a question, never another curve."""

import itertools

from written import every, tallied


def test_a_known_curve_is_read_as_itself_or_asked_about_in_hundreds_of_ways_of_writing():
    tally = tallied(itertools.islice(every(), 0, None, 23))  # prime to the sizes of all that varies
    assert tally["read"] > 2 * tally["asked"]
    assert tally.total() > 300
