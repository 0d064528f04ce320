import pytest
from pymeasure.test import expected_protocol

from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError
from crossbar_hil.instruments.keithley7001 import Keithley7001, Keithley7002

NO_ERROR = (":SYST:ERR?", '0,"No error"')
SPANS = ",".join(f"{slot}!{row}!1:{slot}!{row}!10" for slot in (1, 2) for row in (1, 2, 3, 4))
ASK = f":ROUT:CLOS? (@{SPANS})"
CARDS = [(f":ROUT:CONF:SLOT{slot}:CTYP?", "C7012") for slot in (1, 2)]


def states(*closed, slots=(1, 2)):
    names = [f"{slot}!{row}!{column}" for slot in slots for row in range(1, 5) for column in range(1, 11)]
    assert set(closed) <= set(names)
    return ",".join("1" if name in closed else "0" for name in names)


def moved(closed, error='0,"No error"', settled="1"):
    return f"*OPC?;{ASK};:SYST:ERR?", f"{settled};{closed};{error}"


PREPARED = [
    ("*CLS", None),
    *CARDS,
    *(pair for card in CARDS for pair in (card, (card[0].replace("CTYP", "STIM"), "0.000"))),
    (ASK, states("1!1!1", "1!2!2")),
    (":ROUT:OPEN ALL", None),
    moved(states()),
]


def test_it_is_prepared_with_everything_open():
    with expected_protocol(Keithley7001, PREPARED) as matrix:
        matrix.prepare()
        assert matrix.operations == 2


def test_slots_without_a_7012_are_neither_used_nor_asked():
    one = [(":ROUT:CONF:SLOT1:CTYP?", "NONE"), (":ROUT:CONF:SLOT2:CTYP?", "C7012")]
    ask = f":ROUT:CLOS? (@{','.join(f'2!{row}!1:2!{row}!10' for row in (1, 2, 3, 4))})"
    with expected_protocol(Keithley7001, [*one, (ask, states("2!1!3", slots=[2]))]) as matrix:
        assert matrix.connected() == {"2!1!3"}
        with pytest.raises(ConfigError, match=r"slot 1 of .* holds no 7012 card"):
            matrix.connect(["1!1!1"])


def test_a_mainframe_without_a_7012_is_an_error():
    pairs = [(f":ROUT:CONF:SLOT{slot}:CTYP?", "C7011") for slot in (1, 2)]
    with (
        expected_protocol(Keithley7001, pairs, name="matrix") as matrix,
        pytest.raises(InstrumentError, match="matrix has no 7012 card in slots 1 to 2"),
    ):
        matrix.connected()


def test_what_is_not_wanted_opens_before_anything_closes():
    pairs = [
        *PREPARED,
        (":ROUT:CLOS (@1!1!5,2!4!10)", None),
        moved(states("1!1!5", "2!4!10")),
        (":ROUT:OPEN (@1!1!5);*WAI;:ROUT:CLOS (@1!3!5)", None),
        moved(states("1!3!5", "2!4!10")),
    ]
    with expected_protocol(Keithley7001, pairs) as matrix:
        matrix.prepare()
        matrix.connect(["2!4!10", "1!1!5"])
        matrix.connect({"1!3!5", "2!4!10"})
        assert matrix.operations == 2 + 2 + 2


def test_what_is_closed_already_moves_nothing():
    pairs = [
        *PREPARED,
        (":ROUT:CLOS (@1!1!5)", None),
        moved(states("1!1!5")),
        moved(states("1!1!5")),
    ]
    with expected_protocol(Keithley7001, pairs) as matrix:
        matrix.prepare()
        matrix.connect(["1!1!5"])
        matrix.connect(["1!1!5"])
        assert matrix.operations == 3


@pytest.mark.fault("R6", "T16")
def test_a_relay_that_somebody_else_closed_is_an_error():
    pairs = [*PREPARED, (":ROUT:CLOS (@1!1!5)", None), moved(states("1!1!5", "1!4!5"))]
    with expected_protocol(Keithley7001, pairs, name="matrix") as matrix:
        matrix.prepare()
        with pytest.raises(InstrumentError, match="matrix has 1!1!5, 1!4!5 closed, expected 1!1!5"):
            matrix.connect(["1!1!5"])


def test_after_a_refusal_the_state_is_asked_for_again():
    pairs = [
        *PREPARED,
        (":ROUT:CLOS (@1!1!5)", None),
        moved(states(), '-222,"Parameter data out of range"'),
        NO_ERROR,
        (ASK, states("1!1!7")),
        (":ROUT:OPEN (@1!1!7);*WAI;:ROUT:CLOS (@1!1!5)", None),
        moved(states("1!1!5")),
    ]
    with expected_protocol(Keithley7001, pairs) as matrix:
        matrix.prepare()
        with pytest.raises(InstrumentError, match="-222"):
            matrix.connect(["1!1!5"])
        matrix.connect(["1!1!5"])


def test_opening_everything_writes_and_never_asks():
    with expected_protocol(Keithley7001, [(":ROUT:OPEN ALL", None)]) as matrix:
        matrix.disconnect_all()


def test_what_is_closed_is_asked_for_after_everything_was_opened_blindly():
    pairs = [
        *PREPARED,
        (":ROUT:CLOS (@1!1!5)", None),
        moved(states("1!1!5")),
        (":ROUT:OPEN ALL", None),  # and this one gets lost
        (ASK, states("1!1!5")),
        (":ROUT:OPEN (@1!1!5);*WAI;:ROUT:CLOS (@2!1!5)", None),
        moved(states("2!1!5")),
    ]
    with expected_protocol(Keithley7001, pairs) as matrix:
        matrix.prepare()
        matrix.connect({"1!1!5"})
        matrix.disconnect_all()
        matrix.connect({"2!1!5"})
        assert matrix.operations == 2 + 1 + 1 + 2  # the one that was to open is counted before it is known


def test_shutdown_opens_everything():
    with expected_protocol(Keithley7001, [(":ROUT:OPEN ALL", None)]) as matrix:
        matrix.shutdown()


@pytest.mark.parametrize("reply", ["0,1,0", "(@1!1!1)", states().replace("0", "2"), f"{states()},0", ""])
def test_an_answer_of_another_form_is_garbled(reply):
    with (
        expected_protocol(Keithley7001, [*CARDS, (ASK, reply)]) as matrix,
        pytest.raises(GarbledReply),
    ):
        matrix.connected()


@pytest.mark.fault("R3", "R4")
@pytest.mark.parametrize(("reply", "error"), [("0", InstrumentError), ("(@)", GarbledReply), ("", GarbledReply)])
def test_without_the_word_that_relays_have_settled_there_is_no_connection(reply, error):
    pairs = [*PREPARED, (":ROUT:CLOS (@1!1!5)", None), moved(states("1!1!5"), settled=reply)]
    with expected_protocol(Keithley7001, pairs) as matrix:
        matrix.prepare()
        with pytest.raises(error, match="OPC"):
            matrix.connect(["1!1!5"])


def test_a_crosspoint_is_slot_row_and_column():
    with expected_protocol(Keithley7001, []) as matrix:
        assert matrix.crosspoint(1, "A", 5) == "1!1!5"
        assert matrix.crosspoint(2, "4", 10) == "2!4!10"


@pytest.mark.fault("R7")
@pytest.mark.parametrize(
    ("slot", "port", "line", "message"),
    [
        (3, "A", 5, "has no slot 3: slots are 1 to 2"),
        (0, "A", 5, "has no slot 0"),
        (1, "E", 5, "has no row 5: rows are 1 to 4"),
        (1, "A", 11, "has no column 11: columns are 1 to 10"),
        (1, "A", 0, "has no column 0"),
        (1, "drive", 1, "neither a letter nor a number"),
    ],
)
def test_a_crosspoint_that_the_model_lacks_is_refused(slot, port, line, message):
    with expected_protocol(Keithley7001, []) as matrix, pytest.raises(ConfigError, match=message):
        matrix.crosspoint(slot, port, line)


@pytest.mark.parametrize("name", ["1A05", "1!1", "3!1!1", "1!5!1", "1!1!11"])
def test_a_crosspoint_that_is_none_is_refused_before_anything_is_sent(name):
    with expected_protocol(Keithley7001, []) as matrix, pytest.raises(ConfigError):
        matrix.connect([name])


def test_a_7002_has_ten_slots():
    with expected_protocol(Keithley7002, []) as matrix:
        assert matrix.crosspoint(10, "D", 10) == "10!4!10"


@pytest.mark.fault("T20")
def test_no_line_is_longer_than_a_kilobyte():
    names = sorted(f"{slot}!{row}!{column}" for slot in range(1, 11) for row in range(1, 5) for column in range(1, 11))
    lines, part = [], []
    for name in names:
        if len(",".join([*part, name])) + len(":ROUT:CLOS (@)") > 1000:
            lines.append(f":ROUT:CLOS (@{','.join(part)})")
            part = []
        part.append(name)
    lines.append(f":ROUT:CLOS (@{','.join(part)})")
    slots = range(1, 11)
    ask = f":ROUT:CLOS? (@{','.join(f'{slot}!{row}!1:{slot}!{row}!10' for slot in slots for row in (1, 2, 3, 4))})"
    pairs = [
        *((f":ROUT:CONF:SLOT{slot}:CTYP?", "C7012") for slot in slots),
        (ask, states(slots=slots)),
        *((line, None) for line in lines),
        (f"*OPC?;{ask};:SYST:ERR?", f'1;{states(*names, slots=slots)};0,"No error"'),
    ]
    assert len(pairs[-1][0]) <= 1000
    with expected_protocol(Keithley7002, pairs) as matrix:
        matrix.connect(names)
    assert len(lines) == 3
    assert max(map(len, lines)) <= 1000


def test_properties_are_asked_for_as_they_are_set():
    pairs = [
        (":ROUT:CONF:SLOT2:STIM 0.050", None),
        (":ROUT:CONF:SLOT2:STIM?", "0.050"),
        (":ROUT:CONF:SLOT1:CTYP?", "C7012"),
    ]
    with expected_protocol(Keithley7001, pairs) as matrix:
        matrix.slot_2.settling_time = 0.05
        assert matrix.slot_2.settling_time == 0.05
        assert matrix.slot_1.card_type == "C7012"
