import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.drivers.gate.disturb import DisturbLimit
from crossbar_hil.drivers.schemes.write_schemes import write_scheme
from crossbar_hil.errors import ConfigError, LimitError

DUAL = ("drive", "meter", "ground")
SINGLE = ("drive", "ground", "guard", "divider")
HALF_SELECT = [("symmetric half-select", DUAL), ("divider half-select", SINGLE)]


@pytest.mark.parametrize("kind", HALF_SELECT)
@pytest.mark.parametrize("sign", [1, -1])
def test_half_select_shows_mates_half_and_the_others_nothing(kind, sign):
    volts = write_scheme(*kind).cell_voltages((1, 2), (3, 4), sign * 2.0)
    np.testing.assert_allclose(volts, sign * np.array([[0, 0, 1, 0], [1, 1, 2, 1], [0, 0, 1, 0]]), atol=1e-12)


def test_the_row_scheme_shows_the_whole_row_the_pulse():
    volts = write_scheme("row", DUAL).cell_voltages((1, 2), (3, 4), 2.0)
    np.testing.assert_array_equal(volts, [[0, 0, 0, 0], [2, 2, 2, 2], [0, 0, 0, 0]])


@pytest.mark.parametrize("kind", [*HALF_SELECT, ("row", DUAL)])
@pytest.mark.parametrize("amplitude_v", [2.0, -2.0])
def test_the_unselected_cell_that_sees_most_is_found_for_every_cell_of_every_small_chip(kind, amplitude_v):
    scheme = write_scheme(*kind)
    for shape in np.ndindex(4, 4):
        for cell in np.ndindex(*shape):
            volts = scheme.cell_voltages(cell, shape, amplitude_v)
            others = {each: abs(volts[each]) for each in np.ndindex(*shape) if each != cell}
            place, seen = scheme.worst_unselected(cell, shape, amplitude_v)
            if not any(others.values()):  # a chip of one cell, or a row that has no other
                assert (place, seen) == (cell, 0.0)
            else:
                assert (abs(seen), seen) == (max(others.values()), volts[place])
                assert place != cell


def test_symmetric_half_select_of_a_cell_puts_all_idle_lines_on_ground():
    scheme = write_scheme("symmetric half-select", DUAL)
    assert scheme.assignment((0, 2), (4, 4)) == ("drive", *["ground"] * 3, "ground", "ground", "meter", "ground")
    assert scheme.source_volts(-2.0) == {"drive": -1.0, "meter": 1.0}


def test_divider_half_select_of_a_cell_puts_all_idle_lines_on_the_divider():
    scheme = write_scheme("divider half-select", SINGLE)
    assert scheme.assignment((0, 1), (2, 2)) == ("drive", "divider", "divider", "ground")
    assert scheme.source_volts(2.0) == {"drive": 2.0}


def test_a_short_lets_pulses_through_to_row_and_column_where_idle_lines_hang_on_a_divider_alone():
    counts = np.array([[0, 0, 0, 0], [0, 0, 2, 0], [0, 1, 0, 0]])
    # by hand: row 1 and column 2 see the two pulses of [1, 2], row 2 and column 1 the one of [2, 1]
    by_hand = [[0, 1, 2, 0], [2, 3, 0, 2], [1, 0, 3, 1]]
    single, dual = (DisturbLimit(write_scheme(*kind), (3, 4)) for kind in reversed(HALF_SELECT))
    assert single.exposed_pulses(counts).tolist() == by_hand
    assert not dual.exposed_pulses(counts).any()
    for scheme in (single, dual):  # a dose ledger takes whole numbers alone
        assert scheme.exposed_pulses(counts).dtype == np.int64
        pulses, dose_vs = scheme.charge(counts, Pulse(2.0, 0.05))
        assert (pulses.dtype, dose_vs.dtype) == (np.int64, np.float64)


def test_the_one_source_is_on_the_meter_port_where_there_is_no_drive():
    assert write_scheme("divider half-select", ("meter", "ground", "divider")).sources == ("meter",)


def test_an_unknown_scheme_is_refused_with_those_that_there_are():
    with pytest.raises(ConfigError, match="'V/3' is unknown, expected one of symmetric half-select, divider"):
        write_scheme("V/3", DUAL)


@pytest.mark.fault("C7")
def test_the_row_scheme_is_refused_whatever_the_amplitude():
    with pytest.raises(ConfigError, match=r"row puts 100% of a pulse for cell .* \(row 1, column 2\) too.* 55%"):
        DisturbLimit(write_scheme("row", DUAL), (4, 4))


def test_a_scheme_that_cannot_choose_a_cell_is_refused_whatever_others_may_see():
    with pytest.raises(
        ConfigError,
        match=r"row pulses cells .* and \[0, 1\] \(row 1, column 2\) alike, so none can be chosen",
    ):
        DisturbLimit(write_scheme("row", DUAL), (4, 4), 3.0)


def test_the_row_scheme_disturbs_nobody_on_a_chip_of_one_column():
    DisturbLimit(write_scheme("row", DUAL), (4, 1)).check(2.0)


@pytest.mark.fault("C7")
@pytest.mark.parametrize("kind", HALF_SELECT)
def test_half_select_passes_by_default_and_stops_at_a_limit_in_volts(kind):
    DisturbLimit(write_scheme(*kind), (4, 4)).check(2.0)
    gate = DisturbLimit(write_scheme(*kind), (4, 4), 0.9)
    gate.check(1.8)
    for amplitude in (1.81, -1.81):
        with pytest.raises(LimitError, match=r"0.905 V across cell \[0, 1\].*more than the 0.9 V"):
            gate.check(amplitude)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf")])
def test_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(ConfigError, match="disturb_v"):
        DisturbLimit(write_scheme("row", DUAL), (4, 4), limit)


def test_the_way_out_of_a_scheme_that_disturbs_too_much_is_another_one():
    with pytest.raises(ConfigError, match="take symmetric half-select or divider half-select as") as refusal:
        DisturbLimit(write_scheme("row", DUAL), (4, 4))
    assert "puts 100% of a pulse for cell [0, 0] (row 1, column 1) across cell [0, 1]" in str(refusal.value)
