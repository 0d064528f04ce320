"""What each cell has received so far, pulses and dose, and whether more would exceed what a cell may ever get."""

import unicodedata

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arrays import FloatArray, IntArray, at, checked_array
from crossbar_hil.errors import DataError, LimitError

ROUNDING = 1e-9
"""Relative excess that is only the rounding of a sum of many doses."""


class Spent:
    """Pulses and dose of every cell, summed up.

    Parameters
    ----------
    shape : tuple of int
        (R, C) of the chip.
    pulses : array_like of int, shape (R, C), optional
        Pulses that each cell has received before; none if not given.
    dose_vs : array_like of float, shape (R, C), optional
        Dose that each cell has received before, in volt seconds: the sum of voltage times width; none if not given.

    Raises
    ------
    DataError
        If a total has another shape, is negative or no number.

    Examples
    --------
    >>> spent = Spent((1, 2), pulses=[[9, 0]])
    >>> spent.check([[1, 1]], [[0.1, 0.1]], most_pulses=10)
    >>> spent.add([[1, 0]], [[0.1, 0.0]])
    >>> spent.check([[1, 1]], [[0.1, 0.1]], most_pulses=10)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    crossbar_hil.errors.LimitError: cell [0, 0] (row 1, column 1) has had 10 pulses, so 1 more would ...
    """

    def __init__(
        self, shape: tuple[int, int], pulses: ArrayLike | None = None, dose_vs: ArrayLike | None = None
    ) -> None:
        self.pulses: IntArray = np.zeros(shape, dtype=np.int64)
        """(R, C) pulses so far."""
        self.dose_vs: FloatArray = np.zeros(shape)
        """(R, C) dose so far, in volt seconds."""
        if pulses is not None:
            self.pulses += _whole_numbers(pulses, shape)
        if dose_vs is not None:
            self.dose_vs += _totals("doses so far", dose_vs, shape)

    def check(
        self,
        pulses: ArrayLike,
        dose_vs: ArrayLike,
        *,
        most_pulses: int | None = None,
        most_dose_vs: float | None = None,
    ) -> None:
        """Refuse what would exceed a bound of a cell; nothing is added.

        Parameters
        ----------
        pulses, dose_vs : array_like, shape (R, C)
            What each cell would receive.
        most_pulses : int, optional
            Most pulses that a cell may ever get.
        most_dose_vs : float, optional
            Largest dose that a cell may ever get, in volt seconds.

        Raises
        ------
        LimitError
            Naming the first cell that would get too much.
        """
        more, dose = np.asarray(pulses), np.asarray(dose_vs)
        if most_pulses is not None:
            over = (more > 0) & (self.pulses + more > most_pulses)
            if over.any():
                cell = _first(over)
                raise LimitError(
                    f"cell {at(*cell)} has had {self.pulses[cell]} pulses, so {more[cell]} more would exceed its "
                    f"limit of {most_pulses} pulses"
                )
        if most_dose_vs is not None:
            over = (dose > 0) & (self.dose_vs + dose > most_dose_vs * (1 + ROUNDING))
            if over.any():
                cell = _first(over)
                raise LimitError(
                    f"cell {at(*cell)} has had a dose of {self.dose_vs[cell]:g} V s, so {dose[cell]:g} V s more would "
                    f"exceed its limit of {most_dose_vs:g} V s"
                )

    def add(self, pulses: ArrayLike, dose_vs: ArrayLike) -> None:
        """Add what each cell receives; negative what it did not receive after all."""
        self.pulses += np.asarray(pulses)
        self.dose_vs += np.asarray(dose_vs)


def _first(mask: np.ndarray) -> tuple[int, int]:
    row, column = np.argwhere(mask)[0]
    return int(row), int(column)


def _totals(name: str, values: ArrayLike, shape: tuple[int, int]) -> FloatArray:
    array = checked_array(name, values, shape)
    if (array < 0).any():
        raise DataError(f"{name} hold {array.min():g}, expected none below zero")
    return array


def _whole_numbers(values: ArrayLike, shape: tuple[int, int]) -> IntArray:
    array = _totals("pulses so far", values, shape)
    if (array != np.floor(array)).any():
        raise DataError("pulses so far hold a part of a pulse, expected whole numbers")
    return array.astype(np.int64)


def chip_key(name: str) -> str:
    """Return what the name of a chip is compared by: case makes no difference, nor how a letter is put together.

    >>> chip_key("Wafer 3 DIE A") == chip_key("wafer 3 die a"), chip_key("Caf\u00e9") == chip_key("cafe\u0301")
    (True, True)
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
