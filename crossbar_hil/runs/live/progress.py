"""Show a training while it runs: a live view on a terminal, one line an epoch elsewhere, or nothing."""

import time
from collections.abc import Iterable

import numpy as np
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from crossbar_hil.arrays import FloatArray
from crossbar_hil.screen.pace import Clock, Pace
from crossbar_hil.screen.terminal import Lines, OnTerminal, in_place
from crossbar_hil.screen.view import NothingShown, Onlooker
from crossbar_hil.training.result import Epoch

# Seven colours of viridis (S. van der Walt and N. Smith, CC0), dark for low.
_VIRIDIS = ("#440154", "#443983", "#31688e", "#21918c", "#35b779", "#90d743", "#fde725")
AT_MOST = "at most"
"""A training ends when it has learnt, so its last epoch is not known."""


class SilentProgress(NothingShown):
    """Shows nothing of a training."""

    def show(self, epoch: Epoch) -> None:
        """Take note of an epoch."""


class LineProgress(Lines, SilentProgress):
    """Prints one plain line an epoch, and one for each phase that takes its time."""

    def __init__(self, console: Console, epochs: int, clock: Clock = time.monotonic) -> None:
        super().__init__(console)
        self._epochs, self._pace = epochs, Pace(clock)

    def phase(self, what: str, *, brief: bool = False) -> None:
        """Print it, unless it is brief; the epochs begin after it."""
        super().phase(what, brief=brief)
        self._pace.begin()

    def show(self, epoch: Epoch) -> None:
        """Print an epoch."""
        self._pace.step(epoch.number)
        words = f"epoch {epoch.number}/{self._epochs}  {'  '.join(_numbers(epoch))}"
        times = self._pace.text(self._epochs, AT_MOST)
        self.print(f"{words}  {times}" if times else words)


class LiveProgress(OnTerminal, SilentProgress):
    """Keeps a bar, the numbers of the last epoch and a map of the conductances in place on a terminal."""

    transient = False

    def __init__(self, console: Console, epochs: int, clock: Clock = time.monotonic) -> None:
        super().__init__(console, clock)
        self._epochs, self._pace = epochs, Pace(clock)
        self._epoch: Epoch | None = None
        self._bar = Progress(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(30),
            TextColumn("{task.fields[times]}"),
            console=console,
        )
        self._task = self._bar.add_task("", total=epochs, times="")

    def parts(self) -> Iterable[RenderableType]:
        """Return bar, numbers and map, once there is an epoch."""
        if self._epoch is None:
            return ()
        self._bar.update(self._task, completed=self._epoch.number, times=self._pace.text(self._epochs, AT_MOST))
        numbers = Text("   ".join(_numbers(self._epoch)), no_wrap=True, overflow="ellipsis")
        return self._bar.get_renderable(), numbers, conductance_map(self._epoch.conductances, self._console.width)

    def phase(self, what: str, *, brief: bool = False) -> None:
        """Say it below; the epochs begin after what comes before them, and end with what comes after."""
        if self._epoch is None:
            self._pace.begin()
        else:
            self._pace.end()
        super().phase(what, brief=brief)

    def show(self, epoch: Epoch) -> None:
        """Redraw for an epoch."""
        self._pace.step(epoch.number)
        self._epoch, self._what = epoch, ""
        self.draw()


class Harmless(Onlooker[SilentProgress], SilentProgress):
    """An onlooker of a training."""

    def show(self, epoch: Epoch) -> None:
        """Show an epoch, as long as that works."""
        self._try(lambda: self._view.show(epoch))


def _numbers(epoch: Epoch) -> tuple[str, ...]:
    return f"error {epoch.error:.4g}", f"met {epoch.met}/{len(epoch.shortfalls)}", f"pulses {epoch.pulses}"


def conductance_map(conductances: FloatArray, width: int = 100) -> Text:
    """Draw conductances as coloured blocks, rows down and columns across, at most 16 by 16, on so many letters."""
    shown = conductances[:16, :16]
    low, high = float(shown.min()), float(shown.max())
    shade = np.zeros(shown.shape, dtype=int)
    if high > low:
        shade = ((shown - low) / (high - low) * (len(_VIRIDIS) - 1)).round().astype(int)
    named = (f"   {high * 1e6:.3g} µS highest", f"   {low * 1e6:.3g} µS lowest")
    room = (width - 2 - max(map(len, named))) // shown.shape[1]
    text = Text(no_wrap=True, overflow="crop")
    for row, line in enumerate(shade):
        text.append("  ")
        for level in line:
            text.append(" " * min(max(room, 1), 4), style=f"on {_VIRIDIS[level]}")
        if row < len(named):
            text.append(named[row])
        text.append("\n")
    return text


def shade_of(share: float) -> str:
    """Return the colour for a share from 0, dark, to 1.

    >>> shade_of(0.0), shade_of(1.0)
    ('#440154', '#fde725')
    """
    return _VIRIDIS[round(min(max(share, 0.0), 1.0) * (len(_VIRIDIS) - 1))]


def make_progress(console: Console, *, quiet: bool, epochs: int, lines: bool = False) -> SilentProgress:
    """Choose how to show a training: nothing if quiet, live on a terminal, lines elsewhere or if they are wanted."""
    if quiet:
        return SilentProgress()
    return Harmless(LiveProgress(console, epochs) if in_place(console) and not lines else LineProgress(console, epochs))
