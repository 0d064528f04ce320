"""A chip with wires: currents against a nodal analysis of its own, and what cells see of a half-select pulse."""

import numpy as np
import pytest
import scipy

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import DataError
from crossbar_hil.plugins import load
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.sim_backend.chip.array_circuit import ArrayCircuit
from crossbar_hil.sim_backend.circuit.cells import Cubic, Ohmic, Sinh

CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
PULSE = Pulse(2.0, 0.05)
SHIFTS = np.array([[3e-8, 5e-8], [4e-8, 9e-8], [2e-8, 6e-8]])


def chip(**settings):
    return SimulatedBackend(CURVE, SHIFTS, **settings)


def potentials(siemens, row_ohm, column_ohm, at_rows, at_columns):
    """Solve a crossbar node by node from Kirchhoff's current law alone; return cell voltages and column currents.

    Word lines are driven at the left, bit lines at the bottom, each end at a given voltage.
    """
    rows, columns = siemens.shape
    matrix, right = np.zeros((2 * siemens.size,) * 2), np.zeros(2 * siemens.size)

    def word(row, column):
        return row * columns + column

    def bit(row, column):
        return siemens.size + row * columns + column

    def join(first, second, conductance):
        for one, other in ((first, second), (second, first)):
            matrix[one, one] += conductance
            matrix[one, other] -= conductance

    def hold(node, volt, conductance):
        matrix[node, node] += conductance
        right[node] += conductance * volt

    for row in range(rows):
        hold(word(row, 0), at_rows[row], 1 / row_ohm)
        for column in range(columns):
            join(word(row, column), bit(row, column), siemens[row, column])
            if column:
                join(word(row, column - 1), word(row, column), 1 / row_ohm)
            if row:
                join(bit(row - 1, column), bit(row, column), 1 / column_ohm)
    for column in range(columns):
        hold(bit(rows - 1, column), at_columns[column], 1 / column_ohm)
    found = np.linalg.solve(matrix, right)
    words, bits = found[: siemens.size].reshape(rows, columns), found[siemens.size :].reshape(rows, columns)
    return words - bits, (bits[-1] - at_columns) / column_ohm


@pytest.mark.parametrize("wires", [(1e4, 3e4), (1e5, 1e5)])
def test_currents_are_those_of_kirchhoffs_law(wires):
    backend = chip(wire_ohm=wires)
    voltages = np.array([[0.1, -0.1, 0.05], [0.0, 0.1, 0.1]])
    for counts in (np.zeros((3, 2), dtype=int), np.array([[1, 0], [2, 0], [0, 3]])):
        backend.send_pulses(counts, PULSE)
        for vector, currents in zip(voltages, backend.read_currents(voltages), strict=True):
            _, expected = potentials(backend.conductances, *wires, vector, np.zeros(2))
            np.testing.assert_allclose(currents, expected, rtol=1e-9)


@pytest.mark.parametrize("selected", [(0, 0), (2, 1)])
def test_every_cell_sees_its_own_voltage_of_a_half_select_pulse(selected):
    siemens, wires = (SHIFTS + 1e-7) * 100, (5e3, 2e4)
    at_rows, at_columns = np.zeros(3), np.zeros(2)
    at_rows[selected[0]], at_columns[selected[1]] = 1.0, -1.0
    expected, _ = potentials(siemens, *wires, at_rows, at_columns)
    seen = ArrayCircuit(siemens, wires, Ohmic()).pulse_volts(*selected, 2.0)
    np.testing.assert_allclose(seen, expected, atol=1e-9)
    assert seen[selected] < 1.9


def test_a_cell_that_is_not_ohmic_counts_with_its_conductance_at_its_own_voltage():
    siemens, wires, cell = np.full((1, 1), 1e-3), (100.0, 100.0), Sinh(b_per_v=1.0)
    seen = float(ArrayCircuit(siemens, wires, cell).pulse_volts(0, 0, 2.0)[0, 0])
    # One loop: 2 V = v + 200 ohm * 1 mS * sinh(v)
    assert seen + 0.2 * np.sinh(seen) == pytest.approx(2.0, abs=1e-8)


def outflow(unknown, siemens, wires, at_rows, at_columns, cell):
    """Current out of every node by Kirchhoff's law, each as the voltage that it would drop in a segment of its line."""
    shape = siemens.shape
    words, bits = unknown.reshape(2, *shape)
    through = cell.current(siemens, words - bits)
    to_the_right = np.diff(np.hstack([at_rows[:, None], words]), axis=1)
    downwards = np.diff(np.vstack([bits, at_columns[None]]), axis=0)
    of_words = to_the_right - np.hstack([to_the_right[:, 1:], np.zeros((shape[0], 1))]) + wires[0] * through
    of_bits = np.vstack([np.zeros((1, shape[1])), downwards[:-1]]) - downwards - wires[1] * through
    return np.concatenate([of_words.ravel(), of_bits.ravel()])


def test_voltages_of_random_half_select_pulses_are_those_of_a_root_finder():
    rng = np.random.default_rng(8)
    for case in range(30):
        shape, wires = tuple(rng.integers(1, 4, 2)), tuple(10 ** rng.uniform(0, 5, 2))
        siemens = 10 ** rng.uniform(-7, -3, shape)
        cell = Sinh(b_per_v=float(rng.uniform(1, 8))) if case % 4 else Cubic()
        amplitude, selected = float(rng.choice([2.0, -2.8])), tuple(int(rng.integers(each)) for each in shape)
        at_rows, at_columns = np.zeros(shape[0]), np.zeros(shape[1])
        at_rows[selected[0]], at_columns[selected[1]] = amplitude / 2, -amplitude / 2
        unknown = np.zeros(2 * siemens.size)
        for share in (0.2, 0.4, 0.6, 0.8, 1.0):  # from small voltages on, or it does not get there
            found = scipy.optimize.root(
                outflow, unknown, (siemens, wires, share * at_rows, share * at_columns, cell), tol=1e-13
            )
            unknown = found.x
        assert np.abs(found.fun).max() < 1e-10, case
        words, bits = unknown.reshape(2, *shape)
        seen = ArrayCircuit(siemens, wires, cell).pulse_volts(*selected, amplitude)
        np.testing.assert_allclose(seen, words - bits, atol=1e-8, err_msg=str(case))


@pytest.mark.parametrize(
    "chip",
    [
        {"cell": "sinh", "cell_options": {"b_per_v": 2.0}, "wire_ohm": ["3 kohm", "5 kohm"], "threshold": 0.4},
        {"wire_ohm": ["10 kohm", "20 kohm"], "threshold": 0.45},
        {"curve": "halves.csv", "wire_ohm": "500 ohm", "cell": "sinh", "cell_options": {"b_per_v": 2.0}},
    ],
    ids=["sinh", "ohmic", "half pulses"],
)
def test_an_emulated_half_select_pulse_does_what_a_simulated_one_does(chip, tmp_path):
    if "curve" in chip:
        rows = [
            (volt, pulse, 4e-7 + 5e-8 * volt**3 * (1 - 0.9**pulse)) for volt in (1.0, 2.0) for pulse in range(1, 20)
        ]
        table = "".join(f"potentiation,{volt},0.05,{pulse},{siemens}\n" for volt, pulse, siemens in rows)
        (tmp_path / "halves.csv").write_text("polarity,amplitude_v,width_s,pulse,conductance_siemens\n" + table)
        chip = {**chip, "curve": str(tmp_path / "halves.csv")}
    bench = load_bench("emulated", overrides={"chip": chip})
    twin = SimulatedBackend.from_bench(
        load_bench("simulated", overrides={"chip": {**chip, "write": "half-select"}}), np.random.default_rng(3)
    )
    with open_backend(bench, seed=3) as backend:
        for place, cell in enumerate(((0, 0), (3, 1), (2, 3))):
            counts = np.zeros((4, 4), dtype=int)
            counts[cell] = 1 + place % 2
            for each in (backend, twin):
                each.send_pulses(counts, PULSE)
            before = twin.levels
        assert (before > 0).sum() > 6  # neighbours have moved
        assert np.allclose(
            backend.read_currents(np.full((1, 4), 0.1)), twin.read_currents(np.full((1, 4), 0.1)), rtol=1e-5
        )


def test_half_select_with_ideal_wires_moves_the_selected_cells_alone_as_direct_writing_does():
    counts = np.array([[1, 0], [0, 2], [3, 0]])
    direct, selected = chip(), chip(write="half-select")
    for backend in (direct, selected):
        backend.send_pulses(counts, PULSE)
    np.testing.assert_array_equal(direct.conductances, selected.conductances)


def test_neighbours_move_if_half_a_pulse_is_above_the_threshold():
    backend = chip(write="half-select", threshold=0.4)
    counts = np.zeros((3, 2), dtype=int)
    counts[1, 0] = 1
    backend.send_pulses(counts, PULSE)
    # (0.5 - 0.4) / (1 - 0.4) of a level for each of the two kinds of neighbours, nothing for the rest
    np.testing.assert_allclose(backend.levels, [[1 / 6, 0], [1, 1 / 6], [1 / 6, 0]], atol=1e-12)


def test_a_cell_at_the_end_of_its_wires_moves_less():
    backend = chip(write="half-select", wire_ohm=5e4)
    backend.send_pulses(np.ones((3, 2), dtype=int), PULSE)
    assert backend.levels[2, 0] > backend.levels[0, 1] > 0.2


def test_noise_behind_wires_is_that_of_the_cells():
    wired = chip(read_noise=0.05, rng=np.random.default_rng(1), wire_ohm=1e-3)
    read = wired.read_currents(np.tile([[0.1, 0.1, -0.1]], (1200, 1)))
    cells = wired.conductances * np.array([[0.1], [0.1], [-0.1]])
    np.testing.assert_allclose(read.std(axis=0), 0.05 * np.sqrt(np.square(cells).sum(axis=0)), rtol=0.05)
    np.testing.assert_allclose(read.mean(axis=0), cells.sum(axis=0), rtol=0.01)


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"write": "by hand"}, "by hand"), ({"threshold": 1.0}, "threshold 1.0"), ({"wire_ohm": (1.0, 2.0, 3.0)}, "pair")],
)
def test_what_makes_no_sense_is_refused(settings, word):
    with pytest.raises(DataError, match=word):
        chip(**settings)


def test_half_select_needs_a_curve_that_says_its_pulse():
    plain = ConductanceCurve(CURVE.levels_siemens)
    with pytest.raises(DataError, match="says its pulse"):
        SimulatedBackend(plain, SHIFTS, write="half-select")


def test_an_emulated_bench_has_the_wires_of_its_chip():
    bench = load_bench("emulated", overrides={"chip": {"wire_ohm": ["10 kohm", "20 kohm"]}})
    made = load("emulation", "bench")(bench, np.random.default_rng(3))
    twin = SimulatedBackend.from_bench(bench, np.random.default_rng(3))
    world = made.world
    for row in range(4):
        world.add_wire(f"row.{row}", "smu.a.hi" if row == 1 else "lo")
    for column in range(4):
        world.add_wire(f"column.{column}", "smu.b.hi" if column == 2 else "lo")
    world.set_terminals({"smu.a": {"on": True, "level_v": 0.1}, "smu.b": {"on": True, "level_v": 0.0}})
    expected = twin.read_currents([[0.0, 0.1, 0.0, 0.0]])[0, 2]
    assert -world.measure("smu.b")[0] == pytest.approx(expected, rel=1e-6)
