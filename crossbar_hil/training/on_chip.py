"""A training as its chip saw it: cells and columns of the chip, where the network is on some of its lines alone."""

from dataclasses import replace

import numpy as np

from crossbar_hil.arrays import BoolArray, IntArray
from crossbar_hil.survey.lines import Lines
from crossbar_hil.survey.mapped import MappedChip
from crossbar_hil.training.activation import Tanh
from crossbar_hil.training.encoding import row_voltages
from crossbar_hil.training.fresh import FreshReads, read_afresh
from crossbar_hil.training.pairs import difference
from crossbar_hil.training.result import Epoch, TrainingResult
from crossbar_hil.training.trainer import Trainer


def lines_of(trainer: Trainer) -> Lines | None:
    """Return the lines of the chip that a trainer is on; None if its network is the chip."""
    return trainer.backend.lines if isinstance(trainer.backend, MappedChip) else None


def epoch_on_chip(trainer: Trainer, epoch: Epoch) -> Epoch:
    """Return the epoch that a trainer has just handed out, with the cells and columns of the chip."""
    mapped = trainer.backend
    if not isinstance(mapped, MappedChip) or mapped.map is None or mapped.pattern_currents is None:
        return epoch
    counts, falling = (mapped.lines.on_chip(each) for each in (epoch.counts, epoch.depressing))
    return epoch._replace(conductances=mapped.map, currents=mapped.pattern_currents, counts=counts, depressing=falling)


def fresh_on_chip(trainer: Trainer, patterns: IntArray, reads: int) -> FreshReads:
    """Evaluate (P, R) patterns so many times, with the columns of the chip; no pulse is sent."""
    mapped = trainer.backend
    if not isinstance(mapped, MappedChip):
        return read_afresh(trainer, patterns, reads)
    voltages = row_voltages(patterns, trainer.v0, trainer.v1)
    currents = np.array([mapped.read_columns(voltages) for _ in range(reads)])
    outputs = difference(currents[..., np.array(mapped.lines.columns)])
    return FreshReads(currents, Tanh(trainer.beta)(outputs))


def result_on_chip(trainer: Trainer, result: TrainingResult) -> TrainingResult:
    """Return the result of epochs with the cells of the chip, whole."""
    mapped = trainer.backend
    if not isinstance(mapped, MappedChip):
        return result
    unresponsive: BoolArray = mapped.lines.on_chip(result.unresponsive)
    saturated = mapped.chip.saturated_cells()
    return replace(result, saturated=saturated, unresponsive=unresponsive, lines=mapped.lines)
