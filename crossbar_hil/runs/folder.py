"""A fresh folder for a run, and taking it back if the run never began."""

import re
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from crossbar_hil.errors import RunError, reason_of
from crossbar_hil.guard.inspection import left_safe
from crossbar_hil.guard.opening import JOURNAL

_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ_.+_\d+x\d+_[0-9a-f]{4}")


@dataclass(frozen=True)
class RunFolder:
    """A fresh folder for a run."""

    folder: Path
    started: datetime
    made_out: bool
    """Whether the folder that holds it was made too."""

    @classmethod
    def make(
        cls,
        out: str | Path,
        *,
        rule: str,
        shape: tuple[int, int],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """Make a new run folder in `out`, named by the time, the rule or task, and rows and columns.

        Raises
        ------
        RunError
            If the folder cannot be made; nothing is left behind.
        """
        parent = Path(out)
        made_out = not parent.exists()
        started = now()
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder = parent / f"{started:%Y-%m-%dT%H-%M-%SZ}_{rule}_{shape[0]}x{shape[1]}_{secrets.token_hex(2)}"
            folder.mkdir(mode=0o700)
        except (OSError, ValueError) as error:  # a name that is no name of a file is a ValueError
            raise RunError(f"run folder cannot be made in {parent}: {reason_of(error)}") from error
        return cls(folder, started, made_out)

    @property
    def started_utc(self) -> str:
        """Time of the start as a run writes it."""
        return self.started.isoformat(timespec="seconds")

    def take_back(self) -> None:
        """Remove the folder of a run that never began, unless its journal says that the bench may not be safe."""
        if not left_safe(self.folder / JOURNAL):
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.made_out and self.folder.parent.is_dir() and not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()


def is_run_folder(folder: Path) -> bool:
    """Say whether a folder is named as `RunFolder.make` names one."""
    return folder.is_dir() and _NAME.fullmatch(folder.name) is not None
