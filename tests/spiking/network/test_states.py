import numpy as np
import pytest

from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.spiking.network.encoding import random_words
from crossbar_hil.spiking.network.states import (
    PUBLISHED_DENSITIES,
    Synapses,
    are_sent,
    as_falling,
    as_states,
    draw_state,
    linear_states,
    move_along,
    nearest_state,
    two_density_states,
)


def singles(*values):
    return np.array(values, np.float32)


def test_128_linear_states_are_78_microsiemens_apart():
    states = linear_states(128, 5e-5, 1e-2)
    assert (len(states), float(states[0]), float(states[-1])) == (128, pytest.approx(5e-5), pytest.approx(1e-2))
    np.testing.assert_allclose(np.diff(states), 7.83e-5, rtol=1e-3)


@pytest.mark.parametrize("count", PUBLISHED_DENSITIES)
def test_two_densities_meet_at_the_published_middle(count):
    lower, upper = PUBLISHED_DENSITIES[count]
    states = two_density_states(lower, upper, 5e-5, 1e-2)
    assert len(states) == count
    assert (states < np.float32(0.004975)).sum() == lower
    np.testing.assert_allclose(np.diff(states)[:lower], (0.004975 - 5e-5) / lower, rtol=1e-3)
    np.testing.assert_allclose(np.diff(states)[lower:], (0.01 - 0.004975) / (upper - 1), rtol=1e-3)


def test_the_nearest_state_is_the_lower_of_two_as_near_and_an_end_outside():
    got = nearest_state(singles(0, 1, 4), singles(-3, 0.5, 0.6, 2.5, 2.6, 9))
    assert got.tolist() == [0, 0, 1, 1, 4, 4]


def test_a_change_of_less_than_half_a_spacing_is_lost():
    states = linear_states(64, 5e-5, 1e-2)
    for change in (5e-5, -4.4e-5):
        assert (nearest_state(states, states[1:-1] + np.float32(change)) == states[1:-1]).all()


def test_a_state_drawn_by_chance_is_right_on_average():
    chances = random_words(3, 100_000)
    got = draw_state(singles(0, 1, 4), np.full(100_000, 1.6, np.float32), chances)
    assert set(got.tolist()) == {1.0, 4.0}
    assert got.mean() == pytest.approx(1.6, abs=4 * 3 * np.sqrt(0.2 * 0.8 / 1e5))


def test_a_state_is_left_alone_when_nothing_is_to_change():
    states = linear_states(16, 0, 1)
    assert (draw_state(states, states, random_words(1, 16)) == states).all()


def test_a_pulse_moves_a_cell_one_point_along_the_curve_and_not_beyond_its_end():
    got = move_along(singles(0, 4, 6, 7), singles(0, 4, 6, 7, 2))
    assert got.tolist() == [4, 6, 7, 7, 5]  # 2 is half-way between 0 and 4, so it goes half-way between 4 and 6
    assert move_along(as_falling([7, 3, 1, 0]), singles(7, 3, 1, 0, 5)).tolist() == [3, 1, 0, 0, 2]


def test_pulses_are_sent_by_chance_with_their_probability():
    chances = random_words(1, 3)
    assert are_sent(chances, singles(0, 0, -1)).tolist() == [False] * 3
    assert are_sent(chances, singles(1, 1, 2)).tolist() == [True] * 3
    assert are_sent(random_words(2, 40_000), np.full(40_000, 0.3, np.float32)).mean() == pytest.approx(0.3, abs=0.01)


def test_measured_states_must_increase_and_a_depression_curve_decrease():
    with pytest.raises(DataError, match="3 states must be at least two and increase from each to the next"):
        as_states([1.0, 3.0, 2.0])
    with pytest.raises(DataError, match="2 states must be at least two and increase"):
        as_falling([1.0, 2.0])
    with pytest.raises(DataError, match="1 states must be at least two"):
        as_states([1.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"update_scheme": "closest"}, "update scheme 'closest' is none of continuous, nearest"),
        ({"update_scheme": "nearest"}, "update scheme 'nearest' goes with states"),
        ({"states": linear_states(3, 0, 1)}, "update scheme 'continuous' goes without states"),
        ({"update_scheme": "pulse", "states": linear_states(3, 0, 1)}, "update scheme 'pulse' and a depression curve"),
        ({"column_siemens": 0.0}, "columns cannot be balanced to 0.0 S"),
    ],
)
def test_synapses_that_do_not_fit_together_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        Synapses(0.0, 1.0, **change)


def test_an_empty_range_is_refused():
    with pytest.raises(ConfigError, match=r"range 1.0 S to 1.0 S must have 0 <= low < high"):
        Synapses(1.0, 1.0)
