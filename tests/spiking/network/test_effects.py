"""Effects of devices: moments worked out by hand, and a short training written down here anew."""

import math
from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import ConfigError
from crossbar_hil.spiking.device_effects import DeviceEffects, with_effects
from crossbar_hil.spiking.network.effects import (
    bent,
    column_factors,
    conductances,
    disturbed,
    flutter,
    missed,
    relaxed,
    step_quantiles,
    varied,
)
from crossbar_hil.spiking.network.encoding import TESTING, TRAINING, spike_probabilities
from crossbar_hil.spiking.network.model import Cells, initial_state
from crossbar_hil.spiking.network.states import Synapses
from crossbar_hil.spiking.network.stepwise import Showing, StepwiseEngine
from crossbar_hil.spiking.network.virtual_chip import VirtualChip
from crossbar_hil.spiking.tasks.models import published_model

MANY = 60_000
UNIT = Synapses(0.0, 1.0)
NO_SPIKES = spike_probabilities(np.zeros((2, 6)))


def model_with(cells=None, inputs=6, outputs=3):
    return replace(published_model("weights", inputs=inputs, outputs=outputs), cells=cells or Cells())


@pytest.mark.parametrize("sigma", [0.3, 1.0, 3.0])
def test_steps_vary_as_a_gamma_distribution_of_mean_1(sigma):
    factors = step_quantiles(sigma).astype(float)
    shape = 1 / sigma**2
    assert factors.min() >= 0
    assert factors.mean() == pytest.approx(1, abs=1e-6)
    assert factors.std() == pytest.approx(sigma, rel=0.01)
    assert (factors**3).mean() == pytest.approx((shape + 1) * (shape + 2) / shape**2, rel=0.03)
    drawn = varied(np.ones(MANY, np.float32), Cells(step_variation=sigma), 7)
    assert drawn.mean() == pytest.approx(1, abs=4 * sigma / math.sqrt(MANY))


def test_write_noise_has_its_sigma_and_reaches_only_what_was_pulsed():
    pulsed = np.arange(MANY) % 2 == 0
    after = missed(np.full(MANY, 0.5, np.float32), pulsed, Cells(write_noise=0.03), UNIT, 7)
    assert (after[~pulsed] == 0.5).all()
    assert after[pulsed].std() == pytest.approx(0.03, rel=0.02)
    assert after[pulsed].mean() == pytest.approx(0.5, abs=4 * 0.03 / math.sqrt(MANY / 2))


def test_write_noise_stops_at_the_ends_of_the_range():
    after = missed(np.zeros(1000, np.float32), np.ones(1000, bool), Cells(write_noise=0.5), UNIT, 7)
    assert (after.min(), after.max()) == (0, 1)


def test_cells_relax_to_the_low_end_with_their_time_constant():
    model = replace(published_model("siemens", inputs=6, outputs=3), cells=Cells(relaxation_images=20.0))
    low, start = model.synapses.low_siemens, np.full((6, 3), 5e-3, np.float32)
    np.testing.assert_allclose(relaxed(start, 20, model) - low, (5e-3 - low) / math.e, rtol=1e-5)
    state = replace(initial_state(model, np.random.default_rng(0)), weights=start)
    dark = StepwiseEngine().show(model, state, NO_SPIKES, Showing(2, 1, TRAINING, learn=True))
    np.testing.assert_allclose(dark.state.weights - low, (5e-3 - low) * math.exp(-2 / 20), rtol=1e-5)
    test = StepwiseEngine().show(model, state, NO_SPIKES, Showing(2, 1, TESTING))
    assert (test.state.weights == start).all()


def test_stuck_cells_do_not_relax():
    stuck = np.zeros((6, 3), bool)
    stuck[0, 0] = True
    model = model_with(Cells(stuck, relaxation_images=1.0))
    after = relaxed(np.ones((6, 3), np.float32), 1, model)
    assert after[0, 0] == 1
    assert after[0, 1] == pytest.approx(1 / math.e)


def test_a_drift_of_a_twentieth_leaves_63_percent_after_four_decades():
    cells = Cells(drifts=np.full((6, 3), 0.05), drift_from=10, waited_images=9999.0)
    read = conductances(model_with(cells), np.ones((6, 3), np.float32), 10)
    np.testing.assert_allclose(read, 10**-0.2, rtol=1e-6)


def test_a_bent_cell_keeps_the_ends_of_its_range():
    got = bent(np.float32([1, 3, 5]), np.array([2.0, 2.0, 0.5]), np.float32(1), np.float32(5))
    np.testing.assert_allclose(got, [1, 2, 5], rtol=1e-6)


def test_a_pulse_disturbs_its_row_and_its_column_and_no_other_cell():
    before, weights = np.float32([0.5, 0.5, 0.5]), np.full((3, 2), 0.5, np.float32)
    weights[:, 0] = [0.6, 0.5, 0.4]
    got = disturbed(weights, before, 0, Cells(disturb=0.1), UNIT)
    np.testing.assert_allclose(got, [[0.59, 0.51], [0.5, 0.5], [0.41, 0.49]], rtol=1e-6)
    weights[2, 0] = 0.5  # the column has changed by 0.1 in all
    np.testing.assert_allclose(disturbed(weights, before, 0, Cells(disturb=0.1), UNIT)[:, 0], [0.6, 0.51, 0.51])


def test_noise_of_columns_has_its_sigma_and_is_another_one_for_each_image_and_column():
    noise = column_factors(Cells(column_noise=0.1), 3, TRAINING, 5, 400, 50)
    assert noise.std() == pytest.approx(0.1, rel=0.03)
    assert noise.mean() == pytest.approx(1, abs=4 * 0.1 / math.sqrt(noise.size))
    for one, next_one in ((noise[:-1], noise[1:]), (noise[:, :-1], noise[:, 1:])):
        assert abs(np.corrcoef(one.ravel(), next_one.ravel())[0, 1]) < 4 / math.sqrt(one.size)
    assert (column_factors(Cells(column_noise=0.1), 3, TRAINING, 7, 1, 50) == noise[2]).all()


def test_telegraph_noise_is_high_for_its_share_and_lasts_its_steps():
    cells, rows = Cells(telegraph=0.5, telegraph_share=0.2, telegraph_steps=10), np.arange(40)
    found = np.array([flutter(cells, 3, TRAINING, step, rows, 25) for step in range(400)])
    assert set(np.unique(found).tolist()) == {1.0, 1.5}
    assert (found > 1).mean() == pytest.approx(0.2, abs=4 * math.sqrt(0.16 / 40_000))
    same = (found[1:] == found[:-1]).all(axis=(1, 2))
    assert np.flatnonzero(~same).tolist() == list(range(9, 399, 10))


def test_flicker_has_its_sigma_and_a_correlation_that_falls_by_as_much_in_every_decade():
    cells, rows = Cells(flicker=0.1), np.arange(60)
    at = {step: flutter(cells, 3, TRAINING, step, rows, 100).ravel() - 1 for step in (0, 30, 300, 3000, 30_000)}
    assert at[0].std() == pytest.approx(0.1, rel=0.03)
    for lost, step in enumerate((30, 300, 3000, 30_000), 1):  # so many of the eight processes were drawn anew
        assert np.corrcoef(at[0], at[step])[0, 1] == pytest.approx(1 - lost / 8, abs=4 / math.sqrt(6000))


def test_what_is_drawn_from_a_seed_has_the_shares_asked_for():
    model = model_with(inputs=100, outputs=100)
    given = DeviceEffects(stuck=0.1, stuck_rows=10, dead=0.05, drift=0.1, drift_spread=0.02, shape_spread=0.4)
    cells = with_effects(model, given, 4).cells
    rows = cells.stuck.all(axis=1)
    assert rows.sum() == 10
    assert cells.stuck[~rows].mean() == pytest.approx(0.1 + 0.9 * 0.05, abs=0.012)
    assert sorted(cells.held[rows].min(axis=1).tolist()) == [0.0] * 5 + [1.0] * 5
    assert (cells.factors == 0).mean() == pytest.approx(0.05 * 0.9 * 0.9, abs=0.01)
    assert cells.drifts.mean() == pytest.approx(0.1, abs=0.001)
    assert cells.drifts.std() == pytest.approx(0.02, rel=0.03)
    assert np.log(cells.shapes).std() == pytest.approx(0.4, rel=0.03)
    state = initial_state(replace(model, cells=cells), np.random.default_rng(0))
    assert set(np.unique(state.weights[rows]).tolist()) == {0.0, 1.0}


# ------------------------------------------------------------------ a short training, written anew

GOLDEN = 0x9E3779B97F4A7C15


def finish(word):
    word %= 2**64
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB % 2**64
    return word ^ (word >> 31)


def word_of(numbers, *places):
    """Return the random word of whole numbers, and then of places in it."""
    word = 0
    for number in numbers:
        word = finish(word + number + GOLDEN)
    for place in places:
        word = finish(word + (place + 1) * GOLDEN)
    return word


def normal_of(word):
    total = sum((word >> 16 * part) % 2**16 for part in range(4))
    return (total - 2 * 65535) / math.sqrt((65536**2 - 1) / 3)


def train_anew(start, bright, steps, seed, *, miss, tau, hum, offsets):
    """Train three published neurons on six inputs with write noise, relaxation, lasting noise and offsets of columns.

    Source of every number but those of the effects: the published system, as docs/spiking_results.md cites it.
    """
    weights, outputs = start.astype(float), start.shape[1]
    membranes, thresholds = np.zeros(outputs), np.full(outputs, 6.0)
    deaf, last, now, spikes = np.zeros(outputs, int), np.zeros(len(start), int), 0, []
    for image, pixels in enumerate(bright):
        weights *= math.exp(-1 / tau)
        loud = [1 + hum * normal_of(word_of((seed, 0, image, 16), j)) for j in range(outputs)]
        for step in range(steps):
            driven = [word_of((seed, 0, image, 0), step, i) / 2**64 < pixel for i, pixel in enumerate(pixels)]
            now += 1
            for j in range(outputs):
                if deaf[j]:
                    deaf[j] -= 1
                elif any(driven):
                    membranes[j] += weights[driven, j].sum() * loud[j] + offsets[j]
            last[driven] = now
            membranes = np.maximum(membranes, 0) * 0.92
            fired = None
            for j in range(outputs):
                if membranes[j] >= thresholds[j]:
                    fired = j
                    thresholds[j] += 0.02
                    others = np.arange(outputs) != j
                    membranes = np.where(others, np.maximum(membranes - 1.5, 0), 0)
                    deaf[others] = np.maximum(deaf[others], 5)
                    deaf[j] = 5
            if fired is not None:
                spikes.append((image, step, fired))
                for i in range(len(start)):
                    age = now - last[i]
                    change = 0.05 * math.exp(-age / 5) if age <= 10 else -0.03
                    noise = normal_of(word_of((seed, 0, image, 1), step, fired, 2**32 + 1, i))
                    aimed = min(max(weights[i, fired] + change, 0), 1)
                    weights[i, fired] = min(max(aimed + miss * noise, 0), 1)
            thresholds = np.clip(thresholds * 0.99999, 6.0, 7.2)
    return spikes, weights, thresholds


def test_a_short_training_with_effects_is_the_one_that_is_written_here_anew():
    model = published_model("weights", inputs=6, outputs=3)
    model = replace(
        model,
        neurons=replace(model.neurons, threshold_v=6.0, cap_v=7.2, inhibition_v=1.5),
        plasticity=replace(model.plasticity, gain_siemens=0.05, loss_siemens=0.03),
    )
    offsets = np.float32([0.2, -0.1, 0.05])
    cells = Cells(write_noise=0.04, relaxation_images=9.0, column_noise=0.2, offsets=offsets)
    model = replace(model, cells=cells)
    bright = np.array([[1, 0.8, 0, 0.4, 0, 0.2], [0, 0, 1, 0.7, 0.9, 0.1], [0.5, 1, 0, 0, 0.6, 1]])
    state = initial_state(model, np.random.default_rng(2))
    showing = Showing(50, 11, TRAINING, learn=True, record=True)
    found = StepwiseEngine().show(model, state, spike_probabilities(bright), showing)
    spikes, weights, thresholds = train_anew(
        state.weights, bright, 50, 11, miss=0.04, tau=9.0, hum=0.2, offsets=offsets
    )
    assert len(spikes) > 10
    assert [tuple(each) for each in np.argwhere(found.raster).tolist()] == spikes
    np.testing.assert_allclose(found.state.weights, weights, atol=1e-5)
    np.testing.assert_allclose(found.state.neurons.thresholds, thresholds, rtol=1e-5)


# ------------------------------------------------------------------ the chip behind the seam


def test_a_pulse_of_the_virtual_chip_changes_a_cell_by_a_siemens_a_second():
    chip = VirtualChip(model_with(inputs=2, outputs=2), np.full((2, 2), 0.5, np.float32))
    chip.send_pulses([[1, 0], [0, 3]], Pulse(2.0, 0.1))
    chip.send_pulses([[0, 1], [0, 0]], Pulse(-2.8, 0.25))
    np.testing.assert_allclose(chip.weights, [[0.6, 0.25], [0.5, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(chip.read_currents([[1.0, 0.5]]), [[0.85, 0.65]], rtol=1e-6)
    np.testing.assert_allclose(chip.read_conductances(0.1), chip.weights, rtol=1e-6)


def test_what_only_a_controller_can_do_is_refused_by_the_virtual_chip():
    model = published_model("siemens", inputs=2, outputs=2)
    states = np.linspace(5e-5, 1e-2, 4).astype(np.float32)
    carry = replace(model, synapses=Synapses(5e-5, 1e-2, "carry", states))
    with pytest.raises(ConfigError, match="rule carry keeps remainders in a controller"):
        VirtualChip(carry, np.full((2, 2), 1e-3, np.float32))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"step_variation": -1.0}, "step_variation -1.0 of the cells must be finite"),
        ({"disturb": 2.0}, "disturb 2.0 of the cells is a share"),
        ({"relaxation_images": 0.0}, "relaxation_images 0.0 of the cells must be above zero"),
        ({"telegraph_steps": 0}, "telegraph_steps 0 of the cells must be at least 1"),
    ],
)
def test_cells_out_of_range_are_refused(given, told):
    with pytest.raises(ConfigError, match=told):
        Cells(**given)
