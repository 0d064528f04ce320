"""How signs become pulses: what each option sends, on chips that are counted by hand."""

import numpy as np
import pytest

from crossbar_hil.backend import DeviceBackend, Limits, Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, lognormal_shifts
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.trainer import Trainer
from crossbar_hil.training.updates import Update

UP, DOWN = Pulse(2.0, 0.05), Pulse(-2.8, 0.001)
SIGNS = np.array([[1.0, -1.0], [0.0, 1.0]])
RISING, FALLING = np.array([[1, 0, 0, 1], [0, 0, 1, 0]]), np.array([[0, 1, 1, 0], [0, 0, 0, 1]])


class Ledger(DeviceBackend):
    """A chip whose cells rise by a step of their own at each pulse, and which writes down what it is sent."""

    kind = "simulated"
    limits = Limits(read_v=1.0, pulse_v=3.0, width_s=1.0)
    shape = (2, 4)

    def __init__(self, steps):
        self.siemens, self.steps, self.sent = np.ones(self.shape) * 1e-6, np.asarray(steps), []

    def _read_currents(self, voltages):
        return voltages @ self.siemens

    def _send_pulses(self, counts, pulse):
        self.sent.append((pulse, counts.tolist()))
        self.siemens = self.siemens + counts * self.steps * np.sign(pulse.amplitude_v)

    def make_safe(self):
        pass


def sent(update, steps=1e-7, conductances=None):
    chip = Ledger(np.broadcast_to(steps, (2, 4)))
    given = chip.siemens if conductances is None else np.asarray(conductances)
    return chip, update.send(chip, update.wanted(SIGNS, given), given, 0.1)


def test_the_plain_update_sends_one_pulse_to_the_cell_of_each_synapse_that_should_rise():
    chip, told = sent(Update(UP))
    assert chip.sent == [(UP, RISING.tolist())]
    np.testing.assert_array_equal(told.counts, RISING)
    assert not told.depressing.any()


def test_both_ways_depresses_the_partner_of_every_cell_that_rises():
    chip, told = sent(Update(UP, DOWN, both_ways=True))
    assert chip.sent == [(DOWN, FALLING.tolist()), (UP, RISING.tolist())]
    np.testing.assert_array_equal(told.counts, RISING + FALLING)
    np.testing.assert_array_equal(told.depressing, FALLING)


def test_a_refresh_depresses_the_partner_of_a_cell_that_is_full_and_leaves_the_cell_alone():
    full = [[5e-6, 1e-6, 1e-6, 1e-6], [5e-6, 1e-6, 1e-6, 1e-6]]  # the second one should not rise at all
    chip, told = sent(Update(UP, DOWN, ceiling_siemens=4e-6), conductances=full)
    assert chip.sent == [(DOWN, [[0, 1, 0, 0], [0, 0, 0, 0]]), (UP, [[0, 0, 0, 1], [0, 0, 1, 0]])]
    assert (told.counts.sum(), told.depressing.sum()) == (3, 1)


def test_write_and_verify_pulses_again_until_a_cell_has_risen_or_had_its_tries():
    steps = [[1e-7, 0, 0, 0.4e-7], [0, 0, 0, 0]]
    chip, told = sent(Update(UP, verify_siemens=0.99e-7, tries=5), steps)
    # One pulse is enough for the first cell, the second needs three of 40 nS, the third never moves.
    np.testing.assert_array_equal(told.counts, [[1, 0, 0, 3], [0, 0, 5, 0]])
    assert len(chip.sent) == 5


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"pulse": Pulse(-2.0, 0.05)}, "must be positive"),
        ({"pulse": UP, "depress": UP}, "must be negative"),
        ({"pulse": UP, "both_ways": True}, "need a depressing pulse"),
        ({"pulse": UP, "ceiling_siemens": 1e-6}, "need a depressing pulse"),
        ({"pulse": UP, "depress": DOWN, "both_ways": True, "ceiling_siemens": 1e-6}, "give one of the two"),
        ({"pulse": UP, "verify_siemens": float("nan")}, "verify_siemens nan S"),
        ({"pulse": UP, "verify_siemens": -1e-9}, "above zero"),
        ({"pulse": UP, "verify_siemens": 1e-9, "tries": 0}, "tries 0"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, word):
    with pytest.raises(DataError, match=word):
        Update(**options)


def chip_of(seed, **settings):
    rng = np.random.default_rng(seed)
    curve = ConductanceCurve.from_csv(data_file("figure2a"))
    return SimulatedBackend(curve, lognormal_shifts((4, 4), rng=rng, span_siemens=(1e-8, 1e-7)), rng=rng, **settings)


def task():
    found = PatternSet.from_csv(data_file("perceptron"))
    return found.train, found.train_labels


def test_without_pull_back_chips_converge_that_the_papers_rule_leaves_behind():
    settings = {"beta": 6e6, "target": 0.8}
    plain = [Trainer(chip_of(seed), **settings, pull_back=True).run(*task()).converged for seed in range(20)]
    kept = [Trainer(chip_of(seed), **settings).run(*task()).converged for seed in range(20)]
    assert sum(kept) == 20
    assert sum(plain) <= 8


@pytest.mark.fault("C8")
def test_an_activation_within_the_dead_zone_of_its_target_moves_nothing():
    wide = Trainer(chip_of(1), dead_zone=1.99, epochs=3).run(*task())
    assert wide.pulses == 0  # tanh lies at most 1.95 from a target of 0.95
    assert Trainer(chip_of(1), epochs=3).run(*task()).pulses > 0


@pytest.mark.parametrize("zone", [-0.1, 2.0, float("nan")])
def test_a_dead_zone_outside_its_range_is_refused(zone):
    with pytest.raises(DataError, match="dead_zone"):
        Trainer(chip_of(1), dead_zone=zone)


def test_two_different_pulses_are_refused():
    with pytest.raises(DataError, match="give one of the two"):
        Trainer(chip_of(1), pulse=Pulse(2.0, 0.01), update=Update(UP))


def test_options_of_a_bench_file_reach_the_run_and_its_record(tmp_path):
    settings = {"depress_v": "-2.8 V", "depress_s": "1 ms", "both_ways": True, "pull_back": True}
    bench = load_bench("simulated", overrides={"training": settings})
    outcome = train_and_record(bench, seed=1, out=tmp_path)
    recorded = load_run(outcome.folder).result
    np.testing.assert_array_equal(recorded.depressing, outcome.result.depressing)
    assert recorded.depressing.sum() * 2 == recorded.pulses > 0


def test_half_a_depressing_pulse_is_refused():
    with pytest.raises(ConfigError, match="depress_v goes with depress_s"):
        load_bench("simulated", overrides={"training": {"depress_v": -2.8}})
