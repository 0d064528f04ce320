"""The trainer against a second implementation of the paper's equations, in plain Python numbers.

Nothing of the package is used to compute the expected values: the curve is parsed here, the arithmetic is `math`.
"""

import csv
import functools
import math
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import crossbar_hil.data
from crossbar_hil import Pulse, Trainer
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend

PULSE = Pulse(2.0, 0.05)
SETTINGS = 80

# Bits of the patterns and of the labels; rows and outputs follow from them.
TASKS = {
    "six patterns of four bits": [
        ("0001", "01"), ("0010", "10"), ("0110", "10"), ("1001", "01"), ("1101", "01"), ("1110", "10"),
    ],
    "two rows, one output": [("01", "1"), ("10", "0")],
    "two rows, three outputs": [("01", "101"), ("10", "010"), ("11", "110")],
    "three rows, three outputs": [("011", "100"), ("101", "010"), ("110", "001")],
    "five rows, two outputs": [("10000", "01"), ("01100", "10"), ("00111", "11"), ("11011", "00"), ("10101", "01")],
    "complements that ask for the same": [("00", "1"), ("11", "1"), ("01", "0")],
    "one pattern": [("0110", "10")],
}  # fmt: skip


def measured_levels() -> list[float]:
    text = (Path(crossbar_hil.data.__file__).parent / "figure2a.csv").read_text()
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return [
        float(row["conductance_siemens"])
        for row in rows
        if row["polarity"] == "potentiation" and row["width_s"] == "0.05"
    ]


CURVES = {
    "measured": measured_levels(),
    "short": [4.0e-7, 4.4e-7, 4.3e-7, 5.1e-7, 5.3e-7],
    "below its start": [4.0e-7, 3.99e-7, 4.5e-7, 4.4e-7, 4.8e-7, 5.0e-7, 5.6e-7, 5.7e-7, 6.0e-7, 6.2e-7, 6.1e-7],
}


@dataclass
class Setting:
    task: str
    curve: str
    shifts: list[list[float]]
    scale: float
    beta: float
    target: float
    target0: float | None
    v0: float
    v1: float
    epochs: int
    pull_back: bool

    @property
    def bits(self) -> list[list[int]]:
        return [[int(bit) for bit in pattern] for pattern, _ in TASKS[self.task]]

    @property
    def labels(self) -> list[list[int]]:
        return [[int(bit) for bit in label] for _, label in TASKS[self.task]]


@dataclass
class Trained:
    converged: bool
    conductances: list[list[list[float]]]
    counts: list[list[list[int]]]
    activations: list[list[list[float]]]
    errors: list[float]
    margin: float
    """Smallest relative distance of any decision from its threshold: below 1e-9 rounding could turn it."""


def drawn_setting(number: int, *, pull_back: bool) -> Setting:
    draw = random.Random(1000 + number)
    task = list(TASKS)[number % len(TASKS)]
    rows, outputs = len(TASKS[task][0][0]), len(TASKS[task][0][1])
    target = draw.uniform(0.2, 0.95)
    v0, v1 = draw.choice([(-0.1, 0.1), (-0.1, 0.1), (0.0, 0.2), (0.05, -0.15), (-0.3, 0.1)])
    return Setting(
        task=task,
        curve=draw.choice(list(CURVES)),
        shifts=[[draw.lognormvariate(math.log(4e-8), 0.5) for _ in range(2 * outputs)] for _ in range(rows)],
        scale=draw.uniform(1.0, 20.0),
        beta=10 ** draw.uniform(6.5, 8.3),
        target=target,
        target0=draw.choice([None, draw.uniform(-0.9, target - 0.1)]),
        v0=v0,
        v1=v1,
        epochs=draw.choice([1, 4, 15, 30, 48]),
        pull_back=pull_back,
    )


def trained_by_hand(  # noqa: PLR0912 - one plain loop, to be read beside the equations
    setting: Setting, unresponsive: int = 0, *, give_up: bool = False
) -> Trained:
    levels_siemens = CURVES[setting.curve]
    rows, columns = len(setting.shifts), len(setting.shifts[0])
    outputs = columns // 2
    target0 = -setting.target if setting.target0 is None else setting.target0
    volts = [[setting.v1 if bit else setting.v0 for bit in bits] for bits in setting.bits]
    level = [[0] * columns for _ in range(rows)]
    silent = [[0] * columns for _ in range(rows)]  # pulses in a row that changed nothing
    last = len(levels_siemens) - 1
    done = Trained(False, [], [], [], [], margin=math.inf)
    for number in range(1, setting.epochs + 1):
        g = [
            [
                setting.scale * ((levels_siemens[level[r][c]] - levels_siemens[0]) + setting.shifts[r][c])
                for c in range(columns)
            ]
            for r in range(rows)
        ]
        activations, deltas, error = [], [], 0.0
        for voltages, wanted in zip(volts, setting.labels, strict=True):
            activations.append([])
            deltas.append([])
            for i in range(outputs):
                current = math.fsum(voltages[r] * (g[r][2 * i] - g[r][2 * i + 1]) for r in range(rows))
                f = math.tanh(setting.beta * current)
                goal = setting.target if wanted[i] else target0
                missing = goal - f if wanted[i] else f - goal
                done.margin = min(done.margin, abs(missing))
                error += max(missing, 0.0)
                activations[-1].append(f)
                gap = goal - f if setting.pull_back or missing > 0 else 0.0
                deltas[-1].append(gap * setting.beta / math.cosh(setting.beta * current) ** 2)
        counts = [[0] * columns for _ in range(rows)]
        if error > 0 and number < setting.epochs:
            for r in range(rows):
                for i in range(outputs):
                    terms = [delta[i] * voltages[r] for delta, voltages in zip(deltas, volts, strict=True)]
                    total, size = math.fsum(terms), math.fsum(abs(term) for term in terms)
                    if size > 0:
                        done.margin = min(done.margin, abs(total) / size)
                    if total > 0:
                        counts[r][2 * i] = 1
                    elif total < 0:
                        counts[r][2 * i + 1] = 1
        cells = [(r, c) for r in range(rows) for c in range(columns)]
        for r, c in cells:
            if unresponsive and silent[r][c] >= unresponsive:
                counts[r][c] = 0
        over = give_up and number < setting.epochs and not any(counts[r][c] and level[r][c] < last for r, c in cells)
        if over:
            counts = [[0] * columns for _ in range(rows)]
        done.conductances.append(g)
        done.counts.append(counts)
        done.activations.append(activations)
        done.errors.append(error)
        if error == 0:
            done.converged = True
        if error == 0 or over:
            break
        for r, c in cells:
            before = levels_siemens[level[r][c]]
            level[r][c] = min(level[r][c] + counts[r][c], last)
            if counts[r][c]:
                silent[r][c] = silent[r][c] + 1 if levels_siemens[level[r][c]] == before else 0
    return done


def trained_by_the_package(setting: Setting, unresponsive: int = 0, *, give_up: bool = False):
    backend = SimulatedBackend(ConductanceCurve(CURVES[setting.curve], PULSE), setting.shifts, scale=setting.scale)
    trainer = Trainer(
        backend,
        pulse=PULSE,
        beta=setting.beta,
        target=setting.target,
        target0=setting.target0,
        epochs=setting.epochs,
        v0=setting.v0,
        v1=setting.v1,
        pull_back=setting.pull_back,
        check_labels=False,
        give_up=give_up,
        unresponsive=unresponsive,
    )
    return trainer.run(setting.bits, setting.labels), backend


@functools.cache
def to_the_letter(number, pull_back):
    """What the equations make of a drawn setting; it does not end before its epochs do."""
    return trained_by_hand(drawn_setting(number, pull_back=pull_back))


def check_agreement(setting, expected, **ending):
    # Otherwise the two could differ by rounding alone, and the draw would say nothing.
    assert expected.margin > 1e-9
    result, backend = trained_by_the_package(setting, **ending)
    assert result.epochs == len(expected.errors)
    assert result.converged == expected.converged
    assert result.counts.tolist() == expected.counts
    # A dozen roundings of 1e-16 lie between the two; 1e-12 leaves room and would show any wrong pulse (1e-3).
    assert np.allclose(result.conductances, expected.conductances, rtol=1e-12, atol=0)
    assert np.allclose(backend.conductances, expected.conductances[-1], rtol=1e-12, atol=0)
    # tanh has slope 1 at most, its argument is below 300 and cancels to some 1e-13: absolute, as both may be near 0.
    assert np.allclose(result.activations, expected.activations, rtol=0, atol=1e-10)
    assert np.allclose(result.errors, expected.errors, rtol=0, atol=1e-9)
    assert result.pulses == sum(sum(map(sum, counts)) for counts in expected.counts)


@pytest.mark.parametrize("pull_back", [True, False], ids=["pull back", "no pull back"])
def test_training_follows_the_equations(pull_back):
    failed = {}
    for number in range(SETTINGS):
        try:
            check_agreement(drawn_setting(number, pull_back=pull_back), to_the_letter(number, pull_back))
        except AssertionError as error:
            failed[number] = error
    assert not failed


@pytest.mark.parametrize("pull_back", [True, False], ids=["pull back", "no pull back"])
@pytest.mark.parametrize(("give_up", "unresponsive"), [(True, 0), (True, 3), (True, 10), (False, 3)])
def test_training_ends_when_nothing_can_move_and_cells_that_do_not_react_get_no_more(pull_back, give_up, unresponsive):
    shorter = 0
    for number in range(SETTINGS, SETTINGS + 25):
        setting = drawn_setting(number, pull_back=pull_back)
        without = to_the_letter(number, pull_back)
        found = trained_by_hand(setting, unresponsive=unresponsive, give_up=give_up)
        check_agreement(setting, found, unresponsive=unresponsive, give_up=give_up)
        assert found.converged == without.converged
        assert found.conductances[-1] == without.conductances[-1]
        assert not found.converged or len(found.errors) == len(without.errors)
        shorter += np.sum(found.counts) < np.sum(without.counts)
    assert shorter >= 3  # or the draws would say nothing


def test_the_drawn_settings_hold_both_kinds_of_ending():
    endings = [to_the_letter(number, True) for number in range(SETTINGS)]
    converged = [ending for ending in endings if ending.converged]
    assert len(converged) >= 15
    assert SETTINGS - len(converged) >= 15
    assert any(len(ending.errors) > 5 for ending in converged)


def test_the_drawn_settings_hold_pulses_sent_to_cells_at_the_end_of_their_curve():
    beyond = 0
    for number in range(SETTINGS):
        setting = drawn_setting(number, pull_back=True)
        sent = np.sum(to_the_letter(number, True).counts, axis=0)
        beyond += bool((sent > len(CURVES[setting.curve]) - 1).any())
    assert beyond >= 5
