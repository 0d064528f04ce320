"""How emulated instruments prove that they are: by a secret that whoever serves them left in a file of this user.

Whoever serves an emulated instrument on a port of the loopback interface answers challenges on a second port. Number
and secret are in a file of the user's state folder that is named by the first port and readable by the user alone. So
nothing is sent to an instrument that has not proven to be emulated, and the other end of a tunnel cannot prove it: the
answer is bound to the port, and ends with the process that serves it.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import socket
import stat
from contextlib import suppress
from pathlib import Path

from crossbar_hil.owners.state import state_folder

HOST = "127.0.0.1"
LONGEST = 4096
"""No file with a secret, no challenge and no answer is longer, in bytes."""
PATIENCE_S = 5.0
"""Time within which a challenge on this machine is answered."""
_SOCKET = re.compile(r"tcpip\d*::(127\.0\.0\.1|localhost)::(\d{1,5})::socket", re.IGNORECASE)


def answer_to(challenge: bytes, port: int, secret: bytes) -> bytes:
    """Return what only who knows the secret of an emulated instrument on a port can answer to a challenge."""
    return hmac.new(secret, b"crossbar-hil emulated %d " % port + challenge, hashlib.sha256).hexdigest().encode()


def leave_secret(port: int, proof_port: int, secret: bytes, folder: Path | None = None) -> Path:
    """Write the file by which this user's programs believe that who listens on a port is emulated.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path = _path(port, folder)
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    with suppress(FileNotFoundError):  # of a process that was killed, and had the same port
        path.unlink()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump({"proof_port": proof_port, "secret": secret.hex()}, file)
    return path


def why_not_emulated(resource: str, visa: str = "@py", folder: Path | None = None) -> str:
    """Return why who listens at a VISA resource of this machine is not believed to be emulated; empty if it proved it.

    Nothing is sent to the resource itself.
    """
    found = _SOCKET.fullmatch(resource.strip())
    # Another library than pyvisa-py may take localhost for ::1, where somebody else may have the same port.
    if found is None or (found[1] != HOST and visa != "@py"):
        return f"is not where an emulated one can be: `crossbar-hil emulate` prints addresses on {HOST}"
    said = _secret_of(int(found[2]), folder)
    if said and _proves(int(found[2]), *said):
        return ""
    return (
        "does not prove to be emulated: no `crossbar-hil emulate` of this user that is running serves it; "
        "if it is real, its kind is hardware"
    )


def _path(port: int, folder: Path | None) -> Path:
    return (folder or state_folder() / "emulated") / f"{port}.json"


def _secret_of(port: int, folder: Path | None) -> tuple[int, bytes] | None:
    """Return the port for challenges, and the secret, of an emulated instrument; None if there is no sound file."""
    try:
        handle = os.open(_path(port, folder), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(handle)
            foreign = hasattr(os, "geteuid") and (about.st_uid != os.geteuid() or about.st_mode & 0o077)
            if foreign or not stat.S_ISREG(about.st_mode):
                return None
            said = json.loads(file.read(LONGEST))
        return int(said["proof_port"]), bytes.fromhex(said["secret"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _proves(port: int, proof_port: int, secret: bytes) -> bool:
    """Challenge whoever listens for it, once."""
    challenge = secrets.token_hex(32).encode()
    if len(secret) < 16 or not 0 < proof_port < 1 << 16:
        return False
    try:
        with socket.create_connection((HOST, proof_port), timeout=PATIENCE_S) as asked:
            asked.sendall(b"%d %s\n" % (port, challenge))
            answer = asked.makefile("rb").readline(LONGEST).strip()
    except OSError:
        return False
    return hmac.compare_digest(answer, answer_to(challenge, port, secret))
