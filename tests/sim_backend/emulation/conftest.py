"""What the tests of several emulated instruments share."""

import pytest

import crossbar_hil
from crossbar_hil.instruments.transport import adapter, link
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.world.world import World

from ...called import called


class Talk:
    """One emulated instrument on a chip of seed 1, spoken to without a socket.

    `wires` are pairs of nodes; whatever else is given goes to the instrument.
    """

    def __init__(self, kind, wires=(), name="smu", **options):
        self.chip = crossbar_hil.open_bench(seed=1)
        self.world = World(self.chip)
        self.box = kind(self.world, name, **options)
        for first, second in wires:
            self.world.add_wire(first, second)

    def say(self, *messages):
        """Send messages that have no answer."""
        for message in messages:
            assert self.box.receive(message) == b"", message

    def raw(self, message):
        """Send a message and return the bytes of its answer."""
        return self.box.receive(message)

    def ask(self, message):
        """Send a message and return its answer as text, without the line feed."""
        return self.raw(message).decode().removesuffix("\n")

    def numbers(self, message):
        return [float(text) for text in self.ask(message).split(",")]

    def error(self):
        """Return the code of the oldest error, 0 if there is none."""
        return int(self.ask(":SYST:ERR?").split(",")[0])

    def refused(self, message):
        """Send a message and return the code of the error that it makes."""
        self.box.receive("*CLS")
        self.box.receive(message)
        return self.error()


@pytest.fixture
def world():
    """Return a world with a chip of seed 1 in it and nothing else."""
    return World(crossbar_hil.open_bench(seed=1))


@pytest.fixture
def talk():
    """Make an emulated instrument to talk to: talk(kind, wires, **options)."""
    return Talk


@pytest.fixture(scope="module")
def called_instruments():
    """Have drivers call emulated instruments, where no socket is what a module is about."""
    with called():
        yield


@pytest.fixture
def over_sockets(monkeypatch):
    """Have drivers speak over sockets all the same."""
    monkeypatch.setattr(adapter, "open_link", link.open_link)


@pytest.fixture
def over_visa():
    """Serve an emulated instrument and return a PyMeasure adapter that speaks to it."""
    from pymeasure.adapters import VISAAdapter

    opened = []

    def connect(box):
        server = InstrumentServer(box)
        made = VISAAdapter(
            f"TCPIP::127.0.0.1::{server.port}::SOCKET",
            visa_library="@py",
            read_termination="\n",
            write_termination="\n",
        )
        opened.append((made, server))
        return made

    yield connect
    for each, server in opened:
        each.close()
        server.close()
