"""The dead-socket termination port of an emulated instrument: closing a connection there drops all its clients."""

import contextlib
import socket
from collections.abc import Callable

from .listener import Listener


class DeadSocketPort(Listener):
    """Such a port; real instruments have it on 5030.

    Parameters
    ----------
    name : str
        Name of its thread.
    drop : callable
        Drops the clients of the instrument.
    """

    def __init__(self, name: str, drop: Callable[[], None]) -> None:
        self._drop = drop
        super().__init__(name)

    def _talk(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):  # reset counts as closed
            while client.recv(4096):
                pass
        if not self._closing:
            self._drop()
