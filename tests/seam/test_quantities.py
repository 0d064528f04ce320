"""Numbers that people type."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crossbar_hil.errors import ConfigError
from crossbar_hil.quantities import _USUAL, factor_by_pint, si

fixed = settings(derandomize=True, database=None, deadline=None, max_examples=100)
PREFIXES = {"n": 1e-9, "u": 1e-6, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3}


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("50 ms", "s", 0.05),
        ("-100 mV", "V", -0.1),
        ("100 uA", "A", 1e-4),
        ("100 µA", "A", 1e-4),
        ("20 nS", "siemens", 2e-8),
        ("20 nanosiemens", "siemens", 2e-8),
        ("1.5 kohm", "ohm", 1500.0),
        ("5e7 / A", "1/A", 5e7),
        ("6 / uA", "1/A", 6e6),
        ("2 V", "V", 2.0),
        ("100mV", "V", 0.1),
        ("1e-3 V", "V", 1e-3),
        ("500 V s", "V s", 500.0),
        ("20 mV ms", "V s", 2e-5),
    ],
)
def test_a_quantity_is_the_very_number_in_si_units(text, unit, number):
    assert si(text, unit) == number


def test_what_needs_no_pint_is_what_pint_makes_of_it():
    for (word, unit), factor in _USUAL.items():
        known = word.replace("Ohm", "ohm")  # which pint writes in no other way
        assert factor == pytest.approx(factor_by_pint(known, unit), rel=1e-15), (word, unit)


@pytest.mark.parametrize(("value", "number"), [(0.05, 0.05), (2, 2.0), ("0.05", 0.05), ("-1e-3", -0.001), (" 3 ", 3.0)])
def test_a_plain_number_is_already_in_si_units(value, number):
    assert si(value, "s") == number
    assert isinstance(si(value, "s"), float)


@fixed
@given(st.floats(-1e6, 1e6, allow_nan=False), st.sampled_from(list(PREFIXES)))
def test_a_prefix_multiplies_the_number(number, prefix):
    # The product is rounded, and the quantity to 15 digits.
    assert math.isclose(si(f"{number!r} {prefix}V", "V"), number * PREFIXES[prefix], rel_tol=1e-14, abs_tol=1e-300)


@fixed
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_plain_number_written_out_is_read_back_exactly(number):
    assert si(repr(number), "V") == number


@pytest.mark.fault("O5")
@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("50 mV", "s"),
        ("1 A", "V"),
        ("1 A", "1/A"),
        ("1 ohm", "siemens"),
        ("3 kg", "ohm"),
        ("5 V", "V s"),
        ("5 s V", "V s"),
        ("5 V s", "V"),
        ("5 V pi", "V"),
    ],
)
def test_another_dimension_is_refused_by_name(text, unit):
    with pytest.raises(ConfigError) as refusal:
        si(text, unit)
    assert str(refusal.value).startswith(f"{text!r} is not in {unit}, such as ")


@pytest.mark.parametrize(
    "text", ["", "fast", "5 bananas", "(", "1/0 V", "5 degC", "{}", "..", "1 V if", "\x00", "V V V", "5 nan", "5 dB"]
)
def test_text_that_is_no_quantity_is_refused_in_one_sentence(text):
    with pytest.raises(ConfigError) as refusal:
        si(text, "V")
    assert repr(text) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.fault("F11")
@pytest.mark.parametrize("text", ["0,1 V", "1,5 V", "1,000 V"])
def test_a_decimal_comma_is_refused_and_never_dropped(text):
    with pytest.raises(ConfigError):
        si(text, "V")


def test_a_unit_without_a_number_is_refused():
    with pytest.raises(ConfigError):
        si("V", "V")


@pytest.mark.fault("F4")
@pytest.mark.parametrize("value", [True, None, [1.0], {"v": 1}])
def test_what_is_neither_number_nor_text_is_refused(value):
    with pytest.raises(ConfigError, match="is not a number with a unit, such as '50 ms'"):
        si(value, "s")


def test_an_integer_beyond_every_float_is_refused():
    with pytest.raises(ConfigError):
        si(10**400, "V")


@fixed
@given(st.text("0123456789.,+-/()[]{}eEmunkVASs '\"#\\\n", max_size=12).filter(lambda text: "**" not in text))
@example("1e")
@example("5 mV\n")
def test_any_text_is_either_a_number_or_a_config_error(text):
    try:
        number = si(text, "V")
    except ConfigError:
        return
    assert isinstance(number, float)


@pytest.mark.fault("X7")
@pytest.mark.parametrize("text", ["9**9**9 V", "5 ± 1 V", "[1] V", "3 m**2", "__import__ V", "1 V; 2 V", "2 * 3 V"])
def test_nothing_is_evaluated(text):
    with pytest.raises(ConfigError, match="is not a number with a unit"):
        si(text, "V")
