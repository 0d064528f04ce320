"""The Series 2600B drivers: the exact lines on the wire, and what is made of the answers."""

import contextlib
import math
import re
from types import SimpleNamespace

import lupa.lua51
import pytest
from pymeasure.adapters import ProtocolAdapter
from pymeasure.instruments import Channel
from pymeasure.test import expected_protocol

from crossbar_hil.errors import ConfigError, DeadlineError, GarbledReply, InstrumentError, LimitError
from crossbar_hil.instrument import Reading, SourceSettings
from crossbar_hil.instruments.keithley2600 import Keithley2602B, Keithley2636B
from crossbar_hil.instruments.settings.keithley2600 import settings_of
from crossbar_hil.instruments.settings.limits2600 import LIMITS
from crossbar_hil.instruments.tsp.pulse import WHOLE_QUERY, PulsingBox, pulse_script

from ..cases import in_one_test

PULSE_SCRIPT = pulse_script(settings_of(LIMITS["2602B"]))
SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-7, range_a=1e-6, nplc=0.5)
NO_ERROR = "0.00000e+00\tQueue Is Empty\t0.00000e+00\t1.00000e+00"
COUNT, NEXT = "print(errorqueue.count)", "print(errorqueue.next())"
NONE = (COUNT, "0.00000e+00")
OFF = [
    ("abort", None),
    ("smua.abort()", None),
    ("smua.source.levelv=0", None),
    ("smua.source.func=1", None),
    ("smua.source.output=0", None),
]
CLEAR = [
    *OFF,
    ("localnode.prompts=0", None),
    ("localnode.showerrors=0", None),
    (NEXT, NO_ERROR),
    ("smua.reset()", None),
    NONE,
]
SET = {
    "format.asciiprecision": "10",
    "format.data": "1",
    "localnode.prompts": "0",
    "localnode.showerrors": "0",
    "localnode.linefreq": None,  # is left as it is, and read
    "smua.sense": "0",
    "smua.source.func": "1",
    "smua.source.highc": "0",
    "smua.source.sink": "0",
    "smua.source.offmode": "0",
    "smua.source.offfunc": "1",
    "smua.source.offlimiti": "1.000000000e-03",
    "smua.source.outputenableaction": "0",
    "smua.source.autorangev": "0",
    "smua.measure.autorangei": "0",
    "smua.source.rangev": "6.000000000e+00",
    "smua.source.levelv": "0",
    "smua.source.leveli": "0",
    "smua.source.limiti": "1.000000000e-07",
    "smua.source.limitp": "0",
    "smua.source.delay": "0",
    "smua.source.settling": None,
    "smua.measure.rangei": "1.000000000e-06",
    "smua.measure.nplc": "5.000000000e-01",
    "smua.measure.delay": "-1",
    "smua.measure.delayfactor": "1",
    "smua.measure.count": "1",
    "smua.measure.interval": "0",
    "smua.measure.filter.enable": "0",
    "smua.measure.filter.type": "1",
    "smua.measure.filter.count": "1",
    "smua.measure.rel.enablei": "0",
    "smua.measure.rel.leveli": "0",
    "smua.nvbuffer1.fillmode": "0",
    "smua.trigger.autoclear": "0",
    "smua.measure.autozero": "1",
    "smua.source.output": "0",
}
FOUND = {"localnode.linefreq": 50.0, "smua.source.settling": 0.0, "smua.measure.autozero": 0.0}
WRITTEN = [pair for path, value in SET.items() if value is not None for pair in ((f"{path}={value}", None), NONE)]
READ = {path: FOUND[path] if path in FOUND else float(value) for path, value in SET.items()}
READ_BACK = [(f"print({path})", f"{value:.9e}") for path, value in READ.items()]
LATER = (
    "format.asciiprecision", "format.data", "localnode.prompts", "localnode.showerrors", "smua.source.offmode",
    "smua.source.offfunc", "smua.source.offlimiti", "smua.source.outputenableaction", "smua.measure.delayfactor",
    "smua.measure.filter.type", "smua.measure.filter.count", "smua.measure.rel.leveli",
)  # fmt: skip
"""What shapes no pulse, and so is asked for before a batch only; the output is told first."""
EARLY = ["smua.source.output", *(path for path in SET if path not in {*LATER, "smua.source.output"})]
SCRIPT = [(line, None) for line in PULSE_SCRIPT.splitlines()]


def told(paths, **changed):
    """What the box says of settings while its output is on, and that there is no error."""
    values = {**READ, "smua.source.output": 1.0, **{path.replace("_", "."): each for path, each in changed.items()}}
    return "\t".join([*(f"{values[path]:.9e}" for path in paths), "0"])


KEPT = ("crossbar_hil_keep(smua)", told([*EARLY, *LATER]))


def added_up(body):
    """What a box prints that has stored this; None if it stumbles."""
    lua, printed = lupa.lua51.LuaRuntime(), []
    lua.globals().print = printed.append
    lua.globals().crossbar_hil = lua.table(source=body)
    with contextlib.suppress(lupa.lua51.LuaError):
        lua.execute(WHOLE_QUERY)
    return printed[0] if printed else None


WHOLE = added_up("\n".join(PULSE_SCRIPT.splitlines()[1:-1]))
UPLOADED = [*SCRIPT, (NEXT, NO_ERROR), (WHOLE_QUERY, WHOLE)]
STORED = [*UPLOADED, KEPT]
PREPARED = [*CLEAR, *WRITTEN, *READ_BACK]


def on_b(pairs):
    return [(line.replace("smua", "smub"), reply) for line, reply in pairs]


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


@pytest.mark.fault("F12")
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
        ("compliance_current", "print(smua.source.limiti)", "1.00000e-07", 1e-7),
        ("source_mode", "print(smua.source.func)", "1.00000e+00", "voltage"),
        ("source_enabled", "print(smua.source.output)", "0.00000e+00", False),
        ("compliance_tripped", "print(smua.source.compliance)", "true", True),
        ("current", "print(smua.measure.i())", "-5.98431e-12", -5.98431e-12),
    ],
)
def test_a_property_is_read(attribute, query, reply, value):
    with expected_protocol(Keithley2602B, [(query, reply)]) as box:
        assert getattr(box.ch_a, attribute) == value


@pytest.mark.parametrize(("model", "volt"), [(Keithley2602B, 40.1), (Keithley2636B, 200.1)])
def test_a_voltage_beyond_the_model_is_refused_and_not_cut(model, volt):
    with expected_protocol(model, []) as box, pytest.raises(ValueError, match=str(volt)):
        box.ch_a.source_voltage = volt


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


@pytest.mark.fault("I5")
@in_one_test(
    "path, value",
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
    path = "smua." + path.replace("__", ".")
    before = READ_BACK[: list(READ).index(path)]
    pairs = [*CLEAR, *WRITTEN, *before, (f"print({path})", f"{value:.9e}"), *OFF]
    with expected_protocol(Keithley2602B, pairs, name="smu") as box:
        channel = on_channel(box)
        with pytest.raises(InstrumentError, match=path):
            channel.prepare(SETTINGS)
        with pytest.raises(LimitError, match="not been prepared"):
            channel.enable()


@pytest.mark.fault("I4")
@in_one_test("place", range(len(WRITTEN) // 2))
def test_what_the_box_does_not_take_is_named_with_its_error_and_the_output_is_off(place):
    pairs = [
        *CLEAR,
        *WRITTEN[: 2 * place + 1],
        (COUNT, "1.00000e+00"),
        (NEXT, "1.10200e+03\tParameter too small\t2.00000e+01\t1.00000e+00"),
        (NEXT, NO_ERROR),
        *OFF,
    ]
    named = f"smu reports error 1102 (Parameter too small) after {WRITTEN[2 * place][0]!r}"
    with (
        expected_protocol(Keithley2602B, pairs, name="smu") as box,
        pytest.raises(InstrumentError, match=re.escape(named)),
    ):
        on_channel(box).prepare(SETTINGS)


def test_earlier_errors_are_read_out_of_the_queue_and_are_not_taken_for_new_ones():
    place = CLEAR.index((NEXT, NO_ERROR))
    earlier = (NEXT, "-2.85000e+02\tProgram syntax\t2.00000e+01\t1.00000e+00")
    with expected_protocol(Keithley2602B, [*PREPARED[:place], earlier, earlier, *PREPARED[place:]], name="smu") as box:
        on_channel(box).prepare(SETTINGS)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("1.10200e+03\tParameter, too small\t2.00000e+01\t1.00000e+00", (1102, "Parameter, too small")),
        ('101\t"malformed command"\t0\t0', (101, "malformed command")),
        ('101, "malformed, command", 0, 0', (101, "malformed, command")),
        (NO_ERROR, (0, "Queue Is Empty")),
    ],
)
def test_an_error_is_its_code_and_its_text_whatever_separates_them(reply, error):
    with expected_protocol(Keithley2602B, [(NEXT, reply)]) as box:
        assert box.next_error == error


@pytest.mark.parametrize(
    "reply", ["", "0", "1.0e-7\tfalse", "1\t2\t3\t4\t5", "nan\tx\t0\t1", "0.5\tx\t0\t1", "a,b,c,d"]
)
def test_an_answer_that_is_no_entry_of_the_error_queue_is_garbled(reply):
    with expected_protocol(Keithley2602B, [(NEXT, reply)], name="smu") as box, pytest.raises(GarbledReply, match="smu"):
        _ = box.next_error


@in_one_test(
    "model, changes, word",
    [
        (Keithley2602B, {"compliance_a": 9e-9}, "compliance_a = 9 nA"),
        (Keithley2636B, {"compliance_a": 9e-11}, "90 pA: it takes 100 pA to 1.5 A"),
        (Keithley2602B, {"compliance_a": 3.1}, "compliance_a"),
        # Voltage source operating boundaries: 40 V at 1 A, 6 V at 3 A; 200 V at 0.1 A, 20 V at 1.5 A.
        (
            Keithley2602B,
            {"range_v": 6.1, "compliance_a": 1.1, "range_a": 1.0},
            "to 1 A; with range_v up to 6 V",
        ),
        (
            Keithley2636B,
            {"range_v": 21.0, "compliance_a": 0.11, "range_a": 0.1},
            "200 V range, .* up to 100 mA",
        ),
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
        ("smua.source.levelv=0", None),
        ("smua.source.output=1", None),
        (COUNT, "0.00000e+00"),
        ("print(smua.source.output)", "1.00000e+00"),
    ) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        channel.enable()


def test_an_output_that_stays_off_is_an_error():
    with prepared(
        ("smua.source.levelv=0", None),
        ("smua.source.output=1", None),
        (COUNT, "1.00000e+00"),
        (NEXT, "8.02000e+02\tOUTPUT blocked by interlock\t2.00000e+01\t1.00000e+00"),
        (NEXT, NO_ERROR),
    ) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match="802"):
            channel.enable()


def test_an_output_that_stays_off_though_the_box_reports_no_error_is_one_too():
    with prepared(
        ("smua.source.levelv=0", None),
        ("smua.source.output=1", None),
        (COUNT, "0.00000e+00"),
        ("print(smua.source.output)", "0.00000e+00"),
    ) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match=r"^smu\.a was switched on but its output reads back as off$"):
            channel.enable()


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({}, None, ""),
        ({"smua_source_limiti": 0.5}, InstrumentError, r"^smu\.a: smua\.source\.limiti is 0\.5 instead of 1e-07$"),
        (
            {"smua_measure_rangei": 1e-8},
            InstrumentError,
            r"was set to smua\.measure\.rangei = 1e-07 but reads back 1e-08",
        ),
        (None, GarbledReply, "settings"),
    ],
)
def test_what_else_has_changed_is_told_in_the_exchange_that_sets_a_range(changed, error, words):
    order, line = [*EARLY, *LATER], "smua.measure.rangei=1.000000000e-07"
    reply = told(order[1:]) if changed is None else told(order, **{"smua_measure_rangei": 1e-7, **changed})
    with prepared(*STORED, (f"{line} crossbar_hil_keep(smua)", reply)) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        assert channel.changes() == []
        if error is None:
            channel.set_range(1e-7)
        else:
            with pytest.raises(error, match=words):
                channel.set_range(1e-7)


LEVEL = "print(smua.source.levelv)"


@pytest.mark.fault("T4")
def test_a_voltage_that_was_not_taken_is_found_out():
    lost = f"smua.source.levelv=1.000000000e-01 {LEVEL}", "0.000000000e+00"
    with prepared(lost, (NEXT, "0.00000e+00\tQueue Is Empty\t0\t1")) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match=r"set to 0\.1 V but reads back 0 V"):
            channel.set_voltage(0.1)


def test_a_voltage_is_set_with_all_its_digits_and_read_back():
    with prepared((f"smua.source.levelv=1.234567890e-01 {LEVEL}", "1.234567890e-01")) as box:
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


MEASURE = "print(smua.measure.i(), smua.source.compliance)"
BESIDE = "print(smua.measure.i(), smua.source.compliance, smub.source.compliance)"


def test_a_reading_is_a_current_and_whether_it_is_limited():
    with prepared((MEASURE, "1.234567890e-07\tfalse"), (MEASURE, "-1.000000000e-07\ttrue")) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        first, second = channel.measure(), channel.measure()
    assert (first.current_a, first.limited) == (1.23456789e-7, False)
    assert (second.current_a, second.limited) == (-1e-7, True)


@pytest.mark.parametrize("reply", ["nil\tfalse\tfalse", "1e-7\tfalse", "1e-7\tfalse\tnil", "9.91e37\tfalse\tfalse", ""])
def test_a_reading_with_limits_that_is_not_what_was_asked_for_is_an_error(reply):
    with prepared((BESIDE, reply)) as box:
        channel, other = on_channel(box), on_channel(box, "b")
        channel.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match="smu"):
            channel.measure_beside([other])


@pytest.mark.parametrize(("reply", "limited"), [("false\ttrue", (False, True)), ("true\tfalse", (True, False))])
def test_the_limit_of_the_other_channel_is_asked_for_with_the_reading(reply, limited):
    with prepared((BESIDE, f"2.5e-07\t{reply}")) as box:
        channel, other = on_channel(box), on_channel(box, "b")
        channel.prepare(SETTINGS)
        reading, tripped = channel.measure_beside([other])
    assert reading.current_a == 2.5e-7
    assert (reading.limited, *tripped) == limited


PARTS = "smua.source.levelv, smub.measure.i(), smub.source.compliance, smua.source.compliance"
AT_LEVEL = f"smua.source.levelv=1.000000000e-01 print({PARTS})"
THEN_REST = (
    f"smua.source.levelv=1.000000000e-01 local found={{{PARTS}}} smua.source.levelv=0 delay(0.001000) "
    "print(smua.source.levelv, errorqueue.count, unpack(found))"
)
GOOD, GOOD_REST = ["0.1", "2.5e-07", "false", "true"], ["0.0", "0", "0.1", "2.5e-07", "false", "true"]


def measured_at(query, fields, *more, rest_s=None):
    with prepared((query, "\t".join(fields)), *more) as box:
        drive, meter = on_channel(box), on_channel(box, "b")
        drive.prepare(SETTINGS)
        meter._settings = SETTINGS  # as its own preparation would
        return meter.measure_at(0.1, drive, [drive], rest_s=rest_s)


@pytest.mark.parametrize(("query", "fields", "rest_s"), [(AT_LEVEL, GOOD, None), (THEN_REST, GOOD_REST, 1e-3)])
def test_a_level_a_reading_and_all_limits_come_in_one_answer(query, fields, rest_s):
    assert measured_at(query, fields, rest_s=rest_s) == (Reading(2.5e-7, False), [True])


@pytest.mark.fault("T4", "I8")
@in_one_test("wrong", ["nil", "", None])
@in_one_test("place", range(6))
def test_each_value_of_such_an_answer_is_looked_at(place, wrong):
    fields = list(GOOD_REST)
    fields[place : place + 1] = [] if wrong is None else [wrong]
    with pytest.raises(GarbledReply, match="smu"):
        measured_at(THEN_REST, fields, rest_s=1e-3)
    with pytest.raises(GarbledReply, match="smu"):
        measured_at(AT_LEVEL, fields[2:] if place > 1 else [*GOOD, "0"])


NO_MORE = (NEXT, "0.00000e+00\tQueue Is Empty\t0\t1")


@pytest.mark.fault("T4")
@pytest.mark.parametrize(
    ("place", "value", "words"),
    [(2, "0.2", r"set to 0\.1 V but reads back 0\.2 V"), (0, "0.1", r"set to 0 V but reads back 0\.1 V")],
)
def test_a_level_that_is_another_one_before_or_after_a_reading_is_found_out(place, value, words):
    fields = list(GOOD_REST)
    fields[place] = value
    with pytest.raises(InstrumentError, match=words):
        measured_at(THEN_REST, fields, NO_MORE, rest_s=1e-3)
    if place == 2:
        with pytest.raises(InstrumentError, match=words):
            measured_at(AT_LEVEL, [value, *GOOD[1:]], NO_MORE)


def test_an_error_that_came_with_a_rest_is_told():
    fields = ["0.0", "1", *GOOD]
    error = NEXT, "5.01200e+03\tDelay refused\t20\t1"
    with pytest.raises(InstrumentError, match="5012"):
        measured_at(THEN_REST, fields, error, NO_MORE, rest_s=1e-3)


LIMIT_THEN_REST = (
    "local limited=smua.source.compliance smua.source.levelv=0 delay(0.001000) "
    "print(smua.source.levelv, errorqueue.count, limited)"
)


@pytest.mark.fault("T4", "I8")
@pytest.mark.parametrize(
    ("reply", "asked", "error", "words"),
    [
        ("0.1\t0\tfalse", [NO_MORE], InstrumentError, r"set to 0 V but reads back 0\.1 V"),
        ("0.0\t1\tfalse", [NO_MORE], GarbledReply, "errors"),
        ("0.0\t0\tnil", [], GarbledReply, "true or false"),
        ("nil\t0\tfalse", [], GarbledReply, "a number"),
        ("0.0\t0", [], GarbledReply, "3 values"),
    ],
)
def test_each_value_of_a_limit_and_a_rest_is_looked_at(reply, asked, error, words):
    with prepared((LIMIT_THEN_REST, reply), *asked) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(error, match=words):
            channel.limit_then_rest(1e-3)


def test_the_limit_of_another_instrument_is_asked_for_on_its_own():
    other = SimpleNamespace(limit_tripped=lambda: True)
    with prepared((MEASURE, "2.5e-07\tfalse")) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        assert channel.measure_beside([other])[1] == [True]


@pytest.mark.fault("I8")
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("9.910000000e+37", InstrumentError),
        ("-9.910000000e+37", InstrumentError),
        ("nan", InstrumentError),
        ("inf", InstrumentError),
        ("nil", GarbledReply),
        ("1.0e-7", GarbledReply),
        ("false", GarbledReply),
        ("", GarbledReply),
    ],
)
def test_an_answer_that_is_no_current_is_an_error(reply, error):
    with prepared((MEASURE, f"{reply}\tfalse" if error is InstrumentError or reply == "nil" else reply)) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(error, match="smu"):
            channel.measure()


@pytest.mark.parametrize("reply", ["nil", "1", "TRUE", "false\tfalse"])
def test_an_answer_that_is_neither_true_nor_false_is_garbled(reply):
    with prepared((MEASURE, f"1.0e-7\t{reply}")) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(GarbledReply, match="smu"):
            channel.measure()


@pytest.mark.fault("I11", "V7")
def test_off_writes_only_and_stops_a_script_first():
    with expected_protocol(Keithley2602B, on_b(OFF)) as box:
        on_channel(box, "b").output_off()


def test_shutdown_switches_both_channels_off():
    with expected_protocol(Keithley2602B, [*OFF, *on_b(OFF)]) as box:
        box.shutdown()


def test_shutdown_switches_the_second_channel_off_even_if_the_first_could_not_be():
    adapter = CutAdapter(1)
    with pytest.raises(DeadlineError):
        Keithley2602B(adapter).shutdown()
    assert adapter.sent == [line for line, _ in [*OFF, *on_b(OFF)]]


@pytest.mark.parametrize("reply", ["2.00000e+00", "nil", "TSP>"])
def test_an_output_that_is_neither_on_nor_off_is_garbled(reply):
    with expected_protocol(Keithley2602B, [("print(smua.source.output)", reply)]) as box, pytest.raises(GarbledReply):
        on_channel(box).output_is_on()


class CutAdapter(ProtocolAdapter):
    """Takes so many lines of the pulse script, then the cable is cut for one line."""

    def __init__(self, lines):
        super().__init__()
        self.sent, self._left = [], lines

    def _write(self, command, **kwargs):
        self.sent.append(command)
        self._left -= 1
        if self._left == 0:
            raise DeadlineError("no room")


@pytest.mark.parametrize("lines", [1, 2, len(SCRIPT)])
def test_an_upload_that_is_cut_off_is_ended_so_that_what_comes_next_is_carried_out(lines):
    adapter = CutAdapter(lines)
    box = Keithley2602B(adapter, name="smu")
    with pytest.raises(DeadlineError):
        box.upload_pulses()
    box.ch_a.parent.source_meters()[0].output_off()
    assert adapter.sent[lines:] == ["abort", "endscript", *(line for line, _ in OFF)]


@pytest.mark.parametrize(("reply", "on"), [("1.00000e+00", True), ("0.00000e+00", False)])
def test_the_output_is_asked_for(reply, on):
    with expected_protocol(Keithley2602B, [("print(smua.source.output)", reply)]) as box:
        assert on_channel(box).output_is_on() is on


def test_the_limit_is_asked_for():
    with expected_protocol(Keithley2602B, [("print(smua.source.compliance)", "true")]) as box:
        assert on_channel(box).limit_tripped() is True


PULSE = 'crossbar_hil_pulse("", 0, 2, 5.000000000e-02, 5.000000000e-03, smua, 1.500000000e+00)'


def test_pulses_are_one_exchange_and_the_function_is_sent_once():
    with prepared(
        *STORED,
        (PULSE, "0\t2\t1.000000000e-06\t0\t1.100000000e-06\t64"),
        (PULSE, "0\t2\t1.000000000e-06\t192\t1.100000000e-06\t128"),
    ) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        first = channel.pulse(1.5, 0.05, 2)
        second = channel.pulse(1.5, 0.05, 2)
    assert [(each.current_a, each.limited) for each in first] == [(1e-6, False), (1.1e-6, True)]
    assert [each.limited for each in second] == [True, False]


@pytest.mark.fault("T3", "V3")
def test_a_box_is_told_of_the_run_before_the_function_is_stored_so_that_it_can_say_that_nothing_was_begun():
    names = "crossbar_hil_pulses_run, crossbar_hil_pulses_begun, crossbar_hil_pulses_done"
    told = f'if crossbar_hil_pulses_run ~= "r1" then {names} = "r1", 0, 0 end'
    with prepared((told, None), NONE, *SCRIPT, (NEXT, NO_ERROR), (WHOLE_QUERY, "7"), *OFF) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        channel.number_next("r1", 1)
        with pytest.raises(GarbledReply):
            channel.pulse(1.5, 0.05, 2)


def test_a_box_is_told_of_each_run_once():
    told = []
    box = SimpleNamespace(command=told.append, _run="")
    for run in ("", "r1", "r1", "r2", "r1"):
        PulsingBox.begin_run(box, run)
    assert [re.search('"(.*?)"', each)[1] for each in told] == ["r1", "r2", "r1"]


@pytest.mark.fault("T6", "T8")
@in_one_test(
    "reply, error",
    [
        ("changed\t1.0e+00\t1.0e+00\t0.0e+00", InstrumentError),
        ("changed\t2.0e+00\t1.0e+00\t0.0e+00", GarbledReply),
        ("changed\t1.0e+00\t9.9e+01\t0.0e+00", GarbledReply),
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
    # A train that was refused, because something has changed, was not sent; after anything else the output goes off.
    with prepared(*STORED, (PULSE, reply), *([] if reply.startswith("changed") else OFF)) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(error, match="smu"):
            channel.pulse(1.5, 0.05, 2)


def test_a_function_that_is_not_accepted_is_an_error_and_no_pulse_is_asked_for():
    refused = [(NEXT, "-2.85000e+02\tProgram syntax\t2.00000e+01\t1.00000e+00"), (NEXT, NO_ERROR)]
    with prepared(*SCRIPT, *refused, *OFF) as box:
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


@pytest.mark.fault("X14")
@pytest.mark.parametrize("token", ['r", 1) os.exit() --', "r 1", "r\n1", "", "ｒ1"])
def test_the_name_of_a_run_is_no_code(token):
    with prepared() as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(LimitError, match="takes letters and digits for the name of a run"):
            channel.number_next(token, 1)


def test_two_channels_pulse_from_one_call():
    with prepared(
        *on_b(PREPARED),
        *STORED,
        *on_b([KEPT]),
        (
            'crossbar_hil_pulse("", 0, 1, 5.000000000e-02, 5.000000000e-03, '
            "smua, 1.000000000e+00, smub, -1.000000000e+00)",
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


@pytest.mark.fault("T4")
def test_a_stored_function_that_lacks_a_line_or_has_two_changed_or_swapped_is_noticed():
    body = PULSE_SCRIPT.splitlines()[1:-1]
    whole = WHOLE
    assert added_up("\r\n".join(PULSE_SCRIPT.splitlines())) == whole  # a box may keep all lines, and end them otherwise
    for place, line in enumerate(body):
        assert added_up("\n".join([*body[:place], *body[place + 1 :]])) != whole, f"without {line!r}"
        after = body[place + 1 : place + 2]
        if after and line.strip() != after[0].strip():
            swapped = [*body[:place], *after, line, *body[place + 2 :]]
            assert added_up("\n".join(swapped)) != whole, f"{line!r} too late"


@pytest.mark.fault("T4")
def test_no_pulse_is_sent_by_a_function_that_did_not_arrive_whole():
    with prepared(*SCRIPT, (NEXT, NO_ERROR), (WHOLE_QUERY, "7"), *OFF) as box:
        channel = on_channel(box)
        channel.prepare(SETTINGS)
        with pytest.raises(GarbledReply, match=rf"smu answered '7' to .* which is not {WHOLE}"):
            channel.pulse(1.5, 0.05, 2)


def test_the_script_is_lua_and_uses_nothing_newer_than_5_0():
    body = "\n".join(PULSE_SCRIPT.splitlines()[1:-1])
    lua = lupa.lua51.LuaRuntime()
    lua.execute(body)
    assert lua.globals().crossbar_hil_pulse is not None
    assert "#" not in body
    assert max(map(len, PULSE_SCRIPT.splitlines())) < 200
