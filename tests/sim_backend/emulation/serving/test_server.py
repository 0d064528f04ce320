import functools
import socket
import threading

import pytest

from crossbar_hil import open_bench
from crossbar_hil.sim_backend.emulation.models.keithley707b.model import EmulatedKeithley707B
from crossbar_hil.sim_backend.emulation.models.keithley2400.model import EmulatedKeithley2400
from crossbar_hil.sim_backend.emulation.models.keithley2600.model import EmulatedKeithley2602B
from crossbar_hil.sim_backend.emulation.serving import arrivals
from crossbar_hil.sim_backend.emulation.serving.server import LONGEST_LINE, InstrumentServer
from crossbar_hil.sim_backend.emulation.world.world import World

chip = functools.cache(lambda: open_bench(seed=1))  # no voltage here moves a cell


class Client:
    """One connection to a port of the loopback interface."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._lines = self._socket.makefile("rb")

    def send(self, *lines):
        self._socket.sendall("".join(f"{line}\n" for line in lines).encode("latin-1"))

    def send_bytes(self, chunk):
        self._socket.sendall(chunk)

    def read(self):
        return self._lines.readline().decode("latin-1").rstrip("\n")

    def ask(self, *lines):
        self.send(*lines)
        return self.read()

    def is_dropped(self):
        try:
            return self._lines.readline() == b""
        except ConnectionResetError:
            return True

    def close(self):
        self._lines.close()
        self._socket.close()


@pytest.fixture
def smu():
    return EmulatedKeithley2602B(World(chip()), "smu")


@pytest.fixture
def server(smu):
    with InstrumentServer(smu) as server:
        yield server


@pytest.fixture
def connect():
    clients = []

    def one(port):
        clients.append(Client(port))
        return clients[-1]

    yield one
    for client in clients:
        client.close()


# ---------------------------------------------------------------------------------------------- lines


def test_a_message_ends_at_its_line_feed_wherever_packets_end(server, connect):
    client = connect(server.port)
    for piece in (b"prin", b"t(1)\r\npr", b"int(2)", b"\n"):
        client.send_bytes(piece)
    assert [client.read(), client.read()] == ["1.00000e+00", "2.00000e+00"]


def test_a_line_without_an_end_is_the_end_of_its_client_only(server, connect):
    patient, endless = connect(server.port), connect(server.port)
    assert patient.ask("print(1)") == "1.00000e+00"
    with pytest.raises(ConnectionError):
        endless.send_bytes(b"x" * 16 * LONGEST_LINE)
    assert endless.is_dropped()
    assert patient.ask("print(1)") == "1.00000e+00"


def test_a_client_that_goes_leaves_outputs_and_relays_as_they_are(server, smu, connect):
    client = connect(server.port)
    assert client.ask("smua.source.levelv = 0.1 smua.source.output = 1 print(smua.source.output)") == "1.00000e+00"
    client.close()
    assert connect(server.port).ask("print(smua.source.output, smua.source.levelv)") == "1.00000e+00\t1.00000e-01"
    assert smu.world.terminal("smu.a").on


def test_closing_the_server_drops_its_clients_and_frees_its_ports(smu, connect):
    with InstrumentServer(smu) as server:
        ports = server.port, server.dead_socket_port
        client, watcher = connect(ports[0]), connect(ports[1])
        assert client.ask("print(1)") == "1.00000e+00"
    assert client.is_dropped()
    assert watcher.is_dropped()
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=60)


# ---------------------------------------------------------------------------------------------- control


def test_each_client_reads_the_answers_to_its_own_messages(server, connect):
    wrong = []

    def talk(number):
        client = connect(server.port)
        for count in range(50):
            if client.ask(f"x = {number} print('{number}', {count}, x)") != f"{number}\t{count:.5e}\t{number:.5e}":
                wrong.append((number, count))

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_another_client_had_begun_to_load_is_gone(server, connect):
    first, second = connect(server.port), connect(server.port)
    assert first.ask("localnode.prompts = 1") == "TSP>"
    assert first.ask("loadscript half") == ">>>>"
    assert second.ask("print('mine')") == "mine"
    assert second.read() == "TSP>"
    assert first.ask("print('not in a script')") == "not in a script"


def test_a_client_that_comes_back_does_not_write_into_the_script_it_was_cut_off_in(server, connect):
    first = connect(server.port)
    assert first.ask("localnode.prompts = 1") == "TSP>"
    assert first.ask("loadscript half") == ">>>>"
    first.close()
    assert connect(server.port).ask("print('back')") == "back"


# ---------------------------------------------------------------------------------------------- dead sockets


def test_closing_a_dead_socket_connection_drops_every_client_and_nothing_else(server, smu, connect):
    clients = [connect(server.port) for _ in range(3)]
    for client in clients:
        assert client.ask("smua.source.output = 1 print(1)") == "1.00000e+00"
    connect(server.dead_socket_port).close()
    assert all(client.is_dropped() for client in clients)
    assert smu.world.terminal("smu.a").on
    assert connect(server.port).ask("print(smua.source.output)") == "1.00000e+00"


def test_an_open_dead_socket_connection_drops_nobody_whatever_it_says(server, connect):
    client, dead = connect(server.port), connect(server.dead_socket_port)
    dead.send("*IDN?", "abort")
    assert client.ask("print(1)") == "1.00000e+00"


def test_a_dead_socket_connection_of_one_instrument_leaves_the_others_alone(connect):
    world = World(chip())
    with (
        InstrumentServer(EmulatedKeithley2602B(world, "smu")) as smu,
        InstrumentServer(EmulatedKeithley707B(world, "matrix")) as matrix,
    ):
        to_smu, to_matrix = connect(smu.port), connect(matrix.port)
        assert to_smu.ask("*OPC?") == to_matrix.ask("*OPC?") == "1"
        connect(matrix.dead_socket_port).close()
        assert to_matrix.is_dropped()
        assert to_smu.ask("*OPC?") == "1"


def test_an_instrument_tells_on_which_ports_it_is_served(server, connect):
    told = connect(server.port).ask("print(lan.status.port.rawsocket, lan.status.port.dst, lan.status.port.telnet)")
    assert [float(word) for word in told.split("\t")] == [server.port, server.dead_socket_port, 23]


def test_an_instrument_without_a_lan_has_no_dead_socket_port():
    with InstrumentServer(EmulatedKeithley2400(World(chip()), "smu")) as server:
        assert server.dead_socket_port is None


def test_a_served_bench_names_the_dead_socket_ports_of_those_that_have_one(emulated_bench, connect):
    assert set(emulated_bench.dead_socket_ports) == {"smu", "matrix"}
    client = connect(int(emulated_bench.resources["matrix"].split("::")[2]))
    assert client.ask("*OPC?") == "1"
    connect(emulated_bench.dead_socket_ports["matrix"]).close()
    assert client.is_dropped()


class SlowToHear(InstrumentServer):
    """A server whose thread is late to act on what it was told."""

    def __init__(self, instrument):
        self.may_hear = threading.Event()
        super().__init__(instrument)

    def _exchange(self, client, message):
        assert self.may_hear.wait(60)
        return super()._exchange(client, message)


def test_a_question_is_acted_on_after_what_another_instrument_was_told_before_it(connect, monkeypatch):
    monkeypatch.setattr(arrivals, "PATIENCE_S", 60.0)
    world, order = World(chip()), []

    class Noting(EmulatedKeithley2400):
        def receive(self, message):
            order.append((self.name, message))
            return super().receive(message)

    with SlowToHear(Noting(world, "told")) as told, InstrumentServer(Noting(world, "asked")) as asked:
        first, second = connect(told.port), connect(asked.port)
        told.may_hear.set()
        assert first.ask("*IDN?") == second.ask("*IDN?")  # both have a thread by now
        told.may_hear.clear()
        order.clear()
        first.send(":SOUR:VOLT 0.1")
        second.send("*IDN?")
        late = threading.Thread(target=told.may_hear.set)
        assert order == []  # nobody answers before it was heard
        late.start()
        assert "2400" in second.read()
        late.join()
        assert order == [("told", ":SOUR:VOLT 0.1"), ("asked", "*IDN?")]
        assert first.ask("*IDN?") == second.ask("*IDN?")  # and who asks itself waits for nobody


def test_an_instrument_that_hears_nothing_keeps_no_other_one_waiting_for_long(connect):
    world = World(chip())
    with SlowToHear(EmulatedKeithley2400(world, "told")) as told:
        with InstrumentServer(EmulatedKeithley2400(world, "asked")) as asked:
            connect(told.port).send(":SOUR:VOLT 0.1")
            assert "2400" in connect(asked.port).ask("*IDN?")
        told.may_hear.set()
