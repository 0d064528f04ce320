"""What a [chip] table means by K and by where its cells start; own siemens are siemens."""

import itertools
import json

import numpy as np
import pytest

from crossbar_hil import open_bench
from crossbar_hil.bench.file import Chip, load_bench
from crossbar_hil.bench.start_map import read_map
from crossbar_hil.bench.virtual_chips import virtual_chips
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.studies.convergence.points import Point
from crossbar_hil.studies.settings import find_key, set_values, with_settings

CURVE = [2.1e-6, 2.4e-6, 2.6e-6, 2.7e-6]
MAP = np.array([[1.9e-6, 2.0e-6, 2.1e-6, 2.2e-6], [2.3e-6, 2.4e-6, 1.8e-6, 1.7e-6]])
SPREAD = {"low_siemens": 1e-8, "high_siemens": 5e-8}


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A working directory with the files of a lab."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("siemens\n" + "\n".join(map(repr, CURVE)), encoding="utf-8")
    (tmp_path / "map.json").write_text(
        json.dumps({"kind": "hardware", "conductance_siemens": MAP.tolist()}), encoding="utf-8"
    )
    return tmp_path


def chip(bench="simulated", **settings):
    return load_bench(bench, overrides={"chip": settings}).chip


WAYS = {"spread": SPREAD, "device_spread": "20 %", "start": "map.json", None: None}


@pytest.mark.parametrize(("curve", "way", "scale"), [*itertools.product(("figure2a", "mine.csv"), WAYS, (None, 3.0))])
def test_k_is_ten_for_the_shipped_curve_with_shifts_and_one_for_everything_else_unless_it_is_given(
    lab, curve, way, scale
):
    given = {"curve": curve} | ({} if scale is None else {"scale": scale}) | ({} if way is None else {way: WAYS[way]})
    found = chip(**given).resolved
    formula = curve == "figure2a" and way in {None, "spread"}
    assert found.scale == found.k == (scale or (10.0 if formula else 1.0))
    assert (found.spread is not None) == (way == "spread" or (way is None and formula))
    assert (found.start is not None) == (way == "start")
    assert found.device_spread == {"device_spread": 0.2, None: None if formula else 0.1}.get(way)
    assert found.resolved == found


@pytest.mark.parametrize("two", [*itertools.combinations(("spread", "device_spread", "start"), 2)])
def test_two_ways_to_say_where_cells_start_contradict_each_other(lab, two):
    with pytest.raises(ConfigError) as refusal:
        chip(**{way: WAYS[way] for way in two})
    assert "so only one of them can be given" in str(refusal.value)
    assert all(way in str(refusal.value) for way in two)


@pytest.mark.parametrize(("below", "above"), [*itertools.permutations(("spread", "device_spread", "start"), 2)])
def test_what_is_laid_over_a_bench_says_alone_where_cells_start(lab, below, above):
    bench = load_bench("simulated", overrides={"chip": {"curve": "mine.csv", below: WAYS[below]}})
    (lab / "lower.toml").write_text(bench.as_toml(), encoding="utf-8")
    found = chip("lower.toml", **{above: WAYS[above]})
    assert [getattr(found, way) is not None for way in (above, below)] == [True, False]


def test_a_preset_lays_its_own_spread_and_k_over_an_own_curve(lab):
    found = load_bench("simulated", preset="reference", overrides={"chip": {"curve": "mine.csv"}}).chip.resolved
    assert (found.k, found.spread.low_siemens, found.spread.high_siemens) == (10.0, 1e-8, 1e-7)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("10", "must be at most 2"), ("-1 %", "must be at least 0"), ("ten", "not a share, such as '10 %'")],
)
def test_a_spread_that_is_no_share_is_refused(lab, text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        chip(device_spread=text)


@pytest.mark.parametrize(("text", "value"), [("10 %", 0.1), ("12.5%", 0.125), (0.1, 0.1), ("0.2", 0.2), ("0 %", 0.0)])
def test_a_share_is_a_number_or_in_per_cent(text, value):
    assert Chip(device_spread=text).device_spread == value


def test_a_copy_of_a_bench_keeps_the_meaning_of_the_shipped_curve_and_of_an_own_one(lab):
    for name, given in (
        ("shipped", {}),
        ("own", {"curve": "mine.csv"}),
        ("mapped", {"curve": "mine.csv", "rows": 2, "start": "map.json"}),
    ):
        bench = load_bench("simulated", overrides={"chip": given})
        (lab / name).mkdir()
        bench.copy_into(lab / name)
        copy = load_bench(str(lab / name / "bench.toml"))
        leave = {"curve", "start"}
        assert copy.chip.model_dump(exclude=leave) == bench.chip.resolved.model_dump(exclude=leave)
        assert Point.of(copy, {}).digest == Point.of(bench, {}).digest
    assert json.loads((lab / "mapped" / "start.json").read_text(encoding="utf-8"))["conductance_siemens"]


# ---------------------------------------------------------------------- the chips


def started(bench="simulated", seed=1, **settings):
    with open_bench(bench, seed=seed, overrides={"chip": settings}) as backend:
        return backend.read_conductances(0.1)


def test_cells_of_the_shipped_bench_start_at_ten_times_lognormal_shifts_as_ever():
    sigma = np.log(5) / 2 / 1.959963984540054
    shifts = np.sqrt(20e-9 * 100e-9) * np.exp(sigma * np.random.default_rng(7).standard_normal((4, 4)))
    np.testing.assert_allclose(started(seed=7), 10 * shifts, rtol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_cells_of_an_own_curve_start_about_its_own_start(lab, scale):
    z = np.random.default_rng(7).standard_normal((4, 4))
    found = started(seed=7, curve="mine.csv", device_spread="20 %", **({} if scale == 1 else {"scale": scale}))
    np.testing.assert_allclose(found, scale * CURVE[0] * np.exp(0.2 * z), rtol=1e-12)


@pytest.mark.parametrize("scale", [None, 10.0])
def test_cells_start_at_a_map_whatever_k_is(lab, scale):
    given = {} if scale is None else {"scale": scale}
    found = started(curve="mine.csv", rows=2, start="map.json", **given)
    np.testing.assert_allclose(found, MAP, rtol=1e-12)


def test_the_emulated_bench_starts_where_the_simulated_one_does(lab):
    (lab / "map.csv").write_text("\n".join(",".join(map(repr, row)) for row in np.tile(MAP, (2, 1)).tolist()))
    from crossbar_hil.bench.opening import make_emulated

    given = {"start": "map.csv"}, {"curve": "figure2a", "device_spread": "10 %"}
    for settings in given:
        bench = load_bench("emulated", overrides={"chip": settings})
        emulated = make_emulated(bench, 3).world.chip.conductances
        np.testing.assert_allclose(emulated, started(seed=3, **settings), rtol=1e-14)


def test_the_ensemble_draws_the_same_kinds_of_chips(lab):
    def shifts(**settings):
        return Point.of(load_bench("simulated", overrides={"chip": settings}), {}).ensemble()._draw(5, 40, 3000)

    spread = shifts(curve="mine.csv", device_spread="20 %")
    assert abs(np.log(spread / CURVE[0]).mean()) < 4 * 0.2 / np.sqrt(spread.size)
    assert abs(np.log(spread).std() / 0.2 - 1) < 4 / np.sqrt(2 * spread.size)
    assert (shifts(curve="mine.csv", rows=2, start="map.json", scale=4.0) == MAP / 4.0).all()


def test_a_chip_of_the_default_bench_is_the_one_it_always_was():
    ensemble = Point.of(load_bench("simulated"), {}).ensemble()
    # shifts of chip 1029 of seed 5 as commit 671d907 drew them
    np.testing.assert_allclose(ensemble._draw(5, 1029, 1)[0, 0], CHIP_1029, rtol=1e-12)


CHIP_1029 = [5.7918671189052534e-08, 4.171616640184346e-08, 3.421990312965968e-08, 2.8742195133544392e-08]


# ---------------------------------------------------------------------- maps


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{}", "neither what `crossbar-hil read BENCH --json` printed"),
        ('{"conductance_siemens": [[1e-6, 2e-6], [1e-6]]}', "neither"),
        ("1e-6 a\n", "neither"),
        ("1e-6 nan\n1e-6 1e-6\n", "neither"),
        ("1e-6 2e-6\n", "has 1 by 2 cells, the chip 2 by 2; rows and columns"),
        ("1e-6 2e-6\n1e-6 -2e-9\n", "-2e-09 S at row 2, column 2, a conductance is not negative"),
    ],
)
def test_a_file_that_is_no_map_of_the_chip_is_refused(tmp_path, text, sentence):
    (tmp_path / "map").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=sentence.replace("[", r"\[")):
        read_map(tmp_path / "map", (2, 2))


def test_a_map_of_another_shape_is_refused_before_anything_is_trained(lab, cli, monkeypatch):
    monkeypatch.chdir(lab)
    for verb in (("train",), ("tune", "--chips", "10")):
        done = cli(*verb, "--curve", "mine.csv", "--start", "map.json", "--quiet")
        assert done.code == 1
        assert "has 2 by 4 cells, the chip 4 by 4; rows and columns" in done.err


@pytest.mark.parametrize(("times", "fits"), [(1, True), (1e-3, False), (1e3, False)])
def test_a_map_in_another_unit_than_the_curve_is_refused(lab, times, fits):
    (lab / "other.json").write_text(json.dumps({"unit": "S", "conductance_siemens": (times * MAP).tolist()}))
    chip = {"curve": "mine.csv", "start": "other.json", "rows": 2, "columns": 4}
    bench = load_bench("simulated", overrides={"chip": chip})
    if fits:
        assert virtual_chips(bench).start_siemens == (MAP.min(), MAP.max())
        return
    with pytest.raises(ConfigError, match="in the median, more than 100 times off what was measured on the curve"):
        virtual_chips(bench)


def test_a_setting_that_varies_takes_the_place_of_the_other_spread_but_not_of_a_map(lab):
    own = load_bench("simulated", overrides={"chip": {"curve": "mine.csv"}})
    assert set_values(own, ["device_spread=30 %"]).chip.resolved.device_spread == 0.3
    assert set_values(load_bench("simulated"), ["device_spread=0.3"]).chip.resolved.k == 1.0
    back = with_settings(set_values(load_bench("simulated"), ["device_spread=0.3"]), {})
    with pytest.raises(ConfigError, match="low_siemens goes with high_siemens"):
        set_values(back, ["low_siemens=1 nS"])
    mapped = load_bench("simulated", overrides={"chip": {"start": "map.json"}})
    with pytest.raises(ConfigError, match="only one of them"):
        set_values(mapped, ["device_spread=0.3"])
    assert find_key("K").of(own) == 1.0
    assert find_key("sigma").of(own) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[1e-4, 2e-4]]", 'a list without a name; write {"conductance_siemens": before it'),
        ('{"conductance_uS": [[100, 200]]}', "its key must be conductance_siemens, it has conductance_uS"),
        ('{"conductance_siemens": [[1e-4', "no whole JSON"),
        ("1e-4 2e-4\n3e-4 x\n", "line 2: 'x' is not a number"),
        ("1e-4 2e-4\n3e-4 nan\n", "a table of siemens: row 2, column 2 holds nan, not a finite number"),
        ("1e-4 2e-4\n3e-4\n", "row 2 has 1 numbers, row 1 has 2"),
        ('{"conductance_siemens": [[1e-4, 2e-4], [3e-4, "x"]]}', "row 2, column 2 holds 'x', text, not a number"),
        ('{"conductance_siemens": [[1e-4, null]]}', "row 1, column 2 holds null, not a number"),
        ('{"conductance_siemens": [[1e-4, true]]}', "row 1, column 2 holds true, not a number"),
        ('{"conductance_siemens": [[1e-4, 1e400]]}', "row 1, column 2 holds inf, not a finite number"),
        ('{"conductance_siemens": 5}', "it must hold rows of numbers, [[1e-4, 2e-4], [3e-4, 4e-4]], not 5"),
        ('{"conductance_siemens": {"a": [[1e-4]]}}', "it must hold rows of numbers"),
        ('{"conductance_siemens": []}', "it must hold rows of numbers"),
        ("", "it must hold rows of numbers"),
        ('{"conductance_siemens": [[100, 110], [90, 120]]}', "120 S at row 2, column 2, which exceeds 0.1 S"),
        ('{"unit": "uS", "conductance_siemens": [[0.09, 0.08]]}', "it says unit 'uS' beside conductance_siemens"),
        ('{"Units": ["uS"], "conductance_siemens": [[0.09, 0.08]]}', "it says Units ['uS'] beside"),
        ("0.09 0.11\n", "0.11 S at row 1, column 2, which exceeds 0.1 S; write the map in siemens, not in uS"),
    ],
)
def test_what_is_no_map_in_siemens_is_refused_in_the_words_of_the_file(tmp_path, text, sentence):
    file = tmp_path / "map.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as refusal:
        read_map(file)
    assert sentence in str(refusal.value)
