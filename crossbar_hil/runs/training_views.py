"""A training as its page shows it: the result, and what was reached for each pattern."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from crossbar_hil.arrays import BoolArray
from crossbar_hil.training.fresh import Assurance
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
