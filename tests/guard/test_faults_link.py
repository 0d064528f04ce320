"""Faults of the link: whatever happens to a message or an answer, no reading is wrong and no pulse is sent twice."""

import re
import sys
from contextlib import suppress

import numpy as np
import pytest

from crossbar_hil.errors import ConnectionLost, CrossbarError, DeadlineError, InstrumentError, TransportError
from crossbar_hil.guard import keeper
from crossbar_hil.guard.states import State
from crossbar_hil.sim_backend.emulation.nemesis.faults import Fault

from ..called import NEED_SOCKETS
from .kept import ALL, FIRST, SHORT_S, KeptBench

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other systems take connections that nobody accepts")
QUESTION = r"measure\.i\(|READ\?"
PULSES = r"^crossbar_hil_pulse\(|READ\?"


@pytest.fixture
def once(monkeypatch):
    """Have nothing tried again: each time costs some deadlines."""
    monkeypatch.setattr(keeper, "TRIES", 1)


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        pytest.param("late", {"seconds": 6 * SHORT_S}, marks=pytest.mark.fault("T1", "V13")),
        pytest.param("drop", {}, marks=pytest.mark.fault("T2")),
        pytest.param("drop_command", {}, marks=pytest.mark.fault("T2")),
        pytest.param("dup", {}, marks=pytest.mark.fault("T5", "V13")),
        pytest.param("garbage", {}, marks=pytest.mark.fault("T7")),
        pytest.param("swap", {}, marks=pytest.mark.fault("T8", "V13")),
        pytest.param("extra", {"when": "before"}, marks=pytest.mark.fault("T9", "V13")),
        pytest.param("extra", {"when": "after"}, marks=pytest.mark.fault("T9")),
        pytest.param("dribble", {"seconds": SHORT_S / 4}, marks=pytest.mark.fault("T10")),
        pytest.param("fin", {"when": "inside"}, marks=pytest.mark.fault("T11")),
        pytest.param("rst", {"when": "inside"}, marks=pytest.mark.fault("T12")),
    ],
)
def test_a_read_that_the_link_spoils_is_taken_anew_and_is_right(kept, verb, args):
    bench = kept(hurried=verb in NEED_SOCKETS | {"drop", "fin", "rst"})
    bench.strike(verb, match=QUESTION, skip=20, **args)
    assert bench.read() == pytest.approx(bench.truth, rel=1e-5)
    assert bench.struck == [verb]
    assert [body["text"] for body in bench.entries("note")][:1] != []
    silent = verb in {"late", "drop", "drop_command", "dribble"}
    assert bench.told == ([("smu", False), ("smu", True)] if silent else [])


@pytest.mark.fault("T6")
@pytest.mark.parametrize(("name", "lengths"), [("emulated", range(1, 15)), ("emulated-single", range(1, 40, 5))])
def test_a_number_that_was_cut_short_is_never_taken_for_the_whole_one(kept, name, lengths):
    bench = kept(name)
    bench.read()
    for length in lengths:
        bench.strike("cut", match=QUESTION, skip=3, n=length)
        try:
            found = bench.read()
        except InstrumentError:
            bench.keeper.machine.to(State.READY)  # as after a resume
        else:
            assert found == pytest.approx(bench.truth, rel=1e-5)
    assert len(bench.struck) == len(lengths)


@pytest.mark.fault("T3", "V1")
@pytest.mark.parametrize(("name", "outcome"), [("emulated", "done"), ("emulated-single", "in_doubt")])
def test_a_pulse_whose_answer_is_lost_is_sent_once_whatever_the_instrument_remembers(kept, name, outcome):
    bench = kept(name, hurried=True, measurement={"discharge_s": 0})
    bench.read()
    bench.strike("drop", match=PULSES)
    bench.pulse(ALL)
    assert bench.received.tolist() == ALL.tolist()
    assert sorted(bench.outcomes) == sorted([outcome, "done", "done", "done"])


@pytest.mark.fault("T3", "V3")
@pytest.mark.parametrize(("name", "outcome"), [("emulated", "done"), ("emulated-single", "in_doubt")])
def test_after_the_last_pulse_of_a_batch_was_left_in_doubt_the_chip_is_read_and_the_run_goes_on(kept, name, outcome):
    bench = kept(name, hurried=True, measurement={"discharge_s": 0})
    bench.read()
    bench.strike("drop", match=PULSES)
    bench.pulse(FIRST)
    assert bench.outcomes == [outcome]
    assert np.allclose(bench.entries("check")[-1]["conductances"], bench.truth, rtol=1e-3)  # what became of it
    bench.pulse(ALL)
    assert bench.received.tolist() == (FIRST + ALL).tolist()
    assert bench.outcomes == [outcome, *["done"] * 4]


@pytest.mark.fault("T4", "V3")
@pytest.mark.parametrize(("name", "outcome", "sent"), [("emulated", "not_sent", 4), ("emulated-single", "in_doubt", 3)])
def test_a_pulse_that_never_arrived_is_sent_only_where_the_instrument_can_say_so(kept, name, outcome, sent):
    bench = kept(name, hurried=True, measurement={"discharge_s": 0})
    bench.read()
    bench.strike("drop_command", match=PULSES)
    bench.pulse(ALL)
    assert bench.received.sum() == sent
    assert outcome in bench.outcomes
    assert bench.received.max() == 1


@pytest.mark.fault("T3", "V3")
@pytest.mark.parametrize(
    ("line", "verb"),
    [
        pytest.param(line, verb, marks=() if verb in usually else pytest.mark.campaign)
        for line, usually in {
            "loadandrunscript": ("drop_command",),
            "function crossbar_hil_pulse": ("drop_command", "rst"),
            "endscript": ("rst", "garbage"),
            "do local text": ("garbage",),
        }.items()
        for verb in ("drop_command", "rst", "garbage")
    ],
)
def test_a_fault_while_the_pulse_function_is_stored_leaves_no_pulse_in_doubt(kept, verb, line):
    bench = kept(measurement={"discharge_s": 0})
    bench.read()
    bench.strike(verb, match=f"^{line}", **({"when": "inside"} if verb == "rst" else {}))
    with suppress(CrossbarError):
        bench.pulse(FIRST)
    done = bench.outcomes.count("done")
    assert set(bench.outcomes) <= {"done", "not_sent"}
    assert bench.received.sum() == done <= 1


@pytest.mark.fault("T3", "V1")
def test_a_box_with_a_memory_refuses_pulses_that_it_has_begun_before(kept):
    bench = kept()
    bench.read()
    bench.pulse(FIRST)
    rig = bench.chip._rig
    with pytest.raises(InstrumentError, match=r"smu\.a refuses pulses 1: it has begun them before"):
        rig.pulse({"drive": 1.0, "meter": -1.0}, 0.05, 1, "t", 1)
    assert bench.received.sum() == 1


@LINUX
@pytest.mark.fault("T15", "V15")
def test_an_instrument_that_lets_connections_hang_is_named_with_its_address(kept):
    with pytest.raises(ConnectionLost, match=r"cannot open TCPIP0::127\.0\.0\.1::\d+::SOCKET within 0\.15 s"):
        kept(hurried=True, faults=[Fault("blackhole", 0, "smu")])


@pytest.mark.fault("T14")
@pytest.mark.fault("T17")
def test_a_port_that_refuses_is_tried_once_and_named(tmp_path):
    with KeptBench(tmp_path, faults=[Fault("refuse", 0, "smu", {"attempts": 9})]) as bench:
        with pytest.raises(TransportError, match=r"127\.0\.0\.1"):
            bench.open()
        assert bench.nemesis.calls == 0


@LINUX
@pytest.mark.fault("T18")
def test_a_cable_that_is_out_stops_the_run_and_a_later_resume_goes_on(kept, once):
    bench = kept(hurried=True)
    bench.read()
    bench.pulse(FIRST)
    bench.strike("blackhole", instrument="smu", seconds=None)
    with pytest.raises(CrossbarError) as caught:
        bench.read()
    assert isinstance(caught.value, DeadlineError | ConnectionLost)
    assert bench.world.closed("matrix") == frozenset()  # as far as it can be reached
    assert not bench.entries("safe")[-1]["confirmed"]
    bench.leave()
    bench.nemesis.faults = ()
    bench.emulated._blows.servers["smu"].lose(0.0)
    bench.open()
    bench.read()
    bench.pulse(FIRST)
    assert bench.read() == pytest.approx(bench.truth, rel=1e-5)
    assert bench.received.sum() == 1


@pytest.mark.fault("T13", "I11", "R11", "V7")
@pytest.mark.parametrize("mute", ["smu", "matrix"])
def test_where_one_instrument_is_frozen_the_other_is_made_safe_and_the_frozen_one_named(kept, once, mute):
    bench = kept(hurried=True)
    bench.read()
    bench.strike("freeze", instrument=mute, seconds=None, skip=1)
    with pytest.raises(TransportError):
        bench.read()
    on, closed = bench.left_on
    assert (closed if mute == "smu" else on) in (set(), [])
    (failure,) = bench.entries("safe")[-1]["failures"]
    assert mute in failure
    assert bench.keeper.machine.state is State.BROKEN


@pytest.mark.fault("I11", "R11", "V15", "V22")
@pytest.mark.parametrize(("mute", "names"), [("smu", r"smu\.a and smu\.b"), ("matrix", "matrix")])
@pytest.mark.parametrize("work", ["read", "pulse"])
def test_a_person_is_told_which_instrument_is_mute_before_anything_is_tried_again(kept, mute, names, work):
    bench = kept(hurried=True)
    bench.read()
    alarms = []

    def alarm(why):
        alarms.append((why, bench.left_on, len(bench.entries("safe")), len(bench.entries("note"))))

    bench.keeper._alarm = alarm
    bench.strike("freeze", instrument=mute, seconds=None, skip=1)
    with pytest.raises(TransportError):
        getattr(bench, work)()
    why, (on, closed), safe, notes = alarms[0]
    assert re.match(rf"the bench may not be safe: look at {names}:", why)
    assert (closed if mute == "smu" else on) in (set(), [])  # the other one was made safe before
    assert (safe, notes) == (0, 0)
    assert bench.entries("safe")[-1]["failures"] == [why]


@pytest.mark.fault("T1", "T12", "V15")
def test_a_link_that_never_comes_back_ends_in_an_error_and_not_in_a_hang(kept):
    bench = kept(hurried=True)
    bench.read()
    bench.strike("rst", match=QUESTION, times=0, when="before")
    with pytest.raises(TransportError):
        bench.read()
    assert bench.left_on == ([], set())
    assert np.array_equal(bench.received, 0 * ALL)
