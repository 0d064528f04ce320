"""The dose ledger of a chip: what every cell may have received in all runs together, written before it is sent."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.errors import LedgerError
from crossbar_hil.guard.chain import FIRST, Entry, chain_hash
from crossbar_hil.guard.database import Connect, connect, set_pragmas
from crossbar_hil.guard.names import file_name
from crossbar_hil.guard.storage import create_exclusive, flush_folder, read_plain, undo_on_error, why_not_ours
from crossbar_hil.owners.state import state_folder
from crossbar_hil.spent import chip_key

VERSION = 1
APPLICATION_ID = 0x4352484C
"""Says in a database's header that it is one of our ledgers."""
_TABLES = (
    "CREATE TABLE chip (rows INTEGER, columns INTEGER, reservations INTEGER, chain TEXT)",
    "CREATE TABLE reservation (number INTEGER PRIMARY KEY, run TEXT, op INTEGER, utc TEXT, cells TEXT, chain TEXT, "
    "UNIQUE (run, op))",
)
_PRAGMAS = (
    # No write-ahead log: a home folder may lie on a network, where its shared memory does not work.
    ("journal_mode", "DELETE", "delete"),
    ("synchronous", "EXTRA", 3),
    ("fullfsync", "ON", 1),
)
_CONNECT = partial(connect, wait_s=5.0)


def default_path(chip_id: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the ledger of a chip is kept for this user, its name in small letters: case makes no other chip.

    One that was begun when it did is gone on with.

    Raises
    ------
    DataError
        If the chip has no name.
    """
    folder = state_folder(environ) / "chips"
    path, before = (folder / file_name(name, ".sqlite") for name in (chip_key(chip_id), chip_id))
    return before if os.path.lexists(before) and not os.path.lexists(path) else path


def why_dose_unknown(chip_id: str, environ: Mapping[str, str] = os.environ) -> str:
    """Say that the dose of a chip would start at zero, if no ledger of this user holds it; empty if one does."""
    path = default_path(chip_id, environ)
    if os.path.lexists(path):
        return ""
    same = path.name.rpartition("-")[0]
    alike = sorted(each.name for each in path.parent.glob("*.sqlite") if each.name.rpartition("-")[0].lower() == same)
    return (
        f"chip {chip_id!r} has no dose ledger here ({path}), so what it gets is counted from zero: if it was pulsed "
        "before, by another user, on another computer or under another name, put that ledger there first"
        + (f"; ledgers of names much like it: {', '.join(alike)}" if alike else "")
    )


class DoseLedger:
    """What the cells of one chip may have received; make one with `open`."""

    def __init__(
        self, path: Path, shape: tuple[int, int], database: sqlite3.Connection, now: Callable[[], datetime]
    ) -> None:
        self.path = path
        self.shape = shape
        self._database = database
        self._now = now
        self._number = 0
        self._chain = FIRST
        self._pulses: IntArray = np.zeros(shape, dtype=np.int64)
        self._dose_vs: FloatArray = np.zeros(shape)

    @classmethod
    def open(
        cls,
        path: str | Path,
        shape: tuple[int, int],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        connect: Connect = _CONNECT,
    ) -> Self:
        """Open the ledger of a chip of R rows and C columns, or begin one.

        Raises
        ------
        LedgerError
            If it is damaged, of a chip of another shape, or cannot be opened; it is as it was.
        """
        path = Path(path)
        with undo_on_error(LedgerError, f"dose ledger {path} cannot be opened") as undo:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = not os.path.lexists(path)
            if new:
                os.close(create_exclusive(path))
            beside = path.with_name(f"{path.name}-journal")  # which SQLite would roll back by
            problem = why_not_ours(path) or (why_not_ours(beside) if os.path.lexists(beside) else "")
            if problem:
                raise LedgerError(f"dose ledger cannot be opened: {problem}")
            if not new and not path.stat().st_size:
                raise LedgerError(f"dose ledger {path} is empty, so that what the chip received is not known")
            database = connect(path)
            undo.callback(database.close)
            ledger = cls(path, (int(shape[0]), int(shape[1])), database, now)
            ledger._prepare()
            if new:
                ledger._begin()
            ledger._verify()
        return ledger

    def reserve(self, run: str, op: int, pulses: IntArray, dose_vs: FloatArray) -> None:
        """Count pulses as received; this is on disk when it returns, so send them afterwards.

        Parameters
        ----------
        run : str
            Name of the run.
        op : int
            Number of the operation in the run; a negative one is of the entry in its journal that tells of cells that
            may have got the pulses of others. What is reserved already is not counted again.
        pulses : ndarray of int, shape (R, C)
            Pulses of each cell.
        dose_vs : ndarray of float, shape (R, C)
            Sum of amplitude times width over them, in volt-seconds, without sign.

        Raises
        ------
        LedgerError
            If the arrays are not of the chip, the operation is reserved for something else, the ledger is damaged, or
            the disk refuses; nothing was counted.
        """
        cells = self._cells(pulses, dose_vs)
        with undo_on_error(LedgerError, f"dose ledger {self.path}: operation {op} was not reserved") as undo:
            self._database.execute("BEGIN IMMEDIATE")
            undo.callback(self._roll_back)
            self._catch_up()
            done = self._database.execute(
                "SELECT cells FROM reservation WHERE run = ? AND op = ?", (run, op)
            ).fetchone()
            if done is None:
                row = (self._number + 1, run, op, self._now().isoformat(timespec="milliseconds"), cells)
                chain = chain_hash(self._chain, *row)
                self._database.execute("INSERT INTO reservation VALUES (?, ?, ?, ?, ?, ?)", (*row, chain))
                self._database.execute("UPDATE chip SET reservations = ?, chain = ?", (row[0], chain))
            elif done[0] != cells:
                raise LedgerError(
                    f"dose ledger {self.path}: operation {op} of run {run} is reserved for other pulses already"
                )
            self._database.commit()
            self._catch_up()

    def count_again(self, run: str, entries: Iterable[Entry]) -> int:
        """Count what the journal of a run holds and this ledger does not, and return how many operations that were.

        A ledger is written before the pulses are sent, so it lacks none unless it is another one than the run had.

        Raises
        ------
        LedgerError
            If it holds other pulses of an operation, or operations that the journal does not hold: then the journal is
            older than what was done to the chip.
        """
        due, last = _operations_in(entries, self.shape)
        rows = self._database.execute("SELECT op FROM reservation WHERE run = ?", (run,)).fetchall()
        held = {op for (op,) in rows}
        # An operation is counted before its first pulse is in the journal, and dies with its guard there.
        if beyond := sorted(op for op in held if op > last + 1):
            raise LedgerError(
                f"dose ledger {self.path} holds operation {beyond[-1]} of run {run}, but its journal ends at operation "
                f"{last}, so it lacks what was done to the chip; nothing was sent"
            )
        for op, (pulses, dose_vs) in due.items():
            self.reserve(run, op, pulses, dose_vs)
        return len(set(due) - held)

    def totals(self) -> tuple[IntArray, FloatArray]:
        """Return pulses (R, C) and dose in volt-seconds (R, C) of every cell in all runs together."""
        with undo_on_error(LedgerError, f"dose ledger {self.path} cannot be read"):
            self._catch_up()
        return self._pulses.copy(), self._dose_vs.copy()

    def pulses_by_run(self, since: datetime) -> list[IntArray]:
        """Return the pulses (R, C) of each run that has begun since a moment, the first run first."""
        with undo_on_error(LedgerError, f"dose ledger {self.path} cannot be read"):
            self._catch_up()
            rows = self._database.execute("SELECT run, utc, cells FROM reservation ORDER BY number").fetchall()
        found: dict[str, IntArray] = {}
        for run, utc, cells in rows:
            if run not in found and datetime.fromisoformat(utc) < since:
                continue
            pulses = found.setdefault(run, np.zeros(self.shape, dtype=np.int64))
            for row, column, count, _ in json.loads(cells):
                pulses[row, column] += count
        return list(found.values())

    def close(self) -> None:
        """Close the file; everything in it is on disk already."""
        self._database.close()

    def _prepare(self) -> None:
        if problem := set_pragmas(self._database, _PRAGMAS):
            raise LedgerError(f"dose ledger {self.path}: {problem}")
        self._database.execute("PRAGMA trusted_schema = OFF")

    def _begin(self) -> None:
        self._database.execute("BEGIN EXCLUSIVE")
        self._database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._database.execute(f"PRAGMA user_version = {VERSION}")
        for table in _TABLES:
            self._database.execute(table)
        self._database.execute("INSERT INTO chip VALUES (?, ?, 0, ?)", (*self.shape, FIRST))
        self._database.commit()
        flush_folder(self.path.parent)

    def _verify(self) -> None:
        marks = [self._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        tables = [sql for (sql,) in self._database.execute("SELECT sql FROM sqlite_schema WHERE sql NOT NULL")]
        if marks != [APPLICATION_ID, VERSION] or tables != list(_TABLES):
            raise LedgerError(f"dose ledger {self.path} is damaged, or is no dose ledger of version {VERSION}")
        (found,) = self._database.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise LedgerError(f"dose ledger {self.path} is damaged: {found}")
        chips = self._database.execute("SELECT rows, columns FROM chip").fetchall()
        if len(chips) != 1:
            raise LedgerError(f"dose ledger {self.path} is damaged: it describes {len(chips)} chips")
        if chips[0] != self.shape:
            was, now = ("x".join(map(str, shape)) for shape in (chips[0], self.shape))
            raise LedgerError(f"dose ledger {self.path} is of a chip of {was} cells, not {now}")
        self._catch_up()

    def _catch_up(self) -> None:
        """Take in the rows that are not counted yet, each verified; another process may have written some."""
        select = "SELECT * FROM reservation WHERE number > ? ORDER BY number"
        with ExitStack() as moment:
            if not self._database.in_transaction:  # both tables as of one moment
                self._database.execute("BEGIN")
                moment.callback(self._database.rollback)
            rows = self._database.execute(select, (self._number,)).fetchall()
            last = self._database.execute("SELECT reservations, chain FROM chip").fetchone()
        for *row, stored in rows:
            number, run, op, _, cells = row
            if number != self._number + 1 or stored != chain_hash(self._chain, *row):
                raise LedgerError(
                    f"dose ledger {self.path} is damaged: row {number} (operation {op} of run {run}) is not what was "
                    f"written after row {self._number}"
                )
            for line, column, pulses, dose_vs in json.loads(cells):
                self._pulses[line, column] += pulses
                self._dose_vs[line, column] += dose_vs
            self._number, self._chain = number, stored
        if last != (self._number, self._chain):
            raise LedgerError(f"dose ledger {self.path} is damaged: its last row is not row {last[0]} as written")

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            self._database.rollback()

    def _cells(self, pulses: IntArray, dose_vs: FloatArray) -> str:
        """Return the cells that receive something, as stored: row, column, pulses, dose."""
        if pulses.shape != self.shape or dose_vs.shape != self.shape:
            raise LedgerError(
                f"dose ledger {self.path} is of a chip of shape {self.shape}, pulses have shape {pulses.shape} and "
                f"doses {dose_vs.shape}"
            )
        if not np.issubdtype(pulses.dtype, np.integer) or pulses.min(initial=0) < 0:
            raise LedgerError(f"pulses must be whole numbers from 0 on, the least is {pulses.min()}")
        if not np.isfinite(dose_vs).all() or dose_vs.min(initial=0.0) < 0.0:
            raise LedgerError(f"doses must be finite and not negative, the least is {dose_vs.min()} V s")
        places = np.argwhere((pulses > 0) | (dose_vs > 0.0))
        cells: list[list[Any]] = [
            [int(row), int(column), int(pulses[row, column]), float(dose_vs[row, column])] for row, column in places
        ]
        return json.dumps(cells, separators=(",", ":"), allow_nan=False)


def read_totals(path: Path) -> tuple[IntArray, FloatArray] | None:
    """Return pulses and dose (R, C) that a ledger holds, for those who look on; None if there is none to be read now.

    It is read as bytes, so that a guard that writes it never waits; nothing is verified.
    """
    try:
        content = read_plain(path)
        if os.path.lexists(path.with_name(f"{path.name}-journal")):  # somebody is writing
            return None
        with closing(sqlite3.connect(":memory:")) as memory:
            memory.deserialize(content)
            (shape,) = memory.execute("SELECT rows, columns FROM chip").fetchall()
            pulses, dose_vs = np.zeros(shape, dtype=np.int64), np.zeros(shape)
            for (cells,) in memory.execute("SELECT cells FROM reservation"):
                for row, column, count, dose in json.loads(cells):
                    pulses[row, column] += count
                    dose_vs[row, column] += dose
    except (OSError, sqlite3.Error, ValueError, TypeError, IndexError):
        return None
    return pulses, dose_vs


def _operations_in(
    entries: Iterable[Entry], shape: tuple[int, int]
) -> tuple[dict[int, tuple[IntArray, FloatArray]], int]:
    """Return what a journal says was counted, by operation or minus the entry, and the last operation in it."""
    asked: dict[int, tuple[IntArray, FloatArray]] = {}
    begun, last = set(), 0
    for entry in entries:
        if entry.kind in {"pulses", "exposed"}:
            counts = np.array(entry.body["counts"], dtype=np.int64).reshape(shape)
            dose_vs = counts * np.float64(abs(entry.body["amplitude_v"]) * entry.body["width_s"])
            asked[entry.body["op"] if entry.kind == "pulses" else -entry.number] = counts, dose_vs
        if entry.kind == "intent":
            begun.add(entry.body["op"])
        if entry.kind in {"pulses", "read"}:
            last = max(last, entry.body["op"])
    return {op: what for op, what in asked.items() if op < 0 or op in begun}, last
