"""The physical log: what really happened on the emulated bench. The product never reads it; tests do."""

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossbar_hil.errors import ConfigError, reason_of
from crossbar_hil.guard.storage import why_not_ours


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
        since 1970. Two events are only there: ``begin`` (chip and threshold) and ``end``, which a bench that was killed
        does not write. If the file cannot be written any more, `failure` says why, and the rest is only in memory.

    Raises
    ------
    ConfigError
        If the file cannot be opened.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    path: Path | None = None
    failure: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._file: int | None = None
        if self.path is not None:
            problem = why_not_ours(self.path) if os.path.lexists(self.path) else ""
            if problem:
                raise ConfigError(f"physical log is not written: {problem}")
            try:
                self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NO_FOLLOW, 0o600)
            except OSError as error:
                raise ConfigError(f"physical log {self.path} cannot be opened: {reason_of(error)}") from error

    def add(self, t: float, event: str, **details: Any) -> None:
        """Write down an event."""
        entry = {"t": t, "event": event, **details}
        self.events.append(entry)
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

    def _append(self, entry: dict[str, Any]) -> None:
        if self._file is None:
            return
        line = json.dumps({**entry, "wall": time.time()}, default=_plain) + "\n"
        try:
            # One call of the system a line: whatever ends this process, no event that happened is lost or torn.
            written = os.write(self._file, line.encode())
        except OSError as error:
            self._fail(reason_of(error))
        else:
            if written < len(line.encode()):
                self._fail("the disk is full: make room on it")

    def _fail(self, why: str) -> None:
        self.failure = f"physical log {self.path} cannot be written: {why}"
        self.close()


_NO_FOLLOW = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


def _plain(value: Any) -> Any:
    """Make a number of Python of one of numpy."""
    return value.item()
