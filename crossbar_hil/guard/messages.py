"""What trainer and guard say to each other: one JSON object a line, numbers as Python writes them, never a pickle."""

import json
import math
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import RawIOBase
from typing import Any

from crossbar_hil import errors
from crossbar_hil.errors import BackendError, CrossbarError, DataError, GuardError
from crossbar_hil.instrument import Reading

LONGEST_LINE = 16 << 20
"""A longer message, in bytes, is none of ours. To read one of 16 MB takes Python a third of a second, in which nothing
else gets on; of 64 MB it took so long on a busy machine that the guard was taken for hung."""
MOST_NUMBERS = 400_000
"""Of one request or answer: with up to 25 bytes each they are less than a message may be."""


def to_line(message: dict[str, Any]) -> bytes:
    """Return a message as it goes over the pipe; a DataError if it is too long."""
    parts = [f"{json.dumps(key)}:{_to_text(value)}" for key, value in message.items()]
    line = f"{{{','.join(parts)}}}\n".encode()
    if len(line) > LONGEST_LINE:
        raise DataError(
            f"a message between trainer and guard has {len(line)} bytes, {LONGEST_LINE} is the most: "
            "read fewer patterns at a time"
        )
    return line


def _to_text(value: Any) -> str:
    """Return a value as JSON; a table row by row, for between two of them other threads, which send beats, get on."""
    if isinstance(value, list) and value and isinstance(value[0], list):
        return f"[{','.join(map(_to_text, value))}]"
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


class Sender:
    """The end of a pipe to write to, in a thread of its own: who sends something never waits for who reads.

    A pipe holds some 64 kB. Who wrote to it directly would hang with the other side, and watch for nothing any more.

    Parameters
    ----------
    file : raw binary file
        The end of the pipe; closed at the end.
    on_broken : callable
        Called once in the thread, if nobody reads any more.
    """

    def __init__(self, file: RawIOBase, on_broken: Callable[[], None] = lambda: None) -> None:
        self._file, self._on_broken = file, on_broken
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="pipe to the other side", daemon=True)
        self._thread.start()

    def send(self, message: dict[str, Any]) -> None:
        """Have a message sent after all that were before; raises what `to_line` does."""
        self._lines.put(to_line(message))

    @property
    def behind(self) -> bool:
        """Whether messages wait to be read."""
        return not self._lines.empty()

    def finish(self, seconds: float) -> None:
        """Have the pipe closed after what is still to be sent, and wait for that, so many seconds at most."""
        self._lines.put(None)
        self._thread.join(seconds)

    def _write(self) -> None:
        try:
            while (line := self._lines.get()) is not None:
                left = memoryview(line)
                while left:
                    left = left[self._file.write(left) :]
        except (OSError, ValueError):
            self._on_broken()
        with suppress(OSError):
            self._file.close()


def from_line(line: bytes) -> dict[str, Any]:
    """Return the message of a line; a GuardError if it is none."""
    try:
        message = json.loads(line)
    except ValueError as error:
        raise GuardError(f"a message between trainer and guard is no JSON: {line[:60]!r}") from error
    if not isinstance(message, dict):
        raise GuardError(f"a message between trainer and guard is no object: {line[:60]!r}")
    return message


def error_to_message(error: BaseException) -> dict[str, Any]:
    """Return an error as a message holds it."""
    return {
        "type": type(error).__name__,
        "message": str(error) or type(error).__name__,
        "notes": list(getattr(error, "__notes__", ())),
    }


def error_from_message(description: dict[str, Any]) -> CrossbarError:
    """Return the error of a message; one that is not of this package becomes a `BackendError`."""
    kind = getattr(errors, str(description["type"]), None)
    message = str(description["message"])
    if not (isinstance(kind, type) and issubclass(kind, CrossbarError)):
        kind, message = BackendError, f"{description['type']}: {message}"
    error: CrossbarError = kind(message)
    for note in description.get("notes", ()):
        error.add_note(str(note))
    return error


def reading_to_json(reading: Reading) -> list[Any]:
    """Return a reading as JSON, which has no infinity."""
    return [reading.current_a if math.isfinite(reading.current_a) else None, reading.limited]


def reading_from_json(found: Sequence[Any]) -> Reading:
    """Return what `reading_to_json` wrote."""
    return Reading(math.inf if found[0] is None else float(found[0]), bool(found[1]))
