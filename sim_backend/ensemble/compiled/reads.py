"""Compiled: what one reading of chips side by side sees of each cell, and what columns give then."""

import math

import numpy as np

from .apart import Blocks, Counts, Matrix, Part, Reals, Singles, Table, apart
from .cells import CELL, HIGH, SIEMENS
from .functions import EFFECT_LANES
from .noise import CELLS, TELEGRAPH, fill_normals, fill_uniforms

_L = EFFECT_LANES


@apart(Part.SEE_CELLS)
def see_cells(  # noqa: PLR0912
    table: Table, state: Reals, slow: Blocks, white: float, height: float, share: float, lasts: bool,
    flicker: float, readings: Counts, chips: Counts, key: Counts, drawn: Singles, seen: Matrix,
) -> None:  # fmt: skip
    """Find what each cell conducts in one reading, (N, L) `seen`, in siemens.

    Parameters
    ----------
    state, slow
        As of `effects.cells`.
    white, height, share, flicker : float
        Sizes of the noise.
    lasts : bool
        Whether telegraph noise has a memory.
    readings : ndarray of uint64, shape (L,)
        How many there were before; counted on.
    """
    cells = len(state) // CELL
    blocks, of_slow = (cells + 3) // 4, flicker / math.sqrt(max(len(slow), 1))
    for q in range(cells):
        found = seen[q]
        for i in range(_L):
            found[i] = 1.0
    if white > 0.0:
        fill_normals(table, readings, blocks, CELLS, chips, key, drawn)
        for q in range(cells):
            found, own = seen[q], drawn[q * _L : (q + 1) * _L]
            for i in range(_L):
                found[i] += white * own[i]
    if height > 0.0:
        if not lasts:
            fill_uniforms(table, readings, blocks, TELEGRAPH, chips, key, drawn)
        for q in range(cells):
            found, own, cell = seen[q], drawn[q * _L : (q + 1) * _L], state[q * CELL : (q + 1) * CELL]
            if lasts:
                for i in range(_L):
                    found[i] *= 1.0 + height * cell[HIGH + i]
            else:
                for i in range(_L):
                    found[i] *= 1.0 + (height if own[i] < share else 0.0)
    for q in range(cells):
        found, cell = seen[q], state[q * CELL : (q + 1) * CELL]
        if len(slow) > 0:
            own = drawn[:_L]
            for i in range(_L):
                own[i] = np.float32(1.0)
            for k in range(len(slow)):
                part = slow[k, q]
                for i in range(_L):
                    own[i] += np.float32(of_slow * part[i])
            for i in range(_L):
                found[i] *= own[i]
        for i in range(_L):
            found[i] = max(found[i], 0.0) * cell[SIEMENS + i]
    for i in range(_L):
        readings[i] += np.uint64(1)


@apart(Part.READ_COLUMNS)
def read_columns(seen: Matrix, volts: Matrix, p: int, currents: Matrix) -> None:
    """Find the currents of the columns (C, L) for a set of row voltages, of what each row gives for 1 V."""
    columns = len(currents)
    for c in range(columns):
        found = currents[c]
        for i in range(_L):
            found[i] = 0.0
    for j in range(volts.shape[1]):
        volt = volts[p, j]
        for c in range(columns):
            found, own = currents[c], seen[j * columns + c]
            for i in range(_L):
                found[i] += volt * own[i]


@apart(Part.READ_CELLS)
def read_cells(
    table: Table, seen: Matrix, white: float, counts: Counts, chips: Counts, key: Counts, drawn: Singles,
    added: Matrix, readings: Blocks, turn: int,
) -> None:  # fmt: skip
    """Read every cell by its row alone: readings (E, N, L) of a turn, to which columns add (C, L), in siemens."""
    columns = len(added)
    if white > 0.0:
        fill_normals(table, counts, (len(seen) + 3) // 4, CELLS, chips, key, drawn)
    for q in range(len(seen)):
        own, found, more, noise = (
            seen[q],
            readings[turn % len(readings), q],
            added[q % columns],
            drawn[q * _L : (q + 1) * _L],
        )
        if white > 0.0:
            for i in range(_L):
                found[i] = own[i] * (1.0 + white * noise[i]) + more[i]
        else:
            for i in range(_L):
                found[i] = own[i] + more[i]


@apart(Part.KEEP_READING)
def keep_reading(currents: Matrix, row: int, added: Matrix, readings: Blocks, turn: int) -> None:
    """Keep a reading of the cells of a row, to which columns add (C, L)."""
    for c in range(len(currents)):
        own, read, more = readings[turn % len(readings), row * len(currents) + c], currents[c], added[c]
        for i in range(_L):
            own[i] = read[i] + more[i]


@apart(Part.WEIGH_CELLS)
def weigh_cells(found: Matrix, outputs: int, weights: Matrix, squares: Matrix, conducts: Matrix) -> None:
    """Take what cells of both columns of an output give (N, L) apart, together, and in squares."""
    rows = len(weights) // outputs
    for n in range(outputs):
        both = conducts[n]
        for i in range(_L):
            both[i] = 0.0
        for j in range(rows):
            plus, minus = found[2 * (j * outputs + n)], found[2 * (j * outputs + n) + 1]
            weight, square = weights[n * rows + j], squares[n * rows + j]
            for i in range(_L):
                weight[i] = plus[i] - minus[i]
            for i in range(_L):
                square[i] = plus[i] * plus[i] + minus[i] * minus[i]
            for i in range(_L):
                both[i] += plus[i] + minus[i]
