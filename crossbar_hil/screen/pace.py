"""How long something takes, and how long what is left of it will: in words, at the pace of the last steps."""

import time
from collections import deque
from collections.abc import Callable

Clock = Callable[[], float]
SHOWN_FROM_S = 1.0
"""What has taken less than this needs no time beside it, in seconds."""
RECENT = 20
"""The time that a step takes is that of so many of late."""


class Pace:
    """How long the steps of a work take of late, and how long all that are left will.

    Parameters
    ----------
    clock : callable
        Monotonic time, in seconds.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Begin anew."""
        self._began = self._clock()
        self._ended: float | None = None
        self._first = 0, self._began
        self._recent: deque[tuple[int, float]] = deque(maxlen=RECENT + 1)

    def end(self) -> None:
        """Take no more time: what follows is something else."""
        self._ended = self._clock() if self._ended is None else self._ended

    def step(self, done: int) -> None:
        """Take note of how many are done; what came before the first, such as compiling, is nobody's pace."""
        self._recent.append((done, self._clock()))
        if len(self._recent) == 1:
            self._first = self._recent[0]

    @property
    def rate(self) -> float:
        """Steps in a second; 0 before the second one, as the first may have compiled."""
        if len(self._recent) < 2:
            return 0.0
        (before, began), (done, now) = self._first, self._recent[-1]
        return (done - before) / max(now - began, 1e-9)

    def text(self, total: int, about: str = "about") -> str:
        """Say what is gone, and from the second step on what is left until so many are done; nothing of a moment."""
        gone = (self._ended or self._clock()) - self._began
        if gone < SHOWN_FROM_S:
            return ""
        if len(self._recent) < 2 or self._recent[-1][0] >= total or self._ended is not None:
            return time_text(gone)
        (before, then), (done, now) = self._recent[0], self._recent[-1]
        left = (now - then) / max(done - before, 1) * (total - done) - (self._clock() - now)
        return f"{time_text(gone)}, {about} {time_text(max(left, 0.0))} left"


def time_text(seconds: float) -> str:
    """Write how long something takes or took.

    >>> time_text(7.6), time_text(65), time_text(7384)
    ('7 s', '1 min 5 s', '2 h 3 min')
    """
    whole = int(seconds)
    minutes, hours = whole // 60, whole // 3600
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
