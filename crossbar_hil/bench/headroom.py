"""How many pulses each cell of a chip has left until the end of its curve, as far as a reading can tell.

A cell that starts where a map says, or about the start of a curve in siemens (K = 1), is placed on the curve by what it
reads. The cells of the formula's chips start anywhere: there only a virtual chip, which knows its levels, can tell.
A twin says at which level each cell was after its calibration; pulses since then come on top, or, where nobody
counted them, what the cell now reads is held against the curve that the twin gives it. A part of a pulse is not left.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.bench.file import Bench, Chip
from crossbar_hil.bench.start_map import read_map
from crossbar_hil.errors import CrossbarError
from crossbar_hil.plugins import load
from crossbar_hil.shipped import data_file
from crossbar_hil.text import table_lines
from crossbar_hil.training.settings import most_pulses
from crossbar_hil.twins.file import Twin, read_twin

ROUNDING = 1e-9
"""A level is only so exact as a sum of many steps."""

FRESH_SIGMA = 3.0
"""A cell may be a fresh one if its siemens are at most so many device spreads above the start of the curve; of normal
starts 0.1 % lie further up."""


@dataclass(frozen=True, slots=True, eq=False)
class Headroom:
    """Pulses left to each cell, and what a training may take."""

    left: IntArray | None
    """(R, C) pulses until the end of the curve; None if that is unknown."""
    whole: int | None
    """Pulses from the start of the curve to its end; None without a curve."""
    wanted: int
    """Most pulses that a training of the bench sends to one cell."""
    epochs: int
    """Of that training."""
    why: str
    """Where it is known from, or why not."""
    fresh: BoolArray | None = None
    """(R, C) cells that seem used and may be fresh ones all the same, as devices differ so much; None if none may."""

    @property
    def least(self) -> tuple[int, int] | None:
        """Row and column of the cell with least, from 0; None if that is unknown."""
        if self.left is None:
            return None
        row, column = np.unravel_index(int(self.left.argmin()), self.left.shape)
        return int(row), int(column)

    @property
    def summary(self) -> str:
        """What it comes to, in one line."""
        if self.left is None or self.least is None:
            fresh = "" if self.whole is None else f"; a fresh cell has {self.whole} pulses to the end of its curve"
            return f"headroom unknown: {self.why}{fresh}"
        row, column = self.least
        return (
            f"least headroom: row {row + 1}, column {column + 1} has {self.left[row, column]} of {self.whole} pulses "
            f"left to the end of its curve ({self.why}{self._doubt(row, column)})"
        )

    def _doubt(self, row: int, column: int) -> str:
        if self.fresh is None or not self.fresh[row, column]:
            return ""
        return (
            "; by the device spread a fresh cell may read so too, and start = MAP in [chip], read while the chip was "
            "fresh, tells them apart"
        )

    @property
    def warning(self) -> str:
        """What a person should know before a training; empty if there is nothing."""
        if self.left is None:
            if self.whole is None or self.whole >= self.wanted:
                return ""
            return f"even a fresh cell has fewer pulses than the {self.wanted} that {self.epochs} epochs may send to it"
        short = self.left < self.wanted
        few = int(np.count_nonzero(short))
        if not few:
            return ""
        than = f"fewer pulses left than the {self.wanted} that {self.epochs} epochs may send to one"
        if self.fresh is not None and self.whole is not None and self.whole >= self.wanted and self.fresh[short].all():
            return f"{few} cell{'s' * (few != 1)} may have {than}, or be fresh and differ by the device spread"
        return f"{'1 cell has' if few == 1 else f'{few} cells have'} {than}"

    @property
    def rows(self) -> list[list[str]]:
        """The map as rows of a table; none if it is unknown."""
        if self.left is None:
            return []
        return [[f"row {row + 1}", *map(str, line)] for row, line in enumerate(self.left.tolist())]

    @property
    def lines(self) -> list[str]:
        """What a person is told: the map, the cell with least, and a warning."""
        columns = 0 if self.left is None else self.left.shape[1]
        header = ["pulses left", *(f"column {column + 1}" for column in range(columns))]
        told = [self.summary, *([f"warning: {self.warning}"] if self.warning else [])]
        return [*(table_lines(header, self.rows) if self.rows else []), *told]

    def as_record(self) -> dict[str, Any]:
        """Return plain numbers."""
        return {
            "pulses_left": None if self.left is None else self.left.tolist(),
            "pulses_of_curve": self.whole,
            "pulses_of_training": self.wanted,
            "summary": self.summary,
            "warning": self.warning,
        }


def headroom(
    bench: Bench, conductances: FloatArray | None, levels: FloatArray | None = None, since: IntArray | None = None
) -> Headroom:
    """Place every cell of a chip on its curve.

    Parameters
    ----------
    bench : Bench
        Its [chip] says what curve the cells have, its [training] which pulses they get.
    conductances : ndarray of float, shape (R, C), optional
        As read, in siemens; None if nothing was read.
    levels : ndarray of float, shape (R, C), optional
        Level of each cell, if the chip is a virtual one that tells.
    since : ndarray of int, shape (R, C), optional
        Pulses that each cell has got since the calibration of the twin, if that is known.
    """
    wanted, epochs = most_pulses(bench.training), bench.training.epochs
    if bench.chip is None:
        return Headroom(None, None, wanted, epochs, "the bench has no [chip] table, so no curve")
    chip = bench.chip.resolved
    told = "by the levels of the virtual chip"
    try:
        if chip.twin is not None:
            twin = read_twin(data_file(chip.twin))
            if levels is None:
                levels, told = _levels_by_twin(twin, conductances, since)
            curve_start, rises = twin.curve_siemens[0], np.array(twin.curve_siemens) - twin.curve_siemens[0]
        else:
            measured = load("curves", "measured").of_device(chip.curve_file, chip.curve_pulse, smoothed=chip.smoothed)
            curve_start, rises = float(measured.levels_siemens[0]), measured.for_pulse(bench.training.pulse).rises
        rises = np.maximum.accumulate(rises)
    except CrossbarError as error:  # a reading can be told all the same
        return Headroom(None, None, wanted, epochs, str(error))
    whole = len(rises) - 1
    if levels is not None:
        left = np.floor(whole - levels + ROUNDING).astype(np.int64)
        return Headroom(np.maximum(left, 0), whole, wanted, epochs, told)
    if conductances is None:
        return Headroom(None, whole, wanted, epochs, "nothing was read")
    start, why = _start_of(chip, curve_start, conductances.shape)
    if start is None:
        return Headroom(None, whole, wanted, epochs, why)
    reached = np.searchsorted(rises, (conductances - start) / chip.k, side="right") - 1
    left = whole - np.maximum(reached, 0)
    fresh = None
    if chip.start is None and chip.device_spread:
        fresh = (left < whole) & (conductances <= curve_start * np.exp(FRESH_SIGMA * chip.device_spread))
    return Headroom(left, whole, wanted, epochs, why, fresh)


def _levels_by_twin(twin: Twin, conductances: FloatArray | None, since: IntArray | None) -> tuple[FloatArray, str]:
    """Return the (R, C) levels of the cells of a chip with a twin, and where they are known from."""
    levels = np.array(twin.cells.level)
    if since is not None and since.shape == levels.shape:
        return levels + since, "by the levels of the twin and the pulses since its calibration"
    if conductances is None or conductances.shape != levels.shape:
        return levels, "by the levels of the twin, as it was calibrated"
    rises = twin.scale * np.maximum.accumulate(np.array(twin.curve_siemens) - twin.curve_siemens[0])
    risen, factors = conductances - np.array(twin.cells.start_siemens), np.array(twin.cells.step_factor)
    for cell in np.ndindex(levels.shape):
        if factors[cell] > 0:  # of a cell that does not move, no reading says anything
            levels[cell] = np.interp(risen[cell] / factors[cell], rises, np.arange(len(rises)))
    return levels, "by its siemens on the curve of the twin"


def _start_of(chip: Chip, curve_start: float, shape: tuple[int, ...]) -> tuple[FloatArray | None, str]:
    """Return the (R, C) conductances at which cells start, and where that is known from; None and why not."""
    if chip.start is not None:
        try:
            found = read_map(data_file(chip.start), (shape[0], shape[1]))
        except CrossbarError as error:
            return None, str(error)
        return found, f"by what it has risen since {data_file(chip.start).name}"
    if chip.spread is None and chip.k == 1:
        return np.full(shape, curve_start), "by its siemens on the curve"
    return None, f"K = {chip.k:g} and shifts that nobody knows do not say where on its curve a cell is"
