"""Crossbars of cells that are not ohmic, against ngspice and hand calculations."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
import scipy

from crossbar_hil.errors import BackendError, DataError
from crossbar_hil.sim_backend.circuit import (
    CrossbarSolver,
    Topology,
    compile_kernels,
    crossbar_solution,
    engine,
    solve_crossbar,
)
from crossbar_hil.sim_backend.circuit.cells import Cubic, Ohmic, Sinh, Tabulated

CONDUCTANCES = [[1e-3, 2e-4, 5e-3], [1e-2, 0.0, 3e-4], [5e-5, 4e-3, 1e-3], [2e-3, 1e-3, 7e-4]]
VOLTAGES = [[0.5, 0.3, -0.2, 0.65]]
WIRES = (10.0, 25.0)
# ngspice 39.3 (Debian), operating point with reltol 1e-12, abstol 1e-18, vntol 1e-15, gmin 1e-30, of the netlist
#   v0 s0 0 0.5 | rw0_0 s0 a0_0 10 | rw0_1 a0_0 a0_1 10 ...      word lines, driven at the left, 10 ohm a segment
#   rb1_0 b0_0 b1_0 25 ... rb4_0 b3_0 o0 25 | vo0 o0 0 0         bit lines, read into 0 V at the bottom, 25 ohm
#   bc0_0 a0_0 b0_0 i=F(v(a0_0,b0_0)) ...                        a cell
# with F(v) as below; the numbers are i(vo0), i(vo1), i(vo2).
BY_NGSPICE = [
    # F = g*v
    (Ohmic(), [0.002766425318767012, 4.044787095856209e-05, 0.00169448583612973]),
    # F = g*sinh(6*v)/6
    (Sinh(6.0), [0.004434548494268583, 0.001273111129754814, 0.002500962499173614]),
    # F = g*(6.24432131e-5*v + 2.66646052e-4*v*v*v) / (6.24432131e-5 + 2.66646052e-4*0.225*0.225)
    (Cubic(), [0.003382567389363057, 0.0006122239655737557, 0.002020715662834611]),
]


@pytest.fixture(params=["numpy", "kernels"])
def way(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setattr(engine, "kernels_ready", lambda: False)
        monkeypatch.setattr(engine, "_small_solutions", [0])
    else:
        compile_kernels()
        monkeypatch.setattr(engine, "kernels_ready", lambda: True)


@pytest.mark.parametrize(("cell", "expected"), BY_NGSPICE, ids=["ohmic", "sinh", "cubic"])
def test_currents_are_those_of_ngspice(way, cell, expected):
    # ngspice's own tolerance is what is left.
    assert np.allclose(solve_crossbar(CONDUCTANCES, VOLTAGES, WIRES, cell), [expected], rtol=1e-11, atol=0)


@pytest.mark.parametrize("cell", [Sinh(8.0), Cubic(), Tabulated([0.2, 0.5, 1.0], [1e-5, 4e-5, 2e-4])])
def test_one_cell_between_two_wires_carries_what_a_bracketing_search_finds(way, cell):
    siemens, volts, ohm = 1e-3, 0.9, 400.0

    def gap(across):
        return across + ohm * cell.current(np.array(siemens), np.array(across)) - volts

    expected = (volts - scipy.optimize.brentq(gap, 0.0, volts, xtol=1e-15, rtol=1e-15)) / ohm
    assert np.isclose(solve_crossbar([[siemens]], [[volts]], (100.0, 300.0), cell)[0, 0], expected, rtol=1e-10)


@pytest.mark.parametrize("cell", [Sinh(3.0), Cubic()])
def test_newton_settles_quadratically(cell):
    # Exact linear solutions on the way would do better than this; rounding ends it at 1e-12.
    rng = np.random.default_rng(1)
    solver = CrossbarSolver(1 / rng.uniform(2e3, 11e3, (12, 9)), 20.0, cell)
    solver.currents(rng.uniform(0, 0.6, (1, 12)))
    steps = solver.residuals
    assert 2 <= len(steps) <= 5
    assert all(after < max(before**2, 1e-12) for before, after in itertools.pairwise(steps))
    assert steps[-1] < 1e-10


def test_a_strong_nonlinearity_settles_too(way):
    # At 1.5 V a cell of b = 30/V would carry e^45 times its ohmic current; the wires do not let it.
    cell = Sinh(30.0)
    found = crossbar_solution(np.full((4, 4), 1e-4), [[1.5, -1.5, 0.7, 0.0]], 10.0, cell)
    across = found.word_potentials - found.bit_potentials
    assert np.allclose(-np.diff(found.word_potentials, axis=2) / 10.0, found.word_currents[:, :, 1:-1], atol=1e-11)
    assert np.allclose(-np.diff(found.bit_potentials, axis=1) / 10.0, found.bit_currents[:, 1:-1], atol=1e-11)
    assert np.allclose(cell.current(np.array(1e-4), across), found.cell_currents)
    assert np.allclose(found.currents, found.cell_currents.sum(1), rtol=1e-8)


def test_ideal_wires_need_no_solution_and_no_slope():
    @dataclass
    class Square:
        def current(self, conductances, voltages):
            return conductances * voltages * np.abs(voltages)

    assert solve_crossbar([[2.0], [1.0]], [[3.0, -1.0]], 0.0, Square()) == 2 * 9 - 1
    with pytest.raises(DataError, match=r"cell model Square has no slope\(\), which a circuit with wires needs"):
        solve_crossbar([[2.0], [1.0]], [[3.0, -1.0]], 1.0, Square())


@pytest.mark.parametrize("wires", [(0.0, 50.0), (50.0, 0.0)])
def test_one_kind_of_line_may_be_ideal(way, wires):
    cell = Sinh(4.0)
    found = crossbar_solution(CONDUCTANCES, VOLTAGES, wires, cell)
    if wires[0]:
        assert (found.bit_potentials == 0).all()
        along = np.concatenate([np.array(VOLTAGES)[:, :, None], found.word_potentials], axis=2)
        assert np.allclose(-np.diff(along, axis=2) / 50.0, found.word_currents[:, :, :-1], rtol=1e-8, atol=1e-14)
    else:
        assert (found.word_potentials == np.array(VOLTAGES)[:, :, None]).all()
        down = np.concatenate([found.bit_potentials, np.zeros((1, 1, 3))], axis=1)
        assert np.allclose(-np.diff(down, axis=1) / 50.0, found.bit_currents[:, 1:], rtol=1e-8, atol=1e-14)
    assert np.allclose(found.currents, found.cell_currents.sum(1), rtol=1e-9)


def test_cells_behind_floating_lines_share_the_voltage(way):
    # 1 V across three cells in series by floating lines [0,1], [1,1], [1,0] and one directly: sinh is odd and equal
    # cells in series take a third each.
    topology = Topology(floating_rows=(1,), floating_columns=(1,))
    found = crossbar_solution(np.full((2, 2), 1e-6), [[0.9, 0.0]], 0.0, Sinh(5.0), topology=topology)
    expected = 1e-6 * (np.sinh(4.5) + np.sinh(1.5)) / 5
    assert np.isclose(found.currents[0, 0], expected, rtol=1e-9)


def test_vectors_one_after_another_do_not_depend_on_each_other():
    rng = np.random.default_rng(3)
    conductances, voltages = 1 / rng.uniform(2e3, 11e3, (10, 7)), rng.choice([0.0, 0.5], (5, 10))
    solver = CrossbarSolver(conductances, 5.0, Cubic())
    together = solver.currents(voltages)
    backwards = solver.currents(voltages[::-1])[::-1]
    assert np.allclose(together, backwards, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("cell", [Sinh(3.0), Cubic(), Tabulated([0.2, 0.5, 1.0], [1e-5, 4e-5, 2e-4])])
def test_without_any_voltage_no_current_flows_whatever_was_solved_before(cell):
    # What is left of the vector before has no current to be compared with.
    for rows, columns in itertools.product((1, 2), range(1, 13)):
        rng = np.random.default_rng(columns)
        solver = CrossbarSolver(10 ** rng.uniform(-6, -3, (rows, columns)), 1.0, cell)
        assert (solver.currents([[0.5] * rows, [0.0] * rows])[1] == 0).all()
        assert (solver.currents(rng.uniform(-1, 1, (1, rows))) != 0).all()
        assert (solver.currents([[0.0] * rows]) == 0).all()


def test_a_solution_outside_the_measured_range_is_refused(way):
    table = Tabulated([0.1, 0.2], [1e-6, 3e-6])
    assert np.isfinite(solve_crossbar([[1e-5]], [[0.19]], 10.0, table)).all()
    with pytest.raises(DataError, match=r"V across a cell lies outside the table, which ends at 0.2 V"):
        solve_crossbar([[1e-5]], [[0.5]], 10.0, table)


def test_a_cell_whose_slope_is_wrong_is_reported():
    @dataclass
    class Wrong:
        def current(self, conductances, voltages):
            return conductances * np.sinh(9 * voltages)

        def slope(self, conductances, voltages):
            return 1e-3 * conductances * np.ones_like(voltages)

    with pytest.raises(BackendError, match=r"the currents of Wrong cells did not settle in \d+ steps"):
        solve_crossbar(np.full((2, 2), 1e-3), [[1.0, 0.8]], 10.0, Wrong())


@pytest.mark.parametrize(
    "cell",
    [
        Sinh(3.0),
        Sinh(30.0),
        Sinh(3.0, reference_v=0.5),
        Cubic(),
        Tabulated([0.1, 0.3, 0.5, 2.0], [1e-6, 5e-6, 2e-5, 9e-5]),
    ],
)
def test_a_model_the_kernel_knows_carries_what_it_says_itself(cell):
    # The same curve under a name that no kernel knows goes through numpy.
    @dataclass
    class Other:
        def current(self, conductances, voltages):
            return cell.current(conductances, voltages)

        def slope(self, conductances, voltages):
            return cell.slope(conductances, voltages)

    rng = np.random.default_rng(4)
    compile_kernels()
    for rows, columns in ((9, 8), (9, 7), (3, 3), (1, 8), (2, 5), (2, 3)):  # eight cells at once, or fewer than eight
        conductances, voltages = 1 / rng.uniform(2e3, 11e3, (rows, columns)), rng.uniform(-0.6, 0.6, (2, rows))
        conductances[0, -1] = 0.0
        found = solve_crossbar(conductances, voltages, 20.0, cell)
        assert np.allclose(found, solve_crossbar(conductances, voltages, 20.0, Other()), rtol=1e-8, atol=0)
