from itertools import product

import numpy as np
import pytest

from crossbar_hil.drivers.gate.relay_states import RelayStates
from crossbar_hil.drivers.schemes.read_schemes import Floating, Guarded, VirtualGround
from crossbar_hil.drivers.schemes.wiring import Wiring
from crossbar_hil.drivers.schemes.write_schemes import DividerHalfSelect, SymmetricHalfSelect, WholeRow
from crossbar_hil.errors import LimitError

from ...cases import in_one_test

ROWS, COLUMNS = 4, 4
LINES = ROWS + COLUMNS
DUAL = {"drive": "A", "meter": "B", "ground": "C"}
SINGLE = {"drive": "A", "ground": "B", "guard": "C", "divider": "D"}
THREE = {**DUAL, "meter2": "D", "meter3": "E"}
NO_GUARD = {"drive": "A", "meter": "B", "ground": "C", "divider": "D"}


class Names:
    name = "matrix"

    def crosspoint(self, slot, port, line):
        return f"{slot}{port}{line:02d}"


def states_of(ports, read, write, shape=(ROWS, COLUMNS), sources=None):
    rows, columns = shape
    wiring = Wiring(slot=1, ports=ports, rows=range(1, rows + 1), columns=range(rows + 1, rows + columns + 1))
    sources = [each for each in ("drive", "meter", "meter2", "meter3") if each in ports] if sources is None else sources
    return RelayStates(wiring.on(Names()), read(ports), write(ports) if write else None, sources)


def names(ports, assignment):
    return [f"1{ports[port]}{place:02d}" for place, port in enumerate(assignment, start=1) if port != "open"]


@pytest.fixture(scope="module")
def dual():
    return states_of(DUAL, VirtualGround, SymmetricHalfSelect)


@pytest.fixture(scope="module")
def single():
    return states_of(SINGLE, Guarded, DividerHalfSelect)


def refused(states, crosspoints):
    try:
        states.find(crosspoints)
    except LimitError as error:
        return str(error)
    return None


# ---------------------------------------------------------------------- every one of 2^16 patterns


def may_be(drive, meter):
    """Written from the wiring diagram: which lines may be on the two sources while all others are grounded.

    Rows are lines 0 to 3, columns 4 to 7.
    """
    if drive & meter:
        return False  # the sources would be joined
    if not drive and not meter:
        return True  # all grounded
    if not drive or not meter:  # on the way: one line, or the rows of a read
        return len(drive | meter) == 1 or (not meter and max(drive) < 4)
    if len(drive) == len(meter) == 1:
        return True  # a cell is read or written, or a pair of lines is tested
    return max(drive) < 4 and len(meter) == 1 and min(meter) >= 4  # rows are read on one column


def is_write(drive, meter):
    return len(drive) == len(meter) == 1 and max(drive) < 4 and min(meter) >= 4


@pytest.mark.fault("R8")
@pytest.mark.fault("V9")
@pytest.mark.parametrize("of_joined", [7, pytest.param(1, marks=pytest.mark.campaign)])
def test_of_the_65536_patterns_of_eight_lines_on_two_sources_only_those_of_the_diagram_may_be(dual, of_joined):
    """All in which each line is on one port; of those that join the two sources every so many."""
    lines = [frozenset(line for line in range(LINES) if mask >> line & 1) for mask in range(1 << LINES)]
    on = {port: [frozenset(f"1{port}{line + 1:02d}" for line in each) for each in lines] for port in "ABC"}
    wrong, allowed, joined = [], 0, 0
    for first, second in product(range(1 << LINES), repeat=2):
        joined += bool(first & second)
        if first & second and joined % of_joined:
            continue
        drive, meter = lines[first], lines[second]
        try:
            state = dual.find(on["A"][first] | on["B"][second] | on["C"][~(first | second)])
        except LimitError:
            state = None
        allowed += state is not None
        if (state is not None) != may_be(drive, meter):
            wrong.append((drive, meter))
        if state is not None:
            cell = (min(drive), min(meter) - 4) if is_write(drive, meter) else None
            assert state.selected == cell
            assert state.idle == (not drive or not meter)
    assert wrong == []
    # 60 reads of rows, 56 pairs of lines, 16 of them the same; on the way 27 with one source and all grounded.
    assert allowed == 60 + 56 - 16 + 27 + 1


@pytest.mark.fault("R8")
@pytest.mark.fault("V9")
def test_of_the_patterns_of_a_guarded_bench_only_those_of_its_schemes_may_be(single):
    letters = dict(zip(("drive", "ground", "guard", "divider"), "ABCD", strict=True))
    found = {"read": 0, "write": 0, "idle": 0}
    for assignment in product(letters, repeat=5):  # three columns stay on the port of the first one's mates
        rows, first, rest = assignment[:4], assignment[4], assignment[3]
        for mates in {rest, "guard", "divider", "ground"}:
            lines = (*rows, first, mates, mates, mates)
            try:
                state = single.find(names(SINGLE, lines))
            except LimitError:
                continue
            found["write" if state.selected else "idle" if state.idle else "read"] += 1
            hot = [line for line, port in enumerate(lines) if port == "drive"]
            if state.selected:
                assert (lines.count("drive"), lines.count("ground"), lines.count("divider")) == (1, 1, 6)
                assert lines[state.selected[0]] == "drive"
                assert lines[4 + state.selected[1]] == "ground"
            elif state.idle:
                assert set(lines) <= {"ground", "drive"}
                assert len(hot) <= 1
            else:
                assert set(lines) <= {"drive", "ground", "guard"}
                assert len(hot) == 1
    assert min(found.values()) > 0


# ---------------------------------------------------------------------- what is refused, in words


@pytest.mark.fault("R8")
@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        (("meter", "meter", *["ground"] * 2, "drive", *["ground"] * 3), "row 1, row 2 to meter"),
        (("drive", *["ground"] * 3, "drive", *["ground"] * 3), "would join row 1 and column 1 on the port drive"),
        ((*["ground"] * 4, "meter", "meter", "ground", "ground"), "would join column 1 and column 2 on the port meter"),
        (
            ("meter", "ground", "ground", "ground", "meter", *["ground"] * 3),
            "row 1 and column 1 on the port meter",
        ),
        (("drive", "drive", "meter", "ground", *["ground"] * 4), "row 1, row 2 to drive and row 3 to meter"),
        (("drive", "open", "ground", "ground", "meter", *["ground"] * 3), "column 1 to meter"),
    ],
)
def test_a_pattern_that_joins_what_must_be_apart_is_refused_by_name(dual, assignment, words):
    message = refused(dual, names(DUAL, assignment))
    assert message is not None
    assert words in message


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (("meter", "meter2", "meter2", "ground"), "relays would join column 2 and column 3 on the port meter2"),
        (("meter", "meter3", "ground", "ground"), "which no scheme of this bench does"),
        (("meter2", "meter3", "ground", "ground"), "which no scheme of this bench does"),
        (("meter", "meter2", "open", "ground"), "which no scheme of this bench does"),
    ],
)
def test_further_meters_hold_a_column_each_beside_the_first_and_nothing_else(columns, words):
    states = states_of(THREE, VirtualGround, SymmetricHalfSelect)
    rows = ("drive", "drive", "ground", "ground")
    assert not states.find(names(THREE, (*rows, "meter2", "ground", "meter", "meter3"))).idle
    assert words in (refused(states, names(THREE, (*rows, *columns))) or "")
    assert "row 1 to meter2" in refused(states, names(THREE, ("meter2", *["ground"] * 3, "meter", *["ground"] * 3)))


@pytest.mark.fault("R8")
def test_a_line_on_two_ports_joins_them(dual):
    message = refused(dual, ["1A01", "1B01"])
    assert message == "relays would join the ports drive and meter on row 1"
    assert "drive and ground on column 4" in refused(dual, [*names(DUAL, ["ground"] * 8), "1A08"])


@pytest.mark.fault("X14")
@pytest.mark.parametrize(
    "crosspoints",
    [["1A09"], ["1D01"], ["2A01"], ["1A01;OUTP ON"], ['1A01") smua.source.output=1 --'], [5], [None], [("1A01",)]],
)
def test_a_crosspoint_that_is_not_of_the_chip_is_refused(dual, crosspoints):
    assert "is none of those between a port and a line of the chip" in refused(dual, crosspoints)


@pytest.mark.parametrize("crosspoints", [None, 5, [[]], [{}]])
def test_what_is_no_set_of_names_is_refused(dual, crosspoints):
    assert "are no names of crosspoints" in refused(dual, crosspoints)


def test_all_open_may_always_be_and_drives_nothing(dual, single):
    for states in (dual, single):
        state = states.find([])
        assert state.idle
        assert state.ports == frozenset()
        assert state.crosspoints == ()


# ---------------------------------------------------------------------- schemes, and mistakes in them


def states_of_read(read, shape):
    """Every state that a batch of all patterns and both polarities visits."""
    patterns = np.array(list(product((0.0, 0.1, -0.1), repeat=shape[0])))
    return {step.assignment for step in read.steps(patterns, shape)}


@in_one_test("shape", [(4, 4), (2, 2), (1, 3), (3, 1)])
@in_one_test(
    "ports, read, write",
    [
        (DUAL, VirtualGround, SymmetricHalfSelect),
        (SINGLE, Guarded, DividerHalfSelect),
        (NO_GUARD, VirtualGround, DividerHalfSelect),
        (THREE, VirtualGround, SymmetricHalfSelect),
        ({**SINGLE, "meter2": "E"}, Guarded, DividerHalfSelect),
        (DUAL, Floating, None),
    ],
)
def test_every_state_of_the_schemes_may_be(ports, read, write, shape):
    states = states_of(ports, read, write, shape)
    scheme = read(ports)
    for assignment in states_of_read(scheme, shape):
        assert not states.find(names(ports, assignment)).idle
    if write is not None:
        for cell in np.ndindex(shape):
            assert states.find(names(ports, write(ports).assignment(cell, shape))).selected == cell
    if read is not Floating:
        count = sum(shape)
        for first, second in ((a, b) for a in range(count) for b in range(count) if a != b):
            states.find(names(ports, scheme.pair(first, second, count, 0.1)[0]))


def test_only_a_floating_scheme_may_leave_lines_open():
    floating = states_of(DUAL, Floating, None)
    assignment = Floating(DUAL).assignment(np.array([True, False, True, False]), (2,), (4, 4))
    assert not floating.find(names(DUAL, assignment)).idle

    class Careless(VirtualGround):
        def assignment(self, active, columns, shape):
            return tuple("open" if port == "ground" else port for port in super().assignment(active, columns, shape))

    careless = states_of(DUAL, Careless, SymmetricHalfSelect)
    message = refused(careless, ["1A01", "1B05"])
    assert message == "row 2 would be left open, which read scheme virtual ground may not do"


def test_the_row_scheme_selects_a_cell_only_where_a_row_has_one():
    one = states_of(DUAL, VirtualGround, WholeRow, (3, 1))
    assert one.find(names(DUAL, WholeRow(DUAL).assignment((2, 0), (3, 1)))).selected == (2, 0)
    many = states_of(DUAL, VirtualGround, WholeRow, (3, 2))
    assert many.find(names(DUAL, WholeRow(DUAL).assignment((2, 0), (3, 2)))).selected is None


@pytest.mark.fault("R8")
def test_a_write_scheme_that_drives_a_second_row_is_caught():
    class Wrong(SymmetricHalfSelect):
        def assignment(self, cell, shape):
            right = list(super().assignment(cell, shape))
            right[(cell[0] + 1) % shape[0]] = "meter"
            return tuple(right)

    states = states_of(DUAL, VirtualGround, Wrong)
    assignment = Wrong(DUAL).assignment((0, 2), (4, 4))
    assert refused(states, names(DUAL, assignment)) is not None


@pytest.mark.fault("R8")
@pytest.mark.parametrize(
    ("row", "column", "idle", "second"),
    [
        ("drive", "ground", "divider", "meter"),  # another row on the other source
        ("drive", "meter", "open", "open"),  # idle lines left open
        ("divider", "divider", "ground", "ground"),  # nothing on a source
    ],
)
def test_a_write_scheme_that_connects_more_or_less_than_a_row_and_a_column_is_caught(row, column, idle, second):
    class Wrong(SymmetricHalfSelect):
        def assignment(self, cell, shape):
            lines = [idle] * sum(shape)
            lines[(cell[0] + 1) % shape[0]] = second
            lines[cell[0]], lines[shape[0] + cell[1]] = row, column
            return tuple(lines)

    states = states_of(NO_GUARD, VirtualGround, Wrong)
    message = refused(states, names(NO_GUARD, Wrong(NO_GUARD).assignment((0, 2), (4, 4))))
    assert message.startswith("write scheme symmetric half-select would connect ")
    assert "for cell [0, 2] (row 1, column 3), which is not its row and its column alone" in message


@pytest.mark.fault("R8")
def test_a_write_scheme_that_drives_another_row_than_its_cells_is_caught():
    class Wrong(SymmetricHalfSelect):
        def assignment(self, cell, shape):
            return super().assignment((shape[0] - 1 - cell[0], cell[1]), shape)

    states = states_of(DUAL, VirtualGround, Wrong)
    found = refused(states, names(DUAL, Wrong(DUAL).assignment((0, 2), (4, 4))))
    # What is connected is a row and a column, so it may be; but it must not pass for another cell than it is.
    state = None if found else states.find(names(DUAL, Wrong(DUAL).assignment((0, 2), (4, 4))))
    assert state is None or state.selected is None


def test_what_goes_to_the_matrix_are_the_names_of_the_wiring_not_those_of_the_caller(dual):
    class Name(str):
        __slots__ = ()

        def __str__(self):
            return "1A01;OUTP ON"

    state = dual.find([Name("1C01")])
    assert [type(each) for each in state.crosspoints] == [str]


def test_no_more_states_are_remembered_than_the_bound(monkeypatch, dual):
    monkeypatch.setattr("crossbar_hil.drivers.gate.relay_states.MOST_KEPT", 3)
    states = states_of(DUAL, VirtualGround, SymmetricHalfSelect)
    for row, column in np.ndindex(4, 4):
        states.find(names(DUAL, SymmetricHalfSelect(DUAL).assignment((row, column), (4, 4))))
        assert len(states._known) <= 3
