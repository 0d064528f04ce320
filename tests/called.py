"""Emulated instruments of this process that are called, where no socket is what a test is about.

Everything else is as ever: VISA names, adapters, deadlines, and what a nemesis does to a message, its answer and the
connection. An exchange takes a third of the time, and an answer that does not come is not waited for.
"""

from contextlib import contextmanager

import pytest

from crossbar_hil.errors import ConnectionLost, DeadlineError
from crossbar_hil.instruments.transport import adapter, link
from crossbar_hil.sim_backend.emulation.nemesis.server import NemesisServer
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer

NEED_SOCKETS = {"late", "dribble", "noread", "freeze", "blackhole", "refuse"}
"""What a nemesis does that takes time, or is done to a socket that listens."""


class CalledLink(link.Link):
    """A session with an instrument that is served in this process, and the connection that its server sees."""

    def __init__(self, server):
        self._server, self._begun, self._said, self._gone = server, "", b"", False
        server._clients.add(self)

    def write(self, content, until):
        self._look()
        *messages, self._begun = (self._begun + content.decode("latin-1")).split("\n")
        for message in messages:
            if not self._gone and not self._server._exchange(self, message):
                self.close()

    def read(self, until):
        if not self._said:
            self._look()
            raise DeadlineError(f"{self._server.resource} did not answer in time")
        return link.Chunk(self.unread(), ended=False)

    def unread(self):
        if not self._said:
            self._look()
        said, self._said = self._said, b""
        return said

    def _look(self):
        if self._gone:
            raise ConnectionLost(f"{self._server.resource} has closed the connection")

    def close(self):
        self._gone = True
        self._server._clients.discard(self)

    # ------------------------------------------------------------------ as its server sees it

    def sendall(self, answer):
        self._said += answer

    def setsockopt(self, *option):
        pass  # how it ends

    def shutdown(self, how):
        self.close()


@contextmanager
def called(*, nemesis=False):
    """Have adapters call the instruments that are served from now on; those of a nemesis only if it is said."""
    served, kinds = {}, (InstrumentServer, NemesisServer)[: 1 + nemesis]
    begin, end, opened = InstrumentServer.__init__, InstrumentServer.close, link.open_link

    def begun(self, *about):
        begin(self, *about)
        if type(self) in kinds:
            served[self.resource] = self

    def ended(self):
        served.pop(self.resource, None)
        end(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InstrumentServer, "__init__", begun)
        patch.setattr(InstrumentServer, "close", ended)
        patch.setattr(
            adapter,
            "open_link",
            lambda resource, *how: CalledLink(served[resource]) if resource in served else opened(resource, *how),
        )
        yield
