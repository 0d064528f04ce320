import pytest
from pymeasure.test import expected_protocol

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError
from crossbar_hil.instruments.keysightb2200a import KeysightB2200A, KeysightB2201A

NO_ERROR = (":SYST:ERR?", "0, No Error")
QUERY = "*OPC?;:CLOS:CARD? 0"


def settings(card):
    return [
        (f":BIAS {card},OFF", None),
        (f":AGND {card},OFF", None),
        (f":COUP {card},OFF", None),
        (f":CONN:RULE {card},FREE", None),
        (f":CONN:SEQ {card},BBM", None),
    ]


def read_back(card, answer="0;0;0;FREE;BBM"):
    query = f":BIAS? {card};:AGND? {card};:COUP? {card};:CONN:RULE? {card};:CONN:SEQ? {card}"
    return (query, answer)


PREPARED = [
    ("*CLS", None),
    (":FUNC?", "ACON"),
    *settings(0),
    NO_ERROR,
    read_back(0),
    NO_ERROR,
    (":CLOS:CARD? 0", "(@00248,01012)"),
    (":OPEN:CARD ALL", None),
    (QUERY, "1;(@)"),
    NO_ERROR,
]


@pytest.mark.parametrize("model", [KeysightB2200A, KeysightB2201A])
def test_it_is_prepared_so_that_no_mode_moves_a_relay_by_itself(model):
    with expected_protocol(model, PREPARED) as matrix:
        matrix.prepare()
        assert matrix.operations == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("1;0;0;FREE;BBM", ":BIAS. 0 reads back 1"),
        ("0;1;0;FREE;BBM", ":AGND. 0 reads back 1"),
        ("0;0;1;FREE;BBM", ":COUP. 0 reads back 1"),
        ("0;0;0;SROU;BBM", "RULE. 0 reads back SROU, expected FREE"),
        ("0;0;0;FREE;NSEQ", "SEQ. 0 reads back NSEQ, expected BBM"),
    ],
)
def test_a_mode_that_reads_back_wrong_is_an_error(answer, message):
    pairs = [("*CLS", None), (":FUNC?", "ACON"), *settings(0), NO_ERROR, read_back(0, answer)]
    with expected_protocol(KeysightB2200A, pairs) as matrix, pytest.raises(InstrumentError, match=message):
        matrix.prepare()


def test_what_is_not_wanted_opens_before_anything_closes():
    pairs = [
        *PREPARED,
        (":CLOS (@00105,01448)", None),
        (QUERY, "1;(@00105,01448)"),
        NO_ERROR,
        (":OPEN (@00105)", None),
        (":CLOS (@00205)", None),
        (QUERY, "1;(@00205,01448)"),
        NO_ERROR,
    ]
    with expected_protocol(KeysightB2200A, pairs) as matrix:
        matrix.prepare()
        matrix.connect(["01448", "00105"])
        matrix.connect(["00205", "01448"])
        assert matrix.operations == 2 + 2 + 2


def test_cards_by_themselves_are_prepared_and_asked_each():
    pairs = [
        ("*CLS", None),
        (":FUNC?", "ACON"),
        (":FUNC NCON", None),
        *settings(1),
        *settings(3),
        NO_ERROR,
        read_back(1),
        read_back(3),
        NO_ERROR,
        (":CLOS:CARD? 1;:CLOS:CARD? 3", "(@);(@)"),
        (":OPEN:CARD ALL", None),
        ("*OPC?;:CLOS:CARD? 1;:CLOS:CARD? 3", "1;(@);(@)"),
        NO_ERROR,
        (":CLOS (@10105,31412)", None),
        ("*OPC?;:CLOS:CARD? 1;:CLOS:CARD? 3", "1;(@10105);(@31412)"),
        NO_ERROR,
    ]
    with expected_protocol(KeysightB2200A, pairs) as matrix:
        names = [matrix.crosspoint(1, "A", 5), matrix.crosspoint(3, "14", 12)]
        matrix.prepare()
        matrix.connect(names)


def test_a_refusal_is_an_error():
    pairs = [
        *PREPARED,
        (":CLOS (@00105)", None),
        (QUERY, "1;(@)"),
        (":SYST:ERR?", "-222,Data out of range"),
        NO_ERROR,
    ]
    with expected_protocol(KeysightB2200A, pairs) as matrix:
        matrix.prepare()
        with pytest.raises(InstrumentError, match="error -222, Data out of range"):
            matrix.connect(["00105"])


def test_opening_everything_writes_and_never_asks():
    with expected_protocol(KeysightB2200A, [(":OPEN:CARD ALL", None)]) as matrix:
        matrix.disconnect_all()


@pytest.mark.parametrize("reply", ["0,1", "(@1105)", "(@00105", ""])
def test_an_answer_that_is_no_list_of_crosspoints_is_garbled(reply):
    with (
        expected_protocol(KeysightB2200A, [(":CLOS:CARD? 0", reply)]) as matrix,
        pytest.raises(GarbledReply),
    ):
        matrix.connected()


def test_a_crosspoint_is_card_input_and_output():
    with expected_protocol(KeysightB2200A, []) as matrix:
        assert matrix.crosspoint(0, "A", 5) == "00105"
        assert matrix.crosspoint(0, "N", 48) == "01448"


@pytest.mark.parametrize(
    ("slot", "port", "line", "message"),
    [
        (5, "A", 1, "slots are 0 to 4"),
        (0, "15", 1, "rows are 1 to 14"),
        (0, "A", 49, "columns are 1 to 48"),
        (1, "A", 13, "no column 13 on card 1: columns are 1 to 12"),
    ],
)
def test_a_crosspoint_that_the_model_lacks_is_refused(slot, port, line, message):
    with expected_protocol(KeysightB2200A, []) as matrix, pytest.raises(ConfigError, match=message):
        matrix.crosspoint(slot, port, line)


def test_card_0_does_not_go_with_single_cards():
    with expected_protocol(KeysightB2200A, []) as matrix:
        matrix.crosspoint(0, "A", 1)
        with pytest.raises(ConfigError, match="slot 2 does not go with"):
            matrix.crosspoint(2, "A", 1)


def test_a_card_that_was_not_prepared_is_refused():
    pairs = [
        ("*CLS", None),
        (":FUNC?", "ACON"),
        (":FUNC NCON", None),
        *settings(1),
        NO_ERROR,
        read_back(1),
        NO_ERROR,
        (":CLOS:CARD? 1", "(@)"),
        (":OPEN:CARD ALL", None),
        ("*OPC?;:CLOS:CARD? 1", "1;(@)"),
        NO_ERROR,
    ]
    with expected_protocol(KeysightB2200A, pairs) as matrix:
        matrix.crosspoint(1, "A", 1)
        matrix.prepare()
        with pytest.raises(ConfigError, match="card 2 was not named before"):
            matrix.connect(["20101"])


@pytest.mark.parametrize("name", ["1!1!5", "0105", "1A05", "51101"])
def test_a_crosspoint_that_is_none_is_refused_before_anything_is_sent(name):
    with expected_protocol(KeysightB2200A, []) as matrix, pytest.raises(ConfigError):
        matrix.connect([name])


def test_properties_of_a_card_are_asked_for_as_they_are_set():
    pairs = [
        (":CONN:RULE? 0", "FREE"),
        (":CONN:SEQ 2,MBBR", None),
        (":BIAS 0,ON", None),
        (":BIAS? 0", "1"),
        (":AGND? 0", "0"),
        (":COUP? 0", "0"),
    ]
    with expected_protocol(KeysightB2200A, pairs) as matrix:
        card = matrix.card_0
        assert card.connection_rule == "FREE"
        matrix.card_2.connection_sequence = "MBBR"
        card.bias_enabled = True
        assert (card.bias_enabled, card.ground_enabled, card.couple_enabled) == (True, False, False)
