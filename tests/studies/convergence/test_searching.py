import math

import pytest

from crossbar_hil.studies.axes import read_axis
from crossbar_hil.studies.convergence.counts import Counts
from crossbar_hil.studies.convergence.searching import Candidate, best, choose, first_axes, grid, neighbours


def found(name, held, pulses, chips=1000, converged=None):
    """Settings after which so many chips hold a drift; as many converge unless told."""
    epochs = ((5, held if converged is None else converged),)
    return Candidate((name,), Counts(chips, epochs, pulses * chips, fresh=epochs[0][1], held=((0.03, held),)))


def test_gain_target_and_width_are_searched_unless_something_else_is_given():
    axes = first_axes([], unit_beta=1e6, widths_s=[0.01, 0.05])
    assert [str(axis.key) for axis in axes] == ["beta", "target", "width_s"]
    assert (axes[0].values[0], axes[0].values[-1]) == (5e5, 1e8)
    assert axes[2].values == (0.01, 0.05)
    given = [read_axis("target=0.8"), read_axis("K=5,10")]
    axes = first_axes(given, unit_beta=1e6, widths_s=[])
    assert [(str(axis.key), len(axis.values)) for axis in axes] == [("beta", 16), ("target", 1), ("scale", 2)]
    assert len(grid(axes)) == 32


def test_the_most_chips_win_and_of_those_hardly_worse_the_fewest_pulses():
    # Wilson's interval of 980 of 1000 is 96.93 to 98.70 %.
    tried = [found("most", 980, 90), found("hardly worse", 970, 70), found("worse", 969, 10)]
    assert best(tried, 2) == tried[:2]
    assert choose(tried).values == ("hardly worse",)
    assert choose([found("none", 0, 90), found("none either", 0, 80)]).values == ("none either",)


def test_chips_that_only_converge_do_not_count():
    tried = [found("no margin", 900, 10, converged=1000), found("margin", 980, 90)]
    assert choose(tried).values == ("margin",)


def test_where_no_drift_was_asked_for_those_count_that_hold_a_fresh_read():
    tried = [
        Candidate((name,), Counts(1000, ((5, 1000),), fresh=fresh)) for name, fresh in (("lucky", 700), ("x", 990))
    ]
    assert choose(tried).values == ("x",)


def test_neighbours_are_half_a_step_away_and_stay_inside():
    axes = [read_axis("beta=1e6..1e8:3log"), read_axis("v1=0.1..0.3:3"), read_axis("target=0.5,0.8")]
    around = neighbours(axes, (1e6, 0.2, 0.8), 0.5)
    assert {values[0] for values in around} == {1e6, 3.162e6}
    assert {values[1] for values in around} == {0.15, 0.2, 0.25}
    assert {values[2] for values in around} == {0.8}  # a list is not searched between its values
    assert len(around) == 5


def test_neighbours_of_whole_numbers_are_whole():
    around = neighbours([read_axis("epochs=10..40:4")], (20,), 0.25)
    assert around == [(18,), (22,)]
    assert all(isinstance(values[0], int) for values in around)


def test_targets_between_two_lie_halfway_in_artanh():
    axes = first_axes([], unit_beta=1e6, widths_s=[])
    near = sorted({values[1] for values in neighbours(axes, (1e6, 0.95), 0.5)})
    step = (math.atanh(0.9999) - math.atanh(0.5)) / 11 / 2
    assert [math.atanh(each) for each in near] == pytest.approx(
        [math.atanh(0.95) - step, math.atanh(0.95), math.atanh(0.95) + step], abs=0.02
    )
