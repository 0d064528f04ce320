"""Show a spiking training while it runs: a live view on a terminal, a line now and then elsewhere, or nothing."""

import time
from collections.abc import Iterable

import numpy as np
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from crossbar_hil.arrays import IntArray
from crossbar_hil.runs.live.progress import shade_of
from crossbar_hil.screen.pace import Clock, Pace
from crossbar_hil.screen.terminal import Lines, OnTerminal, in_place
from crossbar_hil.screen.view import Onlooker
from crossbar_hil.spiking.network.neurons import Singles
from crossbar_hil.spiking.progress import RECENT
from crossbar_hil.spiking.progress import Progress as Standing
from crossbar_hil.spiking.view import SilentView

LINES = 20
"""So many lines are printed for a whole training."""
WIDTH = 72
"""Letters that receptive fields may take side by side."""


class LinesOfImages(Lines, SilentView):
    """Prints a line after every twentieth of the images, and one for each phase that takes its time."""

    def __init__(self, console: Console, fields: bool = False, clock: Clock = time.monotonic) -> None:
        super().__init__(console)
        self._fields, self._pace = fields, Pace(clock)
        self._total, self._printed = 1, -1
        self._warned = False

    def begin(self, total: int, shape: tuple[int, int]) -> None:
        """Take note of the images in all, and of the time."""
        self._total = total
        self._pace.begin()
        self.print(f"{total} training images, {shape[0]} inputs, {shape[1]} neurons")

    def show(self, progress: Standing) -> None:
        """Print a line if it is time for one."""
        self._pace.step(progress.shown)
        warning = progress.warning()
        if warning and not self._warned:
            self.print(f"warning: {warning}")
        self._warned = bool(warning)
        due = LINES * progress.shown // self._total
        if due <= self._printed:
            return
        self._printed = due
        times = self._pace.text(self._total)
        told = [f"{progress.shown}/{self._total} images", numbers(progress.record, self._pace.rate)]
        self.print("  ".join([*told, *([times] if times else [])]))
        if self._fields:
            self._console.print(fields_text(progress.state.weights))

    def tick(self, what: str, done: int, total: int) -> None:
        """Print a line at the end."""
        if done == total:
            self.print(f"{what}: {total} images")


class LiveView(OnTerminal, SilentView):
    """Keeps a bar, the numbers and, on request, receptive fields in place on a terminal."""

    transient = False

    def __init__(self, console: Console, fields: bool = False, clock: Clock = time.monotonic) -> None:
        super().__init__(console, clock)
        self._fields, self._pace = fields, Pace(clock)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[times]}", markup=False),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._now: tuple[str, int] = "training", 0
        self._standing: Standing | None = None
        self._rate = 0.0

    def parts(self) -> Iterable[RenderableType]:
        """Return the bars, and numbers and fields once there is something of them."""
        if not self._tasks:
            return
        what, total = self._now
        self._bar.update(self._tasks[what], times=self._pace.text(total))
        yield self._bar.get_renderable()
        if self._standing is not None:
            yield Text(numbers(self._standing.record, self._rate), no_wrap=True, overflow="ellipsis")
            if warning := self._standing.warning():
                yield Text(f"warning: {warning}", no_wrap=True, overflow="ellipsis")
            if self._fields:
                yield fields_text(self._standing.state.weights)

    def phase(self, what: str, *, brief: bool = False) -> None:
        """Say it below; what was counted has ended by then."""
        self._pace.end()
        super().phase(what, brief=brief)

    def begin(self, total: int, shape: tuple[int, int]) -> None:  # noqa: ARG002 - the bar says enough
        """Begin the bar of the training."""
        self._begin("training", total)
        self.draw()

    def show(self, progress: Standing) -> None:
        """Redraw."""
        self._what = ""
        if progress.result is None:
            self._pace.step(progress.shown)
            self._rate = self._pace.rate
            self._bar.update(self._tasks["training"], completed=progress.shown)
        self._standing = progress
        self.draw()

    def tick(self, what: str, done: int, total: int) -> None:
        """Move the bar of labelling or testing."""
        if what not in self._tasks:
            self._begin(what, total)
        self._what = ""
        self._pace.step(done)
        self._bar.update(self._tasks[what], completed=done)
        self.draw()

    def _begin(self, what: str, total: int) -> None:
        """Begin a bar, the time of which is its own."""
        self._pace.begin()
        self._tasks[what] = self._bar.add_task(what, total=total, times="")
        self._now = what, total


class Harmless(Onlooker[SilentView], SilentView):
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

    A rate of 0 is one that is not known yet.

    Examples
    --------
    >>> numbers(np.array([[10, 0, 0, 40], [20, 8, 1, 60]]), 123.4)
    '123 images/s  spikes per image 5.0  accuracy 40.0 %  silent 1'
    """
    first = int(np.searchsorted(record[:, 0], record[-1, 0] - RECENT, side="right"))
    images = record[-1, 0] - (record[first - 1, 0] if first else 0)
    _, right, silent, spikes = record[first:].sum(axis=0)
    speed = f"{float(f'{rate:.3g}'):.10g} images/s  " if rate else ""
    return f"{speed}spikes per image {spikes / images:.1f}  accuracy {100 * right / images:.1f} %  silent {silent}"


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


def make_view(console: Console, *, quiet: bool, fields: bool = False) -> SilentView:
    """Choose how to show a training: nothing if quiet, live on a terminal, lines elsewhere."""
    if quiet:
        return SilentView()
    return Harmless(LiveView(console, fields) if in_place(console) else LinesOfImages(console, fields))
