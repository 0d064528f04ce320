"""What a training leaves behind: each epoch as it was measured, and what it amounts to."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray, stack
from crossbar_hil.errors import DataError
from crossbar_hil.results.arrays import Variable
from crossbar_hil.results.result import Result, Series
from crossbar_hil.survey.lines import Lines
from crossbar_hil.text import counted
from crossbar_hil.training.encoding import target_activations
from crossbar_hil.training.lines.arrangement import PLAIN, Arrangement
from crossbar_hil.training.lines.names import LineNames, line_names, names_on_lines
from crossbar_hil.training.lines.pairs import difference

_STACKED = ("conductances", "currents", "activations", "counts", "depressing")
"""Arrays of an epoch that a result holds for all epochs."""
MAY_HELP = "the error still falls, more epochs may help"
SELDOM_HELP = "the error still falls, but with pull back more epochs seldom help"
NOTHING_SENT = "the rule asked for no pulse, so none was sent"
NO_MORE_SENT = "the rule asks for nothing more, so no more pulses are sent"
ENDS_REACHED = "every cell that the rule would pulse is at the end of its curve"
NONE_REACTS = "no cell that the rule would pulse reacts to pulses"
NONE_MOVES = "every cell that the rule would pulse is at the end of its curve or does not react to pulses"
BUT_LEFT_OUT = "(pulses to cells that are left out do not count)"
RAISE_IT = " (unresponsive = {}: raise it if the curve of the chip may be flat for longer)"


class Epoch(NamedTuple):
    """One evaluation of all patterns, and the pulses that followed it."""

    number: int
    """Counted from 1; this epoch saw the chip after ``number - 1`` updates."""
    conductances: FloatArray
    """(R, C) conductances before this epoch's update, in siemens."""
    currents: FloatArray
    """(P, C) column currents, in amperes; of L layers (L P, C), those of one layer after those of the other."""
    activations: FloatArray
    """(P, N) activations."""
    shortfalls: FloatArray
    """(P, N) distance of each activation from its target, zero where it is met."""
    error: float
    """Sum of the shortfalls; zero means that every target is met."""
    counts: IntArray
    """(R, C) pulses sent after this evaluation."""
    depressing: IntArray
    """(R, C) those among them that depress."""
    given_up: str = ""
    """Why nothing can move any more; empty unless the training ends with this epoch for that."""

    @property
    def pulses(self) -> int:
        """Pulses sent after this evaluation, over all cells."""
        return int(self.counts.sum())

    @property
    def met(self) -> int:
        """How many patterns meet the targets of all their outputs."""
        return int((self.shortfalls == 0).all(axis=1).sum())


def met_at_last(epochs: Sequence[Epoch]) -> int:
    """Return how many evaluations in a row met every target at the end."""
    return sum(1 for _ in takewhile(lambda epoch: epoch.error == 0, reversed(epochs)))


@dataclass(frozen=True, slots=True)
class Miss:
    """An output that misses its target for one pattern."""

    pattern: int
    """Index of the pattern, from 0."""
    output: int
    """Index of the output, from 0."""
    activation: float
    target: float
    shortfall: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrainingResult(Result):
    """The record of a training of E epochs over P patterns, R rows, C columns and N outputs."""

    drawn_by: ClassVar[str] = "training"
    plots: ClassVar[tuple[str, ...]] = (
        "error", "conductances", "weights", "activations", "chip", "chip_change", "final_conductances", "answers",
    )  # fmt: skip

    converged: bool
    epochs: int
    """E, the number of evaluations; E - 1 updates came before the last one."""
    conductances: FloatArray
    """(E, R, C) before each epoch's update, in siemens; the last is the chip as training left it."""
    currents: FloatArray
    """(E, P, C) column currents, in amperes; of L layers (E, L P, C)."""
    activations: FloatArray
    """(E, P, N)."""
    errors: FloatArray
    """(E,) summed distance to the targets."""
    counts: IntArray
    """(E, R, C) pulses sent after each evaluation."""
    depressing: IntArray
    """(E, R, C) those among them that depress."""
    patterns: IntArray
    """(P, R) input bits; of a network (P, n)."""
    labels: IntArray
    """(P, N) wanted output bits."""
    target0: float
    """Activation that a label 0 must not exceed."""
    target: float
    """Activation that a label 1 must reach."""
    saturated: BoolArray
    """(R, C) cells known to be at the end of their curve after training."""
    unresponsive: BoolArray
    """(R, C) cells that were found not to react to pulses, and got no more."""
    confirm: int
    """Evaluations in a row that had to meet every target."""
    pull_back: bool
    """Whether activations beyond their target were pulled back to it."""
    given_up: str
    """Why nothing could move any more; empty if the training did not end for that."""
    repeats: bool = True
    """Whether the rule answers the same whenever it reads the same; else, what it asked for last says little."""
    arrangement: Arrangement = PLAIN
    """What network it is, and how its layers lie on the chip."""
    lines: Lines | None = None
    """Which lines of the chip the network is on, whose cells and columns all other arrays count; None if on the first
    ones in their order."""

    @classmethod
    def from_epochs(
        cls,
        epochs: Sequence[Epoch],
        *,
        patterns: IntArray,
        labels: IntArray,
        target0: float,
        target: float,
        saturated: BoolArray,
        unresponsive: BoolArray | None = None,
        confirm: int = 1,
        pull_back: bool = False,
        repeats: bool = True,
        arrangement: Arrangement = PLAIN,
        lines: Lines | None = None,
    ) -> Self:
        """Stack epochs into arrays.

        Raises
        ------
        DataError
            If there is no epoch.
        """
        if not epochs:
            raise DataError("a training result needs at least one epoch, got none")
        return cls(
            converged=met_at_last(epochs) >= confirm,
            epochs=len(epochs),
            errors=np.array([epoch.error for epoch in epochs]),
            **{name: stack([getattr(epoch, name) for epoch in epochs]) for name in _STACKED},
            patterns=patterns,
            labels=labels,
            target0=target0,
            target=target,
            saturated=saturated,
            unresponsive=np.zeros_like(saturated) if unresponsive is None else unresponsive,
            confirm=confirm,
            pull_back=pull_back,
            given_up=epochs[-1].given_up,
            repeats=repeats,
            arrangement=arrangement,
            lines=lines,
        )

    @property
    def pulses(self) -> int:
        """Pulses sent in all."""
        return int(self.counts.sum())

    @property
    def met_at_last(self) -> int:
        """How many evaluations in a row met every target at the end."""
        missed = np.flatnonzero(self.errors)
        return self.epochs - 1 - int(missed[-1]) if missed.size else self.epochs

    @property
    def _most_met(self) -> int:
        """How many evaluations in a row met every target at most."""
        missed = np.flatnonzero(self.errors)
        return int(np.diff([-1, *missed, self.epochs]).max()) - 1

    @property
    def weights(self) -> FloatArray:
        """(E, R, N) logic weights G+ - G-, in siemens; with pairs of rows (E, R / 2, C). N is half the columns."""
        cells = self.conductances if self.lines is None else self.lines.of_chip(self.conductances)
        if self.arrangement.pairs == "rows":
            return difference(cells.swapaxes(1, 2)).swapaxes(1, 2)
        return difference(cells)

    @property
    def targets(self) -> FloatArray:
        """(P, N) target of each activation."""
        return target_activations(self.labels, self.target0, self.target)

    @property
    def misses(self) -> list[Miss]:
        """Outputs that miss their target at the end, the worst first."""
        gaps = (2 * self.labels - 1) * (self.targets - self.activations[-1])
        found = [
            Miss(int(p), int(n), float(self.activations[-1, p, n]), float(self.targets[p, n]), float(gaps[p, n]))
            for p, n in np.argwhere(gaps > 0)
        ]
        return sorted(found, key=lambda miss: -miss.shortfall)

    @property
    def verdict(self) -> Literal["converged", "slow", "stalled"]:
        """Whether more epochs could help: a stalled run has stopped getting better, a slow one has not."""
        if self.converged:
            return "converged"
        return "stalled" if self._stall() else "slow"

    @property
    def reason(self) -> str:
        """One sentence that says how the training ended."""
        if self.converged:
            if self.confirm == 1:
                return f"every target is met at epoch {self.epochs}"
            return f"every target is met in {self.confirm} evaluations in a row, up to epoch {self.epochs}"
        if not self.misses:
            return (
                f"every target is met in the last {self.met_at_last} evaluation(s), {self.confirm} in a row are asked "
                "for, so more epochs may help"
            )
        worst = self.misses[0]
        missed = (
            f"{len(self.misses)} of {self.labels.size} activations miss their target, "
            f"the worst by {worst.shortfall:.3g} (pattern {worst.pattern + 1}, output {worst.output + 1})"
        )
        return f"{missed}; {self._stall() or (SELDOM_HELP if self.pull_back else MAY_HELP)}"

    @property
    def network(self) -> str:
        """What network it is, such as 16-10-4, and how it lies on the chip."""
        return self.arrangement.in_words(self.patterns.shape[1], self.labels.shape[1])

    @property
    def names(self) -> LineNames:
        """What rows and columns of the chip are called."""
        return self._names(chip=True)

    @property
    def names_of_weights(self) -> LineNames:
        """What the rows and columns are called that the network is on, in its order; as many as weights have."""
        return self._names(chip=False)

    def _names(self, *, chip: bool) -> LineNames:
        _, rows, columns = self.conductances.shape
        sizes = self.patterns.shape[1], self.labels.shape[1]
        if self.lines is None:
            return line_names(self.arrangement, (rows, columns), *sizes)
        return names_on_lines(self.arrangement, self.lines, *sizes, chip=chip)

    def told(self) -> list[tuple[str, str]]:
        """Return how it ended, and after how much."""
        _, rows, columns = self.conductances.shape
        return [
            (self.verdict, f"after {counted(self.epochs, 'epoch')}"),
            ("sent", counted(self.pulses, "pulse")),
            ("error", f"{self.errors[-1]:.3g}"),
            ("chip", f"{rows} x {columns} cells"),
            *([] if self.arrangement.is_plain else [("network", self.network)]),
            ("patterns", str(len(self.patterns))),
        ]

    def series(self) -> Series:
        """Return one line an epoch."""
        columns = self.conductances.shape[2]
        header = ["Epoch", "Error", "Pulses"]
        header += [f"Conductance r{r + 1} c{c + 1} (S)" for r, c in np.ndindex(*self.conductances.shape[1:])]
        header += [f"Pulses r{r + 1} c{c + 1}" for r, c in np.ndindex(*self.counts.shape[1:])]
        header += [f"Current {p} c{c + 1} (A)" for p, c in itertools.product(self._reads, range(columns))]
        header += [f"Activation p{p + 1} o{o + 1}" for p, o in np.ndindex(*self.activations.shape[1:])]
        arrays: tuple[Any, ...] = (self.conductances, self.counts, self.currents, self.activations)
        rows = (
            [n + 1, float(self.errors[n]), int(self.counts[n].sum()),
             *(value for array in arrays for value in array[n].ravel().tolist())]
            for n in range(self.epochs)
        )  # fmt: skip
        return Series(header, rows)

    @property
    def _reads(self) -> list[str]:
        """Names of the reads of an evaluation: by pattern, and where there are several by layer."""
        patterns = [f"p{p + 1}" for p in range(len(self.patterns))]
        if not self.arrangement.hidden:
            return patterns
        return [f"l{layer + 1} {each}" for layer in range(self.arrangement.depth) for each in patterns]

    def variables(self) -> dict[str, Variable]:
        """Return every array with its dimensions and unit."""
        cell, output = ("epoch", "row", "column"), ("epoch", "pattern", "output")
        _, rows, columns = self.conductances.shape
        sizes = {"row": rows, "column": columns, "pattern": len(self.patterns), "output": self.labels.shape[1]}
        line, currents = "row", self.currents
        current: tuple[str, ...] = ("epoch", "pattern", "column")
        if self.arrangement.is_plain and self.lines is not None:
            sizes, line = sizes | {"bit_of_pattern": self.patterns.shape[1]}, "bit_of_pattern"
        if not self.arrangement.is_plain:
            layers = self.arrangement.depth
            sizes |= {"layer": layers, "bit_of_pattern": self.patterns.shape[1]}
            line, current = "bit_of_pattern", ("epoch", "layer", "pattern", "column")
            currents = currents.reshape(self.epochs, layers, len(self.patterns), columns)
        return {
            "conductance": Variable(cell, self.conductances, "S", "conductance before the update"),
            "pulses": Variable(cell, self.counts, "1", "pulses sent after the evaluation"),
            "depressing": Variable(cell, self.depressing, "1", "pulses among these that depress"),
            "current": Variable(current, currents, "A", "column current"),
            "activation": Variable(output, self.activations, "1", "tanh(beta I)"),
            "error": Variable(("epoch",), self.errors, "1", "summed distance to the targets"),
            "target": Variable(("pattern", "output"), self.targets, "1", "activation to reach, or not to exceed"),
            "saturated": Variable(("row", "column"), self.saturated, "1", "at the end of its curve after training"),
            "unresponsive": Variable(("row", "column"), self.unresponsive, "1", "found not to react to pulses"),
            "label": Variable(("pattern", "output"), self.labels, "1", "wanted output bit"),
            "bit": Variable(("pattern", line), self.patterns, "1", "input bit"),
            "epoch": Variable(("epoch",), np.arange(1, self.epochs + 1), "1", "number of the evaluation, from 1"),
            **{
                name: Variable((name,), np.arange(size), "1", f"number of the {name}, from 0")
                for name, size in sizes.items()
            },
        }

    def _stall(self) -> str:
        """Why more epochs would not help; empty if they may."""
        updates = np.flatnonzero(self.counts.any(axis=(1, 2)))
        if self.given_up or not self.misses or (not updates.size and self.epochs == 1):
            return self.given_up
        return (self._silence(updates) if self.repeats else "") or self._stagnation()

    def _silence(self, updates: IntArray) -> str:
        """Why a rule that repeats itself moves nothing any more, by the epochs that sent pulses; empty if it does."""
        if not updates.size:
            return NOTHING_SENT
        last = updates[-1]
        if last < self.epochs - 2 and self.errors[last + 1 :].all():
            return NO_MORE_SENT
        if self.saturated[self.counts[last] > 0].all() and not self.depressing[last].any():
            return ENDS_REACHED
        return ""

    def _stagnation(self) -> str:
        """How long the error has found no new best; empty if that is not long."""
        window = max(self.epochs // 4, 4)
        if self.epochs <= 2 * window or self.errors[-window:].min() < self.errors[:-window].min():
            return ""
        if self.errors.all():
            return f"the error has not fallen below {self.errors.min():.3g} in the last {window} epochs"
        return (
            f"every target was met in {self._most_met} evaluation(s) in a row at most, {self.confirm} are asked for: "
            "readings vary too much for these targets; less noise or a lower target helps"
        )
