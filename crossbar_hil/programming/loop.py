"""Cells brought to their targets in closed loop: read, burst of pulses, read, until nothing is left to be done."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.backend import DeviceBackend
from crossbar_hil.programming.estimate import STILL_BURSTS, CellEstimate
from crossbar_hil.programming.planning import MOST_BURST, NOTHING, Bounds, Burst, plan
from crossbar_hil.programming.response import Response
from crossbar_hil.programming.settings import ProgramSettings

SURE, SURE_RESET = 0.6, 0.98
"""Share of the tolerance within which a plan is to end: the rest is for surprises, of which a reset, one way, has few.
"""
JUMP_SHARE = 0.75
"""Behind instruments a burst is foretold to change a cell by at most this share of the factor that the guard allows."""
OPEN_SIEMENS = 1e-9
"""Below this a factor between two reads means nothing, as for the guard (`crossbar_hil.guard.watch`)."""

REACHED, NO_TARGET, OUTSIDE, STUCK, STEP, BUDGET, UNDER_WAY = range(7)
"""Where a cell stands."""
WORDS = ("reached", "no target", "outside its range", "stuck", "step size", "budget", "under way")


class Round(NamedTuple):
    """One read of the chip, and the pulses that followed it."""

    number: int
    """Counted from 1."""
    conductances: FloatArray
    """(R, C) as read, in siemens: the mean, if it was read several times."""
    rising: IntArray
    """(R, C) potentiating pulses sent after it."""
    falling: IntArray
    """(R, C) depressing pulses sent after it."""
    standing: IntArray
    """(R, C) where each cell stands: one of `WORDS`."""

    @property
    def pulses(self) -> int:
        """Pulses sent after this read, over all cells."""
        return int(self.rising.sum() + self.falling.sum())


class Loop:
    """Brings the cells of one chip to their targets.

    Parameters
    ----------
    backend : DeviceBackend
        The chip.
    targets : ndarray of float, shape (R, C)
        In siemens; nan leaves a cell alone.
    response : Response
        What pulses do to the average cell.
    settings : ProgramSettings
        Tolerance, budget, reads.
    low : ndarray of float, shape (R, C), or callable, optional
        Low end of each cell in siemens, if that is known; or what says it of a chip that first reads so.
    noise : float
        Relative standard deviation of one reading of a cell.
    """

    def __init__(
        self,
        backend: DeviceBackend,
        targets: FloatArray,
        response: Response,
        settings: ProgramSettings,
        *,
        low: FloatArray | Callable[[FloatArray], FloatArray | None] | None = None,
        noise: float = 0.0,
    ) -> None:
        self.backend, self.targets, self.response, self.settings = backend, targets, response, settings
        self._low, self._noise = low, noise / np.sqrt(settings.reads)
        self.cells: dict[tuple[int, int], CellEstimate] = {}
        """What is known of each cell that has a target, once it was read."""

    def rounds(self) -> Iterator[Round]:
        """Read and pulse, round by round; the last one sends nothing."""
        bursts: dict[tuple[int, int], Burst] = {}
        number = 0
        while True:
            number += 1
            siemens = self._read()
            if number == 1 and callable(self._low):
                self._low = self._low(siemens)
            bursts, standing = self._next(siemens, bursts)
            rising, falling = (np.zeros(siemens.shape, dtype=np.int64) for _ in range(2))
            for cell, burst in bursts.items():
                rising[cell], falling[cell] = burst.up, burst.down
            self._send(bursts)
            yield Round(number, siemens, rising, falling, standing)
            if not bursts:
                return

    def _read(self) -> FloatArray:
        found = [self.backend.read_conductances(self.settings.read_v) for _ in range(self.settings.reads)]
        return found[0] if len(found) == 1 else np.mean(found, axis=0)

    def _send(self, bursts: dict[tuple[int, int], Burst]) -> None:
        """Send first bursts and then second ones, all cells of a kind together."""
        for second in (False, True):
            for up in (False, True):
                pulse = self.response.up if up else self.response.down
                counts = np.zeros(self.targets.shape, dtype=np.int64)
                for cell, burst in bursts.items():
                    if burst.first_up == (up != second):
                        counts[cell] = burst.second if second else burst.first
                if pulse is not None and counts.any():
                    self.backend.send_pulses(counts, pulse)

    def _next(
        self, siemens: FloatArray, sent: dict[tuple[int, int], Burst]
    ) -> tuple[dict[tuple[int, int], Burst], IntArray]:
        """Learn from a read, and return what is to be sent, and where each cell stands."""
        standing = np.full(siemens.shape, NO_TARGET, dtype=np.int64)
        bursts: dict[tuple[int, int], Burst] = {}
        for row, column in np.argwhere(np.isfinite(self.targets)):
            cell = int(row), int(column)
            if cell in self.cells:
                self.cells[cell].take(float(siemens[cell]), sent.get(cell, NOTHING))
            else:
                low = float(self._low[cell]) if isinstance(self._low, np.ndarray) else None
                low = None if low is None or np.isnan(low) else low
                self.cells[cell] = CellEstimate(self.response, float(siemens[cell]), low, self._noise)
            standing[cell], burst = self._decide(self.cells[cell], float(self.targets[cell]))
            if burst.first:
                bursts[cell] = burst
        return bursts, standing

    def _decide(self, cell: CellEstimate, target: float) -> tuple[int, Burst]:
        """Return where a cell stands, and what it gets next."""
        if abs(cell.siemens - target) <= self.settings.tolerance_siemens:
            return REACHED, NOTHING
        if cell.stuck or cell.ended:
            return STUCK if cell.stuck else OUTSIDE, NOTHING
        return self._plan(cell, target)

    def _plan(self, cell: CellEstimate, target: float) -> tuple[int, Burst]:
        """Return where a cell stands that has not reached its target, and what it gets next."""
        settings = self.settings
        tolerance = settings.tolerance_siemens
        lowest, highest = cell.span
        if settings.purpose == "reset":
            highest = cell.siemens
        outside = not lowest - tolerance <= target <= highest + tolerance
        if self.response.falling is None:
            lowest = cell.siemens
        left = settings.pulses - cell.pulses
        if left < 1:
            return OUTSIDE if outside else BUDGET, NOTHING
        factor = JUMP_SHARE * self.backend.limits.jump if self.backend.kind != "simulated" else np.inf
        near = max(abs(cell.siemens), OPEN_SIEMENS)
        bounds = Bounds(
            tolerance / cell.factor,
            left,
            up=settings.purpose != "reset",
            down=self.response.falling is not None,
            low=cell.rise_of(near / factor) if near > factor * OPEN_SIEMENS else -np.inf,
            high=cell.rise_of(near * factor),
            near=SURE_RESET if settings.purpose == "reset" else SURE,
            doubt=cell.doubt,
        )
        goal = cell.rise_of(min(max(target, lowest), highest))
        burst = plan(self.response, cell.place, goal, bounds)
        if burst.second and cell.silent:  # there and back again may look like no reaction: read in between
            turned = self.response.rise(self.response.after(cell.place, burst.first, up=burst.first_up))
            if bounds.low <= turned <= bounds.high:
                burst = burst._replace(second=0)
        if burst.first:
            return UNDER_WAY, burst
        if outside:
            unsure = cell.doubt or self.response.variation or cell.wanders or (cell.low is None and not cell.pulses)
            if unsure and cell.still < STILL_BURSTS and (bounds.up if target > cell.siemens else bounds.down):
                return UNDER_WAY, Burst(target > cell.siemens, 1)
            return OUTSIDE, NOTHING
        more = replace(bounds, most=MOST_BURST)
        return BUDGET if plan(self.response, cell.place, goal, more).first else STEP, NOTHING


def unmet(standing: IntArray) -> BoolArray:
    """Return the (R, C) cells that have a target and did not reach it."""
    found: BoolArray = (standing != REACHED) & (standing != NO_TARGET)
    return found
