"""Array types of the project, and the checks at the door that an argument is what it should be."""

import math
from collections.abc import Callable, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar_hil.errors import CrossbarError, DataError

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
_Scalar = TypeVar("_Scalar", bound=np.generic)
_LONGEST = 40
"""More of a value is not shown, in characters."""
TEXT, FLAG, FUNCTION, PATH = "text", "True or False", "a function", "text or a Path"
NUMBER, COUNT = "a number", "a whole number of at least 0"
CELL = "a row and a column, counted from 0"
_FITS: dict[str, Callable[[Any], object]] = {
    TEXT: lambda value: isinstance(value, str),
    FLAG: lambda value: isinstance(value, bool | np.bool_),
    FUNCTION: callable,
    PATH: lambda value: isinstance(value, str | Path),
    NUMBER: lambda value: isinstance(value, Real) and not isinstance(value, bool),
    COUNT: lambda value: _is_whole(value) and value >= 0,
    CELL: lambda value: isinstance(value, tuple | list) and len(value) == 2 and all(map(_is_whole, value)),
}


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


def expect(
    what: str | type, error: type[CrossbarError] = DataError, *, optional: bool = False, **arguments: object
) -> None:
    """Refuse arguments that are not what is expected.

    Parameters
    ----------
    what : str or type
        One of the words above, or the type that each must be of.
    error : type
        What is raised.
    optional : bool
        Whether None will do.
    **arguments
        By name.

    Examples
    --------
    >>> expect(COUNT, optional=True, seed=1, chips=None)
    >>> expect(COUNT, seed="1")
    Traceback (most recent call last):
        ...
    crossbar_hil.errors.DataError: seed must be a whole number of at least 0, not '1'
    """
    for name, value in arguments.items():
        if value is None and optional:
            continue
        if not (isinstance(value, what) if isinstance(what, type) else _FITS[what](value)):
            words = what if isinstance(what, str) else f"a {what.__name__}"
            raise error(f"{name} must be {words}{', or None' if optional else ''}, not {_shown(value)}")


def is_number(value: object) -> bool:
    """Say whether a value is a finite real number; neither truth values nor text are.

    >>> is_number(0.1), is_number(True), is_number("0.1"), is_number(float("nan"))
    (True, False, False, False)
    """
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """Write a value for a message, or its type where that says more."""
    if value is None or isinstance(value, str | bytes | Real | np.bool_):
        text = repr(value if not isinstance(value, np.generic) else value.item())
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return f"of type {type(value).__name__}"
