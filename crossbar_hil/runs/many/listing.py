"""The runs of a folder as rows of a table, each read again only when something in its folder has changed."""

import hashlib
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossbar_hil.errors import CrossbarError
from crossbar_hil.guard.lock import run_owner
from crossbar_hil.runs.folder import is_run_folder
from crossbar_hil.runs.run import Run
from crossbar_hil.runs.store import load_run
from crossbar_hil.spent import chip_key
from crossbar_hil.text import printable, shown

BUDGET_S, AT_LEAST = 0.3, 250
"""One look reads runs for so many seconds, but so many at least; those that are left are read by the next looks."""
SCAN_S = 2.0
"""While there are some left, the folder is looked through again after so many seconds."""
FIELDS = (
    *("started", "label", "name", "kind", "bench", "chip", "status", "verdict"),
    *("epochs", "pulses", "error", "accuracy", "seed"),
)
"""What runs are sorted and chosen by on the command line."""
COLUMNS = ("started", "label", "name", "kind", "bench", "verdict", "steps", "pulses", "error", "seed")
FACETS = ("kind", "bench", "verdict")
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Row:
    """One run of the table."""

    key: str
    """What a page calls it by: it says nothing of a place on disk."""
    folder: Path
    cells: dict[str, Any]
    """Its columns, None where there is nothing to say."""
    fields: dict[str, Any]
    """Likewise its `FIELDS`: what it says itself of how it ended, where a column has one word for many runs."""
    chip: str
    """What runs of the same chip have in common; empty if it has no name."""
    chip_id: str
    why: str
    """What is wrong with it, if anything is."""
    live: bool
    """Whether it has not ended."""
    stamp: tuple[Any, ...]
    run: Run | None = None
    """The run, if it has not ended."""


class Listing:
    """The runs of a folder, the newest first, as they were at the last `look`.

    Parameters
    ----------
    out : Path
        Folder that holds run folders; it may come later.
    clock : callable
        Monotonic time, in seconds.
    """

    def __init__(self, out: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.out = out
        self.unread = 0
        """Runs that no look has had the time for yet."""
        self.version = 0
        """Rises with every change."""
        self._clock = clock
        self._rows: dict[str, Row] = {}
        self._by_key: dict[str, str] = {}
        self._others: dict[str, int] = {}
        self._left: list[tuple[str, int]] = []
        self._scanned = -math.inf
        self._sorted: list[Row] = []
        self._looking = threading.Lock()

    def look(self, budget_s: float = BUDGET_S) -> list[Row]:
        """Look at the folder, reading runs that are new or have changed for so many seconds at most."""
        with self._looking:
            began, before, read = self._clock(), self.unread, 0
            changed = self._scan(began) if not self._left or began >= self._scanned + SCAN_S else False
            while self._left and (read < AT_LEAST or self._clock() < began + budget_s):
                name, changed_ns = self._left.pop()
                row = _row_of(self.out / name, changed_ns)
                read += 1
                if row is None:
                    self._others[name] = changed_ns
                elif row != self._rows.get(name):
                    self._rows[name], self._by_key[row.key], changed = row, name, True
            self.unread = sum(name not in self._rows for name, _ in self._left)
            if changed or self.unread != before:
                self.version += 1
                self._sorted = [self._rows[name] for name in sorted(self._rows, reverse=True)]
            return self._sorted

    def _scan(self, now_s: float) -> bool:
        """Note what is to be read, the newest last, and whether a run is gone."""
        there = _folders_in(self.out)
        gone = self._rows.keys() - there.keys()
        for name in gone:
            del self._rows[name]
        self._scanned, self._left = now_s, []
        for name, changed_ns in sorted(there.items()):
            known = self._rows.get(name)
            if self._others.get(name) != changed_ns and not (known is not None and _is_as_it_was(known, changed_ns)):
                self._left.append((name, changed_ns))
        return bool(gone)

    def find(self, key: str) -> Row | None:
        """Return the run that a page calls so, as it is now; None if there is none."""
        name = self._by_key.get(key)
        if name is None:  # a page that is older than this process
            name = next((each for each in _folders_in(self.out) if key_of(each) == key), None)
        if name is None:
            return None
        try:
            changed_ns = os.stat(self.out / name).st_mtime_ns
        except OSError:
            return None
        known = self._rows.get(name)
        return known if known and _is_as_it_was(known, changed_ns) else _row_of(self.out / name, changed_ns)


def newest_rows(out: Path) -> Iterator[Row]:
    """Yield the runs of a folder, the newest first, each read when it is asked for."""
    for name, changed_ns in sorted(_folders_in(out).items(), reverse=True):
        row = _row_of(out / name, changed_ns)
        if row is not None:
            yield row


def select(
    rows: Iterable[Row], *, text: str = "", since: str = "", until: str = "", sort: str = "started", **facets: str
) -> list[Row]:
    """Return the rows that fit, in order.

    Parameters
    ----------
    text : str
        What label, name, bench, chip or verdict holds, whatever the case; of several words all.
    since, until : str
        First and last day, such as 2026-11-30; either may be empty.
    sort : str
        Column, with a minus before it for the largest first.
    facets : str
        Value of ``kind``, ``bench`` or ``verdict``.
    """
    words = text.casefold().split()
    wanted = {name: value for name, value in facets.items() if name in FACETS and value}
    found = [
        row
        for row in rows
        if all(str(row.cells[name]) == value for name, value in wanted.items())
        and since <= (row.cells["started"] or "") <= f"{until or '9'}~"
        and (not words or all(word in _text_of(row) for word in words))
    ]
    column, down = sort.removeprefix("-"), sort.startswith("-")
    if column not in COLUMNS:
        return found
    return in_order(found, lambda row: row.cells[column], down=down)


def in_order(rows: Iterable[Row], value_of: Callable[[Row], Any], *, down: bool) -> list[Row]:
    """Return rows in the order of a value, numbers before text, whatever the case; those that have none come last."""
    known: list[Row] = []
    without: list[Row] = []
    for row in rows:
        (without if value_of(row) in {None, ""} else known).append(row)
    return sorted(known, key=lambda row: _sortable(value_of(row)), reverse=down) + without


def key_of(name: str) -> str:
    """Return what a page calls a folder or a file by: a hash of its name.

    >>> key_of("run")
    'acba25512100f80b'
    """
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def bench_of(run: Run) -> dict[str, Any]:
    """Return the recorded table of the bench of a run; empty if it has none."""
    bench = run.tables.get("bench")
    return bench if isinstance(bench, dict) else {}


def _folders_in(out: Path) -> dict[str, int]:
    """Return the folders in a folder, each with the time at which a name in it changed last."""
    found = {}
    try:
        with os.scandir(out) as entries:
            for entry in entries:
                with suppress(OSError):  # gone meanwhile
                    if entry.is_dir():
                        found[entry.name] = entry.stat().st_mtime_ns
    except OSError:
        return {}
    return found


def _is_as_it_was(row: Row, changed_ns: int) -> bool:
    return row.stamp == (_stamp(row.folder, row.run, changed_ns) if row.live else (changed_ns,))


def _stamp(folder: Path, run: Run | None, changed_ns: int) -> tuple[Any, ...]:
    """Return what changes with a run that is under way, of which a process may be gone without a trace."""
    return changed_ns, run_owner(folder), None if run is None else run.stamp


def _row_of(folder: Path, changed_ns: int) -> Row | None:
    """Return the row of a run, also of one that cannot be read; None of what is no run."""
    cells: dict[str, Any] = dict.fromkeys(COLUMNS)
    cells |= {"name": printable(folder.name), "label": ""}
    fields: dict[str, Any] = {}
    chip = chip_id = why = ""
    under_way: Run | None = None
    live = False
    try:
        run = load_run(folder)
        facts, bench = run.facts, bench_of(run)
        live = run.status == "running"
        cells |= {name: _cell(facts.get(name)) for name in ("label", "kind", "pulses", "error", "seed")}
        cells |= {"started": printable(str(facts.get("started_utc") or "")), "bench": _cell(bench.get("name"))}
        fields = {name: _cell(facts.get(name)) for name in ("status", "verdict", "epochs", "accuracy")}
        cells["verdict"] = ("cut off" if run.phase[0] == "cut off" else "running") if live else _word(facts)
        steps = next((facts[name] for name in ("epochs", "shown", "rounds") if name in facts), None)
        cells["steps"] = run.standing().done if live else _cell(steps)
        under_way = type(run)(folder) if live else None
        chip_id = str(bench.get("chip_id") or "")
        chip = f"{run.kind} {chip_key(chip_id)}" if chip_id else ""
    except CrossbarError as error:
        why, begun = str(error), is_run_folder(folder)
        if not begun and "is not a run folder" in why:
            return None
        live = bool(run_owner(folder))
        cells["verdict"] = "opening" if live else "never began" if "never began" in why else UNREADABLE
        cells["started"] = _time_in(folder.name) if begun else ""
    except Exception as error:  # a record can hold anything, and no run may hide all others
        why, cells["verdict"], live = f"{type(error).__name__}: {error}", UNREADABLE, False
    stamp = _stamp(folder, under_way, changed_ns) if live else (changed_ns,)
    status = why.replace(f" of run {folder.name}", "").removeprefix(f"run {folder.name} ")
    own = {"status": printable(status), "verdict": None, "chip": printable(chip_id) or None, **fields}
    fields = {name: own.get(name, cells.get(name)) for name in FIELDS}
    return Row(key_of(folder.name), folder, cells, fields, chip, chip_id, why, live, stamp, under_way)


def _cell(value: Any) -> str | float | None:
    """Return what can stand in a table of a fact, which can be anything: no mark that turns a line round, no NaN."""
    if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return printable(value if isinstance(value, str) else shown(value))


def _word(facts: dict[str, Any]) -> str:
    """Return how a run ended, in a word that many share."""
    verdict, status = str(facts.get("verdict") or ""), str(facts["status"])
    return verdict if status == "done" and verdict.isalpha() else status


def _time_in(name: str) -> str:
    """Return the time in the name of a run folder.

    >>> _time_in("2026-11-30T05-32-28Z_manhattan_4x4_c764")
    '2026-11-30T05:32:28+00:00'
    """
    return f"{name[:10]}T{name[11:19].replace('-', ':')}+00:00"


def _text_of(row: Row) -> str:
    said = (row.cells[name] for name in ("label", "name", "bench", "kind", "verdict"))
    return " ".join(str(each or "") for each in (*said, row.chip_id)).casefold()


def _sortable(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, int | float) else (1, str(value).casefold())
