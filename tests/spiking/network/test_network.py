import math
from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.sim_backend.spiking.fused import FusedEngine
from crossbar_hil.spiking.network.encoding import TRAINING, spike_probabilities
from crossbar_hil.spiking.network.model import initial_state, state_with
from crossbar_hil.spiking.network.network import PUBLISHED, Protocol, SpikingNetwork
from crossbar_hil.spiking.network.neurons import in_steps
from crossbar_hil.spiking.network.stepwise import Showing, StepwiseEngine, ideal_currents
from crossbar_hil.spiking.tasks.images import digits
from crossbar_hil.spiking.tasks.models import LEAK, TUNED, published_model, published_states_model, tuned_model

FUSED = FusedEngine()


@pytest.fixture(scope="module")
def split():
    return digits((0, 1, 2, 9, 5))


def test_a_network_learns_the_shipped_digits_far_beyond_chance(split):
    network = SpikingNetwork(tuned_model(inputs=64, outputs=30), FUSED, seed=1, protocol=TUNED)
    network.train(split.train.intensities, split.train.labels)
    got = network.test(split.test.intensities, split.test.labels)
    assert got.images == len(split.test)
    assert got.accuracy > 0.8  # chance is 0.2


def test_the_same_seed_gives_the_same_network_and_another_seed_another(split):
    def weights(seed):
        network = SpikingNetwork(published_model(inputs=64, outputs=5), FUSED, seed=seed)
        network.train(split.train.intensities[:20], split.train.labels[:20])
        return network.state.weights

    assert (weights(1) == weights(1)).all()
    assert (weights(1) != weights(2)).any()


def test_a_test_changes_nothing_and_answers_do_not_depend_on_the_images_before(split):
    network = SpikingNetwork(published_model(inputs=64, outputs=5), FUSED, seed=1, protocol=Protocol())
    network.train(split.train.intensities[:20], split.train.labels[:20])
    state = network.state
    all_counts = network.respond(split.test.intensities[:10])
    assert network.state is state
    np.testing.assert_array_equal(network.respond(split.test.intensities[6:10], first=6), all_counts[6:])


def test_in_the_published_test_the_answers_do_depend_on_the_images_before(split):
    network = SpikingNetwork(published_model(inputs=64), FUSED, seed=1, protocol=PUBLISHED)
    all_counts = network.respond(split.test.intensities[:20])
    assert (network.respond(split.test.intensities[10:20], first=10) != all_counts[10:]).any()


def test_several_passes_show_new_spikes_and_shrinking_changes(split):
    protocol = Protocol(passes=2, rates=(1.0, 0.0), label_after=True)
    network = SpikingNetwork(published_model(inputs=64, outputs=5), FUSED, seed=1, protocol=protocol)
    first = network.learn(split.train.intensities[:10], 0)
    weights = network.state.weights
    second = network.learn(split.train.intensities[:10], 1)
    assert (first != second).any()
    assert (network.state.weights == weights).all()
    assert network.state.presented == 20


def test_a_network_without_labels_cannot_be_tested(split):
    with pytest.raises(DataError, match="the neurons have no labels yet"):
        SpikingNetwork(published_model(inputs=64), FUSED, seed=1).test(split.test.intensities, split.test.labels)


@pytest.mark.parametrize("engine", [FUSED, StepwiseEngine()], ids=["fused", "stepwise"])
def test_images_of_the_wrong_size_are_refused(engine):
    model = published_model()
    with pytest.raises(
        DataError, match=r"images have shape \(1, 64\) and type uint64, expected spike probabilities of shape"
    ):
        engine.show(
            model,
            initial_state(model, np.random.default_rng(0)),
            spike_probabilities(np.ones((1, 64))),
            Showing(1, 0, 0),
        )


def test_a_step_is_one_millisecond_and_the_published_shares_come_back_from_the_times():
    model = published_model()
    numbers = in_steps(model.neurons, model.step_s)
    assert model.step_s == 1e-3
    assert numbers.leak == np.float32(LEAK)
    assert numbers.decay == np.float32(0.99999)
    assert (numbers.own, numbers.others) == (5, 5)
    assert in_steps(published_model("siemens").neurons, 1e-3).others == 6


def test_a_network_in_other_units_spikes_exactly_alike():
    images = spike_probabilities(np.random.default_rng(1).random((3, 20)))
    model = published_model(inputs=20, outputs=4)
    model = replace(model, neurons=replace(model.neurons, threshold_v=10.0, cap_v=12.0))
    small = model.scaled(2.0**-7)  # about 0 to 8 mS
    assert small.synapses.high_siemens == 2.0**-7
    assert small.neurons.gain_ohm == 2.0**7
    weights = initial_state(model, np.random.default_rng(2)).weights
    showing = Showing(200, 3, TRAINING, learn=True, record=True)
    one = FUSED.show(model, state_with(model, weights), images, showing)
    other = FUSED.show(small, state_with(small, weights * np.float32(2.0**-7)), images, showing)
    assert one.counts.sum() > 20
    np.testing.assert_array_equal(one.raster, other.raster)
    np.testing.assert_array_equal(one.state.weights, other.state.weights * 2**7)


def test_the_currents_of_an_ideal_crossbar_follow_from_ohm_and_kirchhoff():
    got = ideal_currents(
        np.array([[1e-3, 2e-3], [4e-3, 8e-3], [5e-3, 5e-3]], np.float32), np.array([True, True, False]), 0.5
    )
    np.testing.assert_allclose(got, [2.5e-3, 5e-3], rtol=1e-6)


def test_another_product_takes_the_place_of_the_ideal_crossbar():
    model = published_model(inputs=4, outputs=2)
    nothing = StepwiseEngine(lambda conductances, spikes, spike_v: np.zeros(2, np.float32))
    images = spike_probabilities(np.ones((1, 4)))
    state = state_with(model, np.ones((4, 2), np.float32))
    assert nothing.show(model, state, images, Showing(50, 0, TRAINING)).counts.sum() == 0
    assert StepwiseEngine().show(model, state, images, Showing(50, 0, TRAINING)).counts.sum() > 0


def test_the_published_threshold_is_reached_after_the_steps_that_a_hand_calculation_gives():
    # Four inputs of weight 1 at every step: U = 4 (0.92 + 0.92**2 + ...) = 46 (1 - 0.92**n) reaches 20 first at n = 7.
    model = published_model(inputs=4, outputs=1)
    got = StepwiseEngine().show(
        model,
        state_with(model, np.ones((4, 1), np.float32)),
        spike_probabilities(np.ones((1, 4))),
        Showing(30, 0, 0, record=True),
    )
    # Then five steps of refractoriness, and seven more.
    assert np.flatnonzero(got.raster[0, :, 0]).tolist() == [6, 18]
    assert 46 * (1 - LEAK**6) < 20 <= 46 * (1 - LEAK**7)
    assert math.isclose(LEAK / (1 - LEAK), 11.5)


def test_unpublished_states_are_refused():
    with pytest.raises(ConfigError, match="100 states of 'nonlinear' spacing are not published"):
        published_states_model(100, "nonlinear")
    with pytest.raises(ConfigError, match="published units 'volts' are none of weights, siemens"):
        published_model("volts")


def test_a_protocol_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="passes 0 must be at least 1"):
        Protocol(passes=0)
