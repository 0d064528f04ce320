"""Show a study while it runs: a bar with the time left on a terminal, a line now and then elsewhere, or nothing.

The time left is measured: that of what is left at the pace of what was done since the work began.
"""

import time
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from crossbar_hil.screen.pace import SHOWN_FROM_S, Clock, time_text
from crossbar_hil.screen.terminal import Lines as PlainLines
from crossbar_hil.screen.terminal import OnTerminal, in_place
from crossbar_hil.screen.view import NothingShown

LINES = 10
"""So many lines are printed for the whole, if it comes in small shares."""


class Silent(NothingShown):
    """Shows nothing; also what the others are made of."""

    def __init__(self, noun: str = "chips", clock: Clock = time.monotonic) -> None:
        self.noun = noun
        self.done = 0
        self.total = 0
        self.clock = clock
        self._began: float | None = None
        self._found = 0

    def expect(self, total: int, what: str) -> None:  # noqa: ARG002 - for those who show it
        """Take note of how many there will be in all, and of what comes next; the work begins with the first of it."""
        self.total = total
        self._began = self.clock() if self._began is None else self._began

    def begin(self) -> None:
        """Count the time from now on, where something had to be loaded first."""
        self._began = self.clock()

    def __call__(self, done: int) -> None:
        """Take note of so many more that are done."""
        self.done += done

    def found(self, done: int) -> None:
        """Take note of so many that were done before, which say nothing of the pace."""
        self.done += done
        self._found += done

    def note(self, text: str) -> None:
        """Say what somebody should know of."""

    @property
    def left_s(self) -> float | None:
        """Time that all that are left will take, in seconds; None before the first one."""
        if self._began is None or self.done == self._found:
            return None
        return (self.clock() - self._began) * max(self.total - self.done, 0) / (self.done - self._found)


class Lines(PlainLines, Silent):
    """Prints what comes next, and a line after every tenth of all, with the time left at the pace so far."""

    def __init__(self, console: Console, clock: Clock = time.monotonic, noun: str = "chips") -> None:
        Silent.__init__(self, noun, clock)
        self._console = console
        self._printed = 0

    def expect(self, total: int, what: str) -> None:
        """Print what comes next."""
        super().expect(total, what)
        self.print(what)

    def __call__(self, done: int) -> None:
        """Print a line if it is time for one."""
        super().__call__(done)
        due = LINES * self.done // max(self.total, 1)
        left = self.left_s
        if due <= self._printed or left is None:
            return
        self._printed = due
        self.print(f"{self.done}/{self.total} {self.noun}  about {left:.0f} s left")

    def note(self, text: str) -> None:
        """Print it."""
        self.print(text)


class Bar(OnTerminal, Silent):
    """Keeps a bar in place on a terminal."""

    transient = False

    def __init__(self, console: Console, noun: str = "chips", clock: Clock = time.monotonic) -> None:
        OnTerminal.__init__(self, console, clock)
        Silent.__init__(self, noun, clock)
        self._bar = Progress(
            BarColumn(30),
            MofNCompleteColumn(),
            TextColumn(noun),
            TextColumn("{task.fields[times]}", markup=False),
            console=console,
        )
        self._next = ""
        self._task = self._bar.add_task("", total=None, times="")

    def parts(self) -> Iterable[RenderableType]:
        """Return what comes next, and the bar, once it is known how many there will be."""
        if self._began is None:
            return ()
        gone, left = self.clock() - self._began, self.left_s
        times = time_text(gone) if gone >= SHOWN_FROM_S else ""
        if times and left:
            times += f", about {time_text(left)} left"
        self._bar.update(self._task, total=self.total, completed=self.done, times=times)
        return Text(self._next, no_wrap=True, overflow="ellipsis"), self._bar.get_renderable()

    def note(self, text: str) -> None:
        """Print it above the bar."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def expect(self, total: int, what: str) -> None:
        """Write what comes next above the bar."""
        super().expect(total, what)
        self._next, self._what = what, ""
        self.draw()


def make_show(console: Console, *, quiet: bool, noun: str = "chips") -> Silent:
    """Choose how to show a study of chips, or of whatever is counted."""
    if quiet:
        return Silent(noun)
    return Bar(console, noun) if in_place(console) else Lines(console, noun=noun)
