"""Map the accuracy of computed spiking networks over their settings, several networks for each point."""

import functools
import hashlib
import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from crossbar_hil.errors import ConfigError, CrossbarError, DataError
from crossbar_hil.runs.recorded_settings import dump_tables
from crossbar_hil.spiking.computed import computed_network, images_of, train_and_test
from crossbar_hil.spiking.settings import SpikingSettings, data_hash
from crossbar_hil.studies.axes import Axis, read_axes
from crossbar_hil.studies.folder import StudyFolder
from crossbar_hil.studies.scheduling import Scheduler
from crossbar_hil.studies.settings import SettingTable
from crossbar_hil.studies.showing import Silent
from crossbar_hil.studies.study import Told, check_version, keep_or_remove, lay_out_again, package_version
from crossbar_hil.studies.sweep import Sweep, SweepResult, combine, describe_settings

KIND = "snn sweep"
NETWORKS = (SettingTable("network", SpikingSettings, frozenset({"dataset", "data", "classes", "bench", "part"})),)
MOST_NETWORKS = 10_000
"""More networks a point are a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What one network came to."""

    right: int
    """Test images that it answered correctly."""
    images: int
    silent: int
    """Test images without an output spike, which count as wrong."""
    spikes: int
    """Output spikes of the training."""

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read back `as_record`."""
        return cls(**{name: int(value) for name, value in record.items()})

    def as_record(self) -> dict[str, Any]:
        """Return plain numbers, as a file holds them."""
        return asdict(self)

    @property
    def accuracy(self) -> float:
        """Share of the test images that it answered correctly."""
        return self.right / self.images


class NetworkFolder(StudyFolder[Answered]):
    """The folder of a sweep of networks; a chunk is one network."""

    holds = Answered


@dataclass(frozen=True, slots=True)
class NetworkSweep(Sweep):
    """A sweep of networks whose every point was checked."""

    settings: SpikingSettings
    """Of every point, but for the axes."""
    networks: int
    """For each point, one seed after the other."""
    points: tuple[SpikingSettings, ...]
    data: tuple[str, ...]
    """Hash of the images of each point."""

    def plan(self) -> dict[str, Any]:
        """Return what was asked for, as the folder keeps it."""
        return {
            "kind": KIND,
            "version": package_version(),
            "seed": self.seed,
            "networks": self.networks,
            "settings": dump_tables(self.settings),
            "axes": [axis.as_record() for axis in self.axes],
            "data_sha256": hashlib.sha256("".join(self.data).encode()).hexdigest(),
        }


def plan_networks(settings: SpikingSettings, axes: Sequence[Axis], *, networks: int, seed: int) -> NetworkSweep:
    """Lay out the points of a sweep and check every one; nothing is trained.

    Parameters
    ----------
    settings : SpikingSettings
        Of networks that are computed.
    axes : sequence of Axis
        Settings that vary, the first slowest; every combination is a point.
    networks : int
        How many are trained for each point, with one seed after the other; the same seeds at every point.
    seed : int
        Of the first.

    Raises
    ------
    CrossbarError
        If a point makes no network, with its settings.
    """
    if settings.bench is not None:
        raise ConfigError("a sweep is of computed networks, not of a device")
    if not 1 <= networks <= MOST_NETWORKS:
        raise ConfigError(f"{networks} networks a point, from 1 to {MOST_NETWORKS} are possible")
    values = combine(axes)
    points, data = [], []
    for each in values:
        where = f"point {describe_settings([axis.key for axis in axes], each)}"
        try:
            varied: dict[str, Any] = {axis.key.name: value for axis, value in zip(axes, each, strict=True)}
            point = replace(settings, **varied)
            split = images_of(point)
            computed_network(point, split, seed)
        except CrossbarError as error:
            raise DataError(f"{where}: {error}") from error
        points.append(point)
        data.append(data_hash(split))
    return NetworkSweep(tuple(axes), seed, values, settings, networks, tuple(points), tuple(data))


@dataclass(frozen=True, slots=True)
class Task:
    """One network to be trained and tested."""

    settings: SpikingSettings
    seed: int
    data: str
    """Hash of its images."""
    version: str
    """Of this package."""


def train_network(task: Task) -> Answered:
    """Train and test a network; this is what a worker runs.

    Raises
    ------
    RunError
        If the worker has another version of this package.
    DataError
        If it has other images.
    """
    check_version(task.version)
    if data_hash(images_of(task.settings)) != task.data:
        raise DataError(f"a worker has other images of dataset {task.settings.dataset} than the sweep was begun with")
    progress, result = train_and_test(task.settings, task.seed)
    return Answered(int(np.trace(result.confusion)), result.images, result.silent, progress.spikes)


def run_networks(
    sweep: NetworkSweep,
    folder: NetworkFolder,
    scheduler: Scheduler,
    show: Callable[[int], Any] = lambda _: None,
    found: Callable[[int], Any] | None = None,
) -> "NetworkResult":
    """Train and test every network that is not on disk yet, and write the results.

    Parameters
    ----------
    folder : NetworkFolder
        Made for it, or opened again.
    scheduler : Scheduler
        Not yet started.
    show, found : callable
        Called with numbers of networks as they are done, and with that of those on disk.
    """
    places = list(itertools.product(range(len(sweep.points)), range(sweep.networks)))
    left = [place for place in places if place not in folder.done]
    (found or show)(len(places) - len(left))
    version = package_version()
    tasks = [Task(sweep.points[point], sweep.seed + number, sweep.data[point], version) for point, number in left]
    with scheduler as started:
        for index, answer in started.submit(train_network, tasks):
            folder.add(left[index], answer)
            show(1)
    folder.finish()
    answered = tuple(
        tuple(folder.done[point, number] for number in range(sweep.networks)) for point in range(len(sweep.points))
    )
    result = NetworkResult(sweep, answered)
    result.write(folder.path)
    return result


def resumed_networks(folder: NetworkFolder) -> NetworkSweep:
    """Lay out the points of a sweep that was begun again, and see that they are the same.

    Raises
    ------
    RunError
        If the plan or the images were changed since.
    """

    def lay_out(plan: Mapping[str, Any]) -> NetworkSweep:
        axes = [Axis.from_record(record, NETWORKS) for record in plan["axes"]]
        settings = SpikingSettings.from_plain(plan["settings"])
        return plan_networks(settings, axes, networks=plan["networks"], seed=plan["seed"])

    return lay_out_again(folder, KIND, lay_out, "images")


def network_axes(texts: tuple[str, ...]) -> tuple[Axis, ...]:
    """Read every ``--over`` of a sweep of networks."""
    return read_axes(texts, NETWORKS)


@dataclass(frozen=True, slots=True, repr=False)
class NetworkResult(SweepResult):
    """What the networks of every point came to."""

    drawn_by: ClassVar[str] = "spiking"
    plots: ClassVar[tuple[str, ...]] = ("networks", "network_accuracy", "network_spread")

    sweep: NetworkSweep
    answered: tuple[tuple[Answered, ...], ...]
    """For each point, for each network."""
    noun: ClassVar[str] = "networks"

    @property
    def best(self) -> int:
        """Point with the highest mean accuracy."""
        means = [statistics.fmean(each.accuracy for each in point) for point in self.answered]
        return means.index(max(means))

    def statistics(self) -> list[dict[str, Any]]:
        """Return the statistics of every point; the standard deviation is that between networks."""
        return [_summary(point) for point in self.answered]

    def share(self, point: int) -> str:
        """Write the mean accuracy at a point."""
        found = _summary(self.answered[point])
        spread = "" if found["accuracy_sd"] is None else f" +- {100 * found['accuracy_sd']:.1f}"
        return f"{100 * found['accuracy']:.1f}{spread} % right"

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return what the networks of every point came to, in columns."""
        rows = []
        for found in self.statistics():
            spread = "-" if found["accuracy_sd"] is None else f"{100 * found['accuracy_sd']:.1f} %"
            ends = [f"{100 * found[name]:.1f} %" for name in ("accuracy_least", "accuracy_most")]
            rows.append([f"{100 * found['accuracy']:.1f} %", spread, *ends, f"{found['silent_mean']:.3g}"])
        return ["right", "sd", "least", "most", "silent"], rows

    def describe_count(self) -> tuple[int, str]:
        """Return how many networks were trained at each point, and a sentence on them."""
        count, first = self.sweep.networks, self.sweep.seed
        images = self.answered[0][0].images
        return count, f"{count} a point, seeds {first} to {first + count - 1}, {images} test images each"


def _summary(networks: Sequence[Answered]) -> dict[str, Any]:
    shares = [each.accuracy for each in networks]
    return {
        "networks": len(networks),
        "images": networks[0].images,
        "accuracy": statistics.fmean(shares),
        "accuracy_sd": statistics.stdev(shares) if len(shares) > 1 else None,
        "accuracy_least": min(shares),
        "accuracy_most": max(shares),
        "silent_mean": statistics.fmean(each.silent for each in networks),
        "spikes_mean": statistics.fmean(each.spikes for each in networks),
    }


def sweep_networks(
    sweep: NetworkSweep,
    folder: NetworkFolder,
    scheduler: Scheduler,
    progress: Silent,
    draw: Callable[[NetworkResult, Path], object],
) -> Told:
    """Do a sweep that was planned, and say what came of it; `draw` draws its map there and writes its report.

    Raises
    ------
    CrossbarError
        If it failed; a folder with nothing in it is taken back, and what was done is kept otherwise.
    KeyboardInterrupt
        Likewise.
    """
    with keep_or_remove(folder, KIND), progress:
        progress.expect(sweep.networks * len(sweep.points), f"{len(sweep.points)} points")
        result = run_networks(sweep, folder, scheduler, progress, progress.found)
        return result.tell(folder.path, functools.partial(draw, result))
