"""A look at a journal that changes nothing: what is in it, and whether that is what was written."""

import os
from pathlib import Path

from crossbar_hil.errors import JournalDamaged
from crossbar_hil.guard.chain import FIRST, Entry, Verdict, parse_head, verify_rows
from crossbar_hil.guard.snapshot import rows_of
from crossbar_hil.guard.storage import read_plain

HEAD = "journal.head"
_LOOKS = 10


def read_journal(path: str | Path) -> list[Entry]:
    """Return the entries of a journal, verified; nothing is changed or left behind, and a guard may be writing.

    Raises
    ------
    JournalDamaged
        If it is not what was written.
    """
    entries, verdict = examine(Path(path))
    if verdict.problems:
        raise JournalDamaged(f"journal {path} is damaged: {'; '.join(verdict.problems)}")
    return entries


def left_safe(path: Path) -> bool:
    """Return whether a journal ends with a bench that was confirmed to be safe; without one nothing was done at all."""
    if not path.exists():
        return True
    entries, verdict = examine(path)
    done = [entry for entry in entries if entry.kind not in {"start", "session", "record"}]
    return not verdict.problems and (not done or (done[-1].kind == "safe" and done[-1].body.get("confirmed") is True))


def verify_journal(path: str | Path) -> Verdict:
    """Return what is wrong with a journal, if anything; nothing is changed or left behind."""
    return examine(Path(path))[1]


def examine_content(database: bytes, log: bytes, head: bytes | None) -> tuple[list[Entry], Verdict]:
    """Return the entries up to the first that is wrong, and what is wrong; at rest the write-ahead log is empty.

    Parameters
    ----------
    head : bytes or None
        Content of ``journal.head``; None if there is none.
    """
    rows, problems, notes = rows_of(database, log)
    entries, chain, wrong = verify_rows(rows)
    if wrong and not problems:
        problems = [wrong]
    known = parse_head(head) if head is not None else None
    if known is None:
        what = "is missing" if head is None else "is not one line of a number and a hash"
        problems = [*problems, f"{HEAD} {what}, so that nothing tells whether acknowledged entries are missing"]
    elif not problems:
        number, hash_ = known
        if number > len(entries):
            problems = [f"{HEAD} names entry {number}, the database ends at entry {len(entries)}: entries are missing"]
        elif rows[number - 1][-1] != hash_:
            problems = [f"entry {number} is not the one that {HEAD} names"]
    return entries, Verdict(len(entries), chain, tuple(problems), tuple(notes))


def examine(path: Path) -> tuple[list[Entry], Verdict]:
    """Look at a journal until it is in order, or is found twice the same and is not: a guard may be writing."""
    before: tuple[bytes, bytes, bytes | None] | None = None
    for _ in range(_LOOKS):
        try:
            # In this order: the head is never ahead of a database, nor the database of a log, that is read after it.
            head = _read_if_there(path.with_name(HEAD))
            now = (read_plain(path), _read_if_there(log_of(path)) or b"", head)
        except OSError as error:
            return [], Verdict(0, FIRST, (f"{error.filename or path} cannot be read: {error.strerror or error}",))
        if os.path.lexists(_rollback(path)):
            why = f"{_rollback(path).name} does not belong here: it would undo what is written"
            return [], Verdict(0, FIRST, (why,))
        entries, verdict = examine_content(*now)
        if not verdict.problems or now == before:
            break
        before = now
    return entries, verdict


def _read_if_there(path: Path) -> bytes | None:
    try:
        return read_plain(path)
    except FileNotFoundError:
        return None


def log_of(path: Path) -> Path:
    """Return where SQLite keeps the write-ahead log of a database."""
    return path.with_name(f"{path.name}-wal")


def _rollback(path: Path) -> Path:
    return path.with_name(f"{path.name}-journal")


def companions(path: Path) -> tuple[Path, ...]:
    """Every file that SQLite or we would read with a journal."""
    return path, path.with_name(HEAD), log_of(path), _rollback(path), path.with_name(f"{path.name}-shm")
