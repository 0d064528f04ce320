from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar_hil.studies.convergence.counts import Counts, describe_afterwards, summary

DRIFTS = (0.01, 0.1)


def counted(epochs, converged, pulses=None, saturated=None, fresh=None, drifted=None, right=None):
    count = len(epochs)
    chips = SimpleNamespace(
        converged=np.array(converged, dtype=bool),
        epochs=np.array(epochs),
        pulses=np.zeros(count, dtype=int) if pulses is None else np.array(pulses),
        saturated=np.zeros(count, dtype=int) if saturated is None else np.array(saturated),
        fresh=np.array(converged if fresh is None else fresh, dtype=bool),
        drifted=np.zeros((count, len(DRIFTS)), dtype=bool) if drifted is None else np.array(drifted, dtype=bool),
        right=np.zeros((count, len(DRIFTS)), dtype=bool) if right is None else np.array(right, dtype=bool),
    )
    return Counts.of(chips, DRIFTS)


def test_the_summary_of_ten_chips_is_the_one_worked_out_by_hand():
    counts = counted([2, 2, 3, 4, 4, 4, 7, 9, 20, 20], [1] * 8 + [0] * 2, [10] * 8 + [100] * 2, [3] * 8 + [0, 5])
    found = summary(counts)
    assert (found["chips"], found["converged"], found["yield"]) == (10, 8, 0.8)
    # Wilson's interval of 8 of 10, from the published formula: 0.4902 to 0.9433.
    assert (found["yield_low"], found["yield_high"]) == pytest.approx((0.4902, 0.9433), abs=5e-5)
    assert found["epochs_mean"] == 35 / 8
    # Sample standard deviation of 2 2 3 4 4 4 7 9 is 2.44584; times 1.96 over the root of 8 is 1.69485.
    assert found["epochs_mean_high"] - found["epochs_mean"] == pytest.approx(1.69485, abs=1e-5)
    assert (found["epochs_5"], found["epochs_50"], found["epochs_95"], found["epochs_most"]) == (2, 4, 9, 9)
    assert found["pulses_mean"] == 28
    assert found["pulses_mean_converged"] == 10
    assert found["failed_at_end_of_curve"] == 1


def test_without_a_converged_chip_there_are_no_epochs_and_the_yield_is_zero():
    found = summary(counted([48, 48], [0, 0]))
    assert found["yield"] == 0
    assert found["epochs_mean"] is found["epochs_50"] is found["pulses_mean_converged"] is None


@settings(max_examples=15, derandomize=True, database=None, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 9),
            st.booleans(),
            st.integers(0, 99),
            st.integers(0, 2),
            st.booleans(),
            st.tuples(st.booleans(), st.booleans()),
            st.tuples(st.booleans(), st.booleans()),
        ),
        min_size=2,
    ),
    st.data(),
)
def test_counts_do_not_depend_on_how_the_chips_were_split(chips, data):
    columns = [np.array(column) for column in zip(*chips, strict=True)]
    cut = data.draw(st.integers(1, len(chips) - 1))

    def part(share):
        return counted(*(column[share] for column in columns))

    whole = part(slice(None))
    assert Counts.sum([part(slice(cut, None)), part(slice(None, cut))]) == whole
    assert Counts.from_record(whole.as_record()) == whole


def test_what_was_met_afterwards_is_told_as_a_share_of_the_chips_that_converged():
    # Wilson's interval of 2 of 4 by the published formula: 0.1500 to 0.8500; of 3 of 4: 0.3006 to 0.9544.
    counts = counted(
        [1, 1, 1, 1, 9],
        [1, 1, 1, 1, 0],
        fresh=[1, 1, 1, 0, 0],
        drifted=[[1, 1], [1, 0], *[[0, 0]] * 3],
        right=[[1, 1], [1, 0], [1, 0], [0, 1], [0, 0]],
    )
    found = summary(counts)
    assert (found["fresh_met"], found["fresh_share"]) == (3, 0.75)
    assert (found["drift_0.01_met"], found["drift_0.01_share"]) == (2, 0.5)
    assert (found["drift_0.01_low"], found["drift_0.01_high"]) == pytest.approx((0.15, 0.85), abs=5e-5)
    assert found["drift_0.1_met"] == 1
    assert (found["drift_0.01_right"], found["drift_0.01_right_share"]) == (3, 0.75)
    assert (found["drift_0.01_right_low"], found["drift_0.01_right_high"]) == pytest.approx((0.3006, 0.9544), abs=5e-5)
    # Of the two that answer right after the larger drift one has missed a target in its fresh read.
    assert (found["drift_0.1_right"], found["drift_0.1_held"], counts.lasting) == (2, 1, 1)
    assert describe_afterwards(counts, noisy=True).startswith(
        "of these 75.0 % still meet every target on a fresh read (30.1 to 95.4 %), 50.0 % after drift of 1 % (15.0 to "
        "85.0 %), 75.0 % still answer right (30.1 to 95.4 %), 25.0 % after drift of 10 % ("
    )
    assert "fresh" not in describe_afterwards(counts, noisy=False)


def test_without_a_converged_chip_nothing_is_said_of_afterwards():
    counts = counted([9], [0])
    assert describe_afterwards(counts, noisy=True) == ""
    assert summary(counts)["fresh_share"] is None
