"""One exchange of text with an instrument: either the answer to this command, in time, or one of our errors.

`BenchAdapter` is a PyMeasure adapter over a pyvisa session. A session that failed is suspect: a late answer may still
come and would be taken for the answer to the next question, so every further exchange is refused, naming the first
cause, until `BenchAdapter.resync` has opened the session again and proven it in step. Nothing is ever sent twice.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import inf
from typing import Any

from pymeasure.adapters import Adapter

from crossbar_hil.defaults import DEADLINE_S
from crossbar_hil.errors import ConnectionLost, DeadlineError, GarbledReply, TransportError

from .link import Link, open_link
from .recorded import recorded_or_replayed

REPLY_LIMIT = 1_000_000
"""A longer reply, in bytes, is no reply."""
BLIND = 0.1
"""Share of the deadline that there is always for opening again and for writing "off", however short the time is."""
LEAST = 0.05
"""Share of the deadline that every exchange has: whoever has just come back shall be heard."""
BITS = 10
"""Bits of a byte on an RS-232 line of 8 data bits, no parity, 1 stop bit."""
MOST_LEAVING = 4
"""So many old sessions are kept open to be waited for."""
_LONGEST_EXCERPT = 60


class BenchAdapter(Adapter):
    """A PyMeasure adapter over a VISA resource, with a deadline for every exchange.

    It belongs to the thread that made it and raises `RuntimeError` in another one.

    Parameters
    ----------
    resource : str
        VISA resource name, such as ``TCPIP::192.168.0.10::5025::SOCKET``.
    visa : str
        VISA library, as `pyvisa.ResourceManager` takes it.
    deadline_s : float
        Time that one whole exchange may take, in seconds, from the command to the last byte of its answer; an RS-232
        line is given the time of its bits besides.
    read_termination, write_termination : str
        What ends a reply and a message. A carriage return before the end of a reply is dropped.
    baud : int, optional
        Bits a second of an RS-232 line.
    prompts : frozenset of bytes
        Lines that the instrument may say by itself and that answer nothing; they are thrown away.
    name : str
        What a recording calls the instrument; its resource name if not given.
    **kwargs
        Passed on to PyMeasure.

    Raises
    ------
    ConfigError
        If the resource name is none, or there is no such VISA library; nothing was opened.
    ConnectionLost
        If nothing answers there within the deadline.

    Attributes
    ----------
    deadline_s : float
        Time that one whole exchange may take, in seconds.
    patience : callable or None
        Asked while an answer is waited for: the share of the deadline that there is patience for; 1 for all of it. None
        where nobody is impatient.
    tell : callable or None
        Told at once after how many seconds the instrument let a deadline pass, and None when it answers again.
    cause : TransportError or None
        The first failure since the session was last proven in step; while there is one, exchanges are refused.
    """

    connection: Link | None
    tell: Callable[[float | None], object] = staticmethod(lambda waited_s: None)  # noqa: ARG005
    _patience: Callable[[], float] | None = None

    def __init__(
        self,
        resource: str,
        *,
        visa: str = "@py",
        deadline_s: float = DEADLINE_S,
        read_termination: str = "\n",
        write_termination: str = "\n",
        baud: int | None = None,
        prompts: frozenset[bytes] = frozenset(),
        name: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._name = name or resource
        self._baud = baud
        self.connection = None
        self.resource = resource
        self.deadline_s = deadline_s
        self.cause: TransportError | None = None
        self._visa = visa
        self._read_termination, self._write_termination = read_termination, write_termination
        self._prompts = prompts
        self._owner = threading.get_ident()
        self._end = read_termination.encode()
        self._command = b""
        self._buffer = bytearray()
        self._ended = False
        self._lost = False
        self._began = self._until = 0.0
        self._extra_s = 0.0
        self._latest = inf
        self._share: float | None = None
        self._hurried_since: float | None = None
        self._leaving: list[Link] = []  # old sessions with messages that may not have been acted on
        self._silent = False
        self.connection = self._open()

    # ------------------------------------------------------------------ what PyMeasure calls

    def _write(self, command: str, **_: Any) -> None:
        """Send a command; the time of the exchange starts."""
        self._write_bytes((command + self._write_termination).encode("ascii"))

    def _write_bytes(self, content: bytes, **_: Any) -> None:
        """Send bytes as they are; the time of the exchange starts."""
        if self.cause is not None or threading.get_ident() != self._owner:
            self._refuse()
        self._command = content
        self._begin()
        try:
            link = self.connection or self._connected()
            self._buffer += link.unread()
            if self._buffer:
                self._drop_prompts()
            self._ended = False
            link.write(content, self._until)
        except BaseException as error:
            self._make_suspect(error)
            raise

    def _read(self, **_: Any) -> str:
        """Return one reply without its termination."""
        content = self._read_line()
        if content.isascii():
            text = content.decode("ascii")
            if text.isprintable() or text.replace("\t", " ").replace("\r", " ").isprintable():
                return text.removesuffix("\r")
        with self._suspect_after_a_failure():
            kind = "text" if content.isascii() else "ASCII"
            raise GarbledReply(f"{self.resource} answered {_excerpt(content)}, which is no {kind}")

    def _read_bytes(self, count: int, break_on_termchar: bool = False, **_: Any) -> bytes:
        """Return so many bytes, or one reply with its termination if the count is -1."""
        if count < 0:
            return self._read_line() + self._end
        if self.cause is not None or threading.get_ident() != self._owner:
            self._refuse()
        with self._suspect_after_a_failure() as link:
            while (
                len(self._buffer) < count and not (break_on_termchar and self._end in self._buffer) and not self._ended
            ):
                content, self._ended = link.read(self._until)
                self._buffer += content
        end = self._buffer.find(self._end) if break_on_termchar else -1
        size = count if end < 0 else min(end + len(self._end), count)
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def close(self) -> None:
        """End the session; may be called in any thread and more than once."""
        self._close_connection()
        while getattr(self, "_leaving", None):
            self._leaving.pop().close()

    def __repr__(self) -> str:
        return f"<BenchAdapter(resource='{self.resource}')>"

    # ------------------------------------------------------------------ what drivers call besides

    @contextmanager
    def allowing(self, seconds: float) -> Iterator[None]:
        """Give each exchange in the block so many seconds more, for commands that take their time."""
        before, self._extra_s = self._extra_s, self._extra_s + seconds
        try:
            yield
        finally:
            self._extra_s = before

    @contextmanager
    def hurried(self, share: float) -> Iterator[None]:
        """Give all exchanges in the block together this share of the deadline of one, from the first failure on.

        What only writes, to make the bench safe, still has as much time again.
        """
        before = self._latest, self._share
        self._share = share
        if self.cause is not None:
            self._hurry()
        try:
            yield
        finally:
            self._latest, self._share = before

    def _hurry(self) -> None:
        if self._share is not None:
            self._latest = min(self._latest, time.monotonic() + self._share * self.deadline_s)

    @property
    def patience(self) -> Callable[[], float] | None:
        """What share of the deadline there is patience for."""
        return self._patience

    @patience.setter
    def patience(self, patience: Callable[[], float]) -> None:
        self._patience = patience
        if self.connection is not None:
            self.connection.sooner = self._sooner

    @property
    def in_step(self) -> bool:
        """Whether an answer is the one to the question before it, and nothing sent earlier can still come into effect.

        In a hurry only the first is asked for.
        """
        return self.cause is None and (self._share is not None or not self._leaving)

    def distrust(self, cause: TransportError) -> None:
        """Make the session suspect; for a driver that finds an answer that cannot be the one asked for."""
        self.cause = self.cause or cause

    def blind_write(self, *commands: str) -> None:
        """Send commands that make the bench safe, whatever state the session is in; no answer is waited for.

        Where the connection is lost, or has taken a part of a message, it is opened again first, once. A suspect
        session stays suspect.

        Raises
        ------
        TransportError
            If they could not all be sent.
        """
        self._check_owner()
        opened = False
        for command in commands:
            content = (command + self._write_termination).encode("ascii")
            if self.connection is not None and not self.connection.torn and not self._lost:
                try:
                    # A connection that the other side has closed takes bytes all the same, and loses them.
                    self._buffer += self.connection.unread()
                    self.connection.write(content, self._end_of_blind())
                except TransportError as error:
                    self._fail(error)
                    if opened:
                        raise
                else:
                    continue
            self._reopen()
            opened = True
            self._connected().write(content, self._end_of_blind())

    def resync(self, marker: tuple[str, str]) -> None:
        """Open the session again and prove it in step; what comes before the marker is thrown away.

        The instrument has the deadline to act on what was sent to it before, such as "off": in another session the
        order would be open, and some instruments take one client at a time. In a hurry it has less, and the session
        stays to be brought in step again: "open all relays" must not come into effect in the middle of what is done
        next.

        Parameters
        ----------
        marker : tuple of str
            A query that changes nothing, and its answer, which no other query gives.

        Raises
        ------
        TransportError
            If the marker does not come within the deadline; the session stays suspect.
        """
        self._check_owner()
        command, expected = marker
        self.cause = self.cause or TransportError(f"{self.resource} is being brought in step")
        self._leave()
        self._reopen()
        self._command = command.encode("ascii")
        self._begin()
        with self._suspect_after_a_failure() as link:
            link.write(self._command + self._write_termination.encode(), self._until)
            self._take_line(link, expected.encode("ascii"))
        self.cause = None
        if self._silent:
            self._silent = False
            self.tell(None)

    # ------------------------------------------------------------------ inside

    def _read_line(self) -> bytes:
        """Return one reply without its termination, as bytes."""
        if self.cause is not None or threading.get_ident() != self._owner:
            self._refuse()
        try:
            return self._take_line(self.connection or self._connected())
        except BaseException as error:
            self._make_suspect(error)
            raise

    def _take_line(self, link: Link, wanted: bytes | None = None) -> bytes:
        """Throw lines away until one is the wanted one, or if none is until one is no prompt, and return that."""
        thrown = 0
        while True:
            while self._end not in self._buffer and not self._ended:
                content, self._ended = link.read(self._until)
                self._buffer += content
                if thrown + len(self._buffer) > REPLY_LIMIT:
                    without = "" if wanted is None else f" without the answer {_excerpt(wanted)}"
                    raise GarbledReply(f"{self.resource} answered with more than {REPLY_LIMIT} bytes{without}")
            line, found, rest = bytes(self._buffer).partition(self._end)
            self._buffer = bytearray(rest)
            self._ended = bool(self._ended and found and rest)
            if line.strip() not in self._prompts if wanted is None else line.strip() == wanted:
                return line
            thrown += len(line)

    def _drop_prompts(self) -> None:
        """Throw away what has come in unasked, if it says nothing: whole lines, each a prompt."""
        extra = bytes(self._buffer)
        self._buffer.clear()
        lines = extra.removesuffix(self._end).split(self._end)
        if not extra.endswith(self._end) or any(line.strip() not in self._prompts for line in lines):
            raise GarbledReply(f"{self.resource} sent {_excerpt(extra)} that nobody had asked for")

    @contextmanager
    def _suspect_after_a_failure(self) -> Iterator[Link]:
        """Make the session suspect if the block fails."""
        try:
            yield self._connected()
        except BaseException as error:
            self._make_suspect(error)
            raise

    def _make_suspect(self, error: BaseException) -> None:
        """Make the session suspect for an error, which is told again with the command and what there was of a reply."""
        if isinstance(error, TransportError):
            so_far = f", reply so far {_excerpt(self._buffer)}" if self._buffer else ""
            if isinstance(error, DeadlineError):
                so_far += f", waited {time.monotonic() - self._began:.2g} s, its deadline_s is {self.deadline_s:g} s"
            raise self._fail(type(error)(f"{error} (command {_excerpt(self._command.rstrip())}{so_far})")) from error
        # An interrupt in the middle leaves an answer on its way.
        self._fail(TransportError(f"{self.resource} was interrupted in {_excerpt(self._command.rstrip())}"))

    def _fail(self, error: TransportError) -> TransportError:
        if self.cause is None:
            self._hurry()
            if isinstance(error, DeadlineError) and not self._silent:
                self._silent = True
                self.tell(time.monotonic() - self._began)
        self.cause = self.cause or error
        self._lost = self._lost or isinstance(error, ConnectionLost)
        return error

    def _connected(self) -> Link:
        if self.connection is None:
            raise ConnectionLost(f"{self.resource} is closed")
        return self.connection

    def _begin(self) -> None:
        """Begin an exchange: its time starts."""
        self._began = time.monotonic()
        latest = max(self._latest, self._began + LEAST * self.deadline_s)
        # A question on a slow line, and an answer as long.
        line_s = 2 * len(self._command) * BITS / self._baud if self._baud else 0.0
        self._until = min(self._began + self.deadline_s + self._extra_s + line_s, latest)

    def _end_of_blind(self) -> float:
        now = time.monotonic()
        return now + (self.deadline_s if self._latest == inf else max(self._latest - now, BLIND * self.deadline_s))

    def _sooner(self, until: float) -> float:
        """Return when an exchange has to end, asked while it is waited for: sooner, if somebody is impatient."""
        share = 1.0 if self._patience is None else self._patience()
        if share >= 1:
            return until
        if self._hurried_since is None:
            self._hurried_since = time.monotonic()
        ends = max(self._hurried_since, self._began + self._extra_s) + share * self.deadline_s
        return min(until, max(ends, self._began + LEAST * self.deadline_s))

    def _open(self) -> Link:
        return recorded_or_replayed(self._name, self.resource, self._open_link)

    def _open_link(self) -> Link:
        seconds = min(self.deadline_s, max(self._latest - time.monotonic(), BLIND * self.deadline_s))
        how = seconds, self._read_termination, self._write_termination, self._baud
        link = open_link(self.resource, self._visa, *how)
        if self._patience is not None:
            link.sooner = self._sooner
        return link

    def _close_connection(self) -> None:
        connection, self.connection = getattr(self, "connection", None), None
        if connection is not None:
            connection.close()

    def _leave(self) -> None:
        """Let the instrument act on what it was sent in old sessions; those that it has not left in a hurry stay."""
        if self.connection is not None and not self._lost:
            self._leaving.append(self.connection)
            self.connection = None
        now = time.monotonic()
        # In a hurry half of the time is kept for what comes after.
        until = min(now + self.deadline_s, (now + self._latest) / 2)
        left = [each for each in self._leaving if not each.finish(until)]
        kept = left[-MOST_LEAVING:] if self._share is not None else []
        for each in self._leaving:
            if each not in kept:
                each.close()
        self._leaving = kept

    def _reopen(self) -> None:
        self._close_connection()
        self._buffer.clear()
        self._ended = False
        self.connection = self._open()
        self._lost = False

    def _refuse(self) -> None:
        """Refuse an exchange in another thread, or on a session that is suspect."""
        self._check_owner()
        if self.cause is not None:
            raise type(self.cause)(
                f"{self.resource} is not used before it is brought in step again: {self.cause}"
            ) from self.cause

    def _check_owner(self) -> None:
        if threading.get_ident() != self._owner:
            raise RuntimeError(f"{self.resource} belongs to thread {self._owner}, not to {threading.get_ident()}")


# ---------------------------------------------------------------------- the same for any other PyMeasure adapter


def blind_write(adapter: Adapter, *commands: str) -> None:
    """Send commands that make the bench safe, each even if one before it failed; see `BenchAdapter.blind_write`."""
    if isinstance(adapter, BenchAdapter):
        adapter.blind_write(*commands)
        return
    failures: list[Exception] = []
    for command in commands:
        try:
            adapter.write(command)
        except Exception as error:  # what another adapter raises is its own; the next command matters more
            failures.append(error)
    if failures:
        raise failures[0]


def allowing(adapter: Adapter, seconds: float) -> AbstractContextManager[None]:
    """Give each exchange in the block more time; see `BenchAdapter.allowing`."""
    return adapter.allowing(seconds) if isinstance(adapter, BenchAdapter) else nullcontext()


def distrust(adapter: Adapter, cause: TransportError) -> TransportError:
    """Make the session suspect, if the adapter knows about it, and return the cause to be raised."""
    if isinstance(adapter, BenchAdapter):
        adapter.distrust(cause)
    return cause


def _excerpt(content: bytes | bytearray | str) -> str:
    """Return the beginning of a message as a person reads it."""
    text = content if isinstance(content, str) else bytes(content).decode("ascii", "backslashreplace")
    return repr(text if len(text) <= _LONGEST_EXCERPT else text[:_LONGEST_EXCERPT] + "...")
