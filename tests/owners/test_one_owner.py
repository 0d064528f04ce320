"""Who has a bench, by whatever name: judged by the bench's own log, what came over the wire and the process table."""

import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from crossbar_hil.bench.checking import check_bench
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import BenchBusy, DeadlineError, GuardError
from crossbar_hil.guard import __main__ as guard_main
from crossbar_hil.guard.lock import BenchLock
from crossbar_hil.guard.opening import lock_names, make_bench_safe, open_guarded
from crossbar_hil.owners import takeover
from crossbar_hil.owners.takeover import acquire_within, is_guard_of, take_over

from ..forking import real_starts

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes are proven by /proc")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch, allow_loopback):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def real(emulated_bench):
    """Make a bench of kind hardware of the emulated instruments: real(), or real(other resources)."""

    def make(resources=None):
        given = {name: {"resource": each} for name, each in (resources or emulated_bench.resources).items()}
        bench = load_bench("emulated", overrides={"instruments": given})
        return bench.model_copy(update={"kind": "hardware", "chip_id": "A1"})

    return make


class Relay:
    """Another address of an instrument: what comes in goes on to it, and is kept."""

    def __init__(self, resource):
        self._to = int(resource.split("::")[2])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.resource = f"TCPIP0::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET"
        self.heard = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self._to)) as instrument:
                while data := client.recv(4096):
                    self.heard += data
                    instrument.sendall(data)
                    client.sendall(instrument.recv(4096))

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def folder(tmp_path, name):
    (tmp_path / name).mkdir()
    return tmp_path / name


@pytest.mark.fault("O3", "V16")
def test_an_instrument_by_another_address_is_refused_after_it_has_said_who_it_is_and_a_rescue_leaves_it_alone(
    tmp_path, real, emulated_bench
):
    relays = {name: Relay(each) for name, each in emulated_bench.resources.items()}
    world = emulated_bench.world
    with open_guarded(real(), seed=1, folder=folder(tmp_path, "a")) as backend:
        before = backend.read_conductances(0.1)
        logged = len(world.log.of("source")) + len(world.log.of("relays"))
        elsewhere = real({name: relay.resource for name, relay in relays.items()})
        with pytest.raises(BenchBusy, match=rf"serial 1234567 is in use by process {backend.guard_pid} .*, run .*/a,"):
            open_guarded(elsewhere, seed=1, folder=folder(tmp_path, "b"))
        assert relays["smu"].heard == b"*IDN?\n"
        assert relays["matrix"].heard == b""
        report = rescue(tmp_path / "b")
        assert not report.confirmed
        assert all("nothing was sent to it" in failure for failure in report.failures)
        report = rescue(tmp_path / "a")
        assert not report.confirmed
        assert f"in use by process {backend.guard_pid}" in report.failures[0]
        assert "the second guard has sent nothing" in report.failures[0]
        assert len(world.log.of("source")) + len(world.log.of("relays")) == logged
        assert world.terminal("smu.a").on
        assert (backend.read_conductances(0.1) == before).all()
    for relay in relays.values():
        assert relay.heard in (b"", 2 * b"*IDN?\n", b"*IDN?\n")
        relay.close()


def rescue(of, tell=print):
    """Have a second guard make a bench safe, in this process; return its report."""
    hello = {"bench": str(of / "bench.toml"), "journal": str(of / "journal.sqlite"), "resources": None, "rescue": True}
    service = type("Person", (), {"ask": input, "tell": staticmethod(tell)})
    return guard_main.Rescue({**hello, "allow_loopback": True}, service).make_safe("the guard process was killed")


@LINUX
@pytest.mark.fault("H6", "H16", "V16")
def test_a_guard_that_is_stuck_is_told_to_end_and_then_killed_and_the_bench_is_safe(tmp_path, real, emulated_bench):
    told = []
    world = emulated_bench.world
    with real_starts():  # the one that is to be known by its words
        guarded = open_guarded(real(), seed=1, folder=folder(tmp_path, "a"))
    with pytest.raises(GuardError), guarded as backend:  # noqa: PT012
        backend.read_conductances(0.1)
        os.kill(backend.guard_pid, signal.SIGSTOP)
        assert world.terminal("smu.a").on
        assert make_bench_safe(real(), patience_s=0.2, tell=told.append) == []
        assert not any(world.terminal(f"smu.{channel}").on for channel in "ab")
        assert not world.closed("matrix")
        assert f"process {backend.guard_pid} of" in told[0]
        assert "was told to make the bench safe" in told[0]
        assert told[1].startswith(f"process {backend.guard_pid} did not end within 0.2 s and was killed")
        backend.read_conductances(0.1)


HOLDER = """
import json, sys
from pathlib import Path
from crossbar_hil.guard.lock import BenchLock
lock = BenchLock(["GPIB0::24::INSTR"], run="r", folder=Path(sys.argv[1]))
lock.acquire()
(path,) = lock._held
if sys.argv[2:] and sys.argv[2].isdigit():
    path.write_text(json.dumps({"pid": int(sys.argv[2])}))
print(path, flush=True)
sys.stdin.read()
"""


@LINUX
@pytest.mark.fault("X21", "V16")
@pytest.mark.parametrize("forged", [False, True])
def test_who_is_not_proven_to_be_the_guard_that_holds_the_lock_is_never_signalled(tmp_path, forged):
    """The holder is no guard; the file may name somebody else, who even is called as a guard is."""
    sleeper = [sys.executable, "-c", "input()", "-m", "crossbar_hil.guard"]
    with subprocess.Popen(sleeper, stdin=subprocess.PIPE) as victim:
        words = [str(tmp_path / "locks"), *([str(victim.pid)] if forged else [])]
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            place = holder.stdout.readline().strip()
            lock = BenchLock(["GPIB0::24::INSTR"], run="safe", folder=tmp_path / "locks")
            times = iter(range(1000))
            with pytest.raises(BenchBusy, match="not seen to be a guard of this user, so nothing was sent to it"):
                take_over(lock, clock=lambda: next(times), wait=lambda _: None)
            assert not is_guard_of(victim.pid, place)
            assert (victim.poll(), holder.poll()) == (None, None)
            holder.stdin.close()
            victim.stdin.close()
        assert holder.returncode == 0


class HeldBy:
    """A lock that is held by processes, one after the other, and free after the last."""

    def __init__(self, *pids):
        self.pids = list(pids)

    def acquire(self):
        if self.pids:
            raise BenchBusy("held", self.pids.pop(0), "place")


@LINUX
@pytest.mark.fault("V16")
def test_guards_that_follow_each_other_are_not_told_to_end_for_ever(monkeypatch):
    sent, times = [], iter(range(10**6))
    monkeypatch.setattr(takeover, "_signal", lambda pid, place, number: sent.append((pid, number)) or True)
    with pytest.raises(BenchBusy, match="held"):
        take_over(HeldBy(*range(1, 20)), clock=lambda: next(times), wait=lambda _: None)
    assert sent == [(pid, signal.SIGTERM) for pid in range(1, 5)]


@LINUX
@pytest.mark.fault("V16")
def test_a_guard_that_does_not_even_end_when_it_is_killed_is_told(monkeypatch):
    sent, times = [], iter(range(10**6))
    monkeypatch.setattr(takeover, "_signal", lambda pid, place, number: sent.append(number) or True)
    with pytest.raises(BenchBusy, match="held; it was killed 2 s ago and is still there"):
        take_over(HeldBy(*[7] * 40), clock=lambda: next(times), wait=lambda _: None)
    assert sent == [signal.SIGTERM, signal.SIGKILL]


def test_the_lock_of_one_who_is_about_to_be_gone_is_waited_for_and_not_for_ever():
    waits = []
    how = {"clock": lambda: sum(waits), "wait": waits.append}
    acquire_within(HeldBy(7, 7, 7), 1.0, **how)
    assert waits == [0.05] * 3
    with pytest.raises(BenchBusy, match="held"):
        acquire_within(HeldBy(*[7] * 40), 1.0, **how)
    assert 1.0 < sum(waits[3:]) < 1.1


GUARD = ("-m", "crossbar_hil.guard")
WAITING = """
import fcntl, sys
with open(sys.argv[1]) as file, open(sys.argv[2]) as other:
    if sys.argv[3] != "none":
        fcntl.flock({"file": file, "other": other}[sys.argv[3]], fcntl.LOCK_EX)
    print(flush=True)
    sys.stdin.read()
"""


@LINUX
@pytest.mark.fault("X21", "V16")
@pytest.mark.parametrize(
    ("locks", "called", "is_it"),
    [("file", GUARD, True), ("none", GUARD, False), ("other", GUARD, False), ("file", ("-m", "another"), False)],
    ids=["its guard", "has it open alone", "another bench's guard", "no guard"],
)
def test_the_guard_of_a_lock_is_called_so_and_has_it_locked(tmp_path, monkeypatch, locks, called, is_it):
    for name in ("file", "other"):
        (tmp_path / name).touch()
    command = [sys.executable, "-c", WAITING, str(tmp_path / "file"), str(tmp_path / "other"), locks, *called]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert is_guard_of(process.pid, tmp_path / "file") == is_it
        with monkeypatch.context() as patch:
            patch.setattr(os, "geteuid", lambda: os.getuid() + 1)  # of another user
            assert not is_guard_of(process.pid, tmp_path / "file")
        process.stdin.close()


@pytest.mark.fault("H16")
def test_a_rescue_switches_off_what_answers_and_leaves_other_instruments_alone(tmp_path, real, emulated_bench):
    world, places = emulated_bench.world, emulated_bench.resources
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"TCPIP0::127.0.0.1::{closed.getsockname()[1]}::SOCKET"
    world.set_terminals({"smu.a": {"on": True, "level_v": 0.1}})
    exchanged = {"smu": places["matrix"], "matrix": places["smu"]}
    failures = make_bench_safe(real(exchanged))
    assert [each.rpartition("; ")[2] for each in failures] == ["nothing was sent to it"] * 2
    assert world.terminal("smu.a").on
    told = []
    # The one that comes first in the file cannot be reached: the other one is made safe all the same.
    bench = real({"smu": places["smu"], "matrix": nowhere})
    bench = bench.model_copy(update={"instruments": dict(sorted(bench.instruments.items()))})
    assert list(bench.instruments) == ["matrix", "smu"]
    (failure,) = make_bench_safe(bench, tell=lambda text: told.append((text, world.terminal("smu.a").on)))
    assert failure.startswith("instruments.matrix cannot be reached")
    assert told == [(failure, True)]
    assert not world.terminal("smu.a").on


@pytest.mark.fault("H16", "I11")
@pytest.mark.parametrize("by", ["safe", "second guard"])
def test_who_makes_a_bench_safe_is_told_of_a_mute_instrument_before_anything_else_is_tried(
    tmp_path, real, emulated_bench, by
):
    world = emulated_bench.world
    world.set_terminals({"smu.a": {"on": True, "level_v": 0.1}})
    told = []
    with socket.create_server(("127.0.0.1", 0)) as mute:  # connections are taken, nobody reads them
        bench = real({**emulated_bench.resources, "matrix": f"TCPIP0::127.0.0.1::{mute.getsockname()[1]}::SOCKET"})
        tables = dict(sorted(bench.instruments.items()))
        tables["matrix"] = tables["matrix"].model_copy(update={"deadline_s": 0.05})
        bench = bench.model_copy(update={"instruments": tables})

        def tell(text):
            told.append((text.partition(" has not")[0], world.terminal("smu.a").on))

        if by == "safe":
            (failure,) = make_bench_safe(bench, tell=tell)
        else:
            bench.copy_into(folder(tmp_path, "a"))
            (failure,) = rescue(tmp_path / "a", tell).failures
    assert failure.startswith("instruments.matrix cannot be reached")
    assert told == [("instrument matrix", True)]
    assert not world.terminal("smu.a").on


def test_one_that_does_not_say_in_time_who_it_is_is_named_with_what_to_set(tmp_path, real):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        bench = real(dict.fromkeys(("smu", "matrix"), f"TCPIP0::127.0.0.1::{mute.getsockname()[1]}::SOCKET"))
        tables = {name: each.model_copy(update={"deadline_s": 0.05}) for name, each in bench.instruments.items()}
        bench = bench.model_copy(update={"instruments": tables})
        (tmp_path / "lab.toml").write_text(bench.as_toml(), encoding="utf-8")
        told = [each for each in check_bench(str(tmp_path / "lab.toml")) if "raise" in each]
        with pytest.raises(DeadlineError) as refusal:
            open_backend(bench, seed=1)
    assert len(told) == 2
    for name, said in (("smu", told[0]), ("matrix", told[1]), ("smu", str(refusal.value))):
        assert f"instruments.{name}: " in said
        assert "did not answer in time (command '*IDN?', waited 0." in said
        assert f"raise instruments.{name}.deadline_s, 0.05 s now" in said


def test_check_asks_no_instrument_of_a_bench_that_is_in_use(tmp_path, real, cli):
    bench = real()
    path = tmp_path / "lab.toml"
    path.write_text(bench.as_toml(), encoding="utf-8")
    lock = BenchLock(lock_names(bench.instruments), run="another")
    lock.acquire()
    done = cli("check", path, "--allow-loopback")
    lock.release()
    assert done.code == 1
    assert "is in use by process" in done.err
    assert cli("check", path, "--allow-loopback").code == 0
