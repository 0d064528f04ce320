"""The transport against a scripted peer: every way of failing ends within the deadline, in the right error."""

import contextlib
import gc
import math
import socket
import socketserver
import threading
import time
from types import SimpleNamespace
from typing import ClassVar

import pytest
import pyvisa
from pymeasure.adapters import ProtocolAdapter
from pymeasure.instruments import Instrument
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from crossbar_hil.errors import ConfigError, ConnectionLost, DeadlineError, GarbledReply, TransportError
from crossbar_hil.instruments.transport import adapter as adapter_module
from crossbar_hil.instruments.transport import link as link_module
from crossbar_hil.instruments.transport.adapter import BenchAdapter, blind_write
from crossbar_hil.instruments.transport.instrument import BenchInstrument, off_after_a_failure
from crossbar_hil.instruments.transport.link import Chunk, SocketLink, VisaLink, open_link
from crossbar_hil.instruments.tsp.instrument import PROMPTS

DEADLINE_S = 0.2
"""Where the deadline is meant to run out."""
PATIENCE_S, LONG_S = 30.0, 60.0
"""Where it is not, and how long peers wait: a busy machine is not a failure."""
BUFFER_BYTES, MORE_THAN_BUFFERS = 1 << 16, 8_000_000


class Peer:
    """A server on loopback that serves connections one after the other, each with the next of its scripts."""

    def __init__(self, *scripts):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)  # of its connections too
        self.listener.settimeout(LONG_S)
        self.port = self.listener.getsockname()[1]
        self.resource = f"TCPIP::127.0.0.1::{self.port}::SOCKET"
        self.lines = []
        self.heard = threading.Condition()
        self.go = threading.Event()
        self.thread = threading.Thread(target=self._serve, args=(scripts,), daemon=True)
        self.thread.start()

    def _serve(self, scripts):
        for script in scripts:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(LONG_S)
            with connection, contextlib.suppress(OSError):
                script(self, connection)

    def line(self, connection):
        got = bytearray()
        while not got.endswith(b"\n"):
            byte = connection.recv(1)
            if not byte:
                raise OSError("closed")
            got += byte
        with self.heard:
            self.lines.append(got[:-1].decode())
            self.heard.notify_all()

    def wait_for_lines(self, count):
        with self.heard:
            assert self.heard.wait_for(lambda: len(self.lines) >= count, LONG_S)

    def close(self):
        self.go.set()
        self.listener.close()
        self.thread.join(LONG_S)


@pytest.fixture
def peer():
    made = []

    def make(*scripts):
        made.append(Peer(*scripts))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def opened():
    made = []

    def make(peer, **options):
        made.append(BenchAdapter(peer.resource, deadline_s=PATIENCE_S, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def small_buffers(adapter):
    """Let little fit between an adapter and a peer that does not read."""
    adapter.connection._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    return adapter


def answers(*replies):
    def script(peer, connection):
        for reply in replies:
            peer.line(connection)
            connection.sendall(reply)
        peer.go.wait(LONG_S)

    return script


def ask(adapter, command):
    adapter.write(command)
    return adapter.read()


@contextlib.contextmanager
def brief(adapter):
    """Let the deadline of exchanges in the block run out, and see that they end with it."""
    start, adapter.deadline_s = time.monotonic(), DEADLINE_S
    try:
        yield
    finally:
        adapter.deadline_s = PATIENCE_S
    assert time.monotonic() - start < PATIENCE_S


def fails(adapter, error, command="READ?"):
    with brief(adapter) if error is DeadlineError else contextlib.nullcontext(), pytest.raises(error) as caught:
        ask(adapter, command)
    return str(caught.value)


def test_an_answer_comes_back_without_its_line_feed(peer, opened):
    adapter = opened(peer(answers(b"1.5\n", b"a\tb\n")))
    assert ask(adapter, "READ?") == "1.5"
    assert ask(adapter, "READ?") == "a\tb"
    assert adapter.cause is None


def test_a_pymeasure_instrument_takes_the_adapter(peer, opened):
    instrument = Instrument(opened(peer(answers(b"1.5\n"))), "thing", includeSCPI=False)
    assert instrument.values("READ?") == [1.5]


def test_the_socket_sends_at_once(peer, opened):
    adapter = opened(peer(answers()))
    assert adapter.connection._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_reply_in_pieces_is_put_together(peer, opened):
    def script(peer, connection):
        peer.line(connection)
        for byte in b"1.25\n":
            connection.sendall(bytes([byte]))
        peer.go.wait(LONG_S)

    assert ask(opened(peer(script)), "READ?") == "1.25"


def test_bytes_are_read_by_count_and_to_the_termination(peer, opened):
    adapter = opened(peer(answers(b"#0\n23\nrest\n")))
    adapter.write("DATA?")
    assert adapter.read_bytes(3) == b"#0\n"
    assert adapter.read_bytes(10, break_on_termchar=True) == b"23\n"
    assert adapter.read_bytes(-1) == b"rest\n"


@pytest.mark.fault("T2", "V15")
def test_no_reply_ends_at_the_deadline_and_names_resource_and_command(peer, opened):
    served = peer(answers(b""))
    message = fails(opened(served), DeadlineError)
    assert served.resource in message
    assert "READ?" in message


@pytest.mark.fault("T10", "T19", "V15")
def test_a_dribbling_reply_ends_at_the_deadline_and_shows_what_came(peer, opened):
    def script(peer, connection):
        peer.line(connection)
        while not peer.go.wait(0.02):
            connection.sendall(b"7")

    assert "reply so far '77" in fails(opened(peer(script)), DeadlineError)


@pytest.mark.fault("T13", "V15")
def test_a_peer_that_does_not_read_ends_at_the_deadline(peer, opened):
    adapter = small_buffers(opened(peer(lambda peer, connection: peer.go.wait(LONG_S))))
    with brief(adapter), pytest.raises(DeadlineError, match="bytes of a message in time"):
        adapter.write("x" * MORE_THAN_BUFFERS)
    assert adapter.connection.torn  # the next message would be joined to half of this one


@pytest.mark.fault("T10", "T19", "V15")
def test_when_the_time_is_over_nothing_is_taken_although_there_is_something(peer):
    link = open_link(peer(lambda peer, connection: connection.sendall(b"7")).resource, "@py", PATIENCE_S, "\n", "\n")
    assert link._socket.recv(1, socket.MSG_PEEK) == b"7"  # waits until it has come
    with pytest.raises(DeadlineError):
        link.read(time.monotonic())
    assert link.read(time.monotonic() + PATIENCE_S) == Chunk(b"7", ended=False)
    link.close()


@pytest.mark.fault("T11")
def test_a_connection_closed_before_the_reply_is_lost(peer, opened):
    fails(opened(peer(lambda peer, connection: peer.line(connection))), ConnectionLost)


def test_a_connection_closed_inside_the_reply_is_lost_and_shows_what_came(peer, opened):
    def script(peer, connection):
        peer.line(connection)
        connection.sendall(b"1.2")

    assert "'1.2'" in fails(opened(peer(script)), ConnectionLost)


@pytest.mark.fault("T11")
def test_a_connection_closed_between_exchanges_is_lost_before_anything_is_sent(peer, opened):
    def script(peer, connection):
        peer.line(connection)
        connection.sendall(b"1\n")

    served = peer(script)
    adapter = opened(served)
    assert ask(adapter, "READ?") == "1"
    served.thread.join(LONG_S)
    fails(adapter, ConnectionLost)


@pytest.mark.fault("T14", "T17")
def test_a_refused_port_is_lost_at_opening():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    start = time.monotonic()
    with pytest.raises(ConnectionLost, match=str(port)):
        BenchAdapter(f"TCPIP::127.0.0.1::{port}::SOCKET", deadline_s=DEADLINE_S)
    assert time.monotonic() - start < PATIENCE_S


@pytest.mark.parametrize("resource", ["", "nonsense", "TCPIP::127.0.0.1::here::SOCKET::5"])
def test_a_name_that_is_no_resource_is_refused(resource):
    with pytest.raises(ConfigError, match="no VISA resource name"):
        BenchAdapter(resource, deadline_s=DEADLINE_S)


def test_a_library_that_is_not_there_is_a_wrong_setting():
    with pytest.raises(ConfigError, match="@nothing"):
        BenchAdapter("TCPIP::127.0.0.1::1::SOCKET", visa="@nothing")


@pytest.mark.parametrize(("visa", "way_out"), [("@ivi", "install NI-VISA"), ("box.yaml@sim", "no such file")])
def test_how_to_come_by_a_library_is_said_where_one_can_be_installed(monkeypatch, visa, way_out):
    def refuse(_):
        raise OSError("no such file")

    monkeypatch.setattr(pyvisa, "ResourceManager", refuse)
    with pytest.raises(ConfigError, match=f"there is no VISA library '{visa}': {way_out}"):
        open_link("GPIB0::16::INSTR", visa, PATIENCE_S, "\n", "\n")


@pytest.mark.fault("T7", "X15")
@pytest.mark.parametrize("reply", [b"\xff\xfe\n", b"1.\xb2\n", b"1\x002\n", b"\x1b[2J\n"])
def test_bytes_that_are_no_text_are_garbled(peer, opened, reply):
    fails(opened(peer(answers(reply))), GarbledReply)


@pytest.mark.fault("X15")
def test_a_reply_without_end_is_garbled(peer, opened):
    def script(peer, connection):
        peer.line(connection)
        connection.sendall(b"9" * 2_000_000)
        peer.go.wait(LONG_S)

    assert "1000000" in fails(opened(peer(script)), GarbledReply)


@pytest.mark.fault("T5", "V13")
def test_a_second_line_makes_the_next_exchange_fail_before_it_is_sent(peer, opened):
    served = peer(answers(b"1\n2\n", b"3\n"))
    adapter = opened(served)
    assert ask(adapter, "READ?") == "1"
    assert "'2\\n'" in fails(adapter, GarbledReply, "NEXT?")
    assert served.lines == ["READ?"]


def late(peer, connection):
    peer.line(connection)
    peer.go.wait(LONG_S)
    connection.sendall(b"late\n")
    peer.line(connection)


@pytest.mark.fault("T1", "V13")
def test_a_suspect_session_refuses_with_the_first_cause_although_the_answer_has_come(peer, opened):
    served = peer(late)
    adapter = opened(served)
    first = fails(adapter, DeadlineError, "FIRST?")
    served.go.set()
    for _ in range(2):
        assert first in fails(adapter, DeadlineError, "SECOND?")
        for read in (adapter.read, lambda: adapter.read_bytes(4), lambda: adapter.read_bytes(-1)):
            with pytest.raises(DeadlineError, match="not used before it is brought in step again"):
                read()
    assert served.lines == ["FIRST?"]


@pytest.mark.fault("T1", "V13")
def test_resync_opens_again_and_throws_away_what_comes_before_the_marker(peer, opened):
    def again(peer, connection):
        connection.sendall(b"late\n")
        peer.line(connection)
        connection.sendall(b"later\ntok-1\n")
        peer.line(connection)
        connection.sendall(b"4\n")

    served = peer(answers(b""), again)
    adapter = opened(served)
    fails(adapter, DeadlineError, "FIRST?")
    served.go.set()
    adapter.resync(('print("tok-1")', "tok-1"))
    assert adapter.cause is None
    assert ask(adapter, "READ?") == "4"
    assert served.lines == ["FIRST?", 'print("tok-1")', "READ?"]


def test_half_an_old_answer_is_not_joined_to_the_first_one_of_a_new_session(peer, opened):
    def breaks_off(peer, connection):
        peer.line(connection)
        connection.sendall(b"1.2")

    adapter = opened(peer(breaks_off, answers(b"tok-1\n")))
    fails(adapter, ConnectionLost)
    adapter.resync(('print("tok-1")', "tok-1"))
    assert adapter.cause is None


def test_resync_waits_until_what_was_sent_before_has_been_acted_on():
    acted, second = [], threading.Event()

    class Session(socketserver.StreamRequestHandler):
        def handle(self):
            first = not acted
            acted.append("connected")
            for line in self.rfile:
                if not first:
                    second.set()
                    self.wfile.write(b"tok\n")
                elif line == b"OFF\n":
                    second.wait(DEADLINE_S / 2)  # a session that has come meanwhile overtakes
                acted.append(line.decode().strip())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        adapter = BenchAdapter(f"TCPIP::127.0.0.1::{server.server_address[1]}::SOCKET", deadline_s=PATIENCE_S)
        fails(adapter, DeadlineError, "FIRST?")
        adapter.blind_write("OFF")
        adapter.resync(("MARK?", "tok"))
        adapter.close()
        server.shutdown()
    assert acted == ["connected", "FIRST?", "OFF", "connected", "MARK?"]


@pytest.mark.parametrize("closes", [True, False])
def test_a_session_that_is_left_hears_that_nothing_more_comes_and_is_waited_for(peer, closes):
    def to_the_end(peer, connection):
        assert connection.recv(10) == b"OFF\n"
        while connection.recv(1):
            pass
        if not closes:
            peer.go.wait(LONG_S)

    link = open_link(peer(to_the_end).resource, "@py", PATIENCE_S, "\n", "\n")
    link.write(b"OFF\n", time.monotonic() + PATIENCE_S)
    assert link.finish(time.monotonic() + (PATIENCE_S if closes else DEADLINE_S)) is closes
    link.close()


def test_resync_without_marker_leaves_the_session_suspect_with_the_first_cause(peer, opened):
    served = peer(answers(b""), answers(b"something else\n"))
    adapter = opened(served)
    fails(adapter, DeadlineError, "FIRST?")
    served.go.set()
    with pytest.raises(TransportError):
        adapter.resync(('print("tok-1")', "tok-1"))
    assert "FIRST?" in fails(adapter, DeadlineError)


@pytest.mark.fault("O1")
def test_an_interrupt_makes_the_session_suspect(peer, opened):
    served = peer(answers(b"1\n"))
    adapter = opened(served)
    with pytest.raises(KeyboardInterrupt), adapter._suspect_after_a_failure():
        raise KeyboardInterrupt
    fails(adapter, TransportError)
    assert served.lines == []


def test_a_blind_write_goes_out_on_a_suspect_session(peer, opened):
    served = peer(late)
    adapter = opened(served)
    fails(adapter, DeadlineError, "FIRST?")
    served.go.set()
    adapter.blind_write("OFF")
    served.wait_for_lines(2)
    assert served.lines == ["FIRST?", "OFF"]
    assert adapter.cause is not None


def test_a_blind_write_opens_a_lost_connection_again(peer, opened):
    served = peer(lambda peer, connection: peer.line(connection), answers(b""))
    adapter = opened(served)
    fails(adapter, ConnectionLost, "FIRST?")
    adapter.blind_write("OFF")
    served.wait_for_lines(2)
    assert served.lines == ["FIRST?", "OFF"]
    fails(adapter, ConnectionLost)


def test_blind_commands_open_a_lost_connection_again_once_and_go_out_in_order(peer, opened):
    served = peer(lambda peer, connection: peer.line(connection), answers(b"", b"", b""))
    adapter = opened(served)
    fails(adapter, ConnectionLost, "FIRST?")
    adapter.blind_write("ZERO", "OFF", "IDLE")
    served.wait_for_lines(4)
    assert served.lines == ["FIRST?", "ZERO", "OFF", "IDLE"]


def test_no_blind_command_is_lost_on_a_connection_that_was_closed_unnoticed(peer, opened):
    def answer_and_close(peer, connection):
        peer.line(connection)
        connection.sendall(b"1\n")

    served = peer(answer_and_close, answers(b"", b""))
    adapter = opened(served)
    assert ask(adapter, "READ?") == "1"
    link = adapter.connection
    assert link._socket.recv(1, socket.MSG_PEEK) == b""  # waits until the end has come
    adapter.blind_write("ZERO", "OFF")
    served.wait_for_lines(3)
    assert served.lines == ["READ?", "ZERO", "OFF"]
    assert isinstance(adapter.cause, ConnectionLost)


def test_blind_commands_to_nobody_end_with_the_first_attempt_to_open(peer, opened):
    served = peer(lambda peer, connection: peer.line(connection))
    adapter = opened(served)
    fails(adapter, ConnectionLost, "FIRST?")
    served.close()
    with pytest.raises(ConnectionLost, match="cannot open"):
        adapter.blind_write("ZERO", "OFF")


@pytest.mark.parametrize(
    ("resource", "error", "told"),
    [
        ("TCPIP::192.0.2.7::5025::SOCKET", Exception("could not connect: -1073807339"), "nothing answers there; see"),
        ("TCPIP::192.0.2.7::INSTR", VisaIOError(StatusCode.error_resource_not_found), "nothing answers there; see"),
        (
            "TCPIP::lab::5025::SOCKET",
            Exception("could not connect: [Errno -2] Name or"),
            "could not connect: [Errno -2] N",
        ),
    ],
)
def test_why_nothing_was_opened_is_said_in_words(monkeypatch, resource, error, told):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(pyvisa, "ResourceManager", lambda _: SimpleNamespace(open_resource=refuse))
    with pytest.raises(ConnectionLost) as caught:
        open_link(resource, "@py", 2.0, "\n", "\n")
    assert str(caught.value).startswith(f"cannot open {resource} within 2 s: {told}")
    assert "-107380" not in str(caught.value)


def test_a_serial_line_is_opened_at_its_rate_and_a_socket_with_its_deadline(monkeypatch):
    told = []

    def open_resource(resource, **options):
        told.append(options)
        raise OSError("nobody")

    monkeypatch.setattr(pyvisa, "ResourceManager", lambda visa: SimpleNamespace(open_resource=open_resource))
    for resource, baud in (("ASRL/dev/ttyUSB0::INSTR", 19200), ("TCPIP::127.0.0.1::5025::SOCKET", None)):
        with pytest.raises(ConnectionLost):
            open_link(resource, "@py", 2.5, "\r", "\n", baud)
    ends = {"read_termination": "\r", "write_termination": "\n"}
    assert told == [{**ends, "baud_rate": 19200}, {**ends, "open_timeout": 2500}]


def test_another_adapter_is_told_every_blind_command_whatever_became_of_the_first():
    class Broken(ProtocolAdapter):
        sent: ClassVar[list[str]] = []

        def _write(self, command, **kwargs):
            self.sent.append(command)
            raise OSError(f"no {command}")

    with pytest.raises(OSError, match="no ZERO"):
        blind_write(Broken(), "ZERO", "OFF")
    assert Broken.sent == ["ZERO", "OFF"]


@pytest.mark.fault("T19")
def test_a_carriage_return_before_the_line_feed_is_dropped(peer, opened):
    adapter = opened(peer(answers(b"false\r\n", b"\r\n")))
    assert ask(adapter, "READ?") == "false"
    assert ask(adapter, "READ?") == ""


def test_prompts_are_thrown_away_where_an_instrument_may_say_them(peer, opened):
    adapter = opened(peer(answers(b"TSP>\n1\nTSP>\n", b"2\n>>>>\nTSP?\n", b"3\n")), prompts=PROMPTS)
    assert [ask(adapter, "READ?") for _ in range(3)] == ["1", "2", "3"]


@pytest.mark.fault("T9")
@pytest.mark.parametrize("extra", [b"TSP>\n7\n", b"TSP", b"TSP> 7\n"])
def test_anything_but_prompts_that_nobody_had_asked_for_is_garbled(peer, opened, extra):
    adapter = opened(peer(answers(b"1\n" + extra)), prompts=PROMPTS)
    assert ask(adapter, "READ?") == "1"
    fails(adapter, GarbledReply)


def test_where_no_prompts_are_expected_one_is_garbled(peer, opened):
    adapter = opened(peer(answers(b"1\nTSP>\n")))
    assert ask(adapter, "READ?") == "1"
    fails(adapter, GarbledReply)


def test_a_blind_write_is_not_joined_to_half_a_message(peer, opened):
    served = peer(lambda peer, connection: peer.go.wait(LONG_S), answers(b""))
    adapter = small_buffers(opened(served))
    with brief(adapter), pytest.raises(DeadlineError):
        adapter.write("x" * MORE_THAN_BUFFERS)
    served.go.set()
    adapter.blind_write("OFF")
    served.wait_for_lines(1)
    assert served.lines == ["OFF"]


def test_closing_over_an_unread_answer_does_not_lose_the_last_command(peer, opened):
    served = peer(late)
    adapter = opened(served)
    fails(adapter, DeadlineError, "FIRST?")
    served.go.set()
    adapter.blind_write("OFF")
    adapter.close()
    served.wait_for_lines(2)
    assert served.lines[-1] == "OFF"


@pytest.mark.fault("I10")
def test_nothing_is_left_unread_in_a_socket_when_it_is_closed():
    """Else a stack may reset the connection and throw away what was sent last (RFC 9293, 3.6.1)."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        theirs, _ = server.accept()
        with theirs:
            theirs.sendall(b"late")
            assert ours.recv(4, socket.MSG_PEEK | socket.MSG_WAITALL) == b"late"
            left = []

            def close():
                ours.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    left.append(ours.recv(4, socket.MSG_PEEK))

            SocketLink("smu", SimpleNamespace(close=close), ours).close()
            assert left == []


def test_more_time_is_given_for_a_slow_command_only_where_asked(peer, opened):
    def script(peer, connection):
        peer.line(connection)
        time.sleep(1.5 * DEADLINE_S)
        connection.sendall(b"done\n")
        peer.go.wait(LONG_S)

    adapter = opened(peer(script))
    with brief(adapter), adapter.allowing(PATIENCE_S):
        assert ask(adapter, "SLOW?") == "done"
    fails(adapter, DeadlineError)


def test_a_driver_can_make_the_session_suspect(peer, opened):
    adapter = opened(peer(answers(b"1\n")))
    adapter.distrust(GarbledReply("three numbers instead of two"))
    assert "three numbers" in fails(adapter, GarbledReply)


def test_another_thread_is_turned_away(peer, opened):
    adapter = opened(peer(answers(b"1\n")))
    caught = []

    def use():
        for action in (lambda: ask(adapter, "READ?"), lambda: adapter.blind_write("OFF"), adapter.read):
            try:
                action()
            except RuntimeError as error:
                caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(caught) == 3
    assert ask(adapter, "READ?") == "1"


def test_a_closed_adapter_is_lost_and_may_be_closed_again(peer, opened):
    adapter = opened(peer(answers(b"1\n")))
    adapter.close()
    adapter.close()
    fails(adapter, ConnectionLost)


def test_an_adapter_that_is_forgotten_closes_its_connection(peer):
    served = peer(lambda peer, connection: peer.line(connection))
    adapter = BenchAdapter(served.resource, deadline_s=PATIENCE_S)
    del adapter
    gc.collect()
    served.thread.join(LONG_S)
    assert not served.thread.is_alive()


@pytest.mark.parametrize(
    "text",
    [
        "{spec: '1.0', devices: {box: {properties: 1}}, resources: {'GPIB0::16::INSTR': {device: box}}}",
        "spec: '1.0'\ndevices: [",
        "hello",
    ],
)
def test_a_broken_file_for_pyvisa_sim_is_a_wrong_setting_in_one_line(tmp_path, text):
    description = tmp_path / "broken.yaml"
    description.write_text(text)
    with pytest.raises(ConfigError, match=r"there is no VISA library '.*broken\.yaml@sim': .") as error:
        BenchAdapter("GPIB0::16::INSTR", visa=f"{description}@sim", deadline_s=DEADLINE_S)
    assert "\n" not in str(error.value)


def test_a_file_for_pyvisa_sim_that_is_not_there_is_a_wrong_setting(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no VISA library '.*nowhere\.yaml@sim'"):
        BenchAdapter("GPIB0::16::INSTR", visa=f"{tmp_path / 'nowhere.yaml'}@sim", deadline_s=DEADLINE_S)


def test_other_sessions_go_through_pyvisa(tmp_path):
    description = tmp_path / "box.yaml"
    description.write_text(
        """
spec: "1.0"
devices:
  box:
    eom:
      GPIB INSTR:
        q: "\\n"
        r: "\\n"
    error: ERROR
    dialogues:
      - q: "print(1)"
        r: "1.00000e+00"
      - q: "silent"
resources:
  GPIB0::16::INSTR:
    device: box
"""
    )
    adapter = BenchAdapter("GPIB0::16::INSTR", visa=f"{description}@sim", deadline_s=PATIENCE_S)
    assert ask(adapter, "print(1)") == "1.00000e+00"
    fails(adapter, DeadlineError, "silent")
    adapter.resync(("print(1)", "1.00000e+00"))
    assert ask(adapter, "print(1)") == "1.00000e+00"
    adapter.close()


def test_an_answer_ends_where_visa_says_so():
    pieces = [(b"1.0", StatusCode.success_max_count_read), (b"5E-6", StatusCode.success)]
    opened = SimpleNamespace(
        session=1,
        ignore_warning=lambda *_: contextlib.nullcontext(),
        visalib=SimpleNamespace(read=lambda session, count: pieces.pop(0)),
    )
    link = VisaLink("GPIB0::16::INSTR", opened)
    found = [link.read(time.monotonic() + PATIENCE_S) for _ in range(2)]
    assert found == [Chunk(b"1.0", ended=False), Chunk(b"5E-6", ended=True)]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (VisaIOError(StatusCode.error_timeout), DeadlineError),
        (TimeoutError("timed out"), DeadlineError),  # a socket of VXI-11
        (VisaIOError(StatusCode.error_connection_lost), ConnectionLost),
        (OSError("no such device"), ConnectionLost),  # USB that was pulled
        (ValueError("not enough values"), ConnectionLost),  # half a header
    ],
)
def test_what_fails_in_a_visa_library_is_a_deadline_or_a_lost_connection(error, told):
    def fail(*_):
        raise error

    visa, ignoring = SimpleNamespace(read=fail), lambda *_: contextlib.nullcontext()
    link = VisaLink("GPIB0::16::INSTR", SimpleNamespace(session=1, ignore_warning=ignoring, visalib=visa))
    with pytest.raises(told, match="GPIB0::16::INSTR"):
        link.read(time.monotonic() + PATIENCE_S)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (VisaIOError(StatusCode.error_timeout), DeadlineError),
        (TimeoutError("timed out"), DeadlineError),
        (VisaIOError(StatusCode.error_connection_lost), ConnectionLost),
        (OSError("no such device"), ConnectionLost),
    ],
)
def test_a_message_that_a_visa_library_does_not_take_whole_is_named_and_leaves_it_torn(error, told):
    def fail(_):
        raise error

    link = VisaLink("GPIB0::16::INSTR", SimpleNamespace(write_raw=fail))
    with pytest.raises(told, match=r"GPIB0::16::INSTR .* written to"):
        link.write(b"OFF\n", time.monotonic() + PATIENCE_S)
    assert link.torn
    taken = []
    link = VisaLink("GPIB0::16::INSTR", SimpleNamespace(write_raw=taken.append))
    link.write(b"OFF\n", time.monotonic() + PATIENCE_S)
    assert (taken, link.torn, link.unread()) == ([b"OFF\n"], False, b"")


def raw(**does):
    """A raw socket that fails, or answers, as told."""
    dead = SimpleNamespace(getsockopt=lambda *_: 0, setsockopt=lambda *_: None, settimeout=lambda _: None)
    closed = []
    for name, what in does.items():
        setattr(dead, name, what)
    link = SocketLink("TCPIP::a::1::SOCKET", SimpleNamespace(close=lambda: closed.append(True)), dead)
    link.closed = closed
    return link


def failing(error):
    def fail(*_):
        raise error

    return fail


@pytest.mark.parametrize(
    ("does", "act", "told"),
    [
        ({"send": failing(TimeoutError())}, "write", DeadlineError),
        ({"send": failing(BrokenPipeError())}, "write", ConnectionLost),
        ({"recv": failing(TimeoutError())}, "read", DeadlineError),
        ({"recv": failing(ConnectionResetError())}, "read", ConnectionLost),
        ({"recv": lambda _: b""}, "read", ConnectionLost),
        ({"recv": failing(ConnectionResetError())}, "unread", ConnectionLost),
        ({"recv": lambda _: b""}, "unread", ConnectionLost),
    ],
)
def test_what_fails_on_a_raw_socket_is_a_deadline_or_a_lost_connection(monkeypatch, does, act, told):
    monkeypatch.setattr(link_module, "LOOK_S", PATIENCE_S)  # the first look is the last
    link, until = raw(**does), time.monotonic() + PATIENCE_S
    words = {"write": (b"OFF\n", until), "read": (until,), "unread": ()}[act]
    with pytest.raises(told, match="TCPIP::a::1::SOCKET"):
        getattr(link, act)(*words)
    assert link.torn == (act == "write")


def test_a_raw_socket_takes_a_message_in_parts_and_nothing_new_is_no_loss():
    sent = []
    link = raw(send=lambda left: sent.append(bytes(left[:2])) or len(sent[-1]), recv=failing(BlockingIOError()))
    link.write(b"OFF\n", time.monotonic() + PATIENCE_S)
    assert (sent, link.torn, link.unread()) == ([b"OF", b"F\n"], False, b"")


@pytest.mark.parametrize(
    ("does", "left"),
    [
        ({"shutdown": lambda _: None, "recv": lambda _: b""}, True),
        ({"shutdown": lambda _: None, "recv": failing(TimeoutError())}, False),
        ({"shutdown": lambda _: None, "recv": failing(ConnectionResetError())}, True),
        ({"shutdown": failing(OSError())}, True),
    ],
)
def test_leaving_a_raw_socket_never_fails_and_says_whether_the_other_side_had_its_time(monkeypatch, does, left):
    monkeypatch.setattr(link_module, "LOOK_S", PATIENCE_S)
    link = raw(**{"recv": lambda _: b"", **does})
    assert link.finish(time.monotonic() + PATIENCE_S) is left
    link.close()
    assert link.closed == [True]


def test_what_takes_no_messages_is_a_wrong_setting_and_is_closed(monkeypatch):
    closed = []
    opened = SimpleNamespace(close=lambda: closed.append(True))
    monkeypatch.setattr(pyvisa, "ResourceManager", lambda _: SimpleNamespace(open_resource=lambda *_, **__: opened))
    with pytest.raises(ConfigError, match="GPIB0::INTFC is no resource that takes messages"):
        open_link("GPIB0::INTFC", "@py", PATIENCE_S, "\n", "\n")
    assert closed == [True]


class Clock:
    """A monotonic clock, and a link on which every look for an answer takes a second of it and finds none."""

    torn = False

    sooner = None

    def __init__(self, monkeypatch, accepts=True):
        self.now, self.accepts, self.written, self.opened, self.asked = 100.0, accepts, [], [], []
        monkeypatch.setattr(adapter_module, "time", self)
        monkeypatch.setattr(adapter_module, "open_link", self.open)

    def open(self, resource, visa, seconds, *_):
        self.opened.append(seconds)
        return self

    def monotonic(self):
        return self.now

    def unread(self):
        return b""

    def write(self, content, until):
        if self.now >= until:
            raise DeadlineError("no time is left")
        self.written.append(content)
        self.asked.append((self.now, until))

    def read(self, until):
        while self.now < (self.sooner(until) if self.sooner else until):
            self.now += 0.125
        raise DeadlineError("mute")

    def finish(self, until):
        with contextlib.suppress(DeadlineError):
            self.read(until)
        return False

    def close(self):
        pass


@pytest.mark.fault("I11", "V15")
def test_all_that_is_tried_in_a_hurry_takes_a_share_of_one_deadline_and_off_is_written_all_the_same(monkeypatch):
    clock = Clock(monkeypatch)
    adapter = BenchAdapter("TCPIP::a::1::SOCKET", deadline_s=8.0)
    with pytest.raises(DeadlineError):
        ask(adapter, "*IDN?")
    assert clock.now == 108.0
    with adapter.hurried(0.25):
        for _ in range(3):
            with pytest.raises(TransportError):
                adapter.resync(("marker?", "marker"))
        assert 110.0 < clock.now <= 111.5  # with a little for each, for one that has just come back
        assert clock.asked[1] == (109.0, 110.0)  # the end of the old session is waited for in half of the time
        assert clock.opened == [8.0, 1.0, 0.8, 0.8]  # a tenth of the deadline for opening, however late it is
        adapter.blind_write("off")
    before = clock.now
    assert clock.written[-1] == b"off\n"
    with pytest.raises(TransportError):
        adapter.resync(("marker?", "marker"))
    assert clock.now == before + 16.0  # a deadline for the end of the old session, one for the answer


@pytest.mark.fault("O1", "V15")
@pytest.mark.parametrize(
    ("share", "extra_s", "ends"), [(1.0, 0.0, 108.0), (0.25, 0.0, 103.0), (0.25, 4.0, 106.0), (0.0, 0.0, 101.0)]
)
def test_impatience_shortens_a_wait_but_not_what_was_asked_to_take_so_long(monkeypatch, share, extra_s, ends):
    clock = Clock(monkeypatch)
    adapter = BenchAdapter("TCPIP::a::1::SOCKET", deadline_s=8.0)
    adapter.patience = lambda: share if clock.now >= 101.0 else 1.0
    with adapter.allowing(extra_s), pytest.raises(DeadlineError):
        ask(adapter, "*IDN?")
    assert clock.now == ends


def test_more_time_for_several_reasons_adds_up_and_ends_with_its_block(monkeypatch):
    clock = Clock(monkeypatch)
    adapter = BenchAdapter("TCPIP::a::1::SOCKET", deadline_s=8.0)
    with adapter.allowing(4.0), adapter.allowing(2.0), pytest.raises(DeadlineError):
        ask(adapter, "*IDN?")
    assert clock.now == 114.0
    adapter = BenchAdapter("TCPIP::a::1::SOCKET", deadline_s=8.0)
    with adapter.allowing(4.0):
        pass
    with pytest.raises(DeadlineError):
        ask(adapter, "*IDN?")
    assert clock.now == 122.0


def test_an_answer_behind_a_prompt_ends_where_visa_says_so(monkeypatch):
    clock = Clock(monkeypatch)
    pieces = [Chunk(b"TSP>\n1.5E-6", ended=True)] * 2 + [Chunk(b"TSP>\n1.5", False), Chunk(b"E-6\n", False)]
    clock.read = lambda until: pieces.pop(0)
    adapter = BenchAdapter("USB0::1::2::3::INSTR", prompts=PROMPTS)
    for _ in range(3):
        assert ask(adapter, "print(1)") == "1.5E-6"


@pytest.mark.fault("O1")
def test_who_answers_at_once_is_heard_when_there_is_no_patience_left(monkeypatch):
    clock = Clock(monkeypatch)
    adapter = BenchAdapter("TCPIP::a::1::SOCKET", deadline_s=8.0)
    adapter.patience = lambda: 0.0
    for began in (100.0, 100.5):
        with pytest.raises(TransportError):
            adapter.resync(("marker?", "marker"))
        assert began < clock.now <= began + 0.5  # a twentieth of the deadline, seen by a clock of eighths


def test_a_raw_socket_looks_while_it_waits_whether_there_is_still_patience(peer, opened, monkeypatch):
    monkeypatch.setattr(adapter_module, "LEAST", 0.0)
    looks = []

    def patience():
        looks.append(None)
        return 1.0 if len(looks) < 3 else 0.0

    adapter = opened(peer(lambda peer, connection: peer.go.wait(LONG_S)))
    adapter.patience = patience
    with pytest.raises(DeadlineError):
        ask(adapter, "*IDN?")
    assert len(looks) == 3


class Session:
    """A session that answers all alike, or nothing, and is left by the other side when that has time."""

    sooner, torn = None, False

    def __init__(self, reply=b""):
        self.reply, self.left, self.closed, self.waited, self.written = reply, bool(reply), False, 0, []

    def unread(self):
        return b""

    def write(self, content, until):
        self.written.append(content)

    def read(self, until):
        if not self.reply:
            raise DeadlineError("mute")
        return Chunk(self.reply, False)

    def finish(self, until):
        self.waited += 1
        return self.left

    def close(self):
        self.closed = True


def test_off_is_never_the_end_of_half_a_message(monkeypatch):
    torn, fresh = sessions = [Session(), Session()]
    monkeypatch.setattr(adapter_module, "open_link", lambda *_: sessions.pop(0))
    adapter = BenchAdapter("TCPIP::a::1::SOCKET", deadline_s=8.0)
    torn.torn = True
    adapter.blind_write("ZERO", "OFF")
    assert (torn.written, torn.closed, fresh.written) == ([], True, [b"ZERO\n", b"OFF\n"])


class Thing(BenchInstrument):
    """An instrument that is in step when it says so."""

    def _marker(self):
        return "who?", "me"

    def _take_error(self):
        return 0, ""

    def _errors_text(self, errors):
        return ""


@pytest.mark.fault("V8", "V13")
@pytest.mark.parametrize("left", [True, False])
def test_what_an_old_session_may_still_bring_is_waited_for_before_anything_but_making_safe_is_done(monkeypatch, left):
    old, *others = sessions = [Session(), *(Session(b"me\n") for _ in range(3))]
    monkeypatch.setattr(adapter_module, "open_link", lambda *_: sessions.pop(0))
    thing = Thing(BenchAdapter("TCPIP::a::1::SOCKET", deadline_s=8.0), "thing")
    with pytest.raises(DeadlineError):
        thing.ask("who?")
    with thing.hurried(0.5):
        for _ in range(2):
            thing.recover()
            assert thing.ask("who?") == "me"
    assert (old.waited, old.closed, len(sessions)) == (1, False, 2)  # "open all relays" may be in it
    old.left = left
    thing.recover()
    assert (old.waited, old.closed, len(sessions)) == (2, True, 1)  # left, or it had its whole deadline
    thing.recover()
    assert len(sessions) == 1
    thing.close()
    assert all(each.closed for each in (old, *others[:2]))


@pytest.mark.parametrize("hurried", [True, False])
def test_of_the_sessions_that_were_left_in_a_hurry_the_last_four_stay_and_otherwise_none(hurried):
    adapter = BenchAdapter.__new__(BenchAdapter)
    adapter.connection, adapter._latest, adapter.deadline_s = None, math.inf, 8.0
    adapter._share = 0.5 if hurried else None
    sessions = [Session(b"left" if number == 5 else b"") for number in range(8)]
    adapter._leaving = list(sessions)
    adapter._leave()
    kept = [2, 3, 4, 6, 7][-4:] if hurried else []
    assert [sessions.index(each) for each in adapter._leaving] == kept
    assert [number for number, each in enumerate(sessions) if not each.closed] == kept
    assert {each.waited for each in sessions} == {1}
    adapter._leaving = []


def test_every_source_is_told_to_be_off_after_a_failure_and_the_first_failure_is_the_one_that_is_told():
    told = []

    def mute():
        told.append("off")
        raise DeadlineError("mute")

    sources = [SimpleNamespace(output_off=mute)] * 2
    with pytest.raises(KeyboardInterrupt), off_after_a_failure(*sources):
        raise KeyboardInterrupt
    with off_after_a_failure(*sources):
        pass
    assert told == ["off"] * 2


@pytest.mark.fault("I11", "V15")
def test_a_deadline_that_passes_is_told_at_once_and_once_until_it_answers_again(monkeypatch):
    clock, told = Clock(monkeypatch), []
    adapter = BenchAdapter("TCPIP::a::1::SOCKET", deadline_s=8.0)
    adapter.tell = lambda waited_s: told.append((clock.now, waited_s))
    for _ in range(2):
        with pytest.raises(DeadlineError):
            ask(adapter, "*IDN?")
        assert told == [(108.0, 8.0)]
        with pytest.raises(TransportError):
            adapter.resync(("marker?", "marker"))
    clock.read = lambda until: Chunk(b"marker\n", False)
    adapter.resync(("marker?", "marker"))
    assert told[1:] == [(clock.now, None)]


@pytest.mark.parametrize(("baud", "ends"), [(None, 108.0), (9600, 108.25)])
def test_a_slow_line_is_given_the_time_of_its_bits(monkeypatch, baud, ends):
    clock = Clock(monkeypatch)
    adapter = BenchAdapter("ASRL1::INSTR", deadline_s=8.0, baud=baud)
    with pytest.raises(DeadlineError):
        ask(adapter, "x" * 119)  # 120 bytes of 10 bits, and an answer as long: a quarter of a second
    assert clock.now == ends
