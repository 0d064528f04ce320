"""Serve emulated instruments on loopback TCP: one port each, lines in, lines out.

As on the LAN interfaces of the TSP instruments (2600B reference manual, LAN communications) several clients may be
connected, but one is in control. Whoever sends a message takes control over, and finds nothing left of what the one
before had only begun.
"""

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from ..world.instrument import EmulatedInstrument
from .arrivals import arrivals_at
from .dead_sockets import HOST, DeadSocketPort, shut

LONGEST_LINE = 1 << 20
"""A client that sends more than this without a line feed is thrown out."""


class InstrumentServer:
    """A raw socket in front of one emulated instrument, on a free port of the loopback interface.

    Several clients may be connected; one message is carried out at a time. A client that goes away leaves outputs and
    relays as they are, as real boxes do.

    Parameters
    ----------
    instrument : EmulatedInstrument
        Who answers.
    after : callable, optional
        Called after each message, when nobody else acts on the world, before its answer is sent.
    """

    def __init__(self, instrument: EmulatedInstrument, after: Callable[[], None] | None = None) -> None:
        self._instrument, self._after = instrument, after
        self._arrivals = arrivals_at(instrument.world)
        self._listener = socket.create_server((HOST, 0))
        self._clients: set[socket.socket] = set()
        self._in_control = 0  # the thread of the client that is; 0 if none is
        self._closing = False
        self._dead_sockets = None
        if instrument.dead_socket_termination:
            self._dead_sockets = DeadSocketPort(f"dead sockets of emulated {instrument.name}", self._drop_clients)
        self._thread = threading.Thread(target=self._accept, name=f"emulated {instrument.name}", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The TCP port."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def dead_socket_port(self) -> int | None:
        """The TCP port on which closing a connection drops every client; None if the instrument has none."""
        return self._dead_sockets.number if self._dead_sockets else None

    @property
    def resource(self) -> str:
        """The VISA resource name."""
        return f"TCPIP0::{HOST}::{self.port}::SOCKET"

    def close(self) -> None:
        """Stop listening and drop every client."""
        self._closing = True
        if self._dead_sockets:
            self._dead_sockets.close()
        shut(self._listener)  # one that is only closed keeps its thread waiting in accept
        self._drop_clients()
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _drop_clients(self) -> None:
        for client in list(self._clients):
            shut(client)

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
        begun = b""
        try:
            while found := self._arrivals.take(client, begun):
                messages, begun = found
                for message in messages:
                    with self._arrivals.heard(message):
                        if not self._exchange(client, message):
                            return
                if len(begun) > LONGEST_LINE:
                    return
        except (OSError, ValueError):  # gone, or closed here and so without a number
            return
        finally:
            self._arrivals.forget()
            self._clients.discard(client)
            client.close()
            self._leave_control()

    def _exchange(self, client: socket.socket, message: str) -> bool:
        """Have a message carried out and answer it; return whether the client may go on."""
        answer = self._carry_out(message)
        if answer:
            client.sendall(answer)
        return True

    def _carry_out(self, message: str) -> bytes:
        """Return all that a message makes the instrument say."""
        with self._instrument.world.at_work():
            self._take_control()
            answer = self._instrument.receive(message)
            if self._after:
                self._after()
        self._arrivals.note_answered()
        return answer

    def _take_control(self) -> None:
        """Put the client of this thread in control, if it is not."""
        if self._in_control != threading.get_ident():
            self._in_control = threading.get_ident()
            self._instrument.ports["rawsocket"] = self.port
            if self._dead_sockets:
                self._instrument.ports["dst"] = self._dead_sockets.number
            self._instrument.note_takeover()

    def _leave_control(self) -> None:
        if self._in_control == threading.get_ident():
            self._in_control = 0
