"""The files of a spiking run: what was asked for, and a checkpoint that replaces the one before in one step.

``spiking.json`` says what was run, by which versions, on which data, and how it ended. ``checkpoint.sqlite`` holds the
network, the record of the training and, at the end, the answers: plain arrays, in SI units.
"""

import json
from pathlib import Path
from typing import Any

from crossbar_hil.errors import RunError
from crossbar_hil.guard.storage import replace_durably, write_new
from crossbar_hil.parsing import parse_json
from crossbar_hil.runs.array_file import read_arrays, write_arrays
from crossbar_hil.runs.recorded_settings import check_tables
from crossbar_hil.spiking.progress import Progress

RECORD = "spiking.json"
CHECKPOINT = "checkpoint.sqlite"
NEEDED = ("kind", "seed", "status", "settings", "data_sha256", "started_utc")


def read_record(folder: Path) -> dict[str, Any]:
    """Return what was run, by which versions, how it ended.

    Raises
    ------
    RunError
        If the record is damaged.
    """
    path = folder / RECORD
    try:
        record = parse_json(path.read_text(encoding="utf-8"))
        if missing := [name for name in NEEDED if name not in record]:
            raise ValueError(f"{missing[0]} is missing")
        check_tables({"network": record["settings"], **check_tables(record.get("tables", {}))})
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{path} of a spiking run cannot be read: {error}") from error
    return dict(record)


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Put a new record in the place of the old one."""
    text = json.dumps(record, indent=1, default=str) + "\n"
    replace_durably(folder / RECORD, lambda path: write_new(path, text))


def read_checkpoint(folder: Path) -> Progress | None:
    """Return the last checkpoint; None before the first one.

    Raises
    ------
    RunError
        If it is damaged.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    if not path.is_file():
        raise RunError(f"{path} cannot be read: it is no plain file")
    try:
        return Progress.of(read_arrays(path))
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error


def write_checkpoint(folder: Path, progress: Progress) -> None:
    """Put a new checkpoint in the place of the old one; it is on disk when this returns."""
    replace_durably(folder / CHECKPOINT, lambda path: write_arrays(path, progress.arrays()))
