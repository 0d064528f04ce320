"""A view in place on a terminal, whose last line says what is waited for and for how long, and the same as lines."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from crossbar_hil.screen.cursor import nothing, shown_at_a_kill
from crossbar_hil.screen.pace import SHOWN_FROM_S, Clock, Pace, time_text
from crossbar_hil.screen.view import NothingShown, Onlooker

REFRESHED = 8
"""So often in a second a view is drawn anew."""


class Lines(NothingShown):
    """Prints plain lines, without any control code."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def phase(self, what: str, *, brief: bool = False) -> None:
        """Print it, unless it is brief."""
        if not brief:
            self.print(what)

    def step(self, what: str, pace: Pace, total: int, *, brief: bool = False) -> None:
        """Print it with what is gone and left, unless it is brief."""
        self.phase("  ".join(filter(None, (what, pace.text(total)))), brief=brief)

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
        self._at_ease = nothing
        self._what, self._times = "", self._taken
        self._since = clock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._what = ""
        self._leave(transient=self.transient)

    def __rich__(self) -> RenderableType:
        return Group(*self.parts(), *([self._last_line()] if self._what else []))

    def parts(self) -> Iterable[RenderableType]:
        """Return what is above the last line."""
        return ()

    def phase(self, what: str, *, brief: bool = False) -> None:  # noqa: ARG002 - here nothing is left of a line
        """Say it in the last line, with how long it has been going on."""
        self._what, self._since, self._times = what, self._clock(), self._taken
        self._draw_now()

    def step(self, what: str, pace: Pace, total: int, *, brief: bool = False) -> None:  # noqa: ARG002 - likewise
        """Say it in the last line, with what is gone and left."""
        self._what, self._times = what, lambda: pace.text(total)
        self._draw_now()

    def hide(self) -> None:
        """Take it from the terminal until there is something new."""
        self._leave(transient=True)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take it from the terminal, and draw it again below what was printed."""
        shown = self._live is not None
        self._leave(transient=True)
        yield
        if shown:
            self._draw_now()

    def draw(self) -> None:
        """Show it from now on, as it is whenever it is drawn."""
        if self._live is None:
            together = sys.stdout.isatty()  # elsewhere it is not to go to this terminal
            self._live = Live(self, console=self._console, refresh_per_second=REFRESHED, redirect_stdout=together)
            self._at_ease = shown_at_a_kill(self._console)
            self._live.start()

    def _draw_now(self) -> None:
        """Draw at once: what follows may leave no time for it."""
        self.draw()
        if self._live is not None:
            self._live.refresh()

    def _last_line(self) -> Text:
        """Return what is waited for, as much of it as fits, and the time."""
        times = self._times()
        room = self._console.width - (len(times) + 2 if times else 0)
        text = Text(self._what, no_wrap=True)
        text.truncate(max(room, 1), overflow="ellipsis")
        return text.append(f"  {times}") if times else text

    def _taken(self) -> str:
        taken = self._clock() - self._since
        return time_text(taken) if taken >= SHOWN_FROM_S else ""

    def _leave(self, *, transient: bool) -> None:
        if self._live is not None:
            self._live.transient = transient
            self._live.stop()
            self._live = None
            self._at_ease()


def in_place(console: Console) -> bool:
    """Say whether a console is a terminal on which something can be kept in place."""
    return console.is_terminal and not console.is_dumb_terminal


def make_phases(console: Console, *, quiet: bool = False, lines: bool = False) -> NothingShown:
    """Choose how phases are told: not at all if quiet, in place on a terminal, by lines elsewhere or if wanted."""
    if quiet:
        return NothingShown()
    return Onlooker(OnTerminal(console) if in_place(console) and not lines else Lines(console))
