"""The map at which the cells of a virtual chip start: what ``read --json`` printed, or a plain table."""

from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.curves.files.units import unit
from crossbar_hil.curves.levels import LARGEST_SIEMENS
from crossbar_hil.errors import DataError
from crossbar_hil.parsing import parse_json
from crossbar_hil.shipped import TextFile, read_text
from crossbar_hil.text import shown

_HUGE = 1e300
"""What numpy cannot hold, and nan, are not below it."""


def spread_of_map(file: TextFile) -> dict[str, float | int]:
    """Return the spread of chips of the kind of a measured one: median and sigma of its cells, and how many these are.

    The best estimate of the median of a lognormal spread is the geometric mean of the cells.

    Raises
    ------
    DataError
        If the file is no map, or a cell of it does not conduct or all conduct the same.
    """
    found = read_map(file, what="map")
    if found.size < 2 or found.min() <= 0:
        raise DataError(f"map {file}: a spread needs two cells or more that all conduct, leave out those that are dead")
    logs = np.log(found)
    sigma = float(logs.std(ddof=1))
    return {"median_siemens": float(np.exp(logs.mean())), "sigma": sigma, "cells": int(found.size)}


def read_map(file: TextFile, shape: tuple[int, int] | None = None, what: str = "start map") -> FloatArray:
    """Read the conductance of each cell of a chip.

    Parameters
    ----------
    file : path
        What ``crossbar-hil read BENCH --json`` printed, or lines of numbers in siemens, one line a row of the chip,
        with commas or blanks between them.
    shape : (int, int), optional
        Rows and columns that it must have.
    what : str
        What the file is, for messages.

    Returns
    -------
    ndarray of float, shape (R, C)
        In siemens.

    Raises
    ------
    DataError
        If the file cannot be read, is no such map, has another shape, or holds a conductance below zero or above what
        a curve may hold.
    """
    text = read_text(what, file)
    try:
        found = _checked(_rows(text))
    except ValueError as error:
        raise DataError(
            f"{what} {file} is neither what `crossbar-hil read BENCH --json` printed nor a table of siemens: {error}"
        ) from error
    if shape is not None and found.shape != shape:
        raise DataError(
            f"{what} {file} has {found.shape[0]} by {found.shape[1]} cells, the chip {shape[0]} by {shape[1]}; "
            "rows and columns of [chip] (--rows, --columns) must be those of the map"
        )
    if found.size and found.min() < 0:
        row, column = divmod(int(found.argmin()), found.shape[1])
        raise DataError(
            f"{what} {file} holds {found.min():g} S at row {row + 1}, column {column + 1}, "
            "a conductance is not negative; read again with more care, or write 0 if it is noise about zero"
        )
    if found.max() > LARGEST_SIEMENS:
        row, column = divmod(int(found.argmax()), found.shape[1])
        raise DataError(
            f"{what} {file} holds {found.max():g} S at row {row + 1}, column {column + 1}, which exceeds "
            f"{LARGEST_SIEMENS:g} S; write the map in siemens, not in uS or ohm: 100 uS is 1e-4"
        )
    return found


def _rows(text: str) -> Any:
    """Return what stands for the rows of the chip; what is wrong is said in the terms of the file."""
    if text.lstrip().startswith("{"):
        try:
            held = parse_json(text)
        except ValueError as error:
            raise ValueError(f"it is no whole JSON, {error}") from error
        if "conductance_siemens" not in held:
            raise ValueError(f"its key must be conductance_siemens, it has {', '.join(held) or 'none'}")
        other = next((f"{key} {value!r}" for key, value in held.items() if _is_other_unit(key, value)), None)
        if other is not None:
            raise ValueError(
                f"it says {other} beside conductance_siemens, which is in siemens, 100 uS is 1e-4: write numbers in "
                "siemens and take that entry out"
            )
        return held["conductance_siemens"]
    if text.lstrip().startswith("["):
        raise ValueError('it is a list without a name; write {"conductance_siemens": before it and } behind it')
    return [
        [_number(cell, number) for cell in line.replace(",", " ").split()]
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]


def _checked(rows: Any) -> FloatArray:
    """Return the (R, C) numbers of a map; what is none is named by its row and column, counted from 1."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        raise ValueError(f"it must hold rows of numbers, [[1e-4, 2e-4], [3e-4, 4e-4]], not {shown(rows)}")
    for row, line in enumerate(rows, start=1):
        if len(line) != len(rows[0]):
            raise ValueError(f"row {row} has {len(line)} numbers, row 1 has {len(rows[0])}")
        for column, value in enumerate(line, start=1):
            if what := _why_no_number(value):
                raise ValueError(f"row {row}, column {column} holds {shown(value)}, {what}")
    return np.array(rows, dtype=np.float64)


def _why_no_number(value: Any) -> str:
    if isinstance(value, str):
        return "text, not a number"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "not a number"
    return "" if abs(value) < _HUGE else "not a finite number"


def _is_other_unit(key: str, value: Any) -> bool:
    """Say whether an entry beside the map names a unit that is not the siemens."""
    if "unit" not in key.lower():
        return False
    told = unit(value, "conductance") if isinstance(value, str) else None
    return told is None or told.factor != 1.0


def _number(cell: str, line: int) -> float:
    try:
        return float(cell)
    except ValueError:
        raise ValueError(f"line {line}: {cell!r} is not a number") from None
