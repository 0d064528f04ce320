"""From bits to volts and from labels to targets."""

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray


def row_voltages(patterns: IntArray, v0: float, v1: float) -> FloatArray:
    """Row voltages (P, R), in volts, of binary patterns: `v0` for a 0, `v1` for a 1.

    Examples
    --------
    >>> row_voltages(np.array([[0, 1, 1, 0]]), -0.1, 0.1)
    array([[-0.1,  0.1,  0.1, -0.1]])
    """
    return np.where(patterns == 1, v1, v0)


def target_activations(labels: IntArray, target0: float, target: float) -> FloatArray:
    """Activation that each output (P, N) should reach: at least `target` for a 1, at most `target0` for a 0.

    Examples
    --------
    >>> target_activations(np.array([[0, 1]]), -0.8, 0.8)
    array([[-0.8,  0.8]])
    """
    return np.where(labels == 1, target, target0)
