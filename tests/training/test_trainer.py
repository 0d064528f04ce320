"""The trainer. That it follows the equations is shown in test_equations_independently.py."""

import numpy as np
import pytest

from crossbar_hil import DeviceBackend, Limits, Pulse, Trainer
from crossbar_hil.errors import BackendError, DataError, LimitError
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.training.lines.arrangement import Arrangement

PULSE = Pulse(2.0, 0.05)
OPPOSITES = ([[0, 1], [1, 0]], [[1], [0]])


class Recorder(DeviceBackend):
    """A chip of ideal cells that rise by `step` a pulse; keeps every request in order."""

    kind = "simulated"

    def __init__(self, conductances, step=1e-8, limits=Limits(1.0, 3.0, 1.0)):  # noqa: B008 - frozen
        self.conductances = np.array(conductances, dtype=float)
        self.shape = self.conductances.shape
        self.limits = limits
        self.step = step
        self.requests = []
        self.fails_at = None

    def _read_currents(self, voltages):
        self.requests.append(("read", voltages.copy()))
        return voltages @ self.conductances

    def _send_pulses(self, counts, pulse):
        self.requests.append(("pulse", counts.copy(), pulse))
        if self.fails_at == self.sent:
            raise BackendError("the pulse generator is gone")
        self.conductances += self.step * counts

    def make_safe(self):
        self.requests.append(("safe",))

    @property
    def sent(self):
        return sum(request[0] == "pulse" for request in self.requests)


@pytest.fixture
def pair():
    """One output of two rows, with no weight."""
    return Recorder(np.full((2, 2), 1e-6))


# ---------------------------------------------------------------------- the loop


def test_training_that_meets_every_target_at_once_has_one_epoch_and_no_pulse():
    # Weight +1e-6 S on row 2, -1e-6 S on row 1: 0.1 V patterns give +-2e-7 A, and tanh(1e7 * 2e-7) = tanh(2) = 0.964.
    chip = Recorder([[1e-6, 2e-6], [2e-6, 1e-6]])
    result = Trainer(chip, pulse=PULSE, beta=1e7, target=0.96).run(*OPPOSITES)
    assert result.converged
    assert (result.epochs, result.pulses, chip.sent) == (1, 0, 0)


def test_the_last_evaluation_is_not_followed_by_a_pulse(pair):
    result = Trainer(pair, pulse=PULSE, beta=1e5, target=0.9, epochs=5).run(*OPPOSITES)
    assert not result.converged
    assert result.epochs == 5
    assert [request[0] for request in pair.requests] == ["read", "pulse"] * 4 + ["read"]
    assert not result.counts[-1].any()


def test_one_epoch_only_evaluates(pair):
    result = Trainer(pair, pulse=PULSE, beta=1e5, target=0.9, epochs=1).run(*OPPOSITES)
    assert (result.epochs, result.pulses, pair.sent) == (1, 0, 0)


def test_the_first_update_of_a_blank_pair_is_known_by_hand(pair):
    # Both activations are 0, so the deltas are +t and -t; V = (-,+) and (+,-): row 1 sums to -, row 2 to +.
    next(Trainer(pair, pulse=PULSE, target=0.9).iterate(*OPPOSITES))
    assert pair.requests[1][1].tolist() == [[0, 1], [1, 0]]
    assert pair.requests[1][2] == PULSE


def test_a_target_that_is_hit_exactly_is_met():
    # No voltage difference: the activation is tanh(0) = 0, the target of label 1 is 0.
    result = Trainer(Recorder([[1e-6, 1e-6]]), pulse=PULSE, target=0.0, target0=-0.5, epochs=2).run([[1]], [[1]])
    assert result.converged
    assert result.pulses == 0


def test_a_sum_of_zero_sends_no_pulse(pair):
    # Both patterns ask for 1 and are opposite, so each row's sum is +t - t.
    trainer = Trainer(pair, pulse=PULSE, target=0.9, epochs=6, check_labels=False, give_up=False)
    result = trainer.run([[0, 1], [1, 0]], [[1], [1]])
    assert result.pulses == 0
    assert result.epochs == 6
    assert (pair.conductances == 1e-6).all()


def test_a_row_at_zero_volts_in_every_pattern_is_never_pulsed():
    chip = Recorder(np.full((3, 2), 1e-6))
    result = Trainer(chip, pulse=PULSE, v0=0.0, v1=0.1, epochs=10).run([[0, 0, 1], [0, 1, 0]], [[1], [0]])
    assert result.counts[:, 0].sum() == 0
    assert result.counts[:, 1:].sum() > 0


@pytest.mark.parametrize("beta", [1e290, 1e300])
@pytest.mark.parametrize("spread", [0.0, 1e-7])
def test_a_huge_beta_neither_warns_nor_fails(beta, spread):
    shifts = 5e-8 + spread * np.random.default_rng(1).random((2, 2))
    chip = SimulatedBackend(ConductanceCurve([4e-7, 5e-7, 6e-7], PULSE), shifts)
    result = Trainer(chip, pulse=PULSE, beta=beta, epochs=10).run(*OPPOSITES)
    assert np.isfinite(result.activations).all()


def test_recorded_conductances_are_those_before_the_update(pair):
    result = Trainer(pair, pulse=PULSE, beta=1e5, target=0.9, epochs=3).run(*OPPOSITES)
    # 1 uS, then one step of 10 nS on the pulsed cells, then two. Measured as current over voltage: a few roundings.
    assert np.allclose(result.conductances[:, 0, 1], [1e-6, 1.01e-6, 1.02e-6], rtol=1e-12, atol=0)
    assert np.allclose(result.conductances[:, 0, 0], 1e-6, rtol=1e-12, atol=0)


def test_patterns_and_conductances_are_read_in_one_call_an_epoch(pair):
    next(Trainer(pair, pulse=PULSE, v0=-0.1, v1=0.2).iterate(*OPPOSITES))
    assert pair.requests[0][1].tolist() == [[-0.1, 0.2], [0.2, -0.1], [0.2, 0.0], [0.0, 0.2]]


def test_another_rule_decides_which_cells_are_pulsed(pair):
    trainer = Trainer(pair, pulse=PULSE, epochs=3, rule=lambda voltages, deltas: np.array([[1.0], [0.0]]))
    assert trainer.run(*OPPOSITES).counts.sum(axis=0).tolist() == [[2, 0], [0, 0]]


def test_a_device_that_fails_ends_the_training_with_its_error(pair):
    pair.fails_at = 2
    with pytest.raises(BackendError, match="the pulse generator is gone"):
        Trainer(pair, pulse=PULSE, beta=1e5, epochs=10).run(*OPPOSITES)
    assert pair.sent == 2


# ---------------------------------------------------------------------- iterate


def test_iterate_does_nothing_until_it_is_asked(pair):
    Trainer(pair, pulse=PULSE).iterate(*OPPOSITES)
    assert pair.requests == []


def test_iterate_checks_its_arguments_at_the_call(pair):
    with pytest.raises(DataError, match="labels"):
        Trainer(pair, pulse=PULSE).iterate([[0, 1]], [[2]])


def test_leaving_iterate_early_leaves_the_chip_as_the_last_epoch_left_it(pair):
    for epoch in Trainer(pair, pulse=PULSE, beta=1e5, epochs=40).iterate(*OPPOSITES):
        if epoch.number == 3:
            break
    assert pair.sent == 3
    assert np.allclose(pair.conductances, [[1e-6, 1.03e-6], [1.03e-6, 1e-6]], rtol=1e-12, atol=0)


def test_iterate_hands_out_the_epochs_that_run_records():
    settings = {"pulse": PULSE, "beta": 1e6, "target": 0.5, "epochs": 30}
    epochs = list(Trainer(Recorder(np.full((2, 2), 1e-6)), **settings).iterate(*OPPOSITES))
    result = Trainer(Recorder(np.full((2, 2), 1e-6)), **settings).run(*OPPOSITES)
    assert [epoch.number for epoch in epochs] == list(range(1, result.epochs + 1))
    assert [epoch.error for epoch in epochs] == result.errors.tolist()
    assert sum(epoch.pulses for epoch in epochs) == result.pulses


def test_an_epoch_says_how_many_patterns_are_met():
    # Weight +1e-6 S on row 2 only: pattern 01 gives +1e-7 A (met at target 0), pattern 11 too, which should be 0.
    chip = Recorder([[1e-6, 1e-6], [2e-6, 1e-6]])
    epoch = next(Trainer(chip, pulse=PULSE, target=0.1, target0=-0.1).iterate([[0, 1], [1, 1]], [[1], [0]]))
    assert epoch.met == 1


# ---------------------------------------------------------------------- refusals

BAD_SETTINGS = [
    ({"beta": 0.0}, "beta 0.0 per ampere must be above zero and at most 1e+300"),
    ({"beta": -1.0}, "beta -1.0 per ampere must be above zero and at most 1e+300"),
    ({"beta": np.nan}, "beta nan per ampere"),
    ({"beta": np.inf}, "beta inf per ampere"),
    ({"target": 1.0}, "target 1.0 must lie between -1 and 1"),
    ({"target": -1.0, "target0": -0.5}, "target -1.0 must lie between -1 and 1"),
    ({"target": np.nan}, "target nan must lie between -1 and 1"),
    ({"target0": -1.0}, "target0 -1.0 must lie between -1 and 1"),
    ({"target0": np.nan}, "target0 nan must lie between -1 and 1"),
    ({"target": 0.5, "target0": 0.6}, "target0 0.6 must be below target 0.5"),
    ({"target": 0.5, "target0": 0.5}, "target0 0.5 must be below target 0.5"),
    ({"target": 0.0}, "must be below target 0.0"),
    ({"epochs": 0}, "epochs 0 must be a whole number of at least 1"),
    ({"epochs": -3}, "epochs -3 must be a whole number of at least 1"),
    ({"epochs": 2.0}, "epochs 2.0 must be a whole number of at least 1"),
    ({"epochs": True}, "epochs True must be a whole number of at least 1"),
    ({"v0": 0.1, "v1": 0.1}, "v0 0.1 V and v1 0.1 V must be finite and differ"),
    ({"v0": np.nan}, "v0 nan V and v1 0.1 V must be finite"),
    ({"v1": np.inf}, "v0 -0.1 V and v1 inf V must be finite"),
]


@pytest.mark.parametrize(("setting", "message"), BAD_SETTINGS, ids=[str(setting) for setting, _ in BAD_SETTINGS])
def test_a_setting_outside_its_range_is_refused_and_nothing_is_sent(pair, setting, message):
    with pytest.raises(DataError) as refusal:
        Trainer(pair, pulse=PULSE, **setting)
    assert message in str(refusal.value)
    assert pair.requests == []


def test_an_odd_number_of_columns_is_refused():
    with pytest.raises(DataError, match="column count 3 is odd"):
        Trainer(Recorder(np.ones((2, 3))), pulse=PULSE)


def test_epochs_may_be_a_numpy_integer(pair):
    assert Trainer(pair, pulse=PULSE, beta=1e5, epochs=np.int64(2)).run(*OPPOSITES).epochs == 2


@pytest.mark.parametrize(
    ("patterns", "labels", "message"),
    [
        (
            [[0, 1, 1]],
            [[1]],
            r"patterns have 3 bits, but the chip has 2 rows; a virtual chip fits with rows = 3 in \[chip\]",
        ),
        (
            [[0]],
            [[1]],
            r"1 bits, but the chip has 2 rows; .*, a real one needs 1 rows in \[wiring\]; or --patterns FILE",
        ),
        (
            [[0, 1]],
            [[1, 0]],
            r"labels have 2 bits, but the chip of 2 columns has 1 output.* fits with columns = 4 in \[chip\]",
        ),
        ([[0, 1]], [[1], [0]], r"labels have shape \(2, 1\), expected \(1, \*\)"),
        ([0, 1], [[1]], "patterns have shape"),
        (np.zeros((0, 2)), np.zeros((0, 1)), "patterns have shape"),
        ([[0, 2]], [[1]], "patterns hold 2, expected only 0 and 1"),
        ([[0, 1]], [[0.5]], r"labels hold 0\.5, expected only 0 and 1"),
        ([[0, np.nan]], [[1]], "patterns hold nan"),
        ([[0, 1], [1, 0], [0, 1]], [[1], [0], [0]], "patterns 1 and 3 are both 01 but ask for 1 and 0"),
    ],
)
@pytest.mark.parametrize("verb", ["run", "iterate"])
def test_a_task_that_does_not_fit_is_refused_and_nothing_is_sent(pair, patterns, labels, message, verb):
    with pytest.raises(DataError, match=message):
        getattr(Trainer(pair, pulse=PULSE), verb)(patterns, labels)
    assert pair.requests == []


def test_a_pattern_given_twice_with_the_same_label_is_trained_on(pair):
    assert Trainer(pair, pulse=PULSE, beta=1e5, epochs=2).run([[0, 1], [0, 1]], [[1], [1]]).epochs == 2


def test_row_voltages_beyond_the_limit_are_refused_before_the_first_pulse(pair):
    with pytest.raises(LimitError, match=r"read voltage 2 V exceeds the limit of 1 V"):
        Trainer(pair, pulse=PULSE, v1=2.0).run(*OPPOSITES)
    assert pair.requests == []


def test_a_pulse_beyond_the_limit_is_refused_before_it_is_sent(pair):
    with pytest.raises(LimitError, match="pulse amplitude 5 V"):
        Trainer(pair, pulse=Pulse(5.0, 0.05)).run(*OPPOSITES)
    assert pair.sent == 0


def test_the_task_of_the_caller_is_not_changed(pair):
    patterns, labels = np.array([[0, 1], [1, 0]]), np.array([[1], [0]])
    result = Trainer(pair, pulse=PULSE, beta=1e5, epochs=2).run(patterns, labels)
    patterns[:] = 0
    assert result.patterns.tolist() == [[0, 1], [1, 0]]


# ---------------------------------------------------------------------- predict


def test_predict_tells_1_0_and_undecided_apart():
    # Weights +2e-6, -2e-6 and 0 S at 0.1 V: tanh(1e7 * 2e-7) = 0.964, its negative, and 0.
    chip = Recorder([[3e-6, 1e-6, 1e-6, 3e-6, 1e-6, 1e-6]])
    prediction = Trainer(chip, pulse=PULSE, beta=1e7, target=0.9).predict([[1]])
    assert prediction.outputs.tolist() == [[1, 0, -1]]
    assert np.allclose(prediction.activations, [[0.9640275800758169, -0.9640275800758169, 0.0]], rtol=0, atol=1e-9)


def test_predict_only_reads(pair):
    Trainer(pair, pulse=PULSE).predict([[0, 1], [1, 1]])
    assert [request[0] for request in pair.requests] == ["read"]


def test_predict_after_training_meets_the_labels(pair):
    trainer = Trainer(pair, pulse=PULSE, beta=1e7, target=0.6)
    assert trainer.run(*OPPOSITES).converged
    assert trainer.predict(OPPOSITES[0]).correct(np.array(OPPOSITES[1])).all()


def test_predict_refuses_patterns_of_another_width(pair):
    with pytest.raises(DataError, match="patterns have"):
        Trainer(pair, pulse=PULSE).predict([[0, 1, 1]])
    assert pair.requests == []


def test_a_network_judges_patterns_of_the_width_alone_that_it_was_made_for():
    chip = Recorder(np.full((8, 8), 1e-6))  # with room to spare: others would be read by rows of other inputs
    trainer = Trainer(chip, pulse=PULSE, arrangement=Arrangement((1,), bias=True))
    with pytest.raises(DataError, match="how many inputs and outputs a network has"):
        trainer.predict([[0, 1]])
    trainer.check_task([[0, 1], [1, 0]], [[1], [0]])
    for other in ([[1]], [[0, 1, 1]]):
        with pytest.raises(DataError, match=r"patterns have shape"):
            trainer.predict(other)
    assert chip.requests == []
    assert trainer.predict([[0, 1]]).outputs.shape == (1, 1)
