"""The map at which the cells of a virtual chip start: what ``read --json`` printed, or a plain table."""

import json

import numpy as np

from crossbar_hil.arrays import FloatArray, checked_array
from crossbar_hil.errors import DataError
from crossbar_hil.shipped import TextFile, read_text


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
        If the file cannot be read, is no such map, has another shape, or holds a conductance below zero.
    """
    text = read_text(what, file)
    try:
        if text.lstrip().startswith("{"):
            rows = json.loads(text)["conductance_siemens"]
        else:
            lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
            rows = [[float(each) for each in line.replace(",", " ").split()] for line in lines]
        found = checked_array(f"conductances of {file}", rows, (None, None))
    except (ValueError, KeyError, TypeError) as error:
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
    return found
