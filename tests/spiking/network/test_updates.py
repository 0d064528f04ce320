from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.spiking.network.devices import compensate_wires, lognormal_factors, stuck_masks, with_stuck
from crossbar_hil.spiking.network.model import Cells, SpikingModel, state_with
from crossbar_hil.spiking.network.plasticity import in_steps
from crossbar_hil.spiking.network.states import Synapses, linear_states
from crossbar_hil.spiking.network.updates import update_column
from crossbar_hil.spiking.tasks.models import published_model

START = np.full((3, 2), 0.5, np.float32)


def learnt(times=1, start=START, cells=None, **synapses):
    """Three inputs, two neurons: neuron 1 spikes, inputs 0 and 1 were in time; gain 0.02, loss 0.01."""
    model = published_model("weights", inputs=3, outputs=2)
    rule = replace(model.plasticity, gain_siemens=0.02, loss_siemens=0.01)
    model = replace(model, synapses=Synapses(0.0, 1.0, **synapses), plasticity=rule, cells=cells or Cells())
    state = replace(state_with(model, start), last_inputs=np.array([50, 50, 0]), now=50)
    for turn in range(times):
        state = update_column(state, model, in_steps(rule, 1e-3), 1, turn)
    return state


def test_only_the_column_of_the_neuron_that_spiked_learns():
    got = learnt()
    np.testing.assert_allclose(got.weights, [[0.5, 0.52], [0.5, 0.52], [0.5, 0.49]], rtol=1e-6)


def test_conductances_stop_at_the_ends_of_the_range():
    np.testing.assert_allclose(learnt(60).weights[:, 1], [1, 1, 0], atol=1e-6)


def test_small_changes_are_lost_on_the_nearest_state_and_kept_by_carry():
    states = linear_states(11, 0, 1)
    assert learnt(10, update_scheme="nearest", states=states).weights[:, 1].tolist() == pytest.approx([0.5, 0.5, 0.5])
    got = learnt(10, update_scheme="carry", states=states)
    np.testing.assert_allclose(got.kept[:, 1], [0.7, 0.7, 0.4], rtol=1e-5)
    np.testing.assert_allclose(got.weights[:, 1], [0.7, 0.7, 0.4], rtol=1e-5)


def test_stochastic_rounding_keeps_small_changes_on_average():
    start = np.full((4000, 2), 0.5, np.float32)
    model = published_model("weights", inputs=4000, outputs=2)
    synapses = Synapses(0.0, 1.0, "stochastic", linear_states(11, 0, 1))
    model = replace(model, synapses=synapses)
    state = replace(state_with(model, start), last_inputs=np.full(4000, 50), now=50)
    got = update_column(state, model, in_steps(model.plasticity, 1e-3), 1, 7).weights[:, 1]
    assert got.mean() == pytest.approx(0.505, abs=4 * 0.1 * np.sqrt(0.05 * 0.95 / 4000))


def test_a_stuck_cell_learns_nothing():
    stuck = np.zeros((3, 2), bool)
    stuck[0, 1] = True
    np.testing.assert_allclose(learnt(cells=Cells(stuck)).weights[:, 1], [0.5, 0.52, 0.49], rtol=1e-6)


def test_balanced_gains_leave_the_weights_alone():
    got = learnt(column_siemens=3.06)
    np.testing.assert_allclose(got.weights[:, 1], [0.52, 0.52, 0.49], rtol=1e-6)
    np.testing.assert_allclose(got.gains, [1, 2], rtol=1e-6)


def test_weights_outside_the_range_are_refused():
    with pytest.raises(DataError, match=r"weights from 0.5 S to 2 S must lie in 0 S to 1 S"):
        learnt(start=np.array([[0.5, 2.0]] * 3))


def test_the_published_states_are_taken_at_the_first_update_and_sound_ones_at_once():
    start = np.full((3, 2), 0.54, np.float32)
    states = linear_states(11, 0, 1)
    late = learnt(start=start, update_scheme="nearest", states=states, start_on_states=False)
    np.testing.assert_allclose(late.weights, [[0.54, 0.6], [0.54, 0.6], [0.54, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(learnt(start=start, update_scheme="nearest", states=states).weights, 0.5, rtol=1e-6)


def test_stuck_cells_are_as_many_as_asked_for_and_none_is_stuck_at_both_ends():
    low, high = stuck_masks((196, 50), rng=np.random.default_rng(2), at_low=0.1, at_high=0.2)
    assert not (low & high).any()
    cells = low.size
    assert abs(low.sum() - 0.1 * cells) < 4 * np.sqrt(0.09 * cells)
    assert abs(high.sum() - 0.2 * cells) < 4 * np.sqrt(0.16 * cells)


def test_cells_that_got_stuck_are_at_the_ends_of_the_range_and_the_rest_as_before():
    model: SpikingModel = published_model("siemens", inputs=3, outputs=2)
    state = state_with(model, START / 100)
    low, high = np.zeros((3, 2), bool), np.zeros((3, 2), bool)
    low[0, 0] = high[2, 1] = True
    model, state = with_stuck(model, state, low, high)
    np.testing.assert_allclose(state.weights, [[5e-5, 0.005], [0.005, 0.005], [0.005, 0.01]], rtol=1e-6)
    assert model.cells.stuck.sum() == 2


def test_the_spread_of_cells_has_median_1_and_the_sigma_asked_for():
    drawn = np.log(lognormal_factors((200, 200), 0.3, np.random.default_rng(4)).astype(float))
    assert abs(np.median(drawn)) < 0.01
    assert drawn.std() == pytest.approx(0.3, rel=0.02)


def test_gains_make_up_for_what_wires_take():
    state = compensate_wires(
        state_with(published_model("weights", inputs=3, outputs=2), START), [1e-3, 1e-3], [5e-4, 2.5e-4]
    )
    assert state.gains.tolist() == [2, 4]
    with pytest.raises(ConfigError, match="measured current 0 A of column 1 must be above zero"):
        compensate_wires(state, [1, 1], [1, 0])


def test_more_stuck_cells_than_cells_are_refused():
    with pytest.raises(ConfigError, match=r"shares 0.6 and 0.5 of stuck cells"):
        stuck_masks((2, 2), rng=np.random.default_rng(0), at_low=0.6, at_high=0.5)
