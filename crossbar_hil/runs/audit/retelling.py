"""A training told again by the journal of its guard: every request of the trainer is answered by what stands there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.backend import DeviceBackend, Limits, Pulse
from crossbar_hil.bench.file import Bench
from crossbar_hil.bench.opening import likeness_of
from crossbar_hil.guard.chain import Entry
from crossbar_hil.guard.replay import Operation, Record
from crossbar_hil.survey.lines import Lines
from crossbar_hil.training.fresh import Assurance, FreshReads, reads_wanted
from crossbar_hil.training.on_chip import assurance_on_chip, epoch_on_chip, fresh_on_chip, result_on_chip
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.result import Epoch, TrainingResult
from crossbar_hil.training.settings import make_trainer

ANYTHING = Limits(1e3, 1e3, 1e3)
"""What was sent was within the limits of its bench, or it would not be in the journal."""

ROUNDING = 1e-12
"""By so much voltages may differ from those of the journal, relative to the largest."""


class JournalEnds(Exception):  # noqa: N818 - it names what happened
    """The journal holds no more."""


class OtherTraining(Exception):  # noqa: N818 - likewise
    """The journal holds another request than the training makes."""


class JournalChip(DeviceBackend):
    """A chip that answers from a journal alone.

    Parameters
    ----------
    shape : tuple of int
        (R, C).
    entries : sequence of Entry
        Of a journal that is whole.
    """

    kind = "journal"
    limits = ANYTHING

    def __init__(self, shape: tuple[int, int], entries: Sequence[Entry]) -> None:
        self.shape = shape
        self.operations = Record.of(entries, shape).operations
        self.place = 0
        """Of the next operation."""

    def _read_currents(self, voltages: FloatArray) -> FloatArray:
        operation = self._next("read")
        # Rows of hidden units went through tanh, whose last digit is the library's.
        if operation.currents is None or not _alike(voltages, operation.voltages):
            raise OtherTraining(f"operation {operation.number} of the journal reads at other voltages")
        self.place += 1
        return operation.currents

    def _send_pulses(self, counts: IntArray, pulse: Pulse) -> None:
        operation = self._next("pulses")
        if not np.array_equal(counts, operation.counts) or pulse != operation.pulse:  # type: ignore[arg-type]
            raise OtherTraining(f"operation {operation.number} of the journal sends other pulses")
        if not operation.ended:
            raise JournalEnds
        self.place += 1

    def make_safe(self) -> None:
        """Do nothing: there is no chip."""

    def _next(self, kind: str) -> Operation:
        if self.place >= len(self.operations):
            raise JournalEnds
        operation = self.operations[self.place]
        if operation.kind != kind:
            raise OtherTraining(f"operation {operation.number} of the journal is {operation.kind}, not {kind}")
        return operation


def _alike(voltages: FloatArray, recorded: FloatArray | None) -> bool:
    if recorded is None or voltages.shape != recorded.shape:
        return False
    return bool((np.abs(voltages - recorded) <= ROUNDING * np.abs(recorded).max(initial=0.0)).all())


@dataclass
class Retold:
    """What a training came to by its journal."""

    confirm: int
    epochs: list[Epoch] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    """Of each epoch, how many operations of the journal were over with it."""
    fresh: FreshReads | None = None
    assurance: Assurance | None = None
    is_complete: bool = False
    """Whether the training has ended by itself, and its fresh reads were taken."""
    result: TrainingResult | None = None
    """Of as many epochs as was asked for; None if there are not so many."""
    problem: str = ""
    """Why it cannot be told to the end of the journal."""


def retell(
    bench: Bench,
    task: PatternSet,
    shape: tuple[int, int],
    entries: Sequence[Entry],
    epochs: int,
    seed: int | None,
    lines: Mapping[str, Any] | None = None,
) -> Retold:
    """Train again, as a bench file says, on a chip that answers from a journal; the result is that of so many epochs.

    Raises
    ------
    CrossbarError
        If patterns or settings do not fit the chip.
    """
    chip = JournalChip(shape, entries)
    chip.noisy, chip.likeness = bench.noisy, likeness_of(bench)
    known = None if lines is None else Lines.from_record(lines, shape)
    trainer = make_trainer(bench.training, chip, seed=seed, lines=known)
    told = Retold(trainer.confirm)
    wanted = 0
    try:
        for epoch in trainer.iterate(task.train, task.train_labels):
            told.epochs.append(epoch_on_chip(trainer, epoch))
            told.ends.append(chip.place)
            if epoch.number == epochs:
                result = trainer.result(task.train, task.train_labels, list(told.epochs))
                told.result = result_on_chip(trainer, result)
        told.is_complete = trainer.has_ended(told.epochs)
        if trainer.has_converged(told.epochs):
            wanted = reads_wanted(bench.training.fresh_reads, chip.noisy, told.epochs)
        if wanted:
            told.is_complete = False
            told.fresh = fresh_on_chip(trainer, task.train, wanted)
            settings = {"beta": trainer.beta, "target0": trainer.target0, "target": trainer.target}
            told.assurance = assurance_on_chip(trainer.arrangement, told.fresh, task, known, **settings)
            told.is_complete = True
        if chip.place < len(chip.operations):
            left = len(chip.operations) - chip.place
            told.problem = f"the journal holds {left} operations more than the training asks for"
    except JournalEnds:
        pass
    except OtherTraining as other:
        told.problem = f"{other} than the training asks for after epoch {len(told.epochs)}"
    return told
