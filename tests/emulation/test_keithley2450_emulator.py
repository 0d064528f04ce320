import numpy as np
import pytest

import crossbar_hil
from crossbar_hil.sim_backend.emulation.keithley2450 import Keithley2450
from crossbar_hil.sim_backend.emulation.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.world import World


class Bench:
    """A 2450 on row 0; every column at the return."""

    def __init__(self, **options):
        self.chip = crossbar_hil.open_bench(seed=1)
        self.world = World(self.chip)
        self.smu = Keithley2450(self.world, "smu", **options)
        self.world.add_wire("smu.a.hi", "row.0")
        for number in range(4):
            self.world.add_wire(f"column.{number}", "lo")

    @property
    def siemens(self):
        return self.chip.conductances[0].sum()

    def say(self, *messages):
        for message in messages:
            assert self.smu.receive(message) == b"", message

    def ask(self, message):
        return self.smu.receive(message).decode().rstrip("\n")

    def numbers(self, message):
        return [float(text) for text in self.ask(message).split(",")]

    def error(self):
        return int(self.ask(":SYST:ERR?").split(",")[0])


@pytest.fixture
def bench():
    return Bench()


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


def test_a_reading_is_one_number_of_the_function_in_use(bench):
    bench.say(":SENS:CURR:RANG 1e-6", ":OUTP ON", ":SOUR:VOLT 0.1")
    assert bench.numbers(":READ?") == [pytest.approx(0.1 * bench.siemens, abs=0.5e-12)]
    bench.say(':SENS:FUNC "VOLT"')
    assert bench.numbers(":READ?") == [pytest.approx(0.1, abs=1e-5)]
    bench.say(':SENS:FUNC "RES"')
    assert bench.numbers(":READ?") == [pytest.approx(1 / bench.siemens, rel=1e-4)]


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


def test_simple_loop_measures_so_often_and_switches_off(bench):
    bench.say(*FAST, ":SOUR:VOLT 0.1", ':TRIG:LOAD "SimpleLoop", 5, 0.01', ":INIT", "*WAI")
    assert len(bench.numbers(":TRAC:DATA? 1,5")) == 5
    assert bench.ask(":OUTP?;:TRIG:STAT?") == "0;IDLE;IDLE;0"


def test_a_voltage_list_sweep_steps_through_its_levels(bench):
    bench.say(*FAST, ":SOUR:LIST:VOLT 0.1,0.2,0.3", ":SOUR:SWE:VOLT:LIST 1,0.001", ":INIT")
    np.testing.assert_allclose(bench.numbers(':TRAC:DATA? 1,3,"defbuffer1",SOUR'), [0.1, 0.2, 0.3], atol=1e-3)


def test_a_configuration_list_brings_the_source_back(bench):
    bench.say(':SOUR:CONF:LIST:CRE "two"', ":SOUR:VOLT 0.5", ':SOUR:CONF:LIST:STOR "two"', ":SOUR:VOLT 0")
    bench.say(':SOUR:CONF:LIST:STOR "two"', ':SOUR:CONF:LIST:REC "two",1')
    assert bench.ask(':SOUR:VOLT?;:SOUR:CONF:LIST:SIZE? "two"') == "0.5;2"


def test_a_trigger_model_that_never_ends_is_an_error(bench):
    bench.say(":TRIG:BLOC:NOP 1", ":TRIG:BLOC:BRAN:ALW 2,1", ":INIT")
    assert bench.error() == -200
    bench.say(':TRIG:LOAD "Empty"', ":INIT")
    assert bench.error() == -200


@pytest.mark.parametrize(("state", "expected"), [("NORM", "normal"), ("ZERO", "zero"), ("HIMP", "highz")])
def test_off_states_reach_the_terminals(bench, state, expected):
    bench.say(f":OUTP:VOLT:SMOD {state}")
    assert bench.world.terminal("smu.a").off_state == expected
    assert bench.ask(":OUTP:VOLT:SMOD?") == state


def test_pymeasure_sources_and_measures(bench):
    from pymeasure.adapters import VISAAdapter
    from pymeasure.instruments.keithley import Keithley2450 as Client

    with InstrumentServer(bench.smu) as server:
        adapter = VISAAdapter(
            f"TCPIP::127.0.0.1::{server.port}::SOCKET",
            visa_library="@py",
            read_termination="\n",
            write_termination="\n",
        )
        client = Client(adapter)
        client.reset()
        client.apply_voltage(voltage_range=2, compliance_current=1e-4)
        client.measure_current(nplc=1, current=1e-5, auto_range=False)
        client.source_voltage = 0.1
        client.enable_source()
        assert client.current == pytest.approx(0.1 * bench.siemens, rel=1e-4)
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
        adapter.close()
