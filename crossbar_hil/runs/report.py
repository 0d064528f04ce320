"""The one-page report of a run: a single HTML file, no script, nothing loaded from elsewhere, all text escaped."""

import base64
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2

from crossbar_hil.errors import RunError
from crossbar_hil.runs.plotting import FIGURES, save_figures
from crossbar_hil.runs.store import Run
from crossbar_hil.training.patterns import as_text

REPORT = "report.html"


def make_report(run: Run, folder: Path | None = None, *, replace: bool = False) -> Path:
    """Draw the figures of a run and write its report.

    Parameters
    ----------
    run : Run
        A recorded run of at least one epoch.
    folder : Path, optional
        Where ``report.html`` and ``figures`` go, a new or empty place; the run's own folder if not given.

    replace : bool
        Whether a report that is there is to be replaced: that of a run which has gone on since.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    RunError
        If there is a report or a figure folder already, which is not overwritten unasked, or the folder cannot be
        written.
    """
    folder = run.folder if folder is None else folder
    if replace:
        (folder / REPORT).unlink(missing_ok=True)
        shutil.rmtree(folder / "figures", ignore_errors=True)
    for there in (folder / REPORT, folder / "figures"):
        if os.path.lexists(there):  # a link into nowhere counts: it would be followed
            raise RunError(f"{there} exists already and is not overwritten")
    result = run.result
    try:
        folder.mkdir(parents=True, exist_ok=True)
        figures = save_figures(result, folder / "figures")
        (folder / REPORT).write_text(render(run, figures), encoding="utf-8")
    except BaseException as error:
        # Half a report would stand in the way of the next try.
        shutil.rmtree(folder / "figures", ignore_errors=True)
        (folder / REPORT).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise RunError(f"report cannot be written to {folder}: {error.strerror or error}") from error
        raise
    return folder / REPORT


def render(run: Run, figures: list[Path]) -> str:
    """Return the report as HTML, the figures inside it."""
    result, settings = run.result, run.settings
    pictures = [
        (caption, base64.b64encode(path.read_bytes()).decode("ascii"))
        for caption, path in zip(FIGURES.values(), figures, strict=True)
    ]
    patterns = [
        {
            "bits": as_text(result.patterns[p]),
            "label": as_text(result.labels[p]),
            "activations": [
                {"value": f"{result.activations[-1, p, n]:+.3f}", "target": _target(result.targets[p, n], label)}
                for n, label in enumerate(result.labels[p])
            ],
            "met": not any(miss.pattern == p for miss in result.misses),
        }
        for p in range(len(result.patterns))
    ]
    saturated = [f"row {r + 1} column {c + 1}" for r, c in zip(*result.saturated.nonzero(), strict=True)]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "."), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("report.html.j2").render(
        run=run,
        result=result,
        settings=settings,
        rows=_rows(settings),
        pictures=pictures,
        patterns=patterns,
        saturated=saturated,
    )


def _target(target: float, label: int) -> str:
    return f"{'≥' if label else '≤'} {target:+.3g}"


def _named(device: dict[str, Any]) -> Iterator[str]:
    """Yield what a device says of itself, one phrase each, instruments with model and serial number."""
    for key, value in device.items():
        if isinstance(value, str | int | float):
            yield f"{key} {value}"
        elif isinstance(value, dict) and "model" in value:
            yield f"{key} {value['model']} (serial {value.get('serial', '?')})"
        elif key == "sources" and isinstance(value, dict):
            yield from _named(value)


def _rows(settings: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the settings a person wants to see, in words and units."""
    device = settings["device"]
    rows = [
        ("Kind of device", settings["kind"]),
        ("Bench", settings["bench"] + (f", preset {settings['preset']}" if settings["preset"] else "")),
        ("Seed", str(settings["seed"])),
        ("Chip", f"{settings['shape'][0]} rows, {settings['shape'][1]} columns"),
        ("Device", ", ".join(_named(device))),
        ("Rule", settings["rule"]),
        ("Gain β", f"{settings['beta']:g} 1/A"),
        ("Targets", f"label 1: ≥ {settings['target']:g}, label 0: ≤ {settings['target0']:g}"),
        ("Read voltages", f"0: {settings['v0']:g} V, 1: {settings['v1']:g} V"),
        ("Pulse", f"{settings['amplitude_v']:g} V, {settings['width_s'] * 1e3:g} ms"),
        ("Most epochs", str(settings["max_epochs"])),
        ("Started", settings["started_utc"]),
        ("Status", settings["status"]),
        ("Versions", ", ".join(f"{name} {number}" for name, number in settings["versions"].items())),
        ("Commit", settings["git"] or "not a checkout"),
    ]
    return ([("Label", settings["label"])] if settings["label"] else []) + rows
