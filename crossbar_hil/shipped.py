"""Files that ship with the package, by name: data sets, bench files, presets, tasks."""

import functools
import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.parsing import parse_toml
from crossbar_hil.plugins import nearest

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


_TAKEN_BY = {"tasks": "`train`, `sweep` and `tune`", "tasks/snn": "`snn train`"}
"""What takes the tasks of a folder."""


@dataclass(frozen=True, slots=True)
class ShippedTask:
    """What a published experiment trained, laid over a bench by its name: what is learnt, and the size of the chip."""

    folder: ClassVar[str]
    """Of the task files."""

    name: str
    title: str
    """What is learnt, in a few words."""
    source: str
    """The publication."""
    chip: Mapping[str, Any]
    """Keys of ``[chip]``: the size."""

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the tasks that ship."""
        return shipped(cls.folder)

    @classmethod
    def read(cls, name: str) -> Self:
        """Read a task that ships.

        Raises
        ------
        ConfigError
            If there is none of this name.
        """
        known = cls.names()
        if name not in known:
            others = [verb for folder, verb in _TAKEN_BY.items() if folder != cls.folder and name in shipped(folder)]
            told = f"is of {others[0]}, and not known here" if others else "does not exist"
            raise ConfigError(f"task {name!r} {told}; known are {', '.join(known)}{nearest(name, known)}")
        return cls(name=name, **parse_toml(read_text("task", data() / cls.folder / f"{name}.toml")))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of its chip."""
        return self.chip["rows"], self.chip["columns"]

    def bench_file(self, bench: str) -> Traversable | None:
        """Return its own file for a shipped bench, such as ``emulated``; None if there is none."""
        own = data() / self.folder / bench / f"{self.name}.toml"
        return own if bench in shipped("benches") and own.is_file() else None

    def benches(self) -> list[str]:
        """Return the names of the shipped benches for which it has a file of its own."""
        return [bench for bench in shipped("benches") if self.bench_file(bench) is not None]

    def fits(self, rows: Any, columns: Any) -> bool:
        """Say whether it can be trained on a chip of this size; None is the size of none."""
        return (rows, columns) == self.shape

    def lay_over(self, tables: Mapping[str, Any], where: str) -> dict[str, Any]:
        """Return the tables of a bench with this task to be trained.

        Raises
        ------
        ConfigError
            If the bench wires a chip of another size.
        """
        wired = _wired(tables.get("wiring"))
        if wired is not None and not self.fits(*wired):
            raise ConfigError(
                f"{where} wires {wired[0]} rows and {wired[1]} columns, and task {self.name} trains "
                f"{self.shape[0]} rows and {self.shape[1]} columns{self._instead()}"
            )
        chip = tables.get("chip")
        if not isinstance(chip, dict):
            return dict(tables)
        own = wired or (chip.get("rows"), chip.get("columns"))
        rows, columns = own if self.fits(*own) else self.shape
        return {**tables, "chip": {**chip, **self.chip, "rows": rows, "columns": columns}}

    def _instead(self) -> str:
        own = self.benches()
        rows, columns = self.shape
        wire = f"; wire {rows} rows and {columns} columns"
        return f"{wire}, or take --bench {own[0]}, of which the task has one of its size" if own else wire


def _wired(wiring: Any) -> tuple[int, int] | None:
    """Return rows and columns that a [wiring] table has, if it is one; what is wrong with it is told elsewhere."""
    if not isinstance(wiring, dict):
        return None
    rows, columns = wiring.get("rows"), wiring.get("columns")
    return (len(rows), len(columns)) if isinstance(rows, list) and isinstance(columns, list) else None
