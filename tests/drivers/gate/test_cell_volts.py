from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar_hil.drivers.gate.cell_volts import CellVolts
from crossbar_hil.drivers.gate.relay_states import RelayState

fixed = settings(derandomize=True, database=None, deadline=None, max_examples=200)
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


ports = st.sampled_from(["drive", "meter", "ground", "open"])
levels = st.sampled_from([None, 0.0, 0.1, -0.1, 0.2, -0.2])


@pytest.mark.fault("V4")
@fixed
@given(
    st.lists(ports, min_size=3, max_size=3),
    st.lists(ports, min_size=2, max_size=2),
    levels,
    levels,
    st.lists(st.floats(1e-9, 1e-3), min_size=6, max_size=6),
)
def test_no_cell_of_any_chip_sees_more_than_the_worst_that_is_foretold(rows, columns, drive, meter, siemens):
    volts, found = CellVolts(DUAL, None), state(tuple(rows), tuple(columns))
    most = volts.worst_steady(found, {"drive": drive, "meter": meter})[1]
    for first, second in product({drive, drive and 0.0}, {meter, meter and 0.0}):
        seen = nodal((*rows, *columns), 3, {"drive": first, "meter": second}, np.reshape(siemens, (3, 2)))
        assert np.abs(seen).max() <= most + 1e-9


@pytest.mark.fault("V4")
@fixed
@given(st.lists(ports, min_size=3, max_size=3), st.lists(ports, min_size=2, max_size=2), levels, levels)
def test_where_every_line_is_held_the_worst_is_really_seen(rows, columns, drive, meter):
    held = {"ground", "drive" if drive is not None else "", "meter" if meter is not None else ""}
    if not {*rows, *columns} <= held:
        return
    most = CellVolts(DUAL, None).worst_steady(state(tuple(rows), tuple(columns)), {"drive": drive, "meter": meter})[1]
    seen = [
        np.abs(nodal((*rows, *columns), 3, {"drive": first, "meter": second}, np.ones((3, 2)))).max()
        for first, second in product({drive, drive and 0.0}, {meter, meter and 0.0})
    ]
    assert most == pytest.approx(max(seen))
