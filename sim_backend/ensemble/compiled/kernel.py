"""Compiled lock-step of chips with the effects of real ones, in double precision.

A chip that has finished leaves its lane to the next. Where nothing is random, one that comes within the margins of a
decision is handed back undecided, epoch number 0. Training follows the equations in the order of `Trainer`, the chip
those of `SimulatedBackend`.
"""

import math
from typing import Any

import numba
import numpy as np

from . import reactions
from .cells import (
    BLOCKED,
    CELL,
    COUNT,
    EXPONENT,
    FACTOR,
    HELD,
    LEVEL,
    MOVES,
    NUMBERS,
    OLD,
    SHIFT,
    SIEMENS,
    SILENT,
    STEP,
    begin_cells,
    begin_noise,
    conduct,
    disturb_others,
    drift_by,
    go_on,
    lose,
    move_cells,
    vary_steps,
)  # fmt: skip
from .functions import EFFECT_LANES, FAR, FAST, INNER, quick_exp
from .noise import WHITE, fill_normals
from .reads import read_cells, read_columns, see_cells, weigh_cells
from .wired_lanes import transfer_of_any

WHITE_OF, HEIGHT, SHARE, LASTS, FLICKER, VARIES, DRIFTS, DISTURB, TOP, BEGUN_S, READ_S, PULSE_S, BENDS = range(13)
"""Places of the numbers of the effects, as `Effects` has them; `LASTS` is 1 if telegraph noise has a memory, `VARIES`
if steps do, `BENDS` if curves are bent; `TOP` is the largest rise, `BEGUN_S` what has passed before, and `READ_S` how
long all readings of an epoch take."""
NEAR, CLOSE, BASIS, OF_CURRENTS, TINY, JUDGED_BY = range(6)
"""Places of the margins, as `ensemble.wired_kernel` has them; all but the last two are 0 if anything is random. The
last is how near, relatively, a judgement by readings may be."""
SHORT, ERROR, DOUBT, AGE, MET, IDLE, DONE, WANTS, MOVING, SENDS, FRESH, BUSY, NOW, PULSES, LANES = range(15)
"""What each lane keeps beside its cells."""
OFFSET, SUM, SQUARE, OUTPUTS = range(4)
"""What each lane keeps of each output."""
_L = EFFECT_LANES
_OUTPUT = OUTPUTS * _L
_LEAST_CHANGE = 1e-12
"""Relative change of a conductance that `Trainer` may or may not see."""
_u = np.uintp


@numba.njit(**INNER)
def _weigh_output(
    part: Any, lanes: Any, deltas: Any, fuzzy: Any, target: float, sense: float, centre: float, often: float,
    near: float, leave: float, unclear: float,
) -> None:  # fmt: skip
    """Compare an output, beta times its current, which is in `SUM`, to its target: equations 1 to 3.

    `deltas` and their slopes, `fuzzy`, (L,) each, count as often as the pattern does.
    """
    for i in range(_L):
        x = part[SUM * _L + i]
        size = abs(x)
        e = quick_exp(max(-2.0 * size, -700.0))
        share = 1.0 / (1.0 + e)
        gap = target - math.copysign((1.0 - e) * share, x)
        slope = often * e * share * share
        beyond = sense * x - centre
        slope = slope if (size < FAR) & (beyond < leave) else 0.0
        deltas[i] = gap * slope
        fuzzy[i] = slope
        lanes[DOUBT * _L + i] += 1.0 if abs(beyond + near) < unclear else 0.0
        lanes[ERROR * _L + i] += often * max(sense * gap, 0.0)
        lanes[SHORT * _L + i] += min(beyond, 0.0)


@numba.njit(**INNER)
def _doubt_output(part: Any, fuzzy: Any, conducts: Any, limits: Any) -> None:
    """Make of slopes by how much their deltas may be wrong."""
    for i in range(_L):
        wrong = limits[BASIS] + limits[OF_CURRENTS] * conducts[i] + limits[CLOSE] * abs(part[SUM * _L + i])
        fuzzy[i] = fuzzy[i] * wrong + limits[TINY] if fuzzy[i] > 0.0 else 0.0


@numba.njit(**INNER)
def _sum_output(
    part: Any, weights: Any, squares: Any, n: int, volts: Any, pattern: int, drawn: Any, gain: float, white: float
) -> None:
    """Sum up an output of ideal wires, with the noise of all its cells together."""
    for i in range(_L):
        part[SUM * _L + i] = 0.0
    for j in range(volts.shape[1]):
        volt, own = volts[pattern, j], weights[n * volts.shape[1] + j]
        for i in range(_L):
            part[SUM * _L + i] += volt * own[i]
    if white > 0.0:
        for i in range(_L):
            part[SQUARE * _L + i] = 0.0
        for j in range(volts.shape[1]):
            square, own = volts[pattern, j] * volts[pattern, j], squares[n * volts.shape[1] + j]
            for i in range(_L):
                part[SQUARE * _L + i] += square * own[i]
        for i in range(_L):
            part[SUM * _L + i] += white * math.sqrt(part[SQUARE * _L + i]) * drawn[i]
    for i in range(_L):
        part[SUM * _L + i] = gain * part[SUM * _L + i] + part[OFFSET * _L + i]


@numba.njit(**INNER)
def _choose(pair: Any, lanes: Any, sums: Any, edges: Any, last: float, ends: bool) -> None:
    """Choose which of two cells gets a pulse by the sign of a gradient: equations 4 and 5."""
    for i in range(_L):
        s, edge, alive = sums[i], edges[i], lanes[WANTS * _L + i]
        up, down = (alive if s > edge else 0.0), (alive if s < -edge else 0.0)
        lanes[DOUBT * _L + i] += 1.0 if (up + down < alive) & (edge > 0.0) else 0.0
        up = up if pair[BLOCKED * _L + i] == 0.0 else 0.0
        down = down if pair[CELL + BLOCKED * _L + i] == 0.0 else 0.0
        pair[STEP * _L + i], pair[CELL + STEP * _L + i] = up, down
        level = pair[LEVEL * _L + i] if up > 0.0 else pair[CELL + LEVEL * _L + i]
        moves = pair[MOVES * _L + i] if up > 0.0 else pair[CELL + MOVES * _L + i]
        had = pair[COUNT * _L + i] if up > 0.0 else pair[CELL + COUNT * _L + i]
        ended = ends & (level >= last) & (moves > 0.0) & (had > 0.0)
        lanes[MOVING * _L + i] += 0.0 if ended else up + down


@numba.njit(**INNER)
def _keep(kept: Any, keeps: Any, row: int, first: int, stop: int) -> None:
    """Take of all lanes what stays after the time of a row."""
    for k in range(first, stop):
        part, keep = kept[k], keeps[row, k]
        for i in range(_L):
            part[i] = keep


@numba.njit(**FAST)
def train_in_lanes(  # noqa: PLR0912, PLR0915 - numba compiles one function faster than many
    shifts: Any, factors: Any, exponents: Any, moves: Any, held: Any, starts: Any, offsets: Any, variations: Any,
    which: Any, key: Any, rises: Any, scale: float, gain: float, of_offset: float, of_reading: float, volts: Any,
    targets: Any, senses: Any, centres: Any, times: Any, limits: Any, exact: bool, pull_back: bool, epochs: int,
    confirm: int, most_idle: int, unresponsive: int, size: Any, shares: Any, keeps: Any, readings: Any, sends: Any,
    flickers: int, row_ohm: Any, column_ohm: Any, memory: Any,
    numbers: Any, met: Any, ended: Any, pulses: Any, errors: Any, levels: Any, conductances: Any, fresh: Any,
) -> None:  # fmt: skip
    """Train each chip to its end.

    Parameters
    ----------
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
    pull_back, epochs, confirm
        As `Trainer` has them.
    most_idle : int
        Evaluations in a row in which nothing could be pulsed that end a training; 0 if it goes on.
    unresponsive : int
        As `Trainer` has it.
    size : ndarray, shape (13,)
        The numbers of the effects.
    shares, keeps : ndarray, shape (T,), (R N + 5, T + 1 + F)
        Of rises, what will be lost; and what stays of that, of telegraph noise, and of each process of 1/f noise, after
        so many pulses; in the last rows after `BEGUN_S`, one reading of the columns, those of all cells, and all of an
        epoch.
    readings, sends : ndarray, shape (E, R C, L)
        Memory of at least `epochs` readings and pulses, by which cells are judged; E is 1 where readings repeat.
    flickers : int
        F, processes of 1/f noise.
    row_ohm, column_ohm, memory
        As `transfer_of_any` takes them; no ohm for ideal wires.
    numbers, met, ended, pulses, errors : ndarray, shape (M,)
        Results: epochs, converged, saturated cells, pulses, last error over the given patterns.
    levels, conductances : ndarray, shape (M, R C)
        Results: where each cell ended, and its conductance after the last evaluation, in siemens.
    fresh : ndarray of bool, shape (M,) or (0,)
        Result: whether a chip that converged meets every target in one more read.
    """
    chips, cells = shifts.shape
    patterns, outputs = targets.shape
    rows, columns, last, terms = volts.shape[1], 2 * outputs, float(len(rises) - 1), len(shares)
    total = shares.sum() if terms > 0 else 0.0
    state, lanes = np.zeros(cells * CELL), np.zeros(LANES * _L)
    outs = np.zeros(outputs * _OUTPUT)
    deltas, fuzzy = np.zeros((patterns * outputs, _L)), np.zeros((patterns * outputs, _L))
    weights, squares = np.zeros((outputs * rows, _L)), np.zeros((outputs * rows, _L))
    conducts, added = np.zeros((outputs, _L)), np.zeros((columns, _L))
    passed_s, new, none = np.zeros(_L), np.zeros(_L, dtype=np.bool_), np.zeros(_L, dtype=np.uint64)
    seen, currents = np.zeros((cells, _L)), np.zeros((columns, _L))
    left, slow, kept = (
        np.zeros((terms, cells, _L)),
        np.zeros((flickers, cells, _L)),
        np.zeros((terms + 1 + flickers, _L)),
    )
    drifted, extra, sums = np.zeros(_L), np.zeros((rows + columns, _L)), np.zeros(_L)
    spreads, edges = np.zeros(_L), np.zeros(_L)
    most_drawn = max(max(flickers, 1) * cells, patterns * outputs) + 3
    drawn = np.zeros(most_drawn // 4 * 4 * _L, dtype=np.float32)
    chip_of, ages, ticks, seens = (
        np.zeros(_L, dtype=np.uint64), np.zeros(_L, dtype=np.uint64), np.zeros(_L, dtype=np.uint64),
        np.zeros(_L, dtype=np.uint64),
    )  # fmt: skip
    judged, sizes = np.zeros((reactions.JUDGED, _L)), np.zeros(cells)
    of_lane = np.full(_L, -1, dtype=np.int64)
    white, height, lasts = size[WHITE_OF], size[HEIGHT], size[LASTS] > 0.0
    wired, judging = len(row_ohm) > 0, len(readings) > 1
    each = height > 0.0 or flickers > 0 or (wired and white > 0.0)
    found = np.zeros((cells if wired else 1, _L))
    slows = (height > 0.0 and lasts) or flickers > 0
    ages_too = terms > 0 or size[DRIFTS] > 0.0
    of_begin, of_vector, of_rows, of_epoch = len(keeps) - 4, len(keeps) - 3, len(keeps) - 2, len(keeps) - 1
    leave, unclear = (math.inf, 0.0) if pull_back else (0.0, limits[NEAR])
    unsure = -(4.0 * patterns * outputs) * limits[NEAR]
    blocks = (patterns * outputs + 3) // 4
    following, turn = 0, 0
    for i in range(_L):
        lanes[DONE * _L + i] = 1.0
    while True:
        # Chips that have finished make room for the next.
        busy, begun = 0, False
        for i in range(_L):
            if lanes[DONE * _L + i] == 0.0:
                busy += 1
                continue
            m = of_lane[i]
            if m >= 0 and lanes[FRESH * _L + i] > 0.0:
                fresh[m] = lanes[SHORT * _L + i] == 0.0
                numbers[m] = 0 if exact and lanes[DOUBT * _L + i] > 0.0 else numbers[m]
            elif m >= 0:
                numbers[m] = 0
                if lanes[DOUBT * _L + i] == 0.0:
                    numbers[m] = int(lanes[AGE * _L + i])
                    met[m] = lanes[MET * _L + i] >= confirm
                    errors[m] = lanes[ERROR * _L + i]
                    pulses[m] = int(lanes[PULSES * _L + i])
                    at_end = 0
                    for q in range(cells):
                        place = q * CELL + i
                        at_end += (state[place + LEVEL * _L] >= last) and (state[place + MOVES * _L] > 0.0)
                        levels[m, q] = state[place + LEVEL * _L]
                        conductances[m, q] = state[place + SIEMENS * _L]
                    ended[m] = at_end
                    if met[m] and len(fresh) > 0:  # looked at once more
                        lanes[FRESH * _L + i], lanes[DONE * _L + i] = 1.0, 0.0
                        busy += 1
                        continue
            of_lane[i] = -1
            lanes[BUSY * _L + i] = 0.0
            if following < chips:
                m = following
                of_lane[i], new[i], begun = m, True, True
                following += 1
                busy += 1
                for k in range(LANES):
                    lanes[k * _L + i] = 0.0
                lanes[BUSY * _L + i], passed_s[i] = 1.0, size[BEGUN_S]
                chip_of[i], ages[i], ticks[i], seens[i] = which[m], _u(0), _u(0), _u(0)
                spreads[i] = variations[m % len(variations)] ** 2
                reactions.begin(judged, i, unresponsive)
                for q in range(cells):
                    place = q * CELL + i
                    for k in range(NUMBERS):
                        state[place + k * _L] = 0.0
                    state[place + SHIFT * _L] = shifts[m, q]
                    state[place + FACTOR * _L] = factors[m % len(factors), q]
                    state[place + EXPONENT * _L] = exponents[m % len(exponents), q]
                    state[place + MOVES * _L] = moves[m % len(moves), q]
                    state[place + HELD * _L] = held[m % len(held), q]
                    state[place + LEVEL * _L] = starts[m % len(starts), q]
                for n in range(outputs):
                    outs[n * _OUTPUT + OFFSET * _L + i] = 0.0
                for c in range(columns):
                    offset = offsets[m % len(offsets), c]
                    added[c, i] = of_reading * offset
                    outs[c // 2 * _OUTPUT + OFFSET * _L + i] -= of_offset * offset * (2.0 * (c % 2) - 1.0)
        if busy == 0:
            return
        if begun:
            begin_noise(state, slow, lasts, size[SHARE], size[DRIFTS] > 0.0, new, none, chip_of, key, drawn)
            drift_by(passed_s, size[DRIFTS], drifted)
            for i in range(_L):
                if new[i]:
                    begin_cells(
                        state, i, rises, size[TOP], shares, keeps[of_begin], scale, drifted[i], left, seen
                    )  # fmt: skip
                    new[i] = False
        # Equations 1 to 3.
        if not each:
            if wired:
                transfer_of_any(seen, row_ohm, column_ohm, memory, found)
            weigh_cells(found if wired else seen, outputs, weights, squares, conducts)
            if white > 0.0:
                fill_normals(ages, blocks, WHITE, chip_of, key, drawn)
        for i in range(_L):
            lanes[SHORT * _L + i], lanes[ERROR * _L + i], lanes[MOVING * _L + i] = 0.0, 0.0, 0.0
        for p in range(patterns + (rows if each and judging else 0)):
            if each:
                see_cells(
                    state, slow, white, height, size[SHARE], lasts, size[FLICKER], seens, chip_of, key, drawn, seen
                )  # fmt: skip
                if wired:
                    transfer_of_any(seen, row_ohm, column_ohm, memory, found)
                read_columns(found if wired else seen, volts, p, currents)
                for i in range(_L):
                    seens[i] += _u(1)
            for n in range(outputs if p < patterns else 0):
                part, o = outs[n * _OUTPUT : (n + 1) * _OUTPUT], p * outputs + n
                if each:
                    plus, minus = currents[2 * n], currents[2 * n + 1]
                    for i in range(_L):
                        part[SUM * _L + i] = gain * (plus[i] - minus[i]) + part[OFFSET * _L + i]
                else:
                    _sum_output(part, weights, squares, n, volts, p, drawn[o * _L : (o + 1) * _L], gain, white)
                _weigh_output(
                    part, lanes, deltas[o], fuzzy[o], targets[p, n], senses[p, n], centres[p, n], times[p],
                    limits[NEAR], leave, unclear,
                )  # fmt: skip
                if exact:
                    _doubt_output(part, fuzzy[o], conducts[n], limits)
            if readings.ndim == 3:
                for c in range(columns if p >= patterns else 0):
                    own, read, more = (
                        readings[turn % len(readings), (p - patterns) * columns + c],
                        currents[c],
                        added[c],
                    )
                    for i in range(_L):
                        own[i] = read[i] + more[i]
            if slows:
                _keep(kept, keeps, of_vector, terms, len(kept))
                go_on(state, slow, height if lasts else 0.0, size[SHARE], kept[terms:], ticks, chip_of, key, drawn)
        if slows and not judging:
            _keep(kept, keeps, of_rows, terms, len(kept))
            go_on(state, slow, height if lasts else 0.0, size[SHARE], kept[terms:], ticks, chip_of, key, drawn)
        if judging and not each:
            read_cells(
                found if wired else seen, white, ages, chip_of, key, drawn, added, readings[turn % len(readings)]
            )
        if ages_too:
            _keep(kept, keeps, of_epoch, 0, terms)
            lose(left, kept[:terms])
            for i in range(_L):
                passed_s[i] += size[READ_S]
        for i in range(_L):
            short = lanes[SHORT * _L + i]
            age = lanes[AGE * _L + i] + 1.0
            lanes[AGE * _L + i] = age
            in_a_row = lanes[MET * _L + i] + 1.0 if short == 0.0 else 0.0
            lanes[MET * _L + i] = in_a_row
            lanes[DOUBT * _L + i] += 1.0 if (short < 0.0) & (short > unsure) else 0.0
            ends = (in_a_row >= confirm) | (age >= epochs) | (lanes[FRESH * _L + i] > 0.0)
            ends |= lanes[BUSY * _L + i] == 0.0
            lanes[DONE * _L + i] = 1.0 if ends else 0.0
            lanes[WANTS * _L + i] = 0.0 if ends | (short == 0.0) else 1.0
            lanes[IDLE * _L + i] = 0.0 if short == 0.0 else lanes[IDLE * _L + i]
        if judging:
            for i in range(_L):
                if lanes[DONE * _L + i] == 0.0:
                    updates = int(lanes[AGE * _L + i]) - 1
                    reactions.look(readings, sends, judged, state, i, turn, updates, sizes)
                    reactions.judge(readings, sends, judged, state, i, turn, updates, unresponsive, limits[JUDGED_BY])
                    lanes[DOUBT * _L + i] += 1.0 if exact and judged[reactions.SURE, i] == 0.0 else 0.0
        # Equations 4 and 5, and the pulses.
        for j in range(rows):
            for n in range(outputs):
                for i in range(_L):
                    sums[i], edges[i] = 0.0, 0.0
                for p in range(patterns):
                    volt, own, wrong = volts[p, j], deltas[p * outputs + n], fuzzy[p * outputs + n]
                    for i in range(_L):
                        sums[i] += volt * own[i]
                    if exact and volt != 0.0:
                        for i in range(_L):
                            edges[i] += wrong[i]
                q = 2 * (j * outputs + n)
                _choose(state[q * CELL : (q + 2) * CELL], lanes, sums, edges, last, most_idle == 1)
        for i in range(_L):
            stands = lanes[WANTS * _L + i] if (lanes[MOVING * _L + i] == 0.0) & (most_idle > 0) else 0.0
            idle = lanes[IDLE * _L + i] + 1.0 if stands > 0.0 else 0.0
            lanes[IDLE * _L + i] = idle
            ends = (lanes[DONE * _L + i] > 0.0) | ((stands > 0.0) & (idle >= most_idle))
            ends |= exact & (lanes[DOUBT * _L + i] > 0.0)
            lanes[DONE * _L + i] = 1.0 if ends else 0.0
            lanes[SENDS * _L + i] = lanes[WANTS * _L + i] - stands if (lanes[DONE * _L + i] == 0.0) else 0.0
            lanes[NOW * _L + i] = 0.0
        for q in range(cells):
            cell = state[q * CELL : (q + 1) * CELL]
            for i in range(_L):
                step = cell[STEP * _L + i] * lanes[SENDS * _L + i]
                cell[STEP * _L + i] = step
                cell[COUNT * _L + i] += step
                lanes[NOW * _L + i] += step
            if judging:
                own = sends[turn % len(sends), q]
                for i in range(_L):
                    own[i] = cell[STEP * _L + i]
        for i in range(_L):
            lanes[PULSES * _L + i] += lanes[NOW * _L + i]
            passed_s[i] += lanes[NOW * _L + i] * size[PULSE_S]
        silent = unresponsive > 0 and not judging
        if silent:
            for q in range(cells):
                cell = state[q * CELL : (q + 1) * CELL]
                for i in range(_L):
                    cell[SILENT * _L + i] += cell[STEP * _L + i]
        if size[DISTURB] > 0.0:
            disturb_others(state, rows, columns, size[DISTURB], extra)
        if size[VARIES] > 0.0:
            vary_steps(state, spreads, size[DISTURB] > 0.0, ages, chip_of, key, extra)
        move_cells(state, rises, size[TOP], size[BENDS] > 0.0, shares, left)
        if ages_too or slows:
            for k in range(terms + 1 + flickers):
                for i in range(_L):
                    kept[k, i] = keeps[_u(lanes[NOW * _L + i]), k]
            lose(left, kept[:terms])
            if slows:
                go_on(state, slow, height if lasts else 0.0, size[SHARE], kept[terms:], ticks, chip_of, key, drawn)
        # What the chip conducts now, for whoever ends here, and for who sees whether cells react.
        drift_by(passed_s, size[DRIFTS], drifted)
        conduct(state, left, total, scale, drifted, seen)
        if silent:
            for q in range(cells):
                cell = state[q * CELL : (q + 1) * CELL]
                for i in range(_L):
                    change = abs(cell[SIEMENS * _L + i] - cell[OLD * _L + i])
                    tiny = (change > 0.0) & (change < _LEAST_CHANGE * cell[SIEMENS * _L + i]) & exact
                    lanes[DOUBT * _L + i] += 1.0 if tiny else 0.0
                    cell[SILENT * _L + i] = 0.0 if change > 0.0 else cell[SILENT * _L + i]
                    cell[BLOCKED * _L + i] = 1.0 if cell[SILENT * _L + i] >= unresponsive else cell[BLOCKED * _L + i]
        for i in range(_L):
            ages[i] += _u(1)
        turn += 1
