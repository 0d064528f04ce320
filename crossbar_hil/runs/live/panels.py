"""Panels: what a page shows of a run, as plain data that any page can draw; nothing here knows what a run is of."""

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arrays import FloatArray, IntArray

MOST_POINTS = 400
"""A line is drawn of so many points at most."""
MOST_FIELDS = 60
"""Receptive fields that are shown at most."""


class Panel(NamedTuple):
    """One part of a page; of the same name in every run of a kind, so that runs can be laid side by side."""

    name: str
    title: str
    form: str
    """``lines``, ``map``, ``cells``, ``fields``, ``targets`` or ``bars``: its function says what `data` holds."""
    data: dict[str, Any]
    about: str = ""
    """A word below the title."""


class Standing(NamedTuple):
    """How far a run has come."""

    done: int = 0
    most: int = 0
    """Where it ends if nothing ends it before; 0 if that is not known."""
    noun: str = "steps"
    """What is counted."""
    step_s: float | None = None
    """Time that one took of late, in seconds; None if that is not known."""
    numbers: Sequence[tuple[str, str]] = ()
    """Values in words, each with what it is."""


class Wear(NamedTuple):
    """What a run did to the cells of a chip of R rows and C columns."""

    first: FloatArray
    """(R, C) conductances before its first pulse, in siemens."""
    last: FloatArray
    """(R, C) conductances when they were read last, in siemens."""
    pulses: IntArray
    """(R, C) pulses that each cell was sent."""
    dose_vs: FloatArray
    """(R, C) their sum of voltage times width, without sign, in volt-seconds."""


def plain(values: ArrayLike, digits: int = 6) -> Any:
    """Return numbers as lists of a few digits; None for what is none, which JSON does not have.

    >>> plain([[1 / 3, float("nan")]])
    [[0.333333, None]]
    """
    if isinstance(values, list | tuple | np.ndarray):
        return [plain(each, digits) for each in values]
    number = float(values)  # type: ignore[arg-type]
    return float(f"{number:.{digits}g}") if math.isfinite(number) else None


def decimated(values: ArrayLike, most: int = MOST_POINTS) -> IntArray:
    """Return the places of so many values, and of both ends, that look like all: least and largest of each stretch.

    >>> decimated([0, 1, 0, 0, 5, 0, 0, 0], 4)
    array([0, 1, 4, 5, 7])
    """
    found = np.asarray(values, dtype=np.float64)
    if len(found) <= most:
        return np.arange(len(found))
    places = [0, len(found) - 1]
    for part in np.array_split(np.arange(len(found)), max(most // 2, 1)):
        places += [part[np.argmin(found[part])], part[np.argmax(found[part])]]
    return np.unique(places).astype(np.int64)


def lines(
    name: str,
    title: str,
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    *,
    x_label: str,
    y_label: str,
    levels: Mapping[str, float] | None = None,
    linear_below: float | None = None,
    low: float | None = None,
    about: str = "",
) -> Panel:
    """Return lines over x.

    Parameters
    ----------
    levels : mapping, optional
        Heights that mean something, by what they mean.
    linear_below : float, optional
        With it the scale is logarithmic above this height and linear below, so that zero has a place.
    low : float, optional
        The height at the bottom; what the lines have if not given.
    """
    across = np.asarray(x, dtype=np.float64)
    drawn = []
    for each, values in series.items():
        places = decimated(values)
        heights = np.asarray(values, dtype=np.float64)[places]
        drawn.append({"name": each, "x": plain(across[places]), "y": plain(heights)})
    data = {"series": drawn, "x_label": x_label, "y_label": y_label, "levels": dict(levels or {})}
    return Panel(name, title, "lines", data | {"linear_below": linear_below, "low": low}, about)


def grid(
    name: str,
    title: str,
    values: ArrayLike,
    unit: str,
    named: tuple[Sequence[str], Sequence[str]],
    *,
    marks: Mapping[str, ArrayLike] | None = None,
    about: str = "",
) -> Panel:
    """Return a map: a value a cell, names of rows and columns, and places that are marked, (R, C) bools by a word."""
    rows, columns = named
    marked = {word: np.argwhere(places).tolist() for word, places in (marks or {}).items() if np.any(places)}
    data = {"values": plain(values, 4), "unit": unit, "rows": list(rows), "columns": list(columns), "marks": marked}
    return Panel(name, title, "map", data, about)


def cells(
    name: str,
    title: str,
    x: ArrayLike,
    values: FloatArray,
    unit: str,
    named: tuple[Sequence[str], Sequence[str]],
    *,
    x_text: str,
) -> Panel:
    """Return one small line a cell, of (X, R, C) values, laid out as the chip is; `x_text` says what x is."""
    rows, columns = named
    data = {"x": plain(x), "y": plain(np.moveaxis(values, 0, -1), 4), "unit": unit, "x_text": x_text}
    return Panel(name, title, "cells", data | {"rows": list(rows), "columns": list(columns)})


def fields(name: str, title: str, weights: ArrayLike, labels: Sequence[str] | None, unit: str) -> Panel:
    """Return receptive fields of (inputs, neurons) weights: an image a neuron, a byte a pixel, dark for low."""
    every = np.asarray(weights, dtype=np.float64)
    inputs, neurons = every.shape
    side = math.isqrt(inputs)
    shape = (side, side) if side * side == inputs else (1, inputs)
    order = np.argsort(labels, kind="stable") if labels is not None else np.arange(neurons)
    order = order[np.unique(np.linspace(0, neurons - 1, min(neurons, MOST_FIELDS)).astype(np.int64))]
    shown = every[:, order].T
    low, high = float(every.min()), float(every.max())
    levels = np.round(255 * (shown - low) / (high - low if high > low else 1)).astype(np.uint8)
    data = {
        "shape": list(shape),
        "levels": base64.b64encode(levels.tobytes()).decode("ascii"),
        "labels": [str(labels[place]) if labels is not None else "" for place in order],
        "low": plain(low),
        "high": plain(high),
        "unit": unit,
    }
    return Panel(name, title, "fields", data, f"{len(shown)} of {neurons} neurons" if neurons > MOST_FIELDS else "")


def targets(
    name: str, title: str, rows: Sequence[tuple[str, str]], values: FloatArray, wanted: FloatArray, above: ArrayLike
) -> Panel:
    """Return (P, N) values against what they should reach: at least that where `above`, else at most."""
    data = {
        "rows": [list(each) for each in rows],
        "values": plain(values),
        "targets": plain(wanted),
        "above": np.asarray(above, dtype=bool).tolist(),
    }
    return Panel(name, title, "targets", data, "pattern → answer; what is shaded meets the target")


def bars(name: str, title: str, rows: Sequence[tuple[str, float, float | None, str]]) -> Panel:
    """Return values against their limits: what, value, limit or None if there is none, unit."""
    found = [[what, plain(value), None if most is None else plain(most), unit] for what, value, most, unit in rows]
    return Panel(name, title, "bars", {"rows": found})
