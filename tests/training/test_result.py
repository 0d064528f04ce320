"""What a training leaves behind, and the verdict on it."""

import numpy as np
import pytest

from crossbar_hil import Pulse, Trainer, TrainingResult
from crossbar_hil.errors import DataError
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.training.result import Epoch

PULSE = Pulse(2.0, 0.05)


def result_of(errors, pulsed, saturated=(False, False), confirm=1):
    """A training of one row and one output that asks for 1: given errors, given pulses of its two cells."""
    epochs = [
        Epoch(
            number,
            conductances=np.array([[1e-6 * number, 1e-7]]),
            currents=np.array([[1e-7, 0.0]]),
            activations=np.array([[0.8 - error]]),
            shortfalls=np.array([[error]]),
            error=error,
            counts=np.array([counts]),
            depressing=np.zeros((1, 2), int),
        )
        for number, (error, counts) in enumerate(zip(errors, pulsed, strict=True), start=1)
    ]
    return TrainingResult.from_epochs(
        epochs,
        patterns=np.array([[1]]),
        labels=np.array([[1]]),
        target0=-0.8,
        target=0.8,
        saturated=np.array([saturated]),
        confirm=confirm,
    )


PLUS, NONE = [1, 0], [0, 0]


def test_a_result_stacks_its_epochs():
    result = result_of([0.5, 0.25, 0.0], [PLUS, PLUS, NONE])
    assert result.conductances.tolist() == [[[1e-6 * n, 1e-7]] for n in (1, 2, 3)]
    assert result.errors.tolist() == [0.5, 0.25, 0.0]
    assert (result.currents.shape, result.activations.shape, result.counts.shape) == ((3, 1, 2), (3, 1, 1), (3, 1, 2))
    assert result.pulses == 2


def test_the_weight_is_the_plus_cell_minus_the_minus_cell():
    assert np.allclose(result_of([0.5, 0.0], [PLUS, NONE]).weights, [[[0.9e-6]], [[1.9e-6]]], rtol=1e-12, atol=0)


def test_no_epoch_makes_no_result():
    with pytest.raises(DataError, match="at least one epoch"):
        result_of([], [])


def test_an_error_of_zero_is_converged():
    result = result_of([0.5, 0.0], [PLUS, NONE])
    assert result.converged is True
    assert result.verdict == "converged"
    assert result.reason == "every target is met at epoch 2"
    assert result.misses == []


def test_an_error_that_still_falls_is_slow():
    errors = [1.5 - 0.02 * n for n in range(48)]
    result = result_of(errors, [PLUS] * 47 + [NONE])
    assert result.converged is False
    assert result.verdict == "slow"
    assert "more epochs may help" in result.reason


@pytest.mark.fault("C4", "C14")
def test_saturation_of_every_cell_the_rule_would_pulse_is_stalled():
    result = result_of([0.9, 0.5, 0.5], [PLUS, PLUS, NONE], saturated=(True, False))
    assert result.verdict == "stalled"
    assert "every cell that the rule would pulse is at the end of its curve" in result.reason


def test_saturation_of_a_cell_that_is_not_pulsed_is_not_stalled():
    assert result_of([0.9, 0.5, 0.4], [PLUS, PLUS, NONE], saturated=(False, True)).verdict == "slow"


def test_a_gradient_of_zero_from_the_start_is_stalled():
    result = result_of([0.8, 0.8, 0.8], [NONE] * 3)
    assert result.verdict == "stalled"
    assert "the rule asked for no pulse, so none was sent" in result.reason


def test_a_gradient_that_becomes_zero_is_stalled():
    result = result_of([0.8, 0.7, 0.7, 0.7, 0.7], [PLUS, NONE, NONE, NONE, NONE])
    assert result.verdict == "stalled"
    assert "no more pulses are sent" in result.reason


def test_an_error_without_a_new_best_in_the_last_quarter_is_stalled():
    errors = [1.0 - 0.01 * n for n in range(36)] + [0.66] * 12
    result = result_of(errors, [PLUS] * 47 + [NONE])
    assert result.verdict == "stalled"
    assert "has not fallen below 0.65 in the last 12 epochs" in result.reason


def test_targets_met_too_seldom_in_a_row_are_told_as_what_they_are():
    errors = [0.5, 0.0, 0.4, 0.0, 0.0, 0.0, 0.2] + [0.3, 0.0] * 10 + [0.1]
    result = result_of(errors, [PLUS] * 27 + [NONE], confirm=4)
    assert result.verdict == "stalled"
    assert "every target was met in 3 evaluation(s) in a row at most, 4 are asked for" in result.reason


def test_a_single_missed_evaluation_is_no_proof_of_a_stall():
    assert result_of([0.5], [NONE]).verdict == "slow"


def test_misses_are_sorted_with_the_worst_first():
    # By hand: pattern 1, output 2 should be at most -0.8 and is 0.1: 0.9; pattern 2, output 1: 0.8 - 0.5 = 0.3.
    epoch = Epoch(
        1,
        conductances=np.full((2, 4), 1e-6),
        currents=np.zeros((2, 4)),
        activations=np.array([[0.9, 0.1], [0.5, -0.8]]),
        shortfalls=np.array([[0.0, 0.9], [0.3, 0.0]]),
        error=1.2,
        counts=np.zeros((2, 4), int),
        depressing=np.zeros((2, 4), int),
    )
    result = TrainingResult.from_epochs(
        [epoch],
        patterns=np.eye(2, dtype=int),
        labels=np.array([[1, 0], [1, 0]]),
        target0=-0.8,
        target=0.8,
        saturated=np.zeros((2, 4), bool),
    )
    assert [(miss.pattern, miss.output, miss.target) for miss in result.misses] == [(0, 1, -0.8), (1, 0, 0.8)]
    # One subtraction of decimals that are not exact in binary.
    assert np.allclose([miss.shortfall for miss in result.misses], [0.9, 0.3], rtol=0, atol=1e-15)
    assert "2 of 4 activations miss their target, the worst by 0.9 (pattern 1, output 2)" in result.reason
    assert epoch.met == 0


def trained(curve, shifts, **settings):
    chip = SimulatedBackend(ConductanceCurve(curve, PULSE), shifts)
    return Trainer(chip, pulse=PULSE, **settings).run([[0, 1], [1, 0]], [[1], [0]])


def test_a_curve_too_short_for_the_task_ends_stalled_with_its_cells_saturated():
    # Two levels 1 nS apart: after one pulse nothing moves, and 10 nS * 0.1 V * 1e6 / A cannot reach 0.9.
    result = trained([4e-7, 4.01e-7], np.full((2, 2), 1e-8), beta=1e6, target=0.9, epochs=20)
    assert result.verdict == "stalled"
    assert "at the end of its curve" in result.reason
    assert result.saturated.tolist() == [[False, True], [True, False]]


@pytest.mark.fault("C14")
def test_too_few_epochs_on_a_good_curve_end_slow():
    result = trained([4e-7 + 1e-9 * n for n in range(100)], np.full((2, 2), 1e-8), beta=1e6, target=0.9, epochs=5)
    assert result.verdict == "slow"


def test_an_error_that_moves_by_rounding_alone_is_stalled():
    # 00 and 11 are opposite voltages: whatever the weights, tanh(x) and tanh(-x) cannot both be 0.8, and the
    # error is 1.6 at every epoch but for rounding.
    chip = SimulatedBackend(
        ConductanceCurve([4e-7 + 1e-9 * n for n in range(300)], PULSE), [[3e-8, 2e-8], [2.5e-8, 4e-8]], scale=10.0
    )
    trainer = Trainer(chip, pulse=PULSE, beta=1e6, target=0.8, epochs=60, check_labels=False)
    result = trainer.run([[0, 0], [1, 1]], [[1], [1]])
    assert np.allclose(result.errors, 1.6, rtol=0, atol=1e-12)
    assert result.verdict == "stalled"
