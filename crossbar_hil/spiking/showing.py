"""Show a spiking training while it runs: a live view on a terminal, a line now and then elsewhere, or nothing."""

import time
from collections.abc import Callable

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from crossbar_hil.arrays import IntArray
from crossbar_hil.runs.progress import NothingShown, Onlooker, OnTerminal, shade_of
from crossbar_hil.spiking.network.neurons import Singles
from crossbar_hil.spiking.progress import RECENT
from crossbar_hil.spiking.progress import Progress as Standing
from crossbar_hil.spiking.view import SilentView

LINES = 20
"""So many lines are printed for a whole training."""
WIDTH = 72
"""Letters that receptive fields may take side by side."""


class Shown(NothingShown, SilentView):
    """Nothing yet, in a ``with`` statement."""


class Lines(Shown):
    """Prints a line after every twentieth of the images."""

    def __init__(self, console: Console, fields: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._fields, self._clock = console, fields, clock
        self._total, self._printed, self._first = 1, -1, 0
        self._began = clock()

    def begin(self, total: int, shape: tuple[int, int]) -> None:
        """Take note of the images in all, and of the time."""
        self._total, self._began, self._first = total, self._clock(), -1
        self._print(f"{total} training images, {shape[0]} inputs, {shape[1]} neurons")

    def show(self, progress: Standing) -> None:
        """Print a line if it is time for one."""
        if self._first < 0:  # a resumed run begins further on
            self._first = progress.shown - 1
        due = LINES * progress.shown // self._total
        if due <= self._printed:
            return
        self._printed = due
        rate = (progress.shown - self._first) / max(self._clock() - self._began, 1e-9)
        self._print(f"{progress.shown}/{self._total} images  {numbers(progress.record, rate)}")
        if self._fields:
            self._console.print(fields_text(progress.state.weights))

    def tick(self, what: str, done: int, total: int) -> None:
        """Print a line at the end."""
        if done == total:
            self._print(f"{what}: {total} images")

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class LiveView(OnTerminal, Shown):
    """Keeps a bar, the numbers and, on request, receptive fields in place on a terminal."""

    def __init__(self, console: Console, fields: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._fields, self._clock = fields, clock
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(30),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[numbers]}", markup=False),
            console=console,
        )
        self._live = Live(self._bar, console=console, refresh_per_second=8)
        self._tasks: dict[str, TaskID] = {}
        self._began, self._first = clock(), -1

    def begin(self, total: int, shape: tuple[int, int]) -> None:  # noqa: ARG002 - the bar says enough
        """Begin the bar of the training."""
        self._began, self._first = self._clock(), -1
        self._tasks["training"] = self._bar.add_task("training", total=total, numbers="")

    def show(self, progress: Standing) -> None:
        """Redraw."""
        if self._first < 0:
            self._first = progress.shown - 1
        rate = (progress.shown - self._first) / max(self._clock() - self._began, 1e-9)
        self._bar.update(self._tasks["training"], completed=progress.shown, numbers=numbers(progress.record, rate))
        if self._fields:
            self._live.update(Group(self._bar, fields_text(progress.state.weights)))

    def tick(self, what: str, done: int, total: int) -> None:
        """Move the bar of labelling or testing."""
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total, numbers="")
        self._bar.update(self._tasks[what], completed=done)


class Harmless(Onlooker[Shown], Shown):
    """An onlooker of a spiking training."""

    def begin(self, total: int, shape: tuple[int, int]) -> None:
        """Begin, as long as that works."""
        self._try(lambda: self._view.begin(total, shape))

    def show(self, progress: Standing) -> None:
        """Show, as long as that works."""
        self._try(lambda: self._view.show(progress))

    def tick(self, what: str, done: int, total: int) -> None:
        """Show, as long as that works."""
        self._try(lambda: self._view.tick(what, done, total))


def numbers(record: IntArray, rate: float) -> str:
    """Return the numbers of a training in one line, from the (M, 4) record of `Progress` and the images per second.

    Examples
    --------
    >>> numbers(np.array([[10, 0, 0, 40], [20, 8, 1, 60]]), 123.4)
    '123 images/s  spikes per image 5.0  accuracy 40.0 %  silent 1'
    """
    first = int(np.searchsorted(record[:, 0], record[-1, 0] - RECENT, side="right"))
    images = record[-1, 0] - (record[first - 1, 0] if first else 0)
    _, right, silent, spikes = record[first:].sum(axis=0)
    return (
        f"{rate:.3g} images/s  spikes per image {spikes / images:.1f}  accuracy {100 * right / images:.1f} %  "
        f"silent {silent}"
    )


def fields_text(weights: Singles) -> Text:
    """Draw the receptive fields of the first neurons side by side, two pixels a letter, as many as fit."""
    inputs, outputs = weights.shape
    side = int(np.sqrt(inputs))
    if side * side != inputs:
        return Text(f"receptive fields: {inputs} inputs are no square")
    count = max(1, min(outputs, WIDTH // (side + 1)))
    low, high = float(weights.min()), float(weights.max())
    fields = (weights[:, :count].T.reshape(count, side, side) - low) / max(high - low, 1e-30)
    text = Text()
    for row in range(0, side, 2):
        for field in fields:
            for column in range(side):
                below = field[row + 1, column] if row + 1 < side else 0.0
                text.append("▀", style=f"{shade_of(field[row, column])} on {shade_of(below)}")
            text.append(" ")
        text.append("\n")
    return text


def make_view(console: Console, *, quiet: bool, fields: bool = False) -> Shown:
    """Choose how to show a training: nothing if quiet, live on a terminal, lines elsewhere."""
    if quiet:
        return Shown()
    return Harmless(LiveView(console, fields) if console.is_terminal else Lines(console, fields))
