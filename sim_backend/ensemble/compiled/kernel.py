"""Compiled lock-step of chips with the effects of real ones, in double precision.

A chip that has finished leaves its lane to the next. Where nothing is random, one that comes within the margins of a
decision is left undecided. Training follows the equations in the order of `Trainer`, the chip those of
`SimulatedBackend`. What an effect does not need is not in the table of functions (`apart`), and nothing is done.
"""

import math
from typing import Any

import numba
import numpy as np

from .apart import Table
from .cells import (
    begin_cells,
    begin_noise,
    conduct,
    disturb_others,
    drift_by,
    go_on,
    keep,
    lose,
    move_cells,
    vary_steps,
)  # fmt: skip
from .functions import FAST
from .half_pulses import aim, expose
from .lanes import (
    AIMED,
    BEGUN,
    NOW,
    TAKEN,
    TURN,
    count_evaluation,
    count_pulses,
    enter,
    leave,
    see_changes,
)  # fmt: skip
from .noise import WHITE, fill_normals
from .outputs import NEAR, OF_READING, choose, doubt_outputs, join_columns, sum_outputs, weigh_outputs
from .reactions import judge, keep_pulses, look
from .reads import keep_reading, read_cells, read_columns, see_cells, weigh_cells
from .wired_lanes import transfer
from .wired_pulses import see_pulse

WHITE_OF, HEIGHT, SHARE, LASTS, FLICKER, DRIFTS, DISTURB, TOP, BEGUN_S, READ_S, PULSE_S, BENDS, TOTAL, EACH = range(14)
"""Places of the numbers of the effects, as `Effects` has them; `LASTS` is 1 if telegraph noise has a memory, `BENDS` if
curves are bent; `TOP` is the largest rise, `BEGUN_S` what has passed before, `READ_S` how long all readings of an epoch
take, `TOTAL` the share of a rise that will be lost, and `EACH` whether every reading sees other cells."""


@numba.njit(**FAST)
def train_in_lanes(  # noqa: PLR0912, PLR0915 - a list of steps
    table: Table, shifts: Any, factors: Any, exponents: Any, moves: Any, held: Any, starts: Any, offsets: Any,
    variations: Any, which: Any, key: Any, rises: Any, scale: float, gain: float, of_offset: float, of_reading: float,
    volts: Any, targets: Any, senses: Any, centres: Any, times: Any, limits: Any, exact: bool, pull_back: bool,
    epochs: int, confirm: int, most_idle: int, unresponsive: int, size: Any, shares: Any, keeps: Any, readings: Any,
    sends: Any, word_lines: Any, bit_lines: Any, folded: Any, kept_rows: Any, threshold: float, least: float,
    turns: Any, state: Any, lanes: Any, outs: Any, deltas: Any, fuzzy: Any, weights: Any, squares: Any, conducts: Any,
    added: Any, passed_s: Any, new: Any, none: Any, seen: Any, currents: Any, found: Any, across: Any, left: Any,
    slow: Any, kept: Any, drifted: Any, extra: Any, sums: Any, spreads: Any, edges: Any, drawn: Any, chips: Any,
    ages: Any, ticks: Any, seens: Any, places: Any, judged: Any, sizes: Any, of_lane: Any,
    again: bool, ends: Any, levels: Any, conductances: Any,
) -> None:  # fmt: skip
    """Train each chip to its end.

    Parameters
    ----------
    table : ndarray
        Addresses of the functions that the effects need.
    shifts, factors, exponents, moves, held, starts, offsets : ndarray, shape (M or 1, R C), the last (M or 1, C)
        Of each chip or of all: shifts in siemens, step factors, shape exponents, 1 for cells that move, conductance in
        siemens that a cell is held at or -1, level at which it starts; what is added to columns, in amperes.
    variations : ndarray, shape (M or 1,)
        Relative standard deviation of a step.
    which, key
        Numbers of the chips (M,), and the two words that random numbers start from, all of uint64.
    rises, scale
        Of the pulse's curve (L,) in siemens, and K.
    gain, of_offset, of_reading : float
        By what a conductance makes the argument of the activation, in 1/S; a current, in 1/A; and a current the
        conductance of a cell that is read, in 1/V.
    volts : ndarray, shape (P + R, R)
        Row voltages of the patterns, and of the readings of the cells of each row, in units of the largest.
    targets, senses, centres, times : ndarray, shape (P, N), (P, N), (P, N), (P,)
        As `train_wired` takes them.
    limits, exact
        The margins, and whether anything is left undecided; not if anything is random.
    kept_rows, threshold, least
        Of half-select pulses that move other cells too: what `pulse_volts` keeps, the threshold, and the least share of
        the pulse that moves a cell; the first is empty for other pulses.
    pull_back, epochs, confirm
        As `Trainer` has them.
    most_idle : int
        Evaluations in a row in which nothing could be pulsed that end a training; 0 if it goes on.
    unresponsive : int
        As `Trainer` has it.
    size : ndarray, shape (14,)
        The numbers of the effects.
    shares, keeps : ndarray, shape (T,), (R N + 5, T + 1 + F)
        Of rises, what will be lost; and what stays of that, of telegraph noise, and of each process of 1/f noise, after
        so many pulses; in the last rows after `BEGUN_S`, one reading of the columns, those of all cells, and all of an
        epoch.
    readings, sends : ndarray, shape (E, R C, L)
        Memory of at least `epochs` readings and pulses, by which cells are judged; E is 1 where readings repeat.
    word_lines, bit_lines, folded
        As `transfer_of_any` takes them; no ohm for ideal wires.
    state, ... of_lane
        What it works in, as `Memory` has it.
    again : bool
        Whether chips that converged are read once more.
    ends : ndarray, shape (M, LANES / L)
        Result: what was kept of each chip beside its cells.
    levels, conductances : ndarray, shape (M, R C)
        Results: where each cell ended, and its conductance after the last evaluation, in siemens.
    """
    patterns, outputs = targets.shape
    rows, last = volts.shape[1], float(len(rises) - 1)
    white, height, share, lasts = size[WHITE_OF], size[HEIGHT], size[SHARE], size[LASTS] > 0.0
    high = height if lasts else 0.0
    each, judging = size[EACH] > 0.0, len(readings) > 1
    of_begin, of_vector, of_rows, of_epoch = len(keeps) - 4, len(keeps) - 3, len(keeps) - 2, len(keeps) - 1
    leave_at, unclear = (math.inf, 0.0) if pull_back else (0.0, limits[NEAR])
    unsure = -(4.0 * patterns * outputs) * limits[NEAR]
    while True:
        # Chips that have finished make room for the next.
        leave(table, lanes, state, of_lane, confirm, again, ends, levels, conductances)
        enter(
            table, turns, of_lane, new, lanes, state, outs, added, spreads, passed_s, size[BEGUN_S], of_offset,
            of_reading, which, chips, ages, ticks, seens, shifts, factors, exponents, moves, held, starts, offsets,
            variations,
        )  # fmt: skip
        if turns[TAKEN] == 0:
            return
        turn = turns[TURN]
        if turns[BEGUN] > 0:
            begin_noise(table, state, slow, lasts, share, size[DRIFTS] > 0.0, new, none, chips, key, drawn)
            drift_by(table, passed_s, size[DRIFTS], drifted)
            begin_cells(table, state, new, rises, size[TOP], shares, keeps, of_begin, scale, drifted, left, seen)
        # Equations 1 to 3.
        if not each:
            transfer(table, seen, word_lines, bit_lines, folded, found)
            weigh_cells(table, found, outputs, weights, squares, conducts)
            if white > 0.0:
                fill_normals(table, ages, (patterns * outputs + 3) // 4, WHITE, chips, key, drawn)
        for p in range(patterns + (rows if each and judging else 0)):
            see_cells(table, state, slow, white, height, share, lasts, size[FLICKER], seens, chips, key, drawn, seen)
            if each:
                transfer(table, seen, word_lines, bit_lines, folded, found)
            read_columns(table, found, volts, p, currents)
            if p < patterns:
                join_columns(table, outs, currents, gain)
                sum_outputs(table, outs, weights, squares, volts, p, drawn, gain, white)
                weigh_outputs(
                    table, outs, lanes, deltas, fuzzy, targets, senses, centres, times, p, limits[NEAR], leave_at,
                    unclear,
                )  # fmt: skip
                doubt_outputs(table, outs, fuzzy, conducts, limits, p)
            else:
                keep_reading(table, currents, p - patterns, added, readings, turn)
            keep(table, kept, keeps, of_vector, lanes)
            go_on(table, state, slow, high, share, kept, ticks, chips, key, drawn)
        read_cells(table, found, white, ages, chips, key, drawn, added, readings, turn)
        if not judging:
            keep(table, kept, keeps, of_rows, lanes)
            go_on(table, state, slow, high, share, kept, ticks, chips, key, drawn)
        keep(table, kept, keeps, of_epoch, lanes)
        lose(table, left, kept)
        count_evaluation(table, lanes, confirm, epochs, unsure, size[READ_S], passed_s)
        look(table, readings, sends, judged, state, lanes, turn, sizes, unresponsive)
        judge(table, readings, sends, judged, state, lanes, turn, unresponsive, limits[OF_READING], exact)
        # Equations 4 and 5, and the pulses.
        choose(table, state, lanes, deltas, fuzzy, volts, outputs, exact, last, most_idle == 1, sums, edges)
        if len(kept_rows) > 0:
            drift_by(table, passed_s, size[DRIFTS], drifted)
            conduct(table, state, left, size[TOTAL], scale, drifted, seen)
        count_pulses(table, lanes, state, most_idle, size[PULSE_S], passed_s)
        keep_pulses(table, sends, turn, state)
        for pair in range(rows * outputs if len(kept_rows) > 0 else 0):
            aim(table, turns, state, pair, currents)
            if turns[AIMED] > 0:
                see_pulse(table, seen, word_lines, bit_lines, pair // outputs, 0.5, currents, folded, kept_rows, across)
                expose(table, lanes, state, pair, across, threshold, least, exact)
                for i in range(len(ages)):
                    none[i] = ages[i] * np.uint64(rows * outputs) + np.uint64(pair)
                vary_steps(table, state, spreads, none, chips, key, extra, places, drawn)
                move_cells(table, state, rises, size[TOP], size[BENDS] > 0.0, shares, left)
                conduct(table, state, left, size[TOTAL], scale, drifted, seen)
        for i in range(len(ages)):
            none[i] = np.uint64(0)
        if len(kept_rows) == 0:
            disturb_others(table, state, rows, 2 * outputs, size[DISTURB], extra)
            vary_steps(table, state, spreads, ages, chips, key, extra, places, drawn)
            move_cells(table, state, rises, size[TOP], size[BENDS] > 0.0, shares, left)
        keep(table, kept, keeps, -1, lanes[NOW:])
        lose(table, left, kept)
        go_on(table, state, slow, high, share, kept, ticks, chips, key, drawn)
        # What the chip conducts now, for whoever ends here, and for who sees whether cells react.
        drift_by(table, passed_s, size[DRIFTS], drifted)
        conduct(table, state, left, size[TOTAL], scale, drifted, seen)
        see_changes(table, lanes, state, unresponsive, exact)
        for i in range(len(ages)):
            ages[i] += np.uint64(1)
        turns[TURN] = turn + 1
