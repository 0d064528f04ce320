"""What the training of an ensemble leaves behind, one number a chip."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.confidence import wilson
from crossbar_hil.results.arrays import Variable
from crossbar_hil.results.result import Result, Series
from crossbar_hil.training.result import TrainingResult

ARRAYS = ("converged", "epochs", "pulses", "error", "saturated", "levels")
"""Fields with one entry a chip."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EnsembleResult(Result):
    """The outcome of M trainings, of chips with R rows and C columns."""

    first: int
    """Number of the first chip."""
    converged: BoolArray
    """(M,) whether every target was met."""
    epochs: NDArray[np.int32]
    """(M,) evaluations, counted from 1."""
    pulses: IntArray
    """(M,) pulses sent, over all cells."""
    error: FloatArray
    """(M,) summed distance to the targets at the last epoch; good to 1e-9 where it is not zero."""
    saturated: NDArray[np.int32]
    """(M,) cells at the end of their curve."""
    levels: NDArray[Any]
    """(M, R, C) level of each cell at the end; whole numbers unless steps vary."""
    fresh: BoolArray | None = None
    """(M,) whether a chip that converged still meets every target in a fresh read, if that was asked for."""
    drifted: BoolArray | None = None
    """(M, D) whether one that converged still meets every target after each of D drifts, if that was asked for."""
    right: BoolArray | None = None
    """(M, D) whether one that converged still answers right after each of D drifts, if that was asked for."""
    conductances: FloatArray | None = None
    """(M, R, C) conductance of each cell in the end, in siemens; None where that follows from its level."""

    @classmethod
    def empty(cls, first: int, shape: tuple[int, ...], levels: type) -> Self:
        """Make room for the results of (M, R, C) cells."""
        count = shape[0]
        return cls(
            first,
            np.zeros(count, dtype=bool),
            np.zeros(count, dtype=np.int32),
            np.zeros(count, dtype=np.int64),
            np.zeros(count),
            np.zeros(count, dtype=np.int32),
            np.zeros(shape, dtype=levels),
        )

    def take(self, chip: int, result: TrainingResult, levels: FloatArray) -> None:
        """Write down what `Trainer` made of one chip, and the levels of its cells in the end."""
        self.converged[chip], self.epochs[chip], self.pulses[chip] = result.converged, result.epochs, result.pulses
        self.saturated[chip], self.error[chip] = result.saturated.sum(), result.errors[-1]
        self.levels[chip] = levels

    def judged(self, fresh: BoolArray, drifted: BoolArray, right: BoolArray) -> Self:
        """Return the result with what was seen afterwards."""
        return replace(self, fresh=fresh, drifted=drifted, right=right)

    def part(self, share: slice) -> Self:
        """Return a view of some chips: writing to it writes to the whole."""
        conductances = None if self.conductances is None else self.conductances[share]
        arrays: dict[str, Any] = {name: getattr(self, name)[share] for name in ARRAYS}
        fresh = None if self.fresh is None else self.fresh[share]
        return type(self)(first=self.first + (share.start or 0), conductances=conductances, fresh=fresh, **arrays)

    def chosen(self, which: IntArray) -> Self:
        """Return a copy of some chips, to be `put` back."""
        fresh = None if self.fresh is None else self.fresh[which]
        siemens = None if self.conductances is None else self.conductances[which]
        arrays: dict[str, Any] = {name: getattr(self, name)[which] for name in ARRAYS}
        return type(self)(first=self.first, fresh=fresh, conductances=siemens, **arrays)

    def put(self, which: IntArray, part: Self) -> None:
        """Write down what `chosen` chips have come to."""
        for name in (*ARRAYS, "fresh", "conductances"):
            if getattr(self, name) is not None:
                getattr(self, name)[which] = getattr(part, name)

    def __len__(self) -> int:
        return len(self.converged)

    @property
    def converged_share(self) -> float:
        """Share of the chips that met every target."""
        return float(self.converged.mean())

    def yield_interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share of chips that converge."""
        return wilson(int(self.converged.sum()), len(self))

    def told(self) -> list[tuple[str, str]]:
        """Return how many chips converge."""
        low, high = self.yield_interval()
        share = f"{100 * self.converged_share:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
        return [("converged", share), ("chips", f"{len(self)} from number {self.first}")]

    def series(self) -> Series:
        """Return one line a chip."""
        columns: dict[str, NDArray[Any]] = {"Chip": np.arange(self.first, self.first + len(self))}
        columns |= {"Converged": self.converged, "Epochs": self.epochs, "Pulses": self.pulses, "Error": self.error}
        columns |= {"Saturated cells": self.saturated, **({} if self.fresh is None else {"Fresh": self.fresh})}
        return Series(
            list(columns), (list(row) for row in zip(*(each.tolist() for each in columns.values()), strict=True))
        )

    def variables(self) -> dict[str, Variable]:
        """Return every array that there is."""
        cells = ("chip", "row", "column")
        _, rows, columns = self.levels.shape
        found = {
            "converged": Variable(("chip",), self.converged, "1", "every target was met"),
            "epochs": Variable(("chip",), self.epochs, "1", "evaluations"),
            "pulses": Variable(("chip",), self.pulses, "1", "pulses sent, over all cells"),
            "error": Variable(("chip",), self.error, "1", "summed distance to the targets at the last epoch"),
            "saturated": Variable(("chip",), self.saturated, "1", "cells at the end of their curve"),
            "level": Variable(cells, self.levels, "1", "level of the cell at the end"),
        }
        more: dict[str, tuple[NDArray[Any] | None, tuple[str, ...], str, str]] = {
            "fresh": (self.fresh, ("chip",), "1", "converged and met every target in a fresh read"),
            "drifted": (self.drifted, ("chip", "drift"), "1", "converged and met every target after each drift"),
            "right": (self.right, ("chip", "drift"), "1", "converged and answered right after each drift"),
            "conductance": (self.conductances, cells, "S", "conductance of the cell at the end"),
        }
        found |= {
            name: Variable(at, each, unit, text) for name, (each, at, unit, text) in more.items() if each is not None
        }
        first = np.arange(self.first, self.first + len(self))
        found["chip"] = Variable(("chip",), first, "1", "number of the chip")
        for name, size in (("row", rows), ("column", columns)):
            found[name] = Variable((name,), np.arange(size), "1", f"number of the {name}, from 0")
        return found
