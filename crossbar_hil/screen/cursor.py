"""The cursor, hidden while something stays in place on a terminal, comes back when the process is told to end."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from rich.console import Console

SHOW = b"\x1b[?25h"
"""Shows the cursor: DECTCEM, VT220 Programmer Reference Manual, chapter 4."""


def nothing() -> None:
    """Do nothing."""


def shown_at_a_kill(console: Console) -> Callable[[], None]:
    """Let SIGTERM, of which the process dies as ever, show the cursor first; return what undoes that.

    Nothing is changed where somebody else cares for the signal, or in a thread, which may not.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return nothing
    try:
        terminal, owner = console.file.fileno(), os.getpid()
    except (OSError, ValueError, AttributeError):  # no file of the system
        return nothing

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as Python calls it
        if os.getpid() == owner:  # and no worker that was forked meanwhile
            with suppress(OSError):
                os.write(terminal, SHOW)  # at once: a lock of the view may be held
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def undo() -> None:
        if signal.getsignal(signal.SIGTERM) is end:
            with suppress(ValueError):  # in a thread
                signal.signal(signal.SIGTERM, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, end)
    return undo
