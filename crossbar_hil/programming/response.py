"""What pulses of either polarity do to a cell by the measured curve: where it goes, burst by burst.

A cell is on one of two tracks, that of the potentiating or that of the depressing pulses, at a level that need not be
whole. Another pulse of the same kind takes it one level further. A pulse of the other kind takes it to the other track,
at the level at which that track first reaches the cell's rise, and from there one level further. The spans of the two
were not measured to overlap, so the depressing track is stretched to fall from the largest rise to none. That is how
the simulated chip joins them too (docs/chip_model.md); here it only foretells, and every burst is followed by a read.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import Pulse
from crossbar_hil.errors import ConfigError, DataError


class Place(NamedTuple):
    """Where a cell is: on which track, and how far."""

    up: bool
    level: float


@dataclass(frozen=True, eq=False)
class Track:
    """Rise of the average cell above its low end after 0, 1, 2, ... pulses of one kind, in siemens."""

    rises: FloatArray
    up: bool

    @cached_property
    def _way(self) -> FloatArray:
        return self.rises if self.up else -self.rises

    @cached_property
    def _furthest(self) -> FloatArray:
        return np.maximum.accumulate(self._way)

    @property
    def last(self) -> int:
        """The last level."""
        return len(self.rises) - 1

    def at(self, levels: Any) -> Any:
        """Return the rise at some levels, in siemens; beyond the last one nothing more happens."""
        return np.interp(levels, np.arange(len(self.rises)), self.rises)

    def entry(self, rises: Any) -> FloatArray:
        """Return the level at which the track first reaches each rise; nan where its pulses move no cell of that."""
        goal = np.asarray(rises) if self.up else -np.asarray(rises)
        after = np.searchsorted(self._furthest, goal, side="left")
        inside = np.clip(after, 1, self.last)
        low, high = self._way[inside - 1], self._way[inside]
        with np.errstate(divide="ignore", invalid="ignore"):
            found = inside - 1 + (goal - low) / (high - low)
        return np.where(goal >= self._furthest[-1], np.nan, np.where(after == 0, 0.0, found))

    def nearest(self, rise: float, level: float) -> float:
        """Return the level nearest to another one at which the track has a rise, or comes nearest to it."""
        before, after = self.rises[:-1], self.rises[1:]
        through = np.flatnonzero((np.minimum(before, after) <= rise) & (rise <= np.maximum(before, after)))
        if not through.size:
            return float(np.abs(self.rises - rise).argmin())
        step = after[through] - before[through]
        with np.errstate(divide="ignore", invalid="ignore"):
            levels = through + np.where(step == 0, 0.0, (rise - before[through]) / step)
        return float(levels[np.abs(levels - level).argmin()])


@dataclass(frozen=True, eq=False)
class Response:
    """What potentiating and depressing pulses do to the average cell of a chip.

    Parameters
    ----------
    up, down : Pulse
        The two pulses; `down` is None where none is known.
    rising, falling : Track
        Their tracks.
    spread : float
        Sigma of the logarithm of the factor by which a cell's rise differs from that of the average cell.
    variation : float
        Relative standard deviation of the step that one pulse makes.
    known : bool
        Whether the tracks come from a measured curve.
    """

    up: Pulse
    down: Pulse | None
    rising: Track
    falling: Track | None
    spread: float = 0.0
    variation: float = 0.0
    known: bool = True

    @classmethod
    def of(
        cls,
        up: Pulse,
        down: Pulse | None,
        rises: Any,
        falls: Any = None,
        *,
        spread: float = 0.0,
        variation: float = 0.0,
        known: bool = True,
    ) -> "Response":
        """Make it of (L,) rises of potentiation and, if there is a depressing pulse, (M,) conductances of depression.

        Raises
        ------
        ConfigError
            If a pulse has the wrong sign.
        DataError
            If the rise is nowhere above zero, or the depression never falls.
        """
        if up.amplitude_v < 0 or (down is not None and down.amplitude_v > 0):
            raise ConfigError(f"cells are potentiated above 0 V and depressed below, got pulses of {up} and {down}")
        rising = Track(np.asarray(rises, dtype=np.float64), up=True)
        span = float(rising.rises.max())
        if not span > 0:
            raise DataError(f"the curve of {up} never rises, so no cell can be brought anywhere with it")
        falling = None
        if down is not None:
            levels = np.asarray(falls, dtype=np.float64)
            low, high = float(levels.min()), float(levels[0])
            if not high > low:
                raise DataError(f"the curve of {down} never falls, so no cell can be depressed with it")
            falling = Track(span * (levels - low) / (high - low), up=False)
        return cls(up, down, rising, falling, spread, variation, known)

    @classmethod
    def even(cls, up: Pulse, down: Pulse | None, span_siemens: float, pulses: int = 50) -> "Response":
        """Make one of even steps, so many over a span: where no curve is known, and every step has to be learnt."""
        rises = np.linspace(0.0, span_siemens, pulses + 1)
        return cls.of(up, down, rises, rises[::-1], spread=1.0, variation=0.5, known=False)

    @property
    def span(self) -> float:
        """Rise of the average cell over the whole curve, in siemens."""
        return float(self.rising.rises.max())

    def track(self, *, up: bool) -> Track | None:
        """Return the track of one kind of pulse; None if there is no such pulse."""
        return self.rising if up else self.falling

    def rise(self, place: Place) -> float:
        """Return the rise of a cell at a place, in siemens."""
        track = self.track(up=place.up)
        return 0.0 if track is None else float(track.at(place.level))

    def after(self, place: Place, pulses: int, *, up: bool) -> Place:
        """Return where so many pulses take a cell."""
        track = self.track(up=up)
        if track is None or not pulses:
            return place
        level = place.level if place.up == up else float(track.entry(self.rise(place)))
        if np.isnan(level):
            return place
        return Place(up, min(level + pulses, float(track.last)))
