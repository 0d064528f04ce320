"""What programming came to: every read and every pulse of each cell, what each reached, and why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray, stack
from crossbar_hil.errors import DataError
from crossbar_hil.programming.loop import (
    BUDGET,
    NO_TARGET,
    OUTSIDE,
    REACHED,
    STEP,
    STUCK,
    UNDER_WAY,
    WORDS,
    Round,
    unmet,
)
from crossbar_hil.programming.settings import ProgramSettings
from crossbar_hil.results.arrays import Variable
from crossbar_hil.results.result import Result, Series
from crossbar_hil.text import counted, quantity

MOST_NAMED = 8
"""Cells that a sentence names."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Programmed(Result):
    """Cells of a chip of R rows and C columns as they were brought to their targets in K rounds."""

    drawn_by: ClassVar[str] = "programming"
    plots: ClassVar[tuple[str, ...]] = ("errors", "reached", "cells", "pulses_sent", "programmed")

    settings: ProgramSettings
    targets: FloatArray
    """(R, C) in siemens; nan where a cell was left alone."""
    conductances: FloatArray
    """(K, R, C) as read in each round, in siemens."""
    rising: IntArray
    """(K, R, C) potentiating pulses sent after each read."""
    falling: IntArray
    """(K, R, C) depressing pulses sent after each read."""
    standing: IntArray
    """(R, C) where each cell stands in the end: one of `crossbar_hil.programming.loop.WORDS`."""

    @classmethod
    def of(cls, settings: ProgramSettings, targets: FloatArray, rounds: Sequence[Round]) -> Self:
        """Make it of all rounds.

        Raises
        ------
        DataError
            If there is none.
        """
        if not rounds:
            raise DataError("nothing was programmed: there is no round")
        arrays = {
            name: stack([getattr(each, name) for each in rounds]) for name in ("conductances", "rising", "falling")
        }
        return cls(settings, targets, **arrays, standing=rounds[-1].standing)

    @property
    def rounds(self) -> int:
        """Reads of the chip."""
        return len(self.conductances)

    @property
    def aimed(self) -> BoolArray:
        """(R, C) cells that have a target."""
        return np.isfinite(self.targets)

    @property
    def errors(self) -> FloatArray:
        """(R, C) what each cell read last beyond its target, as a share of the range; nan without a target."""
        found: FloatArray = (self.conductances[-1] - self.targets) / self.settings.range_siemens
        return found

    @property
    def pulses(self) -> IntArray:
        """(R, C) pulses that each cell got."""
        found: IntArray = self.rising.sum(axis=0) + self.falling.sum(axis=0)
        return found

    @property
    def dose_vs(self) -> FloatArray:
        """(R, C) dose that each cell got, in volt seconds."""
        up, down = self.settings.up, self.settings.down
        dose = self.rising.sum(axis=0) * (up.amplitude_v * up.width_s)
        return dose + (self.falling.sum(axis=0) * abs(down.amplitude_v) * down.width_s if down else 0.0)

    @property
    def unmet(self) -> BoolArray:
        """(R, C) cells that have a target and did not reach it."""
        return unmet(self.standing)

    @property
    def all_reached(self) -> bool:
        """Whether every target was reached."""
        return not self.unmet.any()

    @property
    def verdict(self) -> str:
        """``converged`` if every target was reached, else ``partly``."""
        return "converged" if self.all_reached else "partly"

    def why(self, cell: tuple[int, int]) -> str:
        """Say what a cell reached and, if that is not its target, why not."""
        stands, error = int(self.standing[cell]), 100 * abs(float(self.errors[cell]))
        first, last = (float(self.conductances[place][cell]) for place in (0, -1))
        reset = self.settings.purpose == "reset"
        side = "above" if last < self.targets[cell] else "below"
        cannot = "depressing pulses cannot raise it" if side == "above" else "depressing pulses do not lower it"
        words = {
            REACHED: f"reached, {error:.2g} % of the range off",
            NO_TARGET: "no target, left alone",
            OUTSIDE: f"target outside the range of this cell: {error:.3g} % of the range {side} what it can be",
            STUCK: f"stuck: pulses do not move it from {quantity(last, 'S')}",
            STEP: f"step size allows {error:.3g} % of the range",
            BUDGET: f"{counted(self.settings.pulses, 'pulse')} were not enough: {error:.3g} % of the range off",
            UNDER_WAY: f"not done: {error:.3g} % of the range off",
        }
        if reset and stands in (OUTSIDE, STUCK):
            return f"cannot be brought back: {cannot} from {quantity(last, 'S')} ({error:.3g} % of the range off)"
        return words[stands] + (f", from {quantity(first, 'S')}" if stands == STUCK and first != last else "")

    @property
    def reasons(self) -> list[str]:
        """Why cells did not reach their targets, a line a reason, cells counted from 1."""
        lines = []
        for stands in (STUCK, OUTSIDE, STEP, BUDGET, UNDER_WAY):
            cells = [(int(row), int(column)) for row, column in np.argwhere(self.standing == stands)]
            if not cells:
                continue
            told = [f"row {r + 1} column {c + 1}: {self.why((r, c))}" for r, c in cells[:MOST_NAMED]]
            rest = len(cells) - len(told)
            lines += told + ([f"and {rest} more for the same reason ({WORDS[stands]})"] if rest else [])
        return lines

    @property
    def missed(self) -> str:
        """How many cells did not reach their targets, by reason; empty if all did."""
        counts = {WORDS[stands]: int((self.standing == stands).sum()) for stands in (STUCK, OUTSIDE, STEP, BUDGET)}
        counts[WORDS[UNDER_WAY]] = int((self.standing == UNDER_WAY).sum())
        return ", ".join(f"{count} {word}" for word, count in counts.items() if count)

    @property
    def summary(self) -> str:
        """What it came to, in one sentence."""
        aimed = int(self.aimed.sum())
        reached = aimed - int(self.unmet.sum())
        errors = 100 * np.abs(self.errors[self.aimed])
        near = (
            f"within {100 * self.settings.tolerance:g} % of the range of {quantity(self.settings.range_siemens, 'S')}"
        )
        return (
            f"{reached} of {aimed} cells {near}; off by {np.median(errors):.2g} % in the median, "
            f"{errors.max():.3g} % at most"
        )

    @property
    def cost(self) -> str:
        """Pulses and reads, in one sentence."""
        sent = self.pulses[self.aimed]
        return (
            f"{np.median(sent):g} pulses a cell in the median, {np.percentile(sent, 95):.3g} in 95 %, "
            f"{int(sent.sum())} in all; {counted(self.rounds * self.settings.reads, 'read')} of the chip"
        )

    def told(self) -> list[tuple[str, str]]:
        """Return what was reached, what it cost, and why not all was."""
        return [("cells", self.summary), ("pulses", self.cost), *([("not", self.missed)] if self.missed else [])]

    def series(self) -> Series:
        """Return one line a cell; rows and columns count from 0."""
        return Series.of(
            {
                "Row": row,
                "Column": column,
                "Target (S)": float(self.targets[row, column]),
                "First (S)": float(self.conductances[0, row, column]),
                "Last (S)": float(self.conductances[-1, row, column]),
                "Error (share of range)": float(self.errors[row, column]),
                "Potentiating pulses": int(self.rising[:, row, column].sum()),
                "Depressing pulses": int(self.falling[:, row, column].sum()),
                "Outcome": self.why((row, column)),
            }
            for row, column in np.ndindex(self.targets.shape)
        )

    def variables(self) -> dict[str, Variable]:
        """Return every read and every pulse."""
        rounds, rows, columns = self.conductances.shape
        all_three, cell = ("round", "row", "column"), ("row", "column")
        return {
            "conductance": Variable(all_three, self.conductances, "S", "conductance as read, the round's mean"),
            "rising": Variable(all_three, self.rising, "1", "potentiating pulses sent after the read"),
            "falling": Variable(all_three, self.falling, "1", "depressing pulses sent after the read"),
            "target": Variable(cell, self.targets, "S", "target; not a number where a cell was left alone"),
            "error": Variable(cell, self.errors, "1", "last reading less target, as a share of the range"),
            "standing": Variable(
                cell,
                self.standing,
                "1",
                "0 reached, 1 no target, 2 outside, 3 stuck, 4 step size, 5 budget, 6 under way",
            ),
            "range": Variable((), np.array(self.settings.range_siemens), "S", "what errors are shares of"),
            "round": Variable(("round",), np.arange(1, rounds + 1), "1", "number of the round, from 1"),
            "row": Variable(("row",), np.arange(rows), "1", "number of the row, from 0"),
            "column": Variable(("column",), np.arange(columns), "1", "number of the column, from 0"),
        }
