"""Every shipped rule against a second implementation in plain Python numbers: epochs, pulses, conductances."""

import dataclasses
import itertools
import random

import numpy as np
import pytest

from crossbar_hil import DeviceBackend, Limits, Pulse, Trainer
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.training.rules.delta import Delta
from crossbar_hil.training.rules.draws import ORDER, RULE, drawn_order, generator
from crossbar_hil.training.rules.momentum import Momentum
from crossbar_hil.training.rules.one_cell import OneCell
from crossbar_hil.training.rules.sanger import Sanger
from crossbar_hil.training.rules.stochastic import Stochastic
from crossbar_hil.training.updates import Update

from .rules_by_hand import (
    DeltaByHand,
    MomentumByHand,
    OneCellByHand,
    SangerByHand,
    StochasticByHand,
    draws,
    philox,
    trained_by_hand,
)
from .test_equations_independently import CURVES, PULSE, drawn_setting

DOWN, STEP = Pulse(-2.8, 0.001), 2e-8
SETTINGS = 24
ROOM = 1e-9
"""Closer to a threshold than this, relative, the two could differ by rounding alone."""
PAIRS = {
    "delta": (lambda draw: {"rate": draw.choice([0.4, 1.0, 9.0]), "most": draw.choice([1, 3, 10])}, Delta, DeltaByHand),
    "delta that may rest": (lambda draw: {"rate": draw.uniform(0.5, 20), "least": 0}, Delta, DeltaByHand),
    "momentum": (lambda draw: {"keep": draw.choice([0.0, 0.5, 0.9])}, Momentum, MomentumByHand),
    "in the order of the file": (
        lambda _: {},
        lambda: Stochastic(order="file"),
        lambda: StochasticByHand("each"),
    ),
    "in a drawn order": (lambda _: {}, Stochastic, StochasticByHand),
}
HOW = list(itertools.product((True, False), ({}, {"unresponsive": 3, "give_up": True}, {"give_up": True})))


class Curve:
    """A chip of the formula, its levels on one curve."""

    def __init__(self, setting):
        self.levels, self.scale, self.shifts = CURVES[setting.curve], setting.scale, setting.shifts
        self.level = [[0] * len(line) for line in setting.shifts]

    @property
    def g(self):
        return [
            [self.scale * ((self.levels[level] - self.levels[0]) + shift) for level, shift in zip(*lines, strict=True)]
            for lines in zip(self.level, self.shifts, strict=True)
        ]

    def pulse(self, r, c, up, _):
        self.level[r][c] = min(self.level[r][c] + up, len(self.levels) - 1)

    def ended(self, r, c):
        return self.level[r][c] == len(self.levels) - 1


class Straight(DeviceBackend):
    """A chip whose cells rise and fall by one step a pulse; by hand as for the trainer."""

    kind, limits = "simulated", Limits(1.0, 3.0, 1.0)

    def __init__(self, setting):
        self.shape = len(setting.shifts), len(setting.shifts[0])
        self.g = np.array(setting.shifts) * setting.scale

    def _read_currents(self, voltages):
        return voltages @ self.g

    def _send_pulses(self, counts, pulse):
        for _ in range(counts.max(initial=0)):
            self.g = self.g + np.sign(pulse.amplitude_v) * STEP * (counts > 0)
            counts = counts - (counts > 0)

    def pulse(self, r, c, up, down):
        for sense in [-1.0] * down + [1.0] * up:
            self.g[r, c] += sense * STEP

    def make_safe(self):
        pass


def trainer_of(setting, backend, **more):
    names = ("beta", "target", "target0", "epochs", "v0", "v1", "pull_back")
    own = {name: getattr(setting, name) for name in names}
    return Trainer(backend, check_labels=False, **own, **{"unresponsive": 0, "give_up": False, "seed": 1, **more})


def check(setting, rule, by_hand, chip, backend, *, ends_known=True, update=None, **how):
    expected = trained_by_hand(setting, by_hand, chip, ends_known=ends_known, **how)
    if expected.margin <= ROOM:
        return None
    what = {"pulse": PULSE} if update is None else {"update": update}
    result = trainer_of(setting, backend, rule=rule, **what, **how).run(setting.bits, setting.labels)
    assert result.epochs == len(expected.errors)
    assert result.converged == expected.converged
    assert result.counts.tolist() == expected.counts
    assert np.allclose(result.conductances, expected.conductances, rtol=1e-12, atol=0)
    assert np.allclose(result.errors, expected.errors, rtol=0, atol=1e-9)
    return expected


@pytest.mark.parametrize("name", PAIRS)
def test_training_by_a_rule_follows_the_page(name):
    options, make, make_by_hand = PAIRS[name]
    endings, largest = [], 0
    for number, (pull_back, how) in zip(range(SETTINGS), itertools.cycle(HOW), strict=False):
        setting = drawn_setting(number, pull_back=pull_back)
        given = options(random.Random(number))
        backend = SimulatedBackend(ConductanceCurve(CURVES[setting.curve], PULSE), setting.shifts, scale=setting.scale)
        found = check(setting, make(**given), make_by_hand(**given), Curve(setting), backend, **how)
        if found is not None:
            endings.append(found.converged)
            largest = max(largest, np.max(found.counts))
    assert len(endings) >= 0.8 * SETTINGS  # the others say nothing
    assert set(endings) == {True, False}
    assert largest > 5 if "delta" in name else largest == 1 or "order" in name


def test_sangers_rule_follows_the_page_and_finds_the_principal_components():
    angles = []
    for number in range(0, 7 * 6, 7):  # the six patterns of four bits
        setting = dataclasses.replace(
            drawn_setting(number, pull_back=False),
            beta=1e5, target=0.99, target0=None, v0=-0.1, v1=0.1, epochs=100, curve="measured", scale=10.0,
        )  # fmt: skip
        backend = SimulatedBackend(ConductanceCurve(CURVES["measured"], PULSE), setting.shifts, scale=10.0)
        found = check(setting, Sanger(), SangerByHand(), Curve(setting), backend, give_up=True, unresponsive=3)
        inputs = 2.0 * np.array(setting.bits) - 1
        first = np.linalg.eigh(inputs.T @ inputs)[1][:, -1]
        for g in (found.conductances[0], found.conductances[-1]):
            weights = np.array(g)[:, 0] - np.array(g)[:, 1]
            angles.append(abs(weights @ first) / np.linalg.norm(weights))
    assert np.median(angles[1::2]) > 0.99
    assert np.median(angles[::2]) < 0.8


@pytest.mark.parametrize("lift", [0, 4])
def test_with_one_fixed_cell_the_plus_cell_alone_moves_after_the_lift(lift):
    endings = []
    for number in range(14):
        setting = drawn_setting(number, pull_back=number % 2 == 1)
        update = Update(PULSE, DOWN)
        how = {"update": update, "ends_known": False, "give_up": True}
        found = check(setting, OneCell(lift), OneCellByHand(lift), Straight(setting), Straight(setting), **how)
        if found is not None:
            counts = np.array(found.counts)
            assert (counts[:, :, 1::2].sum(axis=0) == (lift if len(counts) > 1 and found.errors[0] else 0)).all()
            endings.append(found.converged)
    assert True in endings


# ---------------------------------------------------------------------- what is drawn


def test_philox_by_hand_is_the_published_one():
    # Random123 1.14.0, kat_vectors: philox4x64 of ten rounds, counter and key of zeros, and of ones.
    zeros = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    ones = [0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0]
    full = 2**64 - 1
    assert philox((0, 0), (0, 0, 0, 0)) == zeros
    assert philox((full, full), (full, full, full, full)) == ones


@pytest.mark.parametrize(("seed", "number"), [(0, 0), (1, 0), (2**64 + 5, 3), (2**128 - 1, 2**40)])
def test_the_streams_are_those_of_the_page(seed, number):
    for stream, letter in ((1, ORDER), (2, RULE)):
        by_hand = list(itertools.islice(draws(seed, number, stream), 9))
        assert generator(seed, number, letter).random(9).tolist() == by_hand
    by_hand = list(itertools.islice(draws(seed, number, 1), 6))
    assert drawn_order(generator(seed, number, ORDER), 6).tolist() == sorted(range(6), key=by_hand.__getitem__)
