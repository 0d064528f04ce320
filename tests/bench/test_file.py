"""Bench files, presets and overrides."""

from pathlib import Path

import pytest

from crossbar_hil import Limits, Pulse
from crossbar_hil.bench.effects import Effects
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import ConfigError
from crossbar_hil.shipped import data_file, shipped

MINIMAL = 'backend = "simulated"\n'


@pytest.fixture
def write(tmp_path):
    def writer(text, name="lab.toml"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(text, encoding="utf-8")
        return str(file)

    return writer


def refusal(name, **options):
    with pytest.raises(ConfigError) as raised:
        load_bench(name, **options)
    return str(raised.value)


# ---------------------------------------------------------------------- what ships


@pytest.mark.parametrize("name", shipped("benches"))
def test_every_shipped_bench_loads_under_its_name(name):
    assert load_bench(name).name == name


@pytest.mark.parametrize("name", shipped("presets"))
def test_every_shipped_preset_lies_over_the_simulated_bench(name):
    assert load_bench("simulated", preset=name).kind == "simulated"


def test_simulated_and_reference_ship():
    assert "simulated" in shipped("benches")
    assert "reference" in shipped("presets")


@pytest.mark.parametrize(
    ("name", "said"),
    [("kim2021", {"step_spread": 0.26}), ("gong2022", {"step_spread": 0.7829, "step_variation": 0.4158})],
)
def test_a_published_array_sets_what_its_source_says_and_nothing_else(name, said):
    plain, laid = load_bench("simulated"), load_bench("simulated", preset=name)
    before, after = plain.model_dump(), laid.model_dump()
    changed = {key: value for key, value in after["chip"].items() if value != before["chip"][key]}
    assert changed == said
    assert after["training"] == before["training"]


def test_a_share_may_be_typed_in_per_cent():
    chip = load_bench("simulated", overrides={"chip": {"telegraph": "10 %", "read_noise": "0.05", "drift": 0.1}}).chip
    assert (chip.telegraph, chip.read_noise, chip.drift) == (0.1, 0.05, 0.1)


@pytest.mark.parametrize(
    ("chip", "message"),
    [
        ({"telegraph": "ten"}, "chip.telegraph: 'ten' is not a share, such as '10 %' or 0.1"),
        ({"telegraph": True}, "chip.telegraph: true is not a share"),
        (
            {"read_noise": "1000 %"},
            "chip: read_noise of 1000 % must be below 100 %",
        ),
        ({"relaxation": "110 %"}, "chip.relaxation = '110 %' must be at most 1"),
        ({"relaxation_law": "logarithmic", "relaxation_exponent": 0.5}, "relaxation_exponent belongs to the stretched"),
        ({"unformed": [[1, 2]], "dead": [[1, 2]]}, r"cell \[1, 2\] \(row 2, column 3\) is both unformed and dead"),
        (
            {"stuck": [[1, 2]], "dead": [[1, 2]]},
            r"cell \[1, 2\] \(row 2, column 3\) is both stuck and dead; name it once",
        ),
        ({"column_offset_a": "10 nS"}, "'10 nS' is not in A"),
        ({"read_noise": -0.1}, "chip.read_noise = -0.1 must be at least 0"),
        ({"step_variation": -0.1}, "chip.step_variation: -0.1 must be from 0 to 3: with 3 most pulses hardly move"),
        ({"step_variation": 1e-320}, "step_variation 9.99989e-321 is below 1e-06, which nobody could see; write 0"),
        ({"drift": 1000}, "chip.drift: 1000 must be from 0 to 1: 1 is all that a cell conducts"),
        ({"step_spread": True}, "chip.step_spread: true is not a share"),
        ({"shape_spread": True}, "chip.shape_spread: true is not a share"),
        ({"disturb": True}, "chip.disturb: true is not a number"),
        ({"relaxation_exponent": True}, "chip.relaxation_exponent: true is not a number"),
        ({"step_sprea": 0.1}, "unknown key chip.step_sprea; did you mean 'step_spread'"),
    ],
)
def test_an_effect_that_cannot_be_is_refused_by_its_key(chip, message):
    with pytest.raises(ConfigError, match=message):
        load_bench("simulated", overrides={"chip": chip})


@pytest.mark.parametrize(
    "key", [name for name, field in Effects.model_fields.items() if isinstance(field.default, float)]
)
def test_no_number_of_an_effect_may_be_huge(key):
    for huge in (1e308, 1e160, -1e308):
        with pytest.raises(ConfigError, match=rf"^bench simulated: chip(\.|: ){key}\b"):
            load_bench("simulated", overrides={"chip": {key: huge}})


@pytest.mark.parametrize(
    ("key", "value", "effect", "size"),
    [
        ("telegraph_share", 0.2, "telegraph", 0.1),
        ("telegraph_s", "1 s", "telegraph", 0.1),
        ("relaxation_s", "60 s", "relaxation", 0.1),
        ("relaxation_law", "logarithmic", "relaxation", 0.1),
        ("relaxation_exponent", 0.5, "relaxation", 0.1),
        ("unformed_siemens", "1 nS", "unformed", [[0, 0]]),
    ],
)
def test_a_key_that_says_more_of_an_effect_needs_it_but_not_before_a_sweep(key, value, effect, size):
    alone = load_bench("simulated", overrides={"chip": {key: value}})  # a sweep may go over the effect
    with pytest.raises(ConfigError, match=f"{key} does nothing without {effect}; give that too, or leave {key} out"):
        open_backend(alone, seed=1)
    more = {} if key in {"relaxation_s", "unformed_siemens"} or effect == "telegraph" else {"relaxation_s": "60 s"}
    for strength in (size, type(size)()):
        chip = {key: value, effect: strength, **more}
        assert open_backend(load_bench("simulated", overrides={"chip": chip}), seed=1).kind == "simulated"


@pytest.mark.parametrize(
    ("chip", "more"),
    [({"drive": "both"}, {}), ({"sense": "both"}, {}), ({"tiles": "2x2"}, {}), ({"tiles": "02x2 "}, {"disturb": 0.1})],
)
def test_ends_and_tiles_of_ideal_lines_are_refused_where_they_make_no_difference(chip, more):
    key, value = next(iter(chip.items()))
    alone = load_bench("simulated", overrides={"chip": chip})  # a sweep may go over the wires
    with pytest.raises(ConfigError, match=rf"{key} {value.strip(' 0')} makes no difference on ideal lines; give wire_"):
        open_backend(alone, seed=1)
    for other in ({"wire_ohm": 1.0}, {"wire_ohm": 0.0}, more):
        if other:
            open_backend(load_bench("simulated", overrides={"chip": {**chip, **other}}), seed=1)


def test_what_is_no_tile_is_refused_by_its_key():
    for tiles, why in (("4", "tiles '4' must be rows x columns of arrays"), ("5x1", "5 tiles cannot share 4 rows")):
        with pytest.raises(ConfigError, match=rf"^bench simulated: chip.*: {why}"):
            load_bench("simulated", overrides={"chip": {"tiles": tiles}})


def test_the_simulated_bench_holds_si_numbers():
    bench = load_bench("simulated")
    assert bench.limits == Limits(1.0, 3.0, 1.0)
    assert bench.training.pulse == Pulse(2.0, 0.05)
    spread = bench.chip.resolved.spread
    assert (bench.chip.k, spread.low_siemens, spread.high_siemens) == (10.0, 2e-8, 1e-7)
    assert (bench.training.v0, bench.training.v1) == (-0.1, 0.1)


def test_an_installed_backend_is_a_bench_by_its_name(tmp_path, monkeypatch):
    info = tmp_path / "lab_parts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-parts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[crossbar_hil.backends]\nlab-chip = lab_parts:Lab\n")
    monkeypatch.syspath_prepend(tmp_path)
    bench = load_bench("lab-chip")
    assert (bench.name, bench.backend, bench.limits) == ("lab-chip", "lab-chip", None)


# ---------------------------------------------------------------------- reading a file


def test_a_bench_file_is_named_after_itself(write):
    assert load_bench(write(MINIMAL, "cold_room.toml")).name == "cold_room"


def test_a_name_in_the_file_counts_more_than_the_name_of_the_file(write):
    assert load_bench(write(MINIMAL + 'name = "wafer 7"\n')).name == "wafer 7"


def test_quantities_are_the_numbers_they_stand_for(write):
    typed = write(
        MINIMAL + '[training]\nv0 = "-0.2 V"\nv1 = "200 mV"\nbeta = "50 / uA"\nwidth_s = "10 ms"\n'
        '[chip]\nwire_ohm = "0 ohm"\n[chip.spread]\nmedian_siemens = "40 nS"\nsigma = 0.5\n'
        '[limits]\nread_v = "500 mV"\npulse_v = "3 V"\nwidth_s = "1 s"\n'
    )
    plain = write(
        MINIMAL + "[training]\nv0 = -0.2\nv1 = 0.2\nbeta = 5e7\nwidth_s = 0.01\n"
        "[chip]\nwire_ohm = 0\n[chip.spread]\nmedian_siemens = 4e-8\nsigma = 0.5\n"
        "[limits]\nread_v = 0.5\npulse_v = 3\nwidth_s = 1\n",
        "elsewhere/lab.toml",
    )
    assert load_bench(typed) == load_bench(plain)


LIMITS = '[limits]\nread_v = "0.2 V"\npulse_v = "2 V"\nwidth_s = "50 ms"\n'


def test_budgets_are_limits_and_none_where_they_are_not_given(write):
    budgets = 'pulses = 500\ndose_vs = "50 V s"\n'
    assert load_bench(write(MINIMAL + LIMITS + budgets)).limits == Limits(0.2, 2.0, 0.05, 500, 50.0)
    assert load_bench(write(MINIMAL + LIMITS)).limits == Limits(0.2, 2.0, 0.05, None, None)


@pytest.mark.fault("F1")
@pytest.mark.parametrize("missing", ["read_v", "pulse_v", "width_s", "pulses", "dose_vs"])
def test_a_real_chip_has_every_limit_written_down(write, missing):
    lines = (LIMITS + 'pulses = 500\ndose_vs = "50 V s"\n').splitlines(keepends=True)
    text = MINIMAL + 'kind = "hardware"\n' + "".join(line for line in lines if not line.startswith(missing))
    assert f"{missing} " in refusal(write(text))
    assert "missing" in refusal(write(text))
    with_all = MINIMAL + 'kind = "hardware"\n' + "".join(lines)
    assert load_bench(write(with_all)).limits.pulses == 500


def test_a_bench_with_budgets_is_the_same_after_it_was_written_out(write):
    bench = load_bench(write(MINIMAL + LIMITS + 'pulses = 500\ndose_vs = "50 V s"\n'))
    assert load_bench(write(bench.as_toml(), "copy.toml")).limits == bench.limits


MEASUREMENT = '[measurement]\ncompliance_a = "100 uA"\nrange_a = "50 uA"\n'


def test_reads_have_the_range_of_pulses_unless_they_are_given_their_own(write):
    assert load_bench(write(MINIMAL + MEASUREMENT)).measurement.read_range_a is None
    table = load_bench(write(MINIMAL + MEASUREMENT + 'read_range_a = "2 uA"\n')).measurement
    assert (table.range_a, table.read_range_a) == (5e-5, 2e-6)


def test_the_upper_end_of_a_spread_is_that_of_its_span_or_of_the_central_95_percent(write):
    spread = MINIMAL + "[chip]\n[chip.spread]\n"
    assert load_bench(write(spread + "low_siemens = 1e-8\nhigh_siemens = 1e-7\n")).chip.spread.upper_siemens == 1e-7
    moments = load_bench(write(spread + "median_siemens = 4e-8\nsigma = 0.5\n")).chip.spread
    # exp(0.5 x 1.95996) = 2.6643
    assert moments.upper_siemens == pytest.approx(4e-8 * 2.6643, rel=1e-4)


def test_options_reach_the_bench_as_they_are(write):
    assert load_bench(write(MINIMAL + '[options]\nport = 5\nname = "x"\n')).options == {"port": 5, "name": "x"}


def test_a_file_beside_the_bench_file_is_found_wherever_one_works(write, tmp_path, monkeypatch):
    file = write(MINIMAL + '[chip]\ncurve = "my_curve.csv"\n[training]\npatterns = "sets/task.csv"\n', "bench/lab.toml")
    monkeypatch.chdir("/")
    bench = load_bench(file)
    assert Path(bench.chip.curve) == tmp_path / "bench" / "my_curve.csv"
    assert Path(bench.training.patterns) == tmp_path / "bench" / "sets" / "task.csv"


def test_a_bench_file_given_by_a_relative_path_still_holds_absolute_ones(write, tmp_path, monkeypatch):
    write(MINIMAL + '[chip]\ncurve = "my_curve.csv"\n', "bench/lab.toml")
    monkeypatch.chdir(tmp_path)
    assert Path(load_bench("bench/lab.toml").chip.curve) == tmp_path / "bench" / "my_curve.csv"


def test_an_absolute_path_stays(write):
    assert load_bench(write(MINIMAL + '[chip]\ncurve = "/data/c.csv"\n')).chip.curve == "/data/c.csv"


def test_the_name_of_shipped_data_stays_a_name(write):
    bench = load_bench(write(MINIMAL + '[chip]\ncurve = "figure2a"\n'))
    assert bench.chip.curve == "figure2a"
    assert bench.chip.curve_file.is_file()
    assert bench.training.pattern_file.is_file()


def test_data_that_is_not_shipped_is_a_path():
    assert data_file("figure2b") == Path("figure2b")
    assert data_file("../figure2a") == Path("../figure2a")


# ---------------------------------------------------------------------- every problem at once


@pytest.mark.fault("F3")
def test_an_unknown_key_is_answered_with_the_nearest_one(write):
    message = refusal(write(MINIMAL + "[chip]\ncolums = 4\n"))
    assert "unknown key chip.colums; did you mean 'columns'?" in message


@pytest.mark.fault("F3")
@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[trainig]\nbeta = 1\n", "unknown key trainig; did you mean 'training'?"),
        ("[training]\nepoch = 1\n", "unknown key training.epoch; did you mean 'epochs'?"),
        ("[limit]\nread_v = 1\n", "unknown key limit; did you mean 'limits'?"),
        ("[limits]\nread_v = 1\npulse_v = 1\nwidth_s = 1\nwidht_s = 1\n", "unknown key limits.widht_s; did you mean"),
        ("[chip.spread]\nlow_siemens=1e-8\nhigh_siemens=1e-7\nsigm=1\n", "unknown key chip.spread.sigm; did you mean"),
        ("kinds = 1\n", "unknown key kinds; did you mean 'kind'?"),
    ],
)
def test_a_mistyped_key_of_any_table_is_named(write, text, hint):
    assert hint in refusal(write(MINIMAL + text))


def test_an_unknown_key_near_nothing_gets_no_hint(write):
    assert "did you mean" not in refusal(write(MINIMAL + "zzz = 4\n"))


def test_several_problems_are_reported_in_one_message(write):
    message = refusal(
        write('kind = "real"\n[chip]\ncolums = 4\nrows = "many"\n[training]\nbeta = "5 V"\n[limits]\nread_v = 1\n')
    )
    for part in (
        "backend is missing",
        "kind = 'real'",
        "unknown key chip.colums",
        "chip.rows: 'many' is not a whole number",
        "training.beta: '5 V' is not in 1/A",
        "limits.pulse_v is missing",
        "limits.width_s is missing",
    ):
        assert part in message
    assert "\n" not in message


def test_the_message_names_the_file(write):
    file = write("kind = 5\n")
    assert refusal(file).startswith(f"bench file {file}: ")


@pytest.mark.fault("F4")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[training]\nwidth_s = "5 V"\n', "training.width_s: '5 V' is not in s"),
        ('[training]\nv0 = "5 bananas"\n', "training.v0: '5 bananas' has an unknown unit, such as '100 mV'"),
        ("[training]\nv0 = true\n", "training.v0: true is not a number"),
        ("[training]\nv0 = nan\n", "training.v0"),
        ("[chip]\nscale = inf\n", "chip.scale"),
        ("[chip]\nrows = 0\n", "chip: 0 rows and 4 columns, at least 1 of each needed"),
        ("[chip]\ncurve_width_s = 0.05\n", "chip: curve_amplitude_v goes with curve_width_s"),
        ("[chip]\nstuck = [[1, 2, 3]]\n", "chip.stuck, entry 1 must hold at most 2, not 3"),
        ("[chip.spread]\nlow_siemens = 1e-8\n", "chip.spread: low_siemens goes with high_siemens"),
        (
            "[chip.spread]\nsigma = 1\n",
            "chip.spread: low_siemens goes with high_siemens, and median_siemens with sigma",
        ),
        ("[chip.spread]\n", "chip.spread: give either low_siemens and high_siemens or median_siemens and sigma"),
        (
            "[chip.spread]\nlow_siemens = 1e-8\nhigh_siemens = 1e-7\nmedian_siemens = 4e-8\nsigma = 1\n",
            "chip.spread: give either",
        ),
        (
            '[chip.spread]\ndistribution = "rescaled"\nmedian_siemens = 4e-8\nsigma = 1\n',
            "chip.spread: a rescaled draw needs low_siemens and high_siemens",
        ),
        ('[chip.spread]\ndistribution = "normal"\n', "chip.spread.distribution = 'normal'"),
        ("[limits]\nread_v = 1\npulse_v = 1\nwidth_s = 1\npulses = 0\n", "limits.pulses"),
        ("[limits]\nread_v = 1\npulse_v = 1\nwidth_s = 1\npulses = 1.5\n", "limits.pulses"),
        ("[limits]\nread_v = 1\npulse_v = 1\nwidth_s = 1\npulses = true\n", "limits.pulses"),
        ('[limits]\nread_v = 1\npulse_v = 1\nwidth_s = 1\npulses = "many"\n', "limits.pulses"),
        ('[limits]\nread_v = 1\npulse_v = 1\nwidth_s = 1\ndose_vs = "5 V"\n', "limits.dose_vs: '5 V' is not in V s"),
        ("[limits]\nread_v = 1\npulse_v = 1\nwidth_s = 1\ndose_vs = 0\n", "limits.dose_vs"),
        ("[limits]\nread_v = 1\npulse_v = 1\nwidth_s = 1\ndose_vs = nan\n", "limits.dose_vs"),
        ("[measurement]\ncompliance_a = 1\nrange_a = 1\ndischarge_s = -1\n", "measurement.discharge_s"),
        ("[measurement]\ncompliance_a = 1\nrange_a = 1\ndischarge_s = 2\n", "measurement.discharge_s"),
        ("[measurement]\ncompliance_a = 0\nrange_a = 1\n", "measurement.compliance_a = 0 must be above 0"),
        ('[measurement]\ncompliance_a = 1\nrange_a = "-1 uA"\n', "measurement.range_a = '-1 uA' must be above 0"),
        (
            "[measurement]\ncompliance_a = 1\nrange_a = 1\nread_range_a = 0\n",
            "read_range_a = 0 must be above 0",
        ),
        ('[measurement]\ncompliance_a = 1\nrange_a = 1\nread_range_a = "1 V"\n', "read_range_a: '1 V' is not in A"),
        ("[measurement]\ncompliance_a = 1\nrange_a = 1\nnplc = 0\n", "measurement.nplc = 0 must be above 0"),
        ("training = 5\n", "training"),
        ("chip = 5\n", "chip"),
        ('options = "x"\n', "options"),
        ("[training]\nv0 = 1" + 400 * "0" + "\n", "training.v0"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(write, text, message):
    assert message in refusal(write(MINIMAL + text))


def test_a_table_that_is_a_number_is_refused_under_a_preset_too(write):
    assert "training" in refusal(write(MINIMAL + "training = 5\n[chip]\n"), preset="reference")


def test_a_file_that_is_not_toml_is_refused_with_the_place(write):
    assert "is not valid TOML: " in refusal(write("backend = \n"))


def test_a_binary_file_is_refused(tmp_path):
    file = tmp_path / "lab.toml"
    file.write_bytes(b"\xff\xfe\x00\x01")
    assert "is not valid TOML" in refusal(str(file))


def test_a_missing_file_is_refused(tmp_path):
    assert "cannot be read: No such file" in refusal(str(tmp_path / "none.toml"))


@pytest.mark.parametrize("name", ["simulatd", "simulated2"])
def test_an_unknown_bench_is_answered_with_the_known_ones(name):
    message = refusal(name)
    assert f"bench {name!r} is neither a file nor a known bench; known are " in message
    assert "simulated" in message
    assert "did you mean 'simulated'?" in message


def test_an_unknown_preset_is_answered_with_the_known_ones():
    message = refusal("simulated", preset="referense")
    assert "preset 'referense' does not exist; known are " in message
    assert "did you mean 'reference'?" in message


@pytest.mark.fault("X8")
@pytest.mark.parametrize("preset", ["../benches/simulated", "", "/etc/passwd"])
def test_a_preset_is_never_a_path(preset):
    assert "does not exist" in refusal("simulated", preset=preset)


# ---------------------------------------------------------------------- layers


def test_a_preset_lies_over_the_bench(write):
    file = write(MINIMAL + "[chip]\nrows = 6\nscale = 3.0\n[training]\nbeta = 1e3\ntarget0 = -0.5\n")
    bench = load_bench(file, preset="reference")
    assert (bench.chip.scale, bench.training.beta) == (10.0, 6e6)
    assert (bench.chip.rows, bench.training.target0) == (6, -0.5)


def test_overrides_lie_over_the_preset():
    bench = load_bench(
        "simulated", preset="reference", overrides={"training": {"beta": "1e7 / A"}, "chip": {"scale": 5}}
    )
    assert (bench.training.beta, bench.chip.scale) == (1e7, 5.0)
    assert bench.training.target == 0.8


def test_overrides_leave_what_they_do_not_name():
    plain = load_bench("simulated")
    bench = load_bench("simulated", overrides={"training": {"epochs": 7}})
    assert bench.training.epochs == 7
    assert bench.chip == plain.chip
    assert bench.training.model_copy(update={"epochs": 48}) == plain.training


def test_overrides_are_not_changed():
    overrides = {"chip": {"curve": "c.csv", "spread": {"median_siemens": 4e-8, "sigma": 0.5}}}
    load_bench("simulated", overrides=overrides)
    assert overrides == {"chip": {"curve": "c.csv", "spread": {"median_siemens": 4e-8, "sigma": 0.5}}}


def test_a_spread_replaces_the_whole_spread_below_it():
    bench = load_bench("simulated", overrides={"chip": {"spread": {"median_siemens": 4e-8, "sigma": 0.5}}})
    assert bench.chip.spread.numbers() == {"median_siemens": 4e-8, "sigma": 0.5}


def test_a_path_of_an_override_is_relative_to_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bench = load_bench("simulated", overrides={"chip": {"curve": "mine.csv"}})
    assert Path(bench.chip.curve) == tmp_path / "mine.csv"


def test_a_wrong_override_is_refused_like_a_wrong_file():
    message = refusal("simulated", overrides={"training": {"betta": 1}})
    assert "unknown key training.betta; did you mean 'beta'?" in message


@pytest.mark.parametrize("layer", [{"preset": "reference"}, {"overrides": {"chip": {"scale": 2}}}])
def test_a_bench_without_a_virtual_chip_cannot_be_given_parts_of_one(write, layer):
    assert "has no [chip] table" in refusal(write(MINIMAL), **layer)


# ---------------------------------------------------------------------- the bench as used


@pytest.mark.parametrize("name", shipped("benches"))
def test_a_shipped_bench_written_out_reads_back_as_itself(name, write):
    bench = load_bench(name)
    assert load_bench(write(bench.as_toml())) == bench.resolved


def test_a_bench_with_everything_written_out_reads_back_as_itself(write):
    bench = load_bench(
        write(
            'backend = "simulated"\nkind = "simulated"\nname = "wafer µ"\n'
            '[chip]\nrows = 3\ncolumns = 2\ncurve = "mine.csv"\ncurve_amplitude_v = 2\ncurve_width_s = "50 ms"\n'
            "smoothed = true\nscale = 2.5\nread_noise = 0.01\nstep_variation = 0.2\nstuck = [[0, 1]]\ndead = [[2, 0]]\n"
            'cell = "sinh"\n[chip.cell_options]\nb_per_v = 2.0\n'
            "[chip.spread]\nmedian_siemens = 4.123456789012345e-8\nsigma = 0.1\n"
            "[limits]\nread_v = 0.3\npulse_v = 2.5\nwidth_s = 0.06\n"
            '[training]\npatterns = "task.csv"\ntarget0 = -0.123456789\nepochs = 3\n[options]\nport = 3\n'
        )
    )
    assert load_bench(write(bench.as_toml(), "elsewhere/copy.toml")) == bench.resolved


def test_a_bench_written_out_states_every_default(write):
    text = load_bench(write(MINIMAL + "[chip]\n")).as_toml()
    for key in ("rows", "scale", "beta", "target", "epochs", "v0", "rule", "read_noise", "low_siemens"):
        assert f"\n{key} = " in text


def test_a_bench_cannot_be_changed():
    from pydantic import ValidationError

    with pytest.raises(ValidationError):
        load_bench("simulated").training.beta = 1.0
