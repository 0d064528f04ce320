import struct

import numpy as np
import pytest

import crossbar_hil
from crossbar_hil.plugins import load
from crossbar_hil.sim_backend.emulation.models.keithley2400.model import EmulatedKeithley2400
from crossbar_hil.sim_backend.emulation.models.keithley7001.model import EmulatedKeithley7001
from crossbar_hil.sim_backend.emulation.world.world import World


@pytest.fixture
def make(talk):
    """Make a 2400 on row 0, every column at the return unless said otherwise."""

    def made(columns=("lo", "lo", "lo", "lo"), **options):
        wires = [("smu.a.hi", "row.0"), *((f"column.{number}", node) for number, node in enumerate(columns) if node)]
        return talk(EmulatedKeithley2400, wires, **options)

    return made


@pytest.fixture
def bench(make):
    return make()


MANUAL = (":SYST:AZER OFF", ":SENS:CURR:PROT 1e-4", ":SENS:CURR:RANG 1e-5", ":SENS:CURR:NPLC 1", ":SOUR:DEL 0")


def test_the_identity_has_the_fields_of_page_16_3(bench):
    maker, model, serial, _ = bench.ask("*IDN?").split(",")
    assert (maker, model, serial) == ("KEITHLEY INSTRUMENTS INC.", "MODEL 2400", "1234567")


def test_reset_values_are_those_of_page_1_18(bench):
    assert bench.ask(":SOUR:FUNC?;:SENS:CURR:PROT?;:SENS:CURR:RANG?;:SENS:CURR:RANG:AUTO?") == (
        "VOLT;+1.050000E-04;+1.050000E-04;1"
    )
    assert bench.ask(":SOUR:DEL?;:SOUR:DEL:AUTO?;:OUTP:SMOD?;:SOUR:CLE:AUTO?;:TRIG:COUN?;:ARM:COUN?") == (
        "+1.000000E-03;1;NORM;0;1;1"
    )


def test_a_reading_is_the_current_of_the_whole_row(bench):
    bench.say(*MANUAL, ":OUTP ON", ":SOUR:VOLT 0.1")
    expected = 0.1 * bench.chip.conductances[0].sum()
    volt, ampere, ohm, _, status = bench.numbers(":READ?")
    assert ampere == pytest.approx(expected, abs=0.5e-11)  # the 10 uA range over 1e6, halved by rounding
    assert (volt, ohm) == (0.1, 9.91e37)
    assert int(status) & (1 << 12)
    assert int(status) & (1 << 14)
    assert not int(status) & (1 << 3)


def test_elements_come_in_the_order_of_figure_18_1(bench):
    bench.say(":FORM:ELEM STAT, CURR,VOLT", ":SENS:FUNC 'VOLT'", ":OUTP ON", ":SOUR:VOLT 0.2")
    volt, ampere, status = bench.numbers(":READ?")
    assert volt == 0.2
    assert 0 < ampere < 1e-5
    assert status > 1000
    assert bench.ask(":FORM:ELEM?") == "VOLT,CURR,STAT"


def test_resistance_is_voltage_over_current_when_measured(bench):
    bench.say(*MANUAL, ":SENS:FUNC 'VOLT','CURR','RES'", ":OUTP ON", ":SOUR:VOLT 0.1")
    volt, ampere, ohm, *_ = bench.numbers(":READ?")
    assert ohm == pytest.approx(volt / ampere, rel=1e-6)


def test_reading_with_the_output_off_is_error_803(bench):
    assert bench.ask(":READ?") == ""
    assert bench.ask(":SYST:ERR?") == '+803,"Not permitted with OUTPUT off"'
    bench.say(":INIT")
    assert bench.error() == 803


def test_measure_turns_the_output_on_and_resets_the_trigger_model(bench):
    bench.say(*MANUAL, ":TRIG:COUN 5", ":SOUR:VOLT 0.1")
    assert len(bench.numbers(":MEAS:CURR?")) == 5
    assert bench.ask(":OUTP?;:TRIG:COUN?;:SYST:AZER?;:SENS:CURR:RANG:AUTO?") == "1;1;1;1"


def test_compliance_clamps_the_current_and_is_reported(bench):
    bench.say(*MANUAL, ":SENS:CURR:PROT 5e-7", ":OUTP ON", ":SOUR:VOLT 1", ":FORM:ELEM CURR,STAT")
    ampere, status = bench.numbers(":READ?")
    assert ampere == pytest.approx(5e-7, abs=1e-11)
    assert int(status) & 1 << 3
    assert bench.ask(":SENS:CURR:PROT:TRIP?") == "1"
    assert int(bench.ask(":STAT:MEAS?")) & 1 << 14


def test_a_fixed_range_clamps_at_105_percent_below_the_compliance(make):
    bench = make()
    bench.say(*MANUAL, ":SENS:CURR:RANG 1e-6", ":OUTP ON", ":SOUR:VOLT 1", ":FORM:ELEM CURR,STAT")
    assert 1.05e-6 < bench.chip.conductances[0].sum() < 1e-4
    ampere, status = bench.numbers(":READ?")
    assert ampere == pytest.approx(1.05e-6, rel=1e-9)
    assert int(status) & 1 << 16
    assert not int(status) & 1 << 3
    bench.say(":SENS:CURR:RANG:AUTO ON")
    assert bench.numbers(":READ?")[0] == pytest.approx(bench.chip.conductances[0].sum(), rel=1e-5)


def test_whether_the_trip_query_tells_of_range_compliance_can_be_chosen(make):
    for told, expected in ((True, "1"), (False, "0")):
        bench = make(trip_reports_range=told)
        bench.say(*MANUAL, ":SENS:CURR:RANG 1e-6", ":OUTP ON", ":SOUR:VOLT 1")
        assert bench.ask(":SENS:CURR:PROT:TRIP?") == expected


def test_a_range_above_that_of_the_compliance_is_error_824(bench):
    bench.say(":SENS:CURR:RANG 1e-2")
    assert bench.ask(":SYST:ERR?") == '+824,"Cannot exceed compliance range"'
    bench.say(":SENS:CURR:PROT 1e-2", ":SENS:CURR:RANG 1e-2")
    assert bench.error() == 0
    assert bench.ask(":SENS:CURR:RANG?") == "+1.050000E-02"


def test_a_compliance_below_a_thousandth_of_the_range_is_refused(bench):
    bench.say(":SENS:CURR:PROT 1e-3", ":SENS:CURR:RANG 1e-3", ":SENS:CURR:PROT 9e-7")
    assert bench.ask(":SYST:ERR?") == '+822,"Too small for sense range"'
    assert bench.ask(":SENS:CURR:PROT?") == "+1.000000E-03"


def test_ohms_guard_and_the_1_ampere_range_exclude_each_other(bench):
    bench.say(":SENS:CURR:PROT 1", ":SYST:GUAR OHMS")
    assert bench.ask(":SYST:ERR?") == '+827,"Invalid with ohms guard on"'
    bench.say(":SENS:CURR:PROT 0.1", ":SYST:GUAR OHMS")
    assert bench.error() == 0
    bench.say(":SENS:CURR:PROT 1")
    assert bench.error() == 827
    assert bench.ask(":SYST:GUAR?;:SENS:CURR:PROT?") == "OHMS;+1.000000E-01"


def test_with_the_ohms_guard_on_the_other_columns_one_cell_is_read(make):
    bench = make(columns=("lo", "smu.a.guard", "smu.a.guard", "smu.a.guard"))
    bench.say(*MANUAL, ":SENS:CURR:RANG 1e-6", ":SYST:GUAR OHMS", ":OUTP ON", ":SOUR:VOLT 0.1", ":FORM:ELEM CURR")
    assert bench.numbers(":READ?")[0] == pytest.approx(0.1 * bench.chip.conductances[0, 0], abs=1e-12)


def test_a_guarded_column_gives_the_sum_of_the_rows_that_are_on(talk):
    # HI on column 1; rows 0 and 2 at the return; all else at the guard.
    wires = [("smu.a.hi", "column.1"), *(("smu.a.guard", f"column.{other}") for other in (0, 2, 3))]
    rows = [(f"row.{row}", node) for row, node in enumerate(("lo", "smu.a.guard", "lo", "smu.a.guard"))]
    bench = talk(EmulatedKeithley2400, [*wires, *rows])
    bench.say(*MANUAL, ":SYST:GUAR OHMS", ":OUTP ON", ":SOUR:VOLT -0.1", ":FORM:ELEM CURR")
    on = np.array([1, 0, 1, 0])
    assert -bench.numbers(":READ?")[0] == pytest.approx(0.1 * (on @ bench.chip.conductances)[1], abs=1e-11)


def test_floating_lines_read_the_sneak_currents_too(make):
    bench = make(columns=("lo", None, None, None))
    bench.say(*MANUAL, ":OUTP ON", ":SOUR:VOLT 0.1", ":FORM:ELEM CURR")
    # One port of the weighted Laplacian of all eight lines (Schur complement).
    g = bench.chip.conductances
    laplacian = np.zeros((8, 8))
    laplacian[:4, 4:], laplacian[4:, :4] = -g, -g.T
    laplacian -= np.diag(laplacian.sum(axis=1))
    kept, rest = [0, 4], [1, 2, 3, 5, 6, 7]
    inner = np.linalg.solve(laplacian[np.ix_(rest, rest)], laplacian[np.ix_(rest, kept)])
    seen = -(laplacian[np.ix_(kept, kept)] - laplacian[np.ix_(kept, rest)] @ inner)[0, 1]
    assert seen > 1.5 * g[0, 0]
    assert bench.numbers(":READ?")[0] == pytest.approx(0.1 * seen, rel=1e-3)


@pytest.mark.parametrize(("azero", "conversions"), [("ON", 3), ("OFF", 1)])
def test_a_cycle_takes_latency_delay_and_integration(azero, conversions, make):
    bench = make(line_hz=50, processing_s=0)
    bench.say(":OUTP ON", f":SYST:AZER {azero}", ":SENS:CURR:RANG 1e-4", ":SOUR:DEL 0.05", ":SENS:CURR:NPLC 0.1")
    before = bench.world.clock.now()
    bench.ask(":READ?")
    assert bench.world.clock.now() - before == pytest.approx(1e-4 + 0.05 + conversions * 0.1 / 50)


def test_short_readings_come_1551_times_a_second_at_60_hz(make):
    bench = make(line_hz=60)
    bench.say(":OUTP ON", ":SYST:AZER OFF", ":SENS:CURR:RANG 1e-4", ":SOUR:DEL 0", ":SENS:CURR:NPLC 0.01")
    bench.say(":TRIG:COUN 1551")
    before = bench.world.clock.now()
    assert len(bench.ask(":READ?").split(",")) == 5 * 1551
    assert bench.world.clock.now() - before == pytest.approx(1.0)


def test_a_reading_that_changes_range_repeats_its_cycle(make):
    bench = make(processing_s=0)
    bench.say(":SYST:AZER OFF", ":SOUR:DEL 0.05", ":OUTP ON", ":SOUR:VOLT 0.1")
    before = bench.world.clock.now()
    bench.ask(":READ?")  # from the 100 uA range to the 1 uA range
    assert bench.world.clock.now() - before == pytest.approx(1e-4 + 2 * (0.05 + 0.02))
    assert bench.ask(":SENS:CURR:RANG?") == "+1.050000E-06"


def test_a_new_level_comes_7_ms_after_its_command_on_a_fixed_range_and_10_ms_on_auto(bench):
    bench.say(":OUTP ON")
    before = bench.world.clock.now()
    bench.say(":SOUR:VOLT 0.1")
    assert bench.world.clock.now() - before == pytest.approx(0.010)
    bench.say(":SOUR:VOLT:RANG 2", ":SOUR:VOLT 0.2")
    assert bench.world.clock.now() - before == pytest.approx(0.017)


@pytest.mark.parametrize(
    ("state", "expected"),
    [("NORM", ("normal", 5e-7)), ("ZERO", ("zero", None)), ("HIMP", ("highz", None)), ("GUAR", ("highz", None))],
)
def test_each_off_state_is_its_own_at_the_terminals(bench, state, expected):
    bench.say(f":OUTP:SMOD {state}")
    terminal = bench.world.terminal("smu.a")
    assert terminal.off_state == expected[0]
    if expected[1]:
        assert terminal.off_limit_a == pytest.approx(expected[1])  # 0.5 % of the 100 uA range
    assert bench.ask(":OUTP:SMOD?") == state


def test_after_high_impedance_the_output_relay_needs_15_ms(bench):
    bench.say(":OUTP:SMOD HIMP")
    before = bench.world.clock.now()
    bench.say(":OUTP ON")
    assert bench.world.clock.now() - before == pytest.approx(0.015)


def test_a_level_beyond_a_fixed_range_is_refused(bench):
    bench.say(":SOUR:VOLT:RANG 2", ":SOUR:VOLT 2.11")
    assert bench.error() == -222
    bench.say(":SOUR:VOLT 2.1")
    assert bench.error() == 0
    bench.say(":SOUR:VOLT:RANG 0.2")
    assert bench.error() == -221


def test_ranges_go_up_and_down_by_name(bench):
    bench.say(":SOUR:VOLT:RANG UP")
    assert bench.ask(":SOUR:VOLT:RANG?;:SOUR:VOLT:RANG:AUTO?") == "+2.100000E+02;0"
    bench.say(":SOUR:VOLT:RANG DOWN", ":SOUR:VOLT:RANG DOWN")
    assert bench.ask(":SOUR:VOLT:RANG?") == "+2.100000E+00"
    bench.say(":SOUR:VOLT:RANG MIN")
    assert bench.ask(":SOUR:VOLT:RANG?;:SOUR:VOLT? MAX") == "+2.100000E-01;+2.100000E+02"


def test_an_auto_off_reading_is_a_pulse_of_delay_and_integration(make):
    bench = make(columns=("lo", "lo", "lo", "lo"))
    bench.say(*MANUAL, ":OUTP:SMOD ZERO", ":SOUR:CLE:AUTO ON", ":SENS:CURR:RANG 1e-4", ":SENS:CURR:NPLC 0.01")
    bench.say(":SOUR:VOLT 2", ":SOUR:DEL 0.0498")
    bench.ask(":READ?")
    pulse = bench.world.log.of("exposure")[0]
    assert pulse["volt"] == pytest.approx(2)
    assert pulse["seconds"] == pytest.approx(0.0498 + 0.01 / 50)
    assert bench.ask(":OUTP?") == "0"
    np.testing.assert_array_equal(bench.chip.levels[0], [1, 1, 1, 1])


def test_a_list_sweep_gives_one_record_a_point_and_ends_at_its_last_level(bench):
    bench.say(*MANUAL, ":SENS:CURR:RANG 1e-4", ":SOUR:LIST:VOLT 0,0.1,0.2", ":SOUR:LIST:VOLT:APP 0", ":TRIG:COUN 4")
    bench.say(":SOUR:VOLT:MODE LIST", ":FORM:ELEM VOLT,CURR", ":OUTP ON")
    found = np.reshape(bench.numbers(":READ?"), (4, 2))
    np.testing.assert_allclose(found[:, 0], [0, 0.1, 0.2, 0])
    np.testing.assert_allclose(found[:, 1], found[:, 0] * bench.chip.conductances[0].sum(), atol=1e-10)
    assert bench.ask(":SOUR:LIST:VOLT:POIN?;:SOUR:VOLT?") == "4;+0.000000E+00"


def test_what_a_list_sweep_leaves_at_the_output_can_be_chosen(make):
    for option, level in (("last", 0.3), ("fixed", 0.1)):
        bench = make(level_after_list=option)
        bench.say(":SOUR:VOLT 0.1", ":SOUR:LIST:VOLT 0.2,0.3", ":SOUR:VOLT:MODE LIST", ":TRIG:COUN 2", ":OUTP ON")
        bench.ask(":READ?")
        assert bench.world.terminal("smu.a").level_v == level


def test_a_staircase_has_its_points(bench):
    bench.say(":SOUR:VOLT:STAR 0", ":SOUR:VOLT:STOP 0.4", ":SOUR:VOLT:STEP 0.1", ":SOUR:VOLT:MODE SWE")
    bench.say(":TRIG:COUN 5", ":FORM:ELEM VOLT", ":OUTP ON")
    assert bench.ask(":SOUR:SWE:POIN?") == "5"
    np.testing.assert_allclose(bench.numbers(":READ?"), [0, 0.1, 0.2, 0.3, 0.4])


def test_arm_times_trigger_count_is_at_most_2500(bench):
    bench.say(":TRIG:COUN 100", ":ARM:COUN 26")
    assert bench.error() == -222
    bench.say(":ARM:COUN 25")
    assert bench.error() == 0


def test_a_bus_trigger_starts_what_waits(bench):
    bench.say(":ARM:SOUR BUS", ":OUTP ON", ":INIT")
    assert bench.ask(":FETC?") == ""
    assert bench.error() == -230
    bench.say("*TRG")
    assert len(bench.numbers(":FETC?")) == 5
    assert bench.ask(":READ?") == ""
    assert bench.error() == -214


def test_a_current_source_holds_its_current_up_to_its_voltage_limit(bench):
    bench.say(":SOUR:FUNC CURR", ":SENS:FUNC 'VOLT'", ":SOUR:CURR 1e-7", ":SENS:VOLT:PROT 2", ":OUTP ON")
    bench.say(":FORM:ELEM VOLT")
    assert bench.numbers(":READ?")[0] == pytest.approx(1e-7 / bench.chip.conductances[0].sum(), rel=1e-3)
    assert bench.ask(":SENS:VOLT:PROT:TRIP?") == "0"
    bench.say(":SOUR:CURR 1e-3", ":SENS:VOLT:PROT 0.1")
    assert bench.numbers(":READ?")[0] == pytest.approx(0.1)
    assert bench.ask(":SENS:VOLT:PROT:TRIP?") == "1"


def test_noise_comes_only_from_a_generator(make):
    quiet, noisy = make(), make(rng=np.random.default_rng(3))
    for each in (quiet, noisy):
        each.say(*MANUAL, ":OUTP ON", ":SOUR:VOLT 0.1", ":TRIG:COUN 50", ":FORM:ELEM CURR")
    assert len(set(quiet.numbers(":READ?"))) == 1
    spread = np.std(noisy.numbers(":READ?"))
    assert 0.5e-11 < spread < 2e-11  # one step of the 10 uA range


def test_the_voltage_below_the_threshold_leaves_the_chip_alone(bench):
    bench.say(*MANUAL, ":OUTP ON", ":SOUR:VOLT 1")
    bench.ask(":READ?")
    bench.say(":OUTP OFF")
    assert not bench.chip.levels.any()


def test_a_pulse_through_a_matrix_moves_exactly_one_cell():
    chip = crossbar_hil.open_bench(seed=1)
    world = World(chip)
    smu, matrix = EmulatedKeithley2400(world, "smu"), EmulatedKeithley7001(world, "matrix")
    # Matrix rows: HI, return, middle of a divider. Columns 1-4 rows, 5-8 columns of the chip.
    world.add_wire("matrix.row.1.1", "smu.a.hi")
    world.add_wire("matrix.row.1.2", "lo")
    world.add_wire("matrix.row.1.3", "half")
    world.add_resistor("smu.a.hi", "half", 1e3)
    world.add_resistor("half", "lo", 1e3)
    for number in range(4):
        world.add_wire(f"matrix.column.1.{number + 1}", f"row.{number}")
        world.add_wire(f"matrix.column.1.{number + 5}", f"column.{number}")
    row, column = 2, 1
    ports = {row + 1: 1, column + 5: 2}
    channels = ",".join(f"1!{ports.get(line, 3)}!{line}" for line in range(1, 9))
    assert matrix.receive(f":CLOS (@{channels});*OPC?") == b"1\n"
    for message in (
        *MANUAL,
        ":SENS:CURR:PROT 1e-2",
        ":SENS:CURR:RANG 1e-2",
        ":SENS:CURR:NPLC 0.01",
        ":SOUR:DEL 0.0493",
    ):
        smu.receive(message)
    for message in (":SOUR:LIST:VOLT 0,2,0", ":SOUR:VOLT:MODE LIST", ":TRIG:COUN 3", ":OUTP ON", ":READ?", ":OUTP OFF"):
        smu.receive(message)
    matrix.receive(":OPEN ALL")
    assert smu.receive(":SYST:ERR?") == b'0,"No error"\n'
    moved = np.zeros((4, 4))
    moved[row, column] = 1
    np.testing.assert_array_equal(chip.levels, moved)
    assert not world.log.of("violation")


@pytest.fixture
def resistor(talk):
    """Make a 2400 with 100 kohm across its terminals."""
    found = talk(EmulatedKeithley2400)
    found.world.add_resistor("smu.a.hi", "lo", 100e3)
    return found


@pytest.mark.parametrize(("order", "sign"), [("NORM", ">"), ("SWAP", "<")])
def test_binary_readings_are_single_numbers_after_a_header_of_two_bytes(resistor, order, sign):
    resistor.say(":FORM REAL,32", f":FORM:BORD {order}", ":FORM:ELEM VOLT,CURR", ":OUTP ON", ":SOUR:VOLT 0.5")
    answer = resistor.raw(":READ?")
    assert answer[:2] == b"#0"  # Figure 18-2
    assert answer[-1:] == b"\n"
    assert struct.unpack(f"{sign}2f", answer[2:-1]) == pytest.approx((0.5, 5e-6))
    assert resistor.raw(":FETC?") == answer
    assert resistor.ask(":SENS:DATA:LAT?").startswith("+5.000000E-01,+5.0")  # not among those of page 18-47


def test_the_bench_defaults_swap_the_bytes_and_a_reset_does_not(bench):
    bench.say(":SYST:PRES")
    assert bench.ask(":FORM:BORD?") == "SWAP"
    bench.say("*RST")
    assert bench.ask(":FORM:BORD?;:FORM?") == "NORM;ASC"
    assert bench.refused(":FORM REAL,64") == -224


def test_a_list_of_currents_makes_voltages(resistor):
    resistor.say(":SOUR:FUNC CURR", ":SENS:FUNC 'VOLT'", ":SOUR:LIST:CURR 1e-6,2e-6,3e-6", ":SOUR:CURR:MODE LIST")
    resistor.say(":TRIG:COUN 3", ":FORM:ELEM VOLT", ":OUTP ON")
    assert resistor.numbers(":READ?") == pytest.approx([0.1, 0.2, 0.3], rel=1e-4)


@pytest.mark.parametrize(("direction", "volts"), [("UP", [0.01, 0.1, 1]), ("DOWN", [1, 0.1, 0.01])])
def test_a_logarithmic_staircase_multiplies_and_may_come_down(resistor, direction, volts):
    resistor.say(":SOUR:VOLT:STAR 0.01", ":SOUR:VOLT:STOP 1", ":SOUR:SWE:SPAC LOG", ":SOUR:SWE:POIN 3")
    resistor.say(f":SOUR:SWE:DIR {direction}", ":SOUR:VOLT:MODE SWE", ":TRIG:COUN 3", ":FORM:ELEM VOLT", ":OUTP ON")
    assert resistor.numbers(":READ?") == pytest.approx(volts)


@pytest.mark.parametrize(("when", "readings"), [("NEV", 5), ("LATE", 3), ("EARL", 2)])
def test_a_sweep_may_end_at_compliance(resistor, when, readings):
    # 0 to 0.4 V over 100 kohm with 1.5 uA: the third level is the first that is limited.
    resistor.say(":SENS:CURR:PROT 1.5e-6", ":SOUR:VOLT:STOP 0.4", ":SOUR:SWE:POIN 5", ":SOUR:VOLT:MODE SWE")
    resistor.say(f":SOUR:SWE:CAB {when}", ":TRIG:COUN 5", ":FORM:ELEM CURR", ":OUTP ON")
    assert len(resistor.numbers(":READ?")) == readings


def test_a_repeating_filter_takes_as_long_as_it_counts(make):
    bench = make(line_hz=50, processing_s=0)
    bench.say(":OUTP ON", ":SYST:AZER OFF", ":SENS:CURR:RANG 1e-4", ":SOUR:DEL 0", ":SENS:AVER:COUN 5", ":SENS:AVER ON")
    for control, conversions in (("REP", 5), ("MOV", 1)):
        bench.say(f":SENS:AVER:TCON {control}")
        before = bench.world.clock.now()
        bench.ask(":READ?")
        assert bench.world.clock.now() - before == pytest.approx(1e-4 + conversions / 50)


def test_automatic_resistance_sources_the_current_of_its_range(resistor):
    resistor.say(":SENS:FUNC 'RES'", ":SENS:RES:RANG 2e5", ":FORM:ELEM VOLT,RES,STAT", ":OUTP ON", ":SOUR:VOLT 0.1")
    assert resistor.world.terminal("smu.a").limit_a == pytest.approx(1e-5)  # data sheet: 10 uA on 200 kohm
    volt, ohm, status = resistor.numbers(":SENS:FUNC 'VOLT';:READ?")
    assert (volt, ohm) == pytest.approx((1.0, 1e5), rel=1e-4)
    assert int(status) & 1 << 10
    resistor.say(":SENS:RES:MODE MAN")
    volt, ohm, status = resistor.numbers(":READ?")
    assert (volt, ohm) == pytest.approx((0.1, 1e5), rel=1e-3)
    assert not int(status) & 1 << 10


def test_an_endless_arm_count_goes_on_until_it_is_aborted(resistor):
    resistor.say(":ARM:COUN INF", ":OUTP ON", ":FORM:ELEM TIME", ":INIT")
    assert resistor.ask(":ARM:COUN?") == "+9.900000E+37"
    first, second = resistor.numbers(":SENS:DATA?"), resistor.numbers(":SENS:DATA?")
    assert second > first
    assert resistor.refused(":INIT") == -213
    assert [resistor.refused(each) for each in (":READ?", ":FETC?")] == [830, 830]  # page 18-118
    resistor.say(":ABOR", ":ARM:COUN 1")
    assert resistor.numbers(":FETC?") == resistor.numbers(":FETC?")


def test_only_the_bus_is_triggered_by_a_bus_trigger(bench):
    assert bench.refused("*TRG") == -211
    bench.say(":ARM:SOUR TLIN", ":OUTP ON", ":INIT")
    assert bench.ask(":STAT:OPER:COND?") == "64"  # appendix B: waiting for arm
    assert bench.refused("*TRG") == -211
    bench.say(":ABOR")
    assert bench.ask(":STAT:OPER:COND?") == "1024"


def test_the_buffer_stops_when_full_and_times_its_readings_against_the_first(resistor):
    resistor.say(":TRAC:POIN 3", ":TRAC:FEED:CONT NEXT", ":TRIG:COUN 5", ":FORM:ELEM TIME", ":OUTP ON", ":INIT")
    assert resistor.ask(":TRAC:POIN:ACT?;:TRAC:FEED:CONT?") == "3;NEV"
    absolute = resistor.numbers(":TRAC:DATA?")
    resistor.say(":TRAC:TST:FORM DELT")
    assert absolute[0] == 0
    assert resistor.numbers(":TRAC:DATA?") == pytest.approx([0, absolute[1], absolute[2] - absolute[1]])
    assert resistor.refused(":TRAC:FEED:CONT NEXT;:TRAC:POIN 9") == -221


def test_statistics_are_those_of_a_sample(resistor):
    resistor.say(":SENS:FUNC 'VOLT'", ":FORM:ELEM VOLT", ":TRAC:POIN 3", ":TRAC:FEED:CONT NEXT", ":OUTP ON")
    for level in (0.1, 0.2, 0.6):
        resistor.say(f":SOUR:VOLT {level}")
        resistor.ask(":READ?")
    # Mean 0.3, deviations -0.2, -0.1, 0.3: sum of squares 0.14 over n - 1.
    for name, value in (("MEAN", 0.3), ("MAX", 0.6), ("MIN", 0.1), ("PKPK", 0.5), ("SDEV", 0.07**0.5)):
        assert resistor.numbers(f":CALC3:FORM {name};:CALC3:DATA?") == [pytest.approx(value, rel=1e-5)]


def test_a_text_on_the_display_has_its_length(bench):
    bench.say(':DISP:TEXT "cell 3 of 16"', ":DISP:TEXT:STAT ON")
    assert bench.ask(":DISP:TEXT?") == '"cell 3 of 16"'
    assert bench.refused(f":DISP:TEXT '{'x' * 21}'") == -223


def test_what_is_only_stored_is_reset_like_a_setting_and_the_panel_outlives_it(bench):
    asked = ":SOUR:VOLT:PROT?;:TRIG:OUTP?;:SYST:RCM?;:SOUR2:TTL?;:DISP:DIG?;:DISP:ENAB?"
    bench.say(":SOUR:VOLT:PROT 40", ":TRIG:OUTP SOUR,DEL", ":SYST:RCM MULT", ":SOUR2:TTL 3", ":DISP:DIG 4;ENAB OFF")
    assert bench.ask(asked) == "+4.000000E+01;SOUR,DEL;MULT;3;4;0"
    bench.say("*RST")
    assert bench.ask(asked) == "+2.100000E+02;NONE;SING;15;6;0"  # tables 18-2, 18-7, 18-9 and 18-11
    assert bench.ask(":SOUR:VOLT:PROT? MAX;:SOUR:VOLT:PROT? DEF") == "+2.100000E+02;+2.100000E+02"


@pytest.mark.parametrize(
    "message",
    [
        ":CALC:MATH?",
        ":SYST:KEY 23",
        ":DISP:ATTR?",
        ":FORM:SOUR2 HEX",
    ],
)
def test_what_no_crossbar_lab_touches_is_an_undefined_header(bench, message):
    assert bench.refused(message) == -113


# ---------------------------------------------------------------------- a client that nobody here wrote


@pytest.fixture
def pymeasure_smu(bench, over_visa):
    from pymeasure.instruments.keithley import Keithley2400 as Client

    return Client(over_visa(bench.box))


def test_pymeasure_sources_and_measures(bench, pymeasure_smu):
    client = pymeasure_smu
    client.source_mode = "voltage"
    client.source_voltage_range = 2
    client.compliance_current = 1e-4
    client.current_range = 1e-5
    client.current_nplc = 1
    client.source_delay = 0.001
    client.source_voltage = 0.1
    client.output_off_state = "ZERO"
    client.enable_source()
    assert client.current == pytest.approx(0.1 * bench.chip.conductances[0].sum(), rel=1e-4)
    assert client.measure_all()["voltage"] == pytest.approx(0.1)
    assert client.source_enabled is True
    assert client.output_off_state in {"zero", "ZERO"}
    client.disable_source()
    assert client.source_enabled is False
    assert client.check_errors() == []


def test_pymeasure_asks_and_sets_everything_it_has(pymeasure_smu):
    client = pymeasure_smu
    assert client.id.startswith("KEITHLEY INSTRUMENTS INC.,MODEL 2400")
    for name, value in {
        "auto_output_off_enabled": True,
        "auto_zero_enabled": False,
        "filter_enabled": True,
        "filter_count": 7,
        "repeat_filter_enabled": False,
        "current_range_auto_enabled": True,
        "source_voltage_range_auto_enabled": True,
        "source_delay_auto_enabled": True,
        "trigger_count": 4,
        "arm_count": 3,
        "trigger_delay": 0.5,
        "line_frequency": 60,
        "display_enabled": False,
        "wires": 4,
        "terminals_used": "rear",
    }.items():
        if hasattr(type(client), name):
            setattr(client, name, value)
            assert getattr(client, name) == value, name
    client.beep(440, 0.1)
    assert client.check_errors() == []


def test_pymeasure_fills_a_buffer(bench, pymeasure_smu):
    client = pymeasure_smu
    for message in (":OUTP ON", ":SOUR:VOLT 0.1", ":FORM:ELEM CURR"):
        client.write(message)
    client.config_buffer(points=5)
    client.start_buffer()
    client.wait_for_buffer(timeout=60)
    np.testing.assert_allclose(client.buffer_data, 0.1 * bench.chip.conductances[0].sum(), rtol=1e-4)
    assert client.ask(":CALC3:FORM MEAN;:CALC3:DATA?")


# ---------------------------------------------------------------------- as strict as the manual


def test_a_level_in_list_mode_is_refused_and_ends_its_message(bench):
    # Pages 18-78 and B-9.
    bench.say(":SOUR:VOLT:MODE LIST")
    assert bench.ask(":SOUR:VOLT 1;:SOUR:VOLT:MODE FIX;:SYST:ERR?") == ""
    assert bench.ask(":SYST:ERR?").startswith("-221")
    assert bench.ask(":SOUR:VOLT:MODE?;:SOUR:VOLT?") == "LIST;+0.000000E+00"


@pytest.mark.parametrize(("ranging", "full", "seen"), [("BEST", 21.0, 5.0), ("AUTO", 0.21, 5.0), ("FIX", 2.1, 2.1)])
def test_the_source_range_follows_a_list_unless_it_is_fixed_where_levels_end_at_what_it_holds(
    bench, ranging, full, seen
):
    # Page 18-83.
    bench.say(*MANUAL, ":SOUR:VOLT:RANG 2", f":SOUR:SWE:RANG {ranging}", ":SOUR:LIST:VOLT 0,5,0")
    bench.say(":SENS:FUNC 'VOLT'", ":SOUR:VOLT:MODE LIST", ":TRIG:COUN 3", ":OUTP ON")
    assert max(bench.numbers(":READ?")[::5]) == pytest.approx(seen)
    assert float(bench.ask(":SOUR:VOLT:RANG?")) == pytest.approx(full)


@pytest.mark.parametrize(
    ("lines", "levels"),
    [([], [0.1, 0.2, 0.3]), ([":SOUR:LIST:VOLT:STAR 2"], [0.2, 0.3, 0.1]), ([":SOUR:SWE:DIR DOWN"], [0.3, 0.2, 0.1])],
)
def test_a_list_begins_where_it_is_told_and_goes_on_from_its_first_level(bench, lines, levels):
    # Page 18-93.
    bench.say(
        *MANUAL, ":SOUR:LIST:VOLT 0.1,0.2,0.3", *lines, ":SENS:FUNC 'VOLT'", ":SOUR:VOLT:MODE LIST", ":TRIG:COUN 3"
    )
    bench.say(":OUTP ON")
    assert bench.numbers(":READ?")[::5] == pytest.approx(levels)


def test_the_range_of_what_is_sourced_cannot_be_a_measure_range(bench):
    # Page 18-62, note 1; PyMeasure's tests on an instrument say the same.
    bench.say(":SOUR:FUNC VOLT", ":SOUR:VOLT:RANG 20", ":SENS:VOLT:RANG 2")
    assert bench.ask(":SYST:ERR?") == '+823,"Invalid with source read-back on"'
    bench.say(":SOUR:FUNC CURR", ":SENS:VOLT:RANG 2")
    assert bench.error() == 0


@pytest.mark.parametrize(("asked", "limit"), [(110, 100), (1, 20), (-45, 40), (161, 210), (160, 160)])
def test_an_over_voltage_limit_is_the_next_lower_step_and_holds_the_output(bench, asked, limit):
    # Pages 18-79 to 18-81.
    bench.say(f":SOUR:VOLT:PROT {asked}", ":SOUR:VOLT:RANG 200", ":SOUR:VOLT 150", ":OUTP ON")
    assert float(bench.ask(":SOUR:VOLT:PROT?")) == limit
    assert bench.world.terminal("smu.a").level_v == min(limit, 150)


def test_a_current_source_into_open_terminals_reads_what_ohms_law_asks_for(talk):
    # PyMeasure's tests on an instrument: voltage, current and resistance agree.
    bench = talk(EmulatedKeithley2400)
    bench.say(":SENS:RES:MODE MAN", ":SENS:FUNC:ALL", ":SOUR:FUNC CURR", ":SOUR:CURR 10e-3")
    bench.say(":OUTP ON")
    volt, ampere, ohm, *_ = bench.numbers(":READ?")
    assert volt == pytest.approx(ampere * ohm)


@pytest.mark.parametrize(("base", "text"), [("ASC", "55"), ("HEX", "#H37"), ("OCT", "#Q67"), ("BIN", "#B110111")])
def test_status_registers_are_written_in_the_base_that_was_chosen(bench, base, text):
    # The example of page 18-55.
    bench.say(":STAT:MEAS:ENAB 55", f":FORM:SREG {base}")
    assert bench.ask(":STAT:MEAS:ENAB?") == text


def test_the_measure_range_follows_the_compliance_where_it_is_told_to(bench):
    # Page 18-68.
    bench.say(":SENS:CURR:RANG 1e-4", ":SENS:CURR:PROT:RSYN ON", ":SENS:CURR:PROT 1e-2")
    assert float(bench.ask(":SENS:CURR:RANG?")) == pytest.approx(1.05e-2)


@pytest.mark.parametrize(
    ("model", "off_state", "unprotected"), [("2400", "NORM", 210), ("2401", "NORM", 40), ("2410", "GUAR", 1100)]
)
def test_defaults_of_the_siblings_are_those_of_table_18_4_and_page_18_79(talk, model, off_state, unprotected):
    told = talk(load("emulators", f"keithley{model}")).ask(":OUTP:SMOD?;:SOUR:VOLT:PROT?").split(";")
    assert (told[0], float(told[1])) == (off_state, unprotected)


def test_a_2401_has_no_digital_lines(talk):
    assert talk(load("emulators", "keithley2401")).refused(":SOUR2:TTL 0") == -113  # page 18-98


@pytest.mark.parametrize(
    ("model", "high_v", "most_a", "beyond_a"), [("2400", 200, 0.105, 0.11), ("2410", 1000, 0.021, 0.022)]
)
def test_what_a_high_range_cannot_deliver_is_too_much_power(talk, model, high_v, most_a, beyond_a):
    """Note 4 of page 18-62: the highest current ranges beside 200 V and 1 kV are 100 mA and 20 mA."""
    smu = talk(load("emulators", f"keithley{model}"))
    smu.say(f":SOUR:VOLT:RANG {high_v}", f":SENS:CURR:PROT {most_a}")
    assert smu.refused(f":SENS:CURR:PROT {beyond_a}") == 826
    smu.say("*CLS", ":SOUR:VOLT:RANG 20", ":SENS:CURR:PROT 1")
    assert [smu.refused(each) for each in (f":SOUR:VOLT:RANG {high_v}", ":SOUR:VOLT:RANG:AUTO ON;:SOUR:VOLT 30")] == [
        826,
        826,
    ]


def test_a_reset_chooses_the_front_terminals_and_a_preset_limits_to_40_volts(bench):
    bench.say(":ROUT:TERM REAR", "*RST")
    assert bench.ask(":ROUT:TERM?;:SOUR:VOLT:PROT?") == "FRON;+2.100000E+02"  # tables 18-5 and 18-7
    bench.say(":SYST:PRES")
    assert bench.ask(":SOUR:VOLT:PROT?;:FORM:BORD?") == "+4.000000E+01;SWAP"


def test_a_setup_is_recalled_with_the_output_off_and_an_empty_number_is_the_preset(bench):
    bench.say(":SOUR:VOLT 0.3", ":SYST:RSEN ON", ":TRIG:DEL 0.2", ":OUTP ON", "*SAV 4", "*RST", "*RCL 4")
    assert bench.ask(":SOUR:VOLT?;:SYST:RSEN?;:TRIG:DEL?;:OUTP?") == "+3.000000E-01;1;+2.000000E-01;0"
    bench.say("*RCL 0")
    assert bench.ask(":SYST:RSEN?;:SOUR:VOLT:PROT?") == "0;+4.000000E+01"  # page 16-4
    assert bench.refused("*SAV 5") == -222


def test_a_memory_sweep_goes_through_its_setups(resistor):
    """Pages 18-93 to 18-95: three points from location 99, which are 99, 100 and 1."""
    resistor.say(":FORM:ELEM VOLT", ":OUTP ON")
    for location, level in ((99, 0.1), (100, 0.2), (1, 0.3)):
        resistor.say(f":SOUR:VOLT {level}", f":SOUR:MEM:SAVE {location}")
    resistor.say(":SOUR:VOLT 0", ":SOUR:FUNC MEM", ":SOUR:MEM:STAR 99", ":SOUR:MEM:POIN 3", ":TRIG:COUN 3", ":OUTP ON")
    assert resistor.ask(":SOUR:FUNC?") == "MEM"
    assert resistor.numbers(":READ?") == [0.1, 0.2, 0.3]
    resistor.say(":SOUR:MEM:REC 100")
    assert resistor.numbers(":SOUR:VOLT?") == [0.2]


def test_autozero_that_is_done_once_stays_as_it_is(bench):
    assert bench.ask(":SYST:AZER ONCE;:SYST:AZER?;:SYST:AZER OFF;:SYST:AZER ONCE;:SYST:AZER?") == "1;0"  # page 18-107
