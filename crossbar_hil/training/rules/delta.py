"""The delta rule in whole pulses: a synapse gets the more of them, the larger its summed gradient."""

from dataclasses import dataclass

import numpy as np

from crossbar_hil.arguments import is_number
from crossbar_hil.arrays import IntArray
from crossbar_hil.errors import DataError
from crossbar_hil.training.rules.rule import LearningRule, Seen, counts_of, summed


@dataclass
class Delta(LearningRule):
    """Pulses in proportion to the gradient, rounded to whole ones, halves up.

    Raises
    ------
    DataError
        If an option is outside its range.
    """

    rate: float = 1.0
    """Pulses for a gradient of 1, in units of beta and the largest row voltage."""
    most: int = 10
    """Most pulses for a cell in an epoch."""
    least: int = 1
    """Pulses for a gradient that is not zero but would round to fewer; 0 leaves it alone."""

    repeats = True

    def __post_init__(self) -> None:
        if not (is_number(self.rate) and self.rate > 0):
            raise DataError(f"rate {self.rate} must be a finite number above zero")
        if self.least not in (0, 1):
            raise DataError(f"least {self.least} must be 0 or 1")

    def __call__(self, seen: Seen) -> IntArray:
        """Return the counts (R, C)."""
        # The slope of tanh at no current is beta, so this is (target - activation) (1 - activation^2).
        gradient = summed(seen.voltages, seen.deltas / seen.beta)
        moves = self.rate * gradient
        if self.least:
            moves = np.where((moves != 0) & (np.abs(moves) < 1), np.sign(moves), moves)
        return counts_of(moves, self.most)
