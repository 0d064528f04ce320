"""The record of a training, ``run.sqlite``: its tables, and writing them, each epoch in one durable transaction.

These are its tables, in SI units; rows, columns, outputs and patterns count from 0, epochs from 1:

========== ============================================================================================
setting    name, value as JSON: what was run, by which versions, how it ended
pattern    pattern, part ("train" or "test"), bits, label
epoch      epoch, error, patterns_met, pulses sent after the evaluation, utc
cell       epoch, row, column, conductance_siemens before the update, pulses sent after the evaluation
current    epoch, pattern, column, current_a
activation epoch, pattern, output, activation, shortfall
fresh_current and fresh_activation: read, pattern, column or output, value, of the evaluations after training
chip       moment ("start" or "end"), quantity, row, column, value: what a virtual chip is made of; of every chip which
           cells are ``saturated`` and, at the end, which were found ``unresponsive``
========== ============================================================================================
"""

import json
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import BoolArray, FloatArray
from crossbar_hil.backend import DeviceBackend
from crossbar_hil.errors import ReplayDiverged, RunError, reason_of
from crossbar_hil.guard.storage import flush_folder, why_not_ours
from crossbar_hil.runs.provenance import utc_now
from crossbar_hil.training.fresh import FreshReads
from crossbar_hil.training.patterns import PatternSet, as_text
from crossbar_hil.training.result import Epoch

Rows = list[tuple[Any, ...]]
RECORD = "run.sqlite"
READERS_S, _LOOK_S = 2.0, 0.01
"""Whoever reads a record while its run ends is waited for so long, looking so often, in seconds."""
_wait = Event().wait
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
FRESH_SCHEMA = """
CREATE TABLE IF NOT EXISTS fresh_current (read INTEGER, pattern INTEGER, column INTEGER, current_a REAL);
CREATE TABLE IF NOT EXISTS fresh_activation (read INTEGER, pattern INTEGER, output INTEGER, activation REAL);
"""
"""Tables that some records of this version do not have yet."""


class Sizes(NamedTuple):
    """How much an epoch of a record holds."""

    patterns: int
    outputs: int
    layers: int = 1

    @classmethod
    def of(cls, task: PatternSet, layers: int) -> "Sizes":
        """Return those of a task, learnt by a network of so many layers."""
        return cls(len(task.train), task.train_labels.shape[1], layers)

    @property
    def reads(self) -> int:
        """Rows of currents: each pattern is read once a layer."""
        return self.patterns * self.layers


class Record(sqlite3.Connection):
    """The record of a run, open, with the file that it is."""

    path: Path
    file: tuple[int, int]
    """Its device and inode."""

    def check_in_place(self) -> None:
        """See that the file at its path is still the one that is open: into another one nothing would be written.

        Raises
        ------
        RunError
            If it was deleted, moved or replaced.
        """
        try:
            if _file_at(self.path) == self.file:
                return
            what, way_out = (
                "was replaced by another file",
                "goes on with the file that is there, and writes what it lacks",
            )
        except OSError as error:
            what, way_out = f"is not there any more ({reason_of(error)})", "goes on once a copy of it is there again"
        raise RunError(
            f"the record {self.path} {what} while its run was writing it, so nobody would see what comes now: the run "
            f"stops; `crossbar-hil resume` {way_out}"
        )


def _file_at(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def columns_of(record: sqlite3.Connection) -> dict[str, tuple[str, list[str]]]:
    """Return of everything in a record by its name what it is, such as a table, and the names of its columns."""
    found = record.execute("SELECT name, type FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").fetchall()
    named = "SELECT name FROM pragma_table_info(?)"
    return {name: (kind, [column for (column,) in record.execute(named, (name,))]) for name, kind in found}


def columns_due() -> dict[str, tuple[str, list[str]]]:
    """Return what `columns_of` does of a record of this version."""
    with closing(sqlite3.connect(":memory:")) as record:
        record.executescript(SCHEMA + FRESH_SCHEMA)
        return columns_of(record)


def create_record(folder: Path, facts: Mapping[str, Any], task: PatternSet, backend: DeviceBackend) -> Record:
    """Begin the record of a run with all that is known before the first read.

    It gets its name once it is whole, so that a run has a record or has none.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    fresh = folder / f".{RECORD}.new"
    try:
        record = _connect(fresh)
        try:
            record.executescript(SCHEMA + FRESH_SCHEMA)
            record.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            with record:
                write_facts(record, facts)
                lines = rows_of_patterns(task)
                record.executemany("INSERT INTO pattern VALUES (?, ?, ?, ?)", lines)
                _write_chip(record, "start", backend)
        finally:
            record.close()  # which leaves nothing beside it
        text = "".join(f"{bits},{label},{part}\n" for _, part, bits, label in lines)
        (folder / "patterns.csv").write_text(f"pattern,label,set\n{text}", encoding="utf-8")
        fresh.rename(folder / RECORD)
        flush_folder(folder)
        return _connect(folder / RECORD)
    except (OSError, sqlite3.Error) as error:
        raise RunError(f"run folder {folder} cannot be written: {reason_of(error, folder)}") from error


def reopen_record(folder: Path, again: Mapping[str, Any]) -> Record:
    """Go on with the record of a run, whose facts say so from now on.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    try:
        record = _connect(folder / RECORD)
        record.executescript(FRESH_SCHEMA)
        with record:
            record.execute("DELETE FROM chip WHERE moment = 'end'")
            write_facts(record, again)
    except sqlite3.Error as error:
        raise RunError(f"the record of run {folder.name} cannot be written: {reason_of(error, folder)}") from error
    return record


def write_facts(record: sqlite3.Connection, facts: Mapping[str, Any]) -> None:
    """Write facts in the place of those of the same name."""
    lines = [(name, json.dumps(value)) for name, value in facts.items()]
    record.executemany("INSERT OR REPLACE INTO setting VALUES (?, ?)", lines)


def write_epoch(record: Record, epoch: Epoch) -> None:
    """Write one epoch; it is on disk when this returns.

    Raises
    ------
    RunError
        If the disk refuses, or the record is not in its place; the epochs before are kept.
    """
    record.check_in_place()
    utc = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        with record:
            for table, lines in rows_of_epoch(epoch).items():
                given = [(*line, utc) for line in lines] if table == "epoch" else lines
                places = ", ".join("?" * len(given[0]))
                record.executemany(f"INSERT INTO {table} VALUES ({places})", given)  # noqa: S608 - names of ours
    except sqlite3.Error as error:
        raise RunError(f"epoch {epoch.number} cannot be written to the record: {reason_of(error)}") from error


def rows_of_epoch(epoch: Epoch) -> dict[str, Rows]:
    """Return what the tables hold of an epoch, but for the time at which it was written."""
    number = epoch.number
    cells = zip(
        np.ndindex(epoch.counts.shape),
        epoch.conductances.flat,
        epoch.counts.flat,
        epoch.depressing.flat,
        strict=True,
    )
    reached = zip(np.ndindex(epoch.activations.shape), epoch.activations.flat, epoch.shortfalls.flat, strict=True)
    return {
        "epoch": [(number, epoch.error, epoch.met, epoch.pulses)],
        "cell": [(number, *place, float(siemens), int(sent), int(down)) for place, siemens, sent, down in cells],
        "current": [(number, *place, float(value)) for place, value in np.ndenumerate(epoch.currents)],
        "activation": [(number, *place, float(value), float(missed)) for place, value, missed in reached],
    }


def reread_epochs(record: sqlite3.Connection, shape: tuple[int, int], sizes: Sizes) -> list[Epoch]:
    """Return what was written of a run under way, which keeps no epoch in memory; see `read_epochs`.

    Raises
    ------
    RunError
        If it cannot be read.
    """
    try:
        return read_epochs(record, shape, sizes)
    except (sqlite3.Error, ValueError) as error:
        raise RunError(f"the epochs of the run cannot be read from its record: {reason_of(error)}") from error


def read_epochs(record: sqlite3.Connection, shape: tuple[int, int], sizes: Sizes) -> list[Epoch]:
    """Return every epoch of a record, of a chip of R rows and C columns.

    Raises
    ------
    ValueError
        If it holds what is no number, or not as many as it should.
    """
    rows, columns = shape
    numbers = record.execute("SELECT epoch, error FROM epoch ORDER BY epoch").fetchall()
    if not numbers:
        return []

    def table(query: str, *shape: int) -> FloatArray:
        values = np.array(record.execute(query).fetchall(), dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError("it holds values that are no numbers")
        return np.moveaxis(values.reshape(len(numbers), *shape, -1), -1, 0)

    cells = table("SELECT conductance_siemens, pulses, depressing FROM cell ORDER BY epoch, row, column", rows, columns)
    currents = table("SELECT current_a FROM current ORDER BY epoch, pattern, column", sizes.reads, columns)
    activations = table(
        "SELECT activation, shortfall FROM activation ORDER BY epoch, pattern, output", sizes.patterns, sizes.outputs
    )
    return [
        Epoch(
            number,
            conductances=cells[0][place],
            currents=currents[0][place],
            activations=activations[0][place],
            shortfalls=activations[1][place],
            error=error,
            counts=cells[1][place].astype(np.int64),
            depressing=cells[2][place].astype(np.int64),
        )
        for place, (number, error) in enumerate(numbers)
    ]


def write_fresh(record: sqlite3.Connection, fresh: FreshReads) -> None:
    """Write what was read after training; it is on disk when this returns.

    Raises
    ------
    RunError
        If the disk refuses.
    """
    try:
        with record:
            for table, lines in rows_of_fresh(fresh).items():
                record.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", lines)  # noqa: S608 - names of ours
    except sqlite3.Error as error:
        raise RunError(f"the fresh reads cannot be written to the record: {reason_of(error)}") from error


def rows_of_fresh(fresh: FreshReads) -> dict[str, Rows]:
    """Return what the tables hold of fresh reads."""
    return {
        table: [(read + 1, *place, float(value)) for (read, *place), value in np.ndenumerate(values)]
        for table, values in (("fresh_current", fresh.currents), ("fresh_activation", fresh.activations))
    }


def check_fresh(fresh: FreshReads, recorded: FreshReads) -> None:
    """Refuse fresh reads of a replay that are not the recorded ones, bit by bit.

    Raises
    ------
    ReplayDiverged
        Then.
    """
    if not all(np.array_equal(now, before) for now, before in zip(fresh, recorded, strict=True)):
        raise ReplayDiverged("the replay diverged after training: its fresh reads are not those of the record")


def finish_record(
    record: Record, facts: Mapping[str, Any], backend: DeviceBackend, unresponsive: BoolArray | None
) -> None:
    """Write how a run ended, what the chip is like now, and which (R, C) cells were found unresponsive.

    Raises
    ------
    RunError
        If the disk refuses, or the record is not in its place; it still says that the run is under way, and can be
        resumed.
    """
    try:
        with record:
            record.check_in_place()
            write_facts(record, {**facts, "finished_utc": utc_now()})
            _write_chip(record, "end", backend)
            if unresponsive is not None:
                _write_rows(record, rows_of_chip("end", {"unresponsive": unresponsive}))
        _close_whole(record)
    except sqlite3.Error as error:
        raise RunError(
            f"how the run ended cannot be written to the record: {reason_of(error)}; what was done is kept, and "
            "`resume` writes it"
        ) from error
    finally:
        record.close()


def _close_whole(record: Record) -> None:
    """Close a record that has ended, so that all of it is in its one file.

    SQLite leaves its log behind if somebody reads at that moment, and whoever only reads can never tidy it away. So he
    is waited for, at most `READERS_S`; the record is whole without that, in two files.
    """
    record.close()
    log = record.path.with_name(f"{RECORD}-wal")
    for _ in range(round(READERS_S / _LOOK_S)):
        if not os.path.lexists(log):
            return
        _wait(_LOOK_S)
        with suppress(sqlite3.Error, RunError), closing(_connect(record.path)) as again:
            again.execute("PRAGMA wal_checkpoint")


def check_replay(epoch: Epoch, recorded: Epoch) -> None:
    """Refuse an epoch of a replay that is not the recorded one, bit by bit.

    Raises
    ------
    ReplayDiverged
        Then.
    """
    for name in ("conductances", "currents", "activations", "counts", "depressing"):
        if not np.array_equal(getattr(epoch, name), getattr(recorded, name)):
            raise ReplayDiverged(
                f"the replay diverged at epoch {epoch.number}: its {name} are not those of the record; nothing was sent"
            )


def rows_of_patterns(task: PatternSet) -> list[tuple[int, str, str, str]]:
    """Return place, part, bits and label of every pattern."""
    return [
        (place, part, as_text(bits), as_text(label))
        for part, patterns, labels in (("train", task.train, task.train_labels), ("test", task.test, task.test_labels))
        for place, (bits, label) in enumerate(zip(patterns, labels, strict=True))
    ]


def rows_of_chip(moment: str, arrays: Mapping[str, NDArray[Any]]) -> Rows:
    """Return what the table of the chip holds of named arrays."""
    return [
        (moment, quantity, *place, float(value))
        for quantity, array in arrays.items()
        for place, value in np.ndenumerate(array)
    ]


def _write_chip(record: sqlite3.Connection, moment: str, backend: DeviceBackend) -> None:
    _write_rows(record, rows_of_chip(moment, {**backend.state(), "saturated": backend.saturated_cells()}))


def _write_rows(record: sqlite3.Connection, rows: Rows) -> None:
    record.executemany("INSERT INTO chip VALUES (?, ?, ?, ?, ?)", rows)


def refuse_links(path: Path) -> None:
    """Refuse a record that is a link or has a second name, or beside which SQLite would write through one.

    Raises
    ------
    RunError
        Then.
    """
    for place in (path, *(path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm", "-journal"))):
        problem = why_not_ours(place) if os.path.lexists(place) else ""
        if problem:
            raise RunError(f"the record of run {path.parent.name} is not opened: {problem}")


def _connect(path: Path) -> Record:
    refuse_links(path)
    record: Record = sqlite3.connect(path, factory=Record)
    record.execute("PRAGMA journal_mode = WAL")
    record.execute("PRAGMA synchronous = FULL")
    record.path, record.file = path, _file_at(path)
    return record
