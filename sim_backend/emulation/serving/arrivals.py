"""In which order what is said to several instruments of a bench is heard: as it was said.

Each connection has a thread of its own, so that a message could be acted on after one that was sent later to another
instrument. Where both only tell, that makes no difference. A question lets time pass: so it waits until everything has
been heard that came in before it. Who only begins a reading, and then asks another instrument, has begun it first.
"""

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from ..world.world import World

CHUNK = 65536
PATIENCE_S = 0.2
"""So long a question waits at most: what is not heard by then waits for something else."""
LOOK_S = 1e-3
"""Between two looks whether what has come in was taken."""


class Arrivals:
    """What has come in for the instruments of one bench and was not acted on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._listening: set[socket.socket] = set()
        self._unheard: dict[socket.socket, int] = {}

    def take(self, client: socket.socket, begun: bytes) -> tuple[list[str], bytes] | None:
        """Wait for what a client says; None when it has gone.

        Parameters
        ----------
        begun : bytes
            Beginning of a message that has come in.

        Returns
        -------
        messages : list of str
            What has come in whole, without line feeds.
        begun : bytes
            Beginning of the next one.

        Raises
        ------
        OSError
            If the connection was closed.
        """
        with self._changed:
            self._listening.add(client)
        try:
            readable = select.poll()
            readable.register(client, select.POLLIN)
            readable.poll()
        except ValueError as error:  # closed here, and so without a number
            raise ConnectionAbortedError(str(error)) from error
        finally:
            with self._changed:
                self._listening.discard(client)
                taken = client.recv(CHUNK) if client.fileno() >= 0 else b""
                *lines, begun = (begun + taken).split(b"\n")
                messages = [line.rstrip(b"\r").decode("latin-1") for line in lines]
                self._unheard[client] = self._unheard.get(client, 0) + sum(not asks(each) for each in messages)
                self._changed.notify_all()
        return (messages, begun) if taken else None

    @contextmanager
    def heard(self, client: socket.socket, message: str) -> Iterator[None]:
        """Act on a message in a ``with`` block: on a question after all that others were told before it."""
        if asks(message):
            self._wait_for_others(client)
            yield
            return
        try:
            yield
        finally:
            self.note_heard(client)

    def note_heard(self, client: socket.socket, *, all_of_it: bool = False) -> None:
        """Take note that one thing that a client told was heard, or that the rest never will be."""
        with self._changed:
            left = 0 if all_of_it else self._unheard.get(client, 0) - 1
            self._unheard[client] = max(left, 0)
            self._changed.notify_all()

    def forget(self, client: socket.socket) -> None:
        """Take note that a client has gone."""
        with self._changed:
            self._unheard.pop(client, None)
            self._changed.notify_all()

    def _wait_for_others(self, client: socket.socket) -> None:
        until_s = time.monotonic() + PATIENCE_S
        with self._changed:
            while (untaken := self._untaken()) or any(
                count for each, count in self._unheard.items() if each is not client
            ):
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    return
                self._changed.wait(min(left_s, LOOK_S) if untaken else left_s)

    def _untaken(self) -> bool:
        """Say whether something has come in that nobody has taken."""
        look = select.poll()
        for each in self._listening:
            if each.fileno() >= 0:
                look.register(each, select.POLLIN)
        return bool(look.poll(0))


def asks(message: str) -> bool:
    """Say whether a message has an answer, as far as can be told from its text.

    >>> asks(":READ?"), asks("print(smua.measure.i())"), asks(":INIT")
    (True, True, False)
    """
    return "?" in message or "print" in message


_AT: WeakKeyDictionary[World, Arrivals] = WeakKeyDictionary()


def arrivals_at(world: World) -> Arrivals:
    """Return the arrivals of all instruments that share a world."""
    return _AT.setdefault(world, Arrivals())
