"""Compiled: what pulses and time do to the cells of chips side by side, as `chip.effects` has it.

The numbers of a cell lie together, each of all lanes: the compiler then sees that no two places are the same, and makes
vectors.
"""

import math

import numpy as np

from .apart import Blocks, Counts, Matrix, Part, Reals, Singles, Table, Truths, apart
from .functions import EFFECT_LANES, quick_exp, quick_log
from .noise import (
    DRIFT,
    FLICKER,
    FLICKER_START,
    TELEGRAPH,
    TELEGRAPH_START,
    draw_gammas,
    fill_normals,
    fill_uniforms,
)  # fmt: skip

_L = EFFECT_LANES
(
    COUNT, SILENT, BLOCKED, DRIFT_OF, HIGH, LEVEL, RISEN, SIEMENS, STEP, SHIFT, FACTOR, EXPONENT, MOVES, HELD, CHANGE,
    BELOW, LOW, ABOVE, OLD, SENT, CELL,
) = range(0, 21 * _L, _L)  # fmt: skip
"""Places of the numbers of a cell: pulses so far, those in a row without a change, whether it is unresponsive, its own
drift, whether telegraph noise is high, which are 0 at first; level, rise and conductance (before the update: OLD);
levels by which this update moves it; what is its own: shift, step factor, exponent, whether it moves, the conductance
that it is held at or -1. Then memory, and the pulses of this update."""
AT_FIRST = LEVEL
"""So many places are 0 at first."""
_PER_DECADE = 1.0 / math.log(10.0)
_u = np.uintp  # an index that cannot count from the end


@apart(Part.VARY_STEPS)
def vary_steps(
    state: Reals, spreads: Reals, ages: Counts, chips: Counts, key: Counts, memory: Matrix, cells: Counts,
    singles: Singles,
) -> None:  # fmt: skip
    """Make of steps gamma numbers of relative variance `spreads` (L,) over the step.

    `memory` (R + C, L), `cells` (L,) and `singles` (at least 2 L,) are worked in.

    What nobody draws is left out: of a pair of cells mostly one has a step, on no chip both.
    """
    shapes, drawn, many = memory[0], memory[1], len(state) // CELL
    usual = 1.0 / spreads[0] if spreads[0] > 0.0 else 0.0
    for q in range(0, many, 2):
        pair, one, both = state[q * CELL : (q + 2) * CELL], 0, 0
        for i in range(_L):
            first, second = pair[STEP + i] > 0.0, pair[CELL + STEP + i] > 0.0
            one += 1 if first | second else 0
            both += 1 if first & second else 0
        for side in range(0 if one == 0 else 1 if both == 0 else 2):
            own, beside = pair[side * CELL : (side + 1) * CELL], pair[CELL:]
            for i in range(_L):
                shapes[i], cells[i] = own[STEP + i], _u(q + side)
            if both == 0:
                for i in range(_L):
                    cells[i] += _u(1) if beside[STEP + i] > 0.0 else _u(0)
                    shapes[i] += beside[STEP + i]
            for i in range(_L):
                shapes[i] = shapes[i] / spreads[i] if spreads[i] > 0.0 else 0.0
            draw_gammas(shapes, usual, ages, cells, many, chips, key, drawn, singles)
            for p in range(side, 2 if both == 0 else side + 1):
                varied = pair[p * CELL : (p + 1) * CELL]
                for i in range(_L):
                    step = varied[STEP + i]
                    varied[STEP + i] = spreads[i] * drawn[i] if (step > 0.0) & (spreads[i] > 0.0) else step


@apart(Part.DISTURB_OTHERS)
def disturb_others(state: Reals, rows: int, columns: int, disturb: float, memory: Matrix) -> None:
    """Add to each step what the pulses on other cells of row and column do; `memory` (R + C, L)."""
    for line in range(rows + columns):
        for i in range(_L):
            memory[line, i] = 0.0
    for q in range(rows * columns):
        cell, row, column = state[q * CELL : (q + 1) * CELL], memory[q // columns], memory[rows + q % columns]
        for i in range(_L):
            row[i] += cell[STEP + i]
            column[i] += cell[STEP + i]
    for q in range(rows * columns):
        cell, row, column = state[q * CELL : (q + 1) * CELL], memory[q // columns], memory[rows + q % columns]
        for i in range(_L):
            step = cell[STEP + i]
            cell[STEP + i] = step + disturb * (row[i] + column[i] - 2.0 * step)


@apart(Part.MOVE_CELLS)
def move_cells(state: Reals, rises: Reals, top: float, bends: bool, shares: Reals, left: Blocks) -> None:
    """Move cells along their curves by their steps; what is new of a rise will be lost later.

    Parameters
    ----------
    state : ndarray, shape (N CELL,)
        The cells.
    rises : ndarray, shape (L,)
        Of the curve, in siemens.
    top, bends
        Largest rise, and whether curves are bent.
    shares, left : ndarray, shape (T,), (T, N, L)
        Of the rises that are to be lost, and what is left of these.
    """
    last = float(len(rises) - 1)
    for q in range(len(state) // CELL):
        cell = state[q * CELL : (q + 1) * CELL]
        for i in range(_L):
            level = min(cell[LEVEL + i] + cell[STEP + i] * cell[MOVES + i], last)
            cell[LEVEL + i] = level
            cell[BELOW + i] = min(math.floor(level), last - 1.0)
        for i in range(_L):
            below = _u(cell[BELOW + i])
            cell[LOW + i], cell[ABOVE + i] = rises[below], rises[below + _u(1)]
        for i in range(_L):
            low, above = cell[LOW + i], cell[ABOVE + i]
            rise = low + (cell[LEVEL + i] - cell[BELOW + i]) * (above - low)
            cell[LOW + i] = rise
        if bends:
            for i in range(_L):
                rise = cell[LOW + i]
                power = cell[EXPONENT + i] * quick_log(max(rise / top, 1e-300))
                cell[LOW + i] = top * quick_exp(min(max(power, -700.0), 700.0)) if rise > 0.0 else rise
        if len(shares) > 0:
            for i in range(_L):
                cell[CHANGE + i] = cell[LOW + i] - cell[RISEN + i]
        for i in range(_L):
            cell[RISEN + i] = cell[LOW + i]
        for k in range(len(shares)):
            part, share = left[k, q], shares[k]
            for i in range(_L):
                part[i] += share * cell[CHANGE + i]


@apart(Part.CONDUCT)
def conduct(state: Reals, left: Blocks, total: float, scale: float, drifted: Reals, siemens: Matrix) -> None:
    """Find the conductances of all cells, (N, L) `siemens` too.

    Parameters
    ----------
    left, total
        What is left to be lost (T, N, L), and the share of a rise that will be.
    scale : float
        K.
    drifted : ndarray, shape (L,)
        Relative drift of one standard deviation by now.
    """
    for q in range(len(state) // CELL):
        cell, found = state[q * CELL : (q + 1) * CELL], siemens[q]
        for i in range(_L):
            cell[CHANGE + i] = (1.0 - total) * cell[RISEN + i] if total > 0.0 else cell[RISEN + i]
        for k in range(len(left)):
            part = left[k, q]
            for i in range(_L):
                cell[CHANGE + i] += part[i]
        for i in range(_L):
            of_rise = cell[FACTOR + i] * cell[CHANGE + i]
            here = scale * (of_rise + cell[SHIFT + i]) * (1.0 + drifted[i] * cell[DRIFT_OF + i])
            held = cell[HELD + i]
            here = max(here, 0.0) if held < 0.0 else held
            cell[OLD + i] = cell[SIEMENS + i]
            cell[SIEMENS + i] = here
            found[i] = here


@apart(Part.BEGIN_CELLS)
def begin_cells(
    state: Reals, new: Truths, rises: Reals, top: float, shares: Reals, keeps: Matrix, begun: int, scale: float,
    drifted: Reals, left: Blocks, siemens: Matrix,
) -> None:  # fmt: skip
    """Bring the cells of new lanes to the levels at which they start, of whose rises some is lost already.

    Row `begun` of `keeps` has what is left of that.
    """
    last = float(len(rises) - 1)
    for i in range(_L):
        if not new[i]:
            continue
        new[i] = False
        for q in range(len(state) // CELL):
            cell = state[q * CELL + i : (q + 1) * CELL]
            level = cell[LEVEL]
            below = min(math.floor(level), last - 1.0)
            rise = rises[_u(below)] + (level - below) * (rises[_u(below) + _u(1)] - rises[_u(below)])
            if rise > 0.0 and cell[EXPONENT] != 1.0:
                rise = top * (rise / top) ** cell[EXPONENT]
            lost = 0.0
            for k in range(len(shares)):
                left[k, q, i] = shares[k] * rise * keeps[begun, k]
                lost += shares[k] * rise - left[k, q, i]
            here = scale * (cell[FACTOR] * (rise - lost) + cell[SHIFT]) * (1.0 + drifted[i] * cell[DRIFT_OF])
            here = max(here, 0.0) if cell[HELD] < 0.0 else cell[HELD]
            cell[RISEN], cell[SIEMENS], siemens[q, i] = rise, here, here


@apart(Part.BEGIN_NOISE)
def begin_noise(  # noqa: PLR0912
    table: Table, state: Reals, slow: Blocks, lasts: bool, share: float, drifts: bool, new: Truths, none: Counts,
    chips: Counts, key: Counts, drawn: Singles,
) -> None:  # fmt: skip
    """Draw what is a chip's own: how its cells drift, and where slow noise begins, of `new` lanes; `none` are 0."""
    cells = len(state) // CELL
    blocks = (cells + 3) // 4
    if drifts:
        fill_normals(table, none, blocks, DRIFT, chips, key, drawn)
        for q in range(cells):
            for i in range(_L):
                if new[i]:
                    state[q * CELL + DRIFT_OF + i] = drawn[q * _L + i]
    if lasts:
        fill_uniforms(table, none, blocks, TELEGRAPH_START, chips, key, drawn)
        for q in range(cells):
            for i in range(_L):
                if new[i]:
                    state[q * CELL + HIGH + i] = 1.0 if drawn[q * _L + i] < share else 0.0
    if len(slow) > 0:
        fill_normals(table, none, (len(slow) * cells + 3) // 4, FLICKER_START, chips, key, drawn)
        for k in range(len(slow)):
            for q in range(cells):
                for i in range(_L):
                    if new[i]:
                        slow[k, q, i] = drawn[(k * cells + q) * _L + i]


@apart(Part.DRIFT_BY)
def drift_by(passed_s: Reals, drift: float, drifted: Reals) -> None:
    """Find the relative drift of one standard deviation after so many seconds, (L,) each."""
    if drift > 0.0:
        for i in range(_L):
            drifted[i] = drift * _PER_DECADE * quick_log(1.0 + passed_s[i])


@apart(Part.KEEP)
def keep(kept: Matrix, keeps: Matrix, row: int, sent: Reals) -> None:
    """Take what stays after the time of a row, or if that is below 0 of as many pulses as each lane has `sent`."""
    for k in range(len(kept)):
        part = kept[k]
        if row >= 0:
            for i in range(_L):
                part[i] = keeps[row, k]
        else:
            for i in range(_L):
                part[i] = keeps[_u(sent[i]), k]


@apart(Part.LOSE)
def lose(left: Blocks, kept: Matrix) -> None:
    """Lose of what is left of rises (T, N, L) all but the shares that are kept (at least T, L)."""
    for k in range(len(left)):
        for q in range(left.shape[1]):
            part, share = left[k, q], kept[k]
            for i in range(_L):
                part[i] *= share[i]


@apart(Part.GO_ON)
def go_on(
    table: Table, state: Reals, slow: Blocks, height: float, share: float, kept: Matrix, ticks: Counts, chips: Counts,
    key: Counts, drawn: Singles,
) -> None:  # fmt: skip
    """Let slow noise go on.

    Parameters
    ----------
    slow : ndarray, shape (F, N, L)
        The processes of 1/f noise.
    height, share : float
        Of telegraph noise that lasts, if the height is above 0.
    kept : ndarray, shape (T + 1 + F, L)
        By how much telegraph noise, and each process, is as it was, in the last 1 + F rows.
    ticks : ndarray of uint64, shape (L,)
        How often this was done; counted on.
    drawn : ndarray of float32
        Memory for numbers of all processes of all cells.
    """
    cells, first = len(state) // CELL, len(kept) - len(slow)
    if height > 0.0:
        fill_uniforms(table, ticks, (cells + 3) // 4, TELEGRAPH, chips, key, drawn)
        for q in range(cells):
            cell, own, stays = state[q * CELL : (q + 1) * CELL], drawn[q * _L : (q + 1) * _L], kept[first - 1]
            for i in range(_L):
                chance = share * (1.0 - stays[i]) + stays[i] * cell[HIGH + i]
                cell[HIGH + i] = 1.0 if own[i] < chance else 0.0
    if len(slow) > 0:
        fill_normals(table, ticks, (len(slow) * cells + 3) // 4, FLICKER, chips, key, drawn)
        for k in range(len(slow)):
            for q in range(cells):
                part, place, stays = slow[k, q], (k * cells + q) * _L, kept[first + k]
                own = drawn[place : place + _L]
                for i in range(_L):
                    part[i] = stays[i] * part[i] + math.sqrt(1.0 - stays[i] * stays[i]) * own[i]
    for i in range(_L):
        ticks[i] += np.uint64(1)
