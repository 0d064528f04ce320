"""Time inside a TSP instrument: what happens in the background while it waits.

A process is a generator that yields a delay in seconds, or a `Detector` whose event it needs. While a message is
carried out, the schedule lets time pass on the bench from one event to the next; between two messages it goes on while
others let time pass. All that happens at one instant is applied to the terminals together.
"""

import heapq
import itertools
import math
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from ..lua.objects import ScriptError

MOST_BETWEEN_MESSAGES = 20_000
"""Instants at which something happens that pass from one message of a client that polls to the next."""
MOST_IN_BACKGROUND = 100_000
"""Steps that go on between two messages; what never ends, such as an endless timer, then waits for the next one."""
LOOK_S, LOOK_SHARE, LONGEST_LOOK_S = 1e-4, 1e-3, 1.0
"""How long one look at a clock takes, at least, as a share of all looks since anything else took time, and at most:
assumptions. Without them no loop would see time pass, with the first alone it would have to look too often."""


class Detector:
    """Notices one event, and keeps it until it is used."""

    def __init__(self) -> None:
        self.stimulus = 0
        """Number of the event; 0 needs none."""
        self.seen = False
        self.waiting: "Process | None" = None  # noqa: UP037 - defined below


Steps: TypeAlias = Generator[float | Detector, None, None]


@dataclass(eq=False)
class Process:
    """Something that goes on in the background."""

    steps: Steps
    overlapped: bool = True
    """Whether ``waitcomplete`` waits for it."""
    ended: bool = False


class Schedule:
    """Runs processes in time.

    Parameters
    ----------
    wait : callable
        Lets a time in seconds pass on the bench.
    expired : callable
        Says whether the present message has taken too long.
    elapsed : callable
        Returns the time on the bench, in seconds.
    """

    def __init__(
        self, wait: Callable[[float], None], expired: Callable[[], bool], elapsed: Callable[[], float]
    ) -> None:
        self._wait, self._expired, self._elapsed = wait, expired, elapsed
        self._now = 0.0
        self._began_s = elapsed()  # on the bench's clock, when the instrument's own time was 0
        self._at_work, self._steps_left = False, MOST_IN_BACKGROUND
        self._queue: list[tuple[float, int, Process]] = []
        self._number = itertools.count()
        self._processes: list[Process] = []
        self._polled = False
        self._looking_s = self._looked_until = 0.0
        self._when_done: list[Callable[[], None]] = []
        self.before_time_passes: list[Callable[[], None]] = []
        """Called before time passes."""

    def settle(self) -> None:
        """Apply what was changed at this instant."""
        for call in self.before_time_passes:
            call()

    def now(self) -> float:
        """Return the instrument's own time, in seconds."""
        return self._now

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Carry a message out in a ``with`` block: what is due happens when the message lets time pass."""
        self._now = max(self._now, self._elapsed() - self._began_s)
        self._at_work = True
        try:
            yield
        finally:
            self._at_work, self._steps_left = False, MOST_IN_BACKGROUND
            self._began_s = self._elapsed() - self._now

    def due_s(self) -> float:
        """Return when something next happens by itself, in seconds on the bench's clock; never during a message."""
        waiting = not self._queue or self._at_work or not self._steps_left
        return math.inf if waiting else self._began_s + self._queue[0][0]

    def go_on(self) -> None:
        """Do what is due next, which is due now."""
        self._at_work = True  # what it does to the world must not begin it once more
        self._steps_left -= 1
        try:
            self._now, _, process = heapq.heappop(self._queue)
            self._step(process)
            if not self._queue or self._queue[0][0] > self._now:
                self.settle()
        finally:
            self._at_work = False

    def start(self, steps: Steps, *, overlapped: bool = True) -> Process:
        """Begin a process; its first step is done when time next passes."""
        process = Process(steps, overlapped)
        self._processes.append(process)
        self._at(0.0, process)
        return process

    def stop(self, process: Process) -> None:
        """End a process wherever it is."""
        if not process.ended:
            process.ended = True
            process.steps.close()
            self._processes.remove(process)
            if not self.busy():
                calls, self._when_done = self._when_done, []
                for call in calls:
                    call()

    def cancel(self) -> None:
        """End all processes."""
        for process in list(self._processes):
            self.stop(process)
        self._queue.clear()
        self.settle()

    def busy(self) -> bool:
        """Whether something goes on that ``waitcomplete`` waits for."""
        return any(process.overlapped for process in self._processes)

    def when_done(self, call: Callable[[], None]) -> None:
        """Have a function called once nothing goes on that ``waitcomplete`` waits for."""
        if self.busy():
            self._when_done.append(call)
        else:
            call()

    def notice(self, detector: Detector) -> None:
        """Tell a detector that its event happened."""
        if detector.waiting is not None:
            process, detector.waiting = detector.waiting, None
            self._at(0.0, process)
        else:
            detector.seen = True

    def run_now(self) -> None:
        """Do all that is due at this instant."""
        self._until(self._now)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._until(self._now + seconds)

    def do(self, steps: Steps) -> None:
        """Run a process to its end, in the foreground."""
        process = self.start(steps)
        self._finish(lambda: process.ended)

    def finish(self) -> None:
        """Wait until nothing overlapped goes on."""
        self._finish(lambda: not self.busy())

    def note_question(self) -> None:
        """Note that a client asks whether something still goes on; a script that asks again sees the next of it."""
        if self._polled and self._queue:
            self._until(self._queue[0][0])
        self._polled = self.busy()

    def spend_look(self) -> None:
        """Let as much time pass as it takes to look at a clock."""
        if self._now > self._looked_until:
            self._looking_s = 0.0
        look_s = min(max(LOOK_S, LOOK_SHARE * self._looking_s), LONGEST_LOOK_S)
        self.advance(look_s)
        self._looking_s += look_s
        self._looked_until = self._now

    def catch_up(self) -> None:
        """Between two messages of a client that polls passes as much time as it needs to see the end, if it is near."""
        if self._polled:
            self._polled = False
            for _ in range(MOST_BETWEEN_MESSAGES):
                if not (self.busy() and self._queue):
                    break
                self._until(self._queue[0][0])

    def step_towards(self, end: float) -> bool:
        """Let time pass to the next thing that happens, or to an end; return whether the end is still to come."""
        following = min(self._queue[0][0], end) if self._queue else end
        self._until(following)
        return following < end

    def _finish(self, done: Callable[[], bool]) -> None:
        while True:
            self.run_now()
            if done():
                return
            if not self._queue:
                break
            self._until(self._queue[0][0])
        self.cancel()
        raise ScriptError("what is waited for never ends")

    def _at(self, seconds: float, process: Process) -> None:
        heapq.heappush(self._queue, (self._now + seconds, next(self._number), process))

    def _until(self, end: float) -> None:
        while self._queue and self._queue[0][0] <= end:
            if self._expired():
                self.cancel()
                raise ScriptError("the trigger model runs for too long")
            due, _, process = heapq.heappop(self._queue)
            self._pass(due)
            self._step(process)
        self._pass(end)

    def _pass(self, until: float) -> None:
        """Go to a later instant; what was changed at this one is applied first."""
        if until > self._now or not self._queue or self._queue[0][0] > self._now:
            self.settle()
        if until > self._now:
            self._wait(until - self._now)
            self._now = until

    def _step(self, process: Process) -> None:
        """Take a process to where it next has to wait."""
        if process.ended:
            return
        for needed in process.steps:
            if isinstance(needed, Detector):
                if needed.stimulus and not needed.seen:
                    needed.waiting = process
                    return
                needed.seen = False
            else:
                self._at(needed, process)
                return
        self.stop(process)
