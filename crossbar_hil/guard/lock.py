"""The lock of a bench: one process at a time has its instruments, and who that is can be read."""

import getpass
import json
import os
import re
import stat
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from crossbar_hil.errors import BenchBusy, ConfigError, DataError
from crossbar_hil.guard.names import file_name, same_places, same_resource
from crossbar_hil.guard.storage import create_exclusive, open_plain, try_lock, undo_on_error
from crossbar_hil.owners.addresses import numbers_of
from crossbar_hil.text import printable
from crossbar_hil.visa_record import REPLAY

MINIMUM_VERSION = "0.1.0"
"""The oldest version of this program that may use a bench after this one."""
_FOLDER = "crossbar-hil-locks"
_HERE = "tcpip0::127.0.0.1::"
_LONGEST = 4096
LONGEST_WORD = 200
"""No more of a word in a lock file is shown, in characters."""
_ATTEMPTS = 100
_LOOK_S = 0.001
"""Between two attempts at a file whose holder is dead by what it says, in seconds: somebody is tidying it away."""
_FLEETING = "fleeting"
"""What stands in a file that its holder deletes in the end."""


def fixed_folder() -> Path:
    """Return where the locks of this machine are, for every user and whatever the environment says.

    Where `/run/lock` is for everybody, as on Debian, it is there: nobody tidies it up while the machine runs. Else it
    is in `/tmp`, on Windows in the folder for the data of all users.
    """
    if sys.platform == "win32":
        return Path("C:/ProgramData") / _FOLDER
    return next(Path(each) for each in ("/run/lock", "/tmp") if each == "/tmp" or _is_for_all(each)) / _FOLDER  # noqa: S108


def default_folder(resources: Iterable[str], environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the locks of instruments are: `fixed_folder`.

    For tests there is ``$CROSSBAR_HIL_LOCKS``. It means nothing to a bench with anything that is not on the loopback
    interface of this machine, so that no such instrument ever has two owners by it; where a recording answers, none is
    spoken to.
    """
    named = environ.get("CROSSBAR_HIL_LOCKS", "")
    tried = bool(environ.get(REPLAY)) or all(each.startswith((_HERE, "manual ")) for each in resources)
    return Path(named) if named and tried else fixed_folder()


def _is_for_all(folder: str) -> bool:
    try:
        return os.stat(folder).st_mode & 0o1777 == 0o1777
    except OSError:
        return False


@contextmanager
def run_lock(folder: Path, run: str) -> Iterator[None]:
    """Let no second process work on a run, for the length of a ``with`` block.

    Raises
    ------
    BenchBusy
        If another process does.
    """
    lock = BenchLock([str(folder.resolve())], run=run, fleeting=True)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def run_owner(folder: Path) -> str:
    """Say which process on this machine works on a run, empty if none does; looks only, and takes no lock."""
    path = fixed_folder() / file_name(same_resource(str(folder.resolve())), ".lock")
    try:
        handle = open_plain(path)
    except OSError:
        return ""
    try:
        told = _read(handle)
        held = _is_running(told.get("pid")) and _is_locked(os.fstat(handle).st_ino)
    finally:
        os.close(handle)
    return _describe_owner(told) if held else ""


def _is_locked(inode: int, table: Path = Path("/proc/locks")) -> bool:
    """Say whether anybody holds a lock on a file; where the system does not tell (not Linux), somebody may.

    A process that is killed leaves its file behind, and another one may come to have its number.
    """
    try:
        lines = table.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return True
    # proc(5): number, FLOCK, ADVISORY, WRITE, process, device:device:inode, from, to
    return any(line.split()[1:2] == ["FLOCK"] and f":{inode} " in line for line in lines)


def _is_running(pid: Any) -> bool:
    if not isinstance(pid, int) or pid <= 0 or sys.platform == "win32":  # where signal 0 is Ctrl-C
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


class BenchLock:
    """The right to use the instruments of a bench.

    The lock is one of the operating system on an open file per instrument, so it ends with the process, however that
    ends, and a file that a dead process left does no harm. A file is deleted only by who holds its lock, and whoever
    has locked one looks whether it still is the one of that name. Processes forked off the holder share the lock until
    they end. What a holder would have deleted but for its death, the next one to release such a file deletes.

    Parameters
    ----------
    resources : iterable of str
        Names of the instruments, as in the bench file.
    run : str
        The run that the bench is wanted for, for others to read.
    folder : Path, optional
        Where the locks are; `default_folder` if not given.
    now : callable
        The clock.
    version, minimum_version : str
        Of this program, and the oldest that may use the bench after it.
    numbers : callable
        Looks the addresses of a host up.
    fleeting : bool
        Whether it is no bench that is locked, but a run, whose name does not come again.

    Raises
    ------
    DataError
        If there is no resource to lock.
    """

    def __init__(
        self,
        resources: Iterable[str],
        *,
        run: str,
        folder: Path | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        version: str | None = None,
        minimum_version: str = MINIMUM_VERSION,
        numbers: Callable[[str], tuple[str, ...]] = numbers_of,
        fleeting: bool = False,
    ) -> None:
        self.resources = tuple(sorted({place for name in resources for place in same_places(name, numbers)}))
        if not self.resources:
            raise DataError("a bench without instruments cannot be locked")
        self._run = run
        self._folder = folder or default_folder(self.resources)
        self._now = now
        self._version = version or _own_version()
        self._minimum = minimum_version
        self._noun = "run" if fleeting else "instrument"
        self._fleeting: set[Path] = set()  # files of what has its name for once
        self._held: dict[Path, int] = {}

    def acquire(self) -> None:
        """Take the bench.

        Raises
        ------
        BenchBusy
            If another process holds an instrument, or the bench wants a newer version; nothing is held.
        """
        if self._held:
            return
        with undo_on_error(BenchBusy, "bench cannot be locked") as undo:
            undo.callback(self._let_go)
            self._make_folder()
            # In one order for everybody, so that of two that start together one gets all.
            for resource in self.resources:
                self._take(resource)
            for path in self._held:
                self._write(path, self._about())

    def claim(self, known_as: str) -> None:
        """Take an instrument of the bench also by what it says it is, so that nobody has it by another name.

        Parameters
        ----------
        known_as : str
            What `crossbar_hil.guard.names.same_identity` makes of its identity; empty where that tells nothing.

        Raises
        ------
        BenchBusy
            If another process has it; what was held before still is.
        ConfigError
            If this bench has it already, by another name.
        """
        if not known_as:
            return
        if self._folder / file_name(known_as, ".lock") in self._held:
            raise ConfigError(f"two instruments of the bench are one: both answer as {known_as}")
        with undo_on_error(BenchBusy, "bench cannot be locked"):
            path = self._take(known_as)
            self._write(path, self._about())

    def _take(self, known_as: str) -> Path:
        path = self._folder / file_name(known_as, ".lock")
        self._held[path] = self._lock_file(path, known_as)
        if self._noun == "run" or known_as.startswith(_HERE):
            self._fleeting.add(path)
        return path

    def still_held(self) -> bool:
        """Return whether this process has the bench, and no lock file was deleted or replaced."""
        return bool(self._held) and all(_is_at(handle, path) for path, handle in self._held.items())

    def release(self) -> None:
        """Give the bench back; only the oldest version allowed stays in the files.

        Nothing stays of a port on this machine, or of a run: the next of that name is another one. The same goes for
        those whose holders were killed.
        """
        for path, handle in self._held.items():
            with suppress(OSError):
                if path not in self._fleeting:
                    self._write(path, {})
                elif _is_at(handle, path):
                    path.unlink()
        tidy = any(path in self._fleeting for path in self._held)
        self._let_go()
        if tidy:
            _tidy(self._folder)

    def _lock_file(self, path: Path, resource: str) -> int:
        """Return the descriptor of a lock file, locked, that is the one at its path."""
        for attempt in range(_ATTEMPTS):
            with ExitStack() as undo:
                handle = _open_file(path)
                undo.callback(os.close, handle)
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise BenchBusy(f"bench cannot be locked: {path} is no plain file")
                if not try_lock(handle):
                    told = _read(handle)
                    pid = told.get("pid")
                    if told.get(_FLEETING) and not _is_running(pid) and attempt < _ATTEMPTS - 1:
                        threading.Event().wait(_LOOK_S)
                        continue
                    raise BenchBusy(
                        f"{self._noun} {resource} is in use by {_describe_owner(told)}",
                        pid if isinstance(pid, int) else None,
                        path,
                    )
                if _is_at(handle, path):
                    self._check_version(_read(handle), resource)
                    undo.pop_all()
                    return handle
        raise BenchBusy(f"bench cannot be locked: {path} is being replaced again and again")

    def _check_version(self, told: dict[str, Any], resource: str) -> None:
        least = str(told.get("minimum_version", ""))
        if _parts(self._version) < _parts(least):
            raise BenchBusy(
                f"instrument {resource} was used by a newer version of this program, after which only version "
                f"{printable(str(least)[:LONGEST_WORD])} or later may use it; this is {self._version}"
            )
        if _parts(self._minimum) < _parts(least):
            self._minimum = least

    def _about(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "user": _user(),
            "run": self._run,
            "started_utc": self._now().isoformat(timespec="seconds"),
            "version": self._version,
        }

    def _write(self, path: Path, told: dict[str, Any]) -> None:
        if path in self._fleeting:
            told = {**told, _FLEETING: True}
        text = json.dumps({**told, "minimum_version": self._minimum}).encode()
        handle = self._held[path]
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, text)
        os.ftruncate(handle, len(text))

    def _let_go(self) -> None:
        while self._held:
            os.close(self._held.popitem()[1])

    def _make_folder(self) -> None:
        """Make the folder of the locks for all users, in which nobody may delete another's file."""
        with suppress(FileExistsError):
            self._folder.mkdir(parents=True)
            self._folder.chmod(0o1777)
        found = os.lstat(self._folder)
        if not stat.S_ISDIR(found.st_mode):
            raise BenchBusy(f"bench cannot be locked: {self._folder} is a link or no folder")


def _open_file(path: Path) -> int:
    """Open a lock file, or make one that every user may lock; never through a link."""
    for _ in range(_ATTEMPTS):
        with suppress(FileNotFoundError):
            # Not with O_CREAT: in a shared folder Linux refuses that for another user's file (proc_sys_fs(5)).
            return open_plain(path)
        try:
            handle = create_exclusive(path)
        except FileExistsError:
            continue
        if hasattr(os, "fchmod"):
            os.fchmod(handle, 0o666)
        return handle
    raise OSError(f"{path} is being deleted again and again")


def _tidy(folder: Path) -> None:
    """Delete the files of fleeting locks whose holders are gone; each by holding its lock, so that nobody else has it.

    Who opened one before finds, once it is locked, that it is not the one of that name any more. Another user's stay.
    """
    with suppress(OSError):
        for path in folder.glob("*.lock"):
            with suppress(OSError), ExitStack() as undo:
                handle = open_plain(path)
                undo.callback(os.close, handle)
                left = stat.S_ISREG(os.fstat(handle).st_mode) and _read(handle).get(_FLEETING) is True
                if left and try_lock(handle) and _is_at(handle, path):
                    path.unlink()


def _is_at(handle: int, path: Path) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return os.path.samestat(os.fstat(handle), found)


def _read(handle: int) -> dict[str, Any]:
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        told = json.loads(os.read(handle, _LONGEST))
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _describe_owner(told: dict[str, Any]) -> str:
    """Say who holds a lock; the file is writable by all, so what it says is shown without control characters."""
    if "pid" not in told:
        return "another process, which has not said who it is"
    pid, user, run, since, version = (
        printable(str(told.get(name, "?"))[:LONGEST_WORD]) for name in ("pid", "user", "run", "started_utc", "version")
    )
    return f"process {pid} of {user}, run {run}, since {since}, version {version}"


def _parts(version: str) -> tuple[int, ...]:
    """Return the numbers at the start of a version, to compare; what is none is older than all."""
    found = re.match(r"\d{1,9}(\.\d{1,9})*", version, re.ASCII)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


@cache
def _own_version() -> str:
    """Return the version of this program, which is looked up once a process."""
    return installed_version("crossbar-hil")


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown user"
