"""The ensemble against `Trainer` on a `SimulatedBackend`, chip by chip."""

import numpy as np
import pytest

from crossbar_hil import Pulse, Trainer
from crossbar_hil.errors import DataError, LimitError
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import (
    ConductanceCurve,
    EnsembleResult,
    SimulatedBackend,
    draw_ensemble,
    iterate_ensemble,
    train_ensemble,
)
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.rules.manhattan import manhattan_signs

CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
TASK = PatternSet.from_csv(data_file("perceptron"))
TRAIN = (TASK.train, TASK.train_labels)
DEFAULT = (2e-8, 1e-7)
REFERENCE = (1e-8, 1e-7)
REFERENCE_SETTINGS = {"beta": 6e6, "target": 0.8, "pull_back": True}
SHORT = ConductanceCurve([4.0e-7, 3.99e-7, 4.5e-7, 4.4e-7, 4.8e-7, 5.0e-7, 5.6e-7])


def left_alone(labels):
    """The rule in which an activation beyond its target has no gap."""
    senses = 2.0 * labels - 1.0
    return lambda voltages, deltas: manhattan_signs(voltages, np.where(deltas * senses > 0, deltas, 0.0))


def compare(curve, shifts, patterns, labels, *, scale=10.0, pull_back=False, **settings):
    """Train both ways and say that all numbers agree; return the ensemble's."""
    settings = {"check_labels": False, **settings}
    result = train_ensemble(curve, shifts, patterns, labels, scale=scale, pull_back=pull_back, threads=1, **settings)
    rule = manhattan_signs if pull_back else left_alone(labels)
    # What `Trainer` does if it is told of the pull back, not of the rule that amounts to it.
    ending = {"give_up": not pull_back, "unresponsive": 0 if pull_back else 10}
    for chip, own in enumerate(shifts):
        backend = SimulatedBackend(curve, own, scale=scale)
        alone = Trainer(backend, rule=rule, pull_back=True, **{**ending, **settings}).run(patterns, labels)
        of_both = (
            (alone.epochs, alone.converged, alone.pulses, int(alone.saturated.sum())),
            (result.epochs[chip], result.converged[chip], result.pulses[chip], result.saturated[chip]),
        )
        assert of_both[0] == of_both[1], f"chip {chip}"
        np.testing.assert_array_equal(result.levels[chip], backend.levels)
        assert result.error[chip] == pytest.approx(alone.errors[-1], rel=1e-9, abs=1e-15)
    return result


EVERY_WAY = pytest.mark.parametrize(
    ("span", "settings"),
    [(DEFAULT, {}), (DEFAULT, {"pull_back": True}), (REFERENCE, REFERENCE_SETTINGS)],
    ids=["default", "pull back", "reference"],
)


@EVERY_WAY
def test_every_chip_is_trained_as_by_the_trainer(span, settings):
    result = compare(CURVE, draw_ensemble(60, seed=11, span_siemens=span), *TRAIN, **settings)
    assert (0 < result.converged.sum() < len(result)) == settings.get("pull_back", False)


@pytest.mark.campaign
@EVERY_WAY
def test_twenty_thousand_chips_are_trained_as_by_the_trainer(span, settings):
    compare(CURVE, draw_ensemble(20_000, seed=12, span_siemens=span), *TRAIN, **settings)


def random_task(rng):
    """Patterns that ask for one thing each, some of them twice, with settings of all kinds."""
    rows, outputs, count = int(rng.integers(1, 10)), int(rng.integers(1, 5)), int(rng.integers(1, 9))
    patterns = np.unique(rng.integers(0, 2, (count, rows)), axis=0)
    labels = rng.integers(0, 2, (len(patterns), outputs))
    again = rng.integers(0, len(patterns), int(rng.integers(0, 3)))
    order = rng.permutation(len(patterns) + len(again))
    patterns, labels = (
        np.concatenate([patterns, patterns[again]])[order],
        np.concatenate([labels, labels[again]])[order],
    )
    target = float(rng.choice([0.3, 0.8, 0.95, 0.999]))
    settings = {
        "beta": float(10 ** rng.uniform(5.5, 8.5)),
        "target": target,
        "target0": float(rng.choice([-target, -0.2, -0.6])),
        "epochs": int(rng.integers(1, 70)),
        "scale": float(rng.choice([1.0, 10.0, 50.0])),
    }
    settings["v0"], settings["v1"] = [(-0.1, 0.1), (0.0, 0.1), (0.02, 0.1), (0.1, -0.1)][int(rng.integers(4))]
    return rows, outputs, patterns, labels, settings


def check_random_task(seed, chips):
    rng = np.random.default_rng(seed)
    rows, outputs, patterns, labels, settings = random_task(rng)
    curve = (CURVE, SHORT)[int(rng.integers(2))]
    shifts = rng.lognormal(np.log(5e-8), 0.6, (chips, rows, 2 * outputs)) + 1e-9
    compare(curve, shifts, patterns, labels, pull_back=bool(rng.integers(2)), **settings)


@pytest.mark.parametrize("seed", range(20))
def test_random_tasks_are_trained_as_by_the_trainer(seed):
    check_random_task(seed, chips=4)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(100, 600))
def test_many_random_tasks_are_trained_as_by_the_trainer(seed):
    check_random_task(seed, chips=40)


@pytest.mark.parametrize("pulse", [Pulse(2.0, 0.01), Pulse(2.0, 0.03)], ids=["measured", "between"])
def test_a_pulse_of_another_width_moves_cells_along_its_own_curve(pulse):
    compare(CURVE, draw_ensemble(10, seed=3, span_siemens=DEFAULT), *TRAIN, pulse=pulse, pull_back=True)


def test_equal_cells_whose_gradients_are_exactly_zero_get_no_pulse_and_keep_their_state():
    patterns, labels = np.array([[0, 1], [1, 0], [0, 0], [1, 1]]), np.array([[0], [0], [1], [1]])
    compare(CURVE, np.full((3, 2, 2), 5e-8), patterns, labels, epochs=5)


def test_patterns_without_any_voltage_are_trained_as_by_the_trainer():
    shifts = draw_ensemble(3, (2, 2), seed=5, span_siemens=DEFAULT)
    compare(CURVE, shifts, np.array([[0, 0]]), np.array([[1]]), v0=0.0, epochs=3)


def test_outputs_so_large_that_every_slope_is_zero_stall_as_with_the_trainer():
    shifts = draw_ensemble(8, seed=5, span_siemens=DEFAULT)
    result = compare(CURVE, shifts, *TRAIN, beta=1e12, epochs=6)
    assert not result.converged.all()


def test_a_target_that_only_rounding_reaches_is_left_to_the_trainer():
    compare(CURVE, draw_ensemble(3, seed=6, span_siemens=DEFAULT), *TRAIN, target=1 - 2**-52, epochs=8)


def test_an_output_exactly_at_its_target_counts_as_met_where_the_trainer_counts_it():
    levels = [4.0e-7, 5.0e-7, 6.0e-7]
    shifts = np.array([[[3e-8, 2e-8]], [[2e-8, 2e-8]]])
    target = float(np.tanh(5e7 * (0.1 * (10 * 3e-8) - 0.1 * (10 * 2e-8))))
    compare(ConductanceCurve(levels), shifts, np.array([[1]]), np.array([[1]]), target=target, epochs=4)


@pytest.mark.parametrize("noise", [{}, {"read_noise": 0.02}, {"step_variation": 0.3}], ids=str)
def test_threads_and_chunks_change_nothing(noise):
    settings = {"seed": 7, "span_siemens": DEFAULT, "confirm": 1, **noise}
    whole = next(iterate_ensemble(CURVE, 9000, *TRAIN, chunk=9000, threads=2, epochs=9, **settings))
    parts = list(iterate_ensemble(CURVE, 9000, *TRAIN, chunk=3777, threads=1, epochs=9, **settings))
    assert [part.first for part in parts] == [0, 3777, 7554]
    for name in ("converged", "epochs", "pulses", "error", "saturated", "levels"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(getattr(whole, name), joined)


def test_a_bench_like_loop_over_parts_can_begin_at_any_chip():
    later = next(iterate_ensemble(CURVE, 20, *TRAIN, seed=7, first=50, span_siemens=DEFAULT, read_noise=0.02))
    whole = next(iterate_ensemble(CURVE, 70, *TRAIN, seed=7, span_siemens=DEFAULT, read_noise=0.02))
    np.testing.assert_array_equal(later.levels, whole.levels[50:])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"beta": 0}, "beta 0 per ampere must be above zero"),
        ({"target": 1.0}, "target 1.0 must lie between -1 and 1"),
        ({"epochs": 0}, "epochs 0 must be a whole number"),
        ({"v1": -0.1}, "must be finite and differ"),
        ({"scale": 0.0}, "scale 0.0 must be finite and above zero"),
        ({"read_noise": -1.0, "seed": 1}, "read_noise -1.0 must be finite and not negative"),
        ({"read_noise": 0.1}, "effects that are drawn, read_noise, need a seed"),
        ({"read_noise": 0.1, "seed": -1}, "seed -1 must be a whole number of at least 0"),
        ({"threads": 0}, "0 threads cannot train"),
        ({"first": -2}, "first chip number -2 must not be negative"),
        ({"labels": TASK.train_labels[:, :1]}, "labels have 1 bits"),
        ({"patterns": TASK.train[:, :3]}, "patterns have 3 bits, but the chip has 4 rows"),
        ({"patterns": TASK.train + 1}, "patterns hold 2"),
        ({"shifts": np.zeros((4, 4))}, "shifts have shape"),
        ({"shifts": np.full((2, 4, 3), 5e-8)}, "column count 3 is odd"),
        ({"curve": SHORT, "shifts": np.zeros((2, 4, 4))}, "makes its conductance negative"),
    ],
)
def test_what_the_trainer_would_refuse_is_refused_in_the_same_words(wrong, said):
    given = {"curve": CURVE, "shifts": np.full((2, 4, 4), 5e-8), "patterns": TASK.train, "labels": TASK.train_labels}
    given.update(wrong)
    with pytest.raises(DataError, match=said):
        train_ensemble(**given)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"v1": 1.5}, "read voltage 1.5 V exceeds the limit"),
        ({"pulse": Pulse(2.5, 0.05)}, "is not in the measured curves"),
        ({"pulse": Pulse(3.5, 0.05)}, "exceeds the limit"),
    ],
)
def test_what_the_virtual_chip_does_not_bear_is_refused(wrong, said):
    with pytest.raises(LimitError, match=said):
        train_ensemble(CURVE, np.full((2, 4, 4), 5e-8), *TRAIN, **wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"chunk": 0}, "a chunk of 0 chips is empty"), ({"count": 0}, "an ensemble of 0 chips is empty")],
)
def test_an_empty_stream_is_refused(wrong, said):
    given = {"count": 5, "seed": 1, "span_siemens": DEFAULT, **wrong}
    with pytest.raises(DataError, match=said):
        next(iterate_ensemble(CURVE, patterns=TASK.train, labels=TASK.train_labels, **given))


def test_the_result_of_a_part_is_a_view_of_the_whole():
    whole = EnsembleResult.empty(10, (5, 2, 2), np.int32)
    whole.part(slice(2, 4)).epochs[:] = 7
    assert whole.epochs.tolist() == [0, 0, 7, 7, 0]
    assert whole.part(slice(2, 4)).first == 12
    assert len(whole) == 5


def test_chips_with_wires_are_those_of_the_trainer_whatever_the_share():
    shifts = draw_ensemble(6, (4, 4), seed=5, span_siemens=(2e-8, 1e-7))
    settings = {"wire_ohm": (2e4, 1e4), "epochs": 12, "unresponsive": 0}
    found = train_ensemble(CURVE, shifts, TASK.train, TASK.train_labels, threads=2, **settings)
    for chip, each in enumerate(shifts):
        backend = SimulatedBackend(CURVE, each, wire_ohm=settings["wire_ohm"])
        result = Trainer(backend, epochs=12, unresponsive=0).run(TASK.train, TASK.train_labels)
        assert (found.epochs[chip], found.converged[chip]) == (result.epochs, result.converged)
        assert found.pulses[chip] == result.pulses
        assert found.error[chip] == pytest.approx(result.errors[-1], abs=1e-12)
        np.testing.assert_array_equal(found.levels[chip], backend.levels)
    ideal = train_ensemble(CURVE, shifts, TASK.train, TASK.train_labels, epochs=12, threads=1)
    assert (found.pulses != ideal.pulses).any()


def test_a_chip_with_wires_and_noise_depends_on_its_number_alone():
    shifts = draw_ensemble(4, (4, 4), seed=5, span_siemens=(2e-8, 1e-7))
    settings = {"wire_ohm": 1e4, "read_noise": 0.02, "epochs": 4, "confirm": 1, "seed": 3, "threads": 1}
    whole = train_ensemble(CURVE, shifts, TASK.train, TASK.train_labels, **settings)
    part = train_ensemble(CURVE, shifts[2:], TASK.train, TASK.train_labels, first=2, **settings)
    np.testing.assert_array_equal(whole.levels[2:], part.levels)
    np.testing.assert_array_equal(whole.error[2:], part.error)
