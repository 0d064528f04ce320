"""Reads and pulses on chips drawn at random, against a nodal analysis that knows nothing of the package."""

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.instrument import SourceSettings

HALF_RESISTOR = 500.0  # ohm, the divider of the fake bench
THRESHOLD_V = 0.6 * 2.0  # from this voltage on the emulated world counts the time of a cell
SHAPES = [(4, 4), (3, 5), (5, 2)]
BENCHES = [{}, {"dual": False, "divider_from": "guard"}]
IDS = ["two sources", "one with a guard"]


def lines_volts(conductances, held, line_ohm):
    """Voltages of the inner ends of all lines, rows first, and the currents into their pads.

    `held` is the voltage of each pad; every line has `line_ohm` between its pad and its cells.
    """
    rows, columns = conductances.shape
    line = 1 / line_ohm
    laplacian = np.zeros((rows + columns,) * 2)
    laplacian[:rows, rows:] = -conductances
    laplacian[rows:, :rows] = -conductances.T
    laplacian -= np.diag(laplacian.sum(axis=1))
    inner = np.linalg.solve(laplacian + line * np.eye(rows + columns), line * held)
    return inner, laplacian @ inner


def virtual_ground(conductances, vector, column, line_ohm):
    """Current out of a column when all rows are driven at once and every column is at 0 V."""
    rows, columns = conductances.shape
    _, into = lines_volts(conductances, np.concatenate([vector, np.zeros(columns)]), line_ohm)
    return -into[rows + column]


def guarded(conductances, vector, column, line_ohm):
    """Current out of a column by two reads: rows of one voltage on ground, all other lines at the column's voltage."""
    rows, columns = conductances.shape
    found = 0.0
    for level in set(vector[vector != 0].tolist()):
        for active, sign in ((vector == level, 1), (np.zeros(rows, dtype=bool), -1)):
            held = np.concatenate([np.where(active, 0.0, -level), np.full(columns, -level)])
            _, into = lines_volts(conductances, held, line_ohm)
            found -= sign * into[rows + column]
    return found


@pytest.mark.parametrize("line_ohm", [0.0, 3.0, 50.0])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", BENCHES, ids=IDS)
def test_currents_of_bipolar_patterns_are_those_of_a_nodal_analysis(fakes, kind, shape, line_ohm):
    rng = np.random.default_rng(shape[0] * 100 + shape[1])
    conductances = 10 ** rng.uniform(-6.5, -4.5, shape)
    patterns = rng.choice([-0.1, 0.1], size=(4, shape[0]))
    patterns[3] = rng.choice([0.0, 0.05, -0.15], size=shape[0])
    bench = fakes.FakeBench(fakes.chip_of(conductances), line_ohm=line_ohm, **kind)
    found = bench.backend().read_currents(patterns)
    solved = virtual_ground if bench.dual else guarded
    expected = np.array(
        [[solved(conductances, vector, column, line_ohm or 1e-6) for column in range(shape[1])] for vector in patterns]
    )
    scale = np.abs(patterns) @ conductances
    assert (np.abs(found - expected) <= 1e-5 * scale).all()
    if line_ohm == 50.0:
        assert (np.abs(expected - patterns @ conductances) > 1e-4 * scale).any()  # so the lines do matter here


def offset(source, volt):
    """Let a source be off by some volts, whatever it is told."""
    real = source.set_voltage

    def set_voltage(voltage_v):
        real(voltage_v + volt)

    source.set_voltage = set_voltage


@pytest.mark.parametrize("line_ohm", [0.0, 50.0])
@pytest.mark.parametrize("kind", BENCHES, ids=IDS)
def test_offsets_of_the_sources_are_not_in_the_currents(fakes, kind, line_ohm):
    rng = np.random.default_rng(11)
    conductances = 10 ** rng.uniform(-6.5, -5, (4, 4))
    patterns = rng.choice([-0.1, 0.1], size=(2, 4))
    exact = fakes.FakeBench(fakes.chip_of(conductances), line_ohm=line_ohm, **kind).backend().read_currents(patterns)
    bench = fakes.FakeBench(fakes.chip_of(conductances), line_ohm=line_ohm, **kind)
    for source, volt in zip(bench.sources.values(), (4e-4, -3e-4), strict=False):
        offset(source, volt)
    backend = bench.backend()
    backend.read_currents(0.05 * np.eye(4)[:1])  # the first voltages come after the outputs went on at exactly 0 V
    np.testing.assert_allclose(backend.read_currents(patterns), exact, atol=1e-5 * np.abs(exact).max())


# ---------------------------------------------------------------------- half-selected cells


def pulse_volts(conductances, cell, amplitude_v, line_ohm, *, dual):
    """Voltages of all cells, row minus column, during a pulse at one of them."""
    rows, columns = conductances.shape
    row, column = cell[0], rows + cell[1]
    line = 1 / line_ohm
    size = rows + columns
    # Nodes: inner ends of all lines, then the divider's middle.
    matrix, right = np.zeros((size + 1,) * 2), np.zeros(size + 1)
    matrix[:rows, rows:size] = -conductances
    matrix[rows:size, :rows] = -conductances.T
    matrix -= np.diag(matrix.sum(axis=1))
    for number in range(size):
        matrix[number, number] += line
        if not dual and number not in (row, column):
            matrix[number, size] -= line
            matrix[size, number] -= line
            matrix[size, size] += line
    matrix[size, size] += 2 / HALF_RESISTOR
    right[size] = amplitude_v / HALF_RESISTOR
    right[row] = line * (amplitude_v / 2 if dual else amplitude_v)
    right[column] = line * (-amplitude_v / 2 if dual else 0.0)
    inner = np.linalg.solve(matrix, right)[:size]
    return inner[:rows, None] - inner[rows:]


@pytest.mark.parametrize("line_ohm", [0.0, 20.0])
@pytest.mark.parametrize("amplitude_v", [2.8, -2.8])
@pytest.mark.parametrize("kind", [*BENCHES, {"dual": False, "divider_from": "hi"}], ids=[*IDS, "divider on hi"])
def test_a_pulse_is_counted_on_every_cell_that_it_half_selects_and_on_no_other(fakes, kind, amplitude_v, line_ohm):
    rng = np.random.default_rng(3)
    conductances = 10 ** rng.uniform(-6.3, -5.3, (4, 4))
    bench = fakes.FakeBench(fakes.chip_of(conductances), line_ohm=line_ohm, **kind)
    backend = bench.backend()
    for cell in ((0, 0), (1, 2), (3, 3)):
        before, conductances = len(bench.world.log.of("exposure")), bench.chip.conductances
        counts = np.zeros((4, 4), dtype=int)
        counts[cell] = 1
        backend.send_pulses(counts, Pulse(amplitude_v, 0.05))
        felt = {(each["row"], each["column"]): each["volt"] for each in bench.world.log.of("exposure")[before:]}
        volts = pulse_volts(conductances, cell, amplitude_v, line_ohm or 1e-6, dual=bench.dual)
        assert set(felt) == {tuple(each) for each in np.argwhere(np.abs(volts) >= THRESHOLD_V)}
        assert set(felt) == {(row, column) for row, column in np.ndindex(4, 4) if row == cell[0] or column == cell[1]}
        for place, volt in felt.items():
            assert volt == pytest.approx(volts[place], rel=1e-4)


def test_two_pulses_with_half_select_above_the_threshold_move_each_mate_twice(fakes):
    bench = fakes.FakeBench(fakes.chip_of(np.full((4, 4), 1e-6)))
    counts = np.zeros((4, 4), dtype=int)
    counts[1, 2] = 2
    settings = {port: SourceSettings(range_v=3.0, compliance_a=1e-3, range_a=1e-3) for port in bench.sources}
    bench.backend(settings=settings).send_pulses(counts, Pulse(2.8, 0.05))
    seen = [(each["row"], each["column"]) for each in bench.world.log.of("exposure")]
    mates = [(row, column) for row, column in np.ndindex(4, 4) if (row == 1) != (column == 2)]
    assert sorted(seen) == sorted([*mates, (1, 2)] * 2)
