import numpy as np
import pytest

import crossbar_hil
from crossbar_hil.sim_backend.emulation.keysightb2900 import KeysightB2902A, KeysightB2912A
from crossbar_hil.sim_backend.emulation.world import World


class Bench:
    """Channel 1 on row 1, channel 2 on column 2, all other lines at the return."""

    def __init__(self, model=KeysightB2902A, **options):
        self.chip = crossbar_hil.open_bench(seed=1)
        self.world = World(self.chip)
        self.smu = model(self.world, "smu", **options)
        for line in ("row", "column"):
            for number in range(4):
                node = {"row.1": "smu.a.hi", "column.2": "smu.b.hi"}.get(f"{line}.{number}", "lo")
                self.world.add_wire(f"{line}.{number}", node)
        self.cell = self.chip.conductances[1, 2]

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
    found = Bench()
    found.say(":FORM:ELEM:SENS CURR", *(f":SENS{n}:CURR:RANG 1e-5" for n in (1, 2)))
    return found


def test_both_models_say_who_they_are_and_what_their_lowest_range_is():
    for model, lowest in ((KeysightB2902A, 1e-7), (KeysightB2912A, 1e-8)):
        bench = Bench(model)
        assert bench.ask("*IDN?").startswith(f"Keysight Technologies,{bench.smu.model},")
        bench.say(":SENS1:CURR:RANG 1e-8")
        assert float(bench.ask(":SENS1:CURR:RANG?")) == lowest
    assert bench.ask(":SYST:ERR?") == '+0,"No error"'


def test_headers_name_their_channel_and_channel_1_if_none(bench):
    bench.say(":VOLT 0.1", ":SOUR2:VOLT 0.2")
    assert bench.ask(":SOUR:VOLT?;:SOUR1:VOLT?;:SOUR2:VOLT?") == "+1.000000E-01;+1.000000E-01;+2.000000E-01"
    bench.say(":SOUR3:VOLT 0.1")
    assert bench.error() == -114


def test_numbers_may_carry_units(bench):
    bench.say(":SOUR1:VOLT 250mV", ":SENS1:CURR:PROT 5UA")
    assert bench.ask(":SOUR1:VOLT?;:SENS1:CURR:PROT?") == "+2.500000E-01;+5.000000E-06"


def test_both_channels_read_the_cell_between_them_with_opposite_signs(bench):
    bench.say(":OUTP1 ON", ":OUTP2 ON", ":SOUR1:VOLT 0.1")
    row, column = bench.numbers(":MEAS? (@1,2)")
    assert column == pytest.approx(-0.1 * bench.cell, abs=0.5e-11)
    assert row == pytest.approx(0.1 * bench.chip.conductances[1].sum(), abs=0.5e-11)


def test_measuring_turns_the_output_on_unless_told_not_to(bench):
    bench.say(":OUTP2:ON:AUTO OFF")
    bench.ask(":MEAS? (@1,2)")
    assert bench.ask(":OUTP1?;:OUTP2?") == "1;0"
    bench.say(":OUTP1:OFF:AUTO ON")
    bench.ask(":READ? (@1)")
    assert bench.ask(":OUTP1?") == "0"


def test_elements_come_in_one_order_or_in_that_of_the_list():
    for option, expected in (("fixed", [0.1, 9.91e37]), ("list", [9.91e37, 0.1])):
        bench = Bench(element_order=option)
        bench.say(":SENS1:FUNC:OFF:ALL", ":SENS1:FUNC 'VOLT'", ":SOUR1:VOLT 0.1", ":FORM:ELEM:SENS CURR,VOLT")
        assert bench.numbers(":MEAS? (@1)") == expected


def test_no_reading_is_written_as_no_number(bench):
    assert bench.ask(":FETC? (@2)") == "+9.910000E+37"


def test_the_limit_clamps_and_trips(bench):
    bench.say(":SENS1:CURR:PROT 1e-6", ":OUTP1 ON", ":SOUR1:VOLT 1")
    assert bench.numbers(":MEAS? (@1)") == [pytest.approx(1e-6)]
    assert bench.ask(":SENS1:CURR:PROT:TRIP?;:SENS2:CURR:PROT:TRIP?") == "1;0"


def test_a_limit_below_one_percent_of_the_lowest_range_is_refused(bench):
    bench.say(":SENS1:CURR:PROT 0.9e-9")
    assert bench.error() == -222
    bench.say(":SENS1:CURR:PROT 1e-9")
    assert bench.error() == 0


def test_aperture_and_power_line_cycles_are_one_setting(bench):
    bench.say(":SENS1:CURR:NPLC 0.1")
    assert bench.ask(":SENS1:CURR:APER?;:SENS1:CURR:NPLC?") == "+2.000000E-03;+1.000000E-01"
    before = bench.world.clock.now()
    bench.ask(":MEAS? (@1)")
    assert bench.world.clock.now() - before == pytest.approx(2e-3)


def pulse(bench, number, volt, width_s=0.05, count=1):
    bench.say(f":SOUR{number}:FUNC:SHAP PULS", f":SOUR{number}:VOLT 0", f":SOUR{number}:VOLT:TRIG {volt}")
    bench.say(f":SOUR{number}:PULS:WIDT {width_s}", f":SENS{number}:CURR:APER 0.002")
    bench.say(f":TRIG{number}:ACQ:DEL {width_s / 2}", f":TRIG{number}:ALL:COUN {count}")
    bench.say(f":TRIG{number}:ALL:SOUR TIM", f":TRIG{number}:ALL:TIM {2 * width_s}")


def test_one_start_for_both_channels_moves_exactly_the_cell_between_them(bench):
    pulse(bench, 1, 1, count=3)
    pulse(bench, 2, -1, count=3)
    bench.say(":SENS1:CURR:RANG 1e-3", ":OUTP1 ON", ":OUTP2 ON", ":INIT (@1,2)")
    moved = np.zeros((4, 4))
    moved[1, 2] = 3
    np.testing.assert_array_equal(bench.chip.levels, moved)
    exposures = bench.world.log.of("exposure")
    assert [(each["row"], each["column"]) for each in exposures] == [(1, 2)] * 3
    np.testing.assert_allclose([each["seconds"] for each in exposures], 0.05)
    np.testing.assert_allclose([each["volt"] for each in exposures], 2, rtol=1e-6)
    assert len(bench.numbers(":FETC:ARR? (@1)")) == 3


def test_the_edges_of_both_channels_are_one_instant(bench):
    pulse(bench, 1, 1)
    pulse(bench, 2, -1)
    bench.say(":OUTP1 ON", ":OUTP2 ON")
    start = len(bench.world.log.events)
    bench.say(":INIT (@1,2)")
    edges = [(each["t"], each["name"]) for each in bench.world.log.events[start:] if each["event"] == "source"]
    times = sorted({t for t, _ in edges})
    assert len(edges) == 4
    assert np.diff(times) == pytest.approx([0.05])


def test_a_reading_inside_a_pulse_sees_the_peak(bench):
    pulse(bench, 1, 0.5)
    bench.say(":OUTP2 ON")  # an open column would float
    found = bench.numbers(":READ? (@1)")
    assert found == [pytest.approx(0.5 * bench.chip.conductances[1].sum(), abs=1e-10)]
    assert bench.world.terminal("smu.a").level_v == 0


def test_a_pulse_shorter_than_50_us_is_refused(bench):
    bench.say(":SOUR1:PULS:WIDT 4.9e-5")
    assert bench.error() == -222
    bench.say(":SOUR1:PULS:WIDT 5e-5")
    assert bench.error() == 0


def test_the_period_of_a_timer_lies_between_two_rising_edges(bench):
    pulse(bench, 1, 0.5, width_s=0.01, count=3)
    start = len(bench.world.log.events)
    bench.say(":TRIG1:ALL:TIM 0.1", ":INIT (@1)")
    rising = [each["t"] for each in bench.world.log.events[start:] if each.get("level_v") == 0.5]
    np.testing.assert_allclose(np.diff(rising), 0.1)


def test_arrays_of_two_channels_are_interleaved_or_not():
    for option, order in ((True, [0, 1, 0, 1]), (False, [0, 0, 1, 1])):
        bench = Bench(interleaved=option)
        bench.say(":FORM:ELEM:SENS SOUR", ":TRIG1:ALL:COUN 2", ":TRIG2:ALL:COUN 2", ":SOUR1:VOLT 0.1")
        assert bench.numbers(":READ:ARR? (@1,2)") == [(0.1, 0.0)[channel] for channel in order]


def test_a_list_gives_a_reading_a_level(bench):
    bench.say(":SOUR1:VOLT:MODE LIST", ":SOUR1:LIST:VOLT 0.05,0.1,0.15", ":TRIG1:ALL:COUN 3", ":FORM:ELEM:SENS VOLT")
    np.testing.assert_allclose(bench.numbers(":READ:ARR? (@1)"), [0.05, 0.1, 0.15], atol=1e-6)


@pytest.mark.parametrize(("mode", "expected"), [("NORM", "highz"), ("ZERO", "normal"), ("HIZ", "highz")])
def test_off_modes_reach_the_terminals(bench, mode, expected):
    bench.say(f":OUTP2:OFF:MODE {mode}")
    assert bench.world.terminal("smu.b").off_state == expected
    assert bench.ask(":OUTP2:OFF:MODE?") == mode


def test_an_impossible_channel_is_refused(bench):
    assert bench.ask(":MEAS? (@3)") == ""
    assert bench.error() == -222
