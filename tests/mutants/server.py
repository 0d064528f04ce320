"""Runs of pytest one after the other, each a fork of this process: what others wrote is loaded once.

A line of JSON on standard input says in which copy of the tree which words are given to pytest, and where to write what
it says; the answer is a line with the exit status, null if it had to be killed. It is if it hangs: by its own use of
the processor, for on a busy machine the clock says nothing.
"""

import gc
import importlib
import json
import os
import signal
import sys
import time
from contextlib import suppress

LOADED = (
    "pytest",
    "numpy.random",
    "hypothesis.strategies",
    "pydantic",
    "pymeasure.adapters",
    "pymeasure.instruments",
    "pyvisa_py",
    "tomli_w",
)
"""Packages of others that most tests import; nothing of this project, which comes from the copy."""


BUSY_S, IDLE_S, LONGEST_S = 120.0, 120.0, 900.0
"""Who has used the processor for so long, or not for so long, hangs; nothing lasts longer than the third."""


class Watch:
    """Whether a process hangs."""

    def __init__(self, pid: int) -> None:
        self._pid, self._used_s = pid, 0.0
        self._began = self._moved = time.monotonic()

    def hangs(self) -> bool:
        """Look (proc(5): stat, fields 14 and 15)."""
        now = time.monotonic()
        with suppress(OSError), open(f"/proc/{self._pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
            used_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            if used_s > self._used_s:
                self._used_s, self._moved = used_s, now
        return self._used_s > BUSY_S or now - self._moved > IDLE_S or now - self._began > LONGEST_S


def run(told: dict[str, object]) -> int | None:
    """Run pytest in a fork and return its exit status, negative if it was killed; None if it hangs."""
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        for number, path, how in ((0, os.devnull, os.O_RDONLY), (1, told["said"], os.O_RDWR | os.O_CREAT | os.O_TRUNC)):
            os.dup2(os.open(str(path), how, 0o600), number)
        os.dup2(1, 2)
        root = str(told["root"])
        os.chdir(root)
        os.environ["PYTHONPATH"] = sys.path[0] = root
        sys.argv = ["pytest"]
        status = int(importlib.import_module("pytest").main(told["words"]))
        sys.stdout.flush()
        os._exit(status)
    found, watch = None, Watch(pid)
    while found is None and not watch.hangs():
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            found = os.waitstatus_to_exitcode(status)
        else:
            time.sleep(0.05)
    with suppress(ProcessLookupError):  # the tests' own children too
        os.killpg(pid, signal.SIGKILL)
    if found is None:
        os.waitpid(pid, 0)
    return found


if __name__ == "__main__":
    for each in LOADED:
        importlib.import_module(each)
    gc.freeze()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(json.loads(line))) + "\n")
        sys.stdout.flush()
