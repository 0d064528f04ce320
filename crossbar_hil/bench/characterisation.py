"""Measure what pulses do to a cell: its potentiation and depression curve, in the file that the simulator reads."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from crossbar_hil.arguments import CELL, COUNT, FUNCTION, NUMBER, expect
from crossbar_hil.arrays import IntArray, at
from crossbar_hil.backend import MOST_PULSES, DeviceBackend, Pulse
from crossbar_hil.bench.cell_estimates import Readings, estimate_kind, estimate_variation_interval
from crossbar_hil.bench.curve_facts import as_lines
from crossbar_hil.curves.measured import MeasuredCurve
from crossbar_hil.curves.own_table import write_own
from crossbar_hil.defaults import READ_S
from crossbar_hil.errors import DataError
from crossbar_hil.results.arrays import Variable
from crossbar_hil.results.result import Drawing, Result, Series
from crossbar_hil.text import counted


class Step(NamedTuple):
    """One read of the cell."""

    pulse: Pulse
    """The kind of pulse that was sent before this read."""
    number: int
    """How many of that kind were sent."""
    conductance_siemens: float
    """Mean of the readings."""
    readings: tuple[float, ...] = ()
    """Each of them, in siemens."""
    seconds: tuple[float, ...] = ()
    """When each was read, from the start of the measurement."""
    rest: bool = False
    """Whether it was read at rest, to see whether the cell forgets."""


def characterise(
    backend: DeviceBackend,
    cell: tuple[int, int],
    *,
    pulses: int,
    read_v: float,
    up: Pulse,
    down: Pulse | None = None,
    reads: int = 1,
    rest: int = 0,
    clock: Callable[[], float] | None = None,
) -> Iterator[Step]:
    """Send potentiating and then depressing pulses to one cell, reading it before each and after the last.

    What is measured is handed out at once, so that nothing is lost if the rest fails.

    Parameters
    ----------
    backend : DeviceBackend
        The chip. The pulses change it for good.
    cell : (int, int)
        Row and column, counted from 0.
    pulses : int
        Pulses of each kind.
    read_v : float
        Voltage of the reads, in volts.
    up, down : Pulse
        The potentiating and the depressing pulse; without the latter the cell is only potentiated.
    reads : int
        Reads of the cell at each step; how they differ is the read noise.
    rest : int
        Reads at rest after the last depressing pulse, and again after a burst of half as many potentiating pulses; how
        the latter fall is the relaxation. Needs a depressing pulse.
    clock : callable, optional
        Returns the time in seconds; if not given, each reading and each pulse is taken to last as on a simulated chip.

    Raises
    ------
    DataError
        If the cell is not on the chip or the count or a pulse makes no sense; nothing was sent.
    LimitError
        If a pulse exceeds the limits of the chip; nothing was sent.
    """
    expect(DeviceBackend, backend=backend)
    expect(COUNT, pulses=pulses, reads=reads, rest=rest)
    expect(NUMBER, read_v=read_v)
    expect(Pulse, up=up)
    expect(Pulse, optional=True, down=down)
    expect(FUNCTION, optional=True, clock=clock)
    expect(CELL, cell=cell)
    row, column = cell
    if not (0 <= row < backend.shape[0] and 0 <= column < backend.shape[1]):
        raise DataError(f"cell {at(row, column)} is not on the chip of {backend.shape[0]} by {backend.shape[1]} cells")
    if pulses < 1:
        raise DataError(f"pulses {pulses} must be at least 1")
    if reads < 1 or rest < 0:
        raise DataError(f"reads {reads} must be at least 1, and rest {rest} not negative")
    for name, count in (("pulses", pulses), ("reads", reads), ("rest", rest)):
        if count > MOST_PULSES:
            raise DataError(f"{name} must be at most {MOST_PULSES:,}: more is a slip of the pen")
    if up.amplitude_v < 0 or (down is not None and down.amplitude_v > 0):
        raise DataError(f"potentiation needs a positive and depression a negative pulse, not {up} and {down}")
    kinds = (up,) if down is None else (up, down)
    counts = np.zeros(backend.shape, dtype=np.int64)
    for pulse in kinds:  # sending none of a kind checks it, before one of another kind has changed the cell
        backend.send_pulses(counts, pulse)
    counts[row, column] = 1
    return _Measurement(backend, counts, read_v, clock).steps(kinds, pulses, reads, rest)


def pulses_and_steps(pulses: int, rest: int) -> tuple[int, int]:
    """Return how many pulses of both kinds together a cell gets, and how many steps are read.

    >>> pulses_and_steps(50, rest=40), pulses_and_steps(50, rest=0)
    ((125, 104), (100, 102))
    """
    steps = 2 * (pulses + 1)
    return (2 * pulses + _burst(pulses), steps + 2) if rest else (2 * pulses, steps)


def _burst(pulses: int) -> int:
    """Return how many pulses lift a cell at rest that was brought down."""
    return max(pulses // 2, 1)


class _Measurement:
    """One cell, read and pulsed, and the time."""

    def __init__(
        self, backend: DeviceBackend, counts: IntArray, read_v: float, clock: Callable[[], float] | None
    ) -> None:
        self._backend, self._counts, self._read_v, self._clock = backend, counts, read_v, clock
        self._cell = np.unravel_index(int(counts.argmax()), counts.shape)
        self._passed = 0.0

    def steps(self, kinds: tuple[Pulse, ...], pulses: int, reads: int, rest: int) -> Iterator[Step]:
        for pulse in kinds:
            yield self._read(pulse, 0, reads)
            for number in range(1, pulses + 1):
                self._backend.send_pulses(self._counts, pulse)
                self._passed += pulse.width_s
                yield self._read(pulse, number, reads)
        if rest and len(kinds) > 1:
            low = self._read(kinds[1], pulses, rest)
            burst = _burst(pulses)
            self._passed += burst * kinds[0].width_s / 2
            middle = self._now()
            yield low._replace(rest=True, seconds=tuple(each - middle for each in low.seconds))
            self._backend.send_pulses(burst * self._counts, kinds[0])
            self._passed += burst * kinds[0].width_s / 2
            after = self._read(kinds[0], burst, rest)
            yield after._replace(rest=True, seconds=tuple(each - middle for each in after.seconds))

    def _now(self) -> float:
        return self._passed if self._clock is None else self._clock()

    def _read(self, pulse: Pulse, number: int, reads: int) -> Step:
        found, when = [], []
        for _ in range(reads):
            when.append(self._now())
            found.append(float(self._backend.read_conductances(self._read_v)[self._cell]))
            self._passed += self._counts.size * READ_S
        return Step(pulse, number, float(np.mean(found)), tuple(found), tuple(when))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Characterisation(Result):
    """What pulses did to some cells of a chip that were measured alike."""

    drawn_by: ClassVar[str] = "curves"
    plots: ClassVar[tuple[str, ...]] = ("curves", "potentiation", "depression")

    kind: str
    """``simulated``, ``emulated`` or ``hardware``."""
    cells: tuple[tuple[int, int], ...]
    """Row and column of each, counted from 0."""
    steps: tuple[tuple[Step, ...], ...]
    """Of each cell, as `characterise` hands them out."""

    @property
    def of_kind(self) -> tuple[list[Step], list[str]]:
        """The curve of the kind that the cells are of, and the facts that stand above it."""
        return kind_of_cells(self.steps)

    def told(self) -> list[tuple[str, str]]:
        """Return which cells were measured, and what was found of their kind."""
        _, facts = self.of_kind
        named = ", ".join(f"row {row + 1} column {column + 1}" for row, column in self.cells)
        found = [each.partition("=") for each in facts]
        return [("cells", named), ("device", self.kind), *((name.strip(), value.strip()) for name, _, value in found)]

    def series(self) -> Series:
        """Return one line a reading; rows and columns count from 0."""
        header = ["Row", "Column", "Voltage (V)", "Width (s)", "Pulses", "At rest", "Time (s)", "Conductance (S)"]
        return Series(header, iter([list(each) for each in self._lines()]))

    def variables(self) -> dict[str, Variable]:
        """Return the same, an array a column."""
        columns = [np.array(each) for each in zip(*self._lines(), strict=True)]
        said = (
            ("row", "1", "row of the cell, from 0"),
            ("column", "1", "column of the cell, from 0"),
            ("pulse_voltage", "V", "height of the pulses before the reading"),
            ("pulse_width", "s", "width of these pulses"),
            ("pulses", "1", "pulses of this kind before the reading"),
            ("at_rest", "1", "read at rest, to see whether the cell forgets"),
            ("seconds", "s", "time of the reading, at rest from the middle of the burst before"),
            ("conductance", "S", "conductance of the cell"),
        )
        found = {
            name: Variable(("reading",), values, unit, about)
            for (name, unit, about), values in zip(said, columns, strict=True)
        }
        return found | {"reading": Variable(("reading",), np.arange(len(columns[0])), "1", "number of the reading")}

    def _lines(self) -> Iterator[tuple[int, int, float, float, int, bool, float, float]]:
        for (row, column), steps in zip(self.cells, self.steps, strict=True):
            for step in steps:
                what = step.pulse.amplitude_v, step.pulse.width_s, step.number, step.rest
                for seconds, siemens in zip(step.seconds, step.readings, strict=True):
                    yield row, column, *what, seconds, siemens

    def _to_be_drawn(self, what: str) -> Drawing:
        curves = curves_of(self.of_kind[0])
        if what == "curves":
            return Drawing(what, (curves, f"{self.kind} chip, {counted(len(self.cells), 'cell')}"))
        return Drawing("pulses", (curves,), {"potentiation": what == "potentiation"})


def readings_of(steps: Sequence[Step]) -> Readings:
    """Gather what was read of one cell while it was potentiated."""
    levels = [step for step in steps if step.pulse.amplitude_v > 0 and not step.rest]
    rests = [step for step in steps if step.rest]
    low, burst = (rests[0], rests[1]) if len(rests) > 1 else (None, None)
    return Readings(
        np.array([step.readings for step in levels]),
        np.array([step.seconds for step in levels]),
        np.array(burst.readings if burst else ()),
        np.array(burst.seconds if burst else ()),
        np.array(low.readings if low else ()),
        np.array(low.seconds if low else ()),
    )


def kind_of_cells(cells: Sequence[Sequence[Step]]) -> tuple[list[Step], list[str]]:
    """Return the curve of the kind that cells measured alike are of, and the facts that stand above it.

    The depression curve is the mean of theirs.
    """
    kind = estimate_kind([readings_of(each) for each in cells])
    up = next(step.pulse for step in cells[0] if step.pulse.amplitude_v > 0)
    curve = [Step(up, number, float(level)) for number, level in enumerate(kind.levels_siemens)]
    falling = [[step for step in each if step.pulse.amplitude_v < 0 and not step.rest] for each in cells]
    curve += [
        Step(same[0].pulse, same[0].number, float(np.mean([step.conductance_siemens for step in same])))
        for same in zip(*falling, strict=False)
    ]
    return curve, as_lines(kind.facts(len(cells)))


def how_sure(cells: Sequence[Sequence[Step]]) -> list[str]:
    """Return the facts that say how sure those of `kind_of_cells` are: of the step variation of several cells."""
    found = estimate_variation_interval([readings_of(each) for each in cells])
    if found is None:
        return []
    low, high = (f"{100 * each:.3g} %" for each in found)
    return as_lines({"step_variation_interval": f"{low} to {high}"})


def curves_of(steps: Iterable[Step]) -> list[MeasuredCurve]:
    """Return the curves that steps make, one a kind of pulse; those at rest are of none."""
    levels: dict[Pulse, list[float]] = {}
    for step in steps:
        if not step.rest:
            levels.setdefault(step.pulse, []).append(step.conductance_siemens)
    return [MeasuredCurve(pulse.amplitude_v > 0, pulse, tuple(own)) for pulse, own in levels.items()]


def write_curves(path: Path, steps: Iterable[Step], comment: str, facts: Sequence[str] = ()) -> None:
    """Write measured curves to a new file, as a table that `ConductanceCurve.from_csv` reads.

    Raises
    ------
    RunError
        If the file exists, which is never overwritten, or cannot be written.
    """
    write_own(path, curves_of(steps), [comment, *facts])
