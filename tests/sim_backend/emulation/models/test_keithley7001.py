import pytest

from crossbar_hil.sim_backend.emulation.models.keithley7001.model import EmulatedKeithley7001, EmulatedKeithley7002
from crossbar_hil.sim_backend.emulation.world.terminals import Terminal


@pytest.fixture
def matrix(world):
    return EmulatedKeithley7001(world, "matrix")


def test_a_crosspoint_joins_its_row_and_column(world, matrix):
    assert matrix.receive(":CLOS (@1!2!3)") == b""
    assert world.closed("matrix") == {("matrix.row.1.2", "matrix.column.1.3")}


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        (":CLOS (@1!1!1,1!2!2)", "(@1!1!1,1!2!2)"),
        (":ROUT:CLOS (@ 1!1!1 , 2!4!10)", "(@1!1!1,2!4!10)"),
        (":ROUTE:CLOSE (@1!1!9:1!2!2)", "(@1!1!9:1!1!10,1!2!1:1!2!2)"),
        (":clos (@2!1!2);:clos (@1!1!1)", "(@1!1!1,2!1!2)"),
    ],
)
def test_channel_lists_have_ranges_and_spaces(matrix, text, closed):
    matrix.receive(text)
    assert matrix.receive(":ROUT:CLOS:STAT?;:SYST:ERR?").decode() == f'{closed};+0,"No error"\n'


def test_states_are_a_list_of_ones_and_zeros(matrix):
    matrix.receive(":CLOS (@1!1!2,1!1!4)")
    assert matrix.receive(":CLOS? (@1!1!1:1!1!4);:OPEN? (@1!1!1,1!1!2)") == b"0,1,0,1;1,0\n"


@pytest.mark.parametrize("wrong", ["1!1!11", "1!5!1", "3!1!1", "0!1!1", "1!1", "1!1!1!1", "M1", "1!1!2:1!1!1", "101"])
def test_with_an_illegal_channel_no_relay_moves(matrix, wrong):
    matrix.receive(":CLOS (@2!2!2)")
    assert matrix.receive(f":CLOS (@1!1!1,{wrong})") == b""
    assert matrix.receive(":SYST:ERR?;:ROUT:CLOS:STAT?") == b'-222,"Parameter data out of range";(@2!2!2)\n'


def test_open_takes_a_list_or_all(matrix):
    matrix.receive(":CLOS (@1!1!1:1!1!3)")
    matrix.receive(":OPEN (@1!1!2)")
    assert matrix.receive(":ROUT:CLOS:STAT?") == b"(@1!1!1,1!1!3)\n"
    matrix.receive(":OPEN ALL")
    assert matrix.receive(":ROUT:CLOS:STAT?") == b"(@)\n"


def test_a_move_takes_4_ms_and_none_takes_no_time(world, matrix):
    matrix.receive(":CLOS (@1!1!1,1!2!2)")
    assert world.clock.now() == pytest.approx(4e-3)
    matrix.receive(":CLOS (@1!1!1)")
    assert world.clock.now() == pytest.approx(4e-3)
    matrix.receive(":ROUT:CONF:SLOT2:STIM 0.01;:OPEN ALL")
    assert world.clock.now() == pytest.approx(18e-3)


def test_each_relay_counts_how_often_it_closed(matrix):
    for _ in range(3):
        matrix.receive(":CLOS (@1!1!1);:OPEN ALL")
    matrix.receive(":CLOS (@1!1!2)")
    assert matrix.operations == {(1, 1, 1): 3, (1, 1, 2): 1}


def test_make_before_break_is_a_matter_of_order_in_one_message(world, matrix):
    matrix.receive(":CLOS (@1!1!1)")
    matrix.receive(":CLOS (@1!2!1);:OPEN (@1!1!1)")
    moves = world.log.of("relays")
    assert [(len(each["closed"]), len(each["opened"])) for each in moves] == [(1, 0), (1, 0), (0, 1)]


def test_hot_switching_is_noted(world, matrix):
    world.add_source("smu.a", Terminal(level_v=1.0, on=True, limit_a=1e-3))
    world.add_wire("smu.a.hi", "matrix.row.1.1")
    matrix.receive(":CLOS (@1!1!1)")
    assert world.log.of("violation")[0]["what"] == "hot switching"


def test_the_7002_has_ten_slots_and_the_7001_two(world, matrix):
    large = EmulatedKeithley7002(world, "large")
    large.receive(":CLOS (@10!4!10)")
    assert large.receive(":ROUT:CLOS:STAT?;:ROUT:CONF:SLOT10:CTYP?") == b"(@10!4!10);C7012\n"
    assert matrix.receive(":ROUT:CONF:SLOT3:CTYP?") == b""
    assert matrix.receive(":SYST:ERR?") == b'-114,"Header suffix out of range"\n'


def test_reset_opens_everything(matrix):
    matrix.receive(":CLOS (@1!1!1);*RST")
    assert matrix.receive(":ROUT:CLOS:STAT?") == b"(@)\n"


def test_cards_and_panel_outlive_a_reset(matrix):
    asked = ":ROUT:CONF:SLOT2:CTYP?;POLE?;:OUTP:TTL3?;:DISP:TEXT?"
    matrix.receive(":ROUT:CONF:SLOT2:CTYP C7011;POLE 1;:OUTP:TTL3 ON;:DISP:TEXT 'a'")
    assert matrix.receive(asked) == b'C7011;1;1;"a"\n'
    matrix.receive("*RST")
    assert matrix.receive(asked) == b'C7011;1;1;"a"\n'
    assert matrix.receive(":ROUT:CONF:SLOT1:CTYP?;:OUTP:TTL1?") == b"C7012;0\n"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (":ROUT:CONF:SLOT3:CTYP C7012", -114),
        (":ROUT:CONF:SLOT1:CTYP 12", -141),
        *((message, -113) for message in (":SYST:KEY 1", ":ROUT:SCAN (@1!1!1)", ":ROUT:MEM:SAVE M1", ":INIT")),
    ],
)
def test_what_is_not_there_is_refused(matrix, message, code):
    matrix.receive(message)
    assert matrix.receive(":SYST:ERR?").startswith(f"{code},".encode())


def test_another_card_opens_the_relays_of_its_slot_and_leaves_it_without_channels(matrix):
    matrix.receive(":CLOS (@1!1!1,2!1!1)")
    matrix.receive(":ROUT:CONF:SLOT1:CTYP C7011")
    assert matrix.receive(":ROUT:CONF:SLOT1:CTYP?;:ROUT:CLOS:STAT?") == b"C7011;(@2!1!1)\n"
    matrix.receive(":CLOS (@1!1!1)")
    assert matrix.receive(":SYST:ERR?").startswith(b"-222")


def test_no_command_for_break_before_make_is_known(matrix):
    matrix.receive(":ROUT:CONF:BBM ON")
    assert matrix.receive(":SYST:ERR?").startswith(b"-113")
