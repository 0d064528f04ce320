import pytest
from pymeasure.test import expected_protocol

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError
from crossbar_hil.instruments.keysightb2200a import KeysightB2200A, KeysightB2201A

NO_ERROR = (":SYST:ERR?", "0, No Error")
ASK = ":CLOS:CARD? 0"


def moved(*closed, cards=(0,), error="0, No Error"):
    asked = [f":CLOS:CARD? {card}" for card in cards]
    return ";".join(["*OPC?", *asked, ":SYST:ERR?"]), ";".join(["1", *closed, error])


def settings(card):
    lines = (
        f":BIAS {card},OFF",
        f":AGND {card},OFF",
        f":COUP {card},OFF",
        f":CONN:RULE {card},FREE",
        f":CONN:SEQ {card},BBM",
    )
    return [pair for line in lines for pair in ((line, None), NO_ERROR)]


def read_back(card, *answers):
    queries = (f":BIAS? {card}", f":AGND? {card}", f":COUP? {card}", f":CONN:RULE? {card}", f":CONN:SEQ? {card}")
    return list(zip(queries, answers or ("0", "0", "0", "FREE", "BBM"), strict=False))


PREPARED = [
    ("*CLS", None),
    (":FUNC?", "ACON"),
    *settings(0),
    *read_back(0),
    (":FUNC?", "ACON"),
    (ASK, "(@00248,01012)"),
    (":OPEN:CARD ALL", None),
    moved("(@)"),
]


@pytest.mark.parametrize("model", [KeysightB2200A, KeysightB2201A])
def test_it_is_prepared_so_that_no_mode_moves_a_relay_by_itself(model):
    with expected_protocol(model, PREPARED) as matrix:
        matrix.prepare()
        assert matrix.operations == 2


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (["1"], ":BIAS 0 reads back 1, expected off"),
        (["0", "1"], ":AGND 0 reads back 1, expected off"),
        (["0", "0", "1"], ":COUP 0 reads back 1, expected off"),
        (["0", "0", "0", "SROU"], ":CONN:RULE 0 reads back SROU, expected FREE"),
        (["0", "0", "0", "FREE", "NSEQ"], ":CONN:SEQ 0 reads back NSEQ, expected BBM"),
    ],
)
def test_a_mode_that_reads_back_wrong_is_an_error(answers, message):
    pairs = [("*CLS", None), (":FUNC?", "ACON"), *settings(0), *read_back(0, *answers)]
    with expected_protocol(KeysightB2200A, pairs) as matrix, pytest.raises(InstrumentError, match=message):
        matrix.prepare()


def test_what_is_not_wanted_opens_before_anything_closes():
    pairs = [
        *PREPARED,
        (":CLOS (@00105,01448)", None),
        moved("(@00105,01448)"),
        (":OPEN (@00105);*WAI;:CLOS (@00205)", None),
        moved("(@00205,01448)"),
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
        NO_ERROR,
        *settings(1),
        *settings(3),
        *read_back(1),
        *read_back(3),
        (":FUNC?", "NCON"),
        (":CLOS:CARD? 1;:CLOS:CARD? 3", "(@);(@)"),
        (":OPEN:CARD ALL", None),
        moved("(@)", "(@)", cards=(1, 3)),
        (":CLOS (@10105,31412)", None),
        moved("(@10105)", "(@31412)", cards=(1, 3)),
    ]
    with expected_protocol(KeysightB2200A, pairs) as matrix:
        names = [matrix.crosspoint(1, "A", 5), matrix.crosspoint(3, "14", 12)]
        matrix.prepare()
        matrix.connect(names)


def test_a_refusal_is_an_error():
    pairs = [
        *PREPARED,
        (":CLOS (@00105)", None),
        moved("(@)", error="-222,Data out of range"),
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
        NO_ERROR,
        *settings(1),
        *read_back(1),
        (":FUNC?", "NCON"),
        (":CLOS:CARD? 1", "(@)"),
        (":OPEN:CARD ALL", None),
        moved("(@)", cards=(1,)),
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
