import math
from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.errors import DataError
from crossbar_hil.sim_backend.circuit import compile_kernels, crossbar_solution, solve_crossbar
from crossbar_hil.sim_backend.circuit.cells import Cubic, Sinh
from crossbar_hil.sim_backend.spiking.fused import FusedEngine
from crossbar_hil.sim_backend.spiking.wired import WiredEngine
from crossbar_hil.spiking.network.encoding import TESTING, TRAINING, spike_probabilities
from crossbar_hil.spiking.network.model import Cells, initial_state
from crossbar_hil.spiking.network.states import linear_states
from crossbar_hil.spiking.network.stepwise import Showing, StepwiseEngine
from crossbar_hil.spiking.tasks.models import published_model, published_states_model

K, N = 10, 5
RNG = np.random.default_rng(8)
IMAGES = RNG.choice([0.0, 0.2, 0.7, 1.0], (10, K))
IMAGES[1] = 0
LOW, HIGH = 5e-5, 1e-2


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    compile_kernels()  # so that small crossbars too are solved by the kernels from the first one on


def wired_currents(wire_ohm, cell=None):
    """The product with which `StepwiseEngine` does the same as `WiredEngine`, solving the circuit each time."""

    def product(conductances, spikes, spike_v):
        volts = np.where(spikes, np.float64(np.float32(spike_v)), 0.0)
        return solve_crossbar(conductances.astype(np.float64), volts[None], wire_ohm, cell)[0].astype(np.float32)

    return product


def small(model, **neurons):
    """A small network of the published kind with thresholds that make it spike often, though wires take much."""
    changed = {"threshold_v": 0.025, "cap_v": 0.03, "inhibition_v": 0.005, **neurons}
    return replace(model, neurons=replace(model.neurons, **changed))


def siemens(**neurons):
    return small(published_model("siemens", inputs=K, outputs=N), **neurons)


def with_synapses(model, **change):
    return replace(model, synapses=replace(model.synapses, **change))


STATES = linear_states(16, LOW, HIGH)
MODELS = {
    "published": siemens(),
    "128 nonlinear states": small(published_states_model(128, "nonlinear", inputs=K, outputs=N)),
    "highest, two steps refractory": siemens(
        contest="highest", cap_v=math.inf, own_refractory_s=2e-3, others_refractory_s=2e-3
    ),
    "all, others go on listening": siemens(contest="all", others_refractory_s=0.0),
    "others refractory for less time": siemens(own_refractory_s=4e-3, others_refractory_s=1e-3),
    "states by chance": with_synapses(siemens(), update_scheme="stochastic", states=STATES),
    "states with carry": with_synapses(siemens(), update_scheme="carry", states=STATES),
    "balanced gains": with_synapses(siemens(), column_siemens=0.05),
    "rest between": replace(siemens(), rest_between=True),
    "a clock that starts again": replace(siemens(), plasticity=replace(siemens().plasticity, wrap_steps=50)),
    "half the spike": replace(siemens(gain_ohm=2.0), spike_v=0.4),
    "real cells": replace(
        siemens(),
        cells=Cells(RNG.random((K, N)) < 0.2, RNG.normal(1, 0.1, (K, N)).astype(np.float32), 0.05),
    ),
}


def same(one, other):
    """Every spike, and all that spikes leave behind; membranes may differ by what a solver leaves open."""
    np.testing.assert_array_equal(one.raster, other.raster)
    np.testing.assert_array_equal(one.counts, other.counts)
    for name in ("weights", "gains", "last_inputs", "now", "presented"):
        np.testing.assert_array_equal(getattr(one.state, name), getattr(other.state, name), err_msg=name)
    for name in ("thresholds", "refractory"):
        np.testing.assert_array_equal(getattr(one.state.neurons, name), getattr(other.state.neurons, name))
    np.testing.assert_allclose(one.state.neurons.membranes, other.state.neurons.membranes, rtol=1e-5, atol=1e-9)


def compare(model, engine, plain, images, steps):
    state = initial_state(model, np.random.default_rng(3))
    training = Showing(steps, 5, TRAINING, first=3, learn=True, reset=model.rest_between, record=True)
    expected = plain.show(model, state, images, training)
    found = engine.show(model, state, images, training)
    assert expected.counts.sum() > 10, "too quiet to tell engines apart"
    same(expected, found)
    test = Showing(steps, 5, TESTING, reset=True, record=True)
    same(plain.show(model, expected.state, images, test), engine.show(model, found.state, images, test))
    return expected, found


@pytest.mark.parametrize("name", MODELS)
def test_with_wires_the_compiled_engine_spikes_and_learns_as_the_plain_one(name):
    plain = StepwiseEngine(wired_currents(1.0))
    compare(MODELS[name], WiredEngine(1.0), plain, spike_probabilities(IMAGES[:4]), 60)


@pytest.mark.campaign
@pytest.mark.parametrize("name", MODELS)
def test_with_wires_engines_agree_for_two_thousand_steps_of_training_and_of_test(name):
    plain = StepwiseEngine(wired_currents(1.0))
    compare(MODELS[name], WiredEngine(1.0), plain, spike_probabilities(np.tile(IMAGES, (2, 1))), 100)


@pytest.mark.parametrize("cell", [Cubic(), Sinh(b_per_v=2.0)], ids=["cubic", "sinh"])
def test_with_nonlinear_cells_the_compiled_engine_spikes_and_learns_as_the_plain_one(cell):
    plain = StepwiseEngine(wired_currents((1.0, 0.5), cell))
    compare(MODELS["published"], WiredEngine((1.0, 0.5), cell), plain, spike_probabilities(IMAGES[[0, 2, 3]]), 40)


def test_perfect_wires_give_the_spikes_of_the_ideal_crossbar():
    model, images = MODELS["128 nonlinear states"], spike_probabilities(IMAGES)
    state = initial_state(model, np.random.default_rng(3))
    training = Showing(100, 5, TRAINING, learn=True, record=True)
    same(FusedEngine().show(model, state, images, training), WiredEngine(0.0).show(model, state, images, training))


def test_wires_take_current_so_that_fewer_spikes_come_out():
    model, images = MODELS["published"], spike_probabilities(IMAGES)
    state = initial_state(model, np.random.default_rng(3))
    test = Showing(100, 5, TESTING)
    spikes = [WiredEngine(ohm).show(model, state, images, test).counts.sum() for ohm in (0.0, 1.0, 10.0, 200.0)]
    assert spikes == sorted(spikes, reverse=True)
    assert spikes[0] > spikes[2] > spikes[3] == 0


def test_circuits_are_solved_only_in_steps_in_which_a_neuron_listens_to_a_spike():
    model = MODELS["published"]
    state = initial_state(model, np.random.default_rng(3))
    images = spike_probabilities(np.ones((1, K)))
    engine = WiredEngine(1.0)
    shown = engine.show(model, state, images, Showing(60, 5, TRAINING, learn=True, record=True))
    steps = np.flatnonzero(shown.raster[0].any(axis=1))
    # In siemens the published neuron that fired is deaf for five steps, all others for six.
    deaf = {late for step in steps for late in range(step + 1, min(step + 6, 60))}
    assert len(steps) > 2
    assert engine.solved == 60 - len(deaf)
    assert WiredEngine(1.0).solved == 0
    dark = WiredEngine(1.0)
    dark.show(model, state, spike_probabilities(np.zeros((1, K))), Showing(60, 5, TRAINING, learn=True))
    assert dark.solved == 0


def test_the_current_of_a_lone_cell_obeys_ohms_law_with_its_two_wires():
    current = wired_currents(1.0)(np.array([[1e-3]], np.float32), np.array([True]), 0.5)
    np.testing.assert_allclose(current, 0.5 / 1002, rtol=1e-6)
    assert current.dtype == np.float32


def test_the_plain_product_is_the_output_of_the_whole_solution():
    rng = np.random.default_rng(0)
    siemens = rng.uniform(LOW, HIGH, (12, 9)).astype(np.float32)
    spikes = rng.random(12) < 0.5
    for cell in (None, Cubic()):
        expected = crossbar_solution(siemens, np.where(spikes, 1.0, 0.0)[None], 1.0, cell).currents[0]
        np.testing.assert_allclose(wired_currents(1.0, cell)(siemens, spikes, 1.0), expected, rtol=1e-6)


def test_engines_agree_at_the_published_size():
    model = published_states_model(128, "nonlinear")
    neurons = replace(model.neurons, threshold_v=0.2 / 65, cap_v=1 / 65, inhibition_v=0.05 / 40, increment_v=6.667e-5)
    model = replace(model, neurons=neurons)
    images = spike_probabilities(np.random.default_rng(1).choice([0.0, 0.0, 0.0, 0.6, 1.0], (1, 196)))
    compare(model, WiredEngine(1.0), StepwiseEngine(wired_currents(1.0)), images, 100)


def test_showing_images_changes_nothing_that_was_handed_in():
    model = MODELS["published"]
    state = initial_state(model, np.random.default_rng(3))
    before = state.weights.copy(), state.last_inputs.copy(), state.neurons.thresholds.copy()
    WiredEngine().show(model, state, spike_probabilities(IMAGES), Showing(60, 5, TRAINING, learn=True))
    for was, is_now in zip(before, (state.weights, state.last_inputs, state.neurons.thresholds), strict=True):
        np.testing.assert_array_equal(was, is_now)


def test_a_negative_wire_resistance_is_refused_by_name():
    model = MODELS["published"]
    state = initial_state(model, np.random.default_rng(3))
    with pytest.raises(DataError, match="wire_ohm -1 ohm"):
        WiredEngine(-1.0).show(model, state, spike_probabilities(IMAGES), Showing(5, 5, TESTING))
