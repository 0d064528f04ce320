"""What a bench file may say of where its instruments are; what is refused is refused before anything is opened."""

import json
import os
import re
import shutil
import socket
import threading
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend, serve_emulated
from crossbar_hil.bench.recorded import load_recorded_bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.guard.journal import read_journal
from crossbar_hil.guard.opening import make_bench_safe, open_bench, open_guarded, session_folder
from crossbar_hil.owners import proof
from crossbar_hil.owners.state import state_folder

posix = pytest.mark.skipif(os.name == "nt", reason="owners and modes of POSIX")
REAL = {"smu": "TCPIP::192.0.2.10::5025::SOCKET", "matrix": "TCPIP::192.0.2.11::5025::SOCKET"}


@pytest.fixture(autouse=True)
def own_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@cache
def text_of_bench(instruments):
    """Return the emulated bench with these instruments as it is written."""
    return load_bench("emulated", overrides={"instruments": json.loads(instruments)}).as_toml()


def write_bench(folder, resources, kind="emulated", **of_every_instrument):
    """Write the file of a bench with instruments at these resources."""
    given = {name: {"resource": resource, **of_every_instrument} for name, resource in resources.items()}
    text = text_of_bench(json.dumps(given))
    path = folder / "lab.toml"
    path.write_text(text.replace('kind = "emulated"', f'kind = "{kind}"\nchip_id = "A1"'), encoding="utf-8")
    return path


VERBS = (
    ("check", "BENCH"),
    ("safe", "BENCH"),
    ("read", "BENCH"),
    ("characterise", "BENCH", "--cell", "1", "1", "--yes"),
    ("calibrate", "BENCH", "--yes"),
    ("train", "--bench", "BENCH", "--yes", "--quiet", "--no-report"),
    ("snn", "train", "--bench", "BENCH", "--yes", "--quiet"),
)


# ---------------------------------------------------------------------- VISA libraries


@pytest.fixture
def no_library(monkeypatch):
    """Have any attempt to open a VISA library known."""
    import pyvisa

    opened = []
    monkeypatch.setattr(pyvisa, "ResourceManager", lambda *words: opened.append(words) or pytest.fail(str(words)))
    return opened


FOREIGN = (
    "/some/lib.so@ivi",
    "evil@ivi",
    "@evil",
    "/some/lib.so",
    "x@py",
    "@sim",
    "@PY",
    "@py ",
    "a.yaml@sim@ivi",
    "a@b.yaml@sim",
)


@pytest.mark.fault("X7")
@pytest.mark.parametrize("words", VERBS, ids=lambda words: words[0])
def test_no_verb_loads_a_library_that_a_bench_file_names(cli, tmp_path, no_library, words):
    path = tmp_path / "lab.toml"
    path.write_text(write_bench(tmp_path, REAL).read_text().replace('"@py"', '"/some/lib.so@ivi"'))
    done = cli(*(str(path) if word == "BENCH" else word for word in words))
    assert done.code != 0
    assert "visa '/some/lib.so@ivi' is no VISA library that a bench file may name" in done.out + done.err
    assert no_library == []


@pytest.mark.fault("X7")
@pytest.mark.parametrize("visa", FOREIGN)
@pytest.mark.parametrize("kind", ["hardware", "emulated"])
def test_a_library_that_is_not_on_the_short_list_is_refused_from_python_too(tmp_path, no_library, visa, kind):
    path = tmp_path / "lab.toml"
    path.write_text(write_bench(tmp_path, REAL, kind).read_text().replace('"@py"', json.dumps(visa)))
    with pytest.raises(ConfigError, match=r"instruments: smu\.visa .* is no VISA library"):
        open_bench(str(path))
    bench = load_bench("emulated")  # put together by a program: no file, no check at its door
    foreign = {name: table.model_copy(update={"visa": visa}) for name, table in bench.instruments.items()}
    with pytest.raises(ConfigError, match=r"smu\.visa .* is no VISA library"):
        open_backend(bench.model_copy(update={"instruments": foreign}), seed=1)
    assert no_library == []


@pytest.mark.fault("X7")
def test_the_copy_of_a_bench_in_a_run_is_believed_no_more_than_the_file(tmp_path, no_library):
    load_bench("emulated").copy_into(tmp_path)
    text = (tmp_path / "bench.toml").read_text()
    (tmp_path / "bench.toml").write_text(text.replace('"@py"', '"/some/lib.so@ivi"'))
    with pytest.raises(ConfigError, match="no VISA library that a bench file may name"):
        load_recorded_bench(tmp_path)
    assert no_library == []


@pytest.mark.fault("X7")
@pytest.mark.parametrize("start", ["ASRL", "asrl", "PRLGX-ASRL0::", "ASRLCOM"])
@pytest.mark.parametrize("rest", ["spy:///dev/null?file={victim}", "SPY:///dev/null?file={victim}", "socket://h:1"])
def test_a_serial_line_is_a_device_and_no_url_by_which_pyserial_writes_files(tmp_path, no_library, start, rest):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    resource = start + rest.format(victim=victim) + "::INSTR"
    path = tmp_path / "lab.toml"
    path.write_text(write_bench(tmp_path, REAL, "hardware").read_text().replace(REAL["smu"], resource))
    with pytest.raises(ConfigError, match=r"smu\.resource: resource .* holds ://.* write a device, such as"):
        load_bench(str(path))
    bench = load_bench("emulated")  # put together by a program
    with pytest.raises(ConfigError, match="holds ://"):
        open_backend(bench, seed=1, resources=dict.fromkeys(bench.instruments, resource))
    assert victim.read_text() == "precious"
    assert no_library == []


def test_a_simulation_goes_with_kind_emulated_alone(tmp_path):
    text = write_bench(tmp_path, REAL, "hardware").read_text().replace('"@py"', '"mine.yaml@sim"')
    (tmp_path / "lab.toml").write_text(text)
    with pytest.raises(
        ConfigError, match=r"visa 'mine\.yaml@sim' is a simulation, which goes with kind emulated alone"
    ):
        load_bench(str(tmp_path / "lab.toml"))


# ---------------------------------------------------------------------- who is emulated


@contextmanager
def foreign_server(answer=b"Keithley Instruments Inc., Model 2602B, 1398687, 3.0.0\n"):
    """Somebody else's server on a loopback port, as the end of a tunnel is; yields its resource and what came in."""
    heard = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                heard.append("connected")
                while data := client.recv(4096):
                    heard.append(data)
                    client.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"TCPIP0::127.0.0.1::{listener.getsockname()[1]}::SOCKET", heard
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(60)


@pytest.mark.fault("O7", "V17", "X23")
@pytest.mark.parametrize("words", VERBS, ids=lambda words: words[0])
def test_no_verb_believes_that_a_tunnel_is_emulated(cli, tmp_path, words):
    with foreign_server() as (resource, heard):
        path = write_bench(tmp_path, {"smu": resource, "matrix": resource})
        done = cli(*(str(path) if word == "BENCH" else word for word in words))
    assert done.code != 0
    assert "does not prove to be emulated" in done.out + done.err
    assert heard == []  # nobody has even connected


@pytest.mark.fault("O7", "V17")
def test_who_is_served_by_emulate_is_believed_while_it_runs_and_no_longer(tmp_path):
    with serve_emulated("emulated", seed=1) as resources:
        path = write_bench(tmp_path, resources)
        with open_backend(load_bench(str(path)), seed=1) as chip:
            assert chip.kind == "emulated"
        local = {name: each.replace("127.0.0.1", "localhost") for name, each in resources.items()}
        with open_backend(load_bench(str(write_bench(tmp_path, local))), seed=1) as chip:
            assert chip.kind == "emulated"
        kept = {file.name: file.read_bytes() for file in (state_folder() / "emulated").iterdir()}
        path = write_bench(tmp_path, resources)
    for name, content in kept.items():  # as after a kill, when somebody else has got the port
        (state_folder() / "emulated" / name).write_bytes(content)
        (state_folder() / "emulated" / name).chmod(0o600)
    with pytest.raises(ConfigError, match="does not prove to be emulated"):
        open_backend(load_bench(str(path)), seed=1)


@pytest.mark.fault("V17")
def test_a_tunnel_to_an_emulated_instrument_is_not_believed_either(tmp_path):
    with serve_emulated("emulated", seed=1) as resources, foreign_server() as (resource, heard):
        port, tunnel = (each.split("::")[2] for each in (resources["smu"], resource))
        folder = state_folder() / "emulated"
        shutil.copy(folder / f"{port}.json", folder / f"{tunnel}.json")  # even with the secret of another port
        with pytest.raises(ConfigError, match=r"instruments\.smu at .* does not prove to be emulated"):
            open_backend(load_bench(str(write_bench(tmp_path, {**resources, "smu": resource}))), seed=1)
        assert heard == []


@posix
@pytest.mark.fault("V17", "X9")
@pytest.mark.parametrize("how", ["link", "open to others", "pipe", "no JSON", "another port"])
def test_a_secret_that_others_could_have_written_or_read_is_none(tmp_path, how):
    with serve_emulated("emulated", seed=1) as resources:
        secret = state_folder() / "emulated" / f"{resources['smu'].split('::')[2]}.json"
        assert secret.stat().st_mode & 0o777 == 0o600
        content = secret.read_bytes()
        if how == "open to others":
            secret.chmod(0o644)
        else:
            secret.unlink()
        if how == "link":
            (tmp_path / "elsewhere").write_bytes(content)
            (tmp_path / "elsewhere").chmod(0o600)
            secret.symlink_to(tmp_path / "elsewhere")
        elif how == "pipe":
            os.mkfifo(secret, 0o600)
        elif how in ("no JSON", "another port"):
            said = json.loads(content)
            secret.write_text("[" if how == "no JSON" else json.dumps({**said, "proof_port": "x"}))
            secret.chmod(0o600)
        with pytest.raises(ConfigError, match=r"instruments\.smu at .* does not prove"):
            open_backend(load_bench(str(write_bench(tmp_path, resources))), seed=1)


def test_who_does_not_know_the_secret_is_not_believed_whatever_it_answers(tmp_path):
    for answer in (b"f" * 64 + b"\n", b"\n", proof.answer_to(b"", 5025, bytes(32)) + b"\n"):
        with foreign_server(answer) as (resource, heard):
            proof.leave_secret(5025, int(resource.split("::")[2]), bytes(32), tmp_path)
            why = proof.why_not_emulated("TCPIP0::127.0.0.1::5025::SOCKET", folder=tmp_path)
            assert "does not prove to be emulated" in why
            assert heard[1].startswith(b"5025 ")  # it was asked
    assert proof.answer_to(b"", 5026, bytes(32)) != proof.answer_to(b"", 5025, bytes(32))  # one proves for itself alone
    elsewhere = proof.why_not_emulated("TCPIP0::localhost::5025::SOCKET", "@ivi", tmp_path)
    assert "is not where an emulated one can be" in elsewhere  # that library may take localhost for ::1


@posix
@pytest.mark.fault("X9")
def test_a_secret_and_its_folder_are_for_this_user_alone_and_one_that_was_left_is_replaced(tmp_path):
    folder = tmp_path / "state" / "emulated"
    for secret in (bytes(16), bytes(range(16))):
        path = proof.leave_secret(5025, 5026, secret, folder)
        assert [each.stat().st_mode & 0o777 for each in (folder, path)] == [0o700, 0o600]
        assert json.loads(path.read_text()) == {"proof_port": 5026, "secret": secret.hex()}
    assert session_folder().stat().st_mode & 0o777 == 0o700


@pytest.mark.fault("V17")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b'{"proof_port": 5026}',
        b'{"proof_port": null, "secret": ""}',
        b'{"proof_port": 5026, "secret": "zz"}',
        b'{"proof_port": 5026, "secret": 7}',
        b"[" * 4000,
        b" " * 5000,
    ],
)
def test_a_file_of_a_secret_that_says_something_else_is_none(tmp_path, content):
    proof.leave_secret(5025, 5026, bytes(16), tmp_path).write_bytes(content)
    assert proof._secret_of(5025, tmp_path) is None
    proof.leave_secret(5025, 5026, bytes(16), tmp_path)
    assert proof._secret_of(5025, tmp_path) == (5026, bytes(16))


@pytest.mark.parametrize("port", [-1, 0, 1 << 16])
def test_what_is_no_port_is_not_challenged(monkeypatch, port):
    monkeypatch.setattr(proof.socket, "create_connection", lambda *_, **__: pytest.fail("it was challenged"))
    assert not proof._proves(5025, port, bytes(16))


def test_a_secret_that_can_be_guessed_proves_nothing(monkeypatch):
    monkeypatch.setattr(proof.socket, "create_connection", lambda *_, **__: pytest.fail("it was challenged"))
    assert not proof._proves(5025, 5026, b"")
    assert not proof._proves(5025, 5026, bytes(15))


# ---------------------------------------------------------------------- who is real


@pytest.mark.fault("O7", "V17")
@pytest.mark.parametrize("words", VERBS, ids=lambda words: words[0])
def test_no_verb_takes_what_answers_on_this_machine_for_a_real_instrument(cli, tmp_path, words):
    with foreign_server() as (resource, heard):
        path = write_bench(
            tmp_path, {"smu": resource.replace("127.0.0.1", "LocalHost"), "matrix": resource}, "hardware"
        )
        done = cli(*(str(path) if word == "BENCH" else word for word in words))
    assert done.code != 0
    assert "is hardware, but instruments.smu is at" in done.out + done.err
    assert "--allow-loopback" in done.out + done.err
    assert heard == []


@pytest.mark.fault("O7", "V17")
@pytest.mark.parametrize("resource", ["TCPIP0::127.0.0.1,1024::inst0::INSTR", "VICP::localhost,1861::INSTR"])
def test_a_port_behind_the_host_hides_no_loopback(tmp_path, no_library, resource):
    path = write_bench(tmp_path, {**REAL, "smu": resource}, "hardware")
    with pytest.raises(ConfigError, match=r"is hardware, but instruments\.smu is at .*, on this machine"):
        open_bench(str(path))
    assert no_library == []


@pytest.mark.fault("V17")
def test_what_is_allowed_on_loopback_is_recorded_and_shown(cli, tmp_path):
    with serve_emulated("emulated", seed=1) as resources:
        path = write_bench(tmp_path, resources, "hardware")
        words = ("--epochs", "2", "--quiet", "--no-report", "--yes", "--forecast", "0", "--allow-loopback", "--json")
        run = json.loads(cli("train", "--bench", path, *words).out)["run"]
        with pytest.raises(ConfigError, match="--allow-loopback"):  # once allowed is not allowed for good
            make_bench_safe(load_bench(str(path)))
        with pytest.raises(ConfigError, match="--allow-loopback"):
            open_guarded(load_recorded_bench(Path(run)), seed=1, folder=Path(run), resume=True)
        assert cli("safe", path, "--allow-loopback").out.startswith(f"bench {path} is safe")
    assert read_journal(Path(run) / "journal.sqlite")[0].body["on_loopback"] == ["smu", "matrix"]
    assert cli("verify", run).code == 0
    shown = cli("show", run).out
    assert "hardware" in shown
    assert re.search(r"Taken for real though on this machine +smu, matrix\n", shown)
    assert json.loads(cli("show", run, "--json").out)["device"]["on_loopback"] == ["smu", "matrix"]
