"""What a program hands over, looked at once at the door: who gives the wrong type is told what is expected instead."""

import math
from collections.abc import Callable
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from crossbar_hil.errors import CrossbarError, DataError

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
