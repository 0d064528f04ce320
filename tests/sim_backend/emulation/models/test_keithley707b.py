import functools

import pytest

from crossbar_hil import open_bench
from crossbar_hil.sim_backend.emulation.models.keithley707b.model import EmulatedKeithley707B, EmulatedKeithley708B
from crossbar_hil.sim_backend.emulation.tsp.switch.cards import CARD_7072, CARD_7174A
from crossbar_hil.sim_backend.emulation.world.terminals import Terminal
from crossbar_hil.sim_backend.emulation.world.world import World

chip = functools.cache(lambda: open_bench(seed=1))  # no voltage here moves a cell


@pytest.fixture
def matrix():
    return EmulatedKeithley707B(World(chip()), "matrix", "778899", cards={1: CARD_7174A, 3: CARD_7072})


def say(matrix, *messages):
    return b"".join(matrix.receive(message) for message in messages).decode("latin-1")


def error_code(matrix):
    return int(float(say(matrix, "print(errorqueue.next())").split("\t")[0]))


def closed(matrix):
    return say(matrix, "print(channel.getclose('allslots'))").strip()


def moves(matrix):
    """(time, opened, closed) of each time that relays moved, by column and row of slot 1."""
    return [
        (round(event["t"], 6), [_short(each) for each in event["opened"]], [_short(each) for each in event["closed"]])
        for event in matrix.world.log.of("relays")
    ]


def _short(nodes):
    row, column = nodes
    return f"{row.rsplit('.')[-1]}-{column.rsplit('.')[-1]}"


def test_it_says_who_it_is():
    assert say(EmulatedKeithley707B(World(chip()), "m", "42"), "*IDN?").startswith(
        "KEITHLEY INSTRUMENTS INC.,MODEL 707B,42,"
    )
    small = EmulatedKeithley708B(World(chip()), "m")
    assert say(small, "print(localnode.model, slot[1].idn, slot[2])").startswith("708B\t7174,")
    assert say(small, "print(slot[2])") == "nil\n"


def test_a_closed_relay_joins_its_row_and_its_column(matrix):
    say(matrix, "channel.close('1C05')")
    assert matrix.world.closed("matrix") == {("matrix.row.1.3", "matrix.column.1.5")}
    say(matrix, "channel.open('1C05')")
    assert matrix.world.closed("matrix") == frozenset()


def test_current_flows_through_the_matrix():
    world = World(chip())
    matrix = EmulatedKeithley707B(world, "matrix")
    world.add_source("drive", Terminal(level_v=0.1, on=True))
    world.add_source("sense", Terminal(on=True))
    world.add_wire("drive.hi", "matrix.row.1.1")
    world.add_wire("sense.hi", "matrix.row.1.2")
    world.add_wire("lo", "matrix.row.1.3")
    for number in range(4):
        world.add_wire(f"matrix.column.1.{1 + number}", f"row.{number}")
        world.add_wire(f"matrix.column.1.{5 + number}", f"column.{number}")
    say(matrix, "channel.close('1A02,1B07,1C01,1C03,1C04,1C05,1C06,1C08')")
    assert world.measure("sense")[0] == pytest.approx(-0.1 * world.chip.conductances[1, 2], rel=1e-3)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("1A05", "1A05"),
        ("1B01, 1A12;1A02", "1A02;1A12;1B01"),
        ("1A01:1A05", "1A01;1A02;1A03;1A04;1A05"),
        ("1A11:1B02", "1A11;1A12;1B01;1B02"),
        ("3H12,1A01", "1A01;3H12"),
        (" 1a01 , 1A01 ", "1A01"),
    ],
)
def test_lists_are_read_and_closed_relays_are_listed_in_order(matrix, given, expected):
    say(matrix, f"channel.close('{given}')")
    assert closed(matrix) == expected
    assert error_code(matrix) == 0


def test_nothing_closed_is_nil(matrix):
    assert closed(matrix) == "nil"
    say(matrix, "print(channel.getclose(''))")
    assert error_code(matrix) == 1115


@pytest.mark.parametrize(
    "given",
    ["1A13", "1I01", "2A01", "7A01", "1A00", "1A1", "1A001", "A01", "", ",", "1A01,,1A02", "1A05:1A01", "1A01:3A01",
     "1A01:", "slot1", "allslots", "nonsense", "1A01:1A02:1A03", "1A０1"],
)  # fmt: skip
def test_a_list_with_anything_wrong_closes_nothing(matrix, given):
    say(matrix, f"channel.close('1B01,{given}')" if given else "channel.close('')")
    assert error_code(matrix) == 1115
    assert closed(matrix) == "nil"
    assert matrix.world.clock.now() == 0


@pytest.mark.parametrize("argument", ["", "nil", "1", "{}", "print", "channel"])
def test_what_is_no_text_is_no_list(matrix, argument):
    say(matrix, f"channel.close({argument})")
    assert error_code(matrix) in {-104, 1401}
    assert closed(matrix) == "nil"


def test_relays_move_together_and_take_one_settling_time(matrix):
    say(matrix, "channel.close('1A01:1A08')")
    assert len(moves(matrix)) == 1
    assert matrix.world.clock.now() == pytest.approx(0.004)
    say(matrix, "channel.close('1A01')")
    assert matrix.world.clock.now() == pytest.approx(0.004)


def test_sequential_closing_takes_three_times_four_milliseconds_for_three(matrix):
    say(matrix, "channel.connectsequential = 1 channel.close('1A01:1A03')")
    assert moves(matrix) == [(0, [], ["1-1"]), (0.004, [], ["1-2"]), (0.008, [], ["1-3"])]
    assert matrix.world.clock.now() == pytest.approx(0.012)


def test_the_user_delay_comes_after_closing_only(matrix):
    say(matrix, "channel.setdelay('1A01', 0.05)")
    assert say(matrix, "print(channel.getdelay('1A01,1A02'))") == "5.00000e-02,0.00000e+00\n"
    say(matrix, "channel.close('1A01,1A02')")
    assert matrix.world.clock.now() == pytest.approx(0.054)
    say(matrix, "channel.open('1A01')")
    assert matrix.world.clock.now() == pytest.approx(0.058)


def test_break_before_make_opens_waits_closes_waits(matrix):
    say(matrix, "channel.close('1A01,1B02')", "channel.exclusiveclose('1A01,1A03')")
    assert moves(matrix)[1:] == [(0.004, ["2-2"], []), (0.008, [], ["1-3"])]
    assert matrix.world.clock.now() == pytest.approx(0.012)
    assert closed(matrix) == "1A01;1A03"


def test_make_before_break_shows_both_states(matrix):
    say(
        matrix,
        "channel.connectrule = channel.MAKE_BEFORE_BREAK channel.close('1B02')",
        "channel.exclusiveclose('1A03')",
    )
    assert moves(matrix)[1:] == [(0.004, [], ["1-3"]), (0.008, ["2-2"], [])]
    assert closed(matrix) == "1A03"


def test_without_a_rule_all_moves_at_once(matrix):
    say(matrix, "channel.connectrule = 0 channel.close('1B02')", "channel.exclusiveclose('1A03')")
    assert moves(matrix)[1:] == [(0.004, ["2-2"], ["1-3"])]


def test_exclusive_close_of_nothing_opens_all_and_of_a_slot_only_that_slot(matrix):
    say(matrix, "channel.close('1A01,3A01')", "channel.exclusiveslotclose('3B02')")
    assert closed(matrix) == "1A01;3B02"
    say(matrix, "channel.exclusiveclose('')")
    assert closed(matrix) == "nil"
    say(matrix, "channel.close('1A01,3A01')", "channel.open('slot1')")
    assert closed(matrix) == "3A01"
    say(matrix, "channel.open('allslots')")
    assert closed(matrix) == "nil"


def test_a_relay_that_moves_under_voltage_is_noted():
    world = World(chip())
    matrix = EmulatedKeithley707B(world, "matrix")
    world.add_source("drive", Terminal(level_v=0.1, on=True))
    world.add_wire("drive.hi", "matrix.row.1.1")
    say(matrix, "channel.close('1A01')")
    assert [event["what"] for event in world.log.of("violation")] == ["hot switching"]


def test_state_and_counts_are_lists_of_numbers(matrix):
    say(matrix, "channel.close('1A01')", "channel.open('1A01')", "channel.close('1A01')")
    assert say(matrix, "print(channel.getstate('1A01:1A03'))") == "1,0,0\n"
    assert say(matrix, "print(tonumber(channel.getstate('1A01')) == channel.IND_CLOSED)") == "true\n"
    assert say(matrix, "print(channel.getcount('1A01,1A02'), channel.gettype('1A01'))") == "2,0\t1\n"


def test_a_forbidden_relay_stays_open_with_all_that_were_listed(matrix):
    say(matrix, "channel.setforbidden('1A02')", "channel.close('1A01,1A02')")
    assert error_code(matrix) == 1114
    assert closed(matrix) == "nil"
    assert say(matrix, "print(channel.getforbidden('allslots'))") == "1A02\n"
    say(matrix, "channel.clearforbidden('slot1')", "channel.close('1A02')")
    assert closed(matrix) == "1A02"


def test_what_is_forbidden_is_listed_with_commas(matrix):
    say(matrix, "channel.setforbidden('1A03, 1A02')")
    assert say(matrix, "print(channel.getforbidden('slot1'))") == "1A02,1A03\n"


def test_every_slot_holds_a_card_of_its_own():
    matrix = EmulatedKeithley707B(World(chip()), "m")
    told = [say(matrix, f"print(slot[{n}].idn)").strip() for n in range(1, 7)]
    assert all(each.startswith("7174,8x12 Low Current Matrix") for each in told)
    assert len(set(told)) == 6
    say(matrix, "channel.close('6H12')")
    assert closed(matrix) == "6H12"


def test_a_label_and_a_pattern_stand_for_channels(matrix):
    say(matrix, "channel.setlabel('1A01', 'start')", "channel.pattern.setimage('1B02, start', 'both')")
    assert say(matrix, "print(channel.getlabel('1A01'), channel.pattern.getimage('both'))") == "start\t1A01,1B02\n"
    say(matrix, "channel.close('both')")
    assert closed(matrix) == "1A01;1B02"
    say(matrix, "channel.setforbidden('1B02')")  # deletes the pattern
    assert say(matrix, "print(channel.pattern.catalog())") == "nil\n"
    for name in ("start", "two words", "much_longer_than_19_characters"):
        say(matrix, f"channel.pattern.setimage('1A01', '{name}')")
        assert error_code(matrix) == 1115


def test_a_scan_closes_one_channel_after_the_other_and_opens_what_was_closed_before(matrix):
    say(matrix, "channel.close('1H12')", "scan.create('1A01:1A03')")
    assert say(matrix, "print(scan.execute())") == "6.00000e+00\t1.00000e+00\t3.00000e+00\n"
    assert closed(matrix) == "1A03"
    say(matrix, "channel.close('1H12')", "scan.mode = 1", "scan.create('1A01')", "scan.execute()")
    assert closed(matrix) == "1A01;1A03;1H12"  # 1A03 is in no scan any more
    say(matrix, "scan.trigger.arm.stimulus = 29", "scan.background()")
    assert error_code(matrix) == 1114


def test_a_slot_without_a_card_may_hold_a_pseudocard_and_no_other_slot(matrix):
    told = say(matrix, "print(slot[1].pseudocard, slot[2].pseudocard, slot[2].idn)")
    assert told == "nil\t0.00000e+00\tEmpty Slot\n"
    say(matrix, "slot[2].pseudocard = 7174")
    assert "Pseudo" in say(matrix, "print(slot[2].idn)")
    say(matrix, "slot[1].pseudocard = 7174")
    assert error_code(matrix) == -286


@pytest.mark.parametrize("name", ["setlabelrow", "createspecifier", "getimage"])
def test_what_no_crossbar_lab_touches_is_unknown_like_any_other_name(matrix, name):
    assert say(matrix, f"print(channel.{name})") == "nil\n"


def test_a_list_may_not_be_endless(matrix):
    say(matrix, "channel.open(string.rep('1A01,', 5000) .. '1A01')")
    assert error_code(matrix) == 1115


def test_slots_tell_their_cards(matrix):
    assert say(matrix, "print(slot[1].idn)").startswith("7174,")
    assert say(matrix, "print(slot[2].idn, slot[1].rows.matrix, slot[1].columns.matrix)") == (
        "Empty Slot\t8.00000e+00\t1.20000e+01\n"
    )
    assert say(matrix, "print(slot[2].rows.matrix)") == "nil\n"


def test_reset_opens_all_and_forgets(matrix):
    say(
        matrix, "channel.connectrule = 2 channel.close('1A01') channel.setforbidden('1A02') channel.setdelay('1A03', 1)"
    )
    say(matrix, "reset()")
    assert closed(matrix) == "nil"
    assert say(matrix, "print(channel.connectrule, channel.getforbidden('allslots'), channel.getdelay('1A03'))") == (
        "1.00000e+00\tnil\t0.00000e+00\n"
    )


def test_channel_reset_opens_and_forgets_only_its_own(matrix):
    say(matrix, "channel.close('1A01,1A02')", "channel.setdelay('1A01:1A02', 0.01)", "channel.reset('1A01')")
    assert closed(matrix) == "1A02"
    assert say(matrix, "print(channel.getdelay('1A01:1A02'))") == "0.00000e+00,1.00000e-02\n"
