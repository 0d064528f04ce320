"""Which pulses bring a cell nearest to its target by what is known of it, with fewest of them."""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.programming.response import Place, Response, Track

WORTH = 0.1
"""Share of the tolerance that a pulse must win where the target cannot be reached."""
SIGMAS = 1.0
"""Where steps vary, or a cell is not known yet, a burst ends so many standard deviations before the target."""
MOST_BURST = 50
"""Pulses of a burst, at most: so many were measured on the shipped curve."""
MOST_FIRST = 12
"""Pulses of the first of three bursts, at most: so many other places are enough to find a way from one."""
FAR = 1e3
"""Any plan that ends near enough costs less than one that does not."""


class Burst(NamedTuple):
    """Pulses for one cell between two reads: those of one kind, and then those of the other."""

    first_up: bool
    first: int
    second: int = 0

    @property
    def up(self) -> int:
        """Potentiating pulses."""
        return self.first if self.first_up else self.second

    @property
    def down(self) -> int:
        """Depressing pulses."""
        return self.second if self.first_up else self.first


NOTHING = Burst(True, 0)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a plan may do; rises in siemens of the average cell."""

    tolerance: float
    """Within this of the target is reached."""
    most: int
    """Pulses that the cell may still get."""
    up: bool
    down: bool
    """Which kinds of pulses may be sent."""
    low: float
    high: float
    """Rises that the cell must not leave between two reads, of which a factor is allowed."""
    near: float
    """A plan that is sure counts as reaching the target if it ends within this share of the tolerance."""
    doubt: float
    """Relative standard deviation of how far a burst takes the cell, from what is not known of it; 0 if that is sure,
    and then the cell may turn round between two reads."""


def plan(response: Response, place: Place, target: float, bounds: Bounds) -> Burst:
    """Return the pulses that bring a cell nearest to a target rise, in siemens of the average cell; none if none help.

    Where all is sure, the plans are up to three bursts of either kind in turn. Of those that end near enough the
    shortest is taken, of others that which ends nearest, where each pulse must win something. Else the cell is brought
    up to the target with care, and read after each burst.
    """
    if bounds.doubt or response.variation:
        found = _with_care(response, place, target, bounds)
        return found or _best(response, place, target, bounds)[1]._replace(second=0)
    cost, found = _best(response, place, target, bounds)
    if cost < FAR:
        return found
    return _with_one_more(response, place, target, bounds, cost) or found


def _with_care(response: Response, place: Place, target: float, bounds: Bounds) -> Burst | None:
    """Return pulses that bring a cell nearer and most probably not beyond; None if it has to turn round."""
    now = response.rise(place)
    up = target > now
    track, level = _way(response, place, up, bounds)
    if track is None:
        return None
    pulses = np.arange(1, min(bounds.most, MOST_BURST) + 1)
    sign = 1 if up else -1
    moved = sign * (track.at(level + pulses) - now)
    wanted = abs(target - now)
    spread = np.abs(moved) * np.sqrt(bounds.doubt**2 + response.variation**2 / pulses)
    fits = (moved + SIGMAS * spread <= wanted + bounds.tolerance) & _within(now + sign * moved, bounds)
    many = int(fits.argmin()) if not fits.all() else len(fits)
    if many and moved[:many].max() > 0:
        there = moved[:many] >= wanted - bounds.near * bounds.tolerance
        return Burst(up, int(there.argmax() if there.any() else moved[:many].argmax()) + 1)
    ends = moved[0] - wanted + math.sqrt(3) * spread[0] * np.array([-1, 0, 0, 0, 0, 1])  # Simpson's weights
    return Burst(up, 1) if moved[0] > 0 and float(np.abs(ends).mean()) < wanted else None


def _way(response: Response, place: Place, up: bool, bounds: Bounds) -> tuple[Track | None, float]:
    """Return the track of one kind of pulse and where a cell is or enters it; None if no such pulse moves it."""
    track = response.track(up=up)
    if track is None or not (bounds.up if up else bounds.down) or bounds.most < 1:
        return None, 0.0
    level = place.level if place.up == up else float(track.entry(response.rise(place)))
    return (None, 0.0) if np.isnan(level) else (track, level)


def _best(response: Response, place: Place, target: float, bounds: Bounds) -> tuple[float, Burst]:
    """Return the cheapest plan of one or two bursts, and its cost."""
    most, now = min(bounds.most, MOST_BURST), response.rise(place)
    best, chosen = float(_cost(np.array([abs(now - target)]), np.zeros(1, np.int64), bounds)[0]), NOTHING
    for up in (True, False):
        track, level = _way(response, place, up, bounds)
        if track is None:
            continue
        turns = bounds.down if up else bounds.up
        ends = _ends(track, response.track(up=not up) if turns else None, level, most)
        first, second = np.indices(ends.shape, dtype=np.int64)
        pulses = np.asarray(first + 1 + second, dtype=np.int64)
        idle = (ends[:, :1] - now) * (1 if up else -1) < bounds.near * bounds.tolerance
        out = (pulses > most) | idle | ~_within(ends, bounds)
        cost = np.where(out, np.inf, _cost(np.abs(ends - target), pulses, bounds))
        row, column = divmod(int(cost.argmin()), cost.shape[1])
        if cost[row, column] < best:
            best, chosen = float(cost[row, column]), Burst(up, row + 1, column)
    return best, chosen


def _with_one_more(response: Response, place: Place, target: float, bounds: Bounds, least: float) -> Burst | None:
    """Return the first of three bursts, the others of which are planned anew; None if they do not end near enough."""
    chosen, fewest = None, least
    for up in (True, False):
        for first in range(1, min(bounds.most, MOST_FIRST + 1)):
            there = response.after(place, first, up=up)
            rest = replace(bounds, most=bounds.most - first)
            if there == place or not (bounds.up if up else bounds.down):
                break
            if not _within(np.array(response.rise(there)), bounds):
                continue
            cost, _ = _best(response, there, target, rest)
            if cost < FAR and cost + first < fewest:
                chosen, fewest = Burst(up, first), cost + first
    return chosen


def _ends(track: Track, other: Track | None, level: float, most: int) -> FloatArray:
    """Return the rise after 1 ... pulses on a track (rows) and then 0 ... on the other (columns); nan for no way."""
    turned = track.at(level + np.arange(1, most + 1))
    if other is None:
        return np.asarray(turned)[:, None]
    entries = other.entry(turned)
    found: FloatArray = other.at(np.nan_to_num(entries)[:, None] + np.arange(most + 1))
    found[np.isnan(entries)] = np.nan
    found[:, 0] = turned
    return found


def _within(rises: FloatArray, bounds: Bounds) -> BoolArray:
    """Say which rises a cell may have at the next read; none that is nan."""
    return np.asarray((rises >= bounds.low) & (rises <= bounds.high))


def _cost(distance: FloatArray, pulses: IntArray, bounds: Bounds) -> FloatArray:
    """Return what a plan costs: pulses alone if it ends near enough, else what it misses and pulses that win little."""
    missed = np.maximum(distance - bounds.near * bounds.tolerance, 0.0) / bounds.tolerance
    return np.where(missed == 0, pulses, FAR * (1 + missed / WORTH + pulses))
