"""Runs as an RO-Crate: their files and exports, described and hashed, for archives and those without this program.

RO-Crate Metadata Specification 1.1, https://w3id.org/ro/crate/1.1.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crossbar_hil.bench.file import BENCH_FILE
from crossbar_hil.errors import MissingExtra, RunError, install, reason_of
from crossbar_hil.runs.contents import CONTENTS, Content
from crossbar_hil.runs.exports.entities import entity, instruments_of, licence_url, people_of, plain, program_of
from crossbar_hil.runs.exports.export import NAMES, export_run
from crossbar_hil.runs.exports.pulse_table import SIDECAR
from crossbar_hil.runs.provenance import utc_now
from crossbar_hil.runs.run import Run

VERSION = "1.1"
HOME = "https://w3id.org/ro/terms/workflow-run#sha256"
"""What ``sha256`` means; the terms of RO-Crate 1.1 do not hold it."""
_LEFT_OUT = {"phase", "crate", *NAMES.values(), f"pulses.csv{SIDECAR}"}
"""What is exported anew, and the word for onlookers while a run goes on."""


def export_crate(runs: Sequence[Run], path: Path, *, licence: str, title: str = "") -> Path:
    """Write runs to a new folder that is an RO-Crate, or to a ZIP file if its name ends so.

    Parameters
    ----------
    runs : sequence of Run
        Runs that have ended.
    path : Path
        The folder, or the ZIP file.
    licence : str
        Of the data: an address, or an SPDX identifier.
    title : str
        Of the whole; made from the runs if not given.

    Returns
    -------
    Path
        The folder or file.

    Raises
    ------
    RunError
        If a run goes on, holds a link, or has nothing to export, or the place exists, or cannot be written.
    ConfigError
        If the licence is none.
    MissingExtra
        If the package for it is missing.
    """
    try:
        from rocrate.rocrate import ROCrate  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra(f"an RO-Crate needs rocrate ({error}); install it with: {install('crate')}") from error
    if os.path.lexists(path):
        raise RunError(f"{path} exists already and is not overwritten")
    names = [run.name for run in runs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RunError(f"run {twice} is given twice")
    for run in runs:
        if run.status == "running":
            raise RunError(f"run {run.name} has not ended, so its files still change: resume it, or wait")
    address = licence_url(licence)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as made:
            folder = Path(made) / "crate"
            crate = ROCrate(version=VERSION)
            crate.metadata.extra_terms["sha256"] = HOME
            _describe(crate, runs, address, title)
            actions = []
            for run in runs:
                (folder / run.name).mkdir(parents=True)
                actions.append(_add_run(crate, run, folder / run.name))
            crate.root_dataset["mentions"] = plain(actions)
            crate.metadata.write(folder)
            if path.suffix == ".zip":
                shutil.make_archive(str(folder), "zip", folder)
                folder = folder.with_suffix(".zip")
            folder.rename(path)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {reason_of(error)}") from error
    return path


def _describe(crate: Any, runs: Sequence[Run], licence: str, title: str) -> None:
    """Say what the whole is."""
    kinds = " and ".join(dict.fromkeys(run.kind for run in runs))
    count = f"{len(runs)} runs" if len(runs) > 1 else f"Run {runs[0].name}"
    crate.name = title or f"{count} of crossbar-hil, {kinds} device"
    crate.description = (
        f"Training of memristor crossbars ({kinds} device). Of each run: record, bench and patterns as they were used; "
        "run.csv (a line a step), run.nc (NetCDF, CF-1.8) and pulses.csv (a line a read or pulse of a cell, with its "
        "meaning beside it), which open without the program that made them."
    )
    crate.datePublished = utc_now()
    name = licence.rpartition("/")[2] if licence.startswith("https://spdx.org/") else licence
    crate.license = entity(crate, licence, "CreativeWork", name=name, description=f"Licence of the data: {name}")
    people = list({each.id: each for run in runs for each in people_of(crate, run)}.values())
    homes = list({each["affiliation"].id: each["affiliation"] for each in people if each.get("affiliation")}.values())
    for key, found in (("author", people), ("publisher", homes)):
        if found:
            crate.root_dataset[key] = plain(found)


def _add_run(crate: Any, run: Run, folder: Path) -> Any:
    """Copy the files of a run, export it anew, and say of both what they are and how they came about."""
    inputs = [_copy(crate, file, folder) for file in _files_of(run)]
    for form, name in NAMES.items():
        if form == "pulses" and not run.has_cell_tests:
            continue
        export_run(run, form, folder / name)
    exported = [_file(crate, folder / name, folder) for name in sorted(set(_made(folder)))]
    about, said, units = run.about(), run.conditions, {"temperature_k": {"unitText": "K"}}
    conditions = [
        entity(crate, f"#{run.name}-{name}", "PropertyValue", name=name, value=value, **units.get(name, {}))
        for name, value in said.items()
    ]
    dataset = crate.add_dataset(dest_path=f"{run.name}/", properties={
        "name": about["title"], "description": "; ".join(" ".join(each) for each in run.told()),
        "dateCreated": run.facts["started_utc"], **({"keywords": run.facts["label"]} if run.facts.get("label") else {}),
    })  # fmt: skip
    people = people_of(crate, run)
    for name, found in (("hasPart", inputs + exported), ("additionalProperty", conditions), ("author", people)):
        if found:
            dataset[name] = plain(found)
    action = {
        "name": about["title"], "description": about["history"], "startTime": run.facts["started_utc"],
        **({"endTime": run.facts["finished_utc"]} if run.facts.get("finished_utc") else {}),
    }  # fmt: skip
    made = entity(crate, f"#{run.name}-training", "CreateAction", **action)
    given = [each for each in inputs if Path(each.id).name in {BENCH_FILE, "patterns.csv", "curve.csv"}]
    tools = [program_of(crate, run), *instruments_of(crate, run)]
    for name, found in (("instrument", tools), ("object", given), ("result", [dataset]), ("agent", people)):
        if found:
            made[name] = plain(found)
    return made


def _made(folder: Path) -> Iterator[str]:
    return (name for name in (*NAMES.values(), f"pulses.csv{SIDECAR}") if (folder / name).exists())


def _files_of(run: Run) -> list[Path]:
    """Return the files of a run, those of its figures too.

    Raises
    ------
    RunError
        If one is a link or no plain file.
    """
    found = []
    figures = run.folder / "figures"
    if figures.is_symlink():
        raise RunError(f"{figures} is a link: a crate holds the files of a run themselves, so take it out")
    for path in sorted((*run.folder.iterdir(), *(run.folder / "figures").glob("*.png"))):
        if path.name in _LEFT_OUT or path.name.startswith(".") or path.name == "figures":
            continue
        if not stat.S_ISREG(path.lstat().st_mode):
            raise RunError(f"{path} is no plain file: a crate holds the files of a run themselves, so take it out")
        found.append(path)
    return found


def _copy(crate: Any, source: Path, folder: Path) -> Any:
    place = folder / ("figures" if source.parent.name == "figures" else "") / source.name
    place.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, place, follow_symlinks=False)
    return _file(crate, place, folder)


def _file(crate: Any, path: Path, folder: Path) -> Any:
    """Say of a file what it is, how large, and its hash."""
    figure = path.suffix == ".png"
    other = (
        Content("image/png", f"Figure: {path.stem.replace('_', ' ')}")
        if figure
        else Content("", "A file of the run folder")
    )
    kind, about, _ = CONTENTS.get(path.name, other)
    content = path.read_bytes()
    return crate.add_file(dest_path=f"{folder.name}/{path.relative_to(folder).as_posix()}", properties={
        "name": path.name, "description": about, "contentSize": str(len(content)),
        "sha256": hashlib.sha256(content).hexdigest(), **({"encodingFormat": kind} if kind else {}),
    })  # fmt: skip
