"""Cells that are not ohmic: Newton's method around the linear solution.

Each step replaces every cell by its tangent, a conductance f'(v) in series with a source v - f(v) / f'(v), and solves
the linear crossbar. The current of a cell grows with its voltage, so the circuit minimises a convex function, its
co-content (W. Millar, Phil. Mag. 42 (1951) 1150). A step that overshoots its minimum along the way is shortened.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import BackendError, DataError

from ..cells import CellModel
from .engine import TOLERANCE, Engine
from .network import Network

MOST_STEPS = 200
NEAR = 1e-6
"""From this residual on no step is shortened: what is left to judge it by is rounding."""
ROUGH = 1e-2
"""To this the linear crossbar is solved at first; later to a tenth of what the next step can hope for."""
SETTLED = 1e-10
"""Currents that the tangents leave out, relative to the current of their column, at which Newton's method stops."""


@dataclass(frozen=True, eq=False)
class Settled:
    """What Newton's method found.

    Attributes
    ----------
    words, bits : (R, C) V
    residuals : tuple of float
        After each step, largest over the columns: current that the tangents leave out, relative to the column's own.
    """

    words: FloatArray
    bits: FloatArray
    residuals: tuple[float, ...]


def newton(engine: Engine, cell: CellModel, conductances: FloatArray, drive: FloatArray) -> Settled:
    """Solve a crossbar of cells that are not ohmic for one vector, starting from ohmic ones.

    Parameters
    ----------
    engine : Engine
        Its cells are overwritten.
    cell : CellModel
    conductances : ndarray of float, shape (R, C)
        In siemens.
    drive : ndarray of float, shape (R,)
        In volts.

    Raises
    ------
    BackendError
        If Newton's method does not settle.
    DataError
        If the cell model has no slope.
    """
    if not hasattr(cell, "slope"):
        raise DataError(f"cell model {type(cell).__name__} has no slope(), which a circuit with wires needs")
    with np.errstate(over="ignore", invalid="ignore"):  # a step may go far too far, and is shortened then
        return _settled(engine, cell, conductances, drive)


def _settled(engine: Engine, cell: CellModel, conductances: FloatArray, drive: FloatArray) -> Settled:
    engine.set_cells(conductances)
    words, bits = engine.solve(drive, None, ROUGH)
    across = words - bits
    current = cell.current(conductances, across)
    left_out: FloatArray | None = current - conductances * across
    limited = _limited(engine.net, cell, conductances, drive, across, current)
    if limited is not across:  # now wires and cells do not fit together, so that the first step cannot be judged
        across, current, left_out = limited, cell.current(conductances, limited), None
    residuals: list[float] = []
    tolerance = ROUGH
    for _ in range(MOST_STEPS):
        tangent = cell.slope(conductances, across)
        engine.set_cells(tangent)
        emf = across - np.divide(current, tangent, out=across.copy(), where=tangent > 0)
        new_words, new_bits = engine.solve(drive, emf, tolerance)
        change = new_words - new_bits - across
        new_current = cell.current(conductances, across + change)
        rest = new_current - current - tangent * change
        if left_out is not None and (not residuals or residuals[-1] > NEAR) and not _falls(rest, left_out, change):
            part = _shortened(cell, conductances, across, change, current, tangent, left_out)
            new_words, new_bits = words + part * (new_words - words), bits + part * (new_bits - bits)
            new_current = cell.current(conductances, across + part * change)
            rest = (1 - part) * left_out + new_current - current - part * tangent * change
        words, bits, across, current, left_out = new_words, new_bits, new_words - new_bits, new_current, rest
        columns = np.abs(current.sum(axis=0))
        scale = np.maximum(columns, 1e-6 * columns.max())
        missing = np.abs(rest).sum(axis=0)
        residual = float(np.divide(missing, scale, out=np.zeros_like(scale), where=missing > 0).max())
        if not np.isfinite(residual):
            break
        residuals.append(residual)
        if residual <= SETTLED and tolerance <= TOLERANCE:
            return Settled(words, bits, tuple(residuals))
        tolerance = TOLERANCE if residual <= SETTLED else max(TOLERANCE, min(ROUGH, 0.1 * residual**2))
    reached = f"{residuals[-1]:.1e}" if residuals else "no number"
    raise BackendError(
        f"the currents of {type(cell).__name__} cells did not settle in {len(residuals)} steps: "
        f"{reached} of a column's current is left, at most {SETTLED:g} is allowed"
    )


def _limited(
    net: Network, cell: CellModel, conductances: FloatArray, drive: FloatArray, across: FloatArray, current: FloatArray
) -> FloatArray:
    """Return voltages, lower where need be, at which the wires could carry the currents: a better guess to start from.

    No node lies outside the drive voltages, so there is a bound to what a segment, two of which lead to each cell, and
    to what the end of a line can carry.
    """
    span = max(drive.max(), 0.0) - min(drive.min(), 0.0)
    by_cell = _ratio(2 * span, net.row_ohm[:, None] + net.column_ohm)
    size = np.minimum(np.abs(current), by_cell)
    of_row = np.minimum(1.0, _ratio(_ratio(2 * span, net.row_ohm), size.sum(axis=1)))
    of_column = np.minimum(1.0, _ratio(_ratio(2 * span, net.column_ohm), size.sum(axis=0)))
    bound = size * np.minimum(of_row[:, None], of_column)
    above = ~(np.abs(current) <= bound)
    if not above.any():
        return across
    siemens, whole, bound = conductances[above], across[above], bound[above]
    low, high = np.zeros_like(whole), np.ones_like(whole)
    for _ in range(40):
        middle = 0.5 * (low + high)
        fits = np.abs(cell.current(siemens, middle * whole)) <= bound
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    limited = across.copy()
    limited[above] = low * whole
    return limited


def _ratio(above: ArrayLike, below: FloatArray) -> FloatArray:
    """Quotient, infinite where the divisor is 0."""
    return np.divide(above, below, out=np.full(below.shape, np.inf), where=below > 0)


def _falls(rest: FloatArray, left_out: FloatArray, change: FloatArray) -> bool:
    """Whether the co-content still falls, or rises less than half as steeply as it fell at the start of the step."""
    return bool((rest * change).sum() <= 0.5 * abs((left_out * change).sum()))


def _shortened(
    cell: CellModel,
    conductances: FloatArray,
    across: FloatArray,
    change: FloatArray,
    current: FloatArray,
    tangent: FloatArray,
    left_out: FloatArray,
) -> float:
    """Return the part of a step at which the co-content is about least: its slope along the step rises all the way."""
    start = abs(float((left_out * change).sum()))
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        rest = cell.current(conductances, across + middle * change) - current - middle * tangent * change
        rising = float((((1 - middle) * left_out + rest) * change).sum())
        if abs(rising) <= 0.5 * start:
            return middle
        low, high = (middle, high) if rising < 0 else (low, middle)  # not a number: too far
    return 0.5 * (low + high)
