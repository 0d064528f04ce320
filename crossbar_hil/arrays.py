"""Array types of the project and the one check that an argument is what it should be."""

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar_hil.errors import DataError

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
_Scalar = TypeVar("_Scalar", bound=np.generic)


def checked_array(name: str, values: ArrayLike, shape: Sequence[int | None]) -> FloatArray:
    """Return `values` as a new float array after checking shape and finiteness.

    Parameters
    ----------
    name : str
        What the array is called in the error message.
    values : array_like
        Anything numpy turns into an array of numbers.
    shape : sequence of int or None
        Expected shape; None stands for any length of at least one.

    Raises
    ------
    DataError
        If the shape differs or an element is not a finite number.

    Examples
    --------
    >>> checked_array("voltages", [[0.1, -0.1]], (None, 2))
    array([[ 0.1, -0.1]])
    """
    try:
        raw = np.asarray(values)
        if raw.dtype.kind not in "biufO":  # text and complex numbers would be converted in silence
            raise TypeError(f"it is of type {raw.dtype}")
        array = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{name} must be a rectangular array of real numbers: {error}") from error
    fits = array.ndim == len(shape) and all(
        size > 0 if wanted is None else size == wanted for size, wanted in zip(array.shape, shape, strict=True)
    )
    if not fits:
        raise DataError(f"{name} have shape {array.shape}, expected {shape_text(shape)}")
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise DataError(f"{name} hold {array[where]} at {list(where)}, expected finite numbers")
    return array


def checked_bits(name: str, values: ArrayLike, shape: Sequence[int | None]) -> IntArray:
    """Return `values` as an array of 0 and 1.

    Raises
    ------
    DataError
        If the shape differs or an element is neither 0 nor 1.

    Examples
    --------
    >>> checked_bits("labels", [[0, 1], [1, 0]], (None, 2))
    array([[0, 1],
           [1, 0]])
    """
    array = checked_array(name, values, shape)
    odd = array[(array != 0) & (array != 1)]
    if odd.size:
        raise DataError(f"{name} hold {odd[0]:g}, expected only 0 and 1")
    return array.astype(np.int64)


def shape_text(shape: Sequence[int | None]) -> str:
    """Write a shape for a message, with * where any length will do.

    >>> shape_text((None, 4))
    '(*, 4)'
    """
    sizes = ", ".join("*" if size is None else str(size) for size in shape)
    return f"({sizes}{',' if len(shape) == 1 else ''})"


def at(row: int, column: int) -> str:
    """Write the place of a cell, as arrays and bench files count it and as the command line does.

    >>> at(0, 2)
    '[0, 2] (row 1, column 3)'
    """
    return f"[{row}, {column}] (row {row + 1}, column {column + 1})"


def stack(arrays: Sequence[NDArray[_Scalar]]) -> NDArray[_Scalar]:
    """Stack arrays of one shape; four times as fast as np.stack for many small ones, more for one and the same.

    >>> stack([np.arange(2), np.arange(2)])
    array([[0, 1],
           [0, 1]])
    """
    first = arrays[0]
    if all(each is first for each in arrays):
        return np.repeat(first[None], len(arrays), axis=0)
    return np.concatenate(arrays).reshape(len(arrays), *first.shape)
