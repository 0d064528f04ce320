"""Faults planted on an emulated bench, and a commissioning of it in this process."""

import os
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.commissioning.commissioning import commission
from crossbar_hil.guard.journal import Journal
from crossbar_hil.guard.keeper import Keeper
from crossbar_hil.sim_backend.emulation.bench import EmulatedBench
from crossbar_hil.sim_backend.emulation.nemesis.faults import Fault, Nemesis
from crossbar_hil.sim_backend.emulation.world.circuit import LO
from crossbar_hil.sim_backend.emulation.world.damage import BadChannel, BrokenCell, BrokenRelay

TWO, ONE = "emulated", "emulated-single"
PULSE_V = 0.5
IN_MEMORY = os.environ.get("PYTEST_DEBUG_TEMPROOT")
"""Where pytest keeps folders, in memory if it can: every entry of a journal waits for the disk."""


class InProcess:
    """A keeper in this process, as a guard has it."""

    def __init__(self, bench, folder):
        self.chip = open_backend(bench, seed=0, on_trial=True)
        self.journal = Journal.create(Path(folder) / "journal.sqlite", {"run": "trial", "token": "a1"})
        self.keeper = Keeper(self.chip, self.journal, check_v=0.1)
        self.look, self.pulse_on_trial = self.keeper.look, self.keeper.pulse_on_trial
        self.send_pulses, self.identify = self.keeper.send_pulses, self.chip.identify

    def close(self):
        self.keeper.make_safe("the end")
        self.journal.close()
        self.chip.owned.close()


@contextmanager
def in_process(bench):
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        session = InProcess(bench, folder)
        try:
            yield session
        finally:
            session.close()


@dataclass(frozen=True)
class Planted:
    """A fault, and the step that must find it."""

    name: str
    found_by: str
    """Beginning of the name of a step."""
    plant: Callable = lambda emulated: None
    bench: str = TWO
    file: dict = field(default_factory=dict)
    """What the bench file says otherwise than the bench is."""
    faults: tuple = ()
    says: str = ""
    """Words that must be among the causes or the measurements."""


def board_of(shape, spread=0.1):
    """Resistors about 1 Mohm, all different."""
    rows, columns = shape
    return 1e6 * (1 + spread * np.arange(rows * columns).reshape(shape) * 7 % (rows * columns) / rows)


def channel(name, **what):
    def plant(emulated):
        emulated.world.damage.channels[name] = BadChannel(**what)
        emulated.world.apply_damage()

    return plant


def relay(kind, row, line, ohm=0.0):
    """Damage the relay of a matrix row (from 1) and a matrix column."""

    def plant(emulated):
        pair = (f"matrix.row.1.{row}", f"matrix.column.1.{line}")
        emulated.world.damage.relays["matrix", pair] = BrokenRelay(kind, ohm=ohm)
        emulated.world.apply_damage()

    return plant


def path(first, second, ohm):
    return lambda emulated: emulated.world.add_resistor(first, second, ohm)


def cut(*nodes):
    """Take the wires away that end at nodes."""

    def plant(emulated):
        wires = emulated.world._wires
        wires[:] = [wire for wire in wires if not set(wire) & set(nodes)]

    return plant


def closes_nothing(emulated):
    emulated.world.damage.unpowered.add("matrix")


def odd_divider(emulated):
    parts = emulated.world._resistors
    parts[0] = parts[0]._replace(siemens=parts[0].siemens * 1.2)


def other_resistor(emulated):
    emulated.world.damage.cells[1, 0] = BrokenCell(siemens=1 / 3e6)


def one_more_pulse(emulated):
    """After each train its last pulse once more, unasked and untold."""
    world, smu = emulated.world, emulated.instruments["smu"]
    set_terminals, receive = world.set_terminals, smu.receive
    high, took = {}, []

    def note(changes):
        before = {name: world.wanted(name).level_v for name in changes}
        set_terminals(changes)
        for name, change in changes.items():
            level = change.get("level_v", before[name])
            if abs(level) > PULSE_V >= abs(before[name]):
                high[name] = level, world.clock.elapsed()
            elif abs(level) <= PULSE_V < abs(before[name]):
                took.append((name, high[name][0], world.clock.elapsed() - high[name][1]))

    def act(message):
        took.clear()
        answer = receive(message)
        last = {name: (level, seconds) for name, level, seconds in took}
        if last:
            set_terminals({name: {"level_v": level} for name, (level, _) in last.items()})
            world.wait(max(seconds for _, seconds in last.values()))
            set_terminals({name: {"level_v": 0.0} for name in last})
        return answer

    world.set_terminals, smu.receive = note, act


def knob(command, at):
    return (Fault("frontpanel", at=at, instrument="smu", args={"command": command}),)


ROWS_SWAPPED = {"wiring": {"rows": [2, 1, 3, 4]}}
MIXED_UP = {"wiring": {"rows": [1, 2, 3, 5], "columns": [4, 6, 7, 8]}}
CROSSPOINTS, BETWEEN = "every crosspoint", "no path between"
FAULTS = (
    Planted("another serial number answers", "identity", file={"instruments": {"smu": {"serial": "4711"}}}),
    Planted("two rows swapped", CROSSPOINTS, file=ROWS_SWAPPED, says="row 1 and row 2 are swapped"),
    Planted("a row and a column swapped", CROSSPOINTS, file=MIXED_UP, says="row 4 and column 1 are swapped"),
    Planted("a column open", CROSSPOINTS, cut("column.1"), says="column 2 is open"),
    Planted("two rows shorted", CROSSPOINTS, path("row.0", "row.1", 1.0), says="row 1 and row 2 are shorted"),
    Planted("one resistor of another value", CROSSPOINTS, other_resistor, says="3 Mohm"),
    Planted(
        "relay of ground welded on a row",
        CROSSPOINTS,
        relay("stuck_closed", 3, 2),
        says="between port ground and row 2 is always closed",
    ),
    Planted(
        "relay of the drive welded on a column",
        CROSSPOINTS,
        relay("stuck_closed", 1, 6),
        says="between port drive and column 2 is always closed",
    ),
    Planted(
        "relay of the drive does not close",
        CROSSPOINTS,
        relay("stuck_open", 1, 2),
        says="between port drive and row 2 does not close",
    ),
    Planted(
        "relay of ground does not close",
        BETWEEN,
        relay("stuck_open", 3, 7),
        says="between port ground and column 3 does not close",
    ),
    Planted("matrix that reports closed what is open", CROSSPOINTS, closes_nothing, says="no relay closes"),
    Planted(
        "contact of 1 kohm in a relay",
        "each cell is the same",
        relay("worn", 1, 2, 1e3),
        says="in series with row 2 on port drive",
    ),
    Planted("ground missing", CROSSPOINTS, cut(LO), says="the ground is missing"),
    Planted(
        "LO of the meter not on the common return",
        CROSSPOINTS,
        channel("smu.b", lost=True),
        says="port meter reaches nothing",
    ),
    Planted(
        "LO of two supplies 20 mV apart", "nothing driven", channel("smu.b", zero_v=0.02), says="LO of the supplies"
    ),
    Planted(
        "zero volts that are 5 mV", "nothing driven", channel("smu.a", zero_v=0.005), says="zero of the source on drive"
    ),
    Planted("guard off by 10 mV", "nothing driven", channel("smu.a", guard_v=0.01), bench=ONE, says="the guard"),
    Planted("divider 10 % off", "the states of pulses", odd_divider, bench=ONE, says="divider"),
    Planted("meter offset of 50 nA", "every line open", channel("smu.b", offset_a=5e-8)),
    Planted("gain of the meter 2 % off", "gain", channel("smu.b", gain=1.02)),
    Planted("sign of the meter reversed", "sign", channel("smu.b", gain=-1.0)),
    Planted("leakage of 10 Mohm between two rows", BETWEEN, path("row.0", "row.2", 1e7), says="from row 1 to row 3"),
    Planted(
        "leakage of 10 Mohm from a column to ground", "no path between", path("column.1", LO, 1e7), says="column 2"
    ),
    Planted("noise of the meter of 5 %", "noise", channel("smu.b", noise=0.05)),
    Planted("source that stays at 30 % when told 0 V", "cold switching", channel("smu.a", lingers=0.3)),
    Planted("compliance that does not trip", "compliance", channel("smu.a", limit=1e6)),
    Planted("compliance at twice the current", "compliance", channel("smu.b", limit=2.0)),
    Planted("pulse 5 % too high", "pulses: height", channel("smu.a", height=1.05)),
    Planted("pulse 20 % too long", "pulses: width", channel("smu.a", stretch=1.2)),
    Planted("one pulse too many in each train", "pulses: width", one_more_pulse),
    Planted(
        "another program changes a limit in the middle",
        "the board",
        faults=knob("smub.source.limiti = 1e-3", 500),
        says="somebody else changed the bench",
    ),
    Planted("gain 2 % off, one source", "gain", channel("smu.a", gain=1.02), bench=ONE),
    Planted("pulse 20 % too long, one source", "pulses: width", channel("smu.a", stretch=1.2), bench=ONE),
    Planted("one pulse too many, one source", "pulses: width", one_more_pulse, bench=ONE),
    Planted(
        "relay of the guard does not close",
        BETWEEN,
        relay("stuck_open", 3, 7),
        bench=ONE,
        says="between port guard and column 3 does not close",
    ),
    Planted(
        "relay of the divider does not close",
        "the states of pulses",
        relay("stuck_open", 4, 7),
        bench=ONE,
        says="between port divider and column 3 does not close",
    ),
)


def as_real(seed):
    """Make every channel and every resistor as far from ideal as data sheets have it, drawn from a seed."""
    rng = np.random.default_rng(seed)

    def plant(emulated):
        world = emulated.world
        world.resolution = 1e-6
        for name in [channel for each in emulated.instruments.values() for channel in each.channels]:
            world.damage.channels[name] = BadChannel(
                gain=1 + rng.normal(0, 3e-4),
                offset_a=rng.normal(0, 1e-9),
                noise=3e-4,
                zero_v=rng.normal(0, 4e-4),
                guard_v=rng.normal(0, 3e-4),
                limit=1 + rng.normal(0, 0.01),
                height=1 + rng.normal(0, 1e-3),
            )
        for cell, broken in list(world.damage.cells.items()):
            world.damage.cells[cell] = BrokenCell(siemens=broken.siemens * (1 + rng.uniform(-0.01, 0.01)))
        world.apply_damage()

    return plant


SMALL = {"wiring": {"rows": [1, 2], "columns": [5, 6]}, "chip": {"rows": 2, "columns": 2}}
"""What makes a shipped bench one of 2 x 2 cells."""


def commissioned(planted, *, tables=None, ohms=None, there=None, opener=in_process):
    """Commission an emulated bench with a fault, or with other resistors than is said; return what was found."""
    really = load_bench(planted.bench, overrides=tables or {})
    said = load_bench(planted.bench, overrides={**(tables or {}), **planted.file})
    shape = len(really.wiring.rows), len(really.wiring.columns)
    ohms = board_of(shape) if ohms is None else ohms
    emulation = really.emulation.model_copy(update={"resistors": (ohms if there is None else there).tolist()})
    really = really.model_copy(update={"emulation": emulation})
    nemesis = Nemesis(planted.faults).as_json() if planted.faults else None
    with EmulatedBench(really, np.random.default_rng(0), nemesis=nemesis, proven=True) as emulated:
        planted.plant(emulated)
        instruments = {
            name: table.model_copy(update={"resource": emulated.resources[name]})
            for name, table in said.instruments.items()
        }
        said = said.model_copy(update={"instruments": instruments})
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "bench.toml"
            file.write_text(said.as_toml(), encoding="utf-8")
            return commission(said, ohms, opener=opener, file=str(file))


def text_of(found):
    """Return all that a commissioning says of what failed."""
    return "\n".join(line for step in found.steps if step.verdict == "failed" for line in step.lines())
