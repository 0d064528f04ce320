import struct

import numpy as np
import pytest

from crossbar_hil.sim_backend.emulation.models.keithley2450.model import EmulatedKeithley2450


@pytest.fixture
def make(talk):
    """Make a 2450 on row 0, every column at the return."""
    wires = [("smu.a.hi", "row.0"), *((f"column.{number}", "lo") for number in range(4))]
    return lambda **options: talk(EmulatedKeithley2450, wires, **options)


@pytest.fixture
def bench(make):
    return make()


@pytest.fixture
def siemens(bench):
    return bench.chip.conductances[0].sum()


FAST = (":SENS:CURR:AZER OFF", ":SENS:CURR:NPLC 0.01", ":SENS:CURR:RANG 1e-4")


def test_it_speaks_its_own_command_set(bench):
    assert bench.ask("*LANG?") == "SCPI"
    assert bench.ask("*IDN?").startswith("KEITHLEY INSTRUMENTS,MODEL 2450,")
    bench.say("*LANG TSP")
    assert bench.ask("*LANG?;:SYST:ERR?") == 'SCPI;0,"No error;0;0 0"'


def test_an_error_carries_its_type_and_time(bench):
    bench.say(":NONSENSE")
    code, text = bench.ask(":SYST:ERR?").split(",")
    assert code == "-113"
    assert text.strip('"').split(";")[:2] == ["Undefined header", "1"]


def test_a_reading_is_one_number_of_the_function_in_use(bench, siemens):
    bench.say(":SENS:CURR:RANG 1e-6", ":OUTP ON", ":SOUR:VOLT 0.1")
    assert bench.numbers(":READ?") == [pytest.approx(0.1 * siemens, abs=0.5e-12)]
    bench.say(':SENS:FUNC "VOLT"')
    assert bench.numbers(":READ?") == [pytest.approx(0.1, abs=1e-5)]
    bench.say(":SOUR:CURR:VLIM 0.6", ':SENS:FUNC "RES"')
    assert bench.numbers(":READ?") == [pytest.approx(1 / siemens, rel=1e-4)]


def test_a_limit_below_10_6_percent_of_a_fixed_range_is_refused(bench):
    bench.say(":SOUR:VOLT:ILIM 1e-3", ":SENS:CURR:RANG 1e-3", ":SOUR:VOLT:ILIM 1.05e-4")
    assert bench.error() == -222
    assert float(bench.ask(":SOUR:VOLT:ILIM?")) == 1e-3
    bench.say(":SOUR:VOLT:ILIM 1.06e-4")
    assert bench.error() == 0


def test_a_fixed_range_raises_a_limit_that_is_too_low_for_it(bench):
    bench.say(":SOUR:VOLT:ILIM 1e-6", ":SENS:CURR:RANG 1e-3")
    assert bench.error() == 0
    assert float(bench.ask(":SOUR:VOLT:ILIM?")) == pytest.approx(1.06e-4)


def test_the_limit_holds_and_trips(bench):
    bench.say(":SENS:CURR:RANG 1e-6", ":SOUR:VOLT:ILIM 5e-7", ":OUTP ON", ":SOUR:VOLT 1")
    assert bench.numbers(":READ?") == [pytest.approx(5e-7)]
    assert bench.ask(":SOUR:VOLT:ILIM:TRIP?") == "1"
    bench.say(":OUTP OFF")
    assert bench.ask(":SOUR:VOLT:ILIM:TRIP?") == "0"


def test_beyond_a_fixed_range_the_reading_overflows(bench):
    bench.say(":SOUR:VOLT:ILIM 1e-3", ":SENS:CURR:RANG 1e-6", ":OUTP ON", ":SOUR:VOLT 1")
    assert bench.numbers(":READ?") == [9.9e37]


def test_a_change_of_the_sense_wires_turns_the_output_off(bench):
    bench.say(":OUTP ON", ":SENS:CURR:RSEN OFF")
    assert bench.ask(":OUTP?") == "1"
    bench.say(":SENS:CURR:RSEN ON")
    assert bench.ask(":OUTP?;:SENS:CURR:RSEN?") == "0;1"


def test_buffers_give_what_they_are_asked_for(bench):
    bench.say(*FAST, ":SENS:COUN 3", ":OUTP ON", ":SOUR:VOLT 0.1")
    last = bench.numbers(":READ?")
    assert bench.ask(":TRAC:ACT?") == "3"
    rows = np.reshape(bench.numbers(':TRAC:DATA? 1,3,"defbuffer1",SOUR,READ,REL'), (3, 3))
    np.testing.assert_allclose(rows[:, 0], 0.1, atol=1e-3)
    assert rows[2, 1] == last[0]
    np.testing.assert_allclose(np.diff(rows[:, 2]), 0.01 / 50, rtol=1e-3)
    assert bench.numbers(':FETC? "defbuffer1",READ') == last
    assert bench.numbers(":TRAC:STAT:AVER?") == [pytest.approx(last[0])]
    bench.say(':TRAC:MAKE "mine", 10')
    assert bench.numbers(':MEAS:CURR? "mine",READ') == last
    assert bench.ask(':TRAC:ACT? "mine"') == "3"
    assert bench.ask(":TRAC:DATA? 1,4") == ""
    assert bench.error() == -222
    bench.say(":TRAC:CLE")
    assert bench.ask(":TRAC:ACT?") == "0"


def test_the_vendors_pulse_of_on_measure_off_lasts_1_6_ms(bench):
    bench.say(*FAST, ":SOUR:VOLT 2", ':TRIG:LOAD "Empty"', ":TRIG:BLOC:BUFF:CLE 1", ":TRIG:BLOC:SOUR:STAT 2,ON")
    bench.say(':TRIG:BLOC:MEAS 3,"defbuffer1"', ":TRIG:BLOC:SOUR:STAT 4,OFF", ":INIT", "*WAI")
    assert bench.world.log.of("exposure")[0]["seconds"] == pytest.approx(1.6e-3)
    assert bench.ask(":TRAC:ACT?;:OUTP?") == "1;0"


def test_without_the_measurement_it_lasts_1_2_ms(bench):
    bench.say(":SOUR:VOLT 2", ":TRIG:BLOC:SOUR:STAT 1,ON", ":TRIG:BLOC:SOUR:STAT 2,OFF", ":INIT")
    assert bench.world.log.of("exposure")[0]["seconds"] == pytest.approx(1.2e-3)


def test_a_train_of_pulses_moves_a_row_by_its_count_and_tells_the_limit(bench):
    bench.say(*FAST, ":SOUR:VOLT:RANG 2", ":SOUR:LIST:VOLT 0,2", ":SOUR:SWE:VOLT:LIST 1,0,1", ':TRIG:LOAD "Empty"')
    for block in (
        "BUFF:CLE 1",
        'CONF:REC 2,"VoltCustomSweepList",2',
        "DEL:CONS 3,0.0484",
        "MEAS 4",
        'CONF:REC 5,"VoltCustomSweepList",1',
        "DEL:CONS 6,0.05",
        "BRAN:COUN 7,3,2",
    ):
        bench.say(f":TRIG:BLOC:{block}")
    bench.say(":OUTP ON", ":INIT", "*WAI")
    np.testing.assert_allclose(bench.chip.levels[0], 3)
    np.testing.assert_allclose([each["seconds"] for each in bench.world.log.of("exposure")], 0.05)
    found = bench.numbers(':TRAC:DATA? 1,3,"defbuffer1",READ,SOURSTAT')
    assert len(found) == 6
    assert [int(status) & 32 for status in found[1::2]] == [0, 0, 0]
    assert bench.ask(":OUTP?;:SOUR:VOLT?") == "1;0"


def test_a_voltage_list_sweep_steps_through_its_levels(bench):
    bench.say(*FAST, ":SOUR:LIST:VOLT 0.1,0.2,0.3", ":SOUR:SWE:VOLT:LIST 1,0.001", ":INIT")
    np.testing.assert_allclose(bench.numbers(':TRAC:DATA? 1,3,"defbuffer1",SOUR'), [0.1, 0.2, 0.3], atol=1e-3)


def test_a_trigger_model_that_never_ends_is_an_error(bench):
    bench.say(":TRIG:BLOC:DEL:CONS 1,0", ":TRIG:BLOC:BRAN:ALW 2,1", ":INIT")
    assert bench.error() == -200
    bench.say(':TRIG:LOAD "Empty"', ":INIT")
    assert bench.error() == -200
    assert bench.refused(':TRIG:LOAD "SimpleLoop", 3') == -224


@pytest.mark.parametrize(("state", "expected"), [("NORM", "normal"), ("ZERO", "zero"), ("HIMP", "highz")])
def test_off_states_reach_the_terminals(bench, state, expected):
    bench.say(f":OUTP:VOLT:SMOD {state}")
    assert bench.world.terminal("smu.a").off_state == expected
    assert bench.ask(":OUTP:VOLT:SMOD?") == state


def test_pymeasure_sources_and_measures(bench, siemens, over_visa):
    from pymeasure.instruments.keithley import Keithley2450 as Client

    client = Client(over_visa(bench.box))
    client.reset()
    client.apply_voltage(voltage_range=2, compliance_current=1e-4)
    client.measure_current(nplc=1, current=1e-5, auto_range=False)
    client.source_voltage = 0.1
    client.enable_source()
    assert client.current == pytest.approx(0.1 * siemens, rel=1e-4)
    assert client.source_voltage == 0.1
    assert client.compliance_current == 1e-4
    assert client.current_range == 1e-5
    client.voltage_output_off_state = "ZERO"
    assert client.voltage_output_off_state == "ZERO"
    client.wires = 4
    assert client.wires == 4
    client.buffer_points = 100
    assert client.buffer_points == 100
    client.beep(440, 0.1)
    client.disable_source()
    assert client.ask("OUTP?").strip() == "0"
    assert client.check_errors() == []


def test_binary_readings_are_doubles_of_this_machine_in_a_block_without_length(bench):
    bench.say(*FAST, ":SENS:COUN 3", ":OUTP ON", ":SOUR:VOLT 0.1", ":TRAC:TRIG")
    text = bench.numbers(':TRAC:DATA? 1,3,"defbuffer1",READ')
    assert bench.ask(":FORM:BORD?") == "SWAP"
    for name, form in (("REAL", "<3d"), ("SRE", "<3f")):
        bench.say(f":FORM {name}")
        assert bench.ask(":FORM?") == name
        answer = bench.raw(':TRAC:DATA? 1,3,"defbuffer1",READ')
        assert answer[:2] + answer[-1:] == b"#0\n"
        np.testing.assert_allclose(struct.unpack(form, answer[2:-1]), text, rtol=1e-6)
    bench.say(":FORM REAL;:FORM:BORD NORM")
    answer = bench.raw(':TRAC:DATA? 1,1,"defbuffer1",SOURSTAT')
    assert struct.unpack(">d", answer[2:-1]) == (136.0,)  # read back, output on


def test_a_binary_block_cannot_hold_text(bench):
    bench.say(*FAST, ":TRAC:TRIG", ":FORM REAL")
    assert bench.raw(':TRAC:DATA? 1,1,"defbuffer1",READ,TST') == b""
    assert bench.error() == 1133


@pytest.mark.parametrize(
    ("sweep", "levels"),
    [
        ("LIN 0,0.2,3,0", [0, 0.1, 0.2]),
        ("LIN:STEP 0,0.25,0.1,0", [0, 0.1, 0.2]),
        ("LIN:STEP 0.2,0,0.1,0", [0.2, 0.1, 0]),
        ("LOG 0.01,1,3,0", [0.01, 0.1, 1]),
        ("LIN 0,0.2,3,0,2", [0, 0.1, 0.2, 0, 0.1, 0.2]),
        ("LIN 0,0.2,3,0,1,AUTO,OFF,ON", [0, 0.1, 0.2, 0.1, 0]),
    ],
)
def test_a_sweep_sources_its_levels(bench, sweep, levels):
    bench.say(*FAST, ":SENS:CURR:RANG 1e-3", f":SOUR:SWE:VOLT:{sweep}", ":INIT", "*WAI")
    found = bench.numbers(f':TRAC:DATA? 1,{len(levels)},"defbuffer1",SOUR')
    np.testing.assert_allclose(found, levels, atol=1e-3)
    assert bench.ask(":TRAC:ACT?;:OUTP?") == f"{len(levels)};0"


def test_a_sweep_ends_at_its_limit_unless_told_not_to(bench):
    for abort, points in (("ON", 2), ("OFF", 3)):
        bench.say("*RST", *FAST, ":SENS:CURR:RANG 1e-6", ":SOUR:VOLT:ILIM 5e-7")
        bench.say(f":SOUR:SWE:VOLT:LIN 0,2,3,0,1,BEST,{abort}", ":INIT")
        assert bench.ask(":TRAC:ACT?") == str(points)


def test_a_logarithmic_sweep_cannot_begin_at_zero(bench):
    bench.say(":SOUR:SWE:VOLT:LOG 0,1,3")
    assert bench.error() == -221


def test_a_buffer_that_is_filled_once_takes_no_more(bench):
    bench.say(*FAST, ':TRAC:MAKE "once",10', ":SENS:COUN 11", ':TRAC:TRIG "once"')
    assert bench.error() == 4915
    assert bench.ask(':TRAC:ACT? "once"') == "10"
    bench.say(':TRAC:FILL:MODE CONT,"once"', ':TRAC:TRIG "once"')
    assert bench.error() == 0


def test_a_current_may_be_read_in_ohms_and_watts(bench, siemens):
    bench.say(*FAST, ":SENS:CURR:NPLC 1", ":SENS:CURR:UNIT OHM", ":OUTP ON", ":SOUR:VOLT 0.5")
    assert bench.numbers(":READ?") == [pytest.approx(1 / siemens, rel=1e-4)]
    bench.say(":SENS:CURR:UNIT WATT")
    assert bench.numbers(":READ?") == [pytest.approx(0.25 * siemens, rel=1e-4)]


def test_automatic_resistance_chooses_its_range_and_its_current(bench, siemens):
    bench.say(":SOUR:CURR:VLIM 0.6", ':SENS:FUNC "RES"', ":OUTP ON")  # more would move the cells
    assert bench.numbers(":READ?") == [pytest.approx(1 / siemens, rel=1e-4)]
    assert float(bench.ask(":SENS:RES:RANG?")) >= 1 / siemens / 1.05


def test_a_repeating_filter_takes_its_count_of_conversions(bench):
    bench.say(*FAST, ":SENS:CURR:NPLC 1", ":SOUR:VOLT:DEL 0", ":SENS:CURR:AVER:COUN 8", ":SENS:CURR:AVER ON")
    before = bench.world.clock.now()
    bench.ask(":READ?")
    assert bench.world.clock.now() - before == pytest.approx(8 / 50)


def test_a_comma_may_follow_the_last_argument(bench):
    bench.say(":TRAC:MAKE 'mine', 100, ")
    assert bench.ask(":TRAC:POIN? 'mine'") == "100"
    assert bench.refused(":TRAC:MAKE 'other',,") == -102


def test_what_is_only_stored_is_reset_like_a_setting(bench):
    asked = ":SOUR:VOLT:PROT?;:SENS:RES:OCOM?;:OUTP:INT:STAT?;:DISP:CURR:DIG?"
    bench.say(":SOUR:VOLT:PROT PROT20", ":SENS:RES:OCOM ON", ":OUTP:INT:STAT ON", ":DISP:CURR:DIG 6")
    assert bench.ask(asked) == "PROT20;1;1;6"
    bench.say("*RST")
    assert bench.ask(asked) == "NONE;0;0;5"


def test_what_the_panel_shows_outlives_a_reset(bench):
    bench.say(":DISP:LIGH:STAT ON100", "*RST")
    assert bench.ask(":DISP:LIGH:STAT?") == "ON100"
    assert bench.refused(f':DISP:USER1:TEXT "{"x" * 21}"') == -223
    assert bench.refused(f':DISP:USER2:TEXT "{"x" * 32}"') == 0


@pytest.mark.parametrize(
    "message",
    [
        ":SYST:COMM:LAN:CONF?",
        ":DIG:WRIT 3",
        ":TRIG:LAN1:IN:CLE",
        ":TRIG:BLEN1:MODE OR",
        ":TRIG:BLOC:DIG:IO 16,1,63",
        ":TRIG:BLOC:WAIT 1,COMM",
        ":TRIG:TIM1:DEL 0.1",
        ":SOUR:CONF:LIST:CRE 'two'",
        ":CALC2:CURR:LIM1:STAT ON",
        ":DIG:LINE1:STAT 1",
    ],
)
def test_what_no_crossbar_lab_touches_is_refused_by_name(bench, message):
    assert bench.refused(message) == -113


def test_a_relative_offset_is_taken_off_readings_and_a_formula_applied(bench):
    bench.say(":SENS:FUNC 'CURR'", ":OUTP ON", ":SOUR:VOLT 0.1")
    plain = float(bench.ask(":READ?"))
    bench.say(":SENS:CURR:REL 1e-6", ":SENS:CURR:REL:STAT ON")
    assert float(bench.ask(":READ?")) == pytest.approx(plain - 1e-6)
    bench.say(":SENS:CURR:REL:ACQ")
    assert float(bench.ask(":SENS:CURR:REL?")) == pytest.approx(plain)
    bench.say(":SENS:CURR:REL:STAT OFF", ":CALC:CURR:MATH:FORM MXB", ":CALC:CURR:MATH:MMF 2", ":CALC:CURR:MATH:STAT ON")
    assert float(bench.ask(":READ?")) == pytest.approx(2 * plain)


def test_a_buffer_takes_as_many_readings_as_one_of_an_instrument(bench):
    # PyMeasure's tests, which are run on instruments.
    bench.say(":TRAC:POIN 5211488")
    assert bench.ask(":TRAC:POIN?") == "5211488"
    assert bench.refused(":TRAC:POIN 5211489") == -222


def test_an_over_voltage_limit_holds_the_output(bench):
    bench.say(":SOUR:VOLT:PROT PROT5", ":SOUR:VOLT 15", ":OUTP ON")
    assert bench.world.terminal("smu.a").level_v == 5
    assert bench.ask(":SOUR:VOLT:PROT:TRIP?") == "1"
