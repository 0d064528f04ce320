"""VISA sessions that are recorded, and recorded ones that answer in place of instruments."""

import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from crossbar_hil import errors
from crossbar_hil.errors import TransportError
from crossbar_hil.visa_record import (
    RECORD,
    REPLAY,
    RecordedSession,
    Recorder,
    blank,
    read_recording,
    tokens,
    without_tokens,
)

from .link import Chunk, Link

T = TypeVar("T")
_COUNT = itertools.count(1)
_SAYS_SERIAL = (b"*IDN?", b"SYST:CTYP?", b"serialno")
"""Questions whose answer holds a serial number."""


def recorded_or_replayed(name: str, resource: str, open_real: Callable[[], Link]) -> Link:
    """Open a session: recorded if a recording is being made, a recorded one if one is played, else as it is."""
    replaying, recording = os.environ.get(REPLAY, ""), os.environ.get(RECORD, "")
    if replaying:
        return claim(name, *map(Path, replaying.split(os.pathsep)))
    return RecordedLink(name, resource, Recorder(recording), open_real) if recording else open_real()


class RecordedLink(Link):
    """A session whose every event is recorded."""

    def __init__(self, name: str, resource: str, recorder: Recorder, open_real: Callable[[], Link]) -> None:
        self._session = f"{os.getpid()}.{next(_COUNT)}"
        self._recorder = recorder
        self._serials: set[str] = set()
        self._asked = self._reply = b""
        recorder.add(open=name, session=self._session, at=blank(resource), t=time.monotonic())
        self._link = self._noted("open", open_real)

    @property
    def torn(self) -> bool:  # type: ignore[override]
        """Whether a message may have been taken in part."""
        return self._link.torn

    @property
    def sooner(self) -> Callable[[float], float] | None:
        """Asked by the session itself while something is waited for."""
        return self._link.sooner

    @sooner.setter
    def sooner(self, sooner: Callable[[float], float] | None) -> None:
        self._link.sooner = sooner

    def write(self, content: bytes, until: float) -> None:
        """Send all of it."""
        self._asked, self._reply = content, b""
        self._add("write", content)
        self._noted("write", lambda: self._link.write(content, until))

    def read(self, until: float) -> Chunk:
        """Wait for some bytes; a reply is recorded once it is whole."""
        chunk = self._noted("read", lambda: self._link.read(until))
        self._reply += chunk.content
        if chunk.ended or chunk.content.endswith(b"\n"):
            self._learn_serial()
            self._add("read", self._reply, ended=chunk.ended)
            self._reply = b""
        return chunk

    def unread(self) -> bytes:
        """Take what has come in without waiting."""
        content = self._link.unread()
        if content:
            self._add("unread", content)
        return content

    def finish(self, until: float) -> bool:
        """Say that nothing more will be sent; that the other side took too long to take it all is recorded."""
        ended = self._link.finish(until)
        if not ended:
            self._recorder.add(session=self._session, t=time.monotonic(), unfinished=True)
        return ended

    def close(self) -> None:
        """End the session."""
        if self._reply:
            self._add("read", self._reply, ended=False)
            self._reply = b""
        self._link.close()

    def _learn_serial(self) -> None:
        if any(each in self._asked for each in _SAYS_SERIAL):
            fields = self._reply.decode("latin-1").strip().strip('"').split(",")
            told = fields[2] if len(fields) > 2 else fields[0] if len(fields) == 1 else ""
            if told.strip().strip("0"):
                self._serials.add(told.strip())

    def _add(self, event: str, content: bytes, **more: object) -> None:
        text = blank(content.decode("latin-1"), self._serials)
        self._recorder.add(session=self._session, t=time.monotonic(), **{event: text}, **more)

    def _noted(self, doing: str, act: Callable[[], T]) -> T:
        try:
            return act()
        except TransportError as error:
            text = blank(str(error), self._serials)
            failed = {"fail": type(error).__name__, "in": doing, "text": text}
            self._recorder.add(session=self._session, t=time.monotonic(), **failed)
            raise


class ReplayedLink(Link):
    """A recorded session that answers as the instrument did, and takes nothing but what was sent to it then."""

    def __init__(self, session: RecordedSession, where: str, left: Path) -> None:
        self._events = list(session.events)
        self._where, self._left, self._count = where, left, len(session.events)
        self._same: dict[str, str] = {}
        self._fail_as_then("open")

    def write(self, content: bytes, until: float) -> None:  # noqa: ARG002 - it takes no time
        """See that this is what was sent then."""
        sent = content.decode("latin-1")
        told = self._take("write", sent)
        if without_tokens(told) != without_tokens(sent):
            raise self._diverged(f"{told!r} was sent", repr(sent))
        self._same.update(zip(tokens(told), tokens(sent), strict=True))
        self._fail_as_then("write")

    def read(self, until: float) -> Chunk:  # noqa: ARG002
        """Return what came back then."""
        self._fail_as_then("read")
        ended = bool(self._events and self._events[0].get("ended"))
        text = self._take("read", "a reply is waited for")
        for old, new in self._same.items():
            text = text.replace(old, new)
        return Chunk(text.encode("latin-1"), ended)

    def unread(self) -> bytes:
        """Return what had come in unasked then."""
        return self._take("unread", "").encode("latin-1") if self._events and "unread" in self._events[0] else b""

    def finish(self, until: float) -> bool:  # noqa: ARG002
        """Say whether the other side took it all then."""
        unfinished = bool(self._events and self._events[0].get("unfinished"))
        if unfinished:
            self._events.pop(0)
        return not unfinished

    def close(self) -> None:
        """End the session, and leave word of what was not played."""
        self._leave_word()

    def _take(self, event: str, instead: str) -> str:
        if not self._events or event not in self._events[0]:
            then = next(
                (
                    f"{name} {self._events[0][name]!r}"
                    for name in ("write", "read", "unread", "fail")
                    if self._events and name in self._events[0]
                ),
                "the session ended",
            )
            raise self._diverged(then, f"{event} {instead!r}")
        return str(self._played()[event])

    def _played(self) -> dict[str, Any]:
        """Take the next event; after the last one leave word, as a guard that is killed ends no session."""
        event = self._events.pop(0)
        if not self._events:
            self._leave_word()
        return event

    def _leave_word(self) -> None:
        self._left.write_text(f"{self._where}: {len(self._events)} of {self._count} events were not played\n")

    def _fail_as_then(self, doing: str) -> None:
        if self._events and self._events[0].get("in") == doing:
            event = self._played()
            raise getattr(errors, event["fail"])(event["text"])

    def _diverged(self, then: str, now: str) -> TransportError:
        place = self._count - len(self._events)
        return TransportError(f"{self._where}, event {place}: then {then[:200]}, now {now[:200]}")


def claim(name: str, recording: Path, claims: Path) -> ReplayedLink:
    """Open the next session with an instrument that no process has opened yet.

    Raises
    ------
    TransportError
        If the recording has no further session with it, or it could not be opened then either.
    """
    found = [each for each in read_recording(recording).sessions if each.instrument == name]
    for number, session in enumerate(found, start=1):
        try:
            os.close(os.open(claims / f"{name}.{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            continue
        return ReplayedLink(session, f"{recording.name}, session {number} with {name}", claims / f"{name}.{number}")
    raise TransportError(f"{recording.name} holds {len(found)} session(s) with {name}, and no further one")
