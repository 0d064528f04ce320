"""A recorded training: the work that its run does, from the trainer to the record."""

import functools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.bench.file import Bench, Chip
from crossbar_hil.bench.foretelling import epoch_reads
from crossbar_hil.bench.named_files import NamedFile, renamed
from crossbar_hil.bench.recorded import bench_hash
from crossbar_hil.bench.virtual_chips import VirtualChips, virtual_chips
from crossbar_hil.errors import RunError
from crossbar_hil.guard.client import GuardedBackend
from crossbar_hil.runs.beginning import beginning_of
from crossbar_hil.runs.folder import RunFolder
from crossbar_hil.runs.interruption import Button
from crossbar_hil.runs.life import RecordedWork, Show, begin_work
from crossbar_hil.runs.provenance import provenance
from crossbar_hil.runs.recorded_settings import dump_tables
from crossbar_hil.runs.run import RunOutcome
from crossbar_hil.runs.training_record import (
    Record,
    Sizes,
    check_fresh,
    check_replay,
    create_record,
    finish_record,
    reopen_record,
    reread_epochs,
    write_epoch,
    write_fresh,
)
from crossbar_hil.screen.view import Phase, no_phase
from crossbar_hil.shipped import data_file
from crossbar_hil.survey.file import read_cells
from crossbar_hil.survey.judging import LEFT_OUT
from crossbar_hil.survey.lines import Lines
from crossbar_hil.survey.on_bench.surveying import check_cells
from crossbar_hil.training.asking import described
from crossbar_hil.training.fresh import Assurance, FreshReads, full_reason, reads_wanted
from crossbar_hil.training.on_chip import assurance_on_chip, epoch_on_chip, fresh_on_chip, lines_of, result_on_chip
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.result import Epoch, TrainingResult
from crossbar_hil.training.settings import make_trainer
from crossbar_hil.training.trainer import Trainer


class TrainingWork(RecordedWork[Epoch | FreshReads]):
    """The training of a checked bench, and the fresh reads of a chip that has converged.

    A resumed run knows epochs, and perhaps fresh reads, already; they must come again as they were.
    """

    first_step = "the first epoch"

    def __init__(
        self,
        bench: Bench,
        seed: int,
        *,
        task: str | None = None,
        preset: str | None = None,
        label: str = "",
        forecast: Mapping[str, Any] | None = None,
        warnings: Sequence[str] = (),
        chips: VirtualChips | None = None,
        known: Mapping[int, Epoch] = MappingProxyType({}),
        known_fresh: FreshReads | None = None,
        known_rule: Mapping[str, Any] | None = None,
        known_lines: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(bench, seed, bench.training.rule)
        check_cells(bench, seed)
        self._checked, self._chips, self._known, self._known_fresh = bench, chips, dict(known), known_fresh
        self._known_rule, self._known_lines = known_rule, known_lines
        self._given: dict[str, Any] = {"label": label, "preset": preset}
        self._given |= {"task": task} if task else {}
        self._given |= {"forecast": dict(forecast)} if forecast else {}
        self._given |= {"warnings": list(warnings)} if warnings else {}
        self._task = PatternSet.from_csv(bench.training.pattern_file)
        self._last: deque[Epoch] = deque()  # so many as can end it; the others are in the record, which may be long
        self._done = 0
        self._fresh: FreshReads | None = None
        self._trainer: Trainer
        self._chip: DeviceBackend
        self._record: Record

    def prepare(self, backend: DeviceBackend | None) -> Sequence[Pulse]:
        """Make the trainer and see that the patterns fit it.

        Raises
        ------
        RunError
            If the rule of a run that goes on is not what it was.
        """
        if backend is None:
            raise TypeError("a training has a bench, so there is a backend")
        self._chip, known = backend, self._known_lines
        lines = None if known is None else Lines.from_record(known, backend.shape)
        self._trainer = make_trainer(self._checked.training, backend, seed=self.seed, lines=lines)
        now = described(self._trainer.rule)
        if self._known_rule not in (None, now):
            raise RunError(
                f"rule {self.rule!r} is not what it was when the run began, {self._known_rule}, but {now}; nothing was "
                "sent"
            )
        self._last = deque(maxlen=max(self._trainer.confirm, 2))
        self._trainer.check_task(self._task.train, self._task.train_labels)
        return tuple(self._trainer.update.pulses())

    @property
    def _sizes(self) -> Sizes:
        return Sizes.of(self._task, self._trainer.arrangement.depth)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the chip."""
        return self._chip.shape

    def begin(self, folder: RunFolder) -> None:
        """Make the record of a new run."""
        backend = self._chip
        facts = {
            "name": folder.folder.name,
            **self._given,
            "kind": backend.kind,
            "seed": self.seed,
            "shape": list(backend.shape),
            "bench_sha256": bench_hash(folder.folder),
            "device": backend.identify(),
            **({"reading": said} if self._checked is not None and (said := epoch_reads(self._checked)) else {}),
            "confirm": self._trainer.confirm,
            "learning_rule": described(self._trainer.rule),
            **self._network(),
            **facts_of_chips(backend, self._checked, known=self._chips),
            **provenance(),
            "started_utc": folder.started_utc,
            "status": "running",
            "tables": bench_tables(self._checked),
        }
        if isinstance(backend, GuardedBackend):
            backend.note_record(beginning_of(facts, self._task, self._checked, folder.folder))
        self._record = create_record(folder.folder, facts, self._task, backend)

    def _network(self) -> dict[str, Any]:
        """Say what network is trained, unless it is one layer that takes the whole chip, and on which lines of it."""
        arrangement, task, lines = self._trainer.arrangement, self._task, lines_of(self._trainer)
        where = {} if lines is None else {"lines": lines.as_record(), "bad_cells": bad_cells(self._checked)}
        if arrangement.is_plain:
            return where
        return where | {"network": arrangement.in_words(task.train.shape[1], task.train_labels.shape[1])}

    def reopen(self, folder: Path) -> None:
        """Open the record of a run to go on with it."""
        self._record = reopen_record(folder, self.resumed_facts)

    def steps(
        self,
        leave_if_wanted: Callable[[], None],  # noqa: ARG002 - after each epoch is enough
    ) -> Iterator[Epoch | FreshReads]:
        """Train, epoch by epoch, and read a chip that has converged afresh."""
        for epoch in self._trainer.iterate(self._task.train, self._task.train_labels):
            yield epoch_on_chip(self._trainer, epoch)
        if self._reads_wanted:
            self.phase("reading the trained chip afresh", brief=True)
            yield fresh_on_chip(self._trainer, self._task.train, self._reads_wanted)

    @property
    def _reads_wanted(self) -> int:
        """How many fresh reads the training gets, now that its epochs are done."""
        if not self._trainer.has_converged(self._last):
            return 0
        return reads_wanted(self._checked.training.fresh_reads, self._trainer.backend.noisy, self._last)

    def record(self, step: Epoch | FreshReads) -> None:
        """Write an epoch or fresh reads down, or see that recorded ones came again as they were."""
        if isinstance(step, FreshReads):
            if self._known_fresh is not None:
                check_fresh(step, self._known_fresh)
            else:
                write_fresh(self._record, step)
            self._fresh = step
            return
        known = self._known.pop(step.number, None)
        if known is not None:
            check_replay(step, known)
        else:
            write_epoch(self._record, step)
        self._last.append(step)
        self._done += 1

    @functools.cached_property
    def result(self) -> TrainingResult | None:
        """What was trained, once it has ended."""
        if not self._done:
            return None
        recorded = reread_epochs(self._record, self.shape, self._sizes)[: self._done]
        epochs = [*recorded[:-1], self._last[-1]]  # why it was given up is not in the tables
        return result_on_chip(self._trainer, self._trainer.result(self._task.train, self._task.train_labels, epochs))

    @property
    def is_complete(self) -> bool:
        """Whether the training has ended by itself, and its fresh reads were taken."""
        ended = self._done == self._trainer.epochs or self._trainer.has_ended(self._last)
        return ended and (self._fresh is not None or not self._reads_wanted)

    @property
    def reached(self) -> str:
        """The last epoch, or that fresh reads were done too."""
        return f"epoch {self._done}" if self._fresh is None else "the fresh reads"

    @property
    def assurance(self) -> Assurance | None:
        """What the fresh reads say, if there were any."""
        if self._fresh is None:
            return None
        trainer = self._trainer
        settings = {"beta": trainer.beta, "target0": trainer.target0, "target": trainer.target}
        return assurance_on_chip(trainer.arrangement, self._fresh, self._task, lines_of(trainer), **settings)

    def finish(self, status: str, reason: str) -> None:
        """Write how it ended, and what the chip is like now."""
        result = self.result
        facts: dict[str, Any] = {"status": status, "reason": reason}
        if result is not None:
            facts |= ending_of(result, self.assurance)
            facts["reason"] = reason or facts["reason"]
        backend = self._chip
        if work := backend.work_done():
            facts["bench_work"] = work
        unresponsive = None if result is None else result.unresponsive
        finish_record(self._record, facts, backend, unresponsive)

    def discard(self) -> None:
        """Close the record."""
        self._record.close()


def bad_cells(bench: Bench) -> list[dict[str, Any]]:
    """Return the cells that a bench leaves out, rows and columns from 1, each with what was found in it."""
    if bench.training.cells is None:
        return []
    found = read_cells(data_file(bench.training.cells))
    return [each.model_dump(include={"row", "column", "verdict"}) for each in found.cell if each.verdict in LEFT_OUT]


def ending_of(result: TrainingResult, assurance: Assurance | None) -> dict[str, Any]:
    """Return the facts of how a training ended by itself."""
    fresh = {} if assurance is None else {"fresh_reads": assurance.as_record()}
    return {
        "reason": full_reason(result, assurance),
        "converged": result.converged,
        "epochs": result.epochs,
        "pulses": result.pulses,
        "error": float(result.errors[-1]),
        "verdict": result.verdict,
        "given_up": result.given_up,
        **fresh,
    }


def facts_of_chips(
    backend: DeviceBackend, bench: Bench | None, *, gain: bool = True, known: VirtualChips | None = None
) -> dict[str, Any]:
    """Return what is said of a virtual chip, if it is not known yet; nothing of one that is not made from [chip]."""
    from_chip = bench is not None and (backend.simulates_chip or bool(bench.instruments))
    if not (bench and from_chip and backend.kind != "hardware"):
        return {}
    found = known or virtual_chips(bench, gain=gain)
    return {} if found is None else {"virtual_chip": found.as_record()}


def train_and_record(
    bench: Bench,
    *,
    seed: int,
    out: Path,
    task: str | None = None,
    preset: str | None = None,
    label: str = "",
    forecast: Mapping[str, Any] | None = None,
    warnings: Sequence[str] = (),
    chips: VirtualChips | None = None,
    show: Show[Epoch] = lambda _: None,
    button: Button | None = None,
    phase: Phase = no_phase,
) -> RunOutcome:
    """Train on a checked bench and leave a run folder in `out`; see `crossbar_hil.runs.life.begin_work`.

    The seed is that of a virtual chip; task, preset, label, what was foretold (`Forecast.as_record` of
    `crossbar_hil.studies.convergence.forecast`), what the person was warned of and what the virtual chip is like, if
    that is known already, are written down with the run; `show` is called with each epoch once it is on disk, `phase`
    with what is waited for; `button` ends it as Ctrl-C does.
    """
    given: dict[str, Any] = {"task": task, "preset": preset, "label": label, "forecast": forecast, "warnings": warnings}
    work = TrainingWork(bench, seed, chips=chips, **given)
    work.phase = phase
    return begin_work(work, out=out, show=epochs_only(show), button=button)


def epochs_only(show: Show[Epoch]) -> Show[Epoch | FreshReads]:
    """Show the epochs of a training and nothing of its fresh reads."""
    return lambda step: show(step) if isinstance(step, Epoch) else None


def bench_tables(bench: Bench) -> dict[str, Any]:
    """Return the checked tables of a bench as a run records them; of a file that a person named, the name alone."""
    return {"bench": dump_tables(renamed(bench.resolved, NamedFile.short_name))}


def dry_bench(bench: Bench) -> Bench:
    """Return the simulated bench of a dry run of a bench of any kind."""
    chip = bench.chip
    if chip is None and bench.wiring is not None:
        chip = Chip(rows=len(bench.wiring.rows), columns=len(bench.wiring.columns))
    return Bench(name=bench.name, backend="simulated", chip=chip or Chip(), training=bench.training)
