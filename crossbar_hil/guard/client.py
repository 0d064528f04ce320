"""The trainer's side of the pipe: a backend without address or session, in front of a guard process that has both."""

import contextlib
import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedReader, RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.backend import DeviceBackend, Limits, Pulse
from crossbar_hil.bench.instruments import write_to_stderr
from crossbar_hil.errors import DataError, GuardError, LimitError, Stopped
from crossbar_hil.guard.messages import (
    LONGEST_LINE,
    MOST_NUMBERS,
    Sender,
    error_from_message,
    from_line,
    reading_from_json,
)
from crossbar_hil.guard.service import BEAT_S
from crossbar_hil.witness import Sights, Train, Volts

UNSAFE = "the bench may not be safe"
SILENCE_S = 5.0
"""A guard that has said nothing for so long is hung: it is killed, and a rescue guard makes the bench safe."""
START_S = 60.0
"""One that has never said anything may take so long: it has opened nothing, and a busy machine starts it slowly."""
HEARD = b"\nCtrl-C was heard: the bench is made safe first, a matter of seconds, which nothing cuts short\n"
"""What whoever presses it then is told."""


@dataclass(frozen=True)
class Hello:
    """What a guard is told once, before anything is opened; JSON values only."""

    bench: Path
    """The resolved bench file."""
    journal: Path
    resume: bool
    resources: Mapping[str, str] | Callable[[], Mapping[str, str]] | None = None
    """VISA resources of emulated instruments, or what waits for them; the bench file's own if not given."""
    header: Mapping[str, Any] = field(default_factory=dict)
    """First entry of a new journal."""
    ledger: Path | None = None
    """What the chip has received in all runs."""
    keep_open: tuple[int, ...] = ()
    """File descriptors that must stay open as long as the guard lives."""
    allow_loopback: bool = False
    """Whether real instruments may be on this machine; see `crossbar_hil.owners.addresses`."""
    on_trial: bool = False
    """Whether the bench holds no chip and may leave lines open."""
    accept_change: bool = False
    """Whether a chip that reads otherwise than a resumed run left it is gone on with."""

    def message(self, *, rescue: bool = False) -> dict[str, Any]:
        """Return it as a message, once emulated instruments are there."""
        told = {name: str(value) if isinstance(value, Path) else value for name, value in vars(self).items()}
        told["resources"] = self.resources() if callable(self.resources) else self.resources
        return {"hello": {**told, "rescue": rescue}}


class GuardProcess:
    """A guard process and the pipe to it.

    Parameters
    ----------
    hello : Hello
        What to open.
    on_lost : callable, optional
        Called, in a thread of its own, when the guard is gone without having made the bench safe.
    rescue : bool
        Whether the guard shall only make the bench safe.

    Raises
    ------
    CrossbarError
        If the guard could not open the bench; it says why.
    """

    def __init__(self, hello: Hello, *, on_lost: Callable[[str], None] = lambda _: None, rescue: bool = False) -> None:
        self._on_lost = on_lost
        self._process = subprocess.Popen(  # -P keeps the working directory off the path on which modules are found
            [sys.executable, "-P", "-m", "crossbar_hil.guard"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            pass_fds=hello.keep_open,
            bufsize=0,
        )
        self._sender = Sender(cast("RawIOBase", self._process.stdin))
        self._answers = BufferedReader(cast("RawIOBase", self._process.stdout))
        self._inbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._one_call = threading.Lock()
        self._stop_cause = ""
        self._wake = threading.Event()
        self._over = threading.Event()
        self._heard = time.monotonic()
        self._longest_s = START_S
        self._started = False
        self._killed = ""
        self.ended: dict[str, Any] | None = None
        """How the guard made the bench safe at its end: cause, confirmed, failures; None before."""
        self._listener = threading.Thread(target=self._listen, name="guard's answers", daemon=True)
        self._listener.start()
        threading.Thread(target=self._beat, name="beats", daemon=True).start()
        try:
            greeting = hello.message(rescue=rescue)  # emulated instruments start beside the guard
        except BaseException:
            self._let_go()
            raise
        self._send(greeting)
        try:
            message = self._until("ready", "failed", "ended")
        except KeyboardInterrupt:  # it may have opened the bench by now, which it is to leave safe
            with _stopping_at_interrupts(self.request_stop):
                self.request_stop("Ctrl-C was pressed")
                report = self.end("Ctrl-C was pressed", at_once=True)
            if self.ended is not None and not report["confirmed"]:
                write_to_stderr(describe_safe_report(report))
            raise
        if "failed" in message:
            self._let_go()
            raise error_from_message(message["failed"])
        self._started = not rescue
        self.ready: dict[str, Any] = message.get("ready", {})

    @property
    def pid(self) -> int:
        """Process number of the guard."""
        return self._process.pid

    def call(self, **request: Any) -> Any:
        """Ask for something and return the answer; threads that ask at the same time are answered one by one.

        Raises
        ------
        CrossbarError
            What the guard answered instead.
        Stopped
            If the guard has ended by itself.
        GuardError
            If the guard is gone without a word.
        """
        with self._one_call:
            number = next(self._numbers)
            self._send({"id": number, **request})
            message = self._until("answer", "error", number=number)
        if "error" in message:
            raise error_from_message(message["error"])
        return message["answer"]

    def request_stop(self, cause: str) -> None:
        """Have the guard stop after the operation under way; safe to call in a signal handler."""
        self._stop_cause = cause
        self._wake.set()

    def end(self, cause: str, *, at_once: bool = False) -> dict[str, Any]:
        """End the guard and return how making safe went: cause, confirmed, failures.

        Parameters
        ----------
        cause : str
            Why, for the journal.
        at_once : bool
            Whether an operation that is under way shall be left at the next point where it can be.
        """
        self._started = False
        if self.ended is None:
            self._send({"stop": cause} if at_once else {"id": 0, "do": "end", "cause": cause})
        while self.ended is None and self._process.poll() is None:
            with contextlib.suppress(GuardError):
                self._until("ended")
        self._let_go()
        return self.ended or {"cause": cause, "confirmed": False, "failures": [self.how_it_ended()]}

    def how_it_ended(self) -> str:
        """Say how the process ended."""
        status = self._process.wait()
        if self._killed:
            return self._killed
        if status < 0:
            return f"the guard process was killed by {signal.Signals(-status).name}"
        return f"the guard process ended with status {status}"

    # ------------------------------------------------------------------ inside

    def _let_go(self) -> None:
        """Close the pipe and wait for the process to end; one that does not is killed."""
        self._over.set()
        self._sender.finish(SILENCE_S)
        try:
            self._process.wait(SILENCE_S)
        except subprocess.TimeoutExpired:
            self._killed = self._killed or f"the guard process did not end within {SILENCE_S:g} s and was killed"
            self._process.kill()
            self._process.wait()
        self._listener.join()
        self._answers.close()

    def _send(self, message: dict[str, Any]) -> None:
        self._sender.send(message)  # where nobody reads, whoever waits for an answer finds out

    def _until(self, *keys: str, number: int | None = None) -> dict[str, Any]:
        """Return the next message that has one of the keys, and the number if one is given."""
        while True:
            message = self._inbox.get()
            if message is None:
                self._inbox.put(None)  # for whoever asks next
                raise self._gone()
            if "ask" in message:
                self._put_to_person(message["ask"])
            elif "tell" in message:
                write_to_stderr(message["tell"])
            elif "unsafe" in message:
                write_to_stderr(in_words(message["unsafe"]))
            elif any(key in message for key in keys) and (number is None or message.get("id") == number):
                return message

    def _put_to_person(self, question: str) -> None:
        """Ask, and send the answer; Ctrl-C ends the question at once, and asks for a stop."""
        answer, cause = None, ""
        try:
            with _interruptible():
                sys.stderr.write(question)  # standard output may be JSON
                sys.stderr.flush()
                answer = input()
        except KeyboardInterrupt:
            cause = "Ctrl-C was pressed"
        except EOFError:
            cause = "the input ended at a question"
        self._send({"reply": answer, "cause": cause})

    def _gone(self) -> GuardError:
        if self.ended is None:
            return GuardError(self.how_it_ended())
        return Stopped(f"the guard stopped because {self.ended['cause']}; {describe_safe_report(self.ended)}")

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError, GuardError):
            while line := self._answers.readline(LONGEST_LINE):
                self._heard, self._longest_s = time.monotonic(), SILENCE_S
                message = from_line(line)
                if "beat" in message:
                    continue
                if "ended" in message:
                    self.ended = message["ended"]
                self._inbox.put(message)
        if self._started and self.ended is None:
            self._on_lost(self.how_it_ended())
        self._inbox.put(None)

    def _beat(self) -> None:
        before = time.monotonic()
        while not self._over.is_set():
            if self._wake.wait(BEAT_S):
                self._wake.clear()
                self._send({"stop": self._stop_cause, "pressed": True})
            now = time.monotonic()
            if now - before > SILENCE_S / 2:
                self._heard = now  # this process was stopped itself, which says nothing of the guard
            before = now
            if not self._sender.behind:
                self._send({"beat": 1})
            if now - self._heard > self._longest_s and self._process.poll() is None:
                # A guard that hangs must not wake up later and go on; a dead one can be followed by another.
                self._killed = f"the guard process said nothing for {now - self._heard:.1f} s and was killed"
                self._process.kill()


def describe_safe_report(report: Mapping[str, Any]) -> str:
    """Say in words how making safe went."""
    if report["confirmed"]:
        return "outputs are off and relays open"
    return in_words("; ".join(report["failures"]))


def in_words(why: str) -> str:
    """Say that the bench may not be safe."""
    return f"{UNSAFE}: {why.removeprefix(f'{UNSAFE}: ')}"


class GuardedBackend(DeviceBackend):
    """A chip whose instruments belong to a guard process, which opens what it is told by a `Hello`."""

    def __init__(self, hello: Hello) -> None:
        self._hello = hello
        self.safe_report: dict[str, Any] | None = None
        """How the bench was made safe at the end: cause, confirmed, failures, work that was done until then; None
        while a guard keeps it."""
        self._rescuing = threading.Lock()
        self._guard = GuardProcess(hello, on_lost=self._rescue)
        self._accepted_pulse: Pulse | None = None
        ready = self._guard.ready
        self.kind = ready["kind"]
        self.shape = (int(ready["shape"][0]), int(ready["shape"][1]))
        self.limits = Limits(**ready["limits"])

    @property
    def guard_pid(self) -> int:
        """Process number of the guard."""
        return self._guard.pid

    @property
    def folder(self) -> Path:
        """Folder of the journal of this session."""
        return self._hello.journal.parent

    def _read_currents(self, voltages: FloatArray) -> FloatArray:
        many = len(voltages) * max(self.shape)
        if many > MOST_NUMBERS:  # said before hours of reading, whose answer would be too long
            most = MOST_NUMBERS // max(self.shape)
            raise DataError(f"{len(voltages)} patterns at once are too many: read {most} at a time at most")
        return np.array(self._call(do="read", voltages=voltages.tolist()), dtype=np.float64)

    def _send_pulses(self, counts: IntArray, pulse: Pulse) -> None:
        self._call(do="pulses", counts=counts.tolist(), amplitude_v=pulse.amplitude_v, width_s=pulse.width_s)

    def _check_pulse(self, pulse: Pulse) -> None:
        super()._check_pulse(pulse)
        if pulse != self._accepted_pulse:
            self._call(do="check", amplitude_v=pulse.amplitude_v, width_s=pulse.width_s)
            self._accepted_pulse = pulse

    def line_conductances(self, voltage_v: float) -> FloatArray:
        """Measure the conductance between every two lines; see the backend behind the guard."""
        if not 0 < abs(voltage_v) <= self.limits.read_v:
            raise LimitError(f"read voltage {voltage_v:g} V must be above zero and within {self.limits.read_v:g} V")
        return np.array(self._call(do="lines", voltage=voltage_v), dtype=np.float64)

    def look(self, sights: Sequence[tuple[Sequence[str], Sequence[Volts]]]) -> Sights:
        """Measure the raw currents of every source in some states; see `crossbar_hil.witness`.

        A state is the port of every line, and the settings of the sources that are measured at there.
        """
        asked = [[list(state), [dict(each) for each in steps]] for state, steps in sights]
        found = self._call(do="look", sights=asked)
        return [[{port: reading_from_json(seen) for port, seen in each.items()} for each in state] for state in found]

    def pulse_on_trial(self, counts: IntArray, pulse: Pulse) -> Train:
        """Send pulses to one cell, and return what each showed."""
        found = self._call(do="train", counts=counts.tolist(), amplitude_v=pulse.amplitude_v, width_s=pulse.width_s)
        inside = [{port: reading_from_json(seen) for port, seen in each.items()} for each in found["inside"]]
        return Train(inside, found["clock_s"], (int(found["widths"][0]), int(found["widths"][1])))

    def note_record(self, began: Mapping[str, Any]) -> None:
        """Have the guard keep in its journal with what the record of the run begins."""
        self._call(do="record", began=dict(began))

    def make_safe(self) -> None:
        """Have the guard switch every output off and open every relay, and wait for its word that it is so."""
        if self.safe_report is None:
            self._call(do="safe")

    def request_stop(self, cause: str) -> None:
        """Have the guard stop after the operation under way; the request under way, or the next one, is refused."""
        self._guard.request_stop(cause)

    def work_done(self) -> dict[str, Any]:
        """Say what the instruments did until the guard ended; nothing before."""
        return dict((self.safe_report or {}).get("work", {}))

    def identify(self) -> dict[str, Any]:
        """Name every instrument, its settings, the schemes and the wiring, as the guard found them."""
        return dict(self._guard.ready["device"])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _stopping_at_interrupts(self.request_stop) as pressed:
            if self.safe_report is None:
                if isinstance(error, KeyboardInterrupt):
                    self.request_stop("Ctrl-C was pressed")
                cause = "the session ended" if error is None else f"{type(error).__name__}: {error}"
                report = self._guard.end(cause, at_once=error is not None)
                if self._guard.ended is None and self.safe_report is None:
                    self._rescue(report["failures"][0])
                else:
                    self.safe_report = self.safe_report or report
            if self.owned is not None:
                self.owned.close()
        if self.safe_report is not None:
            told = describe_safe_report(self.safe_report)
            if not self.safe_report["confirmed"]:
                if error is None:
                    raise GuardError(told)
                error.add_note(told)
            elif any(note.startswith(UNSAFE) for note in getattr(error, "__notes__", ())):  # which it was for a while
                error.add_note(f"the bench is safe now: {told}")  # type: ignore[union-attr]
        if pressed and error is None:  # nothing may follow as if nobody had pressed it
            raise KeyboardInterrupt

    def _call(self, **request: Any) -> Any:
        try:
            return self._guard.call(**request)
        except GuardError as error:
            if self._guard.ended is not None:
                self.safe_report = self._guard.ended
            elif self.safe_report is not None:  # a second guard has been there
                raise GuardError(
                    f"{error}; a second guard was started: {describe_safe_report(self.safe_report)}"
                ) from error
            raise

    def _rescue(self, how: str) -> None:
        """Have a second guard make safe what the first one left, once."""
        with self._rescuing:
            if self.safe_report is not None:
                return
            try:
                rescue = GuardProcess(self._hello, rescue=True)
                self.safe_report = rescue.end(how)
            except Exception as error:  # whatever it is, a person must look at the bench
                failure = f"the second guard failed: {error}"
                self.safe_report = {"confirmed": False, "cause": how, "failures": [failure]}


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end what waits for a person, whatever it does elsewhere."""
    with handled_by(signal.default_int_handler):
        yield


@contextlib.contextmanager
def _stopping_at_interrupts(request_stop: Callable[[str], None]) -> Iterator[list[int]]:
    """Let Ctrl-C not cut short what makes the bench safe; the guard hears of it, and does not try for long any more.

    Yields a list that is not empty once it was pressed. The first time the person is told what is waited for.
    """
    pressed: list[int] = []

    def note(number: int, _: object) -> None:
        pressed.append(number)
        request_stop("Ctrl-C was pressed")
        if len(pressed) == 1:
            with contextlib.suppress(OSError):  # past the buffers, in which the signal may have come
                os.write(2, HEARD)

    with handled_by(note):
        yield pressed


@contextlib.contextmanager
def handled_by(handler: Any) -> Iterator[None]:
    """Let a handler take Ctrl-C for the length of a ``with`` block; where no signal arrives nothing is changed."""
    with contextlib.ExitStack() as afterwards:
        with contextlib.suppress(ValueError):  # not in the main thread, where no signal arrives anyway
            afterwards.callback(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, handler))
        yield
