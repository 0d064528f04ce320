import pytest
from pymeasure.test import expected_protocol

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError, LimitError
from crossbar_hil.instrument import Reading, SourceSettings
from crossbar_hil.instruments.keithley2450 import Keithley2450

SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4)
NO_ERROR = (":SYST:ERR?", '0,"No error;0;0 0"')
QUERY = (
    ":SOUR:FUNC?;:SOUR:VOLT:RANG?;:SOUR:VOLT?;:SOUR:VOLT:ILIM?;:SENS:FUNC?;:SENS:CURR:RANG?;:SENS:CURR:NPLC?;"
    ":SENS:CURR:AZER?;:OUTP:VOLT:SMOD?;:OUTP?"
)
ANSWER = 'VOLT;2;0;0.0001;"CURR:DC";0.0001;1;0;NORM;0'
PREPARED = [
    ("*LANG?", "SCPI"),
    (":OUTP OFF", None),
    (":ROUT:TERM?", "FRON"),
    ("*RST", None),
    ("*CLS", None),
    (":SOUR:FUNC VOLT", None),
    (":ROUT:TERM FRON", None),
    (":SOUR:VOLT:RANG 2.000000000e+00", None),
    (":SOUR:VOLT 0.000000000e+00", None),
    (":OUTP:VOLT:SMOD NORM", None),
    (":SOUR:VOLT:ILIM 1.000000000e-04", None),
    (':SENS:FUNC "CURR"', None),
    (":SENS:CURR:RANG 1.000000000e-04", None),
    (":SENS:CURR:NPLC 1.000000000e+00", None),
    (":SENS:AZER:ONCE", None),
    (":SENS:CURR:AZER OFF", None),
    (":SENS:COUN 1", None),
    (":SOUR:VOLT:READ:BACK OFF", None),
    (":SOUR:VOLT:DEL 1.000000000e-03", None),
    NO_ERROR,
    (QUERY, ANSWER),
]
# 50 ms less 1.6 ms for what a pulse takes besides its delay.
LOADED = [
    (":SENS:CURR:NPLC 1.000000000e-02", None),
    (":SOUR:LIST:VOLT 0,2.000000e+00", None),
    (":SOUR:SWE:VOLT:LIST 1,0,1", None),
    (':TRIG:LOAD "Empty"', None),
    (':TRIG:BLOC:BUFF:CLE 1,"defbuffer1"', None),
    (':TRIG:BLOC:CONF:REC 2,"VoltCustomSweepList",2', None),
    (":TRIG:BLOC:DEL:CONS 3,0.048400", None),
    (':TRIG:BLOC:MEAS 4,"defbuffer1"', None),
    (':TRIG:BLOC:CONF:REC 5,"VoltCustomSweepList",1', None),
    (":TRIG:BLOC:DEL:CONS 6,0.050000", None),
    (":TRIG:BLOC:BRAN:COUN 7,2,2", None),
]
RUN = [(":INIT", None), ("*WAI", None)]
DATA = ':TRAC:DATA? 1,2,"defbuffer1",READ,SOURSTAT'
AFTER = [
    (":SOUR:VOLT 0", None),
    (":SOUR:VOLT:DEL 1.000000000e-03", None),
    (":SENS:CURR:NPLC 1.000000000e+00", None),
    NO_ERROR,
]
OFF = [(":ABOR", None), (":SOUR:VOLT 0", None), (":OUTP OFF", None)]


def test_it_is_prepared_with_the_limit_before_the_range_and_everything_read_back():
    with expected_protocol(Keithley2450, PREPARED) as smu:
        smu.prepare(SETTINGS)


@pytest.mark.parametrize("language", ["SCPI2400", "TSP"])
def test_another_command_set_is_refused_before_anything_is_set(language):
    with (
        expected_protocol(Keithley2450, [("*LANG?", language)], name="smu") as smu,
        pytest.raises(ConfigError, match=f"smu speaks {language}, not SCPI"),
    ):
        smu.prepare(SETTINGS)


@pytest.mark.parametrize("place", range(10))
def test_every_setting_that_reads_back_wrong_is_an_error(place):
    wrong = ["CURR", "20", "0.5", "1.05", "VOLT:DC", "1", "10", "1", "HIMP", "1"]
    answers = [*ANSWER.split(";")]
    answers[place] = wrong[place]
    with (
        expected_protocol(Keithley2450, [*PREPARED[:-1], (QUERY, ";".join(answers))]) as smu,
        pytest.raises(InstrumentError, match="reads back"),
    ):
        smu.prepare(SETTINGS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (SourceSettings(2, 1.05e-5, 1e-4), "compliance_a is 1.05e-05, not from 1.06e-05"),
        (SourceSettings(2, 5e-10, 1e-9), "compliance_a is 5e-10, not from 1.06e-09"),
        (SourceSettings(200, 0.5, 0.1), "compliance_a is 0.5"),
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
        (":SOUR:VOLT 0", None),
        (":OUTP ON", None),
        NO_ERROR,
        (":SOUR:VOLT 1.000000000e-01", None),
        NO_ERROR,
    ]
    with expected_protocol(Keithley2450, pairs) as smu:
        smu.prepare(SETTINGS)
        smu.enable()
        smu.set_voltage(0.1)


@pytest.mark.parametrize(
    ("reply", "reading"),
    [("1.000206E-06;0", Reading(1.000206e-6, False)), ("-0.0001;1", Reading(-1e-4, True))],
)
def test_a_reading_is_one_exchange_with_the_limit(reply, reading):
    with expected_protocol(Keithley2450, [*PREPARED, (":READ?;:SOUR:VOLT:ILIM:TRIP?", reply)]) as smu:
        smu.prepare(SETTINGS)
        assert smu.measure() == reading


@pytest.mark.parametrize(
    ("reply", "error"),
    [("9.9E37;0", InstrumentError), ("-9.91e37;1", InstrumentError), ("1E-6", GarbledReply), ("1E-6;2", GarbledReply)],
)
def test_an_overflow_or_another_form_is_an_error(reply, error):
    with expected_protocol(Keithley2450, [*PREPARED, (":READ?;:SOUR:VOLT:ILIM:TRIP?", reply)]) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(error):
            smu.measure()


def test_two_pulses_are_one_run_of_trigger_blocks():
    # 32 is the bit of a source status that says limited, 128 that the output was on.
    pairs = [*PREPARED, *LOADED, NO_ERROR, *RUN, (DATA, "2E-05,128,1E-4,160"), *AFTER]
    with expected_protocol(Keithley2450, pairs) as smu:
        smu.prepare(SETTINGS)
        assert smu.pulse(2.0, 0.05, 2) == [Reading(2e-5, False), Reading(1e-4, True)]


def test_a_refused_trigger_block_starts_nothing_and_leaves_the_output_off():
    pairs = [*PREPARED, *LOADED, (":SYST:ERR?", '-222,"Parameter data out of range;1;0 0"'), NO_ERROR, *OFF]
    with expected_protocol(Keithley2450, pairs) as smu:
        smu.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match="-222"):
            smu.pulse(2.0, 0.05, 2)


def test_fewer_readings_than_pulses_are_garbled_and_leave_the_output_off():
    pairs = [*PREPARED, *LOADED, NO_ERROR, *RUN, (DATA, "2E-05,128"), *OFF]
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
