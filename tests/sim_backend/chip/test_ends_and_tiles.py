"""Lines joined at both ends, and tiles: a chip against nodal analysis that is written here anew."""

import itertools

import numpy as np
import pytest
import scipy

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.plugins import load
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend, solve_crossbar
from crossbar_hil.sim_backend.chip.array_circuit import ArrayCircuit
from crossbar_hil.sim_backend.circuit import Topology
from crossbar_hil.sim_backend.circuit.cells import Cubic, Ohmic, Sinh

CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
PULSE = Pulse(2.0, 0.05)
ENDS = list(itertools.product(("left", "both"), ("bottom", "both")))
SHIFTS = np.array([[3e-8, 5e-8, 2e-8], [4e-8, 9e-8, 3e-8], [2e-8, 6e-8, 8e-8], [7e-8, 2e-8, 4e-8]])


class Tile:
    """Kirchhoff's current law at all 2 R C nodes: the conductances of the wires, and what is fed in from the ends."""

    def __init__(self, shape, row_ohm, column_ohm, drive, sense):
        rows, columns = shape
        words, bits = np.arange(2 * rows * columns).reshape(2, rows, columns)
        self.cells = list(zip(words.ravel(), bits.ravel(), strict=True))
        self.wires = np.zeros((2 * rows * columns,) * 2)
        self.feeds = []  # (node, siemens, which end, that of a word line or of a bit line)
        for lines, ohm, both, kind in ((words, row_ohm, drive, "row"), (bits.T[:, ::-1], column_ohm, sense, "column")):
            for number, nodes in enumerate(lines):
                for one, other in itertools.pairwise(nodes):
                    for here, there in ((one, other), (other, one)):
                        self.wires[here, here] += 1 / ohm
                        self.wires[here, there] -= 1 / ohm
                for node in [nodes[0], nodes[-1]] if both == "both" else [nodes[0]]:
                    self.wires[node, node] += 1 / ohm
                    self.feeds.append((node, 1 / ohm, kind, number))
        self.shape = shape

    def fed(self, at_rows, at_columns):
        found = np.zeros(len(self.wires))
        for node, siemens, kind, number in self.feeds:
            found[node] += siemens * (at_rows if kind == "row" else at_columns)[number]
        return found

    def outflow(self, potentials, currents, at_rows, at_columns):
        """Current out of every node, which is none."""
        out = self.wires @ potentials - self.fed(at_rows, at_columns)
        for (word, bit), current in zip(self.cells, currents, strict=True):
            out[word] += current
            out[bit] -= current
        return out

    def solve(self, siemens, at_rows, at_columns):
        """Potentials with ohmic cells of (R, C) siemens."""
        matrix = self.wires.copy()
        for (word, bit), own in zip(self.cells, siemens.ravel(), strict=True):
            matrix[[word, bit], [word, bit]] += own
            matrix[[word, bit], [bit, word]] -= own
        return np.linalg.solve(matrix, self.fed(at_rows, at_columns))

    def volts(self, potentials):
        words, bits = potentials.reshape(2, *self.shape)
        return words - bits

    def column_currents(self, potentials, at_columns):
        found = np.zeros(self.shape[1])
        for node, siemens, kind, number in self.feeds:
            if kind == "column":
                found[number] += siemens * (potentials[node] - at_columns[number])
        return found


def cut(shape, tiles):
    """Rows and columns of every tile."""
    parts = (np.array_split(np.arange(lines), count) for lines, count in zip(shape, tiles, strict=True))
    return list(itertools.product(*parts))


def cases(count):
    rng = np.random.default_rng(18)
    for case in range(count):
        shape = tuple(int(each) for each in rng.integers(1, 7, 2))
        tiles = tuple(int(rng.integers(1, min(lines, 3) + 1)) for lines in shape)
        siemens = 10 ** rng.uniform(-5, -3, shape)
        yield rng, shape, tiles, siemens, tuple(10 ** rng.uniform(0, 3, 2)), ENDS[case % 4]


def circuit(siemens, wires, ends, tiles, cell):
    return ArrayCircuit(siemens, wires, cell, Topology(drive=ends[0], sense=ends[1]), tiles)


def test_currents_and_voltages_of_random_arrays_are_those_of_kirchhoffs_law():
    for rng, shape, tiles, siemens, wires, ends in cases(24):
        volts = rng.uniform(-0.1, 0.1, (3, shape[0]))
        row, column = (int(rng.integers(lines)) for lines in shape)
        currents, seen = np.zeros((3, shape[1])), np.zeros(shape)
        for rows, columns in cut(shape, tiles):
            tile, own = Tile((len(rows), len(columns)), *wires, *ends), siemens[np.ix_(rows, columns)]
            none = np.zeros(len(columns))
            for vector, found in zip(volts, currents, strict=True):
                found[columns] += tile.column_currents(tile.solve(own, vector[rows], none), none)
            if row in rows and column in columns:
                at_rows, at_columns = 1.0 * (rows == row), -1.0 * (columns == column)
                seen[np.ix_(rows, columns)] = tile.volts(tile.solve(own, at_rows, at_columns))
        arrays = circuit(siemens, wires, ends, tiles, Ohmic())
        np.testing.assert_allclose(arrays.currents(volts), currents, rtol=1e-8, atol=1e-16)
        np.testing.assert_allclose(arrays.pulse_volts(row, column, 2.0), seen, atol=1e-8)


@pytest.mark.parametrize("cell", [Sinh(b_per_v=3.0), Cubic()], ids=["sinh", "cubic"])
def test_voltages_across_cells_that_are_not_ohmic_are_those_of_a_root_finder(cell):
    for rng, shape, tiles, siemens, wires, ends in itertools.islice(cases(4), 1, None):
        row, column = (int(rng.integers(lines)) for lines in shape)
        rows, columns = next(each for each in cut(shape, tiles) if row in each[0] and column in each[1])
        tile, own = Tile((len(rows), len(columns)), *wires, *ends), siemens[np.ix_(rows, columns)].ravel()
        at = 1.0 * (rows == row), -1.0 * (columns == column)
        unknown = np.zeros(2 * own.size)
        for share in (0.3, 0.6, 1.0):
            held = share * at[0], share * at[1]

            def missing(potentials, tile=tile, own=own, held=held):
                return 1e3 * tile.outflow(potentials, cell.current(own, tile.volts(potentials).ravel()), *held)

            unknown = scipy.optimize.root(missing, unknown, tol=1e-13).x
        seen = circuit(siemens, wires, ends, tiles, cell).pulse_volts(row, column, 2.0)
        np.testing.assert_allclose(seen[np.ix_(rows, columns)], tile.volts(unknown), atol=1e-7)
        elsewhere = np.ones(shape, dtype=bool)
        elsewhere[np.ix_(rows, columns)] = False
        assert not seen[elsewhere].any()


def chip(**settings):
    return SimulatedBackend(CURVE, SHIFTS, **settings)


@pytest.mark.parametrize("write", ["direct", "half-select"])
def test_ends_of_ideal_lines_make_no_difference_to_the_last_bit(write):
    counts = np.array([[1, 0, 2], [0, 2, 0], [3, 0, 0], [0, 0, 1]])
    volts = np.array([[0.1, -0.1, 0.05, 0.1]])
    one, other = chip(write=write, threshold=0.4), chip(write=write, threshold=0.4, drive="both", sense="both")
    for backend in (one, other):
        backend.send_pulses(counts, PULSE)
    assert np.array_equal(one.levels, other.levels)
    assert np.array_equal(one.read_currents(volts), other.read_currents(volts))


def test_without_the_settings_a_chip_is_that_of_one_array_with_single_ends_to_the_last_bit():
    backend = chip(wire_ohm=(300.0, 500.0))
    volts = np.array([[0.1, -0.1, 0.05, 0.1]])
    assert np.array_equal(backend.read_currents(volts), solve_crossbar(backend.conductances, volts, (300.0, 500.0)))


@pytest.mark.parametrize(
    "settings", [{"write": "half-select", "threshold": 0.4}, {"disturb": 1 / 6}], ids=["half-select", "disturb"]
)
def test_a_pulse_moves_no_cell_of_another_tile(settings):
    backend = chip(tiles="2x1", **settings)
    counts = np.zeros((4, 3), dtype=int)
    counts[1, 0] = 1
    backend.send_pulses(counts, PULSE)
    # (0.5 - 0.4) / (1 - 0.4) of a level for each of the neighbours in the upper two rows
    expected = np.array([[1 / 6, 0, 0], [1, 1 / 6, 1 / 6], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(backend.levels, expected, atol=1e-12)


def test_noise_of_cells_goes_through_the_same_circuit():
    settings = {"wire_ohm": 3e4, "drive": "both", "sense": "both", "tiles": "2x1"}
    noisy = chip(read_noise=1e-9, rng=np.random.default_rng(1), **settings)
    volts = np.array([[0.1, 0.1, -0.1, 0.05]])
    np.testing.assert_allclose(noisy.read_currents(volts), chip(**settings).read_currents(volts), rtol=1e-6)
    plain = chip(wire_ohm=3e4).read_currents(volts)
    assert abs(noisy.read_currents(volts) / plain - 1).min() > 0.01


@pytest.mark.parametrize(
    ("settings", "error", "word"),
    [
        ({"drive": "right hand"}, DataError, "drive 'right hand'"),
        ({"tiles": "5x1"}, ConfigError, "5 tiles cannot share 4 rows"),
        ({"tiles": "many"}, ConfigError, "tiles 'many' must be rows x columns of arrays"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, error, word):
    with pytest.raises(error, match=word):
        chip(**settings)


def test_a_chip_bonded_at_both_ends_does_on_an_emulated_bench_what_the_simulated_one_does():
    own = {"wire_ohm": ["10 kohm", "20 kohm"], "threshold": 0.45, "drive": "both", "sense": "both"}
    bench = load_bench("emulated", overrides={"chip": own})
    simulated = load_bench("simulated", overrides={"chip": {**own, "write": "half-select"}})
    twin = SimulatedBackend.from_bench(simulated, np.random.default_rng(3))
    counts = np.zeros((4, 4), dtype=int)
    counts[3, 1] = 2
    with open_backend(bench, seed=3) as backend:
        for each in (backend, twin):
            each.send_pulses(counts, PULSE)
        assert (twin.levels > 0).sum() > 2
        volts = np.full((1, 4), 0.1)
        found, expected = backend.read_currents(volts), twin.read_currents(volts)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    alone = load("backends", "simulated").from_bench(
        load_bench("simulated", overrides={"chip": {"wire_ohm": own["wire_ohm"]}}), np.random.default_rng(3)
    )
    assert abs(alone.read_currents(volts) / expected - 1).max() > 0.01
