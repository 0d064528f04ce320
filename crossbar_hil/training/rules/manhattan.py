"""The Manhattan rule: every synapse moves by one identical step, in the direction of its summed gradient."""

import functools

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
    # Equal and opposite products must cancel. A matrix product may fuse multiplying and adding (FMA) and leave a
    # rounding error, whose sign would be pulsed; but not where all voltages are of one size, which makes them -1, 0, 1.
    directions = _directions(voltages.tobytes(), len(voltages))
    if directions is not None:
        return np.sign(directions.dot(deltas))
    return np.sign(np.add.reduce(voltages[:, :, None] * deltas[:, None, :]))


@functools.lru_cache(maxsize=64)  # a training asks for the same voltages in every epoch
def _directions(voltages: bytes, patterns: int) -> FloatArray | None:
    """Return (R, P) voltages in units of the largest if that makes them -1, 0 and 1, else None."""
    volts = np.frombuffer(voltages).reshape(patterns, -1)
    largest = np.abs(volts).max(initial=0.0)
    if largest == 0 or not np.isin(np.abs(volts), (0.0, largest)).all():
        return None
    return np.ascontiguousarray((volts / largest).T)
