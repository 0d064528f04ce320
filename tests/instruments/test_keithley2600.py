"""The Series 2600B drivers: the exact lines on the wire, and what is made of the answers."""

import math

import lupa.lua51
import pytest
from pymeasure.instruments import Channel
from pymeasure.test import expected_protocol

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError, LimitError
from crossbar_hil.instrument import SourceSettings
from crossbar_hil.instruments.keithley2600 import Keithley2602B, Keithley2636B
from crossbar_hil.instruments.keithley2600_pulse import PULSE_SCRIPT

SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-7, range_a=1e-6, nplc=0.5)
NO_ERROR = "0.00000e+00\tQueue Is Empty\t0.00000e+00\t1.00000e+00"
COUNT, NEXT = "print(errorqueue.count)", "print(errorqueue.next())"
OFF = [("smua.abort() smua.source.levelv=0 smua.source.output=0", None)]
CLEAR = [
    *OFF,
    ("errorqueue.clear() smua.reset() localnode.prompts=0 localnode.showerrors=0", None),
]
PATHS = [
    "sense",
    "source.func",
    "source.offmode",
    "source.offfunc",
    "source.autorangev",
    "measure.autorangei",
    "source.rangev",
    "source.levelv",
    "source.limiti",
    "measure.rangei",
    "measure.nplc",
    "measure.delay",
    "measure.count",
    "measure.filter.enable",
    "measure.autozero",
    "source.output",
]
WRITTEN = (
    "smua.sense=0 smua.source.func=1 smua.source.offmode=0 smua.source.offfunc=1 smua.source.autorangev=0 "
    "smua.measure.autorangei=0 smua.source.rangev=6.000000000e+00 smua.source.levelv=0 "
    "smua.source.limiti=1.000000000e-07 smua.measure.rangei=1.000000000e-06 smua.measure.nplc=5.000000000e-01 "
    "smua.measure.delay=-1 smua.measure.count=1 smua.measure.filter.enable=0 "
    "smua.measure.autozero=1 smua.source.output=0"
)
READ_BACK = (
    'print(string.format("'
    + r"\t".join(["%.9e"] * 17)
    + '", errorqueue.count, '
    + ", ".join(f"smua.{path}" for path in PATHS)
    + "))"
)
BACK = {
    "source.func": 1,
    "source.offfunc": 1,
    "source.rangev": 6,
    "source.limiti": 1e-7,
    "measure.rangei": 1e-6,
    "measure.nplc": 0.5,
    "measure.delay": -1,
    "measure.count": 1,
}
SCRIPT = [(line, None) for line in PULSE_SCRIPT.splitlines()]


def read_back(**changes):
    values = {**dict.fromkeys(PATHS, 0), **BACK, **{key.replace("__", "."): value for key, value in changes.items()}}
    return (READ_BACK, "\t".join(f"{value:.9e}" for value in [0, *values.values()]))


PREPARED = [*CLEAR, (WRITTEN, None), read_back()]


def prepared(*more, model=Keithley2602B):
    return expected_protocol(model, [*PREPARED, *more], name="smu")


def on_channel(box, letter="a"):
    return box.source_meters()["ab".index(letter)]


def test_channels_are_named_after_the_box_and_are_pymeasure_channels():
    with expected_protocol(Keithley2602B, [], name="smu") as box:
        assert [each.name for each in box.source_meters()] == ["smu.a", "smu.b"]
        assert isinstance(box.ch_a, Channel)


@pytest.mark.parametrize(("model", "least"), [(Keithley2602B, 10e-9), (Keithley2636B, 100e-12)])
def test_the_least_compliance_is_that_of_the_model(model, least):
    with expected_protocol(model, []) as box:
        assert [each.least_compliance_a for each in box.source_meters()] == [least, least]


@pytest.mark.parametrize(
    ("attribute", "value", "line"),
    [
        ("compliance_current", 1e-7, "smub.source.limiti=1.000000000e-07"),
        ("source_voltage", 1e-6, "smub.source.levelv=1.000000000e-06"),
        ("source_voltage_range", 6, "smub.source.rangev=6.000000000e+00"),
        ("current_range", 1e-7, "smub.measure.rangei=1.000000000e-07"),
        ("measure_nplc", 0.01, "smub.measure.nplc=1.000000000e-02"),
        ("source_mode", "voltage", "smub.source.func=1"),
        ("source_enabled", True, "smub.source.output=1"),
    ],
)
def test_a_property_is_sent_with_all_its_digits_and_checked(attribute, value, line):
    with expected_protocol(Keithley2602B, [(line, None), (NEXT, NO_ERROR)]) as box:
        setattr(box.ch_b, attribute, value)


@pytest.mark.parametrize(
    ("attribute", "query", "reply", "value"),
    [
        ("compliance_current", 'print(string.format("%.9e", smua.source.limiti))', "1.000000000e-07", 1e-7),
        ("source_mode", "print(smua.source.func)", "1.00000e+00", "voltage"),
        ("source_enabled", "print(smua.source.output)", "0.00000e+00", False),
        ("compliance_tripped", "print(smua.source.compliance)", "true", True),
        ("current", 'print(string.format("%.9e", smua.measure.i()))', "-5.984310000e-12", -5.98431e-12),
    ],
)
def test_a_property_is_read(attribute, query, reply, value):
    with expected_protocol(Keithley2602B, [(query, reply)]) as box:
        assert getattr(box.ch_a, attribute) == value


@pytest.mark.parametrize(("model", "volt"), [(Keithley2602B, 40.1), (Keithley2636B, 200.1)])
def test_a_voltage_beyond_the_model_is_refused_and_not_cut(model, volt):
    with expected_protocol(model, []) as box, pytest.raises(ValueError, match=str(volt)):
        box.ch_a.source_voltage = volt


@pytest.mark.parametrize("kind", [Keithley2602B, Keithley2636B])
def test_every_property_says_what_it_does_first(kind):
    with expected_protocol(kind, []) as box:
        for name, each in vars(type(box.ch_a).__mro__[1]).items():
            if isinstance(each, property):
                assert each.__doc__.split()[0] in {"Control", "Get", "Measure", "Set"}, name


def test_the_identity_is_taken_apart():
    with expected_protocol(Keithley2602B, [("*IDN?", "Keithley Instruments Inc., Model 2602B, 1398687, 3.0.0")]) as box:
        identity = on_channel(box).identify()
    assert (identity.maker, identity.model, identity.serial, identity.firmware) == (
        "Keithley Instruments Inc.",
        "2602B",
        "1398687",
        "3.0.0",
    )


def test_prepare_writes_every_setting_and_reads_it_back():
    with prepared() as box:
        on_channel(box).prepare(SETTINGS)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("source__limiti", 0.0),
        ("source__limiti", 1e-6),
        ("source__rangev", 40),
        ("source__output", 1),
        ("source__levelv", 1e-3),
        ("source__offmode", 2),
        ("source__autorangev", 1),
        ("measure__autorangei", 1),
        ("measure__rangei", 1e-7),
        ("measure__autozero", 2),
        ("measure__nplc", 1),
        ("sense", 1),
        ("source__limiti", math.nan),
    ],
)
def test_a_setting_that_reads_back_otherwise_ends_with_the_output_off(path, value):
    pairs = [*CLEAR, (WRITTEN, None), read_back(**{path: value}), *OFF]
    with expected_protocol(Keithley2602B, pairs, name="smu") as box:
        channel = on_channel(box)
        with pytest.raises(InstrumentError, match=path.replace("__", ".")):
            channel.prepare(SETTINGS)
        with pytest.raises(LimitError, match="not been prepared"):
            channel.enable()


def test_an_error_in_prepare_is_named_and_the_output_is_off():
    query, reply = read_back()
    pairs = [
        *CLEAR,
        (WRITTEN, None),
        (query, reply.replace("0.000000000e+00", "1.000000000e+00", 1)),
        (NEXT, "1.10200e+03\tParameter too small\t2.00000e+01\t1.00000e+00"),
        (NEXT, NO_ERROR),
        *OFF,
    ]
    with (
        expected_protocol(Keithley2602B, pairs, name="smu") as box,
        pytest.raises(InstrumentError, match=r"smu reports error 1102 \(Parameter too small\)"),
    ):
        on_channel(box).prepare(SETTINGS)


@pytest.mark.parametrize(
    ("model", "changes", "word"),
    [
        (Keithley2602B, {"compliance_a": 9e-9}, "compliance_a = 9e-09"),
        (Keithley2636B, {"compliance_a": 9e-11}, "1e-10"),
        (Keithley2602B, {"compliance_a": 3.1}, "compliance_a"),
        (Keithley2602B, {"compliance_a": math.nan}, "compliance_a"),
        (Keithley2602B, {"range_v": 41}, "range_v"),
        (Keithley2602B, {"range_v": 0}, "range_v"),
        (Keithley2602B, {"range_a": 1e-8}, "range_a"),
        (Keithley2602B, {"nplc": 26}, "nplc"),
        (Keithley2602B, {"guard": True}, "guard"),
    ],
)
def test_what_the_model_cannot_do_is_refused_before_anything_is_sent(model, changes, word):
    values = {"range_v": 2.0, "compliance_a": 1e-4, "range_a": 1e-4, "nplc": 1.0, "guard": False, **changes}
    with expected_protocol(model, [], name="smu") as box, pytest.raises(ConfigError, match=word):
        on_channel(box).prepare(SourceSettings(**values))


def test_enable_sources_zero_first_and_asks_whether_it_is_on():
    with prepared(
        ("smua.source.levelv=0 smua.source.output=1", None),
        (COUNT, "0.00000e+00"),
        ("print(smua.source.output)", "1.00000e+00"),
    ) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        channel.enable()


def test_an_output_that_stays_off_is_an_error():
    with prepared(
        ("smua.source.levelv=0 smua.source.output=1", None),
        (COUNT, "1.00000e+00"),
        (NEXT, "8.02000e+02\tOUTPUT blocked by interlock\t2.00000e+01\t1.00000e+00"),
        (NEXT, NO_ERROR),
    ) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match="802"):
            channel.enable()


def test_a_voltage_is_set_with_all_its_digits_and_checked():
    with prepared(("smua.source.levelv=1.234567890e-01", None), (COUNT, "0.00000e+00")) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        channel.set_voltage(0.123456789)


@pytest.mark.parametrize("volt", [2.1, -2.1, math.nan, math.inf])
def test_a_voltage_beyond_what_was_prepared_is_refused(volt):
    with prepared() as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        for action in (lambda: channel.set_voltage(volt), lambda: channel.pulse(volt, 0.05)):
            with pytest.raises(LimitError, match="2 V"):
                action()


MEASURE = 'print(string.format("%.9e", smua.measure.i()), smua.source.compliance)'


def test_a_reading_is_one_exchange():
    with prepared((MEASURE, "1.234567890e-07\tfalse"), (MEASURE, "-1.000000000e-07\ttrue")) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        first, second = channel.measure(), channel.measure()
    assert (first.current_a, first.limited) == (1.23456789e-7, False)
    assert (second.current_a, second.limited) == (-1e-7, True)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("9.910000000e+37\tfalse", InstrumentError),
        ("-9.910000000e+37\tfalse", InstrumentError),
        ("nan\tfalse", InstrumentError),
        ("inf\tfalse", InstrumentError),
        ("nil\tfalse", GarbledReply),
        ("1.0e-7", GarbledReply),
        ("1.0e-7\tfalse\t0", GarbledReply),
        ("1.0e-7\tmaybe", GarbledReply),
        ("", GarbledReply),
    ],
)
def test_an_answer_that_is_no_current_is_an_error(reply, error):
    with prepared((MEASURE, reply)) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(error, match="smu"):
            channel.measure()


def test_off_writes_only():
    with expected_protocol(Keithley2602B, [("smub.abort() smub.source.levelv=0 smub.source.output=0", None)]) as box:
        on_channel(box, "b").output_off()


def test_shutdown_switches_both_channels_off():
    pairs = [*OFF, *((line.replace("smua", "smub"), None) for line, _ in OFF)]
    with expected_protocol(Keithley2602B, pairs) as box:
        box.shutdown()


@pytest.mark.parametrize(("reply", "on"), [("1.00000e+00", True), ("0.00000e+00", False)])
def test_the_output_is_asked_for(reply, on):
    with expected_protocol(Keithley2602B, [("print(smua.source.output)", reply)]) as box:
        assert on_channel(box).output_is_on() is on


def test_the_limit_is_asked_for():
    with expected_protocol(Keithley2602B, [("print(smua.source.compliance)", "true")]) as box:
        assert on_channel(box).limit_tripped() is True


PULSE = "crossbar_hil_pulse(2, 5.000000000e-02, 5.000000000e-03, smua, 1.500000000e+00)"


def test_pulses_are_one_exchange_and_the_function_is_sent_once():
    with prepared(
        *SCRIPT,
        (NEXT, NO_ERROR),
        (PULSE, "0\t2\t1.000000000e-06\t0\t1.100000000e-06\t64"),
        (PULSE, "0\t2\t1.000000000e-06\t192\t1.100000000e-06\t128"),
    ) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        first = channel.pulse(1.5, 0.05, 2)
        second = channel.pulse(1.5, 0.05, 2)
    assert [(each.current_a, each.limited) for each in first] == [(1e-6, False), (1.1e-6, True)]
    assert [each.limited for each in second] == [True, False]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("refused", InstrumentError),
        ("0\t1\t1.0e-06\t0", InstrumentError),
        ("0\t0", InstrumentError),
        ("0", InstrumentError),
        ("0\t2\t1.0e-06\t0\t9.91e+37\t0", InstrumentError),
        ("0\t2\t1.0e-06\t0\t1.0e-06", GarbledReply),
        ("0\t2\t1.0e-06\t0\t1.0e-06\t1e9", GarbledReply),
        ("0\t2\t1.0e-06\t0\t1.0e-06\t0\t7", GarbledReply),
        ("0\t2\t1.0e-06\t0\thello\t0", GarbledReply),
        ("", GarbledReply),
    ],
)
def test_an_answer_that_is_not_one_reading_a_pulse_is_an_error(reply, error):
    with prepared(*SCRIPT, (NEXT, NO_ERROR), (PULSE, reply)) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(error, match="smu"):
            channel.pulse(1.5, 0.05, 2)


def test_a_function_that_is_not_accepted_is_an_error_and_no_pulse_is_asked_for():
    with prepared(*SCRIPT, (NEXT, "-2.85000e+02\tProgram syntax\t2.00000e+01\t1.00000e+00"), (NEXT, NO_ERROR)) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match="-285"):
            channel.pulse(1.5, 0.05)


@pytest.mark.parametrize(
    ("width_s", "count", "word"), [(4e-4, 1, "0.0005"), (math.nan, 1, "nan"), (0.05, 0, "1000"), (0.05, 1001, "1001")]
)
def test_a_train_out_of_bounds_is_refused(width_s, count, word):
    with prepared() as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(LimitError, match=word):
            channel.pulse(1.0, width_s, count)


def test_two_channels_pulse_from_one_call():
    other = [(line.replace("smua", "smub"), reply) for line, reply in [*OFF, CLEAR[-1], (WRITTEN, None), read_back()]]
    with prepared(
        *other,
        *SCRIPT,
        (NEXT, NO_ERROR),
        (
            "crossbar_hil_pulse(1, 5.000000000e-02, 5.000000000e-03, smua, 1.000000000e+00, smub, -1.000000000e+00)",
            "0\t1\t1.0e-06\t0\t1\t-2.0e-06\t64",
        ),
    ) as box:
        first, second = box.source_meters()
        first.prepare(SETTINGS)
        second.prepare(SETTINGS)
        (pair,) = first.pulse_together(1.0, second, -1.0, 0.05)
    assert [(each.current_a, each.limited) for each in pair] == [(1e-6, False), (-2e-6, True)]


def test_a_channel_of_another_box_cannot_pulse_together():
    with prepared() as box, expected_protocol(Keithley2602B, [], name="other") as stranger:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        for other in (on_channel(stranger), channel, on_channel(box)):
            with pytest.raises(ConfigError, match=r"instrument of smu\.a"):
                channel.pulse_together(1.0, other, 1.0, 0.05)


def test_the_script_is_lua_and_uses_nothing_newer_than_5_0():
    body = "\n".join(PULSE_SCRIPT.splitlines()[1:-1])
    lua = lupa.lua51.LuaRuntime()
    lua.execute(body)
    assert lua.globals().crossbar_hil_pulse is not None
    assert "#" not in body
    assert max(map(len, PULSE_SCRIPT.splitlines())) < 200
