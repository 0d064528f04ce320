import pytest

from crossbar_hil.sim_backend.emulation.models.keysightb2200a.model import (
    EmulatedKeysightB2200A,
    EmulatedKeysightB2201A,
)


@pytest.fixture
def matrix(world):
    found = EmulatedKeysightB2200A(world, "matrix")
    found.receive(":CONN:RULE 0,FREE")
    return found


def ask(matrix, message):
    return matrix.receive(message).decode().rstrip("\n")


def closed(matrix):
    return ask(matrix, ":CLOS:CARD? 0")


def error(matrix):
    return int(ask(matrix, ":SYST:ERR?").split(",")[0])


def test_inputs_are_rows_and_outputs_columns_of_card_0(world, matrix):
    matrix.receive(":CLOS (@00248)")
    assert world.closed("matrix") == {("matrix.row.0.2", "matrix.column.0.48")}
    assert ask(matrix, ":CLOS? (@00247,00248)") == "0,1"


def test_the_closed_channels_of_a_card_are_a_channel_list(matrix):
    matrix.receive(":ROUT:CLOS (@01012,00248)")
    assert closed(matrix) == "(@00248,01012)"
    matrix.receive(":OPEN (@00248)")
    assert closed(matrix) == "(@01012)"
    matrix.receive(":OPEN:CARD ALL")
    assert closed(matrix) == "(@)"


@pytest.mark.parametrize("wrong", ["01501", "00149", "10101", "00001", "0101", "50101"])
def test_with_an_illegal_channel_no_relay_moves(matrix, wrong):
    matrix.receive(f":CLOS (@00101,{wrong})")
    assert error(matrix) == -222
    assert closed(matrix) == "(@)"


def test_normal_configuration_has_four_cards_of_twelve_outputs(world, matrix):
    matrix.receive(":CLOS (@00101)")
    matrix.receive(":FUNC NCON")
    assert not world.closed("matrix")
    matrix.receive(":CLOS (@40112)")
    assert world.closed("matrix") == {("matrix.row.4.1", "matrix.column.4.12")}
    matrix.receive(":CLOS (@40113)")
    assert error(matrix) == -222


def test_single_route_lets_each_input_and_output_hold_one_connection(matrix):
    assert ask(matrix, ":CONN:RULE? 0") == "FREE"
    matrix.receive("*RST")
    assert ask(matrix, ":CONN:RULE? 0") == "SROU"
    matrix.receive(":CLOS (@00101,00202)")
    matrix.receive(":CLOS (@00102)")
    assert closed(matrix) == "(@00102)"


@pytest.mark.parametrize(
    ("sequence", "moves", "seconds"),
    [("BBM", [("open",), ("close",)], 8e-3), ("MBBR", [("close",), ("open",)], 8e-3), ("NSEQ", [("open", "close")], 0)],
)
def test_the_sequence_says_what_moves_first(world, matrix, sequence, moves, seconds):
    matrix.receive(f"*RST;:CONN:SEQ 0,{sequence};:CLOS (@00101)")
    start, before = len(world.log.of("relays")), world.clock.now()
    matrix.receive(":CLOS (@00102)")
    found = world.log.of("relays")[start:]
    names = [tuple(name for name, key in (("open", "opened"), ("close", "closed")) if each[key]) for each in found]
    assert names == moves
    assert world.clock.now() - before == pytest.approx(seconds)


def test_bias_mode_joins_every_idle_output_to_the_bias_port(matrix):
    matrix.receive(":BIAS:CHAN:DIS:CARD 0;:BIAS:CHAN:ENAB (@00001:00004);:BIAS:PORT 0,10")
    matrix.receive(":CLOS (@00101)")
    matrix.receive(":BIAS 0,ON")
    assert ask(matrix, ":BIAS? 0") == "1"
    assert closed(matrix) == "(@00101,01002,01003,01004)"
    matrix.receive(":CLOS (@00203)")
    assert closed(matrix) == "(@00101,00203,01002,01004)"
    matrix.receive(":OPEN (@00101)")
    assert closed(matrix) == "(@00203,01001,01002,01004)"
    matrix.receive(":BIAS 0,OFF")
    assert closed(matrix) == "(@00203)"


def test_all_outputs_are_biased_through_port_10_after_reset(matrix):
    matrix.receive(":BIAS 0,ON")
    assert closed(matrix).count("010") >= 48
    assert ask(matrix, ":BIAS:PORT? 0;:AGND:PORT? 0") == "10;12"


def test_the_port_of_a_mode_cannot_be_routed_while_it_is_on(matrix):
    matrix.receive(":BIAS 0,ON;:CLOS (@01001)")
    assert error(matrix) == -221
    matrix.receive(":BIAS:PORT 0,9")
    assert error(matrix) == -221
    matrix.receive(":AGND 0,ON")
    assert error(matrix) == -221
    assert ask(matrix, ":AGND? 0") == "0"


def test_ground_mode_grounds_outputs_that_only_unused_inputs_hold(matrix):
    matrix.receive(":AGND:CHAN:DIS:CARD 0;:AGND:CHAN:ENAB (@00001:00003);:AGND:UNUSED 0,'5, 6'")
    matrix.receive(":CLOS (@00101,00502)")
    matrix.receive(":AGND 0,ON")
    assert closed(matrix) == "(@00101,00502,01202,01203)"
    assert ask(matrix, ":AGND:UNUSED? 0;:AGND:CHAN:ENAB? (@00001,00004)") == "'5,6';1,0"


def test_couple_mode_closes_pairs(matrix):
    matrix.receive(":COUP:PORT 0,'1,3';:COUP 0,ON;:CLOS (@00105)")
    assert closed(matrix) == "(@00105,00206)"
    matrix.receive(":OPEN (@00105)")
    assert closed(matrix) == "(@)"


def test_reset_opens_everything_and_leaves_the_error_queue(matrix):
    matrix.receive(":BIAS 0,ON;:NONSENSE")
    matrix.receive("*RST")
    assert closed(matrix) == "(@)"
    assert error(matrix) == -113


def test_both_models_differ_in_name_only(world, matrix):
    other = EmulatedKeysightB2201A(world, "other")
    assert ask(other, "*IDN?").split(",")[1] == "B2201A"
    assert ask(matrix, "*IDN?").split(",")[1] == "B2200A"


def test_coupled_inputs_are_odd_and_detection_finds_none(matrix):
    matrix.receive(":COUP:PORT 0,'1,4'")
    assert error(matrix) == -222
    matrix.receive(":COUP:PORT 0,'1,3'")
    assert ask(matrix, ":COUP:PORT? 0") == "'1,3'"
    matrix.receive(":COUP:PORT:DET")
    assert ask(matrix, ":COUP:PORT? 0") == "''"


def test_open_queries_are_the_opposite_of_close_queries(matrix):
    matrix.receive(":CLOS:LIST (@00101)")
    assert ask(matrix, ":OPEN? (@00101,00102);:CLOS:LIST? (@00101,00102);:OPEN:LIST? (@00101)") == "0,1;1,0;0"


def test_a_card_that_is_powered_on_has_its_relays_open_and_its_settings_forgotten(matrix):
    matrix.receive(":FUNC NCON;:CONN:RULE ALL,FREE;:CLOS (@10101,20101)")
    matrix.receive(":SYST:CPON 1")
    assert ask(matrix, ":CLOS? (@10101,20101);:CONN:RULE? 1;:CONN:RULE? 2") == "0,1;SROU;FREE"
    assert error(matrix) == 0
