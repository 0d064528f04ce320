"""Text of a bench file never reaches an instrument: names on the wire are made of checked numbers alone."""

import re
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pymeasure.adapters import FakeAdapter

from crossbar_hil.bench.instruments import find_source
from crossbar_hil.drivers.schemes.wiring import PORTS, Wiring
from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import row_number
from crossbar_hil.instruments.keithley707b import Keithley707B, Keithley708B
from crossbar_hil.instruments.keithley3706a import Keithley3706A
from crossbar_hil.instruments.keithley7001 import Keithley7001, Keithley7002
from crossbar_hil.instruments.keysight34980a import Keysight34980A
from crossbar_hil.instruments.keysightb2200a import KeysightB2200A, KeysightB2201A

pytestmark = pytest.mark.fault("X14")
fixed = settings(derandomize=True, database=None, deadline=None, max_examples=80)
few_or_many = pytest.mark.parametrize("examples", [15, pytest.param(1000, marks=pytest.mark.campaign)])
MATRICES = [
    Keithley3706A,
    Keithley7001,
    Keithley7002,
    Keithley707B,
    Keithley708B,
    Keysight34980A,
    KeysightB2200A,
    KeysightB2201A,
]
ON_THE_WIRE = re.compile(r"[0-9A-Z!]{4,8}", re.ASCII)
LONG = "9" * 5000  # more digits than int() takes
HOSTILE = ["A;OUTP ON", 'A") smua.source.output=1 --', "A\n:OUTP ON", "1,2", "(@1)", "Ａ", "١", "²", "ı", "a b", ""]
texts = st.sampled_from(HOSTILE) | st.text(max_size=6) | st.text("0123456789ABCDabcd", max_size=4)
numbers = st.integers(-2, 200) | st.booleans() | st.floats() | texts


def told(call, *details):
    """What a call returns, or the sentence with which it refuses."""
    try:
        return call(*details), None
    except ConfigError as error:
        return None, str(error)


class Recorder(FakeAdapter):
    """Answers nothing and keeps what is written."""

    def __init__(self):
        super().__init__()
        self.written = []

    def _write(self, command, **kwargs):
        self.written.append(command)

    def _read(self, **kwargs):
        return ""


@few_or_many
@pytest.mark.parametrize("model", MATRICES)
def test_whatever_a_bench_file_calls_a_port_a_crosspoint_is_letters_and_digits_of_the_model(model, examples):
    adapter = Recorder()
    matrix = model(adapter, name="matrix")

    def check(slot, port, line):
        name, refusal = told(matrix.crosspoint, slot, port, line)
        assert "\n" not in refusal if refusal else ON_THE_WIRE.fullmatch(name)

    for place in product((-1, 0, 1, 12), (*HOSTILE, LONG, "1", "A", "99"), (-1, 0, 1, 60)):
        check(*place)
    anything = given(slot=st.integers(-1, 12), port=texts, line=st.integers(-1, 60))
    settings(fixed, max_examples=examples)(anything(check))()
    assert adapter.written == []


@few_or_many
@pytest.mark.parametrize("model", MATRICES)
def test_no_text_that_is_not_a_crosspoint_is_sent_to_a_matrix(model, examples):
    adapter = Recorder()
    matrix = model(adapter, name="matrix")
    matrix._known = frozenset()
    good = matrix.crosspoint(1, "1", 1)

    def check(crosspoints):
        adapter.written.clear()
        try:
            matrix.connect(crosspoints)
        except ConfigError:
            assert adapter.written == []
            return
        except Exception:  # this adapter answers nothing, so whatever was sent fails
            assert all(re.fullmatch(r"[\x20-\x7e]*", line) for line in adapter.written)
        sent = " ".join(adapter.written)
        assert not re.search("OUTP|smua|source", sent)
        matrix._known = frozenset()

    for text in (*HOSTILE, ";OUTP ON", "\n", '") smua.source.output=1 --'):
        check([text])
        check([good + text])
    anything = given(st.lists(texts | texts.map(lambda text: good + text), min_size=1, max_size=3))
    settings(fixed, max_examples=examples)(anything(check))()


matrix = Keithley707B(Recorder(), name="matrix")


@fixed
@given(
    st.dictionaries(st.sampled_from(PORTS) | texts, texts, max_size=4),
    st.lists(numbers, max_size=3),
    st.lists(numbers, max_size=3),
    numbers,
)
def test_a_wiring_of_any_text_is_refused_or_has_plain_places(ports, rows, columns, slot):
    def make():
        wiring = Wiring(slot=slot, ports=ports, rows=tuple(rows), columns=tuple(columns))
        return wiring.on(matrix)

    wired, refusal = told(make)
    if refusal:
        assert "\n" not in refusal
        return
    assert set(wired.wiring.ports) <= set(PORTS)
    assert all(ON_THE_WIRE.fullmatch(name) for name in wired.names.values())


class Smu:
    def source_meters(self):
        return ["channel a", "channel b"]


@fixed
@given(texts | texts.map(lambda text: f"smu.{text}"))
@example("smu.a;OUTP ON")
@example("smu.ab")
def test_a_channel_is_one_of_those_that_there_are_whatever_it_is_called(name):
    found, refusal = told(find_source, {"smu": Smu()}, name)
    assert "\n" not in refusal if refusal else (name, found) in {("smu.a", "channel a"), ("smu.b", "channel b")}


@fixed
@given(texts)
@example(LONG)
def test_a_matrix_row_is_a_number_or_is_refused(port):
    number, refusal = told(row_number, port)
    assert len(refusal) < 200 if refusal else number >= 1
