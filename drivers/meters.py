"""Whether further meters show of a chip what the first one shows: each may be wired to another row than it should."""

from collections.abc import Mapping, Sequence

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.text import quantity

ALIKE = 0.1
"""Two meters are no further apart than this share of what they show: their gains are good to less than 0.1 %, and a
cell that varies from reading to reading may do so by some per cent."""
NOISE = 1e-5
"""And this share of their range, for noise: ten times the last of six digits."""


def problem_of_meters(
    alone: FloatArray, together: FloatArray, columns: Mapping[str, Sequence[int]], range_a: float, voltage_v: float
) -> str:
    """Say which further meter does not show what the first does; empty if all do.

    Parameters
    ----------
    alone, together : ndarray of float, shape (R, C)
        Conductances in siemens as the first meter shows them, and as each column's own meter does.
    columns : mapping of str to sequence of int
        Columns that each further meter measures, by its name.
    range_a, voltage_v : float
        Range of the meters in a read, in amperes, and the voltage.
    """
    beyond = np.abs(together - alone) - ALIKE * np.abs(alone) - NOISE * range_a / abs(voltage_v)
    for name, mine in columns.items():
        row, place = np.unravel_index(int(beyond[:, mine].argmax()), (len(alone), len(mine)))
        column = mine[int(place)]
        if beyond[row, column] > 0:
            return (
                f"{name} shows {quantity(together[row, column], 'S')} between row {row + 1} and column {column + 1}, "
                f"where the first meter shows {quantity(alone[row, column], 'S')}: see that it is on the matrix row of "
                "wiring.ports, and that its range and its zero are those of the first"
            )
    return ""
