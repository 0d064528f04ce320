"""The bench of a run as a checker sees it: what its file says, and voltages from levels and relays by ideal wires."""

import math
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from checker_report import DISTURB_SHARE, LIVE_V, CannotJudge

Cell = tuple[int, int]
Relay = tuple[str, str]


@dataclass(frozen=True)
class Bench:
    """What a bench file says, as far as voltages and relays go."""

    matrix: str
    ports: dict[str, str]
    """Port by the node of its matrix row."""
    lines: dict[str, int]
    """Line, rows of the chip first, by the node of its matrix column."""
    shape: tuple[int, int]
    sources: dict[str, str]
    """Port of each source."""
    read: str
    write: str
    disturb_v: float | None
    read_v: float
    pulse_v: float
    width_s: float
    pulses: int | None
    dose_vs: float | None
    discharge_s: float
    """Time at 0 V before relays move."""

    @classmethod
    def of(cls, folder: Path) -> "Bench":
        """Read the bench file of a run."""
        try:
            file = tomllib.loads((folder / "bench.toml").read_text(encoding="utf-8"))
            wiring, scheme, limits = file["wiring"], file["scheme"], file["limits"]
            matrix, slot = wiring.get("matrix", "matrix"), wiring.get("slot", 1)
            return cls(
                matrix=matrix,
                ports={f"{matrix}.row.{slot}.{_number(row)}": port for port, row in wiring["ports"].items()},
                lines={
                    f"{matrix}.column.{slot}.{place}": line
                    for line, place in enumerate((*wiring["rows"], *wiring["columns"]))
                },
                shape=(len(wiring["rows"]), len(wiring["columns"])),
                sources={source: port for port, source in wiring["sources"].items()},
                read=scheme["read"],
                write=scheme["write"],
                disturb_v=scheme.get("disturb_v"),
                read_v=float(limits["read_v"]),
                pulse_v=float(limits["pulse_v"]),
                width_s=float(limits["width_s"]),
                pulses=limits.get("pulses"),
                dose_vs=limits.get("dose_vs"),
                discharge_s=float(file.get("measurement", {}).get("discharge_s", 0.0)),
            )
        except (OSError, tomllib.TOMLDecodeError, KeyError, ValueError) as error:
            raise CannotJudge(f"{folder / 'bench.toml'} does not say what is needed: {error!r}") from error

    @cached_property
    def feed(self) -> str:
        """Port of the source that feeds guard and divider."""
        return "drive" if "drive" in self.sources.values() else "meter"

    @cached_property
    def guarded(self) -> str:
        """Port of the one source of the guarded read scheme."""
        return "meter" if "meter" in self.ports.values() else "drive"

    def most_unselected(self, amplitude_v: float) -> float:
        """Return what an unselected cell may see of a pulse, in volts."""
        return DISTURB_SHARE * abs(amplitude_v) if self.disturb_v is None else self.disturb_v

    def selected(self, port_of: dict[int, str]) -> Cell | None:
        """Return the cell that the write scheme pulses when every line is on this port, None if it is none."""
        rows, columns = self.shape
        row_port, column_port, idle = (
            ("drive", "meter", "ground") if self.write == "symmetric half-select" else (self.feed, "ground", "divider")
        )
        row = [line for line in range(rows) if port_of.get(line) == row_port]
        column = [line - rows for line in range(rows, rows + columns) if port_of.get(line) == column_port]
        if len(row) != 1 or len(column) != 1:
            return None
        others = set(range(rows + columns)) - {row[0], rows + column[0]}
        return (row[0], column[0]) if all(port_of.get(line) == idle for line in others) else None

    def allows(self, port_of: dict[int, str]) -> bool:
        """Say whether lines on these ports, the others open, are part of a state of the table.

        The table: all open; the read scheme with any rows active and one column measured; two lines against each other
        with the rest held (self-test); the write scheme with one cell. A part of one is what there is on the way.
        """
        rows = {line: port for line, port in port_of.items() if line < self.shape[0]}
        columns = {line: port for line, port in port_of.items() if line >= self.shape[0]}
        if self.read == "virtual ground":
            reads = [
                _only(rows, {"drive": math.inf, "ground": math.inf})
                and _only(columns, {"meter": 1, "ground": math.inf}),
                _only(port_of, {"drive": 1, "meter": 1, "ground": math.inf}),
            ]
        else:
            reads = [
                _only(rows, {"ground": math.inf, "guard": math.inf})
                and _only(columns, {self.guarded: 1, "guard": math.inf}),
                _only(port_of, {self.guarded: 1, "ground": 1, "guard": math.inf}),
            ]
        if self.write == "symmetric half-select":
            row, column, idle = "drive", "meter", "ground"
        else:
            row, column, idle = self.feed, "ground", "divider"
        writes = _only(rows, {row: 1, idle: math.inf}) and _only(columns, {column: 1, idle: math.inf})
        nothing_driven = _only(port_of, {"ground": math.inf})
        return any(reads) or writes or nothing_driven


def _only(port_of: dict[int, str], most: dict[str, float]) -> bool:
    """Say whether lines are on no other ports than these, and on each at most so many."""
    return all(count <= most.get(port, 0) for port, count in Counter(port_of.values()).items())


def _number(row: str) -> int:
    return int(row) if row.isdigit() else ord(row.upper()) - ord("A") + 1


class Circuit:
    """Levels of the sources and closed relays, and by ideal wires the voltage of every cell."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.level: dict[str, float] = {}
        self.on: dict[str, bool] = {}
        self.closed: set[Relay] = set()
        self._known: dict[Any, dict[Cell, float]] = {}

    def reset(self) -> None:
        """Power on: outputs off, relays open."""
        self.level = dict.fromkeys(self.level, 0.0)
        self.on = dict.fromkeys(self.on, False)
        self.closed = set()

    def ports_of_lines(self) -> tuple[dict[int, list[str]], list[Relay]]:
        """Return the ports that each line is on, and the closed crosspoints that are none of the wiring."""
        found: dict[int, list[str]] = defaultdict(list)
        strangers = []
        for row, column in sorted(self.closed):
            if row in self.bench.ports and column in self.bench.lines:
                found[self.bench.lines[column]].append(self.bench.ports[row])
            else:
                strangers.append((row, column))
        return found, strangers

    def port_volts(self) -> dict[str, float | None]:
        """Return the voltage of every port, None where it floats."""
        volts: dict[str, float | None] = {"ground": 0.0, "guard": None, "divider": 0.0}
        for source, port in self.bench.sources.items():
            volts[port] = self.level.get(source, 0.0) if self.on.get(source) else 0.0
            if port == self.bench.feed and self.on.get(source):
                volts["guard"], volts["divider"] = self.level[source], self.level[source] / 2
        return volts

    def live_lines(self) -> bool:
        """Say whether a line of the chip is on a port that is under voltage."""
        volts = self.port_volts()
        return any(abs(volts[port] or 0.0) > LIVE_V for ports in self.ports_of_lines()[0].values() for port in ports)

    def cell_volts(self) -> dict[Cell, float]:
        """Return the most that each cell may see, row minus column; a line on no port is between those that are."""
        key = (frozenset(self.closed), *((name, self.on[name], level) for name, level in sorted(self.level.items())))
        if key not in self._known:
            self._known[key] = self._worst()
        return self._known[key]

    def _worst(self) -> dict[Cell, float]:
        volts, (ports_of, _) = self.port_volts(), self.ports_of_lines()
        rows, columns = self.bench.shape
        held = {
            line: known
            for line, ports in ports_of.items()
            if (known := [volt for port in ports if (volt := volts[port]) is not None])
        }
        every = [volt for known in held.values() for volt in known] or [0.0]
        spans = {line: (min(known), max(known)) for line, known in held.items()}
        spans |= {line: (min(every), max(every)) for line in range(rows + columns) if line not in spans}
        found = {}
        for row in range(rows):
            for column in range(columns):
                upper, lower = spans[row], spans[rows + column]
                found[row, column] = max(upper[0] - lower[1], upper[1] - lower[0], key=abs)
        return found

    def unsafe(self) -> tuple[str, ...]:
        """Say what is not safe: outputs that are on, levels that are not 0, relays that are closed."""
        found = [f"{name} is on" for name, on in sorted(self.on.items()) if on]
        found += [f"{name} is at {level:g} V" for name, level in sorted(self.level.items()) if abs(level) > LIVE_V]
        if self.closed:
            found.append(f"{_matrices(self.closed)} has {len(self.closed)} relays closed")
        return tuple(found)


def _matrices(closed: set[Relay]) -> str:
    return ", ".join(sorted({row.split(".row.")[0] for row, _ in closed}))
