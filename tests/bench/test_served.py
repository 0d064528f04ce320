import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.served import start_served
from crossbar_hil.errors import ConfigError

from .. import forking


@pytest.fixture(scope="module")
def bench():
    return load_bench("emulated")


@pytest.fixture
def serve(bench, tmp_path):
    """Start a served bench that is closed at the end: serve(...) -> Served."""
    started = []

    def start(**settings):
        settings = {"seed": 1, "state": tmp_path / "emulated.json", "log": tmp_path / "physical.jsonl"} | settings
        started.append(start_served(bench, **settings))
        return started[-1]

    yield start
    for each in started:
        each.close()
        each._process.kill()
        each._process.wait()


def ask(served, message, name="smu"):
    host, port = served.resources[name].split("::")[1:3]
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(message.encode() + b"\n")
        return client.makefile("rb").readline().decode().strip()


def ended(served, within_s=60.0):
    """Return the exit code of the process once it has ended."""
    return served._process.wait(within_s)


def running(served):
    return served._process.poll() is None


@pytest.fixture(scope="module")
def standing(bench, tmp_path_factory):
    """A served bench that tests talk to and leave as it is, and its physical log."""
    log = tmp_path_factory.mktemp("standing") / "physical.jsonl"
    served = start_served(bench, seed=7, log=log)
    yield served, log
    served.close()
    assert ended(served) == 0


def test_the_instruments_of_the_bench_answer(standing):
    served, _ = standing
    assert set(served.resources) == {"smu", "matrix"}
    assert "2602B" in ask(served, "*IDN?")
    assert "707B" in ask(served, "*IDN?", "matrix")
    assert served.pid == served._process.pid


@pytest.mark.fault("X12")
def test_it_ends_with_its_lifeline_and_finds_its_state_again(serve, tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')")  # which is not imported
    monkeypatch.chdir(tmp_path)
    with forking.real_starts():
        first = serve(state=Path("emulated.json"), log=Path("physical.jsonl"))
    ask(first, "seq = 5 print(1)")
    first.close()
    assert ended(first) == 0
    first.close()  # harmless
    assert json.loads((tmp_path / "emulated.json").read_text())["instruments"]["smu"] == {"seq": 5}
    assert json.loads((tmp_path / "physical.jsonl").read_text().splitlines()[-1])["event"] == "end"
    second = serve(seed=2)
    other = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=(second.lifeline,))
    os.close(second.lifeline)  # as the death of the trainer does; the other process holds it still
    assert float(ask(second, "print(seq)")) == 5
    other.communicate()
    assert ended(second) == 0


def test_its_chip_is_the_one_of_the_seed(standing, bench):
    from crossbar_hil.sim_backend import SimulatedBackend

    _, log = standing
    begin = json.loads(log.read_text().splitlines()[0])
    chip = SimulatedBackend.from_bench(bench, np.random.default_rng(7))
    assert begin["chip"]["conductances"] == chip.conductances.tolist()


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_what_a_terminal_sends_is_for_the_trainer(standing, name):
    served, _ = standing
    os.kill(served.pid, getattr(signal, name))
    assert "2602B" in ask(served, "*IDN?")
    assert running(served)


def test_it_is_in_a_session_of_its_own(standing):
    served, _ = standing
    assert os.getsid(served.pid) == served.pid


def test_sigterm_ends_it_and_its_state_is_saved(serve, tmp_path):
    served = serve()
    ask(served, "seq = 6 print(1)")
    os.kill(served.pid, signal.SIGTERM)
    assert ended(served) == 0
    assert json.loads((tmp_path / "physical.jsonl").read_text().splitlines()[-1])["event"] == "end"
    assert json.loads((tmp_path / "emulated.json").read_text())["instruments"]["smu"] == {"seq": 6}


def test_what_happened_before_kill_9_is_on_disk(serve, tmp_path):
    served = serve()
    ask(served, "seq = 8 smua.source.output = 1 print(1)")
    os.kill(served.pid, signal.SIGKILL)
    ended(served)
    assert json.loads((tmp_path / "emulated.json").read_text())["instruments"]["smu"] == {"seq": 8}
    last = json.loads((tmp_path / "physical.jsonl").read_text().splitlines()[-1])
    assert (last["event"], last["name"], last["on"]) == ("source", "smu.a", True)


def test_a_bench_file_can_be_given_and_its_files_count_from_its_folder(tmp_path, monkeypatch):
    folder, elsewhere = tmp_path / "lab", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "mine.csv").write_text("G (S)\n" + "\n".join(f"{1e-7 + step * 1e-8}" for step in range(20)))
    bench = load_bench("emulated").as_toml().replace('"figure2a"', '"mine.csv"')
    bench = bench.replace("smoothed = false", "smoothed = false\ncurve_amplitude_v = 2.0\ncurve_width_s = 0.05")
    (folder / "lab.toml").write_text(bench)
    monkeypatch.chdir(elsewhere)
    served = start_served(folder / "lab.toml", seed=1)
    served.close()
    assert ended(served) == 0


# ---------------------------------------------------------------------- starts that fail


def test_a_damaged_state_is_told_in_one_sentence_and_no_process_is_left(bench, tmp_path, monkeypatch):
    started = []

    class Watched(subprocess.Popen):
        def __init__(self, *args, **settings):
            super().__init__(*args, **settings)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    (tmp_path / "emulated.json").write_text("{")
    with pytest.raises(ConfigError, match="is damaged") as refusal:
        start_served(bench, seed=1, state=tmp_path / "emulated.json")
    assert "\n" not in str(refusal.value)
    assert [each.returncode is None for each in started] == [False]


@pytest.mark.fault("X23", "V17")
def test_a_bench_that_is_not_emulated_is_refused():
    with pytest.raises(ConfigError, match="kind simulated, only an emulated one"):
        start_served(load_bench("simulated"), seed=1)


def test_a_process_that_dies_at_once_is_told(bench, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ConfigError, match="exit code 1"):
        start_served(bench, seed=1)


def test_a_python_that_is_not_there_is_told(bench, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/python")
    with pytest.raises(ConfigError, match="cannot be started: No such file"):
        start_served(bench, seed=1)


def open_files():
    """Return the file descriptors of this process, where the system tells them."""
    return set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()


def test_a_negative_seed_is_refused_and_no_start_leaves_a_file_descriptor_open(bench):
    before = open_files()
    start_served(bench, seed=1).close()
    with pytest.raises(ConfigError, match="seed -1"):
        start_served(bench, seed=-1)
    assert open_files() == before


@pytest.mark.parametrize("said", ["", "{", '{"bench": "kind = 3"}\n'])
def test_the_process_answers_nonsense_with_a_sentence(said, tmp_path):
    done = subprocess.run(
        [sys.executable, "-P", "-m", "crossbar_hil.bench.served"],
        input=said,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert len(json.loads(done.stdout)["error"].splitlines()) == 1
    assert done.stderr == ""


def test_the_line_that_it_prints_is_the_only_one(bench):
    order = {"bench": bench.as_toml(), "folder": "/", "seed": 1, "state": None, "log": None, "nemesis": None}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "crossbar_hil.bench.served"],
        input=json.dumps(order) + "\nmore\n" * 3,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert set(json.loads(done.stdout)) == {"resources", "pid"}
