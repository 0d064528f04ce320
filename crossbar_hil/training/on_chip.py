"""A training as its chip saw it: cells and columns of the chip, where the network is on some of its lines alone."""

from dataclasses import replace

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.survey.lines import Lines
from crossbar_hil.survey.mapped import MappedChip
from crossbar_hil.training.fresh import Assurance, FreshReads, read_afresh
from crossbar_hil.training.lines.arrangement import Arrangement
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.result import Epoch, TrainingResult
from crossbar_hil.training.trainer import Trainer


def lines_of(trainer: Trainer) -> Lines | None:
    """Return the lines of the chip that a trainer is on; None if its network is on the first ones in their order."""
    return trainer.backend.lines if isinstance(trainer.backend, MappedChip) else None


def epoch_on_chip(trainer: Trainer, epoch: Epoch) -> Epoch:
    """Return the epoch that a trainer has just handed out, with the cells and columns of the chip."""
    mapped = trainer.backend
    if not isinstance(mapped, MappedChip) or mapped.map is None:
        return epoch
    currents = np.concatenate(mapped.read_since[: trainer.arrangement.depth])
    counts, falling = (mapped.lines.on_chip(each) for each in (epoch.counts, epoch.depressing))
    return epoch._replace(conductances=mapped.map, currents=currents, counts=counts, depressing=falling)


def fresh_on_chip(trainer: Trainer, patterns: IntArray, reads: int) -> FreshReads:
    """Evaluate (P, R) patterns so many times, with the columns of the chip; no pulse is sent."""
    mapped = trainer.backend
    if not isinstance(mapped, MappedChip):
        return read_afresh(trainer, patterns, reads)
    columns, currents, activations = np.array(mapped.lines.columns), [], []
    for _ in range(reads):
        seen: list[FloatArray] = []

        def read(voltages: FloatArray, seen: list[FloatArray] = seen) -> FloatArray:
            seen.append(mapped.read_columns(voltages))
            return seen[-1][:, columns]

        activations.append(trainer.evaluate(patterns, read)[1])
        currents.append(np.concatenate(seen))
    return FreshReads(np.array(currents), np.array(activations))


def assurance_on_chip(
    arrangement: Arrangement, fresh: FreshReads, task: PatternSet, lines: Lines | None, **settings: float
) -> Assurance:
    """Judge fresh reads, with the columns of the chip, of a network on some of its lines; see `Assurance.by`."""
    if lines is not None:
        fresh = fresh._replace(currents=fresh.currents[..., np.array(lines.columns)])
    return Assurance.by(arrangement, fresh, task, **settings)


def result_on_chip(trainer: Trainer, result: TrainingResult) -> TrainingResult:
    """Return the result of epochs with the cells of the chip, whole."""
    mapped = trainer.backend
    if not isinstance(mapped, MappedChip):
        return result
    unresponsive: BoolArray = mapped.lines.on_chip(result.unresponsive)
    saturated = mapped.chip.saturated_cells()
    return replace(result, saturated=saturated, unresponsive=unresponsive, lines=mapped.lines)
