"""What a file that must survive is kept on, and how it is opened: a local disk with room, and no links."""

import errno
import os
import re
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from crossbar_hil.errors import CrossbarError, RunError, reason_of

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

MOUNTS = Path("/proc/mounts")
NETWORK_TYPES = frozenset(
    {"9p", "acfs", "afp", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs", "gfs2", "glusterfs", "gpfs"}
    | {"lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "smb3", "smbfs", "virtiofs"}
)
"""File systems whose locks and flushes depend on another machine; FUSE is told by its name."""
_FAR = 1 << 30
"""Where Windows locks one byte, far from the text, which stays readable."""
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def mounted_type(path: Path, mounts: str) -> tuple[str, str]:
    r"""Return mount point and type of the file system that a path lies on; ``("", "")`` if the table does not say.

    Parameters
    ----------
    path : Path
        An absolute path without links.
    mounts : str
        The mount table as Linux writes it to /proc/mounts: device, mount point, type, ... with blanks as ``\040``
        (proc(5), fstab(5)).

    Examples
    --------
    >>> mounted_type(Path("/data/run 1/x"), "/dev/sda / ext4 rw 0 0\nlab:/data /data/run\\0401 nfs4 rw 0 0\n")
    ('/data/run 1', 'nfs4')
    """
    found = ("", "")
    for line in mounts.splitlines():
        words = line.split(" ")
        if len(words) < 3:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), words[1])
        # A later line hides an earlier one of the same mount point.
        if path.is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, words[2])
    return found


def why_unfit(folder: Path, *, needed_bytes: int, mounts: str | None, free: Callable[[Path], int] | None = None) -> str:
    """Return why a folder is no place for a file that must survive a power cut; empty if it is one.

    Parameters
    ----------
    folder : Path
        An existing folder.
    needed_bytes : int
        Room that must be free.
    mounts : str or None
        The mount table; None reads that of the machine. Where there is none (not Linux), the type is not checked.
    free : callable, optional
        Returns the free bytes of a folder; that of the operating system by default.
    """
    if folder.is_symlink():
        return f"folder {folder} is a link, which could lead the record elsewhere"
    if mounts is None:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape") if MOUNTS.exists() else ""
    point, kind = mounted_type(folder.resolve(), mounts)
    if kind in NETWORK_TYPES or kind.startswith("fuse"):
        return f"folder {folder} lies on {point} of type {kind}, and what is flushed there is not sure to be on a disk"
    room = (free or (lambda place: shutil.disk_usage(place).free))(folder)
    if room < needed_bytes:
        return f"folder {folder} has {room} bytes free, {needed_bytes} are needed"
    return ""


def why_not_ours(path: Path) -> str:
    """Return why an existing file must not be opened for writing: a link, no plain file, or another user's."""
    try:
        found = os.lstat(path)
    except OSError as error:
        return f"{path} cannot be opened: {error.strerror or error}"
    if not stat.S_ISREG(found.st_mode):
        return f"{path} is {'a link' if stat.S_ISLNK(found.st_mode) else 'no plain file'}"
    if found.st_nlink > 1:
        return f"{path} has {found.st_nlink} names, so that another file would be changed with it"
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        return f"{path} belongs to user {found.st_uid}, not to user {os.geteuid()}"
    return ""


def why_not_all_ours(folder: Path) -> str:
    """Return why a file below a folder must not be written to, the first that `why_not_ours` finds; empty if all may.

    A folder that is a link is named too.
    """
    for where, folders, files in os.walk(folder):
        for name in sorted(folders):
            if (Path(where) / name).is_symlink():
                return f"{Path(where) / name} is a link"
        for name in sorted(files):
            if problem := why_not_ours(Path(where) / name):
                return problem
    return ""


def write_new(path: Path, content: str | bytes) -> None:
    """Write a new file, never through a link and never over another; OSError if the name is taken."""
    with os.fdopen(create_exclusive(path), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


def replace_file(path: Path, content: str | bytes) -> None:
    """Put a file in the place of another, all of it or nothing; a link in its place is replaced, not followed."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    write_new(fresh, content)
    os.replace(fresh, path)


def replace_durably(path: Path, write: Callable[[Path], object]) -> None:
    """Put the new file that `write` makes in the place of another, all of it or nothing; on disk when this returns.

    Raises
    ------
    RunError
        If it cannot be written; what was there stays.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        write(fresh)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {reason_of(error)}") from error


def create_exclusive(path: Path) -> int:
    """Make a new file that only its owner may read and return its descriptor; OSError if the name is taken."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600)


def open_plain(path: Path) -> int:
    """Open an existing file for reading and writing, never through a link, and return its descriptor."""
    return os.open(path, os.O_RDWR | _NO_FOLLOW)


def try_lock(handle: int) -> bool:
    """Lock an open file until its descriptor is closed; return False if somebody else has it locked."""
    try:
        if sys.platform == "win32":
            os.lseek(handle, _FAR, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def read_plain(path: Path) -> bytes:
    """Return the content of a plain file, never through a link; raises what `open_to_read` raises."""
    with os.fdopen(open_to_read(path), "rb") as file:
        return file.read()


def open_to_read(path: Path) -> int:
    """Open a plain file for reading, never through a link, and return its descriptor.

    Raises
    ------
    OSError
        If there is none, or it is no plain file.
    """
    return _open_regular(path, os.O_RDONLY)


def open_to_write(path: Path) -> int:
    """Open a plain file for writing, made if it is not there, never through a link, and return its descriptor.

    Raises
    ------
    OSError
        If it cannot be, it is no plain file, or it has a second name.
    """
    handle = _open_regular(path, os.O_WRONLY | os.O_CREAT)
    if os.fstat(handle).st_nlink > 1:
        os.close(handle)
        raise OSError(errno.EMLINK, "another file would be changed with it", str(path))
    return handle


def _open_regular(path: Path, how: int) -> int:
    # Without O_NONBLOCK a planted pipe would keep us waiting for ever.
    handle = os.open(path, how | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0), 0o600)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    return handle


def flush_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut; Windows does it by itself and cannot be asked."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def undo_on_error(kind: type[CrossbarError], what: str) -> Iterator[ExitStack]:
    """Undo what is put on the stack, last first, if a ``with`` block fails; say `what` if disk or database did."""
    try:
        with ExitStack() as undo:
            yield undo
            undo.pop_all()
    except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
        raise kind(f"{what}: {reason_of(error)}") from error
