import pytest

from crossbar_hil.sim_backend.emulation.scpi import syntax, values
from crossbar_hil.sim_backend.emulation.scpi.format import DataFormat
from crossbar_hil.sim_backend.emulation.scpi.status import Register, ScpiError, Status


@pytest.mark.parametrize(
    ("pattern", "fitting", "unfit"),
    [
        (":SOURce#:VOLTage[:LEVel]", (":SOUR:VOLT", ":SOURCE2:VOLTAGE:LEV", ":SOUR1:VOLT:LEVEL"), (":SOURC:VOLT",)),
        ("[:SENSe#]:FUNCtion", (":FUNC", ":SENS:FUNC", ":SENSE1:FUNCTION"), (":SENS", ":SENS:SENS:FUNC")),
        (":CALCulate3:DATA", (":CALC3:DATA", ":CALCULATE3:DATA"), (":CALC:DATA", ":CALC2:DATA")),
        ("*IDN", ("*IDN",), ("*IDNX", ":*IDN")),
    ],
)
def test_a_header_has_a_long_and_a_short_form_and_nothing_between(pattern, fitting, unfit):
    compiled = syntax.header_regex(pattern)
    for header in fitting:
        assert compiled.fullmatch(header), header
    for header in unfit:
        assert not compiled.fullmatch(header), header


def test_a_suffix_that_is_left_out_is_one():
    assert syntax.suffixes(":SOURce#:VOLTage", ":SOUR:VOLT", most=2) == (1,)
    assert syntax.suffixes(":SOURce#:VOLTage", ":SOUR2:VOLT", most=2) == (2,)


def test_a_suffix_beyond_its_bounds_is_an_error():
    assert syntax.suffixes(":LIMit{2-12}:STATe", ":LIM12:STAT") == (12,)
    for pattern, header in ((":LIMit{2-12}", ":LIM"), (":LIMit{2-12}", ":LIM13"), (":SOURce#", ":SOUR0")):
        with pytest.raises(ScpiError) as caught:
            syntax.suffixes(pattern, header)
        assert caught.value.code == -114


def test_separators_in_quotes_and_parentheses_separate_nothing():
    parts, broken = syntax.split("""A 'x;"y';B (@1,2;3) ; C""", ";")
    assert (parts, broken) == (["""A 'x;"y'""", "B (@1,2;3)", "C"], 0)


@pytest.mark.parametrize(("text", "code"), [("A;B 'x;C", -151), ("A;B (@1;C", -171), ("A;B );C", -171)])
def test_what_stays_open_is_cut_off_with_its_error(text, code):
    assert syntax.split(text, ";") == (["A"], code)


@pytest.mark.parametrize(
    ("path", "header", "full", "left"),
    [
        ("", "SOUR:VOLT", ":SOUR:VOLT", ":SOUR"),
        (":SOUR", "VOLT:RANG", ":SOUR:VOLT:RANG", ":SOUR:VOLT"),
        (":SOUR:VOLT", ":OUTP", ":OUTP", ""),
        (":SOUR:VOLT", "*OPC", "*OPC", ":SOUR:VOLT"),
        (":SOUR:VOLT", ":*CLS", "*CLS", ":SOUR:VOLT"),
    ],
)
def test_a_header_continues_the_path_unless_it_begins_with_a_colon(path, header, full, left):
    assert syntax.full_header(path, header) == (full, left)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [("1", "", 1.0), ("-.5e-3", "", -5e-4), ("+3.E2", "", 300.0), ("20mV", "V", 0.02), ("1.5 UA", "A", 1.5e-6)],
)
def test_numbers_are_read_with_exponent_and_unit(text, unit, expected):
    assert values.number(text, unit) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "unit", "code"),
    [
        ("nan", "", -104),
        ("inf", "", -104),
        ("1e400", "", -123),
        ("1e99999999", "", -121),
        ("1V", "", -131),
        ("1A", "V", -131),
        ("1__0", "", -121),
        ("'1'", "", -104),
    ],
)
def test_what_is_no_number_is_refused_with_its_code(text, unit, code):
    with pytest.raises(ScpiError) as caught:
        values.number(text, unit)
    assert caught.value.code == code


def test_bounds_have_names():
    assert values.within("MIN", 1.0, 5.0, 2.0) == 1.0
    assert values.within("maximum", 1.0, 5.0, 2.0) == 5.0
    assert values.within("DEF", 1.0, 5.0, 2.0) == 2.0
    with pytest.raises(ScpiError):
        values.within("DEF", 1.0, 5.0)
    with pytest.raises(ScpiError):
        values.within("5.1", 1.0, 5.0)


def test_booleans_are_words_or_numbers():
    assert [values.boolean(text) for text in ("ON", "off", "1", "0", "0.4", "2")] == [1, 0, 1, 0, 0, 1]
    with pytest.raises(ScpiError):
        values.boolean("YES")


@pytest.mark.parametrize("text", ["(@)", "(@1:)", "(1,2)", "(@1,,2)", "(@:2)"])
def test_a_malformed_channel_list_is_an_expression_error(text):
    with pytest.raises(ScpiError) as caught:
        values.channel_items(text)
    assert caught.value.code == -171


def test_numbers_are_written_as_figure_18_1_of_the_2400_manual_shows():
    assert values.nr3(1.000206) == "+1.000206E+00"
    assert values.nr3(1e-4) == "+1.000000E-04"
    assert values.nr3(values.NOT_MEASURED) == "+9.910000E+37"
    assert values.nr3(-0.0) == "+0.000000E+00"


def test_a_full_error_queue_ends_in_queue_overflow():
    status = Status(depth=3)
    for code in (-113, -222, -109, -104):
        status.report(code)
    assert [status.next_error() for _ in range(4)] == [-113, -222, -350, 0]


def test_errors_latch_their_class_in_the_event_register():
    for code, bit in ((-113, 32), (-222, 16), (-350, 8), (-410, 4), (802, 16)):
        status = Status()
        status.standard.take()
        status.report(code)
        assert status.standard.take() == bit
        assert status.standard.take() == 0


def test_blocks_are_big_endian_unless_swapped_and_tell_their_length_if_definite():
    assert DataFormat(8).encode([1.0]) == b"#0" + bytes.fromhex("3ff0000000000000")
    assert DataFormat(4, swapped=True, definite=True).encode([1.0] * 3) == b"#212" + bytes.fromhex("0000803f") * 3
    assert DataFormat().encode([1.0, -2e-9]) == "+1.000000E+00,-2.000000E-09"


@pytest.mark.parametrize(("text", "value"), [("#HfF", 255), ("#b101", 5), ("#Q17", 15), ("12.6", 13)])
def test_whole_numbers_come_in_four_bases(text, value):
    assert values.integer(text, 0, 255) == value


@pytest.mark.parametrize(
    ("text", "code"), [("#H", -104), ("#H1_0", -104), ("#B2", -104), ("#X1", -104), ("#B" + "1" * 60, -222)]
)
def test_a_number_of_another_base_has_digits_of_it_only(text, code):
    with pytest.raises(ScpiError) as caught:
        values.integer(text, 0, 255)
    assert caught.value.code == code


def test_a_register_latches_what_becomes_one():
    register = Register()
    register.change(0b11, True)
    assert (register.condition, register.take()) == (0b11, 0b11)
    register.change(0b11, False)
    assert (register.condition, register.take()) == (0, 0)
