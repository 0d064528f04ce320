"""Show a dry run while it runs: a bar with the time left on a terminal, a line now and then elsewhere, or nothing."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINES = 10
"""So many lines are printed for all the chips, if they come in small shares."""


class Silent:
    """Shows nothing; also what the others are made of."""

    def __init__(self) -> None:
        self.done = 0
        self.total = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def expect(self, chips: int, what: str) -> None:  # noqa: ARG002 - for those who show it
        """Take note of how many chips there will be in all, and of what comes next."""
        self.total = chips

    def __call__(self, chips: int) -> None:
        """Take note of chips that are done."""
        self.done += chips


class Lines(Silent):
    """Prints what comes next, and a line after every tenth of the chips, with the time left at the pace so far."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._console, self._clock = console, clock
        self._began = clock()
        self._printed = 0

    def expect(self, chips: int, what: str) -> None:
        """Print what comes next."""
        super().expect(chips, what)
        self._print(what)

    def __call__(self, chips: int) -> None:
        """Print a line if it is time for one."""
        super().__call__(chips)
        due = LINES * self.done // max(self.total, 1)
        if due <= self._printed:
            return
        self._printed = due
        left = (self._clock() - self._began) * max(self.total - self.done, 0) / self.done
        self._print(f"{self.done}/{self.total} chips  about {left:.0f} s left")

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class Bar(Silent):
    """Keeps a bar in place on a terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(30),
            MofNCompleteColumn(),
            TextColumn("chips"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def expect(self, chips: int, what: str) -> None:
        """Write what comes next before the bar."""
        super().expect(chips, what)
        self._bar.update(self._task, total=chips, description=what)

    def __call__(self, chips: int) -> None:
        """Move the bar."""
        super().__call__(chips)
        self._bar.update(self._task, completed=self.done)


def make_show(console: Console, *, quiet: bool) -> Silent:
    """Choose how to show a dry run."""
    if quiet:
        return Silent()
    return Bar(console) if console.is_terminal else Lines(console)
