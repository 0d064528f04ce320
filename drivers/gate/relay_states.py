"""Relay states: which sets of closed crosspoints may be, and what each of them does to the chip.

A set must pass twice: a look at what it joins, which knows no scheme, and the question whether a scheme uses it. So a
mistake in a scheme is caught as well as one of a caller.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import permutations, product

import numpy as np

from crossbar_hil.arrays import at
from crossbar_hil.errors import ConfigError, LimitError

from ..schemes.read_schemes import Floating, ReadScheme
from ..schemes.wiring import GROUND, OPEN, Assignment, WiredMatrix
from ..schemes.write_schemes import WriteScheme

MOST_KEPT = 4096
"""So many states are remembered; a training on 4 x 4 cells uses about forty."""


@dataclass(frozen=True, slots=True, eq=False)
class RelayState:
    """One set of closed crosspoints that may be; the same object as long as it is remembered."""

    assignment: Assignment
    """Port of every line, `OPEN` where there is none."""
    crosspoints: tuple[str, ...]
    """What is closed, sorted, as the matrix writes it."""
    idle: bool
    """Whether it is only passed on the way from one state to another, so that no source may leave 0 V in it."""
    selected: tuple[int, int] | None
    """The cell that the write scheme pulses in this state; None if it pulses none."""
    examples: tuple[tuple[str, str, tuple[int, int]], ...]
    """For each pair of ports that cells lie between: port of the row, port of the column, the first such cell."""
    ports: frozenset[str] = field(init=False)
    """Ports with a line on them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ports", frozenset(self.assignment) - {OPEN})


class RelayStates:
    """The states that two schemes use, on one wiring.

    Parameters
    ----------
    wired : WiredMatrix
        The crosspoints that there are.
    sources : collection of str
        Ports with a source behind them.
    on_trial : bool
        Whether there is no chip: then all lines may be open, or all but a row on a source and a column on ground.
    """

    def __init__(
        self,
        wired: WiredMatrix,
        read: ReadScheme,
        write: WriteScheme | None,
        sources: Collection[str],
        *,
        on_trial: bool = False,
    ) -> None:
        self._names = wired.names
        self._shape = wired.wiring.shape
        self._lines = wired.wiring.line_names
        self._places = {name: place for place, name in wired.names.items()}
        self._read, self._write, self._sources = read, write, frozenset(sources)
        self._floating = Floating(wired.wiring.ports) if on_trial else None
        self._known: dict[frozenset[str], RelayState] = {}

    def find(self, crosspoints: Iterable[str]) -> RelayState:
        """Return the state in which exactly these crosspoints are closed; a LimitError if that is none that may be."""
        try:
            closed = frozenset(crosspoints)
        except TypeError:
            raise LimitError(f"crosspoints {crosspoints!r:.80} are no names of crosspoints") from None
        found = self._known.get(closed)
        if found is None:
            found = self._judge(closed)
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[closed] = found
        return found

    # ------------------------------------------------------------------ what is joined

    def _judge(self, closed: frozenset[str]) -> RelayState:
        ports = [OPEN] * len(self._lines)
        for name in sorted(closed, key=repr):
            if name not in self._places:
                raise LimitError(f"crosspoint {name!r:.40} is none of those between a port and a line of the chip")
            port, line = self._places[name]
            if ports[line] != OPEN:
                first, second = sorted((port, ports[line]))
                raise LimitError(f"relays would join the ports {first} and {second} on {self._lines[line]}")
            ports[line] = port
        assignment = tuple(ports)
        self._check_joins(assignment)
        selected = self._selected_cell(assignment)
        if selected is not None:
            self._check_write(assignment, selected)
            return self._state(assignment, selected=selected)
        if self._is_read(assignment):
            if OPEN in assignment and not self._read.leaves_lines_open:
                name = self._lines[assignment.index(OPEN)]
                raise LimitError(f"{name} would be left open, which read scheme {self._read.name} may not do")
            return self._state(assignment)
        if self._floating is not None and self._is_trial(assignment, self._floating):
            return self._state(assignment)
        if self._is_idle(assignment):
            return self._state(assignment, idle=True)
        raise LimitError(f"relays would connect {self._lines_text(assignment)}, which no scheme of this bench does")

    def _check_joins(self, assignment: Assignment) -> None:
        """Refuse lines that are joined by being on one source, but for rows, of which a read drives several."""
        rows = self._shape[0]
        for port in sorted(self._sources):
            lines = [line for line, each in enumerate(assignment) if each == port]
            columns = [line for line in lines if line >= rows]
            if len(columns) > 1 or (columns and len(lines) > 1):
                names = " and ".join(self._lines[line] for line in (lines[0], columns[-1]))
                raise LimitError(f"relays would join {names} on the port {port}")

    def _check_write(self, assignment: Assignment, cell: tuple[int, int]) -> None:
        """Refuse a state of the write scheme in which any line but the two of its cell is on a source, or open."""
        rows = self._shape[0]
        driven = [line for line, port in enumerate(assignment) if port in self._sources]
        if OPEN in assignment or not driven or not {cell[0], rows + cell[1]}.issuperset(driven):
            raise LimitError(
                f"write scheme {getattr(self._write, 'name', '')} would connect {self._lines_text(assignment)} for "
                f"cell {at(*cell)}, which is not its row and its column alone"
            )

    # ------------------------------------------------------------------ what schemes do

    def _selected_cell(self, assignment: Assignment) -> tuple[int, int] | None:
        """Return the cell that the write scheme pulses in this state."""
        if self._write is None:
            return None
        rows, columns = assignment[: self._shape[0]], assignment[self._shape[0] :]
        for cell in product(_places_alone(rows), _places_alone(columns)):
            if self._write.assignment(cell, self._shape) == assignment:
                return cell
        return None

    def _is_read(self, assignment: Assignment) -> bool:
        """Say whether the read scheme uses this state, for columns or for a pair of lines."""
        rows, columns = np.array(assignment[: self._shape[0]]), assignment[self._shape[0] :]
        active = [rows == port for port in dict.fromkeys(rows)]
        if self._read.takes_blank:
            active.append(np.zeros(len(rows), dtype=bool))
        further = [columns.index(port) for port in self._read.further if port in columns]
        for mask, column in product(active, _places_alone(columns)):
            measured = (column, *further)
            if column not in further and self._read.assignment(mask, measured, self._shape) == assignment:
                return True
        for first, second in permutations(_places_alone(assignment), 2):
            try:
                if self._read.pair(first, second, len(assignment), 1.0)[0] == assignment:
                    return True
            except ConfigError:  # a scheme that cannot hold the other lines
                return False
        return False

    def _is_trial(self, assignment: Assignment, floating: Floating) -> bool:
        """Say whether no line is connected, or a row and a column alone as the floating scheme has them."""
        rows = np.array(assignment[: self._shape[0]])
        columns = [place for place, port in enumerate(assignment[self._shape[0] :]) if port != OPEN]
        if len(columns) == 1 and (rows != OPEN).sum() == 1:
            return floating.assignment(rows != OPEN, columns, self._shape) == assignment
        return set(assignment) == {OPEN}

    def _is_idle(self, assignment: Assignment) -> bool:
        """Say whether one line, or the rows of a read, are on one source at most, and all others on ground or open."""
        fed = frozenset(assignment) - {GROUND, OPEN}
        if not fed:
            return True
        if len(fed) > 1 or not fed <= self._sources:
            return False
        (port,) = fed
        lines = [line for line, each in enumerate(assignment) if each == port]
        if len(lines) == 1:
            return True
        active = np.array([each == port for each in assignment[: self._shape[0]]])
        read = self._read.assignment(active, (0,), self._shape)
        return [line for line, each in enumerate(read) if each == port] == lines

    def _state(
        self, assignment: Assignment, *, idle: bool = False, selected: tuple[int, int] | None = None
    ) -> RelayState:
        rows, columns = assignment[: self._shape[0]], assignment[self._shape[0] :]
        examples = {
            (upper, lower): (rows.index(upper), columns.index(lower))
            for upper, lower in product(dict.fromkeys(rows), dict.fromkeys(columns))
        }
        return RelayState(
            assignment,
            tuple(sorted([self._names[port, line] for line, port in enumerate(assignment) if port != OPEN])),
            idle,
            selected,
            tuple([(*ports, cell) for ports, cell in examples.items()]),
        )

    def _lines_text(self, assignment: Assignment) -> str:
        """Name the lines on each source."""
        parts = []
        for port in sorted(self._sources.intersection(assignment)):
            lines = [name for name, each in zip(self._lines, assignment, strict=True) if each == port]
            parts.append(f"{', '.join(lines)} to {port}")
        return " and ".join(parts) or "no line to a source"


def _places_alone(ports: Sequence[str]) -> list[int]:
    """Return the places of the lines that are alone on their port."""
    lines_on = Counter(ports)
    return [place for place, port in enumerate(ports) if lines_on[port] == 1]
