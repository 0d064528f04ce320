"""What is said of virtual chips before anybody believes what they do."""

import json

import pytest

from crossbar_hil.bench.file import Chip, load_bench
from crossbar_hil.bench.virtual_chips import assumptions, in_siemens, virtual_chips

CURVE = [4e-7, 6e-7, 7e-7, 8e-7]
"""Rises by 0.4 uS: at 0.1 V and beta 5e7 a cell at its end adds 2 to the argument of tanh."""


@pytest.fixture
def chips(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("conductance_siemens\n" + "\n".join(map(repr, CURVE)), encoding="utf-8")

    def describe(training=None, **chip):
        overrides = {"chip": {"curve": "mine.csv", **chip}, "training": training or {}}
        return virtual_chips(load_bench("simulated", overrides=overrides))

    return describe


def test_the_chips_of_an_own_curve_start_about_it_and_end_by_its_rise_above(chips):
    found = chips(device_spread="20 %")
    factor = 2.718281828459045 ** (0.2 * 1.959963984540054)
    assert found.start_siemens == pytest.approx((4e-7 / factor, 4e-7 * factor))
    assert found.end_siemens == pytest.approx(4e-7 * factor + 4e-7)
    assert found.line == (
        "270 nS to 592 nS at the start, up to 992 nS at the end of the curve; "
        "K = 1, device spread 20 % about the start of the curve"
    )
    assert found.warnings == ()


def test_steps_that_spread_end_where_95_of_100_cells_do(chips):
    # By hand: exp(1.96 * 0.8) = 4.797, so a rise of 0.4 uS is one of 1.919 uS.
    found = chips(device_spread=0, step_spread=0.8)
    assert found.end_siemens == pytest.approx(4e-7 + 1.919e-6, rel=1e-3)
    assert "up to 2.32 uS at the end of the curve" in found.line


def test_the_shipped_bench_says_its_formula_and_warns_of_nothing():
    found = virtual_chips(load_bench("simulated"))
    assert found.start_siemens == pytest.approx((2e-7, 1e-6))
    assert "K = 10, shifts from 20 nS to 100 nS" in found.line
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("low", "high", "side"),
    [
        ("20 nS", "100 nS", "below"),
        ("300 nS", "1.3 uS", "above"),
        ("20 nS", "2 uS", "below and above"),
        ("270 nS", "1.19 uS", None),
    ],
)
def test_starts_off_the_curve_are_warned_of(chips, low, high, side):
    warnings = chips(spread={"low_siemens": low, "high_siemens": high}).warnings
    said = f"cells start {side} what was measured on the curve, 400 nS to 800 nS"
    assert [each.startswith(said) for each in warnings] == ([True] if side else [])


def test_a_map_off_the_curve_is_warned_of(chips, tmp_path):
    (tmp_path / "map.json").write_text(json.dumps({"conductance_siemens": [[5e-7, 5e-6]]}), encoding="utf-8")
    found = chips(start="map.json", rows=1, columns=2)
    assert found.start_siemens == (5e-7, 5e-6)
    assert "cells start above" in found.warnings[0]
    assert found.line.endswith("K = 1, start map map.json")


@pytest.mark.parametrize(
    ("beta", "target", "fitting"),
    [
        # artanh(0.95) = 1.832; the cell adds beta * 4e-8 A
        (5e7, 0.95, None),
        (2.3e7, 0.95, None),
        (2.2e7, 0.95, "--beta 2e+08 fits"),  # 0.88 is less than half of 1.832; 5 x 1.832 / 4e-8 = 2.3e8
        (4.9e9, 0.95, None),
        (5.1e9, 0.95, "--beta 2e+08 fits"),
        (1e6, 0.5, "--beta 7e+07 fits"),  # artanh(0.5) = 0.549
    ],
)
def test_a_gain_that_is_far_off_is_warned_of_with_one_that_fits(chips, beta, target, fitting):
    warnings = chips({"beta": beta, "target": target}, device_spread=0.1).warnings
    assert len(warnings) == (fitting is not None)
    if fitting:
        assert fitting in warnings[0]
        assert "`crossbar-hil tune`" in warnings[0]


@pytest.mark.parametrize(
    ("wire", "hidden"), [(0, False), ("300 kohm", False), ("320 kohm", True), ([0, "640 kohm"], True)]
)
def test_wires_that_resist_more_than_a_cell_are_named(chips, wire, hidden):
    # A cell of 400 nS has 2.5 Mohm; to the farthest of 4 by 4 cells go 4 segments of word line and 4 of bit line.
    warnings = chips(device_spread=0, wire_ohm=wire).warnings
    assert [each.partition(":")[0] for each in warnings] == ["wires hide the cells"] * hidden
    assert all("2.56e+06 ohm" in each and "a cell 2.5e+06 ohm" in each for each in warnings)


@pytest.mark.parametrize(
    ("chip", "segments"),
    [
        ({"columns": 6}, 10),
        ({"columns": 6, "tiles": "2x3"}, 4),
        ({"drive": "both"}, 4 + 2 * 3 / 5),  # of five segments two lie on one side of a middle cell, three on the other
        ({"columns": 5, "sense": "both", "drive": "both"}, 3 * 3 / 6 + 2 * 3 / 5),
    ],
)
def test_both_ends_and_tiles_shorten_the_way_to_the_farthest_cell(chip, segments):
    assert Chip(wire_ohm=2.0, **chip).farthest_ohm == pytest.approx(2 * segments)


def test_an_assumed_spread_is_said_and_a_given_one_is_not(chips):
    def said(**chip):
        return assumptions(load_bench("simulated", overrides={"chip": {"curve": "mine.csv", **chip}}))

    assert "10 % is assumed" in said()[0]
    assert said(device_spread="10 %") == []
    assert said(spread={"low_siemens": 1e-7, "high_siemens": 2e-7}) == []
    assert assumptions(load_bench("simulated")) == []


def test_every_dry_run_prints_and_records_its_chips(chips, cli, tmp_path):
    words = ("--curve", "mine.csv", "--quiet")
    run = cli("train", *words, "--seed", "1", "--no-report")
    assert "chips   329 nS to 487 nS at the start" in run.out
    assert "10 % is assumed" in run.err
    assert json.loads(cli("show", "latest", "--json").out)["virtual_chip"]["k"] == 1.0
    sweep = cli("sweep", *words, "--over", "target=0.5,0.6", "--chips", "10", "--to", "swept")
    assert "chips   329 nS to 487 nS at the start" in sweep.out
    assert json.loads((tmp_path / "swept" / "sweep.json").read_text())["virtual_chips"]["k"] == 1.0
    assert "10 % is assumed" in sweep.err


@pytest.mark.parametrize(("value", "text"), [(1e-12, "1 pS"), (9.996e-7, "1 uS"), (0.0123, "12.3 mS"), (2.0, "2 S")])
def test_conductances_are_written_with_three_digits(value, text):
    assert in_siemens(value) == text


def test_spread_of_a_map_is_its_median_and_sigma(cli, tmp_path, chips):
    logs = [0.1, -0.1, 0.3, -0.3]  # about 1 uS: mean 0, and a variance of 0.2 / 3
    siemens = [[1e-6 * 2.718281828459045**each for each in logs]]
    (tmp_path / "map.json").write_text(json.dumps({"conductance_siemens": siemens}), encoding="utf-8")
    done = cli("train", "--curve", "mine.csv", "--spread-of", "map.json", "--quiet", "--no-report", "--seed", "1")
    chip = json.loads(cli("show", "latest", "--json").out)["tables"]["bench"]["chip"]
    assert done.err.count("assumed") == 0
    assert "shifts of 1 uS in the median, the geometric mean of 4 measured cells, sigma 0.258" in done.out
    assert (chip["scale"], chip["spread"]["cells"]) == (1.0, 4)
    assert chip["spread"]["median_siemens"] == pytest.approx(1e-6)
    assert chip["spread"]["sigma"] == pytest.approx((0.2 / 3) ** 0.5)
    for more, sentence in ((("--spread", "1 nS", "2 nS"), "only one of them"), (("--scale", "2"), "so K = 1")):
        refused = cli("train", "--spread-of", "map.json", *more)
        assert refused.code != 0
        assert sentence in refused.err
    (tmp_path / "dead.json").write_text('{"conductance_siemens": [[1e-6, 0]]}', encoding="utf-8")
    assert "leave out those that are dead" in cli("train", "--spread-of", "dead.json").err
