"""The files of a spiking run: what was asked for, and a checkpoint that replaces the one before in one step.

``spiking.json`` says what was run, by which versions, on which data, and how it ended. ``checkpoint.sqlite`` holds the
network, the record of the training and, at the end, the answers: plain arrays, in SI units.
"""

from pathlib import Path
from typing import Any

from crossbar_hil.errors import RunError
from crossbar_hil.guard.storage import replace_durably
from crossbar_hil.runs.array_file import read_arrays, write_arrays
from crossbar_hil.runs.recorded_settings import check_tables, read_json_record, write_json_record
from crossbar_hil.spiking.progress import Progress

RECORD = "spiking.json"
CHECKPOINT = "checkpoint.sqlite"
NEEDED = ("kind", "seed", "status", "settings", "data_sha256", "started_utc")


def read_record(folder: Path) -> dict[str, Any]:
    """Return what was run, by which versions, how it ended; a RunError if the record is damaged."""
    return read_json_record(folder / RECORD, "a spiking run", NEEDED, _settings_in)


def _settings_in(record: dict[str, Any]) -> dict[str, Any]:
    return {"network": record["settings"], **check_tables(record.get("tables", {}))}


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Put a new record in the place of the old one, on disk when this returns; a RunError if that cannot be written."""
    write_json_record(folder / RECORD, record)


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
