"""An estimate with its interval, from probabilities on a grid."""

from dataclasses import dataclass

import numpy as np

from crossbar_hil.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Number:
    """An estimate and its central 95 % interval."""

    value: float
    low: float
    high: float


def number_of(share: FloatArray, values: FloatArray, least: float | None = None) -> Number:
    """Return the mean of rising values (G,) by their probabilities, and the ends of the central 95 %, interpolated.

    The first value may stand for all that are smaller: `least` is then the low end, if its probability reaches there.

    Parameters
    ----------
    least : float, optional
        What the first value stands for down to; itself if not given.

    Examples
    --------
    >>> number_of(np.array([0.25, 0.5, 0.25]), np.array([0.0, 1.0, 2.0]))
    Number(value=1.0, low=0.0, high=2.0)
    """
    below = np.cumsum(share) - share / 2
    low, high = (float(each) for each in np.interp([0.025, 0.975], below, values))
    if least is not None and share[0] > 0.025:
        low = least
    return Number(float((share * values).sum()), low, high)
