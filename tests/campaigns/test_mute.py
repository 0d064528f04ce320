"""An instrument that accepts everything and answers nothing, in a run of three processes and in real time.

``pytest -m campaign -s tests/campaigns/test_mute.py`` says when the other instrument was safe, when the person was
told, and when the run ended, each from the first message that was not answered, which comes within milliseconds of the
last answer. The deadline of an exchange is that of a bench file that says nothing.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable

import pytest
import tomli_w

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.served import start_served

DEADLINE_S = 1.0
"""The default of a bench file; the tests have a longer one."""
PROMISED_S = 2.0
MUTE = {"smu": 900, "matrix": 150}
"""From which of its messages on each says nothing more: in the middle of a training."""


class Run:
    """A training on emulated instruments that stand for real ones, one of which becomes mute."""

    def __init__(self, folder, mute):
        nemesis = {"verb": "freeze", "at": MUTE[mute], "instrument": mute, "args": {"seconds": None}}
        self.log, self.heard, self.listeners = folder / "log.jsonl", [], []
        self.served = start_served(load_bench("emulated"), seed=1, log=self.log, nemesis={"faults": [nemesis]})
        tables = tomllib.loads(load_bench("emulated").as_toml()) | {"kind": "hardware", "chip_id": "A1"}
        for name, resource in self.served.resources.items():
            tables["instruments"][name] |= {"resource": resource, "deadline_s": DEADLINE_S}
        self.bench = folder / "lab.toml"
        self.bench.write_text(tomli_w.dumps(tables), encoding="utf-8")
        words = ["train", "--bench", str(self.bench), "--yes", "--no-report", "--quiet", "--forecast", "0"]
        self.trainer = self.start(*words, "--out", str(folder / "runs"))

    def start(self, *words):
        command = [sys.executable, "-m", "crossbar_hil", *words, "--allow-loopback"]
        started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.listeners.append(threading.Thread(target=self._hear, args=(started,), daemon=True))
        self.listeners[-1].start()
        return started

    def _hear(self, started):
        with started.stderr:
            for line in started.stderr:
                self.heard.append((time.time(), line))

    def events(self, name):
        lines = self.log.read_bytes().split(b"\n")[:-1] if self.log.exists() else []
        return [each for each in map(json.loads, lines) if each["event"] == name]

    @property
    def closed(self):
        return sum(len(each["closed"]) - len(each["opened"]) for each in self.events("relays"))

    @property
    def is_on(self):
        return any({each["name"]: each["on"] for each in self.events("source")}.values())

    def wait_for(self, what: Callable[[], bool], longest_s=120.0):
        until = time.monotonic() + longest_s
        while not what():
            assert time.monotonic() < until, self.heard
            time.sleep(0.02)
        return time.monotonic()

    def told(self, what="look at"):
        return [each for each in self.heard if what in each[1]]

    def close(self):
        self.trainer.kill()
        self.trainer.wait()
        for each in self.listeners:
            each.join(60)
        self.served.close()


@pytest.fixture
def started(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = []

    def start(mute):
        made.append(Run(tmp_path, mute))
        made[-1].wait_for(lambda: made[-1].events("nemesis"))
        return made[-1], made[-1].events("nemesis")[0]["wall"]

    yield start
    for run in made:
        run.close()


@pytest.mark.campaign
@pytest.mark.fault("I11", "R11", "V6", "V15")
@pytest.mark.parametrize("mute", ["smu", "matrix"])
def test_the_other_instrument_is_safe_the_person_told_and_ctrl_c_heard_in_time(started, mute):
    run, began = started(mute)
    run.wait_for((lambda: not run.closed) if mute == "smu" else (lambda: not run.is_on))
    safe = run.events("relays" if mute == "smu" else "source")[-1]["wall"]
    run.wait_for(lambda: run.told(f"the bench may not be safe: look at {mute}"))
    (told, words), alarmed = run.told()[0], run.told(f"the bench may not be safe: look at {mute}")[0][0]
    assert mute in words
    time.sleep(3.0)  # it goes on trying
    assert run.trainer.poll() is None
    run.trainer.send_signal(signal.SIGINT)
    pressed = time.monotonic()
    ended = run.wait_for(lambda: run.trainer.poll() is not None)
    figures = (
        f"safe after {safe - began:.2f} s, told after {told - began:.2f} s, and that it stays so after "
        f"{alarmed - began:.2f} s, Ctrl-C heard after {ended - pressed:.2f} s"
    )
    print(f"{mute} mute: the other {figures}", flush=True)  # noqa: T201
    assert max(safe, told) - began < PROMISED_S
    assert ended - pressed < 2.0


@pytest.mark.campaign
@pytest.mark.fault("I11", "H16", "V15", "V16")
def test_trying_ends_after_a_minute_and_safe_takes_over_before(started):
    run, _ = started("smu")
    run.wait_for(lambda: run.told("the bench may not be safe"))
    with run.start("safe", str(run.bench)) as safe:
        took = time.monotonic()
        run.wait_for(lambda: run.trainer.poll() is not None)
        owner_s = time.monotonic() - took
        assert safe.wait(60) == 1  # the source-measure unit still says nothing
        took = time.monotonic() - took
    assert any("it was told to make the bench safe and to end" in line for _, line in run.heard)
    print(f"safe ended the run after {owner_s:.1f} s, and itself after {took:.1f} s", flush=True)  # noqa: T201
    assert owner_s < 5.0


@pytest.mark.campaign
@pytest.mark.fault("I11", "V15")
def test_a_run_whose_instrument_stays_mute_ends_within_70_s(started):
    run, began = started("smu")
    ended = run.wait_for(lambda: run.trainer.poll() is not None)
    ended += time.time() - time.monotonic()
    print(f"ended by itself after {ended - began:.1f} s, told {len(run.told())} times", flush=True)  # noqa: T201
    assert 60 < ended - began < 70
    assert os.listdir(run.bench.parent / "runs")
