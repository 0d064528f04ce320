"""In which order what is said to several instruments of a bench is heard: as it was said.

Each connection has a thread of its own, so that a message could be acted on after one that was sent later to another
instrument. Where both only tell, that makes no difference. A question lets time pass: so it waits until everything has
been heard that came in before it. Who only begins a reading, and then asks another instrument, has begun it first.
"""

import select
import socket
import threading
import time
from collections import Counter
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
    """What has come in for the instruments of one bench and was not acted on; each thread listens to one client."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._listening: dict[int, select.poll] = {}
        self._all = select.poll()
        self._thread_of: dict[int, int] = {}
        """By the number of the socket."""
        self._unheard: Counter[int] = Counter()
        self._busy: set[int] = set()
        """Threads that are asked something, or sleep: what has come in for them is not waited for."""

    def take(self, client: socket.socket, begun: bytes) -> tuple[list[str], bytes] | None:
        """Wait for what the client of this thread says; None when it has gone.

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
        me = threading.get_ident()
        if client.fileno() < 0:
            raise ConnectionAbortedError("closed here")
        readable = self._listening.get(me) or self._listen(me, client)
        readable.poll()
        with self._changed:
            taken = client.recv(CHUNK)
            *lines, begun = (begun + taken).split(b"\n")
            messages = [line.rstrip(b"\r").decode("latin-1") for line in lines]
            self._unheard[me] += sum(not asks(each) for each in messages)
            self._changed.notify_all()
        return (messages, begun) if taken else None

    def _listen(self, me: int, client: socket.socket) -> select.poll:
        """Begin to listen to a client in this thread."""
        readable = select.poll()
        with self._changed:
            number = client.fileno()
            for each in (readable, self._all):
                each.register(number, select.POLLIN)
            self._thread_of[number], self._listening[me] = me, readable
        return readable

    @contextmanager
    def heard(self, message: str) -> Iterator[None]:
        """Act on a message in a ``with`` block: on a question after all that others were told before it."""
        if asks(message):
            self._wait_for_others()
        try:
            yield
        finally:
            with self._changed:
                self._busy.discard(threading.get_ident())
                self._unheard[threading.get_ident()] -= not asks(message)
                self._changed.notify_all()

    def note_answered(self) -> None:
        """Take note that a question was acted on: as soon as its answer is sent its client may say more."""
        with self._changed:
            self._busy.discard(threading.get_ident())

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Let nobody wait for what comes in for this thread in a ``with`` block, nor for what it acts on."""
        me = threading.get_ident()
        with self._changed:
            unheard, self._unheard[me] = self._unheard[me], 0
            self._busy.add(me)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._unheard[me] = unheard
                self._busy.discard(me)

    def forget(self) -> None:
        """Take note that the client of this thread has gone."""
        me = threading.get_ident()
        with self._changed:
            self._listening.pop(me, None)
            for number in [each for each, thread in self._thread_of.items() if thread == me]:
                del self._thread_of[number]
                self._all.unregister(number)
            self._unheard.pop(me, None)
            self._busy.discard(me)
            self._changed.notify_all()

    def _wait_for_others(self) -> None:
        me, until_s = threading.get_ident(), time.monotonic() + PATIENCE_S
        with self._changed:
            self._busy.add(me)
            self._changed.notify_all()
            while (untaken := self._untaken()) or any(count for each, count in self._unheard.items() if each != me):
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    return
                self._changed.wait(min(left_s, LOOK_S) if untaken else left_s)

    def _untaken(self) -> bool:
        """Say whether something has come in that a thread could take and has not."""
        return any(self._thread_of[number] not in self._busy for number, _ in self._all.poll(0))


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
