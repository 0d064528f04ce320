"""A network on some lines of a chip does what it does on a chip of these cells alone, whatever its layers are."""

import numpy as np
import pytest

from crossbar_hil import Trainer
from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import LimitError
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.survey.arranging import avoid
from crossbar_hil.survey.lines import Lines
from crossbar_hil.survey.mapped import MappedChip
from crossbar_hil.testing import BackendContract
from crossbar_hil.training.lines.arrangement import Arrangement
from crossbar_hil.training.on_chip import epoch_on_chip, fresh_on_chip, result_on_chip
from crossbar_hil.training.rules.stochastic import Stochastic

CURVE = ConductanceCurve.from_csv(load_bench("simulated").chip.curve_file)
SHAPE = 6, 7
NETS = {
    "one layer": (Arrangement(), [[0, 1, 1], [1, 0, 0], [1, 1, 0]], [[1, 0], [0, 1], [0, 0]]),
    "a bias": (Arrangement(bias=True), [[0, 1], [1, 0], [1, 1]], [[0], [0], [1]]),
    "XOR": (Arrangement((1,), bias=True, shortcuts=True), [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]),
    "stacked": (Arrangement((2,), layers="stacked"), [[0, 1], [1, 0], [1, 1]], [[1], [0], [1]]),
    "pairs of rows": (Arrangement(pairs="rows"), [[0, 1], [1, 0], [1, 1]], [[1, 0, 1], [0, 1, 0], [1, 1, 1]]),
}
RULES = {"manhattan": {}, "after each pattern": {"rule": Stochastic(order="file"), "seed": 1}}


def chips(arrangement, bits, outputs, seed=3):
    """Return a network on drawn lines of a chip with bad cells, and a chip of just these cells."""
    rng = np.random.default_rng(seed)
    shifts = np.exp(rng.normal(np.log(5e-8), 0.4, SHAPE))
    bad = rng.random(SHAPE) < 0.15
    size = arrangement.least_shape(bits, outputs)
    lines = Lines(
        SHAPE, *(tuple(map(int, rng.permutation(all_)[:some])) for all_, some in zip(SHAPE, size, strict=True))
    )
    whole, alone = SimulatedBackend(CURVE, shifts), SimulatedBackend(CURVE, lines.of_chip(shifts))
    for chip, cells in ((whole, bad), (alone, lines.of_chip(bad))):
        chip.hold(cells, np.full(cells.shape, 8e-7))
    alone.left_out = lines.of_chip(bad)
    return MappedChip(whole, lines, bad), alone, bad


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("net", NETS)
def test_a_network_on_some_lines_learns_as_on_a_chip_of_these_cells_alone(net, rule):
    arrangement, patterns, labels = NETS[net]
    mapped, alone, bad = chips(arrangement, len(patterns[0]), len(labels[0]))
    how = {"arrangement": arrangement, "check_labels": False, "epochs": 20, "beta": 3e7, **RULES[rule]}
    trainer = Trainer(mapped, **how)
    expected = Trainer(alone, **how).run(patterns, labels)
    logical, epochs = [], []
    for epoch in trainer.iterate(patterns, labels):
        logical.append(epoch)
        epochs.append(epoch_on_chip(trainer, epoch))
    found = result_on_chip(trainer, trainer.result(patterns, labels, epochs))
    lines = mapped.lines
    assert found.epochs == expected.epochs
    assert np.array_equal(lines.of_chip(found.counts), expected.counts)
    assert found.counts.sum() == expected.counts.sum() > 0
    assert not found.counts[:, bad].any()
    for name, mine in (
        ("conductances", lines.of_chip(found.conductances)),
        ("currents", found.currents[..., lines.columns]),
        ("activations", found.activations),
    ):
        assert np.allclose(mine, getattr(expected, name), rtol=1e-9, atol=1e-18), name
    assert np.allclose(found.conductances[-1], mapped.chip.conductances, rtol=1e-9)
    assert np.allclose(found.weights, expected.weights, rtol=1e-9, atol=1e-18)
    fresh = fresh_on_chip(trainer, np.array(patterns), 2)
    assert fresh.currents.shape[-1] == SHAPE[1]
    last = trainer.evaluate(np.array(patterns))
    assert np.allclose(fresh.activations[0], last[1])
    assert np.allclose(fresh.currents[1][..., lines.columns], last[0])


@pytest.mark.parametrize("net", NETS)
def test_every_line_of_the_chip_has_a_name_and_those_that_are_used_that_of_their_use(net):
    arrangement, patterns, labels = NETS[net]
    mapped, *_ = chips(arrangement, len(patterns[0]), len(labels[0]))
    trainer = Trainer(mapped, arrangement=arrangement, check_labels=False, epochs=2)
    epochs = [epoch_on_chip(trainer, each) for each in trainer.iterate(patterns, labels)]
    result = result_on_chip(trainer, trainer.result(patterns, labels, epochs))
    names, own = result.names, result.names_of_weights
    assert (len(names.rows), len(names.columns)) == SHAPE
    assert [names.columns[each] for each in mapped.lines.columns] == own.columns
    assert [names.rows[each] for each in mapped.lines.rows] == own.rows
    assert names.columns.count("\u2013") == SHAPE[1] - len(own.columns)


def test_the_chip_itself_refuses_a_pulse_to_a_cell_that_is_left_out():
    mapped, _, bad = chips(*NETS["one layer"][:1], 3, 2)
    for chip, cells in ((mapped, mapped.lines.of_chip(bad)), (mapped.chip, bad)):
        with pytest.raises(LimitError, match="is left out by the cells file"):
            chip.send_pulses(cells.astype(np.int64), Pulse(2.0, 0.05))
        chip.send_pulses((~cells).astype(np.int64), Pulse(2.0, 0.05))


def test_a_network_avoids_bad_cells_as_far_as_its_lines_can():
    used = np.zeros((3, 4), dtype=bool)
    used[0:2, 0:2] = used[1:3, 2:4] = True
    bad = np.zeros((4, 4), dtype=bool)
    bad[0, 1] = bad[2, 3] = True
    lines = avoid(used, bad)
    assert not (used & lines.of_chip(bad)).any()
    assert avoid(used, np.zeros((4, 4), dtype=bool)) == Lines((4, 4), (0, 1, 2), (0, 1, 2, 3))


class TestContract(BackendContract):
    """What every backend keeps, a chip on some of its lines keeps too."""

    @pytest.fixture
    def backend(self):
        chip = SimulatedBackend(CURVE, np.full(SHAPE, 5e-8))
        return MappedChip(chip, Lines(SHAPE, (4, 0, 3, 1), (6, 1, 0, 2)), np.zeros(SHAPE, dtype=bool))
