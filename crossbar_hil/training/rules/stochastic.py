"""The Manhattan rule pattern by pattern: each is read and learnt at once, in an order that is drawn for every epoch."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import DataError
from crossbar_hil.training.rules.rule import LearningRule, Seen


@dataclass
class Stochastic(LearningRule):
    """One pulse by the sign of each pattern's own gradient.

    Raises
    ------
    DataError
        If the option is outside its range.

    References
    ----------
    M. Prezioso et al., IEDM 2015, p. 17.4.1, trained 10 x 8 devices in "stochastic mode"; E. Zamanidoost et al., NICE
    2015, says what that is: all synapses are updated after each pattern.
    """

    order: Literal["drawn", "file"] = "drawn"
    """Whether the order of the patterns is drawn, or that of the pattern file."""

    repeats = True  # the order alone differs

    def __post_init__(self) -> None:
        if self.order not in ("drawn", "file"):
            raise DataError(f"order {self.order!r} must be 'drawn' or 'file'")
        self.acts = "drawn" if self.order == "drawn" else "each"

    def __call__(self, seen: Seen) -> FloatArray:
        """Return the signs (R, N) of one pattern."""
        return np.sign(seen.voltages.T * seen.deltas)
