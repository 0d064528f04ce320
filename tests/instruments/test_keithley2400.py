import re

import pytest
from pymeasure.adapters import ProtocolAdapter
from pymeasure.test import expected_protocol

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError, LimitError
from crossbar_hil.instrument import Reading, SourceSettings
from crossbar_hil.instruments.keithley2400 import Keithley2400

from ..cases import in_one_test

SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4)
NO_ERROR = (":SYST:ERR?", '0,"No error"')
OFF = [(":ABOR", None), (":SOUR:VOLT:MODE FIX", None), (":SOUR:VOLT 0", None), (":OUTP OFF", None)]
# What is written, the question that asks it back, and the answer.
ROWS = [
    (":OUTP OFF", ":OUTP?", "0"),
    (":TRAC:FEED:CONT NEV", ":TRAC:FEED:CONT?", "NEV"),
    (":SOUR:FUNC VOLT", ":SOUR:FUNC?", "VOLT"),
    (":SOUR:VOLT:MODE FIX", ":SOUR:VOLT:MODE?", "FIX"),
    ("", ":ROUT:TERM?", "REAR"),
    (":SOUR:VOLT:RANG 2.000000000e+00", ":SOUR:VOLT:RANG?", "+2.100000E+00"),
    (":SOUR:VOLT:RANG:AUTO OFF", ":SOUR:VOLT:RANG:AUTO?", "0"),
    (":SOUR:VOLT 0.000000000e+00", ":SOUR:VOLT?", "+0.000000E+00"),
    (":SOUR:VOLT:TRIG 0.000000000e+00", ":SOUR:VOLT:TRIG?", "+0.000000E+00"),
    (":SOUR:VOLT:PROT 2.000000000e+01", ":SOUR:VOLT:PROT?", "+2.000000E+01"),
    (":SOUR:SWE:RANG FIX", ":SOUR:SWE:RANG?", "FIX"),
    (":SOUR:SWE:DIR UP", ":SOUR:SWE:DIR?", "UP"),
    (":SOUR:LIST:VOLT:STAR 1", ":SOUR:LIST:VOLT:STAR?", "1"),
    (":SOUR:SWE:CAB NEV", ":SOUR:SWE:CAB?", "NEV"),
    (":SOUR:CLE:AUTO OFF", ":SOUR:CLE:AUTO?", "0"),
    (":SOUR:DEL:AUTO OFF", ":SOUR:DEL:AUTO?", "0"),
    (":SOUR:DEL 0.00100", ":SOUR:DEL?", "+1.000000E-03"),
    (":OUTP:SMOD NORM", ":OUTP:SMOD?", "NORM"),
    (":SYST:GUAR CABL", ":SYST:GUAR?", "CABL"),
    (":SYST:RSEN OFF", ":SYST:RSEN?", "0"),
    (":SENS:CURR:PROT 1.000000000e-04", ":SENS:CURR:PROT?", "+1.000000E-04"),
    (":SENS:CURR:PROT:RSYN OFF", ":SENS:CURR:PROT:RSYN?", "0"),
    (":SENS:FUNC:CONC ON", ":SENS:FUNC:CONC?", "1"),
    (":SENS:RES:MODE MAN", ":SENS:RES:MODE?", "MAN"),
    (":SENS:RES:OCOM OFF", ":SENS:RES:OCOM?", "0"),
    (":SENS:FUNC:OFF:ALL", "", ""),
    (':SENS:FUNC "CURR"', ":SENS:FUNC?", '"CURR:DC"'),
    (":SENS:CURR:RANG 1.000000000e-04", ":SENS:CURR:RANG?", "+1.050000E-04"),
    (":SENS:CURR:RANG:AUTO OFF", ":SENS:CURR:RANG:AUTO?", "0"),
    (":SYST:RCM SING", ":SYST:RCM?", "SING"),
    (":SENS:CURR:NPLC 1.000000000e+00", ":SENS:CURR:NPLC?", "+1.000000E+00"),
    (":SENS:AVER OFF", ":SENS:AVER?", "0"),
    (":SENS:AVER:TCON REP", ":SENS:AVER:TCON?", "REP"),
    (":SENS:AVER:COUN 1", ":SENS:AVER:COUN?", "1"),
    (":SYST:AZER OFF;:SYST:AZER ONCE", "", ""),  # acts if it is off (page 18-107)
    (":SYST:AZER OFF", ":SYST:AZER?", "0"),
    (":SYST:AZER:CACH OFF", ":SYST:AZER:CACH?", "0"),
    ("", ":SYST:LFR?", "50"),
    (":ARM:SOUR IMM", ":ARM:SOUR?", "IMM"),
    (":ARM:COUN 1", ":ARM:COUN?", "1"),
    (":ARM:TIM 0.001", ":ARM:TIM?", "+1.000000E-03"),
    (":ARM:DIR ACC", ":ARM:DIR?", "ACC"),
    (":ARM:OUTP NONE", ":ARM:OUTP?", "NONE"),
    (":TRIG:SOUR IMM", ":TRIG:SOUR?", "IMM"),
    (":TRIG:COUN 1", ":TRIG:COUN?", "1"),
    (":TRIG:DEL 0.0000", ":TRIG:DEL?", "+0.000000E+00"),
    (":TRIG:DIR ACC", ":TRIG:DIR?", "ACC"),
    (":TRIG:INP NONE", ":TRIG:INP?", "NONE"),
    (":TRIG:OUTP NONE", ":TRIG:OUTP?", "NONE"),
    (":CALC:STAT OFF", ":CALC:STAT?", "0"),
    (":CALC2:NULL:STAT OFF", ":CALC2:NULL:STAT?", "0"),
    (":FORM ASC", ":FORM?", "ASC"),
    (":FORM:ELEM VOLT,CURR,STAT", ":FORM:ELEM?", "VOLT,CURR,STAT"),
    (":FORM:BORD NORM", ":FORM:BORD?", "NORM"),
    (":FORM:SREG ASC", ":FORM:SREG?", "ASC"),
]
ALONE = [":ROUT:TERM?", ":SYST:LFR?"]
SET = [":ROUT:TERM REAR", *(line for line, _, _ in ROWS if line)]
READ_BACK = {question: answer for _, question, answer in ROWS if question}


def other(answer):
    """An answer that says something else: the other switch, a word, or a number."""
    return {"0": "1", "1": "0"}.get(answer, "OTHER" if re.search("[A-DF-Z]", answer) else "+7.700000E+00")


def taken(lines):
    return [pair for line in lines for pair in ((line, None), NO_ERROR)]


BEGIN = [*OFF, *((each, READ_BACK[each]) for each in ALONE), ("*RST", None), ("*CLS", None)]
PREPARED = [*BEGIN, *taken(SET), *READ_BACK.items()]


SHAPING = [
    ":SOUR:FUNC VOLT", ":SOUR:VOLT:RANG 2.000000000e+00", ":SYST:GUAR CABL",
    ":SOUR:SWE:RANG FIX", ":SOUR:SWE:DIR UP", ":SOUR:LIST:VOLT:STAR 1", ":SOUR:SWE:CAB NEV", ":SOUR:CLE:AUTO OFF",
    ":SOUR:DEL:AUTO OFF", ":SENS:CURR:PROT 1.000000000e-04", ":SENS:CURR:RANG 1.000000000e-04", ":SENS:AVER OFF",
    ":SYST:AZER OFF", ":ARM:SOUR IMM", ":ARM:COUN 1", ":TRIG:SOUR IMM", ":TRIG:DEL 0.0000", ":FORM ASC",
    ":FORM:ELEM VOLT,CURR,STAT",
]  # fmt: skip


def sweep(points, count, reply=None, error='0,"No error"'):
    """A sweep: all that shapes it in one message, answered if it was taken, and again in that which starts it."""
    lines = [*SHAPING, ":SENS:CURR:NPLC 1.000000000e-02", ":SOUR:DEL 0.04932", f":SOUR:LIST:VOLT {points}"]
    lines += [":SOUR:VOLT:MODE LIST", f":TRIG:COUN {count}"]
    written = (";".join([*lines, ":SYST:ERR?"]), error)
    return [written] if reply is None else [written, (";".join([*lines, ":READ?"]), reply)]


ONE = "0,2.000000e+00,0"
AFTER_PULSE = (
    ":SOUR:VOLT:MODE FIX;:SOUR:VOLT 0;:TRIG:COUN 1;:SOUR:DEL 0.00100;:SENS:CURR:NPLC 1.000000000e+00;:SYST:ERR?",
    '0,"No error"',
)


def test_it_is_prepared_with_the_compliance_before_the_range_and_everything_read_back():
    with expected_protocol(Keithley2400, PREPARED) as smu:
        smu.prepare(SETTINGS)


def test_ohms_guard_comes_with_its_off_state():
    guarded = {":OUTP:SMOD NORM": ":OUTP:SMOD GUAR", ":SYST:GUAR CABL": ":SYST:GUAR OHMS"}
    back = {**READ_BACK, ":OUTP:SMOD?": "GUAR", ":SYST:GUAR?": "OHMS"}
    pairs = [*BEGIN, *taken(guarded.get(line, line) for line in SET), *back.items()]
    with expected_protocol(Keithley2400, pairs) as smu:
        assert smu.has_guard
        smu.prepare(SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4, guard=True))


@pytest.mark.fault("I5")
@in_one_test("query", READ_BACK)
def test_every_setting_that_reads_back_wrong_is_an_error_and_the_output_goes_off(query):
    before = list(READ_BACK.items())[: list(READ_BACK).index(query)]
    wrong = other(READ_BACK[query])
    pairs = [*BEGIN, *taken(SET), *before, (query, wrong), *OFF]
    with expected_protocol(Keithley2400, pairs, name="smu") as smu:
        with pytest.raises(InstrumentError, match=re.escape(f"smu: {query[:-1]} reads back {wrong}, expected ")):
            smu.prepare(SETTINGS)
        with pytest.raises(LimitError, match="has not been prepared"):
            smu.enable()


@pytest.mark.fault("I4")
@in_one_test("place", range(len(SET)))
def test_a_setting_that_is_not_taken_is_named_with_its_error_and_the_output_goes_off(place):
    refused = [(SET[place], None), (":SYST:ERR?", '824,"Cannot exceed compliance range"'), NO_ERROR]
    pairs = [*BEGIN, *taken(SET[:place]), *refused, *OFF]
    with expected_protocol(Keithley2400, pairs, name="smu") as smu:
        with pytest.raises(InstrumentError) as error:
            smu.prepare(SETTINGS)
        assert str(error.value) == f"smu reports error 824, Cannot exceed compliance range after {SET[place]!r}"


def test_terminals_that_are_neither_front_nor_rear_are_garbled():
    with (
        expected_protocol(Keithley2400, [*OFF, (":ROUT:TERM?", "0"), *OFF]) as smu,
        pytest.raises(GarbledReply),
    ):
        smu.prepare(SETTINGS)


@pytest.mark.fault("F2")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (SourceSettings(220, 1e-4, 1e-4), "range_v is 220"),
        (SourceSettings(2, 1e-4, 2.0), "range_a is 2"),
        (SourceSettings(2, 1e-8, 1e-4), "compliance_a is 10 nA, not from 100 nA"),
        (SourceSettings(2, 2.0, 1.0), "compliance_a is 2"),
        (SourceSettings(200, 0.5, 0.1), "compliance_a is 500 mA, not from 100 uA to 105 mA"),
        (SourceSettings(2, 1e-4, 1e-3), "range above that of the compliance"),
        (SourceSettings(2, 1e-4, 1e-4, nplc=20), "nplc is 20, not from 0.01 to 10"),
        (SourceSettings(2, 1.0, 1.0, guard=True), "guard does not go with the 1 A range"),
    ],
)
def test_what_the_model_cannot_do_is_refused_before_anything_is_sent(settings, message):
    with (
        expected_protocol(Keithley2400, []) as smu,
        pytest.raises(ConfigError, match=message),
    ):
        smu.prepare(settings)


def test_the_output_goes_on_at_0_v():
    with expected_protocol(Keithley2400, [*PREPARED, *taken([":SOUR:VOLT 0", ":OUTP ON"]), (":OUTP?", "1")]) as smu:
        smu.prepare(SETTINGS)
        smu.enable()


def test_an_output_that_stays_off_is_an_error():
    with expected_protocol(Keithley2400, [*PREPARED, *taken([":SOUR:VOLT 0", ":OUTP ON"]), (":OUTP?", "0")]) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match=":OUTP reads back 0, expected on"):
            smu.enable()


AT_LEVEL = ":SOUR:VOLT -1.000000000e-01;:SOUR:VOLT?"


def test_a_voltage_is_set_and_read_back():
    with expected_protocol(Keithley2400, [*PREPARED, (AT_LEVEL, "-1.000000E-01")]) as smu:
        smu.prepare(SETTINGS)
        smu.set_voltage(-0.1)


@pytest.mark.fault("T4")
def test_a_voltage_that_was_not_taken_is_found_out():
    with expected_protocol(Keithley2400, [*PREPARED, (AT_LEVEL, "0.000000E+00"), NO_ERROR]) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match=r":SOUR:VOLT reads back 0\.000000E\+00, expected -0\.1"):
            smu.set_voltage(-0.1)


READING = "+1.000000E-01,+1.000206E-06,+0.000000E+00"
AT_REST = f"{AT_LEVEL};:READ?;:SOUR:VOLT 0.000000000e+00;:SOUR:VOLT?;:READ?"
GOOD = ["-1.000000E-01", READING, "+0.000000E+00", READING]


def measured_at(query, answers, *more, rest_s=None):
    with expected_protocol(Keithley2400, [*PREPARED, (query, ";".join(answers)), *more]) as smu:
        smu.prepare(SETTINGS)
        return smu.measure_at(-0.1, smu, rest_s=rest_s)


def test_a_level_a_reading_and_a_rest_are_one_message():
    assert measured_at(f"{AT_LEVEL};:READ?", GOOD[:2]) == (Reading(1.000206e-6, False), [])
    assert measured_at(AT_REST, GOOD, rest_s=1e-3) == (Reading(1.000206e-6, False), [])


@pytest.mark.fault("T4", "I8")
@in_one_test("wrong", ["x", "", None])
@in_one_test("place", range(4))
def test_each_answer_to_such_a_message_is_looked_at(place, wrong):
    answers = list(GOOD)
    answers[place : place + 1] = [] if wrong is None else [wrong]
    with pytest.raises(GarbledReply):
        measured_at(AT_REST, answers, rest_s=1e-3)


@pytest.mark.fault("T4")
@pytest.mark.parametrize(("place", "expected"), [(0, "-0.1"), (2, "0")])
def test_a_level_that_is_another_one_before_or_after_a_reading_is_found_out(place, expected):
    answers = list(GOOD)
    answers[place] = "+5.000000E-02"
    with pytest.raises(InstrumentError, match=rf"reads back \+5\.000000E-02, expected {expected}"):
        measured_at(AT_REST, answers, NO_ERROR, rest_s=1e-3)


def test_a_voltage_beyond_the_range_asked_for_is_not_sent():
    with expected_protocol(Keithley2400, PREPARED) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(LimitError, match=r"voltage is 2.5 V, not from -2 to 2 V"):
            smu.set_voltage(2.5)


@pytest.mark.fault("I6", "I7")
@pytest.mark.parametrize(
    ("reply", "reading"),
    [
        ("+1.000000E-01,+1.000000E-06,+2.150800E+04", Reading(1e-6, False)),
        ("-1.000000E-01,-1.000000E-04,+2.151600E+04", Reading(-1e-4, True)),
        ("+1.000000E-01, +1.050000E-04, +8.704400E+04", Reading(1.05e-4, True)),
    ],
)
def test_a_reading_is_one_exchange_with_both_kinds_of_compliance(reply, reading):
    with expected_protocol(Keithley2400, [*PREPARED, (":READ?", reply)]) as smu:
        smu.prepare(SETTINGS)
        assert smu.measure() == reading


@pytest.mark.fault("I8")
@pytest.mark.parametrize("reply", ["0,+9.9E37,+0", "0,-9.9E37,+0", "0,+9.910000E+37,+0", "0,NaN,0", "0,1E-6,inf"])
def test_an_overflow_is_an_error(reply):
    with expected_protocol(Keithley2400, [*PREPARED, (":READ?", reply)]) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match=r"overflow|no number"):
            smu.measure()


@pytest.mark.fault("I8")
def test_a_reading_that_only_lets_time_pass_is_no_more_than_a_source_can_deliver():
    impossible = READING.replace("1.000206E-06", "1.000000E+30")
    with expected_protocol(Keithley2400, [*PREPARED, (":READ?", READING), (":READ?", impossible)]) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match=r"measured 1e\+30 A at 0 V, which its limit of .* A rules out"):
            smu.wait(0.04)
    with pytest.raises(InstrumentError, match=r"measured 1e\+30 A at 0 V"):
        measured_at(AT_REST, [*GOOD[:3], impossible], rest_s=1e-3)


@pytest.mark.parametrize("reply", ["+1.0E-06", "0,a,b", "1,2", "1,2,3,4"])
def test_a_reading_of_another_form_is_garbled(reply):
    with expected_protocol(Keithley2400, [*PREPARED, (":READ?", reply)]) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(GarbledReply):
            smu.measure()


def test_a_pulse_is_a_list_sweep_that_begins_and_ends_at_0_v():
    # 50 ms less 0.68 ms for what a point takes besides its delay.
    reply = "0,0,0,2,2.000000E-05,0,0,0,0"
    pairs = [*PREPARED, *sweep(ONE, 3, reply), AFTER_PULSE]
    with expected_protocol(Keithley2400, pairs) as smu:
        smu.prepare(SETTINGS)
        assert smu.pulse(2.0, 0.05) == [Reading(2e-5, False)]


def test_two_pulses_are_one_sweep_and_a_limited_one_is_seen():
    pairs = [
        *PREPARED,
        *sweep("0,-2.000000e+00,0,-2.000000e+00,0", 5, "0,0,0,-2,-1E-5,0,0,0,0,-2,-1E-4,8,0,0,0"),
        AFTER_PULSE,
    ]
    with expected_protocol(Keithley2400, pairs) as smu:
        smu.prepare(SETTINGS)
        assert smu.pulse(-2.0, 0.05, 2) == [Reading(-1e-5, False), Reading(-1e-4, True)]


def test_a_pulse_that_is_refused_leaves_the_output_off():
    pairs = [*PREPARED, *sweep(ONE, 3, error='-221,"Settings conflict"'), *OFF]
    with expected_protocol(Keithley2400, pairs) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match="-221"):
            smu.pulse(2.0, 0.05)


@pytest.mark.fault("T7", "V1")
def test_a_pulse_whose_answer_is_garbled_is_not_repeated_and_leaves_the_output_off():
    pairs = [*PREPARED, *sweep(ONE, 3, "0,0,2,0"), *OFF]
    with expected_protocol(Keithley2400, pairs) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(GarbledReply):
            smu.pulse(2.0, 0.05)


@pytest.mark.parametrize(
    ("amplitude_v", "width_s", "count", "message"),
    [
        (2.1, 0.05, 1, "pulse amplitude is 2.1 V, not from -2 to 2 V"),
        (float("nan"), 0.05, 1, "pulse amplitude is nan"),
        (2.0, 0.0009, 1, "pulse width is 0.0009 s, not from 0.001"),
        (2.0, 0.05, 0, "number of pulses is 0"),
    ],
)
def test_a_pulse_beyond_the_model_is_refused_before_anything_is_sent(amplitude_v, width_s, count, message):
    with expected_protocol(Keithley2400, PREPARED) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(LimitError, match=message):
            smu.pulse(amplitude_v, width_s, count)


def test_one_channel_cannot_pulse_together_with_another():
    with (
        expected_protocol(Keithley2400, [], name="smu") as smu,
        pytest.raises(ConfigError, match="smu has one channel"),
    ):
        smu.pulse_together(1.0, smu, -1.0, 0.05)


@pytest.mark.fault("I11", "V7")
def test_switching_off_writes_and_never_asks():
    with expected_protocol(Keithley2400, OFF) as smu:
        smu.output_off()


def test_shutdown_switches_off():
    with expected_protocol(Keithley2400, OFF) as smu:
        smu.shutdown()


def test_output_and_limit_are_asked_for():
    with expected_protocol(Keithley2400, [(":OUTP?", "1"), (":OUTP?", "0"), (":SENS:CURR:PROT:TRIP?", "1")]) as smu:
        assert smu.output_is_on()
        assert not smu.output_is_on()
        assert smu.limit_tripped()


def test_before_it_is_prepared_nothing_is_sent():
    with expected_protocol(Keithley2400, [], name="smu") as smu:
        for act in (smu.enable, smu.measure, lambda: smu.set_voltage(0.1), lambda: smu.pulse(1.0, 0.05)):
            with pytest.raises(LimitError, match="smu has not been prepared"):
                act()


def test_it_is_its_only_channel():
    with expected_protocol(Keithley2400, []) as smu:
        assert smu.source_meters() == [smu]
        assert smu.least_compliance_a == pytest.approx(1e-9)


def test_properties_are_asked_for_as_they_are_set():
    with expected_protocol(
        Keithley2400,
        [
            (":OUTP ON", None),
            (":OUTP?", "1"),
            (":SYST:GUAR?", "OHMS"),
            (":SENS:CURR:PROT:TRIP?", "0"),
            (":SENS:CURR:PROT?", "1.000000E-04"),
        ],
    ) as smu:
        smu.output_enabled = True
        assert smu.output_enabled is True
        assert smu.guard_mode == "OHMS"
        assert smu.compliance_tripped is False
        assert smu.compliance_current == pytest.approx(1e-4)


def test_a_property_does_not_clip():
    with (
        expected_protocol(Keithley2400, []) as smu,
        pytest.raises(ValueError, match="not in range"),
    ):
        smu.compliance_current = 2.0


class InterruptedAdapter(ProtocolAdapter):
    """Answers well until the sweep runs, when somebody presses Ctrl-C."""

    def __init__(self):
        super().__init__()
        self.sent = []

    def _write(self, command, **kwargs):
        self.sent.append(command)

    def _read(self, **kwargs):
        if self.sent[-1].endswith(":READ?"):
            raise KeyboardInterrupt
        if self.sent[-1].endswith(":SYST:ERR?"):
            return '0,"No error"'
        return READ_BACK[self.sent[-1]]


def test_a_pulse_that_is_interrupted_leaves_the_output_off():
    adapter = InterruptedAdapter()
    smu = Keithley2400(adapter)
    smu.prepare(SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        smu.pulse(2.0, 0.05)
    assert adapter.sent[-4:] == [":ABOR", ":SOUR:VOLT:MODE FIX", ":SOUR:VOLT 0", ":OUTP OFF"]


def test_a_range_that_the_instrument_does_not_take_is_named_when_it_is_set():
    line = ":SENS:CURR:RANG 1.000000000e-05"
    pairs = [*PREPARED, (f"{line};:SENS:CURR:RANG?;:SYST:ERR?", '+1.050000E-04;0,"No error"')]
    with expected_protocol(Keithley2400, pairs) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match=r":SENS:CURR:RANG reads back .*1\.05.*, expected"):
            smu.set_range(1e-5)
