"""The run store: one folder a run, found by name; which kind of run it is says the record in it."""

import os
from pathlib import Path
from typing import Any

from crossbar_hil.arguments import PATH, expect
from crossbar_hil.errors import CrossbarError, RunError
from crossbar_hil.guard.opening import JOURNAL
from crossbar_hil.plugins import load, names
from crossbar_hil.runs.folder import is_run_folder
from crossbar_hil.runs.never_began import describe_never_began
from crossbar_hil.runs.run import Run


def load_run(folder: str | Path) -> Run:
    """Open a recorded run.

    Parameters
    ----------
    folder : str or Path
        The run's folder.

    Raises
    ------
    RunError
        If it is not a run folder, the run never began, or its record cannot be read.
    """
    expect(PATH, RunError, folder=folder)
    path = Path(folder)
    record = _record_in(path)
    if record is not None:
        run = _open_run(path, record)
        _ = run.facts
        return run
    if is_run_folder(path):
        raise RunError(f"run {path.name} {describe_never_began(path)}")
    raise RunError(f"{path} is not a run folder: it holds no {' or '.join(names('runs'))}")


def list_runs(out: str | Path) -> list[Run]:
    """Return the recorded runs in a folder, the oldest first."""
    found = [(folder, _record_in(folder)) for folder in _list_folders(out)]
    return [_open_run(folder, record) for folder, record in found if record is not None]


def list_facts(out: str | Path) -> list[dict[str, Any]]:
    """Return the facts of every run in a folder; where one never began or cannot be read, its status says so."""
    found = []
    for folder in _list_folders(out):
        facts: dict[str, Any] = {}
        try:
            facts = load_run(folder).facts
        except RunError as error:
            facts = {"status": str(error).replace(f" of run {folder.name}", "").removeprefix(f"run {folder.name} ")}
        found.append({**facts, "name": folder.name})
    return found


def find_run(text: str, out: str | Path) -> Run:
    """Open the run that a person means: a folder, the name of a run in `out` or the start of one, or ``latest``.

    Raises
    ------
    RunError
        If there is no such run, more than one, or it never began.
    """
    path = Path(text)
    try:
        if is_run(path):
            return load_run(path)
    except CrossbarError:
        raise
    except (OSError, ValueError) as error:  # no name of a file
        raise RunError(f"run {text[:60]!r} is no name of a folder: {getattr(error, 'strerror', error)}") from error
    folders = _list_folders(out)
    if text == "latest" and folders:
        return load_run(folders[-1])
    fitting = [each for each in folders if each.name == text]
    fitting = fitting or [each for each in folders if each.name.startswith(text)]
    if len(fitting) != 1:
        found = f"{len(fitting)} runs fit" if fitting else "no such run folder"
        raise RunError(f"run {text!r}: {found}, in {Path(out)} there are {len(folders)} runs")
    return load_run(fitting[0])


def is_run(folder: Path) -> bool:
    """Say whether a folder is that of a run, also of one that never began."""
    return _record_in(folder) is not None or is_run_folder(folder)


def is_session(folder: Path) -> bool:
    """Say whether a folder holds the journal of a session that is no run."""
    return os.path.isfile(folder / JOURNAL) and not is_run(folder)


def _list_folders(out: str | Path) -> list[Path]:
    """Return the folders of runs in a folder, those of runs that never began among them, the oldest first."""
    parent = Path(out)
    folders = sorted(parent.iterdir()) if parent.is_dir() else []
    return [each for each in folders if is_run(each)]


def _record_in(folder: Path) -> str | None:
    """Return the name of the record in a folder, by which a kind of run is registered; None if it holds none."""
    return next((record for record in names("runs") if (folder / record).is_file()), None)


def _open_run(folder: Path, record: str) -> Run:
    run: Run = load("runs", record)(folder)
    return run
