"""The one-page report of a run: a single HTML file, no script, nothing loaded from elsewhere, all text escaped."""

import os
import shutil
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from crossbar_hil.errors import RunError, reason_of
from crossbar_hil.figures import REPORT
from crossbar_hil.figures.templates import template
from crossbar_hil.guard.storage import write_new
from crossbar_hil.runs.neighbours import NEXT, links_to_files, links_to_neighbours, tell_the_one_before
from crossbar_hil.runs.run import Run
from crossbar_hil.runs.told_facts import moment, told_facts

FIGURES = "figures"
PAGES = "crossbar_hil.figures"
"""Has what all pages share."""


def report_of(run: Run) -> Path:
    """Return the report of a run, which is written if it is not there."""
    written = run.folder / REPORT
    return written if written.exists() else make_report(run)


def make_report(run: Run, folder: Path | None = None, *, replace: bool = False) -> Path:
    """Draw the figures of a run and write its report.

    Parameters
    ----------
    run : Run
        A recorded run of at least one step.
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
        _remove_report(folder)
    for there in (folder / REPORT, folder / FIGURES):
        if os.path.lexists(there):  # a link into nowhere counts: it would be followed
            raise RunError(f"{there} exists already and is not overwritten")
    from crossbar_hil.figures.pages import Picture  # noqa: PLC0415 - matplotlib, if needed

    package, name = run.template
    values, settings, neighbours = run.page_values(), run.all_settings, links_to_neighbours(run, folder)
    try:
        (folder / FIGURES).mkdir(parents=True)
        pictures = []
        for figure in run.figures():
            write_new(folder / FIGURES / f"{figure.name}.png", figure.png)
            pictures.append(Picture(f"{FIGURES}/{figure.name}.png", figure.caption, figure.png))
        write_new(
            folder / REPORT,
            template(name, package, "crossbar_hil.runs", PAGES).render(
                run=run,
                facts=run.facts,
                said=told_facts(run.facts),
                started=moment(run.facts.get("started_utc")),
                settings=settings,
                tables=[(table, list(rows)) for table, rows in groupby(settings, attrgetter("table"))],
                pictures=pictures,
                files=links_to_files(run, folder),
                neighbours=neighbours,
                next_run="" if any(link.words.startswith("next") for link in neighbours) else NEXT,
                **values,
            ),
        )
    except BaseException as error:
        _remove_report(folder)  # half a report would stand in the way of the next try
        if isinstance(error, OSError):
            raise RunError(f"report cannot be written to {folder}: {reason_of(error)}") from error
        raise
    if folder == run.folder:
        tell_the_one_before(run, folder / REPORT)
    return folder / REPORT


def _remove_report(folder: Path) -> None:
    shutil.rmtree(folder / FIGURES, ignore_errors=True)
    (folder / REPORT).unlink(missing_ok=True)
