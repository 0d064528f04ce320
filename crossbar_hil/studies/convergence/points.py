"""One point of a dry run: what virtual chips to train and how, as plain data that goes to any worker."""

import functools
import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Protocol

from numpy.typing import NDArray

from crossbar_hil.bench.file import Bench
from crossbar_hil.errors import CrossbarError, DataError, RunError
from crossbar_hil.plugins import load
from crossbar_hil.studies.convergence.counts import Counts
from crossbar_hil.studies.settings import virtual_chip
from crossbar_hil.training.patterns import PatternSet

ENSEMBLE = "lockstep"
"""Entry point in the group ``crossbar_hil.ensembles``."""
LOCKSTEP_CHUNK, SINGLE_CHUNK = 4096, 16
"""Chips of a chunk: what a lost worker costs, some tens of milliseconds of work side by side or one by one."""


class Outcome(Protocol):
    """What M trainings came to, one number a chip."""

    @property
    def converged(self) -> NDArray[Any]:
        """(M,) whether every target was met."""

    @property
    def epochs(self) -> NDArray[Any]:
        """(M,) evaluations, counted from 1."""

    @property
    def pulses(self) -> NDArray[Any]:
        """(M,) pulses sent, over all cells."""

    @property
    def saturated(self) -> NDArray[Any]:
        """(M,) cells at the end of their curve."""


class Ensemble(Protocol):
    """Virtual chips by number, as a plug-in of the group ``crossbar_hil.ensembles`` makes them."""

    lockstep: bool
    """Whether they are trained side by side, which is quick."""
    rise: float
    """Largest rise of the curve, in siemens."""
    widths_s: list[float]
    """Widths for which pulses of the training's amplitude were measured, in seconds."""

    def check(self, seed: int) -> None:
        """Say what is wrong with the settings, by an error."""

    def train(self, seed: int, first: int, count: int) -> Outcome:
        """Train some chips by their numbers."""


@dataclass(frozen=True, slots=True)
class Text:
    """A file that was read already."""

    name: str
    text: str

    def __str__(self) -> str:
        return self.name

    def read_text(self, encoding: str) -> str:  # noqa: ARG002 - as a path has it
        """Return the whole text."""
        return self.text


@dataclass(frozen=True, slots=True)
class Point:
    """A bench whose virtual chip is trained, and the text of the files that it names."""

    bench: Bench
    curve: Text
    patterns: Text

    @classmethod
    def of(cls, bench: Bench, read: dict[str, Text]) -> "Point":
        """Gather what a dry run of a bench needs; of its instruments nothing.

        Parameters
        ----------
        bench : Bench
            Its virtual chip and training.
        read : dict
            Files that were read already, by name; those that are read now are added.

        Raises
        ------
        DataError
            If a file cannot be read.
        """
        chip = virtual_chip(bench)
        curve, patterns = (
            read.setdefault(str(file), read.get(str(file)) or _text(what, file))
            for what, file in (("curve", chip.curve_file), ("pattern", bench.training.pattern_file))
        )
        virtual = Bench(
            name=bench.name, backend="simulated", chip=chip, limits=bench.limit_table, training=bench.training
        )
        return cls(virtual, curve, patterns)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that the outcome depends on; names are not among it."""
        leave_out: Any = {"name": True, "chip": {"curve"}, "training": {"patterns"}}
        settings = self.bench.model_dump(mode="json", by_alias=True, exclude=leave_out)
        everything = json.dumps([settings, self.curve.text, self.patterns.text], sort_keys=True)
        return hashlib.sha256(everything.encode()).hexdigest()

    def ensemble(self) -> Ensemble:
        """Make the virtual chips."""
        task = PatternSet.from_csv(self.patterns)  # type: ignore[arg-type]  # it reads text and no more
        made: Ensemble = _plug_in()(self.bench, self.curve, task)
        return made


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some chips of a point, the share of one worker at a time."""

    point: Point
    seed: int
    first: int
    count: int
    version: str
    """Of this package; another one may count otherwise."""


def split_into_chunks(point: Point, *, seed: int, first: int, chips: int, size: int) -> list[Chunk]:
    """Split the chips number `first` to ``first + chips - 1`` of a point into chunks of at most `size`."""
    ours = package_version()
    return [
        Chunk(point, seed, start, min(size, first + chips - start), ours) for start in range(first, first + chips, size)
    ]


def train_chunk(chunk: Chunk) -> Counts:
    """Train the chips of a chunk; this is what a worker runs.

    Raises
    ------
    RunError
        If the worker has another version of this package.
    CrossbarError
        If a chip cannot be trained.
    """
    check_version(chunk.version)
    found = chunk.point.ensemble().train(chunk.seed, chunk.first, chunk.count)
    return Counts.of(found.converged, found.epochs, found.pulses, found.saturated)


def check_point(point: Point, seed: int, where: str) -> Ensemble:
    """Make the chips of a point and see that they can be trained.

    Raises
    ------
    DataError
        If they cannot, with the name of the point.
    """
    try:
        ensemble = point.ensemble()
        ensemble.check(seed)
    except CrossbarError as error:
        raise DataError(f"{where}: {error}" if where else str(error)) from error
    return ensemble


def check_version(wanted: str) -> None:
    """Refuse to do the work of another version of this package.

    Raises
    ------
    RunError
        Naming both.
    """
    ours = package_version()
    if ours != wanted:
        raise RunError(f"a worker has crossbar-hil {ours}, but the dry run was started by {wanted}")


@functools.cache
def package_version() -> str:
    """Return the version of this package."""
    return version("crossbar-hil")


@functools.cache
def _plug_in() -> Any:
    return load("ensembles", ENSEMBLE)


def _text(what: str, file: Any) -> Text:
    try:
        return Text(str(file), file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{what} file {file} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{what} file {file} is not a text file: {error.reason} at byte {error.start}") from error
