"""Compiled: what crossbars of any size with wires give in a read, many chips side by side, the lane innermost.

A word line is eliminated in closed form. With the currents ``q - E b`` that the rows so far send down at the potentials
b of the bit lines, segments of resistances r of these make of E ``(I + E r)^-1 E`` and of q ``(I + E r)^-1 q``. What a
row adds to E is a sum of what joins bit lines to each other and to the source, all of one sign, so nothing cancels.
``I + E r`` is an M-matrix that its columns dominate: it needs no pivots. A wire of zero ohm is one like any other.
"""

from typing import Any

import numba

from .functions import INNER


@numba.njit(**INNER)
def add_row(  # noqa: PLR0912
    cells: Any, first: int, ohm: float, row: int, work: Any, line: Any
) -> None:
    """Add a word line: the currents that its source drives, and what it takes of the bit lines.

    With the far end of the line at 1 V its nodes would be at the voltages v; l and y are voltages and currents from
    the near end, for 1 A into a line held at 0 V. What joins bit lines a < b is g_a l_a g_b v_b by the voltage that the
    source would have.
    """
    used = work.shape[2]
    block = work.shape[0]
    v, y, joins, rest = block, block + 1, block + 2, block + 3  # places in `line`; the first ones get g_b v_b
    for i in range(used):
        line[v, i] = 1.0
        line[y, i] = 0.0
    for b in range(block - 1, -1, -1):
        for i in range(used):
            drawn = cells[first + b, i] * line[v, i]
            line[b, i] = drawn
            line[y, i] += drawn
            line[v, i] += ohm * line[y, i]
    for i in range(used):
        line[v, i] = 1.0 / line[v, i]
        line[y, i] = 1.0
    for b in range(block):
        for i in range(used):
            line[b, i] *= line[v, i]
            work[b, 2 * block + row, i] = line[b, i]
    for i in range(used):
        line[v, i] = 0.0  # from here on l
    for a in range(block):
        for i in range(used):
            line[v, i] += ohm * line[y, i]
            joined = cells[first + a, i] * line[v, i]
            work[a, block + a, i] += line[a, i] * line[y, i]
            line[y, i] += joined
            line[joins, i] = joined
            line[rest, i] = 0.0
        for b in range(a + 1, block):
            for i in range(used):
                work[a, block + b, i] -= line[joins, i] * line[b, i]
            for i in range(used):
                work[b, block + a, i] -= line[joins, i] * line[b, i]
            for i in range(used):
                line[rest, i] += line[b, i]
        for i in range(used):
            work[a, block + a, i] += line[joins, i] * line[rest, i]


@numba.njit(**INNER)
def _take_four(work: Any, to: int, row: int, factors: Any, start: int, stop: int) -> None:
    """Take multiples of four rows from a row, between two columns."""
    used = work.shape[2]
    for c in range(start, stop):
        for i in range(used):
            work[to, c, i] -= (
                factors[0, i] * work[row, c, i]
                + factors[1, i] * work[row + 1, c, i]
                + factors[2, i] * work[row + 2, c, i]
                + factors[3, i] * work[row + 3, c, i]
            )


@numba.njit(**INNER)
def _take_one(work: Any, to: int, row: int, factors: Any, start: int, stop: int) -> None:
    used = work.shape[2]
    for c in range(start, stop):
        for i in range(used):
            work[to, c, i] -= factors[0, i] * work[row, c, i]


@numba.njit(**INNER)
def solve(  # noqa: PLR0912
    work: Any, pivots: Any, factors: Any, first: int, last: int
) -> None:
    """Solve for the right-hand sides in some columns; the matrix stands in the first ones."""
    used = work.shape[2]
    block = work.shape[0]
    for a in range(block):
        k = 0
        while k + 4 <= a:
            for i in range(used):
                f0 = work[a, k, i] * pivots[k, i]
                f1 = (work[a, k + 1, i] - f0 * work[k, k + 1, i]) * pivots[k + 1, i]
                f2 = work[a, k + 2, i] - f0 * work[k, k + 2, i] - f1 * work[k + 1, k + 2, i]
                f2 *= pivots[k + 2, i]
                f3 = work[a, k + 3, i] - f0 * work[k, k + 3, i] - f1 * work[k + 1, k + 3, i]
                f3 = (f3 - f2 * work[k + 2, k + 3, i]) * pivots[k + 3, i]
                factors[0, i], factors[1, i], factors[2, i], factors[3, i] = f0, f1, f2, f3
            _take_four(work, a, k, factors, k + 4, block)
            _take_four(work, a, k, factors, first, last)
            k += 4
        while k < a:
            for i in range(used):
                factors[0, i] = work[a, k, i] * pivots[k, i]
            _take_one(work, a, k, factors, k + 1, block)
            _take_one(work, a, k, factors, first, last)
            k += 1
        for i in range(used):
            pivots[a, i] = 1.0 / work[a, a, i]
    for a in range(block - 1, -1, -1):
        k = a + 1
        while k + 4 <= block:
            for i in range(used):
                factors[0, i], factors[1, i] = work[a, k, i], work[a, k + 1, i]
                factors[2, i], factors[3, i] = work[a, k + 2, i], work[a, k + 3, i]
            _take_four(work, a, k, factors, first, last)
            k += 4
        while k < block:
            for i in range(used):
                factors[0, i] = work[a, k, i]
            _take_one(work, a, k, factors, first, last)
            k += 1
        for c in range(first, last):
            for i in range(used):
                work[a, c, i] *= pivots[a, i]


@numba.njit(**INNER)
def lay_out(column_ohm: Any, work: Any) -> None:
    """Write ``I + E r`` in front of E: what is to be solved to pass the segments of the bit lines below a row."""
    used = work.shape[2]
    block = work.shape[0]
    for a in range(block):
        for c in range(block):
            ohm = column_ohm[c]
            for i in range(used):
                work[a, c, i] = work[a, block + c, i] * ohm
        for i in range(used):
            work[a, a, i] += 1.0


@numba.njit(**INNER)
def transfer_of_any(cells: Any, row_ohm: Any, column_ohm: Any, work: Any, found: Any) -> None:
    """Find the currents of every column for 1 V on every row, all others at 0 V.

    Parameters
    ----------
    cells : ndarray, shape (R * C, L)
        Conductances of L chips, row by row, in siemens.
    row_ohm, column_ohm : ndarray, shape (R,), (C,)
        Of one segment of each line, in ohm.
    work : ndarray, shape (C + 2, 2 C + R + 1, L)
        Memory.
    found : ndarray, shape (R * C, L)
        Result: the current of column j for row i at ``i C + j``, in siemens.
    """
    used = found.shape[1]
    rows, block = len(row_ohm), len(column_ohm)
    matrix, pivots, line = work[:block], work[block], work[block + 1]
    for a in range(block):
        for c in range(block, 2 * block):
            for i in range(used):
                matrix[a, c, i] = 0.0
    for row in range(rows):
        add_row(cells, row * block, row_ohm[row], row, matrix, line)
        lay_out(column_ohm, matrix)
        solve(matrix, pivots, line, block if row + 1 < rows else 2 * block, 2 * block + row + 1)
    for row in range(rows):
        for a in range(block):
            for i in range(used):
                found[row * block + a, i] = matrix[a, 2 * block + row, i]
