"""Effects of devices by the compiled engine, by the plain one, and through the seam: the same to the last bit."""

import math
from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.errors import ConfigError
from crossbar_hil.sim_backend.circuit import solve_crossbar
from crossbar_hil.sim_backend.spiking.fused import FusedEngine
from crossbar_hil.sim_backend.spiking.wired import WiredEngine
from crossbar_hil.spiking.device_effects import DeviceEffects, with_effects
from crossbar_hil.spiking.network.encoding import TESTING, TRAINING, spike_probabilities
from crossbar_hil.spiking.network.model import initial_state
from crossbar_hil.spiking.network.seam_engine import SeamEngine
from crossbar_hil.spiking.network.states import as_falling, as_states, linear_states
from crossbar_hil.spiking.network.stepwise import Showing, StepwiseEngine
from crossbar_hil.spiking.tasks.models import published_model

K, N, STEPS = 24, 7, 40
IMAGES = spike_probabilities(np.random.default_rng(8).choice([0.0, 0.2, 0.7, 1.0], (3, K)))
EFFECTS = {
    "none": {},
    "stuck cells and rows": {"stuck": 0.2, "stuck_rows": 3},
    "dead and unformed cells": {"dead": 0.2, "unformed": 0.1},
    "start spread": {"start_spread": 0.4},
    "step spread": {"step_spread": 0.3},
    "shape spread": {"shape_spread": 0.5},
    "step variation": {"step_variation": 1.0},
    "write noise": {"write_noise": 0.03},
    "disturb": {"disturb": 0.05, "stuck": 0.2},
    "relaxation": {"relaxation_images": 2.0, "stuck": 0.2},
    "drift": {"drift": 0.3, "drift_spread": 0.2},
    "read noise": {"read_noise": 0.1},
    "column noise": {"column_noise": 0.3},
    "column offset": {"column_offset_a": 1e-3},
    "telegraph": {"telegraph": 0.5},
    "slow telegraph": {"telegraph": 0.5, "telegraph_share": 0.4, "telegraph_s": 0.01},
    "flicker": {"flicker": 0.2},
}
EFFECTS["all"] = {key: value for some in EFFECTS.values() for key, value in some.items()}
ALL = DeviceEffects(**EFFECTS["all"])


def small(**synapses):
    model = published_model("siemens", inputs=K, outputs=N)
    neurons = replace(model.neurons, threshold_v=0.06, cap_v=0.072, inhibition_v=0.015, others_refractory_s=1e-3)
    return replace(model, neurons=neurons, synapses=replace(model.synapses, **synapses))


LOW, HIGH = small().synapses.low_siemens, small().synapses.high_siemens
STATES = linear_states(16, LOW, HIGH)
CURVES = {
    "update_scheme": "pulse",
    "states": as_states(np.array([0.0, 0.2, 0.5, 0.75, 0.9, 1.0]) * (HIGH - LOW) + LOW),
    "falling": as_falling(np.array([1.0, 0.5, 0.2, 0.1, 0.0]) * (HIGH - LOW) + LOW),
}
RULES = {
    "soft": replace(small(), plasticity=replace(small().plasticity, soft=True)),
    "nearest": small(update_scheme="nearest", states=STATES),
    "stochastic": small(update_scheme="stochastic", states=STATES),
    "pulse": replace(small(**CURVES), plasticity=replace(small().plasticity, gain_siemens=1e-3, loss_siemens=9e-4)),
}
CARRY = small(update_scheme="carry", states=STATES)


def agree(model, *engines):
    state = initial_state(model, np.random.default_rng(3))
    found = [trained_and_tested(engine, model, state) for engine in engines]
    for other in found[1:]:
        for (name, one), (_, another) in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, another, err_msg=name)


def trained_and_tested(engine, model, state):
    """Return all that is left of a training in two parts, and of a test."""
    how = Showing(STEPS, 5, TRAINING, learn=True, record=True)
    first = engine.show(model, state, IMAGES[:1], how)
    rest = engine.show(model, first.state, IMAGES[1:], replace(how, first=1))
    test = engine.show(model, rest.state, IMAGES, Showing(STEPS, 5, TESTING, reset=True, record=True))
    assert sum(each.counts.sum() for each in (first, rest, test)) > 10, "too quiet to tell engines apart"
    after = rest.state
    return [
        *((f"spikes {place}", each.raster) for place, each in enumerate((first, rest, test))),
        *((name, getattr(after, name)) for name in ("weights", "gains", "last_inputs", "now", "presented")),
        *((name, getattr(after.neurons, name)) for name in ("thresholds", "membranes", "refractory")),
    ]


@pytest.mark.parametrize("name", EFFECTS)
def test_a_computed_network_and_one_through_the_seam_end_alike_with_an_effect(name):
    model = with_effects(small(), DeviceEffects(**EFFECTS[name]), 4)
    agree(model, StepwiseEngine(), FusedEngine(), SeamEngine())


@pytest.mark.parametrize("rule", RULES)
def test_so_they_do_with_all_effects_and_any_rule(rule):
    agree(with_effects(RULES[rule], ALL, 4), StepwiseEngine(), FusedEngine(), SeamEngine())


def test_so_does_a_compiled_network_whose_controller_carries_remainders():
    agree(with_effects(CARRY, ALL, 4), StepwiseEngine(), FusedEngine())


@pytest.mark.campaign
def test_with_wires_a_compiled_network_ends_as_the_plain_one_with_all_effects_but_those_of_single_cells():
    def solved(has, spikes, spike_v):
        return solve_crossbar(has.astype(float), spike_v * spikes[None].astype(float), 1.0)[0].astype(np.float32)

    model = with_effects(small(), replace(ALL, telegraph=0.0, flicker=0.0), 4)
    model = model.scaled(0.05)  # wires take less of smaller conductances
    state = initial_state(model, np.random.default_rng(3))
    plain, wired = (trained_and_tested(each, model, state) for each in (StepwiseEngine(solved), WiredEngine(1.0)))
    for (name, one), (_, other) in zip(plain, wired, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7, err_msg=name)


def test_single_cells_that_flutter_are_refused_with_wires():
    model = with_effects(small(), DeviceEffects(telegraph=0.1), 4)
    state = initial_state(model, np.random.default_rng(3))
    with pytest.raises(ConfigError, match="they go with perfect wires and ohmic cells only"):
        WiredEngine(1.0).show(model, state, IMAGES, Showing(5, 5, TESTING))


def test_every_effect_changes_what_a_network_does():
    def end(settings):
        model = with_effects(small(), DeviceEffects(**settings), 4)
        state = initial_state(model, np.random.default_rng(3))
        return trained_and_tested(FusedEngine(), model, state)

    ideal = end({})
    for name, settings in EFFECTS.items():
        same = all(np.array_equal(one, other) for (_, one), (_, other) in zip(ideal, end(settings), strict=True))
        assert same == (name == "none"), name
    assert math.isfinite(ideal[-2][1].sum())
