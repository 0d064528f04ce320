import functools

import pytest

from crossbar_hil import open_bench
from crossbar_hil.sim_backend.emulation.keithley3706a import Keithley3706A
from crossbar_hil.sim_backend.emulation.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.world import World

chip = functools.cache(lambda: open_bench(seed=1))  # no voltage here moves a cell


@pytest.fixture
def matrix():
    return Keithley3706A(World(chip()), "matrix", "04447336")


def say(matrix, *messages):
    return b"".join(matrix.receive(message) for message in messages).decode("latin-1")


def error_code(matrix):
    return int(float(say(matrix, "print(errorqueue.next())").split("\t")[0]))


def test_it_says_who_it_is(matrix):
    assert say(matrix, "*IDN?") == "KEITHLEY INSTRUMENTS INC.,MODEL 3706A-SNFP,04447336,01.56a\n"
    assert say(matrix, "print(slot[1].idn)", "print(slot[2].idn)") == (
        "3730,6x16 High Density Matrix,01.40h,4447332\nEmpty Slot\n"
    )
    assert say(matrix, "print(slot[1].interlock.state)") == "nil\n"
    assert len(say(matrix, "print(memory.available())").split(",")) == 4


def test_rows_are_written_as_digits(matrix):
    say(matrix, "channel.close('1105, 1616')")
    assert matrix.world.closed("matrix") == {
        ("matrix.row.1.1", "matrix.column.1.5"),
        ("matrix.row.1.6", "matrix.column.1.16"),
    }
    assert say(matrix, "print(channel.getclose('slot1'))") == "1105;1616\n"


@pytest.mark.parametrize("given", ["1A05", "1705", "1117", "2101", "1100", "1911", "110"])
def test_what_the_card_does_not_have_is_refused(matrix, given):
    say(matrix, f"channel.close('{given}')")
    assert error_code(matrix) == 1115
    assert matrix.world.closed("matrix") == frozenset()


def test_a_specifier_has_a_bank(matrix):
    assert say(matrix, "print(channel.createspecifier(1, 1, 2, 16))") == "1216\n"
    say(matrix, "print(channel.createspecifier(1, 2, 2, 16))")
    assert error_code(matrix) == 1115


@pytest.mark.filterwarnings("default")
def test_it_is_driven_over_visa(matrix):
    import pyvisa

    manager = pyvisa.ResourceManager("@py")
    with InstrumentServer(matrix) as server:
        session = manager.open_resource(server.resource, read_termination="\n", write_termination="\n")
        session.write("channel.exclusiveclose('1101:1104')")
        assert session.query("print(channel.getclose('allslots'))") == "1101;1102;1103;1104"
        assert session.query("*OPC?") == "1"
        session.close()
    manager.close()
