"""The files that a bench names: which setting names which, and what their copies in a folder are called."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from crossbar_hil.shipped import data_file, is_shipped, read_bytes

Whole = TypeVar("Whole", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A setting of a bench file whose value is the name of a file."""

    table: str
    key: str
    what: str
    """What is in it, for a message."""
    may_ship: bool = True
    """Whether it may also be the name of a file that ships."""

    def ships(self, value: str) -> bool:
        """Say whether a value is the name of a file that ships."""
        return self.may_ship and is_shipped(value)

    def copy_name(self, value: str) -> str:
        """Return the name of its copy: that of the setting, and the ending of the file."""
        ending = "" if self.ships(value) else Path(value).suffix
        return f"{self.key}{ending or '.csv'}"

    def short_name(self, value: str) -> str:
        """Return a name without folders; one that ships is called by its name."""
        return value if self.ships(value) else Path(value).name


NAMED_FILES = (
    NamedFile("chip", "curve", "curve"),
    NamedFile("chip", "start", "start map", may_ship=False),
    NamedFile("chip", "twin", "twin", may_ship=False),
    NamedFile("training", "patterns", "pattern"),
    NamedFile("training", "cells", "cells", may_ship=False),
)


def files_of(bench: BaseModel) -> Iterator[tuple[NamedFile, str]]:
    """Yield what a checked bench names, with its value."""
    for named in NAMED_FILES:
        value = getattr(getattr(bench, named.table), named.key, None)
        if value is not None:
            yield named, value


def digests_of(bench: BaseModel) -> dict[str, str]:
    """Return the SHA-256 of each file that a checked bench names, by what it is called in messages.

    Raises
    ------
    DataError
        If one cannot be read.
    """
    return {
        f"{named.what} file {value}": hashlib.sha256(read_bytes(named.what, data_file(value))).hexdigest()
        for named, value in files_of(bench)
    }


def renamed(bench: Whole, name: Callable[[NamedFile, str], str]) -> Whole:
    """Return a checked bench whose files are called otherwise."""
    for named, value in files_of(bench):
        table = getattr(bench, named.table).model_copy(update={named.key: name(named, value)})
        bench = bench.model_copy(update={named.table: table})
    return bench
