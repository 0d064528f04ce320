"""A view in place on a terminal, whose last line says what is waited for and for how long, and the same as lines."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from crossbar_hil.screen.view import NothingShown, Onlooker

Clock = Callable[[], float]
SHOWN_FROM_S = 1.0
"""What has taken less than this needs no time beside it, in seconds."""
REFRESHED = 8
"""So often in a second a view is drawn anew."""
RECENT = 20
"""The time that a step takes is that of so many of late."""


class Lines(NothingShown):
    """Prints plain lines, without any control code."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def phase(self, what: str, *, brief: bool = False) -> None:
        """Print it, unless it is brief."""
        if not brief:
            self.print(what)

    def print(self, text: str) -> None:
        """Print a line as it is, however long."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class OnTerminal(NothingShown):
    """Stays in place on a terminal, from the first phase to the end of a ``with`` block.

    Parameters
    ----------
    console : Console
        The terminal.
    clock : callable
        Monotonic time, in seconds.
    """

    transient = True
    """Whether nothing is left of it in the end."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._live: Live | None = None
        self._what, self._since = "", clock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._what = ""
        self._leave(transient=self.transient)

    def __rich__(self) -> RenderableType:
        words = self._words()
        return Group(*self.parts(), *([Text(words, no_wrap=True, overflow="ellipsis")] if words else []))

    def parts(self) -> Iterable[RenderableType]:
        """Return what is above the last line."""
        return ()

    def phase(self, what: str, *, brief: bool = False) -> None:  # noqa: ARG002 - here nothing is left of a line
        """Say it in the last line, at once: what follows may leave no time for it."""
        self._what, self._since = what, self._clock()
        self.draw()
        if self._live is not None:
            self._live.refresh()

    def hide(self) -> None:
        """Take it from the terminal until there is something new."""
        self._leave(transient=True)

    def draw(self) -> None:
        """Show it from now on, as it is whenever it is drawn."""
        if self._live is None:
            together = sys.stdout.isatty()  # elsewhere it is not to go to this terminal
            self._live = Live(self, console=self._console, refresh_per_second=REFRESHED, redirect_stdout=together)
            self._live.start()

    def _words(self) -> str:
        taken = self._clock() - self._since
        return f"{self._what}  {time_text(taken)}" if self._what and taken >= SHOWN_FROM_S else self._what

    def _leave(self, *, transient: bool) -> None:
        if self._live is not None:
            self._live.transient = transient
            self._live.stop()
            self._live = None


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
        """Steps in a second; of the first one alone since the work began."""
        (before, began), (done, now) = self._first, self._recent[-1]
        if done == before:
            before, began = done - 1, self._began
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


def make_phases(console: Console, *, quiet: bool = False, lines: bool = False) -> NothingShown:
    """Choose how phases are told: not at all if quiet, in place on a terminal, by lines elsewhere or if wanted."""
    if quiet:
        return NothingShown()
    return Onlooker(OnTerminal(console) if console.is_terminal and not lines else Lines(console))
