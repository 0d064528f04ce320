import math
from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.sim_backend.spiking.fused import FusedEngine
from crossbar_hil.spiking.network.encoding import TESTING, TRAINING, spike_probabilities
from crossbar_hil.spiking.network.model import Cells, initial_state
from crossbar_hil.spiking.network.states import as_falling, as_states, linear_states
from crossbar_hil.spiking.network.stepwise import Showing, StepwiseEngine
from crossbar_hil.spiking.tasks.models import published_model, published_states_model

K, N, STEPS = 24, 7, 60
RNG = np.random.default_rng(8)
IMAGES = RNG.choice([0.0, 0.2, 0.7, 1.0], (3, K))
IMAGES[1] = 0


def weights(**synapses):
    """The published network in weight units, small enough to spike often."""
    model = published_model("weights", inputs=K, outputs=N)
    neurons = replace(model.neurons, threshold_v=8.0, cap_v=9.6, inhibition_v=2.0)
    return replace(model, neurons=neurons, synapses=replace(model.synapses, **synapses))


def siemens(model):
    return replace(model, neurons=replace(model.neurons, threshold_v=0.08, cap_v=0.096, inhibition_v=0.02))


def with_neurons(model, **change):
    return replace(model, neurons=replace(model.neurons, **change))


def with_plasticity(model, **change):
    return replace(model, plasticity=replace(model.plasticity, **change))


SIZES = {"inputs": K, "outputs": N}
STATES = linear_states(16, 0.0, 1.0)
CURVE = {
    "update_scheme": "pulse",
    "states": as_states([0.0, 0.2, 0.5, 0.75, 0.9, 1.0]),
    "falling": as_falling([1.0, 0.5, 0.2, 0.1, 0.0]),
}
MODELS = {
    "published, weights": weights(),
    "published, siemens": siemens(published_model("siemens", **SIZES)),
    "published, 256 linear states": siemens(published_states_model(256, **SIZES)),
    "published, 128 nonlinear states": siemens(published_states_model(128, "nonlinear", **SIZES)),
    "the clock starts again": with_plasticity(weights(), wrap_steps=50),
    "the clock goes on": with_plasticity(weights(), wrap_steps=None),
    "a perfect integrator": with_neurons(weights(), leak_s=math.inf, threshold_decay_s=1.0),
    "short refractoriness": with_neurons(weights(), own_refractory_s=3e-3, others_refractory_s=1e-3),
    "highest": with_neurons(weights(), contest="highest", cap_v=math.inf, increment_v=1.0),
    "all": with_neurons(weights(), contest="all", others_refractory_s=0.0),
    "soft": with_plasticity(weights(), soft=True, gain_siemens=0.1, loss_siemens=0.05),
    "stochastic": weights(update_scheme="stochastic", states=STATES),
    "stochastic, exponential states": weights(update_scheme="stochastic", states=as_states(np.geomspace(0.01, 1.0, 9))),
    "carry": weights(update_scheme="carry", states=STATES),
    "carry, balanced": weights(update_scheme="carry", states=STATES, column_siemens=12.0),
    "pulse": with_plasticity(weights(**CURVE), gain_siemens=0.1, loss_siemens=0.1),
    "balanced gains": weights(column_siemens=12.0),
    "rest between": replace(weights(), rest_between=True),
    "other neurons in tests": replace(weights(), test_neurons=replace(weights().neurons, contest="all")),
    "half the spike": replace(with_neurons(weights(), gain_ohm=2.5), spike_v=0.4),
    "real cells": replace(
        weights(column_siemens=12.0),
        cells=Cells(RNG.random((K, N)) < 0.2, RNG.normal(1, 0.1, (K, N)).astype(np.float32), 0.05),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_compiled_engine_spikes_and_learns_exactly_as_the_plain_one(name):
    model = MODELS[name]
    images = spike_probabilities(IMAGES)
    state = initial_state(model, np.random.default_rng(3))
    training = Showing(STEPS, 5, TRAINING, first=3, learn=True, reset=model.rest_between, record=True)
    plain, fused = (
        StepwiseEngine().show(model, state, images, training),
        FusedEngine().show(model, state, images, training),
    )
    assert plain.counts.sum() > 10, "too quiet to tell engines apart"
    same(plain, fused)
    test = Showing(STEPS, 5, TESTING, reset=True, record=True)
    same(StepwiseEngine().show(model, plain.state, images, test), FusedEngine().show(model, fused.state, images, test))


def same(one, other):
    np.testing.assert_array_equal(one.raster, other.raster)
    np.testing.assert_array_equal(one.counts, other.counts)
    for name in ("weights", "kept", "gains", "last_inputs", "now", "presented"):
        np.testing.assert_array_equal(getattr(one.state, name), getattr(other.state, name), err_msg=name)
    for name in ("membranes", "thresholds", "refractory"):
        np.testing.assert_array_equal(getattr(one.state.neurons, name), getattr(other.state.neurons, name))


def test_engines_agree_at_the_published_size_when_images_are_shown_in_two_calls():
    model = published_model("weights")
    images = spike_probabilities(np.random.default_rng(1).choice([0.0, 0.0, 0.0, 0.6, 1.0], (3, 196)))
    state = initial_state(model, np.random.default_rng(0))
    whole = StepwiseEngine().show(model, state, images, Showing(60, 1, TRAINING, learn=True, record=True))
    first = FusedEngine().show(model, state, images[:1], Showing(60, 1, TRAINING, learn=True, record=True))
    rest = FusedEngine().show(model, first.state, images[1:], Showing(60, 1, TRAINING, 1, learn=True, record=True))
    np.testing.assert_array_equal(whole.raster, np.concatenate([first.raster, rest.raster]))
    np.testing.assert_array_equal(whole.state.weights, rest.state.weights)


def test_showing_images_changes_nothing_that_was_handed_in():
    model = weights()
    state = initial_state(model, np.random.default_rng(3))
    before = state.weights.copy(), state.last_inputs.copy(), state.neurons.thresholds.copy()
    FusedEngine().show(model, state, spike_probabilities(IMAGES), Showing(STEPS, 5, TRAINING, learn=True))
    for was, is_now in zip(before, (state.weights, state.last_inputs, state.neurons.thresholds), strict=True):
        np.testing.assert_array_equal(was, is_now)
