"""One point of a study: what virtual chips to train and how, as plain data that goes to any worker."""

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.named_files import files_of
from crossbar_hil.bench.twin_of_chip import with_known_noise
from crossbar_hil.bench.virtual_chips import all_alike, virtual_chips
from crossbar_hil.errors import ConfigError, CrossbarError, DataError
from crossbar_hil.plugins import load
from crossbar_hil.shipped import data_file, read_bytes
from crossbar_hil.studies.convergence.counts import Counts, TrainedChips
from crossbar_hil.studies.convergence.opened_chips import OpenedChips, has_chips_of_its_own, whose
from crossbar_hil.studies.settings import Key, Value, virtual_chip, with_settings
from crossbar_hil.studies.study import check_version, package_version
from crossbar_hil.studies.sweep import describe_settings
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.twins.file import read_twin

ENSEMBLE = "lockstep"
"""Entry point in the group ``crossbar_hil.ensembles``."""
LOCKSTEP_CHUNK, SINGLE_CHUNK = 4096, 16
"""Chips of a chunk: what a lost worker costs, some tens of milliseconds of work side by side or one by one."""
MOST_CHIPS = 10**9
ALIKE = (
    "every chip is the same, so the shares that converge are those of one training, repeated: "
    "--spread-of MAP draws chips of the kind of a map, --device-spread SHARE and effects such as step_spread "
    "or read_noise make them differ"
)
LARGEST_DRIFT = 1.0
"""A standard deviation of as much as the conductance itself would make one in six negative."""


class Ensemble(Protocol):
    """Virtual chips by number: of a plug-in of the group ``crossbar_hil.ensembles``, or of the bench's own backend."""

    lockstep: bool
    """Whether they are trained side by side, which is quick."""
    widths_s: list[float]
    """Widths for which pulses of the training's amplitude were measured, in seconds."""

    @property
    def noisy(self) -> bool:
        """Whether a fresh read of a trained chip may differ from the one before."""

    @property
    def rise(self) -> float:
        """Largest rise of a cell, in siemens."""

    def check(self, seed: int) -> None:
        """Say what is wrong with the settings, by an error."""

    def train(self, seed: int, first: int, count: int, drifts: Sequence[float]) -> TrainedChips:
        """Train some chips by their numbers, and judge them after relative drifts of their conductances too."""


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
    patterns: ReadFile
    curve: ReadFile | None = None
    """The measured curve; None if the bench's own backend makes the chips and the bench names none."""
    start: ReadFile | None = None
    """The map at which the cells start, if the bench names one."""
    twin: ReadFile | None = None
    """The twin whose draws the chips are, if the bench names one."""
    cells: ReadFile | None = None
    """The bad cells that every chip has, if the bench names some."""

    @classmethod
    def of(cls, bench: Bench, read: dict[str, ReadFile]) -> "Point":
        """Gather what a study of a bench needs; of its instruments nothing, of a backend of somebody else all.

        Parameters
        ----------
        read : dict
            Files that were read already, by name; those that are read now are added.

        Raises
        ------
        DataError
            If a file cannot be read.
        """
        bench = with_known_noise(bench)
        if has_chips_of_its_own(bench):
            virtual = bench
        else:
            chip = virtual_chip(bench).resolved
            virtual = Bench(
                name=bench.name, backend="simulated", chip=chip, limits=bench.limit_table, training=bench.training
            )
        texts = {}
        for named, value in files_of(virtual):
            file = data_file(value)
            texts[named.key] = read.setdefault(
                str(file), read.get(str(file)) or ReadFile(str(file), read_bytes(named.what, file))
            )
        return cls(virtual, **texts)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that the outcome depends on; names are not among it."""
        leave_out: Any = {"name": True, "chip": {"curve", "start", "twin"}, "training": {"patterns", "cells"}}
        if self.cells is None:
            leave_out["training"].add("permute")  # which then does nothing
        settings = self.bench.model_dump(mode="json", by_alias=True, exclude=leave_out)
        texts = [
            each.digested for each in (self.curve, self.patterns, self.start, self.twin, self.cells) if each is not None
        ]
        everything = json.dumps([settings, *texts], sort_keys=True)
        return hashlib.sha256(everything.encode()).hexdigest()

    def ensemble(self) -> Ensemble:
        """Make the virtual chips."""
        task = _read_patterns(self.patterns)
        if has_chips_of_its_own(self.bench) or self.cells is not None:
            return OpenedChips(self.bench, task)
        return _plug_in()(self.bench, self.curve, task, start=self.start, twin=self.twin)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some chips of a point, the share of one worker at a time."""

    point: Point
    seed: int
    first: int
    count: int
    version: str
    """Of this package; another one may count otherwise."""
    drifts: tuple[float, ...] = ()
    """Relative drifts after which the trained chips are judged once more."""


def split_into_chunks(
    point: Point, *, seed: int, first: int, chips: int, size: int, drifts: tuple[float, ...] = ()
) -> list[Chunk]:
    """Split the chips number `first` to ``first + chips - 1`` of a point into chunks of at most `size`."""
    ours = package_version()
    return [
        Chunk(point, seed, start, min(size, first + chips - start), ours, drifts)
        for start in range(first, first + chips, size)
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
    found = chunk.point.ensemble().train(chunk.seed, chunk.first, chunk.count, chunk.drifts)
    return Counts.of(found, chunk.drifts)


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


class CheckedPoints(NamedTuple):
    """Points that can be trained."""

    points: tuple[Point, ...]
    lockstep: bool
    """Whether every one is trained side by side."""
    noisy: bool
    """Whether the reads of some are noisy."""


def check_points(
    bench: Bench, keys: Sequence[Key], values: Sequence[Sequence[Value]], seed: int, read: dict[str, ReadFile]
) -> CheckedPoints:
    """Make the point of every combination of values and see that it can be trained.

    Raises
    ------
    CrossbarError
        If one cannot, with its settings.
    """
    points, lockstep, noisy = [], True, False
    for each in values:
        where = f"point {describe_settings(keys, each)}"
        try:
            point = Point.of(with_settings(bench, dict(zip(keys, each, strict=True))), read)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
        ensemble = check_point(point, seed, where)
        lockstep, noisy = lockstep and ensemble.lockstep, noisy or ensemble.noisy
        points.append(point)
    return CheckedPoints(tuple(points), lockstep, noisy)


def chips_of_point(bench: Bench, chips: int = 0) -> dict[str, Any]:
    """Return what is said of the virtual chips of a bench; nothing of those of its own backend, which nobody knows.

    Parameters
    ----------
    chips : int
        How many were trained; more than a twin has draws are these again, which is warned of.
    """
    if has_chips_of_its_own(bench):
        return {}
    chip = virtual_chip(bench)
    found = virtual_chips(bench.model_copy(update={"chip": chip}))
    if found is None:
        return {}
    told = found.as_record()
    more = [ALIKE] if all_alike(chip) else []
    draws = chips if chip.twin is None else read_twin(data_file(chip.twin)).count
    if draws < chips:
        more.append(
            f"{chips} chips are the {draws} draws of the twin again and again, so an interval is hardly narrower than "
            f"that of {draws}: `crossbar-hil calibrate --from READINGS --draws {chips} --to NEW.toml` makes more"
        )
    return {**told, "warnings": [*told["warnings"], *more]}


def check_numbers(chips: int, seed: int) -> None:
    """Refuse numbers of chips and seeds that cannot be meant."""
    if not 1 <= chips <= MOST_CHIPS:
        raise ConfigError(f"{chips} chips, from 1 to {MOST_CHIPS} are possible")
    if seed < 0:
        raise ConfigError(f"seed {seed} must not be negative")


def check_drifts(drifts: Sequence[float], bench: Bench) -> tuple[float, ...]:
    """Refuse drifts that cannot be meant, one that is given twice, and any where chips cannot be made to drift."""
    if drifts and has_chips_of_its_own(bench):
        raise ConfigError(f"{whose(bench)}, can be trained, but not made to drift; leave --drift out")
    if drifts and bench.training.cells is not None:
        raise ConfigError(
            "chips whose bad cells are left out are trained one by one, and cannot be made to drift; leave --drift out"
        )
    for place, drift in enumerate(drifts):
        if not 0 < drift < LARGEST_DRIFT:
            raise ConfigError(
                f"drift {drift:g} must be above 0 and below {LARGEST_DRIFT:g}: the relative change of a conductance, "
                'as "3 %" or 0.03'
            )
        if drift in drifts[:place]:
            raise ConfigError(f"drift {drift:g} is given twice")
    return tuple(drifts)


def chunk_size(lockstep: bool, begun: int | None = None) -> int:
    """Return the most chips of a chunk: of a study that was `begun` it stays, even if its chips are quicker by now."""
    return begun if begun in (LOCKSTEP_CHUNK, SINGLE_CHUNK) else LOCKSTEP_CHUNK if lockstep else SINGLE_CHUNK


@functools.lru_cache(maxsize=16)
def _read_patterns(patterns: ReadFile) -> PatternSet:
    """Read a pattern file once for all the chunks and points that share it."""
    return PatternSet.from_csv(patterns)


@functools.cache
def _plug_in() -> Any:
    return load("ensembles", ENSEMBLE)
