import pytest
from pymeasure.adapters import ProtocolAdapter
from pymeasure.test import expected_protocol

from crossbar_hil.errors import (
    ConfigError,
    DeadlineError,
    GarbledReply,
    InstrumentError,
    LimitError,
    OverrangeError,
    TransportError,
)
from crossbar_hil.instrument import Identity
from crossbar_hil.instruments.scpi.answers import fields, flag, matches, number, numbers, parse_error
from crossbar_hil.instruments.scpi.bounds import check_settings, check_within, smallest_range
from crossbar_hil.instruments.scpi.instrument import ScpiInstrument

from ...cases import in_one_test


class DeafAdapter(ProtocolAdapter):
    """Loses the first message, as a cut cable does."""

    def __init__(self):
        super().__init__()
        self.sent = []

    def _write(self, command, **kwargs):
        self.sent.append(command)
        if len(self.sent) == 1:
            raise DeadlineError("no room")


@pytest.mark.fault("I8")
@in_one_test(
    "text", ["+9.9E37", "-9.9E37", "+9.91E37", "-9.910000E+37", "9.9e+37", "9E37", "-9E37", "NaN", "inf", "-INF"]
)
def test_a_sentinel_is_no_number(text):
    of_a_current_too_large = text.upper().endswith("9.9E37") or text == "9.9e+37"  # 9.9E37 (SCPI 1999, 7.2.1)
    with pytest.raises(InstrumentError, match="overflow" if of_a_current_too_large else "no number") as caught:
        number(text)
    assert isinstance(caught.value, OverrangeError) is of_a_current_too_large


@pytest.mark.fault("T6", "T7")
@pytest.mark.parametrize("text", ["", "1.2.3", "volt", "1;2"])
def test_text_that_is_no_number_is_garbled(text):
    with pytest.raises(GarbledReply):
        number(text)


def test_what_is_smaller_is_a_number_however_large():
    assert (number("8.999E37"), number("-8.999E37")) == (8.999e37, -8.999e37)


def test_numbers_may_have_spaces_after_their_commas():
    assert numbers("+1.000206E+00, +1.000000E-04", 2) == [1.000206, 1e-4]


@pytest.mark.fault("T6")
def test_a_missing_field_is_garbled():
    with pytest.raises(GarbledReply, match=r"1 field\(s\), not 2"):
        fields("1", 2, ";")


@pytest.mark.parametrize(
    ("text", "on"),
    [("1", True), ("0", False), ("+1", True), ("ON", True), ("off", False), ("0.000000E+00", False), (" 1.0 ", True)],
)
def test_a_flag_is_one_or_zero(text, on):
    assert flag(text) is on


@pytest.mark.parametrize("text", ["2", "", "1;0", "yes", "-1", "0.5", "nan", "1E-6"])
def test_anything_else_is_no_flag(text):
    with pytest.raises(GarbledReply):
        flag(text)


@pytest.mark.parametrize(
    ("reply", "code", "text"),
    [
        ('0,"No error"', 0, "No error"),
        ('+0,"No error"', 0, "No error"),
        ("0, No Error", 0, "No Error"),
        ('0,"No error;0;0 0"', 0, "No error"),
        ('-222,"Parameter data out of range"', -222, "Parameter data out of range"),
        ('+802,"Not permitted with OUTPUT off"', 802, "Not permitted with OUTPUT off"),
    ],
)
def test_every_way_to_write_an_error_is_understood(reply, code, text):
    assert parse_error(reply) == (code, text)


def test_a_measured_value_is_no_error_entry():
    with pytest.raises(GarbledReply, match="no entry of an error queue"):
        parse_error("+1.0E-06")


def test_a_range_must_hold_the_value_and_may_do_so_by_five_per_cent():
    assert smallest_range(2.1, (0.2, 2.0, 20.0), "smu: range_v", "V") == 2.0
    assert smallest_range(2.11, (0.2, 2.0, 20.0), "smu: range_v", "V") == 20.0
    with pytest.raises(ConfigError, match=r"smu: range_v is 22 V, not above 0 and up to 21 V"):
        smallest_range(22, (0.2, 2.0, 20.0), "smu: range_v", "V")


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_range_of_nothing_is_refused(value):
    with pytest.raises(ConfigError):
        smallest_range(value, (0.2, 2.0), "smu: range_v", "V")


def test_a_request_beyond_its_bounds_is_refused_and_so_is_no_number():
    check_within(2.0, -2.0, 2.0, "smu: voltage", "V")
    for value in (2.1, float("nan")):
        with pytest.raises(LimitError, match="not from -2 to 2 V"):
            check_within(value, -2.0, 2.0, "smu: voltage", "V")


def test_a_setting_at_its_bound_is_allowed_in_spite_of_rounding():
    check_settings(0.1 * 3, 0.3, 1.0, "smu: nplc")
    with pytest.raises(ConfigError, match=r"smu: nplc is 0.2, not from 0.3 to 1"):
        check_settings(0.2, 0.3, 1.0, "smu: nplc")


@in_one_test(
    "answer, expected, same",
    [
        ("1.000500E-04", 1e-4, True),
        ("1.010000E-04", 1e-4, False),
        ("0.000000E+00", 0.0, True),
        ("1.000000E-06", 0.0, False),
        # at the edges: a thousandth of what was set, a billionth where that is nothing, the ranges that hold a value
        ("1.0009", 1.0, True),
        ("1.0011", 1.0, False),
        ("0.9991", 1.0, True),
        ("0.9989", 1.0, False),
        ("-1.0009", -1.0, True),
        ("-1.0", 1.0, False),
        ("-0.9E-9", 0.0, True),
        ("-1.1E-9", 0.0, False),
        ("1.9981", (2.0, 2.12), True),
        ("1.9979", (2.0, 2.12), False),
        ("2.12", (2.0, 2.12), True),
        ("2.1201", (2.0, 2.12), False),
        ("2.000000E-09", 1e-9, False),
        ("2.100000E+00", (2.0, 2.12), True),
        ("2.100000E+01", (2.0, 2.12), False),
        ("volt", "VOLT", True),
        ('"CURR:DC"', "CURR", True),
        ("CURR, STAT", "CURR,STAT", True),
        ("VOLT,CURR,STAT", "CURR,STAT", False),
        ("CURR", "VOLT", False),
        ("0", False, True),
        ("1", False, False),
    ],
)
def test_a_setting_reads_back_as_it_was_set_or_not(answer, expected, same):
    assert matches(answer, expected) is same


def test_the_identity_is_four_fields_without_the_word_model():
    with expected_protocol(
        ScpiInstrument, [("*IDN?", "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C30   Mar 17 2006 09:29:29/A02")]
    ) as instrument:
        assert instrument.identify() == Identity(
            "KEITHLEY INSTRUMENTS INC.", "2400", "1234567", "C30   Mar 17 2006 09:29:29/A02"
        )


def test_an_identity_of_two_fields_is_garbled():
    with (
        expected_protocol(ScpiInstrument, [("*IDN?", "KEITHLEY,2400")]) as instrument,
        pytest.raises(GarbledReply),
    ):
        instrument.identify()


def test_an_empty_error_queue_is_no_error():
    with expected_protocol(ScpiInstrument, [(":SYST:ERR?", '0,"No error"')]) as instrument:
        assert instrument.check_errors() == []


def test_the_error_queue_is_emptied_and_every_entry_named():
    with (
        expected_protocol(
            ScpiInstrument,
            [
                (":SYST:ERR?", '-113,"Undefined header"'),
                (":SYST:ERR?", '-222,"Parameter data out of range"'),
                (":SYST:ERR?", '0,"No error"'),
            ],
            name="smu",
        ) as instrument,
        pytest.raises(InstrumentError, match="smu reports error -113, Undefined header; error -222, Parameter"),
    ):
        instrument.check_errors()


def test_an_error_queue_without_end_is_given_up():
    with (
        expected_protocol(ScpiInstrument, [(":SYST:ERR?", '-350,"Queue overflow"')] * 32) as instrument,
        pytest.raises(InstrumentError, match="-350"),
    ):
        instrument.check_errors()


def test_the_next_error_is_a_property_as_in_pymeasure():
    with expected_protocol(ScpiInstrument, [(":SYST:ERR?", '-410,"Query interrupted"')]) as instrument:
        assert instrument.next_error == (-410, "Query interrupted")


def test_settings_are_read_back_one_by_one():
    with expected_protocol(ScpiInstrument, [(":SOUR:VOLT?", "0.000000E+00"), (":OUTP?", "0")]) as instrument:
        instrument.read_back({":SOUR:VOLT?": 0.0, ":OUTP?": False})


def test_a_line_that_is_not_taken_is_named_and_those_after_it_are_not_sent():
    pairs = [
        (":SOUR:VOLT 0", None),
        (":SYST:ERR?", '0,"No error"'),
        (":OUTP:SMOD NORM", None),
        (":SYST:ERR?", '-113,"Undefined header"'),
        (":SYST:ERR?", '0,"No error"'),
    ]
    with (
        expected_protocol(ScpiInstrument, pairs, name="smu") as instrument,
        pytest.raises(InstrumentError, match="smu reports error -113, Undefined header after ':OUTP:SMOD NORM'"),
    ):
        instrument.apply(":SOUR:VOLT 0", ":OUTP:SMOD NORM", ":OUTP ON")


def test_a_setting_that_differs_is_named_with_both_values():
    with (
        expected_protocol(ScpiInstrument, [(":SENS:CURR:PROT?", "1.050000E-01")], name="smu") as instrument,
        pytest.raises(InstrumentError, match=r"smu: :SENS:CURR:PROT reads back 1.050000E-01, expected 0.0001"),
    ):
        instrument.read_back({":SENS:CURR:PROT?": 1e-4, ":OUTP?": False})


@pytest.mark.parametrize(("query", "expected"), [(":SOUR:VOLT?", 0.0), (":OUTP?", False)])
def test_an_answer_that_is_no_setting_is_garbled_and_names_the_query(query, expected):
    with (
        expected_protocol(ScpiInstrument, [(query, "ERROR")], name="smu") as instrument,
        pytest.raises(GarbledReply, match=f"smu: {query[:-1]}. was answered: 'ERROR'"),
    ):
        instrument.read_back({query: expected})


def test_a_blind_command_is_sent_even_if_the_one_before_was_lost():
    adapter = DeafAdapter()
    instrument = ScpiInstrument(adapter, name="smu")
    with pytest.raises(DeadlineError):
        instrument.blind(":SOUR:VOLT 0", ":OUTP OFF")
    assert adapter.sent == [":SOUR:VOLT 0", ":OUTP OFF"]


def test_a_session_that_was_never_identified_cannot_be_brought_in_step():
    with (
        expected_protocol(ScpiInstrument, [], name="smu") as instrument,
        pytest.raises(TransportError, match="smu was never identified"),
    ):
        instrument.resync()


def test_closing_ends_the_session_only():
    with expected_protocol(ScpiInstrument, []) as instrument:
        instrument.close()


def test_a_resource_that_is_none_opens_nothing():
    with pytest.raises(ConfigError):
        ScpiInstrument.open("NOWHERE::1", name="smu")
