import pytest

from crossbar_hil.drivers.schemes.wiring import OPEN, Wiring
from crossbar_hil.errors import ConfigError

from ...cases import in_one_test

PORTS = {"drive": "A", "meter": "B", "ground": "C"}


def wiring(**changes):
    return Wiring(**({"slot": 1, "ports": PORTS, "rows": (1, 2, 3, 4), "columns": (5, 6, 7, 8)} | changes))


@pytest.fixture
def matrix(fakes):
    return fakes.FakeBench(fakes.drawn_chip()).matrix


def test_a_vector_read_of_column_2_with_rows_0_and_3_closes_the_crosspoints_counted_by_hand(matrix):
    state = ("drive", "ground", "ground", "drive", "ground", "ground", "meter", "ground")
    expected = {"1A01", "1C02", "1C03", "1A04", "1C05", "1C06", "1B07", "1C08"}
    assert wiring().on(matrix).crosspoints(state) == expected


def test_lines_need_not_be_neighbours_on_the_matrix(matrix):
    wired = wiring(slot=2, rows=(12, 1), columns=(7,)).on(matrix)
    assert wired.crosspoints(("drive", "ground", "meter")) == {"2A12", "2C01", "2B07"}


def test_a_port_may_be_written_as_a_number(matrix):
    wired = wiring(ports={"drive": "1", "meter": "2", "ground": "8"}).on(matrix)
    assert "1H02" in wired.crosspoints(("drive", *["ground"] * 6, "meter"))


@pytest.mark.fault("F5")
@in_one_test(
    "changes, words",
    [
        ({"rows": (1, 2, 2, 4)}, "row 2 and row 3 are both on matrix column 2"),
        ({"columns": (5, 6, 7, 4)}, "row 4 and column 4 are both on matrix column 4"),
        ({"ports": {"drive": "A", "meter": "A"}}, "ports drive and meter are both on matrix row A"),
        ({"ports": {"drive": "A", "meter": "1"}}, "ports drive and meter are both on matrix row 1"),
        ({"ports": {"drive": "a", "meter": "A"}}, "ports drive and meter are both"),
        ({"ports": {}}, "names no ports"),
        ({"rows": ()}, "names no rows"),
        ({"columns": ()}, "names no columns"),
        ({"slot": 0}, "wiring slot is 0, expected a whole number from 1"),
        ({"slot": True}, "wiring slot is True"),
        ({"rows": (0, 1)}, "matrix column of row 1 is 0"),
        ({"rows": (1.0,)}, "matrix column of row 1 is 1.0"),
        ({"columns": ("5",)}, "matrix column of column 1 is '5'"),
        ({"ports": {"drive": "A", "sense": "B"}}, "port 'sense', expected one of drive, meter"),
        ({"ports": {"drive": "AA"}}, "'AA' is neither a letter nor a number"),
        ({"ports": {"drive": 1}}, "port drive is on matrix row 1, expected a letter or a number as text"),
    ],
)
def test_a_wiring_that_cannot_be_is_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        wiring(**changes)


def test_all_that_is_wrong_with_a_wiring_is_told_at_once():
    with pytest.raises(ConfigError) as caught:
        wiring(
            slot=0,
            ports={"drive": 1, "sense": "AA", "meter": "B", "ground": "B", "guard": True},
            rows=(0, 2, 2.5, 2),
            columns=("5", 2),
        )
    expected = (
        "slot is 0", "port drive is on matrix row 1", "a port 'sense'", "'AA' is neither", "ports meter and ground are",
        "port guard is on matrix row True", "of row 1 is 0", "of row 3 is 2.5", "row 2 and row 4 are both",
        "of column 1 is '5'", "row 2 and column 2 are both",
    )  # fmt: skip
    assert len(caught.value.problems) == len(expected)
    for words, problem in zip(expected, caught.value.problems, strict=True):
        assert words in problem


@pytest.mark.fault("R7")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slot": 3}, "port drive cannot be wired to row 1: .*slot 3"),
        ({"ports": {"drive": "A", "ground": "I"}}, "port ground cannot be wired to row 1: .*row I"),
        ({"columns": (5, 6, 7, 13)}, "port drive cannot be wired to column 4: .*column 13"),
    ],
)
def test_a_channel_that_the_matrix_lacks_is_refused_and_nothing_is_sent(matrix, changes, words):
    with pytest.raises(ConfigError, match=words):
        wiring(**changes).on(matrix)
    assert matrix.calls == []


@pytest.mark.fault("F5")
def test_a_matrix_that_gives_two_crosspoints_one_name_is_refused(matrix, monkeypatch):
    monkeypatch.setattr(matrix, "crosspoint", lambda slot, port, line: f"{slot}{port}{line // 2}")
    with pytest.raises(ConfigError, match="gives 24 crosspoints 15 names"):
        wiring().on(matrix)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (("drive",) * 7, "names 7 ports for 8 lines"),
        (("drive",) * 9, "names 9 ports for 8 lines"),
        ("dddddddd", "names 8 ports for 8 lines"),
        (("drive",) * 5 + ("guard",) + ("drive",) * 2, "column 2 is put on port 'guard'"),
        (("drive",) * 3 + ("",) + ("drive",) * 4, "row 4 is put on port ''"),
        (("drive",) * 3 + (OPEN,) + ("drive",) * 4, "row 4 is left open"),
    ],
)
def test_a_state_with_a_line_that_has_no_place_is_refused(matrix, state, words):
    with pytest.raises(ConfigError, match=words):
        wiring().on(matrix).crosspoints(state)


def test_a_line_is_left_open_only_on_purpose(matrix):
    state = ("drive", OPEN, OPEN, OPEN, "ground", OPEN, OPEN, OPEN)
    assert wiring().on(matrix).crosspoints(state, may_open=True) == {"1A01", "1C05"}


def test_a_wiring_does_not_change_with_the_mapping_it_was_made_of():
    ports = dict(PORTS)
    made = wiring(ports=ports)
    ports["guard"] = "D"
    assert "guard" not in made.ports


def test_a_missing_port_is_named_with_who_needs_it():
    with pytest.raises(ConfigError, match="scheme x needs the port guard, but only drive, meter, ground are wired"):
        wiring().require(["drive", "guard"], "scheme x")
