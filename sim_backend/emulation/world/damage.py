"""What is broken on an emulated bench: cells, relays and output terminals that do not do what they should.

The world asks here whenever something is damaged; on a whole bench it does not.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from .terminals import Relay, Terminal

Cell = tuple[int, int]
BEYOND_A = 1e9
"""A current that is beyond every range."""


@dataclass(frozen=True, slots=True)
class BrokenCell:
    """How a cell differs from the one of the curve."""

    siemens: float | None = None
    """Conductance of a shorted or open cell."""
    stuck: bool = False
    """Whether pulses have no effect."""
    factor: float = 1.0
    """By how much its conductance has changed for good."""
    drift_per_s: float = 0.0
    """Relative change of the conductance in a second of the bench's clock."""
    burst: float | None = None
    """Factor that the next pulse brings."""
    noise: float = 0.0
    """Relative standard deviation of its conductance, from measurement to measurement."""


@dataclass(slots=True)
class BrokenRelay:
    """How a relay differs from what its matrix believes."""

    kind: Literal["stuck_open", "stuck_closed", "slow", "worn"]
    seconds: float = 0.0
    """Time that a slow one takes to close."""
    ohm: float = 0.0
    """Resistance of a worn one while it is closed."""
    due_s: float = math.inf
    """When a slow one that was told to close will do so."""


@dataclass(slots=True)
class BadChannel:
    """How a source channel differs from what its instrument believes."""

    gain: float = 1.0
    """Of its readings; -1 turns the sign round."""
    offset_a: float = 0.0
    """Added to its readings."""
    noise: float = 0.0
    """Relative standard deviation of its readings."""
    zero_v: float = 0.0
    """Added to its voltage: an offset, or an LO that is apart from the common return."""
    height: float = 1.0
    """Of voltages above `HIGH_V`."""
    stretch: float = 1.0
    """Of the time for which it is above `HIGH_V`."""
    lingers: float = 0.0
    """Share of its voltage at which it stays when it is told 0 V."""
    limit: float = 1.0
    """Of its current limit."""
    guard_v: float = 0.0
    """Added to the voltage of its guard."""
    lost: bool = False
    """Whether nothing hangs on HI, or LO is not on the common return."""


HIGH_V = 0.5
"""A voltage that no read reaches and every pulse does."""


class Damage:
    """Everything that is broken; empty at first.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the noise of noisy cells.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.cells: dict[Cell, BrokenCell] = {}
        self.relays: dict[tuple[str, Relay], BrokenRelay] = {}
        self.channels: dict[str, BadChannel] = {}
        self.blocked: set[str] = set()
        """Channels whose output relay is held open, by an interlock or because they are too hot."""
        self.unpowered: set[str] = set()
        """Matrices whose relays cannot close, because of an interlock."""
        self.welded: set[str] = set()
        """Channels whose output cannot be switched off any more."""
        self.run_away_v: dict[str, float] = {}
        """Channels whose sense line is open, with the voltage to which they run up."""
        self.beyond: dict[str, float] = {}
        """Channels whose readings are beyond every range, with the sign."""

    # ------------------------------------------------------------------ what the world asks

    def terminal(self, name: str, before: Terminal, wanted: Terminal) -> Terminal:
        """Return what a channel really does when it is told to do something."""
        if name in self.welded and before.on and not wanted.on:
            return before
        if name in self.run_away_v and wanted.level_v and wanted.remote_sense:
            wanted = replace(wanted, level_v=math.copysign(self.run_away_v[name], wanted.level_v))
        bad = self.channels.get(name)
        if bad is not None and wanted.on:
            level_v = wanted.level_v or bad.lingers * before.level_v
            level_v = level_v * (bad.height if abs(level_v) > HIGH_V else 1.0) + bad.zero_v
            wanted = replace(wanted, level_v=level_v, limit_a=wanted.limit_a * bad.limit)
        if name in self.blocked or (bad is not None and bad.lost):
            return replace(wanted, on=False, off_state="highz")
        return wanted

    def reading(self, name: str, current_a: float) -> float:
        """Return what a channel shows of a current."""
        bad = self.channels.get(name)
        if bad is None:
            return current_a
        noise = 1 + bad.noise * float(self._rng.standard_normal()) if bad.noise else 1.0
        return current_a * bad.gain * noise + bad.offset_a

    def guard_v(self, name: str, level_v: float) -> float:
        """Return the voltage of the guard of a channel that is at some voltage."""
        bad = self.channels.get(name)
        return level_v + (bad.guard_v if bad else 0.0)

    def stretched(self, seconds: float, terminals: Mapping[str, Terminal]) -> float:
        """Return how long a time lasts while channels are as they are."""
        for name, bad in self.channels.items():
            if terminals[name].on and abs(terminals[name].level_v) > HIGH_V:
                seconds *= bad.stretch
        return seconds

    def closed_relays(
        self, matrix: str, wanted: frozenset[Relay], before: frozenset[Relay], now_s: float
    ) -> frozenset[Relay]:
        """Return which relays of a matrix are really closed when it is told to close some."""
        closed = set() if matrix in self.unpowered else set(wanted)
        for (owner, relay), broken in self.relays.items():
            if owner != matrix or broken.kind == "worn":
                continue
            if broken.kind == "stuck_closed":
                closed.add(relay)
            elif broken.kind == "stuck_open":
                closed.discard(relay)
            elif relay not in wanted or relay in before or now_s >= broken.due_s:
                broken.due_s = math.inf
            else:
                broken.due_s = min(broken.due_s, now_s + broken.seconds)
                closed.discard(relay)
        return frozenset(closed)

    def worn(self, matrix: str) -> dict[Relay, float]:
        """Return the resistance of the relays of a matrix whose contacts are worn, in ohm."""
        return {
            relay: each.ohm for (owner, relay), each in self.relays.items() if owner == matrix and each.kind == "worn"
        }

    def next_due_s(self) -> float:
        """Return when the next slow relay closes; never if none is about to."""
        return min((each.due_s for each in self.relays.values()), default=math.inf)

    def siemens(self, cell: Cell, siemens: float) -> float:
        """Return the conductance that a cell really has."""
        broken = self.cells.get(cell)
        if broken is None:
            return siemens
        if broken.siemens is not None:
            return broken.siemens
        noise = 1 + broken.noise * float(self._rng.standard_normal()) if broken.noise else 1.0
        return max(siemens * broken.factor * noise, 0.0)

    def shorted(self) -> frozenset[Cell]:
        """Return the cells that a resistor has taken the place of."""
        return frozenset(cell for cell, each in self.cells.items() if each.siemens is not None)

    def moves(self, cell: Cell) -> bool:
        """Return whether a pulse moves a cell, and let it burst if it is about to."""
        broken = self.cells.get(cell)
        if broken is None:
            return True
        if broken.burst is not None:
            self.cells[cell] = replace(broken, factor=broken.factor * broken.burst, burst=None)
        return broken.siemens is None and not broken.stuck

    def age(self, seconds: float) -> bool:
        """Let time pass; return whether a cell is another one than before."""
        drifting = {cell: each for cell, each in self.cells.items() if each.drift_per_s}
        for cell, each in drifting.items():
            self.cells[cell] = replace(each, factor=max(each.factor * (1 + each.drift_per_s * seconds), 0.0))
        return bool(drifting)

    @property
    def noisy(self) -> bool:
        """Whether two measurements in a row differ."""
        return any(each.noise for each in self.cells.values())

    # ------------------------------------------------------------------ what outlives the bench

    def as_json(self) -> dict[str, Any]:
        """Return what is broken for good, cells and relays, as JSON."""
        return {
            "cells": [[*cell, asdict(each)] for cell, each in self.cells.items()],
            "relays": [[matrix, *relay, each.kind, each.seconds] for (matrix, relay), each in self.relays.items()],
        }

    def restore(self, found: Mapping[str, Iterable[Any]]) -> None:
        """Break what `as_json` says."""
        self.cells = {(row, column): BrokenCell(**each) for row, column, each in found["cells"]}
        self.relays = {
            (matrix, (row, column)): BrokenRelay(kind, seconds)
            for matrix, row, column, kind, seconds in found["relays"]
        }
