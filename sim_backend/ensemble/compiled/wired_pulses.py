"""Compiled: what every cell sees of a half-select pulse on a chip with wires, many chips side by side.

Rows are folded downwards as in `wired_lanes`; what that leaves of every row is kept. From the ends of the bit
lines upwards the current out of a row is then ``q - F b`` of the potentials b below it, and those above are that much
times the ohm of a segment higher.
"""

import numba

from ...circuit.eight import load, spread, store
from ...circuit.layout import BLOCK
from .apart import Blocks, Matrix, Part, apart
from .functions import INNER
from .wired_lanes import FAR, OHM, add_row, begin, pass_segments, ways_of


@numba.njit(**INNER)
def pulse_volts(  # noqa: PLR0912 - numba compiles one function faster than many
    cells: Matrix, word_lines: Matrix, bit_lines: Matrix, driven: int, drive: float, ends: Matrix, work: Blocks,
    kept: Blocks, volts: Matrix,
) -> None:  # fmt: skip
    """Find the voltage across every cell while one word line and the ends of all bit lines are driven.

    Parameters
    ----------
    cells, word_lines, bit_lines, work
        As of `transfer_of_any`, which calls the last memory.
    driven : int
        The word line at `drive` volts; all others are at 0 V.
    ends : ndarray, shape (C, L)
        Of the bit lines, in volts, 0 or minus `drive`; changed.
    kept : ndarray, shape (R + 1, at least C (C + 1) and 2 C + 3, L)
        Memory; the last is work.
    volts : ndarray, shape (R * C, L)
        Result.
    """
    rows, block, used = len(word_lines), len(bit_lines), volts.shape[1]
    joins, lines, pivots, line = work[:block], work[block:], kept[rows], kept[rows, block:]
    wide = joins.shape[1]
    # The driven line is a source, all others together are another, and far ends of bit lines at minus `drive` a third.
    last = 1 + ways_of(bit_lines)
    for lane in range(0, used, BLOCK):
        begin(bit_lines, 1, joins)
        for a in range(block if last == 3 else 0):
            place, held = (a * wide + block) * BLOCK, load(ends, a * ends.shape[1] + lane)
            held = held * spread(-bit_lines[a, FAR] / drive)
            store(joins, place + 2 * BLOCK, held)
            store(joins, place + BLOCK, load(joins, place + BLOCK) - held)
        for row in range(rows):
            number = 0 if row == driven else 1
            add_row(cells, row * block, lane, word_lines[row, OHM], word_lines[row, FAR], number, joins, lines)
            pass_segments(bit_lines, last, joins, lines)
            for a in range(block):
                at = (row * kept.shape[1] + a * (block + 1)) * used + lane
                source, place = load(joins, (a * wide + block) * BLOCK), (a * wide + block + 1) * BLOCK
                whole, given = source + load(joins, place), spread(drive) * source
                if last == 3:
                    whole = whole + load(joins, place + BLOCK)
                    given = given - spread(drive) * load(joins, place + BLOCK)
                for c in range(block):
                    if c != a:
                        joined = load(joins, (min(a, c) * wide + max(a, c)) * BLOCK)
                        whole = whole + joined
                        store(kept, at + c * used, spread(0.0) - joined)
                store(kept, at + a * used, whole)
                store(kept, at + block * used, given)
    for row in range(rows - 1, -1, -1):
        for a in range(block):
            for i in range(used):
                line[a, i] = kept[row, a * (block + 1) + block, i]
            for c in range(block):
                for i in range(used):
                    line[a, i] -= kept[row, a * (block + 1) + c, i] * ends[c, i]
        for a in range(block):
            ohm = bit_lines[a, OHM]
            for i in range(used):
                ends[a, i] += ohm * line[a, i]
        # The word line: loads and currents from the far end, then potentials from the near one.
        ohm, far, first = word_lines[row, OHM], word_lines[row, FAR], row * block
        carried, fed, near, held_at = block, block + 1, block + 2, drive if row == driven else 0.0
        for i in range(used):
            line[carried, i], line[fed, i], line[near, i] = far, far * held_at, held_at
        for a in range(block - 1, -1, -1):
            for i in range(used):
                siemens = cells[first + a, i]
                loaded, given = line[carried, i] + siemens, line[fed, i] + siemens * ends[a, i]
                share_of = 1.0 / (1.0 + ohm * loaded)
                pivots[a, i], line[a, i] = share_of, given
                line[carried, i], line[fed, i] = loaded * share_of, given * share_of
        for a in range(block):
            for i in range(used):
                potential = (line[near, i] + ohm * line[a, i]) * pivots[a, i]
                line[near, i] = potential
                volts[first + a, i] = potential - ends[a, i]


see_pulse = apart(Part.SEE_PULSE)(pulse_volts)
