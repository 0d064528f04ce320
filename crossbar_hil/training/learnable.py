"""Whether outputs without bias can learn their labels at all, and if not, which patterns contradict each other.

The activation of an output grows with a weighted sum of the row voltages, without bias, as long as cells follow Ohm's
law; wires do not change that. So a pattern asks for weights w with ``s (w . v) >= s t``, s being 1 or -1 for its label
and t its target. By Farkas' lemma no weights do all of that if and only if there are factors f >= 0 with
``sum f s v = 0`` and ``sum f s t > 0``. A linear program looks for such factors; those of a vertex belong to patterns
of which none can be left out (J. Gleeson and J. Ryan, ORSA J. Comput. 2 (1990) 61, doi:10.1287/ijoc.2.1.61). What it
finds is proven in exact fractions, so that rounding refuses no labels.
"""

import functools
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.errors import DataError
from crossbar_hil.training.encoding import row_voltages, target_activations
from crossbar_hil.training.lines.arrangement import Arrangement
from crossbar_hil.training.patterns import as_text

QUICK_ROUNDS = 200
"""Rounds through the patterns after which a linear program decides what the perceptron rule has not yet learnt."""


class Contradiction(NamedTuple):
    """Patterns of which no weights can give an output every label, but all but any one of them."""

    output: int
    """Index of the output, from 0."""
    patterns: tuple[int, ...]
    """Their indices, from 0."""


def find_contradiction(
    patterns: IntArray, labels: IntArray, *, v0: float, v1: float, target0: float, target: float
) -> Contradiction | None:
    """Return the first output that cannot learn its labels, with a smallest set of patterns; None if all can.

    Parameters
    ----------
    patterns, labels : ndarray of int, shape (P, R) and (P, N)
        Input bits and wanted output bits.
    v0, v1 : float
        Row voltage of a 0 and of a 1, in volts.
    target0, target : float
        Activations of the two labels, between -1 and 1.

    Examples
    --------
    Without a bias the complement of a pattern has the opposite activation, if ``v0 = -v1``.

    >>> bits, wanted = np.array([[0, 0], [0, 1], [1, 1]]), np.array([[0], [1], [0]])
    >>> find_contradiction(bits, wanted, v0=-0.1, v1=0.1, target0=-0.8, target=0.8)
    Contradiction(output=0, patterns=(0, 2))
    """
    return _find(patterns.tobytes(), labels.tobytes(), patterns.shape[1], labels.shape[1], v0, v1, target0, target)


def check_learnable_by(
    arrangement: Arrangement,
    patterns: IntArray,
    labels: IntArray,
    *,
    v0: float,
    v1: float,
    target0: float,
    target: float,
) -> None:
    """Refuse labels that a network cannot learn on any chip; else takes what `find_contradiction` takes.

    Raises
    ------
    DataError
        Naming the output, the patterns and what would help.
    """
    how = {"v0": v0, "v1": v1, "target0": target0, "target": target}
    if not arrangement.hidden:
        check_learnable(patterns, labels, bias=arrangement.bias, **how)
    elif not arrangement.bias:
        _check_odd(patterns, labels, **how)


def _check_odd(patterns: IntArray, labels: IntArray, *, v0: float, v1: float, target0: float, target: float) -> None:
    """Refuse labels that contradict each other for hidden units without a bias, however many there are.

    Every activation is then an odd function of the row voltages: of their negatives it is the negative, of 0 V it is 0.
    """
    voltages = row_voltages(patterns, v0, v1)
    alike = (target > 0, target0 < 0)  # two activations, each the other's negative, cannot both be 1, or both be 0
    for output, wanted in enumerate(labels.T):
        for bit, cannot in zip((1, 0), alike, strict=True):
            chosen = np.flatnonzero(wanted == bit)
            own = voltages[chosen]
            silent = chosen[~own.any(axis=1)]
            pair = _pair(own)
            if not cannot or not (len(silent) or pair):
                continue
            if len(silent):
                why = f"pattern {_name(patterns, silent[0])} puts 0 V on every row, so all activations are 0, but asks"
            else:
                first, second = (_name(patterns, chosen[place]) for place in pair)
                why = f"patterns {first} and {second} are complements, so all activations of one are the negatives of "
                why += "those of the other, but both ask"
            raise DataError(
                f"output {output + 1} cannot learn its labels with any number of hidden units: {why} for {bit}; what "
                "helps: a bias (bias = true) or other labels"
            )


def _name(patterns: IntArray, place: int) -> str:
    return f"{place + 1} ({as_text(patterns[place])})"


def check_learnable(
    patterns: IntArray,
    labels: IntArray,
    *,
    v0: float,
    v1: float,
    target0: float,
    target: float,
    bias: bool = False,
) -> None:
    """Refuse labels that no chip can learn without hidden units; takes what `find_contradiction` takes.

    Raises
    ------
    DataError
        Naming the output, the patterns and what would help.
    """
    targets = {"target0": target0, "target": target}
    with_bias = np.hstack([patterns, np.ones((len(patterns), 1), dtype=patterns.dtype)])
    found = find_contradiction(with_bias if bias else patterns, labels, v0=v0, v1=v1, **targets)
    if found is None:
        return
    chosen = list(found.patterns)
    wanted = labels[chosen, found.output]
    ways = []
    if bias:
        ways.append("hidden units (hidden in [training])")
    elif find_contradiction(with_bias, labels, v0=v0, v1=v1, **targets) is None:
        ways.append("a bias (one more row, which is 1 in every pattern)")
    if v0 != 0 and find_contradiction(patterns, labels, v0=0.0, v1=v1, **targets) is None:
        ways.append("v0 of 0 V")
    ways.append("other labels")
    names = _listed([_name(patterns, place) for place in chosen])
    bits = _listed([str(int(each)) for each in wanted])
    if len(chosen) == 1:
        why = f"pattern {names} puts 0 V on every row, so its activation is 0 and never {bits}"
    elif not bias and len(chosen) == 2 and v0 == -v1 and (patterns[chosen[0]] != patterns[chosen[1]]).all():
        why = (
            f"patterns {names} are complements, so with v0 = -v1 their activations are each other's negative, but they "
            f"ask for {bits}"
        )
    else:
        why = f"no weights {'and no bias' if bias else 'without a bias'} give patterns {names} the labels {bits}"
        if v0 not in {0.0, -v1}:  # else what a cell does at a voltage comes out of the sum
            why += " if cells follow Ohm's law (check_labels = false trains all the same)"
    raise DataError(
        f"output {found.output + 1} cannot learn its labels on any chip: {why}; what helps: {' or '.join(ways)}"
    )


@functools.lru_cache(maxsize=64)
def _find(
    bits: bytes, wanted: bytes, rows: int, outputs: int, v0: float, v1: float, target0: float, target: float
) -> Contradiction | None:
    """Decide once for all the chips that are trained on the same."""
    patterns = np.frombuffer(bits, dtype=np.int64).reshape(-1, rows)
    labels = np.frombuffer(wanted, dtype=np.int64).reshape(-1, outputs)
    voltages = row_voltages(patterns, v0, v1)
    for output in range(outputs):
        senses = 2.0 * labels[:, output] - 1.0
        edges = (senses * np.arctanh(target_activations(labels[:, output], target0, target))).astype(np.float64)
        asked = senses[:, None] * voltages / max(abs(v0), abs(v1))
        if found := _contradicting(asked, edges):
            return Contradiction(output, found)
    return None


def _contradicting(asked: FloatArray, edges: FloatArray) -> tuple[int, ...]:
    """Return a smallest set of the inequalities ``asked w >= edges`` that contradict each other; empty if none do."""
    if edges.min() > 0 and _perceptron_learns(asked):
        return ()
    chosen = _pair(asked) if edges.min() > 0 else ()
    chosen = chosen or _vertex(asked, edges)
    return chosen if chosen and _is_proven(asked[list(chosen)], edges[list(chosen)]) else ()


def _perceptron_learns(asked: FloatArray) -> bool:
    """Say whether the perceptron rule finds weights; if the targets lie on both sides of 0, any size will do."""
    weights = np.zeros(asked.shape[1])
    for _ in range(QUICK_ROUNDS):
        wrong = asked[asked @ weights <= 1e-9 * np.abs(weights).sum()]
        if not len(wrong):
            return True
        weights += wrong.sum(axis=0)
    return False


def _pair(asked: FloatArray) -> tuple[int, ...]:
    """Return two inequalities of which one asks for the very opposite of the other: the easiest to understand."""
    place = {row.tobytes(): number for number, row in enumerate(asked + 0.0)}
    for first, row in enumerate(asked):
        second = place.get((0.0 - row).tobytes(), -1)
        if second > first:
            return first, second
    return ()


def _vertex(asked: FloatArray, edges: FloatArray) -> tuple[int, ...]:
    """Return where the factors of Farkas' lemma are not zero; empty if there are none."""
    from scipy.optimize import linprog  # noqa: PLC0415 - scipy takes 0.3 s to import, and few labels need it

    size = np.abs(edges).max()
    if size == 0:
        return ()
    sums = np.vstack([asked.T, edges / size])
    found = linprog(np.ones(len(asked)), A_eq=sums, b_eq=np.eye(len(sums))[-1], method="highs-ds")
    if not found.success:
        return ()
    return tuple(int(place) for place in np.flatnonzero(found.x > 1e-9 * found.x.max()))


def _is_proven(asked: FloatArray, edges: FloatArray) -> bool:
    """Say whether factors above zero exist for which the inequalities add up to ``0 >= something above zero``."""
    factors = _only_factors([[Fraction(float(each)) for each in row] for row in asked.T])
    if not factors or min(factors) <= 0:
        return False
    return sum(each * Fraction(float(edge)) for each, edge in zip(factors, edges, strict=True)) > 0


def _only_factors(matrix: Sequence[list[Fraction]]) -> list[Fraction]:
    """Solve ``matrix factors = 0`` exactly; the last factor is 1. Empty if there is not one solution but for its size.

    >>> [str(each) for each in _only_factors([[Fraction(1), Fraction(-2)]])]
    ['2', '1']
    """
    rows, columns = [list(row) for row in matrix], len(matrix[0])
    for column in range(columns - 1):
        pivot = next((place for place in range(column, len(rows)) if rows[place][column]), None)
        if pivot is None:
            return []
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [each / rows[column][column] for each in rows[column]]
        for place, row in enumerate(rows):
            if place != column and row[column]:
                rows[place] = [a - row[column] * b for a, b in zip(row, rows[column], strict=True)]
    if any(row[-1] for row in rows[columns - 1 :]):
        return []
    return [-row[-1] for row in rows[: columns - 1]] + [Fraction(1)]


def _listed(words: Sequence[str]) -> str:
    """Write words as a list.

    >>> _listed(["1", "0", "1"])
    '1, 0 and 1'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def least_weight_siemens(
    patterns: IntArray, labels: IntArray, *, v0: float, v1: float, target0: float, target: float, beta: float
) -> float | None:
    """Return the size that some weight G+ - G- must have at least, in siemens; None if no weights do.

    Of all weights that meet every target those are taken whose largest is smallest. Takes what `find_contradiction`
    takes, and the gain in 1/A.

    Examples
    --------
    Two rows at 0.1 V reach artanh(0.8) = 1.0986 with a gain of 1e6 / A if each weight is 1.0986 / (1e6 x 0.2).

    >>> least = least_weight_siemens(
    ...     np.array([[1, 1]]), np.array([[1]]), v0=-0.1, v1=0.1, target0=-0.8, target=0.8, beta=1e6
    ... )
    >>> round(1e6 * least, 4)
    5.4931
    """
    from scipy.optimize import linprog  # noqa: PLC0415 - scipy takes 0.3 s to import

    volts = max(abs(v0), abs(v1))
    voltages = row_voltages(patterns, v0, v1) / volts
    least = 0.0
    for wanted in labels.T:
        senses = 2.0 * wanted - 1.0
        edges = senses * np.arctanh(target_activations(wanted, target0, target))
        asked = senses[:, None] * voltages
        rows = asked.shape[1]
        # Unknowns are the weights and their largest size, which is made small.
        sizes = np.hstack([np.vstack([np.eye(rows), -np.eye(rows)]), -np.ones((2 * rows, 1))])
        bounds = np.vstack([np.hstack([-asked, np.zeros((len(asked), 1))]), sizes])
        found = linprog(
            np.eye(rows + 1)[-1],
            A_ub=bounds,
            b_ub=np.concatenate([-edges, np.zeros(2 * rows)]),
            bounds=[(None, None)] * rows + [(0, None)],
        )
        if not found.success:
            return None
        least = max(least, float(found.fun))
    return least / (beta * volts)
