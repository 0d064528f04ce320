"""Wiring: which matrix row each instrument terminal is on, and which matrix column each line of the chip."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import Line, Place, SwitchMatrix, place_of, row_number

MOST_METERS = 8
"""Meters that a bench may have; a matrix of the models here has up to fourteen rows for all ports."""
METERS = ("meter", *(f"meter{number}" for number in range(2, MOST_METERS + 1)))
"""Ports of the sources that measure in a read, each its own column at the same time; the first pulses too."""
PORTS = ("drive", *METERS, "ground", "guard", "divider")
"""Terminals that may be wired: sources, their common return, a guard output, the node of a voltage divider."""
PORTS_TEXT = f"drive, meter, meter2 to {METERS[-1]}, ground, guard, divider"
GROUND = "ground"
"""The one port that is always at 0 V: no source is behind it, nor does it follow one."""
OPEN = "open"
"""The port name of a line that is left open on purpose."""
MOST_KEPT = 4096
"""So many assignments are remembered with their crosspoints; a training on 4 x 4 cells uses about forty."""
Assignment = tuple[str, ...]
"""The port of every line of the chip: the rows first, then the columns."""


@dataclass(frozen=True)
class Wiring:
    """Where the terminals of the instruments and the lines of the chip meet the matrix.

    Raises
    ------
    ConfigError
        If something is missing, unknown, or wired twice.
    """

    slot: int
    """Slot of the matrix card, from 1, of every line that names none."""
    ports: Mapping[str, str]
    """Matrix row of each port, as a letter or a number: ``{"drive": "A", "meter": "B", "ground": "C"}``.

    Where lines are on several cards, that row of every card: they are joined outside the relays that are moved here.
    """
    rows: tuple[Line, ...]
    """Matrix column, or slot and column, of each row of the chip, that of row 0 first."""
    columns: tuple[Line, ...]
    """Matrix column, or slot and column, of each column of the chip, that of column 0 first."""

    def __post_init__(self) -> None:
        vars(self).update(ports=dict(self.ports), rows=tuple(self.rows), columns=tuple(self.columns))
        found = [
            f"wiring names no {name}, at least one is needed"
            for name in ("ports", "rows", "columns")
            if not getattr(self, name)
        ]
        found += _count_problem("wiring slot", self.slot)
        found += self._wrong_ports()
        found += self._wrong_lines()
        if found:
            raise ConfigError("; ".join(found), found)

    def _wrong_ports(self) -> Iterator[str]:
        port_on: dict[int, str] = {}
        for port, place in self.ports.items():
            if port not in PORTS:
                yield f"wiring has a port {port!r}, expected one of {PORTS_TEXT}"
            if not isinstance(place, str):
                yield f"port {port} is on matrix row {place!r}, expected a letter or a number as text"
                continue
            try:
                first = port_on.setdefault(row_number(place), port)
            except ConfigError as error:
                yield str(error)
                continue
            if first != port:
                yield f"ports {first} and {port} are both on matrix row {place}, each needs its own"

    def _wrong_lines(self) -> Iterator[str]:
        line_on: dict[Place, str] = {}
        for name, line in zip(self.line_names, (*self.rows, *self.columns), strict=True):
            column = line
            wrong: list[str] = []
            if isinstance(line, tuple):
                slot, column = line if len(line) == 2 else (None, line)
                wrong += _count_problem(f"slot of {name}", slot)
            wrong += _count_problem(f"matrix column of {name}", column)
            yield from wrong
            first = name if wrong else line_on.setdefault(place_of(line, self.slot), name)
            if first != name:
                of_card = f" of slot {line[0]}" if isinstance(line, tuple) else ""
                yield f"{first} and {name} are both on matrix column {column}{of_card}, each needs its own"

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Slot and column of every line, in the order of an assignment."""
        return tuple([place_of(line, self.slot) for line in (*self.rows, *self.columns)])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the chip that is wired."""
        return len(self.rows), len(self.columns)

    @cached_property
    def line_names(self) -> tuple[str, ...]:
        """Names of the lines in messages, counted from 1, in the order of an assignment."""
        rows, columns = self.shape
        return (*(f"row {row + 1}" for row in range(rows)), *(f"column {column + 1}" for column in range(columns)))

    def require(self, ports: Iterable[str], who: str) -> None:
        """Refuse to go on without the ports that a scheme or a source needs.

        Raises
        ------
        ConfigError
            If one of them is not wired.
        """
        for port in ports:
            if port not in self.ports:
                raise ConfigError(f"{who} needs the port {port}, but only {', '.join(self.ports)} are wired")

    def on(self, matrix: SwitchMatrix) -> "WiredMatrix":
        """Name every crosspoint in the way of a matrix; nothing is sent to it.

        Raises
        ------
        ConfigError
            If the matrix has no such channel, or gives two of them one name.
        """
        names: dict[tuple[str, int], str] = {}
        refused: dict[str, str] = {}
        for port, place in self.ports.items():
            for number, (slot, column) in enumerate(self.places):
                try:
                    names[port, number] = matrix.crosspoint(slot, place, column)
                except ConfigError as error:  # the same cause is told once, by the first place that shows it
                    refused.setdefault(str(error), f"port {port} cannot be wired to {self.line_names[number]}: {error}")
        if refused:
            raise ConfigError("; ".join(refused.values()), tuple(refused.values()))
        if len(set(names.values())) < len(names):
            raise ConfigError(f"matrix {matrix.name} gives {len(names)} crosspoints {len(set(names.values()))} names")
        return WiredMatrix(self, names)


@dataclass(frozen=True)
class WiredMatrix:
    """A wiring with the names that one matrix gives its crosspoints."""

    wiring: Wiring
    names: Mapping[tuple[str, int], str]
    """Crosspoint of a port and the place of a line in an assignment."""
    _found: dict[Assignment, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    def crosspoints(self, assignment: Sequence[str], *, may_open: bool = False) -> frozenset[str]:
        """Return the crosspoints that put every line on its port, one a line.

        Parameters
        ----------
        assignment : sequence of str
            The port of every line, rows first; nothing is left open by omission.
        may_open : bool
            Whether lines may be left open, with `OPEN` for a port.

        Raises
        ------
        ConfigError
            If a line has no port, a port that is not wired, or is open although it may not be.
        """
        found = self._found.get(assignment) if type(assignment) is tuple else None
        if found is None:
            found = frozenset(self._crosspoints(assignment))
            if len(self._found) >= MOST_KEPT:
                self._found.clear()
            self._found[tuple(assignment)] = found
        if not may_open and OPEN in assignment:
            name = self.wiring.line_names[assignment.index(OPEN)]
            raise ConfigError(f"{name} is left open, which only a floating scheme may do")
        return found

    def _crosspoints(self, assignment: Sequence[str]) -> Iterator[str]:
        lines = self.wiring.line_names
        if isinstance(assignment, str) or len(assignment) != len(lines):
            raise ConfigError(f"assignment {assignment!r} names {len(assignment)} ports for {len(lines)} lines")
        for number, (line, port) in enumerate(zip(lines, assignment, strict=True)):
            if port == OPEN:
                continue
            if port not in self.wiring.ports:
                raise ConfigError(f"{line} is put on port {port!r}, but only {', '.join(self.wiring.ports)} are wired")
            yield self.names[port, number]

    def lines_on(self, port: str, assignment: Sequence[str]) -> str:
        """Name the lines on a port, for messages."""
        found = [name for name, each in zip(self.wiring.line_names, assignment, strict=False) if each == port]
        return ", ".join(found) or "no line"


def _count_problem(name: str, value: object) -> Iterator[str]:
    """Say so if a value is no number that counts from 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        yield f"{name} is {value!r}, expected a whole number from 1"
