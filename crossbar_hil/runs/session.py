"""One recorded training from start to end, as the command line runs it: open, record, train, make safe, report."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossbar_hil.backend import DeviceBackend
from crossbar_hil.bench.file import Bench, Chip
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.errors import Stopped
from crossbar_hil.guard.lock import run_lock
from crossbar_hil.guard.opening import open_guarded
from crossbar_hil.runs.interruption import stop_on_interrupt
from crossbar_hil.runs.recording import Recorder, RunFolder, check_resumable
from crossbar_hil.runs.store import Run
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.result import Epoch, TrainingResult
from crossbar_hil.training.settings import make_trainer
from crossbar_hil.training.trainer import Trainer

Show = Callable[[Epoch], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Where a run lies and how it ended."""

    folder: Path
    kind: str
    status: str
    """``done`` or ``interrupted``."""
    reason: str
    result: TrainingResult | None
    """None if it was interrupted before its first epoch was over."""
    safe: dict[str, Any] | None
    """How the bench was made safe, as its guard told it; None without a guard."""


def train_and_record(
    bench: Bench,
    *,
    seed: int,
    out: Path,
    preset: str | None = None,
    label: str = "",
    show: Show = lambda _: None,
) -> Outcome:
    """Train on a bench and leave a run folder.

    Ctrl-C ends the run after the operation under way (behind a guard) or the epoch under way; whatever was done is
    kept, and `resume_and_record` goes on with it.

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
        If the run cannot start, in which case no folder is left unless the bench may not be safe, or fails, in which
        case what was done is kept.
    """
    task = PatternSet.from_csv(bench.training.pattern_file)
    with ExitStack() as opened:
        if bench.wiring is not None and bench.instruments:
            shape = len(bench.wiring.rows), len(bench.wiring.columns)
            folder = RunFolder.make(out, rule=bench.training.rule, shape=shape)
            opened.callback(folder.take_back)
            backend: DeviceBackend = open_guarded(bench, seed=seed, folder=folder.folder)
            opened.enter_context(backend)
        else:
            backend = opened.enter_context(open_backend(bench, seed=seed))
            folder = RunFolder.make(out, rule=bench.training.rule, shape=backend.shape)
            opened.callback(folder.take_back)
            bench.copy_into(folder.folder)
        trainer = make_trainer(bench.training, backend)
        trainer.check_task(task.train, task.train_labels)
        for pulse in trainer.update.pulses():
            backend.check_pulses(np.zeros(backend.shape, dtype=np.int64), pulse)
        recorder = Recorder.create(
            folder, bench=bench, backend=backend, trainer=trainer, task=task, seed=seed, preset=preset, label=label
        )
        opened.pop_all()
    return _carry_out(backend, trainer, recorder, task, show, never_began=folder.take_back)


def resume_and_record(run: Run, *, show: Show = lambda _: None) -> Outcome:
    """Go on with a run that was interrupted, failed or died, without repeating a pulse.

    The trainer runs again from its settings. A virtual chip is drawn again from its seed; a chip behind instruments is
    asked for nothing until the journal of its guard ends. What the record holds already must come again bit by bit.

    Parameters
    ----------
    run : Run
        The recorded run.
    show : callable
        Called with each epoch, the recorded ones first.

    Raises
    ------
    RunError
        If the run is done, its bench file was changed, or the replay does not do what was recorded.
    CrossbarError
        If the bench cannot be opened, or is not the one that the run left.
    """
    check_resumable(run)
    bench, seed = run.bench, run.settings["seed"]
    if bench.instruments:
        backend: DeviceBackend = open_guarded(bench, seed=seed, folder=run.folder, resume=True)
    else:
        backend = open_backend(bench, seed=seed)
    with ExitStack() as locked, ExitStack() as opened:
        opened.enter_context(backend)
        if not bench.instruments:  # a bench with instruments is locked by its guard
            locked.enter_context(run_lock(run.folder, run.name))
        trainer, recorder = make_trainer(bench.training, backend), Recorder.reopen(run)
        opened.pop_all()
        return _carry_out(backend, trainer, recorder, run.task, show)


def _carry_out(
    backend: DeviceBackend,
    trainer: Trainer,
    recorder: Recorder,
    task: PatternSet,
    show: Show,
    *,
    never_began: Callable[[], None] | None = None,
) -> Outcome:
    """Train, record every epoch, make safe, and only then write how it ended.

    A new run that failed before it did anything is taken back by `never_began`.
    """
    epochs: list[Epoch] = []

    def result() -> TrainingResult | None:
        return trainer.result(task.train, task.train_labels, epochs) if epochs else None

    reason = ""
    try:
        with backend, stop_on_interrupt(backend.request_stop) as stop:
            for epoch in trainer.iterate(task.train, task.train_labels):
                recorder.add(epoch)
                epochs.append(epoch)
                show(epoch)
                if stop.wanted:
                    reason = f"interrupted after epoch {epoch.number}"
                    break
    except Stopped as stopped:
        reason = str(stopped)
    except BaseException as error:
        if never_began is None or backend.pulsed or epochs:
            recorder.finish("failed", backend, result(), str(error) or type(error).__name__)
        else:
            recorder.close()
            never_began()
        raise
    found = result()
    if found is not None and (found.converged or found.epochs == trainer.epochs):
        reason = ""
    status = "interrupted" if reason else "done"
    recorder.finish(status, backend, found, reason)
    return Outcome(recorder.folder, backend.kind, status, reason, found, getattr(backend, "safe_report", None))


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
