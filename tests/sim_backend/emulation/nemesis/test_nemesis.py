import contextlib
import functools
import json
import socket
import sys
import time

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.sim_backend.emulation.bench import EmulatedBench
from crossbar_hil.sim_backend.emulation.nemesis.faults import RANDOM_VERBS, Fault, Nemesis
from crossbar_hil.sim_backend.emulation.nemesis.server import NemesisServer
from crossbar_hil.sim_backend.emulation.nemesis.verbs import VERBS

SHORT_S, LONG_S = 0.08, 60.0
"""How long to wait for what is not meant to come, and for what is."""
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other systems take connections that nobody accepts")
# Chip row 0 on smu.a (port A), column 0 on smu.b (port B), every other line on the common return.
CELL_0_0 = 'channel.exclusiveclose("1A01,1B05,1C02,1C03,1C04,1C06,1C07,1C08")'
# Every column on the common return, so that channel a sees the sum of row 0.
ROW_0 = 'channel.exclusiveclose("1A01,1C02,1C03,1C04,1C05,1C06,1C07,1C08")'
DRIVE = "smua.source.limiti = 1e-4 smua.measure.rangei = 1e-4 smua.source.levelv = 0.1 smua.source.output = 1"
CURRENT = "print(smua.measure.i())"


shipped = functools.cache(load_bench)  # reading one takes longer than most of these tests


class Client:
    """A plain client: one connection, no cleverness."""

    def __init__(self, resource, deadline_s=LONG_S):
        self.address = (resource.split("::")[1], int(resource.split("::")[2]))
        self.deadline_s = deadline_s
        self.socket = socket.socket()
        self.open()

    def open(self):
        self.socket.close()
        self.socket = socket.create_connection(self.address, timeout=LONG_S)
        self.pending = b""

    def write(self, message):
        self.socket.settimeout(LONG_S)
        self.socket.sendall(message.encode("latin-1") + b"\n")

    def read(self, deadline_s=None):
        """Return a line without its line feed; TimeoutError if none comes, EOFError at the end."""
        self.socket.settimeout(self.deadline_s if deadline_s is None else deadline_s)
        while b"\n" not in self.pending:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise EOFError(self.pending)
            self.pending += chunk
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode("latin-1")

    def ask(self, message, deadline_s=LONG_S):
        self.write(message)
        return self.read(deadline_s)

    def close(self):
        self.socket.close()


@pytest.fixture
def strike():
    """Serve a bench where something goes wrong: strike(*faults) -> bench, with a client for each instrument."""
    with contextlib.ExitStack() as stack:

        def serve(*faults, name="emulated", seed=0, overrides=None, nemesis=None, **files):
            found = (nemesis or Nemesis(faults, seed)).as_json()
            bench = load_bench(name, overrides=overrides) if overrides else shipped(name)
            emulated = stack.enter_context(EmulatedBench(bench, np.random.default_rng(1), nemesis=found, **files))
            for instrument, resource in emulated.resources.items():
                client = Client(resource)
                stack.callback(client.close)
                setattr(emulated, instrument, client)
            return emulated

        yield serve


def executed(emulated, name="smu"):
    """What the messages of a test have set, asked behind the back of the nemesis."""
    with emulated.world.lock:
        return dict(emulated.instruments[name].scratch())


def struck(emulated):
    return [(each["verb"], each["instrument"], each["call"]) for each in emulated.world.log.of("nemesis")]


def await_strike(emulated):
    """Return when the first fault has struck."""
    while not struck(emulated):
        time.sleep(0.001)
    with emulated.world.lock:  # which is held until it is done
        pass


def say(number):
    return f"{number:.5e}"


# ---------------------------------------------------------------------- answers that go wrong


def test_after_a_late_answer_every_answer_is_one_behind(strike):
    bench = strike(Fault("late", 2, args={"seconds": 1.0}))
    assert bench.smu.ask("print(1)") == say(1)
    with pytest.raises(TimeoutError):
        bench.smu.ask("print(2)", SHORT_S)
    assert bench.smu.ask("print(3)") == say(2)
    assert bench.smu.ask("print(4)") == say(3)


def test_a_dropped_answer_never_comes_and_its_command_was_executed(strike):
    bench = strike(Fault("drop", match="seq = 2"))
    assert bench.smu.ask("seq = 1 print(seq)") == say(1)
    with pytest.raises(TimeoutError):
        bench.smu.ask("seq = 2 print(seq)", SHORT_S)
    assert executed(bench) == {"seq": 2}
    assert bench.smu.ask("print(3)") == say(3)


def test_a_lost_command_is_not_executed(strike):
    bench = strike(Fault("drop_command", 2))
    assert bench.smu.ask("seq = 1 print(seq)") == say(1)
    with pytest.raises(TimeoutError):
        bench.smu.ask("seq = 2 print(seq)", SHORT_S)
    assert executed(bench) == {"seq": 1}
    assert bench.smu.ask("print(3)") == say(3)


def test_a_doubled_answer_comes_twice_and_its_command_is_executed_once(strike):
    bench = strike(Fault("dup"))
    assert bench.smu.ask("n = (n or 0) + 1 print(n)") == say(1)
    assert bench.smu.read() == say(1)
    assert executed(bench) == {"n": 1}


def test_a_cut_answer_keeps_its_first_bytes_and_looks_whole(strike):
    bench = strike(*[Fault("cut", n + 1, args={"n": n}) for n in range(12)])
    assert [bench.smu.ask("print(1.2345e-7)") for _ in range(12)] == ["1.23450e-07"[:n] for n in range(12)]


def test_a_cut_answer_can_come_without_its_end(strike):
    bench = strike(Fault("cut", args={"n": 4, "ended": False}))
    with pytest.raises(TimeoutError):
        bench.smu.ask("print(1.2345e-7)", SHORT_S)
    assert bench.smu.pending == b"1.23"
    assert bench.smu.ask("print(5)") == "1.23" + say(5)


def test_garbage_is_one_line_of_the_same_length_and_the_same_for_the_same_seed(strike):
    heard = [strike(Fault("garbage"), seed=seed).smu.ask("seq = 7 print(1.2345e-7)") for seed in (1, 1, 2)]
    assert heard[0] == heard[1] != heard[2]
    assert {len(each) for each in heard} == {11}
    assert "1.23450e-07" not in heard


def test_swapped_answers_of_one_message_change_places(strike):
    bench = strike(Fault("swap"))
    assert [bench.smu.ask("print(1) print(2)"), bench.smu.read()] == [say(2), say(1)]


def test_a_swapped_answer_without_parts_comes_after_the_next_one(strike):
    bench = strike(Fault("swap"))
    with pytest.raises(TimeoutError):
        bench.smu.ask("print(1)", SHORT_S)
    assert bench.smu.ask("print(2)") == say(2)
    assert bench.smu.read() == say(1)


def test_a_held_answer_does_not_cross_to_another_connection(strike):
    bench = strike(Fault("swap"))
    with pytest.raises(TimeoutError):
        bench.smu.ask("print(1)", SHORT_S)
    bench.smu.close()
    bench.smu.open()
    assert bench.smu.ask("print(2)") == say(2)
    with pytest.raises(TimeoutError):
        bench.smu.read(SHORT_S)


@pytest.mark.parametrize(("when", "heard"), [("before", ["*** hot", say(1)]), ("after", [say(1), "*** hot"])])
def test_an_unsolicited_line_comes_before_or_after_the_answer(strike, when, heard):
    bench = strike(Fault("extra", args={"line": "*** hot", "when": when}))
    assert [bench.smu.ask("print(1)"), bench.smu.read()] == heard


def test_a_message_without_an_answer_can_get_an_unsolicited_line_too(strike):
    assert strike(Fault("extra")).smu.ask("x = 1") == "*** event"


def test_a_dribbling_answer_beats_a_deadline_for_each_byte(strike):
    bench = strike(Fault("dribble", args={"seconds": 0.05}))
    bench.smu.write("print(1.2345e-7)")
    bench.smu.socket.settimeout(LONG_S)
    pieces = []
    while b"\n" not in b"".join(pieces):
        pieces.append(bench.smu.socket.recv(65536))
    assert len(pieces) > 1
    assert b"".join(pieces) == b"1.23450e-07\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_sentinel_that_is_no_number_stands_in_place_of_the_last_number(strike, value):
    bench = strike(Fault("sentinel", args={"value": value}))
    assert bench.smu.ask("print(1, 2.5)") == f"{say(1)}\t{value}"


# ---------------------------------------------------------------------- connections that end


def ending(client, message):
    """How a connection ends in which a message was sent: the exception, and the bytes before it."""
    try:
        client.ask(message)
    except (EOFError, ConnectionResetError) as end:
        return type(end), client.pending
    raise AssertionError("the connection goes on")


@pytest.mark.parametrize(("verb", "end"), [("fin", EOFError), ("rst", ConnectionResetError)])
@pytest.mark.parametrize(
    ("when", "done", "heard"), [("before", {}, b""), ("instead", {"seq": 1}, b""), ("inside", {"seq": 1}, b"1.00000")]
)
def test_a_connection_ends_before_the_message_or_in_its_answer(strike, verb, end, when, done, heard):
    bench = strike(Fault(verb, args={"when": when}))
    if verb == "rst" and when == "inside":
        # What stands in a buffer when the reset comes may be lost with it.
        assert ending(bench.smu, "seq = 1 print(1.2345e-7, 1)")[0] is end
    else:
        assert ending(bench.smu, "seq = 1 print(1, 2)") == (end, heard if when != "inside" else b"1.00000e+00\t")
    assert executed(bench) == done
    bench.smu.open()
    assert bench.smu.ask("print(5)") == say(5)


@pytest.mark.parametrize("verb", ["fin", "rst"])
def test_a_connection_can_end_after_a_whole_answer(strike, verb):
    bench = strike(Fault(verb, 2, args={"when": "after"}))
    bench.smu.ask("print(1)")
    bench.smu.write("print(2)")
    with pytest.raises((EOFError, ConnectionResetError)):  # noqa: PT012
        assert bench.smu.read(LONG_S) == say(2)
        bench.smu.read(LONG_S)


def test_outputs_and_relays_stay_as_they_are_when_a_connection_ends(strike):
    bench = strike(Fault("rst", match="print", times=2))
    bench.matrix.write(CELL_0_0)
    bench.smu.write(DRIVE)
    ending(bench.smu, "print(1)")
    ending(bench.matrix, "print(1)")
    assert bench.world.terminal("smu.a").on
    assert len(bench.world.closed("matrix")) == 8


def test_refused_connections_leave_those_that_are_there_alone(strike):
    bench = strike(Fault("refuse", match="x"))
    bench.smu.write("x = 1")
    await_strike(bench)
    assert bench.smu.ask("print(1)") == say(1)
    with pytest.raises(ConnectionRefusedError):
        Client(bench.resources["smu"])
    Client(bench.resources["matrix"]).close()


def test_a_bench_can_refuse_from_the_start(strike):
    with pytest.raises(ConnectionRefusedError):
        strike(Fault("refuse", 0, args={"of": "matrix"}))


def test_a_port_that_was_refused_for_a_while_is_open_again(strike):
    bench = strike(Fault("refuse", match="x", args={"seconds": 1.0}))
    bench.smu.ask("x = 1 print(1)")
    refused = 0
    while True:
        try:
            again = Client(bench.resources["smu"])
        except ConnectionRefusedError:
            refused += 1
            time.sleep(0.01)
        else:
            break
    assert refused
    assert again.ask("print(x)") == say(1)
    again.close()


def test_a_few_connections_are_reset_and_the_next_one_is_good(strike):
    bench = strike(Fault("refuse", match="x", args={"attempts": 2}))
    bench.smu.ask("x = 1 print(1)")
    for _ in range(2):
        with pytest.raises((ConnectionResetError, BrokenPipeError, EOFError)):
            bench.smu.open() or bench.smu.ask("print(1)")
    bench.smu.open()
    assert bench.smu.ask("print(2)") == say(2)


# ---------------------------------------------------------------------- boxes that do not answer


def test_what_is_sent_into_a_black_hole_is_never_executed(strike):
    bench = strike(Fault("blackhole", 2, args={"seconds": 1.0}))
    bench.smu.ask("a = 1 print(1)")
    with pytest.raises(TimeoutError):
        bench.smu.ask("b = 1 print(2)", SHORT_S)
    while True:
        try:
            answer = bench.smu.ask("c = 1 print(3)", SHORT_S)
        except TimeoutError:
            continue
        break
    assert answer == say(3)
    assert executed(bench) == {"a": 1, "c": 1}


@LINUX
def test_connections_to_a_black_hole_hang(strike):
    bench = strike(Fault("blackhole", match="x"))
    bench.smu.write("x = 1")
    await_strike(bench)
    with pytest.raises(TimeoutError):
        bench.smu.read(SHORT_S)
    address = (bench.resources["smu"].split("::")[1], int(bench.resources["smu"].split("::")[2]))
    with pytest.raises(TimeoutError):
        socket.create_connection(address, timeout=SHORT_S)


@LINUX
def test_a_black_hole_that_ends_lets_connections_in_again(strike):
    bench = strike(Fault("blackhole", match="x", args={"seconds": 0.1}))
    bench.smu.write("x = 1")
    await_strike(bench)
    again = Client(bench.resources["smu"])  # the system tries again by itself
    assert again.ask("print(2)") == say(2)
    again.close()


def test_a_frozen_box_goes_on_with_what_has_come_in(strike):
    bench = strike(Fault("freeze", 1, args={"seconds": 1.0}))
    with pytest.raises(TimeoutError):
        bench.smu.ask("a = 1 print(1)", SHORT_S)
    assert executed(bench) == {}
    assert bench.matrix.ask("print(7)") == say(7)
    bench.smu.write("b = 2 print(2)")
    assert [bench.smu.read(LONG_S), bench.smu.read(LONG_S)] == [say(1), say(2)]
    assert executed(bench) == {"a": 1, "b": 2}


def test_a_message_to_one_box_can_freeze_another(strike):
    bench = strike(Fault("freeze", 1, args={"of": "matrix"}))
    assert bench.smu.ask("print(1)") == say(1)
    with pytest.raises(TimeoutError):
        bench.matrix.ask("print(2)", SHORT_S)


def test_a_bench_that_is_closed_ends_what_is_waited_for():
    bench = EmulatedBench(
        shipped("emulated"),
        np.random.default_rng(1),
        nemesis=Nemesis([Fault("freeze", 1)]).as_json(),
    )
    with bench:
        client = Client(bench.resources["smu"])
        with pytest.raises(TimeoutError):
            client.ask("print(1)", SHORT_S)
    with pytest.raises((EOFError, ConnectionResetError)):
        client.read(LONG_S)
    client.close()


def test_a_box_that_does_not_read_blocks_who_writes(strike):
    bench = strike(Fault("noread", 2))
    address = bench.smu.address
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    client.settimeout(LONG_S)
    client.connect(address)
    client.sendall(b"print(1)\nprint(2)\n")
    heard = b""
    while heard.count(b"\n") < 2:
        heard += client.recv(4096)
    client.settimeout(SHORT_S)
    with pytest.raises(TimeoutError):
        client.sendall(b"x = 1\n" * 10_000_000)
    client.close()


# ---------------------------------------------------------------------- instruments that change by themselves


@pytest.mark.parametrize(("when", "done"), [("before", False), ("after", True)])
def test_a_reboot_forgets_everything_and_resets_the_connection(strike, when, done):
    bench = strike(Fault("reboot", match="seq = 2", args={"when": when}))
    bench.matrix.ask(f"{ROW_0} print(1)")
    bench.smu.ask(f"{DRIVE} seq = 1 print(1)")
    before = len(bench.world.log.of("source"))
    assert ending(bench.smu, "smub.source.levelv = 0.1 seq = 2 print(seq)")[0] is ConnectionResetError
    sources = bench.world.log.of("source")[before:]
    assert any(each["name"] == "smu.b" and each["level_v"] == 0.1 for each in sources) == done
    assert not bench.world.terminal("smu.a").on
    assert executed(bench) == {}
    bench.smu.open()
    assert bench.smu.ask("print(smua.source.levelv)") == say(0)
    assert int(float(bench.smu.ask("*ESR?"))) & 128
    assert bench.world.closed("matrix")


def test_a_rebooted_matrix_has_every_relay_open(strike):
    bench = strike(Fault("reboot", 2, instrument="matrix"))
    bench.matrix.ask(f"{ROW_0} print(1)")
    assert len(bench.world.closed("matrix")) == 8
    ending(bench.matrix, "print(1)")
    assert bench.world.closed("matrix") == frozenset()
    bench.matrix.open()
    assert bench.matrix.ask('print(channel.getclose("allslots"))') == "nil"


def test_a_matrix_can_reboot_while_the_source_is_spoken_to(strike):
    bench = strike(Fault("reboot", match=r"measure\.i\(", args={"of": "matrix"}))
    bench.matrix.ask(f"{ROW_0} print(1)")
    bench.smu.ask(f"{DRIVE} print(1)")
    assert abs(float(bench.smu.ask(CURRENT))) < 1e-12
    assert bench.world.closed("matrix") == frozenset()
    assert bench.world.log.of("violation")[0]["what"] == "hot switching"


def test_a_reboot_that_takes_time_refuses_until_it_is_over(strike):
    bench = strike(Fault("reboot", args={"seconds": 1.0}))
    ending(bench.smu, "print(1)")
    with pytest.raises(ConnectionRefusedError):
        bench.smu.open()
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            bench.smu.open()
            break
        time.sleep(0.01)
    assert "2602B" in bench.smu.ask("*IDN?")


@pytest.mark.parametrize(("carried_out", "done"), [(False, {}), (True, {"seq": 1})])
def test_an_error_is_only_in_the_queue(strike, carried_out, done):
    bench = strike(Fault("err", args={"code": -222, "text": "out of range", "executed": carried_out}))
    bench.smu.write("seq = 1")
    assert bench.smu.ask("print(errorqueue.next())").split("\t")[:2] == [say(-222), "out of range"]
    assert executed(bench) == done


def test_an_error_of_a_scpi_instrument_has_its_own_text(strike):
    bench = strike(Fault("err", args={"code": -222}), name="emulated-single")
    bench.smu.write(":SOUR:VOLT 0.1")
    assert bench.smu.ask(":SYST:ERR?").startswith("-222,")
    assert float(bench.smu.ask(":SOUR:VOLT?")) == 0


def test_somebody_at_the_front_panel_changes_a_setting_before_the_message(strike):
    bench = strike(Fault("frontpanel", 2, args={"command": "smua.source.levelv = 3"}))
    bench.smu.ask(f"{DRIVE} print(1)")
    assert bench.smu.ask("print(smua.source.levelv)") == say(3)
    assert bench.world.terminal("smu.a").level_v == 3


@pytest.mark.parametrize(
    ("name", "on", "is_on", "error"),
    [
        ("emulated", "smua.source.output = 1", "print(smua.source.output)", "print(errorqueue.next())"),
        ("emulated-single", ":OUTP ON", ":OUTP?", ":SYST:ERR?"),
    ],
)
@pytest.mark.parametrize(
    ("fault", "code"),
    [(Fault("interlock", match="hit"), 802), (Fault("mode", match="hit", args={"what": "overtemp"}), -300)],
)
def test_an_open_interlock_or_heat_switches_outputs_off_and_keeps_them_off(strike, name, on, is_on, error, fault, code):
    bench = strike(fault, name=name)
    bench.smu.write(on)
    assert float(bench.smu.ask(is_on)) == 1
    bench.smu.write("hit = 1" if name == "emulated" else "*ESE 0 hit")
    assert float(bench.smu.ask(is_on)) == 0
    assert float(bench.smu.ask(error).replace(",", "\t").split("\t")[0]) == code
    bench.smu.write(on)
    assert float(bench.smu.ask(is_on)) == 0
    assert not bench.world.terminal("smu.a").on


def test_a_closed_interlock_lets_outputs_on_again(strike):
    bench = strike(
        Fault("interlock", 0, args={"of": "smu"}), Fault("interlock", match="shut", args={"of": "smu", "open": False})
    )
    bench.smu.write("smua.source.output = 1")
    assert bench.smu.ask("print(smua.source.output)") == say(0)
    bench.smu.write("shut = 1 smua.source.output = 1")
    assert bench.smu.ask("print(smua.source.output)") == say(1)
    assert bench.world.terminal("smu.a").on


def test_an_output_that_is_stuck_on_is_said_to_be_off(strike):
    bench = strike(Fault("mode", 0, args={"what": "output_stuck_on", "of": "smu"}))
    bench.matrix.ask(f"{ROW_0} print(1)")
    bench.smu.write(DRIVE)
    bench.smu.write("smua.source.output = 0")
    assert bench.smu.ask("print(smua.source.output)") == say(0)
    assert bench.world.terminal("smu.a").on
    assert abs(float(bench.smu.ask(CURRENT))) > 1e-8


def test_an_open_sense_line_makes_the_voltage_run_up_only_if_it_is_used(strike):
    bench = strike(*(Fault("mode", match="hit", times=2, args={"what": "sense_open", "volt": 20.0}),))
    bench.smu.ask(f"hit = 1 {DRIVE} print(1)")
    assert bench.world.terminal("smu.a").level_v == 0.1
    bench.smu.ask("smua.sense = smua.SENSE_REMOTE print(1)")
    bench.smu.ask("hit = 2 print(1)")
    assert bench.world.terminal("smu.a").level_v == 20.0


@pytest.mark.parametrize(
    ("name", "question", "bits"),
    [
        ("emulated", "print(status.questionable.over_temperature.condition)", 6),
        ("emulated-single", ":STAT:QUES:COND?", 16),
    ],
)
def test_heat_shows_in_a_questionable_register(strike, name, question, bits):
    bench = strike(Fault("mode", 0, args={"what": "overtemp", "of": "smu"}), name=name)
    assert float(bench.smu.ask(question)) == bits


def with_models(smu, matrix):
    """Return a bench file's tables with other models."""
    return {"instruments": {"smu": {"driver": smu}, "matrix": {"driver": matrix}}}


def test_an_open_interlock_of_a_matrix_is_a_number_or_a_missing_terminal_block(strike):
    hit = Fault("interlock", 0, args={"of": "matrix"})
    bench = strike(hit, overrides=with_models("keithley2602b", "keithley3706a"))
    assert float(bench.matrix.ask("print(slot[1].interlock.state)")) == 0
    bench = strike(hit, overrides=with_models("keithley2602b", "keysight34980a"))
    assert bench.matrix.ask("SYST:MOD:TERM:TYPE? 1") == "NONE"
    bench.matrix.ask("ROUT:CLOS (@1101);*OPC?")
    assert bench.world.closed("matrix") == frozenset()
    assert (
        strike(overrides=with_models("keithley2602b", "keysight34980a")).matrix.ask("SYST:MOD:TERM:TYPE? 1") != "NONE"
    )


SMUS = {
    "keithley2602b": ("smua.source.output = 1", "smua.measure.rangei = 1e-4", CURRENT, "print(errorqueue.next())"),
    "keithley2636b": ("smua.source.output = 1", "smua.measure.rangei = 1e-4", CURRENT, "print(errorqueue.next())"),
    "keithley2400": (":OUTP ON", ":SENS:CURR:RANG 1E-4;:FORM:ELEM CURR", ":READ?", ":SYST:ERR?"),
    "keithley2450": (":OUTP ON", ":SENS:CURR:RANG 1E-4", ":READ?", ":SYST:ERR?"),
    "keysightb2902a": (":OUTP ON", ":SENS:CURR:RANG 1E-4", ":MEAS:CURR?", ":SYST:ERR?"),
    "keysightb2912a": (":OUTP ON", ":SENS:CURR:RANG 1E-4", ":MEAS:CURR?", ":SYST:ERR?"),
}
MATRICES = {
    "keithley707b": ('channel.close("1A01,1C08")', 'print(channel.getclose("allslots"))'),
    "keithley3706a": ('channel.close("1101,1308")', 'print(channel.getclose("allslots"))'),
    "keithley7001": (":ROUT:CLOS (@1!1!1,1!3!8)", ":ROUT:CLOS:STAT?"),
    "keysight34980a": ("ROUT:CLOS (@1101,1308)", "*OPC?"),
    "keysightb2200a": (":CLOS (@00101,00308)", "*OPC?"),
}


def single(model):
    return "emulated-single" if model in ("keithley2400", "keithley2450") else "emulated"


@pytest.mark.parametrize("model", SMUS)
def test_every_model_is_switched_off_by_heat_and_says_so(strike, model):
    on, _, _, error = SMUS[model]
    hit = Fault("mode", match="OPC", args={"what": "overtemp"})
    bench = strike(hit, name=single(model), overrides={"instruments": {"smu": {"driver": model}}})
    bench.smu.write(on)
    assert bench.smu.ask(error).replace(",", "\t").split("\t")[0] in ("0", "+0", say(0))
    assert bench.world.terminal("smu.a").on
    bench.smu.ask("*OPC?")
    assert not bench.world.terminal("smu.a").on
    assert float(bench.smu.ask(error).replace(",", "\t").split("\t")[0]) == -300


@pytest.mark.parametrize("model", SMUS)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_sentinel_is_the_models_own_word_for_overflow(strike, model, sign):
    on, range_a, read, _ = SMUS[model]
    hit = Fault("sentinel", match=r"measure\.i|READ|MEAS:", args={"value": sign * 9.9e37})
    bench = strike(hit, name=single(model), overrides={"instruments": {"smu": {"driver": model}}})
    bench.smu.write(range_a)
    bench.smu.write(on)
    heard = [float(bench.smu.ask(read).split(",")[0]) for _ in range(2)]
    assert abs(heard[0]) in (9.9e37, 9.91e37)
    assert heard[0] > 0 or sign < 0
    assert abs(heard[1]) < 1


@pytest.mark.parametrize("model", SMUS)
def test_every_model_forgets_everything_when_it_reboots(strike, model):
    on, *_ = SMUS[model]
    hit = Fault("reboot", match="OPC")
    bench = strike(hit, name=single(model), overrides={"instruments": {"smu": {"driver": model}}})
    bench.smu.write("*ESE 60")
    bench.smu.write(on)
    assert float(bench.smu.ask("*ESE?")) == 60
    ending(bench.smu, "*OPC?")
    bench.smu.open()
    assert float(bench.smu.ask("*ESE?")) == 0
    assert int(float(bench.smu.ask("*ESR?"))) & 128
    assert not bench.world.terminal("smu.a").on


@pytest.mark.parametrize("model", MATRICES)
def test_every_matrix_can_drop_one_close_and_lose_all_at_a_reboot(strike, model):
    close, asked = MATRICES[model]
    name = "emulated-single" if model == "keithley7001" else "emulated"
    hits = (Fault("drop_close", at=2), Fault("reboot", match="IDN"))
    bench = strike(*hits, name=name, overrides={"instruments": {"matrix": {"driver": model}}})
    bench.matrix.ask("*OPC?")
    bench.matrix.write(close)
    bench.matrix.ask(asked)
    ((row, column),) = bench.world.closed("matrix")
    assert (row[-2:], column[-2:]) == (".1", ".1")
    ending(bench.matrix, "*IDN?")
    assert bench.world.closed("matrix") == frozenset()


# ---------------------------------------------------------------------- settings that are ignored


def test_a_setting_is_silently_ignored(strike):
    bench = strike(Fault("ignore", args={"pattern": r"smua\.source\.limiti\s*=\s*\S+"}))
    bench.smu.write("smua.source.limiti = 1e-4 smua.source.levelv = 0.1")
    assert float(bench.smu.ask("print(smua.source.levelv)")) == 0.1
    assert float(bench.smu.ask("print(smua.source.limiti)")) != 1e-4
    assert bench.smu.ask("print(errorqueue.count)") == say(0)
    bench.smu.write("smua.source.limiti = 1e-4")  # once only
    assert float(bench.smu.ask("print(smua.source.limiti)")) == 1e-4


def test_a_setting_of_a_scpi_instrument_is_silently_ignored(strike):
    bench = strike(Fault("ignore", times=0, args={"pattern": ":SENS:CURR:PROT [^;]+"}), name="emulated-single")
    bench.smu.write(":SENS:CURR:PROT 1E-6;:SOUR:VOLT 0.1")
    assert float(bench.smu.ask(":SOUR:VOLT?")) == 0.1
    assert float(bench.smu.ask(":SENS:CURR:PROT?")) != 1e-6
    assert bench.smu.ask(":SYST:ERR?").startswith("0,")


@pytest.mark.parametrize(
    ("name", "close", "closed", "left"),
    [
        ("emulated", 'channel.close("1A01,1B05")', 'print(channel.getclose("allslots"))', "1A01"),
        ("emulated-single", ":ROUT:CLOS (@1!1!1,1!2!5)", ":ROUT:CLOS? (@1!1!1,1!2!5)", "1,0"),
    ],
)
def test_one_close_is_silently_dropped_and_reads_back_as_open(strike, name, close, closed, left):
    bench = strike(Fault("drop_close"), name=name)
    bench.matrix.write(close)
    assert bench.matrix.ask(closed).replace(" ", "") == left
    assert len(bench.world.closed("matrix")) == 1


# ---------------------------------------------------------------------- cells and relays


def row_current(bench):
    """Current of row 0 at 0.1 V, in amperes, measured as a client does."""
    bench.matrix.ask(f"{ROW_0} print(1)")
    bench.smu.ask(f"{DRIVE} print(1)")
    return float(bench.smu.ask(CURRENT))


@pytest.fixture
def cells(strike):
    """Conductances of the chip when nothing is broken."""
    return strike().world.chip.conductances


def test_a_shorted_cell_brings_the_source_to_its_limit(strike):
    bench = strike(Fault("cell", 0, args={"what": "short", "row": 0, "column": 2}))
    assert row_current(bench) == pytest.approx(1e-4)
    assert bench.smu.ask("print(smua.source.compliance)") == "true"


def test_an_open_cell_carries_nothing(strike, cells):
    bench = strike(Fault("cell", 0, args={"what": "open", "row": 0, "column": 2}))
    assert row_current(bench) == pytest.approx(0.1 * (cells[0].sum() - cells[0, 2]), rel=1e-3)


def pulse(bench, seconds=0.05):
    """Send one pulse of 2 V to all of row 0."""
    bench.matrix.ask(f"{ROW_0} print(1)")
    message = f"smua.source.limiti=1e-3 smua.source.output=1 smua.source.levelv=2 delay({seconds}) smua.source.levelv=0"
    bench.smu.ask(f"{message} print(1)")


def test_a_stuck_cell_does_not_move_and_its_neighbours_do(strike, cells):
    bench = strike(Fault("cell", 0, args={"what": "stuck", "row": 0, "column": 2}))
    pulse(bench)
    moved = bench.world.chip.conductances != cells
    assert moved[0].tolist() == [True, True, False, True]
    assert len(bench.world.log.of("exposure")) == 4


def test_a_drifting_cell_changes_with_the_time_of_the_bench(strike, cells):
    bench = strike(Fault("cell", 0, args={"what": "drift", "row": 0, "column": 2, "amount": -0.1}))
    first = row_current(bench)
    bench.smu.ask("smua.source.levelv = 0.1 delay(5) print(1)")
    second = float(bench.smu.ask(CURRENT))
    assert first - second == pytest.approx(0.1 * cells[0, 2] * 0.5, rel=0.02)


def test_a_bursting_cell_jumps_tenfold_at_its_next_pulse(strike):
    bench = strike(Fault("cell", 0, args={"what": "burst", "row": 0, "column": 2}))
    before = row_current(bench)
    pulse(bench)
    after = row_current(bench)
    now = bench.world.chip.conductances[0]
    assert after == pytest.approx(0.1 * (now.sum() + 9 * now[2]), rel=1e-3)
    assert after > 2 * before


def test_a_noisy_cell_reads_another_value_every_time(strike):
    bench = strike(Fault("cell", 0, args={"what": "noisy", "row": 0, "column": 2}))
    row_current(bench)
    assert len({bench.smu.ask(CURRENT) for _ in range(5)}) == 5


def test_a_cell_trips_the_limit_in_one_message_only(strike):
    bench = strike(Fault("trip", match="print.smua.measure", args={"row": 0, "column": 1}))
    assert row_current(bench) == pytest.approx(1e-4)
    assert float(bench.smu.ask(CURRENT)) < 1e-6


def test_a_relay_that_is_stuck_open_reads_back_as_closed(strike, cells):
    bench = strike(Fault("relay", 0, args={"what": "stuck_open", "row": 3, "column": 7}))
    # Column 2 (matrix column 7) floats: its cell of row 0 is in series with its three others, which go to ground.
    others = cells[1:, 2].sum()
    through = cells[0].sum() - cells[0, 2] + cells[0, 2] * others / (cells[0, 2] + others)
    assert row_current(bench) == pytest.approx(0.1 * through, rel=1e-3)
    assert "1C07" in bench.matrix.ask('print(channel.getclose("allslots"))')
    assert len(bench.world.closed("matrix")) == 7


def test_a_relay_that_is_welded_reads_back_as_open(strike):
    bench = strike(
        Fault("relay", match="weld", args={"what": "stuck_closed", "row": 1, "column": 1, "matrix": "matrix"})
    )
    bench.matrix.ask("weld = 1 print(1)")
    bench.matrix.ask('channel.open("allslots") print(1)')
    assert bench.matrix.ask('print(channel.getclose("allslots"))') == "nil"
    assert bench.world.closed("matrix") == {("matrix.row.1.1", "matrix.column.1.1")}


def test_a_slow_relay_closes_when_its_time_has_come(strike):
    bench = strike(Fault("relay", 0, args={"what": "slow", "row": 1, "column": 1, "seconds": 0.1}))
    bench.matrix.ask('channel.close("1A01") print(1)')
    assert bench.world.closed("matrix") == frozenset()
    bench.smu.ask("delay(0.09) print(1)")
    assert bench.world.closed("matrix") == frozenset()
    bench.smu.ask("delay(0.02) print(1)")
    assert len(bench.world.closed("matrix")) == 1
    moved = [each["t"] for each in bench.world.log.of("relays")]
    assert moved == [pytest.approx(0.1)]


def test_a_slow_relay_that_closes_under_voltage_is_switched_hot(strike):
    bench = strike(Fault("relay", 0, args={"what": "slow", "row": 1, "column": 1, "seconds": 0.1}))
    bench.matrix.ask('channel.close("1A01") print(1)')
    bench.smu.ask(f"{DRIVE} delay(0.2) print(1)")
    assert [each["what"] for each in bench.world.log.of("violation")] == ["hot switching"]


def test_a_broken_relay_or_cell_can_be_made_whole(strike, cells):
    bench = strike(
        Fault("relay", 0, args={"what": "stuck_open", "row": 1, "column": 1}),
        Fault("cell", 0, args={"what": "open", "row": 0, "column": 0}),
        Fault("relay", match="mend", args={"what": "whole", "row": 1, "column": 1}),
        Fault("cell", match="mend", args={"what": "whole", "row": 0, "column": 0}),
    )
    assert abs(row_current(bench)) < 1e-12
    bench.smu.ask("smua.source.levelv = 0 mend = 1 print(1)")
    assert row_current(bench) == pytest.approx(0.1 * cells[0].sum(), rel=1e-3)


def test_broken_cells_and_relays_outlive_the_bench(strike, tmp_path):
    state = tmp_path / "emulated.json"
    bench = strike(
        Fault("cell", 1, args={"what": "short", "row": 0, "column": 2}),
        Fault("relay", 1, args={"what": "stuck_closed", "row": 1, "column": 1}),
        state=state,
    )
    bench.smu.ask("print(1)")
    again = EmulatedBench(shipped("emulated"), np.random.default_rng(1), state=state)
    assert again.world.closed("matrix") == {("matrix.row.1.1", "matrix.column.1.1")}
    assert again.world.damage.siemens((0, 2), 1e-6) == pytest.approx(0.1)


def test_the_clock_that_instruments_show_jumps_and_the_log_does_not(strike):
    bench = strike(Fault("clock", match="jump", args={"seconds": 3600.0}))
    bench.smu.ask("timer.reset() print(1)")
    assert float(bench.smu.ask("jump = 1 print(timer.measure.t())")) >= 3600
    assert bench.world.log.of("nemesis")[0]["t"] < 1
    assert bench.world.clock.elapsed() < 1


# ---------------------------------------------------------------------- which message is hit


def test_messages_are_counted_over_the_whole_bench_or_of_one_instrument(strike):
    none = {"seconds": 0.0}
    bench = strike(Fault("late", 3, args=none), Fault("late", 2, "matrix", args=none))
    for client in (bench.smu, bench.smu, bench.matrix, bench.smu, bench.matrix):
        client.ask("print(1)")
    assert struck(bench) == [("late", "matrix", 3), ("late", "matrix", 5)]
    assert bench.nemesis.calls == 5
    assert bench.nemesis.calls_of == {"smu": 3, "matrix": 2}


def test_a_fault_that_matches_waits_for_its_message_and_hits_as_often_as_it_says(strike):
    bench = strike(Fault("dup", 2, match=r"print\(7\)", times=2))
    for number in (7, 6, 7, 7, 7):
        bench.smu.ask(f"print({number})")
        bench.smu.pending = b""
    assert struck(bench) == [("dup", "smu", 3), ("dup", "smu", 4)]


def test_a_fault_of_no_number_of_times_hits_every_message(strike):
    bench = strike(Fault("drop_command", 2, times=0))
    bench.smu.ask("a = 1 print(1)")
    for _ in range(3):
        with pytest.raises(TimeoutError):
            bench.smu.ask("b = 1 print(1)", 0.02)
    assert executed(bench) == {"a": 1}


def test_two_faults_can_hit_one_message(strike):
    bench = strike(Fault("extra", 1, args={"when": "before"}), Fault("fin", 1, args={"when": "after"}))
    bench.smu.write("print(1)")
    assert [bench.smu.read(LONG_S), bench.smu.read(LONG_S)] == ["*** event", say(1)]
    with pytest.raises(EOFError):
        bench.smu.read(LONG_S)


def test_every_message_is_one_call_though_they_come_in_one_piece(strike):
    bench = strike(Fault("drop", 2))
    bench.smu.write("print(1)\nprint(2)\nprint(3)")
    assert [bench.smu.read(LONG_S), bench.smu.read(LONG_S)] == [say(1), say(3)]


def test_the_physical_log_says_what_was_done_to_which_message(strike, tmp_path):
    path = tmp_path / "physical.jsonl"
    bench = strike(Fault("late", 2, args={"seconds": 0.0}), log=path)
    bench.smu.ask("print(1)")
    bench.matrix.ask("print(2)")
    (event,) = (each for each in map(json.loads, path.read_text().splitlines()) if each["event"] == "nemesis")
    assert {key: event[key] for key in ("verb", "instrument", "call", "call_of_instrument", "args", "message")} == {
        "verb": "late",
        "instrument": "matrix",
        "call": 2,
        "call_of_instrument": 1,
        "args": {"seconds": 0.0},
        "message": "print(2)",
    }


def test_the_end_of_the_log_says_how_many_messages_there_were(tmp_path):
    path = tmp_path / "physical.jsonl"
    with EmulatedBench(shipped("emulated"), np.random.default_rng(1), nemesis={}, log=path) as bench:
        client = Client(bench.resources["smu"])
        client.ask("print(1)")
        client.close()
    assert json.loads(path.read_text().splitlines()[-1])["calls"] == {"smu": 1}


def test_a_bench_without_a_nemesis_has_plain_servers(monkeypatch):
    with EmulatedBench(shipped("emulated"), np.random.default_rng(1)) as bench:
        assert bench.nemesis is None
        assert bench.world.damage is None
        assert bench._serve is not NemesisServer
    sys.modules.pop("crossbar_hil.sim_backend.emulation.nemesis.server")


def test_a_nemesis_without_faults_changes_nothing(strike):
    heard = []
    for bench in (strike(), strike(name="emulated")):
        pulse(bench)
        heard.append((row_current(bench), bench.world.log.events))
    plain = EmulatedBench(shipped("emulated"), np.random.default_rng(1))
    with plain:
        for name, resource in plain.resources.items():
            setattr(plain, name, Client(resource))
        pulse(plain)
        heard.append((row_current(plain), plain.world.log.events))
        for name in plain.resources:
            getattr(plain, name).close()
    assert heard[0] == heard[1] == heard[2]


# ---------------------------------------------------------------------- at random


def run(strike, nemesis, messages=60):
    bench = strike(nemesis=nemesis)
    for number in range(messages):
        with contextlib.suppress(OSError, EOFError):
            bench.smu.ask(f"n = {number} print(n)", 0.02)
        with contextlib.suppress(OSError):
            bench.smu.close()
            bench.smu.open()
    return bench


def test_the_same_seed_makes_the_same_things_happen_at_the_same_messages(strike):
    verbs = ("dup", "cut", "garbage", "drop_command", "extra", "err", "swap")
    first, second, other = (
        run(strike, Nemesis.random(seed, rate=0.1, verbs=verbs, switched_on=0.6)) for seed in (3, 3, 4)
    )
    whole = [
        [(each["verb"], each["call"], each["args"]) for each in bench.world.log.of("nemesis")]
        for bench in (first, second, other)
    ]
    assert whole[0] == whole[1] != whole[2]
    assert len(whole[0]) > 3


def test_a_quarter_of_the_verbs_is_used_in_a_run():
    used = [len(Nemesis.random(seed).chances.verbs) for seed in range(150)]
    assert np.mean(used) == pytest.approx(0.25 * len(RANDOM_VERBS), rel=0.1)
    assert min(used) < 3


def test_a_verb_that_is_used_fires_with_its_rate():
    nemesis = Nemesis.random(5, rate=0.2, verbs=["drop"], switched_on=1.0)
    hits = sum(len(nemesis.faults_at("smu", "print(1)", (4, 4))) for _ in range(5000))
    assert hits == pytest.approx(1000, rel=0.1)


def test_what_is_drawn_is_a_fault_of_the_bench():
    nemesis = Nemesis.random(6, rate=1.0, switched_on=1.0, verbs=[*RANDOM_VERBS, "mode", "refuse", "noread"])
    found = [fault for _ in range(50) for fault in nemesis.faults_at("smu", "", (4, 4))]
    assert {fault.verb for fault in found} == {*RANDOM_VERBS, "mode", "refuse", "noread"}
    assert {fault.args["row"] for fault in found if fault.verb == "cell"} == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "nemesis",
    [
        Nemesis.random(9, rate=0.3),
        Nemesis([Fault("cut", 3, "smu", {"n": 4}, match="print", times=0), Fault("drop")], seed=4),
        Nemesis(),
    ],
)
def test_a_nemesis_comes_back_from_its_json(nemesis):
    again = Nemesis.from_json(json.loads(json.dumps(nemesis.as_json())))
    assert again.as_json() == nemesis.as_json()
    assert again.faults == nemesis.faults
    for _ in range(50):
        assert again.faults_at("smu", "print(1)", (4, 4)) == nemesis.faults_at("smu", "print(1)", (4, 4))


def test_every_verb_can_be_written_as_json_with_what_it_needs_only():
    needed = {
        "ignore": {"pattern": "x"},
        "frontpanel": {"command": "reset()"},
        "mode": {"what": "overtemp"},
        "trip": {"row": 0, "column": 0},
        "cell": {"what": "open", "row": 0, "column": 0},
        "relay": {"what": "slow", "row": 1, "column": 1},
        "clock": {"seconds": 1.0},
    }
    for verb in VERBS:
        Nemesis.from_json({"faults": [{"verb": verb, "args": needed.get(verb, {})}]})


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"faults": [{"verb": "dropp"}]}, "no fault 'dropp'.*did you mean 'drop'"),
        ({"faults": [{"verb": "late", "args": {"second": 1}}]}, "no argument 'second'; it has seconds"),
        ({"faults": [{"verb": "late", "args": {"seconds": -1}}]}, "seconds -1 must not be negative"),
        ({"faults": [{"verb": "late", "args": {"seconds": "1"}}]}, "seconds '1' is not of type float"),
        ({"faults": [{"verb": "trip", "args": {"row": 0, "column": 0, "ohm": 0}}]}, "ohm 0 ohm must be above zero"),
        (
            {"faults": [{"verb": "cell", "args": {"what": "short", "row": 0, "column": 0, "amount": 0.0}}]},
            "amount 0.0 ohm must be above zero",
        ),
        ({"faults": [{"verb": "cut", "args": {"n": True}}]}, "n True is not of type int"),
        ({"faults": [{"verb": "fin", "args": {"when": "later"}}]}, "when 'later' must be one of before"),
        ({"faults": [{"verb": "cell", "args": {"what": "open"}}]}, "needs its argument row"),
        ({"faults": [{"verb": "drop", "at": -1}]}, "at -1"),
        ({"faults": [{"verb": "drop", "match": "("}]}, "no regular expression"),
        ({"faults": [{"verb": "drop", "how": 1}]}, "not understood"),
        ({"faults": "drop"}, "not understood"),
        ({"fault": []}, "a nemesis has no fault"),
        ({"seed": -1}, "seed -1"),
        ({"chances": {"verbs": ["dropp"], "rate": 0.1, "seconds": 1}}, "no fault 'dropp'"),
        ({"chances": {"verbs": ["drop"]}}, "not understood"),
        (
            {"faults": [{"verb": "drop", "instrument": "scope"}]},
            "no instrument 'scope' on the bench; there is smu, matrix",
        ),
        ({"faults": [{"verb": "freeze", "args": {"of": "scope"}}]}, "no instrument 'scope'"),
        (
            {"faults": [{"verb": "relay", "args": {"what": "slow", "row": 1, "column": 1, "matrix": "smu"}}]},
            "no matrix smu",
        ),
        (
            {"faults": [{"verb": "cell", "args": {"what": "open", "row": 4, "column": 0}}]},
            r"\[4, 0\] is not on the chip",
        ),
    ],
)
def test_a_nemesis_that_makes_no_sense_is_refused_in_one_sentence(found, words):
    with pytest.raises(ConfigError, match=words) as refusal:
        EmulatedBench(shipped("emulated"), np.random.default_rng(1), nemesis=found)
    assert "\n" not in str(refusal.value)


def test_a_served_bench_takes_a_nemesis(tmp_path):
    from crossbar_hil.bench.served import start_served

    served = start_served(
        shipped("emulated"), seed=1, log=tmp_path / "physical.jsonl", nemesis={"faults": [{"verb": "dup", "at": 2}]}
    )
    client = Client(served.resources["smu"])
    assert [client.ask("print(1)"), client.ask("print(2)"), client.read(LONG_S)] == [say(1), say(2), say(2)]
    client.close()
    served.close()
    with pytest.raises(ConfigError, match="no fault 'dropp'"):
        start_served(shipped("emulated"), seed=1, nemesis={"faults": [{"verb": "dropp"}]})
