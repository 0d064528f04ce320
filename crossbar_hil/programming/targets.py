"""Targets of the cells: a map that a file holds, or the weights of a network, as differential pairs."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arrays import BoolArray, FloatArray, at, checked_array
from crossbar_hil.bench.start_map import read_map
from crossbar_hil.curves.levels import LARGEST_SIEMENS
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.quantities import si
from crossbar_hil.shipped import read_text
from crossbar_hil.text import counted

MOST_NAMED = 8
"""So many weights that cannot be met are named."""
LEFT_ALONE = "-"
"""Stands for a cell that is to be left alone."""


def read_targets(file: Path) -> FloatArray:
    """Read the target of each cell of a chip.

    Parameters
    ----------
    file : Path
        What ``crossbar-hil read BENCH --json`` printed, or lines of conductances, one line a row of the chip: numbers
        in siemens, or with a unit, such as ``1.5 uS``, with commas, semicolons or tabs between them (blanks will do
        where no unit follows one). ``-`` leaves a cell alone.

    Returns
    -------
    ndarray of float, shape (R, C)
        In siemens; nan where a cell is left alone.

    Raises
    ------
    DataError
        If it cannot be read, is no such map, or holds what no cell can have.
    """
    text = read_text("target", file)
    if text.lstrip().startswith(("{", "[")):
        return checked_targets(read_map(file, what="target map"))
    rows = [_row(line, number, file) for number, line in _lines(text)]
    _check_rows(rows, file)
    return checked_targets(np.array(rows), f"target file {file}: ")


def read_weights(file: Path) -> FloatArray:
    """Read (R, N) weights of a network: lines of numbers, one line an input, one number an output.

    Raises
    ------
    DataError
        If the file cannot be read or holds anything else.
    """
    rows = []
    for number, line in _lines(read_text("weight", file)):
        try:
            rows.append([float(cell) for cell in _cells(line, number, file, "weight")])
        except ValueError as error:
            raise DataError(f"weight file {file}, line {number}: {error}, expected numbers without a unit") from None
    _check_rows(rows, file, "weight")
    return checked_array(f"weights of {file}", rows, (None, None))


def weights_to_targets(weights: ArrayLike, low_siemens: float, high_siemens: float) -> FloatArray:
    """Map weights onto differential pairs, one column for what is positive and one for what is negative.

    A weight w becomes G+ = low + (high - low) max(w, 0) / W and G- = low + (high - low) max(-w, 0) / W, W being the
    largest of all without sign, so that G+ - G- is proportional to w.

    Parameters
    ----------
    weights : array_like of float, shape (R, N)
        Rows are inputs, columns outputs.
    low_siemens, high_siemens : float
        Range of conductances that all cells can be brought to.

    Returns
    -------
    ndarray of float, shape (R, 2 N)
        Targets, the pair of an output side by side, plus first.

    Raises
    ------
    DataError
        If the weights are no finite numbers or all zero, or the range is none.

    Examples
    --------
    >>> 1e6 * weights_to_targets([[0.5, -1.0]], 1e-6, 3e-6)
    array([[2., 1., 1., 3.]])
    """
    found = checked_array("weights", weights, (None, None))
    largest = float(np.abs(found).max())
    if not largest:
        raise DataError("weights are all 0, so nothing says how large one is: give weights of a trained network")
    if not 0 <= low_siemens < high_siemens:
        raise DataError(f"the range from {low_siemens:g} S to {high_siemens:g} S must rise from 0 or above")
    shares = np.stack([np.maximum(found, 0.0), np.maximum(-found, 0.0)], axis=2) / largest
    return (low_siemens + (high_siemens - low_siemens) * shares).reshape(len(found), -1)


@dataclass(frozen=True, eq=False)
class Carried:
    """Weights on pairs of cells of which some are bad."""

    targets: FloatArray
    """(R, 2 N) in siemens; nan where a cell is bad."""
    wanted: FloatArray
    """(R, N) differences G+ - G- that the weights are, in siemens."""
    reached: FloatArray
    """(R, N) those that the pairs can take, in siemens."""

    def told(self, weights: FloatArray, tolerance_siemens: float) -> str:
        """Say which of (R, N) weights cannot be met, to a tolerance of each cell, and by how much."""
        pairs = np.isnan(self.targets).reshape(*self.wanted.shape, 2)
        bad, half = int(pairs.sum()), int((pairs.sum(axis=2) == 1).sum())
        if not bad:
            return ""
        begins = f"{counted(bad, 'cell')} of pairs {'is' if bad == 1 else 'are'} bad"
        carries = (
            f"; {'its' if half == 1 else 'each'} good partner takes what the weight then asks of it" if half else ""
        )
        off = self.reached - self.wanted
        unmet = np.argwhere(np.abs(off) > tolerance_siemens)
        if not len(unmet):
            return f"{begins}{carries}: every weight can be met"
        unit = float(np.abs(weights).max() / np.abs(self.wanted).max())  # of a weight, by siemens
        order = sorted(unmet.tolist(), key=lambda at: -abs(off[at[0], at[1]]))
        named = [
            f"row {row + 1}, output {output + 1} becomes {unit * self.reached[row, output]:.3g} instead of "
            f"{weights[row, output]:.3g}"
            for row, output in order
        ]
        more = f", and {len(named) - MOST_NAMED} more, which are less far off" if len(named) > MOST_NAMED else ""
        return (
            f"{begins}{carries}: {len(unmet)} of {self.wanted.size} weights cannot be met: "
            f"{'; '.join(named[:MOST_NAMED])}{more}"
        )


def carried_by_good_cells(
    targets: FloatArray, siemens: FloatArray, bad: BoolArray, low_siemens: float, high_siemens: float
) -> Carried:
    """Let the good cell of a pair carry what it can of a weight where the other one stays where it is.

    Parameters
    ----------
    targets : ndarray of float, shape (R, 2 N)
        What whole pairs would get, of `weights_to_targets`.
    siemens : ndarray of float, shape (R, 2 N)
        What the cells conduct now.
    bad : ndarray of bool, shape (R, 2 N)
        Those that stay there.
    low_siemens, high_siemens : float
        Range of conductances that all good cells can be brought to; one that is below it now can be there too.

    Examples
    --------
    >>> now, bad = np.array([[1.0, 1.5]]), np.array([[False, True]])
    >>> found = carried_by_good_cells(np.array([[3.0, 1.0]]), now, bad, 1.0, 3.0)
    >>> found.targets, found.wanted, found.reached
    (array([[ 3., nan]]), array([[2.]]), array([[1.5]]))
    """
    now = np.maximum(siemens, 0.0)
    plus, minus = targets[:, ::2], targets[:, 1::2]
    wanted = plus - minus
    asked = np.stack(
        [
            np.where(bad[:, 1::2], wanted + now[:, 1::2], plus),
            np.where(bad[:, ::2], now[:, ::2] - wanted, minus),
        ],
        axis=2,
    ).reshape(targets.shape)
    taken = np.clip(asked, np.minimum(low_siemens, now), high_siemens)
    ends = np.where(bad, now, taken)
    return Carried(np.where(bad, np.nan, taken), wanted, ends[:, ::2] - ends[:, 1::2])


def checked_targets(targets: ArrayLike, where: str = "") -> FloatArray:
    """Return (R, C) targets in siemens, nan where a cell is left alone.

    Raises
    ------
    DataError
        If it is no such array, one is negative, infinite or larger than any cell conducts, or no cell has one.
    """
    try:
        raw = np.asarray(targets)
        if raw.dtype.kind not in "iuf":
            raise TypeError(f"it is of type {raw.dtype}")
        found = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}targets must be a rectangular array of numbers in siemens: {error}") from error
    if found.ndim != 2 or not found.size:
        raise DataError(f"{where}targets have shape {found.shape}, expected rows and columns of the chip")
    wrong = np.argwhere(~np.isnan(found) & ~((found >= 0) & (found <= LARGEST_SIEMENS)))
    if len(wrong):
        row, column = map(int, wrong[0])
        raise DataError(
            f"{where}the target of cell {at(row, column)} is {found[row, column]:g} S, it must be from 0 to "
            f"{LARGEST_SIEMENS:g} S; 100 uS is 1e-4"
        )
    if np.isnan(found).all():
        raise DataError(f"{where}no cell has a target")
    return found


def check_fit(targets: FloatArray, shape: tuple[int, int], what: str = "targets") -> None:
    """Refuse targets of another size than the chip.

    Raises
    ------
    DataError
        Then.
    """
    if targets.shape != shape:
        raise DataError(
            f"the {what} are for {targets.shape[0]} rows and {targets.shape[1]} columns, the chip has {shape[0]} rows "
            f"and {shape[1]} columns; nothing was sent"
        )


def _lines(text: str) -> list[tuple[int, str]]:
    """Return the lines that hold something, numbered from 1."""
    lines = enumerate(text.splitlines(), start=1)
    return [(number, line) for number, line in lines if line.strip() and not line.lstrip().startswith("#")]


def _cells(line: str, number: int, file: Path, what: str) -> list[str]:
    """Split a line at its commas, semicolons or tabs, else at spaces; "0,5; 0,2" has decimal commas, so it is refused.

    Raises
    ------
    DataError
        If a line has more than one kind of these, so that nobody knows what one number is.
    """
    if len(set(re.findall(r"[,;\t]", line))) > 1:
        raise DataError(
            f"{what} file {file}, line {number}: {line.strip()!r:.60} has commas and semicolons or tabs; take one of "
            "them between numbers, and a decimal point"
        )
    return re.split(r"[,;\t]", line) if re.search(r"[,;\t]", line) else line.split()


def _row(line: str, number: int, file: Path) -> list[float]:
    row = []
    for place, cell in enumerate(_cells(line, number, file, "target"), start=1):
        word = cell.strip()
        where = f"target file {file}, line {number}, column {place}"
        if word == LEFT_ALONE:
            row.append(np.nan)
            continue
        try:
            value = si(word, "siemens")
        except ConfigError as error:
            raise DataError(f"{where}: {error}; {LEFT_ALONE} leaves a cell alone") from None
        if not np.isfinite(value):
            raise DataError(f"{where}: {word} is not a finite number; {LEFT_ALONE} leaves a cell alone")
        row.append(value)
    return row


def _check_rows(rows: list[list[float]], file: Path, what: str = "target") -> None:
    if not rows:
        raise DataError(f"{what} file {file} holds no numbers")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise DataError(f"{what} file {file}: row {number} has {len(row)} numbers, row 1 has {len(rows[0])}")
