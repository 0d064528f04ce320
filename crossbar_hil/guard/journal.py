"""The journal of a run: what was asked of the chip and what became of it, on disk before it counts as done.

A run folder holds ``journal.sqlite``, one table of entries bound by hashes (`crossbar_hil.guard.chain`), and beside it
``journal.head``, one line with number and hash of the last entry, rewritten after every commit and never flushed. The
head may be behind the database, after a power cut; if it is ahead, acknowledged entries are missing.
"""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from crossbar_hil.errors import JournalDamaged, JournalError, reason_of
from crossbar_hil.guard.chain import FIRST, Entry, Verdict, body_text, chain_hash, head_line
from crossbar_hil.guard.database import Connect, connect, set_pragmas
from crossbar_hil.guard.inspection import HEAD, companions, examine, log_of, read_journal, verify_journal
from crossbar_hil.guard.snapshot import APPLICATION_ID, PAGE, SELECT, TABLE, VERSION
from crossbar_hil.guard.storage import (
    create_exclusive,
    flush_folder,
    open_plain,
    try_lock,
    undo_on_error,
    why_not_ours,
    why_unfit,
)

__all__ = ["Entry", "Journal", "Verdict", "read_journal", "verify_journal"]

NEEDED_BYTES = 64 << 20
"""Room to begin with: some 100 000 entries and their log."""
_PRAGMAS = (
    ("locking_mode", "EXCLUSIVE", "exclusive"),  # before the first page is read: no second writer, no shared memory
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("fullfsync", "ON", 1),  # macOS: through the cache of the disk, too
    ("wal_autocheckpoint", "0", 0),  # done by `Journal.commit`, which empties the log
    ("cache_spill", "OFF", 0),  # nothing is in the log before its commit
)


class Journal:
    """A journal open for writing, by one process at a time; make one with `create` or `open`.

    Attributes
    ----------
    header : dict
        Body of the first entry.
    entries : list of Entry
        Those on disk when the journal was opened.
    notes : tuple of str
        What was in order but worth knowing when it was opened, such as a transaction that a power cut left unfinished.
    """

    LOG_COMMITS = 1000
    """Commits, of about one page each, after which the log is carried over into the database."""

    def __init__(
        self,
        path: Path,
        database: sqlite3.Connection,
        head: int,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self.path = path
        self.header: dict[str, Any] = {}
        self.entries: list[Entry] = []
        self.notes: tuple[str, ...] = ()
        self._database = database
        self._head = head
        self._now = now
        self._monotonic = monotonic
        self._last = (0, FIRST)
        self._open = False
        self._commits = 0
        self._failure: BaseException | None = None
        self._closed = False
        self._places: dict[Path, int] = {}
        self._lock = threading.RLock()

    @classmethod
    def create(
        cls,
        path: str | Path,
        header: Mapping[str, Any],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        connect: Connect = connect,
        mounts: str | None = None,
        needed_bytes: int = NEEDED_BYTES,
    ) -> Self:
        """Make a journal where there is none and write its first entry, of kind ``start``.

        Parameters
        ----------
        path : str or Path
            The new database, in an existing folder.
        header : mapping
            Body of the first entry.
        now, monotonic : callable
            The two clocks.
        connect : callable
            Opens the database; tests put failing disks here.
        mounts : str or None
            Mount table, see `crossbar_hil.guard.storage.why_unfit`.
        needed_bytes : int
            Room that must be free.

        Raises
        ------
        JournalError
            If the folder is no place for a journal or holds one; nothing was made or overwritten.
        DataError
            If the header holds what JSON does not; nothing was made.
        """
        path = Path(path)
        what = f"journal {path} cannot be made"
        with undo_on_error(JournalError, what) as undo:
            if problem := why_unfit(path.parent, needed_bytes=needed_bytes, mounts=mounts):
                raise JournalError(f"{what}: {problem}")
            for name in companions(path):
                if os.path.lexists(name):
                    raise JournalError(f"{what}: {name.name} is there already")
            os.close(create_exclusive(path))
            for name in companions(path):
                undo.callback(name.unlink, missing_ok=True)
            head = create_exclusive(path.with_name(HEAD))
            undo.callback(os.close, head)
            _lock(head, path)
            database = connect(path)
            undo.callback(database.close)
            for setting in (f"page_size = {PAGE}", f"application_id = {APPLICATION_ID}", f"user_version = {VERSION}"):
                database.execute(f"PRAGMA {setting}")
            _prepare(database, path)
            database.execute(TABLE)
            journal = cls(path, database, head, now=now, monotonic=monotonic)
            journal.append("start", header)
            journal.commit()
            journal._carry_over()
            flush_folder(path.parent)
            number, kind, utc, monotonic_s, body, _ = database.execute(SELECT).fetchone()
            journal._begin_with([Entry(number, kind, utc, monotonic_s, json.loads(body))], ())
        return journal

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        connect: Connect = connect,
        mounts: str | None = None,
        needed_bytes: int = NEEDED_BYTES,
    ) -> Self:
        """Open a journal to go on with it, once everything in it has been verified; parameters as of `create`.

        Raises
        ------
        JournalDamaged
            If it is not what was written; its files are as they were.
        JournalError
            If another process writes it, or it cannot be opened.
        """
        path = Path(path)
        what, damaged = f"journal {path} cannot be opened", f"journal {path} is damaged"
        with undo_on_error(JournalError, what) as undo:
            there = [name for name in companions(path) if os.path.lexists(name)]
            problems = [why_not_ours(name) for name in there]
            if path.parent.is_dir():
                problems.append(why_unfit(path.parent, needed_bytes=needed_bytes, mounts=mounts))
            if problem := next(filter(None, problems), "" if there else "there is none"):
                raise JournalError(f"{what}: {problem}")
            try:
                head = open_plain(path.with_name(HEAD))
            except FileNotFoundError as error:
                raise JournalDamaged(f"{damaged}: {'; '.join(verify_journal(path).problems)}") from error
            undo.callback(os.close, head)
            _lock(head, path)
            entries, verdict = examine(path)
            if verdict.problems:
                raise JournalDamaged(f"{damaged}: {'; '.join(verdict.problems)}")
            database = connect(path)
            undo.callback(database.close)
            _prepare(database, path)
            journal = cls(path, database, head, now=now, monotonic=monotonic)
            journal._last = (verdict.entries, verdict.chain)
            journal._carry_over()
            last = database.execute(f"{SELECT} DESC LIMIT 1").fetchone()
            if (last[0], last[-1]) != journal._last:
                raise JournalDamaged(f"{damaged}: SQLite ends at entry {last[0]}, not {verdict.entries}")
            journal._begin_with(entries, verdict.notes)
        return journal

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry, appended ones included."""
        return self._last

    def append(self, kind: str, body: Mapping[str, Any]) -> int:
        """Add an entry, durable after the next `commit`, and return its number.

        Raises
        ------
        DataError
            If the body holds what JSON does not; the journal is as it was.
        JournalError
            If the disk refuses, or refused before: then nothing more is written.
        """
        text = body_text(kind, body)
        with self._lock:
            self._check()
            number = self._last[0] + 1
            utc = self._now().isoformat(timespec="milliseconds")
            monotonic_s = float(self._monotonic())
            chain = chain_hash(self._last[1], number, kind, utc, monotonic_s, text)
            try:
                if not self._open:
                    self._database.execute("BEGIN IMMEDIATE")
                    self._open = True
                row = (number, kind, utc, monotonic_s, text, chain)
                self._database.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", row)
            except BaseException as error:
                self._distrust(f"entry {number} ({kind})", error)
                raise
            self._last = (number, chain)
            return number

    def commit(self) -> None:
        """Make all appended entries durable; they are when this returns. Raises JournalError as `append` does."""
        with self._lock:
            self._check()
            if not self._open:
                return
            try:
                self._database.commit()
                self._open = False
                self._write_head()
                self._commits += 1
                if self._commits >= self.LOG_COMMITS:
                    self._carry_over()
                for place, inode in self._places.items():
                    if os.lstat(place).st_ino != inode:
                        raise OSError(f"{place} was replaced by another file")
            except BaseException as error:
                self._distrust(f"the commit of entry {self._last[0]}", error)
                raise

    def close(self) -> None:
        """Commit what is open and leave the database at rest in one file.

        Raises
        ------
        JournalError
            If the last commit fails; the files are closed all the same.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                if self._failure is None:
                    self.commit()
                    self._carry_over()
            except (OSError, sqlite3.Error) as error:
                self._distrust("the last of it", error)
            finally:
                with suppress(sqlite3.Error):
                    self._database.close()
                os.close(self._head)

    def _check(self) -> None:
        if self._failure is not None:
            raise JournalError(f"journal {self.path} is not trusted any more: {self._failure}") from self._failure

    def _distrust(self, what: str, cause: BaseException) -> None:
        """Write nothing more, and raise the reason unless the cause is an interruption, which goes on as it is."""
        failure = JournalError(f"journal {self.path}: {what} is not sure to be on disk: {reason_of(cause)}")
        self._failure = self._failure or failure
        with suppress(sqlite3.Error):
            self._database.rollback()
        if isinstance(cause, Exception):
            raise failure from cause

    def _write_head(self) -> None:
        # In place: a new file under the old name could be empty after a power cut. Lines only grow longer.
        os.lseek(self._head, 0, os.SEEK_SET)
        os.write(self._head, head_line(*self._last))

    def _carry_over(self) -> None:
        busy, *_ = self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("the log could not be carried over into the database: it is in use")
        self._write_head()
        os.fsync(self._head)
        self._commits = 0

    def _begin_with(self, entries: list[Entry], notes: tuple[str, ...]) -> None:
        """Take over what was found, and note which files are written, to notice when they are deleted or replaced."""
        self.entries, self.header, self.notes = entries, entries[0].body, notes
        for name in (self.path, self.path.with_name(HEAD), log_of(self.path)):
            self._places[name] = os.lstat(name).st_ino


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    """Set how SQLite writes, and see that it does."""
    if problem := set_pragmas(database, _PRAGMAS):
        raise JournalError(f"journal {path} cannot be opened: {problem}")


def _lock(head: int, path: Path) -> None:
    """Keep other writers out for as long as the descriptor is open.

    SQLite keeps them out too, but on POSIX systems it loses its locks when the same process reads the file and closes
    it again (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    if not try_lock(head):
        raise JournalError(f"journal {path} is being written by another process")
