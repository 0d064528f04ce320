"""Inference: what a chip says of patterns, output by output 1, 0 or undecided."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray

UNDECIDED = -1
"""Stands for an activation strictly between the two targets."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What the chip says of P patterns."""

    patterns: IntArray
    """(P, R) input bits."""
    activations: FloatArray
    """(P, N) activations."""
    outputs: IntArray
    """(P, N) of 1, 0 or `UNDECIDED`."""

    @classmethod
    def from_activations(cls, patterns: IntArray, activations: FloatArray, target0: float, target: float) -> Self:
        """Decide 1 at `target` or above, 0 at `target0` or below, `UNDECIDED` between.

        Examples
        --------
        >>> Prediction.from_activations(np.eye(1), np.array([[0.9, -0.9, 0.1]]), -0.8, 0.8).outputs
        array([[ 1,  0, -1]])
        """
        outputs = np.select([activations >= target, activations <= target0], [1, 0], UNDECIDED)
        return cls(patterns, activations, outputs.astype(np.int64))

    def correct(self, labels: IntArray) -> FloatArray:
        """Return which patterns have every output as in `labels` (P, N): ndarray of bool, shape (P,)."""
        return (self.outputs == labels).all(axis=1)
