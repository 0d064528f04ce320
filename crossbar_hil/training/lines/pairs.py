"""Differential pairs: column 2i is the plus and column 2i+1 the minus of output i."""

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray

_SENSES = np.array([1.0, -1.0])  # of the plus and the minus cell of a pair
# Made once: this stands in the innermost loop of every training.
_PLUS, _MINUS = (..., slice(0, None, 2)), (..., slice(1, None, 2))


def difference(columns: FloatArray) -> FloatArray:
    """Plus minus minus of each pair, (..., C/2) of (..., C), for currents as for conductances (equation 2).

    Examples
    --------
    >>> difference(np.array([[3.0, 1.0, 2.0, 5.0]]))
    array([[ 2., -3.]])
    """
    return columns[_PLUS] - columns[_MINUS]


def column_name(column: int) -> str:
    """Name a column, counted from 0, by its output, counted from 1, and whether it is the plus or the minus of it.

    >>> column_name(2)
    '2+'
    """
    return f"{column // 2 + 1}{'−' if column % 2 else '+'}"


def potentiating_counts(signs: FloatArray | IntArray) -> IntArray:
    """One potentiating pulse a synapse: to its plus cell where the sign (R, N) is +1, to its minus cell where it is -1.

    Returned are the pulses for each cell, (R, 2N).

    Examples
    --------
    >>> potentiating_counts(np.array([[1.0, -1.0], [0.0, 1.0]]))
    array([[1, 0, 0, 1],
           [0, 0, 1, 0]])
    """
    return (signs[:, :, None] == _SENSES).astype(np.int64).reshape(len(signs), -1)
