"""The dated page of a commissioning, beside its record: one HTML file, no script, nothing loaded, all text escaped."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from crossbar_hil.commissioning.commissioning import Commissioning
from crossbar_hil.commissioning.electrical import electrical_hash
from crossbar_hil.commissioning.record import folder_of
from crossbar_hil.commissioning.steps import per_cent
from crossbar_hil.errors import RunError, reason_of
from crossbar_hil.figures.templates import template
from crossbar_hil.text import quantity

SHADES = 0.05
"""Deviation of a cell, as a share, that is shaded whole."""


def keep(found: Commissioning, to: Path | None = None) -> tuple[Path, Path]:
    """Write page and record of what was found, dated, and return where they are.

    Parameters
    ----------
    to : Path, optional
        A folder of the person's own, which gets both too, and is what is returned.

    Raises
    ------
    RunError
        If they cannot be written.
    """
    record = json.dumps(found.as_record(), indent=1)
    name = f"commissioning_{found.when:%Y-%m-%dT%H-%M-%SZ}"
    own = folder_of(found.bench)
    written = own
    for folder in (own, *([to] if to else [])):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.json").write_text(record + "\n", encoding="utf-8")
            (folder / f"{name}.html").write_text(page(found), encoding="utf-8")
        except OSError as error:
            raise RunError(f"the commissioning cannot be written to {folder}: {reason_of(error)}") from error
        written = folder
    return written / f"{name}.html", written / f"{name}.json"


def page(found: Commissioning) -> str:
    """Return the page as HTML."""
    low, high = float(found.ohms.min()), float(found.ohms.max())
    board = quantity(low, "ohm") if low == high else f"{quantity(low, 'ohm')} to {quantity(high, 'ohm')}"
    return template("page.html.j2", "crossbar_hil.commissioning").render(
        found=found,
        steps=found.steps,
        failed=[step for step in found.steps if step.verdict == "failed"],
        counts={
            verdict: sum(step.verdict == verdict for step in found.steps)
            for verdict in ("passed", "failed", "not measured", "not done")
        },
        board=f"{found.ohms.shape[0]} x {found.ohms.shape[1]} resistors of {board}, {per_cent(found.tolerance)}",
        digest=electrical_hash(found.bench),
        cells=_cells(found),
    )


def _cells(found: Commissioning) -> list[list[dict[str, Any]]]:
    """Return the deviation of every cell as text and as how dark it is shaded, row by row."""
    if found.shares is None:
        return []
    table = []
    for line in np.asarray(found.shares):
        shown = []
        for share in line:
            known = bool(np.isfinite(share))
            shade = min(abs(float(share) - 1) / SHADES, 1.0) if known else 1.0
            shown.append(
                {"text": per_cent(float(share) - 1, sign=True) if known else "at a limit", "shade": round(shade, 2)}
            )
        table.append(shown)
    return table
