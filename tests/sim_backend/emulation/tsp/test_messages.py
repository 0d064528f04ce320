import functools
import struct

import pytest

from crossbar_hil import open_bench
from crossbar_hil.sim_backend.emulation.models.keithley2600.model import EmulatedKeithley2602B
from crossbar_hil.sim_backend.emulation.world.world import World

EMPTY = "0.00000e+00\tQueue Is Empty\t0.00000e+00\t1.00000e+00\n"


chip = functools.cache(lambda: open_bench(seed=1))  # no voltage here moves a cell


@pytest.fixture
def smu():
    return EmulatedKeithley2602B(World(chip()), "smu", "4321")


def say(box, *messages):
    return b"".join(box.receive(message) for message in messages).decode("latin-1")


@pytest.mark.parametrize(
    ("expression", "reply"),
    [
        ("10", "1.00000e+01"),
        ("0", "0.00000e+00"),
        ("-5.98431e-12", "-5.98431e-12"),
        ("9.91e37", "9.91000e+37"),
        ("1, 'a'", "1.00000e+00\ta"),
        ("nil, true, false", "nil\ttrue\tfalse"),
        ("smua.nvbuffer1.clear()", ""),
        ("tostring(64)", "64"),
        ("string.format('%.9e', 0.1)", "1.000000000e-01"),
        ("", ""),
    ],
)
def test_print_writes_values_as_the_manual_shows(smu, expression, reply):
    assert say(smu, f"print({expression})") == reply + "\n"


def test_precision_is_set_and_reset(smu):
    assert say(smu, "format.asciiprecision = 10 print(1/3)") == "3.333333333e-01\n"
    assert say(smu, "reset() print(1/3)") == "3.33333e-01\n"


def test_printnumber_separates_by_comma_and_space(smu):
    assert say(smu, "printnumber(2.54, 2.54)") == "2.54000e+00, 2.54000e+00\n"


@pytest.mark.parametrize(
    ("data", "order", "layout"),
    [
        ("REAL32", "LITTLEENDIAN", "<2f"),
        ("REAL64", "SWAPPED", "<2d"),
        ("SREAL", "NORMAL", ">2f"),
        ("DREAL", "NETWORK", ">2d"),
    ],
)
def test_binary_numbers_are_packed_after_a_head_of_two_characters(smu, data, order, layout):
    reply = smu.receive(f"format.data = format.{data} format.byteorder = format.{order} printnumber(1.5, -2)")
    assert reply == b"#0" + struct.pack(layout, 1.5, -2.0) + b"\n"


def test_binary_format_leaves_print_alone(smu):
    assert say(smu, "format.data = format.REAL32 print(1)") == "1.00000e+00\n"


def test_printbuffer_interleaves_and_cuts_to_what_there_is(smu):
    assert say(smu, "printbuffer(0, 99, {1, 2}, {3, 4})") == "1.00000e+00, 3.00000e+00, 2.00000e+00, 4.00000e+00\n"
    assert say(smu, "printbuffer(3, 2, {1, 2, 3})") == ""


def test_identity_and_common_commands(smu):
    assert say(smu, "*IDN?") == "Keithley Instruments Inc., Model 2602B, 4321, 3.4.0\n"
    assert say(smu, "*idn?\r").startswith("Keithley")
    assert say(smu, "*OPC?") == "1\n"
    assert say(smu, "*TST?") == "0\n"
    assert say(smu, "*ESR?") == "128\n"
    assert say(smu, "*ESR?") == "0\n"
    assert say(smu, "*OPC", "*ESR?") == "1\n"
    assert say(smu, "*WAI") == ""


def test_a_completed_operation_is_noted_when_it_is_over(smu):
    say(smu, "smua.source.output = 1 smua.trigger.arm.stimulus = trigger.EVENT_ID smua.trigger.initiate()", "*CLS")
    assert say(smu, "*OPC", "*ESR?", "*ESR?") == "0\n0\n"
    assert say(smu, "*TRG", "waitcomplete()", "*ESR?") == "1\n"


def test_a_refused_value_is_an_execution_error(smu):
    say(smu, "*CLS", "smua.source.limiti = 0")
    assert say(smu, "*ESR?") == "16\n"


def test_enables_and_the_status_byte(smu):
    assert say(smu, "*ESE 1", "*ESE?", "*SRE 32", "*SRE?") == "1\n32\n"
    assert say(smu, "*OPC", "*STB?") == "96\n"
    assert say(smu, "nonsense(", "*STB?") == "100\n"


def test_clear_empties_the_error_queue(smu):
    say(smu, "x =", "*CLS")
    assert say(smu, "print(errorqueue.count)", "print(errorqueue.next())") == "0.00000e+00\n" + EMPTY


def test_a_syntax_error_runs_nothing_of_its_message(smu):
    assert say(smu, "print(1) x =") == ""
    assert say(smu, "print(errorqueue.next())").startswith("-2.85000e+02\tTSP Syntax error at line 1: ")
    assert say(smu, "print(errorqueue.next())") == EMPTY


def test_a_runtime_error_stops_a_script_and_tells_the_line(smu):
    say(smu, "loadandrunscript", "print(1)", "local x = nil + 1", "print(2)")
    assert say(smu, "endscript") == "1.00000e+00\n"
    assert say(smu, "print(errorqueue.next())").startswith("-2.86000e+02\tTSP Runtime error at line 2: ")


def test_a_refused_value_does_not_stop_a_script(smu):
    assert say(smu, "smua.source.limiti = 0 print(smua.source.limiti)") == "1.00000e+00\n"
    assert say(smu, "print(errorqueue.next())").startswith("1.10200e+03\tParameter too small\t2.00000e+01")


def test_a_loaded_script_defines_functions_for_later_messages(smu):
    assert say(smu, "loadscript setup\r", "function twice(x)\r", "  return 2 * x, 'y'\r", "end\r", "endscript\r") == ""
    assert say(smu, "print(twice)") == "nil\n"
    assert say(smu, "setup() print(twice(4))") == "8.00000e+00\ty\n"
    assert say(smu, "setup.run()", "script.user.scripts.setup()", "print(errorqueue.count)") == "0.00000e+00\n"


def test_loadandrunscript_runs_at_once_and_keeps_globals(smu):
    assert say(smu, "loadandrunscript now", "count = 3", "print('ran')", "endscript") == "ran\n"
    assert say(smu, "print(count)") == "3.00000e+00\n"


def test_a_script_with_a_syntax_error_is_not_stored(smu):
    say(smu, "loadscript bad", "x = = 1", "endscript")
    assert say(smu, "print(bad)", "print(errorqueue.next())").startswith("nil\n-2.85000e+02\t")


def test_abort_ends_the_loading_of_a_script(smu):
    assert say(smu, "loadscript half", "print(1)", "abort", "print(2)") == "2.00000e+00\n"


def test_a_script_that_is_too_long_is_given_up(smu):
    say(smu, "loadscript long")
    for _ in range(550):
        say(smu, "-" * 2000)
    assert say(smu, "print(1)") == "1.00000e+00\n"
    assert say(smu, "print(errorqueue.next())").startswith("-2.25000e+02\tOut of memory")


def test_a_line_that_is_too_long_is_lost_and_the_next_one_is_not(smu):
    assert say(smu, f"print(1) -- {'-' * 2100}", "print(2)") == "2.00000e+00\n"
    assert say(smu, "print(errorqueue.next())").startswith("-3.63000e+02\tInput buffer overrun")


def test_factory_scripts_are_listed_and_can_be_run_again(smu):
    listed = say(smu, "for name in script.factory.catalog() do print(name) end").split()
    assert sorted(listed) == ["KIPulse", "KISweep"]
    assert say(smu, "SweepVLinMeasureI = nil script.factory.scripts.KISweep() print(type(SweepVLinMeasureI))") == (
        "function\n"
    )


def test_several_statements_stand_on_one_line(smu):
    assert say(smu, "a = 1 b = 2; c = a + b print(a, b, c)") == "1.00000e+00\t2.00000e+00\t3.00000e+00\n"


def test_prompts_tell_the_state(smu):
    assert say(smu, "localnode.prompts = 1") == "TSP>\n"
    assert say(smu, "x =") == "TSP?\n"
    assert say(smu, "loadscript s") == ">>>>\n"
    assert say(smu, "abort", "errorqueue.clear()", "localnode.prompts = 0") == "TSP?\nTSP>\n"


def test_errors_are_shown_if_asked_for(smu):
    assert say(smu, "localnode.showerrors = 1") == ""
    assert say(smu, "x =").startswith("-2.85000e+02\t")
    assert say(smu, "print(errorqueue.count)") == "0.00000e+00\n"


def test_attributes_are_read_only_where_the_instrument_says_so(smu):
    say(smu, "localnode.model = 'x'")
    assert say(smu, "print(errorqueue.next())").startswith("-2.86000e+02\t")
    assert say(smu, "print(localnode.model, localnode.serialno)") == "2602B\t4321\n"


def test_line_frequency_ends_its_automatic_choice(smu):
    assert (
        say(smu, "localnode.linefreq = 60 print(localnode.linefreq, localnode.autolinefreq)") == "6.00000e+01\tfalse\n"
    )


def test_delay_and_timer_follow_the_bench_clock(smu):
    assert say(smu, "timer.reset() delay(0.25) print(timer.measure.t())") == "2.50000e-01\n"
    assert smu.world.clock.now() == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize(("shown", "seconds"), [("timer.measure.t()", 1), ("os.clock()", 60), ("os.time()", 60)])
def test_a_loop_that_looks_at_a_clock_sees_time_pass(smu, shown, seconds):
    say(smu, "timer.reset()")
    begin = smu.world.clock.now()
    say(smu, f"local begin = {shown} repeat until {shown} - begin >= {seconds}")
    assert say(smu, "print(errorqueue.next())") == EMPTY
    slack = 1 if shown == "os.time()" else 0  # whole seconds
    assert seconds - slack <= smu.world.clock.now() - begin <= 1.002 * seconds + slack


def test_two_looks_at_the_clock_differ_by_less_than_a_millisecond(smu):
    begin, end = map(float, say(smu, "print(timer.measure.t(), timer.measure.t())").split())
    assert 0 < end - begin < 1e-3


def test_a_loop_that_asks_for_the_readings_sees_them_come(smu):
    say(smu, "smua.measure.count = 10 smua.measure.overlappedi(smua.nvbuffer1)")
    assert say(smu, "repeat until smua.nvbuffer1.n >= 5 print(smua.nvbuffer1.n < 10)") == "true\n"
    assert say(smu, "print(errorqueue.next())") == EMPTY


def test_a_loop_that_asks_for_the_status_sees_a_sweep_end(smu):
    say(smu, "smua.trigger.source.linearv(0, 0.1, 11) smua.trigger.source.action = smua.ENABLE")
    say(smu, "smua.trigger.measure.action = smua.ENABLE smua.trigger.measure.i(smua.nvbuffer1)")
    say(smu, "smua.trigger.count = 11 smua.source.output = smua.OUTPUT_ON smua.trigger.initiate()")
    asked = "while status.operation.sweeping.condition ~= 0 do asked = asked + 1 end"
    assert say(smu, f"asked = 0 {asked} print(asked > 1, smua.nvbuffer1.n)") == "true\t1.10000e+01\n"
    assert say(smu, "print(errorqueue.next())") == EMPTY


def test_timers_and_blenders_make_events(smu):
    say(smu, "trigger.timer[1].delay = 0.2 trigger.timer[1].stimulus = trigger.EVENT_ID")
    say(smu, "trigger.blender[1].orenable = true trigger.blender[1].stimulus[2] = trigger.timer[1].EVENT_ID", "*TRG")
    assert say(smu, "print(trigger.blender[1].wait(1), trigger.wait(0))") == "true\ttrue\n"
    assert smu.world.clock.now() == pytest.approx(0.2)
    assert say(smu, "print(trigger.timer[1].wait(0), trigger.timer[2].wait(0.5))") == "true\tfalse\n"


def test_blenders_that_trigger_each_other_end_in_an_error(smu):
    say(
        smu,
        "b = trigger.blender for i = 1, 2 do b[i].orenable = true b[i].stimulus[1] = b[3 - i].EVENT_ID end",
    )
    say(smu, "trigger.blender[1].stimulus[2] = trigger.EVENT_ID", "*TRG")
    assert say(smu, "print(errorqueue.next())").startswith("-2.86000e+02\t")
    assert say(smu, "print(1)") == "1.00000e+00\n"


@pytest.mark.parametrize(
    "message", ["", " ", "\x00\xff", "*", "*NO", "endscript", "loadscript 1x", "é€ = 1", "*ESE -1", "*ESE x"]
)
def test_no_message_makes_it_raise(smu, message):
    smu.receive(message)
    assert say(smu, "abort", "print(1)") in {"1.00000e+00\n", ""}
