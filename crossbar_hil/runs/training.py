"""A recorded training: the work that its run does, from the trainer to the record."""

import functools
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.bench.file import Bench, Chip
from crossbar_hil.bench.named_files import NamedFile, renamed
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.bench.virtual_chips import virtual_chips
from crossbar_hil.runs.folder import RunFolder
from crossbar_hil.runs.life import RecordedWork, Show, begin_work
from crossbar_hil.runs.provenance import bench_hash, provenance
from crossbar_hil.runs.recorded_settings import dump_tables
from crossbar_hil.runs.run import RunOutcome
from crossbar_hil.runs.training_record import check_replay, create_record, finish_record, reopen_record, write_epoch
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.result import Epoch, TrainingResult
from crossbar_hil.training.settings import make_trainer
from crossbar_hil.training.trainer import Trainer


class TrainingWork(RecordedWork[Epoch]):
    """The training of a checked bench; a resumed run knows epochs already, which must come again as they were."""

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
        self._checked, self._known = bench, known
        self._given = {"label": label, "preset": preset}
        self._task = PatternSet.from_csv(bench.training.pattern_file)
        self._epochs: list[Epoch] = []
        self._trainer: Trainer
        self._record: sqlite3.Connection

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
            **self._given,
            "kind": backend.kind,
            "seed": self.seed,
            "shape": list(backend.shape),
            "bench_sha256": bench_hash(folder.folder),
            "device": backend.identify(),
            **facts_of_chips(backend, self._checked),
            **provenance(),
            "started_utc": folder.started_utc,
            "status": "running",
            "tables": bench_tables(self._checked),
        }
        self._record = create_record(folder.folder, facts, self._task, backend)

    def reopen(self, folder: Path) -> None:
        """Open the record of a run to go on with it."""
        self._record = reopen_record(folder)

    def steps(self, leave_if_wanted: Callable[[], None]) -> Iterator[Epoch]:  # noqa: ARG002 - after each epoch is enough
        """Train, epoch by epoch."""
        return self._trainer.iterate(self._task.train, self._task.train_labels)

    def record(self, step: Epoch) -> None:
        """Write an epoch down, or see that a recorded one came again as it was."""
        if step.number in self._known:
            check_replay(step, self._known[step.number])
        else:
            write_epoch(self._record, step)
        self._epochs.append(step)

    @functools.cached_property
    def result(self) -> TrainingResult | None:
        """What was trained, once it has ended."""
        if not self._epochs:
            return None
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
        result = self.result
        facts: dict[str, Any] = {"status": status, "reason": reason}
        if result is not None:
            facts |= {
                "reason": reason or result.reason,
                "converged": result.converged,
                "epochs": result.epochs,
                "pulses": result.pulses,
                "error": float(result.errors[-1]),
                "verdict": result.verdict,
            }
        finish_record(self._record, facts, self._trainer.backend)

    def discard(self) -> None:
        """Close the record."""
        self._record.close()


def facts_of_chips(backend: DeviceBackend, bench: Bench | None, *, gain: bool = True) -> dict[str, Any]:
    """Return what is said of a virtual chip; nothing of a real one."""
    found = None if bench is None or backend.kind == "hardware" else virtual_chips(bench, gain=gain)
    return {} if found is None else {"virtual_chip": found.as_record()}


def train_and_record(
    bench: Bench,
    *,
    seed: int,
    out: Path,
    preset: str | None = None,
    label: str = "",
    show: Show[Epoch] = lambda _: None,
) -> RunOutcome:
    """Train on a checked bench and leave a run folder in `out`; see `crossbar_hil.runs.life.begin_work`.

    The seed is that of a virtual chip; preset and label are written down with the run; `show` is called with each epoch
    once it is on disk.
    """
    return begin_work(TrainingWork(bench, seed, preset=preset, label=label), out=out, show=show)


def bench_tables(bench: Bench) -> dict[str, Any]:
    """Return the checked tables of a bench as a run records them; of a file that a person named, the name alone."""
    return {"bench": dump_tables(renamed(bench.resolved, NamedFile.short_name))}


def dry_bench(bench: Bench) -> Bench:
    """Return the simulated bench of a dry run of a bench of any kind."""
    chip = bench.chip
    if chip is None and bench.wiring is not None:
        chip = Chip(rows=len(bench.wiring.rows), columns=len(bench.wiring.columns))
    return Bench(name=bench.name, backend="simulated", chip=chip or Chip(), training=bench.training)


def dry_run(bench: Bench, *, seed: int) -> TrainingResult:
    """Train the virtual chip that [chip] of a bench of any kind describes, or its defaults; nothing is recorded."""
    virtual = dry_bench(bench)
    task = PatternSet.from_csv(bench.training.pattern_file)
    with open_backend(virtual, seed=seed) as backend:
        return make_trainer(virtual.training, backend).run(task.train, task.train_labels)
