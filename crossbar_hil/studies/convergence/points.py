"""One point of a study: what virtual chips to train and how, as plain data that goes to any worker."""

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from crossbar_hil.bench.file import Bench
from crossbar_hil.errors import ConfigError, CrossbarError, DataError
from crossbar_hil.plugins import load
from crossbar_hil.shipped import read_bytes
from crossbar_hil.studies.convergence.counts import Counts
from crossbar_hil.studies.settings import Key, Value, virtual_chip, with_settings
from crossbar_hil.studies.study import check_version, package_version
from crossbar_hil.studies.sweep import describe_settings
from crossbar_hil.training.patterns import PatternSet

ENSEMBLE = "lockstep"
"""Entry point in the group ``crossbar_hil.ensembles``."""
LOCKSTEP_CHUNK, SINGLE_CHUNK = 4096, 16
"""Chips of a chunk: what a lost worker costs, some tens of milliseconds of work side by side or one by one."""
MOST_CHIPS = 10**9


class TrainedChips(Protocol):
    """What M trainings came to, one number a chip."""

    converged: NDArray[Any]
    """(M,) whether every target was met."""
    epochs: NDArray[Any]
    """(M,) evaluations, counted from 1."""
    pulses: NDArray[Any]
    """(M,) pulses sent, over all cells."""
    saturated: NDArray[Any]
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

    def train(self, seed: int, first: int, count: int) -> TrainedChips:
        """Train some chips by their numbers."""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read already."""

    name: str
    data: bytes

    def __str__(self) -> str:
        return self.name

    def read_bytes(self) -> bytes:
        """Return the whole file."""
        return self.data

    def read_text(self, encoding: str) -> str:
        """Return the whole text."""
        return self.data.decode(encoding)

    @property
    def digested(self) -> str:
        """What a digest is made of: the text, or as much of it as there is."""
        return self.data.decode("utf-8-sig", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Point:
    """A bench whose virtual chip is trained, and the files that it names."""

    bench: Bench
    curve: ReadFile
    patterns: ReadFile

    @classmethod
    def of(cls, bench: Bench, read: dict[str, ReadFile]) -> "Point":
        """Gather what a study of a bench needs; of its instruments nothing.

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
            read.setdefault(str(file), read.get(str(file)) or ReadFile(str(file), read_bytes(what, file)))
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
        everything = json.dumps([settings, self.curve.digested, self.patterns.digested], sort_keys=True)
        return hashlib.sha256(everything.encode()).hexdigest()

    def ensemble(self) -> Ensemble:
        """Make the virtual chips."""
        made: Ensemble = _plug_in()(self.bench, self.curve, PatternSet.from_csv(self.patterns))
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


def check_points(
    bench: Bench, keys: Sequence[Key], values: Sequence[Sequence[Value]], seed: int, read: dict[str, ReadFile]
) -> tuple[tuple[Point, ...], bool]:
    """Make the point of every combination of values and see that it can be trained.

    Returns
    -------
    (tuple of Point, bool)
        The points, and whether every one is trained side by side.

    Raises
    ------
    CrossbarError
        If one cannot, with its settings.
    """
    points, lockstep = [], True
    for each in values:
        where = f"point {describe_settings(keys, each)}"
        try:
            point = Point.of(with_settings(bench, dict(zip(keys, each, strict=True))), read)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
        lockstep &= check_point(point, seed, where).lockstep
        points.append(point)
    return tuple(points), lockstep


def check_numbers(chips: int, seed: int) -> None:
    """Refuse numbers of chips and seeds that cannot be meant."""
    if not 1 <= chips <= MOST_CHIPS:
        raise ConfigError(f"{chips} chips, from 1 to {MOST_CHIPS} are possible")
    if seed < 0:
        raise ConfigError(f"seed {seed} must not be negative")


def chunk_size(lockstep: bool) -> int:
    """Return the most chips of a chunk."""
    return LOCKSTEP_CHUNK if lockstep else SINGLE_CHUNK


@functools.cache
def _plug_in() -> Any:
    return load("ensembles", ENSEMBLE)
