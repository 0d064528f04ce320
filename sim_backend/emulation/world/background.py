"""What goes on at an instrument while nobody speaks to it: a reading that was begun, a sweep, a trigger model.

The world has it go on at the instants at which it is due, whoever lets the time pass. So readings that two instruments
have begun take the time of one.
"""

import math
from collections.abc import Callable, Iterator
from typing import Protocol

SAME_S = 1e-12
"""Instants that are no further apart are one: sums of the same times differ by rounding."""


class Background(Protocol):
    """What an instrument has going on."""

    def due_s(self) -> float:
        """Return when it goes on, in seconds on the bench's clock; never if it does not by itself."""

    def go_on(self) -> None:
        """Do what is due, at the instant at which it is due."""


class Acquisition:
    """Something that an instrument was told to start, as steps between which it waits.

    Parameters
    ----------
    elapsed : callable
        Returns the time on the bench's clock, in seconds.
    wait : callable
        Lets time pass on the bench, in seconds.
    """

    def __init__(self, elapsed: Callable[[], float], wait: Callable[[float], None]) -> None:
        self._elapsed, self._wait = elapsed, wait
        self._steps: Iterator[float] | None = None
        self._due_s = math.inf

    @property
    def busy(self) -> bool:
        """Whether it has not come to its end."""
        return self._steps is not None

    def due_s(self) -> float:
        """Return when its next step is due; never if there is none."""
        return self._due_s

    def start(self, steps: Iterator[float]) -> None:
        """Begin; each step is the time to wait until the next, in seconds."""
        self._steps, self._due_s = steps, self._elapsed()
        self.go_on()

    def go_on(self) -> None:
        """Do the step that is due."""
        steps, now_s = self._steps, self._due_s
        self._due_s = math.inf  # what a step does to the world must not begin it once more
        try:
            wait_s = None if steps is None else next(steps, None)
        except BaseException:
            self.cancel()
            raise
        if steps is not self._steps:  # the step has ended it
            return
        if wait_s is None:
            self._steps = None
        else:
            self._due_s = now_s + wait_s

    def run(self, steps: Iterator[float]) -> None:
        """Do all steps now, and let the time between them pass: what a step lasts does not depend on this machine."""
        self.cancel()
        for wait_s in steps:
            self._wait(wait_s)

    def finish(self) -> None:
        """Let time pass until it has come to its end."""
        steps, left_s = self._steps, max(self._due_s - self._elapsed(), 0.0)
        if steps is not None:
            self.cancel()
            self._wait(left_s)
            self.run(steps)

    def cancel(self) -> None:
        """End it where it is."""
        self._steps, self._due_s = None, math.inf
