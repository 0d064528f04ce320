"""One fixed cell a pair: the minus cell is brought to its place once, then the plus cell alone moves, up and down."""

from dataclasses import dataclass

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.errors import DataError
from crossbar_hil.training.rules.manhattan import manhattan_signs
from crossbar_hil.training.rules.rule import LearningRule, Seen


@dataclass
class OneCell(LearningRule):
    """The signs of the Manhattan rule on the plus cell alone; needs a depressing pulse.

    Raises
    ------
    DataError
        If the option is outside its range.

    References
    ----------
    W. Quinonez, M. J. Sanchez, D. Rubi, arXiv:2511.03858, simulated.
    """

    lift: int = 10
    """Pulses that every minus cell gets in the first update, in which no plus cell gets any; 0 for none."""

    one_cell = True

    def __post_init__(self) -> None:
        if isinstance(self.lift, bool) or not isinstance(self.lift, int) or self.lift < 0:
            raise DataError(f"lift {self.lift} must be a whole number of at least 0")
        self.most = max(self.lift, 1)

    def begin(self, shape: tuple[int, int], rng: np.random.Generator) -> None:  # noqa: ARG002 - it draws nothing
        """Begin with minus cells that were not lifted."""
        self._lifted = not self.lift
        self._first = np.zeros(shape, dtype=np.int64)
        self._first[:, 1::2] = self.lift

    def __call__(self, seen: Seen) -> FloatArray | IntArray:
        """Return the counts (R, C) of the lift, then signs (R, N)."""
        if not self._lifted:
            self._lifted = True
            return self._first
        return manhattan_signs(seen.voltages, seen.deltas)
