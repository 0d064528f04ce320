"""What is known of one cell while it is programmed: its low end, its step factor, and where on its curve it is."""

import math
from dataclasses import dataclass, field

from crossbar_hil.programming.planning import Burst
from crossbar_hil.programming.response import Place, Response

ERROR = 0.02
"""Relative error of a rise that the curve foretells, at least."""
FORGETS = 0.05
"""Sigma by which a step factor may have changed from burst to burst: no cell follows the curve of another."""
LEAST, MOST = 0.05, 20.0
"""Ends of what is believed of a step factor."""
SENSIBLE = 0.02
"""Share of the range that a burst must be expected to move a cell, for it to tell something of the step factor."""
STILL = 1e-3
"""Less than this share of the range is no change, and so is less than noise can make."""
TELLING = 0.1
"""Share of the range above its low end at which what a cell reads tells its step factor."""
FEW = 3
"""Bursts that tell where a cell was at first; after so many it is known well enough."""
MOVED = 0.1
"""Less than this share of what was expected is no reaction."""

STUCK_PULSES, STUCK_SHARE = 5, 0.05
"""A cell is stuck after so many pulses in a row without a reaction that should have moved it by this share of the
range together."""
STILL_BURSTS = 3
"""A cell that was moved before is at an end that nobody knew if so many bursts in a row did nothing."""


@dataclass(slots=True)
class CellEstimate:
    """One cell: what was read of it, what it got, and what follows.

    Parameters
    ----------
    response : Response
        Of the average cell.
    siemens : float
        What it reads before any pulse.
    low : float, optional
        Its low end in siemens, if that is known; else it is taken to be there until it does what such a cell does not.
    noise : float
        Relative standard deviation of a reading.
    """

    response: Response
    siemens: float
    low: float | None = None
    noise: float = 0.0
    place: Place = field(init=False)
    pulses: int = 0
    """That it got."""
    silent: int = 0
    """Pulses in a row that should have moved it, and did not."""
    expected: float = 0.0
    """How far those should have moved it together, in siemens."""
    moves: bool = False
    """Whether a burst ever moved it."""
    still: int = 0
    """Bursts in a row after which it read as before."""
    wanders: bool = False
    """Whether it changed without a pulse: by its neighbours', or with time."""
    _base: float = field(init=False)
    _first: float = field(init=False)
    _done: list[tuple[Burst, float]] = field(default_factory=list)
    """Bursts so far, of a cell whose low end is not known, and what it read after each."""
    _log: float = 0.0
    _variance: float = field(init=False)

    def __post_init__(self) -> None:
        self._base = self.siemens if self.low is None else min(self.low, self.siemens)
        self._first = self.siemens
        self._variance = self.response.spread**2 + FORGETS**2
        self.place = Place(True, 0.0)
        self._settle()

    @property
    def factor(self) -> float:
        """Its rise over that of the average cell."""
        return math.exp(self._log)

    @property
    def doubt(self) -> float:
        """Relative standard deviation of how far a burst takes it, from what is not known of it; 0 if that is sure."""
        return 0.0 if self._variance < (2 * FORGETS) ** 2 else math.sqrt(self._variance)

    @property
    def stuck(self) -> bool:
        """Whether pulses that should have moved it never did, again and again."""
        return self._silenced and not self.moves

    @property
    def ended(self) -> bool:
        """Whether pulses moved it and then, again and again, do not: it is at an end that nobody knew."""
        return self._silenced and self.moves and self.still >= STILL_BURSTS

    @property
    def _silenced(self) -> bool:
        return self.silent >= STUCK_PULSES and self.expected >= STUCK_SHARE * self.response.span

    @property
    def span(self) -> tuple[float, float]:
        """Lowest and highest conductance that pulses are expected to bring it to, in siemens."""
        return self._base, self._base + self.factor * self.response.span

    def rise_of(self, siemens: float) -> float:
        """Return a conductance as the rise of the average cell, in siemens."""
        return (siemens - self._base) / self.factor

    def take(self, siemens: float, burst: Burst) -> None:
        """Learn from a read what a burst did.

        Parameters
        ----------
        siemens : float
            What it reads now.
        burst : Burst
            What it got since the read before; perhaps nothing.
        """
        pulses = burst.first + burst.second
        before, was = self.siemens, self.response.rise(self.place)
        self.siemens = siemens
        self.pulses += pulses
        if pulses:
            self.place = self.response.after(self.place, burst.first, up=burst.first_up)
            turned = self.response.rise(self.place)
            self.place = self.response.after(self.place, burst.second, up=not burst.first_up)
            now = self.response.rise(self.place)
            moved = abs(siemens - before) >= max(STILL * self.response.span, 3 * self.noise * siemens)
            self.moves |= moved
            self.still = 0 if moved else self.still + 1
            way = self.factor * (abs(turned - was) + abs(now - turned))
            self._compare(self.factor * (now - was), siemens - before, pulses, way)
            self._done.append((burst, siemens))
        elif abs(siemens - before) > max(STILL * self.response.span, 6 * self.noise * siemens):
            self.wanders = True
        if self.low is None and len(self._done) <= FEW and pulses:
            self._place_anew()
        if siemens < self._base and self.low is None:
            self._base = siemens
        self._settle()

    def _place_anew(self) -> None:
        """Find where on its curve it may have been at first, and its step factor, by what the first bursts did."""
        response, spread = self.response, max(self.response.spread, FORGETS)
        foretold = self._base + self.factor * response.rise(self.place)
        varies = max(response.variation, self.doubt) * abs(foretold - self._first)
        if abs(foretold - self.siemens) <= max(ERROR / 4 * response.span, self.noise * self.siemens, varies):
            return  # it does what is believed of it
        best, rounds = math.inf, math.sqrt(len(self._done) + 1)
        for step in range(2 * response.rising.last + 1):
            start = place = Place(True, step / 2)
            least = rise = response.rise(start)
            path, way = [], 0.0
            for burst, siemens in self._done:
                for count, up in ((burst.first, burst.first_up), (burst.second, not burst.first_up)):
                    place = response.after(place, count, up=up)
                    was, rise = rise, response.rise(place)
                    way += abs(rise - was)
                path.append((siemens, rise, way))
            for sigmas in (0.0, -2.0, -1.0, 1.0, 2.0):
                factor = math.exp(sigmas * spread)
                base = self._first - factor * least
                off = (sigmas / 2) ** 2 + (step > 0)
                for siemens, there, length in path:
                    sigma = ERROR * response.span + response.variation * factor * length / rounds
                    sigma = math.hypot(sigma, self.noise * siemens)
                    off += ((base + factor * there - siemens) / sigma) ** 2
                if off < best and base >= 0:
                    best, self._base, self._log, self.place = off, base, math.log(factor), place

    def _compare(self, expected: float, found: float, pulses: int, way: float) -> None:
        """Hold what a burst did against what it should have done, by a way of some length; all in siemens."""
        least = max(SENSIBLE * self.response.span * min(self.factor, 1.0), 3 * self.noise * self.siemens)
        if abs(expected) < least:
            return
        ratio = found / expected
        if ratio < MOVED:
            self.silent += pulses
            self.expected += abs(expected)
            return
        self.silent, self.expected = 0, 0.0
        spread = (self.response.variation * way / expected) ** 2 / pulses + (self.noise * self.siemens / expected) ** 2
        spread += (ERROR * way / expected) ** 2
        gain = self._variance / (self._variance + spread)
        self._log += gain * math.log(min(max(ratio, LEAST), MOST))
        self._log = min(max(self._log, math.log(LEAST)), math.log(MOST))
        self._variance = (1 - gain) * self._variance + FORGETS**2

    def _settle(self) -> None:
        """Put it where on its track it reads what it reads."""
        if self.response.span > 0 and self.rise_of(self.siemens) > self.response.span:  # more than was believed of it
            self._log = math.log((self.siemens - self._base) / self.response.span)
        foretold = self.response.rise(self.place)
        if not self.response.variation and foretold >= TELLING * self.response.span and self.siemens > self._base:
            implied = math.log((self.siemens - self._base) / foretold)
            if abs(implied - self._log) <= 3 * math.sqrt(self._variance):  # it is where its pulses must have brought it
                self._log = implied
        rise = self.rise_of(self.siemens)
        off = abs(rise - foretold) * self.factor
        if off <= max(self.noise * self.siemens, ERROR / 10 * self.response.span):
            return
        track = self.response.track(up=self.place.up)
        if track is not None:
            self.place = Place(self.place.up, track.nearest(rise, self.place.level))
