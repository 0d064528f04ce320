"""Noise of single readings: by which factor each cell conducts more or less than it does on average.

White noise is new in each reading. Random telegraph noise is high or low: drawn anew for each reading, or a Markov
chain with a correlation time (S. Machlup, J. Appl. Phys. 25 (1954) 341). 1/f noise is a sum of Ornstein-Uhlenbeck
processes whose correlation times are a decade apart (J. Bernamont, Proc. Phys. Soc. 49 (1937) 138): its spectrum
follows 1/f within 6 % from 1/(2 pi 10^5 s) to 1/(2 pi 10 ms), and is flat below and 1/f^2 above.
"""

import math

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.effects import Effects

FLICKER_S = np.array([1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5])
"""Correlation times of the processes that make up 1/f noise, in seconds."""


class ReadingNoise:
    """The noise of R x C cells by its effects, of relative heights and times in seconds.

    Slow noise begins in a state that is drawn at once.
    """

    def __init__(self, effects: Effects, shape: tuple[int, int], rng: np.random.Generator) -> None:
        self._white, self._height, self._flicker = effects.read_noise, effects.telegraph, effects.flicker
        self._share, self._telegraph_s = effects.telegraph_share, effects.telegraph_s
        self._shape, self._rng = shape, rng
        slow = self._height and self._telegraph_s is not None
        self.high = (rng.random(shape) < self._share).astype(np.float64) if slow else None
        """(R, C) cells that are high, as 1, if that lasts."""
        self.slow = rng.standard_normal((len(FLICKER_S), *shape)) if self._flicker else None
        """(T, R, C) the processes of the 1/f noise, each of standard deviation 1."""

    def factors(self) -> FloatArray:
        """Return the (R, C) factors of one reading."""
        found = np.ones(self._shape)
        if self._white:
            found += self._white * self._rng.standard_normal(self._shape)
        if self._height:
            high = self._rng.random(self._shape) < self._share if self.high is None else self.high
            found *= 1.0 + self._height * high
        if self.slow is not None:
            found *= 1.0 + self._flicker / math.sqrt(len(FLICKER_S)) * self.slow.sum(axis=0)
        return np.maximum(found, 0.0)

    def pass_time(self, seconds: float) -> None:
        """Let slow noise go on for some seconds."""
        if self.high is not None and self._telegraph_s is not None:
            kept = math.exp(-seconds / self._telegraph_s)
            chance = self._share * (1.0 - kept) + kept * self.high
            self.high = (self._rng.random(self._shape) < chance).astype(np.float64)
        if self.slow is not None:
            kept_of = np.exp(-seconds / FLICKER_S)[:, None, None]
            new = self._rng.standard_normal(self.slow.shape)
            self.slow = kept_of * self.slow + np.sqrt(1.0 - kept_of**2) * new
