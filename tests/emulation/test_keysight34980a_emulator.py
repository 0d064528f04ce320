import pytest

import crossbar_hil
from crossbar_hil.sim_backend.emulation.keysight34980a import Keysight34980A
from crossbar_hil.sim_backend.emulation.world import World


@pytest.fixture
def world():
    return World(crossbar_hil.open_bench(seed=1))


@pytest.fixture
def matrix(world):
    return Keysight34980A(world, "matrix", installed=(1, 2))


def ask(matrix, message):
    return matrix.receive(message).decode().rstrip("\n")


def test_a_channel_is_slot_row_and_two_digits_of_column(world, matrix):
    assert matrix.receive("ROUT:CLOS (@1203)") == b""
    assert world.closed("matrix") == {("matrix.row.1.2", "matrix.column.1.3")}


def test_the_second_matrix_of_a_module_has_columns_of_its_own(world, matrix):
    matrix.receive("ROUT:CLOS (@2503)")
    assert world.closed("matrix") == {("matrix.row.2.5", "matrix.column.2.19")}


def test_close_open_and_their_queries(matrix):
    matrix.receive("ROUT:CLOS (@1103,1204)")
    assert ask(matrix, "ROUT:CLOS? (@1102:1104,1204);:ROUT:OPEN? (@1103,1101)") == "0,1,0,1;0,1"
    matrix.receive("ROUT:OPEN (@1103)")
    assert ask(matrix, "ROUT:CLOS? (@1103,1204)") == "0,1"


def test_exclusive_close_opens_the_modules_of_the_list_first_and_only_those(world, matrix):
    matrix.receive("ROUT:CLOS (@1101,1102,2101)")
    start = len(world.log.of("relays"))
    before = world.clock.now()
    matrix.receive("ROUT:CLOS:EXCL (@1102,1205)")
    moves = world.log.of("relays")[start:]
    assert [(len(each["opened"]), len(each["closed"])) for each in moves] == [(2, 0), (0, 2)]
    assert ask(matrix, "ROUT:CLOS? (@1101,1102,1205,2101)") == "0,1,1,1"
    assert world.clock.now() - before == pytest.approx(8e-3)


def test_open_all_takes_a_slot(matrix):
    matrix.receive("ROUT:CLOS (@1101,2101)")
    matrix.receive("ROUT:OPEN:ALL 2")
    assert ask(matrix, "ROUT:CLOS? (@1101,2101)") == "1,0"
    matrix.receive("ROUT:OPEN:ALL")
    assert ask(matrix, "ROUT:CLOS? (@1101,2101)") == "0,0"


@pytest.mark.parametrize("wrong", ["1117", "1901", "1100", "3101", "0101", "110", "11011", "1!1!1", "1105:1101"])
def test_with_an_illegal_channel_no_relay_moves(world, matrix, wrong):
    matrix.receive(f"ROUT:CLOS (@1101,{wrong})")
    assert not world.closed("matrix")
    assert ask(matrix, ":SYST:ERR?;*ESR?") == '-222,"Parameter data out of range";144'


def test_slots_say_what_they_hold(matrix):
    assert ask(matrix, "SYST:CTYP? 1").startswith("Agilent Technologies,34932A,")
    assert ask(matrix, "SYST:CTYP? 3").split(",")[1] == "0"


def test_relay_cycles_are_counted_and_can_be_cleared(matrix):
    for _ in range(2):
        matrix.receive("ROUT:CLOS (@1101);:ROUT:OPEN:ALL")
    assert ask(matrix, "DIAG:REL:CYCL? (@1101,1102)") == "+2,+0"
    matrix.receive("DIAG:REL:CYCL:CLE (@1101,1102)")
    assert ask(matrix, "DIAG:REL:CYCL? (@1101)") == "+0"


def test_the_settling_time_is_an_option(world):
    matrix = Keysight34980A(world, "slow", settle_s=0.02)
    matrix.receive("ROUT:CLOS (@8101)")
    assert world.clock.now() == pytest.approx(0.02)
