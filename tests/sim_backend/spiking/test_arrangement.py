"""Tiles, orders and ends against nodal analysis that is written here anew, for a sparse solver."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import ConfigError
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.sim_backend.circuit import Topology, compile_kernels, solve_crossbar
from crossbar_hil.sim_backend.circuit.cells import Cubic, Sinh
from crossbar_hil.sim_backend.spiking.arrangement import Arrangement
from crossbar_hil.sim_backend.spiking.attenuated import AttenuatedEngine
from crossbar_hil.sim_backend.spiking.fused import FusedEngine
from crossbar_hil.sim_backend.spiking.wired import WiredEngine
from crossbar_hil.spiking.network.backend_engine import BackendEngine
from crossbar_hil.spiking.network.encoding import TESTING, TRAINING, spike_probabilities
from crossbar_hil.spiking.network.model import initial_state
from crossbar_hil.spiking.network.stepwise import Showing
from crossbar_hil.spiking.tasks.models import published_model
from crossbar_hil.spiking.tasks.small import SmallTask

K, N = 10, 5
RNG = np.random.default_rng(8)
IMAGES = spike_probabilities(RNG.choice([0.0, 0.2, 0.7, 1.0], (4, K)))
CELLS = RNG.uniform(5e-5, 1e-2, (K, N))
VOLTS = np.where(RNG.random(K) < 0.5, 1.0, 0.0)
ORDER = RNG.permutation(K)
BOTH = Topology(drive="both", sense="both")
ARRANGEMENTS = {
    "both ends": {"topology": BOTH},
    "both ends of the columns": {"topology": Topology(sense="both")},
    "ordered": {"order": ORDER},
    "three tiles below each other": {"tiles": (3, 1), "order": ORDER},
    "tiles with both ends": {"tiles": (2, 2), "topology": BOTH},
}


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    compile_kernels()


def kirchhoff(cells, volts, ohm, both_drive, both_sense):
    """Return the currents out of all columns by one conductance matrix of all 2 R C nodes."""
    rows, columns = cells.shape
    entries, right = [], np.zeros(2 * cells.size)

    def word(i, j):
        return i * columns + j

    def bit(i, j):
        return cells.size + word(i, j)

    def join(a, b, siemens):
        entries.extend([(a, a, siemens), (b, b, siemens), (a, b, -siemens), (b, a, -siemens)])

    for i in range(rows):
        for j in range(columns):
            join(word(i, j), bit(i, j), cells[i, j])
            if j + 1 < columns:
                join(word(i, j), word(i, j + 1), 1 / ohm)
            if i + 1 < rows:
                join(bit(i, j), bit(i + 1, j), 1 / ohm)
        for j in [0, columns - 1] if both_drive else [0]:
            entries.append((word(i, j), word(i, j), 1 / ohm))
            right[word(i, j)] += volts[i] / ohm
    ends = [rows - 1, 0] if both_sense else [rows - 1]
    entries += [(bit(i, j), bit(i, j), 1 / ohm) for i in ends for j in range(columns)]
    a, b, values = zip(*entries, strict=True)
    found = spsolve(coo_matrix((values, (a, b)), shape=(len(right),) * 2).tocsc(), right)
    return np.array([sum(found[bit(i, j)] for i in ends) / ohm for j in range(columns)])


def by_hand(arrangement, cells, volts):
    """Return the currents of all columns, tile by tile."""
    topology, order = arrangement.topology, arrangement.order
    total, order = np.zeros(cells.shape[1]), np.arange(len(cells)) if order is None else order
    for rows in np.array_split(order, arrangement.tiles[0]):
        for columns in np.array_split(np.arange(cells.shape[1]), arrangement.tiles[1]):
            ends = topology.drive == "both", topology.sense == "both"
            total[columns] += kirchhoff(cells[np.ix_(rows, columns)], volts[rows], arrangement.wire_ohm, *ends)
    return total


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_currents_are_those_of_a_nodal_analysis_of_every_tile(name):
    arrangement = Arrangement(2.0, **ARRANGEMENTS[name])
    expected = by_hand(arrangement, CELLS, VOLTS)
    np.testing.assert_allclose(arrangement.solver(CELLS).currents(VOLTS[None])[0], expected, rtol=1e-7)
    np.testing.assert_allclose(VOLTS @ arrangement.transfer(CELLS), expected, rtol=1e-7)
    solver = arrangement.solver(CELLS[::-1].copy())
    solver.update(CELLS)
    np.testing.assert_allclose(solver.currents(VOLTS[None])[0], expected, rtol=1e-7)


@pytest.mark.parametrize("cell", [Cubic(), Sinh(b_per_v=2.0)], ids=["cubic", "sinh"])
def test_secants_give_the_currents_of_the_patterns_that_they_come_from(cell):
    patterns = np.array([VOLTS > 0, VOLTS == 0])
    patterns = np.vstack([patterns, patterns])
    found = Arrangement(2.0, cell).secants(CELLS, patterns, 1.0)
    exact = solve_crossbar(CELLS, patterns.astype(float), 2.0, cell)
    np.testing.assert_allclose((patterns @ found).sum(axis=0), exact.sum(axis=0), rtol=1e-6)
    np.testing.assert_allclose(patterns @ found, exact, rtol=0.1)  # of unlike patterns


def test_secants_of_ohmic_cells_come_near_the_transfer_matrix():
    patterns = RNG.random((200, K)) < 0.3
    shares = Arrangement(2.0).secants(CELLS, patterns, 1.0) / Arrangement(2.0).transfer(CELLS)
    assert abs(shares - 1).max() < 0.25
    np.testing.assert_allclose(shares.mean(), 1, atol=0.03)


def small_network():
    model = published_model("siemens", inputs=K, outputs=N)
    each_by_itself = {"inhibition_v": 0.0, "others_refractory_s": 0.0, "contest": "all"}  # else one spike changes all
    model = replace(model, neurons=replace(model.neurons, threshold_v=0.025, cap_v=0.03, **each_by_itself))
    return model, initial_state(model, np.random.default_rng(3))


@pytest.mark.parametrize("cell", [None, Cubic(), Sinh(b_per_v=2.0)], ids=["ohmic", "cubic", "sinh"])
@pytest.mark.parametrize("name", ["both ends", "three tiles below each other"])
def test_renewed_shares_stay_near_the_exact_circuits_on_a_short_run(name, cell):
    model, state = small_network()
    patterns = np.random.default_rng(1).random((60, K)) < IMAGES.mean(axis=0) / 2**32
    exact = WiredEngine(2.0, cell, **ARRANGEMENTS[name])
    quick = AttenuatedEngine(2.0, 1, cell=cell, patterns=patterns, **ARRANGEMENTS[name])
    for how in (Showing(60, 5, TRAINING, learn=True), Showing(60, 5, TESTING)):
        one, other, ideal = (engine.show(model, state, IMAGES, how).counts for engine in (exact, quick, FusedEngine()))
        assert one.sum() > 20
        off, far = (abs(one - each).sum() for each in (other, ideal))
        assert off <= 0.02 * one.sum()
        assert off < 0.5 * far


def test_more_tiles_than_lines_are_refused():
    with pytest.raises(ConfigError, match="11 tiles cannot share 10 rows"):
        Arrangement(1.0, tiles=(11, 1)).transfer(CELLS)


def test_cells_that_are_not_ohmic_need_patterns_to_be_renewed_from():
    with pytest.raises(ConfigError, match="renewed from patterns"):
        AttenuatedEngine(1.0, cell=Cubic())


CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
OF_CHIP = {"wire_ohm": 2e4, "drive": "both", "sense": "both", "tiles": "3x1"}
OF_DEVICE = replace(SmallTask.read("stripes").model(N), inputs=K)
SAME = Arrangement(2e4, topology=BOTH, tiles=(3, 1))


class Computed(SimulatedBackend):
    """A chip with ideal lines whose currents are those of the arrangement of a computed network."""

    def _read_currents(self, voltages):
        return SAME.solver(self.conductances).currents(voltages)


def test_a_device_of_the_same_arrangement_learns_seed_for_seed_as_the_computed_one():
    shifts, seen = np.random.default_rng(4).uniform(2e-8, 1e-7, (K, N)), []
    for backend in (
        SimulatedBackend(CURVE, shifts, **OF_CHIP),
        Computed(CURVE, shifts),
        SimulatedBackend(CURVE, shifts),
    ):
        engine = BackendEngine(backend, Pulse(2.0, 0.05), Pulse(-2.8, 0.05))
        shown = engine.show(OF_DEVICE, engine.begin(OF_DEVICE), IMAGES, Showing(30, 5, TRAINING, learn=True))
        seen.append((shown.counts, shown.raster, backend.conductances))
        assert shown.counts.sum() > 5
    device, computed, ideal = seen
    assert all(np.array_equal(one, other) for one, other in zip(device, computed, strict=True))
    assert not np.array_equal(device[2], ideal[2])


def test_a_device_answers_seed_for_seed_as_the_compiled_network_of_the_same_cells():
    backend = SimulatedBackend(CURVE, np.random.default_rng(4).uniform(2e-8, 1e-7, (K, N)), **OF_CHIP)
    engine, how = BackendEngine(backend, Pulse(2.0, 0.05), Pulse(-2.8, 0.05)), Showing(60, 5, TESTING)
    state = engine.begin(OF_DEVICE)
    on_device = engine.show(OF_DEVICE, state, IMAGES, how)
    cells = replace(state, weights=backend.conductances.astype(np.float32))
    arranged = WiredEngine.arranged(2e4, None, drive="both", sense="both", tiles=(3, 1))
    compiled = arranged.show(OF_DEVICE, cells, IMAGES, how)
    assert np.array_equal(on_device.counts, compiled.counts)
    assert on_device.counts.sum() > 10
