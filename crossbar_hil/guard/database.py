"""How databases are opened: transactions by hand, settings read back, and none that keeps its reader for ever."""

import itertools
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

Connect = Callable[[Path], sqlite3.Connection]
"""Opens a database; tests put failing disks here."""

STEPS, STEPS_A_BYTE, _AT_ONCE = 10_000_000, 20, 100_000
"""Whoever reads has so many steps of SQLite's machine, and so many more a byte; the machine asks so often.

A row of a cell in a record has 30 bytes, and 20 steps read it in order; a view, or pages that lead back to themselves,
can have no end.
"""
ENDLESS = "reading it takes more steps than a file of its size can take"


def connect(path: Path, *, wait_s: float = 1.0) -> sqlite3.Connection:
    """Open a database with transactions left to the caller; wait so long, in seconds, where another process has it."""
    return sqlite3.connect(path, isolation_level=None, timeout=wait_s, check_same_thread=False)


def set_pragmas(database: sqlite3.Connection, pragmas: Iterable[tuple[str, str, str | int]]) -> str:
    """Set how SQLite writes, by (name, word, value that it must then have); return what it does not do, or nothing."""
    for name, word, due in pragmas:
        database.execute(f"PRAGMA {name} = {word}").fetchall()
        (found,) = database.execute(f"PRAGMA {name}").fetchone()
        if found != due:
            return f"SQLite has {name} at {found!r}, not at {due!r}"
    return ""


def bound_reading(database: sqlite3.Connection, size: int) -> None:
    """Have an open database of so many bytes read for as long as one can take, whatever is in it: then SQLite stops."""
    calls = itertools.count((STEPS + STEPS_A_BYTE * size) // _AT_ONCE, -1)
    database.set_progress_handler(lambda: next(calls) <= 0, _AT_ONCE)


def why_unreadable(error: Exception) -> str:
    """Say why a database could not be read."""
    return ENDLESS if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT else str(error)
