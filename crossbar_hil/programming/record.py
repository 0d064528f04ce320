"""The files of a programming run: what was asked for, what the cells were to become, and each round as it was done.

``programming.json`` says what was run, by which versions, and how it ended. ``task.sqlite`` holds the targets, low ends
that were known, and the virtual chip that was taken up again; it never changes. ``rounds.sqlite`` holds what was read
and sent, and is replaced as a whole after each round. ``chip.sqlite`` holds what a virtual chip was in the end.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import FloatArray, stack
from crossbar_hil.errors import DataError, RunError
from crossbar_hil.guard.storage import replace_durably
from crossbar_hil.programming.loop import Round
from crossbar_hil.runs.array_file import read_arrays, write_arrays
from crossbar_hil.runs.recorded_settings import read_json_record, write_json_record

RECORD, TASK, ROUNDS, CHIP = "programming.json", "task.sqlite", "rounds.sqlite", "chip.sqlite"
NEEDED = ("kind", "seed", "shape", "status", "started_utc", "tables")
ARRAYS = ("conductances", "rising", "falling", "standing")
STATE = "state."
"""Begins the names of the arrays of a virtual chip."""


def read_record(folder: Path) -> dict[str, Any]:
    """Return what was run, by which versions, how it ended; a RunError if the record is damaged."""
    return read_json_record(folder / RECORD, "a programming run", NEEDED, lambda record: record["tables"])


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Put a new record in the place of the old one, on disk when this returns; a RunError if that cannot be written."""
    write_json_record(folder / RECORD, record)


def write_task(folder: Path, targets: FloatArray, low: FloatArray | None, state: Mapping[str, NDArray[Any]]) -> None:
    """Write targets, low ends and the state of a virtual chip to a new file; a RunError if that cannot be written."""
    arrays: dict[str, NDArray[Any]] = {"targets": targets} | ({} if low is None else {"low": low})
    _write(folder / TASK, arrays | {f"{STATE}{name}": values for name, values in state.items()})


def read_task(folder: Path) -> tuple[FloatArray, FloatArray | None, dict[str, NDArray[Any]]]:
    """Return targets, low ends if they were known, and the state of the virtual chip; a RunError if it is damaged."""
    path = folder / TASK
    try:
        found = read_arrays(path)
        state = {name.removeprefix(STATE): each for name, each in found.items() if name.startswith(STATE)}
        return found["targets"], found.get("low"), state
    except (DataError, KeyError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error


def write_rounds(folder: Path, rounds: Sequence[Round]) -> None:
    """Put all rounds in the place of those before; on disk when this returns, a RunError if they cannot be."""
    _write(folder / ROUNDS, {name: stack([getattr(each, name) for each in rounds]) for name in ARRAYS})


def read_rounds(folder: Path) -> list[Round]:
    """Return the recorded rounds, none before the first; a RunError if they are damaged."""
    path = folder / ROUNDS
    if not path.exists():
        return []
    try:
        found = read_arrays(path)
        shapes = {found[name].shape for name in ARRAYS}
        if len(shapes) != 1 or len(found["standing"].shape) != 3:
            raise DataError(f"its arrays are of shapes {sorted(shapes)}")
        return [
            Round(number, *each) for number, each in enumerate(zip(*(found[name] for name in ARRAYS), strict=True), 1)
        ]
    except (DataError, KeyError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error


def write_chip(folder: Path, state: Mapping[str, NDArray[Any]]) -> None:
    """Write what a virtual chip is now; a RunError if that cannot be written."""
    if state:
        _write(folder / CHIP, state)


def read_chip_left(folder: Path) -> dict[str, NDArray[Any]]:
    """Return what a virtual chip was in the end; nothing of a real one, a RunError if it is damaged."""
    path = folder / CHIP
    try:
        return read_arrays(path) if path.exists() else {}
    except DataError as error:
        raise RunError(f"{path} cannot be read: {error}") from error


def same_round(one: Round, other: Round) -> bool:
    """Say whether two rounds are the same, bit by bit."""
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ARRAYS)


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    replace_durably(path, lambda fresh: write_arrays(fresh, arrays))
