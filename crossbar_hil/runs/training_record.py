"""The record of a training, ``run.sqlite``: its tables, and writing them, every epoch as one durable transaction.

These are its tables, in SI units; rows, columns, outputs and patterns count from 0, epochs from 1:

========== ============================================================================================
setting    name, value as JSON: what was run, by which versions, how it ended
pattern    pattern, part ("train" or "test"), bits, label
epoch      epoch, error, patterns_met, pulses sent after the evaluation, utc
cell       epoch, row, column, conductance_siemens before the update, pulses sent after the evaluation
current    epoch, pattern, column, current_a
activation epoch, pattern, output, activation, shortfall
chip       moment ("start" or "end"), quantity, row, column, value: what a virtual chip is made of
========== ============================================================================================
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from crossbar_hil.backend import DeviceBackend
from crossbar_hil.errors import ReplayDiverged, RunError
from crossbar_hil.guard.storage import flush_folder
from crossbar_hil.training.patterns import PatternSet, as_text
from crossbar_hil.training.result import Epoch, TrainingResult

RECORD = "run.sqlite"
SCHEMA_VERSION = 3
"""Of the tables below; since 3 the settings are one row, ``tables``, in which the checked bench file stands whole."""
SCHEMA = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE pattern (pattern INTEGER, part TEXT, bits TEXT, label TEXT);
CREATE TABLE epoch (epoch INTEGER PRIMARY KEY, error REAL, patterns_met INTEGER, pulses INTEGER, utc TEXT);
CREATE TABLE cell (epoch INTEGER, row INTEGER, column INTEGER, conductance_siemens REAL, pulses INTEGER,
    depressing INTEGER);
CREATE TABLE current (epoch INTEGER, pattern INTEGER, column INTEGER, current_a REAL);
CREATE TABLE activation (epoch INTEGER, pattern INTEGER, output INTEGER, activation REAL, shortfall REAL);
CREATE TABLE chip (moment TEXT, quantity TEXT, row INTEGER, column INTEGER, value REAL);
"""


class Recorder:
    """The record of one training, open for writing.

    Make one with `create` or `reopen`; call `add` for every epoch and `finish` at the end.
    """

    def __init__(
        self,
        folder: Path,
        record: sqlite3.Connection,
        *,
        known: Mapping[int, Epoch] = MappingProxyType({}),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.folder = folder
        self._record = record
        self._known = known
        self._now = now

    @classmethod
    def create(cls, folder: Path, *, facts: Mapping[str, Any], task: PatternSet, backend: DeviceBackend) -> Self:
        """Begin the record of a run with all that is known before the first read.

        It gets its name once it is whole, so that a run has a record or has none.

        Parameters
        ----------
        folder : Path
            The run folder, in which the bench file is.
        facts : mapping
            What is known so far, and the settings as ``tables``.
        task : PatternSet
            What is learnt.
        backend : DeviceBackend
            The chip.

        Raises
        ------
        RunError
            If it cannot be written.
        """
        fresh = folder / f".{RECORD}.new"
        try:
            record = _connect(fresh)
            try:
                record.executescript(SCHEMA)
                record.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                recorder = cls(folder, record)
                with record:
                    recorder._set(facts)
                    recorder._patterns(task)
                    recorder._chip("start", backend)
            finally:
                record.close()  # which leaves nothing beside it
            fresh.rename(folder / RECORD)
            flush_folder(folder)
            return cls(folder, _connect(folder / RECORD))
        except (OSError, sqlite3.Error) as error:
            raise RunError(f"run folder {folder} cannot be written: {error}") from error

    @classmethod
    def reopen(cls, folder: Path, known: Mapping[int, Epoch]) -> Self:
        """Go on with the record of a run; an epoch that it holds already must come again as it was.

        Raises
        ------
        RunError
            If the record cannot be written.
        """
        try:
            recorder = cls(folder, _connect(folder / RECORD), known=known)
            with recorder._record as record:
                record.execute("DELETE FROM chip WHERE moment = 'end'")
                recorder._set({"status": "running", "resumed_utc": recorder._time(), "reason": ""})
        except sqlite3.Error as error:
            raise RunError(f"the record of run {folder.name} cannot be written: {error}") from error
        return recorder

    def add(self, epoch: Epoch) -> None:
        """Write one epoch; it is on disk when this returns.

        Raises
        ------
        RunError
            If the disk refuses; the epochs before are kept.
        ReplayDiverged
            If the record of a resumed run holds another epoch of this number.
        """
        number = epoch.number
        if number in self._known:
            _compare(epoch, self._known[number])
            return
        rows, columns = epoch.conductances.shape
        patterns, outputs = epoch.activations.shape
        try:
            with self._record as record:
                record.execute(
                    "INSERT INTO epoch VALUES (?, ?, ?, ?, ?)",
                    (number, epoch.error, epoch.met, epoch.pulses, self._now().isoformat(timespec="milliseconds")),
                )
                record.executemany(
                    "INSERT INTO cell VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        (
                            *(number, r, c, float(epoch.conductances[r, c])),
                            *(int(epoch.counts[r, c]), int(epoch.depressing[r, c])),
                        )
                        for r in range(rows)
                        for c in range(columns)
                    ],
                )
                record.executemany(
                    "INSERT INTO current VALUES (?, ?, ?, ?)",
                    [(number, p, c, float(epoch.currents[p, c])) for p in range(patterns) for c in range(columns)],
                )
                record.executemany(
                    "INSERT INTO activation VALUES (?, ?, ?, ?, ?)",
                    [
                        (number, p, n, float(epoch.activations[p, n]), float(epoch.shortfalls[p, n]))
                        for p in range(patterns)
                        for n in range(outputs)
                    ],
                )
        except sqlite3.Error as error:
            raise RunError(f"epoch {number} cannot be written to {self.folder}: {error}") from error

    def finish(self, status: str, backend: DeviceBackend, result: TrainingResult | None, reason: str = "") -> None:
        """Write how the run ended and what the chip is like now.

        Parameters
        ----------
        status : str
            ``"done"``, ``"interrupted"`` or ``"failed"``.
        backend : DeviceBackend
            The chip.
        result : TrainingResult or None
            What was trained; None if there was no epoch.
        reason : str
            Why the run did not come to its end.
        """
        facts: dict[str, Any] = {
            "status": status,
            "finished_utc": self._time(),
            "reason": reason or (result.reason if result else ""),
        }
        if result is not None:
            facts |= {
                "converged": result.converged,
                "epochs": result.epochs,
                "pulses": result.pulses,
                "error": float(result.errors[-1]),
                "verdict": result.verdict,
            }
        with self._record:
            self._set(facts)
            self._chip("end", backend)
        self._record.close()

    def close(self) -> None:
        """Leave the record as it is."""
        self._record.close()

    def _set(self, facts: Mapping[str, Any]) -> None:
        """Write facts in the place of those of the same name."""
        self._record.executemany(
            "INSERT OR REPLACE INTO setting VALUES (?, ?)",
            [(name, json.dumps(value)) for name, value in facts.items()],
        )

    def _time(self) -> str:
        return self._now().isoformat(timespec="seconds")

    def _patterns(self, task: PatternSet) -> None:
        for part, patterns, labels in (("train", task.train, task.train_labels), ("test", task.test, task.test_labels)):
            self._record.executemany(
                "INSERT INTO pattern VALUES (?, ?, ?, ?)",
                [
                    (place, part, as_text(bits), as_text(label))
                    for place, (bits, label) in enumerate(zip(patterns, labels, strict=True))
                ],
            )
        lines = [f"{bits},{label},{part}" for _, part, bits, label in self._record.execute("SELECT * FROM pattern")]
        (self.folder / "patterns.csv").write_text("\n".join(["pattern,label,set", *lines, ""]), encoding="utf-8")

    def _chip(self, moment: str, backend: DeviceBackend) -> None:
        arrays = {**backend.state(), "saturated": backend.saturated_cells().astype(float)}
        self._record.executemany(
            "INSERT INTO chip VALUES (?, ?, ?, ?, ?)",
            [
                (moment, quantity, row, column, float(value))
                for quantity, array in arrays.items()
                for row, line in enumerate(array)
                for column, value in enumerate(line)
            ],
        )


def _connect(path: Path) -> sqlite3.Connection:
    record = sqlite3.connect(path)
    record.execute("PRAGMA journal_mode = WAL")
    record.execute("PRAGMA synchronous = FULL")
    return record


def _compare(epoch: Epoch, recorded: Epoch) -> None:
    """Refuse an epoch of a replay that is not the recorded one, bit by bit."""
    for name in ("conductances", "currents", "activations", "counts", "depressing"):
        if not np.array_equal(getattr(epoch, name), getattr(recorded, name)):
            raise ReplayDiverged(
                f"the replay diverged at epoch {epoch.number}: its {name} are not those of the record; nothing was sent"
            )
