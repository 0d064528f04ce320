"""The content of a journal's two SQLite files, put together in memory so that looking changes and leaves nothing.

SQLite drops a damaged frame of its write-ahead log, and every commit after it, without a word, and deletes the log of
an emptied database. So the log is read here first, by the published format (https://www.sqlite.org/fileformat2.html,
sections 1.3 and 4), and what SQLite would drop is named.
"""

import sqlite3
import struct
from contextlib import closing
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

PAGE = 4096
APPLICATION_ID = 0x4352484A
"""Says in a database's header that it is one of our journals."""
VERSION = 1
TABLE = "CREATE TABLE entry (number INTEGER PRIMARY KEY, kind TEXT, utc TEXT, monotonic_s REAL, body TEXT, chain TEXT)"
SELECT = "SELECT number, kind, utc, monotonic_s, body, chain FROM entry ORDER BY number"
_LOG_HEADER, _FRAME_HEADER = 32, 24
_MAGIC = 0x377F0682
# Offset, format and value of what never changes in the 100 bytes at the start of a database.
_FIXED = (
    (0, "16s", b"SQLite format 3\0"),
    (16, ">H", PAGE),
    (18, "4B", (2, 2, 0, 64)),  # write-ahead logging twice, no reserved bytes, the largest payload fraction
    (22, "2B", (32, 32)),  # the other two payload fractions
    (44, ">I", 4),  # schema format
    (52, ">I", 0),  # no automatic vacuum
    (56, ">I", 1),  # UTF-8
    (60, ">I", VERSION),
    (64, ">I", 0),
    (68, ">I", APPLICATION_ID),
    (72, "20s", bytes(20)),
)


def checksum(data: bytes, order: str, seed: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    """Return SQLite's checksum of a write-ahead log (file format, section 4.2), going on from `seed`.

    Parameters
    ----------
    data : bytes
        A multiple of eight bytes.
    order : str
        ``">"`` or ``"<"``: how the log's magic number says that words are read.

    Examples
    --------
    >>> checksum(bytes([0, 0, 0, 1, 0, 0, 0, 2]), ">")
    (1, 3)
    """
    pairs = np.frombuffer(data, dtype=f"{order}u4").astype(np.uint32).reshape(-1, 2)
    # Each pair (x, y) takes (s, t) to (s + t + x, s + 2 t + x + y), and the k-th power of that matrix holds Fibonacci
    # numbers: ((F(2k-1), F(2k)), (F(2k), F(2k+1))). All of it modulo 2**32, as unsigned numbers of 32 bits are.
    terms = np.vstack(
        [np.array([seed], dtype=np.uint32), np.column_stack([pairs[:, 0], pairs.sum(1, dtype=np.uint32)])]
    )
    lower, middle, upper = _fibonacci(len(pairs))
    return (
        int((lower * terms[:, 0] + middle * terms[:, 1]).sum(dtype=np.uint32)),
        int((middle * terms[:, 0] + upper * terms[:, 1]).sum(dtype=np.uint32)),
    )


@cache
def _fibonacci(pairs: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32]]:
    """Return F(2k-1), F(2k) and F(2k+1) modulo 2**32 for k from `pairs` down to 0."""
    numbers = [1, 0]
    while len(numbers) < 2 * pairs + 3:
        numbers.append((numbers[-1] + numbers[-2]) & 0xFFFFFFFF)
    found = np.array(numbers, dtype=np.uint32)
    return found[2 * pairs :: -2], found[2 * pairs + 1 :: -2], found[2 * pairs + 2 : 1 : -2]


def pages_of(log: bytes) -> tuple[dict[int, bytes], int, list[str], list[str]]:
    """Return what a write-ahead log adds to its database.

    Returns
    -------
    pages : dict of int to bytes
        The last committed content of every page in the log, by number from 1.
    size : int
        Pages of the database after the last commit; 0 if the log holds none.
    problems, notes : list of str
        What is damaged, and what is missing as it may be after a power cut: one transaction that was never finished.
    """
    if not log:
        return {}, 0, [], []
    if len(log) <= _LOG_HEADER and not _has_header(log):
        return {}, 0, [], ["the log was being begun when writing ended; nothing was in it yet"]
    if not _has_header(log):
        return {}, 0, ["the header of the log is damaged, so that what the log holds would be lost"], []
    order = ">" if log[3] & 1 else "<"
    salts = log[16:24]
    running = struct.unpack(">2I", log[24:32])
    step = _FRAME_HEADER + PAGE
    pages: dict[int, bytes] = {}
    open_pages: dict[int, bytes] = {}
    size = committed = 0
    for number, start in enumerate(range(_LOG_HEADER, len(log) - step + 1, step), start=1):
        frame = log[start : start + step]
        page, pages_after = struct.unpack(">2I", frame[:8])
        running = checksum(frame[:8] + frame[_FRAME_HEADER:], order, running)
        if struct.unpack(">2I", frame[16:24]) != running or not page:
            break
        if frame[8:16] != salts:
            return pages, size, [f"frame {number} of the log is damaged, so that all after it would be lost"], []
        open_pages[page] = frame[_FRAME_HEADER:]
        if pages_after:
            pages |= open_pages
            open_pages = {}
            size, committed = pages_after, number
    # What follows the last commit may be one transaction that a power cut left in pieces: if it holds a commit at all,
    # then in its last frame. A commit with more behind it was finished and flushed, so it is damage that hides it.
    tail = range(_LOG_HEADER + committed * step, len(log), step)
    for start in tail:
        ends = log[start + 4 : start + 8] != bytes(4) and log[start + 8 : start + 16] == salts
        if ends and log[start + step + 8 : start + step + 16] == salts:
            where = committed + 1 + tail.index(start)
            return pages, size, [f"the log is damaged at or before frame {where}, which was committed"], []
    return pages, size, [], ["the log ends in a transaction that was never finished; it is left out"] if tail else []


def _has_header(log: bytes) -> bool:
    if len(log) < _LOG_HEADER:
        return False
    magic, version, page = struct.unpack(">3I", log[:12])
    if magic & ~1 != _MAGIC or version != 3007000 or page != PAGE:
        return False
    return checksum(log[:24], ">" if magic & 1 else "<") == struct.unpack(">2I", log[24:32])


def rows_of(database: bytes, log: bytes) -> tuple[list[tuple[Any, ...]], list[str], list[str]]:
    """Return the rows of a journal, what is damaged and what is worth knowing; at rest the write-ahead log is empty."""
    pages, size, problems, notes = pages_of(log)
    if problems:
        return [], problems, notes
    image, problem = _image_of(database, pages, size)
    rows, problem = ([], problem) if problem else _rows_of(image)
    return rows, [problem] if problem else [], notes


def _image_of(database: bytes, pages: dict[int, bytes], size: int) -> tuple[bytes, str]:
    """Return a database of `size` pages (0: all that it has) with the given ones put in, or what is wrong with it."""
    whole = len(database) // PAGE
    if not database or (not size and len(database) % PAGE):
        return b"", f"the database has {len(database)} bytes, which is no whole number of pages"
    size = size or whole
    image = bytearray(database[: size * PAGE].ljust(size * PAGE, b"\0"))
    for page in range(1, size + 1):
        if page in pages:
            image[(page - 1) * PAGE : page * PAGE] = pages[page]
        elif page > whole:
            return b"", f"page {page} of the database is missing"
    for offset, form, value in _FIXED:
        if struct.unpack_from(form, image, offset) != (value if isinstance(value, tuple) else (value,)):
            return b"", f"the header of the database is damaged at byte {offset}, or it is no journal of this kind"
    if struct.unpack_from(">I", image, 28) != (size,):
        return b"", f"the header of the database does not name its {size} pages"
    image[18:20] = b"\1\1"  # the log is in the image already
    return bytes(image), ""


def _rows_of(image: bytes) -> tuple[list[tuple[Any, ...]], str]:
    try:
        with closing(sqlite3.connect(":memory:")) as memory:
            memory.deserialize(image)
            memory.execute("PRAGMA trusted_schema = OFF")
            schema = memory.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
            if schema != [("table", "entry", "entry", TABLE)]:
                return [], "the tables of the database are not those of a journal"
            (found,) = memory.execute("PRAGMA integrity_check(1)").fetchone()
            return (
                (memory.execute(SELECT).fetchall(), "") if found == "ok" else ([], f"the database is damaged: {found}")
            )
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        return [], f"the database cannot be read: {error}"
