"""Ohmic crossbars with wires, against hand calculations and an independent nodal analysis."""

import numpy as np
import pytest
from scipy.sparse import csc_array
from scipy.sparse.linalg import spsolve

from crossbar_hil.errors import DataError
from crossbar_hil.sim_backend.circuit import (
    CrossbarSolver,
    Topology,
    compile_kernels,
    crossbar_solution,
    engine,
    solve_crossbar,
    transfer_matrix,
)


def by_kirchhoff(conductances, voltages, row_ohm, column_ohm, topology=None):  # noqa: PLR0912 - one story
    """Currents (P, C): a list of branches, one equation per node, solved directly. Lines with 0 ohm share a node."""
    topology = topology or Topology()
    rows, columns = conductances.shape
    names, branches = {}, []

    def node(kind, line, place, ohm, joined):
        if ohm[line] == 0:
            place = 0
            if joined:
                return ("source", line) if kind == "word" else ("ground", line)
        return (kind, line, place)

    def word(i, j):
        return node("word", i, j, row_ohm, i not in topology.floating_rows)

    def bit(i, j):
        return node("bit", j, i, column_ohm, j not in topology.floating_columns)

    for i in range(rows):
        for j in range(columns):
            branches.append((word(i, j), bit(i, j), conductances[i, j]))
            if j and row_ohm[i] > 0:
                branches.append((word(i, j - 1), word(i, j), 1 / row_ohm[i]))
            if i and column_ohm[j] > 0:
                branches.append((bit(i - 1, j), bit(i, j), 1 / column_ohm[j]))
    for i in range(rows):
        if row_ohm[i] > 0 and i not in topology.floating_rows:
            places = {"left": [0], "right": [columns - 1], "both": [0, columns - 1]}[topology.drive]
            branches += [(("source", i), word(i, j), 1 / row_ohm[i]) for j in places]
    for j in range(columns):
        if column_ohm[j] > 0 and j not in topology.floating_columns:
            places = {"bottom": [rows - 1], "top": [0], "both": [0, rows - 1]}[topology.sense]
            branches += [(bit(i, j), ("ground", j), 1 / column_ohm[j]) for i in places]
    for one, other, _ in branches:
        for name in (one, other):
            if name[0] not in {"source", "ground"}:
                names.setdefault(name, len(names))
    matrix, right = np.zeros((len(names), len(names))), np.zeros((len(names), len(voltages)))
    nothing = np.zeros(len(voltages))
    fixed = {("source", i): voltages[:, i] for i in range(rows)} | {("ground", j): nothing for j in range(columns)}
    for one, other, siemens in branches:
        for here, there in ((one, other), (other, one)):
            if here in names:
                matrix[names[here], names[here]] += siemens
                if there in names:
                    matrix[names[here], names[there]] -= siemens
                else:
                    right[names[here]] += siemens * fixed[there]
    potentials = spsolve(csc_array(matrix), right).reshape(right.shape) if names else right
    currents = np.zeros((len(voltages), columns))
    for one, other, siemens in branches:
        if other[0] == "ground":
            currents[:, other[1]] += siemens * (potentials[names[one]] if one in names else fixed[one])
    return currents


@pytest.fixture(params=["numpy", "kernels"])
def way(request, monkeypatch):
    """Both ways to solve a small crossbar."""
    if request.param == "numpy":
        monkeypatch.setattr(engine, "kernels_ready", lambda: False)
        monkeypatch.setattr(engine, "_small_solutions", [0])
    else:
        compile_kernels()
        monkeypatch.setattr(engine, "kernels_ready", lambda: True)
    return request.param


def a_crossbar(rows, columns, seed=1, low=1e-4, high=1e-2):
    rng = np.random.default_rng(seed)
    return np.exp(rng.uniform(np.log(low), np.log(high), (rows, columns))), rng.uniform(0.1, 1.0, (3, rows))


def test_one_cell_is_three_resistors_in_series(way):
    # 1 V over 20 + 1000 + 30 ohm.
    assert np.isclose(solve_crossbar([[1e-3]], [[1.0]], (20.0, 30.0))[0, 0], 1 / 1050, rtol=1e-14)


def test_two_cells_on_a_word_line_divide_the_voltage(way):
    # r = 1 kohm, cells 1 kohm. The far branch: 1 + 1 + 1 = 3 kohm; beside it the near cell and its segment, 2 kohm;
    # together 1.2 kohm behind 1 kohm. 1 V: 1/2.2 mA in all, 3/5 of it through the near cell, 2/5 through the far one.
    total = 1e-3 / 2.2
    assert np.allclose(solve_crossbar([[1e-3, 1e-3]], [[1.0]], 1e3), [[0.6 * total, 0.4 * total]], rtol=1e-14)


def test_two_cells_on_a_bit_line_share_its_last_segment(way):
    # r = 1 kohm, cells 1 kohm, 1 V and 0 V. From the top: 1 + 1 + 1 = 3 kohm to the lower node; from there the lower
    # cell and its word line, 2 kohm, to 0 V, and 1 kohm to ground: 2/3 kohm. The node is at (2/3) / (3 + 2/3) = 2/11 V.
    assert np.isclose(solve_crossbar([[1e-3], [1e-3]], [[1.0, 0.0]], 1e3)[0, 0], 2e-3 / 11, rtol=1e-14)


def test_currents_are_those_of_kirchhoff(way):
    wrong = []
    for shape in ((1, 5), (5, 1), (2, 3), (4, 4), (7, 6)):
        conductances, voltages = a_crossbar(*shape)
        for wires in ((1.0, 1.0), (25.0, 0.3), (0.0, 2.0), (2.0, 0.0), (0.0, 0.0)):
            expected = by_kirchhoff(conductances, voltages, np.full(shape[0], wires[0]), np.full(shape[1], wires[1]))
            if not np.allclose(solve_crossbar(conductances, voltages, wires), expected, rtol=1e-10, atol=0):
                wrong.append((shape, wires))
    assert wrong == []


def test_every_line_may_have_its_own_wire_and_some_none(way):
    conductances, voltages = a_crossbar(6, 5)
    rows, columns = np.array([0.0, 3.0, 40.0, 0.0, 1.0, 0.2]), np.array([2.0, 0.0, 15.0, 0.5, 0.0])
    expected = by_kirchhoff(conductances, voltages, rows, columns)
    assert np.allclose(solve_crossbar(conductances, voltages, (rows, columns)), expected, rtol=1e-10, atol=0)
    assert np.allclose(voltages @ transfer_matrix(conductances, (rows, columns)), expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize("drive", ["left", "right", "both"])
@pytest.mark.parametrize("sense", ["bottom", "top", "both"])
def test_both_kinds_of_line_may_be_joined_at_either_end_or_both(way, drive, sense):
    conductances, voltages = a_crossbar(5, 3)
    topology = Topology(drive=drive, sense=sense)
    rows, columns = np.array([1.0, 30.0, 2.0, 0.0, 5.0]), np.array([2.0, 9.0, 100.0])
    expected = by_kirchhoff(conductances, voltages, rows, columns, topology)
    wires = (rows, columns)
    assert np.allclose(solve_crossbar(conductances, voltages, wires, topology=topology), expected, rtol=1e-10, atol=0)
    assert np.allclose(voltages @ transfer_matrix(conductances, wires, topology=topology), expected, rtol=1e-10)


@pytest.mark.parametrize("rows", [1, 7, 8, 9])
def test_sizes_about_multiples_of_eight_are_filled_up_without_a_trace(rows):
    # The kernels take eight lines at once: ends, floating and ideal lines stand among what they are filled up with.
    compile_kernels()
    for columns in (1, 7, 8, 9, 17):
        conductances, voltages = a_crossbar(rows, columns, seed=columns)
        wires = (np.arange(rows) % 4 * 3.0, (np.arange(columns) + 2) % 5 * 2.0)
        floating = {"floating_rows": (rows - 2,) * (rows > 1), "floating_columns": (columns - 1,) * (columns > 1)}
        for topology in (Topology(), Topology("both", "both"), Topology("right", "bottom", **floating)):
            expected = by_kirchhoff(conductances, voltages[:1], *wires, topology)
            found = solve_crossbar(conductances, voltages[:1], wires, topology=topology)
            assert np.allclose(found, expected, rtol=1e-10, atol=1e-18), (columns, topology)


@pytest.mark.parametrize("ohm", [0.0, 10.0])
def test_floating_lines_carry_sneak_currents(way, ohm):
    conductances, voltages = a_crossbar(4, 4)
    topology = Topology(floating_rows=(0, 2, 3), floating_columns=(0, 1, 3))
    expected = by_kirchhoff(conductances, voltages, np.full(4, ohm), np.full(4, ohm), topology)
    found = solve_crossbar(conductances, voltages, ohm, topology=topology)
    assert np.allclose(found, expected, rtol=1e-10, atol=0)
    assert found[0, 2] > voltages[0, 1] * conductances[1, 2] / (1 + 20 * conductances[1, 2])  # more than the cell alone


def test_a_group_of_floating_lines_on_its_own_stays_at_zero(way):
    # Cell [1, 1] joins two floating lines, and nothing joins them to the rest.
    conductances = np.array([[1e-3, 0.0], [0.0, 1e-3]])
    topology = Topology(floating_rows=(1,), floating_columns=(1,))
    found = crossbar_solution(conductances, [[1.0, 9.0]], 10.0, topology=topology)
    assert np.allclose(found.currents, [[1 / 1030, 0.0]], rtol=1e-13)
    assert (found.word_potentials[0, 1] == 0).all()


def test_an_open_cell_is_as_if_it_were_not_there(way):
    conductances = np.array([[1e-3, 0.0], [0.0, 0.0], [0.0, 0.0]])
    # 1 V over one word segment, the cell, three bit segments.
    assert np.allclose(solve_crossbar(conductances, [[1.0, 0.5, 0.2]], 10.0), [[1 / 1040, 0.0]], rtol=1e-13)


def test_ideal_wires_give_the_matrix_product_exactly():
    conductances, voltages = a_crossbar(13, 9)
    assert (solve_crossbar(conductances, voltages, 0.0) == voltages.dot(conductances)).all()


def test_a_wire_of_next_to_nothing_gives_what_no_wire_does(way):
    conductances, voltages = a_crossbar(5, 6)
    ideal = voltages @ conductances
    # The relative drop is below R C G r = 30 * 1e-2 * r.
    for ohm in (1e-9, 1e-12, 1e-14, 1e-18, 1e-300):
        assert np.allclose(solve_crossbar(conductances, voltages, ohm), ideal, rtol=0.3 * ohm + 1e-14, atol=0)


@pytest.mark.parametrize(("rows", "columns"), [(13, 9), (8, 21)])
@pytest.mark.parametrize("ohm", [1.0, 10.0])
def test_low_ohmic_arrays_are_solved_to_nine_digits(rows, columns, ohm):
    # 100 ohm to 20 kohm, one column a million times weaker, one row open.
    rng = np.random.default_rng(5)
    conductances = 1 / rng.uniform(100, 20e3, (rows, columns))
    conductances[:, 3] *= 1e-6
    conductances[7] = 0
    voltages = np.vstack([rng.uniform(0, 1, (2, rows)), np.eye(rows)[:2]])
    expected = by_kirchhoff(conductances, voltages, np.full(rows, ohm), np.full(columns, ohm))
    assert np.allclose(solve_crossbar(conductances, voltages, ohm), expected, rtol=1e-9, atol=0)
    assert np.allclose(voltages @ transfer_matrix(conductances, ohm), expected, rtol=1e-9, atol=0)


def test_currents_into_a_line_equal_the_currents_out_of_it_and_segments_obey_ohm():
    conductances, voltages = a_crossbar(11, 10)
    found = crossbar_solution(conductances, voltages, (7.0, 3.0), topology=Topology(drive="both", sense="both"))
    ends = np.stack([voltages, voltages], axis=-1)[:, :, None, :]
    along = np.concatenate([ends[..., 0], found.word_potentials, ends[..., 1]], axis=2)
    assert np.allclose(-np.diff(along, axis=2) / 7.0, found.word_currents, rtol=1e-8, atol=1e-15)
    zero = np.zeros((3, 1, 10))
    down = np.concatenate([zero, found.bit_potentials, zero], axis=1)
    assert np.allclose(-np.diff(down, axis=1) / 3.0, found.bit_currents, rtol=1e-8, atol=1e-15)
    assert np.allclose(-np.diff(found.word_currents, axis=2), found.cell_currents, rtol=1e-10, atol=1e-17)
    assert np.allclose(np.diff(found.bit_currents, axis=1), found.cell_currents, rtol=1e-10, atol=1e-17)
    assert np.allclose(found.bit_currents[:, -1] - found.bit_currents[:, 0], found.currents, rtol=1e-12)


@pytest.mark.parametrize("topology", [Topology(), Topology("right", "top"), Topology("both", "both")])
def test_the_sources_give_what_cells_and_wires_turn_into_heat(topology):
    conductances, voltages = a_crossbar(9, 12)
    found = crossbar_solution(conductances, voltages, (7.0, 3.0), topology=topology)
    heat = (found.cell_currents**2 / conductances).sum((1, 2))
    heat += 7.0 * (found.word_currents**2).sum((1, 2)) + 3.0 * (found.bit_currents**2).sum((1, 2))
    given = (voltages * (found.word_currents[:, :, 0] - found.word_currents[:, :, -1])).sum(1)
    assert np.allclose(given, heat, rtol=1e-10)


def test_the_circuit_is_reciprocal():
    # What 1 V on word line i sends into bit line j, 1 V on bit line j sends into word line i of the same circuit,
    # drawn turned round: word lines become bit lines, left ends become lower ends.
    conductances, _ = a_crossbar(7, 12)
    turned = conductances[::-1, ::-1].T
    forth, back = solve_crossbar(conductances, np.eye(7), 20.0), solve_crossbar(turned, np.eye(12), 20.0)
    assert np.allclose(forth, back[::-1, ::-1].T, rtol=1e-10, atol=0)


def test_a_solver_follows_its_conductances():
    conductances, voltages = a_crossbar(6, 5)
    solver = CrossbarSolver(conductances, 5.0)
    wires = (np.full(6, 5.0), np.full(5, 5.0))
    for _ in range(4):  # the transfer matrix comes in on the way
        assert np.allclose(solver.currents(voltages), by_kirchhoff(conductances, voltages, *wires), rtol=1e-10, atol=0)
    conductances[:, 2] *= 3.0
    solver.update(conductances)
    for _ in range(4):
        assert np.allclose(solver.currents(voltages), by_kirchhoff(conductances, voltages, *wires), rtol=1e-10, atol=0)


def test_many_vectors_at_once_are_the_same_as_one_by_one():
    conductances, _ = a_crossbar(6, 5)
    voltages = np.random.default_rng(2).uniform(-1, 1, (40, 6))
    together = solve_crossbar(conductances, voltages, 8.0)
    alone = np.vstack([solve_crossbar(conductances, each[None], 8.0) for each in voltages])
    assert np.allclose(together, alone, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1e-3, -2e-6]], [[1.0]]), r"conductance -2e-06 S of cell \[0, 1\] is negative"),
        (([1e-3], [[1.0]]), r"conductances have shape \(1,\), expected \(\*, \*\)"),
        (([[np.nan]], [[1.0]]), r"conductances hold nan at \[0, 0\]"),
        (([[1e-3]], [[1.0, 2.0]]), r"voltages have shape \(1, 2\), expected \(\*, 1\)"),
        (([[1e-3]], [[np.inf]]), r"voltages hold inf at \[0, 0\]"),
        (([[1e-3]], [[1.0]], -1.0), "wire_ohm -1 ohm of word line 0 is negative, it must be at least 0 ohm"),
        (([[1e-3]], [[1.0]], (1.0, [1.0, 2.0])), r"wire_ohm of bit lines have shape \(2,\), expected \(1,\)"),
        (([[1e-3]], [[1.0]], (1.0, 2.0, 3.0)), "wire_ohm has 3 parts"),
        (([[1e-3]], [[1.0]], np.ones(1)), "wire_ohm is one array"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(arguments, message):
    with pytest.raises(DataError, match=message):
        solve_crossbar(*arguments)


def test_a_topology_that_is_none_is_refused():
    with pytest.raises(DataError, match="sense 'left' of a topology must be bottom, top or both"):
        Topology(sense="left")
    with pytest.raises(DataError, match="floating row 4 is not among the 2 rows of the crossbar"):
        solve_crossbar(np.ones((2, 2)), np.ones((1, 2)), topology=Topology(floating_rows=(4,)))


def test_small_crossbars_wait_for_no_compiler():
    import subprocess
    import sys

    program = (
        "import sys, numpy as np\n"
        "from crossbar_hil.sim_backend.circuit import solve_crossbar\n"
        "solve_crossbar(np.full((4, 4), 1e-4), np.ones((1, 4)))\n"
        "print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("cells", "volts", "message"),
    [
        ([[1e-3, -2e-6], [1e-3, 1e-3]], [[1.0, 1.0]], r"conductance -2e-06 S of cell \[0, 1\] is negative"),
        ([[1e-3, np.nan], [1e-3, 1e-3]], [[1.0, 1.0]], r"conductances hold nan at \[0, 1\]"),
        ([[1e-3, 1e-3], [1e-3, np.inf]], [[1.0, 1.0]], r"conductances hold inf at \[1, 1\]"),
        ([[1e-3, 1e-3], [1e-3, 1e-3]], [[1.0, -np.inf]], r"voltages hold -inf at \[0, 1\]"),
    ],
)
def test_arrays_of_doubles_are_refused_in_the_same_words(way, cells, volts, message):
    with pytest.raises(DataError, match=message):
        solve_crossbar(np.array(cells), np.array(volts), 1.0)


def test_a_kept_transfer_matrix_lets_no_voltage_through_that_is_no_number():
    solver = CrossbarSolver(np.full((2, 2), 1e-3), 1.0)
    solver.transfer_matrix()
    assert np.allclose(solver.currents([[1.0, 1.0]]), solve_crossbar(np.full((2, 2), 1e-3), np.ones((1, 2)), 1.0))
    for bad in (np.array([[1.0, np.nan]]), np.array([[np.inf, 0.0]]), [[1.0, np.nan]]):
        with pytest.raises(DataError, match="voltages hold"):
            solver.currents(bad)
    with pytest.raises(DataError, match=r"voltages have shape \(1, 3\), expected \(\*, 2\)"):
        solver.currents(np.ones((1, 3)))


def test_arrays_that_are_read_only_or_turned_are_solved_alike(way):
    conductances, voltages = a_crossbar(4, 4)
    expected = solve_crossbar(conductances, voltages, 3.0)
    locked = conductances.copy()
    locked.flags.writeable = False
    assert np.allclose(solve_crossbar(locked, voltages, 3.0), expected, rtol=1e-13)
    assert np.allclose(solve_crossbar(np.asfortranarray(conductances), voltages, 3.0), expected, rtol=1e-13)
