"""What is known of a board and of the bench under it, and what every judgement of its currents shares.

Bounds that come from data sheets are ten times what those of all models here state, so that a sound bench in a warm
room passes.
"""

from dataclasses import dataclass, replace

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.file import Bench
from crossbar_hil.commissioning.expected import BoardModel
from crossbar_hil.commissioning.readings import Readings
from crossbar_hil.commissioning.suspects import expected_currents, suspects
from crossbar_hil.text import quantity

GAIN = 2e-3
"""Share by which sources and meters of all models here may be off: ten times what most sheets state for a year."""
SAME_GAIN = 0.05
"""Sources that differ by no more in gain are held against each other with it: `gain` judges it."""
SIGMAS = 4.0
FAR = 2.0
"""Factor by which no source, meter or resistor is off, but a unit or a board."""
LEAST_OF_RANGE = 1e-4
"""Share of the meter's range that a cell must draw: a tenth of the offset that the data sheets leave open."""


@dataclass(frozen=True)
class Board:
    """What is known of the board and of the bench under it."""

    bench: Bench
    ohms: FloatArray
    tolerance: float
    model: BoardModel
    readings: Readings
    lines: tuple[str, ...]

    @property
    def cells(self) -> dict[tuple[int, int], FloatArray]:
        """Conductances (R, C) as the meter shows them, in siemens, by whether rows or columns come first in a pair."""
        rows, columns = self.ohms.shape
        found = {way: np.full((rows, columns), np.nan) for way in ((0, 1), (1, 0))}
        net = self.readings.net(self.readings.pairs)
        for place, (first, second) in enumerate(self.readings.pairs.keys):
            if (first < rows) != (second < rows):
                way = (0, 1) if first < rows else (1, 0)
                cell = (first, second - rows) if first < rows else (second, first - rows)
                sight = self.readings.pairs.sights[place]
                found[way][cell] = sight.sign * net[place, self.meter] / self.readings.read_v
        return found

    @property
    def measured(self) -> FloatArray:
        """Conductances (R, C), in siemens, each the mean of both ways to measure it; not a number at a limit."""
        ways = np.array([each for each in self.cells.values() if not np.isnan(each).all()])
        return ways.mean(axis=0) if len(ways) else np.full(self.ohms.shape, np.nan)

    @property
    def another(self) -> list[str]:
        """Say what is likely where no cell, or the whole board, is anything like what was said; nothing if it is."""
        shares = self.measured * self.ohms
        ask = "are the values in another unit (ohm, kohm, Mohm), or is it another board?"
        if np.isnan(shares).all():
            least = self.readings.read_v / ranges_of(self)[self.readings.sources[self.meter]]
            return [
                f"no cell can be measured: each has less than {quantity(least, 'ohm')} instead of {self.name}: {ask}"
            ]
        median = float(np.nanmedian(shares))
        if 1 / FAR <= median <= FAR or median <= 0:
            return []
        return [f"the board has {1 / median:.3g} times the resistance that was said, {self.name}: {ask}"]

    @property
    def meter(self) -> int:
        """Place of the source that measures a pair."""
        sight = self.readings.pairs.sights[0]
        driven = [port for port in self.readings.sources if sight.volts.get(port)]
        others = [port for port in self.readings.sources if port not in driven]
        return self.readings.sources.index((others or driven)[0])

    @property
    def others(self) -> list[tuple[int, str]]:
        """Place and port of every source but that one."""
        return [each for each in enumerate(self.readings.sources) if each[0] != self.meter]

    @property
    def noise(self) -> float:
        """Standard deviation of a cell's reading, in siemens; a difference of two currents."""
        return float(np.sqrt(2) * self.readings.noise_a[self.meter] / self.readings.read_v)

    @property
    def typical_a(self) -> float:
        """Current of a typical cell at the read voltage, in amperes."""
        return float(np.median(self.model.siemens)) * self.readings.read_v

    @property
    def name(self) -> str:
        """How the board is called in a text."""
        low, high = float(self.ohms.min()), float(self.ohms.max())
        return quantity(low, "ohm") if low == high else f"{quantity(low, 'ohm')} to {quantity(high, 'ohm')}"


def why_not_for(bench: Bench, ohms: FloatArray) -> str:
    """Say why a bench cannot be proven by a board of such resistors, (R, C) in ohm; empty if it can."""
    table = bench.measurement
    if not bench.instruments or bench.limits is None or table is None or bench.scheme is None:
        return (
            f"bench {bench.name} cannot be commissioned: it has no instruments, no [measurement], [scheme] or [limits]"
        )
    read_v = max(abs(bench.training.v0), abs(bench.training.v1))
    range_a = table.read_range_a or table.range_a
    least, most = read_v / range_a, read_v / (LEAST_OF_RANGE * range_a)
    far = float(ohms.min()) if ohms.min() < least else float(ohms.max())
    if least <= far <= most:
        return ""
    return (
        f"a resistor of {quantity(far, 'ohm')} draws {quantity(read_v / far, 'A')} at {quantity(read_v, 'V')}, and the "
        f"range of bench {bench.name} is {quantity(range_a, 'A')}: the board must have {quantity(least, 'ohm')} to "
        f"{quantity(most, 'ohm')}; are the values in kohm or Mohm?"
    )


def explained(board: Board) -> list[str]:
    """Name the faults that explain what the bench showed."""
    return suspects(board.model, board.readings, board.lines)


def wanted_currents(board: Board, which: str) -> FloatArray:
    """Return what a board of the cells as they were measured shows, each source with the gain that it has in pairs."""
    cells, read_v = board.measured, board.readings.read_v
    whole = not np.isnan(cells).any() and bool((cells > 0).all())
    model = replace(board.model, siemens=cells) if whole else board.model
    pairs = expected_currents(model, board.readings.pairs, read_v)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(np.abs(pairs) > 0, board.readings.net(board.readings.pairs) / pairs, np.nan)
    found: FloatArray = expected_currents(model, getattr(board.readings, which), read_v)
    for place in range(found.shape[1]):
        known = ratios[:, place][np.isfinite(ratios[:, place])]
        scale = float(np.median(known)) if known.size else 1.0
        if abs(scale - 1) <= SAME_GAIN and place != board.meter:
            found[:, place] *= scale
    return found


def ranges_of(board: Board) -> dict[str, float]:
    """Return the largest current that each source may show in a read, in amperes, by port."""
    table = board.bench.measurement
    if table is None:
        return {}
    return {
        port: table.read_range_a or table.range_a if place == board.meter else table.range_a
        for place, port in enumerate(board.readings.sources)
    }
