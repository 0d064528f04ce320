import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.studies.axes import Axis, read_axes, read_axis
from crossbar_hil.studies.settings import find_key, with_settings
from crossbar_hil.training.settings import make_update


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("target=0.5,0.8,0.95", "target", (0.5, 0.8, 0.95)),
        ("beta=1e6..4e6:4", "beta", (1e6, 2e6, 3e6, 4e6)),
        ("beta=1e6..1e8:3log", "beta", (1e6, 1e7, 1e8)),
        ("width=1 ms..50 ms:2", "width_s", (0.001, 0.05)),
        ("v0=-200 mV..-0.1:3", "v0", (-0.2, -0.15, -0.1)),
        ("epochs=10..40:4", "epochs", (10, 20, 30, 40)),
        ("chip.read-noise=0..0.1:3", "read_noise", (0.0, 0.05, 0.1)),
        ("K=5,10", "scale", (5.0, 10.0)),
        ("smoothed=true,false", "smoothed", (True, False)),
        ("curve=../a.csv,../b.csv", "curve", ("../a.csv", "../b.csv")),
        ("target=0.8", "target", (0.8,)),
    ],
)
def test_what_is_typed_after_over_is_a_setting_and_its_values(text, name, values):
    axis = read_axis(text)
    assert axis.key.name == name
    assert axis.values == pytest.approx(values) if axis.key.is_number else axis.values == values
    assert [type(each) for each in axis.values] == [type(each) for each in values]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("beta", "'beta' must be KEY=LOW..HIGH:COUNT"),
        ("bta=1,2", "'bta' is no setting of [training] or [chip]; did you mean 'beta'?"),
        ("beta=much", "beta: 'much' is not a number with a unit"),
        ("beta=5 ms", "beta: '5 ms' is not in 1/A"),
        ("target=nan", "target = nan must be a finite number"),
        ("beta=1e6..1e7", "a range is beta=LOW..HIGH:COUNT"),
        ("beta=1e7..1e6:3", "a range from 1e+07 to 1e+06 must go upwards"),
        ("beta=1e6..1e7:1", "a range of 1 values, it must have 2 to 10000"),
        ("v0=-0.1..0.1:3log", "a logarithmic range starts at -0.1"),
        ("epochs=10..21:3", "include 15.5, which is not a whole number"),
        ("beta=1e6,1e6", "names 1e+06 twice"),
        ("stuck=1", "is not a single value"),
        ("rule=", "must be KEY=LOW..HIGH:COUNT"),
    ],
)
def test_a_wrong_axis_is_refused_in_one_sentence(text, sentence):
    with pytest.raises(ConfigError) as caught:
        read_axis(text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_setting_varies_only_once():
    with pytest.raises(ConfigError, match="names beta twice"):
        read_axes(("beta=1e6,2e6", "training.beta=3e6"))


def test_sigma_varies_at_the_median_of_a_span():
    bench = with_settings(load_bench("simulated"), {find_key("sigma"): 0.3})
    spread = bench.chip.spread
    assert spread.median_siemens == pytest.approx((20e-9 * 100e-9) ** 0.5)
    assert spread.sigma == 0.3
    assert spread.low_siemens is None


def test_one_end_of_a_span_varies_alone():
    spread = with_settings(load_bench("simulated"), {find_key("low_siemens"): 1e-8}).chip.spread
    assert (spread.low_siemens, spread.high_siemens) == (1e-8, 1e-7)


def test_settings_that_do_not_go_together_are_refused():
    with pytest.raises(ConfigError, match=r"sigma 0\.5: low_siemens goes with high_siemens"):
        with_settings(load_bench("simulated"), {find_key("high_siemens"): 1e-7, find_key("sigma"): 0.5})


def test_an_option_of_a_rule_is_a_setting_that_may_be_a_number_or_a_word():
    most = read_axis("rule_options.most=1..5:3")
    assert (most.values, str(most.key), most.is_number) == ((1, 3, 5), "rule_options.most", True)
    assert all(isinstance(value, int) for value in most.values)  # as the rule wants it
    assert read_axis("training.rule_options.rate=0.5..2:2log").values == (0.5, 2)
    order = read_axis("rule_options.order=drawn,file")
    assert (order.values, order.is_number) == (("drawn", "file"), False)
    assert Axis.from_record(order.as_record()) == order
    bench = load_bench("simulated", overrides={"training": {"rule": "delta", "rule_options": {"rate": 0.5, "most": 2}}})
    changed = with_settings(bench, {most.key: 5})
    assert changed.training.rule_options == {"rate": 0.5, "most": 5}
    assert most.key.of(changed) == 5
    with pytest.raises(ConfigError, match=r"rule_options\.NAME is one option of the rule"):
        read_axis("rule_options=1,2")


def test_each_point_of_a_sweep_has_its_own_rule_and_an_option_that_no_rule_has_is_named():
    axis = read_axis("rule_options.most=1,3")
    bench = load_bench("simulated", overrides={"training": {"rule": "delta"}})
    made = [make_update(with_settings(bench, {axis.key: value}).training) for value in axis.values]
    assert [rule.most for rule, _ in made] == [1, 3]
    with pytest.raises(ConfigError, match="rule 'delta' has no option 'nope'; it has rate, most, least"):
        make_update(with_settings(bench, {find_key("rule_options.nope"): 1}).training)
