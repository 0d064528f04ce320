"""Train the chips of many points on a scheduler, keeping every chunk as it comes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from crossbar_hil.studies.convergence.counts import Counts
from crossbar_hil.studies.convergence.folder import ChipStudyFolder
from crossbar_hil.studies.convergence.points import Chunk, Point, split_into_chunks, train_chunk
from crossbar_hil.studies.folder import Place
from crossbar_hil.studies.scheduling import Scheduler

Show = Callable[[int], Any]
"""Called with the number of chips that were just trained."""


@dataclass(frozen=True, slots=True)
class Job:
    """A point to be counted: its number in the study, and which chips."""

    number: int
    point: Point
    first: int
    chips: int


def count(
    jobs: Sequence[Job],
    *,
    seed: int,
    size: int,
    scheduler: Scheduler,
    folder: ChipStudyFolder,
    show: Show,
    found: Show | None = None,
    drifts: tuple[float, ...] = (),
) -> list[Counts]:
    """Count the outcome of every job, of the chunks that are on disk already without training them again.

    Parameters
    ----------
    jobs : sequence of Job
        Each number once.
    seed : int
        Seed of the ensemble: chip k is the same at every point with the same spread.
    size : int
        Most chips of a chunk.
    scheduler : Scheduler
        Started.
    folder : ChipStudyFolder
        Takes each chunk at once.
    show, found : callable
        Told of progress: of chips that were trained, and of those on disk, `show` of both if `found` is not given.
    drifts : tuple of float
        Relative drifts after which every chip is judged once more.

    Returns
    -------
    list of Counts
        In the order of the jobs.
    """
    places: list[Place] = []
    tasks: list[Chunk] = []
    of_job: list[list[Place]] = []
    on_disk = 0
    for job in jobs:
        split = split_into_chunks(job.point, seed=seed, first=job.first, chips=job.chips, size=size, drifts=drifts)
        of_job.append([(job.number, number) for number in range(len(split))])
        for place, chunk in zip(of_job[-1], split, strict=True):
            if place in folder.done:
                on_disk += chunk.count
            else:
                places.append(place)
                tasks.append(chunk)
    if on_disk:
        (found or show)(on_disk)
    for index, counts in scheduler.submit(train_chunk, tasks):
        folder.add(places[index], counts)
        show(counts.chips)
    return [Counts.sum(folder.done[place] for place in each) for each in of_job]
