"""A guarded run in one process: keeper, journal and chip of the product, on instruments played on the emulated world.

Both records are timed by one clock that moves on by 2 ms whenever it is looked at, so that the order of events is the
same on every machine.
"""

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np

from crossbar_hil.backend import Limits, Pulse
from crossbar_hil.errors import CrossbarError, DeadlineError
from crossbar_hil.guard.journal import Journal
from crossbar_hil.guard.keeper import Keeper
from crossbar_hil.instrument import PulseMemory
from crossbar_hil.sim_backend.emulation.world import log

PULSE = Pulse(2.0, 0.05)
LIMITS = Limits(read_v=0.2, pulse_v=3.0, width_s=0.1)
READ_V = 0.1
FIRST, SECOND = np.array([[1, 2], [0, 0]]), np.array([[0, 1], [1, 0]])
BENCH_FILE = """\
[wiring]
slot = 1
rows = [1, 2]
columns = [3, 4]
{wiring}

[limits]
read_v = 0.2
pulse_v = 3.0
width_s = 0.1

[measurement]
discharge_s = {discharge_s}
"""
DUAL = """\
ports = { drive = "A", meter = "B", ground = "C" }
sources = { drive = "smu.a", meter = "smu.b" }

[scheme]
read = "virtual ground"
write = "symmetric half-select"
"""
SINGLE = """\
ports = { drive = "A", ground = "B", guard = "C", divider = "D" }
sources = { drive = "smu" }

[scheme]
read = "guarded"
write = "divider half-select"
"""


class Killed(BaseException):
    """The process is gone: nothing it does reaches an instrument or the disk any more."""


class _Gone(dict):
    """Every call of an instrument ends the process that made it."""

    def get(self, method):
        return Killed(method)


class Clock:
    """Time of day that moves on by 2 ms whenever somebody looks."""

    def __init__(self):
        self.now_s = 1.8e9

    def time(self):
        self.now_s += 0.002
        return self.now_s

    def now(self):
        return datetime.fromtimestamp(self.time(), UTC)


class Rehearsal:
    """A run folder, the bench that it is about, and the guard's keeper."""

    def __init__(self, fakes, folder, monkeypatch, *, dual=True, memory=False, discharge_s=0.01):
        self.folder, self.discharge_s = folder, discharge_s
        self.clock = Clock()
        monkeypatch.setattr(log, "time", SimpleNamespace(time=self.clock.time))
        text = BENCH_FILE.format(wiring=DUAL if dual else SINGLE, discharge_s=discharge_s)
        (folder / "bench.toml").write_text(text)
        self.bench = fakes.FakeBench(fakes.chip_of(np.full((2, 2), 5e-7)), dual=dual, divider_from="guard")
        self.bench.world.log = log.PhysicalLog(path=folder / "physical.jsonl")
        self.bench.world.begin()
        self.source = self.bench.sources["drive"]
        self.memory = ("", 0) if memory else None
        if memory:
            self.source.number_next = self._number_next
            self.source.pulse_memory = self._remembered
        self.verb = "pulse_together" if dual else "pulse"
        self.trouble = {}
        """What happens to the n-th call of the source for pulses: "lost", "answer lost" or "killed"."""
        self.calls = 0
        self._pulse = getattr(self.source, self.verb)
        setattr(self.source, self.verb, self._troubled)
        header = {"run": "r", "bench": "b", "kind": "emulated", "chip": None, "seed": 1, "token": "t1"}
        journal = Journal.create(
            folder / "journal.sqlite", header, now=self.clock.now, monotonic=self.clock.time, needed_bytes=0
        )
        self._begin(journal, resumed=False)

    # ------------------------------------------------------------------ the guard

    def _begin(self, journal, *, resumed):
        self.journal = journal
        journal.append("session", {"pid": 1, "resumed": resumed})
        journal.commit()
        self.chip = self.bench.backend(limits=LIMITS, discharge_s=self.discharge_s)
        self.keeper = Keeper(self.chip, journal, check_v=READ_V)

    def read(self):
        return self.keeper.read_currents(READ_V * np.eye(2))

    def pulses(self, counts, pulse=PULSE):
        self.keeper.send_pulses(counts, pulse)

    def end(self):
        """Make safe and close, as a guard does whose trainer is done."""
        self.keeper.make_safe("the trainer is done")
        self.close()

    def close(self):
        self.journal.close()
        self.bench.world.log.close()

    def revive(self):
        """Begin a new guard on what the killed one left on disk."""
        for instrument in (*self.bench.sources.values(), self.bench.matrix):
            instrument.broken = {}
        with suppress(CrossbarError):
            self.journal.close()
        for name in ("journal.sqlite", "journal.sqlite-wal", "journal.head"):
            (self.folder / name).unlink(missing_ok=True)
            if (self.folder / "disk" / name).exists():
                shutil.copyfile(self.folder / "disk" / name, self.folder / name)
        journal = Journal.open(
            self.folder / "journal.sqlite", now=self.clock.now, monotonic=self.clock.time, needed_bytes=0
        )
        self._begin(journal, resumed=True)

    # ------------------------------------------------------------------ the instruments

    def _number_next(self, token, sequence):
        self._next = (token, sequence)

    def _remembered(self, token):
        run, number = self.memory
        return PulseMemory(number, number) if run == token else None

    def _troubled(self, *arguments):
        self.calls += 1
        trouble = self.trouble.get(self.calls)
        if trouble == "lost":
            raise DeadlineError("smu did not answer")
        answer = self._pulse(*arguments)
        if self.memory is not None:
            self.memory = self._next
        if trouble == "answer lost":
            raise DeadlineError("smu did not answer")
        if trouble == "killed":
            self._kill()
        return answer

    def _kill(self):
        (self.folder / "disk").mkdir()
        for name in ("journal.sqlite", "journal.sqlite-wal", "journal.head"):
            shutil.copyfile(self.folder / name, self.folder / "disk" / name)
        for instrument in (*self.bench.sources.values(), self.bench.matrix):
            instrument.broken = _Gone()
        raise Killed("kill -9")


# ---------------------------------------------------------------------- what is rehearsed


def plain(run):
    """Read, pulse, read, pulse."""
    run.read()
    run.pulses(FIRST)
    run.read()
    run.pulses(SECOND, Pulse(-1.4, 0.02))
    run.pulses(SECOND, Pulse(3.0, 0.1))
    run.end()


def answer_lost(run):
    """The second train of pulses is sent, but nothing is heard of it."""
    run.trouble = {2: "answer lost"}
    run.read()
    run.pulses(FIRST)
    run.read()
    run.end()


def request_lost(run):
    """The second train of pulses never arrives."""
    run.trouble = {2: "lost"}
    run.read()
    run.pulses(FIRST)
    run.end()


def killed(run):
    """The guard is killed in the second batch, after its first pulse was sent; another one goes on."""
    run.trouble = {3: "killed"}
    for again in (False, True):
        with suppress(Killed):
            run.read()
            run.pulses(FIRST)
            run.pulses(SECOND)
        if not again:
            run.revive()
    run.end()


def refused(run):
    """The trainer asks for more than the chip may bear."""
    run.read()
    with suppress(CrossbarError):
        run.pulses(FIRST, Pulse(4.0, 0.05))
    run.pulses(SECOND)
    run.end()


def stuck(run):
    """A relay does not open any more, which the matrix can tell: the bench must stop."""
    run.bench.world.log.add(0.0, "nemesis", verb="ignore", instrument="matrix", args={})
    run.bench.matrix.stuck = frozenset({"1C03"})
    with suppress(CrossbarError):
        run.read()
        run.pulses(FIRST)
    run.bench.matrix.stuck = frozenset()
    run.end()


def unreachable(run):
    """A source hears nothing any more while it is at read voltage: it stays there, and a person is told."""
    run.read()
    run.bench.world.log.add(0.0, "nemesis", verb="blackhole", instrument="smu", args={"seconds": None})
    lost = DeadlineError("smu did not answer")
    run.source.broken = dict.fromkeys(("measure", "output_off", "output_is_on", "recover", "prepare"), lost)
    with suppress(CrossbarError):
        run.read()
    run.end()


# ---------------------------------------------------------------------- editing the record


class Record:
    """Journal and log of a run as lists, to be changed and written down again as if that had been so."""

    def __init__(self, folder):
        with closing(sqlite3.connect(folder / "journal.sqlite")) as database:
            rows = database.execute("SELECT number, kind, utc, monotonic_s, body FROM entry ORDER BY number").fetchall()
        self.entries = [
            {"number": number, "kind": kind, "utc": utc, "monotonic_s": monotonic_s, "body": json.loads(body)}
            for number, kind, utc, monotonic_s, body in rows
        ]
        self.events = [json.loads(line) for line in (folder / "physical.jsonl").read_text().splitlines()]
        self.bench = (folder / "bench.toml").read_text()

    def entry(self, kind, place=0):
        """Return the n-th entry of a kind, or from the end."""
        return [each for each in self.entries if each["kind"] == kind][place]

    def event(self, kind, place=0, **fields):
        """Return the n-th event of a kind that has these fields, or from the end."""
        return [
            each
            for each in self.events
            if each["event"] == kind and all(each[name] == value for name, value in fields.items())
        ][place]

    def renumber(self):
        """Count the entries from 1 again."""
        for number, each in enumerate(self.entries, start=1):
            each["number"] = number

    def write(self, folder):
        """Write a run folder, with a chain that fits."""
        folder.mkdir()
        chain = "0" * 64
        with closing(sqlite3.connect(folder / "journal.sqlite")) as database, database:
            database.execute(
                "CREATE TABLE entry (number INTEGER PRIMARY KEY, kind TEXT, utc TEXT, monotonic_s REAL, "
                "body TEXT, chain TEXT)"
            )
            for each in self.entries:
                body = json.dumps(each["body"], sort_keys=True, separators=(",", ":"))
                fields = (each["number"], each["kind"], each["utc"], each["monotonic_s"], body)
                text = "\n".join([chain, str(fields[0]), fields[1], fields[2], repr(fields[3]), body])
                chain = hashlib.sha256(text.encode()).hexdigest()
                database.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", (*fields, chain))
        (folder / "journal.head").write_text(f"{self.entries[-1]['number']:012} {chain}\n")
        (folder / "physical.jsonl").write_text("".join(json.dumps(each) + "\n" for each in self.events))
        (folder / "bench.toml").write_text(self.bench)
        return folder
