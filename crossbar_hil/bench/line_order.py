"""Tell lines that stand in each other's place from a chip that has changed, by two maps of its conductances.

Every order of rows and columns is weighed against every other by Bayes' rule. Under an order the logarithm of what a
cell conducts now, over what it conducted in the map, is a draw of one of two normal distributions: that of a cell that
was left alone, about 0 with the spread of two readings, or that of a cell that has changed since, by training say. Both
spreads, the mean change and the share of changed cells are not known: they are averaged over, with equal weights.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.errors import DataError

MOST_ORDERS = 1e6
"""A 6 x 6 chip has half as many orders of its lines."""
NONE = 1e-3
"""A conductance of less than this share of the median is taken for as much: it is noise."""
AS_BEFORE, ONE_SWAP = 0.5, 0.3
"""Weights before anything is read: of lines that stand as they did, of all swaps of two lines together; the rest goes
to all other orders. An assumption: whoever plugs a chip in again mixes up two lines rather than five."""
SURE = 0.95
"""Probability from which on an order is told."""
LEAST_NOISE, MOST_NOISE = 1e-4, 0.1
"""Bounds of the relative spread between two readings of a cell that was left alone."""
AT_ONCE = 10**6
"""Numbers held at a time."""
NOISES = 6
UNCHANGED = 0.3
"""Weight of no cell having changed; the rest is shared by all kinds of change."""
CHANGED_SHARES = (0.1, 0.4, 0.7, 0.95)
MEAN_CHANGES, CHANGE_SPREADS = (0.0, 0.3, 0.8), (0.15, 0.5)
"""Of the logarithm: from cells that rose by some ten per cent to a training that doubled them all."""


@dataclass(frozen=True, slots=True)
class LineOrder:
    """What two maps say of the order of lines."""

    rows: tuple[int, ...]
    """Row that stands now in the place of each row of the map, by the most probable order."""
    columns: tuple[int, ...]
    probability: float
    """Of that order."""
    as_before: float
    """Probability that the lines stand as they did."""
    left: float
    """Relative difference that remains with that order: root of the mean square of the logarithms."""
    left_as_before: float
    """The same if the lines are taken to stand as they did."""
    changed: int
    """Cells that have changed, of that order, by more than `noise` explains."""
    factor: float
    """Median factor by which these have changed."""
    cells: int

    @property
    def moved(self) -> str:
        """Which lines stand in each other's place; empty if none does."""
        return " and ".join(_moves("row", self.rows) + _moves("column", self.columns))

    @property
    def problems(self) -> list[str]:
        """What is wrong with the wiring, or cannot be told."""
        if self.probability < SURE:
            best = self.moved or "all as in the map"
            return [
                f"the order of the lines cannot be told from the map: the likeliest, {best}, has a probability of "
                f"{_sure(self.probability)}, all as in the map one of {_sure(self.as_before)}; the chip has "
                "changed too much since, or its cells are too much alike"
            ]
        if not self.moved:
            return []
        since = f"; {self._since}" if self.changed else ""
        return [
            f"{self.moved}: so the map is met within {_percent(self.left)}, with the lines as they are it is missed by "
            f"{_percent(self.left_as_before)} (probability {_sure(self.probability)}){since}"
        ]

    @property
    def notes(self) -> list[str]:
        """What is no problem of the wiring: a chip that has changed."""
        if self.probability < SURE or self.moved or not self.changed:
            return []
        return [f"{self._since}; no other order of lines explains it better (probability {_sure(self.probability)})"]

    @property
    def _since(self) -> str:
        return (
            f"the chip has changed since the map was read: {self.changed} of {self.cells} cells, by a factor of "
            f"{self.factor:.3g} in the median"
        )


def find_order(conductances: FloatArray, reference: FloatArray, noise: float = 0.0) -> LineOrder:
    """Weigh every order of the lines.

    Parameters
    ----------
    conductances, reference : ndarray of float, shape (R, C)
        What is read now, and what was read when the wiring was right, in siemens.
    noise : float
        Relative standard deviation of one reading, as repeated ones show it.

    Raises
    ------
    DataError
        If the shapes differ, or there are more orders than can be weighed.
    """
    if conductances.shape != reference.shape:
        raise DataError(f"the reference has {reference.shape} cells, the chip has {conductances.shape}")
    rows, columns = reference.shape
    if math.factorial(rows) * math.factorial(columns) > MOST_ORDERS:
        raise DataError(f"a chip of {reference.shape} cells has more than {MOST_ORDERS:g} orders of its lines to weigh")
    now, then = (np.log(np.maximum(each, NONE * np.median(reference))) for each in (conductances, reference))
    differences = now[:, None, :, None] - then[None, :, None, :]  # (row now, row then, column now, column then)
    of_rows, of_columns = (np.array(list(permutations(range(count)))) for count in (rows, columns))
    models = np.array(list(_models(noise)))
    weights = _log_prior(of_rows, of_columns)
    at_once = max(1, AT_ONCE // weights.size)
    parts = np.split(models, range(at_once, len(models), at_once))
    evidence = [_weigh_orders(differences, part, of_rows, of_columns) for part in parts]
    weights = weights + np.logaddexp.reduce(evidence, axis=0)
    probabilities = np.exp(weights - np.logaddexp.reduce(weights, axis=None))
    best = np.unravel_index(int(np.argmax(probabilities)), probabilities.shape)
    order = tuple(map(int, of_rows[best[0]])), tuple(map(int, of_columns[best[1]]))
    left = differences[np.ix_(order[0], range(rows), order[1], range(columns))]
    left = np.einsum("rrcc->rc", left)
    spread = models[int(np.argmax(_log_densities(left, models).sum(axis=(1, 2)))), 1]
    changed = np.abs(left) > 4 * spread
    return LineOrder(
        *order,
        float(probabilities[best]),
        float(probabilities[0, 0]),
        _remaining(left),
        _remaining(now - then),
        int(changed.sum()),
        float(np.exp(np.median(left[changed]))) if changed.any() else 1.0,
        left.size,
    )


def _models(noise: float) -> Iterator[tuple[float, float, float, float, float]]:
    """Yield weight, spread of a cell left alone, share of changed cells, mean change and its spread."""
    least = min(max(LEAST_NOISE, math.sqrt(2) * noise), MOST_NOISE)
    changes = list(product(CHANGED_SHARES, MEAN_CHANGES, CHANGE_SPREADS))
    for spread in np.geomspace(least, MOST_NOISE, NOISES):
        yield UNCHANGED, float(spread), 0.0, 0.0, 1.0
        yield from (((1 - UNCHANGED) / len(changes), float(spread), *change) for change in changes)


def _log_densities(differences: FloatArray, models: FloatArray) -> FloatArray:
    """Return the logarithm of the density of each difference under each model, the models first."""
    _, spread, share, mean, wide = (column.reshape(-1, *[1] * differences.ndim) for column in models.T)
    wide = np.hypot(wide, spread)
    alone = -0.5 * np.square(differences / spread) - np.log(spread) + np.log1p(-share)
    changed = -0.5 * np.square((differences - mean) / wide) - np.log(wide)
    with np.errstate(divide="ignore"):  # of a share of none
        mixed: FloatArray = np.logaddexp(alone, np.log(share) + changed)
    return mixed


def _weigh_orders(differences: FloatArray, models: FloatArray, of_rows: IntArray, of_columns: IntArray) -> FloatArray:
    """Return the logarithm of what some models together say of every order of rows and columns."""
    each = _log_densities(differences, models)  # (models, row now, row then, column now, column then)
    rows, columns = range(of_rows.shape[1]), range(of_columns.shape[1])
    by_rows = np.sum([each[:, of_rows[:, row], row] for row in rows], axis=0)  # row now and then: an order of rows
    total = np.sum([by_rows[:, :, of_columns[:, column], column] for column in columns], axis=0)
    return np.logaddexp.reduce(total + np.log(models[:, :1, None]), axis=0)


def _log_prior(of_rows: IntArray, of_columns: IntArray) -> FloatArray:
    """Return the weight of each order before anything was read; the first of each kind is the order of the map."""
    moved = [(each != np.arange(each.shape[1])).sum(axis=1) for each in (of_rows, of_columns)]
    lines = moved[0][:, None] + moved[1][None, :]
    swaps, others = int((lines == 2).sum()), int((lines > 2).sum())
    one_swap, rest = ONE_SWAP / max(swaps, 1), (1 - AS_BEFORE - ONE_SWAP) / max(others, 1)
    prior = np.where(lines == 0, AS_BEFORE, np.where(lines == 2, one_swap, rest))
    return np.log(prior / prior.sum())


def _remaining(logs: FloatArray) -> float:
    return float(np.expm1(np.sqrt(np.mean(np.square(logs)))))


def _percent(value: float) -> str:
    """Write a share or a relative difference in per cent.

    >>> _percent(0.00123), _percent(3.2), _percent(0.42), _percent(0.0)
    ('0.12 %', '320 %', '42 %', '0.01 %')
    """
    return f"{100 * max(value, LEAST_NOISE):.{2 if value < 1 else 3}g} %"


def _sure(probability: float) -> str:
    """Write a probability, of which no more than three digits are believed.

    >>> _sure(1.0), _sure(0.9512)
    ('above 99.9 %', '95.1 %')
    """
    return "above 99.9 %" if probability > 0.999 else f"{100 * probability:.3g} %"


def _moves(kind: str, lines: tuple[int, ...]) -> list[str]:
    """Say in words which lines of a kind have moved.

    >>> _moves("row", (2, 1, 0, 3)), _moves("column", (1, 2, 0))
    (['rows 1 and 3 swapped'], ['column 1 now at 2, 2 now at 3, 3 now at 1'])
    """
    found, seen = [], set[int]()
    for first in range(len(lines)):
        if first in seen or lines[first] == first:
            continue
        cycle = [first]
        while lines[cycle[-1]] != first:
            cycle.append(lines[cycle[-1]])
        seen.update(cycle)
        if len(cycle) == 2:
            found.append(f"{kind}s {cycle[0] + 1} and {cycle[1] + 1} swapped")
        else:
            steps = [f"{place + 1} now at {lines[place] + 1}" for place in cycle]
            found.append(f"{kind} {', '.join(steps)}")
    return found
