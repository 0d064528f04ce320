"""Map the share of chips that converge, and their epochs, over any settings."""

import csv
import hashlib
import io
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from crossbar_hil.bench.file import Bench
from crossbar_hil.errors import ConfigError, RunError
from crossbar_hil.studies.axes import Axis
from crossbar_hil.studies.convergence.counting import Job, Show, count
from crossbar_hil.studies.convergence.counts import Counts, summary
from crossbar_hil.studies.convergence.folder import ChipStudyFolder
from crossbar_hil.studies.convergence.points import (
    LOCKSTEP_CHUNK,
    SINGLE_CHUNK,
    Point,
    Text,
    check_point,
    package_version,
)
from crossbar_hil.studies.folder import StudyFolder, write_json, write_text
from crossbar_hil.studies.scheduling import Scheduler
from crossbar_hil.studies.settings import CHIPS, Key, SettingTable, Value, find_key, with_settings

KIND = "sweep"
MOST_POINTS = 100_000
"""More points in one sweep are a slip of the pen."""
MOST_CHIPS = 10**9
SWEEP, POINTS, MAP = "sweep.json", "points.csv", "map.png"


class Planned(Protocol):
    """Work that was laid out."""

    def plan(self) -> dict[str, Any]:
        """Return what was asked for, as the folder keeps it."""


Work = TypeVar("Work", bound=Planned)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep whose every point was checked."""

    bench: Bench
    axes: tuple[Axis, ...]
    chips: int
    """For each point."""
    seed: int
    values: tuple[tuple[Value, ...], ...]
    """Of the axes, for each point."""
    points: tuple[Point, ...]
    lockstep: bool
    """Whether every point is trained side by side, which threads do as quickly as processes."""

    @property
    def size(self) -> int:
        """Most chips of a chunk."""
        return LOCKSTEP_CHUNK if self.lockstep else SINGLE_CHUNK

    def plan(self) -> dict[str, Any]:
        """Return what was asked for, as the folder keeps it."""
        digest = hashlib.sha256("".join(point.digest for point in self.points).encode()).hexdigest()
        return {
            "kind": KIND,
            "version": package_version(),
            "seed": self.seed,
            "chips": self.chips,
            "chunk": self.size,
            "axes": [axis_record(axis) for axis in self.axes],
            "digest": digest,
        }


def plan_sweep(bench: Bench, axes: Sequence[Axis], *, chips: int, seed: int) -> Sweep:
    """Lay out the points of a sweep and check every one; nothing is trained.

    Parameters
    ----------
    bench : Bench
        Settings of the points, but for those of the axes.
    axes : sequence of Axis
        Settings that vary, the first slowest; every combination is a point.
    chips : int
        Virtual chips for each point; chip k is the same at every point whose spread and size are the same.
    seed : int
        Of the chips.

    Raises
    ------
    CrossbarError
        If a point cannot be trained, with its settings.
    """
    values = all_points(axes)
    check_numbers(chips, seed)
    read: dict[str, Text] = {}
    points = []
    lockstep = True
    for each in values:
        where = f"point {describe_settings([axis.key for axis in axes], each)}"
        try:
            point = Point.of(with_settings(bench, dict(zip((axis.key for axis in axes), each, strict=True))), read)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
        lockstep &= check_point(point, seed, where).lockstep
        points.append(point)
    return Sweep(bench, tuple(axes), chips, seed, values, tuple(points), lockstep)


def all_points(axes: Sequence[Axis]) -> tuple[tuple[Value, ...], ...]:
    """Return every combination of the values of some axes, the first slowest.

    Raises
    ------
    ConfigError
        If there is no axis, or there are too many points.
    """
    total = math.prod(len(axis.values) for axis in axes)
    if not axes:
        raise ConfigError("a sweep needs at least one setting that varies, --over KEY=VALUES")
    if total > MOST_POINTS:
        raise ConfigError(f"a sweep of {total} points, at most {MOST_POINTS} are possible")
    return tuple(itertools.product(*(axis.values for axis in axes)))


def run_sweep(
    sweep: Sweep, folder: ChipStudyFolder, scheduler: Scheduler, show: Show = lambda _: None
) -> "SweepResult":
    """Train every chip that is not on disk yet, and write the results.

    Parameters
    ----------
    sweep : Sweep
        What to do.
    folder : ChipStudyFolder
        Made for it, or opened again.
    scheduler : Scheduler
        Not yet started.
    show : callable
        Called with numbers of chips as they are done.
    """
    jobs = [Job(number, point, 0, sweep.chips) for number, point in enumerate(sweep.points)]
    with scheduler as started:
        counts = count(jobs, seed=sweep.seed, size=sweep.size, scheduler=started, folder=folder, show=show)
    folder.finish()
    result = SweepResult(sweep, tuple(counts))
    write_text(folder.path / POINTS, result.as_csv())
    write_json(folder.path / SWEEP, result.as_record())
    return result


def resume_sweep(folder: ChipStudyFolder) -> Sweep:
    """Lay out the points of a sweep that was begun again, and see that they are the same.

    Raises
    ------
    RunError
        If a file of it was changed since.
    """

    def lay_out(plan: Mapping[str, Any]) -> Sweep:
        axes = [axis_of(record) for record in plan["axes"]]
        return plan_sweep(folder.bench, axes, chips=plan["chips"], seed=plan["seed"])

    return lay_out_again(folder, KIND, lay_out)


def lay_out_again(
    folder: StudyFolder[Any],
    kind: str,
    lay_out: Callable[[Mapping[str, Any]], Work],
    given: str = "bench, curve, patterns",
) -> Work:
    """Lay out a dry run from the plan in its folder.

    Parameters
    ----------
    folder : StudyFolder
        Opened again.
    kind : str
        The verb.
    lay_out : callable
        Makes the work of a plan.
    given : str
        What the plan was made from.

    Raises
    ------
    RunError
        If the plan is damaged, or what was given was changed since.
    """
    try:
        work = lay_out(folder.plan)
    except (KeyError, TypeError) as error:
        raise RunError(f"{folder.path} is not the folder of a whole {kind}: {error}") from error
    plan = work.plan()
    if plan["version"] != folder.plan.get("version"):
        raise RunError(
            f"{folder.path} was begun by crossbar-hil {folder.plan.get('version')} and cannot be gone on with by "
            f"{plan['version']}"
        )
    if plan != folder.plan:
        raise RunError(f"the {given} or plan of {folder.path} were changed since it was begun")
    return work


def check_numbers(chips: int, seed: int) -> None:
    """Refuse numbers of chips and seeds that cannot be meant."""
    if not 1 <= chips <= MOST_CHIPS:
        raise ConfigError(f"{chips} chips, from 1 to {MOST_CHIPS} are possible")
    if seed < 0:
        raise ConfigError(f"seed {seed} must not be negative")


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The counts of every point of a sweep."""

    sweep: Sweep
    counts: tuple[Counts, ...]

    @property
    def best(self) -> int:
        """Point at which most chips converge; of several the one with the fewest pulses."""
        return min(
            range(len(self.counts)), key=lambda place: (-self.counts[place].converged, self.counts[place].pulses)
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return settings and statistics of every point."""
        names = [str(axis.key) for axis in self.sweep.axes]
        return [
            {**dict(zip(names, values, strict=True)), **summary(counts)}
            for values, counts in zip(self.sweep.values, self.counts, strict=True)
        ]

    def as_csv(self) -> str:
        """Write a line for each point."""
        return as_csv(self.rows())

    def as_record(self) -> dict[str, Any]:
        """Return plan, statistics and counts."""
        rows = self.rows()
        points = [{**row, "counts": counts.as_record()} for row, counts in zip(rows, self.counts, strict=True)]
        return {**self.sweep.plan(), "best": rows[self.best], "points": points}


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Write rows that have the same keys as a CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def describe_settings(keys: Sequence[Key], values: Sequence[Value]) -> str:
    """Write settings for a message.

    >>> describe_settings([find_key("beta")], [5e7])
    'beta 5e+07'
    """
    return ", ".join(
        f"{key} {f'{value:g}' if isinstance(value, float) else value}" for key, value in zip(keys, values, strict=True)
    )


def axis_record(axis: Axis) -> dict[str, Any]:
    """Write an axis for a plan."""
    return {
        "table": axis.key.table,
        "name": axis.key.name,
        "values": list(axis.values),
        "spacing": axis.spacing,
    }


def axis_of(record: dict[str, Any], among: Sequence[SettingTable] = CHIPS) -> Axis:
    """Read back an axis from a plan."""
    key = find_key(f"{record['table']}.{record['name']}", among)
    return Axis(key, tuple(key.read(value) for value in record["values"]), record["spacing"])
