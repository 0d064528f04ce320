from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.errors import ConfigError
from crossbar_hil.sim_backend.circuit import compile_kernels, solve_crossbar
from crossbar_hil.sim_backend.spiking.attenuated import AttenuatedEngine
from crossbar_hil.sim_backend.spiking.fused import FusedEngine
from crossbar_hil.sim_backend.spiking.wired import WiredEngine
from crossbar_hil.spiking.network.encoding import TESTING, TRAINING, spike_probabilities
from crossbar_hil.spiking.network.model import Cells, initial_state
from crossbar_hil.spiking.network.stepwise import Showing
from crossbar_hil.spiking.tasks.models import published_model

K, N = 10, 5
IMAGES = spike_probabilities(np.random.default_rng(8).choice([0.0, 0.2, 0.7, 1.0], (7, K)))
TRAIN = Showing(100, 5, TRAINING, first=3, learn=True, record=True)


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    compile_kernels()


def network(**change):
    model = published_model("siemens", inputs=K, outputs=N)
    neurons = replace(model.neurons, threshold_v=0.025, cap_v=0.03, inhibition_v=0.005)
    model = replace(model, neurons=neurons, **change)
    return model, initial_state(model, np.random.default_rng(3))


def same(one, other):
    np.testing.assert_array_equal(one.raster, other.raster)
    np.testing.assert_array_equal(one.counts, other.counts)
    np.testing.assert_array_equal(one.state.weights, other.state.weights)
    assert (one.state.now, one.state.presented) == (other.state.now, other.state.presented)


@pytest.mark.parametrize("images", [1, 3, 20])
def test_with_perfect_wires_it_spikes_and_learns_as_on_the_ideal_crossbar(images):
    model, state = network()
    ideal = FusedEngine().show(model, state, IMAGES, TRAIN)
    assert ideal.counts.sum() > 20
    same(AttenuatedEngine(0.0, images).show(model, state, IMAGES, TRAIN), ideal)


def test_while_weights_are_fixed_it_is_the_wired_engine():
    model, state = network()
    test = Showing(100, 5, TESTING, record=True)
    same(AttenuatedEngine(2.0).show(model, state, IMAGES, test), WiredEngine(2.0).show(model, state, IMAGES, test))


@pytest.mark.parametrize("factors", [None, np.full((K, N), 0.5, np.float32)], ids=["plain", "with factors"])
def test_cells_with_their_factors_carry_what_the_circuit_lets_arrive(factors):
    model, state = network(cells=Cells(factors=factors))
    shares = AttenuatedEngine(2.0).attenuate(model, state).cells.factors
    siemens = state.weights.astype(float) * (1.0 if factors is None else factors)
    spikes = np.array([[1, 0, 1, 0, 0, 1, 0, 0, 1, 1]], float)
    expected = solve_crossbar(siemens, spikes, 2.0)
    np.testing.assert_allclose(spikes @ (state.weights * shares), expected, rtol=1e-5)


def test_spikes_stay_near_those_of_the_wired_engine_while_a_training_is_young():
    model, state = network()
    one = WiredEngine(2.0).show(model, state, IMAGES[:1], TRAIN)
    other = AttenuatedEngine(2.0).show(model, state, IMAGES[:1], TRAIN)
    ideal = FusedEngine().show(model, state, IMAGES[:1], TRAIN)
    off, far = (np.abs(each.counts - one.counts).sum() for each in (other, ideal))
    assert off < far


def test_renewals_less_than_an_image_apart_are_refused():
    with pytest.raises(ConfigError, match="images 0 between two renewals"):
        AttenuatedEngine(1.0, 0)
