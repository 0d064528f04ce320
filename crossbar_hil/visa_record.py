"""A recorded VISA session: what was written to each instrument and what came back, in one file, to be played again.

``crossbar-hil VERB ... --record-visa FILE`` makes one. A line is one JSON object: first what was run and the files that
it named, then every event of every session in the order in which it happened. Serial numbers are written as zeros.
Processes that the verb starts write into the same file; they are told by an environment variable.
"""

import json
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from crossbar_hil.errors import DataError, reason_of
from crossbar_hil.parsing import parse_toml

RECORD = "CROSSBAR_HIL_RECORD_VISA"
"""Names the file that sessions are recorded in."""
REPLAY = "CROSSBAR_HIL_REPLAY_VISA"
"""Names a recording that answers in place of instruments, and a folder in which sessions are claimed."""
FORMAT = 1
LARGEST_FILE = 1_000_000
"""A larger file that a command names, in bytes, is not kept with the recording."""
_TOKEN = re.compile(r'tok-[0-9a-f]{12}|(?<=")[0-9a-f]{16}(?=")')
_HOST = re.compile(r"(TCPIP\d*::)([^:\"']*[^:\"'\d.][^:\"']*)", re.IGNORECASE)
"""Resources with the name of a host, which by the factory's setting may hold a serial number."""
_USB = re.compile(r"(USB\d*::[^:]+::[^:]+::)([^:\"']+)", re.IGNORECASE)


def is_replayed() -> bool:
    """Say whether a recording answers in place of instruments, so that none is opened."""
    return bool(os.environ.get(REPLAY))


def blank(text: str, serials: Iterable[str] = ()) -> str:
    """Return a text whose serial numbers are zeros, as many as there were characters.

    >>> blank("Model 2602B, 1234567, 3.2", ["1234567"]), blank("USB0::0x05E6::0x2450::04411::INSTR")
    ('Model 2602B, 0000000, 3.2', 'USB0::0x05E6::0x2450::00000::INSTR')
    >>> blank("TCPIP0::K-2602B-4123456.local::5025::SOCKET")
    'TCPIP0::K-2602B-0000000.local::5025::SOCKET'
    """
    for serial in serials:
        text = text.replace(serial, "0" * len(serial))
    text = _HOST.sub(lambda found: found[1] + re.sub(r"\d{5,}", lambda run: "0" * len(run[0]), found[2]), text)
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
    """Appends events to a recording; several processes may do so at the same time.

    What cannot be written ends the recording, which is told once, and nothing else: what is said to instruments matters
    more, above all "off".
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self.failure = ""
        """Why nothing is recorded any more; empty while it is."""

    def add(self, **event: Any) -> None:
        """Append one event, as one line in one piece."""
        if self.failure:
            return
        line = (json.dumps(event) + "\n").encode("ascii")
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0))
            try:
                whole = os.write(handle, line) == len(line)
            finally:
                os.close(handle)
            self.failure = "" if whole else "the disk is full"
        except OSError as error:
            self.failure = reason_of(error)
        if self.failure:
            sys.stderr.write(f"warning: {self._path}, of VISA exchanges, ends in the middle: {self.failure}\n")

    def end(self, code: int) -> None:
        """Note what the command ended with; one that failed before it met an instrument leaves no recording.

        So that it can be given again, put right, with the same name.
        """
        with suppress(OSError):
            if code != 0 and not self.failure:
                with self._path.open("rb") as file:
                    met = len(list(islice(file, 2))) > 1
                if not met:
                    self._path.unlink()
                    return
        self.add(code=code)


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
    if recorder.failure:
        raise DataError(f"{path}, for VISA exchanges, cannot be written: {recorder.failure}")
    return recorder


def _named_files(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Return the text of every file that a command names, and of those that a bench file among them names."""
    for word in words:
        name = word.partition("=")[2] if word.startswith("--") and "=" in word else word
        text = _text_of(Path(name))
        if text is None:
            continue
        if not name.endswith(".toml"):
            yield name, blank(text)
            continue
        strings = list(_strings(text))
        yield name, blank(_without_serials(text, strings))
        for _, inner in strings:
            kept = _text_of(Path(name).parent / inner)
            if kept is not None:
                yield inner, blank(kept)


def _without_serials(text: str, strings: Iterable[tuple[str, str]]) -> str:
    """Return a bench file whose serial numbers are zeros, and those in what boxes answer to ``*IDN?``."""
    for key, value in strings:
        fields = value.split(",")
        if key == "identity" and len(fields) > 2:
            fields[2] = re.sub(r"\S", "0", fields[2])
        if key in ("serial", "identity"):
            zeros = "0" * len(value) if key == "serial" else ",".join(fields)
            for quote in "\"'":
                text = text.replace(f"{quote}{value}{quote}", f"{quote}{zeros}{quote}")
    return text


def _text_of(path: Path) -> str | None:
    with suppress(OSError, ValueError):
        if path.is_file() and path.stat().st_size <= LARGEST_FILE:
            return path.read_text(encoding="utf-8")
    return None


def _strings(text: str) -> Iterator[tuple[str, str]]:
    """Return the strings of a TOML file, each of which may name a file, with the key that it belongs to."""
    with suppress(tomllib.TOMLDecodeError):
        stack: list[tuple[str, Any]] = [("", parse_toml(text))]
        while stack:
            key, each = stack.pop()
            if isinstance(each, dict):
                stack += each.items()
            elif isinstance(each, list):
                stack += [(key, one) for one in each]
            elif isinstance(each, str):
                yield key, each


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
    """Read a recording; a DataError if it cannot be read, or is none."""
    try:
        lines = [json.loads(line) for line in Path(path).read_text(encoding="ascii").splitlines()]
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a recording of VISA exchanges: {error}") from error
    if not lines or not isinstance(lines[0], dict) or lines[0].get("visa_recording") != FORMAT:
        raise DataError(f"{path} is no recording of VISA exchanges of format {FORMAT}")
    try:
        return _recording_of(Path(path), *lines)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no whole recording of VISA exchanges: {type(error).__name__} {error}") from error


def _recording_of(path: Path, first: dict[str, Any], *events: dict[str, Any]) -> Recording:
    sessions: dict[str, RecordedSession] = {}
    code = None
    for event in events:
        if "code" in event:
            code = event["code"]
        elif "open" in event:
            sessions[event["session"]] = RecordedSession(event["open"])
        else:
            sessions[event["session"]].events.append(event)
    # Names alone, as whoever plays it writes the files into a folder of its own.
    files = {name: text for name, text in first["files"].items() if Path(name).name not in ("", "..")}
    return Recording(path, list(first["command"]), files, list(sessions.values()), code)
