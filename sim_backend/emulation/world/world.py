"""The electrical world of an emulated bench: chip, wires, relays and source terminals as one circuit, in time.

Instruments change the world through its methods, under one lock. Time passes in `World.wait` and, if the clock is real,
between two messages; what instruments have going on in the background goes on meanwhile. Whatever a cell sees above its
threshold is added up until the voltage ends, and then moves the cell once.
"""

import functools
import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.curves.levels import PULSE_UNSAID
from crossbar_hil.errors import ConfigError

from ...chip.simulated import SimulatedBackend
from .background import SAME_S, Background
from .chip import ChipCircuit
from .circuit import LO, Resistor, Solution, Source, solve
from .clock import Clock, SimulatedClock
from .log import PhysicalLog
from .terminals import Relay, Terminal

if TYPE_CHECKING:
    from .damage import Damage

HOT_V = 0.005
"""A relay that moves with more than this on either side is switched hot."""
GUARD_LIMIT_A = 0.05
"""A guard buffer gives 50 mA (Keithley 2400 user's manual, page 6-28)."""


class _Exposure(NamedTuple):
    volt: float
    seconds: float


class World:
    """One chip, the wires around it, and everything that is connected to them.

    Nodes are named: ``row.0`` and ``column.0`` are the chip's lines at their bond pads, ``<channel>.hi`` and
    ``<channel>.guard`` the terminals of a source, ``<matrix>.row.<slot>.<n>`` and ``<matrix>.column.<slot>.<n>``, n
    from 1, the terminals of a matrix, ``lo`` the common return.

    Parameters
    ----------
    chip : SimulatedBackend
        The cells.
    clock : Clock, optional
        Simulated if not given.
    line_ohm : float
        Resistance between each bond pad and the cells, in ohm.
    resolution : float
        Step of an instrument's reading at one power-line cycle, relative to its range.
    log : PhysicalLog, optional
        Where to write down what happens; only in memory if not given.

    Raises
    ------
    ConfigError
        If the chip's curve does not say with which pulses it was measured.
    """

    def __init__(
        self,
        chip: SimulatedBackend,
        clock: Clock | None = None,
        line_ohm: float = 0.0,
        resolution: float = 1e-6,
        log: PhysicalLog | None = None,
    ) -> None:
        amplitudes = chip.curve.widths_by_amplitude()
        if not amplitudes:
            raise ConfigError(PULSE_UNSAID.format(chip.curve.source))
        self.chip = chip
        self.clock = clock or SimulatedClock()
        self.log = log or PhysicalLog()
        self.lock = threading.RLock()
        self.resolution = resolution
        self.threshold_v = chip.threshold * min(abs(amplitude) for amplitude in amplitudes)
        self.moves = 0
        """How often a cell has moved."""
        self.damage: Damage | None = None
        """What is broken, if anything is."""
        self.background: dict[str, Background] = {}
        """What goes on at instruments by themselves, by their names."""
        self._chip_circuit = ChipCircuit(chip, line_ohm)
        self._wanted: dict[str, Terminal] = {}
        self._terminals: dict[str, Terminal] = {}
        self._wires: list[tuple[str, str]] = []
        self._resistors: list[Resistor] = []
        self._wanted_closed: dict[str, frozenset[Relay]] = {}
        self._closed: dict[str, frozenset[Relay]] = {}
        self._exposures: dict[tuple[int, int], _Exposure] = {}
        self._solution: Solution | None = None
        self._takes_time, self._noisy = chip.takes_time, chip.noisy
        self._not_aged_s = 0.0
        self._left_s = self.clock.elapsed()

    # ------------------------------------------------------------------ building

    def add_source(self, name: str, terminal: Terminal) -> None:
        """Add a source channel; its nodes are ``<name>.hi`` and ``<name>.guard``."""
        self._wanted[name] = self._terminals[name] = terminal
        self._solution = None

    def add_matrix(self, name: str) -> None:
        """Add a switch matrix with every relay open."""
        self._wanted_closed[name] = frozenset()
        self._closed.setdefault(name, frozenset())

    def add_wire(self, first: str, second: str) -> None:
        """Join two nodes for good."""
        self._wires.append((first, second))

    def add_resistor(self, first: str, second: str, ohm: float) -> None:
        """Put a resistor between two nodes."""
        if ohm <= 0:
            raise ConfigError(f"resistor of {ohm} ohm between {first} and {second} must be above zero; use a wire")
        self._resistors.append(Resistor(first, second, 1 / ohm))

    # ------------------------------------------------------------------ what instruments do

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Have the world for the length of a ``with`` block, as an instrument does that acts on a message."""
        with self.lock:
            # With a real clock voltages last while nobody does anything; inside a message only waiting counts, as
            # what an instrument times does not depend on how busy this machine is.
            if self.clock.elapsed() > self._left_s:
                self._be_idle(self.clock.elapsed())
                if self.damage and self.damage.next_due_s() <= self.clock.elapsed():
                    self.apply_damage()
            try:
                yield
            finally:
                self._left_s = self.clock.elapsed()

    def terminal(self, name: str) -> Terminal:
        """Return what a channel does at its terminals."""
        return self._terminals[name]

    def wanted(self, name: str) -> Terminal:
        """Return what a channel was told to do; what it does is another thing if it is broken."""
        return self._wanted[name]

    def set_terminal(self, name: str, **changes: object) -> None:
        """Change what a channel does, at once."""
        self.set_terminals({name: changes})

    def set_terminals(self, changes: dict[str, dict[str, object]]) -> None:
        """Change several channels at the same instant."""
        with self.lock:
            for name, change in changes.items():
                new = self._wanted[name] = replace(self._wanted[name], **change)  # type: ignore[arg-type]
                if self.damage:
                    new = self.damage.terminal(name, self._terminals[name], new)
                if new != self._terminals[name]:
                    self._terminals[name] = new
                    self.log.add(
                        self.clock.elapsed(), "source", name=name, level_v=new.level_v, on=new.on, limit_a=new.limit_a
                    )
            self._changed()

    def closed(self, matrix: str) -> frozenset[Relay]:
        """Return the closed relays of a matrix as pairs of nodes."""
        return self._closed[matrix]

    def move_relays(self, matrix: str, closed: Iterable[Relay]) -> None:
        """Leave exactly these relays of a matrix closed, all moving at the same instant; takes no time."""
        with self.lock:
            wanted = self._wanted_closed[matrix] = frozenset(closed)
            before = self._closed[matrix]
            if self.damage:
                wanted = self.damage.closed_relays(matrix, wanted, before, self.clock.elapsed())
            moving = wanted ^ before
            if not moving:
                return
            volts = self.solution().volts
            for relay in sorted(moving):
                hot = max(abs(volts.get(node, 0.0)) for node in relay)
                if hot > HOT_V:
                    self.log.add(self.clock.elapsed(), "violation", what="hot switching", where=relay, volt=hot)
            self._closed[matrix] = wanted
            self.log.add(
                self.clock.elapsed(),
                "relays",
                matrix=matrix,
                opened=sorted(before - wanted),
                closed=sorted(wanted - before),
            )
            self._changed()
            self._look_for_shorts()

    def wait(self, seconds: float) -> None:
        """Let time pass; every cell feels what it sees."""
        with self.lock:
            while True:
                now_s = self.clock.elapsed()
                work_s = self._background_due_s() - now_s
                damage_s = self.damage.next_due_s() - now_s if self.damage else math.inf
                if work_s > seconds + SAME_S and damage_s >= seconds:
                    break
                until_s = max(min(work_s, damage_s, seconds), 0.0)
                self._wait(until_s)
                seconds -= until_s
                if work_s <= damage_s:
                    self._go_on()
                else:
                    self.apply_damage()
            self._wait(seconds)

    def apply_damage(self) -> None:
        """Take note that something else is damaged than before."""
        with self.lock:
            self.set_terminals({name: {} for name in self._wanted})
            for matrix, wanted in self._wanted_closed.items():
                self.move_relays(matrix, wanted)

    def begin(self) -> None:
        """Write down the chip as it is, when the bench is switched on."""
        chip = {"shape": self.chip.shape, "conductances": self.chip.conductances.tolist()}
        self.log.mark(self.clock.elapsed(), "begin", chip=chip, threshold_v=self.threshold_v)

    def end(self, **details: object) -> None:
        """Let every voltage end, as when the bench loses its power: cells that were under one move."""
        with self.lock:
            self._add_exposure(max(self.clock.elapsed() - self._left_s, 0.0))
            self.log.mark(self.clock.elapsed(), "end", **details)
            for cell in list(self._exposures):
                self._move(cell)
            self._age_chip()

    def measure(self, name: str) -> tuple[float, bool]:
        """Return the current out of a channel's HI terminal, in amperes, and whether it is at its limit."""
        with self.lock:
            self._age_chip()
            if self.damage and self.damage.noisy:
                self._solution = None
            # The noise of the cells is in the reading alone: nothing else sees it.
            found = self._solve_circuit(self.chip.read_siemens()) if self._noisy else self.solution()
            limited = name in found.limited
            if self.damage and name in self.damage.beyond:
                return self.damage.beyond[name], limited
            current_a = found.amperes.get(name, 0.0) - self._offset_a(name)
            return self.damage.reading(name, current_a) if self.damage else current_a, limited

    def volt(self, node: str) -> float:
        """Return the voltage of a node against ``lo``."""
        with self.lock:
            return self.solution().volts.get(node, 0.0)

    def is_wired(self, node: str) -> bool:
        """Say whether anything hangs on a node for good."""
        ends = chain.from_iterable((*self._wires, *((each.first, each.second) for each in self._resistors)))
        return node in ends

    # ------------------------------------------------------------------ physics

    def _background_due_s(self) -> float:
        return min([math.inf, *[each.due_s() for each in self.background.values()]])

    def _go_on(self) -> None:
        """Have what is due first in the background go on."""
        min(self.background.values(), key=lambda each: each.due_s()).go_on()

    def _be_idle(self, until_s: float) -> None:
        """Add up what has been felt since the last message, on a clock that is real."""
        while (due_s := self._background_due_s()) <= until_s:
            self._add_exposure(max(due_s - self._left_s, 0.0))
            self._left_s = max(due_s, self._left_s)
            self._go_on()
        self._add_exposure(until_s - self._left_s)

    def _wait(self, seconds: float) -> None:
        if self.damage and self.damage.channels:
            seconds = self.damage.stretched(seconds, self._terminals)
        self._add_exposure(seconds)
        self.clock.wait(seconds)

    def _add_exposure(self, seconds: float) -> None:
        """Add to what every cell feels."""
        nodes = self.solution().volts.values()
        if max(nodes) - min(nodes) >= self.threshold_v:
            self._expose(seconds)
        if self.damage and self.damage.age(seconds):
            self._solution = None
        self._not_aged_s += seconds

    def _age_chip(self) -> None:
        """Have the chip feel the time that has passed: before a reading, and before a cell moves.

        In between, voltages are those of conductances that are as old as the last of these.
        """
        if self._takes_time and self._not_aged_s:
            self.chip.pass_time(self._not_aged_s)
            self._not_aged_s, self._solution = 0.0, None

    def _offset_a(self, name: str) -> float:
        """Return what is added to the current out of the columns that a channel's HI is joined to, in amperes."""
        offsets = self.chip.column_offsets
        if offsets is None:
            return 0.0
        group = {f"{name}.hi"}
        joints = self._joints()
        while grown := {node for joint in joints if not group.isdisjoint(joint) for node in joint} - group:
            group |= grown
        return float(sum(offset for number, offset in enumerate(offsets) if f"column.{number}" in group))

    def _expose(self, seconds: float) -> None:
        volts = self._cell_volts()
        for row, column in np.argwhere(np.abs(volts) >= self.threshold_v):
            cell, volt = (int(row), int(column)), float(volts[row, column])
            before = self._exposures.get(cell)
            self._exposures[cell] = _Exposure(volt, seconds + (before.seconds if before else 0.0))

    def solution(self) -> Solution:
        """Return the voltages and currents of this instant."""
        if self._solution is None:
            self._solution = self._solve_circuit(self.chip.conductances)
        return self._solution

    def _solve_circuit(self, siemens: FloatArray) -> Solution:
        wires = [*self._joints(), *self._chip_circuit.wires]
        of_chip, cells = self._chip_circuit.parts(siemens, self.damage)
        resistors = [*self._resistors, *of_chip]
        for matrix, closed in self._closed.items() if self.damage else ():
            worn = self.damage.worn(matrix) if self.damage else {}
            resistors += [Resistor(*relay, 1 / ohm) for relay, ohm in worn.items() if relay in closed]
        sources, guards = {}, {}
        for name, terminal in self._terminals.items():
            if terminal.on:
                sources[name] = Source(f"{name}.hi", terminal.level_v, terminal.limit_a)
            elif terminal.off_state != "highz":
                limit = terminal.off_limit_a if terminal.off_state == "normal" else terminal.limit_a
                sources[name] = Source(f"{name}.hi", 0.0, limit)
            if terminal.guard and terminal.on:
                guard_v = self.damage.guard_v(name, terminal.level_v) if self.damage else terminal.level_v
                guards[name] = Source(f"{name}.guard", guard_v, GUARD_LIMIT_A)
        found = solve(resistors, {**sources, **{f"{name}.guard": each for name, each in guards.items()}}, wires, cells)
        if any(name in found.limited for name in guards):
            # The guard follows HI, which a limit has pulled away from its level.
            followed = {
                f"{name}.guard": guard._replace(volt=found.volts[f"{name}.hi"]) for name, guard in guards.items()
            }
            found = solve(resistors, {**sources, **followed}, wires, cells)
        return found

    def _cell_volts(self) -> np.ndarray:
        return self._chip_circuit.cell_volts(self.solution().volts)

    def _changed(self) -> None:
        """Take note that the circuit is another one; what has ended moves the cells."""
        self._solution = None
        if not self._exposures:
            return
        volts = self._cell_volts()
        for cell, exposure in list(self._exposures.items()):
            if abs(volts[cell] - exposure.volt) > 0.02 * abs(exposure.volt):
                self._move(cell)

    def _move(self, cell: tuple[int, int]) -> None:
        """End what a cell was exposed to, and move it."""
        volt, seconds = self._exposures.pop(cell)
        self._age_chip()
        self.log.add(self.clock.elapsed(), "exposure", row=cell[0], column=cell[1], volt=volt, seconds=seconds)
        if self.damage is None or self.damage.moves(cell):
            self.chip.expose(*cell, volt, seconds)
        self.moves += 1
        self._solution = None

    def _joints(self) -> list[tuple[str, str]]:
        """Return the pairs of nodes that wires and closed relays make one."""
        whole: Iterable[frozenset[Relay]] = self._closed.values()
        if self.damage is not None:
            whole = [closed - self.damage.worn(matrix).keys() for matrix, closed in self._closed.items()]
        return [*self._wires, *chain.from_iterable(map(sorted, whole))]

    def _look_for_shorts(self) -> None:
        """Note sources that are joined to each other or to the return."""
        for end, other in _shorts(tuple(self._joints()), tuple(f"{name}.hi" for name in self._terminals)):
            self.log.add(self.clock.elapsed(), "violation", what="short", where=(end, other))


@functools.lru_cache(maxsize=256)  # the same relay states come again and again
def _shorts(joints: tuple[tuple[str, str], ...], ends: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return which ends are joined to the return or to one that follows."""
    group: dict[str, set[str]] = {}
    for first, second in joints:
        joined = group.get(first, {first}) | group.get(second, {second})
        for node in joined:
            group[node] = joined
    return [
        (end, other)
        for place, end in enumerate(ends)
        for other in (LO, *ends[place + 1 :])
        if other in group.get(end, set())
    ]
