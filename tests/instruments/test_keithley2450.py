import re

import pytest
from pymeasure.test import expected_protocol

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError, LimitError
from crossbar_hil.instrument import Reading, SourceSettings
from crossbar_hil.instruments.keithley2450 import Keithley2450

from ..cases import in_one_test

SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4)
NO_ERROR = (":SYST:ERR?", '0,"No error;0;0 0"')
OFF = [(":ABOR", None), (":SOUR:VOLT 0", None), (':SENS:FUNC "CURR"', None), (":OUTP OFF", None)]
# What is written, the question that asks it back, and the answer.
ROWS = [
    (":OUTP OFF", ":OUTP?", "0"),
    ("", ":OUTP:INT:STAT?", "0"),
    (":SOUR:FUNC VOLT", ":SOUR:FUNC?", "VOLT"),
    ("", ":ROUT:TERM?", "FRON"),
    (":SOUR:VOLT:RANG 2.000000000e+00", ":SOUR:VOLT:RANG?", "2"),
    (":SOUR:VOLT:RANG:AUTO OFF", ":SOUR:VOLT:RANG:AUTO?", "0"),
    (":SOUR:VOLT 0.000000000e+00", ":SOUR:VOLT?", "0"),
    (":SOUR:VOLT:PROT PROT20", ":SOUR:VOLT:PROT?", "PROT20"),
    (":SOUR:VOLT:HIGH:CAP OFF", ":SOUR:VOLT:HIGH:CAP?", "0"),
    (":OUTP:VOLT:SMOD NORM", ":OUTP:VOLT:SMOD?", "NORM"),
    (":SOUR:VOLT:ILIM 1.000000000e-04", ":SOUR:VOLT:ILIM?", "0.0001"),
    (':SENS:FUNC "CURR"', ":SENS:FUNC?", '"CURR:DC"'),
    (":SENS:CURR:RSEN OFF", ":SENS:CURR:RSEN?", "0"),
    (":SENS:CURR:RANG 1.000000000e-04", ":SENS:CURR:RANG?", "0.0001"),
    (":SENS:CURR:RANG:AUTO OFF", ":SENS:CURR:RANG:AUTO?", "0"),
    (":SENS:CURR:NPLC 0.01;:SENS:AZER:ONCE", "", ""),  # zero and reference of the aperture inside pulses
    (":SENS:CURR:NPLC 1.000000000e+00", ":SENS:CURR:NPLC?", "1"),
    (":SENS:AZER:ONCE", "", ""),
    (":SENS:CURR:AZER OFF", ":SENS:CURR:AZER?", "0"),
    (":SENS:CURR:AVER OFF", ":SENS:CURR:AVER?", "0"),
    (":SENS:CURR:AVER:TCON REP", ":SENS:CURR:AVER:TCON?", "REP"),
    (":SENS:CURR:AVER:COUN 1", ":SENS:CURR:AVER:COUN?", "1"),
    (":SENS:CURR:REL 0.000000000e+00", ":SENS:CURR:REL?", "0"),
    (":SENS:CURR:REL:STAT OFF", ":SENS:CURR:REL:STAT?", "0"),
    (":CALC:CURR:MATH:STAT OFF", ":CALC:CURR:MATH:STAT?", "0"),
    (":SENS:CURR:UNIT AMP", ":SENS:CURR:UNIT?", "AMP"),
    (":SENS:COUN 1", ":SENS:COUN?", "1"),
    (":SOUR:VOLT:READ:BACK OFF", ":SOUR:VOLT:READ:BACK?", "0"),
    (":SOUR:VOLT:DEL 1.000000000e-03", ":SOUR:VOLT:DEL?", "0.001"),
    (":SOUR:VOLT:DEL:AUTO OFF", ":SOUR:VOLT:DEL:AUTO?", "0"),
    ("", ":SYST:LFR?", "50"),
    (":TRAC:FILL:MODE CONT", ":TRAC:FILL:MODE?", "CONT"),
    (":FORM ASC", ":FORM?", "ASC"),
    (":FORM:BORD SWAP", ":FORM:BORD?", "SWAP"),
    (":FORM:ASC:PREC 0", ":FORM:ASC:PREC?", "0"),
]
ALONE = [":OUTP:INT:STAT?", ":ROUT:TERM?", ":SYST:LFR?"]
SET = [":OUTP:INT:STAT OFF", ":ROUT:TERM FRON", *(line for line, _, _ in ROWS if line)]
READ_BACK = {question: answer for _, question, answer in ROWS if question}


def other(answer):
    """An answer that says something else: the other switch, a word, or a number."""
    return {"0": "1", "1": "0"}.get(answer, "OTHER" if re.search("[A-DF-Z]", answer) else "+7.700000E+00")


def taken(lines):
    return [pair for line in lines for pair in ((line, None), NO_ERROR)]


BEGIN = [*OFF, ("*LANG?", "SCPI"), *((each, READ_BACK[each]) for each in ALONE), ("*RST", None), ("*CLS", None)]
PREPARED = [*BEGIN, *taken(SET), *READ_BACK.items()]
# What shapes a pulse; then the pulse, of 50 ms less 1.6 ms for what it takes besides its delay.
LOADED = [
    ":SOUR:VOLT:RANG 2.000000000e+00",
    ":SOUR:VOLT:PROT PROT20",
    ":SOUR:VOLT:HIGH:CAP OFF",
    ":SOUR:VOLT:ILIM 1.000000000e-04",
    ':SENS:FUNC "CURR"',
    ":SENS:CURR:RANG 1.000000000e-04",
    ":SENS:CURR:AZER OFF",
    ":SENS:CURR:AVER OFF",
    ":SENS:CURR:REL:STAT OFF",
    ":CALC:CURR:MATH:STAT OFF",
    ":SENS:CURR:UNIT AMP",
    ":SOUR:VOLT:READ:BACK OFF",
    ":TRAC:FILL:MODE CONT",
    ":FORM ASC",
    ":SENS:CURR:NPLC 1.000000000e-02",
    ":SOUR:LIST:VOLT 0,2.000000e+00",
    ":SOUR:SWE:VOLT:LIST 1,0,1",
    ':TRIG:LOAD "Empty"',
    ':TRIG:BLOC:BUFF:CLE 1,"defbuffer1"',
    ':TRIG:BLOC:CONF:REC 2,"VoltCustomSweepList",2',
    ":TRIG:BLOC:DEL:CONS 3,0.048400",
    ':TRIG:BLOC:MEAS 4,"defbuffer1"',
    ':TRIG:BLOC:CONF:REC 5,"VoltCustomSweepList",1',
    ":TRIG:BLOC:DEL:CONS 6,0.050000",
    ":TRIG:BLOC:BRAN:COUN 7,2,2",
]


def together(*lines, error=NO_ERROR[1]):
    """Several lines in one message, which is answered if all of it arrived."""
    return ";".join((*lines, NO_ERROR[0])), error


FILLED = together(*LOADED)
RUN = ";".join([*LOADED, ":INIT", "*WAI", ':TRAC:DATA? 1,2,"defbuffer1",READ,SOURSTAT'])
AFTER = together(
    ':TRIG:LOAD "Empty"', ":SOUR:VOLT 0", ":SOUR:VOLT:DEL 1.000000000e-03", ":SENS:CURR:NPLC 1.000000000e+00"
)


def test_it_is_prepared_with_the_limit_before_the_range_and_everything_read_back():
    with expected_protocol(Keithley2450, PREPARED) as smu:
        smu.prepare(SETTINGS)


@pytest.mark.fault("I1")
@pytest.mark.parametrize("language", ["SCPI2400", "TSP"])
def test_another_command_set_is_refused_before_anything_is_set(language):
    with (
        expected_protocol(Keithley2450, [*OFF, ("*LANG?", language), *OFF], name="smu") as smu,
        pytest.raises(ConfigError, match=f"smu speaks {language}, not SCPI"),
    ):
        smu.prepare(SETTINGS)


def test_an_answer_that_is_no_command_set_is_garbled():
    with (
        expected_protocol(Keithley2450, [*OFF, ("*LANG?", "ERROR"), *OFF], name="smu") as smu,
        pytest.raises(GarbledReply, match="'ERROR' is none of SCPI, SCPI2400 and its like, TSP"),
    ):
        smu.prepare(SETTINGS)


@pytest.mark.fault("I5")
@in_one_test("query", READ_BACK)
def test_every_setting_that_reads_back_wrong_is_an_error_and_the_output_goes_off(query):
    before = list(READ_BACK.items())[: list(READ_BACK).index(query)]
    wrong = other(READ_BACK[query])
    with (
        expected_protocol(Keithley2450, [*BEGIN, *taken(SET), *before, (query, wrong), *OFF]) as smu,
        pytest.raises(InstrumentError, match=re.escape(f"{query[:-1]} reads back {wrong}")),
    ):
        smu.prepare(SETTINGS)


@pytest.mark.fault("I4")
@in_one_test("place", range(len(SET)))
def test_a_setting_that_is_not_taken_is_named_with_its_error_and_the_output_goes_off(place):
    refused = [(SET[place], None), (":SYST:ERR?", '-222,"Parameter data out of range;1;0 0"'), NO_ERROR]
    with expected_protocol(Keithley2450, [*BEGIN, *taken(SET[:place]), *refused, *OFF], name="smu") as smu:
        with pytest.raises(InstrumentError) as error:
            smu.prepare(SETTINGS)
        assert str(error.value) == f"smu reports error -222, Parameter data out of range after {SET[place]!r}"


@pytest.mark.fault("F2")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (SourceSettings(2, 1.05e-5, 1e-4), "compliance_a is 10.5 uA, not from 10.6 uA"),
        (SourceSettings(2, 5e-10, 1e-9), "compliance_a is 500 pA, not from 1.06 nA"),
        (SourceSettings(200, 0.5, 0.1), "compliance_a is 500 mA"),
        (SourceSettings(220, 1e-4, 1e-4), "range_v is 220"),
        (SourceSettings(2, 1e-4, 1e-4, nplc=0.001), "nplc is 0.001"),
        (SourceSettings(2, 1e-4, 1e-4, guard=True), "guard is asked for"),
    ],
)
def test_what_the_model_cannot_do_is_refused_before_anything_is_sent(settings, message):
    with expected_protocol(Keithley2450, []) as smu, pytest.raises(ConfigError, match=message):
        smu.prepare(settings)


def test_the_output_goes_on_at_0_v_and_a_voltage_is_set():
    pairs = [
        *PREPARED,
        *taken([":SOUR:VOLT 0", ":OUTP ON"]),
        (":OUTP?", "1"),
        (":SOUR:VOLT 1.000000000e-01;:SOUR:VOLT?", "0.1"),
    ]
    with expected_protocol(Keithley2450, pairs) as smu:
        smu.prepare(SETTINGS)
        smu.enable()
        smu.set_voltage(0.1)


MEASURE = ":READ?;:SOUR:VOLT:ILIM:TRIP?"


@pytest.mark.parametrize(
    ("reply", "tripped", "reading"),
    [("1.000206E-06", "0", Reading(1.000206e-6, False)), ("-0.0001", "1", Reading(-1e-4, True))],
)
def test_a_reading_is_a_current_and_whether_it_is_limited(reply, tripped, reading):
    with expected_protocol(Keithley2450, [*PREPARED, (MEASURE, f"{reply};{tripped}")]) as smu:
        smu.prepare(SETTINGS)
        assert smu.measure() == reading


@pytest.mark.fault("I8")
@pytest.mark.parametrize(
    ("reply", "error"),
    [("9.9E37", InstrumentError), ("-9.91e37", InstrumentError), ("1E-6;0", GarbledReply), ("1,2", GarbledReply)],
)
def test_an_overflow_or_another_form_is_an_error(reply, error):
    with expected_protocol(Keithley2450, [*PREPARED, (MEASURE, f"{reply};0")]) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(error):
            smu.measure()


@pytest.mark.parametrize("reply", ["1E-6;2", "1E-6", "1E-6;"])
def test_a_reading_without_the_word_whether_it_is_limited_is_garbled(reply):
    with expected_protocol(Keithley2450, [*PREPARED, (MEASURE, reply)]) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(GarbledReply):
            smu.measure()


def test_two_pulses_are_one_run_of_trigger_blocks():
    # 32 is the bit of a source status that says limited, 128 that the output was on.
    pairs = [*PREPARED, FILLED, (RUN, "2E-05,128,1E-4,160"), AFTER]
    with expected_protocol(Keithley2450, pairs) as smu:
        smu.prepare(SETTINGS)
        assert smu.pulse(2.0, 0.05, 2) == [Reading(2e-5, False), Reading(1e-4, True)]


def test_a_refused_trigger_block_starts_nothing_and_leaves_the_output_off():
    pairs = [*PREPARED, together(*LOADED, error='-222,"Parameter data out of range;1;0 0"'), *OFF]
    with expected_protocol(Keithley2450, pairs) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match="-222"):
            smu.pulse(2.0, 0.05, 2)


def test_fewer_readings_than_pulses_are_garbled_and_leave_the_output_off():
    pairs = [*PREPARED, FILLED, (RUN, "2E-05,128"), *OFF]
    with expected_protocol(Keithley2450, pairs) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(GarbledReply):
            smu.pulse(2.0, 0.05, 2)


def test_a_pulse_shorter_than_its_blocks_is_refused_before_anything_is_sent():
    with expected_protocol(Keithley2450, PREPARED) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(LimitError, match=r"pulse width is 0.001 s, not from 0.002"):
            smu.pulse(2.0, 0.001)


def test_one_channel_cannot_pulse_together_with_another():
    with expected_protocol(Keithley2450, []) as smu, pytest.raises(ConfigError, match="one channel"):
        smu.pulse_together(1.0, smu, -1.0, 0.05)


@pytest.mark.fault("I11", "V7")
def test_switching_off_writes_and_never_asks():
    with expected_protocol(Keithley2450, OFF) as smu:
        smu.output_off()


def test_output_and_limit_are_asked_for():
    with expected_protocol(Keithley2450, [(":OUTP?", "1"), (":SOUR:VOLT:ILIM:TRIP?", "0")]) as smu:
        assert smu.output_is_on()
        assert not smu.limit_tripped()


def test_properties_are_asked_for_as_they_are_set():
    with expected_protocol(
        Keithley2450,
        [("*LANG?", "SCPI"), (":OUTP:VOLT:SMOD?", "NORM"), (":SOUR:VOLT:ILIM:TRIP?", "1"), (":SOUR:VOLT?", "0.1")],
    ) as smu:
        assert smu.language == "SCPI"
        assert smu.output_off_state == "NORM"
        assert smu.compliance_tripped is True
        assert smu.source_voltage == pytest.approx(0.1)
        assert not smu.has_guard
        assert smu.source_meters() == [smu]
