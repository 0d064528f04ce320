"""The trainer's side of the pipe by itself: whom it takes for hung, and what Ctrl-C does while a bench is made safe."""

import io
import queue
import signal
import subprocess
import sys
import threading
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from crossbar_hil.backend import Limits, Pulse
from crossbar_hil.errors import ConfigError, DataError, GuardError, LimitError
from crossbar_hil.guard import client
from crossbar_hil.guard.client import GuardedBackend, GuardProcess
from crossbar_hil.guard.messages import LONGEST_LINE, MOST_NUMBERS, to_line
from crossbar_hil.instrument import Reading
from crossbar_hil.witness import Train

LIMITS = Limits(0.2, 3.0, 0.1)
SAFE = {"cause": "done", "confirmed": True, "failures": []}
UNSAFE = {"cause": "done", "confirmed": False, "failures": ["look at smu.a"]}


def silent_guard(monkeypatch, looks):
    """Let a trainer look at a guard that last spoke at 0 s, at these moments in seconds; say when it was killed."""
    now, killed, left = [0.0], [], list(looks)

    def wait(seconds):
        now[0] = left.pop(0)
        if not left:
            over.set()

    over = threading.Event()
    process = SimpleNamespace(poll=lambda: None, kill=lambda: killed.append(now[0]))
    sender = SimpleNamespace(behind=False, send=lambda message: None)
    monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: now[0]))
    wake = SimpleNamespace(wait=wait, clear=lambda: None)
    guard = SimpleNamespace(_over=over, _wake=wake, _heard=0.0, _longest_s=5.0, _process=process, _sender=sender)
    guard._send = sender.send
    GuardProcess._beat(guard)
    return killed


@pytest.mark.fault("H7", "V15")
def test_a_guard_that_says_nothing_for_five_seconds_is_killed(monkeypatch):
    assert silent_guard(monkeypatch, range(1, 6)) == []
    assert silent_guard(monkeypatch, range(1, 7)) == [6]


@pytest.mark.fault("H7")
def test_a_trainer_that_was_stopped_itself_does_not_take_the_guard_for_hung(monkeypatch):
    assert silent_guard(monkeypatch, [1, 2, 602, 603, 604, 605, 606, 607]) == []
    assert silent_guard(monkeypatch, [1, 2, 602, 603, 604, 605, 606, 607, 608]) == [608]  # six seconds after that


@pytest.mark.parametrize(("behind", "beats"), [(False, 2), (True, 0)])
def test_a_stop_is_told_once_and_no_beat_is_put_behind_what_is_not_read(behind, beats):
    looks, asked, over, sent = [], [True], threading.Event(), []

    def wait(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            over.set()
        return bool(asked)

    guard = SimpleNamespace(
        _over=over,
        _wake=SimpleNamespace(wait=wait, clear=asked.clear),
        _heard=float("inf"),
        _longest_s=5.0,
        _sender=SimpleNamespace(behind=behind),
        _send=sent.append,
        _stop_cause="enough",
    )
    GuardProcess._beat(guard)
    assert sent == [{"stop": "enough", "pressed": True}, *[{"beat": 1}] * beats]


@pytest.mark.parametrize(("patterns", "shape", "most"), [(100_001, (4, 4), 100_000), (50_001, (4, 8), 50_000)])
def test_more_patterns_than_an_answer_holds_are_refused_before_any_is_read(patterns, shape, most):
    backend = GuardedBackend.__new__(GuardedBackend)
    backend.shape, backend.limits = shape, LIMITS
    with pytest.raises(DataError, match=f"{patterns} patterns at once are too many: read {most} at a time at most"):
        backend.read_currents(np.zeros((patterns, shape[0])))
    one, two = (len(to_line({"id": 10**9, "answer": [[-1.2345678901234567e-105] * 400] * rows})) for rows in (1, 2))
    assert one + (MOST_NUMBERS // 400 - 1) * (two - one) < LONGEST_LINE  # each further row takes as much


def test_an_answer_that_comes_late_is_not_taken_for_the_one_that_is_due():
    inbox = queue.SimpleQueue()
    for number, answer in ((1, "late"), (2, "due")):
        inbox.put({"id": number, "answer": answer})
    assert GuardProcess._until(SimpleNamespace(_inbox=inbox), "answer", "error", number=2)["answer"] == "due"


@pytest.mark.parametrize(
    ("started", "last", "rescued"),
    [(True, {"answer": 1}, True), (True, {"ended": SAFE}, False), (False, {"failed": {}}, False)],
)
def test_a_guard_that_had_opened_a_bench_and_is_gone_without_its_last_word_is_followed_by_another(
    started, last, rescued
):
    lost = []
    guard = SimpleNamespace(
        _answers=io.BytesIO(to_line({"beat": 1}) + to_line(last)),
        _inbox=queue.SimpleQueue(),
        _started=started,
        _on_lost=lost.append,
        how_it_ended=lambda: "killed",
        ended=None,
    )
    GuardProcess._listen(guard)
    assert lost == ["killed"] * rescued
    assert [guard._inbox.get_nowait(), guard._inbox.get_nowait()] == [last, None]
    assert guard._longest_s == client.SILENCE_S  # it has spoken, so it need not be started any more


def test_everybody_who_asks_a_guard_that_is_gone_is_told():
    guard = SimpleNamespace(_inbox=queue.SimpleQueue(), _gone=lambda: GuardError("killed"))
    guard._inbox.put(None)  # the end of the pipe, which comes once
    for _ in range(2):
        with pytest.raises(GuardError, match="killed"):
            GuardProcess._until(guard, "answer")
        assert guard._inbox.qsize() == 1


def test_who_asks_while_another_thread_waits_for_its_answer_is_answered_after_it():
    asked, turns = [], threading.Lock()
    guard = SimpleNamespace(_numbers=iter((1, 2)), _one_call=turns, _send=asked.append)

    def until(*keys, number):
        assert [each["id"] for each in asked] == [*range(1, number + 1)]
        assert turns.locked()
        return {"answer": number}

    guard._until = until
    assert [GuardProcess.call(guard, do="read") for _ in range(2)] == [1, 2]
    assert not turns.locked()


@pytest.mark.parametrize(
    ("how", "said"),
    [({}, {"id": 0, "do": "end", "cause": "done"}), ({"at_once": True}, {"stop": "done"})],
)
def test_what_a_guard_asks_and_tells_while_it_makes_the_bench_safe_reaches_the_person(capsys, how, said):
    done, looks = [], iter([None] * 9)
    guard = SimpleNamespace(
        _inbox=queue.SimpleQueue(),
        _process=SimpleNamespace(poll=lambda: next(looks, 0)),
        _send=done.append,
        _let_go=lambda: done.append("let go"),
        how_it_ended=lambda: "killed",
        ended=None,
    )

    def put_to_person(question):
        done.append(question)
        guard.ended = SAFE
        guard._inbox.put({"ended": SAFE})

    guard._put_to_person, guard._until = put_to_person, partial(GuardProcess._until, guard)
    for message in ({"tell": "opening"}, {"unsafe": "look at smu"}, {"id": 3, "answer": 1}, {"ask": "all off?"}):
        guard._inbox.put(message)
    assert GuardProcess.end(guard, "done", **how) == SAFE
    assert done == [said, "all off?", "let go"]
    assert capsys.readouterr().err == "opening\nthe bench may not be safe: look at smu\n"
    assert guard._started is False
    del done[:]
    assert GuardProcess.end(guard, "again") == SAFE  # which is over
    assert done == ["let go"]
    guard.ended = None
    guard._inbox.put(None)
    guard._gone = lambda: GuardError("gone")
    assert GuardProcess.end(guard, "done") == {"cause": "done", "confirmed": False, "failures": ["killed"]}


def test_what_one_guard_left_is_made_safe_by_one_other_whoever_asks_for_it(monkeypatch):
    started, backend = [], GuardedBackend.__new__(GuardedBackend)
    backend._hello, backend._rescuing, backend.safe_report = "hello", threading.Lock(), None

    def second(hello, *, rescue):
        started.append((hello, rescue))
        return SimpleNamespace(end=lambda how: SAFE | {"cause": how})

    monkeypatch.setattr(client, "GuardProcess", second)
    for how in ("killed", "the trainer leaves"):  # by the thread that listens, then by the one that works
        backend._rescue(how)
    assert started == [("hello", True)]
    assert backend.safe_report == SAFE | {"cause": "killed"}


def test_what_lies_where_a_guard_is_started_is_no_module_of_it(monkeypatch, tmp_path):
    real = subprocess.Popen

    def start(words, **how):
        assert words[-2:] == ["-m", "crossbar_hil.guard"]
        with real([*words[:-2], "-S", "-E", "-c", "import planted"], stderr=subprocess.PIPE) as program:
            assert b"No module named 'planted'" in program.communicate()[1]
        raise OSError("no second time")

    (tmp_path / "planted.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(client.subprocess, "Popen", start)
    with pytest.raises(OSError, match="no second time"):
        GuardProcess(client.Hello(bench=tmp_path, journal=tmp_path, resume=False))


GUARD = """
import json, sys
for line in sys.stdin:
    if json.loads(line).get("pressed"):
        print(json.dumps({"ended": REPORT}), flush=True)
        break
"""


@pytest.mark.fault("O1", "V7")
@pytest.mark.parametrize("report", [SAFE, UNSAFE], ids=["safe", "unsafe"])
def test_ctrl_c_while_a_guard_is_started_has_it_make_the_bench_safe_first(monkeypatch, tmp_path, capsys, report):
    program = GUARD.replace("REPORT", repr(report))
    start, until, processes = subprocess.Popen, GuardProcess._until, []

    def start_other(words, **how):
        processes.append(start([sys.executable, "-S", "-E", "-c", program], **how))
        return processes[0]

    def interrupted(self, *keys, number=None):
        monkeypatch.setattr(GuardProcess, "_until", until)
        raise KeyboardInterrupt

    monkeypatch.setattr(client.subprocess, "Popen", start_other)
    monkeypatch.setattr(GuardProcess, "_until", interrupted)
    with pytest.raises(KeyboardInterrupt):
        GuardProcess(client.Hello(bench=tmp_path, journal=tmp_path, resume=False))
    assert processes[0].poll() == 0
    assert ("may not be safe: look at smu.a" in capsys.readouterr().err) is (report is UNSAFE)


@pytest.mark.fault("O1")
@pytest.mark.parametrize("error", [ConfigError("the emulated bench ended"), KeyboardInterrupt()])
def test_a_guard_whose_emulated_instruments_do_not_come_is_told_nothing_and_ends(monkeypatch, tmp_path, error):
    program = "import sys\nheard = sys.stdin.read()\nsys.exit(3 if 'hello' in heard else 1)"
    start, processes = subprocess.Popen, []

    def start_other(words, **how):
        processes.append(start([sys.executable, "-S", "-E", "-c", program], **how))
        return processes[0]

    def resources():
        raise error

    monkeypatch.setattr(client.subprocess, "Popen", start_other)
    with pytest.raises(type(error)):
        GuardProcess(client.Hello(bench=tmp_path, journal=tmp_path, resume=False, resources=resources))
    assert processes[0].poll() == 1


@pytest.mark.fault("F7")
@pytest.mark.parametrize("voltage_v", [0.0, 0.3, -0.3])
def test_lines_are_measured_within_the_limit_of_reads_or_no_guard_is_asked(voltage_v):
    backend = GuardedBackend.__new__(GuardedBackend)
    backend.limits, backend._call = LIMITS, lambda **request: pytest.fail(f"{request} was sent")
    with pytest.raises(LimitError, match=r"above zero and within 0\.2 V"):
        backend.line_conductances(voltage_v)


def session(report, at_the_end=lambda: None):
    """A backend whose guard ends with a report, after something has happened, and the stops that it was asked for."""
    stops = []

    def end(cause, at_once):
        at_the_end()
        guard.ended = report
        return report

    guard = SimpleNamespace(ended=None, end=end, request_stop=stops.append)
    backend = GuardedBackend.__new__(GuardedBackend)
    backend._guard, backend.safe_report, backend.owned = guard, None, None
    return backend, stops


def press_twice():
    for _ in range(2):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.fault("O1", "V7")
def test_ctrl_c_while_the_bench_is_made_safe_cuts_nothing_short_the_guard_hears_of_each_and_it_ends_what_follows(capfd):
    backend, stops = session(SAFE, press_twice)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), backend:
        pass
    assert backend.safe_report == SAFE
    assert stops == ["Ctrl-C was pressed"] * 2
    assert capfd.readouterr().err.strip() == (  # once, however often it is pressed
        "Ctrl-C was heard: the bench is made safe first, a matter of seconds, which nothing cuts short"
    )
    assert signal.getsignal(signal.SIGINT) is before  # and in what comes after it ends the program again


@pytest.mark.fault("H8", "V6")
def test_a_session_whose_bench_may_not_be_safe_does_not_end_well():
    backend, _ = session(UNSAFE)
    with pytest.raises(GuardError, match=r"the bench may not be safe: look at smu\.a"), backend:
        pass
    backend, _ = session(UNSAFE)
    with pytest.raises(ZeroDivisionError) as caught, backend:
        1 // 0  # noqa: B018
    assert caught.value.__notes__ == ["the bench may not be safe: look at smu.a"]


@pytest.mark.fault("H8", "V6")
@pytest.mark.parametrize("notes", [[], ["the bench may not be safe: look at smu.a"], ["a cell was shorted"]])
def test_a_bench_that_was_not_safe_at_first_and_is_now_is_told_to_be(notes):
    backend, _ = session(SAFE)
    error = ZeroDivisionError()
    error.__notes__ = list(notes)
    with pytest.raises(ZeroDivisionError), backend:
        raise error
    now = ["the bench is safe now: outputs are off and relays open"] if "may not be safe" in str(notes) else []
    assert error.__notes__ == notes + now


FAILED = {"cause": "how", "confirmed": False, "failures": ["the second guard failed: no room"]}


@pytest.mark.parametrize(
    ("error", "cause", "at_once", "stops"),
    [
        (None, "the session ended", False, []),
        (ValueError("no"), "ValueError: no", True, []),
        (KeyboardInterrupt(), "KeyboardInterrupt: ", True, ["Ctrl-C was pressed"]),
    ],
)
@pytest.mark.parametrize("gone", [False, True])
def test_how_a_session_is_left_is_told_to_its_guard_and_to_a_second_one_if_that_is_gone(
    monkeypatch, error, cause, at_once, stops, gone
):
    backend, stopped = session(SAFE)
    told, closed, guard = [], [], backend._guard
    backend.owned = SimpleNamespace(close=lambda: closed.append(len(told)))
    backend._hello, backend._rescuing = "hello", threading.Lock()

    def end(cause, at_once):
        told.append((cause, at_once))
        guard.ended = None if gone else SAFE
        return {"failures": ["killed"]} if gone else SAFE

    def second(hello, *, rescue):
        assert (hello, rescue) == ("hello", True)
        return SimpleNamespace(end=lambda how: told.append(how) or SAFE)

    guard.end = end
    monkeypatch.setattr(client, "GuardProcess", second)
    if error is None:
        with backend:
            pass
    else:
        with pytest.raises(type(error)) as caught, backend:
            raise error
        assert caught.value is error
    assert told == [(cause, at_once), *["killed"] * gone]
    assert stopped == stops
    assert closed == [len(told)]  # emulated instruments end last
    assert backend.safe_report == SAFE


def test_a_second_guard_that_fails_too_is_told_and_none_follows(monkeypatch):
    backend, _ = session(SAFE)
    backend._hello, backend._rescuing = "hello", threading.Lock()

    def second(hello, *, rescue):
        raise OSError("no room")

    monkeypatch.setattr(client, "GuardProcess", second)
    backend._rescue("how")
    assert backend.safe_report == FAILED
    monkeypatch.setattr(client, "GuardProcess", pytest.fail)
    backend._rescue("again")
    assert backend.safe_report == FAILED


PULSE, COUNTS = Pulse(2.0, 0.05), np.array([[0, 1], [2, 0]])
SHOWN = [{"drive": [1e-6, False], "meter": [None, True]}]
READINGS = [{"drive": Reading(1e-6, False), "meter": Reading(float("inf"), True)}]
PULSED = {"amplitude_v": 2.0, "width_s": 0.05}


@pytest.mark.parametrize(
    ("ask", "said", "answer", "returned"),
    [
        (
            lambda b: b._read_currents(np.array([[0.1, 0.0]])).tolist(),
            {"do": "read", "voltages": [[0.1, 0.0]]},
            [[1e-6, 2e-6]],
            [[1e-6, 2e-6]],
        ),
        (
            lambda b: b._send_pulses(COUNTS, PULSE),
            {"do": "pulses", "counts": [[0, 1], [2, 0]], **PULSED},
            None,
            None,
        ),
        (lambda b: [b._check_pulse(PULSE) for _ in range(2)], {"do": "check", **PULSED}, None, [None, None]),
        (
            lambda b: b.line_conductances(-0.1).tolist(),
            {"do": "lines", "voltage": -0.1},
            [[0.0, "inf"], [1e-6, 0.0]],
            [[0.0, float("inf")], [1e-6, 0.0]],
        ),
        (
            lambda b: b.look([(("drive", "open"), [{"drive": 0.1}])]),
            {"do": "look", "sights": [[["drive", "open"], [{"drive": 0.1}]]]},
            [SHOWN],
            [READINGS],
        ),
        (
            lambda b: b.pulse_on_trial(COUNTS, PULSE),
            {"do": "train", "counts": [[0, 1], [2, 0]], **PULSED},
            {"inside": SHOWN, "clock_s": 1.5, "widths": [2, 1]},
            Train(READINGS, 1.5, (2, 1)),
        ),
        (lambda b: b.note_record({"run": "a"}), {"do": "record", "began": {"run": "a"}}, None, None),
        (lambda b: b.make_safe(), {"do": "safe"}, None, None),
    ],
)
def test_every_request_says_once_all_that_was_asked_and_its_answer_comes_back_whole(ask, said, answer, returned):
    asked, backend = [], GuardedBackend.__new__(GuardedBackend)
    backend.shape, backend.limits, backend._accepted_pulse, backend.safe_report = (2, 2), LIMITS, None, None
    backend._call = lambda **request: asked.append(request) or answer
    assert ask(backend) == returned
    assert asked == [said]


def test_nothing_is_asked_of_a_bench_that_is_safe_already():
    backend = GuardedBackend.__new__(GuardedBackend)
    backend.safe_report, backend._call = SAFE, lambda **request: pytest.fail(f"{request} was sent")
    backend.make_safe()


@pytest.mark.parametrize(
    ("ended", "known", "told", "report"),
    [
        (SAFE, None, "stopped", SAFE),  # which is not asked again
        (SAFE, UNSAFE, "stopped", SAFE),
        (None, UNSAFE, "stopped; a second guard was started: the bench may not be safe: look at smu.a", UNSAFE),
        (None, None, "stopped", None),
    ],
)
def test_who_asks_a_guard_that_is_gone_hears_how_the_bench_is(ended, known, told, report):
    def call(**_):
        raise GuardError("stopped")

    backend = GuardedBackend.__new__(GuardedBackend)
    backend._guard, backend.safe_report = SimpleNamespace(call=call, ended=ended), known
    with pytest.raises(GuardError) as caught:
        backend._call(do="safe")
    assert str(caught.value) == told
    assert backend.safe_report == report
