"""Compiled: what pulses and time do to the cells of chips side by side, as `chip.effects` has it.

The numbers of a cell lie together, each of all lanes: the compiler then sees that no two places are the same, and makes
vectors.
"""

import math
from typing import Any

import numba
import numpy as np

from .functions import EFFECT_LANES, INNER, quick_exp, quick_log
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
    LEVEL, RISEN, SIEMENS, STEP, COUNT, SILENT, BLOCKED, SHIFT, FACTOR, EXPONENT, MOVES, HELD, DRIFT_OF, HIGH, CHANGE,
    BELOW, LOW, ABOVE, OLD, NUMBERS,
) = range(20)  # fmt: skip
"""Numbers of a cell: level, rise and conductance (before the update: OLD); levels by which this update moves it, pulses
so far, those in a row without a change, whether it is unresponsive; what is its own: shift, step factor, exponent,
whether it moves, the conductance that it is held at or -1, its drift; whether telegraph noise is high. Then memory."""
CELL = NUMBERS * _L
_PER_DECADE = 1.0 / math.log(10.0)
_u = np.uintp  # an index that cannot count from the end


@numba.njit(**INNER)
def vary_steps(state: Any, spreads: Any, each: bool, ages: Any, chips: Any, key: Any, memory: Any) -> None:
    """Make of steps gamma numbers of relative variance `spreads` (L,) over the step; `memory` (R + C, L).

    Only one cell of a pair has a step, unless `each`.
    """
    shapes, drawn, cells, many = memory[0], memory[1], np.zeros(_L, dtype=np.uint64), len(state) // CELL
    for q in range(0, many, 1 if each else 2):
        cell = state[q * CELL : (q + 1) * CELL]
        for i in range(_L):
            shapes[i], cells[i] = cell[STEP * _L + i], _u(q)
        if not each:
            other = state[(q + 1) * CELL : (q + 2) * CELL]
            for i in range(_L):
                cells[i] += _u(1) if other[STEP * _L + i] > 0.0 else _u(0)
                shapes[i] += other[STEP * _L + i]
        for i in range(_L):
            shapes[i] = shapes[i] / spreads[i] if spreads[i] > 0.0 else 0.0
        draw_gammas(shapes, ages, cells, many, chips, key, drawn)
        for p in range(q, q + (1 if each else 2)):
            own = state[p * CELL : (p + 1) * CELL]
            for i in range(_L):
                step = own[STEP * _L + i]
                own[STEP * _L + i] = spreads[i] * drawn[i] if (step > 0.0) & (spreads[i] > 0.0) else step


@numba.njit(**INNER)
def disturb_others(state: Any, rows: int, columns: int, disturb: float, memory: Any) -> None:
    """Add to each step what the pulses on other cells of row and column do; `memory` (R + C, L)."""
    for line in range(rows + columns):
        for i in range(_L):
            memory[line, i] = 0.0
    for q in range(rows * columns):
        cell, row, column = state[q * CELL : (q + 1) * CELL], memory[q // columns], memory[rows + q % columns]
        for i in range(_L):
            row[i] += cell[STEP * _L + i]
            column[i] += cell[STEP * _L + i]
    for q in range(rows * columns):
        cell, row, column = state[q * CELL : (q + 1) * CELL], memory[q // columns], memory[rows + q % columns]
        for i in range(_L):
            step = cell[STEP * _L + i]
            cell[STEP * _L + i] = step + disturb * (row[i] + column[i] - 2.0 * step)


@numba.njit(**INNER)
def move_cells(state: Any, rises: Any, top: float, bends: bool, shares: Any, left: Any) -> None:
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
            level = min(cell[LEVEL * _L + i] + cell[STEP * _L + i] * cell[MOVES * _L + i], last)
            cell[LEVEL * _L + i] = level
            cell[BELOW * _L + i] = min(math.floor(level), last - 1.0)
        for i in range(_L):
            below = _u(cell[BELOW * _L + i])
            cell[LOW * _L + i], cell[ABOVE * _L + i] = rises[below], rises[below + _u(1)]
        for i in range(_L):
            low, above = cell[LOW * _L + i], cell[ABOVE * _L + i]
            rise = low + (cell[LEVEL * _L + i] - cell[BELOW * _L + i]) * (above - low)
            cell[LOW * _L + i] = rise
        if bends:
            for i in range(_L):
                rise = cell[LOW * _L + i]
                power = cell[EXPONENT * _L + i] * quick_log(max(rise / top, 1e-300))
                cell[LOW * _L + i] = top * quick_exp(min(max(power, -700.0), 700.0)) if rise > 0.0 else rise
        for i in range(_L):
            rise = cell[LOW * _L + i]
            cell[CHANGE * _L + i] = rise - cell[RISEN * _L + i]
            cell[RISEN * _L + i] = rise
        for k in range(len(shares)):
            part, share = left[k, q], shares[k]
            for i in range(_L):
                part[i] += share * cell[CHANGE * _L + i]


@numba.njit(**INNER)
def conduct(state: Any, left: Any, total: float, scale: float, drifted: Any, siemens: Any) -> None:
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
            cell[CHANGE * _L + i] = (1.0 - total) * cell[RISEN * _L + i] if total > 0.0 else cell[RISEN * _L + i]
        for k in range(len(left)):
            part = left[k, q]
            for i in range(_L):
                cell[CHANGE * _L + i] += part[i]
        for i in range(_L):
            of_rise = cell[FACTOR * _L + i] * cell[CHANGE * _L + i]
            here = scale * (of_rise + cell[SHIFT * _L + i]) * (1.0 + drifted[i] * cell[DRIFT_OF * _L + i])
            held = cell[HELD * _L + i]
            here = max(here, 0.0) if held < 0.0 else held
            cell[OLD * _L + i] = cell[SIEMENS * _L + i]
            cell[SIEMENS * _L + i] = here
            found[i] = here


@numba.njit(**INNER)
def begin_cells(
    state: Any, i: int, rises: Any, top: float, shares: Any, stays: Any, scale: float, drifted: float, left: Any,
    siemens: Any,
) -> None:  # fmt: skip
    """Bring the cells of one lane to the levels at which they start, of whose rises some is lost already."""
    last = float(len(rises) - 1)
    for q in range(len(state) // CELL):
        cell = state[q * CELL + i : (q + 1) * CELL]
        level = cell[LEVEL * _L]
        below = min(math.floor(level), last - 1.0)
        rise = rises[_u(below)] + (level - below) * (rises[_u(below) + _u(1)] - rises[_u(below)])
        if rise > 0.0 and cell[EXPONENT * _L] != 1.0:
            rise = top * (rise / top) ** cell[EXPONENT * _L]
        lost = 0.0
        for k in range(len(shares)):
            left[k, q, i] = shares[k] * rise * stays[k]
            lost += shares[k] * rise - left[k, q, i]
        here = scale * (cell[FACTOR * _L] * (rise - lost) + cell[SHIFT * _L]) * (1.0 + drifted * cell[DRIFT_OF * _L])
        here = max(here, 0.0) if cell[HELD * _L] < 0.0 else cell[HELD * _L]
        cell[RISEN * _L], cell[SIEMENS * _L], siemens[q, i] = rise, here, here


@numba.njit(**INNER)
def begin_noise(  # noqa: PLR0912
    state: Any, slow: Any, lasts: bool, share: float, drifts: bool, new: Any, none: Any, chips: Any, key: Any,
    drawn: Any,
) -> None:  # fmt: skip
    """Draw what is a chip's own: how its cells drift, and where slow noise begins, of `new` lanes; `none` are 0."""
    cells = len(state) // CELL
    blocks = (cells + 3) // 4
    if drifts:
        fill_normals(none, blocks, DRIFT, chips, key, drawn)
        for q in range(cells):
            for i in range(_L):
                if new[i]:
                    state[q * CELL + DRIFT_OF * _L + i] = drawn[q * _L + i]
    if lasts:
        fill_uniforms(none, blocks, TELEGRAPH_START, chips, key, drawn)
        for q in range(cells):
            for i in range(_L):
                if new[i]:
                    state[q * CELL + HIGH * _L + i] = 1.0 if drawn[q * _L + i] < share else 0.0
    if len(slow) > 0:
        fill_normals(none, (len(slow) * cells + 3) // 4, FLICKER_START, chips, key, drawn)
        for k in range(len(slow)):
            for q in range(cells):
                for i in range(_L):
                    if new[i]:
                        slow[k, q, i] = drawn[(k * cells + q) * _L + i]


@numba.njit(**INNER)
def drift_by(passed_s: Any, drift: float, drifted: Any) -> None:
    """Find the relative drift of one standard deviation after so many seconds, (L,) each."""
    if drift > 0.0:
        for i in range(_L):
            drifted[i] = drift * _PER_DECADE * quick_log(1.0 + passed_s[i])


@numba.njit(**INNER)
def lose(left: Any, keeps: Any) -> None:
    """Lose of what is left of rises (T, N, L) all but the shares (T, L)."""
    for k in range(len(left)):
        for q in range(left.shape[1]):
            part, keep = left[k, q], keeps[k]
            for i in range(_L):
                part[i] *= keep[i]


@numba.njit(**INNER)
def go_on(
    state: Any, slow: Any, height: float, share: float, keeps: Any, ticks: Any, chips: Any, key: Any, drawn: Any
) -> None:
    """Let slow noise go on.

    Parameters
    ----------
    slow : ndarray, shape (F, N, L)
        The processes of 1/f noise.
    height, share : float
        Of telegraph noise that lasts, if the height is above 0.
    keeps : ndarray, shape (1 + F, L)
        By how much telegraph noise, and each process, is as it was.
    ticks : ndarray of uint64, shape (L,)
        How often this was done; counted on.
    drawn : ndarray of float32
        Memory for numbers of all processes of all cells.
    """
    cells = len(state) // CELL
    if height > 0.0:
        fill_uniforms(ticks, (cells + 3) // 4, TELEGRAPH, chips, key, drawn)
        for q in range(cells):
            cell, own, keep = state[q * CELL : (q + 1) * CELL], drawn[q * _L : (q + 1) * _L], keeps[0]
            for i in range(_L):
                chance = share * (1.0 - keep[i]) + keep[i] * cell[HIGH * _L + i]
                cell[HIGH * _L + i] = 1.0 if own[i] < chance else 0.0
    if len(slow) > 0:
        fill_normals(ticks, (len(slow) * cells + 3) // 4, FLICKER, chips, key, drawn)
        for k in range(len(slow)):
            for q in range(cells):
                part, place, keep = slow[k, q], (k * cells + q) * _L, keeps[1 + k]
                own = drawn[place : place + _L]
                for i in range(_L):
                    part[i] = keep[i] * part[i] + math.sqrt(1.0 - keep[i] * keep[i]) * own[i]
    for i in range(_L):
        ticks[i] += np.uint64(1)
