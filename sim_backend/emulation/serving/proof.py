"""The port on which emulated instruments prove that they are; see `crossbar_hil.owners.proof`."""

import contextlib
import re
import secrets
import socket
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from crossbar_hil.errors import ConfigError
from crossbar_hil.owners.proof import LONGEST, answer_to, leave_secret

from .dead_sockets import HOST, shut

_CHALLENGE = re.compile(rb"[0-9a-f]{64}")


class ProofPort:
    """A listening socket on a free port of the loopback interface that answers challenges for instruments.

    Parameters
    ----------
    resources : iterable of str
        VISA resources of the emulated instruments, each with a port of its own.
    folder : Path, optional
        Where the secrets are left; the state folder of the user if not given.

    Raises
    ------
    ConfigError
        If the secrets cannot be written.
    """

    def __init__(self, resources: Iterable[str], folder: Path | None = None) -> None:
        self._listener = socket.create_server((HOST, 0))
        self._secret = secrets.token_bytes(32)
        self._files: list[Path] = []
        self._ports = [int(resource.split("::")[2]) for resource in resources]
        try:
            for port in self._ports:
                self._files.append(leave_secret(port, self._listener.getsockname()[1], self._secret, folder))
        except OSError as error:
            self.close()
            raise ConfigError(f"the proof that a bench is emulated cannot be left for others: {error}") from error
        threading.Thread(target=self._accept, name="proofs", daemon=True).start()

    def close(self) -> None:
        """Stop answering, and take the secrets away."""
        shut(self._listener)
        for path in self._files:
            with contextlib.suppress(OSError):  # gone already
                path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            asked = connection.makefile("rb").readline(LONGEST)
            port, _, challenge = asked.strip().partition(b" ")
            if port.isdigit() and int(port) in self._ports and _CHALLENGE.fullmatch(challenge):
                connection.sendall(answer_to(challenge, int(port), self._secret) + b"\n")
