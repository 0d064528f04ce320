"""Pulses left to the cells of a chip, on a curve of five steps worked out by hand."""

import json

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.headroom import headroom

LEVELS = (4.0e-7, 5.0e-7, 4.9e-7, 6.0e-7, 6.5e-7, 7.0e-7)
READ = np.array([[3.9e-7, 4.0e-7], [5.5e-7, 7.2e-7]])
"""Below the start: 5 left. At it: 5. Between 5.0 (levels 1 and 2, which dips) and 6.0e-7: 3. Beyond the end: 0."""
LEFT = [[5, 5], [3, 0]]


@pytest.fixture
def bench(tmp_path):
    def make(epochs=6, **chip):
        (tmp_path / "own.csv").write_text("\n".join(["conductance (S)", *map(str, LEVELS)]))
        overrides = {
            "chip": {"curve": str(tmp_path / "own.csv"), "rows": 2, "columns": 2, **chip},
            "training": {"epochs": epochs},
        }
        return load_bench("simulated", overrides=overrides)

    return make


def test_a_cell_stands_on_the_curve_where_its_siemens_are(bench):
    found = headroom(bench(), READ)
    assert found.left.tolist() == LEFT
    assert found.least == (1, 1)
    assert found.summary.startswith("least headroom: row 2, column 2 has 0 of 5 pulses left to the end of its curve")


def test_a_cell_with_less_than_the_epochs_may_send_is_warned_of(bench):
    # Six epochs send at most five pulses to a cell, as nothing follows the last.
    assert (
        headroom(bench(epochs=6), READ).warning
        == "2 cells have fewer pulses left than the 5 that 6 epochs may send to one"
    )
    assert headroom(bench(epochs=1), READ).warning == ""
    assert "even a fresh cell has fewer pulses than the 6" in headroom(bench(epochs=7), None).warning


@pytest.mark.parametrize(("spread", "fresh"), [(0.0, False), (0.1, False), (0.2, True)])
def test_a_cell_that_the_spread_of_devices_explains_may_be_a_fresh_one(bench, spread, fresh):
    # 5.5e-7 is 1.375 times the start, whose logarithm is 0.318: above three spreads of 10 %, within three of 20 %.
    found = headroom(bench(device_spread=spread), np.array([[4e-7, 4e-7], [4e-7, 5.5e-7]]))
    assert found.left.tolist() == [[5, 5], [5, 3]]
    assert ("by the device spread a fresh cell may read so too" in found.summary) is fresh
    assert found.warning.startswith("1 cell may have fewer" if fresh else "1 cell has fewer")


def test_with_a_map_of_the_start_it_is_the_rise_since_then_that_counts(bench, tmp_path):
    (tmp_path / "start.json").write_text(json.dumps({"conductance_siemens": [[3e-7, 4e-7], [4.5e-7, 2e-7]]}))
    found = headroom(bench(start=str(tmp_path / "start.json")), READ)
    # Rises of 0.9, 0, 1.0 and 5.2e-7 on a curve that has risen by 0, 1.0, 1.0, 2.0, 2.5 and 3.0e-7.
    assert found.left.tolist() == [[5, 5], [3, 0]]
    assert "since start.json" in found.summary


def test_the_shifts_of_the_formula_leave_it_open_but_the_levels_of_a_virtual_chip_tell(bench):
    plain = load_bench("simulated")
    found = headroom(plain, np.full((4, 4), 5e-7))
    assert found.left is None
    assert found.summary == (
        "headroom unknown: K = 10 and shifts that nobody knows do not say where on its curve a cell is; "
        "a fresh cell has 50 pulses to the end of its curve"
    )
    levels = np.zeros((4, 4))
    levels[1, 2] = 3.5
    assert headroom(plain, np.full((4, 4), 5e-7), levels).summary.startswith(
        "least headroom: row 2, column 3 has 46 of 50 pulses left"  # 46.5: half a pulse is none
    )


def test_without_a_curve_that_holds_the_pulse_it_is_unknown_and_no_reading_fails():
    odd = load_bench("simulated", overrides={"training": {"amplitude_v": 1.3}})
    assert headroom(odd, np.full((4, 4), 5e-7)).summary.startswith("headroom unknown: pulse of 1.3 V")


def test_read_prints_the_map_and_the_cell_with_least(cli, bench, tmp_path):
    own = bench()
    own.copy_into(tmp_path)
    printed = cli("read", "bench.toml", "--seed", "1").out.splitlines()
    assert printed[3:6] == ["pulses left  column 1  column 2", "row 1        5         5", "row 2        5         5"]
    assert json.loads(cli("read", "bench.toml", "--json").out)["headroom"]["pulses_left"] == [[5, 5], [5, 5]]
    assert "a fresh cell has 50 pulses" in cli("check", "simulated").out
