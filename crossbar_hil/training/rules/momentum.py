"""The Manhattan rule with momentum: the sign of what is left of all gradients so far."""

from dataclasses import dataclass

import numpy as np

from crossbar_hil.arguments import is_number
from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import DataError
from crossbar_hil.training.rules.rule import LearningRule, Seen, summed


@dataclass
class Momentum(LearningRule):
    """One pulse by the sign of a velocity, to which each update adds its gradient.

    Raises
    ------
    DataError
        If the option is outside its range.
    """

    keep: float = 0.5
    """Share of the velocity that is left at the next update."""

    def __post_init__(self) -> None:
        if not (is_number(self.keep) and 0 <= self.keep < 1):
            raise DataError(f"keep {self.keep} must be a number from 0 to below 1")

    def begin(self, shape: tuple[int, int], rng: np.random.Generator) -> None:  # noqa: ARG002 - it draws nothing
        """Begin at rest."""
        self._velocity = np.zeros((shape[0], shape[1] // 2))

    def __call__(self, seen: Seen) -> FloatArray:
        """Return the signs (R, N)."""
        self._velocity = self.keep * self._velocity + summed(seen.voltages, seen.deltas / seen.beta)
        return np.sign(self._velocity)
