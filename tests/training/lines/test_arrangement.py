"""Where the layers of a network lie, which lines they are called by, and what does not fit."""

import numpy as np
import pytest

from crossbar_hil import Trainer
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.training.fresh import read_afresh
from crossbar_hil.training.lines.arrangement import Arrangement
from crossbar_hil.training.lines.names import line_names
from crossbar_hil.training.rules.sanger import Sanger

XOR = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
DEEP = Arrangement((10,), bias=True)


def chip_of(rows, columns):
    return SimulatedBackend(
        ConductanceCurve(np.linspace(1e-6, 2e-6, 9)), np.linspace(5e-8, 9e-8, rows * columns).reshape(rows, -1)
    )


def trainer_of(shape, arrangement, **more):
    return Trainer(chip_of(*shape), arrangement=arrangement, **more)


@pytest.mark.parametrize(
    ("arrangement", "sizes", "shape", "cells"),
    [
        (DEEP, (16, 4), (17, 28), 428),  # 2 (17 x 10 + 11 x 4), as Bayat et al. 2018 have it on two arrays of 20 x 20
        (Arrangement((10,), bias=True, layers="stacked"), (16, 4), (28, 20), 428),
        (Arrangement((10,), bias=True, pairs="rows"), (16, 4), (34, 14), 428),
        (Arrangement((1,), bias=True, shortcuts=True), (2, 1), (4, 4), 14),
        (Arrangement((1,), bias=True, shortcuts=True, layers="stacked"), (2, 1), (7, 2), 14),
        (Arrangement((1,), shortcuts=True), (2, 1), (3, 4), 10),
        (Arrangement((3, 2)), (4, 1), (4, 12), 40),
        (Arrangement(), (4, 2), (4, 4), 16),
    ],
)
def test_a_network_takes_as_many_lines_and_cells_as_counted_by_hand(arrangement, sizes, shape, cells):
    assert arrangement.least_shape(*sizes) == shape
    assert arrangement.cells(*sizes) == cells
    taken = np.zeros(shape, int)
    for layer in arrangement.lay(*sizes):
        number = np.arange(2 * layer.inputs * layer.outputs).reshape(layer.inputs, -1)
        own = np.zeros(shape, int)
        layer.place(number + 1, own)
        assert np.array_equal(layer.cells_of(own), number + 1)
        taken += own > 0
    assert taken.max() == 1
    assert taken.sum() == cells


@pytest.mark.parametrize(
    ("shape", "arrangement", "more", "says"),
    [
        ((4, 4), Arrangement((2,), bias=True), {}, r"layer 2 of 2 \(bias, 2 hidden units; 1 output of the labels\) "
         "takes rows 1 to 3 and columns 5 to 6, but the chip has 4 rows and 4 columns; a chip of 3 x 6 holds this "
         "network, laid side by side with pairs of columns"),
        ((4, 4), Arrangement((3,), bias=True), {}, r"layer 1 of 2 \(2 bits, bias; 3 hidden units\) takes rows 1 to 3 "
         "and columns 1 to 6, but the chip has 4 rows and 4 columns; a chip of 4 x 8"),
        ((6, 2), Arrangement((1,), bias=True, layers="stacked", shortcuts=True), {}, "takes rows 4 to 7 and columns 1"),
        ((4, 4), Arrangement((1,), shortcuts=True), {}, r"output 1 cannot learn its labels with any number of hidden "
         r"units: patterns 2 \(01\) and 3 \(10\) are complements.* but both ask for 1; what helps: a bias"),
        ((4, 4), Arrangement((1,), shortcuts=True), {"v0": 0.0}, r"pattern 1 \(00\) puts 0 V on every row, so all "
         "activations are 0, but asks for 0; what helps: a bias"),
        ((3, 2), Arrangement(bias=True), {}, "no weights and no bias give patterns .*; what helps: hidden units"),
        ((4, 4), Arrangement((1,), bias=True, shortcuts=True), {"v1": 0.0}, "a bias is at the voltage of a 1"),
        ((3, 4), Arrangement((1,), pairs="rows"), {}, "row count 3 is odd"),
        ((2, 2), Arrangement(shortcuts=True), {}, "shortcuts lead past hidden units, of which there are none"),
        ((4, 4), Arrangement((1,), bias=True, shortcuts=True), {"rule": Sanger()}, "rule Sanger does not go by"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_refused_in_one_sentence(shape, arrangement, more, says):
    with pytest.raises(DataError, match=says):
        trainer_of(shape, arrangement, **more).run(*XOR)


@pytest.mark.parametrize(
    ("training", "says"),
    [
        ({"hidden": -1}, "hidden must be a whole number of at least 0, not -1"),
        ({"hidden": [4, 0]}, "at least one"),
        ({"hidden": "two"}, "not a whole number"),
        ({"pairs": "diagonals"}, "pairs = .*diagonals.* must be 'columns' or 'rows'"),
        ({"layers": "beside"}, "layers = .*beside.* must be 'side by side' or 'stacked'"),
    ],
)
def test_a_bench_file_with_a_wrong_network_is_refused(training, says):
    with pytest.raises(ConfigError, match=says):
        load_bench("simulated", overrides={"training": training})


@pytest.mark.parametrize(("typed", "units"), [(3, (3,)), ("3", (3,)), ([3], (3,)), ("8,4", (8, 4)), ([8, 4], (8, 4))])
def test_hidden_units_are_typed_as_a_number_or_a_list(typed, units):
    assert load_bench("simulated", overrides={"training": {"hidden": typed}}).training.arrangement.hidden == units


def test_lines_that_two_layers_use_bear_both_names():
    arrangement = Arrangement((2,), bias=True, pairs="rows", layers="stacked")
    names = line_names(arrangement, (14, 3), 2, 1)
    assert names.rows[:6] == ["x1+", "x1−", "x2+", "x2−", "bias+", "bias−"]
    assert names.rows[6:] == ["bias+", "bias−", "h1+", "h1−", "h2+", "h2−", "–", "–"]
    assert names.columns == ["h1 / o1", "h2", "–"]


def test_a_result_says_of_every_layer_what_was_read():
    trainer = trainer_of((5, 6), Arrangement((1,), bias=True, shortcuts=True), epochs=2)
    result = trainer.run(*XOR)
    found = result.variables() | read_afresh(trainer, result.patterns, 3).variables()
    assert found["fresh_current"].dimensions == ("read", "layer", "pattern", "column")
    sizes = {}
    for each in found.values():
        for name, size in zip(each.dimensions, each.values.shape, strict=True):
            assert sizes.setdefault(name, size) == size
    assert found["current"].dimensions == ("epoch", "layer", "pattern", "column")
    assert found["current"].values.shape == (2, 2, 4, 6)
    assert found["bit"].values.shape == (4, 2)
    header = result.series().header
    assert "Current l2 p4 c6 (A)" in header
    assert len(header) == len(next(iter(result.series().rows)))
    assert dict(result.told())["network"] == (
        "2-1-1 with bias and shortcuts, 14 cells, layers side by side, pairs of columns"
    )
    spare = np.ones((5, 6), bool)
    spare[:3, :2] = spare[:4, 2:4] = False
    assert not result.counts[:, spare].any()
    # what the first layer was read at is its inputs alone: by hand, its two columns at pattern 11 and bias, 0.1 V each
    expected = 0.1 * result.conductances[0, :3, :2].sum(axis=0)
    np.testing.assert_allclose(found["current"].values[0, 0, 3, :2], expected, rtol=1e-12)
