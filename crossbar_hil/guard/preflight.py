"""What the machine must have before a bench is opened: with too little of it the guard would fail in the middle."""

import os
import sys

from crossbar_hil.errors import GuardError

NEEDED_FILES = 32
"""File descriptors that a guard may come to need: journal, ledger, locks, sessions, pipes, and some to spare."""


def check_files(most: int | None = None, used: int | None = None) -> None:
    """Refuse to begin where a process may not open enough files.

    Parameters
    ----------
    most, used : int, optional
        How many it may have open, and has; asked of the system if not given, and not checked where it cannot say.

    Raises
    ------
    GuardError
        Naming both numbers; nothing was opened.
    """
    if most is None or used is None:
        found = _files()
        if found is None:
            return
        most, used = found
    if most - used < NEEDED_FILES:
        raise GuardError(
            f"this process may open {most} files and has {used} open, {NEEDED_FILES} more may be needed; "
            "raise the limit (ulimit -n)"
        )


def _files() -> tuple[int, int] | None:
    if sys.platform == "win32" or not os.path.isdir("/proc/self/fd"):
        return None
    import resource  # noqa: PLC0415 - not on Windows

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return (1 << 20 if most == resource.RLIM_INFINITY else most), len(os.listdir("/proc/self/fd"))
