"""One recorded training from start to end, as the command line runs it: open, record, train, make safe, report."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from crossbar_hil.bench import make_trainer, open_backend
from crossbar_hil.config import Bench, Chip
from crossbar_hil.patterns import PatternSet
from crossbar_hil.recording import Recorder
from crossbar_hil.result import Epoch, TrainingResult


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Where a run lies and how it ended."""

    folder: Path
    kind: str
    status: str
    result: TrainingResult


class _Stop:
    """Set by the first Ctrl-C; a second one interrupts at once."""

    wanted = False

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        self.wanted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)


def train_and_record(
    bench: Bench,
    *,
    seed: int,
    out: Path,
    preset: str | None = None,
    label: str = "",
    show: Callable[[Epoch], Any] = lambda _: None,
) -> Outcome:
    """Train on a bench and leave a run folder.

    Ctrl-C ends the run after the epoch under way; whatever was done is kept.

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

    Raises
    ------
    CrossbarError
        If the run cannot start, in which case no folder is left, or fails, in which case what was done is kept.
    """
    task = PatternSet.from_csv(bench.training.pattern_file)
    with open_backend(bench, seed=seed) as backend:
        trainer = make_trainer(bench, backend)
        training = trainer.iterate(task.train, task.train_labels)
        recorder = Recorder.create(
            out, bench=bench, backend=backend, trainer=trainer, task=task, seed=seed, preset=preset, label=label
        )
        epochs: list[Epoch] = []
        status, reason = "done", ""
        try:
            with _stop_on_interrupt() as stop:
                for epoch in training:
                    recorder.add(epoch)
                    epochs.append(epoch)
                    show(epoch)
                    if stop.wanted:
                        status, reason = "interrupted", f"interrupted after epoch {epoch.number}"
                        break
        except BaseException as error:
            if epochs:
                result = trainer.result(task.train, task.train_labels, epochs)
                recorder.finish("failed", backend, result, str(error) or type(error).__name__)
            else:
                recorder.discard()
            raise
        result = trainer.result(task.train, task.train_labels, epochs)
        if result.converged or result.epochs == trainer.epochs:
            status, reason = "done", ""
        recorder.finish(status, backend, result, reason)
    return Outcome(recorder.folder, backend.kind, status, result)


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
        return make_trainer(virtual, backend).run(task.train, task.train_labels)


@contextmanager
def _stop_on_interrupt() -> Iterator[_Stop]:
    stop = _Stop()
    try:
        before = signal.signal(signal.SIGINT, stop)
    except ValueError:  # not in the main thread, where no signal arrives anyway
        yield stop
        return
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
