"""One short guarded training beside which a foreign hand sends one line to one instrument, judged by the checker.

The hand has a session of its own. All is in this process: drivers with the adapter that they always have, on a link
that takes each message to the emulated instrument and knows at once when no answer will come.
"""

import json
import re
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import NamedTuple

import numpy as np

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.instruments import find_source
from crossbar_hil.errors import CrossbarError, DeadlineError
from crossbar_hil.guard.journal import Journal, read_journal
from crossbar_hil.guard.keeper import Keeper
from crossbar_hil.guard.watch import Least
from crossbar_hil.instruments.transport.adapter import BenchAdapter
from crossbar_hil.instruments.transport.link import Chunk, Link
from crossbar_hil.plugins import load
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.sim_backend.emulation.scpi.instrument import EmulatedScpiInstrument
from crossbar_hil.sim_backend.emulation.scpi.listing import changing
from crossbar_hil.sim_backend.emulation.tsp.writable import statements
from crossbar_hil.sim_backend.emulation.world.world import World
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.settings import make_trainer

from .faulty_bench import Kept
from .judge import checker

MOMENTS = ("left", "between", "pulses", "last")
"""Before the run; between two epochs; between the last reading and the first pulse of an epoch; and between the last
question about a setting and that pulse, when nothing can be asked any more: then the pulse must still be no higher, no
longer and no more, but what it may lack, and the name of the setting, is found out after it."""
BENCH = """
backend = "chip"
kind = "emulated"
[instruments]
{instruments}
matrix = {{ driver = "{matrix}" }}
[wiring]
rows = [1, 2]
columns = [5, 6]
ports = {{ {ports} }}
sources = {{ {sources} }}
[scheme]
{scheme}
[measurement]
compliance_a = "{most_a}"
range_a = "{most_a}"
read_range_a = "10 uA"
[emulation]
clock = "simulated"
[chip]
rows = 2
columns = 2
curve = "figure2a"
[limits]
read_v = "200 mV"
pulse_v = "3 V"
width_s = "60 ms"
[training]
patterns = "and.csv"
check_labels = false
epochs = {epochs}
beta = 5e7
target = 0.95
v0 = "-100 mV"
v1 = "100 mV"
amplitude_v = "2 V"
width_s = "50 ms"
pull_back = true
"""
PATTERNS = "pattern,label,set\n00,0,train\n01,0,train\n10,0,train\n11,1,train\n"
TWO = {
    "sources": 'drive = "smu.a", meter = "smu.b"',
    "scheme": 'read = "virtual ground"\nwrite = "symmetric half-select"',
    "most_a": "100 uA",
}
GUARDED = {
    "sources": 'drive = "smu.a"',
    "scheme": 'read = "guarded"\nwrite = "divider half-select"',
    "most_a": "100 uA",
}
PAIR = {
    "sources": 'drive = "left.a", meter = "right.a"',
    "scheme": 'read = "virtual ground"\nwrite = "divider half-select"',
    "most_a": "10 mA",
}


SCHEMES = {
    "keithley2400": (("drive", "ground", "guard", "divider"), GUARDED),
    "keithley2450": (("drive", "meter", "ground", "divider"), PAIR),
}
"""Ports on the rows of the matrix from the first, and the rest, of models that have one channel."""


GOOD_TO_S = 0.2e-3
"""To which a pulse of the least precise model, a 2400, lasts as long as it was asked to."""
ROUNDING_S = 1e-9
WEAKER = re.compile(r"counts it as done|but only \d+ were executed")
"""What the checker says of pulses that were less than asked for."""


class Kind(NamedTuple):
    """A bench on which a hand acts."""

    name: str
    smu: str
    matrix: str
    hit: str
    """The instrument that the hand is on."""

    @property
    def moments(self):
        """When a hand acts; nothing can be done against one that moves relays when they have been asked for."""
        return MOMENTS[:-1] if self.hit == "matrix" else MOMENTS


KINDS = {
    each.name: each
    for each in (
        Kind("keithley2400", "keithley2400", "keithley7001", "smu"),
        Kind("keithley2450", "keithley2450", "keysight34980a", "left"),
        Kind("keithley2450-meter", "keithley2450", "keysight34980a", "right"),
        Kind("keithley2602b", "keithley2602b", "keithley707b", "smu"),
        Kind("keysightb2902a", "keysightb2902a", "keysightb2200a", "smu"),
        Kind("keithley7001", "keithley2400", "keithley7001", "matrix"),
        Kind("keithley7002", "keithley2602b", "keithley7002", "matrix"),
        Kind("keithley707b", "keithley2602b", "keithley707b", "matrix"),
        Kind("keithley708b", "keysightb2902a", "keithley708b", "matrix"),
        Kind("keithley3706a", "keithley2602b", "keithley3706a", "matrix"),
        Kind("keysight34980a", "keysightb2902a", "keysight34980a", "matrix"),
        Kind("keysightb2200a", "keysightb2902a", "keysightb2200a", "matrix"),
        Kind("keysightb2201a", "keithley2602b", "keysightb2201a", "matrix"),
    )
}
"""By the model that is tried; the others of a family differ in ranges and cards only."""


def text_of(kind, epochs=3):
    """Return the bench file of a kind of bench."""
    of_rows, parts = SCHEMES.get(kind.smu, (("drive", "meter", "ground"), TWO))
    rows = "ABCD" if kind.matrix in ("keithley707b", "keithley708b") else "1234"
    return BENCH.format(
        instruments="\n".join(
            f'{name} = {{ driver = "{kind.smu}" }}'
            for name in ("left", "right", "smu")
            if f"{name}." in parts["sources"]
        ),
        matrix=kind.matrix,
        epochs=epochs,
        ports=", ".join(f'{port} = "{row}"' for port, row in zip(of_rows, rows, strict=False)),
        **parts,
    )


def lines_for(kind):
    """Return every line that changes a state of the model that a hand is on."""
    model = load("emulators", kind.matrix if kind.hit == "matrix" else kind.smu)
    if issubclass(model, EmulatedScpiInstrument):
        found = [line for each in changing(model) for line in each.lines()]
    else:
        curve = ConductanceCurve(np.array([1e-6, 2e-6]), Pulse(2.0, 0.05))
        found = statements(model(World(SimulatedBackend(curve, np.zeros((2, 2)), scale=1.0)), "it"))
    return list(dict.fromkeys(found))


class Wire(Link):
    """A session with an emulated instrument, without a socket; one that has nothing to say never will."""

    def __init__(self, made, name, control):
        self._made, self._name, self._control, self._said, self._pending = made, name, control, b"", b""

    def write(self, content, until):
        *lines, self._pending = (self._pending + content).split(b"\n")
        emulated = self._made.instruments[self._name]
        for line in lines:
            with self._made.world.at_work():
                if self._control.get(self._name) is not self:
                    self._control[self._name] = self
                    emulated.note_takeover()
                self._said += emulated.receive(line.rstrip(b"\r").decode("latin-1"))

    def read(self, until):
        if not self._said:
            raise DeadlineError(f"{self._name} did not answer in time")
        return Chunk(self.unread(), ended=False)

    def unread(self):
        said, self._said = self._said, b""
        return said

    def close(self):
        self._said = self._pending = b""


class WiredAdapter(BenchAdapter):
    """The adapter of the drivers on such a session."""

    def __init__(self, name, driver, session):
        self._session = session
        super().__init__(name, name=name, prompts=driver.prompts)

    def _open(self):
        return self._session()


class Hand:
    """Sends one line to one instrument, in a session of its own, and knows what that did by itself."""

    def __init__(self, made, kind, line, session):
        self._made, self._name, self._line, self._session = made, kind.hit, line, session
        self.left_an_error = False
        self._since = self._until = 0
        self._acted = False

    def act(self):
        """Send the line, once."""
        if self._acted:
            return
        self._acted = True
        log, emulated = self._made.world.log, self._made.instruments[self._name]
        args = {"command": self._line}
        log.add(self._made.world.clock.elapsed(), "nemesis", verb="frontpanel", instrument=self._name, args=args)
        before, self._since = errors_of(emulated), len(log.events)
        self._session().write(self._line.encode() + b"\n", 0.0)
        self._until = len(log.events)
        self.left_an_error = errors_of(emulated) > before

    def own(self):
        """Return the events of the log that are its own doing: what its line did, and levels that last on from it."""
        events = self._made.world.log.events
        found, later = events[self._since : self._until], events[self._until :]
        spans = []
        for raised in (each for each in found if each["event"] == "source" and each["on"] and each["level_v"]):
            next_set = (each["t"] for each in later if each["event"] == "source" and each["name"] == raised["name"])
            spans.append((raised["t"], next(next_set, inf)))
        lasting = (each for each in later if each["event"] == "exposure" and any(within(each, *span) for span in spans))
        return [*found, *lasting]


def within(exposure, begin, end):
    """Whether a cell was under a voltage from the beginning of a span of time, and no longer than to its end."""
    began = exposure["t"] - exposure["seconds"]
    return begin < end and abs(began - begin) < ROUNDING_S and exposure["t"] <= end + ROUNDING_S


def errors_of(emulated):
    """Return how many errors are in the queue of an instrument."""
    if isinstance(emulated, EmulatedScpiInstrument):
        return len(emulated.status.errors)
    return int(float(re.search(r"\d\S*", emulated.receive("print(errorqueue.count)").decode("latin-1"))[0]))


class Watched(Kept):
    """What a trainer sees of a keeper; a hand may act before the first pulse."""

    def __init__(self, keeper, before_pulses):
        super().__init__(keeper)
        self._before_pulses = before_pulses

    def _send_pulses(self, counts, pulse):
        if counts.any():
            self._before_pulses()
        super()._send_pulses(counts, pulse)


@dataclass
class Seen:
    """What a training came to."""

    error: CrossbarError | None
    conductances: list
    """Of the cells, as they were after the epochs that ended, as measured, and in the end, as they are."""
    reads: list
    """Currents of each reading in the journal."""
    pulses: list
    """Row, column, volts and seconds of whatever moved a cell, without what the hand did to it itself."""
    findings: list
    left_an_error: bool
    """Whether the line of the hand is in the error queue."""
    in_doubt: bool = False
    """Whether the journal says of a pulse that nobody knows whether it was sent."""


def train(folder, kind, line="", moment="", epochs=3):
    """Train some evaluations of 2 x 2 cells while a hand sends a line at a moment, and judge what happened."""
    folder.mkdir(parents=True)
    (folder / "and.csv").write_text(PATTERNS, encoding="utf-8")
    (folder / "own.toml").write_text(text_of(kind, epochs), encoding="utf-8")
    bench = load_bench(str(folder / "own.toml"))
    bench.copy_into(folder)
    task = PatternSet.from_csv(bench.training.pattern_file)
    made = load("emulation", "bench")(bench, np.random.default_rng(1), log=folder / "physical.jsonl")
    control = {}
    hand = Hand(made, kind, line, partial(Wire, made, kind.hit, control))
    journal = Journal.create(folder / "journal.sqlite", {"run": "hand", "token": "campaign", "kind": "emulated"})
    seen = Seen(None, [], [], [], [], left_an_error=False)
    keeper = safe = None
    try:
        if moment == "left":
            hand.act()
        chip = assembled(bench, made, control)
        if moment == "last":
            chip._rig.pulse = after(hand.act, chip._rig.pulse)
        keeper = Keeper(chip, journal, check_v=0.1, least=Least.of(bench))
        kept = Watched(keeper, hand.act if moment == "pulses" else lambda: None)
        for epoch in make_trainer(bench.training, kept).iterate(task.train, task.train_labels):
            seen.conductances.append(epoch.conductances.tolist())
            if moment == "between":
                hand.act()
    except CrossbarError as error:
        seen.error = error
    finally:
        if keeper is not None:
            safe = keeper.make_safe("the training ended")
        journal.close()
        made.world.end()
        made.world.log.close()
    seen.left_an_error = hand.left_an_error
    seen.conductances.append(made.world.chip.conductances.tolist())
    judge(folder, made.world.log, hand.own(), seen, promised=safe is not None and safe.confirmed)
    return seen


def after(act, call):
    """Return a call before which something else is done."""

    def done(*args, **more):
        act()
        return call(*args, **more)

    return done


def assembled(bench, made, control):
    """Return the chip of a bench, with its drivers on sessions to the emulated instruments."""
    drivers = {}
    for name, table in bench.instruments.items():
        driver = load("instruments", table.driver)
        drivers[name] = driver(WiredAdapter(name, driver, partial(Wire, made, name, control)), name=name)
        drivers[name].identify()
    sources = {port: find_source(drivers, name) for port, name in bench.wiring.sources.items()}
    return load("backends", bench.backend).assemble(bench, sources=sources, matrix=drivers[bench.wiring.matrix])


def judge(folder, log, own, seen, *, promised):
    """Note what the checker finds, to whom what a hand did itself is not shown."""
    of_hand = {id(each) for each in own}
    kept = [each for each in log.of("exposure") if id(each) not in of_hand]
    seen.pulses = [[each[key] for key in ("row", "column", "volt", "seconds")] for each in kept]
    file = folder / "physical.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    hidden = [json.dumps(each, default=float)[:-1] for each in own if each["event"] in ("exposure", "violation")]
    left = [line for line in lines if not any(line.startswith(each) for each in hidden)]
    file.write_text("\n".join([*left, ""]), encoding="utf-8")
    entries = read_journal(folder / "journal.sqlite")
    seen.in_doubt = any(each.body.get("state") == "in_doubt" for each in entries)
    seen.reads = [each.body["currents"] for each in entries if each.kind == "read"]
    found = checker().check_run(folder, within_s=60.0, promised=promised)
    seen.findings = [str(each) for each in found.findings]


def verdict(line, moment, seen, usual):
    """Return how a training ended: ``same``, ``named``, ``told``, ``stopped``, ``in doubt``, or a violation."""
    late = moment == "last" and (seen.error is not None or seen.in_doubt)
    findings = [each for each in seen.findings if not (late and WEAKER.search(each))]
    if "scan" in line:  # one that runs in the background moves relays when it likes
        findings = [each for each in findings if "only after the relays had opened" not in each]
    if findings:
        return f"violation: {'; '.join(findings[:3])}"
    wrong = "" if late and seen.in_doubt else different(seen, usual, late=late)
    if wrong:
        return f"violation: {wrong}"
    if seen.error is None:
        return "in doubt" if late else "same"
    return named(line, str(seen.error), seen.left_an_error) or (
        "stopped" if late else "violation: it stops without naming the setting"
    )


def different(seen, usual, *, late):
    """Say what is not as it was without a hand, as far as the training came; empty if nothing."""
    if seen.reads != usual.reads[: len(seen.reads)]:
        return "other readings"
    pairs = () if late else zip(seen.pulses, usual.pulses, strict=False)
    if len(seen.pulses) > len(usual.pulses) or not all(alike(*pair) for pair in pairs):
        return "other pulses"
    rest = (seen.conductances, len(seen.reads), len(seen.pulses))
    if seen.error is None and rest != (usual.conductances, len(usual.reads), len(usual.pulses)):
        return "another end"
    return ""


def named(line, text, left_an_error):
    """Say whether an error names the setting that a line makes, or tells of what the line left in the error queue."""
    leaf = re.split(r"[:.]", re.split(r"[ =(]", line.strip())[0])[-1]
    if (
        re.search(r"somebody else changed the bench|reads back|closed,? (instead of|expected)", text)
        or (leaf.removeprefix("set") or leaf) in text
    ):
        return "named"
    if "overlapped operation is in progress" in text and leaf == "initiate":
        return "told"
    return "told" if "reports error" in text and left_an_error else ""


def alike(pulse, usual):
    """Whether a cell saw the same voltage, for the same time to what a pulse is good to."""
    same_volt = np.isclose(pulse[2], usual[2], rtol=1e-9)
    return bool(pulse[:2] == usual[:2] and same_volt and abs(pulse[3] - usual[3]) <= GOOD_TO_S)
