"""Runs of pytest one after the other, each a fork of this process: what others wrote is loaded once.

A line of JSON on standard input says in which copy of the tree which words are given to pytest, and where to write what
it says; the answer is a line with the exit status, null if it had to be killed after so many seconds.
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


def run(told: dict[str, object]) -> int | None:
    """Run pytest in a fork and return its exit status, negative if it was killed; None if it took too long."""
    began = time.monotonic()
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
    found = None
    while found is None and time.monotonic() - began < float(str(told["limit_s"])):
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
