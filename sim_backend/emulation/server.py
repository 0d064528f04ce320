"""Serve emulated instruments on loopback TCP: one port each, lines in, lines out."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

from .instrument import EmulatedInstrument

HOST = "127.0.0.1"
LONGEST_LINE = 1 << 20
"""A client that sends more than this without a line feed is thrown out."""


class InstrumentServer:
    """A raw SCPI socket in front of one emulated instrument, on a free port of the loopback interface.

    Several clients may be connected; one message is carried out at a time. A client that goes away leaves outputs and
    relays as they are, as real boxes do.
    """

    def __init__(self, instrument: EmulatedInstrument) -> None:
        self._instrument = instrument
        self._listener = socket.create_server((HOST, 0))
        self._clients: set[socket.socket] = set()
        self._closing = False
        self._thread = threading.Thread(target=self._accept, name=f"emulated {instrument.name}", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The TCP port."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def resource(self) -> str:
        """The VISA resource name."""
        return f"TCPIP0::{HOST}::{self.port}::SOCKET"

    def close(self) -> None:
        """Stop listening and drop every client."""
        self._closing = True
        # A listener that is only closed keeps its thread waiting in accept.
        for each in (self._listener, *list(self._clients)):
            with contextlib.suppress(OSError):  # gone already
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._clients.add(client)
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        pending = b""
        try:
            while chunk := client.recv(65536):
                pending += chunk
                *lines, pending = pending.split(b"\n")
                for line in lines:
                    with self._instrument.world.lock:
                        answer = self._instrument.receive(line.rstrip(b"\r").decode("latin-1"))
                    if answer:
                        client.sendall(answer)
                if len(pending) > LONGEST_LINE:
                    return
        except OSError:
            return
        finally:
            self._clients.discard(client)
            client.close()
