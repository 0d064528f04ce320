"""A listening socket on a free port of the loopback interface, with a thread for each connection."""

import contextlib
import socket
import threading
from abc import ABC, abstractmethod

HOST = "127.0.0.1"


class Listener(ABC):
    """Accepts connections and talks to each until it ends; listens from the begin.

    Parameters
    ----------
    name : str
        Name of its thread.
    """

    def __init__(self, name: str) -> None:
        self._listener = socket.create_server((HOST, 0))
        self._clients: set[socket.socket] = set()
        self._closing = False
        self._thread = threading.Thread(target=self._accept, name=name, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The TCP port."""
        port: int = self._listener.getsockname()[1]
        return port

    def close(self) -> None:
        """Stop listening and drop every client."""
        self._closing = True
        shut(self._listener)  # one that is only closed keeps its thread waiting in accept
        self.drop_clients()
        self._thread.join(timeout=5)

    def drop_clients(self) -> None:
        """End every connection."""
        for client in list(self._clients):
            shut(client)

    @abstractmethod
    def _talk(self, client: socket.socket) -> None:
        """Talk to a client until it has gone or is to go."""

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._clients.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):  # reset counts as gone
            self._talk(client)
        self._clients.discard(client)
        client.close()


def shut(connection: socket.socket) -> None:
    """Close a socket, and wake whoever waits for it."""
    with contextlib.suppress(OSError):  # gone already
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
