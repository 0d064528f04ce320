"""Emulated instruments of this process that are called, where no socket is what a test is about.

Everything else is as ever: VISA names, adapters, deadlines. An exchange takes a third of the time, and an answer that
does not come is not waited for.
"""

from contextlib import contextmanager

import pytest

from crossbar_hil.errors import DeadlineError
from crossbar_hil.instruments.transport import adapter, link
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer


class CalledLink(link.Link):
    """A session with an instrument that is served in this process."""

    def __init__(self, server):
        self._server, self._begun, self._said = server, "", b""

    def write(self, content, until):
        *messages, self._begun = (self._begun + content.decode("latin-1")).split("\n")
        for message in messages:
            self._said += self._server._carry_out(message)

    def read(self, until):
        if not self._said:
            raise DeadlineError(f"{self._server.resource} did not answer in time")
        return link.Chunk(self.unread(), ended=False)

    def unread(self):
        said, self._said = self._said, b""
        return said

    def close(self):
        pass


@contextmanager
def called():
    """Have adapters call the instruments that are served from now on, but for those whose connections may fail."""
    served = {}
    begin, end, opened = InstrumentServer.__init__, InstrumentServer.close, link.open_link

    def begun(self, *about):
        begin(self, *about)
        if type(self) is InstrumentServer:
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
