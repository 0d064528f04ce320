"""Sanger's rule, the generalised Hebbian algorithm: outputs become the principal components of the patterns."""

from dataclasses import dataclass

import numpy as np

from crossbar_hil.arguments import is_number
from crossbar_hil.arrays import IntArray
from crossbar_hil.errors import DataError
from crossbar_hil.training.rules.rule import LearningRule, Seen, counts_of


@dataclass
class Sanger(LearningRule):
    """Pulses by Sanger's rule, summed over all patterns; it never looks at a target.

    Raises
    ------
    DataError
        If an option is outside its range.

    References
    ----------
    T. D. Sanger, Neural Networks 2 (1989) 459, doi:10.1016/0893-6080(89)90044-0. S. Choi et al., Nano Lett. 17 (2017)
    3113, doi:10.1021/acs.nanolett.7b00552, had 9 x 2 memristors find the components of a cancer data set by it.
    """

    unit_siemens: float = 1e-6
    """Difference of the two cells of a pair that is a weight of 1: the rows of weights grow to that length."""
    rate: float = 1.0
    """Pulses for a change of 1."""
    most: int = 5
    """Most pulses for a cell in an epoch."""

    repeats, by_deltas = True, False

    def __post_init__(self) -> None:
        for name in ("unit_siemens", "rate"):
            value = getattr(self, name)
            if not (is_number(value) and value > 0):
                raise DataError(f"{name} {value} must be a finite number above zero")

    def __call__(self, seen: Seen) -> IntArray:
        """Return the counts (R, C)."""
        volts = np.abs(seen.voltages).max()
        inputs, replies = seen.voltages / volts, seen.outputs / (volts * self.unit_siemens)
        weights = (seen.conductances[:, ::2] - seen.conductances[:, 1::2]) / self.unit_siemens
        change = np.zeros_like(weights)
        for x, y in zip(inputs, replies, strict=True):
            left = x.copy()
            for output, reply in enumerate(y):
                left -= weights[:, output] * reply
                change[:, output] += reply * left
        return counts_of(self.rate * change, self.most)
