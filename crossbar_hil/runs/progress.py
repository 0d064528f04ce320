"""Show a training while it runs: a live view on a terminal, one line an epoch elsewhere, or nothing."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from crossbar_hil.arrays import FloatArray
from crossbar_hil.training.result import Epoch

# Seven colours of viridis (S. van der Walt and N. Smith, CC0), dark for low.
_VIRIDIS = ("#440154", "#443983", "#31688e", "#21918c", "#35b779", "#90d743", "#fde725")

View = TypeVar("View", bound=AbstractContextManager[Any])


class NothingShown:
    """A view that shows nothing, in a ``with`` statement."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class OnTerminal(NothingShown):
    """A view that stays in place on a terminal, from the beginning of a ``with`` block to its end."""

    _live: Live

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


class SilentProgress(NothingShown):
    """Shows nothing of a training."""

    def show(self, epoch: Epoch) -> None:
        """Take note of an epoch."""


class LineProgress(SilentProgress):
    """Prints one plain line an epoch."""

    def __init__(self, console: Console, epochs: int) -> None:
        self._console, self._epochs = console, epochs

    def show(self, epoch: Epoch) -> None:
        """Print an epoch."""
        self._console.print(
            f"epoch {epoch.number}/{self._epochs}  error {epoch.error:.4g}  "
            f"met {epoch.met}/{len(epoch.shortfalls)}  pulses {epoch.pulses}",
            highlight=False,
            soft_wrap=True,
        )


class LiveProgress(OnTerminal, SilentProgress):
    """Keeps a bar, the numbers of the last epoch and a map of the conductances in place on a terminal."""

    def __init__(self, console: Console, epochs: int) -> None:
        self._bar = Progress(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(30),
            TextColumn("{task.fields[numbers]}"),
            console=console,
        )
        self._task = self._bar.add_task("", total=epochs, numbers="")
        self._live = Live(self._bar, console=console, refresh_per_second=12)

    def show(self, epoch: Epoch) -> None:
        """Redraw for an epoch."""
        numbers = f"error {epoch.error:.4g}   met {epoch.met}/{len(epoch.shortfalls)}   pulses {epoch.pulses}"
        self._bar.update(self._task, completed=epoch.number, numbers=numbers)
        self._live.update(Group(self._bar, conductance_map(epoch.conductances)))


class Onlooker(Generic[View]):
    """Another view, which ends at its first failure: who only looks on stops no training.

    Parameters
    ----------
    view : context manager
        What is shown until then.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self.failure: Exception | None = None
        """Why nothing more is shown."""

    def __enter__(self) -> Self:
        self._try(self._view.__enter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._try(lambda: self._view.__exit__(kind, error, trace))

    def _try(self, act: Callable[[], object]) -> None:
        if self.failure is not None:
            return
        try:
            act()
        except Exception as error:  # a terminal that is gone, or cannot show a letter
            self.failure = error


class Harmless(Onlooker[SilentProgress], SilentProgress):
    """An onlooker of a training."""

    def show(self, epoch: Epoch) -> None:
        """Show an epoch, as long as that works."""
        self._try(lambda: self._view.show(epoch))


def conductance_map(conductances: FloatArray) -> Text:
    """Draw conductances as coloured blocks, rows down and columns across, at most 16 by 16 cells."""
    shown = conductances[:16, :16]
    low, high = float(shown.min()), float(shown.max())
    shade = np.zeros(shown.shape, dtype=int)
    if high > low:
        shade = ((shown - low) / (high - low) * (len(_VIRIDIS) - 1)).round().astype(int)
    text = Text()
    for row, line in enumerate(shade):
        text.append("  ")
        for level in line:
            text.append("    ", style=f"on {_VIRIDIS[level]}")
        if row == 0:
            text.append(f"   {high * 1e6:.3g} µS highest")
        if row == 1:
            text.append(f"   {low * 1e6:.3g} µS lowest")
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
    return Harmless(
        LiveProgress(console, epochs) if console.is_terminal and not lines else LineProgress(console, epochs)
    )
