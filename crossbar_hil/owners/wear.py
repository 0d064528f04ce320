"""How often each relay of a matrix has closed, over the life of a bench: one small database for each matrix."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from crossbar_hil.errors import RunError

_TABLE = "CREATE TABLE IF NOT EXISTS closing (crosspoint TEXT PRIMARY KEY, count INTEGER NOT NULL)"
_ADD = "INSERT INTO closing VALUES (?, ?) ON CONFLICT (crosspoint) DO UPDATE SET count = count + excluded.count"
WAIT_S = 5.0
"""So long is waited for another process that has the file."""


class RelayWear:
    """The counts of one matrix; what was added is on disk, whole, when `note` returns.

    Raises
    ------
    RunError
        If the file cannot be used; the counts are as they were.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: dict[str, int] = {}
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, isolation_level=None, timeout=WAIT_S, check_same_thread=False)
            self._database.execute("PRAGMA synchronous = EXTRA")
            self._database.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            raise RunError(f"relay counts {path} cannot be kept: {error}") from error

    def note(self, closings: Mapping[str, int]) -> None:
        """Add what has closed since this was called last; `closings` counts from when the matrix was opened."""
        new = [(name, count - self._seen.get(name, 0)) for name, count in closings.items()]
        new = [(name, count) for name, count in new if count > 0]
        if not new:
            return
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(_ADD, new)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise RunError(f"relay counts {self.path} cannot be kept: {error}") from error
        self._seen = dict(closings)

    def close(self) -> None:
        """Close the file; everything in it is on disk already."""
        self._database.close()


def read_wear(path: Path) -> dict[str, int]:
    """Return how often each crosspoint has closed; nothing if nobody has counted.

    Raises
    ------
    RunError
        If the file cannot be read.
    """
    if not path.is_file():
        return {}
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=WAIT_S)) as database:
            return dict(database.execute("SELECT crosspoint, count FROM closing").fetchall())
    except sqlite3.Error as error:
        raise RunError(f"relay counts {path} cannot be read: {error}") from error


def wear_text(matrix: str, closings: Mapping[str, int], rated: int | None) -> str:
    """Say how worn a matrix is; empty if nothing has closed.

    >>> wear_text("matrix", {"1A05": 30, "1B05": 12}, 100)
    'matrix has closed its relays 42 times, most often 1A05, 30 times; a relay is rated for 100 without load (30 %)'
    """
    if not closings:
        return ""
    most = max(sorted(closings), key=lambda name: closings[name])
    told = f"{matrix} has closed its relays {sum(closings.values())} times, most often {most}, {closings[most]} times"
    if rated is None:
        return f"{told}; for how many it is rated says the data sheet of its card"
    return f"{told}; a relay is rated for {rated} without load ({100 * closings[most] / rated:.2g} %)"
