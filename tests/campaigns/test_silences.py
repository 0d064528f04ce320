"""No verb keeps a person at a terminal waiting for more than a second without a word or a number that has changed.

``pytest -m campaign -s tests/campaigns/test_silences.py`` tells the longest silence of every verb, and all that are too
long. The times are those of a machine that does nothing else; ``CROSSBAR_HIL_SILENCE_S`` is a bound for a busy one.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

import pytest

BOUND_S = float(os.environ.get("CROSSBAR_HIL_SILENCE_S", "1.25"))
"""A second, counted aloud, and two frames of the screen."""
COLUMNS = int(os.environ.get("CROSSBAR_HIL_COLUMNS", "100"))
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
"""Control sequences of a terminal (ECMA-48, CSI)."""
FIRST, SECOND = "RUN1", "RUN2"
"""Stand for the first runs: a training of a simulated chip, and of an emulated one."""
INTERRUPTED = " (Ctrl-C)"
NETWORK = "--classes 0,1 --neurons 6 --train 200 --seed 1"
VERBS = [
    "train --seed 1",
    "train --bench emulated --seed 1",
    "train --bench emulated --seed 2 --target 0.999 --epochs 12" + INTERRUPTED,
    "resume latest",
    "train --seed 1 --wire 5 --read-noise 1% --forecast 20",
    f"snn train {NETWORK}",
    "snn test latest",
    "snn train --dataset stripes --bench emulated --seed 1",
    f"snn sweep --over states=8,16 --networks 2 {NETWORK.replace('--seed 1', '')}",
    "sweep --over beta=1e7..1e8:10 --chips 2000 --seed 1",
    "sweep --over beta=1e7..1e8:3 --chips 20 --seed 1 --set chip.read_noise=1% --set chip.drift=0.1",
    "tune --chips 1000 --seed 1",
    "calibrate emulated --seed 1 --reads 3 --draws 50",
    "train --seed 1 --twin twin.toml",
    "characterise emulated --seed 1 --cell 1 1 --cell 2 2 --pulses 10 --to .",
    "commission emulated --resistors 1MOhm",
    "read emulated --seed 1 --repeat 3",
    "check emulated --wiring --seed 1",
    "check emulated-single",
    f"predict {FIRST}",
    f"verify {SECOND}",
    "report latest --to again",
    "export latest --to csv",
    "curve curve_r1_c1.csv",
    "init --kind emulated --source keithley2450 --matrix keithley7001",
    "runs",
    "compare latest latest",
    "show latest",
    "twins",
    "safe emulated",
]


def watched(command, interrupt):
    """Return every silence: when it began, how long it was, and the lines before and after it; and the exit code.

    Only text counts that was not there before, so a bar that is drawn anew is no word. `interrupt` presses Ctrl-C once
    the first epoch is told.
    """
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-m", "crossbar_hil", *command])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    began = last = time.monotonic()
    silences, seen, before, over = [], {""}, "(start)", False
    while not over:
        select.select([terminal], [], [], 60)
        try:
            text = os.read(terminal, 1 << 16).decode(errors="replace")
        except OSError:  # nobody writes any more
            text, over = "", True
        lines = [line.strip() for line in re.split(r"[\r\n]+", CONTROL.sub("", text))]
        new = [line for line in lines if line not in seen]
        if new or over:
            now = time.monotonic()
            silences.append((last - began, now - last, before, new[0] if new else "(end)"))
            seen.update(new)
            last, before = now, new[-1] if new else ""
        if interrupt and any(line.startswith("epoch") for line in new):
            os.kill(process, signal.SIGINT)
            interrupt = False
    os.close(terminal)
    return silences, os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@pytest.mark.campaign
def test_no_verb_is_silent_for_longer_than_a_second(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    too_long = []
    for verb in VERBS:
        interrupt = verb.endswith(INTERRUPTED)
        words = verb.removesuffix(INTERRUPTED).split()
        named = dict(zip((FIRST, SECOND), sorted(os.listdir("runs")), strict=False)) if os.path.isdir("runs") else {}
        words = [named.get(word, word) for word in words]
        silences, code = watched(words, interrupt)
        assert code in ((1,) if interrupt else (0, 3)), (verb, silences[-3:])
        sys.stdout.write(f"{max(each[1] for each in silences):5.2f} s  {verb}\n")
        for at, seconds, before, after in silences:
            if seconds > BOUND_S:
                too_long.append(verb)
                sys.stdout.write(f"         {seconds:.2f} s from {at:.2f} s on, from {before!r:.60} to {after!r:.60}\n")
    assert not too_long
