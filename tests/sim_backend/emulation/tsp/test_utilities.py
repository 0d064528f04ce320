import functools

import pytest

from crossbar_hil import open_bench
from crossbar_hil.sim_backend.emulation.models.keithley707b.model import EmulatedKeithley707B
from crossbar_hil.sim_backend.emulation.models.keithley2600.model import EmulatedKeithley2602B
from crossbar_hil.sim_backend.emulation.world.world import World

chip = functools.cache(lambda: open_bench(seed=1))  # no voltage here moves a cell


@pytest.fixture
def smu():
    return EmulatedKeithley2602B(World(chip()), "smu", "4321")


@pytest.fixture
def matrix():
    return EmulatedKeithley707B(World(chip()), "matrix")


def say(box, *messages):
    return b"".join(box.receive(message) for message in messages).decode("latin-1")


def error_code(box):
    return int(float(say(box, "print(errorqueue.next())").split("\t")[0]))


# ---------------------------------------------------------------------------------------------- bits and times


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("bitand(21, 25)", 17),
        ("bitor(21, 25)", 29),
        ("bitxor(21, 25)", 12),
        ("clear(25, 4)", 17),
        ("get(21, 3)", 4),
        ("set(21, 6)", 53),
        ("set(0, 32)", 2**31),
    ],
)
def test_bits_are_counted_from_one(smu, call, value):
    assert float(say(smu, f"printnumber(bit.{call})")) == pytest.approx(value, rel=1e-5)
    assert say(smu, "print(bit.test(21, 1), bit.test(21, 2))") == "true\tfalse\n"


@pytest.mark.parametrize("call", ["set(0, 33)", "set(0, 0)", "bitand(-1, 1)"])
def test_bits_beyond_32_are_refused(smu, call):
    say(smu, f"x = bit.{call}")
    assert error_code(smu) in {1101, 1102}


def test_the_real_time_clock_is_set_and_goes_on(smu):
    say(smu, "settime(1585664700)")  # 31 March 2020, 14:25 UTC
    assert say(smu, "format.asciiprecision = 16 print(os.time()) delay(100) print(os.time())") == (
        "1.585664700000000e+09\n1.585664800000000e+09\n"
    )
    assert say(smu, "print(os.date('%Y-%m-%d %H:%M'))") == "2020-03-31 14:26\n"


def test_a_wrong_time_is_refused(smu):
    for wrong in ("settime('now')", "settime(-1)", "os.time({year = 2020})"):
        say(smu, wrong)
        assert error_code(smu) in {-104, 1102}, wrong


# ---------------------------------------------------------------------------------------------- memory


def test_a_setup_is_saved_and_recalled(smu):
    say(smu, "smua.source.limiti = 1e-3 smua.source.rangev = 6 smua.measure.nplc = 0.1 setup.save(1)")
    say(smu, "reset() setup.recall(1)")
    assert say(smu, "print(smua.source.limiti, smua.source.rangev, smua.source.autorangev, smua.measure.nplc)") == (
        "1.00000e-03\t6.00000e+00\t0.00000e+00\t1.00000e-01\n"
    )
    assert error_code(smu) == 0


def test_setup_0_is_that_of_the_factory_and_switches_off(smu):
    say(smu, "smua.source.levelv = 1 smua.source.output = 1 setup.save(2) setup.recall(0)")
    assert say(smu, "print(smua.source.levelv, smua.source.output)") == "0.00000e+00\t0.00000e+00\n"
    say(smu, "setup.recall(2)")
    assert say(smu, "print(smua.source.levelv, smua.source.output)") == "1.00000e+00\t0.00000e+00\n"


def test_a_setup_that_is_not_there_is_refused(smu):
    for wrong, code in (("setup.recall(3)", 1401), ("setup.recall(9)", 1101), ("setup.save('a.set')", -250)):
        say(smu, wrong)
        assert error_code(smu) == code


def test_there_is_no_flash_drive(smu):
    assert say(smu, "print(io.open('/usb1/a.csv', 'w'))") == "nil\tthere is no flash drive\n"
    say(smu, "savebuffer(smua.nvbuffer1, 'csv', 'a.csv')")
    assert error_code(smu) == -250


# ---------------------------------------------------------------------------------------------- front panel


def test_the_trigger_key_makes_an_event(smu):
    assert say(
        smu, "print(display.trigger.wait(1)) display.sendkey(display.KEY_TRIG) print(display.trigger.wait(0))"
    ) == ("false\ntrue\n")


# ---------------------------------------------------------------------------------------------- lines and nodes


def test_digital_lines_read_what_was_written_unless_protected(smu):
    assert say(smu, "print(digio.readport())") == "1.63830e+04\n"
    assert say(
        smu, "digio.writeport(0) digio.writebit(3, 1) print(digio.readport(), digio.readbit(3), digio.readbit(4))"
    ) == ("4.00000e+00\t1.00000e+00\t0.00000e+00\n")
    assert say(smu, "digio.writeprotect = 130 digio.writeport(16383) print(digio.readport())") == "1.62530e+04\n"
    say(smu, "digio.writebit(15, 1)")
    assert error_code(smu) == 1801


def test_the_instrument_is_alone_on_its_link_as_node_1(smu):
    assert (
        say(smu, "print(tsplink.reset(), tsplink.state, tsplink.node, node[2])")
        == "1.00000e+00\tonline\t1.00000e+00\tnil\n"
    )
    assert say(smu, "node[1].smua.source.levelv = 0.5 print(localnode.smua.source.levelv, node[1].smua == smua)") == (
        "5.00000e-01\ttrue\n"
    )
    assert say(smu, "node[1].execute('x = 5') print(x)") == "5.00000e+00\n"


def test_settings_of_interfaces_are_kept(matrix):
    assert say(matrix, "print(comm.gpib.enable, gpib.address)") == "true\t1.60000e+01\n"
    assert say(matrix, "comm.gpib.enable = false gpib.address = 5 print(comm.gpib.enable, gpib.address)") == (
        "false\t5.00000e+00\n"
    )
    say(matrix, "gpib.address = 31")
    assert error_code(matrix) == 1101
    assert say(matrix, "print(lan.status.ipaddress) lan.reset()") == "127.0.0.1\n"


def test_what_no_lab_with_a_crossbar_touches_is_unknown_like_any_other_name(smu):
    for name in (
        "tspnet",
        "dataqueue",
        "userstring",
        "fs",
        "gm_vsweep",
        "i_leakage_measure",
        "display.menu",
        "lan.config",
        "lan.trigger",
        "localnode.password",
        "digio.trigger",
        "trigger.generator",
        "script.user.catalog",
        "QueryPulseConfig",
        "bit.getfield",
        "smua.buffer",
        "smua.nvbuffer1.measureranges",
        "node[1].getglobal",
        "status.operation.measuring",
        "smua.measureivandstep",
    ):
        assert say(smu, f"print({name})") == "nil\n", name
    say(smu, "display.menu('Pick', 'one two')")
    assert error_code(smu) == -286


# ---------------------------------------------------------------------------------------------- scripts


def test_a_script_is_made_and_run(smu):
    assert say(smu, 'lab = script.new("print([[hello]])", "lab") lab() lab.run() print(lab.name)') == (
        "hello\nhello\nlab\n"
    )


def test_a_script_that_does_not_compile_is_not_made(smu):
    say(smu, "script.new('x = = 1', 'bad')")
    assert error_code(smu) == -286
    assert say(smu, "print(bad, loadstring('x = = 1') == nil)") == "nil\ttrue\n"
