import math
from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.errors import ConfigError
from crossbar_hil.spiking.network.neurons import (
    NeuronState,
    fire,
    in_steps,
    integrate,
    neurons_at_rest,
    relax_thresholds,
    reset_membranes,
)
from crossbar_hil.spiking.tasks.models import published_model

NEURONS = published_model("weights").neurons
NUMBERS = in_steps(NEURONS, 1e-3)


def state(membranes, thresholds=20.0, refractory=0):
    size = len(membranes)
    return NeuronState(
        np.array(membranes, np.float32),
        np.broadcast_to(np.float32(thresholds), size).copy(),
        np.broadcast_to(np.int32(refractory), size).copy(),
    )


def driven(before, currents, neurons=NEURONS):
    numbers = in_steps(neurons, 1e-3)
    gains = np.full(len(currents), numbers.gain)
    return integrate(before, np.array(currents, np.float32), gains, numbers)


def test_the_leak_comes_after_the_input():
    assert driven(state([10.0]), [5.0]).membranes.tolist() == [pytest.approx(15 * 0.92, rel=1e-6)]


def test_a_refractory_neuron_ignores_its_input_and_leaks():
    after = driven(state([10.0, 10.0], refractory=[2, 0]), [5.0, 5.0])
    assert after.membranes.tolist() == pytest.approx([9.2, 13.8])
    assert after.refractory.tolist() == [1, 0]


def test_an_infinite_leak_time_makes_a_perfect_integrator():
    after = driven(state([10.0]), [5.0], replace(NEURONS, leak_s=math.inf))
    assert after.membranes.tolist() == [15.0]


def test_a_membrane_does_not_fall_below_rest():
    assert driven(state([1.0]), [-5.0]).membranes.tolist() == [0.0]


def test_a_spike_resets_its_neuron_raises_its_threshold_and_inhibits_the_others():
    after, spikes = fire(state([3.0, 21.0, 7.0]), NUMBERS, learn=True)
    assert spikes.tolist() == [False, True, False]
    assert after.membranes.tolist() == [0.0, 0.0, 2.0]
    assert after.thresholds.tolist() == pytest.approx([20, 20.02, 20])
    assert after.refractory.tolist() == [5, 5, 5]


def test_thresholds_stand_still_while_nothing_is_learnt():
    after, _ = fire(state([3.0, 21.0]), NUMBERS, learn=False)
    assert after.thresholds.tolist() == [20.0, 20.0]


def test_of_two_that_cross_the_last_one_that_still_crosses_spikes_and_the_first_stays_reset():
    after, spikes = fire(state([21.0, 26.0, 24.0]), NUMBERS, learn=True)
    # 0 fires, 1 is at 21 and fires, 2 has lost 5 twice and does not.
    assert spikes.tolist() == [False, True, False]
    assert after.membranes.tolist() == [0.0, 0.0, 14.0]
    assert after.thresholds.tolist() == pytest.approx([20.02, 20.02, 20])


def test_a_contest_of_the_highest_has_one_winner_by_its_own_threshold():
    numbers = in_steps(replace(NEURONS, contest="highest"), 1e-3)
    after, spikes = fire(state([30.0, 26.0, 4.0], thresholds=[28.0, 20.0, 20.0]), numbers, learn=True)
    assert spikes.tolist() == [False, True, False]
    assert after.membranes.tolist() == [25.0, 0.0, 0.0]


def test_in_a_contest_of_all_everyone_who_crosses_spikes():
    numbers = in_steps(replace(NEURONS, contest="all"), 1e-3)
    after, spikes = fire(state([21.0, 22.0, 12.0]), numbers, learn=True)
    assert spikes.tolist() == [True, True, False]
    assert after.membranes.tolist() == [0.0, 0.0, 2.0]


def test_the_others_can_be_refractory_for_longer():
    after, _ = fire(state([3.0, 21.0]), in_steps(published_model("siemens").neurons, 1e-3), learn=True)
    assert after.refractory.tolist() == [5, 6] or after.refractory.tolist() == [6, 5]


def test_thresholds_decay_to_their_floor_and_stop_at_their_cap():
    after = relax_thresholds(state([0.0, 0.0, 0.0], thresholds=[20.0001, 22.0, 24.01]), NUMBERS)
    assert after.thresholds.tolist() == pytest.approx([20, 22 * 0.99999, 24])


def test_rest_keeps_only_the_thresholds():
    after = reset_membranes(state([3.0], thresholds=21.0, refractory=4))
    assert (after.membranes.tolist(), after.thresholds.tolist(), after.refractory.tolist()) == ([0.0], [21.0], [0])


def test_fresh_neurons_are_at_rest():
    after = neurons_at_rest(2, NEURONS)
    assert (after.membranes.tolist(), after.thresholds.tolist()) == ([0, 0], [20, 20])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threshold_v": 0.0}, "threshold_v 0.0 of the neurons must be above zero"),
        ({"inhibition_v": -1.0}, "inhibition_v -1.0 of the neurons must be finite and not negative"),
        ({"cap_v": 19.0}, "cap_v 19.0 lies below the threshold of 20.0 V"),
        ({"contest": "first"}, "contest 'first' is none of last, highest, all"),
        ({"leak_s": math.nan}, "leak_s nan of the neurons must be above zero"),
    ],
)
def test_neurons_out_of_range_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        replace(NEURONS, **change)


def test_a_time_that_is_no_whole_number_of_steps_is_refused():
    with pytest.raises(ConfigError, match=r"0.0055 s is not a whole number of steps of 0.001 s"):
        in_steps(replace(NEURONS, own_refractory_s=5.5e-3), 1e-3)
