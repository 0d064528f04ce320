"""Read noise, from repeated readings of cells that nothing was done to in between."""

import numpy as np

from crossbar_hil.arrays import FloatArray


def estimate_noise(rounds: list[FloatArray]) -> float:
    """Return the relative standard deviation of one reading; a slow drift is none.

    Half the mean square of successive differences is the variance: J. von Neumann, Ann. Math. Stat. 12 (1941) 367,
    doi:10.1214/aoms/1177731677.

    Parameters
    ----------
    rounds : list of ndarray of float, shape (Q, M)
        Q readings of each of M cells, in siemens, in each round; Q may differ, at least two.

    Examples
    --------
    >>> estimate_noise([np.array([[0.99], [1.01], [0.99], [1.01]])]).__round__(4)
    0.0141
    """
    squares = []
    largest = max(float(np.abs(each).max()) for each in rounds)
    for readings in rounds:
        means = readings.mean(axis=0)
        seen = np.abs(means) > 1e-6 * largest  # an open cell reads nothing
        squares.append(np.square(np.diff(readings[:, seen], axis=0) / means[seen]).ravel())
    found = np.concatenate(squares)
    return float(np.sqrt(found.mean() / 2)) if found.size else 0.0
