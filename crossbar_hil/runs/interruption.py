"""Ctrl-C as a wish: the first one asks for a stop after what is under way, the second one interrupts at once.

A window has a button instead.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from crossbar_hil.guard.client import handled_by


class Interrupted(Exception):  # noqa: N818 - it names what happened
    """Ctrl-C was pressed and what was under way is over."""


class Button:
    """A wish to stop that comes from another thread, such as that of a window; once pressed it stays so."""

    def __init__(self) -> None:
        self.pressed = False
        self._cause = ""
        self._request: Callable[[str], None] | None = None
        self._turn = threading.Lock()

    def press(self, cause: str) -> None:
        """Ask for a stop after what is under way, or after what will be."""
        with self._turn:
            self.pressed, self._cause = True, cause
            if self._request is not None:
                self._request(cause)

    @contextmanager
    def wired_to(self, request: Callable[[str], None]) -> Iterator[None]:
        """Pass the wish on for the length of a ``with`` block, at once if it was made before."""
        with self._turn:
            self._request = request
            if self.pressed:
                request(self._cause)
        try:
            yield
        finally:
            with self._turn:
                self._request = None


class Stop:
    """Whether a stop is wanted.

    Parameters
    ----------
    request : callable
        Called with the cause at the first Ctrl-C, from the signal handler.
    button : Button
        Another way to want it.
    """

    wanted = False

    def __init__(self, request: Callable[[str], None], button: Button) -> None:
        self._request, self._button = request, button

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
        if self.wanted or self._button.pressed:
            raise Interrupted


@contextmanager
def stop_on_interrupt(request: Callable[[str], None], button: Button | None = None) -> Iterator[Stop]:
    """Take Ctrl-C, or a button, as a wish for the length of a ``with`` block."""
    button = button or Button()
    stop = Stop(request, button)
    with button.wired_to(request), handled_by(stop):
        yield stop
