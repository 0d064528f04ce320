"""One open VISA session as a byte stream on which nothing waits past a deadline.

pyvisa-py's own timeout starts again with every chunk, and its raw-socket write waits without limit, so a raw socket is
taken out of the pyvisa-py session and read and written here. Every other session goes through pyvisa, one call at a
time, each with the time that is left; such a call may run over by what the VISA library rounds up.
"""

import contextlib
import importlib.util
import os
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import pyvisa
from pyvisa.constants import StatusCode
from pyvisa.resources import MessageBasedResource
from pyvisa.rname import InvalidResourceName, ResourceName, TCPIPSocket

from crossbar_hil.errors import ConfigError, ConnectionLost, DeadlineError, TransportError

CHUNK = 65536
"""Bytes asked for at a time."""
LOOK_S = 0.1
"""Between two looks whether there is still patience, in seconds."""
NEEDED = (("GPIB", ("gpib_ctypes", "gpib"), "linux-gpib or gpib-ctypes"), ("USB", ("usb",), "PyUSB"))
"""What pyvisa-py needs for a kind of cable: start of the resource name, modules, packages that bring one of them."""
EXAMPLES = "TCPIP::192.168.0.10::5025::SOCKET or GPIB0::24::INSTR"
LOOK = "see that the instrument is on and at that address"


class Chunk(NamedTuple):
    """Some bytes of a reply, and whether the transport says that the reply ends with them."""

    content: bytes
    ended: bool


class Link(ABC):
    """A byte stream to an instrument; `until` is always a time of `time.monotonic`, in seconds."""

    torn: bool = False
    """Whether a message may have been taken in part, so that the next one would be joined to it."""
    sooner: Callable[[float], float] | None = None
    """Asked while something is waited for whether it has to end sooner, if given; by raw sockets alone."""

    @abstractmethod
    def write(self, content: bytes, until: float) -> None:
        """Send all of it."""

    @abstractmethod
    def read(self, until: float) -> Chunk:
        """Wait for some bytes."""

    @abstractmethod
    def unread(self) -> bytes:
        """Take what has come in without waiting; a transport that cannot tell says that there is nothing."""

    def finish(self, until: float) -> bool:  # noqa: ARG002 - only a byte stream has an end to wait for
        """Say that nothing more will be sent, and wait until the other side has taken it all; never fails.

        Returns
        -------
        bool
            Whether it has, as far as the transport can tell.
        """
        return True

    @abstractmethod
    def close(self) -> None:
        """End the session; never fails."""


def open_link(
    resource: str, visa: str, seconds: float, read_termination: str, write_termination: str, baud: int | None = None
) -> Link:
    """Open a VISA resource.

    Parameters
    ----------
    resource : str
        VISA resource name, such as ``TCPIP::192.168.0.10::5025::SOCKET``.
    visa : str
        VISA library as `pyvisa.ResourceManager` takes it, such as ``@py``.
    seconds : float
        Time within which the other side must accept.
    read_termination, write_termination : str
        What ends a reply and a message.
    baud : int, optional
        Bits a second of an RS-232 line.

    Raises
    ------
    ConfigError
        If the resource name is none, or there is no such VISA library.
    ConnectionLost
        If nothing answers there.
    """
    try:
        parsed = ResourceName.from_string(resource)
    except (InvalidResourceName, ValueError) as error:
        raise ConfigError(f"{resource!r} is no VISA resource name, such as {EXAMPLES}: {error}") from error
    try:
        manager = pyvisa.ResourceManager(visa)
    except Exception as error:  # pyvisa-sim raises whatever its reader of definition files stumbled over
        why = (
            'install NI-VISA or the Keysight IO Libraries, or write visa = "@py"'
            if visa == "@ivi"
            else _last_line(error)
        )
        raise ConfigError(f"there is no VISA library {visa!r}: {why}") from error
    # Other kinds of session take no time to open, or take their own.
    options: dict[str, Any] = {"open_timeout": max(round(seconds * 1000), 1)} if isinstance(parsed, TCPIPSocket) else {}
    options |= {"read_termination": read_termination, "write_termination": write_termination}
    options |= {} if baud is None else {"baud_rate": baud}
    try:
        opened = manager.open_resource(resource, **options)
    except Exception as error:  # pyvisa-py raises a plain Exception where it cannot connect
        lacking = _way_out(resource)
        why = f": {lacking}" if lacking else f" within {seconds:g} s: {_in_words(error)}"
        raise ConnectionLost(f"cannot open {resource}{why}") from error
    if not isinstance(opened, MessageBasedResource):
        opened.close()
        raise ConfigError(f"{resource} is no resource that takes messages")
    found = _socket_of(opened)
    return VisaLink(resource, opened) if found is None else SocketLink(resource, opened, found)


def _way_out(resource: str) -> str:
    """Return what pyvisa-py lacks for a kind of cable; empty if it lacks nothing."""
    for start, modules, package in NEEDED:
        if resource.upper().startswith(start) and not any(map(importlib.util.find_spec, modules)):
            return (
                f"pyvisa-py needs {package} for it; install that, or NI-VISA or the Keysight IO Libraries and write "
                'visa = "@ivi"'
            )
    return ""


def _in_words(error: Exception) -> str:
    """Return why nothing was opened, without the numbers of VISA where they only mean that nobody was there."""
    text = str(error)
    silent = any(str(int(each)) in text for each in (StatusCode.error_timeout, StatusCode.error_resource_not_found))
    return f"nothing answers there; {LOOK}" if silent else text


def _last_line(error: Exception) -> str:
    """Return the last line of a message: pyvisa-sim puts a whole traceback into it, quoted."""
    lines = str(error).replace("\\n", "\n").replace("\\'", "'").strip(' \n"').splitlines()
    return lines[-1].strip() if lines else type(error).__name__


def _socket_of(opened: MessageBasedResource) -> socket.socket | None:
    """Return the raw socket inside a pyvisa-py session, if it is one."""
    sessions = getattr(opened.visalib, "sessions", {})
    found = getattr(sessions.get(opened.session), "interface", None)
    return found if isinstance(found, socket.socket) and opened.resource_class == "SOCKET" else None


class SocketLink(Link):
    """A raw socket that pyvisa-py has opened."""

    def __init__(self, resource: str, opened: MessageBasedResource, found: socket.socket) -> None:
        self._resource, self._opened, self._socket = resource, opened, found
        # pyvisa-py takes a refused connection for an open one.
        if refused := found.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.close()
            raise ConnectionLost(f"cannot open {resource}: {os.strerror(refused)}; {LOOK}")
        # Nagle's algorithm and delayed acknowledgement together cost about 44 ms an exchange.
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, content: bytes, until: float) -> None:
        """Send all of it."""
        left = memoryview(content)
        self.torn = True
        try:
            while left:
                self._socket.settimeout(_time_left(until))
                left = left[self._socket.send(left) :]
        except TimeoutError as error:
            sent = len(content) - len(left)
            raise DeadlineError(
                f"{self._resource} took {sent} of the {len(content)} bytes of a message in time"
            ) from error
        except OSError as error:
            raise ConnectionLost(f"{self._resource} is gone while it was written to: {error}") from error
        self.torn = False

    def read(self, until: float) -> Chunk:
        """Wait for some bytes."""
        try:
            content = self._receive(until)
        except TimeoutError as error:
            raise DeadlineError(f"{self._resource} did not answer in time") from error
        except OSError as error:
            raise ConnectionLost(f"{self._resource} is gone while it was read: {error}") from error
        if not content:
            raise ConnectionLost(f"{self._resource} has closed the connection")
        return Chunk(content, ended=False)

    def _receive(self, until: float) -> bytes:
        """Wait for some bytes, and look now and then whether the time has become shorter."""
        while True:
            left = _time_left(self.sooner(until) if self.sooner else until)
            self._socket.settimeout(min(left, LOOK_S))
            try:
                return self._socket.recv(CHUNK)
            except TimeoutError:
                if left <= LOOK_S:
                    raise

    def unread(self) -> bytes:
        """Take what has come in without waiting."""
        try:
            self._socket.settimeout(0)
            content = self._socket.recv(CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise ConnectionLost(f"{self._resource} is gone: {error}") from error
        if not content:
            raise ConnectionLost(f"{self._resource} has closed the connection")
        return content

    def finish(self, until: float) -> bool:
        """Say that nothing more will be sent, and wait until the other side closes too; never fails."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
            while self._receive(until):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass  # it is gone
        return True

    def close(self) -> None:
        """End the session; never fails.

        What has come in is read first: closing over unread input resets the connection, and some network stacks then
        throw away what was sent last, which may be the command that switches an output off.
        """
        try:
            self._socket.settimeout(0)
            while self._socket.recv(CHUNK):
                pass
        except OSError:
            pass  # nothing more to read, or nobody there: both fine, it is being closed
        _close(self._opened)


class VisaLink(Link):
    """A session of any other kind (GPIB, USB, VXI-11, pyvisa-sim), through pyvisa."""

    def __init__(self, resource: str, opened: MessageBasedResource) -> None:
        self._resource, self._opened = resource, opened

    def write(self, content: bytes, until: float) -> None:
        """Send all of it."""
        self.torn = True
        try:
            self._opened.timeout = _milliseconds(until)
            self._opened.write_raw(content)
        except (pyvisa.Error, OSError) as error:
            raise self._failure("written to", error) from error
        self.torn = False

    def read(self, until: float) -> Chunk:
        """Wait for some bytes; VISA says where a reply ends."""
        try:
            self._opened.timeout = _milliseconds(until)
            with self._opened.ignore_warning(StatusCode.success_max_count_read, StatusCode.success_device_not_present):
                content, status = self._opened.visalib.read(self._opened.session, CHUNK)
        except (pyvisa.Error, OSError, ValueError) as error:
            raise self._failure("read", error) from error
        return Chunk(bytes(content), ended=status != StatusCode.success_max_count_read)

    def unread(self) -> bytes:
        """Say that there is nothing: VISA has no question for it."""
        return b""

    def close(self) -> None:
        """End the session; never fails."""
        _close(self._opened)

    def _failure(self, doing: str, error: Exception) -> TransportError:
        """Return our name for a failure of a VISA library."""
        if isinstance(error, TimeoutError) or getattr(error, "error_code", None) == StatusCode.error_timeout:
            return DeadlineError(f"{self._resource} was not {doing} in time: {error}")
        return ConnectionLost(f"{self._resource} is gone while it was {doing}: {error}")


def _close(opened: MessageBasedResource) -> None:
    """Close a pyvisa resource, whatever state it is in."""
    # pyvisa-py trips over a session that it has half closed itself.
    with contextlib.suppress(pyvisa.Error, OSError, AttributeError):
        opened.close()


def _time_left(until: float) -> float:
    """Return the seconds left, above zero: a socket takes zero for 'do not wait at all'."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("no time is left")
    return left


def _milliseconds(until: float) -> int:
    """Return the time left as VISA takes it."""
    return max(int(_time_left(until) * 1000), 1)
