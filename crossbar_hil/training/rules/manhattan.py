"""The Manhattan rule: every synapse moves by one identical step, in the direction of its summed gradient."""

import numpy as np

from crossbar_hil.arrays import FloatArray


def manhattan_signs(voltages: FloatArray, deltas: FloatArray) -> FloatArray:
    """Sign of the summed gradient of every synapse (equations 4 and 5); a sum of zero has sign zero.

    Parameters
    ----------
    voltages : ndarray of float, shape (P, R)
        Row voltages, in volts.
    deltas : ndarray of float, shape (P, N)
        (target - activation) times slope of each output (equation 3).

    Returns
    -------
    ndarray of float, shape (R, N)
        -1, 0 or 1.

    Examples
    --------
    >>> manhattan_signs(np.array([[0.1, -0.1], [0.1, 0.1]]), np.array([[1.0], [1.0]]))
    array([[1.],
           [0.]])

    References
    ----------
    M. Prezioso et al., Nature 521 (2015) 61, doi:10.1038/nature14441.
    """
    # Products are rounded before they are added, so that equal and opposite ones cancel. A matrix product may fuse both
    # (fused multiply-add of the processor) and leave a rounding error whose sign would be pulsed.
    return np.sign(np.add.reduce(voltages[:, :, None] * deltas[:, None, :]))
