"""What a page shows of a training, read from its open record: the last epoch whole, of those before what is drawn."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.runs.live import panels
from crossbar_hil.runs.live.panels import Panel, Standing, Wear
from crossbar_hil.survey.lines import Lines
from crossbar_hil.training.encoding import target_activations
from crossbar_hil.training.lines.arrangement import PLAIN, Arrangement
from crossbar_hil.training.lines.names import line_names, names_on_lines
from crossbar_hil.training.lines.pairs import column_name
from crossbar_hil.training.patterns import PatternSet, as_text

PACE_EPOCHS = 20
"""The time that an epoch takes is that of so many of late."""
HISTORY_EPOCHS = 120
"""Conductances are drawn of so many epochs at most."""
BY_OUTPUT = "rows of the chip; columns by output, plus and minus"
MOST_CELLS = 64
"""Of a larger chip no line a cell is drawn."""


def training_standing(record: sqlite3.Connection, most: int, patterns: int) -> Standing:
    """Return how far a training of so many epochs at most has come."""
    rows = record.execute(
        "SELECT epoch, error, patterns_met, utc FROM epoch ORDER BY epoch DESC LIMIT ?", (PACE_EPOCHS + 1,)
    ).fetchall()
    if not rows:
        return Standing(0, most, "epochs")
    epoch, error, met, _ = rows[0]
    (pulses,) = record.execute("SELECT sum(pulses) FROM epoch").fetchone()
    times = [datetime.fromisoformat(utc) for *_, utc in rows]
    step_s = (times[0] - times[-1]).total_seconds() / (len(times) - 1) if len(times) > 1 else None
    numbers = [(f"{met} of {patterns}", "patterns met"), (f"{error:.4g}", "error"), (str(pulses), "pulses sent")]
    return Standing(epoch, most, "epochs", step_s, numbers)


def wear_of(record: sqlite3.Connection, shape: tuple[int, int], training: Mapping[str, Any]) -> Wear | None:
    """Return what a training did to its cells so far; None before its first epoch.

    Parameters
    ----------
    record : Connection
        The open record.
    shape : tuple of int
        (R, C) of the chip.
    training : mapping
        Its recorded table, which says what a pulse is.
    """
    size = shape[0] * shape[1]
    query = "SELECT conductance_siemens FROM cell ORDER BY rowid {} LIMIT ?"  # as it is written, epoch by epoch
    begin, end = (record.execute(query.format(way), (size,)).fetchall() for way in ("ASC", "DESC"))
    if len(begin) < size:
        return None
    first, last = np.array(begin, dtype=np.float64), np.array(end[::-1], dtype=np.float64)
    sent = np.array(
        record.execute("SELECT row, column, pulses, depressing FROM cell WHERE pulses > 0").fetchall(), dtype=np.int64
    ).reshape(-1, 4)
    pulses, depressing = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    np.add.at(pulses, (sent[:, 0], sent[:, 1]), sent[:, 2])
    np.add.at(depressing, (sent[:, 0], sent[:, 1]), sent[:, 3])
    up_vs, down_vs = (
        abs(float(training.get(volts) or 0) * float(training.get(seconds) or 0))
        for volts, seconds in (("amplitude_v", "width_s"), ("depress_v", "depress_s"))
    )
    return Wear(first.reshape(shape), last.reshape(shape), pulses, (pulses - depressing) * up_vs + depressing * down_vs)


def training_panels(
    record: sqlite3.Connection,
    *,
    shape: tuple[int, int],
    task: PatternSet,
    target0: float,
    target: float,
    bench: Mapping[str, Any],
    marks: Mapping[str, BoolArray],
    arrangement: Arrangement = PLAIN,
    lines: Lines | None = None,
) -> list[Panel]:
    """Return the panels of a training.

    Parameters
    ----------
    record, shape
        As of `wear_of`.
    task : PatternSet
        What it learns.
    target0, target : float
        Targets of the two labels.
    bench : mapping
        The recorded tables of its bench file.
    marks : mapping
        (R, C) cells that are marked in the map, by a word.
    arrangement : Arrangement
        What network it is, and how its layers lie on the chip.
    lines : Lines, optional
        Which lines of the chip it is on, if not on the first ones in their order.
    """
    training = bench.get("training") or {}
    wear = wear_of(record, shape, training)
    if wear is None:
        return []
    epochs = np.array(record.execute("SELECT epoch, error FROM epoch ORDER BY epoch").fetchall(), dtype=np.float64)
    bits, outputs = task.train.shape[1], task.train_labels.shape[1]
    named, about = cell_names(shape), BY_OUTPUT
    if not arrangement.is_plain:
        named, about = line_names(arrangement, shape, bits, outputs), arrangement.in_words(bits, outputs)
    if lines is not None:
        named = names_on_lines(arrangement, lines, bits, outputs)
    met = f"every target met in epoch {_first_met(epochs)}" if (epochs[:, 1] == 0).any() else ""
    activations = record.execute(
        "SELECT activation FROM activation ORDER BY rowid DESC LIMIT ?", (task.train_labels.size,)
    ).fetchall()
    labels = task.train_labels
    found = [
        panels.targets(
            "activations",
            "Activations against their targets",
            [(as_text(bits), as_text(wanted)) for bits, wanted in zip(task.train, labels, strict=True)],
            np.array(activations[::-1], dtype=np.float64).reshape(labels.shape),
            target_activations(labels, target0, target),
            labels == 1,
        ),
        panels.grid("conductance", "Conductance", wear.last, "S", named, marks=marks, about=about),
        panels.grid("pulses", "Pulses in this run", wear.pulses, "", named),
        panels.lines(
            "error",
            "Summed distance to the targets",
            epochs[:, 0],
            {"error": epochs[:, 1]},
            x_label="epoch",
            y_label="error",
            linear_below=_smallest(epochs[:, 1]),
            low=0.0,
            about=met,
        ),
    ]
    limits = bench.get("limits") or {}
    if limits.get("pulses") is not None or limits.get("dose_vs") is not None:
        found.append(spent_bars(wear.pulses, wear.dose_vs, limits, "in this run"))
    if wear.last.size <= MOST_CELLS:
        chosen, values = _history(record, epochs[:, 0].astype(np.int64), shape)
        found.append(
            panels.cells(
                "cells", "Conductance of every cell", chosen, values, "S", named, x_text=f"epochs 1 to {chosen[-1]}"
            )
        )
    return found


def spent_bars(pulses: IntArray, dose_vs: FloatArray, limits: Mapping[str, Any], when: str) -> Panel:
    """Return what the cells that got most have received, (R, C) pulses and volt-seconds, against the limits."""
    rows: list[tuple[str, float, float | None, str]] = []
    for what, spent, limit, unit in (("pulses", pulses, "pulses", ""), ("dose", dose_vs, "dose_vs", "V s")):
        row, column = np.unravel_index(int(np.argmax(spent)), spent.shape)
        where = f"most {what} of a cell {when}: row {row + 1}, column {column + 1}"
        rows.append((where, float(spent[row, column]), limits.get(limit), unit))
    return panels.bars("limits", "Pulses and dose against the limits of a cell", rows)


def cell_names(shape: tuple[int, int]) -> tuple[list[str], list[str]]:
    """Return how rows and columns are called: a column by its output, and whether it counts as plus or minus."""
    rows, columns = shape
    return [str(row + 1) for row in range(rows)], [column_name(column) for column in range(columns)]


def _history(record: sqlite3.Connection, epochs: IntArray, shape: tuple[int, int]) -> tuple[list[int], FloatArray]:
    """Return some epochs and the (E, R, C) conductances before their updates.

    An epoch is written as a whole, the cells in order, so its place among the rows is known.
    """
    size = shape[0] * shape[1]
    places = np.unique(np.linspace(0, len(epochs) - 1, min(len(epochs), HISTORY_EPOCHS)).astype(np.int64))
    (first,) = record.execute("SELECT min(rowid) FROM cell").fetchone()
    query = "SELECT conductance_siemens FROM cell WHERE rowid >= ? AND rowid < ? AND epoch = ? ORDER BY row, column"
    chosen, found = [], []
    for place in places.tolist():
        begin = first + place * size
        values = record.execute(query, (begin, begin + size, int(epochs[place]))).fetchall()
        if len(values) == size:
            chosen.append(int(epochs[place]))
            found.append(np.array(values, dtype=np.float64).reshape(shape))
    return chosen, np.array(found, dtype=np.float64).reshape(-1, *shape)


def _first_met(epochs: FloatArray) -> int:
    """Return the epoch from which on every target was met; the first that met all where the last one does not."""
    missed = np.flatnonzero(epochs[:, 1])
    if len(missed) and missed[-1] == len(epochs) - 1:
        return int(epochs[np.flatnonzero(epochs[:, 1] == 0)[0], 0])
    return int(epochs[missed[-1] + 1 if len(missed) else 0, 0])


def _smallest(errors: FloatArray) -> float:
    """Return the power of ten at or below the smallest error above zero, 1e-6 at least."""
    above = errors[errors > 0]
    return float(10.0 ** np.floor(np.log10(max(float(above.min()), 1e-6)))) if len(above) else 1.0
