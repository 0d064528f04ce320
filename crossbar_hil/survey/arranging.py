"""Which lines of a chip with bad cells a task takes, so that the least is lost.

The objective. A task has weights that meet its targets with the least sum of magnitudes (a linear program for each
output). A pair of cells can still take the weights between what its plus cell can be lowered and its minus cell raised
to, and the other way round; a bad cell stays where it is. What an arrangement loses is the distance between the weight
that is wanted of each pair and the nearest that it can take, summed over all pairs; ties go to the one whose pairs keep
the widest span where the most is wanted.

The search. For given columns it is an assignment of inputs to rows, which is solved exactly. All orders of columns are
tried as long as there are at most `MOST_ORDERS`; else columns stay in their neighbouring pairs, and rows and pairs are
assigned in turn, from several starts, until neither changes.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.errors import DataError
from crossbar_hil.survey.file import Cells
from crossbar_hil.survey.lines import Lines

MOST_ORDERS = 5040
"""Orders of columns that are all tried: 7 of 7 columns, which takes a tenth of a second."""
STARTS = 12
"""Starts of the search where there are more."""
TIE = 1e-6
"""Weight of the span that pairs keep, against the distance of the weights."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Least and most that each cell can conduct, (R, C) in siemens; the same of a bad one."""

    least: FloatArray
    most: FloatArray

    @classmethod
    def of(cls, cells: Cells) -> "Reach":
        """Return it of a surveyed chip."""
        how = cells.survey
        return cls.from_start(cells.conductances, cells.avoided, how.rise_siemens, how.high_siemens)

    @classmethod
    def from_start(cls, siemens: FloatArray, bad: BoolArray, rise_siemens: float, high_siemens: float) -> "Reach":
        """Take whole cells to rise from where they are as a fresh one does, but not beyond the highest of all."""
        now = np.maximum(siemens, 0.0)
        top = np.maximum(now, np.minimum(now + rise_siemens, high_siemens))
        return cls(now, np.where(bad, now, top))


def wanted_weights(volts: FloatArray, senses: FloatArray, currents: FloatArray, span: float) -> FloatArray:
    """Return (R, N) weights, in siemens, of the least sum that meet every target, within a span where that can be.

    Parameters
    ----------
    volts : ndarray of float, shape (P, R)
        Row voltages of the patterns.
    senses : ndarray of float, shape (P, N)
        1 where a current is to be at least its target, -1 where at most.
    currents : ndarray of float, shape (P, N)
        The targets, in amperes.
    span : float
        Largest magnitude that a pair can take, in siemens; given up if no weights within it meet the targets.
    """
    from scipy.optimize import linprog  # noqa: PLC0415 - scipy takes a while to import

    inputs, found = volts.shape[1], []
    unit = float(np.abs(currents).max() / np.abs(volts).max()) or 1.0
    for sense, current in zip(senses.T, currents.T, strict=True):
        signed = -sense[:, None] * volts
        for most in (span / unit, None):
            solved = linprog(
                np.ones(2 * inputs),
                A_ub=np.hstack([signed, -signed]) * unit,
                b_ub=-sense * current,
                bounds=(0, most),
            )
            if solved.success:
                found.append(unit * (solved.x[:inputs] - solved.x[inputs:]))
                break
        else:  # no weights meet it: what each input says of the output
            found.append(unit * (sense @ volts) / np.abs(volts).sum(axis=0).max())
    return np.array(found).T


def losses(weights: FloatArray, reach: Reach, plus: IntArray, minus: IntArray) -> NDArray[np.float64]:
    """Return what is lost if a pair of columns carries an output, and a row of the chip an input, in siemens.

    Returned are (N, K, R of the network, R of the chip) of K pairs of columns.
    """
    lowest = (reach.least[:, plus] - reach.most[:, minus]).T[None, :, None, :]
    highest = (reach.most[:, plus] - reach.least[:, minus]).T[None, :, None, :]
    wanted = weights.T[:, None, :, None]
    missed = np.maximum(np.maximum(lowest - wanted, wanted - highest), 0.0)
    narrow = (highest - lowest).max() - (highest - lowest)
    share = 1.0 + np.abs(wanted) / (np.abs(weights).max() or 1.0)
    found: NDArray[np.float64] = missed + TIE * share * narrow
    return found


def arrange(weights: FloatArray, reach: Reach) -> tuple[Lines, float]:
    """Return the lines for (R, N) weights that lose least, and the loss in siemens.

    Raises
    ------
    DataError
        If the chip has fewer lines than the weights.
    """
    inputs, outputs = weights.shape
    rows, columns = reach.least.shape
    if inputs > rows or 2 * outputs > columns:
        raise DataError(
            f"the task has {inputs} inputs and {outputs} outputs of two columns each, the chip {rows} rows and "
            f"{columns} columns"
        )
    if math.perm(columns, 2 * outputs) <= MOST_ORDERS:
        loss, taken, order = _every_order(weights, reach)
    else:
        loss, taken, order = _in_turn(weights, reach)
    return Lines((rows, columns), tuple(map(int, taken)), tuple(map(int, order))), loss


def avoid(used: BoolArray, bad: BoolArray) -> Lines:
    """Return the lines on which a network uses the fewest bad cells.

    Rows and columns are assigned in turn, from several starts, until neither changes; the plain order stays where none
    is better.

    Parameters
    ----------
    used : ndarray of bool, shape (R, C) of the network
        Cells that it uses.
    bad : ndarray of bool, shape (R, C) of the chip
        Bad ones.
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415

    rng, takes, breaks = np.random.default_rng(0), used.astype(np.float64), bad.astype(np.float64)
    rows, columns = np.arange(len(used)), np.arange(used.shape[1])
    best = float((takes * breaks[np.ix_(rows, columns)]).sum()), rows, columns
    for start in range(STARTS):
        if start:
            columns = rng.permutation(bad.shape[1])[: used.shape[1]]
        lost = math.inf
        while True:
            _, rows = linear_sum_assignment(takes @ breaks[:, columns].T)
            _, columns = linear_sum_assignment(takes.T @ breaks[rows])
            now = float((takes * breaks[np.ix_(rows, columns)]).sum())
            if now < best[0]:
                best = now, rows, columns
            if not now < lost:
                break
            lost = now
    return Lines((bad.shape[0], bad.shape[1]), tuple(map(int, best[1])), tuple(map(int, best[2])))


def _rows_for(cost: FloatArray) -> tuple[float, IntArray]:
    """Assign a row of the chip to each input by an (R of the network, R of the chip) cost; exact."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415

    inputs, rows = linear_sum_assignment(cost)
    return float(cost[inputs, rows].sum()), rows


def _every_order(weights: FloatArray, reach: Reach) -> tuple[float, IntArray, tuple[int, ...]]:
    """Try every order of columns; of equal ones the first, which is the plain one if it is among them."""
    columns, outputs = reach.least.shape[1], weights.shape[1]
    plus, minus = (each.ravel() for each in np.indices((columns, columns)))
    costs = losses(weights, reach, plus, minus).reshape(outputs, columns, columns, len(weights), -1)
    best: tuple[float, IntArray, tuple[int, ...]] | None = None
    for order in itertools.permutations(range(columns), 2 * outputs):
        cost = sum(costs[output, order[2 * output], order[2 * output + 1]] for output in range(outputs))
        loss, rows = _rows_for(cost)
        if best is None or loss < best[0] * (1 - 1e-12):
            best = loss, rows, order
    if best is None:
        raise DataError("a network without outputs takes no columns")
    return best


def _in_turn(weights: FloatArray, reach: Reach) -> tuple[float, IntArray, tuple[int, ...]]:
    """Assign rows and neighbouring pairs in turn, until neither changes, from several starts."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415

    outputs, plus = weights.shape[1], 2 * np.arange(reach.least.shape[1] // 2)
    both = np.stack([losses(weights, reach, plus, plus + 1), losses(weights, reach, plus + 1, plus)])
    rng = np.random.default_rng(0)
    best: tuple[float, IntArray, tuple[int, ...]] | None = None
    for start in range(STARTS):
        pairs = np.arange(outputs) if not start else rng.permutation(len(plus))[:outputs]
        turned = np.zeros(outputs, dtype=np.int64) if not start else rng.integers(2, size=outputs)
        loss = math.inf
        while True:
            now, rows = _rows_for(both[turned, np.arange(outputs), pairs].sum(axis=0))
            each = both[..., np.arange(len(rows)), rows].sum(axis=-1)  # (turned, output, pair)
            taken, pairs = linear_sum_assignment(each.min(axis=0))
            turned = each.argmin(axis=0)[taken, pairs]
            if not now < loss * (1 - 1e-12):
                break
            loss = now
            if best is None or loss < best[0] * (1 - 1e-12):
                first = both[turned, np.arange(outputs), pairs].sum(axis=0)
                least, rows = _rows_for(first)
                order = [
                    int(each)
                    for pair, turn in zip(pairs, turned, strict=True)
                    for each in (plus[pair] + turn, plus[pair] + 1 - turn)
                ]
                best = least, rows, tuple(order)
    if best is None:
        raise DataError("a network without outputs takes no columns")
    return best
