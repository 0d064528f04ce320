"""What reads of pairs of lines say of the wiring, for every line and pair of a chip, and what a bench file lacks."""

from itertools import combinations

import numpy as np
import pytest

from crossbar_hil.bench.checking import check_bench, check_wiring
from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.guard.opening import open_guarded

ROWS, COLUMNS = 3, 4
NAMES = ["row 1", "row 2", "row 3", "column 1", "column 2", "column 3", "column 4"]
LINES = range(len(NAMES))
G = 1e-5


class Lines:
    """A chip that is read by pairs of lines, first the one that drives; sound until it is changed."""

    def __init__(self, rows=ROWS, columns=COLUMNS):
        self.shape = rows, columns
        self.between = np.zeros((rows + columns,) * 2)
        self.between[:rows, rows:] = self.between[rows:, :rows] = G
        self.asked = []

    def exchange(self, first, second):
        order = np.arange(len(self.between))
        order[[first, second]] = order[[second, first]]
        self.between = self.between[np.ix_(order, order)]

    def line_conductances(self, voltage_v):
        self.asked.append(voltage_v)
        return self.between

    @property
    def told(self):
        return check_wiring(self, 0.1)


@pytest.fixture
def lines():
    return Lines()


def test_a_sound_chip_is_read_once_at_the_voltage_and_nothing_is_told(lines):
    assert lines.told == []
    assert lines.asked == [0.1]


@pytest.mark.parametrize("nothing", [0.0, np.inf, np.nan, -1e-9])
def test_where_no_two_lines_conduct_there_is_no_chip(lines, nothing):
    lines.between[:] = nothing
    assert lines.told == ["no two lines conduct: the chip is not connected, or every cell of it is open"]


@pytest.mark.parametrize("line", LINES)
def test_every_open_line_is_named(lines, line):
    lines.between[line] = lines.between[:, line] = 0.9e-3 * G  # less than a thousandth of a typical cell
    lines.between[line, line] = 0.0
    assert lines.told == [f"{NAMES[line]} is open: nothing conducts to it"]
    lines.between[lines.between == 0.9e-3 * G] = 1.1e-3 * G  # of which there are too few to be typical
    assert not [each for each in lines.told if "open" in each]


@pytest.mark.parametrize("line", LINES)
def test_every_relay_that_stays_open_is_told_by_what_still_works(lines, line):
    whole = lines.between.copy()
    lines.between[line] = 0.0
    assert lines.told == [f"{NAMES[line]} conducts only when measured: one of its relays stays open"]
    lines.between[:] = whole
    lines.between[:, line] = 0.0
    assert lines.told == [f"{NAMES[line]} conducts only when driven: one of its relays stays open"]


@pytest.mark.parametrize("pair", list(combinations(LINES, 2)))
@pytest.mark.parametrize("conducts", [np.inf, 1.01e3 * G])
def test_every_two_shorted_lines_are_named(lines, pair, conducts):
    first, second = pair
    lines.between[first, second] = lines.between[second, first] = conducts
    assert lines.told == [f"{NAMES[first]} and {NAMES[second]} are shorted"]
    lines.between[second, first] = 0.0  # where the read scheme holds it down from one side, and no relay is blamed
    assert lines.told[0] == f"{NAMES[first]} is shorted"
    assert not [each for each in lines.told if "relay" in each]


def test_a_cell_of_less_than_a_thousand_typical_ones_is_no_short(lines):
    lines.between[0, 3] = lines.between[3, 0] = 0.99e3 * G
    assert lines.told == []


def test_a_short_to_a_line_that_nothing_else_conducts_to_does_not_make_it_open(lines):
    lines.between[5] = lines.between[:, 5] = 0.0
    lines.between[4, 5] = np.inf
    assert lines.told == ["column 2 is shorted"]


def test_a_line_whose_drive_feeds_a_short_alone_has_no_relay_blamed(lines):
    lines.between[5] = 0.0
    lines.between[5, 0] = lines.between[0, 5] = np.inf
    assert lines.told == ["row 1 and column 3 are shorted"]


@pytest.mark.parametrize("row", range(ROWS))
@pytest.mark.parametrize("column", range(ROWS, ROWS + COLUMNS))
def test_every_row_in_the_place_of_a_column_is_named_with_it(lines, row, column):
    lines.exchange(row, column)
    assert lines.told == [f"{NAMES[row]} and {NAMES[column]} are swapped: rows and columns are mixed up"]


def test_where_another_line_is_open_a_row_in_the_place_of_a_column_is_named_as_well(lines):
    lines.exchange(0, ROWS)
    lines.between[1] = lines.between[:, 1] = 0.0
    assert f"{NAMES[0]} and {NAMES[ROWS]} are swapped: rows and columns are mixed up" in lines.told


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (2, 5), (1, 3), (3, 1), (1, 2)])
def test_where_lines_of_a_kind_are_two_or_one_a_swap_is_told_as_well(shape):
    rows, columns = shape
    for row, column in np.ndindex(shape):
        lines = Lines(rows, columns)
        assert lines.told == []
        lines.exchange(row, rows + column)
        swapped = f"row {row + 1} and column {column + 1} are swapped"
        assert lines.told == [f"{swapped}: rows and columns are mixed up"]


def test_on_two_rows_and_two_columns_a_swap_of_one_pair_looks_like_that_of_the_other():
    for row, column in np.ndindex(2, 2):
        lines = Lines(2, 2)
        lines.exchange(row, 2 + column)
        pairs = {f"row {one + 1} and column {two + 1}" for one, two in [(row, column), (1 - row, 1 - column)]}
        (told,) = lines.told
        assert set(told.removesuffix(" are swapped: rows and columns are mixed up").split(", or ")) == pairs


LIMITS = {
    "training.v0": ("v0", "read_v", "0.2 V"),
    "training.v1": ("v1", "read_v", "0.2 V"),
    "training.amplitude_v": ("amplitude_v", "pulse_v", "3 V"),
    "training.width_s": ("width_s", "width_s", "0.1 s"),
}
"""What a training sends, and the limit of the emulated bench that it must keep."""


@pytest.mark.parametrize("what", LIMITS)
@pytest.mark.parametrize("sign", [1, -1])
def test_all_that_a_training_sends_must_keep_its_limit_which_it_may_reach(monkeypatch, what, sign):
    from crossbar_hil.bench import checking

    bench, problems = checking.load_bench("emulated"), checking.Problems()
    key, limit, bound = LIMITS[what]
    assert f"{getattr(bench.limit_table, limit):g} {bound[-1]}" == bound
    sign = 1 if key == "width_s" else sign
    for share, told in ((1.0, []), (1.01, [f"{what} of {{:g}} {bound[-1]} exceeds its limit of {bound}"])):
        value = sign * share * float(bound[:-2])
        training = bench.training.model_copy(update={key: value})
        problems.clear()
        checking._check_limits(bench.model_copy(update={"training": training}), problems)
        assert problems == [each.format(abs(value)) for each in told]


def test_what_every_bench_with_instruments_needs_is_named_if_it_is_missing(tmp_path):
    file = tmp_path / "bare.toml"
    file.write_text(
        'backend = "chip"\nkind = "hardware"\n[instruments]\n'
        'a = { driver = "keithley2400", resource = "GPIB0::7::INSTR" }\n'
        'b = { driver = "keithley2400", resource = "GPIB0::7::INSTR" }\n'
        'c = { driver = "keithley7001" }\nd = { driver = "manual" }\n'
    )
    told = check_bench(str(file), trains=False)
    for each in (
        "chip_id is missing, the name of the chip in the socket, by which its dose is kept",
        "instruments.c has no resource, the VISA name of the instrument",
        "resource GPIB0::7::INSTR is given to 2 instruments",
        "[wiring] is missing",
        "[scheme] is missing",
        "[measurement] is missing",
        "[limits] is missing; a chip behind instruments needs every limit written down",
    ):
        assert f"bench bare: {each}" in told
    assert not [each for each in told if "instruments.d" in each or "given to 1" in each]


def test_ends_of_ideal_lines_are_refused_behind_emulated_instruments_too_before_these_are_made(tmp_path):
    bench = load_bench("emulated", overrides={"chip": {"sense": "both"}})
    told = "sense both makes no difference on ideal lines; give wire_ohm too, or leave sense out"
    with pytest.raises(ConfigError, match=told):
        open_guarded(bench, seed=1, folder=tmp_path)
    assert not list(tmp_path.iterdir())
