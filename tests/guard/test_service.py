import contextlib
import io
import itertools
import json
import os
import queue
import signal
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.instruments import say_silence
from crossbar_hil.errors import BackendError, CrossbarError, DataError, GuardError, LimitError, Stopped
from crossbar_hil.guard import service
from crossbar_hil.guard.client import GuardProcess
from crossbar_hil.guard.keeper import Keeper, SafeReport, StopFlag
from crossbar_hil.guard.messages import LONGEST_LINE, Sender, error_from_message, error_to_message, from_line, to_line
from crossbar_hil.guard.service import Service
from crossbar_hil.instrument import Reading
from crossbar_hil.instruments.manual import ManualSwitchMatrix
from crossbar_hil.witness import Train

BEAT_S, PATIENT_S = 0.05, 20.0
"""Beats of a guard where a trainer is meant to be missed, and where it is not: busy threads of a test are late."""


class Clock:
    """A monotonic clock in place of the guard's, which moves when a test says so: a busy machine misses no beat."""

    now_s = 0.0

    def monotonic(self):
        return self.now_s


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(service, "time", made)
    return made


class Trainer:
    """The other end of the pipe of a service that keeps a fake chip in this process."""

    def __init__(self, chip, journal, beat_s=PATIENT_S, clock=time.monotonic):
        to_guard, from_guard = os.pipe(), os.pipe()
        self.requests, self.answers = os.fdopen(to_guard[1], "wb", 0), os.fdopen(from_guard[0], "rb")
        self.ends = os.fdopen(to_guard[0], "rb"), os.fdopen(from_guard[1], "wb", 0)
        self.service = service = Service(*self.ends, beat_s=beat_s, clock=clock)
        self.status = None
        self.closed = []  # how often the chip had been made safe then

        def opener(hello, service):
            if hello.get("fail"):
                raise LimitError("nothing was opened")
            keeper = Keeper(chip, journal, check_v=0.1, stop=service.stop)
            return SimpleNamespace(
                keeper=keeper, ready={"kind": chip.kind}, close=lambda: self.closed.append(chip.made_safe)
            )

        def run():
            self.status = service.run(opener)

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def say(self, **message):
        self.requests.write(to_line(message))

    def hear(self, *keys):
        """Return the next message that has one of the keys."""
        while True:
            line = self.answers.readline()
            assert line, "the guard ended without a word"
            message = json.loads(line)
            if any(key in message for key in keys):
                return message

    def ended(self):
        return self.hear("ended")["ended"]

    def close(self):
        self.requests.close()
        self.thread.join(60)
        assert not self.thread.is_alive()
        for end in (self.answers, *self.ends):
            end.close()


@pytest.fixture
def fresh(chip, journal):
    made = Trainer(chip, journal)
    yield made
    made.close()


@pytest.fixture
def beating(chip, journal):
    """A trainer of a guard with beats of that length: beating(beat_s)."""
    with contextlib.ExitStack() as stack:

        def make(beat_s):
            made = Trainer(chip, journal, beat_s)
            stack.callback(made.close)
            made.say(hello={})
            made.hear("ready")
            return made

        yield make


@pytest.fixture
def trainer(fresh):
    fresh.say(hello={})
    fresh.hear("ready")
    return fresh


def test_a_read_and_pulses_go_over_the_pipe_and_back(trainer, chip):
    trainer.say(id=1, do="read", voltages=[[0.1, 0.0], [0.0, 0.1]])
    assert np.allclose(trainer.hear("answer")["answer"], 0.1 * chip.conductances)
    trainer.say(id=2, do="pulses", counts=[[0, 1], [2, 0]], amplitude_v=2.0, width_s=0.05)
    assert trainer.hear("answer") == {"id": 2, "answer": None}
    assert chip.sent == [(0, 1), (1, 0), (1, 0)]


@pytest.fixture
def by_hand(trainer, chip):
    """A person moves the connections of the chip, and is asked for the first ones."""
    panel = ManualSwitchMatrix("panel", ask=trainer.service.ask, tell=trainer.service.tell)
    chip._read_currents = lambda voltages: panel.connect(["A-1"]) or voltages @ chip.conductances
    chip.make_safe = lambda: panel.disconnect_all() or panel.connected()
    trainer.say(id=1, do="read", voltages=[[0.1, 0.0]])
    trainer.hear("ask")
    trainer.say(reply="")  # everything is off
    trainer.hear("ask")
    return trainer


@pytest.mark.fault("O1")
def test_ctrl_c_at_a_question_stops_and_the_person_confirms_that_all_is_off(by_hand):
    by_hand.say(reply=None, cause="Ctrl-C was pressed")
    by_hand.hear("ask")  # to make safe
    by_hand.say(reply="y")
    assert error_from_message(by_hand.hear("error")["error"]).args == ("stopped: Ctrl-C was pressed",)
    assert by_hand.hear("ended", "ask")["ended"]["confirmed"] is True


@pytest.mark.fault("O1")
def test_a_second_ctrl_c_ends_it_at_once_and_nothing_is_asked_again(by_hand):
    by_hand.say(reply=None, cause="Ctrl-C was pressed")
    by_hand.hear("ask")
    by_hand.say(reply=None, cause="Ctrl-C was pressed")
    by_hand.hear("error")
    ended = by_hand.hear("ended", "ask", "unsafe")["ended"]
    nobody = "panel: nobody has confirmed that every connection is off"
    assert (ended["confirmed"], ended["failures"]) == (False, [nobody])


def test_a_source_that_stays_on_is_tried_again_whoever_does_not_answer(by_hand, chip, monkeypatch):
    monkeypatch.setattr(service, "RETRY_S", 0.0)
    times = itertools.count()
    by_hand.service._clock = lambda: float(next(times))  # a second a try
    panel_off, tries = chip.make_safe, []

    def make_safe():
        tries.append(1)
        try:
            panel_off()
        except CrossbarError as error:
            raise GuardError(f"smu.a is still on; {error}") from error

    chip.make_safe = make_safe
    by_hand.say(reply=None, cause="Ctrl-C was pressed")
    by_hand.hear("ask")
    by_hand.say(reply=None, cause="Ctrl-C was pressed")
    assert by_hand.hear("ended", "ask")["ended"]["confirmed"] is False
    assert 55 <= len(tries) <= 62


def test_a_question_to_a_trainer_that_is_gone_ends(by_hand):
    by_hand.requests.close()
    assert by_hand.hear("ended", "ask")["ended"]["cause"] == "the trainer is gone"


@pytest.mark.parametrize(
    ("error", "cause"), [(KeyboardInterrupt, "Ctrl-C was pressed"), (EOFError, "the input ended at")]
)
def test_the_person_answers_by_a_line_or_by_ctrl_c(monkeypatch, capsys, error, cause):
    guard, said = object.__new__(GuardProcess), []
    monkeypatch.setattr(guard, "_send", said.append)
    monkeypatch.setattr("builtins.input", lambda: "y")
    guard._put_to_person("done? ")

    def ended():
        raise error

    monkeypatch.setattr("builtins.input", ended)
    guard._put_to_person("done? ")
    assert said[0]["reply"] == "y"
    assert said[1]["reply"] is None
    assert said[1]["cause"].startswith(cause)
    assert capsys.readouterr() == ("", "done? done? ")  # standard output may be JSON


def test_a_refusal_comes_back_as_the_error_that_it_is(trainer):
    trainer.say(id=1, do="check", amplitude_v=9.0, width_s=0.05)
    error = error_from_message(trainer.hear("error")["error"])
    assert isinstance(error, LimitError)
    assert "9 V exceeds the limit of 3 V" in str(error)


def test_a_request_that_no_guard_knows_is_refused(trainer):
    trainer.say(id=1, do="dance")
    assert trainer.hear("error")["error"]["type"] == "GuardError"


@pytest.mark.fault("H1")
def test_the_end_of_the_pipe_makes_the_bench_safe(trainer, chip):
    trainer.requests.close()
    assert trainer.ended() == {"cause": "the trainer is gone", "confirmed": True, "failures": [], "work": {}}
    assert trainer.closed == [1]


@pytest.mark.fault("H5")
def test_a_trainer_that_stops_beating_is_taken_for_gone(beating, chip):
    assert "silent" in beating(BEAT_S).ended()["cause"]  # nothing more was said
    assert chip.made_safe == 1


LARGE = [[0.1, 0.0]] * 6_000
"""So many patterns make a request, and an answer, that a pipe does not hold."""


@pytest.mark.fault("H5", "V15")
def test_a_trainer_that_reads_nothing_any_more_is_missed_whatever_is_on_its_way_to_it(beating, chip, monkeypatch):
    monkeypatch.setattr(service, "FLUSH_S", 0.1)
    answered, missed = threading.Event(), service.MISSED
    monkeypatch.setattr(service, "MISSED", 10**6)  # a busy machine takes its time to answer
    trainer = beating(BEAT_S)
    say = trainer.service.say
    trainer.service.say = lambda message: say(message) or ("answer" in message and answered.set())
    trainer.say(id=1, do="read", voltages=LARGE)
    assert answered.wait(60)
    monkeypatch.setattr(service, "MISSED", missed)
    trainer.thread.join(60)  # nothing is read, and no beat is sent
    assert trainer.status == 0
    assert chip.made_safe == 1
    assert len(next(line for line in trainer.answers if b'"answer"' in line)) > 65_536  # the size of a pipe: pipe(7)


@pytest.mark.fault("V15")
@pytest.mark.parametrize("size", [65_537, LONGEST_LINE - 16])
def test_who_sends_something_does_not_wait_for_who_reads(size):
    reading, writing = os.pipe()
    sender = Sender(os.fdopen(writing, "wb", 0))
    sender.send({"text": "x" * size})
    sender.send({"beat": 1})
    assert sender.behind
    with os.fdopen(reading, "rb") as pipe:
        assert from_line(pipe.readline(LONGEST_LINE)) == {"text": "x" * size}
        assert from_line(pipe.readline(LONGEST_LINE)) == {"beat": 1}
        sender.finish(60)
        assert pipe.read() == b""


@pytest.mark.fault("H5")
def test_a_trainer_that_has_closed_its_pipe_is_gone_at_the_next_word_to_it():
    reading, writing = os.pipe()
    os.close(reading)
    guard = Service(io.BytesIO(), os.fdopen(writing, "wb", 0))
    guard.say({"beat": 1})
    guard._sender.finish(60)
    assert guard.stop.cause == "the trainer is gone: the pipe to it is closed"


@pytest.mark.fault("O1")
@pytest.mark.skipif(os.name == "nt", reason="signals differ on Windows")
@pytest.mark.parametrize(("name", "pressed"), [("SIGTERM", True), ("SIGINT", True), ("SIGHUP", False)])
def test_every_signal_that_asks_a_process_to_end_stops_and_wakes_whoever_waits(monkeypatch, name, pressed):
    """SIGHUP is a terminal that closed: nobody is there to wait."""
    heeded = {}
    monkeypatch.setattr(service.signal, "signal", heeded.__setitem__)
    it = Service(io.BytesIO(), io.BytesIO())
    it.heed_signals()
    assert {signal.Signals(each).name for each in heeded} == {"SIGTERM", "SIGINT", "SIGHUP"}
    heeded[getattr(signal, name)](getattr(signal, name), None)
    assert (it.stop.cause, it.stop.pressed) == (f"the guard received {name}", pressed)
    assert (it._inbox.get(timeout=PATIENT_S), it._replies.get(timeout=PATIENT_S)) == (None, None)


@pytest.mark.parametrize("pressed", [True, False])
def test_a_stop_hurries_the_guard_if_a_person_asked_for_it(pressed):
    said = to_line({"stop": "enough", "pressed": pressed})
    guard = SimpleNamespace(_requests=io.BytesIO(said), stop=StopFlag(), _wake=lambda: None)
    Service._listen(guard)
    assert (guard.stop.cause, guard.stop.pressed) == ("enough", pressed)


def test_a_pipe_that_takes_a_few_bytes_at_a_time_gets_the_whole_message():
    taken = bytearray()

    def write(left):
        taken.extend(left[:3])
        return len(left[:3])

    sender = Sender(SimpleNamespace(write=write, close=lambda: None))
    sender.send({"id": 1, "answer": [0.5] * 4})
    sender.finish(PATIENT_S)
    assert from_line(bytes(taken)) == {"id": 1, "answer": [0.5] * 4}


@pytest.mark.fault("V22")
def test_a_message_that_is_too_long_is_refused_before_any_of_it_is_sent(trainer, chip):
    with pytest.raises(DataError, match=rf"has {LONGEST_LINE + 1} bytes, {LONGEST_LINE} is the most: read fewer"):
        to_line({"text": "x" * (LONGEST_LINE - 11)})
    trainer.say(id=1, do="check", amplitude_v=2.0, width_s=0.05)
    assert trainer.hear("answer") == {"id": 1, "answer": None}


@pytest.fixture
def mute(chip, journal, monkeypatch):
    """A trainer of a guard whose chip is never safe, and whose clock goes on by a second with each look at it."""
    monkeypatch.setattr(service, "RETRY_S", 0.0)
    chip.unsafe = "look at smu.a"
    times = itertools.count()
    made = Trainer(chip, journal, clock=lambda: float(next(times)))
    made.say(hello={})
    made.hear("ready")
    yield made
    made.close()


@pytest.mark.fault("I11", "V15", "V22")
def test_a_bench_that_never_becomes_safe_is_tried_for_a_minute_and_the_person_told_once_and_first(mute, chip):
    mute.say(id=1, do="end", cause="done")
    assert mute.hear("unsafe", "ended") == {"unsafe": "look at smu.a"}
    assert mute.hear("unsafe", "ended")["ended"] == {
        "cause": "tried again: done",
        "confirmed": False,
        "failures": ["look at smu.a"],
        "work": {},
    }
    mute.thread.join()
    assert mute.status == 1  # of the process
    assert 55 <= chip.made_safe <= 61  # by the clock: a second a try, sixty of them


@pytest.mark.fault("I11", "V15")
def test_the_person_is_told_which_instrument_does_not_answer_while_the_bench_is_being_made_safe(
    trainer, chip, monkeypatch
):
    heard, safe = threading.Event(), chip.make_safe
    monkeypatch.setattr(chip, "make_safe", lambda: heard.wait(60) and safe())
    say_silence(trainer.service.tell, "smu", 1.04)
    trainer.say(id=1, do="end", cause="done")
    told = "instrument smu has not answered for 1.0 s: look at it; everything is being made safe"
    assert trainer.hear("tell", "ended") == {"tell": told}
    say_silence(trainer.service.tell, "smu", None)
    assert trainer.hear("tell", "ended") == {"tell": "instrument smu answers again"}
    heard.set()
    assert trainer.ended()["confirmed"]


@pytest.mark.fault("O1", "V15")
def test_who_presses_ctrl_c_while_a_bench_does_not_become_safe_need_not_wait(mute, chip, monkeypatch):
    monkeypatch.setattr(service, "RETRY_S", 60.0)
    mute.say(id=1, do="end", cause="done")
    mute.hear("unsafe")
    assert mute.service.stop.patience() == 1.0
    mute.say(stop="Ctrl-C was pressed", pressed=True)
    assert not mute.ended()["confirmed"]
    assert mute.service.stop.patience() == 0.0
    assert chip.made_safe == 1


@pytest.mark.fault("O1")
def test_ctrl_c_again_and_again_leaves_an_instrument_its_time_as_long_as_nothing_is_known_to_be_unsafe():
    stop = StopFlag()
    for _ in range(3):
        stop.press("Ctrl-C was pressed")
    assert stop.patience() == 0.25
    stop.set("the trainer is gone")
    assert stop.cause == "Ctrl-C was pressed"


@pytest.mark.parametrize(("behind", "beats"), [(False, 2), (True, 0)])
def test_no_beat_is_put_behind_what_nobody_reads(behind, beats):
    looks, said = [False, False, True], []
    over, sender = SimpleNamespace(wait=lambda seconds: looks.pop(0)), SimpleNamespace(behind=behind)
    last = time.monotonic()
    Service._beat(SimpleNamespace(_over=over, _sender=sender, say=said.append, _beat_s=60.0, _last_beat=last))
    assert said == [{"beat": 1}] * beats


@pytest.mark.fault("H11")
@pytest.mark.parametrize(
    ("looks", "gone"), [((1, 2, 3), False), ((1, 2, 3, 4), True), ((1, 90, 91, 92, 93), False), ((1, 90, 91, 94), True)]
)
def test_a_trainer_is_missed_after_three_and_a_half_beats_that_the_guard_was_awake_for(monkeypatch, looks, gone):
    now, left = [0.0], [*looks, None]

    def wait(seconds):
        now[0] = left.pop(0)
        return now[0] is None

    monkeypatch.setattr(service, "time", SimpleNamespace(monotonic=lambda: now[0]))
    stop, sender = StopFlag(), SimpleNamespace(behind=True)
    guard = SimpleNamespace(_over=SimpleNamespace(wait=wait), _sender=sender, _beat_s=1.0, _last_beat=0.0, stop=stop)
    guard._wake = lambda: None
    Service._beat(guard)
    assert stop.wanted() == gone


@pytest.mark.fault("O7")
@pytest.mark.parametrize("gone", [False, True])
def test_a_question_is_answered_by_its_own_answer_and_nobody_is_asked_who_is_gone(fresh, gone, monkeypatch):
    service, asked = fresh.service, []
    service._replies.put("to another question")
    monkeypatch.setattr(service, "say", lambda message: (asked.append(message), service._replies.put("its own")))
    service._nobody = gone
    if gone:
        with pytest.raises(Stopped):
            service.ask("is it off?")
        assert asked == []
    else:
        assert service.ask("is it off?") == "its own"


@pytest.mark.fault("H5")
def test_a_trainer_that_beats_is_not_taken_for_gone(clock, beating, chip):
    trainer = beating(BEAT_S)
    for number in range(4):
        trainer.say(beat=1)
        trainer.say(id=number, do="check", amplitude_v=2.0, width_s=0.05)
        trainer.hear("answer")  # so the beat was heard
        clock.now_s += 3 * BEAT_S
        for _ in range(2):  # one of them after a look at that time
            trainer.hear("beat")
    assert not trainer.service.stop.wanted()
    assert chip.made_safe == 0


@pytest.mark.fault("O1")
def test_a_stop_is_heeded_between_two_operations(trainer, chip):
    trainer.say(stop="Ctrl-C was pressed")
    assert trainer.ended()["cause"] == "Ctrl-C was pressed"
    assert chip.sent == []


@pytest.mark.fault("H7")
@pytest.mark.parametrize("junk", [b"\x00\xff\n", b"[1, 2]\n", b"{\n"])
def test_rubbish_on_the_pipe_ends_the_guard_safely(trainer, chip, junk):
    trainer.requests.write(junk)
    assert "pipe" in trainer.ended()["cause"]
    assert chip.made_safe == 1


@pytest.mark.fault("H7")
def test_an_exception_of_the_guard_itself_makes_the_bench_safe(trainer, chip):
    trainer.say(id=1, do="read", voltages="nonsense")
    assert trainer.hear("error")["error"]["type"] == "ValueError"
    trainer.requests.close()  # a guard that went on would now end for another reason
    report = trainer.ended()
    assert report["confirmed"]
    assert report["cause"].startswith("the guard failed: ValueError")
    assert chip.made_safe == 1


def test_a_guard_that_cannot_open_the_bench_says_why_and_ends(fresh):
    fresh.say(hello={"fail": True})
    assert str(error_from_message(fresh.hear("failed")["failed"])) == "nothing was opened"
    assert fresh.answers.readline() == b""  # all was said, and heard, before the process ends
    fresh.thread.join(60)
    assert fresh.status == 1


def test_no_thread_keeps_a_guard_that_has_opened_nothing_from_ending(monkeypatch):
    made = []
    thread = lambda **how: made.append(how.get("daemon")) or SimpleNamespace(start=lambda: None)  # noqa: E731
    monkeypatch.setattr(service.threading, "Thread", thread)
    guard = Service(io.BytesIO(), io.BytesIO())
    guard._inbox.put(None)
    assert guard.run(lambda *_: pytest.fail("something was opened")) == 1
    assert made == [True] * 3


def test_a_person_is_told_once_what_to_look_at_whatever_token_the_words_hold():
    said = []
    told = SimpleNamespace(stop=StopFlag(), _alarmed="", say=said.append)
    for why in (
        "smu.a: no answer to print('0123456789abcdef')",
        "smu.a: no answer to print('f123456789abcde0')",
        "smu.b",
    ):
        Service.alarm(told, why)
    assert [each["unsafe"][:5] for each in said] == ["smu.a", "smu.b"]
    assert told.stop.alarmed


def test_errors_survive_the_pipe_with_their_notes():
    error = LimitError("too much")
    error.add_note("nothing was sent")
    back = error_from_message(from_line(to_line(error_to_message(error))))
    assert (type(back), str(back), back.__notes__) == (LimitError, "too much", ["nothing was sent"])


def test_an_error_of_another_package_becomes_one_of_ours():
    back = error_from_message(error_to_message(ZeroDivisionError("division by zero")))
    assert (type(back), str(back)) == (BackendError, "ZeroDivisionError: division by zero")


def test_a_message_that_is_no_object_is_refused():
    with pytest.raises(GuardError, match="no object"):
        from_line(b"[]\n")


def test_pulses_are_the_same_on_both_sides_of_the_pipe():
    pulse = Pulse(0.1 + 0.2, 1e-7 / 3)
    sent = from_line(to_line({"amplitude_v": pulse.amplitude_v, "width_s": pulse.width_s}))
    assert Pulse(**sent) == pulse


def test_after_a_stop_nothing_that_was_asked_before_is_begun():
    inbox, done = queue.SimpleQueue(), []
    for number in (1, 2, None):
        inbox.put(number and {"id": number, "do": "read"})

    def stop(keeper, request):
        done.append(request["id"])
        raise Stopped("stopped: nobody answered")

    Service._serve(SimpleNamespace(_inbox=inbox, _carry_out=stop, say=lambda message: None, stop=StopFlag()), None)
    assert done == [1]


class Kept:
    """A keeper that notes what it is asked."""

    def __init__(self, confirmed=True):
        self.asked, self.confirmed = [], confirmed

    def __getattr__(self, name):
        def ask(*words):
            self.asked.append((name, *[each.tolist() if isinstance(each, np.ndarray) else each for each in words]))
            if name == "make_safe":
                return SafeReport(words[0], self.confirmed, () if self.confirmed else ("smu.a is on", "A-1 is closed"))
            if name in {"read_currents", "line_conductances"}:
                return np.array([[0.0, np.inf], [1e-6, 0.0]])
            seen = [{"drive": Reading(1e-6, False), "meter": Reading(np.inf, True)}]
            return {"look": [seen], "pulse_on_trial": Train(seen, 1.5, (2, 1))}.get(name)

        return ask


PULSED, INSIDE = {"amplitude_v": 2.0, "width_s": 0.05}, [{"drive": [1e-6, False], "meter": [None, True]}]


@pytest.mark.parametrize(
    ("request_", "asked", "answer"),
    [
        ({"do": "read", "voltages": [[0.1, 0]]}, ("read_currents", [[0.1, 0.0]]), [[0.0, np.inf], [1e-6, 0.0]]),
        ({"do": "pulses", "counts": [[0, 3]], **PULSED}, ("send_pulses", [[0, 3]], Pulse(2.0, 0.05)), None),
        ({"do": "check", **PULSED}, ("check_pulse", Pulse(2.0, 0.05)), None),
        ({"do": "lines", "voltage": 0.1}, ("line_conductances", 0.1), [[0.0, "inf"], [1e-6, 0.0]]),
        (
            {"do": "look", "sights": [[["drive", "open"], [{"drive": 0.1}]]]},
            ("look", [(("drive", "open"), [{"drive": 0.1}])]),
            [INSIDE],
        ),
        (
            {"do": "train", "counts": [[0, 3]], **PULSED},
            ("pulse_on_trial", [[0, 3]], Pulse(2.0, 0.05)),
            {"inside": INSIDE, "clock_s": 1.5, "widths": (2, 1)},
        ),
        ({"do": "safe"}, ("make_safe", "the trainer asked for it"), None),
        ({"do": "record", "began": {"run": "a"}}, ("note_record", {"run": "a"}), None),
    ],
)
def test_every_request_reaches_the_keeper_whole_and_so_does_its_answer_the_trainer(request_, asked, answer):
    keeper = Kept()
    assert Service._carry_out(None, keeper, request_) == answer
    assert keeper.asked == [asked]


def test_what_is_no_request_and_a_bench_that_is_not_safe_are_errors():
    keeper = Kept(confirmed=False)
    for request in ({}, {"do": "reads"}, {"do": "end-all"}):
        with pytest.raises(GuardError, match="is none that a guard knows"):
            Service._carry_out(None, keeper, request)
    assert keeper.asked == []
    assert Service._carry_out(None, keeper, {"do": "end"}) is None
    with pytest.raises(GuardError, match=r"^smu\.a is on; A-1 is closed$"):
        Service._carry_out(None, keeper, {"do": "safe"})
