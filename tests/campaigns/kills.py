"""Kill the processes of a guarded training at random points, resume it, kill it again, until it is done.

A chain is one training with several kills. Its end must be that of the uninterrupted training, its journal and its
physical log must satisfy the checker, and after each kill of the trainer alone the bench must be safe in time.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import CrossbarError
from crossbar_hil.guard.journal import read_journal
from crossbar_hil.runs.store import load_run
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer

WHO = ("trainer", "guard", "both")
HOW = {
    "trainer": ("SIGKILL", "SIGKILL", "SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGINT storm", "SIGSTOP"),
    "guard": ("SIGKILL", "SIGKILL", "SIGKILL", "SIGTERM", "SIGTERM", "SIGSTOP"),
    "both": ("SIGKILL", "SIGKILL", "SIGKILL", "SIGKILL", "SIGSTOP"),
}
"""Signals; a storm is several at once, and both are stopped for `STOPPED_S` and then go on."""
STORM = 5
STOPPED_S = 6.0
SAFE_S, SAFE_STOPPED_S = 2.0, 5.0
"""Promised times from the end of the trainer, or from its stop, to a safe bench (docs/safety.md)."""
RESTARTS = 200
EPOCHS = 5
"""Evaluations of a training: 32 pulses with the pull back, enough to be killed in at every kind of point."""


@dataclass
class Tally:
    """What a campaign saw."""

    kills: Counter = field(default_factory=Counter)
    chains: int = 0
    never_began: int = 0
    in_doubt: int = 0
    slowest_safe_s: float = 0.0
    violations: list = field(default_factory=list)

    def __str__(self):
        kinds = ", ".join(f"{count} {what}" for what, count in sorted(self.kills.items()))
        return (
            f"{sum(self.kills.values())} kills ({kinds}) in {self.chains} trainings, {self.never_began} of them before "
            f"anything was sent; slowest to safe after the trainer's end {self.slowest_safe_s:.2f} s; "
            f"{self.in_doubt} pulses in doubt; {len(self.violations)} violations"
        )


def uninterrupted(bench_name, seed, rule="manhattan"):
    """Train on the bare bench, without guard: what every chain must come to."""
    bench = load_bench(bench_name, overrides={"training": {"epochs": EPOCHS, "pull_back": True, "rule": rule}})
    task = PatternSet.from_csv(bench.training.pattern_file)
    with open_backend(bench, seed=seed) as backend:
        return make_trainer(bench.training, backend, seed=seed).run(task.train, task.train_labels)


def chain(out, bench_name, seed, rng, most_kills, expected, check, tally, rule="manhattan"):
    """Carry one training to its end through up to `most_kills` kills."""
    tally.chains += 1
    out.mkdir(parents=True)
    words = ["train", "--bench", bench_name, "--seed", str(seed), "--epochs", str(EPOCHS), "--out", str(out)]
    words += ["--pull-back", "yes", "--rule", rule]
    kills = 0
    for _ in range(RESTARTS):
        process, started = start(words), time.time()
        if kills >= most_kills:
            _, wrong = process.communicate()
            if process.returncode not in (0, 3):
                tally.violations.append(f"{out}: the last resume failed: {wrong.strip()[-300:]}")
                return
            break
        who = str(rng.choice(WHO))
        how = str(rng.choice(HOW[who]))
        if until_a_random_point(process, out, rng):
            kills += 1
            tally.kills[f"{who} {how}"] += 1
            kill(process, started, who, how, out, tally)
        process.communicate()
        folders = [each.parent for each in out.glob("*/run.sqlite")]
        if not folders:
            tally.never_began += 1
            for log in out.glob("*/physical.jsonl"):
                if '"exposure"' in log.read_text(encoding="utf-8"):
                    tally.violations.append(f"{out}: pulses were sent before there was a record of the run")
            continue
        run = load_run(folders[0])
        if run.settings["status"] == "done":
            break
        words = ["resume", str(run.folder)]
    judge(out, expected, check, tally)


def until_a_random_point(process, out, rng):
    """Wait until a process is somewhere on its way; return whether it is still there.

    One in eight points lies in the start; the others some entries of the journal further on than it was.
    """
    if rng.random() < 1 / 8:
        moment = time.monotonic() + float(rng.uniform(0.0, 2.5))
        wanted = None
    else:
        moment = None
        wanted = entries_in(out) + int(rng.integers(1, 40))
    while process.poll() is None:
        if (time.monotonic() > moment) if wanted is None else (entries_in(out) >= wanted):
            time.sleep(float(rng.uniform(0.0, 0.01)))
            return process.poll() is None
        time.sleep(0.002)
    return False


def entries_in(out):
    """Return how many entries the journal of a run holds, as its head says."""
    for head in out.glob("*/journal.head"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(head.read_text(encoding="ascii").split()[0])
    return 0


def start(words):
    """Start the command line in a session of its own, as a terminal would."""
    return subprocess.Popen(
        [sys.executable, "-m", "crossbar_hil", *words, "--no-report", "--quiet", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill(process, started, who, how, out, tally):
    """Send a signal to trainer, guard or both, and time how long the bench takes to be safe."""
    guard = guard_of(process.pid)
    pids = {"trainer": [process.pid], "guard": [guard], "both": [guard, process.pid]}[who]
    ended = time.time()
    send([pid for pid in pids if pid is not None], how)
    if who == "both" and how == "SIGSTOP":
        time.sleep(STOPPED_S)
        send([pid for pid in pids if pid is not None], "SIGCONT")
    if who == "trainer" and guard is not None:
        while alive(guard) and time.time() < ended + 10:
            time.sleep(0.005)
        time_to_safe(out, how, started, ended, tally)
    if who == "trainer" and how == "SIGSTOP":
        send([process.pid], "SIGKILL")


def send(pids, how):
    """Send a signal to processes that may have ended meanwhile."""
    name, *storm = how.split()
    for _ in range(STORM if storm else 1):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, getattr(signal, name))


def time_to_safe(out, how, started, ended, tally):
    """Compare the time from the trainer's end to a safe bench with the promised one."""
    unsafe = not_safe_after(out, started, ended)
    promised_s = SAFE_STOPPED_S if how == "SIGSTOP" else SAFE_S
    if unsafe is None:
        tally.violations.append(f"{out}: the bench was not made safe after {how} of the trainer")
    elif unsafe > promised_s:
        tally.violations.append(f"{out}: safe only {unsafe:.2f} s after {how} of the trainer")
    elif how != "SIGSTOP":
        tally.slowest_safe_s = max(tally.slowest_safe_s, unsafe)


def not_safe_after(out, started, ended):
    """Return how long after the trainer's end something was still on or closed; None if it is for good.

    Only what was there since the trainer started counts: emulated instruments go with the process that serves them, and
    the log goes on as another left it, on if that one was killed with its guard, until the next ones are served.
    """
    last = 0.0
    for log in out.glob("*/physical.jsonl"):
        on, closed = {}, set()
        for line in log.read_text(encoding="utf-8").splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event["wall"] < started:
                continue
            if event["event"] == "begin":
                on, closed = {}, set()
            elif event["event"] == "source":
                on[event["name"]] = event["on"]
            elif event["event"] == "relays":
                closed = closed - set(map(tuple, event["opened"])) | set(map(tuple, event["closed"]))
            else:
                continue
            if event["wall"] > ended:
                last = event["wall"] - ended
        if any(on.values()) or closed:
            return None
    return last


def judge(out, expected, check, tally):
    """Compare a finished chain with the uninterrupted training, and have the checker judge it."""
    folders = [each.parent for each in out.glob("*/run.sqlite")]
    if len(folders) != 1:
        tally.violations.append(f"{out}: {len(folders)} runs were left")
        return
    try:
        run = load_run(folders[0])
        result = run.result
        entries = read_journal(run.folder / "journal.sqlite")
    except CrossbarError as error:
        tally.violations.append(f"{folders[0]}: {error}")
        return
    doubts = sum(entry.kind == "outcome" and entry.body["state"] == "in_doubt" for entry in entries)
    tally.in_doubt += doubts
    if not doubts:
        for name in ("counts", "conductances", "currents"):
            if not np.array_equal(getattr(result, name), getattr(expected, name)):
                tally.violations.append(f"{folders[0]}: {name} are not those of the uninterrupted training")
                return
    tally.violations += [f"{folders[0]}: {finding}" for finding in check(folders[0])]


def guard_of(pid):
    """Return the guard that a trainer has started, if there is one."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in task.read_text().split():
                if b"crossbar_hil.guard" in Path(f"/proc/{child}/cmdline").read_bytes():
                    return int(child)
        except OSError:
            continue
    return None


def alive(pid):
    """Say whether a process still runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False
