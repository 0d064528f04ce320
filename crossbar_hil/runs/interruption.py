"""Ctrl-C as a wish: the first one asks for a stop after what is under way, the second one interrupts at once."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(Exception):  # noqa: N818 - it names what happened
    """Ctrl-C was pressed and what was under way is over."""


class Stop:
    """Whether a stop is wanted.

    Parameters
    ----------
    request : callable
        Called with the cause at the first Ctrl-C, from the signal handler.
    """

    wanted = False

    def __init__(self, request: Callable[[str], None]) -> None:
        self._request = request

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        """Take note of a signal."""
        self.wanted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._request("Ctrl-C was pressed")

    def leave_if_wanted(self) -> None:
        """Leave what is under way here, where it can be left.

        Raises
        ------
        Interrupted
            If a stop is wanted.
        """
        if self.wanted:
            raise Interrupted


@contextmanager
def stop_on_interrupt(request: Callable[[str], None]) -> Iterator[Stop]:
    """Take Ctrl-C as a wish for the length of a ``with`` block."""
    stop = Stop(request)
    try:
        before = signal.signal(signal.SIGINT, stop)
    except ValueError:  # not in the main thread, where no signal arrives anyway
        yield stop
        return
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
