"""Named arrays in one SQLite file: numbers alone, nothing that could be run or unpacked when it is read."""

import hashlib
import json
import math
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar_hil.errors import DataError
from crossbar_hil.guard.database import bound_reading, why_unreadable

_KINDS = "biuf"
_DTYPES = {np.dtype(name).str for name in ("?", "<i4", "<i8", "<u1", "<u4", "<u8", "<f4", "<f8")}


def write_arrays(path: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write arrays of numbers to a new file.

    Raises
    ------
    DataError
        If one of them is not of numbers; nothing is written.
    OSError
        If the file exists or cannot be written.
    """
    rows = []
    for name, values in arrays.items():
        array = np.ascontiguousarray(values)
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if array.dtype.kind not in _KINDS or little.dtype.str not in _DTYPES:
            raise DataError(f"array {name} is of type {array.dtype}, expected numbers of up to 8 bytes")
        content = little.tobytes()
        rows.append((name, little.dtype.str, json.dumps(np.shape(values)), content, _digest(content)))
    path.touch(mode=0o600, exist_ok=False)
    try:
        with closing(sqlite3.connect(path)) as file, file:
            file.execute(
                "CREATE TABLE array (name TEXT PRIMARY KEY, dtype TEXT, shape TEXT, content BLOB, sha256 TEXT)"
            )
            file.executemany("INSERT INTO array VALUES (?, ?, ?, ?, ?)", rows)
    except sqlite3.Error as error:
        raise OSError(f"{error}") from error


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read all arrays of a file; the file stays as it is.

    Raises
    ------
    DataError
        If it is no such file, or damaged; whoever asked for it names the file.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as file:
            bound_reading(file, path.stat().st_size)
            return {name: _array(*rest) for name, *rest in file.execute("SELECT * FROM array")}
    except (OSError, sqlite3.Error, ValueError, TypeError) as error:
        raise DataError(f"it holds no arrays: {why_unreadable(error)}") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _array(dtype: str, shape: str, content: bytes, sha256: str) -> NDArray[Any]:
    if dtype not in _DTYPES:
        raise ValueError(f"type {dtype!r:.40} is unknown")
    sizes = json.loads(shape)
    if not (isinstance(sizes, list) and all(isinstance(size, int) and size >= 0 for size in sizes)):
        raise ValueError(f"shape {shape!r:.40} is none")
    if len(content) != math.prod(sizes) * np.dtype(dtype).itemsize:
        raise ValueError(f"{len(content)} bytes are not an array of shape {shape:.40} of {dtype}")
    if _digest(content) != sha256:
        raise ValueError("the bytes of an array are not those that were written")
    return np.frombuffer(content, dtype).reshape(sizes).copy()
