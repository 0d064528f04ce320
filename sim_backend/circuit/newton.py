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

from .bounds import LAST, MOST_STEPS, NEAR, ROUGH, SETTLED
from .cells import CellModel
from .engine import CompiledEngine, Engine
from .forms import form_of
from .layout import BLOCK
from .network import Network
from .tangents import OperatingPoint, Stepper, kernel_stepper, numpy_stepper, point_at_rest


@dataclass(frozen=True, eq=False)
class NewtonSolution:
    """What Newton's method found.

    Attributes
    ----------
    words, bits : (R, C) V
    cells : (R, C) A
    residuals : tuple of float
        After each step, largest over the columns: current that the tangents leave out, relative to the column's own.
    """

    words: FloatArray
    bits: FloatArray
    cells: FloatArray
    residuals: tuple[float, ...]


def newton(
    engine: Engine, cell: CellModel, conductances: FloatArray, drive: FloatArray, ends: FloatArray | None = None
) -> NewtonSolution:
    """Solve a crossbar of cells that are not ohmic for one vector, starting from ohmic ones.

    Parameters
    ----------
    conductances : ndarray of float, shape (R, C)
        In siemens.
    drive : ndarray of float, shape (R,)
        In volts.
    ends : ndarray of float, shape (C,), optional
        Voltages at which the ends of the bit lines are held, 0 V if not given.

    Raises
    ------
    BackendError
        If Newton's method does not settle.
    DataError
        If the cell model has no slope, or does not hold at the voltages found.
    """
    if not hasattr(cell, "slope"):
        raise DataError(f"cell model {type(cell).__name__} has no slope(), which a circuit with wires needs")
    if not (drive.any() or (ends is not None and ends.any())):
        zero = np.zeros(conductances.shape)
        if not cell.current(conductances, zero).any():
            return NewtonSolution(zero, zero, zero, ())
    extended = getattr(cell, "extended", None)
    everywhere: CellModel = cell if extended is None else extended()
    with np.errstate(over="ignore", invalid="ignore"):  # a step may go far too far, and is shortened then
        if isinstance(engine, CompiledEngine) and conductances.size >= BLOCK and (known := form_of(cell)) is not None:
            first = conductances * _chords(everywhere, drive)[:, None]
            step = kernel_stepper(known, conductances, engine.points)
        else:
            first, step = conductances, numpy_stepper(everywhere, conductances)
        found = _settle(_Lines(engine, drive, ends), everywhere, conductances, first, step)
    if extended is not None:
        cell.current(conductances, found.words - found.bits)  # raises where the model does not hold
    return found


def _chords(cell: CellModel, drive: FloatArray) -> FloatArray:
    """Return conductances (R,) of cells of 1 S with the chord of their curve at the voltage of their row.

    A steep curve would have next to no chord there that its wires could feed: four times the slope at 0 V is enough.
    """
    unit = np.ones(len(drive))
    slope: FloatArray = cell.slope(unit, np.zeros(len(drive)))
    chord = np.divide(cell.current(unit, drive), drive, out=slope.copy(), where=drive != 0)
    return np.minimum(chord, 4 * slope)


class _Lines:
    """The linear circuit between the voltages at the ends of all word lines (R,) and all bit lines (C,), in volts."""

    def __init__(self, engine: Engine, drive: FloatArray, ends: FloatArray | None) -> None:
        self.net, self._engine, self._drive, self._ends = engine.net, engine, drive, ends
        held = drive if ends is None else np.concatenate([drive, ends])
        self.span = max(held.max(), 0.0) - min(held.min(), 0.0)
        """Between the highest and the lowest voltage, 0 V among them."""

    def solve(self, cells: FloatArray, emf: FloatArray | None, tolerance: float) -> tuple[FloatArray, FloatArray]:
        """Return potentials (R, C) of the nodes as an engine does.

        A bit line hangs on nothing but its end and its cells: lifted as a whole, it is one that ends at 0 V with
        another source in each cell.
        """
        if self._ends is None:
            return self._engine.solve(cells, self._drive, emf, tolerance)
        lift = np.zeros(self.net.shape) + self._ends
        words, bits = self._engine.solve(cells, self._drive, lift if emf is None else emf + lift, tolerance)
        return words, bits + lift


def _settle(
    lines: _Lines, cell: CellModel, conductances: FloatArray, first: FloatArray, step: Stepper
) -> NewtonSolution:
    words, bits = lines.solve(first, None, ROUGH)
    point, _, _ = step(point_at_rest(first), words, bits, 1.0)
    limited = _limit_voltages(lines.net, cell, conductances, lines.span, point)
    judged = limited is point.volts
    if not judged:  # wires and cells do not fit together, so that the first step cannot be judged
        zero = np.zeros(conductances.shape)
        point, _, _ = step(point_at_rest(zero), limited, zero, 1.0)
    residuals: list[float] = []
    tolerance = ROUGH
    for _ in range(MOST_STEPS):
        new_words, new_bits = lines.solve(point.slopes, point.emf, tolerance)
        new, rising, falling = step(point, new_words, new_bits, 1.0)
        # It may still fall along the step, or rise less than half as steeply as it fell at the start.
        if judged and not (residuals and residuals[-1] <= NEAR) and not rising <= 0.5 * abs(falling):
            part, new = _shorten_step(step, point, new_words, new_bits, abs(falling))
            new_words, new_bits = words + part * (new_words - words), bits + part * (new_bits - bits)
        words, bits, point, judged = new_words, new_bits, new, True
        residual = point.residual
        if not np.isfinite(residual):
            break
        residuals.append(residual)
        if residual <= SETTLED and tolerance <= LAST:
            return NewtonSolution(words, bits, point.currents, tuple(residuals))
        tolerance = LAST if residual <= SETTLED else max(LAST, min(ROUGH, 0.1 * residual**2))
    reached = f"{residuals[-1]:.1e}" if residuals else "no number"
    raise BackendError(
        f"the currents of {type(cell).__name__} cells did not settle in {len(residuals)} steps: "
        f"{reached} of a column's current is left, at most {SETTLED:g} is allowed"
    )


def _limit_voltages(
    net: Network, cell: CellModel, conductances: FloatArray, span: float, point: OperatingPoint
) -> FloatArray:
    """Return voltages, lower where need be, at which the wires could carry the currents: a better guess to start from.

    No node lies outside the span of the drive voltages, so there is a bound to what a segment, two of which lead to
    each cell, and to what the end of a line can carry.
    """
    across, size = point.volts, np.abs(point.currents)
    if size.sum() * (net.row_ohm.max() + net.column_ohm.max()) <= 2 * span:
        return across
    loads = size.sum(axis=1) * net.row_ohm, size.sum(axis=0) * net.column_ohm
    if max(loads[0].max() + loads[1].max(), 0.0) <= 2 * span:
        return across
    by_cell = _ratio(2 * span, net.row_ohm[:, None] + net.column_ohm)
    held = np.minimum(size, by_cell)
    of_row = np.minimum(1.0, _ratio(_ratio(2 * span, net.row_ohm), held.sum(axis=1)))
    of_column = np.minimum(1.0, _ratio(_ratio(2 * span, net.column_ohm), held.sum(axis=0)))
    bound = held * np.minimum(of_row[:, None], of_column)
    above = ~(size <= bound)
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


def _shorten_step(
    step: Stepper, point: OperatingPoint, words: FloatArray, bits: FloatArray, falling: float
) -> tuple[float, OperatingPoint]:
    """Return the part of a step at which the co-content is about least, and the point there.

    The slope of the co-content rises all the way along the step.
    """
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        new, rising, _ = step(point, words, bits, middle)
        if abs(rising) <= 0.5 * falling:
            break
        low, high = (middle, high) if rising < 0 else (low, middle)  # not a number: too far
    return middle, new
