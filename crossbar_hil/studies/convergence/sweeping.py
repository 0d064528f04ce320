"""Map the share of chips that converge, and their epochs, over any settings."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from crossbar_hil.bench.file import Bench
from crossbar_hil.studies.axes import Axis
from crossbar_hil.studies.convergence.counting import Job, Show, count
from crossbar_hil.studies.convergence.counts import Counts, describe_share, summary, table_of_counts
from crossbar_hil.studies.convergence.folder import ChipStudyFolder
from crossbar_hil.studies.convergence.points import (
    LOCKSTEP_CHUNK,
    Point,
    check_drifts,
    check_numbers,
    check_points,
    chips_of_point,
    chunk_size,
)
from crossbar_hil.studies.scheduling import Scheduler
from crossbar_hil.studies.study import package_version
from crossbar_hil.studies.sweep import Sweep, SweepResult, combine

KIND = "sweep"


@dataclass(frozen=True, slots=True)
class ChipSweep(Sweep):
    """A sweep whose every point was checked."""

    bench: Bench
    chips: int
    """For each point."""
    points: tuple[Point, ...]
    lockstep: bool
    """Whether every point is trained side by side, which threads do as quickly as processes."""
    noisy: bool = False
    """Whether the reads of some points are noisy."""
    drifts: tuple[float, ...] = ()
    """Relative drifts after which every chip is judged once more."""
    chunk: int = LOCKSTEP_CHUNK
    """Most chips that a worker takes at a time."""

    @property
    def trainings(self) -> int:
        """How many chips are trained."""
        return self.chips * len(self.points)

    def plan(self) -> dict[str, Any]:
        """Return what was asked for, as the folder keeps it."""
        digest = hashlib.sha256("".join(point.digest for point in self.points).encode()).hexdigest()
        return {
            "kind": KIND,
            "version": package_version(),
            "seed": self.seed,
            "chips": self.chips,
            "chunk": self.chunk,
            "axes": [axis.as_record() for axis in self.axes],
            "drifts": list(self.drifts),
            "digest": digest,
        }


def plan_sweep(
    bench: Bench, axes: Sequence[Axis], *, chips: int, seed: int, drifts: Sequence[float] = (), chunk: int | None = None
) -> ChipSweep:
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
    drifts : sequence of float
        Relative standard deviations of the drift after which every chip is judged once more.
    chunk : int, optional
        That of a sweep that was begun.

    Raises
    ------
    CrossbarError
        If a point cannot be trained, with its settings.
    """
    values = combine(axes)
    check_numbers(chips, seed)
    checked = check_points(bench, [axis.key for axis in axes], values, seed, {})
    size = chunk_size(checked.lockstep, chunk)
    return ChipSweep(tuple(axes), seed, values, bench, chips, *checked, check_drifts(drifts, bench), size)


def run_sweep(
    sweep: ChipSweep,
    folder: ChipStudyFolder,
    scheduler: Scheduler,
    show: Show = lambda _: None,
    found: Show | None = None,
) -> "ChipSweepResult":
    """Train every chip that is not on disk yet, and write the results.

    Parameters
    ----------
    folder : ChipStudyFolder
        Made for it, or opened again.
    scheduler : Scheduler
        Not yet started.
    show, found : callable
        Called with numbers of chips as they are done, and of those that are on disk; see `count`.
    """
    jobs = [Job(number, point, 0, sweep.chips) for number, point in enumerate(sweep.points)]
    with scheduler as started:
        counts = count(
            jobs,
            seed=sweep.seed,
            size=sweep.chunk,
            scheduler=started,
            folder=folder,
            show=show,
            found=found,
            drifts=sweep.drifts,
        )
    folder.finish()
    result = ChipSweepResult(sweep, tuple(counts))
    result.write(folder.path)
    return result


def resume_sweep(folder: ChipStudyFolder) -> ChipSweep:
    """Lay out the points of a sweep that was begun again; a RunError if a file of it was changed since."""
    return folder.lay_out_again(KIND, plan_sweep, "axes")


@dataclass(frozen=True, slots=True, repr=False)
class ChipSweepResult(SweepResult):
    """The counts of every point of a sweep."""

    drawn_by: ClassVar[str] = "sweep"
    plots: ClassVar[tuple[str, ...]] = ("sweep", "yield", "epochs")

    sweep: ChipSweep
    counts: tuple[Counts, ...]
    noun: ClassVar[str] = "chips"

    @property
    def best(self) -> int:
        """Point at which most chips converge and hold the largest drift asked for, or if none is a fresh read.

        Of several it is the one at which most converge at all, then the one with the fewest pulses.
        """

        def order(place: int) -> tuple[int, int, int]:
            counts = self.counts[place]
            return -counts.lasting, -counts.converged, counts.pulses

        return min(range(len(self.counts)), key=order)

    def describe_best(self) -> dict[str, Any]:
        """Return what there is to say of the virtual chips of the best point."""
        return chips_of_point(self.sweep.points[self.best].bench, self.sweep.chips)

    def statistics(self) -> list[dict[str, Any]]:
        """Return the statistics of every point."""
        return [summary(counts) for counts in self.counts]

    def as_record(self) -> dict[str, Any]:
        """Return plan, statistics and counts."""
        record = SweepResult.as_record(self)
        points = [
            {**row, "counts": counts.as_record()} for row, counts in zip(record["points"], self.counts, strict=True)
        ]
        return {**record, "points": points, "virtual_chips": self.describe_best()}

    def share(self, point: int) -> str:
        """Write which share of the chips converges at a point."""
        return describe_share(self.counts[point])

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return what came of every point, in columns."""
        return table_of_counts(self.counts, noisy=self.sweep.noisy)

    def describe_count(self) -> tuple[int, str]:
        """Return how many chips were trained at each point, and a sentence on them."""
        return self.sweep.chips, f"{self.sweep.chips} simulated chips a point, seed {self.sweep.seed}"
