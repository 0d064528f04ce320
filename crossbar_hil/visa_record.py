"""A recorded VISA session: what was written to each instrument and what came back, in one file, to be played again.

``crossbar-hil VERB ... --record-visa FILE`` makes one. A line is one JSON object: first what was run and the files that
it named, then every event of every session in the order in which it happened. Serial numbers are written as zeros.
Processes that the verb starts write into the same file; they are told by an environment variable.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crossbar_hil.errors import DataError

RECORD = "CROSSBAR_HIL_RECORD_VISA"
"""Names the file that sessions are recorded in."""
REPLAY = "CROSSBAR_HIL_REPLAY_VISA"
"""Names a recording that answers in place of instruments, and a folder in which sessions are claimed."""
FORMAT = 1
LARGEST_FILE = 1_000_000
"""A larger file that a command names, in bytes, is not kept with the recording."""
_TOKEN = re.compile(r'tok-[0-9a-f]{12}|(?<=")[0-9a-f]{16}(?=")')
_SERIAL = re.compile(r'(?m)^(\s*serial\s*=\s*)(["\'])(.*?)\2')
_USB = re.compile(r"(USB\d*::[^:]+::[^:]+::)([^:\"']+)", re.IGNORECASE)


def is_replayed() -> bool:
    """Say whether a recording answers in place of instruments, so that none is opened."""
    return bool(os.environ.get(REPLAY))


def blank(text: str, serials: Iterable[str] = ()) -> str:
    """Return a text whose serial numbers are zeros, as many as there were characters.

    >>> blank("Model 2602B, 1234567, 3.2", ["1234567"]), blank("USB0::0x05E6::0x2450::04411::INSTR")
    ('Model 2602B, 0000000, 3.2', 'USB0::0x05E6::0x2450::00000::INSTR')
    """
    for serial in serials:
        text = text.replace(serial, "0" * len(serial))
    return _USB.sub(lambda found: found[1] + "0" * len(found[2]), text)


def tokens(text: str) -> list[str]:
    """Return the words of a message that are drawn anew each time: the name of a run, a mark to get in step by.

    >>> tokens('print("tok-0123456789ab")'), tokens('f("0123456789abcdef", 3)')
    (['tok-0123456789ab'], ['0123456789abcdef'])
    """
    return _TOKEN.findall(text)


def without_tokens(text: str) -> str:
    """Return a message without what is drawn anew each time."""
    return _TOKEN.sub("", text)


class Recorder:
    """Appends events to a recording; several processes may do so at the same time."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def add(self, **event: Any) -> None:
        """Append one event, as one line in one piece."""
        line = json.dumps(event) + "\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(handle, line.encode("ascii"))
        finally:
            os.close(handle)


def begin(path: Path, words: list[str], version: str) -> Recorder:
    """Begin a recording of a command, with the files that it names.

    Raises
    ------
    DataError
        If the file exists or cannot be made.
    """
    try:
        with path.open("x", encoding="ascii"):
            pass
    except FileExistsError:
        raise DataError(
            f"{path} exists; a recording of VISA exchanges is never written over, name another file"
        ) from None
    except OSError as error:
        raise DataError(f"{path}, for VISA exchanges, cannot be written: {error.strerror}") from error
    recorder = Recorder(path)
    files = dict(_named_files(words))
    utc = datetime.now(UTC).isoformat(timespec="seconds")
    recorder.add(visa_recording=FORMAT, version=version, utc=utc, command=words, files=files)
    return recorder


def _named_files(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Return the text of every file that a command names, and of those that a bench file among them names."""
    for word in words:
        name = word.partition("=")[2] if word.startswith("--") and "=" in word else word
        text = _text_of(Path(name))
        if text is None:
            continue
        yield name, blank(_SERIAL.sub(lambda found: f"{found[1]}{found[2]}{'0' * len(found[3])}{found[2]}", text))
        for inner in _strings(text) if name.endswith(".toml") else ():
            kept = _text_of(Path(name).parent / inner)
            if kept is not None:
                yield inner, kept


def _text_of(path: Path) -> str | None:
    with suppress(OSError, ValueError):
        if path.is_file() and path.stat().st_size <= LARGEST_FILE:
            return path.read_text(encoding="utf-8")
    return None


def _strings(text: str) -> Iterator[str]:
    """Return the strings of a TOML file that may name a file."""
    with suppress(tomllib.TOMLDecodeError):
        stack: list[Any] = [tomllib.loads(text)]
        while stack:
            each = stack.pop()
            if isinstance(each, dict):
                stack += each.values()
            elif isinstance(each, list):
                stack += each
            elif isinstance(each, str):
                yield each


@dataclass
class RecordedSession:
    """One session with one instrument."""

    instrument: str
    events: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Recording:
    """A recording, read."""

    path: Path
    command: list[str]
    files: dict[str, str]
    sessions: list[RecordedSession]
    """In the order in which they were opened."""
    code: int | None
    """What the command ended with; None if it did not end."""


def read_recording(path: str | Path) -> Recording:
    """Read a recording.

    Raises
    ------
    DataError
        If it cannot be read, or is none.
    """
    try:
        lines = [json.loads(line) for line in Path(path).read_text(encoding="ascii").splitlines()]
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a recording of VISA exchanges: {error}") from error
    if not lines or not isinstance(lines[0], dict) or lines[0].get("visa_recording") != FORMAT:
        raise DataError(f"{path} is no recording of VISA exchanges of format {FORMAT}")
    first, *events = lines
    sessions: dict[str, RecordedSession] = {}
    code = None
    for event in events:
        if "code" in event:
            code = event["code"]
        elif "open" in event:
            sessions[event["session"]] = RecordedSession(event["open"])
        else:
            sessions[event["session"]].events.append(event)
    return Recording(Path(path), first["command"], first["files"], list(sessions.values()), code)
