import functools
import random
import re
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crossbar_hil
from crossbar_hil.sim_backend.emulation.models.keithley2400.model import EmulatedKeithley2400
from crossbar_hil.sim_backend.emulation.models.keithley2450.model import EmulatedKeithley2450
from crossbar_hil.sim_backend.emulation.models.keithley7001.model import EmulatedKeithley7001
from crossbar_hil.sim_backend.emulation.models.keysight34980a.model import EmulatedKeysight34980A
from crossbar_hil.sim_backend.emulation.models.keysightb2200a.model import EmulatedKeysightB2200A
from crossbar_hil.sim_backend.emulation.models.keysightb2900.model import EmulatedKeysightB2901A, EmulatedKeysightB2902A
from crossbar_hil.sim_backend.emulation.scpi.common import COMMON
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.world.world import World

MODELS = (
    EmulatedKeithley2400,
    EmulatedKeithley2450,
    EmulatedKeysightB2901A,
    EmulatedKeysightB2902A,
    EmulatedKeithley7001,
    EmulatedKeysight34980A,
    EmulatedKeysightB2200A,
)
EMPTY_QUEUE = {
    EmulatedKeithley2400: b'0,"No error"\n',
    EmulatedKeithley2450: b'0,"No error;0;0 0"\n',
}


@functools.cache
def chip():
    return crossbar_hil.open_bench(seed=1)


def made(model):
    instrument = model(World(chip()), "box")
    if instrument.channels:
        instrument.world.add_wire("box.a.hi", "row.0")
        instrument.world.add_wire("column.0", "lo")
    return instrument


@pytest.fixture
def smu():
    return made(EmulatedKeithley2400)


@pytest.mark.parametrize("model", MODELS)
def test_every_instrument_answers_the_common_commands(model):
    instrument = made(model)
    assert instrument.receive("*IDN?").count(b",") == 3
    assert instrument.receive("*RST;*CLS;*WAI;*OPC") == b""
    answers = instrument.receive("*OPC?;*TST?;*ESR?;*ESR?;*STB?;*ESE?;*SRE?").split(b";")
    assert [int(each) for each in answers] == [1, 0, 1, 0, 0, 0, 0]
    assert instrument.receive(":SYST:ERR?") == EMPTY_QUEUE.get(model, b'+0,"No error"\n')


@pytest.mark.parametrize("model", MODELS)
def test_the_event_register_first_tells_of_power_on(model):
    assert made(model).receive("*ESR?") == b"128\n"


def test_answers_of_one_message_come_in_one_line(smu):
    assert smu.receive(":OUTP?;:SENS:FUNC:CONC?;*OPC?;:OUTP?") == b"0;1;1;0\n"


def test_commands_before_an_invalid_one_are_done_and_those_after_are_not(smu):
    assert smu.receive(":TRIG:COUN 7;:NONSENSE 1;:TRIG:COUN 9") == b""
    assert smu.receive(":TRIG:COUN?;:SYST:ERR?;:SYST:ERR?") == b'7;-113,"Undefined header";0,"No error"\n'


def test_what_was_asked_before_an_invalid_command_is_answered(smu):
    assert smu.receive(":TRIG:COUN?;:NONSENSE?;:TRIG:COUN?") == b"1\n"


def test_an_execution_error_leaves_the_old_value_and_ends_the_message(smu):
    # Keithley 2400 Series user's manual, page B-9.
    smu.receive(":SOUR:VOLT 500;:TRIG:COUN 3")
    assert smu.receive(":SOUR:VOLT?;:TRIG:COUN?") == b"+0.000000E+00;1\n"
    assert smu.receive(":SYST:ERR?") == b'-222,"Parameter data out of range"\n'


def test_the_path_of_a_header_holds_for_the_next_one(smu):
    smu.receive(":SENS:CURR:PROT 1e-3;RANG 1e-4;*OPC;NPLC 0.1")
    assert smu.receive(":SENS:CURR:PROT?;RANG?;NPLC?") == b"+1.000000E-03;+1.050000E-04;+1.000000E-01\n"
    assert smu.receive(":SENS:CURR:PROT 1e-3;SENS:CURR:RANG 1e-4;:SYST:ERR?") == b""
    assert smu.receive("SYST:ERR?") == b'-113,"Undefined header"\n'


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (":OUTP", -109),
        (":OUTP ON,OFF", -108),
        (":OUTP PERHAPS", -104),
        (":OUTP2 ON", -114),
        (":OUTP99999999999 ON", -114),
        (":SOUR:FUNC MOON", -141),
        (":SENS:FUNC CURR", -104),
        (":SENS:FUNC 'CURR", -151),
        (":READ", -113),
        (":ABOR?", -113),
        (":SOUR:VOLT 1V", -131),
        (":SOUR:VOLT ,1", -102),
        ("!", -102),
        ("öhm?", -101),
        (":SOUR:VOLT 1\x00", -101),
    ],
)
def test_each_fault_has_its_code(smu, message, code):
    smu.receive(message)
    assert smu.receive(":SYST:ERR?").startswith(f"{code},".encode())


def test_the_queue_holds_ten_and_then_overflows(smu):
    for _ in range(12):
        smu.receive(":NONSENSE")
    assert smu.receive(":SYST:ERR:COUN?") == b"10\n"
    found = [smu.receive(":SYST:ERR?") for _ in range(11)]
    assert found[9:] == [b'-350,"Queue overflow"\n', b'0,"No error"\n']


def test_the_status_byte_sums_up(smu):
    smu.receive("*CLS;*ESE 32;*SRE 32;:NONSENSE")
    assert smu.receive("*STB?") == b"100\n"  # 64 + 32 + 4: summary, event, error queue
    assert smu.receive("*ESR?;*STB?") == b"32;4\n"
    smu.receive("*CLS")
    assert smu.receive("*STB?") == b"0\n"


def test_carriage_returns_and_empty_commands_are_of_no_account(smu):
    assert smu.receive(";;:OUTP?;;\r") == b"0\n"
    assert smu.receive("") == b""
    assert smu.receive(" \t ") == b""


def test_the_reset_state_forgets_settings_but_not_errors(smu):
    smu.receive(":NONSENSE")
    smu.receive(":SOUR:VOLT 3;:OUTP ON;*RST")
    assert smu.receive(":SOUR:VOLT?;:OUTP?") == b"+0.000000E+00;0\n"
    assert smu.receive(":SYST:ERR?").startswith(b"-113")


WORDS = st.sampled_from(
    [
        ":SOUR:VOLT", "SOUR2:VOLT:RANG", ":SENS:CURR:PROT", ":OUTP", ":READ", ":INIT", "*RST", "*TRG", ":TRIG:COUN",
        ":CLOS", ":OPEN", ":ROUT:OPEN:ALL", ":TRAC:DATA", ":TRIG:BLOC:BRAN:ALW", ":BIAS", ":SYST:ERR", ":FORM:ELEM",
        "?", " ", ";", ",", ":", "1", "-2", "1e3", "9" * 30, "MIN", "UP", "ON", "ALL", "'CURR'", '"', "'", "(", ")",
        "(@1!1!1)", "(@1101:1116)", "(@00101)", "(@1,2)", "(@", "#", "VOLT", "é", "\x00",
    ]
)  # fmt: skip


def is_one_answer(answer):
    """Whether this is nothing, or a line; a binary block in it may hold any byte."""
    return answer == b"" or (answer.endswith(b"\n") and (b"#" in answer or answer.count(b"\n") == 1))


def recovers(instrument):
    """Whether the instrument answers as it did at first, after a reset."""
    instrument.receive("*RST;*CLS")
    assert instrument.receive("*OPC?;:SYST:ERR:COUN?") in (b"1;0\n", b"1;+0\n")
    assert instrument.receive("*IDN?").count(b",") == 3
    assert not instrument.world.log.of("violation")


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=25, deadline=None)
@given(messages=st.lists(st.one_of(st.text(max_size=30), st.lists(WORDS, max_size=12).map("".join)), max_size=6))
def test_no_message_makes_it_raise_and_it_always_recovers(model, messages):
    instrument = made(model)
    for message in messages:
        assert is_one_answer(instrument.receive(message))
    recovers(instrument)


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=25, deadline=None)
@given(chunk=st.binary(min_size=1, max_size=60))
def test_bytes_that_are_no_message_make_an_error(model, chunk):
    instrument = made(model)
    for line in chunk.decode("latin-1").split("\n"):
        instrument.receive("*CLS")
        assert is_one_answer(instrument.receive(line))
        if any(not letter.isascii() and not letter.isspace() for letter in line):
            assert instrument.status.errors, line
    recovers(instrument)


ARGUMENTS = (
    "",
    "1",
    "-9e99",
    "MIN",
    "ALL",
    "'a',2",
    "1,2,3",
    "(@1)",
    "(@1!1!1,1101)",
    "#HFFFFFFFFFFFFFFFFFF",
    "(VOLT^9e9)",
)


@pytest.mark.parametrize("arguments", [ARGUMENTS[::2], pytest.param(ARGUMENTS, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("model", MODELS)
def test_every_command_answers_or_reports_an_error_whatever_its_arguments(model, arguments):
    instrument = made(model)
    for command in (*model.commands, *COMMON):
        header = re.sub(r"\{([0-9]+)-[0-9]+\}", r"\1", re.sub(r"\[[^]]*\]|#", "", command.pattern))
        for argument in arguments:
            instrument.status.clear()
            assert is_one_answer(instrument.receive(f"{header} {argument}"))
            instrument.status.clear()
            answer = instrument.receive(f"{header}? {argument}")
            assert is_one_answer(answer)
            assert answer or instrument.status.errors, f"{header}? {argument}"
    recovers(instrument)


def test_a_server_outlives_garbage(smu):
    rng = random.Random(1)
    with InstrumentServer(smu) as server, socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        for _ in range(50):
            client.sendall(rng.randbytes(200).replace(b"?", b"!") + b"\n")
        client.sendall(b"*CLS\n:NONSENSE\n*IDN?;:SYST:ERR?\n")
        assert client.makefile("rb").readline().endswith(b',"Undefined header"\n')
