"""How far the verdict of a training holds: evaluations of the chip after its end, and margins in units of their noise.

An evaluation that meets every target may be luck if readings vary. So patterns are evaluated anew, by reads alone, once
training has converged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.confidence import wilson
from crossbar_hil.results.arrays import Variable
from crossbar_hil.training.encoding import target_activations
from crossbar_hil.training.lines.arrangement import Arrangement
from crossbar_hil.training.lines.pairs import difference
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.result import Epoch, TrainingResult
from crossbar_hil.training.trainer import Trainer

READS = 20
"""Fresh reads of a chip whose readings vary: if all of them meet every target, at least 84 % do (Wilson, 95 %)."""

ROUNDING = 1e-9
"""Relative scatter of currents below which they repeat: rounding of the last digits, far below every instrument."""


class FreshReads(NamedTuple):
    """M evaluations of P patterns after training, by C column currents and N activations."""

    currents: FloatArray
    """(M, P, C), in amperes; of L layers (M, L P, C)."""
    activations: FloatArray
    """(M, P, N)."""

    def variables(self) -> dict[str, Variable]:
        """Return both as named arrays, with the dimensions of a `TrainingResult`."""
        current: tuple[str, ...] = ("read", "pattern", "column")
        reached, currents = ("read", "pattern", "output"), self.currents
        reads, patterns = np.arange(1, len(currents) + 1), self.activations.shape[1]
        if currents.shape[1] > patterns:
            current = ("read", "layer", "pattern", "column")
            currents = currents.reshape(len(currents), -1, patterns, currents.shape[2])
        return {
            "fresh_current": Variable(current, currents, "A", "column current after training"),
            "fresh_activation": Variable(reached, self.activations, "1", "tanh(beta I) after training"),
            "read": Variable(("read",), reads, "1", "number of the read after training, from 1"),
        }


def reads_wanted(asked: int | None, noisy: bool | None, epochs: Sequence[Epoch]) -> int:
    """Return how many fresh reads a training gets that has converged.

    Parameters
    ----------
    asked : int, optional
        What a person wants; the following decides if that is not given.
    noisy : bool, optional
        Whether readings vary; if that is not known, whether the last evaluations, between which nothing was pulsed,
        differ.
    """
    if asked is not None:
        return asked
    if noisy is None:
        repeated = confirming_currents(epochs)
        noisy = len(repeated) > 1 and bool((repeated != repeated[0]).any())
    return READS if noisy else 0


def confirming_currents(epochs: Sequence[Epoch]) -> FloatArray:
    """Return the (K, P, C) currents, in amperes, of the last evaluations that met every target; nothing was pulsed."""
    return np.array([each.currents for each in takewhile(lambda epoch: epoch.error == 0, reversed(epochs))])


def read_afresh(trainer: Trainer, patterns: IntArray, reads: int) -> FreshReads:
    """Evaluate (P, R) patterns so many times on the chip as it stands; no pulse is sent."""
    found = [trainer.evaluate(patterns) for _ in range(reads)]
    return FreshReads(np.array([currents for currents, _ in found]), np.array([reached for _, reached in found]))


class Margin(NamedTuple):
    """By how much an activation is beyond its target: on average, over the standard deviation of its reads."""

    in_noise: float
    pattern: int
    """Index, from 0."""
    output: int
    """Index, from 0."""


@dataclass(frozen=True, slots=True)
class Assurance:
    """What fresh reads say of a training that has converged."""

    reads: int
    met: int
    """Those that met every target."""
    margin: Margin | None
    """The smallest of all activations; None if reads repeat exactly."""

    @classmethod
    def of(
        cls,
        fresh: FreshReads,
        labels: IntArray,
        *,
        beta: float,
        target0: float,
        target: float,
        outputs_of: Callable[[FloatArray], FloatArray] = difference,
    ) -> "Assurance":
        """Judge fresh reads of P patterns by the wanted output bits (P, N); gain and targets as in `Trainer`.

        `outputs_of` returns the (M, P, N) currents of the outputs of what was read.
        """
        targets, senses = target_activations(labels, target0, target), 2.0 * labels - 1.0
        met: BoolArray = np.asarray((senses * (fresh.activations - targets) >= 0).all(axis=(1, 2)))
        beyond = senses * (outputs_of(fresh.currents) - np.arctanh(targets) / beta)
        return cls(len(met), int(np.count_nonzero(met)), _smallest_margin(beyond))

    @classmethod
    def by(cls, arrangement: Arrangement, fresh: FreshReads, task: PatternSet, **settings: float) -> "Assurance":
        """Judge what was read of a network by the task that it learnt; other settings as for `of`."""
        sizes = task.train.shape[1], task.train_labels.shape[1]
        return cls.of(
            fresh, task.train_labels, outputs_of=lambda currents: arrangement.outputs_of(currents, *sizes), **settings
        )

    @property
    def sentence(self) -> str:
        """What it comes to, to follow the reason of the training.

        >>> Assurance(20, 20, Margin(3.21, 0, 1)).sentence
        'the smallest margin is 3.2 times the noise; 20 of 20 fresh reads meet every target (95 % interval 84 to 100 %)'
        """
        low, high = wilson(self.met, self.reads)
        margin = "" if self.margin is None else f"the smallest margin is {self.margin.in_noise:.1f} times the noise; "
        return (
            f"{margin}{self.met} of {self.reads} fresh reads meet every target "
            f"(95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
        )

    def as_record(self) -> dict[str, float | int | None]:
        """Return plain numbers; patterns and outputs count from 1, as people do."""
        low, high = wilson(self.met, self.reads)
        margin = self.margin
        return {
            "reads": self.reads,
            "met": self.met,
            "share_low": round(low, 4),
            "share_high": round(high, 4),
            "margin_in_noise": None if margin is None else float(f"{margin.in_noise:.4g}"),
            "margin_pattern": None if margin is None else margin.pattern + 1,
            "margin_output": None if margin is None else margin.output + 1,
        }


def full_reason(result: TrainingResult, assurance: Assurance | None) -> str:
    """Say how a training ended and how far that holds."""
    return result.reason if assurance is None else f"{result.reason}; {assurance.sentence}"


def _smallest_margin(beyond: FloatArray) -> Margin | None:
    """Return the smallest of (M, P, N) differential currents beyond their targets, each in units of its own noise."""
    if len(beyond) < 2:
        return None
    noise = beyond.std(axis=0, ddof=1)
    varies = noise > ROUNDING * np.abs(beyond).max()
    if not varies.any():
        return None
    margins = np.where(varies, beyond.mean(axis=0) / np.where(varies, noise, 1.0), np.inf)
    pattern, output = np.unravel_index(int(margins.argmin()), margins.shape)
    return Margin(float(margins[pattern, output]), int(pattern), int(output))
