"""The guard's side of the pipe: requests in, answers out, and a stop for every way in which a trainer can end.

The thread that works owns the sessions of the instruments. A second one reads the pipe, so that a stop is seen while
an operation is under way; a third one sees to the beats in both directions.
"""

import json
import queue
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from io import RawIOBase
from types import FrameType
from typing import Any, BinaryIO, Protocol

import numpy as np

from crossbar_hil.backend import Pulse
from crossbar_hil.errors import CrossbarError, GuardError, Stopped
from crossbar_hil.guard.keeper import Keeper, SafeReport, StopFlag
from crossbar_hil.guard.messages import LONGEST_LINE, Sender, error_to_message, from_line, reading_to_json

BEAT_S = 1.0
"""Trainer and guard tell each other that they live, in seconds (design: table of the times to safe)."""
MISSED = 3
"""So many beats missed, and the other one counts as gone."""
FLUSH_S = 2.0
"""Time that a trainer has to hear the last words of a guard, in seconds; one that does not read them is gone."""
LOOK_S = 0.1
"""Between two looks whether somebody waits, in seconds."""
RETRY_S = 1.0
SAFE_WITHIN_S = 60.0
"""A bench that cannot be confirmed to be safe is tried again each second for so long; not where somebody waits for
the end, who has been told what to look at."""
SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")


class Opened(Protocol):
    """What a hello opens: a keeper, what to say of the chip, and how to end."""

    keeper: Keeper
    ready: dict[str, Any]

    def close(self) -> None:
        """End what was opened."""


class Service:
    """Serve one trainer until it, or the bench, ends.

    Parameters
    ----------
    requests, answers : binary files
        The pipe.
    beat_s : float
        Time between two beats, in seconds.
    clock : callable
        Monotonic time, in seconds, by which making safe comes to an end.
    """

    def __init__(
        self,
        requests: BinaryIO,
        answers: RawIOBase,
        *,
        beat_s: float = BEAT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stop = StopFlag()
        self._requests = requests
        self._sender = Sender(answers, lambda: self.stop.set("the trainer is gone: the pipe to it is closed"))
        self._beat_s = beat_s
        self._clock = clock
        self._alarmed = ""
        self._inbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._last_beat = time.monotonic()
        self._over = threading.Event()
        self._replies: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._nobody = self._unanswered = False

    def run(self, opener: Callable[[dict[str, Any], "Service"], Opened]) -> int:
        """Open what the hello asks for, serve, make safe; return the exit status of the process."""
        threading.Thread(target=self._listen, name="pipe", daemon=True).start()
        threading.Thread(target=self._beat, name="beats", daemon=True).start()
        first = self._inbox.get()
        if first is None or "hello" not in first:
            return 1
        try:
            opened = opener(first["hello"], self)
        except Exception as error:  # whatever it is, the trainer tells it to the person
            self.say({"failed": error_to_message(error)})
            self._sender.finish(FLUSH_S)
            return 1
        self.say({"ready": opened.ready})
        try:
            self._serve(opened.keeper)
        finally:
            report = self._make_safe(opened.keeper)
            opened.close()
            self.say({"ended": asdict(report)})
            self._over.set()
            self._sender.finish(FLUSH_S)
        return 0 if report.confirmed else 1

    def heed_signals(self) -> None:
        """Stop, safely, at every signal that asks a process to end."""
        for name in SIGNALS:
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._on_signal)

    # ------------------------------------------------------------------ requests

    def _serve(self, keeper: Keeper) -> None:
        while True:
            request = self._inbox.get()
            if request is None:
                self.stop.set("the trainer ended")
                return
            try:
                answer = self._carry_out(keeper, request)
            except CrossbarError as error:
                self.say({"id": request.get("id"), "error": error_to_message(error)})
                if isinstance(error, Stopped):
                    return
            except Exception as error:  # a fault of the guard itself: the trainer tells it, and the bench is made safe
                self.stop.set(f"the guard failed: {type(error).__name__}: {error}")
                self.say({"id": request.get("id"), "error": error_to_message(error)})
                return
            else:
                self.say({"id": request["id"], "answer": answer})
                if request["do"] == "end":
                    self.stop.set(str(request.get("cause", "the trainer is done")))
                    return

    def _carry_out(self, keeper: Keeper, request: dict[str, Any]) -> Any:
        match request.get("do"):
            case "read":
                return keeper.read_currents(np.array(request["voltages"], dtype=np.float64)).tolist()
            case "pulses":
                pulse = Pulse(request["amplitude_v"], request["width_s"])
                keeper.send_pulses(np.array(request["counts"], dtype=np.int64), pulse)
            case "check":
                keeper.check_pulse(Pulse(request["amplitude_v"], request["width_s"]))
            case "lines" | "look" | "train":
                return _look_at_bench(keeper, request)
            case "safe":
                report = keeper.make_safe("the trainer asked for it")
                if not report.confirmed:
                    raise GuardError("; ".join(report.failures))
            case "record":
                keeper.note_record(request["began"])
            case "end":
                pass  # whoever serves it ends
            case _:
                raise GuardError(f"request {json.dumps(request)[:80]} is none that a guard knows")
        return None

    def _make_safe(self, keeper: Keeper) -> SafeReport:
        """Make safe until it is confirmed, the time is over, or somebody has had enough.

        Once if it is a person who must confirm it and does not answer.
        """
        until = self._clock() + SAFE_WITHIN_S
        report = keeper.make_safe(self.stop.cause or "the session ended")
        while not report.confirmed and not keeper.gave_up:
            if self._unanswered and "; " not in "; ".join(report.failures):
                break
            self.alarm("; ".join(report.failures))
            self._pause(RETRY_S)
            if self.stop.pressed or self._clock() >= until:
                break
            report = keeper.make_safe(f"tried again: {self.stop.cause}")
        return report

    def _pause(self, seconds: float) -> None:
        """Let time pass, unless somebody is waiting."""
        for _ in range(round(seconds / LOOK_S)):
            if not self.stop.pressed:
                self._over.wait(LOOK_S)

    def alarm(self, why: str) -> None:
        """Tell the person that the bench may not be safe, and what to look at; once in the same words."""
        self.stop.alarmed = True
        words = re.sub(r"[0-9a-f]{8,}", "", why)  # a token is another one each time
        if words != self._alarmed:
            self._alarmed = words
            self.say({"unsafe": why})

    # ------------------------------------------------------------------ a person at the trainer's terminal

    def ask(self, question: str = "") -> str:
        """Put a question to the person at the trainer, and return the answer.

        What is asked once a stop is wanted is asked to make safe; if nobody answers that, nothing is asked any more.

        Raises
        ------
        Stopped
            If nobody answered: Ctrl-C, the end of the input, a trainer that is gone.
        """
        while not self._replies.empty():  # to another question
            self._replies.get()
        stopping, reply = self.stop.wanted(), None
        if not self._nobody:
            self.say({"ask": question})
            reply = self._replies.get()
        if reply is None:
            self._nobody |= stopping
            self._unanswered = self._nobody
            raise Stopped(f"stopped: {self.stop.cause or 'the trainer ended'}")
        return reply

    def tell(self, text: str) -> None:
        """Show a text to the person at the trainer."""
        self.say({"tell": text})

    # ------------------------------------------------------------------ the pipe

    def say(self, message: dict[str, Any]) -> None:
        """Send a message, without waiting for it to be read; a trainer that is gone hears nothing."""
        try:
            self._sender.send(message)
        except ValueError as error:  # too long, or with a number that is none
            self._sender.send({"id": message.get("id"), "error": error_to_message(error)})

    def _listen(self) -> None:
        try:
            while line := self._requests.readline(LONGEST_LINE):
                message = from_line(line)
                self._last_beat = time.monotonic()
                if "reply" in message:
                    if message["reply"] is None:
                        self.stop.set(str(message["cause"]))
                    self._replies.put(message["reply"])
                elif "stop" in message:
                    (self.stop.press if message.get("pressed") else self.stop.set)(str(message["stop"]))
                    self._wake()
                elif "beat" not in message:
                    self._inbox.put(message)
        except (OSError, ValueError, CrossbarError) as error:
            self.stop.set(f"the pipe from the trainer failed: {error}")
        else:
            self.stop.set("the trainer is gone")
        self._nobody = True
        self._wake()

    def _wake(self) -> None:
        """End whatever waits for the trainer or for the person."""
        self._inbox.put(None)
        self._replies.put(None)

    def _beat(self) -> None:
        before = time.monotonic()
        while not self._over.wait(self._beat_s / 2):
            now = time.monotonic()
            # A gap of this thread's own means that the guard was stopped too: the trainer gets time to be heard again.
            if now - before > MISSED * self._beat_s:
                self._last_beat = now
            before = now
            if not self._sender.behind:
                self.say({"beat": 1})
            if now - self._last_beat > (MISSED + 0.5) * self._beat_s:
                self.stop.set(f"the trainer has been silent for {now - self._last_beat:.1f} s")
                self._nobody = True
                self._wake()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        ask = self.stop.set if number == getattr(signal, "SIGHUP", None) else self.stop.press
        ask(f"the guard received {signal.Signals(number).name}")
        self._wake()


def _look_at_bench(keeper: Keeper, request: dict[str, Any]) -> Any:
    """Do what is asked of a bench and belongs to no training."""
    if request["do"] == "lines":
        between = keeper.line_conductances(float(request["voltage"]))
        return [[value if np.isfinite(value) else str(value) for value in line] for line in between.tolist()]
    if request["do"] == "look":
        found = keeper.look([(tuple(state), steps) for state, steps in request["sights"]])
        return [[{port: reading_to_json(seen) for port, seen in each.items()} for each in state] for state in found]
    pulse = Pulse(request["amplitude_v"], request["width_s"])
    train = keeper.pulse_on_trial(np.array(request["counts"], dtype=np.int64), pulse)
    inside = [{port: reading_to_json(seen) for port, seen in each.items()} for each in train.inside]
    return {"inside": inside, "clock_s": train.clock_s, "widths": train.widths}
