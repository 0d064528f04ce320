import numpy as np
import pytest

RISES = (
    np.array([0.0, 6.1, 6.6, 8.6, 8.5, 8.8, 8.7, 9.4, 9.4, 10.5, 11.1, 11.3, 12.3, 12.9, 12.5, 12.8, 13.6, 12.4]) * 1e-7
)
"""A curve that is steep at first and goes up and down later, as measured ones do; K is in it."""


class HiddenChip:
    """Cells that follow a curve as the model says, simulated pulse by pulse; what a twin is to find out."""

    def __init__(self, rng, cells=16, spread=0.3, variation=0.3, noise=0.01, rises=RISES):
        self.rng, self.rises, self.noise = rng, rises, noise
        self.variation = variation
        self.starts = 4.5e-7 * np.exp(0.4 * rng.standard_normal(cells))
        self.factors = np.exp(spread * rng.standard_normal(cells))
        self.levels = np.zeros(cells)

    def pulse(self):
        steps = self.rng.gamma(1 / self.variation**2, self.variation**2, len(self.levels)) if self.variation else 1.0
        self.levels = np.minimum(self.levels + steps, len(self.rises) - 1)

    @property
    def siemens(self):
        return self.starts + self.factors * np.interp(self.levels, np.arange(len(self.rises)), self.rises)

    def read(self, times):
        noise = self.noise * self.rng.standard_normal((times, len(self.levels)))
        return self.siemens * (1 + noise)

    def rounds(self, pulses=2, reads=20):
        found = [self.read(reads)]
        for _ in range(pulses):
            self.pulse()
            found.append(self.read(reads))
        return found


@pytest.fixture
def hidden_chip():
    return HiddenChip
