"""How the databases of a guard are opened: transactions by hand, settings read back."""

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

Connect = Callable[[Path], sqlite3.Connection]
"""Opens a database; tests put failing disks here."""


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
