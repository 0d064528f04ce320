"""Compiled: what crossbars of any size with wires give in a read, many chips side by side, the lane innermost.

Rows are folded downwards into the bit lines that go on: what is left of those so far are conductances that join the bit
lines to each other and to the sources. A word line is eliminated in closed form and adds to them. The segment of a bit
line below it is one more node to be eliminated: what joins node c to a and to b joins these by g_a g_b / (sum of all
that c is joined to), and c itself stays, behind its segment. All of it are sums of positive terms: nothing cancels, a
wire of zero ohm is one like any other, and a matrix that is symmetric is kept by half.

The far end of a line may be joined to what its near end is joined to. A word line then has its source at both ends.
Bit lines begin with their upper ends held at 0 V; what flows out there is found by folding rows upwards too.

A line is two numbers, the ohm of its segments and the siemens by which its far end is joined, 0 if it is open.

Eight chips are taken at once (`circuit.eight`), two bit lines in a pass.
"""

from typing import Any

import numba

from ...circuit.eight import load, spread, store
from ...circuit.layout import BLOCK
from .apart import Blocks, Matrix, Part, apart
from .functions import INNER

OHM, FAR = 0, 1
"""Numbers of a line: ohm of a segment, and siemens by which its far end is joined to what the near end is."""


@numba.njit(**INNER)
def ways_of(bit_lines: Any) -> int:
    """Return the ends at which current flows out of bit lines (C, 2)."""
    ways = 1
    for c in range(len(bit_lines)):
        ways = 2 if bit_lines[c, FAR] > 0.0 else ways
    return ways


@numba.njit(**INNER)
def begin(bit_lines: Any, ground: int, work: Any) -> None:
    """Join nothing to anything, but the far ends of bit lines (C, 2) to the source that is at 0 V."""
    zero, block, wide = spread(0.0), work.shape[0], work.shape[1]
    for n in range(0, work.size, BLOCK):
        store(work, n, zero)
    for c in range(block):
        store(work, (c * wide + block + ground) * BLOCK, spread(bit_lines[c, FAR]))


@numba.njit(**INNER)
def add_row(cells: Any, first: int, lane: int, ohm: float, far: float, source: int, work: Any, line: Any) -> None:
    """Add a word line: what it joins bit lines to each other and to its source by.

    With the far end of the line at 1 V its nodes would be at the voltages v; l and y are voltages and currents from
    the near end, for 1 A into a line held at 0 V. What joins bit lines a < b is g_a l_a g_b v_b by the voltage that the
    source would have.
    """
    lanes, block, wide = cells.shape[1], work.shape[0], work.shape[1]
    one, r = spread(1.0), spread(ohm)
    v, y, voltage = one, spread(far), spread(0.0)
    for b in range(block - 1, -1, -1):
        drawn = load(cells, (first + b) * lanes + lane) * v
        store(line, b * BLOCK, drawn)
        y = y + drawn
        v = v + r * y
    share, y = one / v, one
    fed = share * spread(far)
    for b in range(block):
        drawn, place = load(line, b * BLOCK) * share, (b * wide + block + source) * BLOCK
        store(line, b * BLOCK, drawn)
        store(work, place, load(work, place) + drawn)
    for a in range(block):
        voltage = voltage + r * y
        joined, at = load(cells, (first + a) * lanes + lane) * voltage, a * wide * BLOCK
        y = y + joined
        if far > 0.0:
            place = at + (block + source) * BLOCK
            store(work, place, load(work, place) + joined * fed)
        for n in range((a + 1) * BLOCK, block * BLOCK, BLOCK):
            store(work, at + n, load(work, at + n) + joined * load(line, n))


@numba.njit(**INNER)
def pass_segments(  # noqa: PLR0912 - numba compiles one function faster than many
    bit_lines: Any, sources: int, work: Any, lines: Any
) -> None:
    """Pass the segments of the bit lines below a row, two at a time.

    Parameters
    ----------
    bit_lines : ndarray, shape (C, 2)
    sources : int
        So many of them are joined to bit lines.
    work : ndarray, shape (C, wide, L)
        What joins bit line a to b, where a < b, and to source i at C + i.
    lines : ndarray, shape (2, wide, L)
        Memory.
    """
    block, wide = work.shape[0], work.shape[1]
    last, one, zero, below = (block + sources) * BLOCK, spread(1.0), spread(0.0), wide * BLOCK
    for c in range(0, block, 2):
        # The first of both: all that it is joined to.
        d, ohm = c + 1, spread(bit_lines[c, OHM])
        of_c, of_d, whole = c * below, d * below, zero
        for b in range(c):
            g = load(work, b * below + c * BLOCK)
            store(lines, b * BLOCK, g)
            whole = whole + g
        store(lines, c * BLOCK, zero)
        for n in range(d * BLOCK, last, BLOCK):
            g = load(work, of_c + n)
            store(lines, n, g)
            whole = whole + g
        share = one / (one + ohm * whole)
        taken = ohm * share
        if d == block:
            for a in range(block - 1):
                part = taken * load(lines, a * BLOCK)
                for n in range((a + 1) * BLOCK, last, BLOCK):
                    store(work, a * below + n, load(work, a * below + n) + part * load(lines, n))
                store(work, a * below + c * BLOCK, share * load(lines, a * BLOCK))
            for n in range(d * BLOCK, last, BLOCK):
                store(work, of_c + n, share * load(lines, n))
            continue
        # The second, once the first has passed.
        joined = load(lines, d * BLOCK)
        part, ohm, whole, joined = taken * joined, spread(bit_lines[d, OHM]), share * joined, share * joined
        for b in range(c):
            g = load(work, b * below + d * BLOCK) + part * load(lines, b * BLOCK)
            store(lines, below + b * BLOCK, g)
            whole = whole + g
        for n in range((d + 1) * BLOCK, last, BLOCK):
            g = load(work, of_d + n) + part * load(lines, n)
            store(lines, below + n, g)
            whole = whole + g
        own = one / (one + ohm * whole)
        gone = ohm * own
        for n in range(c * BLOCK, (d + 1) * BLOCK, BLOCK):
            store(lines, n, zero)
            store(lines, below + n, zero)
        # All others, two rows at a time: both of these are either passed or not.
        for a in range(0, block, 2):
            if a == c:
                continue
            at, begun = a * below, last if a + 1 == block else (a + 2) * BLOCK
            f1, g1 = taken * load(lines, a * BLOCK), gone * load(lines, below + a * BLOCK)
            f2, g2 = taken * load(lines, (a + 1) * BLOCK), gone * load(lines, below + (a + 1) * BLOCK)
            for n in range((a + 1) * BLOCK, begun, BLOCK):
                store(work, at + n, load(work, at + n) + f1 * load(lines, n) + g1 * load(lines, below + n))
            for n in range(begun, last, BLOCK):
                f, g = load(lines, n), load(lines, below + n)
                store(work, at + n, load(work, at + n) + f1 * f + g1 * g)
                store(work, at + below + n, load(work, at + below + n) + f2 * f + g2 * g)
        # And both themselves.
        through = gone * joined
        for b in range(c):
            f, g, at = load(lines, b * BLOCK), load(lines, below + b * BLOCK), b * below
            store(work, at + c * BLOCK, share * f + through * g)
            store(work, at + d * BLOCK, own * g)
        store(work, of_c + d * BLOCK, own * joined)
        for n in range((d + 1) * BLOCK, last, BLOCK):
            f, g = load(lines, n), load(lines, below + n)
            store(work, of_c + n, share * f + through * g)
            store(work, of_d + n, own * g)


@numba.njit(**INNER)
def transfer_of_any(cells: Matrix, word_lines: Matrix, bit_lines: Matrix, memory: Blocks, found: Matrix) -> None:
    """Find the currents of every column for 1 V on every row, all others at 0 V.

    Parameters
    ----------
    cells : ndarray, shape (R * C, L)
        Conductances of L chips, row by row, in siemens.
    word_lines, bit_lines : ndarray, shape (R, 2), (C, 2)
        Of each line the ohm of a segment, and the siemens by which its far end is joined: 0 for all bit lines, or for
        ideal ones only.
    memory : ndarray, shape (C + 2, C + R + 1, 8)
    found : ndarray, shape (R * C, L)
        Result: the current of column j for row i at ``i C + j``, in siemens.
    """
    rows, block, lanes = len(word_lines), len(bit_lines), found.shape[1]
    work, lines = memory[:block], memory[block:]
    ways = ways_of(bit_lines)
    for lane in range(0, lanes, BLOCK):
        for way in range(ways):
            begin(bit_lines, 0, work)
            for number in range(rows):
                row = number if way == 0 else rows - 1 - number
                add_row(
                    cells, row * block, lane, word_lines[row, OHM], word_lines[row, FAR], number + ways - 1, work, lines
                )
                pass_segments(bit_lines, number + ways, work, lines)
            for number in range(rows):
                row = number if way == 0 else rows - 1 - number
                for a in range(block):
                    joined = load(work, (a * work.shape[1] + block + number + ways - 1) * BLOCK)
                    place = (row * block + a) * lanes + lane
                    if way == 0:
                        store(found, place, joined)
                    elif bit_lines[a, FAR] > 0.0:
                        store(found, place, load(found, place) + joined)


transfer = apart(Part.TRANSFER)(transfer_of_any)
