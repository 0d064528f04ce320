"""One step of Newton's method at every cell: a kernel for the models it knows, numpy for the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from crossbar_hil.arrays import FloatArray

from .cells import CellModel
from .forms import SINH, Form


@dataclass(frozen=True, eq=False, slots=True)
class OperatingPoint:
    """All cells at some voltages, all (R, C).

    Attributes
    ----------
    volts, currents, slopes : ndarray of float
        In volts, amperes, siemens.
    emf : ndarray of float
        Source in series with the slope, in volts, that makes it the tangent of the cell.
    left_out : ndarray of float
        What the tangents of the step that led here left out of the currents, in amperes.
    residual : float
        Largest over the columns: sum of the sizes of what was left out, relative to the column's current.
    """

    volts: FloatArray
    currents: FloatArray
    slopes: FloatArray
    emf: FloatArray
    left_out: FloatArray
    residual: float


def point_at_rest(slopes: FloatArray) -> OperatingPoint:
    """Return cells of given slopes (R, C), in siemens, at 0 V."""
    zero = np.zeros(slopes.shape)
    return OperatingPoint(zero, zero, slopes, zero, zero, 0.0)


Stepper: TypeAlias = Callable[[OperatingPoint, FloatArray, FloatArray, float], tuple[OperatingPoint, float, float]]
"""From a point, potentials of the word and of the bit lines (R, C) in volts, and a share, to the point that lies this
share of the way to them, and the slopes of the co-content along the way, in watt: there, and at its start."""


def numpy_stepper(cell: CellModel, conductances: FloatArray) -> Stepper:
    """Step with a model of which nothing is known."""

    def step(
        point: OperatingPoint, words: FloatArray, bits: FloatArray, share: float
    ) -> tuple[OperatingPoint, float, float]:
        change = words - bits - point.volts
        volts = point.volts + share * change
        currents, slopes = cell.current(conductances, volts), cell.slope(conductances, volts)
        rest = currents - point.currents - share * point.slopes * change
        if share < 1:
            rest += (1 - share) * point.left_out
        emf = volts - np.divide(currents, slopes, out=volts.copy(), where=slopes > 0)
        return (
            OperatingPoint(volts, currents, slopes, emf, rest, _residual(currents, rest)),
            float((rest * change).sum()),
            float((point.left_out * change).sum()),
        )

    return step


def _residual(currents: FloatArray, left_out: FloatArray) -> float:
    columns, missing = np.abs(currents.sum(axis=0)), np.abs(left_out).sum(axis=0)
    scale = np.maximum(columns, 1e-6 * columns.max())
    return float(np.divide(missing, scale, out=np.zeros_like(scale), where=missing > 0).max())


def kernel_stepper(form: Form, conductances: FloatArray, memory: FloatArray) -> Stepper:
    """Step with a model that the kernel knows; it is compiled at the first call, or loaded.

    `memory` (2, 5, R, C) holds the last point and the one before, from which a step may be taken again.
    """
    from .cell_kernels import evaluate_cells  # noqa: PLC0415 - numba is loaded when it is needed

    flat = conductances.ravel() * form.numbers[1] if form.kind == SINH else conductances.ravel()
    last, half = None, 0

    def step(
        point: OperatingPoint, words: FloatArray, bits: FloatArray, share: float
    ) -> tuple[OperatingPoint, float, float]:
        nonlocal last, half
        if point is last:
            half = 1 - half
        new = memory[half]
        volts, currents, slopes, emf, rest = new.reshape(5, -1)
        rising, falling, residual = evaluate_cells(
            *form, share, flat, words.ravel(), bits.ravel(), point.volts.ravel(), point.currents.ravel(),
            point.slopes.ravel(), point.left_out.ravel(), volts, currents, slopes, rest, emf, conductances.shape[1],
        )  # fmt: skip
        last = OperatingPoint(new[0], new[1], new[2], new[3], new[4], residual)
        return last, rising, falling

    return step
