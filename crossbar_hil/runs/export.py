"""Hand a run to other programs: a CSV that PyMeasure opens, or a NetCDF file with labels and units."""

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np

from crossbar_hil.errors import RunError
from crossbar_hil.runs.store import Run

SUFFIX = {"csv": ".csv", "netcdf": ".nc"}


def export_run(run: Run, form: str, path: Path | None = None) -> Path:
    """Write a run to a new file.

    Parameters
    ----------
    run : Run
        A recorded run of at least one epoch.
    form : str
        ``"csv"`` or ``"netcdf"``.
    path : Path, optional
        The file; ``run.csv`` or ``run.nc`` in the run's folder if not given.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RunError
        If the file exists, which is never overwritten, or cannot be written, or the packages for NetCDF are missing.
    """
    path = run.folder / f"run{SUFFIX[form]}" if path is None else path
    if os.path.lexists(path):  # a link into nowhere counts: it would be followed
        raise RunError(f"{path} exists already and is not overwritten")
    try:
        if form == "csv":
            _write_csv(run, path)
        else:
            _write_netcdf(run, path)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def _write_csv(run: Run, path: Path) -> None:
    """One line an epoch, under the comment header of `pymeasure.experiment.Results`.

    The procedure that the header names does not exist, so that PyMeasure takes the numbers and does not offer to run
    the training again. PyMeasure 0.16 cannot load parameters of a procedure that it does not know, so the settings
    are plain comments, which it leaves alone.
    """
    result = run.result
    _, rows, columns = result.conductances.shape
    cells = list(np.ndindex(rows, columns))
    reads = list(np.ndindex(*result.currents.shape[1:]))
    outputs = list(np.ndindex(*result.activations.shape[1:]))
    header = [
        "Epoch",
        "Error",
        "Pulses",
        *(f"Conductance r{r + 1} c{c + 1} (S)" for r, c in cells),
        *(f"Pulses r{r + 1} c{c + 1}" for r, c in cells),
        *(f"Current p{p + 1} c{c + 1} (A)" for p, c in reads),
        *(f"Activation p{p + 1} o{o + 1}" for p, o in outputs),
    ]
    with path.open("x", encoding="utf-8", newline="") as file:
        file.write("#Procedure: <crossbar_hil_run.Training>\n")
        for name, value in run.settings.items():
            file.write(f"# {name}: {_one_line(value)}\n")
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(header)
        for n in range(result.epochs):
            lines.writerow(
                [
                    n + 1,
                    repr(float(result.errors[n])),
                    int(result.counts[n].sum()),
                    *(repr(float(value)) for value in result.conductances[n].ravel()),
                    *(int(value) for value in result.counts[n].ravel()),
                    *(repr(float(value)) for value in result.currents[n].ravel()),
                    *(repr(float(value)) for value in result.activations[n].ravel()),
                ]
            )


def _write_netcdf(run: Run, path: Path) -> None:
    try:
        import h5netcdf  # noqa: F401, PLC0415 - xarray finds these by itself, but says so less clearly if not
        import h5py  # noqa: F401, PLC0415
        import xarray  # noqa: PLC0415 - an extra, and heavy
    except ImportError as error:
        raise RunError(
            f"NetCDF needs xarray, h5netcdf and h5py ({error}); install them with: pip install 'crossbar-hil[export]'"
        ) from error
    result = run.result
    cell, read, output = ("epoch", "row", "column"), ("epoch", "pattern", "column"), ("epoch", "pattern", "output")
    _, rows, columns = result.conductances.shape
    data = xarray.Dataset(
        {
            "conductance": (cell, result.conductances, {"units": "S", "long_name": "conductance before the update"}),
            "pulses": (cell, result.counts, {"units": "1", "long_name": "pulses sent after the evaluation"}),
            "current": (read, result.currents, {"units": "A", "long_name": "column current"}),
            "activation": (output, result.activations, {"units": "1", "long_name": "tanh(beta I)"}),
            "error": ("epoch", result.errors, {"units": "1", "long_name": "summed distance to the targets"}),
            "label": (("pattern", "output"), result.labels, {"units": "1"}),
            "bit": (("pattern", "row"), result.patterns, {"units": "1"}),
        },
        coords={
            "epoch": np.arange(1, result.epochs + 1),
            "row": np.arange(rows),
            "column": np.arange(columns),
            "pattern": np.arange(len(result.patterns)),
            "output": np.arange(columns // 2),
        },
        attrs={name: _one_line(value) for name, value in run.settings.items()},
    )
    data.to_netcdf(path, engine="h5netcdf")


def _one_line(value: Any) -> str:
    """Text of a setting without line breaks or other control characters, which would end a comment."""
    return "".join(letter if letter.isprintable() else " " for letter in str(value))
