"""Take a bench from the guard that has it: it is told to end; one that does not is killed, if it is proven to be it."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from crossbar_hil.errors import BenchBusy

PATIENCE_S = 5.0
"""Time that a guard has to make its bench safe and to end, from when it is told."""
KILLED_S = 2.0
"""Time in which a process that was killed is gone, unless it waits for its machine."""
GONE_S = 1.0
"""A process that is about to be gone is so after that time, in seconds."""
MOST = 3
"""So many guards that follow each other are told to end; then somebody else does not want the bench to be safe."""
LOOK_S = 0.05
_UNPROVEN = "it is not seen to be a guard of this user, so nothing was sent to it: end it yourself"
_COMMAND = (b"-m", b"crossbar_hil.guard")
"""How a guard is started: `crossbar_hil.guard.client.GuardProcess`."""


def _let_pass(seconds: float) -> None:
    threading.Event().wait(seconds)


class Lock(Protocol):
    """What can be taken."""

    def acquire(self) -> None:
        """Take it, or raise `BenchBusy`."""


def take_over(
    lock: Lock,
    *,
    patience_s: float = PATIENCE_S,
    tell: Callable[[str], object] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], object] = _let_pass,
) -> None:
    """Take the lock of a bench, from another guard too.

    That guard is told to end (SIGTERM), and makes the bench safe at its end. One that has not ended after `patience_s`
    is stuck, and is killed. Nothing is sent to a process that is not proven to be the guard that holds this lock.

    Parameters
    ----------
    lock : Lock
        To be taken.
    patience_s : float
        How long a guard has to end, in seconds.
    tell : callable
        Told who is asked to end, and who is killed.
    clock, wait : callable
        Monotonic time in seconds, and letting some pass.

    Raises
    ------
    BenchBusy
        If who holds it is no guard of this user, or does not even end when it is killed; nothing is held.
    """
    told: dict[int, float] = {}
    killed: dict[int, float] = {}
    unseen: dict[int, float] = {}

    def send(pid: int, busy: BenchBusy, number: signal.Signals) -> bool:
        if _signal(pid, busy.place, number):
            unseen.pop(pid, None)
            return True
        if clock() - unseen.setdefault(pid, clock()) > GONE_S:  # one that has just ended leaves a free lock behind
            raise BenchBusy(f"{busy}; {_UNPROVEN}", pid, busy.place) from busy
        return False

    while True:
        try:
            lock.acquire()
        except BenchBusy as busy:
            pid = busy.pid
            if pid is None or busy.place is None or len(told) > MOST:
                raise
            if pid not in told:
                if send(pid, busy, signal.SIGTERM):
                    tell(f"{busy}: it was told to make the bench safe and to end")
                    told[pid] = clock()
            elif pid not in killed:
                if clock() - told[pid] > patience_s and send(pid, busy, signal.SIGKILL):
                    tell(
                        f"process {pid} did not end within {patience_s:g} s and was killed; the bench is made safe here"
                    )
                    killed[pid] = clock()
            elif clock() - killed[pid] > KILLED_S:
                raise BenchBusy(
                    f"{busy}; it was killed {KILLED_S:g} s ago and is still there", pid, busy.place
                ) from busy
            wait(LOOK_S)
        else:
            return


def acquire_within(
    lock: Lock,
    seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], object] = _let_pass,
) -> None:
    """Take a lock whose holder is about to be gone.

    Raises
    ------
    BenchBusy
        If somebody holds it after that time; nothing is held.
    """
    until = clock() + seconds
    while True:
        try:
            lock.acquire()
        except BenchBusy:
            if clock() > until:
                raise
            wait(LOOK_S)
        else:
            return


def _signal(pid: int, place: Path | None, number: signal.Signals) -> bool:
    """Signal a process if it is proven to be the guard that holds a lock; say whether it is."""
    with _process(pid) as handle:
        if handle is None or place is None or not is_guard_of(pid, place):
            return False
        with suppress(ProcessLookupError):  # it has ended meanwhile
            signal.pidfd_send_signal(handle, number)
        return True


@contextmanager
def _process(pid: int) -> Iterator[int | None]:
    """Open a process, so that no other one of the same number can be meant; None where that cannot be done."""
    with ExitStack() as opened:
        handle = None
        if sys.platform == "linux":
            with suppress(OSError):
                handle = os.pidfd_open(pid)
                opened.callback(os.close, handle)
        yield handle


def is_guard_of(pid: int, place: Path) -> bool:
    """Say whether a process is a guard of this user that holds the lock on a file, as its operating system tells.

    What the file says is not believed: everybody may write it. Where the system does not tell (not Linux), nobody is.
    """
    about = Path(f"/proc/{pid}")
    try:
        words = (about / "cmdline").read_bytes().split(b"\0")
        if about.stat().st_uid != os.geteuid() or _COMMAND not in pairwise(words):
            return False
        wanted = os.lstat(place)
        return any(_holds(about, each.name, wanted) for each in (about / "fd").iterdir())
    except OSError:
        return False


def _holds(about: Path, number: str, wanted: os.stat_result) -> bool:
    """Say whether a file that a process has open is the wanted one, and locked (proc(5): fdinfo)."""
    try:
        same = os.path.samestat(os.stat(about / "fd" / number), wanted)
        return same and "FLOCK" in (about / "fdinfo" / number).read_text(encoding="ascii", errors="replace")
    except OSError:  # closed meanwhile
        return False
