import pytest

from crossbar_hil.curves.files.names import read_name
from crossbar_hil.curves.files.units import unit

PREFIXES = {"f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "μ": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12}
BASES = {
    "S": "conductance", "Siemens": "conductance", "mho": "conductance", "A": "current", "Ohm": "resistance",
    "ohm": "resistance", "\u2126": "resistance", "\u03a9": "resistance", "V": "voltage", "s": "time",
}  # fmt: skip


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("base", BASES)
def test_every_unit_is_known_with_every_prefix(base, prefix):
    found = unit(prefix + base)
    assert found.quantity == BASES[base]
    assert found.factor == pytest.approx(10.0 ** PREFIXES[prefix], rel=1e-12)


@pytest.mark.parametrize(
    ("text", "quantity", "factor"),
    [
        ("1/ohm", "conductance", 1.0), ("1/kΩ", "conductance", 1e-3), ("1/Mohm", "conductance", 1e-6),
        ("Ohm^-1", "conductance", 1.0), ("Ω⁻¹", "conductance", 1.0), ("A/V", "conductance", 1.0),
        ("uA/V", "conductance", 1e-6), ("nA/mV", "conductance", 1e-6), ("V/A", "resistance", 1.0),
        ("microsiemens", "conductance", 1e-6), ("Kiloohm", "resistance", 1e3), ("мкСм", "conductance", 1e-6),
        ("МОм", "resistance", 1e6), ("нА", "current", 1e-9), ("G0", "conductance", 7.748091729e-5),
    ],
)  # fmt: skip
def test_other_ways_of_writing_a_unit_are_known(text, quantity, factor):
    found = unit(text)
    assert (found.quantity, found.factor) == (quantity, pytest.approx(factor, rel=1e-9))


@pytest.mark.parametrize("text", ["", "a.u.", "%", "?S", "S/cm", "A/cm2", "ohm cm", "xS", "dB", "10^-6 S", "sq", "eV"])
def test_what_is_no_unit_of_a_cell_is_none(text):
    assert unit(text) is None


@pytest.mark.parametrize(
    ("text", "quantity", "shown"),
    [
        ("Conductance (S)", "conductance", "S"), ("G/µS", "conductance", "μS"), ("G [nS]", "conductance", "nS"),
        ("g_us", "conductance", "us"), ("conductance_siemens", "conductance", "siemens"), ("I in nA", "current", "nA"),
        ("Leitwert, mS", "conductance", "mS"), ("电导（μS）", "conductance", "μS"), ("Current nA", "current", "nA"),
        ("コンダクタンス (µS)", "conductance", "μS"), ("Résistance [MΩ]", "resistance", "MΩ"),
        ("R_HRS (kohm)", "resistance", "kohm"),
        ("I (A) @ 0.1 V", "current", "A"), ("Time (S)", "time", "S"), ("t (S)", "time", "S"),
        ("TIME (MS)", "time", "MS"),
        ("Conductance (LTP) (uS)", "conductance", "uS"), ("uA/V", "conductance", "uA/V"),
        ("dI/dV (S)", "conductance", "S"),
        ("Сопротивление, МОм", "resistance", "МОм"), ("pulse_v", "voltage", "v"), ("width_ms", "time", "ms"),
    ],
)  # fmt: skip
def test_a_name_says_quantity_and_unit(text, quantity, shown):
    found = read_name(text)
    assert (found.quantity, found.unit.text) == (quantity, shown)


@pytest.mark.parametrize(
    "text", ["Index", "RESET", "ID", "Device A", "sample_s", "Group", "READ", "Iteration", "Run A"]
)
def test_words_that_begin_like_a_symbol_are_no_quantity(text):
    assert read_name(text).quantity is None


@pytest.mark.parametrize(
    "text", ["G*1e6 (S)", "G (10^-6 S)", "Conductance (x10-6 S)", "I × 1000 (A)", "Conductance (1E-6 S)"]
)
def test_a_power_of_ten_in_a_name_leaves_its_unit_open(text):
    found = read_name(text)
    assert found.unit is None
    assert found.unknown_unit


def test_what_a_column_is_for_is_read_from_all_of_its_name():
    assert read_name("Vp (V)").writing
    assert read_name("Vread (V)").reading
    assert read_name("VOLTAGE AMPLITUDE (V)").writing
    assert read_name("tON (ms)").width
    assert read_name("G_LTP (uS)").way == "up"
