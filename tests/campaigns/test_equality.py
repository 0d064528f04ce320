"""Two thousand chips a setting, trained side by side and by `Trainer` one by one: the same, in distribution if random.

``CROSSBAR_HIL_SEED`` draws the chips (0), ``CROSSBAR_HIL_CHIPS`` is their number (2000). Says how many were decided by
`Trainer` in both ways, of which nothing follows.
"""

import math
import os

import numpy as np
import pytest

from crossbar_hil import Trainer
from crossbar_hil.bench.effects import Effects
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, draw_ensemble, train_ensemble
from crossbar_hil.sim_backend.chip.simulated import cell_mask
from crossbar_hil.sim_backend.ensemble.draw import draw_own_arrays
from crossbar_hil.sim_backend.ensemble.plan import Plan
from crossbar_hil.training.patterns import PatternSet

from ..sim_backend.ensemble.alike import trained_alike

SEED, CHIPS = (int(os.environ.get(f"CROSSBAR_HIL_{name}", usual)) for name, usual in (("SEED", "0"), ("CHIPS", "2000")))
CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
SPAN = (2e-8, 1e-7)
PUBLISHED = {"pull_back": True, "confirm": 1, "give_up": False, "unresponsive": 0}
FIVE, HALVES, DISTURBING = {"wire_ohm": 5.0}, {"write": "half-select"}, {"write": "half-select", "threshold": 0.4}
LASTING = {"step_spread": 0.3, "shape_spread": 0.4, "column_offset_a": 3e-8}
LOSING = {"relaxation": 0.3, "relaxation_s": 10.0}
CELLS = {"stuck": [(0, 1)], "dead": [(2, 2)], "unformed": [(3, 0)]}
ENDING = {"pull_back": True, "give_up": True, "unresponsive": 10}
EXACT = {
    "ideal": ({}, {}, PUBLISHED),
    "wires": (FIVE, {}, PUBLISHED),
    "wires, defaults": (FIVE, {}, {}),
    "wires, ending": (FIVE, {}, ENDING),
    "word lines of zero ohm": ({"wire_ohm": (0.0, 40.0)}, {}, PUBLISHED),
    "bit lines of zero ohm": ({"wire_ohm": (40.0, 0.0)}, {}, PUBLISHED),
    "wires of 300 ohm": ({"wire_ohm": 300.0}, {}, PUBLISHED),
    "half-select, 0.6": (FIVE | HALVES, {}, PUBLISHED),
    "half-select, 0.6, zero ohm": (HALVES, {}, PUBLISHED),
    "half-select, 0.6, ending": (FIVE | HALVES, {}, ENDING),
    "half-select, 0.4": (FIVE | DISTURBING, {}, PUBLISHED),
    "half-select, 0.4, zero ohm": (DISTURBING, {}, PUBLISHED),
    "half-select, 0.4, ending": (FIVE | DISTURBING, {}, ENDING),
    "half-select, 0.4, defaults": (FIVE | DISTURBING, {}, {}),
    "stuck": ({}, {"stuck": [(0, 1)]}, PUBLISHED),
    "dead": ({}, {"dead": [(2, 2)]}, ENDING),
    "unformed": ({}, {"unformed": [(3, 0)]}, PUBLISHED),
    "step factors": ({}, {"step_spread": 0.3}, PUBLISHED),
    "shape": ({}, {"shape_spread": 0.5}, PUBLISHED),
    "offsets": ({}, {"column_offset_a": 5e-8}, PUBLISHED),
    "disturb": ({}, {"disturb": 0.2}, PUBLISHED),
    "relaxation": ({}, {"relaxation": 1.0, "relaxation_s": 8.0}, PUBLISHED),
    "stretched": ({}, {"relaxation": 0.5, "relaxation_s": 8.0, "relaxation_exponent": 0.6}, PUBLISHED),
    "logarithmic": ({}, {"relaxation": 0.3, "relaxation_s": 0.1, "relaxation_law": "logarithmic"}, PUBLISHED),
    "confirmed thrice": ({}, LASTING, PUBLISHED | {"confirm": 3}),
    "confirmed 18 times": ({}, LASTING | LOSING, PUBLISHED | {"confirm": 18}),
    "ideal, confirmed, ending": ({}, {}, ENDING | {"confirm": 3}),
    "no pull back": ({}, LASTING, PUBLISHED | {"pull_back": False}),
    "giving up": ({}, LASTING, ENDING | {"epochs": 96}),
    "unresponsive after 3": ({}, LASTING | CELLS, PUBLISHED | {"unresponsive": 3}),
    "all": ({}, LASTING | LOSING | CELLS | {"disturb": 0.02}, ENDING),
    "all, wires": (FIVE, LASTING | LOSING | CELLS | {"disturb": 0.02}, PUBLISHED),
    "all, wires, ending": (FIVE, LASTING | LOSING | CELLS, ENDING),
    "all, half-select, 0.6": (FIVE | HALVES, LASTING | LOSING | CELLS, PUBLISHED),
    "all, half-select, 0.4": (FIVE | DISTURBING, LASTING | LOSING | CELLS, PUBLISHED),
    "all, half-select, 0.4, ending": (FIVE | DISTURBING, LASTING | LOSING | CELLS, ENDING),
}
LARGE = {
    "wires": (FIVE, {}, PUBLISHED),
    "half-select, 0.6": (FIVE | HALVES, {}, PUBLISHED | {"epochs": 12}),
    "lasting effects": ({}, LASTING, PUBLISHED),
    "lasting effects, wires, ending": (FIVE, LASTING, ENDING),
}
NOISE = {"read_noise": 0.02, "step_variation": 0.3}
SLOW = {"telegraph": 0.1, "telegraph_s": 3.0, "flicker": 0.02}
EVERYTHING = LASTING | LOSING | NOISE | SLOW | {"drift": 0.02}
RANDOM = {
    "read noise": ({}, {"read_noise": 0.05}),
    "steps that vary": ({}, {"step_variation": 0.5}),
    "telegraph": ({}, {"telegraph": 1.0, "telegraph_share": 0.3}),
    "slow telegraph": ({}, {"telegraph": 1.0, "telegraph_share": 0.3, "telegraph_s": 5.0}),
    "flicker": ({}, {"flicker": 0.1}),
    "drift": ({}, {"drift": 0.05}),
    "everything": ({}, EVERYTHING | CELLS),
    "everything, wires": (FIVE, EVERYTHING),
    "everything, half-select, 0.6": (FIVE | HALVES, EVERYTHING),
    "everything, half-select, 0.4": (FIVE | DISTURBING, EVERYTHING),
}


def perceptron():
    """Return the patterns and labels of the default task."""
    task = PatternSet.from_csv(data_file("perceptron"))
    return task.train, task.train_labels


@pytest.fixture
def alone(monkeypatch):
    """Count the chips that are left to `Trainer`."""
    counted, by_trainer = [], Plan._by_trainer
    monkeypatch.setattr(Plan, "_by_trainer", lambda *given: (counted.append(given[3]), by_trainer(*given))[1])
    return counted


@pytest.mark.campaign
@pytest.mark.parametrize("name", EXACT)
def test_chips_with_nothing_random_are_those_of_the_trainer(name, alone):
    chip, effects, settings = EXACT[name]
    shifts = draw_ensemble(CHIPS, seed=SEED, span_siemens=SPAN)
    trained_alike(CURVE, shifts, perceptron(), Effects(**effects), SEED, chip, settings)
    print(f"{name}: {CHIPS} chips equal, {len(alone)} of them left to Trainer")  # noqa: T201


@pytest.mark.campaign
@pytest.mark.parametrize("name", LARGE)
def test_chips_of_16_by_16_cells_are_those_of_the_trainer(name, alone):
    chip, effects, settings = LARGE[name]
    rng = np.random.default_rng(SEED)
    task = rng.permutation(2**16)[:16, None] >> np.arange(16) & 1, rng.integers(0, 2, (16, 8))
    shifts = draw_ensemble(CHIPS, (16, 16), seed=SEED, span_siemens=SPAN)
    trained_alike(CURVE, shifts, task, Effects(**effects), SEED, chip, settings | {"check_labels": False})
    print(f"16 x 16, {name}: {CHIPS} chips equal, {len(alone)} of them left to Trainer")  # noqa: T201


@pytest.mark.campaign
@pytest.mark.parametrize("name", RANDOM)
def test_chips_with_noise_are_those_of_the_trainer_in_distribution(name):
    chip, effects = RANDOM[name][0], Effects(**RANDOM[name][1])
    shifts = draw_ensemble(10 * CHIPS, seed=SEED, span_siemens=SPAN)
    found = train_ensemble(CURVE, shifts, *perceptron(), seed=SEED, effects=effects, **chip, **PUBLISHED)
    own, rng, alone = draw_own_arrays(effects, CHIPS, (4, 4), seed=SEED + 1), np.random.default_rng(SEED), []
    cells = {name: cell_mask(name, getattr(effects, name), (4, 4)) for name in ("stuck", "dead", "unformed")}
    for place, each in enumerate(draw_ensemble(CHIPS, seed=SEED + 1, span_siemens=SPAN)):
        backend = SimulatedBackend(CURVE, each, rng=rng, **effects.numbers(), **own.of(place), **cells, **chip)
        result = Trainer(backend, **PUBLISHED).run(*perceptron())
        ended = result.epochs, result.converged, result.pulses, backend.levels.mean(), backend.conductances.std()
        alone.append(ended)
    sides = {"epochs": found.epochs, "converged": found.converged, "pulses": found.pulses}
    sides["levels"] = found.levels.mean(axis=(1, 2))
    if found.conductances is not None:
        sides["siemens"] = found.conductances.std(axis=(1, 2))
    for (which, one), other in zip(sides.items(), np.array(alone).T, strict=False):
        error = math.sqrt(np.var(one) / len(one) + np.var(other) / len(other))
        apart = abs(np.mean(one) - np.mean(other)) / error if error else 0.0
        print(f"{name}: {which} {np.mean(one):.6g}, by Trainer {np.mean(other):.6g}, {apart:.1f} sigma")  # noqa: T201
        assert apart < 4.3  # 1 in 50,000
