"""Chips with wires in lock-step, against `Trainer` on a `SimulatedBackend` chip by chip, and a dense solution."""

import math
from collections import Counter

import numpy as np
import pytest

from crossbar_hil import Pulse, Trainer
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, draw_ensemble, train_ensemble
from crossbar_hil.sim_backend.chip.array_circuit import ArrayCircuit
from crossbar_hil.sim_backend.circuit import STANDARD, Topology
from crossbar_hil.sim_backend.circuit.cells import Ohmic
from crossbar_hil.sim_backend.circuit.dense import dense_potentials
from crossbar_hil.sim_backend.circuit.network import checked_wires, lay_out_network
from crossbar_hil.sim_backend.circuit.solution import output_currents
from crossbar_hil.sim_backend.ensemble import wired_kernel, wired_reactions
from crossbar_hil.sim_backend.ensemble.half_select import half_select
from crossbar_hil.sim_backend.ensemble.plan import Plan
from crossbar_hil.sim_backend.ensemble.wired import loss_by_siemens, pulses_certain, wired_transfer
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.reactions import Reactions

CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
TASK = PatternSet.from_csv(data_file("perceptron"))
TRAIN = (TASK.train, TASK.train_labels)
SPAN = (2e-8, 1e-7)
SHORT = ConductanceCurve([4.0e-7, 3.99e-7, 4.5e-7, 4.4e-7, 4.8e-7, 5.0e-7, 5.6e-7])


@pytest.fixture
def alone(monkeypatch):
    """Count the chips that are left to `Trainer`."""
    counted = []
    by_trainer = Plan._by_trainer
    monkeypatch.setattr(Plan, "_by_trainer", lambda *given: (counted.append(given[3]), by_trainer(*given))[1])
    return counted


def compare(shifts, patterns, labels, *, curve=CURVE, scale=10.0, chip, **settings):
    """Train both ways and say that all numbers agree; return the ensemble's."""
    settings = {"check_labels": False, **settings}
    found = train_ensemble(curve, shifts, patterns, labels, scale=scale, threads=1, **chip, **settings)
    for number, own in enumerate(shifts):
        backend = SimulatedBackend(curve, own, scale=scale, **chip)
        result = Trainer(backend, **settings).run(patterns, labels)
        of_both = (
            (result.epochs, result.converged, result.pulses, int(result.saturated.sum())),
            (found.epochs[number], found.converged[number], found.pulses[number], found.saturated[number]),
        )
        assert of_both[0] == of_both[1], f"chip {number}"
        np.testing.assert_allclose(found.levels[number], backend.levels, rtol=0, atol=1e-9)
        assert found.error[number] == pytest.approx(result.errors[-1], rel=1e-7, abs=1e-12)
    return found


BOTH = {"drive": "both", "sense": "both"}
WAYS = [
    (20, {"wire_ohm": 5.0}, {"pull_back": True}),
    (20, {"wire_ohm": 5.0}, {"beta": 1e7, "target": 0.9}),
    (10, {"wire_ohm": (0.0, 800.0)}, {"pull_back": True, "epochs": 12}),
    (12, {"wire_ohm": (5.0, 2.0), "write": "half-select"}, {"epochs": 8}),
]
"""With one kernel, which is compiled; the others are compiled in campaigns."""
JUDGED = {"wire_ohm": 500.0}, {"pull_back": True, "unresponsive": 10, "give_up": True, "epochs": 24}
IDS = ["pull back", "default", "ideal word lines", "half-select"]


@pytest.mark.parametrize(("chips", "chip", "settings"), WAYS, ids=IDS)
def test_some_chips_with_wires_are_trained_as_by_the_trainer(alone, chips, chip, settings):
    found = compare(draw_ensemble(chips, seed=11, span_siemens=SPAN), *TRAIN, chip=chip, **settings)
    assert found.converged.any()
    assert not alone


def test_chips_whose_cells_are_judged_by_readings_are_trained_as_by_the_trainer(alone, interpreted, monkeypatch):
    judged, all_react = [], wired_kernel.all_react
    monkeypatch.setattr(wired_kernel, "all_react", lambda *given: judged.append(all_react(*given)) or judged[-1])
    compare(draw_ensemble(28, seed=11, span_siemens=SPAN)[9::9], *TRAIN, chip=JUDGED[0], **JUDGED[1])
    assert not alone
    assert len(judged) > 20


ENDS = {"wire_ohm": 2e4, **BOTH}, {"epochs": 12}


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("chip", "settings"), [JUDGED, ENDS, *(way[1:] for way in WAYS)], ids=["judged by readings", "both ends", *IDS]
)
def test_five_thousand_chips_with_wires_are_trained_as_by_the_trainer(alone, chip, settings):
    compare(draw_ensemble(1000, seed=12, span_siemens=SPAN), *TRAIN, chip=chip, **settings)
    assert len(alone) < 5


def random_task(seed, chips):
    """A task of any size up to 32 x 32 with any wires, learning options and curve."""
    rng = np.random.default_rng(seed)
    most = 9 if seed % 10 else 33
    rows, outputs, count = int(rng.integers(1, most)), int(rng.integers(1, (most + 1) // 2)), int(rng.integers(1, 9))
    patterns = np.unique(rng.integers(0, 2, (count, rows)), axis=0)
    labels = rng.integers(0, 2, (len(patterns), outputs))
    again = rng.integers(0, len(patterns), 2)
    target = float(rng.choice([0.3, 0.8, 0.95, 0.999]))
    ohm = [float(each) for each in rng.choice([0.0, 1.0, 30.0, 1e3, 2e4], 2)]
    wires = tuple(ohm) if rng.integers(4) else (ohm[0] * np.arange(rows), ohm[1] * rng.random(2 * outputs))
    settings = {
        "beta": float(10 ** rng.uniform(5.5, 8.5)),
        "target": target,
        "target0": float(rng.choice([-target, -0.2])),
        "epochs": int(rng.integers(3, 50)),
        "pull_back": bool(rng.integers(2)),
        "give_up": [None, True, False][int(rng.integers(3))],
        "unresponsive": [None, 0, 4, 12][int(rng.integers(4))],
        "confirm": [None, 1, 3][int(rng.integers(3))],
    }
    settings["v0"], settings["v1"] = [(-0.1, 0.1), (0.0, 0.1), (0.02, 0.1), (0.1, -0.1)][int(rng.integers(4))]
    shifts = rng.lognormal(np.log(5e-8), 0.6, (chips, rows, 2 * outputs)) + 1e-9
    chip = {"wire_ohm": wires}
    curve = (CURVE, SHORT)[int(rng.integers(2))]
    if curve is CURVE and not rng.integers(3):
        chip |= {"write": "half-select", "threshold": float(rng.choice([0.3, 0.45, 0.6]))}
    task = np.concatenate([patterns, patterns[again]]), np.concatenate([labels, labels[again]])
    settings["scale"] = float(rng.choice([1.0, 10.0]))
    ends = {"drive": str(rng.choice(["left", "both"])), "sense": str(rng.choice(["bottom", "both"]))}
    return shifts, task, {"curve": curve, "chip": chip | ends, **settings}


@pytest.mark.parametrize("seed", [3, 6, 11])
def test_tasks_of_other_sizes_are_trained_as_by_the_trainer(interpreted, seed):
    shifts, task, settings = random_task(seed, chips=2)
    compare(shifts, *task, **settings)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(100, 300))
def test_random_tasks_with_wires_are_trained_as_by_the_trainer(seed):
    shifts, task, settings = random_task(seed, chips=10 if seed % 10 else 2)
    compare(shifts, *task, **settings)


SIZES = [(4, 4), (1, 1), (5, 3), (3, 5), (9, 4), (4, 9), (9, 13)]


@pytest.mark.parametrize(("rows", "columns"), SIZES[:4])
def test_what_wires_let_through_is_that_of_a_dense_solution(interpreted, rows, columns):
    check_transfer(rows, columns)


@pytest.mark.campaign
@pytest.mark.parametrize(("rows", "columns"), [*SIZES, (17, 16)])
def test_what_compiled_kernels_let_through_is_that_of_a_dense_solution(rows, columns):
    check_transfer(rows, columns)


def check_transfer(rows, columns):
    rng = np.random.default_rng(rows * 100 + columns)
    conductances = rng.lognormal(math.log(1e-5), 0.6, (3, rows, columns))
    differ = 7.0 * np.arange(rows), 100 * rng.random(columns)
    ends = Topology(drive="both"), Topology(sense="both"), *[Topology("both", "both")] * 3
    for wires, other in zip([(0.0, 5.0), (5.0, 0.0), (1e4, 3e3), (5e-7, 1e6), differ], ends, strict=True):
        ohm = checked_wires(wires, rows, columns)
        few = np.eye(rows)[:: max(rows // 4, 1)]
        for topology in STANDARD, other:
            found = wired_transfer(conductances, ohm, topology)[2]
            net = lay_out_network(conductances[2], ohm, topology)
            words, bits = dense_potentials(net, net.conductances, few)
            expected = output_currents(net, bits, net.conductances * (words - bits))
            np.testing.assert_allclose(few @ found, expected, rtol=1e-11)


def test_cells_whose_gradients_are_exactly_zero_are_left_to_the_trainer(alone, interpreted):
    patterns, labels = np.array([[0, 1], [1, 0], [0, 0], [1, 1]]), np.array([[0], [0], [1], [1]])
    compare(np.full((3, 2, 2), 5e-8), patterns, labels, epochs=5, chip={"write": "half-select"})
    assert alone == [0, 1, 2]


def test_chips_of_equal_numbers_are_trained_to_the_same_end_whatever_the_share():
    shifts = draw_ensemble(75, seed=5, span_siemens=SPAN)
    whole = train_ensemble(CURVE, shifts, *TRAIN, wire_ohm=5.0, pull_back=True, threads=2)
    part = train_ensemble(CURVE, shifts[41:], *TRAIN, wire_ohm=5.0, pull_back=True, threads=1)
    for name in ("epochs", "pulses", "error", "levels"):
        np.testing.assert_array_equal(getattr(whole, name)[41:], getattr(part, name))


def test_a_cell_reacts_for_certain_as_long_as_its_curve_rises_by_more_than_wires_can_take_away():
    rises = np.concatenate([np.linspace(0.0, 1e-7, 21), np.full(6, 1e-7)])  # 5 nS a pulse, then nothing
    # With a loss of 0.1 % and K = 10 a change of more than (1 + 10 / sqrt(2) / 0.999) 0.1 % of 120 nS is certain: 1 nS.
    shifts, ohm = np.array([2e-8]), 1e-3 / 1.2e-6
    assert pulses_certain(rises, shifts, ohm, 10.0, 10) == 30
    assert pulses_certain(rises, shifts, 10 * ohm, 10.0, 10) == 10, "such noise asks for more than 10 pulses"
    assert pulses_certain(rises, shifts, 2.5 * ohm, 10.0, 10) == 30
    assert pulses_certain(rises, shifts, ohm, 10.0, 0) > 10**6, "nobody is judged"
    # Down again, so that after pulse 25 a cell is where it was ten before; with a cell of 20 uS wires lose too much.
    wavy = np.concatenate([np.linspace(0.0, 1e-7, 21), np.linspace(9.5e-8, 5e-8, 10)])
    assert pulses_certain(wavy, np.array([2e-8, 2e-6]), ohm, 10.0, 10).tolist() == [25, 10]


def test_no_cell_that_reacts_for_certain_is_found_unresponsive_by_the_trainer(interpreted):
    rng = np.random.default_rng(7)
    outcomes = Counter()
    for _ in range(60):
        steps, noise = rng.choice([0.0, 2e-4, 1e-3, 1e-2], 4), float(rng.choice([1e-7, 1e-4, 1e-3, 3e-3]))
        sent = rng.integers(0, 2, (30, 4))
        rises = np.concatenate([np.zeros((1, 4)), np.cumsum(sent * steps, axis=0)])
        readings = 1e-6 * (1 + rises) * (1 + noise * rng.standard_normal((31, 4)))
        judge, kept = Reactions((1, 4), 10), np.zeros((wired_reactions.KEPT, 1))
        for updates in range(10, 31):
            counts = sent[:updates].sum(axis=0, dtype=float)[:, None]
            lanes = readings[..., None], sent[..., None].astype(float)
            certain = wired_reactions.all_react(*lanes, counts, 0, updates, updates, 10, 10.0, kept)
            pulses = list(sent[:updates, None])
            if updates >= judge.due:
                judge.judge(list(readings[: updates + 1, None]), pulses, pulses)
            outcomes[certain, judge.any] += 1
            if judge.any:
                break
    assert not outcomes[True, True]
    assert outcomes[True, False] > 200
    assert outcomes[False, True] > 20


@pytest.mark.parametrize(("rows", "columns"), [(1, 2), (2, 2), (4, 4), (3, 6), (8, 2)])
def test_no_cell_of_a_half_select_pulse_differs_from_ideal_wires_by_more_than_the_bound(rows, columns):
    rng = np.random.default_rng(rows + 10 * columns)
    for ohm in (5.0, 0.0), (0.0, 20.0), (40.0, 60.0):
        conductances = 4e-6 * rng.choice([0.01, 0.5, 1.0], (rows, columns))
        bound = 2.0 * 4e-6 * loss_by_siemens(checked_wires(ohm, rows, columns))
        for row, column in np.ndindex(rows, columns):
            found = ArrayCircuit(conductances, ohm, Ohmic()).pulse_volts(row, column, 2.0)
            ideal = np.zeros((rows, columns))
            ideal[row] += 1.0
            ideal[:, column] += 1.0
            assert np.abs(found - ideal).max() <= bound
            assert found[row, column] <= 2.0


def test_pulses_are_whole_while_wires_lose_less_than_two_per_cent_and_disturb_nobody():
    found = {threshold: half_select(CURVE, Pulse(2.0, 0.05), threshold) for threshold in (0.6, 0.51, 0.5, 0.4)}
    assert found[0.6].whole == pytest.approx(0.02, abs=2e-6)
    assert found[0.51].whole == pytest.approx(0.01, abs=2e-6)
    assert found[0.5].whole < 0
    assert found[0.4].whole < 0
    assert all(each.alone for each in found.values())
    near, far = (
        ConductanceCurve([1e-7, 2e-7], Pulse(2.0, 0.05), [ConductanceCurve([1e-7, 2e-7], Pulse(volts, 0.05))])
        for volts in (1.95, 1.0)
    )
    assert half_select(near, Pulse(2.0, 0.05), 0.9) is None, "1.96 V would count as 1.95 V"
    assert not half_select(far, Pulse(2.0, 0.05), 0.9).alone, "1.5 V would move a cell along a curve between both"


@pytest.mark.parametrize(
    ("chip", "settings"),
    [
        ({"wire_ohm": 5.0, "threshold": 0.4}, {"pull_back": True, "epochs": 7}),
        ({"wire_ohm": (300.0, 2000.0), "threshold": 0.45}, {"epochs": 14}),
        ({"wire_ohm": 0.0, "threshold": 0.3}, {"pull_back": True, "epochs": 7}),
        ({"wire_ohm": (9.0, [5.0, 6.0, 0.0, 8.0]), "threshold": 0.4}, {"pull_back": True, "epochs": 7}),
        ({"wire_ohm": (300.0, 2000.0), "threshold": 0.45, **BOTH}, {"epochs": 14}),
        ({"wire_ohm": (900.0, [5e3, 6e3, 0.0, 8e3]), "threshold": 0.4, **BOTH}, {"pull_back": True, "epochs": 7}),
    ],
    ids=["pull back", "default", "ideal wires", "columns that differ", "both ends", "both ends that differ"],
)
def test_cells_that_a_half_select_pulse_moves_too_are_where_the_trainer_has_them(alone, chip, settings):
    found = compare(
        draw_ensemble(2, seed=12, span_siemens=SPAN), *TRAIN, chip=chip | {"write": "half-select"}, **settings
    )
    assert len(alone) < 2, "one may have a cell that perhaps does not react"
    assert (found.levels % 1).any()


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(20))
def test_disturbed_cells_of_four_thousand_chips_are_where_the_trainer_has_them(seed):
    rng = np.random.default_rng(seed)
    chip = {"wire_ohm": float(rng.choice([0.0, 5.0, 300.0])), "threshold": float(rng.choice([0.2, 0.4, 0.48]))}
    settings = [{"pull_back": True}, {"pull_back": True, "unresponsive": 10, "give_up": True}, {}][seed % 3]
    compare(draw_ensemble(200, seed=seed, span_siemens=SPAN), *TRAIN, chip=chip | {"write": "half-select"}, **settings)


def test_chips_of_curves_of_two_amplitudes_of_which_wires_take_too_much_are_left_to_the_trainer(alone, interpreted):
    shifts = draw_ensemble(6, seed=11, span_siemens=SPAN)
    chip = {"wire_ohm": 324.0, "write": "half-select", "threshold": 0.9}
    low = ConductanceCurve(CURVE.levels_siemens, Pulse(1.6, 0.05))
    curve = ConductanceCurve(CURVE.levels_siemens, Pulse(2.0, 0.05), [low])
    siemens = 10.0 * (CURVE.span + shifts.max(axis=(1, 2)))
    lose = loss_by_siemens(checked_wires(324.0, 4, 4)) * siemens >= 0.02
    compare(shifts, *TRAIN, curve=curve, chip=chip, epochs=6)
    assert sorted(alone) == np.flatnonzero(lose).tolist()
    assert 0 < int(lose.sum()) < 6
