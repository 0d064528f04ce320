"""What a board of resistors must show: nodal analysis of the board, its relays and its ports in any state.

Written from Kirchhoff's laws alone; it knows nothing of the schemes, nor of the emulated bench.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.file import Bench

CONTACT_SIEMENS, SOURCE_SIEMENS, LEAKAGE_SIEMENS = 1e2, 1e3, 1e-15
"""A closed relay, the output of a source, the insulation of a line: so that every state has one solution."""
DIVIDER_OHM = 500.0
"""Of each resistor of a divider; far below the cells, so that its own value does not matter."""
GUARD_A = 0.05
"""More no guard delivers (Keithley 2400 user's manual, page 6-28)."""
GROUND, OPEN = "ground", "open"
State = tuple[Sequence[str], Mapping[str, float]]
"""Port of every line, and the voltage of ports that are driven: sources, and the guard if it is not that of its own."""


@dataclass(frozen=True)
class BoardModel:
    """A board on the ports of a bench, whole or with something wrong."""

    siemens: FloatArray
    """Of the resistors, (R, C)."""
    ports: tuple[str, ...]
    sources: tuple[str, ...]
    """Ports with a source, in the order of currents."""
    guarded: str | None = None
    """The source that the guard follows, if there is a guard."""
    divided: str | None = None
    """The source that the divider hangs on."""
    guard_feeds_divider: bool = False
    limit_a: float = np.inf
    """Current limit of every source."""
    welded: frozenset[tuple[str, int]] = frozenset()
    """Relays (port, line) that are always closed."""
    dead: frozenset[tuple[str, int]] = frozenset()
    """Relays that never close."""
    loose: frozenset[str] = frozenset()
    """Ports with nothing behind them."""
    order: tuple[int, ...] | None = None
    """Line of the board that hangs where each line should."""
    joined: tuple[tuple[int, int | None, float], ...] = field(default=())
    """Leakage from a line to another one, or to the return: conductances in siemens."""

    @classmethod
    def of(cls, bench: Bench, ohms: FloatArray) -> "BoardModel":
        """Return that of a bench with a board of (R, C) resistances in ohm."""
        wiring, table = bench.wiring, bench.measurement
        ports = tuple(wiring.ports) if wiring else ()
        sources = tuple(wiring.sources) if wiring else ()
        feeding = "drive" if "drive" in sources else "meter"
        return cls(
            1 / ohms,
            ports,
            sources,
            guarded=("meter" if "meter" in sources else "drive") if "guard" in ports else None,
            divided=feeding if "divider" in ports else None,
            guard_feeds_divider="guard" in ports,
            limit_a=table.compliance_a if table else np.inf,
        )

    def currents(self, states: Sequence[State]) -> FloatArray:
        """Return the current out of HI of every source, (states, sources), in amperes; no limit is heeded.

        The current that a divider on HI takes with nothing on its middle is left out.
        """
        matrices, right, volts = self._equations(states)
        found = np.linalg.solve(matrices, right[:, :, None])[:, :, 0]
        if self.guarded is not None:
            place = self._place("guard")
            flow = SOURCE_SIEMENS * (volts["guard"] - found[:, place])
            weak = np.abs(flow) > GUARD_A  # it is shorted: what it is shorted to has its voltage
            if weak.any() and "guard" not in self.loose:
                matrices[weak, place, place] -= SOURCE_SIEMENS
                right[weak, place] = 0.0
                found[weak] = np.linalg.solve(matrices[weak], right[weak][:, :, None])[:, :, 0]
        flows = [
            np.zeros(len(states))
            if port in self.loose
            else SOURCE_SIEMENS * (volts[port] - found[:, self._place(port)])
            for port in self.sources
        ]
        if self.divided in self.sources and not self.guard_feeds_divider and "divider" not in self.loose:
            # What its middle takes from the lines on it, its two resistors share: half of it comes from HI.
            half = volts[self.divided] / 2 - found[:, self._place("divider")]
            flows[self.sources.index(self.divided)] += half / DIVIDER_OHM
        return np.stack(flows, axis=1)

    def _place(self, port: str) -> int:
        return sum(self.siemens.shape) + self.ports.index(port)

    def _equations(self, states: Sequence[State]) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
        rows, columns = self.siemens.shape
        lines = rows + columns
        size = lines + len(self.ports)
        fixed = np.diag(np.full(size, LEAKAGE_SIEMENS))
        cells = np.zeros((lines, lines))
        cells[:rows, rows:] = self.siemens
        cells += cells.T
        for first, second, siemens in self.joined:
            if second is None:
                fixed[first, first] += siemens
            else:
                cells[first, second] += siemens
                cells[second, first] += siemens
        fixed[:lines, :lines] += np.diag(cells.sum(axis=1)) - cells
        matrices = np.repeat(fixed[None], len(states), axis=0)
        right = np.zeros((len(states), size))
        order = self.order or tuple(range(lines))
        where = np.array([list(assignment) for assignment, _ in states])
        for port in self.ports:
            place = self._place(port)
            closed = where == port
            for relay_port, line in self.welded:
                if relay_port == port:
                    closed[:, line] = True
            for relay_port, line in self.dead:
                if relay_port == port:
                    closed[:, line] = False
            for line in range(lines):
                siemens = CONTACT_SIEMENS * closed[:, line]
                end = order[line]
                matrices[:, end, end] += siemens
                matrices[:, place, place] += siemens
                matrices[:, end, place] -= siemens
                matrices[:, place, end] -= siemens
        volts = {port: np.array([each.get(port, 0.0) for _, each in states]) for port in (*self.sources, GROUND)}
        if self.guarded is not None:
            own = volts[self.guarded]
            volts["guard"] = np.array([each.get("guard", of) for (_, each), of in zip(states, own, strict=True)])
        for port in set(self.ports) - self.loose - {"divider"}:
            place = self._place(port)
            matrices[:, place, place] += SOURCE_SIEMENS
            right[:, place] += SOURCE_SIEMENS * volts[port]
        if self.divided is not None and "divider" not in self.loose:
            place = self._place("divider")
            matrices[:, place, place] += 2 / DIVIDER_OHM
            right[:, place] += volts["guard" if self.guard_feeds_divider else self.divided] / DIVIDER_OHM
        return matrices, right, volts
