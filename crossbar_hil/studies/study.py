"""What every study does besides its work: it has a folder, can be gone on with, and tells what came of it."""

import functools
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, TypeVar

from crossbar_hil.errors import RunError
from crossbar_hil.studies.folder import StudyFolder

STUDIES = Path("dry_runs")
"""Holds the folders of studies, unless told otherwise."""


class Planned(Protocol):
    """Work that was laid out."""

    def plan(self) -> dict[str, Any]:
        """Return what was asked for, as the folder keeps it."""


Work = TypeVar("Work", bound=Planned)


@dataclass(frozen=True, slots=True)
class Told:
    """What a person and a program are told of a study."""

    lines: list[str]
    record: dict[str, Any]
    draw: Callable[[], list[str]] = list
    """Draws what the record names besides, and returns what a person is told of it: that takes longer than many a
    study, so the lines are told before."""


def new_folder(kind: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Path:
    """Return a fresh name in `STUDIES`."""
    return STUDIES / f"{now():%Y-%m-%dT%H-%M-%SZ}_{kind}_{secrets.token_hex(2)}"


def check_fresh(path: Path) -> None:
    """Refuse to write into a folder that exists, before anything is planned."""
    if path.exists():
        raise RunError(f"{path} exists already and is not overwritten; --resume {path} goes on with a study")


@contextmanager
def keep_or_remove(folder: StudyFolder[Any], kind: str) -> Iterator[None]:
    """Close a folder in the end; after a failure say how to go on, or take it back if nothing is in it."""
    try:
        with folder:
            yield
    except BaseException as error:
        if folder.done:
            error.add_note(f"what was done is kept, go on with: crossbar-hil {kind} --resume {folder.path}")
        else:
            shutil.rmtree(folder.path, ignore_errors=True)
        raise


def lay_out_again(
    folder: StudyFolder[Any],
    kind: str,
    lay_out: Callable[[Mapping[str, Any]], Work],
    given: str = "bench, curve, patterns",
) -> Work:
    """Lay out a study of a kind from the plan in its folder; `given` is what the plan was made from.

    Raises
    ------
    RunError
        If the plan is damaged, or what was given was changed since.
    """
    try:
        work = lay_out(folder.plan)
    except (KeyError, TypeError) as error:
        raise RunError(f"{folder.path} is not the folder of a whole {kind}: {error}") from error
    plan = work.plan()
    if plan["version"] != folder.plan.get("version"):
        raise RunError(
            f"{folder.path} was begun by crossbar-hil {folder.plan.get('version')} and cannot be gone on with by "
            f"{plan['version']}"
        )
    if plan != folder.plan:
        raise RunError(f"the {given} or plan of {folder.path} were changed since it was begun")
    return work


def check_version(wanted: str) -> None:
    """Refuse to do the work of another version of this package, by a RunError that names both."""
    ours = package_version()
    if ours != wanted:
        raise RunError(f"a worker has crossbar-hil {ours}, but the study was started by {wanted}")


@functools.cache
def package_version() -> str:
    """Return the version of this package."""
    return version("crossbar-hil")
