"""When a training ends: confirmed, or since nothing can move any more; and cells that do not react to pulses."""

import numpy as np
import pytest

from crossbar_hil import DeviceBackend, Limits, Pulse, Trainer
from crossbar_hil.errors import DataError
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, draw_ensemble
from crossbar_hil.training import motion
from crossbar_hil.training.confirmation import suggested_confirmations
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.reactions import pulses_to_judge
from crossbar_hil.training.updates import Update

PULSE, DOWN = Pulse(2.0, 0.05), Pulse(-2.8, 0.001)
TASK = PatternSet.from_csv(data_file("perceptron"))
TRAIN = (TASK.train, TASK.train_labels)
FIGURE = ConductanceCurve.from_csv(data_file("figure2a"))
HIT, MISS = 3e-7, 1e-8


class Told(DeviceBackend):
    """One pair of cells whose output current in each evaluation was written down beforehand."""

    kind = "hardware"
    shape = (1, 2)
    limits = Limits(1.0, 3.0, 1.0)

    def __init__(self, outputs, noisy=None):
        self.outputs, self.noisy, self.pulses = list(outputs), noisy, []

    def _read_currents(self, voltages):
        self.pulses.append(0)
        return np.array([[self.outputs[len(self.pulses) - 1], 0.0], [1e-7, 1e-7]])

    def _send_pulses(self, counts, pulse):
        self.pulses[-1] += int(counts.sum())

    def make_safe(self):
        pass


def told(outputs, noisy=None, **settings):
    chip = Told(outputs, noisy)
    return Trainer(chip, beta=1e7, target=0.9, unresponsive=0, **settings).run([[1]], [[1]]), chip


def test_each_confirming_evaluation_is_an_epoch_without_pulses_and_one_that_misses_starts_anew():
    result, chip = told([MISS, HIT, HIT, MISS, HIT, HIT, HIT], confirm=3)
    assert (result.converged, result.epochs) == (True, 7)
    assert chip.pulses == [1, 0, 0, 1, 0, 0, 0]
    assert result.reason == "every target is met in 3 evaluations in a row, up to epoch 7"


def test_too_few_confirmations_by_the_last_epoch_are_not_converged_and_more_epochs_may_help():
    result, _ = told([MISS, HIT, HIT, HIT], confirm=4, epochs=4)
    assert (result.converged, result.verdict) == (False, "slow")
    assert "in the last 3 evaluation(s), 4 in a row are asked for" in result.reason


@pytest.mark.parametrize(("noisy", "epochs"), [(None, 1), (False, 1), (True, 18)])
def test_who_is_known_to_be_noisy_is_asked_eighteen_times(noisy, epochs):
    # (18 + 1) / (18 + 2) = 95 %; with 17 it would be 94.7 %.
    assert told([HIT] * 20, noisy)[0].epochs == epochs


def test_epochs_too_few_for_the_confirmations_that_noise_asks_for_are_refused_before_a_pulse():
    with pytest.raises(
        DataError, match=r"17 epochs are too few: with read noise 18 evaluations in a row .* set confirm"
    ):
        told([HIT] * 20, True, epochs=17)
    assert told([HIT] * 20, True, epochs=18)[0].converged
    assert told([HIT] * 20, True, epochs=17, confirm=2)[0].converged


def test_suggestions_are_one_with_little_noise_and_eighteen_with_more():
    assert [suggested_confirmations(noise) for noise in (0.0, 0.001, 0.01, 0.3)] == [1, 1, 18, 18]


@pytest.mark.parametrize("confirm", [0, -1, 1.5, True, 49])
def test_confirmations_that_cannot_be_had_are_refused(confirm):
    with pytest.raises(DataError, match="confirm"):
        told([], confirm=confirm)


# ---------------------------------------------------------------------- nothing can move


def own_chip(seed, curve, **settings):
    chip = SimulatedBackend(curve, draw_ensemble(1, seed=seed, span_siemens=(2e-8, 1e-7))[0], scale=10.0)
    return Trainer(chip, beta=6e6, target=0.8, epochs=200, **settings).run(*TRAIN)


@pytest.mark.parametrize("pull_back", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_no_pulse_follows_the_last_that_could_change_anything(seed, pull_back):
    curve = ConductanceCurve(4.5e-7 + 2.1e-7 * (1 - np.exp(-np.arange(31) / 7)))
    result = own_chip(seed, curve, pull_back=pull_back, give_up=True, unresponsive=10)
    if result.given_up:
        assert (np.diff(result.conductances, axis=0)[-1] != 0).any()
        assert not result.counts[-1].any()
        assert result.verdict == "stalled"
        assert result.given_up in result.reason
    to_the_letter = own_chip(seed, curve, pull_back=pull_back, give_up=False, unresponsive=0)
    assert result.converged == to_the_letter.converged
    np.testing.assert_array_equal(result.conductances[-1], to_the_letter.conductances[-1])


def test_a_chip_whose_ends_are_not_known_ends_once_no_cell_reacts():
    # The cell never changes: ten pulses, and then five evaluations without any.
    chip = Told([MISS] * 40)
    result = Trainer(chip, beta=1e7, target=0.9, epochs=40).run([[1]], [[1]])
    assert chip.pulses == [1] * 10 + [0] * 5
    assert result.given_up == (
        "no cell that the rule would pulse reacts to pulses (unresponsive = 10: raise it if the curve of the chip may "
        "be flat for longer)"
    )
    assert result.unresponsive.tolist() == [[True, False]]


def test_a_chip_that_begins_at_its_ends_gets_one_pulse_a_cell_and_ends():
    # Levels 0 to 30; the task wants a pair apart, and both cells have had their thirty pulses already.
    curve = ConductanceCurve(4.5e-7 + 1e-9 * np.arange(31))
    chip = SimulatedBackend(curve, np.full((1, 2), 5e-8))
    chip.send_pulses(np.full((1, 2), 30), PULSE)
    result = Trainer(chip, beta=1e7, target=0.9, epochs=40).run([[1]], [[1]])
    assert result.counts.sum(axis=0).tolist() == [[1, 0]]
    assert result.epochs == 2
    assert result.given_up == "every cell that the rule would pulse is at the end of its curve"


# ---------------------------------------------------------------------- cells that do not react


def test_a_stuck_cell_gets_ten_pulses_and_is_named():
    stuck = np.zeros((4, 4), dtype=bool)
    stuck[3, 1] = True
    levels = ConductanceCurve(4.5e-7 + 1.5e-9 * np.arange(200))
    chip = SimulatedBackend(levels, np.full((4, 4), 5e-8), scale=10.0, stuck=stuck)
    result = Trainer(chip, beta=6e6, target=0.8, epochs=150).run(*TRAIN)
    assert result.unresponsive.tolist() == stuck.tolist()
    assert result.counts[:, 3, 1].sum() == 10


FLATS = [
    np.concatenate([np.zeros(12), 1.2e-8 * np.arange(25)]),  # 13 equal levels: 12 pulses without a change, then some
    np.concatenate([1.2e-8 * np.arange(6), np.full(11, 6e-8), 6e-8 + 1.2e-8 * np.arange(1, 25)]),
]


@pytest.mark.parametrize("rises", FLATS, ids=["at the start", "in the middle"])
@pytest.mark.parametrize("unresponsive", [1, 10])
def test_a_flat_stretch_of_the_curve_is_no_missing_reaction(rises, unresponsive):
    for seed in range(4):
        result = own_chip(seed, ConductanceCurve(4.5e-7 + rises), unresponsive=unresponsive)
        forever = own_chip(seed, ConductanceCurve(4.5e-7 + rises), unresponsive=0)
        assert result.converged
        assert not result.unresponsive.any()
        np.testing.assert_array_equal(result.conductances, forever.conductances)


def test_a_flat_end_of_the_curve_leads_nowhere_and_does_not_count():
    ended = ConductanceCurve([1e-7, 2e-7, 2e-7, 2e-7, 3e-7, *[4e-7] * 30])
    assert (ended.flat_pulses, ConductanceCurve([1e-7] * 5).flat_pulses) == (2, 0)
    chip = SimulatedBackend(ended, np.full((1, 2), 5e-8))
    assert [Trainer(chip, unresponsive=each).unresponsive for each in (0, 1, 10)] == [0, 4, 10]


class OnlyDown(DeviceBackend):
    """A pair of cells that depressing pulses move, and others do not."""

    kind = "hardware"
    shape = (1, 2)
    limits = Limits(1.0, 3.0, 1.0)

    def __init__(self):
        self.siemens = np.full((1, 2), 1e-6)

    def _read_currents(self, voltages):
        return voltages @ self.siemens

    def _send_pulses(self, counts, pulse):
        if pulse.amplitude_v < 0:
            self.siemens = self.siemens - 1e-9 * counts

    def make_safe(self):
        pass


def test_pulses_of_one_direction_that_do_nothing_do_not_end_those_of_the_other():
    update = Update(PULSE, DOWN, both_ways=True)
    result = Trainer(OnlyDown(), update=update, beta=1e6, target=0.99, epochs=20, unresponsive=3).run([[1]], [[1]])
    assert result.counts.sum(axis=0).tolist() == [[3, 19]]
    assert result.unresponsive.tolist() == [[True, False]]


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.1])
def test_live_cells_are_not_called_unresponsive_for_noise(noise):
    # benchmarks/training/verdicts.py counts many more chips.
    for seed in range(12):
        rng = np.random.default_rng(seed)
        shifts = draw_ensemble(1, seed=seed, span_siemens=(2e-8, 1e-7))[0]
        chip = SimulatedBackend(FIGURE, shifts, scale=10.0, read_noise=noise, rng=rng)
        result = Trainer(chip, epochs=49, pull_back=True, give_up=True, unresponsive=10).run(*TRAIN)
        assert not result.unresponsive.any()


@pytest.mark.parametrize("chips", [5, pytest.param(10, marks=pytest.mark.campaign)])
def test_a_stuck_cell_is_told_from_noise_after_the_pulses_that_this_takes(chips):
    # 5 standard errors sigma sqrt(12 / K^3) are 0.1 % a pulse: K = (5 sqrt(12) x 0.01 / 0.001)^(2/3) = 31.07.
    assert pulses_to_judge(10, 0.01) == 32
    stuck = np.zeros((4, 4), dtype=bool)
    stuck[3, 1] = True
    levels = ConductanceCurve(4.5e-7 + 1.5e-9 * np.arange(400))
    named, had = 0, []
    for seed in range(chips):
        chip = SimulatedBackend(
            levels, np.full((4, 4), 5e-8), scale=10.0, stuck=stuck, read_noise=0.01, rng=np.random.default_rng(seed)
        )
        result = Trainer(chip, beta=6e6, target=0.8, epochs=120).run(*TRAIN)
        assert not (result.unresponsive & ~stuck).any()
        named += bool(result.unresponsive[3, 1])
        had.append(int(result.counts[:, 3, 1].sum()))
    assert named >= 0.8 * chips
    assert np.median(had) <= 36


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_what_was_longest_ago_is_let_go_of_and_the_same_cells_are_found(monkeypatch, noise):
    stuck = np.zeros((4, 4), dtype=bool)
    stuck[3, 1] = True
    levels = ConductanceCurve(4.5e-7 + 1.5e-9 * np.arange(400))
    found, held = [], []
    for kept in (1000, 40):
        monkeypatch.setattr(motion, "KEPT", kept)
        chip = SimulatedBackend(
            levels, np.full((4, 4), 5e-8), scale=10.0, stuck=stuck, read_noise=noise, rng=np.random.default_rng(3)
        )
        trainer = Trainer(chip, beta=6e6, target=0.8, epochs=250, confirm=250)  # so that it never ends
        epochs = []
        for each in trainer.iterate(*TRAIN):
            epochs.append(each)
            held.append(len(trainer._motion.sent) if kept == 40 else 0)
        found.append((trainer._motion.unresponsive, np.array([each.counts for each in epochs])))
    assert max(held) <= 80
    assert found[0][0].tolist() == found[1][0].tolist() == stuck.tolist()
    np.testing.assert_array_equal(found[0][1], found[1][1])


# ---------------------------------------------------------------------- what a rule says


@pytest.mark.parametrize(
    ("signs", "said"),
    [
        (np.array([[0.5], [0.0]]), "got 0.5 for row 1, output 1"),
        (np.array([[1.0], [np.nan]]), "got nan for row 2, output 1"),
        (np.array([[1.0, 0.0]]), r"signs of shape \(2, 1\), got an array of shape \(1, 2\)"),
        (None, "got None"),
    ],
)
def test_anything_but_a_sign_is_refused_by_name_before_a_pulse(signs, said):
    chip = SimulatedBackend(FIGURE, np.full((2, 2), 5e-8))
    trainer = Trainer(chip, rule=lambda voltages, deltas: signs)
    with pytest.raises(DataError, match=said):
        trainer.run([[0, 1], [1, 0]], [[1], [0]])
    assert not chip.pulsed
