"""The folder of a study: what was asked for, every chunk as it comes, and nothing that depends on time or order."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from crossbar_hil.errors import RunError, reason_of
from crossbar_hil.guard.storage import replace_file, why_not_ours
from crossbar_hil.parsing import parse_json

GIVEN, PLAN, CHUNKS = "given", "plan.json", "chunks.jsonl"
Place = tuple[int, int]
"""Number of the point and of the chunk."""


class Record(Protocol):
    """What a chunk came to, as a file holds it."""

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read back `as_record`."""

    def as_record(self) -> dict[str, Any]:
        """Return plain numbers."""


Chunk = TypeVar("Chunk", bound=Record)


class StudyFolder(Generic[Chunk]):
    """Chunks on disk, each once; use it in a ``with`` statement."""

    holds: type[Chunk]
    """Of what."""

    def __init__(self, path: Path, plan: Mapping[str, Any]) -> None:
        self.path, self.plan = path, plan
        self.done: dict[Place, Chunk] = {}
        """The chunks that are on disk."""
        self._recover()
        self._file = (path / CHUNKS).open("a", encoding="utf-8")

    @classmethod
    def begin(cls, path: Path, plan: Mapping[str, Any], give: Callable[[Path], None] = lambda _: None) -> Self:
        """Make a new folder of a plan; `give` puts into it what belongs there besides.

        Raises
        ------
        RunError
            If it exists already or cannot be made.
        """
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            raise RunError(f"{path} exists already; --resume {path} goes on with it") from None
        except (OSError, ValueError) as error:
            raise RunError(f"folder {path} cannot be made: {reason_of(error)}") from error
        give(path)
        write_json(path / PLAN, plan)
        return cls(path, plan)

    @classmethod
    def reopen(cls, path: Path, kind: str) -> Self:
        """Open the folder of a study that was begun.

        Raises
        ------
        RunError
            If it is none, or one of another kind.
        """
        try:
            plan = parse_json((path / PLAN).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{path} is not the folder of a study: {PLAN} cannot be read: {error}") from error
        found = plan.get("kind") if isinstance(plan, dict) else None
        if found != kind:
            raise RunError(f"{path} is the folder of a {found}, not of a {kind}")
        return cls(path, plan)

    def add(self, place: Place, chunk: Chunk) -> None:
        """Write a chunk, unless it is there already."""
        if place in self.done:
            return
        self._file.write(_line(place, chunk))
        self._file.flush()
        self.done[place] = chunk

    def finish(self) -> None:
        """Put the chunks into the order of their places, whatever order they came in."""
        self._file.close()
        write_text(self.path / CHUNKS, "".join(_line(place, self.done[place]) for place in sorted(self.done)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _recover(self) -> None:
        """Read the chunks; a last line that was cut short is taken away."""
        path = self.path / CHUNKS
        if not os.path.lexists(path):
            return
        if problem := why_not_ours(path):
            raise RunError(f"study {self.path} is not gone on with: {problem}")
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                record = parse_json(line)
                place = (int(record.pop("point")), int(record.pop("chunk")))
                self.done[place] = self.holds.from_record(record)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise RunError(f"{path}, line {number} is not a chunk of a study: {error}") from error
        if len(whole) < len(content):
            with path.open("r+b") as file:
                file.truncate(len(whole))


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file that people can read, all of it or nothing."""
    write_text(path, json.dumps(values, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file, all of it or nothing."""
    replace_file(path, text)


def _line(place: Place, chunk: Record) -> str:
    return json.dumps({"point": place[0], "chunk": place[1], **chunk.as_record()}) + "\n"
