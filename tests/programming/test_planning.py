import itertools

import numpy as np
import pytest

from crossbar_hil.programming.planning import NOTHING, Bounds, plan
from crossbar_hil.programming.response import Place

from .conftest import SPAN, response
from .curve_by_hand import cell_after

SURE = {"up": True, "down": True, "low": -np.inf, "high": np.inf, "near": 0.6, "doubt": 0.0}
TOLERANCE = 0.01 * SPAN


@pytest.fixture(scope="module")
def ends():
    """Rise of a fresh cell after n pulses of one kind and m of the other, by a plain loop."""
    return {
        (up, n, m): 10 * cell_after([(up, n), (not up, m)]).rise
        for up, n, m in itertools.product((True, False), range(1, 13), range(12))
        if n + m <= 12
    }


def test_of_all_plans_of_two_bursts_that_end_near_enough_the_shortest_is_taken(ends):
    for target in [rise + 0.3 * TOLERANCE for rise in ends.values()][::7]:
        near = [n + m for (_, n, m), rise in ends.items() if abs(rise - target) <= 0.6 * TOLERANCE]
        found = plan(response(), Place(True, 0.0), target, Bounds(TOLERANCE, 12, **SURE))
        if abs(target) <= 0.6 * TOLERANCE:
            assert found == NOTHING
            continue
        assert found.first + found.second == min(near)
        told = 10 * cell_after([(found.first_up, found.first), (not found.first_up, found.second)]).rise
        assert abs(told - target) <= 0.6 * TOLERANCE


def test_where_no_plan_ends_near_enough_a_cell_is_left_where_more_pulses_would_win_little():
    at_29 = Place(True, 1.0)
    target = response().rise(at_29) + 1.1 * TOLERANCE
    assert plan(response(), at_29, target, Bounds(TOLERANCE, 1, **SURE)) == NOTHING


@pytest.mark.parametrize(("up", "down"), [(True, False), (False, True)])
def test_a_kind_of_pulse_that_may_not_be_sent_is_in_no_plan(up, down):
    allowed = SURE | {"up": up, "down": down}
    for share in (0.1, 0.5, 0.9):
        found = plan(response(), Place(True, 4.0), share * SPAN, Bounds(TOLERANCE, 60, **allowed))
        assert not found.up or up
        assert not found.down or down


def test_what_is_not_sure_is_not_overshot_and_not_turned_round_without_a_read():
    doubtful = SURE | {"doubt": 0.26}
    told, start = response(), Place(True, 0.0)
    for share in np.linspace(0.4, 0.95, 7):
        found = plan(told, start, share * SPAN, Bounds(TOLERANCE, 60, **doubtful))
        end = told.rise(told.after(start, found.first, up=True))
        assert found.second == 0
        assert found.first_up
        assert 1.26 * end <= share * SPAN + TOLERANCE


def test_a_burst_does_not_leave_the_rises_that_are_allowed_between_two_reads():
    narrow = SURE | {"high": 0.45 * SPAN}
    found = plan(response(), Place(True, 0.0), 0.9 * SPAN, Bounds(TOLERANCE, 60, **narrow))
    assert 0 < response().rise(response().after(Place(True, 0.0), found.first, up=True)) <= 0.45 * SPAN


def test_a_third_burst_finds_a_way_where_two_do_not():
    told, bounds = response(), Bounds(TOLERANCE, 60, **SURE)
    rounds = []
    for share in np.linspace(0.03, 0.95, 47):
        place, target = Place(True, 0.0), share * SPAN
        for number in range(4):  # noqa: B007 - counted below
            found = plan(told, place, target, bounds)
            if not found.first:
                break
            place = told.after(told.after(place, found.first, up=found.first_up), found.second, up=not found.first_up)
        if abs(told.rise(place) - target) <= TOLERANCE:
            rounds.append(number)
    assert set(rounds) == {1, 2}
    assert len(rounds) >= 44
