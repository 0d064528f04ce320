"""Cell models that a kernel knows, as numbers."""

from typing import NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray

from .cells import CellModel, Cubic, Sinh, Tabulated

SINH, CUBIC, TABLE = 1, 2, 3
_NO_NUMBERS, _NO_TABLE = np.zeros(2), np.zeros((5, 1))


class Form(NamedTuple):
    """A cell model whose current is in proportion to its conductance.

    Attributes
    ----------
    kind : int
        `SINH`, `CUBIC` or `TABLE`.
    numbers : ndarray of float, shape (2,)
        b in 1/V, and the factor of all conductances; or the factors of V and V^3 for a cell of 1 S.
    table : ndarray of float, shape (5, K)
        Knots in V, and the coefficients of the cubic that begins at each, for a cell of 1 S.
    """

    kind: int
    numbers: FloatArray
    table: FloatArray


def form_of(cell: CellModel) -> Form | None:
    """Return a cell model as numbers, None if no kernel knows it."""
    if type(cell) is Sinh:
        return Form(SINH, np.array([cell.b_per_v, cell.of_one_siemens]), _NO_TABLE)
    if type(cell) is Cubic:
        return Form(CUBIC, np.array(cell.of_one_siemens), _NO_TABLE)
    if type(cell) is Tabulated:
        knots, pieces = cell.pieces
        return Form(TABLE, _NO_NUMBERS, np.vstack([knots, pieces]))
    return None
