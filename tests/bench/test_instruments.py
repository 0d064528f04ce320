"""How the instruments of a bench are opened: in which order each is met, and what is said of one that is not it."""

import re
from contextlib import ExitStack
from importlib.metadata import entry_points
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil.bench import instruments
from crossbar_hil.bench.file import InstrumentTable, load_bench
from crossbar_hil.bench.instruments import (
    ask_identity,
    find_source,
    open_instrument,
    open_instruments,
    say_silence,
    wrong_identity,
)
from crossbar_hil.errors import ConfigError, DeadlineError, TransportError
from crossbar_hil.instrument import Identity

KNOWN = sorted({each.name for each in entry_points(group="crossbar_hil.instruments")} - {"manual"})
NAMES = {each: each.removeprefix("keithley").removeprefix("keysight").upper() for each in KNOWN}
"""Model of each driver: its name without that of the maker."""


@pytest.mark.parametrize("driver", KNOWN)
def test_a_driver_takes_its_own_model_and_no_other(driver):
    for model in NAMES.values():
        for written in (model, model.lower(), f"{model[:2]}-{model[2:]}"):
            told = wrong_identity("smu", InstrumentTable(driver=driver), Identity("ANY", written, "1", "A"))
            if NAMES[driver] in model:
                assert told == ""
            else:
                assert f"a {written} answers, but driver {driver} is for a {NAMES[driver]};" in told
                assert told.endswith(f"identity = 'ANY,{written},1,A'")


class Box:
    """An instrument that keeps an account of what is done with it."""

    own_name = None

    def __init__(self, told, name):
        self.told, self.name = told, name

    def heed(self, patience):
        self.told.append((self.name, "heed", patience()))

    def identify(self):
        self.told.append((self.name, "identify"))
        return Identity("ANY", {"smu": "2602B", "matrix": "707B"}[self.name], "1", "A")

    def tell_silence(self, silence):
        self.told.append((self.name, "silence", silence))

    def close(self):
        self.told.append((self.name, "close"))


@pytest.fixture
def told(monkeypatch):
    """What was done with the instruments of the emulated bench, in order."""
    events = []

    def open_it(resource, *, name, visa, deadline_s, **line):
        events.append((name, "open", resource, visa, deadline_s, line))
        return Box(events, name)

    monkeypatch.setattr(instruments, "load", lambda group, name: SimpleNamespace(open=open_it))
    return events


BENCH = load_bench("emulated")
PORT = "ASRL3::INSTR"
RESOURCES = {"smu": "GPIB0::26::INSTR", "matrix": "GPIB0::16::INSTR"}


def opened(owned, bench=BENCH, resources=RESOURCES, **more):
    return open_instruments(bench, np.random.default_rng(1), owned, resources, **more)


def test_each_is_met_before_the_next_and_seen_before_anything_else_is_said_to_it(told):
    def seen(name, identity):
        told.append((name, "seen", identity.model))

    with ExitStack() as owned:
        found = opened(owned, seen=seen, patience=lambda: 3.0, silence=print)
        assert list(found) == list(BENCH.instruments) == ["smu", "matrix"]
        for name, model in (("smu", "2602B"), ("matrix", "707B")):
            table = BENCH.instruments[name]
            assert [each for each in told if each[0] == name] == [
                (name, "open", RESOURCES[name], table.visa, table.deadline_s, {}),
                (name, "heed", 3.0),
                (name, "identify"),
                (name, "seen", model),
                (name, "silence", print),
            ]
        assert [each[0] for each in told] == ["smu"] * 5 + ["matrix"] * 5
    assert told[10:] == [("matrix", "close"), ("smu", "close")]


def test_one_that_is_another_or_that_is_refused_is_closed_and_the_next_not_opened(told):
    for bench, more, error in (
        (with_keys(serial="2"), {}, ConfigError),
        (BENCH, {"seen": lambda *_: 1 / 0}, ZeroDivisionError),
    ):
        del told[:]
        with pytest.raises(error), ExitStack() as owned:
            opened(owned, bench, silence=print, **more)
        assert [each[:2] for each in told] == [("smu", "open"), ("smu", "identify"), ("smu", "close")]


def with_keys(**keys):
    tables = {**BENCH.instruments, "smu": BENCH.instruments["smu"].model_copy(update=keys)}
    return BENCH.model_copy(update={"instruments": tables})


def test_one_without_a_resource_and_a_bench_that_computes_are_refused_before_anything_is_opened(told):
    with ExitStack() as owned:
        with pytest.raises(ConfigError, match=r"^bench emulated: instruments\.smu has no resource, the VISA name of"):
            opened(owned, resources={**RESOURCES, "smu": None})
        for kind in ("simulated", "replayed"):
            with pytest.raises(ConfigError, match=f"so its kind must be emulated or hardware, not {kind}"):
                opened(owned, BENCH.model_copy(update={"kind": kind}))
    assert told == []


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({}, {}),
        ({"baud": 9600}, {"baud": 9600, "ends": "\n"}),
        ({"baud": 57600, "ends": "CR"}, {"baud": 57600, "ends": "\r"}),
        ({"baud": 300, "ends": "CRLF"}, {"baud": 300, "ends": "\r\n"}),
    ],
)
def test_a_serial_line_has_the_speed_and_the_end_of_messages_of_the_file(told, keys, line):
    resource = PORT if keys else "GPIB0::24::INSTR"
    table = InstrumentTable(driver="keithley2400", visa="@py", resource=resource, deadline_s=7.0, **keys)
    box = open_instrument("smu", table, resource)
    assert told == [("smu", "open", resource, "@py", 7.0, line)]
    assert box.own_name is None
    assert open_instrument("smu", table.model_copy(update={"identity": "a box"}), "").own_name == "a box"


@pytest.mark.parametrize(
    ("keys", "resource", "told_of"),
    [
        ({"visa": "/tmp/evil.so"}, "GPIB0::1::INSTR", "instruments.smu.visa '/tmp/evil.so' is no VISA library"),
        ({}, "ASRLsocket://host:1::INSTR", "instruments.smu.resource 'ASRLsocket://host:1::INSTR' holds ://"),
    ],
)
def test_a_library_or_resource_that_could_run_a_program_opens_nothing(told, keys, resource, told_of):
    table = InstrumentTable(driver="keithley2400").model_copy(update=keys)
    with pytest.raises(ConfigError, match="^" + re.escape(told_of)):
        open_instrument("smu", table, resource)
    assert told == []


def test_a_person_is_asked_and_told_by_what_is_given_else_on_the_terminal(monkeypatch):
    given = []

    def open_it(resource, *, name, visa, deadline_s, ask, tell):
        given.append((ask, tell))
        return SimpleNamespace()

    monkeypatch.setattr(instruments, "load", lambda group, name: SimpleNamespace(open=open_it))
    table = InstrumentTable(driver="manual", resource=PORT, baud=9600)
    open_instrument("panel", table, "", ask=len, tell=print)
    open_instrument("panel", table, "")
    assert given == [(len, print), (input, instruments.write_to_stderr)]


def test_one_that_is_slow_is_told_with_what_to_set_and_one_that_is_gone_as_it_is():
    table = InstrumentTable(driver="keithley2400", deadline_s=2.5)

    def answering(error):
        def identify():
            raise error

        return SimpleNamespace(identify=identify)

    slow = DeadlineError("no answer within 2.5 s")
    with pytest.raises(DeadlineError) as caught:
        ask_identity("smu", table, answering(slow))
    assert str(caught.value) == (
        "instruments.smu: no answer within 2.5 s: is it switched on, and is this its address? For a slow link raise "
        "instruments.smu.deadline_s, 2.5 s now"
    )
    assert caught.value.__cause__ is slow
    gone = TransportError("gone")
    with pytest.raises(TransportError) as caught:
        ask_identity("smu", table, answering(gone))
    assert caught.value is gone


@pytest.mark.parametrize(
    ("waited_s", "said"),
    [
        (1.25, "instrument smu has not answered for 1.2 s: look at it; everything is being made safe"),
        (0.0, "instrument smu has not answered for 0.0 s: look at it; everything is being made safe"),
        (None, "instrument smu answers again"),
    ],
)
def test_a_silent_instrument_is_told_with_its_time_and_one_that_answers_again_too(waited_s, said):
    told = []
    say_silence(told.append, "smu", waited_s)
    assert told == [said]


def test_a_channel_is_named_by_its_letter_up_to_the_last_that_there_is():
    boxes = {
        "one": SimpleNamespace(source_meters=lambda: ["1a"]),
        "two": SimpleNamespace(source_meters=lambda: ["2a", "2b"]),
        "matrix": SimpleNamespace(),
    }
    assert [find_source(boxes, each) for each in ("one.a", "two.a", "two.b")] == ["1a", "2a", "2b"]
    for name, said in {
        "one.b": "one has 1 channel(s), a to a",
        "two.c": "two has 2 channel(s), a to b",
        "two": "two has 2 channel(s), a to b",
        "two.": "two has 2 channel(s), a to b",
        "two.ab": "two has 2 channel(s), a to b",
        "two.A": "two has 2 channel(s), a to b",
        "matrix.a": "'matrix' is no source-measure unit of this bench",
        "none.a": "'none' is no source-measure unit of this bench",
    }.items():
        with pytest.raises(ConfigError, match="^" + re.escape(f"source {name!r}: {said}") + "$"):
            find_source(boxes, name)
