"""What trainer and guard say to each other: one JSON object a line, numbers as Python writes them, never a pickle."""

import json
from typing import Any

from crossbar_hil import errors
from crossbar_hil.errors import BackendError, CrossbarError, GuardError

LONGEST_LINE = 64 << 20
"""A longer message, in bytes, is none of ours."""


def to_line(message: dict[str, Any]) -> bytes:
    """Return a message as it goes over the pipe."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def from_line(line: bytes) -> dict[str, Any]:
    """Return the message of a line.

    Raises
    ------
    GuardError
        If it is none.
    """
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
