import dataclasses
import functools

import pytest

from crossbar_hil import open_bench
from crossbar_hil.sim_backend.emulation.models.keithley3706a.model import EmulatedKeithley3706A
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.tsp.switch.cards import CARD_3730
from crossbar_hil.sim_backend.emulation.world.terminals import Terminal
from crossbar_hil.sim_backend.emulation.world.world import World

chip = functools.cache(lambda: open_bench(seed=1))  # no voltage here moves a cell


@pytest.fixture
def matrix():
    return EmulatedKeithley3706A(World(chip()), "matrix", "04447336")


def say(matrix, *messages):
    return b"".join(matrix.receive(message) for message in messages).decode("latin-1")


def error_code(matrix):
    return int(float(say(matrix, "print(errorqueue.next())").split("\t")[0]))


def test_it_says_who_it_is(matrix):
    assert say(matrix, "*IDN?") == "KEITHLEY INSTRUMENTS INC.,MODEL 3706A-SNFP,04447336,01.56a\n"
    assert say(matrix, "print(slot[1].idn)", "print(slot[2].idn)") == (
        "3730,6x16 High Density Matrix,01.40h,4447332\n3730,6x16 High Density Matrix,01.40h,4447333\n"
    )
    assert say(matrix, "print(slot[1].interlock.state, slot[6].interlock.state)") == "1.00000e+00\t1.00000e+00\n"
    assert len(say(matrix, "print(memory.available())").split(",")) == 4


def test_rows_are_written_as_digits(matrix):
    say(matrix, "channel.close('1105, 1616')")
    assert matrix.world.closed("matrix") == {
        ("matrix.row.1.1", "matrix.column.1.5"),
        ("matrix.row.1.6", "matrix.column.1.16"),
    }
    assert say(matrix, "print(channel.getclose('slot1'))") == "1105;1616\n"


@pytest.mark.parametrize("given", ["1A05", "1705", "1117", "7101", "1100", "1917", "1921", "7911", "110"])
def test_what_the_card_does_not_have_is_refused(matrix, given):
    say(matrix, f"channel.close('{given}')")
    assert error_code(matrix) == 1115
    assert matrix.world.closed("matrix") == frozenset()


def test_a_channel_of_a_matrix_card_has_two_poles(matrix):
    assert say(matrix, "print(channel.getpole('1101'))") == "2\n"
    say(matrix, "channel.setpole('1101', 4)")
    assert error_code(matrix) == 1114


def closed(matrix):
    return say(matrix, "print(channel.getclose('allslots'))").strip()


def test_a_backplane_relay_joins_a_row_with_its_plane(matrix):
    say(matrix, "channel.close('1913')")
    assert matrix.world.closed("matrix") == {("matrix.row.1.3", "matrix.backplane.3")}
    say(matrix, "channel.open('1913')")
    assert matrix.world.closed("matrix") == frozenset()


def test_current_flows_from_card_to_card_through_the_backplane():
    world = World(chip())
    matrix = EmulatedKeithley3706A(world, "matrix", cards={1: CARD_3730, 4: CARD_3730})
    world.add_source("drive", Terminal(level_v=0.1, on=True))
    world.add_wire("drive.hi", "matrix.column.1.1")
    world.add_wire("matrix.column.4.16", "row.2")
    for number in range(4):
        world.add_wire(f"column.{number}", "lo")
    say(matrix, "channel.close('1201, 1912, 4216')")
    assert world.measure("drive")[0] == pytest.approx(0, abs=1e-12)
    say(matrix, "channel.close('4912')")
    assert world.measure("drive")[0] == pytest.approx(0.1 * world.chip.conductances[2].sum(), rel=1e-3)


def test_backplane_relays_are_listed_behind_the_channels_of_their_slot(matrix):
    say(matrix, "channel.close('1915, 1911, 1616, 1101')")
    assert closed(matrix) == "1101;1616;1911;1915"
    counts = say(matrix, "print(channel.getcount('slot1'))").strip().split(",")
    assert (len(counts), counts[0], counts[-6:]) == (6 * 16 + 6, "1", ["1", "0", "0", "0", "1", "0"])


def test_backplane_relays_move_with_the_channels_they_are_set_to(matrix):
    say(matrix, "channel.setbackplane('1101, 1102', '1911,1912')")
    assert say(matrix, "print(channel.getbackplane('1101,1103'))") == "1911,1912;\n"
    say(matrix, "channel.close('1101')")
    assert closed(matrix) == "1101;1911;1912"
    say(matrix, "channel.exclusiveclose('1102')")
    assert closed(matrix) == "1102;1911;1912"
    say(matrix, "channel.open('1102')")
    assert closed(matrix) == "nil"


def test_channel_reset_forgets_what_goes_with_a_channel(matrix):
    say(matrix, "channel.setbackplane('1101', '1911') channel.reset('1101') channel.close('1101')")
    assert closed(matrix) == "1101"


@pytest.mark.parametrize(
    "wrong",
    ["channel.setbackplane('1101', '1102')", "channel.setbackplane('1911', '1912')", "channel.setdelay('1911', 1)"],
)
def test_a_channel_is_no_backplane_relay_and_the_other_way_round(matrix, wrong):
    say(matrix, wrong)
    assert error_code(matrix) == 1115


def test_delays_of_a_slot_are_those_of_its_channels(matrix):
    say(matrix, "channel.setdelay('slot1', 0.01)")
    assert len(say(matrix, "print(channel.getdelay('slot1'))").split(",")) == 6 * 16
    assert error_code(matrix) == 0


def test_without_interlock_a_backplane_relay_stays_open_with_a_warning_and_the_rest_closes():
    open_card = dataclasses.replace(CARD_3730, interlock=0)
    matrix = EmulatedKeithley3706A(World(chip()), "matrix", cards={1: open_card, 2: CARD_3730})
    assert say(matrix, "print(slot[1].interlock.state)") == "0.00000e+00\n"
    say(matrix, "channel.close('1101, 1911, 2911')")
    assert closed(matrix) == "1101;2911"
    code, message, severity, _ = say(matrix, "print(errorqueue.next())").split("\t")
    assert (float(code), float(severity)) == (1114, 10)
    assert "1911 stays open" in message


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


def test_the_commands_of_qcodes_are_understood(matrix):
    said = (
        ("*IDN?", "KEITHLEY INSTRUMENTS INC.,MODEL 3706A-SNFP,04447336,01.56a"),
        ("print(slot[1].rows.matrix)", "6.00000e+00"),
        ("print(slot[1].columns.matrix)", "1.60000e+01"),
        ("channel.close('1101,1102')", ""),
        ("channel.exclusiveslotclose('1204')", ""),
        ("print(channel.getclose('allslots'))", "1204"),
        ("channel.setforbidden('1301,1302')", ""),
        ("print(channel.getforbidden('allslots'))", "1301,1302"),
        ("channel.clearforbidden('allslots')", ""),
        ("print(channel.getforbidden('allslots'))", "nil"),
        ("channel.setdelay('1101', 0.01)", ""),
        ("print(channel.getdelay('1101,1102'))", "1.00000e-02,0.00000e+00"),
        ("channel.setbackplane('1101', '1911,1912')", ""),
        ("print(channel.getbackplane('1101'))", "1911,1912"),
        ("channel.connectrule = channel.MAKE_BEFORE_BREAK", ""),
        ("print(channel.connectrule)", "2.00000e+00"),
        ("comm.gpib.enable = false", ""),
        ("print(comm.gpib.enable)", "false"),
        ("comm.lan.enable = true", ""),
        ("gpib.address = 5", ""),
        ("print(gpib.address)", "5.00000e+00"),
        ("print(lan.status.ipaddress)", "127.0.0.1"),
        ("lan.reset()", ""),
        ("setup.save()", ""),
        ("setup.recall('1')", ""),
        ("setup.recall('0')", ""),
        ("channel.reset('allslots')", ""),
        ("print(errorqueue.count)", "0.00000e+00"),
    )
    for message, answer in said:
        assert say(matrix, message) == (f"{answer}\n" if answer else ""), message
