"""What a run is made from: the versions, the commit, and the clock."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from crossbar_hil.visa_record import REPLAY

_CHECKOUT = Path(__file__).resolve().parents[2]


def provenance() -> dict[str, Any]:
    """Return what says which program wrote a run."""
    replayed = os.environ.get(REPLAY, "").partition(os.pathsep)[0]
    return {"versions": dict(versions()), "git": git_hash(), **({"replayed": Path(replayed).name} if replayed else {})}


@cache
def versions() -> dict[str, str]:
    """Return the versions of the system, of Python and of the packages that results depend on."""
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for package in ("crossbar-hil", "numpy", "scipy", "matplotlib"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def git_hash() -> str | None:
    """Return the commit of the checkout that runs, with ``-dirty`` if it was changed; None outside a checkout."""
    if not (_CHECKOUT / ".git").exists():
        return None
    try:
        return _described()
    except (OSError, subprocess.SubprocessError):
        return None


@cache
def _described() -> str:
    """Ask git once: what a process has loaded does not change with the files."""
    command = ["git", "-C", str(_CHECKOUT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()  # noqa: S603


def utc_now() -> str:
    """Return the time as a run writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
