"""What each page shows, as plain data: the table of runs, one run, runs side by side, the life of a chip."""

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.errors import CrossbarError, RunError
from crossbar_hil.figures import REPORT
from crossbar_hil.guard.ledger import default_path, read_totals
from crossbar_hil.guard.states import PHASE
from crossbar_hil.guard.storage import open_to_read
from crossbar_hil.runs.live import panels
from crossbar_hil.runs.live.panels import Panel, Wear
from crossbar_hil.runs.live.training import BY_OUTPUT, cell_names, spent_bars
from crossbar_hil.runs.many.comparison import compare
from crossbar_hil.runs.many.listing import COLUMNS, FACETS, Row, bench_of, key_of, select
from crossbar_hil.runs.report import FIGURES
from crossbar_hil.runs.run import Run
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.told_facts import told_facts
from crossbar_hil.runs.training_record import RECORD
from crossbar_hil.runs.training_run import TrainingRun

Data = dict[str, Any]
PAGE = 100
"""Rows that one page of the table has."""
MOST_SIDE_BY_SIDE = 8
_NOT_SHOWN = (".new", "-wal", "-shm", "-journal")


def table_data(rows: Sequence[Row], unread: int, asked: Mapping[str, str], now: datetime) -> Data:
    """Return one page of the table, and what can be chosen; so many runs more were not read yet."""
    page = int(asked.get("page", "0"))
    found = select(rows, **{name: value for name, value in asked.items() if name != "page"})
    shown = found[page * PAGE : (page + 1) * PAGE]
    return {
        "now": now.isoformat(),
        "columns": COLUMNS,
        "rows": [_row_data(row) for row in shown],
        "page": page,
        "pages": -(-len(found) // PAGE),
        "found": len(found),
        "all": len(rows) + unread,
        "unread": unread,
        "facets": {name: sorted({str(row.cells[name]) for row in rows if row.cells[name]}) for name in FACETS},
    }


def run_data(row: Row, now: datetime) -> Data:
    """Return everything that is shown of one run."""
    data: Data = {"now": now.isoformat(), **_row_data(row), "files": _files_of(row.folder), "panels": []}
    if row.why:
        return data
    run = load_run(row.folder)
    phase, since = run.phase
    facts, standing = run.facts, run.standing()
    ended = facts.get("finished_utc") if run.status != "running" else None
    began = datetime.fromisoformat(facts.get("resumed_utc") or facts["started_utc"])
    left = standing.step_s is not None and standing.most and run.status == "running"
    data |= {
        "phase": phase,
        "guarded": (run.folder / PHASE).exists(),
        "since": since.isoformat() if since else None,
        "reason": facts.get("reason") or "",
        "details": [*run.details()] if run.status != "running" else [],  # which reads every epoch
        "standing": standing._asdict(),
        "elapsed_s": ((datetime.fromisoformat(ended) if ended else now) - began).total_seconds(),
        "left_s": (standing.most - standing.done) * standing.step_s if left and standing.step_s else None,
        "panels": [each._asdict() for each in (*run.panels(), *_life_bars(run))],
        "changed": [[each.key, each.text, each.usual, each.about] for each in run.all_settings if each.changed],
        "facts": [[*each] for each in told_facts(facts)],
    }
    return data


def compare_data(rows: Sequence[Row], now: datetime) -> Data:
    """Return runs side by side: how they ended, settings that differ, settings that do not, and their panels."""
    runs = [load_run(row.folder) for row in rows]
    return {
        "now": now.isoformat(),
        "runs": [_row_data(row) for row in rows],
        **{name: [each.as_text() for each in lines] for name, lines in compare(runs, map(_wear, rows)).items()},
        "panels": [[each._asdict() for each in run.panels()] for run in runs],
    }


def chip_data(rows: Iterable[Row], now: datetime) -> Data:
    """Return what the runs of one chip did to its cells, the first run first."""
    worn = [(row, wear) for row in sorted(rows, key=_age) if (wear := _wear(row))]
    data: Data = {"now": now.isoformat(), "runs": [], "panels": []}
    if not worn:
        return data
    shape = worn[-1][1].last.shape
    worn = [(row, wear) for row, wear in worn if wear.last.shape == shape]
    last = worn[-1][0]
    pulses: IntArray = np.sum([wear.pulses for _, wear in worn], axis=0)
    dose_vs: FloatArray = np.sum([wear.dose_vs for _, wear in worn], axis=0)
    conductances = np.array([each for _, wear in worn for each in (wear.first, wear.last)])
    run, named = load_run(last.folder), cell_names((shape[0], shape[1]))
    found: list[Panel] = [
        panels.cells(
            "life",
            "Conductance of every cell, before and after each run",
            [*(place + half for place in range(len(worn)) for half in (0, 0.5)), len(worn)],
            np.concatenate([conductances, conductances[-1:]]),
            "S",
            named,
            x_text="run 1" if len(worn) == 1 else f"runs 1 to {len(worn)}",
        ),
        panels.grid("conductance", "Conductance now", worn[-1][1].last, "S", named, about=BY_OUTPUT),
        panels.grid("pulses", "Pulses in all these runs", pulses, "", named),
        panels.grid("dose", "Dose in all these runs", dose_vs, "V s", named),
        spent_bars(pulses, dose_vs, bench_of(run).get("limits") or {}, "in all these runs"),
        *_life_bars(run),
    ]
    return data | {
        "chip": last.chip_id,
        "kind": last.cells["kind"],
        "runs": [
            {**_row_data(row), "sent": int(wear.pulses.sum()), "dose_vs": panels.plain(wear.dose_vs.sum())}
            for row, wear in worn
        ],
        "panels": [each._asdict() for each in found],
    }


def file_of(folder: Path, key: str) -> Path | None:
    """Return the file that a page calls so, one of those that are shown; None if there is none."""
    return next((path for path in _shown_files(folder) if key_of(path.relative_to(folder).as_posix()) == key), None)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file of a run to read it; of a record that is being written, a copy of it as it is at this moment.

    Raises
    ------
    RunError
        If part of it is in SQLite's log beside it and it is no record, or is kept from being read.
    """
    if not is_in_two(path):
        with os.fdopen(open_to_read(path), "rb") as file:
            yield file
        return
    if path.name != RECORD:  # nobody but its guard opens a journal
        raise RunError(f"part of {path.name} is in its log until who writes it has ended; it can be had then")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        with TrainingRun(path.parent).open_record() as record, closing(sqlite3.connect(copy)) as whole:
            record.backup(whole)
        with copy.open("rb") as file:
            yield file


def is_in_two(path: Path) -> bool:
    """Say whether a database is written at this moment, part of it being in a log beside it."""
    return os.path.lexists(path.with_name(f"{path.name}-wal"))


def _row_data(row: Row) -> Data:
    return {"key": row.key, "cells": row.cells, "chip": row.chip_id, "why": row.why, "live": row.live}


def _files_of(folder: Path) -> list[Data]:
    found = []
    for path in _shown_files(folder):
        name = path.relative_to(folder).as_posix()
        found.append(
            {
                "key": key_of(name),
                "name": name,
                "bytes": path.stat().st_size,
                "report": name == REPORT,
                "kept": path.name != RECORD and is_in_two(path),
            }
        )
    return found


def _shown_files(folder: Path) -> list[Path]:
    """Return the plain files of a run, none that is a link, hidden, or kept by SQLite while it writes."""
    try:
        figures = folder / FIGURES
        there = [*sorted(folder.iterdir()), *([] if figures.is_symlink() else sorted(figures.glob("*.png")))]
        return [
            path
            for path in there
            if path.is_file() and not path.is_symlink() and path.name[0] != "." and not path.name.endswith(_NOT_SHOWN)
        ]
    except OSError:
        return []


def _life_bars(run: Run) -> list[Panel]:
    """Return what the ledger of a real chip has counted, in runs or not, against its limits."""
    bench = bench_of(run)
    if run.kind != "hardware" or not bench.get("chip_id"):
        return []
    totals = read_totals(default_path(str(bench["chip_id"])))
    if totals is None:
        return []
    bars = spent_bars(*totals, bench.get("limits") or {}, "ever, by the ledger of the chip")
    return [bars._replace(name="ledger", title="Pulses and dose that the ledger of the chip has counted")]


def _age(row: Row) -> tuple[str, str]:
    return str(row.cells["started"]), row.folder.name


def _wear(row: Row) -> Wear | None:
    return _wear_as_of(row.folder, load_run(row.folder).stamp) if not row.why else None


@lru_cache(maxsize=1024)
def _wear_as_of(folder: Path, stamp: object) -> Wear | None:  # noqa: ARG001 - another stamp, another record
    try:
        return load_run(folder).wear()
    except CrossbarError:
        return None
