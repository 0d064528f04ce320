"""Files that ship with the package, by name: data sets, bench files, presets."""

import functools
import io
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Protocol

from crossbar_hil.errors import DataError

MOST_BYTES = 256 << 20
"""Of a file that is read whole; a twin of a 64 x 64 chip with 200 draws has some 20 million."""


class TextFile(Protocol):
    """A path, or a file inside an installed package."""

    def read_text(self, encoding: str) -> str:
        """Return the whole text."""
        ...


class BytesFile(Protocol):
    """A path, a file inside an installed package, or one that was read already."""

    def read_bytes(self) -> bytes:
        """Return the whole file."""
        ...


def read_bytes(what: str, file: BytesFile) -> bytes:
    """Return the whole of a file; `what` it is, such as ``curve``, is for the message.

    Raises
    ------
    DataError
        If it cannot be read, or is longer than `MOST_BYTES`.
    """
    try:
        if not isinstance(file, Path):
            return file.read_bytes()
        with file.open("rb") as source:
            content = source.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise DataError(f"{what} file {file} has more than {MOST_BYTES:,} bytes, which is the most that is read")
        return content
    except OSError as error:
        raise DataError(f"{what} file {file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a name with a NUL in it
        raise DataError(f"{what} file {str(file)!r} cannot be read: {error}") from error


def read_text(what: str, file: TextFile) -> str:
    """Return the text of a file; `what` it is, such as ``curve``, is for the message.

    Raises
    ------
    DataError
        If it cannot be read, is no text, or is longer than `MOST_BYTES`.
    """
    try:
        if isinstance(file, Path):
            return io.TextIOWrapper(io.BytesIO(read_bytes(what, file)), encoding="utf-8-sig").read()
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{what} file {file} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{what} file {file} is not a text file: {error.reason} at byte {error.start}") from error


@functools.cache
def data() -> Traversable:
    """Return the folder of what ships; to look for it takes longer than to read from it."""
    return resources.files("crossbar_hil.data")


def data_file(name_or_path: str) -> Traversable:
    """Return a shipped data file by its name, or the file at a path."""
    if is_shipped(name_or_path):
        return data() / f"{name_or_path}.csv"
    return Path(name_or_path)


def is_shipped(name: str) -> bool:
    """Say whether a data file of this name ships."""
    return is_name(name) and (data() / f"{name}.csv").is_file()


def shipped(folder: str) -> list[str]:
    """Return the names of the shipped bench files or presets."""
    files = (data() / folder).iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def is_name(text: str) -> bool:
    """Say whether a text can be the name of something that ships, rather than a path."""
    return text.replace("-", "_").isidentifier()
