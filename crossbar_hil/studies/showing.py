"""Show a study while it runs: a bar with the time left on a terminal, a line now and then elsewhere, or nothing.

The time left is measured: that of what is left at the pace of what was done since the work began.
"""

import time
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINES = 10
"""So many lines are printed for the whole, if it comes in small shares."""


class Silent:
    """Shows nothing; also what the others are made of."""

    def __init__(self, noun: str = "chips") -> None:
        self.noun = noun
        self.done = 0
        self.total = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def expect(self, total: int, what: str) -> None:  # noqa: ARG002 - for those who show it
        """Take note of how many there will be in all, and of what comes next."""
        self.total = total

    def __call__(self, done: int) -> None:
        """Take note of so many more that are done."""
        self.done += done

    def found(self, done: int) -> None:
        """Take note of so many that were done before, which say nothing of the pace."""
        self(done)

    def note(self, text: str) -> None:
        """Say what somebody waits for."""


class Lines(Silent):
    """Prints what comes next, and a line after every tenth of all, with the time left at the pace so far.

    The work begins with the first `expect`.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic, noun: str = "chips") -> None:
        super().__init__(noun)
        self._console, self._clock = console, clock
        self._began: float | None = None
        self._found = self._printed = 0

    def expect(self, total: int, what: str) -> None:
        """Print what comes next."""
        super().expect(total, what)
        self._print(what)
        self._began = self._clock() if self._began is None else self._began

    def __call__(self, done: int) -> None:
        """Print a line if it is time for one."""
        super().__call__(done)
        due = LINES * self.done // max(self.total, 1)
        if due <= self._printed or self._began is None:
            return
        self._printed = due
        left = (self._clock() - self._began) * max(self.total - self.done, 0) / (self.done - self._found)
        self._print(f"{self.done}/{self.total} {self.noun}  about {left:.0f} s left")

    def found(self, done: int) -> None:
        """Leave them out of the pace."""
        self.done += done
        self._found += done

    def note(self, text: str) -> None:
        """Print it."""
        self._print(text)

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class Bar(Silent):
    """Keeps a bar in place on a terminal."""

    def __init__(self, console: Console, noun: str = "chips") -> None:
        super().__init__(noun)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(30),
            MofNCompleteColumn(),
            TextColumn(noun),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def note(self, text: str) -> None:
        """Print it above the bar."""
        self._bar.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def expect(self, total: int, what: str) -> None:
        """Write what comes next before the bar."""
        super().expect(total, what)
        self._bar.update(self._task, total=total, description=what)

    def __call__(self, done: int) -> None:
        """Move the bar."""
        super().__call__(done)
        self._bar.update(self._task, completed=self.done)


def make_show(console: Console, *, quiet: bool, noun: str = "chips") -> Silent:
    """Choose how to show a study of chips, or of whatever is counted."""
    if quiet:
        return Silent(noun)
    return Bar(console, noun) if console.is_terminal else Lines(console, noun=noun)
