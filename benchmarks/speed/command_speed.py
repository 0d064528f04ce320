"""What a person waits for on the command line: its start, sweeps of realistic chips, a search, a rehearsal.

Each command runs in a folder of its own on all cores that there are, with kernels that were compiled before. What it
says first (a sweep its points, before it loads what trains them) and the first line of the results, told before the
map is drawn, have a time of their own.

    python benchmarks/speed/command_speed.py
"""

import functools
import math
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from crossbar_hil.benchmarks.speed.ensemble_wired_speed import FIVE, LASTING, NOISE, REAL, RELAXING, SLOW
from crossbar_hil.benchmarks.study import CORES, Study, main, on

PROGRAM = str(Path(sys.executable).with_name("crossbar-hil"))


def setting(values):
    return [word for name, value in values.items() for word in ("--set", f"{name}={value:g}")]


POINTS = ("--over", "beta=2e7..1e8:5log", "--over", "target=0.5,0.7,0.8,0.9")
SWEEP = ("sweep", "--seed", "1", "--chips", "10000")
COMMANDS = {
    "start, `--help`": ("--help",),
    "`sweep`, 10,000 ideal chips": (*SWEEP, "--over", "beta=5e7"),
    "`sweep`, 10,000 chips with noise, step factors, relaxation, 5 ohm": (
        *SWEEP, "--over", "beta=5e7", *setting(REAL | FIVE),
    ),
    "`sweep`, 20 points of 10,000 chips with every effect": (
        *SWEEP, *POINTS, *setting(LASTING | NOISE | RELAXING | SLOW | FIVE | {"drift": 0.01}),
    ),
    "`tune`": ("tune", "--seed", "1"),
    "`train --bench emulated`, 18 epochs, no report": (
        *("train", "--bench", "emulated", "--seed", "6"), *("--pull-back", "yes", "--no-report", "--quiet"),
    ),
}  # fmt: skip


def run(words):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with TemporaryDirectory() as folder, on(CORES):
        begun = time.perf_counter()
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen([PROGRAM, *words], cwd=folder, **pipes) as told, ThreadPoolExecutor() as readers:
            times = [readers.submit(first_line, pipe, begun) for pipe in (told.stdout, told.stderr)]
            first, said = (each.result() for each in times)
        whole = time.perf_counter() - begun
    if told.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {told.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"said_s": min(first, said), "first_s": first, "whole_s": whole, "processor_s": processor}


def first_line(pipe, begun):
    """Return when the first line came out of a pipe, in seconds after a program was begun, and read the rest."""
    said = pipe.readline()
    after = time.perf_counter() - begun if said else math.inf
    pipe.read()
    return after


@functools.cache
def compile_for(words):
    """Run a command once, whose kernels nothing may have compiled."""
    run(words)


def measured(words):
    compile_for(words)
    return run(words)


def studies():
    columns = {
        "command": "{name}",
        "first words after": "{said_s:.3g} s",
        "results after": "{first_s:.3g} s",
        "all": "{whole_s:.3g} s",
        "processor": "{processor_s:.3g} s",
    }
    rows = {name: functools.partial(measured, words) for name, words in COMMANDS.items()}
    about = f"Wall-clock time on {len(CORES)} cores, start of the program included; processor time of all cores."
    return {"speed_commands": Study(about, columns, rows, repeatable=False)}


if __name__ == "__main__":
    main(__doc__, studies)
