"""A recorded training: the work that its run does, from the trainer to the record."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.bench.file import Bench, Chip
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.runs.folder import RunFolder
from crossbar_hil.runs.life import RecordedWork, Show, begin_work
from crossbar_hil.runs.provenance import bench_hash, provenance
from crossbar_hil.runs.recorded_settings import dump_tables
from crossbar_hil.runs.run import RunOutcome
from crossbar_hil.runs.training_record import Recorder
from crossbar_hil.shipped import is_shipped
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.result import Epoch, TrainingResult
from crossbar_hil.training.settings import make_trainer
from crossbar_hil.training.trainer import Trainer


class TrainingWork(RecordedWork[Epoch]):
    """The training of a bench.

    Parameters
    ----------
    bench : Bench
        The checked bench.
    seed : int
        Seed of a virtual chip.
    preset, label : str, optional
        Written down with a new run.
    known : mapping of int to Epoch
        The epochs that a resumed run holds already.
    """

    def __init__(
        self,
        bench: Bench,
        seed: int,
        *,
        preset: str | None = None,
        label: str = "",
        known: Mapping[int, Epoch] = MappingProxyType({}),
    ) -> None:
        super().__init__(bench, seed, bench.training.rule)
        self._checked, self._preset, self._label, self._known = bench, preset, label, known
        self._task = PatternSet.from_csv(bench.training.pattern_file)
        self._epochs: list[Epoch] = []
        self._ended: TrainingResult | None = None
        self._trainer: Trainer
        self._recorder: Recorder

    def prepare(self, backend: DeviceBackend | None) -> Sequence[Pulse]:
        """Make the trainer and see that the patterns fit it."""
        if backend is None:
            raise TypeError("a training has a bench, so there is a backend")
        self._trainer = make_trainer(self._checked.training, backend)
        self._trainer.check_task(self._task.train, self._task.train_labels)
        return tuple(self._trainer.update.pulses())

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the chip."""
        return self._trainer.backend.shape

    def begin(self, folder: RunFolder) -> None:
        """Make the record of a new run."""
        backend = self._trainer.backend
        facts = {
            "name": folder.folder.name,
            "label": self._label,
            "kind": backend.kind,
            "preset": self._preset,
            "seed": self.seed,
            "shape": list(backend.shape),
            "bench_sha256": bench_hash(folder.folder),
            "device": backend.identify(),
            **provenance(),
            "started_utc": folder.started_utc,
            "status": "running",
            "tables": bench_tables(self._checked),
        }
        self._recorder = Recorder.create(folder.folder, facts=facts, task=self._task, backend=backend)

    def reopen(self, folder: Path) -> None:
        """Open the record of a run to go on with it."""
        self._recorder = Recorder.reopen(folder, self._known)

    def steps(self, leave_if_wanted: Callable[[], None]) -> Iterator[Epoch]:  # noqa: ARG002 - after each epoch is enough
        """Train, epoch by epoch."""
        return self._trainer.iterate(self._task.train, self._task.train_labels)

    def record(self, step: Epoch) -> None:
        """Write an epoch down."""
        self._recorder.add(step)
        self._epochs.append(step)

    @property
    def result(self) -> TrainingResult | None:
        """What was trained so far."""
        if self._ended is not None or not self._epochs:
            return self._ended
        return self._trainer.result(self._task.train, self._task.train_labels, self._epochs)

    @property
    def is_complete(self) -> bool:
        """Whether every target is met, or every epoch was done."""
        epochs = self._epochs
        return bool(epochs) and (epochs[-1].error == 0 or len(epochs) == self._trainer.epochs)

    @property
    def reached(self) -> str:
        """The last epoch."""
        return f"epoch {len(self._epochs)}"

    def finish(self, status: str, reason: str) -> None:
        """Write how it ended, and what the chip is like now."""
        self._ended = self.result
        self._recorder.finish(status, self._trainer.backend, self._ended, reason)

    def discard(self) -> None:
        """Close the record."""
        self._recorder.close()


def train_and_record(
    bench: Bench,
    *,
    seed: int,
    out: Path,
    preset: str | None = None,
    label: str = "",
    show: Show[Epoch] = lambda _: None,
) -> RunOutcome:
    """Train on a bench and leave a run folder; see `crossbar_hil.runs.life.begin_work`.

    Parameters
    ----------
    bench : Bench
        The checked bench.
    seed : int
        Seed of a virtual chip.
    out : Path
        Folder that holds run folders.
    preset, label : str, optional
        Written down with the run.
    show : callable
        Called with each epoch once it is on disk.
    """
    return begin_work(TrainingWork(bench, seed, preset=preset, label=label), out=out, show=show)


def bench_tables(bench: Bench) -> dict[str, Any]:
    """Return the checked tables of a bench as a run records them; of a file that a person named, the name alone."""
    training = bench.training.model_copy(update={"patterns": _file_name(bench.training.patterns)})
    chip = bench.chip and bench.chip.model_copy(update={"curve": _file_name(bench.chip.curve)})
    return {"bench": dump_tables(bench.model_copy(update={"training": training, "chip": chip}))}


def _file_name(name_or_path: str) -> str:
    return name_or_path if is_shipped(name_or_path) else Path(name_or_path).name


def dry_run(bench: Bench, *, seed: int) -> TrainingResult:
    """Train the virtual chip that a bench file describes, with its training settings; nothing is recorded.

    Parameters
    ----------
    bench : Bench
        A bench of any kind; its [chip] table, or its defaults, describe the virtual chip.
    seed : int
        Seed of the virtual chip.
    """
    chip = bench.chip
    if chip is None and bench.wiring is not None:
        chip = Chip(rows=len(bench.wiring.rows), columns=len(bench.wiring.columns))
    virtual = Bench(name=bench.name, backend="simulated", chip=chip or Chip(), training=bench.training)
    task = PatternSet.from_csv(bench.training.pattern_file)
    with open_backend(virtual, seed=seed) as backend:
        return make_trainer(virtual.training, backend).run(task.train, task.train_labels)
