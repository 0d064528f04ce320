"""An instrument server in the hands of a nemesis: its connections, and when a message is acted on and answered."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from math import inf

from ..serving.dead_sockets import HOST, shut
from ..serving.server import InstrumentServer
from ..world.instrument import EmulatedInstrument
from .blows import Blows
from .faults import Fault
from .plan import Plan, linger_for_no_time, plan_for, reset, swap_parts

_FILLERS = 8
_UNANSWERED_S = 0.05
"""A connection on this machine that is not there after so long finds the queue full."""


class NemesisServer(InstrumentServer):
    """A server that does to messages what its nemesis says.

    Parameters
    ----------
    instrument : EmulatedInstrument
        Who answers.
    after : callable, optional
        As for every server.
    blows : Blows
        Does what is not about the connection, for a nemesis that says what hits which message.
    """

    def __init__(
        self, instrument: EmulatedInstrument, after: Callable[[], None] | None = None, *, blows: Blows
    ) -> None:
        self._nemesis, self._blows, self._world = blows.nemesis, blows, instrument.world
        self._closed, self._listens, self._parked = (threading.Event() for _ in range(3))
        self._listens.set()
        self._frozen_until = self._lost_until = -inf
        self._turned_away = 0
        self._held: dict[socket.socket, bytes] = {}
        self._cut: set[socket.socket] = set()
        super().__init__(instrument, after)
        blows.servers[instrument.name] = self

    def close(self) -> None:
        """Stop listening and drop every client, whatever was waited for."""
        self._closed.set()
        self._listens.set()
        super().close()

    # ------------------------------------------------------------------ what is done to the server

    def replace(self, instrument: EmulatedInstrument) -> None:
        """Let another instrument answer, and reset every connection."""
        self._instrument, self._in_control = instrument, 0
        for client in list(self._clients):
            self._cut.add(client)
            linger_for_no_time(client)
            with contextlib.suppress(OSError):  # gone already
                client.shutdown(socket.SHUT_RD)  # wakes the thread that waits for it, and says nothing to the client

    def freeze(self, seconds: float | None) -> None:
        """Do nothing for a while, then go on with all that has come in."""
        self._frozen_until = _until(seconds)

    def lose(self, seconds: float | None) -> None:
        """Lose all that comes in for a while; new connections hang, where the system can be made to let them."""
        self._lost_until = _until(seconds)
        listener = self._stop_listening()
        # With its queue full the system does not answer who wants to connect.
        self._listener.listen(0)
        fillers: list[socket.socket] = []
        while len(fillers) < _FILLERS:
            fillers.append(socket.socket())
            fillers[-1].setblocking(False)
            fillers[-1].connect_ex((HOST, self.port))
            if not select.select([], fillers[-1:], [], _UNANSWERED_S)[1]:
                break

        def end() -> None:
            for filler in fillers:
                filler.close()
            self._listen_again(listener)

        self._later(seconds, end)

    def refuse(self, seconds: float | None, attempts: int) -> None:
        """Refuse new connections for a while; or take the next few and reset them."""
        if attempts:
            self._turned_away = attempts
        else:
            self._later(seconds, partial(self._listen_again, self._stop_listening()))

    def _stop_listening(self) -> socket.socket:
        address = (HOST, self.port)
        self._parked.clear()
        listening = self._listens.is_set()
        self._listens.clear()
        shut(self._listener)
        if listening:
            self._parked.wait()  # the thread that accepts must not go on with the next listener
        # Bound but not listening: the system refuses, and nobody else gets the port.
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(address)
        return self._listener

    def _listen_again(self, listener: socket.socket) -> None:
        if listener is not self._listener:
            return  # something else has been done to it meanwhile
        with contextlib.suppress(OSError):  # closed meanwhile
            self._listener.listen()
        self._listens.set()

    def _later(self, seconds: float | None, action: Callable[[], None]) -> None:
        if seconds == 0:  # a thread of its own might come after who connects next
            action()
            return

        def wait() -> None:
            self._closed.wait(seconds)
            action()

        threading.Thread(target=wait, daemon=True).start()

    def _wait_until(self, end_s: float) -> bool:
        """Wait, unless the server is closed first; return whether it goes on."""
        while not self._closed.is_set() and (left_s := end_s - time.monotonic()) > 0:
            self._closed.wait(None if left_s == inf else left_s)
        return not self._closed.is_set()

    # ------------------------------------------------------------------ connections

    def _accept(self) -> None:
        while not self._closed.is_set():
            super()._accept()  # ends when its listener is taken away
            self._parked.set()
            self._listens.wait()

    def _talk(self, client: socket.socket) -> None:
        if self._turned_away > 0:
            self._turned_away -= 1
            self._clients.discard(client)
            reset(client)
            return
        super()._talk(client)
        self._held.pop(client, None)
        self._cut.discard(client)

    # ------------------------------------------------------------------ messages

    def _exchange(self, client: socket.socket, message: str) -> bool:
        world, name = self._world, self._instrument.name
        with ExitStack() as lasting:
            with world.lock:
                faults = self._nemesis.faults_at(name, message, world.chip.shape)
                plan = self._struck(message, faults, lasting) if faults else Plan(message)
            with self._arrivals.asleep():
                awake = self._wait_until(self._frozen_until)
            if client in self._cut or not awake:
                return False
            if time.monotonic() < self._lost_until:
                return True
            if plan.end and plan.when == "before":
                plan.end(client)
                return False
            answer = self._carry_out(plan.message) if plan.executed else b""
            if world.damage or plan.reboots:
                with world.at_work():
                    self._blows.enforce(name)
                    for reboot in plan.reboots:
                        self._blows.reboot(name, reboot.args["seconds"])
        if client in self._cut:
            return False
        if faults:
            with self._arrivals.asleep():
                return self._send_answer(client, plan, answer)
        if answer:
            client.sendall(answer + self._held.pop(client, b""))
        return not self._closed.is_set()

    def _struck(self, message: str, faults: list[Fault], lasting: ExitStack) -> Plan:
        """Do what hits a message before it is acted on, and return how to go on with it."""
        with self._world.at_work():
            plan = plan_for(message, faults, self._nemesis.generator())
            for fault in faults:
                self._blows.strike(fault, self._instrument.name, message, lasting)
        return plan

    def _send_answer(self, client: socket.socket, plan: Plan, answer: bytes) -> bool:
        """Answer as planned; return whether the client may go on."""
        answer = self._swap_if_planned(client, plan, answer)
        for change in plan.changes:
            answer = change(answer)
        if not self._wait_until(time.monotonic() + plan.late_s):
            return False
        if plan.end and plan.when != "after":
            answer = b"" if plan.when == "instead" else answer[: len(answer) // 2]
        step = 1 if plan.per_byte_s else max(len(answer), 1)
        for start in range(0, len(answer), step):
            client.sendall(answer[start : start + step])
            if not self._wait_until(time.monotonic() + plan.per_byte_s):
                return False
        if plan.end:
            plan.end(client)
            return False
        if plan.unread_s:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        return self._wait_until(time.monotonic() + plan.unread_s)

    def _swap_if_planned(self, client: socket.socket, plan: Plan, answer: bytes) -> bytes:
        """Exchange two parts of an answer, if planned; one that has no parts comes after the next one instead."""
        if not plan.swap:
            return answer + self._held.pop(client, b"") if answer else answer
        parts = swap_parts(answer)
        if parts is None:
            self._held[client] = self._held.get(client, b"") + answer
        return parts or b""


def _until(seconds: float | None) -> float:
    return inf if seconds is None else time.monotonic() + seconds
