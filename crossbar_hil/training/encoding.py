"""From bits to volts and from labels to targets."""

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray


def row_voltages(patterns: IntArray, v0: float, v1: float) -> FloatArray:
    """Row voltages of binary patterns: `v0` for a 0, `v1` for a 1.

    Parameters
    ----------
    patterns : ndarray of int, shape (P, R)
        Bits.
    v0, v1 : float
        Voltage of a 0 and of a 1, in volts.

    Returns
    -------
    ndarray of float, shape (P, R)
        Row voltages, in volts.

    Examples
    --------
    >>> row_voltages(np.array([[0, 1, 1, 0]]), -0.1, 0.1)
    array([[-0.1,  0.1,  0.1, -0.1]])
    """
    return np.where(patterns == 1, v1, v0)


def target_activations(labels: IntArray, target0: float, target: float) -> FloatArray:
    """Activation that each output should reach: at least `target` for a 1, at most `target0` for a 0.

    Parameters
    ----------
    labels : ndarray of int, shape (P, N)
        Wanted outputs, 0 or 1.
    target0, target : float
        Targets of the two labels.

    Examples
    --------
    >>> target_activations(np.array([[0, 1]]), -0.8, 0.8)
    array([[-0.8,  0.8]])
    """
    return np.where(labels == 1, target, target0)
