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


def contradictory_pairs(patterns: IntArray, labels: IntArray) -> list[tuple[int, int]]:
    """Return pairs of patterns that no perceptron without bias can get right both, if ``v0 = -v1``.

    Then the voltages of a pattern and of its complement are each other's negative, and so are all activations: what is
    a 1 for one is a 0 for the other. Labels that are not complements of each other contradict that.

    Parameters
    ----------
    patterns : ndarray of int, shape (P, R)
        Input bits.
    labels : ndarray of int, shape (P, N)
        Wanted output bits.

    Examples
    --------
    >>> contradictory_pairs(np.array([[0, 0], [1, 1], [0, 1]]), np.array([[0], [0], [1]]))
    [(0, 1)]
    """
    place = {pattern.tobytes(): number for number, pattern in enumerate(patterns)}
    pairs = []
    for first, pattern in enumerate(patterns):
        second = place.get((1 - pattern).tobytes(), -1)
        if second > first and (labels[first] == labels[second]).any():
            pairs.append((first, second))
    return pairs
