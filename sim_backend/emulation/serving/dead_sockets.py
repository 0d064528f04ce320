"""The dead-socket termination port of an emulated instrument: closing a connection there drops all its clients."""

import contextlib
import socket
import threading
from collections.abc import Callable

HOST = "127.0.0.1"


class DeadSocketPort:
    """A listening socket on a free port of the loopback interface; real instruments have it on 5030.

    Parameters
    ----------
    name : str
        Name of its thread.
    drop : callable
        Drops the clients of the instrument.
    """

    def __init__(self, name: str, drop: Callable[[], None]) -> None:
        self._drop = drop
        self._listener = socket.create_server((HOST, 0))
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, name=name, daemon=True)
        self._thread.start()

    @property
    def number(self) -> int:
        """The TCP port."""
        number: int = self._listener.getsockname()[1]
        return number

    def close(self) -> None:
        """Stop listening."""
        self._drop = lambda: None
        for each in (self._listener, *list(self._connections)):
            shut(each)
        self._thread.join(timeout=5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                self._connections.add(connection)
                threading.Thread(target=self._wait_for_end, args=(connection,), daemon=True).start()

    def _wait_for_end(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # reset counts as closed
            while connection.recv(4096):
                pass
        self._connections.discard(connection)
        self._drop()
        connection.close()


def shut(connection: socket.socket) -> None:
    """Close a socket, and wake whoever waits for it."""
    with contextlib.suppress(OSError):  # gone already
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
