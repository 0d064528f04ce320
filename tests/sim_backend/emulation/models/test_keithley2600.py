import struct

import numpy as np
import pytest

from crossbar_hil import open_bench
from crossbar_hil.sim_backend.emulation.models.keithley2600.model import EmulatedKeithley2602B, EmulatedKeithley2636B
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.world.circuit import LO
from crossbar_hil.sim_backend.emulation.world.world import World


def bench(model=EmulatedKeithley2602B, **options):
    """One cell between the two channels: row 0 driven by a, column 0 at b; all other lines at the return."""
    world = World(open_bench(seed=1))
    instrument = model(world, "smu", **options)
    world.add_wire("smu.a.hi", "row.0")
    world.add_wire("smu.b.hi", "column.0")
    for number in (1, 2, 3):
        world.add_wire(f"row.{number}", LO)
        world.add_wire(f"column.{number}", LO)
    return instrument


@pytest.fixture
def smu():
    return bench()


def say(smu, *messages):
    return b"".join(smu.receive(message) for message in messages).decode("latin-1")


def numbers(smu, *messages):
    return [float(word) for word in say(smu, *messages).replace(", ", "\t").split("\t")]


def error_code(smu):
    return int(numbers_of_first_field(say(smu, "print(errorqueue.next())")))


def numbers_of_first_field(answer):
    return float(answer.split("\t")[0])


READY = (
    "smua.source.rangev = 1 smua.source.limiti = 1e-3 smua.measure.rangei = 1e-6 smua.measure.autozero = 1",
    "smub.source.rangev = 1 smub.source.limiti = 1e-3 smub.measure.rangei = 1e-6 smub.measure.autozero = 1",
    "smua.source.output = 1 smub.source.output = 1",
)


def exposures(smu):
    return [
        (event["row"], event["column"], round(event["volt"], 6), event["seconds"])
        for event in smu.world.log.of("exposure")
    ]


# ---------------------------------------------------------------------------------------------- currents


def test_the_current_out_of_the_column_is_minus_conductance_times_voltage(smu):
    expected = 0.1 * smu.world.chip.conductances[0, 0]
    say(smu, *READY, "smua.source.levelv = 0.1")
    assert numbers(smu, "print(smub.measure.i())")[0] == pytest.approx(-expected, abs=1e-12)


def test_a_driven_row_delivers_the_sum_of_its_cells(smu):
    say(smu, *READY, "smua.source.levelv = 0.1")
    total = 0.1 * smu.world.chip.conductances[0].sum()
    assert numbers(smu, "print(smua.measure.iv())") == pytest.approx([total, 0.1], rel=1e-4)


def test_resistance_and_power_follow_from_both_readings(smu):
    say(smu, *READY, "smua.source.levelv = 0.1")
    total = smu.world.chip.conductances[0].sum()
    assert numbers(smu, "print(smua.measure.r())")[0] == pytest.approx(1 / total, rel=1e-4)
    assert numbers(smu, "print(smua.measure.p())")[0] == pytest.approx(0.01 * total, rel=1e-4)


def test_a_reading_is_rounded_to_a_millionth_of_its_range(smu):
    say(smu, *READY, "smua.source.levelv = 0.1 smua.measure.rangei = 1e-3 format.asciiprecision = 12")
    steps = numbers(smu, "print(smua.measure.i())")[0] / 1e-9
    assert steps == pytest.approx(round(steps), abs=1e-6)
    say(smu, "smua.measure.nplc = 0.01")
    steps = numbers(smu, "print(smua.measure.i())")[0] / 1e-7
    assert steps == pytest.approx(round(steps), abs=1e-6)


def test_a_reading_beyond_its_range_is_the_overflow_number(smu):
    say(smu, *READY, "smua.source.levelv = 0.5 smua.measure.rangei = 1e-7")
    assert say(smu, "print(smua.measure.i())") == "9.91000e+37\n"


def test_autorange_takes_the_smallest_range_that_holds_the_reading(smu):
    say(smu, *READY, "smua.source.levelv = 0.1 smua.measure.autorangei = 1")
    current = numbers(smu, "print(smua.measure.i())")[0]
    smallest = min(each for each in (1e-7, 1e-6, 1e-5) if current <= 1.02 * each)
    assert numbers(smu, "print(smua.measure.rangei)")[0] == smallest
    say(smu, "smua.measure.lowrangei = 1e-5")
    assert numbers(smu, "print(smua.measure.rangei)")[0] == 1e-5


def test_noise_is_drawn_from_the_given_generator():
    noisy = bench(noise=3.0, rng=np.random.default_rng(1))
    say(noisy, *READY, "smua.source.levelv = 0.1 format.asciiprecision = 10")
    readings = [numbers(noisy, "print(smua.measure.i())")[0] for _ in range(50)]
    assert 1e-12 < np.std(readings) < 6e-12


def test_a_reading_takes_its_power_line_cycles(smu):
    say(smu, *READY, "smua.measure.nplc = 2")
    before = smu.world.clock.now()
    say(smu, "smua.measure.i()")
    assert smu.world.clock.now() - before == pytest.approx(2 / 50)


def test_the_limit_holds_the_current_and_says_so(smu):
    least = 10e-9
    say(smu, *READY, f"smua.source.levelv = 0.5 smua.source.limiti = {least}")
    assert say(smu, "print(status.measurement.instrument.smua.condition)") == "0.00000e+00\n"
    assert say(smu, "print(smua.source.compliance, smub.source.compliance)") == "true\tfalse\n"
    assert (
        say(smu, "print(smua.measure.i(), status.measurement.instrument.smua.condition)")
        == "1.00000e-08\t2.00000e+00\n"
    )
    assert say(smu, "print(status.measurement.current_limit.condition)") == "2.00000e+00\n"
    say(smu, "smua.source.limiti = 1e-3")
    assert say(smu, "print(smua.source.compliance)") == "false\n"


def test_a_current_source_delivers_its_level_up_to_its_voltage_limit(smu):
    say(smu, "smua.source.func = smua.OUTPUT_DCAMPS smua.source.leveli = 1e-7 smua.source.limitv = 5")
    say(smu, "smua.source.output = 1 smub.source.output = 1")
    total = smu.world.chip.conductances[0].sum()
    assert numbers(smu, "print(smua.measure.iv())") == pytest.approx([1e-7, 1e-7 / total], rel=1e-4)
    assert say(smu, "print(smua.source.compliance)") == "false\n"
    say(smu, "smua.source.limitv = 0.01")
    assert numbers(smu, "print(smua.measure.v())")[0] == pytest.approx(0.01)
    assert say(smu, "print(smua.source.compliance)") == "true\n"


# ---------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("smua.source.limiti", "0", 1102),
        ("smua.source.limiti", "4", 1101),
        ("smua.source.levelv", "41", 1101),
        ("smua.source.levelv", "-41", 1102),
        ("smua.source.levelv", "0/0", 1102),
        ("smua.source.levelv", "'1'", -104),
        ("smua.source.levelv", "nil", -104),
        ("smua.source.levelv", "{}", -104),
        ("smua.source.levelv", "7", 5007),
        ("smua.source.func", "2", 1401),
        ("smua.source.rangev", "100", 1101),
        ("smua.measure.nplc", "0.0001", 1102),
        ("smua.measure.nplc", "26", 1101),
        ("smua.measure.rangei", "10", 1101),
        ("smua.trigger.timer", "1", -286),
        ("smua.source.output", "3", 1401),
    ],
)
def test_a_wrong_value_is_refused_with_its_code_and_the_old_one_stays(smu, setting, value, code):
    say(smu, "smua.source.limiti = 2 errorqueue.clear()")
    before = say(smu, f"print({setting})")
    say(smu, f"{setting} = {value}")
    assert error_code(smu) == code
    assert say(smu, f"print({setting})") == before


@pytest.mark.parametrize(
    ("model", "lines"),
    [
        (EmulatedKeithley2602B, ("1.00000e+00", "0.00000e+00", "1.00000e-07")),
        (EmulatedKeithley2636B, ("1.00000e-01", "-1.00000e+00", "1.00000e-10")),
    ],
)
def test_defaults_are_those_of_the_model(model, lines):
    smu = bench(model)
    answer = say(smu, "print(smub.source.limiti, smub.measure.delay, smub.measure.lowrangei)")
    assert answer == "\t".join(lines) + "\n"
    assert say(smu, "print(localnode.model)") == f"{smu.model}\n"
    assert say(smu, "print(smua.source.func, smua.measure.nplc, smua.trigger.endpulse.action)") == (
        "1.00000e+00\t1.00000e+00\t1.00000e+00\n"
    )


def test_a_range_is_the_smallest_that_holds_the_value_and_ends_autorange(smu):
    assert (
        say(smu, "smua.source.rangev = 0.5 print(smua.source.rangev, smua.source.autorangev)")
        == "1.00000e+00\t0.00000e+00\n"
    )
    say(smu, "smua.measure.rangei = 2e-5 print(1)")
    assert say(smu, "print(smua.measure.rangei, smua.measure.autorangei)") == "1.00000e-04\t0.00000e+00\n"


def test_a_level_beyond_its_fixed_range_is_refused_when_the_output_is_on(smu):
    say(smu, "smua.source.rangev = 1 smua.source.levelv = 2")
    assert error_code(smu) == 0
    say(smu, "smua.source.output = 1")
    assert error_code(smu) == 5005
    assert not smu.world.terminal("smu.a").on
    say(smu, "smua.source.levelv = 1.01 smua.source.output = 1 smua.source.levelv = 1.02")
    assert error_code(smu) == 5005
    assert smu.world.terminal("smu.a").level_v == 1.01
    say(smu, "smua.source.rangev = 0.1")
    assert error_code(smu) == 5005


def test_a_range_that_is_no_longer_automatic_stays_what_it_was(smu):
    say(smu, "smua.source.levelv = 5 smua.source.autorangev = 0")
    assert say(smu, "print(smua.source.rangev)") == "6.00000e+00\n"
    say(smu, *READY, "smua.source.levelv = 0.1 smua.measure.autorangei = 1")
    chosen = say(smu, "print(smua.measure.rangei)")
    assert say(smu, "smua.measure.autorangei = 0 print(smua.measure.rangei)") == chosen


def test_what_is_sourced_is_measured_in_the_source_range(smu):
    say(smu, "smua.source.rangev = 1 smua.measure.rangev = 6")
    assert say(smu, "print(smua.measure.rangev)") == "1.00000e+00\n"
    assert say(smu, "smua.source.func = smua.OUTPUT_DCAMPS print(smua.measure.rangev)") == "6.00000e+00\n"


def test_a_fixed_measure_range_does_not_limit_the_source(smu):
    total = smu.world.chip.conductances[0].sum()
    say(smu, *READY, "smua.source.levelv = 0.5 smua.measure.rangei = 1e-7")
    assert say(smu, "print(smua.measure.i(), smua.source.compliance)") == "9.91000e+37\tfalse\n"
    assert smu.world.measure("smu.a")[0] == pytest.approx(0.5 * total, rel=1e-3)
    assert say(smu, "print(status.measurement.reading_overflow.condition)") == "2.00000e+00\n"


def test_in_high_capacitance_mode_the_current_range_follows_the_limit(smu):
    say(smu, "smua.measure.rangei = 1e-7 smua.source.limiti = 1e-4 smua.source.highc = smua.ENABLE")
    assert say(smu, "print(smua.measure.rangei)") == "1.00000e-04\n"
    assert say(smu, "smua.source.limiti = 1e-7 print(smua.measure.rangei)") == "1.00000e-06\n"
    say(smu, "smua.measure.autorangei = smua.AUTORANGE_ON")
    assert error_code(smu) == 5069


def test_the_voltage_limit_of_a_2636b_is_20_v_until_it_is_set():
    assert say(bench(EmulatedKeithley2636B), "print(smua.source.limitv)") == "2.00000e+01\n"
    assert say(bench(EmulatedKeithley2602B), "print(smua.source.limitv)") == "4.00000e+01\n"


def test_the_2636b_accepts_the_limit_that_is_too_small_for_the_2602b():
    fine = bench(EmulatedKeithley2636B)
    assert say(fine, "smua.source.limiti = 1e-10 print(smua.source.limiti)") == "1.00000e-10\n"


def test_reset_brings_the_defaults_and_switches_off(smu):
    say(smu, *READY, "smua.source.levelv = 0.3", "*RST")
    answer = say(smu, "print(smua.source.output, smua.source.levelv, smua.source.limiti, smua.source.autorangev)")
    assert answer == "0.00000e+00\t0.00000e+00\t1.00000e+00\t1.00000e+00\n"
    assert not smu.world.terminal("smu.a").on


@pytest.mark.parametrize(
    ("settings", "off_state", "limit"),
    [
        ("", "normal", 1e-3),
        ("smua.source.offlimiti = 1e-6", "normal", 1e-6),
        ("smua.source.offmode = smua.OUTPUT_ZERO", "zero", 1e-3),
        ("smua.source.offmode = smua.OUTPUT_HIGH_Z", "highz", 1e-3),
        ("smua.source.offfunc = smua.OUTPUT_DCAMPS", "highz", 1e-3),
        ("smua.source.output = smua.OUTPUT_HIGH_Z", "highz", 1e-3),
    ],
)
def test_output_off_is_what_the_off_mode_says(smu, settings, off_state, limit):
    say(smu, settings)
    terminal = smu.world.terminal("smu.a")
    assert (terminal.on, terminal.off_state, terminal.off_limit_a) == (False, off_state, limit)
    assert say(smu, "print(smua.source.output)") == "0.00000e+00\n"


def test_an_open_interlock_keeps_the_200_v_range_off():
    smu = bench(EmulatedKeithley2636B, interlock=False)
    say(smu, "smua.source.levelv = 100 smua.source.output = 1")
    assert error_code(smu) == 802
    assert not smu.world.terminal("smu.a").on
    say(smu, "smua.source.levelv = 1 smua.source.output = 1 smua.source.levelv = 100")
    assert error_code(smu) == 802
    assert smu.world.terminal("smu.a").level_v == 1


# ---------------------------------------------------------------------------------------------- buffers


def test_a_buffer_keeps_the_readings_of_one_measurement_or_appends(smu):
    say(smu, *READY, "smua.measure.count = 3 smua.measure.i(smua.nvbuffer1) smua.measure.i(smua.nvbuffer1)")
    assert say(smu, "print(smua.nvbuffer1.n)") == "3.00000e+00\n"
    say(smu, "smua.nvbuffer1.appendmode = 1")
    assert error_code(smu) == 5032
    say(smu, "smua.nvbuffer1.clear() smua.nvbuffer1.appendmode = 1")
    say(smu, "smua.measure.i(smua.nvbuffer1) smua.measure.i(smua.nvbuffer1)")
    assert say(smu, "print(smua.nvbuffer1.n)") == "6.00000e+00\n"


def test_buffers_are_read_by_index_and_in_binary(smu):
    say(smu, *READY, "smua.source.levelv = 0.1 smua.measure.iv(smua.nvbuffer1, smua.nvbuffer2)")
    one, also, again = numbers(
        smu, "print(smua.nvbuffer1[1], smua.nvbuffer1.readings[1], smua.nvbuffer1.readings.getreading(1))"
    )
    assert one == also == again > 0
    assert say(smu, "print(smua.nvbuffer1[2], smua.nvbuffer1.timestamps[1])") == "nil\tnil\n"
    reply = smu.receive("format.data = format.REAL64 printbuffer(1, 1, smua.nvbuffer1, smua.nvbuffer2.readings)")
    assert len(reply) == 2 * 8 + 3
    assert struct.unpack("<2d", reply[2:-1]) == pytest.approx((one, 0.1), rel=1e-5)


def test_time_stamps_and_source_values_are_collected_if_asked_for(smu):
    say(
        smu,
        *READY,
        "b = smua.makebuffer(10) b.collecttimestamps = 1 b.collectsourcevalues = 1 smua.source.levelv = 0.1",
    )
    say(smu, "smua.measure.count = 2 smua.measure.i(b)")
    assert numbers(smu, "printbuffer(1, 2, b.timestamps, b.sourcevalues)") == pytest.approx([0, 0.1, 0.02, 0.1])
    assert say(smu, "print(b.statuses[1])") == "0.00000e+00\n"


def test_a_full_buffer_takes_no_more(smu):
    say(smu, *READY, "b = smua.makebuffer(2) smua.measure.count = 5 smua.measure.i(b)")
    assert say(smu, "print(b.n, b.capacity)") == "2.00000e+00\t2.00000e+00\n"


def test_what_is_no_buffer_is_refused(smu):
    say(smu, "smua.measure.i({})")
    assert error_code(smu) == 1401
    say(smu, "smua.measure.i(smub)")
    assert error_code(smu) == 1401


@pytest.mark.parametrize("index", ["0", "-1", "2", "0.5", "0/0", "1/0", "'1'", "nil", "{}"])
def test_an_index_outside_a_buffer_is_nil(smu, index):
    say(smu, *READY, "smua.measure.i(smua.nvbuffer1)")
    assert say(smu, f"print(smua.nvbuffer1[{index}], smua.nvbuffer1.readings[{index}])") == "nil\tnil\n"
    assert error_code(smu) == 0


def test_buffers_that_nobody_holds_make_room_for_others(smu):
    assert say(smu, "for i = 1, 60 do b = smua.makebuffer(20000) end print(b.capacity)") == "2.00000e+04\n"
    assert error_code(smu) == 0


def test_buffers_that_are_held_are_limited_in_number(smu):
    assert say(smu, "k = {} for i = 1, 60 do k[i] = smua.makebuffer(20000) end print(table.getn(k))") == "2.50000e+01\n"
    assert error_code(smu) == -225
    say(smu, "errorqueue.clear() k = nil b = smua.makebuffer(20000) smua.source.output = 1 smua.measure.v(b)")
    assert say(smu, "print(b.n)") == "1.00000e+00\n"
    assert error_code(smu) == 0


def test_a_view_of_a_buffer_keeps_its_readings_alive(smu):
    say(
        smu, *READY, "smua.source.levelv = 0.25 b = smua.makebuffer(10) smua.measure.v(b) views = {b.readings, b.clear}"
    )
    say(smu, "b = nil collectgarbage() for i = 1, 30 do c = smua.makebuffer(20000) end c = nil collectgarbage()")
    assert say(smu, "print(views[1][1])") == "2.50000e-01\n"
    assert say(smu, "views[2]() print(views[1][1])") == "nil\n"


# ---------------------------------------------------------------------------------------------- trigger model

PULSE = (
    "trigger.timer[1].delay = {width} trigger.timer[1].count = 1 trigger.timer[1].passthrough = false",
    "trigger.timer[1].stimulus = smua.trigger.ARMED_EVENT_ID",
    "smua.measure.nplc = 0.01 smua.measure.delay = 0",
    "smua.trigger.source.listv({{{level}}}) smua.trigger.source.action = smua.ENABLE",
    "smua.trigger.source.limiti = smua.LIMIT_AUTO",
    "smua.trigger.measure.i(smua.nvbuffer1) smua.trigger.measure.action = smua.ENABLE",
    "smua.trigger.endpulse.action = smua.SOURCE_IDLE smua.trigger.endpulse.stimulus = trigger.timer[1].EVENT_ID",
    "smua.trigger.arm.count = 1 smua.trigger.count = 1",
)


def pulse_set_up(smu, width, level):
    say(smu, READY[0].replace("rangev = 1 ", "rangev = 6 "), *READY[1:], "smua.source.levelv = 0")
    say(smu, *(line.format(width=width, level=level) for line in PULSE))


@pytest.mark.parametrize("width", [0.001, 0.05])
def test_a_pulse_of_the_trigger_model_lasts_as_long_as_its_timer(smu, width):
    pulse_set_up(smu, width, 2.0)
    assert say(smu, "smua.trigger.initiate() waitcomplete() print(errorqueue.count)") == "0.00000e+00\n"
    events = [event for event in smu.world.log.of("source") if event["name"] == "smu.a"]
    rise, fall = events[-2:]
    assert (rise["level_v"], fall["level_v"]) == (2.0, 0.0)
    assert fall["t"] - rise["t"] == pytest.approx(width, abs=1e-9)
    assert (0, 0, 2.0, pytest.approx(width)) in exposures(smu)


def test_a_pulse_measures_inside_itself(smu):
    expected = 2.0 * smu.world.chip.conductances[0].sum()
    pulse_set_up(smu, 0.05, 2.0)
    say(smu, "smua.measure.rangei = 1e-4 smua.trigger.initiate() waitcomplete()")
    assert say(smu, "print(smua.nvbuffer1.n)") == "1.00000e+00\n"
    assert numbers(smu, "print(smua.nvbuffer1[1])")[0] == pytest.approx(expected, abs=1e-8)


def test_a_measurement_longer_than_the_pulse_stretches_it(smu):
    pulse_set_up(smu, 0.001, 2.0)
    say(smu, "smua.measure.nplc = 1 smua.trigger.initiate() waitcomplete()")
    assert (0, 0, 2.0, pytest.approx(0.02)) in exposures(smu)


def test_the_latency_is_added_to_the_width():
    slow = bench(latency_s=80e-6)
    pulse_set_up(slow, 0.001, 2.0)
    say(slow, "smua.trigger.initiate() waitcomplete()")
    assert (0, 0, 2.0, pytest.approx(0.00108)) in exposures(slow)


def test_two_channels_pulse_at_the_same_instant(smu):
    pulse_set_up(smu, 0.05, 1.0)
    say(
        smu, "smub.trigger.source.listv({-1}) smub.trigger.source.action = smub.ENABLE smub.trigger.endpulse.action = 0"
    )
    say(smu, "smub.trigger.arm.stimulus = smua.trigger.ARMED_EVENT_ID")
    say(smu, "smub.trigger.endpulse.stimulus = trigger.timer[1].EVENT_ID")
    say(smu, "smub.trigger.initiate() smua.trigger.initiate() waitcomplete() print(errorqueue.count)")
    assert [each for each in exposures(smu) if each[:2] == (0, 0)] == [(0, 0, 2.0, pytest.approx(0.05))]
    assert numbers(smu, "print(smua.source.levelv, smub.source.levelv)") == [0, 0]


def test_a_sweep_goes_through_its_list_again_if_the_count_is_larger(smu):
    say(smu, *READY, "smua.trigger.source.linearv(0, 0.2, 3) smua.trigger.source.action = 1 smua.trigger.count = 4")
    say(smu, "smua.trigger.measure.v(smua.nvbuffer1) smua.trigger.measure.action = 1")
    say(smu, "smua.trigger.initiate() waitcomplete()")
    assert numbers(smu, "printbuffer(1, 9, smua.nvbuffer1)") == pytest.approx([0, 0.1, 0.2, 0])
    assert smu.world.terminal("smu.a").level_v == 0


@pytest.mark.parametrize(
    ("set_up", "code"),
    [
        ("smua.trigger.source.action = 1", 5059),
        ("smua.trigger.measure.action = 1", 5060),
        ("smua.source.output = 0", 5061),
        ("smua.measure.autozero = 2 smua.trigger.measure.action = 2 smua.trigger.measure.i(smua.nvbuffer1)", 5063),
    ],
)
def test_a_sweep_that_is_not_set_up_is_not_started(smu, set_up, code):
    say(smu, *READY, set_up, "smua.trigger.initiate()")
    assert error_code(smu) == code


def test_waiting_for_an_event_that_cannot_come_is_an_error(smu):
    say(smu, *READY, "smua.trigger.arm.stimulus = trigger.timer[3].EVENT_ID smua.trigger.initiate()")
    say(smu, "waitcomplete()")
    assert error_code(smu) == -286
    assert say(smu, "print(1)") == "1.00000e+00\n"


def test_abort_brings_a_pulse_back_to_its_base(smu):
    pulse_set_up(smu, 10, 2.0)
    say(smu, "smua.trigger.initiate() delay(0.01)")
    assert smu.world.terminal("smu.a").level_v == 2.0
    say(smu, "smua.abort()")
    assert smu.world.terminal("smu.a").level_v == 0.0
    pulse_set_up(smu, 10, 2.0)
    say(smu, "smua.trigger.initiate() delay(0.01)", "abort")
    assert smu.world.terminal("smu.a").level_v == 0.0


def test_an_endless_sweep_is_stopped():
    smu = bench(seconds=0.5)
    say(smu, *READY, "smua.trigger.count = 0 smua.trigger.initiate()")
    say(smu, "waitcomplete()")
    assert error_code(smu) == -286


def test_a_sweep_has_a_limit_of_its_own(smu):
    pulse_set_up(smu, 0.01, 2.0)
    say(smu, "smua.trigger.source.limiti = 1e-6 smua.source.limiti = 0.1 smua.trigger.initiate() waitcomplete()")
    events = [event for event in smu.world.log.of("source") if event["name"] == "smu.a"]
    assert [(event["level_v"], event["limit_a"]) for event in events[-2:]] == [(2.0, 1e-6), (0.0, 0.1)]


def test_a_sweep_of_currents_is_not_started_by_a_voltage_source(smu):
    say(smu, *READY, "smua.trigger.source.lineari(0, 1e-6, 3) smua.trigger.source.action = 1 smua.trigger.initiate()")
    assert error_code(smu) == 5059


def test_a_sweep_beyond_the_fixed_range_is_not_started(smu):
    say(smu, *READY, "smua.trigger.source.linearv(0, 2, 3) smua.trigger.source.action = 1 smua.trigger.initiate()")
    assert error_code(smu) == 5005


def test_the_status_of_a_sweep_is_summed_up_to_a_service_request(smu):
    say(smu, *READY, "status.reset() status.operation.sweeping.enable = status.operation.sweeping.SMUA")
    say(smu, "status.operation.sweeping.ptr = 0 status.operation.sweeping.ntr = status.operation.sweeping.SMUA")
    say(smu, "status.operation.enable = status.operation.SWEEPING status.request_enable = status.OSB")
    assert say(smu, "smua.trigger.initiate() print(status.condition) waitcomplete()") == "0.00000e+00\n"
    assert say(smu, "*STB?", "print(status.operation.sweeping.event)", "*STB?") == "192\n2.00000e+00\n192\n"
    assert say(smu, "print(status.operation.event)", "*STB?") == "8.00000e+00\n0\n"


def test_a_limit_that_was_reached_in_between_is_latched(smu):
    say(smu, *READY, "status.reset() smua.source.levelv = 0.5 smua.source.limiti = 1e-7 smua.measure.i()")
    say(smu, "smua.source.limiti = 1e-3 smua.measure.i()")
    assert say(smu, "print(status.measurement.current_limit.condition)") == "0.00000e+00\n"
    assert say(smu, "print(status.measurement.current_limit.event)") == "2.00000e+00\n"
    assert say(smu, "print(status.measurement.current_limit.event)") == "0.00000e+00\n"


# ---------------------------------------------------------------------------------------------- factory scripts


@pytest.mark.parametrize(
    ("call", "sourced"),
    [
        ("SweepVLinMeasureI(smua, -0.2, 0.2, 1e-3, 5)", [-0.2, -0.1, 0, 0.1, 0.2]),
        ("SweepVLogMeasureI(smua, 0.01, 0.16, 1e-3, 5)", [0.01, 0.02, 0.04, 0.08, 0.16]),
        ("SweepVListMeasureI(smua, {0.1, -0.1, 0.05}, 0, 3)", [0.1, -0.1, 0.05]),
    ],
)
def test_a_factory_sweep_of_voltages_measures_the_current_at_each(smu, call, sourced):
    total = smu.world.chip.conductances[0].sum()
    say(smu, "smua.source.levelv = 0.05 smua.source.limiti = 1e-3", call)
    assert numbers(smu, "printbuffer(1, 9, smua.nvbuffer1.sourcevalues)") == pytest.approx(sourced)
    readings = numbers(smu, "printbuffer(1, 9, smua.nvbuffer1)")
    assert readings == pytest.approx([level * total for level in sourced], rel=1e-3, abs=1e-11)
    assert say(smu, "print(smua.source.output, smua.source.levelv, smua.source.autorangev)") == (
        "0.00000e+00\t5.00000e-02\t1.00000e+00\n"
    )
    assert error_code(smu) == 0


@pytest.mark.parametrize(
    ("call", "sourced"),
    [
        ("SweepILinMeasureV(smua, -1e-8, 1e-8, 1e-3, 3)", [-1e-8, 0, 1e-8]),
        ("SweepILogMeasureV(smua, 1e-9, 4e-9, 1e-3, 3)", [1e-9, 2e-9, 4e-9]),
        ("SweepIListMeasureV(smua, {1e-8, -1e-8}, 0, 2)", [1e-8, -1e-8]),
    ],
)
def test_a_factory_sweep_of_currents_measures_the_voltage_at_each(smu, call, sourced):
    total = smu.world.chip.conductances[0].sum()
    say(smu, "smub.source.output = 1", call)
    readings = numbers(smu, "printbuffer(1, 9, smua.nvbuffer1)")
    assert readings == pytest.approx([level / total for level in sourced], rel=1e-2, abs=1e-6)


def test_a_factory_sweep_waits_at_each_point(smu):
    before = smu.world.clock.now()
    say(smu, "smua.measure.autozero = 1 SweepVLinMeasureI(smua, 0, 0.1, 0.5, 4)")
    assert smu.world.clock.now() - before == pytest.approx(4 * (0.5 + 1 / 50))


@pytest.mark.parametrize("call", ["SweepVLinMeasureI(smua, 0, 1, 0)", "SweepVLinMeasureI(smua, 0, 1, 0, 1)"])
def test_a_factory_sweep_without_all_it_needs_ends(smu, call):
    say(smu, call)
    assert error_code(smu) == -286
    assert not smu.world.terminal("smu.a").on


def test_a_pulse_test_sweeps_its_levels(smu):
    say(
        smu,
        READY[0].replace("rangev = 1 ", "rangev = 6 "),
        *READY[1:],
        "smua.measure.rangev = 6 smua.measure.nplc = 0.01",
    )
    say(smu, "smua.nvbuffer1.appendmode = 1 smua.nvbuffer1.collectsourcevalues = 1")
    say(smu, "ConfigPulseVMeasureISweepLin(smua, 0, 0.1, 0.4, 1e-3, 0.01, 0.02, 4, smua.nvbuffer1, 1)")
    say(smu, "ConfigPulseVMeasureISweepLog(smua, 0, 0.1, 0.4, 1e-3, 0.01, 0.02, 3, nil, 2)")
    assert say(smu, "print(InitiatePulseTest(1)) print(InitiatePulseTest(2))").count("true\t") == 2
    assert numbers(smu, "printbuffer(1, 9, smua.nvbuffer1.sourcevalues)") == pytest.approx([0.1, 0.2, 0.3, 0.4])
    levels = [event["level_v"] for event in smu.world.log.of("source") if event["name"] == "smu.a" and event["on"]]
    assert [level for level in levels if level] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.4])


def test_a_pulse_of_current_measures_the_voltage(smu):
    total = smu.world.chip.conductances[0].sum()
    say(smu, "smub.source.output = 1 smua.source.func = smua.OUTPUT_DCAMPS smua.source.rangei = 1e-6")
    say(smu, "smua.measure.rangev = 6 smua.measure.rangei = 1e-6 smua.measure.nplc = 0.1 smua.measure.autozero = 1")
    say(smu, "smua.source.output = 1 PulseIMeasureV(smua, 0, 1e-7, 0.01, 0.02, 3)")
    assert numbers(smu, "printbuffer(1, 9, smua.nvbuffer1)") == pytest.approx([1e-7 / total] * 3, rel=1e-2)
    say(smu, "smua.nvbuffer1.clear() ConfigPulseIMeasureV(smua, 0, 1e-7, 5, 0.01, 0.02, 2, smua.nvbuffer1, 4)")
    assert say(smu, "print(InitiatePulseTest(4))").startswith("true\t")


def test_the_factory_pulse_leaves_and_returns_to_its_bias(smu):
    say(
        smu,
        READY[0].replace("rangev = 1 ", "rangev = 6 "),
        *READY[1:],
        "smua.measure.nplc = 0.1 smua.measure.rangei = 1e-4",
    )
    say(smu, "PulseVMeasureI(smua, 0, 2, 0.05, 0.01, 3)")
    assert say(smu, "print(smua.nvbuffer1.n, errorqueue.count)") == "3.00000e+00\t0.00000e+00\n"
    assert [each for each in exposures(smu) if each[:2] == (0, 0)] == [(0, 0, 2.0, pytest.approx(0.05))] * 3
    assert smu.world.terminal("smu.a").level_v == 0


def test_a_configured_pulse_test_checks_and_runs(smu):
    configure = "print(ConfigPulseVMeasureI(smua, 0, 2, 1e-3, 0.05, 0.01, 2, smua.nvbuffer1, 7))"
    say(smu, READY[0].replace("rangev = 1 ", "rangev = 6 "), *READY[1:])
    assert say(smu, configure) == "false\tsource and measure autorange must be off\n"
    say(smu, "smua.measure.rangev = 6 smua.measure.nplc = 0.1 smua.measure.rangei = 1e-4")
    assert say(smu, configure).startswith("true\t")
    assert say(smu, "print(InitiatePulseTest(7))") == "false\tthe buffer must be in append mode\n"
    say(smu, "smua.nvbuffer1.clear() smua.nvbuffer1.appendmode = 1")
    assert say(smu, "print(InitiatePulseTest(7))").startswith("true\t")
    assert say(smu, "print(smua.nvbuffer1.n)") == "2.00000e+00\n"
    assert say(smu, "print(InitiatePulseTest(8))") == "false\tthere is no pulse test 8\n"


def test_pulses_of_both_channels_run_together(smu):
    say(smu, *READY, "smua.measure.rangev = 6 smub.measure.rangev = 6 smua.measure.nplc = 0.1 smub.measure.nplc = 0.1")
    for channel, level, width, tag in (("smua", 1, 0.05, 1), ("smub", -1, 0.049, 2)):
        say(
            smu, f"ok = ConfigPulseVMeasureI({channel}, 0, {level}, 1e-3, {width}, 0.01, 1, {channel}.nvbuffer1, {tag})"
        )
    assert say(smu, "print(InitiatePulseTestDual(1, 2))").startswith("true\t")
    assert [each for each in exposures(smu) if each[:2] == (0, 0)] == [(0, 0, 2.0, pytest.approx(0.049))]


# ---------------------------------------------------------------------------------------------- clients of others


@pytest.mark.filterwarnings("default")
def test_pymeasure_drives_a_channel(smu):
    from pymeasure.adapters import VISAAdapter
    from pymeasure.instruments.keithley import Keithley2600

    total = smu.world.chip.conductances[0].sum()
    with InstrumentServer(smu) as server:
        adapter = VISAAdapter(server.resource, visa_library="@py", read_termination="\n", write_termination="\n")
        device = Keithley2600(adapter)
        assert device.id == "Keithley Instruments Inc., Model 2602B, 1234567, 3.4.0"
        device.reset()
        device.ChA.apply_voltage(compliance_current=0.01)
        device.ChA.source_voltage = 0.1
        device.ChA.source_output = "ON"
        assert device.ChA.source_voltage == pytest.approx(0.1)
        assert device.ChA.current == pytest.approx(0.1 * total, rel=1e-4)
        assert device.ChA.resistance == pytest.approx(1 / total, rel=1e-4)
        device.ChA.measure_current(nplc=0.1)
        assert device.ChA.wires_mode == "2"
        device.ChA.compliance_current = 1e-7  # which it writes as 0.000000
        assert device.next_error == (1102, "Parameter too small")
        assert device.check_errors() == []
        adapter.close()


@pytest.mark.filterwarnings("default")
def test_keithley2600_walks_the_objects_and_sweeps(smu):
    package = pytest.importorskip("keithley2600")
    total = smu.world.chip.conductances[0].sum()
    with InstrumentServer(smu) as server:
        device = package.Keithley2600(server.resource, visa_library="@py", write_termination="\n")
        device.smua.source.limiti = 1e-3
        device.apply_voltage(device.smua, 0.1)
        device.apply_voltage(device.smub, 0.0)
        assert device.smua.source.output == 1
        assert device.smua.measure.i() == pytest.approx(0.1 * total, rel=1e-4)
        assert device.measure_voltage(device.smua) == pytest.approx(0.1)
        volts, amperes = device.voltage_sweep_single_smu(device.smua, [0.1, 0.2, 0.3], 0.02, 0.0, pulsed=True)
        assert volts == pytest.approx([0.1, 0.2, 0.3])
        assert amperes == pytest.approx([level * total for level in volts], rel=1e-4)
        assert device.read_error_queue() == []
        device.smua.source.limiti = 0
        assert device.read_error_queue() == [(1102, "Parameter too small", 20, 1)]
        with pytest.raises(AttributeError, match="read-only"):
            device.localnode.model = "another"
        device.disconnect()


@pytest.mark.filterwarnings("default")
def test_keithley2600_sweeps_both_channels_with_a_long_list(smu):
    package = pytest.importorskip("keithley2600")
    with InstrumentServer(smu) as server:
        device = package.Keithley2600(server.resource, visa_library="@py", write_termination="\n")
        levels = [round(0.005 * step, 3) for step in range(60)]  # more than 50 go through a table on the instrument
        first, _, second, currents = device.voltage_sweep_dual_smu(
            device.smua, device.smub, levels, [0.0] * 60, 0.001, 0.0, pulsed=False
        )
        assert first == pytest.approx(levels, abs=1e-5)
        assert second == pytest.approx([0.0] * 60, abs=1e-5)
        assert currents[-1] == pytest.approx(-0.295 * smu.world.chip.conductances[0, 0], rel=1e-3)
        device.disconnect()


# ---------------------------------------------------------------------------------------------- what clients send


def script(smu, *lines):
    """Send a script as QCoDeS does: with CR LF, in one anonymous script that runs at once."""
    return b"".join(smu.receive(line + "\r") for line in ("loadandrunscript", *lines, "endscript"))


@pytest.mark.parametrize(("measured", "source", "func"), [("i", "v", 1), ("v", "i", 0)])
def test_the_fast_sweep_of_qcodes_answers_in_single_precision(smu, measured, source, func):
    step = 0.01 if source == "v" else 1e-9
    say(smu, "smub.source.output=1")
    reply = script(
        smu,
        "smua.measure.nplc = 0.100000000000",
        "smua.sense = 0",
        "smua.measure.count = 1",
        f"smua.source.func = {func}",
        "smua.source.output = 1",
        "startX = 0.000000000000",
        f"dX = {step:.12f}",
        "smua.nvbuffer1.clear()",
        "smua.nvbuffer1.appendmode = 1",
        "for index = 1, 11 do",
        "  target = startX + (index-1)*dX",
        f"  smua.source.level{source} = target",
        "  delay(0.01)",
        f"  smua.measure.{measured}(smua.nvbuffer1)",
        "end",
        "format.data = format.REAL32",
        "format.byteorder = format.LITTLEENDIAN",
        "printbuffer(1, 11, smua.nvbuffer1.readings)",
    )
    assert len(reply) == 11 * 4 + 3
    total = smu.world.chip.conductances[0].sum()
    expected = [step * place * (total if source == "v" else 1 / total) for place in range(11)]
    assert struct.unpack("<11f", reply[2:-1]) == pytest.approx(expected, rel=1e-2, abs=max(expected) * 1e-3)
    assert say(smu, "print(localnode.linefreq)") == "5.00000e+01\n"
    assert error_code(smu) == 0


def test_the_time_trace_of_qcodes_keeps_its_interval(smu):
    say(smu, *READY, "smua.source.levelv=0.100000000000 smua.measure.nplc=0.1 smua.nvbuffer1.collecttimestamps = 1")
    reply = script(
        smu,
        "smua.measure.count=20",
        "oldint=smua.measure.interval",
        "smua.measure.interval=0.01",
        "smua.nvbuffer1.clear()",
        "smua.measure.i(smua.nvbuffer1)",
        "smua.measure.interval=oldint",
        "smua.measure.count=1",
        "format.data = format.REAL32",
        "format.byteorder = format.LITTLEENDIAN",
        "printbuffer(1, 20, smua.nvbuffer1.readings)",
    )
    assert len(reply) == 20 * 4 + 3
    say(smu, "format.data = format.ASCII")
    assert numbers(smu, "printbuffer(1, 20, smua.nvbuffer1.timestamps)") == pytest.approx(
        [0.01 * place for place in range(20)], abs=1e-6
    )


def test_the_sweep_of_pymodaq_finds_its_buffer_filled(smu):
    say(smu, "SweepVLinMeasureI(smua, 0.000000e+00, 2.000000e-01, 1.000000e-03, 5)")
    assert say(smu, "print(status.measurement.buffer_available.SMUA)") == "2.00000e+00\n"
    assert numbers(smu, "printbuffer(1, 5, smua.nvbuffer1.sourcevalues)") == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    assert len(numbers(smu, "printbuffer(1, 5, smua.nvbuffer1.readings)")) == 5


def test_variables_of_clients_hide_nothing_of_the_instrument(smu):
    # keithley2600b and K2600acceslib keep what they read in such variables.
    for message in ("limit = smua.source.limiti", "range = smua.measure.rangev", "level = smua.source.levelv"):
        say(smu, message)
    say(smu, "smua.source.output = smua.OUTPUT_ON", "reading = smua.measure.i()", "val_v=smub.measure.v()")
    assert len(numbers(smu, "print(limit, range, level, reading, val_v)")) == 5
    assert say(smu, "*ESR?") == "128\n"


def test_a_sweep_starts_at_the_trigger_of_the_bus(smu):
    say(smu, *READY, "smu = node[1].smua smu.nvbuffer1.clear() smu.nvbuffer1.appendmode = 1")
    say(
        smu,
        "smu.trigger.source.action = smu.ENABLE smu.trigger.source.listv({0, 0.5}) smu.trigger.source.limiti = 0.01",
    )
    say(smu, "smu.trigger.measure.action = smu.ENABLE smu.trigger.measure.v(smu.nvbuffer1) smu.trigger.count = 7")
    say(smu, "smu.trigger.endpulse.action = smu.SOURCE_HOLD smu.trigger.arm.stimulus = trigger.EVENT_ID")
    assert say(smu, "smu.trigger.initiate()", "delay(3)", "print(smu.nvbuffer1.n)") == "0.00000e+00\n"
    say(smu, "*TRG", "waitcomplete()")
    assert numbers(smu, "printbuffer(1, 9, smu.nvbuffer1)") == pytest.approx([0, 0.5, 0, 0.5, 0, 0.5, 0])


def test_both_channels_pulse_through_a_sweep_from_the_trigger_key(smu):
    say(smu, "trigger.timer[1].count = 3 trigger.timer[1].delay = 5e-3 trigger.timer[1].passthrough = true")
    say(smu, "trigger.timer[1].stimulus = display.trigger.EVENT_ID")
    for place, delay in ((2, "1e-3 - (1 / localnode.linefreq) * 0.001 - 60e-6"), (3, "1e-3")):
        say(smu, f"trigger.timer[{place}].count = 1 trigger.timer[{place}].delay = {delay}")
        say(
            smu,
            f"trigger.timer[{place}].passthrough = false trigger.timer[{place}].stimulus = trigger.timer[1].EVENT_ID",
        )
    for name in ("smua", "smub"):
        say(smu, f"s = {name} s.source.rangev = 0.4 s.source.limiti = 0.1 s.measure.autozero = s.AUTOZERO_ONCE")
        say(smu, "s.measure.autorangei = 0 s.measure.rangei = 1e-3 s.measure.nplc = 0.001 s.measure.delay = 0")
        say(smu, "s.nvbuffer1.collecttimestamps = 1 s.trigger.source.linearv(0, 0.3, 4) s.trigger.count = 4")
        say(smu, "s.trigger.measure.action = s.ENABLE s.trigger.measure.iv(s.nvbuffer1, s.nvbuffer2)")
        say(smu, "s.trigger.endpulse.action = s.SOURCE_IDLE s.trigger.source.action = s.ENABLE")
        say(smu, "s.trigger.source.stimulus = trigger.timer[1].EVENT_ID")
        say(smu, "s.trigger.measure.stimulus = trigger.timer[2].EVENT_ID")
        say(smu, "s.trigger.endpulse.stimulus = trigger.timer[3].EVENT_ID s.source.output = 1 s.trigger.initiate()")
    say(smu, "delay(0.02) display.sendkey(display.KEY_TRIG) waitcomplete()")
    for name in ("smua", "smub"):
        assert numbers(smu, f"printbuffer(1, 9, {name}.nvbuffer1.timestamps)") == pytest.approx([0, 5e-3, 10e-3, 15e-3])
        assert numbers(smu, f"printbuffer(1, 9, {name}.nvbuffer2)") == pytest.approx([0, 0.1, 0.2, 0.3], abs=2e-3)
    rises = [event["t"] for event in smu.world.log.of("source") if event["name"] == "smu.a" and event["level_v"]]
    falls = [event["t"] for event in smu.world.log.of("source") if event["name"] == "smu.a" and not event["level_v"]]
    assert [fall - rise for rise, fall in zip(rises, falls[-3:], strict=True)] == pytest.approx([1e-3] * 3)
    assert error_code(smu) == 0
