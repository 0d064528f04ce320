"""A training as other programs and pages take it: a table, named arrays, and what was reached for each pattern."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from crossbar_hil.arrays import BoolArray
from crossbar_hil.runs.run import Series, Variable
from crossbar_hil.training.fresh import Assurance, FreshReads
from crossbar_hil.training.patterns import as_text
from crossbar_hil.training.result import TrainingResult


def training_page(
    result: TrainingResult, reason: str, assurance: Assurance | None, foretold: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what the page of a training shows: the result and, pattern by pattern, what was reached."""
    missed = {miss.pattern for miss in result.misses}
    patterns = [
        {
            "bits": as_text(result.patterns[p]),
            "label": as_text(result.labels[p]),
            "activations": [
                {
                    "value": f"{result.activations[-1, p, n]:+.3f}",
                    "target": f"{'≥' if label else '≤'} {result.targets[p, n]:+.3g}",
                }
                for n, label in enumerate(result.labels[p])
            ],
            "met": p not in missed,
        }
        for p in range(len(result.patterns))
    ]
    return {
        "result": result,
        "reason": reason,
        "assurance": assurance,
        "foretold": foretold,
        "patterns": patterns,
        "saturated": name_cells(result.saturated),
        "unresponsive": name_cells(result.unresponsive),
    }


def name_cells(cells: BoolArray) -> str:
    """Name the cells that are marked, counted from 1.

    >>> name_cells(np.array([[False, True], [True, False]]))
    'row 1 column 2, row 2 column 1'
    """
    return ", ".join(f"row {r + 1} column {c + 1}" for r, c in np.argwhere(cells))


def training_series(result: TrainingResult) -> Series:
    """Return a training as a table of one line an epoch, the unit in each column name."""
    header = ["Epoch", "Error", "Pulses"]
    header += [f"Conductance r{r + 1} c{c + 1} (S)" for r, c in np.ndindex(*result.conductances.shape[1:])]
    header += [f"Pulses r{r + 1} c{c + 1}" for r, c in np.ndindex(*result.counts.shape[1:])]
    header += [f"Current p{p + 1} c{c + 1} (A)" for p, c in np.ndindex(*result.currents.shape[1:])]
    header += [f"Activation p{p + 1} o{o + 1}" for p, o in np.ndindex(*result.activations.shape[1:])]
    arrays = (result.conductances, result.counts, result.currents, result.activations)
    rows = (
        [n + 1, float(result.errors[n]), int(result.counts[n].sum()),
         *(value for array in arrays for value in array[n].ravel().tolist())]
        for n in range(result.epochs)
    )  # fmt: skip
    return Series(header, rows)


def training_variables(result: TrainingResult, fresh: FreshReads | None = None) -> dict[str, Variable]:
    """Return every array of a training, and of its fresh reads, with its dimensions and units."""
    cell, read, output = ("epoch", "row", "column"), ("epoch", "pattern", "column"), ("epoch", "pattern", "output")
    _, rows, columns = result.conductances.shape
    sizes = {"row": rows, "column": columns, "pattern": len(result.patterns), "output": columns // 2}
    return {
        "conductance": Variable(cell, result.conductances, "S", "conductance before the update"),
        "pulses": Variable(cell, result.counts, "1", "pulses sent after the evaluation"),
        "current": Variable(read, result.currents, "A", "column current"),
        "activation": Variable(output, result.activations, "1", "tanh(beta I)"),
        "error": Variable(("epoch",), result.errors, "1", "summed distance to the targets"),
        "unresponsive": Variable(("row", "column"), result.unresponsive.astype(np.int64), "1", "1: found not to react"),
        "label": Variable(("pattern", "output"), result.labels),
        "bit": Variable(("pattern", "row"), result.patterns),
        "epoch": Variable(("epoch",), np.arange(1, result.epochs + 1)),
        **{name: Variable((name,), np.arange(size)) for name, size in sizes.items()},
        **({} if fresh is None else _fresh_variables(fresh)),
    }


def _fresh_variables(fresh: FreshReads) -> dict[str, Variable]:
    reads = np.arange(1, len(fresh.currents) + 1)
    return {
        "fresh_current": Variable(("read", "pattern", "column"), fresh.currents, "A", "column current after training"),
        "fresh_activation": Variable(("read", "pattern", "output"), fresh.activations, "1", "tanh(beta I) of these"),
        "read": Variable(("read",), reads),
    }
