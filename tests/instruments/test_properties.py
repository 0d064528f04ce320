"""Every driver as PyMeasure sees it: what its properties send and make of answers, and that nothing is sent unasked."""

import pytest
from pymeasure.instruments import Channel, Instrument
from pymeasure.test import expected_protocol

from crossbar_hil.instruments.keithley707b import Keithley707B, Keithley708B
from crossbar_hil.instruments.keithley2400 import Keithley2400, Keithley2401, Keithley2410
from crossbar_hil.instruments.keithley2450 import Keithley2450, Keithley2460, Keithley2461, Keithley2470
from crossbar_hil.instruments.keithley2600 import Keithley2602B, Keithley2636B
from crossbar_hil.instruments.keithley3706a import Keithley3706A
from crossbar_hil.instruments.keithley7001 import Keithley7001, Keithley7002
from crossbar_hil.instruments.keysight34980a import Keysight34980A
from crossbar_hil.instruments.keysightb2200a import KeysightB2200A, KeysightB2201A
from crossbar_hil.instruments.keysightb2900 import KeysightB2902A, KeysightB2912A

from ..cases import in_one_test

DRIVERS = [
    Keithley2400,
    Keithley2401,
    Keithley2410,
    Keithley2450,
    Keithley2460,
    Keithley2461,
    Keithley2470,
    Keithley2602B,
    Keithley2636B,
    Keithley3706A,
    Keithley7001,
    Keithley7002,
    Keithley707B,
    Keithley708B,
    Keysight34980A,
    KeysightB2200A,
    KeysightB2201A,
    KeysightB2902A,
    KeysightB2912A,
]
CHANNELS = {
    Keithley2602B: "ch_a",
    Keithley2636B: "ch_b",
    Keysight34980A: "slot_1",
    KeysightB2200A: "card_0",
    Keithley7001: "slot_1",
    KeysightB2902A: "ch_1",
    KeysightB2912A: "ch_2",
}
NO_ERROR = ("print(errorqueue.next())", "0.00000e+00\tQueue Is Empty\t0.00000e+00\t1.00000e+00")

SETTINGS = [
    # driver, channel, property, value, line, query, answer
    (Keithley2400, "", "source_voltage", -0.1, ":SOUR:VOLT -1.000000000e-01", ":SOUR:VOLT?", "-1.000000E-01"),
    (Keithley2400, "", "source_voltage_range", 2, ":SOUR:VOLT:RANG 2.000000000e+00", ":SOUR:VOLT:RANG?", "2.0E+00"),
    (Keithley2400, "", "source_delay", 0.05, ":SOUR:DEL 0.05000", ":SOUR:DEL?", "0.05000"),
    (Keithley2400, "", "compliance_current", 1e-7, ":SENS:CURR:PROT 1.000000000e-07", ":SENS:CURR:PROT?", "1E-07"),
    (Keithley2400, "", "current_range", 1e-6, ":SENS:CURR:RANG 1.000000000e-06", ":SENS:CURR:RANG?", "1.0E-06"),
    (Keithley2400, "", "current_nplc", 0.1, ":SENS:CURR:NPLC 1.000000000e-01", ":SENS:CURR:NPLC?", "0.10"),
    (Keithley2400, "", "output_enabled", False, ":OUTP OFF", ":OUTP?", "0"),
    (Keithley2400, "", "output_off_state", "GUAR", ":OUTP:SMOD GUAR", ":OUTP:SMOD?", "GUAR"),
    (Keithley2400, "", "guard_mode", "OHMS", ":SYST:GUAR OHMS", ":SYST:GUAR?", "OHMS"),
    (Keithley2400, "", "terminals", "REAR", ":ROUT:TERM REAR", ":ROUT:TERM?", "REAR"),
    (Keithley2450, "", "source_voltage", 0.1, ":SOUR:VOLT 1.000000000e-01", ":SOUR:VOLT?", "0.1"),
    (Keithley2450, "", "source_voltage_range", 20, ":SOUR:VOLT:RANG 2.000000000e+01", ":SOUR:VOLT:RANG?", "20"),
    (Keithley2450, "", "source_delay", 1e-3, ":SOUR:VOLT:DEL 1.000000000e-03", ":SOUR:VOLT:DEL?", "0.001"),
    (Keithley2450, "", "compliance_current", 1e-9, ":SOUR:VOLT:ILIM 1.000000000e-09", ":SOUR:VOLT:ILIM?", "1e-09"),
    (Keithley2450, "", "current_range", 1e-8, ":SENS:CURR:RANG 1.000000000e-08", ":SENS:CURR:RANG?", "1e-08"),
    (Keithley2450, "", "current_nplc", 10, ":SENS:CURR:NPLC 1.000000000e+01", ":SENS:CURR:NPLC?", "10"),
    (Keithley2450, "", "output_off_state", "HIMP", ":OUTP:VOLT:SMOD HIMP", ":OUTP:VOLT:SMOD?", "HIMP"),
    (Keithley2450, "", "terminals", "FRON", ":ROUT:TERM FRON", ":ROUT:TERM?", "FRON"),
    (KeysightB2902A, "ch_2", "source_voltage", 1, ":SOUR2:VOLT 1.000000000e+00", ":SOUR2:VOLT?", "+1.0E+000"),
    (KeysightB2902A, "ch_1", "triggered_voltage", -2, ":SOUR1:VOLT:TRIG -2.000000000e+00", ":SOUR1:VOLT:TRIG?", "-2"),
    (KeysightB2902A, "ch_1", "source_voltage_range", 2, ":SOUR1:VOLT:RANG 2.000000000e+00", ":SOUR1:VOLT:RANG?", "2"),
    (KeysightB2902A, "ch_2", "shape", "PULS", ":SOUR2:FUNC:SHAP PULS", ":SOUR2:FUNC:SHAP?", "PULS"),
    (KeysightB2902A, "ch_2", "pulse_width", 5e-5, ":SOUR2:PULS:WIDT 5.000000000e-05", ":SOUR2:PULS:WIDT?", "5.0E-005"),
    (
        KeysightB2902A,
        "ch_1",
        "compliance_current",
        1e-8,
        ":SENS1:CURR:PROT 1.000000000e-08",
        ":SENS1:CURR:PROT:POS?",
        "1E-8",
    ),
    (KeysightB2902A, "ch_1", "current_range", 1e-7, ":SENS1:CURR:RANG 1.000000000e-07", ":SENS1:CURR:RANG?", "1E-7"),
    (KeysightB2902A, "ch_1", "current_nplc", 1, ":SENS1:CURR:NPLC 1.000000000e+00", ":SENS1:CURR:NPLC?", "1"),
    (KeysightB2902A, "ch_1", "current_aperture", 8e-6, ":SENS1:CURR:APER 8.000000000e-06", ":SENS1:CURR:APER?", "8E-6"),
    (KeysightB2902A, "ch_2", "output_off_state", "ZERO", ":OUTP2:OFF:MODE ZERO", ":OUTP2:OFF:MODE?", "ZERO"),
    (KeysightB2200A, "card_2", "connection_rule", "SROU", ":CONN:RULE 2,SROU", ":CONN:RULE? 2", "SROU"),
    (KeysightB2200A, "card_0", "connection_sequence", "NSEQ", ":CONN:SEQ 0,NSEQ", ":CONN:SEQ? 0", "NSEQ"),
    (KeysightB2200A, "card_0", "bias_enabled", True, ":BIAS 0,ON", ":BIAS? 0", "1"),
    (KeysightB2200A, "card_4", "ground_enabled", False, ":AGND 4,OFF", ":AGND? 4", "0"),
    (KeysightB2200A, "card_1", "couple_enabled", True, ":COUP 1,ON", ":COUP? 1", "1"),
]
TSP_SETTINGS = [
    ("source_mode", "current", "source.func=0", "source.func", "0.00000e+00"),
    ("source_enabled", False, "source.output=0", "source.output", "0.00000e+00"),
    ("source_voltage", 0.1, "source.levelv=1.000000000e-01", "source.levelv", "1.00000e-01"),
    ("source_voltage_range", 6, "source.rangev=6.000000000e+00", "source.rangev", "6.00000e+00"),
    ("compliance_current", 1e-7, "source.limiti=1.000000000e-07", "source.limiti", "1.00000e-07"),
    ("current_range", 1e-6, "measure.rangei=1.000000000e-06", "measure.rangei", "1.00000e-06"),
    ("measure_nplc", 25, "measure.nplc=2.500000000e+01", "measure.nplc", "2.50000e+01"),
    ("sense_mode", "remote", "sense=1", "sense", "1.00000e+00"),
    ("high_capacitance_enabled", True, "source.highc=1", "source.highc", "1.00000e+00"),
    ("sink_mode_enabled", True, "source.sink=1", "source.sink", "1.00000e+00"),
    ("output_off_mode", "high impedance", "source.offmode=2", "source.offmode", "2.00000e+00"),
    ("output_off_function", "current", "source.offfunc=0", "source.offfunc", "0.00000e+00"),
    ("output_off_limit_current", 0.01, "source.offlimiti=1.000000000e-02", "source.offlimiti", "1.00000e-02"),
    ("output_enable_action", 1, "source.outputenableaction=1", "source.outputenableaction", "1.00000e+00"),
    ("source_autorange_enabled", False, "source.autorangev=0", "source.autorangev", "0.00000e+00"),
    ("current_autorange", 2, "measure.autorangei=2", "measure.autorangei", "2.00000e+00"),
    ("source_current", -1e-6, "source.leveli=-1.000000000e-06", "source.leveli", "-1.00000e-06"),
    ("compliance_power", 0.5, "source.limitp=5.000000000e-01", "source.limitp", "5.00000e-01"),
    ("source_delay", -1, "source.delay=-1.000000000e+00", "source.delay", "-1.00000e+00"),
    ("source_settling", 128, "source.settling=128", "source.settling", "1.28000e+02"),
    ("measure_delay", 0.01, "measure.delay=1.000000000e-02", "measure.delay", "1.00000e-02"),
    ("measure_delay_factor", 2.0, "measure.delayfactor=2.000000000e+00", "measure.delayfactor", "2.00000e+00"),
    ("measure_count", 10, "measure.count=10", "measure.count", "1.00000e+01"),
    ("measure_interval", 0.5, "measure.interval=5.000000000e-01", "measure.interval", "5.00000e-01"),
    ("filter_enabled", True, "measure.filter.enable=1", "measure.filter.enable", "1.00000e+00"),
    ("filter_type", "median", "measure.filter.type=2", "measure.filter.type", "2.00000e+00"),
    ("filter_count", 100, "measure.filter.count=100", "measure.filter.count", "1.00000e+02"),
    ("relative_current_enabled", True, "measure.rel.enablei=1", "measure.rel.enablei", "1.00000e+00"),
    ("relative_current", 1e-9, "measure.rel.leveli=1.000000000e-09", "measure.rel.leveli", "1.00000e-09"),
    ("buffer_fill_mode", 1, "nvbuffer1.fillmode=1", "nvbuffer1.fillmode", "1.00000e+00"),
    ("trigger_autoclear_enabled", True, "trigger.autoclear=1", "trigger.autoclear", "1.00000e+00"),
    ("analog_filter_enabled", False, "measure.analogfilter=0", "measure.analogfilter", "0.00000e+00"),
    ("autozero", "auto", "measure.autozero=2", "measure.autozero", "2.00000e+00"),
]


def part(instrument, name):
    return getattr(instrument, name) if name else instrument


@in_one_test("driver, channel, name, value, line, query, answer", SETTINGS)
def test_a_property_is_one_line_and_one_query(driver, channel, name, value, line, query, answer):
    with expected_protocol(driver, [(line, None), (query, answer)]) as instrument:
        setattr(part(instrument, channel), name, value)
        assert getattr(part(instrument, channel), name) == (pytest.approx(value) if isinstance(value, float) else value)


@in_one_test("name, value, line, path, answer", TSP_SETTINGS)
@in_one_test("letter", ["a", "b"])
def test_a_property_of_a_tsp_channel_is_one_line_one_check_and_one_query(letter, name, value, line, path, answer):
    pairs = [(f"smu{letter}.{line}", None), NO_ERROR, (f"print(smu{letter}.{path})", answer)]
    with expected_protocol(Keithley2636B, pairs) as box:
        channel = getattr(box, f"ch_{letter}")
        setattr(channel, name, value)
        assert getattr(channel, name) == (pytest.approx(value) if isinstance(value, float) else value)


@in_one_test("driver", DRIVERS)
def test_making_a_driver_sends_nothing_and_it_has_the_name_that_it_was_given(driver):
    with expected_protocol(driver, [], name="mine") as instrument:
        assert isinstance(instrument, Instrument)
        assert instrument.name == "mine"


@in_one_test("driver", DRIVERS)
def test_every_property_says_first_what_it_does(driver):
    with expected_protocol(driver, []) as instrument:
        kinds = [type(instrument)]
        if driver in CHANNELS:
            kinds.append(type(getattr(instrument, CHANNELS[driver])))
            assert issubclass(kinds[-1], Channel)
    for kind in kinds:
        own = {
            name: each
            for cls in kind.__mro__
            if cls.__module__.startswith("crossbar_hil")
            for name, each in vars(cls).items()
        }
        for name, each in own.items():
            if isinstance(each, property):
                assert each.__doc__.split()[0] in {"Control", "Get", "Measure", "Set"}, f"{kind.__name__}.{name}"


TABLES = [
    (Keithley2400, "", ""),
    (Keithley2450, "", ""),
    (KeysightB2902A, "ch_2", "2"),
    (Keithley7001, "slot_1", "1"),
    (Keysight34980A, "slot_3", "3"),
    (KeysightB2200A, "card_4", "4"),
]


@pytest.mark.parametrize(("driver", "channel", "number"), TABLES, ids=[each[0].__name__ for each in TABLES])
def test_every_setting_of_the_table_of_a_family_is_a_property(driver, channel, number):
    with expected_protocol(driver, []) as instrument:
        table = type(part(instrument, channel)).table
    for name, setting in table.items():
        command = setting.command.replace("{n}", number)
        question = setting.query.replace("{n}", number) or f"{command}?"
        value, line, answer, got = {
            "Words": lambda kind: (first := (*kind.words, "")[0], f'"{first}"' if kind.quoted else first, "b,a", "B,A"),
            "Text": lambda _: ("", "", " b, a ", "b, a"),
            "Switch": lambda _: (True, "ON", "0", False),
            "Number": lambda kind: (kind.most, f"{kind.most:d}" if kind.whole else kind.form % kind.most, "+3", 3),
            "Action": lambda _: (None, None, None, None),
        }[type(setting.kind).__name__](setting.kind)
        if line is None:
            continue
        separator = "" if command.endswith(",") else " "
        pairs = [(f"{command}{separator}{line}", None)] if setting.settable else []
        with expected_protocol(driver, [*pairs, (question, answer)]) as instrument:
            if setting.settable:
                setattr(part(instrument, channel), name, value)
                if not isinstance(value, bool):
                    with pytest.raises(ValueError, match="not in"):
                        setattr(part(instrument, channel), name, "OTHER" if isinstance(value, str) else value * 1.1)
            assert getattr(part(instrument, channel), name) == got


def test_every_property_that_can_be_set_is_in_a_table_above():
    tested = {(each[0], each[2]) for each in SETTINGS} | {(Keithley2602B, each[0]) for each in TSP_SETTINGS}
    for driver in (
        Keithley2400,
        Keithley2450,
        Keithley2602B,
        Keithley7001,
        KeysightB2200A,
        Keysight34980A,
        KeysightB2902A,
    ):
        with expected_protocol(driver, []) as instrument:
            kind = type(part(instrument, CHANNELS.get(driver, "")))
        own = getattr(kind, "table", {})  # tried above
        for cls in kind.__mro__:
            if cls.__module__.startswith("crossbar_hil.instruments"):
                for name, each in vars(cls).items():
                    if name not in own and isinstance(each, property) and each.__doc__.startswith("Control"):
                        assert (driver, name) in tested
