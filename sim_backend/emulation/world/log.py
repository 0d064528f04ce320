"""The physical log: what really happened on the emulated bench. The product never reads it; tests do.

In a file it may be whole, or of a bounded size: then the file before stays beside it as ``physical.jsonl.1``, and what
is dropped is counted in the first line of what follows.
"""

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossbar_hil.errors import ConfigError, DataError, reason_of
from crossbar_hil.guard.storage import why_not_ours

LAST_BYTES = 32 << 20
"""Of each of the two files of a log that is not kept whole: some 100,000 events, a training of 3,000 pulses."""


@dataclass
class PhysicalLog:
    """Events in the order in which they happened, each a dict with ``t`` in seconds and ``event``.

    ``source``
        A channel was set: name, level_v, on, limit_a.
    ``relays``
        Relays moved: matrix, opened, closed (lists of [row, column] node names).
    ``exposure``
        A cell was under voltage for a while: row, column, volt, seconds.
    ``violation``
        Something a careful bench never does: what, and where.
    ``nemesis``
        A fault was made on purpose: verb, call, instrument, args.

    Parameters
    ----------
    path : Path, optional
        A file to which every event is appended at once as one line of JSON, with the time of day ``wall`` in seconds
        since 1970. Three events are only there: ``begin`` (chip and threshold), ``end``, which a bench that was killed
        does not write, and ``dropped``. If the file cannot be written any more, `failure` says why, and the rest is
        only in memory, if it is remembered.
    remembered : bool
        Whether events are kept in memory too, which grows without bound; else `events` and `of` are refused.
    most_bytes : int, optional
        Size at which the file is put aside as the last one before, whose place it takes; no bound if not given. The new
        one begins with ``dropped``: how many events of this bench are in neither, and the time of the first that is.

    Raises
    ------
    ConfigError
        If the file cannot be opened.
    """

    path: Path | None = None
    remembered: bool = True
    most_bytes: int | None = None
    failure: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._file: int | None = None
        self._size = self._written = 0  # bytes of the file, and events in it
        self._aside = self._dropped = 0  # events in the file before, and in neither
        if self.path is not None:
            problem = why_not_ours(self.path) if os.path.lexists(self.path) else ""
            if problem:
                raise ConfigError(f"physical log is not written: {problem}")
            try:
                self._open(self.path)
            except OSError as error:
                raise ConfigError(f"physical log {self.path} cannot be opened: {reason_of(error)}") from error

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events so far.

        Raises
        ------
        DataError
            If they are not remembered.
        """
        if not self.remembered:
            where = "nowhere" if self.path is None else f"in {self.path} alone"
            raise DataError(f"this bench does not remember what happened on it: its events are {where}")
        return self._events

    def add(self, t: float, event: str, **details: Any) -> None:
        """Write down an event."""
        entry = {"t": t, "event": event, **details}
        if self.remembered:
            self._events.append(entry)
        self._append(entry)

    def mark(self, t: float, event: str, **details: Any) -> None:
        """Write down an event in the file only."""
        self._append({"t": t, "event": event, **details})

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the events of one kind."""
        return [each for each in self.events if each["event"] == event]

    def close(self) -> None:
        """Close the file; later events are only in memory."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self, path: Path, *, fresh: bool = False) -> None:
        self._file = os.open(path, _APPEND | (os.O_EXCL if fresh else 0), 0o600)
        self._size = os.fstat(self._file).st_size
        if self.most_bytes is not None and self._size:  # of a bench before
            self._dropped, self._written = _count(path)
            _, self._aside = _count(_aside(path))

    def _append(self, entry: dict[str, Any]) -> None:
        if self._file is None:
            return
        try:
            if self.most_bytes is not None and self._size >= self.most_bytes:
                self._put_aside(entry["t"])
            self._write(entry)
        except OSError as error:
            self._fail(reason_of(error))

    def _put_aside(self, t: float) -> None:
        """Begin a new file; the one before the last is no more."""
        if self.path is None:
            return
        self.close()
        self._dropped, self._aside, self._written = self._dropped + self._aside, self._written, 0
        os.replace(self.path, _aside(self.path))
        self._open(self.path, fresh=True)
        self._write({"t": t, "event": "dropped", "events": self._dropped, "before": self._aside})

    def _write(self, entry: dict[str, Any]) -> None:
        line = (json.dumps({**entry, "wall": time.time()}, default=_plain) + "\n").encode()
        if self._file is None:
            return
        # One call of the system a line: whatever ends this process, no event that happened is lost or torn.
        written = os.write(self._file, line)
        if written < len(line):
            self._fail("the disk is full: make room on it")
        self._size += written
        self._written += entry["event"] != "dropped"

    def _fail(self, why: str) -> None:
        self.failure = f"physical log {self.path} cannot be written: {why}"
        self.close()


_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


def _aside(path: Path) -> Path:
    """Return where the file before is kept."""
    return path.with_name(f"{path.name}.1")


def _count(path: Path) -> tuple[int, int]:
    """Return how many events a file says were dropped before it, and how many it holds."""
    if not path.is_file():
        return 0, 0
    with path.open(encoding="utf-8") as lines:
        first = lines.readline()
        held = sum(1 for _ in lines)
    if '"event": "dropped"' in first:
        return int(json.loads(first)["events"]), held
    return 0, held + 1


def _plain(value: Any) -> Any:
    """Make a number of Python of one of numpy."""
    return value.item()
