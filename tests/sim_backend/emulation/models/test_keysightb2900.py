import struct

import numpy as np
import pytest

from crossbar_hil.sim_backend.emulation.models.keysightb2900.model import (
    EmulatedKeysightB2901A,
    EmulatedKeysightB2902A,
    EmulatedKeysightB2911A,
    EmulatedKeysightB2912A,
)
from crossbar_hil.sim_backend.emulation.world.damage import Damage


@pytest.fixture
def make(talk):
    """Make a B2900 with channel 1 on row 1, channel 2 on column 2, all other lines at the return."""
    lines = [f"{axis}.{number}" for axis in ("row", "column") for number in range(4)]
    wires = [(line, {"row.1": "smu.a.hi", "column.2": "smu.b.hi"}.get(line, "lo")) for line in lines]
    return lambda model=EmulatedKeysightB2902A, **options: talk(model, wires, **options)


@pytest.fixture
def bench(make):
    found = make()
    found.say(":FORM:ELEM:SENS CURR", *(f":SENS{n}:CURR:RANG 1e-5;:SENS{n}:CURR:NPLC 1" for n in (1, 2)))
    found.say(*(f":{what}{n}:WAIT OFF" for what in ("SOUR", "SENS") for n in (1, 2)))
    return found


@pytest.fixture
def cell(bench):
    return bench.chip.conductances[1, 2]


def test_both_models_say_who_they_are_and_what_their_lowest_range_is(make):
    for model, lowest in ((EmulatedKeysightB2902A, 1e-7), (EmulatedKeysightB2912A, 1e-8)):
        bench = make(model)
        assert bench.ask("*IDN?").startswith(f"Keysight Technologies,{model.model},")
        bench.say(":SENS1:CURR:RANG 1e-8")
        assert float(bench.ask(":SENS1:CURR:RANG?")) == lowest
    assert bench.ask(":SYST:ERR?") == '+0,"No error"'


def test_headers_name_their_channel_and_channel_1_if_none(bench):
    bench.say(":VOLT 0.1", ":SOUR2:VOLT 0.2")
    assert bench.ask(":SOUR:VOLT?;:SOUR1:VOLT?;:SOUR2:VOLT?") == "+1.00000000E-001;+1.00000000E-001;+2.00000000E-001"
    bench.say(":SOUR3:VOLT 0.1")
    assert bench.error() == -114


def test_numbers_may_carry_units(bench):
    bench.say(":SOUR1:VOLT 250mV", ":SENS1:CURR:PROT 5UA")
    assert bench.ask(":SOUR1:VOLT?;:SENS1:CURR:PROT?") == "+2.50000000E-001;+5.00000000E-006"


def test_both_channels_read_the_cell_between_them_with_opposite_signs(bench, cell):
    bench.say(":OUTP1 ON", ":OUTP2 ON", ":SOUR1:VOLT 0.1")
    row, column = bench.numbers(":MEAS? (@1,2)")
    assert column == pytest.approx(-0.1 * cell, abs=0.5e-11)
    assert row == pytest.approx(0.1 * bench.chip.conductances[1].sum(), abs=0.5e-11)


def test_measuring_turns_the_output_on_unless_told_not_to(bench):
    bench.say(":OUTP2:ON:AUTO OFF")
    bench.ask(":MEAS? (@1,2)")
    assert bench.ask(":OUTP1?;:OUTP2?") == "1;0"
    bench.say(":OUTP1:OFF:AUTO ON")
    bench.ask(":READ? (@1)")
    assert bench.ask(":OUTP1?") == "0"


def test_no_reading_is_written_as_no_number(bench):
    assert bench.ask(":FETC? (@2)") == "+9.910000E+37"


def test_the_limit_clamps_and_trips(bench):
    bench.say(":SENS1:CURR:PROT 1e-6", ":OUTP1 ON", ":SOUR1:VOLT 1")
    assert bench.numbers(":MEAS? (@1)") == [pytest.approx(1e-6)]
    assert bench.ask(":SENS1:CURR:PROT:TRIP?;:SENS2:CURR:PROT:TRIP?") == "1;0"


@pytest.mark.parametrize("model", [EmulatedKeysightB2902A, EmulatedKeysightB2912A])
def test_no_limit_is_below_1_na_or_20_mv_whatever_the_lowest_range(make, model):
    bench = make(model)
    for least, less in (("CURR:PROT 1e-9", "CURR:PROT 0.99e-9"), ("VOLT:PROT 0.02", "VOLT:PROT 0.0199")):
        assert bench.refused(f":SENS1:{less}") == -222
        assert bench.refused(f":SENS1:{least}") == 0


def test_aperture_and_power_line_cycles_are_one_setting(bench):
    bench.say(":SENS1:CURR:NPLC 0.1")
    assert bench.ask(":SENS1:CURR:APER?;:SENS1:CURR:NPLC?") == "+2.00000000E-003;+1.00000000E-001"
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


def test_elements_come_in_one_order_and_arrays_of_two_channels_are_interleaved(bench):
    bench.say(":SENS1:FUNC:OFF:ALL", ":SENS1:FUNC 'VOLT'", ":SOUR1:VOLT 0.1", ":FORM:ELEM:SENS CURR,VOLT")
    assert bench.numbers(":MEAS? (@1)") == [0.1, 9.91e37]
    bench.say(":FORM:ELEM:SENS SOUR", ":TRIG1:ALL:COUN 2", ":TRIG2:ALL:COUN 2")
    assert bench.numbers(":READ:ARR? (@1,2)") == [0.1, 0.0, 0.1, 0.0]


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


@pytest.mark.parametrize("model", [EmulatedKeysightB2901A, EmulatedKeysightB2911A])
def test_models_of_one_channel_know_no_second(make, model):
    bench = make(model)
    bench.say(":OUTP1 ON")
    assert len(bench.numbers(":MEAS? (@1)")) == 6
    assert bench.refused(":SOUR2:VOLT 1") == -114
    assert bench.refused(":MEAS? (@2)") == -222


# ---------------------------------------------------------------------- formats


def block(answer):
    """Return the bytes of a definite-length block that is all of an answer."""
    digits = int(answer[1:2])
    size, body = int(answer[2 : 2 + digits]), answer[2 + digits : -1]
    assert (answer[:1], answer[-1:], len(body)) == (b"#", b"\n", size)
    return body


@pytest.mark.parametrize(("name", "letter"), [("REAL,32", "f"), ("REAL,64", "d")])
@pytest.mark.parametrize(("order", "sign"), [("NORM", ">"), ("SWAP", "<")])
def test_binary_readings_come_in_a_block_that_says_how_long_it_is(bench, name, letter, order, sign):
    bench.say(":OUTP1 ON", ":OUTP2 ON", ":SOUR1:VOLT 0.1", ":FORM:ELEM:SENS VOLT,CURR,RES")
    expected = bench.numbers(":MEAS? (@1,2)")
    bench.say(f":FORM {name}", f":FORM:BORD {order}")
    assert bench.ask(":FORM?;:FORM:BORD?") == f"{name};{order}"
    found = struct.unpack(f"{sign}6{letter}", block(bench.raw(":MEAS? (@1,2)")))
    np.testing.assert_allclose(found[:2], expected[:2], rtol=1e-6)
    assert np.isnan(found[2])  # resistance was not measured: 9.91e37 as text


def test_a_text_and_a_block_share_a_line(bench):
    bench.say(":FORM REAL,64", ":OUTP1 ON")
    assert bench.raw("*OPC?;:MEAS? (@1);*OPC?") == b"1;#18" + bytes(8) + b";1\n"


# ---------------------------------------------------------------------- ranges and limits


def test_beyond_a_fixed_range_a_reading_overflows_and_nothing_is_limited(bench):
    true_a = bench.chip.conductances[1].sum()
    bench.say(":SENS1:CURR:PROT 1e-4", ":SENS1:CURR:RANG 1e-6", ":FORM:ELEM:SENS CURR,STAT", ":OUTP2 ON")
    bench.say(":SOUR1:VOLT 1")
    assert true_a > 1.06e-6
    ampere, status = bench.numbers(":MEAS? (@1)")
    assert (ampere, int(status) & 1 << 13, int(status) & 1 << 1) == (9.9e37, 1 << 13, 0)
    bench.say(":FORM REAL,64", ":FORM:ELEM:SENS CURR")
    assert struct.unpack(">d", block(bench.raw(":MEAS? (@1)"))) == (np.inf,)
    bench.say(":FORM ASC", ":SENS1:CURR:RANG:AUTO ON")
    assert bench.numbers(":MEAS? (@1)") == [pytest.approx(true_a, rel=1e-4)]


def test_a_range_goes_to_106_percent_of_its_name(bench):
    siemens = bench.chip.conductances[1].sum()
    bench.say(":SENS1:CURR:RANG 1e-7", ":OUTP2 ON")
    for share, beyond in ((1.055, False), (1.065, True)):
        bench.say(f":SOUR1:VOLT {share * 1e-7 / siemens}")
        assert (bench.numbers(":MEAS? (@1)") == [9.9e37]) is beyond


def test_the_range_in_use_is_never_above_the_one_that_holds_the_limit(bench):
    bench.say(":SENS1:CURR:PROT 5e-7", ":SENS1:CURR:RANG 1e-3", ":SENS1:CURR:APER 0.02", ":OUTP2 ON", ":SOUR1:VOLT 0.1")
    true_a = 0.1 * bench.chip.conductances[1].sum()
    assert true_a < 5e-7
    # The 1 uA range resolves 1 pA at one power-line cycle, the 1 mA range 1 nA.
    assert bench.numbers(":MEAS? (@1)") == [pytest.approx(true_a, abs=0.6e-12)]


def test_a_pulsed_channel_measures_in_the_range_of_its_limit(bench):
    pulse(bench, 1, 0.1)
    bench.say(":SENS1:CURR:RANG:AUTO ON", ":SENS1:CURR:PROT 1e-3", ":SENS1:CURR:APER 0.02", ":OUTP2 ON")
    (found,) = bench.numbers(":READ? (@1)")
    assert found == pytest.approx(round(found / 1e-9) * 1e-9, abs=1e-15)  # steps of the 1 mA range


def test_compliance_is_bit_1_of_the_status_and_bit_0_tells_a_current_source(bench):
    bench.say(":FORM:ELEM:SENS STAT", ":SENS1:CURR:PROT 1e-7", ":OUTP2 ON", ":SOUR1:VOLT 1")
    assert int(bench.numbers(":MEAS? (@1)")[0]) == 1 << 1
    bench.say(":SENS1:CURR:PROT 1e-4", ":SOUR1:FUNC:MODE CURR", ":SOUR1:CURR 1e-8", ":OUTP1 ON")
    assert int(bench.numbers(":MEAS? (@1)")[0]) == 1 << 0


def test_positive_and_negative_currents_have_limits_of_their_own(bench):
    bench.say(":SENS1:CURR:PROT:POS 2e-7", ":SENS1:CURR:PROT:NEG -1e-7", ":OUTP2 ON", ":SENS1:CURR:RANG:AUTO ON")
    for volt, limit in ((1, 2e-7), (-1, -1e-7)):
        bench.say(f":SOUR1:VOLT {volt}")
        assert bench.numbers(":MEAS? (@1)") == [pytest.approx(limit)]


def test_output_protection_switches_off_at_the_limit(bench):
    bench.say(":SENS1:CURR:PROT 1e-7", ":OUTP1:PROT ON", ":OUTP2 ON", ":SOUR1:VOLT 1")
    bench.ask(":MEAS? (@1)")
    assert bench.ask(":OUTP1?;:OUTP2?") == "0;1"


def test_automatic_resistance_finds_its_range(bench):
    bench.say(":SENS1:VOLT:PROT 0.6", ":SENS1:FUNC 'RES'", ":SENS1:RES:MODE AUTO", ":SENS1:RES:RANG:AUTO ON")
    bench.say(":FORM:ELEM:SENS RES", ":OUTP2 ON")
    assert bench.numbers(":MEAS? (@1)") == [pytest.approx(1 / bench.chip.conductances[1].sum(), rel=1e-4)]


# ---------------------------------------------------------------------- sweeps and triggers


@pytest.mark.parametrize(
    ("settings", "levels"),
    [
        ((), [0.01, 0.1, 1.0]),
        ((":SOUR1:SWE:DIR DOWN",), [1.0, 0.1, 0.01]),
        ((":SOUR1:SWE:STA DOUB",), [0.01, 0.1, 1.0, 1.0, 0.1, 0.01]),
        ((":SOUR1:SWE:SPAC LIN",), [0.01, 0.505, 1.0]),
    ],
)
def test_a_sweep_goes_through_its_levels(bench, settings, levels):
    bench.say(":SOUR1:VOLT:MODE SWE", ":SOUR1:VOLT:STAR 0.01", ":SOUR1:VOLT:STOP 1", ":SOUR1:VOLT:POIN 3")
    bench.say(":SOUR1:SWE:SPAC LOG", *settings, f":TRIG1:ALL:COUN {len(levels)}", ":FORM:ELEM:SENS SOUR", ":OUTP2 ON")
    np.testing.assert_allclose(bench.numbers(":READ:ARR? (@1)"), levels, rtol=1e-6)


@pytest.mark.parametrize("release", ["*TRG", ":TRIG (@1)", ":TRIG:ALL:IMM (@1)"])
def test_a_start_waits_for_the_bus(bench, release):
    bench.say(":TRIG1:ALL:SOUR BUS", ":TRIG1:ALL:COUN 2", ":INIT (@1)")
    assert bench.ask(":IDLE1?;:IDLE2?") == "0;1"
    assert bench.refused(":INIT (@1)") == -213
    bench.say(release)
    assert bench.ask(":IDLE1?") == "1"
    assert len(bench.numbers(":FETC:ARR? (@1)")) == 2
    assert bench.refused("*TRG") == -211
    bench.say(":INIT (@1)", ":ABOR (@1)")
    assert bench.refused("*TRG") == -211


def test_arm_and_trigger_counts_multiply(bench):
    bench.say(":ARM1:ALL:COUN 2", ":TRIG1:ALL:COUN 3", ":ARM1:ALL:DEL 0.5", ":FORM:ELEM:SENS TIME")
    times = np.array(bench.numbers(":READ:ARR? (@1)"))
    aperture_s = 1 / 50
    np.testing.assert_allclose(np.diff(times), [aperture_s, aperture_s, 0.5 + aperture_s, *[aperture_s] * 2], rtol=1e-5)
    assert bench.refused(":TRIG1:ALL:COUN 50001") == -222


# ---------------------------------------------------------------------- status


def test_the_error_count_has_a_sign(bench):
    assert bench.ask(":SYST:ERR:COUN?") == "+0"
    bench.say(":NONSENSE")
    assert bench.ask(":SYST:ERR:COUN?") == "+1"


def test_what_is_only_stored_is_reset_channel_by_channel(bench):
    asked = ":OUTP1:LOW?;:OUTP2:LOW?;:SENS2:REM?;:SOUR2:WAIT?;:OUTP2:FILT:TCON?"
    bench.say(":OUTP2:LOW FLO", ":SENS2:REM ON", ":SOUR2:WAIT OFF", ":OUTP2:FILT:TCON 1e-4")
    assert bench.ask(asked) == "GRO;FLO;1;0;+1.00000000E-004"
    bench.say("*RST")
    assert bench.ask(asked) == "GRO;GRO;0;1;+5.00000000E-006"


def test_what_the_panel_shows_outlives_a_reset(bench):
    bench.say(":DISP:DIG 5", ":DISP:WIND2:TEXT:DATA 'row 3'", "*RST")
    assert bench.ask(":DISP:DIG?;:DISP:WIND2:TEXT:DATA?;:DISP:TEXT:DATA?") == '5;"row 3";""'


def test_a_layer_for_both_actions_sets_both(bench):
    bench.say(":TRIG2:ALL:DEL 0.5", ":TRIG2:ACQ:DEL 0.25")
    assert bench.ask(":TRIG2:TRAN:DEL?;:TRIG2:ACQ:DEL?") == "+5.00000000E-001;+2.50000000E-001"


@pytest.mark.parametrize(
    "message",
    [
        ":CALC:CLIM:MODE SORT",
        ":CALC:LIM:PASS:DIG 3",
        ":FORM:DIG BIN",
        ":TRIG1:LXI:LAN:LIST?",
        ":CALC1:LIM1:STAT ON",
        ":OUTP1:SAVE 0",
        ":TRIG1:ALL:BYP ONCE",
        ":FORM:SREG HEX",
        ":STAT:MEAS:PTR 0",
        ":LXI:IDEN",
        ":DISP:DATA?",
    ],
)
def test_what_no_crossbar_lab_touches_is_refused_by_name(bench, message):
    assert bench.refused(message) == -113


def test_a_source_wait_sets_pulses_apart_and_makes_none_longer(bench):
    pulse(bench, 1, 1, count=3)
    pulse(bench, 2, -1, count=3)
    for n in (1, 2):
        bench.say(f":SOUR{n}:WAIT ON", f":SOUR{n}:WAIT:AUTO OFF", f":SOUR{n}:WAIT:OFFS 1", f":OUTP{n} ON")
    bench.say(":SENS1:CURR:RANG 1e-3", ":INIT (@1,2)")
    exposures = bench.world.log.of("exposure")
    np.testing.assert_allclose([each["seconds"] for each in exposures], [0.05] * 3)
    np.testing.assert_allclose(np.diff([each["t"] for each in exposures]), [1.05, 1.05])


def test_a_measure_wait_has_a_reading_wait_for_a_new_level_and_takes_one_of_a_pulse_after_its_end(bench, cell):
    bench.say(":OUTP1 ON", ":OUTP2 ON", ":SENS1:WAIT ON", ":SENS1:WAIT:AUTO OFF", ":SENS1:WAIT:OFFS 0.5")
    bench.say(":SENS1:CURR:APER 0.002", ":SOUR1:VOLT 0.1")
    before = bench.world.clock.now()
    bench.ask(":MEAS? (@1)")
    assert bench.world.clock.now() - before == pytest.approx(0.502)
    bench.ask(":MEAS? (@1)")
    assert bench.world.clock.now() - before == pytest.approx(0.504)  # the level is no new one any more
    bench.say(":SOUR1:VOLT 0", ":SOUR1:FUNC:SHAP PULS", ":SOUR1:VOLT:TRIG 0.1", ":SOUR1:PULS:WIDT 0.05", ":INIT (@1)")
    assert bench.numbers(":FETC:ARR? (@1)") == [pytest.approx(0, abs=1e-12)]


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [("GAIN 0", 0.0), ("GAIN 100", 0.01), ("OFFS 0.2", 0.2001), ("AUTO OFF", 0.0), ("STAT OFF", 0.0)],
)
def test_a_wait_is_its_gain_times_what_the_instrument_sets_and_its_offset(make, settings, seconds):
    bench = make()
    bench.say(f":SENS1:WAIT:{settings}", ":SENS1:CURR:APER 1e-3", ":OUTP1 ON", ":SOUR1:VOLT 0.1")
    before = bench.world.clock.now()
    bench.ask(":MEAS? (@1)")
    assert bench.world.clock.now() - before == pytest.approx(1e-3 + seconds)


def test_a_slow_filter_takes_the_peak_off_a_short_pulse(bench):
    pulse(bench, 1, 1, width_s=5e-3)
    bench.say(":OUTP1:FILT:TCON 5e-3", ":SOUR2:VOLT -1", ":OUTP1 ON", ":OUTP2 ON", ":INIT (@1)", ":SOUR2:VOLT 0")
    peaks = [each["volt"] for each in bench.world.log.of("exposure") if each["seconds"] == pytest.approx(5e-3)]
    assert peaks == [pytest.approx(2 - np.exp(-1), rel=1e-6)]


def test_the_filter_is_one_setting_in_seconds_and_in_hertz(bench):
    bench.say(":OUTP1:FILT:FREQ 318.3")
    assert float(bench.ask(":OUTP1:FILT:TCON?")) == pytest.approx(1 / (2 * np.pi * 318.3))


def test_a_sweep_ends_where_it_began_unless_told_otherwise(bench):
    bench.say(
        ":SOUR1:VOLT:MODE LIST", ":SOUR1:LIST:VOLT 0.1,0.2", ":TRIG1:ALL:COUN 2", ":SOUR1:VOLT 0.05", ":INIT (@1)"
    )
    assert float(bench.ask(":SOUR1:VOLT?")) == 0.05
    bench.say(":SOUR1:FUNC:TRIG:CONT ON", ":INIT (@1)")
    assert float(bench.ask(":SOUR1:VOLT?")) == 0.2


def test_an_open_sense_line_runs_away_on_the_channel_that_senses_by_it_whenever_it_begins_to(bench):
    bench.world.damage = Damage(np.random.default_rng(1))
    bench.world.damage.run_away_v = {"smu.a": 20.0, "smu.b": 20.0}
    bench.say(":OUTP1 ON", ":OUTP2 ON", ":SOUR1:VOLT 0.1", ":SOUR2:VOLT 0.1")
    assert bench.world.terminal("smu.a").level_v == 0.1
    bench.say(":SENS1:REM ON")
    assert [bench.world.terminal(f"smu.{each}").level_v for each in "ab"] == [20, 0.1]


def test_the_integration_time_is_a_tenth_of_a_power_line_cycle_and_ends_where_page_4_73_says(make):
    bench = make()
    asked = ":SENS1:CURR:APER?;:SENS1:CURR:NPLC?;:SENS1:CURR:APER:AUTO?"
    assert bench.ask(asked) == "+2.00000000E-003;+1.00000000E-001;1"  # 0.1 / 50 Hz
    for sent, aperture in (("APER 1e-9", "+8.00000000E-006"), ("NPLC 1000", "+2.00000000E+000"), ("NPLC DEF", None)):
        bench.say(f":SENS1:CURR:{sent}")
        assert bench.ask(":SENS1:CURR:APER?") == (aperture or "+2.00000000E-003")
    assert bench.error() == 0


def test_a_list_by_timers_is_read_as_a_traced_b2912a_read_it(make):
    """Twenty levels of 50 ms, 101 readings at 10 ms: five of each level, the first of them within 1.3 % of the step."""
    levels = [5, 4.7, 4.4, 4.1, 3.8, 3.5, 3.2, 2.9, 2.6, 2.3, 2, *(2 - (n + 1) / 9 for n in range(9))]
    bench = make(EmulatedKeysightB2912A)
    assert bench.ask("*RST;*OPC?") == "1"
    bench.say("SOUR1:VOLT:RANG:AUTO 0", "SOUR1:VOLT:RANG 20", "SOUR1:VOLT:TRIG 2", "SOUR1:FUNC:MODE VOLT", "OUTP1 1")
    bench.say(f"SOUR1:LIST:VOLT {','.join(map(repr, levels))}", "SOUR1:VOLT:MODE LIST", "TRIG1:TRAN:SOUR TIMer")
    bench.say("TRIG1:TRAN:TIM 0.05", "TRIG1:TRAN:COUN 20")
    assert bench.ask("SOUR1:LIST:VOLT?").startswith("+5.00000000E+000,+4.70000000E+000,")
    assert bench.ask("TRIG1:TRAN:TIM?") == "+5.00000000E-002"
    bench.say("TRIG1:ACQ:SOUR TIMer", "TRIG1:ACQ:COUN 101", "TRIG1:ACQ:TIM 0.01", "INIT (@1)", "FORM REAL,64")
    found = bench.raw("FETC:ARR:VOLT? (@1)")
    assert found.startswith(b"#3808")
    volts = struct.unpack(">101d", found[5:-1])
    np.testing.assert_allclose(volts[:100], np.repeat(levels, 5), atol=5 * 0.013)
    assert bench.raw("FETC:ARR:CURR? (@1)").startswith(b"#3808")
    assert bench.error() == 0


@pytest.mark.parametrize(("model", "shortest"), [(EmulatedKeysightB2902A, "2e-5"), (EmulatedKeysightB2912A, "1e-5")])
def test_triggers_come_no_faster_than_the_data_sheet_says(make, model, shortest):
    bench = make(model)
    bench.say(f":TRIG1:ALL:TIM {shortest}", ":ARM1:ALL:TIM MIN")
    assert [float(each) for each in bench.ask(":TRIG1:TRAN:TIM?;:ARM1:ACQ:TIM?").split(";")] == [float(shortest)] * 2
    assert bench.refused(":TRIG1:ALL:TIM 9e-6") == -222
    assert bench.refused(":TRIG1:ALL:TIM 1.9e-5") == (-222 if shortest == "2e-5" else 0)
