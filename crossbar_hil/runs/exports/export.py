"""A run as one file for other programs: a CSV that PyMeasure opens, NetCDF, or the table of pulses."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

from crossbar_hil.errors import MissingExtra, RunError, install, reason_of
from crossbar_hil.results.arrays import attribute
from crossbar_hil.runs.exports.pulse_table import SIDECAR, write_pulses
from crossbar_hil.runs.recorded_settings import text_of
from crossbar_hil.runs.run import Run
from crossbar_hil.text import printable

NAMES = {"csv": "run.csv", "netcdf": "run.nc", "pulses": "pulses.csv"}
"""File of each form in the folder of a run."""


def export_run(run: Run, form: str, path: Path | None = None) -> Path:
    """Write a run to a new file.

    Parameters
    ----------
    run : Run
        A recorded run of at least one step.
    form : str
        ``"csv"``, ``"netcdf"`` or ``"pulses"``; the last writes what its columns mean to a file beside it.
    path : Path, optional
        The file; that of `NAMES` in the run's folder if not given.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RunError
        If the file exists, which is never overwritten, or cannot be written, or the run has nothing of that form.
    MissingExtra
        If the packages for NetCDF are missing.
    """
    path = run.folder / NAMES[form] if path is None else path
    for each in (path, path.with_name(path.name + SIDECAR)) if form == "pulses" else (path,):
        if os.path.lexists(each):  # a link into nowhere counts: it would be followed
            raise RunError(f"{each} exists already and is not overwritten")
    write: dict[str, Callable[[Run, Path], object]] = {
        "csv": _write_csv,
        "netcdf": _write_netcdf,
        "pulses": write_pulses,
    }
    try:
        write[form](run, path)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {reason_of(error)}") from error
    return path


def _comments(run: Run) -> dict[str, str]:
    """Return facts and settings, the latter by table and name, as text of one line each."""
    facts = {name: str(attribute(value)) for name, value in run.facts.items()}
    settings = {each.key: text_of(each.value, each.unit) for each in run.all_settings}
    return {name: _one_line(text) for name, text in {**facts, **settings}.items()}


def _write_csv(run: Run, path: Path) -> None:
    """One line a step, under the comment header of `pymeasure.experiment.Results`.

    The procedure that the header names does not exist, so that PyMeasure takes the numbers and does not offer to run
    the training again. PyMeasure 0.16 cannot load parameters of a procedure that it does not know, so facts and
    settings are plain comments, which it leaves alone.
    """
    series, comments = run.series(), _comments(run)
    with path.open("x", encoding="utf-8", newline="") as file:
        file.write("#Procedure: <crossbar_hil_run.Training>\n")
        file.writelines(f"# {name}: {text}\n" for name, text in comments.items())
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(series.header)
        lines.writerows([repr(value) if isinstance(value, float) else value for value in row] for row in series.rows)


def _write_netcdf(run: Run, path: Path) -> None:
    try:
        import h5netcdf  # noqa: F401, PLC0415 - xarray finds these by itself, but says so less clearly if not
        import h5py  # noqa: F401, PLC0415
        import xarray  # noqa: F401, PLC0415 - an extra, and heavy
    except ImportError as error:
        raise MissingExtra(
            f"NetCDF needs xarray, h5netcdf and h5py ({error}); install them with: {install('export')}"
        ) from error
    run.to_xarray().to_netcdf(path, engine="h5netcdf")


def _one_line(text: str) -> str:
    """Return a text without line breaks or other control characters, which would end a comment."""
    return printable(text, " ")
