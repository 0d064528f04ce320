"""Damaged journals: a sample as a kill leaves it and one as a power cut may, cut and flipped, and what must come of it.

What is right is known from outside the code under test: from what was appended, and from how long the log was after
every commit.
"""

import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from typing import NamedTuple

from crossbar_hil.guard.inspection import examine_content
from crossbar_hil.guard.journal import Journal


class Sample(NamedTuple):
    """The files of a journal of some entries, the first few of them in the database and the others in its log."""

    database: bytes
    log: bytes
    head: bytes
    old_head: bytes
    bodies: list
    known: dict
    """Entries that each head names."""
    durable: list
    """(bytes of the log, entries) after every commit."""


def sample(folder, *, carried=6, logged=6, seed=0, at_rest=False):
    """Make a journal with a start entry, `carried` more in the database and `logged` more in the log."""
    path = folder / "journal.sqlite"
    log = folder / "journal.sqlite-wal"
    head = folder / "journal.head"
    rng = random.Random(seed)
    bodies = [{"run": "x", "shape": [4, 4]}]

    def add(journal):
        bodies.append({"seq": len(bodies), "voltage": rng.random(), "text": "x" * rng.randrange(400)})
        journal.append("intent", bodies[-1])
        journal.commit()

    with closing(Journal.create(path, bodies[0])) as journal:
        for _ in range(carried):
            add(journal)
    old_head = head.read_bytes()
    with closing(Journal.open(path)) as journal:
        durable = [(0, len(bodies))]
        for _ in range(logged):
            add(journal)
            durable.append((log.stat().st_size, len(bodies)))
        if at_rest:
            journal.close()
        known = {head.read_bytes(): len(bodies), old_head: carried + 1}
        log_bytes = log.read_bytes() if log.exists() else b""
        return Sample(path.read_bytes(), log_bytes, head.read_bytes(), old_head, bodies, known, durable)


def verdict_on(whole, database, log, head, known):
    """Return what came of a damaged journal: "refused", "whole", "older" (said so, or as its head allows) or "SILENT".

    Parameters
    ----------
    whole : Sample
        As it was.
    database, log, head : bytes
        The damaged files.
    known : int
        Entries that the undamaged head names.
    """
    entries, verdict = examine_content(database, log, head)
    if verdict.problems:
        return "refused"
    found = [entry.body for entry in entries]
    if found == whole.bodies:
        return "whole"
    older = found == whole.bodies[: len(found)] and len(found) >= known
    return "older" if older else "SILENT"


def cuts(whole, part, head, window, step=1):
    """Cut one file at each of its last bytes, or at every few; count what came of it, and check what was durable.

    Where a commit ends, it is cut at every byte beside it.
    """
    counts = Counter()
    content = getattr(whole, part)
    known = whole.known[head]
    lengths = range(max(0, len(content) - window), len(content))
    ends = {size + beside for size, _ in whole.durable for beside in (-1, 0, 1)} if part == "log" else set()
    for length in sorted({*lengths[::step], *lengths[-2:], *ends.intersection(lengths)}):
        damaged = {"database": whole.database, "log": whole.log, "head": head} | {part: content[:length]}
        came = verdict_on(whole, **damaged, known=known)
        if part == "log":
            durable = max(number for size, number in whole.durable if size <= length)
            due = "refused" if durable < known else "older" if durable < len(whole.bodies) else "whole"
            assert came == due, f"log cut to {length} bytes: {came}, not {due}"
        counts[came] += 1
    return counts


def flips(whole, part, head, number, rng):
    """Flip single bits of one file at random; count what came of it."""
    counts = Counter()
    content = getattr(whole, part) if part != "head" else head
    places = rng.sample(range(len(content) * 8), min(number, len(content) * 8))
    for place in places:
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        files = {"database": whole.database, "log": whole.log, "head": head} | {part: bytes(damaged)}
        came = verdict_on(whole, **files, known=whole.known[head])
        if came == "older":
            # One transaction may be taken for one that was never finished, if no head knows of it; and that is said.
            entries, verdict = examine_content(**files)
            if len(entries) < len(whole.bodies) - 1 or not verdict.notes:
                came = "SILENT"
        assert came != "SILENT", f"bit {place} of the {part} flipped: accepted"
        counts[came] += 1
    return counts


def opened_like_examined(whole, folder, database, log, head):
    """Write damaged files to disk, open them for writing, and check that this accepts and holds what was examined."""
    from crossbar_hil.errors import JournalDamaged

    entries, verdict = examine_content(database, log, head)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / "journal.sqlite"
    files = {path: database, folder / "journal.sqlite-wal": log, folder / "journal.head": head}
    for name, content in files.items():
        name.write_bytes(content)
    try:
        with closing(Journal.open(path)) as journal:
            assert not verdict.problems
            assert journal.entries == entries
            assert journal.append("note", {}) == len(entries) + 1
    except JournalDamaged:
        assert verdict.problems
        assert {name: name.read_bytes() for name in files} == files, "what is damaged must stay as it was found"
    else:
        with closing(sqlite3.connect(path)) as plain:
            assert plain.execute("SELECT count(*) FROM entry").fetchone() == (len(entries) + 1,)
