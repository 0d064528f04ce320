"""Cells that are not ohmic in the circuit of a bench: Newton's method on its nodal equations.

Each step replaces every cell by its tangent, a conductance and a current source, and solves the linear circuit. The
current of a cell grows with its voltage, so the circuit minimises a convex function, its co-content (W. Millar, Phil.
Mag. 42 (1951) 1150). A step that overshoots its minimum along the way is shortened.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import BackendError

from ...circuit.cells import CellModel

MOST_STEPS = 200
SMALL = 1e-7
"""A step of less than this, relative to the largest voltage, is not shortened and squares the error that is left."""


class Cells(NamedTuple):
    """Cells between pairs of nodes."""

    ends: list[tuple[str, str]]
    siemens: FloatArray
    """Their conductances in the sense of the model, one for each pair."""
    model: CellModel

    def amperes(self, volts: Mapping[str, float]) -> list[float]:
        """Return the current of each from its first node to its second, in amperes."""
        across = np.array([volts[first] - volts[second] for first, second in self.ends])
        found: list[float] = self.model.current(self.siemens, across).tolist()
        return found


def settle(
    matrix: FloatArray, right: FloatArray, cells: Cells, index: Mapping[str, int | None], start: FloatArray
) -> FloatArray:
    """Return the node voltages at which the linear circuit and the cells agree.

    Parameters
    ----------
    matrix : ndarray of float, shape (N, N)
        Nodal conductances of everything linear, in siemens.
    right : ndarray of float, shape (N,)
        Currents of the sources into the nodes, in amperes.
    cells : Cells
    index : mapping
        Place of each node in the matrix, None for the reference.
    start : ndarray of float, shape (N,)
        Where to begin, in volts.

    Raises
    ------
    BackendError
        If the steps do not end.
    """
    size = len(right)
    places = [[size if index[node] is None else index[node] for node in pair] for pair in cells.ends]
    near, far = np.array(places, dtype=np.int64).reshape(-1, 2).T
    incidence = np.zeros((size + 1, len(near)))
    incidence[near, np.arange(len(near))] += 1
    incidence[far, np.arange(len(far))] -= 1
    incidence = incidence[:size]
    model, siemens = cells.model, cells.siemens
    volts: FloatArray = start
    across: FloatArray = start @ incidence
    with np.errstate(over="ignore", invalid="ignore"):  # a step may go far too far, and is shortened then
        currents = model.current(siemens, across)
        for _ in range(MOST_STEPS):
            slopes = model.slope(siemens, across)
            tangents = matrix + (incidence * slopes) @ incidence.T
            found = np.linalg.solve(tangents, right - incidence @ (currents - slopes * across))
            goal = found.astype(np.float64, copy=False)
            change = goal - volts
            if np.abs(change).max() <= SMALL * max(1.0, np.abs(goal).max()):
                return goal
            share = _share_of_step(matrix, right - matrix @ volts, change, cells, across, change @ incidence)
            volts = goal if share == 1 else volts + share * change
            across = volts @ incidence
            currents = model.current(siemens, across)
    raise BackendError(f"the voltages of a circuit with {type(model).__name__.lower()} cells do not settle")


def _share_of_step(
    matrix: FloatArray, missing: FloatArray, change: FloatArray, cells: Cells, across: FloatArray, moves: FloatArray
) -> float:
    """Return the share of a step to go: all of it, or about up to where the co-content is least along the way.

    Its slope, in watt, rises all the way.

    Parameters
    ----------
    matrix : ndarray of float, shape (N, N)
        As of `settle`.
    missing : ndarray of float, shape (N,)
        Current into each node that the linear circuit does not carry off where the step begins, in amperes.
    change, moves : ndarray of float, shape (N,), (cells,)
        Of the node voltages and of the voltages across the cells in the whole step, in volts.
    across : ndarray of float, shape (cells,)
        Voltages across the cells where the step begins, in volts.
    """
    linear, curved = -float(change @ missing), float(change @ (matrix @ change))

    def slope(share: float) -> float:
        return linear + share * curved + float(moves @ cells.model.current(cells.siemens, across + share * moves))

    most = 0.5 * abs(slope(0.0))
    if slope(1.0) <= most:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        share = 0.5 * (low + high)
        here = slope(share)
        if abs(here) <= most:
            break
        low, high = (share, high) if here < 0 else (low, share)  # not a number: too far
    return share
