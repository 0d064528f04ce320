"""Networks of several layers against a second implementation: epochs and pulses exactly, conductances to 1e-12."""

import itertools

import numpy as np
import pytest

from crossbar_hil import Trainer
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.training.lines.arrangement import Arrangement
from crossbar_hil.training.rules.delta import Delta
from crossbar_hil.training.rules.manhattan import manhattan_signs
from crossbar_hil.training.rules.stochastic import Stochastic

from .network_by_hand import Net, trained_by_hand
from .test_equations_independently import CURVES, PULSE

ROOM = 1e-9
"""Closer to a threshold than this, relative, the two could differ by rounding alone."""
XOR = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
HOW = {"pull_back": False}, {"pull_back": True}, {"each": True}, {"rate": 8.0}
LAID = list(itertools.product((False, True), ("columns", "rows")))
NETS = {
    "XOR, one hidden unit and shortcuts": ("xor", (1,), True, True),
    "XOR, two hidden units": ("xor", (2,), True, False),
    "XOR, two layers of hidden units": ("xor", (3, 2), True, False),
    "five bits, two outputs": ((5, 2, 6), (3,), True, False),
    "five bits, no bias": ((5, 2, 4), (2,), False, True),
    "one layer with a bias": ((3, 2, 4), (), True, False),
    "three layers with shortcuts": ((4, 1, 5), (2, 3), False, True),
}


def drawn_net(name, stacked, pairs, number, **more):
    task, hidden, bias, shortcuts = NETS[name]
    rng = np.random.default_rng([number, *map(ord, name)])
    if task == "xor":
        bits, labels = XOR
    else:
        inputs, outputs, patterns = task
        places = rng.choice(2**inputs, patterns, replace=False)
        bits = [[int(bit) for bit in f"{place:0{inputs}b}"] for place in places]
        labels = rng.integers(0, 2, (patterns, outputs)).tolist()
    net = Net(bits, labels, list(hidden), bias, shortcuts, pairs, stacked, (0, 0), [], CURVES["measured"], **more)
    cells = [net.cell(k, j, i, m) for k, (n, wide) in enumerate(net.sizes) for j in range(n) for i in range(wide)
             for m in (0, 1)]  # fmt: skip
    assert len(set(cells)) == len(cells)
    rows, columns = np.max(cells, axis=0) + 1
    spare = int(rng.integers(0, 2)) * 2
    net.shape = (int(rows) + spare, int(columns) + int(columns) % 2 * (pairs == "columns") + spare)
    net.shifts = np.exp(rng.normal(np.log(5e-8), 0.4, net.shape)).tolist()
    net.beta, net.target0 = float(rng.choice([1e7, 5e7])), float(rng.choice([-0.5, 0.1]))
    return net


def trained(net):
    backend = SimulatedBackend(ConductanceCurve(net.curve, PULSE), net.shifts, scale=net.scale)
    layers = "stacked" if net.stacked else "side by side"
    names = ("beta", "target", "target0", "v0", "v1", "epochs", "pull_back")
    trainer = Trainer(
        backend, pulse=PULSE, check_labels=False, unresponsive=0, give_up=False, seed=1,
        arrangement=Arrangement(tuple(net.hidden), net.bias, net.shortcuts, net.pairs, layers),
        rule=Stochastic(order="file") if net.each else Delta(rate=net.rate) if net.rate else manhattan_signs,
        **{name: getattr(net, name) for name in names},
    )  # fmt: skip
    return trainer.run(net.bits, net.labels)


def compare(net):
    expected = trained_by_hand(net)
    if expected.margin < ROOM:
        return None
    result = trained(net)
    assert result.epochs == len(expected.errors)
    assert np.array_equal(result.counts, expected.counts)
    assert np.allclose(result.conductances, expected.conductances, rtol=1e-12, atol=0)
    assert np.allclose(result.errors, expected.errors, rtol=0, atol=1e-9)
    assert result.converged == (expected.errors[-1] == 0)
    return result


@pytest.mark.parametrize("name", NETS)
def test_networks_are_trained_as_the_page_says_however_they_lie_on_the_chip(name):
    found = [
        compare(drawn_net(name, stacked, pairs, number, epochs=9, **HOW[number]))
        for stacked, pairs in LAID
        for number in ((0, 2), (1, 3))[stacked == (pairs == "rows")]
    ]
    assert sum(each is not None for each in found) >= len(found) - 2
    assert max(each.pulses for each in found if each is not None) > 0


def test_xor_is_learnt_on_four_by_four_cells_and_the_same_by_hand():
    results = [
        compare(drawn_net("XOR, one hidden unit and shortcuts", False, "columns", 3 + number, epochs=100))
        for number in range(4)
    ]
    assert any(each is not None and each.converged for each in results)
