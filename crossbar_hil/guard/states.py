"""The states of a guarded bench and what is allowed in each: a small closed table, checked at every step.

The present state stands as one word in a file beside the journal, for those who look on: never flushed, read by nothing
that acts.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from crossbar_hil.errors import GuardError
from crossbar_hil.guard.storage import open_to_write, read_plain

PHASE = "phase"
"""The file with the word."""
MAKING_SAFE = "making safe"
_WIDTH = 15


class State(Enum):
    """Where a guarded bench stands."""

    REPLAYING = "replaying"
    """Requests are answered from the journal; no instrument has been asked for anything but its name."""
    READY = "ready"
    """Sources at 0 V between two operations."""
    READING = "reading"
    PULSING = "pulsing"
    SAFE = "safe"
    """Outputs off and relays open, read back."""
    BROKEN = "broken"
    """Making safe was tried and could not be confirmed: a person must look."""
    ENDED = "ended"
    """Sessions closed."""


ALLOWED: dict[State, frozenset[State]] = {
    State.REPLAYING: frozenset({State.READY, State.READING, State.SAFE, State.BROKEN}),
    State.READY: frozenset({State.READING, State.PULSING, State.SAFE, State.BROKEN}),
    State.READING: frozenset({State.READY, State.SAFE, State.BROKEN}),
    State.PULSING: frozenset({State.READY, State.SAFE, State.BROKEN}),
    State.SAFE: frozenset({State.SAFE, State.BROKEN, State.READY, State.READING, State.PULSING, State.ENDED}),
    State.BROKEN: frozenset({State.SAFE, State.BROKEN, State.ENDED}),
    State.ENDED: frozenset(),
}
"""Which states may follow which. From a broken bench there is no way back to work, only to safe and to the end."""


class Machine:
    """The present state, its word in a folder for onlookers; a step that the table does not hold is refused."""

    def __init__(self, folder: Path | None = None) -> None:
        self.state = State.REPLAYING
        self._path = None if folder is None else folder / PHASE
        self.tell(self.state.value)

    def to(self, state: State) -> None:
        """Go on to a state; a GuardError if the table does not allow it."""
        if state not in ALLOWED[self.state]:
            raise GuardError(f"a bench that is {self.state.value} cannot become {state.value}")
        self.state = state
        self.tell(state.value)

    def tell(self, word: str) -> None:
        """Write a word for onlookers, as far as that works: who only looks on stops nothing."""
        if self._path is None:
            return
        with suppress(OSError):  # no room, a link in its place
            handle = open_to_write(self._path)
            try:
                os.write(handle, f"{word:<{_WIDTH}}\n".encode())  # always as long, so that none is ever read in part
            finally:
                os.close(handle)


def phase_of(folder: Path) -> tuple[str, datetime | None]:
    """Return what the guard of a session last said it was doing, and since when; nothing without such a word.

    It is what a guard was doing when it was killed, too.
    """
    path = folder / PHASE
    try:
        word = read_plain(path).decode("ascii").strip()
        since = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError):
        return "", None
    return (word, since) if word in {MAKING_SAFE, *(each.value for each in State)} else ("", None)
