"""The readings of a calibration, kept line by line as they come, so that nothing is lost if the rest fails."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray, checked_array
from crossbar_hil.curves.levels import LARGEST_SIEMENS
from crossbar_hil.errors import DataError, writing_new
from crossbar_hil.parsing import parse_json
from crossbar_hil.shipped import TextFile, read_text

VERSION = 1
"""Of the layout of the file."""
FACTS = frozenset({"rows", "columns", "read_v", "amplitude_v", "width_s"})
"""Facts without which readings say nothing."""


class Map(NamedTuple):
    """One reading of every cell."""

    pulses: int
    """Pulses that each cell had got in this calibration."""
    seconds: float | None
    """Time since the last of them, or since the first reading before any; None if no clock tells."""
    siemens: FloatArray
    """(R, C)"""


class Sent(NamedTuple):
    """Every cell is about to get its next pulse."""

    pulses: int
    """Its number in this calibration, from 1."""


class Spare(NamedTuple):
    """One reading of a cell that is given up for its whole curve."""

    cell: tuple[int, int]
    """Row and column, counted from 0."""
    pulses: int
    """Pulses that it had got."""
    siemens: float


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """All maps of a calibration, and what was done where."""

    facts: dict[str, Any]
    """Bench, kind, chip, pulse, read voltage, date."""
    maps: tuple[Map, ...]
    spares: tuple[Spare, ...] = ()

    def spare_curves(self) -> dict[tuple[int, int], FloatArray]:
        """Return the conductance of each spare cell after 0, 1, 2, ... pulses, the mean of its readings, in siemens."""
        return {cell: np.array([np.mean(each) for each in levels]) for cell, levels in self._spare_levels().items()}

    @property
    def spare_reads(self) -> int:
        """Fewest readings of a level of a spare cell."""
        return min((len(each) for levels in self._spare_levels().values() for each in levels), default=0)

    def _spare_levels(self) -> dict[tuple[int, int], list[list[float]]]:
        found: dict[tuple[int, int], dict[int, list[float]]] = {}
        for each in self.spares:
            found.setdefault(each.cell, {}).setdefault(each.pulses, []).append(each.siemens)
        return {cell: [levels[number] for number in sorted(levels)] for cell, levels in found.items()}

    @property
    def shape(self) -> tuple[int, int]:
        """(R, C) of the chip."""
        return int(self.facts["rows"]), int(self.facts["columns"])

    @property
    def pulses(self) -> int:
        """Pulses that each cell got."""
        return max(each.pulses for each in self.maps)

    def rounds(self) -> list[FloatArray]:
        """Return the readings after 0, 1, 2, ... pulses, (Q, R, C) each."""
        return [
            np.array([each.siemens for each in self.maps if each.pulses == number]) for number in range(self.pulses + 1)
        ]

    def seconds(self) -> list[FloatArray] | None:
        """Return the times of these readings since the pulse before them, in seconds; None if no clock told."""
        if any(each.seconds is None for each in self.maps):
            return None
        return [
            np.array([each.seconds for each in self.maps if each.pulses == number], dtype=np.float64)
            for number in range(self.pulses + 1)
        ]


class ReadingsFile:
    """A file of readings that is being written; every line is on disk when `add` returns."""

    def __init__(self, file: TextIOWrapper) -> None:
        self._file = file
        self.steps = 0

    def add(self, step: Map | Sent | Spare) -> None:
        """Write a map, that pulses are about to be sent, or a reading of a spare cell."""
        self.steps += 1
        if isinstance(step, Sent):
            self._write({"sent": step.pulses})
        elif isinstance(step, Spare):
            self._write({"spare": step.cell, "pulses": step.pulses, "reads": step.siemens})
        else:
            self._write({"pulses": step.pulses, "seconds": step.seconds, "siemens": step.siemens.tolist()})

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def new_readings(path: Path, facts: dict[str, Any]) -> Iterator[ReadingsFile]:
    """Begin a new file of readings; it is gone again if the first of them fails.

    Raises
    ------
    RunError
        If it exists, which is never overwritten, or cannot be written.
    """
    with writing_new(path):
        file = path.open("x", encoding="utf-8")
    begun = ReadingsFile(file)
    try:
        with file:
            begun._write({"calibration": VERSION, **facts})
            yield begun
    except BaseException as error:
        if begun.steps:
            error.add_note(f"what was read is kept in {path}; calibrate with --from {path} fits it")
        else:
            path.unlink()
        raise


def load_readings(path: TextFile) -> Readings:
    """Read a file of readings, also of a calibration that ended early.

    Raises
    ------
    DataError
        If it is none, or pulses were sent after which nothing was read: what the chip is like now is then unknown.
    """
    lines = [line for line in read_text("calibration", path).splitlines() if line.strip()]
    try:
        facts, *steps = [parse_json(line) for line in lines]
        if facts.pop("calibration") != VERSION:
            raise ValueError("it is of another version")
        if missing := sorted(FACTS - set(facts)):
            raise ValueError(f"{missing[0]} is missing")
        shape = (int(facts["rows"]), int(facts["columns"]))
        maps = tuple(
            Map(int(step["pulses"]), step["seconds"], checked_array("readings", step["siemens"], shape))
            for step in steps
            if "siemens" in step
        )
        spares = tuple(
            Spare((int(step["spare"][0]), int(step["spare"][1])), int(step["pulses"]), float(step["reads"]))
            for step in steps
            if "spare" in step
        )
        # The median: a single cell may be shorted.
        usual = float(np.median(np.abs([each.siemens for each in maps]))) if maps else 0.0
        if usual > LARGEST_SIEMENS:
            raise ValueError(
                f"its readings of {usual:g} S in the median exceed {LARGEST_SIEMENS:g} S, are they siemens?"
            )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} holds no readings of a calibration: {error}") from error
    sent = max((int(step["sent"]) for step in steps if "sent" in step), default=0)
    if sent > max((each.pulses for each in maps), default=0):
        raise DataError(
            f"{path} ends with pulse {sent} of each cell and no reading after it, so what the chip is like is not known"
        )
    if sum(each.pulses == sent for each in maps) < 2:
        raise DataError(f"{path} holds fewer than 2 readings after the last pulse, too few to tell a step from noise")
    return Readings(facts, maps, spares)
