import pytest
from pymeasure.test import expected_protocol

from crossbar_hil.drivers.schemes.wiring import Wiring
from crossbar_hil.errors import ConfigError, GarbledReply, InstrumentError
from crossbar_hil.instruments.keysight34980a import Keysight34980A

NO_ERROR = (":SYST:ERR?", '+0,"No error"')
MODULE, EMPTY = "Agilent Technologies,34932A,MY12345678,1.00", "Agilent Technologies,0,0,0"
LIST = "ROUT:CLOS? (@1101:1116,1201:1216,1301:1316,1401:1416,1501:1516,1601:1616,1701:1716,1801:1816,1921,1922)"


def cards(*answers):
    return [(f"SYST:CTYP? {slot}", answer) for slot, answer in enumerate(answers, 1)]


IN_SLOT_1 = cards(MODULE, *[EMPTY] * 7)


def states(*closed):
    names = [f"1{row}{column:02d}" for row in range(1, 9) for column in range(1, 17)]
    return ",".join("1" if name in closed else "0" for name in [*names, "1921", "1922"])


def moved(closed, error='+0,"No error"'):
    return f"*OPC?;:{LIST};:SYST:ERR?", f"1;{closed};{error}"


PREPARED = [
    ("*CLS", None),
    *IN_SLOT_1,
    ("ROUT:OPEN:ABUS ALL", None),
    NO_ERROR,
    IN_SLOT_1[0],
    (LIST, states("1116")),
    ("ROUT:OPEN:ALL", None),
    moved(states()),
]


def test_it_is_prepared_with_every_latching_relay_open():
    with expected_protocol(Keysight34980A, PREPARED) as matrix:
        matrix.prepare()
        assert matrix.operations == 1


def test_what_is_not_wanted_opens_before_anything_closes():
    pairs = [
        *PREPARED,
        ("ROUT:CLOS (@1105,1416)", None),
        moved(states("1105", "1416")),
        ("ROUT:OPEN (@1105);*WAI;:ROUT:CLOS (@1205)", None),
        moved(states("1205", "1416")),
    ]
    with expected_protocol(Keysight34980A, pairs) as matrix:
        matrix.prepare()
        matrix.connect(["1416", "1105"])
        matrix.connect(["1205", "1416"])
        assert matrix.operations == 1 + 2 + 2


def test_a_refusal_is_an_error():
    pairs = [
        *PREPARED,
        ("ROUT:CLOS (@1105)", None),
        moved(states(), '-222,"Data out of range"'),
        NO_ERROR,
    ]
    with expected_protocol(Keysight34980A, pairs, name="matrix") as matrix:
        matrix.prepare()
        with pytest.raises(InstrumentError, match="matrix reports error -222, Data out of range"):
            matrix.connect(["1105"])


@pytest.mark.fault("R6", "R9")
def test_a_relay_that_does_not_close_is_an_error():
    pairs = [*PREPARED, ("ROUT:CLOS (@1105)", None), moved(states())]
    with expected_protocol(Keysight34980A, pairs, name="matrix") as matrix:
        matrix.prepare()
        with pytest.raises(InstrumentError, match="matrix has nothing closed, expected 1105"):
            matrix.connect(["1105"])


def test_opening_everything_writes_and_never_asks():
    with expected_protocol(Keysight34980A, [("ROUT:OPEN:ALL", None)]) as matrix:
        matrix.disconnect_all()


def test_only_slots_with_a_matrix_module_are_asked():
    found = cards(EMPTY, MODULE, '"Agilent Technologies,34921A,MY1,1.0"', *[EMPTY] * 5)
    listed = LIST.replace("@1", "@2").replace(",1", ",2").replace(":1", ":2")
    with expected_protocol(Keysight34980A, [*found, (listed, states("1316"))]) as matrix:
        assert matrix.connected() == {"2316"}
        with pytest.raises(ConfigError, match=r"slot 1 of .* holds no 34932A"):
            matrix.connect(["1101"])


def test_a_mainframe_without_a_matrix_module_is_an_error():
    with (
        expected_protocol(Keysight34980A, cards(*[EMPTY] * 8), name="matrix") as matrix,
        pytest.raises(InstrumentError, match="matrix has no 34932A"),
    ):
        matrix.connected()


@pytest.mark.parametrize("reply", ["0,1", "(@1101)", states().replace("0", "2"), ""])
def test_an_answer_of_another_form_is_garbled(reply):
    with (
        expected_protocol(Keysight34980A, [*IN_SLOT_1, (LIST, reply)]) as matrix,
        pytest.raises(GarbledReply),
    ):
        matrix.connected()


def test_a_crosspoint_is_slot_row_and_two_digits_of_column():
    with expected_protocol(Keysight34980A, []) as matrix:
        assert matrix.crosspoint(1, "A", 5) == "1105"
        assert matrix.crosspoint(8, "H", 16) == "8816"


@pytest.mark.parametrize(("slot", "port", "line"), [(0, "A", 1), (9, "A", 1), (1, "I", 1), (1, "A", 0), (1, "A", 17)])
def test_a_crosspoint_that_the_model_lacks_is_refused(slot, port, line):
    with expected_protocol(Keysight34980A, []) as matrix, pytest.raises(ConfigError, match="has no"):
        matrix.crosspoint(slot, port, line)


@pytest.mark.parametrize("name", ["1!1!5", "105", "1917", "11005"])
def test_a_crosspoint_that_is_none_is_refused_before_anything_is_sent(name):
    with expected_protocol(Keysight34980A, []) as matrix, pytest.raises(ConfigError):
        matrix.connect([name])


def test_a_slot_says_what_is_in_it():
    with expected_protocol(Keysight34980A, [("SYST:CTYP? 3", MODULE)]) as matrix:
        assert matrix.channels[3].card == MODULE


def test_rows_of_both_matrices_of_a_module_are_refused_and_those_of_another_module_taken():
    with expected_protocol(Keysight34980A, [], name="matrix") as matrix:
        matrix.crosspoint(1, "A", 1)
        matrix.crosspoint(1, "D", 1)
        matrix.crosspoint(2, "E", 1)
        with pytest.raises(ConfigError, match=r"two separate matrices.* row 5 of slot 1 does not reach"):
            matrix.crosspoint(1, "E", 1)
        with pytest.raises(ConfigError, match="two separate matrices"):
            matrix.connect(["1801"])


def test_a_bench_with_drive_and_meter_on_the_two_matrices_of_a_module_is_refused():
    ports = {"drive": "1", "meter": "5", "ground": "2"}
    with expected_protocol(Keysight34980A, [], name="matrix") as matrix:
        with pytest.raises(ConfigError, match=r"port meter cannot be wired to row 1: .* two separate matrices"):
            Wiring(1, ports, rows=(1, 2), columns=(3, 4)).on(matrix)
        Wiring(2, ports | {"meter": "4"}, rows=(1, 2), columns=(3, 4)).on(matrix)


def test_a_relay_to_the_analog_bus_counts_as_one_that_somebody_closed():
    pairs = [*PREPARED, (f":{LIST};:SYST:CTYP? 1;:SYST:ERR?", f'{states("1921")};{MODULE};+0,"No error"')]
    with expected_protocol(Keysight34980A, pairs, name="matrix") as matrix:
        matrix.prepare()
        assert matrix.changes([]) == ["matrix has 1921 closed instead of no crosspoint"]
