"""Read schemes: how lines are connected and driven so that the current of a meter is a sum over one column.

A pattern is measured by superposition. For each distinct voltage in it, the rows at that voltage are driven while the
others are held at zero across their cells, and the currents are added. With every line held this is exact, also for
cells that are not ohmic: each cell sees either its own voltage or none. Equal measurements of several patterns are
made once, and both polarities of one set of rows in one state of the relays. Those rows are driven together (by
pattern), or one after the other (by cell), which measures each cell once for any number of patterns.

A bench with several meters measures as many columns at the same time, each held by a meter of its own. The currents are
the same: a column sees one voltage whether a meter, ground or a guard holds it.

From each reading a zero reading is subtracted: the same relays, all sources at 0 V, taken once for each state in each
batch and never kept for the next. It removes what does not depend on the voltage asked for: the offset of the meter,
the offset of every source times the cells that it is on, thermal voltages of the contacts. Errors in proportion to the
voltage stay.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import ConfigError

from .scheme import Scheme, make_scheme
from .wiring import GROUND, METERS, OPEN, Assignment

By = Literal["pattern", "cell"]
"""Whether the rows of a pattern at one voltage are driven together or one after the other."""
Shares = dict[tuple[tuple[bool, ...], float], dict[int, int]]
"""How many times a reading of a column counts for each pattern, by the rows that are driven and their voltage."""


@dataclass(frozen=True)
class ReadStep:
    """One measurement, of one column or of several at the same time."""

    assignment: Assignment
    """Port of every line."""
    source_volts: Mapping[str, float]
    """Voltage of each source that takes part, in volts, by its port."""
    columns: Mapping[str, int]
    """Column of the chip that is measured by each meter, all at the same time, by its port."""
    sign: int
    """What a meter's current is multiplied by to give the current out of its column."""
    shares: Mapping[int, int]
    """How many times the reading counts for each pattern; negative for one that is subtracted."""


class ReadScheme(Scheme):
    """A way to read columns."""

    for_training: ClassVar[bool] = True
    """Whether what it reads is the current of the wanted cells only."""
    leaves_lines_open: ClassVar[bool] = False
    needs_guard: ClassVar[bool] = False
    """Whether the meter must drive a guard."""
    takes_blank: ClassVar[bool] = False
    """Whether a blank reading is subtracted too: that of the same voltage with no row active, less its own zero."""
    sign: ClassVar[int] = -1
    meter: str = "meter"
    """Port of the source that measures, the first where there are several."""
    further: tuple[str, ...] = ()
    """Ports of the other meters, which measure further columns at the same time."""

    @cached_property
    def meters(self) -> tuple[str, ...]:
        """Ports of the sources that measure."""
        return self.meter, *self.further

    @property
    def sources(self) -> tuple[str, ...]:
        """Ports on which there must be a source."""
        return *super().sources, *self.further

    def port_volts(self, voltage_v: float) -> dict[str, float]:
        """Return the voltage of every port of the scheme; see `Scheme.port_volts`."""
        return {**super().port_volts(voltage_v), **self.volts_of(voltage_v, len(self.meters))}

    def volts_of(self, voltage_v: float, columns: int) -> dict[str, float]:
        """Return the voltage of each source that takes part where so many columns are measured, by its port.

        A further meter is at the voltage of the first.
        """
        volts = self.source_volts(voltage_v)
        return volts | dict.fromkeys(self.further[: columns - 1], volts[self.meter])

    def groups(self, columns: int) -> list[tuple[int, ...]]:
        """Return which of so many columns are measured together, each time as many as there are meters.

        >>> VirtualGround(("drive", "meter", "meter2", "ground")).groups(5)
        [(0, 1), (2, 3), (4,)]
        """
        size = len(self.meters)
        return [tuple(range(first, min(first + size, columns))) for first in range(0, columns, size)]

    def steps(self, voltages: FloatArray, shape: tuple[int, int], by: By = "pattern") -> list[ReadStep]:
        """Return the measurements that give the (P, C) currents of (P, R) row voltages, in no special order."""
        return self.steps_of(self.shares(voltages, by), shape)

    def steps_of(self, shares: Shares, shape: tuple[int, int]) -> list[ReadStep]:
        """Return the measurements of every column, by the readings of each."""
        return [
            ReadStep(
                self.assignment(np.array(active), columns, shape),
                self.volts_of(voltage_v, len(columns)),
                dict(zip(self.meters, columns, strict=False)),
                self.sign,
                counted,
            )
            for columns in self.groups(shape[1])
            for (active, voltage_v), counted in shares.items()
        ]

    def shares(self, voltages: FloatArray, by: By = "pattern") -> Shares:
        """Return the readings of each column that give the currents of (P, R) row voltages, with what each counts."""
        found: Shares = {}
        nothing = (False,) * voltages.shape[1]

        def count(active: tuple[bool, ...], voltage_v: float, pattern: int, share: int) -> None:
            counted = found.setdefault((active, voltage_v), {})
            counted[pattern] = counted.get(pattern, 0) + share

        for pattern, vector in enumerate(voltages):
            for voltage_v in np.unique(vector[vector != 0]).tolist():
                together = vector == voltage_v
                for active in np.diag(together)[together] if by == "cell" else together[None]:
                    rows = tuple(active.tolist())
                    count(rows, voltage_v, pattern, 1)
                    count(rows, 0.0, pattern, -1)
                    if self.takes_blank:
                        count(nothing, voltage_v, pattern, -1)
                        count(nothing, 0.0, pattern, 1)
        return found

    def pair(self, first: int, second: int, count: int, voltage_v: float) -> tuple[Assignment, dict[str, float], int]:  # noqa: ARG002
        """Return how to measure what flows from one line to another of `count`, everything else held out of it.

        Returns
        -------
        assignment : tuple of str
            Port of every line.
        source_volts : dict of str to float
            Voltage of each source that takes part, in volts.
        sign : int
            What the meter's current is multiplied by to give the current from the first line to the second.

        Raises
        ------
        ConfigError
            If the scheme cannot hold the other lines.
        """
        raise ConfigError(f"read scheme {self.name} cannot tell two lines apart from the others")

    @abstractmethod
    def assignment(self, active: np.ndarray, columns: Sequence[int], shape: tuple[int, int]) -> Assignment:
        """Return the port of every line while the active rows are driven and columns are measured.

        The first column by the first meter, the next by the next; never more than there are meters.
        """


class VirtualGround(ReadScheme):
    """Two sources: one drives the active rows, the other holds the column at 0 V and measures; all else is grounded.

    Further meters hold and measure further columns at the same time. A source shows the current out of its HI terminal
    as positive, so that the current out of a column is minus that of its meter.
    """

    name = "virtual ground"

    def _needed_ports(self, ports: Collection[str]) -> tuple[str, ...]:
        self.further = _further(ports)
        return "drive", "meter", *self.further, "ground"

    def assignment(self, active: np.ndarray, columns: Sequence[int], shape: tuple[int, int]) -> Assignment:
        """Active rows on the one source, each column on its meter."""
        return _lines(active, "drive", "ground") + _measured(columns, shape[1], self.meters, "ground")

    def source_volts(self, voltage_v: float) -> dict[str, float]:
        """Drive at the voltage; the meter is a second ground."""
        return {"drive": voltage_v, "meter": 0.0}

    def pair(self, first: int, second: int, count: int, voltage_v: float) -> tuple[Assignment, dict[str, float], int]:
        """Drive one line and meter the other at 0 V; the rest is grounded."""
        ports = {first: "drive", second: "meter"}
        return tuple([ports.get(line, GROUND) for line in range(count)]), self.source_volts(voltage_v), -1


class Guarded(ReadScheme):
    """One source with a guard: it drives the column and measures there, and its guard holds what must carry no current.

    The column is at minus the wanted voltage, active rows are grounded, and the other rows and columns follow the
    column through the guard, whose current is not measured (ohms guard: Keithley 2400 user's manual, page 2-10).

    A blank reading, every row on the guard at the same voltage, is subtracted too. It removes the current of what hangs
    between HI and ground, such as a divider for pulses. Feed that divider from the guard where you can: then its
    current is not in the reading at all, and the meter can stay in a small range.

    The source is on the port ``meter`` where that is wired, on ``drive`` otherwise. Further meters hold and measure
    further columns at the same voltage; the guard is that of the first.
    """

    name = "guarded"
    needs_guard = True
    takes_blank = True

    def _needed_ports(self, ports: Collection[str]) -> tuple[str, ...]:
        self.meter = "meter" if "meter" in ports else "drive"
        self.further = _further(ports)
        return self.meter, *self.further, "ground", "guard"

    def assignment(self, active: np.ndarray, columns: Sequence[int], shape: tuple[int, int]) -> Assignment:
        """Each column on its meter, active rows on ground, all else on the guard."""
        return _lines(active, "ground", "guard") + _measured(columns, shape[1], self.meters, "guard")

    def source_volts(self, voltage_v: float) -> dict[str, float]:
        """Give the source minus the voltage, which its guard follows."""
        return {self.meter: -voltage_v}

    def port_volts(self, voltage_v: float) -> dict[str, float]:
        """Return the voltages with that of the guard."""
        return {**super().port_volts(voltage_v), "guard": -voltage_v}  # which follows the first meter

    def pair(self, first: int, second: int, count: int, voltage_v: float) -> tuple[Assignment, dict[str, float], int]:
        """Drive and meter one line and ground the other; the rest follows the first through the guard."""
        ports = {first: self.meter, second: "ground"}
        return tuple([ports.get(line, "guard") for line in range(count)]), {self.meter: voltage_v}, 1


class Floating(ReadScheme):
    """One source between the active rows and one column, every other line open: for continuity, never for training.

    Current also flows through the other cells: with n x m equal cells of conductance G a single cell reads as
    ``G + G / (1/(m-1) + 1/((n-1)(m-1)) + 1/(n-1))``, which is 16/7 G for 4 x 4.
    """

    name = "floating"
    for_training = False
    leaves_lines_open = True
    sign = 1

    def _needed_ports(self, ports: Collection[str]) -> tuple[str, ...]:
        self.meter = "drive" if "drive" in ports else "meter"
        return self.meter, "ground"

    def assignment(self, active: np.ndarray, columns: Sequence[int], shape: tuple[int, int]) -> Assignment:
        """Active rows on the source, the column on ground, all else open."""
        return _lines(active, self.meter, OPEN) + _measured(columns[:1], shape[1], ("ground",), OPEN)

    def source_volts(self, voltage_v: float) -> dict[str, float]:
        """Drive at the voltage."""
        return {self.meter: voltage_v}


READ_SCHEMES: dict[str, type[ReadScheme]] = {each.name: each for each in (VirtualGround, Guarded, Floating)}


def read_scheme(name: str, ports: Collection[str]) -> ReadScheme:
    """Make the read scheme of a name, for the ports that are wired; see `make_scheme`."""
    return make_scheme("read", READ_SCHEMES, name, ports)


def _lines(chosen: np.ndarray, port: str, other: str) -> Assignment:
    return tuple([port if each else other for each in chosen.tolist()])


def _measured(measured: Sequence[int], columns: int, ports: Sequence[str], other: str) -> Assignment:
    """Give each column that is measured its port, in order, and every other one the idle one."""
    port_of = dict(zip(measured, ports, strict=False))
    return tuple([port_of.get(column, other) for column in range(columns)])


def _further(ports: Collection[str]) -> tuple[str, ...]:
    """Return the ports of meters beside the first."""
    return tuple([port for port in METERS[1:] if port in ports])
