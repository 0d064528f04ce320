"""Where the record of a training is not what the journal of its guard tells: every fact and every number, by name."""

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from crossbar_hil.bench.recorded import bench_hash
from crossbar_hil.guard.chain import Entry
from crossbar_hil.runs.audit.retelling import Retold
from crossbar_hil.runs.beginning import hash_of
from crossbar_hil.runs.training import ending_of
from crossbar_hil.runs.training_record import (
    Rows,
    columns_due,
    columns_of,
    rows_of_chip,
    rows_of_epoch,
    rows_of_fresh,
    rows_of_patterns,
)
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.result import TrainingResult

KEYS = {"pattern": 2, "epoch": 1, "cell": 3, "current": 3, "activation": 3}
KEYS |= {"fresh_current": 3, "fresh_activation": 3, "chip": 4}
"""Tables of a record, and how many of their columns say what the others are of."""
COMPUTED = frozenset({"error", "activation", "shortfall"})
"""Columns that went through tanh, whose last digit is the library's; what is read is compared bit by bit."""
ROUNDING = 1e-12
"""By so much those may differ."""
MOST = 20
"""Differences of one table that are told one by one."""
CLOCK_S = 2.0
"""By so much the clocks of two entries of one moment may differ, in seconds."""
AT_THE_END = frozenset({"status", "reason", "finished_utc", "resumed_utc", "change_accepted_utc"})
"""Facts that change while a run goes on, and are looked at by what they must be."""
OF_THE_END = frozenset({"converged", "epochs", "pulses", "error", "verdict", "given_up", "fresh_reads", "bench_work"})
"""Facts that are there once a run has ended."""


@dataclass(frozen=True)
class Recorded:
    """A record as its file holds it, all of one moment."""

    settings: dict[str, str]
    """Facts by name, as JSON."""
    tables: dict[str, tuple[list[str], Rows]]
    """Names of the columns, and the rows."""
    columns: Mapping[str, tuple[str, list[str]]]
    """Of everything in the file what it is, and its columns."""

    @classmethod
    def of(cls, record: sqlite3.Connection) -> "Recorded":
        """Read every table of an open record."""
        names = {name for (name,) in record.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        tables = {}
        for table in KEYS:
            if table in names:
                found = record.execute(f"SELECT * FROM {table}")  # noqa: S608 - names of ours
                tables[table] = ([column[0] for column in found.description], found.fetchall())
        return cls(dict(record.execute("SELECT name, value FROM setting")), tables, columns_of(record))

    def fact(self, name: str) -> Any:
        """Return a fact, None if there is none."""
        text = self.settings.get(name)
        return None if text is None else json.loads(text)

    @property
    def epochs(self) -> int:
        """How many epochs it holds."""
        return len(self.tables["epoch"][1])


def differences_of(
    recorded: Recorded,
    told: Retold,
    entries: Sequence[Entry],
    folder: Path,
    task: PatternSet,
    *,
    shape: tuple[int, int],
    being_written: bool,
) -> Iterator[str]:
    """Say where a record, its files and its journal tell different tales.

    Parameters
    ----------
    recorded : Recorded
        The record.
    told : Retold
        The training by the journal.
    entries : sequence of Entry
        The journal.
    folder : Path
        That of the run.
    task : PatternSet
        The pattern set in it.
    shape : tuple of int
        (R, C) of the chip.
    being_written : bool
        Whether the run goes on, so that its journal may be ahead.
    """
    if told.problem:
        yield told.problem
    began = next((entry.body for entry in entries if entry.kind == "record"), None)
    yield from _of_form(recorded)
    yield from _of_files(entries[0].body, began, folder)
    yield from _of_facts(recorded, told, entries[0].body, began)
    yield from _of_ending(recorded, told, entries, may_lack=began is None)
    yield from _of_times(recorded, told, entries)
    patterns = rows_of_patterns(task)
    if began is not None and patterns != [tuple(line) for line in began["patterns"]]:
        yield "patterns.csv is not what the journal holds of it"
        patterns = [tuple(line) for line in began["patterns"]]
    kept = min(recorded.epochs, len(told.epochs))
    due: dict[str, Rows] = {table: [] for table in KEYS}
    due["pattern"] = list(patterns)
    # A run that was killed between journal and record lacks its last epoch, or its fresh reads.
    behind = len(told.epochs) - recorded.epochs
    if behind > 0 and not being_written and (behind > 1 or recorded.fact("status") == "done"):
        kept = len(told.epochs)
    for epoch in told.epochs[:kept]:
        for table, rows in rows_of_epoch(epoch).items():
            due[table] += rows
    held = any(recorded.tables.get(table, ([], []))[1] for table in ("fresh_current", "fresh_activation"))
    if told.fresh is not None and (held or recorded.fact("status") == "done"):
        due |= rows_of_fresh(told.fresh)
    due["chip"] = _chip(recorded, told, shape, may_lack=began is None)
    for table, rows in due.items():
        names, found = recorded.tables.get(table, ([], []))
        if rows or found:
            yield from _first([*_of_table(table, names, rows, found)], table)


def _of_form(recorded: Recorded) -> Iterator[str]:
    """Say what else than the tables of a record there is; those of fresh reads some records do not have."""
    due = columns_due()
    for name, (kind, columns) in recorded.columns.items():
        known, of_table = due.get(name, ("", []))
        if kind != known:
            yield f"the record holds {_short(f'{kind} {name}')}, which no record has"
        elif columns != of_table:
            yield f"{name} has columns {_short(', '.join(columns))}, a record {', '.join(of_table)}"


def _of_files(header: Mapping[str, Any], began: Mapping[str, Any] | None, folder: Path) -> Iterator[str]:
    if header.get("bench_sha256", now := bench_hash(folder)) != now:
        yield "bench.toml is not the file with which the run began"
    for name, known in ({} if began is None else began["files"]).items():
        if hash_of(folder / Path(name).name) != known:
            yield f"{name} is not the file with which the run began"


def _of_facts(
    recorded: Recorded, told: Retold, header: Mapping[str, Any], began: Mapping[str, Any] | None
) -> Iterator[str]:
    """Compare the facts that were known before the first pulse."""
    due: dict[str, str] = {
        "name": json.dumps(header.get("run")),
        "kind": json.dumps(header.get("kind")),
        "seed": json.dumps(header.get("seed")),
        "confirm": json.dumps(told.confirm),
    }
    if began is not None:
        due = {name: text for name, text in began["facts"].items() if name not in AT_THE_END}
        known = {*due, *AT_THE_END, *OF_THE_END}
        yield from (f"setting {name} is not in the journal" for name in recorded.settings if name not in known)
    for name, text in due.items():
        found = recorded.settings.get(name)
        if found is None and began is not None:
            yield f"setting {name} is missing"
        elif found is not None and found != text:
            yield f"setting {name} is {_short(found)}, by the journal {_short(text)}"


def _of_ending(recorded: Recorded, told: Retold, entries: Sequence[Entry], *, may_lack: bool) -> Iterator[str]:
    """Compare how the run ended, as far as a journal can tell it."""
    status = recorded.fact("status")
    if status not in {"running", "done", "interrupted", "failed"}:
        yield f"setting status is {_short(json.dumps(status))}, which no run has"
    if status == "done" and not told.is_complete:
        yield "setting status is done, but by the journal the training has not ended"
    ended = "finished_utc" in recorded.settings
    if status != "running" and not ended:
        yield f"setting finished_utc is missing, though the status is {_short(json.dumps(status))}"
    sessions = [entry for entry in entries if entry.kind == "session" and entry.body.get("resumed")]
    if "resumed_utc" in recorded.settings and not sessions:
        yield "setting resumed_utc is there, but by the journal the run was never resumed"
    if "change_accepted_utc" in recorded.settings and not any(each.body.get("accept_change") for each in sessions):
        yield "setting change_accepted_utc is there, but by the journal nobody accepted that the chip had changed"
    if status == "running" and ended and not sessions:
        yield "setting status is running, but the run has ended and was never resumed"
    works = [entry.body["work"] for entry in entries if entry.kind == "safe" and entry.body.get("work")]
    if "bench_work" in recorded.settings and recorded.fact("bench_work") not in works[-1:]:
        due = _short(json.dumps(works[-1] if works else None))
        yield f"setting bench_work is {_short(recorded.settings['bench_work'])}, by the journal {due}"
    if told.result is not None and (status != "running" or ended):
        yield from _of_outcome(recorded, told, told.result, may_lack=may_lack)


def _of_outcome(recorded: Recorded, told: Retold, result: TrainingResult, *, may_lack: bool) -> Iterator[str]:
    """Compare what the training came to; records of earlier versions lack some of it."""
    status, reason = recorded.fact("status"), recorded.fact("reason")
    due = ending_of(result, told.assurance if told.is_complete else None)
    if status == "interrupted" and told.is_complete:
        yield "setting status is interrupted, but by the journal the training has ended"
    if status == "failed" and told.is_complete and reason == due["reason"]:
        yield "setting status is failed, but its reason is that of a training that has ended by itself"
    for name, value in due.items():
        if name == "reason" and status != "done":
            continue
        if name not in recorded.settings:
            yield from () if may_lack else (f"setting {name} is missing",)
        elif not _same(name, value, recorded.fact(name)):
            yield f"setting {name} is {_short(recorded.settings[name])}, by the journal {_short(json.dumps(value))}"
    if "fresh_reads" in recorded.settings and "fresh_reads" not in due:
        yield "setting fresh_reads is there, but the journal holds no fresh reads"


def _of_times(recorded: Recorded, told: Retold, entries: Sequence[Entry]) -> Iterator[str]:
    """Hold the times of the record against those of the journal."""
    over = [entry.utc for entry in entries if entry.kind in {"read", "ended"}]
    last = entries[-1].utc
    names, rows = recorded.tables["epoch"]
    if "utc" in names:
        for row in rows:
            number, utc = row[0], row[names.index("utc")]
            if not isinstance(number, int) or not 0 < number <= len(told.ends):
                continue
            end = told.ends[number - 1]
            after = over[end] if end < len(over) else last
            if not _between(over[end - 1], utc, after):
                yield f"epoch, epoch {number}: utc is {utc!r}, by the journal from {over[end - 1]} to {after}"
    for name, from_, to in (("finished_utc", last, None), ("resumed_utc", entries[0].utc, None)):
        if name in recorded.settings and not _between(from_, recorded.fact(name), to):
            yield f"setting {name} is {_short(recorded.settings[name])}, before {from_} in the journal"


def _between(first: str, moment: Any, last: str | None) -> bool:
    try:
        when = datetime.fromisoformat(moment).astimezone(UTC)
    except (TypeError, ValueError):
        return False
    slack = timedelta(seconds=CLOCK_S)
    low = datetime.fromisoformat(first) - slack
    return low <= when and (last is None or when <= datetime.fromisoformat(last) + slack)


def _chip(recorded: Recorded, told: Retold, shape: tuple[int, int], *, may_lack: bool) -> Rows:
    """Return what the record says of the chip itself: nothing that a guard knows is at the end of its curve."""
    cells = {"saturated": np.zeros(shape)}
    held = {row[1] for row in recorded.tables["chip"][1]}
    due = rows_of_chip("start", cells)
    if recorded.fact("status") != "running":
        due += rows_of_chip("end", cells)
        if told.result is not None and not (may_lack and "unresponsive" not in held):
            due += rows_of_chip("end", {"unresponsive": told.result.unresponsive})
    return due


def _of_table(table: str, names: Sequence[str], due: Rows, found: Rows) -> Iterator[str]:
    keys = KEYS[table]
    known = {row[:keys]: row[keys:] for row in due}
    seen = set()
    for row in found:
        key = row[:keys]
        where = _where(table, names, key)
        if key in seen:
            yield f"{where} is there twice"
        elif key not in known:
            yield f"{where} is not in the journal"
        else:
            for name, value, is_ in zip(names[keys:], known[key], row[keys:], strict=False):
                if not _same(name, value, is_):
                    yield f"{where}: {name} is {_short(repr(is_))}, by the journal {_short(repr(value))}"
        seen.add(key)
    yield from (f"{_where(table, names, key)} is missing" for key in known if key not in seen)


def _where(table: str, names: Sequence[str], key: tuple[Any, ...]) -> str:
    return f"{table}, {', '.join(f'{name} {value}' for name, value in zip(names, key, strict=False))}"


def _same(name: str, due: Any, found: Any) -> bool:
    if name in COMPUTED and isinstance(due, float) and isinstance(found, float):
        return math.isclose(due, found, rel_tol=ROUNDING, abs_tol=ROUNDING)
    return type(due) is type(found) and due == found


def _first(told: list[str], table: str) -> Iterator[str]:
    yield from told[:MOST]
    if len(told) > MOST:
        yield f"{table}: {len(told) - MOST} differences more"


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
