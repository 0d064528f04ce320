"""What time it is on the emulated bench: a number that the instruments advance, or the real time."""

import time
from abc import ABC, abstractmethod


class Clock(ABC):
    """Seconds since the bench was switched on."""

    def __init__(self) -> None:
        self._jumped = 0.0

    def now(self) -> float:
        """Return the time that the instruments show, in seconds."""
        return self.elapsed() + self._jumped

    def jump(self, seconds: float) -> None:
        """Show a time that is later, or earlier, by so much from now on; none passes."""
        self._jumped += seconds

    @abstractmethod
    def elapsed(self) -> float:
        """Return the time that has really passed, in seconds."""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Let time pass."""


class SimulatedClock(Clock):
    """Time passes only when an instrument waits, and then at once.

    >>> clock = SimulatedClock()
    >>> clock.wait(0.05)
    >>> clock.now()
    0.05
    """

    def __init__(self) -> None:
        super().__init__()
        self._elapsed = 0.0

    def elapsed(self) -> float:
        """Return the simulated time, in seconds."""
        return self._elapsed

    def wait(self, seconds: float) -> None:
        """Step forward."""
        self._elapsed += max(seconds, 0.0)


class RealClock(Clock):
    """Time passes as it does for everybody."""

    def __init__(self) -> None:
        super().__init__()
        self._start = time.monotonic()

    def elapsed(self) -> float:
        """Return the time since the bench was switched on, in seconds."""
        return time.monotonic() - self._start

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(max(seconds, 0.0))
