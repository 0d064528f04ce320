"""Ensembles of chips with the effects of real ones, held against the trainer on single chips."""

import math

import numpy as np
import pytest

from crossbar_hil import Trainer
from crossbar_hil.bench.effects import Effects
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import DataError
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, draw_ensemble, train_ensemble
from crossbar_hil.sim_backend.chip.simulated import cell_mask
from crossbar_hil.sim_backend.ensemble.bench import BenchEnsemble
from crossbar_hil.sim_backend.ensemble.compiled.apart import Part, table_of
from crossbar_hil.sim_backend.ensemble.compiled.reactions import nearness
from crossbar_hil.sim_backend.ensemble.draw import draw_own_arrays, own_generator
from crossbar_hil.sim_backend.ensemble.effects import Ending, not_needed
from crossbar_hil.sim_backend.ensemble.plan import Plan
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.reactions import _noise

from .alike import trained_alike

CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
TASK = PatternSet.from_csv(data_file("perceptron"))
SPAN = (2e-8, 1e-7)
NOTHING_RANDOM = {
    "step": {"step_spread": 0.3},
    "shape": {"shape_spread": 0.5},
    "offset": {"column_offset_a": 5e-8},
    "disturb": {"disturb": 0.3},
    "relaxation": {"relaxation": 1.0, "relaxation_s": 8.0},
    "stretched": {"relaxation": 0.5, "relaxation_s": 8.0, "relaxation_exponent": 0.6},
    "logarithmic": {"relaxation": 0.3, "relaxation_s": 0.1, "relaxation_law": "logarithmic"},
}
NOTHING_RANDOM["all"] = {name: value for key in list(NOTHING_RANDOM)[:5] for name, value in NOTHING_RANDOM[key].items()}
RANDOM = {
    "telegraph": {"telegraph": 1.0, "telegraph_share": 0.3},
    "slow": {"telegraph": 1.0, "telegraph_share": 0.3, "telegraph_s": 5.0, "drift": 0.05},
    "everything": {
        **NOTHING_RANDOM["all"],
        "disturb": 0.02,
        "read_noise": 0.02,
        "telegraph": 0.2,
        "telegraph_s": 2.0,
        "flicker": 0.1,
        "step_variation": 0.5,
        "drift": 0.02,
    },
}


def alone(effects, chips, *, seed, first=0, **training):
    """Train chips one by one, each with a generator of its own; epochs, pulses, levels, conductances."""
    shifts = draw_ensemble(chips, seed=seed, first=first, span_siemens=SPAN)
    own = draw_own_arrays(effects, chips, (4, 4), seed=seed, first=first)
    found = []
    for place, each in enumerate(shifts):
        backend = SimulatedBackend(
            CURVE, each, rng=own_generator(seed, first + place, 9), **effects.numbers(), **own.of(place)
        )
        result = Trainer(backend, **training).run(TASK.train, TASK.train_labels)
        found.append((result.epochs, result.pulses, backend.levels, backend.conductances))
    return [np.array(each) for each in zip(*found, strict=True)]


@pytest.mark.parametrize("pull_back", [True, False])
@pytest.mark.parametrize("name", NOTHING_RANDOM)
def test_with_nothing_random_every_chip_is_that_of_the_trainer(name, pull_back):
    effects = Effects(**NOTHING_RANDOM[name])
    shifts = draw_ensemble(6, seed=3, first=1020, span_siemens=SPAN)
    found = train_ensemble(
        CURVE, shifts, TASK.train, TASK.train_labels, seed=3, first=1020, effects=effects, pull_back=pull_back
    )
    epochs, pulses, levels, conductances = alone(effects, 6, seed=3, first=1020, pull_back=pull_back)
    assert found.epochs.tolist() == epochs.tolist()
    assert found.pulses.tolist() == pulses.tolist()
    np.testing.assert_allclose(found.levels, levels, rtol=1e-12)
    np.testing.assert_allclose(found.conductances, conductances, rtol=1e-10)
    plain = train_ensemble(CURVE, shifts, TASK.train, TASK.train_labels, pull_back=pull_back)
    assert (found.epochs != plain.epochs).any()  # the effect does something


def compare(name, chips, few):
    effects = Effects(**RANDOM[name])
    shifts = draw_ensemble(chips, seed=5, span_siemens=SPAN)
    once = {"pull_back": False, "confirm": 1}  # with more, most of these chips never end
    together = train_ensemble(CURVE, shifts, TASK.train, TASK.train_labels, seed=5, effects=effects, **once)
    epochs, pulses, levels, conductances = alone(effects, few, seed=6, **once)
    for first, second in (
        (together.epochs, epochs),
        (together.pulses, pulses),
        (together.levels.mean(axis=(1, 2)), levels.mean(axis=(1, 2))),
        (together.conductances.std(axis=(1, 2)), conductances.std(axis=(1, 2))),
    ):
        error = math.sqrt(np.var(first) / len(first) + np.var(second) / len(second))
        assert abs(np.mean(first) - np.mean(second)) < 3.9 * error  # 1 in 10,000


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.campaign) if name == "everything" else name for name in RANDOM]
)
def test_with_noise_chips_are_those_of_the_trainer_in_distribution(name):
    compare(name, 500, 25 if name == "everything" else 80)


@pytest.mark.campaign
@pytest.mark.parametrize("name", RANDOM)
def test_with_noise_many_chips_are_those_of_the_trainer_in_distribution(name):
    compare(name, 40_000, 5000)


@pytest.mark.parametrize("name", RANDOM)
def test_a_chip_is_the_same_whatever_else_is_trained(name):
    effects = Effects(**RANDOM[name])
    shifts = draw_ensemble(30, seed=2, first=1010, span_siemens=SPAN)
    whole = train_ensemble(CURVE, shifts, TASK.train, TASK.train_labels, seed=2, first=1010, effects=effects)
    part = train_ensemble(
        CURVE, shifts[17:20], TASK.train, TASK.train_labels, seed=2, first=1027, effects=effects, threads=1
    )
    assert whole.epochs[17:20].tolist() == part.epochs.tolist()
    assert np.array_equal(whole.conductances[17:20], part.conductances)


def test_step_factors_do_not_depend_on_the_other_effects():
    few = draw_own_arrays(Effects(step_spread=0.3), 3, (4, 4), seed=1, first=1022)
    many = draw_own_arrays(
        Effects(step_spread=0.6, shape_spread=0.2, column_offset_a=1e-8), 9, (4, 4), seed=1, first=1020
    )
    np.testing.assert_allclose(many.step_factors[2:5], few.step_factors**2)
    assert few.shape_exponents is None
    assert np.abs(np.corrcoef(np.log(many.step_factors.ravel()), np.log(many.shape_exponents.ravel()))[0, 1]) < 0.3


@pytest.mark.parametrize(
    ("extra", "way"),
    [({}, {}), ({"dead": [[3, 3]], "stuck": [[0, 1]]}, {}), ({"dead": [[3, 3]]}, {"dead_zone": 1e-9})],
    ids=["side by side", "cells that do not move", "one by one"],
)
def test_a_bench_trains_its_chips_with_the_same_factors_one_by_one_and_side_by_side(extra, way):
    effects = {"step_spread": 0.3, "shape_spread": 0.2, "column_offset_a": "10 nA", "disturb": 0.1}
    bench = load_bench("simulated", overrides={"chip": {**effects, **extra}, "training": {"pull_back": False, **way}})
    ensemble = BenchEnsemble(bench, data_file("figure2a"), TASK)
    assert ensemble.lockstep is not bool(way)
    found = ensemble.train(7, 2, 5)
    shifts = draw_ensemble(5, seed=7, first=2, span_siemens=SPAN)
    own = draw_own_arrays(Effects(**effects), 5, (4, 4), seed=7, first=2)
    dead, stuck = (cell_mask(name, extra.get(name, []), (4, 4)) for name in ("dead", "stuck"))
    for place, each in enumerate(shifts):
        backend = SimulatedBackend(CURVE, each, disturb=0.1, dead=dead, stuck=stuck, **own.of(place))
        assert found.epochs[place] == Trainer(backend, pull_back=False).run(TASK.train, TASK.train_labels).epochs


@pytest.mark.parametrize(
    ("effects", "more", "message"),
    [
        ({"read_noise": 0.1}, {"read_noise": 0.2, "seed": 1}, "read_noise 0.2 is given beside the effects"),
        ({"step_spread": 0.1}, {}, "step_spread, need a seed"),
        ({"relaxation": 0.1}, {"seed": 1}, "relaxation 0.1 needs relaxation_s"),
    ],
)
def test_what_an_ensemble_cannot_do_is_refused(effects, more, message):
    shifts = draw_ensemble(2, seed=1, span_siemens=SPAN)
    with pytest.raises(DataError, match=message):
        train_ensemble(CURVE, shifts, TASK.train, TASK.train_labels, effects=Effects(**effects), **more)


@pytest.mark.parametrize("effects", [NOTHING_RANDOM["all"], NOTHING_RANDOM["logarithmic"]], ids=["all", "logarithmic"])
def test_chips_are_judged_afterwards_alike_one_by_one_and_side_by_side(effects):
    bench = load_bench("simulated", overrides={"chip": effects | {"disturb": 0.01, "relaxation_s": 30.0}})
    ensemble = BenchEnsemble(bench, data_file("figure2a"), TASK)
    drifts = (0.03, 0.1)
    together = ensemble.train(4, 1000, 40, drifts)
    alone = ensemble._one_by_one(4, 1000, ensemble._draw(4, 1000, 40), drifts)
    for name in ("converged", "epochs", "fresh", "drifted"):
        assert np.array_equal(getattr(together, name), getattr(alone, name)), name
    assert 0 < together.drifted.sum() < together.drifted.size


CURVES = [
    CURVE.smoothed,  # a call away, as it imports parts of scipy
    ConductanceCurve(4.5e-7 + 2.1e-7 * (1 - np.exp(-np.arange(31) / 7))),
    ConductanceCurve([4.0e-7, 4.4e-7, 4.3e-7, 5.1e-7, 5.3e-7]),
    ConductanceCurve([4.0e-7, 4.4e-7, *[5.0e-7] * 8, 6.0e-7, 7.0e-7, 7.0e-7]),
    CURVE,
]
OPTIONS = [
    *({"step_spread": 0.3}, {"shape_spread": 0.4}, {"column_offset_a": 3e-8}, {"disturb": 0.2}),
    *({"stuck": [(0, 1)]}, {"dead": [(2, 2)]}, {"unformed": [(3, 0)]}, {"relaxation": 0.6, "relaxation_s": 8.0}),
]


def end_alike(seed, chips, wires=None):
    """Train chips with settings and effects of a seed both ways; return how many gave up or have unresponsive cells."""
    wires = wires or {}
    rng = np.random.default_rng(seed)
    curve, shifts = CURVES[seed % len(CURVES)], 1.5 * draw_ensemble(chips, seed=seed, span_siemens=SPAN)
    curve = curve() if callable(curve) else curve
    settings = {
        "beta": 10 ** rng.uniform(6.5, 8),
        "target": float(rng.uniform(0.5, 0.96)),
        "pull_back": bool(rng.integers(2)),
        "epochs": int(rng.choice([20, 48, 96])),
        "confirm": int(rng.choice([1, 3, 18])),
        "give_up": bool(rng.integers(2)),
        "unresponsive": int(rng.choice([0, 1, 3, 10])),
        "v0": float(rng.choice([-0.1, 0.0])),
    }
    chosen = [each for each in OPTIONS if rng.random() < 0.4] or OPTIONS[seed % 8 : seed % 8 + 1]
    chosen = [each for each in chosen if "write" not in wires or "disturb" not in each]
    effects = Effects(**{name: value for each in chosen for name, value in each.items()})
    return trained_alike(curve, shifts, (TASK.train, TASK.train_labels), effects, seed, wires, settings)


def test_with_any_settings_and_nothing_random_every_chip_is_that_of_the_trainer(monkeypatch):
    left = []
    by_trainer = Plan._by_trainer
    monkeypatch.setattr(Plan, "_by_trainer", lambda *given: (left.append(given[3]), by_trainer(*given))[1])
    assert sum(end_alike(seed, 2) for seed in range(24)) >= 5
    assert len(left) < 3, "nearly all are decided in lanes"


WIRES = [{"wire_ohm": 5.0}, {"wire_ohm": (0.0, [3.0, 80.0, 200.0, 0.0])}, {"wire_ohm": 5.0, "write": "half-select"}]


@pytest.mark.parametrize(
    ("seed", "wires"), [(2, WIRES[0]), (5, WIRES[1]), (10, WIRES[2])], ids=["wires", "two kinds", "half"]
)
def test_with_wires_and_nothing_random_chips_with_effects_are_those_of_the_trainer(seed, wires):
    end_alike(5 * seed + 4, 3, wires)  # of the curve that says its pulse


@pytest.mark.parametrize(("many", "few"), [(710, 24), pytest.param(1500, 60, marks=pytest.mark.campaign)])
def test_with_wires_and_noise_chips_are_those_of_the_trainer_in_distribution(many, few):
    effects = Effects(read_noise=0.02, step_variation=0.3, step_spread=0.2, relaxation=0.1, relaxation_s=10.0)
    shifts, wires = draw_ensemble(many, seed=4, span_siemens=SPAN), {"wire_ohm": 40.0}
    task = CURVE, shifts, TASK.train, TASK.train_labels
    together = train_ensemble(*task, seed=4, effects=effects, confirm=1, **wires)
    again = train_ensemble(*(CURVE, shifts[700:703], *task[2:]), seed=4, first=700, effects=effects, confirm=1, **wires)
    assert np.array_equal(together.conductances[700:703], again.conductances)
    own, rng, alone = draw_own_arrays(effects, few, (4, 4), seed=4), np.random.default_rng(7), []
    for place in range(few):
        chip = SimulatedBackend(CURVE, shifts[place], rng=rng, **effects.numbers(), **own.of(place), **wires)
        result = Trainer(chip, confirm=1).run(TASK.train, TASK.train_labels)
        alone.append((result.epochs, result.pulses, chip.conductances.std()))
    found = together.epochs, together.pulses, together.conductances.std(axis=(1, 2))
    for first, second in zip(found, np.array(alone).T, strict=True):
        error = math.sqrt(np.var(first) / len(first) + np.var(second) / len(second))
        assert abs(np.mean(first) - np.mean(second)) < 3.9 * error


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_with_any_settings_and_nothing_random_many_chips_are_those_of_the_trainer(seed):
    end_alike(seed, 40)
    end_alike(seed, 20, WIRES[seed % 2])


@pytest.mark.parametrize("exact", [True, False])
def test_what_a_chip_without_an_effect_leaves_out_are_functions_that_there_are(exact):
    ending = Ending(most_idle=1, unresponsive=0, judged=False)
    left_out = not_needed(Effects(), ending, exact=exact, wired=False)
    always = {"ENTER", "BEGIN_CELLS", "LEAVE", "WEIGH_CELLS", "SUM_OUTPUTS", "WEIGH_OUTPUTS", "COUNT_EVALUATION",
              "CHOOSE", "COUNT_PULSES", "MOVE_CELLS", "CONDUCT"}  # fmt: skip
    assert {each.name for each in Part} - left_out == always | ({"DOUBT_OUTPUTS"} if exact else set())
    assert not table_of(()).any()


@pytest.mark.parametrize(
    ("effects", "wanted"),
    [
        ({"read_noise": 0.01}, {"FILL_NORMALS"}),
        (
            {"flicker": 0.01},
            {"FILL_NORMALS", "SEE_CELLS", "READ_COLUMNS", "JOIN_COLUMNS", "BEGIN_NOISE", "GO_ON", "KEEP"},
        ),
        ({"telegraph": 0.1}, {"FILL_UNIFORMS", "SEE_CELLS", "READ_COLUMNS", "JOIN_COLUMNS"}),
        ({"drift": 0.01}, {"FILL_NORMALS", "BEGIN_NOISE", "DRIFT_BY"}),
        ({"relaxation": 0.1, "relaxation_s": 1.0}, {"LOSE", "KEEP"}),
        ({"step_variation": 0.3}, {"VARY_STEPS"}),
        ({"disturb": 0.1}, {"DISTURB_OTHERS"}),
    ],
)
def test_an_effect_has_compiled_what_it_needs(effects, wanted):
    ending = Ending(most_idle=1, unresponsive=0, judged=False)
    none, some = (not_needed(Effects(**each), ending, exact=False, wired=False) for each in ({}, effects))
    assert none - some == wanted


def test_what_is_left_open_of_readings_changes_no_judgement_by_more_than_is_allowed_for():
    rng = np.random.default_rng(3)
    for _ in range(200):
        many, error, noise = int(rng.integers(3, 60)), 10 ** rng.uniform(-12, -7), 10 ** rng.uniform(-5, -1)
        pulses = rng.integers(0, 2, (many, 2))
        pulses[0], pulses[1] = (0, 1), (1, 0)  # so that each cell is pulsed, and quiet, at least once
        steps = np.vstack([np.zeros(2), np.cumsum(pulses * noise, axis=0)])
        seen = (1 + steps) * (1 + noise * rng.standard_normal((many + 1, 2)))
        place = np.concatenate([[0], np.cumsum(pulses[:, 0])])
        place = (place - place.mean()) / np.linalg.norm(place - place.mean())
        worst = [np.where(rng.integers(0, 2, seen.shape), 1, -1), np.sign(place)[:, None] * [1, 1], np.sign(seen - 1)]
        found = []
        for sign in (np.zeros_like(seen), *worst, *(-each for each in worst)):
            readings = seen * (1 + error * sign)
            sigma, own = _noise(readings[:, None], pulses[:, None] == 0, 0.0), readings[:, 0]
            off = own - own.mean()
            found.append(
                [sigma, abs(place @ off) / (2 * sigma * own.mean()), abs(off).max() / (5 * sigma * own.mean())]
            )
        (sigma, *asked), others = found[0], np.array(found[1:])
        near = nearness.py_func(error, sigma, many)
        assert (abs(others[:, 0] / sigma - 1) < near).all()
        for which, size in enumerate(asked, start=1):
            if size < 1.5:  # beyond that it is no question
                assert (abs(others[:, which] - size) < near * max(size, 1.0)).all()


DISTURBING = {
    "wires": {"wire_ohm": 5.0, "write": "half-select", "threshold": 0.4},
    "ideal": {"write": "half-select", "threshold": 0.45},
    "two kinds": {"wire_ohm": (20.0, [3.0, 80.0, 40.0, 0.0]), "write": "half-select", "threshold": 0.3},
}


def test_half_select_pulses_that_move_other_cells_too_do_so_to_cells_with_effects_as_to_the_trainers(monkeypatch):
    monkeypatch.setattr(Plan, "_by_trainer", lambda *_: pytest.fail("left to the trainer"))
    end_alike(9, 2, DISTURBING["wires"])


@pytest.mark.campaign
@pytest.mark.parametrize("name", DISTURBING)
@pytest.mark.parametrize("seed", [4, 9, 14, 24, 29])
def test_half_select_pulses_that_move_other_cells_too_do_so_on_many_chips_as_on_the_trainers(name, seed):
    end_alike(seed, 2000, DISTURBING[name])
