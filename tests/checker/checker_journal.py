"""The journal of a run as a checker reads it: whole or not (V12), and what it says of pulses (V2, V3)."""

import hashlib
import json
import math
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from checker_bench import Bench, Cell
from checker_report import EXACT, RESOLUTION_S, CannotJudge, Report

RESUMED = "found at resume"
STATES = ("done", "not_sent", "in_doubt")
Told = Counter[tuple[int, Cell]]
"""Pulses by operation and cell."""


class Exposure(NamedTuple):
    """A cell was under a voltage that may move it."""

    line: int
    cell: Cell
    volt: float
    seconds: float
    start: float
    """Wall clock when the voltage began."""

    @property
    def place(self) -> str:
        """Where it stands in the log."""
        return f"line {self.line}"


class Entry(NamedTuple):
    """One row of the journal."""

    number: int
    kind: str
    at: float
    """Seconds since 1970, rounded down to milliseconds."""
    body: dict[str, Any]


@dataclass
class Train:
    """Pulses that the journal intends for one cell, and what became of them."""

    entry: int
    seq: int
    op: int
    cell: tuple[int, int]
    count: int
    amplitude_v: float
    width_s: float
    begun: float
    session: int
    state: str = "open"
    why: str = ""
    settled: float = math.inf
    next_begun: float = math.inf
    exposures: list[Exposure] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Where it stands in the journal."""
        return f"entry {self.entry}"

    @property
    def most(self) -> int:
        """Pulses that it may have sent."""
        return 0 if self.state == "not_sent" else self.count

    @property
    def window_end(self) -> float:
        """Time after which nothing of it may happen; what is in doubt or open may be late."""
        return (self.settled if self.state in {"done", "not_sent"} else self.next_begun) + RESOLUTION_S


def rows_of(database: Path) -> list[tuple[Any, ...]]:
    """Return the rows of a journal, its write-ahead log included, from a copy."""
    if not database.is_file():
        raise CannotJudge(f"{database} is not there")
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-wal"):
            source = database.with_name(database.name + suffix)
            if source.is_file():
                shutil.copyfile(source, Path(folder) / source.name)
        try:
            with closing(sqlite3.connect(Path(folder) / database.name)) as opened:
                return opened.execute(
                    "SELECT number, kind, utc, monotonic_s, body, chain FROM entry ORDER BY number"
                ).fetchall()
        except sqlite3.Error as error:
            raise CannotJudge(f"{database} is no journal: {error}") from error


def read_journal(folder: Path, report: Report) -> list[Entry]:
    """Return the entries of a run's journal; V12: chain, numbers and head fit."""
    entries: list[Entry] = []
    last, previous, chains = 0, "0" * 64, {}
    for number, kind, utc, monotonic_s, body, chain in rows_of(folder / "journal.sqlite"):
        if number != last + 1:
            report.add("V12", f"entry {number}", f"it follows entry {last}, what was between is missing")
        text = "\n".join([previous, str(number), kind, utc, repr(monotonic_s), body])
        if hashlib.sha256(text.encode()).hexdigest() != chain:
            report.add("V12", f"entry {number}", "it does not match its hash")
        last, previous = number, chain
        chains[number] = chain
        entries.append(Entry(number, kind, datetime.fromisoformat(utc).timestamp(), json.loads(body)))
    if not entries:
        raise CannotJudge(f"the journal of {folder} is empty")
    if [each.number for each in entries if each.kind == "start"] != [1]:
        report.add("V12", "entry 1", "the journal does not hold one entry of kind start, its first")
    for before, after in pairwise(entries):
        if after.at < before.at:
            report.add("V12", f"entry {after.number}", f"it is {before.at - after.at:.3f} s older than the one before")
    head = folder / "journal.head"
    if head.is_file():
        number, _, chain = head.read_text(encoding="ascii").strip().partition(" ")
        if chains.get(int(number)) != chain:
            report.add("V12", "journal.head", f"entry {int(number)} was acknowledged, but is not in the journal")
    return entries


def read_trains(entries: list[Entry], bench: Bench, report: Report) -> list[Train]:
    """Return what the journal says of pulses; V2: every intent has one outcome, every batch is what was asked for."""
    trains: list[Train] = []
    batches: dict[int, tuple[Entry, Counter[Cell]]] = {}
    unsettled: Train | None = None
    session = last_op = 0
    for entry in entries:
        kind, body, place = entry.kind, entry.body, f"entry {entry.number}"
        if kind == "session":
            session += 1
        elif kind in {"read", "pulses", "intent", "ended", "check"} and unsettled is not None:
            report.add("V2", place, f"this {kind} stands before pulses {unsettled.seq} have an outcome")
            unsettled = None
        elif kind == "safe" and unsettled is not None and unsettled.session == session:
            report.add("V2", place, f"the session was closed and pulses {unsettled.seq} have no outcome")
        if kind in {"read", "pulses"}:
            if body["op"] != last_op + 1:
                report.add("V2", place, f"operation {body['op']} follows operation {last_op}")
            last_op = body["op"]
        if kind == "pulses":
            batches[body["op"]] = (entry, Counter())
            _judge_request(body, place, bench, report)
        elif kind == "read":
            most = max((abs(volt) for vector in body["voltages"] for volt in vector), default=0.0)
            if most > bench.read_v * (1 + EXACT):
                report.add("V4", place, f"{most:g} V were read with, {bench.read_v:g} V are allowed")
        elif kind == "intent":
            unsettled = _intended(entry, session, trains, batches, bench, report)
        elif kind == "outcome":
            _settle(entry, unsettled, session, batches, report)
            unsettled = None
        elif kind == "ended":
            _judge_end(entry, batches, report)
    return trains


def read_told(entries: list[Entry]) -> Told:
    """Return the pulses that a broken cell may have let through to others, as the journal tells afterwards."""
    told: Told = Counter()
    for entry in entries:
        if entry.kind == "exposed":
            for row, counts in enumerate(entry.body["counts"]):
                for column, count in enumerate(counts):
                    told[entry.body["op"], (row, column)] += count
    return told


def _judge_request(body: dict[str, Any], place: str, bench: Bench, report: Report) -> None:
    if abs(body["amplitude_v"]) > bench.pulse_v * (1 + EXACT):
        report.add("V4", place, f"pulses of {body['amplitude_v']:g} V, {bench.pulse_v:g} V are allowed")
    if body["width_s"] > bench.width_s * (1 + EXACT):
        report.add("V5", place, f"pulses of {body['width_s']:g} s, {bench.width_s:g} s are allowed")


def _intended(
    entry: Entry,
    session: int,
    trains: list[Train],
    batches: dict[int, tuple[Entry, Counter[Cell]]],
    bench: Bench,
    report: Report,
) -> Train:
    body, place = entry.body, f"entry {entry.number}"
    train = Train(
        entry.number,
        body["seq"],
        body["op"],
        (body["row"], body["column"]),
        body["count"],
        body["amplitude_v"],
        body["width_s"],
        entry.at,
        session,
    )
    due = trains[-1].seq + 1 if trains else 1
    if train.seq != due:
        report.add("V2", place, f"pulses {train.seq} follow where {due} is due")
    if trains:
        trains[-1].next_begun = train.begun
    trains.append(train)
    _judge_request(body, place, bench, report)
    if train.op not in batches or train.op != max(batches):
        report.add("V2", place, f"operation {train.op} is no batch of pulses that was being sent")
        return train
    asked, settled = batches[train.op]
    if (train.amplitude_v, train.width_s) != (asked.body["amplitude_v"], asked.body["width_s"]):
        report.add("V2", place, f"its pulses are others than entry {asked.number} asks for")
    wanted = asked.body["counts"][train.cell[0]][train.cell[1]]
    if settled[train.cell] + train.count > wanted:
        report.add(
            "V1",
            place,
            f"cell {list(train.cell)} was to get {wanted} pulses and has {settled[train.cell]}, "
            f"yet {train.count} are to be sent",
        )
    return train


def _settle(
    entry: Entry,
    train: Train | None,
    session: int,
    batches: dict[int, tuple[Entry, Counter[Cell]]],
    report: Report,
) -> None:
    """V2: the outcome belongs to the open intent; V3: a resume settles what another session began."""
    body, place = entry.body, f"entry {entry.number}"
    if train is None or body["seq"] != train.seq:
        report.add("V2", place, f"this outcome is of pulses {body['seq']}, which are not open")
        return
    train.state, train.why, train.settled = body["state"], body["why"], entry.at
    if train.state not in STATES:
        report.add("V2", place, f"outcome {train.state!r} is none of {', '.join(STATES)}")
    if train.state != "not_sent" and train.op in batches:
        batches[train.op][1][train.cell] += train.count
    if train.why.startswith(RESUMED) and session == train.session:
        report.add("V3", place, f"pulses {train.seq} are settled as at a resume, in the session that sent them")


def _judge_end(entry: Entry, batches: dict[int, tuple[Entry, Counter[Cell]]], report: Report) -> None:
    op, place = entry.body["op"], f"entry {entry.number}"
    if op not in batches:
        report.add("V2", place, f"operation {op} is no batch of pulses")
        return
    asked, settled = batches[op]
    for row, counts in enumerate(asked.body["counts"]):
        for column, count in enumerate(counts):
            if settled[row, column] != count:
                report.add(
                    "V2",
                    place,
                    f"operation {op} ended with {settled[row, column]} of {count} pulses of cell [{row}, {column}]",
                )
