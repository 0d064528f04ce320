"""What a page shows of cells that are programmed, also while it goes on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crossbar_hil.programming.outcome import Programmed
from crossbar_hil.runs.live import panels
from crossbar_hil.runs.live.panels import Panel
from crossbar_hil.runs.live.training import spent_bars

MOST_CELLS = 64
"""Of a larger chip no line a cell is drawn."""


def panels_of(found: Programmed, words: Sequence[str], limits: Mapping[str, Any]) -> list[Panel]:
    """Return the panels: errors from round to round, the chip, pulses, what cells got against their limits."""
    rows, columns = found.targets.shape
    named = [str(row + 1) for row in range(rows)], [str(column + 1) for column in range(columns)]
    rounds = np.arange(1, found.rounds + 1)
    off = 100 * np.abs(found.conductances - found.targets)[:, found.aimed] / found.settings.range_siemens
    marks = {words[stands]: found.standing == stands for stands in np.unique(found.standing[found.unmet])}
    told = [
        panels.lines(
            "error",
            "Distance from the target",
            rounds,
            {"median": np.median(off, axis=1), "95 % of the cells": np.percentile(off, 95, axis=1)},
            x_label="round",
            y_label="% of the range",
            levels={"tolerance": 100 * found.settings.tolerance},
            low=0.0,
        ),
        panels.grid("conductance", "Conductance", found.conductances[-1], "S", named, marks=marks),
        panels.grid("off", "Reading minus target", 100 * found.errors, "% of the range", named, marks=marks),
        panels.grid("pulses", "Pulses in this run", found.pulses, "", named),
    ]
    if limits.get("pulses") is not None or limits.get("dose_vs") is not None:
        told.append(spent_bars(found.pulses, found.dose_vs, limits, "in this run"))
    if found.targets.size <= MOST_CELLS:
        text = f"rounds 1 to {found.rounds}"
        told.append(
            panels.cells("cells", "Conductance of every cell", rounds, found.conductances, "S", named, x_text=text)
        )
    return told
