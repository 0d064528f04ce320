from itertools import product

import numpy as np
import pytest

from crossbar_hil.drivers.gate.cell_volts import CellVolts
from crossbar_hil.drivers.gate.relay_states import RelayState

DUAL = ("drive", "meter")


def state(rows, columns):
    examples = {
        (upper, lower): (rows.index(upper), columns.index(lower))
        for upper, lower in product(dict.fromkeys(rows), dict.fromkeys(columns))
    }
    return RelayState((*rows, *columns), (), False, None, tuple((*ports, cell) for ports, cell in examples.items()))


READ = state(("drive", "ground"), ("meter", "ground", "ground"))


def test_a_cell_sees_its_row_less_its_column():
    volts = CellVolts(DUAL, None).across(READ, {"drive": 0.1, "meter": -0.05}, 2)
    np.testing.assert_allclose(volts, [[0.15, 0.1, 0.1], [0.05, 0.0, 0.0]], atol=1e-15)


def test_a_guard_is_where_its_source_is_and_a_divider_half_way():
    ports = CellVolts(("drive",), "drive").of_ports({"drive": 2.0})
    assert ports == {"drive": 2.0, "guard": 2.0, "divider": 1.0, "ground": 0.0, "open": None}
    assert CellVolts(DUAL, "meter").of_ports({"drive": 2.0, "meter": 0.5})["guard"] == 0.5
    assert CellVolts(DUAL, "meter").of_ports({"drive": 2.0, "meter": 0.5})["divider"] == 1.0
    assert CellVolts(("meter",), None).of_ports({"meter": 0.5})["divider"] == 0.25


def test_a_guard_that_nobody_drives_floats_and_so_does_what_hangs_on_a_source_that_is_off():
    assert CellVolts(DUAL, None).of_ports({"drive": 2.0, "meter": 0.0})["guard"] is None
    off = CellVolts(("drive",), "drive").of_ports({"drive": None})
    assert (off["drive"], off["guard"], off["divider"]) == (None, None, None)
    assert np.isnan(CellVolts(DUAL, None).across(READ, {"drive": None, "meter": 0.0}, 2)[0]).all()


def test_a_source_feeds_its_port_its_guard_and_its_divider():
    assert CellVolts(("drive",), "drive").ports_fed_by("drive") == {"drive", "guard", "divider"}
    assert CellVolts(DUAL, "meter").ports_fed_by("drive") == {"drive", "divider"}
    assert CellVolts(DUAL, "meter").ports_fed_by("meter") == {"meter", "guard"}
    assert CellVolts(("meter",), None).ports_fed_by("meter") == {"meter", "divider"}


@pytest.mark.parametrize(
    ("levels", "cell", "seen"),
    [
        ({"drive": 0.1, "meter": 0.0}, (0, 0), 0.1),
        ({"drive": 0.1, "meter": -0.1}, (0, 0), 0.2),
        ({"drive": 0.1, "meter": 0.15}, (1, 0), 0.15),  # and not the 0.05 V between them: one goes back first
        ({"drive": 0.3, "meter": 0.3}, (0, 0), 0.3),
        ({"drive": 0.0, "meter": -0.2}, (0, 0), 0.2),
        ({"drive": 0.0, "meter": 0.0}, (0, 0), 0.0),
    ],
)
def test_the_worst_cell_is_that_of_the_worst_way_back_to_0_v(levels, cell, seen):
    found, most = CellVolts(DUAL, None).worst_steady(READ, levels)
    assert most == pytest.approx(seen, abs=1e-15)
    assert abs(most) == 0 or found == cell or levels["drive"] == levels["meter"]


def test_a_line_that_floats_is_anywhere_between_those_that_do_not():
    volts = CellVolts(DUAL, None)
    floating = state(("drive", "open"), ("ground", "open"))
    assert volts.worst_steady(floating, {"drive": 0.2, "meter": 0.0}) == ((0, 0), 0.2)
    negative = state(("drive", "open"), ("meter", "open"))
    assert volts.worst_steady(negative, {"drive": 0.2, "meter": -0.1})[1] == pytest.approx(0.3)
    # A source that is off holds its lines at about 0 V, or lets them float.
    assert volts.worst_steady(READ, {"drive": None, "meter": 0.15})[1] == 0.15
    assert volts.worst_steady(state(("open", "open"), ("open", "open")), {"drive": 0.2, "meter": 0.1})[1] == 0.0
    assert volts.worst_steady(state(("open",), ("drive",)), {"drive": -0.2, "meter": 0.0}) == ((0, 0), 0.2)


def nodal(assignment, rows, levels, conductances):
    """Voltages of lines, the floating ones solved from the currents through the cells."""
    held = {"ground": 0.0, **{port: level for port, level in levels.items() if level is not None}}
    count = len(assignment)
    laplace = np.zeros((count, count))
    for (row, column), siemens in np.ndenumerate(conductances):
        a, b = row, rows + column
        laplace[a, a] += siemens
        laplace[b, b] += siemens
        laplace[a, b] -= siemens
        laplace[b, a] -= siemens
    fixed_lines = [line for line, port in enumerate(assignment) if port in held]
    free = [line for line in range(count) if line not in fixed_lines]
    volts = np.zeros(count)
    volts[fixed_lines] = [held[assignment[line]] for line in fixed_lines]
    if free and fixed_lines:
        volts[free] = np.linalg.solve(
            laplace[np.ix_(free, free)], -laplace[np.ix_(free, fixed_lines)] @ volts[fixed_lines]
        )
    return volts[:rows, None] - volts[rows:]


def drawn(rng):
    """Ports of three rows and two columns, levels of the two sources, cells from 1 nS to 1 mS."""
    ports = rng.choice(["drive", "meter", "ground", "open"], 5).tolist()
    levels = rng.choice([None, 0.0, 0.1, -0.1, 0.2, -0.2], 2).tolist()
    return ports, dict(zip(DUAL, levels, strict=True)), 10 ** rng.uniform(-9, -3, (3, 2))


def ways_to_0_v(levels):
    """The levels themselves, and those with one source or both at 0 V already; a source that is off stays off."""
    at = [{volt, volt and 0.0} for volt in levels.values()]
    return [dict(zip(DUAL, each, strict=True)) for each in product(*at)]


few_or_many = pytest.mark.parametrize("draws", [200, pytest.param(20_000, marks=pytest.mark.campaign)])


@pytest.mark.fault("V4")
@few_or_many
def test_no_cell_of_any_chip_sees_more_than_the_worst_that_is_foretold(draws):
    rng = np.random.default_rng(1)
    for _ in range(draws):
        ports, levels, siemens = drawn(rng)
        _, most = CellVolts(DUAL, None).worst_steady(state(tuple(ports[:3]), tuple(ports[3:])), levels)
        for on_the_way in ways_to_0_v(levels):
            seen = nodal(ports, 3, on_the_way, siemens)
            assert np.abs(seen).max() <= most + 1e-9, (ports, levels, siemens)


@pytest.mark.fault("V4")
@few_or_many
def test_where_every_line_is_held_the_worst_is_really_seen(draws):
    rng, held = np.random.default_rng(2), 0
    for _ in range(draws):
        ports, levels, _ = drawn(rng)
        if not {*ports} <= {"ground", *(port for port, volt in levels.items() if volt is not None)}:
            continue
        _, most = CellVolts(DUAL, None).worst_steady(state(tuple(ports[:3]), tuple(ports[3:])), levels)
        seen = [np.abs(nodal(ports, 3, each, np.ones((3, 2)))).max() for each in ways_to_0_v(levels)]
        assert most == pytest.approx(max(seen)), (ports, levels)
        held += 1
    assert held >= draws / 10
