"""Cell models: the current through a cell of given conductance at a given voltage.

A new one is a class with the method of `CellModel`, registered in the entry-point group ``crossbar_hil.cells``; a bench
file names it and gives its parameters.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import DataError


class CellModel(Protocol):
    """What the simulated chip asks of a cell."""

    def current(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Return the current of each cell, in amperes.

        Parameters
        ----------
        conductances, voltages : ndarray of float
            Small-signal conductance in siemens and voltage across the cell in volts, of shapes that broadcast.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ohmic:
    """I = G V.

    >>> Ohmic().current(np.array([2e-6]), np.array([0.1]))
    array([2.e-07])
    """

    def current(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Ohm's law."""
        return conductances * voltages


@dataclass(frozen=True, slots=True)
class Sinh:
    """I = G sinh(b V) / b: ohmic at small voltages, superlinear above 1/b.

    >>> Sinh(b_per_v=2.0).current(np.array([1.0]), np.array([1.0]))
    array([1.8134302])
    """

    b_per_v: float
    """Nonlinearity, in 1/V."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.b_per_v) or self.b_per_v <= 0:
            raise DataError(f"b_per_v {self.b_per_v} per volt must be finite and above zero")

    def current(self, conductances: FloatArray, voltages: FloatArray) -> FloatArray:
        """Hyperbolic sine of the voltage."""
        return conductances * (np.sinh(self.b_per_v * voltages) / self.b_per_v)
