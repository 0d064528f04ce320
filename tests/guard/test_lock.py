import getpass
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import BenchBusy, ConfigError, DataError
from crossbar_hil.guard import lock as lock_module
from crossbar_hil.guard.lock import BenchLock, default_folder, fixed_folder, run_lock, run_owner
from crossbar_hil.guard.names import same_identity, same_resource
from crossbar_hil.guard.opening import claim
from crossbar_hil.instrument import Identity
from crossbar_hil.owners import addresses
from crossbar_hil.owners.addresses import numbers_of
from crossbar_hil.visa_record import REPLAY

SMU, MATRIX = "GPIB0::24::INSTR", "TCPIP0::matrix.lab::inst0::INSTR"
NAMES = {"matrix.lab": ("10.0.0.7",), "m": ("10.0.0.7",), "both.lab": ("10.0.0.8", "fe80::8"), "old.lab": ("fe80::8",)}
KNOWN = lambda host: NAMES.get(host.lower(), (host,))  # noqa: E731 - nobody is asked
posix = pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")


@pytest.fixture
def lock_on(tmp_path):
    """Return locks in a folder of this test, and release them at its end."""
    made = []

    def make(*resources, **how):
        usual = {"run": "runs/a", "folder": tmp_path / "locks", "numbers": KNOWN}
        made.append(BenchLock(resources or (SMU, MATRIX), **{**usual, **how}))
        return made[-1]

    yield make
    for lock in made:
        lock.release()


@pytest.mark.fault("O3", "V16")
def test_a_bench_that_is_held_is_refused_and_the_holder_named(lock_on):
    started = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    lock_on(run="runs/first", now=lambda: started, version="0.2.0").acquire()
    with pytest.raises(BenchBusy) as refusal:
        lock_on(run="runs/second").acquire()
    said = str(refusal.value)
    for part in (
        "gpib0::24::instr",
        f"is in use by process {os.getpid()} of {getpass.getuser()}, run runs/first, since 2026-03-01T12:30:00+00:00, "
        "version 0.2.0",
    ):
        assert part in said


@pytest.mark.parametrize("error", [ImportError, KeyError, OSError])
def test_a_user_without_a_name_is_told_by_number(lock_on, monkeypatch, error):
    monkeypatch.setattr(getpass, "getuser", raising(error("no entry")))
    monkeypatch.setattr(os, "getuid", lambda: 7007, raising=False)
    lock_on().acquire()
    with pytest.raises(BenchBusy, match=f"process {os.getpid()} of user 7007, run "):
        lock_on().acquire()


def raising(error):
    def call():
        raise error

    return call


@pytest.mark.fault("O3", "V16")
def test_benches_that_share_one_instrument_exclude_each_other_and_nothing_stays_held(lock_on):
    first = lock_on("GPIB0::24::INSTR")
    first.acquire()
    with pytest.raises(BenchBusy):
        lock_on("ASRL1::INSTR", "gpib::24").acquire()
    lock_on("ASRL1::INSTR").acquire()


def test_a_released_bench_is_free_and_tells_nothing_of_its_holder(lock_on, tmp_path):
    first = lock_on()
    first.acquire()
    assert first.still_held()
    first.release()
    assert not first.still_held()
    told = [json.loads(path.read_text()) for path in (tmp_path / "locks").iterdir()]
    assert told == [{"minimum_version": "0.1.0"}] * 2
    lock_on().acquire()


def test_all_take_the_instruments_in_one_order_so_that_of_two_one_gets_all(lock_on):
    assert lock_on(SMU, MATRIX).resources == lock_on(MATRIX, SMU).resources == tuple(sorted(lock_on().resources))


def test_taking_a_bench_twice_is_taking_it_once(lock_on):
    lock = lock_on()
    lock.acquire()
    lock.acquire()
    lock.release()
    lock_on().acquire()


def test_a_bench_without_instruments_cannot_be_locked(tmp_path):
    with pytest.raises(DataError, match="without instruments"):
        BenchLock([], run="r", folder=tmp_path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GPIB0::24::INSTR", "gpib::24"),
        ("GPIB::05::INSTR", "GPIB0::5"),
        ("TCPIP::10.0.0.2::INSTR", "tcpip0::10.0.0.2::INST0"),
        ("TCPIP::Smu.Lab::5025::SOCKET", " tcpip0::smu.lab::5025::socket "),
        ("TCPIP::smu.lab::5025::SOCKET", "TCPIP2::smu.lab::05025::SOCKET"),
        ("USB::0x05E6::0x2450::04401::INSTR", "USB0::1510::9296::04401::0::INSTR"),
        ("ASRL/dev/ttyUSB0::INSTR", "asrl/dev/ttyUSB0"),
        ("manual matrix", "Manual Matrix"),
    ],
)
def test_two_spellings_of_one_instrument_are_the_same(one, other):
    assert same_resource(one) == same_resource(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GPIB0::24::INSTR", "GPIB1::24::INSTR"),
        ("GPIB0::24::INSTR", "GPIB0::2::INSTR"),
        ("TCPIP::a::INSTR", "TCPIP::a::5025::SOCKET"),
        ("TCPIP::a::inst1::INSTR", "TCPIP::a::INSTR"),
        ("TCPIP::127.0.0.1::5025::SOCKET", "TCPIP::127.0.0.1::5026::SOCKET"),
        ("USB::0x05E6::0x2450::04401::INSTR", "USB::0x05E6::0x2450::4401::INSTR"),
        ("ASRL1::INSTR", "ASRL2::INSTR"),
    ],
)
def test_two_instruments_are_not_taken_for_one(one, other):
    assert same_resource(one) != same_resource(other)


@pytest.mark.fault("H1", "O4")
@pytest.mark.parametrize(
    "content", [b"", b"\0" * 99, b"[1]", b"{", b'{"pid": 1, "run": "old"}', b"9" * 9000, b"[" * 4000]
)
def test_what_a_dead_holder_left_does_no_harm(lock_on, tmp_path, content):
    first = lock_on()
    first.acquire()
    first.release()
    for path in (tmp_path / "locks").iterdir():
        path.write_bytes(content)
    lock_on().acquire()
    with pytest.raises(BenchBusy, match=f"process {os.getpid()}"):
        lock_on().acquire()


HOLDER = """
import sys
from pathlib import Path
from crossbar_hil.guard.lock import BenchLock
lock = BenchLock(["GPIB0::24::INSTR"], run="runs/other", folder=Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.fault("H2", "V16")
def test_a_lock_ends_with_a_killed_process_and_not_before(lock_on, tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "locks")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "held\n"
        with pytest.raises(BenchBusy, match=f"process {child.pid} of .*, run runs/other"):
            lock_on().acquire()
        child.kill()
    lock_on().acquire()


@posix
@pytest.mark.fault("X21", "V14")
@pytest.mark.parametrize("replace", [False, True])
def test_a_lock_file_that_was_deleted_or_replaced_is_noticed(lock_on, tmp_path, replace):
    lock = lock_on()
    lock.acquire()
    path = next((tmp_path / "locks").iterdir())
    path.rename(tmp_path / "moved")
    if replace:
        path.write_bytes((tmp_path / "moved").read_bytes())
    assert not lock.still_held()


@posix
@pytest.mark.fault("X21", "V14")
def test_a_lock_file_that_is_deleted_between_its_opening_and_its_locking_is_no_lock(lock_on, tmp_path, monkeypatch):
    """As by a holder that releases a port of this machine: whoever locks what is gone would be a second owner."""
    real, deleted = lock_module.try_lock, []

    def too_late(handle):
        if not deleted:
            deleted.extend((tmp_path / "locks").iterdir())
            deleted[0].unlink()
        return real(handle)

    monkeypatch.setattr(lock_module, "try_lock", too_late)
    lock_on(SMU).acquire()
    assert [each.name for each in (tmp_path / "locks").iterdir()] == [deleted[0].name]
    with pytest.raises(BenchBusy, match="is in use by"):
        lock_on(SMU).acquire()


def test_a_lock_file_that_somebody_makes_between_two_looks_is_the_one_that_is_locked(lock_on, tmp_path, monkeypatch):
    real = lock_module.create_exclusive

    def too_late(path):
        os.close(real(path))  # by another process
        return real(path)

    monkeypatch.setattr(lock_module, "create_exclusive", too_late)
    lock = lock_on(SMU)
    lock.acquire()
    assert lock.still_held()
    assert len(list((tmp_path / "locks").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "instead", "why"),
    [
        ("create_exclusive", FileExistsError, "is being deleted again and again"),
        ("_is_at", lambda *_: False, "is being replaced again and again"),
    ],
)
def test_a_lock_file_that_never_stays_is_given_up(lock_on, monkeypatch, name, instead, why):
    def gone(_):
        raise FileNotFoundError

    def there(_):
        raise FileExistsError

    monkeypatch.setattr(lock_module, name, there if instead is FileExistsError else instead)
    if instead is FileExistsError:
        monkeypatch.setattr(lock_module, "open_plain", gone)
    with pytest.raises(BenchBusy, match=f"bench cannot be locked: .* {why}"):
        lock_on(SMU).acquire()


@posix
@pytest.mark.fault("X9", "X21")
def test_neither_a_lock_nor_its_folder_is_followed_through_a_link(lock_on, tmp_path):
    first = lock_on()
    first.acquire()
    first.release()
    path = next((tmp_path / "locks").iterdir())
    path.unlink()
    path.symlink_to(tmp_path / "victim")
    (tmp_path / "victim").write_text("precious")
    with pytest.raises(BenchBusy, match="cannot be locked"):
        lock_on().acquire()
    assert (tmp_path / "victim").read_text() == "precious"
    (tmp_path / "locks").rename(tmp_path / "elsewhere")
    (tmp_path / "locks").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BenchBusy, match="is a link"):
        lock_on("ASRL1::INSTR").acquire()


@posix
def test_locks_are_for_all_users_of_the_machine_and_nobody_deletes_anothers(lock_on, tmp_path):
    lock_on().acquire()
    assert os.stat(tmp_path / "locks").st_mode & 0o7777 == 0o1777
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "locks").iterdir()} == {0o666}


@pytest.mark.fault("X15")
def test_what_a_forged_lock_file_says_is_shown_without_control_characters(lock_on, tmp_path):
    lock = lock_on()
    lock.acquire()
    for path in (tmp_path / "locks").iterdir():
        path.write_text(json.dumps({"pid": 1, "user": "\x1b[2Jroot\n", "run": "r" * 1000}))
    with pytest.raises(BenchBusy) as refusal:
        lock_on().acquire()
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 500


@pytest.mark.fault("X19")
def test_an_older_version_than_the_bench_wants_is_refused_also_later(lock_on):
    newer = lock_on(version="0.12.0", minimum_version="0.9")
    newer.acquire()
    newer.release()
    for version in ("0.2.0", "0.8.9", "unknown", "0.8.dev1"):
        with pytest.raises(BenchBusy, match=r"only version 0\.9 or later"):
            lock_on(version=version).acquire()
    middle = lock_on(version="0.10.0", minimum_version="0.1.0")
    middle.acquire()
    middle.release()
    with pytest.raises(BenchBusy, match=r"only version 0\.9 or later"):
        lock_on(version="0.2.0").acquire()
    same = lock_on(version="0.9.0", minimum_version="0.9.0")
    same.acquire()
    same.release()
    lock_on(version="0.9").acquire()  # the same version, written shorter


HERE, THERE = "tcpip0::127.0.0.1::5025::socket", "tcpip0::10.0.0.7::5025::socket"


@pytest.mark.fault("V16")
def test_no_environment_moves_the_lock_of_an_instrument_that_is_not_on_loopback(tmp_path):
    environ = {
        name: str(tmp_path) for name in ("CROSSBAR_HIL_LOCKS", "TMPDIR", "TMP", "TEMP", "HOME", "XDG_RUNTIME_DIR")
    }
    for resources in ([THERE], [HERE, THERE], ["gpib0::24::instr"], ["asrl1::instr", HERE]):
        assert default_folder(resources, environ) == fixed_folder()
        assert default_folder(resources, environ | {REPLAY: "day.jsonl:claims"}) == tmp_path  # no instrument is opened
    for resources in ([HERE], [HERE, "manual matrix"]):  # for tests
        assert default_folder(resources, environ) == tmp_path
        assert default_folder(resources, {}) == fixed_folder()


@pytest.mark.fault("V16")
@pytest.mark.parametrize(
    ("modes", "folder"),
    [
        ({"/run/lock": 0o41777, "/tmp": 0o41777}, "/run/lock"),
        ({"/run/lock": 0o41755}, "/tmp"),
        ({"/run/lock": 0o40777}, "/tmp"),
        ({}, "/tmp"),
    ],
)
def test_the_fixed_folder_is_where_everybody_may_write_and_nobody_deletes_anothers(monkeypatch, modes, folder):
    def look(path):
        if path not in modes:
            raise FileNotFoundError(path)
        return os.stat_result((modes[path], *[0] * 9))

    monkeypatch.setattr(lock_module, "os", SimpleNamespace(stat=look))
    monkeypatch.setattr(lock_module, "sys", SimpleNamespace(platform="linux"))
    assert fixed_folder() == Path(folder) / "crossbar-hil-locks"
    monkeypatch.setattr(lock_module, "sys", SimpleNamespace(platform="win32"))
    assert fixed_folder() == Path("C:/ProgramData/crossbar-hil-locks")


@posix
@pytest.mark.fault("V16")
def test_the_fixed_folder_is_one_for_all_users_and_the_same_in_every_process(tmp_path, monkeypatch):
    program = "from crossbar_hil.guard.lock import fixed_folder; print(fixed_folder())"
    environ = {**os.environ, "TMPDIR": str(tmp_path), "CROSSBAR_HIL_LOCKS": str(tmp_path)}
    told = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == str(fixed_folder())
    assert os.stat(fixed_folder().parent).st_mode & 0o1777 == 0o1777  # everybody may write, nobody delete anothers


@pytest.mark.fault("V16")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("TCPIP::matrix.lab::5025::SOCKET", "TCPIP::10.0.0.7::5025::SOCKET"),
        ("TCPIP::Matrix.Lab::INSTR", "tcpip1::m::inst0"),
        ("TCPIP::both.lab::5025::SOCKET", "TCPIP::old.lab::5025::SOCKET"),
        ("TCPIP::matrix.lab,1024::INSTR", "TCPIP:: Matrix.lab ,1024::inst0"),  # the port as pyvisa-py takes it
        ("VICP::matrix.lab,1861::INSTR", "VICP::10.0.0.7,1861::INSTR"),
    ],
)
def test_one_instrument_by_two_names_of_its_host_has_one_owner(lock_on, one, other):
    lock_on(one).acquire()
    with pytest.raises(BenchBusy, match="is in use by"):
        lock_on(other).acquire()


@pytest.mark.fault("V16")
def test_every_name_of_this_machine_is_the_same():
    for name in ("localhost", "LocalHost.", "a.localhost", "127.0.0.1", "127.1", "127.0.1.1", "0x7f.0.0.1", "0.0.0.0"):
        assert numbers_of(name) == ("127.0.0.1",), name
    for number in ("::1", "::ffff:127.0.0.1", "::"):
        assert numbers_of("smu.lab", lambda *_, number=number: [(0, 0, 0, "", (number, 0))]) == ("127.0.0.1",)


@pytest.mark.fault("V16")
def test_an_address_that_this_machine_has_itself_is_this_machine_and_an_unknown_host_its_own_name(monkeypatch):
    def look_up(host, *_):
        if host == "smu.lab":
            return [(0, 0, 0, "", ("192.0.2.7", 0))]
        raise OSError

    assert numbers_of("smu.lab", look_up) == ("192.0.2.7",)
    both = lambda *_: [(0, 0, 0, "", (each, 0)) for each in ("2001:db8::7", "192.0.2.7", "192.0.2.7")]  # noqa: E731
    assert numbers_of("both.lab", both) == ("192.0.2.7", "2001:db8::7")
    assert numbers_of("Unknown.Lab.", look_up) == ("unknown.lab",)
    strange = lambda *_: [(0, 0, 0, "", ("No:Address", 0)), (0, 0, 0, "", ("FE80::7%eth0", 0))]  # noqa: E731
    assert numbers_of("strange.lab", strange) == ("fe80::7", "no:address")
    monkeypatch.setattr(addresses, "_is_own", lambda address: str(address) == "192.0.2.7")
    assert numbers_of("smu.lab", look_up) == ("127.0.0.1",)


@pytest.mark.fault("V16")
def test_one_instrument_under_two_addresses_has_one_owner_by_what_it_says_it_is(lock_on):
    smu = same_identity(Identity("Keithley Instruments Inc.", "2602B", "1398687", "3.0.0"))
    first, second = lock_on("GPIB0::24::INSTR"), lock_on("TCPIP::10.0.0.7::INSTR")
    first.acquire()
    second.acquire()
    first.claim(smu)
    with pytest.raises(BenchBusy, match=f"2602b, serial 1398687 is in use by process {os.getpid()}"):
        second.claim(same_identity(Identity("KEITHLEY INSTRUMENTS INC.", "2602B", "1398687", "3.1.0")))
    second.claim(same_identity(Identity("Keithley Instruments Inc.", "2602B", "1398688", "3.0.0")))
    first.release()
    second.claim(smu)
    with pytest.raises(ConfigError, match="two instruments of the bench are one"):
        second.claim(smu)


def test_emulated_instruments_are_many_of_one_serial_number(lock_on):
    for resource in ("TCPIP::127.0.0.1::5025::SOCKET", "TCPIP::127.0.0.1::5026::SOCKET"):
        lock = lock_on(resource)
        lock.acquire()
        claim(load_bench("emulated"), lock)("smu", Identity("KEITHLEY INSTRUMENTS INC.", "2602B", "4071234", "3.0.0"))


@pytest.mark.parametrize("serial", ["0", "", " ", "000", "None", "n/a", "NA", "unknown", "-", "0-0"])
def test_a_serial_number_that_every_box_has_is_none(serial):
    assert same_identity(Identity("AGILENT", "B2200A", serial, "1.0")) == ""
    assert same_identity(Identity("AGILENT", "B2200A", f"{serial}1", "1.0")) != ""


def test_nothing_is_left_of_a_port_on_this_machine(tmp_path):
    locks = [BenchLock(["TCPIP::127.0.0.1::5025::SOCKET"], run="a", folder=tmp_path / "locks") for _ in range(2)]
    locks[0].acquire()
    with pytest.raises(BenchBusy):
        locks[1].acquire()
    locks[0].release()
    assert list((tmp_path / "locks").iterdir()) == []
    locks[1].acquire()
    assert locks[1].still_held()
    locks[1].release()


LEFT = b'{"pid": 2147483646, "minimum_version": "0.1.0", "fleeting": true}'
"""What the holder of a run leaves that was killed: there is no process of so high a number (proc(5), pid_max)."""


@posix
def test_files_of_killed_runs_are_tidied_away_and_those_of_instruments_and_of_the_living_are_not(lock_on, tmp_path):
    lock_on(SMU).acquire()
    alive = lock_on("/runs/alive", fleeting=True)
    alive.acquire()
    kept = set((tmp_path / "locks").iterdir())
    for number in range(3):
        (tmp_path / "locks" / f"{number}.lock").write_bytes(LEFT)
    os.mkfifo(tmp_path / "locks" / "pipe.lock")
    (tmp_path / "locks" / "link.lock").symlink_to(tmp_path / "theirs")
    (tmp_path / "theirs").write_bytes(LEFT)
    kept |= {tmp_path / "locks" / "pipe.lock", tmp_path / "locks" / "link.lock"}
    mine = lock_on("/runs/mine", fleeting=True)
    mine.acquire()
    mine.release()
    assert set((tmp_path / "locks").iterdir()) == kept
    assert alive.still_held()
    assert (tmp_path / "theirs").exists()


@posix
@pytest.mark.parametrize("deleted", [True, False])
def test_a_run_whose_file_is_being_tidied_away_is_no_run_in_use(lock_on, tmp_path, monkeypatch, deleted):
    """Whoever tidies holds the lock for a moment; that of a run which somebody works on stays refused."""
    run = lock_on("/runs/killed", fleeting=True)
    run.acquire()
    path = next((tmp_path / "locks").iterdir())
    run.release()
    path.write_bytes(LEFT)
    tidying = os.open(path, os.O_RDWR)
    assert lock_module.try_lock(tidying)

    class Later:
        def wait(self, seconds):
            if deleted and path.exists():
                path.unlink()
                os.close(tidying)

    monkeypatch.setattr(lock_module.threading, "Event", Later)
    if deleted:
        run.acquire()
        assert run.still_held()
        return
    with pytest.raises(BenchBusy, match="is in use by"):
        run.acquire()
    os.close(tidying)


@posix
def test_releasing_a_run_does_not_delete_the_file_of_another_owner(lock_on, tmp_path):
    """The file of the first was deleted by hand, so a second one has the name."""
    first, second = (lock_on("/runs/a", fleeting=True) for _ in range(2))
    first.acquire()
    next((tmp_path / "locks").iterdir()).unlink()
    second.acquire()
    first.release()
    assert second.still_held()


@pytest.mark.fault("D10", "V16")
def test_of_a_thousand_starts_at_once_one_gets_the_bench(tmp_path):
    attempts = 20
    got, other = [], []
    gate = threading.Barrier(50)

    def start():
        for attempt in range(attempts):
            lock = BenchLock([SMU, MATRIX], run="r", folder=tmp_path / str(attempt), numbers=KNOWN)
            gate.wait()
            try:
                lock.acquire()
                got.append((attempt, lock))
            except BenchBusy:
                pass
            except BaseException as error:
                other.append(error)

    threads = [threading.Thread(target=start) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert other == []
    assert sorted(attempt for attempt, _ in got) == list(range(attempts))
    for _, lock in got:
        lock.release()


@posix
@pytest.mark.fault("D10", "V16")
def test_of_fifty_processes_that_start_at_once_one_gets_the_bench(tmp_path):
    program = """
import os, sys
from pathlib import Path
from crossbar_hil.errors import BenchBusy
from crossbar_hil.guard.lock import BenchLock
gate, end = os.pipe(), os.pipe()
for number in range(50):
    if os.fork() == 0:
        os.close(gate[1]), os.close(end[1])
        os.read(gate[0], 1)  # until the parent opens the gate
        lock = BenchLock(["GPIB0::24::INSTR", "ASRL1::INSTR"], run=str(number), folder=Path(sys.argv[1]))
        try:
            lock.acquire()
            os.write(1, b"held ")
        except BenchBusy:
            os.write(1, b"busy ")
        os.close(1)
        os.read(end[0], 1)  # until all have tried
        os._exit(0)
os.close(gate[1])
os.close(1)
sys.stdin.read()
os.close(end[1])
for _ in range(50):
    os.wait()
"""
    command = [sys.executable, "-c", program, str(tmp_path / "locks")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        told = child.stdout.read().split()
        child.stdin.close()
    assert child.returncode == 0
    assert sorted(told) == ["busy"] * 49 + ["held"]


@posix
@pytest.mark.fault("X9")
def test_a_planted_pipe_is_no_lock(lock_on, tmp_path):
    first = lock_on()
    first.acquire()
    first.release()
    path = next((tmp_path / "locks").iterdir())
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BenchBusy, match="is no plain file"):
        lock_on().acquire()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not tell who has a lock")
def test_who_has_the_number_of_a_process_that_was_killed_does_not_work_on_its_run(tmp_path, monkeypatch):
    monkeypatch.setattr(lock_module, "fixed_folder", lambda: tmp_path / "locks")
    monkeypatch.setattr(lock_module, "default_folder", lambda resources: tmp_path / "locks")
    with run_lock(tmp_path, "a"):
        assert run_owner(tmp_path).startswith(f"process {os.getpid()} of ")
        (left,) = (tmp_path / "locks").iterdir()
        told = left.read_text()
    assert run_owner(tmp_path) == ""
    left.write_text(told)  # as a killed process leaves it, whose number is that of another one now
    assert run_owner(tmp_path) == ""
