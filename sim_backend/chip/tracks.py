"""Where each cell is on which measured curve, and how pulses of other kinds move it from curve to curve.

A pulse of the curve's own kind moves a cell one level. Other pulses move it along their own measured curves, joined
like this:

- Curves of other widths share the rise G_exp(m) - G_exp(0): a cell enters a curve where that curve first reaches the
  cell's rise. A pulse whose curve never rises so far does nothing.
- The measured spans of potentiation (0.45 to 0.66 uS) and depression (0.39 to 0.02 uS) do not overlap. They are joined
  through their normalised position: the depression curves are stretched together, so that their common start lies at
  the largest rise of the nominal curve and the lowest measured point at zero. This is a choice of the model, not a
  measurement.

Levels between two measured ones, which arise where curves join and with step variation, are interpolated linearly.
At the end of a curve a cell is saturated: further pulses leave it where it is.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.backend import Pulse
from crossbar_hil.errors import LimitError

from .curve import ConductanceCurve
from .exposure import curve_between

MOST_PULSES_KEPT = 64
"""So many kinds of pulses are remembered with their tracks; others are made again when they are asked for."""


@dataclass(frozen=True, eq=False)
class Track:
    """Rise at each level of one curve, in siemens, and where another rise enters it."""

    rises: FloatArray
    up: bool

    @functools.cached_property
    def last(self) -> IntArray:
        """The last level."""
        return np.array(len(self.rises) - 1)  # an array, as numpy is faster with those

    def rise(self, levels: FloatArray | IntArray) -> FloatArray:
        """Return the rise at some levels, in siemens."""
        if levels.dtype.kind == "i":
            return self.rises[levels]
        return np.interp(levels, np.arange(len(self.rises)), self.rises)

    def entry(self, rise: float) -> float | None:
        """Return the level at which the curve first reaches a rise; None if a pulse on it moves a cell no further."""
        way = self.rises if self.up else -self.rises
        goal = rise if self.up else -rise
        if goal >= way.max():
            return None
        after = int(np.argmax(way >= goal))
        if after == 0:
            return 0.0
        return after - 1 + float((goal - way[after - 1]) / (way[after] - way[after - 1]))


class CellLevels:
    """Level of each of R x C cells on the track it is on; a track is one curve as all cells go along it.

    Parameters
    ----------
    curve : ConductanceCurve
        The measured curve, with those of other pulses beside it.
    """

    def __init__(self, curve: ConductanceCurve, shape: tuple[int, int]) -> None:
        self.curve, self.shape = curve, shape
        self.tracks: list[Track] = [Track(curve.rises, up=True)]
        self.track_of_pulse: dict[Pulse, int] = {}  # the one asked for last is the last
        self._most_kept = MOST_PULSES_KEPT
        self._on = np.zeros(shape, dtype=np.int64)  # the track that each cell is on
        self._levels: FloatArray | IntArray = np.zeros(shape, dtype=np.int64)  # float once a cell is between two
        self._only: int | None = 0  # the track that all cells are on, if there is one

    @property
    def levels(self) -> FloatArray:
        """(R, C) level of each cell on its track."""
        return self._levels.astype(np.float64)

    def saturated(self) -> BoolArray:
        """(R, C) cells at the end of their track."""
        if self._only is not None:
            return np.asarray(self._levels >= self.tracks[self._only].last)
        last = np.array([track.last for track in self.tracks])
        return np.asarray(self._levels >= last[self._on])

    def levels_left(self) -> int:
        """Return how many whole levels the foremost cell has to the end of its track; 0 with several tracks."""
        return 0 if self._only is None else int(self.tracks[self._only].last - self._levels.max())

    def rises(self) -> FloatArray:
        """(R, C) rise of each cell above level 0, in siemens."""
        if self._only is not None:
            return self.tracks[self._only].rise(self._levels)
        rises = np.empty(self.shape)
        for index in np.flatnonzero(np.bincount(self._on.ravel())):
            here = self._on == index
            rises[here] = self.tracks[index].rise(self._levels[here])
        return rises

    def advance(self, index: int, steps: FloatArray | IntArray) -> None:
        """Move cells along a track, each by its number of levels."""
        if self._only != index:
            steps = self._enter(index, steps)
        if self._only == index:
            self._levels = np.minimum(self._levels + steps, self.tracks[index].last)
        else:
            pulsed = steps > 0
            self._levels[pulsed] = np.minimum(self._levels[pulsed] + steps[pulsed], self.tracks[index].last)

    def _enter(self, index: int, steps: Any) -> Any:
        """Bring the cells that are pulsed onto a track; return the steps without those that it cannot move."""
        track = self.tracks[index]
        steps = np.array(steps)
        rises = self.rises()
        self._levels = self._levels.astype(np.float64)
        for place in np.argwhere((steps > 0) & (self._on != index)):
            cell = tuple(place)
            level = track.entry(float(rises[cell]))
            if level is None:
                steps[cell] = 0
            else:
                self._levels[cell], self._on[cell] = level, index
        first = int(self._on.flat[0])
        self._only = first if (self._on == first).all() else None
        return steps

    def pulses(self) -> tuple[FloatArray, FloatArray]:
        """Amplitude in volts and width in seconds, (R, C) both, of the pulse of each cell's track; 0 for the first."""
        amplitudes, widths = np.zeros(self.shape), np.zeros(self.shape)
        for pulse, index in self.track_of_pulse.items():
            if index:
                amplitudes[self._on == index], widths[self._on == index] = pulse.amplitude_v, pulse.width_s
        return amplitudes, widths

    def place(self, levels: FloatArray, amplitudes: FloatArray, widths: FloatArray) -> None:
        """Put the cells where `levels` and `pulses` once said that they were.

        Raises
        ------
        LimitError
            If the curve does not hold one of the pulses; the cells stay where they are.
        """
        on = np.zeros(self.shape, dtype=np.int64)
        for amplitude, width in {(a, w) for a, w in zip(amplitudes.flat, widths.flat, strict=True) if a}:
            pulse = Pulse(float(amplitude), float(width))
            # Whatever the limits: what happened may be beyond.
            on[(amplitudes == amplitude) & (widths == width)] = self.track_of(pulse, between=True)
        self._levels, self._on = levels, on
        self._only = int(on.flat[0]) if (on == on.flat[0]).all() else None

    def track_of(self, pulse: Pulse, *, between: bool = False) -> int:
        """Return the number of the track of a pulse, made if it is not there; see `find`."""
        index = self.track_of_pulse.get(pulse)
        if index is None:
            index = self._new_track(pulse, curve_between(self.curve, pulse) if between else self.curve.for_pulse(pulse))
        elif not between:
            self.curve.for_pulse(pulse)  # refuses one that was not measured
        self.track_of_pulse.pop(pulse, None)
        self.track_of_pulse[pulse] = index
        return index

    def find(self, pulse: Pulse, *, between: bool = False) -> int:
        """Return the number of the track of a pulse; before that, tracks that nobody needs are dropped.

        Raises
        ------
        LimitError
            If no curve was measured with it, and it does not lie between two amplitudes either where that will do.
        """
        self._forget_tracks()
        return self.track_of(pulse, between=between)

    def _forget_tracks(self) -> None:
        """Drop tracks that no cell is on and that were not asked for lately; made again, they are the same.

        Whoever times pulses by a real clock never sends two of the same width, and each width is a track of its own.
        """
        if len(self.track_of_pulse) <= self._most_kept:
            return
        recent = list(self.track_of_pulse)[-MOST_PULSES_KEPT // 2 :]
        taken = {0, *np.unique(self._on).tolist(), *(self.track_of_pulse[pulse] for pulse in recent)}
        place = {index: number for number, index in enumerate(sorted(taken))}
        self.tracks = [self.tracks[index] for index in place]
        self.track_of_pulse = {
            pulse: place[index]
            for pulse, index in self.track_of_pulse.items()
            if index in place and (index or pulse in recent)
        }
        self._on = np.vectorize(place.__getitem__, otypes=[np.int64])(self._on)
        self._only = None if self._only is None else place[self._only]
        self._most_kept = max(MOST_PULSES_KEPT, 2 * len(self.track_of_pulse))

    def _new_track(self, pulse: Pulse, curve: ConductanceCurve) -> int:
        """Make the track of a pulse along its curve and return its index."""
        nominal = self.curve
        if nominal.pulse is None:
            # The measurement does not say its pulse: whatever is sent first is that pulse.
            if self.track_of_pulse or pulse.amplitude_v < 0:
                known = next(iter(self.track_of_pulse), None)
                raise LimitError(
                    f"pulse of {pulse}: the curve {nominal.source} was measured with one potentiating pulse"
                    + (f", taken to be {known}" if known else "")
                )
            return 0
        if curve is nominal:
            return 0
        if pulse.amplitude_v > 0:
            self.tracks.append(Track(curve.rises, up=True))
        else:
            measured = [each.levels_siemens for each in nominal.others if each.pulse and each.pulse.amplitude_v < 0]
            low, high = min(levels.min() for levels in measured), max(levels[0] for levels in measured)
            if not high > low:
                raise LimitError(f"pulse of {pulse}: its measured curve never falls, so the cells cannot be depressed")
            position = (curve.levels_siemens - low) / (high - low)
            self.tracks.append(Track(position * nominal.span, up=False))
        return len(self.tracks) - 1
