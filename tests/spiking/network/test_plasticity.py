import math
from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.errors import ConfigError
from crossbar_hil.spiking.network.plasticity import NEVER, in_steps, next_step, wanted_changes
from crossbar_hil.spiking.tasks.models import published_model

RULE = published_model("weights").plasticity
NUMBERS = in_steps(RULE, 1e-3)


def changes(last_inputs, now=100, column=None, rule=RULE):
    last_inputs = np.array(last_inputs, np.int64)
    column = np.full(len(last_inputs), 0.5, np.float32) if column is None else np.array(column, np.float32)
    return wanted_changes(column, last_inputs, now, in_steps(rule, 1e-3), np.float32(0), np.float32(1))


def test_an_input_of_the_same_step_gains_most_and_the_gain_falls_by_e_in_five_steps():
    np.testing.assert_allclose(changes([100, 99, 95]), [0.005, 0.005 * math.exp(-0.2), 0.005 / math.e], rtol=1e-6)


def test_ten_steps_are_recent_and_eleven_are_not():
    np.testing.assert_allclose(changes([90, 89, NEVER]), [0.005 * math.exp(-2), -0.003, -0.003], rtol=1e-6)


def test_a_spike_before_the_clock_started_again_is_not_recent():
    np.testing.assert_allclose(changes([9999, 0, 3], now=3), [-0.003, 0.005 * math.exp(-0.6), 0.005], rtol=1e-6)


def test_in_the_published_network_inputs_that_never_spiked_are_recent_in_the_first_ten_steps():
    assert RULE.first_input_step == 0
    assert (changes([0], now=10) > 0).all()
    assert (changes([0], now=11) < 0).all()


def test_the_published_clock_goes_from_10000_to_0_and_a_sound_one_on():
    assert [next_step(now, NUMBERS) for now in (9998, 9999, 10000)] == [9999, 10000, 0]
    assert next_step(10000, in_steps(replace(RULE, wrap_steps=None), 1e-3)) == 10001


def test_soft_bounds_leave_a_full_cell_alone_when_it_gains_and_an_empty_one_when_it_loses():
    rule = replace(RULE, soft=True)
    got = changes([100, 100, 100, 0, 0, 0], column=[0, 0.5, 1, 0, 0.5, 1], rule=rule)
    np.testing.assert_allclose(got, [0.005, 0.0025, 0, 0, -0.0015, -0.003], rtol=1e-6)


def test_a_scaled_rule_changes_as_much_more():
    np.testing.assert_allclose(changes([100, 0], rule=RULE.scaled(0.5)), [0.0025, -0.0015], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gain_siemens": -1.0}, "gain_siemens -1.0 of the plasticity must be finite and not negative"),
        ({"fall_s": 0.0}, "fall_s 0.0 of the plasticity must be above zero"),
        ({"wrap_steps": 0}, "wrap_steps 0 of the plasticity must be at least 1"),
    ],
)
def test_a_rule_out_of_range_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        replace(RULE, **change)
