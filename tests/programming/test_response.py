import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.programming.response import Place, Response, Track

from .conftest import DOWN, UP, chip, response
from .curve_by_hand import Cell


def test_any_order_of_pulses_goes_where_a_plain_loop_over_the_measured_table_goes():
    rng, told = np.random.default_rng(5), response()
    for _ in range(60):
        place, cell = Place(True, 0.0), Cell()
        for up, count in zip(rng.integers(0, 2, 6), rng.integers(0, 20, 6), strict=True):
            place = told.after(place, int(count), up=bool(up))
            for _ in range(count):
                cell.pulse(bool(up))
            assert told.rise(place) == pytest.approx(10 * cell.rise, abs=1e-15)


def test_the_simulated_chip_goes_the_same_way():
    backend, told, place = chip(((1e-8,),)), response(), Place(True, 0.0)
    for up, count in ((True, 7), (False, 2), (True, 3), (False, 30), (True, 60), (False, 1), (False, 1)):
        backend.send_pulses([[count]], UP if up else DOWN)
        place = told.after(place, count, up=up)
        assert told.rise(place) + 1e-7 == pytest.approx(float(backend.conductances[0, 0]), abs=1e-15)


def test_a_pulse_that_moves_a_cell_of_that_rise_no_further_leaves_it_where_it_is():
    top = Place(True, float(np.argmax(response().rising.rises)))
    fallen = response().after(Place(False, 0.0), 0, up=True)
    assert fallen == Place(False, 0.0)
    assert response().after(Place(False, 0.0), 3, up=True) == Place(False, 0.0)  # it is at the top of the other track
    assert response().after(top, 1, up=False).level == 1.0


@pytest.mark.parametrize("up", [True, False])
def test_the_nearest_level_of_a_rise_reads_that_rise_and_is_the_nearest_of_those_that_do(up):
    track = Track(np.array([0.0, 3.0, 2.0, 2.0, 5.0]) if up else np.array([5.0, 2.0, 3.0, 1.0]), up)
    assert [track.at(track.nearest(rise, 1.0)) for rise in (0.5 + up, 2.0, 4.5, 9.0, -9.0)] == pytest.approx(
        [max(0.5 + up, track.rises.min()), 2.0, 4.5, track.rises.max(), track.rises.min()]
    )
    assert (
        track.nearest(2.5, 1.0) < track.nearest(2.5, 4.0) if up else track.nearest(2.5, 0.0) < track.nearest(2.5, 3.0)
    )


def test_curves_that_move_no_cell_are_refused():
    with pytest.raises(DataError, match=r"2 V, 50 ms never rises"):
        Response.of(UP, None, [0.0, -1e-9])
    with pytest.raises(DataError, match=r"-2.8 V, 50 ms never falls"):
        Response.of(UP, DOWN, [0.0, 1e-9], [1e-6, 1e-6])
